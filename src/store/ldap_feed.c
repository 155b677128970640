/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_feed.c - changes made elsewhere: a persistent search, and a search by
 * entryUSN for what it missed (spec directory 5).
 * Owns:    the watcher thread and its connection.
 * Trusts:  nothing: entries may be another vendor's.
 * Threads: feed_lock is held around every delivery. */
#include <time.h>

#include "base/log.h"
#include "store/ldap_int.h"
#include "store/rec_wire.h"

#define CONTROL_PERSISTENT "2.16.840.1.113730.3.4.3"
#define CONTROL_NOTICE "2.16.840.1.113730.3.4.7"

enum {
	CHANGE_TYPES_ALL = 15,
	CHANGE_TYPE_DELETE = 2,
};

uint64_t
dir_exposed(const struct ldap_be *be, uint64_t usn)
{
	return be->epoch << LDAP_BE_EPOCH_SHIFT | usn;
}

/* --- own changes -------------------------------------------------------- */

static const uint64_t seed = 0xcbf29ce484222325u;

static uint64_t
hash(uint64_t h, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * 0x100000001b3u; /* FNV-1a */
	return h;
}

static uint64_t
id_hash(enum rec_kind k, const char *id)
{
	return hash(seed + k, id, strlen(id));
}

/* What tells one state of an entry from another: its entryUSN, or all of it
 * where there is none. Values may come in another order: sums. */
static struct ldap_own
fingerprint(enum rec_kind k, const char *id, const struct rec *r)
{
	struct ldap_own f = { id_hash(k, id), 1 };

	if (r == NULL)
		return f;
	f.state_hash = r->usn != 0 ? r->usn : 2;
	for (size_t i = 0; r->usn == 0 && i < r->n; i++)
		for (size_t j = 0; j < r->attrs[i].n; j++)
			f.state_hash += hash(hash(seed, r->attrs[i].name,
						 strlen(r->attrs[i].name)),
			    r->attrs[i].values[j].data,
			    r->attrs[i].values[j].len);
	return f;
}

/* Was that reported already, when it was written here? Forgets it then. */
static bool
own_change(struct ldap_be *be, struct ldap_own f)
{
	for (size_t i = 0; i < LDAP_BE_RING; i++)
		if (be->own[i].id_hash == f.id_hash &&
		    be->own[i].state_hash == f.state_hash) {
			be->own[i] = (struct ldap_own){ 0, 0 };
			return true;
		}
	return false;
}

static void
deliver(struct ldap_be *be, enum rec_kind k, const char *id,
    const struct rec *r, bool local)
{
	struct feed_item item = { k, id, NULL, local,
		dir_exposed(be, be->newest) };
	struct rec alias;

	if (r != NULL && r->usn != 0) {
		uint64_t who = id_hash(k, id);

		dir_seen_number(&be->seen, r->usn, clock_mono_ms(be->clock));
		/* of two ways a state takes the later may be the slower one */
		if (dir_seen_newer(&be->seen, who, r->usn + (local ? 1 : 0)))
			return;
		dir_seen_state(&be->seen, who, r->usn);
	}
	if (r != NULL) {
		alias = *r;
		if (alias.usn > be->newest)
			be->newest = alias.usn;
		alias.usn = item.usn = dir_exposed(be, alias.usn);
		item.rec = &alias;
	}
	dir_list_follow(be, k, id, r);
	feed_deliver(&be->store->feed, &item, 1);
}

void
dir_deliver_own(
    struct ldap_be *be, enum rec_kind k, const char *id, const struct rec *r)
{
	LOCKED(&be->feed_lock);
	if (be->live)
		be->own[be->own_at++ % LDAP_BE_RING] = fingerprint(k, id, r);
	if (r == NULL)
		be->newest++; /* a deletion takes a number too */
	deliver(be, k, id, r, true);
}

/* --- catching up -------------------------------------------------------- */

struct missed {
	struct rec *r;
	bool gone;
};
struct changes {
	struct ldap_be *be;
	bool gone; /* tombstones are being read */
	struct missed *list;
	size_t n, cap;
	enum rc rc;
};

