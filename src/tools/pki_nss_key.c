/* SPDX-License-Identifier: Apache-2.0 */
/* pki_nss_key.c - nss-key-*: keys of an NSS database.
 * Owns:    nothing.
 * Trusts:  the user.
 * Threads: none. */
#include "tools/pki_certs.h"
#include "tools/pki_cmds.h"

#include "base/file.h"
#include "keys/pkcs12.h"

static void
key_id_text(struct buf *out, const struct key *k)
{
	buf_add_str(out, "0x");
	buf_add_hex(out, key_id(k));
}

/* One key as lines, or as an object of a JSON array. */
static void
print_key(const struct key *k, const char *label)
{
	AUTO_BUF id = buf_empty(0);

	key_id_text(&id, k);
	out_field("Key ID", buf_cstr(&id));
	if (label != NULL && *label != '\0')
		out_field("Nickname", label);
	out_field("Type", certs_key_type(k));
	out_field("Algorithm", certs_key_type(k));
	out_fieldf("Size", "%d", key_bits(k));
	if (strcmp(key_token(k), "internal") != 0)
		out_field("Token", key_token(k));
}

static void
print_json(const struct key *k, const char *label)
{
	AUTO_BUF id = buf_empty(0);
	AUTO_JSON o = NULL;
	char *text;

	key_id_text(&id, k);
	o = json_pack("{s:s, s:s, s:s, s:i, s:s*}", "keyId", buf_cstr(&id),
	    "type", certs_key_type(k), "algorithm", certs_key_type(k), "size",
	    key_bits(k), "nickname",
	    label != NULL && *label != '\0' ? label : NULL);
	text = o != NULL ? json_dumps(o, JSON_INDENT(2)) : NULL;
	printf("%s", text != NULL ? text : "{}");
	free(text);
}

static bool
is_json(const struct args *a)
{
	return text_ieq(args_str(a, "output-format", "text"), "json");
}

static enum rc
run_create(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(key) k = NULL;
	struct keystore *ks;
	struct keygen g;
	enum rc rc = certs_keygen(&g, args_str(a, "key-type", "RSA"),
	    args_get(a, "key-size"), args_get(a, "curve"), e);

	if (rc != RC_OK || (rc = pki_keystore(p, &ks, e)) != RC_OK ||
	    (rc = keystore_generate(
		 ks, &k, args_get(p->global, "token"), &g, e)) != RC_OK)
		return rc;
	if (args_has(a, "key-id-file")) {
		AUTO_BUF id = buf_empty(0);

		key_id_text(&id, k);
		buf_add_str(&id, "\n");
		rc = out_file(args_get(a, "key-id-file"), buf_view(&id), e);
		if (rc != RC_OK)
			return rc;
	}
	if (is_json(a)) {
		print_json(k, NULL);
		printf("\n");
	} else
		print_key(k, NULL);
	return RC_OK;
}

struct walk {
	struct view id; /* only this one; empty = all */
	bool json;
	size_t n;
};

static bool
show_one(void *arg, struct key *k, const char *label)
{
	struct walk *w = arg;

	if (w->id.len > 0 && !view_eq(w->id, key_id(k)))
		return true;
	if (w->json && w->n > 0)
		printf(",\n");
	else if (!w->json)
		out_entry(w->n);
	if (w->json)
		print_json(k, label);
	else
		print_key(k, label);
	w->n++;
	return w->id.len == 0;
}

/* The key's id: the operand, --key-id, --key-id-file, or of the certificate
 * --nickname. */
static enum rc
wanted_id(struct pki *p, const struct args *a, struct buf *id, struct err *e)
{
	AUTO(key) k = NULL;
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	struct keystore *ks;
	enum rc rc = pki_keystore(p, &ks, e);

	if (rc != RC_OK)
		return rc;
	if (args_at(a, 0) != NULL)
		return certs_key_id(id, args_at(a, 0), e);
	rc = certs_key_id_option(id, a, e);
	if (rc != RC_OK || id->len > 0 || !args_has(a, "nickname"))
		return rc;
	rc = keystore_find_pair(ks, &k, &der, args_get(a, "nickname"), e);
	if (rc == RC_OK)
		buf_add_view(id, key_id(k));
	return rc;
}

static enum rc
run_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF id = buf_empty(0);
	struct walk w = { .json = is_json(a) };
	enum rc rc = wanted_id(p, a, &id, e);

	if (rc != RC_OK)
		return rc;
	w.id = buf_view(&id);
	if (w.json)
		printf("[\n");
	rc = keystore_each_key(
	    p->ks, args_get(p->global, "token"), show_one, &w, e);
	if (w.json)
		printf("%s]\n", w.n > 0 ? "\n" : "");
	return rc;
}

