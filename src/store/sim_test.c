/* SPDX-License-Identifier: Apache-2.0 */
/* sim_test.c - the simulator merges as 389 DS was seen to (spec directory 4.8)
 * and cuts where it is told. */
#include "store/test_help.h"

#include "store/sim.h"

static struct sim *sim;
static struct store *a, *b;

static int
begin(void **state)
{
	(void)state;
	sim = sim_new(1795000000000);
	if (sim == NULL || sim_add_replica(sim) != 0 ||
	    sim_add_replica(sim) != 1)
		return -1;
	a = sim_store(sim, 0);
	b = sim_store(sim, 1);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	sim_free(sim);
	return 0;
}

static struct rec *
counter(const char *owner)
{
	struct rec *r = rec_new(REC_COUNTER, "request");

	rec_add_str(r, "nextRange", "1000");
	rec_add_str(r, "description", owner);
	return r;
}

static void
add(struct store *s, struct rec *r)
{
	AUTO(batch) x = batch_new();

	batch_add(x, r);
	OK(store_commit(s, x, e));
}

static void
mod(struct store *s, enum mod_op op, const char *attr, const char *value)
{
	AUTO(batch) x = batch_new();

	batch_modify(x, REC_COUNTER, "request");
	batch_mod_str(x, op, attr, value);
	OK(store_commit(s, x, e));
	sim_advance(sim, 1000);
}

static struct rec *
get(struct store *s)
{
	struct rec *r = NULL;

	OK(store_get(s, &r, REC_COUNTER, "request", e));
	return r;
}

static void
share(void)
{
	add(a, counter("x"));
	sim_settle(sim);
	sim_advance(sim, 1000);
}

static void
nothing_arrives_before_a_session(void **state)
{
	struct rec *r = NULL;

	(void)state;
	add(a, counter("x"));
	RC(RC_NOTFOUND, store_get(b, &r, REC_COUNTER, "request", e));
	assert_int_equal(sim_replicate(sim, 1, 0), 0);
	assert_int_equal(sim_replicate(sim, 0, 1), 1);
	assert_int_equal(sim_replicate(sim, 0, 1), 0);
	OK(store_get(b, &r, REC_COUNTER, "request", e));
	rec_free(r);
	assert_true(sim_converged(sim));
}

static void
last_replacement_wins_on_both_sides(void **state)
{
	AUTO(rec) x = NULL;
	AUTO(rec) y = NULL;

	(void)state;
	share();
	mod(a, MOD_REPLACE, "description", "earlier");
	mod(b, MOD_REPLACE, "description", "later");
	sim_settle(sim);
	x = get(a);
	y = get(b);
	assert_string_equal(rec_str(x, "description"), "later");
	assert_string_equal(rec_str(y, "description"), "later");
	assert_true(sim_converged(sim));
}

static void
added_values_are_all_kept(void **state)
{
	AUTO(rec) x = NULL;

	(void)state;
	share();
	mod(a, MOD_ADD, "revInfo", "20260101000000Z");
	mod(b, MOD_ADD, "revInfo", "20260102000000Z");
	sim_settle(sim);
	x = get(a);
	assert_int_equal(rec_attr(x, "revInfo")->n, 2);
	assert_true(sim_converged(sim));
}

static void
both_counter_swaps_succeed_and_one_value_stays(void **state)
{
	struct store *both[] = { a, b };
	AUTO(rec) x = NULL;

	(void)state;
	share();
	for (int i = 0; i < 2; i++) {
		AUTO(batch) c = batch_new();

		batch_modify(c, REC_COUNTER, "request");
		batch_mod_str(c, MOD_DELETE, "nextRange", "1000");
		batch_mod_str(c, MOD_ADD, "nextRange", "2000");
		OK(store_commit(both[i], c, e));
	}
	sim_settle(sim);
	x = get(a);
	assert_int_equal(rec_attr(x, "nextRange")->n, 1);
	assert_string_equal(rec_str(x, "nextRange"), "2000");
	assert_int_equal(sim_conflicts(sim, 0, REC_COUNTER), 0);
	assert_true(sim_converged(sim));
}

