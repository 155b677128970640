/* SPDX-License-Identifier: Apache-2.0 */
/* tls_test.c - the server over TLS: client certificates good and bad,
 * resumption, deadlines, latency.
 * Owns:    one server a case; certificates for all.
 * Trusts:  nothing.
 * Threads: the server's own beside the test's. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "base/text.h"
#include "http/server.h"
#include "http/testcert.h"
#include "http/testlib.h"

static struct t_cert root, sub, other_root, twin_root, server_cert, new_cert;
static struct t_cert good, via_sub, any_use, no_ext, expired, future,
    server_only, sign_only, stranger, twin;
static struct http_server *server;
enum {
	IMPATIENT_MS = 2000 /* for a handshake */
};

static _Atomic int64_t ahead_ms; /* of the server's clock */
static int plain_port, tls_port;
static char big[2 * 1024 * 1024];

static int64_t
later(void *arg)
{
	(void)arg;
	return clock_now_ms(&clock_system) + ahead_ms;
}

static int64_t
mono(void *arg)
{
	(void)arg;
	return clock_mono_ms(&clock_system);
}

static const struct clock test_clock = { later, mono, NULL };

static void
who(struct http_call *c)
{
	const unsigned char *p = c->peer_cert.data;
	X509 *x = NULL;
	char name[64] = "none";

	if (c->peer_cert.len > 0) {
		x = d2i_X509(NULL, &p, (long)c->peer_cert.len);
		X509_NAME_get_text_by_NID(X509_get_subject_name(x),
		    NID_commonName, name, sizeof(name));
		X509_free(x);
	}
	http_reply_type(c, 200, "text/plain");
	buf_addf(&c->out, "%s|%s|%s", name,
	    c->peer_cert_error != NULL ? c->peer_cert_error : "",
	    http_base_url(c));
}

static void
large(struct http_call *c)
{
	http_reply_ref(
	    c, 200, "text/plain", view_of(big, sizeof(big)), free, NULL);
}

static void
login(struct http_call *c)
{
	assert_non_null(http_session_new(c, NULL, NULL));
	http_reply(c, 200, "text/plain", view_str("in"));
}

static void
session(struct http_call *c)
{
	http_reply(c, 200, "text/plain",
	    view_str(c->session != NULL ? "known" : "unknown"));
}

static const struct http_route routes[] = {
	{ HTTP_GET | HTTP_POST, "/who", who, HTTP_READ, HTTP_TLS_ONLY, 0 },
	{ HTTP_GET | HTTP_POST, "/inline", who, HTTP_INLINE, 0, 0 },
	{ HTTP_GET, "/large", large, HTTP_READ, 0, 0 },
	{ HTTP_GET, "/login", login, HTTP_ADMIN, 0, 0 },
	{ HTTP_GET, "/session", session, HTTP_ADMIN, 0, 0 },
};

static int
start_with(int handshake_timeout_ms)
{
	static const struct http_listen l[] = { { "127.0.0.1", 0, false },
		{ "127.0.0.1", 0, true } };
	struct http_server_params p = { .listen = l,
		.n_listen = 2,
		.key = &server_cert.key,
		.chain = &server_cert.der,
		.n_chain = 1,
		.client_cas = &root.der,
		.n_client_cas = 1,
		.handshake_timeout_ms = handshake_timeout_ms,
		.clock = &test_clock };

	assert_int_equal(http_server_new(&server, &p, NULL), RC_OK);
	assert_int_equal(http_server_add(server, routes,
			     sizeof(routes) / sizeof(routes[0]), NULL, NULL),
	    RC_OK);
	assert_int_equal(http_server_start(server, NULL), RC_OK);
	plain_port = http_server_port(server, 0);
	tls_port = http_server_port(server, 1);
	return 0;
}

static int
start(void **state)
{
	(void)state;
	return start_with(T_WAIT_MS);
}

static int
start_impatient(void **state)
{
	(void)state;
	return start_with(IMPATIENT_MS);
}

