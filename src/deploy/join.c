/* SPDX-License-Identifier: Apache-2.0 */
/* join.c - log-in, token, remote certificates and registration.
 * Owns:    struct join.
 * Trusts:  servers whose certificates chain to the NSS database; of their
 *          answers what domain/ has checked.
 * Threads: one. */
#include "deploy/join.h"

#include "x509/cert.h"

void
join_free(struct join *j)
{
	if (j == NULL)
		return;
	domain_client_free(j->domain);
	domain_client_free(j->server);
	domain_info_free(j->info);
	secret_free(j->token);
	arena_free(j->arena);
	free(j);
}

enum rc
join_url(char host[JOIN_HOST_MAX], int *port, const char *url,
    const char *param, struct err *e)
{
	const char *s = url + 8, *end, *colon;
	char digits[8];
	int64_t n = 443;
	size_t len;

	if (!text_starts(url, "https://"))
		return err_set(
		    e, RC_INVALID, "%s: %.100s: no https:// URL", param, url);
	end = s + strcspn(s, "/");
	colon = memchr(s, ':', (size_t)(end - s));
	len = (size_t)((colon != NULL ? colon : end) - s);
	if (len == 0 || len >= JOIN_HOST_MAX)
		return err_set(
		    e, RC_INVALID, "%s: %.100s: no host", param, url);
	if (colon != NULL) {
		snprintf(digits, sizeof(digits), "%.*s",
		    (int)(end - colon - 1 < 7 ? end - colon - 1 : 7),
		    colon + 1);
		if (text_int(&n, digits, 1, 65535, NULL) != RC_OK)
			return err_set(
			    e, RC_INVALID, "%s: %.100s: no port", param, url);
	}
	snprintf(host, JOIN_HOST_MAX, "%.*s", (int)len, s);
	*port = (int)n;
	return RC_OK;
}

enum rc
join_check(struct install *in, struct err *e)
{
	static const char *const needed[] = { "pki_security_domain_user",
		"pki_security_domain_password" };
	char host[JOIN_HOST_MAX];
	int port;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (values_str(in->v, needed[i])[0] == '\0')
			return err_set(e, RC_INVALID,
			    "A value for '%s' MUST be defined in '%s'",
			    needed[i], values_file(in->v));
	return join_url(host, &port,
	    values_str(in->v, "pki_security_domain_uri"),
	    "pki_security_domain_uri", e);
}

/* One walk that copies what is trusted to issue servers' certificates. */
static bool
collect(void *arg, const struct keystore_cert *c)
{
	struct join *j = arg;
	size_t ssl = strcspn(c->trust, ",");
	char *copy;

	if (memchr(c->trust, 'C', ssl) == NULL || j->n_roots == JOIN_ROOTS_MAX)
		return true;
	if ((copy = arena_view(j->arena, c->der)) != NULL)
		j->roots[j->n_roots++] = view_of(copy, c->der.len);
	return copy != NULL;
}

static void
waiting(void *arg, const char *why)
{
	install_say(arg, "Waiting: %s", why);
}

static enum rc
open_client(struct install *in, struct domain_client **out, const char *url,
    struct err *e)
{
	struct join *j = in->join;
	struct domain_client_params p = { .url = url,
		.cas = j->roots,
		.n_cas = j->n_roots,
		.waiting = waiting,
		.waiting_arg = in };

	return domain_client_new(out, &p, e);
}

static enum rc
log_in(struct install *in, struct err *e)
{
	struct join *j = in->join;
	AUTO(secret)
	password = secret_new(
	    view_str(values_str(in->v, "pki_security_domain_password")));
	enum rc rc;

	if (password == NULL)
		return err_set(e, RC_NOMEM, "security domain");
	if ((rc = domain_client_info(j->domain, &j->info, e)) != RC_OK)
		return rc;
	install_say(in, "Logging in to the security domain %s", j->info->name);
	rc = domain_client_login(j->domain, &j->token,
	    values_str(in->v, "pki_security_domain_user"), password,
	    values_str(in->v, "pki_hostname"), "CA", e);
	if (rc != RC_OK || values_given(in->v, "pki_security_domain_name"))
		return rc;
	/* the subjects of certificates name the domain */
	rc = values_set(in->v, "pki_security_domain_name", j->info->name, e);
	values_forget(in->v);
	return rc;
}

