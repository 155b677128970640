/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_spool.c - the host-local side of a directory store, in an LMDB store of
 * its own: what commits intend, and notes.
 *
 * An intention is written before a commit's first operation when the commit has
 * effects or more than one change. It holds the effects and all changes but the
 * first, which is the decision. Afterwards it is settled: its effects become
 * rows of the journal and it goes. One whose commit was cut (its process died,
 * its connection was lost) is an orphan: the directory is asked for the
 * decision, and where that came true the other changes are made.
 * Owns:    the records in the spool: SETTING "intent-N" and "note-NAME".
 * Trusts:  its own files.
 * Threads: any; settling has a thread of its own. */
#include <time.h>

#include "base/log.h"
#include "store/change_wire.h"
#include "store/ldap_int.h"

enum {
	SETTLE_GROUP = 64,
	SETTLE_RETRY_MS = 1000,
	FLUSH_MS = 10000,
};

static void
intent_id(char out[32], uint64_t n)
{
	snprintf(out, 32, "intent-%llu", (unsigned long long)n);
}

/* --- intentions ---------------------------------------------------------- */

/* Values: the number in front keeps equal ones apart; then a NUL-terminated
 * type for effects. */
static bool
fill_intent(struct rec *r, const struct batch *b)
{
	if (b->n > 0) {
		rec_addf(r, "decisionOp", "%d", (int)b->changes[0].op);
		rec_addf(r, "decisionKind", "%d", (int)b->changes[0].kind);
		rec_add_str(r, "decisionId", b->changes[0].id);
	}
	for (size_t i = 0; i < b->n_effects; i++) {
		const struct batch_effect_row *x = &b->effects[i];
		AUTO_BUF v = buf_empty(REC_VALUE_MAX);

		buf_addf(&v, "%zu:%s", i, x->type);
		buf_add(&v, "", 1);
		buf_add(&v, x->data, x->len);
		if (v.failed != RC_OK)
			return false;
		rec_add(r, "effect", buf_view(&v));
	}
	for (size_t i = 1; i < b->n; i++) {
		AUTO_BUF v = buf_empty(REC_VALUE_MAX);

		buf_addf(&v, "%zu:", i);
		change_write(&v, &b->changes[i]);
		if (v.failed != RC_OK)
			return false;
		rec_add(r, "change", buf_view(&v));
	}
	return r->failed == RC_OK;
}

enum rc
dir_intend(
    struct ldap_be *be, uint64_t *intent, const struct batch *b, struct err *e)
{
	AUTO(batch) x = NULL;
	uint64_t n;
	char id[32];
	struct rec *r;
	enum rc rc;

	*intent = 0;
	if (b->n_effects == 0 && b->n < 2)
		return RC_OK;
	n = ++be->intents;
	intent_id(id, n);
	r = rec_new(REC_SETTING, id);
	if (r == NULL || !fill_intent(r, b)) {
		rec_free(r);
		return err_set(e, RC_NOMEM, "spool: out of memory");
	}
	x = batch_new();
	batch_add(x, r);
	if ((rc = store_commit(be->spool, x, e)) != RC_OK)
		return err_prefix(e, "spool");
	*intent = n;
	return RC_OK;
}

static bool
take_number(void *arg, const struct rec *r)
{
	struct dir_numbers *x = arg;
	uint64_t *list;
	int64_t n = 0;

	if (!text_starts(r->id, "intent-") ||
	    text_int(&n, r->id + strlen("intent-"), 1, INT64_MAX, NULL) !=
		RC_OK)
		return true;
	list = reallocarray(x->list, x->n + 1, sizeof(*list));
	if (list == NULL)
		return false;
	list[x->n++] = (uint64_t)n;
	x->list = list;
	return true;
}

enum rc
dir_spool_load(struct ldap_be *be, struct err *e)
{
	const char *const only[] = { "decisionOp", NULL };
	struct query q = { .kind = REC_SETTING, .attrs = only };
	enum rc rc = store_search(be->spool, &q, take_number, &be->orphans, e);

	for (size_t i = 0; i < be->orphans.n; i++)
		if (be->orphans.list[i] > be->intents)
			be->intents = be->orphans.list[i];
	return rc;
}

/* --- settling ------------------------------------------------------------ */

