/* SPDX-License-Identifier: Apache-2.0 */
/* ext.c - extension lists and the plain extension values (RFC 5280 4.2).
 * Owns:    nothing; a struct ext_list copies into its caller's arena.
 * Trusts:  nobody: values come from requests and foreign certificates.
 * Threads: pure functions; a list has one owner. */
#include "x509/ext.h"

#include "base/clock.h"
#include "der/reader.h"
#include "der/writer.h"
#include "x509/impl.h"
#include "x509/str.h"

/* ---- lists ---- */

void
ext_list_init(struct ext_list *l, struct arena *a)
{
	l->arena = a;
	l->count = 0;
}

static struct ext *
find(struct ext_list *l, struct view oid)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		if (view_eq(l->items[i].oid, oid))
			return &l->items[i];
	}
	return NULL;
}

const struct ext *
ext_list_find(const struct ext_list *l, struct view oid)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		if (view_eq(l->items[i].oid, oid))
			return &l->items[i];
	}
	return NULL;
}

const struct ext *
ext_list_find_oid(const struct ext_list *l, enum oid oid)
{
	return ext_list_find(l, oid_der(oid));
}

static enum rc
copy(struct view *out, struct arena *a, struct view v, struct err *e)
{
	const char *p = arena_view(a, v);

	if (p == NULL)
		return err_set(e, RC_NOMEM, "extension: out of memory");
	*out = view_of(p, v.len);
	return RC_OK;
}

enum rc
ext_list_set(struct ext_list *l, struct view oid, bool critical,
    struct view value, struct err *e)
{
	struct ext *x = find(l, oid);
	struct ext made = { .critical = critical };

	if (value.len > EXT_VALUE_MAX || oid.len == 0)
		return err_set(
		    e, RC_TOOBIG, "extension: %zu octets", value.len);
	if (x == NULL && l->count == EXT_COUNT_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d extensions", EXT_COUNT_MAX);
	TRY(copy(&made.oid, l->arena, oid, e));
	TRY(copy(&made.value, l->arena, value, e));
	if (x == NULL)
		x = &l->items[l->count++];
	*x = made;
	return RC_OK;
}

enum rc
ext_list_add(struct ext_list *l, struct view oid, bool critical,
    struct view value, struct err *e)
{
	AUTO_BUF text = buf_empty(0);

	if (find(l, oid) != NULL) {
		if (oid_text(&text, oid, NULL) != RC_OK)
			buf_reset(&text);
		return err_set(e, RC_EXISTS,
		    "extension %s: RFC 5280 4.2: twice", buf_cstr(&text));
	}
	return ext_list_set(l, oid, critical, value, e);
}

enum rc
ext_list_set_buf(struct ext_list *l, enum oid oid, bool critical, struct buf *b,
    struct err *e)
{
	enum rc rc = buf_check(b, e);

