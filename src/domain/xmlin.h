/* SPDX-License-Identifier: Apache-2.0 */
/* xmlin.h - XML that a server or a file gave: parsed without network,
 * external files or entities. */
#ifndef DOMAIN_XMLIN_H
#define DOMAIN_XMLIN_H

#include <jansson.h>
#include <libxml/tree.h>

#include "base/err.h"
#include "base/view.h"

/* Parses a document; the caller frees it with xmlFreeDoc. *root is its root
 * element. RC_INVALID for what is not XML and for any document type
 * declaration: there entities would be defined. what names it in messages. */
MUST enum rc xmlin_parse(xmlDoc **doc, xmlNode **root, struct view text,
    const char *what, struct err *e);
/* An element of that name? */
bool xmlin_is(const xmlNode *n, const char *name);
/* Text of a node as a JSON string; the caller owns it. */
json_t *xmlin_text(xmlNode *n);

#endif
