/* SPDX-License-Identifier: Apache-2.0 */
/* api_certs.c - certificates: list, search, show, review, revoke, release
 * (spec ca 1.5, 1.6, 1.7).
 * Owns:    nothing.
 * Trusts:  nothing of a request; filters are built from escaped values.
 * Threads: workers. */

#include "ca/api.h"
#include "ca/chain.h"
#include "store/filter.h"
#include "x509/cms.h"
#include "x509/print.h"

static enum rc
encoded(struct http_call *c, struct view der, const char **out, struct err *e)
{
	AUTO_BUF b = buf_empty(2 * CERT_DER_MAX);

	text_add_pem(&b, "CERTIFICATE", der, "\r\n");
	*out = arena_str(c->arena, buf_cstr(&b));
	return buf_check(&b, e);
}

/* The certificate and the CA's chain as PKCS #7, base64. */
static enum rc
chain_text(
    struct http_call *c, struct view der, const char **out, struct err *e)
{
	AUTO_BUF p7 = buf_empty(CMS_DER_MAX);
	AUTO_BUF b = buf_empty(2 * CMS_DER_MAX);
	enum rc rc = ca_chain_put(api_ca(c), &p7, der, e);

	if (rc != RC_OK)
		return rc;
	buf_add_base64(&b, buf_view(&p7), 64, "\r\n");
	*out = arena_str(c->arena, buf_cstr(&b));
	return buf_check(&b, e);
}

static bool
is_v1(const struct http_call *c)
{
	return text_starts(c->path, "/ca/rest/") ||
	    text_starts(c->path, "/ca/v1/");
}

enum rc
api_cert_data(struct http_call *c, const struct cert_rec *r, bool pretty,
    json_t **out, struct err *e)
{
	char hex[NUM_TEXT_MAX], nb[CLOCK_TEXT_MAX], na[CLOCK_TEXT_MAX];
	const char *pem, *p7;
	json_t *o;
	enum rc rc;

	if ((rc = encoded(c, r->der, &pem, e)) != RC_OK ||
	    (rc = chain_text(c, r->der, &p7, e)) != RC_OK)
		return rc;
	if (is_v1(c)) {
		clock_text_java(nb, r->not_before);
		clock_text_java(na, r->not_after);
	} else {
		clock_text_iso_zone(nb, r->not_before);
		clock_text_iso_zone(na, r->not_after);
	}
	o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "id",
	    num_0x(hex, &r->serial), "IssuerDN",
	    r->issuer != NULL ? r->issuer : buf_cstr(&api_ca(c)->issuer_text),
	    "SubjectDN", r->subject, "Encoded", pem, "PKCS7CertChain", p7,
	    "NotBefore", nb, "NotAfter", na, "Status",
	    cert_status_text(r->status));
	if (o == NULL)
		return err_set(e, RC_NOMEM, "certificate data");
	if (pretty || is_v1(c)) {
		AUTO_BUF text = buf_empty(1024 * 1024);
		if (print_cert(&text, r->der, NULL) == RC_OK)
			json_object_set_new(
			    o, "PrettyPrint", json_string(buf_cstr(&text)));
	}
	if (r->revoked) {
		json_object_set_new(
		    o, "RevokedOn", json_integer(r->rev.date * 1000));
		if (r->rev.by != NULL)
			json_object_set_new(
			    o, "RevokedBy", json_string(r->rev.by));
		json_object_set_new(
		    o, "RevocationReason", json_integer(r->rev.reason));
	}
	*out = o;
	return RC_OK;
}

static void
fail(struct http_call *c, enum rc rc, const struct err *e)
{
	struct num id;
	char hex[NUM_TEXT_MAX];

	if (rc == RC_NOTFOUND && api_id(c, &id, NULL) == RC_OK)
		api_not_found(c, API_CERT, num_0x(hex, &id), e->text);
	else
		api_fail(c, rc, e);
}

static void
get_cert(struct http_call *c)
{
	struct err e = { RC_OK, "" };
	struct num id;
	struct cert_rec r;
	json_t *o = NULL;
	enum rc rc;

	rc = api_id(c, &id, &e);
	if (rc == RC_OK)
		rc = ca_cert_get(api_ca(c), &id, &r, c->arena, &e);
	if (rc == RC_OK)
		rc = api_cert_data(c, &r, false, &o, &e);
	if (rc == RC_OK)
		api_json(c, 200, o);
	else
		fail(c, rc, &e);
}

