/* SPDX-License-Identifier: Apache-2.0 */
/* setting_params.c - parameters of CS.cfg that every clone needs alike, and no
 * host has for itself: what they say decides what a certificate, an OCSP answer
 * or a page says, whichever CA is asked. Those that go with a role (ca.crl.*,
 * ca.publish.*, jobsScheduler.*) are roles_cfg.c's.
 * Owns:    the table.
 * Trusts:  nothing: a value that its reader would refuse goes nowhere.
 * Threads: any. */
#include "base/text.h"
#include "ca/setting_sync.h"
#include "ca/state.h"

enum type {
	TYPE_TEXT,
	TYPE_BOOL,
	TYPE_NUMBER
};

static const struct param {
	const char *name;
	enum type type;
	int64_t min, max; /* of a number */
} params[] = {
	{ "ca.SAN.entryNum", TYPE_NUMBER, 1, 100 },
	{ "ca.byName", TYPE_BOOL, 0, 0 },
	{ "ca.certTransparency.mode", TYPE_TEXT, 0, 0 },
	{ "ca.defaultOcspUri", TYPE_TEXT, 0, 0 },
	{ "ca.enableNonces", TYPE_BOOL, 0, 0 },
	{ "ca.maxNumberOfNonces", TYPE_NUMBER, 1, 100000 },
	{ "ca.ocspAnswerLifetime", TYPE_NUMBER, 0, 86400 },
	{ "ca.ocspNextUpdate", TYPE_BOOL, 0, 0 },
	{ "ca.profiles.defaultSigningAlgsAllowed", TYPE_TEXT, 0, 0 },
	{ "ca.requestVerify.enabled", TYPE_BOOL, 0, 0 },
	{ "multiroles.enable", TYPE_BOOL, 0, 0 },
	{ "multiroles.false.groupEnforceList", TYPE_TEXT, 0, 0 },
};
enum {
	N_PARAMS = sizeof(params) / sizeof(params[0])
};

static enum rc
check(const struct param *p, const char *value, struct err *e)
{
	int64_t n;

	if (value[0] == '\0' || p->type == TYPE_TEXT)
		return RC_OK;
	if (p->type == TYPE_NUMBER)
		return text_int(&n, value, p->min, p->max, NULL) == RC_OK
		    ? RC_OK
		    : err_set(e, RC_INVALID,
			  "CS.cfg: %s=%.32s: not a number from %lld to %lld",
			  p->name, value, (long long)p->min, (long long)p->max);
	return text_ieq(value, "true") || text_ieq(value, "false")
	    ? RC_OK
	    : err_set(e, RC_INVALID, "CS.cfg: %s=%.32s: neither true nor false",
		  p->name, value);
}

static enum rc
view(struct cfg *out, const struct cfg *cs, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < N_PARAMS && rc == RC_OK; i++) {
		const char *v = cfg_get(cs, params[i].name);

		if (v != NULL && (rc = check(&params[i], v, e)) == RC_OK)
			rc = cfg_set(out, params[i].name, v, e);
	}
	return rc;
}

static enum rc
merge(struct cfg *out, const struct cfg *base, const struct cfg *mine,
    const struct cfg *theirs, struct err *e)
{
	return cfg_merge(out, base, mine, theirs, NULL, e);
}

static enum rc
apply(struct cfg *cs, const struct cfg *lines, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < N_PARAMS && rc == RC_OK; i++) {
		const char *v = cfg_get(lines, params[i].name);

		if (v == NULL)
			cfg_del(cs, params[i].name);
		else if ((rc = check(&params[i], v, e)) == RC_OK)
			rc = cfg_set(cs, params[i].name, v, e);
	}
	return rc;
}

static enum rc
live(struct ca *ca, const struct cfg *lines, struct err *e)
{
	enum rc rc = ca_shared_take(ca, lines, e);

	/* ready answers say what they said before */
	if (rc == RC_OK)
		ocsp_table_clear(ca->ocsp_ready);
	return rc;
}

const struct setting_group setting_params = {
	.id = "ca.params",
	.applied = "params.applied",
	.what = "settings",
	.view = view,
	.merge = merge,
	.apply = apply,
	.live = live,
};
