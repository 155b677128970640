/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_test.c - when CRLs are due and what nextUpdate they carry.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: one. */
#include "crl/schedule.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int64_t
at(const char *s)
{
	int64_t t = 0;

	assert_int_equal(text_date_iso(&t, s, NULL), RC_OK);
	return t;
}

/* Settings without their "ca.crl.X." */
static enum rc
load(struct schedule *s, const char *lines, struct err *e)
{
	AUTO(cfg) c = cfg_new();
	AUTO_STR copy = strdup(lines);
	char *parts[20];
	size_t n = text_split(copy, "\n", parts, COUNT(parts)), i;

	for (i = 0; i < n; i++) {
		AUTO_BUF b = buf_empty(0);

		buf_addf(&b, "ca.crl.X.%s\n", parts[i]);
		assert_int_equal(
		    cfg_parse(c, buf_view(&b), "test", NULL), RC_OK);
	}
	return schedule_load(s, c, "X", e);
}

static void
shipped_settings_anchor_the_interval_at_one_o_clock(void **state)
{
	struct schedule s;

	(void)state;
	assert_int_equal(
	    load(&s, "dailyUpdates=1:00\nautoUpdateInterval=240", NULL), RC_OK);
	assert_int_equal(schedule_after(&s, at("2026-11-21 00:00:00")),
	    at("2026-11-21 01:00:00"));
	assert_int_equal(schedule_after(&s, at("2026-11-21 01:00:00")),
	    at("2026-11-21 05:00:00"));
	assert_int_equal(schedule_after(&s, at("2026-11-21 05:00:07")),
	    at("2026-11-21 09:00:00"));
	assert_int_equal(schedule_after(&s, at("2026-11-21 21:00:00")),
	    at("2026-11-22 01:00:00"));
	assert_int_equal(
	    schedule_next_update(&s, at("2026-11-21 21:00:00"), true, 1),
	    at("2026-11-22 01:00:00"));
}

static void
an_interval_that_does_not_divide_the_day_begins_anew(void **state)
{
	struct schedule s;

	(void)state;
	assert_int_equal(
	    load(&s, "dailyUpdates=0:30\nautoUpdateInterval=1000", NULL),
	    RC_OK);
	assert_int_equal(schedule_after(&s, at("2026-11-21 00:30:00")),
	    at("2026-11-21 17:10:00"));
	assert_int_equal(schedule_after(&s, at("2026-11-21 17:10:00")),
	    at("2026-11-22 00:30:00"));
}

static void
several_times_and_an_interval_give_the_earlier(void **state)
{
	struct schedule s;

	(void)state;
	assert_int_equal(
	    load(&s, "dailyUpdates=6:00, 18:00\nautoUpdateInterval=600", NULL),
	    RC_OK);
	assert_int_equal(schedule_after(&s, at("2026-11-21 05:00:00")),
	    at("2026-11-21 06:00:00"));
	assert_int_equal(schedule_after(&s, at("2026-11-21 06:00:00")),
	    at("2026-11-21 16:00:00"));
	assert_int_equal(schedule_after(&s, at("2026-11-21 16:00:00")),
	    at("2026-11-21 18:00:00"));
}

static void
rules_can_be_switched_off(void **state)
{
	struct schedule s;

	(void)state;
	assert_int_equal(load(&s,
			     "dailyUpdates=6:00,18:00\n"
			     "enableUpdateInterval=false",
			     NULL),
	    RC_OK);
	assert_int_equal(schedule_after(&s, at("2026-11-21 18:00:00")),
	    at("2026-11-22 06:00:00"));
	assert_int_equal(load(&s,
			     "dailyUpdates=6:00\nenableDailyUpdates=false\n"
			     "autoUpdateInterval=60",
			     NULL),
	    RC_OK);
	assert_int_equal(schedule_after(&s, 1000), 4600);
	assert_int_equal(load(&s, "autoUpdateInterval=0", NULL), RC_OK);
	assert_true(schedule_after(&s, 1000) == SCHEDULE_NEVER);
	assert_int_equal(schedule_next_update(&s, 1000, true, 1), 0);
	assert_true(schedule_due(&s, 1000, true) == SCHEDULE_NEVER);
	assert_int_equal(schedule_due(&s, 0, false), 0);
}

static void
days_of_a_list_take_turns(void **state)
{
	struct schedule s;

	(void)state;
	assert_int_equal(
	    load(&s, "dailyUpdates=1:00,2:00;3:00\nautoUpdateInterval=0", NULL),
	    RC_OK);
	/* 1970-01-01 is the first of two days, and 2 days later again */
	assert_int_equal(schedule_after(&s, 0), 3600);
	assert_int_equal(schedule_after(&s, 3600), 7200);
	assert_int_equal(schedule_after(&s, 7200), 86400 + 3 * 3600);
	assert_int_equal(
	    schedule_after(&s, 86400 + 3 * 3600), 2 * 86400 + 3600);
	assert_int_equal(schedule_after(&s, -1), 3600);
}

static void
the_shortest_distance_is_kept(void **state)
{
	struct schedule s;

	(void)state;
	assert_int_equal(load(&s,
			     "dailyUpdates=6:00,6:10\nautoUpdateInterval=5\n"
			     "minUpdateInterval=30\nalwaysUpdate=true",
			     NULL),
	    RC_OK);
	assert_int_equal(schedule_after(&s, at("2026-11-21 05:50:00")),
	    at("2026-11-21 06:20:00"));
	assert_int_equal(schedule_due(&s, 5000, true), 5000 + 1800);
	assert_int_equal(schedule_due(&s, 5000, false), 5000 + 1800);
	s.distance = 0;
	assert_int_equal(schedule_due(&s, 5000, true), 5000);
	assert_int_equal(schedule_due(&s, 5000, false), 5300);
}

