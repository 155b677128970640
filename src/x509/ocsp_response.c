/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp_response.c - OCSP answers written and read (RFC 6960 4.2).
 * Owns:    nothing.
 * Trusts:  the writer its caller; the reader nobody.
 * Threads: pure functions. */
#include "x509/ocsp.h"

#include "der/reader.h"
#include "der/writer.h"
#include "x509/crl.h"
#include "x509/impl.h"
#include "x509/name.h"
#include "x509/ocsp_impl.h"

enum {
	BY_NAME = 1,
	BY_KEY = 2,
	SHA1_LEN = 20,
	SIGALG_ROOM = 128, /* octets of any AlgorithmIdentifier we write */
};

/* ---- writing ---- */

static void
put_tagged_time(struct buf *b, int n, int64_t t)
{
	size_t mark = der_open(b, DER_CONTEXT_CONS(n));

	der_put_gentime(b, t);
	der_close(b, mark);
}

static void
put_single(struct buf *b, const struct ocsp_single *s)
{
	size_t seq = der_open(b, DER_SEQUENCE), mark;

	der_put_raw(b, s->id);
	if (s->status == OCSP_REVOKED) {
		mark = der_open(b, DER_CONTEXT_CONS(OCSP_REVOKED));
		der_put_gentime(b, s->revoked_at);
		if (s->reason >= 0) {
			size_t m = der_open(b, DER_CONTEXT_CONS(0));

			der_put_enum(b, s->reason);
			der_close(b, m);
		}
		der_close(b, mark);
	} else {
		der_put(b, DER_CONTEXT((int)s->status), view_of(NULL, 0));
	}
	der_put_gentime(b, s->this_update);
	if (s->next_update != 0)
		put_tagged_time(b, 0, s->next_update);
	der_close(b, seq);
}

void
ocsp_data_put(struct buf *out, const struct ocsp_responder *by,
    int64_t produced_at, const struct ocsp_single *s, size_t n,
    struct view nonce_ext)
{
	size_t data = der_open(out, DER_SEQUENCE), mark, i;

	if (by->name.len > 0) {
		der_put(out, DER_CONTEXT_CONS(BY_NAME), by->name);
	} else {
		mark = der_open(out, DER_CONTEXT_CONS(BY_KEY));
		der_put_octets(out, by->key_hash);
		der_close(out, mark);
	}
	der_put_gentime(out, produced_at);
	mark = der_open(out, DER_SEQUENCE);
	for (i = 0; i < n; i++)
		put_single(out, &s[i]);
	der_close(out, mark);
	if (nonce_ext.len > 0) {
		mark = der_open(out, DER_CONTEXT_CONS(1));
		der_put(out, DER_SEQUENCE, nonce_ext);
		der_close(out, mark);
	}
	der_close(out, data);
}

/* Lengths of what encloses a signed answer, from the inside out. */
struct lengths {
	size_t certs, tagged, basic, octets, bytes, outer;
};

static size_t
with_header(size_t len)
{
	return impl_header_len(len) + len;
}

/* Everything is written once, front to back: closing six elements behind a
 * kilobyte of certificates would move it six times. */
void
ocsp_response_put(struct buf *out, struct view data, enum sigalg a,
    struct view sig, const struct view *certs, size_t n)
{
	static const int enumerated_len = 3;
	const struct view basic_oid = oid_der(OID_ocspBasic);
	struct lengths l = { 0 };
	uint8_t room[SIGALG_ROOM];
	struct buf alg = { room, 0, sizeof(room), sizeof(room) - 1, RC_OK };
	size_t i;

	sigalg_put(&alg, a);
	for (i = 0; i < n; i++)
		l.certs += certs[i].len;
	l.tagged = n > 0 ? with_header(l.certs) : 0;
	l.basic = data.len + alg.len + with_header(sig.len + 1) +
	    (n > 0 ? with_header(l.tagged) : 0);
	l.octets = with_header(l.basic);
	l.bytes = with_header(basic_oid.len) + with_header(l.octets);
	l.outer = (size_t)enumerated_len + with_header(with_header(l.bytes));

