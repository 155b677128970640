/* SPDX-License-Identifier: Apache-2.0 */
/* ext_check.c - is the value of an extension what its OID promises? Asked
 * before a requested extension is copied into a certificate.
 * Owns:    nothing.
 * Trusts:  nobody.
 * Threads: pure functions. */
#include "der/reader.h"
#include "x509/ext.h"
#include "x509/impl.h"

static enum rc
check_bits(struct view v, struct err *e)
{
	uint32_t bits;

	return ext_bits(&bits, v, e);
}

static enum rc
check_oids(struct view v, struct err *e)
{
	struct view list, oid;

	TRY(ext_oids(&list, v, e));
	while (list.len > 0)
		TRY(ext_oid_next(&list, &oid, e));
	return RC_OK;
}

static enum rc
check_basic(struct view v, struct err *e)
{
	struct basic_constraints bc;

	return ext_basic_constraints(&bc, v, e);
}

static enum rc
check_ski(struct view v, struct err *e)
{
	struct view id;

	return ext_ski(&id, v, e);
}

static enum rc
check_aki(struct view v, struct err *e)
{
	struct aki a;

	return ext_aki(&a, v, e);
}

static enum rc
check_names(struct view v, struct err *e)
{
	struct view names;

	return ext_names(&names, v, e);
}

static enum rc
check_access(struct view v, struct err *e)
{
	struct access_desc a;
	struct view list;

	TRY(ext_access(&list, v, e));
	while (list.len > 0)
		TRY(ext_access_next(&list, &a, e));
	return RC_OK;
}

static enum rc
check_points(struct view v, struct err *e)
{
	struct dist_point p;
	struct view list;

	TRY(ext_dist_points(&list, v, e));
	while (list.len > 0)
		TRY(ext_dist_point_next(&list, &p, e));
	return RC_OK;
}

static enum rc
check_idp(struct view v, struct err *e)
{
	struct issuing_dist_point p;

	return ext_idp(&p, v, e);
}

static enum rc
check_constraints(struct view v, struct err *e)
{
	struct view list[2];
	struct subtree s;
	size_t i;

	TRY(ext_name_constraints(&list[0], &list[1], v, e));
	for (i = 0; i < 2; i++) {
		while (list[i].len > 0)
			TRY(ext_subtree_next(&list[i], &s, e));
	}
	return RC_OK;
}

static enum rc
check_policies(struct view v, struct err *e)
{
	struct policy_qualifier q;
	struct policy p;
	struct view list;

	TRY(ext_policies(&list, v, e));
	while (list.len > 0) {
		TRY(ext_policy_next(&list, &p, e));
		while (p.qualifiers.len > 0)
			TRY(ext_qualifier_next(&p.qualifiers, &q, e));
	}
	return RC_OK;
}

static enum rc
check_mappings(struct view v, struct err *e)
{
	struct policy_mapping m;
	struct view list;

	TRY(ext_policy_mappings(&list, v, e));
	while (list.len > 0)
		TRY(ext_policy_mapping_next(&list, &m, e));
	return RC_OK;
}

static enum rc
check_policy_constraints(struct view v, struct err *e)
{
	struct policy_constraints c;

	return ext_policy_constraints(&c, v, e);
}

static enum rc
check_num(struct view v, struct err *e)
{
	struct num n;

	return ext_num(&n, v, e);
}

static enum rc
check_ia5(struct view v, struct err *e)
{
	struct view s;

	return ext_ia5(&s, v, e);
}

static enum rc
check_period(struct view v, struct err *e)
{
	struct usage_period p;

	return ext_usage_period(&p, v, e);
}

static enum rc
check_attrs(struct view v, struct err *e)
{
	struct dir_attr a;
	struct view list;

	TRY(ext_dir_attrs(&list, v, e));
	while (list.len > 0)
		TRY(ext_dir_attr_next(&list, &a, e));
	return RC_OK;
}

static const struct {
	enum oid oid;
	enum rc (*check)(struct view v, struct err *e);
} known[] = {
	{ OID_keyUsage, check_bits },
	{ OID_nsCertType, check_bits },
	{ OID_extKeyUsage, check_oids },
	{ OID_basicConstraints, check_basic },
	{ OID_subjectKeyIdentifier, check_ski },
	{ OID_authorityKeyIdentifier, check_aki },
	{ OID_subjectAltName, check_names },
	{ OID_issuerAltName, check_names },
	{ OID_certificateIssuer, check_names },
	{ OID_authorityInfoAccess, check_access },
	{ OID_subjectInfoAccess, check_access },
	{ OID_cRLDistributionPoints, check_points },
	{ OID_freshestCRL, check_points },
	{ OID_issuingDistributionPoint, check_idp },
	{ OID_nameConstraints, check_constraints },
	{ OID_certificatePolicies, check_policies },
	{ OID_policyMappings, check_mappings },
	{ OID_policyConstraints, check_policy_constraints },
	{ OID_inhibitAnyPolicy, check_num },
	{ OID_crlNumber, check_num },
	{ OID_deltaCRLIndicator, check_num },
	{ OID_nsComment, check_ia5 },
	{ OID_ocspNoCheck, ext_null },
	{ OID_ctPoison, ext_null },
	{ OID_privateKeyUsagePeriod, check_period },
	{ OID_subjectDirectoryAttributes, check_attrs },
};

enum rc
ext_value_check(const struct ext *x, struct err *e)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (view_eq(x->oid, oid_der(known[i].oid)))
			return fail(e, known[i].check(x->value, e),
			    oid_dotted(known[i].oid));
	}
	return RC_OK;
}
