/* SPDX-License-Identifier: Apache-2.0 */
/* delta.h - the entries of a delta CRL (RFC 5280 5.2.4): what has changed from
 * its base list to a set. */
#ifndef CRL_DELTA_H
#define CRL_DELTA_H

#include "crl/revoked.h"

enum {
	DELTA_ENTRIES_MAX = 64 * 1024 * 1024, /* octets; larger: a full list */
};

/* Appends the entries, ascending, and counts them: each of the set that is not
 * the same in base or that prev had, and as removeFromCRL each of base or prev
 * that the set lacks. base and prev are entries of CRLs; prev those of the delta
 * made before over the same base (empty = none). RC_UNSUPPORTED when they do not
 * ascend: another server wrote them, a full list is needed. */
MUST enum rc delta_entries(struct buf *out, uint64_t *count, struct view base,
    struct view prev, const struct revoked_snapshot *set, struct err *e);

#endif