static int
cmp_usn(const void *a, const void *b)
{
	const struct missed *x = a, *y = b;

	return x->r->usn < y->r->usn ? -1 : x->r->usn > y->r->usn;
}

static void
changes_done(struct changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		rec_free(c->list[i].r);
	free(c->list);
}

static bool
add_change(void *arg, LDAP *ld, LDAPMessage *m)
{
	struct changes *c = arg;
	struct rec *r = NULL;
	enum rec_kind k;
	enum rc rc;

	if (!dir_kind_of(ld, m, &k))
		return true;
	rc = c->gone ? dir_gone_rec(c->be, ld, m, k, &r, NULL)
		     : dir_to_rec(c->be, ld, m, k, &r, NULL);
	if (rc != RC_OK)
		return true; /* no record of ours */
	if (c->n == c->cap) {
		size_t cap = c->cap == 0 ? 64 : 2 * c->cap;
		struct missed *list = reallocarray(c->list, cap, sizeof(*list));

		c->rc = cap > LDAP_BE_GAP_MAX ? RC_TOOBIG
		    : list == NULL            ? RC_NOMEM
					      : RC_OK;
		if (list != NULL) {
			c->list = list;
			c->cap = cap;
		}
		if (c->rc != RC_OK) {
			rec_free(r);
			return false;
		}
	}
	c->list[c->n++] = (struct missed){ r, c->gone };
	return true;
}

/* All records of ours changed or deleted whose numbers that filter names, oldest
 * change first. RC_TOOBIG when there are too many. */
static enum rc
changed(struct ldap_be *be, struct changes *out, const struct buf *which,
    struct err *e)
{
	AUTO_BUF gone = buf_empty(0);
	struct ask q = { .base = be->base_dn,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = buf_cstr(which),
		.attrs = dir_read_attrs };
	enum rc rc = buf_check(which, e);

	*out = (struct changes){ .be = be };
	if (rc == RC_OK)
		rc = dir_pages(be, &q, add_change, out, e);
	buf_addf(&gone, "(&(objectClass=nsTombstone)%s)", buf_cstr(which));
	q.filter = buf_cstr(&gone);
	out->gone = true;
	if (rc == RC_OK && out->rc == RC_OK)
		rc = dir_pages(be, &q, add_change, out, e);
	if (rc == RC_OK && out->rc != RC_OK)
		rc = err_set(e, out->rc, "changes: %s", rc_text(out->rc));
	if (out->n > 0)
		qsort(out->list, out->n, sizeof(out->list[0]), cmp_usn);
	return rc;
}

/* Number to read from, for a watcher that has seen up to `since` of this
 * epoch: where that was in an earlier run, no more is sure than the sentinel. */
static uint64_t
read_from(const struct ldap_be *be, uint64_t since)
{
	since &= (1ull << LDAP_BE_EPOCH_SHIFT) - 1;
	return since < be->opened && since > be->sure ? be->sure : since;
}

enum rc
dir_watch(void *impl, struct watch *w, uint64_t since, struct err *e)
{
	const uint64_t mask = (1ull << LDAP_BE_EPOCH_SHIFT) - 1;
	struct ldap_be *be = impl;
	struct changes c = { .n = 0 };
	AUTO_BUF which = buf_empty(0);
	enum rc rc = RC_OK;

	LOCKED(&be->feed_lock);
	if (since != UINT64_MAX && since != 0 &&
	    (!be->has_usn || since >> LDAP_BE_EPOCH_SHIFT != be->epoch ||
		(since & mask) > be->newest))
		return err_set(e, RC_GONE,
		    "directory: changes since %llu are not known",
		    (unsigned long long)since);
	buf_addf(&which, "(entryUSN>=%" PRIu64 ")",
	    be->has_usn ? read_from(be, since) + 1 : 1);
	if (since != UINT64_MAX)
		rc = changed(be, &c, &which, e);
	for (size_t i = 0; rc == RC_OK && i < c.n; i++) {
		struct rec *r = c.list[i].r;
		struct feed_item item = { r->kind, r->id,
			c.list[i].gone ? NULL : r, false, 0 };

		item.usn = r->usn = dir_exposed(be, r->usn);
		watch_deliver(w, &item);
		if (item.usn > w->floor)
			w->floor = item.usn;
	}
	changes_done(&c);
	if (rc == RC_OK)
		feed_attach(&be->store->feed, w);
	return rc == RC_TOOBIG
	    ? err_set(e, RC_GONE, "directory: too many changes since then")
	    : rc;
}

