/* SPDX-License-Identifier: Apache-2.0 */
/* values.c - read, merge and interpolate deployment parameters.
 * Owns:    every text in struct values; secrets among them are wiped.
 * Trusts:  nothing of the user's file.
 * Threads: one owner. */
#include "deploy/values.h"

#include <ctype.h>
#include <netdb.h>

#include <openssl/crypto.h>

#include "base/file.h"
#include "base/path.h"
#include "base/text.h"
#include "deploy/params.h"

enum {
	VALUES_MAX = 1024,
	VALUE_TEXT_MAX = 64 * 1024,
	INTERPOLATION_DEPTH = 12,
	INTERPOLATIONS_MAX = 4096, /* in one value, at all depths */
};

struct value {
	char *name, *raw;
	char *text; /* interpolated, made on demand */
	bool given, literal;
	bool known; /* of the table, or set at start-up */
	int rank;   /* of the section it came from: later ones win */
};
struct values {
	char subsystem[8];
	struct value items[VALUES_MAX];
	size_t n;
	char *file;
	int interpolations;
};

static void
text_drop(char *s)
{
	if (s != NULL)
		OPENSSL_cleanse(s, strlen(s));
	free(s);
}

void
values_free(struct values *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->n; i++) {
		free(v->items[i].name);
		text_drop(v->items[i].raw);
		text_drop(v->items[i].text);
	}
	free(v->file);
	free(v);
}

bool
values_is_sensitive(const char *name)
{
	for (const char *const *s = params_sensitive; *s != NULL; s++) {
		if (strcmp(*s, name) == 0)
			return true;
	}
	return false;
}

static struct value *
find(const struct values *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++) {
		if (strcmp(v->items[i].name, name) == 0)
			return (struct value *)(uintptr_t)&v->items[i];
	}
	return NULL;
}

static enum rc
put(struct values *v, const char *name, const char *text, int rank, bool given,
    bool literal, struct err *e)
{
	struct value *x = find(v, name);
	char *copy;

	if (x != NULL && given && x->given && x->rank > rank)
		return RC_OK; /* a later section has set it already */
	if (x == NULL) {
		if (v->n == VALUES_MAX)
			return err_set(e, RC_TOOBIG, "more than %d parameters",
			    VALUES_MAX);
		x = &v->items[v->n];
		memset(x, 0, sizeof(*x));
		if ((x->name = strdup(name)) == NULL)
			return err_set(e, RC_NOMEM, "parameters");
		v->n++;
	}
	if ((copy = strdup(text)) == NULL)
		return err_set(e, RC_NOMEM, "parameters");
	text_drop(x->raw);
	text_drop(x->text);
	x->raw = copy;
	x->text = NULL;
	x->rank = rank;
	x->given = x->given || given;
	x->literal = literal || values_is_sensitive(name);
	return RC_OK;
}

enum rc
values_set(struct values *v, const char *name, const char *value, struct err *e)
{
	return put(v, name, value, 3, false, true, e);
}

void
values_forget(struct values *v)
{
	for (size_t i = 0; i < v->n; i++) {
		text_drop(v->items[i].text);
		v->items[i].text = NULL;
	}
}

/* Interpolates raw into out; the recursion is bounded by INTERPOLATION_DEPTH. */
/* NOLINTBEGIN(misc-no-recursion) */
static enum rc
expand(struct values *v, struct buf *out, const char *raw, int depth,
    struct err *e)
{
	if (depth == INTERPOLATION_DEPTH ||
	    v->interpolations++ == INTERPOLATIONS_MAX)
		return err_set(e, RC_INVALID, "%%()s refers to itself");
	for (const char *s = raw; *s != '\0'; s++) {
		const char *end;
		if (s[0] != '%') {
			buf_add_char(out, *s);
			continue;
		}
		if (s[1] == '%') {
			buf_add_char(out, *s++);
			continue;
		}
		if (s[1] != '(' || (end = strstr(s, ")s")) == NULL)
			return err_set(
			    e, RC_INVALID, "a literal %% is written %%%%");
		AUTO_STR name = strndup(s + 2, (size_t)(end - s - 2));
		struct value *x = name != NULL ? find(v, name) : NULL;
		if (x == NULL)
			return err_set(e, RC_INVALID,
			    "%%(%.64s)s: no such parameter",
			    name != NULL ? name : "");
		enum rc rc = RC_OK;
		if (x->literal)
			buf_add_str(out, x->raw);
		else
			rc = expand(v, out, x->raw, depth + 1, e);
		if (rc != RC_OK)
			return rc;
		s = end + 1;
	}
	return buf_check(out, e);
}
/* NOLINTEND(misc-no-recursion) */

