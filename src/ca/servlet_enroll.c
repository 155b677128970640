/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_enroll.c - the end entity's servlets: submit, follow a request, fetch
 * its certificate, list and show profiles (spec ca 2.1, 2.2).
 * Owns:    nothing.
 * Trusts:  nothing of a request; the profile engine judges the values.
 * Threads: workers. */
#include "ca/servlet.h"

#include "x509/name.h"
#include "x509/str.h"

/* --- forms -------------------------------------------------------------------- */

void
servlet_hidden(struct servlet *s, const char *name, const char *value)
{
	buf_add_str(&s->form, "<input type=\"hidden\" name=\"");
	xml_escape(&s->form, name);
	buf_add_str(&s->form, "\" value=\"");
	xml_escape(&s->form, value);
	buf_add_str(&s->form, "\">\n");
}

static void
choices(struct buf *b, const char *list, const char *value)
{
	AUTO_BUF text = buf_empty(4096);
	char *copy, *words[64];
	size_t n;

	buf_add_str(&text, list);
	copy = buf_steal_str(&text);
	n = copy != NULL ? text_split(copy, ",", words, 64) : 0;
	for (size_t i = 0; i < n && i < 64; i++) {
		buf_add_str(b, "<option");
		if (value != NULL && strcmp(value, words[i]) == 0)
			buf_add_str(b, " selected");
		buf_add_char(b, '>');
		xml_escape(b, words[i]);
		buf_add_str(b, "</option>");
	}
	free(copy);
}

void
servlet_field(struct servlet *s, const char *name,
    const struct profile_value_desc *d, const char *value)
{
	struct buf *b = &s->form;
	const char *v = value != NULL ? value : d->def != NULL ? d->def : "";
	const char *words = strcmp(d->syntax, "cert_request_type") == 0
	    ? "pkcs10,crmf"
	    : strcmp(d->syntax, "choice") == 0  ? d->constraint
	    : strcmp(d->syntax, "boolean") == 0 ? "true,false"
						: NULL;
	bool choice = words != NULL && words[0] != '\0';
	bool secret = strstr(d->syntax, "password") != NULL;
	/* a one-line field would lose line ends */
	bool area = !choice &&
	    (strcmp(d->syntax, "cert_request") == 0 ||
		strcmp(d->syntax, "string_list") == 0 ||
		strchr(v, '\n') != NULL);

	buf_add_str(b, "<p><label>");
	xml_escape(b, d->text);
	buf_addf(b, "<br><%s name=\"",
	    area         ? "textarea rows=\"8\" cols=\"70\""
		: choice ? "select"
		: secret ? "input type=\"password\""
			 : "input size=\"60\"");
	xml_escape(b, name);
	if (area || choice) {
		buf_add_str(b, "\">");
		if (choice)
			choices(b, words, v);
		else
			xml_escape(b, v);
		buf_add_str(b, area ? "</textarea>" : "</select>");
	} else {
		buf_add_str(b, "\" value=\"");
		xml_escape(b, secret ? "" : v);
		buf_add_str(b, "\">");
	}
	buf_add_str(b, "</label></p>\n");
}

/* --- profiles in shape A --------------------------------------------------------- */

static const char *
truth(bool b)
{
	return b ? "true" : "false";
}

void
servlet_profile(struct servlet *s, const struct profile *p)
{
	xml_text(&s->head, "authIsEnabled", truth(p->auth_id[0] != '\0'));
	if (p->auth_id[0] != '\0')
		xml_text(&s->head, "authName", p->auth_id);
	xml_text(&s->head, "profileId", p->id);
	xml_text(&s->head, "profileIsEnable", truth(p->enabled));
	xml_text(&s->head, "profileIsVisible", truth(p->visible));
	xml_text(&s->head, "profileEnableBy", p->enabled_by);
	xml_text(&s->head, "profileName", p->name);
	xml_text(&s->head, "profileDesc", p->desc);
	xml_text(&s->head, "renewal", truth(p->renewal));
}

