/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_user.c - <sub>-user-*, -group-*, -acl-*: users, their roles and
 * what those may do (spec deployment 7.6).
 * Owns:    nothing.
 * Trusts:  its user; auth/ checks every value.
 * Threads: none. */
#include "tools/pki_server_cmds.h"

#include "base/text.h"
#include "x509/cert.h"

/* {"id": <first operand>, "group": <second>}; the caller owns it. */
static json_t *
ids(const struct args *a, const char *first, const char *second)
{
	json_t *o = json_pack("{s:s}", first, args_at(a, 0));

	if (second != NULL && args_at(a, 1) != NULL)
		json_object_set_new(o, second, json_string(args_at(a, 1)));
	return o;
}

/* A command that answers nothing. */
static enum rc
change(struct server *s, const char *command, const struct args *a,
    const char *first, const char *second, struct err *e)
{
	AUTO_JSON q = ids(a, first, second);

	if (q == NULL)
		return err_set(e, RC_USAGE, "Invalid ID");
	return server_call(s, command, q, NULL, e);
}

/* ---- users ---- */

static void
print_user(const json_t *o, const char *name_label)
{
	out_field("User ID", json_str(o, "id"));
	out_field(name_label, json_str(o, "fullName"));
	out_field("Email", json_str(o, "email"));
	out_field("Phone", json_str(o, "phone"));
	out_field("Type", json_str(o, "type"));
	out_field("State", json_str(o, "state"));
}

static enum rc
run_user_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = json_object();
	AUTO_JSON list = NULL;
	enum rc rc;

	if (args_has(a, "see-also"))
		json_object_set_new(
		    q, "seeAlso", json_string(args_get(a, "see-also")));
	rc = server_call_all(s, "user-find", q, &list, e);
	for (size_t i = 0; rc == RC_OK && i < json_array_size(list); i++) {
		out_entry(i);
		print_user(json_array_get(list, i), "Full name");
	}
	return rc;
}

static enum rc
run_user_show(struct server *s, const struct args *a, struct err *e)
{
	const char *attr = args_get(a, "attr");
	AUTO_JSON q = ids(a, "id", NULL);
	AUTO_JSON user = NULL;
	enum rc rc = server_call(s, "user-show", q, &user, e);
	const char *name;
	json_t *values;

	if (rc != RC_OK)
		return rc;
	if (attr == NULL) {
		print_user(user, "Full Name");
		return RC_OK;
	}
	json_object_foreach(json_object_get(user, "attrs"), name, values)
	{
		if (!text_ieq(name, attr))
			continue;
		for (size_t i = 0; i < json_array_size(values); i++)
			out_field(
			    name, json_string_value(json_array_get(values, i)));
	}
	return RC_OK;
}

/* A certificate file as base64 into q. */
static enum rc
set_cert(json_t *q, const struct args *a, const char *path, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX), text = buf_empty(0);
	enum rc rc = out_read_der(
	    &der, path, args_get(a, "cert-format"), "CERTIFICATE", e);
	if (rc != RC_OK)
		return rc;
	buf_add_base64(&text, buf_view(&der), 0, "");
	if ((rc = buf_check(&text, e)) != RC_OK)
		return rc;
	json_object_set_new(q, "cert", json_string(buf_cstr(&text)));
	return RC_OK;
}

static enum rc
set_password(json_t *q, const struct args *a, struct err *e)
{
	AUTO(secret) password = NULL;
	enum rc rc =
	    args_password(a, "password", "password-file", &password, e);

	if (rc == RC_OK && password != NULL)
		json_object_set_new(
		    q, "password", json_string(secret_cstr(password)));
	return rc;
}

