/* SPDX-License-Identifier: Apache-2.0 */
/* xml.h - the XML of the servlets (spec ca 2): three shapes whose names clients
 * depend on. A writer over a buffer; text is escaped. */
#ifndef CA_XML_H
#define CA_XML_H

#include "base/buf.h"
#include "http/server.h"

enum {
	XML_MAX = 8 * 1024 * 1024
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
/* Sends: shape A "text/xml", others "application/xml". */
void xml_reply(struct http_call *c, const char *type, struct buf *b);
/* Does the caller want XML (xml=true or xmlOutput=true)? */
bool xml_wanted(const struct http_call *c);

#endif
