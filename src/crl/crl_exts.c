/* SPDX-License-Identifier: Apache-2.0 */
/* crl_exts.c - authorityKeyIdentifier, issuerAltName, issuingDistributionPoint,
 * freshestCRL and authorityInfoAccess of a CRL (RFC 5280 5.2, spec ca 4.2).
 * Owns:    nothing; values go to the arena of the settings.
 * Trusts:  nothing in CS.cfg.
 * Threads: as its caller. */
#include "crl/crl_exts.h"

#include <stdio.h>

#include "der/reader.h"
#include "x509/cert.h"
#include "x509/name.h"

enum {
	VALUE_MAX = 64 * 1024,
	NAME_LEN = 192,
};

/* One extension being read: where its settings are, for messages too. */
struct source {
	const struct cfg *cfg;
	const char *id, *ext;
};

static const char *
get(const struct source *s, const char *what, int i)
{
	const char *v = i < 0
	    ? cfg_getf(s->cfg, "ca.crl.%s.extension.%s.%s", s->id, s->ext, what)
	    : cfg_getf(s->cfg, "ca.crl.%s.extension.%s.%s%d", s->id, s->ext,
		  what, i);

	return v != NULL ? v : "";
}

static bool
get_bool(const struct source *s, const char *what, bool def)
{
	const char *v = get(s, what, -1);

	return v[0] != '\0' ? text_bool(v) : def;
}

static enum rc
get_count(const struct source *s, size_t *out, const char *what, struct err *e)
{
	char name[NAME_LEN];
	int64_t n = 0;
	enum rc rc;

	(void)snprintf(name, sizeof(name), "ca.crl.%s.extension.%s.%s", s->id,
	    s->ext, what);
	rc = cfg_int(s->cfg, &n, name, 0, CRL_POINTS_MAX, 0, e);
	*out = (size_t)n;
	return rc;
}

static enum rc
fault(const struct source *s, const char *what, int i, struct err *e)
{
	char index[16] = "";

	if (e == NULL)
		return RC_INVALID;
	if (i >= 0)
		(void)snprintf(index, sizeof(index), "%d", i);
	return err_prefix(
	    e, "ca.crl.%s.extension.%s.%s%s", s->id, s->ext, what, index);
}

/* Appends a general name; "URI" is what other settings call "URIName". */
static enum rc
put_gn(struct buf *b, const struct source *s, const char *type,
    const char *value, const char *what, int i, struct err *e)
{
	enum rc rc =
	    gn_parse(b, text_ieq(type, "URI") ? "URIName" : type, value, e);

	return rc == RC_OK ? rc : fault(s, what, i, e);
}

static enum rc
set(struct crl_conf *conf, const struct source *s, enum oid oid,
    struct buf *value, bool critical, struct err *e)
{
	return ext_list_set_buf(
	    &conf->fixed, oid, get_bool(s, "critical", critical), value, e);
}

static enum rc
aki(struct crl_conf *conf, const struct source *s,
    const struct crl_authority *a, struct err *e)
{
	AUTO_BUF b = buf_empty(VALUE_MAX);
	uint8_t room[DIGEST_MAX];
	struct aki aki = { 0 };
	struct cert cert;
	enum rc rc = cert_parse(&cert, a->cert, e);

	if (rc == RC_OK)
		rc = cert_key_id(&cert, &aki.key_id, room, e);
	if (rc != RC_OK)
		return rc;
	ext_put_aki(&b, &aki);
	return set(conf, s, OID_authorityKeyIdentifier, &b, false, e);
}

static enum rc
issuer_alt_name(struct crl_conf *conf, const struct source *s,
    const struct crl_authority *a, struct err *e)
{
	AUTO_BUF names = buf_empty(VALUE_MAX);
	AUTO_BUF b = buf_empty(VALUE_MAX);
	size_t n = 0, i;
	enum rc rc = get_count(s, &n, "numNames", e);

	(void)a;
	for (i = 0; rc == RC_OK && i < n; i++)
		rc = put_gn(&names, s, get(s, "nameType", (int)i),
		    get(s, "name", (int)i), "name", (int)i, e);
	if (rc != RC_OK || names.len == 0)
		return rc;
	ext_put_names(&b, buf_view(&names));
	return set(conf, s, OID_issuerAltName, &b, false, e);
}