static void
review_cert(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct err e = { RC_OK, "" };
	struct num id;
	struct cert_rec r;
	json_t *o = NULL;
	char hex[NUM_TEXT_MAX];
	uint64_t nonce;
	enum rc rc;

	if (!api_enter(c, "certServer.ca.certs", "execute", &p))
		return;
	if ((rc = api_id(c, &id, &e)) == RC_OK &&
	    (rc = ca_cert_get(api_ca(c), &id, &r, c->arena, &e)) == RC_OK)
		rc = api_cert_data(c, &r, false, &o, &e);
	if (rc == RC_OK && ca_shared(api_ca(c))->nonces) {
		rc = api_nonce_new(
		    c, p, "cert-revoke", num_hex(hex, &id), &nonce, &e);
		if (rc == RC_OK)
			json_object_set_new(
			    o, "Nonce", json_integer((json_int_t)nonce));
	}
	if (rc == RC_OK) {
		api_json(c, 200, o);
	} else {
		json_decref(o);
		fail(c, rc, &e);
	}
}

/* --- lists ------------------------------------------------------------- */

static json_t *
data_info(const struct cert_rec *r, struct ca *ca)
{
	char hex[NUM_TEXT_MAX];
	enum keytype type;
	enum oid curve;
	int bits = 0;
	json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:s*,s:I,s:I,s:I,s:s*}",
	    "id", num_0x(hex, &r->serial), "SubjectDN", r->subject, "IssuerDN",
	    r->issuer != NULL ? r->issuer : buf_cstr(&ca->issuer_text),
	    "Status", cert_status_text(r->status), "Type", "X.509", "Version",
	    2, "KeyAlgorithmOID", r->key_oid, "NotValidBefore",
	    (json_int_t)r->not_before * 1000, "NotValidAfter",
	    (json_int_t)r->not_after * 1000, "IssuedOn",
	    (json_int_t)r->created * 1000, "IssuedBy", r->issued_by);

	if (r->spki.len > 0 &&
	    spki_info(r->spki, &type, &bits, &curve, NULL) == RC_OK &&
	    type == KEYTYPE_RSA)
		json_object_set_new(o, "KeyLength", json_integer(bits));
	if (r->revoked) {
		json_object_set_new(
		    o, "RevokedOn", json_integer(r->rev.date * 1000));
		if (r->rev.by != NULL)
			json_object_set_new(
			    o, "RevokedBy", json_string(r->rev.by));
	}
	return o;
}

struct listing {
	struct http_call *c;
	json_t *entries;
	struct err *e;
	enum rc rc;
};

static bool
add_entry(void *arg, const struct rec *r)
{
	struct listing *l = arg;
	AUTO(arena) a = arena_new(0);
	struct cert_rec x;

	if (a == NULL) {
		l->rc = err_set(l->e, RC_NOMEM, "certificate list");
		return false;
	}
	l->rc = cert_rec_decode(&x, r, a, l->e);
	if (l->rc != RC_OK)
		return false;
	json_array_append_new(l->entries, data_info(&x, api_ca(l->c)));
	return true;
}

/* The members of a CertSearchRequest from query or body. */
struct search {
	struct http_call *c;
	const json_t *body; /* NULL: query */
	struct buf *f;
};

static const char *
member(const struct search *s, const char *name)
{
	const char *v = s->body != NULL ? api_text(s->c, s->body, name)
					: http_query(s->c, name);

	return v != NULL && v[0] != '\0' ? v : NULL;
}

static bool
in_use(const struct search *s, const char *name)
{
	const char *v = member(s, name);

	return v != NULL && text_bool(v);
}

static void
add_term(
    const struct search *s, const char *attr, const char *op, const char *value)
{
	buf_addf(s->f, "(%s%s", attr, op);
	filter_escape(s->f, view_str(value));
	buf_add_char(s->f, ')');
}

static enum rc
add_serials(const struct search *s, struct err *e)
{
	static const struct {
		const char *name, *op;
	} side[] = { { "serialFrom", ">=" }, { "serialTo", "<=" } };
	struct num n;
	char dec[NUM_TEXT_MAX];
	enum rc rc;

	for (size_t i = 0; i < 2; i++) {
		const char *v = member(s, side[i].name);
		if (v == NULL || strcmp(v, "-1") == 0)
			continue;
		if ((rc = num_parse(&n, v, false, e)) != RC_OK)
			return err_prefix(e, "%s", side[i].name);
		num_dec(dec, &n);
		buf_addf(
		    s->f, "(serialno%s%02zu%s)", side[i].op, strlen(dec), dec);
	}
	return RC_OK;
}

