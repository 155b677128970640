/* SPDX-License-Identifier: Apache-2.0 */
/* pki_ca_request.c - ca-cert-request-*: submitting, finding, reviewing.
 * Owns:    nothing beyond one command.
 * Trusts:  nothing of the server; a review is echoed as it came (spec ca 1.7).
 * Threads: none. */
#include "tools/pki_cmds.h"
#include "tools/pki_fields.h"
#include "tools/pki_request.h"
#include "tools/pki_template.h"

#include <ctype.h>

#include "base/file.h"
#include "base/text.h"

/* Request ids go into paths as they are: digits and hex only. */
static enum rc
id_of(const char *text, char out[NUM_TEXT_MAX], struct err *e)
{
	struct num n;

	if (num_parse(&n, text, false, NULL) != RC_OK)
		return err_set(e, RC_USAGE, "Invalid request ID: %s", text);
	num_0x(out, &n);
	return RC_OK;
}

/* ---- submit ---- */

static enum rc
read_request(const struct args *a, struct request *r, struct buf *csr,
    struct secret **password, struct secret **pin, struct err *e)
{
	enum rc rc = RC_OK;

	*r = (struct request){
		.profile = args_get(a, "profile"),
		.type = args_get(a, "request-type"),
		.serial = args_get(a, "serial"),
		.subject = args_get(a, "subject"),
		.dns_names = args_get(a, "dns-names"),
		.requestor = args_get(a, "requestor"),
		.user = args_get(a, "username"),
		.issuer_id = args_get(a, "issuer-id"),
		.issuer_dn = args_get(a, "issuer-dn"),
		.renewal = args_has(a, "renewal"),
	};
	if (args_has(a, "csr-file")) {
		const char *format = args_get(a, "request-format");
		AUTO_BUF der = buf_empty(0);

		if (format != NULL && text_ieq(format, "DER")) {
			rc = out_read_der(
			    &der, args_get(a, "csr-file"), format, NULL, e);
			text_add_pem(
			    csr, "CERTIFICATE REQUEST", buf_view(&der), "\n");
		} else {
			rc = out_read(csr, args_get(a, "csr-file"), e);
		}
		if (rc != RC_OK || (rc = buf_check(csr, e)) != RC_OK)
			return rc;
		r->csr = buf_cstr(csr);
	}
	if ((rc = args_password(a, "password", "password-file", password, e)) !=
		RC_OK ||
	    (rc = args_password(a, "pin", "pin-file", pin, e)) != RC_OK)
		return rc;
	if (r->user != NULL && *password == NULL)
		rc = secret_ask(password, "Password: ", e);
	r->password = *password;
	r->pin = *pin;
	return rc;
}

/* From a template file (XML or JSON) or from --profile and the options. */
static enum rc
submit(struct pki *p, const struct args *a, const char *file, json_t **info,
    struct err *e)
{
	AUTO_BUF csr = buf_empty(0);
	AUTO(secret) password = NULL;
	AUTO(secret) pin = NULL;
	AUTO_JSON body = NULL;
	struct request r;
	enum rc rc = read_request(a, &r, &csr, &password, &pin, e);

	if (rc != RC_OK)
		return rc;
	if (file != NULL)
		rc = template_load(&body, file, e);
	else
		rc = request_fill(p, &body, &r, e);
	if (rc == RC_OK && file != NULL)
		rc = request_complete(body, &r, e);
	return rc == RC_OK ? request_post(p, body, &r, info, e) : rc;
}

/* --output-file of a request that was completed at once. */
static enum rc
write_cert(
    struct pki *p, const struct args *a, const json_t *info, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	enum rc rc = request_cert(p, info, &der, e);

	if (rc != RC_OK)
		return rc;
	return out_der(args_get(a, "output-file"), args_get(a, "output-format"),
	    "CERTIFICATE", buf_view(&der), e);
}

static enum rc
run_submit(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON info = NULL;
	enum rc rc = submit(p, a, args_at(a, 0), &info, e);

	if (rc != RC_OK)
		return rc;
	out_framed("Submitted certificate request");
	fields_print(fields_request, info);
	if (args_has(a, "output-file") && json_str(info, "certId") != NULL)
		return write_cert(p, a, info, e);
	return RC_OK;
}

