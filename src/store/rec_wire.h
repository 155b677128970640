/* SPDX-License-Identifier: Apache-2.0 */
/* rec_wire.h - the bytes of a record inside LMDB (internal to store/). */
#ifndef STORE_REC_WIRE_H
#define STORE_REC_WIRE_H

#include "store/record.h"

enum {
	REC_WIRE_VERSION = 1,
	REC_WIRE_MAX = 256 * 1024 * 1024,
};

/* Appends the bytes of r with that usn in place of its own. only: if not NULL,
 * the names of the attributes to write (NULL-terminated), all others are left
 * out. */
void rec_write(struct buf *out, const struct rec *r, uint64_t usn,
    const char *const *only);
/* Reads a whole record from v (all of it must be used); only as above. The
 * record owns its bytes. RC_INVALID when v is damaged. */
MUST enum rc rec_read(
    struct rec **out, struct view v, const char *const *only, struct err *e);
/* As rec_read for a record already checked once in this process; the usn alone.
 * 0 when damaged. */
uint64_t rec_read_usn(struct view v);
/* A copy holding only these attributes (NULL = all). */
struct rec *rec_project(const struct rec *r, const char *const *only);

/* Is name in the NULL-terminated list (case-insensitive)? A NULL list holds
 * every name. */
bool rec_name_in(const char *const *only, const char *name);

#endif
