/* SPDX-License-Identifier: Apache-2.0 */
/* range_live.c - the ranges of one kind of a running instance (store/range.h).
 * Owns:    the state; borrows the store.
 * Trusts:  its parameters.
 * Threads: `lock` guards state and safe; `work` keeps those apart who speak to
 *          the store about ranges. Order: work, then lock. */
#include "store/range_int.h"

#include <inttypes.h>

#include <openssl/rand.h>

#include "base/log.h"
#include "base/thread.h"

enum {
	/* numbers covered by one durable mark: lost when the process dies */
	AHEAD_MAX = 1024,
	AHEAD_PART = 4096, /* of the range */
	PROBES_MAX = 4096,
	RECENT = 1024, /* numbers drawn that the store may not have yet */
};

struct range {
	struct range_params p;
	char *host, *port;
	pthread_mutex_t work, lock;
	struct range_state state;
	uint64_t safe; /* marks below are durable */
	uint64_t recent[RECENT];
	size_t n_recent;
};

enum rc
range_new(struct range **out, const struct range_params *p, struct err *e)
{
	struct range *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_set(e, RC_NOMEM, "range");
	r->p = *p;
	r->p.owner.host = r->host = strdup(p->owner.host);
	r->p.owner.port = r->port = strdup(p->owner.port);
	pthread_mutex_init(&r->work, NULL);
	pthread_mutex_init(&r->lock, NULL);
	r->state = p->state;
	r->safe = r->state.mark;
	if (r->state.top < r->state.now.end)
		r->state.top = r->state.now.end;
	if (r->state.next.begin <= r->state.next.end &&
	    r->state.top < r->state.next.end)
		r->state.top = r->state.next.end;
	if (r->host == NULL || r->port == NULL) {
		range_free(r);
		return err_set(e, RC_NOMEM, "range");
	}
	*out = r;
	return RC_OK;
}

void
range_free(struct range *r)
{
	if (r == NULL)
		return;
	if (r->host != NULL && r->port != NULL && r->safe > r->state.mark)
		/* else up to AHEAD_MAX numbers are lost */
		rc_ignore(r->p.save(r->p.arg, &r->state, false, NULL));
	pthread_mutex_destroy(&r->work);
	pthread_mutex_destroy(&r->lock);
	free(r->host);
	free(r->port);
	free(r);
}

/* --- taking ------------------------------------------------------------- */

static bool
drawn(const struct range *r, uint64_t v)
{
	size_t n = r->n_recent < RECENT ? r->n_recent : RECENT;

	for (size_t i = 0; i < n; i++) {
		if (r->recent[i] == v)
			return true;
	}
	return false;
}

/* RSNv1: a free number anywhere in the range that s->mark counts through. */
static enum rc
draw(struct range *r, const struct range_state *s, uint64_t *v, struct err *e)
{
	uint64_t size = s->now.end - s->now.begin + 1, at;
	char hex[NUM_TEXT_MAX];

	if (RAND_bytes((unsigned char *)&at, sizeof(at)) != 1)
		return err_openssl(e, RC_CRYPTO, "random number");
	at %= size;
	for (uint64_t i = 0; i < PROBES_MAX && i < size; i++) {
		AUTO(rec) there = NULL;
		struct num n = num_from_u64(s->now.begin + (at + i) % size);
		enum rc rc = store_get(
		    r->p.store, &there, REC_CERT, num_hex(hex, &n), e);
		if (rc == RC_OK || drawn(r, s->now.begin + (at + i) % size))
			continue;
		if (rc != RC_NOTFOUND)
			return rc;
		*v = s->now.begin + (at + i) % size;
		r->recent[r->n_recent++ % RECENT] = *v;
		return RC_OK;
	}
	return err_set(e, RC_UNAVAILABLE,
	    "no free random serial number was found in %d tries", PROBES_MAX);
}

/* Makes s the state, durable up to a mark ahead of its own. */
static enum rc
cover(struct range *r, const struct range_state *s, bool spans, struct err *e)
{
	struct range_state ahead = *s;
	uint64_t n = (s->now.end - s->now.begin) / AHEAD_PART;
	enum rc rc;

	n = n > AHEAD_MAX ? AHEAD_MAX : n;
	ahead.mark = s->mark + n > s->now.end ? s->now.end + 1 : s->mark + n;
	rc = r->p.save(r->p.arg, &ahead, spans, e);
	if (rc == RC_OK)
		r->safe = ahead.mark;
	return rc;
}

enum rc
range_take(struct range *r, struct num *out, struct err *e)
{
	struct range_state s;
	bool spans;
	uint64_t v;
	enum rc rc;

	LOCKED(&r->lock);
	s = r->state;
	if ((rc = range_next(&s, &v, e)) != RC_OK)
		return rc;
	spans = s.now.begin != r->state.now.begin;
	if ((spans || s.mark > r->safe) &&
	    (rc = cover(r, &s, spans, e)) != RC_OK)
		return err_prefix(e, "number range");
	r->state = s;
	if (r->p.random && (rc = draw(r, &s, &v, e)) != RC_OK)
		return rc;
	*out = num_from_u64(v);
	return RC_OK;
}

/* --- checking ----------------------------------------------------------- */

static struct range_state
snapshot(struct range *r)
{
	LOCKED(&r->lock);

	return r->state;
}

struct range_state
range_now(struct range *r)
{
	return snapshot(r);
}

/* The spans of a state that was worked out from a snapshot: numbers may have
 * been taken meanwhile, but only range_live's work changes what is owned. */
