/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - names of tokens and "token:nickname".
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: pure functions. */
#include "keys/names.h"

#include "base/text.h"

bool
names_is_internal(const char *token)
{
	return token == NULL || token[0] == '\0' ||
	    text_ieq(token, NAMES_INTERNAL) ||
	    text_ieq(token, NAMES_INTERNAL_LONG);
}

bool
names_same(const char *a, const char *b)
{
	if (names_is_internal(a) || names_is_internal(b))
		return names_is_internal(a) && names_is_internal(b);
	return strcmp(a, b) == 0;
}

size_t
names_split(const char *name, const char **nick)
{
	const char *colon = strchr(name, ':');

	if (colon == NULL) {
		*nick = name;
		return 0;
	}
	*nick = colon + 1;
	return (size_t)(colon - name);
}
