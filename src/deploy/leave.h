/* SPDX-License-Identifier: Apache-2.0 */
/* leave.h - a subsystem that is being removed leaves its security domain (spec
 * deployment 2.1, 8). */
#ifndef DEPLOY_LEAVE_H
#define DEPLOY_LEAVE_H

#include "base/err.h"
#include "instance/paths.h"

/* Takes the subsystem ("ca") and its user out of the domain: in the directory
 * that it shares with other managers, or by asking the manager with the
 * subsystem certificate. RC_OK too where there is nothing to leave: no domain, or
 * one that goes with the embedded store. The server must not run. */
MUST enum rc leave_domain(
    const struct instance_paths *paths, const char *sub, struct err *e);

#endif
