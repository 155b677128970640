/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - records as bags of attributes (spec directory 1, 2.1).
 * Owns:    struct rec and all its names and values. A record read from bytes
 *          keeps them in one block behind itself, a new one has a block with
 *          room for the small pieces; all else is allocated piece by piece.
 * Trusts:  nothing; rec_read checks every length.
 * Threads: a struct rec has one owner. */
#include "store/record.h"

#include <stdalign.h>

#include "base/clock.h"
#include "store/rec_wire.h"

enum {
	/* A request has 40 attributes with texts of 20 octets. */
	ROOM_ATTRS = 48,
	ROOM_PIECES = 3072,
	PIECE_MAX = 256, /* longer ones never go into the room */
};

/* What rec_new and rec_read really allocate. */
struct rec_box {
	struct rec r;
	size_t block_len, used; /* of the block */
	size_t room_attrs;      /* slots at its begin; 0: as many as read */
	_Alignas(16) uint8_t block[];
};

static const char *const kind_texts[] = {
#define X(name, text) text,
	REC_KIND_LIST(X)
#undef X
};

const char *
rec_kind_text(enum rec_kind k)
{
	return k < REC_KINDS ? kind_texts[k] : "unknown";
}

static struct rec_box *
box_of(const struct rec *r)
{
	return (struct rec_box *)(uintptr_t)r;
}

static bool
in_block(const struct rec *r, const void *p)
{
	const struct rec_box *b = box_of(r);
	uintptr_t at = (uintptr_t)p;

	return at >= (uintptr_t)b->block &&
	    at < (uintptr_t)b->block + b->block_len;
}

static void
piece_free(const struct rec *r, const void *p)
{
	if (p != NULL && !in_block(r, p))
		free((void *)(uintptr_t)p);
}

/* len bytes for a piece, in the room while there is some; NULL when memory is
 * out. align is a power of two. */
static void *
piece_new(struct rec *r, size_t len, size_t align)
{
	struct rec_box *b = box_of(r);
	size_t at = (b->used + align - 1) & ~(align - 1);

	if (len > PIECE_MAX || at > b->block_len || len > b->block_len - at)
		return malloc(len);
	b->used = at + len;
	return b->block + at;
}

/* Room for one more in an array of n, whose capacity is the next power of two
 * (exactly n while it lies in the block). */
static void *
grow(const struct rec *r, void *old, size_t n, size_t size)
{
	void *p;

	if (!in_block(r, old) && (n & (n - 1)) != 0)
		return old;
	if (!in_block(r, old))
		return reallocarray(old, n == 0 ? 1 : 2 * n, size);
	for (size_t cap = 1;; cap *= 2) {
		if (cap <= n)
			continue;
		if ((p = calloc(cap, size)) != NULL)
			memcpy(p, old, n * size);
		return p;
	}
}

static void
fail(struct rec *r, enum rc rc)
{
	if (r->failed == RC_OK)
		r->failed = rc;
}

static char *
name_dup(struct rec *r, const char *name)
{
	size_t size = strlen(name) + 1;
	char *copy = piece_new(r, size, 1);

	return copy != NULL ? memcpy(copy, name, size) : NULL;
}

struct rec *
rec_new(enum rec_kind kind, const char *id)
{
	const size_t attrs = ROOM_ATTRS * sizeof(struct rec_attr);
	struct rec_box *b = malloc(sizeof(*b) + attrs + ROOM_PIECES);

	if (b == NULL)
		return NULL;
	*b = (struct rec_box){ .block_len = attrs + ROOM_PIECES,
		.used = attrs,
		.room_attrs = ROOM_ATTRS };
	b->r.kind = kind;
	b->r.attrs = (struct rec_attr *)(void *)b->block;
	if ((b->r.id = name_dup(&b->r, id != NULL ? id : "")) == NULL) {
		free(b);
		return NULL;
	}
	if (kind >= REC_KINDS || b->r.id[0] == '\0' ||
	    strlen(b->r.id) > REC_ID_MAX)
		b->r.failed = RC_INVALID;
	return &b->r;
}

static void
attr_free(struct rec *r, struct rec_attr *a)
{
	for (size_t i = 0; i < a->n; i++)
		piece_free(r, a->values[i].data);
	piece_free(r, a->values);
	piece_free(r, a->name);
}

