/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.h - for unit tests of this room: keys and objects made by libcrypto,
 * and the abuse that every decoder has to stand. */
#ifndef X509_FIXTURE_H
#define X509_FIXTURE_H

#include <openssl/x509.h>

#include "base/buf.h"
#include "base/err.h"

/* Keys made once a process (RSA 2048, P-256). */
EVP_PKEY *fix_rsa(void);
EVP_PKEY *fix_ec(void);
/* Whole SubjectPublicKeyInfo, valid until the process ends. */
struct view fix_spki(EVP_PKEY *key);
/* A name in the order of DER: "C=DE/O=x/CN=y". */
X509_NAME *fix_name(const char *slashed);
/* Appends the value libcrypto makes of an openssl.cnf line; issuer may be
 * NULL. */
void fix_ext(struct buf *out, int nid, const char *conf, X509 *issuer);
/* A certificate; exts: pairs of (openssl.cnf name, value), NULL-terminated. */
X509 *fix_cert(const char *issuer, const char *subject, long serial,
    EVP_PKEY *key, EVP_PKEY *signer, const char *const *exts, X509 *ca);
/* Appends the DER of any libcrypto object: FIX_DER(buf, X509, x). */
#define FIX_DER(out, TYPE, x)                   \
	do {                                    \
		unsigned char *p_ = NULL;       \
		int n_ = i2d_##TYPE((x), &p_);  \
		assert_true(n_ > 0);            \
		buf_add((out), p_, (size_t)n_); \
		OPENSSL_free(p_);               \
	} while (0)

/* Every constructed element, down to the leaves, is well-formed DER. */
bool fix_is_der(struct view v);
/* Calls parse with each truncation and a byte more (all must fail), and with
 * each byte changed in four ways (what is accepted must be DER). Each input is a heap block of exact size, so that
 * ASan sees a read past its end. */
typedef enum rc (*fix_parse)(struct view der, void *arg, struct err *e);
void fix_abuse(struct view der, fix_parse parse, void *arg);
void fix_abuse_text(const char *text, fix_parse parse, void *arg);

/* Keeps v as an input of fuzz target `kind` when X509_CORPUS names the folder
 * of corpora (fuzz/x509-corpus). */
void fix_corpus(const char *kind, struct view v);

/* Fails the test with both in hex unless equal. */
void fix_equal(struct view a, struct view b);

#endif
