/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - a load client: keep-alive connections, plain or TLS, each sending
 * the next request of a list as soon as it has an answer.
 * usage: load [-c CONNECTIONS] [-s SECONDS] [-i PAUSE_US] [-p PID]
 *             [-C CERT.pem -K KEY.pem] [-a] [-w] plain|tls PORT REQUESTS
 * REQUESTS holds raw requests, each after its length (4 octets, big-endian).
 * -a: each is a submission whose request is then reviewed and approved.
 * -w: all of them are sent once before measuring begins.
 * Prints rate, time and processor time of process PID for each, as shell words.
 * Owns:    its connections.
 * Trusts:  the server it measures, as far as answers fit in ANSWER_MAX.
 * Threads: one. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/file.h"
#include "base/text.h"

enum {
	CONNECTIONS_MAX = 1000,
	REQUESTS_MAX = 100000,
	ANSWER_MAX = 256 * 1024,
	SAMPLES_MAX = 4 * 1000 * 1000,
	FILE_BYTES_MAX = 256 * 1024 * 1024,
	COOKIE_MAX = 200,
};

enum step {
	SUBMIT,
	REVIEW,
	APPROVE
};

struct conn {
	int fd;
	SSL *ssl;
	struct view request;
	size_t sent;
	double began, resume; /* resume > 0: pausing */
	char *answer;
	size_t have;
	/* approval */
	enum step step;
	char cookie[COOKIE_MAX], id[80];
	struct buf own;
};

struct load {
	int64_t conns, seconds, pause_us, pid, port;
	const char *cert, *key;
	bool approve, tls, warm;
	struct buf file;
	struct view *requests;
	size_t n_requests, next;
	SSL_CTX *ctx;
	int epoll;
	struct conn *all;
	float *samples;
	size_t n_samples;
	uint64_t done, bad, bytes;
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
fail(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* Processor seconds that all threads of a process have used. */
static double
cpu_of(int64_t pid)
{
	char path[300], line[100];
	struct dirent *d;
	double sum = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%lld/task", (long long)pid);
	dir = opendir(path);
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		int64_t ns = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%lld/task/%.20s/schedstat",
		    (long long)pid, d->d_name);
		f = d->d_name[0] != '.' ? fopen(path, "re") : NULL;
		if (f == NULL)
			continue;
		if (fgets(line, sizeof(line), f) != NULL) {
			line[strcspn(line, " ")] = '\0';
			if (text_int(&ns, line, 0, INT64_MAX, NULL) == RC_OK)
				sum += (double)ns / 1e9;
		}
		fclose(f);
	}
	if (dir != NULL)
		closedir(dir);
	return sum;
}

static void
read_requests(struct load *l, const char *path)
{
	struct err e = { RC_OK, "" };
	size_t at = 0;

	l->file = buf_empty(FILE_BYTES_MAX);
	l->requests = calloc(REQUESTS_MAX, sizeof(*l->requests));
	if (l->requests == NULL || file_read(&l->file, path, &e) != RC_OK)
		fail(path);
	while (at + 4 <= l->file.len && l->n_requests < REQUESTS_MAX) {
		const uint8_t *p = l->file.data + at;
		size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 |
		    (size_t)p[2] << 8 | p[3];

		if (n == 0 || n > l->file.len - at - 4)
			fail("a request's length is wrong");
		l->requests[l->n_requests++] = view_of(p + 4, n);
		at += 4 + n;
	}
	if (l->n_requests == 0)
		fail("no requests");
}

/* --- connections ----------------------------------------------------------- */

static void
connect_one(struct load *l, struct conn *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)l->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		fail("cannot connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (l->tls) {
		c->ssl = SSL_new(l->ctx);
		if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
		    SSL_connect(c->ssl) != 1)
			fail("TLS handshake");
	}
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void
watch(struct load *l, struct conn *c, int op, uint32_t what)
{
	struct epoll_event ev = { .events = what, .data.ptr = c };

	if (epoll_ctl(l->epoll, op, c->fd, &ev) != 0)
		fail("epoll_ctl");
}

/* Octets moved, 0 = not now, -1 = the connection is lost. */
static ssize_t
move(struct conn *c, void *in, const void *out, size_t n)
{
	ssize_t got;

	if (c->ssl == NULL) {
		got = in != NULL ? recv(c->fd, in, n, 0)
				 : send(c->fd, out, n, MSG_NOSIGNAL);
		if (got < 0 && errno == EAGAIN)
			return 0;
		return got > 0 ? got : -1;
	}
	got = in != NULL ? SSL_read(c->ssl, in, (int)n)
			 : SSL_write(c->ssl, out, (int)n);
	if (got > 0)
		return got;
	int why = SSL_get_error(c->ssl, (int)got);
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0
									 : -1;
}

