/* SPDX-License-Identifier: Apache-2.0 */
/* api_connector.c - admin/kraconnector and the installer's updateConnector (spec
 * ca 1.5, kra 2.7).
 * Owns:    nothing beyond a call.
 * Trusts:  nothing of a request.
 * Threads: workers. */
#include "ca/connector.h"
#include "ca/program.h"

#define RESOURCE "certServer.ca.connectorInfo"

/* Members of KRAConnectorInfo, which are also names below ca.connector.KRA. */
static const struct {
	const char *name;
	size_t at;
} members[] = {
	{ "host", offsetof(struct connector, host) },
	{ "port", offsetof(struct connector, port) },
	{ "transportCert", offsetof(struct connector, transport_cert) },
	{ "transportCertNickname",
	    offsetof(struct connector, transport_nickname) },
	{ "subsystemCert", offsetof(struct connector, subsystem_cert) },
	{ "uri", offsetof(struct connector, uri) },
	{ "timeout", offsetof(struct connector, timeout) },
	{ "local", offsetof(struct connector, local) },
	{ "enable", offsetof(struct connector, enable) },
};
enum {
	MEMBERS = sizeof(members) / sizeof(members[0])
};

static void
set_member(struct connector *x, size_t i, const char *value)
{
	*(const char **)(void *)((char *)x + members[i].at) = value;
}

/* A change under way: what `add`, `add_host` and `remove_host` do. */
static enum rc
add(void *arg, struct cfg *cs, struct err *e)
{
	return connector_add(cs, arg, e);
}

static enum rc
add_host(void *arg, struct cfg *cs, struct err *e)
{
	const struct connector *x = arg;

	return connector_add_host(cs, x->host, x->port, e);
}

static enum rc
remove_host(void *arg, struct cfg *cs, struct err *e)
{
	const struct connector *x = arg;

	return connector_remove_host(cs, x->host, x->port, e);
}

static void
reply(struct http_call *c, enum rc rc, const struct err *e)
{
	if (rc == RC_OK)
		http_reply(c, 204, NULL, view_of(NULL, 0));
	else
		api_fail(c, rc, e);
}

static void
get_connector(struct http_call *c)
{
	struct ca *ca = api_ca(c);
	AUTO(principal) p = NULL;
	AUTO_STR path = paths_cs_cfg(instance_paths(ca->instance), "ca");
	AUTO(cfg) cs = cfg_new();
	struct err e = { RC_OK, "" };
	enum rc rc = RC_NOMEM;
	json_t *o;

	if (!api_enter(c, RESOURCE, "modify", &p))
		return;
	if (path != NULL && cs != NULL)
		rc = cfg_load(cs, path, &e);
	if (rc != RC_OK) {
		api_fail(c, rc, &e);
		return;
	}
	if (!connector_exists(cs)) {
		api_error(c, 404,
		    "com.netscape.certsrv.system.ConnectorNotFoundException",
		    "No KRA connectors");
		return;
	}
	o = json_object();
	for (size_t i = 0; i < MEMBERS; i++) {
		const char *v =
		    cfg_getf(cs, CONNECTOR_PREFIX "%s", members[i].name);
		if (v != NULL)
			json_object_set_new(o, members[i].name, json_string(v));
	}
	api_json(c, 200, o);
}

static void
add_connector(struct http_call *c)
{
	AUTO(principal) p = NULL;
	json_auto_t *o = NULL;
	struct connector x = { .host = NULL };
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!api_enter(c, RESOURCE, "modify", &p))
		return;
	if ((rc = api_body(c, &o, &e)) == RC_OK) {
		for (size_t i = 0; i < MEMBERS; i++)
			set_member(&x, i, api_text(c, o, members[i].name));
		rc = ca_connector_change(
		    api_ca(c), ca_subject_id(p), "OP_ADD", add, &x, &e);
	}
	reply(c, rc, &e);
}

static void
change_host(struct http_call *c, const char *what,
    enum rc (*fn)(void *arg, struct cfg *cs, struct err *e))
{
	AUTO(principal) p = NULL;
	struct connector x = { .host = http_arg(c, "host"),
		.port = http_arg(c, "port") };
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!api_enter(c, RESOURCE, "modify", &p))
		return;
	rc = ca_connector_change(api_ca(c), ca_subject_id(p), what, fn, &x, &e);
	reply(c, rc, &e);
}

static void
add_connector_host(struct http_call *c)
{
	change_host(c, "OP_ADD", add_host);
}

static void
remove_connector_host(struct http_call *c)
{
	change_host(c, "OP_DELETE", remove_host);
}

enum {
	WRITE = HTTP_TLS_ONLY | HTTP_SAME_ORIGIN
};
static const struct http_route items[] = {
	{ HTTP_GET, "admin/kraconnector", get_connector, HTTP_ADMIN,
	    HTTP_TLS_ONLY, 0 },
	{ HTTP_POST, "admin/kraconnector", add_connector, HTTP_ADMIN, WRITE,
	    0 },
	{ HTTP_POST, "admin/kraconnector/add", add_connector, HTTP_ADMIN, WRITE,
	    0 },
	{ HTTP_POST, "admin/kraconnector/addHost", add_connector_host,
	    HTTP_ADMIN, WRITE, 0 },
	{ HTTP_POST, "admin/kraconnector/remove", remove_connector_host,
	    HTTP_ADMIN, WRITE, 0 },
};
const struct api_routes api_connector_routes = { items,
	sizeof(items) / sizeof(items[0]) };

/* --- for installers ------------------------------------------------------------------ */

/* A token that was drawn for a host adds that host only. */
static enum rc
check_bound(const struct domain_session *s, const char *host, struct err *e)
{
	if (s->host[0] != '\0' && host != NULL && !text_ieq(s->host, host))
		return err_set(e, RC_DENIED,
		    "the install token is for host %.100s, not %.100s", s->host,
		    host);
	return RC_OK;
}

static void
update_connector(struct http_call *c)
{
	static const struct program_words words = { "Error: Not authenticated",
		"Error: Not authorized",
		"Error: Encountered problem during authorization.", true };
	AUTO_CALLER caller = { .who = NULL };
	struct connector x = { .host = NULL };
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!program_enter(c, &caller, RESOURCE, "modify", false, &words))
		return;
	for (size_t i = 0; i < MEMBERS; i++)
		set_member(&x, i,
		    http_arg(c,
			arena_printf(
			    c->arena, CONNECTOR_PREFIX "%s", members[i].name)));
	if ((rc = check_bound(&caller.session, x.host, &e)) == RC_OK)
		rc = ca_connector_change(
		    api_ca(c), caller.who->uid, "OP_ADD", add, &x, &e);
	if (rc == RC_OK)
		program_json(c, json_pack("{s:s}", "Status", "0"));
	else
		program_fail_json(c, PROGRAM_FAILED, e.text);
}

static const struct http_route servlet_items[] = {
	{ HTTP_POST, "/ca/admin/ca/updateConnector", update_connector,
	    HTTP_ADMIN, WRITE, 0 },
};
const struct api_routes servlet_connector_routes = { servlet_items,
	sizeof(servlet_items) / sizeof(servlet_items[0]) };
