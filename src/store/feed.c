/* SPDX-License-Identifier: Apache-2.0 */
/* feed.c - one list of watchers a store; every change passes here once.
 * Owns:    the list; a struct watch belongs to its creator.
 * Trusts:  that one thread at a time delivers (the back-end's pipeline).
 * Threads: any may attach and free; the lock is not held during calls. */
#include "base/thread.h"
#include "store/store_backend.h"

void
feed_init(struct feed *f)
{
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->idle, NULL);
	f->first = NULL;
}

void
feed_done(struct feed *f)
{
	pthread_cond_destroy(&f->idle);
	pthread_mutex_destroy(&f->lock);
}

void
feed_attach(struct feed *f, struct watch *w)
{
	struct watch **at = &f->first;

	LOCKED(&f->lock);
	while (*at != NULL)
		at = &(*at)->next;
	*at = w;
	w->feed = f;
}

void
watch_deliver(struct watch *w, const struct feed_item *i)
{
	if ((w->kinds & 1u << i->kind) != 0 && i->usn > w->floor)
		w->fn(w->arg, i);
}

void
feed_deliver(struct feed *f, const struct feed_item *items, size_t n)
{
	pthread_mutex_lock(&f->lock);
	for (struct watch *w = f->first; w != NULL; w = w->next) {
		w->busy = true;
		pthread_mutex_unlock(&f->lock);
		for (size_t i = 0; i < n; i++)
			watch_deliver(w, &items[i]);
		pthread_mutex_lock(&f->lock);
		w->busy = false;
		pthread_cond_broadcast(&f->idle);
	}
	pthread_mutex_unlock(&f->lock);
}

void
watch_free(struct watch *w)
{
	struct feed *f;

	if (w == NULL)
		return;
	if ((f = w->feed) != NULL) {
		struct watch **at = &f->first;

		pthread_mutex_lock(&f->lock);
		while (w->busy)
			pthread_cond_wait(&f->idle, &f->lock);
		while (*at != NULL && *at != w)
			at = &(*at)->next;
		if (*at == w)
			*at = w->next;
		pthread_mutex_unlock(&f->lock);
	}
	free(w);
}
