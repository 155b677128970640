/* SPDX-License-Identifier: Apache-2.0 */
/* range_grant.c - who gets which numbers: nextRange, the entries of ranges that
 * were given out, and what other hosts ask for (store/range.h).
 * Owns:    nothing.
 * Trusts:  nothing in the records: another vendor may have written them.
 * Threads: any; one holder grants at a time in a process (its caller's lock).
 *
 * Regions are decimal, because "legacy" reads decimal text as hex: 10^15 an
 * epoch (take-over), 10^10 a host id in it, 16 decimal digits at most. */
#include "store/range_int.h"

#include <inttypes.h>

#include "base/log.h"

#define EPOCH UINT64_C(1000000000000000)
#define SLICE UINT64_C(10000000000)

enum {
	TRIES_MAX = 64,
	HOST_TEXT_MAX = 256,
	PORT_TEXT_MAX = 16,
	/* replica ids have 16 bits: no room for a slice a host */
	REPLICA_EPOCH = 1000,
	REPLICA_SLICE = 100,
	REPLICA_HOSTS = 10,
};

/* --- reading ------------------------------------------------------------ */

static bool
plain(uint64_t *out, const struct rec *r, const char *attr)
{
	const char *text = rec_str(r, attr);
	int64_t v;

	if (text == NULL || text_int(&v, text, 0, INT64_MAX, NULL) != RC_OK)
		return false;
	*out = (uint64_t)v;
	return true;
}

enum rc
range_counter(const struct range_set *set, uint64_t *out, struct err *e)
{
	const char *name = range_name(set->kind, set->form);
	AUTO(rec) r = NULL;
	enum rc rc = store_get(set->store, &r, REC_COUNTER, name, e);

	if (rc != RC_OK)
		return rc;
	if (rec_str(r, "nextRange") == NULL)
		return err_set(
		    e, RC_NOTFOUND, "counter %s has no nextRange", name);
	return plain(out, r, "nextRange")
	    ? RC_OK
	    : err_set(
		  e, RC_INVALID, "counter %s: nextRange is no number", name);
}

enum rc
range_counter_init(const struct range_set *set, uint64_t next, struct err *e)
{
	const char *name = range_name(set->kind, set->form);
	AUTO(batch) b = batch_new();
	AUTO(rec) r = NULL;
	char text[RANGE_TEXT_MAX];
	enum rc rc = store_get(set->store, &r, REC_COUNTER, name, e);

	if (b == NULL)
		return err_set(e, RC_NOMEM, "counter");
	snprintf(text, sizeof(text), "%" PRIu64, next);
	if (rc == RC_OK && rec_str(r, "nextRange") != NULL)
		return RC_OK;
	if (rc == RC_OK) {
		batch_modify(b, REC_COUNTER, name);
		batch_mod_str(b, MOD_ADD, "nextRange", text);
	} else if (rc == RC_NOTFOUND) {
		struct rec *fresh = rec_new(REC_COUNTER, name);
		if (fresh == NULL)
			return err_set(e, RC_NOMEM, "counter");
		rec_add_str(fresh, "serialno", "010");
		rec_add_str(fresh, "nextRange", text);
		batch_add(b, fresh);
	} else {
		return rc;
	}
	return store_commit(set->store, b, e);
}

bool
range_entry_read(struct range_entry *out, const struct rec *r, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(r->id, name, n) != 0 || r->id[n] != '/' ||
	    !plain(&out->begin, r, "beginRange") ||
	    !plain(&out->end, r, "endRange") || out->begin > out->end)
		return false;
	out->owner = (struct range_owner){ rec_str(r, "host"),
		rec_str(r, "SecurePort") };
	return true;
}

/* The greatest end of the ranges that begin in from..to. */
struct greatest {
	const char *name;
	uint64_t from, to, end;
	const struct range_set *set;
};

/* An entry of this generator, or of the legacy one before it: until every host
 * has converted its own, they count as their owners read them. */
static bool
counts(const struct greatest *g, struct range_entry *x, const struct rec *r)
{
	enum range_kind kind = g->set->kind;

	if (range_entry_read(x, r, g->name))
		return true;
	return g->set->form == RANGE_LEGACY2 && kind != RANGE_REPLICA &&
	    range_entry_read(x, r, range_name(kind, RANGE_LEGACY)) &&
	    range_owner_reads(&x->begin, kind, RANGE_LEGACY, x->begin, NULL) ==
	    RC_OK &&
	    range_owner_reads(&x->end, kind, RANGE_LEGACY, x->end, NULL) ==
	    RC_OK;
}

static bool
note_end(void *arg, const struct rec *r)
{
	struct greatest *g = arg;
	struct range_entry x;

	if (counts(g, &x, r) && x.begin >= g->from && x.begin <= g->to &&
	    x.end > g->end)
		g->end = x.end;
	return true;
}

