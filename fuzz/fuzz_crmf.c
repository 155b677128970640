/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_crmf.c - any bytes as certificate request messages.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "x509/crmf.h"
#include "x509/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(arena) a = arena_new(0);
	struct crmf_msg m[CRMF_MSGS_MAX];
	struct err e;
	size_t n = 0, i;

	if (a == NULL ||
	    crmf_parse(m, CRMF_MSGS_MAX, &n, view_of(data, len), a, &e) !=
		RC_OK)
		return 0;
	for (i = 0; i < n; i++) {
		if (m[i].spki.len == 0 || ext_check(m[i].exts, &e) != RC_OK)
			abort();
		if (m[i].subject.len > 0 &&
		    name_check(m[i].subject, &e) != RC_OK)
			abort();
	}
	return 0;
}
