/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h - owned threads and bounded pools. All threads are joined; none is
 * cancelled. No callback runs under a lock. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"

/* A bounded pool of workers. */
struct pool;

/* name (at most 15 characters, shown by ps), threads started at once, at most
 * queue_max waiting jobs. */
MUST enum rc pool_new(struct pool **out, const char *name, size_t threads,
    size_t queue_max, struct err *e);
/* Runs fn(arg) on a worker, first come first served. RC_UNAVAILABLE when the
 * queue is full or the pool is closing: fn was then not and will not be run. */
MUST enum rc pool_run(struct pool *p, void (*fn)(void *), void *arg);
/* Jobs waiting and running. */
size_t pool_busy(struct pool *p);
/* Runs what waits, joins, frees. */
void pool_free(struct pool *p);
OWNED(pool)

/* A thread with a name; joined by thread_join. */
MUST enum rc thread_start(pthread_t *out, const char *name, void *(*fn)(void *),
    void *arg, struct err *e);

/* us microseconds (>= 0) from now by that clock, as pthread_cond_timedwait wants
 * it: the clock of the condition's attributes, CLOCK_REALTIME without any. */
struct timespec thread_deadline(clockid_t clock, int64_t us);

static inline void
mutex_unlockp(pthread_mutex_t **m)
{
	pthread_mutex_unlock(*m);
}
/* Holds m until the end of the block. */
#define LOCKED(m)                                       \
	__attribute__((cleanup(mutex_unlockp), unused)) \
	pthread_mutex_t *locked_ = mutex_lock(m)
static inline pthread_mutex_t *
mutex_lock(pthread_mutex_t *m)
{
	pthread_mutex_lock(m);
	return m;
}

#endif
