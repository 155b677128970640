/* SPDX-License-Identifier: Apache-2.0 */
/* pki_ca_kraconnector.c - ca-kraconnector-*: where the CA archives keys.
 * Owns: nothing. Trusts: nothing of the server. Threads: none. */
#include "base/text.h"
#include "tools/pki_cmds.h"
#include "tools/pki_fields.h"
#include "tools/pki_servlet.h"

enum {
	CERT_LINE = 64
};

/* The whole connector with an install token, as an installer does it. */
static enum rc
add_with_token(struct pki *p, const struct args *a, struct err *e)
{
	static const struct {
		const char *option, *name;
	} parts[] = {
		{ "enable", "ca.connector.KRA.enable" },
		{ "local", "ca.connector.KRA.local" },
		{ "timeout", "ca.connector.KRA.timeout" },
		{ "url", "ca.connector.KRA.uri" },
		{ "host", "ca.connector.KRA.host" },
		{ "port", "ca.connector.KRA.port" },
		{ "transport-nickname",
		    "ca.connector.KRA.transportCertNickname" },
	};
	static const struct {
		const char *option, *name;
	} certs[] = {
		{ "subsystem-cert", "ca.connector.KRA.subsystemCert" },
		{ "transport-cert", "ca.connector.KRA.transportCert" },
	};
	AUTO_BUF form = buf_empty(0);
	AUTO_JSON o = NULL;
	enum rc rc;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		form_add(&form, parts[i].name, args_get(a, parts[i].option));
	for (size_t i = 0; i < sizeof(certs) / sizeof(*certs); i++) {
		AUTO_BUF der = buf_empty(0), text = buf_empty(0);
		const char *file = args_get(a, certs[i].option);

		if (file == NULL)
			continue;
		rc = out_read_der(&der, file, NULL, "CERTIFICATE", e);
		if (rc != RC_OK)
			return rc;
		buf_add_base64(&text, buf_view(&der), 0, "");
		form_add(&form, certs[i].name, buf_cstr(&text));
	}
	form_add(&form, "xmlOutput", "true");
	if ((rc = form_add_session(&form, a, e)) != RC_OK)
		return rc;
	return servlet_post(p, "/ca/admin/ca/updateConnector", &form, &o, e);
}

/* Is there a connector? */
static enum rc
has_connector(struct pki *p, bool *out, struct err *e)
{
	AUTO_JSON info = NULL;
	enum rc rc = rest_get(p, &info, e, "admin/kraconnector");

	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	*out = rc == RC_OK;
	p->fault[0] = '\0'; /* none is an answer */
	return RC_OK;
}

static enum rc
add_from_file(struct pki *p, const char *path, struct err *e)
{
	AUTO_JSON info = NULL;
	bool there = false;
	enum rc rc;

	if ((rc = rest_load(&info, path, e)) != RC_OK ||
	    (rc = has_connector(p, &there, e)) != RC_OK)
		return rc;
	if (there)
		return err_set(e, RC_EXISTS,
		    "Cannot add new connector from file.  Delete the existing "
		    "connector first");
	return rest_json(p, "POST", "admin/kraconnector/add", info, NULL, e);
}

static enum rc
run_add(struct pki *p, const struct args *a, struct err *e)
{
	const char *host = args_get(a, "host"), *port = args_get(a, "port");
	AUTO_BUF path = buf_empty(0);
	bool there = false;
	enum rc rc;

	if (args_has(a, "session") || args_has(a, "install-token")) {
		if ((rc = add_with_token(p, a, e)) == RC_OK)
			out_framed("Added KRA connector");
		return rc;
	}
	if (args_has(a, "input-file")) {
		rc = add_from_file(p, args_get(a, "input-file"), e);
		if (rc == RC_OK)
			out_framed("Added KRA connector");
		return rc;
	}
	if (host == NULL)
		return err_set(e, RC_USAGE, "Missing input file or host");
	if (port == NULL)
		return err_set(e, RC_USAGE, "Missing port");
	if ((rc = has_connector(p, &there, e)) != RC_OK)
		return rc;
	if (!there)
		return err_set(e, RC_INVALID,
		    "Cannot add new host to existing connector.  No connector "
		    "currently exists");
	rest_path(&path, "admin/kraconnector/addHost?host=", host,
	    "&port=", port, NULL);
	rc = rest_json(p, "POST", buf_cstr(&path), NULL, NULL, e);
	if (rc == RC_OK)
		out_framed("Added KRA host \"%s:%s\"", host, port);
	return rc;
}

