/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_syscert.c - system certificates as CS.cfg describes them (spec
 * deployment 1.5), out of the token into files, and back into CS.cfg.
 * Owns:    struct sys_cert.
 * Trusts:  the instance's settings.
 * Threads: none. */
#include "tools/pki_server_cert.h"

#include "base/file.h"
#include "base/path.h"
#include "base/text.h"
#include "keys/keyid.h"
#include "keys/names.h"
#include "keys/pkcs12.h"
#include "tools/pki_certs.h"

enum {
	PKCS12_MAX = 16 * 1024 * 1024,
};

void
sys_cert_free(struct sys_cert *c)
{
	if (c == NULL)
		return;
	free(c->nickname);
	free(c->token);
	free(c->usage);
	free(c);
}

static bool
is_shared(const char *tag)
{
	return strcmp(tag, "sslserver") == 0 || strcmp(tag, "subsystem") == 0;
}

/* A copy of the first of two settings that is there and not empty. */
static char *
setting(const struct cfg *c, const char *sub, const char *tag,
    const char *first, const char *second)
{
	const char *v = cfg_getf(c, "%s.%s.%s", sub, tag, first);

	if (v == NULL || *v == '\0')
		v = cfg_getf(c, "%s.cert.%s.%s", sub, tag, second);
	return v != NULL && *v != '\0' ? strdup(v) : NULL;
}

static enum rc
describe(struct sys_cert **out, const struct cfg *c, const char *sub,
    const char *tag, struct err *e)
{
	AUTO(sys_cert) x = calloc(1, sizeof(*x));
	size_t n;

	if (x == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	x->sub = sub;
	snprintf(x->tag, sizeof(x->tag), "%s", tag);
	snprintf(x->id, sizeof(x->id), "%s%s%s", is_shared(tag) ? "" : sub,
	    is_shared(tag) ? "" : "_", tag);
	x->nickname = setting(c, sub, tag, "nickname", "nickname");
	x->token = setting(c, sub, tag, "tokenname", "tokenname");
	x->usage = setting(c, sub, tag, "certusage", "certusage");
	if (x->token != NULL && names_is_internal(x->token)) {
		free(x->token);
		x->token = NULL;
	}
	/* some files say "token:nickname" */
	n = x->token != NULL ? strlen(x->token) : 0;
	if (n > 0 && x->nickname != NULL &&
	    strncmp(x->nickname, x->token, n) == 0 && x->nickname[n] == ':')
		memmove(x->nickname, x->nickname + n + 1,
		    strlen(x->nickname + n + 1) + 1);
	*out = sys_cert_steal(&x);
	return RC_OK;
}

static bool
listed(struct sys_cert *const *list, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i]->id, id) == 0)
			return true;
	return false;
}

static enum rc
list_sub(struct server *s, const char *sub, struct sys_cert **out, size_t *n,
    struct err *e)
{
	AUTO(cfg) c = NULL;
	AUTO_STR tags = NULL;
	char *tag[SYS_CERTS_MAX];
	enum rc rc = server_cs(s, &c, sub, e);
	size_t count;

	if (rc != RC_OK)
		return rc;
	tags = strdup(cfg_getf(c, "%s.cert.list", sub) != NULL
		? cfg_getf(c, "%s.cert.list", sub)
		: "");
	if (tags == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	count = text_split(tags, ",", tag, SYS_CERTS_MAX);
	for (size_t i = 0; i < count && i < SYS_CERTS_MAX; i++) {
		AUTO(sys_cert) x = NULL;

		if ((rc = describe(&x, c, sub, tag[i], e)) != RC_OK)
			return rc;
		if (*n < SYS_CERTS_MAX && !listed(out, *n, x->id))
			out[(*n)++] = sys_cert_steal(&x);
	}
	return RC_OK;
}

enum rc
sys_cert_list(struct server *s, const char *sub,
    struct sys_cert *out[SYS_CERTS_MAX], size_t *n, struct err *e)
{
	enum rc rc = RC_OK;

