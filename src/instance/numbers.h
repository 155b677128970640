/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.h - where a running subsystem takes its request ids, serial numbers
 * (of certificates or keys) and replica ids from: random, or in ranges (spec
 * deployment 4; store/range.h). Settings in CS.cfg, what was used in the
 * high-water file, the role "ranges" by claim.
 *
 * Threads: any, but where said otherwise. */
#ifndef INSTANCE_NUMBERS_H
#define INSTANCE_NUMBERS_H

#include <jansson.h>

#include "instance/highwater.h"
#include "instance/instance.h"
#include "store/range.h"

struct numbers;

/* Reads dbs.* of the subsystem's CS.cfg; a subsystem without high-water file
 * (tests) has only random numbers. A restored or copied instance burns
 * the numbers it had, once. RC_INVALID names the setting. */
MUST enum rc numbers_open(
    struct numbers **out, struct subsystem *s, struct err *e);
/* A clean end: no number is lost. */
void numbers_free(struct numbers *n);
OWNED(numbers)

/* Writes the host-local part of a state (mark, top) durably. */
MUST enum rc numbers_note(
    struct highwater *h, const struct range_state *s, struct err *e);

/* A new number of that kind (not RANGE_REPLICA). RC_UNAVAILABLE: "All serial
 * numbers are used. The max serial number is 0x18". */
MUST enum rc numbers_new(
    struct numbers *n, enum range_kind kind, struct num *out, struct err *e);
/* Is it drawn at random: no ranges, nothing to transfer? */
bool numbers_random(struct numbers *n, enum range_kind kind);

/* updateNumberRange (spec deployment 3.5): type is "request", "serialNo" or
 * "replicaId"; gives a block to a clone, as text in the repository's radix.
 * replicaId turns dbs.enableSerialManagement on. Durable when it returns; waits
 * for the holder of the role at most NUMBERS_WAIT_MS. RC_INVALID: no such type,
 * or its generator is random; RC_UNAVAILABLE "Unable to update number range:
 * ...". */
enum {
	NUMBERS_WAIT_MS = 15000
};
MUST enum rc numbers_transfer(struct numbers *n, const char *type,
    char begin[RANGE_TEXT_MAX], char end[RANGE_TEXT_MAX], struct err *e);

/* checkRanges of every kind but replica ids, which are reserved when a clone
 * asks for some, and as holder the answers to who asks; wait:
 * until the holder answered, at most NUMBERS_WAIT_MS. */
MUST enum rc numbers_check(struct numbers *n, bool wait, struct err *e);
/* The timer: runs what is due; returns ms until the next. */
int64_t numbers_tick(struct numbers *n, int64_t now_ms);
/* The feed's kinds, and what to do with an item; true: tick soon. */
#define NUMBERS_KINDS (1u << REC_CLAIM | 1u << REC_RANGE)
bool numbers_follow(struct numbers *n, const struct feed_item *i);

/* pki_range_left{kind="serial"} ... for Prometheus. */
void numbers_metrics(struct numbers *n, struct buf *out);
/* [{"kind":"serial","generator":"legacy2","begin":..,"end":..,"left":"17"}] for
 * status, health and the topology check; NULL when memory is out. */
json_t *numbers_json(struct numbers *n);

#endif
