/* SPDX-License-Identifier: Apache-2.0 */
/* pki_xml.h - XML that a server or a file gave: parsed without network,
 * external files or entities. */
#ifndef TOOLS_PKI_XML_H
#define TOOLS_PKI_XML_H

#include <jansson.h>
#include <libxml/tree.h>

#include "base/err.h"
#include "base/view.h"

/* Parses a document; the caller frees it with xmlFreeDoc. *root is its root
 * element. RC_INVALID for what is not XML and for any document type
 * declaration: there entities would be defined. what names it in messages. */
MUST enum rc xml_parse(xmlDoc **doc, xmlNode **root, struct view text,
    const char *what, struct err *e);
/* An element of that name? */
bool xml_is(const xmlNode *n, const char *name);
/* Text of a node as a JSON string; the caller owns it. */
json_t *xml_text(xmlNode *n);

#endif
