/* SPDX-License-Identifier: Apache-2.0 */
/* input_data.c - inputs that bring names and other texts, and the outputs (spec
 * profiles 7, 8).
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: as struct profile_run. */
#include "profile/input.h"
#include "x509/name.h"

enum {
	SAN_ENTRIES = 4,
	GENERIC_ENTRIES = 5,
};

/* --- subject in parts ------------------------------------------------------------- */

struct sn_part {
	const char *name, *keyword, *text;
};
/* In the order of the name, most specific first. */
static const struct sn_part sn_parts[] = {
	{ "sn_uid", "UID", "UID" },
	{ "sn_e", "E", "Email" },
	{ "sn_cn", "CN", "Common Name" },
	{ "sn_ou3", "OU", "Organizational Unit 3" },
	{ "sn_ou2", "OU", "Organizational Unit 2" },
	{ "sn_ou1", "OU", "Organizational Unit 1" },
	{ "sn_ou", "OU", "Organizational Unit" },
	{ "sn_o", "O", "Organization" },
	{ "sn_c", "C", "Country" },
};
enum {
	SN_PARTS = sizeof(sn_parts) / sizeof(sn_parts[0])
};

static bool
sn_value(const struct profile_part *p, const struct profile_env *env, size_t i,
    struct profile_value_desc *out, struct arena *a)
{
	(void)env, (void)a;
	for (size_t k = 0; k < SN_PARTS; k++) {
		if (text_ieq(part_param(p, sn_parts[k].name, ""), "false"))
			continue;
		if (i-- > 0)
			continue;
		*out = (struct profile_value_desc){ sn_parts[k].name, "string",
			NULL, sn_parts[k].text, NULL };
		return true;
	}
	return false;
}

/* The values were escaped when they were copied from the submission. */
static enum rc
sn_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF text = buf_empty(NAME_DER_MAX);
	AUTO_BUF der = buf_empty(NAME_DER_MAX);
	enum rc rc;

	(void)p;
	for (size_t k = 0; k < SN_PARTS; k++) {
		const char *v = run_get(r, sn_parts[k].name);

		if (v == NULL || v[0] == '\0')
			continue;
		buf_addf(&text, "%s%s=%s", text.len > 0 ? "," : "",
		    sn_parts[k].keyword, v);
	}
	rc = buf_check(&text, e);
	if (rc != RC_OK)
		return rc;
	if (text.len == 0)
		return reject(e, "Subject Name Not Found");
	rc = name_parse(&der, buf_view(&text), e);
	if (rc != RC_OK)
		return err_prefix(e, "Invalid subject name"), rc;
	return input_set_subject(r, buf_view(&der), e);
}

static enum rc
dn_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *text = run_get(r, "subject");
	AUTO_BUF der = buf_empty(NAME_DER_MAX);
	enum rc rc;

	(void)p;
	if (text == NULL)
		return RC_OK; /* the request's own subject stays */
	rc = name_parse(&der, view_str(text), e);
	if (rc != RC_OK)
		return err_prefix(e, "Invalid subject name"), rc;
	return input_set_subject(r, buf_view(&der), e);
}

/* --- numbered values --------------------------------------------------------------- */

static bool
san_value(const struct profile_part *p, const struct profile_env *env, size_t i,
    struct profile_value_desc *out, struct arena *a)
{
	size_t n = env != NULL && env->san_entries > 0 ? env->san_entries
						       : SAN_ENTRIES;
	char *name;

	(void)p;
	if (n > NUMBERED_MAX)
		n = NUMBERED_MAX;
	if (i >= 2 * n)
		return false;
	name = arena_printf(
	    a, i % 2 == 0 ? "req_san_type_%zu" : "req_san_pattern_%zu", i / 2);
	if (name == NULL)
		return false;
	*out = (struct profile_value_desc){ name, "string", NULL, name, NULL };
	return true;
}

