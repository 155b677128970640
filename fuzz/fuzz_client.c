/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_client.c - the HTTP client with a server that answers anything. Two octets
 * choose server and exchange (see exchange), then the URL up to the end of its
 * line, then what the server sends. Without an accepting user no certificate
 * with a problem is accepted.
 * Owns:    a client an input, which libcurl connects to a pair of sockets.
 * Trusts:  nothing of the input.
 * Threads: the server's with TLS. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/file.h"
#include "http/client.h"
#include "http/testcert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	INPUT_MAX = 64 * 1024,
	ANSWER_MAX = 128 * 1024, /* a socket takes that without a reader */
	REPLY_MAX = 1000,
	URL_LEN = 1024,
	CERTS = 8
};

/* --- the server ------------------------------------------------------------- */

static struct t_cert ca, certs[CERTS];
static SSL_CTX *servers[CERTS];

static struct server {
	bool tls, refuses;
	unsigned cert;
	struct view answer;
	int fd;
	pthread_t thread;
	bool running;
} server = { .fd = -1 };

static void
end_server(void)
{
	if (server.running)
		pthread_join(server.thread, NULL);
	if (server.fd >= 0)
		close(server.fd);
	server.running = false;
	server.fd = -1;
}

static void *
serve_tls(void *arg)
{
	SSL *ssl = SSL_new(servers[server.cert]);

	(void)arg;
	if (ssl == NULL || SSL_set_fd(ssl, server.fd) != 1)
		abort();
	if (SSL_accept(ssl) == 1) {
		if (server.answer.len > 0)
			SSL_write(
			    ssl, server.answer.data, (int)server.answer.len);
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	shutdown(server.fd, SHUT_WR);
	return NULL;
}

/* In place of a connection: the other end of a pair, its answer in it already. */
static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
	int fds[2];

	(void)arg;
	(void)purpose;
	(void)addr;
	end_server();
	if (server.refuses)
		return CURL_SOCKET_BAD;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		abort();
	server.fd = fds[1];
	if (server.tls) {
		if (pthread_create(&server.thread, NULL, serve_tls, NULL) != 0)
			abort();
		server.running = true;
	} else {
		if (send(server.fd, server.answer.data, server.answer.len,
			MSG_DONTWAIT) != (ssize_t)server.answer.len)
			abort();
		shutdown(server.fd, SHUT_WR);
	}
	return fds[0];
}

/* The pair is connected already. (CURL_SOCKOPT_ALREADY_CONNECTED would say so,
 * but libcurl 7.88 does not listen.) */
__attribute__((visibility("default"))) int
connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	(void)fd;
	(void)addr;
	(void)len;
	return 0;
}

/* The client's handles connect as above, and ask no name server. */
CURL *
curl_easy_init(void)
{
	static struct curl_slist *all;
	CURL *(*real)(void) = NULL;
	CURL *h;

	*(void **)&real = dlsym(RTLD_NEXT, "curl_easy_init");
	if (all == NULL)
		all = curl_slist_append(NULL, "::127.0.0.1:1");
	if (real == NULL || all == NULL || (h = real()) == NULL)
		abort();
	curl_easy_setopt(h, CURLOPT_CONNECT_TO, all);
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, on_open);
	return h;
}

