/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h - the only holder of passwords, PINs and raw keys: OpenSSL's secure
 * heap, wiped by its destructor, never printed. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/view.h"

struct secret;

/* Sets the secure heap up (once, before any secret) and makes the process
 * undumpable. *locked tells whether the heap is locked in memory; it is not an
 * error here when it is not: the caller decides. */
MUST enum rc secret_setup(bool *locked, struct err *e);

/* A copy of v on the secure heap (with a NUL behind it), or NULL. */
struct secret *secret_new(struct view v);
/* n random printable characters (letters and digits), or NULL. */
struct secret *secret_random(size_t n);
/* Reads the first line of a file, without its end of line. */
MUST enum rc secret_read_file(
    struct secret **out, const char *path, struct err *e);
/* The next line of fd, not a byte more; what names fd in errors. RC_NOTFOUND
 * when the line is empty or the input ends. */
MUST enum rc secret_read_fd(
    struct secret **out, int fd, const char *what, struct err *e);
/* Asks on the terminal without echo. RC_UNAVAILABLE when there is none, RC_USAGE
 * when the input ends. A signal that ends the process does so after the echo is
 * back. Sets signal handlers meanwhile: for a process with one thread. */
MUST enum rc secret_ask(struct secret **out, const char *prompt, struct err *e);
/* Wipes and frees. */
void secret_free(struct secret *s);
OWNED(secret)

/* The bytes, valid as long as s lives unchanged. */
struct view secret_view(const struct secret *s);
/* NUL-terminated; never hand it to a printing function. */
const char *secret_cstr(const struct secret *s);
/* Constant time in the contents. */
bool secret_eq(const struct secret *s, struct view v);

#endif
