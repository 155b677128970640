/* SPDX-License-Identifier: Apache-2.0 */
/* client_test.c - the client against our own server: methods, cookies, reuse,
 * certificate problems, errors that say what is wrong.
 * Owns:    one server for all cases.
 * Trusts:  nothing.
 * Threads: the server's own beside the test's. */
#include "http/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "http/server.h"
#include "http/testcert.h"
#include "http/testlib.h"

static struct t_cert root, other, admin, localhost, expired, elsewhere, self;
static struct http_server *server;
static int tls_port, plain_port;

static void
echo(struct http_call *c)
{
	const char *user = "-", *type = http_header(c, "Content-Type");
	struct view pw = { 0 };

	rc_ignore(http_basic(c, &user, &pw, NULL)); /* "-" when absent */
	http_reply_type(c, 200, "text/x-echo");
	buf_addf(&c->out, "%d|%s|%s|%.*s|%.*s|%s|%s", (int)c->method,
	    type != NULL ? type : "-", user, VIEW_ARGS(pw), VIEW_ARGS(c->body),
	    c->peer_cert.len > 0 ? "cert" : "-",
	    c->session != NULL ? "session" : "-");
}

static void
login(struct http_call *c)
{
	assert_non_null(http_session_new(c, NULL, NULL));
	c->status = 204;
}

static void
slow(struct http_call *c)
{
	(void)c;
	t_sleep_ms(800);
}

static void
large(struct http_call *c)
{
	char block[1000] = "";

	for (int i = 0; i < 100; i++)
		buf_add(&c->out, block, sizeof(block));
}

static const struct http_route routes[] = {
	{ HTTP_GET | HTTP_POST | HTTP_PUT | HTTP_DELETE | HTTP_PATCH, "/echo",
	    echo, HTTP_READ, 0, 4 * 1024 * 1024 },
	{ HTTP_GET, "/login", login, HTTP_ADMIN, 0, 0 },
	{ HTTP_GET, "/slow", slow, HTTP_ADMIN, 0, 0 },
	{ HTTP_GET, "/large", large, HTTP_READ, 0, 0 },
};

static void
serve(const struct t_cert *cert)
{
	static const struct http_listen l[] = { { "127.0.0.1", 0, true },
		{ "127.0.0.1", 0, false } };
	struct key key = cert->key;
	struct http_server_params p = { .listen = l,
		.n_listen = 2,
		.key = &key,
		.chain = &cert->der,
		.n_chain = 1,
		.client_cas = &root.der,
		.n_client_cas = 1 };

	http_server_free(server);
	assert_int_equal(http_server_new(&server, &p, NULL), RC_OK);
	assert_int_equal(http_server_add(server, routes,
			     sizeof(routes) / sizeof(routes[0]), NULL, NULL),
	    RC_OK);
	assert_int_equal(http_server_start(server, NULL), RC_OK);
	tls_port = http_server_port(server, 0);
	plain_port = http_server_port(server, 1);
}

static struct http_client *
client(struct http_client_params p)
{
	struct http_client *c = NULL;

	if (p.n_cas == 0) {
		p.cas = &root.der;
		p.n_cas = 1;
	}
	assert_int_equal(http_client_new(&c, &p, NULL), RC_OK);
	return c;
}

static const char *
url(const char *host, int port, const char *path)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s://%s:%d%s",
	    port == tls_port ? "https" : "http", host, port, path);
	return text;
}

static struct err err;
static struct http_exchange exchange;

/* One exchange with localhost; the reply's text. */
static const char *
get(struct http_client *c, enum rc want, const char *host, const char *path)
{
	exchange.method = "GET";
	exchange.url = url(host, tls_port, path);
	err.text[0] = '\0';
	assert_int_equal(http_client_do(c, &exchange, &err), want);
	return buf_cstr(&exchange.reply);
}

static void
methods_bodies_and_types_arrive(void **state)
{
	static const struct {
		const char *method, *type, *body, *want;
	} cases[] = {
		{ "GET", NULL, "", "1|-|-|||-|-" },
		{ "POST", "application/json", "{}",
		    "4|application/json|-||{}|-|-" },
		{ "POST", NULL, "", "4|-|-|||-|-" },
		{ "PUT", "text/plain", "x", "8|text/plain|-||x|-|-" },
		{ "DELETE", NULL, "", "16|-|-|||-|-" },
		{ "PATCH", "a/b", "y", "32|a/b|-||y|-|-" },
	};
	AUTO(http_client) c = client((struct http_client_params){ 0 });
	struct http_stats st;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_exchange x = { .method = cases[i].method,
			.url = url("localhost", tls_port, "/echo"),
			.type = cases[i].type,
			.body = view_str(cases[i].body) };

		assert_int_equal(http_client_do(c, &x, &err), RC_OK);
		assert_int_equal(x.status, 200);
		assert_string_equal(x.reply_type, "text/x-echo");
		assert_string_equal(buf_cstr(&x.reply), cases[i].want);
		http_exchange_done(&x);
	}
	http_server_stats(server, &st);
	assert_int_equal(st.tls_handshakes, 1); /* one connection for all */
}

