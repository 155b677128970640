/* SPDX-License-Identifier: Apache-2.0 */
/* sim_replica.c - replicas, their changelogs and the sessions between them.
 * Owns:    struct sim and all replicas; changelog rows are shared by count.
 * Trusts:  its own test programs.
 * Threads: as sim.h says. */
#include "store/sim_int.h"

#include "base/thread.h"

static int64_t
sim_now(void *arg)
{
	const struct sim *s = arg;

	return s->now_ms;
}

struct sim *
sim_new(int64_t start_ms)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->now_ms = start_ms;
	s->clock = (struct clock){ sim_now, sim_now, s };
	pthread_mutex_init(&s->state, NULL);
	pthread_mutex_init(&s->pipeline, NULL);
	return s;
}

static void
op_free(struct sim_op *op)
{
	if (op != NULL && --op->refs == 0) {
		batch_free(op->batch);
		free(op);
	}
}

void
sim_wipe(struct sim_replica *r)
{
	for (size_t i = 0; i < r->n; i++)
		sim_entry_free(r->entries[i]);
	for (size_t i = 0; i < r->n_log; i++)
		op_free(r->log[i]);
	free(r->entries);
	free(r->log);
	r->entries = NULL;
	r->log = NULL;
	r->n = r->cap = r->n_log = 0;
	memset(r->by_name, 0, sizeof(r->by_name));
	memset(r->by_unique, 0, sizeof(r->by_unique));
}

void
sim_replica_free(struct sim_replica *r)
{
	if (r == NULL)
		return;
	store_free(r->store);
	sim_wipe(r);
	for (size_t i = 0; i < r->n_effects; i++) {
		free((void *)(uintptr_t)r->effects[i].x.type);
		free((void *)(uintptr_t)r->effects[i].x.payload.data);
	}
	free(r->effects);
	free(r);
}

void
sim_free(struct sim *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		sim_replica_free(s->r[i]);
	pthread_mutex_destroy(&s->pipeline);
	pthread_mutex_destroy(&s->state);
	free(s);
}

const struct clock *
sim_clock(struct sim *s)
{
	return &s->clock;
}

void
sim_advance(struct sim *s, int64_t ms)
{
	s->now_ms += ms;
}

void
sim_skew(struct sim *s, size_t r, int64_t ms)
{
	s->r[r]->skew_ms = ms;
}

void
sim_set_mutant(struct sim *s, enum sim_mutant m)
{
	s->mutant = m;
}

size_t
sim_add_replica(struct sim *s)
{
	struct sim_replica *r;

	if (s->n == SIM_REPLICAS_MAX || (r = calloc(1, sizeof(*r))) == NULL)
		return SIZE_MAX;
	r->sim = s;
	r->number = s->n;
	r->cut = SIZE_MAX;
	snprintf(r->generation, sizeof(r->generation), "%032zx", s->n + 1);
	if ((r->store = sim_store_new(r)) == NULL) {
		free(r);
		return SIZE_MAX;
	}
	s->r[s->n] = r;
	return s->n++;
}

struct store *
sim_store(struct sim *s, size_t r)
{
	return s->r[r]->store;
}

/* --- entries ------------------------------------------------------------ */

/* Names compare without regard to case. Ids with blanks in a row, which a
 * directory would not tell apart either, are for the slow comparison. */
static bool
same_id(const char *a, const char *b)
{
	if (((a[0] ^ b[0]) & ~0x20) != 0)
		return false;
	return text_ieq(a, b) ||
	    ((strchr(a, ' ') != NULL || strchr(b, ' ') != NULL) &&
		value_equal("cn", view_str(a), view_str(b)));
}

/* Of what same_id cannot overlook: neither case, nor blanks, nor letters that
 * are not ASCII (FNV-1a). */
