/* SPDX-License-Identifier: Apache-2.0 */
/* spki.c - public keys: reading, writing, verifying with them.
 * Owns:    nothing.
 * Trusts:  nothing; keys and signatures come from the network.
 * Threads: pure functions. */
#include "keys/spki.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "der/reader.h"
#include "der/writer.h"

static const struct {
	enum oid oid;
	int bits;
	const char *group;
} curves[] = {
	{ OID_prime256v1, 256, "P-256" },
	{ OID_secp384r1, 384, "P-384" },
	{ OID_secp521r1, 521, "P-521" },
};
enum {
	N_CURVES = sizeof(curves) / sizeof(curves[0])
};

size_t
spki_field_len(enum oid curve)
{
	for (size_t i = 0; i < N_CURVES; i++) {
		if (curves[i].oid == curve)
			return ((size_t)curves[i].bits + 7) / 8;
	}
	return 0;
}

/* A positive INTEGER without its sign octet. */
static enum rc
positive(struct view *r, struct view *out, struct err *e)
{
	struct view v;
	enum rc rc;

	if ((rc = der_integer(r, &v, e)) != RC_OK)
		return rc;
	if (v.len == 0 || (v.data[0] & 0x80) != 0)
		return err_set(e, RC_INVALID, "negative number");
	if (v.data[0] == 0)
		v = view_of(v.data + 1, v.len - 1);
	if (v.len == 0)
		return err_set(e, RC_INVALID, "zero");
	*out = v;
	return RC_OK;
}

static int
bits_of(struct view v)
{
	int bits = (int)(v.len - 1) * 8;

	for (uint8_t top = v.data[0]; top != 0; top >>= 1)
		bits++;
	return bits;
}

static enum rc
parse_rsa(
    struct spki_parts *p, struct view param, struct view key, struct err *e)
{
	struct view seq;
	enum rc rc;

	/* RFC 3279 2.3.1: the parameters field MUST be NULL */
	if ((rc = der_null(&param, e)) != RC_OK ||
	    (rc = der_end(&param, e)) != RC_OK ||
	    (rc = der_enter(&key, &seq, DER_SEQUENCE, e)) != RC_OK ||
	    (rc = der_end(&key, e)) != RC_OK ||
	    (rc = positive(&seq, &p->n, e)) != RC_OK ||
	    (rc = positive(&seq, &p->e, e)) != RC_OK ||
	    (rc = der_end(&seq, e)) != RC_OK)
		return rc;
	if (p->n.len > SPKI_RSA_BITS_MAX / 8)
		return err_set(e, RC_UNSUPPORTED, "rsa modulus too long");
	p->type = KEYTYPE_RSA;
	p->bits = bits_of(p->n);
	p->curve = OID_COUNT;
	if (p->bits < SPKI_RSA_BITS_MIN)
		return err_set(e, RC_UNSUPPORTED, "rsa modulus too short");
	if (p->e.len > SPKI_RSA_EXPONENT_MAX)
		return err_set(e, RC_UNSUPPORTED, "rsa exponent too long");
	/* with e = 1 whoever sees a text has its signature */
	if (p->n.data[p->n.len - 1] % 2 == 0 ||
	    p->e.data[p->e.len - 1] % 2 == 0 ||
	    (p->e.len == 1 && p->e.data[0] < SPKI_RSA_EXPONENT_MIN))
		return err_set(
		    e, RC_INVALID, "RFC 8017 3.1: no rsa modulus and exponent");
	return RC_OK;
}

static enum rc
parse_ec(
    struct spki_parts *p, struct view param, struct view key, struct err *e)
{
	struct view oid;
	size_t len;
	enum rc rc;

