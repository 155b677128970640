/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_ds.h - the directory that a command of pki-server works on. */
#ifndef TOOLS_PKI_SERVER_DS_H
#define TOOLS_PKI_SERVER_DS_H

#include "deploy/directory.h"
#include "tools/pki_server.h"

/* The directory of the subsystem by its CS.cfg; d NULL = without connecting.
 * RC_UNSUPPORTED when its records are in the embedded store. */
MUST enum rc server_ds(
    struct server *s, struct dbconf **conf, struct ds_admin **d, struct err *e);
/* The same, with --url, --bind-dn, --bind-password and --suffix in the place of
 * what CS.cfg says. RC_USAGE "Missing database URL" and its like when neither
 * says it. */
MUST enum rc server_ds_args(struct server *s, const struct args *a,
    struct dbconf **conf, struct ds_admin **d, struct err *e);
/* Prints progress with --verbose; arg is the struct server. */
void server_ds_say(void *arg, const char *line);

#endif
