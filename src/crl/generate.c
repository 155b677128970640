/* SPDX-License-Identifier: Apache-2.0 */
/* generate.c - one CRL, full or delta: number, signature, file, record, in this
 * order.
 * Owns:    nothing beyond one generation.
 * Trusts:  the set and the settings.
 * Threads: one generation at a time (`making`); the set stays open to changes,
 *          because the list is made from a snapshot. */
#include <stdio.h>

#include "base/file.h"
#include "base/thread.h"
#include "crl/delta.h"
#include "crl/issuing_point_int.h"

enum {
	FILE_MODE = 0644,
	EXTS_ARENA = 256 * 1024,
	CRL_NUMBER_VALUE = 64,
	EFFECT_MAX = 256,
};

/* A generation under way. */
struct making {
	struct issuing_point *ip;
	enum sigalg sigalg;
	bool force;
	struct num number, previous;
	int64_t this_update, next_update;
	size_t leaving; /* expired entries that are on this list last */
	struct revoked_snapshot *snapshot;
	const struct crl_file *base, *prev; /* of a delta; base NULL: full */
	struct buf entries;                 /* of a delta */
	uint64_t count;
	struct buf head, tail;
	const struct crl_file *file;
};

static void
making_done(struct making *m)
{
	revoked_snapshot_free(m->snapshot);
	crl_file_unref(m->file);
	crl_file_unref(m->base);
	crl_file_unref(m->prev);
	buf_done(&m->entries);
	buf_done(&m->head);
	buf_done(&m->tail);
}

#define AUTO_MAKING __attribute__((cleanup(making_done))) struct making

/* The entries, piece by piece; empty at the end. */
static struct view
piece(const struct making *m, size_t i)
{
	if (m->base == NULL)
		return revoked_snapshot_piece(m->snapshot, i);
	return i == 0 ? buf_view(&m->entries) : view_of(NULL, 0);
}

static size_t
entries_len(const struct making *m)
{
	return m->base == NULL ? revoked_snapshot_bytes(m->snapshot)
			       : m->entries.len;
}

static enum rc
choose_sigalg(struct making *m, enum sigalg wanted, struct err *e)
{
	const struct issuing_point *ip = m->ip;

	if (wanted != SIGALG_COUNT) {
		if (!key_can_sign(ip->key, wanted))
			return err_set(e, RC_INVALID,
			    "%s: does not fit the key", sigalg_name(wanted));
		m->sigalg = wanted;
		return RC_OK;
	}
	m->sigalg = ip->conf->sigalg;
	/* shipped settings say RSA, whatever the key is */
	if (m->sigalg == SIGALG_COUNT || !key_can_sign(ip->key, m->sigalg))
		m->sigalg = key_default_sigalg(ip->key);
	return RC_OK;
}

/* A delta, unless a full list is due or asked for, or the first one under its
 * claim: no list of another holder is a base. Under ip->lock. */
static void
choose_base(struct making *m, int64_t now)
{
	const struct issuing_point *ip = m->ip;
	const struct crl_file *full = ip->current;

	if (!ip->conf->deltas || m->force || full == NULL ||
	    issuing_point_claim_due(ip) ||
	    schedule_full_after(&ip->conf->schedule, full->this_update, 1) <=
		now)
		return;
	m->base = crl_file_ref(full);
	m->prev = crl_file_ref(ip->delta);
}

/* Draws number and dates. */
static enum rc
plan(struct making *m, struct err *e)
{
	struct issuing_point *ip = m->ip;
	const struct schedule *s = &ip->conf->schedule;
	int64_t now = clock_now(ip->clock), last_this, last_next;
	char last[CLOCK_TEXT_MAX];
	enum rc rc = issuing_point_number(ip, &m->number, e);

	if (rc != RC_OK)
		return rc;
	pthread_mutex_lock(&ip->lock);
	last_this = ip->last_this;
	last_next = ip->last_next;
	m->previous = ip->current != NULL ? ip->current->number : ip->number;
	choose_base(m, now);
	pthread_mutex_unlock(&ip->lock);
	m->this_update = schedule_this_update(s, now, last_this, last_next);
	if (m->this_update < last_this)
		return err_set(e, RC_UNAVAILABLE,
		    "issuing point %s: the clock is behind thisUpdate of the "
		    "last CRL (%s): waiting",
		    ip->id, clock_text_iso(last, last_this));
	return RC_OK;
}

