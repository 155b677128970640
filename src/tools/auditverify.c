/* SPDX-License-Identifier: Apache-2.0 */
/* auditverify.c - AuditVerify: checks the signatures of audit logs (spec ca
 * 4.7).
 * Owns:    the database and files of one run.
 * Trusts:  the signer's certificate in the user's database.
 * Threads: none. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "keys/keystore.h"
#include "tools/audit_chain.h"
#include "x509/cert.h"

enum {
	LOG_FILES_MAX = 4096
};

struct options {
	const char *dir, *nickname, *list;
	bool verbose, help;
};

static void
usage(FILE *f)
{
	fprintf(f,
	    "Usage: AuditVerify -d <folder> -n <nickname> -a <file> "
	    "[-P <prefix>] [-v]\n\n"
	    "  -d <folder>    NSS database with the signer's certificate\n"
	    "  -n <nickname>  Certificate of the audit log signer\n"
	    "  -a <file>      File that lists the logs, oldest first\n"
	    "  -P <prefix>    Prefix of the database files (must be empty)\n"
	    "  -v             Report every signature\n");
}

static bool
read_options(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "d:n:a:P:vh")) != -1) {
		switch (c) {
		case 'd':
			o->dir = optarg;
			break;
		case 'n':
			o->nickname = optarg;
			break;
		case 'a':
			o->list = optarg;
			break;
		case 'P':
			if (optarg[0] == '\0')
				break;
			fprintf(stderr,
			    "AuditVerify: database prefixes are not "
			    "supported\n");
			return false;
		case 'v':
			o->verbose = true;
			break;
		case 'h':
			o->help = true;
			break;
		default:
			return false;
		}
	}
	return o->help ||
	    (optind == argc && o->dir != NULL && o->nickname != NULL &&
		o->list != NULL);
}

static enum rc
load_signer(
    const struct options *o, struct buf *der, struct cert *c, struct err *e)
{
	struct keystore_open_params p = { .dir = o->dir, .read_only = true };
	AUTO(keystore) ks = NULL;
	enum rc rc;

	if ((rc = keystore_open(&ks, &p, e)) != RC_OK ||
	    (rc = keystore_find_cert(ks, der, o->nickname, e)) != RC_OK ||
	    (rc = cert_parse(c, buf_view(der), e)) != RC_OK)
		return rc;
	if ((cert_key_usage(c) & EXT_KU_DIGITAL_SIGNATURE) == 0)
		return err_set(e, RC_INVALID,
		    "certificate %s: RFC 5280 4.2.1.3: no digitalSignature "
		    "usage",
		    o->nickname);
	return RC_OK;
}

static void
report(
    const struct options *o, const char *path, size_t n, enum audit_line what)
{
	static const char *const texts[] = {
		[AUDIT_LINE_PLAIN] = NULL,
		[AUDIT_LINE_START] = "first signature, a starting point",
		[AUDIT_LINE_VALID] = "VERIFICATION SUCCEEDED",
		[AUDIT_LINE_INVALID] = "VERIFICATION FAILED",
	};

	if (texts[what] != NULL && (o->verbose || what == AUDIT_LINE_INVALID))
		printf("%s: line %zu: %s\n", path, n, texts[what]);
}

static enum rc
read_log(const struct options *o, struct audit_chain *chain, const char *path,
    struct err *e)
{
	AUTO_FILE f = fopen(path, "re");
	AUTO_STR line = NULL;
	size_t cap = 0, number = 0;
	enum audit_line what;
	ssize_t n;
	enum rc rc;

	if (f == NULL)
		return err_errno(e, "%s", path);
	while ((n = getline(&line, &cap, f)) >= 0) {
		struct view v = view_of(line, (size_t)n);

		if (v.len > 0 && v.data[v.len - 1] == '\n')
			v.len--;
		rc = audit_chain_line(chain, v, &what, e);
		if (rc != RC_OK)
			return rc;
		report(o, path, ++number, what);
	}
	return ferror(f) ? err_errno(e, "%s", path) : RC_OK;
}

static enum rc
run(const struct options *o, struct audit_chain *chain, struct err *e)
{
	AUTO_BUF list = buf_empty(0);
	AUTO_STR text = NULL;
	static char *paths[LOG_FILES_MAX];
	enum rc rc = file_read(&list, o->list, e);
	size_t n;

	if (rc != RC_OK)
		return rc;
	text = buf_steal_str(&list);
	if (text == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	n = text_split(text, ",\r\n", paths, LOG_FILES_MAX);
	if (n > LOG_FILES_MAX)
		return err_set(e, RC_TOOBIG, "%s: too many files", o->list);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = read_log(o, chain, paths[i], e);
	return rc;
}

int
main(int argc, char **argv)
{
	struct options o = { 0 };
	struct err e = { .rc = RC_OK };
	AUTO_BUF der = buf_empty(0);
	struct audit_chain chain;
	struct cert signer;
	enum rc rc;

	if (!read_options(&o, argc, argv)) {
		usage(stderr);
		return 2;
	}
	if (o.help) {
		usage(stdout);
		return 0;
	}
	rc = load_signer(&o, &der, &signer, &e);
	if (rc == RC_OK)
		rc = audit_chain_init(&chain, signer.spki, &e);
	if (rc == RC_OK) {
		rc = run(&o, &chain, &e);
		audit_chain_done(&chain);
	}
	if (rc != RC_OK) {
		fprintf(stderr, "AuditVerify: %s\n", e.text);
		return 1;
	}
	printf("Verification process complete.\n");
	printf("Valid signatures: %zu\n", chain.valid);
	printf("Invalid signatures: %zu\n", chain.invalid);
	if (audit_chain_result(&chain, &e) == RC_OK)
		return 0;
	fprintf(stderr, "AuditVerify: %s\n", e.text);
	return 1;
}
