/* SPDX-License-Identifier: Apache-2.0 */
/* nonces.c - a ring of nonces by client certificate.
 * Owns:    the ring; certificates are kept as digests.
 * Trusts:  callers for the certificate: http/ has seen its key in use.
 * Threads: any; one lock, held for a walk. */
#include "ca/nonces.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "der/oid.h"

struct bare {
	uint8_t cert[DIGEST_MAX]; /* SHA-256 of it */
	char key[NONCE_KEY_MAX];  /* "" = empty or used */
	uint64_t value;
};
struct nonces {
	pthread_mutex_t lock; /* all below */
	struct bare at[NONCES_BARE_MAX];
	size_t next;
};

struct nonces *
nonces_new(void)
{
	struct nonces *t = calloc(1, sizeof(*t));

	if (t != NULL)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

void
nonces_free(struct nonces *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void
nonces_put(struct nonces *t, struct view cert, const char *key, uint64_t value)
{
	struct bare x = { .value = value }; /* zeros behind the digest */

	digest_of(x.cert, DIGEST_SHA256, cert);
	snprintf(x.key, sizeof(x.key), "%s", key);
	LOCKED(&t->lock);
	t->at[t->next] = x;
	t->next = (t->next + 1) % NONCES_BARE_MAX;
}

bool
nonces_take(struct nonces *t, struct view cert, const char *key,
    const char *text, bool *equal)
{
	uint8_t id[DIGEST_MAX] = { 0 };
	char known[32];
	bool found = false;

	*equal = false;
	digest_of(id, DIGEST_SHA256, cert);
	LOCKED(&t->lock);
	for (size_t i = 0; i < NONCES_BARE_MAX; i++) {
		struct bare *x = &t->at[i];

		if (strcmp(x->key, key) != 0 ||
		    memcmp(x->cert, id, sizeof(id)) != 0)
			continue;
		found = true;
		snprintf(known, sizeof(known), "%" PRIu64, x->value);
		if (strcmp(known, text) == 0) {
			*equal = true;
			x->key[0] = '\0';
			return true;
		}
	}
	return found;
}
