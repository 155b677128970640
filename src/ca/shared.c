/* SPDX-License-Identifier: Apache-2.0 */
/* shared.c - the parameters that all clones have alike (setting_params.c), as
 * the running CA reads them: a value never changes, another takes its place.
 * Owns:    those that were in place before, until the CA ends: somebody may be
 *          reading them.
 * Trusts:  nothing in CS.cfg; every value is checked.
 * Threads: ca_shared: any; ca_shared_take: one at a time. */
#include "ca/state.h"

static void
ca_shared_free(struct ca_shared *s)
{
	if (s == NULL)
		return;
	free(s->ocsp_uri);
	free(s->transparency);
	free(s->one_role_groups);
	free(s);
}
OWNED(ca_shared)

const struct ca_shared *
ca_shared(const struct ca *ca)
{
	return atomic_load(&ca->shared);
}

/* An absent one stays NULL where there is no default. */
static enum rc
copy(char **out, const char *text, struct err *e)
{
	if (text != NULL && (*out = strdup(text)) == NULL)
		return err_set(e, RC_NOMEM, "settings");
	return RC_OK;
}

static enum rc
load_algorithms(struct ca_shared *s, const struct ca *ca, const struct cfg *cfg,
    struct err *e)
{
	AUTO_STR list =
	    strdup(cfg_str(cfg, "ca.profiles.defaultSigningAlgsAllowed",
		"SHA256withRSA,SHA384withRSA,SHA512withRSA,SHA256withEC,"
		"SHA384withEC,SHA512withEC"));
	char *names[SIGALG_COUNT * 2];
	size_t n;

	if (list == NULL)
		return err_set(e, RC_NOMEM, "algorithms");
	n = text_split(list, ",", names, SIGALG_COUNT * 2);
	for (size_t i = 0; i < n && i < SIGALG_COUNT * 2; i++) {
		enum sigalg a = sigalg_find(names[i]);

		if (a < SIGALG_COUNT && s->n_allowed < SIGALG_COUNT &&
		    key_can_sign(ca->signing.key, a))
			s->allowed[s->n_allowed++] = a;
	}
	return RC_OK;
}

static enum rc
load_texts(struct ca_shared *s, const struct cfg *cfg, struct err *e)
{
	enum rc rc;

	if ((rc = copy(&s->ocsp_uri, cfg_get(cfg, "ca.defaultOcspUri"), e)) !=
		RC_OK ||
	    (rc = copy(&s->transparency,
		 cfg_str(cfg, "ca.certTransparency.mode", "disabled"), e)) !=
		RC_OK)
		return rc;
	return copy(&s->one_role_groups,
	    cfg_str(cfg, "multiroles.false.groupEnforceList",
		"Administrators,Auditors,Trusted Managers,Certificate Manager "
		"Agents,Registration Manager Agents,Key Recovery Authority "
		"Agents,Online Certificate Status Manager Agents,Token Key "
		"Service Manager Agents,Enterprise CA "
		"Administrators,Enterprise "
		"KRA Administrators,Enterprise OCSP Administrators,Enterprise "
		"TKS Administrators,Enterprise TPS Administrators,Security "
		"Domain Administrators,Subsystem Group"),
	    e);
}

enum rc
ca_shared_take(struct ca *ca, const struct cfg *cfg, struct err *e)
{
	AUTO(ca_shared) s = calloc(1, sizeof(*s));
	int64_t nonces, san;
	enum rc rc;

	if (s == NULL)
		return err_set(e, RC_NOMEM, "settings");
	s->nonces = cfg_bool(cfg, "ca.enableNonces", true);
	s->ocsp_next_update = cfg_bool(cfg, "ca.ocspNextUpdate", false);
	s->ocsp_by_name = cfg_bool(cfg, "ca.byName", true);
	s->verify_requests = cfg_bool(cfg, "ca.requestVerify.enabled", true);
	s->multiroles = cfg_bool(cfg, "multiroles.enable", true);
	if ((rc = cfg_int(cfg, &s->ocsp_lifetime, "ca.ocspAnswerLifetime", 0,
		 86400, 60, e)) != RC_OK ||
	    (rc = cfg_int(cfg, &nonces, "ca.maxNumberOfNonces", 1, 100000, 100,
		 e)) != RC_OK ||
	    (rc = cfg_int(cfg, &san, "ca.SAN.entryNum", 1, 100, 4, e)) !=
		RC_OK ||
	    (rc = load_texts(s, cfg, e)) != RC_OK ||
	    (rc = load_algorithms(s, ca, cfg, e)) != RC_OK)
		return rc;
	s->nonces_max = (size_t)nonces;
	s->san_entries = (unsigned)san;
	s->former = atomic_load(&ca->shared);
	atomic_store(&ca->shared, ca_shared_steal(&s));
	return RC_OK;
}

void
ca_shared_done(struct ca *ca)
{
	struct ca_shared *s = atomic_load(&ca->shared);

	while (s != NULL) {
		struct ca_shared *former = s->former;

		ca_shared_free(s);
		s = former;
	}
}
