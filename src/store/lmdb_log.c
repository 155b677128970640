/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_log.c - what happened since a usn, and the effects journal.
 * Owns:    nothing beyond one call.
 * Trusts:  nothing: stored rows are checked for their size.
 * Threads: any; what has to fall between two commits runs on the writer. */
#include "store/lmdb_int.h"

/* --- changes ----------------------------------------------------------- */

enum {
	CATCH_UP = 256, /* changes handed out between transactions */
};

struct change_ref {
	uint64_t usn;
	struct rec *rec; /* NULL: deleted */
	enum rec_kind kind;
	char id[REC_ID_MAX + 1];
};
struct catch_up {
	struct lmdb *db;
	struct watch *w;
	uint64_t living, dead; /* seen up to here, in either table */
	struct change_ref ref[CATCH_UP];
	size_t n;
};

static int
take_living(struct catch_up *c, MDB_txn *txn, MDB_val k, MDB_val v)
{
	struct change_ref *x = &c->ref[c->n];
	uint64_t row;

	memcpy(&c->living, k.mv_data, sizeof(c->living));
	if (v.mv_size != 9)
		return MDB_CORRUPTED;
	x->kind = (enum rec_kind) * (const uint8_t *)v.mv_data;
	if (x->kind >= REC_KINDS)
		return MDB_CORRUPTED;
	if ((c->w->kinds & 1u << x->kind) == 0)
		return 0;
	memcpy(&row, (const uint8_t *)v.mv_data + 1, sizeof(row));
	x->usn = c->living;
	x->rec = NULL;
	if (lmdb_load(c->db, txn, &x->rec, x->kind, row, NULL, NULL) != RC_OK)
		return MDB_CORRUPTED;
	snprintf(x->id, sizeof(x->id), "%s", x->rec->id);
	c->n++;
	return 0;
}

static int
take_dead(struct catch_up *c, MDB_txn *txn, MDB_val k, MDB_val v)
{
	struct change_ref *x = &c->ref[c->n];
	uint64_t row;

	memcpy(&c->dead, k.mv_data, sizeof(c->dead));
	if (v.mv_size < 2 || v.mv_size > REC_ID_MAX + 1)
		return MDB_CORRUPTED;
	x->kind = (enum rec_kind) * (const uint8_t *)v.mv_data;
	if (x->kind >= REC_KINDS)
		return MDB_CORRUPTED;
	if ((c->w->kinds & 1u << x->kind) == 0)
		return 0;
	snprintf(x->id, sizeof(x->id), "%.*s", (int)v.mv_size - 1,
	    (const char *)v.mv_data + 1);
	x->usn = c->dead;
	x->rec = NULL;
	/* made anew since: it is among the living */
	if (lmdb_row(c->db, txn, &row, x->kind, x->id, NULL) == RC_NOTFOUND)
		c->n++;
	return 0;
}

static int
take_some(struct catch_up *c, MDB_txn *txn, MDB_dbi dbi, uint64_t after,
    int (*take)(struct catch_up *c, MDB_txn *txn, MDB_val k, MDB_val v))
{
	uint64_t from = after + 1;
	MDB_val k = lmdb_val(&from, sizeof(from)), v;
	MDB_cursor *cur = NULL;
	int code = mdb_cursor_open(txn, dbi, &cur);

	if (code != 0)
		return code;
	for (code = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	     code == 0 && c->n < CATCH_UP;
	     code = mdb_cursor_get(cur, &k, &v, MDB_NEXT))
		if ((code = take(c, txn, k, v)) != 0)
			break;
	mdb_cursor_close(cur);
	return code == MDB_NOTFOUND ? 0 : code;
}

/* Delivers up to CATCH_UP changes; *end when there were fewer. */
static enum rc
catch_up_some(struct catch_up *c, bool *end, struct err *e)
{
	MDB_txn *txn = NULL;
	enum rc rc = lmdb_begin(c->db, &txn, e);
	int code;

	if (rc != RC_OK)
		return rc;
	c->n = 0;
	code = take_some(c, txn, c->db->usn, c->living, take_living);
	if (code == 0 && c->n < CATCH_UP)
		code = take_some(c, txn, c->db->dead, c->dead, take_dead);
	mdb_txn_abort(txn);
	*end = c->n < CATCH_UP;
	for (size_t i = 0; i < c->n; i++) {
		struct change_ref *x = &c->ref[i];
		struct feed_item item = { x->kind, x->id, x->rec, false,
			x->usn };

		if (code == 0)
			watch_deliver(c->w, &item);
		rec_free(x->rec);
	}
	return code != 0 ? lmdb_err(e, code, "changes") : RC_OK;
}

