/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp_table.h - a bounded table of signed OCSP answers, keyed by the request's
 * bytes (without nonce), dropped by serial number when a status changes. */
#ifndef CA_OCSP_TABLE_H
#define CA_OCSP_TABLE_H

#include "base/cleanup.h"
#include "base/text.h"

struct ocsp_table;

enum {
	OCSP_TABLE_ENTRIES = 65536, /* most answers kept */
	OCSP_TABLE_BYTES = 64 * 1024 * 1024,
};

/* Empty; NULL when memory is out. */
struct ocsp_table *ocsp_table_new(void);
void ocsp_table_free(struct ocsp_table *t);
OWNED(ocsp_table)

/* Appends the answer kept for this request; false when there is none or it is
 * too old (expires_ms <= now_ms). Any thread. */
bool ocsp_table_get(
    struct ocsp_table *t, struct buf *out, struct view request, int64_t now_ms);
/* The generation to hand to ocsp_table_put: taken before the status is read, so
 * that an answer overtaken by a revocation is not kept. */
uint64_t ocsp_table_epoch(struct ocsp_table *t);
/* Keeps an answer, unless its serial was dropped since `epoch`. */
void ocsp_table_put(struct ocsp_table *t, struct view request,
    const struct num *serial, struct view answer, int64_t expires_ms,
    uint64_t epoch);
/* Drops every answer about a serial number. */
void ocsp_table_drop(struct ocsp_table *t, const struct num *serial);
/* Drops all answers: changes were missed. */
void ocsp_table_clear(struct ocsp_table *t);
size_t ocsp_table_count(struct ocsp_table *t);

#endif
