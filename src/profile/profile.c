/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c - enrolment profiles: file format and parts (spec profiles 2, 16).
 * Owns:    struct profile, its settings and its arena.
 * Trusts:  nothing in the text; ids end up in file and record names.
 * Threads: immutable after parse; the count is atomic. */
#include "profile/profile.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/cfg.h"
#include "base/text.h"
#include "profile/plugin.h"

enum {
	KEY_MAX = 512,
	LIST_TEXT_MAX = 4096
};

struct profile_own {
	struct cfg *cfg; /* all keys but profileId and classId */
	struct arena *arena;
	atomic_uint refs;
};

/* --- life ------------------------------------------------------------- */

static struct profile *
profile_new(void)
{
	struct profile *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->own = calloc(1, sizeof(*p->own));
	if (p->own == NULL) {
		free(p);
		return NULL;
	}
	atomic_init(&p->own->refs, 1);
	p->own->cfg = cfg_new();
	p->own->arena = arena_new(0);
	if (p->own->cfg == NULL || p->own->arena == NULL) {
		profile_free(p);
		return NULL;
	}
	return p;
}

struct profile *
profile_ref(struct profile *p)
{
	atomic_fetch_add(&p->own->refs, 1);
	return p;
}

void
profile_free(struct profile *p)
{
	if (p == NULL || atomic_fetch_sub(&p->own->refs, 1) != 1)
		return;
	cfg_free(p->own->cfg);
	arena_free(p->own->arena);
	free(p->own);
	free(p);
}

bool
profile_id_is_valid(const char *id)
{
	size_t n = strlen(id);

	if (n == 0 || n > PROFILE_ID_MAX || id[0] == '.')
		return false;
	return strspn(id,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789-_.") == n;
}

/* --- property lines --------------------------------------------------- */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\f';
}

static struct view
skip_blanks(struct view v)
{
	while (v.len > 0 && is_blank(v.data[0]))
		v = view_of(v.data + 1, v.len - 1);
	return v;
}

