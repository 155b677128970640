/* SPDX-License-Identifier: Apache-2.0 */
/* pki_pkcs7.c - pkcs7-*: chains of certificates in PKCS #7 files.
 * Owns:    nothing.
 * Trusts:  nothing in the file; libcrypto reads it, certificates are parsed
 *          strictly.
 * Threads: none. */
#include "tools/pki_certs.h"
#include "tools/pki_cmds.h"

#include "base/file.h"
#include "x509/cms.h"

static enum rc
load(struct view *certs, size_t *n, const char *path, struct arena *a,
    struct err *e)
{
	AUTO_BUF file = buf_empty(CMS_DER_MAX);
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = out_read(&file, path, e)) != RC_OK)
		return rc;
	return cms_certs_any(certs, CMS_CERTS_MAX, n, buf_view(&file), a, e);
}

static enum rc
save(const char *path, const struct view *certs, size_t n, struct err *e)
{
	AUTO_BUF der = buf_empty(CMS_DER_MAX);
	enum rc rc;

	cms_certs_put(&der, certs, n, NULL, 0);
	if ((rc = buf_check(&der, e)) != RC_OK)
		return rc;
	return out_der(path, "PEM", "PKCS7", buf_view(&der), e);
}

static enum rc
run_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(arena) arena = arena_new(0);
	struct view certs[CMS_CERTS_MAX];
	const char *path;
	size_t n = 0;
	enum rc rc = args_need(a, "pkcs7", "PKCS #7 file", &path, e);

	(void)p;
	if (rc != RC_OK || (rc = load(certs, &n, path, arena, e)) != RC_OK)
		return rc;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		out_entry(i);
		rc = certs_print(certs[i], e);
	}
	return rc;
}

/* All certificates as one series of PEM blocks. */
static enum rc
save_pem(const char *path, const struct view *certs, size_t n, struct err *e)
{
	AUTO_BUF out = buf_empty(0);
	enum rc rc;

	for (size_t i = 0; i < n; i++)
		text_add_pem(&out, "CERTIFICATE", certs[i], "\n");
	if ((rc = buf_check(&out, e)) != RC_OK)
		return rc;
	return out_file(path, buf_view(&out), e);
}

/* Each certificate into a file of its own: PREFIX0SUFFIX, ... or all of them
 * into one. */
static enum rc
run_cert_export(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(arena) arena = arena_new(0);
	struct view certs[CMS_CERTS_MAX];
	const char *path, *prefix;
	size_t n = 0;
	enum rc rc = args_need(a, "pkcs7", "PKCS #7 file", &path, e);

	(void)p;
	if (rc != RC_OK || (rc = load(certs, &n, path, arena, e)) != RC_OK)
		return rc;
	if (args_has(a, "output-file"))
		return save_pem(args_get(a, "output-file"), certs, n, e);
	prefix = args_str(a, "output-prefix", path);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		AUTO_STR out = NULL;

		if (asprintf(&out, "%s%zu%s", prefix, i,
			args_str(a, "output-suffix", "")) < 0)
			return err_set(e, RC_NOMEM, "out of memory");
		if ((rc = out_der(out, NULL, "CERTIFICATE", certs[i], e)) ==
		    RC_OK)
			printf("%s\n", out);
	}
	return rc;
}

