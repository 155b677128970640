/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12_impl.h - shared by the two directions of PKCS #12, inside the room. */
#ifndef KEYS_PKCS12_IMPL_H
#define KEYS_PKCS12_IMPL_H

#include <openssl/objects.h>
#include <openssl/pkcs12.h>

#include "keys/pkcs12.h"

/* Trust flags of the model, registered nowhere. */
#define PKCS12_TRUST_OID "2.16.840.1.113894.746875.1.1"

enum {
	PKCS12_FILE_MAX = 16 * 1024 * 1024,
	PKCS12_ITEMS_MAX = 4096,
	PKCS12_DEPTH_MAX = 4,
	PKCS12_PASSWORD_MAX = 4096,
	/* Iterations of key derivation in a whole file: some seconds. pk12util
	 * takes 600,000 for a key, openssl 2,048; the file says how many. */
	PKCS12_ITERATIONS_MAX = 20 * 1000 * 1000,
};

/* A new item at the end, or NULL when memory or PKCS12_ITEMS_MAX is out. */
struct pkcs12_item *pkcs12_add(struct pkcs12 *p);
/* Iterations that decryption with alg takes (RFC 8018 A.2, A.4, RFC 7914 7.1, RFC
 * 7292 C); UINT64_MAX for more than that can count. */
uint64_t pkcs12_cost(const X509_ALGOR *alg);
/* The same for the check of the file's MAC. */
uint64_t pkcs12_mac_cost(const PKCS12 *p12);

#endif
