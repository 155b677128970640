/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_families.c - every family of commands of pki-server, in the order
 * of the help.
 * Owns: nothing. Trusts: nothing. Threads: constant data. */
#include "tools/pki_server_cmds.h"

#define ALL "ca kra ocsp tks tps"

const struct server_family server_families[] = {
	{ "", "", server_life, NULL },
	{ "instance", "Instance management commands", server_instance, NULL },
	{ "subsystem", "Subsystem management commands", server_subsystem,
	    NULL },
	{ "", "", server_deploy, ALL },
	{ NULL, NULL, NULL, NULL },
};
