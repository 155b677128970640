/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c - request heads, targets, pairs, chunks (RFC 9110, 9112, 3986).
 * Owns:    nothing; results point into the caller's buffer or arena.
 * Trusts:  nothing: every byte comes from the network.
 * Threads: pure functions. */
#include "http/parse.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

enum {
	CHUNK_LINE_MAX = 256,    /* a chunk-size line with its extension */
	CHUNK_TRAILER_MAX = 4096 /* all trailer lines */
};

enum {
	CHUNK_SIZE,
	CHUNK_DATA,
	CHUNK_DATA_END,
	CHUNK_TRAILER,
};

/* RFC 9110 5.6.2 */
static bool
is_token_char(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
	    (ch >= '0' && ch <= '9') ||
	    (ch != '\0' && strchr("!#$%&'*+-.^_`|~", ch) != NULL);
}

static int
hex_digit(uint8_t ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	if (ch >= 'A' && ch <= 'F')
		return ch - 'A' + 10;
	return -1;
}

size_t
parse_head_len(struct view data, size_t *scan)
{
	size_t from = *scan > 3 ? *scan - 3 : 0;
	const uint8_t *end;

	if (data.len <= from)
		return 0;
	end = memmem(data.data + from, data.len - from, "\r\n\r\n", 4);
	*scan = data.len;
	return end != NULL ? (size_t)(end - data.data) + 4 : 0;
}

static enum http_method
method_of(const char *s)
{
	static const struct {
		const char *name;
		enum http_method m;
	} table[] = {
		{ "GET", HTTP_GET },
		{ "POST", HTTP_POST },
		{ "HEAD", HTTP_HEAD },
		{ "PUT", HTTP_PUT },
		{ "DELETE", HTTP_DELETE },
		{ "PATCH", HTTP_PATCH },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(s, table[i].name) == 0)
			return table[i].m;
	return 0;
}

static int
refuse(const char **why, int status, const char *text)
{
	*why = text;
	return status;
}

/* "METHOD target HTTP/1.x" with a NUL in place of its CR. */
static int
parse_request_line(struct parse_head *h, char *line, const char **why)
{
	char *sp = line, *target, *version;

	while (is_token_char(*sp))
		sp++;
	if (sp == line || *sp != ' ')
		return refuse(why, 400, "malformed request line");
	*sp = '\0';
	target = sp + 1;
	for (sp = target; (uint8_t)*sp > ' ' && *sp != 127; sp++)
		;
	if (sp == target || *sp != ' ')
		return refuse(why, 400, "malformed request line");
	*sp = '\0';
	version = sp + 1;
	h->method_text = line;
	h->method = method_of(line);
	h->target = target;
	if (strcmp(version, "HTTP/1.0") == 0)
		h->http10 = true;
	else if (strcmp(version, "HTTP/1.1") != 0)
		return strncmp(version, "HTTP/", 5) == 0
		    ? refuse(why, 505, "HTTP version not supported")
		    : refuse(why, 400, "malformed request line");
	if (sp - target > HTTP_URL_MAX)
		return refuse(why, 414, "request target too long");
	return 0;
}

/* One header line, NUL in place of its CR, into h. */
static int
parse_header_line(
    struct parse_head *h, char *line, const char *end, const char **why)
{
	char *p = line, *value, *last;

	if (h->n_headers == PARSE_HEADERS_MAX)
		return refuse(why, 431, "too many headers");
	while (is_token_char(*p))
		p++;
	if (p == line || *p != ':')
		return refuse(why, 400, "malformed header");
	*p++ = '\0';
	while (*p == ' ' || *p == '\t')
		p++;
	value = last = p;
	for (; p < end; p++) {
		if (((uint8_t)*p < ' ' && *p != '\t') || *p == 127)
			return refuse(why, 400, "malformed header");
		if (*p != ' ' && *p != '\t')
			last = p + 1;
	}
	*last = '\0';
	h->headers[h->n_headers++] = (struct http_pair){ line, value };
	return 0;
}

static int
take_host(struct parse_head *h, const char *value, const char **why)
{
	if (h->host != NULL)
		return refuse(why, 400, "more than one Host header");
	if (!parse_host_ok(value))
		return refuse(why, 400, "malformed Host header");
	h->host = value;
	return 0;
}

static int
take_length(struct parse_head *h, const char *value, const char **why)
{
	int64_t n;

	if (h->body_len >= 0)
		return refuse(why, 400, "more than one Content-Length");
	if (*value < '0' || *value > '9' || strlen(value) > 18 ||
	    text_int(&n, value, 0, INT64_MAX, NULL) != RC_OK)
		return refuse(why, 400, "malformed Content-Length");
	h->body_len = n;
	return 0;
}

