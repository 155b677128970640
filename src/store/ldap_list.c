/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_list.c - which certificates and requests there are, in order of arrival,
 * so that any page of a listing costs the same: a directory can count and skip
 * only by reading (spec directory 3.4).
 *
 * Each list is read in the background after the start and follows the feed from
 * then on. An item is a number and, as small codes, the values of the
 * attributes by which listings are narrowed.
 * Owns:    struct dir_lists.
 * Trusts:  nothing: entries may be another vendor's.
 * Threads: any; the lock of a list is held for moments, never in a call to the
 *          directory. */
#include "base/log.h"
#include "store/ldap_int.h"

enum {
	CODES = 2,       /* attributes a list knows */
	CODE_MAX = 64,   /* different values of one */
	PAGE_MAX = 1000, /* larger ones are read as they stand */
	FETCH = 50,      /* records asked for in one operation */
	FIRST_SLOTS = 1024,
	WAIT_MS = 10000, /* for a list that is being read */
	LATER_MS = 3000, /* before reading, unless a list is wanted: what else
			  * a start asks the directory for goes first */
};

struct item {
	uint8_t len, b[NUM_MAX];
	uint8_t code[CODES];
	bool gone;
};
/* A change that came while the list was being read. */
struct late {
	struct item item;
	struct late *next;
};
struct list {
	enum rec_kind kind;
	const char *attrs[CODES + 1];
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t read;
	enum {
		LIST_UNREAD,
		LIST_READY,
		LIST_UNUSABLE
	} state;
	struct item *items;
	size_t n, cap, n_gone;
	uint32_t *slots; /* index + 1; 0 = free */
	size_t n_slots;  /* a power of two */
	char *values[CODES][CODE_MAX];
	size_t n_values[CODES];
	struct late *late, **late_end;
};
enum {
	N_LISTS = 2
};
struct dir_lists {
	struct list list[N_LISTS];
	pthread_t reader;
	bool reading;
	pthread_mutex_t lock; /* of the next two */
	pthread_cond_t begin;
	bool wanted;
};

/* --- items --------------------------------------------------------------- */

static size_t
slot_of(const struct list *l, const struct item *x)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < x->len; i++)
		h = (h ^ x->b[i]) * 0x100000001b3u; /* FNV-1a */
	for (size_t at = (size_t)(h >> 20);; at++) {
		uint32_t i = l->slots[at & (l->n_slots - 1)];

		if (i == 0 ||
		    (l->items[i - 1].len == x->len &&
			memcmp(l->items[i - 1].b, x->b, x->len) == 0))
			return at & (l->n_slots - 1);
	}
}

/* Room for one more item; half of the slots stay free. */
static bool
grow(struct list *l)
{
	size_t cap = l->cap == 0 ? FIRST_SLOTS / 2 : 2 * l->cap;
	struct item *items;
	uint32_t *slots;

	if (l->n < l->cap)
		return true;
	if (cap > UINT32_MAX / 2 ||
	    (items = reallocarray(l->items, cap, sizeof(*items))) == NULL)
		return false;
	l->items = items;
	if ((slots = calloc(2 * cap, sizeof(*slots))) == NULL)
		return false;
	free(l->slots);
	l->slots = slots;
	l->n_slots = 2 * cap;
	l->cap = cap;
	for (size_t i = 0; i < l->n; i++)
		slots[slot_of(l, &items[i])] = (uint32_t)i + 1;
	return true;
}

static bool
put(struct list *l, const struct item *x)
{
	struct item *old;
	size_t at;

	if (!grow(l))
		return false;
	at = slot_of(l, x);
	if (l->slots[at] == 0) {
		if (x->gone)
			return true;
		l->items[l->n++] = *x;
		l->slots[at] = (uint32_t)l->n;
		return true;
	}
	old = &l->items[l->slots[at] - 1];
	l->n_gone += x->gone;
	l->n_gone -= old->gone;
	*old = *x;
	return true;
}

/* The code of a value; CODE_MAX: there are too many. */
static size_t
code_of(struct list *l, size_t attr, const char *value)
{
	char **values = l->values[attr];
	size_t n = l->n_values[attr];

	for (size_t i = 0; i < n; i++)
		if (text_ieq(values[i], value))
			return i;
	if (n == CODE_MAX || (values[n] = strdup(value)) == NULL)
		return CODE_MAX;
	return l->n_values[attr]++;
}

