/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_lmdb.c - the conformance suite over the embedded store.
 * Owns:    one temporary folder a case.
 * Trusts:  nothing.
 * Threads: as conformance.c. */
#include "store/conformance.h"

static char *folder;
static struct store *only;

struct store *
conformance_open(void)
{
	struct lmdb_params p = { .map_size = HELP_MAP, .clock = &clock_system };

	p.dir = folder = help_folder();
	OK(store_open_lmdb(&only, &p, e));
	return only;
}

void
conformance_elsewhere(struct rec *r)
{
	AUTO(batch) b = batch_new();

	batch_add(b, r);
	OK(store_commit(only, b, e));
}

void
conformance_close(struct store *s)
{
	store_free(s);
	help_remove(folder);
}

int
conformance_begin(void **state)
{
	(void)state;
	return 0;
}

int
conformance_end(void **state)
{
	(void)state;
	return 0;
}
