/* SPDX-License-Identifier: Apache-2.0 */
/* default_policy.c - certificate policies and their kin (spec profiles 9.5;
 * RFC 5280 4.2.1.4, 4.2.1.5, 4.2.1.11, 4.2.1.14).
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: as struct profile_run. */
#include "profile/records.h"
#include "x509/str.h"

enum {
	QUALIFIERS_MAX = 20,
	KEY_TEXT_MAX = 160,
};

/* Appends the contents octets of a dotted OID to the arena. */
static enum rc
make_oid(
    struct profile_run *r, const char *dotted, struct view *out, struct err *e)
{
	AUTO_BUF b = buf_empty(0);
	enum rc rc = oid_parse(&b, dotted, e);

	return rc == RC_OK ? run_keep(r, out, &b, e) : rc;
}

/* --- certificate policies ------------------------------------------------------- */

/* Where "PoliciesExt.certPolicy0.enable" comes from: parameters or an agent's
 * lines. */
struct lookup {
	const char *(*get)(const void *arg, const char *key);
	const void *arg;
};

static const char *
from_params(const void *arg, const char *key)
{
	return part_param(arg, key, "");
}

static const char *
from_lines(const void *arg, const char *key)
{
	const char *text = arg;
	size_t n = strlen(key);

	/* lines were cut by NUL bytes; the last one is empty */
	for (; *text != '\0'; text += strlen(text) + 1)
		if (strncmp(text, key, n) == 0 && text[n] == ':')
			return text + n + 1;
	return "";
}

static const char *PRINTF(2, 3)
    look(const struct lookup *l, const char *fmt, ...)
{
	char key[KEY_TEXT_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(key, sizeof(key), fmt, ap);
	va_end(ap);
	return n < 0 || (size_t)n >= sizeof(key) ? "" : l->get(l->arg, key);
}

static size_t
look_count(const char *text, size_t def, size_t max)
{
	int64_t n;

	if (text_int(&n, text, 0, INT64_MAX, NULL) != RC_OK)
		return def;
	return n > (int64_t)max ? max : (size_t)n;
}

static enum rc
make_numbers(struct profile_run *r, struct policy_qualifier *q,
    const char *text, struct err *e)
{
	char *items[POLICY_NUMBERS_MAX];
	char *copy = arena_str(r->arena, text);
	size_t n;

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	n = text_split(copy, ",", items, POLICY_NUMBERS_MAX);
	if (n > POLICY_NUMBERS_MAX)
		return err_set(e, RC_INVALID, "too many notice numbers");
	for (size_t i = 0; i < n; i++)
		if (text_int(&q->numbers[i], items[i], 0, INT32_MAX, NULL) !=
		    RC_OK)
			return err_set(
			    e, RC_INVALID, "notice number is no number");
	q->numbers_count = n;
	return RC_OK;
}

/* Appends qualifier m of policy i; a slot is a CPS URI or a user notice. */
static enum rc
put_qualifier(struct profile_run *r, const struct lookup *l, size_t i, size_t m,
    struct buf *out, struct err *e)
{
	struct policy_qualifier q = { .oid = oid_der(OID_policyUserNotice) };
	const char *org, *text;
	char k[KEY_TEXT_MAX];
	enum rc rc = RC_OK;

	snprintf(k, sizeof(k), "PoliciesExt.certPolicy%zu.PolicyQualifiers%zu",
	    i, m);
	if (is_true(look(l, "%s.CPSURI.enable", k))) {
		q.oid = oid_der(OID_policyCps);
		q.cps = view_str(look(l, "%s.CPSURI.value", k));
		if (!str_is_ia5(q.cps))
			return err_set(e, RC_INVALID, "CPS URI: not ASCII");
		if (q.cps.len > 0)
			ext_put_qualifier(out, &q);
		return RC_OK;
	}
	if (!is_true(look(l, "%s.usernotice.enable", k)))
		return RC_OK;
	org = look(l, "%s.usernotice.noticeReference.organization", k);
	text = look(l, "%s.usernotice.explicitText.value", k);
	if (!str_is_utf8(view_str(org)) || !str_is_utf8(view_str(text)))
		return err_set(e, RC_INVALID, "user notice: not text");
	if (org[0] != '\0') {
		q.has_ref = true;
		q.org = view_str(org);
		rc = make_numbers(r, &q,
		    look(l, "%s.usernotice.noticeReference.noticeNumbers", k),
		    e);
	}
	q.has_text = text[0] != '\0';
	q.text = view_str(text);
	if (rc == RC_OK && (q.has_ref || q.has_text))
		ext_put_qualifier(out, &q);
	return rc;
}

static enum rc
put_policy(struct profile_run *r, const struct lookup *l, size_t i,
    struct buf *out, struct err *e)
{
	AUTO_BUF quals = buf_empty(EXT_VALUE_MAX);
	struct policy p;
	size_t n = look_count(
	    look(l, "PoliciesExt.certPolicy%zu.PolicyQualifiers.num", i), 1,
	    QUALIFIERS_MAX);
	const char *id = look(l, "PoliciesExt.certPolicy%zu.policyId", i);
	enum rc rc;

	if (id[0] == '\0')
		return RC_OK;
	rc = make_oid(r, id, &p.oid, e);
	for (size_t m = 0; rc == RC_OK && m < n; m++)
		rc = put_qualifier(r, l, i, m, &quals, e);
	if (rc != RC_OK)
		return rc;
	p.qualifiers = buf_view(&quals);
	ext_put_policy(out, &p);
	return buf_check(out, e);
}

static enum rc
put_policies(struct profile_run *r, const struct lookup *l, struct buf *list,
    struct err *e)
{
	size_t n = look_count(look(l, "PoliciesExt.num"), 1, NUMBERED_MAX);
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < n; i++)
		if (is_true(look(l, "PoliciesExt.certPolicy%zu.enable", i)))
			rc = put_policy(r, l, i, list, e);
	return rc;
}

