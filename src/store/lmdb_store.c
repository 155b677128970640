/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_store.c - opening, closing and copying the embedded store.
 * Owns:    struct lmdb: the environment, the lock on its folder, the writer.
 * Trusts:  the folder's files; their owner is ours.
 * Threads: store_open_lmdb and store_free: one; the rest: any. */

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "base/log.h"
#include "store/lmdb_int.h"

enum {
	ROOM_MIN = 64 * 1024 /* bytes of the disk that a change may need */
};

enum rc
lmdb_err(struct err *e, int code, const char *what)
{
	switch (code) {
	case MDB_MAP_FULL:
		return err_set(e, RC_IO,
		    "store: %s: the store has reached its largest size", what);
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return err_set(e, RC_IO,
		    "store: %s: disk full (%s): make room, no restart is "
		    "needed",
		    what, strerror(code));
	case EIO: /* LMDB's word for a short write too */
		return err_set(e, RC_IO,
		    "store: %s: a write was cut short or failed: disk full or "
		    "broken (%s)",
		    what, strerror(code));
	case ENOMEM:
		return err_set(e, RC_NOMEM, "store: %s: out of memory", what);
	case MDB_READERS_FULL:
		return err_set(
		    e, RC_UNAVAILABLE, "store: %s: too many readers", what);
	case MDB_BAD_VALSIZE:
	case MDB_TXN_FULL:
		return err_set(e, RC_TOOBIG, "store: %s: too large", what);
	default:
		return err_set(
		    e, RC_IO, "store: %s: %s", what, mdb_strerror(code));
	}
}

/* --- opening ----------------------------------------------------------- */

