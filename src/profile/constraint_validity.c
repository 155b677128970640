/* SPDX-License-Identifier: Apache-2.0 */
/* constraint_validity.c - how long a certificate may be valid, and when it may
 * be renewed (spec profiles 10, 12).
 * Owns:    nothing.
 * Trusts:  the environment's clock.
 * Threads: as struct profile_run. */
#include "profile/validity.h"

enum {
	DAY_MS = 86400000,
	DAYS_MAX = 100000,
};

static enum rc
order(const struct profile_run *r, struct err *e)
{
	if (r->t->not_before == 0 && r->t->not_after == 0)
		return reject(e, "Validity Not Found");
	if (r->t->not_after < r->t->not_before)
		return reject(e, "Not After is earlier than Not Before");
	return RC_OK;
}

static enum rc
range_validate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	char a[CLOCK_TEXT_MAX], b[CLOCK_TEXT_MAX];
	int64_t range, grace, limit;
	enum rc rc = order(r, e);

	if (rc == RC_OK)
		rc = part_int(p, &range, "range", 365, e);
	if (rc == RC_OK)
		rc = part_int(p, &grace, "notBeforeGracePeriod", 0, e);
	if (rc == RC_OK)
		rc = validity_add(&limit, r->t->not_before, range,
		    part_param(p, "rangeUnit", ""), e);
	if (rc != RC_OK)
		return rc;
	if (r->t->not_after > limit)
		return reject(e, "Validity Out of Range: %s is after %s",
		    clock_text_java(a, r->t->not_after),
		    clock_text_java(b, limit));
	if (part_bool(p, "notBeforeCheck") &&
	    r->t->not_before > r->env->now + grace)
		return reject(e, "Not Before is later than current time");
	if (part_bool(p, "notAfterCheck") && r->t->not_after < r->env->now)
		return reject(e, "Not After is earlier than current time");
	return RC_OK;
}

static const struct profile_value_desc range_params[] = {
	INTEGER("range", "Validity Range"),
	STRING("rangeUnit", "Validity Range Unit"),
	INTEGER("notBeforeGracePeriod", "Grace period for Not Before, seconds"),
	BOOLEAN("notBeforeCheck", "Check Not Before against the clock"),
	BOOLEAN("notAfterCheck", "Check Not After against the clock"),
	LAST,
};

static enum rc
ca_validate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const struct profile_env *env = r->env;
	enum rc rc = order(r, e);

	(void)p;
	if (rc != RC_OK || env->ca_not_after == 0)
		return rc;
	if (r->t->not_before < env->ca_not_before ||
	    r->t->not_before > env->ca_not_after)
		return reject(e, "Not Before Invalid");
	if (r->t->not_after > env->ca_not_after)
		return reject(e, "Not After Invalid");
	return RC_OK;
}

/* --- renewal ------------------------------------------------------------------- */

static enum rc
days(
    const struct profile_part *p, const char *name, int64_t *out, struct err *e)
{
	enum rc rc = part_int(p, out, name, 0, e);

	if (rc == RC_OK && *out > DAYS_MAX)
		*out = DAYS_MAX;
	return rc;
}

static enum rc
grace_validate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *old = run_get(r, "origNotAfter");
	int64_t before, after, expiry, now = r->env->now * 1000;
	enum rc rc = days(p, "renewal.graceBefore", &before, e);

	if (rc == RC_OK)
		rc = days(p, "renewal.graceAfter", &after, e);
	if (rc != RC_OK || old == NULL)
		return rc;
	rc = text_int(&expiry, old, 0, INT64_MAX / 2, e);
	if (rc != RC_OK)
		return err_prefix(e, "origNotAfter"), rc;
	if ((before > 0 && now < expiry - before * DAY_MS) ||
	    (after > 0 && now > expiry + after * DAY_MS))
		return reject(e,
		    "Outside of Renewal Grace Period: %lld days before and "
		    "%lld days after expiry",
		    (long long)before, (long long)after);
	return RC_OK;
}

static const struct profile_value_desc grace_params[] = {
	INTEGER("renewal.graceBefore", "Renewal Grace Period Before, days"),
	INTEGER("renewal.graceAfter", "Renewal Grace Period After, days"),
	LAST,
};

const struct constraint_class constraints_validity[] = {
	{ .id = "validityConstraintImpl",
	    .text = "The validity must not be longer than the range.",
	    .params = range_params,
	    .validate = range_validate },
	{ .id = "caValidityConstraintImpl",
	    .text = "The validity must lie within that of the issuing CA.",
	    .validate = ca_validate },
	{ .id = "renewGracePeriodConstraintImpl",
	    .text = "A renewal must come within the grace period around the "
		    "expiry.",
	    .params = grace_params,
	    .validate = grace_validate },
	{ .id = NULL },
};