/* What the search has not brought, or not yet; feed_lock is held. */
static enum rc
fill_gaps(struct ldap_be *be, struct err *e)
{
	int64_t began = clock_mono_ms(be->clock);
	AUTO_BUF which = buf_empty(0);
	struct changes c;
	enum rc rc;

	dir_seen_filter(&be->seen, &which);
	rc = changed(be, &c, &which, e);
	for (size_t i = 0; rc == RC_OK && i < c.n; i++) {
		const struct rec *r = c.list[i].r;
		uint64_t who = id_hash(r->kind, r->id);

		if (dir_seen_newer(&be->seen, who, r->usn))
			continue;
		if (!c.list[i].gone) {
			deliver(be, r->kind, r->id, r, false);
			continue;
		}
		dir_seen_number(&be->seen, r->usn, began);
		dir_seen_state(&be->seen, who, r->usn);
		if (r->usn > be->newest)
			be->newest = r->usn;
		deliver(be, r->kind, r->id, NULL, false);
	}
	if (rc == RC_OK)
		dir_seen_asked(&be->seen, began - LDAP_BE_NUMBERED_MS);
	changes_done(&c);
	return rc;
}

enum rc
dir_fill_gaps(struct ldap_be *be, struct err *e)
{
	LOCKED(&be->feed_lock);

	return fill_gaps(be, e);
}

/* Those that no change has filled are not kept for ever. */
static enum rc
fill_old_gaps(struct ldap_be *be, int64_t now)
{
	const struct dir_seen *s = &be->seen;

	LOCKED(&be->feed_lock);
	return be->has_usn && s->n_gaps > 0 &&
		now - s->gaps[0].since_ms > LDAP_BE_NUMBERED_MS
	    ? fill_gaps(be, NULL)
	    : RC_OK;
}

enum rc
dir_catch_up(void *impl, int limit_ms, struct err *e)
{
	struct ldap_be *be = impl;
	AUTO_BUF id = buf_empty(0);
	struct timespec until;
	enum rc rc = dir_up(be, e);

	if (rc != RC_OK)
		return rc;
	if (!be->has_usn || !be->in_step || !dir_cursor_holds(be)) {
		rc = dir_read_one(be, &id, be->base_dn, "nsUniqueId", e);
		return rc != RC_OK
		    ? rc
		    : err_set(e, RC_GONE, "directory: all is to be read anew");
	}
	until = thread_deadline(CLOCK_REALTIME, (int64_t)limit_ms * 1000);
	if (pthread_mutex_timedlock(&be->feed_lock, &until) != 0)
		return err_set(e, RC_UNAVAILABLE,
		    "directory %s is too slow: changes are being read for more "
		    "than %d ms",
		    be->url, limit_ms);
	rc = fill_gaps(be, e);
	pthread_mutex_unlock(&be->feed_lock);
	return rc == RC_TOOBIG
	    ? err_set(e, RC_GONE, "directory: too many changes")
	    : rc;
}

static bool
deliver_again(void *arg, const struct rec *r)
{
	struct ldap_be *be = arg;
	struct rec raw = *r;

	raw.usn &= (1ull << LDAP_BE_EPOCH_SHIFT) - 1;
	deliver(be, raw.kind, raw.id, &raw, false);
	return true;
}

/* Nobody can say what happened: whoever keeps something of many records is told
 * to read anew, of all others the records as they are now are handed over. */
