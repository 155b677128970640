/* SPDX-License-Identifier: Apache-2.0 */
/* name.h - distinguished names: DER (RFC 5280 4.1.2.4) and text (RFC 4514,
 * most specific RDN first: "CN=www.example.com,O=EXAMPLE").
 *
 * There is exactly one formatter, name_text: what it prints is stored in the
 * directory and looked up again by string equality (spec directory 2.4). Names
 * are compared by their DER, and an issuer's name is copied, never re-encoded.
 * Caveat: name_text does not keep the string types, so text -> DER -> text is
 * stable, DER -> text -> DER only for names this file has encoded. */
#ifndef X509_NAME_H
#define X509_NAME_H

#include "der/oid.h"

enum {
	NAME_ATTRS_MAX = 64,       /* attributes of one name */
	NAME_DER_MAX = 16 * 1024,  /* octets of one name */
	NAME_VALUE_MAX = 4 * 1024, /* octets of one attribute value */
};

/* One attribute of a name; the views point into the name. */
struct name_attr {
	struct view oid;
	int tag;           /* DER string tag of the value */
	struct view value; /* contents octets */
	struct view
	    whole;  /* the value as an element, tag and length included */
	size_t rdn; /* index of its RDN, 0 = first in DER (least specific) */
};

/* All attributes of a name in DER order. */
struct name {
	struct name_attr attrs[NAME_ATTRS_MAX];
	size_t count;
};

/* Splits a DER Name strictly (also: it is a well-formed Name). */
MUST enum rc name_split(struct name *out, struct view der, struct err *e);

/* As name_split without the result: is it a Name? */
MUST enum rc name_check(struct view der, struct err *e);

/* Appends the text of a DER Name; "" for the empty name. Values that are not
 * text of a known string type, and all values of attributes without a keyword,
 * come as "1.2.3=#hex". RC_INVALID when der is not a Name. */
MUST enum rc name_text(struct buf *out, struct view der, struct err *e);

/* Appends the DER of a name given as text: blanks around ',', '+', '=' are
 * ignored, ';' separates like ',', keywords in any case (E, EMAIL and
 * EMAILADDRESS alike; "OID.1.2.3" and "1.2.3" too), values plain with
 * RFC 4514 escapes, "quoted", or #hex. Empty text is the empty name. String
 * types: C, SERIALNUMBER, DNQUALIFIER PrintableString; E, DC IA5String; others
 * PrintableString where the characters allow, else UTF8String. */
MUST enum rc name_parse(struct buf *out, struct view text, struct err *e);

/* As name_parse, with tag (DER_PRINTABLE_STRING, DER_UTF8_STRING,
 * DER_IA5_STRING, ...) forced for directory strings (CRMFPopClient -k). */
MUST enum rc name_parse_as(
    struct buf *out, struct view text, int tag, struct err *e);

/* Appends the value of the nth attribute (0 = most specific) of that type as
 * UTF-8 text, unescaped. RC_NOTFOUND when there is none. */
MUST enum rc name_get(
    struct buf *out, struct view der, enum oid attr, size_t nth, struct err *e);

/* Appends value escaped for use behind "CN=" (RFC 4514 2.4). */
void name_escape(struct buf *out, struct view value);

/* Keyword of an attribute type ("CN"), or NULL when it has none. */
const char *name_keyword(struct view oid);
/* Attribute type of a keyword in any case, OID_COUNT when unknown. */
enum oid name_keyword_find(struct view keyword);

/* Builds names from values, least specific first: open, add each, close. A NULL
 * or empty value adds nothing. name_add makes a new RDN of one attribute. */
size_t name_open(struct buf *out);
MUST enum rc name_add(
    struct buf *out, enum oid attr, const char *value, struct err *e);
void name_close(struct buf *out, size_t mark);

#endif
