/* SPDX-License-Identifier: Apache-2.0 */
/* filter_match.c - evaluation of search filters, comparing as a directory does.
 * Owns:    nothing.
 * Trusts:  the tree made by filter.c.
 * Threads: pure functions. */
#include "store/filter_int.h"
#include "store/kind.h"
#include "store/store_backend.h"

/* Walks text in its comparable form: lower case, blanks squeezed; in a DN no
 * blanks beside separators. */
struct fold {
	const uint8_t *p, *end;
	bool dn, trim;
	uint8_t last; /* as given out; 0 at the start */
};

static bool
separator(uint8_t c)
{
	return c == ',' || c == '=' || c == '+' || c == ';';
}

static struct fold
fold_of(struct view v, enum syntax syntax, bool trim)
{
	/* an empty view may have no data: NULL + 0 is not defined */
	const uint8_t *end = v.len > 0 ? v.data + v.len : v.data;

	return (struct fold){ v.data, end, syntax == SYNTAX_DN, trim, 0 };
}

static int
fold_next(struct fold *f)
{
	bool blank = false;
	uint8_t c;

	while (f->p < f->end && *f->p == ' ') {
		blank = true;
		f->p++;
	}
	if (blank) {
		bool outer = f->last == 0 || f->p == f->end;
		bool beside = f->dn &&
		    ((f->last != 0 && separator(f->last)) ||
			(f->p < f->end && separator(*f->p)));

		if (!(outer && f->trim) && !beside) {
			f->last = ' ';
			return ' ';
		}
	}
	if (f->p == f->end)
		return -1;
	c = *f->p++;
	if (c >= 'A' && c <= 'Z')
		c = (uint8_t)(c + ('a' - 'A'));
	f->last = c;
	return c;
}

static bool
exact(enum syntax s)
{
	return s == SYNTAX_BINARY || s == SYNTAX_OCTETS || s == SYNTAX_EXACT;
}

/* sign, digits of the length, digits; negative ones with every digit
 * complemented. Returns false when v is no decimal number. */
static bool
norm_integer(struct buf *out, struct view v)
{
	bool neg = v.len > 0 && v.data[0] == '-';
	size_t i = neg ? 1 : 0;

	while (i + 1 < v.len && v.data[i] == '0')
		i++;
	if (i >= v.len || v.len - i > 0xffff)
		return false;
	for (size_t j = i; j < v.len; j++)
		if (v.data[j] < '0' || v.data[j] > '9')
			return false;
	if (v.len - i == 1 && v.data[i] == '0')
		neg = false;
	buf_add_char(out, neg ? '-' : '0');
	if (neg)
		buf_addf(out, "%05zu", 99999 - (v.len - i));
	else
		buf_addf(out, "%05zu", v.len - i);
	for (; i < v.len; i++)
		buf_add_char(
		    out, (char)(neg ? '9' - (v.data[i] - '0') : v.data[i]));
	return true;
}

static void
norm(struct buf *out, enum syntax syntax, struct view v, bool trim)
{
	struct fold f = fold_of(v, syntax, trim);

	if (exact(syntax)) {
		buf_add_view(out, v);
		return;
	}
	if (syntax == SYNTAX_INTEGER && norm_integer(out, v))
		return;
	for (int c; (c = fold_next(&f)) >= 0;)
		buf_add_char(out, (char)c);
}

void
value_norm(struct buf *out, enum syntax syntax, struct view value)
{
	norm(out, syntax, value, true);
}

