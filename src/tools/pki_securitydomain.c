/* SPDX-License-Identifier: Apache-2.0 */
/* pki_securitydomain.c - securitydomain-*, ca-sd-*, and what clones ask of
 * their master: SUB-config-export, SUB-range-request.
 * Owns: nothing. Trusts: nothing of the server. Threads: none. */
#include "base/text.h"
#include "tools/pki_cmds.h"
#include "tools/pki_fields.h"
#include "tools/pki_servlet.h"

/* ---- reading ---- */

static void
print_subsystem(const json_t *subsystem, const char *name)
{
	const char *id;
	json_t *host;

	printf("  %s Subsystem:\n\n", name);
	json_object_foreach(json_object_get(subsystem, "hosts"), id, host)
	{
		static const char *const members[] = { "Hostname", "Port",
			"SecurePort", "DomainManager", "Clone" };
		static const char *const labels[] = { "Hostname", "Port",
			"Secure Port", "Domain Manager", "Clone" };

		printf("    Host ID: %s\n", id);
		for (size_t i = 0; i < sizeof(members) / sizeof(*members);
		     i++) {
			const char *v = json_str(host, members[i]);

			/* a host that is no clone has no line for it */
			if (v == NULL || *v == '\0' ||
			    (i == 4 && text_ieq(v, "FALSE")))
				continue;
			printf("    %s: %s\n", labels[i], v);
		}
		printf("\n"); /* also after the last one */
	}
}

static enum rc
run_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON domain = NULL;
	const char *name;
	json_t *subsystem;
	enum rc rc = rest_get(p, &domain, e, "securityDomain/domainInfo");

	(void)a;
	if (rc != RC_OK)
		return rc;
	out_field("Domain", json_str(domain, "id"));
	printf("\n");
	json_object_foreach(json_object_get(domain, "subsystems"), name,
	    subsystem) print_subsystem(subsystem, name);
	return RC_OK;
}

static enum rc
run_host_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON answer = NULL;
	const json_t *hosts, *host;
	size_t i;
	enum rc rc = rest_get(p, &answer, e, "securityDomain/hosts");

	(void)a;
	if (rc != RC_OK)
		return rc;
	hosts =
	    json_is_array(answer) ? answer : json_object_get(answer, "entries");
	json_array_foreach(hosts, i, host)
	{
		out_entry(i);
		fields_print(fields_host, host);
	}
	return RC_OK;
}

static enum rc
run_host_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON host = NULL;
	enum rc rc;

	rest_path(&path, "securityDomain/hosts/", args_at(a, 0), NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &host, e);
	if (rc == RC_OK)
		fields_print(fields_host, host);
	return rc;
}

/* ---- writing ---- */

/* "CA host.example 8443" into its three words. */
static enum rc
split_id(char *id, char *words[3], struct err *e)
{
	if (text_split(id, " ", words, 3) != 3)
		return err_set(e, RC_USAGE, "Invalid host ID: %s", id);
	return RC_OK;
}

static enum rc
run_host_add(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_STR copy = strdup(args_at(a, 0));
	AUTO_JSON host = NULL;
	char *words[3];
	enum rc rc;

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = split_id(copy, words, e)) != RC_OK)
		return rc;
	host = json_pack("{s:s, s:s, s:s*, s:s, s:s, s:s, s:s}", "id",
	    args_at(a, 0), "Hostname", args_str(a, "hostname", words[1]),
	    "Port", args_get(a, "port"), "SecurePort",
	    args_str(a, "securePort", words[2]), "DomainManager",
	    args_str(a, "domainManager", "FALSE"), "Clone",
	    args_str(a, "clone", "FALSE"), "SubsystemName", args_at(a, 0));
	return rest_json(p, "PUT", "securityDomain/hosts", host, NULL, e);
}

static enum rc
run_host_del(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);

	rest_path(&path, "securityDomain/hosts/", args_at(a, 0), NULL);
	return rest_json(p, "DELETE", buf_cstr(&path), NULL, NULL, e);
}