/* A distribution point's name: general name, or RDN relative to the issuer. The
 * octets go to b, which outlives *out. */
static enum rc
point(struct dist_point *out, struct buf *b, const struct source *s,
    const char *type, const char *value, const char *what, int i, struct err *e)
{
	struct view name, rdns, rdn;
	enum rc rc;

	if (!text_ieq(type, "RelativeToIssuer")) {
		rc = put_gn(b, s, type, value, what, i, e);
		if (rc == RC_OK)
			out->full = buf_view(b);
		return rc;
	}
	rc = name_parse(b, view_str(value), e);
	name = buf_view(b);
	if (rc == RC_OK)
		rc = der_enter(&name, &rdns, DER_SEQUENCE, e);
	if (rc == RC_OK)
		rc = der_enter(&rdns, &rdn, DER_SET, e);
	if (rc == RC_OK)
		rc = der_end(&rdns, e);
	if (rc != RC_OK)
		return fault(s, what, i, e);
	out->relative = rdn;
	return RC_OK;
}

static enum rc
some_reasons(struct issuing_dist_point *idp, struct crl_conf *conf,
    const struct source *s, struct err *e)
{
	char *names[16];
	AUTO_STR text = strdup(get(s, "onlySomeReasons", -1));
	size_t n, i;
	int bit;

	if (text == NULL)
		return err_set(e, RC_NOMEM, "issuing point %s", s->id);
	n = text_split(text, ", ", names, 16);
	for (i = 0; i < n && i < 16; i++) {
		bit = ext_reason_bit(names[i]);
		if (bit < 0)
			return err_set(e, RC_INVALID,
			    "ca.crl.%s.extension.%s.onlySomeReasons: unknown "
			    "reason",
			    s->id, s->ext);
		idp->has_only_reasons = true;
		idp->only_reasons |= UINT32_C(1) << bit;
		/* ReasonFlags 7 and 8 are CRLReason 9 and 10 (RFC 5280) */
		conf->only_reasons |= UINT32_C(1) << (bit < 7 ? bit : bit + 2);
	}
	return RC_OK;
}

static enum rc
idp(struct crl_conf *conf, const struct source *s,
    const struct crl_authority *a, struct err *e)
{
	struct issuing_dist_point p = { 0 };
	AUTO_BUF name = buf_empty(VALUE_MAX);
	AUTO_BUF b = buf_empty(VALUE_MAX);
	const char *type = get(s, "pointType", -1);
	const char *value = get(s, "pointName", -1);
	enum rc rc = RC_OK;

	(void)a;
	if (value[0] != '\0')
		rc = point(&p.point, &name, s, type, value, "pointName", -1, e);
	if (rc == RC_OK)
		rc = some_reasons(&p, conf, s, e);
	if (rc != RC_OK)
		return rc;
	p.only_cas = get_bool(s, "onlyContainsCACerts", false);
	p.only_users = get_bool(s, "onlyContainsUserCerts", false);
	p.indirect = get_bool(s, "indirectCRL", false);
	if (p.only_cas && p.only_users)
		return err_set(e, RC_INVALID,
		    "ca.crl.%s.extension.%s: RFC 5280 5.2.5: "
		    "onlyContainsCACerts "
		    "and onlyContainsUserCerts",
		    s->id, s->ext);
	/* the list must keep what the extension says */
	conf->only_cas = conf->only_cas || p.only_cas;
	conf->only_users = conf->only_users || p.only_users;
	ext_put_idp(&b, &p);
	return set(conf, s, OID_issuingDistributionPoint, &b, true, e);
}

