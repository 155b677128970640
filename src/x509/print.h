/* SPDX-License-Identifier: Apache-2.0 */
/* print.h - certificates, requests and lists as text for people, through
 * libcrypto's printers. Never parsed again by anybody. */
#ifndef X509_PRINT_H
#define X509_PRINT_H

#include "base/buf.h"
#include "base/err.h"

/* Append the text; RC_INVALID when der is not such an object. */
MUST enum rc print_cert(struct buf *out, struct view der, struct err *e);
MUST enum rc print_req(struct buf *out, struct view der, struct err *e);
/* A CRL's header and entries [first, first + count). */
MUST enum rc print_crl(struct buf *out, struct view der, size_t first,
    size_t count, struct err *e);
/* "AB:CD:..." lines of hex, width octets a line. */
void print_hex(struct buf *out, struct view v, size_t width);

#endif
