/* SPDX-License-Identifier: Apache-2.0 */
/* server_test.c - the server over plain sockets: routes, limits, deadlines,
 * smuggling, sessions, stopping.
 * Owns:    one server a case, on a free port.
 * Trusts:  nothing.
 * Threads: the server's own beside the test's. */
#include "http/server.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "http/testlib.h"

/* The room keys/ is not linked here: there is no TLS in these cases. */
enum rc
key_use_tls(struct key *k, SSL_CTX *ctx, const struct view *chain, size_t n,
    struct err *e)
{
	(void)k;
	(void)ctx;
	(void)chain;
	(void)n;
	return err_set(e, RC_UNSUPPORTED, "no keys here");
}

static struct http_server *server;
static int port;
enum {
	SLOW_MS = 300,     /* what a slow call takes */
	REQUEST_MS = 1200, /* of a server that does not wait long */
	IDLE_MS = 900
};

static atomic_int done_calls, handler_calls, slow_begun, freed_data, released;
static atomic_bool gate_open;
static char big[3 * 1024 * 1024];

static void
say(struct http_call *c)
{
	AUTO_BUF b = buf_empty(0);

	atomic_fetch_add(&handler_calls, 1);
	buf_addf(&b, "%s|%s|%s|%s|%zu|%.*s", c->path,
	    http_query(c, "q") ? http_query(c, "q") : "-",
	    http_form(c, "f") ? http_form(c, "f") : "-",
	    http_param(c, "id") ? http_param(c, "id") : "-", c->body.len,
	    VIEW_ARGS(c->body));
	http_reply(c, 200, "text/plain", buf_view(&b));
}

static void
slow(struct http_call *c)
{
	atomic_fetch_add(&slow_begun, 1);
	t_sleep_ms(SLOW_MS);
	say(c);
}

static void
gate(struct http_call *c)
{
	atomic_fetch_add(&handler_calls, 1);
	while (!atomic_load(&gate_open))
		t_sleep_ms(5);
	http_reply(c, 200, "text/plain", view_str("open"));
}

static void
large(struct http_call *c)
{
	http_reply_type(c, 200, "application/octet-stream");
	buf_add(&c->out, big, sizeof(big));
}

static void
release(void *arg)
{
	(void)arg;
	atomic_fetch_add(&released, 1);
}

static void
by_ref(struct http_call *c)
{
	http_reply_ref(c, 200, "application/octet-stream",
	    view_of(big, sizeof(big)), release, NULL);
}

static void
none(struct http_call *c)
{
	c->status = 204;
	http_reply_header(c, "X-Split", "a\r\nSet-Cookie: b=c");
}

static void
free_data(void *data)
{
	atomic_fetch_add(&freed_data, 1);
	free(data);
}

static void
login(struct http_call *c)
{
	assert_non_null(http_session_new(c, strdup("alice"), free_data));
	http_reply(c, 200, "text/plain", view_str("in"));
}

static void
whoami(struct http_call *c)
{
	const char *who = "nobody";

	if (c->session != NULL) {
		http_session_lock(c->session);
		who = http_session_data(c->session);
		http_session_unlock(c->session);
	}
	http_reply(c, 200, "text/plain", view_str(who));
}

static void
logout(struct http_call *c)
{
	http_session_end(c);
	c->status = 204;
}

static void
credentials(struct http_call *c)
{
	const char *user = "";
	struct view password = { 0 };
	enum rc rc = http_basic(c, &user, &password, NULL);

	http_reply_type(c, 200, "text/plain");
	buf_addf(&c->out, "%d %s %.*s", (int)rc, user, VIEW_ARGS(password));
}

static void
on_done(void *arg, const struct http_call *c, int64_t micros)
{
	(void)arg;
	(void)c;
	assert_true(micros >= 0);
	atomic_fetch_add(&done_calls, 1);
}

static void
render(void *arg, struct http_call *c, int status, const char *text)
{
	AUTO_BUF b = buf_empty(0);

	(void)arg;
	buf_addf(&b, "E%d:%s", status, text);
	http_reply(c, status, "text/plain", buf_view(&b));
}

