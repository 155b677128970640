/* SPDX-License-Identifier: Apache-2.0 */
/* xml.c - writes XML.
 * Owns:    nothing.
 * Trusts:  element names (constants); no text.
 * Threads: any. */
#include "base/xml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
xml_begin(struct buf *b)
{
	buf_add_str(
	    b, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>");
}

void
xml_open(struct buf *b, const char *name)
{
	buf_add_char(b, '<');
	buf_add_str(b, name);
	buf_add_char(b, '>');
}

void
xml_close(struct buf *b, const char *name)
{
	buf_add_str(b, "</");
	buf_add_str(b, name);
	buf_add_char(b, '>');
}

/* Length of the well-formed UTF-8 sequence at s that XML 1.0 allows, 0 when
 * there is none (RFC 3629; no surrogates, not U+FFFE and U+FFFF). */
static size_t
utf8_len(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80      ? 1
	    : (s[0] & 0xe0) == 0xc0 ? 2
	    : (s[0] & 0xf0) == 0xe0 ? 3
	    : (s[0] & 0xf8) == 0xf0 ? 4
				    : 0;
	uint32_t v;

	if (n <= 1)
		return n;
	v = s[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80) /* stops at the NUL, too */
			return 0;
		v = v << 6 | (s[i] & 0x3fu);
	}
	return v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff) ||
		v == 0xfffe || v == 0xffff
	    ? 0
	    : n;
}

/* Characters that stand for themselves: base64 and most texts are all of it. */
static size_t
plain_run(const char *s)
{
	size_t n = 0;

	while (s[n] >= 0x20 && s[n] < 0x7f && s[n] != '<' && s[n] != '>' &&
	    s[n] != '&' && s[n] != '"')
		n++;
	return n;
}

void
xml_escape(struct buf *b, const char *text)
{
	for (;; text++) {
		size_t plain = plain_run(text);
		buf_add(b, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		unsigned char c = (unsigned char)*text;
		size_t n = utf8_len((const unsigned char *)text);
		if (n != 1) {
			buf_add_str(b, n == 0 ? "\xef\xbf\xbd" : "");
			buf_add(b, text, n);
			text += n > 0 ? n - 1 : 0;
			continue;
		}
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
