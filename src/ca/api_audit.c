/* SPDX-License-Identifier: Apache-2.0 */
/* api_audit.c - settings and files of the signed audit log (spec ca 1.5, 4.7).
 * Owns:    nothing; changes go to CS.cfg and count from the next start.
 * Trusts:  nothing of a request; a file's name must be one of the log's own.
 * Threads: workers. */
#include "ca/api.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/file.h"
#include "instance/cscfg.h"

#define PREFIX "log.instance.SignedAudit."
#define READ_SETTINGS "certServer.log.configuration"
#define READ_LOG "certServer.log.content.signedAudit"

enum {
	EVENTS_MAX = 256,
	FILES_MAX = 4096,
	AUDIT_FILE_MAX = 256 * 1024 * 1024
};

static const char known_events[] =
    "ACCESS_SESSION_ESTABLISH,ACCESS_SESSION_TERMINATED,AUDIT_LOG_DELETE,"
    "AUDIT_LOG_SHUTDOWN,AUDIT_LOG_SIGNING,AUDIT_LOG_STARTUP,AUTH,"
    "AUTHORITY_CONFIG,AUTHZ,CERT_PROFILE_APPROVAL,CERT_REQUEST_PROCESSED,"
    "CERT_SIGNING_INFO,CERT_STATUS_CHANGE_REQUEST,"
    "CERT_STATUS_CHANGE_REQUEST_PROCESSED,CIMC_CERT_VERIFICATION,"
    "CLIENT_ACCESS_SESSION_ESTABLISH,CLIENT_ACCESS_SESSION_TERMINATED,"
    "CMC_ID_POP_LINK_WITNESS,CMC_PROOF_OF_IDENTIFICATION,"
    "CMC_REQUEST_RECEIVED,CMC_RESPONSE_SENT,CMC_SIGNED_REQUEST_SIG_VERIFY,"
    "CMC_USER_SIGNED_REQUEST_SIG_VERIFY,CONFIG_ACL,CONFIG_AUTH,"
    "CONFIG_CERT_POLICY,CONFIG_CERT_PROFILE,CONFIG_CRL_PROFILE,CONFIG_DRM,"
    "CONFIG_ENCRYPTION,CONFIG_OCSP_PROFILE,CONFIG_ROLE,CONFIG_SERIAL_NUMBER,"
    "CONFIG_SIGNED_AUDIT,CONFIG_TRUSTED_PUBLIC_KEY,CRL_RETRIEVAL,"
    "CRL_SIGNING_INFO,CRL_VALIDATION,DELTA_CRL_GENERATION,"
    "DELTA_CRL_PUBLISHING,FULL_CRL_GENERATION,FULL_CRL_PUBLISHING,"
    "INTER_BOUNDARY,KEY_GEN_ASYMMETRIC,LOG_PATH_CHANGE,"
    "NON_PROFILE_CERT_REQUEST,OCSP_GENERATION,OCSP_SIGNING_INFO,"
    "PROFILE_CERT_REQUEST,PROOF_OF_POSSESSION,RANDOM_GENERATION,ROLE_ASSUME,"
    "SCHEDULE_CRL_GENERATION,SECURITY_DOMAIN_UPDATE,SELFTESTS_EXECUTION,"
    "SERVER_SIDE_KEYGEN_REQUEST,SERVER_SIDE_KEYGEN_REQUEST_PROCESSED";

/* --- settings ---------------------------------------------------------------------- */

struct names {
	char *text, *items[EVENTS_MAX];
	size_t n;
};

static void
names_done(struct names *x)
{
	free(x->text);
}
#define AUTO_NAMES __attribute__((cleanup(names_done))) struct names

static struct names
names_of(const char *list)
{
	struct names x = { .text = strdup(list != NULL ? list : "") };

	if (x.text != NULL)
		x.n = text_split(x.text, ",", x.items, EVENTS_MAX);
	if (x.n > EVENTS_MAX)
		x.n = EVENTS_MAX;
	return x;
}

static bool
names_have(const struct names *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++) {
		if (strcmp(x->items[i], name) == 0)
			return true;
	}
	return false;
}

/* Where CS.cfg does not say, the running log tells. */
static bool
logged_now(struct ca *ca, const char *event)
{
	AUTO_BUF b = buf_empty(64 * 1024);
	const struct audit_entry good = { event, NULL, true, NULL, 0, NULL },
				 bad = { event, NULL, false, NULL, 0, NULL };

	audit_line(ca->audit, &b, &good);
	audit_line(ca->audit, &b, &bad);
	return b.len > 0;
}

