/* SPDX-License-Identifier: Apache-2.0 */
/* default_subject.c - defaults that write the subject (spec profiles 9.1).
 * Owns:    nothing; names go into the template's arena.
 * Trusts:  neither request attributes nor patterns.
 * Threads: as struct profile_run. */
#include "profile/subject.h"
#include "x509/name.h"

static const uint8_t EMPTY_NAME[] = { 0x30, 0x00 };

/* --- shared --------------------------------------------------------------- */

enum rc
subject_set_text(struct profile_run *r, const char *text, struct err *e)
{
	AUTO_BUF der = buf_empty(NAME_DER_MAX);
	enum rc rc = name_parse(&der, view_str(text), e);

	if (rc != RC_OK)
		return rc;
	return run_keep(r, &r->t->subject, &der, e);
}

enum rc
subject_text(const struct profile_run *r, struct buf *out, struct err *e)
{
	if (r->t->subject.len == 0)
		return RC_OK;
	return name_text(out, r->t->subject, e);
}

enum rc
subject_review(
    struct profile_run *r, const char *name, const char *value, struct err *e)
{
	enum rc rc;

	if (value == NULL)
		return bad_property(e, name);
	rc = subject_set_text(r, value, e);
	return rc == RC_INVALID ? bad_property(e, name) : rc;
}

static const struct profile_value_desc name_values[] = {
	{ "name", "string", NULL, "Subject Name", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static enum rc
name_value_get(struct profile_run *r, const struct profile_part *p,
    const char *name, struct buf *out, struct err *e)
{
	(void)p, (void)name;
	return subject_text(r, out, e);
}

static enum rc
name_value_set(struct profile_run *r, const struct profile_part *p,
    const char *name, const char *value, struct err *e)
{
	(void)p;
	return subject_review(r, name, value, e);
}

/* --- from the request ------------------------------------------------------ */

static enum rc
user_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	struct view der;
	enum rc rc = run_bytes(r, &der, "req_subject_name", e);

	if (rc != RC_OK)
		return rc;
	if (der.len == 0 || view_eq(der, view_of(EMPTY_NAME, 2)))
		return reject(e, "Subject Name Not Found");
	if (!part_bool(p, "useSysEncoding")) {
		r->t->subject = der;
		return RC_OK;
	}
	rc = name_text(&text, der, e);
	if (rc != RC_OK)
		return rc;
	return subject_set_text(r, buf_cstr(&text), e);
}

/* --- from a pattern -------------------------------------------------------- */

static enum rc
from_pattern(struct profile_run *r, const char *pattern, struct err *e)
{
	const char *text;
	enum rc rc = run_expand(r, &text, pattern, e);

	if (rc != RC_OK || text[0] == '\0')
		return rc;
	rc = subject_set_text(r, text, NULL);
	if (rc == RC_INVALID)
		return reject(e, "Invalid subject name %s", text);
	return rc == RC_OK ? rc : err_set(e, rc, "subject name");
}

static enum rc
pattern_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	return from_pattern(r, part_param(p, "name", ""), e);
}

static enum rc
token_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	if (part_bool(p, "ldap.enable"))
		return err_set(e, RC_UNSUPPORTED,
		    "%s: ldap.enable is not supported by this build",
		    p->class_id);
	return from_pattern(r, part_param(p, "dnpattern", ""), e);
}

static enum rc
param_value_get(struct profile_run *r, const struct profile_part *p,
    const char *name, struct buf *out, struct err *e)
{
	(void)r, (void)e;
	buf_add_str(out, part_param(p, name, ""));
	return RC_OK;
}

