/* SPDX-License-Identifier: Apache-2.0 */
/* dbconf.c - from CS.cfg to a store.
 * Owns:    struct dbconf.
 * Trusts:  the instance's own files.
 * Threads: one. */
#include "instance/dbconf.h"

#include <string.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "instance/password.h"

enum {
	PORT_MAX = 65535,
	CONNECTIONS_MAX = 1000,
	TRUST_MAX = 4 * 1024 * 1024,
	DBCONF_CERT_MAX = 64 * 1024,
};

bool
dbconf_is_directory(const struct cfg *cs)
{
	const char *type = cfg_str(cs, "dbs.type", NULL);

	if (type != NULL)
		return strcmp(type, "embedded") != 0;
	return cfg_str(cs, "internaldb.basedn", NULL) != NULL;
}

void
dbconf_free(struct dbconf *c)
{
	if (c == NULL)
		return;
	free(c->host);
	free(c->bind_dn);
	free(c->base_dn);
	free(c->database);
	free(c->url);
	free(c->ca_file);
	free(c->spool);
	free(c->subsystem);
	free(c->domain);
	secret_free(c->password);
	secret_free(c->client_key);
	buf_done(&c->client_cert);
	free(c);
}

enum rc
dbconf_make_url(struct dbconf *c, struct err *e)
{
	AUTO_BUF url = buf_empty(0);
	bool v6 = c->host != NULL && strchr(c->host, ':') != NULL;

	if (c->host == NULL)
		return err_set(e, RC_INVALID, "internaldb.ldapconn.host");
	buf_addf(&url, "%s://%s%s%s:%lld", c->secure ? "ldaps" : "ldap",
	    v6 ? "[" : "", c->host, v6 ? "]" : "", (long long)c->port);
	free(c->url);
	c->url = buf_steal_str(&url);
	return c->url != NULL ? RC_OK : err_set(e, RC_NOMEM, "directory");
}

/* --- trust ----------------------------------------------------------------- */

char *
dbconf_trust_path(const struct instance_paths *paths)
{
	AUTO_BUF path = buf_empty(4096);

	buf_addf(&path, "%s/ds-issuers.pem", paths->host);
	return buf_steal_str(&path);
}

/* The C of the first of three columns: an issuer of servers' certificates. */
static bool
add_issuer(void *arg, const struct keystore_cert *c)
{
	struct buf *pem = arg;
	const char *trust = c->trust != NULL ? c->trust : "";

	if (memchr(trust, 'C', strcspn(trust, ",")) != NULL)
		text_add_pem(pem, "CERTIFICATE", c->der, "\n");
	return true;
}

enum rc
dbconf_write_trust(
    const struct instance_paths *paths, struct keystore *ks, struct err *e)
{
	AUTO_STR path = dbconf_trust_path(paths);
	AUTO_BUF pem = buf_empty(TRUST_MAX);
	AUTO_BUF old = buf_empty(TRUST_MAX);
	enum rc rc;

	if (path == NULL)
		return err_set(e, RC_NOMEM, "directory");
	if ((rc = keystore_each_cert(ks, NULL, add_issuer, &pem, e)) != RC_OK ||
	    (rc = buf_check(&pem, e)) != RC_OK ||
	    (rc = file_mkdirs(paths->host, 0770, e)) != RC_OK)
		return rc;
	if (pem.len == 0)
		return err_set(e, RC_INVALID,
		    "directory: no issuer in %s is trusted for TLS (trust C)",
		    paths->alias);
	/* unchanged: nothing to write, perhaps no right to */
	if (file_exists(path) && file_read(&old, path, NULL) == RC_OK &&
	    strcmp(buf_cstr(&old), buf_cstr(&pem)) == 0)
		return RC_OK;
	return file_write(path, buf_view(&pem), 0640, e);
}

/* --- reading ----------------------------------------------------------------- */

static bool
copy(char **out, const char *s)
{
	return (*out = strdup(s)) != NULL;
}

