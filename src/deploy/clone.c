/* SPDX-License-Identifier: Apache-2.0 */
/* clone.c - the steps that only a clone has.
 * Owns:    nothing; results go into struct install.
 * Trusts:  the master as far as join.c does.
 * Threads: one. */
#include "deploy/clone.h"

#include "auth/user.h"
#include "base/file.h"
#include "deploy/directory.h"
#include "deploy/join.h"
#include "keys/keyid.h"

enum {
	NAMES_TEXT_MAX = 4096,
	NICKS_SHOWN = 120, /* characters of the list in a message */
};

/* --- parameters ------------------------------------------------------------- */

static enum rc
must(struct install *in, const char *param, struct err *e)
{
	if (values_str(in->v, param)[0] != '\0')
		return RC_OK;
	return err_set(e, RC_INVALID,
	    "A value for '%s' MUST be defined in '%s'", param,
	    values_file(in->v));
}

static enum rc
check_bundle(struct install *in, struct err *e)
{
	static const char *const params[] = { "pki_clone_pkcs12_path",
		"pki_clone_pkcs12_password" };
	bool path = values_str(in->v, params[0])[0] != '\0';
	AUTO_BUF der = buf_empty(0);

	for (size_t i = 0; i < 2; i++)
		if (values_bool(in->v, "pki_hsm_enable") &&
		    values_str(in->v, params[i])[0] != '\0')
			return err_set(e, RC_INVALID,
			    "'%s' and '%s' cannot be used with an HSM: the "
			    "clone finds its keys there",
			    params[0], params[1]);
	if (!path)
		return RC_OK;
	if (file_read(&der, values_str(in->v, params[0]), e) != RC_OK)
		return err_prefix(e, "%s", params[0]);
	return must(in, params[1], e);
}

enum rc
clone_check(struct install *in, struct err *e)
{
	const char *security =
	    values_str(in->v, "pki_clone_replication_security");
	char host[JOIN_HOST_MAX];
	int port;
	enum rc rc;

	if (!directory_wanted(in->v))
		return err_set(e, RC_INVALID,
		    "A value for 'pki_ds_url' MUST be defined in '%s': clones "
		    "share a directory or replicate one",
		    values_file(in->v));
	if (!text_ieq(security, "None") && !text_ieq(security, "SSL") &&
	    !text_ieq(security, "TLS"))
		return err_set(e, RC_INVALID,
		    "pki_clone_replication_security: %.32s: None, SSL or TLS",
		    security);
	if ((rc = must(in, "pki_ds_base_dn", e)) != RC_OK ||
	    (rc = join_url(host, &port, values_str(in->v, "pki_clone_uri"),
		 "pki_clone_uri", e)) != RC_OK ||
	    (rc = join_check(in, e)) != RC_OK)
		return rc;
	return check_bundle(in, e);
}

/* --- keys --------------------------------------------------------------------- */

static bool
list_nick(void *arg, const struct keystore_cert *c)
{
	struct buf *b = arg;

	buf_addf(b, "%s\"%s\"", b->len > 0 ? ", " : "", c->nickname);
	return b->len < NICKS_SHOWN;
}

static enum rc
find_key(struct install *in, const struct plan *p, struct err *e)
{
	AUTO_BUF nick = buf_empty(4096), der = buf_empty(CERT_DER_MAX),
		 have = buf_empty(64 * 1024);
	AUTO(key) key = NULL;
	enum rc rc;

	plan_nickname(in, p, &nick);
	rc = keystore_find_pair(in->ks, &key, &der, buf_cstr(&nick), e);
	if (rc != RC_NOTFOUND)
		return rc;
	buf_reset(&der);
	rc = keystore_find_cert(in->ks, &der, buf_cstr(&nick), e);
	if (rc == RC_OK && p == &plan_signing)
		return err_set(e, RC_NOTFOUND,
		    "Unable to find CA private key: no token has the key of "
		    "\"%s\"; take the bundle from the master anew (pki-server "
		    "ca-clone-prepare)",
		    buf_cstr(&nick));
	if (rc == RC_OK)
		return err_set(e, RC_NOTFOUND, "no token has the key of \"%s\"",
		    buf_cstr(&nick));
	if (rc != RC_NOTFOUND)
		return rc;
	rc_ignore(keystore_each_cert(
	    in->ks, NULL, list_nick, &have, NULL)); /* only for the message */
	return err_set(e, RC_NOTFOUND,
	    "no certificate \"%s\": set %s_nickname as on the master; there "
	    "is %.*s",
	    buf_cstr(&nick), p->prefix, NICKS_SHOWN,
	    have.len > 0 ? buf_cstr(&have) : "none");
}

