/* SPDX-License-Identifier: Apache-2.0 */
/* impl.h - for this room's .c files only: how a failure is passed on, and the
 * shapes that many ASN.1 types share. */
#ifndef X509_IMPL_H
#define X509_IMPL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

/* Hands a failure up as it is. */
#define TRY(call)                     \
	do {                          \
		enum rc rc_ = (call); \
		if (rc_ != RC_OK)     \
			return rc_;   \
	} while (0)

/* Puts the subject and clause in front of the reason; rc stays. */
static inline enum rc
fail(struct err *e, enum rc rc, const char *what)
{
	if (rc != RC_OK && e != NULL)
		rc_ignore(err_prefix(e, "%s", what)); /* rc is what counts */
	return rc;
}

/* As der_any for an element of any type: what is constructed must be
 * well-formed DER down to its leaves. */
MUST enum rc impl_any(struct view *r, int *tag, struct view *whole,
    struct view *body, struct err *e);
/* v is one SEQUENCE and no more: its contents. */
MUST enum rc impl_whole(struct view *body, struct view v, struct err *e);
/* As impl_whole for SEQUENCE SIZE (1..MAX): not empty. */
MUST enum rc impl_list(struct view *body, struct view v, struct err *e);
/* An AlgorithmIdentifier: OID and at most one element of parameters. */
MUST enum rc impl_algid(struct view algid, struct err *e);
/* The form that certificates, requests and lists share: SEQUENCE { tbs,
 * AlgorithmIdentifier, BIT STRING }. */
MUST enum rc impl_signed(struct view *tbs, struct view *algid, struct view *sig,
    struct view der, struct err *e);

/* Values under an implicit context tag, from their contents. */
MUST enum rc impl_num(struct num *out, struct view body, struct err *e);
MUST enum rc impl_int(int64_t *out, struct view body, struct err *e);
MUST enum rc impl_bits(uint32_t *out, struct view body, struct err *e);
/* tag: DER_UTC_TIME or DER_GENERALIZED_TIME. */
MUST enum rc impl_time(int64_t *out, int tag, struct view body, struct err *e);

/* Tag and length of an element whose len octets of contents come later; and
 * how many octets they take. */
void impl_put_header(struct buf *b, int tag, size_t len);
size_t impl_header_len(size_t len);
/* Elements with their universal tag replaced by an implicit one. */
void impl_put_int(struct buf *b, int tag, int64_t v);
void impl_put_num(struct buf *b, int tag, const struct num *n);
void impl_put_bits(struct buf *b, int tag, uint32_t bits);

#endif
