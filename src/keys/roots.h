/* SPDX-License-Identifier: Apache-2.0 */
/* roots.h - the certificates of a keystore that are trusted to issue others. */
#ifndef KEYS_ROOTS_H
#define KEYS_ROOTS_H

#include "keys/keystore.h"

enum {
	ROOTS_MAX = 256
};
struct roots {
	struct view items[ROOTS_MAX]; /* DER, owned */
	size_t n;
};
/* Every certificate whose TLS column (the first) has one of the flags: "C"
 * issuers of servers' certificates, "T" of clients'. */
MUST enum rc roots_load(
    struct roots **out, struct keystore *ks, const char *flags, struct err *e);
void roots_free(struct roots *r);
OWNED(roots)

#endif