enum rc
clone_find_keys(struct install *in, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && plans_all[i] != NULL; i++)
		if (plans_all[i] != &plan_sslserver &&
		    plan_wanted(in, plans_all[i]))
			rc = find_key(in, plans_all[i], e);
	return rc;
}

/* What the master's CS.cfg says of a key is only a hint: after a new key was
 * made it is stale. The key is found by its certificate; a stale line is told,
 * and CS.cfg gets the right one with the certificate (certs.c). */
static enum rc
check_key_id(struct install *in, const struct plan *p, struct err *e)
{
	const char *said =
	    cfg_getf(in->master, "cloning.%s.privkey.id", p->tag);
	AUTO_BUF nick = buf_empty(4096), der = buf_empty(CERT_DER_MAX);
	AUTO(key) key = NULL;
	char id[KEYID_TEXT_MAX];
	enum rc rc;

	if (said == NULL)
		return RC_OK;
	plan_nickname(in, p, &nick);
	rc = keystore_find_pair(in->ks, &key, &der, buf_cstr(&nick), e);
	if (rc != RC_OK || (rc = keyid_encode(id, key_id(key), e)) != RC_OK)
		return rc;
	if (text_ieq(said, id))
		return RC_OK;
	buf_addf(&in->notes,
	    "      cloning.%s.privkey.id: the master has %.64s, the key of "
	    "its\n"
	    "      certificate is %s; this CA's CS.cfg has the latter.\n\n",
	    p->tag, said, id);
	return RC_OK;
}

/* --- the master's settings -------------------------------------------------- */

/* "ca.signing.certreq,..." of every request that was not given. */
static void
wanted_names(struct install *in, struct buf *out)
{
	buf_add_str(out,
	    "internaldb.ldapauth.password,"
	    "dbs.cert.id.generator,dbs.request.id.generator");
	if (values_bool(in->v, "pki_ds_setup") &&
	    values_bool(in->v, "pki_clone_setup_replication"))
		buf_add_str(out, ",internaldb.replication.password");
	for (size_t i = 0; plans_all[i] != NULL; i++)
		if (plans_all[i] != &plan_sslserver &&
		    plan_wanted(in, plans_all[i]) &&
		    plan_param(in, plans_all[i], "csr_path")[0] == '\0')
			buf_addf(out, ",ca.%s.certreq", plans_all[i]->tag);
}

/* The master's request of a key goes to certs/, where certs.c looks for it. */
static enum rc
keep_request(struct install *in, const struct plan *p, struct err *e)
{
	const char *text = cfg_getf(in->master, "ca.%s.certreq", p->tag);
	AUTO_BUF der = buf_empty(64 * 1024), pem = buf_empty(128 * 1024),
		 path = buf_empty(4096);

	/* one that cannot be read is made anew */
	if (text == NULL || text_base64(&der, view_str(text), NULL) != RC_OK)
		return RC_OK;
	text_add_pem(&pem, "CERTIFICATE REQUEST", buf_view(&der), "\n");
	buf_addf(&path, "%s/%s.csr", in->paths->certs, p->file_id);
	return file_write(buf_cstr(&path), buf_view(&pem), 0660, e);
}

/* Master and clone number in one way. */
static enum rc
check_generator(
    struct install *in, const char *name, const char *param, struct err *e)
{
	const char *theirs = cfg_get(in->master, name),
		   *ours = values_str(in->v, param);
	enum rc rc;

	if (theirs == NULL || strcmp(theirs, ours) == 0)
		return RC_OK;
	if (values_given(in->v, param))
		return err_set(e, RC_INVALID,
		    "%s=%.32s: the master numbers by %.32s, a clone does as "
		    "its master",
		    param, ours, theirs);
	if ((rc = cfg_set(in->cs, name, theirs, e)) != RC_OK ||
	    (rc = values_set(in->v, param, theirs, e)) != RC_OK)
		return rc;
	return install_numbers(in, e);
}

