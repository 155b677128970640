/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_cert.c - certificates: show, list, search (spec ca 2.4, 2.6).
 * Owns:    nothing.
 * Trusts:  nothing of a form.
 * Threads: workers. */
#include "ca/servlet.h"

enum {
	LIST_DEFAULT = 20,
	LIST_MAX = 1000
};

/* --- one certificate --------------------------------------------------------------- */

/* The page's form: revoke, or release from hold. */
static void
change_form(struct servlet *s, const struct cert_rec *r, const char *nonce)
{
	char id[NUM_TEXT_MAX];
	bool held = r->revoked && r->rev.reason == REASON_HOLD;

	if (r->revoked && !held)
		return;
	buf_addf(&s->form, "<form method=\"post\" action=\"%s\">\n",
	    held ? "doUnrevoke" : "doRevoke");
	servlet_hidden(s, "serialNumber", num_0x(id, &r->serial));
	servlet_hidden(s, "nonce", nonce);
	if (!held) {
		buf_add_str(&s->form, "<select name=\"revocationReason\">");
		for (int i = 0; i <= REASON_AA_COMPROMISE; i++) {
			if (reason_label(i) != NULL &&
			    i != REASON_REMOVE_FROM_CRL)
				buf_addf(&s->form,
				    "<option value=\"%d\">%s</option>", i,
				    reason_label(i));
		}
		buf_add_str(&s->form, "</select>\n");
	}
	buf_addf(&s->form, "<button type=\"submit\">%s</button></form>\n",
	    held ? "Release from hold" : "Revoke");
}

/* An agent gets a nonce with it, to revoke or release. */
static enum rc
add_nonce(struct servlet *s, const struct principal *p,
    const struct cert_rec *r, struct err *e)
{
	char hex[NUM_TEXT_MAX], text[32] = "";
	uint64_t nonce;
	enum rc rc;

	if (!servlet_is_agent(s->c))
		return RC_OK;
	if (ca_shared(api_ca(s->c))->nonces) {
		rc = api_nonce_new(s->c, p, "cert-revoke",
		    num_hex(hex, &r->serial), &nonce, e);
		if (rc != RC_OK)
			return rc;
		snprintf(text, sizeof(text), "%llu", (unsigned long long)nonce);
		xml_text(&s->head, "nonce", text);
	}
	change_form(s, r, text);
	return RC_OK;
}

static void
show(struct http_call *c, const char *op)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "Certificate");
	AUTO(principal) p = NULL;
	struct err e = { RC_OK, "" };
	struct cert_rec r;
	struct num id;
	char hex[NUM_TEXT_MAX], dec[NUM_TEXT_MAX];
	enum rc rc;

	if (!servlet_enter(&s,
		servlet_is_agent(c) ? "certServer.ca.certificate"
				    : "certServer.ee.certificate",
		op, &p))
		return;
	if ((rc = servlet_num(c, "serialNumber", &id, &e)) == RC_OK &&
	    (rc = ca_cert_get(api_ca(c), &id, &r, c->arena, &e)) == RC_OK &&
	    strcmp(op, "import") == 0 && !xml_wanted(c)) {
		http_reply(c, 200, "application/x-x509-user-cert", r.der);
		return;
	}
	if (rc == RC_OK) {
		xml_text(&s.head, "serialNumber", num_hex(hex, &id));
		xml_text(&s.head, "serialNumberDecimal", num_dec(dec, &id));
		xml_text(&s.head, "certStatus", cert_status_text(r.status));
		if (r.revoked)
			xml_textf(
			    &s.head, "revocationReason", "%d", r.rev.reason);
		xml_textf(&s.fixed, "requestStatus", "%d", SERVLET_SUCCESS);
		xml_open(&s.list, "record");
		rc = servlet_cert(&s, r.der, &e);
		xml_close(&s.list, "record");
	}
	if (rc == RC_OK)
		rc = add_nonce(&s, p, &r, &e);
	if (rc == RC_OK)
		servlet_reply(&s);
	else
		servlet_fail(&s, rc, &e);
}

static void
display_by_serial(struct http_call *c)
{
	show(c, "read");
}

static void
get_by_serial(struct http_call *c)
{
	show(c, servlet_is_agent(c) ? "read" : "import");
}

