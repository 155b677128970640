/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_cms.c - any bytes as certificates in PKCS #7 or a file; what comes out, put
 * in order and written again, is read again.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "x509/cert.h"
#include "x509/cms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF der = buf_empty(0);
	struct view certs[CMS_CERTS_MAX], again[CMS_CERTS_MAX];
	size_t n = 0, m = 0;
	struct err e;

	if (a == NULL ||
	    cms_certs_any(
		certs, CMS_CERTS_MAX, &n, view_of(data, len), a, &e) != RC_OK)
		return 0;
	if (cms_chain_order(certs, n, &e) != RC_OK)
		abort();
	cms_certs_put(&der, certs, n, NULL, 0);
	if (cms_certs_parse(again, CMS_CERTS_MAX, &m, buf_view(&der), a, &e) ==
		RC_OK &&
	    m != n)
		abort();
	return 0;
}
