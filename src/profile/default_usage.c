/* SPDX-License-Identifier: Apache-2.0 */
/* default_usage.c - what a key may be used for (spec profiles 9.3).
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: as struct profile_run. */
#include "profile/bits.h"

#include "base/clock.h"

/* --- key usage, Netscape certificate type ------------------------------------ */

const struct bit_name key_usage_bits[] = {
	{ "keyUsageDigitalSignature", EXT_KU_DIGITAL_SIGNATURE,
	    "Digital Signature" },
	{ "keyUsageNonRepudiation", EXT_KU_NON_REPUDIATION, "Non-Repudiation" },
	{ "keyUsageKeyEncipherment", EXT_KU_KEY_ENCIPHERMENT,
	    "Key Encipherment" },
	{ "keyUsageDataEncipherment", EXT_KU_DATA_ENCIPHERMENT,
	    "Data Encipherment" },
	{ "keyUsageKeyAgreement", EXT_KU_KEY_AGREEMENT, "Key Agreement" },
	{ "keyUsageKeyCertSign", EXT_KU_KEY_CERT_SIGN, "Key CertSign" },
	{ "keyUsageCrlSign", EXT_KU_CRL_SIGN, "CRL Sign" },
	{ "keyUsageEncipherOnly", EXT_KU_ENCIPHER_ONLY, "Encipher Only" },
	{ "keyUsageDecipherOnly", EXT_KU_DECIPHER_ONLY, "Decipher Only" },
	{ NULL, 0, NULL },
};
const struct bit_name ns_type_bits[] = {
	{ "nsCertSSLClient", EXT_NS_SSL_CLIENT, "SSL Client" },
	{ "nsCertSSLServer", EXT_NS_SSL_SERVER, "SSL Server" },
	{ "nsCertEmail", EXT_NS_EMAIL, "Email" },
	{ "nsCertObjectSigning", EXT_NS_OBJECT_SIGNING, "Object Signing" },
	{ "nsCertSSLCA", EXT_NS_SSL_CA, "SSL CA" },
	{ "nsCertEmailCA", EXT_NS_EMAIL_CA, "Email CA" },
	{ "nsCertObjectSigningCA", EXT_NS_OBJECT_SIGNING_CA,
	    "Object Signing CA" },
	{ NULL, 0, NULL },
};

const struct profile_value_desc key_usage_values[] = {
	BOOLEAN("keyUsageCritical", "Criticality"),
	BOOLEAN("keyUsageDigitalSignature", "Digital Signature"),
	BOOLEAN("keyUsageNonRepudiation", "Non-Repudiation"),
	BOOLEAN("keyUsageKeyEncipherment", "Key Encipherment"),
	BOOLEAN("keyUsageDataEncipherment", "Data Encipherment"),
	BOOLEAN("keyUsageKeyAgreement", "Key Agreement"),
	BOOLEAN("keyUsageKeyCertSign", "Key CertSign"),
	BOOLEAN("keyUsageCrlSign", "CRL Sign"),
	BOOLEAN("keyUsageEncipherOnly", "Encipher Only"),
	BOOLEAN("keyUsageDecipherOnly", "Decipher Only"),
	LAST,
};
const struct profile_value_desc ns_type_values[] = {
	BOOLEAN("nsCertCritical", "Criticality"),
	BOOLEAN("nsCertSSLClient", "SSL Client"),
	BOOLEAN("nsCertSSLServer", "SSL Server"),
	BOOLEAN("nsCertEmail", "Email"),
	BOOLEAN("nsCertObjectSigning", "Object Signing"),
	BOOLEAN("nsCertSSLCA", "SSL CA"),
	BOOLEAN("nsCertEmailCA", "Email CA"),
	BOOLEAN("nsCertObjectSigningCA", "Object Signing CA"),
	LAST,
};

static uint32_t
param_bits(const struct profile_part *p, const struct bit_name *names)
{
	uint32_t bits = 0;

	for (; names->param != NULL; names++)
		if (part_bool(p, names->param))
			bits |= names->bit;
	return bits;
}

static enum rc
bits_get(struct profile_run *r, enum oid oid, const struct bit_name *names,
    const char *name, struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, oid);
	uint32_t bits;
	enum rc rc;

	if (x == NULL)
		return RC_NOTFOUND;
	if (text_ends(name, "Critical")) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_bits(&bits, x->value, e);
	if (rc != RC_OK)
		return rc;
	for (; names->param != NULL; names++)
		if (strcmp(names->param, name) == 0)
			put_bool(out, (bits & names->bit) != 0);
	return RC_OK;
}

