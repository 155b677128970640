/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h - the one DER reader (X.690): strict tags (class and constructed
 * bit are part of the tag), minimal definite lengths, nothing after the end.
 * A reader is a view that shrinks from the front; what it hands out points
 * into the same bytes. Every function leaves the reader alone on failure. */
#ifndef DER_READER_H
#define DER_READER_H

#include "base/err.h"
#include "base/text.h"
#include "base/view.h"

/* Identifier octets as they stand on the wire (low tag numbers only). */
enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8_STRING = 0x0c,
	DER_PRINTABLE_STRING = 0x13,
	DER_T61_STRING = 0x14,
	DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_UNIVERSAL_STRING = 0x1c,
	DER_BMP_STRING = 0x1e,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};
#define DER_CONTEXT(n) (0x80 | (n))      /* [n] IMPLICIT primitive */
#define DER_CONTEXT_CONS(n) (0xa0 | (n)) /* [n] constructed */

enum {
	DER_DEPTH_MAX = 32
};

/* Tag of the next element, or -1 at the end. */
int der_peek(const struct view *r);
/* Takes the next element whatever it is: *whole header and body, *body only
 * (either may be NULL). Returns its tag through *tag (may be NULL). */
MUST enum rc der_any(struct view *r, int *tag, struct view *whole,
    struct view *body, struct err *e);
/* Takes the next element, which must have that tag; *body = its contents. */
MUST enum rc der_enter(
    struct view *r, struct view *body, int tag, struct err *e);
/* As der_enter, but *whole = header and contents. */
MUST enum rc der_take(
    struct view *r, struct view *whole, int tag, struct err *e);
/* If the next tag is `tag` takes it, *present = true; else *present = false. */
MUST enum rc der_optional(
    struct view *r, struct view *body, int tag, bool *present, struct err *e);
/* RC_INVALID unless r is used up: every body ends with it. */
MUST enum rc der_end(const struct view *r, struct err *e);

/* A BOOLEAN, 00 or FF only. */
MUST enum rc der_bool(struct view *r, bool *out, struct err *e);
/* Contents of a minimal INTEGER as they stand (two's complement). */
MUST enum rc der_integer(struct view *r, struct view *out, struct err *e);
/* A minimal INTEGER that fits. */
MUST enum rc der_int64(struct view *r, int64_t *out, struct err *e);
/* A non-negative INTEGER of at most NUM_MAX octets. */
MUST enum rc der_num(struct view *r, struct num *out, struct err *e);
MUST enum rc der_oid(struct view *r, struct view *out, struct err *e);
MUST enum rc der_null(struct view *r, struct err *e);
/* BIT STRING with no unused bits. */
MUST enum rc der_bits(struct view *r, struct view *out, struct err *e);
/* Named bit list: bit 0 of the ASN.1 is bit 0 of *out; at most 32 bits. */
MUST enum rc der_named_bits(struct view *r, uint32_t *out, struct err *e);
MUST enum rc der_octets(struct view *r, struct view *out, struct err *e);
/* UTCTime or GeneralizedTime, with seconds, Z, no fraction (RFC 5280
 * 4.1.2.5). */
MUST enum rc der_time(struct view *r, int64_t *out, struct err *e);

#endif
