/* SPDX-License-Identifier: Apache-2.0 */
/* default_location.c - where to find more: access descriptions and CRL
 * distribution points (spec profiles 9.4; RFC 5280 4.2.1.13, 4.2.2).
 * Owns:    nothing; lists live in the template's arena.
 * Trusts:  nothing.
 * Threads: as struct profile_run. */
#include "der/reader.h"
#include "der/writer.h"
#include "profile/records.h"
#include "x509/name.h"

/* Makes one general name in the arena. RC_INVALID when it is none. */
static enum rc
make_name(struct profile_run *r, const char *type, const char *value,
    struct view *whole, struct gn *g, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	struct view v;
	enum rc rc = gn_parse(&b, type, value, e);

	if (rc == RC_OK)
		rc = run_keep(r, whole, &b, e);
	v = *whole;
	if (rc == RC_OK && g != NULL)
		rc = gn_next(&v, g, e);
	return rc;
}

/* --- authority and subject information access ------------------------------------ */

struct access_names {
	enum oid oid;
	const char *critical, *num, *enable, *method, *type, *location;
};
static const struct access_names aia_names = { OID_authorityInfoAccess,
	"authInfoAccessCritical", "authInfoAccessNumADs",
	"authInfoAccessADEnable_", "authInfoAccessADMethod_",
	"authInfoAccessADLocationType_", "authInfoAccessADLocation_" };
static const struct access_names sia_names = { OID_subjectInfoAccess,
	"subjInfoAccessCritical", "subjInfoAccessNumADs",
	"subjInfoAccessADEnable_", "subjInfoAccessADMethod_",
	"subjInfoAccessADLocationType_", "subjInfoAccessADLocation_" };

/* The CA's own OCSP responder. */
static enum rc
own_ocsp(struct profile_run *r, const char **out, struct err *e)
{
	const struct profile_env *env = r->env;
	char *uri;

	if (env->ocsp_uri != NULL && env->ocsp_uri[0] != '\0') {
		*out = env->ocsp_uri;
		return RC_OK;
	}
	if (env->host == NULL)
		return err_set(e, RC_INTERNAL, "the host name is not known");
	uri = arena_printf(
	    r->arena, "http://%s:%u/ca/ocsp", env->host, env->port);
	if (uri == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	*out = uri;
	return RC_OK;
}

static enum rc
make_access(struct profile_run *r, struct access_desc *out, const char *method,
    const char *type, const char *location, struct err *e)
{
	AUTO_BUF oid = buf_empty(0);
	struct view whole;
	enum rc rc = oid_parse(&oid, method, e);

	if (rc == RC_OK)
		rc = run_keep(r, &out->method, &oid, e);
	if (rc != RC_OK)
		return rc;
	return make_name(r, type[0] != '\0' ? type : "URIName", location,
	    &whole, &out->location, e);
}

static enum rc
access_populate(struct profile_run *r, const struct profile_part *p,
    const struct access_names *k, struct err *e)
{
	struct access_desc list[NUMBERED_MAX];
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	size_t num = part_count(p, k->num), n = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < num; i++) {
		const char *method = part_paramf(p, "%s%zu", k->method, i);
		const char *loc = part_paramf(p, "%s%zu", k->location, i);

		if (!is_true(part_paramf(p, "%s%zu", k->enable, i)))
			continue;
		if (loc[0] == '\0') {
			if (strcmp(method, oid_dotted(OID_ocsp)) != 0)
				continue;
			rc = own_ocsp(r, &loc, e);
		}
		if (rc == RC_OK)
			rc = make_access(r, &list[n++], method,
			    part_paramf(p, "%s%zu", k->type, i), loc, e);
	}
	if (rc != RC_OK || n == 0)
		return rc;
	ext_put_access(&b, list, n);
	return run_ext_add(r, k->oid, part_bool(p, k->critical), &b, e);
}

