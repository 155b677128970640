/* SPDX-License-Identifier: Apache-2.0 */
/* text_test.c - text to numbers, bytes and dates.
 * Owns:    its own temporary folder, if any.
 * Trusts:  nothing.
 * Threads: one, unless a case starts more. */
#include "base/text.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
text_int_reads_the_whole_text_or_nothing(void **state)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1x",
		"0x1", "9223372036854775808", "-9223372036854775809",
		"99999999999999999999", "--1", "1.0" };
	int64_t v = 77;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_int_equal(
		    text_int(&v, bad[i], INT64_MIN, INT64_MAX, NULL),
		    RC_INVALID);
	assert_int_equal(text_int(&v, NULL, 0, 9, NULL), RC_INVALID);
	assert_int_equal(text_int(&v, "10", 0, 9, NULL), RC_INVALID);
	assert_int_equal(text_int(&v, "-1", 0, 9, NULL), RC_INVALID);
	assert_int_equal(v, 77);
	assert_int_equal(
	    text_int(&v, "-9223372036854775808", INT64_MIN, INT64_MAX, NULL),
	    RC_OK);
	assert_true(v == INT64_MIN);
	assert_int_equal(
	    text_int(&v, "9223372036854775807", INT64_MIN, INT64_MAX, NULL),
	    RC_OK);
	assert_true(v == INT64_MAX);
	assert_int_equal(text_int(&v, "007", 0, 9, NULL), RC_OK);
	assert_int_equal(v, 7);
}

static void
text_bool_knows_five_words(void **state)
{
	(void)state;
	assert_true(text_bool("true") && text_bool("YES") && text_bool("On") &&
	    text_bool("t") && text_bool("1"));
	assert_false(text_bool("") || text_bool(NULL) || text_bool("0") ||
	    text_bool("truely") || text_bool("tru") || text_bool(" true"));
}

static void
text_hex_round_trips(void **state)
{
	uint8_t bytes[256];
	AUTO_BUF hex = buf_empty(0);
	AUTO_BUF back = buf_empty(0);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	buf_add_hex(&hex, view_of(bytes, sizeof(bytes)));
	assert_int_equal(text_hex(&back, buf_view(&hex), NULL), RC_OK);
	assert_true(view_eq(buf_view(&back), view_of(bytes, sizeof(bytes))));
	for (i = 0; i < 256; i++) {
		uint8_t one[2] = { '0', (uint8_t)i };
		bool ok =
		    strchr("0123456789abcdefABCDEF", (int)i) != NULL && i != 0;

		assert_int_equal(text_hex(&back, view_of(one, 2), NULL),
		    ok ? RC_OK : RC_INVALID);
	}
	assert_int_equal(text_hex(&back, view_str("abc"), NULL), RC_INVALID);
}

static void
text_base64_round_trips_all_lengths(void **state)
{
	uint8_t bytes[100];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	for (n = 0; n <= sizeof(bytes); n++) {
		AUTO_BUF text = buf_empty(0);
		AUTO_BUF back = buf_empty(0);

		buf_add_base64(&text, view_of(bytes, n), 7, " \r\n");
		assert_int_equal(
		    text_base64(&back, buf_view(&text), NULL), RC_OK);
		assert_true(view_eq(buf_view(&back), view_of(bytes, n)));
	}
}

static void
text_base64_rejects_each_truncation_and_foreign_byte(void **state)
{
	const char good[] = "AQIDBAUGBw==";
	char text[sizeof(good)];
	AUTO_BUF out = buf_empty(0);
	size_t i, c;

	(void)state;
	for (i = 1; i < sizeof(good) - 1; i++)
		assert_int_equal(text_base64(&out, view_of(good, i), NULL),
		    i % 4 == 0 ? RC_OK : RC_INVALID);
	out.len = 0;
	for (i = 0; i < sizeof(good) - 1; i++) {
		for (c = 0; c < 256; c++) {
			enum rc rc;

			memcpy(text, good, sizeof(good));
			text[i] = (char)c;
			buf_reset(&out);
			rc = text_base64(
			    &out, view_of(text, sizeof(good) - 1), NULL);
			/* what is accepted is canonical */
			if (rc == RC_OK) {
				AUTO_BUF again = buf_empty(0);

				buf_add_base64(&again, buf_view(&out), 0, "");
				assert_string_equal(buf_cstr(&again), text);
			} else {
				assert_int_equal(out.len, 0);
			}
		}
	}
	assert_int_equal(text_base64(&out, view_str("AB=="), NULL), RC_INVALID);
	assert_int_equal(text_base64(&out, view_str("===="), NULL), RC_INVALID);
	assert_int_equal(
	    text_base64(&out, view_str("AA==AAAA"), NULL), RC_INVALID);
}