static enum rc
cp_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	struct lookup l = { from_params, p };
	AUTO_BUF list = buf_empty(EXT_VALUE_MAX);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	enum rc rc = put_policies(r, &l, &list, e);

	if (rc != RC_OK || list.len == 0)
		return rc;
	ext_put_policies(&b, buf_view(&list));
	return run_ext_add(
	    r, OID_certificatePolicies, part_bool(p, "Critical"), &b, e);
}

static void
put_notice(struct buf *out, const char *k, const struct policy_qualifier *q)
{
	buf_addf(out, "%s.usernotice.enable:true\n", k);
	buf_addf(out, "%s.usernotice.noticeReference.organization:%.*s\n", k,
	    VIEW_ARGS(q->org));
	buf_addf(out, "%s.usernotice.noticeReference.noticeNumbers:", k);
	for (size_t i = 0; i < q->numbers_count; i++)
		buf_addf(
		    out, "%s%lld", i > 0 ? "," : "", (long long)q->numbers[i]);
	buf_addf(out, "\n%s.usernotice.explicitText.value:%.*s\n", k,
	    VIEW_ARGS(q->text));
}

static enum rc
show_qualifiers(struct buf *out, size_t i, struct view quals, struct err *e)
{
	AUTO_BUF lines = buf_empty(PROFILE_TEXT_MAX);
	struct policy_qualifier q;
	char k[KEY_TEXT_MAX];
	size_t m = 0;
	enum rc rc = RC_OK;

	for (; rc == RC_OK && quals.len > 0; m++) {
		rc = ext_qualifier_next(&quals, &q, e);
		if (rc != RC_OK)
			break;
		snprintf(k, sizeof(k),
		    "PoliciesExt.certPolicy%zu.PolicyQualifiers%zu", i, m);
		if (view_eq(q.oid, oid_der(OID_policyCps))) {
			buf_addf(&lines, "%s.CPSURI.enable:true\n", k);
			buf_addf(&lines, "%s.CPSURI.value:%.*s\n", k,
			    VIEW_ARGS(q.cps));
			buf_addf(&lines, "%s.usernotice.enable:false\n", k);
		} else {
			buf_addf(&lines, "%s.CPSURI.enable:false\n", k);
			put_notice(&lines, k, &q);
		}
	}
	buf_addf(
	    out, "PoliciesExt.certPolicy%zu.PolicyQualifiers.num:%zu\n", i, m);
	buf_add_view(out, buf_view(&lines));
	return rc;
}