static enum rc
access_get(struct profile_run *r, const struct access_names *k,
    const char *name, struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, k->oid);
	struct access_desc d;
	struct view list;
	enum rc rc;

	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, k->critical) == 0) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_access(&list, x->value, e);
	for (size_t i = 0; rc == RC_OK && list.len > 0; i++) {
		rc = ext_access_next(&list, &d, e);
		if (rc != RC_OK)
			break;
		record_begin(out, i);
		buf_add_str(out, "Method:");
		rc = oid_text(out, d.method, e);
		buf_add_str(out, "\r\n");
		record_put_gn(out, "Location Type", "Location", &d.location);
		record_end(out);
	}
	return rc;
}

static enum rc
access_set(struct profile_run *r, const struct access_names *k,
    const char *name, const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, k->oid);
	struct access_desc list[NUMBERED_MAX];
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	struct record *rec;
	size_t n;
	enum rc rc;

	if (value == NULL)
		return x == NULL ? RC_OK : bad_property(e, name);
	if (strcmp(name, k->critical) == 0)
		return run_ext_critical(r, k->oid, value, e);
	rc = records_parse(&rec, &n, value, r->arena, e);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = make_access(r, &list[i], record_field(&rec[i], "Method"),
		    record_field(&rec[i], "Location Type"),
		    record_field(&rec[i], "Location"), e);
	if (rc != RC_OK)
		return rc;
	if (n == 0) {
		(void)ext_list_remove(&r->t->exts, oid_der(k->oid));
		return RC_OK;
	}
	ext_put_access(&b, list, n);
	return run_ext_set(r, k->oid, x != NULL && x->critical, &b, e);
}

static enum rc
aia_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	return access_populate(r, p, &aia_names, e);
}
static enum rc
aia_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	(void)p;
	return access_get(r, &aia_names, name, out, e);
}
static enum rc
aia_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	(void)p;
	return access_set(r, &aia_names, name, value, e);
}
static enum rc
sia_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	return access_populate(r, p, &sia_names, e);
}
static enum rc
sia_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	(void)p;
	return access_get(r, &sia_names, name, out, e);
}
static enum rc
sia_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	(void)p;
	return access_set(r, &sia_names, name, value, e);
}

static const struct profile_value_desc aia_values[] = {
	BOOLEAN("authInfoAccessCritical", "Criticality"),
	LIST("authInfoAccessGeneralNames", "General Names"),
	LAST,
};
static const struct profile_value_desc sia_values[] = {
	BOOLEAN("subjInfoAccessCritical", "Criticality"),
	LIST("subjInfoAccessGeneralNames", "General Names"),
	LAST,
};

/* --- distribution points ------------------------------------------------------------ */

/* The text of one point, from parameters or from a record. */
struct point_text {
	const char *type, *name, *reasons, *issuer_type, *issuer_name;
};

static enum rc
make_reasons(struct profile_run *r, const char *text, struct dist_point *d,
    struct err *e)
{
	char *items[NUMBERED_MAX];
	char *copy = arena_str(r->arena, text);
	size_t n;

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	n = text_split(copy, ",", items, NUMBERED_MAX);
	for (size_t i = 0; i < n && i < NUMBERED_MAX; i++) {
		int bit = ext_reason_bit(items[i]);

		if (bit < 0)
			return err_set(
			    e, RC_INVALID, "unknown reason %s", items[i]);
		d->reasons |= 1U << bit;
		d->has_reasons = true;
	}
	return RC_OK;
}

/* "CN=x" as the contents of an RDN's SET. */
static enum rc
make_relative(
    struct profile_run *r, const char *text, struct view *out, struct err *e)
{
	AUTO_BUF b = buf_empty(NAME_DER_MAX);
	struct view der, rdns;
	enum rc rc = name_parse(&b, view_str(text), e);

	if (rc == RC_OK)
		rc = run_keep(r, &der, &b, e);
	if (rc == RC_OK)
		rc = der_enter(&der, &rdns, DER_SEQUENCE, e);
	if (rc == RC_OK)
		rc = der_enter(&rdns, out, DER_SET, e);
	if (rc == RC_OK)
		rc = der_end(&rdns, e);
	return rc;
}

