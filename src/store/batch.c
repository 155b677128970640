/* SPDX-License-Identifier: Apache-2.0 */
/* batch.c - ordered lists of changes, and what a modification does to a record.
 * Owns:    struct batch and all in it.
 * Trusts:  nothing.
 * Threads: a batch has one owner until it is committed; then it is constant. */
#include "store/store_backend.h"

struct batch *
batch_new(void)
{
	return calloc(1, sizeof(struct batch));
}

static void
mod_done(struct mod *m)
{
	for (size_t i = 0; i < m->n; i++)
		free((void *)(uintptr_t)m->values[i].data);
	free(m->values);
	free(m->attr);
}

static void
change_done(struct change *c)
{
	for (size_t i = 0; i < c->n_mods; i++)
		mod_done(&c->mods[i]);
	free(c->mods);
	rec_free(c->rec);
	free(c->id);
}

void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++)
		change_done(&b->changes[i]);
	for (size_t i = 0; i < b->n_effects; i++) {
		free(b->effects[i].type);
		free(b->effects[i].data);
	}
	free(b->changes);
	free(b->effects);
	free(b);
}

void
batch_fail(struct batch *b, enum rc rc)
{
	if (b != NULL && b->failed == RC_OK)
		b->failed = rc;
}

enum rc
batch_check(const struct batch *b, struct err *e)
{
	if (b == NULL)
		return err_set(e, RC_NOMEM, "batch: out of memory");
	if (b->failed != RC_OK)
		return err_set(e, b->failed, "batch: %s", rc_text(b->failed));
	return RC_OK;
}

/* Arrays grow at powers of two. */
static void *
room(void *old, size_t n, size_t size)
{
	if (n > 0 && (n & (n - 1)) != 0)
		return old;
	return reallocarray(old, n == 0 ? 1 : 2 * n, size);
}

static struct change *
push(struct batch *b, enum change_op op, enum rec_kind kind, const char *id)
{
	struct change *list;
	char *copy;

	if (b == NULL || b->failed != RC_OK)
		return NULL;
	if (b->n >= BATCH_CHANGES_MAX) {
		batch_fail(b, RC_TOOBIG);
		return NULL;
	}
	if (id == NULL || id[0] == '\0' || strlen(id) > REC_ID_MAX ||
	    kind >= REC_KINDS) {
		batch_fail(b, RC_INVALID);
		return NULL;
	}
	if ((list = room(b->changes, b->n, sizeof(*list))) != NULL)
		b->changes = list;
	if (list == NULL || (copy = strdup(id)) == NULL) {
		batch_fail(b, RC_NOMEM);
		return NULL;
	}
	list[b->n] = (struct change){ op, kind, copy, NULL, NULL, 0 };
	return &list[b->n++];
}

void
batch_add(struct batch *b, struct rec *r)
{
	struct change *c;

	if (r == NULL || r->failed != RC_OK) {
		batch_fail(b, r != NULL ? r->failed : RC_NOMEM);
		rec_free(r);
		return;
	}
	if ((c = push(b, CHANGE_ADD, r->kind, r->id)) == NULL)
		rec_free(r);
	else
		c->rec = r;
}

void
batch_modify(struct batch *b, enum rec_kind kind, const char *id)
{
	push(b, CHANGE_MODIFY, kind, id);
}

void
batch_delete(struct batch *b, enum rec_kind kind, const char *id)
{
	push(b, CHANGE_DELETE, kind, id);
}

/* The modification that takes the value: values of one attribute and operation
 * given in a row belong together (a replacement by several values). */
static struct mod *
mod_for(struct change *c, enum mod_op op, const char *attr)
{
	struct mod *m = c->n_mods > 0 ? &c->mods[c->n_mods - 1] : NULL;
	struct mod *list;
	char *copy;

	if (m != NULL && m->op == op && text_ieq(m->attr, attr))
		return m;
	if ((list = room(c->mods, c->n_mods, sizeof(*list))) == NULL)
		return NULL;
	c->mods = list;
	if ((copy = strdup(attr)) == NULL)
		return NULL;
	list[c->n_mods] = (struct mod){ op, copy, NULL, 0 };
	return &list[c->n_mods++];
}

