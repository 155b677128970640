/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_req.c - any bytes as a PKCS #10 request and as an SPKAC; a request
 * without other attributes, written again, is the same bytes.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "x509/name.h"
#include "x509/print.h"
#include "x509/req.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
write_again(const struct req *q)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF tbs = buf_empty(0);
	struct ext_list exts;
	struct ext x;
	struct view r;

	if (name_check(q->subject, NULL) != RC_OK)
		abort();
	for (r = q->exts; r.len > 0;) {
		if (ext_next(&r, &x, NULL) != RC_OK)
			abort();
		/* any answer is fine, a crash is not */
		rc_ignore(ext_value_check(&x, NULL));
	}
	if (a == NULL)
		return;
	ext_list_init(&exts, a);
	if (ext_list_read(&exts, q->exts, NULL) != RC_OK)
		return;
	req_tbs_put(&tbs, q->subject, q->spki, &exts);
	if (q->attrs.len == 0 && tbs.len == q->tbs.len &&
	    !view_eq(buf_view(&tbs), q->tbs))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct spkac s;
	struct req q;
	struct err e;

	AUTO_BUF text = buf_empty(0);

	if (req_parse(&q, view_of(data, len), &e) == RC_OK) {
		write_again(&q);
		rc_ignore(print_req(&text, view_of(data, len), &e));
	}
	/* any answer is fine, a crash is not */
	rc_ignore(spkac_parse(&s, view_of(data, len), &e));
	return 0;
}
