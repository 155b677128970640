/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c - the one DER writer (X.690), over a struct buf.
 * Owns:    nothing.
 * Trusts:  its callers for the sense of what they write.
 * Threads: as the buffer: one owner. */
#include "der/writer.h"

#include "base/clock.h"
#include "der/reader.h"

enum {
	INT64_OCTETS = 8
};

/* Octets of the long form of len, big-endian, without the first one. */
static size_t
length_octets(uint8_t out[sizeof(size_t)], size_t len)
{
	size_t n = 0, i;

	for (i = len; i > 0; i >>= 8)
		n++;
	for (i = 0; i < n; i++)
		out[i] = (uint8_t)(len >> 8 * (n - 1 - i));
	return n;
}

/* The length octet is there from the start; a long form moves the contents. */
size_t
der_open(struct buf *b, int tag)
{
	uint8_t head[2] = { (uint8_t)tag, 0 };

	buf_add(b, head, sizeof(head));
	return b->len;
}

void
der_close(struct buf *b, size_t mark)
{
	uint8_t long_form[sizeof(size_t)];
	size_t len, n;

	if (b->failed != RC_OK)
		return;
	len = b->len - mark;
	if (len < 0x80) {
		b->data[mark - 1] = (uint8_t)len;
		return;
	}
	n = length_octets(long_form, len);
	if (buf_reserve(b, n) == NULL)
		return;
	memmove(b->data + mark + n, b->data + mark, len + 1);
	memcpy(b->data + mark, long_form, n);
	b->data[mark - 1] = (uint8_t)(0x80 | n);
	b->len += n;
}

static void
put_head(struct buf *b, int tag, size_t len)
{
	uint8_t head[2 + sizeof(size_t)] = { (uint8_t)tag, (uint8_t)len };
	size_t n = 0;

	if (len >= 0x80) {
		n = length_octets(head + 2, len);
		head[1] = (uint8_t)(0x80 | n);
	}
	buf_add(b, head, 2 + n);
}

void
der_put(struct buf *b, int tag, struct view body)
{
	put_head(b, tag, body.len);
	buf_add_view(b, body);
}

void
der_put_raw(struct buf *b, struct view der)
{
	buf_add_view(b, der);
}

void
der_put_bool(struct buf *b, bool v)
{
	uint8_t octet = v ? 0xff : 0;

	der_put(b, DER_BOOLEAN, view_of(&octet, 1));
}

static void
put_int(struct buf *b, int tag, int64_t v)
{
	uint8_t be[INT64_OCTETS];
	size_t i;

	for (i = 0; i < INT64_OCTETS; i++)
		be[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
	/* drop octets that only repeat the sign */
	for (i = 0; i + 1 < INT64_OCTETS; i++)
		if (!((be[i] == 0 && be[i + 1] < 0x80) ||
			(be[i] == 0xff && be[i + 1] >= 0x80)))
			break;
	der_put(b, tag, view_of(be + i, INT64_OCTETS - i));
}

void
der_put_int(struct buf *b, int64_t v)
{
	put_int(b, DER_INTEGER, v);
}

void
der_put_num(struct buf *b, const struct num *n)
{
	struct view v = num_view(n);

	while (v.len > 1 && v.data[0] == 0) {
		v.data++;
		v.len--;
	}
	put_head(b, DER_INTEGER, v.len + (v.data[0] >= 0x80));
	if (v.data[0] >= 0x80)
		buf_add_char(b, '\0');
	buf_add_view(b, v);
}

void
der_put_enum(struct buf *b, int v)
{
	put_int(b, DER_ENUMERATED, v);
}

void
der_put_oid(struct buf *b, struct view oid)
{
	der_put(b, DER_OID, oid);
}

void
der_put_null(struct buf *b)
{
	put_head(b, DER_NULL, 0);
}

void
der_put_bits(struct buf *b, struct view v)
{
	put_head(b, DER_BIT_STRING, v.len + 1);
	buf_add_char(b, '\0');
	buf_add_view(b, v);
}

void
der_put_named_bits(struct buf *b, uint32_t bits)
{
	uint8_t body[5] = { 0 };
	size_t i, n = 0;

	for (i = 0; i < 32; i++) {
		if (!(bits >> i & 1))
			continue;
		body[1 + i / 8] |= (uint8_t)(0x80 >> i % 8);
		n = i + 1;
	}
	body[0] = (uint8_t)((8 - n % 8) % 8);
	der_put(b, DER_BIT_STRING, view_of(body, 1 + (n + 7) / 8));
}

void
der_put_octets(struct buf *b, struct view v)
{
	der_put(b, DER_OCTET_STRING, v);
}

void
der_put_utf8(struct buf *b, const char *s)
{
	der_put(b, DER_UTF8_STRING, view_str(s));
}

void
der_put_gentime(struct buf *b, int64_t t)
{
	char text[CLOCK_TEXT_MAX];

	der_put(b, DER_GENERALIZED_TIME, view_str(clock_text_dir(text, t)));
}

void
der_put_time(struct buf *b, int64_t t)
{
	int year = civil_of(t).year;
	char text[CLOCK_TEXT_MAX];

	if (year < 1950 || year > 2049)
		der_put_gentime(b, t);
	else
		der_put(b, DER_UTC_TIME, view_str(clock_text_dir(text, t) + 2));
}