static enum rc
run_user_add(struct server *s, const struct args *a, struct err *e)
{
	static const char *const parts[][2] = { { "full-name", "fullName" },
		{ "email", "email" }, { "phone", "phone" }, { "type", "type" },
		{ "state", "state" } };
	AUTO_JSON q = ids(a, "id", NULL);
	struct err inner = { 0 };
	enum rc rc;

	if (q == NULL)
		return err_set(e, RC_USAGE, "Invalid user ID");
	if (!args_has(a, "full-name"))
		return err_set(e, RC_USAGE, "Missing full name");
	if (args_has(a, "tps-profiles"))
		return err_set(e, RC_UNSUPPORTED,
		    "--tps-profiles: there is no TPS in this version");
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (args_has(a, parts[i][0]))
			json_object_set_new(q, parts[i][1],
			    json_string(args_get(a, parts[i][0])));
	if ((rc = set_password(q, a, e)) != RC_OK ||
	    (args_has(a, "cert") &&
		(rc = set_cert(q, a, args_get(a, "cert"), e)) != RC_OK))
		return rc;
	rc = server_call(s, "user-add", q, NULL, &inner);
	if (rc != RC_OK && args_has(a, "ignore-duplicate") &&
	    text_ends(inner.text, "already exists"))
		return RC_OK;
	return rc == RC_OK ? rc : err_set(e, rc, "%s", inner.text);
}

static enum rc
run_user_mod(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = ids(a, "id", NULL);
	json_t *attrs = json_array();
	const char *text;
	enum rc rc;

	if (q == NULL || json_object_set_new(q, "attrs", attrs) != 0)
		return err_set(e, RC_USAGE, "Invalid user ID");
	for (size_t i = 0; (text = args_nth(a, "attr", i)) != NULL; i++) {
		const char *eq = strchr(text, '=');

		if (eq == NULL || eq == text)
			return err_set(
			    e, RC_USAGE, "Invalid attribute: %s", text);
		json_array_append_new(attrs,
		    json_pack("{s:s%, s:s}", "name", text, (size_t)(eq - text),
			"value", eq + 1));
	}
	if (args_has(a, "add-see-also"))
		json_object_set_new(
		    q, "addSeeAlso", json_string(args_get(a, "add-see-also")));
	if (args_has(a, "del-see-also"))
		json_object_set_new(
		    q, "delSeeAlso", json_string(args_get(a, "del-see-also")));
	if ((rc = set_password(q, a, e)) != RC_OK)
		return rc;
	return server_call(s, "user-mod", q, NULL, e);
}

static enum rc
run_user_del(struct server *s, const struct args *a, struct err *e)
{
	return change(s, "user-del", a, "id", NULL, e);
}

/* ---- certificates of a user ---- */

static enum rc
run_cert_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = ids(a, "id", NULL);
	AUTO_JSON list = NULL;
	enum rc rc = server_call(s, "user-cert-find", q, &list, e);

	for (size_t i = 0; rc == RC_OK && i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		out_entry(i);
		out_field("Cert ID", json_str(o, "id"));
		out_fieldf("Version", "%lld",
		    (long long)json_integer_value(
			json_object_get(o, "version")));
		out_field("Serial Number", json_str(o, "serial"));
		out_field("Issuer", json_str(o, "issuer"));
		out_field("Subject", json_str(o, "subject"));
	}
	return rc;
}

static enum rc
run_cert_add(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = ids(a, "id", NULL);
	enum rc rc = set_cert(q, a, args_str(a, "cert", "-"), e);

	return rc == RC_OK ? server_call(s, "user-cert-add", q, NULL, e) : rc;
}

static enum rc
run_cert_del(struct server *s, const struct args *a, struct err *e)
{
	return change(s, "user-cert-del", a, "id", "certId", e);
}

/* ---- roles and groups ---- */

static enum rc
run_role_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = ids(a, "id", NULL);
	AUTO_JSON list = NULL;
	const char *format = args_str(a, "output-format", "text");
	enum rc rc;

	if (!text_ieq(format, "text") && !text_ieq(format, "json"))
		return err_set(
		    e, RC_USAGE, "Unsupported output format: %s", format);
	if ((rc = server_call(s, "user-role-find", q, &list, e)) != RC_OK)
		return rc;
	if (text_ieq(format, "json")) {
		AUTO_JSON o = json_object();
		json_t *entries = json_array();

		json_object_set_new(o, "entries", entries);
		for (size_t i = 0; i < json_array_size(list); i++)
			json_array_append_new(entries,
			    json_pack("{s:O}", "id", json_array_get(list, i)));
		json_dumpf(o, stdout, JSON_INDENT(2));
		putchar('\n');
		return RC_OK;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		out_entry(i);
		out_field(
		    "Role ID", json_string_value(json_array_get(list, i)));
	}
	return RC_OK;
}

