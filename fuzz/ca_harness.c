/* SPDX-License-Identifier: Apache-2.0 */
/* ca_harness.c - a real CA for fuzz targets.
 * Owns:    one instance, one call, reused.
 * Trusts:  nothing of an input.
 * Threads: the instance's timer beside. */
#include "ca_harness.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/user.h"
#include "base/file.h"
#include "base/path.h"
#include "deploy/install_ca.h"
#include "keys/keystore.h"

static char dir[64];
static struct instance *instance;
static const struct http_server_params params;
static struct call_env env = { .params = &params, .tls_port = 8443 };
static struct routes *routes;
static struct harness h;

static void
clean_up(void)
{
	call_free(h.call);
	routes_free(routes);
	sessions_free(env.sessions);
	principal_free(h.admin);
	buf_done(&h.admin_cert);
	buf_done(&h.subsystem_cert);
	instance_stop(instance, 0);
	rc_ignore(file_remove_tree(dir, NULL)); /* a scratch folder */
}

static void
must(enum rc rc, const struct err *e)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "CA for fuzzing: %s\n", e->text);
	abort();
}

static void
link_data(const char *from, const char *to)
{
	if (symlink(from, to) != 0)
		abort();
}

/* share/ca/conf: the files of data/profiles/conf and registry.cfg. */
static void
link_conf(void)
{
	DIR *conf = opendir(SOURCE "/data/profiles/conf");
	char from[512], to[512];
	struct err e;

	snprintf(to, sizeof(to), "%s/share/ca/conf", dir);
	must(file_mkdirs(to, 0755, &e), &e);
	snprintf(to, sizeof(to), "%s/share/ca/conf/registry.cfg", dir);
	link_data(SOURCE "/data/profiles/registry.cfg", to);
	if (conf == NULL)
		abort();
	for (struct dirent *d; (d = readdir(conf)) != NULL;) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(from, sizeof(from), SOURCE "/data/profiles/conf/%s",
		    d->d_name);
		snprintf(to, sizeof(to), "%s/share/ca/conf/%s", dir, d->d_name);
		link_data(from, to);
	}
	closedir(conf);
}

/* Installed data as the source tree has it. */
static void
make_share(void)
{
	struct err e;
	char path[128], to[160];

	snprintf(path, sizeof(path), "%s/share/ca/profiles", dir);
	must(file_mkdirs(path, 0755, &e), &e);
	snprintf(to, sizeof(to), "%s/ca", path);
	link_data(SOURCE "/data/profiles/ca", to);
	link_conf();
	snprintf(path, sizeof(path), "%s/share", dir);
	setenv("PKI_SHARE", path, 1);
}

static void
spawn(void)
{
	static const char *const defines[] = { "pki_hostname=localhost",
		"pki_http_port=1", "pki_https_port=2",
		"pki_ca_signing_key_type=ecc", "pki_ocsp_signing_key_type=ecc",
		"pki_sslserver_key_type=ecc", "pki_subsystem_key_type=ecc",
		"pki_admin_key_type=ecc",
		("pki_admin_password=" HARNESS_PASSWORD),
		/* a corpus can name what there is: serial numbers from 1 */
		"pki_cert_id_generator=legacy",
		"pki_request_id_generator=legacy" };
	struct spawn_params p = { .no_start = true };
	struct spawn_result r = { buf_empty(0) };
	AUTO(values) v = NULL;
	struct err e = { RC_OK, "" };

	must(values_new(&v, "CA", &e), &e);
	for (size_t i = 0; i < sizeof(defines) / sizeof(defines[0]); i++)
		must(values_define(v, defines[i], NULL, NULL, &e), &e);
	must(values_check(v, &e), &e);
	p.values = v;
	must(spawn_ca(&p, &r, &e), &e);
	buf_done(&r.summary);
}

/* Lines added to a file of settings. */
static void
add_settings(const char *path, const char *const *lines)
{
	AUTO(cfg) c = cfg_new();
	struct err e = { RC_OK, "" };

	if (path == NULL || c == NULL)
		abort();
	must(cfg_load(c, path, &e), &e);
	for (; *lines != NULL; lines++)
		must(cfg_parse(c, view_str(*lines), "settings", &e), &e);
	must(cfg_save(c, path, 0600, &e), &e);
}

static void
configure(const char *const *settings)
{
	static const char *const passwords[] = { "internaldb=Fuzz.Store-1",
		"replicationdb=Fuzz.Repl-1", NULL };
	AUTO(instance_paths) paths = NULL;
	struct err e = { RC_OK, "" };

	must(instance_paths_new(&paths, "pki-tomcat", &e), &e);
	AUTO_STR cs = paths_cs_cfg(paths, "ca");
	if (settings != NULL)
		add_settings(cs, settings);
	add_settings(paths->password, passwords);
}

