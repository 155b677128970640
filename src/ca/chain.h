/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h - the CA's certificate and those above it. */
#ifndef CA_CHAIN_H
#define CA_CHAIN_H

#include "ca/state.h"

struct keystore;

/* Finds the issuers of the signing certificate in the database, up to a root or
 * as far as they are there. */
MUST enum rc ca_chain_load(struct ca *ca, struct keystore *ks, struct err *e);
void ca_chain_done(struct ca *ca);
/* Appends a PKCS #7 message: leaf (empty: none), the CA's certificate and its
 * issuers. */
MUST enum rc ca_chain_put(
    const struct ca *ca, struct buf *out, struct view leaf, struct err *e);

#endif
