/* SPDX-License-Identifier: Apache-2.0 */
/* create.h - an instance without subsystems, and a subsystem that is not yet
 * configured: what pki-server create and <sub>-create make, for keys and
 * settings to be put in before pkispawn finishes the work. */
#ifndef DEPLOY_CREATE_H
#define DEPLOY_CREATE_H

#include "deploy/layout.h"

struct create_params {
	const char *instance;
	const char *user, *group; /* NULL = pkiuser */
	struct layout_folders folders;
	bool force; /* go on where the instance is there already */
};
/* RC_EXISTS "Instance already exists: x". */
MUST enum rc create_instance(const struct create_params *p, struct err *e);
/* Folders and a CS.cfg with cs.state=0 in an instance that is there. RC_EXISTS
 * "CA subsystem already exists". */
MUST enum rc create_subsystem(
    const struct instance_paths *p, const char *sub, struct err *e);
/* Is the instance there, with or without subsystems? */
bool create_exists(const struct instance_paths *p);

#endif