static enum rc
run_token(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON token = NULL;
	const char *host, *subsystem;
	enum rc rc = args_need(a, "hostname", "host name", &host, e);

	if (rc != RC_OK ||
	    (rc = args_need(a, "subsystem", "subsystem", &subsystem, e)) !=
		RC_OK)
		return rc;
	rest_path(&path, "securityDomain/installToken?hostname=", host,
	    "&subsystem=", subsystem, NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &token, e);
	if (rc == RC_OK)
		out_field("Install token", json_str(token, "token"));
	return rc;
}

/* updateDomainXML: host id "CA host.example 8443". */
static enum rc
update_domain(struct pki *p, const struct args *a, bool join, struct err *e)
{
	AUTO_BUF form = buf_empty(0), list = buf_empty(0);
	AUTO_STR copy = strdup(args_at(a, 0));
	AUTO_JSON o = NULL;
	const char *type, *host, *port;
	char *words[3];
	enum rc rc;

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = split_id(copy, words, e)) != RC_OK)
		return rc;
	type = args_str(a, "type", words[0]);
	host = args_str(a, "hostname", words[1]);
	port = args_str(a, "secure-port", words[2]);
	buf_addf(&list, "%sList", type);
	form_add(&form, "list", buf_cstr(&list));
	form_add(&form, "type", type);
	form_add(&form, "name", args_at(a, 0));
	form_add(&form, "host", host);
	form_add(&form, "sport", port);
	form_add(&form, "xmlOutput", "true");
	if (!join)
		form_add(&form, "operation", "remove");
	else {
		form_add(&form, "httpport", args_get(a, "unsecure-port"));
		form_add(&form, "agentsport", port);
		form_add(&form, "adminsport", port);
		form_add(&form, "eeclientauthsport", port);
		form_add(&form, "dm",
		    args_has(a, "domain-manager") ? "true" : "false");
		form_add(
		    &form, "clone", args_has(a, "clone") ? "true" : "false");
	}
	if ((rc = form_add_session(&form, a, e)) != RC_OK)
		return rc;
	/* without a token the subsystem's own certificate speaks */
	return servlet_post(p,
	    args_has(a, "session") || args_has(a, "install-token")
		? "/ca/admin/ca/updateDomainXML"
		: "/ca/agent/ca/updateDomainXML",
	    &form, &o, e);
}

static enum rc
run_join(struct pki *p, const struct args *a, struct err *e)
{
	return update_domain(p, a, true, e);
}

static enum rc
run_leave(struct pki *p, const struct args *a, struct err *e)
{
	return update_domain(p, a, false, e);
}

/* ---- for clones ---- */

