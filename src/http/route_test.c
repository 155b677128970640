/* SPDX-License-Identifier: Apache-2.0 */
/* route_test.c - which route wins, and what is said when none does.
 * Owns:    its table.
 * Trusts:  nothing.
 * Threads: one. */
#include "http/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
handler(struct http_call *c)
{
	(void)c;
}

static struct routes *table;
static struct route_match m;

static enum rc
add(unsigned methods, const char *pattern)
{
	const struct http_route r = { .methods = methods,
		.pattern = pattern,
		.handler = handler,
		.cls = HTTP_READ };

	return routes_add(table, &r, NULL, NULL);
}

static const char *
find(enum http_method method, const char *path)
{
	routes_find(table, &m, method, path);
	return m.route != NULL ? m.route->r.pattern : "none";
}

static int
setup(void **state)
{
	(void)state;
	table = routes_new();
	assert_int_equal(add(HTTP_GET, "/"), RC_OK);
	assert_int_equal(add(HTTP_GET | HTTP_POST, "/ca/certs"), RC_OK);
	assert_int_equal(add(HTTP_GET, "/ca/certs/{id}"), RC_OK);
	assert_int_equal(add(HTTP_POST, "/ca/certs/search"), RC_OK);
	assert_int_equal(add(HTTP_GET, "/ca/{kind}/{id}/log"), RC_OK);
	assert_int_equal(add(HTTP_GET, "/ca/certs/{x}/raw/{y}"), RC_OK);
	assert_int_equal(add(HTTP_GET, "/ca/ocsp/*"), RC_OK);
	assert_int_equal(add(HTTP_POST, "/ca/ocsp"), RC_OK);
	assert_int_equal(add(HTTP_GET, "/ca/ee/"), RC_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	routes_free(table);
	return 0;
}

static void
fixed_segments_win_and_names_take_the_rest(void **state)
{
	(void)state;
	assert_string_equal(find(HTTP_GET, "/"), "/");
	assert_string_equal(find(HTTP_GET, "/ca/certs"), "/ca/certs");
	assert_string_equal(find(HTTP_GET, "/ca/certs/0x1"), "/ca/certs/{id}");
	assert_string_equal(m.route->params[0], "id");
	assert_true(view_is(m.values[0], "0x1"));
	assert_string_equal(
	    find(HTTP_POST, "/ca/certs/search"), "/ca/certs/search");
	assert_string_equal(
	    find(HTTP_GET, "/ca/certs/search"), "/ca/certs/{id}");
	assert_string_equal(
	    find(HTTP_GET, "/ca/certs/1/log"), "/ca/{kind}/{id}/log");
	assert_true(view_is(m.values[0], "certs"));
	assert_true(view_is(m.values[1], "1"));
	assert_string_equal(
	    find(HTTP_GET, "/ca/certs/1/raw/2"), "/ca/certs/{x}/raw/{y}");
	assert_true(view_is(m.values[1], "2"));
}

static void
star_takes_slashes_too(void **state)
{
	(void)state;
	assert_string_equal(find(HTTP_GET, "/ca/ocsp/MF//a/"), "/ca/ocsp/*");
	assert_true(view_is(m.values[0], "MF//a/"));
	assert_string_equal(find(HTTP_GET, "/ca/ocsp/"), "/ca/ocsp/*");
	assert_string_equal(find(HTTP_POST, "/ca/ocsp"), "/ca/ocsp");
}

static void
a_trailing_slash_is_overlooked(void **state)
{
	(void)state;
	assert_string_equal(find(HTTP_GET, "/ca/certs/"), "/ca/certs");
	assert_string_equal(find(HTTP_GET, "/ca/ee/"), "/ca/ee/");
	assert_string_equal(find(HTTP_GET, "/ca/ee"), "none");
	assert_string_equal(find(HTTP_GET, "/ca/certs//"), "none");
}

static void
head_is_answered_by_get(void **state)
{
	(void)state;
	assert_string_equal(find(HTTP_HEAD, "/ca/certs"), "/ca/certs");
	assert_string_equal(
	    find(HTTP_HEAD, "/ca/certs/search"), "/ca/certs/{id}");
}

static void
a_wrong_method_tells_the_right_ones(void **state)
{
	(void)state;
	assert_string_equal(find(HTTP_DELETE, "/ca/certs/search"), "none");
	assert_int_equal(m.allowed, HTTP_GET | HTTP_POST);
	assert_string_equal(find(HTTP_GET, "/nothing"), "none");
	assert_int_equal(m.allowed, 0);
	assert_string_equal(find(0, "/ca/certs"), "none");
	assert_int_equal(m.allowed, HTTP_GET | HTTP_POST);
	assert_string_equal(find(HTTP_GET, ""), "none");
	assert_string_equal(find(HTTP_GET, "ca/certs"), "none");
}

static void
add_refuses_bad_and_double_patterns(void **state)
{
	(void)state;
	assert_int_equal(add(HTTP_GET, "/ca/certs"), RC_EXISTS);
	assert_int_equal(add(HTTP_GET, "/ca/certs/{other}"), RC_EXISTS);
	assert_int_equal(add(HTTP_PUT, "/ca/certs/{other}"), RC_OK);
	assert_int_equal(add(HTTP_GET, "ca"), RC_INVALID);
	assert_int_equal(add(0, "/x"), RC_INVALID);
	assert_int_equal(add(HTTP_GET, "/x/*/y"), RC_INVALID);
	assert_int_equal(
	    add(HTTP_GET, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"), RC_INVALID);
	assert_int_equal(add(HTTP_GET,
			     "/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6"
			     "/7/8"),
	    RC_INVALID);
}

static void
a_newer_table_goes_before_the_older_one(void **state)
{
	struct routes *older = table;

	(void)state;
	table = routes_new();
	assert_int_equal(add(HTTP_GET, "/ca/ocsp/new"), RC_OK);
	assert_int_equal(add(HTTP_GET, "/ca/certs"), RC_OK);
	routes_join(table, older);
	assert_string_equal(find(HTTP_GET, "/ca/ocsp/new"), "/ca/ocsp/new");
	assert_string_equal(find(HTTP_GET, "/ca/ocsp/old"), "/ca/ocsp/*");
	assert_string_equal(find(HTTP_GET, "/ca/ee"), "none");
	/* it knows the path, whatever the method */
	assert_string_equal(find(HTTP_POST, "/ca/certs"), "none");
	assert_int_equal(m.allowed, HTTP_GET);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    fixed_segments_win_and_names_take_the_rest, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    star_takes_slashes_too, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_trailing_slash_is_overlooked, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    head_is_answered_by_get, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_wrong_method_tells_the_right_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    add_refuses_bad_and_double_patterns, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_newer_table_goes_before_the_older_one, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