static bool
enabled(struct ca *ca, const struct cfg *cfg, const struct names *listed,
    const char *event)
{
	return cfg_get(cfg, PREFIX "events") != NULL ? names_have(listed, event)
						     : logged_now(ca, event);
}

static json_t *
events_json(struct ca *ca, const struct cfg *cfg)
{
	AUTO_NAMES all = names_of(known_events);
	AUTO_NAMES listed = names_of(cfg_get(cfg, PREFIX "events"));
	AUTO_NAMES mandatory =
	    names_of(cfg_get(cfg, PREFIX "mandatory.events"));
	const struct names *sets[] = { &all, &listed, &mandatory };
	json_t *o = json_object();

	for (size_t s = 0; s < 3; s++) {
		for (size_t i = 0; i < sets[s]->n; i++) {
			const char *x = sets[s]->items[i];
			json_object_set_new(o, x,
			    json_string(names_have(&mandatory, x) ? "mandatory"
				    : enabled(ca, cfg, &listed, x)
				    ? "enabled"
				    : "disabled"));
		}
	}
	return o;
}

static json_t *
config_json(struct ca *ca, const struct cfg *cfg)
{
	int64_t interval = 5, size = 512;

	rc_ignore(cfg_int(cfg, &interval, PREFIX "flushInterval", 0, INT32_MAX,
	    5, NULL)); /* the log would not have opened with a bad one */
	rc_ignore(cfg_int(cfg, &size, PREFIX "bufferSize", 0, INT32_MAX, 512,
	    NULL)); /* likewise */
	return json_pack("{s:s,s:b,s:I,s:I,s:o,s:o}", "Status",
	    cfg_bool(cfg, PREFIX "enable", true) ? "Enabled" : "Disabled",
	    "Signed", cfg_bool(cfg, PREFIX "logSigning", false), "Interval",
	    (json_int_t)interval, "bufferSize", (json_int_t)size, "Events",
	    events_json(ca, cfg), "Attributes", api_attributes());
}

/* CS.cfg as it is on disk: what the next start will use. */
static enum rc
load(struct ca *ca, struct cfg **out, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(instance_paths(ca->instance), "ca");

	*out = cfg_new();
	if (path == NULL || *out == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	return cfg_load(*out, path, e);
}

static void
get_config(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(cfg) cfg = NULL;
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!api_enter(c, READ_SETTINGS, "read", &p))
		return;
	rc = load(api_ca(c), &cfg, &e);
	if (rc == RC_OK)
		api_json(c, 200, config_json(api_ca(c), cfg));
	else
		api_fail(c, rc, &e);
}

static enum rc
change_switch(struct cfg *cfg, const json_t *body, struct err *e)
{
	const char *status = json_string_value(json_object_get(body, "Status"));
	const json_t *sign = json_object_get(body, "Signed");
	enum rc rc;

	if (status != NULL) {
		if (!text_ieq(status, "Enabled") &&
		    !text_ieq(status, "Disabled"))
			return err_set(
			    e, RC_INVALID, "Status: Enabled or Disabled");
		rc = cfg_set(cfg, PREFIX "enable",
		    text_ieq(status, "Enabled") ? "true" : "false", e);
		if (rc != RC_OK)
			return rc;
	}
	if (sign == NULL)
		return RC_OK;
	return cfg_set(cfg, PREFIX "logSigning",
	    json_is_true(sign) ||
		    (json_is_string(sign) && text_bool(json_string_value(sign)))
		? "true"
		: "false",
	    e);
}

static enum rc
change_number(struct http_call *c, struct cfg *cfg, const json_t *body,
    const char *member, const char *name, struct err *e)
{
	const char *v = api_text(c, body, member);
	int64_t n;
	enum rc rc;

	if (v == NULL)
		return RC_OK;
	if ((rc = text_int(&n, v, 0, INT32_MAX, e)) != RC_OK)
		return err_prefix(e, "%s", member);
	return cfg_set(cfg, name, v, e);
}

/* Events may go between enabled and disabled; none may come, go, or touch a
 * mandatory one. */
static enum rc
change_events(
    struct ca *ca, struct cfg *cfg, const json_t *change, struct err *e)
{
	json_t *now = events_json(ca, cfg), *v;
	AUTO_BUF list = buf_empty(64 * 1024);
	const char *name;
	enum rc rc = RC_OK;

