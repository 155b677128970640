/* SPDX-License-Identifier: Apache-2.0 */
/* sim_store.c - a simulated replica as a struct store.
 * Owns:    nothing: the replica belongs to the simulator.
 * Trusts:  its own test programs.
 * Threads: any; the simulator's locks. No callback runs under the state lock. */
#include "store/sim_int.h"

#include "base/thread.h"
#include "store/filter_int.h"
#include "store/rec_wire.h"

void
sim_deliver(struct sim_replica *r, const struct sim_seen *seen,
    enum rec_kind kind, const char *id, uint64_t usn, bool local)
{
	struct feed_item i = { kind, id, seen != NULL ? seen->rec : NULL, local,
		usn };

	feed_deliver(&r->store->feed, &i, 1);
}

static enum rc
alive(const struct sim_replica *r, struct err *e)
{
	if (r->dead)
		return err_set(
		    e, RC_UNAVAILABLE, "replica %zu: down", r->number);
	return RC_OK;
}

/* --- commits ------------------------------------------------------------ */

/* Notes the effects as intended; returns where they begin. */
static enum rc
intend(struct sim_replica *r, const struct batch *b, struct err *e)
{
	struct sim_effect *list = reallocarray(
	    r->effects, r->n_effects + b->n_effects + 1, sizeof(*list));

	if (list == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	r->effects = list;
	for (size_t i = 0; i < b->n_effects; i++) {
		const struct batch_effect_row *row = &b->effects[i];
		struct sim_effect *x = &list[r->n_effects];
		char *type = strdup(row->type);
		uint8_t *data = malloc(row->len + 1);

		if (type == NULL || data == NULL) {
			free(type);
			free(data);
			return err_set(e, RC_NOMEM, "out of memory");
		}
		memcpy(data, row->data, row->len);
		*x = (struct sim_effect){ .x = { ++r->next_row, type,
					      view_of(data, row->len),
					      r->sim->now_ms, 0 } };
		if (b->n > 0) {
			x->kind = b->changes[0].kind;
			snprintf(x->id, sizeof(x->id), "%s", b->changes[0].id);
		}
		r->n_effects++;
	}
	return RC_OK;
}

/* done: the effects from row `from` on have come true; else they are dropped. */
static void
settle_effects(struct sim_replica *r, uint64_t from, bool done)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_effects; i++) {
		struct sim_effect *x = &r->effects[i];

		if (x->x.row > from && !done) {
			free((void *)(uintptr_t)x->x.type);
			free((void *)(uintptr_t)x->x.payload.data);
			continue;
		}
		x->live |= x->x.row > from;
		r->effects[n++] = *x;
	}
	r->n_effects = n;
}

static enum rc
write_one(struct sim_replica *r, const struct change *c, struct err *e)
{
	struct sim_entry *x = NULL;
	AUTO(sim_seen) seen = NULL;
	bool visible = false;
	uint64_t usn = 0;
	enum rc rc;

	pthread_mutex_lock(&r->sim->state);
	rc = sim_write(r, c, &x, e);
	if (rc == RC_OK && x != NULL) {
		visible = true;
		usn = sim_usn(r->epoch, x->usn);
		if (!x->deleted)
			seen = sim_entry_look(x, r->epoch);
	}
	pthread_mutex_unlock(&r->sim->state);
	if (visible)
		sim_deliver(r, seen, c->kind, c->id, usn, true);
	return rc;
}

static enum rc
sim_commit(void *impl, const struct batch *b, struct err *e)
{
	struct sim_replica *r = impl;
	uint64_t from;
	enum rc rc;
	size_t i;

	LOCKED(&r->sim->pipeline);
	pthread_mutex_lock(&r->sim->state);
	from = r->next_row;
	if ((rc = alive(r, e)) == RC_OK)
		rc = intend(r, b, e);
	pthread_mutex_unlock(&r->sim->state);
	for (i = 0; rc == RC_OK && i < b->n; i++)
		rc = write_one(r, &b->changes[i], e);
	pthread_mutex_lock(&r->sim->state);
	/* a process that died decides at its next start */
	if (!r->dead)
		settle_effects(r, from, rc == RC_OK || i > 1);
	pthread_mutex_unlock(&r->sim->state);
	if (rc == RC_OK && b->n_effects > 0)
		store_effects_came(r->store);
	return rc;
}

/* --- reads -------------------------------------------------------------- */

static enum rc
sim_get(void *impl, struct rec **out, enum rec_kind kind, const char *id,
    struct err *e)
{
	struct sim_replica *r = impl;
	struct sim_entry *x;
	AUTO_BUF rdn = buf_empty(0);
	AUTO(sim_seen) seen = NULL;
	enum rc rc;

