/* SPDX-License-Identifier: Apache-2.0 */
/* pki_ca_find.c - ca-cert-find: options into a CertSearchRequest, entries out.
 * Owns:    nothing beyond one command.
 * Trusts:  nothing of the server.
 * Threads: none. */
#include "tools/pki_ca_cert.h"

#include "base/text.h"
#include "tools/pki_fields.h"
#include "tools/pki_template.h"

enum part_form {
	PART_TEXT,
	PART_DATE, /* YYYY-MM-DD as milliseconds */
	PART_UNIT, /* day, week, month, year as milliseconds */
	PART_REASON,
	PART_NUMBER,
	PART_ONOFF,
};

/* Option, member of the request, the switch that makes it count. */
static const struct {
	const char *option, *member, *in_use;
	enum part_form form;
} parts[] = {
	{ "minSerialNumber", "serialFrom", "serialNumberRangeInUse",
	    PART_TEXT },
	{ "maxSerialNumber", "serialTo", "serialNumberRangeInUse", PART_TEXT },
	{ "name", "commonName", "subjectInUse", PART_TEXT },
	{ "email", "email", "subjectInUse", PART_TEXT },
	{ "uid", "userID", "subjectInUse", PART_TEXT },
	{ "org", "org", "subjectInUse", PART_TEXT },
	{ "orgUnit", "orgUnit", "subjectInUse", PART_TEXT },
	{ "locality", "locality", "subjectInUse", PART_TEXT },
	{ "state", "state", "subjectInUse", PART_TEXT },
	{ "country", "country", "subjectInUse", PART_TEXT },
	{ "status", "status", NULL, PART_TEXT },
	{ "revokedBy", "revokedBy", "revokedByInUse", PART_TEXT },
	{ "revokedOnFrom", "revokedOnFrom", "revokedOnInUse", PART_DATE },
	{ "revokedOnTo", "revokedOnTo", "revokedOnInUse", PART_DATE },
	{ "revocationReason", "revocationReason", "revocationReasonInUse",
	    PART_REASON },
	{ "issuedBy", "issuedBy", "issuedByInUse", PART_TEXT },
	{ "issuedOnFrom", "issuedOnFrom", "issuedOnInUse", PART_DATE },
	{ "issuedOnTo", "issuedOnTo", "issuedOnInUse", PART_DATE },
	{ "validNotBeforeFrom", "validNotBeforeFrom", "validNotBeforeInUse",
	    PART_DATE },
	{ "validNotBeforeTo", "validNotBeforeTo", "validNotBeforeInUse",
	    PART_DATE },
	{ "validNotAfterFrom", "validNotAfterFrom", "validNotAfterInUse",
	    PART_DATE },
	{ "validNotAfterTo", "validNotAfterTo", "validNotAfterInUse",
	    PART_DATE },
	{ "validityOperation", "validityOperation", "validityLengthInUse",
	    PART_TEXT },
	{ "validityCount", "validityCount", "validityLengthInUse",
	    PART_NUMBER },
	{ "validityUnit", "validityUnit", "validityLengthInUse", PART_UNIT },
	{ "certTypeSubEmailCA", "certTypeSubEmailCA", "certTypeInUse",
	    PART_ONOFF },
	{ "certTypeSubSSLCA", "certTypeSubSSLCA", "certTypeInUse", PART_ONOFF },
	{ "certTypeSecureEmail", "certTypeSecureEmail", "certTypeInUse",
	    PART_ONOFF },
	{ "certTypeSSLClient", "certTypeSSLClient", "certTypeInUse",
	    PART_ONOFF },
	{ "certTypeSSLServer", "certTypeSSLServer", "certTypeInUse",
	    PART_ONOFF },
};

