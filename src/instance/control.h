/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - the control socket: how pki-server speaks to a running pkid.
 * A Unix stream socket, mode 0600 of the instance's user; the peer's uid must be
 * root or that user (SO_PEERCRED). One exchange a connection, both directions
 * one line of JSON: {"command":"ca.crl-update","args":{...}} ->
 * {"ok":true,"result":...} or {"ok":false,"error":"...","exit":1}. */
#ifndef INSTANCE_CONTROL_H
#define INSTANCE_CONTROL_H

#include "base/buf.h"
#include "base/cleanup.h"

struct control;

enum {
	CONTROL_MESSAGE_MAX = 8 * 1024 * 1024,
	CONTROL_TIMEOUT_MS = 60000
};

/* Answers a command: appends the JSON value of "result" to out. */
typedef enum rc (*control_handler)(void *arg, const char *command,
    struct view args, struct buf *out, struct err *e);

/* Listens on the socket path and hands each command to fn, on a thread of its
 * own. */
MUST enum rc control_start(struct control **out, const char *path,
    control_handler fn, void *arg, struct err *e);
void control_free(struct control *c);
OWNED(control)

/* The client's side: RC_UNAVAILABLE when no pkid listens at path; the error of
 * the other side comes back as its text. args: a JSON object or NULL. */
MUST enum rc control_call(const char *path, const char *command,
    const char *args, struct buf *result, struct err *e);

/* Process id of the pkid that listens at path, 0 when none does. */
int control_pid(const char *path);

#endif