	impl_put_header(out, DER_SEQUENCE, l.outer);
	der_put_enum(out, OCSP_SUCCESSFUL);
	impl_put_header(out, DER_CONTEXT_CONS(0), with_header(l.bytes));
	impl_put_header(out, DER_SEQUENCE, l.bytes);
	der_put_oid(out, basic_oid);
	impl_put_header(out, DER_OCTET_STRING, l.octets);
	impl_put_header(out, DER_SEQUENCE, l.basic);
	der_put_raw(out, data);
	buf_add_view(out, buf_view(&alg));
	der_put_bits(out, sig);
	if (n > 0) {
		impl_put_header(out, DER_CONTEXT_CONS(0), l.tagged);
		impl_put_header(out, DER_SEQUENCE, l.certs);
		for (i = 0; i < n; i++)
			der_put_raw(out, certs[i]);
	}
}

void
ocsp_error_put(struct buf *out, enum ocsp_error status)
{
	size_t mark = der_open(out, DER_SEQUENCE);

	der_put_enum(out, (int)status);
	der_close(out, mark);
}

/* ---- reading ---- */

static enum rc
gentime(struct view *r, int64_t *out, struct err *e)
{
	if (der_peek(r) != DER_GENERALIZED_TIME)
		return err_set(e, RC_INVALID, "4.2.2.1: not GeneralizedTime");
	return der_time(r, out, e);
}

static enum rc
enumerated(struct view *r, int *out, struct err *e)
{
	struct view body;

	TRY(der_enter(r, &body, DER_ENUMERATED, e));
	if (body.len != 1 || body.data[0] >= 0x80)
		return err_set(e, RC_INVALID, "ENUMERATED out of range");
	*out = body.data[0];
	return RC_OK;
}

static enum rc
revoked(struct ocsp_single *s, struct view body, struct err *e)
{
	struct view part;
	bool has;

	TRY(gentime(&body, &s->revoked_at, e));
	TRY(der_optional(&body, &part, DER_CONTEXT_CONS(0), &has, e));
	TRY(der_end(&body, e));
	if (!has)
		return RC_OK;
	TRY(enumerated(&part, &s->reason, e));
	if (s->reason > CRLREASON_MAX)
		return err_set(e, RC_INVALID, "no such reason");
	return der_end(&part, e);
}

static enum rc
cert_status(struct ocsp_single *s, struct view *r, struct err *e)
{
	struct view body;
	int tag;

	TRY(der_any(r, &tag, NULL, &body, e));
	if (tag == DER_CONTEXT_CONS(OCSP_REVOKED)) {
		s->status = OCSP_REVOKED;
		return revoked(s, body, e);
	}
	if ((tag != DER_CONTEXT(OCSP_GOOD) &&
		tag != DER_CONTEXT(OCSP_UNKNOWN)) ||
	    body.len != 0)
		return err_set(e, RC_INVALID, "4.2.1: no such status");
	s->status = tag == DER_CONTEXT(OCSP_GOOD) ? OCSP_GOOD : OCSP_UNKNOWN;
	return RC_OK;
}

/* Extensions under [n]: contents, all unknown critical ones refused but the
 * nonce. */
static enum rc
response_exts(struct view *nonce, struct view *r, int n, struct err *e)
{
	struct view body, list;
	struct ext x;
	bool has;

	TRY(der_optional(r, &body, DER_CONTEXT_CONS(n), &has, e));
	if (!has)
		return RC_OK;
	TRY(impl_list(&list, body, e));
	TRY(ext_check(list, e));
	while (list.len > 0) {
		TRY(ext_next(&list, &x, e));
		if (nonce != NULL && view_eq(x.oid, oid_der(OID_ocspNonce)))
			TRY(ocsp_nonce_read(nonce, x.value, e));
		else if (x.critical)
			return err_set(
			    e, RC_INVALID, "4.4: unknown critical extension");
	}
	return RC_OK;
}

