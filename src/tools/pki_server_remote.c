/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_remote.c - what ca-promote asks other hosts: do you live, are you
 * the one you were, which CRL do you deliver.
 * Owns:    nothing.
 * Trusts:  of another host that it answers at all, and a CRL only with the
 *          signature of this CA, over TLS that the trusted certificates of this
 *          instance vouch for.
 * Threads: none. */
#include "http/client.h"
#include "tools/pki_server_roles.h"
#include "x509/crl.h"
#include "x509/verify.h"

enum {
	CALL_MS = 10000,
	ALIVE_MS = 15000,
	CRL_MAX = 256 * 1024 * 1024,
};

/* Whoever answers is alive, whatever his certificate. */
static bool
accept_any(void *arg, enum http_cert_problem p, struct view der)
{
	(void)arg;
	(void)p;
	(void)der;
	return true;
}

/* An expired certificate must not undo a promotion: what is fetched is signed,
 * and renewing the certificate may need this CA (promise 9). */
static bool
accept_expired(void *arg, enum http_cert_problem p, struct view der)
{
	bool *expired = arg;

	(void)der;
	*expired = *expired || p == HTTP_CERT_EXPIRED_CERTIFICATE;
	return p == HTTP_CERT_EXPIRED_CERTIFICATE;
}

static enum rc
get(const char *url, struct http_client_params *p, struct http_exchange *x,
    struct err *e)
{
	AUTO(http_client) c = NULL;
	enum rc rc = http_client_new(&c, p, e);

	if (rc != RC_OK)
		return rc;
	x->method = "GET";
	x->url = url;
	x->max_reply = CRL_MAX;
	return http_client_do(c, x, e);
}

static bool
answers(const char *address)
{
	struct http_client_params p = { .accept = accept_any,
		.timeout_ms = ALIVE_MS };
	struct http_exchange x = { 0 };
	char url[600];
	bool yes;

	(void)snprintf(
	    url, sizeof(url), "https://%s/ca/admin/ca/getStatus", address);
	yes = get(url, &p, &x, NULL) == RC_OK;
	http_exchange_done(&x);
	return yes;
}

bool
remote_is(const char *address, const char *id)
{
	struct http_client_params p = { .accept = accept_any,
		.timeout_ms = ALIVE_MS };
	struct http_exchange x = { 0 };
	char url[600];
	const char *self;
	json_t *o = NULL;
	bool same;

	if (!answers(address))
		return false;
	if (id[0] == '\0')
		return true;
	(void)snprintf(url, sizeof(url), "https://%s/ca/v2/roles", address);
	if (get(url, &p, &x, NULL) == RC_OK)
		o = json_loadb(
		    (const char *)x.reply.data, x.reply.len, 0, NULL);
	self = json_string_value(json_object_get(o, "selfId"));
	same = self == NULL || strcmp(self, id) == 0;
	json_decref(o);
	http_exchange_done(&x);
	return same;
}

enum rc
remote_trust_load(struct remote_trust *t, struct server *s, struct err *e)
{
	AUTO(cfg) cs = NULL;
	struct keystore *ks;
	const char *nickname;
	enum rc rc;

	if (t->roots != NULL)
		return RC_OK;
	if ((rc = server_cs(s, &cs, "ca", e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK ||
	    (rc = roots_load(&t->roots, ks, "C", e)) != RC_OK)
		return rc;
	nickname = cfg_str(cs, "ca.cert.signing.nickname",
	    cfg_str(cs, "ca.signing.nickname", ""));
	t->signer = buf_empty(0);
	return keystore_find_cert(ks, &t->signer, nickname, e);
}

void
remote_trust_done(struct remote_trust *t)
{
	roots_free(t->roots);
	buf_done(&t->signer);
}

enum rc
remote_crl_number(const struct remote_trust *t, const char *url, bool *expired,
    struct num *out, struct err *e)
{
	struct http_client_params p = { .cas = t->roots->items,
		.n_cas = t->roots->n,
		.accept = accept_expired,
		.accept_arg = expired,
		.timeout_ms = CALL_MS };
	struct http_exchange x = { 0 };
	struct crl crl = { .version = 0 };
	enum rc rc = get(url, &p, &x, e);

	if (rc == RC_OK && x.status != 200)
		rc = err_set(e, RC_UNAVAILABLE, "%s: status %d", url, x.status);
	if (rc == RC_OK)
		rc = crl_parse(&crl, buf_view(&x.reply), e);
	if (rc == RC_OK &&
	    (rc = verify_crl(buf_view(&x.reply), buf_view(&t->signer), e)) !=
		RC_OK)
		rc = err_prefix(e, "%s: not a CRL of this CA", url);
	if (rc == RC_OK && !crl_number(&crl, out))
		rc = err_set(e, RC_INVALID, "%s: a CRL without number", url);
	http_exchange_done(&x);
	return rc;
}