/* The first is good for localhost, the second for its address. */
static void
setup(void)
{
	static struct t_cert other;
	const struct t_want issuer = {
		.cn = "CA", .ca = true, .usage = "critical,keyCertSign"
	};
	const struct t_want foreign = {
		.cn = "Other CA", .ca = true, .usage = "critical,keyCertSign"
	};
	const struct t_want wants[CERTS] = {
		{ .cn = "localhost" },
		{ .cn = "address", .san = "IP:127.0.0.1,IP:::1" },
		{ .cn = "localhost", .from = -10, .to = -5 },
		{ .cn = "elsewhere", .san = "DNS:elsewhere" },
		{ .cn = "localhost" }, /* of another CA */
		{ .cn = "localhost" }, /* of itself */
		/* of the first one, which is no CA */
		{ .cn = "below", .san = "DNS:localhost" },
		{ .cn = "localhost", .ext_usage = "clientAuth" },
	};
	const struct t_cert *issuers[CERTS] = { &ca, &ca, &ca, &ca, &other,
		NULL, &certs[0], &ca };

	signal(SIGPIPE, SIG_IGN);
	t_cert_make(&ca, NULL, &issuer);
	t_cert_make(&other, NULL, &foreign);
	for (size_t i = 0; i < CERTS; i++) {
		struct view chain[2];

		t_cert_make(&certs[i], issuers[i], &wants[i]);
		chain[0] = certs[i].der;
		chain[1] = certs[0].der;
		servers[i] = SSL_CTX_new(TLS_server_method());
		if (servers[i] == NULL ||
		    key_use_tls(&certs[i].key, servers[i], chain,
			issuers[i] == &certs[0] ? 2 : 1, NULL) != RC_OK)
			abort();
		SSL_CTX_set_verify(servers[i], SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_cert_verify_callback(servers[i], NULL, NULL);
	}
}

/* --- the client ------------------------------------------------------------- */

static bool
on_problem(void *arg, enum http_cert_problem p, struct view der)
{
	(void)arg;
	if (p == HTTP_CERT_OK || der.len == 0 ||
	    http_cert_problem_name(p)[0] == '\0')
		abort();
	return true;
}

static struct http_client *
make_client(uint8_t how, bool accepts, const char *dir)
{
	AUTO(secret) password = secret_new(view_str("Secret:123"));
	const struct view no_cert = view_str("CA");
	struct http_client_params p = { .cas = &ca.der,
		.n_cas = 1,
		.accept = accepts ? on_problem : NULL };
	struct http_client *c = NULL;

	if ((how & 0x10) != 0) {
		p.user = "user";
		p.password = password;
	}
	if ((how & 0x20) != 0) {
		p.key = &certs[0].key;
		p.chain = &certs[0].der;
		p.n_chain = 1;
	}
	if ((how & 0x40) != 0)
		p.record_dir = dir;
	if ((how & 0x80) != 0) /* not a certificate */
		p.cas = &no_cert;
	if (http_client_new(&c, &p, NULL) != RC_OK)
		abort();
	return c;
}

/* First octet: 0-2 the server's certificate, 3 it speaks TLS, 4 the user accepts,
 * 5 a short limit, 6 nobody listens. Second: 0-2 the method, 3 a body, then see
 * make_client. */
static void
exchange(uint8_t who, uint8_t how, const char *url, const char *dir)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "DELETE",
		"HEAD", "PATCH", "GET", "GET" };
	bool accepts = (who & 0x10) != 0, known;
	AUTO(http_client) c = make_client(how, accepts, dir);
	struct http_exchange x = { .method = methods[how & 7],
		.url = url,
		.reply = buf_empty(0),
		.max_reply = (who & 0x20) != 0 ? REPLY_MAX : 0 };
	struct err e = { RC_OK, "" };
	enum rc rc = RC_OK;

	if ((how & 8) != 0) {
		x.body = view_str("a=b");
		x.type = "application/x-www-form-urlencoded";
		x.accept = (how & 7) == 6 ? "a\nb: c" : "a/b";
	}
	known = server.cert == 0 || server.cert == 1;
	for (int i = 0; i < 2 && rc == RC_OK; i++) {
		rc = http_client_do(c, &x, &e);
		if (rc != RC_OK && e.text[0] == '\0')
			abort();
		if (rc == RC_OK && server.tls && !known && !accepts)
			abort();
		if ((who & 0x20) != 0 && x.reply.len > REPLY_MAX)
			abort();
	}
	http_exchange_done(&x);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char dir[] = "/tmp/fuzz-client-XXXXXX";
	AUTO_BUF encoded = buf_empty(0);
	struct view v;
	const uint8_t *end;
	char url[URL_LEN];
	size_t n;

	if (len < 2 || len > INPUT_MAX)
		return 0;
	if (ca.x == NULL)
		setup();
	v = view_of(data + 2, len - 2);
	end = v.len > 0 ? memchr(v.data, '\n', v.len) : NULL;
	n = end != NULL ? (size_t)(end - v.data) : v.len;
	if (n >= sizeof(url) || memchr(v.data, '\0', n) != NULL)
		return 0;
	memcpy(url, v.data, n);
	url[n] = '\0';
	http_url_encode(&encoded, view_of(v.data, n));
	if (end != NULL)
		n++;
	server.tls = (data[0] & 8) != 0;
	server.refuses = (data[0] & 0x40) != 0;
	server.cert = data[0] & 7;
	server.answer = view_of(v.data + n, v.len - n);
	if ((data[1] & 0x40) != 0) {
		memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
		if (mkdtemp(dir) == NULL)
			abort();
	}
	exchange(data[0], data[1], url, dir);
	end_server();
	if ((data[1] & 0x40) != 0)
		rc_ignore(file_remove_tree(dir, NULL)); /* scratch */
	return 0;
}
