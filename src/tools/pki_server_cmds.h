/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_cmds.h - the command tables of pki-server, one or more a file;
 * pki_server_families.c names them all. Each ends with a row whose name is
 * NULL. */
#ifndef TOOLS_PKI_SERVER_CMDS_H
#define TOOLS_PKI_SERVER_CMDS_H

#include "tools/pki_server.h"

/* of the instance */
extern const struct server_cmd server_create[], server_life[], server_backup[],
    server_instance[], server_subsystem[], server_password[], server_cert[],
    server_cert_make[], server_subsystem_cert[], server_nss[],
    server_instance_cert[], server_selftest[], server_listener[],
    server_banner[];
/* of a subsystem; names without "ca-" */
extern const struct server_cmd server_sub_create[], server_deploy[],
    server_config[], server_crl[], server_user[], server_group[], server_acl[],
    server_ca_cert[], server_profile[], server_clone[], server_clones[],
    server_audit[], server_range[], server_generator[], server_restored[],
    server_db[], server_connector[], server_ds_cmds[], server_ds_repl[],
    server_db_all[];
extern const struct server_cmd server_import[];
/* of a CA, and under the same names without "ca-" */
extern const struct server_cmd server_domain[], server_roles[];

#endif