	LOCKED(&r->sim->state);
	if ((rc = alive(r, e)) != RC_OK ||
	    (rc = kind_rdn_value(&rdn, kind, id, e)) != RC_OK)
		return rc;
	if ((x = sim_find(r, kind, id)) == NULL)
		return err_set(e, RC_NOTFOUND, "%s %.64s: not found",
		    rec_kind_text(kind), id);
	if ((seen = sim_entry_look(x, r->epoch)) == NULL ||
	    (*out = rec_copy(seen->rec)) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	return RC_OK;
}

struct found {
	struct sim_seen **list;
	size_t n;
};

static void
found_done(struct found *f)
{
	for (size_t i = 0; i < f->n; i++)
		sim_seen_free(f->list[i]);
	free(f->list);
}

/* All matches, in order of arrival. */
static enum rc
find_all(struct sim_replica *r, struct found *out, enum rec_kind kind,
    const struct filter *f, struct err *e)
{
	enum rc rc;

	LOCKED(&r->sim->state);
	if ((rc = alive(r, e)) != RC_OK)
		return rc;
	if ((out->list = calloc(r->n + 1, sizeof(struct sim_seen *))) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	for (size_t i = 0; i < r->n; i++) {
		struct sim_entry *x = r->entries[i];
		struct sim_seen *seen;

		if (x->kind != kind || x->deleted || x->conflict)
			continue;
		if ((seen = sim_entry_look(x, r->epoch)) == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
		if (f == NULL || filter_match(f, seen->rec))
			out->list[out->n++] = seen;
		else
			sim_seen_free(seen);
	}
	return RC_OK;
}

static int
cmp_by(const void *a, const void *b, void *arg)
{
	const struct sim_seen *const *x = a, *const *y = b;
	const char *order = arg;
	bool down = order[0] == '-';
	const char *attr = order + (down ? 1 : 0);
	AUTO_BUF p = buf_empty(REC_VALUE_MAX);
	AUTO_BUF q = buf_empty(REC_VALUE_MAX);
	int c;

	value_norm(&p, schema_syntax(attr), rec_get((*x)->rec, attr));
	value_norm(&q, schema_syntax(attr), rec_get((*y)->rec, attr));
	c = view_cmp(buf_view(&p), buf_view(&q));
	return down ? -c : c;
}

static enum rc
sim_search(void *impl, const struct query *q,
    bool (*fn)(void *arg, const struct rec *r), void *arg, struct err *e)
{
	struct found found = { NULL, 0 };
	AUTO(filter) f = NULL;
	size_t end;
	enum rc rc = RC_OK;

	if (q->filter != NULL)
		rc = filter_parse(&f, q->filter, e);
	if (rc == RC_OK)
		rc = find_all(impl, &found, q->kind, f, e);
	if (rc == RC_OK && q->order != NULL)
		qsort_r(found.list, found.n, sizeof(struct sim_seen *), cmp_by,
		    (void *)(uintptr_t)q->order);
	end = q->limit != 0 && q->limit < found.n - q->start
	    ? q->start + q->limit
	    : found.n;
	for (size_t i = q->start; rc == RC_OK && i < end && i < found.n; i++) {
		const struct rec *whole = found.list[i]->rec;
		AUTO(rec) part = NULL;

		if (q->attrs != NULL &&
		    (part = rec_project(whole, q->attrs)) == NULL)
			rc = err_set(e, RC_NOMEM, "out of memory");
		else if (!fn(arg, part != NULL ? part : whole))
			break;
	}
	found_done(&found);
	return rc;
}

static enum rc
sim_count(void *impl, uint64_t *out, enum rec_kind kind, const char *filter,
    struct err *e)
{
	struct found found = { NULL, 0 };
	AUTO(filter) f = NULL;
	enum rc rc = RC_OK;

	if (filter != NULL)
		rc = filter_parse(&f, filter, e);
	if (rc == RC_OK)
		rc = find_all(impl, &found, kind, f, e);
	if (rc == RC_OK)
		*out = found.n;
	found_done(&found);
	return rc;
}

/* --- changes ------------------------------------------------------------ */

static int
cmp_usn(const void *a, const void *b)
{
	const struct sim_entry *const *x = a, *const *y = b;

	return (*x)->usn < (*y)->usn ? -1 : (*x)->usn > (*y)->usn;
}

/* Entries changed after since; the newest state of each, in order. */
static struct sim_entry **
changed(struct sim_replica *r, uint64_t since, unsigned kinds, size_t *n)
{
	struct sim_entry **list = calloc(r->n + 1, sizeof(*list));

	*n = 0;
	for (size_t i = 0; list != NULL && i < r->n; i++) {
		struct sim_entry *x = r->entries[i];

		if ((kinds & 1u << x->kind) == 0 || x->conflict ||
		    (since != 0 && x->usn <= since))
			continue;
		if (x->deleted && sim_find(r, x->kind, x->id) != NULL)
			continue;
		if ((list[*n] = sim_entry_copy(x)) != NULL)
			(*n)++;
	}
	if (list != NULL && *n > 0)
		qsort(list, *n, sizeof(*list), cmp_usn);
	return list;
}

static enum rc
sim_watch(void *impl, struct watch *w, uint64_t since, struct err *e)
{
	struct sim_replica *r = impl;
	struct sim_entry **list = NULL;
	uint64_t mask = (1ull << 40) - 1;
	size_t n = 0;

	LOCKED(&r->sim->pipeline);
	if (since != UINT64_MAX && since != 0 &&
	    (since >> 40 != r->epoch || (since & mask) > r->usn))
		return err_set(e, RC_GONE, "changes since %llu are not known",
		    (unsigned long long)since);
	if (since != UINT64_MAX) {
		pthread_mutex_lock(&r->sim->state);
		list = changed(r, since & mask, w->kinds, &n);
		pthread_mutex_unlock(&r->sim->state);
		if (list == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		AUTO(sim_seen)
		seen =
		    list[i]->deleted ? NULL : sim_entry_look(list[i], r->epoch);
		struct feed_item item = { list[i]->kind, list[i]->id,
			seen != NULL ? seen->rec : NULL, false,
			sim_usn(r->epoch, list[i]->usn) };

		watch_deliver(w, &item);
		sim_entry_free(list[i]);
	}
	free(list);
	feed_attach(&r->store->feed, w);
	return RC_OK;
}

/* Replication hands over what it brings; a commit on its way is waited for. */
static enum rc
sim_catch_up(void *impl, int limit_ms, struct err *e)
{
	struct sim_replica *r = impl;

	(void)limit_ms;
	LOCKED(&r->sim->pipeline);
	return alive(r, e);
}

static uint64_t
sim_newest(void *impl)
{
	struct sim_replica *r = impl;

	LOCKED(&r->sim->state);
	return sim_usn(r->epoch, r->usn);
}

/* --- effects and the rest ----------------------------------------------- */

static bool
kept_type(char **kept, size_t n, const char *type)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(kept[i], type) == 0)
			return true;
	return false;
}

static enum rc
sim_drain(void *impl, const char *type,
    bool (*fn)(void *arg, const struct effect *x), void *arg, struct err *e)
{
	struct sim_replica *r = impl;
	char **kept = calloc(r->n_effects + 1, sizeof(*kept));
	size_t n_kept = 0, n = 0;

	if (kept == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	for (size_t i = 0; i < r->n_effects; i++) {
		struct sim_effect *x = &r->effects[i];
		bool mine = x->live &&
		    (type == NULL || strcmp(type, x->x.type) == 0) &&
		    !kept_type(kept, n_kept, x->x.type);

		if (mine && fn(arg, &x->x)) {
			free((void *)(uintptr_t)x->x.type);
			free((void *)(uintptr_t)x->x.payload.data);
			continue;
		}
		if (mine) {
			x->x.tries++;
			kept[n_kept++] = (char *)(uintptr_t)x->x.type;
		}
		r->effects[n++] = *x;
	}
	r->n_effects = n;
	free(kept);
	return RC_OK;
}

static uint64_t
sim_waiting(void *impl)
{
	struct sim_replica *r = impl;
	uint64_t n = 0;

	LOCKED(&r->sim->state);
	for (size_t i = 0; i < r->n_effects; i++)
		n += r->effects[i].live;
	return n;
}

static const char *
sim_generation(void *impl)
{
	struct sim_replica *r = impl;

	return r->generation;
}

static enum rc
sim_health(void *impl, struct err *e)
{
	return alive(impl, e);
}

static void
sim_stats(void *impl, struct store_stats *out)
{
	struct sim_replica *r = impl;

	LOCKED(&r->sim->state);
	out->records = r->writes;
}

static void
sim_gone(void *impl)
{
	(void)impl; /* the replica belongs to the simulator */
}

static const struct backend sim_backend = {
	.commit = sim_commit,
	.get = sim_get,
	.search = sim_search,
	.count = sim_count,
	.watch = sim_watch,
	.catch_up = sim_catch_up,
	.usn = sim_newest,
	.drain = sim_drain,
	.effects_waiting = sim_waiting,
	.generation = sim_generation,
	.health = sim_health,
	.stats = sim_stats,
	.free = sim_gone,
};

struct store *
sim_store_new(struct sim_replica *r)
{
	struct store *s = store_new(&sim_backend);

	if (s != NULL)
		s->impl = r;
	return s;
}
