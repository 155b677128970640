/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h - the pure part of the server: bytes of a request into fields.
 * Internal to http/. No function here knows a socket. */
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include "http/server.h"

enum {
	PARSE_HEADERS_MAX = 100, /* header lines of one request */
	PARSE_PAIRS_MAX = 1000,  /* pairs of one query or form */
	PARSE_HOST_MAX = 320,    /* Host header: 255 and port, or [v6] */
};

/* The head of a request, its texts inside the buffer that was parsed. */
struct parse_head {
	enum http_method method; /* 0: not one of ours */
	const char *method_text;
	char *target;
	const char *host; /* NULL = absent */
	int64_t body_len; /* Content-Length, -1 = absent */
	bool http10, chunked, keep_alive, expect_continue;
	struct http_pair headers[PARSE_HEADERS_MAX];
	size_t n_headers;
};

/* Length of the head in data, its empty line included; 0 = not complete yet.
 * *scan remembers across calls how far the search came (start with 0). */
size_t parse_head_len(struct view data, size_t *scan);

/* Parses a whole head of len bytes, changing text (which has a NUL behind it)
 * in place (RFC 9112 2-6, strictly: CR LF only, no folding, no blank before a colon). Returns 0, or the
 * HTTP status of the refusal with a reason in *why. Then h is partly filled,
 * with no NULL but in host. */
int parse_head(struct parse_head *h, char *text, size_t len, const char **why);

/* Splits a request target into decoded path, raw path and query (all in the
 * arena; query "" if absent). The absolute form must name the Host it came
 * with. Returns 0 or an HTTP status, as parse_head. */
int parse_target(struct arena *a, const struct parse_head *h, const char **path,
    const char **raw_path, const char **query, const char **why);

/* Percent-decoding of in into out (room for in.len + 1), NUL behind it; plus:
 * '+' is a blank. Returns the decoded length, or SIZE_MAX for a bad encoding or
 * a NUL byte. */
size_t parse_percent(char *out, struct view in, bool plus);

/* name=value pairs of a query or form. RC_INVALID, RC_NOMEM. */
MUST enum rc parse_pairs(
    struct arena *a, struct http_list *out, struct view in, struct err *e);

/* Is host a legal Host header: reg-name or address, optionally a port? */
bool parse_host_ok(const char *host);

/* The value of a cookie in a Cookie header; false when it is not there. */
bool parse_cookie(struct view *out, const char *header, const char *name);

/* Does an Origin header name the server "scheme://host"? Default ports and
 * letter case do not matter. */
bool parse_same_origin(const char *origin, bool tls, const char *host);

/* Decoder of a chunked body, in place: buf holds the decoded body in its first
 * body bytes and raw bytes from raw on. */
struct parse_chunks {
	size_t body, raw;
	size_t left; /* of the present chunk */
	int state;
};
/* Goes on with what is in data (len bytes in all). Returns 1 when the body is
 * whole (raw is then where the next request begins), 0 when more is needed,
 * -400 for a malformed body, -413 when it passes body_max. Moves undecoded
 * bytes up to the body; *len shrinks by what was taken. */
int parse_chunks(
    struct parse_chunks *c, uint8_t *data, size_t *len, size_t body_max);

#endif
