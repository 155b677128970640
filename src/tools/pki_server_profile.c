/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_profile.c - ca-profile-find, -import, -mod (spec deployment 7.4).
 * Owns:    nothing.
 * Trusts:  its user; profile files are checked where they are stored.
 * Threads: none. */
#include <dirent.h>

#include "base/file.h"
#include "base/text.h"
#include "profile/profile.h"
#include "tools/pki_server_cmds.h"

static enum rc
run_profile_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON list = NULL;
	enum rc rc = server_call_all(s, "profile-find", NULL, &list, e);

	(void)a;
	for (size_t i = 0; rc == RC_OK && i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		out_entry(i);
		out_field("Profile ID", json_str(o, "id"));
		out_field("Name", json_str(o, "name"));
		out_field("Description", json_str(o, "description"));
		out_field("Visible", json_str(o, "visible"));
		out_field("Enable", json_str(o, "enable"));
	}
	return rc;
}

/* One file of the folder; one that the CA has already stays as it is. */
static enum rc
import_one(struct server *s, const char *dir, const char *file,
    const json_t *present, struct err *e)
{
	AUTO_BUF path = buf_empty(4096), text = buf_empty(PROFILE_TEXT_MAX);
	AUTO_STR id = strndup(file, strlen(file) - 4);
	AUTO_JSON q = NULL;
	enum rc rc;

	if (id == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	for (size_t i = 0; i < json_array_size(present); i++)
		if (strcmp(json_str(json_array_get(present, i), "id"), id) == 0)
			return RC_OK;
	buf_addf(&path, "%s/%s", dir, file);
	if ((rc = file_read(&text, buf_cstr(&path), e)) != RC_OK)
		return rc;
	q = json_pack("{s:s,s:s}", "id", id, "text", buf_cstr(&text));
	if (q == NULL)
		return err_set(e, RC_INVALID, "%s: not UTF-8", buf_cstr(&path));
	rc = server_call(s, "profile-add", q, NULL, e);
	if (rc == RC_OK)
		server_say(s, "Imported profile %s", id);
	return rc == RC_OK ? rc : err_prefix(e, "%s", buf_cstr(&path));
}

static enum rc
run_profile_import(struct server *s, const struct args *a, struct err *e)
{
	AUTO_STR share = paths_share("/ca/profiles/ca");
	const char *dir = args_str(a, "input-folder", share);
	AUTO_JSON present = NULL;
	struct dirent **list;
	enum rc rc;
	int n;

	if (dir == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = server_call_all(s, "profile-find", NULL, &present, e)) !=
	    RC_OK)
		return rc;
	if ((n = scandir(dir, &list, NULL, alphasort)) < 0)
		return err_errno(e, "%s", dir);
	for (int i = 0; i < n; i++) {
		if (rc == RC_OK && text_ends(list[i]->d_name, ".cfg"))
			rc = import_one(s, dir, list[i]->d_name, present, e);
		free(list[i]);
	}
	free(list);
	return rc;
}

static enum rc
run_profile_mod(struct server *s, const struct args *a, struct err *e)
{
	static const char *const parts[][2] = { { "name", "name" },
		{ "desc", "desc" }, { "visible", "visible" },
		{ "enabled", "enable" } };
	AUTO_JSON q = json_pack("{s:s}", "id", args_at(a, 0));

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *v = args_get(a, parts[i][0]);

		if (v == NULL)
			continue;
		if (i >= 2)
			v = text_bool(v) ? "true" : "false";
		json_object_set_new(q, parts[i][1], json_string(v));
	}
	return server_call(s, "profile-mod", q, NULL, e);
}

static const struct opt import_opts[] = {
	SERVER_OPTS,
	OPT("input-folder", "folder",
	    "Folder of profile files (default: the shipped ones)"),
	OPT_END,
};
static const struct opt mod_opts[] = {
	SERVER_OPTS,
	OPT("name", "name", "Name"),
	OPT("desc", "text", "Description"),
	OPT("visible", "bool", "Shown to end users: true, false"),
	OPT("enabled", "bool", "May be used: true, false"),
	OPT_END,
};

const struct server_cmd server_profile[] = {
	{ "profile-find", "", "Find profiles", NULL, 0, 0, run_profile_find,
	    NEED_SUBSYSTEM },
	{ "profile-import", "", "Add the profiles of a folder", import_opts, 0,
	    0, run_profile_import, NEED_SUBSYSTEM },
	{ "profile-mod", "<profile ID>", "Modify a profile", mod_opts, 1, 1,
	    run_profile_mod, NEED_SUBSYSTEM },
	{ 0 },
};
