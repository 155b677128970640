/* SPDX-License-Identifier: Apache-2.0 */
/* constraint_ext.c - what extensions must say (spec profiles 10).
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: as struct profile_run. */
#include "profile/bits.h"

/* The extension, or a rejection. */
static enum rc
need(const struct profile_run *r, enum oid oid, const struct ext **out,
    struct err *e)
{
	*out = run_ext(r, oid);
	if (*out == NULL)
		return reject(e, "Extension %s Not Found", oid_dotted(oid));
	return RC_OK;
}

static enum rc
check_critical(const struct profile_part *p, const char *param,
    const struct ext *x, struct err *e)
{
	const char *v = part_param(p, param, "");

	if (!is_any(v) && is_true(v) != x->critical)
		return reject(e, "Criticality Not Matched");
	return RC_OK;
}

/* --- bits --------------------------------------------------------------------- */

static enum rc
bits_validate(struct profile_run *r, const struct profile_part *p, enum oid oid,
    const char *critical, const struct bit_name *names, struct err *e)
{
	const struct ext *x;
	uint32_t bits;
	enum rc rc = need(r, oid, &x, e);

	if (rc == RC_OK)
		rc = check_critical(p, critical, x, e);
	if (rc == RC_OK)
		rc = ext_bits(&bits, x->value, e);
	if (rc != RC_OK)
		return rc;
	for (; names->param != NULL; names++) {
		const char *v = part_param(p, names->param, "");

		if (!is_any(v) && is_true(v) != ((bits & names->bit) != 0))
			return reject(e, "%s Not Matched %s", names->text, v);
	}
	return RC_OK;
}

static enum rc
ku_validate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	return bits_validate(
	    r, p, OID_keyUsage, "keyUsageCritical", key_usage_bits, e);
}

static enum rc
ns_validate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	return bits_validate(
	    r, p, OID_nsCertType, "nsCertCritical", ns_type_bits, e);
}

/* --- extended key usage ----------------------------------------------------------- */

static enum rc
eku_validate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *list = part_param(p, "exKeyUsageOIDs", "");
	const struct ext *x;
	struct view oids, oid;
	enum rc rc = need(r, OID_extKeyUsage, &x, e);

	if (rc == RC_OK)
		rc = check_critical(p, "exKeyUsageCritical", x, e);
	if (rc == RC_OK)
		rc = ext_oids(&oids, x->value, e);
	while (rc == RC_OK && oids.len > 0) {
		AUTO_BUF text = buf_empty(0);

		rc = ext_oid_next(&oids, &oid, e);
		if (rc == RC_OK)
			rc = oid_text(&text, oid, e);
		if (rc == RC_OK && !list_has(list, buf_cstr(&text), false))
			return reject(e, "OID %s Not Matched", buf_cstr(&text));
	}
	return rc;
}

static const struct profile_value_desc eku_params[] = {
	BOOLEAN("exKeyUsageCritical", "Criticality"),
	LIST("exKeyUsageOIDs", "Comma-Separated list of Object Identifiers"),
	LAST,
};

/* --- basic constraints ---------------------------------------------------------------- */

/* An absent path length of a CA is without limit, so any maximum refuses it. */
static enum rc
path_len(const struct profile_part *p, const struct basic_constraints *bc,
    struct err *e)
{
	const char *lo = part_param(p, "basicConstraintsMinPathLen", "");
	const char *hi = part_param(p, "basicConstraintsMaxPathLen", "");
	int64_t v;

	if (!is_any(lo)) {
		if (text_int(&v, lo, -1, INT32_MAX, NULL) != RC_OK)
			return err_set(
			    e, RC_INVALID, "basicConstraintsMinPathLen");
		if (bc->path_len < v)
			return reject(e, "Min Path Length not matched");
	}
	if (!is_any(hi)) {
		if (text_int(&v, hi, -1, INT32_MAX, NULL) != RC_OK)
			return err_set(
			    e, RC_INVALID, "basicConstraintsMaxPathLen");
		if (v >= 0 &&
		    (bc->path_len > v || (bc->ca && bc->path_len < 0)))
			return reject(e, "Max Path Length not matched");
	}
	return RC_OK;
}

static enum rc
bc_validate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *ca = part_param(p, "basicConstraintsIsCA", "");
	struct basic_constraints bc;
	const struct ext *x;
	enum rc rc = need(r, OID_basicConstraints, &x, e);

	if (rc == RC_OK)
		rc = check_critical(p, "basicConstraintsCritical", x, e);
	if (rc == RC_OK)
		rc = ext_basic_constraints(&bc, x->value, e);
	if (rc != RC_OK)
		return rc;
	if (!is_any(ca) && is_true(ca) != bc.ca)
		return reject(e, "Is CA Not Matched");
	return path_len(p, &bc, e);
}

static const struct profile_value_desc bc_params[] = {
	BOOLEAN("basicConstraintsCritical", "Criticality"),
	BOOLEAN("basicConstraintsIsCA", "Is CA"),
	INTEGER("basicConstraintsMinPathLen", "Min Path Length"),
	INTEGER("basicConstraintsMaxPathLen", "Max Path Length"),
	LAST,
};

/* --- any extension ---------------------------------------------------------------------- */

static enum rc
any_check(const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(0);

	return oid_parse(&b, part_param(p, "extOID", ""), e);
}

static enum rc
any_validate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *dotted = part_param(p, "extOID", "");
	AUTO_BUF oid = buf_empty(0);
	const struct ext *x;
	enum rc rc = oid_parse(&oid, dotted, e);

	if (rc != RC_OK)
		return rc;
	x = ext_list_find(&r->t->exts, buf_view(&oid));
	if (x == NULL)
		return reject(e, "Extension %s Not Found", dotted);
	return check_critical(p, "extCritical", x, e);
}

static const struct profile_value_desc any_params[] = {
	BOOLEAN("extCritical", "Criticality"),
	STRING("extOID", "Object Identifier"),
	LAST,
};

const struct constraint_class constraints_ext[] = {
	{ .id = "keyUsageExtConstraintImpl",
	    .text = "The key usage must be as given.",
	    .params = key_usage_values,
	    .validate = ku_validate },
	{ .id = "extendedKeyUsageExtConstraintImpl",
	    .text = "The extended key usage may hold only the listed OIDs.",
	    .params = eku_params,
	    .validate = eku_validate },
	{ .id = "nsCertTypeExtConstraintImpl",
	    .text = "The Netscape certificate type must be as given.",
	    .params = ns_type_values,
	    .validate = ns_validate },
	{ .id = "basicConstraintsExtConstraintImpl",
	    .text = "The basic constraints must be as given.",
	    .params = bc_params,
	    .validate = bc_validate },
	{ .id = "extensionConstraintImpl",
	    .text = "The extension must be there with the criticality.",
	    .params = any_params,
	    .check = any_check,
	    .validate = any_validate },
	{ .id = NULL },
};
