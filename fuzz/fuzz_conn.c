/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_conn.c - one connection of the server from its opening to its end, on a
 * real socket, plain or with TLS. The first octet says which (wire_of), the
 * rest is what the client sends; in it
 *   <|> ends a piece: the server works before more comes
 *   <t> half a minute passes, <y> a year, both without bytes
 *   <L> stands for many letters
 *   <c> closes the client's sending side
 * What a plain client is answered does not depend on where the pieces end.
 * Owns:    a server without listeners, driven by hand on this thread.
 * Trusts:  nothing of the input.
 * Threads: the workers of the pools. */
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "http/conn.h"
#include "http/testcert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	INPUT_MAX = 64 * 1024,
	MARK_LEN = 3,
	LETTERS = 80 * 1024, /* more than a head may have */
	SMALL = 16,          /* body of route /small */
	LARGE = 1280 * 1024, /* reply of route /large, more than one slice */
	HALF_MINUTE_MS = 30000,
	YEAR_DAYS = 366,
	DAY_MS = 86400000,
	HANDSHAKE_TURNS = 20,
	CLIENTS = 8
};

/* --- the server ------------------------------------------------------------- */

static struct http_server *server;
static struct net net;
static struct listener ports[2] = { { .net = &net, .port = 8080 },
	{ .net = &net, .port = 8443, .tls = true } };
static SSL_CTX *clients[CLIENTS];
static _Atomic int64_t now_ms;

static int64_t
fuzz_now(void *arg)
{
	(void)arg;
	return atomic_load(&now_ms);
}
static const struct clock fuzz_clock = { fuzz_now, fuzz_now, NULL };

static void
echo(struct http_call *c)
{
	AUTO_BUF b = buf_empty(0);

	if (c->peer_cert.len > 0 && c->peer_cert_error != NULL)
		abort();
	buf_addf(
	    &b, "%s\n%s\n%s %zu ", c->path, c->host, c->peer, c->peer_cert.len);
	buf_add_view(&b, c->body);
	http_reply(c, 200, "text/plain", buf_view(&b));
}

static void
later(struct http_call *c)
{
	http_defer(c, HTTP_ISSUE, echo);
}

static void
released(void *arg)
{
	(void)arg;
}

static void
large(struct http_call *c)
{
	static uint8_t body[LARGE];

	http_reply_ref(
	    c, 200, "a/b", view_of(body, sizeof(body)), released, NULL);
}

static void
done(void *arg, const struct http_call *c, int64_t micros)
{
	(void)arg;
	if (c->status < 200 || micros < 0)
		abort();
}

static const struct http_route routes[] = {
	{ HTTP_GET | HTTP_POST | HTTP_PUT, "/i", echo, HTTP_INLINE, 0, 0 },
	{ HTTP_GET | HTTP_POST, "/p/*", echo, HTTP_READ, 0, 0 },
	{ HTTP_GET | HTTP_POST, "/d", later, HTTP_INLINE, 0, 0 },
	{ HTTP_POST, "/small", echo, HTTP_INLINE, 0, SMALL },
	{ HTTP_GET, "/large", large, HTTP_OCSP, 0, 0 },
	{ HTTP_GET | HTTP_POST, "/t", echo, HTTP_INLINE, HTTP_TLS_ONLY, 0 },
};

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct call *k;
	uint64_t v;

	(void)what;
	(void)arg;
	if (read(fd, &v, sizeof(v)) != sizeof(v))
		abort();
	pthread_mutex_lock(&net.done_lock);
	k = net.done;
	net.done = NULL;
	pthread_mutex_unlock(&net.done_lock);
	conn_resume(k); /* there is one connection, with one call */
}

static void
setup_net(void)
{
	net.s = server;
	LIST_INIT(&net.conns);
	pthread_mutex_init(&net.done_lock, NULL);
	net.date_s = -1;
	net.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	net.base = event_base_new();
	if (net.base == NULL ||
	    event_assign(&net.wake_ev, net.base, net.wake_fd,
		EV_READ | EV_PERSIST, on_wake, NULL) != 0 ||
	    event_add(&net.wake_ev, NULL) != 0)
		abort();
	for (size_t i = HTTP_INLINE + 1; i < HTTP_CLASSES; i++)
		if (pool_new(&server->pools[i], "pool", 1, 4, NULL) != RC_OK)
			abort();
}

/* Their certificates: none, a valid one, one of a foreign CA, one for anything,
 * one for servers, one that has ended, one of the future, and the first again. */
