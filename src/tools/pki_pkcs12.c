/* SPDX-License-Identifier: Apache-2.0 */
/* pki_pkcs12.c - pkcs12-*: PKCS #12 files and the NSS database.
 * Owns:    the parsed file during one command.
 * Trusts:  nothing in the file but what keys/pkcs12.h has checked.
 * Threads: none. */
#include "tools/pki_certs.h"
#include "tools/pki_cmds.h"

#include "base/file.h"
#include "keys/pkcs12.h"
#include "x509/name.h"

enum {
	PKCS12_MAX = 16 * 1024 * 1024
};

static enum rc
file_and_pin(
    const struct args *a, const char **path, struct secret **pin, struct err *e)
{
	enum rc rc = args_need(a, "pkcs12", "PKCS #12 file", path, e);

	if (rc == RC_OK)
		rc = args_password(a, "password", "password-file", pin, e);
	if (rc == RC_OK && *pin == NULL)
		rc = err_set(e, RC_USAGE, "Missing PKCS #12 password");
	return rc;
}

/* may_miss: a missing file is an empty one. */
static enum rc
load(struct pkcs12 **out, const char *path, const struct secret *pin,
    bool may_miss, struct err *e)
{
	AUTO_BUF der = buf_empty(PKCS12_MAX);
	enum rc rc;

	if (may_miss && !file_exists(path)) {
		*out = pkcs12_new();
		return *out != NULL ? RC_OK
				    : err_set(e, RC_NOMEM, "out of memory");
	}
	if ((rc = file_read(&der, path, e)) != RC_OK)
		return rc;
	return pkcs12_parse(out, buf_view(&der), pin, e);
}

/* The file that --pkcs12 names, with the password that it and save take. */
static enum rc
open_file(const struct args *a, struct pkcs12 **out, const char **path,
    struct secret **pin, struct err *e)
{
	enum rc rc = file_and_pin(a, path, pin, e);

	return rc == RC_OK ? load(out, *path, *pin, false, e) : rc;
}

/* The same for writing: empty, unless --append says that it is kept. */
static enum rc
open_output(const struct args *a, struct pkcs12 **out, const char **path,
    struct secret **pin, struct err *e)
{
	enum rc rc = file_and_pin(a, path, pin, e);

	if (rc != RC_OK)
		return rc;
	if (args_has(a, "append"))
		return load(out, *path, *pin, true, e);
	return (*out = pkcs12_new()) != NULL
	    ? RC_OK
	    : err_set(e, RC_NOMEM, "out of memory");
}

static enum rc
save(const struct pkcs12 *p12, const char *path, const struct secret *pin,
    struct err *e)
{
	AUTO_BUF der = buf_empty(PKCS12_MAX);
	enum rc rc = pkcs12_encode(&der, p12, pin, e);

	return rc == RC_OK ? file_write(path, buf_view(&der), 0600, e) : rc;
}

static void
drop_trust(struct pkcs12 *p12)
{
	for (size_t i = 0; i < p12->n; i++) {
		free(p12->items[i].trust);
		p12->items[i].trust = NULL;
	}
}

/* ---- the whole database ---- */

struct nicks {
	char **name;
	size_t n, max;
	bool failed;
};

static bool
note_nick(void *arg, const struct keystore_cert *c)
{
	struct nicks *l = arg;

	if (l->n == l->max || (l->name[l->n] = strdup(c->nickname)) == NULL) {
		l->failed = true;
		return false;
	}
	l->n++;
	return true;
}

