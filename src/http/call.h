/* SPDX-License-Identifier: Apache-2.0 */
/* call.h - one request from its parsed head to its encoded reply, without the
 * socket. Internal to http/. */
#ifndef HTTP_CALL_H
#define HTTP_CALL_H

#include "http/parse.h"
#include "http/route.h"
#include "http/session.h"

enum {
	CALL_REPLY_MAX = 512 * 1024 * 1024, /* one reply's body */
	CALL_HEADERS_MAX = HTTP_URL_MAX + HTTP_HEADERS_MAX, /* of a reply */
	CALL_KEEP_MAX = 64 * 1024, /* buffers above are not kept for reuse */
	CALL_DATE_MAX = 32
};

struct conn;

/* What all calls of a server share. */
struct call_env {
	const struct http_server_params *params;
	struct sessions *sessions;
	int tls_port; /* of the first TLS listener, 0 = none */
};

struct call {
	struct http_call c; /* c.priv points back here */
	const struct call_env *env;
	struct parse_head head;
	const char *query; /* raw */
	const struct route *route;
	struct conn *conn;
	char *basic; /* decoded credentials in the arena, wiped at the end */
	size_t basic_len;
	const char *type;   /* of the reply; NULL = none */
	struct buf headers; /* further lines of the reply */
	struct view ref;    /* body by reference, instead of c.out */
	void (*release)(void *arg);
	void *release_arg;
	bool close;            /* the connection ends behind the reply */
	int64_t start_us;      /* head complete, monotonic */
	int64_t queued_ms;     /* given to a pool */
	http_handler deferred; /* set by http_defer; NULL = none */
	enum http_class defer_cls;
	struct call *next; /* on a free list or a done queue */
};

/* A fresh call; NULL when memory is out. */
struct call *call_new(const struct call_env *env);
void call_free(struct call *k);
OWNED(call)
/* Gives back what the request held and makes k ready for the next one. */
void call_reset(struct call *k);

/* Parses a head (copied), finds the route and applies every rule that needs no
 * body. Returns 0, or the status of a refusal whose reply has been set;
 * k->close is then set too. c.peer, port and tls are set by the caller. */
int call_begin(struct call *k, const struct routes *routes, struct view head);
/* The route's body limit. */
size_t call_body_max(const struct call *k);
/* Query, form, session, then the handler; on the handler's thread. */
void call_run(struct call *k);
/* The deferred handler, on a worker. */
void call_resume(struct call *k);
/* Sets the reply of a refusal. */
void call_error(struct call *k, int status, const char *text);
/* Appends status line and headers to out and returns the body behind them
 * (empty for HEAD, 204, 304). date is an IMF-fixdate. */
struct view call_encode(
    struct call *k, struct buf *out, const char *date, bool keep_alive);
/* "Sat, 21 Nov 2026 20:07:00 GMT" (RFC 9110 5.6.7). */
void call_date(char out[CALL_DATE_MAX], int64_t now);

#endif
