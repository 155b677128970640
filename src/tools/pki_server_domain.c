/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_domain.c - ca-sd-* and their older names sd-*, ca-connector-*
 * (spec deployment 3.10, 7.4, 7.6).
 * Owns:    nothing.
 * Trusts:  its user; every value is checked where it is kept.
 * Threads: none. */
#include "tools/pki_server_cmds.h"

#include "base/text.h"
#include "ca/connector.h"
#include "domain/domain_host.h"
#include "instance/dbconf.h"

enum {
	URLS_MAX = CONNECTOR_HOSTS_MAX
};

/* sd-create is ca-sd-create. */
static enum rc
use_ca(struct server *s, const char *command, struct err *e)
{
	if (s->sub != NULL)
		return RC_OK;
	fprintf(stderr,
	    "WARNING: The %s command is deprecated. Use ca-%s instead.\n",
	    command, command);
	return server_use(s, "ca", e);
}

/* ---- the domain ---- */

/* The containers, where the records are in a directory. */
static enum rc
make_containers(struct server *s, const struct cfg *cs, struct err *e)
{
	AUTO(cfg) pins = NULL;
	AUTO(dbconf) c = NULL;
	struct ldap_params p;
	struct keystore *ks;
	enum rc rc;

	if (!dbconf_is_directory(cs))
		return RC_OK;
	if ((rc = server_passwords(s, &pins, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK ||
	    (rc = dbconf_new(&c, cs, pins, s->paths, s->sub, ks, e)) != RC_OK)
		return rc;
	p = dbconf_params(c, &clock_system);
	return store_setup_ldap(&p, e);
}

static enum rc
run_create(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) cs = NULL;
	AUTO(cfg) server = NULL;
	AUTO_BUF name = buf_empty(0);
	const char *host;
	enum rc rc = use_ca(s, "sd-create", e);

	if (rc != RC_OK || (rc = server_cs(s, &cs, s->sub, e)) != RC_OK ||
	    (rc = server_cfg(s, &server, e)) != RC_OK)
		return rc;
	host = cfg_str(server, "host", cfg_str(cs, "machineName", "localhost"));
	/* the domain part of the host name, as pkispawn's default */
	buf_addf(&name, "%s Security Domain",
	    strchr(host, '.') != NULL ? strchr(host, '.') + 1 : host);
	const char *const rows[][2] = {
		{ "securitydomain.select", "new" },
		{ "securitydomain.name",
		    args_str(a, "name",
			cfg_str(cs, "securitydomain.name", buf_cstr(&name))) },
		{ "securitydomain.host", host },
		{ "securitydomain.httpport",
		    cfg_str(server, "http.port", "8080") },
		{ "securitydomain.httpsadminport",
		    cfg_str(server, "https.port", "8443") },
	};
	if (strlen(rows[1][1]) >= DOMAIN_LABEL_MAX ||
	    strpbrk(rows[1][1], "\r\n") != NULL)
		return err_set(e, RC_USAGE, "Invalid security domain name");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if ((rc = cfg_set(cs, rows[i][0], rows[i][1], e)) != RC_OK)
			return rc;
	}
	/* the directory first: it may say no */
	if ((rc = make_containers(s, cs, e)) != RC_OK)
		return rc;
	return server_save_cs(s, s->sub, cs, e);
}

/* The lists of all types come with the domain; this one says whether it is a
 * type, and mends a directory that lacks its list. */
static enum rc
run_type_add(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) cs = NULL;
	enum rc rc = use_ca(s, "sd-type-add", e);

	if (rc != RC_OK)
		return rc;
	if (domain_type(args_at(a, 0)) == NULL)
		return err_set(
		    e, RC_USAGE, "Invalid subsystem type: %s", args_at(a, 0));
	if ((rc = server_cs(s, &cs, s->sub, e)) != RC_OK)
		return rc;
	return make_containers(s, cs, e);
}

static void
port_field(const char *label, const json_t *o, const char *member)
{
	const json_t *v = json_object_get(o, member);

	if (json_is_integer(v))
		out_fieldf(label, "%lld", (long long)json_integer_value(v));
}

static void
truth_field(const char *label, const json_t *o, const char *member)
{
	out_field(
	    label, json_is_true(json_object_get(o, member)) ? "TRUE" : "FALSE");
}