static const struct http_route routes[] = {
	{ HTTP_GET | HTTP_POST, "/say", say, HTTP_INLINE, 0, 0 },
	{ HTTP_GET | HTTP_POST, "/pool", say, HTTP_READ, 0, 0 },
	{ HTTP_GET, "/item/{id}", say, HTTP_READ, 0, 0 },
	{ HTTP_GET, "/rest/*", say, HTTP_INLINE, 0, 0 },
	{ HTTP_POST, "/small", say, HTTP_INLINE, 0, 10 },
	{ HTTP_GET | HTTP_POST, "/slow", slow, HTTP_ISSUE, 0, 0 },
	{ HTTP_GET, "/gate", gate, HTTP_ISSUE, 0, 0 },
	{ HTTP_GET, "/large", large, HTTP_READ, 0, 0 },
	{ HTTP_GET, "/ref", by_ref, HTTP_INLINE, 0, 0 },
	{ HTTP_GET, "/none", none, HTTP_INLINE, 0, 0 },
	{ HTTP_GET | HTTP_POST, "/secure", say, HTTP_INLINE, HTTP_TLS_ONLY, 0 },
	{ HTTP_GET | HTTP_POST, "/own", say, HTTP_INLINE, HTTP_SAME_ORIGIN, 0 },
	{ HTTP_GET, "/login", login, HTTP_ADMIN, 0, 0 },
	{ HTTP_GET, "/whoami", whoami, HTTP_ADMIN, 0, 0 },
	{ HTTP_GET, "/logout", logout, HTTP_ADMIN, 0, 0 },
	{ HTTP_GET, "/basic", credentials, HTTP_INLINE, 0, 0 },
};

static int
start_with(const struct http_server_params *given)
{
	static const struct http_listen l = { "127.0.0.1", 0, false };
	struct http_server_params p = *given;

	p.listen = &l;
	p.n_listen = 1;
	p.done = on_done;
	p.render_error = render;
	assert_int_equal(http_server_new(&server, &p, NULL), RC_OK);
	assert_int_equal(http_server_add(server, routes,
			     sizeof(routes) / sizeof(routes[0]), NULL, NULL),
	    RC_OK);
	assert_int_equal(http_server_start(server, NULL), RC_OK);
	port = http_server_port(server, 0);
	atomic_store(&done_calls, 0);
	atomic_store(&handler_calls, 0);
	atomic_store(&slow_begun, 0);
	return 0;
}

static int
start(void **state)
{
	struct http_server_params p = { 0 };

	(void)state;
	return start_with(&p);
}

static int
start_short(void **state)
{
	struct http_server_params p = { .request_timeout_ms = REQUEST_MS,
		.idle_timeout_ms = IDLE_MS };

	(void)state;
	return start_with(&p);
}

static int
stop(void **state)
{
	(void)state;
	http_server_free(server);
	server = NULL;
	return 0;
}

#define H "Host: localhost\r\n"

static void
requests_reach_their_handler(void **state)
{
	(void)state;
	assert_int_equal(
	    t_exchange(port, "GET /say?q=a%20b HTTP/1.1\r\n" H "\r\n"), 200);
	assert_string_equal(t_body(), "/say|a b|-|-|0|");
	assert_non_null(strstr(t_head(), "Content-Type: text/plain\r\n"));
	assert_non_null(strstr(t_head(), " GMT\r\n"));
	assert_int_equal(
	    t_exchange(port,
		"POST /pool?q=1 HTTP/1.1\r\n" H
		"Content-Type: application/x-www-form-urlencoded; "
		"charset=UTF-8\r\nContent-Length: 7\r\n\r\nf=x%2By"),
	    200);
	assert_string_equal(t_body(), "/pool|1|x+y|-|7|f=x%2By");
	assert_int_equal(
	    t_exchange(port, "GET /item/a%2Db HTTP/1.1\r\n" H "\r\n"), 200);
	assert_string_equal(t_body(), "/item/a-b|-|-|a-b|0|");
	assert_int_equal(
	    t_exchange(port, "GET /rest/a//b/ HTTP/1.1\r\n" H "\r\n"), 200);
	assert_int_equal(t_exchange(port, "GET /say HTTP/1.0\r\n\r\n"), 200);
	assert_non_null(strstr(t_head(), "Connection: close\r\n"));
}

