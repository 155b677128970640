/* SPDX-License-Identifier: Apache-2.0 */
/* pki_request.c - filling a profile's template, submitting it, approving it:
 * what ca-cert-request-submit, ca-cert-issue and client-cert-request share.
 * Owns:    the JSON objects it hands out.
 * Trusts:  nothing of the server but the template's shape; all members are
 *          looked up by name.
 * Threads: none. */
#include "tools/pki_request.h"

#include "base/text.h"
#include "tools/pki_certs.h"
#include "tools/pki_fields.h"
#include "x509/name.h"
#include "x509/req.h"

enum {
	DNS_NAMES_MAX = 64
};

/* Sets the value of an input attribute wherever the template has it; true if
 * it had it. */
static bool
set_input(json_t *body, const char *name, const char *value)
{
	json_t *input, *attr;
	size_t i, k;
	bool found = false;

	json_array_foreach(json_object_get(body, "Input"), i, input)
	{
		json_array_foreach(json_object_get(input, "Attribute"), k, attr)
		{
			const char *n = json_str(attr, "name");

			if (n == NULL || strcmp(n, name) != 0)
				continue;
			json_object_set_new(attr, "Value", json_string(value));
			found = true;
		}
	}
	return found;
}

static enum rc
set_input_or_fail(
    json_t *body, const char *name, const char *value, struct err *e)
{
	if (value == NULL || set_input(body, name, value))
		return RC_OK;
	return err_set(e, RC_INVALID, "profile has no input %s", name);
}

/* "CN=x,UID=y" into sn_cn, sn_uid, ... for subject name inputs; a profile
 * without them takes the subject from the request. */
