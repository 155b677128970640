/* SPDX-License-Identifier: Apache-2.0 */
/* cms_test.c - certificates in PKCS #7 and in files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pkcs7.h>

#include "base/text.h"
#include "x509/cms.h"
#include "x509/fixture.h"

#define CERTS 3

/* leaf, intermediate, root */
static struct buf ders[CERTS];
static struct view certs[CERTS];
static X509 *objects[CERTS];

static int
setup(void **state)
{
	static const char *const names[] = { "CN=leaf", "CN=sub/O=x",
		"CN=root/O=x" };
	size_t i;

	(void)state;
	for (i = 0; i < CERTS; i++) {
		objects[i] = fix_cert(names[i + 1 < CERTS ? i + 1 : i],
		    names[i], (long)i + 1, fix_ec(), fix_ec(), NULL, NULL);
		ders[i] = buf_empty(0);
		FIX_DER(&ders[i], X509, objects[i]);
		certs[i] = buf_view(&ders[i]);
	}
	return 0;
}

static int
teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < CERTS; i++) {
		X509_free(objects[i]);
		buf_done(&ders[i]);
	}
	return 0;
}

static void
cms_certs_put_equals_libcrypto(void **state)
{
	AUTO_BUF ours = buf_empty(0);
	AUTO_BUF theirs = buf_empty(0);
	PKCS7 *p7 = PKCS7_new();
	size_t i;

	(void)state;
	assert_int_equal(PKCS7_set_type(p7, NID_pkcs7_signed), 1);
	assert_int_equal(PKCS7_content_new(p7, NID_pkcs7_data), 1);
	assert_int_equal(PKCS7_set_detached(p7, 1), 1);
	for (i = 0; i < CERTS; i++)
		assert_int_equal(PKCS7_add_certificate(p7, objects[i]), 1);
	FIX_DER(&theirs, PKCS7, p7);
	PKCS7_free(p7);
	cms_certs_put(&ours, certs, CERTS, NULL, 0);
	fix_equal(buf_view(&ours), buf_view(&theirs));
}

static void
cms_certs_put_carries_lists(void **state)
{
	AUTO_BUF ours = buf_empty(0);
	AUTO_BUF der = buf_empty(0);
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *n = fix_name("CN=root");
	ASN1_TIME *t = ASN1_TIME_set(NULL, 1700000000);
	const unsigned char *p;
	struct view v;
	PKCS7 *p7;

	(void)state;
	X509_CRL_set_issuer_name(crl, n);
	X509_CRL_set1_lastUpdate(crl, t);
	assert_true(X509_CRL_sign(crl, fix_ec(), EVP_sha256()) > 0);
	FIX_DER(&der, X509_CRL, crl);
	X509_CRL_free(crl);
	X509_NAME_free(n);
	ASN1_TIME_free(t);
	v = buf_view(&der);
	cms_certs_put(&ours, NULL, 0, &v, 1);
	p = ours.data;
	p7 = d2i_PKCS7(NULL, &p, (long)ours.len);
	assert_non_null(p7);
	assert_int_equal(sk_X509_CRL_num(p7->d.sign->crl), 1);
	PKCS7_free(p7);
}

static void
same(const struct view *got, size_t n)
{
	size_t i;

	assert_int_equal(n, CERTS);
	for (i = 0; i < n; i++)
		fix_equal(got[i], certs[i]);
}

static void
cms_certs_parse_reads_what_put_wrote(void **state)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF der = buf_empty(0);
	struct view got[CERTS];
	size_t n = 0;

	(void)state;
	cms_certs_put(&der, certs, CERTS, NULL, 0);
	assert_int_equal(
	    cms_certs_parse(got, CERTS, &n, buf_view(&der), a, NULL), RC_OK);
	same(got, n);
	assert_int_equal(
	    cms_certs_parse(got, CERTS - 1, &n, buf_view(&der), a, NULL),
	    RC_TOOBIG);
}

static void
cms_certs_parse_reads_ber(void **state)
{
	/* indefinite lengths around one certificate */
	static const uint8_t head[] = { 0x30, 0x80, 0x06, 0x09, 0x2a, 0x86,
		0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02, 0xa0, 0x80, 0x30,
		0x80, 0x02, 0x01, 0x01, 0x31, 0x00, 0x30, 0x80, 0x06, 0x09,
		0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01, 0x00,
		0x00, 0xa0, 0x80 };
	static const uint8_t tail[] = { 0, 0, 0x31, 0x00, 0, 0, 0, 0, 0, 0 };
	AUTO(arena) a = arena_new(0);
	AUTO_BUF ber = buf_empty(0);
	struct view got[CERTS];
	size_t n = 0;

	(void)state;
	buf_add(&ber, head, sizeof(head));
	buf_add_view(&ber, certs[0]);
	buf_add(&ber, tail, sizeof(tail));
	fix_corpus("cms", buf_view(&ber));
	assert_int_equal(
	    cms_certs_parse(got, CERTS, &n, buf_view(&ber), a, NULL), RC_OK);
	assert_int_equal(n, 1);
	fix_equal(got[0], certs[0]);
}

