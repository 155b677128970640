/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - the system clock and calendar arithmetic (proleptic Gregorian).
 * Owns:    nothing.
 * Trusts:  nothing; times outside years 1..9999 are clamped into them.
 * Threads: any. */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

enum {
	DAY = 86400,
	ERA_DAYS = 146097,    /* of 400 years */
	EPOCH_SHIFT = 719468, /* days from 0000-03-01 to 1970-01-01 */
};

static const int64_t time_min = INT64_C(-62135596800); /* 0001-01-01 */
static const int64_t time_max = INT64_C(253402300799); /* 9999-12-31 */

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		return 0; /* both clocks always exist on Linux */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t
system_now(void *arg)
{
	(void)arg;
	return read_clock(CLOCK_REALTIME);
}

static int64_t
system_mono(void *arg)
{
	(void)arg;
	return read_clock(CLOCK_MONOTONIC);
}

const struct clock clock_system = { system_now, system_mono, NULL };

/* Years count from March, so that the leap day ends one. */
static int64_t
days_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, yoe = y - era * 400;
	int64_t doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return era * ERA_DAYS + yoe * 365 + yoe / 4 - yoe / 100 + doy -
	    EPOCH_SHIFT;
}

struct civil
civil_of(int64_t t)
{
	int64_t days, secs, doe, yoe, doy, mp, year;
	struct civil c;

	t = t < time_min ? time_min : t > time_max ? time_max : t;
	days = t / DAY;
	secs = t % DAY;
	if (secs < 0) {
		secs += DAY;
		days--;
	}
	c.weekday = (int)((days % 7 + 11) % 7);
	days += EPOCH_SHIFT;
	doe = days % ERA_DAYS;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	year = days / ERA_DAYS * 400 + yoe;
	c.year = (int)(c.month <= 2 ? year + 1 : year);
	c.hour = (int)(secs / 3600);
	c.minute = (int)(secs % 3600 / 60);
	c.second = (int)(secs % 60);
	return c;
}

int64_t
civil_to(const struct civil *c)
{
	return days_of(c->year, c->month, c->day) * DAY +
	    (int64_t)c->hour * 3600 + (int64_t)c->minute * 60 + c->second;
}

static int
month_days(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

int64_t
civil_add_months(int64_t t, int64_t months)
{
	struct civil c = civil_of(t);
	int64_t n, year;
	int last;

	if (months > 12 * 9999)
		return time_max;
	if (months < -12 * 9999)
		return time_min;
	n = (int64_t)c.year * 12 + c.month - 1 + months;
	year = n / 12;
	if (year > 9999)
		return time_max;
	if (n < 12)
		return time_min;
	c.year = (int)year;
	c.month = (int)(n % 12) + 1;
	last = month_days(year, c.month);
	if (c.day > last)
		c.day = last;
	return civil_to(&c);
}

/* Appends v in decimal with leading zeros. */
static char *
put_digits(char *p, int v, int width)
{
	int i;

	for (i = width - 1; i >= 0; i--, v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + width;
}

/* Without snprintf: this is the form of every date in DER, where it is most of
 * the cost of an OCSP answer or a CRL entry. */
const char *
clock_text_dir(char out[CLOCK_TEXT_MAX], int64_t t)
{
	struct civil c = civil_of(t);
	char *p = out;

	p = put_digits(p, c.year, 4);
	p = put_digits(p, c.month, 2);
	p = put_digits(p, c.day, 2);
	p = put_digits(p, c.hour, 2);
	p = put_digits(p, c.minute, 2);
	p = put_digits(p, c.second, 2);
	*p++ = 'Z';
	*p = '\0';
	return out;
}

const char *
clock_text_java(char out[CLOCK_TEXT_MAX], int64_t t)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct civil c = civil_of(t);

	(void)snprintf(out, CLOCK_TEXT_MAX, "%s %s %02d %02d:%02d:%02d UTC %d",
	    days[c.weekday], months[c.month - 1], c.day, c.hour, c.minute,
	    c.second, c.year);
	return out;
}

static const char *
iso(char out[CLOCK_TEXT_MAX], int64_t t, const char *zone)
{
	struct civil c = civil_of(t);

	(void)snprintf(out, CLOCK_TEXT_MAX, "%04d-%02d-%02d %02d:%02d:%02d%s",
	    c.year, c.month, c.day, c.hour, c.minute, c.second, zone);
	return out;
}

const char *
clock_text_iso(char out[CLOCK_TEXT_MAX], int64_t t)
{
	return iso(out, t, "");
}

const char *
clock_text_iso_zone(char out[CLOCK_TEXT_MAX], int64_t t)
{
	return iso(out, t, " +0000");
}
