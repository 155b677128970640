/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_clone.h - what the files behind ca-clone-check share. */
#ifndef TOOLS_PKI_SERVER_CLONE_H
#define TOOLS_PKI_SERVER_CLONE_H

#include "tools/pki_server.h"

enum {
	CLONE_CALL_MS = 10000, /* a call of another host or directory */
	CLONE_SKEW_S = 5,      /* a clock may be off */
};

struct clone_states;
/* What somebody should look at is said at once and counted. */
struct report {
	struct server *s;
	struct clone_states *states;
	size_t faults;
};
/* Prints "ATTENTION: ..." and counts it. */
void clone_fault(struct report *r, const char *fmt, ...) PRINTF(2, 3);
/* A fault if the certificate of what ends soon; end 0: not known. */
void clone_report_end(struct report *r, const char *what, int64_t end);

/* The state of the own server, which must run, and the means to ask the others
 * as it. */
MUST enum rc clone_states_open(
    struct clone_states **out, struct server *s, struct err *e);
void clone_states_free(struct clone_states *x);
/* Prints what the CA at that address ("host:port") says of itself: clock,
 * numbers left, certificates that end soon, and what differs from the own server:
 * settings that should be alike, profiles. One that does not know the question
 * is no fault. */
void clone_report_state(struct report *r, const char *address);

#endif
