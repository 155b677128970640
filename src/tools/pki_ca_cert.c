/* SPDX-License-Identifier: Apache-2.0 */
/* pki_ca_cert.c - ca-cert-*: certificates of a CA shown, exported, revoked.
 * Owns:    nothing beyond one command.
 * Trusts:  nothing of the server; certificates are parsed strictly.
 * Threads: none. */
#include "tools/pki_ca_cert.h"

#include <stdint.h>

#include "tools/pki_certs.h"
#include "tools/pki_cmds.h"
#include "tools/pki_fields.h"
#include "tools/pki_request.h"
#include "x509/print.h"

static const struct {
	const char *label;
	int code;
} reasons[] = {
	{ "Unspecified", 0 },
	{ "Key_Compromise", 1 },
	{ "CA_Compromise", 2 },
	{ "Affiliation_Changed", 3 },
	{ "Superseded", 4 },
	{ "Cessation_of_Operation", 5 },
	{ "Certificate_Hold", 6 },
	{ "Remove_from_CRL", 8 },
	{ "Privilege_Withdrawn", 9 },
	{ "AA_Compromise", 10 },
};

static size_t
reason_of(const char *label)
{
	size_t i = 0, n = sizeof(reasons) / sizeof(*reasons);

	while (i < n && !text_ieq(label, reasons[i].label))
		i++;
	return i < n ? i : SIZE_MAX;
}

int
cert_reason_code(const char *label)
{
	size_t i = reason_of(label);

	return i != SIZE_MAX ? reasons[i].code : -1;
}

const char *
cert_reason_label(const char *label)
{
	size_t i = reason_of(label);

	return i != SIZE_MAX ? reasons[i].label : NULL;
}

enum rc
cert_serial(const char *text, char out[NUM_TEXT_MAX], struct err *e)
{
	struct num n;

	if (num_parse(&n, text, false, NULL) != RC_OK)
		return err_set(e, RC_USAGE, "Invalid serial number: %s", text);
	num_0x(out, &n);
	return RC_OK;
}

/* ---- show and export ---- */

static enum rc
print_pretty(const json_t *cert, struct err *e)
{
	const char *ready = json_str(cert, "PrettyPrint");
	AUTO_BUF der = buf_empty(0), text = buf_empty(0);
	enum rc rc;

	if (ready != NULL) {
		printf("\n%s\n", ready);
		return RC_OK;
	}
	if ((rc = rest_der(cert, "Encoded", &der, e)) == RC_OK &&
	    (rc = print_cert(&text, buf_view(&der), e)) == RC_OK)
		printf("\n%s\n", buf_cstr(&text));
	return rc;
}

static enum rc
show(const json_t *cert, const struct args *a, struct err *e)
{
	const char *id = json_str(cert, "id");
	AUTO_BUF der = buf_empty(0);
	enum rc rc;

	out_framed("Certificate \"%s\"", id != NULL ? id : "");
	fields_print(fields_cert, cert);
	if (args_has(a, "output") &&
	    ((rc = rest_der(cert, "Encoded", &der, e)) != RC_OK ||
		(rc = out_der(args_get(a, "output"), NULL, "CERTIFICATE",
		     buf_view(&der), e)) != RC_OK))
		return rc;
	return args_has(a, "pretty") ? print_pretty(cert, e) : RC_OK;
}

static enum rc export(const json_t *cert, const struct args *a, struct err *e) {
	AUTO_BUF der = buf_empty(0);
	    enum rc rc = rest_der(cert, "Encoded", &der, e);

	    if (rc != RC_OK) return rc;
	    return out_der(args_get(a, "output-file"),
		args_get(a, "output-format"), "CERTIFICATE", buf_view(&der), e);
}

static enum rc
run_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON cert = NULL;
	char serial[NUM_TEXT_MAX];
	enum rc rc = cert_serial(args_at(a, 0), serial, e);

	if (rc != RC_OK ||
	    (rc = rest_get(p, &cert, e, "certs/%s", serial)) != RC_OK)
		return rc;
	return show(cert, a, e);
}

