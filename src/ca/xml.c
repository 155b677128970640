/* SPDX-License-Identifier: Apache-2.0 */
/* xml.c - write the servlets' XML.
 * Owns:    nothing.
 * Trusts:  element names (constants); no text.
 * Threads: any. */
#include "ca/xml.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/text.h"

void
xml_begin(struct buf *b)
{
	buf_add_str(
	    b, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>");
}

void
xml_open(struct buf *b, const char *name)
{
	buf_addf(b, "<%s>", name);
}

void
xml_close(struct buf *b, const char *name)
{
	buf_addf(b, "</%s>", name);
}

void
xml_escape(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		switch (c) {
		case '<':
			buf_add_str(b, "&lt;");
			break;
		case '>':
			buf_add_str(b, "&gt;");
			break;
		case '&':
			buf_add_str(b, "&amp;");
			break;
		case '"':
			buf_add_str(b, "&quot;");
			break;
		case '\r':
			buf_add_str(b, "&#13;");
			break;
		default:
			/* XML 1.0 has no other control characters */
			if (c >= 0x20 || c == '\n' || c == '\t')
				buf_add_char(b, (char)c);
			break;
		}
	}
}

void
xml_text(struct buf *b, const char *name, const char *text)
{
	if (text == NULL)
		return;
	xml_open(b, name);
	xml_escape(b, text);
	xml_close(b, name);
}

void
xml_textf(struct buf *b, const char *name, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	xml_text(b, name, s);
	free(s);
}

void
xml_reply(struct http_call *c, const char *type, struct buf *b)
{
	http_reply(c, 200, type, buf_view(b));
}

bool
xml_wanted(const struct http_call *c)
{
	const char *a = http_arg(c, "xml"), *b = http_arg(c, "xmlOutput");

	return (a != NULL && text_bool(a)) || (b != NULL && text_bool(b));
}
