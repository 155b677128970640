/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_crl.c - CRL and chain downloads, the agents' updateCRL and
 * displayCRL, getStatus (spec ca 2.3 to 2.5).
 * Owns:    nothing.
 * Trusts:  nothing of a request.
 * Threads: workers; CRL bytes are shared by reference. */
#include "ca/api.h"
#include "ca/chain.h"
#include "ca/servlet.h"
#include "http/client.h"
#include "x509/cms.h"
#include "x509/crl.h"
#include "x509/print.h"

enum {
	CRL_PAGE_DEFAULT = 100,
	CRL_PAGE_MAX = 10000
};

/* Shape B: header, fixed, records. */
static void
shape_b(struct http_call *c, struct buf *header, struct buf *fixed,
    struct buf *records)
{
	AUTO_BUF b = buf_empty(XML_MAX);

	xml_begin(&b);
	xml_open(&b, "xml");
	xml_open(&b, "header");
	buf_add_view(&b, buf_view(header));
	xml_close(&b, "header");
	xml_open(&b, "fixed");
	buf_add_view(&b, buf_view(fixed));
	xml_close(&b, "fixed");
	xml_open(&b, "records");
	if (records != NULL)
		buf_add_view(&b, buf_view(records));
	xml_close(&b, "records");
	xml_close(&b, "xml");
	http_reply(c, 200, "application/xml", buf_view(&b));
}

static void
reply_error(struct http_call *c, int status, const char *text)
{
	AUTO_BUF h = buf_empty(1024);
	AUTO_BUF f = buf_empty(4096);

	if (!xml_wanted(c)) {
		api_error(c, status, NULL, text);
		return;
	}
	xml_text(&f, "requestStatus", "7");
	xml_text(&f, "unexpectedError", text);
	shape_b(c, &h, &f, NULL);
}

static const struct crl_file *
current(struct http_call *c, const char *id)
{
	struct ca *ca = api_ca(c);
	size_t i = id != NULL ? ca_point_find(ca, id) : SIZE_MAX;

	return i != SIZE_MAX ? issuing_point_current(ca->points[i]) : NULL;
}

static void
attachment(struct http_call *c, const char *name, const char *suffix)
{
	AUTO_BUF b = buf_empty(1024);

	buf_addf(&b, "attachment; filename=%s%s", name, suffix);
	http_reply_header(c, "Content-Disposition", buf_cstr(&b));
}

static void
check_crl(struct http_call *c, const struct crl_file *f)
{
	const char *text = http_arg(c, "certSerialNumber");
	AUTO_BUF h = buf_empty(4096);
	AUTO_BUF fixed = buf_empty(64);
	struct num serial;
	struct crl crl;
	struct crl_entry x;
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (text == NULL || num_parse(&serial, text, false, NULL) != RC_OK) {
		reply_error(c, 400, "certSerialNumber is missing or wrong");
		return;
	}
	rc = crl_parse(&crl, f->der, &e);
	if (rc == RC_OK)
		rc = crl_find(&crl, &x, &serial, &e);
	if (rc != RC_OK && rc != RC_NOTFOUND) {
		reply_error(c, 500, e.text);
		return;
	}
	xml_text(&h, "toDo", http_arg(c, "op"));
	xml_text(&h, "isOnCRL", rc == RC_OK ? "true" : "false");
	xml_text(&h, "certSerialNumber", text);
	xml_text(&fixed, "requestStatus", "2");
	shape_b(c, &h, &fixed, NULL);
}

/* op=displayCRL and the agent's displayCRL page. */
static void
display(struct http_call *c, const char *id, const struct crl_file *f)
{
	const char *type = http_arg(c, "crlDisplayType"),
		   *start = http_arg(c, "pageStart"),
		   *size = http_arg(c, "pageSize");
	AUTO_BUF h = buf_empty(XML_MAX);
	AUTO_BUF fixed = buf_empty(64);
	AUTO_BUF text = buf_empty(XML_MAX);
	struct err e = { RC_OK, "" };
	int64_t from = 1, n = CRL_PAGE_DEFAULT;
	char dec[NUM_TEXT_MAX];
	enum rc rc = RC_OK;

	if (type == NULL)
		type = "entireCRL";
	if ((start != NULL &&
		text_int(&from, start, 1, INT32_MAX, &e) != RC_OK) ||
	    (size != NULL &&
		text_int(&n, size, 1, CRL_PAGE_MAX, &e) != RC_OK)) {
		reply_error(c, 400, e.text);
		return;
	}
	if (strcmp(type, "base64Encoded") == 0)
		buf_add_base64(&text, f->der, 64, "\n");
	else
		rc = print_crl(&text, f->der, (size_t)from - 1,
		    strcmp(type, "crlHeader") == 0 ? 0 : (size_t)n, &e);
	if (rc != RC_OK) {
		reply_error(c, 500, e.text);
		return;
	}
	xml_text(&h, "toDo", "displayCRL");
	xml_text(&h, "crlIssuingPoint", id);
	xml_text(&h, "crlDisplayType", type);
	xml_text(&h, "crlNumber", num_dec(dec, &f->number));
	xml_textf(&h, "crlSize", "%llu", (unsigned long long)f->count);
	xml_textf(&h, "pageStart", "%lld", (long long)from);
	xml_textf(&h, "pageSize", "%lld", (long long)n);
	xml_text(&h,
	    strcmp(type, "base64Encoded") == 0 ? "crlBase64Encoded"
					       : "crlPrettyPrint",
	    buf_cstr(&text));
	xml_text(&fixed, "requestStatus", "2");
	shape_b(c, &h, &fixed, NULL);
}

