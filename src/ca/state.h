/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - what the files of ca/ share: the running CA. */
#ifndef CA_STATE_H
#define CA_STATE_H

#include "auth/acl.h"
#include "ca/ca.h"
#include "ca/callers.h"
#include "ca/domain.h"
#include "ca/ocsp_table.h"
#include "ca/profiles.h"
#include "ca/roles.h"
#include "ca/rulings.h"
#include "crl/issuing_point.h"
#include "instance/audit.h"
#include "instance/numbers.h"
#include "profile/engine.h"
#include "x509/cert.h"
#include "x509/ocsp.h"

enum {
	CA_POINTS_MAX = 16,
	CA_ISSUERS_MAX = 8,
	CA_DIGESTS = 4,
	CA_PATTERNS_MAX = 512,
	CA_LOCKS = 64, /* by the last octet of an id */
	CA_SELFTESTS_MAX = 8,
};

struct ca_identity {
	struct key *key;
	struct buf der;
	struct cert cert; /* views into der */
	enum sigalg sigalg;
};

/* What clones have alike and the running CA reads (setting_params.c). */
struct ca_shared {
	bool nonces, ocsp_next_update, ocsp_by_name, verify_requests;
	bool multiroles;
	int64_t ocsp_lifetime; /* seconds */
	size_t nonces_max;
	unsigned san_entries;
	char *ocsp_uri; /* NULL: none */
	char *transparency;
	char *one_role_groups; /* with multiroles off: one of these a user */
	enum sigalg allowed[SIGALG_COUNT];
	size_t n_allowed;
	struct ca_shared *former;
};

struct ca {
	struct subsystem *sub;
	struct instance *instance;
	struct store *store;
	struct cfg *cfg;
	const struct clock *clock;
	struct audit *audit;

	struct ca_identity signing, ocsp;
	struct buf issuers[CA_ISSUERS_MAX]; /* above signing (chain.c) */
	size_t n_issuers;
	uint8_t key_id_room[DIGEST_MAX];
	struct view key_id; /* of the signing certificate */
	struct buf issuer_text;
	struct ca_shared *_Atomic shared;

	struct profiles *profiles;
	struct callers *callers;
	struct ca_domain *domain;
	struct setting_sync *settings;
	struct acl *acl; /* behind acl_lock: replaced when the record changes */
	pthread_rwlock_t acl_lock;
	struct issuing_point *points[CA_POINTS_MAX];
	char *point_ids[CA_POINTS_MAX];
	_Atomic size_t n_points; /* grows when a role arrives, never shrinks */
	struct ca_roles roles;
	char plain_url[300]; /* "http://host:port" */

	struct ocsp_issuer issuer_ids[CA_DIGESTS]; /* by enum digest */
	struct ocsp_table *ocsp_ready;

	/* Two changes of one record are kept apart; order: none is ever held
	 * together with another. */
	pthread_mutex_t request_locks[CA_LOCKS], cert_locks[CA_LOCKS];

	struct watch *watch;
	struct rulings *rulings;
	int64_t next_status_ms;
	struct nonces *bare_nonces; /* of callers without a session */
	struct numbers *numbers;
	char *patterns[CA_PATTERNS_MAX]; /* of the routes */
	size_t n_patterns;

	/* metrics */
	_Atomic uint64_t n_issued, n_rejected, n_revoked, n_ocsp_ready,
	    n_ocsp_signed, n_crls;
	/* of selftests.c, by its index: 0 never run, 1 passed, 2 failed */
	_Atomic int selftest_last[CA_SELFTESTS_MAX];
};

/* The start in its parts, so that tests can bring keys of their own. An empty CA
 * of that subsystem; NULL when memory is out. */
struct ca *ca_new(struct subsystem *s);
void ca_free(struct ca *ca);
/* What follows from signing and ocsp, which are set: names, algorithms. */
MUST enum rc ca_use_keys(struct ca *ca, struct err *e);
/* All that needs keys and store but no HTTP server: settings, profiles, issuing
 * points, the feed. */
MUST enum rc ca_open_parts(struct ca *ca, struct err *e);

/* The shared parameters of now; they stay readable as long as ca lives. */
const struct ca_shared *ca_shared(const struct ca *ca);
/* From now on those of cfg count, which it only reads; on failure the former
 * ones stay. One call at a time. RC_INVALID names a bad value. */
MUST enum rc ca_shared_take(
    struct ca *ca, const struct cfg *cfg, struct err *e);
void ca_shared_done(struct ca *ca);
/* The profile engine's environment for this CA now. */
void ca_profile_env(struct ca *ca, struct profile_env *env);
/* The number of a new request; of a new certificate: RC_EXISTS when somebody
 * stored one under it already (the number is used up all the same). */
MUST enum rc ca_new_request_id(struct ca *ca, struct num *out, struct err *e);
MUST enum rc ca_new_serial(struct ca *ca, struct num *out, struct err *e);
/* checkRanges now, with the holder's answer (the job serialNumberUpdate). */
MUST enum rc ca_check_numbers(struct ca *ca, struct err *e);
/* Adds one audit line to a batch as an effect. */
void ca_audit_effect(
    struct ca *ca, struct batch *b, const struct audit_entry *x);
/* "caadmin", or $NonRoleUser$ / $Unidentified$ for the log. */
const char *ca_subject_id(const struct principal *p);
/* resourceACLS check under the lock. */
MUST enum rc ca_allowed(struct ca *ca, const struct principal *p,
    const char *peer, const char *resource, const char *op, struct err *e);
/* Generates the list of one issuing point as o says; audits and logs. */
MUST enum rc ca_crl_generate(struct ca *ca, size_t point,
    const struct generate_options *o, struct err *e);
/* Index of an issuing point by id; SIZE_MAX when unknown. */
size_t ca_point_find(const struct ca *ca, const char *id);
/* cloning.<tag>.privkey.id of CS.cfg against the keys in the token: stale lines
 * are corrected, saved and logged (a re-keyed CA clones without surgery). */
MUST enum rc ca_check_key_ids(struct ca *ca, struct err *e);
/* Copies CS.cfg as it is to archives/. */
MUST enum rc ca_archive_settings(struct ca *ca, struct err *e);
/* Opens one more issuing point, with the settings of cfg. */
MUST enum rc ca_point_open(
    struct ca *ca, const struct cfg *cfg, const char *id, struct err *e);
/* No list of that issuing point gets a number up to this one, also after a
 * restart. Only with a high-water file. */
MUST enum rc ca_point_raise(
    struct ca *ca, size_t point, const struct num *number, struct err *e);
/* Commands of the control socket ("ca.crl-update" ...). */
MUST enum rc ca_control(struct subsystem *s, const char *command,
    struct view args, struct buf *out, struct err *e);
/* Adds the HTTP routes that answer while the directory is away. */
MUST enum rc ca_wait(struct subsystem *s, struct err *e);
/* Adds the HTTP routes. */
MUST enum rc ca_routes(struct ca *ca, struct err *e);

#endif
