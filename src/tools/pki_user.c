/* SPDX-License-Identifier: Apache-2.0 */
/* pki_user.c - SUB-user-*, SUB-user-cert-*, SUB-user-membership-*.
 * Owns:    nothing beyond one command.
 * Trusts:  nothing of the server.
 * Threads: none. */
#include "base/file.h"
#include "base/text.h"
#include "tools/pki_certs.h"
#include "tools/pki_cmds.h"
#include "tools/pki_fields.h"
#include "x509/print.h"

static enum rc
run_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);

	buf_add_str(&path, "admin/users");
	return fields_list(p, a, args_at(a, 0), &path, fields_user, e);
}

static enum rc
run_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON user = NULL;
	enum rc rc;

	rest_path(&path, "admin/users/", args_at(a, 0), NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &user, e);
	if (rc != RC_OK)
		return rc;
	out_framed("User \"%s\"", args_at(a, 0));
	fields_print(fields_user, user);
	return RC_OK;
}

/* UserData of the options; the caller owns it. */
static enum rc
user_data(json_t **out, const struct args *a, struct err *e)
{
	static const struct {
		const char *option, *member;
	} parts[] = {
		{ "fullName", "FullName" },
		{ "email", "Email" },
		{ "phone", "phone" },
		{ "type", "type" },
		{ "state", "state" },
	};
	AUTO(secret) password = NULL;
	AUTO_JSON o = NULL;
	enum rc rc =
	    args_password(a, "password", "password-file", &password, e);

	if (rc != RC_OK)
		return rc;
	o = json_pack(
	    "{s:s, s:s}", "id", args_at(a, 0), "UserID", args_at(a, 0));
	if (o == NULL)
		return err_set(e, RC_INVALID, "Invalid user ID");
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (args_has(a, parts[i].option))
			json_object_set_new(o, parts[i].member,
			    json_string(args_get(a, parts[i].option)));
	if (password != NULL)
		json_object_set_new(
		    o, "password", json_string(secret_cstr(password)));
	*out = json_incref(o);
	return RC_OK;
}

/* Posts a certificate to a user; *out is the UserCertData made of it. */
static enum rc
add_cert(struct pki *p, const char *user, struct view pem, json_t **out,
    struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON body = NULL;

	rest_path(&path, "admin/users/", user, "/certs", NULL);
	body = json_pack("{s:s%}", "Encoded", (const char *)pem.data, pem.len);
	if (body == NULL)
		return err_set(e, RC_INVALID, "Certificate is not text");
	return rest_json(p, "POST", buf_cstr(&path), body, out, e);
}

/* A certificate file as PEM text (a PKCS #7 chain goes as it is). */
static enum rc
read_pem(struct buf *pem, const char *path, const char *format, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	enum rc rc;

	if (format == NULL || !text_ieq(format, "DER"))
		return out_read(pem, path, e);
	if ((rc = out_read(&der, path, e)) != RC_OK)
		return rc;
	text_add_pem(pem, "CERTIFICATE", buf_view(&der), "\n");
	return buf_check(pem, e);
}

static enum rc
run_add(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF pem = buf_empty(0);
	AUTO_JSON user = NULL;
	AUTO_JSON made = NULL;
	enum rc rc;

	if (!args_has(a, "fullName"))
		return err_set(e, RC_USAGE, "Missing full name");
	if (args_has(a, "cert-file") &&
	    (rc = read_pem(&pem, args_get(a, "cert-file"),
		 args_get(a, "format"), e)) != RC_OK)
		return rc;
	if ((rc = user_data(&user, a, e)) != RC_OK ||
	    (rc = rest_json(p, "POST", "admin/users", user, &made, e)) != RC_OK)
		return rc;
	if (pem.len > 0 &&
	    (rc = add_cert(p, args_at(a, 0), buf_view(&pem), NULL, e)) != RC_OK)
		return rc;
	out_framed("Added user \"%s\"", args_at(a, 0));
	fields_print(fields_user, made);
	return RC_OK;
}