static struct sim_entry **
name_bucket(struct sim_replica *r, enum rec_kind kind, const char *id)
{
	uint32_t h = 2166136261u ^ (uint32_t)kind;

	for (const char *p = id; *p != '\0'; p++)
		if (*p != ' ' && (*p & 0x80) == 0)
			h = (h ^ (uint8_t)(*p | 0x20)) * 16777619u;
	return &r->by_name[h % SIM_BUCKETS];
}

static struct sim_entry **
unique_bucket(struct sim_replica *r, uint64_t unique)
{
	return &r->by_unique[(unique ^ unique >> 48) % SIM_BUCKETS];
}

struct sim_entry *
sim_find(struct sim_replica *r, enum rec_kind kind, const char *id)
{
	for (struct sim_entry *x = *name_bucket(r, kind, id); x != NULL;
	     x = x->next_name) {
		if (x->kind == kind && !x->deleted && !x->conflict &&
		    same_id(x->id, id))
			return x;
	}
	return NULL;
}

static struct sim_entry *
find_unique(struct sim_replica *r, uint64_t unique)
{
	struct sim_entry *x = *unique_bucket(r, unique);

	while (x != NULL && x->unique != unique)
		x = x->next_unique;
	return x;
}

static bool
push_entry(struct sim_replica *r, struct sim_entry *x)
{
	struct sim_entry **bucket;

	if (r->n == r->cap) {
		size_t cap = r->cap == 0 ? 64 : r->cap * 2;
		struct sim_entry **list =
		    reallocarray(r->entries, cap, sizeof(struct sim_entry *));

		if (list == NULL)
			return false;
		r->entries = list;
		r->cap = cap;
	}
	x->arrival = ++r->arrivals;
	r->entries[r->n++] = x;
	bucket = name_bucket(r, x->kind, x->id);
	x->next_name = *bucket;
	*bucket = x;
	bucket = unique_bucket(r, x->unique);
	x->next_unique = *bucket;
	*bucket = x;
	return true;
}

/* --- operations --------------------------------------------------------- */

/* A CSN never below one seen, here or from elsewhere. */
static struct csn
next_csn(struct sim_replica *r)
{
	int64_t now = (r->sim->now_ms + r->skew_ms) / 1000;
	struct csn c = { { r->last.time, r->last.seq + 1, (uint16_t)r->number },
		0 };

	if (now > r->last.time) {
		c.stamp.time = now;
		c.stamp.seq = 0;
	}
	r->last = c.stamp;
	return c;
}

static struct sim_op *
op_new(const struct change *c, uint64_t unique, const struct csn *csn)
{
	struct sim_op *op = calloc(1, sizeof(*op));
	struct batch *b = batch_new();

	if (c->op == CHANGE_ADD)
		batch_add(b, rec_copy(c->rec));
	else if (c->op == CHANGE_DELETE)
		batch_delete(b, c->kind, c->id);
	else
		batch_modify(b, c->kind, c->id);
	for (size_t i = 0; i < c->n_mods; i++) {
		const struct mod *m = &c->mods[i];

		if (m->n == 0)
			batch_mod_str(b, m->op, m->attr, NULL);
		for (size_t j = 0; j < m->n; j++)
			batch_mod(b, m->op, m->attr, m->values[j]);
	}
	if (op == NULL || batch_check(b, NULL) != RC_OK) {
		batch_free(b);
		free(op);
		return NULL;
	}
	*op = (struct sim_op){ *csn, unique, &b->changes[0], b, 0 };
	return op;
}

static bool
log_op(struct sim_replica *r, struct sim_op *op)
{
	struct sim_op **list;

	list = reallocarray(r->log, r->n_log + 1, sizeof(struct sim_op *));
	if (list == NULL)
		return false;
	r->log = list;
	list[r->n_log++] = op;
	op->refs++;
	if (merge_stamp_cmp(
		&op->csn.stamp, &r->ruv[op->csn.stamp.replica].stamp) > 0)
		r->ruv[op->csn.stamp.replica] = op->csn;
	if (op->csn.stamp.time > r->last.time ||
	    (op->csn.stamp.time == r->last.time &&
		op->csn.stamp.seq > r->last.seq)) {
		r->last.time = op->csn.stamp.time;
		r->last.seq = op->csn.stamp.seq;
	}
	return true;
}

