/* SPDX-License-Identifier: Apache-2.0 */
/* revoked.c - the revoked set as a sorted array of blocks of encoded entries.
 * Owns:    blocks, counted: a set and its snapshots share them.
 * Trusts:  its own entries (crl_entry_put wrote them).
 * Threads: one rwlock a set; a shared block is never written. */
#include "crl/revoked.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/thread.h"
#include "der/reader.h"

enum {
	BLOCK_SIZE = 4080, /* with malloc's own octets a page */
	BLOCK_ENTRIES = 128,
	FIRST_BLOCKS = 16,
};

/* Whole entries one after the other, ascending by serial. */
struct block {
	atomic_uint refs; /* sets and snapshots that hold it */
	uint16_t len;     /* octets in use */
	uint16_t count;
	uint16_t at[BLOCK_ENTRIES]; /* where each begins */
	uint8_t data[BLOCK_SIZE - 8 - 2 * BLOCK_ENTRIES];
};

enum {
	BLOCK_ROOM = sizeof(((struct block *)0)->data)
};
_Static_assert(BLOCK_ROOM >= 4 * CRL_ENTRY_MAX, "a split makes room");

struct revoked_set {
	pthread_rwlock_t lock;
	struct block **blocks; /* ascending, none empty; all below: lock */
	size_t n, cap;
	size_t count, bytes;
};

struct revoked_snapshot {
	size_t n, count, bytes;
	struct block *blocks[];
};

/* Where an entry is, or would go: the i-th one of blocks[block]. */
struct place {
	size_t block, i;
	bool found;
};

static void
rwlock_unlockp(pthread_rwlock_t **l)
{
	pthread_rwlock_unlock(*l);
}

#define UNLOCK_AT_END(l)                                 \
	__attribute__((cleanup(rwlock_unlockp), unused)) \
	pthread_rwlock_t *unlock_ = (l)

static void
block_unref(struct block *b)
{
	if (atomic_fetch_sub(&b->refs, 1) == 1)
		free(b);
}

static struct block *
block_new(void)
{
	struct block *b = malloc(sizeof(*b));

	if (b != NULL) {
		atomic_init(&b->refs, 1);
		b->len = b->count = 0;
	}
	return b;
}

static size_t
end_of(const struct block *b, size_t i)
{
	return i + 1 < b->count ? b->at[i + 1] : b->len;
}

static struct view
entry_at(const struct block *b, size_t i)
{
	return view_of(b->data + b->at[i], end_of(b, i) - b->at[i]);
}

static int
compare_at(const struct block *b, size_t i, const struct num *serial)
{
	struct view v = entry_at(b, i), body, n;

	if (der_enter(&v, &body, DER_SEQUENCE, NULL) != RC_OK ||
	    der_integer(&body, &n, NULL) != RC_OK)
		abort(); /* we wrote it */
	if (n.len > 1 && n.data[0] == 0) {
		n.data++; /* the sign octet */
		n.len--;
	}
	if (n.len != serial->len)
		return n.len < serial->len ? -1 : 1;
	return memcmp(n.data, serial->b, n.len);
}

/* The last block whose first entry is not above serial (0 if none is). */
static size_t
block_of(const struct revoked_set *s, const struct num *serial)
{
	size_t lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (compare_at(s->blocks[mid], 0, serial) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? lo - 1 : 0;
}

static struct place
locate(const struct revoked_set *s, const struct num *serial)
{
	struct place p = { 0, 0, false };
	const struct block *b;
	size_t hi, mid;
	int c;

	if (s->n == 0)
		return p;
	p.block = block_of(s, serial);
	b = s->blocks[p.block];
	hi = b->count;
	while (p.i < hi && !p.found) {
		mid = p.i + (hi - p.i) / 2;
		c = compare_at(b, mid, serial);
		p.found = c == 0;
		if (c < 0)
			p.i = mid + 1;
		else
			hi = mid;
		if (p.found)
			p.i = mid;
	}
	return p;
}

struct revoked_set *
revoked_set_new(void)
{
	struct revoked_set *s = calloc(1, sizeof(*s));

	if (s != NULL)
		pthread_rwlock_init(&s->lock, NULL);
	return s;
}

void
revoked_set_free(struct revoked_set *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++)
		block_unref(s->blocks[i]);
	free(s->blocks);
	pthread_rwlock_destroy(&s->lock);
	free(s);
}

/* A block of the set that nobody else sees, or NULL when memory is out. */
static struct block *
own(struct revoked_set *s, size_t i)
{
	struct block *b = s->blocks[i], *copy;

	/* nobody can take a new reference while we hold the lock */
	if (atomic_load(&b->refs) == 1)
		return b;
	copy = block_new();
	if (copy == NULL)
		return NULL;
	copy->len = b->len;
	copy->count = b->count;
	memcpy(copy->at, b->at, sizeof(copy->at));
	memcpy(copy->data, b->data, b->len);
	s->blocks[i] = copy;
	block_unref(b);
	return copy;
}