static enum rc
run_mod(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON user = NULL;
	AUTO_JSON now = NULL;
	enum rc rc = user_data(&user, a, e);

	if (rc != RC_OK)
		return rc;
	rest_path(&path, "admin/users/", args_at(a, 0), NULL);
	rc = rest_json(p, "PATCH", buf_cstr(&path), user, &now, e);
	if (rc != RC_OK)
		return rc;
	out_framed("Modified user \"%s\"", args_at(a, 0));
	fields_print(fields_user, now);
	return RC_OK;
}

static enum rc
run_del(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	enum rc rc;

	rest_path(&path, "admin/users/", args_at(a, 0), NULL);
	rc = rest_json(p, "DELETE", buf_cstr(&path), NULL, NULL, e);
	if (rc == RC_OK)
		out_framed("Deleted user \"%s\"", args_at(a, 0));
	return rc;
}

/* ---- certificates ---- */

static enum rc
run_cert_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);

	rest_path(&path, "admin/users/", args_at(a, 0), "/certs", NULL);
	return fields_list(p, a, NULL, &path, fields_user_cert, e);
}

static enum rc
run_cert_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0), der = buf_empty(0), text = buf_empty(0);
	AUTO_JSON cert = NULL;
	enum rc rc;

	rest_path(&path, "admin/users/", args_at(a, 0), "/certs/",
	    args_at(a, 1), NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &cert, e);
	if (rc != RC_OK)
		return rc;
	out_framed("Certificate \"%s\"", args_at(a, 1));
	fields_print(fields_user_cert, cert);
	if (!args_has(a, "output") && !args_has(a, "pretty") &&
	    !args_has(a, "encoded"))
		return RC_OK;
	if ((rc = rest_der(cert, "Encoded", &der, e)) != RC_OK)
		return rc;
	if (args_has(a, "pretty") &&
	    (rc = print_cert(&text, buf_view(&der), e)) == RC_OK)
		printf("\n%s\n", buf_cstr(&text));
	if (rc == RC_OK && args_has(a, "encoded"))
		rc = out_der(NULL, NULL, "CERTIFICATE", buf_view(&der), e);
	if (rc == RC_OK && args_has(a, "output"))
		rc = out_der(args_get(a, "output"), NULL, "CERTIFICATE",
		    buf_view(&der), e);
	return rc;
}

/* --serial: a certificate of the CA on the same server. */
static enum rc
cert_of_serial(
    struct pki *p, const char *serial, struct buf *pem, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_JSON cert = NULL;
	char text[NUM_TEXT_MAX];
	const char *sub = p->sub;
	struct num n;
	enum rc rc;

	if (num_parse(&n, serial, false, NULL) != RC_OK)
		return err_set(
		    e, RC_USAGE, "Invalid serial number: %s", serial);
	p->sub = "ca";
	rc = rest_get(p, &cert, e, "certs/%s", num_0x(text, &n));
	p->sub = sub;
	if (rc != RC_OK || (rc = rest_der(cert, "Encoded", &der, e)) != RC_OK)
		return rc;
	text_add_pem(pem, "CERTIFICATE", buf_view(&der), "\n");
	return buf_check(pem, e);
}

static enum rc
run_cert_add(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF pem = buf_empty(0);
	AUTO_JSON made = NULL;
	enum rc rc;

	if (args_has(a, "input"))
		rc = read_pem(
		    &pem, args_get(a, "input"), args_get(a, "format"), e);
	else if (args_has(a, "serial"))
		rc = cert_of_serial(p, args_get(a, "serial"), &pem, e);
	else
		rc =
		    err_set(e, RC_USAGE, "Missing input file or serial number");
	if (rc != RC_OK ||
	    (rc = add_cert(p, args_at(a, 0), buf_view(&pem), &made, e)) !=
		RC_OK)
		return rc;
	out_framed("Added certificate \"%s\"",
	    json_str(made, "id") != NULL ? json_str(made, "id") : "");
	fields_print(fields_user_cert, made);
	return RC_OK;
}

static enum rc
run_cert_del(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	enum rc rc;

	rest_path(&path, "admin/users/", args_at(a, 0), "/certs/",
	    args_at(a, 1), NULL);
	rc = rest_json(p, "DELETE", buf_cstr(&path), NULL, NULL, e);
	if (rc == RC_OK)
		out_framed("Deleted certificate \"%s\"", args_at(a, 1));
	return rc;
}

/* ---- memberships ---- */