static void
send_more(struct conn *c)
{
	while (c->sent < c->request.len) {
		ssize_t n = move(c, NULL, c->request.data + c->sent,
		    c->request.len - c->sent);

		if (n < 0)
			fail("the server closed a connection");
		if (n == 0)
			return; /* small requests: the socket takes them soon */
		c->sent += (size_t)n;
	}
}

static void
start(struct conn *c, struct view request)
{
	c->request = request;
	c->sent = c->have = 0;
	c->resume = 0;
	if (c->step == SUBMIT)
		c->began = now();
	send_more(c);
}

/* --- answers ----------------------------------------------------------------- */

/* Length of head and body when all of it is there, else 0. */
static size_t
whole(const struct conn *c, size_t *head)
{
	const char *end = memmem(c->answer, c->have, "\r\n\r\n", 4);
	const char *len;
	char text[24];
	int64_t n = 0;

	if (end == NULL)
		return 0;
	*head = (size_t)(end - c->answer) + 4;
	len = strcasestr(c->answer, "\r\ncontent-length:");
	if (len != NULL && len < end) {
		len += 17 + strspn(len + 17, " ");
		snprintf(text, sizeof(text), "%.*s",
		    (int)strspn(len, "0123456789"), len);
		if (text_int(&n, text, 0, ANSWER_MAX, NULL) != RC_OK)
			fail("an answer's length");
	}
	return c->have >= *head + (size_t)n ? *head + (size_t)n : 0;
}

static void
take_cookie(struct conn *c)
{
	const char *p = strcasestr(c->answer, "\r\nset-cookie: ");

	if (p != NULL) {
		p += 14;
		snprintf(c->cookie, sizeof(c->cookie), "Cookie: %.*s\r\n",
		    (int)strcspn(p, ";\r"), p);
	}
}

/* The next request of submit, review, approve. */
static struct view
next_step(struct load *l, struct conn *c, size_t head)
{
	const char *id = strstr(c->answer + head, "\"requestID\":\"");
	size_t len = c->have - head;
	AUTO_BUF body = buf_empty(ANSWER_MAX);

	take_cookie(c);
	buf_reset(&c->own);
	switch (c->step) {
	case SUBMIT:
		if (id == NULL)
			fail(c->answer);
		snprintf(c->id, sizeof(c->id), "%.*s",
		    (int)strcspn(id + 13, "\""), id + 13);
		buf_addf(&c->own,
		    "GET /ca/v2/agent/certrequests/%s HTTP/1.1\r\n"
		    "Host: localhost:%lld\r\n%s\r\n",
		    c->id, (long long)l->port, c->cookie);
		c->step = REVIEW;
		return buf_view(&c->own);
	case REVIEW:
		buf_addf(&c->own,
		    "POST /ca/v2/agent/certrequests/%s/approve HTTP/1.1\r\n"
		    "Host: localhost:%lld\r\nContent-Type: application/json\r\n"
		    "Content-Length: %zu\r\n%s\r\n",
		    c->id, (long long)l->port, len, c->cookie);
		buf_add(&c->own, c->answer + head, len);
		c->step = APPROVE;
		return buf_view(&c->own);
	case APPROVE:
		break;
	}
	c->step = SUBMIT;
	return view_of(NULL, 0);
}

static void
answered(struct load *l, struct conn *c, size_t head, size_t len)
{
	bool good = strncmp(c->answer, "HTTP/1.1 20", 11) == 0;

	if (!good && l->bad++ == 0)
		fprintf(stderr, "load: %.*s\n", (int)c->have, c->answer);
	if (l->approve && good) {
		struct view next = next_step(l, c, head);
		if (next.len > 0) {
			start(c, next);
			return;
		}
	}
	l->done++;
	l->bytes = len - head;
	if (l->n_samples < SAMPLES_MAX)
		l->samples[l->n_samples++] = (float)(now() - c->began);
	c->step = SUBMIT;
	if (l->pause_us > 0) {
		c->resume = now() + (double)l->pause_us / 1e6;
		return;
	}
	start(c, l->requests[l->next++ % l->n_requests]);
}

static void
readable(struct load *l, struct conn *c)
{
	for (;;) {
		size_t head, len;
		ssize_t n =
		    move(c, c->answer + c->have, NULL, ANSWER_MAX - c->have);

		if (n < 0)
			fail("the server closed a connection");
		if (n == 0)
			return;
		c->have += (size_t)n;
		c->answer[c->have] = '\0';
		if ((len = whole(c, &head)) == 0)
			continue;
		answered(l, c, head, len);
		return;
	}
}