void
rec_free(struct rec *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++)
		attr_free(r, &r->attrs[i]);
	piece_free(r, r->attrs);
	piece_free(r, r->id);
	free(box_of(r));
}

bool
rec_name_in(const char *const *only, const char *name)
{
	if (only == NULL)
		return true;
	for (; *only != NULL; only++)
		if (text_ieq(*only, name))
			return true;
	return false;
}

static struct rec_attr *
find(const struct rec *r, const char *name)
{
	uint32_t tag = text_tag(name, strlen(name));

	for (size_t i = 0; i < r->n; i++)
		if (r->attrs[i].tag == tag && text_ieq(r->attrs[i].name, name))
			return &r->attrs[i];
	return NULL;
}

static struct rec_attr *
find_or_make(struct rec *r, const char *name)
{
	struct rec_attr *a = find(r, name);
	char *copy;

	if (a != NULL)
		return a;
	if (r->n >= REC_ATTRS_MAX || name[0] == '\0') {
		fail(r, r->n >= REC_ATTRS_MAX ? RC_TOOBIG : RC_INVALID);
		return NULL;
	}
	a = r->n < box_of(r)->room_attrs ? r->attrs
					 : grow(r, r->attrs, r->n, sizeof(*a));
	copy = name_dup(r, name);
	if (a != NULL)
		r->attrs = a;
	if (a == NULL || copy == NULL) {
		piece_free(r, copy);
		fail(r, RC_NOMEM);
		return NULL;
	}
	a = &r->attrs[r->n++];
	*a = (struct rec_attr){ copy, NULL, 0, text_tag(copy, strlen(copy)) };
	return a;
}

static void
push_value(struct rec *r, struct rec_attr *a, struct view v)
{
	struct view *values = a->values == NULL
	    ? piece_new(r, sizeof(*values), alignof(struct view))
	    : grow(r, a->values, a->n, sizeof(*values));
	uint8_t *copy = piece_new(r, v.len + 1, 1);

	if (values != NULL)
		a->values = values;
	if (values == NULL || copy == NULL) {
		piece_free(r, copy);
		fail(r, RC_NOMEM);
		return;
	}
	memcpy(copy, v.data, v.len);
	copy[v.len] = '\0';
	a->values[a->n++] = view_of(copy, v.len);
}

void
rec_add(struct rec *r, const char *name, struct view value)
{
	struct rec_attr *a;

	if (r == NULL || r->failed != RC_OK || value.len == 0)
		return;
	if (value.len > REC_VALUE_MAX) {
		fail(r, RC_TOOBIG);
		return;
	}
	if ((a = find_or_make(r, name)) == NULL)
		return;
	for (size_t i = 0; i < a->n; i++)
		if (view_eq(a->values[i], value))
			return;
	push_value(r, a, value);
}

void
rec_add_str(struct rec *r, const char *name, const char *value)
{
	rec_add(r, name, view_str(value));
}

void
rec_addf(struct rec *r, const char *name, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		if (r != NULL)
			fail(r, RC_NOMEM);
		return;
	}
	rec_add_str(r, name, text);
	free(text);
}

void
rec_add_num(struct rec *r, const char *name, const struct num *n)
{
	char dec[NUM_TEXT_MAX];

	num_dec(dec, n);
	rec_addf(r, name, "%02zu%s", strlen(dec), dec);
}

void
rec_add_date(struct rec *r, const char *name, int64_t t)
{
	char text[CLOCK_TEXT_MAX];

	rec_add_str(r, name, clock_text_dir(text, t));
}

void
rec_clear(struct rec *r, const char *name)
{
	struct rec_attr *a;
	size_t at;

	if (r == NULL || (a = find(r, name)) == NULL)
		return;
	attr_free(r, a);
	at = (size_t)(a - r->attrs);
	memmove(a, a + 1, (r->n - at - 1) * sizeof(*a));
	r->n--;
}

void
rec_remove_value(struct rec *r, const char *name, size_t at)
{
	struct rec_attr *a;

	if (r == NULL || (a = find(r, name)) == NULL || at >= a->n)
		return;
	if (a->n == 1) {
		rec_clear(r, name);
		return;
	}
	piece_free(r, a->values[at].data);
	memmove(&a->values[at], &a->values[at + 1],
	    (a->n - at - 1) * sizeof(a->values[0]));
	a->n--;
}

