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
lmdb_row(struct lmdb *db, MDB_txn *txn, uint64_t *out, enum rec_kind k,
    const char *id, struct err *e)
{
	struct lmdb_key key;
	MDB_val kv, v;
	enum rc rc;
	int c;

	if ((rc = lmdb_id_key(&key, k, id, e)) != RC_OK)
		return rc;
	kv = lmdb_val(key.b, key.len);
	if ((c = mdb_get(txn, db->id, &kv, &v)) == MDB_NOTFOUND)
		return err_set(e, RC_NOTFOUND, "%s %.64s: not found",
		    rec_kind_text(k), id);
	if (c != 0)
		return lmdb_err(e, c, "read");
	if (v.mv_size != sizeof(*out))
		return err_set(e, RC_IO, "%s %.64s: stored id damaged",
		    rec_kind_text(k), id);
	memcpy(out, v.mv_data, sizeof(*out));
	return RC_OK;
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
	uint64_t row;
	enum rc rc = lmdb_begin(db, &txn, e);

	if (rc != RC_OK)
		return rc;
	if ((rc = lmdb_row(db, txn, &row, kind, id, e)) == RC_OK)
		rc = lmdb_load(db, txn, out, kind, row, NULL, e);
	mdb_txn_abort(txn);
	return rc;
}
