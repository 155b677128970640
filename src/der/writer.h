/* SPDX-License-Identifier: Apache-2.0 */
/* writer.h - the one DER writer: appends to a struct buf, whose sticky failure
 * is the writer's. Constructed elements are opened and closed; lengths are
 * minimal and definite. */
#ifndef DER_WRITER_H
#define DER_WRITER_H

#include "base/buf.h"
#include "base/text.h"

/* Opens an element; the mark goes to der_close. Elements nest. */
size_t der_open(struct buf *b, int tag);
void der_close(struct buf *b, size_t mark);

/* A whole primitive element. */
void der_put(struct buf *b, int tag, struct view body);
/* Bytes that are DER already. */
void der_put_raw(struct buf *b, struct view der);
void der_put_bool(struct buf *b, bool v);
void der_put_int(struct buf *b, int64_t v);
/* Non-negative integer from big-endian bytes (leading zeros dropped, a sign
 * octet added where needed). */
void der_put_num(struct buf *b, const struct num *n);
void der_put_enum(struct buf *b, int v);
/* oid: contents octets, as OID_x below gives them. */
void der_put_oid(struct buf *b, struct view oid);
void der_put_null(struct buf *b);
void der_put_bits(struct buf *b, struct view v);
void der_put_named_bits(struct buf *b, uint32_t bits);
void der_put_octets(struct buf *b, struct view v);
void der_put_utf8(struct buf *b, const char *s);
/* UTCTime through 2049, then GeneralizedTime. */
void der_put_time(struct buf *b, int64_t t);
/* Always GeneralizedTime (OCSP, invalidityDate). */
void der_put_gentime(struct buf *b, int64_t t);

#endif