/* Every certificate of the database, as if all had been named. */
static enum rc
add_all(struct pkcs12 *p12, struct keystore *ks, const struct args *a,
    const char *token, struct err *e)
{
	struct nicks l = { .max = CERTS_MAX };
	enum rc rc;

	if ((l.name = calloc(l.max, sizeof(*l.name))) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = keystore_each_cert(ks, token, note_nick, &l, e);
	if (rc == RC_OK && l.failed)
		rc = err_set(e, RC_TOOBIG, "Too many certificates");
	for (size_t i = 0; i < l.n; i++) {
		if (rc == RC_OK)
			rc = pkcs12_add_from(
			    p12, ks, l.name[i], args_has(a, "no-key"), true, e);
		free(l.name[i]);
	}
	free(l.name);
	return rc;
}

static enum rc
run_export(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(pkcs12) p12 = NULL;
	AUTO(secret) pin = NULL;
	struct keystore *ks;
	const char *path;
	enum rc rc = open_output(a, &p12, &path, &pin, e);

	if (rc == RC_OK)
		rc = pki_keystore(p, &ks, e);
	for (size_t i = 0; rc == RC_OK && i < args_count(a); i++)
		rc = pkcs12_add_from(p12, ks, args_at(a, i),
		    args_has(a, "no-key"), args_has(a, "no-chain"), e);
	if (rc == RC_OK && args_count(a) == 0)
		rc = add_all(p12, ks, a, args_get(p->global, "token"), e);
	if (rc != RC_OK)
		return rc;
	if (args_has(a, "no-trust-flags"))
		drop_trust(p12);
	return save(p12, path, pin, e);
}

static enum rc
run_import(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(pkcs12) p12 = NULL;
	AUTO(secret) pin = NULL;
	struct keystore *ks;
	const char *path;
	enum rc rc = open_file(a, &p12, &path, &pin, e);

	if (rc != RC_OK || (rc = pki_keystore(p, &ks, e)) != RC_OK)
		return rc;
	return pkcs12_import(p12, ks, args_has(a, "no-user-certs"),
	    args_has(a, "no-ca-certs"), args_has(a, "no-trust-flags"), e);
}

/* ---- certificates of a file ---- */

/* The id of an item: the key's where it has one, else SHA-1 of the
 * certificate. */
static void
item_id(struct buf *out, const struct pkcs12_item *it)
{
	uint8_t d[DIGEST_MAX];

	if (it->key_id.len > 0)
		buf_add_hex(out, buf_view(&it->key_id));
	else
		buf_add_hex(out,
		    view_of(d,
			digest_of(
			    d, DIGEST_SHA1, view_of(it->cert, it->cert_len))));
}

/* The flags as a database would show them: u tells of a key. */
static void
trust_text(struct buf *out, const struct pkcs12_item *it)
{
	for (const char *s = it->trust; *s != '\0'; s++)
		if (*s != 'u' || it->pkcs8 != NULL)
			buf_add_char(out, *s);
}

static enum rc
print_cert(const struct pkcs12_item *it, struct err *e)
{
	AUTO_BUF id = buf_empty(0), subject = buf_empty(0),
		 issuer = buf_empty(0), trust = buf_empty(0);
	char text[NUM_TEXT_MAX];
	struct cert c;
	enum rc rc = cert_parse(&c, view_of(it->cert, it->cert_len), e);

	if (rc != RC_OK || (rc = name_text(&subject, c.subject, e)) != RC_OK ||
	    (rc = name_text(&issuer, c.issuer, e)) != RC_OK)
		return rc;
	item_id(&id, it);
	out_field("Certificate ID", buf_cstr(&id));
	out_field("Serial Number", num_0x(text, &c.serial));
	out_field("Friendly Name", it->nickname);
	out_field("Subject DN", buf_cstr(&subject));
	out_field("Issuer DN", buf_cstr(&issuer));
	if (it->trust != NULL) {
		trust_text(&trust, it);
		out_field("Trust Flags", buf_cstr(&trust));
	}
	out_field("Has Key", it->pkcs8 != NULL ? "true" : "false");
	if (it->pkcs8 != NULL)
		out_fieldf("Key ID", "0x%s", buf_cstr(&id));
	return RC_OK;
}

static enum rc
run_cert_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(pkcs12) p12 = NULL;
	AUTO(secret) pin = NULL;
	const char *path;
	size_t n = 0;
	enum rc rc = open_file(a, &p12, &path, &pin, e);

	(void)p;
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < p12->n; i++)
		n += p12->items[i].cert != NULL;
	out_framed("%zu entries found", n);
	n = 0;
	for (size_t i = 0; rc == RC_OK && i < p12->n; i++) {
		if (p12->items[i].cert == NULL)
			continue;
		out_entry(n++);
		rc = print_cert(&p12->items[i], e);
	}
	return rc;
}

/* By friendly name or, with id, by certificate id; p12->n when absent. */
static size_t
find_item(const struct pkcs12 *p12, const char *name, const char *id)
{
	for (size_t i = 0; i < p12->n; i++) {
		const struct pkcs12_item *it = &p12->items[i];
		AUTO_BUF text = buf_empty(0);

		if (it->cert == NULL)
			continue;
		item_id(&text, it);
		if ((name != NULL && it->nickname != NULL &&
			strcmp(name, it->nickname) == 0) ||
		    (id != NULL &&
			text_ieq(buf_cstr(&text),
			    text_starts(id, "0x") ? id + 2 : id)))
			return i;
	}
	return p12->n;
}

/* The certificate that the operand names, one way or the other. */
static enum rc
find_operand(
    const struct pkcs12 *p12, const struct args *a, size_t *i, struct err *e)
{
	const char *name = args_at(a, 0);

	*i = find_item(p12, name, name);
	return *i < p12->n
	    ? RC_OK
	    : err_set(e, RC_NOTFOUND, "Certificate not found: %s", name);
}