static void
earlier_add_keeps_the_name(void **state)
{
	AUTO(rec) x = NULL;
	AUTO(rec) y = NULL;

	(void)state;
	add(b, counter("earlier"));
	sim_advance(sim, 1000);
	add(a, counter("later"));
	sim_settle(sim);
	x = get(a);
	y = get(b);
	assert_string_equal(rec_str(x, "description"), "earlier");
	assert_string_equal(rec_str(y, "description"), "earlier");
	assert_int_equal(sim_conflicts(sim, 0, REC_COUNTER), 1);
	assert_int_equal(sim_conflicts(sim, 1, REC_COUNTER), 1);
	assert_true(sim_converged(sim));
}

static void
deleted_entry_stays_deleted(void **state)
{
	AUTO(batch) c = batch_new();
	struct rec *r = NULL;

	(void)state;
	share();
	batch_delete(c, REC_COUNTER, "request");
	OK(store_commit(a, c, e));
	sim_advance(sim, 1000);
	mod(b, MOD_REPLACE, "description", "late");
	sim_settle(sim);
	RC(RC_NOTFOUND, store_get(a, &r, REC_COUNTER, "request", e));
	RC(RC_NOTFOUND, store_get(b, &r, REC_COUNTER, "request", e));
	assert_true(sim_converged(sim));
}

static void
a_skewed_clock_still_stamps_after_what_was_seen(void **state)
{
	AUTO(rec) x = NULL;

	(void)state;
	share();
	sim_skew(sim, 1, -3600 * 1000);
	mod(a, MOD_REPLACE, "description", "first");
	sim_settle(sim);
	mod(b, MOD_REPLACE, "description", "second");
	sim_settle(sim);
	x = get(a);
	assert_string_equal(rec_str(x, "description"), "second");
}

struct log {
	char text[512];
	size_t local;
};

static void
note(void *arg, const struct feed_item *i)
{
	struct log *x = arg;
	size_t len = strlen(x->text);

	snprintf(x->text + len, sizeof(x->text) - len, "[%s]",
	    i->rec != NULL ? rec_str(i->rec, "description") : "gone");
	x->local += i->local;
}

static void
arrivals_reach_the_feed(void **state)
{
	struct log log = { .local = 0 };
	struct watch *w = NULL;

	(void)state;
	OK(store_watch(b, &w, ~0u, UINT64_MAX, note, &log, e));
	share();
	mod(a, MOD_REPLACE, "description", "y");
	sim_settle(sim);
	assert_string_equal(log.text, "[x][y]");
	assert_int_equal(log.local, 0);
	watch_free(w);
}

static void
late_arrival_has_a_new_usn_and_is_caught_up(void **state)
{
	struct log log = { .local = 0 };
	struct watch *w = NULL;
	uint64_t since;

	(void)state;
	share();
	mod(a, MOD_REPLACE, "description", "old change");
	sim_advance(sim, 60000);
	add(b, help_cert(1, CERT_VALID));
	since = store_usn(b);
	sim_settle(sim);
	OK(store_watch(b, &w, 1u << REC_COUNTER, since, note, &log, e));
	assert_string_equal(log.text, "[old change]");
	watch_free(w);
}

static void
reinitialised_replica_begins_its_usn_anew(void **state)
{
	struct log log = { .local = 0 };
	struct watch *w = NULL;
	uint64_t since;

	(void)state;
	share();
	since = store_usn(b);
	OK(sim_reinit(sim, 0, 1, e));
	RC(RC_UNAVAILABLE, store_health(b, e));
	OK(sim_restart(sim, 1, e));
	b = sim_store(sim, 1);
	RC(RC_GONE, store_watch(b, &w, ~0u, since, note, &log, e));
	OK(store_watch(b, &w, ~0u, 0, note, &log, e));
	assert_string_equal(log.text, "[x]");
	watch_free(w);
	assert_true(sim_converged(sim));
}

