/* SPDX-License-Identifier: Apache-2.0 */
/* oid_test.c - the OID and signature algorithm tables against libcrypto.
 * Owns:    nothing.
 * Trusts:  libcrypto's encodings.
 * Threads: one. */
#include "der/oid.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/objects.h>

#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEX(b, s) assert_int_equal(text_hex((b), view_str(s), NULL), RC_OK)

static void
every_table_oid_is_what_libcrypto_makes_of_it(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < OID_COUNT; i++) {
		enum oid o = (enum oid)i;
		ASN1_OBJECT *obj = OBJ_txt2obj(oid_dotted(o), 1);
		AUTO_BUF text = buf_empty(0);
		struct view der = oid_der(o);

		assert_non_null(obj);
		assert_true(
		    view_eq(der, view_of(OBJ_get0_data(obj), OBJ_length(obj))));
		ASN1_OBJECT_free(obj);
		assert_int_equal(oid_find(der), o);
		assert_int_equal(oid_find_text(oid_dotted(o)), o);
		assert_int_equal(oid_text(&text, der, NULL), RC_OK);
		assert_string_equal(buf_cstr(&text), oid_dotted(o));
	}
}

static void
oid_finds_by_label_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(oid_find_text("cn"), OID_commonName);
	assert_int_equal(oid_find_text("Nistp256"), OID_prime256v1);
	assert_int_equal(oid_find_text(""), OID_COUNT);
	assert_int_equal(oid_find_text("2.5.4"), OID_COUNT);
	assert_int_equal(oid_find(view_of(NULL, 0)), OID_COUNT);
}

static void
oid_parse_refuses_malformed_text(void **state)
{
	static const char *const bad[] = { "", "1", "1.", ".1", "1..2", "3.1",
		"1.40", "01.2", "1.2.03", "1.2.x", "1.2 ", "-1.2",
		"1.2.18446744073709551616", "2.18446744073709551615" };
	AUTO_BUF b = buf_empty(0);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_int_equal(oid_parse(&b, bad[i], NULL), RC_INVALID);
	assert_int_equal(oid_parse(&b, NULL, NULL), RC_INVALID);
	assert_int_equal(b.len, 0);
	assert_int_equal(
	    oid_parse(&b, "2.999.18446744073709551615.0", NULL), RC_OK);
	{
		AUTO_BUF text = buf_empty(0);

		assert_int_equal(oid_text(&text, buf_view(&b), NULL), RC_OK);
		assert_string_equal(
		    buf_cstr(&text), "2.999.18446744073709551615.0");
	}
}

static void
oid_text_refuses_malformed_octets(void **state)
{
	static const char *const bad[] = { "", "80", "8001", "2a80", "2a8001",
		"2affffffffffffffffffff7f" };
	AUTO_BUF text = buf_empty(0);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		AUTO_BUF b = buf_empty(0);

		HEX(&b, bad[i]);
		assert_int_equal(
		    oid_text(&text, buf_view(&b), NULL), RC_INVALID);
	}
	assert_int_equal(text.len, 0);
}

static void
signature_algorithms_have_known_encodings(void **state)
{
	static const struct {
		enum sigalg a;
		const char *hex;
	} rows[] = {
		{ SIGALG_SHA256_RSA, "300d06092a864886f70d01010b0500" },
		{ SIGALG_SHA256_EC, "300a06082a8648ce3d040302" },
		{ SIGALG_SHA512_EC, "300a06082a8648ce3d040304" },
		{ SIGALG_SHA256_PSS,
		    "304106092a864886f70d01010a3034a00f300d060960864801650304"
		    "02010500a11c301a06092a864886f70d010108300d06096086480165"
		    "030402010500a203020120" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		AUTO_BUF b = buf_empty(0);
		AUTO_BUF hex = buf_empty(0);

		sigalg_put(&b, rows[i].a);
		buf_add_hex(&hex, buf_view(&b));
		assert_string_equal(buf_cstr(&hex), rows[i].hex);
	}
}

static void
signature_algorithms_round_trip(void **state)
{
	size_t i;
	int a;

	(void)state;
	for (a = 0; a < SIGALG_COUNT; a++) {
		AUTO_BUF b = buf_empty(0);

		sigalg_put(&b, (enum sigalg)a);
		assert_int_equal(sigalg_of(buf_view(&b)), a);
		assert_int_equal(sigalg_find(sigalg_name((enum sigalg)a)), a);
		for (i = 0; i < b.len; i++)
			assert_int_equal(
			    sigalg_of(view_of(b.data, i)), SIGALG_COUNT);
	}
	assert_int_equal(sigalg_find("SHA256withRSAX"), SIGALG_COUNT);
	assert_int_equal(sigalg_find(NULL), SIGALG_COUNT);
	assert_int_equal(
	    sigalg_keytype(sigalg_find("sha384withec")), KEYTYPE_EC);
	assert_true(sigalg_pss(SIGALG_SHA256_PSS));
	assert_int_equal(sigalg_digest(SIGALG_SHA512_RSA), DIGEST_SHA512);
}

/* RFC 4055 section 5: absent parameters are accepted. */
static void
rsa_without_parameters_is_accepted(void **state)
{
	AUTO_BUF b = buf_empty(0);

	(void)state;
	HEX(&b, "300b06092a864886f70d01010b");
	assert_int_equal(sigalg_of(buf_view(&b)), SIGALG_SHA256_RSA);
}

static void
digests_of_abc(void **state)
{
	static const char *const hex[] = {
		"a9993e364706816aba3e25717850c26c9cd0d89d",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
		"ad",
		"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5b"
		"ed8086072ba1e7cc2358baeca134c825a7",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d3"
		"9a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54c"
		"a49f",
	};
	uint8_t out[DIGEST_MAX];
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(hex); i++) {
		AUTO_BUF text = buf_empty(0);

		n = digest_of(out, (enum digest)i, view_str("abc"));
		assert_int_equal(n, digest_len((enum digest)i));
		buf_add_hex(&text, view_of(out, n));
		assert_string_equal(buf_cstr(&text), hex[i]);
	}
	assert_int_equal(digest_of(out, DIGEST_SHA256, view_of(NULL, 0)), 32);
	assert_int_equal(out[0], 0xe3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_table_oid_is_what_libcrypto_makes_of_it),
		cmocka_unit_test(oid_finds_by_label_in_any_case),
		cmocka_unit_test(oid_parse_refuses_malformed_text),
		cmocka_unit_test(oid_text_refuses_malformed_octets),
		cmocka_unit_test(signature_algorithms_have_known_encodings),
		cmocka_unit_test(signature_algorithms_round_trip),
		cmocka_unit_test(rsa_without_parameters_is_accepted),
		cmocka_unit_test(digests_of_abc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
