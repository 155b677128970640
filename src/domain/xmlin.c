/* SPDX-License-Identifier: Apache-2.0 */
/* xmlin.c - XML from outside, through libxml2.
 * Owns:    nothing.
 * Trusts:  nothing: no network, no external files, no entities.
 * Threads: none. */
#include "domain/xmlin.h"

#include <libxml/parser.h>

enum rc
xmlin_parse(xmlDoc **doc, xmlNode **root, struct view text, const char *what,
    struct err *e)
{
	xmlDoc *d;
	xmlNode *r;

	if (text.len > INT32_MAX)
		return err_set(e, RC_TOOBIG, "%s: too large", what);
	d = xmlReadMemory((const char *)text.data, (int)text.len, what, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	r = d != NULL ? xmlDocGetRootElement(d) : NULL;
	if (r == NULL || d->intSubset != NULL || d->extSubset != NULL) {
		xmlFreeDoc(d);
		return err_set(e, RC_INVALID,
		    r == NULL ? "%s: not XML"
			      : "%s: document type declarations are refused",
		    what);
	}
	*doc = d;
	*root = r;
	return RC_OK;
}

bool
xmlin_is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE &&
	    strcmp((const char *)n->name, name) == 0;
}

json_t *
xmlin_text(xmlNode *n)
{
	xmlChar *s = xmlNodeGetContent(n);
	json_t *o = json_string(s != NULL ? (const char *)s : "");

	xmlFree(s);
	return o;
}
