/* SPDX-License-Identifier: Apache-2.0 */
/* install_ca.c - the steps of pkispawn and pkidestroy in their order (spec
 * deployment 2.5, 2.6).
 * Owns:    struct install for one run.
 * Trusts:  values that values_check has accepted.
 * Threads: one. */
#include "deploy/install_ca.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "auth/user.h"
#include "base/file.h"
#include "base/path.h"
#include "deploy/clone.h"
#include "deploy/install.h"
#include "deploy/join.h"
#include "deploy/leave.h"
#include "deploy/mark.h"
#include "deploy/plans.h"
#include "deploy/service.h"
#include "instance/control.h"

enum {
	PASSWORD_LEN = 16,
	STOP_WAIT_MS = 10000,
	START_SECONDS_MAX = 3600,
	ROOM_MIN = 256 * 1024 /* bytes: with less the disk counts as full */
};

void
install_say(struct install *in, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (in->say == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	in->say(in->say_arg, line);
}

static void
install_done(struct install *in)
{
	store_free(in->store);
	dbconf_free(in->db);
	key_free(in->ca_key);
	keystore_free(in->ks);
	cfg_free(in->cs);
	secret_free(in->pin);
	secret_free(in->admin_password);
	secret_free(in->pkcs12_password);
	buf_done(&in->ca_der);
	buf_done(&in->subsystem_der);
	buf_done(&in->admin_der);
	buf_done(&in->chain);
	buf_done(&in->notes);
	join_free(in->join);
	cfg_free(in->master);
	mark_free(in->mark);
	instance_paths_free(in->paths);
}

/* --- validation ----------------------------------------------------------- */

/* The place of an instance follows from its name. */
static enum rc
check_path(struct install *in, struct err *e)
{
	if (strcmp(values_str(in->v, "pki_instance_path"), in->paths->lib) != 0)
		return err_set(e, RC_UNSUPPORTED,
		    "pki_instance_path: only %s is possible; --root moves "
		    "everything",
		    in->paths->lib);
	return RC_OK;
}

static enum rc
check_port(struct values *v, const char *name, struct err *e)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	AUTO_FD fd = -1;
	int64_t port;
	int one = 1;
	enum rc rc;

	rc = text_int(&port, values_str(v, name), 1, 65535, e);
	if (rc != RC_OK)
		return err_prefix(e, "%s", name);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, "socket");
	a.sin_port = htons((uint16_t)port);
	a.sin_addr.s_addr = htonl(INADDR_ANY);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return RC_OK;
	if (errno == EACCES)
		return err_set(e, RC_DENIED,
		    "%s: port %lld is for root only: take one above 1023", name,
		    (long long)port);
	return err_set(e, RC_CONFLICT,
	    "%s: port %lld is in use by another program", name,
	    (long long)port);
}

/* "0" or "1" of cs.state; NULL when there is no such subsystem. */
static const char *
state_of(const struct instance_paths *p)
{
	AUTO(cfg) c = cfg_new();
	AUTO_STR path = paths_cs_cfg(p, "ca");

	if (!layout_exists(p, "ca") || c == NULL || path == NULL)
		return NULL;
	/* an unreadable file is of an installation that must not be touched */
	if (cfg_load(c, path, NULL) != RC_OK)
		return "1";
	return strcmp(cfg_str(c, "cs.state", "1"), "0") == 0 ? "0" : "1";
}

/* Is what is there in the way? An instance that was made but not configured
 * (step one, pki-server create) is gone on with; what an interrupted
 * installation left goes. */
static enum rc
check_there(struct install *in, struct err *e)
{
	static const char *const others[] = { "kra", "ocsp", "tks", "tps" };
	const char *state = state_of(in->paths);

	/* a run that was cut off behind its last step is gone on with */
	if (state != NULL && strcmp(state, "0") != 0 &&
	    !mark_peek(in->paths, "complete"))
		return err_set(e, RC_EXISTS,
		    "PKI subsystem 'CA' for instance '%s' already exists!",
		    in->paths->name);
	if (state == NULL && in->step_two)
		return err_set(e, RC_NOTFOUND,
		    "PKI subsystem 'CA' for instance '%s' does NOT exist! "
		    "Step one makes it",
		    in->paths->name);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (layout_exists(in->paths, others[i]))
			return err_set(e, RC_UNSUPPORTED,
			    "instance '%s' has another subsystem; a second one "
			    "in one instance is not supported by this version",
			    in->paths->name);
	return RC_OK;
}