/* Has replied when it returns NULL. */
static const struct crl_file *
delta_of(struct http_call *c, const char *id)
{
	struct ca *ca = api_ca(c);
	size_t i = ca_point_find(ca, id);
	const struct crl_file *f =
	    i != SIZE_MAX ? issuing_point_delta(ca->points[i]) : NULL;

	if (f == NULL)
		reply_error(c, 404, "there is no delta CRL");
	return f;
}

/* The list that is downloaded, or shown on a page; has replied when it returns NULL. */
static const struct crl_file *
shown(struct http_call *c, const char *id, bool page)
{
	const char *type = http_arg(c, "crlDisplayType");
	const struct crl_file *f;

	if (page && type != NULL && strcmp(type, "deltaCRL") == 0)
		return delta_of(c, id);
	if ((f = current(c, id)) == NULL)
		reply_error(c, 404,
		    "no CRL has been generated for that issuing point yet");
	return f;
}

static void
get_delta(struct http_call *c, const char *op, const char *id)
{
	const struct crl_file *f = delta_of(c, id);

	if (f == NULL)
		return;
	if (strcmp(op, "getDeltaCRL") == 0) {
		attachment(c, id, "-delta.crl");
		http_reply(c, 200, "application/octet-stream", f->der);
	} else {
		http_reply(c, 200, "application/x-pkcs7-crl", f->der);
	}
	crl_file_unref(f);
}

static void
get_crl(struct http_call *c)
{
	const char *op = http_arg(c, "op"),
		   *id = http_arg(c, "crlIssuingPoint");
	const struct crl_file *f;

	if (op == NULL || id == NULL) {
		reply_error(c, 400, "op and crlIssuingPoint are needed");
		return;
	}
	if (strcmp(op, "getDeltaCRL") == 0 ||
	    strcmp(op, "importDeltaCRL") == 0) {
		get_delta(c, op, id);
		return;
	}
	if ((f = shown(c, id, strcmp(op, "displayCRL") == 0)) == NULL)
		return;
	if (strcmp(op, "getCRL") == 0) {
		attachment(c, id, ".crl");
		http_reply(c, 200, "application/octet-stream", f->der);
	} else if (strcmp(op, "importCRL") == 0) {
		http_reply(c, 200, "application/x-pkcs7-crl", f->der);
	} else if (strcmp(op, "checkCRL") == 0 ||
	    strcmp(op, "checkCRLcache") == 0) {
		check_crl(c, f);
	} else if (strcmp(op, "displayCRL") == 0) {
		display(c, id, f);
	} else {
		reply_error(c, 400,
		    "op is one of getCRL, importCRL, checkCRL, checkCRLcache, "
		    "displayCRL");
	}
	crl_file_unref(f);
}

/* A page about CRLs belongs to the host that makes them; programs, which ask for
 * XML, are answered here. */
static bool
sent_to_master(struct http_call *c, const char *id)
{
	AUTO_BUF url = buf_empty(HTTP_URL_MAX * 3);
	char host[CLAIM_HOST_MAX];
	int port;

	if (xml_wanted(c) || !roles_redirect(api_ca(c), id, host, &port))
		return false;
	buf_addf(&url, "https://%s:%d%s", host, port, c->raw_path);
	for (size_t i = 0; i < c->query.n; i++) {
		buf_add_char(&url, i == 0 ? '?' : '&');
		http_url_encode(&url, view_str(c->query.items[i].name));
		buf_add_char(&url, '=');
		http_url_encode(&url, view_str(c->query.items[i].value));
	}
	if (buf_check(&url, NULL) != RC_OK)
		return false;
	http_reply_header(c, "Location", buf_cstr(&url));
	http_reply(
	    c, c->method == HTTP_GET ? 302 : 307, NULL, view_of(NULL, 0));
	return true;
}