static enum rc
run_cert_export(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(pkcs12) p12 = NULL;
	AUTO(secret) pin = NULL;
	const char *path, *out;
	size_t i;
	enum rc rc = file_and_pin(a, &path, &pin, e);

	(void)p;
	if (rc != RC_OK ||
	    (rc = args_need(a, "cert-file", "certificate file", &out, e)) !=
		RC_OK ||
	    (rc = load(&p12, path, pin, false, e)) != RC_OK)
		return rc;
	i = find_item(p12, args_at(a, 0), args_get(a, "cert-id"));
	if (i == p12->n)
		return err_set(e, RC_NOTFOUND, "Certificate not found");
	return out_der(out, args_get(a, "cert-format"), "CERTIFICATE",
	    view_of(p12->items[i].cert, p12->items[i].cert_len), e);
}

static enum rc
replace_str(char **at, const char *value, struct err *e)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	free(*at);
	*at = copy;
	return RC_OK;
}

/* A certificate of the database into the file. */
static enum rc
run_cert_import(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(pkcs12) p12 = NULL;
	AUTO(secret) pin = NULL;
	struct keystore *ks;
	const char *path, *nickname = args_at(a, 0);
	size_t i;
	enum rc rc = open_output(a, &p12, &path, &pin, e);

	if (rc == RC_OK && (rc = pki_keystore(p, &ks, e)) == RC_OK)
		rc = pkcs12_add_from(p12, ks, nickname, args_has(a, "no-key"),
		    args_has(a, "no-chain"), e);
	if (rc != RC_OK)
		return rc;
	i = find_item(p12, nickname, NULL);
	if (args_has(a, "friendly-name") && i < p12->n &&
	    (rc = replace_str(&p12->items[i].nickname,
		 args_get(a, "friendly-name"), e)) != RC_OK)
		return rc;
	if (args_has(a, "no-trust-flags"))
		drop_trust(p12);
	return save(p12, path, pin, e);
}

static enum rc
run_cert_mod(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(pkcs12) p12 = NULL;
	AUTO(secret) pin = NULL;
	const char *path;
	size_t i;
	enum rc rc = open_file(a, &p12, &path, &pin, e);

	(void)p;
	if (rc != RC_OK)
		return rc;
	if ((rc = find_operand(p12, a, &i, e)) != RC_OK)
		return rc;
	if (args_has(a, "friendly-name"))
		rc = replace_str(
		    &p12->items[i].nickname, args_get(a, "friendly-name"), e);
	if (rc == RC_OK && args_has(a, "trust-flags"))
		rc = replace_str(
		    &p12->items[i].trust, args_get(a, "trust-flags"), e);
	if (rc == RC_OK && (rc = save(p12, path, pin, e)) == RC_OK)
		out_framed("Updated certificate \"%s\"", args_at(a, 0));
	return rc;
}

static void
drop_item(struct pkcs12 *p12, size_t i)
{
	struct pkcs12_item gone = p12->items[i];

	memmove(&p12->items[i], &p12->items[i + 1],
	    (p12->n - i - 1) * sizeof(gone));
	p12->n--;
	free(gone.nickname);
	free(gone.trust);
	free(gone.cert);
	secret_free(gone.pkcs8);
	buf_done(&gone.key_id);
}

static enum rc
run_cert_del(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(pkcs12) p12 = NULL;
	AUTO(secret) pin = NULL;
	const char *path;
	size_t i;
	enum rc rc = open_file(a, &p12, &path, &pin, e);

	(void)p;
	if (rc != RC_OK)
		return rc;
	if ((rc = find_operand(p12, a, &i, e)) != RC_OK)
		return rc;
	drop_item(p12, i);
	if ((rc = save(p12, path, pin, e)) == RC_OK)
		out_framed("Deleted certificate \"%s\"", args_at(a, 0));
	return rc;
}

/* ---- keys of a file ---- */

static enum rc
run_key_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(pkcs12) p12 = NULL;
	AUTO(secret) pin = NULL;
	const char *path;
	size_t n = 0;
	enum rc rc = open_file(a, &p12, &path, &pin, e);

	(void)p;
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < p12->n; i++)
		n += p12->items[i].pkcs8 != NULL;
	out_framed("%zu entries found", n);
	n = 0;
	for (size_t i = 0; i < p12->n; i++) {
		AUTO_BUF id = buf_empty(0);

		if (p12->items[i].pkcs8 == NULL)
			continue;
		out_entry(n++);
		item_id(&id, &p12->items[i]);
		out_fieldf("Key ID", "0x%s", buf_cstr(&id));
		out_field("Friendly Name", p12->items[i].nickname);
	}
	return RC_OK;
}

