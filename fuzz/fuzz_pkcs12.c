/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pkcs12.c - any bytes as a PKCS #12 file; the first one chooses the
 * password. What was accepted has a certificate or a key in each item.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "keys/pkcs12_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	OCTET_STRING = 4,
	INTEGER = 2,
	QUICK = 20000 /* iterations */
};

/* Would it take long, though it may? A salt with a number of iterations behind. */
static bool
slow(struct view v)
{
	for (size_t i = 0; i + 2 < v.len; i++) {
		size_t at = i + 2 + v.data[i + 1];
		int64_t n = 0;

		if (v.data[i] != OCTET_STRING || at + 1 >= v.len ||
		    v.data[at] != INTEGER || v.data[at + 1] > sizeof(n))
			continue;
		for (size_t k = 0; k < v.data[at + 1] && at + 2 + k < v.len;
		     k++)
			n = (int64_t)((uint64_t)n << 8 | v.data[at + 2 + k]);
		if (n > QUICK && n <= PKCS12_ITERATIONS_MAX)
			return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const passwords[] = { "", "Secret.123",
		"Pkcs12.Pass" };
	struct view der = view_of(data + 1, len > 0 ? len - 1 : 0);
	AUTO(secret) s = NULL;
	AUTO(pkcs12) p = NULL;
	struct err e = { RC_OK, "" };

	if (len < 1 || slow(der) ||
	    (s = secret_new(view_str(passwords[data[0] % 3]))) == NULL)
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