static enum rc
lock_folder(struct lmdb *db, const char *dir, struct err *e)
{
	AUTO_STR path = NULL;

	if (asprintf(&path, "%s/process.lock", dir) < 0)
		return err_set(e, RC_NOMEM, "store: out of memory");
	db->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (db->lock_fd < 0)
		return err_errno(e, "store: %s", path);
	if (flock(db->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return RC_OK;
	if (errno == EWOULDBLOCK)
		return err_set(e, RC_CONFLICT,
		    "store: %s: another process has it open", dir);
	return err_errno(e, "store: %s", path);
}

static enum rc
open_env(struct lmdb *db, const struct lmdb_params *p, struct err *e)
{
	size_t size = p->map_size != 0 ? p->map_size : LMDB_MAP_DEFAULT;
	unsigned flags = MDB_NOTLS | (p->read_only ? MDB_RDONLY : 0);
	int c;

	if ((c = mdb_env_create(&db->env)) != 0 ||
	    (c = mdb_env_set_mapsize(db->env, size)) != 0 ||
	    (c = mdb_env_set_maxdbs(db->env, LMDB_DBS)) != 0 ||
	    (c = mdb_env_set_maxreaders(db->env, LMDB_READERS)) != 0 ||
	    (c = mdb_env_open(db->env, p->dir, flags, 0600)) != 0)
		return lmdb_err(e, c, p->dir);
	return RC_OK;
}

static int
open_tables(struct lmdb *db, MDB_txn *txn, unsigned create)
{
	const unsigned num = create | MDB_INTEGERKEY;
	char name[32];
	int c = 0;

	for (size_t i = 0; i < REC_KINDS && c == 0; i++) {
		snprintf(name, sizeof(name), "rec.%zu", i);
		c = mdb_dbi_open(txn, name, num, &db->rec[i]);
	}
	if (c != 0 || (c = mdb_dbi_open(txn, "id", create, &db->id)) != 0 ||
	    (c = mdb_dbi_open(txn, "usn", num, &db->usn)) != 0 ||
	    (c = mdb_dbi_open(txn, "dead", num, &db->dead)) != 0 ||
	    (c = mdb_dbi_open(txn, "idx", create, &db->idx)) != 0 ||
	    (c = mdb_dbi_open(txn, "fx", create, &db->fx)) != 0)
		return c;
	return mdb_dbi_open(txn, "meta", create, &db->meta);
}

static enum rc
draw_generation(struct lmdb *db, MDB_txn *txn, struct err *e)
{
	MDB_val k = lmdb_val("generation", 10), v;
	MDB_val f = lmdb_val("format", 6);
	uint8_t bytes[LMDB_GENERATION_LEN / 2];
	const uint8_t format = LMDB_FORMAT;
	AUTO_BUF hex = buf_empty(0);
	int c;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return err_openssl(e, RC_CRYPTO, "store: generation");
	buf_add_hex(&hex, view_of(bytes, sizeof(bytes)));
	v = lmdb_val(buf_cstr(&hex), LMDB_GENERATION_LEN);
	memcpy(db->generation, buf_cstr(&hex), LMDB_GENERATION_LEN);
	if ((c = mdb_put(txn, db->meta, &k, &v, 0)) != 0)
		return lmdb_err(e, c, "generation");
	v = lmdb_val(&format, 1);
	if ((c = mdb_put(txn, db->meta, &f, &v, 0)) != 0)
		return lmdb_err(e, c, "format");
	return RC_OK;
}

static enum rc
read_meta(struct lmdb *db, MDB_txn *txn, struct err *e)
{
	MDB_val k = lmdb_val("generation", 10), v;
	MDB_val f = lmdb_val("format", 6);
	int c = mdb_get(txn, db->meta, &k, &v);

	if (c == MDB_NOTFOUND && !db->read_only)
		return draw_generation(db, txn, e);
	if (c != 0)
		return lmdb_err(e, c, "generation");
	if (v.mv_size != LMDB_GENERATION_LEN)
		return err_set(e, RC_IO, "store: generation is damaged");
	memcpy(db->generation, v.mv_data, LMDB_GENERATION_LEN);
	if (mdb_get(txn, db->meta, &f, &v) != 0 || v.mv_size != 1 ||
	    *(const uint8_t *)v.mv_data != LMDB_FORMAT)
		return err_set(e, RC_UNSUPPORTED,
		    "store: made by another version of this software");
	return RC_OK;
}

/* Forgets the older deletions when there are too many; a watcher whose cursor
 * is older has to rescan. */
static enum rc
trim_dead(struct lmdb *db, MDB_txn *txn, struct err *e)
{
	MDB_cursor *cur = NULL;
	MDB_stat st;
	MDB_val k, v;
	int c;

	if ((c = mdb_stat(txn, db->dead, &st)) != 0 ||
	    st.ms_entries <= LMDB_DEAD_MAX ||
	    (c = mdb_cursor_open(txn, db->dead, &cur)) != 0)
		return c != 0 ? lmdb_err(e, c, "deletions") : RC_OK;
	for (size_t n = st.ms_entries - LMDB_DEAD_MAX / 2; n > 0; n--) {
		uint64_t usn;

		if ((c = mdb_cursor_get(cur, &k, &v, MDB_FIRST)) != 0)
			break;
		memcpy(&usn, k.mv_data, sizeof(usn));
		if ((c = mdb_cursor_del(cur, 0)) != 0)
			break;
		atomic_store(&db->floor_usn, usn);
	}
	mdb_cursor_close(cur);
	if (c == 0)
		c = lmdb_write_counters(db, txn);
	return c != 0 ? lmdb_err(e, c, "deletions") : RC_OK;
}

static enum rc
load(struct lmdb *db, struct err *e)
{
	MDB_txn *txn = NULL;
	MDB_stat st;
	enum rc rc;
	int c;

	c = mdb_txn_begin(db->env, NULL, db->read_only ? MDB_RDONLY : 0, &txn);
	if (c != 0)
		return lmdb_err(e, c, "open");
	c = open_tables(db, txn, db->read_only ? 0 : MDB_CREATE);
	rc = c != 0 ? lmdb_err(e, c, "tables") : read_meta(db, txn, e);
	if (rc == RC_OK)
		rc = lmdb_read_counters(db, txn, e);
	if (rc == RC_OK && (c = mdb_stat(txn, db->fx, &st)) != 0)
		rc = lmdb_err(e, c, "effects");
	if (rc == RC_OK && !db->read_only)
		rc = trim_dead(db, txn, e);
	if (rc != RC_OK) {
		mdb_txn_abort(txn);
		return rc;
	}
	atomic_store(&db->effects, st.ms_entries);
	/* a read transaction is committed too: that keeps the handles */
	if ((c = mdb_txn_commit(txn)) != 0)
		return lmdb_err(e, c, "open");
	return RC_OK;
}

static void
lmdb_free(void *impl)
{
	struct lmdb *db = impl;

	lmdb_writer_stop(db);
	if (db->env != NULL)
		mdb_env_close(db->env);
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	pthread_cond_destroy(&db->more);
	pthread_mutex_destroy(&db->lock);
	free(db);
}

static uint64_t
lmdb_usn(void *impl)
{
	struct lmdb *db = impl;

	return atomic_load(&db->seen_usn);
}

static uint64_t
lmdb_effects_waiting(void *impl)
{
	struct lmdb *db = impl;

	return atomic_load(&db->effects);
}

static const char *
lmdb_generation(void *impl)
{
	struct lmdb *db = impl;

	return db->generation;
}

static enum rc
lmdb_health(void *impl, struct err *e)
{
	struct lmdb *db = impl;
	MDB_txn *txn = NULL;
	MDB_envinfo info;
	MDB_stat st;
	struct statvfs fs;
	const char *dir;
	enum rc rc = lmdb_begin(db, &txn, e);
	int c;

	if (rc != RC_OK)
		return rc;
	mdb_txn_abort(txn);
	if ((c = mdb_env_info(db->env, &info)) != 0 ||
	    (c = mdb_env_stat(db->env, &st)) != 0)
		return lmdb_err(e, c, "health");
	/* the last hundredth of the map is too near the end */
	if ((info.me_last_pgno + 1) * st.ms_psize >
	    info.me_mapsize - info.me_mapsize / 100)
		return lmdb_err(e, MDB_MAP_FULL, "health");
	if (mdb_env_get_path(db->env, &dir) == 0 && statvfs(dir, &fs) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize < ROOM_MIN)
		return lmdb_err(e, ENOSPC, "health");
	return RC_OK;
}

static void
lmdb_stats(void *impl, struct store_stats *out)
{
	struct lmdb *db = impl;

	out->commits = atomic_load(&db->commits);
	out->groups = atomic_load(&db->groups);
	out->records = atomic_load(&db->records);
	out->reads = atomic_load(&db->reads);
	out->searches = atomic_load(&db->searches);
	out->bytes = atomic_load(&db->bytes);
}

static const struct backend lmdb_backend = {
	.commit = lmdb_commit,
	.get = lmdb_get,
	.search = lmdb_search,
	.count = lmdb_count,
	.watch = lmdb_watch,
	.usn = lmdb_usn,
	.drain = lmdb_drain,
	.effects_waiting = lmdb_effects_waiting,
	.generation = lmdb_generation,
	.health = lmdb_health,
	.stats = lmdb_stats,
	.free = lmdb_free,
};

enum rc
store_open_lmdb(struct store **out, const struct lmdb_params *p, struct err *e)
{
	AUTO(store) s = store_new(&lmdb_backend);
	struct lmdb *db = calloc(1, sizeof(*db));
	pthread_condattr_t attr;
	enum rc rc = RC_OK;

	if (s == NULL || db == NULL) {
		free(db);
		return err_set(e, RC_NOMEM, "store: out of memory");
	}
	s->impl = db;
	db->store = s;
	db->lock_fd = -1;
	db->read_only = p->read_only;
	db->clock = p->clock != NULL ? p->clock : &clock_system;
	pthread_mutex_init(&db->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&db->more, &attr);
	pthread_condattr_destroy(&attr);
	if (!p->read_only)
		rc = file_mkdirs(p->dir, 0700, e);
	if (rc != RC_OK || (rc = lock_folder(db, p->dir, e)) != RC_OK ||
	    (rc = open_env(db, p, e)) != RC_OK || (rc = load(db, e)) != RC_OK ||
	    (rc = lmdb_writer_start(db, e)) != RC_OK)
		return rc;
	*out = store_steal(&s);
	return RC_OK;
}

enum rc
store_backup_lmdb(struct store *s, const char *dir, struct err *e)
{
	struct lmdb *db = s->impl;
	enum rc rc;
	int c;

	if (s->ops != &lmdb_backend)
		return err_set(
		    e, RC_UNSUPPORTED, "backup: not an embedded store");
	if ((rc = file_mkdirs(dir, 0700, e)) != RC_OK)
		return rc;
	if ((c = mdb_env_copy(db->env, dir)) != 0)
		return c == EEXIST
		    ? err_set(e, RC_EXISTS, "backup: %s: not empty", dir)
		    : lmdb_err(e, c, "backup");
	return RC_OK;
}
