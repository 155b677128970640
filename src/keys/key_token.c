/* SPDX-License-Identifier: Apache-2.0 */
/* key_token.c - signing and decrypting inside the token (HSMs, FIPS sites).
 * Owns:    nothing but the object handle inside struct key.
 * Trusts:  lengths the token returns, within the buffer given.
 * Threads: any; each operation has a session of the token's pool. */
#include "keys/key_impl.h"

#include "base/thread.h"
#include "der/reader.h"
#include "der/writer.h"

enum {
	ECDSA_FIELD_MAX = 66, /* P-521 */
	DIGESTINFO_MAX = 128,
};

/* k->lock is held: finds the object again after the token was lost. Keys of a
 * database get a session copy: it signs 2 to 20 times faster. */
static enum rc
handle_refresh(struct key *k, unsigned generation, struct err *e)
{
	const CK_OBJECT_CLASS cls = CKO_PRIVATE_KEY;
	const CK_BBOOL no = CK_FALSE;
	CK_ATTRIBUTE find[] = {
		P11_VAL(CKA_CLASS, cls),
		P11_VIEW(CKA_ID, k->id),
	};
	CK_ATTRIBUTE copy[] = { P11_VAL(CKA_TOKEN, no) };
	struct token *t = k->token;
	CK_OBJECT_HANDLE h;
	enum rc rc;
	CK_RV rv;

	if (k->generation != generation) {
		rc = token_find_one(t, find, 2, &k->handle, e);
		if (rc != RC_OK)
			return rc;
		k->generation = generation;
		k->copied = false;
	}
	if (!t->internal || k->copied)
		return RC_OK;
	k->copied = true; /* tried: a refusal leaves the token object */
	pthread_mutex_lock(&t->lock);
	rv = t->f->C_CopyObject(t->main, k->handle, copy, 1, &h);
	pthread_mutex_unlock(&t->lock);
	if (rv == CKR_OK)
		k->handle = h;
	return RC_OK;
}

static enum rc
handle_get(struct key *k, const struct p11_session *s, CK_OBJECT_HANDLE *out,
    struct err *e)
{
	LOCKED(&k->lock);
	enum rc rc = handle_refresh(k, s->generation, e);

	*out = k->handle;
	return rc;
}

