/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - the one result type and the one error text of the system.
 *
 * Every function that can fail returns enum rc and takes a struct err last.
 * The place that finds the fault calls err_set; callers on the way up may put
 * their subject in front with err_prefix; the request loop or main() logs the
 * text once. Libraries never log above debug.
 *
 * Project-wide contract, not repeated elsewhere:
 *  - a struct err pointer may be NULL: the text is then dropped, the rc kept;
 *  - `out` parameters are written last and only on RC_OK;
 *  - x_free(NULL) is legal, also on half-built objects;
 *  - texts are lower case, without full stop: "subject: clause: fault". */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

#define MUST __attribute__((warn_unused_result))
#define PRINTF(a, b) __attribute__((format(printf, a, b)))

/* name, text, HTTP status, exit status of a tool */
#define RC_LIST(X)                                 \
	X(OK, "ok", 200, 0)                        \
	X(INVALID, "invalid input", 400, 1)        \
	X(USAGE, "usage", 400, 2)                  \
	X(AUTH, "authentication failed", 401, 1)   \
	X(DENIED, "not permitted", 403, 1)         \
	X(NOTFOUND, "not found", 404, 1)           \
	X(METHOD, "method not allowed", 405, 1)    \
	X(EXISTS, "already exists", 409, 1)        \
	X(CONFLICT, "conflict", 409, 1)            \
	X(GONE, "gone", 410, 1)                    \
	X(TOOBIG, "too large", 413, 1)             \
	X(UNSUPPORTED, "unsupported", 415, 1)      \
	X(INTERNAL, "internal error", 500, 1)      \
	X(CRYPTO, "cryptographic failure", 500, 1) \
	X(IO, "input/output failure", 500, 1)      \
	X(NOMEM, "out of memory", 503, 1)          \
	X(UNAVAILABLE, "unavailable", 503, 1)      \
	X(TIMEOUT, "timed out", 503, 1)

enum rc {
#define X(name, text, http, code) RC_##name,
	RC_LIST(X)
#undef X
};

enum {
	ERR_TEXT_MAX = 256
};

struct err {
	enum rc rc;
	char text[ERR_TEXT_MAX]; /* always NUL-terminated, printable ASCII */
};

/* Sets rc and text (printf form; cut at ERR_TEXT_MAX - 1, bytes outside
 * printable ASCII become '?'), replacing what was there. Returns rc. */
enum rc err_set(struct err *e, enum rc rc, const char *fmt, ...) PRINTF(3, 4);

/* Puts "prefix: " before the present text; rc stays. Returns e's rc
 * (RC_INTERNAL if e is NULL). */
enum rc err_prefix(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* As err_set with RC_IO (RC_NOMEM for ENOMEM), appending ": strerror(errno)". */
enum rc err_errno(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* As err_set, appending the first reason of OpenSSL's error queue and emptying
 * the queue. */
enum rc err_openssl(struct err *e, enum rc rc, const char *fmt, ...)
    PRINTF(3, 4);

/* Text, HTTP status and exit status of rc, from the table above. */
const char *rc_text(enum rc rc);
int rc_http(enum rc rc);
int rc_exit(enum rc rc);

/* Says that a result is ignored on purpose; the reason stands in a comment
 * beside the call. */
static inline void
rc_ignore(enum rc rc)
{
	(void)rc;
}

#endif