	*n = 0;
	for (size_t i = 0; rc == RC_OK && i < SERVER_SUBSYSTEMS; i++) {
		const char *x = server_subsystems[i];

		if ((sub == NULL || strcmp(sub, x) == 0) &&
		    server_has(s->paths, x))
			rc = list_sub(s, x, out, n, e);
	}
	if (rc != RC_OK)
		while (*n > 0)
			sys_cert_free(out[--*n]);
	return rc;
}

/* Takes one of the list by id or tag; the others go. */
static enum rc
pick(struct server *s, struct sys_cert **out, const char *sub, const char *name,
    bool by_tag, struct err *e)
{
	struct sys_cert *all[SYS_CERTS_MAX];
	struct sys_cert *found = NULL;
	size_t n;
	enum rc rc = sys_cert_list(s, sub, all, &n, e);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (found == NULL &&
		    strcmp(by_tag ? all[i]->tag : all[i]->id, name) == 0)
			found = all[i];
		else
			sys_cert_free(all[i]);
	}
	if (found == NULL)
		return err_set(e, RC_NOTFOUND, "No such certificate: %s", name);
	*out = found;
	return RC_OK;
}

/* A certificate of a subsystem that is still to be made: its nickname is its
 * id. */
static enum rc
of_no_subsystem(struct sys_cert **out, const char *id, struct err *e)
{
	static const char *const ids[] = { "sslserver", "subsystem",
		"ca_signing", "ca_ocsp_signing", "ca_audit_signing",
		"kra_transport", "kra_storage", "kra_audit_signing",
		"ocsp_signing", "ocsp_audit_signing", "tks_audit_signing",
		"tps_audit_signing" };
	AUTO(cfg) none = cfg_new();

	if (none == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		const char *sub = NULL, *tag = ids[i];
		AUTO(sys_cert) x = NULL;
		enum rc rc;

		if (strcmp(ids[i], id) != 0)
			continue;
		for (size_t n = 0; n < SERVER_SUBSYSTEMS; n++)
			if (text_starts(id, server_subsystems[n]))
				sub = server_subsystems[n];
		if (sub != NULL)
			tag += strlen(sub) + 1;
		rc = describe(&x, none, sub != NULL ? sub : "ca", tag, e);
		if (rc == RC_OK && (x->nickname = strdup(id)) == NULL)
			rc = err_set(e, RC_NOMEM, "out of memory");
		if (rc == RC_OK)
			*out = sys_cert_steal(&x);
		return rc;
	}
	return err_set(e, RC_NOTFOUND, "No such certificate: %s", id);
}

/* Has the instance a subsystem that lists its certificates? */
static bool
any_listed(struct server *s)
{
	for (size_t i = 0; i < SERVER_SUBSYSTEMS; i++) {
		const char *sub = server_subsystems[i];
		AUTO(cfg) c = NULL;

		if (server_has(s->paths, sub) &&
		    server_cs(s, &c, sub, NULL) == RC_OK &&
		    cfg_getf(c, "%s.cert.list", sub) != NULL)
			return true;
	}
	return false;
}

enum rc
sys_cert_find(
    struct server *s, struct sys_cert **out, const char *id, struct err *e)
{
	return any_listed(s) ? pick(s, out, NULL, id, false, e)
			     : of_no_subsystem(out, id, e);
}

enum rc
sys_cert_tag(struct server *s, struct sys_cert **out, const char *sub,
    const char *tag, struct err *e)
{
	return pick(s, out, sub, tag, true, e);
}

enum rc
sys_cert_nick(const struct sys_cert *c, struct buf *out, struct err *e)
{
	if (c->nickname == NULL)
		return err_set(e, RC_NOTFOUND, "missing nickname");
	if (c->token != NULL)
		buf_addf(out, "%s:", c->token);
	buf_add_str(out, c->nickname);
	return buf_check(out, e);
}

const char *
sys_cert_trust(const struct sys_cert *c)
{
	if (strcmp(c->id, "ca_signing") == 0)
		return "CTu,Cu,Cu";
	return strcmp(c->tag, "audit_signing") == 0 ? "u,u,Pu" : "u,u,u";
}

