/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12_encode.c - writing PKCS #12 files (RFC 7292): keys and certificates
 * under PBES2 with AES-256-CBC and PBKDF2-HMAC-SHA-256, MAC with SHA-256.
 * Owns:    nothing.
 * Trusts:  the items: they are ours.
 * Threads: pure functions. */
#include "keys/pkcs12_impl.h"

#include <openssl/err.h>

#include "keys/key_impl.h"

enum {
	ITERATIONS = 100000, /* of PBKDF2, for each encrypted part */
	MAC_ITERATIONS = 100000,
	SALT_LEN = 16,
};

/* What one encoding carries around. */
struct writing {
	const char *pass;
	int pass_len;
	STACK_OF(PKCS12_SAFEBAG) * keys, *certs;
	struct err *e;
};

static bool
add_attributes(
    PKCS12_SAFEBAG *bag, const struct pkcs12_item *it, struct view key_id)
{
	unsigned char *id = p11_attr(0, key_id.data, 0).pValue;

	if (it->nickname != NULL && it->nickname[0] != '\0' &&
	    PKCS12_add_friendlyname_utf8(bag, it->nickname, -1) != 1)
		return false;
	return key_id.len == 0 ||
	    PKCS12_add_localkeyid(bag, id, (int)key_id.len) == 1;
}

/* Written as the friendly name is: a BMPString. The letters are ASCII. */
static bool
add_trust(PKCS12_SAFEBAG *bag, const struct pkcs12_item *it)
{
	AUTO_BUF bmp = buf_empty(0);

	if (it->trust == NULL)
		return true;
	for (const char *c = it->trust; *c != '\0'; c++) {
		buf_add_char(&bmp, '\0');
		buf_add_char(&bmp, *c);
	}
	return buf_check(&bmp, NULL) == RC_OK &&
	    PKCS12_add1_attr_by_txt(bag, PKCS12_TRUST_OID, V_ASN1_BMPSTRING,
		bmp.data, (int)bmp.len) == 1;
}

static bool
add_cert(struct writing *w, const struct pkcs12_item *it, struct view key_id)
{
	const unsigned char *at = it->cert;
	X509 *x = d2i_X509(NULL, &at, (long)it->cert_len);
	PKCS12_SAFEBAG *bag = NULL;

	if (x != NULL)
		bag = PKCS12_SAFEBAG_create_cert(x);
	X509_free(x);
	if (bag == NULL)
		return false;
	if (!add_attributes(bag, it, key_id) || !add_trust(bag, it) ||
	    sk_PKCS12_SAFEBAG_push(w->certs, bag) == 0) {
		PKCS12_SAFEBAG_free(bag);
		return false;
	}
	return true;
}

static bool
add_key(struct writing *w, const struct pkcs12_item *it, struct view key_id)
{
	struct view v = secret_view(it->pkcs8);
	const unsigned char *at = v.data;
	PKCS8_PRIV_KEY_INFO *info;
	PKCS12_SAFEBAG *bag = NULL;

	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)v.len);
	if (info != NULL)
		bag = PKCS12_SAFEBAG_create_pkcs8_encrypt(NID_aes_256_cbc,
		    w->pass, w->pass_len, NULL, SALT_LEN, ITERATIONS, info);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (bag == NULL)
		return false;
	if (!add_attributes(bag, it, key_id) ||
	    sk_PKCS12_SAFEBAG_push(w->keys, bag) == 0) {
		PKCS12_SAFEBAG_free(bag);
		return false;
	}
	return true;
}

static enum rc
add_item(struct writing *w, const struct pkcs12_item *it)
{
	struct view key_id = buf_view(&it->key_id);
	AUTO_BUF spki = buf_empty(0);
	uint8_t id[KEYID_LEN];
	struct spki_parts p;
	enum rc rc;

	/* a pair without an id gets that of its key */
	if (key_id.len == 0 && it->pkcs8 != NULL) {
		rc = pkcs8_spki(&spki, it->pkcs8, w->e);
		if (rc == RC_OK)
			rc = spki_parse(&p, buf_view(&spki), w->e);
		if (rc != RC_OK)
			return rc;
		spki_keyid(id, &p);
		key_id = view_of(id, KEYID_LEN);
	}
	if ((it->pkcs8 != NULL && !add_key(w, it, key_id)) ||
	    (it->cert != NULL && !add_cert(w, it, key_id)))
		return err_openssl(w->e, RC_CRYPTO, "pkcs12");
	return RC_OK;
}

/* Keys (shrouded each) in the clear, certificates encrypted together. */
static PKCS12 *
assemble(struct writing *w)
{
	STACK_OF(PKCS7) *safes = sk_PKCS7_new_null();
	PKCS7 *keys = NULL, *certs = NULL;
	PKCS12 *p12 = NULL;
	bool ok = safes != NULL;

	if (ok && sk_PKCS12_SAFEBAG_num(w->certs) > 0) {
		certs = PKCS12_pack_p7encdata(NID_aes_256_cbc, w->pass,
		    w->pass_len, NULL, SALT_LEN, ITERATIONS, w->certs);
		ok = certs != NULL && sk_PKCS7_push(safes, certs) > 0;
	}
	if (ok && sk_PKCS12_SAFEBAG_num(w->keys) > 0) {
		keys = PKCS12_pack_p7data(w->keys);
		ok = keys != NULL && sk_PKCS7_push(safes, keys) > 0;
	}
	if (ok)
		p12 = PKCS12_add_safes(safes, 0);
	if (p12 != NULL &&
	    PKCS12_set_mac(p12, w->pass, w->pass_len, NULL, SALT_LEN,
		MAC_ITERATIONS, EVP_sha256()) != 1) {
		PKCS12_free(p12);
		p12 = NULL;
	}
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return p12;
}

static enum rc
encode(struct writing *w, struct buf *out, const struct pkcs12 *p)
{
	unsigned char *der = NULL;
	PKCS12 *p12;
	enum rc rc;
	int n;

	for (size_t i = 0; i < p->n; i++) {
		if ((rc = add_item(w, &p->items[i])) != RC_OK)
			return rc;
	}
	p12 = assemble(w);
	if (p12 == NULL)
		return err_openssl(w->e, RC_CRYPTO, "pkcs12");
	n = i2d_PKCS12(p12, &der);
	PKCS12_free(p12);
	if (n <= 0)
		return err_openssl(w->e, RC_CRYPTO, "pkcs12");
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	return buf_check(out, w->e);
}

enum rc
pkcs12_encode(struct buf *out, const struct pkcs12 *p,
    const struct secret *password, struct err *e)
{
	struct view pass = secret_view(password);
	struct writing w = { .e = e };
	enum rc rc;

	if (pass.len > PKCS12_PASSWORD_MAX)
		return err_set(e, RC_TOOBIG, "pkcs12: password");
	ERR_clear_error();
	w.pass = secret_cstr(password);
	w.pass_len = (int)pass.len;
	w.keys = sk_PKCS12_SAFEBAG_new_null();
	w.certs = sk_PKCS12_SAFEBAG_new_null();
	if (w.keys != NULL && w.certs != NULL)
		rc = encode(&w, out, p);
	else
		rc = err_set(e, RC_NOMEM, "pkcs12");
	sk_PKCS12_SAFEBAG_pop_free(w.keys, PKCS12_SAFEBAG_free);
	sk_PKCS12_SAFEBAG_pop_free(w.certs, PKCS12_SAFEBAG_free);
	return rc;
}