static enum rc
rescan(struct ldap_be *be, struct err *e)
{
	enum rc rc = RC_OK;

	log_info("store", "directory %s: all is read again", be->url);
	pthread_mutex_lock(&be->feed_lock);
	for (enum rec_kind k = 0; rc == RC_OK && k < REC_KINDS; k++) {
		struct query q = { .kind = k };

		if (k == REC_CERT || k == REC_REQUEST || k == REC_KEY) {
			struct feed_item item = { k, "", NULL, false,
				dir_exposed(be, be->newest) };

			feed_deliver(&be->store->feed, &item, 1);
		} else
			rc = dir_search(be, &q, deliver_again, be, e);
	}
	pthread_mutex_unlock(&be->feed_lock);
	if (rc == RC_OK && be->lists != NULL)
		dir_lists_restart(be);
	return rc;
}

/* The search runs (again): what was missed, first. */
static enum rc
catch_up(struct ldap_be *be, bool first, struct err *e)
{
	bool same = false;
	enum rc rc = RC_OK;

	if (first)
		return be->has_usn ? dir_fill_gaps(be, e) : RC_OK;
	if ((rc = dir_cursor_check(be, &same, e)) != RC_OK)
		return rc;
	if (same)
		rc = dir_fill_gaps(be, e);
	if (!same || rc == RC_TOOBIG)
		rc = rescan(be, e);
	if (rc == RC_OK)
		dir_mark(be);
	return rc;
}

/* --- the persistent search ---------------------------------------------- */

static int
persistent_control(LDAPControl **out)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	if (ber == NULL)
		return LDAP_NO_MEMORY;
	return dir_control(out, CONTROL_PERSISTENT, ber,
	    ber_printf(ber, "{ibb}", CHANGE_TYPES_ALL, 1, 1));
}

static bool
is_deletion(LDAP *ld, LDAPMessage *entry)
{
	LDAPControl **ctrls = NULL, *found;
	ber_int_t type = 0;
	BerElement *ber;

	if (ldap_get_entry_controls(ld, entry, &ctrls) != LDAP_SUCCESS)
		return false;
	found = ldap_control_find(CONTROL_NOTICE, ctrls, NULL);
	if (found != NULL && (ber = ber_init(&found->ldctl_value)) != NULL) {
		if (ber_scanf(ber, "{e", &type) == LBER_ERROR)
			type = 0;
		ber_free(ber, 1);
	}
	ldap_controls_free(ctrls);
	return type == CHANGE_TYPE_DELETE;
}

static void
arrived(struct ldap_be *be, enum rec_kind k, const struct rec *r, bool gone)
{
	dir_wait_landed(be, k, r->id); /* it may be one of ours */
	LOCKED(&be->feed_lock);
	if (own_change(be, fingerprint(k, r->id, gone ? NULL : r)))
		return;
	/* r is what was deleted: known already, or there again */
	if (gone && r->usn != 0 &&
	    dir_seen_newer(&be->seen, id_hash(k, r->id), r->usn + 1))
		return;
	if (gone)
		be->newest++;
	deliver(be, k, r->id, gone ? NULL : r, false);
}

static void
on_entry(struct ldap_be *be, LDAP *ld, LDAPMessage *m)
{
	AUTO(rec) r = NULL;
	enum rec_kind k;

	if (dir_kind_of(ld, m, &k) &&
	    dir_to_rec(be, ld, m, k, &r, NULL) == RC_OK)
		arrived(be, k, r, is_deletion(ld, m));
}

static int
begin_search(struct ldap_be *be, LDAP *ld, int *msgid)
{
	AUTO_BUF filter = buf_empty(0);
	LDAPControl *ctrls[2] = { NULL };
	int c = persistent_control(&ctrls[0]);

	buf_add_str(&filter, "(|");
	for (enum rec_kind k = 0; k < REC_KINDS; k++) {
		const char *text = kind_info(k)->classes;
		size_t len =
		    k == REC_REQUEST ? strcspn(text, " ") : strlen(text);
		const char *from = text + len;

		while (from > text && from[-1] != ' ')
			from--;
		buf_addf(&filter, "(objectClass=%.*s)",
		    (int)(text + len - from), from);
	}
	buf_add_char(&filter, ')');
	if (c == LDAP_SUCCESS)
		c = ldap_search_ext(ld, be->base_dn, LDAP_SCOPE_SUBTREE,
		    buf_cstr(&filter), dir_read_attrs, 0, ctrls, NULL, NULL,
		    LDAP_NO_LIMIT, msgid);
	ldap_control_free(ctrls[0]);
	return c;
}

