/* SPDX-License-Identifier: Apache-2.0 */
/* default_subtree.c - name constraints (spec profiles 9.4; RFC 5280 4.2.1.10).
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: as struct profile_run. */
#include "profile/records.h"

struct subtree_text {
	const char *choice, *value, *min, *max;
};

/* Appends one GeneralSubtree. */
static enum rc
put_subtree(struct profile_run *r, struct buf *out,
    const struct subtree_text *t, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	struct subtree s = { .min = 0, .max = -1 };
	struct view whole;
	enum rc rc = gn_parse(&b, t->choice, t->value, e);

	if (rc == RC_OK)
		rc = run_keep(r, &whole, &b, e);
	if (rc == RC_OK)
		rc = gn_next(&whole, &s.base, e);
	if (rc != RC_OK)
		return rc;
	if (t->min[0] != '\0' &&
	    text_int(&s.min, t->min, 0, INT32_MAX, NULL) != RC_OK)
		return err_set(e, RC_INVALID, "name constraints: Min Value");
	if (t->max[0] != '\0' &&
	    text_int(&s.max, t->max, -1, INT32_MAX, NULL) != RC_OK)
		return err_set(e, RC_INVALID, "name constraints: Max Value");
	ext_put_subtree(out, &s);
	return buf_check(out, e);
}

static enum rc
put_params(struct profile_run *r, const struct profile_part *p,
    const char *which, struct buf *out, struct err *e)
{
	char num[64];
	size_t n;
	enum rc rc = RC_OK;

	snprintf(num, sizeof(num), "nameConstraintsNum%sSubtrees", which);
	n = part_count(p, num);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct subtree_text t = {
			part_paramf(p, "nameConstraints%sSubtreeNameChoice_%zu",
			    which, i),
			part_paramf(p, "nameConstraints%sSubtreeNameValue_%zu",
			    which, i),
			part_paramf(p, "nameConstraints%sSubtreeMinValue_%zu",
			    which, i),
			part_paramf(p, "nameConstraints%sSubtreeMaxValue_%zu",
			    which, i),
		};

		if (is_true(part_paramf(
			p, "nameConstraints%sSubtreeEnable_%zu", which, i)))
			rc = put_subtree(r, out, &t, e);
	}
	return rc;
}

static enum rc
nc_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF permitted = buf_empty(EXT_VALUE_MAX);
	AUTO_BUF excluded = buf_empty(EXT_VALUE_MAX);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	enum rc rc = put_params(r, p, "Permitted", &permitted, e);

	if (rc == RC_OK)
		rc = put_params(r, p, "Excluded", &excluded, e);
	if (rc != RC_OK || permitted.len + excluded.len == 0)
		return rc;
	ext_put_name_constraints(&b, buf_view(&permitted), buf_view(&excluded));
	return run_ext_add(r, OID_nameConstraints,
	    part_bool(p, "nameConstraintsCritical"), &b, e);
}

static enum rc
put_records(struct buf *out, struct view list, struct err *e)
{
	struct subtree s;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && list.len > 0; i++) {
		rc = ext_subtree_next(&list, &s, e);
		if (rc != RC_OK)
			break;
		record_begin(out, i);
		record_put_gn(
		    out, "GeneralNameChoice", "GeneralNameValue", &s.base);
		buf_addf(out, "Min Value:%lld\r\n", (long long)s.min);
		if (s.max >= 0)
			buf_addf(out, "Max Value:%lld\r\n", (long long)s.max);
		else
			record_put(out, "Max Value", "");
		record_end(out);
	}
	return rc;
}

static enum rc
nc_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_nameConstraints);
	struct view permitted, excluded;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, "nameConstraintsCritical") == 0) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_name_constraints(&permitted, &excluded, x->value, e);
	if (rc != RC_OK)
		return rc;
	return put_records(
	    out, strstr(name, "Permitted") != NULL ? permitted : excluded, e);
}

static enum rc
read_records(
    struct profile_run *r, struct buf *out, const char *value, struct err *e)
{
	struct record *rec;
	size_t n;
	enum rc rc = records_parse(&rec, &n, value, r->arena, e);

	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct subtree_text t = {
			record_field(&rec[i], "GeneralNameChoice"),
			record_field(&rec[i], "GeneralNameValue"),
			record_field(&rec[i], "Min Value"),
			record_field(&rec[i], "Max Value"),
		};

		rc = put_subtree(r, out, &t, e);
	}
	return rc;
}

static enum rc
nc_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, OID_nameConstraints);
	struct view permitted = view_of(NULL, 0), excluded = permitted;
	AUTO_BUF mine = buf_empty(EXT_VALUE_MAX);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	enum rc rc = RC_OK;

	(void)p;
	if (value == NULL)
		return x == NULL ? RC_OK : bad_property(e, name);
	if (strcmp(name, "nameConstraintsCritical") == 0)
		return run_ext_critical(r, OID_nameConstraints, value, e);
	if (x != NULL)
		rc = ext_name_constraints(&permitted, &excluded, x->value, e);
	if (rc == RC_OK)
		rc = read_records(r, &mine, value, e);
	if (rc != RC_OK)
		return rc;
	if (strstr(name, "Permitted") != NULL)
		permitted = buf_view(&mine);
	else
		excluded = buf_view(&mine);
	if (permitted.len + excluded.len == 0) {
		(void)ext_list_remove(
		    &r->t->exts, oid_der(OID_nameConstraints));
		return RC_OK;
	}
	ext_put_name_constraints(&b, permitted, excluded);
	return run_ext_set(
	    r, OID_nameConstraints, x != NULL && x->critical, &b, e);
}

static const struct profile_value_desc nc_values[] = {
	BOOLEAN("nameConstraintsCritical", "Criticality"),
	LIST("nameConstraintsPermittedSubtreesValue", "Permitted Subtrees"),
	LIST("nameConstraintsExcludedSubtreesValue", "Excluded Subtrees"),
	LAST,
};

const struct default_class defaults_subtree[] = {
	{ .id = "nameConstraintsExtDefaultImpl",
	    .text = "Adds a name constraints extension.",
	    .populate = nc_populate,
	    .values = nc_values,
	    .get = nc_get,
	    .set = nc_set },
	{ .id = NULL },
};
