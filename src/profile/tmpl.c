/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl.c - the certificate template between submission and approval: a
 * TBSCertificate in the request record (spec profiles 5, directory 2.8).
 * Owns:    nothing; what is loaded lives in the template's arena.
 * Trusts:  the store as far as the DER reader does.
 * Threads: pure. */
#include "der/reader.h"
#include "der/writer.h"
#include "profile/engine.h"

static const char KEY[] = "req_x509info";
static const uint8_t EMPTY[] = { 0x30, 0x00 };

static void
put_or_empty(struct buf *out, struct view v)
{
	der_put_raw(out, v.len > 0 ? v : view_of(EMPTY, sizeof(EMPTY)));
}

enum rc
profile_template_encode(
    struct buf *out, const struct cert_template *t, struct err *e)
{
	size_t tbs = der_open(out, DER_SEQUENCE);
	struct num zero = num_from_u64(0);
	size_t m;

	if (t->sigalg >= SIGALG_COUNT)
		return err_set(e, RC_INVALID, "Signing Algorithm Not Found");
	if (t->version > 0) {
		m = der_open(out, DER_CONTEXT_CONS(0));
		der_put_int(out, t->version);
		der_close(out, m);
	}
	der_put_num(out, t->serial.len > 0 ? &t->serial : &zero);
	sigalg_put(out, t->sigalg);
	put_or_empty(out, t->issuer);
	m = der_open(out, DER_SEQUENCE);
	der_put_time(out, t->not_before);
	der_put_time(out, t->not_after);
	der_close(out, m);
	put_or_empty(out, t->subject);
	put_or_empty(out, t->spki);
	if (t->exts.count > 0) {
		m = der_open(out, DER_CONTEXT_CONS(3));
		ext_list_put(out, &t->exts);
		der_close(out, m);
	}
	der_close(out, tbs);
	return buf_check(out, e);
}

static enum rc
parse_version(struct view *r, struct cert_template *t, struct err *e)
{
	struct view body;
	int64_t v = 0;
	bool there;
	enum rc rc = der_optional(r, &body, DER_CONTEXT_CONS(0), &there, e);

	if (rc == RC_OK && there) {
		rc = der_int64(&body, &v, e);
		if (rc == RC_OK)
			rc = der_end(&body, e);
	}
	if (rc == RC_OK && (v < 0 || v > 2))
		rc = err_set(e, RC_INVALID, "template: version");
	if (rc == RC_OK)
		t->version = (int)v;
	return rc;
}

static enum rc
parse_sigalg(struct view *r, struct cert_template *t, struct err *e)
{
	struct view whole;
	enum rc rc = der_take(r, &whole, DER_SEQUENCE, e);

	if (rc != RC_OK)
		return rc;
	t->sigalg = sigalg_of(whole);
	if (t->sigalg == SIGALG_COUNT)
		return err_set(
		    e, RC_INVALID, "template: unknown signature algorithm");
	return RC_OK;
}

static enum rc
parse_validity(struct view *r, struct cert_template *t, struct err *e)
{
	struct view body;
	enum rc rc = der_enter(r, &body, DER_SEQUENCE, e);

	if (rc == RC_OK)
		rc = der_time(&body, &t->not_before, e);
	if (rc == RC_OK)
		rc = der_time(&body, &t->not_after, e);
	return rc == RC_OK ? der_end(&body, e) : rc;
}

static enum rc
parse_exts(struct view *r, struct cert_template *t, struct err *e)
{
	struct view body, list;
	bool there;
	enum rc rc = der_optional(r, &body, DER_CONTEXT_CONS(3), &there, e);

	if (rc != RC_OK || !there)
		return rc;
	rc = der_enter(&body, &list, DER_SEQUENCE, e);
	if (rc == RC_OK)
		rc = der_end(&body, e);
	return rc == RC_OK ? ext_list_read(&t->exts, list, e) : rc;
}

enum rc
profile_template_parse(struct cert_template *t, struct view der, struct err *e)
{
	struct view r;
	enum rc rc = der_enter(&der, &r, DER_SEQUENCE, e);

	if (rc == RC_OK)
		rc = der_end(&der, e);
	if (rc == RC_OK)
		rc = parse_version(&r, t, e);
	if (rc == RC_OK)
		rc = der_num(&r, &t->serial, e);
	if (rc == RC_OK)
		rc = parse_sigalg(&r, t, e);
	if (rc == RC_OK)
		rc = der_take(&r, &t->issuer, DER_SEQUENCE, e);
	if (rc == RC_OK)
		rc = parse_validity(&r, t, e);
	if (rc == RC_OK)
		rc = der_take(&r, &t->subject, DER_SEQUENCE, e);
	if (rc == RC_OK)
		rc = der_take(&r, &t->spki, DER_SEQUENCE, e);
	if (rc == RC_OK)
		rc = parse_exts(&r, t, e);
	if (rc == RC_OK)
		rc = der_end(&r, e);
	if (rc != RC_OK)
		return err_prefix(e, "certificate template"), rc;
	if (view_eq(t->spki, view_of(EMPTY, sizeof(EMPTY))))
		t->spki = view_of(NULL, 0);
	return RC_OK;
}

enum rc
profile_template_store(
    struct request_rec *r, const struct cert_template *t, struct err *e)
{
	AUTO_BUF b = buf_empty(0);
	enum rc rc = profile_template_encode(&b, t, e);

	if (rc == RC_OK)
		request_set_bytes(r, KEY, buf_view(&b));
	return rc;
}

enum rc
profile_template_load(
    const struct request_rec *r, struct cert_template *t, struct err *e)
{
	AUTO_BUF b = buf_empty(0);
	char *copy;
	enum rc rc;

	if (request_ext(r, KEY) == NULL)
		return err_set(
		    e, RC_NOTFOUND, "the request has no certificate template");
	rc = request_ext_bytes(r, &b, KEY, e);
	if (rc != RC_OK)
		return rc;
	copy = arena_view(t->exts.arena, buf_view(&b));
	if (copy == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	return profile_template_parse(t, view_of(copy, b.len), e);
}
