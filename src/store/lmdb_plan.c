/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_plan.c - which index serves a filter: for every term the key ranges that
 * hold its matches, and of the terms of an AND the one with the fewest entries.
 * The filter is evaluated on each record anyway, so ranges may hold too much,
 * never too little.
 * Owns:    struct lmdb_cand and struct lmdb_plan.
 * Trusts:  a parsed filter.
 * Threads: any, inside a read transaction. */
#include "store/lmdb_int.h"

void
lmdb_cand_done(struct lmdb_cand *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->r[i]);
	*c = (struct lmdb_cand){ .n = 0 };
}

void
lmdb_plan_done(struct lmdb_plan *p)
{
	lmdb_cand_done(&p->best);
	lmdb_cand_done(&p->also);
}

static struct lmdb_range *
push(struct lmdb_cand *c)
{
	struct lmdb_range *r = calloc(1, sizeof(*r));

	if (r != NULL)
		c->r[c->n++] = r;
	return r;
}

static int
key_cmp(const struct lmdb_key *a, const struct lmdb_key *b)
{
	return view_cmp(view_of(a->b, a->len), view_of(b->b, b->len));
}

/* The least key that does not begin with k. */
static void
key_after(struct lmdb_key *k)
{
	while (k->len > 1 && k->b[k->len - 1] == 0xff)
		k->len--;
	k->b[k->len - 1]++;
}

/* --- leaves ------------------------------------------------------------ */

static bool
is_number_attr(enum rec_kind k, const char *attr)
{
	const char *name = kind_info(k)->number_attr;

	return name != NULL && text_ieq(name, attr);
}

/* Bounds of f (EQ, GE, LE on the prefixed decimal of the id) on the id table;
 * false when the value is no prefixed decimal. */
static bool
number_range(struct lmdb_range *r, enum rec_kind k, const struct filter *f)
{
	AUTO_STR text = view_dup_str(filter_value(f));
	struct lmdb_key key;
	struct num n;

	if (text == NULL || strlen(text) < 3 ||
	    num_parse(&n, text + 2, false, NULL) != RC_OK)
		return false;
	lmdb_num_key(&key, k, &n);
	if (f->op == FILTER_EQ || f->op == FILTER_GE)
		r->lo = key;
	if (f->op == FILTER_EQ || f->op == FILTER_LE) {
		r->hi = key;
		r->hi.b[r->hi.len++] = 0;
	}
	return true;
}

static void
all_ids(struct lmdb_range *r, enum rec_kind k)
{
	r->ids = true;
	r->lo = (struct lmdb_key){ { (uint8_t)k }, 1 };
	r->hi = (struct lmdb_key){ { (uint8_t)(k + 1) }, 1 };
}

/* An entry by its name: (cn=...), (uid=...), (serialno=...). */
static bool
name_leaf(struct lmdb_cand *out, enum rec_kind k, const struct filter *f)
{
	bool number = is_number_attr(k, f->attr);
	struct lmdb_range r = { .ids = true };
	AUTO_BUF id = buf_empty(0);

	all_ids(&r, k);
	if (number && f->op != FILTER_PRESENT && f->op != FILTER_SUBSTRING) {
		if (!number_range(&r, k, f))
			return false;
	} else if (f->op == FILTER_EQ && text_ieq(f->attr, kind_info(k)->rdn) &&
	    kind_info(k)->number_attr != NULL) {
		if (kind_id(&id, k, filter_value(f), NULL) != RC_OK ||
		    lmdb_id_key(&r.lo, k, buf_cstr(&id), NULL) != RC_OK)
			return false;
		r.hi = r.lo;
		r.hi.b[r.hi.len++] = 0;
	} else
		return false;
	if (push(out) == NULL)
		return false;
	*out->r[0] = r;
	return true;
}

