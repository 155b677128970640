/* SPDX-License-Identifier: Apache-2.0 */
/* api_domain.c - securityDomain/...: members, domain information, install
 * tokens (spec ca 1.5, deployment 8.2).
 * Owns:    nothing.
 * Trusts:  nothing of a request.
 * Threads: workers. */
#include "ca/api.h"

#define RESOURCE "certServer.securitydomain.domainxml"

/* Caller, ACL, and that the domain is here; has replied when it returns
 * false. */
static bool
enter(struct http_call *c, const char *op, struct principal **who)
{
	struct err e = { RC_OK, "" };
	enum rc rc = ca_domain_check(api_ca(c), &e);

	if (rc != RC_OK) {
		api_fail(c, rc, &e);
		return false;
	}
	return api_enter(c, RESOURCE, op, who);
}

static json_t *
port_text(int port)
{
	return port > 0 ? json_sprintf("%d", port) : NULL;
}

static json_t *
host_json(const struct domain_host *h)
{
	AUTO_BUF id = buf_empty(0);

	domain_host_id(&id, h);
	return json_pack("{s:s,s:s,s:o*,s:o*,s:o*,s:o*,s:o*,s:s,s:s,s:s}", "id",
	    buf_cstr(&id), "Hostname", h->name, "Port", port_text(h->plain),
	    "SecurePort", port_text(h->secure), "SecureEEClientAuthPort",
	    port_text(h->client_auth), "SecureAgentPort", port_text(h->agent),
	    "SecureAdminPort", port_text(h->admin), "Clone",
	    h->clone ? "TRUE" : "FALSE", "SubsystemName",
	    h->label[0] != '\0' ? h->label : buf_cstr(&id), "DomainManager",
	    h->manager ? "TRUE" : "FALSE");
}

static bool
add_host(void *list, const struct domain_host *h)
{
	json_array_append_new(list, host_json(h));
	return true;
}

static void
list_hosts(struct http_call *c)
{
	AUTO(principal) p = NULL;
	json_t *list = json_array();
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!enter(c, "read", &p)) {
		json_decref(list);
		return;
	}
	rc = domain_host_each(api_ca(c)->store, add_host, list, &e);
	if (rc == RC_OK) {
		api_json(c, 200, list);
		return;
	}
	json_decref(list);
	api_fail(c, rc, &e);
}

static void
get_host(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct domain_host h;
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!enter(c, "read", &p))
		return;
	if ((rc = domain_host_parse(&h, http_param(c, "id"), &e)) == RC_OK &&
	    (rc = domain_host_get(api_ca(c)->store, &h, &e)) == RC_OK)
		api_json(c, 200, host_json(&h));
	else
		api_fail(c, rc, &e);
}

static enum rc
read_port(struct http_call *c, const json_t *o, const char *name, int *out,
    struct err *e)
{
	const char *s = api_text(c, o, name);
	int64_t v;
	enum rc rc;

	if (s == NULL || s[0] == '\0')
		return RC_OK;
	if ((rc = text_int(&v, s, 1, 65535, e)) != RC_OK)
		return err_prefix(e, "%s", name);
	*out = (int)v;
	return RC_OK;
}

/* The id says type, host and port; the members may add to it. */
static enum rc
read_host(struct http_call *c, struct domain_host *out, const json_t *o,
    struct err *e)
{
	const char *clone = api_text(c, o, "Clone"),
		   *manager = api_text(c, o, "DomainManager"),
		   *label = api_text(c, o, "SubsystemName");
	struct domain_host h;
	enum rc rc;

	if ((rc = domain_host_parse(&h, api_text(c, o, "id"), e)) != RC_OK ||
	    (rc = read_port(c, o, "Port", &h.plain, e)) != RC_OK ||
	    (rc = read_port(c, o, "SecureAgentPort", &h.agent, e)) != RC_OK ||
	    (rc = read_port(c, o, "SecureAdminPort", &h.admin, e)) != RC_OK ||
	    (rc = read_port(
		 c, o, "SecureEEClientAuthPort", &h.client_auth, e)) != RC_OK)
		return rc;
	if (label != NULL && strlen(label) >= sizeof(h.label))
		return err_set(e, RC_INVALID, "SubsystemName: too long");
	snprintf(h.label, sizeof(h.label), "%s", label != NULL ? label : "");
	h.clone = clone != NULL && text_bool(clone);
	h.manager = manager != NULL && text_bool(manager);
	*out = h;
	return RC_OK;
}