static enum rc
run_role_add(struct server *s, const struct args *a, struct err *e)
{
	return change(s, "user-role-add", a, "id", "group", e);
}

static enum rc
run_role_del(struct server *s, const struct args *a, struct err *e)
{
	return change(s, "user-role-del", a, "id", "group", e);
}

static void
print_group(const json_t *o)
{
	out_field("Group ID", json_str(o, "id"));
	out_field("Description", json_str(o, "description"));
}

static enum rc
run_group_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = json_object();
	AUTO_JSON list = NULL;
	enum rc rc;

	if (args_has(a, "member"))
		json_object_set_new(
		    q, "member", json_string(args_get(a, "member")));
	rc = server_call_all(s, "group-find", q, &list, e);
	for (size_t i = 0; rc == RC_OK && i < json_array_size(list); i++) {
		out_entry(i);
		print_group(json_array_get(list, i));
	}
	return rc;
}

static enum rc
run_group_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = ids(a, "group", NULL);
	AUTO_JSON o = NULL;
	enum rc rc = server_call(s, "group-show", q, &o, e);

	if (rc == RC_OK)
		print_group(o);
	return rc;
}

static enum rc
run_group_add(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = ids(a, "group", NULL);

	if (args_has(a, "description"))
		json_object_set_new(
		    q, "description", json_string(args_get(a, "description")));
	return server_call(s, "group-add", q, NULL, e);
}

static enum rc
run_group_del(struct server *s, const struct args *a, struct err *e)
{
	return change(s, "group-del", a, "group", NULL, e);
}

static enum rc
run_member_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = ids(a, "group", NULL);
	AUTO_JSON list = NULL;
	enum rc rc = server_call(s, "group-member-find", q, &list, e);

	for (size_t i = 0; rc == RC_OK && i < json_array_size(list); i++) {
		out_entry(i);
		out_field(
		    "User ID", json_string_value(json_array_get(list, i)));
	}
	return rc;
}

static enum rc
run_member_add(struct server *s, const struct args *a, struct err *e)
{
	return change(s, "user-role-add", a, "group", "id", e);
}

static enum rc
run_member_del(struct server *s, const struct args *a, struct err *e)
{
	return change(s, "user-role-del", a, "group", "id", e);
}

/* ---- access rules ---- */

static enum rc
run_acl_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON list = NULL;
	enum rc rc = server_call(s, "acl-find", NULL, &list, e);

	(void)a;
	for (size_t i = 0; rc == RC_OK && i < json_array_size(list); i++) {
		out_entry(i);
		out_field("ACL", json_string_value(json_array_get(list, i)));
	}
	return rc;
}

static enum rc
run_acl_add(struct server *s, const struct args *a, struct err *e)
{
	return change(s, "acl-add", a, "acl", NULL, e);
}

static enum rc
run_acl_del(struct server *s, const struct args *a, struct err *e)
{
	return change(s, "acl-del", a, "acl", NULL, e);
}

/* ---- the tables ---- */

static const struct opt user_find_opts[] = {
	SERVER_OPTS,
	OPT("see-also", "DN", "Users with this seeAlso DN"),
	OPT_END,
};
static const struct opt user_show_opts[] = {
	SERVER_OPTS,
	OPT("attr", "name", "Show only this attribute"),
	OPT_END,
};
#define PASSWORD_OPTS                                   \
	OPT_SECRET("password", "password", "Password"), \
	    OPT("password-file", "file", "File with the password")
#define CERT_OPTS                                                     \
	OPT("cert", "file",                                           \
	    "Certificate file (user-cert-add: else standard input)"), \
	    OPT("cert-format", "format", "Its format: PEM (default), DER")
