/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - time as an injected struct: rules are given one and never ask the
 * system. Times are int64_t: seconds since 1970 (UTC), or milliseconds where
 * the name ends in _ms. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*now_ms)(void *arg);  /* wall clock */
	int64_t (*mono_ms)(void *arg); /* never goes back */
	void *arg;
};

/* The system's clock. */
extern const struct clock clock_system;

static inline int64_t
clock_now_ms(const struct clock *c)
{
	return c->now_ms(c->arg);
}

static inline int64_t
clock_now(const struct clock *c)
{
	return c->now_ms(c->arg) / 1000;
}

static inline int64_t
clock_mono_ms(const struct clock *c)
{
	return c->mono_ms(c->arg);
}

/* Broken-down UTC. month 1..12. */
struct civil {
	int year, month, day, hour, minute, second, weekday; /* 0 = Sunday */
};

/* Exact for years 1..9999; no leap seconds. */
struct civil civil_of(int64_t t);
int64_t civil_to(const struct civil *c);
/* Adds calendar months (day clipped to the month's length). */
int64_t civil_add_months(int64_t t, int64_t months);

enum {
	CLOCK_TEXT_MAX = 48
};
/* "20261121200700Z" */
const char *clock_text_dir(char out[CLOCK_TEXT_MAX], int64_t t);
/* "Tue Nov 14 22:13:20 UTC 2023" */
const char *clock_text_java(char out[CLOCK_TEXT_MAX], int64_t t);
/* "2023-11-14 22:13:20" and with " +0000" behind it */
const char *clock_text_iso(char out[CLOCK_TEXT_MAX], int64_t t);
const char *clock_text_iso_zone(char out[CLOCK_TEXT_MAX], int64_t t);

#endif
