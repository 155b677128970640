/* SPDX-License-Identifier: Apache-2.0 */
/* crmf_test.c - certificate request messages against libcrypto and abuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/crmf.h>
#include <openssl/x509v3.h>

#include "der/reader.h"
#include "der/writer.h"
#include "x509/crmf.h"
#include "x509/fixture.h"
#include "x509/name.h"

static void
sign(struct buf *out, EVP_PKEY *key, struct view data)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t sig[512];
	size_t len = sizeof(sig);

	assert_int_equal(
	    EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(md, sig, &len, data.data, data.len), 1);
	EVP_MD_CTX_free(md);
	buf_add(out, sig, len);
}

/* Our own message: subject, key, keyUsage, archive, signed. */
static void
make_ours(struct buf *out, bool archive, bool pop)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF name = buf_empty(0);
	AUTO_BUF req = buf_empty(0);
	AUTO_BUF sig = buf_empty(0);
	AUTO_BUF opt = buf_empty(0);
	AUTO_BUF oid = buf_empty(0);
	AUTO_BUF v = buf_empty(0);
	struct ext_list exts;

	ext_list_init(&exts, a);
	ext_put_bits(&v, EXT_KU_DIGITAL_SIGNATURE);
	assert_int_equal(
	    ext_list_set_buf(&exts, OID_keyUsage, true, &v, NULL), RC_OK);
	assert_int_equal(
	    name_parse(&name, view_str("UID=me,O=x"), NULL), RC_OK);
	assert_int_equal(
	    oid_parse(&oid, "2.16.840.1.101.3.4.1.2", NULL), RC_OK);
	if (archive)
		crmf_archive_put(&opt, buf_view(&oid),
		    view_str("0123456789abcdef"), view_str("session"),
		    view_str("wrapped\0"));
	assert_int_equal(crmf_request_put(&req, buf_view(&name),
			     fix_spki(fix_ec()), &exts, buf_view(&opt), NULL),
	    RC_OK);
	if (pop)
		sign(&sig, fix_ec(), buf_view(&req));
	crmf_messages_put(
	    out, buf_view(&req), SIGALG_SHA256_EC, buf_view(&sig));
}

static void
crmf_messages_put_satisfies_libcrypto(void **state)
{
	AUTO_BUF der = buf_empty(0);
	OSSL_CRMF_MSGS *msgs;
	const unsigned char *p;

	(void)state;
	make_ours(&der, true, true);
	p = der.data;
	msgs = d2i_OSSL_CRMF_MSGS(NULL, &p, (long)der.len);
	assert_non_null(msgs);
	assert_ptr_equal(p, der.data + der.len);
	assert_int_equal(OSSL_CRMF_MSGS_verify_popo(msgs, 0, 0, NULL, NULL), 1);
	OSSL_CRMF_MSGS_free(msgs);
}

static void
crmf_parse_reads_back_what_put_wrote(void **state)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF text = buf_empty(0);
	struct crmf_msg m[2];
	struct ext x;
	size_t n = 0;

	(void)state;
	make_ours(&der, true, true);
	assert_int_equal(crmf_parse(m, 2, &n, buf_view(&der), a, NULL), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(m[0].id, 1);
	assert_int_equal(name_text(&text, m[0].subject, NULL), RC_OK);
	assert_string_equal(buf_cstr(&text), "UID=me,O=x");
	fix_equal(m[0].spki, fix_spki(fix_ec()));
	assert_true(ext_find(m[0].exts, OID_keyUsage, &x));
	assert_int_equal(m[0].pop, CRMF_POP_SIGNATURE);
	assert_false(m[0].pop_has_input);
	assert_int_equal(sigalg_of(m[0].pop_sigalg), SIGALG_SHA256_EC);
	assert_int_equal(m[0].archive.data[0], 0xa0);
	buf_reset(&der);
	make_ours(&der, false, false);
	assert_int_equal(crmf_parse(m, 2, &n, buf_view(&der), a, NULL), RC_OK);
	assert_int_equal(m[0].pop, CRMF_POP_NONE);
	assert_int_equal(m[0].archive.len, 0);
}

