/* SPDX-License-Identifier: Apache-2.0 */
/* list_store.c - prints "kind id revoked" for every certificate (0) and request (1)
 * of a store's file, as test_crash.py leaves it after replaying writes. Knows the tables of
 * src/store/lmdb_int.h and nothing of the code that writes them.
 * Owns:    nothing.
 * Trusts:  nothing; a damaged file ends with status 1.
 * Threads: one. */
#define _GNU_SOURCE
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
check(int rc, const char *what)
{
	if (rc != 0) {
		fprintf(stderr, "%s: %s\n", what, mdb_strerror(rc));
		exit(1);
	}
}

/* The record of a row: does it say REVOKED? */
static int
revoked(MDB_txn *txn, int kind, MDB_val row)
{
	char name[16];
	MDB_dbi dbi;
	MDB_val v;

	snprintf(name, sizeof(name), "rec.%d", kind);
	check(mdb_dbi_open(txn, name, 0, &dbi), name);
	check(mdb_get(txn, dbi, &row, &v), "record of an id");
	return memmem(v.mv_data, v.mv_size, "REVOKED", 7) != NULL;
}

static void
list(MDB_txn *txn)
{
	MDB_dbi dbi;
	MDB_cursor *cur;
	MDB_val k, v;
	int rc;

	check(mdb_dbi_open(txn, "id", 0, &dbi), "id");
	check(mdb_cursor_open(txn, dbi, &cur), "id");
	while ((rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) == 0) {
		const unsigned char *id = k.mv_data;
		if (id[0] > 1)
			break;
		printf("%d ", id[0]);
		for (size_t i = 2; i < k.mv_size; i++) /* 1: the length */
			printf("%02x", id[i]);
		printf(" %d\n", revoked(txn, id[0], v));
	}
	if (rc != 0 && rc != MDB_NOTFOUND)
		check(rc, "id");
	mdb_cursor_close(cur);
}

int
main(int argc, char **argv)
{
	MDB_env *env;
	MDB_txn *txn;

	if (argc != 2)
		return 2;
	check(mdb_env_create(&env), "create");
	check(mdb_env_set_maxdbs(env, 64), "tables");
	check(mdb_env_set_mapsize(env, (size_t)1 << 30), "size");
	check(
	    mdb_env_open(env, argv[1], MDB_RDONLY | MDB_NOLOCK, 0600), argv[1]);
	check(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "begin");
	list(txn);
	mdb_txn_abort(txn);
	mdb_env_close(env);
	return 0;
}
