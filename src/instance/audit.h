/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h - the signed audit log of a subsystem (spec ca 4.7). */
#ifndef INSTANCE_AUDIT_H
#define INSTANCE_AUDIT_H

#include "base/cfg.h"
#include "base/clock.h"
#include "keys/keystore.h"

struct audit;

/* log.instance.SignedAudit.* of cfg. The log is opened (RC_IO names the file:
 * the subsystem must not start), AUDIT_LOG_STARTUP written, and where logSigning
 * is on the first signature. */
MUST enum rc audit_open(struct audit **out, const struct cfg *cfg,
    const char *default_path, struct keystore *ks, const struct clock *clock,
    struct err *e);
/* Flushes, signs, closes. */
void audit_free(struct audit *a);
OWNED(audit)

struct audit_field {
	const char *key, *value; /* NULL or "" is written as <null> */
};
/* One event, if it is enabled and passes its filter. subject NULL = $System$.
 * Values are escaped to one line. Any thread. RC_IO when the line could not be
 * written: the caller stops its subsystem. */
MUST enum rc audit_event(struct audit *a, const char *event,
    const char *subject, bool success, const struct audit_field *fields,
    size_t n, const char *text, struct err *e);
/* Writes what is buffered and its signature; called each flushInterval. */
MUST enum rc audit_flush(struct audit *a, struct err *e);

/* audit_event with the fields written in place:
 * AUDIT(a, "AUTH", uid, true, "text", {"AuthMgr", mgr}, {"X", "y"}) */
#define AUDIT(a, event, subject, ok, text, ...)                   \
	audit_event(a, event, subject, ok,                        \
	    (const struct audit_field[]){ __VA_ARGS__ },          \
	    sizeof((const struct audit_field[]){ __VA_ARGS__ }) / \
		sizeof(struct audit_field),                       \
	    text, NULL)

#endif
