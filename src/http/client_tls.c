/* SPDX-License-Identifier: Apache-2.0 */
/* client_tls.c - trust decisions about servers (RFC 5280 6.1, RFC 6125).
 * Owns:    nothing beyond one verification.
 * Trusts:  the given CA certificates and the accept callback.
 * Threads: the client's.
 *
 * Verification does not stop at the first problem: all are gathered and each is
 * put to accept(), so that nobody who waves an unknown issuer through also
 * waves an expired certificate through unasked. */
#include "http/client_tls.h"

#include <pthread.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "http/tls.h"

enum {
	PROBLEMS = HTTP_CERT_OTHER + 1
};

/* What one verification found: libcrypto's first error of each kind. */
struct findings {
	int error[PROBLEMS];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int findings_index = -1;

static void
make_index(void)
{
	findings_index =
	    X509_STORE_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

const char *
http_cert_problem_name(enum http_cert_problem p)
{
	switch (p) {
	case HTTP_CERT_OK:
		return "OK";
	case HTTP_CERT_UNTRUSTED_ISSUER:
		return "UNTRUSTED_ISSUER";
	case HTTP_CERT_UNKNOWN_ISSUER:
		return "UNKNOWN_ISSUER";
	case HTTP_CERT_EXPIRED_CERTIFICATE:
		return "EXPIRED_CERTIFICATE";
	case HTTP_CERT_BAD_CERT_DOMAIN:
		return "BAD_CERT_DOMAIN";
	case HTTP_CERT_CA_CERT_INVALID:
		return "CA_CERT_INVALID";
	case HTTP_CERT_OTHER:
		break;
	}
	return "OTHER";
}

static enum http_cert_problem
problem_of(int error, int depth)
{
	switch (error) {
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return HTTP_CERT_UNTRUSTED_ISSUER;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return HTTP_CERT_UNKNOWN_ISSUER;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return HTTP_CERT_EXPIRED_CERTIFICATE;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return HTTP_CERT_BAD_CERT_DOMAIN;
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
		return HTTP_CERT_CA_CERT_INVALID;
	case X509_V_ERR_INVALID_PURPOSE:
		return depth > 0 ? HTTP_CERT_CA_CERT_INVALID : HTTP_CERT_OTHER;
	default:
		return HTTP_CERT_OTHER;
	}
}

static void
note(struct findings *f, int error, int depth)
{
	enum http_cert_problem p = problem_of(error, depth);

	if (f->error[p] == X509_V_OK)
		f->error[p] = error;
}

static int
on_step(int ok, X509_STORE_CTX *x)
{
	struct findings *f = X509_STORE_CTX_get_ex_data(x, findings_index);

	if (ok == 1)
		return 1;
	note(f, X509_STORE_CTX_get_error(x), X509_STORE_CTX_get_error_depth(x));
	return 1;
}

/* Subject alternative names, or the common name where there are none. */
static bool
host_matches(X509 *cert, const char *host)
{
	if (X509_check_ip_asc(cert, host, 0) == 1)
		return true;
	return X509_check_host(cert, host, 0, 0, NULL) == 1;
}

/* Puts every finding to the user; the first refused one, or OK. */
static enum http_cert_problem
decide(const struct client_tls *t, const struct findings *f, X509 *cert)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);
	enum http_cert_problem refused = HTTP_CERT_OK;

	for (int p = HTTP_CERT_OK + 1; p < PROBLEMS && refused == HTTP_CERT_OK;
	     p++) {
		if (f->error[p] == X509_V_OK)
			continue;
		if (n <= 0 || t->p->accept == NULL ||
		    !t->p->accept(t->p->accept_arg, (enum http_cert_problem)p,
			view_of(der, (size_t)n)))
			refused = (enum http_cert_problem)p;
	}
	OPENSSL_free(der);
	return refused;
}

static int
verify_server(X509_STORE_CTX *x, void *arg)
{
	struct client_tls *t = arg;
	struct findings f = { 0 };
	X509 *cert = X509_STORE_CTX_get0_cert(x);
	enum http_cert_problem p;
	int ok;

	t->refused = true;
	t->why[0] = '\0';
	if (cert == NULL ||
	    X509_STORE_CTX_set_ex_data(x, findings_index, &f) != 1)
		return 0;
	X509_VERIFY_PARAM_set_flags(
	    X509_STORE_CTX_get0_param(x), X509_V_FLAG_PARTIAL_CHAIN);
	X509_STORE_CTX_set_verify_cb(x, on_step);
	ok = X509_verify_cert(x);
	if (ok != 1) /* it could not be carried out */
		note(&f,
		    X509_STORE_CTX_get_error(x) != X509_V_OK
			? X509_STORE_CTX_get_error(x)
			: X509_V_ERR_UNSPECIFIED,
		    0);
	if (!host_matches(cert, t->host))
		note(&f, X509_V_ERR_HOSTNAME_MISMATCH, 0);
	ERR_clear_error();
	p = decide(t, &f, cert);
	X509_STORE_CTX_set_ex_data(x, findings_index, NULL);
	X509_STORE_CTX_set_error(x, f.error[p]);
	t->refused = p != HTTP_CERT_OK;
	if (t->refused &&
	    snprintf(t->why, sizeof(t->why), "%s (%s)",
		http_cert_problem_name(p),
		X509_verify_cert_error_string(f.error[p])) < 0)
		t->why[0] = '\0';
	return t->refused ? 0 : 1;
}

enum rc
client_tls_use(struct client_tls *t, SSL_CTX *ctx, struct err *e)
{
	const struct http_client_params *p = t->p;
	enum rc rc;

	if (pthread_once(&once, make_index) != 0 || findings_index < 0)
		return err_set(e, RC_NOMEM, "TLS: out of memory");
	rc =
	    tls_add_cas(SSL_CTX_get_cert_store(ctx), NULL, p->cas, p->n_cas, e);
	if (rc != RC_OK)
		return rc;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_server, t);
	if (p->key == NULL)
		return RC_OK;
	rc = key_use_tls(p->key, ctx, p->chain, p->n_chain, e);
	return rc == RC_OK ? RC_OK : err_prefix(e, "client certificate");
}
