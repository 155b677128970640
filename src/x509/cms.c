/* SPDX-License-Identifier: Apache-2.0 */
/* cms.c - certificates in PKCS #7 messages and files (RFC 5652 5.1).
 * Owns:    nothing; what is read is copied into the caller's arena.
 * Trusts:  nobody: chains come from files and other servers.
 * Threads: pure functions. */
#include "x509/cms.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "der/oid.h"
#include "der/reader.h"
#include "der/writer.h"
#include "x509/cert.h"
#include "x509/impl.h"

#define PEM_BEGIN "-----BEGIN "
#define PEM_END "-----END "

/* ---- writing ---- */

void
cms_certs_put(struct buf *out, const struct view *certs, size_t n_certs,
    const struct view *crls, size_t n_crls)
{
	size_t info, tagged, data, mark, i;

	info = der_open(out, DER_SEQUENCE);
	der_put_oid(out, oid_der(OID_signedData));
	tagged = der_open(out, DER_CONTEXT_CONS(0));
	data = der_open(out, DER_SEQUENCE);
	der_put_int(out, 1);
	der_put(out, DER_SET, view_of(NULL, 0)); /* digestAlgorithms */
	mark = der_open(out, DER_SEQUENCE);
	der_put_oid(out, oid_der(OID_pkcs7Data));
	der_close(out, mark);
	if (n_certs > 0) {
		mark = der_open(out, DER_CONTEXT_CONS(0));
		for (i = 0; i < n_certs; i++)
			der_put_raw(out, certs[i]);
		der_close(out, mark);
	}
	if (n_crls > 0) {
		mark = der_open(out, DER_CONTEXT_CONS(1));
		for (i = 0; i < n_crls; i++)
			der_put_raw(out, crls[i]);
		der_close(out, mark);
	}
	der_put(out, DER_SET, view_of(NULL, 0)); /* signerInfos */
	der_close(out, data);
	der_close(out, tagged);
	der_close(out, info);
}

/* ---- reading ---- */

/* Where certificates are gathered. */
struct found {
	struct view *out;
	size_t max, n;
	struct arena *arena;
};

static enum rc
add(struct found *f, struct view der, struct err *e)
{
	struct cert c;
	const char *copy;

	TRY(cert_parse(&c, der, e));
	if (f->n == f->max || f->n == CMS_CERTS_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %zu certificates", f->n);
	copy = arena_view(f->arena, der);
	if (copy == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	f->out[f->n++] = view_of(copy, der.len);
	return RC_OK;
}

static enum rc
add_libcrypto(struct found *f, X509 *x, struct err *e)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);
	enum rc rc;

	if (len <= 0)
		return err_openssl(e, RC_INVALID, "certificate");
	rc = add(f, view_of(der, (size_t)len), e);
	OPENSSL_free(der);
	return rc;
}

static enum rc
add_all(struct found *f, const PKCS7 *p7, struct err *e)
{
	STACK_OF(X509) * certs;
	int i, n;

	if (!PKCS7_type_is_signed(p7) || p7->d.sign == NULL)
		return err_set(e, RC_INVALID, "RFC 5652 5.1: not SignedData");
	certs = p7->d.sign->cert;
	n = certs != NULL ? sk_X509_num(certs) : 0;
	for (i = 0; i < n; i++)
		TRY(add_libcrypto(f, sk_X509_value(certs, i), e));
	return RC_OK;
}