static enum rc
make_point(struct profile_run *r, struct dist_point *d,
    const struct point_text *t, struct err *e)
{
	enum rc rc = RC_OK;

	memset(d, 0, sizeof(*d));
	if (t->name[0] == '\0' && t->issuer_name[0] == '\0')
		return err_set(e, RC_INVALID, "distribution point: no name");
	if (t->name[0] != '\0')
		rc = strcmp(t->type, "RelativeToIssuer") == 0
		    ? make_relative(r, t->name, &d->relative, e)
		    : make_name(r, t->type, t->name, &d->full, NULL, e);
	if (rc == RC_OK)
		rc = make_reasons(r, t->reasons, d, e);
	if (rc == RC_OK && t->issuer_name[0] != '\0')
		rc = make_name(
		    r, t->issuer_type, t->issuer_name, &d->issuer, NULL, e);
	return rc;
}

static enum rc
points_populate(struct profile_run *r, const struct profile_part *p,
    enum oid oid, struct err *e)
{
	bool fresh = oid == OID_freshestCRL;
	const char *k = fresh ? "freshestCRLPoint" : "crlDistPoints";
	struct dist_point list[NUMBERED_MAX];
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	size_t num =
	    part_count(p, fresh ? "freshestCRLPointNum" : "crlDistPointsNum");
	size_t n = 0;
	enum rc rc = RC_OK;

	if (!is_true(part_paramf(p, "%sEnable_0", k)))
		return RC_OK;
	for (size_t i = 0; rc == RC_OK && i < num; i++) {
		struct point_text t = {
			part_paramf(
			    p, "%s%sType_%zu", k, fresh ? "" : "Point", i),
			part_paramf(
			    p, "%s%sName_%zu", k, fresh ? "" : "Point", i),
			fresh ? "" : part_paramf(p, "%sReasons_%zu", k, i),
			part_paramf(p, "%sIssuerType_%zu", k, i),
			part_paramf(p, "%sIssuerName_%zu", k, i),
		};

		if (is_true(part_paramf(p, "%sEnable_%zu", k, i)))
			rc = make_point(r, &list[n++], &t, e);
	}
	if (rc != RC_OK || n == 0)
		return rc;
	ext_put_dist_points(&b, list, n);
	return run_ext_add(r, oid,
	    part_bool(
		p, fresh ? "freshestCRLCritical" : "crlDistPointsCritical"),
	    &b, e);
}

/* Type and value of the first of some general names; empty texts for none. */
static enum rc
put_first_name(struct buf *out, const char *type, const char *value,
    struct view names, struct err *e)
{
	struct gn g;
	enum rc rc;

	if (names.len == 0) {
		record_put(out, type, "");
		record_put(out, value, "");
		return RC_OK;
	}
	rc = gn_next(&names, &g, e);
	if (rc == RC_OK)
		record_put_gn(out, type, value, &g);
	return rc;
}

/* A relative name as text: wrapped into a Name of one RDN. */
static enum rc
put_relative(struct buf *out, struct view rdn, struct err *e)
{
	AUTO_BUF der = buf_empty(NAME_DER_MAX);
	size_t seq = der_open(&der, DER_SEQUENCE);
	enum rc rc;

	der_put(&der, DER_SET, rdn);
	der_close(&der, seq);
	record_put(out, "Point Type", "RelativeToIssuer");
	buf_add_str(out, "Point Name:");
	rc = name_text(out, buf_view(&der), e);
	buf_add_str(out, "\r\n");
	return rc;
}

static void
put_reasons(struct buf *out, const struct dist_point *d)
{
	bool first = true;

	buf_add_str(out, "Reasons:");
	for (int bit = 0; d->has_reasons && bit < 32; bit++) {
		const char *name = ext_reason_name(bit);

		if ((d->reasons & 1U << bit) == 0 || name == NULL)
			continue;
		if (!first)
			buf_add_char(out, ',');
		buf_add_str(out, name);
		first = false;
	}
	buf_add_str(out, "\r\n");
}

static enum rc
put_point(
    struct buf *out, const struct dist_point *d, bool fresh, struct err *e)
{
	enum rc rc = d->relative.len > 0
	    ? put_relative(out, d->relative, e)
	    : put_first_name(out, "Point Type", "Point Name", d->full, e);

