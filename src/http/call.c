/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - request rules and reply encoding between parse.c and the handlers.
 * Owns:    struct call with its arena and reply buffers.
 * Trusts:  routes; nothing of the request.
 * Threads: a call has one owner: its net thread, or the worker it runs on. */
#include "http/call.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "base/text.h"

struct call *
call_new(const struct call_env *env)
{
	AUTO(call) k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->env = env;
	k->c.arena = arena_new(0);
	if (k->c.arena == NULL)
		return NULL;
	k->c.out = buf_empty(CALL_REPLY_MAX);
	k->headers = buf_empty(CALL_HEADERS_MAX);
	call_reset(k);
	return call_steal(&k);
}

static void
call_drop(struct call *k)
{
	if (k->release != NULL)
		k->release(k->release_arg);
	k->release = NULL;
	k->ref = (struct view){ 0 };
	if (k->basic != NULL)
		OPENSSL_cleanse(k->basic, k->basic_len);
	k->basic = NULL;
	sessions_release(k->env->sessions, k->c.session);
	k->c.session = NULL;
}

void
call_free(struct call *k)
{
	if (k == NULL)
		return;
	call_drop(k);
	buf_done(&k->c.out);
	buf_done(&k->headers);
	arena_free(k->c.arena);
	free(k);
}

void
call_reset(struct call *k)
{
	struct arena *arena = k->c.arena;
	struct buf out;

	call_drop(k);
	if (k->c.out.cap > CALL_KEEP_MAX)
		buf_done(&k->c.out);
	buf_reset(&k->c.out);
	buf_reset(&k->headers);
	arena_reset(arena);
	out = k->c.out;
	k->c = (struct http_call){ .path = "",
		.raw_path = "",
		.host = "",
		.peer = "",
		.status = 200,
		.arena = arena,
		.out = out,
		.priv = k };
	k->query = "";
	k->head.n_headers = 0;
	k->route = NULL;
	k->conn = NULL;
	k->type = NULL;
	k->close = false;
	k->next = NULL;
}

size_t
call_body_max(const struct call *k)
{
	size_t n = k->route != NULL ? k->route->r.body_max : 0;

	return n != 0 ? n : HTTP_BODY_MAX;
}

void
call_error(struct call *k, int status, const char *text)
{
	const struct http_server_params *p = k->env->params;

	buf_reset(&k->c.out);
	if (k->headers.failed != RC_OK)
		buf_reset(&k->headers);
	k->type = NULL;
	k->c.status = status;
	if (p->render_error != NULL)
		p->render_error(p->render_arg, &k->c, status, text);
}

static void
add_allow(struct call *k, unsigned allowed)
{
	static const char *const names[] = { "GET", "HEAD", "POST", "PUT",
		"DELETE", "PATCH" };
	AUTO_BUF b = buf_empty(0);

	if ((allowed & HTTP_GET) != 0)
		allowed |= HTTP_HEAD;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((allowed & 1U << i) != 0)
			buf_addf(&b, "%s%s", b.len > 0 ? ", " : "", names[i]);
	http_reply_header(&k->c, "Allow", buf_cstr(&b));
}

/* Values are views into the path; handlers get strings. */
static int
take_params(struct call *k, const struct route_match *m)
{
	const struct route *r = m->route;
	struct http_pair *items;

	k->route = r;
	k->c.route_arg = r->arg;
	if (r->n_params == 0)
		return 0;
	items = arena_alloc(k->c.arena, r->n_params, sizeof(*items));
	if (items == NULL)
		return 503;
	for (size_t i = 0; i < r->n_params; i++) {
		items[i].name = r->params[i];
		items[i].value = arena_view(k->c.arena, m->values[i]);
		if (items[i].value == NULL)
			return 503;
	}
	k->c.params = (struct http_list){ items, r->n_params };
	return 0;
}

static bool
is_known_method(const char *m)
{
	return strcmp(m, "OPTIONS") == 0 || strcmp(m, "TRACE") == 0 ||
	    strcmp(m, "CONNECT") == 0;
}

