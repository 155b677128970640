/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_life.c - start, stop, status; instances and their subsystems (spec
 * deployment 7.2).
 * Owns:    nothing; a started daemon is left to itself.
 * Trusts:  the instance lock tells whether pkid runs.
 * Threads: none. */
#include "tools/pki_server_cmds.h"

#include <dirent.h>
#include <errno.h>

#include "base/file.h"
#include "base/path.h"
#include "base/text.h"
#include "deploy/service.h"
#include "instance/control.h"
#include "instance/highwater.h"
#include "tools/pki_server_ds.h"

enum {
	WAIT_DEFAULT_S = 60,
	WAIT_MAX_S = 86400,
	INSTANCES_MAX = 1024,
};

/* ---- start and stop ---- */

/* --max-wait, or --timeout, in milliseconds. */
static enum rc
wait_of(const struct args *a, int *ms, struct err *e)
{
	const char *text = args_str(a, "max-wait", args_get(a, "timeout"));
	int64_t s = WAIT_DEFAULT_S;

	if (text != NULL && text_int(&s, text, 1, WAIT_MAX_S, NULL) != RC_OK)
		return err_set(
		    e, RC_USAGE, "Invalid number of seconds: %s", text);
	*ms = (int)s * 1000;
	return RC_OK;
}

static enum rc
start(struct server *s, int ms, struct err *e)
{
	server_say(s, "Starting instance %s", s->name);
	return service_start(s->paths, ms, e);
}

/* RC_NOTFOUND when it does not run. */
static enum rc
stop(struct server *s, int ms, struct err *e)
{
	server_say(s, "Stopping instance %s", s->name);
	return service_stop(s->paths, ms, e);
}

static enum rc
run_start(struct server *s, const struct args *a, struct err *e)
{
	int ms;
	enum rc rc = wait_of(a, &ms, e);

	if (rc != RC_OK)
		return rc;
	if (service_pid(s->paths) != 0) {
		out_framed("Instance already started");
		return RC_OK;
	}
	return start(s, ms, e);
}

static enum rc
run_stop(struct server *s, const struct args *a, struct err *e)
{
	int ms;
	enum rc rc = wait_of(a, &ms, e);

	if (rc != RC_OK)
		return rc;
	if ((rc = stop(s, ms, e)) != RC_NOTFOUND)
		return rc;
	out_framed("Instance already stopped");
	return RC_OK;
}

static enum rc
restart(struct server *s, int ms, struct err *e)
{
	enum rc rc = stop(s, ms, e);

	return rc == RC_OK || rc == RC_NOTFOUND ? start(s, ms, e) : rc;
}

/* Also <sub>-redeploy: one process serves all subsystems, and starts in
 * milliseconds. */
static enum rc
run_restart(struct server *s, const struct args *a, struct err *e)
{
	int ms;
	enum rc rc = wait_of(a, &ms, e);

	return rc == RC_OK ? restart(s, ms, e) : rc;
}

enum rc
server_restart(struct server *s, struct err *e)
{
	return restart(s, WAIT_DEFAULT_S * 1000, e);
}

