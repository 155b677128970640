/* SPDX-License-Identifier: Apache-2.0 */
/* install_ca.h - what pkispawn and pkidestroy do (spec deployment 2). */
#ifndef DEPLOY_INSTALL_CA_H
#define DEPLOY_INSTALL_CA_H

#include "deploy/layout.h"
#include "deploy/values.h"

struct spawn_params {
	struct values *values;                    /* checked */
	struct layout_folders folders;            /* --conf, --logs */
	bool precheck;                            /* validate only */
	bool no_start;                            /* leave the server down */
	bool skip_configuration;                  /* step one only */
	bool skip_installation;                   /* step two only */
	void (*say)(void *arg, const char *line); /* progress, may be NULL */
	void *arg;
};
struct spawn_result {
	struct buf summary; /* the text that pkispawn prints at its end */
};
/* Refusals name the parameter; when a later step fails everything made so far
 * is removed. */
MUST enum rc spawn_ca(
    const struct spawn_params *p, struct spawn_result *out, struct err *e);

struct destroy_params {
	const char *instance, *subsystem; /* "pki-tomcat", "CA" */
	bool remove_conf, remove_logs, force;
};
/* Stops the server and removes the subsystem, with the instance when it was the
 * last one. RC_NOTFOUND "No such instance: x", or no such subsystem in it. */
MUST enum rc spawn_destroy(const struct destroy_params *p, struct err *e);

#endif