static enum rc
run_key_del(struct pki *p, const struct args *a, struct err *e)
{
	const char *path, *want = args_at(a, 0);
	AUTO(pkcs12) p12 = NULL;
	AUTO(secret) pin = NULL;
	enum rc rc = open_file(a, &p12, &path, &pin, e);

	(void)p;
	if (rc != RC_OK)
		return rc;
	if (text_starts(want, "0x"))
		want += 2;
	for (size_t i = 0; i < p12->n; i++) {
		struct pkcs12_item *it = &p12->items[i];
		AUTO_BUF id = buf_empty(0);

		item_id(&id, it);
		if (it->pkcs8 == NULL || !text_ieq(buf_cstr(&id), want))
			continue;
		if (it->cert == NULL) {
			drop_item(p12, i);
		} else {
			secret_free(it->pkcs8);
			it->pkcs8 = NULL;
		}
		if ((rc = save(p12, path, pin, e)) == RC_OK)
			out_framed("Deleted key \"%s\"", args_at(a, 0));
		return rc;
	}
	return err_set(e, RC_NOTFOUND, "Key not found: %s", args_at(a, 0));
}

#define FILE_OPTS                                                    \
	OPT("pkcs12", "file", "PKCS #12 file"),                      \
	    OPT_SAME("pkcs12-file", "pkcs12"),                       \
	    OPT_SECRET("password", "password", "PKCS #12 password"), \
	    OPT_SAME("pkcs12-password", "password"),                 \
	    OPT("password-file", "file", "PKCS #12 password file"),  \
	    OPT_SAME("pkcs12-password-file", "password-file")
#define EXPORT_OPTS                                                   \
	OPT_FLAG("append", "Append to an existing file"),             \
	    OPT_FLAG("no-trust-flags", "Do not include trust flags"), \
	    OPT_FLAG("no-key", "Do not include private keys"),        \
	    OPT_FLAG("no-chain", "Do not include the chain of issuers")

static const struct opt export_opts[] = {
	FILE_OPTS,
	EXPORT_OPTS,
	OPT_END,
};
static const struct opt import_opts[] = {
	FILE_OPTS,
	OPT_FLAG("no-trust-flags", "Do not set trust flags"),
	OPT_FLAG("no-user-certs", "Do not import user certificates"),
	OPT_FLAG("no-ca-certs", "Do not import CA certificates"),
	OPT_FLAG("overwrite", "Overwrite existing certificates (always done)"),
	OPT_END,
};
static const struct opt file_opts[] = { FILE_OPTS, OPT_END };
static const struct opt cert_import_opts[] = {
	FILE_OPTS,
	OPT("friendly-name", "name", "Friendly name in the file"),
	EXPORT_OPTS,
	OPT_END,
};
static const struct opt cert_export_opts[] = {
	FILE_OPTS,
	OPT("cert-file", "file", "Certificate file"),
	OPT("cert-id", "id", "Certificate ID"),
	OPT("cert-format", "format", "Certificate format: PEM (default), DER"),
	OPT_END,
};
static const struct opt cert_mod_opts[] = {
	FILE_OPTS,
	OPT("friendly-name", "name", "New friendly name"),
	OPT("trust-flags", "flags", "New trust flags, e.g. CT,C,C"),
	OPT_END,
};

const struct cmd cmds_pkcs12[] = {
	{ "pkcs12-export", "[<nickname>...]",
	    "Export certificates and keys into a PKCS #12 file", export_opts, 0,
	    -1, run_export },
	{ "pkcs12-import", "",
	    "Import certificates and keys from a PKCS #12 file", import_opts, 0,
	    0, run_import },
	{ 0 },
};
const struct cmd cmds_pkcs12_cert[] = {
	{ "pkcs12-cert-find", "", "Find certificates in a PKCS #12 file",
	    file_opts, 0, 0, run_cert_find },
	{ "pkcs12-cert-import", "<nickname>",
	    "Copy a certificate of the NSS database into a PKCS #12 file",
	    cert_import_opts, 1, 1, run_cert_import },
	{ "pkcs12-cert-add", "<nickname>", "As pkcs12-cert-import (deprecated)",
	    cert_import_opts, 1, 1, run_cert_import },
	{ "pkcs12-cert-export", "[<friendly name>]",
	    "Export a certificate of a PKCS #12 file", cert_export_opts, 0, 1,
	    run_cert_export },
	{ "pkcs12-cert-mod", "<friendly name>",
	    "Modify a certificate in a PKCS #12 file", cert_mod_opts, 1, 1,
	    run_cert_mod },
	{ "pkcs12-cert-del", "<friendly name>",
	    "Remove a certificate from a PKCS #12 file", file_opts, 1, 1,
	    run_cert_del },
	{ 0 },
};
const struct cmd cmds_pkcs12_key[] = {
	{ "pkcs12-key-find", "", "Find keys in a PKCS #12 file", file_opts, 0,
	    0, run_key_find },
	{ "pkcs12-key-del", "<key ID>", "Remove a key from a PKCS #12 file",
	    file_opts, 1, 1, run_key_del },
	{ 0 },
};
