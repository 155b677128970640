/* SPDX-License-Identifier: Apache-2.0 */
/* parse_test.c - heads, targets, pairs, cookies, chunks; what must be refused.
 * Owns:    its arena.
 * Trusts:  nothing.
 * Threads: one. */
#include "http/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct parse_head head;
static char text[HTTP_URL_MAX + 4 * HTTP_HEADERS_MAX];

/* Status of a head given as text. */
static int
try_len(const char *s, size_t len)
{
	const char *why = NULL;
	int status;

	assert_true(len < sizeof(text));
	memcpy(text, s, len);
	text[len] = '\0';
	status = parse_head(&head, text, len, &why);
	assert_true(status == 0 || why != NULL);
	assert_non_null(head.target);
	assert_non_null(head.method_text);
	return status;
}

static int
try_head(const char *s)
{
	return try_len(s, strlen(s));
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"

static void
head_takes_an_ordinary_request(void **state)
{
	(void)state;
	assert_int_equal(
	    try_head("POST /a?b=c HTTP/1.1\r\nHost: h.example:8080\r\n"
		     "content-length: 12 \r\nX-Empty:\r\nExpect: "
		     "100-continue\r\n\r\n"),
	    0);
	assert_int_equal(head.method, HTTP_POST);
	assert_string_equal(head.target, "/a?b=c");
	assert_string_equal(head.host, "h.example:8080");
	assert_int_equal(head.body_len, 12);
	assert_int_equal(head.n_headers, 4);
	assert_string_equal(head.headers[1].value, "12");
	assert_string_equal(head.headers[2].value, "");
	assert_true(head.keep_alive);
	assert_true(head.expect_continue);
	assert_false(head.chunked);
}

static void
head_knows_when_the_connection_ends(void **state)
{
	(void)state;
	assert_int_equal(try_head("GET / HTTP/1.0\r\n\r\n"), 0);
	assert_false(head.keep_alive);
	assert_int_equal(
	    try_head("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), 0);
	assert_true(head.keep_alive);
	assert_int_equal(try_head(GET "Connection: TE, close\r\n\r\n"), 0);
	assert_false(head.keep_alive);
	assert_int_equal(try_head(GET "Connection: closed\r\n\r\n"), 0);
	assert_true(head.keep_alive);
}

static void
head_refuses_ambiguous_framing(void **state)
{
	static const char *const bad[] = {
		GET "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
		GET "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		GET "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
		GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
		    "chunked\r\n\r\n",
		GET "Content-Length: 1, 1\r\n\r\n",
		GET "Content-Length: +1\r\n\r\n",
		GET "Content-Length: -1\r\n\r\n",
		GET "Content-Length: 0x1\r\n\r\n",
		GET "Content-Length:\r\n\r\n",
		GET "Content-Length: 99999999999999999999\r\n\r\n",
		GET "Content-Length : 1\r\n\r\n",
		GET " Content-Length: 1\r\n\r\n",
		GET "X: y\r\n Content-Length: 1\r\n\r\n",
		GET "X: y\rContent-Length: 1\r\n\r\n",
		GET "X: y\nContent-Length: 1\r\n\r\n",
		GET "X\r\n\r\n",
		GET ": y\r\n\r\n",
		GET "X(: y\r\n\r\n",
		GET "X: a\x01\r\n\r\n",
		"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(try_head(bad[i]), 400);
	assert_int_equal(
	    try_head(GET "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501);
	assert_int_equal(
	    try_head(GET "Transfer-Encoding: xchunked\r\n\r\n"), 501);
}

static void
head_refuses_bad_hosts(void **state)
{
	(void)state;
	assert_int_equal(try_head("GET / HTTP/1.1\r\n\r\n"), 400);
	assert_int_equal(try_head(GET "Host: a\r\n\r\n"), 400);
	assert_int_equal(try_head("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400);
	assert_int_equal(try_head("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
	assert_true(parse_host_ok("[2001:db8::1]:8443"));
	assert_true(parse_host_ok("ca_1.example.com"));
	assert_false(parse_host_ok("a@b"));
	assert_false(parse_host_ok("a:b"));
	assert_false(parse_host_ok("[::1"));
	assert_false(parse_host_ok("a:123456"));
	assert_false(parse_host_ok(""));
}

static void
head_refuses_bad_request_lines(void **state)
{
	static const char *const bad[] = {
		"\r\n\r\n",
		"GET\r\n\r\n",
		"GET /\r\n\r\n",
		"GET  / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1 \r\n\r\n",
		"G\tET / HTTP/1.1\r\n\r\n",
		"GET /\x7f HTTP/1.1\r\n\r\n",
		"GET / FTP/1.1\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_in_range(try_head(bad[i]), 400, 505);
	assert_int_equal(try_head("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
	assert_int_equal(
	    try_len("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29), 400);
}

static void
head_counts_and_measures_headers(void **state)
{
	static char big[sizeof(text)];
	size_t n;

	(void)state;
	n = (size_t)snprintf(big, sizeof(big), "%s", GET);
	for (int i = 0; i < PARSE_HEADERS_MAX; i++)
		n += (size_t)snprintf(big + n, sizeof(big) - n, "a: b\r\n");
	snprintf(big + n, sizeof(big) - n, "\r\n");
	assert_int_equal(try_head(big), 431);
	n = (size_t)snprintf(big, sizeof(big), "%sx: ", GET);
	memset(big + n, 'y', HTTP_HEADERS_MAX);
	n += HTTP_HEADERS_MAX;
	snprintf(big + n, sizeof(big) - n, "\r\n\r\n");
	assert_int_equal(try_head(big), 431);
}

static void
head_survives_truncation_and_change(void **state)
{
	static const char good[] =
	    "POST /a%20b?c=d HTTP/1.1\r\nHost: h:80\r\nContent-Length: "
	    "5\r\nCookie: JSESSIONID=12\r\nConnection: close\r\n\r\n";
	size_t len = sizeof(good) - 1, scan = 0;
	char copy[sizeof(good)];

	(void)state;
	for (size_t n = 0; n < len; n++) {
		scan = 0;
		assert_int_equal(parse_head_len(view_of(good, n), &scan), 0);
		if (n > 0)
			(void)try_len(good, n);
	}
	scan = 0;
	for (size_t n = 0; n < len; n++)
		assert_int_equal(parse_head_len(view_of(good, n), &scan), 0);
	assert_int_equal(parse_head_len(view_of(good, len), &scan), len);
	for (size_t i = 0; i < len; i++)
		for (int b = 0; b < 256; b++) {
			memcpy(copy, good, sizeof(good));
			copy[i] = (char)b;
			(void)try_len(copy, len);
		}
}

static int
try_target(const char *target, const char *host, const char **path,
    const char **query, struct arena *a)
{
	struct parse_head h = { .host = host };
	const char *raw, *why;
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", target);
	h.target = copy;
	if (parse_target(a, &h, path, &raw, query, &why) != 0)
		return 400;
	*query = arena_str(a, *query);
	return 0;
}

static void
target_splits_and_decodes(void **state)
{
	AUTO(arena) a = arena_new(0);
	const char *path, *query;

	(void)state;
	assert_int_equal(
	    try_target("/a%20b/c?d=%20", "h", &path, &query, a), 0);
	assert_string_equal(path, "/a b/c");
	assert_string_equal(query, "d=%20");
	assert_int_equal(
	    try_target("http://H:80/x", "h:80", &path, &query, a), 0);
	assert_string_equal(path, "/x");
	assert_int_equal(
	    try_target("/.well-known/a..b/..c", "h", &path, &query, a), 0);
}

static void
target_refuses_what_could_mislead(void **state)
{
	static const char *const bad[] = { "/..", "/a/../b", "/a/./b", "/a/..",
		"/%2e%2e/b", "/a%2f..%2fb", "/%2e", "/a%00", "/a%0a", "/a%7f",
		"/a%", "/a%2", "/a%zz", "*", "a/b", "http://other/x",
		"http://h", "ftp://h/x", "/a#b", "/a?b#c", "" };
	AUTO(arena) a = arena_new(0);
	const char *path, *query;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    try_target(bad[i], "h", &path, &query, a), 400);
}

static void
pairs_are_decoded(void **state)
{
	AUTO(arena) a = arena_new(0);
	struct http_list l = { 0 };

	(void)state;
	assert_int_equal(
	    parse_pairs(a, &l, view_str("a=1&b=x+y%2B&&c&d=e=f&=g"), NULL),
	    RC_OK);
	assert_int_equal(l.n, 5);
	assert_string_equal(l.items[1].value, "x y+");
	assert_string_equal(l.items[2].name, "c");
	assert_string_equal(l.items[2].value, "");
	assert_string_equal(l.items[3].value, "e=f");
	assert_string_equal(l.items[4].name, "");
	assert_int_equal(parse_pairs(a, &l, view_str(""), NULL), RC_OK);
	assert_int_equal(l.n, 0);
	assert_int_equal(
	    parse_pairs(a, &l, view_str("a=%0"), NULL), RC_INVALID);
	assert_int_equal(
	    parse_pairs(a, &l, view_str("a=%00"), NULL), RC_INVALID);
	assert_int_equal(
	    parse_pairs(a, &l, view_of("a=\0", 3), NULL), RC_INVALID);
	memset(text, '&', PARSE_PAIRS_MAX);
	assert_int_equal(
	    parse_pairs(a, &l, view_of(text, PARSE_PAIRS_MAX), NULL),
	    RC_INVALID);
}

static void
cookies_are_found_by_their_whole_name(void **state)
{
	struct view v;

	(void)state;
	assert_true(parse_cookie(&v, "a=b; JSESSIONID=12; c=d", "JSESSIONID"));
	assert_true(view_is(v, "12"));
	assert_true(parse_cookie(&v, "JSESSIONID=\"12\"", "JSESSIONID"));
	assert_true(view_is(v, "12"));
	assert_false(parse_cookie(&v, "XJSESSIONID=12", "JSESSIONID"));
	assert_false(parse_cookie(&v, "JSESSIONID", "JSESSIONID"));
	assert_false(parse_cookie(&v, "", "JSESSIONID"));
	assert_false(parse_cookie(&v, ";;; ", "JSESSIONID"));
}

static void
origins_are_compared_with_scheme_and_port(void **state)
{
	(void)state;
	assert_true(parse_same_origin("https://h:8443", true, "H:8443"));
	assert_true(parse_same_origin("https://h", true, "h:443"));
	assert_true(parse_same_origin("http://h:80", false, "h"));
	assert_false(parse_same_origin("http://h", true, "h"));
	assert_false(parse_same_origin("https://h", true, "h:8443"));
	assert_false(parse_same_origin("https://hh", true, "h"));
	assert_false(parse_same_origin("null", true, "h"));
	assert_false(parse_same_origin("https://", true, ""));
}

/* Feeds s in pieces; the result, and the body in text. */
static int
feed(const char *s, size_t piece, size_t max, size_t *body, size_t *rest)
{
	struct parse_chunks c = { 0 };
	size_t len = 0, all = strlen(s), given = 0;
	int r = 0;

	while (r == 0 && given < all) {
		size_t n = all - given < piece ? all - given : piece;

		memcpy(text + len, s + given, n);
		len += n;
		given += n;
		r = parse_chunks(&c, (uint8_t *)text, &len, max);
	}
	*body = c.body;
	*rest = len - c.body;
	return r;
}

static void
chunks_are_joined_however_they_arrive(void **state)
{
	static const char s[] =
	    "4\r\nWiki\r\n5;x=y\r\npedia\r\n00A\r\n0123456789\r\n0\r\n"
	    "T: v\r\n\r\nGET";
	size_t body, rest;

	(void)state;
	for (size_t piece = 1; piece < sizeof(s); piece++) {
		assert_int_equal(feed(s, piece, 100, &body, &rest), 1);
		assert_int_equal(body, 19);
		assert_memory_equal(text, "Wikipedia0123456789", 19);
	}
	assert_int_equal(rest, 3);
	assert_memory_equal(text + 19, "GET", 3);
}

static void
chunks_refuse_what_is_malformed(void **state)
{
	static const char *const bad[] = { "\r\n", "x\r\n", "-1\r\n",
		"4\nWiki\r\n", "4\r\nWikixy", "4\r\nWiki\n\n", "4 4\x01\r\n",
		"100000000\r\n", "0x4\r\n", "0\r\n\n", "4;\x7f\r\n" };
	size_t body, rest;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(feed(bad[i], 64, 100, &body, &rest), -400);
	assert_int_equal(feed("65\r\nx", 64, 100, &body, &rest), -413);
	assert_int_equal(feed("ffffffff\r\nx", 64, 100, &body, &rest), -413);
	memset(text, '1', 300);
	text[300] = '\0';
	{
		char line[301];

		memcpy(line, text, sizeof(line));
		line[0] = '4';
		memset(line + 1, ';', 299);
		assert_int_equal(feed(line, 400, 100, &body, &rest), -400);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_takes_an_ordinary_request),
		cmocka_unit_test(head_knows_when_the_connection_ends),
		cmocka_unit_test(head_refuses_ambiguous_framing),
		cmocka_unit_test(head_refuses_bad_hosts),
		cmocka_unit_test(head_refuses_bad_request_lines),
		cmocka_unit_test(head_counts_and_measures_headers),
		cmocka_unit_test(head_survives_truncation_and_change),
		cmocka_unit_test(target_splits_and_decodes),
		cmocka_unit_test(target_refuses_what_could_mislead),
		cmocka_unit_test(pairs_are_decoded),
		cmocka_unit_test(cookies_are_found_by_their_whole_name),
		cmocka_unit_test(origins_are_compared_with_scheme_and_port),
		cmocka_unit_test(chunks_are_joined_however_they_arrive),
		cmocka_unit_test(chunks_refuse_what_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
