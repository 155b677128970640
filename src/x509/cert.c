/* SPDX-License-Identifier: Apache-2.0 */
/* cert.c - certificates taken apart (RFC 5280 4.1).
 * Owns:    nothing; a struct cert looks at its caller's bytes.
 * Trusts:  nobody: certificates come from clients and files.
 * Threads: pure functions. */
#include "x509/cert.h"

#include "der/reader.h"
#include "der/writer.h"
#include "x509/impl.h"
#include "x509/name.h"

enum {
	VERSION_1 = 0,
	VERSION_3 = 2,
};

enum rc
spki_split(struct view spki, struct view *alg, struct view *bits, struct err *e)
{
	struct view body, algid, params, oid, key;
	enum rc rc;

	rc = impl_whole(&body, spki, e);
	if (rc == RC_OK)
		rc = der_take(&body, &algid, DER_SEQUENCE, e);
	if (rc == RC_OK)
		rc = impl_algid(algid, e);
	if (rc == RC_OK)
		rc = der_enter(&algid, &params, DER_SEQUENCE, e);
	if (rc == RC_OK)
		rc = der_oid(&params, &oid, e);
	if (rc == RC_OK)
		rc = der_bits(&body, &key, e);
	if (rc == RC_OK)
		rc = der_end(&body, e);
	if (rc != RC_OK)
		return fail(e, rc, "public key: RFC 5280 4.1.2.7");
	*alg = oid;
	*bits = key;
	return RC_OK;
}

static enum rc
validity(struct cert *c, struct view *r, struct err *e)
{
	struct view body;

	TRY(der_enter(r, &body, DER_SEQUENCE, e));
	TRY(der_time(&body, &c->not_before, e));
	TRY(der_time(&body, &c->not_after, e));
	return der_end(&body, e);
}

static enum rc
version(struct cert *c, struct view *r, struct err *e)
{
	struct view body;
	int64_t v;
	bool has;

	c->version = VERSION_1;
	TRY(der_optional(r, &body, DER_CONTEXT_CONS(0), &has, e));
	if (!has)
		return RC_OK;
	TRY(der_int64(&body, &v, e));
	TRY(der_end(&body, e));
	if (v <= VERSION_1 || v > VERSION_3)
		return err_set(
		    e, RC_INVALID, "4.1.2.1: version %lld", (long long)v);
	c->version = (int)v;
	return RC_OK;
}

/* Unique identifiers and extensions: what may stand behind the key. */
static enum rc
tail(struct cert *c, struct view *r, struct err *e)
{
	struct view body, list;
	bool has;

	TRY(der_optional(r, &body, DER_CONTEXT(1), &has, e));
	TRY(der_optional(r, &body, DER_CONTEXT(2), &has, e));
	TRY(der_optional(r, &body, DER_CONTEXT_CONS(3), &has, e));
	if (!has)
		return RC_OK;
	if (c->version != VERSION_3)
		return err_set(
		    e, RC_INVALID, "4.1.2.9: extensions without version 3");
	TRY(der_enter(&body, &list, DER_SEQUENCE, e));
	TRY(der_end(&body, e));
	if (list.len == 0)
		return err_set(e, RC_INVALID, "4.1.2.9: no extension");
	c->exts = list;
	return ext_check(list, e);
}

static enum rc
read_tbs(struct cert *c, struct err *e)
{
	struct view r = c->tbs, body, algid, alg, bits;

	TRY(der_enter(&r, &body, DER_SEQUENCE, e));
	TRY(version(c, &body, e));
	TRY(der_num(&body, &c->serial, e));
	TRY(der_take(&body, &algid, DER_SEQUENCE, e));
	if (!view_eq(algid, c->sigalg))
		return err_set(e, RC_INVALID, "4.1.1.2: algorithms differ");
	TRY(der_take(&body, &c->issuer, DER_SEQUENCE, e));
	TRY(name_check(c->issuer, e));
	TRY(validity(c, &body, e));
	TRY(der_take(&body, &c->subject, DER_SEQUENCE, e));
	TRY(name_check(c->subject, e));
	TRY(der_take(&body, &c->spki, DER_SEQUENCE, e));
	TRY(spki_split(c->spki, &alg, &bits, e));
	TRY(tail(c, &body, e));
	return der_end(&body, e);
}