static enum rc
run_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF id = buf_empty(0);
	struct walk w = { .json = is_json(a) };
	enum rc rc = wanted_id(p, a, &id, e);

	if (rc != RC_OK)
		return rc;
	if (id.len == 0)
		return err_set(e, RC_USAGE, "Missing key ID or nickname");
	w.id = buf_view(&id);
	rc = keystore_each_key(
	    p->ks, args_get(p->global, "token"), show_one, &w, e);
	if (w.json && w.n > 0)
		printf("\n");
	if (rc == RC_OK && w.n == 0)
		rc = err_set(e, RC_NOTFOUND, "Key not found");
	return rc;
}

static enum rc
run_del(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF id = buf_empty(0);
	AUTO(key) k = NULL;
	enum rc rc = wanted_id(p, a, &id, e);

	if (rc != RC_OK ||
	    (rc = keystore_find_key_id(p->ks, &k, args_get(p->global, "token"),
		 buf_view(&id), e)) != RC_OK)
		return rc;
	return keystore_delete_key(p->ks, k, e);
}

/* The private key beside a certificate, as PKCS #8 PEM. */
static enum rc
run_export(struct pki *p, const struct args *a, struct err *e)
{
	AUTO(pkcs12) p12 = pkcs12_new();
	AUTO_BUF pem = buf_empty(0);
	struct keystore *ks;
	const char *path;
	enum rc rc = args_need(a, "output-file", "output file", &path, e);

	if (p12 == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (rc != RC_OK || (rc = pki_keystore(p, &ks, e)) != RC_OK ||
	    (rc = pkcs12_add_from(p12, ks, args_at(a, 0), false, true, e)) !=
		RC_OK)
		return rc;
	if (p12->n == 0 || p12->items[0].pkcs8 == NULL)
		return err_set(
		    e, RC_NOTFOUND, "Private key not found: %s", args_at(a, 0));
	text_add_pem(
	    &pem, "PRIVATE KEY", secret_view(p12->items[0].pkcs8), "\n");
	if ((rc = buf_check(&pem, e)) == RC_OK)
		rc = file_write(path, buf_view(&pem), 0600, e);
	buf_wipe(&pem);
	return rc;
}

static enum rc
run_import(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	AUTO(secret) pkcs8 = NULL;
	AUTO(key) k = NULL;
	struct keystore *ks;
	const char *path;
	enum rc rc = args_need(a, "input-file", "private key file", &path, e);

	if (rc != RC_OK || (rc = pki_keystore(p, &ks, e)) != RC_OK ||
	    (rc = out_read_der(&der, path, NULL, "PRIVATE KEY", e)) != RC_OK)
		return rc;
	pkcs8 = secret_new(buf_view(&der));
	buf_wipe(&der);
	if (pkcs8 == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc =
	    keystore_import_key(ks, &k, args_get(p->global, "token"), pkcs8, e);
	if (rc == RC_OK)
		print_key(k, NULL);
	return rc;
}

static const struct opt create_opts[] = {
	OPT("key-type", "type", "Key type: RSA (default), EC"),
	OPT("key-size", "bits", "RSA key size (default: 2048)"),
	OPT("curve", "name",
	    "Elliptic curve: nistp256 (default), nistp384, nistp521"),
	OPT("key-id-file", "file", "File to store the key ID"),
	OPT("output-format", "format", "Output format: text (default), json"),
	OPT_END,
};
#define KEY_OPTS                                                  \
	OPT("nickname", "nickname", "Certificate of the key"),    \
	    OPT("key-id", "id", "Key ID, instead of an operand"), \
	    OPT("key-id-file", "file", "File with the key ID")

static const struct opt find_opts[] = {
	KEY_OPTS,
	OPT("output-format", "format", "Output format: text (default), json"),
	OPT_END,
};
static const struct opt del_opts[] = {
	KEY_OPTS,
	OPT_END,
};
static const struct opt export_opts[] = {
	OPT("output-file", "file", "PEM file to store the private key"),
	OPT_END,
};
static const struct opt import_opts[] = {
	OPT("input-file", "file", "PEM file with the private key (PKCS #8)"),
	OPT_END,
};

const struct cmd cmds_nss_key[] = {
	{ "nss-key-create", "", "Create a key pair", create_opts, 0, 0,
	    run_create },
	{ "nss-key-find", "", "Find keys", find_opts, 0, 0, run_find },
	{ "nss-key-show", "[<key ID>]", "Show a key", find_opts, 0, 1,
	    run_show },
	{ "nss-key-export", "<nickname>", "Export a private key", export_opts,
	    1, 1, run_export },
	{ "nss-key-import", "", "Import a private key", import_opts, 0, 0,
	    run_import },
	{ "nss-key-del", "[<key ID>]", "Remove a key pair", del_opts, 0, 1,
	    run_del },
	{ 0 },
};
