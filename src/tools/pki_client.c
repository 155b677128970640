/* SPDX-License-Identifier: Apache-2.0 */
/* pki_client.c - client-init and client-cert-*: the user's own database.
 * Owns:    nothing.
 * Trusts:  the user; certificates from the server are parsed strictly.
 * Threads: none. */
#include "tools/pki_certs.h"
#include "tools/pki_cmds.h"
#include "tools/pki_request.h"

#include "base/file.h"
#include "keys/pkcs12.h"
#include "x509/name.h"

enum rc
client_init(struct pki *p, bool force, bool *made, struct err *e)
{
	struct keystore *ks;
	AUTO_STR db = NULL;
	enum rc rc;

	*made = false;
	if (asprintf(&db, "%s/cert9.db", p->dir) < 0)
		return err_set(e, RC_NOMEM, "out of memory");
	if (file_exists(db)) {
		if (!force &&
		    !out_confirm("NSS database already exists in this folder. "
				 "Recreate it (y/N)? "))
			return RC_OK;
		pki_keystore_close(p);
		if ((rc = file_remove_tree(p->dir, e)) != RC_OK)
			return rc;
	}
	*made = true;
	return pki_keystore(p, &ks, e);
}

static enum rc
run_init(struct pki *p, const struct args *a, struct err *e)
{
	bool made;
	enum rc rc = client_init(p, args_has(a, "force"), &made, e);

	if (rc == RC_OK && made)
		out_framed("Client initialized");
	return rc;
}

/* ---- finding and showing ---- */

struct listing {
	const struct client_list *want;
	bool print;
	size_t n;
	struct err *e;
	enum rc rc;
};

static bool
name_is(struct view name, const char *want)
{
	AUTO_BUF text = buf_empty(0);

	return want == NULL ||
	    (name_text(&text, name, NULL) == RC_OK &&
		strcmp(buf_cstr(&text), want) == 0);
}

static bool
list_one(void *arg, const struct keystore_cert *kc)
{
	struct listing *l = arg;
	struct cert c;

	if (cert_parse(&c, kc->der, NULL) != RC_OK)
		return true;
	if ((l->want->ca_only && !cert_is_ca(&c)) ||
	    !name_is(c.subject, l->want->subject) ||
	    !name_is(c.issuer, l->want->issuer))
		return true;
	if (l->print)
		l->rc = certs_print_entry(l->n, kc, l->e);
	l->n++;
	return l->rc == RC_OK;
}

enum rc
client_cert_list(struct pki *p, const struct client_list *want, struct err *e)
{
	struct listing l = { .want = want, .print = want->bare, .e = e };
	const char *token = args_get(p->global, "token");
	struct keystore *ks;
	enum rc rc = pki_keystore_certs(p, &ks, e);

	if (rc != RC_OK ||
	    (rc = keystore_each_cert(ks, token, list_one, &l, e)) != RC_OK)
		return rc;
	if (want->bare)
		return l.rc;
	out_framed("%zu entries matched", l.n);
	l.n = 0;
	l.print = true;
	rc = keystore_each_cert(ks, token, list_one, &l, e);
	if (rc == RC_OK && (rc = l.rc) == RC_OK)
		out_returned(l.n);
	return rc;
}

static enum rc
run_cert_find(struct pki *p, const struct args *a, struct err *e)
{
	struct client_list l = { .ca_only = args_has(a, "ca") };

	return client_cert_list(p, &l, e);
}

/* Exports of client-cert-show: certificate, key or both to files. */
static enum rc
show_files(struct keystore *ks, const struct args *a, const char *nickname,
    struct view der, struct err *e)
{
	const char *path = args_get(a, "pkcs12"),
		   *key = args_get(a, "private-key"),
		   *both = args_get(a, "client-cert");
	AUTO(pkcs12) p12 = pkcs12_new();
	AUTO(secret) pin = NULL;
	AUTO_BUF out = buf_empty(0);
	enum rc rc;

	if (args_get(a, "cert") != NULL &&
	    (rc = out_der(args_get(a, "cert"), NULL, "CERTIFICATE", der, e)) !=
		RC_OK)
		return rc;
	if (path == NULL && key == NULL && both == NULL)
		return RC_OK;
	if (p12 == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = args_password(
	    a, "pkcs12-password", "pkcs12-password-file", &pin, e);
	if (rc != RC_OK ||
	    (rc = pkcs12_add_from(p12, ks, nickname, false, path == NULL, e)) !=
		RC_OK)
		return rc;
	if (path != NULL) {
		if (pin == NULL)
			return err_set(
			    e, RC_USAGE, "Missing PKCS #12 password");
		if ((rc = pkcs12_encode(&out, p12, pin, e)) != RC_OK)
			return rc;
		return file_write(path, buf_view(&out), 0600, e);
	}
	if (both != NULL)
		text_add_pem(&out, "CERTIFICATE", der, "\n");
	if (p12->n == 0 || p12->items[0].pkcs8 == NULL)
		return err_set(
		    e, RC_NOTFOUND, "Private key not found: %s", nickname);
	text_add_pem(
	    &out, "PRIVATE KEY", secret_view(p12->items[0].pkcs8), "\n");
	rc = file_write(both != NULL ? both : key, buf_view(&out), 0600, e);
	buf_wipe(&out);
	return rc;
}

enum rc
client_cert_show(
    struct pki *p, const char *nickname, struct buf *der, struct err *e)
{
	AUTO_BUF trust = buf_empty(0);
	struct keystore *ks;
	bool has_key;
	enum rc rc = pki_keystore_certs(p, &ks, e);

