/* SPDX-License-Identifier: Apache-2.0 */
/* key_impl.h - what stands behind a key handle, inside the room. */
#ifndef KEYS_KEY_IMPL_H
#define KEYS_KEY_IMPL_H

#include "keys/p11.h"
#include "keys/spki.h"

enum {
	KEY_CTX_MAX = 8 /* contexts kept ready per algorithm */
};

struct key {
	atomic_uint refs;
	struct token *token;
	enum keytype type;
	int bits;
	enum oid curve;
	struct buf spki;
	struct buf id;
	bool in_token;                 /* signs in the token, never unwrapped */
	CK_OBJECT_HANDLE handle_found; /* when the handle was made */

	pthread_mutex_t lock; /* guards all below; taken before token->lock */
	CK_OBJECT_HANDLE handle;
	unsigned generation; /* of the token when handle was found */
	bool copied;         /* handle is a session copy */
	bool no_unwrap;      /* unwrapping was refused */
	EVP_PKEY *pkey;      /* unwrapped or libp11's; set once */
	EVP_PKEY_CTX *idle[SIGALG_COUNT][KEY_CTX_MAX];
	size_t n_idle[SIGALG_COUNT];
};

/* A handle for a private key object; reads what is public of it. */
MUST enum rc key_new(struct key **out, struct token *t, CK_OBJECT_HANDLE h,
    bool in_token, struct err *e);

/* key_soft.c: with libcrypto. Unwraps at first use; RC_UNSUPPORTED when the
 * token does not let the key out. */
MUST enum rc key_soft_load(struct key *k, struct err *e);
MUST enum rc key_soft_sign(struct key *k, enum sigalg a, struct view digest,
    struct buf *out, struct err *e);
MUST enum rc key_soft_decrypt(
    struct key *k, bool oaep, struct view in, struct buf *out, struct err *e);
/* A PrivateKeyInfo as a key; all bytes must be used. */
MUST enum rc pkcs8_pkey(
    EVP_PKEY **out, const struct secret *pkcs8, struct err *e);

/* Appends the public key that belongs to a PrivateKeyInfo. */
MUST enum rc pkcs8_spki(
    struct buf *out, const struct secret *pkcs8, struct err *e);

/* key_token.c: with C_Sign and C_Decrypt. */
MUST enum rc key_token_sign(struct key *k, enum sigalg a, struct view digest,
    struct buf *out, struct err *e);
MUST enum rc key_token_decrypt(
    struct key *k, bool oaep, struct view in, struct buf *out, struct err *e);

/* key_libp11.c: an EVP_PKEY that signs in the token; caller frees. */
MUST enum rc key_libp11_pkey(EVP_PKEY **out, struct key *k, struct err *e);

#endif
