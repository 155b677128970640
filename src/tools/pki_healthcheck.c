/* SPDX-License-Identifier: Apache-2.0 */
/* pki_healthcheck.c - pki-healthcheck: runs the checks and reports (spec
 * deployment 7.7).
 * Owns:    the run.
 * Trusts:  its user; a report read back is only shown.
 * Threads: none. */
#include "tools/pki_health.h"

#include "base/file.h"
#include "base/path.h"
#include "base/text.h"

enum {
	WARN_DAYS = 28,
	WARN_DAYS_MAX = 36500,
	INDENT_MAX = 31,
	REPORT_MAX = 64 * 1024 * 1024,
};

static const struct opt opts[] = {
	OPT_FLAG("list-sources", "List the sources of checks"),
	OPT("source", "source", "Run the checks of this source only"),
	OPT("check", "check", "Run this check of the source only"),
	OPT("output-type", "type", "json (default) or human"),
	OPT_SAME("output-format", "output-type"),
	OPT_FLAG("failures-only", "Leave out what succeeded"),
	OPT_FLAG("all", "Report everything, also on a terminal"),
	OPT("severity", "severity",
	    "Report these only: SUCCESS, WARNING, ERROR or CRITICAL; may be "
	    "repeated"),
	OPT_LETTER("verbose", 'v', NULL, "As --debug"),
	OPT_FLAG("debug", "Tell on standard error what is looked at"),
	OPT("output-file", "file", "Write the report to this file"),
	OPT("indent", "number", "Indentation of JSON (default: 2)"),
	OPT("input-file", "file", "Show the report in this file, run nothing"),
	OPT("root", "folder", "Folder that stands before every path"),
	OPT_FLAG("help", "Show help."),
	OPT_FLAG("version", "Show the version number."),
	OPT_END,
};

static void
print_help(void)
{
	printf("usage: pki-healthcheck [OPTIONS..]\n\n");
	args_help(opts);
}

static int
list_sources(void)
{
	const char *last = "";

	for (const struct health_check *c = health_checks; c->source != NULL;
	     c++) {
		if (strcmp(c->source, last) != 0)
			printf("%s\n", c->source);
		last = c->source;
	}
	return 0;
}

/* ---- /etc/pki/healthcheck.conf ---- */

/* The value of name in [section], or NULL; text is cut into lines. */
static const char *
ini_get(char *text, const char *section, const char *name)
{
	const char *found = NULL;
	bool inside = false;
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		char *eq = strchr(line, '=');
		char *s = text_trim(line);
		size_t n = strlen(s);

		if (*s == '[' && s[n - 1] == ']') {
			inside = strlen(section) == n - 2 &&
			    strncmp(s + 1, section, n - 2) == 0;
		} else if (inside && *s != '#' && *s != ';' && eq != NULL) {
			*eq = '\0';
			if (strcmp(text_trim(s), name) == 0)
				found = text_trim(eq + 1);
		}
	}
	return found;
}

