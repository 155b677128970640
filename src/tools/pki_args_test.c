/* SPDX-License-Identifier: Apache-2.0 */
/* pki_args_test.c - options, operands and batch lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/pki.h"

static const struct opt opts[] = {
	OPT_LETTER("d", 'd', "folder", "A folder"),
	OPT("serial", "number", "A number"),
	OPT_FLAG("force", "Do it"),
	OPT_SECRET("password", "password", "A password"),
	OPT_SAME("pkcs12-password", "password"),
	OPT("password-file", "file", "A file"),
	OPT_UNUSED("old", 0, "value", "it is no longer needed"),
	OPT_END,
};

enum {
	WORDS = 8
};

/* Parses writable copies of up to WORDS words. */
static enum rc
parse(struct args **a, const char *const *words, char copies[WORDS][32],
    struct err *e)
{
	char *argv[WORDS];
	size_t n = 0;

	for (; words[n] != NULL; n++) {
		snprintf(copies[n], sizeof(copies[n]), "%s", words[n]);
		argv[n] = copies[n];
	}
	return args_parse(a, opts, argv, n, false, NULL, e);
}

static void
args_take_values_behind_blank_and_equals_sign(void **state)
{
	static const char *const words[] = { "one", "--serial=0x1", "-d", "x",
		"--force", "--", "--two", NULL };
	char room[WORDS][32];
	AUTO(args) a = NULL;

	(void)state;
	assert_int_equal(parse(&a, words, room, NULL), RC_OK);
	assert_string_equal(args_get(a, "serial"), "0x1");
	assert_string_equal(args_get(a, "d"), "x");
	assert_true(args_has(a, "force"));
	assert_false(args_has(a, "help"));
	assert_int_equal(args_count(a), 2);
	assert_string_equal(args_at(a, 1), "--two");
	assert_null(args_at(a, 2));
	assert_string_equal(args_str(a, "password-file", "def"), "def");
}

static void
args_refuse_unknown_options_and_missing_values(void **state)
{
	static const char *const bad[][3] = {
		{ "--nope", NULL },
		{ "-x", NULL },
		{ "--serial", NULL },
		{ "--force=yes", NULL },
		{ "--seri", "1", NULL },
	};
	char room[WORDS][32];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		AUTO(args) a = NULL;
		struct err e = { 0 };

		assert_int_equal(parse(&a, bad[i], room, &e), RC_USAGE);
		assert_null(a);
		assert_true(e.text[0] != '\0');
	}
}

static void
args_overwrite_secrets_where_they_were_typed(void **state)
{
	static const char *const words[] = { "--pkcs12-password", "hidden",
		"--password=later", NULL };
	char room[WORDS][32];
	AUTO(args) a = NULL;

	(void)state;
	assert_int_equal(parse(&a, words, room, NULL), RC_OK);
	assert_string_equal(room[1], "");
	assert_string_equal(room[2], "--password=");
	assert_null(args_get(a, "password"));
	assert_string_equal(secret_cstr(args_secret(a, "password")), "later");
}

static void
args_without_effect_are_taken_and_wiped(void **state)
{
	static const char *const words[] = { "--old", "hidden", "op", NULL };
	char room[WORDS][32];
	AUTO(args) a = NULL;

	(void)state;
	assert_int_equal(parse(&a, words, room, NULL), RC_OK);
	assert_string_equal(room[1], "");
	assert_null(args_get(a, "old"));
	assert_int_equal(args_count(a), 1);
}

static void
args_password_and_its_file_exclude_each_other(void **state)
{
	static const char *const both[] = { "--password", "x",
		"--password-file", "y", NULL };
	static const char *const none[] = { "op", NULL };
	char room[WORDS][32];
	AUTO(args) a = NULL;
	AUTO(args) b = NULL;
	AUTO(secret) s = NULL;

	(void)state;
	assert_int_equal(parse(&a, both, room, NULL), RC_OK);
	assert_int_equal(
	    args_password(a, "password", "password-file", &s, NULL), RC_USAGE);
	assert_int_equal(parse(&b, none, room, NULL), RC_OK);
	assert_int_equal(
	    args_password(b, "password", "password-file", &s, NULL), RC_OK);
	assert_null(s);
}

static void
args_of_the_program_stop_at_the_command(void **state)
{
	char w[4][16] = { "-d", "x", "cmd", "--force" };
	char *words[] = { w[0], w[1], w[2], w[3] };
	AUTO(args) a = NULL;
	size_t used = 0;

	(void)state;
	assert_int_equal(
	    args_parse(&a, opts, words, 4, true, &used, NULL), RC_OK);
	assert_int_equal(used, 2);
	assert_int_equal(args_count(a), 0);
	assert_false(args_has(a, "force"));
}

static void
split_knows_quotes_backslash_and_comments(void **state)
{
	char line[] =
	    "one 'two three' fo\"u r\" fi\\ ve \"a\\\"b\" '' # rest\n";
	char *words[PKI_WORDS_MAX];
	size_t n = 0;

	(void)state;
	assert_int_equal(args_split(line, words, &n, NULL), RC_OK);
	assert_int_equal(n, 6);
	assert_string_equal(words[1], "two three");
	assert_string_equal(words[2], "fou r");
	assert_string_equal(words[3], "fi ve");
	assert_string_equal(words[4], "a\"b");
	assert_string_equal(words[5], "");
}

static void
split_refuses_what_does_not_end(void **state)
{
	char quote[] = "a 'b", many[2 * PKI_WORDS_MAX + 8];
	char *words[PKI_WORDS_MAX];
	size_t n = 0;

	(void)state;
	assert_int_equal(args_split(quote, words, &n, NULL), RC_USAGE);
	for (size_t i = 0; i + 2 < sizeof(many); i += 2)
		memcpy(many + i, "a ", 3);
	assert_int_equal(args_split(many, words, &n, NULL), RC_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(args_take_values_behind_blank_and_equals_sign),
		cmocka_unit_test(
		    args_refuse_unknown_options_and_missing_values),
		cmocka_unit_test(args_overwrite_secrets_where_they_were_typed),
		cmocka_unit_test(args_without_effect_are_taken_and_wiped),
		cmocka_unit_test(args_password_and_its_file_exclude_each_other),
		cmocka_unit_test(args_of_the_program_stop_at_the_command),
		cmocka_unit_test(split_knows_quotes_backslash_and_comments),
		cmocka_unit_test(split_refuses_what_does_not_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
