/* SPDX-License-Identifier: Apache-2.0 */
/* req_test.c - PKCS #10 and SPKAC against libcrypto and abuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "der/reader.h"
#include "der/writer.h"
#include "x509/fixture.h"
#include "x509/name.h"
#include "x509/req.h"

static X509_REQ *
make(EVP_PKEY *key, bool with_exts)
{
	X509_REQ *r = X509_REQ_new();
	X509_NAME *n = fix_name("C=DE/CN=me");
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();

	X509_REQ_set_version(r, 0);
	X509_REQ_set_subject_name(r, n);
	X509_REQ_set_pubkey(r, key);
	if (with_exts) {
		sk_X509_EXTENSION_push(exts,
		    X509V3_EXT_conf_nid(
			NULL, NULL, NID_subject_alt_name, "DNS:a.b"));
		sk_X509_EXTENSION_push(exts,
		    X509V3_EXT_conf_nid(
			NULL, NULL, NID_key_usage, "critical,cRLSign"));
		X509_REQ_add_extensions(r, exts);
		X509_REQ_add1_attr_by_txt(r, "challengePassword", MBSTRING_ASC,
		    (const unsigned char *)"pw", -1);
	}
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	assert_true(X509_REQ_sign(r, key, EVP_sha256()) > 0);
	X509_NAME_free(n);
	return r;
}

static void
req_parse_finds_every_field(void **state)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF text = buf_empty(0);
	X509_REQ *r = make(fix_rsa(), true);
	struct req q;
	struct ext x;

	(void)state;
	FIX_DER(&der, X509_REQ, r);
	X509_REQ_free(r);
	assert_int_equal(req_parse(&q, buf_view(&der), NULL), RC_OK);
	assert_int_equal(name_text(&text, q.subject, NULL), RC_OK);
	assert_string_equal(buf_cstr(&text), "CN=me,C=DE");
	fix_equal(q.spki, fix_spki(fix_rsa()));
	assert_int_equal(req_sigalg(&q), SIGALG_SHA256_RSA);
	assert_int_equal(q.sig.len, 256);
	assert_true(ext_find(q.exts, OID_keyUsage, &x));
	assert_true(x.critical);
	assert_true(ext_find(q.exts, OID_subjectAltName, &x));
	assert_false(x.critical);
}

static void
req_tbs_put_equals_libcrypto_and_verifies(void **state)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF tbs = buf_empty(0);
	X509_REQ *r = make(fix_ec(), false);
	struct ext_list exts;
	struct req q;

	(void)state;
	FIX_DER(&der, X509_REQ, r);
	X509_REQ_free(r);
	assert_int_equal(req_parse(&q, buf_view(&der), NULL), RC_OK);
	assert_int_equal(q.exts.len, 0);
	req_tbs_put(&tbs, q.subject, q.spki, NULL);
	fix_equal(buf_view(&tbs), q.tbs);
	buf_reset(&tbs);
	ext_list_init(&exts, a);
	req_tbs_put(&tbs, q.subject, q.spki, &exts);
	fix_equal(buf_view(&tbs), q.tbs);
}

static void
req_tbs_put_carries_extensions(void **state)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF tbs = buf_empty(0);
	AUTO_BUF name = buf_empty(0);
	AUTO_BUF whole = buf_empty(0);
	AUTO_BUF v = buf_empty(0);
	struct ext_list exts;
	struct req q;
	struct ext x;
	uint8_t sig[512];
	size_t len = sizeof(sig), mark;
	const unsigned char *p;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	X509_REQ *r;

	(void)state;
	ext_list_init(&exts, a);
	ext_put_bits(&v, EXT_KU_CRL_SIGN);
	assert_int_equal(
	    ext_list_set_buf(&exts, OID_keyUsage, true, &v, NULL), RC_OK);
	assert_int_equal(name_parse(&name, view_str("CN=x"), NULL), RC_OK);
	req_tbs_put(&tbs, buf_view(&name), fix_spki(fix_rsa()), &exts);
	assert_int_equal(
	    EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, fix_rsa()), 1);
	assert_int_equal(EVP_DigestSign(md, sig, &len, tbs.data, tbs.len), 1);
	EVP_MD_CTX_free(md);
	mark = der_open(&whole, DER_SEQUENCE);
	der_put_raw(&whole, buf_view(&tbs));
	sigalg_put(&whole, SIGALG_SHA256_RSA);
	der_put_bits(&whole, view_of(sig, len));
	der_close(&whole, mark);
	assert_int_equal(req_parse(&q, buf_view(&whole), NULL), RC_OK);
	assert_true(ext_find(q.exts, OID_keyUsage, &x));
	p = whole.data;
	r = d2i_X509_REQ(NULL, &p, (long)whole.len);
	assert_non_null(r);
	assert_int_equal(X509_REQ_verify(r, fix_rsa()), 1);
	X509_REQ_free(r);
}

/* attrs: hex of the [0] element. */
static enum rc
parse_with_attrs(const char *attrs, struct err *e)
{
	AUTO_BUF name = buf_empty(0);
	AUTO_BUF raw = buf_empty(0);
	AUTO_BUF whole = buf_empty(0);
	struct req q;
	size_t outer, tbs;

	assert_int_equal(name_parse(&name, view_str("CN=x"), NULL), RC_OK);
	assert_int_equal(text_hex(&raw, view_str(attrs), NULL), RC_OK);
	outer = der_open(&whole, DER_SEQUENCE);
	tbs = der_open(&whole, DER_SEQUENCE);
	der_put_int(&whole, 0);
	der_put_raw(&whole, buf_view(&name));
	der_put_raw(&whole, fix_spki(fix_ec()));
	der_put_raw(&whole, buf_view(&raw));
	der_close(&whole, tbs);
	sigalg_put(&whole, SIGALG_SHA256_EC);
	der_put_bits(&whole, view_str("sig"));
	der_close(&whole, outer);
	fix_corpus("req", buf_view(&whole));
	return req_parse(&q, buf_view(&whole), e);
}

