/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_cert.c - certificates: show, list, search, revoke, release (spec ca
 * 2.4, 2.6).
 * Owns:    nothing.
 * Trusts:  nothing of a form; a filter that a page sends is rebuilt term by term
 *          from a list of known attributes.
 * Threads: workers. */
#include "ca/servlet.h"

#include <stdatomic.h>

#include "x509/name.h"

enum {
	LIST_DEFAULT = 20,
	LIST_MAX = 1000,
	REVOKE_MAX = 100, /* certificates of one call */
	FILTER_LEVELS = 8
};

static bool
is_agent_path(const struct http_call *c)
{
	return text_starts(c->path, "/ca/agent/");
}

/* --- filters that pages send ---------------------------------------------------- */

static void
add_serial(struct buf *out, const char *op, const struct num *n)
{
	char dec[NUM_TEXT_MAX];

	num_dec(dec, n);
	buf_addf(out, "(serialno%s%02zu%s)", op, strlen(dec), dec);
}

static enum rc
leaf(struct buf *out, const struct filter *f, const char *op, struct err *e)
{
	/* names of the model's record attributes */
	static const struct {
		const char *page, *record;
	} names[] = { { "certStatus", "certStatus" },
		{ "certIssuedBy", "issuedBy" },
		{ "certRevokedBy", "revokedBy" },
		{ "x509cert.subject", "subjectName" },
		{ "subjectName", "subjectName" }, { "issuedBy", "issuedBy" },
		{ "revokedBy", "revokedBy" } };
	const char *attr = filter_attr(f);
	AUTO_STR value = view_dup_str(filter_value(f));
	char quoted[TEXT_QUOTE_MAX];
	struct num n;

	if (value == NULL)
		return err_set(e, RC_INVALID, "filter: malformed value");
	if (text_ieq(attr, "certRecordId") || text_ieq(attr, "serialno")) {
		if (num_parse(&n, value, false, NULL) != RC_OK)
			return err_set(
			    e, RC_INVALID, "filter: %.32s: not a number", attr);
		add_serial(out, op, &n);
		return RC_OK;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!text_ieq(attr, names[i].page))
			continue;
		buf_addf(out, "(%s%s", names[i].record, op);
		filter_escape(out, view_str(value));
		buf_add_char(out, ')');
		return RC_OK;
	}
	return err_set(e, RC_INVALID, "filter: unknown attribute %s",
	    text_quote(quoted, view_str(attr)));
}

static enum rc rebuild(
    struct buf *out, const struct filter *f, int levels, struct err *e);

static enum rc
children(struct buf *out, const struct filter *f, char sign, int levels,
    struct err *e)
{
	enum rc rc = RC_OK;

	buf_add_char(out, '(');
	buf_add_char(out, sign);
	for (size_t i = 0; rc == RC_OK && i < filter_children(f); i++)
		rc = rebuild(out, filter_child(f, i), levels - 1, e);
	buf_add_char(out, ')');
	return rc;
}

/* A filter over the model's names as one over ours. */
static enum rc
rebuild(struct buf *out, const struct filter *f, int levels, struct err *e)
{
	if (levels == 0)
		return err_set(e, RC_TOOBIG, "filter: too deep");
	switch (filter_op(f)) {
	case FILTER_AND:
		return children(out, f, '&', levels, e);
	case FILTER_OR:
		return children(out, f, '|', levels, e);
	case FILTER_NOT:
		return children(out, f, '!', levels, e);
	case FILTER_EQ:
		return leaf(out, f, "=", e);
	case FILTER_GE:
		return leaf(out, f, ">=", e);
	case FILTER_LE:
		return leaf(out, f, "<=", e);
	case FILTER_PRESENT:
		if (!text_ieq(filter_attr(f), "certRecordId") &&
		    !text_ieq(filter_attr(f), "certStatus"))
			return err_set(
			    e, RC_INVALID, "filter: unknown attribute");
		buf_add_str(out, "(certStatus=*)");
		return RC_OK;
	case FILTER_SUBSTRING:
		break;
	}
	return err_set(e, RC_INVALID, "filter: substrings are not accepted");
}

static enum rc
page_filter(struct buf *out, const char *text, struct err *e)
{
	AUTO(filter) f = NULL;
	enum rc rc = filter_parse(&f, text, e);

	if (rc == RC_OK)
		rc = rebuild(out, f, FILTER_LEVELS, e);
	return rc != RC_OK ? rc : buf_check(out, e);
}

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

	if (!is_agent_path(s->c))
		return RC_OK;
	if (api_ca(s->c)->nonces) {
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
		is_agent_path(c) ? "certServer.ca.certificate"
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
	show(c, is_agent_path(c) ? "read" : "import");
}

