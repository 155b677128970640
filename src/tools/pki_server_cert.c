/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_cert.c - cert-find, -show, -validate, -update, -import, -del: the
 * system certificates of an instance (spec deployment 7.3).
 * Owns:    nothing.
 * Trusts:  CS.cfg for names, the token for certificates.
 * Threads: none. */
#include "tools/pki_server_cert.h"

#include "base/file.h"
#include "base/text.h"
#include "tools/pki_certs.h"
#include "tools/pki_server_cmds.h"
#include "x509/name.h"
#include "x509/print.h"

enum rc
sys_cert_print_der(struct view der, struct err *e)
{
	return certs_print_with(der, server_date, e);
}

/* The request file as DER; empty when there is none. */
static enum rc
load_csr(const struct server *s, const struct sys_cert *c, struct buf *out,
    struct err *e)
{
	AUTO_STR path = sys_cert_path(s, c, "csr");
	struct req r;

	if (path == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	return file_exists(path) ? certs_load_req(&r, out, path, NULL, e)
				 : RC_OK;
}

static void
print_base64(const char *label, struct view der)
{
	AUTO_BUF text = buf_empty(0);

	buf_add_base64(&text, der, 0, "");
	if (der.len > 0)
		out_field(label, buf_cstr(&text));
}

static enum rc
print_all(
    struct server *s, const struct sys_cert *c, struct view der, struct err *e)
{
	AUTO_BUF csr = buf_empty(REQ_DER_MAX);
	enum rc rc = load_csr(s, c, &csr, e);

	print_base64("Certificate", der);
	print_base64("Request", buf_view(&csr));
	return rc;
}

/* A certificate that is not in the token has no more than a name. */
static enum rc
print_cert_of(struct server *s, const struct sys_cert *c, const struct args *a,
    struct err *e)
{
	AUTO_BUF nick = buf_empty(0), der = buf_empty(CERT_DER_MAX),
		 trust = buf_empty(64), pretty = buf_empty(0);
	struct keystore *ks;
	bool has_key;
	enum rc rc;

	out_field("Cert ID", c->id);
	out_field("Nickname", c->nickname);
	out_field("Token", sys_cert_token(c));
	if (c->nickname == NULL)
		return RC_OK;
	if ((rc = sys_cert_nick(c, &nick, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK)
		return rc;
	rc = keystore_find_cert(ks, &der, buf_cstr(&nick), e);
	if (rc == RC_NOTFOUND)
		return RC_OK;
	if (rc != RC_OK ||
	    (rc = sys_cert_print_der(buf_view(&der), e)) != RC_OK)
		return rc;
	if (certs_trust(ks, buf_cstr(&nick), &trust, &has_key, NULL) == RC_OK)
		out_field("Trust Flags", buf_cstr(&trust));
	if (args_has(a, "show-all") &&
	    (rc = print_all(s, c, buf_view(&der), e)) != RC_OK)
		return rc;
	if (!args_has(a, "pretty-print"))
		return RC_OK;
	if ((rc = print_cert(&pretty, buf_view(&der), e)) == RC_OK)
		printf("\n%s", buf_cstr(&pretty));
	return rc;
}

static enum rc
run_find(struct server *s, const struct args *a, struct err *e)
{
	struct sys_cert *all[SYS_CERTS_MAX];
	size_t n;
	enum rc rc = sys_cert_list(s, NULL, all, &n, e);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (rc == RC_OK) {
			out_entry(i);
			rc = print_cert_of(s, all[i], a, e);
		}
		sys_cert_free(all[i]);
	}
	return rc;
}

static enum rc
run_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO(sys_cert) c = NULL;
	enum rc rc = sys_cert_find(s, &c, args_at(a, 0), e);

