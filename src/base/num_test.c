/* SPDX-License-Identifier: Apache-2.0 */
/* num_test.c - unsigned integers of up to 20 octets.
 * Owns:    its own temporary folder, if any.
 * Trusts:  nothing.
 * Threads: one, unless a case starts more. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char max_dec[] =
    "1461501637330902918203684832716283019655932542975"; /* 2^160 - 1 */

static void
num_reads_decimal_and_hex(void **state)
{
	char out[NUM_TEXT_MAX];
	struct num n, m;

	(void)state;
	assert_int_equal(num_parse(&n, "26", false, NULL), RC_OK);
	assert_string_equal(num_hex(out, &n), "1a");
	assert_string_equal(num_0x(out, &n), "0x1a");
	assert_string_equal(num_dec(out, &n), "26");
	assert_int_equal(num_parse(&m, "0x1A", false, NULL), RC_OK);
	assert_int_equal(num_cmp(&n, &m), 0);
	assert_int_equal(num_parse(&m, "1a", true, NULL), RC_OK);
	assert_int_equal(num_cmp(&n, &m), 0);
	assert_int_equal(num_parse(&n, "0", false, NULL), RC_OK);
	assert_int_equal(n.len, 1);
	assert_string_equal(num_0x(out, &n), "0x0");
	assert_string_equal(num_dec(out, &n), "0");
	assert_int_equal(num_parse(&n, "000a", true, NULL), RC_OK);
	assert_string_equal(num_hex(out, &n), "a");
}

static void
num_refuses_what_does_not_fit(void **state)
{
	static const char *const bad[] = { "", "0x", "-1", "1a", " 1", "1 ",
		"0x1g", "+1",
		"1461501637330902918203684832716283019655932542976",
		"0x10000000000000000000000000000000000000000" };
	char out[NUM_TEXT_MAX];
	uint8_t be[NUM_MAX + 2] = { 0 };
	struct num n = { 1, { 9 } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    num_parse(&n, bad[i], false, NULL), RC_INVALID);
	assert_int_equal(num_parse(&n, NULL, true, NULL), RC_INVALID);
	assert_int_equal(num_from_view(&n, view_of(NULL, 0), NULL), RC_INVALID);
	be[1] = 1;
	assert_int_equal(
	    num_from_view(&n, view_of(be, sizeof(be)), NULL), RC_INVALID);
	assert_int_equal(n.b[0], 9);
	be[1] = 0;
	be[2] = 1;
	assert_int_equal(
	    num_from_view(&n, view_of(be, sizeof(be)), NULL), RC_OK);
	assert_int_equal(n.len, NUM_MAX);
	assert_int_equal(num_parse(&n, max_dec, false, NULL), RC_OK);
	assert_string_equal(num_dec(out, &n), max_dec);
	assert_string_equal(
	    num_hex(out, &n), "ffffffffffffffffffffffffffffffffffffffff");
}

static void
num_round_trips_and_orders(void **state)
{
	char out[NUM_TEXT_MAX];
	struct num last = num_from_u64(0), n, m;
	uint64_t v;

	(void)state;
	for (v = 1; v < UINT64_MAX / 3; v = v * 3 + 1) {
		n = num_from_u64(v);
		assert_true(num_cmp(&last, &n) < 0);
		assert_int_equal(
		    num_parse(&m, num_dec(out, &n), false, NULL), RC_OK);
		assert_int_equal(num_cmp(&n, &m), 0);
		assert_int_equal(
		    num_parse(&m, num_0x(out, &n), false, NULL), RC_OK);
		assert_int_equal(num_cmp(&n, &m), 0);
		assert_true(view_eq(num_view(&n), num_view(&m)));
		assert_int_equal(num_u64(&n), v);
		last = n;
	}
	n = num_from_u64(UINT64_MAX);
	assert_string_equal(num_dec(out, &n), "18446744073709551615");
	assert_true(num_u64(&n) == UINT64_MAX);
	assert_int_equal(
	    num_parse(&n, "18446744073709551616", false, NULL), RC_OK);
	assert_int_equal(num_u64(&n), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(num_reads_decimal_and_hex),
		cmocka_unit_test(num_refuses_what_does_not_fit),
		cmocka_unit_test(num_round_trips_and_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
