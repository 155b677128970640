/* SPDX-License-Identifier: Apache-2.0 */
/* ext_names.c - extension values made of names and locations: key identifiers,
 * alternative names, information access, distribution points, name
 * constraints (RFC 5280 4.2.1.1 to 4.2.2.2, 5.2.5).
 * Owns:    nothing.
 * Trusts:  nobody: values come from requests and foreign certificates.
 * Threads: pure functions. */
#include "der/reader.h"
#include "der/writer.h"
#include "x509/cert.h"
#include "x509/ext.h"
#include "x509/impl.h"

/* ---- key identifiers ---- */

void
ext_put_ski(struct buf *b, struct view key_id)
{
	der_put_octets(b, key_id);
}

enum rc
ext_ski(struct view *key_id, struct view value, struct err *e)
{
	struct view id;
	enum rc rc;

	rc = der_octets(&value, &id, e);
	if (rc == RC_OK)
		rc = der_end(&value, e);
	if (rc != RC_OK)
		return fail(e, rc, "subjectKeyIdentifier: RFC 5280 4.2.1.2");
	*key_id = id;
	return RC_OK;
}

void
ext_put_aki(struct buf *b, const struct aki *a)
{
	size_t mark = der_open(b, DER_SEQUENCE);

	if (a->key_id.len > 0)
		der_put(b, DER_CONTEXT(0), a->key_id);
	if (a->issuer.len > 0)
		der_put(b, DER_CONTEXT_CONS(1), a->issuer);
	if (a->has_serial)
		impl_put_num(b, DER_CONTEXT(2), &a->serial);
	der_close(b, mark);
}

/* General names one after the other, at least one. */
static enum rc
names_check(struct view names, struct err *e)
{
	struct gn g;

	if (names.len == 0)
		return err_set(e, RC_INVALID, "no general name");
	while (names.len > 0)
		TRY(gn_next(&names, &g, e));
	return RC_OK;
}

static enum rc
aki(struct aki *out, struct view value, struct err *e)
{
	struct aki a = { 0 };
	struct view body, part;
	bool has;

	TRY(impl_whole(&body, value, e));
	TRY(der_optional(&body, &part, DER_CONTEXT(0), &has, e));
	if (has)
		a.key_id = part;
	TRY(der_optional(&body, &part, DER_CONTEXT_CONS(1), &has, e));
	if (has) {
		TRY(names_check(part, e));
		a.issuer = part;
	}
	TRY(der_optional(&body, &part, DER_CONTEXT(2), &a.has_serial, e));
	if (a.has_serial)
		TRY(impl_num(&a.serial, part, e));
	TRY(der_end(&body, e));
	if (a.has_serial != (a.issuer.len > 0))
		return err_set(
		    e, RC_INVALID, "issuer and serial not both there");
	*out = a;
	return RC_OK;
}

enum rc
ext_aki(struct aki *out, struct view value, struct err *e)
{
	return fail(
	    e, aki(out, value, e), "authorityKeyIdentifier: RFC 5280 4.2.1.1");
}

enum rc
ext_key_id(uint8_t out[DIGEST_MAX], size_t *len, struct view spki,
    enum digest d, struct err *e)
{
	struct view alg, bits;

	TRY(spki_split(spki, &alg, &bits, e));
	*len = digest_of(out, d, bits);
	return RC_OK;
}

/* ---- alternative names ---- */

void
ext_put_names(struct buf *b, struct view names)
{
	der_put(b, DER_SEQUENCE, names);
}

enum rc
ext_names(struct view *names, struct view value, struct err *e)
{
	struct view body;
	enum rc rc;

	rc = impl_whole(&body, value, e);
	if (rc == RC_OK)
		rc = names_check(body, e);
	if (rc != RC_OK)
		return fail(e, rc, "alternative name: RFC 5280 4.2.1.6");
	*names = body;
	return RC_OK;
}

/* ---- information access ---- */

void
ext_put_access(struct buf *b, const struct access_desc *a, size_t n)
{
	size_t mark = der_open(b, DER_SEQUENCE), seq, i;

	for (i = 0; i < n; i++) {
		seq = der_open(b, DER_SEQUENCE);
		der_put_oid(b, a[i].method);
		gn_put(b, &a[i].location);
		der_close(b, seq);
	}
	der_close(b, mark);
}

enum rc
ext_access(struct view *list, struct view value, struct err *e)
{
	return fail(
	    e, impl_list(list, value, e), "information access: RFC 5280 4.2.2");
}

static enum rc
access_next(struct view *r, struct access_desc *out, struct err *e)
{
	struct view rest = *r, body;
	struct access_desc a;

	TRY(der_enter(&rest, &body, DER_SEQUENCE, e));
	TRY(der_oid(&body, &a.method, e));
	TRY(gn_next(&body, &a.location, e));
	TRY(der_end(&body, e));
	*r = rest;
	*out = a;
	return RC_OK;
}