static enum rc
run_member_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);

	rest_path(&path, "admin/users/", args_at(a, 0), "/memberships", NULL);
	return fields_list(p, a, args_at(a, 1), &path, fields_membership, e);
}

static enum rc
run_member_add(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	enum rc rc;

	rest_path(&path, "admin/users/", args_at(a, 0), "/memberships", NULL);
	/* the bare name, which is no JSON, is what the server reads */
	rc = rest_bytes(p, "POST", buf_cstr(&path), "application/json",
	    view_str(args_at(a, 1)), "application/json", NULL, e);
	if (rc != RC_OK)
		return rc;
	out_framed("Added membership in \"%s\"", args_at(a, 1));
	out_field("Group", args_at(a, 1));
	return RC_OK;
}

static enum rc
run_member_del(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	enum rc rc;

	rest_path(&path, "admin/users/", args_at(a, 0), "/memberships/",
	    args_at(a, 1), NULL);
	rc = rest_json(p, "DELETE", buf_cstr(&path), NULL, NULL, e);
	if (rc == RC_OK)
		out_framed("Deleted membership in group \"%s\"", args_at(a, 1));
	return rc;
}

#define DATA_OPTS                                                       \
	OPT("fullName", "name", "Full name"),                           \
	    OPT_SAME("full-name", "fullName"),                          \
	    OPT("email", "address", "E-mail address"),                  \
	    OPT_SECRET("password", "password", "Password"),             \
	    OPT("password-file", "file", "File with the password"),     \
	    OPT("phone", "number", "Phone number"),                     \
	    OPT("type", "type",                                         \
		"Type: userType, agentType, adminType, subsystemType"), \
	    OPT("state", "state", "State: 1 (active), 0")

static const struct opt find_opts[] = {
	OPT("start", "start", "Page start"),
	OPT("size", "size", "Page size"),
	OPT_END,
};
static const struct opt add_opts[] = {
	DATA_OPTS,
	OPT("cert-file", "file", "Certificate of the user"),
	OPT("format", "format", "Certificate format: PEM (default), DER"),
	OPT_END,
};
static const struct opt mod_opts[] = { DATA_OPTS, OPT_END };
static const struct opt cert_show_opts[] = {
	OPT("output", "file", "File to store the certificate (PEM)"),
	OPT_FLAG("pretty", "Show the certificate's contents"),
	OPT_FLAG("encoded", "Show the certificate in PEM"),
	OPT_END,
};
static const struct opt cert_add_opts[] = {
	OPT("input", "file", "Certificate file"),
	OPT("serial", "number", "Serial number of a certificate of the CA"),
	OPT("format", "format", "Certificate format: PEM (default), DER"),
	OPT_END,
};

const struct cmd cmds_user[] = {
	{ "user-find", "[<filter>]", "Find users", find_opts, 0, 1, run_find },
	{ "user-show", "<user ID>", "Show a user", NULL, 1, 1, run_show },
	{ "user-add", "<user ID>", "Add a user", add_opts, 1, 1, run_add },
	{ "user-mod", "<user ID>", "Modify a user", mod_opts, 1, 1, run_mod },
	{ "user-del", "<user ID>", "Delete a user", NULL, 1, 1, run_del },
	{ 0 },
};
const struct cmd cmds_user_cert[] = {
	{ "user-cert-find", "<user ID>", "Find a user's certificates",
	    find_opts, 1, 1, run_cert_find },
	{ "user-cert-show", "<user ID> <cert ID>", "Show a user's certificate",
	    cert_show_opts, 2, 2, run_cert_show },
	{ "user-cert-add", "<user ID>", "Add a certificate to a user",
	    cert_add_opts, 1, 1, run_cert_add },
	{ "user-cert-del", "<user ID> <cert ID>",
	    "Remove a certificate from a user", NULL, 2, 2, run_cert_del },
	{ 0 },
};
const struct cmd cmds_user_membership[] = {
	{ "user-membership-find", "<user ID> [<filter>]",
	    "Find a user's groups", find_opts, 1, 2, run_member_find },
	{ "user-membership-add", "<user ID> <group ID>",
	    "Add a user to a group", NULL, 2, 2, run_member_add },
	{ "user-membership-del", "<user ID> <group ID>",
	    "Remove a user from a group", NULL, 2, 2, run_member_del },
	{ 0 },
};