static bool
make_item(struct list *l, struct item *out, const char *id, const struct rec *r)
{
	struct num n;

	if (num_parse(&n, id, true, NULL) != RC_OK || n.len > sizeof(out->b))
		return false;
	*out = (struct item){ .len = (uint8_t)n.len, .gone = r == NULL };
	memcpy(out->b, n.b, n.len);
	for (size_t i = 0; r != NULL && l->attrs[i] != NULL; i++) {
		const char *value = rec_str(r, l->attrs[i]);
		size_t code = code_of(l, i, value != NULL ? value : "");

		if (code == CODE_MAX)
			return false;
		out->code[i] = (uint8_t)code;
	}
	return true;
}

/* --- keeping step --------------------------------------------------------- */

static struct list *
list_of(struct ldap_be *be, enum rec_kind k)
{
	for (size_t i = 0; be->lists != NULL && i < N_LISTS; i++)
		if (be->lists->list[i].kind == k)
			return &be->lists->list[i];
	return NULL;
}

static bool
keep_late(struct list *l, const struct item *x)
{
	struct late *late = calloc(1, sizeof(*late));

	if (late == NULL)
		return false;
	late->item = *x;
	*l->late_end = late;
	l->late_end = &late->next;
	return true;
}

void
dir_list_follow(
    struct ldap_be *be, enum rec_kind k, const char *id, const struct rec *r)
{
	struct list *l = list_of(be, k);
	struct item x;

	if (l == NULL)
		return;
	LOCKED(&l->lock);
	if (l->state == LIST_UNUSABLE)
		return;
	if (!make_item(l, &x, id, r) ||
	    !(l->state == LIST_READY ? put(l, &x) : keep_late(l, &x)))
		l->state = LIST_UNUSABLE;
}

/* --- reading --------------------------------------------------------------- */

struct reading {
	struct ldap_be *be;
	struct list *l;
	bool failed;
};

static bool
read_one(void *arg, const struct rec *r)
{
	struct reading *x = arg;
	struct item item;
	LOCKED(&x->l->lock);

	if (x->l->state == LIST_UNUSABLE)
		return false;
	x->failed = !make_item(x->l, &item, r->id, r) || !put(x->l, &item);
	return !x->failed && !x->be->closing;
}

static void
drop_late(struct list *l)
{
	while (l->late != NULL) {
		struct late *next = l->late->next;

		free(l->late);
		l->late = next;
	}
	l->late_end = &l->late;
}

static void
read_list(struct ldap_be *be, struct list *l)
{
	struct query q = { .kind = l->kind, .attrs = l->attrs };
	struct reading x = { be, l, false };
	struct err e = { 0 };
	enum rc rc = dir_search(be, &q, read_one, &x, &e);
	LOCKED(&l->lock);

	for (const struct late *p = l->late; p != NULL && !x.failed;
	     p = p->next)
		x.failed = !put(l, &p->item);
	drop_late(l);
	if (l->state == LIST_UNREAD)
		l->state =
		    rc == RC_OK && !x.failed ? LIST_READY : LIST_UNUSABLE;
	if (rc != RC_OK)
		log_warning("store", "list of %ss: %s, continuing without it",
		    rec_kind_text(l->kind), e.text);
	pthread_cond_broadcast(&l->read);
}

/* Now, not later. */
static void
want(struct dir_lists *s)
{
	LOCKED(&s->lock);
	s->wanted = true;
	pthread_cond_broadcast(&s->begin);
}

static void
wait_wanted(struct dir_lists *s)
{
	struct timespec until;
	int c = 0;

	until = thread_deadline(CLOCK_REALTIME, (int64_t)LATER_MS * 1000);
	LOCKED(&s->lock);
	while (!s->wanted && c == 0)
		c = pthread_cond_timedwait(&s->begin, &s->lock, &until);
	s->wanted = true;
}

static void *
reader(void *arg)
{
	struct ldap_be *be = arg;

	wait_wanted(be->lists);
	for (size_t i = 0; i < N_LISTS && !be->closing; i++)
		read_list(be, &be->lists->list[i]);
	return NULL;
}