/* Of the living entries of one name the earliest has it, the others are
 * conflict entries; when the holder is deleted the next one gets the name.
 * Returns the holder. */
static struct sim_entry *
settle_name(struct sim_replica *r, enum rec_kind kind, const char *id)
{
	bool wrong = r->sim->mutant == SIM_LATER_ADD_WINS;
	struct sim_entry *best = NULL;

	for (struct sim_entry *x = *name_bucket(r, kind, id); x != NULL;
	     x = x->next_name) {
		if (x->kind != kind || x->deleted || !same_id(x->id, id))
			continue;
		x->conflict = true;
		if (best == NULL ||
		    (csn_cmp(&x->added, &best->added) < 0) != wrong)
			best = x;
	}
	if (best != NULL)
		best->conflict = false;
	return best;
}

/* Applies an operation, local or arrived. *out: the entry to tell the watchers
 * about; NULL when none is visible. false: memory is out. */
static bool
apply(struct sim_replica *r, const struct sim_op *op, struct sim_entry **out)
{
	struct sim_entry *x = find_unique(r, op->unique), *holder;

	*out = NULL;
	if (op->change->op == CHANGE_ADD) {
		if (x != NULL)
			return true;
		x = sim_entry_new(op->change, op->unique, &op->csn);
		if (x == NULL || !push_entry(r, x)) {
			sim_entry_free(x);
			return false;
		}
		settle_name(r, x->kind, x->id);
	} else if (x == NULL || x->deleted) {
		return true; /* a deleted entry stays deleted */
	} else if (op->change->op == CHANGE_DELETE) {
		bool visible = !x->conflict;

		x->deleted = true;
		x->conflict = !visible;
		holder = settle_name(r, x->kind, x->id);
		if (visible && holder != NULL) {
			sim_entry_touch(x, ++r->usn);
			x = holder;
		}
	} else if (!sim_entry_modify(x, op->change, &op->csn, r->sim->mutant))
		return false;
	sim_entry_touch(x, ++r->usn);
	*out = x->conflict ? NULL : x;
	return true;
}

/* What a directory would answer before it writes anything. */
static enum rc
precheck(struct sim_replica *r, const struct change *c, struct sim_entry *x,
    struct err *e)
{
	AUTO(rec) now = NULL;
	AUTO(sim_seen) seen = NULL;
	AUTO_BUF rdn = buf_empty(0);
	enum rc rc = kind_rdn_value(&rdn, c->kind, c->id, e);

	if (rc != RC_OK)
		return rc;
	if (c->op == CHANGE_ADD && x != NULL)
		return err_set(e, RC_EXISTS, "%s %.64s: already exists",
		    rec_kind_text(c->kind), c->id);
	if (c->op == CHANGE_MODIFY && x == NULL)
		return err_set(e, RC_NOTFOUND, "%s %.64s: not found",
		    rec_kind_text(c->kind), c->id);
	if (c->op != CHANGE_MODIFY)
		return RC_OK;
	if ((seen = sim_entry_look(x, r->epoch)) == NULL ||
	    (now = rec_copy(seen->rec)) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	return change_apply(now, c, e);
}

enum rc
sim_write(struct sim_replica *r, const struct change *c, struct sim_entry **out,
    struct err *e)
{
	struct sim_entry *x = sim_find(r, c->kind, c->id);
	struct sim_op *op;
	struct csn csn;
	enum rc rc;

