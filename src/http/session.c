/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - log-in sessions: found by an unguessable id, dropped when idle.
 * Owns:    sessions while they are in the table or referenced.
 * Trusts:  nothing about ids from the network.
 * Threads: any; the table's lock guards links, references and times, each
 *          session's own lock its data. No lock is held while data is freed. */
#include "http/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/thread.h"

enum {
	BUCKETS = 1024
};

struct http_session {
	LIST_ENTRY(http_session) bucket;
	TAILQ_ENTRY(http_session) lru; /* head = longest unused */
	char id[SESSION_ID_LEN + 1];
	bool tls, in_table;
	int refs; /* the table's included */
	int64_t used_ms;
	pthread_mutex_t lock; /* data */
	void *data;
	void (*free_data)(void *);
};

struct sessions {
	pthread_mutex_t lock;
	const struct clock *clock;
	size_t n, max;
	int64_t idle_ms;
	TAILQ_HEAD(session_lru, http_session) lru;
	LIST_HEAD(session_bucket, http_session) buckets[BUCKETS];
};

struct sessions *
sessions_new(const struct clock *clock, size_t max, int64_t idle_ms)
{
	struct sessions *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->clock = clock;
	t->max = max != 0 ? max : SESSION_MAX;
	t->idle_ms = idle_ms != 0 ? idle_ms : SESSION_IDLE_MS;
	TAILQ_INIT(&t->lru);
	return t;
}

static void
session_free(struct http_session *s)
{
	if (s == NULL)
		return;
	if (s->free_data != NULL)
		s->free_data(s->data);
	pthread_mutex_destroy(&s->lock);
	OPENSSL_cleanse(s->id, sizeof(s->id));
	free(s);
}

void
sessions_free(struct sessions *t)
{
	struct http_session *s;

	if (t == NULL)
		return;
	while ((s = TAILQ_FIRST(&t->lru)) != NULL) {
		TAILQ_REMOVE(&t->lru, s, lru);
		session_free(s);
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* Ids are random, so two of their digits spread them well. */
static struct session_bucket *
bucket_of(struct sessions *t, const uint8_t *id)
{
	return &t->buckets[(id[0] * 31U + id[1] * 7U + id[2]) % BUCKETS];
}

/* Out of table and list; returns it when nobody else holds it. Under lock. */
static struct http_session *
unlink_locked(struct sessions *t, struct http_session *s)
{
	if (!s->in_table)
		return NULL;
	LIST_REMOVE(s, bucket);
	TAILQ_REMOVE(&t->lru, s, lru);
	s->in_table = false;
	t->n--;
	return --s->refs == 0 ? s : NULL;
}

static bool
make_id(char out[SESSION_ID_LEN + 1])
{
	static const char hex[] = "0123456789ABCDEF";
	uint8_t raw[SESSION_ID_LEN / 2];

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return false;
	for (size_t i = 0; i < sizeof(raw); i++) {
		out[2 * i] = hex[raw[i] >> 4];
		out[2 * i + 1] = hex[raw[i] & 15];
	}
	out[SESSION_ID_LEN] = '\0';
	return true;
}

struct http_session *
sessions_add(
    struct sessions *t, bool tls, void *data, void (*free_data)(void *))
{
	struct http_session *s = calloc(1, sizeof(*s)), *oldest = NULL;

	if (s == NULL || !make_id(s->id)) {
		free(s);
		if (free_data != NULL)
			free_data(data);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->tls = tls;
	s->data = data;
	s->free_data = free_data;
	s->refs = 2;
	s->used_ms = clock_mono_ms(t->clock);
	{
		LOCKED(&t->lock);

		if (t->n >= t->max)
			oldest = unlink_locked(t, TAILQ_FIRST(&t->lru));
		LIST_INSERT_HEAD(
		    bucket_of(t, (const uint8_t *)s->id), s, bucket);
		TAILQ_INSERT_TAIL(&t->lru, s, lru);
		s->in_table = true;
		t->n++;
	}
	session_free(oldest);
	return s;
}

struct http_session *
sessions_find(struct sessions *t, bool tls, struct view id)
{
	struct http_session *s, *found = NULL, *dead = NULL;
	int64_t now = clock_mono_ms(t->clock);

	if (id.len != SESSION_ID_LEN)
		return NULL;
	{
		LOCKED(&t->lock);

		LIST_FOREACH(s, bucket_of(t, id.data), bucket)
		if (CRYPTO_memcmp(s->id, id.data, id.len) == 0)
			break;
		if (s != NULL && now - s->used_ms >= t->idle_ms) {
			dead = unlink_locked(t, s);
		} else if (s != NULL && (tls || !s->tls)) {
			s->used_ms = now;
			s->refs++;
			TAILQ_REMOVE(&t->lru, s, lru);
			TAILQ_INSERT_TAIL(&t->lru, s, lru);
			found = s;
		}
	}
	session_free(dead);
	return found;
}

void
sessions_remove(struct sessions *t, struct http_session *s)
{
	struct http_session *dead;

	{
		LOCKED(&t->lock);

		dead = unlink_locked(t, s);
	}
	session_free(dead);
}

void
sessions_release(struct sessions *t, struct http_session *s)
{
	bool dead;

	if (s == NULL)
		return;
	{
		LOCKED(&t->lock);

		dead = --s->refs == 0;
	}
	if (dead)
		session_free(s);
}

void
sessions_sweep(struct sessions *t)
{
	int64_t now = clock_mono_ms(t->clock);
	bool more = true;

	while (more) {
		struct http_session *s, *dead = NULL;

		{
			LOCKED(&t->lock);

			s = TAILQ_FIRST(&t->lru);
			more = s != NULL && now - s->used_ms >= t->idle_ms;
			if (more)
				dead = unlink_locked(t, s);
		}
		session_free(dead);
	}
}

size_t
sessions_count(struct sessions *t)
{
	LOCKED(&t->lock);

	return t->n;
}

const char *
session_id(const struct http_session *s)
{
	return s->id;
}

void *
http_session_data(struct http_session *s)
{
	return s->data;
}

void
http_session_lock(struct http_session *s)
{
	pthread_mutex_lock(&s->lock);
}

void
http_session_unlock(struct http_session *s)
{
	pthread_mutex_unlock(&s->lock);
}
