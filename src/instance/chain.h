/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h - the issuers that a TLS server sends beside its certificate. */
#ifndef INSTANCE_CHAIN_H
#define INSTANCE_CHAIN_H

#include "base/arena.h"
#include "keys/keystore.h"

/* The issuers of leaf (DER) found in ks, nearest first, copied into the arena:
 * up to max, without the root that ends the chain (RFC 8446 4.4.2). *n may be
 * 0. */
MUST enum rc chain_issuers(struct keystore *ks, struct view leaf,
    struct view *out, size_t max, size_t *n, struct arena *a, struct err *e);

#endif
