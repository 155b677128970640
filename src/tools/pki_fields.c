/* SPDX-License-Identifier: Apache-2.0 */
/* pki_fields.c - label tables of the resources, and the one printer for them.
 * Owns:    nothing.
 * Trusts:  nothing the server sent: a member of an unexpected type is shown as
 *          JSON text.
 * Threads: constant data. */
#include "tools/pki_fields.h"

#include "base/clock.h"
#include "base/text.h"

#define END                            \
	{                              \
		NULL, NULL, FIELD_TEXT \
	}

const struct field fields_cert[] = {
	{ "id", "Serial Number", FIELD_TEXT },
	{ "SubjectDN", "Subject DN", FIELD_TEXT },
	{ "IssuerDN", "Issuer DN", FIELD_TEXT },
	{ "Status", "Status", FIELD_TEXT },
	{ "NotBefore", "Not Valid Before", FIELD_DATE },
	{ "NotAfter", "Not Valid After", FIELD_DATE },
	{ "RevokedOn", "Revoked On", FIELD_DATE },
	{ "RevokedBy", "Revoked By", FIELD_TEXT },
	END,
};
const struct field fields_cert_dates[] = {
	{ "NotValidBefore", "Not Valid Before", FIELD_DATE },
	{ "NotValidAfter", "Not Valid After", FIELD_DATE },
	{ "IssuedOn", "Issued On", FIELD_DATE },
	{ "IssuedBy", "Issued By", FIELD_TEXT },
	{ "RevokedOn", "Revoked On", FIELD_DATE },
	{ "RevokedBy", "Revoked By", FIELD_TEXT },
	END,
};
const struct field fields_request[] = {
	{ "requestID", "Request ID", FIELD_TEXT },
	{ "requestType", "Type", FIELD_TEXT },
	{ "requestStatus", "Request Status", FIELD_TEXT },
	{ "operationResult", "Operation Result", FIELD_TEXT },
	{ "errorMessage", "Reason", FIELD_TEXT },
	{ "certId", "Certificate ID", FIELD_TEXT },
	{ "creationTime", "Creation Time", FIELD_DATE },
	{ "modificationTime", "Modification Time", FIELD_DATE },
	END,
};
const struct field fields_profile_info[] = {
	{ "profileId", "Profile ID", FIELD_TEXT },
	{ "profileName", "Name", FIELD_TEXT },
	{ "profileDescription", "Description", FIELD_TEXT },
	END,
};
const struct field fields_profile[] = {
	{ "id", "Profile ID", FIELD_TEXT },
	{ "name", "Name", FIELD_TEXT },
	{ "description", "Description", FIELD_TEXT },
	{ "enabled", "Enabled", FIELD_TEXT },
	{ "enabledBy", "Enabled By", FIELD_TEXT },
	{ "visible", "Visible", FIELD_TEXT },
	{ "renewal", "Renewal", FIELD_TEXT },
	{ "authenticatorId", "Authenticator", FIELD_TEXT },
	{ "authzAcl", "Authorization", FIELD_TEXT },
	END,
};
const struct field fields_authority[] = {
	{ "isHostAuthority", "Host authority", FIELD_TEXT },
	{ "dn", "Authority DN", FIELD_TEXT },
	{ "id", "ID", FIELD_TEXT },
	{ "parentID", "Parent ID", FIELD_TEXT },
	{ "issuerDN", "Issuer DN", FIELD_TEXT },
	{ "serial", "Serial no", FIELD_TEXT },
	{ "enabled", "Enabled", FIELD_TEXT },
	{ "ready", "Ready to sign", FIELD_TEXT },
	{ "description", "Description", FIELD_TEXT },
	END,
};
const struct field fields_user[] = {
	{ "UserID", "User ID", FIELD_TEXT },
	{ "FullName", "Full name", FIELD_TEXT },
	{ "Email", "Email", FIELD_TEXT },
	{ "phone", "Phone", FIELD_TEXT },
	{ "type", "Type", FIELD_TEXT },
	{ "state", "State", FIELD_TEXT },
	END,
};
const struct field fields_user_cert[] = {
	{ "id", "Cert ID", FIELD_TEXT },
	{ "Version", "Version", FIELD_TEXT },
	{ "SerialNumber", "Serial Number", FIELD_HEX },
	{ "IssuerDN", "Issuer", FIELD_TEXT },
	{ "SubjectDN", "Subject", FIELD_TEXT },
	END,
};
const struct field fields_group[] = {
	{ "GroupID", "Group ID", FIELD_TEXT },
	{ "Description", "Description", FIELD_TEXT },
	END,
};
const struct field fields_membership[] = {
	{ "id", "Group", FIELD_TEXT },
	END,
};
const struct field fields_member[] = {
	{ "id", "User", FIELD_TEXT },
	END,
};
const struct field fields_selftest[] = {
	{ "id", "SelfTest ID", FIELD_TEXT },
	{ "enabledAtStartup", "Enabled at startup", FIELD_TEXT },
	{ "criticalAtStartup", "Critical at startup", FIELD_TEXT },
	{ "enabledOnDemand", "Enabled on demand", FIELD_TEXT },
	{ "criticalOnDemand", "Critical on demand", FIELD_TEXT },
	END,
};
const struct field fields_selftest_result[] = {
	{ "id", "SelfTest ID", FIELD_TEXT },
	{ "status", "Status", FIELD_TEXT },
	{ "output", "Output", FIELD_TEXT },
	END,
};
const struct field fields_audit[] = {
	{ "Status", "Status", FIELD_TEXT },
	{ "Signed", "Signed", FIELD_TEXT },
	{ "Interval", "Interval (seconds)", FIELD_TEXT },
	{ "bufferSize", "Buffer size (bytes)", FIELD_TEXT },
	END,
};
const struct field fields_audit_file[] = {
	{ "name", "File name", FIELD_TEXT },
	{ "size", "Size", FIELD_TEXT },
	END,
};
const struct field fields_job[] = {
	{ "id", "Job ID", FIELD_TEXT },
	{ "enabled", "Enabled", FIELD_TEXT },
	{ "cron", "Cron Expression", FIELD_TEXT },
	{ "pluginName", "Plugin Name", FIELD_TEXT },
	{ "owner", "Owner", FIELD_TEXT },
	END,
};
const struct field fields_feature[] = {
	{ "id", "ID", FIELD_TEXT },
	{ "description", "Description", FIELD_TEXT },
	{ "version", "Version", FIELD_TEXT },
	{ "enabled", "Enabled", FIELD_TEXT },
	END,
};
const struct field fields_host[] = {
	{ "id", "Host ID", FIELD_TEXT },
	{ "Hostname", "Hostname", FIELD_TEXT },
	{ "Port", "Port", FIELD_TEXT },
	{ "SecurePort", "Secure Port", FIELD_TEXT },
	{ "DomainManager", "Domain Manager", FIELD_TEXT },
	{ "Clone", "Clone", FIELD_TEXT },
	END,
};

