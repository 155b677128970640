/* SPDX-License-Identifier: Apache-2.0 */
/* key_soft.c - software keys: taken out of the NSS database once, then used
 * with libcrypto (measurements B: 8 to 120 times faster than in the token).
 * Owns:    the EVP_PKEY and ready contexts inside struct key.
 * Trusts:  softoken, a library of this process.
 * Threads: any; key->lock guards loading and the list of contexts. A context is
 *          used by one thread at a time. */
#include "keys/key_impl.h"

#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/thread.h"

enum {
	WRAP_KEY_LEN = 32,
	WRAP_IV_LEN = 16,
	PKCS8_MAX = 64 * 1024,
};

/* Wiped when it goes out of scope. */
struct wrap_key {
	uint8_t key[WRAP_KEY_LEN];
	uint8_t iv[WRAP_IV_LEN];
};
static void
wrap_key_wipe(struct wrap_key *w)
{
	OPENSSL_cleanse(w, sizeof(*w));
}

/* Wraps the key with a session key made for this; t->lock is held. */
static CK_RV
wrap_locked(
    struct token *t, CK_OBJECT_HANDLE key, struct wrap_key *w, struct buf *out)
{
	const CK_OBJECT_CLASS cls = CKO_SECRET_KEY;
	const CK_KEY_TYPE kt = CKK_AES;
	const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE tmpl[] = {
		P11_VAL(CKA_CLASS, cls),
		P11_VAL(CKA_KEY_TYPE, kt),
		P11_VAL(CKA_TOKEN, no),
		P11_VAL(CKA_WRAP, yes),
		P11_VAL(CKA_VALUE, w->key),
	};
	CK_MECHANISM mech = { CKM_AES_CBC_PAD, w->iv, WRAP_IV_LEN };
	CK_OBJECT_HANDLE wk;
	CK_ULONG len = PKCS8_MAX;
	CK_BYTE *p;
	CK_RV rv;

	p = buf_reserve(out, len);
	if (p == NULL)
		return CKR_HOST_MEMORY;
	rv = t->f->C_CreateObject(
	    t->main, tmpl, sizeof(tmpl) / sizeof(tmpl[0]), &wk);
	if (rv != CKR_OK)
		return rv;
	rv = t->f->C_WrapKey(t->main, &mech, wk, key, p, &len);
	t->f->C_DestroyObject(t->main, wk);
	if (rv == CKR_OK)
		out->len += len;
	return rv;
}

/* Decrypts what wrap_locked made, into the secure heap. */
static enum rc
unwrap(struct secret **out, const struct wrap_key *w, struct view in,
    struct err *e)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t *plain = OPENSSL_secure_zalloc(in.len + WRAP_IV_LEN);
	struct secret *s = NULL;
	int n = 0, last = 0;

	if (ctx != NULL && plain != NULL &&
	    EVP_DecryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, w->key, w->iv) ==
		1 &&
	    EVP_DecryptUpdate(ctx, plain, &n, in.data, (int)in.len) == 1 &&
	    EVP_DecryptFinal_ex(ctx, plain + n, &last) == 1)
		s = secret_new(view_of(plain, (size_t)n + (size_t)last));
	OPENSSL_secure_clear_free(plain, in.len + WRAP_IV_LEN);
	EVP_CIPHER_CTX_free(ctx);
	if (s == NULL)
		return err_openssl(e, RC_CRYPTO, "key: unwrap");
	*out = s;
	return RC_OK;
}

static bool
is_refusal(CK_RV rv)
{
	return rv == CKR_KEY_UNEXTRACTABLE || rv == CKR_KEY_NOT_WRAPPABLE ||
	    rv == CKR_FUNCTION_NOT_SUPPORTED || rv == CKR_MECHANISM_INVALID ||
	    rv == CKR_ATTRIBUTE_VALUE_INVALID;
}

enum rc
key_export(struct key *k, struct secret **out, struct err *e)
{
	__attribute__((cleanup(wrap_key_wipe))) struct wrap_key w;
	AUTO_BUF wrapped = buf_empty(PKCS8_MAX);
	struct token *t = k->token;
	CK_RV rv;

	if (!t->internal)
		return err_set(
		    e, RC_UNSUPPORTED, "key: cannot leave token %s", t->name);
	if (RAND_priv_bytes(w.key, WRAP_KEY_LEN) != 1 ||
	    RAND_bytes(w.iv, WRAP_IV_LEN) != 1)
		return err_openssl(e, RC_CRYPTO, "random");
	pthread_mutex_lock(&t->lock);
	rv = wrap_locked(t, k->handle, &w, &wrapped);
	pthread_mutex_unlock(&t->lock);
	if (is_refusal(rv))
		return err_set(e, RC_UNSUPPORTED,
		    "key: cannot leave token %s (CKR 0x%lx)", t->name,
		    (unsigned long)rv);
	if (rv != CKR_OK)
		return p11_err(e, rv, "key: wrap in token %s", t->name);
	return unwrap(out, &w, buf_view(&wrapped), e);
}

