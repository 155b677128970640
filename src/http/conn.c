/* SPDX-License-Identifier: Apache-2.0 */
/* conn.c - one connection: handshake, request, reply, and again.
 * Owns:    struct conn, its socket and buffers; its call except in CONN_RUN.
 * Trusts:  nothing that was received.
 * Threads: everything here runs on the connection's net thread.
 *
 * A connection is a loop of steps that ends when the socket would block. The
 * read event stays registered while a request runs (no epoll_ctl a request) and
 * is taken out only when it fires at a moment when nothing may be read. */
#include "http/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "http/tls.h"

enum {
	READ_SIZE = 4096,           /* one read of a head */
	READ_BODY_SIZE = 64 * 1024, /* one read of a body */
	HEAD_MAX = HTTP_URL_MAX + HTTP_HEADERS_MAX + 64,
	WRITE_SLICE = 1024 * 1024, /* then others have their turn */
	WRITE_MIN_RATE = 8,        /* bytes a millisecond a reader must take */
	CALLS_SLICE = 64,          /* pipelined calls, likewise */
	INLINE_BODY_MAX = 16 * 1024, /* bodies copied behind their head */
	LINGER_MS = 2000,
	IN_KEEP_MAX = 16 * 1024
};

enum step {
	STEP_ON,   /* go on with the next step */
	STEP_WAIT, /* until c->want, a worker or a deadline */
	STEP_END,  /* close */
};

enum {
	IO_WAIT = -1,
	IO_FAIL = -2
};

static int64_t
mono_us(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* What an SSL call that returned r waits for. */
static ssize_t
ssl_wait(struct conn *c, int r)
{
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		c->want = EV_READ;
		return IO_WAIT;
	case SSL_ERROR_WANT_WRITE:
		c->want = EV_WRITE;
		return IO_WAIT;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		c->broken = true;
		return IO_FAIL;
	}
}

static ssize_t
sys_wait(struct conn *c, short want)
{
	if (errno != EAGAIN) /* on Linux the same as EWOULDBLOCK */
		return IO_FAIL;
	c->want = want;
	return IO_WAIT;
}