char *
sys_cert_path(
    const struct server *s, const struct sys_cert *c, const char *suffix)
{
	char *out;

	return asprintf(&out, "%s/%s.%s", s->paths->certs, c->id, suffix) < 0
	    ? NULL
	    : out;
}

const char *
sys_cert_token(const struct sys_cert *c)
{
	return c->token != NULL ? c->token : NAMES_INTERNAL_LONG;
}

/* ---- into the settings ---- */

static enum rc
set_names(struct cfg *c, const struct sys_cert *x, const char *sub,
    const char *nickname, const char *token, struct err *e)
{
	AUTO_BUF full = buf_empty(0);
	char name[3][128];
	enum rc rc;

	if (token != NULL)
		buf_addf(&full, "%s:", token);
	buf_add_str(&full, nickname);
	snprintf(name[0], sizeof(name[0]), "%s.%s.nickname", sub, x->tag);
	snprintf(name[1], sizeof(name[1]), "%s.%s.tokenname", sub, x->tag);
	snprintf(name[2], sizeof(name[2]), "%s.cert.%s.nickname", sub, x->tag);
	if ((rc = cfg_set(c, name[0], nickname, e)) != RC_OK ||
	    (rc = cfg_set(c, name[1], token != NULL ? token : NAMES_INTERNAL,
		 e)) != RC_OK)
		return rc;
	return cfg_set(c, name[2], buf_cstr(&full), e);
}

/* The TLS server's own settings. */
static enum rc
rename_server(
    struct server *s, const char *nickname, const char *token, struct err *e)
{
	AUTO_BUF full = buf_empty(0), text = buf_empty(0),
		 path = buf_empty(PATH_TEXT_MAX);
	AUTO(cfg) c = NULL;
	enum rc rc = server_cfg(s, &c, e);

	if (rc != RC_OK)
		return rc;
	if (token != NULL)
		buf_addf(&full, "%s:", token);
	buf_add_str(&full, nickname);
	rc = cfg_set(c, "sslserver.nickname", buf_cstr(&full), e);
	if (rc != RC_OK)
		return rc;
	cfg_encode(c, &text);
	buf_addf(&path, "%s/serverCertNick.conf", s->paths->conf);
	if ((rc = buf_check(&text, e)) != RC_OK ||
	    (rc = server_write(
		 s, s->paths->server, buf_view(&text), 0660, e)) != RC_OK)
		return rc;
	return server_write(s, buf_cstr(&path), buf_view(&full), 0660, e);
}

static bool
same(const char *a, const char *b)
{
	return (a == NULL && b == NULL) ||
	    (a != NULL && b != NULL && strcmp(a, b) == 0);
}

enum rc
sys_cert_rename(struct server *s, const struct sys_cert *c,
    const char *nickname, const char *token, struct err *e)
{
	enum rc rc = RC_OK;

	if (token != NULL && names_is_internal(token))
		token = NULL;
	if (same(nickname, c->nickname) && same(token, c->token))
		return RC_OK;
	for (size_t i = 0; rc == RC_OK && i < SERVER_SUBSYSTEMS; i++) {
		const char *sub = server_subsystems[i];
		AUTO(cfg) cs = NULL;

		if (!server_has(s->paths, sub) ||
		    (!is_shared(c->tag) && strcmp(sub, c->sub) != 0))
			continue;
		if ((rc = server_cs(s, &cs, sub, e)) != RC_OK ||
		    (rc = set_names(cs, c, sub, nickname, token, e)) != RC_OK)
			return rc;
		rc = server_save_cs(s, sub, cs, e);
	}
	if (rc == RC_OK && strcmp(c->tag, "sslserver") == 0)
		rc = rename_server(s, nickname, token, e);
	return rc;
}

/* Base64 in a setting that older versions keep; none is added. */
static enum rc
set_bytes(struct cfg *c, const char *sub, const char *tag, const char *what,
    struct view der, bool *changed, struct err *e)
{
	const char *old = cfg_getf(c, "%s.%s.%s", sub, tag, what);
	AUTO_BUF text = buf_empty(0);
	char name[128];

