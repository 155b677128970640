/* SPDX-License-Identifier: Apache-2.0 */
/* buf_test.c - buffers, views and arenas.
 * Owns:    its own temporary folder, if any.
 * Trusts:  nothing.
 * Threads: one, unless a case starts more. */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

static void
buf_grows_and_ends_in_nul(void **state)
{
	AUTO_BUF b = buf_empty(0);
	size_t i;

	(void)state;
	assert_string_equal(buf_cstr(&b), "");
	for (i = 0; i < 100000; i++)
		buf_add_char(&b, (char)('a' + i % 26));
	buf_addf(&b, "%s-%d", "end", 7);
	assert_int_equal(buf_check(&b, NULL), RC_OK);
	assert_int_equal(b.len, 100005);
	assert_string_equal(buf_cstr(&b) + 100000, "end-7");
	assert_int_equal(b.data[27], 'b');
}

static void
buf_failure_sticks(void **state)
{
	AUTO_BUF b = buf_empty(4);
	struct err e;

	(void)state;
	buf_add_str(&b, "abcd");
	assert_int_equal(buf_check(&b, &e), RC_OK);
	buf_add_str(&b, "e");
	buf_add(&b, "", 0);
	assert_int_equal(b.len, 4);
	assert_int_equal(buf_check(&b, &e), RC_TOOBIG);
	assert_string_equal(e.text, "buffer: more than 4 bytes");
	assert_string_equal(buf_cstr(&b), "");
	assert_null(buf_steal_str(&b));
	buf_reset(&b);
	buf_addf(&b, "%d", 12345);
	assert_int_equal(b.failed, RC_TOOBIG);
	buf_reset(&b);
	buf_add_hex(&b, view_str("\x0f"));
	assert_string_equal(buf_cstr(&b), "0f");
}

static void
buf_steal_hands_the_text_over(void **state)
{
	AUTO_BUF b = buf_empty(0);
	char *s;

	(void)state;
	buf_add_str(&b, "abc");
	s = buf_steal_str(&b);
	assert_string_equal(s, "abc");
	assert_null(b.data);
	free(s);
	s = buf_steal_str(&b);
	assert_string_equal(s, "");
	free(s);
	buf_wipe(&b);
}

/* RFC 4648 section 10 */
static void
buf_add_base64_pads_and_breaks_lines(void **state)
{
	static const char *const rows[][2] = { { "", "" }, { "f", "Zg==" },
		{ "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };
	AUTO_BUF b = buf_empty(0);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		buf_add_base64(&b, view_str(rows[i][0]), 0, NULL);
		assert_string_equal(buf_cstr(&b), rows[i][1]);
	}
	buf_reset(&b);
	buf_add_base64(&b, view_str("foobar"), 4, "\r\n");
	assert_string_equal(buf_cstr(&b), "Zm9v\r\nYmFy\r\n");
	buf_reset(&b);
	buf_add_base64(&b, view_str("foobar"), 5, "\n");
	assert_string_equal(buf_cstr(&b), "Zm9vY\nmFy\n");
}

static void
view_orders_and_copies(void **state)
{
	char *s = view_dup_str(view_str("abc"));

	(void)state;
	assert_string_equal(s, "abc");
	free(s);
	assert_null(view_dup_str(view_of("a\0b", 3)));
	assert_true(view_cmp(view_str("a"), view_str("ab")) < 0);
	assert_true(view_cmp(view_str("b"), view_str("ab")) > 0);
	assert_int_equal(view_cmp(view_str(NULL), view_str("")), 0);
	assert_true(view_is(view_of("abc", 2), "ab"));
}

static void
arena_aligns_zeroes_and_keeps(void **state)
{
	AUTO(arena) a = arena_new(0);
	char *first = arena_str(a, "first"), *p;
	size_t i;

	(void)state;
	for (i = 1; i < 2000; i++) {
		p = arena_alloc(a, i, 1);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		assert_int_equal(p[0] | p[i - 1], 0);
		memset(p, 0xff, i);
	}
	assert_string_equal(first, "first");
	assert_null(arena_str(a, NULL));
	assert_string_equal(arena_printf(a, "%s %d", "x", 5), "x 5");
	assert_memory_equal(arena_view(a, view_of("a\0b", 3)), "a\0b", 4);
	assert_non_null(arena_alloc(a, 0, 8));
}

static void
arena_refuses_more_than_its_cap(void **state)
{
	AUTO(arena) a = arena_new(1024);

	(void)state;
	assert_null(arena_alloc(a, SIZE_MAX, 2));
	assert_null(arena_alloc(a, SIZE_MAX, 1));
	assert_null(arena_alloc(a, 1025, 1));
	assert_non_null(arena_alloc(a, 1000, 1));
	assert_null(arena_alloc(a, 100, 1));
	arena_reset(a);
	assert_non_null(arena_alloc(a, 1024, 1));
	assert_null(arena_alloc(a, 1, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_grows_and_ends_in_nul),
		cmocka_unit_test(buf_failure_sticks),
		cmocka_unit_test(buf_steal_hands_the_text_over),
		cmocka_unit_test(buf_add_base64_pads_and_breaks_lines),
		cmocka_unit_test(view_orders_and_copies),
		cmocka_unit_test(arena_aligns_zeroes_and_keeps),
		cmocka_unit_test(arena_refuses_more_than_its_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