static int
find_route(struct call *k, const struct routes *routes, const char **why)
{
	struct route_match m;

	routes_find(routes, &m, k->c.method, k->c.path);
	if (m.route != NULL) {
		*why = "out of memory";
		return take_params(k, &m);
	}
	if (k->c.method == 0 && !is_known_method(k->head.method_text)) {
		*why = "method not implemented";
		return 501;
	}
	if (m.allowed != 0) {
		add_allow(k, m.allowed);
		*why = "method not allowed";
		return 405;
	}
	*why = "not found";
	return 404;
}

/* A Location on the TLS port for a plain GET. */
static int
send_to_tls(struct call *k, const char **why)
{
	bool get = k->c.method == HTTP_GET || k->c.method == HTTP_HEAD;
	const char *host = k->c.host, *colon = strrchr(host, ':');
	size_t n = strlen(host);
	char *url;

	*why = "this resource needs TLS";
	if (!get || k->env->tls_port == 0 || n == 0)
		return 403;
	if (colon != NULL && strchr(colon, ']') == NULL)
		n = (size_t)(colon - host);
	url = k->env->tls_port == 443
	    ? arena_printf(k->c.arena, "https://%.*s%s%s%s", (int)n, host,
		  k->c.raw_path, *k->query != '\0' ? "?" : "", k->query)
	    : arena_printf(k->c.arena, "https://%.*s:%d%s%s%s", (int)n, host,
		  k->env->tls_port, k->c.raw_path, *k->query != '\0' ? "?" : "",
		  k->query);
	if (url == NULL)
		return 503;
	http_reply_header(&k->c, "Location", url);
	return 302;
}

static int
check_origin(const struct call *k, const char **why)
{
	const char *origin = http_header(&k->c, "Origin");
	const char *site = http_header(&k->c, "Sec-Fetch-Site");

	*why = "request from a foreign origin";
	if (origin != NULL && !parse_same_origin(origin, k->c.tls, k->c.host))
		return 403;
	return site != NULL && text_ieq(site, "cross-site") ? 403 : 0;
}

static int
check_rules(struct call *k, const char **why)
{
	unsigned flags = k->route->r.flags;
	int status = 0;

	if ((flags & HTTP_TLS_ONLY) != 0 && !k->c.tls)
		status = send_to_tls(k, why);
	if (status == 0 && (flags & HTTP_SAME_ORIGIN) != 0)
		status = check_origin(k, why);
	if (status == 0 && k->head.body_len > 0 &&
	    (uint64_t)k->head.body_len > call_body_max(k)) {
		*why = "request body too large";
		status = 413;
	}
	return status;
}

int
call_begin(struct call *k, const struct routes *routes, struct view head)
{
	char *text = arena_view(k->c.arena, head);
	const char *why = "out of memory";
	int status = 503;

	if (text != NULL)
		status = parse_head(&k->head, text, head.len, &why);
	k->c.method = k->head.method;
	k->c.headers = (struct http_list){ k->head.headers, k->head.n_headers };
	if (k->head.host != NULL)
		k->c.host = k->head.host;
	if (status == 0)
		status = parse_target(k->c.arena, &k->head, &k->c.path,
		    &k->c.raw_path, &k->query, &why);
	if (status == 0)
		status = find_route(k, routes, &why);
	if (status == 0)
		status = check_rules(k, &why);
	if (status != 0) {
		/* A body that nobody will read ends the connection. */
		k->close = status == 400 || k->head.body_len > 0 ||
		    k->head.chunked || status > 405;
		call_error(k, status, why);
	}
	return status;
}

static bool
is_form(const struct http_call *c)
{
	static const char type[] = "application/x-www-form-urlencoded";
	const char *t;

	if (c->method != HTTP_POST || c->body.len == 0)
		return false;
	t = http_header(c, "Content-Type");
	return t != NULL && strncasecmp(t, type, sizeof(type) - 1) == 0 &&
	    strchr("; \t", t[sizeof(type) - 1]) != NULL;
}

