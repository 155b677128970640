/* SPDX-License-Identifier: Apache-2.0 */
/* change_wire.c - a change as bytes: operation, kind, id, then the record of an
 * ADD, or the modifications: operation, attribute, values. Numbers are four
 * bytes, most significant first; texts and values have their length in front.
 * Owns:    nothing.
 * Trusts:  nothing: the bytes may be damaged.
 * Threads: any. */
#include "store/change_wire.h"

#include "store/rec_wire.h"

/* --- writing ------------------------------------------------------------- */

static void
put_number(struct buf *out, size_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(out, (char)(n >> shift & 0xff));
}

static void
put_bytes(struct buf *out, struct view v)
{
	put_number(out, v.len);
	buf_add_view(out, v);
}

void
change_write(struct buf *out, const struct change *c)
{
	put_number(out, (size_t)c->op);
	put_number(out, (size_t)c->kind);
	put_bytes(out, view_str(c->id));
	if (c->op == CHANGE_ADD)
		rec_write(out, c->rec, 0, NULL);
	for (size_t i = 0; i < c->n_mods; i++) {
		const struct mod *m = &c->mods[i];

		put_number(out, (size_t)m->op);
		put_bytes(out, view_str(m->attr));
		put_number(out, m->n);
		for (size_t j = 0; j < m->n; j++)
			put_bytes(out, m->values[j]);
	}
}

/* --- reading ------------------------------------------------------------- */

static bool
get_number(struct view *v, size_t *out, size_t max)
{
	size_t n = 0;

	if (v->len < 4)
		return false;
	for (int i = 0; i < 4; i++)
		n = n << 8 | v->data[i];
	*v = view_of(v->data + 4, v->len - 4);
	*out = n;
	return n <= max;
}

static bool
get_bytes(struct view *v, struct view *out)
{
	size_t n;

	if (!get_number(v, &n, v->len) || n > v->len)
		return false;
	*out = view_of(v->data, n);
	*v = view_of(v->data + n, v->len - n);
	return true;
}

static enum rc
damaged(struct err *e)
{
	return err_set(e, RC_INVALID, "spool: damaged change");
}

static enum rc
read_mod(struct batch *b, struct view *v, struct err *e)
{
	struct view attr, value;
	size_t op, n;

	if (!get_number(v, &op, MOD_REPLACE) || !get_bytes(v, &attr) ||
	    !get_number(v, &n, v->len))
		return damaged(e);
	AUTO_STR name = view_dup_str(attr);

	if (name == NULL)
		return damaged(e);
	if (n == 0 && op == MOD_REPLACE)
		batch_mod(b, MOD_REPLACE, name, view_of(NULL, 0));
	for (size_t i = 0; i < n; i++) {
		if (!get_bytes(v, &value))
			return damaged(e);
		batch_mod(b, (enum mod_op)op, name, value);
	}
	return RC_OK;
}

enum rc
change_read(struct batch *b, struct view v, struct err *e)
{
	struct rec *r = NULL;
	size_t op, kind;
	struct view text;
	enum rc rc = RC_OK;

	if (!get_number(&v, &op, CHANGE_DELETE) ||
	    !get_number(&v, &kind, REC_KINDS - 1) || !get_bytes(&v, &text))
		return damaged(e);
	AUTO_STR id = view_dup_str(text);

	if (id == NULL)
		return damaged(e);
	if (op == CHANGE_ADD) {
		if ((rc = rec_read(&r, v, NULL, e)) == RC_OK)
			batch_add(b, r);
		return rc == RC_OK ? batch_check(b, e) : rc;
	}
	if (op == CHANGE_DELETE)
		batch_delete(b, (enum rec_kind)kind, id);
	else
		batch_modify(b, (enum rec_kind)kind, id);
	while (rc == RC_OK && v.len > 0)
		rc = op == CHANGE_MODIFY ? read_mod(b, &v, e) : damaged(e);
	return rc == RC_OK ? batch_check(b, e) : rc;
}
