/* SPDX-License-Identifier: Apache-2.0 */
/* servlet.c - the servlets' XML shapes and pages (spec ca 2).
 * Owns:    the buffers of an answer.
 * Trusts:  element names (constants); no text.
 * Threads: one owner an answer. */
#include "ca/servlet.h"
#include "ca/chain.h"

#include "x509/cms.h"
#include "x509/name.h"
#include "x509/print.h"

bool
xml_wanted(const struct http_call *c)
{
	const char *a = http_arg(c, "xml"), *b = http_arg(c, "xmlOutput");

	return (a != NULL && text_bool(a)) || (b != NULL && text_bool(b));
}

struct servlet
servlet_begin(struct http_call *c, enum servlet_shape shape, const char *title)
{
	return (struct servlet){ .c = c,
		.shape = shape,
		.title = title,
		.head = buf_empty(XML_MAX),
		.fixed = buf_empty(XML_MAX),
		.list = buf_empty(XML_MAX),
		.form = buf_empty(XML_MAX),
		.status = 200 };
}

void
servlet_done(struct servlet *s)
{
	buf_done(&s->head);
	buf_done(&s->fixed);
	buf_done(&s->list);
	buf_done(&s->form);
}

static void
audit_denied(struct http_call *c, const struct principal *p,
    const char *resource, const char *op)
{
	rc_ignore(audit_event(api_ca(c)->audit,
	    AUDIT_ENTRY("AUTHZ", ca_subject_id(p), false,
		"authorization failure", { "aclResource", resource },
		{ "Op", op }),
	    NULL)); /* a failed audit log stops the CA in tick */
}

bool
servlet_enter(struct servlet *s, const char *resource, const char *op,
    struct principal **out)
{
	struct http_call *c = s->c;
	struct err e = { RC_OK, "" };
	enum rc rc = api_caller(c, out, &e);

	if (rc == RC_OK)
		rc = ca_allowed(api_ca(c), *out, c->peer, resource, op, &e);
	if (rc == RC_OK)
		return true;
	if (rc == RC_DENIED)
		audit_denied(c, *out, resource, op);
	if (rc == RC_AUTH && c->peer_cert_error != NULL)
		rc_ignore(err_prefix(
		    &e, "client certificate: %s", c->peer_cert_error));
	servlet_fail(s, rc, &e);
	return false;
}

/* --- sending ---------------------------------------------------------------- */

static void
part(struct buf *b, const char *name, const struct buf *what)
{
	xml_open(b, name);
	buf_add_view(b, buf_view(what));
	xml_close(b, name);
}

static void
document(struct buf *b, const struct servlet *s)
{
	xml_begin(b);
	switch (s->shape) {
	case SHAPE_A:
		buf_add_str(b, "<xml><output>");
		part(b, "set", &s->head);
		buf_add_str(b, "</output></xml>");
		break;
	case SHAPE_B:
		xml_open(b, "xml");
		part(b, "header", &s->head);
		part(b, "fixed", &s->fixed);
		part(b, "records", &s->list);
		xml_close(b, "xml");
		break;
	case SHAPE_C:
		part(b, "XMLResponse", &s->head);
		break;
	}
}

static bool
is_wrapper(const char *name, size_t n)
{
	return (n == 3 && memcmp(name, "set", n) == 0) ||
	    (n == 4 && memcmp(name, "list", n) == 0);
}

/* Our own elements as nested tables. They are what xml_* wrote: every '<' in
 * them begins a tag, and text is escaped for XML, which does for HTML. */
static void
tables(struct buf *b, const struct buf *elements)
{
	const char *p = buf_cstr(elements), *end, *next;

	while (*p != '\0') {
		if (*p != '<' || (end = strchr(p, '>')) == NULL) {
			p++;
			continue;
		}
		bool closing = p[1] == '/';
		if (is_wrapper(
			p + 1 + closing, (size_t)(end - p) - 1 - closing)) {
			p = end + 1; /* means nothing to people */
			continue;
		}
		next = end + strcspn(end, "<");
		if (closing) {
			buf_add_str(b, "</table></td></tr>\n");
			p = end + 1;
		} else if (next[0] == '<' && next[1] == '/') {
			/* a leaf: name and text */
			buf_addf(b,
			    "<tr><th>%.*s</th><td><pre>%.*s</pre></td>"
			    "</tr>\n",
			    (int)(end - p - 1), p + 1, (int)(next - end - 1),
			    end + 1);
			p = next + strcspn(next, ">");
		} else {
			buf_addf(b, "<tr><th>%.*s</th><td><table>\n",
			    (int)(end - p - 1), p + 1);
			p = end + 1;
		}
	}
}

