/* SPDX-License-Identifier: Apache-2.0 */
/* cfg.c - "name=value" settings as an array sorted by name.
 * Owns:    names and values; values are wiped when they go, because
 *          password.conf has this form too.
 * Trusts:  nothing in the text: control characters and NUL are refused.
 * Threads: a struct cfg has one owner. */
#include "base/cfg.h"

#include <stdio.h>

#include <openssl/crypto.h>

#include "base/file.h"
#include "base/text.h"

enum {
	CFG_ITEMS_MAX = 1000000,
	NAME_TEXT_MAX = 512, /* of a name built by cfg_getf */
};

struct item {
	char *name, *value;
	int line;
	size_t at; /* its place before they are sorted */
};

struct cfg {
	struct item *items; /* sorted by name, names unique */
	size_t count, cap;
};

static void
value_free(char *value)
{
	if (value != NULL)
		OPENSSL_cleanse(value, strlen(value));
	free(value);
}

static void
item_done(struct item *x)
{
	free(x->name);
	value_free(x->value);
}

struct cfg *
cfg_new(void)
{
	return calloc(1, sizeof(struct cfg));
}

void
cfg_free(struct cfg *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->count; i++)
		item_done(&c->items[i]);
	free(c->items);
	free(c);
}

size_t
cfg_lower(const struct cfg *c, const char *prefix)
{
	size_t lo = 0, hi = c->count, mid;

	/* files are saved sorted, so the usual place is the end */
	if (hi > 0 && strcmp(c->items[hi - 1].name, prefix) < 0)
		return hi;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(c->items[mid].name, prefix) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct item *
lookup(const struct cfg *c, const char *name)
{
	size_t i = cfg_lower(c, name);

	if (i < c->count && strcmp(c->items[i].name, name) == 0)
		return &c->items[i];
	return NULL;
}

/* Takes over name and value (either may be NULL: out of memory), behind all. */
static enum rc
append(struct cfg *c, char *name, char *value, int line, struct err *e)
{
	struct item fresh = { name, value, line, 0 }, *grown;
	size_t cap;

	if (name == NULL || value == NULL)
		goto nomem;
	if (c->count == CFG_ITEMS_MAX) {
		item_done(&fresh);
		return err_set(
		    e, RC_TOOBIG, "more than %d settings", CFG_ITEMS_MAX);
	}
	if (c->count == c->cap) {
		cap = c->cap != 0 ? c->cap * 2 : 64;
		grown = reallocarray(c->items, cap, sizeof(*grown));
		if (grown == NULL)
			goto nomem;
		c->items = grown;
		c->cap = cap;
	}
	c->items[c->count++] = fresh;
	return RC_OK;
nomem:
	item_done(&fresh);
	return err_set(e, RC_NOMEM, "settings: out of memory");
}

/* As append, to its place. */
static enum rc
put(struct cfg *c, char *name, char *value, struct err *e)
{
	struct item *x = name != NULL ? lookup(c, name) : NULL, fresh;
	size_t i = name != NULL ? cfg_lower(c, name) : 0;
	enum rc rc;

	if (x != NULL && value != NULL) {
		item_done(x);
		*x = (struct item){ name, value, 0, 0 };
		return RC_OK;
	}
	rc = append(c, name, value, 0, e);
	if (rc != RC_OK)
		return rc;
	fresh = c->items[c->count - 1];
	memmove(&c->items[i + 1], &c->items[i],
	    (c->count - 1 - i) * sizeof(*c->items));
	c->items[i] = fresh;
	return RC_OK;
}

static int
by_name(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	if (r != 0)
		return r;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* After some appends: in order again, of a repeated name the last. */
static void
settle(struct cfg *c)
{
	size_t kept = 0, i;

	for (i = 1; i < c->count; i++)
		if (strcmp(c->items[i - 1].name, c->items[i].name) >= 0)
			break;
	if (i >= c->count)
		return; /* files are saved sorted */
	for (i = 0; i < c->count; i++)
		c->items[i].at = i;
	qsort(c->items, c->count, sizeof(*c->items), by_name);
	for (i = 0; i < c->count; i++) {
		if (kept > 0 &&
		    strcmp(c->items[kept - 1].name, c->items[i].name) == 0)
			item_done(&c->items[--kept]);
		c->items[kept++] = c->items[i];
	}
	c->count = kept;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\f';
}

static struct view
skip_blanks(struct view v)
{
	while (v.len > 0 && is_blank(v.data[0])) {
		v.data++;
		v.len--;
	}
	return v;
}

static struct view
drop_blanks_behind(struct view v)
{
	while (v.len > 0 && is_blank(v.data[v.len - 1]))
		v.len--;
	return v;
}

static bool
has_control(struct view v)
{
	size_t i;

	for (i = 0; i < v.len; i++)
		if (v.data[i] < ' ' && v.data[i] != '\t')
			return true;
	return false;
}

/* Takes one line, without its end of line, off *text. */
static struct view
next_line(struct view *text)
{
	const uint8_t *nl = memchr(text->data, '\n', text->len);
	struct view line = *text;

	if (nl != NULL)
		line.len = (size_t)(nl - text->data);
	text->data += line.len + (nl != NULL);
	text->len -= line.len + (nl != NULL);
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* One setting, its continuation lines joined. */
static enum rc
parse_setting(
    struct cfg *c, struct view s, const char *what, int line, struct err *e)
{
	const uint8_t *eq = s.len > 0 ? memchr(s.data, '=', s.len) : NULL;
	struct view name, value;

	if (eq == NULL)
		return err_set(e, RC_INVALID, "%s:%d: missing '='", what, line);
	name = drop_blanks_behind(view_of(s.data, (size_t)(eq - s.data)));
	value = skip_blanks(view_of(eq + 1, s.len - (size_t)(eq + 1 - s.data)));
	if (name.len == 0 || name.data[0] == '#')
		return err_set(
		    e, RC_INVALID, "%s:%d: missing name", what, line);
	if (has_control(name) || has_control(value))
		return err_set(
		    e, RC_INVALID, "%s:%d: control character", what, line);
	/* only behind a continuation; it would not come back when saved */
	if (value.len > 0 && value.data[value.len - 1] == '\\')
		return err_set(
		    e, RC_INVALID, "%s:%d: value ends in '\\'", what, line);
	return append(c, view_dup_str(name), view_dup_str(value), line, e);
}

enum rc
cfg_parse(struct cfg *c, struct view text, const char *what, struct err *e)
{
	struct buf whole = buf_empty(0);
	int line = 0, first;
	enum rc rc = RC_OK;
	struct view l;

	while (rc == RC_OK && text.len > 0) {
		l = skip_blanks(next_line(&text));
		first = ++line;
		if (l.len == 0 || l.data[0] == '#')
			continue;
		buf_reset(&whole);
		while (l.len > 0 && l.data[l.len - 1] == '\\') {
			buf_add(&whole, l.data, l.len - 1);
			if (text.len == 0) {
				l.len = 0;
				break;
			}
			l = skip_blanks(next_line(&text));
			line++;
		}
		buf_add_view(&whole, l);
		rc = buf_check(&whole, e);
		if (rc == RC_OK)
			rc = parse_setting(c, buf_view(&whole), what, first, e);
	}
	settle(c);
	buf_wipe(&whole);
	return rc;
}

enum rc
cfg_load(struct cfg *c, const char *path, struct err *e)
{
	struct buf text = buf_empty(FILE_MAX_DEFAULT);
	enum rc rc = file_read(&text, path, e);

	if (rc == RC_OK)
		rc = cfg_parse(c, buf_view(&text), path, e);
	buf_wipe(&text);
	return rc;
}

void
cfg_encode(const struct cfg *c, struct buf *out)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		buf_add_str(out, c->items[i].name);
		buf_add_char(out, '=');
		buf_add_str(out, c->items[i].value);
		buf_add_char(out, '\n');
	}
}

enum rc
cfg_save(const struct cfg *c, const char *path, mode_t mode, struct err *e)
{
	struct buf text = buf_empty(FILE_MAX_DEFAULT);
	enum rc rc;

	cfg_encode(c, &text);
	rc = buf_check(&text, e);
	if (rc == RC_OK)
		rc = file_write(path, buf_view(&text), mode, e);
	buf_wipe(&text);
	return rc;
}

const char *
cfg_get(const struct cfg *c, const char *name)
{
	const struct item *x = lookup(c, name);

	return x != NULL ? x->value : NULL;
}

const char *
cfg_str(const struct cfg *c, const char *name, const char *def)
{
	const char *v = cfg_get(c, name);

	return v != NULL && v[0] != '\0' ? v : def;
}

/* The value without blanks behind it, for numbers and truth values. */
static const char *
bare(char *out, size_t max, const char *v)
{
	struct view s = drop_blanks_behind(view_str(v));

	if (s.len >= max)
		return v;
	memcpy(out, s.data, s.len);
	out[s.len] = '\0';
	return out;
}

bool
cfg_bool(const struct cfg *c, const char *name, bool def)
{
	const char *v = cfg_str(c, name, NULL);
	char text[16];

	return v != NULL ? text_bool(bare(text, sizeof(text), v)) : def;
}

enum rc
cfg_int(const struct cfg *c, int64_t *out, const char *name, int64_t min,
    int64_t max, int64_t def, struct err *e)
{
	const char *v = cfg_str(c, name, NULL);
	char text[32];
	enum rc rc;

	if (v == NULL) {
		*out = def;
		return RC_OK;
	}
	rc = text_int(out, bare(text, sizeof(text), v), min, max, e);
	if (rc != RC_OK && e != NULL)
		return err_prefix(e, "%s", name);
	return rc;
}

const char *
cfg_getf(const struct cfg *c, const char *fmt, ...)
{
	char name[NAME_TEXT_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	return n < 0 || (size_t)n >= sizeof(name) ? NULL : cfg_get(c, name);
}

enum rc
cfg_set(struct cfg *c, const char *name, const char *value, struct err *e)
{
	struct view n = view_str(name), v = skip_blanks(view_str(value));

	if (n.len == 0 || has_control(n) || memchr(n.data, '=', n.len) ||
	    n.data[0] == '#' || is_blank(n.data[0]) ||
	    is_blank(n.data[n.len - 1]))
		return err_set(e, RC_INVALID, "setting: malformed name");
	if (has_control(v) || (v.len > 0 && v.data[v.len - 1] == '\\'))
		return err_set(e, RC_INVALID,
		    "%s: value with a control character or ending in '\\'",
		    name);
	return put(c, strdup(name), view_dup_str(v), e);
}

bool
cfg_del(struct cfg *c, const char *name)
{
	struct item *x = lookup(c, name);

	if (x == NULL)
		return false;
	item_done(x);
	c->count--;
	memmove(
	    x, x + 1, (c->count - (size_t)(x - c->items)) * sizeof(*c->items));
	return true;
}

size_t
cfg_del_prefix(struct cfg *c, const char *prefix)
{
	size_t from = cfg_lower(c, prefix), to = from;

	while (to < c->count && text_starts(c->items[to].name, prefix))
		item_done(&c->items[to++]);
	if (to > from)
		memmove(&c->items[from], &c->items[to],
		    (c->count - to) * sizeof(*c->items));
	c->count -= to - from;
	return to - from;
}

size_t
cfg_count(const struct cfg *c)
{
	return c->count;
}

struct cfg_item
cfg_at(const struct cfg *c, size_t i)
{
	if (i >= c->count)
		return (struct cfg_item){ NULL, NULL, 0 };
	return (struct cfg_item){ c->items[i].name, c->items[i].value,
		c->items[i].line };
}

/* --- two and three of them --------------------------------------------- */

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
cfg_equal(const struct cfg *a, const struct cfg *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i].name, b->items[i].name) != 0 ||
		    strcmp(a->items[i].value, b->items[i].value) != 0)
			return false;
	return true;
}