	*out = NULL;
	if (r->dead || r->cut == 0) {
		r->dead = true;
		return err_set(
		    e, RC_UNAVAILABLE, "replica %zu: down", r->number);
	}
	if ((rc = precheck(r, c, x, e)) != RC_OK)
		return rc;
	if (c->op == CHANGE_DELETE && x == NULL)
		return RC_OK;
	csn = next_csn(r);
	op = op_new(c,
	    x != NULL ? x->unique : ((uint64_t)r->number << 48 | ++r->uniques),
	    &csn);
	if (op == NULL || !log_op(r, op)) {
		if (op != NULL)
			batch_free(op->batch);
		free(op);
		return err_set(e, RC_NOMEM, "out of memory");
	}
	if (!apply(r, op, out))
		return err_set(e, RC_NOMEM, "out of memory");
	r->writes++;
	if (r->cut != SIZE_MAX)
		r->cut--;
	return RC_OK;
}

/* --- sessions ----------------------------------------------------------- */

static int
cmp_op(const void *a, const void *b)
{
	const struct sim_op *const *x = a, *const *y = b;

	return csn_cmp(&(*x)->csn, &(*y)->csn);
}

/* Applies one change that arrived and tells the watchers. */
static void
receive(struct sim_replica *to, struct sim_op *op)
{
	struct sim_entry *x = NULL;
	AUTO(sim_seen) seen = NULL;
	AUTO_STR id = NULL;
	enum rec_kind kind = op->change->kind;
	uint64_t usn = 0;

	pthread_mutex_lock(&to->sim->state);
	if (log_op(to, op) && apply(to, op, &x) && x != NULL) {
		seen = x->deleted ? NULL : sim_entry_look(x, to->epoch);
		usn = sim_usn(to->epoch, x->usn);
		id = strdup(x->id);
	}
	pthread_mutex_unlock(&to->sim->state);
	if (id != NULL && !to->dead)
		sim_deliver(to, seen, kind, id, usn, false);
}

/* Does b lack changes that a has no longer in its changelog? 389 DS then sends
 * none at all ("data required to update the replica has been purged") until
 * others have brought them. */
static bool
purged(const struct sim_replica *a, const struct sim_replica *b)
{
	for (size_t i = 0; i < SIM_REPLICAS_MAX; i++)
		if (merge_stamp_cmp(&b->ruv[i].stamp, &a->base[i].stamp) < 0)
			return true;
	return false;
}

bool
sim_purged(struct sim *s, size_t from, size_t to)
{
	return purged(s->r[from], s->r[to]);
}

size_t
sim_replicate_some(struct sim *s, size_t from, size_t to, size_t max)
{
	struct sim_replica *a = s->r[from], *b = s->r[to];
	struct sim_op **list;
	size_t n = 0;

	if (from == to)
		return 0;
	LOCKED(&s->pipeline);
	if (purged(a, b))
		return 0;
	list = calloc(a->n_log + 1, sizeof(struct sim_op *));
	for (size_t i = 0; list != NULL && i < a->n_log; i++) {
		struct sim_op *op = a->log[i];

		if (merge_stamp_cmp(&op->csn.stamp,
			&b->ruv[op->csn.stamp.replica].stamp) > 0)
			list[n++] = op;
	}
	if (n > 0)
		qsort(list, n, sizeof(struct sim_op *), cmp_op);
	if (n > max)
		n = max;
	for (size_t i = 0; i < n; i++)
		receive(b, list[i]);
	free(list);
	return n;
}

size_t
sim_replicate(struct sim *s, size_t from, size_t to)
{
	return sim_replicate_some(s, from, to, SIZE_MAX);
}

void
sim_settle(struct sim *s)
{
	size_t sent;

	do {
		sent = 0;
		for (size_t i = 0; i < s->n; i++)
			for (size_t j = 0; j < s->n; j++)
				sent += sim_replicate(s, i, j);
	} while (sent > 0);
}

enum rc
sim_reinit(struct sim *s, size_t from, size_t to, struct err *e)
{
	struct sim_replica *a = s->r[from], *b = s->r[to];

	if (from == to)
		return err_set(e, RC_INVALID, "replica onto itself");
	LOCKED(&s->pipeline);
	sim_wipe(b);
	memcpy(b->ruv, a->ruv, sizeof(b->ruv));
	memcpy(b->base, a->ruv, sizeof(b->base));
	/* as 389 DS: never below what it has seen */
	if (merge_stamp_cmp(&a->last, &b->last) > 0)
		b->last = a->last;
	b->usn = 0;
	b->epoch++;
	b->dead = true;
	for (size_t i = 0; i < a->n; i++) {
		struct sim_entry *x = sim_entry_copy(a->entries[i]);

		if (x == NULL || !push_entry(b, x)) {
			sim_entry_free(x);
			return err_set(e, RC_NOMEM, "out of memory");
		}
		x->usn = 0;
	}
	return RC_OK;
}

void
sim_cut_after(struct sim *s, size_t r, size_t n)
{
	s->r[r]->cut = n;
}

size_t
sim_writes(struct sim *s, size_t r)
{
	return s->r[r]->writes;
}

/* Keeps the effects whose decision is among the entries. */
static void
recover_effects(struct sim_replica *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_effects; i++) {
		struct sim_effect *x = &r->effects[i];

		if (!x->live && x->id[0] != '\0')
			x->live = sim_find(r, x->kind, x->id) != NULL;
		if (x->live) {
			r->effects[n++] = *x;
			continue;
		}
		free((void *)(uintptr_t)x->x.type);
		free((void *)(uintptr_t)x->x.payload.data);
	}
	r->n_effects = n;
}