/* --- lists ---------------------------------------------------------------------------- */

struct rows {
	struct servlet *s;
	struct err *e;
	uint64_t n;
	enum rc rc;
};

static bool
each_row(void *arg, const struct rec *rec)
{
	struct rows *x = arg;
	AUTO(arena) a = arena_new(0);
	struct cert_rec r;

	if (a == NULL) {
		x->rc = err_set(x->e, RC_NOMEM, "certificate list");
		return false;
	}
	x->rc = cert_rec_decode(&r, rec, a, x->e);
	if (x->rc != RC_OK)
		return false;
	servlet_cert_row(x->s, &r);
	x->n++;
	return true;
}

static enum rc
serial_range(struct http_call *c, struct buf *f, struct err *e)
{
	static const struct {
		const char *name, *op;
	} ends[] = { { "serialFrom", ">=" }, { "serialTo", "<=" } };
	struct num n;
	enum rc rc;

	for (size_t i = 0; i < 2; i++) {
		const char *v = http_arg(c, ends[i].name);
		if (v == NULL || v[0] == '\0' || strcmp(v, "-1") == 0)
			continue;
		if ((rc = num_parse(&n, v, false, e)) != RC_OK)
			return err_prefix(e, "%s", ends[i].name);
		servlet_serial_term(f, ends[i].op, &n);
	}
	return RC_OK;
}

static bool
on(const struct http_call *c, const char *name)
{
	const char *v = http_arg(c, name);

	return v != NULL && text_bool(v);
}

static enum rc
list_filter(struct http_call *c, struct buf *f, struct err *e)
{
	const char *given = http_arg(c, "queryCertFilter");
	enum rc rc;

	buf_add_str(f, "(&(certStatus=*)");
	rc = given != NULL && given[0] != '\0' ? servlet_filter(f, given, e)
					       : serial_range(c, f, e);
	if (on(c, "skipRevoked"))
		buf_add_str(f,
		    "(!(certStatus=REVOKED))(!(certStatus=REVOKED_EXPIRED))");
	if (on(c, "skipNonValid"))
		buf_add_str(f, "(certStatus=VALID)");
	buf_add_char(f, ')');
	return rc != RC_OK ? rc : buf_check(f, e);
}

static void
subject_terms(struct http_call *c, struct buf *f)
{
	static const struct {
		const char *name, *keyword;
	} parts[] = { { "eMail", "E" }, { "commonName", "CN" },
		{ "userID", "UID" }, { "orgUnit", "OU" }, { "org", "O" },
		{ "locality", "L" }, { "state", "ST" }, { "country", "C" } };
	const char *match = http_arg(c, "match");
	bool exact = match != NULL && strcmp(match, "exact") == 0;
	size_t start = f->len, empty;

	buf_add_str(f, exact ? "(&" : "(|");
	empty = f->len;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *v = http_arg(c, parts[i].name);
		AUTO_BUF x = buf_empty(4096);
		if (v == NULL || v[0] == '\0')
			continue;
		filter_escape(&x, view_str(v));
		if (exact)
			buf_addf(f,
			    "(|(subjectName=*%s=%s,*)(subjectName=*%s=%s))",
			    parts[i].keyword, buf_cstr(&x), parts[i].keyword,
			    buf_cstr(&x));
		else
			buf_addf(f, "(subjectName=*%s=*%s*)", parts[i].keyword,
			    buf_cstr(&x));
	}
	if (f->len == empty)
		f->len = start;
	else
		buf_add_char(f, ')');
}

static enum rc
search_filter(struct http_call *c, struct buf *f, struct err *e)
{
	static const struct {
		const char *in_use, *name, *before, *behind;
	} terms[] = { { "revokedByInUse", "revokedBy", "(revokedBy=", ")" },
		{ "issuedByInUse", "issuedBy", "(issuedBy=", ")" },
		{ "revocationReasonInUse", "revocationReason",
		    "(revInfo=*CRLReasonExtension=", "*)" },
		{ "profileInUse", "profile", "(metaInfo=profileId:", ")" },
		{ "statusInUse", "status", "(certStatus=", ")" } };
	const char *given = http_arg(c, "queryCertFilter");
	enum rc rc = RC_OK;

	buf_add_str(f, "(&(certStatus=*)");
	if (given != NULL && given[0] != '\0')
		rc = servlet_filter(f, given, e);
	if (rc == RC_OK && on(c, "serialNumberRangeInUse"))
		rc = serial_range(c, f, e);
	if (on(c, "subjectInUse"))
		subject_terms(c, f);
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		const char *v = http_arg(c, terms[i].name);
		if (!on(c, terms[i].in_use) || v == NULL || v[0] == '\0')
			continue;
		buf_add_str(f, terms[i].before);
		filter_escape(f, view_str(v));
		buf_add_str(f, terms[i].behind);
	}
	buf_add_char(f, ')');
	return rc != RC_OK ? rc : buf_check(f, e);
}