static enum rc
run_run(struct server *s, const struct args *a, struct err *e)
{
	static const char *const none[] = { "with-jdb", "with-gdb",
		"with-valgrind", "agentpath" };
	AUTO_STR program = service_program();

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		if (args_has(a, none[i]))
			return err_set(e, RC_UNSUPPORTED,
			    "--%s is not supported: start pkid under the "
			    "program you want",
			    none[i]);
	if (program == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	fflush(stdout);
	if (path_root()[0] != '\0')
		execl(program, "pkid", "--root", path_root(), s->name,
		    (char *)NULL);
	else
		execl(program, "pkid", s->name, (char *)NULL);
	return err_errno(e, "%s", program);
}

/* ---- status ---- */

static const char *
truth(bool x)
{
	return x ? "True" : "False";
}

/* What a block of status lines is made of. */
struct status {
	const struct cfg *cs;
	const char *host, *http, *https;
	const char *sub;
};

static void
url(const struct status *t, const char *label, bool tls, const char *rest)
{
	char left[64];

	if ((tls ? t->https : t->http) == NULL)
		return;
	snprintf(left, sizeof(left), "%s:", label);
	printf("    %-20s %s://%s:%s/%s%s\n", left, tls ? "https" : "http",
	    t->host, tls ? t->https : t->http, t->sub, rest);
}

static void
security_domain(const struct status *t)
{
	const char *name = cfg_get(t->cs, "securitydomain.name");
	const char *select = cfg_str(t->cs, "securitydomain.select", "new");

	if (name == NULL)
		return;
	printf("    SD Manager:          %s\n",
	    truth(strcmp(t->sub, "ca") == 0 && strcmp(select, "new") == 0));
	printf("    SD Name:             %s\n", name);
	printf("    SD Registration URL: https://%s:%s\n",
	    cfg_str(t->cs, "securitydomain.host", t->host),
	    cfg_str(t->cs, "securitydomain.httpsadminport",
		t->https != NULL ? t->https : "8443"));
}

static void
urls(const struct status *t)
{
	static const struct {
		const char *sub, *label;
		bool tls;
		const char *rest;
	} rows[] = {
		{ "ca", "Unsecure URL", false, "/ee/ca" },
		{ "ca", "Secure Agent URL", true, "/agent/ca" },
		{ "ca", "Secure EE URL", true, "/ee/ca" },
		{ "ca", "Secure Admin URL", true, "/services" },
		{ "ca", "PKI Console URL", true, "" },
		{ "kra", "Secure Agent URL", true, "/agent/kra" },
		{ "kra", "Secure Admin URL", true, "/services" },
		{ "kra", "PKI Console URL", true, "" },
		{ "ocsp", "Unsecure URL", false,
		    "/ee/ocsp/<ocsp request blob>" },
		{ "ocsp", "Secure Agent URL", true, "/agent/ocsp" },
		{ "ocsp", "Secure EE URL", true,
		    "/ee/ocsp/<ocsp request blob>" },
		{ "ocsp", "Secure Admin URL", true, "/services" },
		{ "ocsp", "PKI Console URL", true, "" },
		{ "tks", "Secure Agent URL", true, "/agent/tks" },
		{ "tks", "Secure Admin URL", true, "/services" },
		{ "tks", "PKI Console URL", true, "" },
		{ "tps", "Unsecure URL", false, "/tps" },
		{ "tps", "Unsecure PHONE HOME", false, "/phoneHome" },
		{ "tps", "Secure URL", true, "/tps" },
		{ "tps", "Secure PHONE HOME", true, "/phoneHome" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].sub, t->sub) == 0)
			url(t, rows[i].label, rows[i].tls, rows[i].rest);
}

static bool
enabled(const struct cfg *server, const char *sub)
{
	return text_bool(cfg_getf(server, "%s.enabled", sub) != NULL
		? cfg_getf(server, "%s.enabled", sub)
		: "true");
}

/* Who holds the roles, where the server runs and can say so. */
static void
roles(const struct server *s)
{
	AUTO_BUF out = buf_empty(64 * 1024);
	AUTO_JSON list = NULL;
	size_t i;
	json_t *o;

	if (service_pid(s->paths) == 0 ||
	    control_call(s->paths->control, "ca.role-list", NULL, &out, NULL) !=
		RC_OK)
		return;
	list = json_loadb((const char *)out.data, out.len, 0, NULL);
	json_array_foreach(json_object_get(list, "entries"), i, o)
	{
		const char *role = json_str(o, "role"),
			   *holder = json_str(o, "holder"),
			   *claim = json_str(o, "claim"),
			   *note = json_str(o, "note");

		if (role != NULL && text_starts(role, "crl."))
			printf(
			    "    CRLs made by:        %s (%s, %s, claim %s)\n",
			    holder != NULL ? holder : "nobody",
			    role + strlen("crl."), json_str(o, "state"),
			    claim != NULL ? claim : "none");
		if (note != NULL && note[0] != '\0')
			printf("    Role %s: %s\n", role, note);
	}
}

/* The directory of a subsystem, and whether it can tell what changed while the
 * server was down. */
static void
directory(struct server *s, const struct status *t)
{
	AUTO(dbconf) conf = NULL;
	AUTO(ds_admin) d = NULL;
	AUTO_BUF attr = buf_empty(0), usn = buf_empty(0);
	struct err e = { RC_OK, "" };

	if (!dbconf_is_directory(t->cs))
		return;
	s->sub = t->sub;
	s->type = server_type(t->sub);
	if (server_ds(s, &conf, &d, &e) == RC_OK) {
		buf_addf(&attr, "lastusn;%s", conf->database);
		rc_ignore(
		    ds_get(d, &usn, "", buf_cstr(&attr), &e)); /* told below */
	}
	if (e.rc != RC_OK)
		printf("    Directory:           %s\n", e.text);
	else if (usn.len > 0)
		printf("    Directory:           %s\n", conf->url);
	else
		printf(
		    "    Directory:           %s; its USN plug-in acts after "
		    "its next restart, until then each start reads all "
		    "records\n",
		    conf->url);
}

