/* SPDX-License-Identifier: Apache-2.0 */
/* regex.h - Java regular expressions of users' profiles and access rules, matched
 * by PCRE2 with limits (a pattern must not hang the server). */
#ifndef BASE_REGEX_H
#define BASE_REGEX_H

#include "base/err.h"
#include "base/view.h"

enum {
	REGEX_PATTERN_MAX = 4096,
	REGEX_MATCH_LIMIT = 200000, /* internal match calls */
	REGEX_DEPTH_LIMIT = 5000,
	REGEX_HEAP_KIB = 4096,
};

/* *match: the whole of text matches pattern. RC_INVALID for a pattern that
 * does not compile or a match that ran into a limit. */
MUST enum rc regex_match(
    bool *match, const char *pattern, const char *text, struct err *e);
/* As regex_match, but it is enough that a part of text matches. */
MUST enum rc regex_find(
    bool *match, const char *pattern, const char *text, struct err *e);
/* Does it compile? */
MUST enum rc regex_check(const char *pattern, struct err *e);

#endif
