/* SPDX-License-Identifier: Apache-2.0 */
/* ext_policy.c - certificate policies, their mappings and constraints
 * (RFC 5280 4.2.1.4, 4.2.1.5, 4.2.1.11), and the check of any known value.
 * Owns:    nothing.
 * Trusts:  nobody: values come from requests and foreign certificates.
 * Threads: pure functions. */
#include "der/reader.h"
#include "der/writer.h"
#include "x509/ext.h"
#include "x509/impl.h"
#include "x509/str.h"

#define CLAUSE "certificatePolicies: RFC 5280 4.2.1.4"

/* DisplayText: UTF8String, IA5String, VisibleString or BMPString. */
enum {
	TAG_VISIBLE_STRING = 0x1a
};

static void
put_notice(struct buf *b, const struct policy_qualifier *q)
{
	size_t notice = der_open(b, DER_SEQUENCE), ref, numbers, i;

	if (q->has_ref) {
		ref = der_open(b, DER_SEQUENCE);
		der_put(b, DER_UTF8_STRING, q->org);
		numbers = der_open(b, DER_SEQUENCE);
		for (i = 0; i < q->numbers_count; i++)
			der_put_int(b, q->numbers[i]);
		der_close(b, numbers);
		der_close(b, ref);
	}
	if (q->has_text)
		der_put(b, DER_UTF8_STRING, q->text);
	der_close(b, notice);
}

void
ext_put_qualifier(struct buf *b, const struct policy_qualifier *q)
{
	size_t mark = der_open(b, DER_SEQUENCE);

	der_put_oid(b, q->oid);
	if (view_eq(q->oid, oid_der(OID_policyCps)))
		der_put(b, DER_IA5_STRING, q->cps);
	else if (view_eq(q->oid, oid_der(OID_policyUserNotice)))
		put_notice(b, q);
	else
		der_put_raw(b, q->raw);
	der_close(b, mark);
}

void
ext_put_policy(struct buf *b, const struct policy *p)
{
	size_t mark = der_open(b, DER_SEQUENCE);

	der_put_oid(b, p->oid);
	if (p->qualifiers.len > 0)
		der_put(b, DER_SEQUENCE, p->qualifiers);
	der_close(b, mark);
}

void
ext_put_policies(struct buf *b, struct view list)
{
	der_put(b, DER_SEQUENCE, list);
}

enum rc
ext_policies(struct view *list, struct view value, struct err *e)
{
	return fail(e, impl_list(list, value, e), CLAUSE);
}

static enum rc
policy_next(struct view *r, struct policy *out, struct err *e)
{
	struct view rest = *r, body;
	struct policy p = { 0 };

	TRY(der_enter(&rest, &body, DER_SEQUENCE, e));
	TRY(der_oid(&body, &p.oid, e));
	if (body.len > 0)
		TRY(impl_list(&p.qualifiers, body, e));
	*r = rest;
	*out = p;
	return RC_OK;
}

enum rc
ext_policy_next(struct view *r, struct policy *out, struct err *e)
{
	return fail(e, policy_next(r, out, e), CLAUSE);
}

static enum rc
display_text(struct view *r, struct view *out, struct err *e)
{
	AUTO_BUF text = buf_empty(EXT_VALUE_MAX);
	struct view s;
	int tag;

	TRY(der_any(r, &tag, NULL, &s, e));
	if (tag != DER_UTF8_STRING && tag != DER_IA5_STRING &&
	    tag != TAG_VISIBLE_STRING && tag != DER_BMP_STRING)
		return err_set(e, RC_INVALID, "not a DisplayText");
	if (tag == TAG_VISIBLE_STRING)
		tag = DER_IA5_STRING;
	TRY(str_to_utf8(&text, tag, s, e));
	*out = s;
	return RC_OK;
}

static enum rc
notice_ref(struct view *r, struct policy_qualifier *q, struct err *e)
{
	struct view ref, numbers;

	TRY(der_enter(r, &ref, DER_SEQUENCE, e));
	TRY(display_text(&ref, &q->org, e));
	TRY(der_enter(&ref, &numbers, DER_SEQUENCE, e));
	TRY(der_end(&ref, e));
	while (numbers.len > 0) {
		if (q->numbers_count == POLICY_NUMBERS_MAX)
			return err_set(e, RC_TOOBIG, "more than %d numbers",
			    POLICY_NUMBERS_MAX);
		TRY(der_int64(&numbers, &q->numbers[q->numbers_count], e));
		q->numbers_count++;
	}
	q->has_ref = true;
	return RC_OK;
}