/* --- the run ------------------------------------------------------------------ */

static void
resume(struct load *l)
{
	double t = now();

	for (int64_t i = 0; i < l->conns; i++) {
		struct conn *c = &l->all[i];
		if (c->resume > 0 && c->resume <= t)
			start(c, l->requests[l->next++ % l->n_requests]);
	}
}

static void
run(struct load *l, double seconds, uint64_t at_least)
{
	double until = now() + seconds;
	struct epoll_event ev[64];

	while (now() < until || l->done < at_least) {
		int n = epoll_wait(l->epoll, ev, 64, l->pause_us > 0 ? 1 : 100);

		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;
			if (c->sent < c->request.len)
				send_more(c);
			readable(l, c);
		}
		if (l->pause_us > 0)
			resume(l);
	}
}

static int
by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double
quantile(const struct load *l, double q)
{
	return l->n_samples == 0
	    ? 0
	    : (double)l->samples[(size_t)(q * (double)(l->n_samples - 1))] *
		1e6;
}

static void
measure(struct load *l)
{
	double cpu, took;

	for (int64_t i = 0; i < l->conns; i++) {
		struct conn *c = &l->all[i];
		c->answer = malloc(ANSWER_MAX + 1);
		c->own = buf_empty(2 * ANSWER_MAX);
		if (c->answer == NULL)
			fail("out of memory");
		connect_one(l, c);
		watch(l, c, EPOLL_CTL_ADD, EPOLLIN);
	}
	for (int64_t i = 0; i < l->conns; i++)
		start(&l->all[i], l->requests[l->next++ % l->n_requests]);
	run(l, 0.5, l->warm ? l->n_requests : 0);
	l->n_samples = 0;
	l->done = l->bad = 0;
	cpu = cpu_of(l->pid);
	took = now();
	run(l, (double)l->seconds, 0);
	took = now() - took;
	cpu = cpu_of(l->pid) - cpu;
	qsort(l->samples, l->n_samples, sizeof(*l->samples), by_size);
	printf("rate=%.1f cpu_us=%.2f p50_us=%.0f p99_us=%.0f bad=%llu "
	       "bytes=%llu busy=%.2f\n",
	    (double)l->done / took, l->done ? cpu / (double)l->done * 1e6 : 0,
	    quantile(l, 0.5), quantile(l, 0.99), (unsigned long long)l->bad,
	    (unsigned long long)l->bytes, cpu / took);
}

static void
set_tls(struct load *l)
{
	l->ctx = SSL_CTX_new(TLS_client_method());
	if (l->ctx == NULL)
		fail("TLS");
	if (l->cert != NULL &&
	    (SSL_CTX_use_certificate_chain_file(l->ctx, l->cert) != 1 ||
		SSL_CTX_use_PrivateKey_file(l->ctx, l->key, SSL_FILETYPE_PEM) !=
		    1))
		fail("client certificate");
}

static int64_t
number(const char *s, int64_t max)
{
	int64_t n;

	if (text_int(&n, s, 0, max, NULL) != RC_OK)
		fail("a number is wrong");
	return n;
}

int
main(int argc, char **argv)
{
	struct load l = { .conns = 32, .seconds = 3, .pid = getpid() };
	int c;

	while ((c = getopt(argc, argv, "c:s:i:p:C:K:aw")) != -1) {
		switch (c) {
		case 'c':
			l.conns = number(optarg, CONNECTIONS_MAX);
			break;
		case 's':
			l.seconds = number(optarg, 3600);
			break;
		case 'i':
			l.pause_us = number(optarg, 10000000);
			break;
		case 'p':
			l.pid = number(optarg, INT32_MAX);
			break;
		case 'C':
			l.cert = optarg;
			break;
		case 'K':
			l.key = optarg;
			break;
		case 'a':
			l.approve = true;
			break;
		case 'w':
			l.warm = true;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 3)
		fail("plain|tls PORT REQUESTS");
	l.tls = strcmp(argv[optind], "tls") == 0;
	l.port = number(argv[optind + 1], 65535);
	read_requests(&l, argv[optind + 2]);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	l.all = calloc((size_t)l.conns, sizeof(*l.all));
	l.samples = calloc(SAMPLES_MAX, sizeof(*l.samples));
	if (l.all == NULL || l.samples == NULL)
		fail("out of memory");
	if (l.tls)
		set_tls(&l);
	measure(&l);
	return l.bad > 0 || l.done == 0 ? 1 : 0;
}
