/* SPDX-License-Identifier: Apache-2.0 */
/* cfg_test.c - CS.cfg reading, changing and writing.
 * Owns:    its own temporary folder, if any.
 * Trusts:  nothing.
 * Threads: one, unless a case starts more. */
#include "base/cfg.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"

static enum rc
parse(struct cfg *c, const char *text, struct err *e)
{
	return cfg_parse(c, view_str(text), "CS.cfg", e);
}

static void
cfg_parse_reads_the_form(void **state)
{
	AUTO(cfg) c = cfg_new();

	(void)state;
	assert_int_equal(parse(c,
			     "# comment\n"
			     "  b.x = two words \r\n"
			     "\n"
			     "a=1,\\\n"
			     "   2,\\\n"
			     "# 3\n"
			     "c=\n"
			     "d=x=y\n"
			     "b.x.y=last\\",
			     NULL),
	    RC_OK);
	assert_int_equal(cfg_count(c), 5);
	assert_string_equal(cfg_get(c, "a"), "1,2,# 3");
	assert_string_equal(cfg_get(c, "b.x"), "two words ");
	assert_string_equal(cfg_get(c, "c"), "");
	assert_string_equal(cfg_str(c, "c", "def"), "def");
	assert_string_equal(cfg_get(c, "d"), "x=y");
	assert_string_equal(cfg_getf(c, "b.%s.%c", "x", 'y'), "last");
	assert_null(cfg_get(c, "e"));
	assert_int_equal(cfg_at(c, 0).line, 4);
	assert_int_equal(cfg_at(c, 4).line, 8);
	assert_null(cfg_at(c, 5).name);
}

static void
cfg_parse_names_the_line_of_a_fault(void **state)
{
	AUTO(cfg) c = cfg_new();
	struct err e;

	(void)state;
	assert_int_equal(parse(c, "a=1\n\nb\n", &e), RC_INVALID);
	assert_string_equal(e.text, "CS.cfg:3: missing '='");
	assert_int_equal(parse(c, "=1\n", &e), RC_INVALID);
	assert_string_equal(e.text, "CS.cfg:1: missing name");
	assert_int_equal(cfg_parse(c, view_of("a=\0", 3), "x", &e), RC_INVALID);
	assert_string_equal(e.text, "x:1: control character");
}

static void
cfg_last_of_a_name_wins(void **state)
{
	AUTO(cfg) c = cfg_new();

	(void)state;
	assert_int_equal(parse(c, "a=1\na=2\n", NULL), RC_OK);
	assert_string_equal(cfg_get(c, "a"), "2");
	assert_int_equal(cfg_count(c), 1);
}

/* Whatever is accepted comes back from its own encoding. */
static void
round_trip(struct view text)
{
	AUTO(cfg) c = cfg_new();
	AUTO(cfg) d = cfg_new();
	AUTO_BUF one = buf_empty(0);
	AUTO_BUF two = buf_empty(0);
	AUTO_BUF copy = buf_empty(0);

	buf_add_view(&copy, text);
	if (cfg_parse(c, buf_view(&copy), "x", NULL) != RC_OK)
		return;
	cfg_encode(c, &one);
	assert_int_equal(cfg_parse(d, buf_view(&one), "y", NULL), RC_OK);
	cfg_encode(d, &two);
	assert_true(view_eq(buf_view(&one), buf_view(&two)));
}

/* A name a line from the last to the first, and all of them once more: would take
 * minutes if each had to be moved to its place. */
static void
cfg_of_any_order_is_read_at_once(void **state)
{
	enum {
		NAMES = 150000
	};
	AUTO_BUF b = buf_empty(0);
	AUTO(cfg) c = cfg_new();

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = NAMES; i > 0; i--)
			buf_addf(&b, "n%06d=%d\n", i, i * (round + 1));
	assert_int_equal(cfg_parse(c, buf_view(&b), "CS.cfg", NULL), RC_OK);
	assert_int_equal(cfg_count(c), NAMES);
	for (int i = 1; i <= NAMES; i++) {
		struct cfg_item x = cfg_at(c, (size_t)i - 1);
		char want[16];

		snprintf(want, sizeof(want), "%d", i * 2);
		assert_int_equal(x.line, NAMES + NAMES - i + 1);
		assert_string_equal(x.value, want);
	}
}

static void
cfg_survives_each_truncation_and_changed_byte(void **state)
{
	char text[] = " a = 1 \\\n  2\n#c\nb.c=x\r\nb=\\\\\nz";
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(text); i++)
		round_trip(view_of(text, i));
	for (i = 0; i < sizeof(text) - 1; i++) {
		char old = text[i];

		for (k = 0; k < 256; k++) {
			text[i] = (char)k;
			round_trip(view_of(text, sizeof(text) - 1));
		}
		text[i] = old;
	}
}

static void
cfg_typed_values(void **state)
{
	AUTO(cfg) c = cfg_new();
	int64_t v = 0;
	struct err e;

	(void)state;
	assert_int_equal(
	    parse(c, "t=True \nf=no\nn=42 \nbad=4x\nempty=\n", NULL), RC_OK);
	assert_true(cfg_bool(c, "t", false));
	assert_false(cfg_bool(c, "f", true));
	assert_true(cfg_bool(c, "none", true));
	assert_true(cfg_bool(c, "empty", true));
	assert_int_equal(cfg_int(c, &v, "n", 0, 100, 7, NULL), RC_OK);
	assert_int_equal(v, 42);
	assert_int_equal(cfg_int(c, &v, "empty", 0, 100, 7, NULL), RC_OK);
	assert_int_equal(v, 7);
	assert_int_equal(cfg_int(c, &v, "bad", 0, 100, 8, &e), RC_INVALID);
	assert_string_equal(e.text, "bad: \"4x\": not a number");
	assert_int_equal(cfg_int(c, &v, "n", 0, 10, 8, &e), RC_INVALID);
	assert_int_equal(v, 7);
}