/* Bytes read, 0 at the end, IO_WAIT or IO_FAIL. */
static ssize_t
io_read(struct conn *c, uint8_t *to, size_t max)
{
	ssize_t n;
	int r;

	if (c->drained) {
		c->want = EV_READ;
		return IO_WAIT;
	}
	if (c->ssl != NULL) {
		ERR_clear_error();
		r = SSL_read(c->ssl, to, (int)max);
		if (r <= 0)
			return ssl_wait(c, r);
		c->drained = SSL_has_pending(c->ssl) == 0;
		return r;
	}
	do
		n = recv(c->fd, to, max, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return sys_wait(c, EV_READ);
	c->drained = (size_t)n < max;
	return n;
}

/* What is behind the first n bytes; there may be none at all. */
static struct view
behind(struct view v, size_t n)
{
	return n < v.len ? view_of(v.data + n, v.len - n) : view_of(NULL, 0);
}

/* Writes from out, then out_body, what is behind the first sent bytes. */
static ssize_t
io_write(struct conn *c)
{
	size_t head = c->out.len, at = c->sent < head ? c->sent : head;
	struct view a = behind(buf_view(&c->out), at);
	struct view b = behind(c->out_body, c->sent - at);
	ssize_t n;

	if (b.len > WRITE_SLICE)
		b.len = WRITE_SLICE;
	if (c->ssl != NULL) {
		struct view v = a.len > 0 ? a : b;
		int r;

		ERR_clear_error();
		r = SSL_write(c->ssl, v.data, (int)v.len);
		return r > 0 ? r : ssl_wait(c, r);
	}
	do {
		struct iovec iov[2] = {
			{ (void *)(uintptr_t)a.data, a.len },
			{ (void *)(uintptr_t)b.data, b.len },
		};
		struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

		n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? sys_wait(c, EV_WRITE) : n;
}

static void
deadline_in(struct conn *c, int64_t ms)
{
	c->deadline_ms = net_now_ms(c->net) + ms;
}

/* One read into c->in. */
static ssize_t
fill(struct conn *c, size_t max)
{
	uint8_t *to;
	ssize_t n;

	if (c->drained) {
		c->want = EV_READ;
		return IO_WAIT;
	}
	to = buf_reserve(&c->in, max);
	if (to == NULL)
		return IO_FAIL;
	n = io_read(c, to, max);
	if (n > 0)
		c->in.len += (size_t)n;
	return n;
}

static enum step
after_read(ssize_t n)
{
	if (n == IO_WAIT)
		return STEP_WAIT;
	return n > 0 ? STEP_ON : STEP_END;
}

static enum step
step_handshake(struct conn *c)
{
	ssize_t n;
	int r;

	ERR_clear_error();
	r = SSL_accept(c->ssl);
	if (r != 1) {
		n = ssl_wait(c, r);
		if (n == IO_WAIT)
			return STEP_WAIT;
		c->broken = true;
		count(&c->net->tls_failures, 1);
		return STEP_END;
	}
	count(&c->net->handshakes, 1);
	tls_peer(c->ssl, &c->peer_cert, c->peer_error, sizeof(c->peer_error));
	c->state = CONN_HEAD;
	deadline_in(c, c->net->s->p.request_timeout_ms);
	return STEP_ON;
}

static void
in_consume(struct conn *c, size_t n)
{
	c->in.len -= n;
	if (c->in.len > 0)
		memmove(c->in.data, c->in.data + n, c->in.len);
	else if (c->in.cap > IN_KEEP_MAX)
		buf_done(&c->in);
}

/* Encodes the reply and begins to send it. */
static enum step
reply(struct conn *c)
{
	struct call *k = c->call;
	struct view body;
	bool keep = k->head.keep_alive && !k->close && !c->net->stopping;

	k->close = !keep;
	buf_reset(&c->out);
	body = call_encode(k, &c->out, net_date(c->net), keep);
	if (body.len <= INLINE_BODY_MAX) {
		buf_add_view(&c->out, body);
		body.len = 0;
	}
	c->out_body = body;
	c->sent = 0;
	if (c->out.failed != RC_OK)
		return STEP_END;
	c->state = CONN_WRITE;
	deadline_in(c,
	    c->net->s->p.request_timeout_ms +
		(int64_t)(body.len / WRITE_MIN_RATE));
	return STEP_ON;
}

/* A refusal before the body was read: reply, then read on for a while so that
 * the kernel does not reset the connection under the reply (RFC 9112 9.6). */
static enum step
refuse(struct conn *c, int status, const char *why)
{
	call_error(c->call, status, why);
	c->call->close = true;
	c->linger = true;
	return reply(c);
}

static enum step
run(struct conn *c)
{
	struct call *k = c->call;

	k->start_us = mono_us();
	if (k->route->r.cls == HTTP_INLINE) {
		call_run(k);
		if (k->deferred == NULL)
			return reply(c);
	}
	c->state = CONN_RUN;
	c->deadline_ms = 0;
	if (net_dispatch(c->net, k) == RC_OK)
		return STEP_WAIT;
	k->deferred = NULL;
	call_error(k, 503, "too busy");
	http_reply_header(&k->c, "Retry-After", "5");
	return reply(c);
}

/* The client waits for a word before it sends its body (RFC 9110 10.1.1). The
 * send buffer is empty here: a socket that does not take it is of no use. */
static bool
say_continue(struct conn *c)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (c->ssl == NULL)
		return send(c->fd, text, sizeof(text) - 1, MSG_NOSIGNAL) ==
		    (ssize_t)sizeof(text) - 1;
	ERR_clear_error();
	if (SSL_write(c->ssl, text, sizeof(text) - 1) == sizeof(text) - 1)
		return true;
	c->broken = true;
	return false;
}

static void
describe(struct conn *c, struct call *k)
{
	k->conn = c;
	k->c.peer = c->peer;
	k->c.port = c->port;
	k->c.tls = c->ssl != NULL;
	/* a connection that is kept may outlive its client's certificate */
	if (c->served && c->peer_cert.len > 0)
		tls_peer_again(c->ssl, &c->peer_cert, &c->peer_judged_s,
		    c->peer_error, sizeof(c->peer_error));
	k->c.peer_cert = buf_view(&c->peer_cert);
	k->c.peer_cert_error = c->peer_error[0] != '\0' ? c->peer_error : NULL;
}

/* A whole head of len bytes is there. */
static enum step
begin(struct conn *c, size_t len)
{
	struct call *k = c->call;
	size_t body_max;
	int status;

	status = call_begin(k,
	    atomic_load_explicit(&c->net->s->routes, memory_order_acquire),
	    view_of(c->in.data, len));
	in_consume(c, len);
	c->scan = 0;
	if (status != 0) {
		k->start_us = mono_us();
		c->linger = k->close;
		return reply(c);
	}
	if (!k->head.chunked && k->head.body_len <= 0)
		return run(c);
	body_max = call_body_max(k);
	c->in.max = body_max + HEAD_MAX + READ_BODY_SIZE;
	c->chunks = (struct parse_chunks){ 0 };
	c->state = CONN_BODY;
	if (k->head.expect_continue && c->in.len == 0 && !say_continue(c))
		return STEP_END;
	return STEP_ON;
}

static enum step
step_head(struct conn *c)
{
	size_t len, skip = 0;
	ssize_t n;

	/* Empty lines before a request are overlooked (RFC 9112 2.2). */
	while (c->in.len - skip >= 2 && c->scan == 0 && skip < 4 &&
	    memcmp(c->in.data + skip, "\r\n", 2) == 0)
		skip += 2;
	if (skip > 0)
		in_consume(c, skip);
	len = parse_head_len(buf_view(&c->in), &c->scan);
	if (len == 0 && c->in.len <= HEAD_MAX) {
		bool first = c->in.len == 0;

		n = fill(c, READ_SIZE);
		if (n > 0 && first && c->served)
			deadline_in(c, c->net->s->p.request_timeout_ms);
		return after_read(n);
	}
	c->call = net_call_get(c->net);
	if (c->call == NULL)
		return STEP_END;
	describe(c, c->call);
	if (len > 0)
		return begin(c, len);
	c->call->start_us = mono_us();
	if (memmem(c->in.data, HTTP_URL_MAX, "\r\n", 2) == NULL)
		return refuse(c, 414, "request target too long");
	return refuse(c, 431, "headers too large");
}

static enum step
step_body(struct conn *c)
{
	struct call *k = c->call;
	size_t body = 0;
	int r;

	if (k->head.chunked) {
		r = parse_chunks(
		    &c->chunks, c->in.data, &c->in.len, call_body_max(k));
		body = c->chunks.body;
	} else {
		body = (size_t)k->head.body_len;
		r = c->in.len >= body;
	}
	if (r == 1) {
		k->c.body = view_of(c->in.data, body);
		return run(c);
	}
	if (r == -413)
		return refuse(c, 413, "request body too large");
	if (r < 0)
		return refuse(c, 400, "malformed chunked body");
	return after_read(fill(c, READ_BODY_SIZE));
}

/* The reply is out: account for it and be ready for the next request. */
static enum step
finish(struct conn *c)
{
	struct net *n = c->net;
	struct call *k = c->call;
	size_t body = k->c.body.len;
	bool close = k->close;

	count(&n->requests, 1);
	count(&n->bytes_out, c->out.len + c->out_body.len);
	if (n->s->p.done != NULL)
		n->s->p.done(n->s->p.done_arg, &k->c, mono_us() - k->start_us);
	c->call = NULL;
	c->served = true;
	net_call_put(n, k);
	c->out_body = (struct view){ 0 };
	if (c->out.cap > CALL_KEEP_MAX)
		buf_done(&c->out);
	if (close && !c->linger)
		return STEP_END;
	if (close) {
		c->state = CONN_LINGER;
		if (c->ssl != NULL && !c->broken)
			SSL_shutdown(c->ssl);
		shutdown(c->fd, SHUT_WR);
		deadline_in(c, LINGER_MS);
		return STEP_ON;
	}
	in_consume(c, body);
	c->state = CONN_HEAD;
	deadline_in(c,
	    c->in.len > 0 ? n->s->p.request_timeout_ms
			  : n->s->p.idle_timeout_ms);
	return STEP_ON;
}

static enum step
step_write(struct conn *c)
{
	size_t all = c->out.len + c->out_body.len, slice = 0;

	while (c->sent < all) {
		ssize_t n = io_write(c);

		if (n == IO_WAIT)
			return STEP_WAIT;
		if (n <= 0)
			return STEP_END;
		c->sent += (size_t)n;
		slice += (size_t)n;
		if (slice >= WRITE_SLICE && c->sent < all) {
			c->want = EV_WRITE;
			return STEP_WAIT;
		}
	}
	return finish(c);
}

static enum step
step_linger(struct conn *c)
{
	uint8_t waste[READ_SIZE];
	ssize_t n;

	do
		n = recv(c->fd, waste, sizeof(waste), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && sys_wait(c, EV_READ) == IO_WAIT)
		return STEP_WAIT;
	return n > 0 ? STEP_ON : STEP_END;
}

static enum step
step(struct conn *c)
{
	switch (c->state) {
	case CONN_HANDSHAKE:
		return step_handshake(c);
	case CONN_HEAD:
		return step_head(c);
	case CONN_BODY:
		return step_body(c);
	case CONN_WRITE:
		return step_write(c);
	case CONN_LINGER:
		return step_linger(c);
	case CONN_RUN:
	case CONN_CLOSED:
		break;
	}
	return STEP_WAIT;
}

/* Registers what the connection waits for. */
static bool
arm(struct conn *c)
{
	if (c->state == CONN_RUN)
		return true;
	if (c->want == EV_WRITE)
		return event_add(&c->write_ev, NULL) == 0;
	if (c->reading)
		return true;
	c->reading = true;
	return event_add(&c->read_ev, NULL) == 0;
}

static void
drive(struct conn *c)
{
	enum step s = STEP_ON;
	int turns = 0;

	while (s == STEP_ON && turns < CALLS_SLICE * 4) {
		enum conn_state was = c->state;

		s = step(c);
		/* Reading much is no turn: it is bounded by the body limit. */
		turns += was != CONN_BODY;
	}
	if (s == STEP_ON)
		c->want = EV_READ;
	if (s == STEP_END || !arm(c)) {
		conn_close(c);
		return;
	}
	/* Others first; epoll would not know of what is buffered. Only now: to
	 * add an event that is active does nothing. */
	if (s == STEP_ON)
		event_active(&c->read_ev, EV_READ, 0);
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	c->drained = false;
	if (c->state == CONN_RUN ||
	    (c->state != CONN_LINGER && c->want == EV_WRITE)) {
		c->reading = false;
		event_del(&c->read_ev);
		return;
	}
	drive(c);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_RUN)
		return;
	c->want = EV_READ;
	c->drained = false;
	drive(c);
}

