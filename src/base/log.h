/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one line format to standard error, a file, or the journal:
 * "2026-11-21T20:07:00.123Z level area: message key=value key=value".
 * Any thread may log. error: an operator must act; warning: degraded, and says
 * "continuing"; info: state change; debug: the rest. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Where lines go from now on: path NULL = standard error; "journal" = syslog(3)
 * priority prefixes "<3>" on standard error for the journal. In a path a "%F"
 * stands for the day, and a new file is begun each day. */
MUST enum rc log_open(const char *path, enum log_level level, struct err *e);
void log_set_level(enum log_level level);
/* The level called "error", "warning", "info" or "debug"; false = none is. */
bool log_level_of(enum log_level *out, const char *name);
void log_close(void);
bool log_on(enum log_level level);

/* Writes a line when the level is on; text as err_set cuts and escapes it. */
void log_line(enum log_level level, const char *area, const char *fmt, ...)
    PRINTF(3, 4);

#define log_error(area, ...) log_line(LOG_LEVEL_ERROR, area, __VA_ARGS__)
#define log_warning(area, ...) log_line(LOG_LEVEL_WARNING, area, __VA_ARGS__)
#define log_info(area, ...) log_line(LOG_LEVEL_INFO, area, __VA_ARGS__)
#define log_debug(area, ...)                                          \
	do {                                                          \
		if (log_on(LOG_LEVEL_DEBUG))                          \
			log_line(LOG_LEVEL_DEBUG, area, __VA_ARGS__); \
	} while (0)

#endif