static void
refusals_have_their_status(void **state)
{
	(void)state;
	assert_int_equal(t_exchange(port, "GET /x HTTP/1.1\r\n" H "\r\n"), 404);
	assert_string_equal(t_body(), "E404:not found");
	assert_int_equal(
	    t_exchange(port, "PUT /say HTTP/1.1\r\n" H "\r\n"), 405);
	assert_non_null(strstr(t_head(), "Allow: GET, HEAD, POST\r\n"));
	assert_int_equal(
	    t_exchange(port, "OPTIONS /say HTTP/1.1\r\n" H "\r\n"), 405);
	assert_int_equal(
	    t_exchange(port, "BREW /say HTTP/1.1\r\n" H "\r\n"), 501);
	assert_int_equal(t_exchange(port, "GET /say HTTP/1.1\r\n\r\n"), 400);
	assert_int_equal(
	    t_exchange(port, "GET /say/../x HTTP/1.1\r\n" H "\r\n"), 400);
	assert_int_equal(
	    t_exchange(port, "GET /say?q=%x HTTP/1.1\r\n" H "\r\n"), 400);
	assert_int_equal(t_exchange(port, "\x16\x03\x01 hello\r\n\r\n"), 400);
	assert_int_equal(
	    t_exchange(port, "GET /say HTTP/1.1\r\n" H "Expect: x\r\n\r\n"),
	    417);
	assert_int_equal(atomic_load(&handler_calls), 0);
}

static void
smuggled_requests_are_never_run(void **state)
{
	static const char inner[] = "GET /say?q=smuggled HTTP/1.1\r\n" H "\r\n";
	static const char *const heads[] = {
		"Content-Length: 0\r\nContent-Length: 50\r\n",
		"Content-Length: 5\r\nContent-Length: 5\r\n",
		"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
		"Transfer-Encoding: xchunked\r\n",
		"Transfer-Encoding : chunked\r\n",
		"X: y\r\n Transfer-Encoding: chunked\r\n",
		"Host: other\r\n",
		"Content-Length: +0\r\n",
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		int fd = t_connect(port);
		const char *all;

		snprintf(text, sizeof(text),
		    "POST /say HTTP/1.1\r\n" H "%s\r\n0\r\n\r\n%s", heads[i],
		    inner);
		t_send(fd, text);
		all = t_read(fd, 0);
		assert_true(text_starts(all, "HTTP/1.1 4") ||
		    text_starts(all, "HTTP/1.1 501"));
		assert_null(strstr(all, "HTTP/1.1 200"));
		close(fd);
	}
	assert_int_equal(atomic_load(&handler_calls), 0);
}

static void
limits_are_kept(void **state)
{
	static char text[HTTP_URL_MAX * 2];
	size_t n;

	(void)state;
	/* Refused before the body has come. */
	assert_int_equal(
	    t_exchange(port,
		"POST /small HTTP/1.1\r\n" H "Content-Length: 11\r\n\r\n"),
	    413);
	assert_int_equal(t_exchange(port,
			     "POST /small HTTP/1.1\r\n" H
			     "Content-Length: 10\r\n\r\n0123456789"),
	    200);
	assert_int_equal(t_exchange(port,
			     "POST /small HTTP/1.1\r\n" H
			     "Transfer-Encoding: chunked\r\n\r\n"
			     "6\r\n012345\r\n5\r\n67890\r\n0\r\n\r\n"),
	    413);
	assert_int_equal(
	    t_exchange(port,
		"POST /say HTTP/1.1\r\n" H "Content-Length: 1048577\r\n\r\n"),
	    413);
	n = (size_t)snprintf(text, sizeof(text), "GET /");
	memset(text + n, 'a', HTTP_URL_MAX + 8);
	snprintf(text + n + HTTP_URL_MAX + 8, 64, " HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(t_exchange(port, text), 414);
	n = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" H "X: ");
	memset(text + n, 'a', HTTP_HEADERS_MAX);
	snprintf(text + n + HTTP_HEADERS_MAX, 64, "\r\n\r\n");
	assert_int_equal(t_exchange(port, text), 431);
	/* No end of the head in sight. */
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "GET /", 5);
	assert_int_equal(t_exchange(port, text), 414);
}

