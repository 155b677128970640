/* SPDX-License-Identifier: Apache-2.0 */
/* key.c - handles of private keys: what they say and what they sign.
 * Owns:    struct key; it holds a reference of its token.
 * Trusts:  the token's attributes, checked as a public key is.
 * Threads: shared by many; key->lock guards handle, key and contexts. */
#include "keys/key_impl.h"

#include <stdlib.h>

#include <openssl/x509.h>

#include "base/thread.h"
#include "der/reader.h"
#include "der/writer.h"
#include "keys/certinfo.h"

void
key_free(struct key *k)
{
	if (k == NULL || atomic_fetch_sub(&k->refs, 1) > 1)
		return;
	for (size_t a = 0; a < SIGALG_COUNT; a++) {
		for (size_t i = 0; i < k->n_idle[a]; i++)
			EVP_PKEY_CTX_free(k->idle[a][i]);
	}
	EVP_PKEY_free(k->pkey);
	buf_done(&k->spki);
	buf_done(&k->id);
	pthread_mutex_destroy(&k->lock);
	token_free(k->token);
	free(k);
}

struct key *
key_ref(struct key *k)
{
	atomic_fetch_add(&k->refs, 1);
	return k;
}

/* The point inside CKA_EC_POINT: a DER OCTET STRING (PKCS #11 2.40), or bare
 * as some modules give it. */
static struct view
point_of(struct view v, size_t field_len)
{
	struct view r = v, body;

	if (field_len > 0 && v.len == 1 + 2 * field_len)
		return v;
	if (der_octets(&r, &body, NULL) == RC_OK && r.len == 0)
		return body;
	return v;
}

static enum rc
public_rsa(struct key *k, struct err *e)
{
	AUTO_BUF n = buf_empty(0);
	AUTO_BUF exp = buf_empty(0);
	enum rc rc;

	rc = token_attr(k->token, k->handle, CKA_MODULUS, &n, e);
	if (rc == RC_OK)
		rc = token_attr(
		    k->token, k->handle, CKA_PUBLIC_EXPONENT, &exp, e);
	if (rc != RC_OK)
		return rc;
	spki_put_rsa(&k->spki, buf_view(&n), buf_view(&exp));
	return buf_check(&k->spki, e);
}

/* From the public key object beside the private one. */
static enum rc
public_ec(struct key *k, struct err *e)
{
	const CK_OBJECT_CLASS cls = CKO_PUBLIC_KEY;
	AUTO_BUF param = buf_empty(0);
	AUTO_BUF point = buf_empty(0);
	CK_ATTRIBUTE tmpl[] = {
		P11_VAL(CKA_CLASS, cls),
		P11_VIEW(CKA_ID, k->id),
	};
	struct view r, oid, p;
	CK_OBJECT_HANDLE h;
	enum rc rc;

	if ((rc = token_find_one(k->token, tmpl, 2, &h, e)) != RC_OK ||
	    (rc = token_attr(k->token, h, CKA_EC_PARAMS, &param, e)) != RC_OK ||
	    (rc = token_attr(k->token, h, CKA_EC_POINT, &point, e)) != RC_OK)
		return rc;
	r = buf_view(&param);
	if ((rc = der_oid(&r, &oid, e)) != RC_OK)
		return rc;
	p = point_of(buf_view(&point), spki_field_len(oid_find(oid)));
	spki_put_ec(&k->spki, buf_view(&param), p);
	return buf_check(&k->spki, e);
}

/* From the certificate beside it. */
static enum rc
public_cert(struct key *k, struct err *e)
{
	const CK_OBJECT_CLASS cls = CKO_CERTIFICATE;
	AUTO_BUF der = buf_empty(0);
	CK_ATTRIBUTE tmpl[] = {
		P11_VAL(CKA_CLASS, cls),
		P11_VIEW(CKA_ID, k->id),
	};
	struct certinfo c;
	CK_OBJECT_HANDLE h;
	enum rc rc;

	if ((rc = token_find_one(k->token, tmpl, 2, &h, e)) != RC_OK ||
	    (rc = token_attr(k->token, h, CKA_VALUE, &der, e)) != RC_OK ||
	    (rc = certinfo_parse(&c, buf_view(&der), e)) != RC_OK)
		return rc;
	buf_add_view(&k->spki, c.spki);
	return buf_check(&k->spki, e);
}

/* Last resort for a software key: unwrap it and look. */
static enum rc
public_unwrap(struct key *k, struct err *e)
{
	unsigned char *der = NULL;
	enum rc rc = key_soft_load(k, e);
	int n;

	if (rc != RC_OK)
		return rc;
	n = i2d_PUBKEY(k->pkey, &der);
	if (n <= 0)
		return err_openssl(e, RC_CRYPTO, "key");
	buf_add(&k->spki, der, (size_t)n);
	OPENSSL_free(der);
	return buf_check(&k->spki, e);
}