static bool
index_leaf(struct lmdb_cand *out, enum rec_kind k, const struct filter *f)
{
	const struct lmdb_index *x = lmdb_index_find(k, f->attr);
	struct view norm =
	    f->n_parts > 0 ? buf_view(&f->part[0].norm) : view_of(NULL, 0);
	struct lmdb_range *r;
	bool cut;

	/* an index that leaves values out serves no range over them */
	if (x == NULL || (x->skips && f->op != FILTER_EQ) ||
	    lmdb_index_skips(x, norm) || (r = push(out)) == NULL)
		return false;
	r->index = x;
	lmdb_idx_prefix(&r->lo, x, view_of(NULL, 0), false);
	r->hi = r->lo;
	key_after(&r->hi);
	if (f->op == FILTER_EQ) {
		cut = lmdb_idx_prefix(&r->lo, x, norm, true);
		r->hi = r->lo;
		key_after(&r->hi);
		r->eq = true;
		r->exact = !cut;
		r->covered = lmdb_index_covers(x, norm);
	} else if (f->op == FILTER_GE) {
		lmdb_idx_prefix(&r->lo, x, norm, false);
	} else if (f->op == FILTER_LE) {
		lmdb_idx_prefix(&r->hi, x, norm, true);
		key_after(&r->hi);
	} else if (f->op == FILTER_SUBSTRING && norm.len > 0 &&
	    norm.data[0] != ' ') {
		/* a blank at its end may be the end of the value */
		while (norm.len > 0 && norm.data[norm.len - 1] == ' ')
			norm.len--;
		lmdb_idx_prefix(&r->lo, x, norm, false);
		r->hi = r->lo;
		key_after(&r->hi);
	}
	return true;
}

/* --- estimates --------------------------------------------------------- */

static enum rc
estimate(struct lmdb *db, MDB_txn *txn, struct lmdb_cand *c, struct err *e)
{
	c->est = 0;
	for (size_t i = 0; i < c->n && c->est < LMDB_EST_MAX; i++) {
		const struct lmdb_range *r = c->r[i];
		MDB_val k = lmdb_val(r->lo.b, r->lo.len), v;
		MDB_cursor *cur = NULL;
		int code =
		    mdb_cursor_open(txn, r->ids ? db->id : db->idx, &cur);

		if (code != 0)
			return lmdb_err(e, code, "search");
		for (code = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
		     code == 0 && c->est < LMDB_EST_MAX &&
		     view_cmp(lmdb_view(k), view_of(r->hi.b, r->hi.len)) < 0;
		     code = mdb_cursor_get(cur, &k, &v, MDB_NEXT))
			c->est++;
		mdb_cursor_close(cur);
	}
	return RC_OK;
}

/* --- trees ------------------------------------------------------------- */

struct planner {
	struct lmdb *db;
	MDB_txn *txn;
	enum rec_kind kind;
	struct err *e;
};

/* NOLINTBEGIN(misc-no-recursion): no filter is deeper than FILTER_DEPTH_MAX */
static enum rc plan_node(struct planner *p, struct lmdb_cand *out,
    struct lmdb_cand *also, const struct filter *f);

static enum rc
plan_or(struct planner *p, struct lmdb_cand *out, const struct filter *f)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < f->n && rc == RC_OK; i++) {
		struct lmdb_cand one = { .n = 0 };

		rc = plan_node(p, &one, NULL, f->child[i]);
		if (rc != RC_OK || one.n == 0 ||
		    out->n + one.n > LMDB_RANGES_MAX) {
			lmdb_cand_done(&one);
			lmdb_cand_done(out);
			return rc;
		}
		memcpy(&out->r[out->n], one.r, one.n * sizeof(one.r[0]));
		out->n += one.n;
		out->est += one.est;
	}
	if (out->est > LMDB_EST_MAX)
		out->est = LMDB_EST_MAX;
	return rc;
}

/* a >= and a <= on the same attribute, which has one value: one range. */
static bool
narrow(struct lmdb_cand *a, const struct lmdb_cand *b)
{
	struct lmdb_range *x = a->r[0];
	const struct lmdb_range *y = b->r[0];

	if (a->n != 1 || b->n != 1 || x->ids != y->ids ||
	    x->index != y->index || x->eq || y->eq ||
	    (x->index != NULL && !x->index->single))
		return false;
	if (key_cmp(&y->lo, &x->lo) > 0)
		x->lo = y->lo;
	if (key_cmp(&y->hi, &x->hi) < 0)
		x->hi = y->hi;
	return true;
}

