/* SPDX-License-Identifier: Apache-2.0 */
/* pki_certs.c - certificates, keys and requests of the local commands.
 * Owns:    nothing.
 * Trusts:  the user's database; request files are checked.
 * Threads: none. */
#include "tools/pki_certs.h"

#include "base/clock.h"
#include "x509/name.h"

static enum rc
name_field(const char *label, struct view name, struct err *e)
{
	AUTO_BUF text = buf_empty(0);
	enum rc rc = name_text(&text, name, e);

	if (rc == RC_OK)
		out_field(label, buf_cstr(&text));
	return rc;
}

enum rc
certs_print_with(struct view der,
    const char *(*date)(char out[CLOCK_TEXT_MAX], int64_t t), struct err *e)
{
	char text[CLOCK_TEXT_MAX], serial[NUM_TEXT_MAX];
	struct cert c;
	enum rc rc = cert_parse(&c, der, e);

	if (rc != RC_OK)
		return rc;
	out_field("Serial Number", num_0x(serial, &c.serial));
	if ((rc = name_field("Subject DN", c.subject, e)) != RC_OK ||
	    (rc = name_field("Issuer DN", c.issuer, e)) != RC_OK)
		return rc;
	out_field("Not Valid Before", date(text, c.not_before));
	out_field("Not Valid After", date(text, c.not_after));
	return RC_OK;
}

enum rc
certs_print(struct view der, struct err *e)
{
	return certs_print_with(der, clock_text_java, e);
}

enum rc
certs_subject(struct buf *out, struct view der, struct err *e)
{
	struct cert c;
	enum rc rc = cert_parse(&c, der, e);

	return rc == RC_OK ? name_text(out, c.subject, e) : rc;
}

enum rc
certs_print_entry(size_t index, const struct keystore_cert *c, struct err *e)
{
	enum rc rc;

	out_entry(index);
	out_field("Nickname", c->nickname);
	if (c->token != NULL && strcmp(c->token, "internal") != 0)
		out_field("Token", c->token);
	if ((rc = certs_print(c->der, e)) == RC_OK)
		out_field("Trust Flags", c->trust);
	return rc;
}

enum rc
certs_json(json_t **out, const char *nickname, struct view der,
    const char *trust, struct err *e)
{
	AUTO_BUF subject = buf_empty(0), issuer = buf_empty(0);
	char serial[NUM_TEXT_MAX];
	struct cert c;
	enum rc rc = cert_parse(&c, der, e);

	if (rc != RC_OK || (rc = name_text(&subject, c.subject, e)) != RC_OK ||
	    (rc = name_text(&issuer, c.issuer, e)) != RC_OK)
		return rc;
	*out = json_pack("{s:s*, s:s, s:s, s:s, s:I, s:I, s:s*}", "nickname",
	    nickname, "serialNumber", num_0x(serial, &c.serial), "subjectDN",
	    buf_cstr(&subject), "issuerDN", buf_cstr(&issuer), "notBefore",
	    (json_int_t)c.not_before * 1000, "notAfter",
	    (json_int_t)c.not_after * 1000, "trustFlags", trust);
	return *out != NULL ? RC_OK : err_set(e, RC_NOMEM, "out of memory");
}

enum rc
certs_not_found(enum rc rc, const char *nickname, struct err *e)
{
	if (rc != RC_NOTFOUND)
		return rc;
	return err_set(e, RC_NOTFOUND, "Certificate not found: %s", nickname);
}

struct trust_walk {
	const char *nickname;
	struct buf *trust;
	bool has_key, found;
};

static bool
trust_of(void *arg, const struct keystore_cert *c)
{
	struct trust_walk *w = arg;

	if (strcmp(c->nickname, w->nickname) != 0)
		return true;
	w->found = true;
	w->has_key = c->has_key;
	buf_add_str(w->trust, c->trust);
	return false;
}

enum rc
certs_trust(struct keystore *ks, const char *nickname, struct buf *trust,
    bool *has_key, struct err *e)
{
	const char *colon = strchr(nickname, ':');
	struct trust_walk w = { .nickname = nickname, .trust = trust };
	enum rc rc = keystore_each_cert(ks, NULL, trust_of, &w, e);

	if (rc == RC_OK && !w.found && colon != NULL) {
		w.nickname = colon + 1;
		rc = keystore_each_cert(ks, NULL, trust_of, &w, e);
	}
	if (rc != RC_OK)
		return rc;
	if (!w.found)
		return certs_not_found(RC_NOTFOUND, nickname, e);
	*has_key = w.has_key;
	return buf_check(trust, e);
}