void
batch_mod(struct batch *b, enum mod_op op, const char *attr, struct view value)
{
	struct change *c;
	struct view *values;
	struct mod *m;
	uint8_t *copy;

	if (b == NULL || b->failed != RC_OK)
		return;
	c = b->n > 0 ? &b->changes[b->n - 1] : NULL;
	if (c == NULL || c->op != CHANGE_MODIFY || attr[0] == '\0' ||
	    (value.len == 0 && op != MOD_REPLACE) ||
	    value.len > REC_VALUE_MAX) {
		batch_fail(b, RC_INVALID);
		return;
	}
	if ((m = mod_for(c, op, attr)) == NULL) {
		batch_fail(b, RC_NOMEM);
		return;
	}
	if (value.len == 0)
		return;
	if ((values = room(m->values, m->n, sizeof(*values))) != NULL)
		m->values = values;
	if (values == NULL || (copy = malloc(value.len + 1)) == NULL) {
		batch_fail(b, RC_NOMEM);
		return;
	}
	memcpy(copy, value.data, value.len);
	copy[value.len] = '\0';
	values[m->n++] = view_of(copy, value.len);
}

void
batch_mod_str(
    struct batch *b, enum mod_op op, const char *attr, const char *value)
{
	batch_mod(b, op, attr, view_str(value));
}

void
batch_effect(struct batch *b, const char *type, struct view payload)
{
	struct batch_effect_row *list, *x;

	if (b == NULL || b->failed != RC_OK)
		return;
	if (type == NULL || type[0] == '\0' || strlen(type) > EFFECT_TYPE_MAX ||
	    payload.len > REC_VALUE_MAX || b->n_effects >= BATCH_EFFECTS_MAX) {
		batch_fail(b, RC_INVALID);
		return;
	}
	list = room(b->effects, b->n_effects, sizeof(*list));
	if (list == NULL) {
		batch_fail(b, RC_NOMEM);
		return;
	}
	b->effects = list;
	x = &list[b->n_effects++];
	*x = (struct batch_effect_row){ strdup(type), malloc(payload.len + 1),
		payload.len };
	if (x->type == NULL || x->data == NULL) {
		batch_fail(b, RC_NOMEM);
		return;
	}
	if (payload.len > 0)
		memcpy(x->data, payload.data, payload.len);
}

/* --- application ------------------------------------------------------ */

static bool
has_value(const struct rec *r, const char *attr, struct view v, size_t *at)
{
	const struct rec_attr *a = rec_attr(r, attr);

	for (size_t i = 0; a != NULL && i < a->n; i++) {
		if (!value_equal(attr, a->values[i], v))
			continue;
		*at = i;
		return true;
	}
	return false;
}

static enum rc
apply_mod(struct rec *r, const struct mod *m, struct err *e)
{
	size_t at = 0;

	if (m->op == MOD_REPLACE)
		rec_clear(r, m->attr);
	for (size_t i = 0; i < m->n; i++) {
		bool there = has_value(r, m->attr, m->values[i], &at);

		if (m->op != MOD_DELETE && !there)
			rec_add(r, m->attr, m->values[i]);
		if (m->op != MOD_DELETE)
			continue;
		if (!there)
			return err_set(e, RC_CONFLICT,
			    "%s %.64s: %s no longer has that value",
			    rec_kind_text(r->kind), r->id, m->attr);
		rec_remove_value(r, m->attr, at);
	}
	return rec_check(r, e);
}

enum rc
change_apply(struct rec *r, const struct change *c, struct err *e)
{
	for (size_t i = 0; i < c->n_mods; i++) {
		enum rc rc = apply_mod(r, &c->mods[i], e);

		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}
