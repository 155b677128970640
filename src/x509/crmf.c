/* SPDX-License-Identifier: Apache-2.0 */
/* crmf.c - certificate request messages (RFC 4211).
 * Owns:    nothing; the retagged key is in the caller's arena.
 * Trusts:  nobody: this is what strangers send us.
 * Threads: pure functions. */
#include "x509/crmf.h"

#include "der/reader.h"
#include "der/writer.h"
#include "x509/cert.h"
#include "x509/impl.h"
#include "x509/name.h"

enum {
	VERSION_3 = 2,
	REQUEST_ID = 1,
};

/* id-regCtrl-pkiArchiveOptions 1.3.6.1.5.5.7.5.1.4,
 * id-cmc-popLinkWitness 1.3.6.1.5.5.7.7.23 */
static const uint8_t archive_oid[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x05,
	0x01, 0x04 };
static const uint8_t pop_link_oid[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07,
	0x07, 0x17 };

#define OID_VIEW(a) view_of((a), sizeof(a))

/* ---- template ---- */

/* OptionalValidity: each a Time (a CHOICE, so [n] is explicit). */
static enum rc
validity(struct crmf_msg *m, struct view body, struct err *e)
{
	struct view part;

	TRY(der_optional(
	    &body, &part, DER_CONTEXT_CONS(0), &m->has_not_before, e));
	if (m->has_not_before) {
		TRY(der_time(&part, &m->not_before, e));
		TRY(der_end(&part, e));
	}
	TRY(der_optional(
	    &body, &part, DER_CONTEXT_CONS(1), &m->has_not_after, e));
	if (m->has_not_after) {
		TRY(der_time(&part, &m->not_after, e));
		TRY(der_end(&part, e));
	}
	return der_end(&body, e);
}

/* publicKey is [6] IMPLICIT: copied with the SEQUENCE's tag put back. */
static enum rc
public_key(
    struct crmf_msg *m, struct view whole, struct arena *a, struct err *e)
{
	struct view alg, bits;
	uint8_t *copy;

	copy = arena_alloc(a, 1, whole.len);
	if (copy == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	memcpy(copy, whole.data, whole.len);
	copy[0] = DER_SEQUENCE;
	m->spki = view_of(copy, whole.len);
	return spki_split(m->spki, &alg, &bits, e);
}

static enum rc
subject(struct crmf_msg *m, struct view body, struct err *e)
{
	TRY(der_take(&body, &m->subject, DER_SEQUENCE, e));
	TRY(der_end(&body, e));
	return name_check(m->subject, e);
}

/* One field of CertTemplate by its tag; those not listed are the CA's to
 * choose and only checked for their form. */
static enum rc
field(struct crmf_msg *m, int tag, struct view whole, struct view body,
    struct arena *a, struct err *e)
{
	int64_t version;
	struct view r;

