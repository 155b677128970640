/* SPDX-License-Identifier: Apache-2.0 */
/* impl.c - shapes that many ASN.1 types of this room share.
 * Owns:    nothing.
 * Trusts:  nobody.
 * Threads: pure functions. */
#include "x509/impl.h"

#include "der/reader.h"
#include "der/writer.h"

enum {
	CONSTRUCTED = 0x20
};

/* Walks the elements in v and below, without recursion. */
static enum rc
well_formed(struct view v, struct err *e)
{
	struct view open[DER_DEPTH_MAX];
	struct view body;
	size_t depth = 1;
	int tag;

	open[0] = v;
	while (depth > 0) {
		if (open[depth - 1].len == 0) {
			depth--;
			continue;
		}
		TRY(der_any(&open[depth - 1], &tag, NULL, &body, e));
		if ((tag & CONSTRUCTED) == 0)
			continue;
		if (depth == DER_DEPTH_MAX)
			return err_set(e, RC_TOOBIG, "nested too deeply");
		open[depth++] = body;
	}
	return RC_OK;
}

enum rc
impl_any(struct view *r, int *tag, struct view *whole, struct view *body,
    struct err *e)
{
	struct view rest = *r, w, b;
	int t;

	TRY(der_any(&rest, &t, &w, &b, e));
	if ((t & CONSTRUCTED) != 0)
		TRY(well_formed(b, e));
	*r = rest;
	if (tag != NULL)
		*tag = t;
	if (whole != NULL)
		*whole = w;
	if (body != NULL)
		*body = b;
	return RC_OK;
}

enum rc
impl_whole(struct view *body, struct view v, struct err *e)
{
	struct view b;

	TRY(der_enter(&v, &b, DER_SEQUENCE, e));
	TRY(der_end(&v, e));
	*body = b;
	return RC_OK;
}

enum rc
impl_list(struct view *body, struct view v, struct err *e)
{
	struct view b;

	TRY(impl_whole(&b, v, e));
	if (b.len == 0)
		return err_set(e, RC_INVALID, "empty list");
	*body = b;
	return RC_OK;
}

enum rc
impl_algid(struct view algid, struct err *e)
{
	struct view body, oid;

	TRY(impl_whole(&body, algid, e));
	TRY(der_oid(&body, &oid, e));
	if (body.len > 0)
		TRY(impl_any(&body, NULL, NULL, NULL, e));
	return der_end(&body, e);
}

enum rc
impl_signed(struct view *tbs, struct view *algid, struct view *sig,
    struct view der, struct err *e)
{
	struct view body;

	TRY(impl_whole(&body, der, e));
	TRY(der_take(&body, tbs, DER_SEQUENCE, e));
	TRY(der_take(&body, algid, DER_SEQUENCE, e));
	TRY(impl_algid(*algid, e));
	TRY(der_bits(&body, sig, e));
	return der_end(&body, e);
}

enum {
	RETAG_MAX = 64 /* octets of a short element under an implicit tag */
};

/* Puts the universal tag back in front of contents. */
static enum rc
retag(struct view *out, uint8_t room[RETAG_MAX], int tag, struct view body,
    struct err *e)
{
	if (body.len > RETAG_MAX - 2)
		return err_set(e, RC_INVALID, "value too long");
	room[0] = (uint8_t)tag;
	room[1] = (uint8_t)body.len;
	if (body.len > 0)
		memcpy(room + 2, body.data, body.len);
	*out = view_of(room, body.len + 2);
	return RC_OK;
}

enum rc
impl_num(struct num *out, struct view body, struct err *e)
{
	uint8_t room[RETAG_MAX];
	struct view r;

	TRY(retag(&r, room, DER_INTEGER, body, e));
	return der_num(&r, out, e);
}

enum rc
impl_int(int64_t *out, struct view body, struct err *e)
{
	uint8_t room[RETAG_MAX];
	struct view r;

	TRY(retag(&r, room, DER_INTEGER, body, e));
	return der_int64(&r, out, e);
}

enum rc
impl_bits(uint32_t *out, struct view body, struct err *e)
{
	uint8_t room[RETAG_MAX];
	struct view r;

	TRY(retag(&r, room, DER_BIT_STRING, body, e));
	return der_named_bits(&r, out, e);
}

enum rc
impl_time(int64_t *out, int tag, struct view body, struct err *e)
{
	uint8_t room[RETAG_MAX];
	struct view r;

	TRY(retag(&r, room, tag, body, e));
	return der_time(&r, out, e);
}

size_t
impl_header_len(size_t len)
{
	size_t n = 2;

	if (len < 0x80)
		return n;
	for (; len > 0; len >>= 8)
		n++;
	return n;
}

void
impl_put_header(struct buf *b, int tag, size_t len)
{
	size_t n = impl_header_len(len), i;
	uint8_t *p = buf_reserve(b, n);

	if (p == NULL)
		return;
	p[0] = (uint8_t)tag;
	p[1] = (uint8_t)(n == 2 ? len : 0x80 | (n - 2));
	for (i = n - 1; i > 1; i--, len >>= 8)
		p[i] = (uint8_t)len;
	b->len += n;
}

static void
set_tag(struct buf *b, size_t start, int tag)
{
	if (b->len > start)
		b->data[start] = (uint8_t)tag;
}

void
impl_put_int(struct buf *b, int tag, int64_t v)
{
	size_t start = b->len;

	der_put_int(b, v);
	set_tag(b, start, tag);
}

void
impl_put_num(struct buf *b, int tag, const struct num *n)
{
	size_t start = b->len;

	der_put_num(b, n);
	set_tag(b, start, tag);
}

void
impl_put_bits(struct buf *b, int tag, uint32_t bits)
{
	size_t start = b->len;

	der_put_named_bits(b, bits);
	set_tag(b, start, tag);
}