static void
display_crl(struct http_call *c)
{
	AUTO(principal) p = NULL;
	const char *id = http_arg(c, "crlIssuingPoint");
	const struct crl_file *f;

	if (!api_enter(c, "certServer.ca.crl", "read", &p))
		return;
	if (id == NULL || ca_point_find(api_ca(c), id) == SIZE_MAX)
		id = "MasterCRL";
	if (sent_to_master(c, id))
		return;
	if ((f = shown(c, id, true)) == NULL)
		return;
	display(c, id, f);
	crl_file_unref(f);
}

/* --- updateCRL ---------------------------------------------------------- */

static void
tell_update(
    struct http_call *c, const char *id, const char *result, const char *error)
{
	AUTO_BUF h = buf_empty(4096), page = buf_empty(4096);
	AUTO_BUF fixed = buf_empty(64);

	xml_text(&h, "crlIssuingPoint", id);
	xml_text(&h, "crlUpdate", result);
	if (error != NULL)
		xml_text(&h, "error", error);
	xml_text(&fixed, "requestStatus", error == NULL ? "2" : "6");
	if (xml_wanted(c)) {
		shape_b(c, &h, &fixed, NULL);
		return;
	}
	buf_addf(&page,
	    "<!DOCTYPE html><title>Update CRL</title><p>Issuing point %s: %s "
	    "%s</p>\n",
	    id, result, error != NULL ? error : "");
	http_reply(c, 200, "text/html; charset=utf-8", buf_view(&page));
}

static void
update_crl(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct ca *ca = api_ca(c);
	const char *id = http_arg(c, "crlIssuingPoint"), *result = "Success",
		   *clear = http_arg(c, "clearCRLCache"),
		   *future = http_arg(c, "customFutureThisUpdateDateValue"),
		   *alg = http_arg(c, "signatureAlgorithm");
	struct generate_options o = { .force = true,
		.clear = clear != NULL && text_bool(clear),
		.sigalg = SIGALG_COUNT };
	struct err e = { RC_OK, "" };
	size_t i;

	if (!api_enter(c, "certServer.ca.crl", "update", &p))
		return;
	if (id == NULL || (i = ca_point_find(ca, id)) == SIZE_MAX)
		i = ca_point_find(ca, id = "MasterCRL");
	if (sent_to_master(c, id))
		return;
	if (http_arg(c, "test") != NULL) {
		tell_update(c, id, "testingNotEnabled", NULL);
		return;
	}
	if (future != NULL && future[0] != '\0') {
		tell_update(c, id, "Failure",
		    "customFutureThisUpdateDateValue is not allowed");
		return;
	}
	if (alg != NULL && alg[0] != '\0' &&
	    ((o.sigalg = sigalg_find(alg)) == SIGALG_COUNT ||
		!key_can_sign(ca->signing.key, o.sigalg))) {
		reply_error(c, 400,
		    "signatureAlgorithm: the CA's key cannot sign with that");
		return;
	}
	rc_ignore(audit_event(ca->audit,
	    AUDIT_ENTRY("SCHEDULE_CRL_GENERATION", p->uid, true,
		"schedule for CRL generation", { "CRLIssuingPoint", id }),
	    NULL)); /* a failed audit log stops the CA in tick */
	if (i == SIZE_MAX)
		result = "notInitialized";
	else if (!issuing_point_enabled(ca->points[i]))
		result = "Disabled";
	else if (ca_crl_generate(ca, i, &o, &e) != RC_OK)
		result = "Failure";
	tell_update(c, id, result, e.rc != RC_OK ? e.text : NULL);
}

/* --- chains ----------------------------------------------------------------- */

