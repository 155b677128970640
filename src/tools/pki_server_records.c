/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_records.c - ca-cert-*, ca-cert-request-*, ca-profile-find,
 * <sub>-clone-prepare (spec deployment 3.1, 7.4, 7.5).
 * Owns:    nothing.
 * Trusts:  its user; imported certificates must be signed by the CA.
 * Threads: none. */
#include "base/file.h"
#include "base/text.h"
#include "instance/dbconf.h"
#include "keys/pkcs12.h"
#include "tools/pki_certs.h"
#include "tools/pki_server_cert.h"
#include "tools/pki_server_cmds.h"

enum {
	PKCS12_MAX = 16 * 1024 * 1024,
};

static void
date_field(const char *label, const json_t *o, const char *member)
{
	char text[CLOCK_TEXT_MAX];
	const json_t *x = json_object_get(o, member);

	if (json_is_integer(x))
		out_field(label, server_date(text, json_integer_value(x)));
}

/* ---- certificates ---- */

struct numbered {
	int64_t made;
	struct num n;
	const json_t *o;
};

static int
by_number(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	if (x->made != y->made)
		return x->made < y->made ? -1 : 1;
	return num_cmp(&x->n, &y->n);
}

/* The entries by a member that is a number, before it by one that is a time
 * unless that is NULL: where several hosts issue, neither is the order of the
 * store. The caller frees; NULL when memory is out. */
static struct numbered *
sorted(const json_t *list, const char *member, const char *time)
{
	size_t n = json_array_size(list);
	struct numbered *out = calloc(n + 1, sizeof(*out));

	for (size_t i = 0; out != NULL && i < n; i++) {
		const char *text;
		out[i].o = json_array_get(list, i);
		text = json_str(out[i].o, member);
		if (time != NULL)
			out[i].made =
			    json_integer_value(json_object_get(out[i].o, time));
		out[i].n = num_from_u64(0);
		if (text != NULL)
			/* what is no number comes first */
			rc_ignore(num_parse(&out[i].n, text, false, NULL));
	}
	if (out != NULL)
		qsort(out, n, sizeof(*out), by_number);
	return out;
}

static enum rc
run_cert_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = json_object();
	AUTO_JSON list = NULL;
	struct numbered *order = NULL;
	enum rc rc;

	if (args_has(a, "status"))
		json_object_set_new(
		    q, "status", json_string(args_get(a, "status")));
	rc = server_call_all(s, "cert-find", q, &list, e);
	if (rc == RC_OK && (order = sorted(list, "serial", NULL)) == NULL)
		rc = err_set(e, RC_NOMEM, "out of memory");
	for (size_t i = 0; rc == RC_OK && i < json_array_size(list); i++) {
		const json_t *o = order[i].o;

		out_entry(i);
		out_field("Serial Number", json_str(o, "serial"));
		out_field("Subject DN", json_str(o, "subject"));
		out_field("Issuer DN", json_str(o, "issuer"));
		out_field("Status", json_str(o, "status"));
		date_field("Not Valid Before", o, "notBefore");
		date_field("Not Valid After", o, "notAfter");
		date_field("Issued On", o, "issuedOn");
		out_field("Issued By", json_str(o, "issuedBy"));
		date_field("Revoked On", o, "revokedOn");
		out_field("Revoked By", json_str(o, "revokedBy"));
	}
	free(order);
	return rc;
}

static enum rc
run_cert_del(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = json_pack("{s:s}", "serial", args_at(a, 0));

	return server_call(s, "cert-del", q, NULL, e);
}

