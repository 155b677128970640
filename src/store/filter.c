/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - RFC 4515 search filters: text to tree and back. The evaluator is
 * in filter_match.c.
 * Owns:    struct filter, a tree of nodes.
 * Trusts:  nothing; depth and length are limited.
 * Threads: a parsed filter is constant and may be shared. */
#include "store/filter.h"

#include "store/filter_int.h"

struct parser {
	const char *p;
	struct err *e;
};

static enum rc
bad(struct parser *ps, const char *what)
{
	return err_set(ps->e, RC_INVALID, "filter: RFC 4515: %s", what);
}

/* NOLINTBEGIN(misc-no-recursion): no tree is deeper than FILTER_DEPTH_MAX */
void
filter_free(struct filter *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n; i++)
		filter_free(f->child[i]);
	for (size_t i = 0; i < f->n_parts; i++) {
		buf_done(&f->part[i].text);
		buf_done(&f->part[i].norm);
	}
	free(f->child);
	free(f->part);
	free(f->attr);
	free(f);
}
/* NOLINTEND(misc-no-recursion) */

static enum rc
add_child(struct filter *f, struct filter *c)
{
	struct filter **list = reallocarray(f->child, f->n + 1, sizeof(*list));

	if (list == NULL) {
		filter_free(c);
		return RC_NOMEM;
	}
	f->child = list;
	f->child[f->n++] = c;
	return RC_OK;
}

static struct buf *
add_part(struct filter *f)
{
	struct filter_part *list =
	    reallocarray(f->part, f->n_parts + 1, sizeof(*list));

	if (list == NULL)
		return NULL;
	f->part = list;
	f->part[f->n_parts].text = buf_empty(FILTER_TEXT_MAX);
	f->part[f->n_parts].norm = buf_empty(FILTER_TEXT_MAX);
	return &f->part[f->n_parts++].text;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
attr_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ';' ||
	    c == '_';
}

static enum rc
parse_attr(struct parser *ps, struct filter *f)
{
	const char *from = ps->p;

	while (attr_char(*ps->p))
		ps->p++;
	if (ps->p == from)
		return bad(ps, "no attribute name");
	if ((f->attr = strndup(from, (size_t)(ps->p - from))) == NULL)
		return err_set(ps->e, RC_NOMEM, "filter: out of memory");
	return RC_OK;
}

/* Reads up to '*' or ')' and undoes the escapes. */
static enum rc
parse_part(struct parser *ps, struct buf *out)
{
	for (; *ps->p != '*' && *ps->p != ')'; ps->p++) {
		int hi, lo;

		if (*ps->p == '\0')
			return bad(ps, "no closing parenthesis");
		if (*ps->p == '(')
			return bad(ps, "parenthesis in a value");
		if (*ps->p != '\\') {
			buf_add_char(out, *ps->p);
			continue;
		}
		if ((hi = hex_digit(ps->p[1])) < 0 ||
		    (lo = hex_digit(ps->p[2])) < 0)
			return bad(ps, "backslash without two hex digits");
		buf_add_char(out, (char)(hi * 16 + lo));
		ps->p += 2;
	}
	return buf_check(out, ps->e);
}

static enum rc
parse_value(struct parser *ps, struct filter *f)
{
	size_t stars = 0;

	for (;; stars++, ps->p++) {
		struct buf *part = add_part(f);
		enum rc rc;

		if (part == NULL)
			return err_set(
			    ps->e, RC_NOMEM, "filter: out of memory");
		if ((rc = parse_part(ps, part)) != RC_OK)
			return rc;
		if (*ps->p == ')')
			break;
	}
	if (stars == 0)
		return RC_OK;
	if (f->op != FILTER_EQ)
		return bad(ps, "asterisk beside >= or <=");
	f->op = FILTER_SUBSTRING;
	if (stars == 1 && f->part[0].text.len == 0 && f->part[1].text.len == 0)
		f->op = FILTER_PRESENT;
	return RC_OK;
}

static enum rc
parse_item(struct parser *ps, struct filter *f)
{
	enum rc rc = parse_attr(ps, f);

	if (rc != RC_OK)
		return rc;
	f->op = FILTER_EQ;
	if (*ps->p == '>' || *ps->p == '<') {
		f->op = *ps->p == '>' ? FILTER_GE : FILTER_LE;
		ps->p++;
	}
	if (*ps->p != '=')
		return bad(ps, "no comparison after the attribute name");
	ps->p++;
	if ((rc = parse_value(ps, f)) != RC_OK)
		return rc;
	return filter_prepare(f, ps->e);
}