static void
setup_clients(const struct t_cert *ca, const struct t_cert *other)
{
	static struct t_cert certs[CLIENTS];
	static const unsigned char http1[] = "\x08http/1.1", http2[] = "\x02h2";
	static const struct t_want wants[CLIENTS] = {
		[1] = { .cn = "client", .ext_usage = "clientAuth" },
		[2] = { .cn = "client", .ext_usage = "clientAuth" },
		[3] = { .cn = "any",
		    .usage = "digitalSignature",
		    .ext_usage = "serverAuth,anyExtendedKeyUsage" },
		[4] = { .cn = "server", .ext_usage = "serverAuth" },
		[5] = { .cn = "client", .from = -10, .to = -5 },
		[6] = { .cn = "client", .from = 5, .to = 10 },
		[7] = { .cn = "client", .usage = "digitalSignature" },
	};

	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i] = SSL_CTX_new(TLS_client_method());
		if (clients[i] == NULL)
			abort();
		SSL_CTX_set_alpn_protos(clients[i], i == 7 ? http2 : http1,
		    i == 7 ? sizeof(http2) - 1 : sizeof(http1) - 1);
		if (i == 0)
			continue;
		t_cert_make(&certs[i], i == 2 ? other : ca, &wants[i]);
		if (key_use_tls(&certs[i].key, clients[i], &certs[i].der, 1,
			NULL) != RC_OK)
			abort();
	}
}

static void
setup(void)
{
	static struct t_cert ca, other, leaf;
	const struct t_want issuer = {
		.cn = "CA", .ca = true, .usage = "critical,keyCertSign"
	};
	const struct t_want host = { .cn = "localhost" };
	const struct http_listen listen[] = { { "", 0, false },
		{ "", 0, true } };
	struct http_server_params p = { .listen = listen,
		.n_listen = 2,
		.key = &leaf.key,
		.chain = &leaf.der,
		.n_chain = 1,
		.client_cas = &ca.der,
		.n_client_cas = 1,
		.clock = &fuzz_clock,
		.done = done };

	signal(SIGPIPE, SIG_IGN);
	now_ms = clock_now_ms(&clock_system);
	t_cert_make(&ca, NULL, &issuer);
	t_cert_make(&other, NULL, &issuer);
	t_cert_make(&leaf, &ca, &host);
	if (http_server_new(&server, &p, NULL) != RC_OK ||
	    http_server_add(server, routes, sizeof(routes) / sizeof(routes[0]),
		NULL, NULL) != RC_OK)
		abort();
	server->env.tls_port = 8443;
	setup_net();
	setup_clients(&ca, &other);
}

/* --- the client ------------------------------------------------------------- */

struct wire {
	bool tls;  /* the port */
	SSL *ssl;  /* the client speaks TLS, else whatever bytes come */
	bool deaf; /* reads nothing before its end */
	unsigned cert, address;
	int fd;
	bool shut;
	struct buf got;
};

/* The first octet: 0-1 plain, any bytes at a TLS port, or TLS; 2-4 the client's
 * certificate; 5 it reads nothing before its end; 6-7 its kind of address. */
static struct wire
wire_of(uint8_t octet)
{
	return (struct wire){ .tls = (octet & 3) != 0,
		.cert = octet >> 2 & 7,
		.deaf = (octet & 0x20) != 0,
		.address = octet >> 6,
		.fd = -1,
		.got = buf_empty(0) };
}

/* IPv4, the same as IPv6, IPv6. */
static struct sockaddr_storage
address_of(unsigned kind)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_storage sa = { 0 };

	if (kind == 0) {
		memcpy(&sa, &v4, sizeof(v4));
		return sa;
	}
	if (kind == 1)
		memset(&v6.sin6_addr.s6_addr[10], 0xFF, 2);
	else
		v6.sin6_addr = in6addr_loopback;
	memcpy(&sa, &v6, sizeof(v6));
	return sa;
}

/* The server does what it can, a running call included. */
static void
serve(void)
{
	const struct conn *c;

	event_base_loop(net.base, EVLOOP_NONBLOCK);
	while ((c = LIST_FIRST(&net.conns)) != NULL &&
	    (c->state == CONN_RUN || c->state == CONN_CLOSED))
		event_base_loop(net.base, EVLOOP_ONCE);
}

/* Reads what is there. */
static bool
take(struct wire *w)
{
	uint8_t *to = buf_reserve(&w->got, LETTERS);
	ssize_t n;

	if (to == NULL)
		abort();
	n = w->ssl != NULL ? SSL_read(w->ssl, to, LETTERS)
			   : recv(w->fd, to, LETTERS, MSG_DONTWAIT);
	if (n > 0)
		w->got.len += (size_t)n;
	return n > 0;
}

/* Until neither side has anything more to do. */
static void
settle(struct wire *w)
{
	do {
		serve();
		serve(); /* what the first one put off for others */
	} while (!w->deaf && take(w));
}

