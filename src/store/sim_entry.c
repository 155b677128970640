/* SPDX-License-Identifier: Apache-2.0 */
/* sim_entry.c - one entry with the CSN of every value, and how a modification
 * that arrives late changes it (spec directory 4.8).
 * Owns:    struct sim_entry.
 * Trusts:  its own test programs.
 * Threads: the simulator's state lock is held. */
#include "store/schema.h"
#include "store/sim_int.h"

int
csn_cmp(const struct csn *a, const struct csn *b)
{
	int c = merge_stamp_cmp(&a->stamp, &b->stamp);

	if (c != 0)
		return c;
	return a->sub < b->sub ? -1 : a->sub > b->sub;
}

static void
attr_done(struct sim_attr *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->values[i].data);
	free(a->values);
	free(a->name);
}

void
sim_seen_free(struct sim_seen *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	rec_free(s->rec);
	free(s);
}

void
sim_entry_touch(struct sim_entry *x, uint64_t usn)
{
	x->usn = usn;
	sim_seen_free(x->seen);
	x->seen = NULL;
}

void
sim_entry_free(struct sim_entry *x)
{
	if (x == NULL)
		return;
	for (size_t i = 0; i < x->n; i++)
		attr_done(&x->attrs[i]);
	sim_seen_free(x->seen);
	free(x->attrs);
	free(x->id);
	free(x);
}

static struct sim_attr *
push_attr(struct sim_entry *x, const char *name)
{
	struct sim_attr *list = reallocarray(x->attrs, x->n + 1, sizeof(*list));

	if (list == NULL)
		return NULL;
	x->attrs = list;
	list[x->n] = (struct sim_attr){ .name = strdup(name) };
	return list[x->n].name != NULL ? &list[x->n++] : NULL;
}

static struct sim_attr *
find_attr(struct sim_entry *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++)
		if (text_ieq(x->attrs[i].name, name))
			return &x->attrs[i];
	return push_attr(x, name);
}

static struct sim_value *
push_value(struct sim_attr *a, struct view v)
{
	struct sim_value *list =
	    reallocarray(a->values, a->n + 1, sizeof(*list));

	if (list == NULL)
		return NULL;
	a->values = list;
	list[a->n] =
	    (struct sim_value){ .data = malloc(v.len + 1), .len = v.len };
	if (list[a->n].data == NULL)
		return NULL;
	memcpy(list[a->n].data, v.data, v.len);
	list[a->n].data[v.len] = '\0';
	return &list[a->n++];
}

static struct sim_value *
find_value(struct sim_attr *a, struct view v)
{
	for (size_t i = 0; i < a->n; i++)
		if (value_equal(a->name,
			view_of(a->values[i].data, a->values[i].len), v))
			return &a->values[i];
	return push_value(a, v);
}

static bool
present(const struct sim_attr *a, const struct sim_value *v)
{
	return v->added.stamp.time != 0 &&
	    csn_cmp(&v->added, &v->deleted) >= 0 &&
	    csn_cmp(&v->added, &a->cleared) >= 0;
}

static void
later(struct csn *at, const struct csn *c)
{
	if (csn_cmp(c, at) > 0)
		*at = *c;
}

struct sim_entry *
sim_entry_new(const struct change *add, uint64_t unique, const struct csn *csn)
{
	struct sim_entry *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->kind = add->kind;
	x->unique = unique;
	x->added = *csn;
	if ((x->id = strdup(add->rec->id)) == NULL) {
		sim_entry_free(x);
		return NULL;
	}
	for (size_t i = 0; i < add->rec->n; i++) {
		const struct rec_attr *ra = &add->rec->attrs[i];
		struct sim_attr *a = push_attr(x, ra->name);

		for (size_t j = 0; j < ra->n; j++) {
			struct sim_value *v =
			    a != NULL ? push_value(a, ra->values[j]) : NULL;

			if (v == NULL) {
				sim_entry_free(x);
				return NULL;
			}
			v->added = *csn;
		}
	}
	return x;
}