static void
cfg_set_refuses_what_would_not_come_back(void **state)
{
	static const char *const names[] = { "", " a", "a ", "#a", "a=b",
		"a\nb" };
	AUTO(cfg) c = cfg_new();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(cfg_set(c, names[i], "v", NULL), RC_INVALID);
	assert_int_equal(cfg_set(c, "a", "x\ny", NULL), RC_INVALID);
	assert_int_equal(cfg_set(c, "a", "x\\", NULL), RC_INVALID);
	assert_int_equal(cfg_set(c, "a", NULL, NULL), RC_OK);
	assert_string_equal(cfg_get(c, "a"), "");
	assert_int_equal(cfg_count(c), 1);
}

static void
cfg_deletes_by_name_and_prefix(void **state)
{
	AUTO(cfg) c = cfg_new();

	(void)state;
	assert_int_equal(
	    parse(c, "a=1\nb.1=1\nb.2=1\nb.2.x=1\nb=1\nc=1\n", NULL), RC_OK);
	assert_int_equal(cfg_lower(c, "b."), 2);
	assert_int_equal(cfg_del_prefix(c, "b.2"), 2);
	assert_int_equal(cfg_del_prefix(c, "x"), 0);
	assert_true(cfg_del(c, "a"));
	assert_false(cfg_del(c, "a"));
	assert_int_equal(cfg_count(c), 3);
	assert_string_equal(cfg_at(c, 0).name, "b");
	assert_string_equal(cfg_at(c, 1).name, "b.1");
	assert_string_equal(cfg_at(c, 2).name, "c");
}

static void
cfg_saves_and_loads_3000_names(void **state)
{
	char dir[] = "/tmp/cfg_test-XXXXXX", path[64], name[32];
	AUTO(cfg) c = cfg_new();
	AUTO(cfg) d = cfg_new();
	int i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "n.%d", i * 7919 % 3000);
		assert_int_equal(cfg_set(c, name, name, NULL), RC_OK);
	}
	(void)snprintf(path, sizeof(path), "%s/CS.cfg", dir);
	assert_int_equal(cfg_save(c, path, 0600, NULL), RC_OK);
	assert_int_equal(cfg_load(d, path, NULL), RC_OK);
	assert_int_equal(cfg_count(d), 3000);
	for (i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "n.%d", i);
		assert_string_equal(cfg_get(d, name), name);
		assert_true(i == 0 ||
		    strcmp(cfg_at(d, (size_t)i - 1).name,
			cfg_at(d, (size_t)i).name) < 0);
	}
	assert_int_equal(cfg_load(d, dir, NULL), RC_IO);
	assert_int_equal(file_remove_tree(dir, NULL), RC_OK);
	assert_int_equal(cfg_load(d, path, NULL), RC_NOTFOUND);
}

static void
cfg_merge_keeps_what_each_side_changed(void **state)
{
	AUTO(cfg) base = cfg_new();
	AUTO(cfg) mine = cfg_new();
	AUTO(cfg) theirs = cfg_new();
	AUTO(cfg) out = cfg_new();
	AUTO(cfg) want = cfg_new();
	size_t clashes;

	(void)state;
	assert_int_equal(
	    parse(base, "a=1\nb=1\nc=1\nd=1\ne=1\nf=1\n", NULL), RC_OK);
	/* b changed here, c there, d and e deleted on one side each, f both */
	assert_int_equal(
	    parse(mine, "a=1\nb=2\nc=1\ne=1\nf=2\nm=1\n", NULL), RC_OK);
	assert_int_equal(
	    parse(theirs, "a=1\nb=1\nc=3\nd=1\nf=3\nt=1\n", NULL), RC_OK);
	assert_int_equal(
	    parse(want, "a=1\nb=2\nc=3\nf=2\nm=1\nt=1\n", NULL), RC_OK);
	assert_int_equal(
	    cfg_merge(out, base, mine, theirs, &clashes, NULL), RC_OK);
	assert_true(cfg_equal(out, want));
	assert_int_equal(clashes, 1);
}

static void
cfg_merge_without_a_base_deletes_nothing(void **state)
{
	AUTO(cfg) mine = cfg_new();
	AUTO(cfg) theirs = cfg_new();
	AUTO(cfg) out = cfg_new();
	AUTO(cfg) want = cfg_new();

	(void)state;
	assert_int_equal(parse(mine, "a=1\nb=1\n", NULL), RC_OK);
	assert_int_equal(parse(theirs, "b=2\nc=2\n", NULL), RC_OK);
	assert_int_equal(parse(want, "a=1\nb=2\nc=2\n", NULL), RC_OK);
	assert_int_equal(cfg_merge(out, NULL, mine, theirs, NULL, NULL), RC_OK);
	assert_true(cfg_equal(out, want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cfg_parse_reads_the_form),
		cmocka_unit_test(cfg_parse_names_the_line_of_a_fault),
		cmocka_unit_test(cfg_last_of_a_name_wins),
		cmocka_unit_test(cfg_of_any_order_is_read_at_once),
		cmocka_unit_test(cfg_survives_each_truncation_and_changed_byte),
		cmocka_unit_test(cfg_typed_values),
		cmocka_unit_test(cfg_set_refuses_what_would_not_come_back),
		cmocka_unit_test(cfg_deletes_by_name_and_prefix),
		cmocka_unit_test(cfg_saves_and_loads_3000_names),
		cmocka_unit_test(cfg_merge_keeps_what_each_side_changed),
		cmocka_unit_test(cfg_merge_without_a_base_deletes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
