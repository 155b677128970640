/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - the one place where text becomes numbers, bytes and dates. All
 * readers demand full consumption and leave *out alone on failure. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

/* Decimal, no sign but '-' for text_int, no blanks, within [min, max]. */
MUST enum rc text_int(
    int64_t *out, const char *s, int64_t min, int64_t max, struct err *e);
/* "true", "yes", "on", "t", "1" in any case are true, all else false. */
bool text_bool(const char *s);
/* Hex in either case, even number of digits; text_hex appends to out. */
MUST enum rc text_hex(struct buf *out, struct view s, struct err *e);
/* Base64, white space anywhere ignored, padding required; appends to out. */
MUST enum rc text_base64(struct buf *out, struct view s, struct err *e);
/* The DER inside a PEM block of that label ("CERTIFICATE"); with label NULL of
 * any. Bare base64 without header lines is accepted too. Appends to out. */
MUST enum rc text_pem(
    struct buf *out, struct view s, const char *label, struct err *e);
/* Appends a PEM block, lines of 64, ending in eol ("\n" or "\r\n"). */
void text_add_pem(
    struct buf *b, const char *label, struct view der, const char *eol);
/* "20261121200700Z" -> seconds */
MUST enum rc text_date_dir(int64_t *out, const char *s, struct err *e);
/* "yyyy-MM-dd HH:mm:ss" or "yyyy-MM-dd", UTC -> seconds */
MUST enum rc text_date_iso(int64_t *out, const char *s, struct err *e);

/* Splits s in place at any of the characters in seps, trimming blanks, dropping
 * empty parts; writes up to max pointers, returns how many (max + 1 if more). */
size_t text_split(char *s, const char *seps, char **out, size_t max);
/* s without leading and trailing white space, in place. */
char *text_trim(char *s);
/* ASCII case-insensitive. */
bool text_ieq(const char *a, const char *b);
/* Made of length and end of a text of len characters, where names differ: texts
 * equal by text_ieq have the same; where it differs, they differ. */
static inline uint32_t
text_tag(const char *s, size_t len)
{
	const uint8_t *end = (const uint8_t *)s + len;
	const uint8_t fold = 0x20; /* upper case to lower, others alike */

	if (len < 3)
		return (uint32_t)len;
	return (uint32_t)(uint8_t)len | (uint32_t)(end[-1] | fold) << 8 |
	    (uint32_t)(end[-2] | fold) << 16 | (uint32_t)(end[-3] | fold) << 24;
}
bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);

/* Foreign text for a log line or message: quoted, escaped to printable ASCII,
 * cut at 128 characters. Returns out. */
enum {
	TEXT_QUOTE_MAX = 160
};
const char *text_quote(char out[TEXT_QUOTE_MAX], struct view s);

/* Unsigned big integers of up to 20 octets (serial numbers, request ids) as
 * big-endian bytes without leading zero octets (zero is one 0 octet). */
enum {
	NUM_MAX = 20
};
struct num {
	uint8_t len; /* 1..NUM_MAX */
	uint8_t b[NUM_MAX];
};
/* "26", "0x1a" or, with hex set, "1a". RC_INVALID for all else. */
MUST enum rc num_parse(struct num *out, const char *s, bool hex, struct err *e);
MUST enum rc num_from_view(struct num *out, struct view be, struct err *e);
struct num num_from_u64(uint64_t v);
/* 0 for one past 64 bits. */
uint64_t num_u64(const struct num *n);
int num_cmp(const struct num *a, const struct num *b);
struct view num_view(const struct num *n);
enum {
	NUM_TEXT_MAX = 56
};
/* Lower-case hex without prefix ("1a"), with "0x" ("0x1a"), decimal ("26"). */
const char *num_hex(char out[NUM_TEXT_MAX], const struct num *n);
const char *num_0x(char out[NUM_TEXT_MAX], const struct num *n);
const char *num_dec(char out[NUM_TEXT_MAX], const struct num *n);

#endif