void
servlet_inputs(struct servlet *s, const struct profile *p,
    const struct profile_env *env, const struct request_rec *r, bool form)
{
	struct profile_value_desc d;

	servlet_list_open(s, "inputList");
	for (size_t i = 0; i < p->n_inputs; i++) {
		const struct profile_input *in = &p->inputs[i];
		for (size_t k = 0;
		     profile_input_value(in, env, k, &d, s->c->arena); k++) {
			const char *v =
			    r != NULL ? request_ext(r, d.name) : NULL;
			servlet_item_open(s, "inputList");
			xml_text(&s->head, "inputId", d.name);
			xml_text(&s->head, "inputName", d.text);
			xml_text(&s->head, "inputSyntax", d.syntax);
			xml_text(&s->head, "inputConstraint", d.constraint);
			xml_text(&s->head, "inputVal", v);
			servlet_item_close(s, "inputList");
			if (form)
				servlet_field(s, d.name, &d, v);
		}
	}
	servlet_list_close(s, "inputList");
}

/* The value of an output of a request that is complete. */
static enum rc
output_value(struct servlet *s, const char *syntax, const struct request_rec *r,
    struct buf *out, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	enum rc rc = request_ext_bytes(r, &der, "req_issued_cert", e);

	if (rc != RC_OK)
		return rc;
	if (strcmp(syntax, "pretty_print") == 0)
		text_add_pem(out, "CERTIFICATE", buf_view(&der), "\n");
	else
		rc = servlet_chain(api_ca(s->c), out, buf_view(&der), e);
	return rc;
}

void
servlet_outputs(
    struct servlet *s, const struct profile *p, const struct request_rec *r)
{
	struct profile_value_desc d;

	servlet_list_open(s, "outputList");
	for (size_t i = 0; i < p->n_outputs; i++) {
		for (size_t k = 0; profile_output_value(&p->outputs[i], k, &d);
		     k++) {
			AUTO_BUF v = buf_empty(XML_MAX);
			servlet_item_open(s, "outputList");
			xml_text(&s->head, "outputId", d.name);
			xml_text(&s->head, "outputName", d.text);
			xml_text(&s->head, "outputSyntax", d.syntax);
			xml_text(&s->head, "outputConstraint", d.constraint);
			if (output_value(s, d.syntax, r, &v, NULL) == RC_OK)
				xml_text(&s->head, "outputVal", buf_cstr(&v));
			servlet_item_close(s, "outputList");
		}
	}
	servlet_list_close(s, "outputList");
}

static bool
list_profile(void *arg, struct profile *p)
{
	struct servlet *s = arg;

	if (!p->visible || !p->enabled)
		return true;
	servlet_item_open(s, "record");
	xml_text(&s->head, "profileId", p->id);
	xml_text(&s->head, "profileIsEnable", truth(p->enabled));
	xml_text(&s->head, "profileIsVisible", truth(p->visible));
	xml_text(&s->head, "profileName", p->name);
	xml_text(&s->head, "profileDesc", p->desc);
	servlet_item_close(s, "record");
	buf_add_str(&s->form, "<p><a href=\"profileSelect?profileId=");
	xml_escape(&s->form, p->id); /* its characters need no %-escape */
	buf_add_str(&s->form, "\">");
	xml_escape(&s->form, p->name[0] != '\0' ? p->name : p->id);
	buf_add_str(&s->form, "</a></p>\n");
	return true;
}

static void
profile_list(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_A, "Certificate profiles");
	AUTO(principal) p = NULL;

	if (!servlet_enter(&s, "certServer.ee.profiles", "list", &p))
		return;
	xml_text(&s.head, "errorCode", "0");
	servlet_list_open(&s, "record");
	profiles_each(api_ca(c)->profiles, list_profile, &s);
	servlet_list_close(&s, "record");
	servlet_reply(&s);
}