static void
put_host(struct http_call *c)
{
	AUTO(principal) p = NULL;
	json_auto_t *o = NULL;
	struct domain_host h;
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!enter(c, "modify", &p))
		return;
	if ((rc = api_body(c, &o, &e)) == RC_OK &&
	    (rc = read_host(c, &h, o, &e)) == RC_OK &&
	    (rc = ca_domain_put(api_ca(c), &h, ca_subject_id(p), &e)) == RC_OK)
		http_reply(c, 204, NULL, view_of(NULL, 0));
	else
		api_fail(c, rc, &e);
}

static void
delete_host(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct domain_host h;
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!enter(c, "modify", &p))
		return;
	if ((rc = domain_host_parse(&h, http_param(c, "id"), &e)) == RC_OK &&
	    (rc = ca_domain_remove(api_ca(c), &h, ca_subject_id(p), &e)) ==
		RC_OK)
		http_reply(c, 204, NULL, view_of(NULL, 0));
	else
		api_fail(c, rc, &e);
}

/* --- the domain ------------------------------------------------------------------- */

static bool
add_to_subsystem(void *subsystems, const struct domain_host *h)
{
	AUTO_BUF id = buf_empty(0);
	json_t *s = json_object_get(subsystems, h->type);

	if (s == NULL) {
		s = json_pack("{s:s,s:{}}", "id", h->type, "hosts");
		json_object_set_new(subsystems, h->type, s);
	}
	domain_host_id(&id, h);
	json_object_set_new(
	    json_object_get(s, "hosts"), buf_cstr(&id), host_json(h));
	return true;
}

static void
get_info(struct http_call *c)
{
	AUTO(principal) p = NULL;
	json_t *subsystems = json_object();
	struct ca *ca = api_ca(c);
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!enter(c, "read", &p)) {
		json_decref(subsystems);
		return;
	}
	rc = domain_host_each(ca->store, add_to_subsystem, subsystems, &e);
	if (rc == RC_OK) {
		api_json(c, 200,
		    json_pack("{s:s,s:o}", "id", ca_domain_name(ca),
			"subsystems", subsystems));
		return;
	}
	json_decref(subsystems);
	api_fail(c, rc, &e);
}

static void
get_token(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(secret) token = NULL;
	const char *host = http_query(c, "hostname"),
		   *subsystem = http_query(c, "subsystem");
	struct err e = { RC_OK, "" };
	enum rc rc;

	if ((rc = ca_domain_check(api_ca(c), &e)) == RC_OK &&
	    (rc = api_caller(c, &p, &e)) == RC_OK && p == NULL)
		rc = err_set(&e, RC_AUTH, "Anonymous access not allowed.");
	if (rc == RC_OK && (subsystem == NULL || subsystem[0] == '\0'))
		rc = err_set(&e, RC_INVALID, "Missing subsystem");
	if (rc == RC_OK)
		rc = ca_domain_issue(api_ca(c), &token, p, c->peer,
		    host != NULL ? host : "", subsystem, &e);
	if (rc == RC_OK)
		api_json(
		    c, 200, json_pack("{s:s}", "token", secret_cstr(token)));
	else
		api_fail(c, rc, &e);
}

enum {
	WRITE = HTTP_TLS_ONLY | HTTP_SAME_ORIGIN
};
static const struct http_route items[] = {
	{ HTTP_GET, "securityDomain/installToken", get_token, HTTP_ADMIN,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
	{ HTTP_GET, "securityDomain/domainInfo", get_info, HTTP_READ, 0, 0 },
	{ HTTP_GET, "securityDomain/hosts", list_hosts, HTTP_READ, 0, 0 },
	{ HTTP_PUT, "securityDomain/hosts", put_host, HTTP_ADMIN, WRITE, 0 },
	{ HTTP_GET, "securityDomain/hosts/{id}", get_host, HTTP_READ, 0, 0 },
	{ HTTP_DELETE, "securityDomain/hosts/{id}", delete_host, HTTP_ADMIN,
	    WRITE, 0 },
};
const struct api_routes api_domain_routes = { items,
	sizeof(items) / sizeof(items[0]) };
