/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_crl.c - ca-crl-*: issuing points, their settings in CS.cfg and
 * their lists (spec deployment 7.4).
 * Owns:    nothing.
 * Trusts:  the CA's own files.
 * Threads: none. */
#include "tools/pki_server_cmds.h"

#include "base/file.h"
#include "base/text.h"
#include "x509/crl.h"

enum {
	POINTS_MAX = 64,
	POINT_ID_MAX = 64,
	REASON_TEXT_MAX = 32,
	CRL_FILE_MAX = 256 * 1024 * 1024,
};

static const struct {
	const char *label, *name;
} fields[] = {
	{ "Allow Extensions", "allowExtensions" },
	{ "Always Update", "alwaysUpdate" },
	{ "Auto Update Interval (minutes)", "autoUpdateInterval" },
	{ "CA Certs Only", "caCertsOnly" },
	{ "Cache Update Interval (minutes)", "cacheUpdateInterval" },
	{ "Unexpected Exception Wait Time (minutes)",
	    "unexpectedExceptionWaitTime" },
	{ "Unexpected Exception Loop Max", "unexpectedExceptionLoopMax" },
	{ "Daily Updates", "dailyUpdates" },
	{ "Enable CRL Cache", "enableCRLCache" },
	{ "Enable CRL Updates", "enableCRLUpdates" },
	{ "Enable Cache Testing", "enableCacheTesting" },
	{ "Enable Cache Recovery", "enableCacheRecovery" },
	{ "Enable Daily Updates", "enableDailyUpdates" },
	{ "Enable Update Interval", "enableUpdateInterval" },
	{ "Extended Next Update", "extendedNextUpdate" },
	{ "Include Expired Certs", "includeExpiredCerts" },
	{ "Min Update Interval (minutes)", "minUpdateInterval" },
	{ "Next Update Grace Period (minutes)", "nextUpdateGracePeriod" },
	{ "Publish On Start", "publishOnStart" },
	{ "Save Memory", "saveMemory" },
	{ "Signing Algorithm", "signingAlgorithm" },
	{ "Update Schema", "updateSchema" },
};

static enum rc
run_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_cs(s, &c, s->sub, e);

	(void)a;
	if (rc == RC_OK)
		out_field("Page Size", cfg_get(c, "ca.crl.pageSize"));
	return rc;
}

static void
print_point(const struct cfg *c, const char *id)
{
	out_field("ID", id);
	out_field("Description", cfg_getf(c, "ca.crl.%s.description", id));
	out_field("Class", cfg_getf(c, "ca.crl.%s.class", id));
	out_field("Enable", cfg_getf(c, "ca.crl.%s.enable", id));
}

static bool
is_point(const struct cfg *c, const char *id)
{
	return cfg_getf(c, "ca.crl.%s.class", id) != NULL ||
	    cfg_getf(c, "ca.crl.%s.enable", id) != NULL;
}

static enum rc
need_point(const struct cfg *c, const char *id, struct err *e)
{
	return is_point(c, id)
	    ? RC_OK
	    : err_set(e, RC_NOTFOUND, "No such CRL issuing point: %s", id);
}

static enum rc
run_ip_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	char last[POINT_ID_MAX] = "";
	size_t n = 0;
	enum rc rc = server_cs(s, &c, s->sub, e);

	(void)a;
	if (rc != RC_OK)
		return rc;
	/* ca.crl.<id>.<name>, in the order of ids */
	for (size_t i = cfg_lower(c, "ca.crl."); i < cfg_count(c); i++) {
		const char *id = cfg_at(c, i).name + 7, *dot;
		char now[POINT_ID_MAX];

		if (!text_starts(cfg_at(c, i).name, "ca.crl."))
			break;
		if ((dot = strchr(id, '.')) == NULL ||
		    (size_t)(dot - id) >= sizeof(now))
			continue;
		snprintf(now, sizeof(now), "%.*s", (int)(dot - id), id);
		if (strcmp(now, last) == 0 || !is_point(c, now))
			continue;
		memcpy(last, now, sizeof(last));
		out_entry(n++);
		print_point(c, now);
	}
	return RC_OK;
}

