/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - lists as agents see and edit them (spec profiles 17).
 * Owns:    nothing; records live in the caller's arena.
 * Trusts:  nothing in the text.
 * Threads: pure. */
#include "profile/records.h"

/* Adds "name:value" to the record; line is changed in place. */
static enum rc
add_field(struct record *r, char *line, struct err *e)
{
	char *colon = strchr(line, ':');

	if (colon == NULL)
		return err_set(e, RC_INVALID, "Missing colon");
	if (r->n == RECORD_FIELDS_MAX)
		return err_set(e, RC_INVALID, "Bad Input Format");
	*colon = '\0';
	r->names[r->n] = text_trim(line);
	r->values[r->n++] = text_trim(colon + 1);
	return RC_OK;
}

const char *
record_field(const struct record *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->names[i], name) == 0)
			return r->values[i];
	return "";
}

static size_t
drop_disabled(struct record *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (is_true(record_field(&v[i], "Enable")))
			v[kept++] = v[i];
	return kept;
}

enum rc
records_parse(struct record **out, size_t *n, const char *text, struct arena *a,
    struct err *e)
{
	struct record *v = arena_alloc(a, NUMBERED_MAX, sizeof(*v));
	char *copy = arena_str(a, text);
	size_t count = 0;
	enum rc rc;

	if (v == NULL || copy == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	while (*copy != '\0') {
		size_t len = strcspn(copy, "\r\n");
		char *line = copy;

		copy += len + (copy[len] != '\0');
		line[len] = '\0';
		if (text_trim(line)[0] == '\0')
			continue;
		if (text_starts(line, "Record")) {
			if (count == NUMBERED_MAX)
				return err_set(
				    e, RC_INVALID, "too many records");
			count++;
			continue;
		}
		if (count == 0)
			return err_set(e, RC_INVALID, "Bad Input Format");
		rc = add_field(&v[count - 1], line, e);
		if (rc != RC_OK)
			return rc;
	}
	*n = drop_disabled(v, count);
	*out = v;
	return RC_OK;
}

void
record_begin(struct buf *out, size_t i)
{
	buf_addf(out, "Record #%zu\r\n", i);
}

void
record_put(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "%s:%s\r\n", name, value);
}

void
record_put_gn(struct buf *out, const char *type_name, const char *value_name,
    const struct gn *g)
{
	record_put(out, type_name, gn_type_name(g->type));
	buf_addf(out, "%s:", value_name);
	gn_put_value_text(out, g);
	buf_add_str(out, "\r\n");
}

void
record_end(struct buf *out)
{
	buf_add_str(out, "Enable:true\r\n\r\n");
}
