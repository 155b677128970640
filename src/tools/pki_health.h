/* SPDX-License-Identifier: Apache-2.0 */
/* pki_health.h - the checks of pki-healthcheck (spec deployment 7.7) and the
 * run that gathers their results. */
#ifndef TOOLS_PKI_HEALTH_H
#define TOOLS_PKI_HEALTH_H

#include "tools/pki_server.h"

struct health_check;

/* One run; its results in the order in which they came. */
struct health {
	struct server s;
	const char *instance;
	int64_t warn_days; /* warn that long before a certificate ends */
	json_t *results;   /* array of objects */
	const struct health_check *now; /* the check that runs */
	int64_t began_ms;               /* of that check */
	bool failed;                    /* a result other than SUCCESS */
	bool debug;
};

struct health_check {
	const char *source, *name;
	const char *sub; /* the subsystem that it looks at */
	void (*run)(struct health *h);
};
/* All checks, those of one source together; ended by a NULL source. */
extern const struct health_check health_checks[];

/* Runs one check; it adds at least one result. */
void health_run(struct health *h, const struct health_check *c);
/* Adds a result of the running check: SUCCESS, WARNING, ERROR or CRITICAL. kw
 * is taken over; NULL = {}. */
void health_add(struct health *h, const char *result, json_t *kw);

#endif
