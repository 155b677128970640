/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - the public functions, handed to the back-end.
 * Owns:    struct store and, through it, the back-end.
 * Trusts:  nothing; batches and filters are checked here or below.
 * Threads: any. */
#include "base/thread.h"
#include "store/store_backend.h"

struct store *
store_new(const struct backend *ops)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ops = ops;
	pthread_mutex_init(&s->lock, NULL);
	feed_init(&s->feed);
	return s;
}

void
store_free(struct store *s)
{
	if (s == NULL)
		return;
	if (s->impl != NULL)
		s->ops->free(s->impl);
	feed_done(&s->feed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

enum rc
store_commit(struct store *s, const struct batch *b, struct err *e)
{
	enum rc rc = batch_check(b, e);

	if (rc != RC_OK)
		return rc;
	if (b->n == 0 && b->n_effects == 0)
		return RC_OK;
	if (s->ops->commit == NULL)
		return err_set(e, RC_DENIED, "store: opened for reading only");
	return s->ops->commit(s->impl, b, e);
}

enum rc
store_get(struct store *s, struct rec **out, enum rec_kind kind, const char *id,
    struct err *e)
{
	if (kind >= REC_KINDS || id == NULL || id[0] == '\0' ||
	    strlen(id) > REC_ID_MAX)
		return err_set(
		    e, RC_INVALID, "%s: unusable id", rec_kind_text(kind));
	return s->ops->get(s->impl, out, kind, id, e);
}

enum rc
store_search(struct store *s, const struct query *q,
    bool (*fn)(void *arg, const struct rec *r), void *arg, struct err *e)
{
	if (q->kind >= REC_KINDS)
		return err_set(e, RC_INVALID, "search: unknown kind");
	return s->ops->search(s->impl, q, fn, arg, e);
}

enum rc
store_count(struct store *s, uint64_t *out, enum rec_kind kind,
    const char *filter, struct err *e)
{
	if (kind >= REC_KINDS)
		return err_set(e, RC_INVALID, "count: unknown kind");
	return s->ops->count(s->impl, out, kind, filter, e);
}

enum rc
store_watch(struct store *s, struct watch **out, unsigned kinds, uint64_t since,
    void (*fn)(void *arg, const struct feed_item *i), void *arg, struct err *e)
{
	AUTO(watch) w = calloc(1, sizeof(*w));
	enum rc rc;

	if (w == NULL)
		return err_set(e, RC_NOMEM, "watch: out of memory");
	w->kinds = kinds;
	w->fn = fn;
	w->arg = arg;
	if ((rc = s->ops->watch(s->impl, w, since, e)) != RC_OK)
		return rc;
	*out = watch_steal(&w);
	return RC_OK;
}

enum rc
store_catch_up(struct store *s, int limit_ms, struct err *e)
{
	return s->ops->catch_up != NULL ? s->ops->catch_up(s->impl, limit_ms, e)
					: RC_OK;
}

uint64_t
store_usn(struct store *s)
{
	return s->ops->usn(s->impl);
}

enum rc
store_drain(struct store *s, const char *type,
    bool (*fn)(void *arg, const struct effect *x), void *arg, struct err *e)
{
	if (s->ops->drain == NULL)
		return err_set(e, RC_DENIED, "store: opened for reading only");
	return s->ops->drain(s->impl, type, fn, arg, e);
}

void
store_on_effect(struct store *s, void (*fn)(void *arg), void *arg)
{
	LOCKED(&s->lock);
	s->on_effect = fn;
	s->on_effect_arg = arg;
}

void
store_effects_came(struct store *s)
{
	void (*fn)(void *arg);
	void *arg;

	pthread_mutex_lock(&s->lock);
	fn = s->on_effect;
	arg = s->on_effect_arg;
	pthread_mutex_unlock(&s->lock);
	if (fn != NULL)
		fn(arg);
}

uint64_t
store_effects_waiting(struct store *s)
{
	return s->ops->effects_waiting(s->impl);
}

const char *
store_generation(struct store *s)
{
	return s->ops->generation(s->impl);
}

enum rc
store_health(struct store *s, struct err *e)
{
	return s->ops->health(s->impl, e);
}

void
store_stats(struct store *s, struct store_stats *out)
{
	*out = (struct store_stats){ 0 };
	s->ops->stats(s->impl, out);
}
