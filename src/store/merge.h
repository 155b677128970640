/* SPDX-License-Identifier: Apache-2.0 */
/* merge.h - how values that were written on several replicas become one
 * (design.md, law 4). Every function is pure, commutative, associative and
 * idempotent: any order of arrival, also with repeats, gives the same result.
 * None of them is last-writer-wins. */
#ifndef STORE_MERGE_H
#define STORE_MERGE_H

#include "base/text.h"
#include "store/rec_cert.h"

/* The names under which a kind of value says how it merges. */
enum merge_rule {
	MERGE_ADD_ONLY, /* entries are added, never changed: the union */
	MERGE_MAXIMUM,  /* the greater number or date */
	MERGE_UNION,    /* the set of all values */
	MERGE_STICKY,   /* once true, true for ever */
};

/* One decision about a certificate, as a revocation or unrevocation request
 * records it. Two decisions are the same when all fields are. */
struct merge_decision {
	struct revocation rev; /* of a release only date and recorded count */
	bool release;          /* taken off hold */
};

/* The greater of two decisions in the order that rules a certificate:
 * a permanent revocation beats every hold and every release; among permanent
 * ones the earliest date holds, then the earliest recording, the lower reason,
 * the earlier invalidity, the lesser name. Among holds and releases the later
 * date holds, and of the same date the hold (the safe side). Returns a or b. */
const struct merge_decision *merge_decisions(
    const struct merge_decision *a, const struct merge_decision *b);
/* The ruling one of n; NULL when n is 0. */
const struct merge_decision *merge_all(
    const struct merge_decision *d, size_t n);
/* Is the certificate revoked (or on hold) under that ruling decision? */
bool merge_revoked(const struct merge_decision *ruling);

/* The ruling one among the several revInfo values a replicated record may
 * hold: as above, all being revocations; of two holds the earlier. */
const struct revocation *merge_rev_infos(
    const struct revocation *a, const struct revocation *b);

/* Status from revocation and dates alone at time now. */
enum cert_status merge_status(
    bool revoked, int64_t not_before, int64_t not_after, int64_t now);

/* True once true; the greater; the greater by number. */
bool merge_sticky(bool a, bool b);
int64_t merge_max(int64_t a, int64_t b);
const struct num *merge_max_num(const struct num *a, const struct num *b);
/* Adds to `into` every value of the attribute that `from` has (case-insensitive
 * as the attribute compares); values stay in sorted order. */
MUST enum rc merge_union(
    struct rec *into, const struct rec *from, const char *attr, struct err *e);
/* Of two added entries of one name the one that holds: that with the lesser
 * (time, replica, sequence), as a directory keeps the earlier CSN. */
struct merge_stamp {
	int64_t time;
	uint32_t seq;
	uint16_t replica;
};
/* memcmp-like: < 0 when a is earlier. */
int merge_stamp_cmp(const struct merge_stamp *a, const struct merge_stamp *b);

#endif
