/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12.h - PKCS #12 files (RFC 7292): key bags, certificate bags, friendly
 * names, and the trust attribute that the model's tools write
 * (2.16.840.1.113894.746875.1.1 as an ASCII value like "CTu,Cu,Cu"). */
#ifndef KEYS_PKCS12_H
#define KEYS_PKCS12_H

#include "keys/keystore.h"

struct pkcs12_item {
	char *nickname; /* friendly name; NULL = none */
	char *trust;    /* NULL = none */
	uint8_t *cert;  /* DER, NULL for a key without certificate */
	size_t cert_len;
	struct secret
	    *pkcs8;        /* clear PrivateKeyInfo, NULL = certificate only */
	struct buf key_id; /* localKeyId */
};
struct pkcs12 {
	struct pkcs12_item *items;
	size_t n;
};

void pkcs12_free(struct pkcs12 *p);
OWNED(pkcs12)

/* RC_AUTH: wrong password; RC_INVALID: not PKCS #12. Accepts what OpenSSL, NSS
 * and Java write, legacy encryption included where libcrypto offers it. */
MUST enum rc pkcs12_parse(struct pkcs12 **out, struct view der,
    const struct secret *password, struct err *e);
/* PBES2 AES-256-CBC keys and certificates, SHA-256 MAC. */
MUST enum rc pkcs12_encode(struct buf *out, const struct pkcs12 *p,
    const struct secret *password, struct err *e);

/* Adds the certificate of nickname, with its key (unless no_key) and the chain
 * of issuers found in the store (unless no_chain). RC_UNSUPPORTED when the key
 * cannot leave its token. */
MUST enum rc pkcs12_add_from(struct pkcs12 *p, struct keystore *ks,
    const char *nickname, bool no_key, bool no_chain, struct err *e);
/* Adds a certificate with its key, which need not be in the store. trust is what
 * the file says of it. RC_UNSUPPORTED when the key cannot leave its token. */
MUST enum rc pkcs12_add_pair(struct pkcs12 *p, struct key *k, struct view cert,
    const char *nickname, const char *trust, struct err *e);
struct pkcs12 *pkcs12_new(void);
/* Puts all keys and certificates into the store; trust from the file unless
 * no_trust. */
MUST enum rc pkcs12_import(const struct pkcs12 *p, struct keystore *ks,
    bool no_user_certs, bool no_ca_certs, bool no_trust, struct err *e);

#endif