static enum rc
find_greatest(struct greatest *g, struct err *e)
{
	struct query q = { .kind = REC_RANGE };

	return store_search(g->set->store, &q, note_end, g, e);
}

/* --- regions ------------------------------------------------------------ */

enum rc
range_region(
    const struct range_set *set, uint16_t host_id, uint64_t *out, struct err *e)
{
	bool replica = set->kind == RANGE_REPLICA;
	struct greatest g = { range_name(set->kind, set->form), 0, UINT64_MAX,
		0, set };
	uint64_t counter = 0, epoch = replica ? REPLICA_EPOCH : EPOCH, region,
		 read;
	enum rc rc = range_counter(set, &counter, e);

	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if ((rc = find_greatest(&g, e)) != RC_OK)
		return rc;
	if (counter > g.end)
		g.end = counter;
	region = (g.end / epoch + 1) * epoch +
	    (replica ? (uint64_t)(host_id % REPLICA_HOSTS) * REPLICA_SLICE
		     : host_id * SLICE);
	if ((replica && region > RANGE_REPLICA_MAX) ||
	    range_owner_reads(
		&read, set->kind, set->form, region + SLICE, NULL) != RC_OK)
		return err_set(e, RC_UNAVAILABLE,
		    "%s ranges: no numbers are left for another take-over",
		    g.name);
	*out = region;
	return RC_OK;
}

/* Where the next range begins, seen in the entries and in nextRange. */
static enum rc
next_begin(const struct range_set *set, const struct range_holder *h,
    uint64_t counter, uint64_t increment, uint64_t *out, struct err *e)
{
	bool replica = set->kind == RANGE_REPLICA;
	struct greatest g = { range_name(set->kind, set->form), h->region,
		replica ? UINT64_MAX : EPOCH - 1, 0, set };
	uint64_t begin = h->region > 0 ? h->region : counter;
	enum rc rc;

	/* the first holder's numbers are those below every take-over */
	if (h->region > 0)
		g.to = h->region + (replica ? REPLICA_SLICE : SLICE) - 1;
	if ((rc = find_greatest(&g, e)) != RC_OK)
		return rc;
	if (g.end >= begin)
		begin = g.end + 1;
	if (begin > g.to || increment - 1 > g.to - begin)
		return err_set(
		    e, RC_GONE, "%s ranges: the region is used up", g.name);
	if (replica && begin + increment - 1 > RANGE_REPLICA_MAX)
		return err_set(
		    e, RC_UNAVAILABLE, "no replica ids are left to hand out");
	*out = begin;
	return RC_OK;
}

/* --- granting ----------------------------------------------------------- */

static struct rec *
new_entry(const char *id, const struct range_entry *x)
{
	struct rec *r = rec_new(REC_RANGE, id);

	if (r == NULL)
		return NULL;
	rec_addf(r, "beginRange", "%" PRIu64, x->begin);
	rec_addf(r, "endRange", "%" PRIu64, x->end);
	rec_add_str(r, "host", x->owner.host);
	rec_add_str(r, "SecurePort", x->owner.port);
	return r;
}

/* The swap and the entry; RC_CONFLICT, RC_EXISTS: somebody was there first. */
static enum rc
take(struct store *s, const char *name, uint64_t counter,
    const struct range_entry *x, struct err *e)
{
	AUTO(batch) b = batch_new();
	char id[HOST_TEXT_MAX], from[RANGE_TEXT_MAX], to[RANGE_TEXT_MAX];
	struct rec *r;

	snprintf(id, sizeof(id), "%s/%" PRIu64, name, x->begin);
	if (b == NULL || (r = new_entry(id, x)) == NULL)
		return err_set(e, RC_NOMEM, "range");
	snprintf(from, sizeof(from), "%" PRIu64, counter);
	snprintf(to, sizeof(to), "%" PRIu64, x->end + 1);
	batch_modify(b, REC_COUNTER, name);
	batch_mod_str(b, MOD_DELETE, "nextRange", from);
	batch_mod_str(b, MOD_ADD, "nextRange", to);
	batch_add(b, r);
	return store_commit(s, b, e);
}

enum rc
range_grant(const struct range_set *set, const struct range_holder *h,
    uint64_t increment, const struct range_owner *owner, uint64_t *begin,
    struct err *e)
{
	const char *name = range_name(set->kind, set->form);
	struct range_entry x = { .owner = *owner };
	uint64_t counter;
	enum rc rc;

