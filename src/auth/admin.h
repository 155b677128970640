/* SPDX-License-Identifier: Apache-2.0 */
/* admin.h - users, groups and access rules as pki-server asks for them: the
 * commands of the control socket that every subsystem has, which also run over
 * a store that no server has open (spec deployment 7.6). */
#ifndef AUTH_ADMIN_H
#define AUTH_ADMIN_H

#include <jansson.h>

#include "store/store.h"

/* Runs one command and appends its JSON result (nothing = null):
 *   user-find {seeAlso?, start?, size?}, user-show {id}, user-add {id, fullName,
 *   email?, phone?, type?, state?, password?, cert?}, user-mod (the same, and
 *   attrs [{name, value}], addSeeAlso?, delSeeAlso?; an empty password takes
 *   the user's away), user-del {id},
 *   user-cert-find {id}, user-cert-add {id, cert}, user-cert-del {id, certId},
 *   user-role-find {id}, user-role-add {id, group}, user-role-del {id, group},
 *   group-find {member?, start?, size?}, group-show, group-del {group},
 *   group-add {group, description?}, group-member-find {group},
 *   acl-find, acl-add {acl}, acl-del {acl}.
 * Certificates are base64 DER. The caller has checked that the asker may do
 * this. RC_UNSUPPORTED for a word it does not know; *wrote tells whether it is
 * one that changes records. */
MUST enum rc auth_admin(struct store *s, const char *command,
    const json_t *args, struct buf *out, bool *wrote, struct err *e);

#endif