/* Puts an empty block at index i of the array. */
static enum rc
insert_block(struct revoked_set *s, size_t i)
{
	size_t cap = s->cap != 0 ? s->cap * 2 : FIRST_BLOCKS;
	struct block **grown, *b;

	if (s->n == s->cap) {
		grown = reallocarray(s->blocks, cap, sizeof(struct block *));
		if (grown == NULL)
			return RC_NOMEM;
		s->blocks = grown;
		s->cap = cap;
	}
	b = block_new();
	if (b == NULL)
		return RC_NOMEM;
	memmove(&s->blocks[i + 1], &s->blocks[i],
	    (s->n - i) * sizeof(struct block *));
	s->blocks[i] = b;
	s->n++;
	return RC_OK;
}

static void
remove_block(struct revoked_set *s, size_t i)
{
	block_unref(s->blocks[i]);
	s->n--;
	memmove(&s->blocks[i], &s->blocks[i + 1],
	    (s->n - i) * sizeof(struct block *));
}

/* Moves the upper half of blocks[i], which is ours, to a new block. */
static enum rc
split(struct revoked_set *s, size_t i)
{
	struct block *low = s->blocks[i], *high;
	size_t k = 0, from, n;

	if (insert_block(s, i + 1) != RC_OK)
		return RC_NOMEM;
	high = s->blocks[i + 1];
	while (k + 1 < low->count && low->at[k] < low->len / 2)
		k++;
	from = low->at[k];
	for (n = k; n < low->count; n++)
		high->at[n - k] = (uint16_t)(low->at[n] - from);
	high->count = (uint16_t)(low->count - k);
	high->len = (uint16_t)(low->len - from);
	memcpy(high->data, low->data + from, high->len);
	low->count = (uint16_t)k;
	low->len = (uint16_t)from;
	return RC_OK;
}

/* Exchanges the entry at p, or nothing, for that entry, or nothing. */
static void
splice(struct block *b, const struct place *p, struct view entry)
{
	size_t from = p->i < b->count ? b->at[p->i] : b->len, i;
	size_t to = p->found ? end_of(b, p->i) : from;
	size_t old = p->i + p->found, fresh = p->i + (entry.len > 0);
	int moved = (int)entry.len - (int)(to - from);

	memmove(b->data + from + entry.len, b->data + to, b->len - to);
	if (entry.len > 0)
		memcpy(b->data + from, entry.data, entry.len);
	for (i = old; i < b->count; i++)
		b->at[i] = (uint16_t)(b->at[i] + moved);
	memmove(
	    &b->at[fresh], &b->at[old], (b->count - old) * sizeof(b->at[0]));
	if (entry.len > 0)
		b->at[p->i] = (uint16_t)from;
	b->count = (uint16_t)(b->count + fresh - old);
	b->len = (uint16_t)(b->len + moved);
}

static bool
fits(const struct block *b, const struct place *p, size_t len)
{
	size_t old = p->found ? entry_at(b, p->i).len : 0;

	return b->len - old + len <= BLOCK_ROOM &&
	    (p->found || b->count < BLOCK_ENTRIES);
}

/* Makes room for len octets at *p, which may move to another block. */
static enum rc
make_room(struct revoked_set *s, struct place *p, size_t len,
    const struct num *serial)
{
	struct block *b;

	if (s->n == 0)
		return insert_block(s, 0);
	b = s->blocks[p->block];
	/* rising serials fill their blocks: begin a new one at the very end */
	if (p->block == s->n - 1 && p->i == b->count && !fits(b, p, len)) {
		if (insert_block(s, s->n) != RC_OK)
			return RC_NOMEM;
		*p = (struct place){ s->n - 1, 0, false };
		return RC_OK;
	}
	b = own(s, p->block);
	if (b == NULL)
		return RC_NOMEM;
	if (fits(b, p, len))
		return RC_OK;
	if (split(s, p->block) != RC_OK)
		return RC_NOMEM;
	*p = locate(s, serial);
	return RC_OK;
}

enum rc
revoked_put(struct revoked_set *s, const struct crl_entry *x, struct err *e)
{
	AUTO_BUF entry = buf_empty(CRL_ENTRY_MAX);
	struct place p;
	enum rc rc;

	crl_entry_put(&entry, x);
	rc = buf_check(&entry, e);
	if (rc != RC_OK)
		return rc;
	pthread_rwlock_wrlock(&s->lock);
	UNLOCK_AT_END(&s->lock);
	p = locate(s, &x->serial);
	if (make_room(s, &p, entry.len, &x->serial) != RC_OK)
		return err_set(e, RC_NOMEM, "revoked set: out of memory");
	s->count += !p.found;
	s->bytes +=
	    entry.len - (p.found ? entry_at(s->blocks[p.block], p.i).len : 0);
	splice(s->blocks[p.block], &p, buf_view(&entry));
	return RC_OK;
}

