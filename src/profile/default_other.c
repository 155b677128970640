/* SPDX-License-Identifier: Apache-2.0 */
/* default_other.c - extensions given as bytes, and defaults that write the
 * request (spec profiles 9.4 subject directory attributes, 9.5, 14).
 * Owns:    nothing.
 * Trusts:  nothing; what a requester asked for is checked before it is copied.
 * Threads: as struct profile_run. */
#include "der/reader.h"
#include "der/writer.h"
#include "profile/pattern.h"
#include "profile/records.h"
#include "x509/name.h"
#include "x509/str.h"

/* --- any extension as hex ------------------------------------------------------- */

static enum rc
make_oid(
    struct profile_run *r, const char *dotted, struct view *out, struct err *e)
{
	AUTO_BUF b = buf_empty(0);
	enum rc rc = oid_parse(&b, dotted, e);

	return rc == RC_OK ? run_keep(r, out, &b, e) : rc;
}

static enum rc
generic_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF data = buf_empty(EXT_VALUE_MAX);
	struct view oid;
	const char *hex;
	enum rc rc;

	rc = run_expand(r, &hex, part_param(p, "genericExtData", ""), e);
	if (rc == RC_OK)
		rc = make_oid(r, part_param(p, "genericExtOID", ""), &oid, e);
	if (rc == RC_OK)
		rc = text_hex(&data, view_str(hex), e);
	if (rc != RC_OK)
		return err_prefix(e, "genericExtDefaultImpl"), rc;
	rc = ext_list_add(&r->t->exts, oid, part_bool(p, "genericExtCritical"),
	    buf_view(&data), e);
	if (rc == RC_EXISTS)
		return err_set(e, RC_INVALID,
		    "Duplicate extension [%s] found in the request",
		    part_param(p, "genericExtOID", ""));
	return rc;
}

/* The extension this part has added, or NULL. */
static const struct ext *
find_dotted(struct profile_run *r, const char *dotted)
{
	struct view oid;

	if (make_oid(r, dotted, &oid, NULL) != RC_OK)
		return NULL;
	return ext_list_find(&r->t->exts, oid);
}

static enum rc
generic_get(struct profile_run *r, const struct profile_part *p,
    const char *name, struct buf *out, struct err *e)
{
	const struct ext *x =
	    find_dotted(r, part_param(p, "genericExtOID", ""));

	(void)e;
	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, "genericExtCritical") == 0)
		put_bool(out, x->critical);
	else
		buf_add_hex(out, x->value);
	return RC_OK;
}

static enum rc
generic_set(struct profile_run *r, const struct profile_part *p,
    const char *name, const char *value, struct err *e)
{
	const struct ext *x =
	    find_dotted(r, part_param(p, "genericExtOID", ""));
	AUTO_BUF data = buf_empty(EXT_VALUE_MAX);

	if (x == NULL)
		return RC_OK;
	if (value == NULL)
		return bad_property(e, name);
	if (strcmp(name, "genericExtCritical") == 0)
		return ext_list_set(
		    &r->t->exts, x->oid, is_true(value), x->value, e);
	if (text_hex(&data, view_str(value), NULL) != RC_OK)
		return bad_property(e, name);
	return ext_list_set(
	    &r->t->exts, x->oid, x->critical, buf_view(&data), e);
}

static const struct profile_value_desc generic_values[] = {
	BOOLEAN("genericExtCritical", "Criticality"),
	STRING("genericExtData", "Extension Value"),
	LAST,
};

/* --- an extension of the request -------------------------------------------------- */

static enum rc
user_ext_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	struct view oid, der, exts;
	struct ext x;
	enum rc rc = make_oid(r, part_param(p, "userExtOID", ""), &oid, e);

	if (rc == RC_OK)
		rc = run_bytes(r, &der, "req_extensions", e);
	if (rc != RC_OK || der.len == 0)
		return rc;
	rc = der_enter(&der, &exts, DER_SEQUENCE, e);
	while (rc == RC_OK && exts.len > 0) {
		rc = ext_next(&exts, &x, e);
		if (rc != RC_OK || !view_eq(x.oid, oid))
			continue;
		rc = ext_value_check(&x, e);
		if (rc == RC_OK)
			return ext_list_set(
			    &r->t->exts, x.oid, x.critical, x.value, e);
	}
	return rc;
}

