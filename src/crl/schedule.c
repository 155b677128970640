/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - when CRLs are made: interval and daily rules (spec ca 4.1).
 * Owns:    nothing.
 * Trusts:  nothing in CS.cfg; every number is held to a range.
 * Threads: any. */
#include "crl/schedule.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum {
	MINUTE = 60,
	DAY = 86400,
	NAME_LEN = 160,
	DAILY_TEXT_MAX = 8192,
	/* shipped values, minutes */
	INTERVAL_DEFAULT = 240,
};

/* "*H:MM" -> seconds of the day. */
static enum rc
parse_time(struct schedule_time *out, char *s, struct err *e)
{
	char quoted[TEXT_QUOTE_MAX];
	struct view whole = view_str(s);
	int64_t hour = 0, minute = 0;
	char *colon;

	text_quote(quoted, whole);
	out->full = s[0] == '*';
	s = text_trim(s + out->full);
	colon = strchr(s, ':');
	if (colon != NULL)
		*colon = '\0';
	if (colon == NULL || strlen(colon + 1) != 2 ||
	    text_int(&hour, s, 0, 23, NULL) != RC_OK ||
	    text_int(&minute, colon + 1, 0, 59, NULL) != RC_OK)
		return err_set(
		    e, RC_INVALID, "%s: not a time of day (H:MM)", quoted);
	out->offset = (int32_t)((hour * 60 + minute) * MINUTE);
	return RC_OK;
}

static enum rc
parse_day(struct schedule *out, char *text, struct err *e)
{
	char *parts[SCHEDULE_TIMES_MAX];
	size_t n = text_split(text, ",", parts, SCHEDULE_TIMES_MAX), i;
	int32_t base = out->days * DAY;
	struct schedule_time *t;
	enum rc rc;

	if (n == 0)
		return err_set(e, RC_INVALID, "a day without a time");
	if (n > SCHEDULE_TIMES_MAX - out->count)
		return err_set(
		    e, RC_INVALID, "more than %d times", SCHEDULE_TIMES_MAX);
	for (i = 0; i < n; i++) {
		t = &out->times[out->count];
		rc = parse_time(t, parts[i], e);
		if (rc != RC_OK)
			return rc;
		t->offset += base;
		if (i > 0 && t->offset <= t[-1].offset)
			return err_set(
			    e, RC_INVALID, "times are not ascending");
		out->marked = out->marked || t->full;
		out->count++;
	}
	out->days++;
	return RC_OK;
}

static void
no_times(struct schedule *s)
{
	s->days = 0;
	s->count = 0;
	s->marked = false;
}