static enum rc
parse(struct cert *c, struct view der, struct err *e)
{
	if (der.len > CERT_DER_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d octets", CERT_DER_MAX);
	c->der = der;
	TRY(impl_signed(&c->tbs, &c->sigalg, &c->sig, der, e));
	return read_tbs(c, e);
}

enum rc
cert_parse(struct cert *out, struct view der, struct err *e)
{
	struct cert c = { 0 };
	enum rc rc;

	rc = parse(&c, der, e);
	if (rc != RC_OK)
		return fail(e, rc, "certificate: RFC 5280 4.1");
	*out = c;
	return RC_OK;
}

enum sigalg
cert_sigalg(const struct cert *c)
{
	return sigalg_of(c->sigalg);
}

bool
cert_ext(const struct cert *c, enum oid oid, struct ext *out)
{
	return ext_find(c->exts, oid, out);
}

bool
cert_is_ca(const struct cert *c)
{
	struct basic_constraints bc;
	struct ext x;

	return cert_ext(c, OID_basicConstraints, &x) &&
	    ext_basic_constraints(&bc, x.value, NULL) == RC_OK && bc.ca;
}

bool
cert_is_self_issued(const struct cert *c)
{
	return view_eq(c->issuer, c->subject);
}

uint32_t
cert_key_usage(const struct cert *c)
{
	struct ext x;
	uint32_t bits;

	if (!cert_ext(c, OID_keyUsage, &x))
		return UINT32_MAX;
	if (ext_bits(&bits, x.value, NULL) != RC_OK)
		return 0;
	return bits;
}

bool
cert_has_eku(const struct cert *c, enum oid purpose)
{
	struct view list, oid;
	struct ext x;

	if (!cert_ext(c, OID_extKeyUsage, &x) ||
	    ext_oids(&list, x.value, NULL) != RC_OK)
		return false;
	while (list.len > 0 && ext_oid_next(&list, &oid, NULL) == RC_OK) {
		if (view_eq(oid, oid_der(purpose)))
			return true;
	}
	return false;
}

enum rc
cert_key_id(const struct cert *c, struct view *id, uint8_t room[DIGEST_MAX],
    struct err *e)
{
	struct ext x;
	struct view found;
	size_t len;

	if (cert_ext(c, OID_subjectKeyIdentifier, &x) &&
	    ext_ski(&found, x.value, NULL) == RC_OK) {
		*id = found;
		return RC_OK;
	}
	TRY(ext_key_id(room, &len, c->spki, DIGEST_SHA1, e));
	*id = view_of(room, len);
	return RC_OK;
}

enum rc
cert_user_id(struct buf *out, const struct cert *c, struct err *e)
{
	char serial[NUM_TEXT_MAX];

	buf_addf(out, "%d;%s;", c->version, num_dec(serial, &c->serial));
	TRY(name_text(out, c->issuer, e));
	buf_add_char(out, ';');
	return name_text(out, c->subject, e);
}

static const char *
yes_no(uint32_t bits, uint32_t bit)
{
	return (bits & bit) != 0 ? "true" : "false";
}

enum rc
ext_index_text(struct buf *out, const struct ext *x, struct err *e)
{
	struct basic_constraints bc;
	uint32_t t;

	TRY(oid_text(out, x->oid, e));
	if (view_eq(x->oid, oid_der(OID_basicConstraints)) &&
	    ext_basic_constraints(&bc, x->value, NULL) == RC_OK)
		buf_addf(out, ";isCA=%s,pathLen=%lld", yes_no(bc.ca, 1),
		    (long long)bc.path_len);
	if (view_eq(x->oid, oid_der(OID_nsCertType)) &&
	    ext_bits(&t, x->value, NULL) == RC_OK)
		buf_addf(out,
		    ";SSLServer=%s,SSLClient=%s,Email=%s,SSLCA=%s,EmailCA=%s,"
		    "objectSigning=%s",
		    yes_no(t, EXT_NS_SSL_SERVER), yes_no(t, EXT_NS_SSL_CLIENT),
		    yes_no(t, EXT_NS_EMAIL), yes_no(t, EXT_NS_SSL_CA),
		    yes_no(t, EXT_NS_EMAIL_CA),
		    yes_no(t, EXT_NS_OBJECT_SIGNING));
	return buf_check(out, e);
}
