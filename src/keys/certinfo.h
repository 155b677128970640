/* SPDX-License-Identifier: Apache-2.0 */
/* certinfo.h - the few fields of a certificate that tokens index by (RFC 5280
 * 4.1), inside the room; x509/ has the whole object. */
#ifndef KEYS_CERTINFO_H
#define KEYS_CERTINFO_H

#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

/* Views into the certificate. */
struct certinfo {
	struct view serial;  /* whole INTEGER element, as PKCS #11 wants it */
	struct view issuer;  /* whole Name */
	struct view subject; /* whole Name */
	struct view spki;
	int64_t not_before, not_after;
};

/* Reads what this room needs of a certificate; the views point into der. */
MUST enum rc certinfo_parse(
    struct certinfo *out, struct view der, struct err *e);
/* Appends the last common name of the subject as text, or nothing. */
void certinfo_add_cn(const struct certinfo *c, struct buf *out);

#endif
