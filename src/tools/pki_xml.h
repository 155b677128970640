/* SPDX-License-Identifier: Apache-2.0 */
/* pki_xml.h - what the XML files of the client have in common: elements as
 * members of JSON objects and back. Internal to tools/. */
#ifndef TOOLS_PKI_XML_H
#define TOOLS_PKI_XML_H

#include <libxml/xmlwriter.h>

#include "tools/pki.h"

/* Attribute attr of n as a member; nothing when it is absent. */
void pki_xml_attr(json_t *o, const char *member, xmlNode *n, const char *attr);
/* Every child element as a member of the same name with its text. */
json_t *pki_xml_flat(xmlNode *n);
/* Text of n: "true" as a boolean. */
json_t *pki_xml_bool(xmlNode *n);
/* <Input id=""><ClassID/><Name/><Attribute name="">...</Input> */
json_t *pki_xml_input(xmlNode *n);

/* A file that is XML with root element root_name, made an object by read, or a
 * JSON object; the caller owns *out. RC_INVALID. */
MUST enum rc pki_xml_load(json_t **out, const char *path, const char *root_name,
    json_t *(*read)(xmlNode *), struct err *e);
/* The same of XML text at hand. */
MUST enum rc pki_xml_parse(json_t **out, struct view text,
    const char *root_name, json_t *(*read)(xmlNode *), struct err *e);

/* A string or boolean as an element; nothing for anything else. */
void pki_xml_put(xmlTextWriter *w, const char *name, const json_t *v);
/* <TAG NAME="text of member"> is begun; without the attribute when the object
 * has no such member. */
void pki_xml_begin(xmlTextWriter *w, const char *tag, const char *name,
    const json_t *o, const char *member);
/* <TAG><Syntax/><Constraint/><Description/><DefaultValue/></TAG>; nothing when
 * d is NULL. */
void pki_xml_put_descriptor(xmlTextWriter *w, const char *tag, const json_t *d);
void pki_xml_put_input(xmlTextWriter *w, const json_t *in);
/* A document: write puts its root element. Appends to out. */
MUST enum rc pki_xml_write(struct buf *out,
    void (*write)(xmlTextWriter *w, const json_t *o), const json_t *o,
    struct err *e);

#endif