static enum rc
param_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	(void)r, (void)e;
	buf_add_str(out, part_param(p, name, ""));
	return RC_OK;
}

static const struct profile_value_desc user_ext_values[] = {
	{ "userExtOID", "string", "readonly", "Object Identifier", NULL },
	LAST,
};

/* --- certificate transparency ------------------------------------------------------- */

static enum rc
sct_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);

	(void)p;
	ext_put_null(&b);
	return run_ext_add(r, OID_ctPoison, true, &b, e);
}

/* --- subject directory attributes ------------------------------------------------------ */

/* Type and value as an Attribute: countries are PrintableString, all else
 * UTF8String. */
static enum rc
make_attr(struct profile_run *r, const char *name, const char *value,
    struct dir_attr *out, struct err *e)
{
	enum oid known = name_keyword_find(view_str(name));
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	enum rc rc = RC_OK;

	if (known != OID_COUNT)
		out->type = oid_der(known);
	else
		rc = make_oid(r, name, &out->type, e);
	if (rc != RC_OK)
		return rc;
	if (known == OID_countryName ? !str_is_printable(view_str(value))
				     : !str_is_utf8(view_str(value)))
		return err_set(e, RC_INVALID, "directory attribute: not text");
	if (known == OID_countryName)
		der_put(&b, DER_PRINTABLE_STRING, view_str(value));
	else
		der_put_utf8(&b, value);
	return run_keep(r, &out->values, &b, e);
}

static enum rc
attrs_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	struct dir_attr list[NUMBERED_MAX];
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	size_t num = part_count(p, "subjDirAttrsNum"), n = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < num; i++) {
		const char *value = part_paramf(p, "subjDirAttrPattern_%zu", i);

		if (!is_true(part_paramf(p, "subjDirAttrEnable_%zu", i)))
			continue;
		if (pattern_is_token(value))
			rc = run_expand(r, &value, value, e);
		if (rc == RC_OK && value[0] != '\0')
			rc = make_attr(r,
			    part_paramf(p, "subjDirAttrName_%zu", i), value,
			    &list[n++], e);
	}
	if (rc != RC_OK || n == 0)
		return rc;
	ext_put_dir_attrs(&b, list, n);
	return run_ext_add(r, OID_subjectDirectoryAttributes,
	    part_bool(p, "subjDirAttrsCritical"), &b, e);
}

static enum rc
put_attr(struct buf *out, size_t i, const struct dir_attr *a, struct err *e)
{
	const char *keyword = name_keyword(a->type);
	struct view values = a->values, body;
	int tag;
	enum rc rc = RC_OK;

	record_begin(out, i);
	buf_add_str(out, "Attribute Name:");
	if (keyword != NULL)
		buf_add_str(out, keyword);
	else
		rc = oid_text(out, a->type, e);
	buf_add_str(out, "\r\nAttribute Value:");
	if (rc == RC_OK)
		rc = der_any(&values, &tag, NULL, &body, e);
	if (rc == RC_OK)
		rc = str_to_utf8(out, tag, body, e);
	buf_add_str(out, "\r\n");
	record_end(out);
	return rc;
}

static enum rc
attrs_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_subjectDirectoryAttributes);
	struct dir_attr a;
	struct view list;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, "subjDirAttrCritical") == 0) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_dir_attrs(&list, x->value, e);
	for (size_t i = 0; rc == RC_OK && list.len > 0; i++) {
		rc = ext_dir_attr_next(&list, &a, e);
		if (rc == RC_OK)
			rc = put_attr(out, i, &a, e);
	}
	return rc;
}

