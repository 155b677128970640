/* SPDX-License-Identifier: Apache-2.0 */
/* pki_ocsp.c - ca-cert-status and ocsp-cert-verify.
 * Owns:    nothing beyond one command.
 * Trusts:  the issuer's certificate; the answer's signature is checked with it.
 * Threads: none. */
#include "tools/pki_ca_cert.h"

#include "base/clock.h"
#include "tools/ocsp_ask.h"
#include "tools/pki_certs.h"

static void
print_single(const struct ocsp_single *s)
{
	char serial[NUM_TEXT_MAX], date[CLOCK_TEXT_MAX];

	out_field("Serial Number", num_0x(serial, &s->parsed.serial));
	out_field("Status", ocsp_ask_word(s->status));
	if (s->status == OCSP_REVOKED)
		out_field("Revoked On", clock_text_java(date, s->revoked_at));
	out_field("This Update", clock_text_java(date, s->this_update));
}

/* Posts a request to a path of the server and prints the answer. */
static enum rc
ask(struct pki *p, const char *path, struct view request,
    const struct cert *issuer, struct err *e)
{
	AUTO_BUF answer = buf_empty(0);
	struct ocsp_response r;
	int status = 0;
	enum rc rc = rest_raw(p,
	    &(struct rest_call){ .method = "POST",
		.path = path,
		.type = "application/ocsp-request",
		.accept = "application/ocsp-response",
		.body = request },
	    &answer, &status, e);

	if (rc == RC_OK && status != 200)
		rc = err_set(e, RC_UNAVAILABLE, "%s%s: HTTP status %d", p->uri,
		    path, status);
	if (rc != RC_OK ||
	    (rc = ocsp_ask_check(&r, buf_view(&answer), issuer, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < r.count; i++) {
		out_entry(i);
		print_single(&r.singles[i]);
	}
	return RC_OK;
}

static enum rc
ask_serial(struct pki *p, const char *typed, const char *path,
    struct view issuer_der, struct err *e)
{
	AUTO_BUF request = buf_empty(0);
	struct cert issuer;
	struct num serial;
	enum rc rc = cert_parse(&issuer, issuer_der, e);

	if (rc != RC_OK)
		return rc;
	if (num_parse(&serial, typed, false, NULL) != RC_OK)
		return err_set(e, RC_USAGE, "Invalid serial number: %s", typed);
	if ((rc = ocsp_ask_request(&request, &issuer, &serial, e)) != RC_OK)
		return rc;
	return ask(p, path, buf_view(&request), &issuer, e);
}

enum rc
cert_status_run(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_JSON cert = NULL;
	enum rc rc = rest_get(p, &cert, e, "config/cert/signing");

	if (rc != RC_OK || (rc = rest_der(cert, "Encoded", &der, e)) != RC_OK)
		return rc;
	return ask_serial(p, args_at(a, 0), args_str(a, "ocsp", "/ca/ocsp"),
	    buf_view(&der), e);
}

enum rc
ocsp_verify_run(struct pki *p, const struct args *a, struct err *e)
{
	const char *path = args_str(a, "path", "/ocsp/ee/ocsp"), *nickname;
	AUTO_BUF der = buf_empty(0), request = buf_empty(0);
	struct cert issuer;
	struct keystore *ks;
	enum rc rc;

	if (args_has(a, "request")) {
		rc = out_read(&request, args_get(a, "request"), e);
		if (rc != RC_OK || !args_has(a, "ca-cert"))
			return rc == RC_OK
			    ? ask(p, path, buf_view(&request), NULL, e)
			    : rc;
	} else if (args_at(a, 0) == NULL) {
		return err_set(e, RC_USAGE, "Missing serial number or request");
	}
	if ((rc = args_need(a, "ca-cert", "CA certificate nickname", &nickname,
		 e)) != RC_OK ||
	    (rc = pki_keystore(p, &ks, e)) != RC_OK ||
	    (rc = keystore_find_cert(ks, &der, nickname, e)) != RC_OK)
		return rc;
	if (!args_has(a, "request"))
		return ask_serial(p, args_at(a, 0), path, buf_view(&der), e);
	if ((rc = cert_parse(&issuer, buf_view(&der), e)) != RC_OK)
		return rc;
	return ask(p, path, buf_view(&request), &issuer, e);
}

const struct opt cert_status_opts[] = {
	OPT("ocsp", "path", "Path of the OCSP responder (default: /ca/ocsp)"),
	OPT_END,
};
const struct opt ocsp_verify_opts[] = {
	OPT("ca-cert", "nickname", "CA certificate"),
	OPT("path", "path",
	    "Path of the OCSP responder (default: /ocsp/ee/ocsp)"),
	OPT("request", "file", "File with a ready request (DER)"),
	OPT_END,
};
