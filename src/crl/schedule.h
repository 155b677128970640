/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h - when the CRLs of an issuing point are made (spec ca 4.1). Pure
 * functions of settings and times; all times are seconds since 1970, days and
 * times of day are UTC. A schedule is plain data without owner. */
#ifndef CRL_SCHEDULE_H
#define CRL_SCHEDULE_H

#include "base/cfg.h"

enum {
	SCHEDULE_TIMES_MAX = 400, /* in all days of dailyUpdates */
	SCHEDULE_DAYS_MAX = 31,
	SCHEDULE_MINUTES_MAX = 10 * 366 * 24 * 60, /* of any interval */
	SCHEDULE_SCHEMA_MAX = 10000,
};
/* "not at all": later than every date. */
#define SCHEDULE_NEVER INT64_MAX

struct schedule_time {
	int32_t offset; /* seconds from the start of the first day */
	bool full;      /* marked '*' */
};

struct schedule {
	bool always;      /* alwaysUpdate: a list at each revocation */
	int64_t interval; /* seconds between two lists, 0 = no such rule */
	int64_t distance; /* shortest distance of two lists, seconds */
	int64_t grace;    /* added to nextUpdate, seconds */
	int64_t late;     /* nextAsThisUpdateExtension, seconds */
	bool extended;    /* nextUpdate of a full list: the next full one */
	bool deltas;      /* set by the caller: delta lists are made too */
	int64_t schema;   /* with deltas a full list every so many */
	bool marked;      /* some time is marked '*' */
	int32_t days;     /* dailyUpdates repeats after so many, 0 = no rule */
	size_t count;
	struct schedule_time times[SCHEDULE_TIMES_MAX]; /* ascending */
};

/* Reads ca.crl.<id>.* ; absent names take the shipped values, dailyUpdates is
 * "" when absent. RC_INVALID names the setting. */
MUST enum rc schedule_load(
    struct schedule *out, const struct cfg *c, const char *id, struct err *e);
/* dailyUpdates alone: "1:00,13:00", "1:00;13:00" (two days in turn, the first
 * one where days since 1970 divide), "*0:00,6:00". Ascending within a day. */
MUST enum rc schedule_parse_daily(
    struct schedule *out, const char *text, struct err *e);

/* The first scheduled time after t that keeps the shortest distance from t;
 * SCHEDULE_NEVER when there is no rule. */
int64_t schedule_after(const struct schedule *s, int64_t t);
/* The same for full lists; since = lists made since the last full one, that one
 * included. Without deltas as schedule_after. */
int64_t schedule_full_after(const struct schedule *s, int64_t t, int64_t since);
/* When the list after one of thisUpdate `last` is due (0 = none was made: at
 * once). changed: the set differs from that list. */
int64_t schedule_due(const struct schedule *s, int64_t last, bool changed);
/* thisUpdate of a list made now, after one of those times (0 = none): now, or
 * the last nextUpdate while the list is late by no more than allowed. */
int64_t schedule_this_update(const struct schedule *s, int64_t now,
    int64_t last_this, int64_t last_next);
/* nextUpdate of a list of that thisUpdate, 0 = none. since as above, for the
 * list itself (1 for a full one). */
int64_t schedule_next_update(
    const struct schedule *s, int64_t this_update, bool full, int64_t since);

#endif