enum rc
sim_restart(struct sim *s, size_t r, struct err *e)
{
	struct sim_replica *x = s->r[r];
	struct store *fresh = sim_store_new(x);

	if (fresh == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	store_free(x->store);
	x->store = fresh;
	x->dead = false;
	x->cut = SIZE_MAX;
	recover_effects(x);
	return RC_OK;
}

/* --- looking ------------------------------------------------------------ */

bool
sim_has(struct sim *s, size_t r, enum rec_kind kind, const char *id)
{
	return sim_find(s->r[r], kind, id) != NULL;
}

size_t
sim_conflicts(struct sim *s, size_t r, enum rec_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < s->r[r]->n; i++) {
		const struct sim_entry *x = s->r[r]->entries[i];

		n += x->kind == kind && x->conflict && !x->deleted;
	}
	return n;
}

static bool
same_values(const struct rec *a, const struct rec *b)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct rec_attr *x = &a->attrs[i];
		const struct rec_attr *y = rec_attr(b, x->name);

		if (x->n != (y != NULL ? y->n : 0))
			return false;
		for (size_t j = 0; y != NULL && j < x->n; j++) {
			bool found = false;

			for (size_t k = 0; k < y->n; k++)
				found |= view_eq(x->values[j], y->values[k]);
			if (!found)
				return false;
		}
	}
	return a->n == b->n;
}

static bool
same_entry(struct sim_entry *x, struct sim_entry *y)
{
	AUTO(sim_seen) a = NULL;
	AUTO(sim_seen) b = NULL;

	if (y == NULL)
		return x->deleted;
	if (x->deleted || y->deleted)
		return x->deleted && y->deleted;
	a = sim_entry_look(x, 0);
	b = sim_entry_look(y, 0);
	return x->conflict == y->conflict && a != NULL && b != NULL &&
	    same_values(a->rec, b->rec);
}

bool
sim_converged(struct sim *s)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t j = 0; j < s->n; j++) {
			struct sim_replica *a = s->r[i], *b = s->r[j];

			for (size_t k = 0; k < a->n; k++)
				if (!same_entry(a->entries[k],
					find_unique(b, a->entries[k]->unique)))
					return false;
		}
	return true;
}
