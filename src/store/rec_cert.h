/* SPDX-License-Identifier: Apache-2.0 */
/* rec_cert.h - the certificate record (spec directory 2.6) and its status. */
#ifndef STORE_REC_CERT_H
#define STORE_REC_CERT_H

#include "base/arena.h"
#include "store/store.h"

enum cert_status {
	CERT_VALID,
	CERT_INVALID, /* not yet valid */
	CERT_EXPIRED,
	CERT_REVOKED,
	CERT_REVOKED_EXPIRED,
};
const char *cert_status_text(enum cert_status s); /* "VALID" ... */
/* The reverse; RC_INVALID for any other text. */
MUST enum rc cert_status_parse(
    enum cert_status *out, const char *s, struct err *e);

/* RFC 5280 5.3.1 reason codes with the labels of REST and command line. */
enum {
	REASON_UNSPECIFIED = 0,
	REASON_KEY_COMPROMISE = 1,
	REASON_CA_COMPROMISE = 2,
	REASON_AFFILIATION_CHANGED = 3,
	REASON_SUPERSEDED = 4,
	REASON_CESSATION = 5,
	REASON_HOLD = 6,
	REASON_REMOVE_FROM_CRL = 8,
	REASON_PRIVILEGE_WITHDRAWN = 9,
	REASON_AA_COMPROMISE = 10,
};
const char *reason_label(int reason); /* "Key_Compromise"; NULL if unknown */
int reason_find(const char *label);   /* case-insensitive; -1 if unknown */

struct revocation {
	int64_t date;
	int reason;         /* REASON_x */
	int64_t invalidity; /* 0 = absent */
	const char *by;
	int64_t recorded; /* revokedOn */
};

/* Decoded form; texts and views live in the arena given to cert_rec_decode. */
struct cert_rec {
	struct num serial;
	enum cert_status status;
	int64_t created, modified;
	int64_t not_before, not_after;
	const char *subject,
	    *issuer; /* text; issuer may be NULL (old records) */
	const char *issued_by;
	const char *request_id; /* hex, of metaInfo; NULL if none */
	const char *profile_id;
	const char *const *meta;       /* all "name:value", NULL-terminated */
	const char *key_oid, *sig_oid; /* dotted */
	const char *const
	    *extensions; /* texts for the index, NULL-terminated */
	struct view spki, der;
	bool auto_renew;
	bool revoked; /* rev is meaningful */
	struct revocation rev;
	uint64_t usn;
};
MUST enum rc cert_rec_decode(
    struct cert_rec *out, const struct rec *r, struct arena *a, struct err *e);
/* A new record for CHANGE_ADD. */
struct rec *cert_rec_encode(const struct cert_rec *c);
/* The status that follows from revocation and dates at time now. */
enum cert_status cert_rec_status(const struct cert_rec *c, int64_t now);

/* "20261121200700Z;CRLReasonExtension=1;InvalidityDateExtension=..." */
MUST enum rc revocation_parse(
    struct revocation *out, const char *rev_info, struct err *e);
void revocation_text(struct buf *out, const struct revocation *r);

#endif
