/* SPDX-License-Identifier: Apache-2.0 */
/* acl.h - the ACL language of resourceACLS (spec ca 6.1): a check gathers the
 * entries of a resource and of its ancestors; one matching deny refuses,
 * otherwise one matching allow grants, otherwise refused. */
#ifndef AUTH_ACL_H
#define AUTH_ACL_H

#include "auth/principal.h"

struct acl;

/* The default table of a subsystem ("ca"): the resourceACLS values, written at
 * installation; NULL-terminated. */
const char *const *acl_defaults(const char *subsystem);

/* Reads cn=aclResources. An entry that cannot be read is an error: it might be
 * a deny. */
MUST enum rc acl_load(struct acl **out, struct store *s, struct err *e);
/* One text form entry added to a table (NULL *a makes one). */
MUST enum rc acl_add(struct acl **a, const char *text, struct err *e);
void acl_free(struct acl *a);
OWNED(acl)

/* RC_OK, RC_AUTH when nobody is logged in and that is why, or RC_DENIED. peer
 * is the numeric address for ipaddress terms. */
MUST enum rc acl_check(const struct acl *a, const struct principal *p,
    const char *peer, const char *resource, const char *op, struct err *e);
/* An expression by itself (authz.acl of a profile). */
MUST enum rc acl_eval(const char *expr, const struct principal *p,
    const char *peer, bool *out, struct err *e);

#endif
