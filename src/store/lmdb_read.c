/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_read.c - point reads of the embedded store.
 * Owns:    nothing; records handed out own their bytes.
 * Trusts:  nothing: rec_read checks what the map holds.
 * Threads: any; every call has its own short read transaction. */
#include "store/lmdb_int.h"

enum rc
lmdb_begin(struct lmdb *db, MDB_txn **out, struct err *e)
{
	int c = mdb_txn_begin(db->env, NULL, MDB_RDONLY, out);

	return c != 0 ? lmdb_err(e, c, "read") : RC_OK;
}

enum rc
lmdb_row_at(struct lmdb *db, MDB_txn *txn, uint64_t *out,
    const struct lmdb_key *key, const char *id, struct err *e)
{
	const char *kind = rec_kind_text((enum rec_kind)key->b[0]);
	MDB_val k = lmdb_val(key->b, key->len), v;
	int c = mdb_get(txn, db->id, &k, &v);

	if (c == MDB_NOTFOUND)
		return err_set(e, RC_NOTFOUND, "%s %.64s: not found", kind, id);
	if (c != 0)
		return lmdb_err(e, c, "read");
	if (v.mv_size != sizeof(*out))
		return err_set(
		    e, RC_IO, "%s %.64s: stored id damaged", kind, id);
	memcpy(out, v.mv_data, sizeof(*out));
	return RC_OK;
}

enum rc
lmdb_row(struct lmdb *db, MDB_txn *txn, uint64_t *out, enum rec_kind k,
    const char *id, struct err *e)
{
	struct lmdb_key key;
	enum rc rc = lmdb_id_key(&key, k, id, e);

	return rc == RC_OK ? lmdb_row_at(db, txn, out, &key, id, e) : rc;
}

enum rc
lmdb_load(struct lmdb *db, MDB_txn *txn, struct rec **out, enum rec_kind k,
    uint64_t row, const char *const *only, struct err *e)
{
	MDB_val kv = lmdb_val(&row, sizeof(row)), v;
	int c = mdb_get(txn, db->rec[k], &kv, &v);

	if (c == MDB_NOTFOUND)
		return err_set(
		    e, RC_NOTFOUND, "%s: row not found", rec_kind_text(k));
	if (c != 0)
		return lmdb_err(e, c, "read");
	atomic_fetch_add_explicit(&db->reads, 1, memory_order_relaxed);
	return rec_read(out, lmdb_view(v), only, e);
}

enum rc
lmdb_get(void *impl, struct rec **out, enum rec_kind kind, const char *id,
    struct err *e)
{
	struct lmdb *db = impl;
	MDB_txn *txn = NULL;
	uint64_t row = 0;
	enum rc rc = lmdb_begin(db, &txn, e);

	if (rc != RC_OK)
		return rc;
	if ((rc = lmdb_row(db, txn, &row, kind, id, e)) == RC_OK)
		rc = lmdb_load(db, txn, out, kind, row, NULL, e);
	mdb_txn_abort(txn);
	return rc;
}
