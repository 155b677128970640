/* SPDX-License-Identifier: Apache-2.0 */
/* seam.c - the store that a CA of the cluster is given: it passes everything to
 * the replica's and plays the mutant of the run, so that product code stays
 * free of switches.
 * Owns:    struct seam, the trampolines of watches.
 * Trusts:  its own test program.
 * Threads: one. */
#include "cluster.h"
#include "store/store_backend.h"

struct seam_watch {
	struct seam_watch *next;
	const struct mutant *m;
	void (*fn)(void *arg, const struct feed_item *i);
	void *arg;
};
struct seam {
	struct host *host;
	const struct mutant *m;
	struct store *inner;
	struct seam_watch *watches;
};

static const struct mutant none = { .name = "none" };

/* --- commits ------------------------------------------------------------- */

static void
copy_mods(struct batch *out, const struct change *c, bool blind)
{
	for (size_t i = 0; i < c->n_mods; i++) {
		const struct mod *m = &c->mods[i];
		bool status = blind && text_ieq(m->attr, "certStatus");

		if (status && m->op == MOD_DELETE)
			continue;
		if (m->n == 0)
			batch_mod(out, m->op, m->attr, view_of(NULL, 0));
		for (size_t k = 0; k < m->n; k++)
			batch_mod(out, status ? MOD_REPLACE : m->op, m->attr,
			    m->values[k]);
	}
}

/* The batch as the mutant lets it through. */
static struct batch *
altered(const struct mutant *m, const struct batch *b)
{
	struct batch *out = batch_new();

	for (size_t i = 0; out != NULL && i < b->n; i++) {
		const struct change *c = &b->changes[i];

		if (m->keep_change != NULL && !m->keep_change(b, i))
			continue;
		if (c->op == CHANGE_ADD) {
			batch_add(out, rec_copy(c->rec));
		} else if (c->op == CHANGE_DELETE) {
			batch_delete(out, c->kind, c->id);
		} else {
			batch_modify(out, c->kind, c->id);
			copy_mods(out, c, m->blind_status);
		}
	}
	for (size_t i = 0; out != NULL && !m->no_effects && i < b->n_effects;
	     i++)
		batch_effect(out, b->effects[i].type,
		    view_of(b->effects[i].data, b->effects[i].len));
	return out;
}

static enum rc
seam_commit(void *impl, const struct batch *b, struct err *e)
{
	struct seam *s = impl;
	AUTO(batch) mine = altered(s->m, b);
	enum rc rc;

	if (mine == NULL)
		return err_set(e, RC_NOMEM, "seam");
	rc = mine->n == 0 && mine->n_effects == 0
	    ? RC_OK
	    : store_commit(s->inner, mine, e);
	if (rc == RC_UNAVAILABLE && s->m->acks_unsaved)
		rc = RC_OK;
	if (rc == RC_OK)
		s->host->effects_made += b->n_effects;
	return rc;
}

/* --- reads --------------------------------------------------------------- */

static enum rc
seam_get(void *impl, struct rec **out, enum rec_kind kind, const char *id,
    struct err *e)
{
	struct seam *s = impl;

	return store_get(s->inner, out, kind, id, e);
}

struct finding {
	const struct seam *s;
	const struct query *q;
	bool (*fn)(void *arg, const struct rec *r);
	void *arg;
};

static bool
found(void *arg, const struct rec *r)
{
	struct finding *f = arg;

	const struct mutant *m = f->s->m;
	AUTO(rec) copy = NULL;

	if (m->keep_found != NULL && !m->keep_found(f->s->host, f->q, r))
		return true;
	if (m->alter_found == NULL)
		return f->fn(f->arg, r);
	if ((copy = rec_copy(r)) != NULL)
		m->alter_found(copy);
	return f->fn(f->arg, copy != NULL ? copy : r);
}

static enum rc
seam_search(void *impl, const struct query *q,
    bool (*fn)(void *arg, const struct rec *r), void *arg, struct err *e)
{
	struct seam *s = impl;
	struct finding f = { s, q, fn, arg };

	return store_search(s->inner, q, found, &f, e);
}

static enum rc
seam_count(void *impl, uint64_t *out, enum rec_kind kind, const char *filter,
    struct err *e)
{
	struct seam *s = impl;

	return store_count(s->inner, out, kind, filter, e);
}

/* --- the feed ------------------------------------------------------------ */

static void
pass(void *arg, const struct feed_item *i)
{
	struct seam_watch *w = arg;

	if (w->m->keep_item == NULL || w->m->keep_item(i))
		w->fn(w->arg, i);
}

static enum rc
seam_watch(void *impl, struct watch *w, uint64_t since, struct err *e)
{
	struct seam *s = impl;
	struct seam_watch *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return err_set(e, RC_NOMEM, "seam");
	*x = (struct seam_watch){ s->watches, s->m, w->fn, w->arg };
	s->watches = x;
	w->fn = pass;
	w->arg = x;
	if (s->m->since != NULL && since != UINT64_MAX)
		since = s->m->since(s->inner, since);
	return s->inner->ops->watch(s->inner->impl, w, since, e);
}

static uint64_t
seam_usn(void *impl)
{
	struct seam *s = impl;

	return store_usn(s->inner);
}

/* --- the rest ------------------------------------------------------------ */

struct draining {
	struct seam *s;
	bool (*fn)(void *arg, const struct effect *x);
	void *arg;
};

static bool
drained(void *arg, const struct effect *x)
{
	struct draining *d = arg;
	bool done = d->fn(d->arg, x);

	d->s->host->effects_done += done;
	return done;
}

static enum rc
seam_drain(void *impl, const char *type,
    bool (*fn)(void *arg, const struct effect *x), void *arg, struct err *e)
{
	struct seam *s = impl;
	struct draining d = { s, fn, arg };

	return store_drain(s->inner, type, drained, &d, e);
}

static uint64_t
seam_waiting(void *impl)
{
	struct seam *s = impl;

	return store_effects_waiting(s->inner);
}

static const char *
seam_generation(void *impl)
{
	struct seam *s = impl;

	return store_generation(s->inner);
}

static enum rc
seam_health(void *impl, struct err *e)
{
	struct seam *s = impl;

	return store_health(s->inner, e);
}

static void
seam_stats(void *impl, struct store_stats *out)
{
	struct seam *s = impl;

	store_stats(s->inner, out);
}

static void
seam_free(void *impl)
{
	struct seam *s = impl;
	struct seam_watch *next;

	for (struct seam_watch *w = s->watches; w != NULL; w = next) {
		next = w->next;
		free(w);
	}
	free(s);
}

static const struct backend seam_backend = {
	.commit = seam_commit,
	.get = seam_get,
	.search = seam_search,
	.count = seam_count,
	.watch = seam_watch,
	.usn = seam_usn,
	.drain = seam_drain,
	.effects_waiting = seam_waiting,
	.generation = seam_generation,
	.health = seam_health,
	.stats = seam_stats,
	.free = seam_free,
};

struct store *
seam_new(struct host *h, struct store *inner)
{
	struct seam *s = calloc(1, sizeof(*s));
	struct store *out = s != NULL ? store_new(&seam_backend) : NULL;

	if (out == NULL) {
		free(s);
		return NULL;
	}
	*s = (struct seam){ h, h->c->mutant != NULL ? h->c->mutant : &none,
		inner, NULL };
	out->impl = s;
	return out;
}
