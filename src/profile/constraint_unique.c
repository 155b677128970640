/* SPDX-License-Identifier: Apache-2.0 */
/* constraint_unique.c - a key is used once (spec profiles 10).
 * Owns:    nothing.
 * Trusts:  the environment's look-up.
 * Threads: as struct profile_run. */
#include "profile/plugin.h"
#include "x509/cert.h"

struct seen {
	struct view subject;
	bool same_key_allowed;
	bool any, refused;
	int64_t latest;
};

static bool
see_key(void *arg, const struct cert_rec *c)
{
	struct seen *s = arg;
	struct cert cert;

	s->any = true;
	if (!s->same_key_allowed || c->revoked ||
	    cert_parse(&cert, c->der, NULL) != RC_OK ||
	    !view_eq(cert.subject, s->subject)) {
		s->refused = true;
		return false;
	}
	if (c->not_after > s->latest)
		s->latest = c->not_after;
	return true;
}

static enum rc
key_validate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	struct seen s = { .subject = r->t->subject,
		.same_key_allowed = part_bool(p, "allowSameKeyRenewal") };
	char text[32];
	enum rc rc;

	if (r->t->spki.len == 0)
		return reject(e, "Key Not Found");
	if (r->env->certs == NULL)
		return err_set(e, RC_UNSUPPORTED, "no certificate look-up");
	rc = r->env->certs(
	    r->env->arg, PROFILE_CERT_BY_KEY, r->t->spki, see_key, &s, e);
	if (rc != RC_OK)
		return rc;
	if (s.refused)
		return reject(e, "Key Not Unique");
	if (s.any) {
		snprintf(
		    text, sizeof(text), "%lld", (long long)s.latest * 1000);
		run_put(r, "origNotAfter", text);
	}
	return RC_OK;
}

static const struct profile_value_desc key_params[] = {
	BOOLEAN("allowSameKeyRenewal",
	    "Allow a renewal with the same key and subject"),
	LAST,
};

const struct constraint_class constraints_unique[] = {
	{ .id = "uniqueKeyConstraintImpl",
	    .text = "No other certificate may have the key.",
	    .params = key_params,
	    .validate = key_validate },
	{ .id = NULL },
};