enum rc
rec_check(const struct rec *r, struct err *e)
{
	if (r == NULL)
		return err_set(e, RC_NOMEM, "record: out of memory");
	if (r->failed != RC_OK)
		return err_set(e, r->failed, "%s %.64s: record: %s",
		    rec_kind_text(r->kind), r->id, rc_text(r->failed));
	return RC_OK;
}

const struct rec_attr *
rec_attr(const struct rec *r, const char *name)
{
	const struct rec_attr *a = find(r, name);

	return a != NULL && a->n > 0 ? a : NULL;
}

struct view
rec_get(const struct rec *r, const char *name)
{
	const struct rec_attr *a = rec_attr(r, name);

	return a != NULL ? a->values[0] : view_of(NULL, 0);
}

const char *
rec_str(const struct rec *r, const char *name)
{
	return (const char *)rec_get(r, name).data;
}

bool
rec_has(const struct rec *r, const char *name, const char *value)
{
	const struct rec_attr *a = rec_attr(r, name);

	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (view_is(a->values[i], value))
			return true;
	return false;
}

enum rc
rec_num(const struct rec *r, struct num *out, const char *name, struct err *e)
{
	const char *s = rec_str(r, name);
	enum rc rc;

	if (s == NULL)
		return err_set(e, RC_NOTFOUND, "%s %.64s: no %s",
		    rec_kind_text(r->kind), r->id, name);
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return err_set(e, RC_INVALID, "%s %.64s: %s: no length prefix",
		    rec_kind_text(r->kind), r->id, name);
	if ((rc = num_parse(out, s + 2, false, e)) != RC_OK)
		return err_prefix(
		    e, "%s %.64s: %s", rec_kind_text(r->kind), r->id, name);
	return rc;
}

enum rc
rec_date(const struct rec *r, int64_t *out, const char *name, struct err *e)
{
	const char *s = rec_str(r, name);
	enum rc rc;

	if (s == NULL)
		return err_set(e, RC_NOTFOUND, "%s %.64s: no %s",
		    rec_kind_text(r->kind), r->id, name);
	if ((rc = text_date_dir(out, s, e)) != RC_OK)
		return err_prefix(
		    e, "%s %.64s: %s", rec_kind_text(r->kind), r->id, name);
	return rc;
}

struct rec *
rec_project(const struct rec *r, const char *const *only)
{
	struct rec *n = rec_new(r->kind, r->id);

	if (n == NULL)
		return NULL;
	n->usn = r->usn;
	if (r->failed != RC_OK)
		fail(n, r->failed);
	for (size_t i = 0; i < r->n; i++) {
		const struct rec_attr *a = &r->attrs[i];

		if (!rec_name_in(only, a->name))
			continue;
		for (size_t j = 0; j < a->n; j++)
			rec_add(n, a->name, a->values[j]);
	}
	return n;
}

struct rec *
rec_copy(const struct rec *r)
{
	return rec_project(r, NULL);
}

/* --- bytes ------------------------------------------------------------ */

/* version, kind, usn, id, number of attributes, number of values; then for each
 * attribute name, number of values, values. Numbers are LEB128; names, ids and
 * values are length, bytes, NUL, so that they can be used in place. */

static void
add_len(struct buf *b, uint64_t n)
{
	uint8_t t[10];
	size_t len = 0;

	do {
		t[len++] = (uint8_t)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
		n >>= 7;
	} while (n > 0);
	buf_add(b, t, len);
}

static void
add_piece(struct buf *b, const void *p, size_t len)
{
	add_len(b, len);
	buf_add(b, p, len);
	buf_add(b, "", 1);
}

void
rec_write(
    struct buf *out, const struct rec *r, uint64_t usn, const char *const *only)
{
	size_t attrs = 0, values = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (r->attrs[i].n == 0 || !rec_name_in(only, r->attrs[i].name))
			continue;
		attrs++;
		values += r->attrs[i].n;
	}
	buf_add_char(out, REC_WIRE_VERSION);
	buf_add_char(out, (char)r->kind);
	add_len(out, usn);
	add_piece(out, r->id, strlen(r->id));
	add_len(out, attrs);
	add_len(out, values);
	for (size_t i = 0; i < r->n; i++) {
		const struct rec_attr *a = &r->attrs[i];

		if (a->n == 0 || !rec_name_in(only, a->name))
			continue;
		add_piece(out, a->name, strlen(a->name));
		add_len(out, a->n);
		for (size_t j = 0; j < a->n; j++)
			add_piece(out, a->values[j].data, a->values[j].len);
	}
}