/* NOLINTBEGIN(misc-no-recursion): parse_node refuses FILTER_DEPTH_MAX */
static enum rc parse_node(
    struct parser *ps, struct filter **out, unsigned depth);

static enum rc
parse_list(struct parser *ps, struct filter *f, unsigned depth)
{
	f->op = *ps->p == '&' ? FILTER_AND
	    : *ps->p == '|'   ? FILTER_OR
			      : FILTER_NOT;
	ps->p++;
	while (*ps->p == '(') {
		struct filter *c = NULL;
		enum rc rc = parse_node(ps, &c, depth + 1);

		if (rc == RC_OK)
			rc = add_child(f, c);
		if (rc != RC_OK)
			return rc;
	}
	if (f->n == 0 || (f->op == FILTER_NOT && f->n != 1))
		return bad(ps, "wrong number of terms");
	return RC_OK;
}

static enum rc
parse_node(struct parser *ps, struct filter **out, unsigned depth)
{
	AUTO(filter) f = NULL;
	enum rc rc;

	if (depth >= FILTER_DEPTH_MAX)
		return bad(ps, "nested too deeply");
	if (*ps->p != '(')
		return bad(ps, "no opening parenthesis");
	ps->p++;
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return err_set(ps->e, RC_NOMEM, "filter: out of memory");
	if (*ps->p == '&' || *ps->p == '|' || *ps->p == '!')
		rc = parse_list(ps, f, depth);
	else
		rc = parse_item(ps, f);
	if (rc != RC_OK)
		return rc;
	if (*ps->p != ')')
		return bad(ps, "no closing parenthesis");
	ps->p++;
	*out = filter_steal(&f);
	return RC_OK;
}
/* NOLINTEND(misc-no-recursion) */

enum rc
filter_parse(struct filter **out, const char *text, struct err *e)
{
	struct parser ps = { text, e };
	AUTO(filter) f = NULL;
	enum rc rc;

	if (strlen(text) > FILTER_TEXT_MAX)
		return err_set(e, RC_TOOBIG,
		    "filter: longer than %d characters", FILTER_TEXT_MAX);
	if ((rc = parse_node(&ps, &f, 0)) != RC_OK)
		return rc;
	if (*ps.p != '\0')
		return bad(&ps, "text after the filter");
	*out = filter_steal(&f);
	return RC_OK;
}

void
filter_escape(struct buf *out, struct view value)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.data[i];

		if (c < 0x20 || c > 0x7e || strchr("*()\\", c) != NULL) {
			buf_add_char(out, '\\');
			buf_add_char(out, hex[c >> 4]);
			buf_add_char(out, hex[c & 15]);
		} else
			buf_add_char(out, (char)c);
	}
}

static void
item_text(const struct filter *f, struct buf *out)
{
	buf_add_str(out, f->attr);
	buf_add_str(out,
	    f->op == FILTER_GE       ? ">="
		: f->op == FILTER_LE ? "<="
				     : "=");
	for (size_t i = 0; i < f->n_parts; i++) {
		if (i > 0)
			buf_add_char(out, '*');
		filter_escape(out, buf_view(&f->part[i].text));
	}
}

/* NOLINTBEGIN(misc-no-recursion): no tree is deeper than FILTER_DEPTH_MAX */
void
filter_text(const struct filter *f, struct buf *out)
{
	buf_add_char(out, '(');
	if (f->op == FILTER_AND || f->op == FILTER_OR || f->op == FILTER_NOT) {
		buf_add_char(out,
		    f->op == FILTER_AND      ? '&'
			: f->op == FILTER_OR ? '|'
					     : '!');
		for (size_t i = 0; i < f->n; i++)
			filter_text(f->child[i], out);
	} else
		item_text(f, out);
	buf_add_char(out, ')');
}
/* NOLINTEND(misc-no-recursion) */

enum filter_op
filter_op(const struct filter *f)
{
	return f->op;
}

size_t
filter_children(const struct filter *f)
{
	return f->n;
}

const struct filter *
filter_child(const struct filter *f, size_t i)
{
	return i < f->n ? f->child[i] : NULL;
}

const char *
filter_attr(const struct filter *f)
{
	return f->attr;
}

struct view
filter_value(const struct filter *f)
{
	return f->n_parts == 1 ? buf_view(&f->part[0].text) : view_of("", 0);
}
