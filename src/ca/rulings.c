/* SPDX-License-Identifier: Apache-2.0 */
/* rulings.c - puts right what replication made of certificates' records.
 * Owns:    the list of certificates to look at, the cursor's file.
 * Trusts:  nothing; see store/decision.c.
 * Threads: the feed's callback only adds to the list, under `lock`; settling is
 *          done by one thread at a time, under `settling`. Order: settling, a
 *          certificate's lock of struct ca, lock. */
#include "ca/rulings.h"

#include <stdatomic.h>

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "ca/state.h"
#include "store/decision.h"

enum {
	WAITING_FIRST = 64,
	WAITING_MAX = 1 << 20, /* then all revoked ones are looked at */
	CURSOR_MAX = 256,
	CURSOR_MODE = 0600,
	CURSOR_EVERY_MS = 60000,
};

/* A certificate to look at. */
struct waiting {
	struct num serial;
	int64_t came_ms;
};

struct rulings {
	struct ca *ca;
	struct watch *watch;
	char *cursor_file;
	uint64_t kept_usn;
	int64_t kept_ms;
	_Atomic uint64_t repaired;

	pthread_mutex_t settling;

	pthread_mutex_t lock; /* all below */
	struct waiting *list;
	size_t n, cap;
	bool all; /* look at all that was ever revoked */
};

/* --- what has arrived --------------------------------------------------- */

static void
wait_for(struct rulings *r, const struct num *serial, int64_t came_ms)
{
	struct waiting *list;
	size_t cap;
	LOCKED(&r->lock);

	for (size_t i = r->n; i-- > 0 && i + 8 > r->n;)
		if (num_cmp(&r->list[i].serial, serial) == 0)
			return; /* the usual echo: request, then record */
	if (r->n == r->cap) {
		cap = r->cap == 0 ? WAITING_FIRST : r->cap * 2;
		list = cap <= WAITING_MAX
		    ? reallocarray(r->list, cap, sizeof(*list))
		    : NULL;
		if (list == NULL) {
			r->all = true;
			return;
		}
		r->list = list;
		r->cap = cap;
	}
	r->list[r->n++] = (struct waiting){ *serial, came_ms };
}

/* As it was when the certificate was issued: nothing to be lost. */
static bool
untouched(const struct rec *r)
{
	const struct rec_attr *status = rec_attr(r, "certStatus");
	const char *made = rec_str(r, "dateOfCreate");
	const char *changed = rec_str(r, "dateOfModify");

	return rec_attr(r, "revInfo") == NULL && status != NULL &&
	    status->n == 1 && made != NULL && changed != NULL &&
	    strcmp(made, changed) == 0;
}

static void
follow(void *arg, const struct feed_item *i)
{
	struct rulings *r = arg;
	struct num serial;

	/* of our own too: a commit may be cut between request and record */
	if (i->rec == NULL || (i->local && i->kind == REC_CERT))
		return;
	if (i->kind == REC_REQUEST ? !decision_serial(&serial, i->rec)
				   : untouched(i->rec) ||
		    num_parse(&serial, i->id, true, NULL) != RC_OK)
		return;
	wait_for(r, &serial, clock_now_ms(r->ca->clock));
	instance_wake(r->ca->instance);
}

static bool
wait_for_request(void *arg, const struct rec *rec)
{
	struct num serial;

	if (decision_serial(&serial, rec))
		wait_for(arg, &serial, 0);
	return true;
}

/* Every certificate that was ever revoked here. */
static enum rc
wait_for_all(struct rulings *r, struct err *e)
{
	static const char *const attrs[] = { "requestType", "requestSourceId",
		NULL };
	static const char *const types[] = { "(requestType=revocation)",
		"(requestType=unrevocation)" };
	struct query q = { .kind = REC_REQUEST, .attrs = attrs };
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < 2; i++) {
		q.filter = types[i];
		rc = store_search(r->ca->store, &q, wait_for_request, r, e);
	}
	return rc;
}

/* --- the cursor --------------------------------------------------------- */

