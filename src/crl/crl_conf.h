/* SPDX-License-Identifier: Apache-2.0 */
/* crl_conf.h - the settings of one issuing point (spec ca 4.1, 4.2): what goes
 * into its list and which extensions it carries. Read once, then constant. */
#ifndef CRL_CRL_CONF_H
#define CRL_CRL_CONF_H

#include "crl/schedule.h"
#include "store/rec_cert.h"
#include "x509/crl.h"

enum {
	CRL_PROFILES_MAX = 256,
	CRL_POINTS_MAX = 32, /* names or points in one extension */
};

struct crl_conf {
	struct arena *arena; /* owns all texts and extension values */
	bool enabled;        /* enable and enableCRLUpdates */
	bool allow_exts;     /* false: a v1 list */
	enum sigalg sigalg;  /* SIGALG_COUNT = the key's default */
	bool include_expired, one_extra, none_if_empty;
	bool only_cas, only_users;
	uint32_t only_reasons; /* bit n = CRLReason n; 0 = all */
	bool has_begin, has_end;
	struct num begin, end;
	char *profiles[CRL_PROFILES_MAX]; /* profileCertsOnly */
	size_t profile_count;
	bool profiles_only;
	bool put_number, put_reason, put_invalidity;
	bool deltas; /* delta lists are made too */
	enum crl_hold hold;
	int64_t fail_wait; /* seconds, after fail_max failures in a row */
	int64_t fail_max;
	struct schedule schedule;
	struct ext_list fixed; /* crlExtensions but the number */
};

/* What the settings need to know of the authority. */
struct crl_authority {
	struct view cert; /* DER */
	const char *url;  /* for an empty AIA location, or NULL */
};

/* RC_INVALID names the setting. */
MUST enum rc crl_conf_new(struct crl_conf **out, const struct cfg *c,
    const char *id, const struct crl_authority *a, struct err *e);
void crl_conf_free(struct crl_conf *c);
OWNED(crl_conf)

/* Is the certificate of this record on the list? Then *out is its entry. Only
 * the attributes in crl_conf_attrs are looked at. A revoked record whose
 * revInfo cannot be read is listed with its date of change. *expired tells that
 * it would be, had it not expired. */
bool crl_conf_entry(const struct crl_conf *c, struct crl_entry *out,
    bool *expired, const struct rec *r, const char *issuer, bool host_ca);
extern const char *const crl_conf_attrs[];

#endif