static enum rc
run_export(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON cert = NULL;
	char serial[NUM_TEXT_MAX];
	enum rc rc = cert_serial(args_at(a, 0), serial, e);

	if (rc != RC_OK ||
	    (rc = rest_get(p, &cert, e, "certs/%s", serial)) != RC_OK)
		return rc;
	return export(cert, a, e);
}

/* ---- revocation ---- */

/* The three things done to a certificate's status, in the words of each. */
struct change {
	const char *doing;  /* "Revoking certificate" */
	const char *done;   /* after the serial: "" or " on-hold" */
	const char *failed; /* "revoke", "place" */
	const char *verb;   /* "Revoked", "Placed" */
	const char *action; /* of the path */
	const char *reason; /* NULL: no body */
};

static void
print_details(const json_t *cert)
{
	static const struct field lines[] = {
		{ "id", "Serial Number", FIELD_TEXT },
		{ "SubjectDN", "Subject DN", FIELD_TEXT },
		{ "IssuerDN", "Issuer DN", FIELD_TEXT },
		{ "Status", "Status", FIELD_TEXT },
		{ "NotBefore", "Not Valid Before", FIELD_DATE },
		{ "NotAfter", "Not Valid After", FIELD_DATE },
		{ NULL, NULL, FIELD_TEXT },
	};

	fields_print(lines, cert);
}

static json_t *
revoke_body(const struct change *c, const json_t *cert, const struct args *a)
{
	json_t *body = json_object();

	json_object_set_new(body, "Reason", json_string(c->reason));
	if (args_get(a, "comments") != NULL)
		json_object_set_new(
		    body, "Comments", json_string(args_get(a, "comments")));
	json_object_set(body, "Encoded", json_object_get(cert, "Encoded"));
	json_object_set(body, "Nonce", json_object_get(cert, "Nonce"));
	return body;
}

/* Says how the request went; the server may answer 200 for a failure. */
static enum rc
judge(struct pki *p, const struct change *c, const char *serial,
    const json_t *info, struct err *e)
{
	const char *status = json_str(info, "requestStatus");
	const char *result = json_str(info, "operationResult");
	AUTO_JSON cert = NULL;
	enum rc rc;

	if (result != NULL && strcmp(result, "error") == 0) {
		const char *why = json_str(info, "errorMessage");

		out_framed("Could not %s certificate \"%s\"%s", c->failed,
		    serial, c->done);
		return err_set(e, RC_INVALID, "%s",
		    why != NULL ? why : "The server gave no reason");
	}
	if (status == NULL || strcmp(status, "complete") != 0) {
		out_framed("Request \"%s\": %s",
		    json_str(info, "requestID") != NULL
			? json_str(info, "requestID")
			: "",
		    status != NULL ? status : "unknown");
		return RC_OK;
	}
	out_framed("%s certificate \"%s\"%s", c->verb, serial, c->done);
	if ((rc = rest_get(p, &cert, e, "certs/%s", serial)) == RC_OK)
		fields_print(fields_cert, cert);
	return rc;
}

static enum rc
change_one(struct pki *p, const struct change *c, const struct args *a,
    const char *typed, struct err *e)
{
	AUTO_JSON cert = NULL;
	AUTO_JSON body = NULL;
	AUTO_JSON info = NULL;
	AUTO_BUF path = buf_empty(0);
	char serial[NUM_TEXT_MAX];
	enum rc rc = cert_serial(typed, serial, e);

	if (rc != RC_OK ||
	    (rc = rest_get(p, &cert, e, "agent/certs/%s", serial)) != RC_OK)
		return rc;
	if (!args_has(a, "force")) {
		printf("%s:\n", c->doing);
		print_details(cert);
		if (!out_confirm("Are you sure (Y/N)? "))
			return RC_OK;
	}
	buf_addf(&path, "agent/certs/%s/%s", serial, c->action);
	if (c->reason != NULL)
		body = revoke_body(c, cert, a);
	rc = rest_json(p, "POST", buf_cstr(&path), body, &info, e);
	return rc == RC_OK ? judge(p, c, serial, info, e) : rc;
}

