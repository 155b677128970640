/* SPDX-License-Identifier: Apache-2.0 */
/* ext.h - extensions of certificates, requests, CRLs and OCSP messages
 * (RFC 5280 4.2 and 5.2; Netscape's of spec profiles 9).
 *
 * Writers, ext_put_x, append the *value* (what goes inside the OCTET STRING) to
 * a struct buf, failure is the buf's. Readers, ext_x, take that value and
 * accept nothing behind it. Lists inside a value are handed out as "contents",
 * a view to be read with the matching _next function until it is empty; the
 * put functions take the same contents back. */
#ifndef X509_EXT_H
#define X509_EXT_H

#include "base/arena.h"
#include "base/text.h"
#include "der/oid.h"
#include "x509/gn.h"

enum {
	EXT_COUNT_MAX = 64,
	EXT_VALUE_MAX = 64 * 1024,
};

struct ext {
	struct view oid; /* contents octets */
	bool critical;
	struct view value; /* contents of the OCTET STRING */
};

/* ---- a list being built: copies live in the arena ---- */
struct ext_list {
	struct arena *arena; /* borrowed */
	struct ext items[EXT_COUNT_MAX];
	size_t count;
};

/* Empties the list; what it holds lives in a. */
void ext_list_init(struct ext_list *l, struct arena *a);
/* Appends; RC_EXISTS when that OID is there already, RC_TOOBIG, RC_NOMEM. */
MUST enum rc ext_list_add(struct ext_list *l, struct view oid, bool critical,
    struct view value, struct err *e);
/* Replaces in place, or appends. */
MUST enum rc ext_list_set(struct ext_list *l, struct view oid, bool critical,
    struct view value, struct err *e);
/* As ext_list_set for a value just written to b: checks b, sets, resets b. */
MUST enum rc ext_list_set_buf(struct ext_list *l, enum oid oid, bool critical,
    struct buf *b, struct err *e);
/* true if it was there; the order of the others stays. */
bool ext_list_remove(struct ext_list *l, struct view oid);
/* NULL when absent; valid until the list changes. */
const struct ext *ext_list_find(const struct ext_list *l, struct view oid);
const struct ext *ext_list_find_oid(const struct ext_list *l, enum oid oid);
/* Adds all of a SEQUENCE OF Extension's contents (copied). */
MUST enum rc ext_list_read(struct ext_list *l, struct view exts, struct err *e);
/* Appends Extensions, a whole SEQUENCE; nothing at all for an empty list. */
void ext_list_put(struct buf *b, const struct ext_list *l);

/* ---- extensions as they stand in an object ---- */
void ext_put(struct buf *b, const struct ext *x);
/* Takes the next Extension; critical FALSE must be absent (DER). */
MUST enum rc ext_next(struct view *exts, struct ext *out, struct err *e);
/* Whole list: well formed, at most EXT_COUNT_MAX, no OID twice. */
MUST enum rc ext_check(struct view exts, struct err *e);
/* true and *out when there; exts is contents that ext_check has accepted. */
bool ext_find(struct view exts, enum oid oid, struct ext *out);

/* ---- key usage, extended key usage, basic constraints ---- */
enum {
	EXT_KU_DIGITAL_SIGNATURE = 1 << 0,
	EXT_KU_NON_REPUDIATION = 1 << 1,
	EXT_KU_KEY_ENCIPHERMENT = 1 << 2,
	EXT_KU_DATA_ENCIPHERMENT = 1 << 3,
	EXT_KU_KEY_AGREEMENT = 1 << 4,
	EXT_KU_KEY_CERT_SIGN = 1 << 5,
	EXT_KU_CRL_SIGN = 1 << 6,
	EXT_KU_ENCIPHER_ONLY = 1 << 7,
	EXT_KU_DECIPHER_ONLY = 1 << 8,

	EXT_NS_SSL_CLIENT = 1 << 0,
	EXT_NS_SSL_SERVER = 1 << 1,
	EXT_NS_EMAIL = 1 << 2,
	EXT_NS_OBJECT_SIGNING = 1 << 3,
	EXT_NS_SSL_CA = 1 << 5,
	EXT_NS_EMAIL_CA = 1 << 6,
	EXT_NS_OBJECT_SIGNING_CA = 1 << 7,
};
/* keyUsage, nsCertType and ReasonFlags values. */
void ext_put_bits(struct buf *b, uint32_t bits);
MUST enum rc ext_bits(uint32_t *out, struct view value, struct err *e);

