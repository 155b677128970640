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

#include "base/file.h"
#include "base/path.h"
#include "deploy/install.h"
#include "deploy/plans.h"
#include "deploy/service.h"
#include "instance/control.h"

enum {
	PASSWORD_LEN = 16,
	STOP_WAIT_MS = 10000,
	START_SECONDS_MAX = 3600
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
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		return err_set(e, RC_CONFLICT,
		    "%s: port %lld is in use by another program", name,
		    (long long)port);
	return RC_OK;
}

static enum rc
check(struct install *in, struct err *e)
{
	enum rc rc;

	if ((rc = values_supported(in->v, e)) != RC_OK ||
	    (rc = check_path(in, e)) != RC_OK ||
	    (rc = layout_folders_check(in->paths, &in->folders, e)) != RC_OK)
		return rc;
	if (layout_exists(in->paths, "ca"))
		return err_set(e, RC_EXISTS,
		    "PKI subsystem 'CA' for instance '%s' already exists!",
		    in->paths->name);
	if (file_exists(in->paths->lib))
		return err_set(e, RC_UNSUPPORTED,
		    "instance '%s' exists already; a second subsystem in one "
		    "instance is not supported by this version",
		    in->paths->name);
	if (strcmp(values_str(in->v, "pki_http_port"),
		values_str(in->v, "pki_https_port")) == 0)
		return err_set(e, RC_INVALID,
		    "pki_http_port and pki_https_port must differ");
	if ((rc = plans_check(in, e)) != RC_OK ||
	    (rc = install_ds_check(in, e)) != RC_OK ||
	    (values_bool(in->v, "pki_http_enable") &&
		(rc = check_port(in->v, "pki_http_port", e)) != RC_OK))
		return rc;
	return check_port(in->v, "pki_https_port", e);
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
	mode_t old;
	enum rc rc;

	in->had_client = file_exists(client);
	old = umask(0022);
	rc = file_mkdirs(client, 0755, e);
	umask(old);
	/* no file is made for what nobody will use */
	bool admin = values_bool(in->v, "pki_admin_setup");
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
open_parts(struct install *in, struct err *e)
{
	struct keystore_module hsm = { values_str(in->v, "pki_hsm_modulename"),
		values_str(in->v, "pki_hsm_libfile") };
	struct keystore_open_params k = { .dir = in->paths->alias,
		.create = true,
		.modules = &hsm,
		.n_modules = values_bool(in->v, "pki_hsm_enable") ? 1 : 0,
		.pin = give_pin,
		.pin_arg = in };
	enum rc rc;

	in->cs = cfg_new();
	if (in->cs == NULL)
		return err_set(e, RC_NOMEM, "installation");
	install_say(in, "Creating NSS database");
	if ((rc = keystore_open(&in->ks, &k, e)) != RC_OK)
		return rc;
	return install_store(in, e);
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

static enum rc
build(struct install *in, struct err *e)
{
	enum rc rc;

	install_say(in, "Creating instance %s", in->paths->name);
	if ((rc = layout_owner(&in->owner, in->v, e)) != RC_OK ||
	    (rc = layout_create(in->paths, "ca", &in->folders, e)) != RC_OK ||
	    (rc = make_passwords(in, e)) != RC_OK ||
	    (rc = open_parts(in, e)) != RC_OK ||
	    (rc = install_settings(in, e)) != RC_OK ||
	    (rc = save_settings(in, "0", e)) != RC_OK ||
	    (rc = install_certs(in, e)) != RC_OK ||
	    (rc = install_backup(in, e)) != RC_OK ||
	    (values_bool(in->v, "pki_admin_setup") &&
		(rc = install_admin(in, e)) != RC_OK))
		return rc;
	install_say(in, "Storing groups, users, access rules and profiles");
	if ((rc = install_records(in, e)) != RC_OK)
		return rc;
	/* closed before the daemon opens them */
	store_free(in->store);
	in->store = NULL;
	if ((rc = layout_register(in->paths, "ca", in->v, e)) != RC_OK ||
	    (rc = save_settings(in, "1", e)) != RC_OK)
		return rc;
	if ((rc = layout_give(in->paths, &in->owner, e)) != RC_OK)
		return rc;
	return layout_manifest(in->paths, "ca", &in->owner, e);
}

static void
summary(struct install *in, struct buf *b)
{
	static const char rule[] =
	    "    ======================================================="
	    "===================\n";
	const char *name = in->paths->name, *root = path_root();

	buf_addf(b, "\n%s%32sINSTALLATION SUMMARY\n%s\n", rule, "", rule);
	if (values_bool(in->v, "pki_admin_setup")) {
		buf_addf(b, "      Administrator's username:             %s\n",
		    values_str(in->v, "pki_admin_uid"));
		if (in->generated_admin)
			buf_addf(b,
			    "      Administrator's password file:\n"
			    "            %s/ca_admin.password\n",
			    values_str(in->v, "pki_client_dir"));
		/* one whose certificate was given has a file of its own */
		bool own = values_str(in->v, "pki_admin_cert_path")[0] == '\0';
		if (own)
			buf_addf(b,
			    "      Administrator's PKCS #12 file:\n"
			    "            %s\n",
			    values_str(in->v, "pki_client_admin_cert_p12"));
		if (own && in->generated_pkcs12)
			buf_addf(b,
			    "      Password of the PKCS #12 file in:\n"
			    "            %s/ca_admin_cert.p12.password\n",
			    values_str(in->v, "pki_client_dir"));
		buf_add_char(b, '\n');
	}
	if (values_bool(in->v, "pki_systemd_service_create") &&
	    root[0] == '\0') {
		buf_addf(b,
		    "      To check the status of the subsystem:\n"
		    "            systemctl status pki-tomcatd@%s.service\n\n"
		    "      To restart the subsystem:\n"
		    "            systemctl restart pki-tomcatd@%s.service\n\n",
		    name, name);
	} else {
		buf_addf(b,
		    "      To check the status of the subsystem:\n"
		    "            pki-server%s%s status %s\n\n"
		    "      To restart the subsystem:\n"
		    "            pki-server%s%s restart %s\n\n",
		    root[0] ? " --root " : "", root, name,
		    root[0] ? " --root " : "", root, name);
	}
	buf_addf(b,
	    "      The URL for the subsystem is:\n            "
	    "https://%s:%s/ca\n\n%s",
	    values_str(in->v, "pki_hostname"),
	    values_str(in->v, "pki_https_port"), rule);
}

/* Nothing half done is left behind, and nothing taken that was there before. */
static void
undo(struct install *in)
{
	bool last;

	store_free(in->store);
	in->store = NULL;
	keystore_free(in->ks);
	in->ks = NULL;
	/* the first error is the one to report */
	install_ds_undo(in);
	rc_ignore(service_stop(in->paths, STOP_WAIT_MS, NULL));
	rc_ignore(service_disable(in->paths, NULL));
	rc_ignore(layout_remove(
	    in->paths, "ca", !in->had_conf, !in->had_logs, &last, NULL));
	if (in->admin_password != NULL && !in->had_client)
		rc_ignore(file_remove_tree(
		    values_str(in->v, "pki_client_dir"), NULL));
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

enum rc
spawn_ca(const struct spawn_params *p, struct spawn_result *out, struct err *e)
{
	struct install in = { .v = p->values,
		.folders = p->folders,
		.say = p->say,
		.say_arg = p->arg };
	struct install *x = &in;
	enum rc rc;

	in.ca_der = in.subsystem_der = in.admin_der = buf_empty(0);
	rc = instance_paths_new(
	    &in.paths, values_str(p->values, "pki_instance_name"), e);
	if (rc == RC_OK)
		rc = check(x, e);
	if (rc != RC_OK || p->precheck) {
		install_done(x);
		return rc;
	}
	in.had_conf = there(in.paths->conf, p->folders.conf);
	in.had_logs = there(in.paths->logs, p->folders.logs);
	rc = build(x, e);
	if (rc == RC_OK && !p->no_start) {
		/* the database is the daemon's now */
		keystore_free(in.ks);
		in.ks = NULL;
		install_say(x, "Starting the server");
		rc = service_start(in.paths, start_wait_ms(), e);
	}
	if (rc == RC_OK && path_root()[0] == '\0' &&
	    values_bool(p->values, "pki_systemd_service_create"))
		rc = service_enable(in.paths, e);
	if (rc == RC_OK)
		summary(x, &out->summary);
	else
		undo(x);
	install_done(x);
	return rc;
}

enum rc
spawn_destroy(const struct destroy_params *p, struct err *e)
{
	AUTO(instance_paths) paths = NULL;
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
	rc = layout_remove(
	    paths, "ca", p->remove_conf, p->remove_logs, &last, e);
	if (rc != RC_OK)
		return rc;
	return last ? service_disable(paths, e)
		    : service_start(paths, SERVICE_WAIT_MS, e);
}