static enum rc
change_all(
    struct pki *p, const struct change *c, const struct args *a, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < args_count(a); i++)
		rc = change_one(p, c, a, args_at(a, i), e);
	return rc;
}

static enum rc
run_revoke(struct pki *p, const struct args *a, struct err *e)
{
	const char *reason = args_str(a, "reason", "Unspecified");
	struct change c = { .doing = "Revoking certificate",
		.done = "",
		.failed = "revoke",
		.verb = "Revoked",
		.action = args_has(a, "ca") ? "revoke-ca" : "revoke" };

	if ((c.reason = cert_reason_label(reason)) == NULL)
		return err_set(
		    e, RC_USAGE, "Invalid revocation reason: %s", reason);
	return change_all(p, &c, a, e);
}

static enum rc
run_hold(struct pki *p, const struct args *a, struct err *e)
{
	static const struct change c = { "Placing certificate on-hold",
		" on-hold", "place", "Placed", "revoke", "Certificate_Hold" };

	return change_all(p, &c, a, e);
}

static enum rc
run_release(struct pki *p, const struct args *a, struct err *e)
{
	static const struct change c = { "Placing certificate off-hold",
		" off-hold", "place", "Placed", "unrevoke", NULL };

	return change_all(p, &c, a, e);
}

/* ---- system certificates ---- */

static enum rc
run_signing_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON cert = NULL;
	enum rc rc = rest_get(p, &cert, e, "config/cert/signing");

	return rc == RC_OK ? show(cert, a, e) : rc;
}

static enum rc
run_signing_export(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON cert = NULL;
	enum rc rc = rest_get(p, &cert, e, "config/cert/signing");

	return rc == RC_OK ? export(cert, a, e) : rc;
}

static enum rc
run_transport_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON cert = NULL;
	enum rc rc = rest_get(p, &cert, e, "config/cert/transport");

	return rc == RC_OK ? show(cert, a, e) : rc;
}

static enum rc
run_transport_export(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON cert = NULL;
	enum rc rc = rest_get(p, &cert, e, "config/cert/transport");

	return rc == RC_OK ? export(cert, a, e) : rc;
}

/* {"Response":{"Status":"0","Cert":"<base64>"}} of getSubsystemCert. */
static enum rc
subsystem_cert(struct pki *p, json_t **out, struct err *e)
{
	AUTO_BUF reply = buf_empty(0), path = buf_empty(0), der = buf_empty(0);
	AUTO_BUF subject = buf_empty(0);
	AUTO_JSON o = NULL;
	int status = 0;
	enum rc rc;

	buf_addf(&path, "/%s/admin/%s/getSubsystemCert", p->sub, p->sub);
	rc = rest_raw(p,
	    &(struct rest_call){ .method = "GET",
		.path = buf_cstr(&path),
		.accept = "application/json" },
	    &reply, &status, e);
	if (rc != RC_OK)
		return rc;
	if (status != 200)
		return pki_fault(p, e, RC_NOTFOUND, "PKIException",
		    "%s: HTTP status %d", buf_cstr(&path), status);
	o = json_loadb((const char *)reply.data, reply.len, 0, NULL);
	rc = rest_der(json_object_get(o, "Response"), "Cert", &der, e);
	if (rc != RC_OK ||
	    (rc = certs_subject(&subject, buf_view(&der), e)) != RC_OK)
		return rc;
	*out = json_pack("{s:O, s:s}", "Encoded",
	    json_object_get(json_object_get(o, "Response"), "Cert"),
	    "SubjectDN", buf_cstr(&subject));
	return RC_OK;
}