static enum rc
set_next(struct range *r, struct range_span next, struct err *e)
{
	struct range_state s;
	enum rc rc;

	LOCKED(&r->lock);
	s = r->state;
	s.next = next;
	if (next.begin <= next.end && next.end > s.top)
		s.top = next.end;
	if ((rc = cover(r, &s, true, e)) == RC_OK)
		r->state = s;
	return rc;
}

/* Does the entry of the next range name us? What replication decided otherwise
 * is not used (spec deployment 4.4: conflicts). */
static enum rc
check_next(struct range *r, struct range_state *s, struct err *e)
{
	const char *name = range_name(s->kind, s->form);
	AUTO(rec) entry = NULL;
	char id[REC_ID_MAX], text[RANGE_TEXT_MAX];
	struct range_entry x;
	enum rc rc;

	/* nextRange's text is what CS.cfg says, less 0x */
	if (s->form == RANGE_LEGACY)
		range_text(text, s->kind, s->form, s->next.begin);
	else
		snprintf(text, sizeof(text), "%" PRIu64, s->next.begin);
	snprintf(id, sizeof(id), "%s/%s", name, text);
	rc = store_get(r->p.store, &entry, REC_RANGE, id, e);
	if (rc == RC_NOTFOUND)
		return RC_OK; /* set by hand */
	if (rc != RC_OK)
		return rc;
	if (!range_entry_read(&x, entry, name) || x.owner.host == NULL ||
	    x.owner.port == NULL || range_is_own(&x.owner, &r->p.owner))
		return RC_OK;
	log_error("store", "range=%s belongs to host=%s port=%s: dropped", id,
	    x.owner.host, x.owner.port);
	rc = set_next(r, (struct range_span){ 1, 0 }, e);
	if (rc == RC_OK)
		*s = snapshot(r);
	return rc;
}

/* Takes up a range that was granted: to us by the holder, or by ourselves
 * before a crash. */
static enum rc
adopt(struct range *r, bool *done, struct err *e)
{
	struct range_state s = snapshot(r);
	struct range_set set = { r->p.store, s.kind, s.form };
	struct range_found found;
	AUTO(batch) b = batch_new();
	char id[REC_ID_MAX];
	enum rc rc;

	rc = range_find_own(&set, &r->p.owner, s.top, &found, e);
	*done = rc == RC_OK && found.there;
	if (rc != RC_OK || !found.there)
		return rc;
	if ((rc = set_next(r, found.span, e)) != RC_OK)
		return rc;
	log_info("store", "range=%s next_begin=%" PRIu64 " next_end=%" PRIu64,
	    range_name(s.kind, s.form), found.span.begin, found.span.end);
	/* asked and answered; what stays is answered already */
	range_ask_id(id, &r->p, &s);
	if (b != NULL) {
		batch_delete(b, REC_CLAIM, id);
		rc_ignore(store_commit(r->p.store, b, NULL));
	}
	return RC_OK;
}

/* With work held. */
static enum rc
reserve(
    struct range *r, const struct range_holder *h, bool *waits, struct err *e)
{
	struct range_state s = snapshot(r);
	struct range_set set = { r->p.store, s.kind, s.form };
	bool done = false;
	uint64_t begin;
	enum rc rc;

	if ((rc = adopt(r, &done, e)) != RC_OK || done)
		return rc;
	if (h == NULL) {
		*waits = true;
		return range_ask(&r->p, &s, e);
	}
	rc = range_grant(&set, h, s.increment, &r->p.owner, &begin, e);
	return rc == RC_OK ? adopt(r, &done, e) : rc;
}

/* With work held. */
static enum rc
check(struct range *r, const struct range_holder *h, bool *waits, struct err *e)
{
	struct range_state s = snapshot(r);
	enum rc rc;

	*waits = false;
	if (!s.managed)
		return RC_OK;
	if (s.next.begin <= s.next.end && range_left_now(&s) < s.low_water &&
	    (rc = check_next(r, &s, e)) != RC_OK)
		return rc;
	if (s.next.begin <= s.next.end || range_left(&s) >= s.low_water)
		return RC_OK;
	return reserve(r, h, waits, e);
}

enum rc
range_check(
    struct range *r, const struct range_holder *h, bool *waits, struct err *e)
{
	LOCKED(&r->work);

	return check(r, h, waits, e);
}

void
range_manage(struct range *r)
{
	LOCKED(&r->lock);

	r->state.managed = true;
}

/* The current range's end, or the next one's, moves down. */
static enum rc
cut(struct range *r, struct range_span *out, bool halve, struct err *e)
{
	struct range_state s;
	enum rc rc;

	LOCKED(&r->lock);
	s = r->state;
	rc = halve ? range_halve(&s, out, e)
		   : range_cut(&s, out, r->p.random, e);
	if (rc != RC_OK || (rc = cover(r, &s, true, e)) != RC_OK)
		return rc;
	r->state = s;
	return RC_OK;
}

enum rc
range_transfer(struct range *r, struct range_span *out,
    const struct range_holder *h, bool turn_on, struct err *e)
{
	struct range_state s;
	bool waits = false;
	enum rc rc;

	LOCKED(&r->work);
	if (turn_on) {
		range_manage(r);
		if ((rc = check(r, h, &waits, e)) != RC_OK)
			return rc;
	}
	rc = cut(r, out, false, e);
	s = snapshot(r);
	if (rc != RC_UNAVAILABLE || !s.managed || s.next.begin <= s.next.end)
		return rc;
	rc = reserve(r, h, &waits, e);
	return rc == RC_OK ? cut(r, out, false, e) : rc;
}

enum rc
range_share(struct range *r, struct range_span *out, struct err *e)
{
	LOCKED(&r->work);

	if (r->p.random)
		return err_set(e, RC_UNAVAILABLE,
		    "numbers that are drawn at random are not shared out");
	return cut(r, out, true, e);
}
