/* SPDX-License-Identifier: Apache-2.0 */
/* num.c - unsigned integers of up to 20 octets (serial numbers, request ids):
 * schoolbook conversion between octets and decimal or hex text.
 * Owns:    nothing.
 * Trusts:  nothing: the text may come from the network.
 * Threads: any. */
#include <stdio.h>

#include "base/text.h"

/* acc = acc * 10 + digit; false when it no longer fits. */
static bool
push(uint8_t acc[NUM_MAX], unsigned digit)
{
	unsigned carry = digit;
	size_t i;

	for (i = NUM_MAX; i-- > 0;) {
		carry += acc[i] * 10u;
		acc[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return carry == 0;
}

static int
digit_of(char c, bool hex)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (hex && c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (hex && c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decimal digits into acc; false when there is none, another character or too
 * large a number. */
static bool
from_dec(uint8_t acc[NUM_MAX], const char *p)
{
	if (*p == '\0')
		return false;
	for (; *p != '\0'; p++) {
		int d = digit_of(*p, false);

		if (d < 0 || !push(acc, (unsigned)d))
			return false;
	}
	return true;
}

/* Likewise for hex digits: two an octet, from the end. */
static bool
from_hex(uint8_t acc[NUM_MAX], const char *p)
{
	size_t n;

	if (*p == '\0')
		return false;
	while (p[0] == '0' && p[1] != '\0')
		p++;
	n = strlen(p);
	if (n > 2 * (size_t)NUM_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		int d = digit_of(p[n - 1 - i], true);

		if (d < 0)
			return false;
		acc[NUM_MAX - 1 - i / 2] |= (uint8_t)(d << (i % 2 * 4));
	}
	return true;
}

enum rc
num_parse(struct num *out, const char *s, bool hex, struct err *e)
{
	char quoted[TEXT_QUOTE_MAX];
	uint8_t acc[NUM_MAX] = { 0 };
	const char *p = s != NULL ? s : "";

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		hex = true;
		p += 2;
	}
	if (!(hex ? from_hex(acc, p) : from_dec(acc, p)))
		return err_set(e, RC_INVALID,
		    "%s: not a number of at most %d octets",
		    text_quote(quoted, view_str(s)), NUM_MAX);
	return num_from_view(out, view_of(acc, sizeof(acc)), e);
}

enum rc
num_from_view(struct num *out, struct view be, struct err *e)
{
	struct num n = { 0 };

	if (be.len == 0)
		return err_set(e, RC_INVALID, "number: empty");
	while (be.len > 1 && be.data[0] == 0) {
		be.data++;
		be.len--;
	}
	if (be.len > NUM_MAX)
		return err_set(
		    e, RC_INVALID, "number: more than %d octets", NUM_MAX);
	n.len = (uint8_t)be.len;
	memcpy(n.b, be.data, be.len);
	*out = n;
	return RC_OK;
}

struct num
num_from_u64(uint64_t v)
{
	uint8_t be[8];
	struct num n = { .len = 1 };
	size_t i;

	for (i = 0; i < sizeof(be); i++)
		be[i] = (uint8_t)(v >> (56 - 8 * i));
	/* eight octets always fit */
	rc_ignore(num_from_view(&n, view_of(be, sizeof(be)), NULL));
	return n;
}

uint64_t
num_u64(const struct num *n)
{
	uint64_t v = 0;

	for (size_t i = 0; n->len <= sizeof(v) && i < n->len; i++)
		v = v << 8 | n->b[i];
	return v;
}

int
num_cmp(const struct num *a, const struct num *b)
{
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->b, b->b, a->len);
}

struct view
num_view(const struct num *n)
{
	return view_of(n->b, n->len);
}

static void
put_hex(char *out, const struct num *n)
{
	static const char set[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n->len; i++) {
		if (i > 0 || n->b[i] >= 16)
			*out++ = set[n->b[i] >> 4];
		*out++ = set[n->b[i] & 15];
	}
	*out = '\0';
}

const char *
num_hex(char out[NUM_TEXT_MAX], const struct num *n)
{
	put_hex(out, n);
	return out;
}

const char *
num_0x(char out[NUM_TEXT_MAX], const struct num *n)
{
	out[0] = '0';
	out[1] = 'x';
	put_hex(out + 2, n);
	return out;
}

const char *
num_dec(char out[NUM_TEXT_MAX], const struct num *n)
{
	enum {
		CHUNK = 1000000000, /* nine digits at a time */
		DIGITS = 9,
		WORDS = (NUM_MAX + 3) / 4
	};
	uint32_t q[WORDS] = { 0 }; /* the last one least significant */
	char text[NUM_TEXT_MAX + DIGITS];
	size_t i, first = WORDS, k = sizeof(text) - 1;
	uint64_t rest;

	for (i = 0; i < n->len; i++) {
		first = WORDS - 1 - i / 4;
		q[first] |= (uint32_t)n->b[n->len - 1 - i] << (i % 4 * 8);
	}
	text[k] = '\0';
	do {
		rest = 0;
		for (i = first; i < WORDS; i++) {
			rest = rest << 32 | q[i];
			q[i] = (uint32_t)(rest / CHUNK);
			rest %= CHUNK;
		}
		for (i = 0; i < DIGITS; i++, rest /= 10)
			text[--k] = (char)('0' + rest % 10);
		while (first < WORDS && q[first] == 0)
			first++;
	} while (first < WORDS);
	while (text[k] == '0' && text[k + 1] != '\0')
		k++;
	memcpy(out, text + k, sizeof(text) - k);
	return out;
}