static enum rc
check_same(struct install *in, const char *name, const char *param,
    const char *ours, struct err *e)
{
	const char *theirs = cfg_get(in->master, name);
	bool dn = strcmp(param, "pki_ds_base_dn") == 0;

	if (theirs == NULL ||
	    (dn ? ds_dn_same(theirs, ours) : text_ieq(theirs, ours)))
		return RC_OK;
	return err_set(e, RC_INVALID,
	    "%s: %.100s: the master has %.100s, a clone must have the same",
	    param, ours, theirs);
}

/* Is the directory the master's own? */
static bool
same_directory(struct install *in)
{
	const char *host = cfg_get(in->master, "internaldb.ldapconn.host");
	int64_t port;

	return host != NULL && text_ieq(host, in->db->host) &&
	    cfg_int(in->master, &port, "internaldb.ldapconn.port", 1, 65535,
		DBCONF_PORT, NULL) == RC_OK &&
	    port == in->db->port;
}

static enum rc
check_master(struct install *in, struct err *e)
{
	enum rc rc;

	if ((rc = check_same(in, "internaldb.basedn", "pki_ds_base_dn",
		 in->db->base_dn, e)) != RC_OK ||
	    (rc = check_same(in, "internaldb.database", "pki_ds_database",
		 in->db->database, e)) != RC_OK ||
	    (rc = check_generator(in, "dbs.cert.id.generator",
		 "pki_cert_id_generator", e)) != RC_OK ||
	    (rc = check_generator(in, "dbs.request.id.generator",
		 "pki_request_id_generator", e)) != RC_OK)
		return rc;
	if (values_bool(in->v, "pki_ds_setup") && same_directory(in))
		return err_set(e, RC_EXISTS,
		    "CA database already set up: %s is the master's own "
		    "directory; to share it set pki_ds_setup=False",
		    in->db->url);
	return RC_OK;
}

static enum rc
read_master(struct install *in, struct err *e)
{
	AUTO_BUF names = buf_empty(NAMES_TEXT_MAX);
	enum rc rc;

	install_say(in, "Reading the settings of the master");
	if ((in->master = cfg_new()) == NULL)
		return err_set(e, RC_NOMEM, "settings of the master");
	wanted_names(in, &names);
	rc = domain_client_config(in->join->server, in->master, "ca",
	    in->join->token, buf_cstr(&names),
	    "internaldb,internaldb.ldapauth,internaldb.ldapconn,"
	    "ca.connector.KRA,cloning",
	    e);
	if (rc != RC_OK || (rc = check_master(in, e)) != RC_OK)
		return rc;
	for (size_t i = 0; rc == RC_OK && plans_all[i] != NULL; i++)
		if (plans_all[i] != &plan_sslserver &&
		    plan_wanted(in, plans_all[i]) &&
		    (rc = keep_request(in, plans_all[i], e)) == RC_OK)
			rc = check_key_id(in, plans_all[i], e);
	return rc;
}

/* --- number ranges ------------------------------------------------------------ */

/* A range once taken is the clone's, also when this run is cut off: the mark
 * keeps it for the next one. */
static enum rc
take_range(
    struct install *in, const char *type, enum range_kind kind, struct err *e)
{
	const char *uri = values_str(in->v, "pki_clone_uri"), *kept;
	struct domain_range r = { "", "" };
	char name[64], both[sizeof(r.begin) * 2 + 2], *dash;
	enum rc rc;

	if (!in->ranged[kind])
		return RC_OK;
	snprintf(name, sizeof(name), "range.%s", type);
	kept = mark_get(in->mark, name);
	if (kept != NULL &&
	    strcmp(uri, mark_get(in->mark, "range.master")) == 0) {
		snprintf(both, sizeof(both), "%s", kept);
	} else {
		install_say(in, "Taking a range of %s numbers", type);
		rc = domain_client_range(
		    in->join->server, &r, "ca", type, in->join->token, e);
		if (rc != RC_OK)
			return rc;
		snprintf(both, sizeof(both), "%s-%s", r.begin, r.end);
		rc = mark_set(in->mark, "range.master", uri, e);
		if (rc != RC_OK ||
		    (rc = mark_set(in->mark, name, both, e)) != RC_OK)
			return rc;
	}
	if ((dash = strchr(both, '-')) == NULL)
		return err_set(e, RC_INVALID, "%s: %s", name, both);
	*dash = '\0';
	return install_range_given(in, kind, both, dash + 1, e);
}