static void
large_bodies_are_sent_and_bounded(void **state)
{
	AUTO(http_client) c = client((struct http_client_params){ 0 });
	size_t n = 3 * 1024 * 1024;
	char *body = calloc(n, 1);
	struct http_exchange x = { .method = "POST",
		.url = url("localhost", tls_port, "/echo"),
		.body = view_of(body, n) };

	(void)state;
	memset(body, 'b', n);
	assert_int_equal(http_client_do(c, &x, &err), RC_OK);
	assert_int_equal(x.reply.len, n + strlen("4|-|-|||-|-"));
	x.method = "GET";
	x.body = (struct view){ 0 };
	x.url = url("localhost", tls_port, "/large");
	x.max_reply = 100000;
	assert_int_equal(http_client_do(c, &x, &err), RC_OK);
	x.max_reply = 99999;
	assert_int_equal(http_client_do(c, &x, &err), RC_TOOBIG);
	http_exchange_done(&x);
	free(body);
}

static void
credentials_certificate_and_cookies_are_used(void **state)
{
	AUTO(secret) pw = secret_new(view_str("p:w"));
	AUTO(http_client)
	c = client(
	    (struct http_client_params){ .user = "caadmin", .password = pw });
	AUTO(http_client)
	d = client((struct http_client_params){
	    .key = &admin.key, .chain = &admin.der, .n_chain = 1 });

	(void)state;
	assert_string_equal(
	    get(c, RC_OK, "localhost", "/echo"), "1|-|caadmin|p:w||-|-");
	assert_string_equal(
	    get(d, RC_OK, "localhost", "/echo"), "1|-|-|||cert|-");
	get(d, RC_OK, "localhost", "/login");
	assert_string_equal(
	    get(d, RC_OK, "localhost", "/echo"), "1|-|-|||cert|session");
}

static unsigned asked, answer;

static bool
accept_some(void *arg, enum http_cert_problem p, struct view der)
{
	(void)arg;
	assert_true(der.len > 100);
	asked |= 1U << p;
	return (answer & 1U << p) != 0;
}

static void
expect_problems(const struct t_cert *cert, const char *host, unsigned problems)
{
	AUTO(http_client) strict = client((struct http_client_params){ 0 });
	struct http_client_params p = { .accept = accept_some };
	char first[64];

	serve(cert);
	get(strict, RC_AUTH, host, "/echo");
	snprintf(first, sizeof(first), "%s:%d: server certificate: %s", host,
	    tls_port,
	    http_cert_problem_name(
		(enum http_cert_problem)__builtin_ctz(problems)));
	assert_true(text_starts(err.text, first));
	{
		AUTO(http_client) c = client(p);

		asked = 0;
		answer = 0;
		get(c, RC_AUTH, host, "/echo");
		assert_int_equal(asked, problems & -problems);
	}
	{
		AUTO(http_client) c = client(p);

		asked = 0;
		answer = problems;
		assert_true(text_starts(get(c, RC_OK, host, "/echo"), "1|"));
		assert_int_equal(asked, problems);
		/* Another connection of the same client may resume. */
		assert_true(text_starts(get(c, RC_OK, host, "/echo"), "1|"));
	}
}

static void
server_certificate_problems_are_named_and_asked(void **state)
{
	struct t_cert by_other;
	const struct t_want w = { .cn = "x", .san = "DNS:localhost" };

	(void)state;
	expect_problems(
	    &expired, "localhost", 1U << HTTP_CERT_EXPIRED_CERTIFICATE);
	expect_problems(
	    &elsewhere, "localhost", 1U << HTTP_CERT_BAD_CERT_DOMAIN);
	expect_problems(
	    &localhost, "127.0.0.1", 1U << HTTP_CERT_BAD_CERT_DOMAIN);
	expect_problems(&self, "localhost",
	    1U << HTTP_CERT_UNTRUSTED_ISSUER | 1U << HTTP_CERT_BAD_CERT_DOMAIN);
	t_cert_make(&by_other, &other, &w);
	expect_problems(&by_other, "localhost", 1U << HTTP_CERT_UNKNOWN_ISSUER);
	t_cert_done(&by_other);
	serve(&localhost);
}

