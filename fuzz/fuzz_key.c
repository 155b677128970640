/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_key.c - any bytes as a public key and as a certificate of which a token
 * wants to know a few fields; a key that was accepted, written again, is read
 * again.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "keys/certinfo.h"
#include "keys/spki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
read_key(struct view der)
{
	AUTO_BUF again = buf_empty(0);
	struct spki_parts p, q;
	uint8_t id[KEYID_LEN];
	enum keytype type;
	enum oid curve;
	int bits;

	if (spki_parse(&p, der, NULL) != RC_OK)
		return;
	spki_keyid(id, &p);
	if (p.type == KEYTYPE_RSA)
		spki_put_rsa(&again, p.n, p.e);
	else
		spki_put_ec(&again, p.ec_param, p.point);
	if (spki_parse(&q, buf_view(&again), NULL) != RC_OK || q.bits != p.bits)
		abort();
	if (spki_info(der, &type, &bits, &curve, NULL) == RC_OK &&
	    bits != p.bits)
		abort();
	AUTO_PKEY key = NULL;
	/* any answer is fine, a crash is not */
	rc_ignore(spki_pkey(&key, der, NULL));
	rc_ignore(spki_verify(der, SIGALG_SHA256_EC, der, der, NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct view der = view_of(data, len);
	AUTO_BUF name = buf_empty(0);
	struct certinfo c;

	read_key(der);
	if (certinfo_parse(&c, der, NULL) == RC_OK) {
		certinfo_add_cn(&c, &name);
		read_key(c.spki);
	}
	return 0;
}
