/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12.c - reading PKCS #12 files (RFC 7292).
 * Owns:    struct pkcs12 and its items.
 * Trusts:  nothing; libcrypto parses BER, sizes and depth are limited here.
 * Threads: pure functions; the legacy provider counts its loads. */
#include "keys/pkcs12_impl.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/provider.h>

#include "keys/certinfo.h"
#include "keys/key_impl.h"

struct pkcs12 *
pkcs12_new(void)
{
	return calloc(1, sizeof(struct pkcs12));
}

void
pkcs12_free(struct pkcs12 *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].nickname);
		free(p->items[i].trust);
		free(p->items[i].cert);
		secret_free(p->items[i].pkcs8);
		buf_done(&p->items[i].key_id);
	}
	free(p->items);
	free(p);
}

struct pkcs12_item *
pkcs12_add(struct pkcs12 *p)
{
	struct pkcs12_item *grown;

	if (p->n >= PKCS12_ITEMS_MAX)
		return NULL;
	grown = reallocarray(p->items, p->n + 1, sizeof(*grown));
	if (grown == NULL)
		return NULL;
	p->items = grown;
	grown[p->n] = (struct pkcs12_item){ .key_id = buf_empty(0) };
	return &grown[p->n++];
}

/* What one parse carries around. */
struct reading {
	struct pkcs12 *p;
	const char *pass;
	int pass_len;
	ASN1_OBJECT *trust;
	uint64_t iterations; /* so far */
	struct err *e;
};

/* Before a key is derived: may it take n iterations more? */
static enum rc
spend(struct reading *r, uint64_t n)
{
	if (n > PKCS12_ITERATIONS_MAX - r->iterations)
		return err_set(r->e, RC_TOOBIG,
		    "pkcs12: it asks for more than %d iterations of its key "
		    "derivation; write it again with fewer",
		    PKCS12_ITERATIONS_MAX);
	r->iterations += n;
	return RC_OK;
}

static enum rc read_bags(
    struct reading *r, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth);

/* The trust attribute is written as different string types. */
static char *
trust_of(const struct reading *r, const PKCS12_SAFEBAG *bag)
{
	const STACK_OF(X509_ATTRIBUTE) *attrs = PKCS12_SAFEBAG_get0_attrs(bag);
	int at = X509at_get_attr_by_OBJ(attrs, r->trust, -1);
	const ASN1_TYPE *v;
	unsigned char *utf8 = NULL;
	char *s = NULL;
	int n;

	if (at < 0)
		return NULL;
	v = X509_ATTRIBUTE_get0_type(X509at_get_attr(attrs, at), 0);
	if (v == NULL)
		return NULL;
	if (v->type == V_ASN1_OCTET_STRING)
		return view_dup_str(
		    view_of(ASN1_STRING_get0_data(v->value.octet_string),
			(size_t)ASN1_STRING_length(v->value.octet_string)));
	if (v->type != V_ASN1_BMPSTRING && v->type != V_ASN1_UTF8STRING &&
	    v->type != V_ASN1_IA5STRING && v->type != V_ASN1_PRINTABLESTRING)
		return NULL;
	n = ASN1_STRING_to_UTF8(&utf8, v->value.asn1_string);
	if (n >= 0)
		s = view_dup_str(view_of(utf8, (size_t)n));
	OPENSSL_free(utf8);
	return s;
}

static enum rc
read_attributes(
    struct reading *r, PKCS12_SAFEBAG *bag, struct pkcs12_item *item)
{
	const ASN1_TYPE *id = PKCS12_SAFEBAG_get0_attr(bag, NID_localKeyID);
	char *name = PKCS12_get_friendlyname(bag);

	if (name != NULL) {
		item->nickname = strdup(name);
		OPENSSL_free(name);
		if (item->nickname == NULL)
			return err_set(r->e, RC_NOMEM, "pkcs12");
	}
	item->trust = trust_of(r, bag);
	if (id != NULL && id->type == V_ASN1_OCTET_STRING)
		buf_add(&item->key_id,
		    ASN1_STRING_get0_data(id->value.octet_string),
		    (size_t)ASN1_STRING_length(id->value.octet_string));
	return buf_check(&item->key_id, r->e);
}

static enum rc
read_key(
    struct reading *r, PKCS12_SAFEBAG *bag, const PKCS8_PRIV_KEY_INFO *info)
{
	struct pkcs12_item *item;
	unsigned char *der, *p;
	int n = i2d_PKCS8_PRIV_KEY_INFO(info, NULL);

	if (n <= 0)
		return err_openssl(r->e, RC_INVALID, "pkcs12: private key");
	der = p = OPENSSL_secure_malloc((size_t)n);
	item = pkcs12_add(r->p);
	if (der != NULL && item != NULL) {
		i2d_PKCS8_PRIV_KEY_INFO(info, &p);
		item->pkcs8 = secret_new(view_of(der, (size_t)n));
	}
	OPENSSL_secure_clear_free(der, (size_t)n);
	if (item == NULL || item->pkcs8 == NULL)
		return err_set(r->e, RC_NOMEM, "pkcs12: private key");
	return read_attributes(r, bag, item);
}

