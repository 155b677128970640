/* SPDX-License-Identifier: Apache-2.0 */
/* clock_test.c - calendar arithmetic and date texts.
 * Owns:    its own temporary folder, if any.
 * Trusts:  nothing.
 * Threads: one, unless a case starts more. */
#include "base/clock.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"

static void
civil_round_trips_every_day(void **state)
{
	int64_t t;
	int weekday = 1; /* 0001-01-01 was a Monday */

	(void)state;
	for (t = INT64_C(-62135596800); t < INT64_C(253402300800); t += 86400) {
		struct civil c = civil_of(t + 86399);

		assert_int_equal(civil_to(&c), t + 86399);
		assert_int_equal(c.weekday, weekday);
		weekday = (weekday + 1) % 7;
	}
}

static void
civil_knows_dates(void **state)
{
	struct civil c = civil_of(1700000000);

	(void)state;
	assert_int_equal(c.year, 2023);
	assert_int_equal(c.month, 11);
	assert_int_equal(c.day, 14);
	assert_int_equal(c.hour, 22);
	assert_int_equal(c.minute, 13);
	assert_int_equal(c.second, 20);
	assert_int_equal(c.weekday, 2);
	assert_int_equal(civil_of(-1).year, 1969);
	assert_int_equal(civil_of(INT64_MAX).year, 9999);
	assert_int_equal(civil_of(INT64_MIN).year, 1);
}

static int64_t
date(const char *s)
{
	int64_t t = 0;

	assert_int_equal(text_date_iso(&t, s, NULL), RC_OK);
	return t;
}

static void
months_clip_to_their_length(void **state)
{
	(void)state;
	assert_int_equal(
	    civil_add_months(date("2024-01-31"), 1), date("2024-02-29"));
	assert_int_equal(
	    civil_add_months(date("2023-01-31"), 1), date("2023-02-28"));
	assert_int_equal(
	    civil_add_months(date("2024-02-29"), 12), date("2025-02-28"));
	assert_int_equal(
	    civil_add_months(date("2024-01-15"), -1), date("2023-12-15"));
	assert_int_equal(civil_add_months(date("2024-12-31 23:59:59"), 2),
	    date("2025-02-28 23:59:59"));
	assert_int_equal(civil_of(civil_add_months(0, INT64_MAX)).year, 9999);
	assert_int_equal(civil_of(civil_add_months(0, INT64_MIN)).year, 1);
}

static void
texts_of_a_time(void **state)
{
	char t[CLOCK_TEXT_MAX];

	(void)state;
	assert_string_equal(clock_text_dir(t, 1700000000), "20231114221320Z");
	assert_string_equal(
	    clock_text_java(t, 1700000000), "Tue Nov 14 22:13:20 UTC 2023");
	assert_string_equal(
	    clock_text_iso(t, 1700000000), "2023-11-14 22:13:20");
	assert_string_equal(
	    clock_text_iso_zone(t, 1700000000), "2023-11-14 22:13:20 +0000");
}

static void
system_clock_runs(void **state)
{
	int64_t a = clock_mono_ms(&clock_system);

	(void)state;
	assert_true(clock_now(&clock_system) > 1700000000);
	assert_true(clock_mono_ms(&clock_system) >= a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(civil_round_trips_every_day),
		cmocka_unit_test(civil_knows_dates),
		cmocka_unit_test(months_clip_to_their_length),
		cmocka_unit_test(texts_of_a_time),
		cmocka_unit_test(system_clock_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
