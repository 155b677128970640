/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c - the one DER reader (X.690).
 * Owns:    nothing; what it hands out points into the caller's bytes.
 * Trusts:  nothing: every octet may come from the network.
 * Threads: any. */
#include "der/reader.h"

#include "base/clock.h"

enum {
	LENGTH_OCTETS_MAX = 4,
	NAMED_BITS_MAX = 32,
	INT64_OCTETS = 8,
};

/* Splits *r after its first element; *head = octets before the contents. */
static enum rc
element(const struct view *r, size_t *head, size_t *len, struct err *e)
{
	const uint8_t *p = r->data;
	size_t n, i, v = 0;

	if (r->len < 2)
		return err_set(e, RC_INVALID, "DER: cut short");
	if ((p[0] & 0x1f) == 0x1f || p[0] == 0)
		return err_set(
		    e, RC_INVALID, "DER: tag 0x%02x is not in use", p[0]);
	if (p[1] < 0x80) {
		*head = 2;
		v = p[1];
	} else {
		n = p[1] & 0x7f;
		if (n == 0 || n > LENGTH_OCTETS_MAX)
			return err_set(e, RC_INVALID,
			    "DER: X.690 10.1: indefinite or huge length");
		if (r->len < 2 + n)
			return err_set(e, RC_INVALID, "DER: cut short");
		for (i = 0; i < n; i++)
			v = v << 8 | p[2 + i];
		if (p[2] == 0 || v < 0x80)
			return err_set(e, RC_INVALID,
			    "DER: X.690 10.1: length not minimal");
		*head = 2 + n;
	}
	if (v > r->len - *head)
		return err_set(e, RC_INVALID, "DER: cut short");
	*len = v;
	return RC_OK;
}

static void
advance(struct view *r, size_t n)
{
	r->data += n;
	r->len -= n;
}

int
der_peek(const struct view *r)
{
	return r->len > 0 ? r->data[0] : -1;
}

enum rc
der_any(struct view *r, int *tag, struct view *whole, struct view *body,
    struct err *e)
{
	size_t head = 0, len = 0;
	enum rc rc = element(r, &head, &len, e);

	if (rc != RC_OK)
		return rc;
	if (tag != NULL)
		*tag = r->data[0];
	if (whole != NULL)
		*whole = view_of(r->data, head + len);
	if (body != NULL)
		*body = view_of(r->data + head, len);
	advance(r, head + len);
	return RC_OK;
}

static enum rc
expect(const struct view *r, int tag, struct err *e)
{
	int found = der_peek(r);

	if (found == tag)
		return RC_OK;
	if (found < 0)
		return err_set(
		    e, RC_INVALID, "DER: tag 0x%02x expected, at the end", tag);
	return err_set(e, RC_INVALID, "DER: tag 0x%02x expected, 0x%02x found",
	    tag, found);
}

enum rc
der_enter(struct view *r, struct view *body, int tag, struct err *e)
{
	enum rc rc = expect(r, tag, e);

	return rc == RC_OK ? der_any(r, NULL, NULL, body, e) : rc;
}

enum rc
der_take(struct view *r, struct view *whole, int tag, struct err *e)
{
	enum rc rc = expect(r, tag, e);

	return rc == RC_OK ? der_any(r, NULL, whole, NULL, e) : rc;
}

enum rc
der_optional(
    struct view *r, struct view *body, int tag, bool *present, struct err *e)
{
	enum rc rc;

	if (der_peek(r) != tag) {
		*present = false;
		return RC_OK;
	}
	rc = der_any(r, NULL, NULL, body, e);
	if (rc == RC_OK)
		*present = true;
	return rc;
}

enum rc
der_end(const struct view *r, struct err *e)
{
	if (r->len == 0)
		return RC_OK;
	return err_set(e, RC_INVALID, "DER: %zu octets behind the end", r->len);
}

/* The typed readers work on a copy of *r and write it back on success only. */

enum rc
der_bool(struct view *r, bool *out, struct err *e)
{
	struct view in = *r, body;
	enum rc rc = der_enter(&in, &body, DER_BOOLEAN, e);

	if (rc != RC_OK)
		return rc;
	if (body.len != 1 || (body.data[0] != 0 && body.data[0] != 0xff))
		return err_set(
		    e, RC_INVALID, "DER: X.690 11.1: BOOLEAN not 00 or FF");
	*out = body.data[0] != 0;
	*r = in;
	return RC_OK;
}

enum rc
der_integer(struct view *r, struct view *out, struct err *e)
{
	struct view in = *r, body;
	enum rc rc = der_enter(&in, &body, DER_INTEGER, e);

	if (rc != RC_OK)
		return rc;
	if (body.len == 0 ||
	    (body.len > 1 &&
		((body.data[0] == 0 && body.data[1] < 0x80) ||
		    (body.data[0] == 0xff && body.data[1] >= 0x80))))
		return err_set(
		    e, RC_INVALID, "DER: X.690 8.3.2: INTEGER not minimal");
	*out = body;
	*r = in;
	return RC_OK;
}

enum rc
der_int64(struct view *r, int64_t *out, struct err *e)
{
	struct view in = *r, body;
	enum rc rc = der_integer(&in, &body, e);
	uint64_t v;
	size_t i;

	if (rc != RC_OK)
		return rc;
	if (body.len > INT64_OCTETS)
		return err_set(e, RC_INVALID, "DER: INTEGER too large");
	v = body.data[0] >= 0x80 ? UINT64_MAX : 0;
	for (i = 0; i < body.len; i++)
		v = v << 8 | body.data[i];
	*out = (int64_t)v;
	*r = in;
	return RC_OK;
}

