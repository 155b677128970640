/* SPDX-License-Identifier: Apache-2.0 */
/* keygen.c - private keys come into being: generated in a token or imported.
 * Owns:    nothing.
 * Trusts:  callers for the PrivateKeyInfo; it is parsed by libcrypto.
 * Threads: any; writers hold keystore->write. */
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/thread.h"
#include "der/writer.h"
#include "keys/keystore_impl.h"

enum {
	RSA_BITS_MIN = 1024,
	RSA_BITS_MAX = 8192,
	TEMPLATE_MAX = 24,
	RSA_PARTS = 8,
};

/* A template under construction. */
struct tmpl {
	CK_ATTRIBUTE a[TEMPLATE_MAX];
	size_t n;
};

static void
put(struct tmpl *t, CK_ATTRIBUTE a)
{
	if (t->n < TEMPLATE_MAX)
		t->a[t->n++] = a;
}

static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void
put_bool(struct tmpl *t, CK_ATTRIBUTE_TYPE type, bool v)
{
	put(t, v ? P11_VAL(type, yes) : P11_VAL(type, no));
}

/* What a private and a public key are for. */
static void
put_usage(struct tmpl *priv, struct tmpl *pub, enum keytype type)
{
	put_bool(priv, CKA_SIGN, true);
	put_bool(pub, CKA_VERIFY, true);
	if (type == KEYTYPE_RSA) {
		put_bool(priv, CKA_DECRYPT, true);
		put_bool(priv, CKA_UNWRAP, true);
		put_bool(pub, CKA_ENCRYPT, true);
		put_bool(pub, CKA_WRAP, true);
	} else {
		put_bool(priv, CKA_DERIVE, true);
	}
}

static enum rc
check_keygen(const struct keygen *g, struct err *e)
{
	if (g->type == KEYTYPE_RSA &&
	    (g->rsa_bits < RSA_BITS_MIN || g->rsa_bits > RSA_BITS_MAX))
		return err_set(e, RC_INVALID, "key size %d not in %d..%d",
		    g->rsa_bits, RSA_BITS_MIN, RSA_BITS_MAX);
	if (g->type == KEYTYPE_EC && spki_field_len(g->curve) == 0)
		return err_set(e, RC_INVALID, "key: curve not supported");
	return RC_OK;
}

/* NSS sets the id when the public value is known. */
static enum rc
set_id(struct token *t, CK_OBJECT_HANDLE pub, CK_OBJECT_HANDLE priv,
    const struct keygen *g, struct err *e)
{
	uint8_t id[DIGEST_MAX];
	AUTO_BUF value = buf_empty(0);
	struct view v;
	size_t field = spki_field_len(g->curve);
	CK_ATTRIBUTE a = p11_attr(CKA_ID, id, KEYID_LEN);
	enum rc rc;

	rc = token_attr(t, pub,
	    g->type == KEYTYPE_RSA ? CKA_MODULUS : CKA_EC_POINT, &value, e);
	if (rc != RC_OK)
		return rc;
	v = buf_view(&value);
	if (g->type == KEYTYPE_EC) {
		if (v.len < 1 + 2 * field)
			return err_set(
			    e, RC_CRYPTO, "token %s: EC point", t->name);
		/* an OCTET STRING around it, or none */
		v = view_of(v.data + v.len - (1 + 2 * field), 1 + 2 * field);
	} else {
		while (v.len > 1 && v.data[0] == 0)
			v = view_of(v.data + 1, v.len - 1);
	}
	digest_of(id, DIGEST_SHA1, v);
	if ((rc = token_set_attr(t, pub, &a, 1, e)) != RC_OK)
		return rc;
	return token_set_attr(t, priv, &a, 1, e);
}

/* Stores a session's object. */
static enum rc
store_object(
    struct token *t, CK_OBJECT_HANDLE h, CK_OBJECT_HANDLE *out, struct err *e)
{
	CK_ATTRIBUTE tmpl[] = { P11_VAL(CKA_TOKEN, yes) };
	CK_RV rv;

	LOCKED(&t->lock);
	rv = t->f->C_CopyObject(t->main, h, tmpl, 1, out);
	return rv == CKR_OK ? RC_OK
			    : p11_err(e, rv, "token %s: store key", t->name);
}

/* The private half first: what has failed then leaves nothing. */
static enum rc
store_pair(struct token *t, CK_OBJECT_HANDLE pub, CK_OBJECT_HANDLE *priv,
    struct err *e)
{
	CK_OBJECT_HANDLE kept_pub = CK_INVALID_HANDLE, kept = CK_INVALID_HANDLE;
	enum rc rc = store_object(t, *priv, &kept, e);

	if (rc == RC_OK && (rc = store_object(t, pub, &kept_pub, e)) != RC_OK)
		rc_ignore(token_destroy(t, kept, NULL)); /* e says why */
	/* of memory alone, gone with the session at the latest */
	rc_ignore(token_destroy(t, pub, NULL));
	rc_ignore(token_destroy(t, *priv, NULL));
	*priv = kept;
	return rc;
}