/* The certificates of a file, with what is in the PKCS #7 file already. */
static enum rc
run_cert_import(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(arena) arena = arena_new(0);
	struct view certs[CMS_CERTS_MAX];
	AUTO_BUF in = buf_empty(CMS_DER_MAX);
	const char *path, *file, *format = args_get(a, "input-format");
	size_t n = 0, more = 0;
	enum rc rc = args_need(a, "pkcs7", "PKCS #7 file", &path, e);

	(void)p;
	if (rc != RC_OK ||
	    (rc = args_need(a, "input-file", "certificate file", &file, e)) !=
		RC_OK)
		return rc;
	if (arena == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (format != NULL && !text_ieq(format, "PEM") &&
	    !text_ieq(format, "DER"))
		return err_set(e, RC_USAGE, "Unsupported format: %s", format);
	if (args_has(a, "append") && file_exists(path) &&
	    (rc = load(certs, &n, path, arena, e)) != RC_OK)
		return rc;
	if ((rc = out_read(&in, file, e)) != RC_OK ||
	    (rc = cms_certs_any(&certs[n], CMS_CERTS_MAX - n, &more,
		 buf_view(&in), arena, e)) != RC_OK)
		return rc;
	return save(path, certs, n + more, e);
}

static enum rc
run_import(struct pki *p, const struct args *a, struct err *e)
{
	struct keystore *ks;
	const char *path;
	enum rc rc = args_need(a, "input-file", "PKCS #7 file", &path, e);

	if (rc != RC_OK || (rc = pki_keystore(p, &ks, e)) != RC_OK)
		return rc;
	return certs_import_pkcs7(
	    ks, args_at(a, 0), path, args_get(a, "trust-flags"), e);
}

static enum rc
run_export(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(arena) arena = arena_new(0);
	struct view chain[CMS_CERTS_MAX];
	struct keystore *ks;
	size_t n = 0;
	enum rc rc = pki_keystore(p, &ks, e);

	if (rc != RC_OK)
		return rc;
	if (arena == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = certs_chain(ks, args_at(a, 0), chain, CMS_CERTS_MAX, &n, arena, e);
	if (rc != RC_OK)
		return rc;
	return save(args_get(a, "pkcs7"), chain, n, e);
}

static const struct opt find_opts[] = {
	OPT("pkcs7", "file", "PKCS #7 file"),
	OPT_SAME("pkcs7-file", "pkcs7"),
	OPT_END,
};
static const struct opt cert_export_opts[] = {
	OPT("pkcs7", "file", "PKCS #7 file"),
	OPT_SAME("pkcs7-file", "pkcs7"),
	OPT("output-prefix", "prefix", "Prefix of the output files"),
	OPT("output-suffix", "suffix", "Suffix of the output files"),
	OPT("output-file", "file", "One file for all certificates"),
	OPT_END,
};
static const struct opt cert_import_opts[] = {
	OPT("pkcs7", "file", "PKCS #7 file"),
	OPT_SAME("pkcs7-file", "pkcs7"),
	OPT("input-file", "file", "Certificate file"),
	OPT("input-format", "format", "Certificate format: PEM, DER"),
	OPT_FLAG("append", "Append to an existing file"),
	OPT_END,
};
static const struct opt import_opts[] = {
	OPT("input-file", "file", "PKCS #7 file"),
	OPT_SAME("pkcs7", "input-file"),
	OPT("trust-flags", "flags", "Trust flags of the first certificate"),
	OPT_END,
};
static const struct opt export_opts[] = {
	OPT("pkcs7", "file", "PKCS #7 file (default: standard output)"),
	OPT_SAME("pkcs7-file", "pkcs7"),
	OPT_SAME("output-file", "pkcs7"),
	OPT_END,
};

const struct cmd cmds_pkcs7[] = {
	{ "pkcs7-cert-find", "", "Find certificates in a PKCS #7 file",
	    find_opts, 0, 0, run_find },
	{ "pkcs7-cert-import", "", "Put a certificate into a PKCS #7 file",
	    cert_import_opts, 0, 0, run_cert_import },
	{ "pkcs7-cert-export", "",
	    "Export the certificates of a PKCS #7 file, one a file",
	    cert_export_opts, 0, 0, run_cert_export },
	{ "pkcs7-import", "[<nickname>]",
	    "Import a PKCS #7 file into the NSS database", import_opts, 0, 1,
	    run_import },
	{ "pkcs7-export", "<nickname>",
	    "Export a certificate and its issuers into a PKCS #7 file",
	    export_opts, 1, 1, run_export },
	{ 0 },
};
