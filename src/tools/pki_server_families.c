/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_families.c - every family of commands of pki-server, in the order
 * of the help.
 * Owns: nothing. Trusts: nothing. Threads: constant data. */
#include "tools/pki_server_cmds.h"

#define ALL "ca kra ocsp tks tps"

const struct server_family server_families[] = {
	{ "", "", server_create, NULL },
	{ "", "", server_life, NULL },
	{ "", "", server_backup, NULL },
	{ "instance", "Instance management commands", server_instance, NULL },
	{ "instance", "Instance management commands", server_instance_cert,
	    NULL },
	{ "subsystem", "Subsystem management commands", server_subsystem,
	    NULL },
	{ "subsystem-cert", "Subsystem certificate commands",
	    server_subsystem_cert, NULL },
	{ "cert", "System certificate commands", server_cert, NULL },
	{ "cert", "System certificate commands", server_cert_make, NULL },
	{ "nss", "NSS database commands", server_nss, NULL },
	{ "selftest", "Self test commands", server_selftest, NULL },
	{ "listener", "Listener commands", server_listener, NULL },
	{ "banner", "Banner commands", server_banner, NULL },
	{ "db", "Database commands", server_db_all, NULL },
	{ "password", "Password management commands", server_password, NULL },
	{ "sd", "Security domain commands (older names)", server_domain, NULL },
	{ "", "", server_sub_create, "ca" },
	{ "", "", server_deploy, ALL },
	{ "config", "Configuration management commands", server_config, ALL },
	{ "crl", "CRL management commands", server_crl, "ca" },
	{ "role", "Commands that move the CRL role", server_roles, "ca" },
	{ "cert", "Certificate and request commands", server_ca_cert, "ca" },
	{ "cert", "Certificate and request commands", server_import, "ca" },
	{ "profile", "Profile commands", server_profile, "ca" },
	{ "user", "User commands", server_user, ALL },
	{ "group", "Group commands", server_group, ALL },
	{ "acl", "Access rule commands", server_acl, ALL },
	{ "sd", "Security domain commands", server_domain, "ca" },
	{ "connector", "Connector commands", server_connector, "ca" },
	{ "db", "Database commands", server_ds_cmds, "ca" },
	{ "db", "Database commands", server_ds_repl, "ca" },
	{ "db", "Database commands", server_db, "ca" },
	{ "range", "Number range commands", server_range, "ca kra" },
	{ "id", "Number generator commands", server_generator, "ca kra" },
	{ "restore", "Restored instance commands", server_restored, ALL },
	{ "audit", "Audit commands", server_audit, ALL },
	{ "clone", "Clone commands", server_clone, ALL },
	{ "clone", "Clone commands", server_clones, "ca" },
	{ NULL, NULL, NULL, NULL },
};
