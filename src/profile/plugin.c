/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c - the tables of plug-ins, and what plug-ins share.
 * Owns:    nothing; all tables are constant.
 * Trusts:  the tables. Values from requests and profiles are not trusted.
 * Threads: a struct profile_run belongs to one thread. */
#include "profile/plugin.h"

#include <ctype.h>

#include "profile/pattern.h"

const struct default_class *const default_families[] = { defaults_subject,
	defaults_validity, defaults_key, defaults_id, defaults_usage,
	defaults_names, defaults_location, defaults_subtree, defaults_policy,
	defaults_other, NULL };
const struct constraint_class *const constraint_families[] = {
	constraints_subject, constraints_validity, constraints_key,
	constraints_ext, constraints_unique, constraints_other, NULL
};
const struct input_class *const input_families[] = { inputs_request,
	inputs_data, NULL };

const struct default_class *
default_find(const char *id)
{
	for (size_t f = 0; default_families[f] != NULL; f++)
		for (const struct default_class *c = default_families[f];
		     c->id != NULL; c++)
			if (strcmp(c->id, id) == 0)
				return c;
	return NULL;
}

const struct default_class *
default_find_java(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *last = dot != NULL ? dot + 1 : name;
	char id[PROFILE_ID_MAX];
	int n = snprintf(id, sizeof(id), "%sImpl", last);

	if (n < 0 || (size_t)n >= sizeof(id))
		return NULL;
	for (size_t f = 0; default_families[f] != NULL; f++)
		for (const struct default_class *c = default_families[f];
		     c->id != NULL; c++)
			if (text_ieq(c->id, id))
				return c;
	return NULL;
}

const struct constraint_class *
constraint_find(const char *id)
{
	for (size_t f = 0; constraint_families[f] != NULL; f++)
		for (const struct constraint_class *c = constraint_families[f];
		     c->id != NULL; c++)
			if (strcmp(c->id, id) == 0)
				return c;
	return NULL;
}

const struct input_class *
input_find(const char *id)
{
	for (size_t f = 0; input_families[f] != NULL; f++)
		for (const struct input_class *c = input_families[f];
		     c->id != NULL; c++)
			if (strcmp(c->id, id) == 0)
				return c;
	return NULL;
}

const struct output_class *
output_find(const char *id)
{
	for (const struct output_class *c = outputs_all; c->id != NULL; c++)
		if (strcmp(c->id, id) == 0)
			return c;
	return NULL;
}

/* --- request attributes ----------------------------------------------- */

/* Keys are kept lower-case. Too long a name is no attribute: "" is returned,
 * which never is one. */
static const char *
lower(char out[REC_ID_MAX], const char *name)
{
	size_t n = strlen(name);

	if (n >= REC_ID_MAX)
		n = 0;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)tolower((unsigned char)name[i]);
	out[n] = '\0';
	return out;
}

const char *
run_get(const struct profile_run *r, const char *name)
{
	char key[REC_ID_MAX];
	const char *v = request_ext(r->req, lower(key, name));

	if (v == NULL && text_starts(key, "auth_token."))
		v = request_ext_sub(
		    r->req, "auth_token", key + strlen("auth_token."));
	/* empty texts are not stored; these two are "" when absent */
	if (v == NULL && text_starts(key, "req_subject_name.") &&
	    request_ext(r->req, "req_subject_name") != NULL)
		v = "";
	return v;
}

void
run_put(struct profile_run *r, const char *name, const char *value)
{
	char key[REC_ID_MAX];

	request_set(r->req, lower(key, name), value);
}

void
run_put_bytes(struct profile_run *r, const char *name, struct view v)
{
	char key[REC_ID_MAX];

	request_set_bytes(r->req, lower(key, name), v);
}

