/* SPDX-License-Identifier: Apache-2.0 */
/* crl.c - entries of revocation lists, and lists taken apart (RFC 5280 5).
 * Owns:    nothing.
 * Trusts:  nobody: lists come from CAs over the network.
 * Threads: pure functions. Writing lists is in crl_writer.c. */
#include "x509/crl.h"

#include "der/reader.h"
#include "der/writer.h"
#include "x509/impl.h"
#include "x509/name.h"

/* id-holdinstruction-{none,callissuer,reject}, 1.2.840.10040.2.{1,2,3} */
static const uint8_t hold_oids[][7] = {
	[CRL_HOLD_NONE] = { 0x2a, 0x86, 0x48, 0xce, 0x38, 0x02, 0x01 },
	[CRL_HOLD_CALLISSUER] = { 0x2a, 0x86, 0x48, 0xce, 0x38, 0x02, 0x02 },
	[CRL_HOLD_REJECT] = { 0x2a, 0x86, 0x48, 0xce, 0x38, 0x02, 0x03 },
};

static const char *const reasons[CRLREASON_MAX + 1] = { "Unspecified",
	"Key_Compromise", "CA_Compromise", "Affiliation_Changed", "Superseded",
	"Cessation_of_Operation", "Certificate_Hold", "", "Remove_from_CRL",
	"Privilege_Withdrawn", "AA_Compromise" };

enum {
	LABEL_MAX = 32,
	REASON_UNUSED = 7, /* RFC 5280 5.3.1: value 7 is not used */
};

int
crl_reason_find(const char *label)
{
	char word[LABEL_MAX];
	size_t i, n = strlen(label);
	int64_t number;

	if (n == 0 || n >= sizeof(word))
		return -1;
	for (i = 0; i <= n; i++)
		word[i] = label[i] == '-' || label[i] == ' ' ? '_' : label[i];
	for (i = 0; i <= CRLREASON_MAX; i++) {
		if (text_ieq(word, reasons[i]))
			return (int)i;
	}
	if (text_int(&number, label, 0, CRLREASON_MAX, NULL) == RC_OK &&
	    number != REASON_UNUSED)
		return (int)number;
	return -1;
}

const char *
crl_reason_label(int reason)
{
	return reason >= 0 && reason <= CRLREASON_MAX ? reasons[reason] : "";
}

/* ---- entries ---- */

/* An entry extension around what put_value writes: not critical. */
static size_t
open_ext(struct buf *b, enum oid oid, size_t *octets)
{
	size_t mark = der_open(b, DER_SEQUENCE);

	der_put_oid(b, oid_der(oid));
	*octets = der_open(b, DER_OCTET_STRING);
	return mark;
}

static void
close_ext(struct buf *b, size_t mark, size_t octets)
{
	der_close(b, octets);
	der_close(b, mark);
}

static void
put_exts(struct buf *b, const struct crl_entry *x)
{
	size_t list = der_open(b, DER_SEQUENCE), mark, octets;

	if (x->reason > 0) {
		mark = open_ext(b, OID_reasonCode, &octets);
		der_put_enum(b, x->reason);
		close_ext(b, mark, octets);
	}
	if (x->hold != CRL_HOLD_ABSENT) {
		mark = open_ext(b, OID_holdInstructionCode, &octets);
		der_put_oid(
		    b, view_of(hold_oids[x->hold], sizeof(hold_oids[x->hold])));
		close_ext(b, mark, octets);
	}
	if (x->has_invalidity) {
		mark = open_ext(b, OID_invalidityDate, &octets);
		der_put_gentime(b, x->invalidity);
		close_ext(b, mark, octets);
	}
	der_close(b, list);
}

void
crl_entry_put(struct buf *out, const struct crl_entry *x)
{
	size_t mark = der_open(out, DER_SEQUENCE);

	der_put_num(out, &x->serial);
	der_put_time(out, x->date);
	if (x->reason > 0 || x->hold != CRL_HOLD_ABSENT || x->has_invalidity)
		put_exts(out, x);
	der_close(out, mark);
}

static enum rc
read_reason(struct crl_entry *x, struct view v, struct err *e)
{
	struct view body;

	TRY(der_enter(&v, &body, DER_ENUMERATED, e));
	TRY(der_end(&v, e));
	if (body.len != 1 || body.data[0] > CRLREASON_MAX ||
	    body.data[0] == REASON_UNUSED)
		return err_set(e, RC_INVALID, "5.3.1: no such reason");
	x->reason = body.data[0];
	return RC_OK;
}

static enum rc
read_hold(struct crl_entry *x, struct view v, struct err *e)
{
	struct view oid;
	int h;

	TRY(der_oid(&v, &oid, e));
	TRY(der_end(&v, e));
	for (h = CRL_HOLD_NONE; h <= CRL_HOLD_REJECT; h++) {
		if (view_eq(oid, view_of(hold_oids[h], sizeof(hold_oids[h]))))
			x->hold = (enum crl_hold)h;
	}
	return RC_OK;
}

static enum rc
read_invalidity(struct crl_entry *x, struct view v, struct err *e)
{
	if (der_peek(&v) != DER_GENERALIZED_TIME)
		return err_set(
		    e, RC_INVALID, "5.3.2: invalidityDate of another type");
	TRY(der_time(&v, &x->invalidity, e));
	x->has_invalidity = true;
	return der_end(&v, e);
}

