/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_search.c - searches of the embedded store, in chunks: a short read
 * transaction collects some records, then the caller sees them.
 * Owns:    what one search collects.
 * Trusts:  nothing: rec_read checks what the map holds.
 * Threads: any. */
#include "store/lmdb_int.h"

enum source {
	BY_TABLE, /* all rows of the kind */
	BY_RANGE, /* entries of one range, in their order */
	BY_ROWS,  /* a list of rows */
};

struct hit { /* of a sort */
	char *key;
	size_t len;
	uint64_t row;
};

struct search {
	struct lmdb *db;
	struct err *e;
	const struct query *q;
	struct filter *filter;
	const char **needed; /* wanted and filtered attributes; NULL = all */
	const struct lmdb_index *order; /* NULL: not by an index */
	bool sorted, down;              /* an order is wanted; from the end */
	bool by_id;                     /* that of the id table */

	enum source source;
	struct lmdb_range range;
	bool covered; /* take records from the entries of range */
	uint64_t *rows;
	size_t n_rows, cap_rows;
	size_t at;            /* in rows */
	uint64_t last_row;    /* BY_TABLE: seen up to here */
	struct lmdb_key last; /* BY_RANGE: the same; len 0 = not begun */
	bool end;

	size_t skip, left; /* of start and limit; left SIZE_MAX = no limit */
	struct rec *chunk[LMDB_CHUNK_ROWS];
	size_t n_chunk, chunk_bytes, seen;
};

/* --- rows from ranges -------------------------------------------------- */

static uint64_t
row_of(const struct lmdb_range *r, MDB_val k, MDB_val v)
{
	const uint8_t *p = k.mv_data;
	uint64_t row = 0;

	if (r->ids) {
		if (v.mv_size == sizeof(row))
			memcpy(&row, v.mv_data, sizeof(row));
		return row;
	}
	for (size_t i = k.mv_size >= 8 ? k.mv_size - 8 : 0; i < k.mv_size; i++)
		row = row << 8 | p[i];
	return row;
}

static bool
push_row(struct search *s, uint64_t row)
{
	if (s->n_rows == s->cap_rows) {
		size_t cap = s->cap_rows == 0 ? 1024 : s->cap_rows * 2;
		uint64_t *rows = reallocarray(s->rows, cap, sizeof(*rows));

		if (rows == NULL)
			return false;
		s->rows = rows;
		s->cap_rows = cap;
	}
	s->rows[s->n_rows++] = row;
	return true;
}

static enum rc
collect_range(struct search *s, MDB_txn *txn, const struct lmdb_range *r)
{
	MDB_val k = lmdb_val(r->lo.b, r->lo.len), v;
	struct view hi = view_of(r->hi.b, r->hi.len);
	MDB_cursor *cur = NULL;
	int c = mdb_cursor_open(txn, r->ids ? s->db->id : s->db->idx, &cur);

	if (c != 0)
		return lmdb_err(s->e, c, "search");
	for (c = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	     c == 0 && view_cmp(lmdb_view(k), hi) < 0;
	     c = mdb_cursor_get(cur, &k, &v, MDB_NEXT))
		if (!push_row(s, row_of(r, k, v)))
			c = ENOMEM;
	mdb_cursor_close(cur);
	return c != 0 && c != MDB_NOTFOUND ? lmdb_err(s->e, c, "search")
					   : RC_OK;
}

static int
cmp_row(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Sorts the rows from position `from` on and drops repeats. */
static void
sort_rows(struct search *s, size_t from)
{
	size_t n = from;

	if (s->n_rows == from)
		return;
	qsort(s->rows + from, s->n_rows - from, sizeof(*s->rows), cmp_row);
	for (size_t i = from; i < s->n_rows; i++)
		if (i == from || s->rows[i] != s->rows[n - 1])
			s->rows[n++] = s->rows[i];
	s->n_rows = n;
}

static enum rc
collect(struct search *s, MDB_txn *txn, const struct lmdb_cand *c)
{
	size_t from = s->n_rows;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < c->n && rc == RC_OK; i++)
		rc = collect_range(s, txn, c->r[i]);
	if (c->n != 1 || !c->r[0]->eq)
		sort_rows(s, from);
	return rc;
}

/* Keeps the rows before `mid` that are also among those from `mid` on. */
static void
intersect(struct search *s, size_t mid)
{
	size_t n = 0, j = mid;

	for (size_t i = 0; i < mid; i++) {
		while (j < s->n_rows && s->rows[j] < s->rows[i])
			j++;
		if (j < s->n_rows && s->rows[j] == s->rows[i])
			s->rows[n++] = s->rows[i];
	}
	s->n_rows = n;
}

