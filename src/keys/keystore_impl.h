/* SPDX-License-Identifier: Apache-2.0 */
/* keystore_impl.h - what stands behind a keystore, inside the room. Lock order:
 * keystore.write, key.lock, token.lock; keystore.lock alone. */
#ifndef KEYS_KEYSTORE_IMPL_H
#define KEYS_KEYSTORE_IMPL_H

#include "keys/key_impl.h"
#include "keys/keystore.h"

enum {
	KEYSTORE_TOKENS_MAX = 64
};

struct keystore {
	struct token *tokens[KEYSTORE_TOKENS_MAX]; /* [0] = internal */
	size_t n_tokens;
	bool sign_in_token;
	pthread_mutex_t write; /* held by what changes a token in steps */
	pthread_mutex_t lock;  /* guards the cache of handles */
	struct key **cache;
	size_t n_cache;
};

/* By name or alias. RC_NOTFOUND. */
MUST enum rc keystore_token(
    struct keystore *ks, struct token **out, const char *name, struct err *e);
/* [token:]nickname: *out = NULL when no token is named. */
void keystore_split(struct keystore *ks, const char *name, struct token **out,
    const char **nick);
/* The handle of a private key object, from the cache or new. */
MUST enum rc keystore_handle(struct keystore *ks, struct key **out,
    struct token *t, CK_OBJECT_HANDLE h, struct err *e);
/* Trust objects live in the internal token. Appends "CT,C,C" as certutil shows
 * it, with u where user is set. */
struct certinfo;
void trust_read(
    struct keystore *ks, const struct certinfo *c, bool user, struct buf *out);
/* RC_INVALID for a letter that is none. */
MUST enum rc trust_write(struct keystore *ks, const struct certinfo *c,
    struct view der, const char *trust, struct err *e);
MUST enum rc trust_delete(
    struct keystore *ks, const struct certinfo *c, struct err *e);

#endif
