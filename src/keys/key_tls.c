/* SPDX-License-Identifier: Apache-2.0 */
/* key_tls.c - a key and its certificates as the identity of a TLS context.
 * Owns:    nothing; the context takes references.
 * Trusts:  the certificates are ours.
 * Threads: the context belongs to the caller. */
#include "keys/key_impl.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/thread.h"

static X509 *
cert_read(struct view der)
{
	const unsigned char *p = der.data;
	X509 *x = NULL;

	if (der.len <= P11_ATTR_MAX)
		x = d2i_X509(NULL, &p, (long)der.len);
	if (x != NULL && p != der.data + der.len) {
		X509_free(x);
		x = NULL;
	}
	return x;
}

static enum rc
use_chain(SSL_CTX *ctx, const struct view *chain, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		X509 *x = cert_read(chain[i]);
		int ok = 0;

		if (x == NULL)
			return err_openssl(e, RC_INVALID, "tls certificate");
		if (i == 0)
			ok = SSL_CTX_use_certificate(ctx, x) == 1 &&
			    SSL_CTX_clear_chain_certs(ctx) == 1;
		else
			ok = SSL_CTX_add1_chain_cert(ctx, x) == 1;
		X509_free(x);
		if (!ok)
			return err_openssl(e, RC_CRYPTO, "tls certificate");
	}
	return RC_OK;
}

/* The key in a form libssl takes, loaded once. */
static enum rc
pkey_get(struct key *k, struct err *e)
{
	enum rc rc = RC_UNSUPPORTED;

	if (!k->in_token)
		rc = key_soft_load(k, e);
	if (rc != RC_UNSUPPORTED)
		return rc;
	LOCKED(&k->lock);
	if (k->pkey != NULL)
		return RC_OK;
	return key_libp11_pkey(&k->pkey, k, e);
}

enum rc
key_use_tls(struct key *k, SSL_CTX *ctx, const struct view *chain, size_t n,
    struct err *e)
{
	enum rc rc;

	if (n == 0)
		return err_set(e, RC_INVALID, "tls: no certificate");
	if ((rc = pkey_get(k, e)) != RC_OK)
		return rc;
	ERR_clear_error();
	if ((rc = use_chain(ctx, chain, n, e)) != RC_OK)
		return rc;
	if (SSL_CTX_use_PrivateKey(ctx, k->pkey) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return err_openssl(
		    e, RC_INVALID, "tls: key does not fit the certificate");
	return RC_OK;
}