static enum rc
set_subject(json_t *body, const char *subject, struct err *e)
{
	static const struct {
		enum oid attr;
		size_t nth;
		const char *name;
	} parts[] = {
		{ OID_userId, 0, "sn_uid" },
		{ OID_emailAddress, 0, "sn_e" },
		{ OID_commonName, 0, "sn_cn" },
		{ OID_organizationalUnit, 0, "sn_ou" },
		{ OID_organizationalUnit, 1, "sn_ou1" },
		{ OID_organizationalUnit, 2, "sn_ou2" },
		{ OID_organizationalUnit, 3, "sn_ou3" },
		{ OID_organizationName, 0, "sn_o" },
		{ OID_countryName, 0, "sn_c" },
	};
	AUTO_BUF der = buf_empty(0);
	enum rc rc;

	if (subject == NULL)
		return RC_OK;
	if ((rc = name_parse(&der, view_str(subject), e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		AUTO_BUF v = buf_empty(0);

		if (name_get(&v, buf_view(&der), parts[i].attr, parts[i].nth,
			NULL) == RC_OK)
			set_input(body, parts[i].name, buf_cstr(&v));
	}
	set_input(body, "subject", subject);
	return RC_OK;
}

/* Without --subject the name in the request is taken: a profile that asks for
 * the parts of a name issues for what the key's owner wrote. */
static enum rc
subject_of_csr(const struct request *r, struct buf *out, struct err *e)
{
	AUTO_BUF der = buf_empty(REQ_DER_MAX);
	struct req q;
	enum rc rc;

	if (r->csr == NULL || (r->type != NULL && !text_ieq(r->type, "pkcs10")))
		return RC_OK;
	if ((rc = text_pem(&der, view_str(r->csr), NULL, e)) != RC_OK ||
	    (rc = req_parse(&q, buf_view(&der), e)) != RC_OK)
		return err_prefix(e, "certificate request");
	return name_text(out, q.subject, e);
}

/* DNS names of a server certificate, for subject alternative name inputs. */
static enum rc
set_dns_names(json_t *body, const char *list, struct err *e)
{
	AUTO_STR copy = NULL;
	char *names[DNS_NAMES_MAX];
	char input[48];
	size_t n;

	if (list == NULL)
		return RC_OK;
	if ((copy = strdup(list)) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	n = text_split(copy, ",", names, DNS_NAMES_MAX);
	if (n > DNS_NAMES_MAX)
		return err_set(e, RC_TOOBIG, "Too many DNS names");
	for (size_t i = 0; i < n; i++) {
		snprintf(input, sizeof(input), "req_san_type_%zu", i);
		set_input(body, input, "DNSName");
		snprintf(input, sizeof(input), "req_san_pattern_%zu", i);
		if (!set_input(body, input, names[i]))
			return err_set(e, RC_INVALID,
			    "profile has no input for DNS name %s", names[i]);
	}
	return RC_OK;
}

/* uid, pwd, pin for profiles that authenticate the requestor. */
static enum rc
set_credentials(json_t *body, const struct request *r, struct err *e)
{
	const struct {
		const char *name, *value;
	} attrs[] = {
		{ "uid", r->user },
		{ "pwd",
		    r->password != NULL ? secret_cstr(r->password) : NULL },
		{ "pin", r->pin != NULL ? secret_cstr(r->pin) : NULL },
	};
	json_t *outer = json_object_get(body, "Attributes"), *list;

	if (!json_is_object(outer)) {
		outer = json_object();
		json_object_set_new(body, "Attributes", outer);
	}
	list = json_object_get(outer, "Attribute");
	if (!json_is_array(list)) {
		list = json_array();
		json_object_set_new(outer, "Attribute", list);
	}
	for (size_t i = 0; i < sizeof(attrs) / sizeof(*attrs); i++)
		if (attrs[i].value != NULL &&
		    json_array_append_new(list,
			json_pack("{s:s, s:s}", "name", attrs[i].name, "value",
			    attrs[i].value)) != 0)
			return err_set(e, RC_NOMEM, "out of memory");
	return RC_OK;
}

enum rc
request_complete(json_t *body, const struct request *r, struct err *e)
{
	AUTO_BUF own = buf_empty(0);
	const char *subject = r->subject;
	enum rc rc;

	if (subject == NULL && (rc = subject_of_csr(r, &own, e)) != RC_OK)
		return rc;
	if (own.len > 0)
		subject = buf_cstr(&own);
	if (r->renewal || r->serial != NULL)
		json_object_set_new(body, "Renewal", json_true());
	if (r->serial != NULL) {
		json_object_set_new(
		    body, "SerialNumber", json_string(r->serial));
		set_input(body, "serial_num", r->serial);
	}
	if (r->csr != NULL &&
	    ((rc = set_input_or_fail(body, "cert_request_type",
		  r->type != NULL ? r->type : "pkcs10", e)) != RC_OK ||
		(rc = set_input_or_fail(body, "cert_request", r->csr, e)) !=
		    RC_OK))
		return rc;
	if (r->requestor != NULL)
		set_input(body, "requestor_name", r->requestor);
	if ((rc = set_subject(body, subject, e)) != RC_OK ||
	    (rc = set_dns_names(body, r->dns_names, e)) != RC_OK)
		return rc;
	return set_credentials(body, r, e);
}

enum rc
request_fill(
    struct pki *p, json_t **out, const struct request *r, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON body = NULL;
	enum rc rc;

	if (r->profile == NULL)
		return err_set(e, RC_USAGE, "Missing profile ID");
	rest_path(&path, "certrequests/profiles/", r->profile, NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &body, e);
	if (rc != RC_OK)
		return rc;
	json_object_set_new(body, "ProfileID", json_string(r->profile));
	if ((rc = request_complete(body, r, e)) == RC_OK)
		*out = json_incref(body);
	return rc;
}

enum rc
request_post(struct pki *p, json_t *body, const struct request *r,
    json_t **info, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON infos = NULL;
	json_t *first;
	enum rc rc;

	if (r->issuer_id != NULL && r->issuer_dn != NULL)
		return err_set(e, RC_USAGE,
		    "The --issuer-id and --issuer-dn options are mutually "
		    "exclusive.");
	buf_add_str(&path, "certrequests");
	if (r->issuer_id != NULL || r->issuer_dn != NULL)
		buf_addf(
		    &path, "?issuer-%s=", r->issuer_id != NULL ? "id" : "dn");
	if (r->issuer_id != NULL)
		http_url_encode(&path, view_str(r->issuer_id));
	else if (r->issuer_dn != NULL)
		http_url_encode(&path, view_str(r->issuer_dn));
	rc = rest_json(p, "POST", buf_cstr(&path), body, &infos, e);
	if (rc != RC_OK)
		return rc;
	first = json_array_get(json_object_get(infos, "entries"), 0);
	if (first == NULL)
		return err_set(e, RC_INVALID, "answer without a request");
	*info = json_incref(first);
	return RC_OK;
}

enum rc
request_approve(struct pki *p, const char *id, json_t **info, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON review = NULL;
	enum rc rc = rest_get(p, &review, e, "agent/certrequests/%s", id);

	if (rc != RC_OK)
		return rc;
	buf_addf(&path, "agent/certrequests/%s/approve", id);
	rc = rest_json(p, "POST", buf_cstr(&path), review, NULL, e);
	return rc == RC_OK ? rest_get(p, info, e, "certrequests/%s", id) : rc;
}

enum rc
request_cert(struct pki *p, const json_t *info, struct buf *der, struct err *e)
{
	const char *id = json_str(info, "certId"),
		   *status = json_str(info, "requestStatus"),
		   *why = json_str(info, "errorMessage");
	AUTO_JSON cert = NULL;
	enum rc rc;

	if (id == NULL && status != NULL && strcmp(status, "complete") != 0)
		return err_set(e, RC_NOTFOUND, "Request %s%s%s", status,
		    why != NULL ? ": " : "", why != NULL ? why : "");
	if (id == NULL)
		return err_set(e, RC_NOTFOUND, "%s",
		    why != NULL ? why : "Request has no certificate");
	if ((rc = rest_get(p, &cert, e, "certs/%s", id)) != RC_OK)
		return rc;
	return rest_der(cert, "Encoded", der, e);
}

/* ---- client-cert-request ---- */

const struct opt client_request_opts[] = {
	OPT("type", "type", "Request type: pkcs10 (default)"),
	OPT("algorithm", "name", "Key algorithm: rsa (default), ec"),
	OPT("length", "bits", "RSA key length (default: 2048)"),
	OPT("curve", "name",
	    "Elliptic curve: nistp256 (default), nistp384, nistp521"),
	OPT("permanent", "bool", "Keep the key: true (default), false"),
	OPT("sensitive", "bool", "Sensitive key: true (default), false"),
	OPT("extractable", "bool", "Extractable key: true (default), false"),
	OPT("profile", "id",
	    "Profile (default: caUserCert, caECUserCert for EC keys)"),
	OPT("username", "name", "User name for request authentication"),
	OPT_FLAG("password", "Prompt for the request password"),
	OPT("password-file", "file", "File with the request password"),
	OPT("issuer-id", "id", "Authority ID of the issuing CA"),
	OPT("issuer-dn", "DN", "DN of the issuing CA"),
	OPT_UNUSED("attribute-encoding", 0, "bool",
	    "the subject is encoded as RFC 5280 asks"),
	OPT_END,
};

/* A subject without a name is made of --username. */
static enum rc
request_subject(const struct args *a, struct buf *out, struct err *e)
{
	const char *user = args_get(a, "username");

	if (args_at(a, 0) != NULL)
		buf_add_str(out, args_at(a, 0));
	else if (user != NULL) {
		buf_add_str(out, "UID=");
		name_escape(out, view_str(user));
	} else
		return err_set(e, RC_USAGE, "Missing subject DN.");
	return buf_check(out, e);
}

static enum rc
make_csr(struct pki *p, const struct args *a, const char *subject,
    struct buf *pem, struct err *e)
{
	AUTO_BUF der = buf_empty(REQ_DER_MAX);
	AUTO(key) k = NULL;
	struct keystore *ks;
	struct keygen g;
	enum rc rc = certs_keygen(&g, args_str(a, "algorithm", "rsa"),
	    args_get(a, "length"), args_get(a, "curve"), e);

	if (rc != RC_OK || (rc = pki_keystore(p, &ks, e)) != RC_OK)
		return rc;
	g.temporary = !text_bool(args_str(a, "permanent", "true"));
	g.sensitive = text_bool(args_str(a, "sensitive", "true"));
	g.extractable = text_bool(args_str(a, "extractable", "true"));
	if ((rc = keystore_generate(
		 ks, &k, args_get(p->global, "token"), &g, e)) != RC_OK ||
	    (rc = certs_make_req(&der, k, subject, NULL, NULL, e)) != RC_OK)
		return rc;
	text_add_pem(pem, "CERTIFICATE REQUEST", buf_view(&der), "\n");
	return buf_check(pem, e);
}

enum rc
client_request_run(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF subject = buf_empty(0), pem = buf_empty(0);
	AUTO(secret) password = NULL;
	AUTO_JSON body = NULL;
	AUTO_JSON info = NULL;
	bool ec = text_ieq(args_str(a, "algorithm", "rsa"), "ec");
	struct request r = {
		.profile =
		    args_str(a, "profile", ec ? "caECUserCert" : "caUserCert"),
		.user = args_get(a, "username"),
		.issuer_id = args_get(a, "issuer-id"),
		.issuer_dn = args_get(a, "issuer-dn"),
	};
	enum rc rc = RC_OK;

	if (!text_ieq(args_str(a, "type", "pkcs10"), "pkcs10"))
		return err_set(e, RC_UNSUPPORTED,
		    "Unsupported request type: %s", args_get(a, "type"));
	if ((rc = request_subject(a, &subject, e)) != RC_OK)
		return rc;
	if (args_has(a, "password-file"))
		rc = secret_read_file(
		    &password, args_get(a, "password-file"), e);
	else if (args_has(a, "password"))
		rc = secret_ask(&password, "Password: ", e);
	if (rc != RC_OK ||
	    (rc = make_csr(p, a, buf_cstr(&subject), &pem, e)) != RC_OK)
		return rc;
	r.password = password;
	r.csr = buf_cstr(&pem);
	r.subject = buf_cstr(&subject);
	if ((rc = request_fill(p, &body, &r, e)) != RC_OK ||
	    (rc = request_post(p, body, &r, &info, e)) != RC_OK)
		return rc;
	out_framed("Submitted certificate request");
	fields_print(fields_request, info);
	return RC_OK;
}