enum rc
join_begin(
    struct install *in, const char *server, const char *param, struct err *e)
{
	const char *domain = values_str(in->v, "pki_security_domain_uri");
	struct join *j = calloc(1, sizeof(*j));
	char host[JOIN_HOST_MAX];
	int port;
	enum rc rc;

	if ((in->join = j) == NULL || (j->arena = arena_new(0)) == NULL ||
	    (j->roots = arena_alloc(
		 j->arena, JOIN_ROOTS_MAX, sizeof(struct view))) == NULL)
		return err_set(e, RC_NOMEM, "security domain");
	if ((rc = join_url(host, &port, server, param, e)) != RC_OK ||
	    (rc = keystore_each_cert(in->ks, NULL, collect, j, e)) != RC_OK)
		return rc;
	if (j->n_roots == 0)
		return err_set(e, RC_INVALID,
		    "no CA is trusted to vouch for %.100s: set "
		    "pki_cert_chain_path to its chain",
		    server);
	if ((rc = open_client(in, &j->domain, domain, e)) != RC_OK ||
	    (rc = open_client(in, &j->server, server, e)) != RC_OK)
		return rc;
	return log_in(in, e);
}

enum rc
join_subordinate(struct install *in, struct err *e)
{
	const char *new_name =
	    values_str(in->v, "pki_subordinate_security_domain_name");
	char host[JOIN_HOST_MAX], port[8];
	int n;
	enum rc rc = join_begin(in, values_str(in->v, "pki_issuing_ca_uri"),
	    "pki_issuing_ca_uri", e);

	if (rc != RC_OK)
		return rc;
	if (values_bool(in->v, "pki_subordinate_create_new_security_domain"))
		return cfg_set(in->cs, "securitydomain.name", new_name, e);
	rc = join_url(host, &n, values_str(in->v, "pki_security_domain_uri"),
	    "pki_security_domain_uri", e);
	if (rc != RC_OK)
		return rc;
	snprintf(port, sizeof(port), "%d", n);
	const char *const rows[][2] = {
		{ "securitydomain.select", "existing" },
		{ "securitydomain.name", in->join->info->name },
		{ "securitydomain.host", host },
		{ "securitydomain.httpsadminport", port },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((rc = cfg_set(in->cs, rows[i][0], rows[i][1], e)) != RC_OK)
			return rc;
	return RC_OK;
}

enum rc
join_enroll(struct install *in, const struct plan *p, enum keytype type,
    struct view csr, struct buf *der, struct err *e)
{
	const char *profile =
	    type == KEYTYPE_RSA ? p->remote_rsa : p->remote_ec;
	enum rc rc;

	install_say(
	    in, "Requesting the %s certificate by %s", p->file_id, profile);
	rc = domain_client_enroll(
	    in->join->server, der, profile, csr, in->join->token, e);
	return rc == RC_OK ? RC_OK
			   : err_prefix(e, "%s certificate", p->file_id);
}

static enum rc
port_of(struct install *in, int *out, const char *param, struct err *e)
{
	int64_t n;
	enum rc rc = text_int(&n, values_str(in->v, param), 1, 65535, e);

	if (rc == RC_OK)
		*out = (int)n;
	return rc;
}

enum rc
join_register(struct install *in, bool manager, bool clone, struct err *e)
{
	struct domain_host *h = &in->join->self;
	enum rc rc;

	*h = (struct domain_host){
		.type = "CA", .manager = manager, .clone = clone
	};
	snprintf(
	    h->name, sizeof(h->name), "%s", values_str(in->v, "pki_hostname"));
	snprintf(h->label, sizeof(h->label), "%s",
	    values_str(in->v, "pki_subsystem_name"));
	if ((rc = port_of(in, &h->secure, "pki_https_port", e)) != RC_OK ||
	    (rc = port_of(in, &h->plain, "pki_http_port", e)) != RC_OK ||
	    (rc = domain_host_check(h, e)) != RC_OK)
		return rc;
	install_say(in, "Joining the security domain %s", in->join->info->name);
	rc = domain_client_join(in->join->domain, h, in->join->token, e);
	in->join->joined = rc == RC_OK;
	return rc;
}

void
join_undo(struct install *in)
{
	struct join *j = in->join;

	/* the first error is the one to report */
	if (j != NULL && j->joined)
		rc_ignore(
		    domain_client_leave(j->domain, &j->self, j->token, NULL));
}