static enum rc
run_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON list = NULL;
	enum rc rc = use_ca(s, "sd-subsystem-find", e);

	(void)a;
	if (rc != RC_OK ||
	    (rc = server_call(s, "sd-find", NULL, &list, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		out_entry(i);
		out_field("Subsystem ID", json_str(o, "id"));
		out_field("Hostname", json_str(o, "hostname"));
		port_field("Unsecure Port", o, "port");
		port_field("Secure Port", o, "securePort");
		truth_field("Domain Manager", o, "manager");
		truth_field("Clone", o, "clone");
	}
	return RC_OK;
}

static enum rc
run_add(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = NULL;
	enum rc rc = use_ca(s, "sd-subsystem-add", e);

	if (rc != RC_OK)
		return rc;
	q = json_pack("{s:s,s:s*,s:s*,s:s*,s:s*,s:b,s:b}", "id", args_at(a, 0),
	    "subsystem", args_get(a, "subsystem"), "hostname",
	    args_get(a, "hostname"), "port", args_get(a, "unsecure-port"),
	    "securePort", args_get(a, "secure-port"), "manager",
	    args_has(a, "domain-manager"), "clone", args_has(a, "clone"));
	return server_call(s, "sd-add", q, NULL, e);
}

static enum rc
run_del(struct server *s, const struct args *a, struct err *e)
{
	AUTO_JSON q = json_pack("{s:s}", "id", args_at(a, 0));
	enum rc rc = use_ca(s, "sd-subsystem-del", e);

	return rc == RC_OK ? server_call(s, "sd-del", q, NULL, e) : rc;
}

/* ---- the KRA connector ---- */

static void
setting(const struct cfg *cs, const char *label, const char *name)
{
	out_field(label, cfg_getf(cs, CONNECTOR_PREFIX "%s", name));
}

/* "h1" and its port, or "h1:p1 h2:p2", as URLs. */
static void
print_urls(const struct cfg *cs)
{
	AUTO_STR hosts = strdup(cfg_str(cs, CONNECTOR_PREFIX "host", ""));
	const char *port = cfg_str(cs, CONNECTOR_PREFIX "port", "8443");
	AUTO_BUF urls = buf_empty(0);
	char *words[URLS_MAX];
	size_t n = hosts != NULL ? text_split(hosts, " ", words, URLS_MAX) : 0;

	for (size_t i = 0; i < n && i < URLS_MAX; i++) {
		bool whole = strchr(words[i], ':') != NULL;

		buf_addf(&urls, "%shttps://%s%s%s", i > 0 ? " " : "", words[i],
		    whole ? "" : ":", whole ? "" : port);
	}
	out_field("URL", buf_cstr(&urls));
}

static enum rc
run_connector_find(struct server *s, const struct args *a, struct err *e)
{
	/* labels as the model prints them */
	static const char *const more[][2] = {
		{ "Local", "local" },
		{ "Path", "uri" },
		{ "Min Connections", "minHttpConns" },
		{ "Max Cconnections", "maxHttpConns" },
		{ "Timeout", "timeout" },
		{ "Transport Cert", "transportCert" },
		{ "Client Ciphers", "clientCiphers" },
		{ "Cert Revocation Rheck", "certRevocationCheck" },
	};
	AUTO(cfg) cs = NULL;
	enum rc rc = server_cs(s, &cs, s->sub, e);

	if (rc != RC_OK || !connector_exists(cs))
		return rc;
	out_field("Connector ID", "KRA");
	setting(cs, "Enabled", "enable");
	print_urls(cs);
	setting(cs, "Nickname", "nickName");
	for (size_t i = 0;
	     args_has(a, "show-all") && i < sizeof(more) / sizeof(*more); i++)
		setting(cs, more[i][0], more[i][1]);
	return RC_OK;
}

/* "https://host:port" in place; port NULL = 8443. */
static enum rc
split_url(char *url, char **host, const char **port, struct err *e)
{
	char *colon;

	if (!text_starts(url, "https://"))
		return err_set(e, RC_USAGE, "Invalid URL: %s", url);
	*host = url + strlen("https://");
	(*host)[strcspn(*host, "/")] = '\0';
	*port = "8443";
	if ((colon = strrchr(*host, ':')) != NULL) {
		*colon = '\0';
		*port = colon + 1;
	}
	return RC_OK;
}

static enum rc
add_urls(struct cfg *cs, const struct args *a, const char *cert, struct err *e)
{
	const char *url;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && (url = args_nth(a, "url", i)) != NULL;
	     i++) {
		AUTO_STR copy = strdup(url);
		struct connector x = { .transport_cert = cert };
		char *host = NULL;

		if (copy == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
		rc = split_url(copy, &host, &x.port, e);
		x.host = host;
		if (rc == RC_OK)
			rc = connector_add(cs, &x, e);
	}
	return rc;
}

static enum rc
run_connector_add(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) cs = NULL;
	AUTO_BUF der = buf_empty(0), text = buf_empty(0);
	const char *url, *file, *nick = args_get(a, "nickname");
	enum rc rc;

	if (strcmp(args_at(a, 0), "KRA") != 0)
		return err_set(e, RC_USAGE,
		    "Invalid connector ID: %s (only KRA)", args_at(a, 0));
	if ((rc = args_need(a, "url", "URL", &url, e)) != RC_OK ||
	    (rc = args_need(a, "transport-cert", "transport certificate", &file,
		 e)) != RC_OK ||
	    (rc = out_read_der(&der, file, NULL, "CERTIFICATE", e)) != RC_OK ||
	    (rc = server_cs(s, &cs, s->sub, e)) != RC_OK)
		return rc;
	buf_add_base64(&text, buf_view(&der), 0, "");
	if ((rc = add_urls(cs, a, buf_cstr(&text), e)) != RC_OK)
		return rc;
	if (nick != NULL &&
	    (rc = cfg_set(cs, CONNECTOR_PREFIX "nickName", nick, e)) != RC_OK)
		return rc;
	return server_save_cs(s, s->sub, cs, e);
}

