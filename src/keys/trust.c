/* SPDX-License-Identifier: Apache-2.0 */
/* trust.c - trust of certificates: CKO_NSS_TRUST objects <-> "CTu,Cu,Cu".
 * Owns:    nothing.
 * Trusts:  nothing; unknown letters are refused.
 * Threads: any; writers hold keystore->write. */
#include <stdlib.h>

#include <openssl/evp.h>

#include "der/oid.h"
#include "keys/certinfo.h"
#include "keys/keystore_impl.h"

/* What certutil's letters set; the three groups are TLS, mail, code. */
enum {
	T_TERMINAL = 1 << 0,  /* p: end of a chain */
	T_TRUSTED = 1 << 1,   /* P */
	T_VALID_CA = 1 << 2,  /* c */
	T_SERVER_CA = 1 << 3, /* C */
	T_CLIENT_CA = 1 << 4, /* T */
	N_GROUPS = 3,
	MD5_LEN = 16,
};

/* Flags of a group, or -1 for a letter that is none. */
static int
group_flags(struct view letters)
{
	int flags = 0;

	for (size_t i = 0; i < letters.len; i++) {
		switch (letters.data[i]) {
		case 'p':
			flags |= T_TERMINAL;
			break;
		case 'P':
			flags |= T_TERMINAL | T_TRUSTED;
			break;
		case 'c':
			flags |= T_VALID_CA;
			break;
		case 'C':
			flags |= T_VALID_CA | T_SERVER_CA;
			break;
		case 'T':
			flags |= T_VALID_CA | T_CLIENT_CA;
			break;
		case 'u': /* follows from the private key */
		case 'w': /* accepted and without effect, as in NSS */
			break;
		default:
			return -1;
		}
	}
	return flags;
}

static enum rc
trust_flags(int out[N_GROUPS], const char *trust, struct err *e)
{
	struct view rest = view_str(trust);

	for (size_t g = 0; g < N_GROUPS; g++) {
		const uint8_t *comma = NULL;
		struct view part = rest;

		if (rest.len > 0)
			comma = memchr(rest.data, ',', rest.len);
		if ((comma == NULL) != (g == N_GROUPS - 1))
			return err_set(e, RC_INVALID,
			    "trust: three groups of letters expected: %.32s",
			    trust);
		if (comma != NULL) {
			part.len = (size_t)(comma - rest.data);
			rest = view_of(comma + 1, rest.len - part.len - 1);
		}
		out[g] = group_flags(part);
		if (out[g] < 0)
			return err_set(e, RC_INVALID,
			    "trust: unknown letter: %.32s", trust);
	}
	return RC_OK;
}

/* A group as NSS stores it, and back. ca = the flag of a trusted issuer. */
static CK_ULONG
level_of(int flags, int ca)
{
	if ((flags & ca) != 0)
		return CKT_NSS_TRUSTED_DELEGATOR;
	if ((flags & T_TRUSTED) != 0)
		return CKT_NSS_TRUSTED;
	if ((flags & T_TERMINAL) != 0)
		return CKT_NSS_NOT_TRUSTED;
	if ((flags & T_VALID_CA) != 0)
		return CKT_NSS_VALID_DELEGATOR;
	return CKT_NSS_MUST_VERIFY_TRUST;
}

static int
flags_of(CK_ULONG level, int ca)
{
	if (level == CKT_NSS_TRUSTED_DELEGATOR)
		return T_VALID_CA | ca;
	if (level == CKT_NSS_TRUSTED)
		return T_TERMINAL | T_TRUSTED;
	if (level == CKT_NSS_NOT_TRUSTED)
		return T_TERMINAL;
	if (level == CKT_NSS_VALID_DELEGATOR)
		return T_VALID_CA;
	return 0;
}

/* In certutil's order. */
static void
put_letters(struct buf *out, int flags, bool user)
{
	if ((flags & T_VALID_CA) != 0 &&
	    (flags & (T_SERVER_CA | T_CLIENT_CA)) == 0)
		buf_add_char(out, 'c');
	if ((flags & T_TERMINAL) != 0 && (flags & T_TRUSTED) == 0)
		buf_add_char(out, 'p');
	if ((flags & T_SERVER_CA) != 0)
		buf_add_char(out, 'C');
	if ((flags & T_CLIENT_CA) != 0)
		buf_add_char(out, 'T');
	if ((flags & T_TRUSTED) != 0)
		buf_add_char(out, 'P');
	if (user)
		buf_add_char(out, 'u');
}

