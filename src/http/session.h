/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - the table behind the JSESSIONID cookie. Internal to http/; what
 * handlers use is in server.h. */
#ifndef HTTP_SESSION_H
#define HTTP_SESSION_H

#include "http/server.h"

enum {
	SESSION_MAX = 10000, /* the longest unused goes when it is full */
	SESSION_IDLE_MS = 30 * 60 * 1000,
	SESSION_ID_LEN = 32 /* hex of 128 random bits */
};

struct sessions;

/* max 0 = SESSION_MAX, idle_ms 0 = SESSION_IDLE_MS. */
struct sessions *sessions_new(
    const struct clock *clock, size_t max, int64_t idle_ms);
/* Frees all sessions; no call may hold one any more. */
void sessions_free(struct sessions *t);
OWNED(sessions)

/* A new session owned by the table, with one reference for the caller. tls:
 * it is found over TLS only. NULL (data freed) when memory is out. */
struct http_session *sessions_add(
    struct sessions *t, bool tls, void *data, void (*free_data)(void *));
/* A reference to the session with that id, its idle time begun anew; NULL when
 * there is none. */
struct http_session *sessions_find(
    struct sessions *t, bool tls, struct view id);
/* Takes it out of the table; references stay good. */
void sessions_remove(struct sessions *t, struct http_session *s);
/* Gives a reference back; NULL is legal. */
void sessions_release(struct sessions *t, struct http_session *s);
/* Drops what has been idle too long. */
void sessions_sweep(struct sessions *t);
size_t sessions_count(struct sessions *t);
/* The id, as it stands in the cookie. */
const char *session_id(const struct http_session *s);

#endif