/* extKeyUsage: each OID by ext_oid_next. */
void ext_put_oids(struct buf *b, const struct view *oids, size_t n);
MUST enum rc ext_oids(struct view *out, struct view value, struct err *e);
MUST enum rc ext_oid_next(struct view *r, struct view *oid, struct err *e);
/* Comma list of dotted OIDs or of serverAuth, clientAuth ... -> value. */
MUST enum rc ext_put_oid_text(struct buf *b, const char *list, struct err *e);

struct basic_constraints {
	bool ca;
	int64_t path_len; /* -1 = absent */
};
/* Appends and reads the extension value (RFC 5280 4.2.1.9). */
void ext_put_basic_constraints(
    struct buf *b, const struct basic_constraints *bc);
MUST enum rc ext_basic_constraints(
    struct basic_constraints *out, struct view value, struct err *e);

/* ---- key identifiers ---- */
void ext_put_ski(struct buf *b, struct view key_id);
MUST enum rc ext_ski(struct view *key_id, struct view value, struct err *e);

struct aki {
	struct view key_id; /* empty = absent */
	struct view issuer; /* contents of GeneralNames; empty = absent */
	struct num serial;
	bool has_serial; /* only together with issuer */
};
/* Appends and reads the extension value (RFC 5280 4.2.1.1). */
void ext_put_aki(struct buf *b, const struct aki *a);
MUST enum rc ext_aki(struct aki *out, struct view value, struct err *e);

/* Digest of the subjectPublicKey bits of a SubjectPublicKeyInfo (RFC 5280
 * 4.2.1.2 method 1 when d is DIGEST_SHA1). */
MUST enum rc ext_key_id(uint8_t out[DIGEST_MAX], size_t *len, struct view spki,
    enum digest d, struct err *e);

/* ---- names and locations ---- */
/* subjectAltName, issuerAltName: names = general names one after the other. */
void ext_put_names(struct buf *b, struct view names);
MUST enum rc ext_names(struct view *names, struct view value, struct err *e);

/* authorityInfoAccess, subjectInfoAccess */
struct access_desc {
	struct view method; /* OID */
	struct gn location;
};
void ext_put_access(struct buf *b, const struct access_desc *a, size_t n);
MUST enum rc ext_access(struct view *list, struct view value, struct err *e);
MUST enum rc ext_access_next(
    struct view *r, struct access_desc *out, struct err *e);

/* cRLDistributionPoints, freshestCRL; also the point of an IDP. */
struct dist_point {
	struct view full;     /* general names, or empty */
	struct view relative; /* contents of an RDN's SET, or empty */
	struct view issuer;   /* general names, or empty */
	uint32_t reasons;     /* ReasonFlags */
	bool has_reasons;
};
void ext_put_dist_points(struct buf *b, const struct dist_point *p, size_t n);
MUST enum rc ext_dist_points(
    struct view *list, struct view value, struct err *e);
MUST enum rc ext_dist_point_next(
    struct view *r, struct dist_point *out, struct err *e);
/* ReasonFlags bit (1..8) of "keyCompromise" ..., 0 for "unused", -1 unknown. */
int ext_reason_bit(const char *name);
const char *ext_reason_name(int bit);

/* issuingDistributionPoint (CRL, RFC 5280 5.2.5) */
struct issuing_dist_point {
	struct dist_point point; /* issuer and reasons unused */
	bool only_users, only_cas, indirect, only_attrs;
	uint32_t only_reasons;
	bool has_only_reasons;
};
void ext_put_idp(struct buf *b, const struct issuing_dist_point *p);
MUST enum rc ext_idp(
    struct issuing_dist_point *out, struct view value, struct err *e);

/* nameConstraints: two lists of GeneralSubtree, either empty = absent. */
struct subtree {
	struct gn base;
	int64_t min; /* 0 = default, left out */
	int64_t max; /* -1 = absent */
};
void ext_put_subtree(struct buf *b, const struct subtree *s);
void ext_put_name_constraints(
    struct buf *b, struct view permitted, struct view excluded);