enum rc
values_expand(
    struct values *v, struct buf *out, const char *text, struct err *e)
{
	v->interpolations = 0;
	return expand(v, out, text, 0, e);
}

enum rc
values_get(struct values *v, const char **out, const char *name, struct err *e)
{
	struct value *x = find(v, name);
	AUTO_BUF b = buf_empty(VALUE_TEXT_MAX);
	enum rc rc;

	if (x == NULL) {
		*out = "";
		return RC_OK;
	}
	if (x->text == NULL && x->literal) {
		*out = x->raw;
		return RC_OK;
	}
	if (x->text == NULL) {
		rc = values_expand(v, &b, x->raw, e);
		if (rc != RC_OK)
			return err_prefix(e, "%s", name);
		x->text = buf_steal_str(&b);
		if (x->text == NULL && (x->text = strdup("")) == NULL)
			return err_set(e, RC_NOMEM, "parameters");
	}
	*out = x->text;
	return RC_OK;
}

const char *
values_str(struct values *v, const char *name)
{
	const char *s;

	return values_get(v, &s, name, NULL) == RC_OK ? s : "";
}

bool
values_bool(struct values *v, const char *name)
{
	const char *s = values_str(v, name);

	/* yes true t 1 in any case (spec deployment 2.2) */
	return text_ieq(s, "yes") || text_ieq(s, "true") || text_ieq(s, "t") ||
	    strcmp(s, "1") == 0;
}

bool
values_given(const struct values *v, const char *name)
{
	const struct value *x = find(v, name);

	return x != NULL && x->given;
}

enum rc
values_check(struct values *v, struct err *e)
{
	const char *s;

	for (size_t i = 0; i < v->n; i++) {
		enum rc rc = values_get(v, &s, v->items[i].name, e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

void
values_user_text(const struct values *v, struct buf *out)
{
	buf_addf(out, "[%s]\n", v->subsystem);
	for (size_t i = 0; i < v->n; i++) {
		const struct value *x = &v->items[i];
		if (x->given && !values_is_sensitive(x->name))
			buf_addf(out, "%s=%s\n", x->name, x->raw);
	}
}

/* Rank of a section for this subsystem; -1 = another subsystem's, -2 = no such
 * section. */
static int
section_rank(const struct values *v, const char *s)
{
	static const char *const all[] = { "CA", "KRA", "OCSP", "TKS", "TPS",
		"ACME", "EST" };

	if (strcmp(s, "DEFAULT") == 0)
		return 0;
	if (strcmp(s, "Tomcat") == 0)
		return 1;
	if (strcmp(s, v->subsystem) == 0)
		return 2;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(s, all[i]) == 0)
			return -1;
	}
	return -2;
}

const char *
values_file(const struct values *v)
{
	return v->file != NULL ? v->file : "the deployment parameters";
}

/* Given with another value than the default? */
static bool
differs(struct values *v, const struct param *p)
{
	const char *now = values_str(v, p->name);

	if (!values_given(v, p->name) || strcmp(now, p->def) == 0)
		return false;
	if (text_ieq(p->def, "True") || text_ieq(p->def, "False"))
		return values_bool(v, p->name) != text_ieq(p->def, "True");
	return !text_ieq(now, p->def);
}

/* Does another value refer to it? */
static bool
referred(const struct values *v, const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), "%%(%.200s)s", name);
	for (size_t i = 0; i < v->n; i++) {
		if (strstr(v->items[i].raw, text) != NULL)
			return true;
	}
	return false;
}

void
values_inert(struct values *v, values_notice fn, void *arg)
{
	char line[512];

	for (size_t i = 0; i < v->n; i++) {
		const struct value *x = &v->items[i];
		if (x->known || !x->given || referred(v, x->name))
			continue;
		snprintf(line, sizeof(line),
		    "The parameter '%.200s' is not known and has no effect.",
		    x->name);
		fn(arg, line);
	}

	for (const struct param *p = params_table; p->name != NULL; p++) {
		if (p->use != PARAM_INERT || section_rank(v, p->section) < 0 ||
		    !differs(v, p))
			continue;
		snprintf(line, sizeof(line),
		    "The parameter '%s' has no effect in this version.",
		    p->name);
		fn(arg, line);
	}
}

