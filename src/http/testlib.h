/* SPDX-License-Identifier: Apache-2.0 */
/* testlib.h - raw loopback clients for the tests of http/. Not installed. */
#ifndef HTTP_TESTLIB_H
#define HTTP_TESTLIB_H

#include <stdint.h>

#include "base/view.h"

enum {
	T_REPLY_MAX = 4 * 1024 * 1024,
	T_WAIT_MS = 60000 /* for what must come, however slow the machine */
};

/* A connected socket to 127.0.0.1:port, with a receive timeout of T_WAIT_MS. */
int t_connect(int port);
void t_send(int fd, const char *text);
void t_send_all(int fd, struct view v);
/* Reads until the end, or until len bytes are there (0 = the end); the text is
 * valid until the next call. */
const char *t_read(int fd, size_t len);
/* Reads one reply with its Content-Length; its status. */
int t_reply(int fd);
const char *t_body(void);
/* The whole head of the last reply. */
const char *t_head(void);
/* Connects, sends, reads one reply; its status (0 = closed without one). */
int t_exchange(int port, const char *text);
int64_t t_now_ms(void);
void t_sleep_ms(int ms);
/* Waits until the condition holds, fails after T_WAIT_MS. */
#define T_WAIT(condition)                                                \
	for (int64_t t_begin_ = t_now_ms(); !(condition); t_sleep_ms(5)) \
	assert_in_range(t_now_ms() - t_begin_, 0, T_WAIT_MS)

#endif
