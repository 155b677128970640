/* SPDX-License-Identifier: Apache-2.0 */
/* layout.h - the folders, links and accounts of an instance (spec deployment
 * 1.1, 1.2). */
#ifndef DEPLOY_LAYOUT_H
#define DEPLOY_LAYOUT_H

#include <sys/types.h>

#include "deploy/values.h"
#include "instance/paths.h"

/* Who will own the instance. */
struct owner {
	uid_t uid;
	gid_t gid;
	bool change; /* files must be handed over (we are root) */
};
/* The service account: made when we are root and no root folder is used; else
 * pki_user where it exists, else the owner of the root folder. */
MUST enum rc layout_owner(struct owner *out, struct values *v, struct err *e);

/* Other real folders for configuration and logs, below the root; NULL = the
 * usual ones. What is at the usual place is then a link to them. */
struct layout_folders {
	const char *conf, *logs;
};
/* RC_INVALID unless absolute; RC_EXISTS where something else has the usual
 * place already. */
MUST enum rc layout_folders_check(const struct instance_paths *p,
    const struct layout_folders *f, struct err *e);
/* The folders above those of an instance, searchable by everybody. */
MUST enum rc layout_parents(struct err *e);
/* Folders and links of an instance with a subsystem ("ca"), or of an instance
 * alone (sub NULL). */
MUST enum rc layout_create(const struct instance_paths *p, const char *sub,
    const struct layout_folders *f, struct err *e);
/* Hands everything to the owner. */
MUST enum rc layout_give(
    const struct instance_paths *p, const struct owner *o, struct err *e);
/* After the files came from a backup, perhaps to another machine: the account
 * that the registry names, the folders above and beside them, their owner. */
MUST enum rc layout_restored(const struct instance_paths *p, struct err *e);
/* Registry, service environment, manifest, the user's settings. */
MUST enum rc layout_register(const struct instance_paths *p, const char *sub,
    struct values *v, struct err *e);
/* The list of all that was made, after layout_give. */
MUST enum rc layout_manifest(const struct instance_paths *p, const char *sub,
    const struct owner *o, struct err *e);
/* Removes a subsystem and, when it was the last, the instance. Configuration
 * and logs stay unless asked for. *last tells whether the instance went. */
MUST enum rc layout_remove(const struct instance_paths *p, const char *sub,
    bool conf, bool logs, bool *last, struct err *e);
/* All of an instance with its subsystems; configuration and logs stay unless
 * asked for. */
MUST enum rc layout_remove_instance(
    const struct instance_paths *p, bool conf, bool logs, struct err *e);
/* Is there a CS.cfg of this subsystem? */
bool layout_exists(const struct instance_paths *p, const char *sub);

#endif
