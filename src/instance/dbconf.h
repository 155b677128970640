/* SPDX-License-Identifier: Apache-2.0 */
/* dbconf.h - where the records of a subsystem are: the embedded store, or the
 * directory that internaldb.* of its CS.cfg names (spec deployment 1.5). */
#ifndef INSTANCE_DBCONF_H
#define INSTANCE_DBCONF_H

#include "base/cfg.h"
#include "instance/paths.h"
#include "keys/keystore.h"
#include "store/store.h"

enum {
	DBCONF_PORT = 389,
	DBCONF_SECURE_PORT = 636,
	DBCONF_CONNECTIONS = 15,
	DBCONF_TIMEOUT_MS = 5000,
	DBCONF_TIMEOUT_MAX_MS = 300000,
	DBCONF_ACK_MAX = 16,
	DBCONF_ACK_MS = 5000,
};
/* A directory and the suffix in it. */
struct dbconf {
	char *host, *bind_dn, *base_dn, *database;
	int64_t port, max_conns;
	int64_t timeout_ms; /* of an operation; internaldb.ldapconn.timeoutMs */
	int64_t ack, ack_ms; /* dbs.ackReplicas, dbs.ackReplicasTimeoutMs */
	bool secure;         /* LDAPS */
	bool starttls;       /* internaldb.ldapconn.startTLS */
	char *url;           /* of the above */
	char *ca_file;       /* trusted issuers, NULL where none are needed */
	char *spool;         /* host-local folder for effects and cursor */
	char *subsystem;     /* "ca" */
	char *domain;        /* name of the security domain, NULL = none */
	struct secret *password; /* NULL with a client certificate: */
	struct buf client_cert;
	struct secret *client_key;
};

/* Are its records in a directory? dbs.type=embedded says no, dbs.type=ldap yes;
 * without it (a CS.cfg of the model) internaldb.basedn decides. */
bool dbconf_is_directory(const struct cfg *cs);
/* Reads internaldb.*. The password is looked for as password_find does, by the
 * name that internaldb.ldapauth.bindPWPrompt gives; with authtype SslClientAuth
 * certificate and key come from ks (NULL: from the alias folder's database). On LDAPS or StartTLS the
 * certificates that ks trusts as issuers are written to ca_file; with ks NULL
 * the file of the last time serves. RC_INVALID names the setting. */
MUST enum rc dbconf_new(struct dbconf **out, const struct cfg *cs,
    const struct cfg *passwords, const struct instance_paths *paths,
    const char *sub, struct keystore *ks, struct err *e);
void dbconf_free(struct dbconf *c);
OWNED(dbconf)
/* Writes the issuers that ks trusts (C flag of TLS) as PEM to where dbconf_new
 * expects them. */
MUST enum rc dbconf_write_trust(
    const struct instance_paths *paths, struct keystore *ks, struct err *e);
/* Where that file is; malloc'ed, NULL when memory is out. */
char *dbconf_trust_path(const struct instance_paths *paths);
/* Works url out anew after host, port or secure were changed. */
MUST enum rc dbconf_make_url(struct dbconf *c, struct err *e);
/* Its parameters for the store's functions; they borrow from c. */
struct ldap_params dbconf_params(
    const struct dbconf *c, const struct clock *clock);
/* Writes internaldb.* and dbs.type (not the password). */
MUST enum rc dbconf_save(const struct dbconf *c, struct cfg *cs, struct err *e);

/* Opens the store of a subsystem, whichever it is. The other arguments are as
 * for dbconf_new. */
MUST enum rc dbconf_open_store(struct store **out, const struct cfg *cs,
    const struct cfg *passwords, const struct instance_paths *paths,
    const char *sub, struct keystore *ks, const struct clock *clock,
    struct err *e);

#endif