enum rc
ext_access_next(struct view *r, struct access_desc *out, struct err *e)
{
	return fail(
	    e, access_next(r, out, e), "information access: RFC 5280 4.2.2");
}

/* ---- distribution points ---- */

static const char *const reasons[] = { "unused", "keyCompromise",
	"cACompromise", "affiliationChanged", "superseded",
	"cessationOfOperation", "certificateHold", "privilegeWithdrawn",
	"aACompromise" };

enum {
	REASONS_COUNT = sizeof(reasons) / sizeof(reasons[0])
};

int
ext_reason_bit(const char *name)
{
	int i;

	for (i = 0; i < REASONS_COUNT; i++) {
		if (text_ieq(name, reasons[i]))
			return i;
	}
	return -1;
}

const char *
ext_reason_name(int bit)
{
	return bit >= 0 && bit < REASONS_COUNT ? reasons[bit] : "";
}

/* DistributionPointName under [0], nothing when there is no name. */
static void
put_point_name(struct buf *b, const struct dist_point *p)
{
	size_t mark;

	if (p->full.len == 0 && p->relative.len == 0)
		return;
	mark = der_open(b, DER_CONTEXT_CONS(0));
	if (p->full.len > 0)
		der_put(b, DER_CONTEXT_CONS(0), p->full);
	else
		der_put(b, DER_CONTEXT_CONS(1), p->relative);
	der_close(b, mark);
}

void
ext_put_dist_points(struct buf *b, const struct dist_point *p, size_t n)
{
	size_t mark = der_open(b, DER_SEQUENCE), seq, i;

	for (i = 0; i < n; i++) {
		seq = der_open(b, DER_SEQUENCE);
		put_point_name(b, &p[i]);
		if (p[i].has_reasons)
			impl_put_bits(b, DER_CONTEXT(1), p[i].reasons);
		if (p[i].issuer.len > 0)
			der_put(b, DER_CONTEXT_CONS(2), p[i].issuer);
		der_close(b, seq);
	}
	der_close(b, mark);
}

enum rc
ext_dist_points(struct view *list, struct view value, struct err *e)
{
	return fail(e, impl_list(list, value, e),
	    "distribution points: RFC 5280 4.2.1.13");
}

/* AttributeTypeAndValues of one relative name. */
static enum rc
relative_check(struct view r, struct err *e)
{
	struct view attr, oid;

	if (r.len == 0)
		return err_set(e, RC_INVALID, "empty relative name");
	while (r.len > 0) {
		TRY(der_enter(&r, &attr, DER_SEQUENCE, e));
		TRY(der_oid(&attr, &oid, e));
		TRY(impl_any(&attr, NULL, NULL, NULL, e));
		TRY(der_end(&attr, e));
	}
	return RC_OK;
}

static enum rc
point_name(struct view *body, struct dist_point *p, struct err *e)
{
	struct view part, names;
	bool has;
	int tag;

	TRY(der_optional(body, &part, DER_CONTEXT_CONS(0), &has, e));
	if (!has)
		return RC_OK;
	TRY(der_any(&part, &tag, NULL, &names, e));
	TRY(der_end(&part, e));
	if (tag == DER_CONTEXT_CONS(0)) {
		p->full = names;
		return names_check(names, e);
	}
	if (tag != DER_CONTEXT_CONS(1))
		return err_set(e, RC_INVALID, "unknown point name");
	p->relative = names;
	return relative_check(names, e);
}

static enum rc
dist_point_next(struct view *r, struct dist_point *out, struct err *e)
{
	struct view rest = *r, body, part;
	struct dist_point p = { 0 };
	bool has;

	TRY(der_enter(&rest, &body, DER_SEQUENCE, e));
	TRY(point_name(&body, &p, e));
	TRY(der_optional(&body, &part, DER_CONTEXT(1), &p.has_reasons, e));
	if (p.has_reasons)
		TRY(impl_bits(&p.reasons, part, e));
	TRY(der_optional(&body, &part, DER_CONTEXT_CONS(2), &has, e));
	if (has) {
		TRY(names_check(part, e));
		p.issuer = part;
	}
	TRY(der_end(&body, e));
	*r = rest;
	*out = p;
	return RC_OK;
}

enum rc
ext_dist_point_next(struct view *r, struct dist_point *out, struct err *e)
{
	return fail(e, dist_point_next(r, out, e),
	    "distribution points: RFC 5280 4.2.1.13");
}

static void
put_flag(struct buf *b, int n, bool v)
{
	static const uint8_t yes = 0xff;

	if (v)
		der_put(b, DER_CONTEXT(n), view_of(&yes, 1));
}