/* The trust object of a certificate, by issuer and serial. */
static enum rc
find(struct keystore *ks, const struct certinfo *c, CK_OBJECT_HANDLE *out,
    struct err *e)
{
	const CK_OBJECT_CLASS cls = CKO_NSS_TRUST;
	CK_ATTRIBUTE tmpl[] = {
		P11_VAL(CKA_CLASS, cls),
		P11_VIEW(CKA_ISSUER, c->issuer),
		P11_VIEW(CKA_SERIAL_NUMBER, c->serial),
	};

	return token_find_one(ks->tokens[0], tmpl, 3, out, e);
}

void
trust_read(
    struct keystore *ks, const struct certinfo *c, bool user, struct buf *out)
{
	struct token *t = ks->tokens[0];
	int flags[N_GROUPS] = { 0 };
	CK_OBJECT_HANDLE h;

	if (find(ks, c, &h, NULL) == RC_OK) {
		flags[0] =
		    flags_of(token_attr_ulong(t, h, CKA_TRUST_SERVER_AUTH, 0),
			T_SERVER_CA);
		flags[0] |=
		    flags_of(token_attr_ulong(t, h, CKA_TRUST_CLIENT_AUTH, 0),
			T_CLIENT_CA);
		flags[1] = flags_of(
		    token_attr_ulong(t, h, CKA_TRUST_EMAIL_PROTECTION, 0),
		    T_SERVER_CA);
		flags[2] =
		    flags_of(token_attr_ulong(t, h, CKA_TRUST_CODE_SIGNING, 0),
			T_SERVER_CA);
	}
	for (size_t g = 0; g < N_GROUPS; g++) {
		if (g > 0)
			buf_add_char(out, ',');
		put_letters(out, flags[g], user);
	}
}

static enum rc
create(struct keystore *ks, const struct certinfo *c, struct view der,
    const CK_ATTRIBUTE levels[4], struct err *e)
{
	const CK_OBJECT_CLASS cls = CKO_NSS_TRUST;
	const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	uint8_t sha1[DIGEST_MAX], md5[EVP_MAX_MD_SIZE];
	unsigned md5_len = MD5_LEN;
	CK_OBJECT_HANDLE h;

	digest_of(sha1, DIGEST_SHA1, der);
	/* absent in FIPS mode: NSS looks at SHA-1 first */
	if (EVP_Digest(der.data, der.len, md5, &md5_len, EVP_md5(), NULL) != 1)
		md5_len = 0;
	CK_ATTRIBUTE tmpl[] = {
		P11_VAL(CKA_CLASS, cls),
		P11_VAL(CKA_TOKEN, yes),
		P11_VIEW(CKA_ISSUER, c->issuer),
		P11_VIEW(CKA_SERIAL_NUMBER, c->serial),
		p11_attr(CKA_CERT_SHA1_HASH, sha1, digest_len(DIGEST_SHA1)),
		levels[0],
		levels[1],
		levels[2],
		levels[3],
		P11_VAL(CKA_TRUST_STEP_UP_APPROVED, no),
		p11_attr(CKA_CERT_MD5_HASH, md5, md5_len),
	};
	size_t n = sizeof(tmpl) / sizeof(tmpl[0]);

	return token_create(
	    ks->tokens[0], tmpl, md5_len > 0 ? n : n - 1, &h, e);
}

enum rc
trust_write(struct keystore *ks, const struct certinfo *c, struct view der,
    const char *trust, struct err *e)
{
	CK_OBJECT_HANDLE h;
	CK_ULONG v[4];
	int flags[N_GROUPS];
	enum rc rc;

	if ((rc = trust_flags(flags, trust, e)) != RC_OK)
		return rc;
	v[0] = level_of(flags[0], T_SERVER_CA);
	v[1] = level_of(flags[0], T_CLIENT_CA);
	v[2] = level_of(flags[1], T_SERVER_CA | T_CLIENT_CA);
	v[3] = level_of(flags[2], T_SERVER_CA | T_CLIENT_CA);
	CK_ATTRIBUTE levels[] = {
		P11_VAL(CKA_TRUST_SERVER_AUTH, v[0]),
		P11_VAL(CKA_TRUST_CLIENT_AUTH, v[1]),
		P11_VAL(CKA_TRUST_EMAIL_PROTECTION, v[2]),
		P11_VAL(CKA_TRUST_CODE_SIGNING, v[3]),
	};
	rc = find(ks, c, &h, e);
	if (rc == RC_NOTFOUND)
		return create(ks, c, der, levels, e);
	if (rc != RC_OK)
		return rc;
	return token_set_attr(ks->tokens[0], h, levels, 4, e);
}

enum rc
trust_delete(struct keystore *ks, const struct certinfo *c, struct err *e)
{
	CK_OBJECT_HANDLE h;
	enum rc rc = find(ks, c, &h, e);

	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	return token_destroy(ks->tokens[0], h, e);
}