enum rc
request_issue_run(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON info = NULL;
	AUTO_JSON done = NULL;
	const char *status, *id;
	enum rc rc = submit(p, a, args_get(a, "input-file"), &info, e);

	if (rc != RC_OK)
		return rc;
	status = json_str(info, "requestStatus");
	id = json_str(info, "requestID");
	if (status != NULL && strcmp(status, "pending") == 0 && id != NULL) {
		if ((rc = request_approve(p, id, &done, e)) != RC_OK)
			return rc;
		return write_cert(p, a, done, e);
	}
	return write_cert(p, a, info, e);
}

/* ---- find and show ---- */

static enum rc
run_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON list = NULL;
	enum rc rc;

	buf_add_str(&path, "agent/certrequests");
	rest_query(&path, a, "status", "requestState", "type", "requestType",
	    "start", "start", "size", "pageSize", "maxResults", "maxResults",
	    "timeout", "maxTime", NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &list, e);
	if (rc == RC_OK)
		fields_print_list(fields_request, list);
	return rc;
}

static enum rc
run_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON info = NULL;
	char id[NUM_TEXT_MAX];
	enum rc rc = id_of(args_at(a, 0), id, e);

	if (rc != RC_OK ||
	    (rc = rest_get(p, &info, e, "certrequests/%s", id)) != RC_OK)
		return rc;
	out_framed("Certificate request \"%s\"", id);
	fields_print(fields_request, info);
	return RC_OK;
}

/* ---- actions ---- */

static const struct {
	const char *action, *doing, *done;
} actions[] = {
	{ "approve", "Approving", "Approved" },
	{ "reject", "Rejecting", "Rejected" },
	{ "cancel", "Canceling", "Canceled" },
	{ "update", "Updating", "Updated" },
	{ "validate", "Validating", "Validated" },
	{ "assign", "Assigning", "Assigned" },
	{ "unassign", "Unassigning", "Unassigned" },
};
enum {
	ACTIONS = sizeof(actions) / sizeof(*actions)
};

static enum rc
act(struct pki *p, const char *id, size_t action, json_t *review, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON info = NULL;
	enum rc rc;

	buf_addf(&path, "agent/certrequests/%s/%s", id, actions[action].action);
	rc = rest_json(p, "POST", buf_cstr(&path), review, NULL, e);
	if (rc != RC_OK)
		return rc;
	out_framed("%s certificate request %s", actions[action].done, id);
	if ((rc = rest_get(p, &info, e, "certrequests/%s", id)) == RC_OK)
		fields_print(fields_request, info);
	return rc;
}

/* What stands in the request's inputs, for the eyes of who decides. */
static void
print_inputs(const json_t *review)
{
	const json_t *input, *attr;
	size_t i, k;

	json_array_foreach(json_object_get(review, "Input"), i, input)
	    json_array_foreach(json_object_get(input, "Attribute"), k, attr)
	{
		const char *name = json_str(attr, "name"),
			   *value = json_str(attr, "Value");

		if (name == NULL || value == NULL || *value == '\0' ||
		    strcmp(name, "cert_request") == 0)
			continue;
		out_field(name, value);
	}
}

/* The review to send: of the server, or the user's file with the nonce of this
 * session. */
static enum rc
load_review(struct pki *p, const char *file, const char *id, json_t **review,
    struct err *e)
{
	AUTO_JSON fresh = NULL;
	const char *of;
	enum rc rc = rest_get(p, &fresh, e, "agent/certrequests/%s", id);

	if (rc != RC_OK)
		return rc;
	if (file == NULL) {
		*review = json_incref(fresh);
		return RC_OK;
	}
	if ((rc = rest_load(review, file, e)) != RC_OK)
		return rc;
	of = json_str(*review, "requestId");
	if (of != NULL && strcmp(of, id) != 0)
		return err_set(e, RC_INVALID,
		    "%s: review of request %.64s, not of %s", file, of, id);
	json_object_set(*review, "nonce", json_object_get(fresh, "nonce"));
	return RC_OK;
}