static void
get_ca_chain(struct http_call *c)
{
	AUTO_BUF p7 = buf_empty(CMS_DER_MAX);
	AUTO_BUF h = buf_empty(CMS_DER_MAX * 2);
	AUTO_BUF b64 = buf_empty(CMS_DER_MAX * 2);
	AUTO_BUF fixed = buf_empty(64);
	struct err e = { RC_OK, "" };
	const char *op = http_arg(c, "op"), *mime = http_arg(c, "mimeType");

	if (ca_chain_put(api_ca(c), &p7, view_of(NULL, 0), &e) != RC_OK) {
		reply_error(c, 500, e.text);
		return;
	}
	if (op == NULL || strcmp(op, "download") == 0) {
		/* a foreign media type is not echoed */
		bool p7c = mime != NULL && strstr(mime, "pkcs7") != NULL;
		http_reply(c, 200,
		    p7c ? "application/pkcs7-mime"
			: "application/x-x509-ca-cert",
		    buf_view(&p7));
	} else if (strcmp(op, "downloadBIN") == 0) {
		attachment(c, "ca", ".p7c");
		http_reply(c, 200, "application/octet-stream", buf_view(&p7));
	} else if (strcmp(op, "display") == 0 ||
	    strcmp(op, "displayIND") == 0) {
		buf_add_base64(&b64, buf_view(&p7), 64, "\n");
		xml_text(&h, "displayFormat", op);
		xml_text(&h, "chainBase64", buf_cstr(&b64));
		xml_text(&h, "subjectdn", buf_cstr(&api_ca(c)->issuer_text));
		xml_text(&fixed, "requestStatus", "2");
		shape_b(c, &h, &fixed, NULL);
	} else {
		reply_error(c, 400,
		    "op is one of download, downloadBIN, display, displayIND");
	}
}

/* For programs: JSON, or XML where asked for. */
static void
get_cert_chain(struct http_call *c)
{
	AUTO_BUF p7 = buf_empty(CMS_DER_MAX);
	AUTO_BUF b64 = buf_empty(CMS_DER_MAX * 2);
	AUTO_BUF x = buf_empty(XML_MAX);
	struct err e = { RC_OK, "" };

	if (ca_chain_put(api_ca(c), &p7, view_of(NULL, 0), &e) != RC_OK) {
		reply_error(c, 500, e.text);
		return;
	}
	buf_add_base64(&b64, buf_view(&p7), 0, "");
	if (!xml_wanted(c)) {
		api_json(c, 200,
		    json_pack("{s:{s:s,s:s}}", "Response", "Status", "0",
			"ChainBase64", buf_cstr(&b64)));
		return;
	}
	xml_begin(&x);
	xml_open(&x, "XMLResponse");
	xml_text(&x, "Status", "0");
	xml_text(&x, "ChainBase64", buf_cstr(&b64));
	xml_close(&x, "XMLResponse");
	http_reply(c, 200, "application/xml", buf_view(&x));
}

void
servlet_status(struct http_call *c, const char *why)
{
	const char *state = why == NULL ? "1" : "0",
		   *text = why == NULL ? "running" : "starting";
	AUTO_BUF x = buf_empty(4096);

	if (!xml_wanted(c)) {
		api_json(c, 200,
		    json_pack("{s:{s:s,s:s,s:s,s:s,s:s,s:s*}}", "Response",
			"State", state, "Type", "CA", "Status", text, "Version",
			PROTOCOL_VERSION, "ProductVersion",
			"Signet " SIGNET_VERSION, "Reason", why));
		return;
	}
	xml_begin(&x);
	xml_open(&x, "XMLResponse");
	xml_text(&x, "State", state);
	xml_text(&x, "Type", "CA");
	xml_text(&x, "Status", text);
	xml_text(&x, "Version", PROTOCOL_VERSION);
	if (why != NULL)
		xml_text(&x, "Reason", why);
	xml_close(&x, "XMLResponse");
	http_reply(c, 200, "application/xml", buf_view(&x));
}

static void
get_status(struct http_call *c)
{
	servlet_status(c, NULL);
}

static const struct http_route items[] = {
	{ HTTP_GET | HTTP_POST, "/ca/ee/ca/getCRL", get_crl, HTTP_OCSP, 0, 0 },
	{ HTTP_GET | HTTP_POST, "/ca/agent/ca/displayCRL", display_crl,
	    HTTP_READ, HTTP_TLS_ONLY, 0 },
	{ HTTP_GET | HTTP_POST, "/ca/agent/ca/updateCRL", update_crl,
	    HTTP_ISSUE, HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
	{ HTTP_GET | HTTP_POST, "/ca/ee/ca/getCAChain", get_ca_chain, HTTP_READ,
	    0, 0 },
	{ HTTP_GET | HTTP_POST, "/ca/ee/ca/getCertChain", get_cert_chain,
	    HTTP_READ, 0, 0 },
	{ HTTP_GET | HTTP_POST, "/ca/admin/ca/getCertChain", get_cert_chain,
	    HTTP_READ, 0, 0 },
	{ HTTP_GET | HTTP_POST, "/ca/admin/ca/getStatus", get_status,
	    HTTP_INLINE, 0, 0 },
};
const struct api_routes servlet_crl_routes = { items,
	sizeof(items) / sizeof(items[0]) };