static int
take_coding(struct parse_head *h, const char *value, const char **why)
{
	if (h->chunked)
		return refuse(why, 400, "more than one Transfer-Encoding");
	if (!text_ieq(value, "chunked"))
		return refuse(why, 501, "transfer coding not supported");
	h->chunked = true;
	return 0;
}

/* Is word an element of the comma-separated list? */
static bool
list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (;;) {
		list += strspn(list, " \t,");
		if (*list == '\0')
			return false;
		if (strncasecmp(list, word, n) == 0 &&
		    strchr(" \t,", list[n]) != NULL)
			return true;
		list += strcspn(list, ",");
	}
}

/* Acts on the headers that decide how the request is framed. */
static int
take_framing(struct parse_head *h, const char **why)
{
	bool close = false, keep = false;
	int status = 0;

	for (size_t i = 0; i < h->n_headers && status == 0; i++) {
		const char *name = h->headers[i].name;
		const char *value = h->headers[i].value;

		if (text_ieq(name, "Host"))
			status = take_host(h, value, why);
		else if (text_ieq(name, "Content-Length"))
			status = take_length(h, value, why);
		else if (text_ieq(name, "Transfer-Encoding"))
			status = take_coding(h, value, why);
		else if (text_ieq(name, "Connection")) {
			close = close || list_has(value, "close");
			keep = keep || list_has(value, "keep-alive");
		} else if (text_ieq(name, "Expect")) {
			if (!text_ieq(value, "100-continue"))
				return refuse(
				    why, 417, "expectation not supported");
			h->expect_continue = !h->http10;
		}
	}
	if (status != 0)
		return status;
	if (h->chunked && (h->body_len >= 0 || h->http10))
		return refuse(why, 400,
		    "Transfer-Encoding beside Content-Length or in HTTP/1.0");
	if (h->host == NULL && !h->http10)
		return refuse(why, 400, "Host header missing");
	h->keep_alive = !close && (!h->http10 || keep);
	return 0;
}

int
parse_head(struct parse_head *h, char *text, size_t len, const char **why)
{
	char *line = text, *end = text + len;
	size_t headers_from = 0;
	int status = 0;

	*h = (struct parse_head){ .body_len = -1 };
	h->method_text = "";
	h->target = text + len; /* "" */
	while (line < end && status == 0) {
		char *cr = memchr(line, '\r', (size_t)(end - line));

		if (cr == NULL || cr + 1 >= end || cr[1] != '\n')
			return refuse(why, 400, "malformed line end");
		*cr = cr[1] = '\0';
		if (cr == line) /* the empty line */
			break;
		if (memchr(line, '\0', (size_t)(cr - line)) != NULL)
			return refuse(why, 400, "NUL in the head");
		if (headers_from == 0) {
			status = parse_request_line(h, line, why);
			headers_from = (size_t)(cr - text);
		} else {
			status = parse_header_line(h, line, cr, why);
		}
		line = cr + 2;
	}
	if (status != 0)
		return status;
	if (headers_from == 0)
		return refuse(why, 400, "malformed request line");
	if (len - headers_from > HTTP_HEADERS_MAX)
		return refuse(why, 431, "headers too large");
	return take_framing(h, why);
}

bool
parse_host_ok(const char *host)
{
	const char *p = host;

	if (strlen(host) >= PARSE_HOST_MAX)
		return false;
	if (*p == '[') {
		p += 1 + strspn(p + 1, "0123456789abcdefABCDEF:.");
		if (*p++ != ']')
			return false;
	} else {
		while (*p == '-' || *p == '.' || *p == '_' ||
		    (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
		    (*p >= 'A' && *p <= 'Z'))
			p++;
		if (p == host)
			return false;
	}
	if (*p == '\0')
		return true;
	return *p == ':' && strspn(p + 1, "0123456789") == strlen(p + 1) &&
	    strlen(p + 1) <= 5;
}

size_t
parse_percent(char *out, struct view in, bool plus)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		int ch = in.data[i];

		if (ch == '+' && plus) {
			ch = ' ';
		} else if (ch == '%') {
			int hi, lo;

			if (in.len - i < 3)
				return SIZE_MAX;
			hi = hex_digit(in.data[i + 1]);
			lo = hex_digit(in.data[i + 2]);
			if (hi < 0 || lo < 0)
				return SIZE_MAX;
			ch = hi * 16 + lo;
			i += 2;
		}
		if (ch == '\0')
			return SIZE_MAX;
		out[n++] = (char)ch;
	}
	out[n] = '\0';
	return n;
}

