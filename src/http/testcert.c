/* SPDX-License-Identifier: Apache-2.0 */
/* testcert.c - certificates for tests, and the test double of key_use_tls.
 * Owns:    nothing beyond what the caller keeps.
 * Trusts:  the test.
 * Threads: one; key_use_tls any. */
#include "http/testcert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

enum rc
key_use_tls(struct key *k, SSL_CTX *ctx, const struct view *chain, size_t n,
    struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const unsigned char *p = chain[i].data;
		X509 *x = d2i_X509(NULL, &p, (long)chain[i].len);
		int ok = x == NULL ? 0
		    : i == 0       ? SSL_CTX_use_certificate(ctx, x)
				   : (int)SSL_CTX_add1_chain_cert(ctx, x);

		X509_free(x);
		if (ok != 1)
			return err_openssl(e, RC_CRYPTO, "test identity");
	}
	if (SSL_CTX_use_PrivateKey(ctx, k->pkey) != 1)
		return err_openssl(e, RC_CRYPTO, "test identity");
	return RC_OK;
}

struct key *
key_ref(struct key *k)
{
	return k;
}

void
key_free(struct key *k)
{
	(void)k;
}

static void
add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	if (value == NULL)
		return;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

void
t_cert_make(
    struct t_cert *out, const struct t_cert *issuer, const struct t_want *w)
{
	static long serial = 1;
	bool dated = w->from != 0 || w->to != 0;
	X509 *x = X509_new(), *by = issuer != NULL ? issuer->x : x;
	EVP_PKEY *key = w->with_key != NULL ? w->with_key : EVP_EC_gen("P-256");
	X509_NAME *name = X509_NAME_new();
	uint8_t *der = NULL;
	int n;

	assert_non_null(x);
	assert_non_null(key);
	if (w->with_key != NULL)
		EVP_PKEY_up_ref(key);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)w->cn, -1, -1, 0);
	X509_set_subject_name(x, name);
	X509_NAME_free(name);
	X509_set_issuer_name(x, X509_get_subject_name(by));
	X509_gmtime_adj(
	    X509_getm_notBefore(x), (dated ? w->from : -1) * 86400L);
	X509_gmtime_adj(X509_getm_notAfter(x), (dated ? w->to : 10) * 86400L);
	X509_set_pubkey(x, key);
	if (w->ca)
		add_ext(x, by, NID_basic_constraints, "critical,CA:TRUE");
	add_ext(x, by, NID_key_usage, w->usage);
	add_ext(x, by, NID_ext_key_usage, w->ext_usage);
	add_ext(x, by, NID_subject_alt_name, w->san);
	assert_true(X509_sign(x, issuer != NULL ? issuer->key.pkey : key,
			EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	out->x = x;
	out->key.pkey = key;
	out->der = view_of(der, (size_t)n);
}

void
t_cert_done(struct t_cert *c)
{
	X509_free(c->x);
	EVP_PKEY_free(c->key.pkey);
	OPENSSL_free((void *)(uintptr_t)c->der.data);
	*c = (struct t_cert){ 0 };
}