static enum rc
add_dates(const struct search *s, const char *attr, const char *from,
    const char *to, struct err *e)
{
	const char *v[2] = { member(s, from), member(s, to) };
	char date[CLOCK_TEXT_MAX];
	int64_t ms;
	enum rc rc;

	for (size_t i = 0; i < 2; i++) {
		if (v[i] == NULL)
			continue;
		rc = text_int(&ms, v[i], 0, INT64_MAX / 2, e);
		if (rc != RC_OK)
			return err_prefix(e, "%s", i == 0 ? from : to);
		if (i == 1)
			ms += 86399999; /* that whole day */
		buf_addf(s->f, "(%s%s%s)", attr,
		    i == 0 ? ">=" : "<=", clock_text_dir(date, ms / 1000));
	}
	return RC_OK;
}

/* Parts of the subject: all equal, or any a substring. */
static void
add_subject(const struct search *s)
{
	static const struct {
		const char *name, *alt, *keyword;
	} parts[] = { { "email", "eMail", "E" }, { "commonName", NULL, "CN" },
		{ "userID", NULL, "UID" }, { "orgUnit", NULL, "OU" },
		{ "org", NULL, "O" }, { "locality", NULL, "L" },
		{ "state", NULL, "ST" }, { "country", NULL, "C" } };
	bool exact = in_use(s, "matchExactly");
	size_t before = s->f->len;

	buf_add_str(s->f, exact ? "(&" : "(|");
	size_t open = s->f->len;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *v = member(s, parts[i].name);
		AUTO_BUF x = buf_empty(4096);
		if (v == NULL && parts[i].alt != NULL)
			v = member(s, parts[i].alt);
		if (v == NULL)
			continue;
		filter_escape(&x, view_str(v));
		if (exact)
			buf_addf(s->f,
			    "(|(subjectName=*%s=%s,*)(subjectName=*%s=%s))",
			    parts[i].keyword, buf_cstr(&x), parts[i].keyword,
			    buf_cstr(&x));
		else
			buf_addf(s->f, "(subjectName=*%s=*%s*)",
			    parts[i].keyword, buf_cstr(&x));
	}
	if (s->f->len == open)
		s->f->len = before;
	else
		buf_add_char(s->f, ')');
}

static enum rc
add_duration(const struct search *s, struct err *e)
{
	const char *op = member(s, "validityOperation"),
		   *count = member(s, "validityCount"),
		   *unit = member(s, "validityUnit");
	int64_t n, ms;
	char dec[32];
	enum rc rc;

	if (op == NULL || count == NULL || unit == NULL)
		return RC_OK;
	if (strcmp(op, "<=") != 0 && strcmp(op, ">=") != 0)
		return err_set(e, RC_INVALID, "validityOperation: <= or >=");
	if ((rc = text_int(&n, count, 0, 100000, e)) != RC_OK ||
	    (rc = text_int(&ms, unit, 1, 31536000000, e)) != RC_OK)
		return rc;
	n *= ms;
	snprintf(dec, sizeof(dec), "%lld", (long long)n);
	buf_addf(s->f, "(duration%s%02zu%s)", op, strlen(dec), dec);
	return RC_OK;
}

static void
add_types(const struct search *s)
{
	static const struct {
		const char *name, *bit;
	} t[] = { { "certTypeSubEmailCA", "EmailCA" },
		{ "certTypeSubSSLCA", "SSLCA" },
		{ "certTypeSecureEmail", "Email" },
		{ "certTypeSSLClient", "SSLClient" },
		{ "certTypeSSLServer", "SSLServer" } };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const char *v = member(s, t[i].name);
		if (v != NULL)
			buf_addf(s->f,
			    "(extension=*2.16.840.1.113730.1.1;*%s=%s*)",
			    t[i].bit, text_bool(v) ? "true" : "false");
	}
}