/* Takes the snapshot and, for a delta, what differs from its base. */
static enum rc
collect(struct making *m, struct err *e)
{
	const struct schedule *s = &m->ip->conf->schedule;
	struct crl base, prev = { 0 };
	enum rc rc = revoked_snapshot_new(&m->snapshot, m->ip->set, e);

	if (rc == RC_OK && m->base != NULL) {
		rc = crl_parse(&base, m->base->der, e);
		if (rc == RC_OK && m->prev != NULL)
			rc = crl_parse(&prev, m->prev->der, e);
		if (rc == RC_OK)
			rc = delta_entries(&m->entries, &m->count, base.entries,
			    prev.entries, m->snapshot, e);
		/* a base of another server, or too much: a full list */
		if (rc == RC_UNSUPPORTED || rc == RC_TOOBIG) {
			crl_file_unref(m->base);
			m->base = NULL;
			rc = RC_OK;
		}
	}
	if (m->base == NULL && rc == RC_OK)
		m->count = revoked_snapshot_count(m->snapshot);
	m->next_update =
	    schedule_next_update(s, m->this_update, m->base == NULL, 1);
	return rc;
}

static enum rc
put_extensions(struct making *m, struct ext_list *list, struct err *e)
{
	const struct crl_conf *c = m->ip->conf;
	AUTO_BUF b = buf_empty(CRL_NUMBER_VALUE);
	const struct ext *x;
	enum rc rc = RC_OK;
	size_t i;

	for (i = 0; rc == RC_OK && i < c->fixed.count; i++) {
		x = &c->fixed.items[i];
		/* RFC 5280 5.2.6: not in a delta */
		if (m->base != NULL &&
		    view_eq(x->oid, oid_der(OID_freshestCRL)))
			continue;
		rc = ext_list_add(list, x->oid, x->critical, x->value, e);
	}
	if (rc == RC_OK && c->put_number) {
		ext_put_num(&b, &m->number);
		rc = ext_list_set_buf(list, OID_crlNumber, false, &b, e);
	}
	if (rc == RC_OK && m->base != NULL) {
		ext_put_num(&b, &m->base->number);
		rc = ext_list_set_buf(list, OID_deltaCRLIndicator, true, &b, e);
	}
	return rc;
}

/* Digests and signs; afterwards head and tail are there. */
static enum rc
build(struct making *m, struct err *e)
{
	const struct issuing_point *ip = m->ip;
	AUTO(arena) arena = arena_new(EXTS_ARENA);
	AUTO(crl_writer) w = NULL;
	AUTO_BUF sig = buf_empty(0);
	struct ext_list exts;
	struct crl_header h = { .sigalg = m->sigalg,
		.issuer = view_of(ip->issuer_name, ip->issuer_name_len),
		.this_update = m->this_update,
		.next_update = m->next_update,
		.exts = &exts,
		.v1 = !ip->conf->allow_exts };
	struct view digest, v;
	enum rc rc = RC_OK;
	size_t i;

	if (arena == NULL)
		return err_set(e, RC_NOMEM, "issuing point %s", ip->id);
	ext_list_init(&exts, arena);
	if (ip->conf->allow_exts)
		rc = put_extensions(m, &exts, e);
	if (rc == RC_OK)
		rc = crl_writer_new(&w, &h, entries_len(m), e);
	for (i = 0; rc == RC_OK && (v = piece(m, i)).len > 0; i++)
		rc = crl_writer_push(w, v, e);
	if (rc == RC_OK)
		rc = crl_writer_digest(w, &digest, e);
	if (rc == RC_OK)
		rc = key_sign(ip->key, m->sigalg, digest, &sig, e);
	if (rc == RC_OK)
		rc =
		    crl_writer_finish(w, buf_view(&sig), &m->head, &m->tail, e);
	return rc;
}