	if (rc != RC_OK ||
	    (rc = certs_trust(ks, nickname, &trust, &has_key, e)) != RC_OK ||
	    (rc = keystore_find_cert(ks, der, nickname, e)) != RC_OK)
		return rc;
	out_field("Nickname", nickname);
	if ((rc = certs_print(buf_view(der), e)) == RC_OK)
		out_field("Trust Flags", buf_cstr(&trust));
	return rc;
}

static enum rc
run_cert_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	const char *nickname = args_at(a, 0);
	struct keystore *ks;
	enum rc rc = RC_OK;

	if (args_has(a, "pkcs12") || args_has(a, "private-key") ||
	    args_has(a, "client-cert"))
		rc = pki_keystore(p, &ks, e);
	if (rc == RC_OK)
		rc = client_cert_show(p, nickname, &der, e);
	return rc == RC_OK ? show_files(p->ks, a, nickname, buf_view(&der), e)
			   : rc;
}

/* ---- changing ---- */

static enum rc
run_cert_mod(struct pki *p, const struct args *a, struct err *e)
{
	const char *nickname = args_at(a, 0), *trust;
	struct keystore *ks;
	enum rc rc = args_need(a, "trust", "trust attributes", &trust, e);

	if (rc != RC_OK || (rc = pki_keystore(p, &ks, e)) != RC_OK ||
	    (rc = keystore_set_trust(ks, nickname, trust, e)) != RC_OK)
		return certs_not_found(rc, nickname, e);
	out_framed("Modified certificate \"%s\"", nickname);
	return RC_OK;
}

static enum rc
run_cert_del(struct pki *p, const struct args *a, struct err *e)
{
	const char *nickname = args_at(a, 0);
	struct keystore *ks;
	enum rc rc = pki_keystore(p, &ks, e);

	if (rc != RC_OK ||
	    (rc = keystore_delete_cert(ks, nickname, false, e)) != RC_OK)
		return certs_not_found(rc, nickname, e);
	out_framed("Removed certificate \"%s\"", nickname);
	return RC_OK;
}

static enum rc
run_cert_validate(struct pki *p, const struct args *a, struct err *e)
{
	struct keystore *ks;
	enum rc rc = pki_keystore(p, &ks, e);

	if (rc == RC_OK)
		rc = certs_verify(
		    ks, args_at(a, 0), args_get(a, "certusage"), e);
	if (rc != RC_OK)
		return rc;
	printf("Cert has the following usages: %s\n",
	    args_str(a, "certusage", "CheckAllUsages"));
	return RC_OK;
}

/* ---- import ---- */

static enum rc
import_serial(struct pki *p, struct keystore *ks, const struct args *a,
    struct buf *used, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	AUTO_JSON cert = NULL;
	struct num serial;
	char text[NUM_TEXT_MAX];
	enum rc rc = num_parse(&serial, args_get(a, "serial"), false, e);

	if (rc != RC_OK ||
	    (rc = rest_get(p, &cert, e, "certs/%s", num_0x(text, &serial))) !=
		RC_OK ||
	    (rc = rest_der(cert, "Encoded", &der, e)) != RC_OK)
		return rc;
	if (args_at(a, 0) != NULL)
		buf_add_str(used, args_at(a, 0));
	else if ((rc = certs_nickname(used, buf_view(&der), e)) != RC_OK)
		return rc;
	return keystore_import_cert(
	    ks, buf_cstr(used), buf_view(&der), args_get(a, "trust"), e);
}

/* The CA's own certificate, as trusted issuer. */
static enum rc
import_ca_server(struct pki *p, struct keystore *ks, const struct args *a,
    struct buf *used, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	AUTO_JSON cert = NULL;
	enum rc rc = rest_get(p, &cert, e, "config/cert/signing");

	if (rc != RC_OK || (rc = rest_der(cert, "Encoded", &der, e)) != RC_OK)
		return rc;
	if (args_at(a, 0) != NULL)
		buf_add_str(used, args_at(a, 0));
	else if ((rc = certs_nickname(used, buf_view(&der), e)) != RC_OK)
		return rc;
	return keystore_import_cert(ks, buf_cstr(used), buf_view(&der),
	    args_str(a, "trust", "CT,C,C"), e);
}

static enum rc
import_p12(struct keystore *ks, const struct args *a, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	AUTO(secret) pin = NULL;
	AUTO(pkcs12) p12 = NULL;
	enum rc rc = args_password(
	    a, "pkcs12-password", "pkcs12-password-file", &pin, e);

	if (rc != RC_OK)
		return rc;
	if (pin == NULL)
		return err_set(e, RC_USAGE, "Missing PKCS #12 password");
	if ((rc = out_read(&der, args_get(a, "pkcs12"), e)) != RC_OK ||
	    (rc = pkcs12_parse(&p12, buf_view(&der), pin, e)) != RC_OK)
		return rc;
	return pkcs12_import(p12, ks, false, false, false, e);
}

