/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_int.h - the embedded store (internal to store/lmdb_*.c).
 *
 * Tables of the one environment:
 *   rec.<kind>  row (uint64, rising)     -> bytes of the record (rec_wire.h)
 *   id          kind, id                 -> row
 *   usn         usn (uint64, rising)     -> kind, row: the latest change of each
 *                                           living record
 *   dead        usn (uint64, rising)     -> kind, id of a deleted record
 *   idx         number, value, 0, row    -> nothing, or the covering attributes
 *   fx          type, 0, row             -> an effect
 *   meta        name                     -> value
 *
 * One writer thread owns every write; it gathers the waiting commits into one
 * transaction. Readers open short transactions of their own. No pointer into
 * the map outlives its transaction. */
#ifndef STORE_LMDB_INT_H
#define STORE_LMDB_INT_H

#include <errno.h>
#include <lmdb.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "store/filter_int.h"
#include "store/kind.h"
#include "store/rec_wire.h"
#include "store/store_backend.h"

enum {
	LMDB_DBS = REC_KINDS + 8,
	LMDB_READERS = 512,
	LMDB_GROUP_MAX = 256, /* commits in one transaction */
	LMDB_GATHER_US = 400, /* one step of waiting for a group to fill */
	LMDB_GATHER_STEPS = 8,
	LMDB_ID_KEY_MAX = REC_ID_MAX + 2,
	LMDB_IDX_VALUE_MAX = 80, /* longer values: cut, checked on the record */
	LMDB_KEY_MAX = 300,
	LMDB_CHUNK_ROWS = 256, /* records handed out between transactions */
	LMDB_CHUNK_SEEN = 8192,
	LMDB_CHUNK_BYTES = 8 * 1024 * 1024,
	LMDB_EST_MAX = 4096,   /* index entries counted to judge a term */
	LMDB_DEAD_MAX = 65536, /* deletions remembered for the feed */
	LMDB_GENERATION_LEN = 32,
	LMDB_FORMAT = 1,
};
#define LMDB_MAP_DEFAULT ((size_t)64 << 30)

struct lmdb_key {
	uint8_t b[LMDB_KEY_MAX];
	size_t len;
};

/* What the writer thread is asked to do: a commit, or a call between groups. */
struct lmdb_job {
	struct lmdb_job *next;
	const struct batch *batch;
	enum rc (*call)(struct lmdb_job *j);
	void *arg;
	struct lmdb_steps *steps; /* filled while the group is applied */
	enum rc rc;
	struct err err;
	sem_t done;
};

struct lmdb {
	struct store *store;
	MDB_env *env;
	MDB_dbi rec[REC_KINDS], id, usn, dead, idx, fx, meta;
	int lock_fd;
	bool read_only;
	const struct clock *clock;
	char generation[LMDB_GENERATION_LEN + 1];

	/* writer thread only */
	uint64_t next_row[REC_KINDS], next_usn, next_fx;
	size_t last_group;

	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;
	struct lmdb_job *first, *last;
	size_t waiting;
	size_t wake_at; /* waiting that wakes the writer; 0: it is at work */
	bool closing;

	_Atomic uint64_t seen_usn;  /* delivered to all watchers */
	_Atomic uint64_t floor_usn; /* deletions before it are forgotten */
	_Atomic uint64_t effects;
	_Atomic uint64_t commits, groups, records, reads, searches, bytes;
};

/* Text for a return code of LMDB: full map and disk by name. */
enum rc lmdb_err(struct err *e, int code, const char *what);
static inline MDB_val
lmdb_val(const void *p, size_t len)
{
	return (MDB_val){ len, (void *)(uintptr_t)p };
}
static inline struct view
lmdb_view(MDB_val v)
{
	return view_of(v.mv_data, v.mv_size);
}

/* --- lmdb_index.c ------------------------------------------------------ */

struct lmdb_index {
	enum rec_kind kind;
	uint8_t number; /* never reused */
	const char *attr;
	bool single; /* every record has exactly one value */
	bool covers; /* some entries carry lmdb_cover's attributes */
	enum syntax syntax;
	bool skips; /* some values, see lmdb_index_skips */
};
/* The index over an attribute of a kind, or NULL. */
const struct lmdb_index *lmdb_index_find(enum rec_kind k, const char *attr);
extern const char *const lmdb_cover[];
/* Do entries for that normalised value carry the covering attributes? */
bool lmdb_index_covers(const struct lmdb_index *x, struct view norm);
/* Values that are not indexed: the request of a certificate is random and known
 * to the request itself, and would cost a page a certificate. */
bool lmdb_index_skips(const struct lmdb_index *x, struct view norm);
/* Key of the id table. RC_INVALID for ids that no record can have. */
MUST enum rc lmdb_id_key(
    struct lmdb_key *out, enum rec_kind k, const char *id, struct err *e);
void lmdb_num_key(struct lmdb_key *out, enum rec_kind k, const struct num *n);
/* number, value: what all entries of that value begin with; with the 0 byte
 * behind the value when whole. Returns whether the value was cut. */
