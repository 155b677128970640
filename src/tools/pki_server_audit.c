/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_audit.c - <sub>-audit-*: settings, events and files of the signed
 * audit log (spec deployment 7.4, ca 4.7).
 * Owns:    nothing.
 * Trusts:  the signer's certificate in the instance's token.
 * Threads: none. */
#include <dirent.h>
#include <errno.h>

#include "base/text.h"
#include "instance/audit.h"
#include "store/filter.h"
#include "tools/audit_chain.h"
#include "tools/pki_server_cmds.h"
#include "x509/cert.h"

enum {
	EVENTS_MAX = 256,
	FILES_MAX = 4096,
};
#define PREFIX "log.instance.SignedAudit."

/* Events that are not logged unless somebody enables them. */
static const char more_events[] =
    "AUDIT_LOG_DELETE,AUDIT_LOG_SHUTDOWN,CIMC_CERT_VERIFICATION,"
    "CLIENT_ACCESS_SESSION_ESTABLISH,CLIENT_ACCESS_SESSION_TERMINATED,"
    "CMC_ID_POP_LINK_WITNESS,CMC_PROOF_OF_IDENTIFICATION,"
    "CMC_REQUEST_RECEIVED,CMC_RESPONSE_SENT,CMC_SIGNED_REQUEST_SIG_VERIFY,"
    "CMC_USER_SIGNED_REQUEST_SIG_VERIFY,CONFIG_CERT_POLICY,CONFIG_DRM,"
    "CONFIG_ENCRYPTION,CONFIG_OCSP_PROFILE,CONFIG_SERIAL_NUMBER,"
    "CONFIG_TRUSTED_PUBLIC_KEY,CRL_RETRIEVAL,CRL_VALIDATION,"
    "DELTA_CRL_GENERATION,DELTA_CRL_PUBLISHING,FULL_CRL_PUBLISHING,"
    "INTER_BOUNDARY,KEY_GEN_ASYMMETRIC,LOG_PATH_CHANGE,"
    "NON_PROFILE_CERT_REQUEST,OCSP_ADD_CA_REQUEST,"
    "OCSP_ADD_CA_REQUEST_PROCESSED,OCSP_GENERATION,OCSP_REMOVE_CA_REQUEST,"
    "OCSP_REMOVE_CA_REQUEST_PROCESSED,RANDOM_GENERATION,"
    "SECURITY_DATA_ARCHIVAL_REQUEST,SECURITY_DATA_ARCHIVAL_REQUEST_PROCESSED,"
    "SERVER_SIDE_KEYGEN_REQUEST,SERVER_SIDE_KEYGEN_REQUEST_PROCESSED";

/* ---- settings ---- */

/* A setting of the log with its option and label; flags are shown as True and
 * False. */
static const struct {
	const char *label, *name, *option;
	bool flag;
	const char *def;
} settings[] = {
	{ "Enabled", "enable", "enabled", true, "true" },
	{ "Log File", "fileName", "logFile", false, NULL },
	{ "Buffer Size (bytes)", "bufferSize", "bufferSize", false, "512" },
	{ "Flush Interval (seconds)", "flushInterval", "flushInterval", false,
	    "5" },
	{ "Max File Size (bytes)", "maxFileSize", "maxFileSize", false,
	    "2000" },
	{ "Rollover Interval (seconds)", "rolloverInterval", "rolloverInterval",
	    false, "2592000" },
	{ "Expiration Time (seconds)", "expirationTime", "expirationTime",
	    false, "0" },
	{ "Log Signing", "logSigning", "logSigning", true, "false" },
	{ "Signing Certificate", "signedAuditCertNickname", "signingCert",
	    false, NULL },
};