static enum rc
check_kinds(struct install *in, struct err *e)
{
	static const char *const pairs[][4] = {
		{ "pki_clone", "pki_external", "cloned CAs", "external CAs" },
		{ "pki_clone", "pki_subordinate", "cloned CAs",
		    "subordinate CAs" },
		{ "pki_external", "pki_subordinate", "external CAs",
		    "subordinate CAs" },
		{ "pki_clone", "pki_standalone", "cloned CAs",
		    "stand-alone CAs" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (values_bool(in->v, pairs[i][0]) &&
		    values_bool(in->v, pairs[i][1]))
			return err_set(e, RC_INVALID,
			    "%s and %s MUST be MUTUALLY EXCLUSIVE in '%s'",
			    pairs[i][2], pairs[i][3], values_file(in->v));
	if (in->step_one && in->step_two)
		return err_set(e, RC_INVALID,
		    "installation step one and step two exclude each other");
	return RC_OK;
}

/* A short password is found before the keys are made. */
static enum rc
check_password(struct install *in, struct err *e)
{
	const char *given = values_str(in->v, "pki_admin_password");

	if (given[0] == '\0' || !values_bool(in->v, "pki_admin_setup"))
		return RC_OK;
	return user_check_password(view_str(given), e) == RC_OK
	    ? RC_OK
	    : err_prefix(e, "pki_admin_password");
}

static enum rc
check_ports(struct install *in, struct err *e)
{
	enum rc rc = RC_OK;

	if (strcmp(values_str(in->v, "pki_http_port"),
		values_str(in->v, "pki_https_port")) == 0)
		return err_set(e, RC_INVALID,
		    "pki_http_port and pki_https_port must differ");
	/* the server that an interrupted installation started has them */
	if (mark_peek(in->paths, "complete") && service_held(in->paths))
		return RC_OK;
	if (values_bool(in->v, "pki_http_enable"))
		rc = check_port(in->v, "pki_http_port", e);
	return rc == RC_OK ? check_port(in->v, "pki_https_port", e) : rc;
}

static enum rc
check(struct install *in, struct err *e)
{
	enum rc rc;

	if ((rc = check_kinds(in, e)) != RC_OK ||
	    (rc = values_supported(in->v, e)) != RC_OK ||
	    (rc = check_path(in, e)) != RC_OK ||
	    (rc = check_there(in, e)) != RC_OK ||
	    (rc = check_password(in, e)) != RC_OK ||
	    (rc = layout_folders_check(in->paths, &in->folders, e)) != RC_OK)
		return rc;
	if ((rc = plans_check(in, e)) != RC_OK ||
	    (in->clone && (rc = clone_check(in, e)) != RC_OK) ||
	    (in->subordinate && (rc = join_check(in, e)) != RC_OK) ||
	    (rc = install_numbers_check(in, e)) != RC_OK ||
	    (rc = install_ds_check(in, e)) != RC_OK)
		return rc;
	return check_ports(in, e);
}

/* --- passwords ------------------------------------------------------------- */

static enum rc
one_password(struct install *in, struct secret **out, const char *param,
    const char *file, bool *generated, struct err *e)
{
	const char *given = values_str(in->v, param);
	AUTO_BUF path = buf_empty(4096);
	AUTO_BUF line = buf_empty(256);
	enum rc rc;

	if (given[0] != '\0') {
		*out = secret_new(view_str(given));
		return *out != NULL ? RC_OK : err_set(e, RC_NOMEM, "passwords");
	}
	*out = secret_random(PASSWORD_LEN);
	if (*out == NULL)
		return err_set(e, RC_CRYPTO, "passwords");
	if (file == NULL)
		return RC_OK;
	*generated = true;
	buf_addf(&path, "%s/%s", values_str(in->v, "pki_client_dir"), file);
	buf_add_view(&line, secret_view(*out));
	buf_add_char(&line, '\n');
	rc = file_write(buf_cstr(&path), buf_view(&line), 0600, e);
	buf_wipe(&line);
	return rc;
}

/* password.conf: lines that an earlier installation left stay; its PIN opens
 * the database that it left. */
static enum rc
write_password_conf(struct install *in, struct err *e)
{
	AUTO(cfg) c = cfg_new();
	AUTO_BUF name = buf_empty(512);
	const char *kept;
	bool ignored = false;
	enum rc rc;

	if (c == NULL)
		return err_set(e, RC_NOMEM, "password.conf");
	if (file_exists(in->paths->password) &&
	    (rc = cfg_load(c, in->paths->password, e)) != RC_OK)
		return rc;
	kept = cfg_get(c, "internal");
	if (kept != NULL &&
	    values_str(in->v, "pki_server_database_password")[0] == '\0')
		in->pin = secret_new(view_str(kept));
	else if ((rc = one_password(in, &in->pin,
		      "pki_server_database_password", NULL, &ignored, e)) !=
	    RC_OK)
		return rc;
	if (in->pin == NULL)
		return err_set(e, RC_NOMEM, "password.conf");
	rc = cfg_set(c, "internal", secret_cstr(in->pin), e);
	if (rc == RC_OK && values_bool(in->v, "pki_hsm_enable")) {
		buf_addf(
		    &name, "hardware-%s", values_str(in->v, "pki_token_name"));
		rc = cfg_set(c, buf_cstr(&name),
		    values_str(in->v, "pki_token_password"), e);
	}
	if (rc != RC_OK || (rc = install_ds_passwords(in, c, e)) != RC_OK)
		return rc;
	return cfg_save(c, in->paths->password, 0660, e);
}

static enum rc
make_passwords(struct install *in, struct err *e)
{
	const char *client = values_str(in->v, "pki_client_dir");
	enum rc rc;

	rc = in->step_one ? RC_OK : file_mkdirs_open(client, e);
	/* no file is made for what nobody will use */
	bool admin = values_bool(in->v, "pki_admin_setup") && !in->step_one &&
	    !in->clone;
	bool p12 = admin && values_str(in->v, "pki_admin_cert_path")[0] == '\0';
	if (rc != RC_OK ||
	    (rc = one_password(in, &in->admin_password, "pki_admin_password",
		 admin ? "ca_admin.password" : NULL, &in->generated_admin,
		 e)) != RC_OK ||
	    (rc = one_password(in, &in->pkcs12_password,
		 "pki_client_pkcs12_password",
		 p12 ? "ca_admin_cert.p12.password" : NULL,
		 &in->generated_pkcs12, e)) != RC_OK)
		return rc;
	return write_password_conf(in, e);
}

/* --- the steps --------------------------------------------------------------- */

static struct secret *
give_pin(void *arg, const char *token)
{
	struct install *in = arg;

	if (strcmp(token, "internal") == 0)
		return secret_new(secret_view(in->pin));
	if (values_bool(in->v, "pki_hsm_enable") &&
	    strcmp(token, values_str(in->v, "pki_token_name")) == 0)
		return secret_new(
		    view_str(values_str(in->v, "pki_token_password")));
	return NULL;
}

static enum rc
open_keys(struct install *in, struct err *e)
{
	struct keystore_module hsm = { values_str(in->v, "pki_hsm_modulename"),
		values_str(in->v, "pki_hsm_libfile") };
	struct keystore_open_params k = { .dir = in->paths->alias,
		.create = true,
		.modules = &hsm,
		.n_modules = values_bool(in->v, "pki_hsm_enable") ? 1 : 0,
		.pin = give_pin,
		.pin_arg = in };

	if ((in->cs = cfg_new()) == NULL)
		return err_set(e, RC_NOMEM, "installation");
	install_say(in, "Creating NSS database");
	return keystore_open(&in->ks, &k, e);
}

static enum rc
save_settings(struct install *in, const char *state, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(in->paths, "ca");
	enum rc rc;

	if (path == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	if ((rc = cfg_set(in->cs, "cs.state", state, e)) != RC_OK)
		return rc;
	return cfg_save(in->cs, path, 0660, e);
}

/* The point of no return: from here on the instance is one. */
static enum rc
finish(struct install *in, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(in->paths, "ca");
	enum rc rc;

	if (path == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	if (in->cs == NULL) {
		/* goes on where an interrupted run was cut off */
		if ((in->cs = cfg_new()) == NULL)
			return err_set(e, RC_NOMEM, "CS.cfg");
		if ((rc = cfg_load(in->cs, path, e)) != RC_OK ||
		    (rc = layout_owner(&in->owner, in->v, e)) != RC_OK)
			return rc;
	}
	if ((rc = save_settings(in, "1", e)) != RC_OK || !in->owner.change)
		return rc;
	return file_chown_tree(path, in->owner.uid, in->owner.gid, e);
}

/* Step one ends here: what step two needs is there. */
static enum rc
build_part(struct install *in, struct err *e)
{
	enum rc rc;

	if ((in->external && (rc = install_requests(in, e)) != RC_OK) ||
	    (rc = cfg_set(in->cs, "preop.step", "one", e)) != RC_OK ||
	    (rc = layout_register(in->paths, "ca", in->v, e)) != RC_OK ||
	    (rc = save_settings(in, "0", e)) != RC_OK ||
	    (rc = layout_give(in->paths, &in->owner, e)) != RC_OK)
		return rc;
	return layout_manifest(in->paths, "ca", &in->owner, e);
}

/* The last steps of every kind. */
static enum rc
build_end(struct install *in, struct err *e)
{
	enum rc rc = install_numbers_finish(in, e);

	if (rc != RC_OK)
		return rc;
	/* closed before the daemon opens them */
	store_free(in->store);
	in->store = NULL;
	cfg_del_prefix(in->cs, "preop.");
	if ((rc = layout_register(in->paths, "ca", in->v, e)) != RC_OK ||
	    (rc = save_settings(in, "0", e)) != RC_OK ||
	    (rc = layout_give(in->paths, &in->owner, e)) != RC_OK ||
	    (rc = layout_manifest(in->paths, "ca", &in->owner, e)) != RC_OK ||
	    (rc = mark_set(in->mark, "complete", "1", e)) != RC_OK)
		return rc;
	return finish(in, e);
}

static enum rc
build_whole(struct install *in, struct err *e)
{
	enum rc rc;

	if ((rc = install_store(in, e)) != RC_OK ||
	    (rc = install_certs(in, e)) != RC_OK ||
	    (rc = install_backup(in, e)) != RC_OK ||
	    (values_bool(in->v, "pki_admin_setup") &&
		(rc = install_admin(in, e)) != RC_OK))
		return rc;
	install_say(in, "Storing groups, users, access rules and profiles");
	if ((rc = install_records(in, e)) != RC_OK)
		return rc;
	if (in->subordinate && in->join != NULL &&
	    !values_bool(in->v, "pki_subordinate_create_new_security_domain") &&
	    (rc = join_register(in, false, false, e)) != RC_OK)
		return rc;
	return build_end(in, e);
}

/* Everything that can be found wrong is found before the master is asked for
 * anything, and the domain learns of the clone last. */
static enum rc
build_clone(struct install *in, struct err *e)
{
	enum rc rc;

	if ((rc = clone_find_keys(in, e)) != RC_OK ||
	    (rc = clone_begin(in, e)) != RC_OK ||
	    (rc = clone_settings(in, e)) != RC_OK ||
	    (rc = save_settings(in, "0", e)) != RC_OK ||
	    (rc = install_store(in, e)) != RC_OK ||
	    (rc = install_certs(in, e)) != RC_OK ||
	    (rc = install_backup(in, e)) != RC_OK ||
	    (rc = install_records(in, e)) != RC_OK ||
	    (rc = clone_register(in, e)) != RC_OK)
		return rc;
	return build_end(in, e);
}

static enum rc
build_rest(struct install *in, struct err *e)
{
	enum rc rc = RC_OK;

	if (in->step_one)
		return build_part(in, e);
	if (in->clone)
		return build_clone(in, e);
	if (in->subordinate)
		rc = join_subordinate(in, e);
	return rc == RC_OK ? build_whole(in, e) : rc;
}

static enum rc
build(struct install *in, struct err *e)
{
	enum rc rc;

	install_say(in, "Creating instance %s", in->paths->name);
	if ((rc = layout_owner(&in->owner, in->v, e)) != RC_OK ||
	    (rc = layout_create(in->paths, "ca", &in->folders, e)) != RC_OK ||
	    (rc = make_passwords(in, e)) != RC_OK ||
	    (rc = open_keys(in, e)) != RC_OK ||
	    (rc = install_settings(in, e)) != RC_OK ||
	    (rc = install_conf_files(in, e)) != RC_OK ||
	    (rc = save_settings(in, "0", e)) != RC_OK ||
	    (rc = install_imports(in, e)) != RC_OK)
		return rc;
	return build_rest(in, e);
}

/* Removes what an installation has made so far, in this run or in one that was
 * interrupted, and nothing that was there before. */
static void
sweep(struct install *in)
{
	AUTO_STR db = paths_store(in->paths, "ca");
	AUTO_STR cs_cfg = paths_cs_cfg(in->paths, "ca");
	bool last;

	/* the first error is the one to report */
	rc_ignore(service_stop(in->paths, STOP_WAIT_MS, NULL));
	if (mark_get(in->mark, "had_sub") == NULL)
		rc_ignore(service_disable(in->paths, NULL));
	if (mark_get(in->mark, "had_sub") == NULL) {
		rc_ignore(layout_remove(in->paths, "ca",
		    mark_get(in->mark, "had_conf") == NULL,
		    mark_get(in->mark, "had_logs") == NULL, &last, NULL));
	} else if (db != NULL && cs_cfg != NULL) {
		rc_ignore(file_remove_tree(db, NULL));
		rc_ignore(mark_restore(in->mark, cs_cfg, NULL));
		/* what we wrote as root belongs to the instance */
		rc_ignore(layout_owner(&in->owner, in->v, NULL));
		rc_ignore(layout_give(in->paths, &in->owner, NULL));
	}
	if (mark_get(in->mark, "had_client") == NULL)
		rc_ignore(file_remove_tree(
		    values_str(in->v, "pki_client_dir"), NULL));
}

/* A clone's user in the directory that others serve from. */
static void
undo_user(struct install *in)
{
	AUTO_BUF uid = buf_empty(1024);

	if (!in->clone || !in->added_user || in->store == NULL)
		return;
	buf_addf(&uid, "CA-%s-%s", values_str(in->v, "pki_hostname"),
	    values_str(in->v, "pki_https_port"));
	/* the first error is the one to report */
	rc_ignore(user_delete(in->store, buf_cstr(&uid), NULL));
}

static void
undo(struct install *in)
{
	undo_user(in);
	store_free(in->store);
	in->store = NULL;
	keystore_free(in->ks);
	in->ks = NULL;
	join_undo(in);
	clone_replicate_undo(in);
	install_ds_undo(in);
	sweep(in);
	mark_shrink(in->mark);
}

/* PKISPAWN_STARTUP_TIMEOUT_SECONDS bounds the wait for the server. */
static int
start_wait_ms(void)
{
	const char *s = getenv("PKISPAWN_STARTUP_TIMEOUT_SECONDS");
	int64_t seconds;

	if (s == NULL ||
	    text_int(&seconds, s, 1, START_SECONDS_MAX, NULL) != RC_OK)
		return SERVICE_WAIT_MS;
	return (int)seconds * 1000;
}

/* Is the usual folder, or the one given in its place, there? */
static bool
there(const char *usual, const char *given)
{
	AUTO_STR real = given != NULL ? path_new("%s", given) : NULL;

	return file_exists(usual) || (real != NULL && file_exists(real));
}

/* Remembers what was there before; after an interruption what that
 * installation remembered counts. */
static enum rc
begin(struct install *in, struct err *e)
{
	AUTO_STR cs_cfg = paths_cs_cfg(in->paths, "ca");
	const struct {
		const char *name;
		bool there;
	} had[] = {
		{ "had_conf", there(in->paths->conf, in->folders.conf) },
		{ "had_logs", there(in->paths->logs, in->folders.logs) },
		{ "had_sub", layout_exists(in->paths, "ca") },
		{ "had_client",
		    file_exists(values_str(in->v, "pki_client_dir")) },
	};
	bool found;
	enum rc rc;

	if (cs_cfg == NULL)
		return err_set(e, RC_NOMEM, "installation");
	if ((rc = layout_parents(e)) != RC_OK)
		return rc;
	rc = mark_take(&in->mark, in->paths, cs_cfg, &found, e);
	if (rc == RC_OK && found && mark_get(in->mark, "complete") != NULL) {
		install_say(in, "Going on behind an interrupted installation");
		in->complete = true;
		return RC_OK;
	}
	if (rc == RC_OK && found) {
		install_say(
		    in, "Removing what an interrupted installation has left");
		sweep(in);
		/* a replica is not torn down under its agreements (389 DS dies
		 * of it): what replication has made is gone on with */
		return mark_get(in->mark, "replicating") != NULL
		    ? values_set(in->v, "pki_ds_remove_data", "False", e)
		    : RC_OK;
	}
	for (size_t i = 0; rc == RC_OK && i < sizeof(had) / sizeof(had[0]); i++)
		if (had[i].there)
			rc = mark_set(in->mark, had[i].name, "1", e);
	return rc;
}

static enum rc
start(struct install *in, struct err *e)
{
	enum rc rc;

	/* the database is the daemon's now */
	keystore_free(in->ks);
	in->ks = NULL;
	install_say(in, "Starting the server");
	rc = service_start(in->paths, start_wait_ms(), e);
	/* the one that an interrupted installation started may have come first */
	if (rc != RC_OK && in->complete &&
	    service_await(in->paths, start_wait_ms(), NULL) == RC_OK)
		return RC_OK;
	return rc;
}

/* Also started when the machine starts, on a machine with systemd. */
static enum rc
enable(struct install *in, struct err *e)
{
	return path_root()[0] == '\0' &&
		values_bool(in->v, "pki_systemd_service_create")
	    ? service_enable(in->paths, e)
	    : RC_OK;
}

/* Libraries that store keys and records do not say that there was no room. */
static void
tell_full_disk(const struct install *in, struct err *e)
{
	const char *const places[] = { in->paths->conf, in->paths->lib,
		in->paths->logs };
	struct statvfs fs;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (statvfs(places[i], &fs) != 0 ||
		    (uint64_t)fs.f_bavail * fs.f_frsize >= ROOM_MIN)
			continue;
		rc_ignore(err_prefix(e,
		    "the disk of %.128s is full, make room and try again",
		    places[i])); /* the rc stays */
		return;
	}
}

enum rc
spawn_ca(const struct spawn_params *p, struct spawn_result *out, struct err *e)
{
	struct install in = { .v = p->values,
		.folders = p->folders,
		.say = p->say,
		.say_arg = p->arg };
	struct install *x = &in;
	enum rc rc;

	in.ca_der = in.subsystem_der = in.admin_der = in.chain = buf_empty(0);
	in.notes = buf_empty(0);
	in.external = values_bool(in.v, "pki_external");
	in.clone = values_bool(in.v, "pki_clone");
	in.subordinate = values_bool(in.v, "pki_subordinate");
	in.step_two = p->skip_installation ||
	    values_bool(in.v, "pki_skip_installation") ||
	    (in.external && values_bool(in.v, "pki_external_step_two"));
	in.step_one = p->skip_configuration ||
	    values_bool(in.v, "pki_skip_configuration") ||
	    (in.external && !in.step_two);
	rc = instance_paths_new(
	    &in.paths, values_str(p->values, "pki_instance_name"), e);
	if (rc == RC_OK)
		rc = check(x, e);
	if (rc == RC_OK && !p->precheck)
		rc = begin(x, e);
	if (rc != RC_OK || p->precheck) {
		install_done(x);
		return rc;
	}
	rc = in.complete ? finish(x, e) : build(x, e);
	if (rc == RC_OK && !p->no_start && !in.step_one)
		rc = start(x, e);
	if (rc == RC_OK && !in.step_one)
		rc = enable(x, e);
	if (rc == RC_OK) {
		install_summary(x, &out->summary);
		mark_remove(in.mark);
	} else {
		tell_full_disk(x, e);
		undo(x);
	}
	install_done(x);
	return rc;
}

enum rc
spawn_destroy(const struct destroy_params *p, struct err *e)
{
	AUTO(instance_paths) paths = NULL;
	struct err left = { RC_OK, "" };
	bool last = false;
	enum rc rc;

	if (strcmp(p->subsystem, "CA") != 0)
		return err_set(
		    e, RC_INVALID, "No such subsystem: %.16s", p->subsystem);
	rc = instance_paths_new(&paths, p->instance, e);
	if (rc != RC_OK)
		return rc;
	if (!file_exists(paths->lib) && !file_exists(paths->conf))
		return err_set(
		    e, RC_NOTFOUND, "No such instance: %s", p->instance);
	if (!layout_exists(paths, "ca") && !p->force)
		return err_set(e, RC_NOTFOUND, "No CA subsystem in %s instance",
		    p->instance);
	rc = service_stop(paths, SERVICE_WAIT_MS, e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	/* a manager that is down keeps nobody from removing a subsystem */
	if (layout_exists(paths, "ca") &&
	    leave_domain(paths, "ca", &left) != RC_OK)
		fprintf(stderr,
		    "WARNING: %s; remove its entry with pki "
		    "securitydomain-host-del\n",
		    left.text);
	rc = layout_remove(
	    paths, "ca", p->remove_conf, p->remove_logs, &last, e);
	if (rc != RC_OK)
		return rc;
	return last ? service_disable(paths, e)
		    : service_start(paths, SERVICE_WAIT_MS, e);
}