enum rc
filter_prepare(struct filter *f, struct err *e)
{
	f->syntax = schema_syntax(f->attr);
	for (size_t i = 0; i < f->n_parts; i++) {
		struct filter_part *p = &f->part[i];
		enum rc rc;

		norm(&p->norm, f->syntax, buf_view(&p->text), f->n_parts == 1);
		if ((rc = buf_check(&p->norm, e)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

static int
compare(const struct filter *f, struct view value)
{
	struct view want = buf_view(&f->part[0].norm);
	struct fold fold = fold_of(value, f->syntax, true);

	if (exact(f->syntax))
		return view_cmp(value, want);
	if (f->syntax == SYNTAX_INTEGER) {
		AUTO_BUF b = buf_empty(0);

		norm(&b, f->syntax, value, true);
		return view_cmp(buf_view(&b), want);
	}
	for (size_t i = 0;; i++) {
		int c = fold_next(&fold);

		if (c < 0)
			return i == want.len ? 0 : -1;
		if (i == want.len)
			return 1;
		if (c != want.data[i])
			return c < want.data[i] ? -1 : 1;
	}
}

static bool
substring(const struct filter *f, struct view value)
{
	AUTO_BUF b = buf_empty(REC_VALUE_MAX);
	size_t last = f->n_parts - 1;
	const uint8_t *p, *end;

	norm(&b, f->syntax, value, true);
	if (b.failed != RC_OK)
		return false;
	p = (const uint8_t *)buf_cstr(&b);
	end = p + b.len;
	for (size_t i = 0; i <= last; i++) {
		struct view part = buf_view(&f->part[i].norm);

		if (part.len == 0)
			continue;
		if ((size_t)(end - p) < part.len)
			return false;
		if (i == last)
			return memcmp(end - part.len, part.data, part.len) == 0;
		if (i > 0) {
			p = memmem(p, (size_t)(end - p), part.data, part.len);
			if (p == NULL)
				return false;
		} else if (memcmp(p, part.data, part.len) != 0)
			return false;
		p += part.len;
	}
	return true;
}

static bool
value_match(const struct filter *f, struct view value)
{
	switch (f->op) {
	case FILTER_EQ:
		return compare(f, value) == 0;
	case FILTER_GE:
		return compare(f, value) >= 0;
	case FILTER_LE:
		return compare(f, value) <= 0;
	case FILTER_PRESENT:
		return true;
	case FILTER_SUBSTRING:
		return substring(f, value);
	case FILTER_AND:
	case FILTER_OR:
	case FILTER_NOT:
		break;
	}
	return false;
}

/* An attribute without options also names its forms with options. */
static bool
name_match(const char *want, const char *have)
{
	size_t n = strlen(want);

	if (strncasecmp(want, have, n) != 0)
		return false;
	return have[n] == '\0' || have[n] == ';';
}

bool
value_equal(const char *attr, struct view a, struct view b)
{
	enum syntax syntax = schema_syntax(attr);
	struct fold x = fold_of(a, syntax, true), y = fold_of(b, syntax, true);
	int c;

	if (exact(syntax) || view_eq(a, b))
		return view_eq(a, b);
	while ((c = fold_next(&x)) == fold_next(&y))
		if (c < 0)
			return true;
	return false;
}

/* The naming attribute need not be among the attributes. */
static bool
name_of_entry_match(const struct filter *f, const struct rec *r)
{
	AUTO_BUF rdn = buf_empty(0);

	return text_ieq(f->attr, kind_info(r->kind)->rdn) &&
	    kind_rdn_value(&rdn, r->kind, r->id, NULL) == RC_OK &&
	    value_match(f, buf_view(&rdn));
}

static bool
item_match(const struct filter *f, const struct rec *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rec_attr *a = &r->attrs[i];

		if (!name_match(f->attr, a->name))
			continue;
		for (size_t j = 0; j < a->n; j++)
			if (value_match(f, a->values[j]))
				return true;
	}
	return name_of_entry_match(f, r);
}

/* NOLINTBEGIN(misc-no-recursion): no tree is deeper than FILTER_DEPTH_MAX */
bool
filter_match(const struct filter *f, const struct rec *r)
{
	switch (f->op) {
	case FILTER_AND:
		for (size_t i = 0; i < f->n; i++)
			if (!filter_match(f->child[i], r))
				return false;
		return true;
	case FILTER_OR:
		for (size_t i = 0; i < f->n; i++)
			if (filter_match(f->child[i], r))
				return true;
		return false;
	case FILTER_NOT:
		return !filter_match(f->child[0], r);
	case FILTER_EQ:
	case FILTER_GE:
	case FILTER_LE:
	case FILTER_PRESENT:
	case FILTER_SUBSTRING:
		break;
	}
	return item_match(f, r);
}
/* NOLINTEND(misc-no-recursion) */
