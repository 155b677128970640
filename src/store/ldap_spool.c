/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_spool.c - the host-local side of a directory store: effects and notes,
 * in an LMDB store of their own.
 * Owns:    the records in the spool: SETTING "intent-N" and "note-NAME".
 * Trusts:  its own files.
 * Threads: as the spool store; intents under the pipeline lock. */
#include "store/ldap_int.h"

/* An intent holds: decisionKind, decisionId, then effect values
 * "type\0payload". */
static bool
fill_intent(struct rec *r, const struct batch *b)
{
	if (b->n > 0) {
		rec_addf(r, "decisionKind", "%d", (int)b->changes[0].kind);
		rec_add_str(r, "decisionId", b->changes[0].id);
	}
	for (size_t i = 0; i < b->n_effects; i++) {
		const struct batch_effect_row *x = &b->effects[i];
		AUTO_BUF v = buf_empty(REC_VALUE_MAX);

		/* the number in front keeps equal effects apart */
		buf_addf(&v, "%zu:%s", i, x->type);
		buf_add(&v, "", 1);
		buf_add(&v, x->data, x->len);
		if (v.failed != RC_OK)
			return false;
		rec_add(r, "effect", buf_view(&v));
	}
	return r->failed == RC_OK;
}

enum rc
dir_intend(
    struct ldap_be *be, uint64_t *intent, const struct batch *b, struct err *e)
{
	AUTO(batch) x = NULL;
	char id[32];
	struct rec *r;

	*intent = 0;
	if (b->n_effects == 0)
		return RC_OK;
	snprintf(
	    id, sizeof(id), "intent-%llu", (unsigned long long)++be->intents);
	r = rec_new(REC_SETTING, id);
	if (r == NULL || !fill_intent(r, b)) {
		rec_free(r);
		return err_set(e, RC_NOMEM, "spool: out of memory");
	}
	*intent = be->intents;
	x = batch_new();
	batch_add(x, r);
	return store_commit(be->spool, x, e);
}

static enum rc
settle_rec(
    struct ldap_be *be, const struct rec *r, bool came_true, struct err *e)
{
	const struct rec_attr *a = rec_attr(r, "effect");
	AUTO(batch) b = batch_new();

	batch_delete(b, REC_SETTING, r->id);
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
	return store_commit(be->spool, b, e);
}

enum rc
dir_settle(struct ldap_be *be, uint64_t intent, bool came_true, struct err *e)
{
	AUTO(rec) r = NULL;
	char id[32];
	enum rc rc;

	if (intent == 0)
		return RC_OK;
	snprintf(id, sizeof(id), "intent-%llu", (unsigned long long)intent);
	if ((rc = store_get(be->spool, &r, REC_SETTING, id, e)) != RC_OK)
		return rc;
	return settle_rec(be, r, came_true, e);
}

/* --- recovery ----------------------------------------------------------- */

struct intents {
	struct rec *list[1024];
	size_t n;
	uint64_t highest;
};

static bool
take_intent(void *arg, const struct rec *r)
{
	struct intents *x = arg;
	int64_t n = 0;

	if (!text_starts(r->id, "intent-"))
		return true;
	if (text_int(&n, r->id + strlen("intent-"), 0, INT64_MAX, NULL) ==
		RC_OK &&
	    (uint64_t)n > x->highest)
		x->highest = (uint64_t)n;
	x->list[x->n] = rec_copy(r);
	if (x->list[x->n] != NULL)
		x->n++;
	return x->n < sizeof(x->list) / sizeof(x->list[0]);
}

/* RC_OK with *true_ set, or the directory does not answer. */
static enum rc
came_true(struct ldap_be *be, const struct rec *r, bool *true_, struct err *e)
{
	const char *kind = rec_str(r, "decisionKind");
	const char *id = rec_str(r, "decisionId");
	AUTO(rec) decision = NULL;
	int64_t k = 0;
	enum rc rc;

	*true_ = true;
	if (kind == NULL || id == NULL)
		return RC_OK; /* effects without a change */
	if ((rc = text_int(&k, kind, 0, REC_KINDS - 1, e)) != RC_OK)
		return rc;
	rc = dir_get(be, &decision, (enum rec_kind)k, id, e);
	*true_ = rc == RC_OK;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
dir_recover(struct ldap_be *be, struct err *e)
{
	struct query q = { .kind = REC_SETTING };
	struct intents *x = calloc(1, sizeof(*x));
	enum rc rc;
	bool more = true;

	if (x == NULL)
		return err_set(e, RC_NOMEM, "spool: out of memory");
	while (more) {
		x->n = 0;
		rc = store_search(be->spool, &q, take_intent, x, e);
		more = rc == RC_OK && x->n > 0;
		for (size_t i = 0; i < x->n; i++) {
			bool yes = false;

			if (rc == RC_OK)
				rc = came_true(be, x->list[i], &yes, e);
			if (rc == RC_OK)
				rc = settle_rec(be, x->list[i], yes, e);
			rec_free(x->list[i]);
		}
		more = more && rc == RC_OK;
	}
	be->intents = x->highest;
	free(x);
	return rc;
}

/* --- notes -------------------------------------------------------------- */

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