static void
put(struct wire *w, struct view v)
{
	while (v.len > 0 && !w->shut) {
		size_t max = v.len < LETTERS ? v.len : LETTERS;
		ssize_t n = w->ssl != NULL
		    ? SSL_write(w->ssl, v.data, (int)max)
		    : send(w->fd, v.data, max, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0) {
			size_t before = w->got.len;

			settle(w);
			n = w->ssl != NULL ? SSL_write(w->ssl, v.data, (int)max)
					   : send(w->fd, v.data, max,
						 MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n <= 0 && w->got.len == before)
				return; /* nobody reads it any more */
		}
		if (n > 0)
			v = view_of(v.data + n, v.len - (size_t)n);
	}
}

static void
handshake(struct wire *w)
{
	for (int i = 0; i < HANDSHAKE_TURNS; i++) {
		if (SSL_do_handshake(w->ssl) == 1)
			return;
		serve();
	}
}

static void
act(struct wire *w, uint8_t letter)
{
	static uint8_t letters[LETTERS];

	settle(w);
	switch (letter) {
	case 't':
		atomic_fetch_add(&now_ms, HALF_MINUTE_MS);
		conns_sweep(&net, false);
		break;
	case 'y':
		atomic_fetch_add(&now_ms, (int64_t)YEAR_DAYS * DAY_MS);
		break;
	case 'L':
		memset(letters, 'a', sizeof(letters));
		put(w, view_of(letters, sizeof(letters)));
		break;
	case 'c':
		if (w->ssl != NULL)
			SSL_shutdown(w->ssl);
		shutdown(w->fd, SHUT_WR);
		w->shut = true;
		break;
	default:
		break;
	}
	settle(w);
}

static bool
is_mark(struct view v)
{
	return v.len >= MARK_LEN && v.data[0] == '<' && v.data[2] == '>' &&
	    memchr("|tyLc", v.data[1], 5) != NULL;
}

/* Sends the input, piece by piece or (whole) without regard to where pieces end. */
static void
play(struct wire *w, struct view in, bool whole)
{
	AUTO_BUF piece = buf_empty(0);

	while (in.len > 0) {
		if (!is_mark(in)) {
			buf_add_char(&piece, (char)in.data[0]);
			in = view_of(in.data + 1, in.len - 1);
			continue;
		}
		if (!whole || in.data[1] != '|') {
			put(w, buf_view(&piece));
			buf_reset(&piece);
			act(w, in.data[1]);
		}
		in = view_of(in.data + MARK_LEN, in.len - MARK_LEN);
	}
	put(w, buf_view(&piece));
	settle(w);
}

static void
converse(struct wire *w, struct view in, bool whole)
{
	struct sockaddr_storage sa = address_of(w->address);
	int64_t begin = now_ms;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		fds) != 0)
		abort();
	w->fd = fds[1];
	conn_open(&net, &ports[w->tls], fds[0], &sa);
	if (w->ssl != NULL) {
		SSL_set_fd(w->ssl, w->fd);
		SSL_set_connect_state(w->ssl);
		handshake(w);
	}
	play(w, in, whole);
	w->deaf = false;
	settle(w);
	close(w->fd);
	serve();
	serve();
	if (!LIST_EMPTY(&net.conns) || net.open != 0)
		abort(); /* one that nobody would ever close */
	now_ms = begin;
}

/* Whether a client waits to be told to go on depends on how its bytes came. */
static void
drop_continue(struct buf *b)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const size_t n = sizeof(text) - 1;
	uint8_t *p;

	while (b->len > 0 && (p = memmem(b->data, b->len, text, n)) != NULL) {
		memmove(p, p + n, b->len - (size_t)(p + n - b->data));
		b->len -= n;
	}
}

/* The same client, but all at once. */
static void
again(const struct wire *w, uint8_t octet, struct view in)
{
	struct wire once = wire_of(octet);

	converse(&once, in, true);
	drop_continue(&once.got);
	if (!view_eq(buf_view(&w->got), buf_view(&once.got)))
		abort();
	buf_done(&once.got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct view in;
	struct wire w;

	if (len < 1 || len > INPUT_MAX)
		return 0;
	if (server == NULL)
		setup();
	in = view_of(data + 1, len - 1);
	w = wire_of(data[0]);
	if ((data[0] & 3) > 1 && (w.ssl = SSL_new(clients[w.cert])) == NULL)
		abort();
	converse(&w, in, false);
	SSL_free(w.ssl);
	if (!w.tls) {
		drop_continue(&w.got);
		if (w.got.len > 0 &&
		    (w.got.len < MARK_LEN ||
			memcmp(w.got.data, "HTTP/1.1 ", MARK_LEN) != 0))
			abort();
		again(&w, data[0], in);
	}
	buf_done(&w.got);
	return 0;
}