static void
find_session(struct call *k)
{
	const char *cookies = http_header(&k->c, "Cookie");
	struct view id;

	if (cookies != NULL && parse_cookie(&id, cookies, "JSESSIONID"))
		k->c.session = sessions_find(k->env->sessions, k->c.tls, id);
}

void
call_run(struct call *k)
{
	enum rc rc = RC_OK;
	struct err e = { 0 };

	if (*k->query != '\0')
		rc = parse_pairs(
		    k->c.arena, &k->c.query, view_str(k->query), &e);
	if (rc == RC_OK && is_form(&k->c))
		rc = parse_pairs(k->c.arena, &k->c.form, k->c.body, &e);
	if (rc != RC_OK) {
		call_error(k, rc_http(rc), e.text);
		return;
	}
	find_session(k);
	k->route->r.handler(&k->c);
	if (k->c.out.failed != RC_OK || k->headers.failed != RC_OK)
		call_error(k, 500, "reply too large");
}

void
call_resume(struct call *k)
{
	http_handler fn = k->deferred;

	k->deferred = NULL;
	fn(&k->c);
	if (k->c.out.failed != RC_OK)
		call_error(k, 500, "reply too large");
}

void
http_defer(struct http_call *c, enum http_class cls, http_handler fn)
{
	struct call *k = c->priv;

	k->deferred = fn;
	k->defer_cls = cls;
}

static const char *
reason_of(int status)
{
	static const struct {
		int status;
		const char *text;
	} table[] = { { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
		{ 204, "No Content" }, { 301, "Moved Permanently" },
		{ 302, "Found" }, { 303, "See Other" }, { 304, "Not Modified" },
		{ 307, "Temporary Redirect" }, { 400, "Bad Request" },
		{ 401, "Unauthorized" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" }, { 409, "Conflict" }, { 410, "Gone" },
		{ 412, "Precondition Failed" }, { 413, "Content Too Large" },
		{ 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" }, { 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].text;
	return "Other";
}

static void
add_number(struct buf *b, uint64_t n)
{
	char text[24];
	size_t at = sizeof(text);

	do
		text[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	buf_add(b, text + at, sizeof(text) - at);
}

struct view
call_encode(struct call *k, struct buf *out, const char *date, bool keep_alive)
{
	struct http_call *c = &k->c;
	struct view body = k->release != NULL ? k->ref : buf_view(&c->out);
	bool bare = c->status == 204 || c->status == 304;

	c->sent = bare || c->method == HTTP_HEAD ? 0 : body.len;
	buf_add_str(out, "HTTP/1.1 ");
	add_number(out, (uint64_t)c->status);
	buf_add_char(out, ' ');
	buf_add_str(out, reason_of(c->status));
	buf_add_str(out, "\r\nDate: ");
	buf_add_str(out, date);
	if (k->type != NULL && !bare) {
		buf_add_str(out, "\r\nContent-Type: ");
		buf_add_str(out, k->type);
	}
	if (!bare) {
		buf_add_str(out, "\r\nContent-Length: ");
		add_number(out, body.len);
	}
	if (!keep_alive)
		buf_add_str(out, "\r\nConnection: close");
	else if (k->head.http10)
		buf_add_str(out, "\r\nConnection: keep-alive");
	buf_add_str(out, "\r\n");
	if (k->headers.failed == RC_OK)
		buf_add_view(out, buf_view(&k->headers));
	buf_add_str(out, "\r\n");
	return bare || c->method == HTTP_HEAD ? (struct view){ 0 } : body;
}

void
call_date(char out[CALL_DATE_MAX], int64_t now)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct civil t = civil_of(now);

	if (snprintf(out, CALL_DATE_MAX, "%s, %02d %s %04d %02d:%02d:%02d GMT",
		days[t.weekday % 7], t.day, months[(t.month - 1) % 12], t.year,
		t.hour, t.minute, t.second) >= CALL_DATE_MAX)
		out[0] = '\0';
}