/* Deletion of an intention; its effects become rows. */
static enum rc
add_settled(struct ldap_be *be, struct batch *b, uint64_t intent,
    bool came_true, struct err *e)
{
	AUTO(rec) r = NULL;
	const struct rec_attr *a;
	char id[32];
	enum rc rc;

	intent_id(id, intent);
	if ((rc = store_get(be->spool, &r, REC_SETTING, id, e)) != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	batch_delete(b, REC_SETTING, id);
	a = rec_attr(r, "effect");
	for (size_t i = 0; came_true && a != NULL && i < a->n; i++) {
		const char *colon =
		    strchr((const char *)a->values[i].data, ':');
		size_t used;

		if (colon == NULL)
			continue;
		used = (size_t)(colon - (const char *)a->values[i].data) +
		    strlen(colon) + 1;
		if (used > a->values[i].len)
			continue;
		batch_effect(b, colon + 1,
		    view_of(a->values[i].data + used, a->values[i].len - used));
	}
	return RC_OK;
}

static enum rc
settle_some(
    struct ldap_be *be, const struct settle *list, size_t n, struct err *e)
{
	AUTO(batch) b = batch_new();
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = add_settled(be, b, list[i].intent, list[i].came_true, e);
	return rc == RC_OK ? store_commit(be->spool, b, e) : rc;
}

/* As many at once as fit; then one at a time. */
static size_t
settle_group(struct ldap_be *be, const struct settle *list, size_t n)
{
	struct err e = { 0 };
	size_t group = n < SETTLE_GROUP ? n : SETTLE_GROUP;

	if (settle_some(be, list, group, &e) == RC_OK)
		return group;
	if (group > 1 && settle_some(be, list, 1, &e) == RC_OK)
		return 1;
	log_warning("store", "spool: %s, continuing; next try in %d s", e.text,
	    SETTLE_RETRY_MS / 1000);
	return 0;
}

static void
wait_ms(struct ldap_be *be, pthread_cond_t *c, int ms)
{
	struct timespec t;

	t = thread_deadline(CLOCK_REALTIME, (int64_t)ms * 1000);
	pthread_cond_timedwait(c, &be->settle_lock, &t);
}

static void *
settler(void *arg)
{
	struct ldap_be *be = arg;

	pthread_mutex_lock(&be->settle_lock);
	while (!be->settle_stop || be->settle_n > 0) {
		struct settle group[SETTLE_GROUP];
		size_t n =
		    be->settle_n < SETTLE_GROUP ? be->settle_n : SETTLE_GROUP;
		size_t done;

		if (n == 0) {
			pthread_cond_wait(&be->settle_work, &be->settle_lock);
			continue;
		}
		memcpy(group, be->settles, n * sizeof(group[0]));
		pthread_mutex_unlock(&be->settle_lock);
		done = settle_group(be, group, n);
		pthread_mutex_lock(&be->settle_lock);
		be->settle_n -= done;
		memmove(be->settles, be->settles + done,
		    be->settle_n * sizeof(group[0]));
		pthread_cond_broadcast(&be->settle_idle);
		if (done == 0 && be->settle_stop)
			break; /* the next start asks again */
		if (done == 0)
			wait_ms(be, &be->settle_work, SETTLE_RETRY_MS);
	}
	pthread_mutex_unlock(&be->settle_lock);
	return NULL;
}

void
dir_settle(struct ldap_be *be, uint64_t intent, bool came_true)
{
	struct settle *list;

	if (intent == 0)
		return;
	LOCKED(&be->settle_lock);
	list = reallocarray(be->settles, be->settle_n + 1, sizeof(*list));
	if (list == NULL) {
		log_warning("store",
		    "spool: out of memory, continuing; effects "
		    "follow after the next start");
		return;
	}
	be->settles = list;
	list[be->settle_n++] = (struct settle){ intent, came_true };
	pthread_cond_signal(&be->settle_work);
}

void
dir_settle_flush(struct ldap_be *be)
{
	LOCKED(&be->settle_lock);
	for (int ms = 0; be->settle_n > 0 && be->settling && ms < FLUSH_MS;
	     ms += LDAP_BE_POLL_MS)
		wait_ms(be, &be->settle_idle, LDAP_BE_POLL_MS);
}

enum rc
dir_settle_start(struct ldap_be *be, struct err *e)
{
	enum rc rc = thread_start(&be->settler, "store-settle", settler, be, e);

	be->settling = rc == RC_OK;
	return rc;
}

void
dir_settle_stop(struct ldap_be *be)
{
	if (!be->settling)
		return;
	pthread_mutex_lock(&be->settle_lock);
	be->settle_stop = true;
	pthread_cond_signal(&be->settle_work);
	pthread_mutex_unlock(&be->settle_lock);
	pthread_join(be->settler, NULL);
	be->settling = false;
}

/* --- orphans ------------------------------------------------------------- */

void
dir_orphan(struct ldap_be *be, uint64_t intent)
{
	uint64_t *list;

	if (intent == 0)
		return;
	LOCKED(&be->settle_lock);
	list = reallocarray(be->orphans.list, be->orphans.n + 1, sizeof(*list));
	if (list == NULL)
		return; /* the next start finds it */
	be->orphans.list = list;
	list[be->orphans.n++] = intent;
}

/* *out: did the decision come true? RC_OK, or the directory does not answer. */
static enum rc
came_true(struct ldap_be *be, const struct rec *r, bool *out, struct err *e)
{
	const char *kind = rec_str(r, "decisionKind");
	const char *id = rec_str(r, "decisionId");
	const char *op = rec_str(r, "decisionOp");
	AUTO(rec) decision = NULL;
	int64_t k = 0, o = CHANGE_ADD;
	enum rc rc;

	*out = true;
	if (kind == NULL || id == NULL)
		return RC_OK; /* effects without a change */
	if ((rc = text_int(&k, kind, 0, REC_KINDS - 1, e)) != RC_OK ||
	    (op != NULL &&
		(rc = text_int(&o, op, 0, CHANGE_DELETE, e)) != RC_OK))
		return rc;
	rc = dir_get(be, &decision, (enum rec_kind)k, id, e);
	*out = o == CHANGE_DELETE ? rc == RC_NOTFOUND : rc == RC_OK;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* The changes behind the decision, once more. */
static enum rc
redo(struct ldap_be *be, const struct rec *r, struct err *e)
{
	const struct rec_attr *a = rec_attr(r, "change");
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && a != NULL && i < a->n; i++) {
		AUTO(batch) b = batch_new();
		size_t skip = strcspn((const char *)a->values[i].data, ":") + 1;

		if (skip > a->values[i].len ||
		    change_read(b,
			view_of(
			    a->values[i].data + skip, a->values[i].len - skip),
			e) != RC_OK) {
			log_warning("store", "%s: damaged, continuing", r->id);
			continue;
		}
		rc = dir_redo(be, &b->changes[0], e);
		if (rc != RC_OK && !dir_rc_passing(rc)) {
			log_warning("store", "%s: %s, continuing", r->id,
			    e != NULL ? e->text : rc_text(rc));
			rc = RC_OK;
		}
	}
	return rc;
}

/* *left: it stays for a later look. */
static enum rc
recover_one(
    struct ldap_be *be, uint64_t intent, bool final, bool *left, struct err *e)
{
	struct settle s = { intent, false };
	AUTO(rec) r = NULL;
	char id[32];
	enum rc rc;

	*left = false;
	intent_id(id, intent);
	rc = store_get(be->spool, &r, REC_SETTING, id, e);
	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	if ((rc = came_true(be, r, &s.came_true, e)) != RC_OK)
		return rc;
	*left = !s.came_true && !final;
	if (*left)
		return RC_OK;
	if (s.came_true && (rc = redo(be, r, e)) != RC_OK)
		return rc;
	return settle_some(be, &s, 1, e);
}

enum rc
dir_recover(struct ldap_be *be, bool final, struct err *e)
{
	struct dir_numbers all;
	enum rc rc = RC_OK;

	pthread_mutex_lock(&be->settle_lock);
	all = be->orphans;
	be->orphans = (struct dir_numbers){ NULL, 0 };
	pthread_mutex_unlock(&be->settle_lock);
	for (size_t i = 0; i < all.n; i++) {
		bool left = true;

		if (rc == RC_OK)
			rc = recover_one(be, all.list[i], final, &left, e);
		if (rc != RC_OK || left)
			dir_orphan(be, all.list[i]);
	}
	free(all.list);
	return rc;
}

/* --- notes --------------------------------------------------------------- */

enum rc
dir_note_get(
    struct ldap_be *be, struct buf *out, const char *name, struct err *e)
{
	AUTO(rec) r = NULL;
	AUTO_BUF id = buf_empty(0);
	enum rc rc;

	buf_addf(&id, "note-%s", name);
	rc = store_get(be->spool, &r, REC_SETTING, buf_cstr(&id), e);
	if (rc == RC_OK)
		buf_add_view(out, rec_get(r, "signetValue"));
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
dir_note_set(
    struct ldap_be *be, const char *name, const char *value, struct err *e)
{
	AUTO_BUF old = buf_empty(0);
	AUTO_BUF id = buf_empty(0);
	AUTO(batch) b = batch_new();
	enum rc rc = dir_note_get(be, &old, name, e);

	if (rc != RC_OK || strcmp(buf_cstr(&old), value) == 0)
		return rc;
	buf_addf(&id, "note-%s", name);
	if (old.len > 0) {
		batch_modify(b, REC_SETTING, buf_cstr(&id));
		batch_mod_str(b, MOD_REPLACE, "signetValue", value);
	} else {
		struct rec *r = rec_new(REC_SETTING, buf_cstr(&id));

		rec_add_str(r, "signetValue", value);
		batch_add(b, r);
	}
	return store_commit(be->spool, b, e);
}