static enum rc
act_on_all(struct pki *p, const struct args *a, size_t action, struct err *e)
{
	const char *file = args_get(a, "input-file");
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < args_count(a); i++) {
		AUTO_JSON review = NULL;
		char id[NUM_TEXT_MAX];

		if ((rc = id_of(args_at(a, i), id, e)) != RC_OK)
			break;
		if ((rc = load_review(p, file, id, &review, e)) != RC_OK)
			break;
		if (!args_has(a, "force")) {
			printf(
			    "%s certificate request:\n", actions[action].doing);
			out_field("Request ID", id);
			print_inputs(review);
			if (!out_confirm("Are you sure (y/N)? "))
				continue;
		}
		rc = act(p, id, action, review, e);
	}
	return rc;
}

#define ACTION_RUN(name, index)                                 \
	static enum rc run_##name(                              \
	    struct pki *p, const struct args *a, struct err *e) \
	{                                                       \
		return act_on_all(p, a, index, e);              \
	}
ACTION_RUN(approve, 0)
ACTION_RUN(reject, 1)
ACTION_RUN(cancel, 2)
ACTION_RUN(update, 3)
ACTION_RUN(validate, 4)
ACTION_RUN(assign, 5)
ACTION_RUN(unassign, 6)

static enum rc
run_review(struct pki *p, const struct args *a, struct err *e)
{
	const char *file = args_str(a, "output-file", args_get(a, "file"));
	const char *action = args_get(a, "action");
	AUTO_BUF answer = buf_empty(256);
	AUTO_JSON review = NULL;
	char id[NUM_TEXT_MAX];
	size_t i = 0;
	enum rc rc = id_of(args_at(a, 0), id, e);

	if (rc != RC_OK ||
	    (rc = rest_get(p, &review, e, "agent/certrequests/%s", id)) !=
		RC_OK)
		return rc;
	out_framed("Retrieved certificate request %s", id);
	print_inputs(review);
	if (file != NULL) {
		if (json_dump_file(review, file, JSON_INDENT(2)) != 0)
			return err_errno(e, "%s", file);
		out_field("Filename", file);
	}
	if (action == NULL && file != NULL && !isatty(STDIN_FILENO))
		return RC_OK;
	if (action == NULL) {
		rc = out_ask(&answer,
		    "Action (approve/reject/cancel/update/validate/assign/"
		    "unassign): ",
		    e);
		if (rc != RC_OK)
			return rc;
		action = buf_cstr(&answer);
	}
	while (i < ACTIONS && strcmp(action, actions[i].action) != 0)
		i++;
	if (i == ACTIONS)
		return err_set(e, RC_USAGE, "Invalid action: %s", action);
	if (file != NULL) {
		/* the user may have edited it while we asked */
		json_decref(review);
		review = NULL;
		if ((rc = rest_load(&review, file, e)) != RC_OK)
			return rc;
	}
	return act(p, id, i, review, e);
}

/* ---- enrolment templates ---- */

static enum rc
run_profile_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON list = NULL;
	enum rc rc;

	buf_add_str(&path, "certrequests/profiles");
	rest_query(&path, a, "start", "start", "size", "size", NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &list, e);
	if (rc == RC_OK)
		fields_print_list(fields_profile_info, list);
	return rc;
}

static enum rc
run_profile_show(struct pki *p, const struct args *a, struct err *e)
{
	const char *file = args_get(a, "output");
	AUTO_BUF path = buf_empty(0), text = buf_empty(0);
	AUTO_JSON body = NULL;
	enum rc rc;

	rest_path(&path, "certrequests/profiles/", args_at(a, 0), NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &body, e);
	if (rc != RC_OK || (rc = template_xml(&text, body, e)) != RC_OK ||
	    (rc = out_file(file, buf_view(&text), e)) != RC_OK)
		return rc;
	if (file != NULL)
		out_framed("Saved enrollment template for %s to %s",
		    args_at(a, 0), file);
	return RC_OK;
}

