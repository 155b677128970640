/* SPDX-License-Identifier: Apache-2.0 */
/* req.c - PKCS #10 requests (RFC 2986) and SPKAC, read strictly.
 * Owns:    nothing; results look at the caller's bytes.
 * Trusts:  nobody: this is what strangers send us.
 * Threads: pure functions. */
#include "x509/req.h"

#include "der/reader.h"
#include "der/writer.h"
#include "x509/cert.h"
#include "x509/impl.h"
#include "x509/name.h"

enum {
	VERSION_1 = 0
};

/* The one value of extensionRequest: Extensions. */
static enum rc
read_exts(struct req *q, struct view values, struct err *e)
{
	struct view list;

	if (q->exts.data != NULL)
		return err_set(e, RC_INVALID, "extensionRequest twice");
	TRY(der_enter(&values, &list, DER_SEQUENCE, e));
	TRY(der_end(&values, e));
	TRY(ext_check(list, e));
	q->exts = list;
	return RC_OK;
}

static enum rc
read_attrs(struct req *q, struct err *e)
{
	struct view r = q->attrs, attr, oid, values, rest;
	size_t n = 0;

	while (r.len > 0) {
		if (++n > REQ_ATTRS_MAX)
			return err_set(e, RC_TOOBIG, "more than %d attributes",
			    REQ_ATTRS_MAX);
		TRY(der_enter(&r, &attr, DER_SEQUENCE, e));
		TRY(der_oid(&attr, &oid, e));
		TRY(der_enter(&attr, &values, DER_SET, e));
		TRY(der_end(&attr, e));
		for (rest = values; rest.len > 0;)
			TRY(impl_any(&rest, NULL, NULL, NULL, e));
		if (view_eq(oid, oid_der(OID_extensionRequest)))
			TRY(read_exts(q, values, e));
	}
	return RC_OK;
}

static enum rc
read_tbs(struct req *q, struct err *e)
{
	struct view r = q->tbs, body, alg, bits;
	int64_t version;
	bool has;

	TRY(der_enter(&r, &body, DER_SEQUENCE, e));
	TRY(der_int64(&body, &version, e));
	if (version != VERSION_1)
		return err_set(
		    e, RC_INVALID, "version %lld", (long long)version);
	TRY(der_take(&body, &q->subject, DER_SEQUENCE, e));
	TRY(name_check(q->subject, e));
	TRY(der_take(&body, &q->spki, DER_SEQUENCE, e));
	TRY(spki_split(q->spki, &alg, &bits, e));
	/* attributes are mandatory in RFC 2986, but some clients leave an
	 * empty set out */
	TRY(der_optional(&body, &q->attrs, DER_CONTEXT_CONS(0), &has, e));
	if (!has)
		q->attrs = view_of(NULL, 0);
	TRY(der_end(&body, e));
	return read_attrs(q, e);
}

static enum rc
parse(struct req *q, struct view der, struct err *e)
{
	if (der.len > REQ_DER_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d octets", REQ_DER_MAX);
	q->der = der;
	TRY(impl_signed(&q->tbs, &q->sigalg, &q->sig, der, e));
	return read_tbs(q, e);
}

enum rc
req_parse(struct req *out, struct view der, struct err *e)
{
	struct req q = { 0 };
	enum rc rc;

	rc = parse(&q, der, e);
	if (rc != RC_OK)
		return fail(e, rc, "request: RFC 2986 4");
	*out = q;
	return RC_OK;
}

enum sigalg
req_sigalg(const struct req *r)
{
	return sigalg_of(r->sigalg);
}

void
req_tbs_put(struct buf *out, struct view subject, struct view spki,
    const struct ext_list *exts)
{
	size_t tbs, attrs, attr, set;

	tbs = der_open(out, DER_SEQUENCE);
	der_put_int(out, VERSION_1);
	der_put_raw(out, subject);
	der_put_raw(out, spki);
	attrs = der_open(out, DER_CONTEXT_CONS(0));
	if (exts != NULL && exts->count > 0) {
		attr = der_open(out, DER_SEQUENCE);
		der_put_oid(out, oid_der(OID_extensionRequest));
		set = der_open(out, DER_SET);
		ext_list_put(out, exts);
		der_close(out, set);
		der_close(out, attr);
	}
	der_close(out, attrs);
	der_close(out, tbs);
}

/* ---- SPKAC ---- */

static enum rc
read_spkac(struct spkac *s, struct view der, struct err *e)
{
	struct view inner, alg, bits;

	if (der.len > REQ_DER_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d octets", REQ_DER_MAX);
	TRY(impl_signed(&s->tbs, &s->sigalg, &s->sig, der, e));
	TRY(impl_whole(&inner, s->tbs, e));
	TRY(der_take(&inner, &s->spki, DER_SEQUENCE, e));
	TRY(spki_split(s->spki, &alg, &bits, e));
	TRY(der_enter(&inner, &s->challenge, DER_IA5_STRING, e));
	return der_end(&inner, e);
}

enum rc
spkac_parse(struct spkac *out, struct view der, struct err *e)
{
	struct spkac s = { 0 };
	enum rc rc;

	rc = read_spkac(&s, der, e);
	if (rc != RC_OK)
		return fail(e, rc, "SPKAC");
	*out = s;
	return RC_OK;
}