/* On the writer thread: no commit falls between the last change delivered here
 * and the attachment. */
static enum rc
attach(struct lmdb_job *j)
{
	struct catch_up *c = j->arg;
	bool end = c->living == UINT64_MAX;
	enum rc rc = RC_OK;

	while (rc == RC_OK && !end)
		rc = catch_up_some(c, &end, &j->err);
	if (rc == RC_OK)
		feed_attach(&c->db->store->feed, c->w);
	return rc;
}

enum rc
lmdb_watch(void *impl, struct watch *w, uint64_t since, struct err *e)
{
	struct lmdb *db = impl;
	struct catch_up *c;
	bool end = since == UINT64_MAX;
	enum rc rc = RC_OK;

	if (since != UINT64_MAX && since != 0 &&
	    (since > atomic_load(&db->seen_usn) ||
		since < atomic_load(&db->floor_usn)))
		return err_set(e, RC_GONE,
		    "store: changes since %llu are not known",
		    (unsigned long long)since);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_set(e, RC_NOMEM, "watch: out of memory");
	c->db = db;
	c->w = w;
	c->living = c->dead = since;
	while (rc == RC_OK && !end)
		rc = catch_up_some(c, &end, e);
	if (rc == RC_OK)
		rc = lmdb_call(db, attach, c, e);
	free(c);
	return rc;
}

/* --- effects ----------------------------------------------------------- */

enum {
	DRAIN_CHUNK = 512, /* rows settled in one transaction */
	EFFECT_HEAD = sizeof(int64_t) + sizeof(uint32_t),
};

struct drained {
	struct lmdb_key key;
	char type[EFFECT_TYPE_MAX + 1];
	uint64_t row;
	int64_t written_ms;
	uint32_t tries;
	uint8_t *data;
	size_t len;
	enum {
		UNTOUCHED,
		SETTLED,
		KEPT
	} fate;
};
struct drain {
	struct lmdb *db;
	const char *type; /* NULL: all */
	struct lmdb_key last;
	struct drained x[DRAIN_CHUNK];
	size_t n;
};

static int
take_effect(struct drain *d, MDB_val k, MDB_val v)
{
	struct drained *x = &d->x[d->n];
	const uint8_t *p = k.mv_data, *val = v.mv_data;
	size_t type_len = k.mv_size > 9 ? k.mv_size - 9 : 0;

	if (type_len == 0 || type_len > EFFECT_TYPE_MAX ||
	    v.mv_size < EFFECT_HEAD)
		return MDB_CORRUPTED;
	*x = (struct drained){ .len = v.mv_size - EFFECT_HEAD };
	memcpy(x->key.b, p, k.mv_size);
	x->key.len = k.mv_size;
	memcpy(x->type, p, type_len);
	for (size_t i = type_len + 1; i < k.mv_size; i++)
		x->row = x->row << 8 | p[i];
	memcpy(&x->written_ms, val, sizeof(x->written_ms));
	memcpy(&x->tries, val + sizeof(x->written_ms), sizeof(x->tries));
	if ((x->data = malloc(x->len + 1)) == NULL)
		return ENOMEM;
	memcpy(x->data, val + EFFECT_HEAD, x->len);
	x->data[x->len] = '\0';
	d->last = x->key;
	d->n++;
	return 0;
}

static enum rc
fill(struct drain *d, struct err *e)
{
	MDB_val k = lmdb_val(d->last.b, d->last.len), v;
	MDB_cursor *cur = NULL;
	MDB_txn *txn = NULL;
	enum rc rc = lmdb_begin(d->db, &txn, e);
	int c;

	if (rc != RC_OK)
		return rc;
	d->n = 0;
	if ((c = mdb_cursor_open(txn, d->db->fx, &cur)) == 0) {
		struct view last = view_of(d->last.b, d->last.len);

		c = mdb_cursor_get(
		    cur, &k, &v, d->last.len > 0 ? MDB_SET_RANGE : MDB_FIRST);
		if (c == 0 && d->last.len > 0 && view_eq(lmdb_view(k), last))
			c = mdb_cursor_get(cur, &k, &v, MDB_NEXT);
		for (; c == 0 && d->n < DRAIN_CHUNK;
		     c = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
			if (d->type != NULL && strcmp(k.mv_data, d->type) != 0)
				break;
			if ((c = take_effect(d, k, v)) != 0)
				break;
		}
		mdb_cursor_close(cur);
	}
	mdb_txn_abort(txn);
	return c != 0 && c != MDB_NOTFOUND ? lmdb_err(e, c, "effects") : RC_OK;
}

