/* SPDX-License-Identifier: Apache-2.0 */
/* err.c - error texts and the table behind enum rc.
 * Owns:    nothing; a struct err is its caller's.
 * Trusts:  formats; arguments may be foreign, so bytes outside printable ASCII
 *          become '?'.
 * Threads: any, each with its own struct err. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

static const struct {
	const char *text;
	int http, code;
} rc_table[] = {
#define X(name, text, http, code) { text, http, code },
	RC_LIST(X)
#undef X
};

enum {
	RC_COUNT = sizeof(rc_table) / sizeof(rc_table[0])
};

static void
printable(char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

/* The text is formed beside e, because an argument may point into e->text. */
__attribute__((format(printf, 3, 0))) static void
set_text(struct err *e, enum rc rc, const char *fmt, va_list ap)
{
	char text[ERR_TEXT_MAX];

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	printable(text);
	e->rc = rc;
	memcpy(e->text, text, sizeof(text));
}

/* Appends ": more" as far as it fits. */
static void
append(struct err *e, const char *more)
{
	size_t n = strlen(e->text);

	if (snprintf(e->text + n, sizeof(e->text) - n, ": %s", more) >= 0)
		printable(e->text + n);
}

enum rc
err_set(struct err *e, enum rc rc, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return rc;
	va_start(ap, fmt);
	set_text(e, rc, fmt, ap);
	va_end(ap);
	return rc;
}

enum rc
err_prefix(struct err *e, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;

	if (e == NULL)
		return RC_INTERNAL;
	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	set_text(e, e->rc, fmt, ap);
	va_end(ap);
	append(e, old);
	return e->rc;
}

enum rc
err_errno(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	enum rc rc = saved == ENOMEM ? RC_NOMEM : RC_IO;
	char why[128];
	va_list ap;

	if (e == NULL)
		return rc;
	va_start(ap, fmt);
	set_text(e, rc, fmt, ap);
	va_end(ap);
	append(e, strerror_r(saved, why, sizeof(why)));
	return rc;
}

enum rc
err_openssl(struct err *e, enum rc rc, const char *fmt, ...)
{
	unsigned long code = ERR_get_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
	va_list ap;

	if (e != NULL) {
		va_start(ap, fmt);
		set_text(e, rc, fmt, ap);
		va_end(ap);
		if (reason != NULL)
			append(e, reason);
	}
	ERR_clear_error();
	return rc;
}

const char *
rc_text(enum rc rc)
{
	return (unsigned)rc < RC_COUNT ? rc_table[rc].text : "unknown";
}

int
rc_http(enum rc rc)
{
	return (unsigned)rc < RC_COUNT ? rc_table[rc].http : 500;
}

int
rc_exit(enum rc rc)
{
	return (unsigned)rc < RC_COUNT ? rc_table[rc].code : 1;
}