static enum rc
build_filter(const struct search *s, struct err *e)
{
	const char *v;
	enum rc rc = RC_OK;

	buf_add_str(s->f, "(&(certStatus=*)");
	if ((v = member(s, "status")) != NULL)
		add_term(s, "certStatus", "=", v);
	if ((v = member(s, "issuerDN")) != NULL)
		add_term(s, "issuerName", "=", v);
	if (s->body == NULL || in_use(s, "serialNumberRangeInUse"))
		rc = add_serials(s, e);
	if (in_use(s, "subjectInUse"))
		add_subject(s);
	if (in_use(s, "revokedByInUse") && (v = member(s, "revokedBy")) != NULL)
		add_term(s, "revokedBy", "=", v);
	if (in_use(s, "issuedByInUse") && (v = member(s, "issuedBy")) != NULL)
		add_term(s, "issuedBy", "=", v);
	if (in_use(s, "revocationReasonInUse") &&
	    (v = member(s, "revocationReason")) != NULL) {
		buf_add_str(s->f, "(revInfo=*CRLReasonExtension=");
		filter_escape(s->f, view_str(v));
		buf_add_str(s->f, "*)");
	}
	if (rc == RC_OK && in_use(s, "revokedOnInUse"))
		rc = add_dates(
		    s, "revokedOn", "revokedOnFrom", "revokedOnTo", e);
	if (rc == RC_OK && in_use(s, "issuedOnInUse"))
		rc = add_dates(
		    s, "dateOfCreate", "issuedOnFrom", "issuedOnTo", e);
	if (rc == RC_OK && in_use(s, "validNotBeforeInUse"))
		rc = add_dates(s, "notBefore", "validNotBeforeFrom",
		    "validNotBeforeTo", e);
	if (rc == RC_OK && in_use(s, "validNotAfterInUse"))
		rc = add_dates(
		    s, "notAfter", "validNotAfterFrom", "validNotAfterTo", e);
	if (rc == RC_OK && in_use(s, "validityLengthInUse"))
		rc = add_duration(s, e);
	if (in_use(s, "certTypeInUse"))
		add_types(s);
	buf_add_char(s->f, ')');
	return rc != RC_OK ? rc : buf_check(s->f, e);
}

static void
list(struct http_call *c, const json_t *body)
{
	AUTO_BUF f = buf_empty(FILTER_TEXT_MAX);
	struct search s = { c, body, &f };
	struct err e = { RC_OK, "" };
	struct listing l = { c, json_array(), &e, RC_OK };
	struct query q = { .kind = REC_CERT };
	json_t *o;
	enum rc rc;

	if ((rc = api_page(c, "size", &q.start, &q.limit, &e)) == RC_OK &&
	    (rc = build_filter(&s, &e)) == RC_OK) {
		q.filter = buf_cstr(&f);
		if (strcmp(q.filter, "(&(certStatus=*))") == 0)
			q.filter = NULL;
		rc = store_search(api_ca(c)->store, &q, add_entry, &l, &e);
	}
	if (rc == RC_OK)
		rc = l.rc;
	if (rc != RC_OK) {
		json_decref(l.entries);
		api_fail(c, rc, &e);
		return;
	}
	o = json_pack("{s:o}", "entries", l.entries);
	if (is_v1(c)) {
		uint64_t n = 0;
		if (store_count(api_ca(c)->store, &n, REC_CERT, q.filter,
			NULL) == RC_OK)
			json_object_set_new(
			    o, "total", json_integer((json_int_t)n));
	}
	api_json(c, 200, o);
}

static void
list_certs(struct http_call *c)
{
	list(c, NULL);
}

static void
search_certs(struct http_call *c)
{
	struct err e = { RC_OK, "" };
	json_t *body = NULL;
	enum rc rc = api_body(c, &body, &e);

	if (rc != RC_OK) {
		api_fail(c, rc, &e);
		return;
	}
	list(c, body);
	json_decref(body);
}

/* --- revoke ------------------------------------------------------------- */

/* Agents may revoke anything; others a certificate of their own subject. */
static enum rc
check_owner(struct http_call *c, const struct principal *p,
    const struct num *id, struct err *e)
{
	struct cert_rec r;
	struct cert mine, theirs;
	char hex[NUM_TEXT_MAX];
	enum rc rc;

	if (ca_allowed(api_ca(c), p, c->peer, "certServer.ca.certs", "execute",
		NULL) == RC_OK)
		return RC_OK;
	if (p == NULL || p->cert_len == 0)
		return err_set(e, RC_DENIED,
		    "certServer.ca.certs: execute is not allowed");
	if ((rc = ca_cert_get(api_ca(c), id, &r, c->arena, e)) != RC_OK ||
	    (rc = cert_parse(&mine, view_of(p->cert, p->cert_len), e)) !=
		RC_OK ||
	    (rc = cert_parse(&theirs, r.der, e)) != RC_OK)
		return rc;
	if (!view_eq(mine.subject, theirs.subject))
		return err_set(e, RC_AUTH,
		    "Certificate %s belongs to different subject.",
		    num_0x(hex, id));
	return RC_OK;
}