static enum rc
freshest(struct crl_conf *conf, const struct source *s,
    const struct crl_authority *a, struct err *e)
{
	struct dist_point points[CRL_POINTS_MAX] = { 0 };
	struct buf names[CRL_POINTS_MAX];
	AUTO_BUF b = buf_empty(VALUE_MAX);
	size_t n = 0, used = 0, i;
	enum rc rc = get_count(s, &n, "numPoints", e);
	const char *value;

	(void)a;
	for (i = 0; rc == RC_OK && i < n; i++) {
		value = get(s, "pointName", (int)i);
		if (value[0] == '\0')
			continue;
		names[used] = buf_empty(VALUE_MAX);
		rc = point(&points[used], &names[used], s,
		    get(s, "pointType", (int)i), value, "pointName", (int)i, e);
		used++;
	}
	if (rc == RC_OK && used > 0) {
		ext_put_dist_points(&b, points, used);
		rc = set(conf, s, OID_freshestCRL, &b, false, e);
	}
	for (i = 0; i < used; i++)
		buf_done(&names[i]);
	return rc;
}

/* The i-th access description; its location stays in `room`. */
static enum rc
access_of(struct access_desc *out, struct buf *room, const struct source *s,
    const struct crl_authority *a, int i, struct err *e)
{
	const char *method = get(s, "accessMethod", i);
	const char *type = get(s, "accessLocationType", i);
	const char *value = get(s, "accessLocation", i);
	AUTO_BUF url = buf_empty(VALUE_MAX);
	struct view gn;
	enum rc rc;

	out->method = oid_der(OID_caIssuers);
	if (text_ieq(method, "ocsp"))
		out->method = oid_der(OID_ocsp);
	else if (method[0] != '\0' && !text_ieq(method, "caIssuers"))
		return err_set(e, RC_INVALID,
		    "ca.crl.%s.extension.%s.accessMethod%d: caIssuers or ocsp",
		    s->id, s->ext, i);
	if (value[0] == '\0' && a->url != NULL && !text_ieq(method, "ocsp")) {
		buf_addf(&url, "%s/ca/ee/ca/getCAChain?op=downloadBIN", a->url);
		value = buf_cstr(&url);
		type = "URI";
	}
	rc = put_gn(room, s, type[0] != '\0' ? type : "URI", value,
	    "accessLocation", i, e);
	gn = buf_view(room);
	return rc == RC_OK ? gn_next(&gn, &out->location, e) : rc;
}

static enum rc
access_info(struct crl_conf *conf, const struct source *s,
    const struct crl_authority *a, struct err *e)
{
	struct access_desc list[CRL_POINTS_MAX];
	struct buf rooms[CRL_POINTS_MAX];
	AUTO_BUF b = buf_empty(VALUE_MAX);
	size_t n = 0, used = 0, i;
	enum rc rc = get_count(s, &n, "numberOfAccessDescriptions", e);

	for (i = 0; rc == RC_OK && i < n; i++) {
		rooms[used] = buf_empty(VALUE_MAX);
		rc = access_of(&list[used], &rooms[used], s, a, (int)i, e);
		used++;
	}
	if (rc == RC_OK && used > 0) {
		ext_put_access(&b, list, used);
		rc = set(conf, s, OID_authorityInfoAccess, &b, false, e);
	}
	for (i = 0; i < used; i++)
		buf_done(&rooms[i]);
	return rc;
}

enum rc
crl_exts_load(struct crl_conf *conf, const struct cfg *c, const char *id,
    const struct crl_authority *a, struct err *e)
{
	static const struct {
		const char *name;
		bool enabled; /* as shipped */
		MUST enum rc (*load)(struct crl_conf *, const struct source *,
		    const struct crl_authority *, struct err *);
	} table[] = {
		{ "AuthorityKeyIdentifier", true, aki },
		{ "IssuerAlternativeName", false, issuer_alt_name },
		{ "IssuingDistributionPoint", false, idp },
		{ "FreshestCRL", false, freshest },
		{ "AuthorityInformationAccess", false, access_info },
	};
	struct source s = { c, id, NULL };
	enum rc rc = RC_OK;
	size_t i;

	for (i = 0; rc == RC_OK && i < sizeof(table) / sizeof(table[0]); i++) {
		s.ext = table[i].name;
		if (get_bool(&s, "enable", table[i].enabled))
			rc = table[i].load(conf, &s, a, e);
	}
	return rc;
}
