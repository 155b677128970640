/* SPDX-License-Identifier: Apache-2.0 */
/* pki_group.c - SUB-group-* and SUB-group-member-*.
 * Owns: nothing. Trusts: nothing of the server. Threads: none. */
#include "tools/pki_cmds.h"
#include "tools/pki_fields.h"

static enum rc
run_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);

	buf_add_str(&path, "admin/groups");
	return fields_list(p, a, args_at(a, 0), &path, fields_group, e);
}

static enum rc
run_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON group = NULL;
	enum rc rc;

	rest_path(&path, "admin/groups/", args_at(a, 0), NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &group, e);
	if (rc != RC_OK)
		return rc;
	out_framed("Group \"%s\"", args_at(a, 0));
	fields_print(fields_group, group);
	return RC_OK;
}

static json_t *
group_data(const struct args *a)
{
	return json_pack("{s:s, s:s, s:s*}", "id", args_at(a, 0), "GroupID",
	    args_at(a, 0), "Description", args_get(a, "description"));
}

static enum rc
run_add(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON group = group_data(a);
	AUTO_JSON made = NULL;
	enum rc rc = rest_json(p, "POST", "admin/groups", group, &made, e);

	if (rc != RC_OK)
		return rc;
	out_framed("Added group \"%s\"", args_at(a, 0));
	fields_print(fields_group, made);
	return RC_OK;
}

static enum rc
run_mod(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON group = group_data(a);
	AUTO_JSON now = NULL;
	enum rc rc;

	rest_path(&path, "admin/groups/", args_at(a, 0), NULL);
	rc = rest_json(p, "PATCH", buf_cstr(&path), group, &now, e);
	if (rc != RC_OK)
		return rc;
	out_framed("Modified group \"%s\"", args_at(a, 0));
	fields_print(fields_group, now);
	return RC_OK;
}

static enum rc
run_del(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	enum rc rc;

	rest_path(&path, "admin/groups/", args_at(a, 0), NULL);
	rc = rest_json(p, "DELETE", buf_cstr(&path), NULL, NULL, e);
	if (rc == RC_OK)
		out_framed("Deleted group \"%s\"", args_at(a, 0));
	return rc;
}

/* ---- members ---- */

static enum rc
run_member_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);

	rest_path(&path, "admin/groups/", args_at(a, 0), "/members", NULL);
	return fields_list(p, a, NULL, &path, fields_member, e);
}

static enum rc
run_member_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON member = NULL;
	enum rc rc;

	rest_path(&path, "admin/groups/", args_at(a, 0), "/members/",
	    args_at(a, 1), NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &member, e);
	if (rc != RC_OK)
		return rc;
	out_framed("Group member \"%s\"", args_at(a, 1));
	fields_print(fields_member, member);
	return RC_OK;
}

static enum rc
run_member_add(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON member = json_pack("{s:s}", "id", args_at(a, 1));
	enum rc rc;

	rest_path(&path, "admin/groups/", args_at(a, 0), "/members", NULL);
	rc = rest_json(p, "POST", buf_cstr(&path), member, NULL, e);
	if (rc != RC_OK)
		return rc;
	out_framed("Added group member \"%s\"", args_at(a, 1));
	out_field("User", args_at(a, 1));
	return RC_OK;
}

static enum rc
run_member_del(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	enum rc rc;

	rest_path(&path, "admin/groups/", args_at(a, 0), "/members/",
	    args_at(a, 1), NULL);
	rc = rest_json(p, "DELETE", buf_cstr(&path), NULL, NULL, e);
	if (rc == RC_OK)
		out_framed("Deleted group member \"%s\"", args_at(a, 1));
	return rc;
}

static const struct opt find_opts[] = {
	OPT("start", "start", "Page start"),
	OPT("size", "size", "Page size"),
	OPT_END,
};
static const struct opt data_opts[] = {
	OPT("description", "text", "Description"),
	OPT_END,
};

const struct cmd cmds_group[] = {
	{ "group-find", "[<filter>]", "Find groups", find_opts, 0, 1,
	    run_find },
	{ "group-show", "<group ID>", "Show a group", NULL, 1, 1, run_show },
	{ "group-add", "<group ID>", "Add a group", data_opts, 1, 1, run_add },
	{ "group-mod", "<group ID>", "Modify a group", data_opts, 1, 1,
	    run_mod },
	{ "group-del", "<group ID>", "Delete a group", NULL, 1, 1, run_del },
	{ 0 },
};
const struct cmd cmds_group_member[] = {
	{ "group-member-find", "<group ID>", "Find a group's members",
	    find_opts, 1, 1, run_member_find },
	{ "group-member-show", "<group ID> <user ID>", "Show a group's member",
	    NULL, 2, 2, run_member_show },
	{ "group-member-add", "<group ID> <user ID>", "Add a user to a group",
	    NULL, 2, 2, run_member_add },
	{ "group-member-del", "<group ID> <user ID>",
	    "Remove a user from a group", NULL, 2, 2, run_member_del },
	{ 0 },
};