static enum rc
read_revocation(struct http_call *c, struct ca_revocation *v, struct err *e)
{
	json_t *body = NULL;
	const char *reason, *date, *nonce;
	char hex[NUM_TEXT_MAX];
	int64_t ms = 0;
	enum rc rc;

	if ((rc = api_body(c, &body, e)) != RC_OK)
		return rc;
	reason = api_text(c, body, "Reason");
	date = api_text(c, body, "InvalidityDate");
	nonce = api_text(c, body, "Nonce");
	v->comments = api_text(c, body, "Comments");
	json_decref(body);
	v->reason = reason != NULL ? reason_find(reason) : -1;
	if (v->reason < 0)
		v->reason = REASON_UNSPECIFIED; /* as the model counts it */
	if (date != NULL &&
	    (rc = text_int(&ms, date, 0, CA_DATE_MS_MAX, e)) != RC_OK)
		return err_prefix(e, "InvalidityDate");
	v->invalidity = ms / 1000;
	if (principal_in(v->who, "Subsystem Group"))
		return RC_OK;
	return api_nonce_check(
	    c, "cert-revoke", num_hex(hex, &v->serial), nonce, e);
}

static void
revoke_any(struct http_call *c, bool ca_cert)
{
	AUTO(principal) p = NULL;
	AUTO(request_rec) r = NULL;
	struct err e = { RC_OK, "" };
	struct ca_revocation v = { .ca_cert = ca_cert, .requestor = "Agent" };
	enum rc rc = api_caller(c, &p, &e);

	if (rc == RC_OK && p == NULL)
		rc = err_set(&e, RC_AUTH, "Anonymous access not allowed.");
	v.who = p;
	if (rc == RC_OK && (rc = api_id(c, &v.serial, &e)) == RC_OK &&
	    (rc = check_owner(c, p, &v.serial, &e)) == RC_OK &&
	    (rc = read_revocation(c, &v, &e)) == RC_OK) {
		if (v.reason == REASON_REMOVE_FROM_CRL)
			rc = ca_unrevoke(api_ca(c), &v.serial, p, &r, &e);
		else
			rc = ca_revoke(api_ca(c), &v, &r, &e);
	}
	if (rc == RC_OK)
		api_json(c, 200, api_request_info(c, r));
	else
		fail(c, rc, &e);
}

static void
revoke_cert(struct http_call *c)
{
	revoke_any(c, false);
}

static void
revoke_ca(struct http_call *c)
{
	revoke_any(c, true);
}

static void
unrevoke_cert(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(request_rec) r = NULL;
	struct err e = { RC_OK, "" };
	struct num id;
	enum rc rc;

	if (!api_enter(c, "certServer.ca.certs", "execute", &p))
		return;
	if ((rc = api_id(c, &id, &e)) == RC_OK)
		rc = ca_unrevoke(api_ca(c), &id, p, &r, &e);
	if (rc == RC_OK)
		api_json(c, 200, api_request_info(c, r));
	else
		fail(c, rc, &e);
}

static const struct http_route cert_items[] = {
	{ HTTP_GET, "certs", list_certs, HTTP_READ, 0, 0 },
	{ HTTP_POST, "certs/search", search_certs, HTTP_READ, 0, 0 },
	{ HTTP_GET, "certs/{id}", get_cert, HTTP_READ, 0, 0 },
	{ HTTP_GET, "agent/certs/{id}", review_cert, HTTP_READ, HTTP_TLS_ONLY,
	    0 },
	{ HTTP_POST, "agent/certs/{id}/revoke", revoke_cert, HTTP_ISSUE,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
	{ HTTP_POST, "agent/certs/{id}/revoke-ca", revoke_ca, HTTP_ISSUE,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
	{ HTTP_POST, "agent/certs/{id}/unrevoke", unrevoke_cert, HTTP_ISSUE,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
};
const struct api_routes api_cert_routes = { cert_items,
	sizeof(cert_items) / sizeof(cert_items[0]) };