static enum rc
subsystem_status(
    struct server *s, const struct cfg *c, struct status *t, struct err *e)
{
	AUTO(cfg) cs = NULL;
	enum rc rc = server_cs(s, &cs, t->sub, e);

	if (rc != RC_OK)
		return rc;
	t->cs = cs;
	printf("\n  %s Subsystem:\n", server_type(t->sub));
	security_domain(t);
	printf("    Enabled:             %s\n", truth(enabled(c, t->sub)));
	if (enabled(c, t->sub))
		urls(t);
	directory(s, t);
	if (strcmp(t->sub, "ca") == 0)
		roles(s);
	return RC_OK;
}

/* What the host's own file says of a restored or copied instance; who may not
 * read it is not told. */
static void
print_restored(const struct server *s, const char *sub)
{
	AUTO(highwater) h = NULL;
	char why[ERR_TEXT_MAX];

	if (highwater_open(&h, s->paths, sub, NULL) == RC_OK &&
	    highwater_restored(h, why, sizeof(why)))
		out_field("Restored", why);
}

static enum rc
run_status(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	struct status t = { 0 };
	enum rc rc = server_cfg(s, &c, e);

	(void)a;
	if (rc != RC_OK)
		return rc;
	t.host = cfg_str(c, "host", "localhost");
	t.http = cfg_str(c, "http.port", "8080");
	t.https = cfg_str(c, "https.port", "8443");
	/* port 0: no such connector */
	t.http = strcmp(t.http, "0") == 0 ? NULL : t.http;
	t.https = strcmp(t.https, "0") == 0 ? NULL : t.https;
	out_field("Instance ID", s->name);
	out_field("Active", truth(service_pid(s->paths) != 0));
	out_field("Nuxwdog Enabled", truth(false));
	out_field("Unsecure Port", t.http);
	out_field("Secure Port", t.https);
	for (size_t i = 0; i < SERVER_SUBSYSTEMS; i++) {
		t.sub = server_subsystems[i];
		if (!server_has(s->paths, t.sub))
			continue;
		if ((rc = subsystem_status(s, c, &t, e)) != RC_OK)
			return rc;
		print_restored(s, t.sub);
	}
	return RC_OK;
}

/* ---- instances ---- */

static void
print_instance(const struct instance_paths *p)
{
	out_field("Instance ID", p->name);
	out_field("Active", truth(service_pid(p) != 0));
}

static int
by_name(const void *a, const void *b)
{
	const struct instance_paths *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Every instance below /etc/pki; RC_OK with none when there is no folder. */
static enum rc
list_instances(struct instance_paths **out, size_t *n, struct err *e)
{
	AUTO_STR path = path_new("/etc/pki");
	DIR *d = path != NULL ? opendir(path) : NULL;
	struct dirent *x;
	enum rc rc = RC_OK;

	*n = 0;
	if (d == NULL)
		return errno == ENOENT ? RC_OK : err_errno(e, "/etc/pki");
	while (*n < INSTANCES_MAX && (x = readdir(d)) != NULL) {
		struct instance_paths *p = NULL;

		/* a name that no instance can have is not one */
		if (instance_paths_new(&p, x->d_name, NULL) != RC_OK)
			continue;
		if (server_exists(p))
			out[(*n)++] = p;
		else
			instance_paths_free(p);
	}
	closedir(d);
	qsort(out, *n, sizeof(*out), by_name);
	return rc;
}

static enum rc
run_instance_find(struct server *s, const struct args *a, struct err *e)
{
	static struct instance_paths *all[INSTANCES_MAX];
	size_t n;
	enum rc rc = list_instances(all, &n, e);

	(void)s;
	(void)a;
	if (rc != RC_OK)
		return rc;
	out_framed("%zu entries matched", n);
	for (size_t i = 0; i < n; i++) {
		out_entry(i);
		print_instance(all[i]);
		instance_paths_free(all[i]);
	}
	return RC_OK;
}

static enum rc
run_instance_show(struct server *s, const struct args *a, struct err *e)
{
	(void)a;
	(void)e;
	print_instance(s->paths);
	return RC_OK;
}

static enum rc
run_instance_start(struct server *s, const struct args *a, struct err *e)
{
	int ms;
	enum rc rc = wait_of(a, &ms, e);

	if (rc != RC_OK)
		return rc;
	if (service_pid(s->paths) != 0) {
		out_framed("%s instance already started", s->name);
		return RC_OK;
	}
	if ((rc = start(s, ms, e)) == RC_OK)
		out_framed("%s instance started", s->name);
	return rc;
}

static enum rc
run_instance_stop(struct server *s, const struct args *a, struct err *e)
{
	int ms;
	enum rc rc = wait_of(a, &ms, e);

	if (rc != RC_OK)
		return rc;
	rc = stop(s, ms, e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	out_framed("%s instance %s", s->name,
	    rc == RC_OK ? "stopped" : "already stopped");
	return RC_OK;
}

static enum rc
run_migrate(struct server *s, const struct args *a, struct err *e)
{
	(void)a;
	(void)e;
	/* settings of older versions are read as they are */
	out_framed("Nothing to do for instance %s", s->name);
	return RC_OK;
}

/* ---- subsystems ---- */

static void
print_subsystem(struct server *s, const struct cfg *c, const char *sub)
{
	out_field("Subsystem ID", sub);
	out_field("Instance ID", s->name);
	out_field("Enabled", truth(enabled(c, sub)));
}

static enum rc
run_subsystem_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	size_t n = 0;
	enum rc rc = server_cfg(s, &c, e);

	(void)a;
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < SERVER_SUBSYSTEMS; i++)
		n += server_has(s->paths, server_subsystems[i]);
	out_framed("%zu entries matched", n);
	n = 0;
	for (size_t i = 0; i < SERVER_SUBSYSTEMS; i++) {
		if (!server_has(s->paths, server_subsystems[i]))
			continue;
		out_entry(n++);
		print_subsystem(s, c, server_subsystems[i]);
	}
	return RC_OK;
}