void
ext_put_idp(struct buf *b, const struct issuing_dist_point *p)
{
	size_t mark = der_open(b, DER_SEQUENCE);

	put_point_name(b, &p->point);
	put_flag(b, 1, p->only_users);
	put_flag(b, 2, p->only_cas);
	if (p->has_only_reasons)
		impl_put_bits(b, DER_CONTEXT(3), p->only_reasons);
	put_flag(b, 4, p->indirect);
	put_flag(b, 5, p->only_attrs);
	der_close(b, mark);
}

/* A BOOLEAN DEFAULT FALSE under an implicit tag: absent or TRUE. */
static enum rc
flag(struct view *r, int n, bool *out, struct err *e)
{
	struct view body;

	TRY(der_optional(r, &body, DER_CONTEXT(n), out, e));
	if (*out && (body.len != 1 || body.data[0] != 0xff))
		return err_set(e, RC_INVALID, "X.690 11.5: FALSE encoded");
	return RC_OK;
}

static enum rc
idp(struct issuing_dist_point *out, struct view value, struct err *e)
{
	struct issuing_dist_point p = { 0 };
	struct view body, part;

	TRY(impl_whole(&body, value, e));
	TRY(point_name(&body, &p.point, e));
	TRY(flag(&body, 1, &p.only_users, e));
	TRY(flag(&body, 2, &p.only_cas, e));
	TRY(der_optional(&body, &part, DER_CONTEXT(3), &p.has_only_reasons, e));
	if (p.has_only_reasons)
		TRY(impl_bits(&p.only_reasons, part, e));
	TRY(flag(&body, 4, &p.indirect, e));
	TRY(flag(&body, 5, &p.only_attrs, e));
	TRY(der_end(&body, e));
	*out = p;
	return RC_OK;
}

enum rc
ext_idp(struct issuing_dist_point *out, struct view value, struct err *e)
{
	return fail(
	    e, idp(out, value, e), "issuingDistributionPoint: RFC 5280 5.2.5");
}

/* ---- name constraints ---- */

void
ext_put_subtree(struct buf *b, const struct subtree *s)
{
	size_t mark = der_open(b, DER_SEQUENCE);

	gn_put(b, &s->base);
	if (s->min > 0)
		impl_put_int(b, DER_CONTEXT(0), s->min);
	if (s->max >= 0)
		impl_put_int(b, DER_CONTEXT(1), s->max);
	der_close(b, mark);
}

void
ext_put_name_constraints(
    struct buf *b, struct view permitted, struct view excluded)
{
	size_t mark = der_open(b, DER_SEQUENCE);

	if (permitted.len > 0)
		der_put(b, DER_CONTEXT_CONS(0), permitted);
	if (excluded.len > 0)
		der_put(b, DER_CONTEXT_CONS(1), excluded);
	der_close(b, mark);
}

static enum rc
subtree_next(struct view *r, struct subtree *out, struct err *e)
{
	struct view rest = *r, body, part;
	struct subtree s = { .max = -1 };
	bool has;

	TRY(der_enter(&rest, &body, DER_SEQUENCE, e));
	TRY(gn_next(&body, &s.base, e));
	TRY(der_optional(&body, &part, DER_CONTEXT(0), &has, e));
	if (has) {
		TRY(impl_int(&s.min, part, e));
		if (s.min <= 0)
			return err_set(
			    e, RC_INVALID, "X.690 11.5: default encoded");
	}
	TRY(der_optional(&body, &part, DER_CONTEXT(1), &has, e));
	if (has) {
		TRY(impl_int(&s.max, part, e));
		if (s.max < 0)
			return err_set(e, RC_INVALID, "negative maximum");
	}
	TRY(der_end(&body, e));
	*r = rest;
	*out = s;
	return RC_OK;
}

enum rc
ext_subtree_next(struct view *r, struct subtree *out, struct err *e)
{
	return fail(
	    e, subtree_next(r, out, e), "nameConstraints: RFC 5280 4.2.1.10");
}

static enum rc
name_constraints(struct view *permitted, struct view *excluded,
    struct view value, struct err *e)
{
	struct view body, in, out;
	bool has_in, has_out;

	TRY(impl_whole(&body, value, e));
	TRY(der_optional(&body, &in, DER_CONTEXT_CONS(0), &has_in, e));
	TRY(der_optional(&body, &out, DER_CONTEXT_CONS(1), &has_out, e));
	TRY(der_end(&body, e));
	if ((has_in && in.len == 0) || (has_out && out.len == 0) ||
	    (!has_in && !has_out))
		return err_set(e, RC_INVALID, "empty list");
	*permitted = has_in ? in : view_of(NULL, 0);
	*excluded = has_out ? out : view_of(NULL, 0);
	return RC_OK;
}

enum rc
ext_name_constraints(struct view *permitted, struct view *excluded,
    struct view value, struct err *e)
{
	return fail(e, name_constraints(permitted, excluded, value, e),
	    "nameConstraints: RFC 5280 4.2.1.10");
}