	if (rc == RC_OK)
		rc = ext_list_set(l, oid_der(oid), critical, buf_view(b), e);
	buf_reset(b);
	return rc;
}

bool
ext_list_remove(struct ext_list *l, struct view oid)
{
	struct ext *x = find(l, oid);
	size_t i;

	if (x == NULL)
		return false;
	for (i = (size_t)(x - l->items); i + 1 < l->count; i++)
		l->items[i] = l->items[i + 1];
	l->count--;
	return true;
}

enum rc
ext_list_read(struct ext_list *l, struct view exts, struct err *e)
{
	struct ext x;

	while (exts.len > 0) {
		TRY(ext_next(&exts, &x, e));
		TRY(ext_list_add(l, x.oid, x.critical, x.value, e));
	}
	return RC_OK;
}

void
ext_list_put(struct buf *b, const struct ext_list *l)
{
	size_t mark, i;

	if (l == NULL || l->count == 0)
		return;
	mark = der_open(b, DER_SEQUENCE);
	for (i = 0; i < l->count; i++)
		ext_put(b, &l->items[i]);
	der_close(b, mark);
}

/* ---- one extension ---- */

void
ext_put(struct buf *b, const struct ext *x)
{
	size_t mark = der_open(b, DER_SEQUENCE);

	der_put_oid(b, x->oid);
	if (x->critical)
		der_put_bool(b, true);
	der_put_octets(b, x->value);
	der_close(b, mark);
}

static enum rc
next(struct view *exts, struct ext *out, struct err *e)
{
	struct view rest = *exts, body;
	struct ext x = { .critical = false };

	TRY(der_enter(&rest, &body, DER_SEQUENCE, e));
	TRY(der_oid(&body, &x.oid, e));
	if (der_peek(&body) == DER_BOOLEAN) {
		TRY(der_bool(&body, &x.critical, e));
		if (!x.critical)
			return err_set(e, RC_INVALID,
			    "X.690 11.5: critical FALSE encoded");
	}
	TRY(der_octets(&body, &x.value, e));
	TRY(der_end(&body, e));
	if (x.value.len > EXT_VALUE_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d octets", EXT_VALUE_MAX);
	*exts = rest;
	*out = x;
	return RC_OK;
}

enum rc
ext_next(struct view *exts, struct ext *out, struct err *e)
{
	return fail(e, next(exts, out, e), "extension: RFC 5280 4.2");
}

enum rc
ext_check(struct view exts, struct err *e)
{
	struct view seen[EXT_COUNT_MAX];
	struct ext x;
	size_t n = 0, i;

	while (exts.len > 0) {
		TRY(ext_next(&exts, &x, e));
		if (n == EXT_COUNT_MAX)
			return err_set(e, RC_TOOBIG, "more than %d extensions",
			    EXT_COUNT_MAX);
		for (i = 0; i < n; i++) {
			if (view_eq(seen[i], x.oid))
				return err_set(e, RC_INVALID,
				    "extension: RFC 5280 4.2: twice");
		}
		seen[n++] = x.oid;
	}
	return RC_OK;
}

bool
ext_find(struct view exts, enum oid oid, struct ext *out)
{
	struct ext x;

	while (exts.len > 0 && ext_next(&exts, &x, NULL) == RC_OK) {
		if (view_eq(x.oid, oid_der(oid))) {
			*out = x;
			return true;
		}
	}
	return false;
}

/* ---- bits, OIDs, basic constraints ---- */

void
ext_put_bits(struct buf *b, uint32_t bits)
{
	der_put_named_bits(b, bits);
}

enum rc
ext_bits(uint32_t *out, struct view value, struct err *e)
{
	uint32_t bits;

	TRY(der_named_bits(&value, &bits, e));
	TRY(der_end(&value, e));
	*out = bits;
	return RC_OK;
}

void
ext_put_oids(struct buf *b, const struct view *oids, size_t n)
{
	size_t mark = der_open(b, DER_SEQUENCE), i;

	for (i = 0; i < n; i++)
		der_put_oid(b, oids[i]);
	der_close(b, mark);
}

enum rc
ext_oids(struct view *out, struct view value, struct err *e)
{
	return fail(
	    e, impl_list(out, value, e), "extKeyUsage: RFC 5280 4.2.1.12");
}

enum rc
ext_oid_next(struct view *r, struct view *oid, struct err *e)
{
	return fail(e, der_oid(r, oid, e), "extKeyUsage: RFC 5280 4.2.1.12");
}

static const struct {
	const char *word;
	enum oid oid;
} purposes[] = {
	{ "serverAuth", OID_serverAuth },
	{ "clientAuth", OID_clientAuth },
	{ "codeSigning", OID_codeSigning },
	{ "emailProtection", OID_emailProtection },
	{ "ocspSigning", OID_ocspSigning },
};

static enum oid
purpose_find(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
		if (text_ieq(word, purposes[i].word))
			return purposes[i].oid;
	}
	return OID_COUNT;
}

enum rc
ext_put_oid_text(struct buf *b, const char *list, struct err *e)
{
	AUTO_STR copied = strdup(list);
	char *part[EXT_COUNT_MAX];
	AUTO_BUF oid = buf_empty(0);
	enum oid known;
	size_t n, i, mark;

	if (copied == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	n = text_split(copied, ",", part, EXT_COUNT_MAX);
	if (n == 0 || n > EXT_COUNT_MAX)
		return err_set(e, RC_INVALID, "OID list empty or too long");
	mark = der_open(b, DER_SEQUENCE);
	for (i = 0; i < n; i++) {
		buf_reset(&oid);
		known = purpose_find(part[i]);
		if (known != OID_COUNT)
			buf_add_view(&oid, oid_der(known));
		else
			TRY(oid_parse(&oid, part[i], e));
		TRY(buf_check(&oid, e));
		der_put_oid(b, buf_view(&oid));
	}
	der_close(b, mark);
	return buf_check(b, e);
}

void
ext_put_basic_constraints(struct buf *b, const struct basic_constraints *bc)
{
	size_t mark = der_open(b, DER_SEQUENCE);

	if (bc->ca)
		der_put_bool(b, true);
	if (bc->ca && bc->path_len >= 0)
		der_put_int(b, bc->path_len);
	der_close(b, mark);
}

static enum rc
basic_constraints(
    struct basic_constraints *out, struct view value, struct err *e)
{
	struct basic_constraints bc = { false, -1 };
	struct view body;

	TRY(impl_whole(&body, value, e));
	if (der_peek(&body) == DER_BOOLEAN) {
		TRY(der_bool(&body, &bc.ca, e));
		if (!bc.ca)
			return err_set(
			    e, RC_INVALID, "X.690 11.5: cA FALSE encoded");
	}
	if (body.len > 0) {
		TRY(der_int64(&body, &bc.path_len, e));
		if (bc.path_len < 0)
			return err_set(e, RC_INVALID, "negative path length");
	}
	TRY(der_end(&body, e));
	*out = bc;
	return RC_OK;
}

enum rc
ext_basic_constraints(
    struct basic_constraints *out, struct view value, struct err *e)
{
	return fail(e, basic_constraints(out, value, e),
	    "basicConstraints: RFC 5280 4.2.1.9");
}

/* ---- integers, strings, NULL, dates ---- */

void
ext_put_num(struct buf *b, const struct num *n)
{
	der_put_num(b, n);
}

void
ext_put_int(struct buf *b, int64_t v)
{
	der_put_int(b, v);
}

enum rc
ext_num(struct num *out, struct view value, struct err *e)
{
	struct num n;

	TRY(der_num(&value, &n, e));
	TRY(der_end(&value, e));
	*out = n;
	return RC_OK;
}

enum rc
ext_int(int64_t *out, struct view value, struct err *e)
{
	int64_t v;

	TRY(der_int64(&value, &v, e));
	TRY(der_end(&value, e));
	*out = v;
	return RC_OK;
}

void
ext_put_ia5(struct buf *b, const char *s)
{
	der_put(b, DER_IA5_STRING, view_str(s));
}

enum rc
ext_ia5(struct view *out, struct view value, struct err *e)
{
	struct view s;

	TRY(der_enter(&value, &s, DER_IA5_STRING, e));
	TRY(der_end(&value, e));
	if (s.len > 0 && memchr(s.data, 0, s.len) != NULL)
		return err_set(e, RC_INVALID, "NUL in a string");
	*out = s;
	return RC_OK;
}

void
ext_put_null(struct buf *b)
{
	der_put_null(b);
}

enum rc
ext_null(struct view value, struct err *e)
{
	TRY(der_null(&value, e));
	return der_end(&value, e);
}

static enum rc
tagged_time(struct view *r, int tag, bool *present, int64_t *out, struct err *e)
{
	struct view body;

	TRY(der_optional(r, &body, tag, present, e));
	return *present ? impl_time(out, DER_GENERALIZED_TIME, body, e) : RC_OK;
}

static void
put_tagged_time(struct buf *b, int tag, int64_t t)
{
	char text[CLOCK_TEXT_MAX];

	/* "20261121200700Z" is GeneralizedTime's form too */
	der_put(b, tag, view_str(clock_text_dir(text, t)));
}

void
ext_put_usage_period(struct buf *b, const struct usage_period *p)
{
	size_t mark = der_open(b, DER_SEQUENCE);

	if (p->has_not_before)
		put_tagged_time(b, DER_CONTEXT(0), p->not_before);
	if (p->has_not_after)
		put_tagged_time(b, DER_CONTEXT(1), p->not_after);
	der_close(b, mark);
}

static enum rc
usage_period(struct usage_period *out, struct view value, struct err *e)
{
	struct usage_period p = { 0 };
	struct view body;

	TRY(impl_whole(&body, value, e));
	TRY(tagged_time(
	    &body, DER_CONTEXT(0), &p.has_not_before, &p.not_before, e));
	TRY(tagged_time(
	    &body, DER_CONTEXT(1), &p.has_not_after, &p.not_after, e));
	TRY(der_end(&body, e));
	*out = p;
	return RC_OK;
}

enum rc
ext_usage_period(struct usage_period *out, struct view value, struct err *e)
{
	return fail(e, usage_period(out, value, e),
	    "privateKeyUsagePeriod: RFC 3280 4.2.1.4");
}

/* ---- subject directory attributes ---- */

void
ext_put_dir_attrs(struct buf *b, const struct dir_attr *a, size_t n)
{
	size_t mark = der_open(b, DER_SEQUENCE), seq, i;

	for (i = 0; i < n; i++) {
		seq = der_open(b, DER_SEQUENCE);
		der_put_oid(b, a[i].type);
		der_put(b, DER_SET, a[i].values);
		der_close(b, seq);
	}
	der_close(b, mark);
}

enum rc
ext_dir_attrs(struct view *list, struct view value, struct err *e)
{
	return fail(e, impl_list(list, value, e),
	    "subjectDirectoryAttributes: RFC 5280 4.2.1.8");
}

static enum rc
dir_attr_next(struct view *r, struct dir_attr *out, struct err *e)
{
	struct view rest = *r, body, values;
	struct dir_attr a;

	TRY(der_enter(&rest, &body, DER_SEQUENCE, e));
	TRY(der_oid(&body, &a.type, e));
	TRY(der_enter(&body, &a.values, DER_SET, e));
	TRY(der_end(&body, e));
	if (a.values.len == 0)
		return err_set(e, RC_INVALID, "attribute without values");
	for (values = a.values; values.len > 0;)
		TRY(impl_any(&values, NULL, NULL, NULL, e));
	*r = rest;
	*out = a;
	return RC_OK;
}

enum rc
ext_dir_attr_next(struct view *r, struct dir_attr *out, struct err *e)
{
	return fail(e, dir_attr_next(r, out, e),
	    "subjectDirectoryAttributes: RFC 5280 4.2.1.8");
}