/* The file, durable under its name, and mapped. */
static enum rc
write_out(struct making *m, struct err *e)
{
	const struct issuing_point *ip = m->ip;
	AUTO_STR path = crl_file_path(ip->dir, ip->id, &m->number);
	AUTO(file_out) f = NULL;
	struct view v;
	enum rc rc;
	size_t i;

	if (path == NULL)
		return err_set(e, RC_NOMEM, "issuing point %s", ip->id);
	rc = file_out_new(&f, path, FILE_MODE, e);
	if (rc == RC_OK)
		rc = file_out_write(f, buf_view(&m->head), e);
	for (i = 0; rc == RC_OK && (v = piece(m, i)).len > 0; i++)
		rc = file_out_write(f, v, e);
	if (rc == RC_OK)
		rc = file_out_write(f, buf_view(&m->tail), e);
	if (rc == RC_OK)
		rc = file_out_commit(f, e);
	if (rc == RC_OK)
		rc = crl_file_open(&m->file, path, &m->number, m->count, e);
	return rc;
}

enum {
	PREFIXED_MAX = NUM_TEXT_MAX + 8
};

static const char *
prefixed(char out[PREFIXED_MAX], const struct num *n)
{
	char dec[NUM_TEXT_MAX];

	num_dec(dec, n);
	(void)snprintf(out, PREFIXED_MAX, "%02zu%s", strlen(dec), dec);
	return out;
}

/* Compare and swap: the lines of old, which may be NULL for absent, by fresh;
 * fresh NULL leaves old where it is, but it must be there. */
static void
mod_swap(struct batch *b, const char *name, const char *old, const char *fresh)
{
	const char *at = old, *end;

	for (; at != NULL; at = *end != '\0' ? end + 1 : NULL) {
		end = at + strcspn(at, "\n");
		batch_mod(b, MOD_DELETE, name, view_of(at, (size_t)(end - at)));
		if (fresh == NULL)
			batch_mod(
			    b, MOD_ADD, name, view_of(at, (size_t)(end - at)));
	}
	if (fresh != NULL)
		batch_mod_str(b, MOD_ADD, name, fresh);
}

static void
mod_date(struct batch *b, const char *name, int64_t t)
{
	char text[CLOCK_TEXT_MAX];

	batch_mod_str(
	    b, MOD_REPLACE, name, t != 0 ? clock_text_dir(text, t) : NULL);
}

static void
remove_attrs(struct batch *b, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		batch_mod(b, MOD_REPLACE, names[i], view_of(NULL, 0));
}

/* What only a full list changes: no delta belongs to it yet; the model rebuilds
 * when it takes over (design.md, CRL numbers). */
static void
describe_full(struct batch *b)
{
	static const char *const gone[] = { "crlCache", "revokedCerts",
		"unrevokedCerts", "expiredCerts", "deltaRevocationList",
		"deltaDigest" };

	batch_mod_str(b, MOD_REPLACE, "firstUnsaved", "-2");
	batch_mod_str(b, MOD_REPLACE, "deltaSize", "02-1");
	remove_attrs(b, gone, sizeof(gone) / sizeof(gone[0]));
}

/* The modification of the record. Both numbers are what we have read, or
 * nothing is changed: else two hosts could give one number to two lists. */
