/* SPDX-License-Identifier: Apache-2.0 */
/* cert.h - a certificate taken apart into views (RFC 5280 4.1), without
 * libcrypto (measurements C: d2i_X509 costs 100 us). Not checked here: the
 * signature, the chain, the time, whether an extension's value makes sense.
 * A struct cert owns nothing; it lives as long as its bytes. */
#ifndef X509_CERT_H
#define X509_CERT_H

#include "base/text.h"
#include "x509/ext.h"

enum {
	CERT_DER_MAX = 256 * 1024
};

struct cert {
	struct view der;    /* all of it */
	struct view tbs;    /* whole TBSCertificate: what is signed */
	struct view sigalg; /* whole AlgorithmIdentifier (both agree) */
	struct view sig;    /* signature octets */
	int version;        /* as encoded: 2 = v3 */
	struct num serial;
	struct view issuer, subject; /* whole Names */
	int64_t not_before, not_after;
	struct view spki; /* whole SubjectPublicKeyInfo */
	struct view exts; /* contents of Extensions, empty when absent */
};

/* Strict: RC_INVALID for trailing bytes, disagreeing signature algorithms,
 * negative or over-long serials, malformed names, a repeated extension. */
MUST enum rc cert_parse(struct cert *out, struct view der, struct err *e);

/* The sigalg as one of ours, SIGALG_COUNT for others. */
enum sigalg cert_sigalg(const struct cert *c);
/* true and *out when the extension is there. */
bool cert_ext(const struct cert *c, enum oid oid, struct ext *out);
/* basicConstraints says CA. */
bool cert_is_ca(const struct cert *c);
/* Issuer and subject are the same bytes. */
bool cert_is_self_issued(const struct cert *c);
/* Key usage bits (EXT_KU_x); all bits when the extension is absent, none when it
 * is malformed. */
uint32_t cert_key_usage(const struct cert *c);
/* true when that purpose is in extKeyUsage (an absent extension: false). */
bool cert_has_eku(const struct cert *c, enum oid purpose);
/* Subject key identifier from the extension, else SHA-1 of the key bits; at
 * most DIGEST_MAX octets. */
MUST enum rc cert_key_id(const struct cert *c, struct view *id,
    uint8_t room[DIGEST_MAX], struct err *e);
/* Algorithm OID of the key (contents octets) and its bits (subjectPublicKey
 * without the unused-bits octet). */
MUST enum rc spki_split(
    struct view spki, struct view *alg, struct view *bits, struct err *e);
/* "2;7;CN=CA,O=X;CN=me": version, decimal serial, issuer, subject (spec
 * directory 2.4: a user's `description`). */
MUST enum rc cert_user_id(struct buf *out, const struct cert *c, struct err *e);
/* One `extension` value of a certificate record for x: OID, or with the values
 * of basic constraints and Netscape type behind it (spec directory 2.6). */
MUST enum rc ext_index_text(
    struct buf *out, const struct ext *x, struct err *e);

#endif