	switch (tag) {
	case DER_CONTEXT(0):
		TRY(impl_int(&version, body, e));
		if (version != VERSION_3)
			return err_set(
			    e, RC_INVALID, "version %lld", (long long)version);
		return RC_OK;
	case DER_CONTEXT_CONS(4):
		return validity(m, body, e);
	case DER_CONTEXT_CONS(5):
		return subject(m, body, e);
	case DER_CONTEXT_CONS(6):
		return public_key(m, whole, a, e);
	case DER_CONTEXT_CONS(9):
		m->exts = body;
		return ext_check(body, e);
	case DER_CONTEXT(1):
	case DER_CONTEXT(7):
	case DER_CONTEXT(8):
		return RC_OK;
	case DER_CONTEXT_CONS(2):
	case DER_CONTEXT_CONS(3):
		for (r = body; r.len > 0;)
			TRY(impl_any(&r, NULL, NULL, NULL, e));
		return RC_OK;
	default:
		return err_set(
		    e, RC_INVALID, "template field %#x", (unsigned int)tag);
	}
}

static enum rc
cert_template(struct crmf_msg *m, struct view r, struct arena *a, struct err *e)
{
	struct view whole, body;
	int tag, number, last = -1;

	while (r.len > 0) {
		TRY(der_any(&r, &tag, &whole, &body, e));
		number = tag & 0x1f;
		if (number <= last)
			return err_set(
			    e, RC_INVALID, "5: template fields out of order");
		last = number;
		TRY(field(m, tag, whole, body, a, e));
	}
	return RC_OK;
}

/* ---- controls, proof of possession ---- */

static enum rc
controls(struct crmf_msg *m, struct view r, struct err *e)
{
	struct view attr, oid, whole, body;
	size_t n = 0;
	int tag;

	while (r.len > 0) {
		if (++n > CRMF_CONTROLS_MAX)
			return err_set(e, RC_TOOBIG, "more than %d controls",
			    CRMF_CONTROLS_MAX);
		TRY(der_enter(&r, &attr, DER_SEQUENCE, e));
		TRY(der_oid(&attr, &oid, e));
		TRY(impl_any(&attr, &tag, &whole, &body, e));
		TRY(der_end(&attr, e));
		if (view_eq(oid, OID_VIEW(archive_oid))) {
			if (m->archive.len > 0)
				return err_set(e, RC_INVALID,
				    "6.4: pkiArchiveOptions twice");
			m->archive = whole;
		}
		if (view_eq(oid, OID_VIEW(pop_link_oid)) &&
		    tag == DER_OCTET_STRING)
			m->pop_link_witness = body;
	}
	return RC_OK;
}

static enum rc
cert_request(struct crmf_msg *m, struct arena *a, struct err *e)
{
	struct view r, body;
	bool has;

	TRY(impl_whole(&r, m->cert_req, e));
	TRY(der_int64(&r, &m->id, e));
	TRY(der_enter(&r, &body, DER_SEQUENCE, e));
	TRY(cert_template(m, body, a, e));
	TRY(der_optional(&r, &body, DER_SEQUENCE, &has, e));
	if (has)
		TRY(controls(m, body, e));
	TRY(der_end(&r, e));
	if (m->spki.len == 0)
		return err_set(e, RC_INVALID, "5: no public key");
	return RC_OK;
}

/* POPOSigningKey below [1] IMPLICIT. */
static enum rc
pop_signature(struct crmf_msg *m, struct view r, struct err *e)
{
	struct view body;

	TRY(der_optional(&r, &body, DER_CONTEXT_CONS(0), &m->pop_has_input, e));
	while (m->pop_has_input && body.len > 0)
		TRY(impl_any(&body, NULL, NULL, NULL, e));
	TRY(der_take(&r, &m->pop_sigalg, DER_SEQUENCE, e));
	TRY(impl_algid(m->pop_sigalg, e));
	TRY(der_bits(&r, &m->pop_sig, e));
	return der_end(&r, e);
}

static enum rc
pop(struct crmf_msg *m, struct view *r, struct err *e)
{
	struct view body;
	int tag = der_peek(r);

	if (tag == -1 || tag == DER_SEQUENCE)
		return RC_OK; /* absent, or regInfo */
	TRY(impl_any(r, &tag, NULL, &body, e));
	switch (tag) {
	case DER_CONTEXT(0):
		m->pop = CRMF_POP_RA_VERIFIED;
		return der_end(&body, e);
	case DER_CONTEXT_CONS(1):
		m->pop = CRMF_POP_SIGNATURE;
		return pop_signature(m, body, e);
	case DER_CONTEXT_CONS(2):
		m->pop = CRMF_POP_ENCIPHERMENT;
		return RC_OK;
	case DER_CONTEXT_CONS(3):
		m->pop = CRMF_POP_AGREEMENT;
		return RC_OK;
	default:
		return err_set(e, RC_INVALID, "4: no such proof of possession");
	}
}

static enum rc
message(struct crmf_msg *m, struct view *list, struct arena *a, struct err *e)
{
	struct view r, body;
	bool has;

	*m = (struct crmf_msg){ 0 };
	TRY(der_enter(list, &r, DER_SEQUENCE, e));
	TRY(der_take(&r, &m->cert_req, DER_SEQUENCE, e));
	TRY(cert_request(m, a, e));
	TRY(pop(m, &r, e));
	TRY(der_optional(&r, &body, DER_SEQUENCE, &has, e)); /* regInfo */
	while (has && body.len > 0)
		TRY(impl_any(&body, NULL, NULL, NULL, e));
	return der_end(&r, e);
}

static enum rc
messages(struct crmf_msg *out, size_t max, size_t *n, struct view der,
    struct arena *a, struct err *e)
{
	struct view list;
	size_t i;