static enum rc
cp_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_certificatePolicies);
	AUTO_BUF lines = buf_empty(PROFILE_TEXT_MAX);
	struct policy pol;
	struct view list;
	size_t i = 0;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, "Critical") == 0) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_policies(&list, x->value, e);
	for (; rc == RC_OK && list.len > 0; i++) {
		rc = ext_policy_next(&list, &pol, e);
		if (rc != RC_OK)
			break;
		buf_addf(&lines, "PoliciesExt.certPolicy%zu.enable:true\n", i);
		buf_addf(&lines, "PoliciesExt.certPolicy%zu.policyId:", i);
		rc = oid_text(&lines, pol.oid, e);
		buf_add_char(&lines, '\n');
		if (rc == RC_OK)
			rc = show_qualifiers(&lines, i, pol.qualifiers, e);
	}
	buf_addf(out, "PoliciesExt.num:%zu\n", i);
	buf_add_view(out, buf_view(&lines));
	return rc;
}

/* Cuts the lines of text by NUL bytes; an empty one ends them. */
static char *
cut_lines(struct profile_run *r, const char *text)
{
	size_t n = strlen(text);
	char *out = arena_alloc(r->arena, n + 2, 1);
	char *to = out;

	if (out == NULL)
		return NULL;
	while (*text != '\0') {
		size_t len = strcspn(text, "\r\n");

		if (len > 0) {
			memcpy(to, text, len);
			to += len + 1;
		}
		text += len + (text[len] != '\0');
	}
	return out;
}

static enum rc
cp_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, OID_certificatePolicies);
	struct lookup l = { from_lines, NULL };
	AUTO_BUF list = buf_empty(EXT_VALUE_MAX);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	enum rc rc;

	(void)p;
	if (value == NULL)
		return x == NULL ? RC_OK : bad_property(e, name);
	if (strcmp(name, "Critical") == 0)
		return run_ext_critical(r, OID_certificatePolicies, value, e);
	l.arg = cut_lines(r, value);
	if (l.arg == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	rc = put_policies(r, &l, &list, e);
	if (rc != RC_OK)
		return rc;
	if (list.len == 0) {
		(void)ext_list_remove(
		    &r->t->exts, oid_der(OID_certificatePolicies));
		return RC_OK;
	}
	ext_put_policies(&b, buf_view(&list));
	return run_ext_set(
	    r, OID_certificatePolicies, x != NULL && x->critical, &b, e);
}

static const struct profile_value_desc cp_values[] = {
	BOOLEAN("Critical", "Criticality"),
	LIST("policyQualifiers", "Policy Qualifiers"),
	LAST,
};

/* --- policy mappings ------------------------------------------------------------------ */

static enum rc
pm_store(struct profile_run *r, const struct policy_mapping *list, size_t n,
    bool critical, bool fresh, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);

	ext_put_policy_mappings(&b, list, n);
	return fresh ? run_ext_add(r, OID_policyMappings, critical, &b, e)
		     : run_ext_set(r, OID_policyMappings, critical, &b, e);
}

static enum rc
pm_make(struct profile_run *r, struct policy_mapping *out, const char *issuer,
    const char *subject, struct err *e)
{
	enum rc rc = make_oid(r, issuer, &out->issuer, e);

	return rc == RC_OK ? make_oid(r, subject, &out->subject, e) : rc;
}

