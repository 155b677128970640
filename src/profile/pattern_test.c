/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_test.c - tokens and regular expressions. */
#include "profile/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "profile/plugin.h"
#include "profile/regex.h"

static const char *
value(void *arg, const char *set, const char *name)
{
	(void)arg;
	if (strcmp(set, "request") != 0)
		return NULL;
	if (strcmp(name, "cn") == 0)
		return "joe";
	if (strcmp(name, "auth_token.mail[0]") == 0)
		return "joe@x";
	if (strcmp(name, "dollar") == 0)
		return "$request.cn$";
	return strcmp(name, "empty") == 0 ? "" : NULL;
}

static const char *const good[][2] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "CN=$request.cn$, O=X", "CN=joe, O=X" },
	{ "$request.cn$$request.cn$", "joejoe" },
	{ "$request.auth_token.mail[0]$", "joe@x" },
	{ "$request.absent$", "$request.absent$" },
	{ "$other.cn$!", "$other.cn$!" },
	{ "a$request.empty$b", "ab" },
	{ "$request.dollar$", "$request.cn$" },
};

static void
pattern_expand_follows_the_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		AUTO_BUF b = buf_empty(0);

		assert_int_equal(
		    pattern_expand(&b, good[i][0], value, NULL, NULL), RC_OK);
		assert_string_equal(buf_cstr(&b), good[i][1]);
	}
}

static void
pattern_expand_refuses_broken_tokens(void **state)
{
	AUTO_BUF b = buf_empty(0);

	(void)state;
	assert_int_equal(
	    pattern_expand(&b, "a$", value, NULL, NULL), RC_INVALID);
	assert_int_equal(
	    pattern_expand(&b, "$request.cn", value, NULL, NULL), RC_INVALID);
	assert_int_equal(
	    pattern_expand(&b, "$cn$", value, NULL, NULL), RC_INVALID);
}

static void
pattern_is_token_wants_one_whole_token(void **state)
{
	(void)state;
	assert_true(pattern_is_token("$request.cn$"));
	assert_false(pattern_is_token("$request.cn$ "));
	assert_false(pattern_is_token("$a.b$$a.b$"));
	assert_false(pattern_is_token("$$"));
}

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
list_has_compares_whole_items(void **state)
{
	(void)state;
	assert_true(list_has("1024,2048", "2048", false));
	assert_true(list_has(" a , b ", "b", false));
	assert_false(list_has("1024,2048", "204", false));
	assert_false(list_has("", "", false));
	assert_false(list_has("nistP256", "nistp256", false));
	assert_true(list_has("nistP256", "nistp256", true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pattern_expand_follows_the_rules),
		cmocka_unit_test(pattern_expand_refuses_broken_tokens),
		cmocka_unit_test(pattern_is_token_wants_one_whole_token),
		cmocka_unit_test(regex_match_is_a_full_match),
		cmocka_unit_test(regex_match_gives_up_on_catastrophic_patterns),
		cmocka_unit_test(list_has_compares_whole_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