static bool
generic_value(const struct profile_part *p, const struct profile_env *env,
    size_t i, struct profile_value_desc *out, struct arena *a)
{
	size_t n = part_param(p, "gi_num", NULL) == NULL
	    ? GENERIC_ENTRIES
	    : part_count(p, "gi_num");

	(void)env, (void)a;
	for (size_t k = 0; k < n; k++) {
		const char *name = part_paramf(p, "gi_param_name%zu", k);
		const char *text = part_paramf(p, "gi_display_name%zu", k);

		if (name[0] == '\0' ||
		    !is_true(part_paramf(p, "gi_param_enable%zu", k)))
			continue;
		if (i-- > 0)
			continue;
		*out = (struct profile_value_desc){ name, "string", NULL,
			text[0] != '\0' ? text : name, NULL };
		return true;
	}
	return false;
}

/* --- tables --------------------------------------------------------------------------- */

static const struct profile_value_desc dn_values[] = {
	STRING("subject", "Subject Name"),
	LAST,
};
static const struct profile_value_desc submitter_values[] = {
	STRING("requestor_name", "Requestor Name"),
	STRING("requestor_email", "Requestor Email"),
	STRING("requestor_phone", "Requestor Phone"),
	LAST,
};
static const struct profile_value_desc ra_values[] = {
	STRING("ra_client_uid", "RA Client User ID"),
	STRING("ra_client_name", "RA Client Name"),
	STRING("ra_client_certificate", "RA Client Certificate"),
	LAST,
};
static const struct profile_value_desc file_values[] = {
	STRING("file_signing_url", "URL Of File Being Signed"),
	STRING("file_signing_text", "Text Being Signed"),
	LAST,
};
static const struct profile_value_desc image_values[] = {
	STRING("image_url", "Image URL"),
	LAST,
};
static const struct profile_value_desc serial_values[] = {
	STRING("serial_num", "Serial Number of Certificate to Renew"),
	LAST,
};

const struct input_class inputs_data[] = {
	{ .id = "subjectNameInputImpl",
	    .value = sn_value,
	    .populate = sn_populate },
	{ .id = "subjectDNInputImpl",
	    .values = dn_values,
	    .populate = dn_populate },
	{ .id = "submitterInfoInputImpl", .values = submitter_values },
	{ .id = "raClientAuthInfoInputImpl", .values = ra_values },
	{ .id = "genericInputImpl", .value = generic_value },
	{ .id = "fileSigningInputImpl",
	    .missing = "needs a download of the file",
	    .values = file_values },
	{ .id = "imageInputImpl", .values = image_values },
	{ .id = "serialNumRenewInputImpl", .values = serial_values },
	{ .id = "subjectAltNameExtInputImpl", .value = san_value },
	{ .id = NULL },
};

/* --- outputs ---------------------------------------------------------------------------- */

#define SHOWN(name, text)                              \
	{                                              \
		name, "pretty_print", NULL, text, NULL \
	}

static const struct profile_value_desc cert_out[] = {
	SHOWN("pretty_cert", "Certificate Pretty Print"),
	SHOWN("b64_cert", "Certificate Base-64 Encoded"),
	LAST,
};
static const struct profile_value_desc pkcs7_out[] = {
	SHOWN("pretty_cert", "Certificate Pretty Print"),
	SHOWN("pkcs7", "PKCS #7 Base-64 Encoded"),
	LAST,
};
static const struct profile_value_desc cmmf_out[] = {
	SHOWN("pretty_cert", "Certificate Pretty Print"),
	SHOWN("cmmf_response", "CMMF Response Base-64 Encoded"),
	LAST,
};
static const struct profile_value_desc token_out[] = {
	SHOWN("der", "DER Base-64 Encoded"),
	LAST,
};
static const struct profile_value_desc p12_out[] = {
	SHOWN("p12_response", "PKCS #12 Response"),
	LAST,
};

const struct output_class outputs_all[] = {
	{ "certOutputImpl",
	    "Shows the certificate as text and in base 64 encoding.",
	    cert_out },
	{ "pkcs7OutputImpl",
	    "Shows the certificate as text and its chain as PKCS #7.",
	    pkcs7_out },
	{ "cmmfOutputImpl",
	    "Shows the certificate as text and a CMMF response.", cmmf_out },
	{ "nsNKeyOutputImpl", "Shows the certificate of a token key.",
	    token_out },
	{ "pkcs12OutputImpl", "Delivers keys and certificate as PKCS #12.",
	    p12_out },
	{ NULL, NULL, NULL },
};