static enum rc
run_subsystem_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_use(s, args_at(a, 0), e);

	if (rc == RC_OK)
		rc = server_cfg(s, &c, e);
	if (rc == RC_OK)
		print_subsystem(s, c, s->sub);
	return rc;
}

/* Sets <sub>.enabled for the subsystem id, or for all there are (NULL). */
static enum rc
set_enabled(
    struct server *s, struct cfg *c, const char *id, bool on, struct err *e)
{
	for (size_t i = 0; i < SERVER_SUBSYSTEMS; i++) {
		const char *sub = server_subsystems[i];
		AUTO_BUF name = buf_empty(64);
		enum rc rc;

		if (id == NULL ? !server_has(s->paths, sub)
			       : strcmp(sub, id) != 0)
			continue;
		buf_addf(&name, "%s.enabled", sub);
		rc = cfg_set(c, buf_cstr(&name), on ? "true" : "false", e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* Changes server.cfg for one subsystem or all. */
static enum rc
switch_subsystems(
    struct server *s, const struct args *a, bool on, struct err *e)
{
	const char *word = on ? "Enabled" : "Disabled", *id = args_at(a, 0);
	bool all = args_has(a, "all"), silent = args_has(a, "silent");
	AUTO(cfg) c = NULL;
	AUTO_BUF text = buf_empty(0);
	enum rc rc;

	if (!all && id == NULL)
		return err_set(e, RC_USAGE, "Missing subsystem ID");
	if ((!all && (rc = server_use(s, id, e)) != RC_OK) ||
	    (rc = server_cfg(s, &c, e)) != RC_OK)
		return rc;
	if (!all && enabled(c, id) == on) {
		if (!silent)
			out_framed("Subsystem \"%s\" is already %s", id,
			    on ? "enabled" : "disabled");
		return RC_OK;
	}
	if ((rc = set_enabled(s, c, all ? NULL : id, on, e)) != RC_OK)
		return rc;
	cfg_encode(c, &text);
	if ((rc = buf_check(&text, e)) != RC_OK ||
	    (rc = server_write(
		 s, s->paths->server, buf_view(&text), 0660, e)) != RC_OK)
		return rc;
	if (!silent && all)
		out_framed("%s all subsystems", word);
	else if (!silent)
		out_framed("%s \"%s\" subsystem", word, id);
	return RC_OK;
}

static enum rc
run_subsystem_enable(struct server *s, const struct args *a, struct err *e)
{
	return switch_subsystems(s, a, true, e);
}

static enum rc
run_subsystem_disable(struct server *s, const struct args *a, struct err *e)
{
	return switch_subsystems(s, a, false, e);
}

/* ---- the tables ---- */

#define WAIT_OPTS                                                     \
	OPT_FLAG("wait", "Wait until it is done (always)"),           \
	    OPT("max-wait", "seconds", "Longest wait (default: 60)"), \
	    OPT("timeout", "seconds", "As --max-wait")

static const struct opt wait_opts[] = { SERVER_OPTS, WAIT_OPTS, OPT_END };
static const struct opt run_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("with-jdb", "Not supported"),
	OPT_FLAG("with-gdb", "Not supported"),
	OPT_FLAG("with-valgrind", "Not supported"),
	OPT("agentpath", "path", "Not supported"),
	OPT_FLAG("skip-upgrade", "Do not upgrade (nothing to do)"),
	OPT_FLAG("skip-migration", "Do not migrate (nothing to do)"),
	OPT_END,
};
#define NO_UPGRADE "settings of older versions are read as they are"
static const struct opt upgrade_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("status", "Show the status of the upgrade"),
	OPT_UNUSED("revert", 0, NULL, NO_UPGRADE),
	OPT_UNUSED("validate", 0, NULL, NO_UPGRADE),
	OPT_FLAG("silent", "Do not ask"),
	OPT_UNUSED("remove-tracker", 0, NULL, NO_UPGRADE),
	OPT_UNUSED("reset-tracker", 0, NULL, NO_UPGRADE),
	OPT_UNUSED("set-tracker", 0, "version", NO_UPGRADE),
	OPT_UNUSED("tomcat", 0, "version", "there is no servlet container"),
	OPT_UNUSED("X", 'X', NULL, NO_UPGRADE),
	OPT_END,
};
static const struct opt switch_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("all", "All subsystems of the instance"),
	OPT_FLAG("silent", "Print nothing"),
	OPT_END,
};

