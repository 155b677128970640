/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory of one request: allocated piece by piece, freed at once.
 * An arena has one owner thread and a cap; what would pass the cap gets NULL. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/view.h"

struct arena;

enum {
	ARENA_MAX_DEFAULT = 32 * 1024 * 1024
};

/* A new arena of at most max bytes (0 = ARENA_MAX_DEFAULT), or NULL. */
struct arena *arena_new(size_t max);
/* Frees the arena and all it gave out. */
void arena_free(struct arena *a);
/* Frees all it gave out but the first block; for reuse by the next request. */
void arena_reset(struct arena *a);
OWNED(arena)

/* Zeroed memory aligned for any type, or NULL when the cap or memory is out. */
void *arena_alloc(struct arena *a, size_t n, size_t size);
/* A NUL-terminated copy; NULL when memory is out. arena_str: NULL in, NULL out.
 * arena_view: bytes with a NUL behind them; refuses nothing. */
char *arena_str(struct arena *a, const char *s);
char *arena_view(struct arena *a, struct view v);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

#endif
