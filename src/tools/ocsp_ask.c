/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp_ask.c - asking an OCSP responder and checking what it says (RFC 6960
 * 4.2.2.2: the answer is signed by the issuer or by whom it delegated to).
 * Owns:    nothing.
 * Trusts:  the issuer's certificate.
 * Threads: none. */
#include "tools/ocsp_ask.h"

#include "base/clock.h"
#include "der/reader.h"
#include "x509/verify.h"

enum rc
ocsp_ask_request(struct buf *out, const struct cert *issuer,
    const struct num *serial, struct err *e)
{
	AUTO_BUF id = buf_empty(0);
	struct ocsp_issuer i;
	enum rc rc = ocsp_issuer_init(
	    &i, DIGEST_SHA256, issuer->subject, issuer->spki, e);

	if (rc != RC_OK)
		return rc;
	ocsp_id_put(&id, &i, serial);
	if ((rc = buf_check(&id, e)) != RC_OK)
		return rc;
	ocsp_request_put(out, buf_view(&id), view_of(NULL, 0));
	return buf_check(out, e);
}

enum rc
ocsp_ask_post(struct http_client *c, const char *url, struct view request,
    struct buf *answer, struct err *e)
{
	struct http_exchange x = { .method = "POST",
		.url = url,
		.type = "application/ocsp-request",
		.accept = "application/ocsp-response",
		.body = request,
		.max_reply = OCSP_RESPONSE_MAX,
		.reply = buf_empty(OCSP_RESPONSE_MAX) };
	enum rc rc = http_client_do(c, &x, e);

	if (rc == RC_OK && x.status != 200)
		rc = err_set(
		    e, RC_UNAVAILABLE, "%s: HTTP status %d", url, x.status);
	if (rc == RC_OK) {
		buf_add_view(answer, buf_view(&x.reply));
		rc = buf_check(answer, e);
	}
	http_exchange_done(&x);
	return rc;
}

/* The key that may have signed: the issuer's, or that of a delegate. */
static bool
signed_by(const struct ocsp_response *r, const struct cert *c)
{
	enum sigalg a = sigalg_of(r->sigalg);

	return a != SIGALG_COUNT &&
	    spki_verify(c->spki, a, r->data, r->sig, NULL) == RC_OK;
}

static bool
is_delegate(const struct cert *c, const struct cert *issuer)
{
	int64_t now = clock_now(&clock_system);

	return view_eq(c->issuer, issuer->subject) &&
	    cert_has_eku(c, OID_ocspSigning) && c->not_before <= now &&
	    now <= c->not_after &&
	    verify_issued(c->der, issuer->der, NULL) == RC_OK;
}

static enum rc
check_signature(
    const struct ocsp_response *r, const struct cert *issuer, struct err *e)
{
	struct view certs = r->certs, der;
	struct cert c;

	if (signed_by(r, issuer))
		return RC_OK;
	while (certs.len > 0) {
		enum rc rc = der_take(&certs, &der, DER_SEQUENCE, e);

		if (rc != RC_OK)
			return rc;
		if (cert_parse(&c, der, NULL) == RC_OK &&
		    is_delegate(&c, issuer) && signed_by(r, &c))
			return RC_OK;
	}
	return err_set(e, RC_CRYPTO,
	    "OCSP response is not signed by the issuer or its delegate");
}

enum rc
ocsp_ask_check(struct ocsp_response *out, struct view der,
    const struct cert *issuer, struct err *e)
{
	static const char *const words[] = { "SUCCESSFUL", "MALFORMED_REQUEST",
		"INTERNAL_ERROR", "TRY_LATER", NULL, "SIG_REQUIRED",
		"UNAUTHORIZED" };
	enum rc rc = ocsp_response_parse(out, der, e);
	unsigned s;

	if (rc != RC_OK)
		return rc;
	s = (unsigned)out->status;
	if (s >= sizeof(words) / sizeof(*words) || words[s] == NULL)
		return err_set(
		    e, RC_INVALID, "OCSPResponseStatus: UNKNOWN (%u)", s);
	if (out->status != OCSP_SUCCESSFUL)
		return err_set(
		    e, RC_INVALID, "OCSPResponseStatus: %s", words[s]);
	return issuer != NULL ? check_signature(out, issuer, e) : RC_OK;
}

const char *
ocsp_ask_word(enum ocsp_status s)
{
	switch (s) {
	case OCSP_GOOD:
		return "Good";
	case OCSP_REVOKED:
		return "Revoked";
	case OCSP_UNKNOWN:
		break;
	}
	return "Unknown";
}
