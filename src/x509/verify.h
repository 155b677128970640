/* SPDX-License-Identifier: Apache-2.0 */
/* verify.h - chains of certificates checked with libcrypto's X509_STORE, for
 * the tools and for checks that are not on a hot path. No revocation. */
#ifndef X509_VERIFY_H
#define X509_VERIFY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum verify_purpose {
	VERIFY_ANY,
	VERIFY_SSL_SERVER,
	VERIFY_SSL_CLIENT,
	VERIFY_EMAIL,
	VERIFY_OCSP,
	VERIFY_CA,
};

struct verify_opts {
	const struct view *roots; /* trusted, whole certificates */
	size_t roots_count;
	const struct view *others; /* intermediates */
	size_t others_count;
	enum verify_purpose purpose;
	int64_t at;   /* seconds; 0 = do not check times */
	bool partial; /* any trusted certificate ends the chain */
};

enum {
	VERIFY_CHAIN_MAX = 16
};

/* RC_OK when a chain stands; RC_INVALID with libcrypto's reason and the
 * subject at fault. */
MUST enum rc verify_cert(
    struct view cert, const struct verify_opts *o, struct err *e);
/* As verify_cert; the chain found, leaf first, is copied into the arena. */
MUST enum rc verify_chain(struct view *out, size_t max, size_t *n,
    struct view cert, const struct verify_opts *o, struct arena *a,
    struct err *e);
/* The signature of cert is by issuer's key and the names chain. */
MUST enum rc verify_issued(struct view cert, struct view issuer, struct err *e);
/* The CRL is signed by that certificate's key and names it as its issuer. */
MUST enum rc verify_crl(struct view crl, struct view issuer, struct err *e);

#endif