typedef CK_RV p11_init(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
typedef CK_RV p11_run(
    CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);

/* One C_xInit and C_x in a pooled session; *len in: room, out: used. */
static enum rc
run(struct key *k, p11_init *init, p11_run *op, CK_MECHANISM *mech,
    struct view in, struct view out, size_t *len, struct err *e)
{
	CK_BYTE *from = p11_attr(0, in.data, 0).pValue;
	CK_BYTE *to = p11_attr(0, out.data, 0).pValue;
	struct token *t = k->token;
	struct p11_session s;
	CK_OBJECT_HANDLE h;
	CK_ULONG n;
	int tries = 0;
	bool again;
	enum rc rc;
	CK_RV rv;

	do {
		if ((rc = token_take_session(t, &s, e)) != RC_OK)
			return rc;
		if ((rc = handle_get(k, &s, &h, e)) != RC_OK) {
			token_put_session(t, &s, true);
			return rc;
		}
		n = (CK_ULONG)out.len;
		rv = init(s.h, mech, h);
		if (rv == CKR_OK)
			rv = op(s.h, from, (CK_ULONG)in.len, to, &n);
		again = token_recover_pooled(t, &s, rv, &tries);
		token_put_session(t, &s, rv == CKR_OK);
	} while (again);
	if (rv != CKR_OK)
		return p11_err(
		    e, rv, "token %s: private key operation", t->name);
	*len = n;
	return RC_OK;
}

/* DER SEQUENCE { r, s } from r and s side by side. */
static void
put_ecdsa(struct buf *out, struct view raw)
{
	size_t mark = der_open(out, DER_SEQUENCE);
	size_t half = raw.len / 2;

	for (size_t i = 0; i < 2; i++) {
		uint8_t b[ECDSA_FIELD_MAX + 1] = { 0 };
		struct view v = view_of(b, half + 1);

		memcpy(b + 1, raw.data + i * half, half);
		while (v.len > 1 && v.data[0] == 0 && v.data[1] < 0x80)
			v = view_of(v.data + 1, v.len - 1);
		der_put(out, DER_INTEGER, v);
	}
	der_close(out, mark);
}

static enum rc
sign_ec(struct key *k, struct view digest, struct buf *out, struct err *e)
{
	CK_MECHANISM mech = { CKM_ECDSA, NULL, 0 };
	CK_FUNCTION_LIST_PTR f = k->token->f;
	uint8_t raw[2 * ECDSA_FIELD_MAX];
	size_t field = spki_field_len(k->curve);
	size_t len;
	enum rc rc;

	/* modules differ on digests longer than the order: FIPS 186-4 6.4 takes
	 * the leftmost bits */
	if (digest.len > field)
		digest.len = field;
	rc = run(k, f->C_SignInit, f->C_Sign, &mech, digest,
	    view_of(raw, sizeof(raw)), &len, e);
	if (rc != RC_OK)
		return rc;
	if (len != 2 * field)
		return err_set(
		    e, RC_CRYPTO, "token %s: signature length", k->token->name);
	put_ecdsa(out, view_of(raw, len));
	return buf_check(out, e);
}

static CK_RSA_PKCS_PSS_PARAMS
pss_params(enum digest d)
{
	CK_RSA_PKCS_PSS_PARAMS p = { .sLen = (CK_ULONG)digest_len(d) };

	switch (d) {
	case DIGEST_SHA1:
		p.hashAlg = CKM_SHA_1;
		p.mgf = CKG_MGF1_SHA1;
		break;
	case DIGEST_SHA256:
		p.hashAlg = CKM_SHA256;
		p.mgf = CKG_MGF1_SHA256;
		break;
	case DIGEST_SHA384:
		p.hashAlg = CKM_SHA384;
		p.mgf = CKG_MGF1_SHA384;
		break;
	case DIGEST_SHA512:
		p.hashAlg = CKM_SHA512;
		p.mgf = CKG_MGF1_SHA512;
		break;
	}
	return p;
}

static enum oid
digest_oid(enum digest d)
{
	switch (d) {
	case DIGEST_SHA1:
		return OID_sha1;
	case DIGEST_SHA256:
		return OID_sha256;
	case DIGEST_SHA384:
		return OID_sha384;
	case DIGEST_SHA512:
		return OID_sha512;
	}
	return OID_COUNT;
}

/* DigestInfo (RFC 8017 9.2). */
static void
put_digestinfo(struct buf *out, enum digest d, struct view digest)
{
	size_t outer = der_open(out, DER_SEQUENCE);
	size_t alg = der_open(out, DER_SEQUENCE);

	der_put_oid(out, oid_der(digest_oid(d)));
	der_put_null(out);
	der_close(out, alg);
	der_put_octets(out, digest);
	der_close(out, outer);
}

static enum rc
sign_rsa(struct key *k, enum sigalg a, struct view digest, struct buf *out,
    struct err *e)
{
	CK_RSA_PKCS_PSS_PARAMS pss = pss_params(sigalg_digest(a));
	CK_MECHANISM mech = { CKM_RSA_PKCS, NULL, 0 };
	CK_FUNCTION_LIST_PTR f = k->token->f;
	AUTO_BUF info = buf_empty(DIGESTINFO_MAX);
	size_t len = ((size_t)k->bits + 7) / 8;
	uint8_t *p = buf_reserve(out, len);
	enum rc rc;

	if (p == NULL)
		return buf_check(out, e);
	if (sigalg_pss(a)) {
		mech = (CK_MECHANISM){ CKM_RSA_PKCS_PSS, &pss, sizeof(pss) };
		buf_add_view(&info, digest);
	} else {
		put_digestinfo(&info, sigalg_digest(a), digest);
	}
	if ((rc = buf_check(&info, e)) != RC_OK)
		return rc;
	rc = run(k, f->C_SignInit, f->C_Sign, &mech, buf_view(&info),
	    view_of(p, len), &len, e);
	if (rc == RC_OK)
		out->len += len;
	return rc;
}

enum rc
key_token_sign(struct key *k, enum sigalg a, struct view digest,
    struct buf *out, struct err *e)
{
	if (k->type == KEYTYPE_EC)
		return sign_ec(k, digest, out, e);
	return sign_rsa(k, a, digest, out, e);
}

enum rc
key_token_decrypt(
    struct key *k, bool oaep, struct view in, struct buf *out, struct err *e)
{
	CK_RSA_PKCS_OAEP_PARAMS params = { .hashAlg = CKM_SHA_1,
		.mgf = CKG_MGF1_SHA1,
		.source = CKZ_DATA_SPECIFIED };
	CK_MECHANISM mech = { CKM_RSA_PKCS, NULL, 0 };
	CK_FUNCTION_LIST_PTR f = k->token->f;
	size_t len = ((size_t)k->bits + 7) / 8;
	uint8_t *p = buf_reserve(out, len);
	enum rc rc;

	if (p == NULL)
		return buf_check(out, e);
	if (oaep)
		mech = (CK_MECHANISM){ CKM_RSA_PKCS_OAEP, &params,
			sizeof(params) };
	rc = run(k, f->C_DecryptInit, f->C_Decrypt, &mech, in, view_of(p, len),
	    &len, e);
	if (rc == RC_OK)
		out->len += len;
	return rc;
}