enum rc
values_supported(struct values *v, struct err *e)
{
	for (const struct param *p = params_table; p->name != NULL; p++) {
		if (p->use != PARAM_REFUSED ||
		    section_rank(v, p->section) < 0 || !differs(v, p))
			continue;
		if (p->def[0] == '\0')
			return err_set(e, RC_UNSUPPORTED,
			    "%s is not supported by this version; leave it out",
			    p->name);
		return err_set(e, RC_UNSUPPORTED,
		    "%s=%.64s is not supported by this version; only %s is",
		    p->name,
		    values_is_sensitive(p->name) ? "..."
						 : values_str(v, p->name),
		    p->def);
	}
	return RC_OK;
}

void
values_default_text(struct buf *out)
{
	const char *section = "";

	for (const struct param *p = params_table; p->name != NULL; p++) {
		if (strcmp(section, p->section) != 0)
			buf_addf(out, "[%s]\n", p->section);
		section = p->section;
		buf_addf(out, "%s=%s\n", p->name, p->def);
	}
}

/* Tells of a name with another one now; returns the name to use, NULL = none. */
static const char *
current_name(const char *name, const char *section, values_notice fn, void *arg)
{
	char line[512];

	for (const struct param_renamed *r = params_renamed; r->old != NULL;
	     r++) {
		if (strcmp(r->old, name) != 0)
			continue;
		if (r->now != NULL)
			snprintf(line, sizeof(line),
			    "The '%s' in [%s] has been deprecated. Use '%s' "
			    "instead.",
			    name, section, r->now);
		else
			snprintf(line, sizeof(line),
			    "The '%s' in [%s] is no longer used. This "
			    "parameter "
			    "can be safely removed.",
			    name, section);
		if (fn != NULL)
			fn(arg, line);
		/* parts of a URL keep their names: one alone is no URL */
		return r->now != NULL && strcmp(r->now, "pki_ds_url") == 0
		    ? name
		    : r->now;
	}
	return name;
}

struct reader {
	struct values *v;
	const char *path;
	char section[32];
	int rank, line;
	values_notice fn;
	void *arg;
};

static enum rc
read_section(struct reader *r, char *s, struct err *e)
{
	char *end = strchr(s, ']');

	if (end == NULL)
		return err_set(
		    e, RC_INVALID, "%s:%d: missing ']'", r->path, r->line);
	*end = '\0';
	r->rank = section_rank(r->v, s + 1);
	if (r->rank == -2 || strlen(s + 1) >= sizeof(r->section))
		return err_set(e, RC_INVALID,
		    "Invalid deployment configuration section: %.64s", s + 1);
	memcpy(r->section, s + 1, strlen(s + 1) + 1);
	return RC_OK;
}

static enum rc
read_line(struct reader *r, char *s, struct err *e)
{
	char *eq;
	const char *name;

	if (s[0] == '\0' || s[0] == '#' || s[0] == ';')
		return RC_OK;
	if (s[0] == '[')
		return read_section(r, s, e);
	eq = strpbrk(s, "=:");
	if (eq == NULL)
		return err_set(
		    e, RC_INVALID, "%s:%d: missing '='", r->path, r->line);
	if (r->section[0] == '\0')
		return err_set(e, RC_INVALID,
		    "%s:%d: a parameter before the first [section]", r->path,
		    r->line);
	*eq = '\0';
	if (r->rank < 0)
		return RC_OK;
	name = current_name(text_trim(s), r->section, r->fn, r->arg);
	if (name == NULL)
		return RC_OK;
	return put(r->v, name, text_trim(eq + 1), r->rank, true, false, e);
}

enum rc
values_parse(struct values *v, char *text, const char *path, values_notice fn,
    void *arg, struct err *e)
{
	struct reader r = { .v = v, .path = path, .fn = fn, .arg = arg };
	enum rc rc = RC_OK;

	for (char *s = text, *next; s != NULL && rc == RC_OK; s = next) {
		next = strchr(s, '\n');
		if (next != NULL)
			*next++ = '\0';
		r.line++;
		rc = read_line(&r, text_trim(s), e);
	}
	return rc;
}

enum rc
values_load(struct values *v, const char *path, values_notice fn, void *arg,
    struct err *e)
{
	AUTO_BUF text = buf_empty(1024 * 1024);
	enum rc rc;