	p->type = KEYTYPE_EC;
	p->ec_param = param;
	p->point = key;
	if (der_peek(&param) != DER_OID)
		return err_set(
		    e, RC_UNSUPPORTED, "RFC 5480 2.1.1: curve without a name");
	if ((rc = der_oid(&param, &oid, e)) != RC_OK ||
	    (rc = der_end(&param, e)) != RC_OK)
		return rc;
	if (key.len < 2)
		return err_set(e, RC_INVALID, "ec point too short");
	p->curve = oid_find(oid);
	len = spki_field_len(p->curve);
	if (len == 0) {
		p->curve = OID_COUNT;
		p->bits = (int)((key.len - 1) / 2) * 8;
		return RC_OK;
	}
	for (size_t i = 0; i < N_CURVES; i++) {
		if (curves[i].oid == p->curve)
			p->bits = curves[i].bits;
	}
	if (key.data[0] != 0x04 || key.len != 1 + 2 * len)
		return err_set(e,
		    key.data[0] == 0x04 ? RC_INVALID : RC_UNSUPPORTED,
		    "RFC 5480 2.2: ec point is not an uncompressed one");
	return RC_OK;
}

enum rc
spki_parse(struct spki_parts *out, struct view spki, struct err *e)
{
	struct spki_parts p = { .curve = OID_COUNT };
	struct view body, alg, oid, key;
	enum rc rc;

	if ((rc = der_enter(&spki, &body, DER_SEQUENCE, e)) != RC_OK ||
	    (rc = der_end(&spki, e)) != RC_OK ||
	    (rc = der_enter(&body, &alg, DER_SEQUENCE, e)) != RC_OK ||
	    (rc = der_oid(&alg, &oid, e)) != RC_OK ||
	    (rc = der_bits(&body, &key, e)) != RC_OK ||
	    (rc = der_end(&body, e)) != RC_OK)
		goto bad;
	if (view_eq(oid, oid_der(OID_rsaEncryption)))
		rc = parse_rsa(&p, alg, key, e);
	else if (view_eq(oid, oid_der(OID_ecPublicKey)))
		rc = parse_ec(&p, alg, key, e);
	else
		rc = err_set(e, RC_UNSUPPORTED, "algorithm is not RSA or EC");
	if (rc != RC_OK)
		goto bad;
	*out = p;
	return RC_OK;
bad:
	if (e == NULL)
		return rc;
	return err_prefix(e, "public key: RFC 5280 4.1.2.7");
}

enum rc
spki_info(struct view spki, enum keytype *type, int *bits, enum oid *curve,
    struct err *e)
{
	struct spki_parts p;
	enum rc rc = spki_parse(&p, spki, e);

	if (rc != RC_OK)
		return rc;
	*type = p.type;
	*bits = p.bits;
	*curve = p.curve;
	return RC_OK;
}

/* Writer for unsigned numbers longer than struct num. */
static void
put_unsigned(struct buf *out, struct view v)
{
	AUTO_BUF b = buf_empty(SPKI_RSA_BITS_MAX);

	while (v.len > 1 && v.data[0] == 0)
		v = view_of(v.data + 1, v.len - 1);
	if (v.len == 0 || (v.data[0] & 0x80) != 0)
		buf_add_char(&b, '\0');
	buf_add_view(&b, v);
	der_put(out, DER_INTEGER, buf_view(&b));
}

void
spki_put_rsa(struct buf *out, struct view n, struct view e)
{
	AUTO_BUF key = buf_empty(0);
	size_t mark = der_open(&key, DER_SEQUENCE);
	size_t outer, alg;

	put_unsigned(&key, n);
	put_unsigned(&key, e);
	der_close(&key, mark);
	outer = der_open(out, DER_SEQUENCE);
	alg = der_open(out, DER_SEQUENCE);
	der_put_oid(out, oid_der(OID_rsaEncryption));
	der_put_null(out);
	der_close(out, alg);
	der_put_bits(out, buf_view(&key));
	der_close(out, outer);
}

void
spki_put_ec(struct buf *out, struct view param, struct view point)
{
	size_t outer = der_open(out, DER_SEQUENCE);
	size_t alg = der_open(out, DER_SEQUENCE);

	der_put_oid(out, oid_der(OID_ecPublicKey));
	der_put_raw(out, param);
	der_close(out, alg);
	der_put_bits(out, point);
	der_close(out, outer);
}

