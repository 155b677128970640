/* SPDX-License-Identifier: Apache-2.0 */
/* gn.h - GeneralName (RFC 5280 4.2.1.6) in DER and in the text forms of
 * profiles (spec profiles 6): "DNSName: host.example". */
#ifndef X509_GN_H
#define X509_GN_H

#include "der/oid.h"

/* The context tag numbers of the ASN.1. */
enum gn_type {
	GN_OTHER = 0,
	GN_EMAIL = 1,
	GN_DNS = 2,
	GN_X400 = 3,
	GN_DIRECTORY = 4,
	GN_EDI = 5,
	GN_URI = 6,
	GN_IP = 7,
	GN_OID = 8,
};

/* value: GN_DIRECTORY the whole Name; GN_EMAIL, GN_DNS, GN_URI characters;
 * GN_IP 4, 8, 16 or 32 octets; GN_OID contents octets; GN_OTHER, GN_EDI,
 * GN_X400 the contents below the context tag. */
struct gn {
	enum gn_type type;
	struct view value;
	struct view whole; /* filled by gn_next */
};

/* Takes the next general name. RC_INVALID for a wrong tag, characters outside
 * IA5String, wrong length of an address, or a malformed Name. */
MUST enum rc gn_next(struct view *r, struct gn *out, struct err *e);
/* Appends one general name (whole is ignored). */
void gn_put(struct buf *b, const struct gn *g);

/* Appends the DER of a general name given as type ("RFC822Name", "DNSName",
 * "URIName", "IPAddress", "DirectoryName", "EDIPartyName", "OIDName",
 * "OtherName") and value; forms in spec profiles 6. RC_INVALID else. Wildcards
 * are accepted: callers that need single names ask gn_is_single. */
MUST enum rc gn_parse(
    struct buf *b, const char *type, const char *value, struct err *e);
/* "DNSName" -> GN_DNS; case-insensitive but for "OtherName". -1 = unknown. */
int gn_type_find(const char *type);
const char *gn_type_name(enum gn_type t);
/* false for a leading '.', a '*' label, or an address with a mask. */
bool gn_is_single(const struct gn *g);

/* Appends the value's text alone ("host.example") in a form that gn_parse
 * reads back, or "DNSName: host.example". */
void gn_put_value_text(struct buf *out, const struct gn *g);
void gn_put_text(struct buf *out, const struct gn *g);

#endif