	free(v->file);
	if ((v->file = strdup(path)) == NULL)
		return err_set(e, RC_NOMEM, "parameters");
	rc = file_read(&text, path, e);
	if (rc != RC_OK)
		return rc;
	if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
		return err_set(e, RC_INVALID, "%s: a NUL byte", path);
	buf_add_char(&text, '\0');
	if ((rc = buf_check(&text, e)) == RC_OK)
		rc = values_parse(v, (char *)text.data, path, fn, arg, e);
	buf_wipe(&text);
	return rc;
}

enum rc
values_define(struct values *v, const char *text, values_notice fn, void *arg,
    struct err *e)
{
	const char *eq = strchr(text, '=');
	AUTO_STR name = NULL;
	const char *now;

	if (eq == NULL || eq == text)
		return err_set(e, RC_USAGE, "-D %.64s: not name=value", text);
	/* in the registry's copy each would be a parameter of its own */
	if (strpbrk(text, "\r\n") != NULL)
		return err_set(e, RC_USAGE,
		    "-D %.*s: give each parameter a -D of its own, on one "
		    "line",
		    (int)(eq - text > 64 ? 64 : eq - text), text);
	name = strndup(text, (size_t)(eq - text));
	if (name == NULL)
		return err_set(e, RC_NOMEM, "parameters");
	now = current_name(name, v->subsystem, fn, arg);
	return now == NULL ? RC_OK : put(v, now, eq + 1, 3, true, false, e);
}

/* Fully qualified name of this machine. */
static void
host_names(char *fqdn, size_t size, const char **domain)
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *a = NULL;

	if (gethostname(fqdn, size - 1) != 0)
		snprintf(fqdn, size, "localhost");
	if (strchr(fqdn, '.') == NULL &&
	    getaddrinfo(fqdn, NULL, &hints, &a) == 0 && a != NULL &&
	    a->ai_canonname != NULL && strchr(a->ai_canonname, '.') != NULL)
		snprintf(fqdn, size, "%s", a->ai_canonname);
	if (a != NULL)
		freeaddrinfo(a);
	*domain = strchr(fqdn, '.');
	*domain = *domain != NULL ? *domain + 1 : fqdn;
}

/* The instance stands below the root as everything else does. */
static enum rc
put_instance_path(struct values *v, struct err *e)
{
	AUTO_STR path = path_new("/var/lib/pki/%%(pki_instance_name)s");

	if (path == NULL)
		return err_set(e, RC_NOMEM, "parameters");
	return put(v, "pki_instance_path", path, 0, false, false, e);
}

enum rc
values_new(struct values **out, const char *subsystem, struct err *e)
{
	AUTO(values) v = calloc(1, sizeof(*v));
	char fqdn[256] = { 0 }, lower[8];
	const char *domain;
	size_t n = strlen(subsystem);
	enum rc rc = RC_OK;

	if (v == NULL)
		return err_set(e, RC_NOMEM, "parameters");
	if (n >= sizeof(v->subsystem))
		return err_set(
		    e, RC_INVALID, "No such subsystem: %.16s", subsystem);
	memcpy(v->subsystem, subsystem, n + 1);
	for (size_t i = 0; i <= n; i++)
		lower[i] = (char)tolower((unsigned char)subsystem[i]);
	host_names(fqdn, sizeof(fqdn), &domain);
	const char *const start[][2] = { { "pki_hostname", fqdn },
		{ "pki_dns_domainname", domain },
		{ "pki_subsystem", subsystem }, { "pki_subsystem_type", lower },
		{ "home_dir", path_home() },
		{ "application_version", SIGNET_VERSION },
		{ "nss_default_db_type", "sql" }, { "java_home", "" } };
	for (size_t i = 0; i < sizeof(start) / sizeof(start[0]); i++) {
		rc = put(v, start[i][0], start[i][1], 0, false, true, e);
		if (rc != RC_OK)
			return rc;
	}
	for (const struct param *p = params_table; p->name != NULL; p++) {
		if (section_rank(v, p->section) < 0)
			continue;
		rc = put(v, p->name, p->def, section_rank(v, p->section), false,
		    false, e);
		if (rc != RC_OK)
			return rc;
	}
	rc = put_instance_path(v, e);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < v->n; i++)
		v->items[i].known = true;
	*out = values_steal(&v);
	return RC_OK;
}
