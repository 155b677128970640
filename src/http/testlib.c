/* SPDX-License-Identifier: Apache-2.0 */
/* testlib.c - raw loopback clients for the tests of http/.
 * Owns:    one static reply buffer.
 * Trusts:  the server under test not at all.
 * Threads: one. */
#include "http/testlib.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"

static char data[T_REPLY_MAX + 1];
static size_t body_at;

int
t_connect(int port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	struct timeval tv = { .tv_sec = T_WAIT_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	return fd;
}

void
t_send_all(int fd, struct view v)
{
	while (v.len > 0) {
		ssize_t n = send(fd, v.data, v.len, MSG_NOSIGNAL);

		if (n <= 0) /* refused early: the reply tells */
			return;
		v = view_of(v.data + n, v.len - (size_t)n);
	}
}

void
t_send(int fd, const char *text)
{
	t_send_all(fd, view_str(text));
}

const char *
t_read(int fd, size_t len)
{
	size_t at = 0, max = len != 0 ? len : T_REPLY_MAX;

	while (at < max) {
		ssize_t n = recv(fd, data + at, max - at, 0);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	data[at] = '\0';
	return data;
}

int
t_reply(int fd)
{
	size_t at = 0, len = 0;
	const char *p;
	int status;

	body_at = 0;
	data[0] = '\0';
	while (strstr(data, "\r\n\r\n") == NULL) {
		ssize_t n = recv(fd, data + at, 1, 0);

		if (n <= 0)
			return 0;
		data[++at] = '\0';
	}
	assert_true(text_starts(data, "HTTP/1.1 "));
	status = (data[9] - '0') * 100 + (data[10] - '0') * 10 + data[11] - '0';
	body_at = at;
	p = strstr(data, "Content-Length: ");
	for (p = p != NULL ? p + 16 : ""; *p >= '0' && *p <= '9'; p++)
		len = len * 10 + (size_t)(*p - '0');
	while (at < body_at + len) {
		ssize_t n = recv(fd, data + at, body_at + len - at, 0);

		if (n <= 0)
			return 0;
		at += (size_t)n;
	}
	data[at] = '\0';
	return status;
}

const char *
t_body(void)
{
	return data + body_at;
}

const char *
t_head(void)
{
	return data;
}

int
t_exchange(int port, const char *text)
{
	int fd = t_connect(port), status;

	t_send(fd, text);
	status = t_reply(fd);
	close(fd);
	return status;
}

int64_t
t_now_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
t_sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}
