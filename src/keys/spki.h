/* SPDX-License-Identifier: Apache-2.0 */
/* spki.h - SubjectPublicKeyInfo (RFC 5280 4.1.2.7), inside the room. Users
 * outside have spki_info and spki_verify in key.h. */
#ifndef KEYS_SPKI_H
#define KEYS_SPKI_H

#include <openssl/evp.h>

#include "keys/key.h"
#include "keys/keyid.h"

enum {
	SPKI_RSA_BITS_MIN = 512,
	SPKI_RSA_BITS_MAX = 16384,
	SPKI_RSA_EXPONENT_MAX = 8, /* octets */
	SPKI_RSA_EXPONENT_MIN = 3,
};

/* The parts of an encoded key, views into it. */
struct spki_parts {
	enum keytype type;
	int bits;
	enum oid curve;       /* EC; OID_COUNT for a curve not in our table */
	struct view n, e;     /* RSA, big-endian, no leading zeros */
	struct view point;    /* EC, as in the BIT STRING */
	struct view ec_param; /* EC, the whole parameters element */
};
/* RC_INVALID: not this form; RC_UNSUPPORTED: another algorithm. */
MUST enum rc spki_parse(
    struct spki_parts *out, struct view spki, struct err *e);
/* Appends a SubjectPublicKeyInfo. */
void spki_put_rsa(struct buf *out, struct view n, struct view e);
/* param: the whole parameters element; point: uncompressed. */
void spki_put_ec(struct buf *out, struct view param, struct view point);
/* CKA_ID as NSS makes it: SHA-1 of modulus or point. */
void spki_keyid(uint8_t out[KEYID_LEN], const struct spki_parts *p);
/* Coordinate octets of a curve in our table, 0 for others. */
size_t spki_field_len(enum oid curve);
/* A public key; the caller frees. */
MUST enum rc spki_pkey(EVP_PKEY **out, struct view spki, struct err *e);
/* Sets padding and digest of a context ready to sign or verify. */
bool spki_ctx_setup(EVP_PKEY_CTX *ctx, enum sigalg a);

static inline void
pkey_freep(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
	*p = NULL;
}
static inline void
pkey_ctx_freep(EVP_PKEY_CTX **p)
{
	EVP_PKEY_CTX_free(*p);
	*p = NULL;
}
#define AUTO_PKEY __attribute__((cleanup(pkey_freep))) EVP_PKEY *
#define AUTO_PKEY_CTX __attribute__((cleanup(pkey_ctx_freep))) EVP_PKEY_CTX *

#endif