/* No control characters, and no segment "." or "..". */
static bool
path_is_clean(const char *path)
{
	const char *p;

	for (p = path; *p != '\0'; p++)
		if ((uint8_t)*p < ' ' || *p == 127)
			return false;
	for (p = path; (p = strstr(p, "/.")) != NULL; p++) {
		const char *end = p[2] == '.' ? p + 3 : p + 2;

		if (*end == '\0' || *end == '/')
			return false;
	}
	return true;
}

/* The target without "http://host" of the absolute form; NULL when that names
 * another host than the Host header. */
static const char *
target_origin_form(const char *target, const char *host)
{
	const char *auth;
	size_t n;

	if (target[0] == '/')
		return target;
	if (strncasecmp(target, "http://", 7) == 0)
		auth = target + 7;
	else if (strncasecmp(target, "https://", 8) == 0)
		auth = target + 8;
	else
		return NULL;
	n = strcspn(auth, "/?");
	if (host == NULL || strlen(host) != n ||
	    strncasecmp(auth, host, n) != 0)
		return NULL;
	return auth[n] == '/' ? auth + n : NULL;
}

int
parse_target(struct arena *a, const struct parse_head *h, const char **path,
    const char **raw_path, const char **query, const char **why)
{
	const char *t = target_origin_form(h->target, h->host);
	char *raw, *decoded;
	size_t n;

	if (t == NULL)
		return refuse(why, 400, "malformed request target");
	n = strcspn(t, "?#");
	if (t[n] == '#' || strchr(t + n, '#') != NULL)
		return refuse(why, 400, "malformed request target");
	raw = arena_view(a, view_of(t, n));
	decoded = arena_alloc(a, n + 1, 1);
	if (raw == NULL || decoded == NULL)
		return refuse(why, 503, "out of memory");
	if (parse_percent(decoded, view_of(t, n), false) == SIZE_MAX)
		return refuse(why, 400, "bad percent-encoding in the path");
	if (!path_is_clean(decoded))
		return refuse(why, 400, "path not allowed");
	*path = decoded;
	*raw_path = raw;
	*query = t[n] == '?' ? t + n + 1 : "";
	return 0;
}

static enum rc
parse_one_pair(
    struct arena *a, struct http_pair *out, struct view in, struct err *e)
{
	const uint8_t *eq = memchr(in.data, '=', in.len);
	struct view n = in, v = { 0 };
	char *name, *value;

	if (eq != NULL) {
		n.len = (size_t)(eq - in.data);
		v = view_of(eq + 1, in.len - n.len - 1);
	}
	name = arena_alloc(a, n.len + 1, 1);
	value = arena_alloc(a, v.len + 1, 1);
	if (name == NULL || value == NULL)
		return err_set(e, RC_NOMEM, "request: out of memory");
	if (parse_percent(name, n, true) == SIZE_MAX ||
	    parse_percent(value, v, true) == SIZE_MAX)
		return err_set(e, RC_INVALID,
		    "request: bad percent-encoding in a parameter");
	*out = (struct http_pair){ name, value };
	return RC_OK;
}

enum rc
parse_pairs(
    struct arena *a, struct http_list *out, struct view in, struct err *e)
{
	struct http_pair *items;
	size_t max = 1, n = 0;

	for (size_t i = 0; i < in.len; i++)
		max += in.data[i] == '&';
	if (max > PARSE_PAIRS_MAX)
		return err_set(e, RC_INVALID, "request: too many parameters");
	items = arena_alloc(a, max, sizeof(*items));
	if (items == NULL)
		return err_set(e, RC_NOMEM, "request: out of memory");
	while (in.len > 0) {
		const uint8_t *amp = memchr(in.data, '&', in.len);
		size_t len = amp != NULL ? (size_t)(amp - in.data) : in.len;
		enum rc rc;

		if (len > 0) {
			rc = parse_one_pair(
			    a, &items[n], view_of(in.data, len), e);
			if (rc != RC_OK)
				return rc;
			n++;
		}
		len += amp != NULL;
		in = view_of(in.data + len, in.len - len);
	}
	*out = (struct http_list){ items, n };
	return RC_OK;
}

