/* SPDX-License-Identifier: Apache-2.0 */
/* str.h - the ASN.1 character strings of certificates (X.680 41). */
#ifndef X509_STR_H
#define X509_STR_H

#include "base/buf.h"
#include "base/err.h"

enum {
	STR_TAG_GENERAL = 0x1b, /* GeneralString (Kerberos) */
};

/* Well-formed UTF-8 without NUL. */
bool str_is_utf8(struct view v);
/* Only characters of PrintableString. */
bool str_is_printable(struct view v);
/* Only ASCII without control characters. */
bool str_is_ia5(struct view v);
/* The narrowest of PrintableString and UTF8String. */
int str_tag(struct view utf8);
/* Appends a string of that tag as UTF-8. RC_INVALID when the octets do not fit
 * the type, hold a NUL, or the tag is none of a string. */
MUST enum rc str_to_utf8(
    struct buf *out, int tag, struct view value, struct err *e);
/* Appends UTF-8 as the contents of a string of that tag. RC_INVALID when the
 * type has no such character. */
MUST enum rc str_from_utf8(
    struct buf *out, int tag, struct view utf8, struct err *e);

#endif