static void
page(struct buf *b, const struct servlet *s)
{
	buf_add_str(b,
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<title>");
	xml_escape(b, s->title);
	buf_add_str(b,
	    "</title><style>body{font-family:sans-serif;margin:2em}"
	    "th{text-align:left;vertical-align:top;padding-right:1em}"
	    "pre{margin:0;white-space:pre-wrap}table{border-collapse:collapse}"
	    "</style></head><body><h1>");
	xml_escape(b, s->title);
	buf_add_str(b, "</h1>\n");
	buf_add_view(b, buf_view(&s->form));
	buf_add_str(b, "<table>\n");
	tables(b, &s->head);
	tables(b, &s->fixed);
	tables(b, &s->list);
	buf_add_str(b, "</table></body></html>\n");
}

void
servlet_reply(struct servlet *s)
{
	AUTO_BUF b = buf_empty(XML_MAX * 4);
	const char *type = s->shape == SHAPE_A ? "text/xml" : "application/xml";
	bool xml = xml_wanted(s->c);
	struct err e;

	if (buf_check(&s->head, &e) != RC_OK ||
	    buf_check(&s->fixed, &e) != RC_OK ||
	    buf_check(&s->list, &e) != RC_OK ||
	    buf_check(&s->form, &e) != RC_OK) {
		api_fail(s->c, e.rc, &e);
		return;
	}
	if (xml)
		document(&b, s);
	else
		page(&b, s);
	if (buf_check(&b, &e) != RC_OK) {
		api_fail(s->c, e.rc, &e);
		return;
	}
	if (!xml)
		http_reply_header(s->c, "Content-Security-Policy",
		    "default-src 'none'; style-src 'unsafe-inline'; "
		    "form-action 'self'; frame-ancestors 'none'");
	http_reply(s->c, s->status, xml ? type : "text/html; charset=utf-8",
	    buf_view(&b));
}

/* Programs look into the XML, as the model's status is always 200; only who was
 * not let in, and people's browsers, get the status that belongs to the
 * failure. */
static int
http_status(const struct servlet *s, enum rc rc)
{
	if (rc == RC_AUTH || rc == RC_DENIED || !xml_wanted(s->c))
		return rc_http(rc);
	return 200;
}

void
servlet_fail(struct servlet *s, enum rc rc, const struct err *e)
{
	bool refused = rc == RC_AUTH || rc == RC_DENIED;

	buf_reset(&s->head);
	buf_reset(&s->fixed);
	buf_reset(&s->list);
	buf_reset(&s->form);
	s->status = http_status(s, rc);
	if (s->status == 401)
		http_reply_header(s->c, "WWW-Authenticate",
		    "Basic realm=\"Certificate Authority\"");
	switch (s->shape) {
	case SHAPE_A:
		xml_text(&s->head, "errorCode", "1");
		xml_text(&s->head, "errorReason", e->text);
		break;
	case SHAPE_B:
		xml_textf(&s->fixed, "requestStatus", "%d",
		    refused ? SERVLET_UNAUTHORIZED : SERVLET_EXCEPTION);
		xml_text(&s->fixed, "unexpectedError", e->text);
		break;
	case SHAPE_C:
		xml_text(&s->head, "Status", "1");
		xml_text(&s->head, "Error", e->text);
		break;
	}
	servlet_reply(s);
}

/* --- pieces ------------------------------------------------------------------- */

void
servlet_list_open(struct servlet *s, const char *name)
{
	xml_open(&s->head, name);
	xml_open(&s->head, "list");
}

void
servlet_item_open(struct servlet *s, const char *name)
{
	xml_open(&s->head, name);
	xml_open(&s->head, "set");
}

void
servlet_item_close(struct servlet *s, const char *name)
{
	xml_close(&s->head, "set");
	xml_close(&s->head, name);
}

void
servlet_list_close(struct servlet *s, const char *name)
{
	xml_close(&s->head, "list");
	xml_close(&s->head, name);
}

enum rc
servlet_num(
    struct http_call *c, const char *name, struct num *out, struct err *e)
{
	const char *s = http_arg(c, name);
	char quoted[TEXT_QUOTE_MAX];

	if (s == NULL || s[0] == '\0')
		return err_set(e, RC_INVALID, "%s is missing", name);
	if (num_parse(out, s, false, NULL) != RC_OK)
		return err_set(e, RC_INVALID, "%s: not a number: %s", name,
		    text_quote(quoted, view_str(s)));
	return RC_OK;
}

enum rc
servlet_chain(struct ca *ca, struct buf *out, struct view der, struct err *e)
{
	AUTO_BUF p7 = buf_empty(CMS_DER_MAX);
	enum rc rc = ca_chain_put(ca, &p7, der, e);

	if (rc != RC_OK)
		return rc;
	buf_add_base64(out, buf_view(&p7), 64, "\n");
	return buf_check(out, e);
}

enum rc
servlet_cert(struct servlet *s, struct view der, struct err *e)
{
	AUTO_BUF subject = buf_empty(NAME_DER_MAX * 4);
	AUTO_BUF issuer = buf_empty(NAME_DER_MAX * 4);
	AUTO_BUF pem = buf_empty(CERT_DER_MAX * 2);
	AUTO_BUF chain = buf_empty(CMS_DER_MAX * 2);
	AUTO_BUF text = buf_empty(XML_MAX);
	char hex[NUM_TEXT_MAX], from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	struct cert x;
	enum rc rc;

	if ((rc = cert_parse(&x, der, e)) != RC_OK ||
	    (rc = name_text(&subject, x.subject, e)) != RC_OK ||
	    (rc = name_text(&issuer, x.issuer, e)) != RC_OK ||
	    (rc = servlet_chain(api_ca(s->c), &chain, der, e)) != RC_OK ||
	    (rc = print_cert(&text, der, e)) != RC_OK)
		return rc;
	text_add_pem(&pem, "CERTIFICATE", der, "\n");
	xml_text(&s->list, "serialNumber", num_hex(hex, &x.serial));
	xml_text(&s->list, "subject", buf_cstr(&subject));
	xml_text(&s->list, "issuer", buf_cstr(&issuer));
	xml_text(
	    &s->list, "validNotBefore", clock_text_java(from, x.not_before));
	xml_text(&s->list, "validNotAfter", clock_text_java(to, x.not_after));
	xml_text(&s->list, "base64Cert", buf_cstr(&pem));
	xml_text(&s->list, "certPrettyPrint", buf_cstr(&text));
	xml_text(&s->list, "pkcs7ChainBase64", buf_cstr(&chain));
	return RC_OK;
}
