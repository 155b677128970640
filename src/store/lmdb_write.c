/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_write.c - the writer thread: gathers waiting commits into one
 * transaction, syncs, tells the watchers, wakes the committers.
 * Owns:    the thread; jobs live on the stacks of those who wait for them.
 * Trusts:  batches passed batch_check.
 * Threads: lmdb_commit and lmdb_call from any; the rest is the writer's. */
#include <time.h>

#include "base/log.h"
#include "base/thread.h"
#include "store/lmdb_int.h"

/* --- queue ------------------------------------------------------------- */

/* Puts j into the queue; false when the store is closing. Wakes the writer only
 * when as many are there as it waits for. */
static bool
enqueue(struct lmdb *db, struct lmdb_job *j)
{
	LOCKED(&db->lock);

	if (db->closing)
		return false;
	if (db->last != NULL)
		db->last->next = j;
	else
		db->first = j;
	db->last = j;
	db->waiting++;
	if (db->wake_at > 0 && db->waiting >= db->wake_at)
		pthread_cond_signal(&db->more);
	return true;
}

static enum rc
submit(struct lmdb *db, struct lmdb_job *j, struct err *e)
{
	sem_init(&j->done, 0, 0);
	if (!enqueue(db, j)) {
		sem_destroy(&j->done);
		return err_set(e, RC_UNAVAILABLE, "store: closing");
	}
	while (sem_wait(&j->done) != 0)
		; /* a signal came */
	sem_destroy(&j->done);
	if (j->rc != RC_OK && e != NULL)
		*e = j->err;
	return j->rc;
}

enum rc
lmdb_commit(void *impl, const struct batch *b, struct err *e)
{
	struct lmdb *db = impl;
	struct lmdb_job j = { .batch = b };

	if (db->read_only)
		return err_set(e, RC_DENIED, "store: opened for reading only");
	return submit(db, &j, e);
}

enum rc
lmdb_call(struct lmdb *db, enum rc (*call)(struct lmdb_job *j), void *arg,
    struct err *e)
{
	struct lmdb_job j = { .call = call, .arg = arg };

	return submit(db, &j, e);
}

/* --- one group --------------------------------------------------------- */

/* Counters as they were, for a group that is given up. */
struct mark {
	uint64_t next_row[REC_KINDS], next_usn, next_fx;
};

static struct mark
mark_of(const struct lmdb *db)
{
	struct mark m = { .next_usn = db->next_usn, .next_fx = db->next_fx };

	memcpy(m.next_row, db->next_row, sizeof(m.next_row));
	return m;
}

static void
back_to(struct lmdb *db, const struct mark *m)
{
	memcpy(db->next_row, m->next_row, sizeof(m->next_row));
	db->next_usn = m->next_usn;
	db->next_fx = m->next_fx;
}

/* Adds one job to the transaction. A refused batch sets j->rc and returns 0; a
 * code of LMDB means that the transaction is lost. */
static int
apply_job(struct lmdb *db, MDB_txn *txn, struct lmdb_job *j)
{
	int c;

	j->rc = lmdb_plan_batch(db, txn, &j->steps, j->batch, &j->err);
	if (j->rc != RC_OK)
		return 0;
	if ((c = lmdb_write_steps(db, txn, j->steps)) != 0)
		return c;
	return lmdb_write_effects(db, txn, j->batch);
}

/* All jobs of the list in one transaction. Returns a code of LMDB when none of
 * it is done. */
static int
try_group(struct lmdb *db, struct lmdb_job *list)
{
	struct mark m = mark_of(db);
	MDB_txn *txn = NULL;
	int c = mdb_txn_begin(db->env, NULL, 0, &txn);

	if (c != 0)
		return c;
	for (struct lmdb_job *j = list; j != NULL && c == 0; j = j->next)
		c = apply_job(db, txn, j);
	if (c == 0)
		c = lmdb_write_counters(db, txn);
	if (c == 0)
		c = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	if (c == 0)
		return 0;
	back_to(db, &m);
	for (struct lmdb_job *j = list; j != NULL; j = j->next) {
		lmdb_steps_free(j->steps);
		j->steps = NULL;
	}
	return c;
}

static void
deliver(struct lmdb *db, const struct lmdb_job *j)
{
	enum {
		CHUNK = 64
	};
	struct feed_item items[CHUNK];
	size_t n = 0;

	for (size_t i = 0; j->steps != NULL && i < j->steps->n; i++) {
		const struct lmdb_step *s = &j->steps->s[i];

		items[n++] =
		    (struct feed_item){ s->kind, s->id, s->now, true, s->usn };
		if (n < CHUNK && i + 1 < j->steps->n)
			continue;
		feed_deliver(&db->store->feed, items, n);
		n = 0;
	}
}

