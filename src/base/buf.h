/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - a growing byte buffer, born with a maximum, with sticky failure:
 * after an append that did not fit or got no memory every later append is a
 * no-op and buf_check says why. So twenty appends need one check. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/view.h"

struct buf {
	uint8_t *data; /* len bytes, then a NUL that is not counted */
	size_t len;
	size_t cap;
	size_t max;     /* len never exceeds it */
	enum rc failed; /* RC_OK, RC_TOOBIG or RC_NOMEM */
};

enum {
	BUF_MAX_DEFAULT = 16 * 1024 * 1024
};

/* An empty buffer that may grow to max bytes (0 means BUF_MAX_DEFAULT).
 * Use with AUTO_BUF: AUTO_BUF b = buf_empty(0); */
static inline struct buf
buf_empty(size_t max)
{
	return (struct buf){ NULL, 0, 0, max ? max : BUF_MAX_DEFAULT, RC_OK };
}

#define AUTO_BUF __attribute__((cleanup(buf_done))) struct buf

/* Frees what b holds; b is empty afterwards with the same maximum. */
void buf_done(struct buf *b);
/* As buf_done, wiping the bytes first. */
void buf_wipe(struct buf *b);
/* Empties b but keeps its memory; clears a failure. */
void buf_reset(struct buf *b);

/* Append bytes, a view, the characters of a string, one character, printf
 * text. A failure (too long, no memory) sticks: see buf_check. */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_view(struct buf *b, struct view v);
void buf_add_str(struct buf *b, const char *s);
static inline void
buf_add_char(struct buf *b, char c)
{
	if (b->failed != RC_OK || b->len >= b->max || b->len + 1 >= b->cap) {
		buf_add(b, &c, 1);
		return;
	}
	b->data[b->len++] = (uint8_t)c;
	b->data[b->len] = '\0';
}
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
/* Decimal digits of n. */
void buf_add_dec(struct buf *b, uint64_t n);
/* Lower-case hex of v. */
void buf_add_hex(struct buf *b, struct view v);
/* Base64 of v (RFC 4648 section 4); line > 0 breaks lines after that many
 * characters with eol, also after the last. */
void buf_add_base64(struct buf *b, struct view v, size_t line, const char *eol);

/* Makes room for len more bytes and returns where they start, or NULL (then
 * the failure is recorded). The caller adds what it wrote to b->len. */
uint8_t *buf_reserve(struct buf *b, size_t len);

static inline struct view
buf_view(const struct buf *b)
{
	return view_of(b->data, b->len);
}

/* The bytes as a C string (never NULL; "" when empty or failed). */
const char *buf_cstr(const struct buf *b);
/* Hands the bytes over as a malloc'ed C string (NULL when failed); b becomes
 * empty. */
char *buf_steal_str(struct buf *b);

/* RC_OK, or the sticky failure with a text in e. */
MUST enum rc buf_check(const struct buf *b, struct err *e);

#endif