MUST enum rc ext_name_constraints(struct view *permitted, struct view *excluded,
    struct view value, struct err *e);
MUST enum rc ext_subtree_next(
    struct view *r, struct subtree *out, struct err *e);

/* ---- policies ---- */
enum {
	POLICY_NUMBERS_MAX = 16
};
struct policy_qualifier {
	struct view oid; /* policyCps, policyUserNotice, or another */
	struct view cps; /* IA5 characters of a CPS URI */
	struct view org; /* noticeRef organization, characters */
	int64_t numbers[POLICY_NUMBERS_MAX];
	size_t numbers_count;
	bool has_ref;
	struct view text; /* explicitText, characters */
	bool has_text;
	struct view raw; /* the qualifier element (filled by the reader) */
};
struct policy {
	struct view oid;
	struct view qualifiers; /* contents, or empty */
};
/* One PolicyQualifierInfo; PolicyInformation; the value around them. */
void ext_put_qualifier(struct buf *b, const struct policy_qualifier *q);
void ext_put_policy(struct buf *b, const struct policy *p);
void ext_put_policies(struct buf *b, struct view list);
MUST enum rc ext_policies(struct view *list, struct view value, struct err *e);
MUST enum rc ext_policy_next(struct view *r, struct policy *out, struct err *e);
MUST enum rc ext_qualifier_next(
    struct view *r, struct policy_qualifier *out, struct err *e);

struct policy_mapping {
	struct view issuer, subject; /* OIDs */
};
/* Appends the extension value; reads it one mapping at a time (RFC 5280
 * 4.2.1.5). */
void ext_put_policy_mappings(
    struct buf *b, const struct policy_mapping *m, size_t n);
MUST enum rc ext_policy_mappings(
    struct view *list, struct view value, struct err *e);
MUST enum rc ext_policy_mapping_next(
    struct view *r, struct policy_mapping *out, struct err *e);

struct policy_constraints {
	int64_t require_explicit; /* -1 = absent */
	int64_t inhibit_mapping;  /* -1 = absent */
};
/* Appends and reads the extension value (RFC 5280 4.2.1.11). */
void ext_put_policy_constraints(
    struct buf *b, const struct policy_constraints *c);
MUST enum rc ext_policy_constraints(
    struct policy_constraints *out, struct view value, struct err *e);

/* inhibitAnyPolicy, CRL number, delta CRL indicator: a plain INTEGER. */
void ext_put_num(struct buf *b, const struct num *n);
void ext_put_int(struct buf *b, int64_t v);
MUST enum rc ext_num(struct num *out, struct view value, struct err *e);
MUST enum rc ext_int(int64_t *out, struct view value, struct err *e);

/* ---- the rest ---- */
/* nsComment: IA5String. */
void ext_put_ia5(struct buf *b, const char *s);
MUST enum rc ext_ia5(struct view *out, struct view value, struct err *e);
/* ocspNoCheck, ctPoison: NULL. */
void ext_put_null(struct buf *b);
MUST enum rc ext_null(struct view value, struct err *e);
/* privateKeyUsagePeriod: has_x tells which are present. */
struct usage_period {
	int64_t not_before, not_after;
	bool has_not_before, has_not_after;
};
void ext_put_usage_period(struct buf *b, const struct usage_period *p);
MUST enum rc ext_usage_period(
    struct usage_period *out, struct view value, struct err *e);
/* subjectDirectoryAttributes: values = contents of the SET OF. */
struct dir_attr {
	struct view type;
	struct view values;
};
void ext_put_dir_attrs(struct buf *b, const struct dir_attr *a, size_t n);
MUST enum rc ext_dir_attrs(struct view *list, struct view value, struct err *e);
MUST enum rc ext_dir_attr_next(
    struct view *r, struct dir_attr *out, struct err *e);

/* Well-formedness of a value we know the syntax of (all above); RC_OK for
 * unknown OIDs. Used on requested extensions before they are copied. */
MUST enum rc ext_value_check(const struct ext *x, struct err *e);

#endif
