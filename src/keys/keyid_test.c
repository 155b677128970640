/* SPDX-License-Identifier: Apache-2.0 */
/* keyid_test.c - key ids and token names.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "keys/keyid.h"
#include "keys/names.h"

/* The documented pairs. */
static const char *const pairs[][2] = {
	{ "a7b0944b7b8397729a4c8c9af3a9c2b96f49c6f3",
	    "-584f6bb4847c688d65b373650c563d4690b6390d" },
	{ "6006094af3e5d02aaa91426594ca66cb53e73ac0",
	    "6006094af3e5d02aaa91426594ca66cb53e73ac0" },
	{ "d684da39bf4f2789a3fc9d42204596f4578ad2d9",
	    "-297b25c640b0d8765c0362bddfba690ba8752d27" },
	{ "a8edd7c2b5c94f13144cacd99624578ae30b7e43",
	    "-5712283d4a36b0ecebb3532669dba8751cf481bd" },
	{ "2fe35d9d46b373efabe9ef01b8436667a70df096",
	    "2fe35d9d46b373efabe9ef01b8436667a70df096" },
	/* no padding: 38 and 39 digits, zero, the ends of the range */
	{ "00e35d9d46b373efabe9ef01b8436667a70df096",
	    "e35d9d46b373efabe9ef01b8436667a70df096" },
	{ "fffe35d9d46b373efabe9ef01b8436667a70df09",
	    "-1ca262b94c8c10541610fe47bc999858f20f7" },
	{ "0000000000000000000000000000000000000000", "0" },
	{ "ffffffffffffffffffffffffffffffffffffffff", "-1" },
	{ "8000000000000000000000000000000000000000",
	    "-8000000000000000000000000000000000000000" },
	{ "7fffffffffffffffffffffffffffffffffffffff",
	    "7fffffffffffffffffffffffffffffffffffffff" },
};

static void
keyid_converts_the_documented_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		uint8_t id[KEYID_LEN], back[KEYID_LEN];
		char text[KEYID_TEXT_MAX];
		struct err e;

		assert_int_equal(keyid_parse_hex(id, pairs[i][0], &e), RC_OK);
		assert_int_equal(
		    keyid_encode(text, view_of(id, KEYID_LEN), &e), RC_OK);
		assert_string_equal(text, pairs[i][1]);
		assert_int_equal(keyid_decode(back, pairs[i][1], &e), RC_OK);
		assert_memory_equal(id, back, KEYID_LEN);
	}
}

static void
keyid_tolerates_blanks(void **state)
{
	uint8_t id[KEYID_LEN];

	(void)state;
	assert_int_equal(keyid_decode(id, "  -1 ", NULL), RC_OK);
	assert_int_equal(id[0], 0xff);
}

static void
keyid_refuses_what_is_no_id(void **state)
{
	static const char *const bad[] = {
		"",
		"-",
		"--1",
		"xyz",
		"1-",
		"1 2",
		"-0",
		/* 21 bytes when signed */
		"8000000000000000000000000000000000000000",
		"-8000000000000000000000000000000000000001",
		"12fe35d9d46b373efabe9ef01b8436667a70df0961",
	};
	uint8_t id[KEYID_LEN];
	char text[KEYID_TEXT_MAX];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(keyid_decode(id, bad[i], &e), RC_INVALID);
		assert_true(text_starts(e.text, "Unable to decode Key ID: "));
	}
	assert_int_equal(
	    keyid_encode(text, view_of("\x01\xab", 2), &e), RC_INVALID);
	assert_string_equal(e.text, "Unable to encode Key ID: 01ab");
	assert_int_equal(keyid_parse_hex(id, "a7b0", &e), RC_INVALID);
}

static void
names_know_the_internal_token(void **state)
{
	const char *nick;

	(void)state;
	assert_true(names_is_internal(NULL));
	assert_true(names_is_internal(""));
	assert_true(names_is_internal("Internal"));
	assert_true(names_is_internal("internal key storage token"));
	assert_false(names_is_internal("HSM"));
	assert_true(names_same("", "internal"));
	assert_false(names_same("", "HSM"));
	assert_true(names_same("HSM", "HSM"));
	assert_false(names_same("HSM", "hsm"));
	assert_int_equal(names_split("HSM:ca cert", &nick), 3);
	assert_string_equal(nick, "ca cert");
	assert_int_equal(names_split("ca cert", &nick), 0);
	assert_string_equal(nick, "ca cert");
	assert_int_equal(names_split(":x", &nick), 0);
	assert_string_equal(nick, "x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyid_converts_the_documented_values),
		cmocka_unit_test(keyid_tolerates_blanks),
		cmocka_unit_test(keyid_refuses_what_is_no_id),
		cmocka_unit_test(names_know_the_internal_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