static enum rc
pm_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	struct policy_mapping list[NUMBERED_MAX];
	size_t num = part_count(p, "policyMappingsNum"), n = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < num; i++) {
		const char *from =
		    part_paramf(p, "policyMappingsIssuerDomainPolicy_%zu", i);
		const char *to =
		    part_paramf(p, "policyMappingsSubjectDomainPolicy_%zu", i);

		if (!is_true(part_paramf(p, "policyMappingsEnable_%zu", i)))
			continue;
		if (from[0] == '\0' || to[0] == '\0')
			return RC_OK; /* drops the whole extension */
		rc = pm_make(r, &list[n++], from, to, e);
	}
	if (rc != RC_OK || n == 0)
		return rc;
	return pm_store(
	    r, list, n, part_bool(p, "policyMappingsCritical"), true, e);
}

static enum rc
pm_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_policyMappings);
	struct policy_mapping m;
	struct view list;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, "policyMappingsCritical") == 0) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_policy_mappings(&list, x->value, e);
	for (size_t i = 0; rc == RC_OK && list.len > 0; i++) {
		rc = ext_policy_mapping_next(&list, &m, e);
		if (rc != RC_OK)
			break;
		record_begin(out, i);
		buf_add_str(out, "Issuer Policy Id:");
		rc = oid_text(out, m.issuer, e);
		buf_add_str(out, "\r\nSubject Policy Id:");
		if (rc == RC_OK)
			rc = oid_text(out, m.subject, e);
		buf_add_str(out, "\r\n");
		record_end(out);
	}
	return rc;
}

static enum rc
pm_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, OID_policyMappings);
	struct policy_mapping list[NUMBERED_MAX];
	struct record *rec;
	size_t n;
	enum rc rc;

	(void)p;
	if (value == NULL)
		return x == NULL ? RC_OK : bad_property(e, name);
	if (strcmp(name, "policyMappingsCritical") == 0)
		return run_ext_critical(r, OID_policyMappings, value, e);
	rc = records_parse(&rec, &n, value, r->arena, e);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = pm_make(r, &list[i],
		    record_field(&rec[i], "Issuer Policy Id"),
		    record_field(&rec[i], "Subject Policy Id"), e);
	if (rc != RC_OK)
		return rc;
	if (n == 0) {
		(void)ext_list_remove(&r->t->exts, oid_der(OID_policyMappings));
		return RC_OK;
	}
	return pm_store(r, list, n, x != NULL && x->critical, false, e);
}

static const struct profile_value_desc pm_values[] = {
	BOOLEAN("policyMappingsCritical", "Criticality"),
	LIST("policyMappingsDomains", "Policy Mappings"),
	LAST,
};

/* --- policy constraints, inhibit any policy --------------------------------------------- */

static enum rc
pc_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	struct policy_constraints c;
	enum rc rc = part_int(p, &c.require_explicit,
	    "policyConstraintsReqExplicitPolicy", -1, e);

	if (rc == RC_OK)
		rc = part_int(p, &c.inhibit_mapping,
		    "policyConstraintsInhibitPolicyMapping", -1, e);
	if (rc != RC_OK)
		return rc;
	if (c.require_explicit < 0 && c.inhibit_mapping < 0)
		return RC_OK; /* RFC 5280 4.2.1.11: never empty */
	ext_put_policy_constraints(&b, &c);
	return run_ext_add(r, OID_policyConstraints,
	    part_bool(p, "policyConstraintsCritical"), &b, e);
}

static enum rc
pc_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_policyConstraints);
	struct policy_constraints c;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, "policyConstraintsCritical") == 0) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_policy_constraints(&c, x->value, e);
	if (rc == RC_OK)
		buf_addf(out, "%lld",
		    (long long)(strstr(name, "ReqExplicit") != NULL
			    ? c.require_explicit
			    : c.inhibit_mapping));
	return rc;
}

