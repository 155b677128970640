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

/* The message as the tools would write it. */
static void
write_again(const struct crmf_msg *m, struct arena *a)
{
	AUTO_BUF request = buf_empty(0), der = buf_empty(0),
		 archive = buf_empty(0);
	struct crmf_msg again[CRMF_MSGS_MAX];
	struct ext_list exts;
	struct err e;
	size_t n = 0;

	ext_list_init(&exts, a);
	crmf_archive_put(
	    &archive, oid_der(OID_sha256), m->pop_sig, m->pop_sig, m->pop_sig);
	if (m->subject.len == 0 || ext_list_read(&exts, m->exts, &e) != RC_OK ||
	    crmf_request_put(&request, m->subject, m->spki, &exts,
		buf_view(&archive), &e) != RC_OK)
		return;
	crmf_messages_put(
	    &der, buf_view(&request), SIGALG_SHA256_RSA, m->pop_sig);
	if (der.failed != RC_OK || der.len > CRMF_DER_MAX)
		return;
	if (crmf_parse(again, CRMF_MSGS_MAX, &n, buf_view(&der), a, &e) !=
		RC_OK ||
	    n != 1 || !view_eq(again[0].subject, m->subject) ||
	    !view_eq(again[0].spki, m->spki))
		abort();
}

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
		write_again(&m[i], a);
	}
	return 0;
}
