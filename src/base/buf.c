/* SPDX-License-Identifier: Apache-2.0 */
/* buf.c - the growing byte buffer and the copy of a view.
 * Owns:    the bytes of a struct buf.
 * Trusts:  nothing in the bytes; every growth is held against the maximum.
 * Threads: a struct buf has one owner. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>

enum {
	FIRST_CAP = 256, /* what holds most texts: growing copies and wipes */
	/* From here on realloc moves pages and leaves no copy behind. */
	PAGES_FROM = 256 * 1024,
};

char *
view_dup_str(struct view v)
{
	char *s;

	if (v.len > 0 && memchr(v.data, 0, v.len) != NULL)
		return NULL;
	s = malloc(v.len + 1);
	if (s == NULL)
		return NULL;
	if (v.len > 0)
		memcpy(s, v.data, v.len);
	s[v.len] = '\0';
	return s;
}

void
buf_done(struct buf *b)
{
	free(b->data);
	*b = buf_empty(b->max);
}

void
buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		OPENSSL_cleanse(b->data, b->cap);
	buf_done(b);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = RC_OK;
	if (b->data != NULL)
		b->data[0] = '\0';
}

/* Small buffers are copied and the old bytes wiped, so that buf_wipe leaves
 * nothing of a secret that passed through a buffer while it grew. */
static uint8_t *
regrow(struct buf *b, size_t cap)
{
	uint8_t *p;

	if (b->cap >= PAGES_FROM)
		return realloc(b->data, cap);
	p = malloc(cap);
	if (p != NULL && b->data != NULL) {
		memcpy(p, b->data, b->len);
		OPENSSL_cleanse(b->data, b->len);
		free(b->data);
	}
	return p;
}

uint8_t *
buf_reserve(struct buf *b, size_t len)
{
	size_t need, cap;
	uint8_t *p;

	if (b->failed != RC_OK)
		return NULL;
	if (b->len > b->max || len > b->max - b->len) {
		b->failed = RC_TOOBIG;
		return NULL;
	}
	need = b->len + len + 1;
	if (need > b->cap) {
		cap = b->cap != 0 ? b->cap : FIRST_CAP;
		while (cap < need)
			cap = cap <= SIZE_MAX / 2 ? cap * 2 : need;
		p = regrow(b, cap);
		if (p == NULL) {
			b->failed = RC_NOMEM;
			return NULL;
		}
		b->data = p;
		b->cap = cap;
	}
	return b->data + b->len;
}

void
buf_add(struct buf *b, const void *data, size_t len)
{
	uint8_t *p = buf_reserve(b, len);

	if (p == NULL)
		return;
	if (len > 0)
		memcpy(p, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_add_view(struct buf *b, struct view v)
{
	buf_add(b, v.data, v.len);
}

void
buf_add_str(struct buf *b, const char *s)
{
	buf_add_view(b, view_str(s));
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	enum {
		GUESS = 128 /* most texts fit: formatted once */
	};
	size_t room = b->max - b->len < GUESS ? 0 : GUESS;
	uint8_t *p = buf_reserve(b, room);
	va_list ap;
	int n;

	if (p == NULL)
		return;
	va_start(ap, fmt);
	n = vsnprintf((char *)p, room + 1, fmt, ap);
	va_end(ap);
	if (n < 0) {
		*p = '\0';
		b->failed = RC_NOMEM;
		return;
	}
	if ((size_t)n > room) {
		*p = '\0';
		p = buf_reserve(b, (size_t)n);
		if (p == NULL)
			return;
		va_start(ap, fmt);
		n = vsnprintf((char *)p, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
}

void
buf_add_dec(struct buf *b, uint64_t n)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	buf_add(b, text + at, sizeof(text) - at);
}

void
buf_add_hex(struct buf *b, struct view v)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *p;
	size_t i;

	if (v.len > SIZE_MAX / 2) {
		b->failed = RC_TOOBIG;
		return;
	}
	p = buf_reserve(b, v.len * 2);
	if (p == NULL)
		return;
	for (i = 0; i < v.len; i++) {
		*p++ = (uint8_t)digits[v.data[i] >> 4];
		*p++ = (uint8_t)digits[v.data[i] & 15];
	}
	*p = '\0';
	b->len += v.len * 2;
}

static const char base64_set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "abcdefghijklmnopqrstuvwxyz"
				 "0123456789+/";

/* Characters of the octets of v, with padding. */
static uint8_t *
base64_run(uint8_t *p, struct view v)
{
	const uint8_t *s = v.data;
	size_t n = v.len;
	uint32_t w;

	for (; n >= 3; s += 3, n -= 3) {
		w = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2];
		*p++ = (uint8_t)base64_set[w >> 18];
		*p++ = (uint8_t)base64_set[w >> 12 & 63];
		*p++ = (uint8_t)base64_set[w >> 6 & 63];
		*p++ = (uint8_t)base64_set[w & 63];
	}
	if (n == 0)
		return p;
	w = (uint32_t)s[0] << 16 | (n > 1 ? (uint32_t)s[1] << 8 : 0);
	*p++ = (uint8_t)base64_set[w >> 18];
	*p++ = (uint8_t)base64_set[w >> 12 & 63];
	*p++ = (uint8_t)(n > 1 ? base64_set[w >> 6 & 63] : '=');
	*p++ = '=';
	return p;
}

void
buf_add_base64(struct buf *b, struct view v, size_t line, const char *eol)
{
	size_t chars, eols, n, eol_len = line > 0 ? strlen(eol) : 0;
	uint8_t *p, *from, *end;

	if (v.len > b->max && b->failed == RC_OK)
		b->failed = RC_TOOBIG;
	if (b->failed != RC_OK)
		return;
	chars = (v.len + 2) / 3 * 4;
	eols = line > 0 ? (chars + line - 1) / line * eol_len : 0;
	if ((p = buf_reserve(b, chars + eols)) == NULL)
		return;
	/* all of it at the end of the room, then line by line to its place */
	from = p + eols;
	end = base64_run(from, v);
	for (; line > 0 && from < end; from += n) {
		n = line < (size_t)(end - from) ? line : (size_t)(end - from);
		memmove(p, from, n);
		p = mempcpy(p + n, eol, eol_len);
	}
	b->len = (size_t)((line > 0 ? p : end) - b->data);
	b->data[b->len] = '\0';
}

const char *
buf_cstr(const struct buf *b)
{
	if (b->failed != RC_OK || b->data == NULL)
		return "";
	b->data[b->len] = '\0';
	return (const char *)b->data;
}

char *
buf_steal_str(struct buf *b)
{
	char *s;

	if (buf_reserve(b, 0) == NULL)
		return NULL;
	b->data[b->len] = '\0';
	s = (char *)b->data;
	*b = buf_empty(b->max);
	return s;
}

enum rc
buf_check(const struct buf *b, struct err *e)
{
	if (b->failed == RC_OK)
		return RC_OK;
	if (b->failed == RC_TOOBIG)
		return err_set(
		    e, RC_TOOBIG, "buffer: more than %zu bytes", b->max);
	return err_set(e, b->failed, "buffer: %s", rc_text(b->failed));
}
