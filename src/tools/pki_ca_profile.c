/* SPDX-License-Identifier: Apache-2.0 */
/* pki_ca_profile.c - ca-profile-*: enrolment profiles as XML or JSON, or raw
 * as property lines.
 * Owns:    nothing beyond one command.
 * Trusts:  nothing of the server.
 * Threads: none. */
#include <sys/wait.h>

#include "base/cfg.h"
#include "base/file.h"
#include "base/text.h"
#include "tools/pki_cmds.h"
#include "tools/pki_fields.h"
#include "tools/pki_profile_xml.h"

static enum rc
run_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON list = NULL;
	enum rc rc;

	buf_add_str(&path, "profiles");
	rest_query(&path, a, "start", "start", "size", "size", "visible",
	    "visible", "enable", "enable", "enableBy", "enableBy", NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &list, e);
	if (rc == RC_OK)
		fields_print_list(fields_profile_info, list);
	return rc;
}

static enum rc
get_raw(struct pki *p, const char *id, struct buf *out, struct err *e)
{
	AUTO_BUF path = buf_empty(0);

	rest_path(&path, "profiles/", id, "/raw", NULL);
	return rest_bytes(p, "GET", buf_cstr(&path), NULL, view_of(NULL, 0),
	    "application/octet-stream", out, e);
}

static void
print_attributes(const json_t *list)
{
	const json_t *attr, *d;
	size_t i;

	json_array_foreach(list, i, attr)
	{
		d = json_object_get(attr, "Descriptor");
		printf("\n");
		out_field("  Attribute Name", json_str(attr, "name"));
		out_field(
		    "  Attribute Description", json_str(d, "Description"));
		out_field("  Attribute Syntax", json_str(d, "Syntax"));
	}
}

/* What a caller gives and gets. */
static void
print_parts(const json_t *profile)
{
	const json_t *part;
	size_t i;

	json_array_foreach(json_object_get(profile, "inputs"), i, part)
	{
		printf("\n");
		out_field("Input Name", json_str(part, "Name"));
		out_field("Input Class", json_str(part, "ClassID"));
		print_attributes(json_object_get(part, "Attribute"));
	}
	json_array_foreach(json_object_get(profile, "outputs"), i, part)
	{
		printf("\n");
		out_field("Output Name", json_str(part, "name"));
		out_field("Output Class", json_str(part, "classId"));
		print_attributes(json_object_get(part, "attributes"));
	}
}

static enum rc
run_show(struct pki *p, const struct args *a, struct err *e)
{
	const char *id = args_at(a, 0), *file = args_get(a, "output");
	AUTO_BUF path = buf_empty(0), text = buf_empty(0);
	AUTO_JSON profile = NULL;
	enum rc rc;

	if (args_has(a, "raw")) {
		rc = get_raw(p, id, &text, e);
	} else {
		rest_path(&path, "profiles/", id, NULL);
		rc = rest_json(p, "GET", buf_cstr(&path), NULL, &profile, e);
		if (rc == RC_OK && file != NULL)
			rc = profile_xml(&text, profile, e);
	}
	if (rc != RC_OK)
		return rc;
	if (file != NULL) {
		if ((rc = out_file(file, buf_view(&text), e)) == RC_OK)
			out_framed("Saved profile %s to %s", id, file);
		return rc;
	}
	if (profile == NULL)
		return out_file(NULL, buf_view(&text), e);
	out_framed("Profile \"%s\"", id);
	fields_print(fields_profile, profile);
	print_parts(profile);
	return RC_OK;
}

/* ---- adding and modifying ---- */

/* The profileId line of raw text. */
static enum rc
raw_id(struct view text, char **id, struct err *e)
{
	AUTO(cfg) c = cfg_new();
	enum rc rc;

	if (c == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = cfg_parse(c, text, "profile", e)) != RC_OK)
		return rc;
	if (cfg_get(c, "profileId") == NULL)
		return err_set(e, RC_INVALID,
		    "Missing profileId property in profile data.");
	*id = strdup(cfg_get(c, "profileId"));
	return *id != NULL ? RC_OK : err_set(e, RC_NOMEM, "out of memory");
}

/* Reads FILE, sends it with POST (add) or PUT (mod). */
static enum rc
send_file(struct pki *p, const struct args *a, bool add, struct err *e)
{
	AUTO_BUF text = buf_empty(0), path = buf_empty(0);
	AUTO_JSON profile = NULL;
	AUTO_STR id = NULL;
	enum rc rc;

	if (!args_has(a, "raw")) {
		if ((rc = profile_load(&profile, args_at(a, 0), e)) != RC_OK)
			return rc;
		if (json_str(profile, "id") == NULL)
			return err_set(
			    e, RC_INVALID, "Missing profile ID in file");
		rest_path(&path, add ? "profiles" : "profiles/",
		    add ? NULL : json_str(profile, "id"), NULL);
		rc = rest_json(
		    p, add ? "POST" : "PUT", buf_cstr(&path), profile, NULL, e);
		if (rc == RC_OK)
			out_framed("%s profile %s", add ? "Added" : "Modified",
			    json_str(profile, "id"));
		return rc;
	}
	if ((rc = out_read(&text, args_at(a, 0), e)) != RC_OK ||
	    (rc = raw_id(buf_view(&text), &id, e)) != RC_OK)
		return rc;
	if (add)
		buf_add_str(&path, "profiles/raw");
	else
		rest_path(&path, "profiles/", id, "/raw", NULL);
	rc = rest_bytes(p, add ? "POST" : "PUT", buf_cstr(&path),
	    "application/octet-stream", buf_view(&text),
	    "application/octet-stream", NULL, e);
	if (rc == RC_OK)
		out_framed("%s profile %s", add ? "Added" : "Modified", id);
	return rc;
}

