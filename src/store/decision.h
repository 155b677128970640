/* SPDX-License-Identifier: Apache-2.0 */
/* decision.h - what was decided about a certificate, and what follows from all
 * of it (design.md, law 4; spec directory 4.8). A revocation or a release is an
 * added request and so survives every merge; what the certificate's record says
 * can be lost to a later write of another replica. So the record is derived:
 * from the requests that name the certificate (requestSourceId "cert:<decimal
 * serial>", which is indexed) and from the revInfo values it still has, which
 * is all there is of another vendor's revocations. */
#ifndef STORE_DECISION_H
#define STORE_DECISION_H

#include "store/merge.h"
#include "store/rec_request.h"

/* Makes r the record of that decision about that certificate. RC_NOMEM. */
MUST enum rc decision_write(struct request_rec *r, const struct num *serial,
    const struct merge_decision *d, struct err *e);
/* The reverse; its texts live as long as r. false: this request decides
 * nothing (of another type, not complete, refused, or it names none). */
bool decision_read(struct merge_decision *out, const struct request_rec *r);
/* The certificate a stored request decides about; false: none. Cheap. */
bool decision_serial(struct num *out, const struct rec *request);

/* What holds of a certificate. */
struct ruling {
	bool any;                /* was anything ever decided? */
	struct merge_decision d; /* texts live in the arena */
};
/* From all requests in the store and from c, the record as read. */
MUST enum rc ruling_load(struct ruling *out, struct store *s,
    const struct cert_rec *c, struct arena *a, struct err *e);
/* Is it revoked or on hold? */
bool ruling_revoked(const struct ruling *r);
/* The date for a new decision taken now: above that of the last one, so that it
 * rules whatever the clocks of the hosts say (a permanent revocation rules by
 * itself and has the date of now). */
int64_t ruling_next_date(const struct ruling *r, bool permanent, int64_t now);

/* Does the record r, decoded as c, say what the ruling says? The calendar is
 * left to status maintenance: EXPIRED or not is no fault. */
bool ruling_kept(
    const struct ruling *x, const struct cert_rec *c, const struct rec *r);
/* Appends the modification that makes record c say it, at time now. */
void ruling_write(struct batch *b, const struct ruling *x,
    const struct cert_rec *c, int64_t now);

#endif