/* An absent extension stays absent: there is nothing to change. */
static enum rc
bits_set(struct profile_run *r, enum oid oid, const struct bit_name *names,
    const char *name, const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, oid);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	uint32_t bits;
	enum rc rc;

	if (x == NULL)
		return RC_OK;
	if (value == NULL)
		return bad_property(e, name);
	if (text_ends(name, "Critical"))
		return run_ext_critical(r, oid, value, e);
	rc = ext_bits(&bits, x->value, e);
	if (rc != RC_OK)
		return rc;
	for (; names->param != NULL; names++) {
		if (strcmp(names->param, name) != 0)
			continue;
		bits &= ~names->bit;
		if (is_true(value))
			bits |= names->bit;
	}
	ext_put_bits(&b, bits);
	return run_ext_set(r, oid, x->critical, &b, e);
}

static enum rc
ku_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);

	ext_put_bits(&b, param_bits(p, key_usage_bits));
	return run_ext_add(
	    r, OID_keyUsage, part_bool(p, "keyUsageCritical"), &b, e);
}

static enum rc
ku_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	(void)p;
	return bits_get(r, OID_keyUsage, key_usage_bits, name, out, e);
}

static enum rc
ku_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	(void)p;
	return bits_set(r, OID_keyUsage, key_usage_bits, name, value, e);
}

static enum rc
ns_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);

	ext_put_bits(&b, param_bits(p, ns_type_bits));
	return run_ext_add(
	    r, OID_nsCertType, part_bool(p, "nsCertCritical"), &b, e);
}

static enum rc
ns_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	(void)p;
	return bits_get(r, OID_nsCertType, ns_type_bits, name, out, e);
}

static enum rc
ns_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	(void)p;
	return bits_set(r, OID_nsCertType, ns_type_bits, name, value, e);
}

/* --- extended key usage -------------------------------------------------------- */

static enum rc
eku_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	const char *oids = part_param(p, "exKeyUsageOIDs", "");
	enum rc rc;

	if (oids[strspn(oids, " ,")] == '\0')
		return RC_OK; /* an empty SEQUENCE is not allowed */
	rc = ext_put_oid_text(&b, oids, e);
	if (rc != RC_OK)
		return rc;
	return run_ext_add(
	    r, OID_extKeyUsage, part_bool(p, "exKeyUsageCritical"), &b, e);
}

static enum rc
put_oid_list(struct buf *out, struct view value, struct err *e)
{
	struct view oids, oid;
	enum rc rc = ext_oids(&oids, value, e);

	for (bool first = true; rc == RC_OK && oids.len > 0; first = false) {
		rc = ext_oid_next(&oids, &oid, e);
		if (!first)
			buf_add_char(out, ',');
		if (rc == RC_OK)
			rc = oid_text(out, oid, e);
	}
	return rc;
}

static enum rc
eku_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_extKeyUsage);

	(void)p;
	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, "exKeyUsageCritical") == 0) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	return put_oid_list(out, x->value, e);
}

/* Adds the OIDs of the list to those there are, each once. */
static enum rc
eku_add(struct profile_run *r, const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, OID_extKeyUsage);
	AUTO_BUF list = buf_empty(PROFILE_TEXT_MAX);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	AUTO_STR copy = NULL;
	char *items[NUMBERED_MAX];
	size_t n;
	enum rc rc = RC_OK;

	if (x != NULL)
		rc = put_oid_list(&list, x->value, e);
	copy = strdup(value);
	if (copy == NULL)
		rc = err_set(e, RC_NOMEM, "profile: out of memory");
	if (rc != RC_OK)
		return rc;
	n = text_split(copy, ",", items, NUMBERED_MAX);
	if (n > NUMBERED_MAX)
		return bad_property(e, "exKeyUsageOIDs");
	for (size_t i = 0; i < n; i++) {
		if (list_has(buf_cstr(&list), items[i], false))
			continue;
		if (list.len > 0)
			buf_add_char(&list, ',');
		buf_add_str(&list, items[i]);
	}
	if (list.len == 0)
		return buf_check(&list, e);
	rc = ext_put_oid_text(&b, buf_cstr(&list), e);
	if (rc != RC_OK)
		return bad_property(e, "exKeyUsageOIDs");
	return run_ext_set(r, OID_extKeyUsage, x != NULL && x->critical, &b, e);
}

static enum rc
eku_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	(void)p;
	if (value == NULL)
		return run_ext(r, OID_extKeyUsage) == NULL
		    ? RC_OK
		    : bad_property(e, name);
	if (strcmp(name, "exKeyUsageCritical") == 0)
		return run_ext_critical(r, OID_extKeyUsage, value, e);
	return eku_add(r, value, e);
}

