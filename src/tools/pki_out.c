/* SPDX-License-Identifier: Apache-2.0 */
/* pki_out.c - what the commands print and read: framed messages, records,
 * questions, certificates in and out of files.
 * Owns:    nothing.
 * Trusts:  the terminal; text from the server is printed with its control
 *          characters replaced.
 * Threads: none. */
#include "tools/pki.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"

static void
dashes(size_t n)
{
	for (size_t i = 0; i < n; i++)
		putchar('-');
	putchar('\n');
}

/* Characters, not bytes: a frame is as long as its text looks. */
static size_t
width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* A server must not steer the user's terminal. */
static void
put_clean(const char *s)
{
	for (; *s != '\0'; s++)
		putchar((unsigned char)*s < 0x20 && *s != '\n' && *s != '\t'
			? '?'
			: *s);
}

void
out_framed(const char *fmt, ...)
{
	AUTO_STR text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return;
	}
	dashes(width(text));
	put_clean(text);
	putchar('\n');
	dashes(width(text));
}

void
out_field(const char *label, const char *value)
{
	if (value == NULL)
		return;
	printf("  %s: ", label);
	put_clean(value);
	putchar('\n');
}

void
out_fieldf(const char *label, const char *fmt, ...)
{
	AUTO_STR text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	out_field(label, text);
}

void
out_entry(size_t index)
{
	if (index > 0)
		putchar('\n');
}

void
out_returned(size_t n)
{
	out_framed("Number of entries returned %zu", n);
}

enum rc
out_ask(struct buf *answer, const char *question, struct err *e)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	printf("%s", question);
	fflush(stdout);
	n = getline(&line, &cap, stdin);
	if (n > 0)
		buf_add_str(answer, text_trim(line));
	free(line);
	if (n <= 0)
		return err_set(e, RC_UNAVAILABLE, "No answer");
	return buf_check(answer, e);
}

bool
out_confirm(const char *question)
{
	AUTO_BUF answer = buf_empty(PKI_LINE_MAX);

	return out_ask(&answer, question, NULL) == RC_OK &&
	    (text_ieq(buf_cstr(&answer), "y") ||
		text_ieq(buf_cstr(&answer), "yes"));
}

enum rc
out_file(const char *path, struct view data, struct err *e)
{
	mode_t mask;

	if (path == NULL || strcmp(path, "-") == 0) {
		if (fwrite(data.data, 1, data.len, stdout) != data.len)
			return err_errno(e, "standard output");
		return RC_OK;
	}
	mask = umask(0);
	umask(mask);
	return file_write(path, data, 0666 & ~mask, e);
}

enum rc
out_read(struct buf *out, const char *path, struct err *e)
{
	uint8_t *at;
	size_t n;

	if (strcmp(path, "-") != 0)
		return file_read(out, path, e);
	for (;;) {
		if ((at = buf_reserve(out, 4096)) == NULL)
			return buf_check(out, e);
		if ((n = fread(at, 1, 4096, stdin)) == 0)
			break;
		out->len += n;
	}
	if (ferror(stdin))
		return err_errno(e, "standard input");
	(void)buf_cstr(out); /* ends it as file_read does */
	return buf_check(out, e);
}

enum rc
out_read_der(struct buf *out, const char *path, const char *format,
    const char *label, struct err *e)
{
	AUTO_BUF in = buf_empty(0);
	enum rc rc = out_read(&in, path, e);
	bool der;

	if (rc != RC_OK)
		return rc;
	if (format != NULL && !text_ieq(format, "PEM") &&
	    !text_ieq(format, "DER"))
		return err_set(e, RC_USAGE, "Unsupported format: %s", format);
	der = format != NULL ? text_ieq(format, "DER")
			     : in.len > 0 && in.data[0] == 0x30;
	if (der) {
		buf_add_view(out, buf_view(&in));
		return buf_check(out, e);
	}
	if ((rc = text_pem(out, buf_view(&in), label, e)) != RC_OK)
		rc_ignore(err_prefix(e, "%s", path));
	return rc;
}

enum rc
out_der(const char *path, const char *format, const char *label,
    struct view der, struct err *e)
{
	AUTO_BUF pem = buf_empty(0);
	enum rc rc;

	if (format != NULL && text_ieq(format, "DER"))
		return out_file(path, der, e);
	if (format != NULL && !text_ieq(format, "PEM"))
		return err_set(e, RC_USAGE, "Unsupported format: %s", format);
	text_add_pem(&pem, label, der, "\n");
	if ((rc = buf_check(&pem, e)) != RC_OK)
		return rc;
	return out_file(path, buf_view(&pem), e);
}

enum rc
pki_fault(struct pki *p, struct err *e, enum rc rc, const char *exception,
    const char *fmt, ...)
{
	va_list ap;
	AUTO_STR text = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	snprintf(p->fault, sizeof(p->fault), "%s", exception);
	buf_reset(&p->fault_text);
	buf_add_str(&p->fault_text, text != NULL ? text : "");
	return err_set(e, rc, "%s", text != NULL ? text : rc_text(rc));
}

void
out_say(bool verbose, const char *fmt, va_list ap)
{
	if (!verbose)
		return;
	fprintf(stderr, "INFO: ");
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void
pki_say(const struct pki *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	out_say(p->verbose, fmt, ap);
	va_end(ap);
}