static enum rc
parse_p7(struct found *f, struct view der, struct err *e)
{
	const unsigned char *p = der.data;
	PKCS7 *p7;
	enum rc rc;

	if (der.len > CMS_DER_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d octets", CMS_DER_MAX);
	ERR_clear_error();
	p7 = d2i_PKCS7(NULL, &p, (long)der.len);
	if (p7 == NULL)
		return err_openssl(e, RC_INVALID, "RFC 5652 3");
	if (p != der.data + der.len)
		rc = err_set(e, RC_INVALID, "octets behind the end");
	else
		rc = add_all(f, p7, e);
	PKCS7_free(p7);
	return rc;
}

enum rc
cms_certs_parse(struct view *out, size_t max, size_t *n, struct view der,
    struct arena *a, struct err *e)
{
	struct found f = { out, max, 0, a };

	TRY(fail(e, parse_p7(&f, der, e), "pkcs7"));
	*n = f.n;
	return RC_OK;
}

/* A certificate or a PKCS #7 message: its second element tells. */
static enum rc
add_either(struct found *f, struct view der, struct err *e)
{
	struct view r = der, body;

	if (der_enter(&r, &body, DER_SEQUENCE, NULL) == RC_OK &&
	    der_peek(&body) == DER_SEQUENCE)
		return add(f, der, e);
	return parse_p7(f, der, e);
}

static enum rc
add_text(struct found *f, struct view text, struct err *e)
{
	AUTO_BUF der = buf_empty(CMS_DER_MAX);

	TRY(text_pem(&der, text, NULL, e));
	TRY(buf_check(&der, e));
	return add_either(f, buf_view(&der), e);
}

/* The next PEM block; text shrinks to what is behind it. */
static bool
next_block(struct view *text, struct view *block)
{
	const uint8_t *begin, *end, *last = text->data + text->len;

	begin = memmem(text->data, text->len, PEM_BEGIN, strlen(PEM_BEGIN));
	if (begin == NULL)
		return false;
	end = memmem(begin, (size_t)(last - begin), PEM_END, strlen(PEM_END));
	if (end == NULL) {
		end = last;
	} else {
		end = memchr(end, '\n', (size_t)(last - end));
		end = end != NULL ? end + 1 : last;
	}
	*block = view_of(begin, (size_t)(end - begin));
	*text = view_of(end, (size_t)(last - end));
	return true;
}

static bool
block_is(struct view block, const char *label)
{
	struct view want = view_str(label);
	size_t skip = strlen(PEM_BEGIN);

	return block.len > skip + want.len &&
	    view_eq(view_of(block.data + skip, want.len), want);
}

static enum rc
parse_any(struct found *f, struct view file, struct err *e)
{
	struct view text = file, block;
	bool pem = false;

	if (file.len == 0 || file.len > 2 * (size_t)CMS_DER_MAX)
		return err_set(e, RC_INVALID, "%zu octets", file.len);
	if (file.data[0] == DER_SEQUENCE)
		return add_either(f, file, e);
	while (next_block(&text, &block)) {
		pem = true;
		if (block_is(block, "CERTIFICATE-----") ||
		    block_is(block, "X509 CERTIFICATE-----") ||
		    block_is(block, "PKCS7-----") ||
		    block_is(block, "CERTIFICATE CHAIN-----") ||
		    block_is(block, "CMS-----"))
			TRY(add_text(f, block, e));
	}
	if (!pem)
		TRY(add_text(f, file, e));
	if (f->n == 0)
		return err_set(e, RC_INVALID, "no certificate in it");
	return RC_OK;
}

enum rc
cms_certs_any(struct view *out, size_t max, size_t *n, struct view file,
    struct arena *a, struct err *e)
{
	struct found f = { out, max, 0, a };

	TRY(fail(e, parse_any(&f, file, e), "certificates"));
	*n = f.n;
	return RC_OK;
}

/* ---- order ---- */

/* Is certs[i] the issuer of another one (not of itself)? */
static bool
is_parent(const struct cert *certs, size_t n, size_t i)
{
	size_t k;

	for (k = 0; k < n; k++) {
		if (k != i && view_eq(certs[k].issuer, certs[i].subject) &&
		    !view_eq(certs[k].der, certs[i].der))
			return true;
	}
	return false;
}

static void
move(struct cert *certs, size_t from, size_t to)
{
	struct cert c = certs[from];
	size_t i;

	for (i = from; i > to; i--)
		certs[i] = certs[i - 1];
	certs[to] = c;
}

enum rc
cms_chain_order(struct view *certs, size_t n, struct err *e)
{
	struct cert parsed[CMS_CERTS_MAX];
	size_t i, done;

	if (n > CMS_CERTS_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d certificates", CMS_CERTS_MAX);
	for (i = 0; i < n; i++)
		TRY(cert_parse(&parsed[i], certs[i], e));
	for (i = 0; i < n && is_parent(parsed, n, i); i++)
		;
	if (i < n)
		move(parsed, i, 0);
	for (done = 1; done < n; done++) {
		if (cert_is_self_issued(&parsed[done - 1]))
			break;
		for (i = done; i < n; i++) {
			if (view_eq(parsed[i].subject, parsed[done - 1].issuer))
				break;
		}
		if (i == n)
			break;
		move(parsed, i, done);
	}
	for (i = 0; i < n; i++)
		certs[i] = parsed[i].der;
	return RC_OK;
}
