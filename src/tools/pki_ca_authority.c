/* SPDX-License-Identifier: Apache-2.0 */
/* pki_ca_authority.c - ca-authority-*: lightweight CAs.
 * Owns: nothing. Trusts: nothing of the server. Threads: none. */
#include "tools/pki_cmds.h"
#include "tools/pki_fields.h"

static enum rc
run_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON answer = NULL;
	enum rc rc;

	buf_add_str(&path, "authorities");
	rest_query(&path, a, "id", "id", "parent-id", "parentID", "dn", "dn",
	    "issuer-dn", "issuerDN", NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &answer, e);
	if (rc == RC_OK)
		fields_print_list(fields_authority, answer);
	return rc;
}

static enum rc
run_show(struct pki *p, const struct args *a, struct err *e)
{
	const char *id =
	    args_has(a, "host-authority") ? "host-authority" : args_at(a, 0);
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON ca = NULL;
	enum rc rc;

	if (id == NULL)
		return err_set(e, RC_USAGE, "Missing Authority ID");
	rest_path(&path, "authorities/", id, NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &ca, e);
	if (rc == RC_OK)
		fields_print(fields_authority, ca);
	return rc;
}

static enum rc
run_create(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON body = NULL;
	AUTO_JSON ca = NULL;
	const char *parent;
	enum rc rc = args_need(a, "parent", "parent authority ID", &parent, e);

	if (rc != RC_OK)
		return rc;
	body = json_pack("{s:s, s:s, s:s*}", "dn", args_at(a, 0), "parentID",
	    parent, "description", args_get(a, "desc"));
	rc = rest_json(p, "POST", "authorities", body, &ca, e);
	if (rc == RC_OK)
		fields_print(fields_authority, ca);
	return rc;
}

static enum rc
set_state(
    struct pki *p, const struct args *a, const char *action, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON ca = NULL;
	enum rc rc;

	rest_path(&path, "authorities/", args_at(a, 0), "/", action, NULL);
	rc = rest_json(p, "POST", buf_cstr(&path), NULL, &ca, e);
	if (rc == RC_OK)
		fields_print(fields_authority, ca);
	return rc;
}

static enum rc
run_enable(struct pki *p, const struct args *a, struct err *e)
{
	return set_state(p, a, "enable", e);
}

static enum rc
run_disable(struct pki *p, const struct args *a, struct err *e)
{
	return set_state(p, a, "disable", e);
}

static enum rc
run_del(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	enum rc rc;

	if (!args_has(a, "force") && !out_confirm("Are you sure (y/N)? "))
		return RC_OK;
	rest_path(&path, "authorities/", args_at(a, 0), NULL);
	rc = rest_json(p, "DELETE", buf_cstr(&path), NULL, NULL, e);
	if (rc == RC_OK)
		out_framed("Deleted authority \"%s\"", args_at(a, 0));
	return rc;
}

static const struct opt find_opts[] = {
	OPT("id", "id", "Authority ID"),
	OPT("parent-id", "id", "ID of the parent"),
	OPT("dn", "DN", "Authority DN"),
	OPT("issuer-dn", "DN", "Issuer DN"),
	OPT_END,
};
static const struct opt show_opts[] = {
	OPT_FLAG("host-authority", "Show the host authority"),
	OPT_END,
};
static const struct opt create_opts[] = {
	OPT("parent", "id", "ID of the parent, or host-authority"),
	OPT("desc", "text", "Description"),
	OPT_END,
};
static const struct opt del_opts[] = {
	OPT_FLAG("force", "Do not ask"),
	OPT_END,
};

const struct cmd cmds_ca_authority[] = {
	{ "ca-authority-find", "", "Find authorities", find_opts, 0, 0,
	    run_find },
	{ "ca-authority-show", "[<authority ID>]", "Show an authority",
	    show_opts, 0, 1, run_show },
	{ "ca-authority-create", "<DN>", "Create an authority", create_opts, 1,
	    1, run_create },
	{ "ca-authority-enable", "<authority ID>", "Enable an authority", NULL,
	    1, 1, run_enable },
	{ "ca-authority-disable", "<authority ID>", "Disable an authority",
	    NULL, 1, 1, run_disable },
	{ "ca-authority-del", "<authority ID>", "Delete an authority", del_opts,
	    1, 1, run_del },
	{ 0 },
};
