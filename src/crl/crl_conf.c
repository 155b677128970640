/* SPDX-License-Identifier: Apache-2.0 */
/* crl_conf.c - settings of an issuing point; which records are on its list.
 * Owns:    struct crl_conf with its arena.
 * Trusts:  nothing in CS.cfg; nothing in records but their certificate status.
 * Threads: constant after crl_conf_new; then any. */
#include "crl/crl_conf.h"

#include <stdio.h>

#include "crl/crl_exts.h"
#include "store/merge.h"

enum {
	ARENA_MAX = 1024 * 1024,
	NAME_LEN = 192,
	MINUTE = 60,
	FAIL_WAIT_DEFAULT = 30, /* minutes */
	FAIL_MAX_DEFAULT = 10,
	FAIL_MAX_MAX = 1000000,
	WAIT_MAX = 366 * 24 * 60,
};

const char *const crl_conf_attrs[] = { "serialno", "certStatus", "revInfo",
	"issuerName", "extension", "metaInfo", "dateOfModify", NULL };

void
crl_conf_free(struct crl_conf *c)
{
	if (c == NULL)
		return;
	arena_free(c->arena);
	free(c);
}

static bool
flag(const struct cfg *c, const char *id, const char *what, bool def)
{
	char name[NAME_LEN];

	(void)snprintf(name, sizeof(name), "ca.crl.%s.%s", id, what);
	return cfg_bool(c, name, def);
}

static enum rc
number(const struct cfg *c, int64_t *out, const char *id, const char *what,
    int64_t max, int64_t def, struct err *e)
{
	char name[NAME_LEN];

	(void)snprintf(name, sizeof(name), "ca.crl.%s.%s", id, what);
	return cfg_int(c, out, name, 0, max, def, e);
}

static enum rc
serial(const struct cfg *c, struct num *out, bool *has, const char *id,
    const char *what, struct err *e)
{
	const char *v = cfg_getf(c, "ca.crl.%s.%s", id, what);
	enum rc rc;

	*has = v != NULL && v[0] != '\0';
	if (!*has)
		return RC_OK;
	rc = num_parse(out, v, false, e);
	if (rc != RC_OK && e != NULL)
		return err_prefix(e, "ca.crl.%s.%s", id, what);
	return rc;
}

static enum rc
profiles(
    struct crl_conf *conf, const struct cfg *c, const char *id, struct err *e)
{
	const char *v = cfg_getf(c, "ca.crl.%s.profileList", id);
	char *text = arena_str(conf->arena, v != NULL ? v : "");

	if (text == NULL)
		return err_set(e, RC_NOMEM, "issuing point %s", id);
	conf->profiles_only = flag(c, id, "profileCertsOnly", false);
	conf->profile_count =
	    text_split(text, ",", conf->profiles, CRL_PROFILES_MAX);
	if (conf->profile_count > CRL_PROFILES_MAX)
		return err_set(e, RC_INVALID,
		    "ca.crl.%s.profileList: more than %d profiles", id,
		    CRL_PROFILES_MAX);
	return RC_OK;
}

static enum rc
entry_exts(
    struct crl_conf *conf, const struct cfg *c, const char *id, struct err *e)
{
	static const char base[] = "extension.HoldInstruction.instruction";
	const char *hold = cfg_getf(c, "ca.crl.%s.%s", id, base);

	conf->put_number = flag(c, id, "extension.CRLNumber.enable", true);
	conf->put_reason = flag(c, id, "extension.CRLReason.enable", true);
	conf->put_invalidity =
	    flag(c, id, "extension.InvalidityDate.enable", true);
	conf->hold = CRL_HOLD_ABSENT;
	if (!flag(c, id, "extension.HoldInstruction.enable", false))
		return RC_OK;
	if (hold == NULL || hold[0] == '\0' || text_ieq(hold, "none"))
		conf->hold = CRL_HOLD_NONE;
	else if (text_ieq(hold, "callissuer"))
		conf->hold = CRL_HOLD_CALLISSUER;
	else if (text_ieq(hold, "reject"))
		conf->hold = CRL_HOLD_REJECT;
	else
		return err_set(e, RC_INVALID,
		    "ca.crl.%s.%s: none, callissuer or reject", id, base);
	return RC_OK;
}

static enum rc
load(struct crl_conf *conf, const struct cfg *c, const char *id, struct err *e)
{
	const char *alg = cfg_getf(c, "ca.crl.%s.signingAlgorithm", id);
	enum rc rc;

	conf->enabled = flag(c, id, "enable", true) &&
	    flag(c, id, "enableCRLUpdates", true);
	conf->allow_exts = flag(c, id, "allowExtensions", true);
	conf->include_expired = flag(c, id, "includeExpiredCerts", false);
	conf->one_extra = flag(c, id, "includeExpiredCertsOneExtraTime", false);
	conf->none_if_empty = flag(c, id, "noCRLIfNoRevokedCert", false);
	conf->only_cas = flag(c, id, "caCertsOnly", false);
	conf->sigalg = sigalg_find(alg);
	if (alg != NULL && alg[0] != '\0' && conf->sigalg == SIGALG_COUNT)
		return err_set(e, RC_INVALID,
		    "ca.crl.%s.signingAlgorithm: unknown algorithm", id);
	rc = schedule_load(&conf->schedule, c, id, e);
	if (rc == RC_OK)
		rc = number(c, &conf->fail_wait, id,
		    "unexpectedExceptionWaitTime", WAIT_MAX, FAIL_WAIT_DEFAULT,
		    e);
	if (rc == RC_OK)
		rc =
		    number(c, &conf->fail_max, id, "unexpectedExceptionLoopMax",
			FAIL_MAX_MAX, FAIL_MAX_DEFAULT, e);
	conf->fail_wait *= MINUTE;
	if (rc == RC_OK)
		rc = serial(
		    c, &conf->begin, &conf->has_begin, id, "beginSerial", e);
	if (rc == RC_OK)
		rc = serial(c, &conf->end, &conf->has_end, id, "endSerial", e);
	if (rc == RC_OK)
		rc = profiles(conf, c, id, e);
	return rc == RC_OK ? entry_exts(conf, c, id, e) : rc;
}

