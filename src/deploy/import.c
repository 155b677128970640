/* SPDX-License-Identifier: Apache-2.0 */
/* import.c - what the user brings along: PKCS #12 files, the chain of issuers,
 * certificates for keys that are there (spec deployment 2.6, step 5).
 * Owns:    nothing; all goes into the instance's NSS database.
 * Trusts:  nothing in the files: they are parsed before they go in.
 * Threads: one. */
#include "base/file.h"
#include "deploy/install.h"
#include "deploy/plans.h"
#include "keys/pkcs12.h"
#include "x509/cms.h"

enum {
	PKCS12_MAX = 16 * 1024 * 1024,
	CHAIN_TEXT_MAX = 4 * 1024 * 1024,
};

/* The file that one parameter names, opened with the password that another
 * one is. */
static enum rc
import_pkcs12(struct install *in, const char *path_param,
    const char *password_param, struct err *e)
{
	const char *path = values_str(in->v, path_param);
	AUTO(secret)
	password = secret_new(view_str(values_str(in->v, password_param)));
	AUTO(pkcs12) p12 = NULL;
	AUTO_BUF der = buf_empty(PKCS12_MAX);
	enum rc rc;

	if (path[0] == '\0')
		return RC_OK;
	if (password == NULL)
		return err_set(e, RC_NOMEM, "%s", path_param);
	install_say(in, "Importing keys and certificates from %s", path);
	rc = file_read(&der, path, e);
	if (rc == RC_OK)
		rc = pkcs12_parse(&p12, buf_view(&der), password, e);
	if (rc == RC_OK)
		rc = pkcs12_import(p12, in->ks, false, false, false, e);
	if (rc == RC_AUTH)
		return err_set(e, RC_AUTH, "%s: %s does not open with %s",
		    path_param, path, password_param);
	return rc == RC_OK ? RC_OK : err_prefix(e, "%s", path_param);
}

/* Is this very certificate in the database? */
struct same {
	struct view der;
	bool found;
};

static bool
look_same(void *arg, const struct keystore_cert *c)
{
	struct same *s = arg;

	s->found = view_eq(s->der, c->der);
	return !s->found;
}

/* The chain: the first certificate under pki_cert_chain_nickname, others as
 * "<nickname> #2"; one that came in a PKCS #12 file keeps its name.
 * What an HSM holds is trusted only by its copy in the internal token. */
static enum rc
import_chain(struct install *in, struct err *e)
{
	const char *path = values_str(in->v, "pki_cert_chain_path"),
		   *name = values_str(in->v, "pki_cert_chain_nickname");
	AUTO(arena) a = arena_new(0);
	AUTO_BUF text = buf_empty(CHAIN_TEXT_MAX);
	struct view certs[CMS_CERTS_MAX];
	size_t n = 0;
	enum rc rc;

	if (path[0] == '\0')
		return RC_OK;
	if (a == NULL)
		return err_set(e, RC_NOMEM, "pki_cert_chain_path");
	install_say(in, "Importing the certificate chain from %s", path);
	if ((rc = file_read(&text, path, e)) != RC_OK ||
	    (rc = cms_certs_any(
		 certs, CMS_CERTS_MAX, &n, buf_view(&text), a, e)) != RC_OK)
		return err_prefix(e, "pki_cert_chain_path");
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct same s = { .der = certs[i] };
		AUTO_BUF nick = buf_empty(4096);
		struct cert c;

		text_add_pem(&in->chain, "CERTIFICATE", certs[i], "\n");
		if ((rc = cert_parse(&c, certs[i], e)) != RC_OK ||
		    (rc = keystore_each_cert(
			 in->ks, "internal", look_same, &s, e)) != RC_OK)
			return err_prefix(e, "pki_cert_chain_path");
		if (s.found)
			continue;
		buf_addf(&nick, "internal:%s", name);
		if (i > 0)
			buf_addf(&nick, " #%zu", i + 1);
		rc = keystore_import_cert(
		    in->ks, buf_cstr(&nick), certs[i], "CT,C,C", e);
	}
	return rc == RC_OK ? buf_check(&in->chain, e)
			   : err_prefix(e, "pki_cert_chain_path");
}

