/* SPDX-License-Identifier: Apache-2.0 */
/* testcert.h - certificates made on the spot, and a stand-in for keys/, for the
 * tests of http/. Not installed. */
#ifndef HTTP_TESTCERT_H
#define HTTP_TESTCERT_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "keys/key.h"

/* What the tests link in place of the room keys/. */
struct key {
	EVP_PKEY *pkey;
};

struct t_cert {
	X509 *x;
	struct key key;
	struct view der; /* malloc'ed */
};

struct t_want {
	const char *cn;
	bool ca;
	const char *usage, *ext_usage,
	    *san;           /* as in openssl.cnf; NULL = none */
	int from, to;       /* days from now; both 0 = -1 and 10 */
	EVP_PKEY *with_key; /* instead of a new one */
};
/* issuer NULL = self-signed. P-256. Asserts success. */
void t_cert_make(
    struct t_cert *out, const struct t_cert *issuer, const struct t_want *w);
void t_cert_done(struct t_cert *c);

#endif