	json_object_foreach((json_t *)(uintptr_t)change, name, v)
	{
		const char *old = json_string_value(json_object_get(now, name)),
			   *new = json_string_value(v);
		if (old == NULL || new == NULL)
			rc = err_set(
			    e, RC_INVALID, "unknown audit event %.64s", name);
		else if (strcmp(old, new) == 0)
			continue;
		else if (strcmp(old, "mandatory") == 0 ||
		    (strcmp(new, "enabled") != 0 &&
			strcmp(new, "disabled") != 0))
			rc = err_set(e, RC_INVALID,
			    "audit event %.64s cannot become %.16s", name, new);
		else
			json_object_set_new(now, name, json_string(new));
		if (rc != RC_OK)
			break;
	}
	json_object_foreach(now, name, v)
	{
		if (strcmp(json_string_value(v), "disabled") != 0)
			buf_addf(&list, "%s%s", list.len > 0 ? "," : "", name);
	}
	json_decref(now);
	if (rc == RC_OK)
		rc = buf_check(&list, e);
	return rc != RC_OK ? rc
			   : cfg_set(cfg, PREFIX "events", buf_cstr(&list), e);
}

struct change {
	struct http_call *c;
	const json_t *body;
	json_t *result; /* the settings afterwards */
};

static enum rc
apply(void *arg, struct cfg *cfg, struct err *e)
{
	struct change *x = arg;
	struct http_call *c = x->c;
	const json_t *body = x->body;
	const json_t *events = json_object_get(body, "Events");
	enum rc rc;

	if ((rc = change_switch(cfg, body, e)) != RC_OK ||
	    (rc = change_number(c, cfg, body, "Interval",
		 PREFIX "flushInterval", e)) != RC_OK ||
	    (rc = change_number(
		 c, cfg, body, "bufferSize", PREFIX "bufferSize", e)) != RC_OK)
		return rc;
	if (events != NULL &&
	    (rc = change_events(api_ca(c), cfg, events, e)) != RC_OK)
		return rc;
	x->result = config_json(api_ca(c), cfg);
	return RC_OK;
}

/* Takes body over. */
static void
change(struct http_call *c, const struct principal *p, json_t *body)
{
	AUTO_STR said = json_dumps(body, JSON_COMPACT);
	AUTO_BUF params = buf_empty(64 * 1024);
	struct change x = { c, body, NULL };
	struct err e = { RC_OK, "" };
	enum rc rc = cscfg_change(
	    instance_paths(api_ca(c)->instance), "ca", apply, &x, &e);

	json_decref(body);
	buf_addf(&params, "Scope;;log+Operation;;OP_MODIFY+change;;%s",
	    said != NULL ? said : "");
	rc_ignore(audit_event(api_ca(c)->audit,
	    AUDIT_ENTRY("CONFIG_SIGNED_AUDIT", ca_subject_id(p), rc == RC_OK,
		"signed audit configuration parameter(s) change",
		{ "ParamNameValPairs", buf_cstr(&params) }),
	    NULL)); /* a failed audit log stops the CA in tick */
	if (rc == RC_OK)
		api_json(c, 200, x.result);
	else {
		json_decref(x.result);
		api_fail(c, rc, &e);
	}
}

static void
patch_config(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct err e = { RC_OK, "" };
	json_t *body = NULL;
	enum rc rc;

	if (!api_enter(c, READ_SETTINGS, "modify", &p))
		return;
	rc = api_body(c, &body, &e);
	if (rc == RC_OK)
		change(c, p, body);
	else
		api_fail(c, rc, &e);
}

/* ?action=enable or disable */
static void
switch_log(struct http_call *c)
{
	AUTO(principal) p = NULL;
	const char *action = http_query(c, "action");
	bool on = action != NULL && strcmp(action, "enable") == 0;

	if (!api_enter(c, READ_SETTINGS, "modify", &p))
		return;
	if (!on && (action == NULL || strcmp(action, "disable") != 0))
		api_error(c, 400, NULL, "action is enable or disable");
	else
		change(c, p,
		    json_pack("{s:s}", "Status", on ? "Enabled" : "Disabled"));
}

/* --- files --------------------------------------------------------------------------------- */

