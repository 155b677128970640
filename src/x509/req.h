/* SPDX-License-Identifier: Apache-2.0 */
/* req.h - PKCS #10 certification requests (RFC 2986), taken apart strictly.
 * The caller checks possession: spki_verify(r.spki, req_sigalg(&r), r.tbs,
 * r.sig) of keys/. Text forms (PEM, bare base64) go through text_pem first. */
#ifndef X509_REQ_H
#define X509_REQ_H

#include "x509/ext.h"

enum {
	REQ_DER_MAX = 64 * 1024,
	REQ_ATTRS_MAX = 32,
};

struct req {
	struct view der;
	struct view tbs;     /* whole CertificationRequestInfo */
	struct view subject; /* whole Name */
	struct view spki;    /* whole SubjectPublicKeyInfo */
	struct view attrs;   /* contents of [0] attributes */
	struct view exts;   /* contents of the requested Extensions, or empty */
	struct view sigalg; /* whole AlgorithmIdentifier */
	struct view sig;    /* signature octets */
};

/* Only the extensionRequest attribute is looked into; a second one, a repeated
 * extension or a malformed Name is RC_INVALID. */
MUST enum rc req_parse(struct req *out, struct view der, struct err *e);
/* SIGALG_COUNT when not one of ours. */
enum sigalg req_sigalg(const struct req *r);

/* Appends a CertificationRequestInfo; exts may be NULL or empty (then there is
 * no extensionRequest attribute). key_sign_object makes the request of it. */
void req_tbs_put(struct buf *out, struct view subject, struct view spki,
    const struct ext_list *exts);

/* Signed public key and challenge of browsers' <keygen> (SPKAC). */
struct spkac {
	struct view tbs; /* whole PublicKeyAndChallenge */
	struct view spki;
	struct view challenge; /* IA5 characters */
	struct view sigalg;
	struct view sig;
};
MUST enum rc spkac_parse(struct spkac *out, struct view der, struct err *e);

#endif