static enum rc
run_cert_import(struct pki *p, const struct args *a, struct err *e)
{
	const char *nickname = args_at(a, 0);
	AUTO_BUF used = buf_empty(0);
	struct keystore *ks;
	enum rc rc = pki_keystore(p, &ks, e);

	if (rc != RC_OK)
		return rc;
	if (args_has(a, "cert")) {
		rc = certs_import_file(ks, nickname, args_get(a, "cert"), NULL,
		    args_get(a, "trust"), &used, e);
	} else if (args_has(a, "ca-cert")) {
		rc = certs_import_file(ks, nickname, args_get(a, "ca-cert"),
		    NULL, args_str(a, "trust", "CT,C,C"), &used, e);
	} else if (args_has(a, "pkcs7")) {
		rc = certs_import_pkcs7(ks, nickname, args_get(a, "pkcs7"),
		    args_get(a, "trust"), e);
		if (rc == RC_OK)
			out_framed("Imported certificates from PKCS #7 file");
		return rc;
	} else if (args_has(a, "pkcs12")) {
		if ((rc = import_p12(ks, a, e)) == RC_OK)
			out_framed("Imported certificates from PKCS #12 file");
		return rc;
	} else if (args_has(a, "serial")) {
		rc = import_serial(p, ks, a, &used, e);
	} else if (args_has(a, "ca-server")) {
		rc = import_ca_server(p, ks, a, &used, e);
	} else {
		rc = err_set(e, RC_USAGE, "Missing certificate to import");
	}
	if (rc == RC_OK)
		out_framed("Imported certificate \"%s\"", buf_cstr(&used));
	return rc;
}

static const struct opt init_opts[] = {
	OPT_FLAG("force", "Recreate the database without asking"),
	OPT_END,
};
static const struct opt find_opts[] = {
	OPT_FLAG("ca", "Find CA certificates only"),
	OPT_END,
};
static const struct opt show_opts[] = {
	OPT("cert", "file", "PEM file to store the certificate"),
	OPT("private-key", "file", "PEM file to store the private key"),
	OPT("client-cert", "file",
	    "PEM file to store certificate and private key"),
	OPT("pkcs12", "file", "PKCS #12 file to store certificate and key"),
	OPT_SECRET("pkcs12-password", "password", "PKCS #12 password"),
	OPT("pkcs12-password-file", "file", "PKCS #12 password file"),
	OPT_END,
};
static const struct opt mod_opts[] = {
	OPT("trust", "attributes", "Trust attributes, e.g. CT,C,C"),
	OPT_END,
};
static const struct opt validate_opts[] = {
	OPT("certusage", "usage",
	    "Certificate usage: CheckAllUsages, SSLServer, SSLClient, SSLCA, "
	    "AnyCA, StatusResponder, EmailSigner, EmailRecipient"),
	OPT_END,
};
static const struct opt import_opts[] = {
	OPT("cert", "file", "Certificate file"),
	OPT("ca-cert", "file", "CA certificate file"),
	OPT("pkcs7", "file", "PKCS #7 file with certificates"),
	OPT("pkcs12", "file", "PKCS #12 file"),
	OPT_SECRET("pkcs12-password", "password", "PKCS #12 password"),
	OPT("pkcs12-password-file", "file", "PKCS #12 password file"),
	OPT("serial", "number", "Serial number of a certificate on the server"),
	OPT("trust", "attributes", "Trust attributes, e.g. CT,C,C"),
	OPT_FLAG("ca-server", "Import the CA certificate from the server"),
	OPT_END,
};

const struct cmd cmds_client[] = {
	{ "client-init", "", "Initialize the client database", init_opts, 0, 0,
	    run_init },
	{ 0 },
};
const struct cmd cmds_client_cert[] = {
	{ "client-cert-find", "", "Find certificates in the client database",
	    find_opts, 0, 0, run_cert_find },
	{ "client-cert-show", "<nickname>",
	    "Show a certificate in the client database", show_opts, 1, 1,
	    run_cert_show },
	{ "client-cert-request", "[<subject DN>]",
	    "Make a key pair and submit a certificate request",
	    client_request_opts, 0, 1, client_request_run },
	{ "client-cert-import", "[<nickname>]",
	    "Import a certificate into the client database", import_opts, 0, 1,
	    run_cert_import },
	{ "client-cert-mod", "<nickname>",
	    "Modify a certificate in the client database", mod_opts, 1, 1,
	    run_cert_mod },
	{ "client-cert-del", "<nickname>",
	    "Remove a certificate from the client database", NULL, 1, 1,
	    run_cert_del },
	{ "client-cert-validate", "<nickname>",
	    "Validate a certificate in the client database", validate_opts, 1,
	    1, run_cert_validate },
	{ 0 },
};