struct cursor {
	const uint8_t *p, *end;
	bool bad;
};

static uint64_t
take_len(struct cursor *c)
{
	uint64_t n = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (c->p == c->end)
			break;
		n |= (uint64_t)(*c->p & 0x7f) << shift;
		if ((*c->p++ & 0x80) == 0)
			return n;
	}
	c->bad = true;
	return 0;
}

static struct view
take_piece(struct cursor *c)
{
	uint64_t len = take_len(c);
	struct view v;

	if (c->bad || len >= (size_t)(c->end - c->p) || c->p[len] != 0) {
		c->bad = true;
		return view_of(NULL, 0);
	}
	v = view_of(c->p, (size_t)len);
	c->p += len + 1;
	return v;
}

static void
read_attrs(struct rec *r, struct cursor *c, size_t attrs, size_t values,
    const char *const *only)
{
	struct view *slots = (struct view *)(void *)(r->attrs + attrs);

	for (size_t i = 0; i < attrs && !c->bad; i++) {
		struct view name = take_piece(c);
		uint64_t n = take_len(c);
		char *text = (char *)(uintptr_t)name.data;
		bool keep;

		if (c->bad || n == 0 || n > values || name.len == 0 ||
		    strlen(text) != name.len) {
			c->bad = true;
			return;
		}
		values -= (size_t)n;
		keep = rec_name_in(only, text);
		if (keep)
			r->attrs[r->n++] = (struct rec_attr){ text, slots,
				(size_t)n, text_tag(text, name.len) };
		for (; n > 0 && !c->bad; n--) {
			struct view v = take_piece(c);

			if (keep)
				*slots++ = v;
		}
	}
	if (values != 0)
		c->bad = true;
}

static void
read_head(struct cursor *c, enum rec_kind *kind, uint64_t *usn, struct view *id)
{
	if (c->end - c->p < 2 || c->p[0] != REC_WIRE_VERSION ||
	    c->p[1] >= REC_KINDS) {
		c->bad = true;
		return;
	}
	*kind = (enum rec_kind)c->p[1];
	c->p += 2;
	*usn = take_len(c);
	*id = take_piece(c);
	if (id->len == 0 || id->len > REC_ID_MAX ||
	    memchr(id->data, 0, id->len) != NULL)
		c->bad = true;
}

enum rc
rec_read(
    struct rec **out, struct view v, const char *const *only, struct err *e)
{
	struct cursor c = { v.data, v.data + v.len, v.len == 0 };
	enum rec_kind kind = REC_CERT;
	struct view id = view_of("", 0);
	uint64_t usn = 0, attrs, values;
	AUTO(rec) r = NULL;
	size_t arrays, at;
	struct rec_box *b;

	if (!c.bad)
		read_head(&c, &kind, &usn, &id);
	attrs = take_len(&c);
	values = take_len(&c);
	/* an attribute takes at least 5 bytes, a value 2 */
	if (c.bad || attrs > REC_ATTRS_MAX || attrs * 5 > v.len ||
	    values > v.len / 2)
		return err_set(e, RC_INVALID, "stored record: damaged head");
	arrays = attrs * sizeof(struct rec_attr) + values * sizeof(struct view);
	if ((b = calloc(1, sizeof(*b) + arrays + v.len)) == NULL)
		return err_set(e, RC_NOMEM, "stored record: out of memory");
	b->block_len = b->used = arrays + v.len;
	memcpy(b->block + arrays, v.data, v.len);
	at = (size_t)(c.p - v.data);
	r = &b->r;
	r->kind = kind;
	r->usn = usn;
	r->id = (char *)b->block + arrays + (id.data - v.data);
	r->attrs = (struct rec_attr *)(void *)b->block;
	c.p = b->block + arrays + at;
	c.end = b->block + b->block_len;
	read_attrs(r, &c, (size_t)attrs, (size_t)values, only);
	if (c.bad || c.p != c.end)
		return err_set(e, RC_INVALID, "%s %.64s: stored record damaged",
		    rec_kind_text(kind), r->id);
	*out = rec_steal(&r);
	return RC_OK;
}

uint64_t
rec_read_usn(struct view v)
{
	struct cursor c = { v.data, v.data + v.len, v.len < 2 };

	if (c.bad)
		return 0;
	c.p += 2;
	return take_len(&c);
}