enum rc
crl_conf_new(struct crl_conf **out, const struct cfg *c, const char *id,
    const struct crl_authority *a, struct err *e)
{
	AUTO(crl_conf) conf = calloc(1, sizeof(*conf));
	enum rc rc;

	if (conf == NULL || (conf->arena = arena_new(ARENA_MAX)) == NULL)
		return err_set(e, RC_NOMEM, "issuing point %s", id);
	ext_list_init(&conf->fixed, conf->arena);
	rc = load(conf, c, id, e);
	/* spec ca 4.2: exactly when all of these are enabled */
	conf->deltas = conf->allow_exts && conf->put_number &&
	    conf->put_reason && flag(c, id, "enableCRLCache", true) &&
	    flag(c, id, "extension.DeltaCRLIndicator.enable", false);
	conf->schedule.deltas = conf->deltas;
	if (rc == RC_OK && conf->allow_exts)
		rc = crl_exts_load(conf, c, id, a, e);
	if (rc == RC_OK)
		*out = crl_conf_steal(&conf);
	return rc;
}

static bool
has_meta(const struct rec *r, const char *name, const char *value)
{
	const struct rec_attr *a = rec_attr(r, "metaInfo");
	size_t n = strlen(name), i;
	struct view v;

	for (i = 0; a != NULL && i < a->n; i++) {
		v = a->values[i];
		if (v.len > n && memcmp(v.data, name, n) == 0 &&
		    v.data[n] == ':' &&
		    view_is(view_of(v.data + n + 1, v.len - n - 1), value))
			return true;
	}
	return false;
}

static bool
profile_fits(const struct crl_conf *c, const struct rec *r)
{
	size_t i;

	for (i = 0; i < c->profile_count; i++)
		if (has_meta(r, "profileId", c->profiles[i]))
			return true;
	return !c->profiles_only;
}

/* One `extension` value says basic constraints, CA. */
static bool
is_ca(const struct rec *r)
{
	static const char bc[] = "2.5.29.19;";
	const struct rec_attr *a = rec_attr(r, "extension");
	const char *s;
	size_t i;

	for (i = 0; a != NULL && i < a->n; i++) {
		s = (const char *)a->values[i].data;
		if (text_starts(s, bc) && strcasestr(s, "isCA=true") != NULL)
			return true;
	}
	return false;
}

static bool
belongs(const struct crl_conf *c, const struct rec *r, const struct num *n,
    const char *issuer, bool host_ca)
{
	const char *by = rec_str(r, "issuerName");

	if (by == NULL ? !host_ca : (issuer != NULL && !text_ieq(by, issuer)))
		return false;
	if ((c->has_begin && num_cmp(n, &c->begin) < 0) ||
	    (c->has_end && num_cmp(n, &c->end) > 0))
		return false;
	if ((c->only_cas && !is_ca(r)) || (c->only_users && is_ca(r)))
		return false;
	return profile_fits(c, r);
}

static struct revocation
ruling(const struct rec *r)
{
	const struct rec_attr *a = rec_attr(r, "revInfo");
	struct revocation best = { 0 }, one;
	bool any = false;
	size_t i;

	for (i = 0; a != NULL && i < a->n; i++) {
		if (revocation_parse(
			&one, (const char *)a->values[i].data, NULL) != RC_OK)
			continue;
		if (!any || merge_rev_infos(&best, &one) == &one)
			best = one;
		any = true;
	}
	if (!any && rec_date(r, &best.date, "dateOfModify", NULL) != RC_OK)
		best.date = 0; /* listed all the same */
	return best;
}

bool
crl_conf_entry(const struct crl_conf *c, struct crl_entry *out, bool *expired,
    const struct rec *r, const char *issuer, bool host_ca)
{
	bool past = rec_has(r, "certStatus", "REVOKED_EXPIRED");
	struct crl_entry x = { .reason = CRLREASON_NONE };
	struct revocation rev;

	*expired = false;
	/* replication may have left several values */
	if ((!past && !rec_has(r, "certStatus", "REVOKED")) ||
	    num_parse(&x.serial, r->id, true, NULL) != RC_OK ||
	    !belongs(c, r, &x.serial, issuer, host_ca))
		return false;
	rev = ruling(r);
	if (c->only_reasons != 0 && !(c->only_reasons >> rev.reason & 1))
		return false;
	x.date = rev.date;
	if (c->allow_exts && c->put_reason && rev.reason != REASON_UNSPECIFIED)
		x.reason = rev.reason;
	if (c->allow_exts && rev.reason == REASON_HOLD)
		x.hold = c->hold;
	if (c->allow_exts && c->put_invalidity && rev.invalidity != 0) {
		x.has_invalidity = true;
		x.invalidity = rev.invalidity;
	}
	*out = x;
	*expired = past && !c->include_expired;
	return !*expired;
}
