/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - start and stop the daemon of an instance: through systemd where
 * the machine runs it and our unit is installed, else as a process of its
 * own. */
#ifndef DEPLOY_SERVICE_H
#define DEPLOY_SERVICE_H

#include <stdbool.h>

#include "instance/paths.h"

enum {
	SERVICE_WAIT_MS = 60000
};

/* Starts pkid in the background; with wait_ms > 0 returns when it serves and
 * its pid file is there.
 * RC_CONFLICT when it runs already; otherwise the daemon's own sentence. */
MUST enum rc service_start(
    const struct instance_paths *p, int wait_ms, struct err *e);
/* Waits for one that another process has started until it serves. RC_NOTFOUND:
 * none holds the instance. */
MUST enum rc service_await(
    const struct instance_paths *p, int wait_ms, struct err *e);
/* SIGTERM, then waits until it is gone. RC_NOTFOUND when it does not run. */
MUST enum rc service_stop(
    const struct instance_paths *p, int wait_ms, struct err *e);
/* Makes, and removes, the links that start the instance with the machine (spec
 * deployment 1.2): its own below pki-tomcatd.target, and the target's, which
 * goes with the last instance. */
MUST enum rc service_enable(const struct instance_paths *p, struct err *e);
/* service_enable where the instance's own link is there, as after a restore. */
MUST enum rc service_enable_again(
    const struct instance_paths *p, struct err *e);
MUST enum rc service_disable(const struct instance_paths *p, struct err *e);
/* Does a process hold the instance: is it starting, serving or stopping? */
bool service_held(const struct instance_paths *p);
/* Does it answer on its control socket? */
bool service_running(const struct instance_paths *p);
/* Process id of the daemon, 0 when it does not run. */
int service_pid(const struct instance_paths *p);
/* Path of the pkid program: beside this one, in the build tree, or installed;
 * malloc'ed. */
char *service_program(void);

#endif