bool
parse_cookie(struct view *out, const char *header, const char *name)
{
	size_t n = strlen(name);

	while (*header != '\0') {
		header += strspn(header, " \t;");
		if (strncmp(header, name, n) == 0 && header[n] == '=') {
			const char *v = header + n + 1;
			size_t len = strcspn(v, "; \t");

			if (len >= 2 && v[0] == '"' && v[len - 1] == '"') {
				v++;
				len -= 2;
			}
			*out = view_of(v, len);
			return true;
		}
		header += strcspn(header, ";");
	}
	return false;
}

/* host[:port] without a port that is the scheme's own. */
static size_t
host_len(const char *host, bool tls)
{
	size_t n = strlen(host);
	const char *port = tls ? ":443" : ":80";

	return text_ends(host, port) ? n - strlen(port) : n;
}

bool
parse_same_origin(const char *origin, bool tls, const char *host)
{
	const char *scheme = tls ? "https://" : "http://";
	size_t n, m;

	if (strncasecmp(origin, scheme, strlen(scheme)) != 0)
		return false;
	origin += strlen(scheme);
	n = host_len(origin, tls);
	m = host_len(host, tls);
	return n > 0 && n == m && strncasecmp(origin, host, n) == 0;
}

/* Reads the chunk-size line at raw; 1 done, 0 more, -400. */
static int
chunk_size(struct parse_chunks *c, const uint8_t *data, size_t len)
{
	const uint8_t *p = data + c->raw;
	size_t room = len - c->raw, i, size = 0;
	const uint8_t *lf = memchr(p, '\n', room);

	if (lf == NULL)
		return room > CHUNK_LINE_MAX ? -400 : 0;
	room = (size_t)(lf - p);
	if (room < 2 || room > CHUNK_LINE_MAX || p[room - 1] != '\r')
		return -400;
	room--;
	for (i = 0; i < room && hex_digit(p[i]) >= 0; i++) {
		if (i == 8) /* 4 GiB is above any body_max */
			return -400;
		size = size * 16 + (size_t)hex_digit(p[i]);
	}
	if (i == 0 || (i < room && p[i] != ';' && p[i] != ' ' && p[i] != '\t'))
		return -400;
	for (; i < room; i++)
		if ((p[i] < ' ' && p[i] != '\t') || p[i] == 127)
			return -400;
	c->raw += room + 2;
	c->left = size;
	c->state = size > 0 ? CHUNK_DATA : CHUNK_TRAILER;
	return 1;
}

/* Skips trailer lines up to the empty one; 1 at the end, 0 more, -400. */
static int
chunk_trailer(struct parse_chunks *c, const uint8_t *data, size_t len)
{
	for (;;) {
		const uint8_t *p = data + c->raw;
		size_t room = len - c->raw;
		const uint8_t *lf = memchr(p, '\n', room);

		if (lf == NULL)
			return room > CHUNK_TRAILER_MAX ? -400 : 0;
		if (lf == p || lf[-1] != '\r')
			return -400;
		c->left += (size_t)(lf - p) + 1;
		if (c->left > CHUNK_TRAILER_MAX)
			return -400;
		c->raw += (size_t)(lf - p) + 1;
		if (lf == p + 1)
			return 1;
	}
}

static int
chunk_step(struct parse_chunks *c, uint8_t *data, size_t len, size_t body_max)
{
	size_t n = len - c->raw;

	switch (c->state) {
	case CHUNK_SIZE:
		return chunk_size(c, data, len);
	case CHUNK_DATA:
		if (c->left > body_max - c->body)
			return -413;
		n = n < c->left ? n : c->left;
		memmove(data + c->body, data + c->raw, n);
		c->body += n;
		c->raw += n;
		c->left -= n;
		if (c->left > 0)
			return 0;
		c->state = CHUNK_DATA_END;
		return 1;
	case CHUNK_DATA_END:
		if (n < 2)
			return 0;
		if (memcmp(data + c->raw, "\r\n", 2) != 0)
			return -400;
		c->raw += 2;
		c->state = CHUNK_SIZE;
		return 1;
	default:
		return chunk_trailer(c, data, len);
	}
}

int
parse_chunks(
    struct parse_chunks *c, uint8_t *data, size_t *len, size_t body_max)
{
	int r;

	do {
		bool last = c->state == CHUNK_TRAILER;

		r = chunk_step(c, data, *len, body_max);
		if (r == 1 && last)
			break;
	} while (r == 1);
	if (r < 0)
		return r;
	memmove(data + c->body, data + c->raw, *len - c->raw);
	*len -= c->raw - c->body;
	c->raw = c->body;
	return r;
}
