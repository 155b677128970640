/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_index.c - keys of the id table and of the one secondary index.
 * Owns:    nothing.
 * Trusts:  records that passed rec_check.
 * Threads: key making: any; lmdb_idx_update: the writer thread. */
#include "store/lmdb_int.h"

/* Only what a query uses: each line costs a write for every record. */
static const struct lmdb_index indexes[] = {
	{ REC_CERT, 1, "certStatus", false, true, SYNTAX_TEXT, false },
	{ REC_CERT, 2, "subjectName", false, false, SYNTAX_TEXT, false },
	{ REC_CERT, 3, "notBefore", true, false, SYNTAX_TEXT, false },
	{ REC_CERT, 4, "notAfter", true, false, SYNTAX_TEXT, false },
	{ REC_CERT, 5, "dateOfCreate", true, false, SYNTAX_TEXT, false },
	{ REC_CERT, 6, "revokedOn", false, false, SYNTAX_TEXT, false },
	{ REC_CERT, 7, "issuedBy", false, false, SYNTAX_TEXT, false },
	{ REC_CERT, 8, "revokedBy", false, false, SYNTAX_TEXT, false },
	{ REC_CERT, 9, "metaInfo", false, false, SYNTAX_TEXT, true },
	{ REC_REQUEST, 20, "requestState", false, false, SYNTAX_TEXT, false },
	{ REC_REQUEST, 21, "requestType", false, false, SYNTAX_TEXT, false },
	{ REC_REQUEST, 22, "requestOwner", false, false, SYNTAX_TEXT, false },
	{ REC_REQUEST, 23, "requestSourceId", false, false, SYNTAX_TEXT,
	    false },
	{ REC_KEY, 30, "ownerName", false, false, SYNTAX_TEXT, false },
	{ REC_KEY, 31, "clientId", false, false, SYNTAX_TEXT, false },
	{ REC_KEY, 32, "dateOfCreate", false, false, SYNTAX_TEXT, false },
	{ REC_USER, 40, "description", false, false, SYNTAX_TEXT, false },
	{ REC_GROUP, 50, "uniqueMember", false, false, SYNTAX_DN, false },
	{ REC_TOKEN, 60, "tokenUserID", false, false, SYNTAX_TEXT, false },
};
enum {
	N_INDEXES = sizeof(indexes) / sizeof(indexes[0]),
	MAX_NEW_KEYS = 16,
};

const char *const lmdb_cover[] = { "serialno", "certStatus", "revInfo",
	"revokedOn", "revokedBy", "issuerName", "notAfter", NULL };

const struct lmdb_index *
lmdb_index_find(enum rec_kind k, const char *attr)
{
	for (size_t i = 0; i < N_INDEXES; i++)
		if (indexes[i].kind == k && text_ieq(indexes[i].attr, attr))
			return &indexes[i];
	return NULL;
}

bool
lmdb_index_covers(const struct lmdb_index *x, struct view norm)
{
	return x->covers &&
	    (view_is(norm, "revoked") || view_is(norm, "revoked_expired"));
}

bool
lmdb_index_skips(const struct lmdb_index *x, struct view norm)
{
	static const char request[] = "requestid:";

	return x->skips && norm.len >= sizeof(request) - 1 &&
	    memcmp(norm.data, request, sizeof(request) - 1) == 0;
}

void
lmdb_num_key(struct lmdb_key *out, enum rec_kind k, const struct num *n)
{
	/* length first: byte order is numeric order */
	out->b[0] = (uint8_t)k;
	out->b[1] = n->len;
	memcpy(out->b + 2, n->b, n->len);
	out->len = 2u + n->len;
}

enum rc
lmdb_id_key(
    struct lmdb_key *out, enum rec_kind k, const char *id, struct err *e)
{
	AUTO_BUF norm = buf_empty(LMDB_ID_KEY_MAX);
	char hex[NUM_TEXT_MAX];
	struct num n;
	enum rc rc;

	if (kind_info(k)->number_attr != NULL) {
		if ((rc = num_parse(&n, id, true, e)) != RC_OK)
			return err_prefix(e, "%s", rec_kind_text(k));
		if (strcmp(num_hex(hex, &n), id) != 0)
			return err_set(e, RC_INVALID,
			    "%s %.64s: id is not plain hex", rec_kind_text(k),
			    id);
		lmdb_num_key(out, k, &n);
		return RC_OK;
	}
	if (kind_info(k)->scattered) {
		AUTO_BUF rdn = buf_empty(0);

		/* such ids have a form of their own */
		if ((rc = kind_rdn_value(&rdn, k, id, e)) != RC_OK)
			return rc;
	}
	value_norm(&norm, SYNTAX_TEXT, view_str(id));
	if (norm.failed != RC_OK || norm.len == 0)
		return err_set(
		    e, RC_INVALID, "%s: unusable id", rec_kind_text(k));
	out->b[0] = (uint8_t)k;
	memcpy(out->b + 1, norm.data, norm.len);
	out->len = 1 + norm.len;
	return RC_OK;
}