enum rc
revoked_remove(
    struct revoked_set *s, const struct num *serial, bool *found, struct err *e)
{
	struct place p;
	size_t len;

	pthread_rwlock_wrlock(&s->lock);
	UNLOCK_AT_END(&s->lock);
	p = locate(s, serial);
	if (found != NULL)
		*found = p.found;
	if (!p.found)
		return RC_OK;
	len = entry_at(s->blocks[p.block], p.i).len;
	if (s->blocks[p.block]->count == 1) {
		remove_block(s, p.block);
	} else {
		if (own(s, p.block) == NULL)
			return err_set(
			    e, RC_NOMEM, "revoked set: out of memory");
		splice(s->blocks[p.block], &p, view_of(NULL, 0));
	}
	s->count--;
	s->bytes -= len;
	return RC_OK;
}

bool
revoked_find(
    struct revoked_set *s, const struct num *serial, struct crl_entry *out)
{
	struct place p;
	struct view v;

	pthread_rwlock_rdlock(&s->lock);
	UNLOCK_AT_END(&s->lock);
	p = locate(s, serial);
	if (!p.found)
		return false;
	v = entry_at(s->blocks[p.block], p.i);
	if (crl_entry_next(&v, out, NULL) != RC_OK)
		return false;
	out->exts = view_of(NULL, 0); /* they would point into the block */
	return true;
}

size_t
revoked_count(struct revoked_set *s)
{
	pthread_rwlock_rdlock(&s->lock);
	UNLOCK_AT_END(&s->lock);
	return s->count;
}

size_t
revoked_bytes(struct revoked_set *s)
{
	pthread_rwlock_rdlock(&s->lock);
	UNLOCK_AT_END(&s->lock);
	return s->bytes;
}

size_t
revoked_memory(struct revoked_set *s)
{
	pthread_rwlock_rdlock(&s->lock);
	UNLOCK_AT_END(&s->lock);
	return sizeof(*s) + s->n * sizeof(struct block) +
	    s->cap * sizeof(struct block *);
}

void
revoked_swap(struct revoked_set *a, struct revoked_set *b)
{
	struct revoked_set t;

	/* one order for all, so that two swaps cannot wait for each other */
	pthread_rwlock_wrlock(a < b ? &a->lock : &b->lock);
	pthread_rwlock_wrlock(a < b ? &b->lock : &a->lock);
	t.blocks = a->blocks, t.n = a->n, t.cap = a->cap;
	t.count = a->count, t.bytes = a->bytes;
	a->blocks = b->blocks, a->n = b->n, a->cap = b->cap;
	a->count = b->count, a->bytes = b->bytes;
	b->blocks = t.blocks, b->n = t.n, b->cap = t.cap;
	b->count = t.count, b->bytes = t.bytes;
	pthread_rwlock_unlock(&a->lock);
	pthread_rwlock_unlock(&b->lock);
}

enum rc
revoked_snapshot_new(
    struct revoked_snapshot **out, struct revoked_set *s, struct err *e)
{
	struct revoked_snapshot *v;
	size_t i;

	pthread_rwlock_rdlock(&s->lock);
	UNLOCK_AT_END(&s->lock);
	v = malloc(sizeof(*v) + s->n * sizeof(v->blocks[0]));
	if (v == NULL)
		return err_set(e, RC_NOMEM, "revoked set: out of memory");
	v->n = s->n;
	v->count = s->count;
	v->bytes = s->bytes;
	for (i = 0; i < s->n; i++) {
		v->blocks[i] = s->blocks[i];
		atomic_fetch_add(&v->blocks[i]->refs, 1);
	}
	*out = v;
	return RC_OK;
}

void
revoked_snapshot_free(struct revoked_snapshot *v)
{
	size_t i;

	for (i = 0; v != NULL && i < v->n; i++)
		block_unref(v->blocks[i]);
	free(v);
}

size_t
revoked_snapshot_count(const struct revoked_snapshot *v)
{
	return v->count;
}

size_t
revoked_snapshot_bytes(const struct revoked_snapshot *v)
{
	return v->bytes;
}

struct view
revoked_snapshot_piece(const struct revoked_snapshot *v, size_t i)
{
	if (i >= v->n)
		return view_of(NULL, 0);
	return view_of(v->blocks[i]->data, v->blocks[i]->len);
}
