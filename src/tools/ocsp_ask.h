/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp_ask.h - the client's side of OCSP, shared by OCSPClient and pki. */
#ifndef TOOLS_OCSP_ASK_H
#define TOOLS_OCSP_ASK_H

#include "http/client.h"
#include "x509/cert.h"
#include "x509/ocsp.h"

enum {
	OCSP_WORD_MAX = 32
};

/* Appends a request for one certificate of that issuer (SHA-256 CertID, no
 * nonce). */
MUST enum rc ocsp_ask_request(struct buf *out, const struct cert *issuer,
    const struct num *serial, struct err *e);
/* Posts a request; the answer's bytes are appended. RC_UNAVAILABLE when the
 * responder cannot be reached or answers with another status than 200. */
MUST enum rc ocsp_ask_post(struct http_client *c, const char *url,
    struct view request, struct buf *answer, struct err *e);
/* Parses an answer. RC_INVALID "OCSPResponseStatus: INTERNAL_ERROR" when it is
 * an error answer. With an issuer the signature is checked: by the issuer's key
 * or by a certificate inside that the issuer signed for OCSP signing. */
MUST enum rc ocsp_ask_check(struct ocsp_response *out, struct view der,
    const struct cert *issuer, struct err *e);
/* Good, Revoked, Unknown */
const char *ocsp_ask_word(enum ocsp_status s);

#endif
