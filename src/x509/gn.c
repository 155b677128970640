/* SPDX-License-Identifier: Apache-2.0 */
/* gn.c - general names in DER (RFC 5280 4.2.1.6).
 * Owns:    nothing.
 * Trusts:  nobody: names come from requests and certificates.
 * Threads: pure functions. The text forms are in gn_text.c. */
#include "x509/gn.h"

#include "der/reader.h"
#include "der/writer.h"
#include "x509/impl.h"
#include "x509/name.h"
#include "x509/str.h"

enum {
	IP4_LEN = 4,
	IP6_LEN = 16,
};

static enum rc
other_check(struct view body, struct err *e)
{
	struct view oid, value;

	TRY(der_oid(&body, &oid, e));
	TRY(der_enter(&body, &value, DER_CONTEXT_CONS(0), e));
	TRY(der_end(&body, e));
	TRY(impl_any(&value, NULL, NULL, NULL, e));
	return der_end(&value, e);
}

/* A DirectoryString below an explicit tag. */
static enum rc
party_check(struct view r, struct err *e)
{
	struct view body;
	int tag;

	TRY(impl_any(&r, &tag, NULL, &body, e));
	if (body.len == 0)
		return err_set(e, RC_INVALID, "empty EDI party");
	return der_end(&r, e);
}

static enum rc
edi_check(struct view body, struct err *e)
{
	struct view part;
	bool has;

	TRY(der_optional(&body, &part, DER_CONTEXT_CONS(0), &has, e));
	if (has)
		TRY(party_check(part, e));
	TRY(der_enter(&body, &part, DER_CONTEXT_CONS(1), e));
	TRY(party_check(part, e));
	return der_end(&body, e);
}

static enum rc
ia5_check(struct view v, struct err *e)
{
	if (!str_is_ia5(v))
		return err_set(e, RC_INVALID, "character outside IA5String");
	return RC_OK;
}

static enum rc
oid_check(struct view v, struct err *e)
{
	AUTO_BUF text = buf_empty(0);

	return oid_text(&text, v, e);
}

static enum rc
value_check(enum gn_type t, struct view v, struct err *e)
{
	switch (t) {
	case GN_OTHER:
		return other_check(v, e);
	case GN_EMAIL:
	case GN_DNS:
	case GN_URI:
		return ia5_check(v, e);
	case GN_DIRECTORY:
		return name_check(v, e);
	case GN_EDI:
		return edi_check(v, e);
	case GN_IP:
		if (v.len != IP4_LEN && v.len != IP6_LEN &&
		    v.len != 2 * IP4_LEN && v.len != 2 * IP6_LEN)
			return err_set(
			    e, RC_INVALID, "address of %zu octets", v.len);
		return RC_OK;
	case GN_OID:
		return oid_check(v, e);
	case GN_X400: /* opaque, but for its form */
		while (v.len > 0)
			TRY(impl_any(&v, NULL, NULL, NULL, e));
		return RC_OK;
	}
	return err_set(e, RC_INTERNAL, "no such type");
}

static int
type_tag(enum gn_type t)
{
	if (t == GN_OTHER || t == GN_X400 || t == GN_DIRECTORY || t == GN_EDI)
		return DER_CONTEXT_CONS((int)t);
	return DER_CONTEXT((int)t);
}

static enum rc
next(struct view *r, struct gn *out, struct err *e)
{
	struct view rest = *r;
	struct gn g;
	int tag, t;

	TRY(der_any(&rest, &tag, &g.whole, &g.value, e));
	t = tag & 0x1f;
	if (t > GN_OID || tag != type_tag((enum gn_type)t))
		return err_set(e, RC_INVALID, "tag %#x", (unsigned int)tag);
	g.type = (enum gn_type)t;
	TRY(value_check(g.type, g.value, e));
	*r = rest;
	*out = g;
	return RC_OK;
}

enum rc
gn_next(struct view *r, struct gn *out, struct err *e)
{
	return fail(e, next(r, out, e), "general name: RFC 5280 4.2.1.6");
}

void
gn_put(struct buf *b, const struct gn *g)
{
	der_put(b, type_tag(g->type), g->value);
}
