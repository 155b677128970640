/* SPDX-License-Identifier: Apache-2.0 */
/* pki_nss.c - nss-create, nss-remove and nss-cert-*: certificates of an NSS
 * database without a server.
 * Owns:    nothing.
 * Trusts:  the user; request files are checked for possession of their key.
 * Threads: none. */
#include "tools/pki_certs.h"
#include "tools/pki_cmds.h"
#include "tools/pki_request.h"

#include <openssl/rand.h>

#include "base/clock.h"
#include "base/file.h"
#include "x509/cms.h"
#include "x509/name.h"
#include "x509/template.h"

enum {
	NSS_SERIAL_LEN = 16,
	NSS_MONTHS_DEFAULT = 3,
};

/* --password, --password-file and --no-password stand before -c and -C. */
static enum rc
run_create(struct pki *p, const struct args *a, struct err *e)
{
	struct secret *pin = NULL;
	bool made, none = args_has(a, "no-password");
	enum rc rc = args_password(a, "password", "password-file", &pin, e);

	if (rc != RC_OK)
		return rc;
	if (none && pin != NULL) {
		secret_free(pin);
		return err_set(e, RC_USAGE,
		    "The --no-password and --password options are mutually "
		    "exclusive.");
	}
	if (none || pin != NULL) {
		secret_free(p->db_pin);
		p->db_pin = pin;
	}
	return client_init(p, args_has(a, "force"), &made, e);
}

static enum rc
run_remove(struct pki *p, const struct args *a, struct err *e)
{
	if (!file_exists(p->dir))
		return RC_OK;
	if (!args_has(a, "force") &&
	    !out_confirm("Are you sure you want to remove the NSS database "
			 "(y/N)? "))
		return RC_OK;
	return file_remove_tree(p->dir, e);
}

static enum rc
run_find(struct pki *p, const struct args *a, struct err *e)
{
	struct client_list l = { .subject = args_get(a, "subject"),
		.issuer = args_get(a, "issuer"),
		.bare = true };

	return client_cert_list(p, &l, e);
}

/* Nickname of a certificate that is told by its bytes. */
struct bytes_walk {
	struct view der;
	struct buf *nickname;
	bool found;
};

static bool
same_bytes(void *arg, const struct keystore_cert *c)
{
	struct bytes_walk *w = arg;

	if (!view_eq(c->der, w->der))
		return true;
	w->found = true;
	if (c->token != NULL && strcmp(c->token, "internal") != 0)
		buf_addf(w->nickname, "%s:", c->token);
	buf_add_str(w->nickname, c->nickname);
	return false;
}

static enum rc
nickname_of_file(
    struct pki *p, const char *path, struct buf *nickname, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	struct bytes_walk w = { .nickname = nickname };
	struct keystore *ks;
	enum rc rc = out_read_der(&der, path, NULL, "CERTIFICATE", e);

	if (rc != RC_OK || (rc = pki_keystore_certs(p, &ks, e)) != RC_OK)
		return rc;
	w.der = buf_view(&der);
	rc = keystore_each_cert(ks, NULL, same_bytes, &w, e);
	if (rc == RC_OK && !w.found)
		return certs_not_found(RC_NOTFOUND, path, e);
	return rc == RC_OK ? buf_check(nickname, e) : rc;
}

static enum rc
show_json(struct pki *p, const char *nickname, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX), trust = buf_empty(0);
	AUTO_JSON o = NULL;
	AUTO_STR text = NULL;
	struct keystore *ks;
	bool has_key;
	enum rc rc = pki_keystore_certs(p, &ks, e);

	if (rc != RC_OK ||
	    (rc = certs_trust(ks, nickname, &trust, &has_key, e)) != RC_OK ||
	    (rc = keystore_find_cert(ks, &der, nickname, e)) != RC_OK ||
	    (rc = certs_json(
		 &o, nickname, buf_view(&der), buf_cstr(&trust), e)) != RC_OK)
		return rc;
	if ((text = json_dumps(o, JSON_INDENT(2))) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	printf("%s\n", text);
	return RC_OK;
}

