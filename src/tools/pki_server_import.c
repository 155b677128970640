/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_import.c - ca-cert-import, ca-cert-create, ca-cert-request-import:
 * certificates and requests of another making become the CA's records (spec
 * deployment 7.5).
 * Owns:    struct import of one command.
 * Trusts:  its user; an imported certificate must be signed by the CA.
 * Threads: none. */
#include <openssl/rand.h>

#include "base/file.h"
#include "base/text.h"
#include "profile/engine.h"
#include "tools/pki_certs.h"
#include "tools/pki_server_cert.h"
#include "tools/pki_server_cmds.h"
#include "x509/name.h"
#include "x509/verify.h"

enum {
	NUMBER_LEN = 16, /* of random serial numbers and request ids */
};

/* A request with the profile that it is for. */
struct import {
	struct server *s;
	const struct args *a;
	const char *csr_format;     /* NULL = found out */
	struct buf csr;             /* DER; empty = none */
	struct req req;             /* views into csr */
	struct profile *profile;    /* NULL = none given */
	char request[NUM_TEXT_MAX]; /* id of the request record, "" = none */
};

static void
import_done(struct import *m)
{
	buf_done(&m->csr);
	profile_free(m->profile);
}

/* The CA's signing certificate. */
enum rc
server_ca_cert_of(
    struct server *s, struct buf *der, struct buf *nick, struct err *e)
{
	AUTO(sys_cert) c = NULL;
	struct keystore *ks;
	enum rc rc;