	if (!fresh)
		put_reasons(out, d);
	if (rc == RC_OK)
		rc = put_first_name(
		    out, "Issuer Type", "Issuer Name", d->issuer, e);
	record_end(out);
	return rc;
}

static enum rc
points_get(struct profile_run *r, enum oid oid, const char *name,
    struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, oid);
	struct dist_point d;
	struct view list;
	enum rc rc;

	if (x == NULL)
		return RC_NOTFOUND;
	if (text_ends(name, "Critical")) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_dist_points(&list, x->value, e);
	for (size_t i = 0; rc == RC_OK && list.len > 0; i++) {
		rc = ext_dist_point_next(&list, &d, e);
		if (rc != RC_OK)
			break;
		record_begin(out, i);
		rc = put_point(out, &d, oid == OID_freshestCRL, e);
	}
	return rc;
}

static enum rc
points_set(struct profile_run *r, enum oid oid, const char *name,
    const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, oid);
	struct dist_point list[NUMBERED_MAX];
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	struct record *rec;
	size_t n;
	enum rc rc;

	if (value == NULL)
		return x == NULL ? RC_OK : bad_property(e, name);
	if (text_ends(name, "Critical"))
		return run_ext_critical(r, oid, value, e);
	rc = records_parse(&rec, &n, value, r->arena, e);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct point_text t = { record_field(&rec[i], "Point Type"),
			record_field(&rec[i], "Point Name"),
			record_field(&rec[i], "Reasons"),
			record_field(&rec[i], "Issuer Type"),
			record_field(&rec[i], "Issuer Name") };

		rc = make_point(r, &list[i], &t, e);
	}
	if (rc != RC_OK)
		return rc;
	if (n == 0) {
		(void)ext_list_remove(&r->t->exts, oid_der(oid));
		return RC_OK;
	}
	ext_put_dist_points(&b, list, n);
	return run_ext_set(r, oid, x != NULL && x->critical, &b, e);
}

static enum rc
crl_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	return points_populate(r, p, OID_cRLDistributionPoints, e);
}
static enum rc
crl_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	(void)p;
	return points_get(r, OID_cRLDistributionPoints, name, out, e);
}
static enum rc
crl_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	(void)p;
	return points_set(r, OID_cRLDistributionPoints, name, value, e);
}
static enum rc
fresh_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	return points_populate(r, p, OID_freshestCRL, e);
}
static enum rc
fresh_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	(void)p;
	return points_get(r, OID_freshestCRL, name, out, e);
}
static enum rc
fresh_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	(void)p;
	return points_set(r, OID_freshestCRL, name, value, e);
}

static const struct profile_value_desc crl_values[] = {
	BOOLEAN("crlDistPointsCritical", "Criticality"),
	LIST("crlDistPointsValue", "CRL Distribution Points"),
	LAST,
};
static const struct profile_value_desc fresh_values[] = {
	BOOLEAN("freshestCRLCritical", "Criticality"),
	LIST("freshestCRLPointsValue", "Freshest CRL Distribution Points"),
	LAST,
};

const struct default_class defaults_location[] = {
	{ .id = "authInfoAccessExtDefaultImpl",
	    .text = "Adds an authority information access extension.",
	    .populate = aia_populate,
	    .values = aia_values,
	    .get = aia_get,
	    .set = aia_set },
	{ .id = "subjectInfoAccessExtDefaultImpl",
	    .text = "Adds a subject information access extension.",
	    .populate = sia_populate,
	    .values = sia_values,
	    .get = sia_get,
	    .set = sia_set },
	{ .id = "crlDistributionPointsExtDefaultImpl",
	    .text = "Adds a CRL distribution points extension.",
	    .populate = crl_populate,
	    .values = crl_values,
	    .get = crl_get,
	    .set = crl_set },
	{ .id = "freshestCRLExtDefaultImpl",
	    .text = "Adds a freshest CRL extension.",
	    .populate = fresh_populate,
	    .values = fresh_values,
	    .get = fresh_get,
	    .set = fresh_set },
	{ .id = NULL },
};