static enum rc
log_folder(const struct server *s, struct buf *out, struct err *e)
{
	AUTO_STR logs = paths_logs(s->paths, s->sub);

	if (logs == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	buf_addf(out, "%s/signedAudit", logs);
	return buf_check(out, e);
}

/* Name of the present file in the folder. */
static void
log_name(const struct server *s, struct buf *out)
{
	if (strcmp(s->sub, "ca") == 0)
		buf_add_str(out, "ca_audit");
	else
		buf_addf(out, "%s_cert-%s_audit", s->sub, s->sub);
}

static enum rc
show(const struct server *s, const struct cfg *c, struct err *e)
{
	AUTO_BUF path = buf_empty(4096);
	enum rc rc;

	/* by the instance's own links, as users know it */
	buf_addf(&path, "%s/logs/%s/signedAudit/", s->paths->lib, s->sub);
	log_name(s, &path);
	if ((rc = buf_check(&path, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		const char *v = cfg_getf(c, PREFIX "%s", settings[i].name);

		if (v == NULL || *v == '\0')
			v = settings[i].def;
		if (v == NULL && strcmp(settings[i].name, "fileName") == 0)
			v = buf_cstr(&path);
		if (settings[i].flag)
			v = text_bool(v) ? "True" : "False";
		out_field(settings[i].label, v);
	}
	return RC_OK;
}

static enum rc
run_config_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_cs(s, &c, s->sub, e);

	(void)a;
	return rc == RC_OK ? show(s, c, e) : rc;
}

static enum rc
set_one(struct cfg *c, size_t i, const char *value, struct err *e)
{
	char name[128];
	int64_t n;

	snprintf(name, sizeof(name), PREFIX "%s", settings[i].name);
	if (settings[i].flag && !text_ieq(value, "true") &&
	    !text_ieq(value, "false"))
		return err_set(e, RC_USAGE, "Invalid value of --%s: %s",
		    settings[i].option, value);
	if (!settings[i].flag && settings[i].def != NULL &&
	    text_int(&n, value, 0, INT32_MAX, NULL) != RC_OK)
		return err_set(e, RC_USAGE, "Invalid value of --%s: %s",
		    settings[i].option, value);
	if (strpbrk(value, "\r\n") != NULL)
		return err_set(e, RC_USAGE, "Invalid parameter value");
	if (settings[i].flag)
		value = text_bool(value) ? "true" : "false";
	return cfg_set(c, name, value, e);
}

static enum rc
run_config_mod(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_cs(s, &c, s->sub, e);

	for (size_t i = 0;
	     rc == RC_OK && i < sizeof(settings) / sizeof(*settings); i++)
		if (args_has(a, settings[i].option))
			rc = set_one(c, i, args_get(a, settings[i].option), e);
	if (rc == RC_OK)
		rc = server_save_cs(s, s->sub, c, e);
	return rc == RC_OK ? show(s, c, e) : rc;
}

/* ---- events ---- */

/* A set of names in a copy of their text. */
struct names {
	char *text;
	char *name[EVENTS_MAX];
	size_t n;
};

static enum rc
names_init(struct names *x, const char *text, struct err *e)
{
	x->text = strdup(text);
	if (x->text == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	x->n = text_split(x->text, ",", x->name, EVENTS_MAX);
	if (x->n > EVENTS_MAX)
		return err_set(e, RC_TOOBIG, "too many audit events");
	return RC_OK;
}

static bool
names_has(const struct names *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->name[i], name) == 0)
			return true;
	return false;
}

/* Everything that is known of events: enabled ones, those enabled when nothing
 * is configured, and all of them in order. */
struct events {
	struct names enabled, shipped, more;
	const char *all[3 * EVENTS_MAX];
	size_t n;
	struct cfg *c;
};

static void
events_done(struct events *x)
{
	free(x->enabled.text);
	free(x->shipped.text);
	free(x->more.text);
	cfg_free(x->c);
}

static int
by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void
merge(struct events *x, const struct names *from)
{
	for (size_t i = 0; i < from->n; i++) {
		bool known = false;

		for (size_t k = 0; k < x->n; k++)
			known |= strcmp(x->all[k], from->name[i]) == 0;
		if (!known)
			x->all[x->n++] = from->name[i];
	}
}

static enum rc
events_init(struct server *s, struct events *x, struct err *e)
{
	enum rc rc;

	memset(x, 0, sizeof(*x));
	if ((rc = server_cs(s, &x->c, s->sub, e)) != RC_OK ||
	    (rc = names_init(&x->shipped, audit_default_events(), e)) !=
		RC_OK ||
	    (rc = names_init(&x->more, more_events, e)) != RC_OK ||
	    (rc = names_init(&x->enabled,
		 cfg_str(x->c, PREFIX "events", audit_default_events()), e)) !=
		RC_OK)
		return rc;
	merge(x, &x->enabled);
	merge(x, &x->shipped);
	merge(x, &x->more);
	qsort(x->all, x->n, sizeof(*x->all), by_text);
	return RC_OK;
}

static void
print_event(const struct events *x, const char *name)
{
	const char *f = cfg_getf(x->c, PREFIX "filters.%s", name);

	out_field("Event Name", name);
	out_field("Enabled", names_has(&x->enabled, name) ? "True" : "False");
	out_field("Filter", f != NULL && *f != '\0' ? f : "None");
}

/* Does the option, if given, say the same as what is? */
static bool
wanted(const struct args *a, const char *option, bool is)
{
	return !args_has(a, option) || text_bool(args_get(a, option)) == is;
}

static enum rc
run_event_find(struct server *s, const struct args *a, struct err *e)
{
	struct events *x = calloc(1, sizeof(*x));
	size_t n = 0;
	enum rc rc;

	if (x == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = events_init(s, x, e);
	for (size_t i = 0; rc == RC_OK && i < x->n; i++)
		if (wanted(a, "enabled", names_has(&x->enabled, x->all[i])) &&
		    wanted(a, "enabledByDefault",
			names_has(&x->shipped, x->all[i])))
			x->all[n++] = x->all[i];
	if (rc == RC_OK)
		out_framed("%zu entries matched", n);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		out_entry(i);
		print_event(x, x->all[i]);
	}
	events_done(x);
	free(x);
	return rc;
}

static bool
known(const struct events *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->all[i], name) == 0)
			return true;
	return false;
}