static void
profile_select(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_A, "Enrolment");
	AUTO(principal) p = NULL;
	AUTO(profile) prof = NULL;
	const char *id = http_arg(c, "profileId");
	struct err e = { RC_OK, "" };
	struct profile_env env;
	enum rc rc;

	if (!servlet_enter(&s, "certServer.ee.profile", "read", &p))
		return;
	rc = id != NULL ? profiles_get(api_ca(c)->profiles, &prof, id, &e)
			: err_set(&e, RC_INVALID, "profileId is missing");
	if (rc != RC_OK) {
		servlet_fail(&s, rc, &e);
		return;
	}
	ca_profile_env(api_ca(c), &env);
	buf_add_str(
	    &s.form, "<form method=\"post\" action=\"profileSubmit\">\n");
	servlet_hidden(&s, "profileId", prof->id);
	if (prof->renewal)
		servlet_hidden(&s, "renewal", "true");
	xml_text(&s.head, "errorCode", "0");
	servlet_profile(&s, prof);
	servlet_inputs(&s, prof, &env, NULL, true);
	buf_add_str(
	    &s.form, "<p><button type=\"submit\">Submit</button></p></form>\n");
	servlet_reply(&s);
}

/* --- submit -------------------------------------------------------------------------- */

static const char *
argument(void *arg, const char *name)
{
	return http_arg(arg, name);
}

/* What is stored must be text: JSON shows it later. */
static enum rc
check_text(const struct http_list *l, struct err *e)
{
	char quoted[TEXT_QUOTE_MAX];

	for (size_t i = 0; i < l->n; i++) {
		if (!str_is_utf8(view_str(l->items[i].value)))
			return err_set(e, RC_INVALID, "%s: not UTF-8",
			    text_quote(quoted, view_str(l->items[i].name)));
	}
	return RC_OK;
}

static enum rc
submit(struct http_call *c, struct ca_requests *out, struct err *e)
{
	AUTO(principal) p = NULL;
	const char *renewal = http_arg(c, "renewal"),
		   *authority = http_arg(c, "authorityId");
	struct ca_submission s = { .profile_id = http_arg(c, "profileId"),
		.get = argument,
		.arg = c,
		.client_cert = c->peer_cert,
		.peer = c->peer,
		.renewal = renewal != NULL && text_bool(renewal),
		.serial = http_arg(c, "serial_num") };
	enum rc rc;

	if (s.profile_id == NULL)
		return err_set(e, RC_INVALID, "profileId is missing");
	if (authority != NULL && authority[0] != '\0' &&
	    strcmp(authority, "host-authority") != 0)
		return err_set(
		    e, RC_NOTFOUND, "CA not found: %.64s", authority);
	if ((rc = check_text(&c->query, e)) != RC_OK ||
	    (rc = check_text(&c->form, e)) != RC_OK ||
	    (rc = api_caller(c, &p, e)) != RC_OK ||
	    (rc = ca_allowed(api_ca(c), p, c->peer, "certServer.ee.profile",
		 "submit", e)) != RC_OK)
		return rc;
	s.who = p;
	return ca_submit(api_ca(c), &s, out, e);
}

/* Base64 needs no escapes: it is written where it stays. */
static enum rc
add_request(struct servlet *s, const struct request_rec *r, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	AUTO_BUF subject = buf_empty(NAME_DER_MAX * 4);
	char dec[NUM_TEXT_MAX], hex[NUM_TEXT_MAX];
	struct cert x;
	enum rc rc;

	if ((rc = request_ext_bytes(r, &der, "req_issued_cert", e)) != RC_OK ||
	    (rc = cert_parse(&x, buf_view(&der), e)) != RC_OK ||
	    (rc = name_text(&subject, x.subject, e)) != RC_OK)
		return rc;
	xml_open(&s->head, "Request");
	xml_text(&s->head, "Id", num_dec(dec, &r->id));
	xml_text(&s->head, "SubjectDN", buf_cstr(&subject));
	xml_text(&s->head, "serialno", num_hex(hex, &x.serial));
	xml_open(&s->head, "b64");
	buf_add_base64(&s->head, x.der, 64, "\n");
	xml_close(&s->head, "b64");
	xml_open(&s->head, "pkcs7");
	rc = servlet_chain(api_ca(s->c), &s->head, x.der, e);
	xml_close(&s->head, "pkcs7");
	xml_close(&s->head, "Request");
	return rc;
}

