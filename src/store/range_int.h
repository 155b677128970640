/* SPDX-License-Identifier: Apache-2.0 */
/* range_int.h - what the files of range.h share (internal to store/). */
#ifndef STORE_RANGE_INT_H
#define STORE_RANGE_INT_H

#include "store/range.h"

/* A range entry; its owner's texts point into the record, may be NULL. */
struct range_entry {
	uint64_t begin, end; /* as the directory has them */
	struct range_owner owner;
};
/* false: of another name, or unreadable. */
bool range_entry_read(
    struct range_entry *out, const struct rec *r, const char *name);

/* Is a (texts may be NULL) the instance b? */
bool range_is_own(const struct range_owner *a, const struct range_owner *b);

/* The lowest range of that host that begins above a number, as its owner reads
 * it. */
struct range_found {
	bool there;
	struct range_span span;
};
MUST enum rc range_find_own(const struct range_set *set,
    const struct range_owner *owner, uint64_t above, struct range_found *out,
    struct err *e);

/* Asks the holder for the next range; asking twice is asking once. */
MUST enum rc range_ask(
    const struct range_params *p, const struct range_state *s, struct err *e);
/* The id of the claim by which range_ask asks. */
void range_ask_id(char out[REC_ID_MAX], const struct range_params *p,
    const struct range_state *s);

#endif