/* Writes the list of enabled events, with one more or one less. */
static enum rc
set_events(struct server *s, struct events *x, const char *name, bool on,
    struct err *e)
{
	AUTO_BUF list = buf_empty(0);
	enum rc rc;

	for (size_t i = 0; i < x->n; i++) {
		bool is = strcmp(x->all[i], name) == 0
		    ? on
		    : names_has(&x->enabled, x->all[i]);
		if (is)
			buf_addf(
			    &list, "%s%s", list.len > 0 ? "," : "", x->all[i]);
	}
	if ((rc = buf_check(&list, e)) != RC_OK ||
	    (rc = cfg_set(x->c, PREFIX "events", buf_cstr(&list), e)) != RC_OK)
		return rc;
	return server_save_cs(s, s->sub, x->c, e);
}

enum event_act {
	EVENT_SHOW,
	EVENT_ENABLE,
	EVENT_DISABLE,
	EVENT_UPDATE,
};

static enum rc
update_filter(
    struct server *s, struct events *x, const struct args *a, struct err *e)
{
	AUTO(filter) f = NULL;
	const char *text;
	char name[256];
	enum rc rc = args_need(a, "filter", "filter", &text, e);

	if (rc != RC_OK)
		return rc;
	snprintf(name, sizeof(name), PREFIX "filters.%s", args_at(a, 0));
	if (*text == '\0')
		cfg_del(x->c, name);
	else if ((rc = filter_parse(&f, text, e)) != RC_OK ||
	    (rc = cfg_set(x->c, name, text, e)) != RC_OK)
		return rc;
	return server_save_cs(s, s->sub, x->c, e);
}

static enum rc
act(struct server *s, struct events *x, const struct args *a,
    enum event_act what, struct err *e)
{
	const char *name = args_at(a, 0);
	bool on = what == EVENT_ENABLE;
	enum rc rc = events_init(s, x, e);

	if (rc != RC_OK)
		return rc;
	if (!known(x, name))
		return err_set(e, RC_NOTFOUND, "No such audit event: %s", name);
	switch (what) {
	case EVENT_SHOW:
		print_event(x, name);
		return RC_OK;
	case EVENT_UPDATE:
		if ((rc = update_filter(s, x, a, e)) == RC_OK)
			print_event(x, name);
		return rc;
	case EVENT_ENABLE:
	case EVENT_DISABLE:
		break;
	}
	if (names_has(&x->enabled, name) == on) {
		out_framed("Event \"%s\" is already %s", name,
		    on ? "enabled" : "disabled");
		return RC_OK;
	}
	if ((rc = set_events(s, x, name, on, e)) == RC_OK)
		out_framed(
		    "%s event \"%s\"", on ? "Enabled" : "Disabled", name);
	return rc;
}