static uint64_t
tls_failures(void)
{
	struct http_stats st;

	http_server_stats(server, &st);
	return st.tls_failures;
}

static int
stop(void **state)
{
	(void)state;
	http_server_free(server);
	server = NULL;
	return 0;
}

/* A client context with that identity (NULL = none) and its chain. */
static SSL_CTX *
client_ctx(const struct t_cert *c, const struct t_cert *chain)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	assert_non_null(ctx);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	if (c != NULL) {
		assert_int_equal(SSL_CTX_use_certificate(ctx, c->x), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(ctx, c->key.pkey), 1);
	}
	if (chain != NULL)
		SSL_CTX_add1_chain_cert(ctx, chain->x);
	return ctx;
}

static SSL *
client(SSL_CTX *ctx, SSL_SESSION *resume)
{
	SSL *s = SSL_new(ctx);

	assert_non_null(s);
	SSL_set_fd(s, t_connect(tls_port));
	if (resume != NULL)
		SSL_set_session(s, resume);
	if (SSL_connect(s) != 1) {
		close(SSL_get_fd(s));
		SSL_free(s);
		return NULL;
	}
	return s;
}

static void
client_end(SSL *s)
{
	int fd = SSL_get_fd(s);

	SSL_shutdown(s);
	SSL_free(s);
	close(fd);
}

static char answer[sizeof(big) + 4096];

/* One request; the reply's body. */
static const char *
ask(SSL *s, const char *path)
{
	char text[512];
	size_t at = 0, want = 0;
	char *body = NULL;
	int n = snprintf(text, sizeof(text),
	    "GET %s HTTP/1.1\r\nHost: localhost:1\r\n\r\n", path);

	assert_int_equal(SSL_write(s, text, n), n);
	while (body == NULL || at < want) {
		n = SSL_read(s, answer + at, (int)(sizeof(answer) - 1 - at));
		assert_true(n > 0);
		at += (size_t)n;
		answer[at] = '\0';
		if (body == NULL &&
		    (body = strstr(answer, "\r\n\r\n")) != NULL) {
			body += 4;
			want = (size_t)(body - answer) +
			    strtoull(strstr(answer, "Content-Length: ") + 16,
				NULL, 10);
		}
	}
	return body;
}

static const char *
ask_as(const struct t_cert *c, const struct t_cert *chain)
{
	SSL_CTX *ctx = client_ctx(c, chain);
	SSL *s = client(ctx, NULL);
	const char *body;

	assert_non_null(s);
	body = ask(s, "/who");
	client_end(s);
	SSL_CTX_free(ctx);
	return body;
}

static void
valid_client_certificates_are_handed_up(void **state)
{
	(void)state;
	assert_string_equal(ask_as(NULL, NULL), "none||https://localhost:1");
	assert_true(text_starts(ask_as(&good, NULL), "good||"));
	assert_true(text_starts(ask_as(&via_sub, &sub), "via sub||"));
	assert_true(text_starts(ask_as(&any_use, NULL), "any||"));
	assert_true(text_starts(ask_as(&no_ext, NULL), "no ext||"));
}

static void
client_certificate_ends_on_a_kept_connection(void **state)
{
	SSL_CTX *ctx = client_ctx(&good, NULL);
	SSL *s = client(ctx, NULL);

	(void)state;
	assert_non_null(s);
	assert_true(text_starts(ask(s, "/who"), "good||"));
	ahead_ms = (int64_t)11 * 86400 * 1000;
	assert_non_null(strstr(ask(s, "/who"), "expired"));
	/* it does not come back */
	ahead_ms = 0;
	assert_true(text_starts(ask(s, "/who"), "none|client certificate: "));
	client_end(s);
	SSL_CTX_free(ctx);
}

