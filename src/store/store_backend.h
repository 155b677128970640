/* SPDX-License-Identifier: Apache-2.0 */
/* store_backend.h - what a back-end is made of (internal to store/): a struct
 * of functions, the contents of a batch, the feed to the watchers. */
#ifndef STORE_STORE_BACKEND_H
#define STORE_STORE_BACKEND_H

#include <pthread.h>

#include "store/store.h"

/* --- batches ---------------------------------------------------------- */

struct mod {
	enum mod_op op;
	char *attr;
	struct view *values; /* owned */
	size_t n;
};
struct change {
	enum change_op op;
	enum rec_kind kind;
	char *id;        /* of ADD: the record's */
	struct rec *rec; /* of ADD */
	struct mod *mods;
	size_t n_mods;
};
struct batch_effect_row {
	char *type;
	uint8_t *data;
	size_t len;
};
struct batch {
	struct change *changes;
	size_t n;
	struct batch_effect_row *effects;
	size_t n_effects;
	enum rc failed; /* sticky */
};
enum {
	BATCH_CHANGES_MAX = 4096,
	BATCH_EFFECTS_MAX = 4096,
	EFFECT_TYPE_MAX = 64,
};

/* Makes the batch fail for good; the first failure that stuck. */
void batch_fail(struct batch *b, enum rc rc);
MUST enum rc batch_check(const struct batch *b, struct err *e);
/* Applies the modifications of c to r. RC_CONFLICT: a value to delete is not
 * there; r is then half-changed and to be thrown away. */
MUST enum rc change_apply(struct rec *r, const struct change *c, struct err *e);
/* Equality as the attribute compares. */
bool value_equal(const char *attr, struct view a, struct view b);

/* --- feed ------------------------------------------------------------- */

struct watch {
	struct feed *feed; /* NULL until attached */
	struct watch *next;
	unsigned kinds;
	void (*fn)(void *arg, const struct feed_item *i);
	void *arg;
	uint64_t
	    floor; /* items up to here were delivered before it was attached */
	bool busy; /* a call may be running; guarded by feed->lock */
};
struct feed {
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct watch *first;
};
/* An empty feed; done when no watcher is left; attach joins a watcher to it.
 * */
void feed_init(struct feed *f);
void feed_done(struct feed *f);
void feed_attach(struct feed *f, struct watch *w);
/* Calls the watchers for each item in order; one thread at a time. */
void feed_deliver(struct feed *f, const struct feed_item *items, size_t n);
/* For the catch-up before a watch is attached. */
void watch_deliver(struct watch *w, const struct feed_item *i);

/* --- back-ends -------------------------------------------------------- */

struct backend {
	enum rc (*commit)(void *impl, const struct batch *b, struct err *e);
	enum rc (*get)(void *impl, struct rec **out, enum rec_kind kind,
	    const char *id, struct err *e);
	enum rc (*search)(void *impl, const struct query *q,
	    bool (*fn)(void *arg, const struct rec *r), void *arg,
	    struct err *e);
	enum rc (*count)(void *impl, uint64_t *out, enum rec_kind kind,
	    const char *filter, struct err *e);
	/* Delivers what happened after since, then attaches w. */
	enum rc (*watch)(
	    void *impl, struct watch *w, uint64_t since, struct err *e);
	/* NULL: nothing is in the store that watchers do not know. */
	enum rc (*catch_up)(void *impl, int limit_ms, struct err *e);
	uint64_t (*usn)(void *impl);
	enum rc (*drain)(void *impl, const char *type,
	    bool (*fn)(void *arg, const struct effect *x), void *arg,
	    struct err *e);
	uint64_t (*effects_waiting)(void *impl);
	const char *(*generation)(void *impl);
	enum rc (*health)(void *impl, struct err *e);
	void (*stats)(void *impl, struct store_stats *out);
	void (*free)(void *impl);
};

struct store {
	const struct backend *ops;
	void *impl;
	struct feed feed;
	pthread_mutex_t lock; /* of on_effect, on_effect_arg */
	void (*on_effect)(void *arg);
	void *on_effect_arg;
};
/* A store without back-end yet; store_free works on it. */
struct store *store_new(const struct backend *ops);
/* Tells the drainer, if any. */
void store_effects_came(struct store *s);

#endif
