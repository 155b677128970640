/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_test.c - tokens and regular expressions. */
#include "profile/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "profile/plugin.h"

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
		cmocka_unit_test(list_has_compares_whole_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