static enum rc
single(struct ocsp_single *s, struct view *list, struct err *e)
{
	struct view r, body;
	bool has;

	*s = (struct ocsp_single){ .reason = CRLREASON_NONE };
	TRY(der_enter(list, &r, DER_SEQUENCE, e));
	TRY(ocsp_id_read(&r, &s->parsed, e));
	s->id = s->parsed.whole;
	TRY(cert_status(s, &r, e));
	TRY(gentime(&r, &s->this_update, e));
	TRY(der_optional(&r, &body, DER_CONTEXT_CONS(0), &has, e));
	if (has) {
		TRY(gentime(&body, &s->next_update, e));
		TRY(der_end(&body, e));
	}
	TRY(response_exts(NULL, &r, 1, e));
	return der_end(&r, e);
}

static enum rc
responder(struct ocsp_responder *by, struct view *r, struct err *e)
{
	struct view body;
	int tag;

	TRY(der_any(r, &tag, NULL, &body, e));
	if (tag == DER_CONTEXT_CONS(BY_NAME)) {
		by->name = body;
		return name_check(body, e);
	}
	if (tag != DER_CONTEXT_CONS(BY_KEY))
		return err_set(e, RC_INVALID, "4.2.1: no such responder id");
	TRY(der_octets(&body, &by->key_hash, e));
	if (by->key_hash.len != SHA1_LEN)
		return err_set(e, RC_INVALID, "4.2.1: key hash is not SHA-1");
	return der_end(&body, e);
}

static enum rc
response_data(struct ocsp_response *o, struct err *e)
{
	struct view r, list;

	TRY(impl_whole(&r, o->data, e));
	TRY(responder(&o->by, &r, e));
	TRY(gentime(&r, &o->produced_at, e));
	TRY(der_enter(&r, &list, DER_SEQUENCE, e));
	while (list.len > 0) {
		if (o->count == OCSP_CERTS_MAX)
			return err_set(e, RC_TOOBIG,
			    "more than %d certificates", OCSP_CERTS_MAX);
		TRY(single(&o->singles[o->count], &list, e));
		o->count++;
	}
	TRY(response_exts(&o->nonce, &r, 1, e));
	return der_end(&r, e);
}

static enum rc
basic(struct ocsp_response *o, struct view der, struct err *e)
{
	struct view r, body, list;
	bool has;

	TRY(impl_whole(&r, der, e));
	TRY(der_take(&r, &o->data, DER_SEQUENCE, e));
	TRY(der_take(&r, &o->sigalg, DER_SEQUENCE, e));
	TRY(impl_algid(o->sigalg, e));
	TRY(der_bits(&r, &o->sig, e));
	TRY(der_optional(&r, &body, DER_CONTEXT_CONS(0), &has, e));
	TRY(der_end(&r, e));
	if (has) {
		TRY(impl_whole(&o->certs, body, e));
		for (list = o->certs; list.len > 0;)
			TRY(impl_any(&list, NULL, NULL, NULL, e));
	}
	return response_data(o, e);
}

static enum rc
response(struct ocsp_response *o, struct view der, struct err *e)
{
	struct view r, body, bytes, oid, inner;
	int status;
	bool has;

	if (der.len > OCSP_RESPONSE_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d octets", OCSP_RESPONSE_MAX);
	TRY(impl_whole(&r, der, e));
	TRY(enumerated(&r, &status, e));
	if (status > OCSP_UNAUTHORIZED || status == 4)
		return err_set(
		    e, RC_INVALID, "4.2.1: no such status: %d", status);
	o->status = (enum ocsp_error)status;
	TRY(der_optional(&r, &body, DER_CONTEXT_CONS(0), &has, e));
	TRY(der_end(&r, e));
	if (has != (o->status == OCSP_SUCCESSFUL))
		return err_set(
		    e, RC_INVALID, "4.2.1: responseBytes and status");
	if (!has)
		return RC_OK;
	TRY(impl_whole(&bytes, body, e));
	TRY(der_oid(&bytes, &oid, e));
	if (!view_eq(oid, oid_der(OID_ocspBasic)))
		return err_set(
		    e, RC_UNSUPPORTED, "4.2.1: not a basic response");
	TRY(der_octets(&bytes, &inner, e));
	TRY(der_end(&bytes, e));
	return basic(o, inner, e);
}

enum rc
ocsp_response_parse(struct ocsp_response *out, struct view der, struct err *e)
{
	*out = (struct ocsp_response){ 0 };
	return fail(e, response(out, der, e), "ocsp response: RFC 6960");
}