static enum rc
run_chain_export(struct server *s, const struct args *a, struct err *e)
{
	AUTO_BUF der = buf_empty(PKCS12_MAX), nick = buf_empty(0);
	AUTO(pkcs12) p12 = pkcs12_new();
	AUTO(secret) pin = NULL;
	struct keystore *ks;
	const char *path;
	enum rc rc = args_need(a, "pkcs12-file", "PKCS #12 file", &path, e);

	if (rc != RC_OK || (rc = server_pkcs12_password(a, &pin, e)) != RC_OK ||
	    (rc = server_ca_cert_of(s, &der, &nick, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK)
		return rc;
	buf_reset(&der);
	if (p12 == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = pkcs12_add_from(p12, ks, buf_cstr(&nick), true, false, e)) !=
		RC_OK ||
	    (rc = pkcs12_encode(&der, p12, pin, e)) != RC_OK)
		return rc;
	return file_write(path, buf_view(&der), 0600, e);
}

/* ---- requests ---- */

static void
print_request(const json_t *o)
{
	AUTO_BUF der = buf_empty(0), line = buf_empty(0);
	const char *text;

	out_field("Request ID", json_str(o, "id"));
	out_field("Type", json_str(o, "type"));
	out_field("Status", json_str(o, "status"));
	text = json_str(o, "request");
	/* one line, as old scripts expect it */
	if (text != NULL && text_pem(&der, view_str(text), NULL, NULL) == RC_OK)
		buf_add_base64(&line, buf_view(&der), 0, "");
	out_field("Request", line.len > 0 ? buf_cstr(&line) : text);
}

/* --cert or --cert-file as the serial number that its request is found by. */
static enum rc
cert_option(json_t *q, const struct args *a, struct err *e)
{
	const char *text = args_get(a, "cert"),
		   *path = args_get(a, "cert-file");
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	char serial[NUM_TEXT_MAX];
	struct cert c;
	enum rc rc;

	if (text == NULL && path == NULL)
		return RC_OK;
	if (text != NULL)
		rc = text_pem(&der, view_str(text), "CERTIFICATE", e);
	else
		rc = out_read_der(&der, path, NULL, "CERTIFICATE", e);
	if (rc != RC_OK || (rc = cert_parse(&c, buf_view(&der), e)) != RC_OK)
		return rc;
	json_object_set_new(
	    q, "serial", json_string(num_0x(serial, &c.serial)));
	return RC_OK;
}

static enum rc
run_request_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = json_object();
	AUTO_JSON list = NULL;
	struct numbered *order;
	enum rc rc = cert_option(q, a, e);

	if (rc != RC_OK ||
	    (rc = server_call_all(s, "request-find", q, &list, e)) != RC_OK)
		return rc;
	if ((order = sorted(list, "id", "created")) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	out_framed("%zu entries matched", json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++) {
		out_entry(i);
		print_request(order[i].o);
	}
	free(order);
	return RC_OK;
}

static enum rc
run_request_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = json_pack("{s:s}", "id", args_at(a, 0));
	const char *path = args_get(a, "output-file"), *text;
	AUTO_JSON o = NULL;
	enum rc rc = server_call(s, "request-show", q, &o, e);

	if (rc != RC_OK)
		return rc;
	if (path == NULL) {
		print_request(o);
		return RC_OK;
	}
	if ((text = json_str(o, "request")) == NULL)
		return err_set(e, RC_NOTFOUND,
		    "Unable to find certificate request for %s", args_at(a, 0));
	return out_file(path, view_str(text), e);
}

/* ---- the store ---- */

/* A directory that answers and has not been filled yet (ca-db-init). */
static bool
is_empty_directory(struct server *s)
{
	AUTO(cfg) c = NULL;

	return server_cs(s, &c, s->sub, NULL) == RC_OK &&
	    dbconf_is_directory(c);
}

