/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_issue.c - cert-request and cert-create: new keys and certificates
 * of an instance whose CA key is at hand (spec deployment 7.3).
 * Owns:    nothing.
 * Trusts:  the instance's token and the request in certs/.
 * Threads: none. */
#include "tools/pki_server_cert.h"

#include <openssl/rand.h>

#include "base/file.h"
#include "base/text.h"
#include "deploy/service.h"
#include "keys/names.h"
#include "tools/pki_certs.h"
#include "tools/pki_server_cmds.h"
#include "x509/name.h"
#include "x509/template.h"

enum {
	SERIAL_LEN = 16,
	TEMP_MONTHS = 3,
	RSA_BITS_DEFAULT = 2048,
};

/* ---- cert-request ---- */

/* The certificate that is there now; RC_NOTFOUND when there is none. */
static enum rc
present_cert(struct server *s, const struct sys_cert *c, struct buf *der,
    struct cert *out, struct err *e)
{
	AUTO_BUF nick = buf_empty(0);
	struct keystore *ks;
	enum rc rc;

	if ((rc = sys_cert_nick(c, &nick, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK ||
	    (rc = keystore_find_cert(ks, der, buf_cstr(&nick), e)) != RC_OK)
		return rc;
	return cert_parse(out, buf_view(der), e);
}

/* Its file when the token has it no more: a new key is of the old one's kind. */
static enum rc
former_cert(struct server *s, const struct sys_cert *c, struct buf *der,
    struct cert *out, struct err *e)
{
	AUTO_STR path = sys_cert_path(s, c, "crt");
	enum rc rc;

	if (path == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	buf_reset(der);
	rc = out_read_der(der, path, NULL, "CERTIFICATE", e);
	return rc == RC_OK ? cert_parse(out, buf_view(der), e) : rc;
}

/* A key like the one of the present certificate, else RSA. */
static enum rc
keygen_like(struct keygen *g, const struct cert *c, struct err *e)
{
	enum keytype type = KEYTYPE_RSA;
	enum oid curve = OID_COUNT;
	int bits = RSA_BITS_DEFAULT;
	enum rc rc;

	if (c != NULL &&
	    (rc = spki_info(c->spki, &type, &bits, &curve, e)) != RC_OK)
		return rc;
	*g = (struct keygen){ .type = type,
		.rsa_bits = bits,
		.curve = curve,
		.sensitive = true,
		.extractable = true };
	return RC_OK;
}

/* A CA asks for what it will be. */
static enum rc
request_exts(struct ext_list *l, const struct sys_cert *c, const struct args *a,
    struct view spki, struct view name, struct err *e)
{
	const char *path = args_get(a, "ext");
	struct certs_subject of = { .spki = spki, .name = name };
	enum rc rc;

	if (path != NULL)
		return certs_ext_file(l, path, &of, e);
	if (strcmp(c->id, "ca_signing") != 0)
		return RC_OK;
	rc = certs_ext_text(
	    l, "basicConstraints", "critical, CA:TRUE", spki, NULL, e);
	return rc == RC_OK
	    ? certs_ext_text(l, "keyUsage",
		  "critical, digitalSignature, nonRepudiation, keyCertSign, "
		  "cRLSign",
		  spki, NULL, e)
	    : rc;
}

static enum rc
run_request(struct server *s, const struct args *a, struct err *e)
{
	AUTO_BUF name = buf_empty(NAME_DER_MAX);
	AUTO_BUF old = buf_empty(CERT_DER_MAX), subject = buf_empty(0),
		 der = buf_empty(REQ_DER_MAX), pem = buf_empty(0);
	AUTO(sys_cert) c = NULL;
	AUTO(arena) arena = arena_new(0);
	AUTO(key) key = NULL;
	AUTO_STR path = NULL;
	struct ext_list exts;
	struct keystore *ks;
	struct keygen g;
	struct cert x;
	bool has, known;
	enum rc rc = sys_cert_find(s, &c, args_at(a, 0), e);

	if (rc != RC_OK)
		return rc;
	if (arena == NULL || (path = sys_cert_path(s, c, "csr")) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	has = present_cert(s, c, &old, &x, NULL) == RC_OK;
	known = has || former_cert(s, c, &old, &x, NULL) == RC_OK;
	if (args_has(a, "subject"))
		buf_add_str(&subject, args_get(a, "subject"));
	else if (!has)
		return err_set(e, RC_USAGE, "Missing subject DN");
	else if ((rc = name_text(&subject, x.subject, e)) != RC_OK)
		return rc;
	ext_list_init(&exts, arena);
	if ((rc = keygen_like(&g, known ? &x : NULL, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK ||
	    (rc = keystore_generate(
		 ks, &key, args_str(a, "token", c->token), &g, e)) != RC_OK ||
	    (rc = name_parse(&name, buf_view(&subject), e)) != RC_OK ||
	    (rc = request_exts(
		 &exts, c, a, key_spki(key), buf_view(&name), e)) != RC_OK ||
	    (rc = certs_make_req(
		 &der, key, buf_cstr(&subject), &exts, NULL, e)) != RC_OK)
		return rc;
	text_add_pem(&pem, "CERTIFICATE REQUEST", buf_view(&der), "\n");
	return server_write(s, path, buf_view(&pem), 0660, e);
}

/* ---- cert-create ---- */

/* A certificate in the making. */
struct making {
	struct server *s;
	const struct sys_cert *c; /* NULL: old_der is given */
	bool renew, temp;
	const char *issuer_nick, *serial, *ext;
	const char *token; /* of the signing key; NULL = as configured */
	struct buf old_der, csr_der, issuer_der;
	struct cert old, issuer; /* views into the buffers */
	struct req req;
	struct key *key; /* of the issuer */
	bool self;       /* the CA's own */
	struct cert_template t;
};

static void
making_done(struct making *m)
{
	buf_done(&m->old_der);
	buf_done(&m->csr_der);
	buf_done(&m->issuer_der);
	key_free(m->key);
}

/* --issuer, else the signing certificate of the CA in this instance. */
static enum rc
find_issuer(struct making *m, struct err *e)
{
	const char *name = m->issuer_nick;
	AUTO_BUF nick = buf_empty(0);
	AUTO(sys_cert) ca = NULL;
	struct keystore *ks;
	enum rc rc;

	if (m->self)
		return RC_OK;
	if (name != NULL) {
		if (m->token != NULL && strchr(name, ':') == NULL &&
		    !names_is_internal(m->token))
			buf_addf(&nick, "%s:", m->token);
		buf_add_str(&nick, name);
	} else {
		if (!server_has(m->s->paths, "ca"))
			return err_set(e, RC_UNSUPPORTED,
			    "no CA in instance %s: let its CA renew the "
			    "certificate (pki ca-cert-issue), then use "
			    "cert-import",
			    m->s->name);
		rc = sys_cert_find(m->s, &ca, "ca_signing", e);
		if (rc == RC_OK)
			rc = sys_cert_nick(ca, &nick, e);
		if (rc != RC_OK)
			return rc;
	}
	if ((rc = server_keystore(m->s, &ks, e)) != RC_OK ||
	    (rc = keystore_find_pair(
		 ks, &m->key, &m->issuer_der, buf_cstr(&nick), e)) != RC_OK)
		return rc;
	return cert_parse(&m->issuer, buf_view(&m->issuer_der), e);
}

/* What the certificate is made of: the present one (--renew, --temp), or the
 * request. */
static enum rc
find_source(struct making *m, struct view *exts, struct err *e)
{
	AUTO_STR path = NULL;
	enum rc rc;

	if (m->renew || m->temp) {
		rc = m->c != NULL
		    ? present_cert(m->s, m->c, &m->old_der, &m->old, e)
		    : cert_parse(&m->old, buf_view(&m->old_der), e);
		if (rc != RC_OK)
			return rc;
		m->t.subject = m->old.subject;
		m->t.spki = m->old.spki;
		*exts = m->old.exts;
	} else {
		if ((path = sys_cert_path(m->s, m->c, "csr")) == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
		rc = certs_load_req(&m->req, &m->csr_der, path, NULL, e);
		if (rc != RC_OK)
			return rc;
		m->t.subject = m->req.subject;
		m->t.spki = m->req.spki;
		*exts = m->req.exts;
		/* a request that asks for nothing gets what is there now */
		if (exts->len == 0 &&
		    present_cert(m->s, m->c, &m->old_der, &m->old, NULL) ==
			RC_OK)
			*exts = m->old.exts;
	}
	return RC_OK;
}

/* A CA's own certificate is signed by its own key: that of the request, which
 * need not be the present one. */
static enum rc
find_own_key(struct making *m, struct err *e)
{
	struct keystore *ks;
	enum rc rc;

	if (!m->self)
		return RC_OK;
	if ((rc = server_keystore(m->s, &ks, e)) != RC_OK)
		return rc;
	rc = keystore_find_key(ks, &m->key,
	    m->token != NULL ? m->token : m->c->token, m->t.spki, e);
	return rc == RC_OK ? RC_OK : err_prefix(e, "key of %s", m->c->id);
}

/* Installed extensions for a certificate that is not there any more, by a
 * request that asks for none; malloc'ed. */
static char *
installed_exts(const char *cert_id)
{
	static const char *const files[][2] = {
		{ "ca_ocsp_signing", "/server/certs/ocsp_signing.conf" },
		{ "ca_audit_signing", "/server/certs/audit_signing.conf" },
		{ "sslserver", "/server/certs/sslserver.conf" },
		{ "subsystem", "/server/certs/subsystem.conf" },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(files[i][0], cert_id) == 0)
			return paths_share(files[i][1]);
	return NULL;
}

static enum rc
set_exts(struct making *m, struct view from, struct err *e)
{
	const struct cert *issuer = m->self ? NULL : &m->issuer;
	AUTO_STR installed = m->ext == NULL && from.len == 0 && m->c != NULL
	    ? installed_exts(m->c->id)
	    : NULL;
	const char *path = m->ext != NULL ? m->ext : installed;
	struct certs_subject of = { m->t.spki, m->t.subject, from, issuer };
	struct ext x;
	enum rc rc = RC_OK;

	if (path != NULL)
		return certs_ext_file(&m->t.exts, path, &of, e);
	while (from.len > 0) {
		if ((rc = ext_next(&from, &x, e)) != RC_OK ||
		    (rc = ext_list_set(
			 &m->t.exts, x.oid, x.critical, x.value, e)) != RC_OK)
			return rc;
	}
	/* the issuer's key may be another one by now */
	rc = certs_ext_text(&m->t.exts, "authorityKeyIdentifier", "keyid",
	    m->t.spki, issuer, e);
	if (rc != RC_OK || m->renew || m->temp)
		return rc;
	return certs_ext_text(
	    &m->t.exts, "subjectKeyIdentifier", "hash", m->t.spki, NULL, e);
}

static enum rc
set_serial(struct making *m, struct err *e)
{
	const char *text = m->serial;
	uint8_t random[SERIAL_LEN];

	if (text != NULL)
		return num_parse(&m->t.serial, text, false, e);
	if (RAND_bytes(random, sizeof(random)) != 1)
		return err_openssl(e, RC_CRYPTO, "random numbers");
	random[0] = (uint8_t)((random[0] & 0x7f) | 0x40);
	return num_from_view(&m->t.serial, view_of(random, sizeof(random)), e);
}

/* As long as before, three months for a temporary one, two years for a new
 * one; not longer than the issuer. */
static void
set_validity(struct making *m)
{
	int64_t now = clock_now(&clock_system);

	m->t.not_before = now;
	if (m->temp)
		m->t.not_after = civil_add_months(now, TEMP_MONTHS);
	else if (m->renew)
		m->t.not_after = now + (m->old.not_after - m->old.not_before);
	else
		m->t.not_after = civil_add_months(now, 24);
	if (!m->self && m->t.not_after > m->issuer.not_after)
		m->t.not_after = m->issuer.not_after;
}

/* The CA's configured algorithm where its key can do it. */
static enum sigalg
signing_alg(const struct making *m)
{
	AUTO(cfg) c = NULL;
	enum sigalg a = SIGALG_COUNT;

	if (server_has(m->s->paths, "ca") &&
	    server_cs(m->s, &c, "ca", NULL) == RC_OK)
		a = sigalg_find(
		    cfg_str(c, "ca.signing.defaultSigningAlgorithm", ""));
	return a != SIGALG_COUNT && key_can_sign(m->key, a)
	    ? a
	    : key_default_sigalg(m->key);
}

/* Is there a CA with records? One that waits for pkispawn has none. */
static bool
configured(const struct server *s)
{
	AUTO(cfg) c = NULL;

	return server_has(s->paths, "ca") &&
	    server_cs(s, &c, "ca", NULL) == RC_OK &&
	    strcmp(cfg_str(c, "cs.state", "1"), "0") != 0;
}

/* The CA's records must know of it before anybody can use it. */
static enum rc
record(struct making *m, struct view der, struct err *e)
{
	AUTO_BUF text = buf_empty(0);
	AUTO_JSON q = NULL;
	enum rc rc;

	if (!configured(m->s))
		return RC_OK;
	buf_add_base64(&text, der, 0, "");
	q = json_pack("{s:s}", "cert", buf_cstr(&text));
	if ((rc = server_use(m->s, "ca", e)) != RC_OK)
		return rc;
	return server_call(m->s, "cert-add", q, NULL, e);
}

static enum rc
make(struct making *m, struct buf *der, struct err *e)
{
	AUTO_BUF tbs = buf_empty(CERT_DER_MAX);
	struct view exts = view_of(NULL, 0);
	enum rc rc;

	m->self = m->issuer_nick == NULL && m->c != NULL &&
	    strcmp(m->c->id, "ca_signing") == 0;
	if ((rc = find_issuer(m, e)) != RC_OK ||
	    (rc = find_source(m, &exts, e)) != RC_OK ||
	    (rc = find_own_key(m, e)) != RC_OK)
		return rc;
	m->t.version = 2;
	m->t.issuer = m->self ? m->t.subject : m->issuer.subject;
	set_validity(m);
	m->t.sigalg = signing_alg(m);
	if ((rc = set_serial(m, e)) != RC_OK ||
	    (rc = set_exts(m, exts, e)) != RC_OK ||
	    (rc = template_tbs(&tbs, &m->t, e)) != RC_OK)
		return rc;
	return key_sign_object(m->key, m->t.sigalg, buf_view(&tbs), der, e);
}

static enum rc
check_options(const struct args *a, struct err *e)
{
	if (args_has(a, "temp") && args_has(a, "renew"))
		return err_set(
		    e, RC_USAGE, "--temp cannot be used with --renew");
	return sys_cert_online_check(a, e);
}

/* Signed here, with the CA's key, and recorded. */
static enum rc
create_local(struct server *s, const struct sys_cert *c, const struct args *a,
    struct buf *der, struct err *e)
{
	AUTO(arena) arena = arena_new(0);
	struct making m = { .s = s,
		.c = c,
		.token = args_get(a, "token"),
		.renew = args_has(a, "renew"),
		.temp = args_has(a, "temp"),
		.issuer_nick = args_get(a, "issuer"),
		.serial = args_get(a, "serial"),
		.ext = args_get(a, "ext") };
	enum rc rc;

	if (arena == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	m.old_der = m.csr_der = m.issuer_der = buf_empty(CERT_DER_MAX);
	template_init(&m.t, arena);
	rc = make(&m, der, e);
	if (rc == RC_OK)
		rc = record(&m, buf_view(der), e);
	making_done(&m);
	return rc;
}

static enum rc
run_create(struct server *s, const struct args *a, struct err *e)
{
	AUTO(sys_cert) c = NULL;
	AUTO_BUF der = buf_empty(CERT_DER_MAX), pem = buf_empty(0);
	AUTO_STR path = NULL;
	const char *output = args_get(a, "output");
	enum rc rc;

	if ((rc = check_options(a, e)) != RC_OK ||
	    (rc = sys_cert_find(s, &c, args_at(a, 0), e)) != RC_OK)
		return rc;
	if ((path = sys_cert_path(s, c, "crt")) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = sys_cert_online(a) ? sys_cert_renew_online(s, c, a, &der, e)
				: create_local(s, c, a, &der, e);
	if (rc != RC_OK)
		return rc;
	if (output != NULL)
		return out_der(output, NULL, "CERTIFICATE", buf_view(&der), e);
	text_add_pem(&pem, "CERTIFICATE", buf_view(&der), "\n");
	return server_write(s, path, buf_view(&pem), 0660, e);
}

/* ---- cert-fix ---- */

/* The same certificate again, signed and recorded; c NULL: of old. */
static enum rc
renew(struct server *s, const struct sys_cert *c, struct view old,
    struct buf *der, struct err *e)
{
	AUTO(arena) arena = arena_new(0);
	struct making m = { .s = s, .c = c, .renew = true };
	enum rc rc;

	if (arena == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	m.old_der = m.csr_der = m.issuer_der = buf_empty(CERT_DER_MAX);
	buf_add_view(&m.old_der, old);
	template_init(&m.t, arena);
	rc = make(&m, der, e);
	if (rc == RC_OK)
		rc = record(&m, buf_view(der), e);
	making_done(&m);
	return rc;
}

/* Into certs/ and into the token, under its nickname. */
static enum rc
fix_one(struct server *s, const struct sys_cert *c, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX), pem = buf_empty(0),
		 nick = buf_empty(0);
	AUTO_STR path = sys_cert_path(s, c, "crt");
	struct keystore *ks;
	enum rc rc;

	if (path == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = sys_cert_nick(c, &nick, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK ||
	    (rc = renew(s, c, view_of(NULL, 0), &der, e)) != RC_OK)
		return err_prefix(e, "%s", c->id);
	text_add_pem(&pem, "CERTIFICATE", buf_view(&der), "\n");
	if ((rc = server_write(s, path, buf_view(&pem), 0660, e)) != RC_OK)
		return rc;
	server_say(s, "Renewed %s", c->id);
	return keystore_import_cert(
	    ks, buf_cstr(&nick), buf_view(&der), sys_cert_trust(c), e);
}

/* Is it asked for by --cert, or, when none is, expired? */
static bool
wants_fix(struct server *s, const struct sys_cert *c, const struct args *a)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	const char *id;
	struct cert x;

	for (size_t i = 0; (id = args_nth(a, "cert", i)) != NULL; i++)
		if (strcmp(id, c->id) == 0)
			return true;
	return !args_has(a, "cert") && !args_has(a, "extra-cert") &&
	    present_cert(s, c, &der, &x, NULL) == RC_OK &&
	    x.not_after < clock_now(&clock_system);
}

static enum rc
fix_system(struct server *s, const struct args *a, struct err *e)
{
	struct sys_cert *all[SYS_CERTS_MAX];
	const char *id;
	size_t n;
	enum rc rc = RC_OK;

	for (size_t i = 0; (id = args_nth(a, "cert", i)) != NULL; i++) {
		AUTO(sys_cert) c = NULL;

		if ((rc = sys_cert_find(s, &c, id, e)) != RC_OK)
			return rc;
	}
	/* the CA's own comes first in its list: others end with it */
	if ((rc = sys_cert_list(s, NULL, all, &n, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (rc == RC_OK && wants_fix(s, all[i], a))
			rc = fix_one(s, all[i], e);
		sys_cert_free(all[i]);
	}
	return rc;
}

/* A user's certificate, by serial number: the new one goes to certs/, and to
 * the agent where the old one was the agent's. */
static enum rc
fix_extra(struct server *s, const char *serial, const char *uid, struct err *e)
{
	AUTO_BUF old = buf_empty(CERT_DER_MAX), der = buf_empty(CERT_DER_MAX),
		 out = buf_empty(0), path = buf_empty(4096);
	AUTO_JSON q = json_pack("{s:s}", "serial", serial);
	AUTO_JSON o = NULL;
	AUTO_JSON user = json_pack("{s:s}", "id", uid);
	AUTO_JSON certs = NULL;
	enum rc rc;

	if ((rc = server_use(s, "ca", e)) != RC_OK ||
	    (rc = server_call(s, "cert-show", q, &o, e)) != RC_OK ||
	    (rc = text_base64(&old, view_str(json_str(o, "cert")), e)) !=
		RC_OK ||
	    (rc = server_call(s, "user-cert-find", user, &certs, e)) != RC_OK ||
	    (rc = renew(s, NULL, buf_view(&old), &der, e)) != RC_OK)
		return err_prefix(e, "certificate %s", serial);
	buf_addf(&path, "%s/%s-renewed.crt", s->paths->certs, serial);
	text_add_pem(&out, "CERTIFICATE", buf_view(&der), "\n");
	rc = server_write(s, buf_cstr(&path), buf_view(&out), 0660, e);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < json_array_size(certs); i++)
		if (strcmp(json_str(json_array_get(certs, i), "serial"),
			json_str(o, "serial")) == 0) {
			buf_reset(&out);
			buf_add_base64(&out, buf_view(&der), 0, "");
			json_object_set_new(
			    user, "cert", json_string(buf_cstr(&out)));
			return server_call(s, "user-cert-add", user, NULL, e);
		}
	return RC_OK;
}

static enum rc
fix_all(struct server *s, const struct args *a, struct err *e)
{
	const char *serial;
	enum rc rc = fix_system(s, a, e);

	for (size_t i = 0;
	     rc == RC_OK && (serial = args_nth(a, "extra-cert", i)) != NULL;
	     i++)
		rc = fix_extra(s, serial, args_get(a, "agent-uid"), e);
	return rc;
}

static enum rc
run_fix(struct server *s, const struct args *a, struct err *e)
{
	const char *serial;
	struct num n;
	bool ran;
	enum rc rc;

	if (!args_has(a, "agent-uid"))
		return err_set(e, RC_USAGE, "Must specify --agent-uid");
	for (size_t i = 0; (serial = args_nth(a, "extra-cert", i)) != NULL; i++)
		if (num_parse(&n, serial, false, NULL) != RC_OK)
			return err_set(e, RC_USAGE,
			    "--extra-cert requires serial number as integer");
	/* a server with an expired certificate runs on; it must read the new
	 * one */
	ran = service_pid(s->paths) != 0;
	if ((rc = fix_all(s, a, e)) != RC_OK || !ran)
		return rc;
	return server_restart(s, e);
}

static const struct opt request_opts[] = {
	SERVER_OPTS,
	OPT("token", "name", "Token of the key (default: as configured)"),
	OPT("subject", "DN", "Subject DN (default: as it is now)"),
	OPT("ext", "file", "File with certificate extensions"),
	OPT_END,
};
static const struct opt create_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("temp", "As it is now, for three months"),
	OPT_FLAG("renew", "As it is now, for as long as before"),
	OPT("serial", "number",
	    "Serial number (default: random); with -n or -u of the one to "
	    "renew"),
	OPT("output", "file", "Output file (default: certs/<id>.crt)"),
	OPT("issuer", "nickname", "Issuer (default: this instance's CA)"),
	OPT("ext", "file", "File with certificate extensions"),
	OPT("token", "name",
	    "Token of the signing key (default: as configured)"),
	OPT_LETTER("n", 'n', "nickname",
	    "Let the running CA renew it, as this client certificate"),
	OPT_LETTER("u", 'u', "user",
	    "Let the running CA renew it, as this user (excludes -n)"),
	OPT_LETTER("p", 'p', "port",
	    "HTTPS port of the CA (default: this instance's)"),
	OPT_LETTER(
	    "d", 'd', "folder", "NSS database (default: ~/.dogtag/nssdb)"),
	{ "c", 'c', "password", "NSS database password", true, NULL },
	OPT_LETTER("C", 'C', "file", "File with the NSS database password"),
	{ "w", 'w', "password", "Password of the user", true, NULL },
	OPT_LETTER("W", 'W', "file",
	    "File with the password of the user (excludes -w)"),
	OPT_END,
};

#define RECORDS_ELSEWHERE "records are reached as the server reaches them"
static const struct opt fix_opts[] = {
	SERVER_OPTS,
	OPT("cert", "cert ID",
	    "Certificate to renew, may be repeated (default: all expired)"),
	OPT("extra-cert", "serial", "Another certificate, may be repeated"),
	OPT("agent-uid", "user ID", "Agent to whom a renewed one is given"),
	OPT_UNUSED("ldapi-socket", 0, "path", RECORDS_ELSEWHERE),
	OPT_UNUSED("ldap-url", 0, "URL", RECORDS_ELSEWHERE),
	OPT_UNUSED("p", 'p', "port", "the CA signs without being asked"),
	OPT_UNUSED("db-user-dn", 0, "DN", RECORDS_ELSEWHERE),
	OPT_UNUSED("dm-password", 0, "password", RECORDS_ELSEWHERE),
	OPT_END,
};

const struct server_cmd server_cert_make[] = {
	{ "cert-request", "<cert ID>",
	    "Make a key and a request of a system certificate", request_opts, 1,
	    1, run_request, NEED_INSTANCE },
	{ "cert-create", "<cert ID>",
	    "Make a system certificate with the CA of this instance",
	    create_opts, 1, 1, run_create, NEED_INSTANCE },
	{ "cert-fix", "", "Renew expired system certificates", fix_opts, 0, 0,
	    run_fix, NEED_INSTANCE },
	{ 0 },
};
