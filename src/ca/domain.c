/* SPDX-License-Identifier: Apache-2.0 */
/* domain.c - the CA in its security domain (spec deployment 8).
 * Owns:    struct ca_domain, read-only after the start but for next_purge_ms.
 * Trusts:  the manager, whose certificate must chain to a trusted issuer.
 * Threads: workers; ca_domain_tick on the timer's. */
#include "ca/domain.h"

#include "auth/user.h"
#include "base/log.h"
#include "ca/state.h"
#include "domain/domain_client.h"
#include "keys/roots.h"

enum {
	CHECK_MS = 300000,  /* of the shipped CS.cfg */
	LIFE_MS = 86400000, /* likewise */
	CHECK_MIN_MS = 1000,
	REMOTE_MS = 10000, /* a manager that hangs holds no worker longer */
	RETRY_MS = 60000,
	MEMBER_CHECK_MS = 3600000
};

struct ca_domain {
	bool manager, check_ip;
	char *name, *host;
	int64_t port, check_ms, life_ms;
	int64_t next_purge_ms; /* the timer's */
};

void
ca_domain_free(struct ca_domain *d)
{
	if (d == NULL)
		return;
	free(d->name);
	free(d->host);
	free(d);
}

enum rc
ca_domain_new(struct ca *ca, struct ca_domain **out, struct err *e)
{
	AUTO(ca_domain) d = calloc(1, sizeof(*d));
	const struct cfg *c = ca->cfg;
	enum rc rc;

	if (d == NULL)
		return err_set(e, RC_NOMEM, "security domain");
	d->manager =
	    strcmp(cfg_str(c, "securitydomain.select", "none"), "new") == 0;
	d->check_ip = cfg_bool(c, "securitydomain.checkIP", false);
	d->name = strdup(cfg_str(c, "securitydomain.name", ""));
	d->host = strdup(cfg_str(c, "securitydomain.host", ""));
	if (d->name == NULL || d->host == NULL)
		return err_set(e, RC_NOMEM, "security domain");
	if ((rc = cfg_int(c, &d->port, "securitydomain.httpsadminport", 1,
		 65535, 8443, e)) != RC_OK ||
	    (rc = cfg_int(c, &d->check_ms, "securitydomain.checkinterval",
		 CHECK_MIN_MS, INT32_MAX, CHECK_MS, e)) != RC_OK ||
	    (rc = cfg_int(c, &d->life_ms, "securitydomain.flushinterval", 1,
		 INT64_MAX, LIFE_MS, e)) != RC_OK)
		return rc;
	*out = ca_domain_steal(&d);
	return RC_OK;
}

bool
ca_domain_hosted(const struct ca *ca)
{
	return ca->domain->manager;
}

enum rc
ca_domain_check(const struct ca *ca, struct err *e)
{
	return ca->domain->manager
	    ? RC_OK
	    : err_set(e, RC_NOTFOUND, "Security domain not available");
}

const char *
ca_domain_name(const struct ca *ca)
{
	return ca->domain->name;
}

/* --- tokens -------------------------------------------------------------------- */

static enum rc
token_here(struct ca *ca, struct domain_session *out, const char *token,
    const char *peer, struct err *e)
{
	const struct ca_domain *d = ca->domain;
	struct domain_session x;
	enum rc rc = domain_session_find(
	    ca->store, &x, token, clock_now_ms(ca->clock), d->life_ms, e);

	if (rc != RC_OK)
		return rc;
	if (d->check_ip && strcmp(x.address, peer) != 0)
		return err_set(e, RC_AUTH,
		    "install token: drawn by %.40s, shown by %.40s", x.address,
		    peer);
	*out = x;
	return RC_OK;
}

static enum rc
token_there(struct ca *ca, struct domain_session *out, const char *token,
    const char *peer, struct err *e)
{
	const struct ca_domain *d = ca->domain;
	AUTO(roots) roots = NULL;
	AUTO(domain_client) client = NULL;
	AUTO(secret) t = secret_new(view_str(token));
	AUTO_BUF url = buf_empty(0);
	struct domain_client_params p = { .timeout_ms = REMOTE_MS,
		.patience_ms = -1 };
	enum rc rc;

	if (d->host[0] == '\0')
		return err_set(e, RC_AUTH,
		    "install token: this CA is in no security domain "
		    "(securitydomain.host is not set)");
	if (t == NULL)
		return err_set(e, RC_NOMEM, "install token");
	buf_addf(&url, "https://%s:%lld", d->host, (long long)d->port);
	p.url = buf_cstr(&url);
	rc = roots_load(&roots, instance_keystore(ca->instance), "C", e);
	if (rc != RC_OK)
		return rc;
	p.cas = roots->items;
	p.n_cas = roots->n;
	if ((rc = domain_client_new(&client, &p, e)) != RC_OK)
		return rc;
	return domain_client_token(client, out, t, peer, e);
}

enum rc
ca_domain_token(struct ca *ca, struct domain_session *out, const char *token,
    const char *peer, struct err *e)
{
	enum rc rc = ca->domain->manager ? token_here(ca, out, token, peer, e)
					 : token_there(ca, out, token, peer, e);

	if (rc == RC_OK || rc == RC_AUTH || rc == RC_NOTFOUND)
		rc_ignore(audit_event(ca->audit,
		    AUDIT_ENTRY("AUTH", rc == RC_OK ? out->uid : NULL,
			rc == RC_OK,
			rc == RC_OK ? "authentication success"
				    : "authentication failure",
			{ "AuthMgr", "TokenAuth" }),
		    NULL)); /* a failed audit log stops the CA in tick */
	return rc;
}