/* --- choosing ---------------------------------------------------------- */

/* NOLINTBEGIN(misc-no-recursion): no filter is deeper than FILTER_DEPTH_MAX */
static size_t
count_leaves(const struct filter *f)
{
	size_t n = f->attr != NULL ? 1 : 0;

	for (size_t i = 0; i < f->n; i++)
		n += count_leaves(f->child[i]);
	return n;
}

static void
add_leaves(const struct filter *f, const char **list, size_t *n)
{
	if (f->attr != NULL)
		list[(*n)++] = f->attr;
	for (size_t i = 0; i < f->n; i++)
		add_leaves(f->child[i], list, n);
}
/* NOLINTEND(misc-no-recursion) */

/* Which attributes are read at all; all when a filter names an attribute that
 * records hold with an option. */
static enum rc
choose_needed(struct search *s)
{
	size_t n = 0, max = 2;

	if (s->q->attrs == NULL)
		return RC_OK;
	while (s->q->attrs[n] != NULL)
		n++;
	max += n + (s->filter != NULL ? count_leaves(s->filter) : 0);
	if ((s->needed = calloc(max, sizeof(*s->needed))) == NULL)
		return err_set(s->e, RC_NOMEM, "search: out of memory");
	memcpy(s->needed, s->q->attrs, n * sizeof(*s->needed));
	if (s->filter != NULL)
		add_leaves(s->filter, s->needed, &n);
	if (s->sorted)
		s->needed[n++] = s->q->order + (s->down ? 1 : 0);
	for (size_t i = 0; i < n; i++) {
		if (schema_syntax(s->needed[i]) != SYNTAX_BINARY)
			continue;
		free(s->needed);
		s->needed = NULL;
		break;
	}
	return RC_OK;
}

static bool
all_covered(const struct search *s)
{
	if (s->needed == NULL)
		return false;
	for (size_t i = 0; s->needed[i] != NULL; i++)
		if (!rec_name_in(lmdb_cover, s->needed[i]))
			return false;
	return true;
}

static void
stream(struct search *s, const struct lmdb_range *r)
{
	s->source = BY_RANGE;
	s->range = *r;
	s->covered = r->covered && all_covered(s);
}

/* An order that some table has: true when its entries are to be walked. */
static bool
choose_ordered(struct search *s, const struct lmdb_plan *p, bool small)
{
	struct lmdb_range r = { .index = s->order };

	if (s->by_id && (!small || p->best.r[0]->ids)) {
		stream(s, &p->ids);
		return true;
	}
	if (s->order == NULL || !s->order->single || small || s->q->limit == 0)
		return false;
	lmdb_idx_prefix(&r.lo, s->order, view_of(NULL, 0), false);
	lmdb_idx_prefix(&r.hi, s->order, view_of(NULL, 0), false);
	r.hi.b[r.hi.len - 1]++;
	stream(s, &r);
	return true;
}

static enum rc
choose_source(struct search *s, MDB_txn *txn, const struct lmdb_plan *p)
{
	const struct lmdb_cand *best = &p->best;
	bool small = best->n > 0 && best->est < LMDB_EST_MAX;
	bool one_value = best->n == 1 && best->r[0]->eq;
	enum rc rc;

	if (s->sorted && choose_ordered(s, p, small)) {
		s->sorted = false;
		return RC_OK;
	}
	s->source = BY_TABLE;
	if (one_value && !small && (s->q->limit > 0 || p->also.n == 0)) {
		stream(s, best->r[0]);
		return RC_OK;
	}
	if (one_value && best->r[0]->covered && all_covered(s)) {
		stream(s, best->r[0]);
		return RC_OK;
	}
	if (best->n == 0 || (!small && s->q->limit > 0 && !s->sorted))
		return RC_OK;
	s->source = BY_ROWS;
	if ((rc = collect(s, txn, best)) != RC_OK || small || p->also.n == 0)
		return rc;
	{
		size_t mid = s->n_rows;

		if ((rc = collect(s, txn, &p->also)) == RC_OK)
			intersect(s, mid);
	}
	return rc;
}

