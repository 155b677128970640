/* SPDX-License-Identifier: Apache-2.0 */
/* pki_ca_cert.h - shared by the files of the ca-cert-* family. */
#ifndef TOOLS_PKI_CA_CERT_H
#define TOOLS_PKI_CA_CERT_H

#include "base/text.h"
#include "tools/pki.h"

/* CRLReason number of "Key_Compromise" ... in any case; -1 = unknown. */
int cert_reason_code(const char *label);
/* The label as the server wants it; NULL = unknown. */
const char *cert_reason_label(const char *label);
/* A serial number the user typed as "0x1a", fit for a path. */
MUST enum rc cert_serial(
    const char *text, char out[NUM_TEXT_MAX], struct err *e);

extern const struct opt cert_find_opts[];
/* Runs ca-cert-find with these options. */
MUST enum rc cert_find_run(struct pki *p, const struct args *a, struct err *e);

/* ca-cert-status, ocsp-cert-verify (pki_ocsp.c) */
extern const struct opt cert_status_opts[], ocsp_verify_opts[];
MUST enum rc cert_status_run(
    struct pki *p, const struct args *a, struct err *e);
MUST enum rc ocsp_verify_run(
    struct pki *p, const struct args *a, struct err *e);

#endif