static enum rc
qualifier_value(struct policy_qualifier *q, struct view r, struct err *e)
{
	struct view notice;

	if (view_eq(q->oid, oid_der(OID_policyCps))) {
		TRY(der_enter(&r, &q->cps, DER_IA5_STRING, e));
		if (!str_is_ia5(q->cps))
			return err_set(e, RC_INVALID, "CPS is not a URI");
		return RC_OK;
	}
	if (!view_eq(q->oid, oid_der(OID_policyUserNotice)))
		return RC_OK;
	TRY(der_enter(&r, &notice, DER_SEQUENCE, e));
	if (der_peek(&notice) == DER_SEQUENCE)
		TRY(notice_ref(&notice, q, e));
	if (notice.len > 0) {
		TRY(display_text(&notice, &q->text, e));
		q->has_text = true;
	}
	return der_end(&notice, e);
}

static enum rc
qualifier_next(struct view *r, struct policy_qualifier *out, struct err *e)
{
	struct view rest = *r, body;
	struct policy_qualifier q = { 0 };

	TRY(der_enter(&rest, &body, DER_SEQUENCE, e));
	TRY(der_oid(&body, &q.oid, e));
	TRY(impl_any(&body, NULL, &q.raw, NULL, e));
	TRY(der_end(&body, e));
	TRY(qualifier_value(&q, q.raw, e));
	*r = rest;
	*out = q;
	return RC_OK;
}

enum rc
ext_qualifier_next(struct view *r, struct policy_qualifier *out, struct err *e)
{
	return fail(e, qualifier_next(r, out, e), CLAUSE);
}

/* ---- mappings, constraints ---- */

void
ext_put_policy_mappings(struct buf *b, const struct policy_mapping *m, size_t n)
{
	size_t mark = der_open(b, DER_SEQUENCE), seq, i;

	for (i = 0; i < n; i++) {
		seq = der_open(b, DER_SEQUENCE);
		der_put_oid(b, m[i].issuer);
		der_put_oid(b, m[i].subject);
		der_close(b, seq);
	}
	der_close(b, mark);
}

enum rc
ext_policy_mappings(struct view *list, struct view value, struct err *e)
{
	return fail(
	    e, impl_list(list, value, e), "policyMappings: RFC 5280 4.2.1.5");
}

static enum rc
mapping_next(struct view *r, struct policy_mapping *out, struct err *e)
{
	struct view rest = *r, body;
	struct policy_mapping m;

	TRY(der_enter(&rest, &body, DER_SEQUENCE, e));
	TRY(der_oid(&body, &m.issuer, e));
	TRY(der_oid(&body, &m.subject, e));
	TRY(der_end(&body, e));
	*r = rest;
	*out = m;
	return RC_OK;
}

enum rc
ext_policy_mapping_next(
    struct view *r, struct policy_mapping *out, struct err *e)
{
	return fail(
	    e, mapping_next(r, out, e), "policyMappings: RFC 5280 4.2.1.5");
}

void
ext_put_policy_constraints(struct buf *b, const struct policy_constraints *c)
{
	size_t mark = der_open(b, DER_SEQUENCE);

	if (c->require_explicit >= 0)
		impl_put_int(b, DER_CONTEXT(0), c->require_explicit);
	if (c->inhibit_mapping >= 0)
		impl_put_int(b, DER_CONTEXT(1), c->inhibit_mapping);
	der_close(b, mark);
}

static enum rc
skip_certs(struct view *r, int n, int64_t *out, struct err *e)
{
	struct view body;
	bool has;

	*out = -1;
	TRY(der_optional(r, &body, DER_CONTEXT(n), &has, e));
	if (!has)
		return RC_OK;
	TRY(impl_int(out, body, e));
	if (*out < 0)
		return err_set(e, RC_INVALID, "negative number");
	return RC_OK;
}

static enum rc
policy_constraints(
    struct policy_constraints *out, struct view value, struct err *e)
{
	struct policy_constraints c;
	struct view body;

	TRY(impl_list(&body, value, e));
	TRY(skip_certs(&body, 0, &c.require_explicit, e));
	TRY(skip_certs(&body, 1, &c.inhibit_mapping, e));
	TRY(der_end(&body, e));
	*out = c;
	return RC_OK;
}

enum rc
ext_policy_constraints(
    struct policy_constraints *out, struct view value, struct err *e)
{
	return fail(e, policy_constraints(out, value, e),
	    "policyConstraints: RFC 5280 4.2.1.11");
}
