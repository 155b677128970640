/* SPDX-License-Identifier: Apache-2.0 */
/* view.h - bytes that somebody else owns: pointer and length as one value.
 * A view never owns; it is valid as long as what it looks at. data may be NULL
 * only when len is 0. */
#ifndef BASE_VIEW_H
#define BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const uint8_t *data;
	size_t len;
};

static inline struct view
view_of(const void *data, size_t len)
{
	return (struct view){ data, len };
}

/* The characters of s without its NUL; NULL gives the empty view. */
static inline struct view
view_str(const char *s)
{
	return (struct view){ (const uint8_t *)s, s != NULL ? strlen(s) : 0 };
}

static inline bool
view_eq(struct view a, struct view b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool
view_is(struct view a, const char *s)
{
	return view_eq(a, view_str(s));
}

/* memcmp order, a shorter prefix first. */
static inline int
view_cmp(struct view a, struct view b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n > 0 ? memcmp(a.data, b.data, n) : 0;

	if (c != 0)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

/* A malloc'ed NUL-terminated copy; NULL when v holds a NUL byte or memory is
 * out. */
char *view_dup_str(struct view v);

/* "%.*s" arguments: printf("%.*s", VIEW_ARGS(v)). */
#define VIEW_ARGS(v) (int)(v).len, (const char *)(v).data

#endif
