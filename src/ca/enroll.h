/* SPDX-License-Identifier: Apache-2.0 */
/* enroll.h - the steps of issuing that enrolment and agents' approval share. */
#ifndef CA_ENROLL_H
#define CA_ENROLL_H

#include "ca/state.h"

/* Completes a template (serial number, issuer, validity within the CA's) and
 * appends the signed certificate. */
MUST enum rc ca_sign_template(
    struct ca *ca, struct cert_template *t, struct buf *der, struct err *e);
/* Signs t; *out is the certificate's record for the caller's batch, in the order
 * that the decision needs; the audit line goes to b, r becomes complete in
 * memory only. by: uid for issuedBy. */
MUST enum rc ca_issue(struct ca *ca, struct request_rec *r,
    struct cert_template *t, const char *by, struct batch *b, struct rec **out,
    struct err *e);
/* The record of a certificate issued now; texts live in the arena, der and meta
 * are borrowed. */
MUST enum rc ca_cert_record(struct cert_rec *c, struct view der,
    const char *issued_by, const char *const *meta, int64_t now,
    struct arena *a, struct err *e);

#endif