static void
settle_group(struct lmdb *db, struct lmdb_job *list)
{
	size_t effects = 0;

	atomic_fetch_add(&db->groups, 1);
	for (struct lmdb_job *j = list; j != NULL; j = j->next) {
		if (j->rc != RC_OK)
			continue;
		atomic_fetch_add(&db->commits, 1);
		atomic_fetch_add(&db->records, j->batch->n);
		effects += j->batch->n_effects;
		deliver(db, j);
	}
	atomic_store(&db->seen_usn, db->next_usn - 1);
	if (effects > 0) {
		atomic_fetch_add(&db->effects, effects);
		store_effects_came(db->store);
	}
}

static void
run_group(struct lmdb *db, struct lmdb_job *list)
{
	int c = try_group(db, list);

	if (c == 0) {
		settle_group(db, list);
		return;
	}
	/* one of them may be too large: each by itself */
	for (struct lmdb_job *j = list, *next; j != NULL; j = next) {
		next = j->next;
		j->next = NULL;
		if ((j != list || next != NULL) && (c = try_group(db, j)) == 0)
			settle_group(db, j);
		else
			j->rc = lmdb_err(&j->err, c, "commit");
		j->next = next;
	}
}

/* --- the thread -------------------------------------------------------- */

/* Waits until at least n are there, or for one step; false when that is over. */
static bool
await(struct lmdb *db, size_t n, const struct timespec *until)
{
	bool more = true;

	db->wake_at = n;
	while (more && db->waiting < n && !db->closing)
		more = (until == NULL ? pthread_cond_wait(&db->more, &db->lock)
				      : pthread_cond_timedwait(
					    &db->more, &db->lock, until)) == 0;
	db->wake_at = 0;
	return more;
}

/* Those of the last group are about to commit again, and ready others waited
 * when it was done: all of them in one group cost half of two. So the writer
 * waits for them, as long as more of them come in every step. */
static void
gather(struct lmdb *db, size_t ready)
{
	size_t all = ready + db->last_group, seen = 0;

	if (db->last_group < 2)
		return;
	for (int i = 0; i < LMDB_GATHER_STEPS && seen != db->waiting; i++) {
		struct timespec until =
		    thread_deadline(CLOCK_MONOTONIC, LMDB_GATHER_US);

		seen = db->waiting;
		if (await(db, all, &until))
			return;
	}
}

/* The next group: a call alone, or commits up to the next call. */
static struct lmdb_job *
take(struct lmdb *db)
{
	struct lmdb_job *list = db->first, *end = list;
	size_t n = 1;

	while (list->call == NULL && end->next != NULL &&
	    end->next->call == NULL && n < LMDB_GROUP_MAX) {
		end = end->next;
		n++;
	}
	db->first = end->next;
	if (db->first == NULL)
		db->last = NULL;
	end->next = NULL;
	db->waiting -= n;
	if (list->call == NULL)
		db->last_group = n;
	return list;
}

static void
finish(struct lmdb_job *list)
{
	for (struct lmdb_job *j = list, *next; j != NULL; j = next) {
		next = j->next; /* j is gone once its owner wakes */
		lmdb_steps_free(j->steps);
		j->steps = NULL;
		sem_post(&j->done);
	}
}

static void *
writer(void *arg)
{
	struct lmdb *db = arg;

	for (;;) {
		struct lmdb_job *list;
		size_t ready;

		pthread_mutex_lock(&db->lock);
		ready = db->waiting;
		await(db, 1, NULL);
		if (db->first == NULL) {
			pthread_mutex_unlock(&db->lock);
			return NULL;
		}
		gather(db, ready);
		list = take(db);
		pthread_mutex_unlock(&db->lock);
		if (list->call != NULL)
			list->rc = list->call(list);
		else
			run_group(db, list);
		finish(list);
	}
}

enum rc
lmdb_writer_start(struct lmdb *db, struct err *e)
{
	enum rc rc = thread_start(&db->thread, "store", writer, db, e);

	db->running = rc == RC_OK;
	return rc;
}

void
lmdb_writer_stop(struct lmdb *db)
{
	if (!db->running)
		return;
	pthread_mutex_lock(&db->lock);
	db->closing = true;
	pthread_cond_signal(&db->more);
	pthread_mutex_unlock(&db->lock);
	pthread_join(db->thread, NULL);
	db->running = false;
}