static void
start(void)
{
	struct instance_params p = {
		.name = "pki-tomcat", .clock = &clock_system, .no_listen = true
	};
	AUTO(rec) r = NULL;
	const char *nickname;
	struct err e = { RC_OK, "" };

	subsystem_register(&ca_class);
	must(instance_start(&instance, &p, &e), &e);
	h.ca = instance_subsystem(instance, "ca")->self;
	must(auth_again(h.ca->store, &h.admin, "caadmin", AUTH_PASSWORD, &e),
	    &e);
	must(store_get(h.ca->store, &r, REC_USER, "caadmin", &e), &e);
	h.admin_cert = buf_empty(0);
	buf_add_view(&h.admin_cert, rec_get(r, "userCertificate"));
	h.subsystem_cert = buf_empty(0);
	nickname = cfg_str(h.ca->cfg, "ca.cert.subsystem.nickname", "");
	must(keystore_find_cert(
		 instance_keystore(instance), &h.subsystem_cert, nickname, &e),
	    &e);
}

static void
add_routes(const char *base, const struct api_routes *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct http_route r = t->items[i];
		char *pattern = NULL;
		if (asprintf(&pattern, "%s%s", base, r.pattern) < 0)
			abort();
		r.pattern = pattern;
		/* one process, one table: the pattern lives as long */
		if (routes_add(routes, &r, h.ca, NULL) != RC_OK)
			abort();
		free(pattern);
	}
}

static void
make_routes(void)
{
	static const struct api_routes *const v2[] = { &api_info_routes,
		&api_account_routes, &api_cert_routes, &api_request_routes,
		&api_review_routes, &api_profile_routes, &api_user_routes,
		&api_group_routes, &api_domain_routes, &api_connector_routes,
		&api_role_routes, &api_job_routes, &api_selftest_routes,
		&api_audit_routes, &api_clone_routes };
	static const struct api_routes *const whole[] = { &servlet_ocsp_routes,
		&servlet_crl_routes, &servlet_enroll_routes,
		&servlet_agent_routes, &servlet_cert_routes,
		&servlet_domain_routes, &servlet_config_routes,
		&servlet_connector_routes, &servlet_revoke_routes,
		&servlet_profile_routes, &servlet_info_routes };

	routes = routes_new();
	env.sessions = sessions_new(&clock_system, 10, 0);
	if (routes == NULL || env.sessions == NULL)
		abort();
	for (size_t i = 0; i < sizeof(v2) / sizeof(v2[0]); i++)
		add_routes("/ca/v2/", v2[i]);
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		add_routes("", whole[i]);
}

struct harness *
harness_start(const char *const *settings)
{
	struct err e;

	snprintf(dir, sizeof(dir), "/tmp/signet-fuzz-XXXXXX");
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) != 0)
		abort();
	must(path_set_root(dir, &e), &e);
	make_share();
	spawn();
	configure(settings);
	start();
	atexit(clean_up);
	make_routes();
	h.call = call_new(&env);
	if (h.call == NULL)
		abort();
	return &h;
}

static bool
admin_is_whole(void)
{
	AUTO(principal) now = NULL;

	if (auth_again(h.ca->store, &now, h.admin->uid, AUTH_PASSWORD, NULL) !=
	    RC_OK)
		return false;
	for (char **g = h.admin->groups; *g != NULL; g++)
		if (!principal_in(now, *g))
			return false;
	return true;
}

void
harness_restore(struct harness *x)
{
	const char *uid = x->admin->uid;
	AUTO(secret) password = secret_new(view_str(HARNESS_PASSWORD));
	const struct user u = {
		.uid = uid, .full_name = uid, .state = "1", .password = password
	};
	struct store *s = x->ca->store;

	if (admin_is_whole())
		return;
	/* each of these may be there already */
	rc_ignore(user_add(s, &u, NULL));
	rc_ignore(user_modify(s, &u, NULL));
	rc_ignore(user_add_cert(s, uid, buf_view(&x->admin_cert), NULL));
	for (char **g = x->admin->groups; *g != NULL; g++) {
		rc_ignore(group_add(s, *g, "", NULL)); /* likewise */
		rc_ignore(group_add_member(s, *g, uid, NULL));
	}
}

struct view
harness_call(struct harness *x, struct view request, struct view body,
    const struct harness_caller *who, struct buf *head)
{
	struct call *k = x->call;
	struct view reply;

	k->c.peer = "192.0.2.1";
	k->c.tls = !who->plain;
	k->c.peer_cert = who->peer_cert;
	k->c.peer_cert_error = who->peer_error;
	if (call_begin(k, routes, request) == 0 &&
	    body.len <= call_body_max(k)) {
		k->c.body = body;
		k->c.route_arg = x->ca;
		if (who->session)
			api_session(&k->c, x->admin);
		call_run(k);
		if (k->deferred != NULL)
			call_resume(k);
	}
	reply = call_encode(k, head, "date", true);
	/* 501 is an unknown method */
	if (k->c.status >= 500 && k->c.status != 501 && k->c.status != 503) {
		fprintf(stderr, "%.*s\n%s%.*s\n", VIEW_ARGS(request),
		    buf_cstr(head), VIEW_ARGS(reply));
		abort(); /* no input is an internal error */
	}
	return reply;
}

void
harness_end(struct harness *x)
{
	call_reset(x->call);
}
