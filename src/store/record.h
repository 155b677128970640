/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - the generic form of a record: a kind, an id and a bag of
 * attributes with values, named as in the directory schema (spec
 * directory 1, 2). Back-ends see nothing else; the typed forms (rec_cert.h,
 * rec_request.h ...) are encoded to it and decoded from it.
 *
 * Values are in the directory's encodings (prefixed decimals, dates, DER), so a
 * record means the same in LMDB, in a directory and in an LDIF. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"

/* kind, name in messages. Ids: hex of the number without leading zeros for
 * CERT, REQUEST and KEY; the text of the RDN for all others. */
#define REC_KIND_LIST(X)                             \
	X(CERT, "certificate")                       \
	X(REQUEST, "request")                        \
	X(KEY, "key")                                \
	X(ISSUING_POINT, "CRL issuing point")        \
	X(PROFILE, "profile")                        \
	X(AUTHORITY, "authority")                    \
	X(USER, "user")                              \
	X(GROUP, "group")                            \
	X(ACL, "ACL")                                \
	X(TOKEN, "token")                            \
	X(DOMAIN_HOST, "security domain host")       \
	X(DOMAIN_SESSION, "security domain session") \
	X(COUNTER, "counter")                        \
	X(RANGE, "range")                            \
	X(CLAIM, "claim")                            \
	X(HOST, "host")                              \
	X(SETTING, "setting")

enum rec_kind {
#define X(name, text) REC_##name,
	REC_KIND_LIST(X)
#undef X
	REC_KINDS
};
const char *rec_kind_text(enum rec_kind k);

enum {
	REC_ID_MAX = 255,
	REC_ATTRS_MAX = 512,
	REC_VALUE_MAX = 64 * 1024 * 1024, /* a CRL of 10^6 entries fits */
};

struct rec_attr {
	char *name;
	struct view *values; /* each owned by the record */
	size_t n;
	uint32_t tag; /* text_tag of the name */
};
struct rec {
	enum rec_kind kind;
	char *id;
	struct rec_attr *attrs; /* in order of first mention */
	size_t n;
	uint64_t usn; /* set by the back-end on reading: grows with every local
		       * application of a change to this record */
	enum rc failed; /* sticky, as in struct buf */
};

/* An empty record; NULL when memory is out. */
struct rec *rec_new(enum rec_kind kind, const char *id);
void rec_free(struct rec *r);
OWNED(rec)
/* A deep copy; NULL when memory is out. */
struct rec *rec_copy(const struct rec *r);

/* Adds one more value (sticky failure). Empty values and those that are already
 * there byte for byte are not written. */
void rec_add(struct rec *r, const char *name, struct view value);
void rec_add_str(struct rec *r, const char *name, const char *value);
void rec_addf(struct rec *r, const char *name, const char *fmt, ...)
    PRINTF(3, 4);
/* Prefixed decimal ("0226"), date ("20261121200700Z"). */
void rec_add_num(struct rec *r, const char *name, const struct num *n);
void rec_add_date(struct rec *r, const char *name, int64_t t);
/* Removes all values of a name. */
void rec_clear(struct rec *r, const char *name);
/* Removes the value at that position of rec_attr's list; the attribute goes
 * with its last value. */
void rec_remove_value(struct rec *r, const char *name, size_t at);
MUST enum rc rec_check(const struct rec *r, struct err *e);

/* Names compare case-insensitively, as in the directory. */
const struct rec_attr *rec_attr(const struct rec *r, const char *name);
/* First value; empty view (NULL string) when absent. rec_str's result is
 * NUL-terminated: values are stored with a NUL behind them. */
struct view rec_get(const struct rec *r, const char *name);
const char *rec_str(const struct rec *r, const char *name);
bool rec_has(const struct rec *r, const char *name, const char *value);
MUST enum rc rec_num(
    const struct rec *r, struct num *out, const char *name, struct err *e);
MUST enum rc rec_date(
    const struct rec *r, int64_t *out, const char *name, struct err *e);

#endif