static enum rc
read_public(struct key *k, struct err *e)
{
	CK_ULONG kt = token_attr_ulong(
	    k->token, k->handle, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
	enum rc rc;

	if (kt == CKK_RSA)
		rc = public_rsa(k, e);
	else if (kt == CKK_EC)
		rc = public_ec(k, e);
	else
		return err_set(e, RC_UNSUPPORTED, "key is not RSA or EC");
	if (rc != RC_OK) {
		buf_reset(&k->spki);
		rc = public_cert(k, e);
	}
	if (rc != RC_OK && !k->in_token) {
		buf_reset(&k->spki);
		rc = public_unwrap(k, e);
	}
	return rc;
}

enum rc
key_new(struct key **out, struct token *t, CK_OBJECT_HANDLE h, bool in_token,
    struct err *e)
{
	AUTO(key) k = calloc(1, sizeof(*k));
	struct spki_parts p;
	enum rc rc;

	if (k == NULL)
		return err_set(e, RC_NOMEM, "key");
	atomic_init(&k->refs, 1);
	pthread_mutex_init(&k->lock, NULL);
	k->spki = buf_empty(0);
	k->id = buf_empty(0);
	k->token = token_ref(t);
	k->in_token = in_token;
	k->handle = k->handle_found = h;
	pthread_mutex_lock(&t->lock);
	k->generation = t->generation;
	pthread_mutex_unlock(&t->lock);
	rc = token_attr(t, h, CKA_ID, &k->id, e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if ((rc = read_public(k, e)) != RC_OK ||
	    (rc = spki_parse(&p, buf_view(&k->spki), e)) != RC_OK)
		return rc;
	k->type = p.type;
	k->bits = p.bits;
	k->curve = p.curve;
	*out = key_steal(&k);
	return RC_OK;
}

enum keytype
key_type(const struct key *k)
{
	return k->type;
}

int
key_bits(const struct key *k)
{
	return k->bits;
}

struct view
key_spki(const struct key *k)
{
	return buf_view(&k->spki);
}

struct view
key_id(const struct key *k)
{
	return buf_view(&k->id);
}

const char *
key_token(const struct key *k)
{
	return k->token->name;
}

bool
key_can_sign(const struct key *k, enum sigalg a)
{
	size_t dlen;

	if (a >= SIGALG_COUNT || sigalg_keytype(a) != k->type)
		return false;
	if (k->type == KEYTYPE_EC)
		return k->curve != OID_COUNT;
	dlen = digest_len(sigalg_digest(a));
	/* RFC 8017 9.1.1 step 3, salt as long as the digest */
	if (sigalg_pss(a))
		return (size_t)(k->bits - 1 + 7) / 8 >= 2 * dlen + 2;
	return true;
}

enum sigalg
key_default_sigalg(const struct key *k)
{
	if (k->type == KEYTYPE_RSA)
		return SIGALG_SHA256_RSA;
	if (k->bits > 384)
		return SIGALG_SHA512_EC;
	return k->bits > 256 ? SIGALG_SHA384_EC : SIGALG_SHA256_EC;
}

enum rc
key_sign(struct key *k, enum sigalg a, struct view digest, struct buf *out,
    struct err *e)
{
	enum rc rc = RC_UNSUPPORTED;

	if (!key_can_sign(k, a))
		return err_set(e, RC_INVALID,
		    "signing: %s does not fit a key of %d bits",
		    a < SIGALG_COUNT ? sigalg_name(a) : "algorithm", k->bits);
	if (digest.len != digest_len(sigalg_digest(a)))
		return err_set(e, RC_INVALID, "signing: digest length");
	if (!k->in_token)
		rc = key_soft_sign(k, a, digest, out, e);
	if (rc == RC_UNSUPPORTED)
		rc = key_token_sign(k, a, digest, out, e);
	return rc;
}

enum rc
key_sign_data(struct key *k, enum sigalg a, struct view tbs, struct buf *out,
    struct err *e)
{
	uint8_t md[DIGEST_MAX];
	size_t len;

	if (!key_can_sign(k, a))
		return key_sign(k, a, view_of(NULL, 0), out, e);
	len = digest_of(md, sigalg_digest(a), tbs);
	return key_sign(k, a, view_of(md, len), out, e);
}

enum rc
key_sign_object(struct key *k, enum sigalg a, struct view tbs, struct buf *out,
    struct err *e)
{
	AUTO_BUF sig = buf_empty(0);
	size_t mark;
	enum rc rc;

	if ((rc = key_sign_data(k, a, tbs, &sig, e)) != RC_OK)
		return rc;
	mark = der_open(out, DER_SEQUENCE);
	der_put_raw(out, tbs);
	sigalg_put(out, a);
	der_put_bits(out, buf_view(&sig));
	der_close(out, mark);
	return buf_check(out, e);
}

enum rc
key_decrypt(
    struct key *k, bool oaep, struct view in, struct buf *out, struct err *e)
{
	enum rc rc = RC_UNSUPPORTED;

	if (k->type != KEYTYPE_RSA)
		return err_set(e, RC_INVALID, "decryption: not an RSA key");
	if (!k->in_token)
		rc = key_soft_decrypt(k, oaep, in, out, e);
	if (rc == RC_UNSUPPORTED)
		rc = key_token_decrypt(k, oaep, in, out, e);
	return rc;
}