enum rc
schedule_parse_daily(struct schedule *out, const char *text, struct err *e)
{
	char copy[DAILY_TEXT_MAX], *rest = copy, *day;
	size_t len = strlen(text);
	enum rc rc;

	no_times(out);
	if (len >= sizeof(copy))
		return err_set(e, RC_INVALID, "text too long");
	memcpy(copy, text, len + 1);
	if (*text_trim(copy) == '\0')
		return RC_OK;
	while ((day = strsep(&rest, ";")) != NULL) {
		if (out->days == SCHEDULE_DAYS_MAX)
			return err_set(e, RC_INVALID, "more than %d days",
			    SCHEDULE_DAYS_MAX);
		rc = parse_day(out, day, e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* ca.crl.<id>.<what>, in minutes -> seconds. */
static enum rc
minutes(const struct cfg *c, int64_t *out, const char *id, const char *what,
    int64_t def, struct err *e)
{
	char name[NAME_LEN];
	enum rc rc;

	(void)snprintf(name, sizeof(name), "ca.crl.%s.%s", id, what);
	rc = cfg_int(c, out, name, 0, SCHEDULE_MINUTES_MAX, def, e);
	*out *= MINUTE;
	return rc;
}

static bool
flag(const struct cfg *c, const char *id, const char *what, bool def)
{
	char name[NAME_LEN];

	(void)snprintf(name, sizeof(name), "ca.crl.%s.%s", id, what);
	return cfg_bool(c, name, def);
}

enum rc
schedule_load(
    struct schedule *out, const struct cfg *c, const char *id, struct err *e)
{
	struct schedule s = { 0 };
	const char *daily = cfg_getf(c, "ca.crl.%s.dailyUpdates", id);
	char name[NAME_LEN];
	enum rc rc;

	rc = minutes(
	    c, &s.interval, id, "autoUpdateInterval", INTERVAL_DEFAULT, e);
	if (rc == RC_OK)
		rc = minutes(c, &s.distance, id, "minUpdateInterval", 0, e);
	if (rc == RC_OK)
		rc = minutes(c, &s.grace, id, "nextUpdateGracePeriod", 0, e);
	if (rc == RC_OK)
		rc = minutes(c, &s.late, id, "nextAsThisUpdateExtension", 0, e);
	(void)snprintf(name, sizeof(name), "ca.crl.%s.updateSchema", id);
	if (rc == RC_OK)
		rc = cfg_int(c, &s.schema, name, 1, SCHEDULE_SCHEMA_MAX, 1, e);
	if (rc != RC_OK)
		return rc;
	s.always = flag(c, id, "alwaysUpdate", false);
	s.extended = flag(c, id, "extendedNextUpdate", true);
	if (!flag(c, id, "enableUpdateInterval", true))
		s.interval = 0;
	rc = schedule_parse_daily(&s, daily != NULL ? daily : "", e);
	if (rc != RC_OK)
		return e != NULL ? err_prefix(e, "ca.crl.%s.dailyUpdates", id)
				 : rc;
	if (!flag(c, id, "enableDailyUpdates", true))
		no_times(&s);
	*out = s;
	return RC_OK;
}

/* Start of the cycle of days in which t lies. */
static int64_t
cycle_of(const struct schedule *s, int64_t t)
{
	int64_t len = (int64_t)s->days * DAY, rest = t % len;

	return t - rest - (rest < 0 ? len : 0);
}

/* The first time of dailyUpdates at or after t; *full its mark. */
static int64_t
daily_from(const struct schedule *s, int64_t t, bool full_only)
{
	int64_t start = cycle_of(s, t), at;
	int round;
	size_t i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < s->count; i++) {
			at = start + s->times[i].offset;
			if (at >= t && (!full_only || s->times[i].full))
				return at;
		}
		start += (int64_t)s->days * DAY;
	}
	return SCHEDULE_NEVER;
}

/* One time a day and an interval: the interval counts from that time, anew each
 * day. */
static int64_t
anchored_from(const struct schedule *s, int64_t t)
{
	int64_t next = daily_from(s, t, false);
	int64_t anchor = next - DAY, steps;

	if (next == t)
		return t;
	steps = (t - anchor + s->interval - 1) / s->interval;
	anchor += steps * s->interval;
	return anchor < next ? anchor : next;
}

int64_t
schedule_after(const struct schedule *s, int64_t t)
{
	int64_t from = t + (s->distance > 0 ? s->distance : 1);
	int64_t by_day, by_interval;

	if (s->days == 1 && s->count == 1 && s->interval > 0)
		return anchored_from(s, from);
	by_day = s->count > 0 ? daily_from(s, from, false) : SCHEDULE_NEVER;
	by_interval = s->interval > 0
	    ? t + (s->interval > s->distance ? s->interval : s->distance)
	    : SCHEDULE_NEVER;
	return by_day < by_interval ? by_day : by_interval;
}

int64_t
schedule_full_after(const struct schedule *s, int64_t t, int64_t since)
{
	int64_t from = t + (s->distance > 0 ? s->distance : 1);

	if (!s->deltas)
		return schedule_after(s, t);
	if (s->marked)
		return daily_from(s, from, true);
	do {
		t = schedule_after(s, t);
		since++;
	} while (t != SCHEDULE_NEVER && since <= s->schema);
	return t;
}

int64_t
schedule_due(const struct schedule *s, int64_t last, bool changed)
{
	if (last == 0)
		return 0;
	if (s->always && changed)
		return last + s->distance;
	return schedule_after(s, last);
}

int64_t
schedule_this_update(
    const struct schedule *s, int64_t now, int64_t last_this, int64_t last_next)
{
	if (last_next > last_this && now > last_next &&
	    now - last_next <= s->late)
		return last_next;
	return now;
}

int64_t
schedule_next_update(
    const struct schedule *s, int64_t this_update, bool full, int64_t since)
{
	int64_t t = full && s->extended
	    ? schedule_full_after(s, this_update, since)
	    : schedule_after(s, this_update);

	return t == SCHEDULE_NEVER ? 0 : t + s->grace;
}