void
conn_resume(struct call *k)
{
	struct conn *c = k->conn;

	if (c->state == CONN_CLOSED) {
		conn_close(c);
		return;
	}
	/* Something may have come while the read event was out. */
	c->drained = false;
	c->state = CONN_WRITE;
	if (reply(c) == STEP_END)
		conn_close(c);
	else
		drive(c);
}

static void
set_peer(struct conn *c, const struct sockaddr_storage *sa)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	const void *a = &v6.sin6_addr;
	int family = AF_INET6;

	if (sa->ss_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		a = &v4.sin_addr;
		family = AF_INET;
	} else {
		memcpy(&v6, sa, sizeof(v6));
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
			a = &v6.sin6_addr.s6_addr[12];
			family = AF_INET;
		}
	}
	if (inet_ntop(family, a, c->peer, sizeof(c->peer)) == NULL)
		c->peer[0] = '\0';
}

static bool
setup(struct conn *c, struct net *n, bool tls)
{
	if (event_assign(&c->read_ev, n->base, c->fd, EV_READ | EV_PERSIST,
		on_read, c) != 0 ||
	    event_assign(&c->write_ev, n->base, c->fd, EV_WRITE, on_write, c) !=
		0)
		return false;
	if (!tls)
		return true;
	c->ssl = net_ssl(n);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
		return false;
	SSL_set_accept_state(c->ssl);
	return true;
}

