/* SPDX-License-Identifier: Apache-2.0 */
/* keystore.h - the NSS database of an instance or user (cert9.db, key4.db,
 * pkcs11.txt) and the PKCS#11 modules beside it. One code path for all tokens:
 * find, generate and wrap by raw PKCS#11 v2.40 (libsoftokn3 with configdir for
 * the database). At most one keystore per database and process; all functions
 * may be called from any thread, calls that write are serialised inside. */
#ifndef KEYS_KEYSTORE_H
#define KEYS_KEYSTORE_H

#include "base/secret.h"
#include "keys/key.h"

struct keystore;

struct keystore_module {
	const char *name;    /* "softhsm" */
	const char *library; /* path of the PKCS#11 module */
};

/* Gives the PIN of a token by name ("internal", or the HSM token's name); the
 * caller frees. NULL = none known. */
typedef struct secret *(*keystore_pin)(void *arg, const char *token);

struct keystore_open_params {
	const char *dir; /* database folder */
	bool create;     /* make the database (mode 0600) if it is missing, with
			  * the internal PIN as its password ("" = none) */
	bool read_only;
	bool sign_in_token; /* never unwrap software keys (FIPS sites) */
	const struct keystore_module *modules; /* beside those in pkcs11.txt */
	size_t n_modules;
	keystore_pin pin;
	void *pin_arg;
};

/* RC_NOTFOUND: no database in dir; RC_AUTH: wrong PIN (the text names the
 * token); RC_IO: unreadable. */
MUST enum rc keystore_open(
    struct keystore **out, const struct keystore_open_params *p, struct err *e);
void keystore_free(struct keystore *ks);
OWNED(keystore)

/* What to generate. */
struct keygen {
	enum keytype type;
	int rsa_bits;   /* 1024..8192 */
	enum oid curve; /* OID_prime256v1, OID_secp384r1, OID_secp521r1 */
	bool extractable, sensitive, temporary;
};
/* Generates a key pair on token (NULL or "internal" = the database); its CKA_ID
 * is SHA-1 of the public value, as NSS does. */
MUST enum rc keystore_generate(struct keystore *ks, struct key **out,
    const char *token, const struct keygen *g, struct err *e);
/* The private key that belongs to a public key; searches all tokens, or one. */
MUST enum rc keystore_find_key(struct keystore *ks, struct key **out,
    const char *token, struct view spki, struct err *e);
MUST enum rc keystore_find_key_id(struct keystore *ks, struct key **out,
    const char *token, struct view id, struct err *e);
/* Calls fn for each private key of a token (NULL = all) until it returns false.
 */
MUST enum rc keystore_each_key(struct keystore *ks, const char *token,
    bool (*fn)(void *arg, struct key *k, const char *label), void *arg,
    struct err *e);
MUST enum rc keystore_delete_key(
    struct keystore *ks, struct key *k, struct err *e);
/* Puts a PKCS#8 PrivateKeyInfo (clear DER, on the secure heap) into the
 * database. */
MUST enum rc keystore_import_key(struct keystore *ks, struct key **out,
    const char *token, const struct secret *pkcs8, struct err *e);

/* Trust of a certificate as certutil shows it ("CTu,Cu,Cu": the u is derived
 * from the key and ignored on input). */
struct keystore_cert {
	const char *nickname; /* without token prefix */
	const char *token;
	const char *trust; /* as certutil -L prints it */
	struct view der;
	bool has_key;
};
/* Certificates of a token (NULL = all), until fn returns false. The struct
 * lives during the call. */
MUST enum rc keystore_each_cert(struct keystore *ks, const char *token,
    bool (*fn)(void *arg, const struct keystore_cert *c), void *arg,
    struct err *e);
/* Appends the newest valid certificate of "[token:]nickname". RC_NOTFOUND. */
MUST enum rc keystore_find_cert(
    struct keystore *ks, struct buf *der, const char *nickname, struct err *e);
/* Certificate and its private key by "[token:]nickname". */
MUST enum rc keystore_find_pair(struct keystore *ks, struct key **key,
    struct buf *der, const char *nickname, struct err *e);
/* Adds a certificate, replacing one of the same nickname and other bytes.
 * trust NULL = ",,", left out where a locked database takes none. Ties it to its
 * private key by CKA_ID if there is one. */
MUST enum rc keystore_import_cert(struct keystore *ks, const char *nickname,
    struct view der, const char *trust, struct err *e);
MUST enum rc keystore_set_trust(struct keystore *ks, const char *nickname,
    const char *trust, struct err *e);
MUST enum rc keystore_delete_cert(
    struct keystore *ks, const char *nickname, bool with_key, struct err *e);

#endif
