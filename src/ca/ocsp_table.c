/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp_table.c - ready OCSP answers, direct-mapped by a keyed hash of the
 * request, with a second index by serial so that a revocation drops them.
 * Owns:    every kept answer.
 * Trusts:  nothing: keys are compared whole, the hash is seeded at random.
 * Threads: any; one lock a stripe, held for a copy. */
#include "ca/ocsp_table.h"

#include <pthread.h>

#include <openssl/rand.h>

#include "base/thread.h"

/* A stripe holds all answers of the serials that hash to it, so one lock
 * guards both look-up by request and drop by serial: requests carry the serial,
 * but the table is asked before the request is parsed. Hence two arrays. */
struct entry {
	struct entry *next_request, *next_serial;
	struct num serial;
	int64_t expires_ms;
	uint32_t request_hash;
	uint32_t request_len, answer_len;
	uint8_t bytes[]; /* request, then answer */
};

enum {
	BUCKETS = 65536,
	DROPS = 1024
};

struct ocsp_table {
	pthread_mutex_t lock; /* all below */
	struct entry *by_request[BUCKETS], *by_serial[BUCKETS];
	size_t count, bytes;
	uint64_t seed;
	uint32_t sweep; /* next bucket to make room in */
	/* the serials dropped last, with the epoch of the drop */
	uint64_t epoch;
	struct {
		struct num serial;
		uint64_t epoch;
	} drops[DROPS];
};

/* FNV-1a over a secret seed; good enough for a table that compares keys and
 * whose chains are bounded by its size. */
static uint32_t
hash_of(const struct ocsp_table *t, struct view v)
{
	uint64_t h = t->seed;

	for (size_t i = 0; i < v.len; i++)
		h = (h ^ v.data[i]) * 0x100000001b3u;
	return (uint32_t)(h ^ (h >> 32));
}

struct ocsp_table *
ocsp_table_new(void)
{
	struct ocsp_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	if (RAND_bytes((uint8_t *)&t->seed, sizeof(t->seed)) != 1) {
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	t->epoch = 1;
	return t;
}

static void
unlink_entry(struct ocsp_table *t, struct entry *x)
{
	struct entry **p = &t->by_request[x->request_hash % BUCKETS];

	while (*p != x)
		p = &(*p)->next_request;
	*p = x->next_request;
	p = &t->by_serial[hash_of(t, num_view(&x->serial)) % BUCKETS];
	while (*p != x)
		p = &(*p)->next_serial;
	*p = x->next_serial;
	t->count--;
	t->bytes -= x->request_len + x->answer_len;
	free(x);
}

void
ocsp_table_free(struct ocsp_table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < BUCKETS && t->count > 0; i++) {
		while (t->by_request[i] != NULL)
			unlink_entry(t, t->by_request[i]);
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct entry *
find(struct ocsp_table *t, struct view request, uint32_t h)
{
	struct entry *x = t->by_request[h % BUCKETS];

	while (x != NULL &&
	    (x->request_hash != h ||
		!view_eq(view_of(x->bytes, x->request_len), request)))
		x = x->next_request;
	return x;
}

bool
ocsp_table_get(
    struct ocsp_table *t, struct buf *out, struct view request, int64_t now_ms)
{
	uint32_t h = hash_of(t, request);
	LOCKED(&t->lock);
	struct entry *x = find(t, request, h);

	if (x == NULL)
		return false;
	if (x->expires_ms <= now_ms) {
		unlink_entry(t, x);
		return false;
	}
	buf_add(out, x->bytes + x->request_len, x->answer_len);
	return true;
}

uint64_t
ocsp_table_epoch(struct ocsp_table *t)
{
	LOCKED(&t->lock);

	return t->epoch;
}

/* Was this serial dropped after `epoch`, or are too many drops in between to
 * tell? */
static bool
overtaken(const struct ocsp_table *t, const struct num *serial, uint64_t epoch)
{
	if (t->epoch - epoch >= DROPS)
		return true;
	for (uint64_t k = epoch; k < t->epoch; k++) {
		if (t->drops[k % DROPS].epoch == k &&
		    num_cmp(&t->drops[k % DROPS].serial, serial) == 0)
			return true;
	}
	return false;
}

static void
make_room(struct ocsp_table *t, size_t bytes)
{
	for (size_t tries = 0; tries < BUCKETS && t->count > 0 &&
	     (t->count >= OCSP_TABLE_ENTRIES ||
		 t->bytes + bytes > OCSP_TABLE_BYTES);
	     tries++) {
		struct entry *x = t->by_request[t->sweep++ % BUCKETS];
		if (x != NULL)
			unlink_entry(t, x);
	}
}

void
ocsp_table_put(struct ocsp_table *t, struct view request,
    const struct num *serial, struct view answer, int64_t expires_ms,
    uint64_t epoch)
{
	struct entry *x = malloc(sizeof(*x) + request.len + answer.len);
	uint32_t h = hash_of(t, request),
		 hs = hash_of(t, num_view(serial)) % BUCKETS;

	if (x == NULL)
		return;
	x->serial = *serial;
	x->expires_ms = expires_ms;
	x->request_hash = h;
	x->request_len = (uint32_t)request.len;
	x->answer_len = (uint32_t)answer.len;
	memcpy(x->bytes, request.data, request.len);
	memcpy(x->bytes + request.len, answer.data, answer.len);
	LOCKED(&t->lock);
	struct entry *old = find(t, request, h);
	if (old != NULL)
		unlink_entry(t, old);
	if (overtaken(t, serial, epoch)) {
		free(x);
		return;
	}
	make_room(t, request.len + answer.len);
	x->next_request = t->by_request[h % BUCKETS];
	t->by_request[h % BUCKETS] = x;
	x->next_serial = t->by_serial[hs];
	t->by_serial[hs] = x;
	t->count++;
	t->bytes += request.len + answer.len;
}

void
ocsp_table_drop(struct ocsp_table *t, const struct num *serial)
{
	uint32_t hs = hash_of(t, num_view(serial)) % BUCKETS;
	struct entry *x, *next;
	LOCKED(&t->lock);

	for (x = t->by_serial[hs]; x != NULL; x = next) {
		next = x->next_serial;
		if (num_cmp(&x->serial, serial) == 0)
			unlink_entry(t, x);
	}
	t->drops[t->epoch % DROPS].serial = *serial;
	t->drops[t->epoch % DROPS].epoch = t->epoch;
	t->epoch++;
}

void
ocsp_table_clear(struct ocsp_table *t)
{
	LOCKED(&t->lock);

	for (size_t i = 0; i < BUCKETS; i++)
		while (t->by_serial[i] != NULL)
			unlink_entry(t, t->by_serial[i]);
	t->epoch += DROPS + 1; /* what is being signed is too old */
}

size_t
ocsp_table_count(struct ocsp_table *t)
{
	LOCKED(&t->lock);

	return t->count;
}
