/* SPDX-License-Identifier: Apache-2.0 */
/* selftests.h - the CA's self tests (spec ca 4.6): what they look at, when they
 * run, what a failure does.
 *
 * A certificate that is only out of its time leaves the server running, for it
 * can still be renewed (design.md, promise 9): such a test is told as failed
 * but never keeps the CA from starting. */
#ifndef CA_SELFTESTS_H
#define CA_SELFTESTS_H

#include "ca/state.h"

enum selftest_state {
	SELFTEST_PASSED,
	SELFTEST_EXPIRED, /* failed, but no reason to stop */
	SELFTEST_FAILED,
};
struct selftest_result {
	const char *id; /* "CAPresence" */
	enum selftest_state state;
	char text[ERR_TEXT_MAX]; /* what was found */
};
struct selftest_info {
	const char *id;
	bool at_start, critical_at_start, on_demand, critical_on_demand;
};

/* Number of self tests. */
size_t selftest_count(void);
/* Index by id, case-insensitive; SIZE_MAX when unknown. */
size_t selftest_find(const char *id);
/* As selftests.container.order.startup and .onDemand say. */
void selftest_info(const struct ca *ca, size_t i, struct selftest_info *out);
/* Runs one test and writes its line to selftests.log. Any thread. */
void selftest_run(struct ca *ca, size_t i, struct selftest_result *out);
/* A SELFTESTS_EXECUTION line for a run. */
void selftest_audit(struct ca *ca, const char *subject, bool passed);
/* How each test ended last: a gauge of /metrics; lines of /health for those that
 * failed. A test that never ran is left out. */
void selftests_metrics(const struct ca *ca, struct buf *b);
void selftests_warnings(const struct ca *ca, struct buf *b);
/* Runs those of start-up; RC_INVALID naming the first critical one that
 * failed, and what to do. */
MUST enum rc selftests_start(struct ca *ca, struct err *e);

#endif