/* --- lists ---------------------------------------------------------------------------- */

struct rows {
	struct servlet *s;
	struct err *e;
	uint64_t n;
	enum rc rc;
};

static void
add_row(struct servlet *s, const struct cert_rec *r)
{
	struct buf *b = &s->list;
	char hex[NUM_TEXT_MAX], dec[NUM_TEXT_MAX];

	xml_open(b, "record");
	xml_text(b, "serialNumber", num_hex(hex, &r->serial));
	xml_text(b, "serialNumberDecimal", num_dec(dec, &r->serial));
	xml_text(b, "subject", r->subject);
	xml_text(b, "certStatus", cert_status_text(r->status));
	xml_text(b, "type", "X.509");
	xml_text(b, "version", "2");
	xml_text(b, "subjectPublicKeyAlgorithm", r->key_oid);
	xml_text(b, "signatureAlgorithm", r->sig_oid);
	xml_textf(b, "validNotBefore", "%lld", (long long)r->not_before);
	xml_textf(b, "validNotAfter", "%lld", (long long)r->not_after);
	xml_textf(b, "issuedOn", "%lld", (long long)r->created);
	xml_text(b, "issuedBy", r->issued_by);
	if (r->revoked) {
		xml_textf(b, "revokedOn", "%lld", (long long)r->rev.date);
		xml_text(b, "revokedBy", r->rev.by);
		xml_textf(b, "revocationReason", "%d", r->rev.reason);
	}
	xml_close(b, "record");
	buf_addf(&s->form,
	    "<p><a href=\"displayBySerial?serialNumber=0x%s\">0x%s</a> ", hex,
	    hex);
	xml_escape(&s->form, r->subject);
	buf_addf(&s->form, " %s</p>\n", cert_status_text(r->status));
}

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
	add_row(x->s, &r);
	x->n++;
	return true;
}