enum rc
run_keep(
    const struct profile_run *r, struct view *out, struct buf *b, struct err *e)
{
	enum rc rc = buf_check(b, e);
	char *copy;

	if (rc != RC_OK)
		return rc;
	copy = arena_view(r->arena, buf_view(b));
	if (copy == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	*out = view_of(copy, b->len);
	buf_reset(b);
	return RC_OK;
}

enum rc
run_bytes(const struct profile_run *r, struct view *out, const char *name,
    struct err *e)
{
	const char *v = run_get(r, name);
	AUTO_BUF b = buf_empty(0);
	enum rc rc;

	if (v == NULL) {
		*out = view_of(NULL, 0);
		return RC_OK;
	}
	rc = text_base64(&b, view_str(v), e);
	if (rc != RC_OK)
		return err_prefix(e, "request %s", name), rc;
	return run_keep(r, out, &b, e);
}

/* --- extensions --------------------------------------------------------- */

enum rc
run_ext_add(struct profile_run *r, enum oid oid, bool critical,
    struct buf *value, struct err *e)
{
	if (ext_list_find_oid(&r->t->exts, oid) != NULL)
		return err_set(e, RC_INVALID,
		    "Duplicate extension [%s] found in the request",
		    oid_dotted(oid));
	return ext_list_set_buf(&r->t->exts, oid, critical, value, e);
}

enum rc
run_ext_set(struct profile_run *r, enum oid oid, bool critical,
    struct buf *value, struct err *e)
{
	return ext_list_set_buf(&r->t->exts, oid, critical, value, e);
}

const struct ext *
run_ext(const struct profile_run *r, enum oid oid)
{
	return ext_list_find_oid(&r->t->exts, oid);
}

enum rc
run_ext_critical(
    struct profile_run *r, enum oid oid, const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, oid);

	if (x == NULL)
		return RC_OK;
	return ext_list_set(&r->t->exts, x->oid, is_true(value), x->value, e);
}

/* --- patterns and small readers ------------------------------------------ */

static const char *
request_token(void *arg, const char *set, const char *name)
{
	const struct profile_run *r = arg;
	const char *v;

	if (strcmp(set, "request") != 0)
		return NULL;
	v = run_get(r, name);
	if (v == NULL && profile_declares(r->p, r->env, name))
		v = "";
	return v;
}

enum rc
run_expand(const struct profile_run *r, const char **out, const char *pattern,
    struct err *e)
{
	struct profile_run run = *r;
	AUTO_BUF b = buf_empty(PROFILE_TEXT_MAX);
	struct view v;
	enum rc rc = pattern_expand(&b, pattern, request_token, &run, e);

	if (rc == RC_OK)
		rc = run_keep(r, &v, &b, e);
	if (rc == RC_OK)
		*out = (const char *)v.data; /* arena_view adds a NUL */
	return rc;
}

bool
is_true(const char *s)
{
	return s != NULL && text_ieq(s, "true");
}

void
put_bool(struct buf *out, bool v)
{
	buf_add_str(out, v ? "true" : "false");
}

enum rc
bad_property(struct err *e, const char *name)
{
	return err_set(e, RC_INVALID, "Invalid property %s", name);
}

size_t
part_count(const struct profile_part *p, const char *name)
{
	int64_t n;

	if (text_int(&n, part_param(p, name, ""), 0, INT64_MAX, NULL) != RC_OK)
		return 1;
	return n > NUMBERED_MAX ? NUMBERED_MAX : (size_t)n;
}

enum rc
part_int(const struct profile_part *p, int64_t *out, const char *name,
    int64_t def, struct err *e)
{
	const char *s = part_param(p, name, "");

	if (s[0] == '\0') {
		*out = def;
		return RC_OK;
	}
	if (text_int(out, s, INT32_MIN, INT32_MAX, NULL) != RC_OK)
		return err_set(
		    e, RC_INVALID, "%s: %s is not a number", p->class_id, name);
	return RC_OK;
}

bool
is_any(const char *s)
{
	return s[0] == '\0' || strcmp(s, "-") == 0;
}

bool
list_has(const char *list, const char *item, bool any_case)
{
	size_t n = strlen(item);

	while (*list != '\0') {
		const char *end;

		list += strspn(list, " ,\t");
		end = list + strcspn(list, ",");
		while (end > list && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		if ((size_t)(end - list) == n && n > 0 &&
		    (any_case ? strncasecmp(list, item, n)
			      : strncmp(list, item, n)) == 0)
			return true;
		list += strcspn(list, ",");
	}
	return false;
}