static enum rc
prepare(struct search *s)
{
	struct lmdb_plan plan = { .best = { .n = 0 } };
	const char *order = s->q->order;
	MDB_txn *txn = NULL;
	enum rc rc;

	if (s->q->filter != NULL &&
	    (rc = filter_parse(&s->filter, s->q->filter, s->e)) != RC_OK)
		return rc;
	if (order != NULL && order[0] != '\0') {
		const char *number = kind_info(s->q->kind)->number_attr;

		s->sorted = true;
		s->down = order[0] == '-';
		order += s->down ? 1 : 0;
		s->by_id = number != NULL && text_ieq(number, order);
		s->order = lmdb_index_find(s->q->kind, order);
	}
	s->skip = s->q->start;
	s->left = s->q->limit != 0 ? s->q->limit : SIZE_MAX;
	if ((rc = choose_needed(s)) != RC_OK ||
	    (rc = lmdb_begin(s->db, &txn, s->e)) != RC_OK)
		return rc;
	rc = lmdb_plan(s->db, txn, &plan, s->q->kind, s->filter, s->e);
	if (rc == RC_OK)
		rc = choose_source(s, txn, &plan);
	mdb_txn_abort(txn);
	lmdb_plan_done(&plan);
	return rc;
}

/* --- walking ----------------------------------------------------------- */

static bool
chunk_full(const struct search *s)
{
	return s->n_chunk == LMDB_CHUNK_ROWS || s->left == 0 ||
	    s->chunk_bytes >= LMDB_CHUNK_BYTES || s->seen >= LMDB_CHUNK_SEEN;
}

/* Looks at one candidate. row 0: its bytes are in v. */
static enum rc
candidate(struct search *s, MDB_txn *txn, uint64_t row, MDB_val v)
{
	AUTO(rec) r = NULL;
	bool unread = s->filter == NULL && s->skip > 0;
	enum rc rc;

	s->seen++;
	if (unread) { /* every candidate matches: nothing to read yet */
		s->skip--;
		return RC_OK;
	}
	if (row == 0)
		rc = rec_read(&r, lmdb_view(v), s->needed, s->e);
	else
		rc =
		    lmdb_load(s->db, txn, &r, s->q->kind, row, s->needed, s->e);
	if (rc == RC_NOTFOUND)
		return RC_OK; /* deleted since the rows were collected */
	if (rc != RC_OK || (s->filter != NULL && !filter_match(s->filter, r)))
		return rc;
	if (s->skip > 0) {
		s->skip--;
		return RC_OK;
	}
	s->left--;
	s->chunk_bytes += v.mv_size;
	s->chunk[s->n_chunk++] = rec_steal(&r);
	return RC_OK;
}

static enum rc
walk_rows(struct search *s, MDB_txn *txn)
{
	enum rc rc = RC_OK;

	while (rc == RC_OK && !chunk_full(s) && s->at < s->n_rows)
		rc = candidate(s, txn, s->rows[s->at++], lmdb_val(NULL, 2048));
	s->end = s->at == s->n_rows;
	return rc;
}