static enum rc
read_cert(struct reading *r, PKCS12_SAFEBAG *bag)
{
	struct pkcs12_item *item;
	unsigned char *der = NULL;
	struct certinfo c;
	X509 *x;
	int n;

	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
		return RC_OK; /* SDSI: nobody writes them */
	x = PKCS12_SAFEBAG_get1_cert(bag);
	n = x != NULL ? i2d_X509(x, &der) : -1;
	X509_free(x);
	if (n <= 0)
		return err_openssl(r->e, RC_INVALID, "pkcs12: certificate bag");
	item = pkcs12_add(r->p);
	if (item == NULL || (item->cert = malloc((size_t)n)) == NULL) {
		OPENSSL_free(der);
		return err_set(r->e, RC_NOMEM, "pkcs12: certificate");
	}
	memcpy(item->cert, der, (size_t)n);
	item->cert_len = (size_t)n;
	OPENSSL_free(der);
	/* half an item is freed with the rest */
	if (certinfo_parse(&c, view_of(item->cert, item->cert_len), r->e) !=
	    RC_OK)
		return RC_INVALID;
	return read_attributes(r, bag, item);
}

static enum rc
read_shrouded(struct reading *r, PKCS12_SAFEBAG *bag)
{
	const X509_SIG *sealed = PKCS12_SAFEBAG_get0_pkcs8(bag);
	const X509_ALGOR *alg = NULL;
	PKCS8_PRIV_KEY_INFO *info;
	enum rc rc;

	if (sealed != NULL)
		X509_SIG_get0(sealed, &alg, NULL);
	rc = spend(r, pkcs12_cost(alg));
	if (rc != RC_OK)
		return rc;
	info = PKCS12_decrypt_skey(bag, r->pass, r->pass_len);
	if (info == NULL)
		return err_openssl(r->e, RC_INVALID, "pkcs12: private key");
	rc = read_key(r, bag, info);
	PKCS8_PRIV_KEY_INFO_free(info);
	return rc;
}

