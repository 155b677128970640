/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - memory of one request in a list of blocks.
 * Owns:    its blocks and all it gave out.
 * Trusts:  nothing; sizes are checked, the sum is capped.
 * Threads: an arena has one owner. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>

enum {
	ALIGN = alignof(max_align_t),
	BLOCK_SIZE = 16 * 1024,
};

struct block {
	struct block *next; /* older */
	size_t size, used;
	alignas(max_align_t) uint8_t data[];
};

struct arena {
	struct block *top;
	size_t given, max;
};

static struct block *
block_new(size_t size)
{
	struct block *b = malloc(sizeof(*b) + size);

	if (b != NULL)
		*b = (struct block){ NULL, size, 0 };
	return b;
}

struct arena *
arena_new(size_t max)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->max = max != 0 ? max : ARENA_MAX_DEFAULT;
	a->top = block_new(BLOCK_SIZE);
	if (a->top == NULL) {
		free(a);
		return NULL;
	}
	return a;
}

/* Frees all blocks above the first one. */
static void
drop(struct arena *a)
{
	struct block *b;

	while ((b = a->top)->next != NULL) {
		a->top = b->next;
		free(b);
	}
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	drop(a);
	free(a->top);
	free(a);
}

void
arena_reset(struct arena *a)
{
	drop(a);
	a->top->used = 0;
	a->given = 0;
}

/* n bytes, n a multiple of ALIGN. */
static void *
take(struct arena *a, size_t n)
{
	struct block *b = a->top;
	void *p;

	if (n > a->max - a->given)
		return NULL;
	if (n > b->size - b->used) {
		b = block_new(n > BLOCK_SIZE ? n : BLOCK_SIZE);
		if (b == NULL)
			return NULL;
		b->next = a->top;
		a->top = b;
	}
	p = b->data + b->used;
	b->used += n;
	a->given += n;
	return p;
}

void *
arena_alloc(struct arena *a, size_t n, size_t size)
{
	size_t len;
	void *p;

	if (__builtin_mul_overflow(n, size, &len) || len > a->max)
		return NULL;
	len = len == 0 ? ALIGN : (len + ALIGN - 1) / ALIGN * ALIGN;
	p = take(a, len);
	if (p != NULL)
		memset(p, 0, len);
	return p;
}

char *
arena_view(struct arena *a, struct view v)
{
	char *s;

	if (v.len >= a->max)
		return NULL;
	s = arena_alloc(a, v.len + 1, 1);
	if (s != NULL && v.len > 0)
		memcpy(s, v.data, v.len);
	return s;
}

char *
arena_str(struct arena *a, const char *s)
{
	return s != NULL ? arena_view(a, view_str(s)) : NULL;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	s = arena_alloc(a, (size_t)n + 1, 1);
	if (s == NULL)
		return NULL;
	va_start(ap, fmt);
	n = vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}