enum rc
ca_domain_unspent(const struct domain_session *x, struct err *e)
{
	return x->spent ? err_set(e, RC_AUTH,
			      "install token: spent, its host %.100s has "
			      "joined the domain; ask for a new one",
			      x->host)
			: RC_OK;
}

struct principal *
ca_domain_principal(const struct domain_session *x)
{
	AUTO(principal) p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->method = AUTH_TOKEN;
	p->uid = strdup(x->uid);
	p->full_name = strdup(x->uid);
	p->groups = calloc(2, sizeof(*p->groups));
	if (p->uid == NULL || p->full_name == NULL || p->groups == NULL ||
	    (p->groups[0] = strdup(x->group)) == NULL)
		return NULL;
	return principal_steal(&p);
}

/* "name;;value+..." of an event's ParamNameValPairs. */
static void
audit_domain(struct ca *ca, const char *who, bool ok, const struct buf *pairs)
{
	rc_ignore(audit_event(ca->audit,
	    AUDIT_ENTRY("SECURITY_DOMAIN_UPDATE", who, ok,
		"security domain update",
		{ "ParamNameValPairs", buf_cstr(pairs) }),
	    NULL)); /* a failed audit log stops the CA in tick */
}

static enum rc
issue(struct ca *ca, struct secret **token, struct domain_session *x,
    const struct principal *who, struct err *e)
{
	if (!principal_in(who, x->group))
		return err_set(e, RC_AUTH,
		    "User %.64s is not a member of %s group.", who->uid,
		    x->group);
	return domain_session_new(
	    ca->store, token, x, clock_now_ms(ca->clock), e);
}

enum rc
ca_domain_issue(struct ca *ca, struct secret **token,
    const struct principal *who, const char *peer, const char *host,
    const char *subsystem, struct err *e)
{
	struct domain_session x = { .uid = "" };
	AUTO_BUF pairs = buf_empty(0);
	enum rc rc;

	if ((rc = ca_domain_check(ca, e)) != RC_OK)
		return rc;
	if (host[0] != '\0' && !domain_host_is_name(host))
		return err_set(
		    e, RC_INVALID, "Invalid host name: \"%.100s\"", host);
	if (strlen(subsystem) >= DOMAIN_TYPE_MAX ||
	    strlen(host) >= sizeof(x.host) ||
	    strlen(who->uid) >= sizeof(x.uid) ||
	    strlen(peer) >= sizeof(x.address))
		return err_set(
		    e, RC_INVALID, "install token: a value is too long");
	snprintf(x.uid, sizeof(x.uid), "%s", who->uid);
	snprintf(x.host, sizeof(x.host), "%s", host);
	snprintf(x.address, sizeof(x.address), "%s", peer);
	snprintf(x.group, sizeof(x.group), "Enterprise %s Administrators",
	    subsystem);
	rc = issue(ca, token, &x, who, e);
	rc_ignore(audit_event(ca->audit,
	    AUDIT_ENTRY("ROLE_ASSUME", who->uid, rc == RC_OK, "assume role",
		{ "Role", x.group }),
	    NULL)); /* a failed audit log stops the CA in tick */
	buf_addf(&pairs,
	    "operation;;issue_token+uid;;%s+groupname;;%s+hostname;;%s+ip;;%s",
	    x.uid, x.group, x.host, x.address);
	audit_domain(ca, who->uid, rc == RC_OK, &pairs);
	return rc;
}

/* --- members ------------------------------------------------------------------- */

static void
host_pairs(struct buf *b, const char *operation, const struct domain_host *h)
{
	buf_addf(b,
	    "operation;;%s+type;;%s+host;;%s+sport;;%d+httpport;;%d+dm;;%s+"
	    "clone;;%s",
	    operation, h->type, h->name, h->secure, h->plain,
	    h->manager ? "true" : "false", h->clone ? "true" : "false");
}

enum rc
ca_domain_put(
    struct ca *ca, struct domain_host *h, const char *who, struct err *e)
{
	AUTO_BUF pairs = buf_empty(0);
	enum rc rc;

	if ((rc = ca_domain_check(ca, e)) != RC_OK ||
	    (rc = domain_host_check(h, e)) != RC_OK)
		return rc;
	rc = domain_host_put(ca->store, h, e);
	host_pairs(&pairs, "add", h);
	audit_domain(ca, who, rc == RC_OK, &pairs);
	return rc;
}

enum rc
ca_domain_remove(
    struct ca *ca, const struct domain_host *h, const char *who, struct err *e)
{
	AUTO_BUF pairs = buf_empty(0), uid = buf_empty(0);
	enum rc rc = ca_domain_check(ca, e);

	if (rc != RC_OK)
		return rc;
	domain_host_user(&uid, h);
	/* the user first: where this is cut, the entry is still there to try
	 * again with */
	rc = user_delete(ca->store, buf_cstr(&uid), e);
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = domain_host_delete(ca->store, h, e);
	host_pairs(&pairs, "remove", h);
	audit_domain(ca, who, rc == RC_OK, &pairs);
	return rc;
}

int64_t
ca_domain_tick(struct ca *ca, int64_t now_ms)
{
	struct ca_domain *d = ca->domain;
	struct err e = { RC_OK, "" };
	size_t n = 0;

	if (!d->manager)
		return MEMBER_CHECK_MS;
	if (now_ms < d->next_purge_ms)
		return d->next_purge_ms - now_ms;
	if (domain_session_purge(ca->store, &n, now_ms, d->life_ms, &e) !=
	    RC_OK) {
		log_warning("ca", "old install tokens: %s, continuing", e.text);
		d->next_purge_ms = now_ms + RETRY_MS;
	} else {
		d->next_purge_ms = now_ms + d->check_ms;
	}
	if (n > 0)
		log_info("ca", "install_tokens_purged=%zu", n);
	return d->next_purge_ms - now_ms;
}