static void
invalid_client_certificates_are_explained(void **state)
{
	static const struct {
		const struct t_cert *c;
		const char *word;
	} cases[] = {
		{ &expired, "expired" }, { &future, "not yet valid" },
		{ &server_only, "purpose" }, { &sign_only, "purpose" },
		{ &stranger, "issuer" }, { &twin, "" },
		{ &via_sub, "issuer" }, /* without its chain */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *body = ask_as(cases[i].c, NULL);

		assert_true(text_starts(body, "none|client certificate: "));
		assert_non_null(strstr(body, cases[i].word));
	}
}

/* The public half of one key with the private half of another. */
static EVP_PKEY *
mix_keys(EVP_PKEY *pub, EVP_PKEY *priv)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BIGNUM *d = NULL;
	uint8_t point[256];
	size_t len = 0;
	OSSL_PARAM *params;
	EVP_PKEY *out = NULL;

	assert_int_equal(
	    EVP_PKEY_get_octet_string_param(
		pub, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len),
	    1);
	assert_int_equal(
	    EVP_PKEY_get_bn_param(priv, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
	OSSL_PARAM_BLD_push_utf8_string(
	    b, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
	OSSL_PARAM_BLD_push_octet_string(
	    b, OSSL_PKEY_PARAM_PUB_KEY, point, len);
	OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, d);
	params = OSSL_PARAM_BLD_to_param(b);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(
	    EVP_PKEY_fromdata(ctx, &out, EVP_PKEY_KEYPAIR, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	BN_free(d);
	EVP_PKEY_CTX_free(ctx);
	return out;
}

static void
a_certificate_without_its_key_fails_the_handshake(void **state)
{
	EVP_PKEY *mixed = mix_keys(good.key.pkey, twin.key.pkey);
	SSL_CTX *ctx = client_ctx(NULL, NULL);
	struct http_stats st;
	SSL *s;
	char c;

	(void)state;
	assert_int_equal(SSL_CTX_use_certificate(ctx, good.x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, mixed), 1);
	s = client(ctx, NULL);
	if (s != NULL) { /* TLS 1.3 clients learn it on the first read */
		assert_true(SSL_read(s, &c, 1) <= 0);
		client_end(s);
	}
	ERR_clear_error();
	SSL_CTX_free(ctx);
	EVP_PKEY_free(mixed);
	T_WAIT(tls_failures() == 1);
	http_server_stats(server, &st);
	assert_int_equal(st.requests, 0);
}

static void
resumed_connections_keep_the_verdict(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	static const struct {
		const struct t_cert *c;
		const char *want;
	} cases[] = { { &via_sub, "via sub||" },
		{ &expired, "none|client certificate: " }, { NULL, "none||" } };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		SSL_CTX *ctx = client_ctx(cases[i / 2].c, &sub);
		SSL_SESSION *kept;
		SSL *s;

		SSL_CTX_set_max_proto_version(ctx, versions[i % 2]);
		s = client(ctx, NULL);
		assert_non_null(s);
		assert_true(text_starts(ask(s, "/who"), cases[i / 2].want));
		kept = SSL_get1_session(s);
		client_end(s);
		s = client(ctx, kept);
		assert_non_null(s);
		assert_int_equal(SSL_session_reused(s), 1);
		assert_true(text_starts(ask(s, "/who"), cases[i / 2].want));
		client_end(s);
		SSL_SESSION_free(kept);
		SSL_CTX_free(ctx);
	}
}

static void
old_protocols_are_refused(void **state)
{
	SSL_CTX *ctx = client_ctx(NULL, NULL);

	(void)state;
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	assert_null(client(ctx, NULL));
	SSL_CTX_free(ctx);
	ERR_clear_error();
	T_WAIT(tls_failures() == 1);
}

static void
half_open_handshakes_are_cut_while_others_are_served(void **state)
{
	int64_t begin = t_now_ms();
	int silent = t_connect(tls_port), half = t_connect(tls_port);
	struct http_stats st;
	char c;

	(void)state;
	t_send_all(half, view_of("\x16\x03\x01\x02\x00\x01", 6));
	while (recv(half, &c, 1, MSG_DONTWAIT) != 0 &&
	    t_now_ms() - begin < T_WAIT_MS) {
		assert_true(text_starts(ask_as(NULL, NULL), "none"));
		t_sleep_ms(20);
	}
	assert_in_range(t_now_ms() - begin, IMPATIENT_MS * 9 / 10, T_WAIT_MS);
	assert_string_equal(t_read(silent, 1), "");
	close(silent);
	close(half);
	T_WAIT((http_server_stats(server, &st), st.cut_deadline) == 2);
}

static void
keep_alive_over_tls_does_not_stall(void **state)
{
	SSL_CTX *ctx = client_ctx(NULL, NULL);
	SSL *s = client(ctx, NULL);
	int64_t begin, best[2] = { T_WAIT_MS, T_WAIT_MS };

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < 100; i++) {
		begin = t_now_ms();
		ask(s, i % 2 == 0 ? "/who" : "/inline");
		if (t_now_ms() - begin < best[i % 2])
			best[i % 2] = t_now_ms() - begin;
	}
	/* A stall of delayed acknowledgements is 40 ms, every time. */
	assert_in_range(best[0], 0, 35);
	assert_in_range(best[1], 0, 35);
	client_end(s);
	SSL_CTX_free(ctx);
}

static void
large_replies_arrive_whole(void **state)
{
	SSL_CTX *ctx = client_ctx(NULL, NULL);
	SSL *s = client(ctx, NULL);

	(void)state;
	assert_non_null(s);
	memset(big, 'y', sizeof(big));
	assert_memory_equal(ask(s, "/large"), big, sizeof(big));
	assert_true(text_starts(ask(s, "/who"), "none"));
	client_end(s);
	SSL_CTX_free(ctx);
}

static void
plain_gets_are_sent_to_the_tls_port(void **state)
{
	char want[128];

	(void)state;
	assert_int_equal(t_exchange(plain_port,
			     "GET /who?a=b%20c HTTP/1.1\r\n"
			     "Host: ca.example:8080\r\n\r\n"),
	    302);
	snprintf(want, sizeof(want),
	    "Location: https://ca.example:%d/who?a=b%%20c\r\n", tls_port);
	assert_non_null(strstr(t_head(), want));
	assert_int_equal(
	    t_exchange(plain_port, "POST /who HTTP/1.1\r\nHost: a\r\n\r\n"),
	    403);
}

static void
sessions_of_tls_are_not_known_on_plain_ports(void **state)
{
	SSL_CTX *ctx = client_ctx(NULL, NULL);
	SSL *s = client(ctx, NULL);
	char text[256];
	const char *id;

	(void)state;
	assert_non_null(s);
	ask(s, "/login");
	id = strstr(answer, "JSESSIONID=");
	assert_non_null(id);
	assert_non_null(strstr(id, "; Secure\r\n"));
	snprintf(text, sizeof(text),
	    "GET /session HTTP/1.1\r\nHost: a\r\nCookie: %.43s\r\n\r\n", id);
	assert_int_equal(
	    SSL_write(s, text, (int)strlen(text)), (int)strlen(text));
	assert_true(SSL_read(s, answer, sizeof(answer)) > 0);
	assert_non_null(strstr(answer, "\r\n\r\nknown"));
	assert_int_equal(t_exchange(plain_port, text), 200);
	assert_string_equal(t_body(), "unknown");
	client_end(s);
	SSL_CTX_free(ctx);
}

static void
a_renewed_certificate_serves_new_connections(void **state)
{
	SSL_CTX *ctx = client_ctx(NULL, NULL);
	SSL *before = client(ctx, NULL), *after;
	char name[64] = "";

	(void)state;
	assert_non_null(before);
	assert_int_equal(
	    http_server_set_tls(server, &new_cert.key, &new_cert.der, 1, NULL),
	    RC_OK);
	assert_true(text_starts(ask(before, "/who"), "none"));
	after = client(ctx, NULL);
	assert_non_null(after);
	X509_NAME_get_text_by_NID(
	    X509_get_subject_name(SSL_get0_peer_certificate(after)),
	    NID_commonName, name, sizeof(name));
	assert_string_equal(name, "renewed");
	client_end(before);
	client_end(after);
	SSL_CTX_free(ctx);
}

static void
nonsense_on_a_tls_port_is_closed(void **state)
{
	struct http_stats st;
	int fd = t_connect(tls_port);

	(void)state;
	t_send(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	t_read(fd, 0);
	close(fd);
	T_WAIT(tls_failures() == 1);
	T_WAIT((http_server_stats(server, &st), st.connections) == 0);
}

#define CLIENT "clientAuth"
#define SIGN "critical,digitalSignature"

static int
make_certs(void **state)
{
	const struct t_want ca = { .cn = "root",
		.ca = true,
		.usage = "critical,keyCertSign,cRLSign" };
	struct t_want w = ca;

	(void)state;
	t_cert_make(&root, NULL, &ca);
	t_cert_make(&twin_root, NULL, &ca);
	w.cn = "other";
	t_cert_make(&other_root, NULL, &w);
	w.cn = "sub";
	t_cert_make(&sub, &root, &w);
	w = (struct t_want){ .cn = "localhost", .san = "DNS:localhost" };
	t_cert_make(&server_cert, &root, &w);
	w.cn = "renewed";
	t_cert_make(&new_cert, &root, &w);
	w = (struct t_want){ .cn = "good", .usage = SIGN, .ext_usage = CLIENT };
	t_cert_make(&good, &root, &w);
	t_cert_make(&stranger, &other_root, &w);
	t_cert_make(&twin, &twin_root, &w);
	w.cn = "via sub";
	t_cert_make(&via_sub, &sub, &w);
	w.cn = "expired";
	w.from = -10;
	w.to = -1;
	t_cert_make(&expired, &root, &w);
	w.from = 1;
	w.to = 10;
	t_cert_make(&future, &root, &w);
	w = (struct t_want){
		.cn = "server only", .usage = SIGN, .ext_usage = "serverAuth"
	};
	t_cert_make(&server_only, &root, &w);
	w = (struct t_want){ .cn = "sign only",
		.usage = "critical,keyCertSign",
		.ext_usage = "anyExtendedKeyUsage" };
	t_cert_make(&sign_only, &root, &w);
	w = (struct t_want){
		.cn = "any", .usage = SIGN, .ext_usage = "anyExtendedKeyUsage"
	};
	t_cert_make(&any_use, &root, &w);
	w = (struct t_want){ .cn = "no ext" };
	t_cert_make(&no_ext, &root, &w);
	return 0;
}

static int
free_certs(void **state)
{
	struct t_cert *all[] = { &root, &sub, &other_root, &twin_root,
		&server_cert, &new_cert, &good, &via_sub, &any_use, &no_ext,
		&expired, &future, &server_only, &sign_only, &stranger, &twin };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		t_cert_done(all[i]);
	return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(valid_client_certificates_are_handed_up),
		CASE(client_certificate_ends_on_a_kept_connection),
		CASE(invalid_client_certificates_are_explained),
		CASE(a_certificate_without_its_key_fails_the_handshake),
		CASE(resumed_connections_keep_the_verdict),
		CASE(old_protocols_are_refused),
		cmocka_unit_test_setup_teardown(
		    half_open_handshakes_are_cut_while_others_are_served,
		    start_impatient, stop),
		CASE(keep_alive_over_tls_does_not_stall),
		CASE(large_replies_arrive_whole),
		CASE(plain_gets_are_sent_to_the_tls_port),
		CASE(sessions_of_tls_are_not_known_on_plain_ports),
		CASE(a_renewed_certificate_serves_new_connections),
		CASE(nonsense_on_a_tls_port_is_closed),
	};

	/* the client writes with OpenSSL to a server that may have closed */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