static enum rc
take_ranges(struct install *in, struct err *e)
{
	enum rc rc;

	if (!values_bool(in->v, "pki_ds_setup"))
		return RC_OK;
	if ((rc = take_range(in, "request", RANGE_REQUEST, e)) != RC_OK ||
	    (rc = take_range(in, "serialNo", RANGE_SERIAL, e)) != RC_OK ||
	    (rc = take_range(in, "replicaId", RANGE_REPLICA, e)) != RC_OK)
		return rc;
	return cfg_set(in->cs, "dbs.enableSerialManagement", "true", e);
}

enum rc
clone_begin(struct install *in, struct err *e)
{
	enum rc rc;

	if ((rc = join_begin(in, values_str(in->v, "pki_clone_uri"),
		 "pki_clone_uri", e)) != RC_OK ||
	    (rc = read_master(in, e)) != RC_OK)
		return rc;
	return take_ranges(in, e);
}

/* --- CS.cfg -------------------------------------------------------------------- */

/* Does the master manage the domain? Then so does its clone. */
static bool
master_manages(struct install *in)
{
	const struct domain_info *info = in->join->info;
	char host[JOIN_HOST_MAX];
	int port;

	if (join_url(host, &port, values_str(in->v, "pki_clone_uri"), "",
		NULL) != RC_OK)
		return false;
	for (size_t i = 0; i < info->n; i++)
		if (strcmp(info->hosts[i].type, "CA") == 0 &&
		    text_ieq(info->hosts[i].name, host) &&
		    info->hosts[i].secure == port)
			return info->hosts[i].manager;
	/* known by another name: the domain answers where it lives */
	return strcmp(values_str(in->v, "pki_clone_uri"),
		   values_str(in->v, "pki_security_domain_uri")) == 0;
}

enum rc
clone_settings(struct install *in, struct err *e)
{
	char host[JOIN_HOST_MAX], port[8], domain[JOIN_HOST_MAX], dport[8];
	bool manager = master_manages(in);
	int n;
	enum rc rc;

	if ((rc = join_url(host, &n, values_str(in->v, "pki_clone_uri"),
		 "pki_clone_uri", e)) != RC_OK)
		return rc;
	snprintf(port, sizeof(port), "%d", n);
	if ((rc = join_url(domain, &n,
		 values_str(in->v, "pki_security_domain_uri"),
		 "pki_security_domain_uri", e)) != RC_OK)
		return rc;
	snprintf(dport, sizeof(dport), "%d", n);
	const char *const rows[][2] = {
		{ "ca.certStatusUpdateInterval", "0" },
		{ "ca.listenToCloneModifications", "false" },
		{ "ca.crl.MasterCRL.enableCRLCache", "false" },
		{ "ca.crl.MasterCRL.enableCRLUpdates", "false" },
		{ "master.ca.agent.host", host },
		{ "master.ca.agent.port", port },
		{ "securitydomain.name", in->join->info->name },
		{ "securitydomain.select", manager ? "new" : "existing" },
		{ "securitydomain.host",
		    manager ? values_str(in->v, "pki_hostname") : domain },
		{ "securitydomain.httpsadminport",
		    manager ? values_str(in->v, "pki_https_port") : dport },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((rc = cfg_set(in->cs, rows[i][0], rows[i][1], e)) != RC_OK)
			return rc;
	for (size_t i = cfg_lower(in->master, "ca.connector.KRA.");
	     i < cfg_count(in->master); i++) {
		struct cfg_item x = cfg_at(in->master, i);

		if (!text_starts(x.name, "ca.connector.KRA."))
			break;
		if ((rc = cfg_set(in->cs, x.name, x.value, e)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

enum rc
clone_register(struct install *in, struct err *e)
{
	enum rc rc = join_register(in, master_manages(in), true, e);

	if (rc == RC_OK)
		clone_wait(in);
	return rc;
}