	if (increment == 0)
		return err_set(e, RC_INVALID, "%s range: increment 0", name);
	for (int i = 0; i < TRIES_MAX; i++) {
		if ((rc = range_counter(set, &counter, e)) != RC_OK ||
		    (rc = next_begin(
			 set, h, counter, increment, &x.begin, e)) != RC_OK)
			return rc;
		x.end = x.begin + increment - 1;
		rc = take(set->store, name, counter, &x, e);
		if (rc == RC_OK)
			*begin = x.begin;
		if (rc != RC_CONFLICT && rc != RC_EXISTS)
			return rc;
	}
	return err_set(e, RC_UNAVAILABLE,
	    "%s range: another host was faster %d times; try again", name,
	    TRIES_MAX);
}

/* --- asking and answering ----------------------------------------------- */

/* A claim "range.<name>.<host id>.<greatest number owned>", its value
 * "<increment> <greatest number owned> <port>". Asked again it has the same
 * name, so it is there once. */
enum rc
range_ask(
    const struct range_params *p, const struct range_state *s, struct err *e)
{
	const char *name = range_name(s->kind, s->form);
	AUTO(batch) b = batch_new();
	char id[REC_ID_MAX];
	struct rec *r;
	enum rc rc;

	range_ask_id(id, p, s);
	if (b == NULL || (r = rec_new(REC_CLAIM, id)) == NULL)
		return err_set(e, RC_NOMEM, "range");
	rec_addf(r, "signetRole", "range.%s", name);
	rec_addf(r, "signetHostId", "%u", p->host_id);
	rec_add_str(r, "host", p->owner.host);
	rec_addf(r, "signetValue", "%" PRIu64 " %" PRIu64 " %s", s->increment,
	    s->top, p->owner.port);
	batch_add(b, r);
	rc = store_commit(p->store, b, e);
	return rc == RC_EXISTS ? RC_OK : rc;
}

void
range_ask_id(char out[REC_ID_MAX], const struct range_params *p,
    const struct range_state *s)
{
	snprintf(out, REC_ID_MAX, "range.%s.%04x.%" PRIu64,
	    range_name(s->kind, s->form), p->host_id, s->top);
}

struct asked {
	char id[REC_ID_MAX + 1], host[HOST_TEXT_MAX], port[PORT_TEXT_MAX];
	uint64_t increment, top;
};
struct serving {
	struct asked *list;
	size_t n;
	bool failed;
};

static bool
read_asked(struct asked *out, const struct rec *r)
{
	const char *host = rec_str(r, "host"),
		   *value = rec_str(r, "signetValue");
	AUTO_STR copy = value != NULL ? strdup(value) : NULL;
	char *part[3];
	int64_t v[2];

	if (host == NULL || copy == NULL || strlen(host) >= HOST_TEXT_MAX ||
	    text_split(copy, " ", part, 3) != 3 ||
	    strlen(part[2]) >= PORT_TEXT_MAX ||
	    text_int(&v[0], part[0], 1, INT64_MAX, NULL) != RC_OK ||
	    text_int(&v[1], part[1], 0, INT64_MAX, NULL) != RC_OK)
		return false;
	*out = (struct asked){ .increment = (uint64_t)v[0],
		.top = (uint64_t)v[1] };
	snprintf(out->id, sizeof(out->id), "%s", r->id);
	snprintf(out->host, sizeof(out->host), "%s", host);
	snprintf(out->port, sizeof(out->port), "%s", part[2]);
	return true;
}

static bool
collect(void *arg, const struct rec *r)
{
	struct serving *s = arg;
	struct asked *list = reallocarray(s->list, s->n + 1, sizeof(*s->list));

	if (list == NULL) {
		s->failed = true;
		return false;
	}
	s->list = list;
	if (read_asked(&list[s->n], r))
		s->n++;
	else
		log_warning(
		    "store", "claim %.64s cannot be read, continuing", r->id);
	return true;
}

static enum rc
answer(const struct range_set *set, const struct range_holder *h,
    const struct asked *a, size_t *n, struct err *e)
{
	struct range_owner owner = { a->host, a->port };
	struct range_found found;
	uint64_t begin;
	enum rc rc;

	rc = range_find_own(set, &owner, a->top, &found, e);
	if (rc != RC_OK || found.there)
		return rc;
	rc = range_grant(set, h, a->increment, &owner, &begin, e);
	if (rc != RC_OK)
		return rc;
	(*n)++;
	log_info("store",
	    "range=%s begin=%" PRIu64 " length=%" PRIu64
	    " host=%s port=%s granted",
	    range_name(set->kind, set->form), begin, a->increment, a->host,
	    a->port);
	return RC_OK;
}