void
conn_open(struct net *n, const struct listener *l, int fd,
    const struct sockaddr_storage *sa)
{
	struct addr *a = addrs_take(n->s->addrs, sa);
	struct conn *c = a != NULL ? calloc(1, sizeof(*c)) : NULL;

	if (c == NULL) {
		if (a != NULL)
			addrs_drop(n->s->addrs, a);
		count(&n->refused, 1);
		close(fd);
		return;
	}
	c->net = n;
	c->fd = fd;
	c->port = l->port;
	c->addr = a;
	c->want = EV_READ;
	c->in = buf_empty(HEAD_MAX + 2 * READ_BODY_SIZE);
	c->out =
	    buf_empty(CALL_HEADERS_MAX + HTTP_HEADERS_MAX + INLINE_BODY_MAX);
	c->peer_cert = buf_empty(0);
	c->state = l->tls ? CONN_HANDSHAKE : CONN_HEAD;
	set_peer(c, sa);
	LIST_INSERT_HEAD(&n->conns, c, link);
	atomic_fetch_add_explicit(&n->open, 1, memory_order_relaxed);
	deadline_in(c,
	    l->tls ? n->s->p.handshake_timeout_ms : n->s->p.request_timeout_ms);
	/* The read event begins out; the first attempt often succeeds. */
	if (!setup(c, n, l->tls)) {
		conn_close(c);
		return;
	}
	drive(c);
}