/* Commits that lost their connection: the directory answers again. What it has
 * not carried out after a while it will not. Returns the time until the next
 * look: one that refuses writes is not asked all the time. */
static int
finish_cut(struct ldap_be *be, int64_t follows_ms)
{
	struct err e = { 0 };

	if (dir_recover(be, follows_ms > LDAP_BE_ORPHAN_MS, &e) == RC_OK)
		return LDAP_BE_POLL_MS;
	log_warning("store", "%s, continuing; next try in %d s", e.text,
	    LDAP_BE_RECOVER_MS / 1000);
	return LDAP_BE_RECOVER_MS;
}

static void
follow(struct ldap_be *be, LDAP *ld, int msgid)
{
	int64_t since = clock_mono_ms(be->clock), next = since;
	int64_t check = since + LDAP_BE_CHECK_MS, mark = since;

	while (!be->closing && !be->hung) {
		struct timeval tv = { 0, LDAP_BE_POLL_MS * 1000 };
		LDAPMessage *res = NULL;
		int r = ldap_result(ld, msgid, LDAP_MSG_ONE, &tv, &res);
		int64_t now = clock_mono_ms(be->clock);

		if (r == LDAP_RES_SEARCH_ENTRY)
			on_entry(be, ld, res);
		ldap_msgfree(res);
		if (r < 0 || r == LDAP_RES_SEARCH_RESULT)
			return;
		if (now >= next)
			next = now + finish_cut(be, now - since);
		if (now >= check && !dir_cursor_holds(be))
			return; /* loaded anew, or restored, under our feet */
		if (now >= check && fill_old_gaps(be, now) != RC_OK)
			return;
		if (now >= check)
			check = now + LDAP_BE_CHECK_MS;
		if (now - mark > LDAP_BE_MARK_MS && be->newest != be->marked) {
			dir_mark(be);
			mark = now;
		}
	}
}

static void *
watcher(void *arg)
{
	const struct timespec pause = { LDAP_BE_RECONNECT_MS / 1000,
		(LDAP_BE_RECONNECT_MS % 1000) * 1000000L };
	struct ldap_be *be = arg;
	struct err e = { 0 };
	bool first = true;

	while (!be->closing) {
		LDAP *ld = NULL;
		int msgid = 0;

		if (dir_connect(be, &ld, &e) == RC_OK &&
		    begin_search(be, ld, &msgid) == LDAP_SUCCESS) {
			be->live = true;
			be->hung = false;
			if (catch_up(be, first, &e) == RC_OK) {
				first = false;
				be->in_step = true;
				follow(be, ld, msgid);
			}
			be->live = be->in_step = false;
			ldap_abandon_ext(ld, msgid, NULL, NULL);
		}
		if (ld != NULL)
			ldap_unbind_ext_s(ld, NULL, NULL);
		if (!be->closing)
			nanosleep(&pause, NULL);
	}
	return NULL;
}

enum rc
dir_feed_start(struct ldap_be *be, struct err *e)
{
	const struct timespec pause = { 0, 2000000 };
	enum rc rc = thread_start(&be->watcher, "store-feed", watcher, be, e);

	if (rc != RC_OK)
		return rc;
	be->watching = true;
	/* the first changes are not to be missed: wait until it runs */
	for (int i = 0; i < be->timeout_ms / 2 && !be->live; i++)
		nanosleep(&pause, NULL);
	return be->live
	    ? RC_OK
	    : err_set(e, RC_UNAVAILABLE, "directory: no persistent search");
}

void
dir_feed_stop(struct ldap_be *be)
{
	if (!be->watching)
		return;
	be->closing = true;
	pthread_join(be->watcher, NULL);
	be->watching = false;
}
