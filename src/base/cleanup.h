/* SPDX-License-Identifier: Apache-2.0 */
/* cleanup.h - locals that free themselves.
 *
 * A module with `void thing_free(struct thing *)` says OWNED(thing) in its
 * header; users write `AUTO(thing) t = NULL;` and hand the object on with
 * thing_steal(&t). An AUTO variable is initialised where it is declared. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTO(t) __attribute__((cleanup(t##_freep))) struct t *

#define OWNED(t)                                                   \
	static inline void t##_freep(struct t **p)                 \
	{                                                          \
		t##_free(*p);                                      \
		*p = NULL;                                         \
	}                                                          \
	__attribute__((unused)) static inline struct t *t##_steal( \
	    struct t **p)                                          \
	{                                                          \
		struct t *x = *p;                                  \
		*p = NULL;                                         \
		return x;                                          \
	}

static inline void
str_freep(char **p)
{
	free(*p);
	*p = NULL;
}

static inline char *
str_steal(char **p)
{
	char *x = *p;
	*p = NULL;
	return x;
}

static inline void
fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void
file_closep(FILE **f)
{
	if (*f != NULL)
		fclose(*f);
	*f = NULL;
}

/* A malloc'ed string, a descriptor (-1 = none), a FILE. */
#define AUTO_STR __attribute__((cleanup(str_freep))) char *
#define AUTO_FD __attribute__((cleanup(fd_closep))) int
#define AUTO_FILE __attribute__((cleanup(file_closep))) FILE *

#endif