/* <prefix>_cert_path: a certificate whose key an earlier step made, or that is
 * in the token. */
static enum rc
import_given(struct install *in, const struct plan *p, struct err *e)
{
	const char *path = plan_param(in, p, "cert_path");
	AUTO(arena) a = arena_new(0);
	AUTO(key) key = NULL;
	AUTO_BUF text = buf_empty(CHAIN_TEXT_MAX), nick = buf_empty(4096);
	struct view certs[CMS_CERTS_MAX];
	struct cert c;
	size_t n = 0;
	enum rc rc;

	if (path[0] == '\0' || !plan_wanted(in, p))
		return RC_OK;
	if (a == NULL)
		return err_set(e, RC_NOMEM, "%s_cert_path", p->prefix);
	if ((rc = file_read(&text, path, e)) != RC_OK ||
	    (rc = cms_certs_any(
		 certs, CMS_CERTS_MAX, &n, buf_view(&text), a, e)) != RC_OK)
		return err_prefix(e, "%s_cert_path", p->prefix);
	if (n == 0)
		return err_set(e, RC_INVALID,
		    "%s_cert_path: %s: no certificate", p->prefix, path);
	if ((rc = cert_parse(&c, certs[0], e)) != RC_OK)
		return err_prefix(e, "%s_cert_path", p->prefix);
	rc = keystore_find_key(in->ks, &key, plan_token(in, p), c.spki, e);
	if (rc == RC_NOTFOUND)
		return err_set(e, RC_NOTFOUND,
		    "%s_cert_path: %s: the token has no private key for it; "
		    "it must be issued for the request that step one wrote",
		    p->prefix, path);
	if (rc != RC_OK)
		return rc;
	install_say(in, "Importing %s certificate from %s", p->file_id, path);
	plan_nickname(in, p, &nick);
	return keystore_import_cert(
	    in->ks, buf_cstr(&nick), certs[0], p->trust, e);
}

/* external_certs.conf travels with the certificates that it names. */
static enum rc
copy_external_list(struct install *in, struct err *e)
{
	const char *from = values_str(in->v, "pki_server_external_certs_path");
	AUTO_BUF text = buf_empty(CHAIN_TEXT_MAX), to = buf_empty(4096);
	enum rc rc;

	if (from[0] == '\0')
		return RC_OK;
	buf_addf(&to, "%s/external_certs.conf", in->paths->conf);
	if ((rc = file_read(&text, from, e)) != RC_OK)
		return err_prefix(e, "pki_server_external_certs_path");
	return file_write(buf_cstr(&to), buf_view(&text), 0660, e);
}

enum rc
install_imports(struct install *in, struct err *e)
{
	enum rc rc;

	if ((rc = import_pkcs12(in, "pki_server_pkcs12_path",
		 "pki_server_pkcs12_password", e)) != RC_OK ||
	    (rc = copy_external_list(in, e)) != RC_OK)
		return rc;
	if (in->clone)
		rc = import_pkcs12(in, "pki_clone_pkcs12_path",
		    "pki_clone_pkcs12_password", e);
	else if (!in->step_one)
		rc = values_str(in->v, "pki_pkcs12_path")[0] != '\0'
		    ? import_pkcs12(
			  in, "pki_pkcs12_path", "pki_pkcs12_password", e)
		    : import_pkcs12(in, "pki_external_pkcs12_path",
			  "pki_external_pkcs12_password", e);
	if (rc == RC_OK)
		rc = import_chain(in, e);
	for (size_t i = 0; rc == RC_OK && plans_all[i] != NULL; i++)
		rc = import_given(in, plans_all[i], e);
	return rc;
}