/* In a database every change of an object is a transaction with five syncs: a
 * pair is made and named in memory, then stored. */
static enum rc
generate(struct token *t, const struct keygen *g, CK_OBJECT_HANDLE *priv,
    struct err *e)
{
	const bool stored_later = t->internal && !g->temporary,
		   stored = !g->temporary && !stored_later;
	CK_MECHANISM mech = { g->type == KEYTYPE_RSA ? CKM_RSA_PKCS_KEY_PAIR_GEN
						     : CKM_EC_KEY_PAIR_GEN,
		NULL, 0 };
	const CK_ULONG bits = (CK_ULONG)g->rsa_bits;
	static const uint8_t f4[] = { 1, 0, 1 };
	struct tmpl tpub = { .n = 0 }, tpriv = { .n = 0 };
	AUTO_BUF param = buf_empty(0);
	CK_OBJECT_HANDLE pub;
	int tries = 0;
	enum rc rc;
	CK_RV rv;

	put_bool(&tpub, CKA_TOKEN, stored);
	put_bool(&tpub, CKA_PRIVATE, false);
	put_bool(&tpriv, CKA_TOKEN, stored);
	put_bool(&tpriv, CKA_PRIVATE, true);
	put_bool(&tpriv, CKA_SENSITIVE, g->sensitive);
	put_bool(&tpriv, CKA_EXTRACTABLE, g->extractable);
	put_usage(&tpriv, &tpub, g->type);
	if (g->type == KEYTYPE_RSA) {
		put(&tpub, P11_VAL(CKA_MODULUS_BITS, bits));
		put(&tpub, P11_VAL(CKA_PUBLIC_EXPONENT, f4));
	} else {
		der_put_oid(&param, oid_der(g->curve));
		if ((rc = buf_check(&param, e)) != RC_OK)
			return rc;
		put(&tpub, P11_VIEW(CKA_EC_PARAMS, param));
	}
	pthread_mutex_lock(&t->lock);
	do {
		rv = t->f->C_GenerateKeyPair(t->main, &mech, tpub.a,
		    (CK_ULONG)tpub.n, tpriv.a, (CK_ULONG)tpriv.n, &pub, priv);
	} while (token_recover(t, rv, &tries));
	pthread_mutex_unlock(&t->lock);
	if (rv != CKR_OK)
		return p11_err(e, rv, "token %s: key generation", t->name);
	rc = set_id(t, pub, *priv, g, e);
	return rc == RC_OK && stored_later ? store_pair(t, pub, priv, e) : rc;
}

enum rc
keystore_generate(struct keystore *ks, struct key **out, const char *token,
    const struct keygen *g, struct err *e)
{
	CK_OBJECT_HANDLE h;
	struct token *t;
	enum rc rc;

	if ((rc = check_keygen(g, e)) != RC_OK ||
	    (rc = keystore_token(ks, &t, token, e)) != RC_OK)
		return rc;
	LOCKED(&ks->write);
	if ((rc = generate(t, g, &h, e)) != RC_OK)
		return rc;
	return keystore_handle(ks, out, t, h, e);
}

/* A number of a key as bytes on the secure heap, padded to len (0 = none). */
static enum rc
number(EVP_PKEY *pkey, const char *name, size_t len, struct secret **out,
    struct err *e)
{
	BIGNUM *bn = BN_secure_new();
	uint8_t *b = NULL;
	size_t n = 0;

	if (bn != NULL && EVP_PKEY_get_bn_param(pkey, name, &bn) == 1) {
		n = len > 0 ? len : (size_t)BN_num_bytes(bn);
		b = OPENSSL_secure_zalloc(n + 1);
		if (b != NULL && BN_bn2binpad(bn, b, (int)n) == (int)n)
			*out = secret_new(view_of(b, n));
		OPENSSL_secure_clear_free(b, n + 1);
	}
	BN_clear_free(bn);
	if (*out == NULL)
		return err_openssl(e, RC_CRYPTO, "private key: %s", name);
	return RC_OK;
}

/* Numbers of an RSA key (all), or the one of an EC key. */
struct numbers {
	struct secret *s[RSA_PARTS];
};
static void
numbers_free(struct numbers *n)
{
	for (size_t i = 0; i < RSA_PARTS; i++)
		secret_free(n->s[i]);
}

static enum rc
template_rsa(struct tmpl *t, EVP_PKEY *pkey, struct numbers *n, struct err *e)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		const char *name;
	} parts[RSA_PARTS] = {
		{ CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N },
		{ CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E },
		{ CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D },
		{ CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1 },
		{ CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2 },
		{ CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1 },
		{ CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2 },
		{ CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
	};
	enum rc rc;

	for (size_t i = 0; i < RSA_PARTS; i++) {
		rc = number(pkey, parts[i].name, 0, &n->s[i], e);
		if (rc != RC_OK)
			return rc;
		put(t, P11_VIEW(parts[i].type, secret_view(n->s[i])));
	}
	return RC_OK;
}