struct sim_entry *
sim_entry_copy(const struct sim_entry *x)
{
	struct sim_entry *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	*n = *x;
	n->attrs = NULL;
	n->seen = NULL;
	n->next_name = n->next_unique = NULL;
	n->n = 0;
	n->id = strdup(x->id);
	for (size_t i = 0; i < x->n && n->id != NULL; i++) {
		const struct sim_attr *from = &x->attrs[i];
		struct sim_attr *a = push_attr(n, from->name);

		for (size_t j = 0; a != NULL && j < from->n; j++) {
			struct sim_value *v = push_value(a,
			    view_of(from->values[j].data, from->values[j].len));

			if (v == NULL)
				a = NULL;
			else {
				v->added = from->values[j].added;
				v->deleted = from->values[j].deleted;
			}
		}
		if (a == NULL) {
			sim_entry_free(n);
			return NULL;
		}
		a->cleared = from->cleared;
	}
	if (n->id == NULL) {
		sim_entry_free(n);
		return NULL;
	}
	return n;
}

/* Of a single-valued attribute only the value added last stays. */
static void
keep_single(struct sim_attr *a)
{
	const struct schema_attr *s = schema_attr(a->name);
	struct sim_value *best = NULL;

	if (s == NULL || !s->single)
		return;
	for (size_t i = 0; i < a->n; i++)
		if (present(a, &a->values[i]) &&
		    (best == NULL ||
			csn_cmp(&a->values[i].added, &best->added) > 0))
			best = &a->values[i];
	if (best != NULL)
		later(&a->cleared, &best->added);
}

static bool
apply_mod(struct sim_attr *a, const struct mod *m, const struct csn *c,
    enum sim_mutant mutant)
{
	if (m->op == MOD_REPLACE) {
		if (mutant == SIM_FIRST_REPLACE_WINS &&
		    a->cleared.stamp.time != 0 && csn_cmp(c, &a->cleared) > 0 &&
		    c->stamp.replica != a->cleared.stamp.replica)
			return true;
		later(&a->cleared, c);
	} else if (mutant == SIM_LOSES_ADDED_VALUES && m->op == MOD_ADD)
		later(&a->cleared, c);
	for (size_t i = 0; i < m->n; i++) {
		struct sim_value *v = find_value(a, m->values[i]);

		if (v == NULL)
			return false;
		later(m->op == MOD_DELETE ? &v->deleted : &v->added, c);
	}
	keep_single(a);
	return true;
}

bool
sim_entry_modify(struct sim_entry *x, const struct change *c,
    const struct csn *csn, enum sim_mutant m)
{
	sim_entry_touch(x, x->usn);
	for (size_t i = 0; i < c->n_mods; i++) {
		struct csn at = *csn;
		struct sim_attr *a = find_attr(x, c->mods[i].attr);

		at.sub = (uint32_t)i + 1;
		if (a == NULL || !apply_mod(a, &c->mods[i], &at, m))
			return false;
	}
	return true;
}

static struct rec *
look(const struct sim_entry *x)
{
	struct rec *r = rec_new(x->kind, x->id);

	for (size_t i = 0; r != NULL && i < x->n; i++)
		for (size_t j = 0; j < x->attrs[i].n; j++) {
			const struct sim_value *v = &x->attrs[i].values[j];

			if (present(&x->attrs[i], v))
				rec_add(r, x->attrs[i].name,
				    view_of(v->data, v->len));
		}
	return r;
}

struct sim_seen *
sim_entry_look(struct sim_entry *x, uint64_t epoch)
{
	struct sim_seen *s = x->seen;

	if (s == NULL) {
		if ((s = calloc(1, sizeof(*s))) == NULL)
			return NULL;
		if ((s->rec = look(x)) == NULL) {
			free(s);
			return NULL;
		}
		s->rec->usn = sim_usn(epoch, x->usn);
		atomic_init(&s->refs, 1);
		x->seen = s;
	}
	atomic_fetch_add(&s->refs, 1);
	return s;
}