static enum rc
run_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX), found = buf_empty(0);
	const char *nickname = args_at(a, 0), *file = args_get(a, "cert-file");
	enum rc rc;

	if ((nickname == NULL) == (file == NULL))
		return err_set(e, RC_USAGE,
		    nickname == NULL ? "Missing nickname or certificate file"
				     : "Give a nickname or --cert-file");
	if (file != NULL) {
		if ((rc = nickname_of_file(p, file, &found, e)) != RC_OK)
			return rc;
		nickname = buf_cstr(&found);
	}
	if (text_ieq(args_str(a, "output-format", "text"), "json"))
		return show_json(p, nickname, e);
	return client_cert_show(p, nickname, &der, e);
}

/* ---- requests ---- */

/* --key-id, --key-id-file: an existing key; else a new one. */
static enum rc
request_key(struct pki *p, const struct args *a, struct keystore *ks,
    struct key **out, struct err *e)
{
	const char *token = args_str(a, "token", args_get(p->global, "token"));
	AUTO_BUF id = buf_empty(0);
	struct keygen g;
	enum rc rc;

	if ((rc = certs_key_id_option(&id, a, e)) != RC_OK)
		return rc;
	if (id.len > 0)
		return keystore_find_key_id(ks, out, token, buf_view(&id), e);
	rc = certs_keygen(&g, args_str(a, "key-type", "RSA"),
	    args_str(a, "key-size", args_get(a, "key-strength")),
	    args_get(a, "curve"), e);
	if (rc != RC_OK)
		return rc;
	if (args_has(a, "sensitive"))
		g.sensitive = text_bool(args_get(a, "sensitive"));
	if (args_has(a, "extractable"))
		g.extractable = text_bool(args_get(a, "extractable"));
	return keystore_generate(ks, out, token, &g, e);
}

/* --ext and --subjectAltName. */
static enum rc
read_exts(struct ext_list *l, const struct args *a,
    const struct certs_subject *of, struct err *e)
{
	enum rc rc = RC_OK;

	if (args_has(a, "ext"))
		rc = certs_ext_file(l, args_get(a, "ext"), of, e);
	if (rc == RC_OK && args_has(a, "subjectAltName"))
		rc = certs_ext_text(l, "subjectAltName",
		    args_get(a, "subjectAltName"), of->spki, of->issuer, e);
	return rc;
}

