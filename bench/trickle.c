/* SPDX-License-Identifier: Apache-2.0 */
/* trickle.c - clients that hold a server up: connections that send a request
 * octet by octet, and TLS handshakes that stop half way. What the server cuts
 * comes back.
 * usage: trickle PLAIN-PORT COUNT TLS-PORT COUNT    (until it is killed)
 * Owns:    its sockets.
 * Trusts:  nothing.
 * Threads: one. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum {
	SOCKETS_MAX = 2000,
	STEP_MS = 500
};

struct client {
	int fd, port;
	size_t sent;
	const char *text;
	size_t len;
};

static const char request[] = "POST /ca/ocsp HTTP/1.1\r\nHost: localhost\r\n"
			      "Content-Type: application/ocsp-request\r\n"
			      "Content-Length: 1000\r\nX-Slow: aaaaaaaaaaaa";
/* the head of a ClientHello of 512 octets */
static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

static void
open_one(struct client *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)c->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	c->sent = 0;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd >= 0 &&
	    connect(c->fd, (struct sockaddr *)&a, sizeof(a)) != 0 &&
	    errno != EINPROGRESS) {
		close(c->fd);
		c->fd = -1;
	}
}

static void
step(struct client *c)
{
	char b;

	if (c->fd >= 0 && recv(c->fd, &b, 1, 0) < 0 && errno == EAGAIN) {
		if (c->sent >= c->len ||
		    send(c->fd, c->text + c->sent, 1, MSG_NOSIGNAL) == 1) {
			c->sent += c->sent < c->len;
			return;
		}
		if (errno == EAGAIN)
			return;
	}
	if (c->fd >= 0)
		close(c->fd);
	open_one(c);
}

int
main(int argc, char **argv)
{
	static struct client all[SOCKETS_MAX];
	struct timespec pause = { 0, 0 };
	int64_t n[4];
	size_t count;

	for (int i = 0; i < 4; i++) {
		if (argc != 5 ||
		    text_int(&n[i], argv[i + 1], 0, 65535, NULL) != RC_OK)
			return 2;
	}
	if (n[1] + n[3] > SOCKETS_MAX || n[1] + n[3] == 0)
		return 2;
	count = (size_t)(n[1] + n[3]);
	for (size_t i = 0; i < count; i++) {
		bool slow = i < (size_t)n[1];
		all[i].port = (int)(slow ? n[0] : n[2]);
		all[i].text = slow ? request : hello;
		all[i].len = slow ? sizeof(request) - 1 : sizeof(hello) - 1;
		open_one(&all[i]);
	}
	pause.tv_nsec = (long)(STEP_MS * 1000000L / (long)count);
	for (size_t i = 0;; i = (i + 1) % count) {
		step(&all[i]);
		nanosleep(&pause, NULL);
	}
}