	if (old == NULL || der.len == 0)
		return RC_OK;
	buf_add_base64(&text, der, 0, "");
	if (strcmp(old, buf_cstr(&text)) == 0)
		return RC_OK;
	*changed = true;
	snprintf(name, sizeof(name), "%s.%s.%s", sub, tag, what);
	return cfg_set(c, name, buf_cstr(&text), e);
}

/* cloning.<tag>.privkey.id, which a re-keyed certificate has left behind. */
static enum rc
set_key_id(struct cfg *c, const char *tag, const struct key *k, bool *changed,
    struct err *e)
{
	char name[128], id[KEYID_TEXT_MAX];
	const char *old;
	enum rc rc;

	snprintf(name, sizeof(name), "cloning.%s.privkey.id", tag);
	if ((old = cfg_get(c, name)) == NULL)
		return RC_OK;
	if ((rc = keyid_encode(id, key_id(k), e)) != RC_OK)
		return rc;
	if (strcmp(old, id) == 0)
		return RC_OK;
	*changed = true;
	return cfg_set(c, name, id, e);
}

static enum rc
update_sub(struct server *s, const struct sys_cert *x, const char *sub,
    const struct key *k, struct view der, struct err *e)
{
	AUTO(cfg) c = NULL;
	bool changed = false;
	enum rc rc;

	if ((rc = server_cs(s, &c, sub, e)) != RC_OK ||
	    (rc = set_bytes(c, sub, x->tag, "cert", der, &changed, e)) !=
		RC_OK ||
	    (rc = set_key_id(c, x->tag, k, &changed, e)) != RC_OK)
		return rc;
	return changed ? server_save_cs(s, sub, c, e) : RC_OK;
}

