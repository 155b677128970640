/* SPDX-License-Identifier: Apache-2.0 */
/* regex_test.c - what matches, and that no pattern takes long.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include "base/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool
matches(const char *pattern, const char *text)
{
	bool m = false;

	assert_int_equal(regex_match(&m, pattern, text, NULL), RC_OK);
	return m;
}

static void
regex_match_is_a_full_match(void **state)
{
	(void)state;
	assert_true(matches(".*CN=.*", "UID=a,CN=b,O=c"));
	assert_true(matches("(UID|CN)=.*", "CN=b"));
	assert_false(matches("(UID|CN)=.*", "O=c,CN=b"));
	assert_true(matches("CN=[^,]+,.+", "CN=a,O=b"));
	assert_false(matches("CN=[^,]+,.+", "CN=a"));
	assert_true(matches("a|ab", "ab"));
	assert_true(matches("CN=\\w+\\.example\\.com", "CN=www.example.com"));
	assert_false(matches("CN=a", "CN=a\n"));
}

static void
regex_match_gives_up_on_catastrophic_patterns(void **state)
{
	bool m;

	(void)state;
	assert_int_equal(regex_match(&m, "(a+)+$",
			     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", NULL),
	    RC_INVALID);
	assert_int_equal(regex_check("(", NULL), RC_INVALID);
	assert_int_equal(regex_check("(?<n>a)\\k<n>", NULL), RC_OK);
}

static void
regex_find_is_content_with_a_part(void **state)
{
	bool m = false;

	(void)state;
	assert_int_equal(regex_find(&m, "2\\.0", "192.0.2.1", NULL), RC_OK);
	assert_true(m);
	assert_int_equal(regex_find(&m, "^2\\.0", "192.0.2.1", NULL), RC_OK);
	assert_false(m);
}

/* The C library's expressions take gigabytes for these. */
static void
nested_repeats_are_refused_or_quick(void **state)
{
	static const char *const patterns[] = { "(((a{1,200}){1,200}){1,200})",
		"((a{9999}){9999}){9999}", "(.*.*.*.*.*.*.*.*.*.*)*x",
		"((((.{1,255}){1,255}){1,255}){1,255}){1,255}" };
	bool m = false;

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (regex_find(&m, patterns[i], "192.0.2.1", NULL) == RC_OK)
			assert_false(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regex_match_is_a_full_match),
		cmocka_unit_test(regex_match_gives_up_on_catastrophic_patterns),
		cmocka_unit_test(regex_find_is_content_with_a_part),
		cmocka_unit_test(nested_repeats_are_refused_or_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
