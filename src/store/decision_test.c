/* SPDX-License-Identifier: Apache-2.0 */
/* decision_test.c - what holds of a certificate follows from its requests,
 * whatever a merge left of its record. */
#include "store/test_help.h"

#include "store/decision.h"
#include "store/sim.h"

enum {
	SERIAL = 0x1234,
};
static const int64_t when = 1796000000;

static struct sim *sim;
static struct store *store;
static struct arena *arena;
static uint64_t next_request;

static int
set_up(void **state)
{
	(void)state;
	sim = sim_new(when * 1000);
	assert_non_null(sim);
	assert_int_equal(sim_add_replica(sim), 0);
	store = sim_store(sim, 0);
	arena = arena_new(0);
	assert_non_null(arena);
	next_request = 1;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	sim_free(sim);
	return 0;
}

static void
add(struct rec *r)
{
	AUTO(batch) b = batch_new();

	assert_non_null(b);
	assert_non_null(r);
	batch_add(b, r);
	OK(store_commit(store, b, e));
}

static struct request_rec *
request(const char *type)
{
	struct num id = num_from_u64(next_request++);
	struct request_rec *r = request_rec_new(&id, type);

	assert_non_null(r);
	r->state = REQUEST_COMPLETE;
	r->created = r->modified = when;
	return r;
}

static struct request_rec *
decided(int64_t date, int reason)
{
	struct num serial = num_from_u64(SERIAL);
	struct merge_decision d = { .release = reason < 0,
		.rev = { .date = date, .reason = reason < 0 ? 0 : reason } };
	struct request_rec *r =
	    request(reason < 0 ? "unrevocation" : "revocation");

	OK(decision_write(r, &serial, &d, e));
	return r;
}

/* A revocation at that date for that reason, or with RELEASE a release. */
#define RELEASE (-1)
static void
decide(int64_t date, int reason)
{
	AUTO(request_rec) r = decided(date, reason);

	add(request_rec_encode(r));
}

static struct rec *
record(void)
{
	struct num serial = num_from_u64(SERIAL);
	char id[NUM_TEXT_MAX];
	struct rec *r = NULL;

	OK(store_get(store, &r, REC_CERT, num_hex(id, &serial), e));
	return r;
}

static void
look(struct cert_rec *c, struct ruling *x, bool *kept)
{
	AUTO(rec) r = record();

	OK(cert_rec_decode(c, r, arena, e));
	OK(ruling_load(x, store, c, arena, e));
	*kept = ruling_kept(x, c, r);
}

/* Finds the record other than ruled, writes it, and finds it right. */
static void
put_right(struct cert_rec *c)
{
	AUTO(batch) b = batch_new();
	struct ruling x;
	bool kept;

	look(c, &x, &kept);
	assert_false(kept);
	ruling_write(b, &x, c, when + 9);
	OK(store_commit(store, b, e));
	look(c, &x, &kept);
	assert_true(kept);
}

static void
a_decision_is_read_as_it_was_written(void **state)
{
	AUTO(request_rec) r = NULL;
	struct num serial = num_from_u64(SERIAL), found;
	struct merge_decision out,
	    d = { .rev = { .date = when,
		      .reason = REASON_SUPERSEDED,
		      .invalidity = when - 7000 } };
	AUTO(rec) rec = NULL;

	(void)state;
	r = request("revocation");
	OK(decision_write(r, &serial, &d, e));
	assert_true(decision_read(&out, r));
	assert_false(out.release);
	assert_int_equal(out.rev.date, when);
	assert_int_equal(out.rev.reason, REASON_SUPERSEDED);
	assert_int_equal(out.rev.invalidity, when - 7000);
	rec = request_rec_encode(r);
	assert_true(decision_serial(&found, rec));
	assert_int_equal(num_cmp(&found, &serial), 0);
}

static void
what_is_not_complete_or_unreadable_decides_nothing(void **state)
{
	static const struct {
		const char *name, *value;
	} bad[] = {
		{ "result", "2" },
		{ "revocationreason", "11" },
		{ "revocationreason", "-1" },
		{ "revocationreason", "six" },
		{ "decisiondate", "yesterday" },
		{ "invaliditydate", "2026" },
	};
	struct merge_decision out;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		AUTO(request_rec) r = decided(when, REASON_HOLD);

		assert_true(decision_read(&out, r));
		request_set(r, bad[i].name, bad[i].value);
		assert_false(decision_read(&out, r));
	}
	{
		AUTO(request_rec) r = decided(when, REASON_HOLD);

		r->state = REQUEST_PENDING;
		assert_false(decision_read(&out, r));
	}
	{
		AUTO(request_rec) r = request("enrollment");

		assert_false(decision_read(&out, r));
	}
}