static void
list(struct http_call *c,
    enum rc (*filter)(struct http_call *, struct buf *, struct err *),
    const char *size_name)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "Certificates");
	AUTO(principal) p = NULL;
	AUTO_BUF f = buf_empty(FILTER_TEXT_MAX);
	struct err e = { RC_OK, "" };
	struct rows x = { .s = &s, .e = &e };
	struct query q = { .kind = REC_CERT, .order = "serialno" };
	int64_t start, count;
	enum rc rc;

	if (!servlet_enter(&s,
		servlet_is_agent(c) ? "certServer.ca.certificates"
				    : "certServer.ee.certificates",
		"list", &p))
		return;
	if ((rc = servlet_int(c, "previousStart", INT32_MAX, 0, &start, &e)) ==
		RC_OK &&
	    (rc = servlet_int(
		 c, size_name, LIST_MAX, LIST_DEFAULT, &count, &e)) == RC_OK &&
	    (rc = filter(c, &f, &e)) == RC_OK) {
		const char *dir = http_arg(c, "direction");
		if (dir != NULL && strcmp(dir, "down") == 0)
			start += count;
		else if (dir != NULL && strcmp(dir, "up") == 0)
			start = start > count ? start - count : 0;
		else
			start = 0;
		q.start = (size_t)start;
		q.limit = (size_t)count;
		q.filter = buf_cstr(&f);
		if (count > 0)
			rc = store_search(
			    api_ca(c)->store, &q, each_row, &x, &e);
	}
	if (rc == RC_OK)
		rc = x.rc;
	if (rc != RC_OK) {
		servlet_fail(&s, rc, &e);
		return;
	}
	xml_textf(
	    &s.head, "previousStart", "%llu", (unsigned long long)q.start);
	xml_textf(
	    &s.head, "currentRecordCount", "%llu", (unsigned long long)x.n);
	xml_textf(&s.head, "maxCount", "%llu", (unsigned long long)q.limit);
	xml_textf(&s.fixed, "requestStatus", "%d", SERVLET_SUCCESS);
	servlet_reply(&s);
}

static void
list_certs(struct http_call *c)
{
	list(c, list_filter, "maxCount");
}

static void
search_certs(struct http_call *c)
{
	list(c, search_filter, "maxResults");
}

enum {
	BOTH = HTTP_GET | HTTP_POST,
	AGENT = HTTP_TLS_ONLY | HTTP_SAME_ORIGIN
};
static const struct http_route items[] = {
	{ BOTH, "/ca/ee/ca/displayBySerial", display_by_serial, HTTP_READ, 0,
	    0 },
	{ BOTH, "/ca/ee/ca/getBySerial", get_by_serial, HTTP_READ, 0, 0 },
	{ BOTH, "/ca/ee/ca/listCerts", list_certs, HTTP_READ, 0, 0 },
	{ BOTH, "/ca/ee/ca/srchCerts", search_certs, HTTP_READ, 0, 0 },
	{ BOTH, "/ca/agent/ca/displayBySerial", display_by_serial, HTTP_READ,
	    AGENT, 0 },
	{ BOTH, "/ca/agent/ca/getBySerial", get_by_serial, HTTP_READ, AGENT,
	    0 },
	{ BOTH, "/ca/agent/ca/listCerts", list_certs, HTTP_READ, AGENT, 0 },
	{ BOTH, "/ca/agent/ca/srchCerts", search_certs, HTTP_READ, AGENT, 0 },
};
const struct api_routes servlet_cert_routes = { items,
	sizeof(items) / sizeof(items[0]) };