static enum rc
run_subsystem_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON cert = NULL;
	AUTO_BUF der = buf_empty(0);
	enum rc rc = subsystem_cert(p, &cert, e);

	if (rc != RC_OK || (rc = rest_der(cert, "Encoded", &der, e)) != RC_OK ||
	    (rc = certs_print(buf_view(&der), e)) != RC_OK)
		return rc;
	return args_has(a, "pretty") ? print_pretty(cert, e) : RC_OK;
}

static enum rc
run_subsystem_export(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON cert = NULL;
	enum rc rc = subsystem_cert(p, &cert, e);

	return rc == RC_OK ? export(cert, a, e) : rc;
}

static const struct opt show_opts[] = {
	OPT("output", "file", "File to store the certificate (PEM)"),
	OPT_FLAG("pretty", "Show the certificate's contents"),
	OPT_SAME("encoded", "pretty"),
	OPT_END,
};
static const struct opt export_opts[] = {
	OPT("output-file", "file", "Output file (default: standard output)"),
	OPT("output-format", "format", "Output format: PEM (default), DER"),
	OPT_END,
};
static const struct opt revoke_opts[] = {
	OPT("reason", "reason",
	    "Revocation reason: Unspecified (default), Key_Compromise, "
	    "CA_Compromise, Affiliation_Changed, Superseded, "
	    "Cessation_of_Operation, Certificate_Hold, Remove_from_CRL, "
	    "Privilege_Withdrawn, AA_Compromise"),
	OPT("comments", "text", "Comments"),
	OPT_FLAG("ca", "The certificate is a CA signing certificate"),
	OPT_FLAG("force", "Do not ask"),
	OPT_END,
};
static const struct opt hold_opts[] = {
	OPT("comments", "text", "Comments"),
	OPT_FLAG("force", "Do not ask"),
	OPT_END,
};
static const struct opt release_opts[] = {
	OPT_FLAG("force", "Do not ask"),
	OPT_END,
};

const struct cmd cmds_ca_cert[] = {
	{ "ca-cert-find", "", "Find certificates", cert_find_opts, 0, 0,
	    cert_find_run },
	{ "ca-cert-show", "<serial number>", "Show a certificate", show_opts, 1,
	    1, run_show },
	{ "ca-cert-export", "<serial number>", "Export a certificate",
	    export_opts, 1, 1, run_export },
	{ "ca-cert-issue", "", "Issue a certificate", request_issue_opts, 0, 0,
	    request_issue_run },
	{ "ca-cert-revoke", "<serial number>...", "Revoke certificates",
	    revoke_opts, 1, -1, run_revoke },
	{ "ca-cert-hold", "<serial number>...", "Place certificates on-hold",
	    hold_opts, 1, -1, run_hold },
	{ "ca-cert-release-hold", "<serial number>...",
	    "Place certificates off-hold", release_opts, 1, -1, run_release },
	{ "ca-cert-status", "<serial number>",
	    "Ask the CA's OCSP responder about a certificate", cert_status_opts,
	    1, 1, cert_status_run },
	{ 0 },
};
const struct cmd cmds_ca_system_cert[] = {
	{ "ca-cert-signing-show", "", "Show the CA signing certificate",
	    show_opts, 0, 0, run_signing_show },
	{ "ca-cert-signing-export", "", "Export the CA signing certificate",
	    export_opts, 0, 0, run_signing_export },
	{ "ca-cert-subsystem-show", "", "Show the subsystem certificate",
	    show_opts, 0, 0, run_subsystem_show },
	{ "ca-cert-subsystem-export", "", "Export the subsystem certificate",
	    export_opts, 0, 0, run_subsystem_export },
	{ "ca-cert-transport-show", "", "Show the KRA transport certificate",
	    show_opts, 0, 0, run_transport_show },
	{ "ca-cert-transport-export", "",
	    "Export the KRA transport certificate", export_opts, 0, 0,
	    run_transport_export },
	{ 0 },
};
const struct cmd cmds_ocsp_cert[] = {
	{ "ocsp-cert-verify", "[<serial number>]",
	    "Ask an OCSP responder about a certificate", ocsp_verify_opts, 0, 1,
	    ocsp_verify_run },
	{ 0 },
};