/* Keeps the better one in out, the other in also (if asked for). Takes one. */
static void
choose(struct lmdb_cand *out, struct lmdb_cand *also, struct lmdb_cand *one)
{
	bool better = out->n == 0 || one->est < out->est ||
	    (one->est == out->est && one->n == 1 && one->r[0]->eq &&
		!(out->n == 1 && out->r[0]->eq));
	struct lmdb_cand loser = better ? *out : *one;

	if (better)
		*out = *one;
	*one = (struct lmdb_cand){ .n = 0 };
	if (also != NULL && loser.n > 0 &&
	    (also->n == 0 || loser.est < also->est)) {
		lmdb_cand_done(also);
		*also = loser;
	} else
		lmdb_cand_done(&loser);
}

static enum rc
plan_and(struct planner *p, struct lmdb_cand *out, struct lmdb_cand *also,
    const struct filter *f)
{
	struct lmdb_cand *list = calloc(f->n, sizeof(*list));
	enum rc rc = RC_OK;

	if (list == NULL)
		return err_set(p->e, RC_NOMEM, "search: out of memory");
	for (size_t i = 0; i < f->n && rc == RC_OK; i++) {
		rc = plan_node(p, &list[i], NULL, f->child[i]);
		for (size_t j = 0; rc == RC_OK && j < i; j++) {
			if (list[i].n == 0 || list[j].n == 0 ||
			    !narrow(&list[j], &list[i]))
				continue;
			lmdb_cand_done(&list[i]);
			rc = estimate(p->db, p->txn, &list[j], p->e);
		}
	}
	for (size_t i = 0; i < f->n; i++) {
		if (rc == RC_OK && list[i].n > 0)
			choose(out, also, &list[i]);
		lmdb_cand_done(&list[i]);
	}
	free(list);
	return rc;
}

/* out->n == 0: no index serves. */
static enum rc
plan_node(struct planner *p, struct lmdb_cand *out, struct lmdb_cand *also,
    const struct filter *f)
{
	switch (f->op) {
	case FILTER_AND:
		return plan_and(p, out, also, f);
	case FILTER_OR:
		return plan_or(p, out, f);
	case FILTER_NOT:
		return RC_OK;
	case FILTER_EQ:
	case FILTER_GE:
	case FILTER_LE:
	case FILTER_PRESENT:
	case FILTER_SUBSTRING:
		break;
	}
	if (!name_leaf(out, p->kind, f) && !index_leaf(out, p->kind, f))
		return RC_OK;
	return estimate(p->db, p->txn, out, p->e);
}

/* Narrows the bounds on the id table by the terms on the number attribute at
 * the top of the filter. */
static void
bound_ids(struct lmdb_range *ids, enum rec_kind k, const struct filter *f)
{
	struct lmdb_range r = { .ids = true };

	if (f->op == FILTER_AND) {
		for (size_t i = 0; i < f->n; i++)
			bound_ids(ids, k, f->child[i]);
		return;
	}
	if ((f->op != FILTER_EQ && f->op != FILTER_GE && f->op != FILTER_LE) ||
	    !is_number_attr(k, f->attr))
		return;
	all_ids(&r, k);
	if (!number_range(&r, k, f))
		return;
	if (key_cmp(&r.lo, &ids->lo) > 0)
		ids->lo = r.lo;
	if (key_cmp(&r.hi, &ids->hi) < 0)
		ids->hi = r.hi;
}
/* NOLINTEND(misc-no-recursion) */

enum rc
lmdb_plan(struct lmdb *db, MDB_txn *txn, struct lmdb_plan *out, enum rec_kind k,
    const struct filter *f, struct err *e)
{
	struct planner p = { db, txn, k, e };

	all_ids(&out->ids, k);
	if (f == NULL)
		return RC_OK;
	bound_ids(&out->ids, k, f);
	return plan_node(&p, &out->best, &out->also, f);
}