static enum rc
read_address(struct dbconf *c, const struct cfg *cs, struct err *e)
{
	static const char *const needed[] = { "internaldb.ldapconn.host",
		"internaldb.basedn" };
	enum rc rc;

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (cfg_str(cs, needed[i], NULL) == NULL)
			return err_set(e, RC_INVALID,
			    "%s: missing; the records are in a directory",
			    needed[i]);
	c->secure = cfg_bool(cs, "internaldb.ldapconn.secureConn", false);
	c->starttls =
	    !c->secure && cfg_bool(cs, "internaldb.ldapconn.startTLS", false);
	if (!copy(&c->host, cfg_get(cs, "internaldb.ldapconn.host")) ||
	    !copy(&c->base_dn, cfg_get(cs, "internaldb.basedn")) ||
	    !copy(
		&c->database, cfg_str(cs, "internaldb.database", "userroot")) ||
	    !copy(&c->bind_dn,
		cfg_str(
		    cs, "internaldb.ldapauth.bindDN", "cn=Directory Manager")))
		return err_set(e, RC_NOMEM, "directory");
	if ((rc = cfg_int(cs, &c->port, "internaldb.ldapconn.port", 1, PORT_MAX,
		 c->secure ? DBCONF_SECURE_PORT : DBCONF_PORT, e)) != RC_OK ||
	    (rc = cfg_int(cs, &c->max_conns, "internaldb.maxConns", 1,
		 CONNECTIONS_MAX, DBCONF_CONNECTIONS, e)) != RC_OK ||
	    (rc = cfg_int(cs, &c->timeout_ms, "internaldb.ldapconn.timeoutMs",
		 100, DBCONF_TIMEOUT_MAX_MS, DBCONF_TIMEOUT_MS, e)) != RC_OK ||
	    (rc = cfg_int(cs, &c->ack, "dbs.ackReplicas", 0, DBCONF_ACK_MAX, 0,
		 e)) != RC_OK ||
	    (rc = cfg_int(cs, &c->ack_ms, "dbs.ackReplicasTimeoutMs", 1,
		 DBCONF_TIMEOUT_MAX_MS, DBCONF_ACK_MS, e)) != RC_OK)
		return rc;
	return dbconf_make_url(c, e);
}

/* --- who binds --------------------------------------------------------------- */

struct pins {
	const struct cfg *passwords;
	const char *instance;
};

static struct secret *
token_pin(void *arg, const char *token)
{
	const struct pins *p = arg;
	struct secret *s;

	return password_token(&s, p->passwords, p->instance, token, NULL) ==
		RC_OK
	    ? s
	    : NULL;
}

/* The client certificate; its key must be in the instance's own database. */
static enum rc
read_client(
    struct dbconf *c, const struct cfg *cs, struct keystore *ks, struct err *e)
{
	static const char setting[] = "internaldb.ldapauth.clientCertNickname";
	const char *nick = cfg_str(cs, setting, "");
	AUTO(key) k = NULL;
	enum rc rc;

	if (!c->secure && !c->starttls)
		return err_set(e, RC_INVALID,
		    "internaldb.ldapauth.authtype=SslClientAuth needs "
		    "internaldb.ldapconn.secureConn or startTLS");
	if (nick[0] == '\0')
		return err_set(e, RC_INVALID,
		    "%s: missing; internaldb.ldapauth.authtype=SslClientAuth "
		    "needs it",
		    setting);
	rc = keystore_find_pair(ks, &k, &c->client_cert, nick, e);
	if (rc == RC_OK)
		rc = key_export(k, &c->client_key, e);
	if (rc == RC_UNSUPPORTED)
		return err_set(e, rc,
		    "%s=%s: its key is in a token that keeps it, and libldap "
		    "needs it in memory; use a certificate whose key is in the "
		    "instance's database, or authtype BasicAuth",
		    setting, nick);
	return rc == RC_OK ? RC_OK : err_prefix(e, "%s=%s", setting, nick);
}

static enum rc
read_identity(struct dbconf *c, const struct cfg *cs,
    const struct cfg *passwords, const struct instance_paths *paths,
    struct keystore *ks, struct err *e)
{
	const char *how =
	    cfg_str(cs, "internaldb.ldapauth.authtype", "BasicAuth");
	struct pins pins = { passwords, paths->name };
	struct keystore_open_params p = { .dir = paths->alias,
		.read_only = true,
		.pin = token_pin,
		.pin_arg = &pins };
	AUTO(keystore) own = NULL;
	enum rc rc = RC_OK;

	if (text_ieq(how, "BasicAuth"))
		return password_find(&c->password, passwords, paths->name,
		    cfg_str(
			cs, "internaldb.ldapauth.bindPWPrompt", "internaldb"),
		    e);
	if (!text_ieq(how, "SslClientAuth"))
		return err_set(e, RC_INVALID,
		    "internaldb.ldapauth.authtype: neither BasicAuth nor "
		    "SslClientAuth");
	if (ks == NULL)
		rc = keystore_open(&own, &p, e);
	return rc == RC_OK ? read_client(c, cs, ks != NULL ? ks : own, e) : rc;
}