static enum rc
pc_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, OID_policyConstraints);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	struct policy_constraints c;
	int64_t v = -1;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_OK;
	if (value == NULL)
		return bad_property(e, name);
	if (strcmp(name, "policyConstraintsCritical") == 0)
		return run_ext_critical(r, OID_policyConstraints, value, e);
	rc = ext_policy_constraints(&c, x->value, e);
	if (rc != RC_OK)
		return rc;
	if (value[0] != '\0' &&
	    text_int(&v, value, -1, INT32_MAX, NULL) != RC_OK)
		return bad_property(e, name);
	if (strstr(name, "ReqExplicit") != NULL)
		c.require_explicit = v;
	else
		c.inhibit_mapping = v;
	if (c.require_explicit < 0 && c.inhibit_mapping < 0) {
		(void)ext_list_remove(
		    &r->t->exts, oid_der(OID_policyConstraints));
		return RC_OK;
	}
	ext_put_policy_constraints(&b, &c);
	return run_ext_set(r, OID_policyConstraints, x->critical, &b, e);
}

static const struct profile_value_desc pc_values[] = {
	BOOLEAN("policyConstraintsCritical", "Criticality"),
	INTEGER(
	    "policyConstraintsReqExplicitPolicy", "Required Explicit Policy"),
	INTEGER(
	    "policyConstraintsInhibitPolicyMapping", "Inhibit Policy Mapping"),
	LAST,
};

static enum rc
any_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	int64_t skip;
	enum rc rc = part_int(p, &skip, "skipCerts", 0, e);

	if (rc != RC_OK)
		return rc;
	if (skip < 0)
		return err_set(e, RC_INVALID, "%s: skipCerts", p->class_id);
	ext_put_int(&b, skip);
	return run_ext_add(r, OID_inhibitAnyPolicy,
	    is_true(part_param(p, "critical", "true")), &b, e);
}

static enum rc
any_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_inhibitAnyPolicy);
	int64_t skip;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, "critical") == 0) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_int(&skip, x->value, e);
	if (rc == RC_OK)
		buf_addf(out, "%lld", (long long)skip);
	return rc;
}

static enum rc
any_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, OID_inhibitAnyPolicy);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	int64_t skip;

	(void)p;
	if (x == NULL)
		return RC_OK;
	if (value == NULL)
		return bad_property(e, name);
	if (strcmp(name, "critical") == 0)
		return run_ext_critical(r, OID_inhibitAnyPolicy, value, e);
	if (text_int(&skip, value, 0, INT32_MAX, NULL) != RC_OK)
		return bad_property(e, name);
	ext_put_int(&b, skip);
	return run_ext_set(r, OID_inhibitAnyPolicy, x->critical, &b, e);
}

static const struct profile_value_desc any_values[] = {
	BOOLEAN("critical", "Criticality"),
	INTEGER("skipCerts", "Skip Certs"),
	LAST,
};

const struct default_class defaults_policy[] = {
	{ .id = "certificatePoliciesExtDefaultImpl",
	    .text = "Adds a certificate policies extension.",
	    .populate = cp_populate,
	    .values = cp_values,
	    .get = cp_get,
	    .set = cp_set },
	{ .id = "policyMappingsExtDefaultImpl",
	    .text = "Adds a policy mappings extension.",
	    .populate = pm_populate,
	    .values = pm_values,
	    .get = pm_get,
	    .set = pm_set },
	{ .id = "policyConstraintsExtDefaultImpl",
	    .text = "Adds a policy constraints extension.",
	    .populate = pc_populate,
	    .values = pc_values,
	    .get = pc_get,
	    .set = pc_set },
	{ .id = "inhibitAnyPolicyExtDefaultImpl",
	    .text = "Adds an inhibit anyPolicy extension.",
	    .populate = any_populate,
	    .values = any_values,
	    .get = any_get,
	    .set = any_set },
	{ .id = NULL },
};
