/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_http_request.c - any bytes as a request: head, target, route, rules,
 * body, pairs, cookies, credentials, reply; the body once whole and once in
 * pieces, with the same result.
 * Owns:    one call, reused as the server does.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	BODY_MAX = 4096,
	IDLE_MS = 1000,
	PIECE = 7
};

/* Stands in an input for the id of the newest session. */
static const char id_mark[] = "LASTLASTLASTLASTLASTLASTLASTLAST";
static char last_id[sizeof(id_mark)];

static void
released(void *arg)
{
	(void)arg;
}

static void
handler(struct http_call *c)
{
	const char *user = "";
	struct view password = { 0 };
	enum rc rc = http_basic(c, &user, &password, NULL);

	if (c->path[0] != '/' || strstr(c->path, "/../") != NULL)
		abort();
	if (rc == RC_OK && strlen(user) > c->body.len + HTTP_HEADERS_MAX)
		abort();
	if (http_arg(c, "login") != NULL &&
	    http_session_new(c, strdup("data"), free) != NULL)
		snprintf(
		    last_id, sizeof(last_id), "%s", session_id(c->session));
	if (http_arg(c, "logout") != NULL)
		http_session_end(c);
	if (http_form(c, "ref") != NULL) { /* twice: the first is given back */
		http_reply_ref(c, 200, "a/b", c->body, released, NULL);
		http_reply_ref(c, 200, "a/b", c->body, released, NULL);
		return;
	}
	for (size_t i = 0; i < c->query.n; i++)
		http_reply_header(
		    c, c->query.items[i].name, c->query.items[i].value);
	http_reply(c, 200, http_base_url(c), c->body);
}

static const struct http_route table[] = {
	{ HTTP_GET | HTTP_POST, "/a", handler, HTTP_READ, 0, BODY_MAX },
	{ HTTP_GET | HTTP_PUT, "/a/{x}/b", handler, HTTP_READ, 0, BODY_MAX },
	{ HTTP_POST, "/o", handler, HTTP_READ, HTTP_SAME_ORIGIN, BODY_MAX },
	{ HTTP_GET, "/t", handler, HTTP_READ, HTTP_TLS_ONLY, BODY_MAX },
	{ HTTP_GET | HTTP_DELETE, "/r/*", handler, HTTP_READ, 0, BODY_MAX },
};

/* Refused when they are added. */
static const struct http_route bad[] = {
	{ HTTP_GET, "a", handler, HTTP_READ, 0, 0 },
	{ HTTP_GET, "/a", handler, HTTP_READ, 0, 0 },
	{ HTTP_GET, "/a/*/b", handler, HTTP_READ, 0, 0 },
	{ HTTP_GET, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", handler, HTTP_READ,
	    0, 0 },
	{ HTTP_GET, "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a",
	    handler, HTTP_READ, 0, 0 },
};
static const struct http_route old[] = {
	{ HTTP_GET, "/old/{x}", handler, HTTP_READ, 0, BODY_MAX },
	{ HTTP_POST, "/a/{x}/b", handler, HTTP_READ, 0, BODY_MAX },
	{ HTTP_GET, "/old/r/*", handler, HTTP_READ, 0, BODY_MAX },
};

/* Time passes with every look at it. */
static int64_t
ticking(void *arg)
{
	static int64_t now;

	(void)arg;
	return now++;
}
static const struct clock clock = { ticking, ticking, NULL };

static const struct http_server_params params;
static struct call_env env = { .params = &params, .tls_port = 8443 };
static struct routes *routes;
static struct call *call;

static void
setup(void)
{
	routes = routes_new();
	struct routes *older = routes_new();

	env.sessions = sessions_new(&clock, 10, IDLE_MS);
	if (routes == NULL || older == NULL || env.sessions == NULL)
		abort();
	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++)
		if (routes_add(older, &old[i], NULL, NULL) != RC_OK)
			abort();
	routes_join(routes, older);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (routes_add(routes, &table[i], NULL, NULL) != RC_OK)
			abort();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (routes_add(routes, &bad[i], NULL, NULL) == RC_OK)
			abort();
	call = call_new(&env);
	if (call == NULL)
		abort();
}

/* A copy with the id of the newest session in it. */
static void
with_session(struct buf *out, struct view in)
{
	uint8_t *p;

	buf_add_view(out, in);
	p = out->len > 0
	    ? memmem(out->data, out->len, id_mark, sizeof(id_mark) - 1)
	    : NULL;
	if (p != NULL && last_id[0] != '\0')
		memcpy(p, last_id, sizeof(last_id) - 1);
}

/* The decoder's result when the bytes come piece by piece. */
static int
chunks(struct buf *b, struct view in, size_t piece, size_t *body)
{
	struct parse_chunks c = { 0 };
	int r = 0;

	buf_reset(b);
	while (r == 0 && in.len > 0) {
		size_t n = in.len < piece ? in.len : piece;

		buf_add(b, in.data, n);
		if (b->failed != RC_OK)
			abort();
		in = view_of(in.data + n, in.len - n);
		r = parse_chunks(&c, b->data, &b->len, BODY_MAX);
		if (c.body > BODY_MAX || c.body > b->len)
			abort();
	}
	*body = c.body;
	return r;
}

/* The body behind the head, decoded; false when it is not whole. */
static bool
take_body(struct buf *b, struct view rest)
{
	AUTO_BUF slow = buf_empty(0);
	size_t body = 0, again = 0;
	int r;

	if (!call->head.chunked) {
		if (call->head.body_len > (int64_t)rest.len)
			return false;
		if (call->head.body_len > 0)
			call->c.body =
			    view_of(rest.data, (size_t)call->head.body_len);
		return true;
	}
	r = chunks(b, rest, rest.len > 0 ? rest.len : 1, &body);
	/* A refusal may come early or late, but it comes. */
	if (chunks(&slow, rest, PIECE, &again) != r ||
	    (r == 1 &&
		!view_eq(view_of(b->data, body), view_of(slow.data, again))))
		abort();
	if (r == 1)
		call->c.body = view_of(b->data, body);
	return r == 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_BUF b = buf_empty(0);
	AUTO_BUF out = buf_empty(0);
	AUTO_BUF in = buf_empty(0);
	size_t scan = 0, n;
	struct view body;

	if (call == NULL)
		setup();
	sessions_sweep(env.sessions);
	if (sessions_count(env.sessions) > 10)
		abort();
	with_session(&in, view_of(data, len));
	n = parse_head_len(buf_view(&in), &scan);
	if (n == 0)
		return 0;
	call->c.peer = "192.0.2.1";
	call->c.tls = (len & 1) != 0;
	if (call_begin(call, routes, view_of(in.data, n)) == 0) {
		if (take_body(&b, view_of(in.data + n, len - n)))
			call_run(call);
	} else if (call->c.status < 300) {
		abort();
	}
	body = call_encode(call, &out, "date", true);
	/* Nothing from the request may end the reply's head early. */
	if (memmem(out.data, out.len, "\r\n\r\n", 4) != out.data + out.len - 4)
		abort();
	if (body.len > BODY_MAX)
		abort();
	call_reset(call);
	return 0;
}