/* A copy of a setting; NULL when there is none. */
static enum rc
setting(char **out, const char *section, const char *name, struct err *e)
{
	AUTO_STR path = path_new("/etc/pki/healthcheck.conf");
	AUTO_BUF text = buf_empty(0);
	const char *v;
	enum rc rc;

	if (path == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = file_read(&text, path, e);
	if (rc != RC_OK || text.len == 0)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	v = ini_get((char *)text.data, section, name);
	if (v != NULL && (*out = strdup(v)) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	return RC_OK;
}

static enum rc
configure(struct health *h, char **instance, struct err *e)
{
	AUTO_STR days = NULL;
	enum rc rc = setting(instance, "dogtag", "instance_name", e);

	h->instance = *instance != NULL ? *instance : "pki-tomcat";
	h->warn_days = WARN_DAYS;
	if (rc != RC_OK ||
	    (rc = setting(&days, "default", "cert_expiration_days", e)) !=
		RC_OK ||
	    days == NULL)
		return rc;
	rc = text_int(&h->warn_days, days, 0, WARN_DAYS_MAX, e);
	return rc == RC_OK ? RC_OK : err_prefix(e, "cert_expiration_days");
}

/* ---- running ---- */

static enum rc
run_checks(
    struct health *h, const char *source, const char *check, struct err *e)
{
	bool source_there = source == NULL, check_there = check == NULL;

	if (check != NULL && source == NULL)
		return err_set(
		    e, RC_USAGE, "Source is required when selecting a check");
	for (const struct health_check *c = health_checks; c->source != NULL;
	     c++) {
		if (source != NULL && strcmp(c->source, source) != 0)
			continue;
		source_there = true;
		if (check != NULL && strcmp(c->name, check) != 0)
			continue;
		check_there = true;
		health_run(h, c);
	}
	if (!source_there)
		return err_set(e, RC_NOTFOUND, "Source '%s' not found", source);
	if (!check_there)
		return err_set(e, RC_NOTFOUND,
		    "Check '%s' not found in Source '%s'", check, source);
	return RC_OK;
}

/* A report that was written before. */
static enum rc
read_report(struct health *h, const char *path, struct err *e)
{
	AUTO_BUF text = buf_empty(REPORT_MAX);
	enum rc rc = out_read(&text, path, e);
	json_error_t why;
	json_t *list, *x;
	size_t i;

	if (rc != RC_OK)
		return rc;
	list = json_loadb((const char *)text.data, text.len, 0, &why);
	if (!json_is_array(list)) {
		json_decref(list);
		return err_set(e, RC_INVALID,
		    "%s: not a report of pki-healthcheck in JSON", path);
	}
	json_decref(h->results);
	h->results = list;
	json_array_foreach(list, i, x)
	{
		if (json_str(x, "result") == NULL ||
		    json_str(x, "source") == NULL ||
		    json_str(x, "check") == NULL)
			return err_set(e, RC_INVALID,
			    "%s: result %zu is incomplete", path, i + 1);
		h->failed |= strcmp(json_str(x, "result"), "SUCCESS") != 0;
	}
	return RC_OK;
}

/* ---- reporting ---- */

static bool
wanted(const struct args *a, const json_t *x)
{
	const char *result = json_str(x, "result"), *s;
	bool terminal = !args_has(a, "all") && !args_has(a, "output-file") &&
	    isatty(STDOUT_FILENO);

	for (size_t i = 0; (s = args_nth(a, "severity", i)) != NULL; i++)
		if (text_ieq(s, result))
			return true;
	if (args_has(a, "severity"))
		return false;
	return !(args_has(a, "failures-only") || terminal) ||
	    strcmp(result, "SUCCESS") != 0;
}

static void
human(struct buf *out, const json_t *x)
{
	const json_t *kw = json_object_get(x, "kw");
	const char *key = json_str(kw, "cert_id"), *msg = json_str(kw, "msg");

	buf_addf(out, "%s: %s.%s", json_str(x, "result"), json_str(x, "source"),
	    json_str(x, "check"));
	if (key != NULL)
		buf_addf(out, ".%s", key);
	if (msg != NULL)
		buf_addf(out, ": %s", msg);
	buf_add_char(out, '\n');
}

static enum rc
report(const struct health *h, const struct args *a, struct err *e)
{
	const char *type = args_str(a, "output-type", "json");
	AUTO_BUF out = buf_empty(REPORT_MAX);
	AUTO_JSON list = json_array();
	AUTO_STR text = NULL;
	int64_t indent = 2;
	json_t *x;
	size_t i;

	if (strcmp(type, "json") != 0 && strcmp(type, "human") != 0)
		return err_set(e, RC_USAGE, "Invalid output type: %s", type);
	if (args_has(a, "indent") &&
	    text_int(&indent, args_get(a, "indent"), 0, INDENT_MAX, NULL) !=
		RC_OK)
		return err_set(
		    e, RC_USAGE, "Invalid indent: %s", args_get(a, "indent"));
	json_array_foreach(h->results, i, x)
	{
		if (!wanted(a, x))
			continue;
		if (*type == 'h')
			human(&out, x);
		else
			json_array_append(list, x);
	}
	if (*type == 'h' && out.len == 0)
		buf_add_str(&out, "No issues found.\n");
	if (*type == 'j') {
		text = json_dumps(list, JSON_INDENT((size_t)indent));
		if (text == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
		buf_addf(&out, "%s\n", text);
	}
	if (buf_check(&out, e) != RC_OK)
		return e->rc;
	return out_file(args_get(a, "output-file"), buf_view(&out), e);
}

/* The exit status, -1 for what e says. */
static int
run(struct health *h, const struct args *a, char **instance, struct err *e)
{
	bool locked;
	enum rc rc;

	if (args_has(a, "list-sources"))
		return list_sources();
	h->debug = args_has(a, "debug") || args_has(a, "verbose");
	if ((rc = secret_setup(&locked, e)) != RC_OK ||
	    (rc = path_set_root(args_str(a, "root", getenv("PKI_ROOT")), e)) !=
		RC_OK)
		return -1;
	if (args_has(a, "input-file"))
		rc = read_report(h, args_get(a, "input-file"), e);
	else if ((rc = configure(h, instance, e)) == RC_OK)
		rc = run_checks(
		    h, args_get(a, "source"), args_get(a, "check"), e);
	if (rc != RC_OK || report(h, a, e) != RC_OK)
		return -1;
	return h->failed ? 1 : 0;
}

int
main(int argc, char **argv)
{
	struct health h = { .results = json_array() };
	struct err e = { RC_OK, "" };
	AUTO(args) a = NULL;
	AUTO_STR instance = NULL;
	int status = 0;

	if (args_parse(&a, opts, argv + 1, argc > 0 ? (size_t)argc - 1 : 0,
		false, NULL, &e) != RC_OK) {
		status = -1;
	} else if (args_has(a, "help")) {
		print_help();
	} else if (args_has(a, "version")) {
		printf("pki-healthcheck %s\n", SIGNET_VERSION);
	} else if (args_count(a) > 0) {
		err_set(&e, RC_USAGE, "Too many arguments specified");
		status = -1;
	} else {
		status = run(&h, a, &instance, &e);
	}
	if (fflush(stdout) != 0 && status == 0)
		status = 1;
	if (status < 0)
		fprintf(stderr, "ERROR: %s\n", e.text);
	json_decref(h.results);
	server_done(&h.s);
	return status < 0 ? 1 : status;
}