static enum rc
read_entry_ext(struct crl_entry *x, const struct ext *ext, struct err *e)
{
	if (view_eq(ext->oid, oid_der(OID_reasonCode)))
		return read_reason(x, ext->value, e);
	if (view_eq(ext->oid, oid_der(OID_holdInstructionCode)))
		return read_hold(x, ext->value, e);
	if (view_eq(ext->oid, oid_der(OID_invalidityDate)))
		return read_invalidity(x, ext->value, e);
	/* certificateIssuer is critical: we read no indirect lists */
	if (ext->critical)
		return err_set(
		    e, RC_INVALID, "5.3: unknown critical extension");
	return RC_OK;
}

static enum rc
entry_next(struct view *entries, struct crl_entry *out, struct err *e)
{
	struct crl_entry x = { .reason = CRLREASON_NONE };
	struct view rest = *entries, body, r;
	struct ext ext;

	TRY(der_enter(&rest, &body, DER_SEQUENCE, e));
	TRY(der_num(&body, &x.serial, e));
	TRY(der_time(&body, &x.date, e));
	if (body.len > 0) {
		TRY(impl_list(&x.exts, body, e));
		TRY(ext_check(x.exts, e));
	}
	for (r = x.exts; r.len > 0;) {
		TRY(ext_next(&r, &ext, e));
		TRY(read_entry_ext(&x, &ext, e));
	}
	*entries = rest;
	*out = x;
	return RC_OK;
}

enum rc
crl_entry_next(struct view *entries, struct crl_entry *out, struct err *e)
{
	return fail(e, entry_next(entries, out, e), "crl entry: RFC 5280 5.1");
}

/* ---- lists ---- */

static enum rc
crl_exts(const struct crl *c, struct err *e)
{
	static const enum oid known[] = { OID_authorityKeyIdentifier,
		OID_issuerAltName, OID_crlNumber, OID_deltaCRLIndicator,
		OID_issuingDistributionPoint, OID_freshestCRL,
		OID_authorityInfoAccess };
	struct view r = c->exts;
	struct ext x;
	bool found;
	size_t i;

	TRY(ext_check(c->exts, e));
	while (r.len > 0) {
		TRY(ext_next(&r, &x, e));
		found = false;
		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found = found || view_eq(x.oid, oid_der(known[i]));
		if (found)
			TRY(ext_value_check(&x, e));
		else if (x.critical)
			return err_set(
			    e, RC_INVALID, "5.2: unknown critical extension");
	}
	return RC_OK;
}

static enum rc
read_version(struct crl *c, struct view *r, struct err *e)
{
	int64_t v;

	if (der_peek(r) != DER_INTEGER)
		return RC_OK;
	TRY(der_int64(r, &v, e));
	if (v != 1)
		return err_set(
		    e, RC_INVALID, "5.1.2.1: version %lld", (long long)v);
	c->version = 1;
	return RC_OK;
}

static enum rc
read_tbs(struct crl *c, struct err *e)
{
	struct view r, algid, body;
	bool has;

	TRY(impl_whole(&r, c->tbs, e));
	TRY(read_version(c, &r, e));
	TRY(der_take(&r, &algid, DER_SEQUENCE, e));
	if (!view_eq(algid, c->sigalg))
		return err_set(e, RC_INVALID, "5.1.1.2: algorithms differ");
	TRY(der_take(&r, &c->issuer, DER_SEQUENCE, e));
	TRY(name_check(c->issuer, e));
	TRY(der_time(&r, &c->this_update, e));
	if (der_peek(&r) == DER_UTC_TIME ||
	    der_peek(&r) == DER_GENERALIZED_TIME)
		TRY(der_time(&r, &c->next_update, e));
	TRY(der_optional(&r, &body, DER_SEQUENCE, &has, e));
	if (has && body.len == 0)
		return err_set(e, RC_INVALID, "5.1.2.6: empty list encoded");
	if (has)
		c->entries = body;
	TRY(der_optional(&r, &body, DER_CONTEXT_CONS(0), &has, e));
	TRY(der_end(&r, e));
	if (!has)
		return RC_OK;
	if (c->version != 1)
		return err_set(
		    e, RC_INVALID, "5.1.2.7: extensions without version 2");
	TRY(impl_list(&c->exts, body, e));
	return crl_exts(c, e);
}

enum rc
crl_parse(struct crl *out, struct view der, struct err *e)
{
	struct crl c = { .der = der };
	enum rc rc;

	rc = impl_signed(&c.tbs, &c.sigalg, &c.sig, der, e);
	if (rc == RC_OK)
		rc = read_tbs(&c, e);
	if (rc != RC_OK)
		return fail(e, rc, "crl: RFC 5280");
	*out = c;
	return RC_OK;
}

enum sigalg
crl_sigalg(const struct crl *c)
{
	return sigalg_of(c->sigalg);
}

bool
crl_number(const struct crl *c, struct num *out)
{
	struct ext x;

	return ext_find(c->exts, OID_crlNumber, &x) &&
	    ext_num(out, x.value, NULL) == RC_OK;
}

bool
crl_delta_base(const struct crl *c, struct num *out)
{
	struct ext x;

	return ext_find(c->exts, OID_deltaCRLIndicator, &x) &&
	    ext_num(out, x.value, NULL) == RC_OK;
}

enum rc
crl_find(const struct crl *c, struct crl_entry *out, const struct num *serial,
    struct err *e)
{
	struct view r = c->entries;
	struct crl_entry x;

	while (r.len > 0) {
		TRY(crl_entry_next(&r, &x, e));
		if (num_cmp(&x.serial, serial) == 0) {
			*out = x;
			return RC_OK;
		}
	}
	return err_set(e, RC_NOTFOUND, "serial number not on the crl");
}
