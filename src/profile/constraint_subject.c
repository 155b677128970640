/* SPDX-License-Identifier: Apache-2.0 */
/* constraint_subject.c - what a subject may be (spec profiles 10).
 * Owns:    nothing.
 * Trusts:  nothing but the environment's look-ups.
 * Threads: as struct profile_run. */
#include "base/regex.h"
#include "profile/subject.h"
#include "x509/cert.h"
#include "x509/name.h"
#include "x509/str.h"

/* --- pattern and lengths -------------------------------------------------------- */

struct limit {
	enum oid attr;
	size_t max; /* characters */
};
/* RFC 5280 appendix A.1, as the model counts them. */
static const struct limit limits[] = {
	{ OID_commonName, 64 },
	{ OID_organizationalUnit, 64 },
	{ OID_organizationName, 64 },
	{ OID_localityName, 128 },
	{ OID_stateName, 128 },
	{ OID_emailAddress, 255 },
	{ OID_countryName, 3 },
	{ OID_userId, 64 },
};

static size_t
characters(const struct buf *utf8)
{
	size_t n = 0;

	for (size_t i = 0; i < utf8->len; i++)
		if ((utf8->data[i] & 0xc0) != 0x80)
			n++;
	return n;
}

static bool
lengths_fit(struct view subject)
{
	struct name name;

	if (name_split(&name, subject, NULL) != RC_OK)
		return false;
	for (size_t i = 0; i < name.count; i++) {
		AUTO_BUF v = buf_empty(0);
		const struct name_attr *a = &name.attrs[i];

		if (str_to_utf8(&v, a->tag, a->value, NULL) != RC_OK)
			return false;
		for (size_t k = 0; k < sizeof(limits) / sizeof(limits[0]); k++)
			if (view_eq(a->oid, oid_der(limits[k].attr)) &&
			    characters(&v) > limits[k].max)
				return false;
	}
	return true;
}

static enum rc
pattern_check(const struct profile_part *p, struct err *e)
{
	return regex_check(part_param(p, "pattern", ""), e);
}

static enum rc
pattern_validate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *pattern = part_param(p, "pattern", "");
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	bool match = true;
	enum rc rc = subject_text(r, &text, e);

	if (rc == RC_OK)
		rc = buf_check(&text, e);
	if (rc == RC_OK && pattern[0] != '\0')
		rc = regex_match(&match, pattern, buf_cstr(&text), e);
	if (rc != RC_OK)
		return rc;
	if (!match || !lengths_fit(r->t->subject))
		return reject(
		    e, "Subject Name Not Matched %s", buf_cstr(&text));
	return RC_OK;
}

static const struct profile_value_desc pattern_params[] = {
	STRING("pattern", "Subject Name Pattern"),
	LAST,
};

/* --- unique -------------------------------------------------------------------------- */

struct unique {
	const struct profile_run *r;
	bool by_usage; /* only certificates with the same key usage count */
	uint32_t usage;
	bool taken;
};

static uint32_t
template_usage(const struct profile_run *r)
{
	const struct ext *x = run_ext(r, OID_keyUsage);
	uint32_t bits = 0;

	if (x == NULL || ext_bits(&bits, x->value, NULL) != RC_OK)
		return UINT32_MAX;
	return bits;
}

static bool
see_subject(void *arg, const struct cert_rec *c)
{
	struct unique *u = arg;
	struct cert cert;

	if (c->not_after < u->r->env->now)
		return true;
	if (c->revoked && c->rev.reason != REASON_HOLD)
		return true;
	if (u->by_usage &&
	    (cert_parse(&cert, c->der, NULL) != RC_OK ||
		cert_key_usage(&cert) != u->usage))
		return true;
	u->taken = true;
	return false;
}

static enum rc
unique_validate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	struct unique u = { r, part_bool(p, "enableKeyUsageExtensionChecking"),
		template_usage(r), false };
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	enum rc rc = subject_text(r, &text, e);

	if (rc == RC_OK && r->env->certs == NULL)
		rc = err_set(e, RC_UNSUPPORTED, "no certificate look-up");
	if (rc == RC_OK)
		rc = r->env->certs(r->env->arg, PROFILE_CERT_BY_SUBJECT,
		    buf_view(&text), see_subject, &u, e);
	if (rc == RC_OK && u.taken)
		return reject(e, "Subject Name Not Unique %s", buf_cstr(&text));
	return rc;
}

static const struct profile_value_desc unique_params[] = {
	BOOLEAN("enableKeyUsageExtensionChecking",
	    "Count only certificates with the same key usage"),
	LAST,
};

/* --- as requested ------------------------------------------------------------------------ */

