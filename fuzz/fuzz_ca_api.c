/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ca_api.c - any bytes as what an agent, an administrator or a stranger
 * sends to the CA's REST handlers and servlets: a real CA in a scratch folder
 * (keystore, store, profiles), no sockets. The first byte chooses the path, the
 * second who asks; up to a newline comes the query, the rest is the body. After
 * a first byte of ANY that line is the request line (bit 1 of the second byte
 * switches nonces off): "GET /ca/x?y=z text/plain".
 * Owns:    one instance, one call, reused.
 * Trusts:  nothing of the input.
 * Threads: the instance's timer beside. */
#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "ca/api.h"
#include "deploy/install_ca.h"
#include "http/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct {
	const char *method, *path, *type;
} targets[] = {
	{ "POST", "/ca/v2/certrequests", "application/json" },
	{ "POST", "/ca/v2/certs/search", "application/json" },
	{ "GET", "/ca/v2/certs", "" },
	{ "GET", "/ca/v2/agent/certrequests", "" },
	{ "POST", "/ca/v2/agent/certs/0x1/revoke", "application/json" },
	{ "POST", "/ca/v2/profiles", "application/json" },
	{ "POST", "/ca/v2/profiles/raw", "text/plain" },
	{ "PUT", "/ca/v2/profiles/caUserCert/raw", "text/plain" },
	{ "POST", "/ca/v2/profiles/caUserCert", "" },
	{ "POST", "/ca/v2/admin/users", "application/json" },
	{ "POST", "/ca/v2/admin/groups", "application/json" },
	{ "POST", "/ca/v2/admin/users/caadmin/certs", "application/json" },
	{ "POST", "/ca/v2/admin/users/caadmin/memberships", "text/plain" },
	{ "POST", "/ca/ee/ca/profileSubmit",
	    "application/x-www-form-urlencoded" },
	{ "GET", "/ca/ee/ca/checkRequest", "" },
	{ "GET", "/ca/ee/ca/getCRL", "" },
	{ "POST", "/ca/agent/ca/profileProcess",
	    "application/x-www-form-urlencoded" },
	{ "POST", "/ca/agent/ca/doRevoke",
	    "application/x-www-form-urlencoded" },
	{ "GET", "/ca/agent/ca/listCerts", "" },
	{ "POST", "/ca/ocsp", "application/ocsp-request" },
	{ "PUT", "/ca/v2/securityDomain/hosts", "application/json" },
	{ "GET", "/ca/v2/securityDomain/installToken", "" },
	{ "POST", "/ca/v2/admin/kraconnector/add", "application/json" },
	{ "POST", "/ca/admin/ca/tokenAuthenticate",
	    "application/x-www-form-urlencoded" },
	{ "POST", "/ca/agent/ca/updateDomainXML",
	    "application/x-www-form-urlencoded" },
	{ "POST", "/ca/admin/ca/getConfigEntries",
	    "application/x-www-form-urlencoded" },
	{ "POST", "/ca/admin/ca/updateNumberRange",
	    "application/x-www-form-urlencoded" },
	{ "POST", "/ca/admin/ca/registerUser",
	    "application/x-www-form-urlencoded" },
};
enum {
	TARGETS = sizeof(targets) / sizeof(targets[0]),
	ANY = 0xf0,
	INPUT_MAX = 16384
};

static char dir[64];
static struct instance *instance;
static struct ca *ca;
static const struct http_server_params params;
static struct call_env env = { .params = &params, .tls_port = 8443 };
static struct routes *routes;
static struct call *call;
static struct principal *admin;

static void
clean_up(void)
{
	call_free(call);
	routes_free(routes);
	sessions_free(env.sessions);
	principal_free(admin);
	instance_stop(instance, 0);
	rc_ignore(file_remove_tree(dir, NULL)); /* a scratch folder */
}

static void
must(enum rc rc, const struct err *e)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "fuzz_ca_api: %s\n", e->text);
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
make_ca(void)
{
	static const char *const defines[] = { "pki_hostname=localhost",
		"pki_http_port=1", "pki_https_port=2",
		"pki_ca_signing_key_type=ecc", "pki_ocsp_signing_key_type=ecc",
		"pki_sslserver_key_type=ecc", "pki_subsystem_key_type=ecc",
		"pki_admin_key_type=ecc",
		/* a corpus can name what there is: serial numbers from 1 */
		"pki_cert_id_generator=legacy",
		"pki_request_id_generator=legacy" };
	struct spawn_params p = { .no_start = true };
	struct spawn_result r = { buf_empty(0) };
	struct instance_params ip = {
		.name = "pki-tomcat", .clock = &clock_system, .no_listen = true
	};
	AUTO(values) v = NULL;
	struct err e = { RC_OK, "" };

	must(values_new(&v, "CA", &e), &e);
	for (size_t i = 0; i < sizeof(defines) / sizeof(defines[0]); i++)
		must(values_define(v, defines[i], NULL, NULL, &e), &e);
	must(values_check(v, &e), &e);
	p.values = v;
	must(spawn_ca(&p, &r, &e), &e);
	buf_done(&r.summary);
	subsystem_register(&ca_class);
	must(instance_start(&instance, &ip, &e), &e);
	ca = instance_subsystem(instance, "ca")->self;
	must(auth_again(ca->store, &admin, "caadmin", AUTH_PASSWORD, &e), &e);
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
		if (routes_add(routes, &r, ca, NULL) != RC_OK)
			abort();
		free(pattern);
	}
}