/* extensionRequest with one keyUsage */
#define ONE                              \
	"301c06092a864886f70d01090e31"   \
	"0f300d300b0603551d0f0404030201" \
	"06"

static void
req_parse_judges_attributes(void **state)
{
	AUTO_BUF many = buf_empty(0);
	AUTO_BUF hex = buf_empty(0);
	size_t mark, i, seq;

	(void)state;
	assert_int_equal(parse_with_attrs("", NULL), RC_OK);
	assert_int_equal(parse_with_attrs("a000", NULL), RC_OK);
	assert_int_equal(parse_with_attrs("a01e" ONE, NULL), RC_OK);
	assert_int_equal(parse_with_attrs("a03c" ONE ONE, NULL), RC_INVALID);
	assert_int_equal(parse_with_attrs("a1020500", NULL), RC_INVALID);
	assert_int_equal(parse_with_attrs("a0020500", NULL), RC_INVALID);
	assert_int_equal(
	    parse_with_attrs("a00f300d06092a864886f70d01090e3100", NULL),
	    RC_INVALID);
	mark = der_open(&many, DER_CONTEXT_CONS(0));
	for (i = 0; i <= REQ_ATTRS_MAX; i++) {
		seq = der_open(&many, DER_SEQUENCE);
		der_put_oid(&many, oid_der(OID_commonName));
		der_put(&many, DER_SET, view_of(NULL, 0));
		der_close(&many, seq);
	}
	der_close(&many, mark);
	buf_add_hex(&hex, buf_view(&many));
	assert_int_equal(parse_with_attrs(buf_cstr(&hex), NULL), RC_TOOBIG);
}

static enum rc
abuse_req(struct view der, void *arg, struct err *e)
{
	struct req q;

	(void)arg;
	return req_parse(&q, der, e);
}

static void
req_parse_stands_abuse(void **state)
{
	AUTO_BUF der = buf_empty(0);
	X509_REQ *r = make(fix_ec(), true);

	(void)state;
	FIX_DER(&der, X509_REQ, r);
	X509_REQ_free(r);
	fix_corpus("req", buf_view(&der));
	fix_abuse(buf_view(&der), abuse_req, NULL);
}

static enum rc
abuse_spkac(struct view der, void *arg, struct err *e)
{
	struct spkac s;

	(void)arg;
	return spkac_parse(&s, der, e);
}

static void
spkac_parse_reads_libcryptos(void **state)
{
	AUTO_BUF der = buf_empty(0);
	NETSCAPE_SPKI *n = NETSCAPE_SPKI_new();
	struct spkac s;

	(void)state;
	NETSCAPE_SPKI_set_pubkey(n, fix_ec());
	ASN1_STRING_set(n->spkac->challenge, "word", 4);
	assert_true(NETSCAPE_SPKI_sign(n, fix_ec(), EVP_sha256()) > 0);
	FIX_DER(&der, NETSCAPE_SPKI, n);
	NETSCAPE_SPKI_free(n);
	assert_int_equal(spkac_parse(&s, buf_view(&der), NULL), RC_OK);
	assert_true(view_is(s.challenge, "word"));
	fix_equal(s.spki, fix_spki(fix_ec()));
	fix_corpus("req", buf_view(&der));
	fix_abuse(buf_view(&der), abuse_spkac, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(req_parse_finds_every_field),
		cmocka_unit_test(req_tbs_put_equals_libcrypto_and_verifies),
		cmocka_unit_test(req_tbs_put_carries_extensions),
		cmocka_unit_test(req_parse_judges_attributes),
		cmocka_unit_test(req_parse_stands_abuse),
		cmocka_unit_test(spkac_parse_reads_libcryptos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
