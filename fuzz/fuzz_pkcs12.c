/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pkcs12.c - any bytes as a PKCS #12 file; the first one chooses the
 * password. What was accepted has a certificate or a key in each item.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "keys/pkcs12.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	OCTET_STRING = 4,
	INTEGER = 2,
	ITERATIONS_LEN = 2 /* octets of a number of iterations */
};

/* Would it take long? A salt with a large number of iterations behind it. */
static bool
slow(struct view v)
{
	for (size_t i = 0; i + 2 < v.len; i++) {
		size_t at = i + 2 + v.data[i + 1];

		if (v.data[i] == OCTET_STRING && at + 1 < v.len &&
		    v.data[at] == INTEGER && v.data[at + 1] > ITERATIONS_LEN)
			return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const passwords[] = { "", "Secret.123" };
	struct view der = view_of(data + 1, len > 0 ? len - 1 : 0);
	AUTO(secret) s = NULL;
	AUTO(pkcs12) p = NULL;
	struct err e = { RC_OK, "" };

	if (len < 1 || slow(der) ||
	    (s = secret_new(view_str(passwords[data[0] & 1]))) == NULL)
		return 0;
	if (pkcs12_parse(&p, der, s, &e) != RC_OK) {
		if (e.text[0] == '\0')
			abort();
		return 0;
	}
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].cert == NULL && p->items[i].pkcs8 == NULL)
			abort();
	return 0;
}
