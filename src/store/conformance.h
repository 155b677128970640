/* SPDX-License-Identifier: Apache-2.0 */
/* conformance.h - the suite that every back-end has to pass: one main a
 * back-end includes it after defining conformance_open. */
#ifndef STORE_CONFORMANCE_H
#define STORE_CONFORMANCE_H

#include "store/test_help.h"

#include "store/rec_request.h"

/* A new, empty store of the back-end under test; NULL is a failure. */
struct store *conformance_open(void **state);
/* Frees it and what belongs to it. */
void conformance_close(void **state);

struct case_state {
	struct store *s;
	void *own;
};
extern const struct CMUnitTest conformance_tests[];
extern const size_t conformance_count;

#endif
