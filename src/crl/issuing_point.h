/* SPDX-License-Identifier: Apache-2.0 */
/* issuing_point.h - one CRL issuing point (spec ca 4, directory 2.7): it keeps
 * the set of revoked certificates in step with the store, makes full and (where
 * configured) delta CRLs, and serves the present ones.
 *
 * Order of effects: the number is drawn, the list signed, written to
 * <dir>/<id>-<decimal number>.crl, synced and renamed; then the record is
 * committed (crlNumber and deltaNumber by compare-and-swap, crlSize, thisUpdate,
 * nextUpdate, crlDigest, firstUnsaved -2, the model's tables removed; of a delta
 * deltaSize, deltaDigest); only then is the new list served. A crash in between leaves a file whose number is never used
 * again. Numbers and thisUpdate never go back.
 *
 * With by_claim lists are made only under the claim of the role "crl.<id>"
 * (store/claim.h), and numbers come from it: the claim is read anew after the
 * file is written and before the record is, and the first list under a claim is
 * a full one. A list of another host that arrives in the record is served here
 * when its number is higher than what is served (the fence), never else.
 *
 * Threads: any. Generations wait for each other, nothing waits for them. It has
 * no thread of its own: a worker calls refresh, due and generate. */
#ifndef CRL_ISSUING_POINT_H
#define CRL_ISSUING_POINT_H

#include "base/cfg.h"
#include "base/clock.h"
#include "crl/revoked.h"
#include "crl/schedule.h"
#include "keys/key.h"
#include "store/claim.h"

struct issuing_point;

struct issuing_point_params {
	const char *id;        /* "MasterCRL" */
	const struct cfg *cfg; /* ca.crl.<id>.*; read during the call only */
	struct store *store;   /* outlives the issuing point */
	const struct clock *clock;
	struct key *key;      /* of the authority; a reference is taken */
	struct view ca_cert;  /* DER of its certificate; copied */
	const char *issuer;   /* issuerName of its certificates' records */
	bool host_ca;         /* records without issuerName count too */
	const char *dir;      /* folder of the files; made if missing */
	bool bytes_in_record; /* certificateRevocationList too (directory) */
	const char *ca_url;   /* "http://host:port", for empty AIA; or NULL */
	const struct num *first_number; /* numbers begin there, or NULL */
	/* Type of an effect written with each new list, payload "<id> <decimal
	 * number>"; NULL = none. */
	const char *effect;
	/* The set is filled by the first refresh or generation in place of
	 * open: a start among 10^6 certificates does not wait for it. */
	bool fill_later;
	bool by_claim; /* see above; false: made by settings alone */
	/* Changes made on other hosts reach the set before the next list, not
	 * at once (ca.listenToCloneModifications=false). */
	bool lazy;
	/* The highest numbers that were ever signed and ever served on this
	 * host, from where no backup of the store reaches; the one is not used
	 * again, and below the other none is served. Or NULL. */
	const struct num *used, *floor;
	/* Keeps these: called before a number is signed (an error stops the
	 * list), and with served set when a list begins to be served. Or NULL. */
	MUST enum rc (*mark)(void *arg, const char *id,
	    const struct num *number, bool served, struct err *e);
	void *mark_arg;
};

/* Makes the record if it is missing, fills the set from the store, loads the
 * present list and follows the store's feed. RC_INVALID names a bad setting. */
MUST enum rc issuing_point_open(struct issuing_point **out,
    const struct issuing_point_params *p, struct err *e);
void issuing_point_free(struct issuing_point *ip);
OWNED(issuing_point)

/* The name in ca.crl.NAME., valid as long as ip. */
const char *issuing_point_id(const struct issuing_point *ip);
/* enable and enableCRLUpdates, and the claim where one is needed: lists are made
 * here. */
bool issuing_point_enabled(struct issuing_point *ip);
/* From now on lists are made under that claim (copied); NULL: no longer. */
void issuing_point_claim(struct issuing_point *ip, const struct claim *c);
/* Copies the claim lists are made under; false when there is none. */
bool issuing_point_claimed(struct issuing_point *ip, struct claim *out);
/* Gives the claim up for good: waits for a list in the making, after that none
 * is made under it. *last: the highest number used or seen. */
void issuing_point_drain(struct issuing_point *ip, struct num *last);
/* Changes made on other hosts reach the set at once, or before the next list
 * (see lazy). */
void issuing_point_follow(struct issuing_point *ip, bool at_once);
/* The highest number used or seen, by anybody. */
struct num issuing_point_highest(struct issuing_point *ip);
/* Raises that number: somebody was seen to use it. */
void issuing_point_seen(struct issuing_point *ip, const struct num *n);
/* Takes other settings (ca.crl.<id>.*) in place of the present ones; on failure
 * those stay. RC_TOOBIG after CRL_CONFIGURES_MAX times: restart. */
MUST enum rc issuing_point_configure(
    struct issuing_point *ip, const struct cfg *cfg, struct err *e);

/* Takes over what another host has changed in the record (number, list). Call
 * it from a worker before issuing_point_due; cheap when nothing changed. */
MUST enum rc issuing_point_refresh(struct issuing_point *ip, struct err *e);
/* When the next list is due, seconds; SCHEDULE_NEVER when disabled. */
int64_t issuing_point_due(struct issuing_point *ip);
/* Makes a list if it is due, or with force a full one in any case (not when
 * disabled: RC_UNAVAILABLE). clear: rebuild the set from the store first. sigalg: as
 * configured for SIGALG_COUNT. *made (may be NULL) tells whether one was made:
 * false with RC_OK when none is due, or for an empty set where
 * noCRLIfNoRevokedCert says so. RC_UNAVAILABLE: the clock is behind the last
 * thisUpdate. RC_CONFLICT: another host has used that number; what it wrote was
 * taken over and the next call goes on from there. RC_GONE: another host holds
 * the role now; this one makes no more. RC_TOOBIG: the claim's numbers are used
 * up, it is to be renewed. */
struct generate_options {
	bool force, clear;
	enum sigalg sigalg;
};
MUST enum rc issuing_point_generate(struct issuing_point *ip,
    const struct generate_options *o, bool *made, struct err *e);

/* A list being served; the bytes live until the last reference goes. */
struct crl_file {
	struct view der;
	struct num number;
	int64_t this_update, next_update; /* next 0 = absent */
	uint64_t count;
};
/* NULL while there is none. Give it back with crl_file_unref. */
const struct crl_file *issuing_point_current(struct issuing_point *ip);
void crl_file_unref(const struct crl_file *f);
/* The present delta CRL: made after the present full one, which is its base.
 * NULL while there is none. */
const struct crl_file *issuing_point_delta(struct issuing_point *ip);

/* The set, for status answers; lives as long as the issuing point. */
struct revoked_set *issuing_point_set(struct issuing_point *ip);

struct issuing_point_status {
	bool enabled, changed; /* changed since the last list */
	bool generating;
	struct num number; /* of the last full list; 0 = none yet */
	struct num delta;  /* of the delta over it; 0 = none */
	int64_t this_update, next_update, due;
	uint64_t count;             /* entries of the last full list */
	uint64_t delta_count;       /* of the delta */
	uint64_t revoked;           /* entries of the set now */
	uint64_t made, failed;      /* lists since start */
	int64_t took_ms;            /* of the last generation */
	char failure[ERR_TEXT_MAX]; /* of the last try, "" = it went well */
};
/* A snapshot of what it did last. */
void issuing_point_status(
    struct issuing_point *ip, struct issuing_point_status *out);

#endif