enum rc
dbconf_new(struct dbconf **out, const struct cfg *cs,
    const struct cfg *passwords, const struct instance_paths *paths,
    const char *sub, struct keystore *ks, struct err *e)
{
	AUTO(dbconf) c = calloc(1, sizeof(*c));
	AUTO_BUF spool = buf_empty(4096);
	enum rc rc;

	if (c == NULL || !copy(&c->subsystem, sub))
		return err_set(e, RC_NOMEM, "directory");
	c->client_cert = buf_empty(DBCONF_CERT_MAX);
	if ((rc = read_address(c, cs, e)) != RC_OK)
		return rc;
	if (strcmp(cfg_str(cs, "securitydomain.select", ""), "new") == 0 &&
	    cfg_get(cs, "securitydomain.name") != NULL &&
	    !copy(&c->domain, cfg_get(cs, "securitydomain.name")))
		return err_set(e, RC_NOMEM, "directory");
	buf_addf(&spool, "%s/%s-spool", paths->host, sub);
	if ((c->spool = buf_steal_str(&spool)) == NULL)
		return err_set(e, RC_NOMEM, "directory");
	/* the others' directories may want TLS */
	if (c->secure || c->starttls || c->ack > 0) {
		c->ca_file = dbconf_trust_path(paths);
		if (c->ca_file == NULL)
			return err_set(e, RC_NOMEM, "directory");
		if (ks != NULL &&
		    (rc = dbconf_write_trust(paths, ks, e)) != RC_OK)
			return rc;
	}
	rc = read_identity(c, cs, passwords, paths, ks, e);
	if (rc == RC_OK)
		*out = dbconf_steal(&c);
	return rc;
}

struct ldap_params
dbconf_params(const struct dbconf *c, const struct clock *clock)
{
	return (struct ldap_params){
		.url = c->url,
		.starttls = c->starttls,
		.ca_file = c->ca_file,
		.bind_dn = c->bind_dn,
		.password = c->password,
		.client_cert = buf_view(&c->client_cert),
		.client_key = c->client_key,
		.base_dn = c->base_dn,
		.database = c->database,
		.subsystem = c->subsystem,
		.spool_dir = c->spool,
		.domain = c->domain,
		.clock = clock,
		.timeout_ms = (int)c->timeout_ms,
		.connections = (size_t)c->max_conns,
		.ack_replicas = (unsigned)c->ack,
		.ack_timeout_ms = (int)c->ack_ms,
	};
}

enum rc
dbconf_save(const struct dbconf *c, struct cfg *cs, struct err *e)
{
	char port[24];
	const char *const rows[][2] = {
		{ "dbs.type", "ldap" },
		{ "dbs.ldap", "internaldb" },
		{ "internaldb.ldapconn.host", c->host },
		{ "internaldb.ldapconn.port", port },
		{ "internaldb.ldapconn.secureConn",
		    c->secure ? "true" : "false" },
		{ "internaldb.ldapauth.bindDN", c->bind_dn },
		{ "internaldb.basedn", c->base_dn },
		{ "internaldb.database", c->database },
	};
	/* set once, then the administrator's */
	static const char *const defaults[][2] = {
		{ "internaldb.ldapauth.authtype", "BasicAuth" },
		{ "internaldb.ldapauth.bindPWPrompt", "internaldb" },
		{ "internaldb.ldapauth.clientCertNickname", "" },
		{ "internaldb.maxConns", "15" },
		{ "internaldb.minConns", "3" },
		{ "internaldb.multipleSuffix.enable", "false" },
	};
	enum rc rc = RC_OK;

	snprintf(port, sizeof(port), "%lld", (long long)c->port);
	for (size_t i = 0; rc == RC_OK && i < sizeof(rows) / sizeof(*rows); i++)
		rc = cfg_set(cs, rows[i][0], rows[i][1], e);
	for (size_t i = 0;
	     rc == RC_OK && i < sizeof(defaults) / sizeof(*defaults); i++)
		if (cfg_get(cs, defaults[i][0]) == NULL)
			rc = cfg_set(cs, defaults[i][0], defaults[i][1], e);
	return rc;
}

/* --- stores ------------------------------------------------------------------ */

enum rc
dbconf_open_store(struct store **out, const struct cfg *cs,
    const struct cfg *passwords, const struct instance_paths *paths,
    const char *sub, struct keystore *ks, const struct clock *clock,
    struct err *e)
{
	enum rc rc;

	if (dbconf_is_directory(cs)) {
		AUTO(dbconf) c = NULL;

		rc = dbconf_new(&c, cs, passwords, paths, sub, ks, e);
		if (rc != RC_OK)
			return rc;
		struct ldap_params p = dbconf_params(c, clock);
		return store_open_ldap(out, &p, e);
	}
	AUTO_STR dir = paths_store(paths, sub);
	struct lmdb_params l = { .dir = dir, .clock = clock };

	if (dir == NULL)
		return err_set(e, RC_NOMEM, "store");
	return store_open_lmdb(out, &l, e);
}
