/* SPDX-License-Identifier: Apache-2.0 */
/* range_schedule_test.c - no schedule of hosts on several suppliers gives a
 * number twice: seeded runs over the simulator. */
#include "store/range_help.h"

enum {
	USED_MAX = 4096,
	SEEDS = 400,
	STEPS = 200,
};

static uint64_t used[USED_MAX];
static size_t n_used, n_twice;

static void
note_used(uint64_t v)
{
	for (size_t i = 0; i < n_used; i++)
		if (used[i] == v)
			n_twice++;
	assert_true(n_used < USED_MAX);
	used[n_used++] = v;
}

static uint64_t random_state;

static uint32_t
random_below(uint32_t n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1;
	return (uint32_t)(random_state >> 33) % n;
}

/* A run: who holds the role in whose eyes. */
struct run {
	enum range_form form;
	bool all_hold; /* the mutant */
	struct range_holder held[3];
	int claim[3], greatest[3], newest;
};

static void
begin_run(struct run *r)
{
	sim = sim_new(1795000000000);
	for (size_t i = 0; i < 3; i++) {
		char from[RANGE_TEXT_MAX], to[RANGE_TEXT_MAX];
		assert_int_equal(sim_add_replica(sim), i);
		begin_host(i, sim_store(sim, i));
		range_text(from, RANGE_SERIAL, r->form, 1 + 8 * i);
		range_text(to, RANGE_SERIAL, r->form, 8 + 8 * i);
		serial_settings(&hosts[i], from, to,
		    r->form == RANGE_LEGACY ? "8" : "0x8",
		    r->form == RANGE_LEGACY ? "6" : "0x6");
		set(&hosts[i], "dbs.enableSerialManagement", "true");
		open_range(&hosts[i], RANGE_SERIAL, r->form);
	}
	struct range_set root = { hosts[0].store, RANGE_SERIAL, r->form };
	OK(range_counter_init(
	    &root, range_after(RANGE_SERIAL, r->form, 24), e));
	sim_settle(sim);
}

/* Host i dies between two of its writes and comes back. */
static void
die(struct run *r, size_t i, const struct range_holder *h)
{
	bool waits;

	sim_cut_after(sim, i, random_below(3));
	rc_ignore(range_check(hosts[i].ranges[RANGE_SERIAL], h, &waits, NULL));
	hosts[i].refuse = true; /* no clean end */
	stop_range(&hosts[i], RANGE_SERIAL);
	hosts[i].refuse = false;
	OK(sim_restart(sim, i, e));
	hosts[i].store = sim_store(sim, i);
	open_range(&hosts[i], RANGE_SERIAL, r->form);
}

static void
one_step(struct run *r)
{
	size_t i = random_below(3), j = random_below(3), granted = 0;
	struct range_set at = { sim_store(sim, i), RANGE_SERIAL, r->form };
	struct range *range = hosts[i].ranges[RANGE_SERIAL];
	bool holds =
	    r->all_hold || (r->claim[i] > 0 && r->claim[i] == r->greatest[i]);
	const struct range_holder *h = holds ? &r->held[i] : NULL;
	bool waits;
	struct num n;

	sim_advance(sim, 10);
	switch (random_below(8)) {
	case 0:
	case 1:
	case 2:
		if (range_take(range, &n, NULL) == RC_OK)
			note_used(value(&n));
		break;
	case 3:
		OK(range_check(range, h, &waits, e));
		break;
	case 4:
		if (holds)
			OK(range_serve(&at, h, &granted, e));
		break;
	case 5:
		if (i == j)
			break;
		sim_replicate(sim, i, j);
		if (r->greatest[i] > r->greatest[j])
			r->greatest[j] = r->greatest[i];
		break;
	case 6: /* a forced take-over, now and then */
		if (r->all_hold || random_below(6) != 0)
			break;
		r->claim[i] = r->greatest[i] = ++r->newest;
		r->held[i].host_id = hosts[i].id;
		OK(range_region(&at, hosts[i].id, &r->held[i].region, e));
		break;
	default:
		die(r, i, h);
		break;
	}
}

/* Schedules of three hosts on three suppliers: taking, checking, serving by
 * whoever believes to be the holder, forced take-overs on either side of a cut,
 * deaths, sessions in any order. */
static void
run_schedule(uint64_t seed, enum range_form form, bool all_hold)
{
	struct run r = { .form = form,
		.all_hold = all_hold,
		.claim = { 1, 0, 0 },
		.greatest = { 1, 1, 1 },
		.newest = 1 };

	random_state = seed * 7919 + 1;
	n_used = n_twice = 0;
	memset(hosts, 0, sizeof(hosts));
	begin_run(&r);
	for (size_t step = 0; step < STEPS; step++)
		one_step(&r);
	for (size_t i = 0; i < 3; i++) {
		stop_range(&hosts[i], RANGE_SERIAL);
		cfg_free(hosts[i].cs);
	}
	sim_free(sim);
}

static enum range_form
form_of(uint64_t seed)
{
	return seed % 2 == 0 ? RANGE_LEGACY : RANGE_LEGACY2;
}

static void
no_number_is_given_twice_in_any_schedule(void **state)
{
	size_t most = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		run_schedule(seed, form_of(seed), false);
		if (n_twice > 0)
			fail_msg("seed %llu: %zu numbers were given twice",
			    (unsigned long long)seed, n_twice);
		most = n_used > most ? n_used : most;
	}
	/* ranges did change hands */
	assert_true(most > 40);
}

/* The model's way: everybody swaps nextRange on the own supplier. */
static void
the_schedules_catch_a_shared_next_range(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (n_twice = 0; n_twice == 0 && seed <= SEEDS; seed++)
		run_schedule(seed, form_of(seed), true);
	assert_true(n_twice > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_number_is_given_twice_in_any_schedule),
		cmocka_unit_test(the_schedules_catch_a_shared_next_range),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
