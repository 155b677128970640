/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h - the signed audit log of a subsystem (spec ca 4.7).
 *
 * Lines of what a commit decided are made by audit_line, travel as effects of
 * type AUDIT_EFFECT with that commit and are written by audit_write when the
 * journal is drained; all others are written at once by audit_event. */
#ifndef INSTANCE_AUDIT_H
#define INSTANCE_AUDIT_H

#include "base/cfg.h"
#include "base/clock.h"
#include "keys/keystore.h"

struct audit;

#define AUDIT_EFFECT "audit"

/* Reads log.instance.SignedAudit.* of cfg; the file is fileName or
 * default_path. RC_IO names the file: the subsystem must not start then. Writes
 * AUDIT_LOG_STARTUP and, where logSigning is on, the first signature, over all
 * that follows the last signature of an existing file. */
MUST enum rc audit_open(struct audit **out, const struct cfg *cfg,
    const char *default_path, struct keystore *ks, const struct clock *clock,
    struct err *e);
/* Flushes, signs, closes. */
void audit_free(struct audit *a);
OWNED(audit)

/* The events that are logged when the settings name none, comma-separated. */
const char *audit_default_events(void);

struct audit_field {
	const char *key, *value; /* NULL or "" is written as <null> */
};
struct audit_entry {
	const char *event;   /* "AUTH" */
	const char *subject; /* NULL = $System$ */
	bool success;
	const struct audit_field *fields;
	size_t n;
	const char *text; /* free text at the end, may be NULL */
};
/* Appends the whole line without its newline; nothing when the event is not
 * enabled or its filter does not pass. Values are escaped to one line. */
void audit_line(struct audit *a, struct buf *out, const struct audit_entry *x);
/* Writes a line made by audit_line. Any thread. RC_IO when it could not be
 * written: the caller stops its subsystem. */
MUST enum rc audit_write(struct audit *a, struct view line, struct err *e);
/* As audit_write, but the line has left the process when this returns: for rows
 * of the journal, which are settled then. */
MUST enum rc audit_write_through(
    struct audit *a, struct view line, struct err *e);
/* audit_line and audit_write. */
MUST enum rc audit_event(
    struct audit *a, const struct audit_entry *x, struct err *e);
/* Writes what is buffered and its signature; called each flushInterval. */
MUST enum rc audit_flush(struct audit *a, struct err *e);
/* Milliseconds between flushes; 0 = after each line. */
int64_t audit_flush_interval_ms(const struct audit *a);
/* RC_OK, or why the log has failed (sticky). */
MUST enum rc audit_health(struct audit *a, struct err *e);

/* The entry written in place:
 * AUDIT_ENTRY("AUTH", uid, true, "text", {"AuthMgr", mgr}, {"X", "y"}) */
#define AUDIT_ENTRY(event, subject, ok, text, ...)                        \
	&(const struct audit_entry)                                       \
	{                                                                 \
		event, subject, ok,                                       \
		    (const struct audit_field[]){ __VA_ARGS__ },          \
		    sizeof((const struct audit_field[]){ __VA_ARGS__ }) / \
		    sizeof(struct audit_field),                           \
		    text                                                  \
	}

#endif