bool lmdb_idx_prefix(struct lmdb_key *out, const struct lmdb_index *x,
    struct view norm, bool whole);
/* Brings idx from the entries of old to those of now (either may be NULL). */
int lmdb_idx_update(struct lmdb *db, MDB_txn *txn, uint64_t row,
    const struct rec *old, const struct rec *now, uint64_t usn);

/* --- lmdb_read.c ------------------------------------------------------- */

/* Begins a read transaction. */
enum rc lmdb_begin(struct lmdb *db, MDB_txn **out, struct err *e);
/* Row of an id; RC_NOTFOUND. */
enum rc lmdb_row(struct lmdb *db, MDB_txn *txn, uint64_t *out, enum rec_kind k,
    const char *id, struct err *e);
/* The same by a ready key. */
enum rc lmdb_row_at(struct lmdb *db, MDB_txn *txn, uint64_t *out,
    const struct lmdb_key *key, const char *id, struct err *e);
enum rc lmdb_load(struct lmdb *db, MDB_txn *txn, struct rec **out,
    enum rec_kind k, uint64_t row, const char *const *only, struct err *e);
enum rc lmdb_get(void *impl, struct rec **out, enum rec_kind kind,
    const char *id, struct err *e);
enum rc lmdb_search(void *impl, const struct query *q,
    bool (*fn)(void *arg, const struct rec *r), void *arg, struct err *e);
enum rc lmdb_count(void *impl, uint64_t *out, enum rec_kind kind,
    const char *filter, struct err *e);

/* --- lmdb_plan.c ------------------------------------------------------- */

/* Keys lo <= key < hi of the idx table, or of the id table. */
struct lmdb_range {
	bool ids;
	struct lmdb_key lo, hi;
	const struct lmdb_index *index; /* NULL for ids */
	bool eq;      /* one value: entries come in order of row */
	bool exact;   /* not cut: the entries are just the matches */
	bool covered; /* the entries carry lmdb_cover's attributes */
};
enum {
	LMDB_RANGES_MAX = 16
};
/* A set of ranges that holds every match of a term. */
struct lmdb_cand {
	struct lmdb_range *r[LMDB_RANGES_MAX];
	size_t n;
	size_t est; /* entries, at most LMDB_EST_MAX */
};
struct lmdb_plan {
	struct lmdb_cand best; /* n = 0: no index serves */
	struct lmdb_cand also; /* a second term of the same AND; n = 0: none */
	struct lmdb_range ids; /* bounds of the whole on the id table */
};
void lmdb_cand_done(struct lmdb_cand *c);
void lmdb_plan_done(struct lmdb_plan *p);
enum rc lmdb_plan(struct lmdb *db, MDB_txn *txn, struct lmdb_plan *out,
    enum rec_kind k, const struct filter *f, struct err *e);

/* --- lmdb_write.c ------------------------------------------------------ */

/* store_commit of this back-end. */
enum rc lmdb_commit(void *impl, const struct batch *b, struct err *e);
/* Runs call on the writer thread, between groups. */
enum rc lmdb_call(struct lmdb *db, enum rc (*call)(struct lmdb_job *j),
    void *arg, struct err *e);
enum rc lmdb_writer_start(struct lmdb *db, struct err *e);
void lmdb_writer_stop(struct lmdb *db);

/* --- lmdb_apply.c ------------------------------------------------------ */

/* A batch worked out against a transaction, not yet written. */
struct lmdb_step {
	enum rec_kind kind;
	const char *id;
	struct lmdb_key key; /* of the id table */
	uint64_t row, usn;
	bool there;                    /* before this step */
	const struct rec *old;         /* NULL: added */
	const struct rec *now;         /* NULL: deleted */
	struct rec *own_old, *own_now; /* what is ours of the two */
	struct rec alias; /* of an added record: the batch's, with our usn */
};
struct lmdb_steps {
	size_t n;
	struct lmdb_step s[];
};
void lmdb_steps_free(struct lmdb_steps *st);
OWNED(lmdb_steps)
enum rc lmdb_plan_batch(struct lmdb *db, MDB_txn *txn, struct lmdb_steps **out,
    const struct batch *b, struct err *e);
/* Returns a code of LMDB; the transaction is then to be aborted. */
int lmdb_write_steps(struct lmdb *db, MDB_txn *txn, struct lmdb_steps *st);
int lmdb_write_effects(struct lmdb *db, MDB_txn *txn, const struct batch *b);
/* Stores the counters; last thing before the commit. */
int lmdb_write_counters(struct lmdb *db, MDB_txn *txn);
enum rc lmdb_read_counters(struct lmdb *db, MDB_txn *txn, struct err *e);

/* --- lmdb_log.c -------------------------------------------------------- */

/* store_watch and store_drain of this back-end. */
enum rc lmdb_watch(void *impl, struct watch *w, uint64_t since, struct err *e);
enum rc lmdb_drain(void *impl, const char *type,
    bool (*fn)(void *arg, const struct effect *x), void *arg, struct err *e);

#endif