static void
bodies_may_come_in_chunks_and_pieces(void **state)
{
	int fd = t_connect(port);

	(void)state;
	t_send(
	    fd, "POST /pool HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n");
	t_sleep_ms(20);
	t_send(fd, "Expect: 100-continue\r\n\r\n");
	assert_int_equal(t_reply(fd), 100);
	t_send(fd, "3\r\nabc\r");
	t_sleep_ms(20);
	t_send(fd, "\n2\r\nde\r\n0\r\n\r\nGET /say HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(t_reply(fd), 200);
	assert_string_equal(t_body(), "/pool|-|-|-|5|abcde");
	assert_int_equal(t_reply(fd), 200);
	assert_string_equal(t_body(), "/say|-|-|-|0|");
	close(fd);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
	AUTO_BUF b = buf_empty(0);
	int fd = t_connect(port);
	char want[64];

	(void)state;
	for (int i = 0; i < 500; i++)
		buf_addf(&b, "GET /%s?q=%d HTTP/1.1\r\n" H "\r\n",
		    i % 7 == 0 ? "pool" : "say", i);
	t_send_all(fd, buf_view(&b));
	for (int i = 0; i < 500; i++) {
		assert_int_equal(t_reply(fd), 200);
		snprintf(want, sizeof(want), "/%s|%d|-|-|0|",
		    i % 7 == 0 ? "pool" : "say", i);
		assert_string_equal(t_body(), want);
	}
	close(fd);
}

/* The read event is out while a call is with a worker; then so many follow that
 * others have their turn in between. */
static void
a_long_pipeline_behind_a_slow_call_is_not_the_end(void **state)
{
	AUTO_BUF b = buf_empty(0);
	int fd = t_connect(port);

	(void)state;
	buf_add_str(&b, "GET /slow HTTP/1.1\r\n" H "\r\n");
	for (int i = 0; i < 200; i++)
		buf_add_str(&b, "GET /say HTTP/1.1\r\n" H "\r\n");
	t_send_all(fd, buf_view(&b));
	for (int i = 0; i <= 200; i++)
		assert_int_equal(t_reply(fd), 200);
	t_send(fd, "GET /say HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(t_reply(fd), 200);
	close(fd);
}

static void
head_has_a_length_and_no_body(void **state)
{
	int fd = t_connect(port);
	const char *all;

	(void)state;
	t_send(fd, "HEAD /say HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
	all = t_read(fd, 0);
	assert_non_null(strstr(all, "Content-Length: 13\r\n"));
	assert_true(text_ends(all, "\r\n\r\n"));
	close(fd);
	assert_int_equal(
	    t_exchange(port, "GET /none HTTP/1.1\r\n" H "\r\n"), 204);
	assert_null(strstr(t_head(), "Content-Length"));
	assert_null(strstr(t_head(), "\nSet-Cookie"));
}

static void
large_replies_arrive_whole(void **state)
{
	static const char *const paths[] = { "/large", "/ref" };
	char text[128];

	(void)state;
	memset(big, 'x', sizeof(big));
	atomic_store(&released, 0);
	for (size_t i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" H "\r\n",
		    paths[i]);
		assert_int_equal(t_exchange(port, text), 200);
		assert_memory_equal(t_body(), big, sizeof(big));
	}
	T_WAIT(atomic_load(&released) == 1);
}

static void
plain_requests_for_tls_routes_are_refused(void **state)
{
	(void)state;
	assert_int_equal(
	    t_exchange(port, "GET /secure HTTP/1.1\r\n" H "\r\n"), 403);
	assert_int_equal(
	    t_exchange(port, "POST /secure HTTP/1.1\r\n" H "\r\n"), 403);
}

static void
foreign_origins_are_refused(void **state)
{
	(void)state;
	assert_int_equal(
	    t_exchange(port, "GET /own HTTP/1.1\r\n" H "\r\n"), 200);
	assert_int_equal(
	    t_exchange(port,
		"POST /own HTTP/1.1\r\n" H "Origin: http://localhost\r\n\r\n"),
	    200);
	assert_int_equal(t_exchange(port,
			     "POST /own HTTP/1.1\r\n" H
			     "Origin: https://evil.example\r\n\r\n"),
	    403);
	assert_int_equal(
	    t_exchange(port, "POST /own HTTP/1.1\r\n" H "Origin: null\r\n\r\n"),
	    403);
	assert_int_equal(
	    t_exchange(port,
		"GET /own HTTP/1.1\r\n" H "Sec-Fetch-Site: cross-site\r\n\r\n"),
	    403);
}

static void
basic_credentials_are_decoded(void **state)
{
	(void)state;
	assert_int_equal(t_exchange(port,
			     "GET /basic HTTP/1.1\r\n" H
			     "Authorization: basic YTpiOmM=\r\n\r\n"),
	    200);
	assert_string_equal(t_body(), "0 a b:c");
	t_exchange(port, "GET /basic HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(t_body()[0], '0' + RC_NOTFOUND);
	t_exchange(port,
	    "GET /basic HTTP/1.1\r\n" H "Authorization: Basic ???\r\n\r\n");
	assert_int_equal(t_body()[0], '0' + RC_INVALID);
	t_exchange(port,
	    "GET /basic HTTP/1.1\r\n" H "Authorization: Basic YWI=\r\n\r\n");
	assert_int_equal(t_body()[0], '0' + RC_INVALID);
}

static void
sessions_last_from_login_to_logout(void **state)
{
	char text[256], id[33];
	const char *p;

	(void)state;
	atomic_store(&freed_data, 0);
	assert_int_equal(
	    t_exchange(port, "GET /login HTTP/1.1\r\n" H "\r\n"), 200);
	p = strstr(t_head(), "Set-Cookie: JSESSIONID=");
	assert_non_null(p);
	assert_non_null(strstr(p, "; Path=/; HttpOnly; SameSite=Lax\r\n"));
	snprintf(id, sizeof(id), "%.32s", p + 23);
	snprintf(text, sizeof(text),
	    "GET /whoami HTTP/1.1\r\n" H "Cookie: JSESSIONID=%s\r\n\r\n", id);
	t_exchange(port, text);
	assert_string_equal(t_body(), "alice");
	snprintf(text, sizeof(text),
	    "GET /logout HTTP/1.1\r\n" H "Cookie: JSESSIONID=%s\r\n\r\n", id);
	assert_int_equal(t_exchange(port, text), 204);
	assert_non_null(strstr(t_head(), "Max-Age=0"));
	snprintf(text, sizeof(text),
	    "GET /whoami HTTP/1.1\r\n" H "Cookie: JSESSIONID=%s\r\n\r\n", id);
	t_exchange(port, text);
	assert_string_equal(t_body(), "nobody");
	assert_int_equal(atomic_load(&freed_data), 1);
}

static void
trickling_clients_are_cut_while_others_are_served(void **state)
{
	int64_t begin = t_now_ms();
	int fd = t_connect(port), cut = 0;
	char c;

	(void)state;
	t_send(fd, "GET /say HTTP/1.1\r\n" H "X: ");
	while (t_now_ms() - begin < T_WAIT_MS) {
		t_sleep_ms(50);
		assert_int_equal(
		    t_exchange(port, "GET /pool HTTP/1.1\r\n" H "\r\n"), 200);
		if (send(fd, "a", 1, MSG_NOSIGNAL) != 1 ||
		    recv(fd, &c, 1, MSG_DONTWAIT) == 0) {
			cut = 1;
			break;
		}
	}
	assert_int_equal(cut, 1);
	assert_in_range(t_now_ms() - begin, REQUEST_MS * 9 / 10, T_WAIT_MS);
	close(fd);
}

static void
silent_and_idle_clients_are_cut(void **state)
{
	int64_t begin = t_now_ms();
	int silent = t_connect(port), idle = t_connect(port);

	(void)state;
	t_send(idle, "GET /say HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(t_reply(idle), 200);
	assert_string_equal(t_read(idle, 1), "");
	assert_string_equal(t_read(silent, 1), "");
	assert_in_range(t_now_ms() - begin, IDLE_MS * 9 / 10, T_WAIT_MS);
	close(silent);
	close(idle);
}

static void
running_calls_outlast_the_request_deadline(void **state)
{
	int fd = t_connect(port);

	(void)state;
	t_send(fd, "GET /slow HTTP/1.1\r\n" H "\r\n");
	T_WAIT(atomic_load(&slow_begun) == 1);
	for (int i = 0; i <= REQUEST_MS / SLOW_MS; i++) /* while it runs */
		t_send(fd, "GET /slow HTTP/1.1\r\n" H "\r\n");
	for (int i = 0; i <= REQUEST_MS / SLOW_MS + 1; i++)
		assert_int_equal(t_reply(fd), 200);
	close(fd);
}

static void
clients_that_leave_do_no_harm(void **state)
{
	struct http_stats st;

	(void)state;
	for (int i = 0; i < 20; i++) {
		int fd = t_connect(port);

		t_send(fd,
		    i % 2 == 0 ? "GET /slow HTTP/1.1\r\n" H "\r\n"
			       : "GET /large HTTP/1.1\r\n" H "\r\n");
		if (i % 3 == 0)
			t_sleep_ms(5);
		close(fd);
	}
	assert_int_equal(
	    t_exchange(port, "GET /slow HTTP/1.1\r\n" H "\r\n"), 200);
	T_WAIT((http_server_stats(server, &st), st.connections) == 0);
}

static void
stop_finishes_running_calls(void **state)
{
	int fd = t_connect(port), idle = t_connect(port);

	(void)state;
	t_send(fd, "GET /slow HTTP/1.1\r\n" H "\r\n");
	T_WAIT(atomic_load(&slow_begun) == 1);
	http_server_stop(server, T_WAIT_MS);
	assert_int_equal(t_reply(fd), 200);
	assert_non_null(strstr(t_head(), "Connection: close"));
	assert_string_equal(t_read(idle, 1), "");
	close(fd);
	close(idle);
}

static void
stop_does_not_wait_for_what_trickles_in(void **state)
{
	struct http_server_params p = { .request_timeout_ms = 10 * T_WAIT_MS };
	int64_t began;
	int slow, half;

	(void)state;
	start_with(&p);
	slow = t_connect(port);
	half = t_connect(port);
	t_send(half, "GET /slow HTT");
	t_send(slow, "GET /slow HTTP/1.1\r\n" H "\r\n");
	T_WAIT(atomic_load(&slow_begun) == 1);
	began = t_now_ms();
	http_server_stop(server, 2 * T_WAIT_MS);
	assert_true(t_now_ms() - began < T_WAIT_MS);
	assert_int_equal(t_reply(slow), 200);
	assert_string_equal(t_read(half, 1), "");
	close(slow);
	close(half);
}

static void
stop_does_not_wait_beyond_its_grace(void **state)
{
	int fds[8];

	(void)state;
	for (int i = 0; i < 8; i++) {
		fds[i] = t_connect(port);
		t_send(fds[i], "GET /slow HTTP/1.1\r\n" H "\r\n");
	}
	T_WAIT(atomic_load(&slow_begun) == 8);
	http_server_stop(server, 0);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(t_reply(fds[i]), 0);
		close(fds[i]);
	}
}

/* Long after http_server_stop has begun. */
static void *
open_later(void *arg)
{
	t_sleep_ms(500);
	atomic_store(&gate_open, true);
	return arg;
}

static void
waiting_calls_are_not_run_after_a_stop(void **state)
{
	pthread_t opener;
	int fds[HTTP_ISSUE_THREADS + 8];

	(void)state;
	atomic_store(&gate_open, false);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		fds[i] = t_connect(port);
		t_send(fds[i], "GET /gate HTTP/1.1\r\n" H "\r\n");
	}
	/* Only those run that have a thread. */
	T_WAIT(atomic_load(&handler_calls) == HTTP_ISSUE_THREADS);
	assert_int_equal(pthread_create(&opener, NULL, open_later, NULL), 0);
	http_server_stop(server, 0);
	pthread_join(opener, NULL);
	assert_int_equal(atomic_load(&handler_calls), HTTP_ISSUE_THREADS);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
}

static void
peer_of(struct http_call *c)
{
	http_reply(c, 200, "text/plain", view_str(c->peer));
}

static void
all_addresses_are_served(void **state)
{
	static const struct http_listen l = { "", 0, false };
	static const struct http_route r = { HTTP_GET, "/", peer_of,
		HTTP_INLINE, 0, 0 };
	const struct http_server_params p = { .listen = &l, .n_listen = 1 };
	AUTO(http_server) all = NULL;

	(void)state;
	assert_int_equal(http_server_new(&all, &p, NULL), RC_OK);
	assert_int_equal(http_server_add(all, &r, 1, NULL, NULL), RC_OK);
	assert_int_equal(http_server_start(all, NULL), RC_OK);
	assert_int_equal(
	    t_exchange(http_server_port(all, 0), "GET / HTTP/1.1\r\n" H "\r\n"),
	    200);
	assert_string_equal(t_body(), "127.0.0.1");
}

static atomic_bool hammering;

static void *
hammer(void *arg)
{
	int at = *(const int *)arg;
	static const char text[] = "GET /pool HTTP/1.1\r\n" H "\r\n";
	struct sockaddr_in sa = { .sin_family = AF_INET };
	char reply[512];

	sa.sin_addr.s_addr = __builtin_bswap32(0x7f000001);
	sa.sin_port = __builtin_bswap16((uint16_t)at);
	while (atomic_load(&hammering)) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
			while (send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL) >
				0 &&
			    recv(fd, reply, sizeof(reply), 0) > 0)
				if (!atomic_load(&hammering))
					break;
		close(fd);
	}
	return NULL;
}