/* Folder of the log and the name that all its files begin with. */
static enum rc
log_files(struct ca *ca, char **dir, char **base, struct err *e)
{
	AUTO_STR logs = paths_logs(instance_paths(ca->instance), "ca");
	AUTO_BUF def = buf_empty(8192);
	AUTO_STR path = NULL;
	char *slash;

	buf_addf(&def, "%s/signedAudit/ca_audit", logs != NULL ? logs : "");
	path = strdup(cfg_str(ca->cfg, PREFIX "fileName", buf_cstr(&def)));
	slash = path != NULL ? strrchr(path, '/') : NULL;
	if (slash == NULL || slash[1] == '\0')
		return err_set(e, RC_INVALID,
		    "CS.cfg: " PREFIX "fileName is no path of a file");
	*slash = '\0';
	*dir = strdup(path);
	*base = strdup(slash + 1);
	return *dir != NULL && *base != NULL
	    ? RC_OK
	    : err_set(e, RC_NOMEM, "audit log");
}

/* Size of one of the log's files; false for any other name. */
static bool
file_size(const char *dir, const char *base, const char *name, int64_t *out)
{
	AUTO_BUF path = buf_empty(8192);
	struct stat st;

	if (!text_starts(name, base) || strchr(name, '/') != NULL)
		return false;
	buf_addf(&path, "%s/%s", dir, name);
	if (lstat(buf_cstr(&path), &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	*out = st.st_size;
	return true;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
list_files(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO_STR dir = NULL;
	AUTO_STR base = NULL;
	struct dirent **names = NULL;
	struct err e = { RC_OK, "" };
	json_t *list;
	int64_t size;
	int n;
	enum rc rc;

	if (!api_enter(c, READ_LOG, "read", &p))
		return;
	if ((rc = log_files(api_ca(c), &dir, &base, &e)) != RC_OK) {
		api_fail(c, rc, &e);
		return;
	}
	list = json_array();
	n = scandir(dir, &names, NULL, by_name);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		if (json_array_size(list) < FILES_MAX &&
		    file_size(dir, base, name, &size))
			json_array_append_new(list,
			    json_pack("{s:s,s:I}", "name", name, "size",
				(json_int_t)size));
		free(names[i]);
	}
	free(names);
	api_json(c, 200,
	    json_pack("{s:I,s:o}", "total", (json_int_t)json_array_size(list),
		"entries", list));
}

static void
get_file(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO_STR dir = NULL;
	AUTO_STR base = NULL;
	AUTO_BUF path = buf_empty(8192);
	AUTO_BUF text = buf_empty(AUDIT_FILE_MAX);
	const char *name = http_param(c, "name");
	struct err e = { RC_OK, "" };
	int64_t size;
	enum rc rc;

	if (!api_enter(c, READ_LOG, "read", &p))
		return;
	if ((rc = log_files(api_ca(c), &dir, &base, &e)) == RC_OK &&
	    !file_size(dir, base, name, &size))
		rc = err_set(
		    &e, RC_NOTFOUND, "Audit file not found: %.64s", name);
	buf_addf(&path, "%s/%s", dir != NULL ? dir : "", name);
	if (rc == RC_OK && (rc = audit_flush(api_ca(c)->audit, &e)) == RC_OK)
		rc = file_read(&text, buf_cstr(&path), &e);
	if (rc != RC_OK) {
		api_fail(c, rc, &e);
		return;
	}
	buf_reset(&path);
	/* the name is one of the log's own: no quote or line end in it that
	 * did not come from the server's settings */
	buf_addf(&path, "attachment; filename=\"%s\"", name);
	http_reply_header(c, "Content-Disposition", buf_cstr(&path));
	http_reply(c, 200, "application/octet-stream", buf_view(&text));
}

enum {
	WRITE = HTTP_TLS_ONLY | HTTP_SAME_ORIGIN
};
static const struct http_route items[] = {
	{ HTTP_GET, "audit", get_config, HTTP_ADMIN, HTTP_TLS_ONLY, 0 },
	{ HTTP_PATCH, "audit", patch_config, HTTP_ADMIN, WRITE, 0 },
	{ HTTP_POST, "audit", switch_log, HTTP_ADMIN, WRITE, 0 },
	{ HTTP_GET, "audit/files", list_files, HTTP_ADMIN, HTTP_TLS_ONLY, 0 },
	{ HTTP_GET, "audit/files/{name}", get_file, HTTP_ADMIN, HTTP_TLS_ONLY,
	    0 },
};
const struct api_routes api_audit_routes = { items,
	sizeof(items) / sizeof(items[0]) };