static enum rc
run_request(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(arena) arena = arena_new(0);
	AUTO(key) k = NULL;
	AUTO_BUF der = buf_empty(REQ_DER_MAX), name = buf_empty(NAME_DER_MAX);
	struct certs_subject of = { 0 };
	struct ext_list exts;
	struct keystore *ks;
	/* without a subject the names are those of the extension */
	const char *subject = args_str(a, "subject", "");
	enum rc rc;

	if (arena == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	ext_list_init(&exts, arena);
	if (*subject == '\0' && !args_has(a, "subjectAltName"))
		return err_set(e, RC_USAGE, "Missing subject DN");
	if (!text_ieq(args_str(a, "type", "pkcs10"), "pkcs10"))
		return err_set(e, RC_UNSUPPORTED,
		    "Unsupported request type: %s", args_get(a, "type"));
	if ((rc = pki_keystore(p, &ks, e)) != RC_OK ||
	    (rc = request_key(p, a, ks, &k, e)) != RC_OK ||
	    (rc = name_parse(&name, view_str(subject), e)) != RC_OK)
		return rc;
	of.spki = key_spki(k);
	of.name = buf_view(&name);
	if ((rc = read_exts(&exts, a, &of, e)) != RC_OK ||
	    (rc = certs_make_req(
		 &der, k, subject, &exts, args_get(a, "hash"), e)) != RC_OK)
		return rc;
	return out_der(args_get(a, "csr"), args_get(a, "format"),
	    "CERTIFICATE REQUEST", buf_view(&der), e);
}

/* ---- issuing ---- */

/* Validity: --months-valid, or --validity-length with --validity-unit. */
static enum rc
set_validity(struct cert_template *t, const struct args *a, struct err *e)
{
	const char *length = args_get(a, "validity-length");
	const char *unit = args_str(a, "validity-unit", "month");
	int64_t n = NSS_MONTHS_DEFAULT;

	if (length == NULL)
		length = args_get(a, "months-valid");
	if (length != NULL && text_int(&n, length, 1, 120000, NULL) != RC_OK)
		return err_set(
		    e, RC_USAGE, "Invalid validity length: %s", length);
	t->not_before = clock_now(&clock_system);
	if (text_ieq(unit, "year"))
		t->not_after = civil_add_months(t->not_before, 12 * n);
	else if (text_ieq(unit, "month"))
		t->not_after = civil_add_months(t->not_before, n);
	else if (text_ieq(unit, "day"))
		t->not_after = t->not_before + n * 86400;
	else if (text_ieq(unit, "hour"))
		t->not_after = t->not_before + n * 3600;
	else if (text_ieq(unit, "minute"))
		t->not_after = t->not_before + n * 60;
	else
		return err_set(e, RC_USAGE, "Invalid validity unit: %s", unit);
	return RC_OK;
}

static enum rc
set_serial(struct cert_template *t, const char *serial, struct err *e)
{
	uint8_t random[NSS_SERIAL_LEN];

	if (serial != NULL)
		return num_parse(&t->serial, serial, false, e);
	if (RAND_bytes(random, sizeof(random)) != 1)
		return err_openssl(e, RC_CRYPTO, "random numbers");
	random[0] = (uint8_t)((random[0] & 0x7f) | 0x40);
	return num_from_view(&t->serial, view_of(random, sizeof(random)), e);
}

/* The issuer's key and certificate; without --issuer the certificate will be
 * self-signed by the key of the request. */
static enum rc
issuer_of(struct keystore *ks, const struct args *a, const struct req *r,
    struct key **k, struct buf *der, struct cert *c, struct err *e)
{
	const char *nickname = args_get(a, "issuer");
	enum rc rc;

	if (nickname == NULL)
		return keystore_find_key(ks, k, NULL, r->spki, e);
	rc = keystore_find_pair(ks, k, der, nickname, e);
	return rc == RC_OK ? cert_parse(c, buf_view(der), e) : rc;
}

static enum rc
issue(struct keystore *ks, const struct args *a, const struct req *r,
    struct buf *out, struct err *e)
{
	AUTO(arena) arena = arena_new(0);
	AUTO(key) k = NULL;
	AUTO_BUF issuer = buf_empty(CERT_DER_MAX),
		 tbs = buf_empty(CERT_DER_MAX);
	struct certs_subject of;
	struct cert_template t;
	struct cert ca;
	bool by_ca = args_has(a, "issuer");
	enum rc rc = issuer_of(ks, a, r, &k, &issuer, &ca, e);

	if (rc != RC_OK)
		return rc;
	if (arena == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	template_init(&t, arena);
	t.version = 2;
	t.subject = r->subject;
	t.issuer = by_ca ? ca.subject : r->subject;
	t.spki = r->spki;
	of = (struct certs_subject){ r->spki, r->subject, r->exts,
		by_ca ? &ca : NULL };
	if ((rc = set_serial(&t, args_get(a, "serial"), e)) != RC_OK ||
	    (rc = set_validity(&t, a, e)) != RC_OK ||
	    (rc = certs_sigalg(&t.sigalg, k, args_get(a, "hash"), e)) !=
		RC_OK ||
	    (rc = read_exts(&t.exts, a, &of, e)) != RC_OK ||
	    (rc = template_tbs(&tbs, &t, e)) != RC_OK)
		return rc;
	return key_sign_object(k, t.sigalg, buf_view(&tbs), out, e);
}

static enum rc
run_issue(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF csr = buf_empty(REQ_DER_MAX), der = buf_empty(CERT_DER_MAX);
	struct keystore *ks;
	const char *path;
	struct req r;
	enum rc rc =
	    args_need(a, "csr", "certificate signing request", &path, e);

	if (rc != RC_OK)
		return rc;
	if (!text_ieq(args_str(a, "csr-type", "pkcs10"), "pkcs10"))
		return err_set(e, RC_UNSUPPORTED,
		    "Unsupported request type: %s", args_get(a, "csr-type"));
	if ((rc = certs_load_req(&r, &csr, path, NULL, e)) != RC_OK ||
	    (rc = pki_keystore(p, &ks, e)) != RC_OK ||
	    (rc = issue(ks, a, &r, &der, e)) != RC_OK)
		return rc;
	return out_der(args_get(a, "cert"), args_get(a, "format"),
	    "CERTIFICATE", buf_view(&der), e);
}

/* ---- in and out ---- */

static enum rc
run_import(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF used = buf_empty(0);
	struct keystore *ks;
	const char *path;
	enum rc rc = args_need(a, "cert", "certificate file", &path, e);

	if (rc != RC_OK)
		return rc;
	rc = args_has(a, "trust") ? pki_keystore(p, &ks, e)
				  : pki_keystore_certs(p, &ks, e);
	if (rc != RC_OK)
		return rc;
	return certs_import_file(ks, args_at(a, 0), path, args_get(a, "format"),
	    args_get(a, "trust"), &used, e);
}

static enum rc
run_export(struct pki *p, const struct args *a, struct err *e)
{
	const char *path = args_str(a, "output-file", args_at(a, 1));
	const char *format = args_str(a, "format", "PEM");
	struct view chain[CMS_CERTS_MAX];
	AUTO(arena) arena = arena_new(0);
	AUTO_BUF out = buf_empty(0);
	struct keystore *ks;
	size_t n = 0;
	enum rc rc = pki_keystore_certs(p, &ks, e);

	if (rc != RC_OK)
		return rc;
	if (arena == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = certs_chain(ks, args_at(a, 0), chain, CMS_CERTS_MAX, &n, arena, e);
	if (rc != RC_OK)
		return rc;
	if (text_ieq(format, "PKCS7") || text_ieq(format, "PKCS7-DER")) {
		cms_certs_put(&out, chain, n, NULL, 0);
		if ((rc = buf_check(&out, e)) != RC_OK)
			return rc;
		return out_der(path, text_ieq(format, "PKCS7") ? "PEM" : "DER",
		    "PKCS7", buf_view(&out), e);
	}
	if (!args_has(a, "with-chain") || text_ieq(format, "DER"))
		return out_der(path, format, "CERTIFICATE", chain[0], e);
	for (size_t i = 0; i < n; i++)
		text_add_pem(&out, "CERTIFICATE", chain[i], "\n");
	if ((rc = buf_check(&out, e)) != RC_OK)
		return rc;
	return out_file(path, buf_view(&out), e);
}

static enum rc
run_mod(struct pki *p, const struct args *a, struct err *e)
{
	const char *trust;
	struct keystore *ks;
	enum rc rc = args_need(a, "trust-flags", "trust flags", &trust, e);

	if (rc != RC_OK || (rc = pki_keystore(p, &ks, e)) != RC_OK)
		return rc;
	return certs_not_found(
	    keystore_set_trust(ks, args_at(a, 0), trust, e), args_at(a, 0), e);
}

static enum rc
run_del(struct pki *p, const struct args *a, struct err *e)
{
	struct keystore *ks;
	bool with_key = args_has(a, "remove-key");
	enum rc rc =
	    with_key ? pki_keystore(p, &ks, e) : pki_keystore_certs(p, &ks, e);

	if (rc != RC_OK)
		return rc;
	rc = keystore_delete_cert(ks, args_at(a, 0), with_key, e);
	return certs_not_found(rc, args_at(a, 0), e);
}

static enum rc
run_verify(struct pki *p, const struct args *a, struct err *e)
{
	struct keystore *ks;
	enum rc rc = pki_keystore(p, &ks, e);

	if (rc != RC_OK)
		return rc;
	return certs_verify(ks, args_at(a, 0), args_get(a, "cert-usage"), e);
}

static const struct opt create_opts[] = {
	OPT_FLAG("force", "Replace the database without asking"),
	OPT_FLAG("no-password", "Create the database without a password"),
	OPT_SECRET("password", "password", "Password of the database"),
	OPT("password-file", "file", "File with the password of the database"),
	OPT_END,
};
static const struct opt remove_opts[] = {
	OPT_FLAG("force", "Remove the database without asking"),
	OPT_END,
};
static const struct opt find_opts[] = {
	OPT("subject", "DN", "Subject DN"),
	OPT("issuer", "DN", "Issuer DN"),
	OPT_END,
};
static const struct opt show_opts[] = {
	OPT("cert-file", "file", "The certificate, instead of its nickname"),
	OPT("output-format", "format", "Output format: text (default), json"),
	OPT_END,
};
static const struct opt request_opts[] = {
	OPT("type", "type", "Request type: pkcs10 (default)"),
	OPT("subject", "DN", "Subject DN (default: none, with subjectAltName)"),
	OPT("token", "name", "Security token of the key"),
	OPT("key-id", "id", "ID of an existing key"),
	OPT("key-id-file", "file", "File with the ID of an existing key"),
	OPT("key-type", "type", "Key type: RSA (default), EC"),
	OPT("key-size", "bits", "RSA key size (default: 2048)"),
	OPT("key-strength", "bits", "As --key-size"),
	OPT("curve", "name",
	    "Elliptic curve: nistp256 (default), nistp384, nistp521"),
	OPT("sensitive", "bool", "Sensitive key: true (default), false"),
	OPT("extractable", "bool", "Extractable key: true (default), false"),
	OPT("hash", "name", "Hash: SHA256 (default), SHA384, SHA512"),
	OPT("ext", "file", "File with certificate extensions"),
	OPT("subjectAltName", "names",
	    "Subject alternative name, e.g. DNS:www.example.com"),
	OPT("csr", "file", "Request file (default: standard output)"),
	OPT("format", "format", "Request format: PEM (default), DER"),
	OPT_END,
};
static const struct opt issue_opts[] = {
	OPT("issuer", "nickname", "Issuer (default: self-signed)"),
	OPT("csr", "file", "Request file"),
	OPT("csr-type", "type", "Request type: pkcs10 (default)"),
	OPT("ext", "file", "File with certificate extensions"),
	OPT("subjectAltName", "names",
	    "Subject alternative name, e.g. DNS:www.example.com"),
	OPT("serial", "number", "Serial number (default: random)"),
	OPT("months-valid", "months", "Months of validity (default: 3)"),
	OPT("validity-length", "length", "Length of validity (default: 3)"),
	OPT("validity-unit", "unit",
	    "Unit: minute, hour, day, month (default), year"),
	OPT("hash", "name", "Hash: SHA256 (default), SHA384, SHA512"),
	OPT("cert", "file", "Certificate file (default: standard output)"),
	OPT("format", "format", "Certificate format: PEM (default), DER"),
	OPT_END,
};
static const struct opt import_opts[] = {
	OPT("cert", "file", "Certificate file"),
	OPT("format", "format", "Certificate format: PEM, DER"),
	OPT("trust", "flags", "Trust flags, e.g. CT,C,C"),
	OPT_END,
};
static const struct opt export_opts[] = {
	OPT("output-file", "file", "Output file (default: standard output)"),
	OPT("format", "format", "Format: PEM (default), DER, PKCS7"),
	OPT_FLAG("with-chain", "Export the chain of issuers too"),
	OPT_END,
};
static const struct opt mod_opts[] = {
	OPT("trust-flags", "flags", "Trust flags, e.g. CT,C,C"),
	OPT_END,
};
static const struct opt del_opts[] = {
	OPT_FLAG("remove-key", "Remove the private key too"),
	OPT_END,
};
static const struct opt verify_opts[] = {
	OPT("cert-usage", "usage",
	    "Certificate usage: CheckAllUsages, SSLServer, SSLClient, SSLCA, "
	    "AnyCA, StatusResponder, EmailSigner, EmailRecipient"),
	OPT_END,
};

const struct cmd cmds_nss[] = {
	{ "nss-create", "", "Create an NSS database", create_opts, 0, 0,
	    run_create },
	{ "nss-remove", "", "Remove an NSS database", remove_opts, 0, 0,
	    run_remove },
	{ 0 },
};
const struct cmd cmds_nss_cert[] = {
	{ "nss-cert-find", "", "Find certificates", find_opts, 0, 0, run_find },
	{ "nss-cert-show", "[<nickname>]", "Show a certificate", show_opts, 0,
	    1, run_show },
	{ "nss-cert-request", "", "Create a certificate signing request",
	    request_opts, 0, 0, run_request },
	{ "nss-cert-issue", "", "Issue a certificate", issue_opts, 0, 0,
	    run_issue },
	{ "nss-cert-import", "[<nickname>]", "Import a certificate",
	    import_opts, 0, 1, run_import },
	{ "nss-cert-export", "<nickname> [<path>]", "Export a certificate",
	    export_opts, 1, 2, run_export },
	{ "nss-cert-mod", "<nickname>", "Modify the trust of a certificate",
	    mod_opts, 1, 1, run_mod },
	{ "nss-cert-del", "<nickname>", "Remove a certificate", del_opts, 1, 1,
	    run_del },
	{ "nss-cert-verify", "<nickname>", "Verify a certificate", verify_opts,
	    1, 1, run_verify },
	{ 0 },
};