/* Everything but the struct and the call. */
static void
shut(struct conn *c)
{
	if (c->state == CONN_CLOSED)
		return;
	if (event_initialized(&c->read_ev))
		event_del(&c->read_ev);
	if (event_initialized(&c->write_ev))
		event_del(&c->write_ev);
	if (c->ssl != NULL && !c->broken && c->state != CONN_HANDSHAKE) {
		ERR_clear_error();
		SSL_shutdown(c->ssl);
	}
	SSL_free(c->ssl);
	ERR_clear_error();
	c->ssl = NULL;
	close(c->fd);
	addrs_drop(c->net->s->addrs, c->addr);
	atomic_fetch_sub_explicit(&c->net->open, 1, memory_order_relaxed);
}

void
conn_close(struct conn *c)
{
	bool running = c->state == CONN_RUN;

	shut(c);
	c->state = CONN_CLOSED;
	if (running) /* the worker still looks at it; conn_resume frees */
		return;
	LIST_REMOVE(c, link);
	if (c->call != NULL)
		net_call_put(c->net, c->call);
	buf_done(&c->in);
	buf_done(&c->out);
	buf_done(&c->peer_cert);
	free(c);
}

static bool
is_idle(const struct conn *c)
{
	return c->state == CONN_HEAD && c->in.len == 0;
}

/* Neither running nor being answered: a stop waits for neither slow clients nor
 * those that stay after their reply. */
static bool
is_arriving(const struct conn *c)
{
	return c->state != CONN_RUN && c->state != CONN_WRITE;
}

void
conns_sweep(struct net *n, bool all)
{
	int64_t now = net_now_ms(n);
	struct conn *c = LIST_FIRST(&n->conns), *next;

	for (; c != NULL; c = next) {
		bool late = c->deadline_ms != 0 && now >= c->deadline_ms;

		next = LIST_NEXT(c, link);
		if (c->state == CONN_CLOSED)
			continue;
		if (late && !is_idle(c))
			count(&n->cut, 1);
		if (late || all || (n->stopping && is_idle(c)) ||
		    (n->stopping && now >= n->arrive_ms && is_arriving(c)))
			conn_close(c);
		else if (is_idle(c) && c->in.cap > 0)
			buf_done(&c->in);
	}
}
