/* SPDX-License-Identifier: Apache-2.0 */
/* password.c - hash and check stored passwords.
 * Owns:    nothing.
 * Trusts:  the store for the stored form, whose numbers are bounded here.
 * Threads: any. */
#include "auth/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/text.h"

enum {
	SALT_LEN = 32,
	HASH_LEN = 64
};

static const char scheme[] = "{PBKDF2-SHA512}";

static enum rc
derive(uint8_t out[HASH_LEN], struct view password, struct view salt,
    int rounds, struct err *e)
{
	if (PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.len,
		salt.data, (int)salt.len, rounds, EVP_sha512(), HASH_LEN,
		out) != 1)
		return err_openssl(e, RC_CRYPTO, "password: PBKDF2");
	return RC_OK;
}

enum rc
password_hash(struct buf *out, struct view password, struct err *e)
{
	uint8_t salt[SALT_LEN], hash[HASH_LEN];
	enum rc rc;

	if (RAND_bytes(salt, sizeof(salt)) != 1)
		return err_openssl(e, RC_CRYPTO, "password: random salt");
	rc = derive(
	    hash, password, view_of(salt, sizeof(salt)), PASSWORD_ROUNDS, e);
	if (rc != RC_OK)
		return rc;
	buf_addf(out, "%s%d$", scheme, PASSWORD_ROUNDS);
	buf_add_base64(out, view_of(salt, sizeof(salt)), 0, "");
	buf_add_char(out, '$');
	buf_add_base64(out, view_of(hash, sizeof(hash)), 0, "");
	OPENSSL_cleanse(hash, sizeof(hash));
	return buf_check(out, e);
}

/* Splits "rounds$salt$hash". */
static enum rc
parse(const char *s, int *rounds, struct buf *salt, struct buf *hash,
    struct err *e)
{
	AUTO_BUF copy = buf_empty(1024);
	char *part[3];
	int64_t n;
	enum rc rc;

	buf_add_str(&copy, s);
	rc = buf_check(&copy, e);
	if (rc != RC_OK)
		return rc;
	if (text_split((char *)copy.data, "$", part, 3) != 3)
		return err_set(e, RC_INVALID, "stored password: form");
	if ((rc = text_int(&n, part[0], 1, PASSWORD_ROUNDS_MAX, e)) != RC_OK ||
	    (rc = text_base64(salt, view_str(part[1]), e)) != RC_OK ||
	    (rc = text_base64(hash, view_str(part[2]), e)) != RC_OK)
		return rc;
	*rounds = (int)n;
	return RC_OK;
}

enum rc
password_check(const char *stored, struct view password, struct err *e)
{
	static const uint8_t no_salt[SALT_LEN];
	AUTO_BUF salt = buf_empty(256);
	AUTO_BUF want = buf_empty(256);
	uint8_t got[HASH_LEN];
	int rounds = PASSWORD_ROUNDS;
	enum rc rc;

	if (stored == NULL) {
		/* as long as for a user who exists */
		rc_ignore(derive(got, password,
		    view_of(no_salt, sizeof(no_salt)), rounds, NULL));
		return err_set(e, RC_AUTH, "wrong user or password");
	}
	if (!text_starts(stored, scheme))
		return err_set(e, RC_UNSUPPORTED,
		    "stored password: a scheme other than %s", scheme);
	rc = parse(stored + sizeof(scheme) - 1, &rounds, &salt, &want, e);
	if (rc != RC_OK)
		return rc;
	rc = derive(got, password, buf_view(&salt), rounds, e);
	if (rc != RC_OK)
		return rc;
	if (want.len != HASH_LEN ||
	    CRYPTO_memcmp(got, want.data, HASH_LEN) != 0)
		rc = err_set(e, RC_AUTH, "wrong user or password");
	OPENSSL_cleanse(got, sizeof(got));
	return rc;
}
