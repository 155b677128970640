/* SPDX-License-Identifier: Apache-2.0 */
/* thread.c - named threads and the bounded pool.
 * Owns:    a pool owns its threads and its queue, not the jobs' arguments.
 * Trusts:  its callers.
 * Threads: any may call pool_run; one calls pool_free, after all others are
 *          done with the pool. */
#include "base/thread.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	NAME_MAX_LEN = 15
};

struct job {
	void (*fn)(void *);
	void *arg;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t *threads;
	size_t thread_count;
	struct job *ring;              /* lock */
	size_t ring_size, head, count; /* lock */
	size_t running;                /* lock */
	bool closing;                  /* lock */
};

enum rc
thread_start(pthread_t *out, const char *name, void *(*fn)(void *), void *arg,
    struct err *e)
{
	char shown[NAME_MAX_LEN + 1];
	int r = pthread_create(out, NULL, fn, arg);

	if (r != 0) {
		errno = r;
		return err_errno(e, "thread %s", name);
	}
	strncpy(shown, name, sizeof(shown) - 1);
	shown[sizeof(shown) - 1] = '\0';
	pthread_setname_np(*out, shown);
	return RC_OK;
}

struct timespec
thread_deadline(clockid_t clock, int64_t us)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_sec += us / 1000000;
	t.tv_nsec += us % 1000000 * 1000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void *
work(void *arg)
{
	struct pool *p = arg;
	struct job job;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (p->count == 0 && !p->closing)
			pthread_cond_wait(&p->wake, &p->lock);
		if (p->count == 0)
			break;
		job = p->ring[p->head];
		p->head = (p->head + 1) % p->ring_size;
		p->count--;
		p->running++;
		pthread_mutex_unlock(&p->lock);
		job.fn(job.arg);
		pthread_mutex_lock(&p->lock);
		p->running--;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

enum rc
pool_new(struct pool **out, const char *name, size_t threads, size_t queue_max,
    struct err *e)
{
	AUTO(pool) p = calloc(1, sizeof(*p));
	enum rc rc;

	if (p == NULL)
		return err_set(e, RC_NOMEM, "pool %s: out of memory", name);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	p->ring_size = queue_max > 0 ? queue_max : 1;
	p->ring = calloc(p->ring_size, sizeof(*p->ring));
	p->threads = calloc(threads > 0 ? threads : 1, sizeof(*p->threads));
	if (p->ring == NULL || p->threads == NULL)
		return err_set(e, RC_NOMEM, "pool %s: out of memory", name);
	while (p->thread_count < threads) {
		rc = thread_start(
		    &p->threads[p->thread_count], name, work, p, e);
		if (rc != RC_OK)
			return rc;
		p->thread_count++;
	}
	*out = pool_steal(&p);
	return RC_OK;
}

enum rc
pool_run(struct pool *p, void (*fn)(void *), void *arg)
{
	LOCKED(&p->lock);

	if (p->closing || p->count == p->ring_size)
		return RC_UNAVAILABLE;
	p->ring[(p->head + p->count) % p->ring_size] = (struct job){ fn, arg };
	p->count++;
	pthread_cond_signal(&p->wake);
	return RC_OK;
}

size_t
pool_busy(struct pool *p)
{
	LOCKED(&p->lock);

	return p->count + p->running;
}

void
pool_free(struct pool *p)
{
	size_t i;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
	free(p->ring);
	free(p);
}