static const struct opt user_add_opts[] = {
	SERVER_OPTS,
	OPT("full-name", "name", "Full name"),
	OPT("email", "address", "Email address"),
	PASSWORD_OPTS,
	CERT_OPTS,
	OPT("phone", "number", "Phone number"),
	OPT("type", "type", "User type: userType, agentType, adminType, ..."),
	OPT("state", "state", "User state"),
	OPT("tps-profiles", "list", "TPS profiles"),
	OPT_FLAG("ignore-duplicate", "An existing user is no error"),
	OPT_END,
};
static const struct opt user_mod_opts[] = {
	SERVER_OPTS,
	PASSWORD_OPTS,
	OPT("attr", "name=value", "Set an attribute; may be repeated"),
	OPT("add-see-also", "DN", "Add a seeAlso DN"),
	OPT("del-see-also", "DN", "Remove a seeAlso DN"),
	OPT_END,
};
static const struct opt user_cert_opts[] = { SERVER_OPTS, CERT_OPTS, OPT_END };
static const struct opt role_find_opts[] = {
	SERVER_OPTS,
	OPT("output-format", "format", "Output format: text (default), json"),
	OPT_END,
};
static const struct opt group_find_opts[] = {
	SERVER_OPTS,
	OPT("member", "user ID", "Groups with this member"),
	OPT_END,
};
static const struct opt group_add_opts[] = {
	SERVER_OPTS,
	OPT("description", "text", "Description"),
	OPT_END,
};

const struct server_cmd server_user[] = {
	{ "user-find", "", "Find users", user_find_opts, 0, 0, run_user_find,
	    NEED_SUBSYSTEM },
	{ "user-show", "<user ID>", "Show a user", user_show_opts, 1, 1,
	    run_user_show, NEED_SUBSYSTEM },
	{ "user-add", "<user ID>", "Add a user", user_add_opts, 1, 1,
	    run_user_add, NEED_SUBSYSTEM },
	{ "user-mod", "<user ID>", "Modify a user", user_mod_opts, 1, 1,
	    run_user_mod, NEED_SUBSYSTEM },
	{ "user-del", "<user ID>", "Remove a user", NULL, 1, 1, run_user_del,
	    NEED_SUBSYSTEM },
	{ "user-cert-find", "<user ID>", "Find the certificates of a user",
	    NULL, 1, 1, run_cert_find, NEED_SUBSYSTEM },
	{ "user-cert-add", "<user ID>", "Add a certificate to a user",
	    user_cert_opts, 1, 1, run_cert_add, NEED_SUBSYSTEM },
	{ "user-cert-del", "<user ID> <cert ID>",
	    "Remove a certificate of a user", NULL, 2, 2, run_cert_del,
	    NEED_SUBSYSTEM },
	{ "user-role-find", "<user ID>", "Find the roles of a user",
	    role_find_opts, 1, 1, run_role_find, NEED_SUBSYSTEM },
	{ "user-role-add", "<user ID> <role ID>", "Give a user a role", NULL, 2,
	    2, run_role_add, NEED_SUBSYSTEM },
	{ "user-role-del", "<user ID> <role ID>", "Take a role from a user",
	    NULL, 2, 2, run_role_del, NEED_SUBSYSTEM },
	{ 0 },
};
const struct server_cmd server_group[] = {
	{ "group-find", "", "Find groups", group_find_opts, 0, 0,
	    run_group_find, NEED_SUBSYSTEM },
	{ "group-show", "<group ID>", "Show a group", NULL, 1, 1,
	    run_group_show, NEED_SUBSYSTEM },
	{ "group-add", "<group ID>", "Add a group", group_add_opts, 1, 1,
	    run_group_add, NEED_SUBSYSTEM },
	{ "group-del", "<group ID>", "Remove a group", NULL, 1, 1,
	    run_group_del, NEED_SUBSYSTEM },
	{ "group-member-find", "<group ID>", "Find the members of a group",
	    NULL, 1, 1, run_member_find, NEED_SUBSYSTEM },
	{ "group-member-add", "<group ID> <user ID>", "Add a member to a group",
	    NULL, 2, 2, run_member_add, NEED_SUBSYSTEM },
	{ "group-member-del", "<group ID> <user ID>",
	    "Remove a member of a group", NULL, 2, 2, run_member_del,
	    NEED_SUBSYSTEM },
	{ 0 },
};
const struct server_cmd server_acl[] = {
	{ "acl-find", "", "Find access rules", NULL, 0, 0, run_acl_find,
	    NEED_SUBSYSTEM },
	{ "acl-add", "<ACL>", "Add an access rule", NULL, 1, 1, run_acl_add,
	    NEED_SUBSYSTEM },
	{ "acl-del", "<ACL>", "Remove an access rule", NULL, 1, 1, run_acl_del,
	    NEED_SUBSYSTEM },
	{ 0 },
};