/* All complete. */
static enum rc
add_requests(struct servlet *s, const struct ca_requests *r, struct err *e)
{
	enum rc rc = RC_OK;

	xml_text(&s->head, "Status", "0");
	xml_open(&s->head, "Requests");
	for (size_t i = 0; i < r->n && rc == RC_OK; i++)
		rc = add_request(s, r->items[i], e);
	xml_close(&s->head, "Requests");
	return rc;
}

/* Something was deferred or rejected: Status, Error and all ids. */
static void
add_outcome(struct servlet *s, const struct ca_requests *r, int status)
{
	AUTO_BUF ids = buf_empty(1024);
	AUTO_BUF text = buf_empty(0);
	char dec[NUM_TEXT_MAX];

	for (size_t i = 0; i < r->n; i++) {
		const struct request_rec *x = r->items[i];
		if (x->state == REQUEST_REJECTED && status == 3 &&
		    request_ext(x, "error") != NULL) {
			buf_reset(&text);
			buf_addf(&text, "Request %s Rejected - %s",
			    num_dec(dec, &x->id), request_ext(x, "error"));
		}
		buf_addf(&ids, "%s%s", i > 0 ? " " : "", num_dec(dec, &x->id));
	}
	xml_textf(&s->head, "Status", "%d", status);
	xml_text(&s->head, "Error",
	    text.len > 0 ? buf_cstr(&text)
			 : "Request Deferred - defer request");
	xml_text(&s->head, "RequestId", buf_cstr(&ids));
}

static void
tell_location(struct http_call *c, const struct num *id)
{
	AUTO_BUF url = buf_empty(HTTP_URL_MAX);
	char dec[NUM_TEXT_MAX];

	buf_addf(&url, "%s/ca/ee/ca/checkRequest?requestId=%s",
	    http_base_url(c), num_dec(dec, id));
	if (buf_check(&url, NULL) == RC_OK)
		http_reply_header(c, "Location", buf_cstr(&url));
}

static void
profile_submit(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_C, "Request submitted");
	struct ca_requests r = { .n = 0 };
	struct err e = { RC_OK, "" };
	enum rc rc = submit(c, &r, &e);
	int status = 0;

	for (size_t i = 0; i < r.n; i++) {
		if (r.items[i]->state == REQUEST_REJECTED)
			status = 3;
		else if (r.items[i]->state != REQUEST_COMPLETE && status == 0)
			status = 2;
	}
	if (rc == RC_OK && status == 0)
		rc = add_requests(&s, &r, &e);
	else if (rc == RC_OK)
		add_outcome(&s, &r, status);
	if (rc != RC_OK && r.n > 0) /* stored all the same */
		tell_location(c, &r.items[0]->id);
	if (rc == RC_OK)
		servlet_reply(&s);
	else
		servlet_fail(&s, rc, &e);
	ca_requests_done(&r);
}

/* --- follow a request ------------------------------------------------------------------ */

static enum rc
load_request(struct http_call *c, struct request_rec **out, struct err *e)
{
	struct num id;
	enum rc rc = servlet_num(c, "requestId", &id, e);

	return rc == RC_OK ? ca_request_get(api_ca(c), &id, out, e) : rc;
}

static void
request_head(struct servlet *s, const struct request_rec *r)
{
	char dec[NUM_TEXT_MAX];

	xml_text(&s->head, "requestId", num_dec(dec, &r->id));
	xml_text(&s->head, "status", request_state_text(r->state));
	xml_textf(&s->head, "createdOn", "%lld", (long long)r->created);
	xml_textf(&s->head, "updatedOn", "%lld", (long long)r->modified);
	xml_text(&s->head, "authority", buf_cstr(&api_ca(s->c)->issuer_text));
	xml_text(&s->head, "requestNotes", request_ext(r, "requestnotes"));
}