	if (der.len > CRMF_DER_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d octets", CRMF_DER_MAX);
	TRY(impl_list(&list, der, e));
	for (i = 0; list.len > 0; i++) {
		if (i == max || i == CRMF_MSGS_MAX)
			return err_set(
			    e, RC_TOOBIG, "more than %zu messages", i);
		TRY(message(&out[i], &list, a, e));
	}
	*n = i;
	return RC_OK;
}

enum rc
crmf_parse(struct crmf_msg *out, size_t max, size_t *n, struct view der,
    struct arena *a, struct err *e)
{
	return fail(e, messages(out, max, n, der, a, e), "request: RFC 4211");
}

/* ---- writing ---- */

/* An element with its tag replaced by an implicit one. */
static void
put_retagged(struct buf *b, int tag, struct view whole)
{
	size_t start = b->len;

	der_put_raw(b, whole);
	if (b->len > start)
		b->data[start] = (uint8_t)tag;
}

enum rc
crmf_request_put(struct buf *out, struct view name, struct view spki,
    const struct ext_list *exts, struct view archive, struct err *e)
{
	size_t seq, tmpl, mark, attr, start;
	struct view alg, bits;

	TRY(name_check(name, e));
	TRY(spki_split(spki, &alg, &bits, e));
	seq = der_open(out, DER_SEQUENCE);
	der_put_int(out, REQUEST_ID);
	tmpl = der_open(out, DER_SEQUENCE);
	impl_put_int(out, DER_CONTEXT(0), VERSION_3);
	der_put(out, DER_CONTEXT_CONS(5), name);
	put_retagged(out, DER_CONTEXT_CONS(6), spki);
	start = out->len;
	ext_list_put(out, exts);
	if (out->len > start)
		out->data[start] = DER_CONTEXT_CONS(9);
	der_close(out, tmpl);
	if (archive.len > 0) {
		mark = der_open(out, DER_SEQUENCE);
		attr = der_open(out, DER_SEQUENCE);
		der_put_oid(out, OID_VIEW(archive_oid));
		der_put_raw(out, archive);
		der_close(out, attr);
		der_close(out, mark);
	}
	der_close(out, seq);
	return buf_check(out, e);
}

void
crmf_messages_put(
    struct buf *out, struct view cert_req, enum sigalg a, struct view sig)
{
	size_t list = der_open(out, DER_SEQUENCE), msg, proof;

	msg = der_open(out, DER_SEQUENCE);
	der_put_raw(out, cert_req);
	if (sig.len > 0) {
		proof = der_open(out, DER_CONTEXT_CONS(1));
		sigalg_put(out, a);
		der_put_bits(out, sig);
		der_close(out, proof);
	}
	der_close(out, msg);
	der_close(out, list);
}

void
crmf_archive_put(struct buf *out, struct view symm_oid, struct view iv,
    struct view session_key, struct view wrapped)
{
	size_t tagged, value, mark, start;

	tagged = der_open(out, DER_CONTEXT_CONS(0));
	value = der_open(out, DER_SEQUENCE);
	mark = der_open(out, DER_CONTEXT_CONS(1));
	der_put_oid(out, symm_oid);
	der_put_octets(out, iv);
	der_close(out, mark);
	start = out->len;
	der_put_bits(out, session_key);
	if (out->len > start)
		out->data[start] = DER_CONTEXT(2);
	der_put_bits(out, wrapped);
	der_close(out, value);
	der_close(out, tagged);
}
