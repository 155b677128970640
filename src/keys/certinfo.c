/* SPDX-License-Identifier: Apache-2.0 */
/* certinfo.c - the few fields of a certificate that tokens index by.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: pure functions. */
#include "keys/certinfo.h"

#include "der/oid.h"
#include "der/reader.h"

enum rc
certinfo_parse(struct certinfo *out, struct view der, struct err *e)
{
	struct view cert, tbs, version, validity;
	struct certinfo c;
	bool present;
	enum rc rc;

	if ((rc = der_enter(&der, &cert, DER_SEQUENCE, e)) != RC_OK ||
	    (rc = der_end(&der, e)) != RC_OK ||
	    (rc = der_enter(&cert, &tbs, DER_SEQUENCE, e)) != RC_OK ||
	    (rc = der_optional(
		 &tbs, &version, DER_CONTEXT_CONS(0), &present, e)) != RC_OK ||
	    (rc = der_take(&tbs, &c.serial, DER_INTEGER, e)) != RC_OK ||
	    (rc = der_take(&tbs, &version, DER_SEQUENCE, e)) != RC_OK ||
	    (rc = der_take(&tbs, &c.issuer, DER_SEQUENCE, e)) != RC_OK ||
	    (rc = der_enter(&tbs, &validity, DER_SEQUENCE, e)) != RC_OK ||
	    (rc = der_take(&tbs, &c.subject, DER_SEQUENCE, e)) != RC_OK ||
	    (rc = der_take(&tbs, &c.spki, DER_SEQUENCE, e)) != RC_OK ||
	    (rc = der_time(&validity, &c.not_before, e)) != RC_OK ||
	    (rc = der_time(&validity, &c.not_after, e)) != RC_OK) {
		if (e != NULL)
			err_prefix(e, "certificate: RFC 5280 4.1");
		return rc;
	}
	*out = c;
	return RC_OK;
}

void
certinfo_add_cn(const struct certinfo *c, struct buf *out)
{
	struct view name = c->subject, rdns, set, atv, oid, value;

	if (der_enter(&name, &rdns, DER_SEQUENCE, NULL) != RC_OK)
		return;
	while (der_enter(&rdns, &set, DER_SET, NULL) == RC_OK) {
		while (der_enter(&set, &atv, DER_SEQUENCE, NULL) == RC_OK) {
			if (der_oid(&atv, &oid, NULL) != RC_OK ||
			    !view_eq(oid, oid_der(OID_commonName)) ||
			    der_any(&atv, NULL, NULL, &value, NULL) != RC_OK ||
			    memchr(value.data, 0, value.len) != NULL)
				continue;
			buf_reset(out);
			buf_add_view(out, value);
		}
	}
}