static const struct opt create_opts[] = {
	OPT("name", "name", "Name of the security domain"),
	SERVER_OPTS,
	OPT_END,
};
static const struct opt add_opts[] = {
	OPT("subsystem", "type", "Subsystem type, e.g. KRA"),
	OPT("hostname", "host", "Host name"),
	OPT("unsecure-port", "port", "Unsecure port"),
	OPT("secure-port", "port", "Secure port"),
	OPT_FLAG("domain-manager", "The host manages the domain"),
	OPT_FLAG("clone", "The host is a clone"),
	SERVER_OPTS,
	OPT_END,
};
static const struct opt connector_find_opts[] = {
	OPT_FLAG("show-all", "Show all settings"),
	SERVER_OPTS,
	OPT_END,
};
static const struct opt connector_add_opts[] = {
	OPT("url", "url", "KRA URL; may be given several times"),
	OPT("nickname", "nickname", "Nickname of the client certificate"),
	OPT("transport-cert", "file", "Transport certificate of the KRA"),
	SERVER_OPTS,
	OPT_END,
};

const struct server_cmd server_domain[] = {
	{ "sd-create", "", "Make the CA the manager of a security domain",
	    create_opts, 0, 0, run_create, NEED_SUBSYSTEM },
	{ "sd-type-add", "<type>", "Add a type of subsystem", NULL, 1, 1,
	    run_type_add, NEED_SUBSYSTEM },
	{ "sd-subsystem-find", "", "Find subsystems of the domain", NULL, 0, 0,
	    run_find, NEED_SUBSYSTEM },
	{ "sd-subsystem-add", "<subsystem ID>", "Add a subsystem to the domain",
	    add_opts, 1, 1, run_add, NEED_SUBSYSTEM },
	{ "sd-subsystem-del", "<subsystem ID>",
	    "Remove a subsystem from the domain", NULL, 1, 1, run_del,
	    NEED_SUBSYSTEM },
	{ 0 },
};
const struct server_cmd server_connector[] = {
	{ "connector-find", "", "Find connectors", connector_find_opts, 0, 0,
	    run_connector_find, NEED_SUBSYSTEM },
	{ "connector-add", "<connector ID>", "Add a connector",
	    connector_add_opts, 1, 1, run_connector_add, NEED_SUBSYSTEM },
	{ 0 },
};