static enum rc
run_add(struct pki *p, const struct args *a, struct err *e)
{
	return send_file(p, a, true, e);
}

static enum rc
run_mod(struct pki *p, const struct args *a, struct err *e)
{
	return send_file(p, a, false, e);
}

/* $EDITOR, waited for. */
static enum rc
edit(const char *path, struct err *e)
{
	const char *editor = getenv("EDITOR");
	int status = 0;
	pid_t child;

	if (editor == NULL || *editor == '\0')
		editor = "vi";
	fflush(stdout);
	if ((child = fork()) < 0)
		return err_errno(e, "fork");
	if (child == 0) {
		execlp("/bin/sh", "sh", "-c", "exec $0 \"$1\"", editor, path,
		    (char *)NULL);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		return err_set(e, RC_INVALID, "Editor failed: %s", editor);
	return RC_OK;
}

static enum rc
run_edit(struct pki *p, const struct args *a, struct err *e)
{
	char file[] = "/tmp/pki-profile-XXXXXX";
	const char *id = args_at(a, 0);
	AUTO_BUF before = buf_empty(0), after = buf_empty(0);
	AUTO_BUF path = buf_empty(0);
	AUTO_FD fd = -1;
	enum rc rc = get_raw(p, id, &before, e);

	if (rc != RC_OK)
		return rc;
	if ((fd = mkstemp(file)) < 0)
		return err_errno(e, "%s", file);
	rc = file_write(file, buf_view(&before), 0600, e);
	if (rc == RC_OK)
		rc = edit(file, e);
	if (rc == RC_OK)
		rc = file_read(&after, file, e);
	unlink(file);
	if (rc != RC_OK || view_eq(buf_view(&before), buf_view(&after)))
		return rc;
	rest_path(&path, "profiles/", id, "/raw", NULL);
	rc = rest_bytes(p, "PUT", buf_cstr(&path), "application/octet-stream",
	    buf_view(&after), "application/octet-stream", NULL, e);
	if (rc == RC_OK)
		out_framed("Modified profile %s", id);
	return rc;
}

/* ---- state ---- */

static enum rc
set_state(struct pki *p, const char *id, const char *action, const char *done,
    struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	enum rc rc;

	rest_path(&path, "profiles/", id, "?action=", action, NULL);
	rc = rest_json(p, "POST", buf_cstr(&path), NULL, NULL, e);
	if (rc == RC_OK)
		out_framed("%s profile \"%s\"", done, id);
	return rc;
}

static enum rc
run_enable(struct pki *p, const struct args *a, struct err *e)
{
	return set_state(p, args_at(a, 0), "enable", "Enabled", e);
}

static enum rc
run_disable(struct pki *p, const struct args *a, struct err *e)
{
	return set_state(p, args_at(a, 0), "disable", "Disabled", e);
}

static enum rc
run_del(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	enum rc rc;

	rest_path(&path, "profiles/", args_at(a, 0), NULL);
	rc = rest_json(p, "DELETE", buf_cstr(&path), NULL, NULL, e);
	if (rc == RC_OK)
		out_framed("Deleted profile \"%s\"", args_at(a, 0));
	return rc;
}

static const struct opt find_opts[] = {
	OPT("start", "start", "Page start"),
	OPT("size", "size", "Page size"),
	OPT("visible", "bool", "Visible profiles only: true, false"),
	OPT("enable", "bool", "Enabled profiles only: true, false"),
	OPT("enableBy", "user", "Profiles enabled by this agent"),
	OPT_END,
};
static const struct opt show_opts[] = {
	OPT("output", "file", "File to store the profile, as XML"),
	OPT_FLAG("raw", "Property lines instead of XML"),
	OPT_END,
};
static const struct opt raw_opts[] = {
	OPT_FLAG("raw", "The file has property lines, not XML or JSON"),
	OPT_END,
};

const struct cmd cmds_ca_profile[] = {
	{ "ca-profile-find", "", "Find profiles", find_opts, 0, 0, run_find },
	{ "ca-profile-show", "<profile ID>", "Show a profile", show_opts, 1, 1,
	    run_show },
	{ "ca-profile-add", "<file>", "Add a profile", raw_opts, 1, 1,
	    run_add },
	{ "ca-profile-mod", "<file>", "Modify a profile", raw_opts, 1, 1,
	    run_mod },
	{ "ca-profile-edit", "<profile ID>",
	    "Edit the raw form of a profile with $EDITOR", NULL, 1, 1,
	    run_edit },
	{ "ca-profile-enable", "<profile ID>", "Enable a profile", NULL, 1, 1,
	    run_enable },
	{ "ca-profile-disable", "<profile ID>", "Disable a profile", NULL, 1, 1,
	    run_disable },
	{ "ca-profile-del", "<profile ID>", "Delete a profile", NULL, 1, 1,
	    run_del },
	{ 0 },
};