static void
add_hex(struct buf *out, const char *decimal)
{
	char text[NUM_TEXT_MAX];
	struct num n;

	if (num_parse(&n, decimal, false, NULL) == RC_OK)
		buf_add_str(out, num_0x(text, &n));
	else
		buf_add_str(out, decimal);
}

static void
add_number(struct buf *out, json_int_t v, enum field_form f)
{
	char text[CLOCK_TEXT_MAX];

	switch (f) {
	case FIELD_DATE:
		buf_add_str(out, clock_text_java(text, v / 1000));
		return;
	case FIELD_HEX:
		snprintf(text, sizeof(text), "%lld", (long long)v);
		add_hex(out, text);
		return;
	case FIELD_TEXT:
		buf_addf(out, "%lld", (long long)v);
		return;
	}
}

bool
fields_text(
    struct buf *out, const json_t *o, const char *member, enum field_form f)
{
	const json_t *v = json_object_get(o, member);
	char *text;

	if (v == NULL || json_is_null(v))
		return false;
	if (json_is_integer(v)) {
		add_number(out, json_integer_value(v), f);
	} else if (json_is_boolean(v)) {
		buf_add_str(out, json_is_true(v) ? "true" : "false");
	} else if (json_is_string(v) && f == FIELD_HEX) {
		add_hex(out, json_string_value(v));
	} else if (json_is_string(v)) {
		buf_add_str(out, json_string_value(v));
	} else {
		text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
		buf_add_str(out, text != NULL ? text : "");
		free(text);
	}
	return true;
}

void
fields_print(const struct field *table, const json_t *o)
{
	for (; table->member != NULL; table++) {
		AUTO_BUF text = buf_empty(0);

		if (fields_text(&text, o, table->member, table->form) &&
		    text.len > 0)
			out_field(table->label, buf_cstr(&text));
	}
}

void
fields_print_list(const struct field *table, const json_t *answer)
{
	const json_t *list =
	    json_is_array(answer) ? answer : json_object_get(answer, "entries");
	const json_t *total = json_object_get(answer, "total"), *entry;
	size_t i, n = json_array_size(list);

	if (json_is_integer(total))
		out_framed("%lld entries matched",
		    (long long)json_integer_value(total));
	else
		out_framed("%zu entries matched", n);
	json_array_foreach(list, i, entry)
	{
		out_entry(i);
		fields_print(table, entry);
	}
	out_returned(n);
}

enum rc
fields_list(struct pki *p, const struct args *a, const char *filter,
    struct buf *path, const struct field *table, struct err *e)
{
	AUTO_JSON answer = NULL;
	AUTO_BUF query = buf_empty(0);
	enum rc rc;

	rest_query(&query, a, "start", "start", "size", "size", NULL);
	buf_add_view(path, buf_view(&query));
	if (filter != NULL) {
		buf_add_str(path, query.len > 0 ? "&filter=" : "?filter=");
		http_url_encode(path, view_str(filter));
	}
	if ((rc = buf_check(path, e)) != RC_OK)
		return rc;
	rc = rest_json(p, "GET", buf_cstr(path), NULL, &answer, e);
	if (rc == RC_OK)
		fields_print_list(table, answer);
	return rc;
}
