/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_der.c - walks any bytes with the DER reader: every element down to the
 * depth limit, each tried as every type.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "der/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	TAG_CONSTRUCTED = 0x20,
	ELEMENTS_MAX = 1 << 16, /* of one input, so that none takes long */
};

/* Each on a copy of the reader: a failure must leave it alone. */
static void
try_types(struct view at)
{
	struct view r, out;
	struct num num;
	struct err e;
	uint32_t bits;
	int64_t n;
	bool b;

	r = at;
	rc_ignore(
	    der_bool(&r, &b, &e)); /* any answer is fine, a crash is not */
	r = at;
	rc_ignore(der_integer(&r, &out, &e));
	r = at;
	rc_ignore(der_int64(&r, &n, &e));
	r = at;
	rc_ignore(der_num(&r, &num, &e));
	r = at;
	rc_ignore(der_oid(&r, &out, &e));
	r = at;
	rc_ignore(der_null(&r, &e));
	r = at;
	rc_ignore(der_bits(&r, &out, &e));
	r = at;
	rc_ignore(der_named_bits(&r, &bits, &e));
	r = at;
	rc_ignore(der_octets(&r, &out, &e));
	r = at;
	if (der_time(&r, &n, &e) != RC_OK && !view_eq(r, at))
		abort();
}

/* A stack of the bodies still open, in place of recursion. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct view open[DER_DEPTH_MAX], whole, body;
	unsigned depth = 0, seen = 0;
	int tag;

	open[0] = view_of(data, len);
	while (seen++ < ELEMENTS_MAX) {
		try_types(open[depth]);
		if (der_any(&open[depth], &tag, &whole, &body, NULL) != RC_OK) {
			if (depth-- == 0)
				break;
			continue;
		}
		if (body.len > whole.len)
			abort();
		if ((tag & TAG_CONSTRUCTED) != 0 && depth + 1 < DER_DEPTH_MAX)
			open[++depth] = body;
	}
	return 0;
}
