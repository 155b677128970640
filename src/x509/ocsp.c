/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp.c - OCSP requests (RFC 6960 4.1) and certificate ids.
 * Owns:    nothing; results look at the caller's bytes.
 * Trusts:  nobody: this is the busiest door to the network.
 * Threads: pure functions. Answers are in ocsp_response.c. */
#include "x509/ocsp.h"

#include "der/reader.h"
#include "der/writer.h"
#include "x509/cert.h"
#include "x509/impl.h"
#include "x509/ocsp_impl.h"

enum rc
ocsp_id_read(struct view *r, struct ocsp_id *out, struct err *e)
{
	static const enum oid oids[] = { [DIGEST_SHA1] = OID_sha1,
		[DIGEST_SHA256] = OID_sha256,
		[DIGEST_SHA384] = OID_sha384,
		[DIGEST_SHA512] = OID_sha512 };
	struct view body, algid;
	size_t d;

	TRY(der_take(r, &out->whole, DER_SEQUENCE, e));
	TRY(impl_whole(&body, out->whole, e));
	TRY(der_enter(&body, &algid, DER_SEQUENCE, e));
	TRY(der_oid(&algid, &out->hash, e));
	if (algid.len > 0)
		TRY(der_null(&algid, e));
	TRY(der_end(&algid, e));
	TRY(der_octets(&body, &out->name_hash, e));
	TRY(der_octets(&body, &out->key_hash, e));
	TRY(der_num(&body, &out->serial, e));
	TRY(der_end(&body, e));
	out->known = false;
	for (d = 0; d < sizeof(oids) / sizeof(oids[0]); d++) {
		if (view_eq(out->hash, oid_der(oids[d]))) {
			out->digest = (enum digest)d;
			out->known = true;
			break;
		}
	}
	if (out->name_hash.len == 0 || out->name_hash.len > OCSP_HASH_MAX ||
	    out->key_hash.len == 0 || out->key_hash.len > OCSP_HASH_MAX ||
	    (out->known &&
		(out->name_hash.len != digest_len(out->digest) ||
		    out->key_hash.len != digest_len(out->digest))))
		return err_set(e, RC_INVALID, "4.1.1: hash of wrong length");
	return RC_OK;
}

enum rc
ocsp_nonce_read(struct view *nonce, struct view value, struct err *e)
{
	struct view octets;

	TRY(der_octets(&value, &octets, e));
	TRY(der_end(&value, e));
	if (octets.len == 0 || octets.len > OCSP_NONCE_MAX)
		return err_set(e, RC_INVALID, "nonce: RFC 9654 2.1: %zu octets",
		    octets.len);
	*nonce = octets;
	return RC_OK;
}

/* requestExtensions: contents of [2]. */
static enum rc
request_exts(struct ocsp_request *q, struct view body, struct err *e)
{
	struct view list, before;
	struct ext x;

	TRY(impl_list(&list, body, e));
	TRY(ext_check(list, e));
	while (list.len > 0) {
		before = list;
		TRY(ext_next(&list, &x, e));
		if (view_eq(x.oid, oid_der(OID_ocspNonce))) {
			TRY(ocsp_nonce_read(&q->nonce, x.value, e));
			q->nonce_ext =
			    view_of(before.data, before.len - list.len);
		} else if (x.critical) {
			q->critical = true;
		}
	}
	return RC_OK;
}

