/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_sim.c - the conformance suite over the simulator.
 * Owns:    one simulator a case.
 * Trusts:  nothing.
 * Threads: as conformance.c. */
#include "store/conformance.h"

#include "store/sim.h"

static struct sim *sim;

struct store *
conformance_open(void)
{
	sim = sim_new(1795000000000);
	assert_non_null(sim);
	assert_int_equal(sim_add_replica(sim), 0);
	assert_int_equal(sim_add_replica(sim), 1);
	return sim_store(sim, 0);
}

void
conformance_close(struct store *s)
{
	(void)s; /* belongs to the simulator */
	sim_free(sim);
	sim = NULL;
}

void
conformance_elsewhere(struct rec *r)
{
	AUTO(batch) b = batch_new();

	batch_add(b, r);
	OK(store_commit(sim_store(sim, 1), b, e));
	sim_settle(sim);
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