/* A number of the form within [0, max]; def when it is not there. */
static enum rc
number(struct http_call *c, const char *name, int64_t max, int64_t def,
    int64_t *out, struct err *e)
{
	const char *v = http_arg(c, name);
	enum rc rc;

	*out = def;
	if (v == NULL || v[0] == '\0')
		return RC_OK;
	rc = text_int(out, v, 0, max, e);
	return rc == RC_OK ? rc : err_prefix(e, "%s", name);
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
		add_serial(f, ends[i].op, &n);
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
	rc = given != NULL && given[0] != '\0' ? page_filter(f, given, e)
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
		rc = page_filter(f, given, e);
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
		is_agent_path(c) ? "certServer.ca.certificates"
				 : "certServer.ee.certificates",
		"list", &p))
		return;
	if ((rc = number(c, "previousStart", INT32_MAX, 0, &start, &e)) ==
		RC_OK &&
	    (rc = number(c, size_name, LIST_MAX, LIST_DEFAULT, &count, &e)) ==
		RC_OK &&
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

/* --- revoke and release ------------------------------------------------------------------ */

/* The serial numbers that a call names. */
struct serials {
	struct num items[REVOKE_MAX];
	size_t n;
	bool more; /* than fit */
};

static bool
take_serial(void *arg, const struct rec *r)
{
	struct serials *x = arg;

	x->more = x->n == REVOKE_MAX;
	if (!x->more && num_parse(&x->items[x->n], r->id, true, NULL) == RC_OK)
		x->n++;
	return !x->more;
}

/* serialNumber=a,b,c */
static enum rc
listed_serials(struct http_call *c, struct serials *x, struct err *e)
{
	char *copy = arena_str(c->arena, http_arg(c, "serialNumber")),
	     *words[REVOKE_MAX];
	size_t n = copy != NULL ? text_split(copy, ",", words, REVOKE_MAX) : 0;
	enum rc rc;

	if (n == 0)
		return err_set(e, RC_INVALID, "serialNumber is missing");
	if (n > REVOKE_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d certificates", REVOKE_MAX);
	for (size_t i = 0; i < n; i++) {
		rc = num_parse(&x->items[x->n], words[i], false, e);
		if (rc != RC_OK)
			return err_prefix(e, "serialNumber");
		x->n++;
	}
	return RC_OK;
}

/* revokeAll, a filter, or else the serial numbers themselves. */
static enum rc
read_serials(struct http_call *c, struct serials *x, struct err *e)
{
	AUTO_BUF f = buf_empty(FILTER_TEXT_MAX);
	const char *all = http_arg(c, "revokeAll");
	struct query q = { .kind = REC_CERT };
	enum rc rc;

	if (all == NULL || all[0] == '\0')
		return listed_serials(c, x, e);
	if ((rc = page_filter(&f, all, e)) != RC_OK)
		return err_prefix(e, "revokeAll");
	q.filter = buf_cstr(&f);
	rc = store_search(api_ca(c)->store, &q, take_serial, x, e);
	if (rc == RC_OK && x->more)
		rc = err_set(e, RC_TOOBIG,
		    "revokeAll: more than %d certificates", REVOKE_MAX);
	if (rc == RC_OK && x->n == 0)
		rc = err_set(
		    e, RC_NOTFOUND, "revokeAll: no certificate matches");
	return rc;
}

/* The nonce of one certificate out of "serial:nonce,serial:nonce"; a bare nonce
 * where there is one certificate. */
static const char *
nonce_of(struct http_call *c, const struct num *id, size_t n)
{
	char *copy = arena_str(c->arena, http_arg(c, "nonce")),
	     *words[REVOKE_MAX];
	size_t k = copy != NULL ? text_split(copy, ",", words, REVOKE_MAX) : 0;
	struct num x;

	for (size_t i = 0; i < k && i < REVOKE_MAX; i++) {
		char *colon = strchr(words[i], ':');
		if (colon == NULL) {
			if (n == 1)
				return words[i];
			continue;
		}
		*colon = '\0';
		if (num_parse(&x, words[i], false, NULL) == RC_OK &&
		    num_cmp(&x, id) == 0)
			return colon + 1;
	}
	return NULL;
}

/* What may be done to all of them: agents with a nonce each, subsystems
 * without, end entities only their own certificates. */
static enum rc
check_nonces(struct http_call *c, const struct principal *p,
    const struct serials *x, struct err *e)
{
	char hex[NUM_TEXT_MAX];
	enum rc rc = RC_OK;

	if (!is_agent_path(c) || principal_in(p, "Subsystem Group"))
		return RC_OK;
	for (size_t i = 0; rc == RC_OK && i < x->n; i++)
		rc = api_nonce_check(c, "cert-revoke",
		    num_hex(hex, &x->items[i]), nonce_of(c, &x->items[i], x->n),
		    e);
	return rc;
}

/* The client certificate is one of ours, not revoked, and has the subject of
 * every certificate that is to be revoked. */
static enum rc
check_own(struct http_call *c, const struct serials *x, struct err *e)
{
	struct cert own, other;
	struct cert_rec r;
	char hex[NUM_TEXT_MAX];
	enum rc rc;

	if (c->peer_cert.len == 0)
		return err_set(e, RC_AUTH,
		    "a client certificate of this CA is needed%s%s",
		    c->peer_cert_error != NULL ? ": " : "",
		    c->peer_cert_error != NULL ? c->peer_cert_error : "");
	if ((rc = cert_parse(&own, c->peer_cert, e)) != RC_OK ||
	    (rc = ca_cert_get(api_ca(c), &own.serial, &r, c->arena, e)) !=
		RC_OK)
		return err_set(
		    e, RC_AUTH, "the client certificate is not one of this CA");
	if (!view_eq(r.der, c->peer_cert) || r.revoked)
		return err_set(e, RC_AUTH,
		    "the client certificate is not a valid one of this CA");
	for (size_t i = 0; i < x->n; i++) {
		rc = ca_cert_get(api_ca(c), &x->items[i], &r, c->arena, e);
		if (rc != RC_OK || (rc = cert_parse(&other, r.der, e)) != RC_OK)
			return rc;
		if (!view_eq(own.subject, other.subject))
			return err_set(e, RC_AUTH,
			    "Certificate %s belongs to different subject.",
			    num_0x(hex, &x->items[i]));
	}
	return RC_OK;
}

enum who {
	WHO_AGENT,
	WHO_OWNER,
	WHO_SUBSYSTEM, /* answers in one line */
};

struct change {
	enum who who;
	bool release;
	struct ca_revocation v; /* serial is set for each */
	struct serials serials;
	size_t done;
	struct err first; /* failure */
};

static void
change_one(struct servlet *s, struct change *x, const struct num *id)
{
	AUTO(request_rec) r = NULL;
	struct ca *ca = api_ca(s->c);
	struct err e = { RC_OK, "" };
	char hex[NUM_TEXT_MAX];
	const char *result;
	enum rc rc;

	x->v.serial = *id;
	rc = x->release ? ca_unrevoke(ca, id, x->v.who, &r, &e)
			: ca_revoke(ca, &x->v, &r, &e);
	/* a release that cannot be done is a request that failed */
	result = rc == RC_OK ? request_ext(r, "result") : NULL;
	if (result != NULL && strcmp(result, "2") == 0)
		rc = err_set(&e, RC_INVALID, "%s",
		    request_ext(r, "error") != NULL ? request_ext(r, "error")
						    : "refused");
	xml_open(&s->list, "record");
	xml_text(&s->list, "serialNumber", num_hex(hex, id));
	if (rc == RC_OK)
		x->done++;
	else
		xml_text(&s->list, "error", e.text);
	xml_close(&s->list, "record");
	if (rc != RC_OK && x->first.rc == RC_OK)
		x->first = e;
}

static enum rc
read_revocation(struct http_call *c, struct change *x, struct err *e)
{
	const char *comments = http_arg(c, "csrRequestorComments");
	int64_t reason, ms;
	enum rc rc;

	if ((rc = number(c, "revocationReason", REASON_AA_COMPROMISE,
		 REASON_UNSPECIFIED, &reason, e)) != RC_OK ||
	    (rc = number(c, "invalidityDate", INT64_MAX / 2, 0, &ms, e)) !=
		RC_OK)
		return rc;
	if (reason_label((int)reason) == NULL)
		return err_set(
		    e, RC_INVALID, "revocationReason %d", (int)reason);
	x->v.reason = (int)reason;
	x->v.invalidity = ms / 1000;
	x->v.comments = comments;
	x->release |= reason == REASON_REMOVE_FROM_CRL;
	return RC_OK;
}

static enum rc
change_all(struct servlet *s, struct change *x, struct err *e)
{
	struct http_call *c = s->c;
	enum rc rc;

	if (!x->release && (rc = read_revocation(c, x, e)) != RC_OK)
		return rc;
	if ((rc = read_serials(c, &x->serials, e)) != RC_OK ||
	    (x->who == WHO_OWNER &&
		(rc = check_own(c, &x->serials, e)) != RC_OK) ||
	    (rc = check_nonces(c, x->v.who, &x->serials, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < x->serials.n; i++)
		change_one(s, x, &x->serials.items[i]);
	return RC_OK;
}

/* The members of the model's reply; publishing is none of this call. */
static void
change_head(struct servlet *s, const struct change *x)
{
	bool all = x->done == x->serials.n;

	xml_text(
	    &s->head, x->release ? "unrevoked" : "revoked", all ? "yes" : "no");
	if (x->first.rc != RC_OK)
		xml_text(&s->head, "error", x->first.text);
	xml_textf(&s->head, "totalRecordCount", "%zu", x->serials.n);
	xml_textf(&s->head, "verifiedRecordCount", "%zu", x->done);
	xml_text(&s->head, "updateCRL", "no");
	xml_text(&s->head, "dirEnabled", "no");
	xml_text(&s->head, "certsUpdated", "0");
	xml_text(&s->head, "certsToUpdate", "0");
	xml_textf(&s->fixed, "requestStatus", "%d",
	    all ? SERVLET_SUCCESS : SERVLET_ERROR);
}

static void
change(struct http_call *c, enum who who, bool release)
{
	AUTO_SERVLET s = servlet_begin(
	    c, SHAPE_B, release ? "Release from hold" : "Revocation");
	AUTO(principal) p = NULL;
	AUTO_BUF line = buf_empty(4096);
	struct change *x = arena_alloc(c->arena, 1, sizeof(*x));
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (x == NULL) {
		err_set(&e, RC_NOMEM, "revocation");
		servlet_fail(&s, RC_NOMEM, &e);
		return;
	}
	if (!servlet_enter(&s,
		who == WHO_OWNER ? "certServer.ee.certificates"
		    : release    ? "certServer.ca.certificate"
				 : "certServer.ca.certificates",
		release ? "unrevoke" : "revoke", &p))
		return;
	x->who = who;
	x->release = release;
	x->v.who = p;
	x->v.requestor = who == WHO_OWNER ? "EE" : "Agent";
	rc = change_all(&s, x, &e);
	if (who == WHO_SUBSYSTEM) {
		if (rc == RC_OK)
			e = x->first;
		buf_addf(&line, "status=%d", e.rc == RC_OK ? 0 : 1);
		if (e.rc != RC_OK)
			buf_addf(&line, "&error=%s", e.text);
		http_reply(c, 200, "text/plain", buf_view(&line));
	} else if (rc == RC_OK) {
		change_head(&s, x);
		servlet_reply(&s);
	} else {
		servlet_fail(&s, rc, &e);
	}
}

static void
revoke_as_agent(struct http_call *c)
{
	change(c, WHO_AGENT, false);
}

static void
revoke_own(struct http_call *c)
{
	change(c, WHO_OWNER, false);
}

static void
revoke_as_subsystem(struct http_call *c)
{
	change(c, WHO_SUBSYSTEM, false);
}

static void
release_as_agent(struct http_call *c)
{
	change(c, WHO_AGENT, true);
}

static void
release_as_subsystem(struct http_call *c)
{
	change(c, WHO_SUBSYSTEM, true);
}

/* The page between choosing and revoking: what would be revoked, with nonces. */
static void
reason_to_revoke(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "Revoke certificates");
	AUTO(principal) p = NULL;
	AUTO_BUF nonces = buf_empty(16 * 1024);
	struct serials *x = arena_alloc(c->arena, 1, sizeof(*x));
	struct err e = { RC_OK, "" };
	struct cert_rec r;
	char hex[NUM_TEXT_MAX], zx[NUM_TEXT_MAX];
	uint64_t nonce;
	enum rc rc;

	if (!servlet_enter(&s, "certServer.ca.certificates", "revoke", &p))
		return;
	rc = x != NULL ? read_serials(c, x, &e)
		       : err_set(&e, RC_NOMEM, "certificates");
	for (size_t i = 0; rc == RC_OK && i < x->n; i++) {
		rc = ca_cert_get(api_ca(c), &x->items[i], &r, c->arena, &e);
		if (rc == RC_OK && api_ca(c)->nonces &&
		    (rc = api_nonce_new(c, p, "cert-revoke",
			 num_hex(hex, &x->items[i]), &nonce, &e)) == RC_OK)
			buf_addf(&nonces, "%s%s:%llu", i > 0 ? "," : "",
			    num_0x(zx, &x->items[i]),
			    (unsigned long long)nonce);
		if (rc == RC_OK)
			add_row(&s, &r);
	}
	if (rc != RC_OK) {
		servlet_fail(&s, rc, &e);
		return;
	}
	xml_textf(&s.head, "totalRecordCount", "%zu", x->n);
	if (nonces.len > 0)
		xml_text(&s.head, "nonce", buf_cstr(&nonces));
	xml_textf(&s.fixed, "requestStatus", "%d", SERVLET_SUCCESS);
	servlet_reply(&s);
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
	{ BOTH, "/ca/ee/ca/doRevoke", revoke_own, HTTP_ISSUE, AGENT, 0 },
	{ BOTH, "/ca/agent/ca/displayBySerial", display_by_serial, HTTP_READ,
	    AGENT, 0 },
	{ BOTH, "/ca/agent/ca/getBySerial", get_by_serial, HTTP_READ, AGENT,
	    0 },
	{ BOTH, "/ca/agent/ca/listCerts", list_certs, HTTP_READ, AGENT, 0 },
	{ BOTH, "/ca/agent/ca/srchCerts", search_certs, HTTP_READ, AGENT, 0 },
	{ BOTH, "/ca/agent/ca/reasonToRevoke", reason_to_revoke, HTTP_READ,
	    AGENT, 0 },
	{ BOTH, "/ca/agent/ca/doRevoke", revoke_as_agent, HTTP_ISSUE, AGENT,
	    0 },
	{ BOTH, "/ca/agent/ca/doUnrevoke", release_as_agent, HTTP_ISSUE, AGENT,
	    0 },
	{ BOTH, "/ca/ee/subsystem/ca/doRevoke", revoke_as_subsystem, HTTP_ISSUE,
	    AGENT, 0 },
	{ BOTH, "/ca/ee/subsystem/ca/doUnrevoke", release_as_subsystem,
	    HTTP_ISSUE, AGENT, 0 },
};
const struct api_routes servlet_cert_routes = { items,
	sizeof(items) / sizeof(items[0]) };
