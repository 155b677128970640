/* SPDX-License-Identifier: Apache-2.0 */
/* pki_ca_crl.c - ca-crl-update and ca-publisher-ocsp-add: servlets of the CA.
 * Owns: nothing. Trusts: nothing of the server. Threads: none. */
#include "tools/pki_cmds.h"
#include "tools/pki_servlet.h"

#include "base/text.h"

static enum rc
run_update(struct pki *p, const struct args *a, struct err *e)
{
	const char *point = args_at(a, 0), *result, *why;
	AUTO_BUF form = buf_empty(0);
	AUTO_JSON o = NULL;
	enum rc rc;

	form_add(&form, "crlIssuingPoint", point != NULL ? point : "MasterCRL");
	form_add(&form, "xml", "true");
	form_add(&form, "waitForUpdate", args_has(a, "wait") ? "true" : NULL);
	rc = servlet_post(p, "/ca/agent/ca/updateCRL", &form, &o, e);
	if (rc != RC_OK)
		return rc;
	result = json_str(o, "crlUpdate");
	why = json_str(o, "error");
	if (result == NULL ||
	    (strcmp(result, "Scheduled") != 0 &&
		strcmp(result, "Success") != 0 &&
		strcmp(result, "inProgress") != 0))
		return err_set(e, RC_INVALID, "CRL update: %s%s%s",
		    result != NULL ? result : "no result",
		    why != NULL ? ": " : "", why != NULL ? why : "");
	out_field("CRL Issuing Point", json_str(o, "crlIssuingPoint"));
	out_field("CRL Update", result);
	return RC_OK;
}

/* https://host:port of the OCSP manager into the two parameters. */
static enum rc
add_host(struct buf *form, const char *url, struct err *e)
{
	const char *host = strstr(url, "://"), *end, *colon;
	AUTO_BUF name = buf_empty(0), port = buf_empty(0);

	if (host == NULL)
		return err_set(e, RC_USAGE, "Invalid URL: %s", url);
	host += 3;
	end = host + strcspn(host, "/");
	colon = memrchr(host, ':', (size_t)(end - host));
	buf_add(&name, host, (size_t)((colon != NULL ? colon : end) - host));
	if (colon != NULL)
		buf_add(&port, colon + 1, (size_t)(end - colon - 1));
	else
		buf_add_str(&port, "443");
	form_add(form, "ocsp_host", buf_cstr(&name));
	form_add(form, "ocsp_port", buf_cstr(&port));
	return buf_check(form, e);
}

static enum rc
run_publisher_add(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF form = buf_empty(0), der = buf_empty(0), cert = buf_empty(0);
	AUTO_JSON o = NULL;
	const char *url, *file;
	enum rc rc = args_need(a, "url", "OCSP URL", &url, e);

	if (rc != RC_OK ||
	    (rc = args_need(a, "subsystem-cert", "subsystem certificate file",
		 &file, e)) != RC_OK ||
	    (rc = out_read_der(&der, file, NULL, "CERTIFICATE", e)) != RC_OK ||
	    (rc = add_host(&form, url, e)) != RC_OK)
		return rc;
	buf_add_base64(&cert, buf_view(&der), 0, "");
	form_add(&form, "subsystemCert", buf_cstr(&cert));
	form_add(&form, "xmlOutput", "true");
	if ((rc = form_add_session(&form, a, e)) != RC_OK)
		return rc;
	return servlet_post(p, "/ca/ee/ca/updateOCSPConfig", &form, &o, e);
}

static const struct opt update_opts[] = {
	OPT_FLAG("wait", "Wait until the CRL is made"),
	OPT_END,
};
static const struct opt publisher_opts[] = {
	OPT("url", "url", "OCSP manager's URL"),
	OPT("subsystem-cert", "file", "OCSP manager's subsystem certificate"),
	OPT("session", "id", "Session ID"),
	OPT("install-token", "file", "File with the install token"),
	OPT_END,
};

const struct cmd cmds_ca_crl[] = {
	{ "ca-crl-update", "[<issuing point ID>]", "Update a CRL", update_opts,
	    0, 1, run_update },
	{ 0 },
};
const struct cmd cmds_ca_publisher[] = {
	{ "ca-publisher-ocsp-add", "", "Add an OCSP publisher", publisher_opts,
	    0, 0, run_publisher_add },
	{ 0 },
};
