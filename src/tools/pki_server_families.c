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
	{ "subsystem-cert", "Subsystem certificate commands",
	    server_subsystem_cert, NULL },
	{ "cert", "System certificate commands", server_cert, NULL },
	{ "cert", "System certificate commands", server_cert_make, NULL },
	{ "password", "Password management commands", server_password, NULL },
	{ "", "", server_deploy, ALL },
	{ "config", "Configuration management commands", server_config, ALL },
	{ "crl", "CRL management commands", server_crl, "ca" },
	{ "cert", "Certificate and request commands", server_ca_cert, "ca" },
	{ "profile", "Profile commands", server_profile, "ca" },
	{ "user", "User commands", server_user, ALL },
	{ "group", "Group commands", server_group, ALL },
	{ "acl", "Access rule commands", server_acl, ALL },
	{ "clone", "Clone commands", server_clone, ALL },
	{ NULL, NULL, NULL, NULL },
};