/* libcrypto's message with all it can put into a template. */
static void
make_theirs(struct buf *out, int pop)
{
	OSSL_CRMF_MSG *msg = OSSL_CRMF_MSG_new();
	OSSL_CRMF_MSGS *msgs = sk_OSSL_CRMF_MSG_new_null();
	OSSL_CRMF_CERTTEMPLATE *t = OSSL_CRMF_MSG_get0_tmpl(msg);
	X509_NAME *n = fix_name("C=DE/CN=me");
	ASN1_TIME *from = ASN1_TIME_set(NULL, 1700000000);
	ASN1_TIME *to = ASN1_TIME_set(NULL, 1800000000);
	X509_EXTENSIONS *exts = sk_X509_EXTENSION_new_null();

	sk_X509_EXTENSION_push(exts,
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:a.b"));
	assert_int_equal(
	    OSSL_CRMF_CERTTEMPLATE_fill(t, fix_ec(), n, n, NULL), 1);
	assert_int_equal(OSSL_CRMF_MSG_set0_validity(msg, from, to), 1);
	assert_int_equal(OSSL_CRMF_MSG_set_certReqId(msg, 5), 1);
	assert_int_equal(OSSL_CRMF_MSG_set0_extensions(msg, exts), 1);
	{
		ASN1_UTF8STRING *token = ASN1_UTF8STRING_new();

		ASN1_STRING_set(token, "tok", 3);
		assert_int_equal(
		    OSSL_CRMF_MSG_set1_regCtrl_regToken(msg, token), 1);
		assert_int_equal(
		    OSSL_CRMF_MSG_set1_regInfo_utf8Pairs(msg, token), 1);
		ASN1_UTF8STRING_free(token);
	}
	assert_int_equal(OSSL_CRMF_MSG_create_popo(
			     pop, msg, fix_ec(), EVP_sha256(), NULL, NULL),
	    1);
	sk_OSSL_CRMF_MSG_push(msgs, msg);
	FIX_DER(out, OSSL_CRMF_MSGS, msgs);
	sk_OSSL_CRMF_MSG_pop_free(msgs, OSSL_CRMF_MSG_free);
	X509_NAME_free(n);
}

static void
crmf_parse_reads_libcryptos(void **state)
{
	static const struct {
		int theirs;
		enum crmf_pop ours;
	} pops[] = { { OSSL_CRMF_POPO_NONE, CRMF_POP_NONE },
		{ OSSL_CRMF_POPO_RAVERIFIED, CRMF_POP_RA_VERIFIED },
		{ OSSL_CRMF_POPO_SIGNATURE, CRMF_POP_SIGNATURE },
		{ OSSL_CRMF_POPO_KEYENC, CRMF_POP_ENCIPHERMENT } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pops) / sizeof(pops[0]); i++) {
		AUTO(arena) a = arena_new(0);
		AUTO_BUF der = buf_empty(0);
		struct crmf_msg m;
		struct err e = { 0 };
		struct ext x;
		size_t n = 0;

		make_theirs(&der, pops[i].theirs);
		fix_corpus("crmf", buf_view(&der));
		if (crmf_parse(&m, 1, &n, buf_view(&der), a, &e) != RC_OK)
			fail_msg("%zu: %s", i, e.text);
		assert_int_equal(m.pop, pops[i].ours);
		assert_int_equal(m.id, 5);
		assert_true(m.has_not_before && m.has_not_after);
		assert_int_equal(m.not_before, 1700000000);
		assert_int_equal(m.not_after, 1800000000);
		assert_true(ext_find(m.exts, OID_subjectAltName, &x));
		fix_equal(m.spki, fix_spki(fix_ec()));
	}
}

static enum rc
abuse(struct view der, void *arg, struct err *e)
{
	AUTO(arena) a = arena_new(0);
	struct crmf_msg m[2];
	size_t n;

	(void)arg;
	return crmf_parse(m, 2, &n, der, a, e);
}