enum rc
der_num(struct view *r, struct num *out, struct err *e)
{
	struct view in = *r, body;
	enum rc rc = der_integer(&in, &body, e);

	if (rc != RC_OK)
		return rc;
	if (body.data[0] >= 0x80)
		return err_set(e, RC_INVALID, "DER: negative INTEGER");
	rc = num_from_view(out, body, e);
	if (rc == RC_OK)
		*r = in;
	return rc;
}

/* Subidentifiers are minimal and the last one is whole (X.690 8.19.2). */
static bool
oid_is_valid(struct view v)
{
	bool first = true;
	size_t i;

	for (i = 0; i < v.len; i++) {
		if (first && v.data[i] == 0x80)
			return false;
		first = v.data[i] < 0x80;
	}
	return v.len > 0 && first;
}

enum rc
der_oid(struct view *r, struct view *out, struct err *e)
{
	struct view in = *r, body;
	enum rc rc = der_enter(&in, &body, DER_OID, e);

	if (rc != RC_OK)
		return rc;
	if (!oid_is_valid(body))
		return err_set(e, RC_INVALID, "DER: X.690 8.19: malformed OID");
	*out = body;
	*r = in;
	return RC_OK;
}

enum rc
der_null(struct view *r, struct err *e)
{
	struct view in = *r, body;
	enum rc rc = der_enter(&in, &body, DER_NULL, e);

	if (rc != RC_OK)
		return rc;
	if (body.len != 0)
		return err_set(e, RC_INVALID, "DER: NULL with contents");
	*r = in;
	return RC_OK;
}

enum rc
der_bits(struct view *r, struct view *out, struct err *e)
{
	struct view in = *r, body;
	enum rc rc = der_enter(&in, &body, DER_BIT_STRING, e);

	if (rc != RC_OK)
		return rc;
	if (body.len == 0 || body.data[0] != 0)
		return err_set(
		    e, RC_INVALID, "DER: BIT STRING with unused bits");
	advance(&body, 1);
	*out = body;
	*r = in;
	return RC_OK;
}

enum rc
der_named_bits(struct view *r, uint32_t *out, struct err *e)
{
	struct view in = *r, body;
	enum rc rc = der_enter(&in, &body, DER_BIT_STRING, e);
	uint32_t bits = 0;
	unsigned unused;
	size_t i, n;

	if (rc != RC_OK)
		return rc;
	unused = body.len > 0 ? body.data[0] : 8;
	if (unused > 7 || (body.len == 1 && unused != 0))
		return err_set(e, RC_INVALID, "DER: malformed BIT STRING");
	if (body.len > 1 + NAMED_BITS_MAX / 8)
		return err_set(e, RC_INVALID, "DER: more than %d named bits",
		    NAMED_BITS_MAX);
	n = (body.len - 1) * 8 - unused;
	/* the last bit is 1, all behind it are 0 (X.690 11.2) */
	if (n > 0 &&
	    (body.data[body.len - 1] & ((1U << (unused + 1)) - 1)) !=
		1U << unused)
		return err_set(
		    e, RC_INVALID, "DER: X.690 11.2: trailing zero bits");
	for (i = 0; i < n; i++)
		if (body.data[1 + i / 8] & (0x80 >> i % 8))
			bits |= UINT32_C(1) << i;
	*out = bits;
	*r = in;
	return RC_OK;
}

enum rc
der_octets(struct view *r, struct view *out, struct err *e)
{
	return der_enter(r, out, DER_OCTET_STRING, e);
}

/* Two digits, or -1. */
static int
two(const uint8_t *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + (p[1] - '0');
}

/* MMDDHHMMSSZ behind the year; what no calendar has does not come back from
 * the round trip. */
static bool
time_of(int64_t *out, int year, const uint8_t *p)
{
	struct civil c = { year, two(p), two(p + 2), two(p + 4), two(p + 6),
		two(p + 8), 0 },
		     back;

	if (p[10] != 'Z' || year < 1 || c.month < 1 || c.month > 12 ||
	    c.day < 1 || c.hour < 0 || c.minute < 0 || c.second < 0)
		return false;
	*out = civil_to(&c);
	back = civil_of(*out);
	return back.month == c.month && back.day == c.day &&
	    back.hour == c.hour && back.minute == c.minute &&
	    back.second == c.second;
}

enum rc
der_time(struct view *r, int64_t *out, struct err *e)
{
	enum {
		UTC_LEN = 13,
		GENERALIZED_LEN = 15,
		UTC_PIVOT = 50, /* RFC 5280 4.1.2.5.1 */
	};
	struct view in = *r, body = { NULL, 0 };
	int tag = 0, year = -1, low;
	enum rc rc = der_any(&in, &tag, NULL, &body, e);
	int64_t t = 0;

	if (rc != RC_OK)
		return rc;
	if (tag == DER_UTC_TIME && body.len == UTC_LEN) {
		low = two(body.data);
		year = low < 0 ? -1 : low + (low < UTC_PIVOT ? 2000 : 1900);
		advance(&body, 2);
	} else if (tag == DER_GENERALIZED_TIME && body.len == GENERALIZED_LEN) {
		low = two(body.data + 2);
		year = two(body.data);
		year = low < 0 || year < 0 ? -1 : year * 100 + low;
		advance(&body, 4);
	}
	if (year < 0 || !time_of(&t, year, body.data))
		return err_set(
		    e, RC_INVALID, "DER: RFC 5280 4.1.2.5: malformed time");
	*out = t;
	*r = in;
	return RC_OK;
}