static enum rc
single_request(struct ocsp_request *q, struct view *list, struct err *e)
{
	struct view r, body, exts;
	struct ext x;
	bool has;

	if (q->count == OCSP_CERTS_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d certificates", OCSP_CERTS_MAX);
	TRY(der_enter(list, &r, DER_SEQUENCE, e));
	TRY(ocsp_id_read(&r, &q->ids[q->count], e));
	q->count++;
	TRY(der_optional(&r, &body, DER_CONTEXT_CONS(0), &has, e));
	TRY(der_end(&r, e));
	if (!has)
		return RC_OK;
	TRY(impl_list(&exts, body, e));
	TRY(ext_check(exts, e));
	while (exts.len > 0) {
		TRY(ext_next(&exts, &x, e));
		q->critical = q->critical || x.critical;
	}
	return RC_OK;
}

static enum rc
tbs_request(struct ocsp_request *q, struct view r, struct err *e)
{
	struct view body, list;
	struct gn name;
	bool has;

	/* version [0] DEFAULT v1: there is no other, so it must be absent */
	TRY(der_optional(&r, &body, DER_CONTEXT_CONS(1), &has, e));
	if (has) {
		TRY(gn_next(&body, &name, e));
		TRY(der_end(&body, e));
	}
	TRY(der_enter(&r, &list, DER_SEQUENCE, e));
	if (list.len == 0)
		return err_set(e, RC_INVALID, "4.1.1: no certificate");
	while (list.len > 0)
		TRY(single_request(q, &list, e));
	TRY(der_optional(&r, &body, DER_CONTEXT_CONS(2), &has, e));
	if (has)
		TRY(request_exts(q, body, e));
	return der_end(&r, e);
}

/* [0] Signature { algorithm, signature, certs [0] OPTIONAL }: only its form. */
static enum rc
signature(struct view body, struct err *e)
{
	struct view r, algid, bits, certs, list;
	bool has;

	TRY(impl_whole(&r, body, e));
	TRY(der_take(&r, &algid, DER_SEQUENCE, e));
	TRY(impl_algid(algid, e));
	TRY(der_bits(&r, &bits, e));
	TRY(der_optional(&r, &certs, DER_CONTEXT_CONS(0), &has, e));
	TRY(der_end(&r, e));
	if (!has)
		return RC_OK;
	TRY(impl_whole(&list, certs, e));
	while (list.len > 0)
		TRY(impl_any(&list, NULL, NULL, NULL, e));
	return RC_OK;
}

static enum rc
request(struct ocsp_request *q, struct view der, struct err *e)
{
	struct view r, tbs, body;

	if (der.len > OCSP_REQUEST_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d octets", OCSP_REQUEST_MAX);
	TRY(impl_whole(&r, der, e));
	TRY(der_enter(&r, &tbs, DER_SEQUENCE, e));
	TRY(tbs_request(q, tbs, e));
	TRY(der_optional(&r, &body, DER_CONTEXT_CONS(0), &q->is_signed, e));
	if (q->is_signed)
		TRY(signature(body, e));
	return der_end(&r, e);
}

enum rc
ocsp_request_parse(struct ocsp_request *out, struct view der, struct err *e)
{
	/* ids beyond count stay unset: clearing 32 of them costs more than
	 * reading a request of one */
	out->count = 0;
	out->nonce = out->nonce_ext = view_of(NULL, 0);
	out->is_signed = out->critical = false;
	return fail(e, request(out, der, e), "ocsp request: RFC 6960");
}

void
ocsp_request_put(struct buf *out, struct view cert_id, struct view nonce)
{
	size_t m[6];

	m[0] = der_open(out, DER_SEQUENCE);
	m[1] = der_open(out, DER_SEQUENCE);
	m[2] = der_open(out, DER_SEQUENCE);
	m[3] = der_open(out, DER_SEQUENCE);
	der_put_raw(out, cert_id);
	der_close(out, m[3]);
	der_close(out, m[2]);
	if (nonce.len > 0) {
		m[2] = der_open(out, DER_CONTEXT_CONS(2));
		m[3] = der_open(out, DER_SEQUENCE);
		m[4] = der_open(out, DER_SEQUENCE);
		der_put_oid(out, oid_der(OID_ocspNonce));
		m[5] = der_open(out, DER_OCTET_STRING);
		der_put_octets(out, nonce);
		der_close(out, m[5]);
		der_close(out, m[4]);
		der_close(out, m[3]);
		der_close(out, m[2]);
	}
	der_close(out, m[1]);
	der_close(out, m[0]);
}

/* ---- certificate ids ---- */

enum rc
ocsp_issuer_init(struct ocsp_issuer *out, enum digest d, struct view name,
    struct view spki, struct err *e)
{
	struct view alg, bits;
	uint8_t h[DIGEST_MAX];

	TRY(spki_split(spki, &alg, &bits, e));
	out->digest = d;
	out->len = digest_of(h, d, name);
	memcpy(out->name_hash, h, out->len);
	out->len = digest_of(h, d, bits);
	memcpy(out->key_hash, h, out->len);
	return RC_OK;
}

bool
ocsp_issuer_is(const struct ocsp_issuer *i, const struct ocsp_id *id)
{
	return id->known && id->digest == i->digest &&
	    view_eq(id->name_hash, view_of(i->name_hash, i->len)) &&
	    view_eq(id->key_hash, view_of(i->key_hash, i->len));
}

void
ocsp_id_put(
    struct buf *out, const struct ocsp_issuer *i, const struct num *serial)
{
	static const enum oid oids[] = { [DIGEST_SHA1] = OID_sha1,
		[DIGEST_SHA256] = OID_sha256,
		[DIGEST_SHA384] = OID_sha384,
		[DIGEST_SHA512] = OID_sha512 };
	size_t seq = der_open(out, DER_SEQUENCE), alg;

	alg = der_open(out, DER_SEQUENCE);
	der_put_oid(out, oid_der(oids[i->digest]));
	der_put_null(out);
	der_close(out, alg);
	der_put_octets(out, view_of(i->name_hash, i->len));
	der_put_octets(out, view_of(i->key_hash, i->len));
	der_put_num(out, serial);
	der_close(out, seq);
}