static void
crmf_parse_stands_abuse(void **state)
{
	AUTO_BUF ours = buf_empty(0);
	AUTO_BUF theirs = buf_empty(0);

	(void)state;
	make_ours(&ours, true, true);
	fix_corpus("crmf", buf_view(&ours));
	fix_abuse(buf_view(&ours), abuse, NULL);
	make_theirs(&theirs, OSSL_CRMF_POPO_SIGNATURE);
	fix_abuse(buf_view(&theirs), abuse, NULL);
}

/* A message of a template (hex) and what follows it in the CertRequest. */
static enum rc
parse_template(const char *fields, const char *controls, const char *pop)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF der = buf_empty(0);
	struct crmf_msg m;
	size_t k[4], n, start;

	k[0] = der_open(&der, DER_SEQUENCE);
	k[1] = der_open(&der, DER_SEQUENCE);
	k[2] = der_open(&der, DER_SEQUENCE);
	der_put_int(&der, 1);
	k[3] = der_open(&der, DER_SEQUENCE);
	assert_int_equal(text_hex(&der, view_str(fields), NULL), RC_OK);
	start = der.len;
	der_put_raw(&der, fix_spki(fix_ec()));
	der.data[start] = DER_CONTEXT_CONS(6);
	der_close(&der, k[3]);
	assert_int_equal(text_hex(&der, view_str(controls), NULL), RC_OK);
	der_close(&der, k[2]);
	assert_int_equal(text_hex(&der, view_str(pop), NULL), RC_OK);
	der_close(&der, k[1]);
	der_close(&der, k[0]);
	fix_corpus("crmf", buf_view(&der));
	return crmf_parse(&m, 1, &n, buf_view(&der), a, NULL);
}

static void
crmf_parse_judges_fields_one_by_one(void **state)
{
	(void)state;
	assert_int_equal(parse_template("", "", ""), RC_OK);
	assert_int_equal(parse_template("800102", "", ""), RC_OK);
	assert_int_equal(parse_template("810101", "", ""), RC_OK);
	assert_int_equal(parse_template("a203060129", "", ""), RC_OK);
	assert_int_equal(parse_template("a203060229", "", ""), RC_INVALID);
	assert_int_equal(parse_template("800101", "", ""), RC_INVALID);
	assert_int_equal(parse_template("800102800102", "", ""), RC_INVALID);
	assert_int_equal(parse_template("810101800102", "", ""), RC_INVALID);
	assert_int_equal(parse_template("aa00", "", ""), RC_INVALID);
	assert_int_equal(parse_template("0500", "", ""), RC_INVALID);
	assert_int_equal(parse_template("a402a000", "", ""), RC_INVALID);
	assert_int_equal(parse_template("a5023000", "", ""), RC_OK);
	assert_int_equal(parse_template("a5043000"
					"0500",
			     "", ""),
	    RC_INVALID);
	/* pkiArchiveOptions twice; a popLinkWitness */
	assert_int_equal(parse_template("",
			     "3024300f06092b060105050705"
			     "0104a0020500"
			     "301106092b0601050507050104a004a0020500",
			     ""),
	    RC_INVALID);
	assert_int_equal(
	    parse_template("", "300f300d06082b06010505070717040161", ""),
	    RC_OK);
	assert_int_equal(parse_template("", "", "8000"), RC_OK);
	assert_int_equal(parse_template("", "", "800100"), RC_INVALID);
	assert_int_equal(parse_template("", "", "a303820100"), RC_OK);
	assert_int_equal(parse_template("", "", "a400"), RC_INVALID);
	assert_int_equal(
	    parse_template("", "", "a110a0020500300506032a030403030000ff"),
	    RC_OK);
	assert_int_equal(parse_template("", "", "80003000"), RC_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crmf_messages_put_satisfies_libcrypto),
		cmocka_unit_test(crmf_parse_reads_back_what_put_wrote),
		cmocka_unit_test(crmf_parse_reads_libcryptos),
		cmocka_unit_test(crmf_parse_stands_abuse),
		cmocka_unit_test(crmf_parse_judges_fields_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