/* "<store generation> <usn>". */
static uint64_t
read_cursor(const struct rulings *r)
{
	const char *generation = store_generation(r->ca->store);
	AUTO_BUF text = buf_empty(CURSOR_MAX);
	size_t n = strlen(generation);
	int64_t usn;

	if (file_read(&text, r->cursor_file, NULL) != RC_OK ||
	    !text_starts(buf_cstr(&text), generation) ||
	    buf_cstr(&text)[n] != ' ' ||
	    text_int(&usn, buf_cstr(&text) + n + 1, 0, INT64_MAX, NULL) !=
		RC_OK)
		return UINT64_MAX;
	return (uint64_t)usn;
}

static void
write_cursor(struct rulings *r, uint64_t usn)
{
	AUTO_BUF text = buf_empty(CURSOR_MAX);
	struct err e = { RC_OK, "" };

	if (usn == r->kept_usn)
		return;
	buf_addf(&text, "%s %llu", store_generation(r->ca->store),
	    (unsigned long long)usn);
	/* without it the next start looks at more */
	if (file_write(r->cursor_file, buf_view(&text), CURSOR_MODE, &e) !=
	    RC_OK)
		log_warning("ca", "%s: %s, continuing", r->cursor_file, e.text);
	r->kept_usn = usn;
	r->kept_ms = clock_now_ms(r->ca->clock);
}

/* --- putting right ------------------------------------------------------ */

static void
alarm_audit(
    struct ca *ca, struct batch *b, const struct num *serial, bool revoked)
{
	char hex[NUM_TEXT_MAX];

	ca_audit_effect(ca, b,
	    AUDIT_ENTRY("CERT_STATUS_CHANGE_REQUEST_PROCESSED", NULL, true,
		"certificate status lost in replication, set again",
		{ "CertSerialNum", num_0x(hex, serial) },
		{ "RequestType", revoked ? "revoke" : "off-hold" },
		{ "Approval", "complete" }));
}

/* settled: whoever decided has had the time to write the record himself. */
static enum rc
look_at(
    struct rulings *r, const struct num *serial, bool settled, struct err *e)
{
	struct ca *ca = r->ca;
	AUTO(arena) a = arena_new(0);
	AUTO(batch) b = batch_new();
	AUTO(rec) rec = NULL;
	char id[NUM_TEXT_MAX];
	struct cert_rec c;
	struct ruling x = { 0 };
	LOCKED(&ca->cert_locks[serial->b[serial->len - 1] % CA_LOCKS]);
	enum rc rc;

	if (a == NULL || b == NULL)
		return err_set(e, RC_NOMEM, "certificate's status");
	rc = store_get(ca->store, &rec, REC_CERT, num_hex(id, serial), e);
	if (rc == RC_NOTFOUND)
		return RC_OK; /* not arrived yet: it will come by itself */
	if (rc != RC_OK || (rc = cert_rec_decode(&c, rec, a, e)) != RC_OK ||
	    (rc = ruling_load(&x, ca->store, &c, a, e)) != RC_OK ||
	    ruling_kept(&x, &c, rec))
		return rc;
	ruling_write(b, &x, &c, clock_now(ca->clock));
	if (settled)
		alarm_audit(ca, b, serial, ruling_revoked(&x));
	if ((rc = store_commit(ca->store, b, e)) != RC_OK || !settled)
		return rc;
	atomic_fetch_add(&r->repaired, 1);
	log_warning("ca",
	    "certificate=0x%s: replication lost its %s, written again, "
	    "continuing",
	    id, ruling_revoked(&x) ? "revocation" : "release");
	return RC_OK;
}

static int64_t
until_next(struct rulings *r, int64_t now)
{
	int64_t least = -1;
	LOCKED(&r->lock);

	for (size_t i = 0; i < r->n; i++) {
		int64_t ms = r->list[i].came_ms + CA_SETTLE_MS - now;

		if (least < 0 || ms < least)
			least = ms > 0 ? ms : 0;
	}
	return least;
}