static enum rc
run_ip_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	const char *id = args_at(a, 0);
	enum rc rc = server_cs(s, &c, s->sub, e);

	if (rc != RC_OK || (rc = need_point(c, id, e)) != RC_OK)
		return rc;
	print_point(c, id);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		out_field(fields[i].label,
		    cfg_getf(c, "ca.crl.%s.%s", id, fields[i].name));
	return RC_OK;
}

static enum rc
set_point(struct cfg *c, const char *id, const char *name, const char *value,
    struct err *e)
{
	AUTO_BUF full = buf_empty(1024);
	enum rc rc;

	if (value == NULL)
		return RC_OK;
	if (strpbrk(value, "\r\n") != NULL)
		return err_set(e, RC_USAGE, "Invalid parameter value");
	buf_addf(&full, "ca.crl.%s.%s", id, name);
	if ((rc = buf_check(&full, e)) != RC_OK)
		return rc;
	return cfg_set(c, buf_cstr(&full), value, e);
}

/* One -D name=value. */
static enum rc
set_define(struct cfg *c, const char *id, const char *text, struct err *e)
{
	AUTO_STR copy = strdup(text);
	char *eq = copy != NULL ? strchr(copy, '=') : NULL;

	if (eq == NULL || eq == copy)
		return err_set(e, RC_USAGE, "Invalid parameter: %s", text);
	*eq = '\0';
	return set_point(c, id, copy, eq + 1, e);
}

static enum rc
run_ip_mod(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	const char *id = args_at(a, 0), *define;
	enum rc rc = server_cs(s, &c, s->sub, e);

	if (rc != RC_OK || (rc = need_point(c, id, e)) != RC_OK ||
	    (rc = set_point(c, id, "description", args_get(a, "desc"), e)) !=
		RC_OK ||
	    (rc = set_point(c, id, "class", args_get(a, "class"), e)) !=
		RC_OK ||
	    (rc = set_point(c, id, "enable", args_get(a, "enable"), e)) !=
		RC_OK)
		return rc;
	for (size_t i = 0; (define = args_nth(a, "D", i)) != NULL; i++)
		if ((rc = set_define(c, id, define, e)) != RC_OK)
			return rc;
	return server_save_cs(s, s->sub, c, e);
}

/* ---- the lists ---- */

static enum rc
fetch_record(struct server *s, const char *id, json_t **out, struct err *e)
{
	AUTO_JSON q = json_pack("{s:s}", "id", id);

	return server_call(s, "crl-record", q, out, e);
}

static void
date_field(const char *label, const json_t *o, const char *member)
{
	char text[CLOCK_TEXT_MAX];
	json_int_t t = json_integer_value(json_object_get(o, member));

	if (t != 0)
		out_field(label, server_date(text, t));
}

static enum rc
run_record_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON o = NULL;
	enum rc rc = fetch_record(s, args_at(a, 0), &o, e);

	if (rc != RC_OK)
		return rc;
	out_field("CRL Number", json_str(o, "number"));
	out_field("CRL Size", json_str(o, "size"));
	out_field("Delta CRL Number", json_str(o, "deltaNumber"));
	out_field("Delta CRL Size", json_str(o, "deltaSize"));
	date_field("This Update", o, "thisUpdate");
	date_field("Next Update", o, "nextUpdate");
	return RC_OK;
}

/* "CERTIFICATE_HOLD", as this command writes reasons. */
static void
print_reason(int reason)
{
	char text[REASON_TEXT_MAX];
	size_t i = 0;

	for (const char *s = crl_reason_label(reason);
	     *s != '\0' && i + 1 < sizeof(text); s++)
		text[i++] =
		    *s >= 'a' && *s <= 'z' ? (char)(*s - 'a' + 'A') : *s;
	text[i] = '\0';
	out_field("Reason", text);
}