static void
cms_certs_any_reads_every_usual_form(void **state)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF p7 = buf_empty(0);
	AUTO_BUF file = buf_empty(0);
	struct view got[CERTS];
	size_t n = 0, i;

	(void)state;
	cms_certs_put(&p7, certs, CERTS, NULL, 0);
	assert_int_equal(
	    cms_certs_any(got, CERTS, &n, buf_view(&p7), a, NULL), RC_OK);
	same(got, n);
	text_add_pem(&file, "PKCS7", buf_view(&p7), "\r\n");
	assert_int_equal(
	    cms_certs_any(got, CERTS, &n, buf_view(&file), a, NULL), RC_OK);
	same(got, n);
	buf_reset(&file);
	buf_add_base64(&file, buf_view(&p7), 64, "\n");
	assert_int_equal(
	    cms_certs_any(got, CERTS, &n, buf_view(&file), a, NULL), RC_OK);
	same(got, n);
	buf_reset(&file);
	for (i = 0; i < CERTS; i++) {
		buf_addf(&file, "subject %zu\n", i);
		text_add_pem(&file, "CERTIFICATE", certs[i], "\n");
	}
	text_add_pem(&file, "PRIVATE KEY", view_str("secret"), "\n");
	fix_corpus("cms", buf_view(&file));
	assert_int_equal(
	    cms_certs_any(got, CERTS, &n, buf_view(&file), a, NULL), RC_OK);
	same(got, n);
	assert_int_equal(
	    cms_certs_any(got, CERTS, &n, certs[1], a, NULL), RC_OK);
	assert_int_equal(n, 1);
	fix_equal(got[0], certs[1]);
	buf_reset(&file);
	buf_add_base64(&file, certs[1], 0, "");
	assert_int_equal(
	    cms_certs_any(got, CERTS, &n, buf_view(&file), a, NULL), RC_OK);
	assert_int_equal(n, 1);
}

static void
cms_certs_any_rejects_what_has_no_certificate(void **state)
{
	static const char *const bad[] = { "", "x", "0", "MAA=",
		"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----",
		"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
		"-----BEGIN CERTIFICATE-----\nMAA=\n",
		"-----BEGIN CERTIFICATE-----\nMAA=\n-----END" };
	AUTO(arena) a = arena_new(0);
	AUTO_BUF empty = buf_empty(0);
	struct view got[CERTS];
	size_t n = 0, i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };

		fix_corpus("cms", view_str(bad[i]));
		assert_int_not_equal(
		    cms_certs_any(got, CERTS, &n, view_str(bad[i]), a, &e),
		    RC_OK);
		assert_true(e.text[0] != '\0');
	}
	cms_certs_put(&empty, NULL, 0, NULL, 0);
	assert_int_equal(
	    cms_certs_parse(got, CERTS, &n, buf_view(&empty), a, NULL), RC_OK);
	assert_int_equal(n, 0);
	assert_int_equal(
	    cms_certs_any(got, CERTS, &n, buf_view(&empty), a, NULL), RC_OK);
}

static void
cms_chain_order_puts_the_leaf_first(void **state)
{
	static const int orders[][CERTS] = { { 0, 1, 2 }, { 0, 2, 1 },
		{ 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct view got[CERTS];
	size_t i, k;

	(void)state;
	for (i = 0; i < 6; i++) {
		for (k = 0; k < CERTS; k++)
			got[k] = certs[orders[i][k]];
		assert_int_equal(cms_chain_order(got, CERTS, NULL), RC_OK);
		same(got, CERTS);
	}
	got[0] = certs[2];
	got[1] = certs[0];
	assert_int_equal(cms_chain_order(got, 2, NULL), RC_OK);
	assert_int_equal(cms_chain_order(got, 0, NULL), RC_OK);
	got[0] = view_str("x");
	assert_int_not_equal(cms_chain_order(got, 1, NULL), RC_OK);
	assert_int_equal(
	    cms_chain_order(got, CMS_CERTS_MAX + 1, NULL), RC_TOOBIG);
}

static enum rc
abuse_p7(struct view der, void *arg, struct err *e)
{
	AUTO(arena) a = arena_new(0);
	struct view got[CERTS];
	size_t n;
	enum rc rc = cms_certs_parse(got, CERTS, &n, der, a, e);

	(void)arg;
	/* BER may arrive: only that nothing breaks is asked */
	if (rc == RC_OK && !fix_is_der(der))
		return err_set(e, RC_UNSUPPORTED, "accepted as BER");
	return rc;
}

static void
cms_certs_parse_stands_abuse(void **state)
{
	AUTO_BUF der = buf_empty(0);

	(void)state;
	cms_certs_put(&der, certs, 1, NULL, 0);
	fix_corpus("cms", buf_view(&der));
	fix_abuse(buf_view(&der), abuse_p7, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cms_certs_put_equals_libcrypto),
		cmocka_unit_test(cms_certs_put_carries_lists),
		cmocka_unit_test(cms_certs_parse_reads_what_put_wrote),
		cmocka_unit_test(cms_certs_parse_reads_ber),
		cmocka_unit_test(cms_certs_any_reads_every_usual_form),
		cmocka_unit_test(cms_certs_any_rejects_what_has_no_certificate),
		cmocka_unit_test(cms_chain_order_puts_the_leaf_first),
		cmocka_unit_test(cms_certs_parse_stands_abuse),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