void
spki_keyid(uint8_t out[KEYID_LEN], const struct spki_parts *p)
{
	uint8_t md[DIGEST_MAX];

	digest_of(md, DIGEST_SHA1, p->type == KEYTYPE_RSA ? p->n : p->point);
	memcpy(out, md, KEYID_LEN);
}

static OSSL_PARAM *
params_rsa(const struct spki_parts *p)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(p->n.data, (int)p->n.len, NULL);
	BIGNUM *e = BN_bin2bn(p->e.data, (int)p->e.len, NULL);
	OSSL_PARAM *params = NULL;

	if (bld != NULL && n != NULL && e != NULL &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(bld);
	OSSL_PARAM_BLD_free(bld);
	BN_free(n);
	BN_free(e);
	return params;
}

static OSSL_PARAM *
params_ec(const struct spki_parts *p)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	const char *group = "";

	for (size_t i = 0; i < N_CURVES; i++) {
		if (curves[i].oid == p->curve)
			group = curves[i].group;
	}
	if (bld != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(
		bld, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(
		bld, OSSL_PKEY_PARAM_PUB_KEY, p->point.data, p->point.len) == 1)
		params = OSSL_PARAM_BLD_to_param(bld);
	OSSL_PARAM_BLD_free(bld);
	return params;
}

/* fromdata costs 13 us for P-256 where d2i_PUBKEY takes 95 (measurements C) */
enum rc
spki_pkey(EVP_PKEY **out, struct view spki, struct err *e)
{
	AUTO_PKEY_CTX ctx = NULL;
	struct spki_parts p;
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params;
	enum rc rc;
	int ok;

	if ((rc = spki_parse(&p, spki, e)) != RC_OK)
		return rc;
	if (p.type == KEYTYPE_EC && p.curve == OID_COUNT)
		return err_set(e, RC_UNSUPPORTED, "public key: curve");
	ERR_clear_error();
	params = p.type == KEYTYPE_RSA ? params_rsa(&p) : params_ec(&p);
	ctx = EVP_PKEY_CTX_new_from_name(
	    NULL, p.type == KEYTYPE_RSA ? "RSA" : "EC", NULL);
	ok = params != NULL && ctx != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1;
	OSSL_PARAM_free(params);
	if (!ok)
		return err_openssl(e, RC_INVALID, "public key");
	*out = pkey;
	return RC_OK;
}

bool
spki_ctx_setup(EVP_PKEY_CTX *ctx, enum sigalg a)
{
	const EVP_MD *md = digest_md(sigalg_digest(a));

	if (sigalg_keytype(a) == KEYTYPE_EC)
		return EVP_PKEY_CTX_set_signature_md(ctx, md) == 1;
	if (!sigalg_pss(a))
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) ==
		    1 &&
		    EVP_PKEY_CTX_set_signature_md(ctx, md) == 1;
	/* RFC 4055 3.1: mask and salt as long as the digest */
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

enum rc
spki_verify(struct view spki, enum sigalg a, struct view data, struct view sig,
    struct err *e)
{
	uint8_t md[DIGEST_MAX];
	AUTO_PKEY pkey = NULL;
	AUTO_PKEY_CTX ctx = NULL;
	size_t len;
	enum rc rc;

	if ((rc = spki_pkey(&pkey, spki, e)) != RC_OK)
		return rc;
	if (a >= SIGALG_COUNT ||
	    (sigalg_keytype(a) == KEYTYPE_RSA) !=
		(EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA))
		return err_set(
		    e, RC_INVALID, "signature: algorithm does not fit the key");
	len = digest_of(md, sigalg_digest(a), data);
	ERR_clear_error();
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
	    !spki_ctx_setup(ctx, a))
		return err_openssl(e, RC_CRYPTO, "signature");
	if (EVP_PKEY_verify(ctx, sig.data, sig.len, md, len) != 1) {
		ERR_clear_error();
		return err_set(e, RC_CRYPTO, "signature does not verify");
	}
	return RC_OK;
}
