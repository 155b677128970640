/* SPDX-License-Identifier: Apache-2.0 */
/* rec_request.h - the request record (spec directory 2.8): queue state plus an
 * open map of extdata, key -> text or key -> (subkey -> text). */
#ifndef STORE_REC_REQUEST_H
#define STORE_REC_REQUEST_H

#include "store/store.h"

enum request_state {
	REQUEST_BEGIN,
	REQUEST_PENDING,
	REQUEST_APPROVED,
	REQUEST_SVC_PENDING,
	REQUEST_CANCELED,
	REQUEST_REJECTED,
	REQUEST_COMPLETE,
};
const char *request_state_text(enum request_state s); /* "pending" ... */
/* The reverse; RC_INVALID for any other text. */
MUST enum rc request_state_parse(
    enum request_state *out, const char *s, struct err *e);

struct request_rec {
	struct num id;
	enum request_state state;
	char *type; /* "enrollment", "renewal", "revocation", "unrevocation" */
	char *owner, *source_id, *realm; /* may be NULL */
	int64_t created, modified;
	struct extdata *ext;
	size_t n_ext, cap_ext;
	enum rc failed;
};
/* One value; sub NULL = simple. Keys are kept lower-case. */
struct extdata {
	char *key, *sub, *value;
	uint32_t tag; /* text_tag of the key */
};

/* A new request of that type; NULL when memory is out. */
struct request_rec *request_rec_new(const struct num *id, const char *type);
void request_rec_free(struct request_rec *r);
OWNED(request_rec)

/* NULL when absent. */
const char *request_ext(const struct request_rec *r, const char *key);
const char *request_ext_sub(
    const struct request_rec *r, const char *key, const char *sub);
/* Sets or replaces (sticky failure); NULL or "" removes in memory. Bytes are
 * stored as base64 by request_set_bytes. */
void request_set(struct request_rec *r, const char *key, const char *value);
void request_set_sub(
    struct request_rec *r, const char *key, const char *sub, const char *value);
void request_set_bytes(struct request_rec *r, const char *key, struct view v);
MUST enum rc request_ext_bytes(const struct request_rec *r, struct buf *out,
    const char *key, struct err *e);

/* Reads a stored record. */
MUST enum rc request_rec_decode(
    struct request_rec **out, const struct rec *r, struct err *e);
/* A new record for CHANGE_ADD; NULL when r has failed or memory is out. */
struct rec *request_rec_encode(const struct request_rec *r);
/* Appends a modification that turns `old` into `now` (state, dates, owner and
 * every differing extdata value). */
void request_rec_diff(struct batch *b, const struct request_rec *old,
    const struct request_rec *now);

/* extdata attribute name of key and sub: "extdata-req--005fkey;sub". */
MUST enum rc extdata_name(
    struct buf *out, const char *key, const char *sub, struct err *e);

#endif
