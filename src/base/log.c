/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - one line a message, one write(2) a line.
 * Owns:    the log's descriptor and path (static, under the lock).
 * Trusts:  nothing in the arguments: control characters become '?'.
 * Threads: any. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/thread.h"

enum {
	LINE_MAX_LEN = 8192,
	LOG_PATH_MAX = 4096,
	DAY_MS = 86400000,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = STDERR_FILENO;  /* lock */
static bool to_journal;             /* lock */
static char log_path[LOG_PATH_MAX]; /* lock; "" = standard error */
static int64_t log_day;             /* lock; of the open file */
static _Atomic int log_level = LOG_LEVEL_INFO;

static const char level_names[][8] = { "error", "warning", "info", "debug" };
static const int level_priority[] = { 3, 4, 6, 7 };

/* log_path with its first "%F" replaced by the day. */
static void
path_of_day(char out[LOG_PATH_MAX + 16], int64_t now)
{
	const char *mark = strstr(log_path, "%F");
	struct civil c = civil_of(now);

	if (mark == NULL)
		(void)snprintf(out, LOG_PATH_MAX + 16, "%s", log_path);
	else
		(void)snprintf(out, LOG_PATH_MAX + 16, "%.*s%04d-%02d-%02d%s",
		    (int)(mark - log_path), log_path, c.year, c.month, c.day,
		    mark + 2);
}

static int
open_file(int64_t now_ms)
{
	char path[LOG_PATH_MAX + 16];

	path_of_day(path, now_ms / 1000);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

static void
close_file(void)
{
	if (log_fd != STDERR_FILENO)
		close(log_fd);
	log_fd = STDERR_FILENO;
}

enum rc
log_open(const char *path, enum log_level level, struct err *e)
{
	int64_t now = clock_now_ms(&clock_system);
	bool journal = path != NULL && strcmp(path, "journal") == 0;
	int fd;
	LOCKED(&lock);

	if (path != NULL && strlen(path) >= LOG_PATH_MAX)
		return err_set(e, RC_INVALID, "log: path too long");
	close_file();
	to_journal = journal;
	log_path[0] = '\0';
	atomic_store(&log_level, (int)level);
	if (path == NULL || journal)
		return RC_OK;
	memcpy(log_path, path, strlen(path) + 1);
	fd = open_file(now);
	if (fd < 0) {
		enum rc rc = err_errno(e, "log: %s", path);

		log_path[0] = '\0';
		return rc;
	}
	log_fd = fd;
	log_day = now / DAY_MS;
	return RC_OK;
}

void
log_set_level(enum log_level level)
{
	atomic_store(&log_level, (int)level);
}

bool
log_level_of(enum log_level *out, const char *name)
{
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		if (strcmp(name, level_names[i]) != 0)
			continue;
		*out = (enum log_level)i;
		return true;
	}
	return false;
}

void
log_close(void)
{
	LOCKED(&lock);

	close_file();
	log_path[0] = '\0';
	to_journal = false;
}

bool
log_on(enum log_level level)
{
	return (int)level <=
	    atomic_load_explicit(&log_level, memory_order_relaxed);
}

/* A new day begins a new file; if that cannot be opened the old one goes on. */
static void
roll(int64_t now_ms)
{
	int fd;

	if (log_path[0] == '\0' || now_ms / DAY_MS == log_day ||
	    strstr(log_path, "%F") == NULL)
		return;
	log_day = now_ms / DAY_MS;
	fd = open_file(now_ms);
	if (fd < 0)
		return;
	close_file();
	log_fd = fd;
}

static size_t
header(char *out, size_t max, enum log_level level, const char *area,
    int64_t now_ms, bool journal)
{
	struct civil c = civil_of(now_ms / 1000);
	int n;

	if (journal)
		n = snprintf(out, max, "<%d>%s: ", level_priority[level], area);
	else
		n = snprintf(out, max,
		    "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %s: ", c.year,
		    c.month, c.day, c.hour, c.minute, c.second,
		    (int)(now_ms % 1000), level_names[level], area);
	return n < 0 ? 0 : (size_t)n < max ? (size_t)n : max - 1;
}

void
log_line(enum log_level level, const char *area, const char *fmt, ...)
{
	int64_t now = clock_now_ms(&clock_system);
	int saved = errno, n;
	char line[LINE_MAX_LEN];
	size_t len, i;
	va_list ap;

	if (!log_on(level))
		return;
	LOCKED(&lock);
	roll(now);
	len = header(line, 256, level, area, now, to_journal);
	i = len;
	va_start(ap, fmt);
	n = vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	if (n > 0)
		len += (size_t)n < sizeof(line) - len - 1
		    ? (size_t)n
		    : sizeof(line) - len - 2;
	for (; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	/* a log that cannot be written has nowhere to say so */
	if (write(log_fd, line, len) < 0)
		errno = saved;
	errno = saved;
}