static enum rc
template_ec(struct tmpl *t, const struct token *token,
    const struct spki_parts *p, EVP_PKEY *pkey, struct numbers *n,
    struct err *e)
{
	enum rc rc = number(pkey, OSSL_PKEY_PARAM_PRIV_KEY,
	    spki_field_len(p->curve), &n->s[0], e);

	if (rc != RC_OK)
		return rc;
	put(t, P11_VIEW(CKA_EC_PARAMS, p->ec_param));
	put(t, P11_VIEW(CKA_VALUE, secret_view(n->s[0])));
	if (token->internal) /* softoken keeps the public value with it */
		put(t, P11_VIEW(CKA_NSS_DB, p->point));
	return RC_OK;
}

static enum rc
create_public(
    struct token *t, const struct spki_parts *p, struct view id, struct err *e)
{
	const CK_OBJECT_CLASS cls = CKO_PUBLIC_KEY;
	const CK_KEY_TYPE kt = p->type == KEYTYPE_RSA ? CKK_RSA : CKK_EC;
	struct tmpl pub = { .n = 0 }, unused = { .n = 0 };
	AUTO_BUF point = buf_empty(0);
	CK_OBJECT_HANDLE h;

	put(&pub, P11_VAL(CKA_CLASS, cls));
	put(&pub, P11_VAL(CKA_KEY_TYPE, kt));
	put_bool(&pub, CKA_TOKEN, true);
	put_bool(&pub, CKA_PRIVATE, false);
	put(&pub, P11_VIEW(CKA_ID, id));
	put_usage(&unused, &pub, p->type);
	if (p->type == KEYTYPE_RSA) {
		put(&pub, P11_VIEW(CKA_MODULUS, p->n));
		put(&pub, P11_VIEW(CKA_PUBLIC_EXPONENT, p->e));
	} else {
		der_put_octets(&point, p->point);
		put(&pub, P11_VIEW(CKA_EC_PARAMS, p->ec_param));
		put(&pub, P11_VIEW(CKA_EC_POINT, point));
	}
	return token_create(t, pub.a, pub.n, &h, e);
}

static enum rc
create_pair(struct token *t, const struct spki_parts *p, EVP_PKEY *pkey,
    CK_OBJECT_HANDLE *out, struct err *e)
{
	__attribute__((cleanup(numbers_free))) struct numbers n = { { NULL } };
	const CK_OBJECT_CLASS cls = CKO_PRIVATE_KEY;
	const CK_KEY_TYPE kt = p->type == KEYTYPE_RSA ? CKK_RSA : CKK_EC;
	struct tmpl priv = { .n = 0 }, unused = { .n = 0 };
	uint8_t id[KEYID_LEN];
	enum rc rc;

	spki_keyid(id, p);
	put(&priv, P11_VAL(CKA_CLASS, cls));
	put(&priv, P11_VAL(CKA_KEY_TYPE, kt));
	put_bool(&priv, CKA_TOKEN, true);
	put_bool(&priv, CKA_PRIVATE, true);
	put_bool(&priv, CKA_SENSITIVE, true);
	put_bool(&priv, CKA_EXTRACTABLE, true);
	put(&priv, P11_VAL(CKA_ID, id));
	put_usage(&priv, &unused, p->type);
	if (p->type == KEYTYPE_RSA)
		rc = template_rsa(&priv, pkey, &n, e);
	else
		rc = template_ec(&priv, t, p, pkey, &n, e);
	if (rc != RC_OK ||
	    (rc = create_public(t, p, view_of(id, KEYID_LEN), e)) != RC_OK)
		return rc;
	return token_create(t, priv.a, priv.n, out, e);
}

enum rc
keystore_import_key(struct keystore *ks, struct key **out, const char *token,
    const struct secret *pkcs8, struct err *e)
{
	AUTO_PKEY pkey = NULL;
	AUTO_BUF spki = buf_empty(0);
	CK_OBJECT_HANDLE h;
	struct spki_parts p;
	struct token *t;
	enum rc rc;

	if ((rc = keystore_token(ks, &t, token, e)) != RC_OK ||
	    (rc = pkcs8_pkey(&pkey, pkcs8, e)) != RC_OK ||
	    (rc = pkcs8_spki(&spki, pkcs8, e)) != RC_OK ||
	    (rc = spki_parse(&p, buf_view(&spki), e)) != RC_OK)
		return rc;
	if (p.type == KEYTYPE_EC && p.curve == OID_COUNT)
		return err_set(e, RC_UNSUPPORTED, "private key: curve");
	LOCKED(&ks->write);
	/* there already: that is the same key */
	rc = keystore_find_key(ks, out, t->name, buf_view(&spki), e);
	if (rc != RC_NOTFOUND)
		return rc;
	if ((rc = create_pair(t, &p, pkey, &h, e)) != RC_OK)
		return rc;
	return keystore_handle(ks, out, t, h, e);
}
