/* SPDX-License-Identifier: Apache-2.0 */
/* template.h - a certificate before it is signed. Views are borrowed and must
 * outlive the template; extensions are copies in the list's arena. */
#ifndef X509_TEMPLATE_H
#define X509_TEMPLATE_H

#include "base/text.h"
#include "x509/ext.h"

struct cert_template {
	int version; /* as encoded: 2 = v3 */
	struct num serial;
	enum sigalg sigalg;
	struct view issuer;  /* whole Name */
	struct view subject; /* whole Name, may be the empty SEQUENCE */
	struct view spki;    /* whole SubjectPublicKeyInfo, copied as it is */
	int64_t not_before, not_after;
	struct ext_list exts;
};

/* Empty template: v3, no names, no extensions. */
void template_init(struct cert_template *t, struct arena *a);
/* Appends the TBSCertificate (RFC 5280 4.1.2). RC_INVALID when a part is
 * missing, the serial is zero or longer than 20 octets, extensions stand in a
 * v1 template, an empty subject comes without critical subjectAltName, or
 * notAfter is before notBefore. */
MUST enum rc template_tbs(
    struct buf *out, const struct cert_template *t, struct err *e);

#endif