/* Looks at n of them; those it did not come to wait again. */
static enum rc
look_at_these(struct rulings *r, const struct waiting *list, size_t n, bool all,
    int64_t now, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n; i++) {
		bool settled = list[i].came_ms + CA_SETTLE_MS <= now;

		if (rc == RC_OK && (all || settled))
			rc = look_at(r, &list[i].serial, settled, e);
		else if (rc == RC_OK) {
			wait_for(r, &list[i].serial, list[i].came_ms);
			continue;
		}
		if (rc != RC_OK)
			wait_for(r, &list[i].serial, list[i].came_ms);
	}
	return rc;
}

static enum rc
settle(struct rulings *r, bool all, struct err *e)
{
	int64_t now = clock_now_ms(r->ca->clock);
	struct waiting *list;
	bool everything;
	size_t n;
	enum rc rc = RC_OK;

	pthread_mutex_lock(&r->lock);
	everything = r->all;
	r->all = false;
	pthread_mutex_unlock(&r->lock);
	if (everything && (rc = wait_for_all(r, e)) != RC_OK) {
		LOCKED(&r->lock);
		r->all = true;
		return rc;
	}
	pthread_mutex_lock(&r->lock);
	list = r->list;
	n = r->n;
	r->list = NULL;
	r->n = r->cap = 0;
	pthread_mutex_unlock(&r->lock);
	rc = look_at_these(r, list, n, all, now, e);
	free(list);
	return rc == RC_OK ? rc : err_prefix(e, "certificate's status");
}

enum rc
rulings_settle(struct rulings *r, bool all, int64_t *wait_ms, struct err *e)
{
	int64_t now = clock_now_ms(r->ca->clock);
	uint64_t usn;
	enum rc rc;
	LOCKED(&r->settling);

	usn = store_usn(r->ca->store); /* all up to here is in the list */
	rc = settle(r, all, e);
	if (wait_ms != NULL)
		*wait_ms = until_next(r, now);
	if (rc == RC_OK && until_next(r, now) < 0 &&
	    now >= r->kept_ms + CURSOR_EVERY_MS)
		write_cursor(r, usn);
	return rc;
}

uint64_t
rulings_repaired(const struct rulings *r)
{
	return atomic_load(&r->repaired);
}

/* --- begin and end ------------------------------------------------------ */

void
rulings_keep_place(struct rulings *r)
{
	uint64_t usn = store_usn(r->ca->store);

	if (!r->all && until_next(r, 0) < 0)
		write_cursor(r, usn);
}

void
rulings_free(struct rulings *r)
{
	if (r == NULL)
		return;
	watch_free(r->watch);
	pthread_mutex_destroy(&r->lock);
	pthread_mutex_destroy(&r->settling);
	free(r->list);
	free(r->cursor_file);
	free(r);
}

enum rc
rulings_open(
    struct rulings **out, struct ca *ca, const char *cursor_file, struct err *e)
{
	AUTO(rulings) r = calloc(1, sizeof(*r));
	const unsigned kinds = 1u << REC_CERT | 1u << REC_REQUEST;
	uint64_t since;
	enum rc rc;

	if (r == NULL)
		return err_set(e, RC_NOMEM, "rulings");
	r->ca = ca;
	pthread_mutex_init(&r->lock, NULL);
	pthread_mutex_init(&r->settling, NULL);
	if ((r->cursor_file = strdup(cursor_file)) == NULL)
		return err_set(e, RC_NOMEM, "rulings");
	since = read_cursor(r);
	r->kept_usn = since;
	r->kept_ms = clock_now_ms(ca->clock);
	rc = since == UINT64_MAX
	    ? RC_GONE
	    : store_watch(ca->store, &r->watch, kinds, since, follow, r, e);
	if (rc == RC_GONE) {
		r->all = true;
		rc = store_watch(
		    ca->store, &r->watch, kinds, UINT64_MAX, follow, r, e);
	}
	if (rc != RC_OK)
		return rc;
	*out = rulings_steal(&r);
	return RC_OK;
}