static void
describe(const struct making *m, struct batch *b, const char *full_text,
    const char *delta_text)
{
	const struct issuing_point *ip = m->ip;
	bool full = m->base == NULL;
	char dec[NUM_TEXT_MAX], payload[EFFECT_MAX], text[PREFIXED_MAX];
	struct num count = num_from_u64(m->file->count);

	batch_modify(b, REC_ISSUING_POINT, ip->id);
	prefixed(text, &m->number);
	mod_swap(b, "crlNumber", full_text, full ? text : NULL);
	mod_swap(b, "deltaNumber", delta_text, full ? NULL : text);
	batch_mod_str(b, MOD_REPLACE, full ? "crlSize" : "deltaSize",
	    prefixed(text, &count));
	mod_date(b, "thisUpdate", m->this_update);
	mod_date(b, "nextUpdate", m->next_update);
	mod_date(b, "dateOfModify", clock_now(ip->clock));
	if (ip->bytes_in_record)
		batch_mod(b, MOD_REPLACE,
		    full ? "certificateRevocationList" : "deltaRevocationList",
		    m->file->der);
	else
		batch_mod_str(b, MOD_REPLACE,
		    full ? "crlDigest" : "deltaDigest",
		    crl_file_digest(m->file));
	if (full)
		describe_full(b);
	if (ip->effect == NULL)
		return;
	(void)snprintf(payload, sizeof(payload), "%s %s", ip->id,
	    num_dec(dec, &m->number));
	batch_effect(b, ip->effect, view_str(payload));
}

static enum rc
commit(struct making *m, struct err *e)
{
	struct issuing_point *ip = m->ip;
	AUTO(batch) b = batch_new();
	AUTO(rec) r = NULL;
	enum rc rc;

	if (b == NULL)
		return err_set(e, RC_NOMEM, "issuing point %s", ip->id);
	if ((rc = issuing_point_confirm(ip, e)) != RC_OK)
		return rc;
	/* the texts change only where `making` is held, as it is here */
	describe(m, b, ip->number_text, ip->delta_text);
	rc = store_commit(ip->store, b, e);
	if (rc != RC_CONFLICT && rc != RC_EXISTS)
		return rc;
	/* another host was there: go on from what it wrote */
	if (issuing_point_record(ip, &r, NULL) == RC_OK &&
	    issuing_point_take_over(ip, r, NULL) == RC_OK && e != NULL)
		rc_ignore(err_prefix(e, "issuing point %s", ip->id));
	return RC_CONFLICT;
}

/* Expired entries that have been on this one more list go. */
static void
drop_leaving(struct making *m)
{
	struct issuing_point *ip = m->ip;
	struct serials all;
	size_t i;

	pthread_mutex_lock(&ip->lock);
	all = ip->leaving;
	ip->leaving = (struct serials){ NULL, 0, 0 };
	for (i = m->leaving; i < all.n; i++)
		if (serials_add(&ip->leaving, &all.items[i]) != RC_OK)
			ip->lost = true;
	pthread_mutex_unlock(&ip->lock);
	for (i = 0; i < m->leaving && i < all.n; i++)
		if (revoked_remove(ip->set, &all.items[i], NULL, NULL) !=
		    RC_OK) {
			LOCKED(&ip->lock);
			ip->lost = true;
		}
	serials_done(&all);
}

/* From here on the new list is served. */
static void
publish(struct making *m)
{
	struct issuing_point *ip = m->ip;
	bool full = m->base == NULL;
	const struct crl_file *old = NULL, *old_delta;
	struct num keep[] = { m->number, m->previous };
	char text[PREFIXED_MAX], **slot;

	pthread_mutex_lock(&ip->lock);
	old_delta = ip->delta;
	ip->delta = NULL;
	if (full) {
		old = ip->current;
		ip->current = m->file;
	} else {
		ip->delta = m->file;
	}
	m->file = NULL;
	slot = full ? &ip->number_text : &ip->delta_text;
	free(*slot);
	*slot = strdup(prefixed(text, &m->number));
	/* without the text the next commit would be no compare-and-swap */
	ip->record_changed = ip->record_changed || *slot == NULL;
	ip->last_this = m->this_update;
	ip->last_next = m->next_update;
	ip->behind = false;
	pthread_mutex_unlock(&ip->lock);
	crl_file_unref(old);
	crl_file_unref(old_delta);
	if (full)
		issuing_point_served(ip, &m->number);
	if (full && m->leaving > 0)
		drop_leaving(m);
	crl_file_clean(ip->dir, ip->id, keep, sizeof(keep) / sizeof(keep[0]));
}