static enum rc
run_db_info(struct server *s, const struct args *a, struct err *e)
{
	static const char *const rows[][2] = { { "Certificates",
						   "certificates" },
		{ "Requests", "requests" }, { "Users", "users" },
		{ "Groups", "groups" }, { "Profiles", "profiles" } };
	AUTO_JSON o = NULL;
	enum rc rc = server_call(s, "db-info", NULL, &o, e);

	(void)a;
	if (rc == RC_NOTFOUND && is_empty_directory(s)) {
		out_field("Initialized", "False");
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	out_field("Generation", json_str(o, "generation"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		out_fieldf(rows[i][0], "%lld",
		    (long long)json_integer_value(
			json_object_get(o, rows[i][1])));
	return RC_OK;
}

static enum rc
run_db_backup(struct server *s, const struct args *a, struct err *e)
{
	AUTO_STR here = realpath(".", NULL);
	AUTO_BUF dir = buf_empty(4096);
	AUTO_JSON q = NULL;
	const char *to = args_at(a, 0);
	enum rc rc;

	/* the server has a working folder of its own */
	if (to[0] != '/')
		buf_addf(&dir, "%s/", here != NULL ? here : "");
	buf_add_str(&dir, to);
	if ((rc = buf_check(&dir, e)) != RC_OK)
		return rc;
	/* it writes as its user, into a folder that is that user's alone: none
	 * that was there before is given away */
	if (file_exists(buf_cstr(&dir)))
		return err_set(e, RC_EXISTS, "%s exists already", to);
	if ((rc = file_mkdirs(buf_cstr(&dir), 0700, e)) != RC_OK ||
	    (rc = server_give(s, buf_cstr(&dir), e)) != RC_OK)
		return rc;
	q = json_pack("{s:s}", "dir", buf_cstr(&dir));
	if (q == NULL)
		return err_set(e, RC_USAGE, "Invalid folder");
	if ((rc = server_call(s, "db-backup", q, NULL, e)) == RC_OK)
		out_framed("%s database copied to %s", s->type, to);
	return rc;
}

/* ---- clone-prepare ---- */

/* Tags in the order of the file; never sslserver. */
static const char *const clone_tags[SERVER_SUBSYSTEMS][5] = {
	{ "subsystem", "signing", "ocsp_signing", "audit_signing", NULL },
	{ "subsystem", "transport", "storage", "audit_signing", NULL },
	{ "subsystem", "signing", "audit_signing", NULL },
	{ "subsystem", "audit_signing", NULL },
	{ "subsystem", "audit_signing", NULL },
};

static enum rc
add_clone_certs(
    struct server *s, struct pkcs12 *p12, bool no_key, struct err *e)
{
	const char *const *tags = clone_tags[0];
	struct keystore *ks;
	enum rc rc = server_keystore(s, &ks, e);

	for (size_t i = 0; i < SERVER_SUBSYSTEMS; i++)
		if (strcmp(server_subsystems[i], s->sub) == 0)
			tags = clone_tags[i];
	for (; rc == RC_OK && *tags != NULL; tags++) {
		AUTO(sys_cert) c = NULL;
		AUTO_BUF nick = buf_empty(0);

		rc = sys_cert_tag(s, &c, s->sub, *tags, e);
		/* not every instance signs its audit log */
		if (rc == RC_NOTFOUND && strcmp(*tags, "audit_signing") == 0) {
			rc = RC_OK;
			continue;
		}
		if (rc == RC_OK && (rc = sys_cert_nick(c, &nick, e)) == RC_OK)
			rc = pkcs12_add_from(
			    p12, ks, buf_cstr(&nick), no_key, false, e);
		if (rc == RC_UNSUPPORTED)
			/* the key stays in its HSM, which clones share */
			rc = pkcs12_add_from(
			    p12, ks, buf_cstr(&nick), true, false, e);
	}
	return rc;
}

/* conf/external_certs.conf: <n>.nickname=..., <n>.token=... */
static enum rc
add_external_certs(struct server *s, struct pkcs12 *p12, struct err *e)
{
	AUTO_BUF path = buf_empty(4096);
	AUTO(cfg) c = cfg_new();
	struct keystore *ks;
	enum rc rc;

	buf_addf(&path, "%s/external_certs.conf", s->paths->conf);
	if (!file_exists(buf_cstr(&path)))
		return RC_OK;
	if (c == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = cfg_load(c, buf_cstr(&path), e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK)
		return rc;
	for (size_t i = 0; rc == RC_OK && i < cfg_count(c); i++)
		if (text_ends(cfg_at(c, i).name, ".nickname"))
			rc = pkcs12_add_from(
			    p12, ks, cfg_at(c, i).value, true, false, e);
	return rc;
}

static enum rc
run_clone_prepare(struct server *s, const struct args *a, struct err *e)
{
	AUTO_BUF der = buf_empty(PKCS12_MAX);
	AUTO(pkcs12) p12 = pkcs12_new();
	AUTO(secret) pin = NULL;
	const char *path;
	enum rc rc = args_need(a, "pkcs12-file", "PKCS #12 file", &path, e);

	if (rc != RC_OK || (rc = server_pkcs12_password(a, &pin, e)) != RC_OK)
		return rc;
	if (p12 == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = add_clone_certs(s, p12, args_has(a, "no-key"), e)) != RC_OK ||
	    (rc = add_external_certs(s, p12, e)) != RC_OK ||
	    (rc = pkcs12_encode(&der, p12, pin, e)) != RC_OK)
		return rc;
	return file_write(path, buf_view(&der), 0600, e);
}

#define PKCS12_OPTS                                                    \
	OPT("pkcs12-file", "file", "PKCS #12 file"),                   \
	    OPT_SECRET("pkcs12-password", "password", "Its password"), \
	    OPT("pkcs12-password-file", "file", "File with its password")
static const struct opt cert_find_opts[] = {
	SERVER_OPTS,
	OPT("status", "status",
	    "VALID, INVALID, EXPIRED, REVOKED, REVOKED_EXPIRED"),
	OPT_END,
};
static const struct opt chain_opts[] = { SERVER_OPTS, PKCS12_OPTS, OPT_END };
static const struct opt request_find_opts[] = {
	SERVER_OPTS,
	OPT("cert", "base64", "The request of this certificate"),
	OPT("cert-file", "file", "The request of this certificate"),
	OPT_END,
};
static const struct opt request_show_opts[] = {
	SERVER_OPTS,
	OPT("output-file", "file", "Write the request there"),
	OPT_END,
};
static const struct opt clone_opts[] = {
	SERVER_OPTS,
	PKCS12_OPTS,
	OPT_FLAG("no-key", "Leave the keys out"),
	OPT_END,
};

const struct server_cmd server_ca_cert[] = {
	{ "cert-find", "", "Find certificates", cert_find_opts, 0, 0,
	    run_cert_find, NEED_SUBSYSTEM },
	{ "cert-del", "<serial number>", "Remove the record of a certificate",
	    NULL, 1, 1, run_cert_del, NEED_SUBSYSTEM },
	{ "cert-chain-export", "", "Export the CA's certificate chain",
	    chain_opts, 0, 0, run_chain_export, NEED_SUBSYSTEM },
	{ "cert-request-find", "", "Find certificate requests",
	    request_find_opts, 0, 0, run_request_find, NEED_SUBSYSTEM },
	{ "cert-request-show", "<request ID>", "Show a certificate request",
	    request_show_opts, 1, 1, run_request_show, NEED_SUBSYSTEM },
	{ 0 },
};
const struct server_cmd server_db[] = {
	{ "db-info", "", "Show what is in the embedded store", NULL, 0, 0,
	    run_db_info, NEED_SUBSYSTEM },
	{ "db-backup", "<folder>",
	    "Copy the embedded store, also while the server runs", NULL, 1, 1,
	    run_db_backup, NEED_SUBSYSTEM },
	{ 0 },
};
const struct server_cmd server_clone[] = {
	{ "clone-prepare", "",
	    "Export the certificates and keys that a clone needs", clone_opts,
	    0, 0, run_clone_prepare, NEED_SUBSYSTEM },
	{ 0 },
};