static enum rc
walk_table(struct search *s, MDB_txn *txn)
{
	uint64_t from = s->last_row + 1;
	MDB_val k = lmdb_val(&from, sizeof(from)), v;
	MDB_cursor *cur = NULL;
	enum rc rc = RC_OK;
	int c = mdb_cursor_open(txn, s->db->rec[s->q->kind], &cur);

	if (c != 0)
		return lmdb_err(s->e, c, "search");
	for (c = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	     c == 0 && rc == RC_OK;) {
		memcpy(&s->last_row, k.mv_data, sizeof(s->last_row));
		rc = candidate(s, txn, 0, v);
		if (chunk_full(s))
			break;
		c = mdb_cursor_get(cur, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(cur);
	s->end = c != 0;
	if (c != 0 && c != MDB_NOTFOUND)
		return lmdb_err(s->e, c, "search");
	return rc;
}

/* To the first entry not seen yet, in either direction. */
static int
range_seek(struct search *s, MDB_cursor *cur, MDB_val *k, MDB_val *v)
{
	const struct lmdb_key *from = s->last.len > 0 ? &s->last
	    : s->down                                 ? &s->range.hi
						      : &s->range.lo;
	int c;

	*k = lmdb_val(from->b, from->len);
	c = mdb_cursor_get(cur, k, v, MDB_SET_RANGE);
	if (s->down) /* the one before the first that is not less */
		return mdb_cursor_get(
		    cur, k, v, c == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
	if (c == 0 && s->last.len > 0 &&
	    view_eq(lmdb_view(*k), view_of(from->b, from->len)))
		c = mdb_cursor_get(cur, k, v, MDB_NEXT);
	return c;
}

static bool
in_range(const struct lmdb_range *r, MDB_val k)
{
	return view_cmp(lmdb_view(k), view_of(r->lo.b, r->lo.len)) >= 0 &&
	    view_cmp(lmdb_view(k), view_of(r->hi.b, r->hi.len)) < 0;
}

static enum rc
walk_range(struct search *s, MDB_txn *txn)
{
	MDB_cursor *cur = NULL;
	MDB_val k, v;
	enum rc rc = RC_OK;
	int c =
	    mdb_cursor_open(txn, s->range.ids ? s->db->id : s->db->idx, &cur);

	if (c != 0)
		return lmdb_err(s->e, c, "search");
	for (c = range_seek(s, cur, &k, &v); c == 0 && in_range(&s->range, k);
	     c = mdb_cursor_get(cur, &k, &v, s->down ? MDB_PREV : MDB_NEXT)) {
		if (k.mv_size > LMDB_KEY_MAX)
			break;
		memcpy(s->last.b, k.mv_data, k.mv_size);
		s->last.len = k.mv_size;
		rc = candidate(
		    s, txn, s->covered ? 0 : row_of(&s->range, k, v), v);
		if (rc != RC_OK || chunk_full(s))
			break;
	}
	s->end = c != 0 || rc != RC_OK || !chunk_full(s);
	mdb_cursor_close(cur);
	if (c != 0 && c != MDB_NOTFOUND)
		return lmdb_err(s->e, c, "search");
	return rc;
}

static enum rc
next_chunk(struct search *s)
{
	MDB_txn *txn = NULL;
	enum rc rc = lmdb_begin(s->db, &txn, s->e);

	if (rc != RC_OK)
		return rc;
	s->n_chunk = s->chunk_bytes = s->seen = 0;
	switch (s->source) {
	case BY_TABLE:
		rc = walk_table(s, txn);
		break;
	case BY_RANGE:
		rc = walk_range(s, txn);
		break;
	case BY_ROWS:
		rc = walk_rows(s, txn);
		break;
	}
	mdb_txn_abort(txn);
	return rc;
}

static void
drop_chunk(struct search *s)
{
	for (size_t i = 0; i < s->n_chunk; i++)
		rec_free(s->chunk[i]);
	s->n_chunk = 0;
}

static enum rc
walk(struct search *s, bool (*fn)(void *arg, const struct rec *r), void *arg)
{
	bool more = true;
	enum rc rc = RC_OK;

	while (more && rc == RC_OK && !s->end && s->left > 0) {
		if ((rc = next_chunk(s)) != RC_OK)
			break;
		for (size_t i = 0; more && i < s->n_chunk; i++)
			more = fn(arg, s->chunk[i]);
		drop_chunk(s);
	}
	drop_chunk(s);
	return rc;
}

/* --- sorting ----------------------------------------------------------- */

struct sorter {
	struct search *s;
	const char *attr;
	enum syntax syntax;
	struct hit *hits;
	size_t n, cap;
	enum rc rc;
};

/* The row of a record, through its id. */
static bool
sort_take(void *arg, const struct rec *r)
{
	struct sorter *t = arg;
	AUTO_BUF norm = buf_empty(REC_VALUE_MAX);

	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 1024 : t->cap * 2;
		struct hit *h = reallocarray(t->hits, cap, sizeof(*h));

		if (h == NULL) {
			t->rc = RC_NOMEM;
			return false;
		}
		t->hits = h;
		t->cap = cap;
	}
	value_norm(&norm, t->syntax, rec_get(r, t->attr));
	t->hits[t->n] = (struct hit){ NULL, norm.len, r->usn };
	if ((t->hits[t->n].key = buf_steal_str(&norm)) == NULL)
		t->hits[t->n].len = 0;
	t->n++;
	return true;
}

static int
cmp_hit(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;
	int c = view_cmp(view_of(x->key, x->len), view_of(y->key, y->len));

	return c != 0 ? c : x->row < y->row ? -1 : x->row > y->row;
}

static int
cmp_hit_down(const void *a, const void *b)
{
	return cmp_hit(b, a);
}

/* Turns the usn of each hit of the wanted page into its row. A record changed
 * meanwhile has another usn: it is left out, as one not seen by this search. */
static enum rc
page_rows(struct search *s, struct sorter *t, size_t start, size_t limit)
{
	MDB_txn *txn = NULL;
	enum rc rc = lmdb_begin(s->db, &txn, s->e);

	if (rc != RC_OK)
		return rc;
	for (size_t i = start; i < t->n && i - start < limit; i++) {
		MDB_val k = lmdb_val(&t->hits[i].row, sizeof(uint64_t)), v;
		uint64_t row;

		if (mdb_get(txn, s->db->usn, &k, &v) != 0 || v.mv_size != 9)
			continue;
		memcpy(&row, (const uint8_t *)v.mv_data + 1, sizeof(row));
		if (!push_row(s, row))
			rc = err_set(s->e, RC_NOMEM, "search: out of memory");
	}
	mdb_txn_abort(txn);
	return rc;
}

static enum rc
walk_sorted(
    struct search *s, bool (*fn)(void *arg, const struct rec *r), void *arg)
{
	const char *attr = s->q->order + (s->down ? 1 : 0);
	struct sorter t = { s, attr, schema_syntax(attr), NULL, 0, 0, RC_OK };
	size_t start = s->skip, limit = s->left;
	bool down = s->down;
	enum rc rc;

	s->skip = 0;
	s->left = SIZE_MAX;
	s->down = false;
	rc = walk(s, sort_take, &t);
	if (rc == RC_OK && t.rc != RC_OK)
		rc = err_set(s->e, t.rc, "search: too many to sort");
	if (rc == RC_OK && t.n > 0)
		qsort(t.hits, t.n, sizeof(*t.hits),
		    down ? cmp_hit_down : cmp_hit);
	s->n_rows = s->at = 0;
	s->source = BY_ROWS;
	s->end = false;
	if (rc == RC_OK)
		rc = page_rows(s, &t, start, limit);
	for (size_t i = 0; i < t.n; i++)
		free(t.hits[i].key);
	free(t.hits);
	return rc == RC_OK ? walk(s, fn, arg) : rc;
}

static void
search_done(struct search *s)
{
	filter_free(s->filter);
	free(s->needed);
	free(s->rows);
}

enum rc
lmdb_search(void *impl, const struct query *q,
    bool (*fn)(void *arg, const struct rec *r), void *arg, struct err *e)
{
	struct search *s = calloc(1, sizeof(*s));
	struct lmdb *db = impl;
	enum rc rc;

	if (s == NULL)
		return err_set(e, RC_NOMEM, "search: out of memory");
	s->db = db;
	s->e = e;
	s->q = q;
	atomic_fetch_add_explicit(&db->searches, 1, memory_order_relaxed);
	if ((rc = prepare(s)) == RC_OK)
		rc = s->sorted ? walk_sorted(s, fn, arg) : walk(s, fn, arg);
	search_done(s);
	free(s);
	return rc;
}

/* --- counting ---------------------------------------------------------- */

static bool
count_one(void *arg, const struct rec *r)
{
	uint64_t *n = arg;

	(void)r;
	(*n)++;
	return true;
}

/* Counts entries where these are just the matches; false: they are not. */
static bool
count_entries(
    struct lmdb *db, uint64_t *out, enum rec_kind kind, const struct filter *f)
{
	struct lmdb_plan plan = { .best = { .n = 0 } };
	struct search s = { .db = db };
	MDB_txn *txn = NULL;
	bool ok = false;

	if (f->op != FILTER_EQ || lmdb_begin(db, &txn, NULL) != RC_OK)
		return false;
	if (lmdb_plan(db, txn, &plan, kind, f, NULL) == RC_OK &&
	    plan.best.n == 1 && plan.best.r[0]->exact &&
	    collect_range(&s, txn, plan.best.r[0]) == RC_OK) {
		*out = s.n_rows;
		ok = true;
	}
	mdb_txn_abort(txn);
	lmdb_plan_done(&plan);
	free(s.rows);
	return ok;
}

static enum rc
count_all(struct lmdb *db, uint64_t *out, enum rec_kind kind, struct err *e)
{
	MDB_txn *txn = NULL;
	MDB_stat st;
	enum rc rc = lmdb_begin(db, &txn, e);
	int c;

	if (rc != RC_OK)
		return rc;
	c = mdb_stat(txn, db->rec[kind], &st);
	mdb_txn_abort(txn);
	if (c != 0)
		return lmdb_err(e, c, "count");
	*out = st.ms_entries;
	return RC_OK;
}

enum rc
lmdb_count(void *impl, uint64_t *out, enum rec_kind kind, const char *filter,
    struct err *e)
{
	static const char *const none[] = { NULL };
	struct query q = { .kind = kind, .filter = filter, .attrs = none };
	AUTO(filter) f = NULL;
	uint64_t n = 0;
	enum rc rc;

	if (filter == NULL)
		return count_all(impl, out, kind, e);
	if ((rc = filter_parse(&f, filter, e)) != RC_OK)
		return rc;
	if (count_entries(impl, out, kind, f))
		return RC_OK;
	if ((rc = lmdb_search(impl, &q, count_one, &n, e)) == RC_OK)
		*out = n;
	return rc;
}