/* NOLINTBEGIN(misc-no-recursion): read_bags refuses PKCS12_DEPTH_MAX */
static enum rc
read_bag(struct reading *r, PKCS12_SAFEBAG *bag, int depth)
{
	switch (PKCS12_SAFEBAG_get_nid(bag)) {
	case NID_keyBag:
		return read_key(r, bag, PKCS12_SAFEBAG_get0_p8inf(bag));
	case NID_pkcs8ShroudedKeyBag:
		return read_shrouded(r, bag);
	case NID_certBag:
		return read_cert(r, bag);
	case NID_safeContentsBag:
		return read_bags(r, PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
	default:
		return RC_OK; /* CRLs and secrets are none of ours */
	}
}

static enum rc
read_bags(struct reading *r, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth)
{
	if (depth > PKCS12_DEPTH_MAX)
		return err_set(r->e, RC_TOOBIG, "pkcs12: nested too deep");
	for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
		enum rc rc =
		    read_bag(r, sk_PKCS12_SAFEBAG_value(bags, i), depth);

		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}
/* NOLINTEND(misc-no-recursion) */

/* The cost of decrypting this part; libcrypto refuses one without contents. */
static uint64_t
safe_cost(const PKCS7 *p7)
{
	const PKCS7_ENCRYPT *x = p7->d.encrypted;

	return x != NULL && x->enc_data != NULL
	    ? pkcs12_cost(x->enc_data->algorithm)
	    : 0;
}

static enum rc
read_safes(struct reading *r, PKCS12 *p12)
{
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	enum rc rc = RC_OK;

	if (safes == NULL)
		return err_openssl(r->e, RC_INVALID, "pkcs12");
	for (int i = 0; rc == RC_OK && i < sk_PKCS7_num(safes); i++) {
		PKCS7 *p7 = sk_PKCS7_value(safes, i);
		STACK_OF(PKCS12_SAFEBAG) *bags = NULL;

		if (PKCS7_type_is_data(p7))
			bags = PKCS12_unpack_p7data(p7);
		else if (PKCS7_type_is_encrypted(p7)) {
			rc = spend(r, safe_cost(p7));
			if (rc == RC_OK)
				bags = PKCS12_unpack_p7encdata(
				    p7, r->pass, r->pass_len);
		} else
			rc = err_set(r->e, RC_UNSUPPORTED,
			    "pkcs12: public key privacy mode");
		if (rc == RC_OK && bags == NULL)
			rc = err_openssl(
			    r->e, RC_INVALID, "pkcs12: encrypted contents");
		if (rc == RC_OK)
			rc = read_bags(r, bags, 0);
		sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	}
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return rc;
}

/* Ciphers of old files (RC2) are in the legacy provider, loaded only while a
 * file needs it. */
static enum rc
read_all(struct reading *r, PKCS12 *p12)
{
	enum rc rc = read_safes(r, p12);
	OSSL_PROVIDER *legacy;
	struct pkcs12 *again;

	if (rc != RC_INVALID)
		return rc;
	legacy = OSSL_PROVIDER_try_load(NULL, "legacy", 1);
	if (legacy == NULL)
		return rc;
	again = pkcs12_new();
	if (again != NULL) {
		pkcs12_free(r->p);
		r->p = again;
		r->iterations = 0;
		rc = read_safes(r, p12);
	}
	OSSL_PROVIDER_unload(legacy);
	return rc;
}

static bool
same_public(const struct pkcs12_item *cert, struct view spki)
{
	struct certinfo c;

	return certinfo_parse(&c, view_of(cert->cert, cert->cert_len), NULL) ==
	    RC_OK &&
	    view_eq(c.spki, spki);
}

/* The certificate of a key: by localKeyId, else by public key. */
static struct pkcs12_item *
cert_for(struct pkcs12 *p, const struct pkcs12_item *key)
{
	AUTO_BUF spki = buf_empty(0);

	for (size_t i = 0; i < p->n; i++) {
		struct pkcs12_item *it = &p->items[i];

		if (it->cert != NULL && it->pkcs8 == NULL &&
		    key->key_id.len > 0 &&
		    view_eq(buf_view(&it->key_id), buf_view(&key->key_id)))
			return it;
	}
	if (pkcs8_spki(&spki, key->pkcs8, NULL) != RC_OK)
		return NULL;
	for (size_t i = 0; i < p->n; i++) {
		struct pkcs12_item *it = &p->items[i];

		if (it->cert != NULL && it->pkcs8 == NULL &&
		    same_public(it, buf_view(&spki)))
			return it;
	}
	return NULL;
}

/* Moves keys to their certificates and closes the gaps. */
static void
pair_up(struct pkcs12 *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct pkcs12_item *key = &p->items[i], *cert;

		if (key->cert != NULL || (cert = cert_for(p, key)) == NULL)
			continue;
		cert->pkcs8 = secret_steal(&key->pkcs8);
		if (cert->nickname == NULL)
			cert->nickname = str_steal(&key->nickname);
	}
	for (size_t i = 0; i < p->n; i++) {
		struct pkcs12_item *it = &p->items[i];

		if (it->cert != NULL || it->pkcs8 != NULL) {
			p->items[kept++] = *it;
			continue;
		}
		free(it->nickname);
		free(it->trust);
		buf_done(&it->key_id);
	}
	p->n = kept;
}

/* An empty password is written as no octets or as two. */
static bool
mac_fits(PKCS12 *p12, struct reading *r)
{
	if (PKCS12_mac_present(p12) != 1)
		return true; /* then decryption tells */
	if (PKCS12_verify_mac(p12, r->pass, r->pass_len) == 1)
		return true;
	if (r->pass_len > 0 || PKCS12_verify_mac(p12, NULL, 0) != 1)
		return false;
	r->pass = NULL;
	return true;
}

enum rc
pkcs12_parse(struct pkcs12 **out, struct view der,
    const struct secret *password, struct err *e)
{
	struct view pass = secret_view(password);
	const unsigned char *at = der.data;
	struct reading r = { .e = e };
	PKCS12 *p12 = NULL;
	enum rc rc;

	if (der.len > PKCS12_FILE_MAX || pass.len > PKCS12_PASSWORD_MAX)
		return err_set(e, RC_TOOBIG, "pkcs12");
	ERR_clear_error();
	p12 = d2i_PKCS12(NULL, &at, (long)der.len);
	if (p12 == NULL)
		return err_openssl(e, RC_INVALID, "not a PKCS #12 file");
	r.pass = secret_cstr(password);
	r.pass_len = (int)pass.len;
	r.p = pkcs12_new();
	r.trust = OBJ_txt2obj(PKCS12_TRUST_OID, 1);
	if (at != der.data + der.len)
		rc = err_set(e, RC_INVALID, "pkcs12: bytes after the end");
	else if (r.p == NULL || r.trust == NULL)
		rc = err_set(e, RC_NOMEM, "pkcs12");
	else if ((rc = spend(&r, pkcs12_mac_cost(p12))) != RC_OK)
		; /* said why */
	else if (!mac_fits(p12, &r))
		rc = err_set(e, RC_AUTH, "pkcs12: wrong password");
	else
		rc = read_all(&r, p12);
	PKCS12_free(p12);
	ASN1_OBJECT_free(r.trust);
	ERR_clear_error();
	if (rc != RC_OK) {
		pkcs12_free(r.p);
		return rc;
	}
	pair_up(r.p);
	*out = r.p;
	return RC_OK;
}