static enum rc
event(
    struct server *s, const struct args *a, enum event_act what, struct err *e)
{
	struct events *x = calloc(1, sizeof(*x));
	enum rc rc;

	if (x == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = act(s, x, a, what, e);
	events_done(x);
	free(x);
	return rc;
}

static enum rc
run_event_show(struct server *s, const struct args *a, struct err *e)
{
	return event(s, a, EVENT_SHOW, e);
}

static enum rc
run_event_enable(struct server *s, const struct args *a, struct err *e)
{
	return event(s, a, EVENT_ENABLE, e);
}

static enum rc
run_event_disable(struct server *s, const struct args *a, struct err *e)
{
	return event(s, a, EVENT_DISABLE, e);
}

static enum rc
run_event_update(struct server *s, const struct args *a, struct err *e)
{
	return event(s, a, EVENT_UPDATE, e);
}

/* ---- files ---- */

struct files {
	char *name[FILES_MAX];
	size_t n;
};

static void
files_free(struct files *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n; i++)
		free(f->name[i]);
	free(f);
}
OWNED(files)

/* The files of the log, oldest first: NAME.<time>..., then NAME. */
static enum rc
list_files(struct server *s, const char *folder, struct files *f, struct err *e)
{
	AUTO_BUF name = buf_empty(256);
	DIR *d = opendir(folder);
	struct dirent *x;
	bool present = false;

	log_name(s, &name);
	if (d == NULL)
		return errno == ENOENT ? RC_OK : err_errno(e, "%s", folder);
	while (f->n < FILES_MAX - 1 && (x = readdir(d)) != NULL) {
		if (strcmp(x->d_name, buf_cstr(&name)) == 0)
			present = true;
		else if (text_starts(x->d_name, buf_cstr(&name)) &&
		    (f->name[f->n] = strdup(x->d_name)) != NULL)
			f->n++;
	}
	closedir(d);
	qsort(f->name, f->n, sizeof(*f->name), by_text);
	if (present && (f->name[f->n] = strdup(buf_cstr(&name))) != NULL)
		f->n++;
	return RC_OK;
}

static enum rc
run_file_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO(files) f = calloc(1, sizeof(*f));
	AUTO_BUF folder = buf_empty(4096);
	enum rc rc = log_folder(s, &folder, e);

	(void)a;
	if (f == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (rc != RC_OK ||
	    (rc = list_files(s, buf_cstr(&folder), f, e)) != RC_OK)
		return rc;
	out_framed("%zu entries matched", f->n);
	for (size_t i = 0; i < f->n; i++) {
		out_entry(i);
		out_field("File name", f->name[i]);
	}
	return RC_OK;
}

static enum rc
verify_file(struct audit_chain *chain, const char *folder, const char *name,
    struct err *e)
{
	AUTO_BUF path = buf_empty(4096);
	AUTO_FILE f = NULL;
	AUTO_STR line = NULL;
	size_t cap = 0, number = 0;
	enum audit_line what;
	ssize_t n;
	enum rc rc;

	buf_addf(&path, "%s/%s", folder, name);
	if ((f = fopen(buf_cstr(&path), "re")) == NULL)
		return err_errno(e, "%s", buf_cstr(&path));
	while ((n = getline(&line, &cap, f)) >= 0) {
		struct view v = view_of(line, (size_t)n);

		if (v.len > 0 && v.data[v.len - 1] == '\n')
			v.len--;
		number++;
		if ((rc = audit_chain_line(chain, v, &what, e)) != RC_OK)
			return rc;
		if (what == AUDIT_LINE_INVALID)
			printf("%s: line %zu: VERIFICATION FAILED\n", name,
			    number);
	}
	return ferror(f) ? err_errno(e, "%s", buf_cstr(&path)) : RC_OK;
}