static void
grace_is_added_to_next_update_only(void **state)
{
	struct schedule s;

	(void)state;
	assert_int_equal(load(&s,
			     "autoUpdateInterval=60\n"
			     "nextUpdateGracePeriod=15",
			     NULL),
	    RC_OK);
	assert_int_equal(schedule_next_update(&s, 1000, true, 1), 5500);
	assert_int_equal(schedule_due(&s, 1000, false), 4600);
}

static void
a_late_list_may_keep_the_promised_time(void **state)
{
	struct schedule s;

	(void)state;
	assert_int_equal(load(&s, "nextAsThisUpdateExtension=10", NULL), RC_OK);
	assert_int_equal(schedule_this_update(&s, 5000, 1000, 4900), 4900);
	assert_int_equal(schedule_this_update(&s, 5500, 1000, 4900), 4900);
	assert_int_equal(schedule_this_update(&s, 5501, 1000, 4900), 5501);
	assert_int_equal(schedule_this_update(&s, 4000, 1000, 4900), 4000);
	assert_int_equal(schedule_this_update(&s, 5000, 0, 0), 5000);
	s.late = 0;
	assert_int_equal(schedule_this_update(&s, 5000, 1000, 4900), 5000);
}

static void
full_lists_among_deltas(void **state)
{
	struct schedule s;

	(void)state;
	assert_int_equal(
	    load(&s, "autoUpdateInterval=60\nupdateSchema=3", NULL), RC_OK);
	s.deltas = true;
	assert_int_equal(schedule_full_after(&s, 0, 1), 3 * 3600);
	assert_int_equal(schedule_full_after(&s, 0, 3), 3600);
	assert_int_equal(schedule_next_update(&s, 0, true, 1), 3 * 3600);
	assert_int_equal(schedule_next_update(&s, 0, false, 2), 3600);
	s.extended = false;
	assert_int_equal(schedule_next_update(&s, 0, true, 1), 3600);
	assert_int_equal(
	    load(&s, "dailyUpdates=*1:00,7:00,13:00\nautoUpdateInterval=0",
		NULL),
	    RC_OK);
	s.deltas = true;
	assert_true(s.marked);
	assert_int_equal(schedule_full_after(&s, 3600, 1), 86400 + 3600);
	assert_int_equal(schedule_after(&s, 3600), 7 * 3600);
}

static void
malformed_settings_are_named(void **state)
{
	static const char *const bad[] = { "1", "1:0", "1:000", "24:00", "1:60",
		"2:00,1:00", "1:00,1:00", "1:00;", ";1:00", "x", "1:00 2:00",
		"-1:00", "1:-1", "**1:00" };
	struct schedule s;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_int_equal(
		    schedule_parse_daily(&s, bad[i], NULL), RC_INVALID);
	assert_int_equal(load(&s, "dailyUpdates=25:00", &e), RC_INVALID);
	assert_string_equal(e.text,
	    "ca.crl.X.dailyUpdates: \"25:00\": not a time of day (H:MM)");
	assert_int_equal(load(&s, "autoUpdateInterval=-1", &e), RC_INVALID);
	assert_true(text_starts(e.text, "ca.crl.X.autoUpdateInterval: "));
	assert_int_equal(load(&s, "updateSchema=0", &e), RC_INVALID);
}

/* Whatever the rules, times rise and keep their distance. */
static void
times_always_rise(void **state)
{
	static const char *const rules[] = { "dailyUpdates=1:00",
		"dailyUpdates=1:00,2:00,23:59\nautoUpdateInterval=7",
		"dailyUpdates=0:00;12:00\nminUpdateInterval=90",
		"autoUpdateInterval=1\nminUpdateInterval=3",
		"dailyUpdates=23:59\nautoUpdateInterval=1440",
		"dailyUpdates=12:00\nautoUpdateInterval=5000" };
	struct schedule s;
	int64_t t, next;
	size_t i;
	int k;

	(void)state;
	for (i = 0; i < COUNT(rules); i++) {
		assert_int_equal(load(&s, rules[i], NULL), RC_OK);
		for (t = at("2026-11-21"), k = 0; k < 1000; k++, t = next) {
			next = schedule_after(&s, t);
			assert_true(next > t && next >= t + s.distance);
			assert_true(next <= t + 2 * 86400 + s.distance);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    shipped_settings_anchor_the_interval_at_one_o_clock),
		cmocka_unit_test(
		    an_interval_that_does_not_divide_the_day_begins_anew),
		cmocka_unit_test(
		    several_times_and_an_interval_give_the_earlier),
		cmocka_unit_test(rules_can_be_switched_off),
		cmocka_unit_test(days_of_a_list_take_turns),
		cmocka_unit_test(the_shortest_distance_is_kept),
		cmocka_unit_test(grace_is_added_to_next_update_only),
		cmocka_unit_test(a_late_list_may_keep_the_promised_time),
		cmocka_unit_test(full_lists_among_deltas),
		cmocka_unit_test(malformed_settings_are_named),
		cmocka_unit_test(times_always_rise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
