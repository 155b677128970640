/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp_impl.h - what ocsp.c and ocsp_response.c share. */
#ifndef X509_OCSP_IMPL_H
#define X509_OCSP_IMPL_H

#include "x509/ocsp.h"

/* Takes the next CertID. */
MUST enum rc ocsp_id_read(struct view *r, struct ocsp_id *out, struct err *e);
/* The octets in a nonce extension's value. */
MUST enum rc ocsp_nonce_read(
    struct view *nonce, struct view value, struct err *e);

#endif