enum rc
dir_lists_new(struct ldap_be *be, struct err *e)
{
	struct dir_lists *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, RC_NOMEM, "directory: out of memory");
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->begin, NULL);
	s->list[0].kind = REC_CERT;
	s->list[0].attrs[0] = "certStatus";
	s->list[1].kind = REC_REQUEST;
	s->list[1].attrs[0] = "requestState";
	s->list[1].attrs[1] = "requestType";
	for (size_t i = 0; i < N_LISTS; i++) {
		pthread_mutex_init(&s->list[i].lock, NULL);
		pthread_cond_init(&s->list[i].read, NULL);
		s->list[i].late_end = &s->list[i].late;
	}
	be->lists = s;
	return RC_OK;
}

enum rc
dir_lists_start(struct ldap_be *be, struct err *e)
{
	enum rc rc =
	    thread_start(&be->lists->reader, "store-list", reader, be, e);

	be->lists->reading = rc == RC_OK;
	return rc;
}

void
dir_lists_restart(struct ldap_be *be)
{
	struct dir_lists *s = be->lists;

	if (!s->reading)
		return;
	want(s);
	pthread_join(s->reader, NULL);
	for (size_t i = 0; i < N_LISTS; i++) {
		struct list *l = &s->list[i];
		LOCKED(&l->lock);

		l->state = LIST_UNREAD;
		l->n = l->n_gone = 0;
		if (l->slots != NULL)
			memset(l->slots, 0, l->n_slots * sizeof(*l->slots));
		drop_late(l);
	}
	s->reading =
	    thread_start(&s->reader, "store-list", reader, be, NULL) == RC_OK;
}

void
dir_lists_stop(struct ldap_be *be)
{
	struct dir_lists *s = be->lists;

	if (s != NULL && s->reading) {
		want(s);
		pthread_join(s->reader, NULL);
	}
	for (size_t i = 0; s != NULL && i < N_LISTS; i++) {
		struct list *l = &s->list[i];

		drop_late(l);
		for (size_t a = 0; a < CODES; a++)
			for (size_t v = 0; v < l->n_values[a]; v++)
				free(l->values[a][v]);
		free(l->items);
		free(l->slots);
		pthread_cond_destroy(&l->read);
		pthread_mutex_destroy(&l->lock);
	}
	if (s != NULL) {
		pthread_cond_destroy(&s->begin);
		pthread_mutex_destroy(&s->lock);
	}
	free(s);
	be->lists = NULL;
}

/* --- pages ------------------------------------------------------------------ */

/* NOLINTBEGIN(misc-no-recursion): no tree is deeper than FILTER_DEPTH_MAX */
static bool
knows(const struct list *l, const struct filter *f)
{
	bool known = false;

	for (size_t i = 0; f->child != NULL && i < f->n; i++)
		if (!knows(l, f->child[i]))
			return false;
	if (f->child != NULL)
		return true;
	for (size_t i = 0; l->attrs[i] != NULL; i++)
		known |= text_ieq(l->attrs[i], f->attr);
	return known;
}
/* NOLINTEND(misc-no-recursion) */

/* Whether items of each pair of codes match. */
struct verdicts {
	const struct filter *f;
	bool known[CODE_MAX][CODE_MAX], yes[CODE_MAX][CODE_MAX];
};

static bool
matches(const struct list *l, struct verdicts *v, const struct item *x)
{
	uint8_t a = x->code[0], b = x->code[1];
	AUTO(rec) r = NULL;

	if (x->gone || v->f == NULL)
		return !x->gone;
	if (v->known[a][b])
		return v->yes[a][b];
	if ((r = rec_new(l->kind, "1")) == NULL)
		return false;
	for (size_t i = 0; l->attrs[i] != NULL; i++)
		rec_add_str(r, l->attrs[i], l->values[i][x->code[i]]);
	v->known[a][b] = true;
	return v->yes[a][b] = filter_match(v->f, r);
}

/* Waits until it is read, if that is worth it; false: it cannot be used. The
 * lock is held after. */
static bool
lock_ready(struct list *l, bool wait)
{
	struct timespec until;
	int c = wait ? 0 : -1;

	until = thread_deadline(CLOCK_REALTIME, (int64_t)WAIT_MS * 1000);
	pthread_mutex_lock(&l->lock);
	while (l->state == LIST_UNREAD && c == 0)
		c = pthread_cond_timedwait(&l->read, &l->lock, &until);
	return l->state == LIST_READY;
}

/* Items of a page, and how many match in all. */
struct page {
	struct item *items;
	size_t n;
	uint64_t matching;
};