static enum rc
user_validate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	struct view der;
	enum rc rc = run_bytes(r, &der, "req_subject_name", e);

	(void)p;
	if (rc != RC_OK)
		return rc;
	if (der.len == 0)
		return reject(e, "Subject Name Not Found");
	r->t->subject = der;
	return RC_OK;
}

/* --- the client of an RA ------------------------------------------------------------------- */

/* Does the certificate speak for the template's subject? */
static bool
client_fits(struct profile_run *r, struct view der)
{
	struct cert c;

	if (cert_parse(&c, der, NULL) != RC_OK)
		return false;
	return view_eq(c.subject, r->t->subject) ||
	    (r->env->is_agent != NULL && r->env->is_agent(r->env->arg, der));
}

/* Replaces $ra_client_name$ and $ra_client_uid$, escaped as RDN values. */
static void
expand_client(
    struct buf *out, const char *pattern, const char *name, const char *uid)
{
	static const char NAME[] = "$ra_client_name$";
	static const char UID[] = "$ra_client_uid$";

	while (*pattern != '\0') {
		if (text_starts(pattern, NAME)) {
			name_escape(out, view_str(name));
			pattern += sizeof(NAME) - 1;
		} else if (text_starts(pattern, UID)) {
			name_escape(out, view_str(uid));
			pattern += sizeof(UID) - 1;
		} else {
			buf_add_char(out, *pattern++);
		}
	}
}

static enum rc
name_fits(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *uid, struct err *e)
{
	AUTO_BUF wanted = buf_empty(NAME_DER_MAX);
	AUTO_BUF has = buf_empty(PROFILE_TEXT_MAX);
	enum rc rc = subject_text(r, &has, e);

	expand_client(&wanted, part_param(p, "pattern", "CN=$ra_client_name$"),
	    name != NULL ? name : "", uid != NULL ? uid : "");
	if (rc == RC_OK)
		rc = buf_check(&wanted, e);
	if (rc == RC_OK && !view_eq(buf_view(&wanted), buf_view(&has)))
		return reject(e, "Subject Name Not Matched %s", buf_cstr(&has));
	return rc;
}

static enum rc
ra_validate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *uid = run_get(r, "ra_client_uid");
	const char *name = run_get(r, "ra_client_name");
	const char *pem = run_get(r, "ra_client_certificate");
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	enum rc rc;

	if (uid == NULL && name == NULL && pem == NULL)
		return reject(e, "Missing client information for Subject Name");
	if (pem == NULL)
		return name_fits(r, p, name, uid, e);
	rc = text_pem(&der, view_str(pem), NULL, e);
	if (rc != RC_OK)
		return rc;
	if (!client_fits(r, buf_view(&der)))
		return reject(
		    e, "Subject Name Not Matched the client certificate");
	return RC_OK;
}

static const struct profile_value_desc ra_params[] = {
	STRING("pattern", "Subject Name Pattern"),
	LAST,
};

static enum rc
header_validate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	(void)p;
	if (r->env->client_cert.len == 0)
		return reject(e, "Missing client information for Subject Name");
	if (!client_fits(r, r->env->client_cert))
		return reject(
		    e, "Subject Name Not Matched the client certificate");
	return RC_OK;
}

const struct constraint_class constraints_subject[] = {
	{ .id = "subjectNameConstraintImpl",
	    .text = "The subject name must match the regular expression and "
		    "none of its parts may be too long.",
	    .params = pattern_params,
	    .check = pattern_check,
	    .validate = pattern_validate },
	{ .id = "uniqueSubjectNameConstraintImpl",
	    .text = "No other valid certificate may have the subject name.",
	    .params = unique_params,
	    .validate = unique_validate },
	{ .id = "userSubjectNameConstraintImpl",
	    .text = "The subject name is that of the request.",
	    .validate = user_validate },
	{ .id = "raClientAuthSubjectNameConstraintImpl",
	    .text = "The subject name must be that of the client of the "
		    "registration authority.",
	    .params = ra_params,
	    .validate = ra_validate },
	{ .id = "raHeaderClientCertSubjectNameConstraintImpl",
	    .text = "The subject name must be that of the client certificate "
		    "the registration authority has seen.",
	    .validate = header_validate },
	{ .id = "cmcSharedTokenSubjectNameConstraintImpl",
	    .text = "The subject name must be that of the shared token.",
	    .missing = "needs CMC" },
	{ .id = "cmcUserSignedSubjectNameConstraintImpl",
	    .text = "The subject name must be that of the signing certificate.",
	    .missing = "needs CMC" },
	{ .id = NULL },
};
