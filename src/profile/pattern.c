/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.c - expand "$set.name$" tokens (spec profiles 6).
 * Owns:    nothing.
 * Trusts:  neither the pattern nor the values; it does not escape them.
 * Threads: pure. */
#include "profile/pattern.h"

#include <string.h>

/* Expands the token whose text (without dollar signs) is s[0..n). */
static enum rc
expand_token(struct buf *out, const char *s, size_t n,
    const char *(*value)(void *arg, const char *set, const char *name),
    void *arg, struct err *e)
{
	char token[PATTERN_TOKEN_MAX];
	const char *v;
	char *dot;

	if (n >= sizeof(token))
		return err_set(e, RC_INVALID, "pattern: token too long");
	memcpy(token, s, n);
	token[n] = '\0';
	dot = strchr(token, '.');
	if (dot == NULL)
		return err_set(
		    e, RC_INVALID, "pattern: token $%s$ without a dot", token);
	*dot = '\0';
	v = value(arg, token, dot + 1);
	if (v != NULL)
		buf_add_str(out, v);
	else
		buf_add(out, s - 1, n + 2);
	return RC_OK;
}

enum rc
pattern_expand(struct buf *out, const char *pattern,
    const char *(*value)(void *arg, const char *set, const char *name),
    void *arg, struct err *e)
{
	const char *p = pattern, *from, *to;
	enum rc rc;

	while ((from = strchr(p, '$')) != NULL) {
		buf_add(out, p, (size_t)(from - p));
		to = strchr(from + 1, '$');
		if (to == NULL)
			return err_set(
			    e, RC_INVALID, "pattern: unterminated '$'");
		rc = expand_token(
		    out, from + 1, (size_t)(to - from - 1), value, arg, e);
		if (rc != RC_OK)
			return rc;
		p = to + 1;
	}
	buf_add_str(out, p);
	return buf_check(out, e);
}

bool
pattern_is_token(const char *pattern)
{
	size_t n = strlen(pattern);

	return n > 2 && pattern[0] == '$' && pattern[n - 1] == '$' &&
	    memchr(pattern + 1, '$', n - 2) == NULL &&
	    memchr(pattern + 1, '.', n - 2) != NULL;
}
