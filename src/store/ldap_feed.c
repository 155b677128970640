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

static uint64_t
hash(uint64_t h, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * 0x100000001b3u; /* FNV-1a */
	return h;
}

/* What tells one state of an entry from another: its entryUSN, or all of it
 * where there is none. Values may come in another order: sums. */
static struct ldap_own
fingerprint(enum rec_kind k, const char *id, const struct rec *r)
{
	const uint64_t seed = 0xcbf29ce484222325u;
	struct ldap_own f = { hash(seed + k, id, strlen(id)), 1 };

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

struct changes {
	struct rec **list;
	size_t n;
};

static int
cmp_usn(const void *a, const void *b)
{
	const struct rec *const *x = a, *const *y = b;

	return (*x)->usn < (*y)->usn ? -1 : (*x)->usn > (*y)->usn;
}

static void
changes_done(struct changes *c)
{
	for (size_t i = 0; c->list != NULL && i < c->n; i++)
		rec_free(c->list[i]);
	free(c->list);
}

/* All entries of ours changed after since, oldest change first. */
static enum rc
changed_since(
    struct ldap_be *be, struct changes *out, uint64_t since, struct err *e)
{
	LDAPMessage *res = NULL;
	LDAP *ld = NULL;
	char filter[64];
	enum rc rc = dir_take(be, &ld, e);
	int c;

	if (rc != RC_OK)
		return rc;
	snprintf(filter, sizeof(filter), "(entryUSN>=%llu)",
	    (unsigned long long)since + 1);
	c = ldap_search_ext_s(ld, be->base_dn, LDAP_SCOPE_SUBTREE, filter,
	    dir_read_attrs, 0, NULL, NULL, NULL, LDAP_NO_LIMIT, &res);
	if (c != LDAP_SUCCESS)
		rc = dir_err(e, c, "changes");
	else if ((out->list = calloc((size_t)ldap_count_entries(ld, res) + 1,
		      sizeof(struct rec *))) == NULL)
		rc = err_set(e, RC_NOMEM, "changes: out of memory");
	for (LDAPMessage *m = rc == RC_OK ? ldap_first_entry(ld, res) : NULL;
	     m != NULL; m = ldap_next_entry(ld, m)) {
		enum rec_kind k;

		if (dir_kind_of(ld, m, &k) &&
		    dir_to_rec(be, ld, m, k, &out->list[out->n], NULL) == RC_OK)
			out->n++;
	}
	ldap_msgfree(res);
	dir_give(be, ld, c);
	if (out->list != NULL && out->n > 0)
		qsort(out->list, out->n, sizeof(struct rec *), cmp_usn);
	return rc;
}

enum rc
dir_watch(void *impl, struct watch *w, uint64_t since, struct err *e)
{
	const uint64_t mask = (1ull << LDAP_BE_EPOCH_SHIFT) - 1;
	struct ldap_be *be = impl;
	struct changes c = { NULL, 0 };
	enum rc rc = RC_OK;

	LOCKED(&be->feed_lock);
	if (since != UINT64_MAX && since != 0 &&
	    (!be->has_usn || since >> LDAP_BE_EPOCH_SHIFT != be->epoch ||
		(since & mask) > be->newest))
		return err_set(e, RC_GONE,
		    "directory: changes since %llu are not known",
		    (unsigned long long)since);
	if (since != UINT64_MAX)
		rc = changed_since(be, &c, be->has_usn ? since & mask : 0, e);
	for (size_t i = 0; rc == RC_OK && c.list != NULL && i < c.n; i++) {
		struct rec *r = c.list[i];
		struct feed_item item = { r->kind, r->id, r, false, 0 };

		item.usn = r->usn = dir_exposed(be, r->usn);
		watch_deliver(w, &item);
		if (item.usn > w->floor)
			w->floor = item.usn;
	}
	changes_done(&c);
	if (rc == RC_OK)
		feed_attach(&be->store->feed, w);
	return rc;
}

/* --- the persistent search ---------------------------------------------- */

static int
persistent_control(LDAPControl **out)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	struct berval *value = NULL;
	int c;

	if (ber == NULL)
		return LDAP_NO_MEMORY;
	if (ber_printf(ber, "{ibb}", CHANGE_TYPES_ALL, 1, 1) == -1 ||
	    ber_flatten(ber, &value) == -1) {
		ber_free(ber, 1);
		return LDAP_ENCODING_ERROR;
	}
	c = ldap_control_create(CONTROL_PERSISTENT, 1, value, 1, out);
	ber_bvfree(value);
	ber_free(ber, 1);
	return c;
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

/* What happened while no search ran. */
static enum rc
fill_gap(struct ldap_be *be, struct err *e)
{
	struct changes c = { NULL, 0 };
	enum rc rc;

	LOCKED(&be->feed_lock);
	if (!be->has_usn)
		return RC_OK;
	rc = changed_since(be, &c, be->newest, e);
	for (size_t i = 0; rc == RC_OK && c.list != NULL && i < c.n; i++) {
		/* the search just begun may report it again */
		be->own[be->own_at++ % LDAP_BE_RING] =
		    fingerprint(c.list[i]->kind, c.list[i]->id, c.list[i]);
		deliver(be, c.list[i]->kind, c.list[i]->id, c.list[i], false);
	}
	changes_done(&c);
	return rc;
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
 * not carried out after a while it will not. */
static void
finish_cut(struct ldap_be *be, int64_t follows_ms)
{
	struct err e = { 0 };

	if (dir_recover(be, follows_ms > LDAP_BE_ORPHAN_MS, &e) != RC_OK)
		log_warning("store", "%s, continuing", e.text);
}

static void
follow(struct ldap_be *be, LDAP *ld, int msgid)
{
	int64_t since = clock_mono_ms(be->clock), next = since;

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
		if (now >= next) {
			finish_cut(be, now - since);
			next = now + LDAP_BE_POLL_MS;
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

	while (!be->closing) {
		LDAP *ld = NULL;
		int msgid = 0;

		if (dir_connect(be, &ld, &e) == RC_OK &&
		    begin_search(be, ld, &msgid) == LDAP_SUCCESS) {
			be->live = true;
			be->hung = false;
			if (fill_gap(be, &e) == RC_OK)
				follow(be, ld, msgid);
			be->live = false;
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