#define SUBMIT_OPTS                                                          \
	OPT("profile", "id", "Profile ID"),                                  \
	    OPT("request-type", "type",                                      \
		"Request type: pkcs10 (default), crmf"),                     \
	    OPT("request-format", "format",                                  \
		"Format of the request file: PEM (default), DER"),           \
	    OPT("csr-file", "file", "Request file"),                         \
	    OPT_FLAG("renewal", "Renew a certificate"),                      \
	    OPT("serial", "number",                                          \
		"Serial number of the certificate to renew"),                \
	    OPT("subject", "DN", "Subject DN"),                              \
	    OPT("dns-names", "names", "DNS names, comma-separated"),         \
	    OPT("requestor", "name", "Requestor name"),                      \
	    OPT("username", "name", "User name for request authentication"), \
	    OPT_SECRET("password", "password",                               \
		"Password for request authentication"),                      \
	    OPT("password-file", "file",                                     \
		"File with the password for request authentication"),        \
	    OPT_SECRET("pin", "pin", "PIN for request authentication"),      \
	    OPT("pin-file", "file",                                          \
		"File with the PIN for request authentication"),             \
	    OPT("issuer-id", "id", "Authority ID of the issuing CA"),        \
	    OPT("issuer-dn", "DN", "DN of the issuing CA"),                  \
	    OPT("output-file", "file", "File to store the certificate"),     \
	    OPT("output-format", "format",                                   \
		"Certificate format: PEM (default), DER")

static const struct opt submit_opts[] = { SUBMIT_OPTS, OPT_END };
const struct opt request_issue_opts[] = {
	SUBMIT_OPTS,
	OPT("input-file", "file", "Enrollment template (XML or JSON)"),
	OPT_END,
};
static const struct opt find_opts[] = {
	OPT("status", "status",
	    "Request status: begin, pending, approved, svc_pending, canceled, "
	    "rejected, complete"),
	OPT("type", "type",
	    "Request type: enrollment, renewal, revocation, unrevocation"),
	OPT("start", "start", "Page start"),
	OPT("size", "size", "Page size"),
	OPT("maxResults", "number", "Maximum number of results (v1)"),
	OPT("timeout", "seconds", "Search timeout"),
	OPT_END,
};
static const struct opt action_opts[] = {
	OPT("input-file", "file", "Review to send instead of the server's"),
	OPT_FLAG("force", "Do not ask"),
	OPT_END,
};
static const struct opt review_opts[] = {
	OPT("action", "action",
	    "Action: approve, reject, cancel, update, validate, assign, "
	    "unassign"),
	OPT("output-file", "file", "File to store the review"),
	OPT("file", "file", "As --output-file"),
	OPT_END,
};
static const struct opt profile_find_opts[] = {
	OPT("start", "start", "Page start"),
	OPT("size", "size", "Page size"),
	OPT_END,
};
static const struct opt profile_show_opts[] = {
	OPT("output", "file", "File to store the template (XML)"),
	OPT_END,
};

#define ACTION_ROW(name, text)                                     \
	{                                                          \
		"ca-cert-request-" #name, "<request ID>...", text, \
		    action_opts, 1, -1, run_##name                 \
	}
const struct cmd cmds_ca_request[] = {
	{ "ca-cert-request-submit", "[<template file>]",
	    "Submit a certificate request", submit_opts, 0, 1, run_submit },
	{ "ca-cert-request-find", "", "Find certificate requests", find_opts, 0,
	    0, run_find },
	{ "ca-cert-request-show", "<request ID>", "Show a certificate request",
	    NULL, 1, 1, run_show },
	{ "ca-cert-request-review", "<request ID>",
	    "Review a certificate request", review_opts, 1, 1, run_review },
	ACTION_ROW(approve, "Approve certificate requests"),
	ACTION_ROW(reject, "Reject certificate requests"),
	ACTION_ROW(cancel, "Cancel certificate requests"),
	ACTION_ROW(update, "Update certificate requests"),
	ACTION_ROW(validate, "Validate certificate requests"),
	ACTION_ROW(assign, "Assign certificate requests"),
	ACTION_ROW(unassign, "Unassign certificate requests"),
	{ "ca-cert-request-profile-find", "", "Find enrollment templates",
	    profile_find_opts, 0, 0, run_profile_find },
	{ "ca-cert-request-profile-show", "<profile ID>",
	    "Show an enrollment template", profile_show_opts, 1, 1,
	    run_profile_show },
	{ 0 },
};
