/* SPDX-License-Identifier: Apache-2.0 */
/* template.c - the to-be-signed bytes of a certificate (RFC 5280 4.1.2).
 * Owns:    nothing; parts are views, extensions live in the list's arena.
 * Trusts:  the issuer; subject and key were checked where they came in, but
 *          the name's form is checked again here.
 * Threads: pure functions. */
#include "x509/template.h"

#include "der/reader.h"
#include "der/writer.h"
#include "x509/impl.h"
#include "x509/name.h"

enum {
	VERSION_1 = 0,
	VERSION_3 = 2,
	EMPTY_NAME_LEN = 2,
};

void
template_init(struct cert_template *t, struct arena *a)
{
	*t = (struct cert_template){ .version = VERSION_3,
		.sigalg = SIGALG_SHA256_RSA };
	ext_list_init(&t->exts, a);
}

static enum rc
check_names(const struct cert_template *t, struct err *e)
{
	const struct ext *san;

	if (t->issuer.len <= EMPTY_NAME_LEN)
		return err_set(e, RC_INVALID, "4.1.2.4: no issuer");
	TRY(name_check(t->issuer, e));
	if (t->subject.len == 0)
		return err_set(e, RC_INVALID, "4.1.2.6: no subject");
	TRY(name_check(t->subject, e));
	if (t->subject.len > EMPTY_NAME_LEN)
		return RC_OK;
	san = ext_list_find_oid(&t->exts, OID_subjectAltName);
	if (san == NULL || !san->critical)
		return err_set(e, RC_INVALID,
		    "4.1.2.6: empty subject without critical subjectAltName");
	return RC_OK;
}

static enum rc
check(const struct cert_template *t, struct err *e)
{
	struct view spki = t->spki, body;

	if (t->version < VERSION_1 || t->version > VERSION_3)
		return err_set(
		    e, RC_INVALID, "4.1.2.1: version %d", t->version);
	if (t->version != VERSION_3 && t->exts.count > 0)
		return err_set(
		    e, RC_INVALID, "4.1.2.9: extensions without version 3");
	if (t->serial.len == 0 || t->serial.len > NUM_MAX ||
	    (t->serial.len == 1 && t->serial.b[0] == 0))
		return err_set(
		    e, RC_INVALID, "4.1.2.2: serial number not positive");
	if (t->serial.len == NUM_MAX && t->serial.b[0] >= 0x80)
		return err_set(
		    e, RC_INVALID, "4.1.2.2: serial number over 20 octets");
	if (t->not_after < t->not_before)
		return err_set(
		    e, RC_INVALID, "4.1.2.5: notAfter before notBefore");
	if ((int)t->sigalg < 0 || t->sigalg >= SIGALG_COUNT)
		return err_set(e, RC_INVALID, "4.1.2.3: no algorithm");
	TRY(der_enter(&spki, &body, DER_SEQUENCE, e));
	TRY(der_end(&spki, e));
	return check_names(t, e);
}

enum rc
template_tbs(struct buf *out, const struct cert_template *t, struct err *e)
{
	size_t tbs, mark;

	TRY(fail(e, check(t, e), "certificate: RFC 5280"));
	tbs = der_open(out, DER_SEQUENCE);
	if (t->version != VERSION_1) {
		mark = der_open(out, DER_CONTEXT_CONS(0));
		der_put_int(out, t->version);
		der_close(out, mark);
	}
	der_put_num(out, &t->serial);
	sigalg_put(out, t->sigalg);
	der_put_raw(out, t->issuer);
	mark = der_open(out, DER_SEQUENCE);
	der_put_time(out, t->not_before);
	der_put_time(out, t->not_after);
	der_close(out, mark);
	der_put_raw(out, t->subject);
	der_put_raw(out, t->spki);
	if (t->exts.count > 0) {
		mark = der_open(out, DER_CONTEXT_CONS(3));
		ext_list_put(out, &t->exts);
		der_close(out, mark);
	}
	der_close(out, tbs);
	return buf_check(out, e);
}
