/* SPDX-License-Identifier: Apache-2.0 */
/* keyid.c - key ids as signed hex numbers and as plain hex.
 * Owns:    nothing.
 * Trusts:  nothing: the texts are from hand-edited files.
 * Threads: pure functions. */
#include "keys/keyid.h"

#include <stdio.h>

#include "base/text.h"

/* Two's complement negation of a big-endian number. */
static void
negate(uint8_t *b, size_t n)
{
	unsigned carry = 1;

	for (size_t i = n; i > 0; i--) {
		carry += (uint8_t)~b[i - 1];
		b[i - 1] = (uint8_t)carry;
		carry >>= 8;
	}
}

enum rc
keyid_encode(char out[KEYID_TEXT_MAX], struct view id, struct err *e)
{
	AUTO_BUF hex = buf_empty(0);
	uint8_t b[KEYID_LEN];
	const char *p;
	bool negative;

	if (id.len != KEYID_LEN) {
		buf_add_hex(&hex, id);
		return err_set(e, RC_INVALID, "Unable to encode Key ID: %s",
		    buf_cstr(&hex));
	}
	memcpy(b, id.data, KEYID_LEN);
	negative = (b[0] & 0x80) != 0;
	if (negative)
		negate(b, KEYID_LEN);
	buf_add_hex(&hex, view_of(b, KEYID_LEN));
	if (buf_check(&hex, e) != RC_OK)
		return RC_NOMEM;
	for (p = buf_cstr(&hex); p[0] == '0' && p[1] != '\0'; p++)
		;
	snprintf(out, KEYID_TEXT_MAX, "%s%s", negative ? "-" : "", p);
	return RC_OK;
}

/* Up to 40 hex digits, right-aligned into 20 bytes. */
static bool
digits_read(uint8_t out[KEYID_LEN], struct view v)
{
	AUTO_BUF padded = buf_empty(0);
	AUTO_BUF bin = buf_empty(0);

	if (v.len == 0 || v.len > 2 * (size_t)KEYID_LEN)
		return false;
	for (size_t i = v.len; i < 2 * (size_t)KEYID_LEN; i++)
		buf_add_char(&padded, '0');
	buf_add_view(&padded, v);
	if (text_hex(&bin, buf_view(&padded), NULL) != RC_OK ||
	    bin.len != KEYID_LEN)
		return false;
	memcpy(out, bin.data, KEYID_LEN);
	return true;
}

static struct view
trimmed(const char *text)
{
	struct view v = view_str(text);

	while (v.len > 0 && (v.data[0] == ' ' || v.data[0] == '\t'))
		v = view_of(v.data + 1, v.len - 1);
	while (v.len > 0 &&
	    (v.data[v.len - 1] == ' ' || v.data[v.len - 1] == '\t'))
		v.len--;
	return v;
}

enum rc
keyid_decode(uint8_t out[KEYID_LEN], const char *text, struct err *e)
{
	struct view v = trimmed(text);
	bool negative = v.len > 0 && v.data[0] == '-';
	uint8_t b[KEYID_LEN];

	if (negative)
		v = view_of(v.data + 1, v.len - 1);
	if (!digits_read(b, v))
		goto bad;
	if (negative)
		negate(b, KEYID_LEN);
	/* a signed number of 20 bytes: its sign is its top bit */
	if (negative != ((b[0] & 0x80) != 0))
		goto bad;
	memcpy(out, b, KEYID_LEN);
	return RC_OK;
bad:
	return err_set(e, RC_INVALID, "Unable to decode Key ID: %s", text);
}

enum rc
keyid_parse_hex(uint8_t out[KEYID_LEN], const char *text, struct err *e)
{
	struct view v = trimmed(text);

	if (v.len > 2 && v.data[0] == '0' && v.data[1] == 'x')
		v = view_of(v.data + 2, v.len - 2);
	if (v.len != 2 * (size_t)KEYID_LEN || !digits_read(out, v))
		return err_set(
		    e, RC_INVALID, "key id: not 40 hex digits: %.64s", text);
	return RC_OK;
}
