/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c - server contexts; validation of client certificates.
 * Owns:    the SSL_CTX until the caller has it.
 * Trusts:  the configured CA certificates; nothing of the peer.
 * Threads: a finished context serves many threads. */
#include "http/tls.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/err.h"

enum {
	SESSION_SECONDS = 3600,
	SESSIONS_MAX = 2000 /* of clients that take no tickets */
};

static const char tls12_ciphers[] =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:RSA+AESGCM:"
    "!aNULL:!eNULL:!PSK:!SRP:!MD5";

/* A certificate whose extended key usage says only "any" is good for clients
 * too (RFC 5280 4.2.1.12); libcrypto's purpose check does not know that. */
static int
verify_step(int ok, X509_STORE_CTX *x)
{
	X509 *cert = X509_STORE_CTX_get_current_cert(x);
	const uint32_t need = KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT;

	if (ok == 1 || cert == NULL ||
	    X509_STORE_CTX_get_error(x) != X509_V_ERR_INVALID_PURPOSE ||
	    X509_STORE_CTX_get_error_depth(x) != 0)
		return ok;
	if ((X509_get_extension_flags(cert) & EXFLAG_XKUSAGE) == 0 ||
	    (X509_get_extended_key_usage(cert) & XKU_ANYEKU) == 0 ||
	    (X509_get_key_usage(cert) & need) == 0)
		return 0;
	X509_STORE_CTX_set_error(x, X509_V_OK);
	return 1;
}

/* Validates what the peer showed and lets the handshake go on in any case: the
 * verdict stays in the session as its verify result, resumptions included. */
static int
verify_peer(X509_STORE_CTX *x, void *arg)
{
	const struct clock *clock = arg;
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(x);
	int error;

	X509_VERIFY_PARAM_set_time(param, (time_t)clock_now(clock));
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_STORE_CTX_set_verify_cb(x, verify_step);
	if (X509_verify_cert(x) != 1) {
		error = X509_STORE_CTX_get_error(x);
		if (error == X509_V_OK)
			error = X509_V_ERR_UNSPECIFIED;
		X509_STORE_CTX_set_error(x, error);
	}
	ERR_clear_error();
	return 1;
}

static int
pick_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *sel = NULL;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&sel, out_len, ours, sizeof(ours) - 1, in,
		in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = sel;
	return SSL_TLSEXT_ERR_OK;
}

enum rc
tls_add_cas(X509_STORE *store, STACK_OF(X509_NAME) * names,
    const struct view *cas, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const unsigned char *p = cas[i].data;
		X509 *x = d2i_X509(NULL, &p, (long)cas[i].len);
		X509_NAME *name;
		bool ok = x != NULL && p == cas[i].data + cas[i].len &&
		    X509_STORE_add_cert(store, x) == 1;

		if (ok && names != NULL) {
			name = X509_NAME_dup(X509_get_subject_name(x));
			ok = name != NULL && sk_X509_NAME_push(names, name) > 0;
			if (!ok)
				X509_NAME_free(name);
		}
		X509_free(x);
		if (!ok)
			return err_openssl(
			    e, RC_INVALID, "CA certificate %zu", i + 1);
	}
	return RC_OK;
}

static enum rc
set_clients(SSL_CTX *ctx, const struct view *cas, size_t n,
    const struct clock *clock, struct err *e)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
	enum rc rc;

	if (names == NULL)
		return err_set(e, RC_NOMEM, "TLS context: out of memory");
	rc = tls_add_cas(SSL_CTX_get_cert_store(ctx), names, cas, n, e);
	if (rc != RC_OK) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return rc;
	}
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	/* The callback's argument is not const, the clock is not changed. */
	SSL_CTX_set_cert_verify_callback(
	    ctx, verify_peer, (void *)(uintptr_t)clock);
	SSL_CTX_set_app_data(ctx, (void *)(uintptr_t)clock);
	return RC_OK;
}

static bool
set_options(SSL_CTX *ctx)
{
	unsigned char context[16];

	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
		SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
	SSL_CTX_sess_set_cache_size(ctx, SESSIONS_MAX);
	SSL_CTX_set_timeout(ctx, SESSION_SECONDS);
	SSL_CTX_set_alpn_select_cb(ctx, pick_alpn, NULL);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, tls12_ciphers) == 1 &&
	    SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
	    RAND_bytes(context, sizeof(context)) == 1 &&
	    SSL_CTX_set_session_id_context(ctx, context, sizeof(context)) == 1;
}

enum rc
tls_ctx_new(SSL_CTX **out, struct key *key, const struct view *chain,
    size_t n_chain, const struct view *cas, size_t n_cas,
    const struct clock *clock, struct err *e)
{
	SSL_CTX *ctx;
	enum rc rc = RC_OK;

	ERR_clear_error();
	ctx = SSL_CTX_new(TLS_server_method());
	if (ctx == NULL || !set_options(ctx))
		rc = err_openssl(e, RC_CRYPTO, "TLS context");
	if (rc == RC_OK)
		rc = key_use_tls(key, ctx, chain, n_chain, e);
	if (rc == RC_OK && n_cas > 0)
		rc = set_clients(ctx, cas, n_cas, clock, e);
	if (rc != RC_OK) {
		SSL_CTX_free(ctx);
		return rc;
	}
	*out = ctx;
	return RC_OK;
}

static int64_t
now_of(SSL *ssl)
{
	const struct clock *clock = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	return clock != NULL ? clock_now(clock) : (int64_t)time(NULL);
}

/* Of the certificate's time alone. */
static long
verdict_by_time(X509 *cert, int64_t at)
{
	time_t now = (time_t)at;

	if (X509_cmp_time(X509_get0_notAfter(cert), &now) <= 0)
		return X509_V_ERR_CERT_HAS_EXPIRED;
	if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0)
		return X509_V_ERR_CERT_NOT_YET_VALID;
	return X509_V_OK;
}

/* A resumed session brings an old verdict: the time is looked at again. */
static long
verdict_of(SSL *ssl, X509 *cert)
{
	long v = SSL_get_verify_result(ssl);

	return v != X509_V_OK || SSL_session_reused(ssl) == 0
	    ? v
	    : verdict_by_time(cert, now_of(ssl));
}

static void
explain(long v, char *why, size_t why_max)
{
	if (snprintf(why, why_max, "client certificate: %s",
		X509_verify_cert_error_string(v)) < 0)
		why[0] = '\0';
}

void
tls_peer(SSL *ssl, struct buf *der, char *why, size_t why_max)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	uint8_t *p;
	long v;
	int n;

	buf_reset(der);
	why[0] = '\0';
	if (cert == NULL)
		return;
	v = verdict_of(ssl, cert);
	n = i2d_X509(cert, NULL);
	if (v == X509_V_OK && n > 0) {
		p = buf_reserve(der, (size_t)n);
		if (p != NULL && i2d_X509(cert, &p) == n)
			der->len += (size_t)n;
		else
			v = X509_V_ERR_OUT_OF_MEM;
	}
	if (v != X509_V_OK)
		explain(v, why, why_max);
	ERR_clear_error();
}

void
tls_peer_again(
    SSL *ssl, struct buf *der, int64_t *judged_s, char *why, size_t why_max)
{
	int64_t now = now_of(ssl);
	X509 *cert;
	long v;

	if (der->len == 0 || now == *judged_s)
		return;
	*judged_s = now;
	if ((cert = SSL_get0_peer_certificate(ssl)) == NULL)
		return;
	v = verdict_by_time(cert, now);
	if (v == X509_V_OK)
		return;
	buf_reset(der);
	explain(v, why, why_max);
}