static void
stop_under_load_joins_everything(void **state)
{
	struct http_server_params p = { .net_threads = 2 };
	pthread_t threads[4];

	(void)state;
	start_with(&p);
	atomic_store(&hammering, true);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, hammer, &port);
	T_WAIT(atomic_load(&done_calls) > 100);
	http_server_stop(server, 2000);
	atomic_store(&hammering, false);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static void
a_busy_port_is_named(void **state)
{
	struct http_listen l = { "127.0.0.1", port, false };
	struct http_server_params p = { .listen = &l, .n_listen = 1 };
	struct err e = { 0 };
	char want[32];

	(void)state;
	for (size_t n = 1; n <= 2; n++) {
		AUTO(http_server) other = NULL;

		p.net_threads = n;
		assert_int_equal(http_server_new(&other, &p, NULL), RC_OK);
		assert_int_equal(http_server_start(other, &e), RC_IO);
		snprintf(want, sizeof(want), "127.0.0.1:%d", port);
		assert_non_null(strstr(e.text, want));
	}
}

static void
done_is_called_for_every_reply(void **state)
{
	struct http_stats st;

	(void)state;
	t_exchange(port, "GET /say HTTP/1.1\r\n" H "\r\n");
	t_exchange(port, "GET /pool HTTP/1.1\r\n" H "\r\n");
	t_exchange(port, "nonsense\r\n\r\n");
	T_WAIT(atomic_load(&done_calls) == 3);
	http_server_stats(server, &st);
	assert_int_equal(st.requests, 3);
	assert_true(st.bytes_out > 100);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define SHORT(name) cmocka_unit_test_setup_teardown(name, start_short, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(requests_reach_their_handler),
		CASE(refusals_have_their_status),
		CASE(smuggled_requests_are_never_run),
		CASE(limits_are_kept),
		CASE(bodies_may_come_in_chunks_and_pieces),
		CASE(pipelined_requests_are_answered_in_order),
		CASE(a_long_pipeline_behind_a_slow_call_is_not_the_end),
		CASE(head_has_a_length_and_no_body),
		CASE(large_replies_arrive_whole),
		CASE(plain_requests_for_tls_routes_are_refused),
		CASE(foreign_origins_are_refused),
		CASE(basic_credentials_are_decoded),
		CASE(sessions_last_from_login_to_logout),
		SHORT(trickling_clients_are_cut_while_others_are_served),
		SHORT(silent_and_idle_clients_are_cut),
		SHORT(running_calls_outlast_the_request_deadline),
		CASE(clients_that_leave_do_no_harm),
		CASE(stop_finishes_running_calls),
		cmocka_unit_test_teardown(
		    stop_does_not_wait_for_what_trickles_in, stop),
		CASE(stop_does_not_wait_beyond_its_grace),
		CASE(waiting_calls_are_not_run_after_a_stop),
		cmocka_unit_test(all_addresses_are_served),
		cmocka_unit_test_teardown(
		    stop_under_load_joins_everything, stop),
		CASE(a_busy_port_is_named),
		CASE(done_is_called_for_every_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