static enum rc
print_object(const struct args *a, const char *name, json_t *o, struct err *e)
{
	const char *key;
	json_t *value;
	char *text;

	if (!text_ieq(args_str(a, "output-format", "text"), "json")) {
		json_object_foreach(o, key, value)
		    printf("%s=%s\n", key, json_string_value(value));
		return RC_OK;
	}
	if (name != NULL) {
		AUTO_JSON outer = json_pack("{s:O}", name, o);

		text = json_dumps(outer, JSON_INDENT(2));
	} else {
		text = json_dumps(o, JSON_INDENT(2));
	}
	if (text == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	printf("%s\n", text);
	free(text);
	return RC_OK;
}

static enum rc
run_config_export(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF form = buf_empty(0), path = buf_empty(0);
	AUTO_JSON o = NULL;
	json_t *config;
	enum rc rc;

	form_add(&form, "op", "get");
	form_add(&form, "names", args_get(a, "names"));
	form_add(&form, "substores", args_get(a, "substores"));
	form_add(&form, "xmlOutput", "true");
	if ((rc = form_add_session(&form, a, e)) != RC_OK)
		return rc;
	buf_addf(&path, "/%s/admin/%s/getConfigEntries", p->sub, p->sub);
	rc = servlet_post(p, buf_cstr(&path), &form, &o, e);
	if (rc != RC_OK)
		return rc;
	config = json_object_get(o, "Config");
	if (config == NULL)
		config = json_object_get(o, "Properties");
	return print_object(a, "Properties", config, e);
}

static enum rc
run_range_request(struct pki *p, const struct args *a, struct err *e)
{
	const char *type = args_at(a, 0);
	AUTO_BUF form = buf_empty(0), path = buf_empty(0);
	AUTO_JSON o = NULL;
	AUTO_JSON range = NULL;
	enum rc rc;

	/* "cert" and "replica" are what people call them */
	if (strcmp(type, "cert") == 0 || strcmp(type, "serial") == 0)
		type = "serialNo";
	else if (strcmp(type, "replica") == 0)
		type = "replicaId";
	form_add(&form, "type", type);
	form_add(&form, "xmlOutput", "true");
	if ((rc = form_add_session(&form, a, e)) != RC_OK)
		return rc;
	buf_addf(&path, "/%s/admin/%s/updateNumberRange", p->sub, p->sub);
	rc = servlet_post(p, buf_cstr(&path), &form, &o, e);
	if (rc != RC_OK)
		return rc;
	range = json_pack("{s:O*, s:O*}", "begin",
	    json_object_get(o, "beginNumber"), "end",
	    json_object_get(o, "endNumber"));
	return print_object(a, NULL, range, e);
}

static const struct opt host_add_opts[] = {
	OPT("hostname", "host", "Host name"),
	OPT("port", "port", "Port"),
	OPT("securePort", "port", "Secure port"),
	OPT("domainManager", "bool", "Domain manager: TRUE, FALSE (default)"),
	OPT("clone", "bool", "Clone: TRUE, FALSE (default)"),
	OPT_END,
};
static const struct opt token_opts[] = {
	OPT("hostname", "host", "Host name"),
	OPT("subsystem", "type", "Subsystem type, e.g. CA"),
	OPT_END,
};
static const struct opt join_opts[] = {
	OPT("type", "type", "Subsystem type, e.g. CA"),
	OPT("hostname", "host", "Host name"),
	OPT("unsecure-port", "port", "Unsecure port"),
	OPT("secure-port", "port", "Secure port"),
	OPT_FLAG("domain-manager", "The host is a domain manager"),
	OPT_FLAG("clone", "The host is a clone"),
	OPT("session", "id", "Session ID"),
	OPT("install-token", "file", "File with the install token"),
	OPT_END,
};
static const struct opt export_opts[] = {
	OPT("names", "names", "Parameters, comma-separated"),
	OPT("substores", "names", "Groups of parameters, comma-separated"),
	OPT("session", "id", "Session ID"),
	OPT("install-token", "file", "File with the install token"),
	OPT("output-format", "format", "Output format: text (default), json"),
	OPT_END,
};
static const struct opt range_opts[] = {
	OPT("session", "id", "Session ID"),
	OPT("install-token", "file", "File with the install token"),
	OPT("output-format", "format", "Output format: text (default), json"),
	OPT_END,
};

const struct cmd cmds_securitydomain[] = {
	{ "securitydomain-show", "", "Show the security domain", NULL, 0, 0,
	    run_show },
	{ "securitydomain-join", "<host ID>", "Join the security domain",
	    join_opts, 1, 1, run_join },
	{ "securitydomain-leave", "<host ID>", "Leave the security domain",
	    join_opts, 1, 1, run_leave },
	{ "securitydomain-get-install-token", "", "Get an install token",
	    token_opts, 0, 0, run_token },
	{ "securitydomain-host-find", "", "Find hosts of the domain", NULL, 0,
	    0, run_host_find },
	{ "securitydomain-host-show", "<host ID>", "Show a host of the domain",
	    NULL, 1, 1, run_host_show },
	{ "securitydomain-host-add", "<host ID>", "Add a host to the domain",
	    host_add_opts, 1, 1, run_host_add },
	{ "securitydomain-host-del", "<host ID>",
	    "Remove a host from the domain", NULL, 1, 1, run_host_del },
	{ 0 },
};
const struct cmd cmds_ca_sd[] = {
	{ "ca-sd-join", "<host ID>", "Join the security domain", join_opts, 1,
	    1, run_join },
	{ "ca-sd-leave", "<host ID>", "Leave the security domain", join_opts, 1,
	    1, run_leave },
	{ 0 },
};
const struct cmd cmds_config[] = {
	{ "config-export", "[<type>]", "Export configuration to a clone",
	    export_opts, 0, 1, run_config_export },
	{ "range-request", "<type>",
	    "Request a range of numbers: request, serial, replica", range_opts,
	    1, 1, run_range_request },
	{ 0 },
};