bool
lmdb_idx_prefix(struct lmdb_key *out, const struct lmdb_index *x,
    struct view norm, bool whole)
{
	const uint8_t *nul =
	    norm.len > 0 ? memchr(norm.data, 0, norm.len) : NULL;
	size_t len = nul != NULL ? (size_t)(nul - norm.data) : norm.len;

	if (len > LMDB_IDX_VALUE_MAX)
		len = LMDB_IDX_VALUE_MAX;
	out->b[0] = x->number;
	if (len > 0)
		memcpy(out->b + 1, norm.data, len);
	out->len = 1 + len;
	if (whole)
		out->b[out->len++] = 0;
	return len < norm.len;
}

static void
add_row(struct lmdb_key *k, uint64_t row)
{
	for (int i = 7; i >= 0; i--)
		k->b[k->len++] = (uint8_t)(row >> (8 * i));
}

/* Is key (of value i of a) also made by an earlier value of the attribute, or
 * by any value of b? */
static bool
key_of(const struct lmdb_index *x, const struct rec_attr *a, size_t upto,
    const struct lmdb_key *key)
{
	for (size_t i = 0; a != NULL && i < upto; i++) {
		AUTO_BUF norm = buf_empty(REC_VALUE_MAX);
		struct lmdb_key k;

		value_norm(&norm, x->syntax, a->values[i]);
		lmdb_idx_prefix(&k, x, buf_view(&norm), true);
		if (k.len == key->len && memcmp(k.b, key->b, k.len) == 0)
			return true;
	}
	return false;
}

struct update {
	MDB_txn *txn;
	MDB_dbi dbi;
	const struct lmdb_index *x;
	uint64_t row, usn;
};

static int
put_entry(const struct update *u, struct lmdb_key *key, struct view norm,
    const struct rec *now)
{
	AUTO_BUF cover = buf_empty(REC_WIRE_MAX);
	MDB_val k, v;

	if (lmdb_index_covers(u->x, norm)) {
		rec_write(&cover, now, u->usn, lmdb_cover);
		if (cover.failed != RC_OK)
			return ENOMEM;
	}
	add_row(key, u->row);
	k = lmdb_val(key->b, key->len);
	v = lmdb_val(cover.data, cover.len);
	return mdb_put(u->txn, u->dbi, &k, &v, 0);
}

/* Handles the values of a; other is the attribute on the other side. put: a is
 * the new state; else the old one. */
static int
update_values(const struct update *u, const struct rec_attr *a,
    const struct rec_attr *other, const struct rec *now)
{
	for (size_t i = 0; a != NULL && i < a->n; i++) {
		AUTO_BUF norm = buf_empty(REC_VALUE_MAX);
		struct lmdb_key key;
		bool stays;
		MDB_val k;
		int c = 0;

		value_norm(&norm, u->x->syntax, a->values[i]);
		if (norm.failed != RC_OK)
			return ENOMEM;
		if (lmdb_index_skips(u->x, buf_view(&norm)))
			continue;
		lmdb_idx_prefix(&key, u->x, buf_view(&norm), true);
		if (key_of(u->x, a, i, &key))
			continue;
		stays = key_of(u->x, other, other != NULL ? other->n : 0, &key);
		if (now != NULL) {
			if (!stays || lmdb_index_covers(u->x, buf_view(&norm)))
				c = put_entry(u, &key, buf_view(&norm), now);
		} else if (!stays) {
			add_row(&key, u->row);
			k = lmdb_val(key.b, key.len);
			c = mdb_del(u->txn, u->dbi, &k, NULL);
			c = c == MDB_NOTFOUND ? 0 : c;
		}
		if (c != 0)
			return c;
	}
	return 0;
}

int
lmdb_idx_update(struct lmdb *db, MDB_txn *txn, uint64_t row,
    const struct rec *old, const struct rec *now, uint64_t usn)
{
	enum rec_kind kind = old != NULL ? old->kind : now->kind;

	for (size_t i = 0; i < N_INDEXES; i++) {
		struct update u = { txn, db->idx, &indexes[i], row, usn };
		const struct rec_attr *was, *is;
		int c;

		if (indexes[i].kind != kind)
			continue;
		was = old != NULL ? rec_attr(old, indexes[i].attr) : NULL;
		is = now != NULL ? rec_attr(now, indexes[i].attr) : NULL;
		if ((c = update_values(&u, was, is, NULL)) != 0 ||
		    (c = now != NULL ? update_values(&u, is, was, now) : 0) !=
			0)
			return c;
	}
	return 0;
}
