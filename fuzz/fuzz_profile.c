/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_profile.c - any bytes as a profile's property lines; what was accepted
 * must come back the same through its encoded form.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "profile/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(profile) p = NULL;
	AUTO(profile) q = NULL;
	AUTO(profile) boot = NULL;
	AUTO_BUF a = buf_empty(0);
	AUTO_BUF b = buf_empty(0);
	struct err e;

	/* any answer is fine, a crash is not */
	rc_ignore(profile_parse_bootstrap(&boot, view_of(data, len), "b", &e));
	if (profile_parse(&p, view_of(data, len), "fuzz", &e) != RC_OK)
		return 0;
	rc_ignore(profile_check_plugins(p, &e));
	profile_encode(p, &a, true);
	if (a.failed != RC_OK)
		return 0;
	if (profile_parse(&q, buf_view(&a), NULL, &e) != RC_OK)
		abort();
	profile_encode(q, &b, true);
	if (!view_eq(buf_view(&a), buf_view(&b)))
		abort();
	return 0;
}