const struct server_cmd server_life[] = {
	{ "start", "[<instance ID>]", "Start an instance", wait_opts, 0, 1,
	    run_start, NEED_OPERAND },
	{ "stop", "[<instance ID>]", "Stop an instance", wait_opts, 0, 1,
	    run_stop, NEED_OPERAND },
	{ "restart", "[<instance ID>]", "Restart an instance", wait_opts, 0, 1,
	    run_restart, NEED_OPERAND },
	{ "run", "[<instance ID>]", "Run an instance in the foreground",
	    run_opts, 0, 1, run_run, NEED_OPERAND },
	{ "status", "[<instance ID>]", "Show the status of an instance", NULL,
	    0, 1, run_status, NEED_OPERAND },
	{ "migrate", "[<instance ID>]", "Migrate an instance", upgrade_opts, 0,
	    1, run_migrate, NEED_OPERAND },
	{ "upgrade", "[<instance ID>]", "Upgrade an instance", upgrade_opts, 0,
	    1, run_migrate, NEED_OPERAND },
	{ 0 },
};
const struct server_cmd server_instance[] = {
	{ "instance-find", "", "Find instances", NULL, 0, 0, run_instance_find,
	    NEED_NOTHING },
	{ "instance-show", "<instance ID>", "Show an instance", NULL, 1, 1,
	    run_instance_show, NEED_OPERAND },
	{ "instance-start", "<instance ID>", "Start an instance", wait_opts, 1,
	    1, run_instance_start, NEED_OPERAND },
	{ "instance-stop", "<instance ID>", "Stop an instance", wait_opts, 1, 1,
	    run_instance_stop, NEED_OPERAND },
	{ "instance-migrate", "<instance ID>", "Migrate an instance",
	    upgrade_opts, 1, 1, run_migrate, NEED_OPERAND },
	{ 0 },
};
const struct server_cmd server_subsystem[] = {
	{ "subsystem-find", "", "Find subsystems", NULL, 0, 0,
	    run_subsystem_find, NEED_INSTANCE },
	{ "subsystem-show", "<subsystem ID>", "Show a subsystem", NULL, 1, 1,
	    run_subsystem_show, NEED_INSTANCE },
	{ "subsystem-enable", "[<subsystem ID>]", "Enable a subsystem",
	    switch_opts, 0, 1, run_subsystem_enable, NEED_INSTANCE },
	{ "subsystem-disable", "[<subsystem ID>]", "Disable a subsystem",
	    switch_opts, 0, 1, run_subsystem_disable, NEED_INSTANCE },
	{ 0 },
};
const struct server_cmd server_deploy[] = {
	{ "redeploy", "", "Restart the server with this subsystem", wait_opts,
	    0, 1, run_restart, NEED_SUBSYSTEM },
	{ 0 },
};