static const struct profile_value_desc device_values[] = {
	{ "dnpattern", "string", "readonly", "Subject Name Pattern", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static const struct profile_value_desc token_values[] = {
	{ "dnpattern", "string", "readonly", "Subject Name Pattern", NULL },
	{ "ldap.enable", "boolean", "readonly", "Look the user up", NULL },
	{ "ldap.searchName", "string", "readonly", "Attribute searched", NULL },
	{ "ldapStringAttributes", "string", "readonly", "Attributes read",
	    NULL },
	{ "ldap.basedn", "string", "readonly", "Base DN", NULL },
	{ "ldap.ldapconn.host", "string", "readonly", "Directory Host", NULL },
	{ "ldap.ldapconn.port", "string", "readonly", "Directory Port", NULL },
	{ "ldap.ldapconn.secureConn", "boolean", "readonly",
	    "Directory over TLS", NULL },
	{ "ldap.ldapconn.Version", "string", "readonly", "LDAP Version", NULL },
	{ "ldap.minConns", "integer", "readonly", "Fewest connections", NULL },
	{ "ldap.maxConns", "integer", "readonly", "Most connections", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

/* --- from the authentication ------------------------------------------------ */

static enum rc
auth_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *dn = run_get(r, "authenticatedName");
	enum rc rc;

	(void)p;
	if (dn == NULL || dn[0] == '\0')
		return reject(e, "Subject Name Not Found");
	rc = subject_set_text(r, dn, NULL);
	if (rc == RC_INVALID)
		return reject(e, "Invalid subject name %s", dn);
	return rc == RC_OK ? rc : err_set(e, rc, "subject name");
}

/* --- from the alternative names --------------------------------------------- */

static enum rc
san_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const struct ext *x = run_ext(r, OID_subjectAltName);
	AUTO_BUF b = buf_empty(NAME_DER_MAX);
	AUTO_STR dns = NULL;
	struct view names;
	struct gn g;
	size_t mark;
	enum rc rc;

	(void)p;
	if (r->t->subject.len > 0 &&
	    name_get(&b, r->t->subject, OID_commonName, 0, NULL) == RC_OK)
		return RC_OK;
	buf_reset(&b);
	if (x == NULL)
		return reject(e, "Subject Alternative Name Not Found");
	rc = ext_names(&names, x->value, e);
	while (rc == RC_OK && names.len > 0 && dns == NULL) {
		rc = gn_next(&names, &g, e);
		if (rc == RC_OK && g.type == GN_DNS) {
			dns = view_dup_str(g.value);
			if (dns == NULL)
				return err_set(e, RC_INVALID, "dNSName");
		}
	}
	if (rc != RC_OK)
		return rc;
	if (dns == NULL)
		return reject(e, "DNS name Not Found");
	mark = name_open(&b);
	rc = name_add(&b, OID_commonName, dns, e);
	if (rc != RC_OK)
		return rc;
	name_close(&b, mark);
	return run_keep(r, &r->t->subject, &b, e);
}

const struct default_class defaults_subject[] = {
	{ .id = "userSubjectNameDefaultImpl",
	    .text = "Takes the subject name of the request.",
	    .populate = user_populate,
	    .values = name_values,
	    .get = name_value_get,
	    .set = name_value_set },
	{ .id = "subjectNameDefaultImpl",
	    .text = "Makes the subject name from a pattern.",
	    .populate = pattern_populate,
	    .values = name_values,
	    .get = name_value_get,
	    .set = name_value_set },
	{ .id = "authTokenSubjectNameDefaultImpl",
	    .text = "Takes the name under which the requester authenticated.",
	    .populate = auth_populate,
	    .values = name_values,
	    .get = name_value_get,
	    .set = name_value_set },
	{ .id = "cmcUserSignedSubjectNameDefaultImpl",
	    .text = "Takes the subject of the certificate that signed the CMC "
		    "request.",
	    .missing = "needs CMC",
	    .values = name_values },
	{ .id = "sanToCNDefaultImpl",
	    .text = "Makes the first DNS name among the alternative names the "
		    "common name of a subject without one.",
	    .populate = san_populate },
	{ .id = "nsTokenDeviceKeySubjectNameDefaultImpl",
	    .text = "Makes the subject name of a token from a pattern.",
	    .populate = token_populate,
	    .values = device_values,
	    .get = param_value_get },
	{ .id = "nsTokenUserKeySubjectNameDefaultImpl",
	    .text = "Makes the subject name of a token's user from a pattern.",
	    .populate = token_populate,
	    .values = token_values,
	    .get = param_value_get },
	{ .id = NULL },
};