static void
errors_name_host_port_and_cause(void **state)
{
	AUTO(http_client)
	c = client((struct http_client_params){ .timeout_ms = 60000 });
	AUTO(http_client)
	hasty = client((struct http_client_params){ .timeout_ms = 300 });
	struct http_exchange x = { .method = "GET",
		.url = "http://127.0.0.1:1/" };

	(void)state;
	assert_int_equal(http_client_do(c, &x, &err), RC_UNAVAILABLE);
	assert_string_equal(err.text, "127.0.0.1:1: Connection refused");
	x.url = "https://no-such-host.invalid:8443/";
	assert_int_equal(http_client_do(c, &x, &err), RC_UNAVAILABLE);
	assert_true(text_starts(err.text, "no-such-host.invalid:8443: "));
	x.url = url("127.0.0.1", plain_port, "/slow");
	assert_int_equal(http_client_do(hasty, &x, &err), RC_TIMEOUT);
	x.url = "ftp://127.0.0.1/";
	assert_int_equal(http_client_do(c, &x, &err), RC_INVALID);
	x.url = "https://";
	assert_int_equal(http_client_do(c, &x, &err), RC_INVALID);
	x.url = "http://127.0.0.1:1/";
	x.type = "a\r\nX: y";
	assert_int_equal(http_client_do(c, &x, &err), RC_INVALID);
	http_exchange_done(&x);
}

static void
tls_to_a_plain_port_is_explained(void **state)
{
	AUTO(http_client) c = client((struct http_client_params){ 0 });
	char text[64];
	struct http_exchange x = { .method = "GET", .url = text };

	(void)state;
	snprintf(text, sizeof(text), "https://127.0.0.1:%d/", plain_port);
	assert_int_equal(http_client_do(c, &x, &err), RC_UNAVAILABLE);
	assert_true(text_starts(err.text, "127.0.0.1:"));
	http_exchange_done(&x);
}

static void
any_status_is_a_result(void **state)
{
	AUTO(http_client) c = client((struct http_client_params){ 0 });
	struct http_exchange x = { .method = "HEAD" };

	(void)state;
	x.url = url("localhost", tls_port, "/nothing");
	assert_int_equal(http_client_do(c, &x, &err), RC_OK);
	assert_int_equal(x.status, 404);
	http_exchange_done(&x);
}

static void
exchanges_are_recorded_in_order(void **state)
{
	char dir[] = "/tmp/http_client_test.XXXXXX", path[128];
	AUTO_BUF text = buf_empty(0);

	(void)state;
	assert_non_null(mkdtemp(dir));
	{
		AUTO(http_client)
		c = client((struct http_client_params){ .record_dir = dir });

		get(c, RC_OK, "localhost", "/login");
		get(c, RC_OK, "localhost", "/echo");
	}
	snprintf(path, sizeof(path), "%s/http-request-1", dir);
	assert_true(file_exists(path));
	snprintf(path, sizeof(path), "%s/http-response-2", dir);
	assert_int_equal(file_read(&text, path, NULL), RC_OK);
	assert_string_equal(buf_cstr(&text),
	    "HTTP/1.1 200\nContent-Type: text/x-echo\n\n1|-|-|||-|session");
	assert_int_equal(file_remove_tree(dir, NULL), RC_OK);
}

static void
url_encoding_leaves_only_unreserved_characters(void **state)
{
	AUTO_BUF b = buf_empty(0);

	(void)state;
	http_url_encode(&b, view_of("aZ09-._~ /+%\0\xff", 14));
	assert_string_equal(buf_cstr(&b), "aZ09-._~%20%2F%2B%25%00%FF");
}

static int
setup(void **state)
{
	struct t_want w = { .cn = "root", .ca = true };

	(void)state;
	t_cert_make(&root, NULL, &w);
	w.cn = "other";
	t_cert_make(&other, NULL, &w);
	w = (struct t_want){ .cn = "localhost", .san = "DNS:localhost" };
	t_cert_make(&localhost, &root, &w);
	w.from = -5;
	w.to = -1;
	t_cert_make(&expired, &root, &w);
	w = (struct t_want){ .cn = "localhost", .san = "DNS:elsewhere" };
	t_cert_make(&elsewhere, &root, &w);
	t_cert_make(&self, NULL, &w);
	w = (struct t_want){ .cn = "admin" };
	t_cert_make(&admin, &root, &w);
	serve(&localhost);
	return 0;
}

static int
teardown(void **state)
{
	struct t_cert *all[] = { &root, &other, &localhost, &expired,
		&elsewhere, &self, &admin };

	(void)state;
	http_exchange_done(&exchange);
	http_server_free(server);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		t_cert_done(all[i]);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_bodies_and_types_arrive),
		cmocka_unit_test(large_bodies_are_sent_and_bounded),
		cmocka_unit_test(credentials_certificate_and_cookies_are_used),
		cmocka_unit_test(
		    server_certificate_problems_are_named_and_asked),
		cmocka_unit_test(errors_name_host_port_and_cause),
		cmocka_unit_test(tls_to_a_plain_port_is_explained),
		cmocka_unit_test(any_status_is_a_result),
		cmocka_unit_test(exchanges_are_recorded_in_order),
		cmocka_unit_test(
		    url_encoding_leaves_only_unreserved_characters),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