static enum rc
attrs_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, OID_subjectDirectoryAttributes);
	struct dir_attr list[NUMBERED_MAX];
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	struct record *rec;
	size_t n;
	enum rc rc;

	(void)p;
	if (value == NULL)
		return x == NULL ? RC_OK : bad_property(e, name);
	if (strcmp(name, "subjDirAttrCritical") == 0)
		return run_ext_critical(
		    r, OID_subjectDirectoryAttributes, value, e);
	rc = records_parse(&rec, &n, value, r->arena, e);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = make_attr(r, record_field(&rec[i], "Attribute Name"),
		    record_field(&rec[i], "Attribute Value"), &list[i], e);
	if (rc != RC_OK)
		return rc;
	if (n == 0) {
		(void)ext_list_remove(
		    &r->t->exts, oid_der(OID_subjectDirectoryAttributes));
		return RC_OK;
	}
	ext_put_dir_attrs(&b, list, n);
	return run_ext_set(
	    r, OID_subjectDirectoryAttributes, x != NULL && x->critical, &b, e);
}

static const struct profile_value_desc attrs_values[] = {
	BOOLEAN("subjDirAttrCritical", "Criticality"),
	LIST("subjDirAttrValue", "Subject Directory Attributes"),
	LAST,
};

/* --- what goes into the request -------------------------------------------------------- */

/* Sets a text of the request from a pattern; empty leaves it alone. */
static enum rc
set_text(
    struct profile_run *r, char **field, const char *pattern, struct err *e)
{
	const char *value;
	char *copy;
	enum rc rc = run_expand(r, &value, pattern, e);

	if (rc != RC_OK || value[0] == '\0')
		return rc;
	copy = strdup(value);
	if (copy == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	free(*field);
	*field = copy;
	return RC_OK;
}

static enum rc
realm_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	return set_text(r, &r->req->realm, part_param(p, "realm", ""), e);
}

static enum rc
realm_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	(void)p, (void)name, (void)e;
	if (r->req->realm == NULL)
		return RC_NOTFOUND;
	buf_add_str(out, r->req->realm);
	return RC_OK;
}

static enum rc
realm_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	char *copy;

	(void)p, (void)name;
	if (value == NULL || value[0] == '\0')
		return RC_OK;
	copy = strdup(value);
	if (copy == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	free(r->req->realm);
	r->req->realm = copy;
	return RC_OK;
}

static const struct profile_value_desc realm_values[] = {
	STRING("realm", "Authorization Realm"),
	LAST,
};

static enum rc
assign_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	return set_text(r, &r->req->owner, part_param(p, "assignTo", ""), e);
}

static enum rc
none_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	(void)r, (void)p, (void)e;
	return RC_OK;
}

static enum rc
image_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	const char *url = run_get(r, "image_url");

	(void)p, (void)name, (void)e;
	if (url == NULL)
		return RC_NOTFOUND;
	buf_add_str(out, url);
	return RC_OK;
}

static const struct profile_value_desc image_values[] = {
	{ "pd_image_url", "image_url", "readonly", "Image URL", NULL },
	LAST,
};

const struct default_class defaults_other[] = {
	{ .id = "genericExtDefaultImpl",
	    .text = "Adds an extension given by its OID and bytes.",
	    .populate = generic_populate,
	    .values = generic_values,
	    .get = generic_get,
	    .set = generic_set },
	{ .id = "userExtensionDefaultImpl",
	    .text = "Takes an extension of the request.",
	    .populate = user_ext_populate,
	    .values = user_ext_values,
	    .get = param_get },
	{ .id = "SignedCertificateTimestampListExtDefaultImpl",
	    .text = "Marks the certificate for submission to certificate "
		    "transparency logs.",
	    .populate = sct_populate },
	{ .id = "subjectDirAttributesExtDefaultImpl",
	    .text = "Adds a subject directory attributes extension.",
	    .populate = attrs_populate,
	    .values = attrs_values,
	    .get = attrs_get,
	    .set = attrs_set },
	{ .id = "authzRealmDefaultImpl",
	    .text = "Sets the authorization realm of the request.",
	    .populate = realm_populate,
	    .values = realm_values,
	    .get = realm_get,
	    .set = realm_set },
	{ .id = "autoAssignDefaultImpl",
	    .text = "Assigns the request to an agent.",
	    .populate = assign_populate },
	{ .id = "imageDefaultImpl",
	    .text = "Shows the image of the requester.",
	    .populate = none_populate,
	    .values = image_values,
	    .get = image_get },
	{ .id = "noDefaultImpl",
	    .text = "Does nothing.",
	    .populate = none_populate },
	{ .id = NULL },
};