	return rc == RC_OK ? print_cert_of(s, c, a, e) : rc;
}

static enum rc
validate(struct server *s, const struct sys_cert *c, struct err *e)
{
	AUTO_BUF nick = buf_empty(0);
	struct keystore *ks;
	enum rc rc;

	if ((rc = sys_cert_nick(c, &nick, e)) != RC_OK)
		return rc;
	if (c->usage == NULL)
		return err_set(e, RC_INVALID, "missing certusage");
	if ((rc = server_keystore(s, &ks, e)) != RC_OK)
		return rc;
	return certs_verify(ks, buf_cstr(&nick), c->usage, e);
}

static enum rc
run_validate(struct server *s, const struct args *a, struct err *e)
{
	AUTO(sys_cert) c = NULL;
	enum rc rc = sys_cert_find(s, &c, args_at(a, 0), e);

	if (rc != RC_OK)
		return rc;
	if ((rc = validate(s, c, e)) != RC_OK)
		rc_ignore(
		    err_prefix(e, "Unable to validate %s certificate", c->tag));
	return rc;
}

static enum rc
run_update(struct server *s, const struct args *a, struct err *e)
{
	AUTO(sys_cert) c = NULL;
	enum rc rc = sys_cert_find(s, &c, args_at(a, 0), e);

	if (rc == RC_OK && (rc = sys_cert_update(s, c, e)) == RC_OK)
		out_framed("Updated \"%s\" system certificate", c->id);
	return rc;
}

static enum rc
run_export(struct server *s, const struct args *a, struct err *e)
{
	AUTO(sys_cert) c = NULL;
	enum rc rc = sys_cert_find(s, &c, args_at(a, 0), e);

	return rc == RC_OK ? sys_cert_export(s, c, a, e) : rc;
}

/* Into the token; the key must be there already. */
static enum rc
import_der(struct server *s, const struct sys_cert *c, const char *nickname,
    const char *token, struct view der, struct err *e)
{
	AUTO_BUF full = buf_empty(0);
	AUTO(key) key = NULL;
	struct keystore *ks;
	struct cert x;
	enum rc rc;

	if ((rc = cert_parse(&x, der, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK)
		return rc;
	rc = keystore_find_key(ks, &key, NULL, x.spki, e);
	if (rc != RC_OK)
		return err_prefix(e, "no private key for this certificate");
	if (token != NULL)
		buf_addf(&full, "%s:", token);
	buf_add_str(&full, nickname);
	if ((rc = buf_check(&full, e)) != RC_OK)
		return rc;
	return keystore_import_cert(
	    ks, buf_cstr(&full), der, sys_cert_trust(c), e);
}

static enum rc
run_import(struct server *s, const struct args *a, struct err *e)
{
	AUTO(sys_cert) c = NULL;
	AUTO_BUF der = buf_empty(CERT_DER_MAX), pem = buf_empty(0);
	AUTO_STR path = NULL;
	const char *nickname, *token, *input = args_get(a, "input");
	enum rc rc = sys_cert_find(s, &c, args_at(a, 0), e);

	if (rc != RC_OK)
		return rc;
	if ((path = sys_cert_path(s, c, "crt")) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	nickname = args_str(a, "nickname", c->nickname);
	token = args_str(a, "token", c->token);
	if (nickname == NULL)
		return err_set(e, RC_USAGE, "missing nickname");
	if ((rc = out_read_der(&der, input != NULL ? input : path, NULL,
		 "CERTIFICATE", e)) != RC_OK ||
	    (rc = import_der(s, c, nickname, token, buf_view(&der), e)) !=
		RC_OK)
		return rc;
	if (input != NULL) {
		text_add_pem(&pem, "CERTIFICATE", buf_view(&der), "\n");
		rc = server_write(s, path, buf_view(&pem), 0660, e);
	}
	if (rc != RC_OK ||
	    (rc = sys_cert_rename(s, c, nickname, token, e)) != RC_OK)
		return rc;
	/* under its new name: what the settings say of certificate and key */
	sys_cert_free(sys_cert_steal(&c));
	if ((rc = sys_cert_find(s, &c, args_at(a, 0), e)) != RC_OK)
		return rc;
	return sys_cert_update(s, c, e);
}

static enum rc
run_del(struct server *s, const struct args *a, struct err *e)
{
	AUTO(sys_cert) c = NULL;
	AUTO_BUF nick = buf_empty(0);
	struct keystore *ks;
	enum rc rc;

	if ((rc = sys_cert_find(s, &c, args_at(a, 0), e)) != RC_OK ||
	    (rc = sys_cert_nick(c, &nick, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK)
		return rc;
	return keystore_delete_cert(
	    ks, buf_cstr(&nick), args_has(a, "remove-key"), e);
}

/* ---- by subsystem and tag (older forms) ---- */

static void
print_old_head(const struct sys_cert *c)
{
	out_field("Cert ID", c->tag);
	out_field("Nickname", c->nickname);
}

static enum rc
print_old(struct server *s, const struct sys_cert *c, const struct args *a,
    struct err *e)
{
	AUTO_BUF nick = buf_empty(0), der = buf_empty(CERT_DER_MAX);
	char serial[NUM_TEXT_MAX];
	struct keystore *ks;
	struct cert x;
	bool found = false;
	enum rc rc;

	if (c->nickname != NULL) {
		if ((rc = sys_cert_nick(c, &nick, e)) != RC_OK ||
		    (rc = server_keystore(s, &ks, e)) != RC_OK)
			return rc;
		found = keystore_find_cert(ks, &der, buf_cstr(&nick), NULL) ==
			RC_OK &&
		    cert_parse(&x, buf_view(&der), NULL) == RC_OK;
	}
	if (found)
		out_field("Serial No", num_0x(serial, &x.serial));
	print_old_head(c);
	out_field("Token", sys_cert_token(c));
	return args_has(a, "show-all") ? print_all(s, c, buf_view(&der), e)
				       : RC_OK;
}

static enum rc
run_old_find(struct server *s, const struct args *a, struct err *e)
{
	struct sys_cert *all[SYS_CERTS_MAX];
	size_t n;
	enum rc rc;

	if ((rc = server_use(s, args_at(a, 0), e)) != RC_OK ||
	    (rc = sys_cert_list(s, s->sub, all, &n, e)) != RC_OK)
		return rc;
	out_framed("%zu entries matched", n);
	for (size_t i = 0; i < n; i++) {
		if (rc == RC_OK) {
			out_entry(i);
			rc = print_old(s, all[i], a, e);
		}
		sys_cert_free(all[i]);
	}
	return rc;
}

static enum rc
old_one(
    struct server *s, struct sys_cert **c, const struct args *a, struct err *e)
{
	enum rc rc = server_use(s, args_at(a, 0), e);

	return rc == RC_OK ? sys_cert_tag(s, c, s->sub, args_at(a, 1), e) : rc;
}

static enum rc
run_old_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO(sys_cert) c = NULL;
	enum rc rc = old_one(s, &c, a, e);

	return rc == RC_OK ? print_old(s, c, a, e) : rc;
}

static enum rc
run_old_export(struct server *s, const struct args *a, struct err *e)
{
	AUTO(sys_cert) c = NULL;
	enum rc rc = old_one(s, &c, a, e);

	return rc == RC_OK ? sys_cert_export(s, c, a, e) : rc;
}

static enum rc
run_old_update(struct server *s, const struct args *a, struct err *e)
{
	AUTO(sys_cert) c = NULL;
	enum rc rc = old_one(s, &c, a, e);

	if (rc == RC_OK && (rc = sys_cert_update(s, c, e)) == RC_OK)
		out_framed("Updated \"%s\" subsystem certificate", c->tag);
	return rc;
}

/* Prints one with its status; false when it is not valid. */
static bool
print_validity(struct server *s, const struct sys_cert *c)
{
	struct err e = { 0 };
	enum rc rc = validate(s, c, &e);

	print_old_head(c);
	out_field("Usage", c->usage);
	out_field("Token", sys_cert_token(c));
	if (rc == RC_OK)
		out_field("Status", "VALID");
	else
		out_fieldf("Status", "ERROR: %s", e.text);
	return rc == RC_OK;
}

static enum rc
run_old_validate(struct server *s, const struct args *a, struct err *e)
{
	struct sys_cert *all[SYS_CERTS_MAX];
	bool valid = true;
	size_t n = 1;
	enum rc rc;

	if (args_at(a, 1) != NULL)
		rc = old_one(s, &all[0], a, e);
	else if ((rc = server_use(s, args_at(a, 0), e)) == RC_OK)
		rc = sys_cert_list(s, s->sub, all, &n, e);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		out_entry(i);
		if (!print_validity(s, all[i]))
			valid = false;
		sys_cert_free(all[i]);
	}
	out_framed("%s", valid ? "Validation succeeded" : "Validation failed");
	return valid ? RC_OK : err_set(e, RC_INVALID, "Validation failed");
}

static const struct opt list_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("show-all", "Show certificate and request too"),
	OPT_FLAG("pretty-print", "Show the certificate as text"),
	OPT_END,
};
static const struct opt import_opts[] = {
	SERVER_OPTS,
	OPT("input", "file", "Certificate file (default: certs/<id>.crt)"),
	OPT("nickname", "name", "Nickname (default: as configured)"),
	OPT("token", "name", "Token (default: as configured)"),
	OPT_END,
};
static const struct opt del_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("remove-key", "Remove the private key too"),
	OPT_END,
};

const struct server_cmd server_cert[] = {
	{ "cert-find", "", "Find system certificates", list_opts, 0, 0,
	    run_find, NEED_INSTANCE },
	{ "cert-show", "<cert ID>", "Show a system certificate", list_opts, 1,
	    1, run_show, NEED_INSTANCE },
	{ "cert-validate", "<cert ID>", "Validate a system certificate", NULL,
	    1, 1, run_validate, NEED_INSTANCE },
	{ "cert-update", "<cert ID>", "Update the configuration from the token",
	    NULL, 1, 1, run_update, NEED_INSTANCE },
	{ "cert-import", "<cert ID>", "Import a system certificate",
	    import_opts, 1, 1, run_import, NEED_INSTANCE },
	{ "cert-export", "<cert ID>", "Export a system certificate",
	    sys_export_opts, 1, 1, run_export, NEED_INSTANCE },
	{ "cert-del", "<cert ID>", "Remove a system certificate", del_opts, 1,
	    1, run_del, NEED_INSTANCE },
	{ 0 },
};
const struct server_cmd server_subsystem_cert[] = {
	{ "subsystem-cert-find", "<subsystem ID>",
	    "Find the certificates of a subsystem", list_opts, 1, 1,
	    run_old_find, NEED_INSTANCE },
	{ "subsystem-cert-show", "<subsystem ID> <cert ID>",
	    "Show a certificate of a subsystem", list_opts, 2, 2, run_old_show,
	    NEED_INSTANCE },
	{ "subsystem-cert-export", "<subsystem ID> <cert ID>",
	    "Export a certificate of a subsystem", sys_export_opts, 2, 2,
	    run_old_export, NEED_INSTANCE },
	{ "subsystem-cert-update", "<subsystem ID> <cert ID>",
	    "Update a certificate of a subsystem", NULL, 2, 2, run_old_update,
	    NEED_INSTANCE },
	{ "subsystem-cert-validate", "<subsystem ID> [<cert ID>]",
	    "Validate the certificates of a subsystem", NULL, 1, 2,
	    run_old_validate, NEED_INSTANCE },
	{ 0 },
};
