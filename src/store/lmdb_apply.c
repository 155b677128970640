/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_apply.c - what a batch does: first worked out in memory, so that a
 * refused one has written nothing, then written.
 * Owns:    struct lmdb_steps.
 * Trusts:  the batch passed batch_check.
 * Threads: the writer thread. */
#include "store/lmdb_int.h"

void
lmdb_steps_free(struct lmdb_steps *st)
{
	if (st == NULL)
		return;
	for (size_t i = 0; i < st->n; i++) {
		rec_free(st->s[i].own_old);
		rec_free(st->s[i].own_now);
	}
	free(st);
}

/* --- working out ------------------------------------------------------- */

static bool
same_key(const struct lmdb_key *a, const struct lmdb_key *b)
{
	return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

/* State of the record before change c: by an earlier step of this batch, or in
 * the transaction. */
static enum rc
before(struct lmdb *db, MDB_txn *txn, struct lmdb_steps *st,
    struct lmdb_step *s, const struct change *c, struct err *e)
{
	enum rc rc = lmdb_id_key(&s->key, c->kind, c->id, e);

	if (rc != RC_OK)
		return rc;
	for (size_t i = st->n; i-- > 0;)
		if (same_key(&st->s[i].key, &s->key)) {
			s->row = st->s[i].row;
			s->old = st->s[i].now;
			s->there = s->old != NULL;
			return RC_OK;
		}
	/* absence is the rule for ADD: no text for it */
	rc = lmdb_row_at(
	    db, txn, &s->row, &s->key, c->id, c->op == CHANGE_ADD ? NULL : e);
	if (rc == RC_NOTFOUND)
		return RC_OK;
	s->there = true;
	if (rc == RC_OK && c->op != CHANGE_ADD)
		rc = lmdb_load(db, txn, &s->own_old, c->kind, s->row, NULL, e);
	s->old = s->own_old;
	return rc;
}

static enum rc
plan_add(struct lmdb_step *s, const struct change *c, struct err *e)
{
	if (s->there)
		return err_set(e, RC_EXISTS, "%s %.64s: already exists",
		    rec_kind_text(c->kind), c->id);
	s->alias = *c->rec;
	s->now = &s->alias;
	return RC_OK;
}

static enum rc
plan_modify(struct lmdb_step *s, const struct change *c, struct err *e)
{
	enum rc rc;

	if (s->old == NULL)
		return err_set(e, RC_NOTFOUND, "%s %.64s: not found",
		    rec_kind_text(c->kind), c->id);
	if ((s->own_now = rec_copy(s->old)) == NULL)
		return err_set(e, RC_NOMEM, "commit: out of memory");
	if ((rc = change_apply(s->own_now, c, e)) != RC_OK)
		return rc;
	s->now = s->own_now;
	return RC_OK;
}

enum rc
lmdb_plan_batch(struct lmdb *db, MDB_txn *txn, struct lmdb_steps **out,
    const struct batch *b, struct err *e)
{
	AUTO(lmdb_steps) st = calloc(1, sizeof(*st) + b->n * sizeof(st->s[0]));
	enum rc rc;

	if (st == NULL)
		return err_set(e, RC_NOMEM, "commit: out of memory");
	for (size_t i = 0; i < b->n; i++) {
		const struct change *c = &b->changes[i];
		struct lmdb_step *s = &st->s[st->n];

		s->kind = c->kind;
		s->id = c->id;
		rc = before(db, txn, st, s, c, e);
		st->n++; /* owns what before() loaded, also on failure */
		if (rc == RC_OK && c->op == CHANGE_ADD)
			rc = plan_add(s, c, e);
		else if (rc == RC_OK && c->op == CHANGE_MODIFY)
			rc = plan_modify(s, c, e);
		if (rc != RC_OK)
			return rc;
		if (c->op == CHANGE_DELETE && s->old == NULL)
			st->n--;
	}
	*out = lmdb_steps_steal(&st);
	return RC_OK;
}

/* --- writing ----------------------------------------------------------- */

static int
put_row(struct lmdb *db, MDB_txn *txn, struct lmdb_step *s, unsigned flags)
{
	AUTO_BUF b = buf_empty(REC_WIRE_MAX);
	MDB_val k = lmdb_val(&s->row, sizeof(s->row)), v;

	rec_write(&b, s->now, s->usn, NULL);
	if (b.failed != RC_OK)
		return b.failed == RC_NOMEM ? ENOMEM : MDB_BAD_VALSIZE;
	v = lmdb_val(b.data, b.len);
	atomic_fetch_add(&db->bytes, b.len);
	return mdb_put(txn, db->rec[s->kind], &k, &v, flags);
}

static int
put_usn(struct lmdb *db, MDB_txn *txn, const struct lmdb_step *s)
{
	uint8_t ref[9] = { (uint8_t)s->kind };
	MDB_val k = lmdb_val(&s->usn, sizeof(s->usn)), v;

	memcpy(ref + 1, &s->row, sizeof(s->row));
	v = lmdb_val(ref, sizeof(ref));
	return mdb_put(txn, db->usn, &k, &v, MDB_APPEND);
}

static int
put_dead(struct lmdb *db, MDB_txn *txn, const struct lmdb_step *s)
{
	AUTO_BUF b = buf_empty(0);
	MDB_val k = lmdb_val(&s->usn, sizeof(s->usn)), v;

	buf_add_char(&b, (char)s->kind);
	buf_add_str(&b, s->id);
	if (b.failed != RC_OK)
		return ENOMEM;
	v = lmdb_val(b.data, b.len);
	return mdb_put(txn, db->dead, &k, &v, MDB_APPEND);
}

static int
del_usn(struct lmdb *db, MDB_txn *txn, uint64_t usn)
{
	MDB_val k = lmdb_val(&usn, sizeof(usn));
	int c = mdb_del(txn, db->usn, &k, NULL);

	return c == MDB_NOTFOUND ? 0 : c;
}

static int
write_added(struct lmdb *db, MDB_txn *txn, struct lmdb_step *s)
{
	MDB_val k = lmdb_val(s->key.b, s->key.len);
	MDB_val v = lmdb_val(&s->row, sizeof(s->row));
	int c;

	if ((c = mdb_put(txn, db->id, &k, &v, 0)) != 0 ||
	    (c = put_row(db, txn, s, MDB_APPEND)) != 0)
		return c;
	return put_usn(db, txn, s);
}

static int
write_modified(struct lmdb *db, MDB_txn *txn, struct lmdb_step *s)
{
	int c;

	if ((c = del_usn(db, txn, s->old->usn)) != 0 ||
	    (c = put_row(db, txn, s, 0)) != 0)
		return c;
	return put_usn(db, txn, s);
}

static int
write_deleted(struct lmdb *db, MDB_txn *txn, struct lmdb_step *s)
{
	MDB_val k = lmdb_val(s->key.b, s->key.len);
	int c;

	if ((c = mdb_del(txn, db->id, &k, NULL)) != 0)
		return c;
	k = lmdb_val(&s->row, sizeof(s->row));
	if ((c = mdb_del(txn, db->rec[s->kind], &k, NULL)) != 0 ||
	    (c = del_usn(db, txn, s->old->usn)) != 0)
		return c;
	return put_dead(db, txn, s);
}

static int
write_step(struct lmdb *db, MDB_txn *txn, struct lmdb_step *s)
{
	int c;

	s->usn = db->next_usn++;
	if (s->old == NULL) {
		s->row = db->next_row[s->kind]++;
		s->alias.usn = s->usn;
		c = write_added(db, txn, s);
	} else if (s->now != NULL) {
		s->own_now->usn = s->usn;
		c = write_modified(db, txn, s);
	} else
		c = write_deleted(db, txn, s);
	if (c != 0)
		return c;
	return lmdb_idx_update(db, txn, s->row, s->old, s->now, s->usn);
}

int
lmdb_write_steps(struct lmdb *db, MDB_txn *txn, struct lmdb_steps *st)
{
	for (size_t i = 0; i < st->n; i++) {
		struct lmdb_step *s = &st->s[i];
		int c = write_step(db, txn, s);

		if (c != 0)
			return c;
		/* a later step on a record added in this batch knows its row
		 * only now */
		for (size_t j = i + 1; j < st->n; j++)
			if (s->now != NULL && st->s[j].old == s->now)
				st->s[j].row = s->row;
	}
	return 0;
}

int
lmdb_write_effects(struct lmdb *db, MDB_txn *txn, const struct batch *b)
{
	int64_t now = clock_now_ms(db->clock);

	for (size_t i = 0; i < b->n_effects; i++) {
		const struct batch_effect_row *x = &b->effects[i];
		uint64_t row = db->next_fx++;
		uint32_t tries = 0;
		AUTO_BUF key = buf_empty(0);
		AUTO_BUF val = buf_empty(REC_WIRE_MAX);
		MDB_val k, v;
		int c;

		buf_add(&key, x->type, strlen(x->type) + 1);
		for (int j = 7; j >= 0; j--)
			buf_add_char(&key, (char)(row >> (8 * j)));
		buf_add(&val, &now, sizeof(now));
		buf_add(&val, &tries, sizeof(tries));
		buf_add(&val, x->data, x->len);
		if (key.failed != RC_OK || val.failed != RC_OK)
			return ENOMEM;
		k = lmdb_val(key.data, key.len);
		v = lmdb_val(val.data, val.len);
		if ((c = mdb_put(txn, db->fx, &k, &v, 0)) != 0)
			return c;
	}
	return 0;
}

struct counters {
	uint64_t next_usn, next_fx, floor_usn;
};

int
lmdb_write_counters(struct lmdb *db, MDB_txn *txn)
{
	struct counters n = { db->next_usn, db->next_fx,
		atomic_load(&db->floor_usn) };
	MDB_val k = lmdb_val("counters", 8), v = lmdb_val(&n, sizeof(n));

	return mdb_put(txn, db->meta, &k, &v, 0);
}

enum rc
lmdb_read_counters(struct lmdb *db, MDB_txn *txn, struct err *e)
{
	MDB_val k = lmdb_val("counters", 8), v;
	struct counters n = { 1, 1, 0 };
	int c = mdb_get(txn, db->meta, &k, &v);

	if (c != 0 && c != MDB_NOTFOUND)
		return lmdb_err(e, c, "counters");
	if (c == 0 && v.mv_size == sizeof(n))
		memcpy(&n, v.mv_data, sizeof(n));
	db->next_usn = n.next_usn;
	db->next_fx = n.next_fx;
	atomic_store(&db->floor_usn, n.floor_usn);
	atomic_store(&db->seen_usn, n.next_usn - 1);
	for (size_t i = 0; i < REC_KINDS; i++) {
		MDB_cursor *cur = NULL;

		if ((c = mdb_cursor_open(txn, db->rec[i], &cur)) != 0)
			return lmdb_err(e, c, "cursor");
		db->next_row[i] = 1;
		if (mdb_cursor_get(cur, &k, &v, MDB_LAST) == 0) {
			memcpy(&db->next_row[i], k.mv_data, sizeof(uint64_t));
			db->next_row[i]++;
		}
		mdb_cursor_close(cur);
	}
	return RC_OK;
}