static const struct profile_value_desc eku_values[] = {
	BOOLEAN("exKeyUsageCritical", "Criticality"),
	{ "exKeyUsageOIDs", "string_list", NULL,
	    "Comma-Separated list of Object Identifiers", NULL },
	LAST,
};

/* --- basic constraints ---------------------------------------------------------- */

static enum rc
bc_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	struct basic_constraints bc = { .ca = part_bool(
					    p, "basicConstraintsIsCA") };
	enum rc rc =
	    part_int(p, &bc.path_len, "basicConstraintsPathLen", -1, e);

	if (rc != RC_OK)
		return rc;
	if (bc.path_len < 0 || !bc.ca) /* RFC 5280 4.2.1.9 */
		bc.path_len = -1;
	ext_put_basic_constraints(&b, &bc);
	return run_ext_add(r, OID_basicConstraints,
	    part_bool(p, "basicConstraintsCritical"), &b, e);
}

static enum rc
bc_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_basicConstraints);
	struct basic_constraints bc;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_NOTFOUND;
	rc = ext_basic_constraints(&bc, x->value, e);
	if (rc != RC_OK)
		return rc;
	if (strcmp(name, "basicConstraintsCritical") == 0)
		put_bool(out, x->critical);
	else if (strcmp(name, "basicConstraintsIsCA") == 0)
		put_bool(out, bc.ca);
	else
		buf_addf(out, "%lld", (long long)bc.path_len);
	return RC_OK;
}

static enum rc
bc_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, OID_basicConstraints);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	struct basic_constraints bc;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_OK;
	if (value == NULL)
		return bad_property(e, name);
	if (strcmp(name, "basicConstraintsCritical") == 0)
		return run_ext_critical(r, OID_basicConstraints, value, e);
	rc = ext_basic_constraints(&bc, x->value, e);
	if (rc != RC_OK)
		return rc;
	if (strcmp(name, "basicConstraintsIsCA") == 0)
		bc.ca = is_true(value);
	else if (value[0] == '\0')
		bc.path_len = -1;
	else if (text_int(&bc.path_len, value, -1, INT32_MAX, NULL) != RC_OK)
		return bad_property(e, name);
	if (!bc.ca)
		bc.path_len = -1;
	ext_put_basic_constraints(&b, &bc);
	return run_ext_set(r, OID_basicConstraints, x->critical, &b, e);
}

static const struct profile_value_desc bc_values[] = {
	BOOLEAN("basicConstraintsCritical", "Criticality"),
	BOOLEAN("basicConstraintsIsCA", "Is CA"),
	{ "basicConstraintsPathLen", "integer", NULL, "Path Length", "-1" },
	LAST,
};

/* --- no check, comment, private key usage period -------------------------------- */

static enum rc
nocheck_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);

	ext_put_null(&b);
	return run_ext_add(
	    r, OID_ocspNoCheck, part_bool(p, "ocspNoCheckCritical"), &b, e);
}

static enum rc
nocheck_get(struct profile_run *r, const struct profile_part *p,
    const char *name, struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_ocspNoCheck);

	(void)p, (void)name, (void)e;
	if (x == NULL)
		return RC_NOTFOUND;
	put_bool(out, x->critical);
	return RC_OK;
}

static enum rc
nocheck_set(struct profile_run *r, const struct profile_part *p,
    const char *name, const char *value, struct err *e)
{
	(void)p;
	if (run_ext(r, OID_ocspNoCheck) == NULL)
		return RC_OK;
	if (value == NULL)
		return bad_property(e, name);
	return run_ext_critical(r, OID_ocspNoCheck, value, e);
}

static const struct profile_value_desc nocheck_values[] = {
	BOOLEAN("ocspNoCheckCritical", "Criticality"),
	LAST,
};

static enum rc
comment_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);

	ext_put_ia5(&b, part_param(p, "nscCommentContent", ""));
	return run_ext_add(
	    r, OID_nsComment, part_bool(p, "nscCommentCritical"), &b, e);
}

static enum rc
comment_get(struct profile_run *r, const struct profile_part *p,
    const char *name, struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_nsComment);
	struct view text;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, "nscCommentCritical") == 0) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_ia5(&text, x->value, e);
	if (rc == RC_OK)
		buf_add_view(out, text);
	return rc;
}

static enum rc
comment_set(struct profile_run *r, const struct profile_part *p,
    const char *name, const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, OID_nsComment);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);

	(void)p;
	if (x == NULL)
		return RC_OK;
	if (value == NULL)
		return bad_property(e, name);
	if (strcmp(name, "nscCommentCritical") == 0)
		return run_ext_critical(r, OID_nsComment, value, e);
	for (const char *s = value; *s != '\0'; s++)
		if ((unsigned char)*s > 0x7f)
			return bad_property(e, name);
	ext_put_ia5(&b, value);
	return run_ext_set(r, OID_nsComment, x->critical, &b, e);
}