enum rc
pkcs8_pkey(EVP_PKEY **out, const struct secret *pkcs8, struct err *e)
{
	struct view v = secret_view(pkcs8);
	const unsigned char *p = v.data;
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *pkey = NULL;

	if (v.len > PKCS8_MAX)
		return err_set(e, RC_TOOBIG, "private key");
	ERR_clear_error();
	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)v.len);
	if (info != NULL && p == v.data + v.len)
		pkey = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (pkey == NULL)
		return err_openssl(
		    e, RC_INVALID, "private key: not a PrivateKeyInfo");
	*out = pkey;
	return RC_OK;
}

enum rc
pkcs8_spki(struct buf *out, const struct secret *pkcs8, struct err *e)
{
	AUTO_PKEY pkey = NULL;
	unsigned char *der = NULL;
	enum rc rc = pkcs8_pkey(&pkey, pkcs8, e);
	int n;

	if (rc != RC_OK)
		return rc;
	n = i2d_PUBKEY(pkey, &der);
	if (n <= 0)
		return err_openssl(e, RC_INVALID, "private key");
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	return buf_check(out, e);
}

enum rc
key_soft_load(struct key *k, struct err *e)
{
	AUTO(secret) pkcs8 = NULL;
	enum rc rc;

	LOCKED(&k->lock);
	if (k->no_unwrap) /* pkey may be libp11's */
		return err_set(e, RC_UNSUPPORTED, "key: stays in its token");
	if (k->pkey != NULL)
		return RC_OK;
	rc = key_export(k, &pkcs8, e);
	if (rc == RC_OK)
		rc = pkcs8_pkey(&k->pkey, pkcs8, e);
	k->no_unwrap = rc == RC_UNSUPPORTED;
	return rc;
}

/* A context ready to sign: building one fetches the algorithm anew, which
 * costs a tenth of a P-256 signature, so used ones are kept. */
static EVP_PKEY_CTX *
ctx_take(struct key *k, enum sigalg a)
{
	EVP_PKEY_CTX *ctx = NULL;

	pthread_mutex_lock(&k->lock);
	if (k->n_idle[a] > 0)
		ctx = k->idle[a][--k->n_idle[a]];
	pthread_mutex_unlock(&k->lock);
	if (ctx != NULL)
		return ctx;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	if (ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
	    spki_ctx_setup(ctx, a))
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

static void
ctx_put(struct key *k, enum sigalg a, EVP_PKEY_CTX *ctx)
{
	pthread_mutex_lock(&k->lock);
	if (k->n_idle[a] < KEY_CTX_MAX) {
		k->idle[a][k->n_idle[a]++] = ctx;
		ctx = NULL;
	}
	pthread_mutex_unlock(&k->lock);
	EVP_PKEY_CTX_free(ctx);
}

enum rc
key_soft_sign(struct key *k, enum sigalg a, struct view digest, struct buf *out,
    struct err *e)
{
	size_t len = (size_t)k->bits / 4 + 64; /* above any signature */
	EVP_PKEY_CTX *ctx;
	uint8_t *p;
	enum rc rc;

	if ((rc = key_soft_load(k, e)) != RC_OK)
		return rc;
	p = buf_reserve(out, len);
	if (p == NULL)
		return buf_check(out, e);
	ctx = ctx_take(k, a);
	if (ctx == NULL)
		return err_openssl(e, RC_CRYPTO, "signing");
	if (EVP_PKEY_sign(ctx, p, &len, digest.data, digest.len) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return err_openssl(e, RC_CRYPTO, "signing");
	}
	ctx_put(k, a, ctx);
	out->len += len;
	return RC_OK;
}

enum rc
key_soft_decrypt(
    struct key *k, bool oaep, struct view in, struct buf *out, struct err *e)
{
	size_t len = (size_t)k->bits / 8 + 1;
	AUTO_PKEY_CTX ctx = NULL;
	uint8_t *p;
	enum rc rc;

	if ((rc = key_soft_load(k, e)) != RC_OK)
		return rc;
	p = buf_reserve(out, len);
	if (p == NULL)
		return buf_check(out, e);
	ERR_clear_error();
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	if (ctx == NULL || EVP_PKEY_decrypt_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(
		ctx, oaep ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_decrypt(ctx, p, &len, in.data, in.len) != 1)
		return err_openssl(e, RC_CRYPTO, "decryption");
	out->len += len;
	return RC_OK;
}
