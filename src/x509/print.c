/* SPDX-License-Identifier: Apache-2.0 */
/* print.c - objects as text for people, by libcrypto's printers.
 * Owns:    libcrypto objects for one call.
 * Trusts:  nobody; libcrypto escapes what it prints of names.
 * Threads: pure functions. */
#include "x509/print.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "x509/crl.h"
#include "x509/impl.h"
#include "x509/name.h"

enum {
	PRINT_DER_MAX = 64 * 1024 * 1024
};

/* Moves what was printed into out; frees bio. */
static enum rc
take(struct buf *out, BIO *bio, int good, struct err *e)
{
	char *data = NULL;
	long n;

	if (good != 1 || bio == NULL) {
		BIO_free(bio);
		return err_openssl(e, RC_INVALID, "print");
	}
	n = BIO_get_mem_data(bio, &data);
	if (n > 0)
		buf_add(out, data, (size_t)n);
	BIO_free(bio);
	return buf_check(out, e);
}

enum rc
print_cert(struct buf *out, struct view der, struct err *e)
{
	const unsigned char *p = der.data;
	BIO *bio;
	X509 *c;
	int good = 0;

	ERR_clear_error();
	c = der.len <= PRINT_DER_MAX ? d2i_X509(NULL, &p, (long)der.len) : NULL;
	if (c == NULL)
		return err_openssl(e, RC_INVALID, "certificate");
	bio = BIO_new(BIO_s_mem());
	if (bio != NULL)
		good = X509_print_ex(bio, c, XN_FLAG_RFC2253, 0);
	X509_free(c);
	return take(out, bio, good, e);
}

enum rc
print_req(struct buf *out, struct view der, struct err *e)
{
	const unsigned char *p = der.data;
	BIO *bio;
	X509_REQ *r;
	int good = 0;

	ERR_clear_error();
	r = der.len <= PRINT_DER_MAX ? d2i_X509_REQ(NULL, &p, (long)der.len)
				     : NULL;
	if (r == NULL)
		return err_openssl(e, RC_INVALID, "request");
	bio = BIO_new(BIO_s_mem());
	if (bio != NULL)
		good = X509_REQ_print_ex(bio, r, XN_FLAG_RFC2253, 0);
	X509_REQ_free(r);
	return take(out, bio, good, e);
}

/* ---- lists: by our own reader, they may have a million entries ---- */

static void
put_date(struct buf *out, const char *label, int64_t t)
{
	char text[CLOCK_TEXT_MAX];

	buf_addf(out, "%s%s\n", label, clock_text_iso_zone(text, t));
}

static void
put_entry(struct buf *out, const struct crl_entry *x)
{
	char serial[NUM_TEXT_MAX];

	buf_addf(
	    out, "        Serial Number: %s\n", num_0x(serial, &x->serial));
	put_date(out, "        Revocation Date: ", x->date);
	if (x->reason >= 0)
		buf_addf(
		    out, "        Reason: %s\n", crl_reason_label(x->reason));
	if (x->has_invalidity)
		put_date(out, "        Invalidity Date: ", x->invalidity);
}

enum rc
print_crl(
    struct buf *out, struct view der, size_t first, size_t count, struct err *e)
{
	char number[NUM_TEXT_MAX];
	struct crl_entry x;
	struct crl c;
	struct num n;
	struct view r;
	size_t i;

	TRY(crl_parse(&c, der, e));
	buf_addf(out, "Certificate Revocation List:\n    Version: %d\n",
	    c.version + 1);
	if (crl_sigalg(&c) != SIGALG_COUNT)
		buf_addf(out, "    Signature Algorithm: %s\n",
		    sigalg_name(crl_sigalg(&c)));
	buf_add_str(out, "    Issuer: ");
	TRY(name_text(out, c.issuer, e));
	buf_add_char(out, '\n');
	put_date(out, "    This Update: ", c.this_update);
	if (c.next_update != 0)
		put_date(out, "    Next Update: ", c.next_update);
	if (crl_number(&c, &n))
		buf_addf(out, "    CRL Number: %s\n", num_dec(number, &n));
	if (crl_delta_base(&c, &n))
		buf_addf(out, "    Base CRL Number: %s\n", num_dec(number, &n));
	buf_add_str(out, "    Revoked Certificates:\n");
	for (i = 0, r = c.entries; r.len > 0; i++) {
		if (i >= first && i - first >= count)
			break;
		TRY(crl_entry_next(&r, &x, e));
		if (i >= first)
			put_entry(out, &x);
	}
	return buf_check(out, e);
}

void
print_hex(struct buf *out, struct view v, size_t width)
{
	size_t i;

	for (i = 0; i < v.len; i++) {
		if (i > 0)
			buf_add_str(
			    out, width > 0 && i % width == 0 ? ":\n" : ":");
		buf_addf(out, "%02X", (unsigned int)v.data[i]);
	}
	if (v.len > 0)
		buf_add_char(out, '\n');
}