/* What becomes of b when one side made m of it and the other t; NULL = none. */
static const char *
merged(const struct cfg *base, const char *b, const char *m, const char *t,
    bool *clash)
{
	if (base == NULL)
		return t != NULL ? t : m;
	if (same(m, b))
		return t;
	*clash = !same(t, b) && !same(m, t);
	return m;
}

enum rc
cfg_merge(struct cfg *out, const struct cfg *base, const struct cfg *mine,
    const struct cfg *theirs, size_t *clashes, struct err *e)
{
	size_t i = 0, k = 0;
	enum rc rc = RC_OK;

	if (clashes != NULL)
		*clashes = 0;
	/* both are sorted; so is what comes of them */
	while (rc == RC_OK && (i < mine->count || k < theirs->count)) {
		int order = i == mine->count ? 1
		    : k == theirs->count
		    ? -1
		    : strcmp(mine->items[i].name, theirs->items[k].name);
		const char *name =
		    order <= 0 ? mine->items[i].name : theirs->items[k].name;
		const char *m = order <= 0 ? mine->items[i++].value : NULL;
		const char *t = order >= 0 ? theirs->items[k++].value : NULL;
		const char *b = base != NULL ? cfg_get(base, name) : NULL;
		bool clash = false;
		const char *v = merged(base, b, m, t, &clash);

		if (clashes != NULL)
			*clashes += clash;
		if (v != NULL)
			rc = cfg_set(out, name, v, e);
	}
	return rc;
}