static void
setup(void)
{
	static const struct api_routes *const v2[] = { &api_info_routes,
		&api_account_routes, &api_cert_routes, &api_request_routes,
		&api_review_routes, &api_profile_routes, &api_user_routes,
		&api_group_routes, &api_domain_routes, &api_connector_routes,
		&api_role_routes, &api_job_routes, &api_selftest_routes };
	static const struct api_routes *const whole[] = { &servlet_ocsp_routes,
		&servlet_crl_routes, &servlet_enroll_routes,
		&servlet_agent_routes, &servlet_cert_routes,
		&servlet_domain_routes, &servlet_config_routes,
		&servlet_connector_routes, &servlet_revoke_routes,
		&servlet_profile_routes, &servlet_info_routes };
	struct err e;

	snprintf(dir, sizeof(dir), "/tmp/signet-fuzz-XXXXXX");
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) != 0)
		abort();
	must(path_set_root(dir, &e), &e);
	make_share();
	make_ca();
	atexit(clean_up);
	routes = routes_new();
	env.sessions = sessions_new(&clock_system, 10, 0);
	if (routes == NULL || env.sessions == NULL)
		abort();
	for (size_t i = 0; i < sizeof(v2) / sizeof(v2[0]); i++)
		add_routes("/ca/v2/", v2[i]);
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		add_routes("", whole[i]);
	call = call_new(&env);
	if (call == NULL)
		abort();
}

/* The query may hold what a request line may: the rest becomes '+'. */
static void
add_query(struct buf *b, struct view q)
{
	for (size_t i = 0; i < q.len; i++) {
		bool plain =
		    q.data[i] > 0x20 && q.data[i] < 0x7f && q.data[i] != '#';
		buf_add_char(b, plain ? (char)q.data[i] : '+');
	}
}

/* "GET /ca/x?y=z text/plain" into the head; false when it is not that. */
static bool
add_any(struct buf *head, struct view line, size_t body)
{
	const uint8_t *a = memchr(line.data, ' ', line.len), *b;
	struct view method, target, type;

	if (a == NULL)
		return false;
	method = view_of(line.data, (size_t)(a - line.data));
	target = view_of(a + 1, line.len - method.len - 1);
	b = memchr(target.data, ' ', target.len);
	type = b != NULL
	    ? view_of(b + 1, target.len - (size_t)(b - target.data) - 1)
	    : view_of(a, 0);
	if (b != NULL)
		target.len = (size_t)(b - target.data);
	buf_add_view(head, method);
	buf_add_char(head, ' ');
	add_query(head, target);
	buf_add_str(head, " HTTP/1.1\r\nHost: localhost\r\nContent-Type: ");
	add_query(head, type);
	buf_addf(head, "\r\nContent-Length: %zu\r\n\r\n", body);
	return true;
}

static void
add_target(struct buf *head, size_t target, struct view query, size_t body)
{
	buf_addf(head, "%s %s?", targets[target].method, targets[target].path);
	add_query(head, query);
	buf_addf(head,
	    " HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    targets[target].type, body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_BUF head = buf_empty(0);
	AUTO_BUF out = buf_empty(0);
	struct view in, query, body;
	const uint8_t *nl;
	bool known;

	if (call == NULL)
		setup();
	if (len < 2 || len > INPUT_MAX)
		return 0;
	in = view_of(data + 2, len - 2);
	nl = memchr(in.data, '\n', in.len);
	query = view_of(in.data, nl != NULL ? (size_t)(nl - in.data) : 0);
	body = nl != NULL ? view_of(nl + 1, in.len - query.len - 1) : in;
	known = (data[1] & 1) != 0;
	ca->nonces = (data[1] & 2) == 0;
	if (data[0] != ANY)
		add_target(&head, data[0] % TARGETS, query, body.len);
	else if (!add_any(&head, query, body.len))
		return 0;
	call->c.peer = "192.0.2.1";
	call->c.tls = true;
	if (call_begin(call, routes, buf_view(&head)) == 0 &&
	    body.len <= call_body_max(call)) {
		call->c.body = body;
		/* a caller that is known has a session of its own */
		call->c.route_arg = ca;
		if (known)
			api_session(&call->c, admin);
		call_run(call);
		if (call->deferred != NULL)
			call_resume(call);
	}
	call_encode(call, &out, "date", true);
	if (call->c.status >= 500 && call->c.status != 503)
		abort(); /* no input is an internal error */
	call_reset(call);
	return 0;
}
