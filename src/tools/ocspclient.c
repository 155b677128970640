/* SPDX-License-Identifier: Apache-2.0 */
/* ocspclient.c - OCSPClient: one OCSP question over plain HTTP.
 * Owns:    the database and connection of one run.
 * Trusts:  the CA certificate in the user's database.
 * Threads: none. */
#include <limits.h>

#include "base/log.h"
#include "base/path.h"
#include "tools/ocsp_ask.h"
#include "tools/pki.h"

enum {
	TIMES_MAX = 1000000
};

static const struct opt opts[] = {
	OPT_LETTER(
	    "d", 'd', "folder", "NSS database (default: current folder)"),
	OPT_LETTER("h", 'h', "host", "Host name (default: this host)"),
	OPT_LETTER("p", 'p', "port", "Port number (default: 8080)"),
	OPT_LETTER(
	    "t", 't', "path", "Path of the responder (default: /ocsp/ee/ocsp)"),
	OPT_LETTER("c", 'c', "nickname",
	    "CA certificate (default: CA Signing Certificate)"),
	OPT_LETTER("n", 'n', "number", "Number of submissions (default: 1)"),
	OPT("serial", "number", "Serial number of the certificate"),
	OPT("input", "file", "File with a ready request (DER)"),
	OPT("output", "file", "File to store the response (DER)"),
	OPT("root", "folder", "Folder that stands before every path"),
	OPT_LETTER("verbose", 'v', NULL, "Run in verbose mode."),
	OPT_FLAG("debug", "Run in debug mode."),
	OPT_FLAG("help", "Show help."),
	OPT_END,
};

struct question {
	struct cert issuer;
	struct buf issuer_der, request;
	bool has_issuer;
};

/* The CA certificate; needed to build a request, and to check any answer. */
static enum rc
load_issuer(
    struct question *q, const struct args *a, bool needed, struct err *e)
{
	struct keystore_open_params o = { .dir = args_str(a, "d", "."),
		.read_only = true };
	const char *nickname = args_str(a, "c", "CA Signing Certificate");
	AUTO(keystore) ks = NULL;
	enum rc rc = keystore_open(&ks, &o, e);

	if (rc == RC_OK)
		rc = keystore_find_cert(ks, &q->issuer_der, nickname, e);
	if (rc == RC_OK)
		rc = cert_parse(&q->issuer, buf_view(&q->issuer_der), e);
	q->has_issuer = rc == RC_OK;
	return needed ? rc : RC_OK;
}

static enum rc
prepare(struct question *q, const struct args *a, struct err *e)
{
	const char *serial = args_get(a, "serial"),
		   *input = args_get(a, "input");
	struct num n;
	enum rc rc;

	if (serial == NULL && input == NULL)
		return err_set(
		    e, RC_USAGE, "Missing serial number or input file.");
	if ((rc = load_issuer(q, a, input == NULL, e)) != RC_OK)
		return rc;
	if (input != NULL)
		return out_read(&q->request, input, e);
	if (num_parse(&n, serial, false, NULL) != RC_OK)
		return err_set(
		    e, RC_USAGE, "Invalid serial number: %s", serial);
	return ocsp_ask_request(&q->request, &q->issuer, &n, e);
}

static enum rc
ask(struct http_client *http, const char *url, const struct question *q,
    const struct args *a, struct err *e)
{
	AUTO_BUF answer = buf_empty(0);
	char serial[NUM_TEXT_MAX];
	struct ocsp_response r;
	enum rc rc =
	    ocsp_ask_post(http, url, buf_view(&q->request), &answer, e);

	if (rc != RC_OK)
		return rc;
	if (args_has(a, "output")) {
		rc = out_file(args_get(a, "output"), buf_view(&answer), e);
		if (rc != RC_OK)
			return rc;
		printf("Success: Output %s\n", args_get(a, "output"));
	}
	rc = ocsp_ask_check(
	    &r, buf_view(&answer), q->has_issuer ? &q->issuer : NULL, e);
	for (size_t i = 0; rc == RC_OK && i < r.count; i++) {
		printf("CertID.serialNumber=%s\n",
		    num_0x(serial, &r.singles[i].parsed.serial));
		printf("CertStatus=%s\n", ocsp_ask_word(r.singles[i].status));
	}
	return rc;
}

static enum rc
run(const struct args *a, struct err *e)
{
	struct question q = { .issuer_der = buf_empty(0),
		.request = buf_empty(0) };
	struct http_client_params hp = { 0 };
	AUTO(http_client) http = NULL;
	AUTO_BUF url = buf_empty(PATH_TEXT_MAX);
	char host[HOST_NAME_MAX + 1] = "localhost";
	int64_t times = 1;
	enum rc rc;

	if (args_has(a, "n") &&
	    text_int(&times, args_get(a, "n"), 1, TIMES_MAX, NULL) != RC_OK)
		return err_set(e, RC_USAGE, "Invalid number of submissions");
	/* keeps "localhost" if the system has no name */
	rc_ignore(gethostname(host, sizeof(host) - 1) == 0 ? RC_OK : RC_IO);
	buf_addf(&url, "http://%s:%s%s", args_str(a, "h", host),
	    args_str(a, "p", "8080"), args_str(a, "t", "/ocsp/ee/ocsp"));
	rc = prepare(&q, a, e);
	if (rc == RC_OK)
		rc = http_client_new(&http, &hp, e);
	while (rc == RC_OK && times-- > 0)
		rc = ask(http, buf_cstr(&url), &q, a, e);
	buf_done(&q.issuer_der);
	buf_done(&q.request);
	return rc;
}

int
main(int argc, char **argv)
{
	AUTO(args) a = NULL;
	struct err e = { 0 };
	bool locked;
	enum rc rc = secret_setup(&locked, &e);

	if (rc == RC_OK)
		rc = args_parse(
		    &a, opts, argv + 1, (size_t)argc - 1, false, NULL, &e);
	if (rc == RC_OK && args_has(a, "help")) {
		printf("usage: OCSPClient [OPTIONS...]\n\n");
		args_help(opts);
		return 0;
	}
	if (rc == RC_OK && args_has(a, "debug"))
		rc = log_open(NULL, LOG_LEVEL_DEBUG, &e);
	if (rc == RC_OK && args_has(a, "root"))
		rc = path_set_root(args_get(a, "root"), &e);
	if (rc == RC_OK)
		rc = run(a, &e);
	if (rc == RC_OK && fflush(stdout) == 0)
		return 0;
	if (text_starts(e.text, "OCSPResponseStatus:"))
		fprintf(stderr, "SEVERE: CLIException: %s\n", e.text);
	else
		fprintf(stderr, "ERROR: %s\n", e.text);
	return 1;
}
