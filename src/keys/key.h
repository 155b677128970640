/* SPDX-License-Identifier: Apache-2.0 */
/* key.h - handles of private keys. Nobody above this room sees an EVP_PKEY of
 * a private key or knows the token behind it (design.md, "Keys"). A handle may
 * be used by many threads at once. Software keys of an NSS database have been
 * unwrapped into libcrypto at first use; keys that may not leave their token
 * sign there. */
#ifndef KEYS_KEY_H
#define KEYS_KEY_H

#include <openssl/types.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "der/oid.h"

struct key;
struct secret;

/* Drops the handle (the key stays in its token). */
void key_free(struct key *k);
/* A second owner of the same handle. */
struct key *key_ref(struct key *k);
OWNED(key)

/* RSA or EC. */
enum keytype key_type(const struct key *k);
/* RSA modulus bits, EC field bits. */
int key_bits(const struct key *k);
/* Whole SubjectPublicKeyInfo, valid as long as the handle. */
struct view key_spki(const struct key *k);
/* CKA_ID as in the token. */
struct view key_id(const struct key *k);
/* Token name; "internal" for the NSS database. */
const char *key_token(const struct key *k);
/* Can this key sign with that algorithm? */
bool key_can_sign(const struct key *k, enum sigalg a);
/* SHA256withRSA or SHA256withEC (384/521-bit curves: SHA384/SHA512). */
enum sigalg key_default_sigalg(const struct key *k);

/* Appends the signature over a digest made with sigalg_digest(a). ECDSA
 * signatures are the DER SEQUENCE. RC_INVALID when the algorithm does not fit
 * the key, RC_UNAVAILABLE when the token is lost, RC_CRYPTO else. */
MUST enum rc key_sign(struct key *k, enum sigalg a, struct view digest,
    struct buf *out, struct err *e);
/* Digests tbs, then key_sign. */
MUST enum rc key_sign_data(struct key *k, enum sigalg a, struct view tbs,
    struct buf *out, struct err *e);
/* Appends SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING signature } - the
 * outer form of certificates, requests, CRLs. tbs is a whole element. */
MUST enum rc key_sign_object(struct key *k, enum sigalg a, struct view tbs,
    struct buf *out, struct err *e);

/* Decrypts with RSA PKCS #1 v1.5 or OAEP (transport keys). */
MUST enum rc key_decrypt(
    struct key *k, bool oaep, struct view in, struct buf *out, struct err *e);

/* Makes key and certificate chain (DER, leaf first) the identity of a TLS
 * context. With a key that stays in its token (libp11) the context must be
 * freed before the last handle and keystore of that module. */
MUST enum rc key_use_tls(struct key *k, SSL_CTX *ctx, const struct view *chain,
    size_t n, struct err *e);

/* Verifies a signature over data with the public key in spki. */
MUST enum rc spki_verify(struct view spki, enum sigalg a, struct view data,
    struct view sig, struct err *e);
/* Type and bits of a SubjectPublicKeyInfo without building a key; for EC
 * *curve = OID_prime256v1 ... (OID_COUNT for others). */
MUST enum rc spki_info(struct view spki, enum keytype *type, int *bits,
    enum oid *curve, struct err *e);

/* Clear PrivateKeyInfo, for what can take a key in no other way: PKCS #12, and
 * libldap, whose TLS wants it in memory. RC_UNSUPPORTED: the key cannot leave its
 * token. The caller frees. */
MUST enum rc key_export(struct key *k, struct secret **out, struct err *e);

#endif