static void
pick(const struct list *l, struct verdicts *v, struct page *out, size_t start,
    size_t limit)
{
	/* all match: straight to the first */
	size_t i = v->f == NULL && l->n_gone == 0 && limit > 0 ? start : 0;

	out->matching = i;
	for (; i < l->n && (limit == 0 || out->n < limit); i++) {
		if (!matches(l, v, &l->items[i]))
			continue;
		if (limit > 0 && out->matching >= start)
			out->items[out->n++] = l->items[i];
		out->matching++;
	}
}

/* limit 0: counts only. false: the list cannot tell. */
static bool
take_page(struct ldap_be *be, struct page *out, const struct query *q,
    const struct filter *f, size_t limit)
{
	struct list *l = list_of(be, q->kind);
	struct verdicts *v;
	bool ok, wait;

	if (l == NULL || q->order != NULL || (f != NULL && !knows(l, f)) ||
	    (v = calloc(1, sizeof(*v))) == NULL)
		return false;
	v->f = f;
	*out = (struct page){ calloc(limit + 1, sizeof(struct item)), 0, 0 };
	/* the first pages are as quick without it */
	wait = limit == 0 || q->start + limit > LDAP_BE_PAGE;
	if (wait)
		want(be->lists);
	ok = lock_ready(l, wait) && out->items != NULL;
	if (ok)
		pick(l, v, out, q->start, limit);
	pthread_mutex_unlock(&l->lock);
	free(v);
	if (!ok)
		free(out->items);
	return ok;
}

static void
item_id(char text[NUM_TEXT_MAX], const struct item *x, bool decimal)
{
	struct num n = { .len = x->len };

	memcpy(n.b, x->b, x->len);
	if (decimal)
		num_dec(text, &n);
	else
		num_hex(text, &n);
}

struct fetched {
	struct rec *list[FETCH];
	size_t n;
};

static bool
keep(void *arg, const struct rec *r)
{
	struct fetched *x = arg;

	if ((x->list[x->n] = rec_copy(r)) != NULL)
		x->n++;
	return x->n < FETCH;
}

/* The records of some items by one operation, handed over in their order. */
static enum rc
fetch(struct ldap_be *be, const struct query *q, const struct item *items,
    size_t n, bool (*fn)(void *arg, const struct rec *r), void *arg,
    bool *stopped, struct err *e)
{
	AUTO_BUF filter = buf_empty(FILTER_TEXT_MAX);
	struct query some = { .kind = q->kind, .attrs = q->attrs };
	struct fetched x = { .n = 0 };
	char text[NUM_TEXT_MAX];
	enum rc rc;

	buf_add_str(&filter, "(|");
	for (size_t i = 0; i < n; i++) {
		item_id(text, &items[i], true);
		buf_addf(&filter, "(%s=%02zu%s)",
		    kind_info(q->kind)->number_attr, strlen(text), text);
	}
	buf_add_char(&filter, ')');
	some.filter = buf_cstr(&filter);
	if ((rc = buf_check(&filter, e)) == RC_OK)
		rc = dir_search(be, &some, keep, &x, e);
	for (size_t i = 0; rc == RC_OK && i < n && !*stopped; i++) {
		item_id(text, &items[i], false);
		for (size_t j = 0; j < x.n; j++)
			if (strcmp(x.list[j]->id, text) == 0 && !*stopped)
				*stopped = !fn(arg, x.list[j]);
	}
	for (size_t i = 0; i < x.n; i++)
		rec_free(x.list[i]);
	return rc;
}

bool
dir_list_search(struct ldap_be *be, const struct query *q,
    const struct filter *f, bool (*fn)(void *arg, const struct rec *r),
    void *arg, enum rc *rc, struct err *e)
{
	bool stopped = false;
	struct page p;

	if (q->limit == 0 || q->limit > PAGE_MAX ||
	    !take_page(be, &p, q, f, q->limit))
		return false;
	*rc = RC_OK;
	for (size_t at = 0; *rc == RC_OK && at < p.n && !stopped; at += FETCH)
		*rc = fetch(be, q, p.items + at,
		    p.n - at < FETCH ? p.n - at : FETCH, fn, arg, &stopped, e);
	free(p.items);
	return true;
}

bool
dir_list_count(
    struct ldap_be *be, uint64_t *out, enum rec_kind k, const struct filter *f)
{
	struct query q = { .kind = k };
	struct page p;

	if (!take_page(be, &p, &q, f, 0))
		return false;
	free(p.items);
	*out = p.matching;
	return true;
}