/* On the writer thread: deletes what is settled, counts the tries. */
static enum rc
settle(struct lmdb_job *j)
{
	struct drain *d = j->arg;
	MDB_txn *txn = NULL;
	size_t settled = 0;
	int c = mdb_txn_begin(d->db->env, NULL, 0, &txn);

	if (c != 0)
		return lmdb_err(&j->err, c, "effects");
	for (size_t i = 0; i < d->n && c == 0; i++) {
		struct drained *x = &d->x[i];
		MDB_val k = lmdb_val(x->key.b, x->key.len), v;
		AUTO_BUF b = buf_empty(REC_WIRE_MAX);

		if (x->fate == SETTLED) {
			c = mdb_del(txn, d->db->fx, &k, NULL);
			if (c == 0)
				settled++;
			c = c == MDB_NOTFOUND ? 0 : c;
		} else if (x->fate == KEPT) {
			x->tries++;
			buf_add(&b, &x->written_ms, sizeof(x->written_ms));
			buf_add(&b, &x->tries, sizeof(x->tries));
			buf_add(&b, x->data, x->len);
			v = lmdb_val(b.data, b.len);
			c = b.failed != RC_OK
			    ? ENOMEM
			    : mdb_put(txn, d->db->fx, &k, &v, 0);
		}
	}
	if (c == 0)
		c = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	if (c != 0)
		return lmdb_err(&j->err, c, "effects");
	atomic_fetch_sub(&d->db->effects, settled);
	return RC_OK;
}

/* Hands the rows of the chunk out until one is kept; then goes to the next
 * type. Returns false when nothing more is to come. */
static bool
hand_out(
    struct drain *d, bool (*fn)(void *arg, const struct effect *x), void *arg)
{
	for (size_t i = 0; i < d->n; i++) {
		struct drained *x = &d->x[i];
		struct effect out = { x->row, x->type, view_of(x->data, x->len),
			x->written_ms, x->tries };

		if (fn(arg, &out)) {
			x->fate = SETTLED;
			continue;
		}
		x->fate = KEPT;
		/* just past all rows of this type */
		d->last.len = strlen(x->type) + 1;
		memcpy(d->last.b, x->type, d->last.len);
		d->last.b[d->last.len - 1] = 1;
		return d->type == NULL;
	}
	return d->n == DRAIN_CHUNK;
}

static enum rc
drain_chunk(struct drain *d, bool *more,
    bool (*fn)(void *arg, const struct effect *x), void *arg, struct err *e)
{
	enum rc rc = fill(d, e);

	*more = false;
	if (rc == RC_OK && d->n > 0) {
		*more = hand_out(d, fn, arg);
		rc = lmdb_call(d->db, settle, d, e);
	}
	for (size_t i = 0; i < d->n; i++)
		free(d->x[i].data);
	d->n = 0;
	return rc;
}

enum rc
lmdb_drain(void *impl, const char *type,
    bool (*fn)(void *arg, const struct effect *x), void *arg, struct err *e)
{
	struct drain *d = malloc(sizeof(*d)); /* large; filled row by row */
	bool more = true;
	enum rc rc = RC_OK;

	if (d == NULL)
		return err_set(e, RC_NOMEM, "effects: out of memory");
	d->db = impl;
	d->type = type;
	d->n = d->last.len = 0;
	if (d->db->read_only ||
	    (type != NULL && strlen(type) > EFFECT_TYPE_MAX)) {
		free(d);
		return err_set(e, RC_INVALID, "effects: cannot be drained");
	}
	if (type != NULL) {
		d->last.len = strlen(type) + 1;
		memcpy(d->last.b, type, d->last.len);
	}
	while (rc == RC_OK && more)
		rc = drain_chunk(d, &more, fn, arg, e);
	free(d);
	return rc;
}
