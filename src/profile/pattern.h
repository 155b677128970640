/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h - text with tokens "$set.name$" (spec profiles 6). */
#ifndef PROFILE_PATTERN_H
#define PROFILE_PATTERN_H

#include "base/buf.h"
#include "base/err.h"

enum {
	PATTERN_TOKEN_MAX = 256
};

/* Appends pattern with each token replaced by value(arg, set, name); one for
 * which that gives NULL is copied literally, dollar signs included. One pass,
 * no escaping. The first dot of a token separates set and name. RC_INVALID for
 * an unterminated '$', a token without a dot or longer than
 * PATTERN_TOKEN_MAX. */
MUST enum rc pattern_expand(struct buf *out, const char *pattern,
    const char *(*value)(void *arg, const char *set, const char *name),
    void *arg, struct err *e);
/* The whole pattern is one token. */
bool pattern_is_token(const char *pattern);

#endif