enum rc
certs_keygen(struct keygen *g, const char *type, const char *size,
    const char *curve, struct err *e)
{
	static const struct {
		const char *name;
		enum oid oid;
	} curves[] = {
		{ "nistp256", OID_prime256v1 },
		{ "secp256r1", OID_prime256v1 },
		{ "prime256v1", OID_prime256v1 },
		{ "nistp384", OID_secp384r1 },
		{ "secp384r1", OID_secp384r1 },
		{ "nistp521", OID_secp521r1 },
		{ "secp521r1", OID_secp521r1 },
	};
	int64_t bits = 2048;

	*g = (struct keygen){ .sensitive = true, .extractable = true };
	if (text_ieq(type, "rsa")) {
		g->type = KEYTYPE_RSA;
		if (size != NULL &&
		    text_int(&bits, size, 1024, 8192, NULL) != RC_OK)
			return err_set(
			    e, RC_USAGE, "Invalid key size: %s", size);
		g->rsa_bits = (int)bits;
		return RC_OK;
	}
	if (!text_ieq(type, "ec") && !text_ieq(type, "ecc"))
		return err_set(e, RC_USAGE, "Unsupported key type: %s", type);
	g->type = KEYTYPE_EC;
	if (curve == NULL)
		curve = "nistp256";
	for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++)
		if (text_ieq(curve, curves[i].name)) {
			g->curve = curves[i].oid;
			return RC_OK;
		}
	return err_set(e, RC_USAGE, "Unsupported curve: %s", curve);
}

const char *
certs_key_type(const struct key *k)
{
	return key_type(k) == KEYTYPE_RSA ? "RSA" : "EC";
}

enum rc
certs_key_id(struct buf *out, const char *text, struct err *e)
{
	if (text_starts(text, "0x"))
		text += 2;
	if (text_hex(out, view_str(text), NULL) != RC_OK)
		return err_set(e, RC_USAGE, "Invalid key ID: %s", text);
	return RC_OK;
}

enum rc
certs_key_id_option(struct buf *out, const struct args *a, struct err *e)
{
	const char *text = args_get(a, "key-id"),
		   *path = args_get(a, "key-id-file");
	AUTO_BUF file = buf_empty(0);
	enum rc rc;

	if (text == NULL && path == NULL)
		return RC_OK;
	if (text == NULL) {
		if ((rc = out_read(&file, path, e)) != RC_OK)
			return rc;
		text = file.len > 0 ? text_trim((char *)file.data) : "";
	}
	return certs_key_id(out, text, e);
}

enum rc
certs_sigalg(
    enum sigalg *out, const struct key *k, const char *hash, struct err *e)
{
	char name[32];

	*out = key_default_sigalg(k);
	if (hash == NULL)
		return RC_OK;
	if (text_starts(hash, "SHA-"))
		snprintf(name, sizeof(name), "SHA%.8swith%s", hash + 4,
		    certs_key_type(k));
	else
		snprintf(
		    name, sizeof(name), "%.12swith%s", hash, certs_key_type(k));
	if ((*out = sigalg_find(name)) == SIGALG_COUNT ||
	    !key_can_sign(k, *out))
		return err_set(e, RC_USAGE, "Unsupported hash: %s", hash);
	return RC_OK;
}

enum rc
certs_make_req(struct buf *out, struct key *k, const char *subject,
    const struct ext_list *exts, const char *hash, struct err *e)
{
	AUTO_BUF name = buf_empty(NAME_DER_MAX), tbs = buf_empty(REQ_DER_MAX);
	enum sigalg a;
	enum rc rc = name_parse(&name, view_str(subject), e);

	if (rc != RC_OK || (rc = certs_sigalg(&a, k, hash, e)) != RC_OK)
		return rc;
	req_tbs_put(&tbs, buf_view(&name), key_spki(k), exts);
	if ((rc = buf_check(&tbs, e)) != RC_OK)
		return rc;
	return key_sign_object(k, a, buf_view(&tbs), out, e);
}

enum rc
certs_load_req(struct req *r, struct buf *der, const char *path,
    const char *format, struct err *e)
{
	enum rc rc = out_read_der(der, path, format, NULL, e);

	if (rc != RC_OK || (rc = req_parse(r, buf_view(der), e)) != RC_OK)
		return rc;
	if (req_sigalg(r) == SIGALG_COUNT)
		return err_set(
		    e, RC_UNSUPPORTED, "request: unknown signature algorithm");
	rc = spki_verify(r->spki, req_sigalg(r), r->tbs, r->sig, e);
	if (rc != RC_OK)
		rc_ignore(err_prefix(e, "request: proof of possession"));
	return rc;
}
