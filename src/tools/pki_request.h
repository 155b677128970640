/* SPDX-License-Identifier: Apache-2.0 */
/* pki_request.h - certificate requests to a CA, and the local client commands
 * that several families share. */
#ifndef TOOLS_PKI_REQUEST_H
#define TOOLS_PKI_REQUEST_H

#include "tools/pki.h"

/* What is asked of a profile; every member may be NULL. */
struct request {
	const char *profile;
	const char *type;      /* pkcs10, crmf */
	const char *csr;       /* text */
	const char *serial;    /* of the certificate to renew */
	const char *subject;   /* for profiles with a subject input; without it
			      * the one of a PKCS #10 csr is taken */
	const char *dns_names; /* comma list */
	const char *requestor;
	const char *user;
	const struct secret *password, *pin;
	const char *issuer_id, *issuer_dn;
	bool renewal;
};

/* Fetches the profile's template and fills it; the caller owns *out. */
MUST enum rc request_fill(
    struct pki *p, json_t **out, const struct request *r, struct err *e);
/* What is in r but the profile into a body that is there already. */
MUST enum rc request_complete(
    json_t *body, const struct request *r, struct err *e);
/* Posts it; *info (owned by the caller) is the first CertRequestInfo. */
MUST enum rc request_post(struct pki *p, json_t *body, const struct request *r,
    json_t **info, struct err *e);
/* Approves a pending request with the caller's own credentials and fetches its
 * CertRequestInfo anew. */
MUST enum rc request_approve(
    struct pki *p, const char *id, json_t **info, struct err *e);
/* The certificate of a completed request as DER, appended. */
MUST enum rc request_cert(
    struct pki *p, const json_t *info, struct buf *der, struct err *e);

/* ca-cert-issue */
extern const struct opt request_issue_opts[];
MUST enum rc request_issue_run(
    struct pki *p, const struct args *a, struct err *e);
/* client-cert-request */
extern const struct opt client_request_opts[];
MUST enum rc client_request_run(
    struct pki *p, const struct args *a, struct err *e);

/* Makes the database; *made = false when the user said no. */
MUST enum rc client_init(struct pki *p, bool force, bool *made, struct err *e);
/* Which certificates a list is of, and how it looks. */
struct client_list {
	const char *subject, *issuer; /* as text; NULL = any */
	bool ca_only;
	bool bare; /* the entries alone, without their number in frames */
};
MUST enum rc client_cert_list(
    struct pki *p, const struct client_list *want, struct err *e);
/* Prints one and appends its DER. */
MUST enum rc client_cert_show(
    struct pki *p, const char *nickname, struct buf *der, struct err *e);

#endif