enum rc
range_serve(const struct range_set *set, const struct range_holder *h,
    size_t *n, struct err *e)
{
	struct serving all = { NULL, 0, false };
	char filter[64];
	struct query q = { .kind = REC_CLAIM, .filter = filter };
	enum rc rc;

	snprintf(filter, sizeof(filter), "(signetRole=range.%s)",
	    range_name(set->kind, set->form));
	rc = store_search(set->store, &q, collect, &all, e);
	if (rc == RC_OK && all.failed)
		rc = err_set(e, RC_NOMEM, "ranges");
	for (size_t i = 0; rc == RC_OK && i < all.n; i++)
		rc = answer(set, h, &all.list[i], n, e);
	free(all.list);
	return rc;
}

/* --- one's own ---------------------------------------------------------- */

bool
range_is_own(const struct range_owner *a, const struct range_owner *b)
{
	return a->host != NULL && a->port != NULL &&
	    text_ieq(a->host, b->host) && strcmp(a->port, b->port) == 0;
}

struct own {
	const struct range_set *set;
	const struct range_owner *owner;
	uint64_t above;
	struct range_found found;
};

static bool
note_own(void *arg, const struct rec *r)
{
	struct own *o = arg;
	struct range_entry x;
	uint64_t begin;

	if (!range_entry_read(&x, r, range_name(o->set->kind, o->set->form)) ||
	    !range_is_own(&x.owner, o->owner) ||
	    range_owner_reads(
		&begin, o->set->kind, o->set->form, x.begin, NULL) != RC_OK ||
	    begin <= o->above)
		return true;
	if (!o->found.there || begin < o->found.span.begin)
		o->found.span =
		    (struct range_span){ begin, begin + (x.end - x.begin) };
	o->found.there = true;
	return true;
}

enum rc
range_find_own(const struct range_set *set, const struct range_owner *owner,
    uint64_t above, struct range_found *out, struct err *e)
{
	struct own o = { set, owner, above, { false, { 1, 0 } } };
	struct query q = { .kind = REC_RANGE };
	enum rc rc = store_search(set->store, &q, note_own, &o, e);

	if (rc == RC_OK)
		*out = o.found;
	return rc;
}

/* --- from legacy to legacy2 ---------------------------------------------- */

struct converting {
	const struct range_set *set;
	const struct range_owner *owner;
	struct batch *b;
	uint64_t end;
	bool failed, any;
};

static bool
convert_one(void *arg, const struct rec *r)
{
	struct converting *c = arg;
	enum range_kind kind = c->set->kind;
	AUTO(rec) there = NULL;
	char id[HOST_TEXT_MAX];
	struct range_entry x;
	struct rec *copy;

	if (!range_entry_read(&x, r, range_name(kind, RANGE_LEGACY)) ||
	    !range_is_own(&x.owner, c->owner) ||
	    range_owner_reads(&x.begin, kind, RANGE_LEGACY, x.begin, NULL) !=
		RC_OK ||
	    range_owner_reads(&x.end, kind, RANGE_LEGACY, x.end, NULL) != RC_OK)
		return true;
	c->end = x.end > c->end ? x.end : c->end;
	snprintf(id, sizeof(id), "%s/%" PRIu64, range_name(kind, RANGE_LEGACY2),
	    x.begin);
	if (store_get(c->set->store, &there, REC_RANGE, id, NULL) == RC_OK)
		return true;
	copy = new_entry(id, &x);
	c->failed = copy == NULL;
	c->any = true;
	if (copy != NULL)
		batch_add(c->b, copy);
	return !c->failed;
}

enum rc
range_convert(const struct range_set *set, const struct range_owner *owner,
    uint64_t next, struct err *e)
{
	AUTO(batch) b = batch_new();
	struct converting c = { set, owner, b, 0, b == NULL, false };
	struct query q = { .kind = REC_RANGE };
	char from[RANGE_TEXT_MAX], to[RANGE_TEXT_MAX];
	uint64_t counter;
	enum rc rc = RC_OK;

	if (!c.failed)
		rc = store_search(set->store, &q, convert_one, &c, e);
	if (c.failed)
		return err_set(e, RC_NOMEM, "ranges");
	if (rc != RC_OK ||
	    (rc = range_counter_init(set, c.end > 0 ? c.end + 1 : next, e)) !=
		RC_OK ||
	    (rc = range_counter(set, &counter, e)) != RC_OK)
		return rc;
	if (c.end >= counter) {
		snprintf(from, sizeof(from), "%" PRIu64, counter);
		snprintf(to, sizeof(to), "%" PRIu64, c.end + 1);
		c.any = true;
		batch_modify(b, REC_COUNTER, range_name(set->kind, set->form));
		batch_mod_str(b, MOD_DELETE, "nextRange", from);
		batch_mod_str(b, MOD_ADD, "nextRange", to);
	}
	return c.any ? store_commit(set->store, b, e) : RC_OK;
}