static enum rc
run_del(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	const char *host, *port;
	enum rc rc = args_need(a, "host", "host", &host, e);

	if (rc != RC_OK ||
	    (rc = args_need(a, "port", "port", &port, e)) != RC_OK)
		return rc;
	rest_path(&path, "admin/kraconnector/remove?host=", host,
	    "&port=", port, NULL);
	rc = rest_json(p, "POST", buf_cstr(&path), NULL, NULL, e);
	if (rc == RC_OK)
		out_framed("Removed KRA host \"%s:%s\"", host, port);
	return rc;
}

/* "Label: value" without the indent of records, as this command has it. */
static void
line(const json_t *info, const char *label, const char *member)
{
	AUTO_BUF text = buf_empty(0);

	if (fields_text(&text, info, member, FIELD_TEXT))
		printf("%s: %s\n", label, buf_cstr(&text));
}

static enum rc
run_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF der = buf_empty(0), text = buf_empty(0);
	AUTO_JSON info = NULL;
	const char *host, *port;
	enum rc rc = rest_get(p, &info, e, "admin/kraconnector");

	(void)a;
	if (rc != RC_OK)
		return rc;
	host = json_str(info, "host");
	port = json_str(info, "port");
	printf("\n");
	/* several hosts come as "h1:p1 h2:p2" */
	if (host != NULL && port != NULL && strchr(host, ':') == NULL)
		printf("Host: %s:%s\n", host, port);
	else if (host != NULL)
		printf("Host: %s\n", host);
	line(info, "Enabled", "enable");
	line(info, "Local", "local");
	line(info, "Timeout", "timeout");
	line(info, "URI", "uri");
	if (json_str(info, "transportCert") == NULL)
		return RC_OK;
	if ((rc = rest_der(info, "transportCert", &der, e)) != RC_OK)
		return rc;
	buf_add_base64(&text, buf_view(&der), CERT_LINE, "\n");
	printf("Transport Cert:\n\n%s\n", buf_cstr(&text));
	return RC_OK;
}

static const struct opt add_opts[] = {
	OPT("input-file", "file", "Connector (JSON)"),
	OPT("host", "host", "KRA host"),
	OPT("port", "port", "KRA port"),
	OPT("url", "url", "KRA URI"),
	OPT("subsystem-cert", "file", "KRA subsystem certificate"),
	OPT("transport-cert", "file", "KRA transport certificate"),
	OPT("transport-nickname", "nickname",
	    "Nickname of the transport certificate"),
	OPT("enable", "bool", "Enable the connector"),
	OPT("local", "bool", "KRA in the same instance"),
	OPT("timeout", "seconds", "Timeout"),
	OPT("session", "id", "Session ID"),
	OPT("install-token", "file", "File with the install token"),
	OPT_END,
};
static const struct opt del_opts[] = {
	OPT("host", "host", "KRA host"),
	OPT("port", "port", "KRA port"),
	OPT_END,
};

const struct cmd cmds_ca_kraconnector[] = {
	{ "ca-kraconnector-add", "", "Add a KRA connector or a KRA host",
	    add_opts, 0, 0, run_add },
	{ "ca-kraconnector-show", "", "Show the KRA connector", NULL, 0, 0,
	    run_show },
	{ "ca-kraconnector-del", "", "Remove a KRA host", del_opts, 0, 0,
	    run_del },
	{ 0 },
};