static enum rc
print_entries(const struct crl *crl, struct err *e)
{
	struct view entries = crl->entries;
	char text[CLOCK_TEXT_MAX], serial[NUM_TEXT_MAX];
	struct crl_entry x;
	enum rc rc;

	for (size_t n = 0; entries.len > 0; n++) {
		if ((rc = crl_entry_next(&entries, &x, e)) != RC_OK)
			return rc;
		out_entry(n);
		out_field("Serial Number", num_0x(serial, &x.serial));
		out_field("Revoked On", server_date(text, x.date));
		if (x.reason != CRLREASON_NONE)
			print_reason(x.reason);
	}
	return RC_OK;
}

/* The entries of the present full list. */
static enum rc
run_record_cert_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO_BUF der = buf_empty(CRL_FILE_MAX), path = buf_empty(4096);
	AUTO_STR dir = paths_crl(s->paths, s->sub);
	AUTO_JSON o = NULL;
	struct num number;
	struct crl crl;
	char dec[NUM_TEXT_MAX];
	enum rc rc = fetch_record(s, args_at(a, 0), &o, e);

	if (rc != RC_OK)
		return rc;
	if (dir == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = num_parse(&number, json_str(o, "number"), false, e);
	if (rc != RC_OK)
		return rc;
	buf_addf(
	    &path, "%s/%s-%s.crl", dir, args_at(a, 0), num_dec(dec, &number));
	/* number 0: no list yet */
	if (strcmp(dec, "0") == 0)
		return RC_OK;
	if ((rc = file_read(&der, buf_cstr(&path), e)) != RC_OK ||
	    (rc = crl_parse(&crl, buf_view(&der), e)) != RC_OK)
		return rc;
	return print_entries(&crl, e);
}

static enum rc
run_update(struct server *s, const struct args *a, struct err *e)
{
	const char *id = args_at(a, 0) != NULL ? args_at(a, 0) : "MasterCRL";
	AUTO_JSON q = json_pack("{s:s}", "id", id);
	AUTO_JSON o = NULL;
	enum rc rc = server_call(s, "crl-update", q, &o, e);

	if (rc != RC_OK)
		return rc;
	out_framed("Updated CRL \"%s\"", id);
	out_field("CRL Number", json_str(o, "number"));
	out_fieldf("CRL Size", "%lld",
	    (long long)json_integer_value(json_object_get(o, "size")));
	date_field("This Update", o, "thisUpdate");
	date_field("Next Update", o, "nextUpdate");
	return RC_OK;
}

static const struct opt mod_opts[] = {
	SERVER_OPTS,
	OPT("desc", "text", "Description"),
	OPT("class", "name", "Class"),
	OPT("enable", "bool", "Enable: true, false"),
	OPT_LETTER("D", 'D', "name=value", "Another setting; may be repeated"),
	OPT_END,
};

const struct server_cmd server_crl[] = {
	{ "crl-show", "", "Show the CRL configuration", NULL, 0, 0, run_show,
	    NEED_SUBSYSTEM },
	{ "crl-update", "[<CRL issuing point ID>]",
	    "Make a new CRL now (the server must run)", NULL, 0, 1, run_update,
	    NEED_SUBSYSTEM },
	{ "crl-ip-find", "", "Find CRL issuing points", NULL, 0, 0, run_ip_find,
	    NEED_SUBSYSTEM },
	{ "crl-ip-show", "<CRL issuing point ID>", "Show a CRL issuing point",
	    NULL, 1, 1, run_ip_show, NEED_SUBSYSTEM },
	{ "crl-ip-mod", "<CRL issuing point ID>", "Modify a CRL issuing point",
	    mod_opts, 1, 1, run_ip_mod, NEED_SUBSYSTEM },
	{ "crl-record-show", "<CRL issuing point ID>",
	    "Show the record of a CRL", NULL, 1, 1, run_record_show,
	    NEED_SUBSYSTEM },
	{ "crl-record-cert-find", "<CRL issuing point ID>",
	    "Find the certificates of a CRL", NULL, 1, 1, run_record_cert_find,
	    NEED_SUBSYSTEM },
	{ 0 },
};