static void
a_lost_revocation_is_written_again(void **state)
{
	struct cert_rec c;

	(void)state;
	add(help_cert(SERIAL, CERT_VALID)); /* as a later write left it */
	decide(when, REASON_KEY_COMPROMISE);
	put_right(&c);
	assert_true(c.revoked);
	assert_int_equal(c.status, CERT_REVOKED);
	assert_int_equal(c.rev.date, when);
	assert_int_equal(c.rev.reason, REASON_KEY_COMPROMISE);
}

static void
a_permanent_revocation_outlives_later_holds_and_releases(void **state)
{
	struct ruling x;
	struct cert_rec c;
	bool kept;

	(void)state;
	add(help_cert(SERIAL, CERT_VALID));
	decide(when + 50, RELEASE);
	decide(when, REASON_CA_COMPROMISE);
	decide(when + 100, REASON_HOLD);
	decide(when + 200, RELEASE);
	look(&c, &x, &kept);
	assert_true(ruling_revoked(&x));
	assert_int_equal(x.d.rev.reason, REASON_CA_COMPROMISE);
	assert_false(kept);
}

static void
the_later_of_hold_and_release_rules(void **state)
{
	struct ruling x;
	struct cert_rec c;
	bool kept;

	(void)state;
	add(help_cert(SERIAL, CERT_VALID));
	decide(when, REASON_HOLD);
	decide(when + 1, RELEASE);
	look(&c, &x, &kept);
	assert_true(x.any && !ruling_revoked(&x));
	assert_true(kept);
	/* a new decision rules whatever this host's clock says */
	assert_int_equal(ruling_next_date(&x, false, when - 600), when + 2);
	assert_int_equal(ruling_next_date(&x, true, when - 600), when - 600);
	assert_int_equal(ruling_next_date(&x, false, when + 60), when + 60);
	decide(when + 2, REASON_HOLD);
	put_right(&c);
	assert_true(c.revoked && c.rev.reason == REASON_HOLD);
}

static void
a_lost_release_is_written_again(void **state)
{
	struct cert_rec c;

	(void)state;
	{
		AUTO(rec) r = NULL;
		struct cert_rec hold;

		r = help_cert(SERIAL, CERT_REVOKED);
		OK(cert_rec_decode(&hold, r, arena, e));
		hold.rev.reason = REASON_HOLD;
		hold.rev.date = when;
		add(cert_rec_encode(&hold));
	}
	decide(when, REASON_HOLD);
	decide(when + 5, RELEASE);
	put_right(&c);
	assert_false(c.revoked);
	assert_int_equal(c.status, CERT_VALID);
}

static void
anothers_revocation_stands_without_a_request(void **state)
{
	struct ruling x;
	struct cert_rec c;
	bool kept;

	(void)state;
	add(help_cert(SERIAL, CERT_REVOKED));
	look(&c, &x, &kept);
	assert_true(kept && ruling_revoked(&x));
	assert_int_equal(x.d.rev.reason, REASON_KEY_COMPROMISE);
	/* and what is said of another certificate does not count */
	{
		struct num other = num_from_u64(SERIAL + 1);
		struct merge_decision d = { .rev = { .date = when - 900,
						.reason = REASON_SUPERSEDED } };
		AUTO(request_rec) r = request("revocation");

		OK(decision_write(r, &other, &d, e));
		add(request_rec_encode(r));
	}
	look(&c, &x, &kept);
	assert_int_equal(x.d.rev.reason, REASON_KEY_COMPROMISE);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_decision_is_read_as_it_was_written),
		CASE(what_is_not_complete_or_unreadable_decides_nothing),
		CASE(a_lost_revocation_is_written_again),
		CASE(a_permanent_revocation_outlives_later_holds_and_releases),
		CASE(the_later_of_hold_and_release_rules),
		CASE(a_lost_release_is_written_again),
		CASE(anothers_revocation_stands_without_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
