/* SPDX-License-Identifier: Apache-2.0 */
/* xml.h - writes XML 1.0 into a buffer; text is escaped, for HTML too. */
#ifndef BASE_XML_H
#define BASE_XML_H

#include "base/buf.h"

enum {
	XML_MAX = 8 * 1024 * 1024, /* of one document */
};

/* "<?xml ...?>" */
void xml_begin(struct buf *b);
void xml_open(struct buf *b, const char *name);
void xml_close(struct buf *b, const char *name);
/* <name>text</name>; NULL = <name/> left out. */
void xml_text(struct buf *b, const char *name, const char *text);
void xml_textf(struct buf *b, const char *name, const char *fmt, ...)
    PRINTF(3, 4);
/* Markup escaped; what is not UTF-8 becomes U+FFFD, other control characters go.
 */
void xml_escape(struct buf *b, const char *text);

#endif