static void
text_pem_finds_its_block(void **state)
{
	AUTO_BUF pem = buf_empty(0);
	AUTO_BUF out = buf_empty(0);
	size_t i;

	(void)state;
	buf_add_str(&pem, "Bag Attributes\n");
	text_add_pem(&pem, "PRIVATE KEY", view_str("secret"), "\n");
	text_add_pem(&pem, "CERTIFICATE", view_str("cert"), "\r\n");
	text_add_pem(&pem, "NEW CERTIFICATE REQUEST", view_str("req"), "\n");
	assert_int_equal(
	    text_pem(&out, buf_view(&pem), "CERTIFICATE", NULL), RC_OK);
	assert_string_equal(buf_cstr(&out), "cert");
	buf_reset(&out);
	assert_int_equal(text_pem(&out, buf_view(&pem), NULL, NULL), RC_OK);
	assert_string_equal(buf_cstr(&out), "secret");
	buf_reset(&out);
	assert_int_equal(
	    text_pem(&out, buf_view(&pem), "CERTIFICATE REQUEST", NULL), RC_OK);
	assert_string_equal(buf_cstr(&out), "req");
	assert_int_equal(
	    text_pem(&out, buf_view(&pem), "X509 CRL", NULL), RC_INVALID);
	buf_reset(&out);
	assert_int_equal(
	    text_pem(&out, view_str("Zm9v\nYmFy"), "X", NULL), RC_OK);
	assert_string_equal(buf_cstr(&out), "foobar");
	buf_reset(&pem);
	text_add_pem(&pem, "A", view_str("body"), "\n");
	for (i = 0; i < pem.len; i++) {
		buf_reset(&out);
		if (text_pem(&out, view_of(pem.data, i), "A", NULL) == RC_OK &&
		    out.len > 0)
			assert_string_equal(buf_cstr(&out), "body");
	}
}

static void
text_dates_are_checked(void **state)
{
	static const char *const bad[] = { "", "2026-02-29", "2026-13-01",
		"2026-00-01", "2026-01-00", "2026-1-1", "2026-01-01 24:00:00",
		"2026-01-01 00:60:00", "2026-01-01 00:00:60",
		"2026-01-01T00:00:00", "2026-01-01 ", "0000-01-01",
		"2026-01-01 00:00:00 " };
	const char good[] = "20261121200700Z";
	char text[sizeof(good)];
	int64_t t = 5;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_int_equal(text_date_iso(&t, bad[i], NULL), RC_INVALID);
	assert_int_equal(text_date_dir(&t, NULL, NULL), RC_INVALID);
	assert_int_equal(t, 5);
	assert_int_equal(text_date_iso(&t, "1970-01-02 00:00:01", NULL), RC_OK);
	assert_int_equal(t, 86401);
	assert_int_equal(text_date_dir(&t, good, NULL), RC_OK);
	assert_int_equal(t, 1795291620);
	for (i = 0; i < sizeof(good) - 1; i++) {
		memcpy(text, good, sizeof(good));
		text[i] = '\0';
		assert_int_equal(text_date_dir(&t, text, NULL), RC_INVALID);
		text[i] = 'x';
		assert_int_equal(text_date_dir(&t, text, NULL), RC_INVALID);
	}
}

static void
text_split_trims_and_counts(void **state)
{
	char s[] = " a, b;; ,c ", t[] = "", u[] = "x y\t";
	char *out[3];

	(void)state;
	assert_int_equal(text_split(s, ",;", out, 3), 3);
	assert_string_equal(out[0], "a");
	assert_string_equal(out[1], "b");
	assert_string_equal(out[2], "c");
	assert_int_equal(text_split(t, ",", out, 3), 0);
	assert_int_equal(text_split(u, " ", out, 1), 2);
	assert_string_equal(out[0], "x");
	assert_true(text_ieq("aBc", "AbC") && !text_ieq("a", "ab"));
	assert_true(text_starts("abc", "ab") && !text_starts("a", "ab"));
	assert_true(text_ends("abc", "bc") && !text_ends("c", "bc"));
}

static void
text_quote_escapes_and_cuts(void **state)
{
	char out[TEXT_QUOTE_MAX], longer[300];

	(void)state;
	assert_string_equal(
	    text_quote(out, view_of("a\"\n\xff", 4)), "\"a\\\"\\x0a\\xff\"");
	assert_string_equal(text_quote(out, view_str(NULL)), "\"\"");
	memset(longer, 1, sizeof(longer));
	text_quote(out, view_of(longer, sizeof(longer)));
	assert_true(strlen(out) <= 133);
	assert_true(text_ends(out, "...\""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_int_reads_the_whole_text_or_nothing),
		cmocka_unit_test(text_bool_knows_five_words),
		cmocka_unit_test(text_hex_round_trips),
		cmocka_unit_test(text_base64_round_trips_all_lengths),
		cmocka_unit_test(
		    text_base64_rejects_each_truncation_and_foreign_byte),
		cmocka_unit_test(text_pem_finds_its_block),
		cmocka_unit_test(text_dates_are_checked),
		cmocka_unit_test(text_split_trims_and_counts),
		cmocka_unit_test(text_quote_escapes_and_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