static enum rc
put_date(json_t *o, const char *member, const char *value, struct err *e)
{
	char text[32];
	int64_t t;

	if (strlen(value) != strlen("2026-11-21") ||
	    text_date_iso(&t, value, NULL) != RC_OK)
		return err_set(e, RC_USAGE, "Invalid date: %s", value);
	snprintf(text, sizeof(text), "%lld", (long long)t * 1000);
	json_object_set_new(o, member, json_string(text));
	return RC_OK;
}

static enum rc
put_unit(json_t *o, const char *member, const char *value, struct err *e)
{
	static const struct {
		const char *name;
		json_int_t ms;
	} units[] = {
		{ "day", 86400000 },
		{ "week", 604800000 },
		{ "month", 2592000000 },
		{ "year", 31536000000 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (text_ieq(value, units[i].name)) {
			json_object_set_new(
			    o, member, json_integer(units[i].ms));
			return RC_OK;
		}
	return err_set(e, RC_USAGE, "Invalid validity unit: %s", value);
}

static enum rc
put_reason(json_t *o, const char *member, const char *value, struct err *e)
{
	char text[16];
	int code = cert_reason_code(value);
	int64_t n = code;

	if (code < 0 && text_int(&n, value, 0, 10, NULL) != RC_OK)
		return err_set(
		    e, RC_USAGE, "Invalid revocation reason: %s", value);
	snprintf(text, sizeof(text), "%lld", (long long)n);
	json_object_set_new(o, member, json_string(text));
	return RC_OK;
}

static enum rc
put_part(json_t *o, const char *member, enum part_form form, const char *value,
    struct err *e)
{
	int64_t n;

	switch (form) {
	case PART_TEXT:
		break;
	case PART_DATE:
		return put_date(o, member, value, e);
	case PART_UNIT:
		return put_unit(o, member, value, e);
	case PART_REASON:
		return put_reason(o, member, value, e);
	case PART_NUMBER:
		if (text_int(&n, value, 0, INT32_MAX, NULL) != RC_OK)
			return err_set(
			    e, RC_USAGE, "Invalid number: %s", value);
		json_object_set_new(o, member, json_integer(n));
		return RC_OK;
	case PART_ONOFF:
		if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
			return err_set(e, RC_USAGE,
			    "Invalid value (on or off): %s", value);
		break;
	}
	json_object_set_new(o, member, json_string(value));
	return RC_OK;
}

static enum rc
search_request(json_t *o, const struct args *a, struct err *e)
{
	enum rc rc;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		const char *value = args_get(a, parts[i].option);

		if (value == NULL)
			continue;
		rc = put_part(o, parts[i].member, parts[i].form, value, e);
		if (rc != RC_OK)
			return rc;
		if (parts[i].in_use != NULL)
			json_object_set_new(o, parts[i].in_use, json_true());
	}
	if (args_has(a, "matchExactly"))
		json_object_set_new(o, "matchExactly", json_true());
	return RC_OK;
}

/* "PKCS #1 RSA with 2048-bit key", or the OID for other algorithms. */
static void
print_key(const json_t *entry)
{
	AUTO_BUF oid = buf_empty(0), bits = buf_empty(0);

	if (!fields_text(&oid, entry, "KeyAlgorithmOID", FIELD_TEXT))
		return;
	if (strcmp(buf_cstr(&oid), "1.2.840.113549.1.1.1") == 0 &&
	    fields_text(&bits, entry, "KeyLength", FIELD_TEXT))
		out_fieldf("Key Algorithm", "PKCS #1 RSA with %s-bit key",
		    buf_cstr(&bits));
	else
		out_fieldf("Key Algorithm", "OID.%s", buf_cstr(&oid));
}

static void
print_entry(const json_t *entry)
{
	const json_t *version = json_object_get(entry, "Version");
	const char *type = json_str(entry, "Type");

	out_field("Serial Number", json_str(entry, "id"));
	out_field("Subject DN", json_str(entry, "SubjectDN"));
	out_field("Issuer DN", json_str(entry, "IssuerDN"));
	out_field("Status", json_str(entry, "Status"));
	if (type != NULL && json_is_integer(version))
		out_fieldf("Type", "%s version %lld", type,
		    (long long)json_integer_value(version) + 1);
	else
		out_field("Type", type);
	print_key(entry);
	fields_print(fields_cert_dates, entry);
}

enum rc
cert_find_run(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON body = NULL;
	AUTO_JSON answer = NULL;
	const json_t *list, *entry, *total;
	size_t i;
	enum rc rc = RC_OK;

	if (args_has(a, "input"))
		rc = search_load(&body, args_get(a, "input"), e);
	else
		body = json_object();
	if (rc != RC_OK || (rc = search_request(body, a, e)) != RC_OK)
		return rc;
	buf_add_str(&path, "certs/search");
	rest_query(&path, a, "start", "start", "size", "size", NULL);
	rc = rest_json(p, "POST", buf_cstr(&path), body, &answer, e);
	if (rc != RC_OK)
		return rc;
	list = json_object_get(answer, "entries");
	total = json_object_get(answer, "total");
	if (json_is_integer(total))
		out_framed(
		    "%lld entries found", (long long)json_integer_value(total));
	json_array_foreach(list, i, entry)
	{
		out_entry(i);
		print_entry(entry);
	}
	out_returned(json_array_size(list));
	return RC_OK;
}

const struct opt cert_find_opts[] = {
	OPT("input", "file", "File with the search request (XML or JSON)"),
	OPT("minSerialNumber", "number", "Minimum serial number"),
	OPT("maxSerialNumber", "number", "Maximum serial number"),
	OPT("name", "name", "Subject's common name"),
	OPT("email", "address", "Subject's e-mail address"),
	OPT("uid", "id", "Subject's user ID"),
	OPT("org", "name", "Subject's organization"),
	OPT("orgUnit", "name", "Subject's organizational unit"),
	OPT("locality", "name", "Subject's locality"),
	OPT("state", "name", "Subject's state"),
	OPT("country", "name", "Subject's country"),
	OPT_FLAG("matchExactly", "Match the subject's parts exactly"),
	OPT("status", "status",
	    "Status: VALID, INVALID, REVOKED, EXPIRED, REVOKED_EXPIRED"),
	OPT("revokedBy", "user", "Revoked by"),
	OPT("revokedOnFrom", "YYYY-MM-DD", "Revoked on or after this date"),
	OPT("revokedOnTo", "YYYY-MM-DD", "Revoked on or before this date"),
	OPT("revocationReason", "reason", "Reason for revocation"),
	OPT("issuedBy", "user", "Issued by"),
	OPT("issuedOnFrom", "YYYY-MM-DD", "Issued on or after this date"),
	OPT("issuedOnTo", "YYYY-MM-DD", "Issued on or before this date"),
	OPT("certTypeSubEmailCA", "on|off", "Subordinate e-mail CA"),
	OPT("certTypeSubSSLCA", "on|off", "Subordinate SSL CA"),
	OPT("certTypeSecureEmail", "on|off", "Secure e-mail"),
	OPT("certTypeSSLClient", "on|off", "SSL client"),
	OPT("certTypeSSLServer", "on|off", "SSL server"),
	OPT("validNotBeforeFrom", "YYYY-MM-DD",
	    "Valid not before: from this date"),
	OPT("validNotBeforeTo", "YYYY-MM-DD", "Valid not before: to this date"),
	OPT("validNotAfterFrom", "YYYY-MM-DD",
	    "Valid not after: from this date"),
	OPT("validNotAfterTo", "YYYY-MM-DD", "Valid not after: to this date"),
	OPT("validityOperation", "op", "Validity duration: <= or >="),
	OPT("validityCount", "number", "Validity duration: count"),
	OPT("validityUnit", "unit",
	    "Validity duration: day, week, month, year"),
	OPT("start", "start", "Page start"),
	OPT("size", "size", "Page size"),
	OPT_END,
};