/* Takes one physical line without its end. */
static struct view
take_line(struct view *text)
{
	const uint8_t *nl = memchr(text->data, '\n', text->len);
	size_t n = nl != NULL ? (size_t)(nl - text->data) : text->len;
	struct view line = view_of(text->data, n);
	size_t used = nl != NULL ? n + 1 : n;

	*text = view_of(text->data + used, text->len - used);
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* A single backslash at the end joins the next line; two are text. */
static bool
is_continued(struct view line)
{
	size_t n = line.len;

	return n > 0 && line.data[n - 1] == '\\' &&
	    (n < 2 || line.data[n - 2] != '\\');
}

/* Takes one logical line into out; *at counts physical lines. */
static void
take_logical(struct view *text, struct buf *out, int *at)
{
	bool more = true;

	buf_reset(out);
	for (bool first = true; more; first = false) {
		struct view line = take_line(text);

		(*at)++;
		if (!first)
			line = skip_blanks(line);
		more = is_continued(line);
		if (more)
			line.len--;
		buf_add_view(out, line);
		more = more && text->len > 0;
	}
}

/* Splits a logical line at the first '=', ':' or blank (blanks around a sign
 * belong to it) and stores it. */
static enum rc
add_line(struct cfg *c, struct buf *line, struct err *e)
{
	struct view v = skip_blanks(buf_view(line));
	size_t k = 0;
	AUTO_STR key = NULL;
	AUTO_STR value = NULL;

	/* an indented comment would be one when it is written again */
	if (v.len == 0 || v.data[0] == '#' || v.data[0] == '!')
		return RC_OK;
	while (k < v.len && v.data[k] != '=' && v.data[k] != ':' &&
	    !is_blank(v.data[k]))
		k++;
	if (k == 0)
		return err_set(e, RC_INVALID, "missing name");
	key = view_dup_str(view_of(v.data, k));
	v = skip_blanks(view_of(v.data + k, v.len - k));
	if (v.len > 0 && (v.data[0] == '=' || v.data[0] == ':'))
		v = skip_blanks(view_of(v.data + 1, v.len - 1));
	value = view_dup_str(v);
	if (key == NULL || value == NULL)
		return err_set(e, RC_INVALID, "NUL byte or no memory");
	return cfg_set(c, key, value, e);
}

static enum rc
read_lines(struct cfg *c, struct view text, const char *what, struct err *e)
{
	AUTO_BUF line = buf_empty(PROFILE_TEXT_MAX);
	int at = 0;
	enum rc rc;

	if (text.len > PROFILE_TEXT_MAX)
		return err_set(e, RC_TOOBIG, "profile %s: more than %d bytes",
		    what, PROFILE_TEXT_MAX);
	while (text.len > 0) {
		int first = at + 1;

		/* only the first character makes a comment, and a comment is
		 * never continued */
		if (text.data[0] == '#' || text.data[0] == '!') {
			(void)take_line(&text);
			at++;
			continue;
		}
		take_logical(&text, &line, &at);
		rc = buf_check(&line, e);
		if (rc == RC_OK)
			rc = add_line(c, &line, e);
		if (rc != RC_OK)
			return err_prefix(
				   e, "profile %s: line %d", what, first),
			       rc;
	}
	return RC_OK;
}

/* --- parts ------------------------------------------------------------ */

/* Slices the settings below prefix out as parameters. */
static enum rc
read_params(struct profile *p, struct profile_part *part, const char *prefix,
    struct err *e)
{
	const struct cfg *c = p->own->cfg;
	size_t from = cfg_lower(c, prefix), n = 0, skip = strlen(prefix);
	struct profile_param *v;

	while (cfg_at(c, from + n).name != NULL &&
	    text_starts(cfg_at(c, from + n).name, prefix))
		n++;
	v = arena_alloc(p->own->arena, n + 1, sizeof(*v));
	if (v == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	for (size_t i = 0; i < n; i++) {
		v[i].name = cfg_at(c, from + i).name + skip;
		v[i].value = cfg_at(c, from + i).value;
	}
	part->params = v;
	part->n_params = n;
	return RC_OK;
}

/* Reads PREFIX.class_id, .name and .params. */
static enum rc
read_part(struct profile *p, struct profile_part *part, const char *prefix,
    const char *id, struct err *e)
{
	char key[KEY_MAX];
	int n = snprintf(key, sizeof(key), "%s.params.", prefix);
	const char *s;

	if (n < 0 || (size_t)n >= sizeof(key))
		return err_set(e, RC_TOOBIG, "profile: name too long");
	part->id = id;
	s = cfg_getf(p->own->cfg, "%s.class_id", prefix);
	part->class_id = s != NULL ? s : "";
	s = cfg_getf(p->own->cfg, "%s.name", prefix);
	part->name = s != NULL ? s : "";
	return read_params(p, part, key, e);
}

/* The items of a comma list, in the arena. */
static enum rc
read_list(struct profile *p, const char *key, char **out, size_t max, size_t *n,
    struct err *e)
{
	const char *s = cfg_get(p->own->cfg, key);
	char *copy = arena_str(p->own->arena, s != NULL ? s : "");

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	*n = text_split(copy, ",", out, max);
	if (*n > max)
		return err_set(
		    e, RC_TOOBIG, "profile %s: %s: too many", p->id, key);
	return RC_OK;
}

static enum rc
read_inputs(struct profile *p, struct err *e)
{
	char *ids[PROFILE_PARTS_MAX], key[KEY_MAX];
	enum rc rc;

	rc =
	    read_list(p, "input.list", ids, PROFILE_PARTS_MAX, &p->n_inputs, e);
	if (rc != RC_OK)
		return rc;
	p->inputs =
	    arena_alloc(p->own->arena, p->n_inputs + 1, sizeof(*p->inputs));
	if (p->inputs == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	for (size_t i = 0; i < p->n_inputs; i++) {
		struct profile_input *in = &p->inputs[i];

		snprintf(key, sizeof(key), "input.%s", ids[i]);
		rc = read_part(p, &in->part, key, ids[i], e);
		if (rc != RC_OK)
			return rc;
		in->cls = input_find(in->part.class_id);
	}
	return RC_OK;
}

static enum rc
read_outputs(struct profile *p, struct err *e)
{
	char *ids[PROFILE_PARTS_MAX], key[KEY_MAX];
	enum rc rc;

	rc = read_list(
	    p, "output.list", ids, PROFILE_PARTS_MAX, &p->n_outputs, e);
	if (rc != RC_OK)
		return rc;
	p->outputs =
	    arena_alloc(p->own->arena, p->n_outputs + 1, sizeof(*p->outputs));
	if (p->outputs == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	for (size_t i = 0; i < p->n_outputs; i++) {
		struct profile_output *o = &p->outputs[i];

		snprintf(key, sizeof(key), "output.%s", ids[i]);
		rc = read_part(p, &o->part, key, ids[i], e);
		if (rc != RC_OK)
			return rc;
		o->cls = output_find(o->part.class_id);
	}
	return RC_OK;
}

static enum rc
read_updaters(struct profile *p, struct err *e)
{
	char *ids[PROFILE_PARTS_MAX], key[KEY_MAX];
	enum rc rc;

	rc = read_list(
	    p, "updater.list", ids, PROFILE_PARTS_MAX, &p->n_updaters, e);
	if (rc != RC_OK)
		return rc;
	p->updaters =
	    arena_alloc(p->own->arena, p->n_updaters + 1, sizeof(*p->updaters));
	if (p->updaters == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	for (size_t i = 0; i < p->n_updaters; i++) {
		snprintf(key, sizeof(key), "updater.%s", ids[i]);
		rc = read_part(p, &p->updaters[i], key, ids[i], e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc
read_policy(struct profile *p, const char *set, const char *id,
    struct profile_policy *out, struct err *e)
{
	char key[KEY_MAX];
	enum rc rc;

	out->id = id;
	snprintf(key, sizeof(key), "policyset.%s.%s.default", set, id);
	rc = read_part(p, &out->def, key, id, e);
	if (rc != RC_OK)
		return rc;
	snprintf(key, sizeof(key), "policyset.%s.%s.constraint", set, id);
	rc = read_part(p, &out->con, key, id, e);
	if (rc != RC_OK)
		return rc;
	if (out->def.class_id[0] == '\0' || out->con.class_id[0] == '\0')
		return err_set(e, RC_INVALID,
		    "profile %s: policyset.%s.%s: no %s class", p->id, set, id,
		    out->def.class_id[0] == '\0' ? "default" : "constraint");
	out->def_cls = default_find(out->def.class_id);
	out->con_cls = constraint_find(out->con.class_id);
	return RC_OK;
}

static enum rc
read_set(
    struct profile *p, struct profile_set *set, const char *id, struct err *e)
{
	char *ids[PROFILE_POLICIES_MAX], key[KEY_MAX];
	enum rc rc;

	set->id = id;
	snprintf(key, sizeof(key), "policyset.%s.list", id);
	rc = read_list(p, key, ids, PROFILE_POLICIES_MAX, &set->n_policies, e);
	if (rc != RC_OK)
		return rc;
	set->policies = arena_alloc(
	    p->own->arena, set->n_policies + 1, sizeof(*set->policies));
	if (set->policies == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	for (size_t i = 0; i < set->n_policies; i++) {
		rc = read_policy(p, id, ids[i], &set->policies[i], e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc
read_sets(struct profile *p, struct err *e)
{
	char *ids[PROFILE_SETS_MAX];
	enum rc rc;

	rc = read_list(
	    p, "policyset.list", ids, PROFILE_SETS_MAX, &p->n_sets, e);
	if (rc != RC_OK)
		return rc;
	p->sets = arena_alloc(p->own->arena, p->n_sets + 1, sizeof(*p->sets));
	if (p->sets == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	for (size_t i = 0; i < p->n_sets; i++) {
		rc = read_set(p, &p->sets[i], ids[i], e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc
read_head(struct profile *p, struct err *e)
{
	const struct cfg *c = p->own->cfg;

	p->name = cfg_str(c, "name", "");
	p->desc = cfg_str(c, "desc", "");
	p->enabled_by = cfg_str(c, "enableBy", "");
	p->auth_id = cfg_str(c, "auth.instance_id", "");
	p->acl = cfg_str(c, "authz.acl", "");
	p->default_subject = cfg_str(c, "defaultSubjectName", "");
	p->visible = text_ieq(cfg_str(c, "visible", ""), "true");
	p->enabled = text_ieq(cfg_str(c, "enable", ""), "true");
	p->renewal = text_ieq(cfg_str(c, "renewal", ""), "true");
	p->xml_output = text_ieq(cfg_str(c, "xmlOutput", ""), "true");
	p->explicit_approval =
	    text_ieq(cfg_str(c, "auth.explicitApprovalRequired", ""), "true");
	if (cfg_str(c, "lastModified", "")[0] == '\0')
		return RC_OK;
	return cfg_int(
	    c, &p->last_modified, "lastModified", 0, INT64_MAX, 0, e);
}

static enum rc
resolve(struct profile *p, struct err *e)
{
	enum rc rc = read_head(p, e);

	if (rc == RC_OK)
		rc = read_inputs(p, e);
	if (rc == RC_OK)
		rc = read_outputs(p, e);
	if (rc == RC_OK)
		rc = read_updaters(p, e);
	if (rc == RC_OK)
		rc = read_sets(p, e);
	return rc;
}

/* Takes profileId and classId out of the settings and gives p its identity. */
static enum rc
identify(struct profile *p, const char *id, const char *class_id, struct err *e)
{
	struct cfg *c = p->own->cfg;

	if (id == NULL) {
		id = cfg_str(c, "profileId", "");
		class_id = cfg_str(c, "classId", "");
		if (id[0] == '\0' || class_id[0] == '\0')
			return err_set(e, RC_INVALID, "profile: missing %s",
			    id[0] == '\0' ? "profileId" : "classId");
	}
	if (!profile_id_is_valid(id))
		return err_set(e, RC_INVALID, "profile: bad id");
	p->id = arena_str(p->own->arena, id);
	p->class_id = arena_str(p->own->arena, class_id);
	if (p->id == NULL || p->class_id == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	(void)cfg_del(c, "profileId");
	(void)cfg_del(c, "classId");
	return RC_OK;
}

enum rc
profile_parse(
    struct profile **out, struct view text, const char *id, struct err *e)
{
	AUTO(profile) p = profile_new();
	enum rc rc;

	if (p == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	rc = read_lines(p->own->cfg, text, id != NULL ? id : "(raw)", e);
	if (rc == RC_OK)
		rc = identify(p, id, "caEnrollImpl", e);
	if (rc == RC_OK)
		rc = resolve(p, e);
	if (rc == RC_OK)
		*out = profile_steal(&p);
	return rc;
}

/* --- bootstrap profiles ------------------------------------------------ */

static enum rc
read_boot_policy(struct profile *p, struct profile_policy *out, const char *id,
    struct err *e)
{
	char key[KEY_MAX];
	const char *s;

	out->id = id;
	out->def.id = out->con.id = id;
	s = cfg_getf(p->own->cfg, "%s.default.class", id);
	out->def_cls = default_find_java(s != NULL ? s : "");
	out->def.class_id = out->def_cls != NULL ? out->def_cls->id
	    : s != NULL                          ? s
						 : "";
	s = cfg_getf(p->own->cfg, "%s.default.name", id);
	out->def.name = s != NULL ? s : "";
	out->con.class_id = "noConstraintImpl";
	out->con.name = "No Constraint";
	out->con_cls = constraint_find("noConstraintImpl");
	snprintf(key, sizeof(key), "%s.default.params.", id);
	return read_params(p, &out->def, key, e);
}

enum rc
profile_parse_bootstrap(
    struct profile **out, struct view text, const char *file, struct err *e)
{
	AUTO(profile) p = profile_new();
	char *ids[PROFILE_POLICIES_MAX];
	struct profile_set *set;
	enum rc rc;

	if (p == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	rc = read_lines(p->own->cfg, text, file, e);
	if (rc == RC_OK)
		rc = identify(p, cfg_str(p->own->cfg, "profileIDMapping", file),
		    "caEnrollImpl", e);
	if (rc == RC_OK)
		rc = resolve(p, e);
	if (rc != RC_OK)
		return rc;
	p->desc = cfg_str(p->own->cfg, "description", "");
	set = arena_alloc(p->own->arena, 1, sizeof(*set));
	if (set == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	set->id = cfg_str(p->own->cfg, "profileSetIDMapping", "set1");
	rc = read_list(
	    p, "list", ids, PROFILE_POLICIES_MAX, &set->n_policies, e);
	if (rc != RC_OK)
		return rc;
	set->policies = arena_alloc(
	    p->own->arena, set->n_policies + 1, sizeof(*set->policies));
	if (set->policies == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	for (size_t i = 0; rc == RC_OK && i < set->n_policies; i++)
		rc = read_boot_policy(p, &set->policies[i], ids[i], e);
	if (rc != RC_OK)
		return rc;
	p->sets = set;
	p->n_sets = 1;
	p->enabled = true;
	*out = profile_steal(&p);
	return RC_OK;
}

/* --- writing ------------------------------------------------------------ */

static void
put_line(struct buf *out, const char *name, const char *value)
{
	buf_add_str(out, name);
	buf_add_char(out, '=');
	buf_add_str(out, value);
	buf_add_char(out, '\n');
}

void
profile_encode(const struct profile *p, struct buf *out, bool raw)
{
	const struct profile_param own[] = { { "classId", p->class_id },
		{ "profileId", p->id } };
	size_t next = raw ? 0 : 2;
	struct cfg_item x;

	for (size_t i = 0; (x = cfg_at(p->own->cfg, i)).name != NULL; i++) {
		for (; next < 2 && strcmp(own[next].name, x.name) < 0; next++)
			put_line(out, own[next].name, own[next].value);
		put_line(out, x.name, x.value);
	}
	for (; next < 2; next++)
		put_line(out, own[next].name, own[next].value);
}

/* Would the line be read back as it is? */
static bool
is_writable(const char *name, const char *value)
{
	size_t n = strlen(value);

	if (name[0] == '\0' || name[0] == '#' || name[0] == '!' ||
	    name[strcspn(name, "=: \t\f\r\n\\")] != '\0')
		return false;
	if (n > 0 && (is_blank((uint8_t)value[0])))
		return false;
	return value[strcspn(value, "\r\n")] == '\0' &&
	    !is_continued(view_str(value));
}

enum rc
profile_edit(struct profile **out, const struct profile *p,
    const struct profile_param *changes, size_t n, struct err *e)
{
	AUTO(profile) q = profile_new();
	const char *id = p->id, *class_id = p->class_id;
	struct cfg_item x;
	enum rc rc = RC_OK;

	if (q == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	for (size_t i = 0; (x = cfg_at(p->own->cfg, i)).name != NULL; i++) {
		rc = cfg_set(q->own->cfg, x.name, x.value, e);
		if (rc != RC_OK)
			return rc;
	}
	for (size_t i = 0; i < n; i++) {
		const char *name = changes[i].name, *value = changes[i].value;

		if (value == NULL)
			(void)cfg_del(q->own->cfg, name);
		else if (!is_writable(name, value))
			return err_set(e, RC_INVALID,
			    "profile %s: value of %s cannot be stored", p->id,
			    name);
		else if (strcmp(name, "profileId") == 0)
			id = value;
		else if (strcmp(name, "classId") == 0)
			class_id = value;
		else
			rc = cfg_set(q->own->cfg, name, value, e);
		if (rc != RC_OK)
			return rc;
	}
	rc = identify(q, id, class_id, e);
	if (rc == RC_OK)
		rc = resolve(q, e);
	if (rc == RC_OK)
		*out = profile_steal(&q);
	return rc;
}

/* --- asking ------------------------------------------------------------- */

const char *
profile_get(const struct profile *p, const char *key)
{
	return cfg_get(p->own->cfg, key);
}

struct profile_param
profile_key_at(const struct profile *p, size_t i)
{
	struct cfg_item x = cfg_at(p->own->cfg, i);

	return (struct profile_param){ x.name, x.value };
}

const struct profile_set *
profile_set_find(const struct profile *p, const char *id)
{
	for (size_t i = 0; i < p->n_sets; i++)
		if (strcmp(p->sets[i].id, id) == 0)
			return &p->sets[i];
	return NULL;
}

const char *
part_param(const struct profile_part *p, const char *name, const char *def)
{
	size_t lo = 0, hi = p->n_params;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(p->params[mid].name, name);

		if (c == 0)
			return p->params[mid].value;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return def;
}

const char *
part_paramf(const struct profile_part *p, const char *fmt, ...)
{
	char name[KEY_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(name))
		return "";
	return part_param(p, name, "");
}

bool
part_bool(const struct profile_part *p, const char *name)
{
	return text_ieq(part_param(p, name, ""), "true");
}