	if ((rc = sys_cert_find(s, &c, "ca_signing", e)) != RC_OK ||
	    (rc = sys_cert_nick(c, nick, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK)
		return rc;
	return keystore_find_cert(ks, der, buf_cstr(nick), e);
}

/* --profile: a profile of the installer ("caCert.profile") or of the CA. */
static enum rc
load_profile(struct import *m, struct err *e)
{
	const char *path = args_get(m->a, "profile");
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	AUTO_STR id = NULL;
	const char *name;
	enum rc rc;

	if (path == NULL)
		return RC_OK;
	if ((rc = file_read(&text, path, e)) != RC_OK)
		return rc;
	if (text_ends(path, ".profile")) {
		rc = profile_parse_bootstrap(
		    &m->profile, buf_view(&text), path, e);
	} else {
		name = strrchr(path, '/');
		id = strdup(name != NULL ? name + 1 : path);
		if (id == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
		if (text_ends(id, ".cfg"))
			id[strlen(id) - 4] = '\0';
		rc = profile_parse(&m->profile, buf_view(&text), id, e);
	}
	return rc == RC_OK ? rc : err_prefix(e, "%s", path);
}

/* --csr, or --request: the one that the CA has. */
static enum rc
load_request(struct import *m, struct err *e)
{
	const char *path = args_get(m->a, "csr"),
		   *id = args_get(m->a, "request");
	AUTO_JSON q = NULL;
	AUTO_JSON o = NULL;
	const char *text;
	enum rc rc;

	if (path != NULL)
		return certs_load_req(&m->req, &m->csr, path, m->csr_format, e);
	if (id == NULL)
		return RC_OK;
	q = json_pack("{s:s}", "id", id);
	if ((rc = server_call(m->s, "request-show", q, &o, e)) != RC_OK)
		return rc;
	snprintf(m->request, sizeof(m->request), "%s", json_str(o, "id"));
	if ((text = json_str(o, "request")) == NULL)
		return err_set(e, RC_NOTFOUND,
		    "Unable to find certificate request for %s", id);
	if ((rc = text_pem(&m->csr, view_str(text), NULL, e)) != RC_OK)
		return rc;
	return req_parse(&m->req, buf_view(&m->csr), e);
}

/* A number of the CA's own making where it makes random ones; else the user
 * must name it, for a range is the running CA's to hand out. */
static enum rc
new_number(struct server *s, const char *generator, const char *option,
    struct num *out, struct err *e)
{
	AUTO(cfg) c = NULL;
	uint8_t random[NUMBER_LEN];
	enum rc rc = server_cs(s, &c, "ca", e);

	if (rc != RC_OK)
		return rc;
	if (strcmp(cfg_str(c, generator, "random"), "random") != 0)
		return err_set(e, RC_USAGE, "%s is %s: name the number with %s",
		    generator, cfg_get(c, generator), option);
	if (RAND_bytes(random, sizeof(random)) != 1)
		return err_openssl(e, RC_CRYPTO, "random numbers");
	random[0] = (uint8_t)((random[0] & 0x7f) | 0x40);
	return num_from_view(out, view_of(random, sizeof(random)), e);
}

/* The request record, complete with cert (may be empty). */
static enum rc
add_request(struct import *m, const char *id, struct view cert, struct err *e)
{
	AUTO_BUF csr = buf_empty(0), b64 = buf_empty(0);
	AUTO_JSON q = NULL;
	struct num n;
	enum rc rc;

	rc = id != NULL
	    ? num_parse(&n, id, false, e)
	    : new_number(m->s, "dbs.request.id.generator", "--request", &n, e);
	if (rc != RC_OK)
		return rc;
	num_0x(m->request, &n);
	buf_add_base64(&csr, buf_view(&m->csr), 0, "");
	q = json_pack("{s:s,s:s}", "id", m->request, "csr", buf_cstr(&csr));
	if (m->profile != NULL) {
		json_object_set_new(q, "profile", json_string(m->profile->id));
		if (m->profile->n_sets > 0)
			json_object_set_new(
			    q, "set", json_string(m->profile->sets[0].id));
	}
	if (cert.len > 0) {
		buf_add_base64(&b64, cert, 0, "");
		json_object_set_new(q, "cert", json_string(buf_cstr(&b64)));
	}
	return server_call(m->s, "request-add", q, NULL, e);
}

/* The certificate's record, and its request's when there is one to add. */
static enum rc
add_cert(struct import *m, struct view der, struct err *e)
{
	AUTO_BUF text = buf_empty(0);
	AUTO_JSON q = NULL;
	enum rc rc;

	if (args_has(m->a, "csr") &&
	    (rc = add_request(m, args_get(m->a, "request"), der, e)) != RC_OK)
		return rc;
	buf_add_base64(&text, der, 0, "");
	q = json_pack("{s:s}", "cert", buf_cstr(&text));
	if (m->request[0] != '\0')
		json_object_set_new(q, "request", json_string(m->request));
	if (m->profile != NULL)
		json_object_set_new(q, "profile", json_string(m->profile->id));
	return server_call(m->s, "cert-add", q, NULL, e);
}

/* The key of the certificate must be the request's. */
static enum rc
check_pair(const struct import *m, struct view der, struct err *e)
{
	struct cert c;
	enum rc rc = cert_parse(&c, der, e);

	if (rc == RC_OK && m->csr.len > 0 && !view_eq(c.spki, m->req.spki))
		return err_set(e, RC_INVALID,
		    "certificate and request have different keys");
	return rc;
}

static enum rc
run_cert_import(struct server *s, const struct args *a, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX), ca = buf_empty(CERT_DER_MAX),
		 nick = buf_empty(0);
	struct import m = { .s = s,
		.a = a,
		.csr = buf_empty(REQ_DER_MAX),
		.csr_format = args_get(a, "csr-format") };
	const char *path;
	enum rc rc = args_need(a, "cert", "certificate file", &path, e);

	if (rc != RC_OK)
		return rc;
	if ((rc = out_read_der(&der, path, args_get(a, "format"), "CERTIFICATE",
		 e)) == RC_OK &&
	    (rc = server_ca_cert_of(s, &ca, &nick, e)) == RC_OK &&
	    (rc = verify_issued(buf_view(&der), buf_view(&ca), e)) == RC_OK &&
	    (rc = load_profile(&m, e)) == RC_OK &&
	    (args_has(a, "csr") ? (rc = load_request(&m, e)) == RC_OK : true) &&
	    (rc = check_pair(&m, buf_view(&der), e)) == RC_OK)
		rc = add_cert(&m, buf_view(&der), e);
	import_done(&m);
	return rc;
}

static enum rc
run_request_import(struct server *s, const struct args *a, struct err *e)
{
	struct import m = { .s = s,
		.a = a,
		.csr = buf_empty(REQ_DER_MAX),
		.csr_format = args_get(a, "format") };
	const char *path, *id = args_str(a, "request", args_at(a, 0));
	enum rc rc = args_need(a, "csr", "certificate request file", &path, e);

	if (rc == RC_OK && args_count(a) > 0 && strcmp(id, args_at(a, 0)) != 0)
		rc = err_set(e, RC_USAGE,
		    "--request %s is not the request ID %s", id, args_at(a, 0));
	if (rc == RC_OK && (rc = load_profile(&m, e)) == RC_OK &&
	    (rc = load_request(&m, e)) == RC_OK &&
	    (rc = add_request(&m, id, view_of(NULL, 0), e)) == RC_OK)
		out_field("Request ID", m.request);
	import_done(&m);
	return rc;
}

/* ---- ca-cert-create ---- */

/* Who signs: the request's own key, or the CA. */
struct signer {
	struct key *key;
	struct buf der; /* of the CA's certificate; empty = self-signed */
	struct cert cert;
	enum sigalg alg;
	uint8_t key_id[DIGEST_MAX];
};

static enum rc
find_signer(struct import *m, struct signer *g, struct err *e)
{
	const char *type = args_str(m->a, "type", "local"),
		   *alg = args_get(m->a, "signing-algorithm");
	AUTO_BUF nick = buf_empty(0);
	struct keystore *ks;
	enum rc rc = server_keystore(m->s, &ks, e);

	if (rc != RC_OK)
		return rc;
	if (strcmp(type, "selfsign") == 0) {
		rc = keystore_find_key(
		    ks, &g->key, args_get(m->a, "key-token"), m->req.spki, e);
	} else if (strcmp(type, "local") == 0) {
		if ((rc = server_ca_cert_of(m->s, &g->der, &nick, e)) ==
			RC_OK &&
		    (rc = cert_parse(&g->cert, buf_view(&g->der), e)) == RC_OK)
			rc = keystore_find_key(
			    ks, &g->key, NULL, g->cert.spki, e);
	} else {
		rc = err_set(e, RC_USAGE, "Invalid type: %s", type);
	}
	if (rc != RC_OK)
		return rc;
	g->alg = key_default_sigalg(g->key);
	if (alg != NULL &&
	    ((g->alg = sigalg_find(alg)) == SIGALG_COUNT ||
		!key_can_sign(g->key, g->alg)))
		return err_set(
		    e, RC_USAGE, "Unsupported signing algorithm: %s", alg);
	return RC_OK;
}

/* --key-id: the request's key is that one in the token. */
static enum rc
check_key_id(struct import *m, struct err *e)
{
	const char *text = args_get(m->a, "key-id");
	AUTO_BUF id = buf_empty(DIGEST_MAX);
	AUTO(key) k = NULL;
	struct keystore *ks;
	enum rc rc;

	if (text == NULL)
		return RC_OK;
	if ((rc = certs_key_id(&id, text, e)) != RC_OK ||
	    (rc = server_keystore(m->s, &ks, e)) != RC_OK ||
	    (rc = keystore_find_key(
		 ks, &k, args_get(m->a, "key-token"), m->req.spki, e)) != RC_OK)
		return err_prefix(e, "--key-id %s", text);
	return view_eq(buf_view(&id), key_id(k))
	    ? RC_OK
	    : err_set(e, RC_INVALID,
		  "--key-id %s: the request is of another key", text);
}

static void
fill_env(struct import *m, struct signer *g, const struct cfg *c,
    const struct cfg *server, struct profile_env *env)
{
	int64_t port = 0;

	rc_ignore(text_int(&port, cfg_str(server, "http.port", "0"), 0, 65535,
	    NULL)); /* no port: no responder's address */
	*env = (struct profile_env){ .now = clock_now(&clock_system),
		.ca_sigalg = g->alg,
		.sigalgs = &g->alg,
		.n_sigalgs = 1,
		.host = cfg_str(server, "host", ""),
		.port = (unsigned)port,
		.ocsp_uri = cfg_get(c, "ca.defaultOcspUri") };
	if (g->der.len == 0) {
		env->ca_subject = m->req.subject;
		return;
	}
	env->ca_subject = g->cert.subject;
	env->ca_not_before = g->cert.not_before;
	env->ca_not_after = g->cert.not_after;
	rc_ignore(cert_key_id(
	    &g->cert, &env->ca_key_id, g->key_id, NULL)); /* parsed above */
}

/* Runs the profile's defaults over the request's subject and key and signs. */
static enum rc
sign(struct import *m, struct signer *g, struct buf *out, struct err *e)
{
	AUTO(arena) arena = arena_new(0);
	AUTO(request_rec) r = NULL;
	AUTO_BUF tbs = buf_empty(CERT_DER_MAX);
	AUTO(cfg) c = NULL;
	AUTO(cfg) server = NULL;
	const char *serial = args_get(m->a, "serial");
	struct profile_env env;
	struct cert_template t;
	struct num zero = num_from_u64(0);
	enum rc rc;

	r = request_rec_new(&zero, "enrollment");
	if (arena == NULL || r == NULL || m->profile == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = server_cs(m->s, &c, "ca", e)) != RC_OK ||
	    (rc = server_cfg(m->s, &server, e)) != RC_OK)
		return rc;
	fill_env(m, g, c, server, &env);
	request_set(r, "profileid", m->profile->id);
	request_set(r, "profilesetid", m->profile->sets[0].id);
	template_init(&t, arena);
	t.subject = m->req.subject;
	t.spki = m->req.spki;
	rc = profile_populate(m->profile, &env, r, &t, e);
	if (rc == RC_OK)
		rc = serial != NULL ? num_parse(&t.serial, serial, false, e)
				    : new_number(m->s, "dbs.cert.id.generator",
					  "--serial", &t.serial, e);
	if (rc != RC_OK)
		return rc;
	t.issuer = env.ca_subject;
	t.sigalg = g->alg;
	if (g->der.len > 0 && t.not_after > g->cert.not_after)
		t.not_after = g->cert.not_after;
	if ((rc = template_tbs(&tbs, &t, e)) != RC_OK)
		return rc;
	return key_sign_object(g->key, g->alg, buf_view(&tbs), out, e);
}

static enum rc
check_create(const struct args *a, struct err *e)
{
	const char *none;

	if (!args_has(a, "csr") && !args_has(a, "request"))
		return err_set(e, RC_USAGE, "Missing certificate request");
	if (!text_ends(args_str(a, "profile", ".profile"), ".profile"))
		return err_set(e, RC_UNSUPPORTED,
		    "%s: a profile of the installer (*.profile) is needed",
		    args_get(a, "profile"));
	return args_need(a, "profile", "certificate profile", &none, e);
}

static enum rc
run_cert_create(struct server *s, const struct args *a, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	struct import m = { .s = s,
		.a = a,
		.csr = buf_empty(REQ_DER_MAX),
		.csr_format = args_get(a, "csr-format") };
	struct signer g = { .der = buf_empty(CERT_DER_MAX) };
	enum rc rc = check_create(a, e);

	if (rc != RC_OK)
		return rc;
	if ((rc = load_profile(&m, e)) == RC_OK &&
	    (rc = load_request(&m, e)) == RC_OK &&
	    (rc = check_key_id(&m, e)) == RC_OK &&
	    (rc = find_signer(&m, &g, e)) == RC_OK &&
	    (rc = sign(&m, &g, &der, e)) == RC_OK &&
	    (!args_has(a, "import-cert") ||
		(rc = add_cert(&m, buf_view(&der), e)) == RC_OK))
		rc = out_der(args_get(a, "cert"), args_get(a, "format"),
		    "CERTIFICATE", buf_view(&der), e);
	key_free(g.key);
	buf_done(&g.der);
	import_done(&m);
	return rc;
}

static const struct opt import_opts[] = {
	SERVER_OPTS,
	OPT("cert", "file", "Certificate file"),
	OPT("format", "format", "Its format: PEM (default), DER"),
	OPT("csr", "file", "Its request, to be recorded too"),
	OPT("csr-format", "format", "Its format (default: found out)"),
	OPT("profile", "file", "The profile that it was made by"),
	OPT("request", "ID", "ID of the request's record"),
	OPT_END,
};
static const struct opt request_opts[] = {
	SERVER_OPTS,
	OPT("csr", "file", "Certificate request file"),
	OPT("format", "format", "Its format (default: found out)"),
	OPT("profile", "file", "The profile that it is for"),
	OPT("request", "ID", "ID of the record, as the operand"),
	OPT_END,
};
static const struct opt create_opts[] = {
	SERVER_OPTS,
	OPT("csr", "file", "Certificate request file"),
	OPT("csr-format", "format", "Its format (default: found out)"),
	OPT("request", "ID", "A request that the CA has, or the new one's ID"),
	OPT("profile", "file", "Profile of the installer (*.profile)"),
	OPT("type", "type", "local (default): by the CA; selfsign"),
	OPT("key-id", "ID", "ID of the key, which must be the request's"),
	OPT("key-token", "name", "Token of the key of selfsign"),
	OPT_UNUSED("key-algorithm", 0, "name", "the key tells it"),
	OPT("signing-algorithm", "name", "Such as SHA384withRSA"),
	OPT("serial", "number", "Serial number (default: random)"),
	OPT("format", "format", "Of the certificate: PEM (default), DER"),
	OPT("cert", "file", "Output file (default: standard output)"),
	OPT_FLAG("import-cert", "Enter it into the CA's records too"),
	OPT_END,
};

const struct server_cmd server_import[] = {
	{ "cert-import", "", "Import a certificate that the CA has signed",
	    import_opts, 0, 0, run_cert_import, NEED_SUBSYSTEM },
	{ "cert-create", "", "Make a certificate with the CA's key",
	    create_opts, 0, 0, run_cert_create, NEED_SUBSYSTEM },
	{ "cert-request-import", "[<request ID>]",
	    "Import a certificate request", request_opts, 0, 1,
	    run_request_import, NEED_SUBSYSTEM },
	{ 0 },
};