enum rc
sys_cert_update(struct server *s, const struct sys_cert *c, struct err *e)
{
	AUTO_BUF nick = buf_empty(0), der = buf_empty(CERT_DER_MAX),
		 pem = buf_empty(0);
	AUTO_STR path = sys_cert_path(s, c, "crt");
	AUTO(key) key = NULL;
	struct keystore *ks;
	enum rc rc;

	if (path == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = sys_cert_nick(c, &nick, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK ||
	    (rc = keystore_find_pair(ks, &key, &der, buf_cstr(&nick), e)) !=
		RC_OK)
		return rc;
	for (size_t i = 0; i < SERVER_SUBSYSTEMS; i++) {
		const char *sub = server_subsystems[i];

		if (!server_has(s->paths, sub) ||
		    (!is_shared(c->tag) && strcmp(sub, c->sub) != 0))
			continue;
		rc = update_sub(s, c, sub, key, buf_view(&der), e);
		if (rc != RC_OK)
			return rc;
	}
	text_add_pem(&pem, "CERTIFICATE", buf_view(&der), "\n");
	return server_write(s, path, buf_view(&pem), 0660, e);
}

/* ---- out of the token ---- */

enum rc
server_pkcs12_password(const struct args *a, struct secret **out, struct err *e)
{
	enum rc rc =
	    args_password(a, "pkcs12-password", "pkcs12-password-file", out, e);

	if (rc == RC_OK && *out == NULL)
		rc = err_set(e, RC_USAGE, "Missing PKCS #12 password");
	return rc;
}

static enum rc
export_pkcs12(struct server *s, const struct sys_cert *c, const struct args *a,
    struct err *e)
{
	const char *path = args_get(a, "pkcs12-file"),
		   *friendly = args_get(a, "friendly-name");
	AUTO_BUF nick = buf_empty(0), der = buf_empty(PKCS12_MAX);
	AUTO(pkcs12) p12 = NULL;
	AUTO(secret) pin = NULL;
	struct keystore *ks;
	size_t first;
	enum rc rc;

	if ((rc = server_pkcs12_password(a, &pin, e)) != RC_OK ||
	    (rc = sys_cert_nick(c, &nick, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK)
		return rc;
	if (args_has(a, "append") && file_exists(path)) {
		if ((rc = file_read(&der, path, e)) != RC_OK ||
		    (rc = pkcs12_parse(&p12, buf_view(&der), pin, e)) != RC_OK)
			return rc;
		buf_reset(&der);
	} else if ((p12 = pkcs12_new()) == NULL) {
		return err_set(e, RC_NOMEM, "out of memory");
	}
	first = p12->n;
	rc = pkcs12_add_from(p12, ks, buf_cstr(&nick), args_has(a, "no-key"),
	    args_has(a, "no-chain"), e);
	if (rc != RC_OK)
		return rc;
	if (friendly != NULL && first < p12->n) {
		free(p12->items[first].nickname);
		p12->items[first].nickname = strdup(friendly);
	}
	for (size_t i = first; args_has(a, "no-trust-flags") && i < p12->n;
	     i++) {
		free(p12->items[i].trust);
		p12->items[i].trust = NULL;
	}
	rc = pkcs12_encode(&der, p12, pin, e);
	return rc == RC_OK ? file_write(path, buf_view(&der), 0600, e) : rc;
}

static enum rc
export_cert(
    struct server *s, const struct sys_cert *c, const char *path, struct err *e)
{
	AUTO_BUF nick = buf_empty(0), der = buf_empty(CERT_DER_MAX);
	struct keystore *ks;
	enum rc rc;

	if ((rc = sys_cert_nick(c, &nick, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK ||
	    (rc = keystore_find_cert(ks, &der, buf_cstr(&nick), e)) != RC_OK)
		return rc;
	return out_der(path, NULL, "CERTIFICATE", buf_view(&der), e);
}

static enum rc
export_csr(
    struct server *s, const struct sys_cert *c, const char *path, struct err *e)
{
	AUTO_STR from = sys_cert_path(s, c, "csr");
	AUTO_BUF der = buf_empty(REQ_DER_MAX);
	struct req r;
	enum rc rc;

	if (from == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (!file_exists(from))
		return err_set(e, RC_NOTFOUND,
		    "Unable to find certificate request for %s", c->id);
	rc = certs_load_req(&r, &der, from, NULL, e);
	return rc == RC_OK
	    ? out_der(path, NULL, "CERTIFICATE REQUEST", buf_view(&der), e)
	    : rc;
}

enum rc
sys_cert_export(struct server *s, const struct sys_cert *c,
    const struct args *a, struct err *e)
{
	enum rc rc = RC_OK;

	if (!args_has(a, "cert-file") && !args_has(a, "csr-file") &&
	    !args_has(a, "pkcs12-file"))
		return err_set(e, RC_USAGE, "missing output file");
	if (args_has(a, "cert-file"))
		rc = export_cert(s, c, args_get(a, "cert-file"), e);
	if (rc == RC_OK && args_has(a, "csr-file"))
		rc = export_csr(s, c, args_get(a, "csr-file"), e);
	if (rc == RC_OK && args_has(a, "pkcs12-file"))
		rc = export_pkcs12(s, c, a, e);
	return rc;
}

const struct opt sys_export_opts[] = {
	SERVER_OPTS,
	OPT("cert-file", "file", "Write the certificate there"),
	OPT("csr-file", "file", "Write the request there"),
	OPT("pkcs12-file", "file", "Write certificate and key there"),
	OPT_SECRET("pkcs12-password", "password", "Its password"),
	OPT("pkcs12-password-file", "file", "File with its password"),
	OPT("friendly-name", "name", "Friendly name in the PKCS #12 file"),
	OPT_UNUSED("cert-encryption", 0, "name", "AES-256 is used"),
	OPT_UNUSED("key-encryption", 0, "name", "AES-256 is used"),
	OPT_FLAG("append", "Append to an existing PKCS #12 file"),
	OPT_FLAG("no-trust-flags", "Leave trust flags out"),
	OPT_FLAG("no-key", "Leave the key out"),
	OPT_FLAG("no-chain", "Leave the issuers out"),
	OPT_END,
};
