/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - names of tokens and "token:nickname" (spec deployment 1.4). */
#ifndef KEYS_NAMES_H
#define KEYS_NAMES_H

#include "base/view.h"

/* The name by which this room gives the NSS database. */
#define NAMES_INTERNAL "internal"
/* The name that listings show for it. */
#define NAMES_INTERNAL_LONG "Internal Key Storage Token"

/* NULL, "", "internal", "Internal Key Storage Token" in any case. */
bool names_is_internal(const char *token);
/* Do two names mean the same token? Aliases of the internal token do; other
 * names are compared byte by byte. */
bool names_same(const char *a, const char *b);
/* Splits "token:nickname" at its first colon: the length of the token's name
 * is returned and *nick points behind the colon; without a colon 0, *nick =
 * the whole name. Whether the part is a token is for the caller to know: a
 * nickname may hold a colon. */
size_t names_split(const char *name, const char **nick);

#endif
