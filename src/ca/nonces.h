/* SPDX-License-Identifier: Apache-2.0 */
/* nonces.h - nonces of callers that keep no session (certmonger's helper makes a
 * new connection a step and forgets cookies): bound to the client certificate in
 * place of the session. */
#ifndef CA_NONCES_H
#define CA_NONCES_H

#include "base/view.h"

enum {
	NONCE_KEY_MAX = 96,
	NONCES_BARE_MAX = 256, /* the oldest gives way */
};

struct nonces;

/* NULL when memory is out. */
struct nonces *nonces_new(void);
void nonces_free(struct nonces *t);
/* Remembers a nonce for what key names, handed to the holder of cert. key is
 * shorter than NONCE_KEY_MAX. */
void nonces_put(
    struct nonces *t, struct view cert, const char *key, uint64_t value);
/* Is one known for cert and key? *equal tells whether text is it in decimal;
 * then it is used up. */
bool nonces_take(struct nonces *t, struct view cert, const char *key,
    const char *text, bool *equal);

#endif
