/* SPDX-License-Identifier: Apache-2.0 */
/* ca.h - the certificate authority as a set of operations on records and keys.
 * It knows neither its store nor its token nor its transport: tests call these
 * functions directly, api_*.c map them to HTTP. */
#ifndef CA_CA_H
#define CA_CA_H

#include "auth/principal.h"
#include "instance/instance.h"
#include "store/rec_cert.h"
#include "store/rec_request.h"

struct ca;

/* The last moment that a certificate or list can name (RFC 5280 4.1.2.5), ms. */
#define CA_DATE_MS_MAX INT64_C(253402300799999)

/* The subsystem for subsystem_register. */
extern const struct subsystem_class ca_class;

/* --- enrolment (spec ca 5.3, profiles 4) ------------------------------- */

enum {
	CA_REQUESTS_MAX = 4 /* certificates of one submission */
};

struct ca_submission {
	const char *profile_id;
	/* Value of an input or credential by name; NULL when absent. */
	const char *(*get)(void *arg, const char *name);
	void *arg;
	const struct principal *who; /* logged-in caller, or NULL */
	struct view client_cert;     /* validated TLS client certificate */
	const char *peer, *host;     /* numeric address; name, may be NULL */
	bool renewal;
	const char *serial; /* of the certificate to renew, "0x1a" or "26" */
};
struct ca_requests {
	struct request_rec *items[CA_REQUESTS_MAX];
	size_t n;
};
void ca_requests_done(struct ca_requests *r);

/* Submits; a pending or rejected enrolment is RC_OK too: look at the state.
 * RC_NOTFOUND unknown profile, RC_INVALID bad data, RC_AUTH failed profile
 * authentication or authorization, RC_CONFLICT profile disabled. Durable when it
 * returns. After an error *out is empty, but for one that begins with "request
 * ID" and STORE_UNACKED: those in *out are stored, and may be asked for by their
 * ids; to submit again would make others. */
MUST enum rc ca_submit(struct ca *ca, const struct ca_submission *s,
    struct ca_requests *out, struct err *e);

enum ca_action {
	CA_APPROVE,
	CA_REJECT,
	CA_CANCEL,
	CA_UPDATE,
	CA_VALIDATE,
	CA_ASSIGN,
	CA_UNASSIGN,
};
/* "approve" ...; -1 when unknown. */
int ca_action_find(const char *word);

/* The values of a review as an agent sent them back. NULL get = take all
 * values as they stand. */
struct ca_review {
	/* The new value of a policy's default; *present false = not sent. */
	const char *(*get)(
	    void *arg, const char *policy_id, const char *name, bool *present);
	void *arg;
	const char *notes; /* requestNotes, or NULL */
};
/* Acts on a request as an agent. RC_CONFLICT when it is not pending, RC_INVALID
 * "Request ID Rejected - why" (the request is then rejected, durably). */
MUST enum rc ca_process(struct ca *ca, const struct num *id, enum ca_action act,
    const struct ca_review *review, const struct principal *who,
    struct request_rec **out, struct err *e);

/* --- certificates (spec ca 5.2) ---------------------------------------- */

struct ca_revocation {
	struct num serial;
	int reason;         /* REASON_x; REASON_REMOVE_FROM_CRL releases */
	int64_t invalidity; /* seconds, 0 = none */
	const char *comments;
	const struct principal *who;
	const char *requestor; /* "EE", "Agent", "RA" */
	bool ca_cert;          /* revoke-ca: only CA certificates, else none */
	bool from_hold;        /* one on hold may be revoked for good */
};
/* RC_NOTFOUND, RC_INVALID "certificate #1a has already been revoked", RC_AUTH
 * for the CA certificate rules. *out is the request's record. */
MUST enum rc ca_revoke(struct ca *ca, const struct ca_revocation *r,
    struct request_rec **out, struct err *e);
/* Release from hold. A certificate that is not on hold gives RC_OK with
 * extdata result = 2 and error set. */
MUST enum rc ca_unrevoke(struct ca *ca, const struct num *serial,
    const struct principal *who, struct request_rec **out, struct err *e);

/* Decodes a certificate's record into the arena. RC_NOTFOUND. */
MUST enum rc ca_cert_get(struct ca *ca, const struct num *serial,
    struct cert_rec *out, struct arena *a, struct err *e);
MUST enum rc ca_request_get(struct ca *ca, const struct num *id,
    struct request_rec **out, struct err *e);

/* --- OCSP (RFC 6960; spec ca 2.8) --------------------------------------- */

/* A ready answer to these request bytes, appended; RC_NOTFOUND when there is
 * none: then ca_ocsp makes one. Never blocks on store or token. */
MUST enum rc ca_ocsp_ready(struct ca *ca, struct view request, struct buf *out);
/* Always appends an answer (an error answer for what cannot be read). */
void ca_ocsp(struct ca *ca, struct view request, struct buf *out);

/* --- maintenance -------------------------------------------------------- */

/* INVALID -> VALID, VALID -> EXPIRED, REVOKED -> REVOKED_EXPIRED at their dates
 * (spec ca 5.1). */
MUST enum rc ca_update_statuses(struct ca *ca, int64_t now, struct err *e);

#endif
