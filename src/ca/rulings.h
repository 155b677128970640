/* SPDX-License-Identifier: Apache-2.0 */
/* rulings.h - keeps the certificates' records in line with what was decided
 * about them (design.md, law 4; store/decision.h). Replication merges records by
 * the last writer: status maintenance or a release on one host can undo a
 * revocation made on another. The requests survive, so whatever arrives from
 * elsewhere is looked at again, and a record that lost its revocation (or its
 * release) is written anew, with an alarm.
 *
 * What is looked at: certificates of requests, and of records changed elsewhere,
 * that came by the feed, also while this process was down (a cursor is kept in a file of
 * the host; where it cannot be honoured, all that was ever revoked). The second
 * write of a remote commit is waited for, CA_SETTLE_MS, before an alarm. */
#ifndef CA_RULINGS_H
#define CA_RULINGS_H

#include "ca/ca.h"

struct rulings;

enum {
	CA_SETTLE_MS = 2000,
};

/* Begins to follow ca's store. cursor_file: where the place in the feed is kept
 * between runs. RC_IO, and what the store answers. */
MUST enum rc rulings_open(struct rulings **out, struct ca *ca,
    const char *cursor_file, struct err *e);
/* At an orderly end: keeps the place in the feed, if nothing is waiting. */
void rulings_keep_place(struct rulings *r);
void rulings_free(struct rulings *r);
OWNED(rulings)

/* Looks at what has settled, or with `all` at everything that has arrived (as
 * before each CRL), and puts right what is wrong. *wait_ms (may be NULL): until
 * the next one has settled; -1 = nothing waits. After an error what was not done
 * is still waiting. */
MUST enum rc rulings_settle(
    struct rulings *r, bool all, int64_t *wait_ms, struct err *e);
/* Records that were put right since the start. */
uint64_t rulings_repaired(const struct rulings *r);

#endif
