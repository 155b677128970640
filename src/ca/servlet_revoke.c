/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_revoke.c - revoke and release certificates, for agents, owners and
 * subsystems (spec ca 2.4, 2.6).
 * Owns:    nothing.
 * Trusts:  nothing of a form; http/ for the validated client certificate.
 * Threads: workers. */
#include "ca/servlet.h"

enum {
	REVOKE_MAX = 100 /* certificates of one call */
};

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
	if ((rc = servlet_filter(&f, all, e)) != RC_OK)
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

	if (!servlet_is_agent(c) || principal_in(p, "Subsystem Group"))
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

	if ((rc = servlet_int(c, "revocationReason", REASON_AA_COMPROMISE,
		 REASON_UNSPECIFIED, &reason, e)) != RC_OK ||
	    (rc = servlet_int(
		 c, "invalidityDate", CA_DATE_MS_MAX, 0, &ms, e)) != RC_OK)
		return rc;
	if (reason_label((int)reason) == NULL)
		return err_set(
		    e, RC_INVALID, "revocationReason %d", (int)reason);
	x->v.reason = (int)reason;
	x->v.from_hold = true; /* REST refuses (spec ca 1.7) */
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
		if (rc == RC_OK && ca_shared(api_ca(c))->nonces &&
		    (rc = api_nonce_new(c, p, "cert-revoke",
			 num_hex(hex, &x->items[i]), &nonce, &e)) == RC_OK)
			buf_addf(&nonces, "%s%s:%llu", i > 0 ? "," : "",
			    num_0x(zx, &x->items[i]),
			    (unsigned long long)nonce);
		if (rc == RC_OK)
			servlet_cert_row(&s, &r);
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
	{ BOTH, "/ca/ee/ca/doRevoke", revoke_own, HTTP_ISSUE, AGENT, 0 },
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
const struct api_routes servlet_revoke_routes = { items,
	sizeof(items) / sizeof(items[0]) };
