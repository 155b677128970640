/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_ocsp.c - /ca/ocsp by POST and GET (RFC 6960 A.1, RFC 5019).
 * Owns:    nothing.
 * Trusts:  nothing of a request.
 * Threads: the ready answer on the network thread, a fresh one on a worker. */
#include "ca/api.h"

static void
reply(struct http_call *c, const struct buf *b)
{
	http_reply(c, 200, "application/ocsp-response", buf_view(b));
}

static void
sign_answer(struct http_call *c)
{
	AUTO_BUF out = buf_empty(OCSP_RESPONSE_MAX);
	struct view *der = c->data;

	ca_ocsp(api_ca(c), *der, &out);
	reply(c, &out);
}

static void
answer(struct http_call *c, struct view der)
{
	AUTO_BUF out = buf_empty(OCSP_RESPONSE_MAX);
	struct view *kept;

	if (der.len <= OCSP_REQUEST_MAX &&
	    ca_ocsp_ready(api_ca(c), der, &out) == RC_OK) {
		reply(c, &out);
		return;
	}
	kept = arena_alloc(c->arena, 1, sizeof(*kept));
	if (kept == NULL) {
		api_error(c, 503, NULL, "out of memory");
		return;
	}
	*kept = der;
	c->data = kept;
	http_defer(c, HTTP_OCSP, sign_answer);
}

static void
post_ocsp(struct http_call *c)
{
	answer(c, c->body);
}

/* The path's rest is the percent-encoded base64 of the request; decoded by
 * http/ already. */
static void
get_ocsp(struct http_call *c)
{
	AUTO_BUF der = buf_empty(OCSP_REQUEST_MAX + 1);
	const char *text = http_param(c, "*");
	char *copy;

	/* a client appends "/" to a URL that ends with one; DER never begins so */
	while (text != NULL && *text == '/')
		text++;
	if (text == NULL || text_base64(&der, view_str(text), NULL) != RC_OK) {
		api_error(c, 400, NULL,
		    "OCSP: RFC 6960 A.1: the path is not base64 of a request");
		return;
	}
	copy = arena_view(c->arena, buf_view(&der));
	if (copy == NULL) {
		api_error(c, 503, NULL, "out of memory");
		return;
	}
	answer(c, view_of(copy, der.len));
}

static const struct http_route items[] = {
	{ HTTP_POST, "/ca/ocsp", post_ocsp, HTTP_INLINE, 0, OCSP_REQUEST_MAX },
	{ HTTP_POST, "/ca/ee/ca/ocsp", post_ocsp, HTTP_INLINE, 0,
	    OCSP_REQUEST_MAX },
	{ HTTP_GET, "/ca/ocsp/*", get_ocsp, HTTP_INLINE, 0, 0 },
};
const struct api_routes servlet_ocsp_routes = { items,
	sizeof(items) / sizeof(items[0]) };