static enum rc
make(struct making *m, struct err *e)
{
	struct issuing_point *ip = m->ip;
	enum rc rc = plan(m, e);

	if (rc != RC_OK)
		return rc;
	pthread_mutex_lock(&ip->lock);
	ip->changed = false; /* what comes from now on is on the next list */
	m->leaving = ip->leaving.n;
	pthread_mutex_unlock(&ip->lock);
	rc = collect(m, e);
	if (rc == RC_OK && ip->mark != NULL)
		rc = ip->mark(ip->mark_arg, ip->id, &m->number, false, e);
	if (rc == RC_OK)
		rc = build(m, e);
	if (rc == RC_OK) {
		/* signed: this number is used up, whatever comes */
		pthread_mutex_lock(&ip->lock);
		ip->number = m->number;
		pthread_mutex_unlock(&ip->lock);
		rc = write_out(m, e);
	}
	if (rc == RC_OK)
		rc = commit(m, e);
	if (rc == RC_OK) {
		publish(m);
		return RC_OK;
	}
	pthread_mutex_lock(&ip->lock);
	ip->changed = true;
	pthread_mutex_unlock(&ip->lock);
	return rc;
}

/* Does it want a list now? Rebuilds the set where that is needed. */
static enum rc
wanted(struct issuing_point *ip, const struct generate_options *o, bool *yes,
    struct err *e)
{
	int64_t now = clock_now(ip->clock);
	struct claim ignored;
	bool rebuild;
	enum rc rc;

	if (ip->by_claim && !issuing_point_claimed(ip, &ignored))
		return err_set(e, RC_UNAVAILABLE,
		    "issuing point %s: another host makes its lists", ip->id);
	if (!ip->conf->enabled)
		return err_set(e, RC_UNAVAILABLE,
		    "issuing point %s: CRL updates are disabled here", ip->id);
	rc = issuing_point_refresh_locked(ip, e);
	if (rc != RC_OK)
		return rc;
	*yes = o->force || issuing_point_due(ip) <= now;
	pthread_mutex_lock(&ip->lock);
	rebuild = ip->lost || o->clear;
	pthread_mutex_unlock(&ip->lock);
	if (*yes && rebuild) {
		rc = issuing_point_fill(ip, e);
		if (rc != RC_OK)
			return rc;
	}
	if (*yes && ip->conf->none_if_empty && revoked_count(ip->set) == 0) {
		LOCKED(&ip->lock);
		ip->skipped = now;
		ip->changed = false;
		*yes = false;
	}
	return RC_OK;
}

static void
note(struct issuing_point *ip, enum rc rc, const struct err *e, int64_t began)
{
	LOCKED(&ip->lock);

	ip->generating = false;
	ip->took_ms = clock_mono_ms(ip->clock) - began;
	if (rc == RC_OK) {
		ip->made++;
		ip->failures = 0;
		ip->failure[0] = '\0';
		return;
	}
	ip->failed++;
	ip->failures++;
	ip->failed_at = clock_now(ip->clock);
	memcpy(ip->failure, e->text, sizeof(ip->failure));
}

enum rc
issuing_point_generate(struct issuing_point *ip,
    const struct generate_options *o, bool *made, struct err *e)
{
	AUTO_MAKING m = { .ip = ip,
		.force = o->force,
		.entries = buf_empty(DELTA_ENTRIES_MAX),
		.head = buf_empty(0),
		.tail = buf_empty(0) };
	int64_t began = clock_mono_ms(ip->clock);
	struct err own = { 0 };
	bool yes = false;
	enum rc rc;
	LOCKED(&ip->making);

	if (e == NULL)
		e = &own;
	if (made != NULL)
		*made = false;
	rc = wanted(ip, o, &yes, e);
	if (rc != RC_OK || !yes)
		return rc;
	rc = choose_sigalg(&m, o->sigalg, e);
	if (rc != RC_OK)
		return rc;
	pthread_mutex_lock(&ip->lock);
	ip->generating = true;
	pthread_mutex_unlock(&ip->lock);
	rc = make(&m, e);
	note(ip, rc, e, began);
	if (made != NULL)
		*made = rc == RC_OK;
	return rc;
}