static enum rc
load_signer(struct server *s, struct buf *der, struct cert *c, struct err *e)
{
	AUTO(cfg) cs = NULL;
	struct keystore *ks;
	const char *nick;
	enum rc rc = server_cs(s, &cs, s->sub, e);

	if (rc != RC_OK)
		return rc;
	nick = cfg_str(cs, PREFIX "signedAuditCertNickname", NULL);
	if (nick == NULL)
		return err_set(e, RC_NOTFOUND,
		    "the audit log is not signed: no " PREFIX
		    "signedAuditCertNickname");
	if ((rc = server_keystore(s, &ks, e)) != RC_OK ||
	    (rc = keystore_find_cert(ks, der, nick, e)) != RC_OK)
		return rc;
	return cert_parse(c, buf_view(der), e);
}

static enum rc
run_file_verify(struct server *s, const struct args *a, struct err *e)
{
	AUTO(files) f = calloc(1, sizeof(*f));
	AUTO_BUF folder = buf_empty(4096), der = buf_empty(CERT_DER_MAX);
	struct audit_chain chain;
	struct cert c;
	enum rc rc;

	(void)a;
	if (f == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = log_folder(s, &folder, e)) != RC_OK ||
	    (rc = list_files(s, buf_cstr(&folder), f, e)) != RC_OK ||
	    (rc = load_signer(s, &der, &c, e)) != RC_OK ||
	    (rc = audit_chain_init(&chain, c.spki, e)) != RC_OK)
		return rc;
	for (size_t i = 0; rc == RC_OK && i < f->n; i++)
		rc = verify_file(&chain, buf_cstr(&folder), f->name[i], e);
	audit_chain_done(&chain);
	if (rc != RC_OK)
		return rc;
	printf("Verification process complete.\n"
	       "Valid signatures: %zu\nInvalid signatures: %zu\n",
	    chain.valid, chain.invalid);
	return audit_chain_result(&chain, e);
}

static const struct opt config_opts[] = {
	SERVER_OPTS,
	OPT("enabled", "bool", "Write the log: True, False"),
	OPT("logFile", "file", "Path of the log"),
	OPT("bufferSize", "bytes", "Buffer size"),
	OPT("flushInterval", "seconds", "Flush interval"),
	OPT("maxFileSize", "size", "Largest file"),
	OPT("rolloverInterval", "seconds", "Rollover interval"),
	OPT("expirationTime", "seconds", "Age at which files are removed"),
	OPT("logSigning", "bool", "Sign the log: True, False"),
	OPT("signingCert", "nickname", "Certificate that signs the log"),
	OPT_END,
};
static const struct opt find_opts[] = {
	SERVER_OPTS,
	OPT("enabled", "bool", "Events that are enabled: True, False"),
	OPT("enabledByDefault", "bool",
	    "Events that are enabled by default: True, False"),
	OPT_END,
};
static const struct opt update_opts[] = {
	SERVER_OPTS,
	OPT_LETTER("filter", 'f', "filter",
	    "Filter, e.g. (Outcome=Failure); \"\" removes it"),
	OPT_END,
};

const struct server_cmd server_audit[] = {
	{ "audit-config-show", "", "Show the audit configuration", NULL, 0, 0,
	    run_config_show, NEED_SUBSYSTEM },
	{ "audit-config-mod", "", "Modify the audit configuration", config_opts,
	    0, 0, run_config_mod, NEED_SUBSYSTEM },
	{ "audit-event-find", "", "Find audit events", find_opts, 0, 0,
	    run_event_find, NEED_SUBSYSTEM },
	{ "audit-event-show", "<event name>", "Show an audit event", NULL, 1, 1,
	    run_event_show, NEED_SUBSYSTEM },
	{ "audit-event-enable", "<event name>", "Enable an audit event", NULL,
	    1, 1, run_event_enable, NEED_SUBSYSTEM },
	{ "audit-event-disable", "<event name>", "Disable an audit event", NULL,
	    1, 1, run_event_disable, NEED_SUBSYSTEM },
	{ "audit-event-update", "<event name>",
	    "Set the filter of an audit event", update_opts, 1, 1,
	    run_event_update, NEED_SUBSYSTEM },
	{ "audit-file-find", "", "Find audit log files", NULL, 0, 0,
	    run_file_find, NEED_SUBSYSTEM },
	{ "audit-file-verify", "", "Verify the signatures of the audit log",
	    NULL, 0, 0, run_file_verify, NEED_SUBSYSTEM },
	{ 0 },
};