static void
cut_leaves_a_prefix_of_the_commit(void **state)
{
	AUTO(batch) c = batch_new();
	struct rec *r = NULL;

	(void)state;
	batch_add(c, help_cert(1, CERT_VALID));
	batch_add(c, help_cert(2, CERT_VALID));
	batch_add(c, help_cert(3, CERT_VALID));
	batch_effect(c, "mail", view_str("x"));
	sim_cut_after(sim, 0, 2);
	RC(RC_UNAVAILABLE, store_commit(a, c, e));
	RC(RC_UNAVAILABLE, store_get(a, &r, REC_CERT, "1", e));
	OK(sim_restart(sim, 0, e));
	a = sim_store(sim, 0);
	OK(store_get(a, &r, REC_CERT, "2", e));
	rec_free(r);
	r = NULL;
	RC(RC_NOTFOUND, store_get(a, &r, REC_CERT, "3", e));
	assert_int_equal(store_effects_waiting(a), 1);
	assert_int_equal(sim_writes(sim, 0), 2);
}

static void
cut_before_the_decision_drops_the_effects(void **state)
{
	AUTO(batch) c = batch_new();

	(void)state;
	batch_add(c, help_cert(1, CERT_VALID));
	batch_effect(c, "mail", view_str("x"));
	sim_cut_after(sim, 0, 0);
	RC(RC_UNAVAILABLE, store_commit(a, c, e));
	OK(sim_restart(sim, 0, e));
	a = sim_store(sim, 0);
	assert_int_equal(store_effects_waiting(a), 0);
}

static void
mutants_merge_differently(void **state)
{
	AUTO(rec) x = NULL;

	(void)state;
	sim_set_mutant(sim, SIM_LATER_ADD_WINS);
	add(b, counter("earlier"));
	sim_advance(sim, 1000);
	add(a, counter("later"));
	sim_settle(sim);
	x = get(a);
	assert_string_equal(rec_str(x, "description"), "later");
}

/* --- any schedule converges --------------------------------------------- */

enum {
	SCHEDULES = 200,
	STEPS = 60,
	REPLICAS = 3,
};

static uint64_t seed;

static uint64_t
draw(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static void
random_step(struct sim *s)
{
	static const char *const values[] = { "a", "b", "c", "d" };
	struct store *at = sim_store(s, draw(REPLICAS));
	AUTO(batch) c = batch_new();
	char id[8];

	snprintf(id, sizeof(id), "k%u", (unsigned)draw(3));
	switch (draw(6)) {
	case 0: {
		struct rec *r = rec_new(REC_SETTING, id);

		rec_add_str(r, "description", values[draw(4)]);
		batch_add(c, r);
		break;
	}
	case 1:
		batch_delete(c, REC_SETTING, id);
		break;
	case 2:
		sim_advance(s, (int64_t)draw(3) * 500);
		(void)sim_replicate(s, draw(REPLICAS), draw(REPLICAS));
		return;
	default:
		batch_modify(c, REC_SETTING, id);
		batch_mod_str(
		    c, (enum mod_op)draw(3), "metaInfo", values[draw(4)]);
	}
	/* refusals are part of the game */
	rc_ignore(store_commit(at, c, NULL));
}

static void
every_schedule_converges(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= SCHEDULES; i++) {
		struct sim *s = sim_new(1795000000000);

		seed = i;
		for (int j = 0; j < REPLICAS; j++)
			sim_add_replica(s);
		for (int j = 0; j < STEPS; j++)
			random_step(s);
		sim_settle(s);
		if (!sim_converged(s))
			fail_msg("seed %llu: replicas differ",
			    (unsigned long long)i);
		sim_free(s);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nothing_arrives_before_a_session),
		CASE(last_replacement_wins_on_both_sides),
		CASE(added_values_are_all_kept),
		CASE(both_counter_swaps_succeed_and_one_value_stays),
		CASE(earlier_add_keeps_the_name),
		CASE(deleted_entry_stays_deleted),
		CASE(a_skewed_clock_still_stamps_after_what_was_seen),
		CASE(arrivals_reach_the_feed),
		CASE(late_arrival_has_a_new_usn_and_is_caught_up),
		CASE(reinitialised_replica_begins_its_usn_anew),
		CASE(cut_leaves_a_prefix_of_the_commit),
		CASE(cut_before_the_decision_drops_the_effects),
		CASE(mutants_merge_differently),
		cmocka_unit_test(every_schedule_converges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
