/* SPDX-License-Identifier: Apache-2.0 */
/* str.c - character strings of certificates to and from UTF-8.
 * Owns:    nothing.
 * Trusts:  nobody: octets come from requests and foreign certificates.
 * Threads: pure functions. */
#include "x509/str.h"

#include "der/reader.h"
#include "x509/impl.h"

enum {
	CODE_MAX = 0x10ffff,
	BMP_MAX = 0xffff,
	SURROGATE_FIRST = 0xd800,
	SURROGATE_LAST = 0xdfff,
};

/* Takes one character; false for what is not the shortest form. */
static bool
utf8_next(struct view *r, uint32_t *out)
{
	uint32_t c = r->data[0], least;
	size_t n, i;

	if (c < 0x80) {
		n = 1;
		least = 0;
	} else if ((c & 0xe0) == 0xc0) {
		n = 2;
		c &= 0x1f;
		least = 0x80;
	} else if ((c & 0xf0) == 0xe0) {
		n = 3;
		c &= 0x0f;
		least = 0x800;
	} else if ((c & 0xf8) == 0xf0) {
		n = 4;
		c &= 0x07;
		least = 0x10000;
	} else {
		return false;
	}
	if (r->len < n)
		return false;
	for (i = 1; i < n; i++) {
		if ((r->data[i] & 0xc0) != 0x80)
			return false;
		c = c << 6 | (r->data[i] & 0x3f);
	}
	if (c < least || c > CODE_MAX ||
	    (c >= SURROGATE_FIRST && c <= SURROGATE_LAST))
		return false;
	*r = view_of(r->data + n, r->len - n);
	*out = c;
	return true;
}

static void
utf8_put(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(out, (char)c);
	} else if (c < 0x800) {
		buf_add_char(out, (char)(0xc0 | c >> 6));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	} else if (c <= BMP_MAX) {
		buf_add_char(out, (char)(0xe0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_add_char(out, (char)(0xf0 | c >> 18));
		buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	}
}

bool
str_is_utf8(struct view v)
{
	uint32_t c;
	size_t n;

	while (v.len > 0) {
		for (n = 0; n < v.len && v.data[n] - 1u < 0x7f; n++)
			;
		v = view_of(v.data + n, v.len - n);
		if (v.len > 0 && (!utf8_next(&v, &c) || c == 0))
			return false;
	}
	return true;
}

bool
str_is_printable(struct view v)
{
	size_t i;
	uint8_t c;

	for (i = 0; i < v.len; i++) {
		c = v.data[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') ||
			(c != 0 && strchr(" '()+,-./:=?", c) != NULL)))
			return false;
	}
	return true;
}

bool
str_is_ia5(struct view v)
{
	size_t i;

	for (i = 0; i < v.len; i++) {
		if (v.data[i] < 0x20 || v.data[i] >= 0x7f)
			return false;
	}
	return true;
}

int
str_tag(struct view utf8)
{
	return str_is_printable(utf8) ? DER_PRINTABLE_STRING : DER_UTF8_STRING;
}

/* Fixed-width characters of `width` octets, big-endian (T61String is read as
 * Latin-1, as everybody does). */
static enum rc
wide_to_utf8(struct buf *out, size_t width, struct view v, struct err *e)
{
	uint32_t c;
	size_t i, j;

	if (v.len % width != 0)
		return err_set(e, RC_INVALID, "string: X.680 41: odd length");
	for (i = 0; i < v.len; i += width) {
		for (c = 0, j = 0; j < width; j++)
			c = c << 8 | v.data[i + j];
		if (c == 0 || c > CODE_MAX ||
		    (c >= SURROGATE_FIRST && c <= SURROGATE_LAST))
			return err_set(e, RC_INVALID,
			    "string: X.680 41: character out of range");
		utf8_put(out, c);
	}
	return RC_OK;
}

enum rc
str_to_utf8(struct buf *out, int tag, struct view value, struct err *e)
{
	bool good;

	switch (tag) {
	case DER_UTF8_STRING:
		good = str_is_utf8(value);
		break;
	case DER_PRINTABLE_STRING:
		/* '*', '@', '&' and '_' are common in the field */
	case DER_IA5_STRING:
	case STR_TAG_GENERAL:
		good = str_is_ia5(value);
		break;
	case DER_T61_STRING:
		return wide_to_utf8(out, 1, value, e);
	case DER_BMP_STRING:
		return wide_to_utf8(out, 2, value, e);
	case DER_UNIVERSAL_STRING:
		return wide_to_utf8(out, 4, value, e);
	default:
		return err_set(e, RC_INVALID, "string: tag %#x is not a string",
		    (unsigned int)tag);
	}
	if (!good)
		return err_set(e, RC_INVALID,
		    "string: X.680 41: character outside the type");
	buf_add_view(out, value);
	return RC_OK;
}

enum rc
str_from_utf8(struct buf *out, int tag, struct view utf8, struct err *e)
{
	uint32_t c;
	bool good;

	good = str_is_utf8(utf8);
	if (tag == DER_PRINTABLE_STRING)
		good = str_is_printable(utf8);
	else if (tag == DER_IA5_STRING || tag == STR_TAG_GENERAL)
		good = str_is_ia5(utf8);
	else if (tag != DER_UTF8_STRING && tag != DER_BMP_STRING)
		good = false;
	if (!good)
		return err_set(e, RC_INVALID,
		    "string: X.680 41: character outside the type");
	if (tag != DER_BMP_STRING) {
		buf_add_view(out, utf8);
		return RC_OK;
	}
	while (utf8.len > 0 && utf8_next(&utf8, &c)) {
		if (c > BMP_MAX)
			return err_set(e, RC_INVALID,
			    "string: X.680 41: character outside BMPString");
		buf_add_char(out, (char)(c >> 8));
		buf_add_char(out, (char)(c & 0xff));
	}
	return RC_OK;
}