static const struct profile_value_desc comment_values[] = {
	BOOLEAN("nscCommentCritical", "Criticality"),
	{ "nscCommentContent", "string", NULL, "Comment", NULL },
	LAST,
};

enum {
	PERIOD_DAYS_MAX = 1000000,
	SECONDS_A_DAY = 86400
};

static enum rc
period_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	struct usage_period u = { .has_not_before = true,
		.has_not_after = true };
	int64_t start, days;
	enum rc rc = part_int(p, &start, "puStartTime", 60, e);

	if (rc == RC_OK)
		rc = part_int(p, &days, "puDurationInDays", 365, e);
	if (rc != RC_OK)
		return rc;
	if (days < 0 || days > PERIOD_DAYS_MAX)
		return err_set(
		    e, RC_INVALID, "%s: puDurationInDays", p->class_id);
	u.not_before = r->env->now + start;
	u.not_after = u.not_before + days * SECONDS_A_DAY;
	ext_put_usage_period(&b, &u);
	return run_ext_add(
	    r, OID_privateKeyUsagePeriod, part_bool(p, "puCritical"), &b, e);
}

static enum rc
period_get(struct profile_run *r, const struct profile_part *p,
    const char *name, struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_privateKeyUsagePeriod);
	char text[CLOCK_TEXT_MAX];
	struct usage_period u;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, "puCritical") == 0) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_usage_period(&u, x->value, e);
	if (rc == RC_OK)
		buf_add_str(out,
		    clock_text_iso(text,
			strcmp(name, "puNotBefore") == 0 ? u.not_before
							 : u.not_after));
	return rc;
}

static enum rc
period_set(struct profile_run *r, const struct profile_part *p,
    const char *name, const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, OID_privateKeyUsagePeriod);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	struct usage_period u;
	int64_t t;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_OK;
	if (value == NULL)
		return bad_property(e, name);
	if (strcmp(name, "puCritical") == 0)
		return run_ext_critical(r, OID_privateKeyUsagePeriod, value, e);
	rc = ext_usage_period(&u, x->value, e);
	if (rc != RC_OK)
		return rc;
	if (text_date_iso(&t, value, NULL) != RC_OK)
		return bad_property(e, name);
	if (strcmp(name, "puNotBefore") == 0)
		u.not_before = t;
	else
		u.not_after = t;
	ext_put_usage_period(&b, &u);
	return run_ext_set(r, OID_privateKeyUsagePeriod, x->critical, &b, e);
}

static const struct profile_value_desc period_values[] = {
	BOOLEAN("puCritical", "Criticality"),
	{ "puNotBefore", "string", NULL, "Not Before", NULL },
	{ "puNotAfter", "string", NULL, "Not After", NULL },
	LAST,
};

const struct default_class defaults_usage[] = {
	{ .id = "keyUsageExtDefaultImpl",
	    .text = "Adds a key usage extension.",
	    .populate = ku_populate,
	    .values = key_usage_values,
	    .get = ku_get,
	    .set = ku_set },
	{ .id = "extendedKeyUsageExtDefaultImpl",
	    .text = "Adds an extended key usage extension.",
	    .populate = eku_populate,
	    .values = eku_values,
	    .get = eku_get,
	    .set = eku_set },
	{ .id = "nsCertTypeExtDefaultImpl",
	    .text = "Adds a Netscape certificate type extension.",
	    .populate = ns_populate,
	    .values = ns_type_values,
	    .get = ns_get,
	    .set = ns_set },
	{ .id = "basicConstraintsExtDefaultImpl",
	    .text = "Adds a basic constraints extension.",
	    .populate = bc_populate,
	    .values = bc_values,
	    .get = bc_get,
	    .set = bc_set },
	{ .id = "nscCommentExtDefaultImpl",
	    .text = "Adds a Netscape comment extension.",
	    .populate = comment_populate,
	    .values = comment_values,
	    .get = comment_get,
	    .set = comment_set },
	{ .id = "ocspNoCheckExtDefaultImpl",
	    .text = "Adds an OCSP no check extension.",
	    .populate = nocheck_populate,
	    .values = nocheck_values,
	    .get = nocheck_get,
	    .set = nocheck_set },
	{ .id = "privateKeyPeriodExtDefaultImpl",
	    .text = "Adds a private key usage period extension.",
	    .populate = period_populate,
	    .values = period_values,
	    .get = period_get,
	    .set = period_set },
	{ .id = NULL },
};
