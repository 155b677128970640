/* SPDX-License-Identifier: Apache-2.0 */
/* cms.h - certs-only PKCS #7 (RFC 5652 5, degenerate SignedData): chains of
 * certificates, and CRLs. Written as DER but for the order of certificates,
 * which stays as given (as OpenSSL and NSS do); read through libcrypto, for it
 * may arrive as BER. */
#ifndef X509_CMS_H
#define X509_CMS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum {
	CMS_DER_MAX = 4 * 1024 * 1024,
	CMS_CERTS_MAX = 64,
};

/* Appends a ContentInfo with these certificates and CRLs (whole elements). */
void cms_certs_put(struct buf *out, const struct view *certs, size_t n_certs,
    const struct view *crls, size_t n_crls);
/* The certificates of a PKCS #7 message in their order, copied into the arena:
 * up to max written to out, their number to *n. RC_TOOBIG when there are more
 * than max or than CMS_CERTS_MAX. */
MUST enum rc cms_certs_parse(struct view *out, size_t max, size_t *n,
    struct view der, struct arena *a, struct err *e);
/* A file with certificates in any usual form: PEM blocks CERTIFICATE or PKCS7,
 * bare base64 of either, DER of either. */
MUST enum rc cms_certs_any(struct view *out, size_t max, size_t *n,
    struct view file, struct arena *a, struct err *e);
/* Orders a chain in place: leaf first, then each issuer by name. Certificates
 * that do not belong to the chain keep their order behind it. */
MUST enum rc cms_chain_order(struct view *certs, size_t n, struct err *e);

#endif
