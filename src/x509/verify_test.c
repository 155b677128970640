/* SPDX-License-Identifier: Apache-2.0 */
/* verify_test.c - chains checked, and objects printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "x509/fixture.h"
#include "x509/print.h"
#include "x509/verify.h"

enum who {
	ROOT,
	SUB,
	SERVER,
	SIGNER,
	OTHER,
	WHO_COUNT,
};

static struct buf ders[WHO_COUNT];
static struct view certs[WHO_COUNT];
static struct buf crl_der;

static void
keep(enum who w, X509 *c)
{
	ders[w] = buf_empty(0);
	FIX_DER(&ders[w], X509, c);
	certs[w] = buf_view(&ders[w]);
}

static int
setup(void **state)
{
	static const char *const ca[] = { "basicConstraints",
		"critical,CA:TRUE", "keyUsage", "critical,keyCertSign,cRLSign",
		NULL };
	static const char *const server[] = { "extendedKeyUsage", "serverAuth",
		NULL };
	static const char *const signer[] = { "extendedKeyUsage", "OCSPSigning",
		NULL };
	EVP_PKEY *sub_key = EVP_EC_gen("P-256");
	X509 *c[WHO_COUNT];
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *n = fix_name("CN=root");
	ASN1_TIME *t = ASN1_TIME_set(NULL, 1700000000);
	int i;

	(void)state;
	c[ROOT] =
	    fix_cert("CN=root", "CN=root", 1, fix_rsa(), fix_rsa(), ca, NULL);
	c[SUB] = fix_cert("CN=root", "CN=sub", 2, sub_key, fix_rsa(), ca, NULL);
	c[SERVER] =
	    fix_cert("CN=sub", "CN=server", 3, fix_ec(), sub_key, server, NULL);
	c[SIGNER] =
	    fix_cert("CN=sub", "CN=signer", 4, fix_ec(), sub_key, signer, NULL);
	c[OTHER] =
	    fix_cert("CN=other", "CN=other", 5, fix_ec(), fix_ec(), ca, NULL);
	for (i = 0; i < WHO_COUNT; i++) {
		keep((enum who)i, c[i]);
		X509_free(c[i]);
	}
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, n);
	X509_CRL_set1_lastUpdate(crl, t);
	assert_true(X509_CRL_sign(crl, fix_rsa(), EVP_sha256()) > 0);
	crl_der = buf_empty(0);
	FIX_DER(&crl_der, X509_CRL, crl);
	X509_CRL_free(crl);
	X509_NAME_free(n);
	ASN1_TIME_free(t);
	EVP_PKEY_free(sub_key);
	return 0;
}

static int
teardown(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < WHO_COUNT; i++)
		buf_done(&ders[i]);
	buf_done(&crl_der);
	return 0;
}

static struct verify_opts
opts(enum verify_purpose p)
{
	return (struct verify_opts){ .roots = &certs[ROOT],
		.roots_count = 1,
		.others = &certs[SUB],
		.others_count = 1,
		.purpose = p,
		.at = 1800000000 };
}

static void
verify_cert_accepts_a_good_chain(void **state)
{
	AUTO(arena) a = arena_new(0);
	struct verify_opts o = opts(VERIFY_SSL_SERVER);
	struct view chain[VERIFY_CHAIN_MAX];
	struct err e = { 0 };
	size_t n = 0;

	(void)state;
	if (verify_cert(certs[SERVER], &o, &e) != RC_OK)
		fail_msg("%s", e.text);
	assert_int_equal(verify_chain(chain, VERIFY_CHAIN_MAX, &n,
			     certs[SERVER], &o, a, NULL),
	    RC_OK);
	assert_int_equal(n, 3);
	fix_equal(chain[0], certs[SERVER]);
	fix_equal(chain[1], certs[SUB]);
	fix_equal(chain[2], certs[ROOT]);
	assert_int_equal(
	    verify_chain(chain, 2, &n, certs[SERVER], &o, a, NULL), RC_TOOBIG);
	o.at = 0;
	assert_int_equal(verify_cert(certs[SERVER], &o, NULL), RC_OK);
	o = opts(VERIFY_OCSP);
	assert_int_equal(verify_cert(certs[SIGNER], &o, NULL), RC_OK);
	o = opts(VERIFY_CA);
	assert_int_equal(verify_cert(certs[SUB], &o, NULL), RC_OK);
	o = opts(VERIFY_ANY);
	o.roots = &certs[SUB];
	o.partial = true;
	assert_int_equal(verify_cert(certs[SERVER], &o, NULL), RC_OK);
}

static void
verify_cert_names_subject_and_reason(void **state)
{
	struct verify_opts o = opts(VERIFY_SSL_CLIENT);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(verify_cert(certs[SERVER], &o, &e), RC_INVALID);
	assert_non_null(strstr(e.text, "CN=server"));
	o = opts(VERIFY_SSL_SERVER);
	o.at = 4100000000;
	assert_int_equal(verify_cert(certs[SERVER], &o, &e), RC_INVALID);
	assert_non_null(strstr(e.text, "expired"));
	o = opts(VERIFY_ANY);
	o.others_count = 0;
	assert_int_equal(verify_cert(certs[SERVER], &o, &e), RC_INVALID);
	assert_int_equal(verify_cert(certs[OTHER], &o, &e), RC_INVALID);
	o = opts(VERIFY_OCSP);
	assert_int_equal(verify_cert(certs[SUB], &o, &e), RC_INVALID);
	o = opts(VERIFY_CA);
	assert_int_equal(verify_cert(certs[SERVER], &o, &e), RC_INVALID);
	o = opts(VERIFY_EMAIL);
	assert_int_equal(verify_cert(certs[SERVER], &o, &e), RC_INVALID);
	assert_int_equal(verify_cert(view_str("x"), &o, &e), RC_INVALID);
	o.roots = &o.others[0];
	o.others = &certs[WHO_COUNT - 1];
	assert_int_equal(verify_cert(certs[SERVER], &o, &e), RC_INVALID);
}

static void
verify_issued_and_crl_check_one_signature(void **state)
{
	(void)state;
	assert_int_equal(verify_issued(certs[SUB], certs[ROOT], NULL), RC_OK);
	assert_int_equal(
	    verify_issued(certs[SERVER], certs[ROOT], NULL), RC_INVALID);
	assert_int_equal(
	    verify_issued(certs[ROOT], view_str("x"), NULL), RC_INVALID);
	ders[SUB].data[ders[SUB].len - 1] ^= 1;
	assert_int_equal(
	    verify_issued(certs[SUB], certs[ROOT], NULL), RC_INVALID);
	ders[SUB].data[ders[SUB].len - 1] ^= 1;
	assert_int_equal(
	    verify_crl(buf_view(&crl_der), certs[ROOT], NULL), RC_OK);
	assert_int_equal(
	    verify_crl(buf_view(&crl_der), certs[SUB], NULL), RC_INVALID);
	assert_int_equal(
	    verify_crl(view_str("x"), certs[ROOT], NULL), RC_INVALID);
	assert_int_equal(
	    verify_crl(buf_view(&crl_der), view_str("x"), NULL), RC_INVALID);
	crl_der.data[crl_der.len - 1] ^= 1;
	assert_int_equal(
	    verify_crl(buf_view(&crl_der), certs[ROOT], NULL), RC_INVALID);
	crl_der.data[crl_der.len - 1] ^= 1;
}

static void
print_shows_names_and_serials(void **state)
{
	AUTO_BUF text = buf_empty(0);

	(void)state;
	assert_int_equal(print_cert(&text, certs[SERVER], NULL), RC_OK);
	assert_non_null(strstr(buf_cstr(&text), "Subject: CN=server"));
	buf_reset(&text);
	assert_int_equal(
	    print_crl(&text, buf_view(&crl_der), 0, 10, NULL), RC_OK);
	assert_non_null(strstr(buf_cstr(&text), "Issuer: CN=root"));
	assert_int_not_equal(print_cert(&text, view_str("x"), NULL), RC_OK);
	assert_int_not_equal(print_req(&text, view_str("x"), NULL), RC_OK);
	assert_int_not_equal(
	    print_crl(&text, view_str("x"), 0, 1, NULL), RC_OK);
	buf_reset(&text);
	print_hex(&text, view_str("abc"), 2);
	assert_string_equal(buf_cstr(&text), "61:62:\n63\n");
}

static void
print_crl_pages_through_entries(void **state)
{
	AUTO_BUF text = buf_empty(0);
	AUTO_BUF der = buf_empty(0);
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *n = fix_name("CN=root");
	ASN1_TIME *t = ASN1_TIME_set(NULL, 1700000000);
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	long i;

	(void)state;
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, n);
	X509_CRL_set1_lastUpdate(crl, t);
	X509_CRL_set1_nextUpdate(crl, t);
	for (i = 1; i <= 5; i++) {
		X509_REVOKED *r = X509_REVOKED_new();
		ASN1_ENUMERATED *why = ASN1_ENUMERATED_new();
		ASN1_GENERALIZEDTIME *g =
		    ASN1_GENERALIZEDTIME_set(NULL, 1700000000);

		ASN1_INTEGER_set(serial, 16 + i);
		X509_REVOKED_set_serialNumber(r, serial);
		X509_REVOKED_set_revocationDate(r, t);
		ASN1_ENUMERATED_set(why, 1);
		X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, why, 0, 0);
		X509_REVOKED_add1_ext_i2d(r, NID_invalidity_date, g, 0, 0);
		ASN1_ENUMERATED_free(why);
		ASN1_GENERALIZEDTIME_free(g);
		X509_CRL_add0_revoked(crl, r);
	}
	ASN1_INTEGER_set(serial, 9);
	X509_CRL_add1_ext_i2d(crl, NID_crl_number, serial, 0, 0);
	X509_CRL_add1_ext_i2d(crl, NID_delta_crl, serial, 0, 0);
	assert_true(X509_CRL_sign(crl, fix_rsa(), EVP_sha256()) > 0);
	FIX_DER(&der, X509_CRL, crl);
	X509_CRL_free(crl);
	X509_NAME_free(n);
	ASN1_TIME_free(t);
	ASN1_INTEGER_free(serial);
	assert_int_equal(print_crl(&text, buf_view(&der), 1, 2, NULL), RC_OK);
	assert_null(strstr(buf_cstr(&text), "0x11\n"));
	assert_non_null(strstr(buf_cstr(&text), "0x12\n"));
	assert_non_null(strstr(buf_cstr(&text), "0x13\n"));
	assert_null(strstr(buf_cstr(&text), "0x14\n"));
	assert_non_null(strstr(buf_cstr(&text), "Key_Compromise"));
	assert_non_null(strstr(buf_cstr(&text), "CRL Number: 9"));
}

static void
print_req_shows_the_subject(void **state)
{
	AUTO_BUF text = buf_empty(0);
	AUTO_BUF der = buf_empty(0);
	X509_REQ *r = X509_REQ_new();
	X509_NAME *n = fix_name("CN=me");

	(void)state;
	X509_REQ_set_subject_name(r, n);
	X509_REQ_set_pubkey(r, fix_ec());
	assert_true(X509_REQ_sign(r, fix_ec(), EVP_sha256()) > 0);
	FIX_DER(&der, X509_REQ, r);
	X509_REQ_free(r);
	X509_NAME_free(n);
	assert_int_equal(print_req(&text, buf_view(&der), NULL), RC_OK);
	assert_non_null(strstr(buf_cstr(&text), "CN=me"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verify_cert_accepts_a_good_chain),
		cmocka_unit_test(verify_cert_names_subject_and_reason),
		cmocka_unit_test(verify_issued_and_crl_check_one_signature),
		cmocka_unit_test(print_shows_names_and_serials),
		cmocka_unit_test(print_crl_pages_through_entries),
		cmocka_unit_test(print_req_shows_the_subject),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
