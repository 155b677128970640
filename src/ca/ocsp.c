/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp.c - the built-in OCSP responder (RFC 6960, 5019; spec ca 2.8).
 * Owns:    nothing; ready answers are in ocsp_table.c.
 * Trusts:  nothing of a request.
 * Threads: ca_ocsp_ready on network threads, ca_ocsp on workers. */
#include <stdatomic.h>

#include "ca/state.h"
#include "x509/crl.h"

enum rc
ca_ocsp_ready(struct ca *ca, struct view request, struct buf *out)
{
	if (!ocsp_table_get(
		ca->ocsp_ready, out, request, clock_now_ms(ca->clock)))
		return RC_NOTFOUND;
	atomic_fetch_add_explicit(&ca->n_ocsp_ready, 1, memory_order_relaxed);
	return RC_OK;
}

/* Status of one certificate (spec ca 2.8). RC_OK also for unknown ones. */
static enum rc
fill_single(struct ca *ca, const struct ocsp_id *id, struct ocsp_single *s,
    int64_t now, struct err *e)
{
	AUTO(rec) r = NULL;
	char hex[NUM_TEXT_MAX];
	const struct ca_shared *shared = ca_shared(ca);
	struct revocation rev;
	enum cert_status status;
	enum rc rc;

	*s = (struct ocsp_single){ .id = id->whole,
		.status = OCSP_UNKNOWN,
		.reason = -1,
		.this_update = now };
	if (shared->ocsp_next_update)
		s->next_update = now + shared->ocsp_lifetime;
	if (!id->known || !ocsp_issuer_is(&ca->issuer_ids[id->digest], id))
		return RC_OK;
	rc = store_get(ca->store, &r, REC_CERT, num_hex(hex, &id->serial), e);
	if (rc == RC_NOTFOUND)
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	rc = cert_status_parse(&status, rec_str(r, "certStatus"), e);
	if (rc != RC_OK)
		return rc;
	if (status == CERT_VALID) {
		s->status = OCSP_GOOD;
	} else if (status == CERT_REVOKED || status == CERT_REVOKED_EXPIRED) {
		if ((rc = revocation_parse(&rev, rec_str(r, "revInfo"), e)) !=
		    RC_OK)
			return rc;
		s->status = OCSP_REVOKED;
		s->revoked_at = rev.date;
	}
	return RC_OK;
}

static enum rc
build(
    struct ca *ca, const struct ocsp_request *q, struct buf *out, struct err *e)
{
	struct ocsp_single singles[OCSP_CERTS_MAX];
	AUTO_BUF data = buf_empty(OCSP_RESPONSE_MAX);
	AUTO_BUF sig = buf_empty(4096);
	struct view certs[2] = { ca->ocsp.cert.der, ca->signing.cert.der };
	struct ocsp_responder by = { view_of(NULL, 0), view_of(NULL, 0) };
	uint8_t key_hash[DIGEST_MAX];
	struct view alg, bits;
	int64_t now = clock_now(ca->clock);
	enum rc rc;

	for (size_t i = 0; i < q->count; i++) {
		rc = fill_single(ca, &q->ids[i], &singles[i], now, e);
		if (rc != RC_OK)
			return rc;
	}
	if (ca_shared(ca)->ocsp_by_name) {
		by.name = ca->ocsp.cert.subject;
	} else {
		rc = spki_split(ca->ocsp.cert.spki, &alg, &bits, e);
		if (rc != RC_OK)
			return rc;
		by.key_hash =
		    view_of(key_hash, digest_of(key_hash, DIGEST_SHA1, bits));
	}
	ocsp_data_put(&data, &by, now, singles, q->count, q->nonce_ext);
	if ((rc = buf_check(&data, e)) != RC_OK ||
	    (rc = key_sign_data(ca->ocsp.key, ca->ocsp.sigalg, buf_view(&data),
		 &sig, e)) != RC_OK)
		return rc;
	ocsp_response_put(
	    out, buf_view(&data), ca->ocsp.sigalg, buf_view(&sig), certs, 2);
	return buf_check(out, e);
}

void
ca_ocsp(struct ca *ca, struct view request, struct buf *out)
{
	struct ocsp_request q;
	struct err e = { RC_OK, "" };
	uint64_t epoch = ocsp_table_epoch(ca->ocsp_ready);
	int64_t lifetime = ca_shared(ca)->ocsp_lifetime;
	size_t before = out->len;
	enum rc rc;

	rc = ocsp_request_parse(&q, request, &e);
	if (rc != RC_OK) {
		ocsp_error_put(out, OCSP_MALFORMED);
		return;
	}
	rc = build(ca, &q, out, &e);
	if (rc != RC_OK) {
		out->len = before;
		out->failed = RC_OK;
		ocsp_error_put(out,
		    rc == RC_UNAVAILABLE || rc == RC_TIMEOUT ? OCSP_TRY_LATER
							     : OCSP_INTERNAL);
		rc_ignore(audit_event(ca->audit,
		    AUDIT_ENTRY("OCSP_GENERATION", NULL, false,
			"OCSP response generation",
			{ "FailureReason", e.text }),
		    NULL)); /* the answer is the error report */
		return;
	}
	atomic_fetch_add_explicit(&ca->n_ocsp_signed, 1, memory_order_relaxed);
	if (q.count == 1 && q.nonce_ext.len == 0 && lifetime > 0)
		ocsp_table_put(ca->ocsp_ready, request, &q.ids[0].serial,
		    view_of(out->data + before, out->len - before),
		    clock_now_ms(ca->clock) + lifetime * 1000, epoch);
}
