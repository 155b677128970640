/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_crl.c - any bytes as a revocation list: every entry, its number, a page of
 * its text.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "x509/crl.h"
#include "x509/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* An entry without extensions, written again, is the same bytes (unless its
 * date has the other of the two forms). */
static void
entry(const struct crl_entry *x, struct view whole)
{
	AUTO_BUF again = buf_empty(0);

	crl_entry_put(&again, x);
	if (x->exts.len == 0 && again.len == whole.len &&
	    !view_eq(buf_view(&again), whole))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_BUF text = buf_empty(0);
	struct crl_entry x, found;
	struct view r, before;
	struct num n;
	struct err e;
	struct crl c;

	if (crl_parse(&c, view_of(data, len), &e) != RC_OK)
		return 0;
	for (r = c.entries; r.len > 0;) {
		before = r;
		if (crl_entry_next(&r, &x, &e) != RC_OK)
			break;
		entry(&x, view_of(before.data, before.len - r.len));
		if (crl_find(&c, &found, &x.serial, &e) != RC_OK)
			abort();
		if (before.len < len / 2)
			break; /* crl_find from each would be quadratic */
	}
	(void)crl_number(&c, &n);
	(void)crl_delta_base(&c, &n);
	/* any answer is fine, a crash is not */
	rc_ignore(print_crl(&text, view_of(data, len), 1, 3, &e));
	return 0;
}
