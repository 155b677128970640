/* SPDX-License-Identifier: Apache-2.0 */
/* pki_audit.c - SUB-audit-* and SUB-selftest-*.
 * Owns: nothing. Trusts: nothing of the server. Threads: none. */
#include "tools/pki_cmds.h"
#include "tools/pki_fields.h"

/* ---- audit ---- */

static void
print_events(const json_t *config, const char *kind, bool mandatory)
{
	const char *name;
	json_t *value;

	printf("\n  %s audit events:\n", kind);
	json_object_foreach(json_object_get(config, "Events"), name, value)
	{
		const char *state = json_string_value(value);

		if (state == NULL ||
		    (strcmp(state, "mandatory") == 0) != mandatory)
			continue;
		if (mandatory)
			printf("    %s\n", name);
		else
			printf("    %s: %s\n", name, state);
	}
}

static enum rc
print_config(const json_t *config, const struct args *a, struct err *e)
{
	const char *file = args_get(a, "output");

	if (file != NULL) {
		if (json_dump_file(config, file, JSON_INDENT(2)) != 0)
			return err_errno(e, "%s", file);
		out_framed("Stored audit configuration into %s", file);
		return RC_OK;
	}
	fields_print(fields_audit, config);
	print_events(config, "Mandatory", true);
	print_events(config, "Optional", false);
	return RC_OK;
}

static enum rc
run_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON config = NULL;
	enum rc rc = rest_get(p, &config, e, "audit");

	if (rc != RC_OK)
		return rc;
	if (!args_has(a, "output"))
		out_framed("Audit configuration");
	return print_config(config, a, e);
}

static enum rc
run_mod(struct pki *p, const struct args *a, struct err *e)
{
	const char *action = args_get(a, "action");
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON change = NULL;
	AUTO_JSON config = NULL;
	enum rc rc;

	if (args_has(a, "input")) {
		rc = rest_load(&change, args_get(a, "input"), e);
		if (rc == RC_OK)
			rc = rest_json(p, "PATCH", "audit", change, &config, e);
	} else if (action != NULL) {
		if (strcmp(action, "enable") != 0 &&
		    strcmp(action, "disable") != 0)
			return err_set(
			    e, RC_USAGE, "Invalid action: %s", action);
		buf_addf(&path, "audit?action=%s", action);
		rc = rest_json(p, "POST", buf_cstr(&path), NULL, &config, e);
	} else {
		return err_set(e, RC_USAGE, "Missing action or input file.");
	}
	if (rc != RC_OK)
		return rc;
	if (!args_has(a, "output"))
		out_framed("Modified audit configuration");
	return print_config(config, a, e);
}

static enum rc
run_file_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON answer = NULL;
	enum rc rc = rest_get(p, &answer, e, "audit/files");

	(void)a;
	if (rc == RC_OK)
		fields_print_list(fields_audit_file, answer);
	return rc;
}

static enum rc
run_file_retrieve(struct pki *p, const struct args *a, struct err *e)
{
	const char *name = args_at(a, 0);
	AUTO_BUF path = buf_empty(0), file = buf_empty(BUF_MAX_DEFAULT * 4);
	enum rc rc;

	rest_path(&path, "audit/files/", name, NULL);
	rc = rest_bytes(p, "GET", buf_cstr(&path), NULL, view_of(NULL, 0),
	    "application/octet-stream", &file, e);
	if (rc != RC_OK)
		return rc;
	/* never a path of the server's choosing */
	if (!args_has(a, "output") && strchr(name, '/') != NULL)
		return err_set(e, RC_USAGE, "Missing output file");
	return out_file(args_str(a, "output", name), buf_view(&file), e);
}

/* ---- self tests ---- */

static enum rc
run_test_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);

	buf_add_str(&path, "selftests");
	return fields_list(p, a, args_at(a, 0), &path, fields_selftest, e);
}

static enum rc
run_test_show(struct pki *p, const struct args *a, struct err *e)
{
	const char *file = args_get(a, "output");
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON test = NULL;
	enum rc rc;

	rest_path(&path, "selftests/", args_at(a, 0), NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &test, e);
	if (rc != RC_OK)
		return rc;
	if (file != NULL && json_dump_file(test, file, JSON_INDENT(2)) != 0)
		return err_errno(e, "%s", file);
	out_framed("Selftest \"%s\"", args_at(a, 0));
	fields_print(fields_selftest, test);
	return RC_OK;
}

/* Prints one result; *failed counts those that are not PASSED. */
static void
print_result(const json_t *r, size_t index, size_t *failed)
{
	const char *status = json_str(r, "status");

	out_entry(index);
	fields_print(fields_selftest_result, r);
	*failed += status == NULL || strcmp(status, "PASSED") != 0;
}

static enum rc
run_test_run(struct pki *p, const struct args *a, struct err *e)
{
	size_t i, failed = 0;
	const json_t *r;
	enum rc rc = RC_OK;

	if (args_count(a) == 0) {
		AUTO_JSON all = NULL;

		rc = rest_json(p, "POST", "selftests/run", NULL, &all, e);
		json_array_foreach(json_object_get(all, "entries"), i, r)
		    print_result(r, i, &failed);
	}
	for (i = 0; rc == RC_OK && i < args_count(a); i++) {
		AUTO_BUF path = buf_empty(0);
		AUTO_JSON one = NULL;

		rest_path(&path, "selftests/", args_at(a, i), "/run", NULL);
		rc = rest_json(p, "POST", buf_cstr(&path), NULL, &one, e);
		if (rc == RC_OK)
			print_result(one, i, &failed);
	}
	if (rc == RC_OK && failed > 0)
		rc = err_set(e, RC_INTERNAL, "%zu selftests failed", failed);
	else if (rc == RC_OK)
		out_framed("Selftests completed");
	return rc;
}

static const struct opt show_opts[] = {
	OPT("output", "file", "File to store the configuration (JSON)"),
	OPT_END,
};
static const struct opt mod_opts[] = {
	OPT("action", "action", "Action: enable, disable"),
	OPT("input", "file", "File with the changed configuration (JSON)"),
	OPT("output", "file", "File to store the configuration (JSON)"),
	OPT_END,
};
static const struct opt retrieve_opts[] = {
	OPT("output", "file", "Output file (default: the name of the file)"),
	OPT_END,
};
static const struct opt test_find_opts[] = {
	OPT("start", "start", "Page start"),
	OPT("size", "size", "Page size"),
	OPT_END,
};
static const struct opt test_show_opts[] = {
	OPT("output", "file", "File to store the answer (JSON)"),
	OPT_END,
};

const struct cmd cmds_audit[] = {
	{ "audit-show", "", "Show the audit configuration", show_opts, 0, 0,
	    run_show },
	{ "audit-mod", "", "Modify the audit configuration", mod_opts, 0, 0,
	    run_mod },
	{ "audit-file-find", "", "Find audit log files", NULL, 0, 0,
	    run_file_find },
	{ "audit-file-retrieve", "<file name>", "Retrieve an audit log file",
	    retrieve_opts, 1, 1, run_file_retrieve },
	{ 0 },
};
const struct cmd cmds_selftest[] = {
	{ "selftest-find", "[<filter>]", "Find selftests", test_find_opts, 0, 1,
	    run_test_find },
	{ "selftest-show", "<selftest ID>", "Show a selftest", test_show_opts,
	    1, 1, run_test_show },
	{ "selftest-run", "[<selftest ID>...]", "Run selftests", NULL, 0, -1,
	    run_test_run },
	{ 0 },
};