static void
check_request(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "Request status");
	AUTO(principal) p = NULL;
	AUTO(request_rec) r = NULL;
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	AUTO_BUF chain = buf_empty(XML_MAX);
	char hex[NUM_TEXT_MAX];
	struct err e = { RC_OK, "" };
	struct cert x;
	enum rc rc;

	if (!servlet_enter(&s, "certServer.ee.requestStatus", "read", &p))
		return;
	if ((rc = load_request(c, &r, &e)) != RC_OK) {
		servlet_fail(&s, rc, &e);
		return;
	}
	request_head(&s, r);
	xml_textf(&s.fixed, "requestStatus", "%d", SERVLET_SUCCESS);
	if (request_ext_bytes(r, &der, "req_issued_cert", NULL) == RC_OK &&
	    cert_parse(&x, buf_view(&der), NULL) == RC_OK &&
	    servlet_chain(api_ca(c), &chain, x.der, NULL) == RC_OK) {
		xml_text(&s.head, "pkcs7ChainBase64", buf_cstr(&chain));
		xml_open(&s.list, "record");
		xml_text(&s.list, "serialNumber", num_hex(hex, &x.serial));
		xml_close(&s.list, "record");
	}
	servlet_reply(&s);
}

/* The certificate of a request that is complete. */
static enum rc
request_cert(
    struct http_call *c, struct request_rec **r, struct buf *der, struct err *e)
{
	enum rc rc = load_request(c, r, e);

	if (rc != RC_OK)
		return rc;
	if ((*r)->state != REQUEST_COMPLETE ||
	    request_ext_bytes(*r, der, "req_issued_cert", NULL) != RC_OK)
		return err_set(e, RC_INVALID,
		    "the request is %s: it has no certificate",
		    request_state_text((*r)->state));
	return RC_OK;
}

static void
show_cert(struct servlet *s, const struct request_rec *r, const struct buf *der)
{
	struct err e = { RC_OK, "" };
	enum rc rc;

	request_head(s, r);
	xml_textf(&s->fixed, "requestStatus", "%d", SERVLET_SUCCESS);
	xml_open(&s->list, "record");
	rc = servlet_cert(s, buf_view(der), &e);
	xml_close(&s->list, "record");
	if (rc == RC_OK)
		servlet_reply(s);
	else
		servlet_fail(s, rc, &e);
}

static void
display_cert(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "Certificate");
	AUTO(principal) p = NULL;
	AUTO(request_rec) r = NULL;
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!servlet_enter(&s, "certServer.ee.certificate", "read", &p))
		return;
	if ((rc = request_cert(c, &r, &der, &e)) == RC_OK)
		show_cert(&s, r, &der);
	else
		servlet_fail(&s, rc, &e);
}

/* As display_cert for programs, the certificate itself for browsers. */
static void
get_cert(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "Certificate");
	AUTO(principal) p = NULL;
	AUTO(request_rec) r = NULL;
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!servlet_enter(&s, "certServer.ee.certificate", "import", &p))
		return;
	rc = request_cert(c, &r, &der, &e);
	if (rc != RC_OK)
		servlet_fail(&s, rc, &e);
	else if (xml_wanted(c))
		show_cert(&s, r, &der);
	else
		http_reply(
		    c, 200, "application/x-x509-user-cert", buf_view(&der));
}

enum {
	BOTH = HTTP_GET | HTTP_POST
};
static const struct http_route items[] = {
	{ BOTH, "/ca/ee/ca/profileSubmit", profile_submit, HTTP_ISSUE,
	    HTTP_SAME_ORIGIN, 0 },
	{ BOTH, "/ca/ee/ca/profileSubmitSSLClient", profile_submit, HTTP_ISSUE,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
	{ BOTH, "/ca/eeca/ca/profileSubmitSSLClient", profile_submit,
	    HTTP_ISSUE, HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
	{ BOTH, "/ca/ee/ca/checkRequest", check_request, HTTP_READ, 0, 0 },
	{ BOTH, "/ca/ee/ca/displayCertFromRequest", display_cert, HTTP_READ, 0,
	    0 },
	{ BOTH, "/ca/ee/ca/getCertFromRequest", get_cert, HTTP_READ, 0, 0 },
	{ BOTH, "/ca/ee/ca/profileList", profile_list, HTTP_READ, 0, 0 },
	{ BOTH, "/ca/ee/ca/profileSelect", profile_select, HTTP_READ, 0, 0 },
};
const struct api_routes servlet_enroll_routes = { items,
	sizeof(items) / sizeof(items[0]) };
