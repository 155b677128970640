/* SPDX-License-Identifier: Apache-2.0 */
/* rulings_test.c - certificates' records are kept to what was decided, whatever
 * replication makes of them: a CA on one of two simulated directories.
 * Owns:    that CA and a scratch root.
 * Trusts:  nothing.
 * Threads: one. */
#include "store/test_help.h"

#include "base/path.h"
#include "ca/state.h"
#include "store/decision.h"
#include "store/sim.h"

enum {
	SERIAL = 0x1234,
	MINE = 0,
	OTHERS = 1,
};
static const int64_t begin_ms = 1796000000000;

static struct {
	char root[64];
	struct audit *audit;
	struct cfg *cfg;
	struct instance *instance;
	struct sim *sim;
	struct subsystem sub;
	char *cursor;
	uint64_t next_request;
} w;

#define CA ((struct ca *)w.sub.self)

/* --- the world ------------------------------------------------------------ */

static int
make_root(void **state)
{
	AUTO_STR log = NULL;

	(void)state;
	memcpy(w.root, "/tmp/signet-rulings-XXXXXX", 27);
	assert_non_null(mkdtemp(w.root));
	OK(path_set_root(w.root, e));
	assert_non_null(log = path_new("/audit.log"));
	assert_non_null(w.cfg = cfg_new());
	OK(audit_open(&w.audit, w.cfg, log, NULL, &clock_system, e));
	assert_non_null(w.cursor = path_new("/rulings.cursor"));
	return 0;
}

static int
remove_root(void **state)
{
	(void)state;
	audit_free(w.audit);
	cfg_free(w.cfg);
	free(w.cursor);
	OK(file_remove_tree(w.root, e));
	return 0;
}

static void
up(void)
{
	w.sub.store = sim_store(w.sim, MINE);
	w.sub.self = ca_new(&w.sub);
	assert_non_null(CA);
	OK(rulings_open(&CA->rulings, CA, w.cursor, e));
}

/* orderly: the place in the feed is kept, else as killed. */
static void
down(bool orderly)
{
	if (orderly)
		rulings_keep_place(CA->rulings);
	ca_free(CA);
	w.sub.self = NULL;
}

static int
set_up(void **state)
{
	struct instance_params p = { .name = "t" };

	(void)state;
	w.next_request = 1;
	(void)unlink(w.cursor);
	assert_non_null(w.sim = sim_new(begin_ms));
	assert_int_equal(sim_add_replica(w.sim), MINE);
	assert_int_equal(sim_add_replica(w.sim), OTHERS);
	p.clock = sim_clock(w.sim);
	OK(instance_new_bare(&w.instance, &p, "ca.example.com", e));
	w.sub = (struct subsystem){ .name = "ca",
		.type = "CA",
		.instance = w.instance,
		.cfg = w.cfg,
		.audit = w.audit };
	up();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	if (CA != NULL)
		down(false);
	instance_stop(w.instance, 0);
	sim_free(w.sim);
	return 0;
}

/* --- what happens in the directories --------------------------------------- */

static void
add(size_t at, struct rec *r)
{
	AUTO(batch) b = batch_new();

	assert_non_null(r);
	batch_add(b, r);
	OK(store_commit(sim_store(w.sim, at), b, e));
	sim_advance(w.sim, 1000);
}

static const char *
id(char out[NUM_TEXT_MAX])
{
	struct num serial = num_from_u64(SERIAL);

	return num_hex(out, &serial);
}

/* The first write of a revocation, or for RELEASE of a release. */
#define RELEASE (-1)
static void
request(size_t at, int reason)
{
	struct num n = num_from_u64(w.next_request++);
	struct num serial = num_from_u64(SERIAL);
	struct merge_decision d = { .release = reason < 0,
		.rev = { .date = clock_now(sim_clock(w.sim)),
		    .reason = reason < 0 ? 0 : reason } };
	AUTO(request_rec)
	r = request_rec_new(&n, reason < 0 ? "unrevocation" : "revocation");

	assert_non_null(r);
	r->state = REQUEST_COMPLETE;
	r->created = r->modified = d.rev.date;
	OK(decision_write(r, &serial, &d, e));
	add(at, request_rec_encode(r));
}

/* The second one: the record says what was decided. */
static void
follow_up(size_t at)
{
	AUTO(arena) a = arena_new(0);
	AUTO(batch) b = batch_new();
	AUTO(rec) r = NULL;
	char hex[NUM_TEXT_MAX];
	struct cert_rec c;
	struct ruling x;

	OK(store_get(sim_store(w.sim, at), &r, REC_CERT, id(hex), e));
	OK(cert_rec_decode(&c, r, a, e));
	OK(ruling_load(&x, sim_store(w.sim, at), &c, a, e));
	ruling_write(b, &x, &c, clock_now(sim_clock(w.sim)));
	OK(store_commit(sim_store(w.sim, at), b, e));
	sim_advance(w.sim, 1000);
}

static void
decide(size_t at, int reason)
{
	request(at, reason);
	follow_up(at);
}

/* A status written blindly, as the last one: what a merge then leaves. */
static void
overwrite(size_t at, const char *status)
{
	AUTO(batch) b = batch_new();
	char hex[NUM_TEXT_MAX];

	batch_modify(b, REC_CERT, id(hex));
	batch_mod_str(b, MOD_REPLACE, "certStatus", status);
	OK(store_commit(sim_store(w.sim, at), b, e));
	sim_advance(w.sim, 1000);
}

static void
meet(void)
{
	sim_settle(w.sim);
}

/* A certificate that both directories have, and that nothing waits for. */
static void
issued(void)
{
	add(OTHERS, help_cert(SERIAL, CERT_VALID));
	meet();
}

/* --- what is asked ----------------------------------------------------------- */

static void
status_is(const char *want)
{
	AUTO(rec) r = NULL;
	char hex[NUM_TEXT_MAX];

	OK(store_get(CA->store, &r, REC_CERT, id(hex), e));
	assert_string_equal(rec_str(r, "certStatus"), want);
	if (strcmp(want, "REVOKED") == 0)
		assert_non_null(rec_attr(r, "revInfo"));
}

/* ms until the next look; -1 = nothing waits. */
static int64_t
settle(bool all)
{
	int64_t wait_ms = 0;

	OK(rulings_settle(CA->rulings, all, &wait_ms, e));
	return wait_ms;
}

static void
repaired_is(uint64_t n)
{
	assert_int_equal(rulings_repaired(CA->rulings), n);
	/* each one with a line of the audit log */
	assert_int_equal(store_effects_waiting(CA->store), n);
}

/* --- cases -------------------------------------------------------------------- */

static void
a_lost_revocation_is_written_again_with_an_alarm(void **state)
{
	(void)state;
	issued();
	decide(OTHERS, REASON_KEY_COMPROMISE);
	overwrite(OTHERS, "VALID"); /* of a replica that had not heard of it */
	meet();
	assert_int_equal(settle(false), CA_SETTLE_MS);
	status_is("VALID");
	sim_advance(w.sim, CA_SETTLE_MS);
	assert_int_equal(settle(false), -1);
	status_is("REVOKED");
	repaired_is(1);
	meet(); /* nobody undoes it */
	sim_advance(w.sim, CA_SETTLE_MS);
	assert_int_equal(settle(false), -1);
	repaired_is(1);
}

static void
a_lost_release_is_written_again_with_an_alarm(void **state)
{
	(void)state;
	issued();
	decide(OTHERS, REASON_HOLD);
	request(OTHERS, RELEASE);
	meet();
	sim_advance(w.sim, CA_SETTLE_MS);
	assert_int_equal(settle(false), -1);
	status_is("VALID");
	repaired_is(1);
}

static void
the_second_write_of_a_commit_is_waited_for(void **state)
{
	(void)state;
	issued();
	request(OTHERS, REASON_KEY_COMPROMISE);
	meet(); /* cut between the two */
	sim_advance(w.sim, CA_SETTLE_MS - 1500);
	assert_true(settle(false) > 0);
	status_is("VALID");
	follow_up(OTHERS);
	meet();
	sim_advance(w.sim, CA_SETTLE_MS);
	assert_int_equal(settle(false), -1);
	status_is("REVOKED");
	repaired_is(0);
}

static void
before_a_list_nothing_waits_and_nothing_is_alarmed(void **state)
{
	(void)state;
	issued();
	request(OTHERS, REASON_KEY_COMPROMISE);
	meet();
	assert_int_equal(settle(true), -1);
	status_is("REVOKED");
	repaired_is(0);
}

static void
an_own_commit_that_was_cut_is_finished(void **state)
{
	(void)state;
	issued();
	request(MINE, REASON_KEY_COMPROMISE);
	sim_advance(w.sim, CA_SETTLE_MS);
	assert_int_equal(settle(false), -1);
	status_is("REVOKED");
}

static void
what_was_issued_elsewhere_is_not_looked_at(void **state)
{
	(void)state;
	issued();
	assert_int_equal(settle(false), -1);
	overwrite(MINE, "INVALID"); /* its own change neither */
	assert_int_equal(settle(false), -1);
	overwrite(OTHERS, "VALID"); /* as issued: nothing to be lost */
	meet();
	assert_int_equal(settle(false), -1);
}

static void
a_decision_before_its_certificate_waits_for_it(void **state)
{
	(void)state;
	request(OTHERS, REASON_KEY_COMPROMISE);
	meet();
	sim_advance(w.sim, CA_SETTLE_MS);
	assert_int_equal(settle(false), -1); /* nothing to put right yet */
	add(OTHERS, help_cert(SERIAL, CERT_VALID));
	follow_up(OTHERS);
	overwrite(OTHERS, "VALID");
	meet();
	sim_advance(w.sim, CA_SETTLE_MS);
	assert_int_equal(settle(false), -1);
	status_is("REVOKED");
}

static void
what_came_while_it_was_down_is_looked_at(void **state)
{
	(void)state;
	issued();
	for (int orderly = 0; orderly < 2; orderly++) {
		down(orderly != 0);
		decide(OTHERS, orderly ? REASON_KEY_COMPROMISE : REASON_HOLD);
		overwrite(OTHERS, "VALID");
		meet();
		up();
		sim_advance(w.sim, CA_SETTLE_MS);
		assert_int_equal(settle(false), -1);
		status_is("REVOKED");
		assert_int_equal(rulings_repaired(CA->rulings), 1);
	}
}

static void
after_a_refill_all_that_was_revoked_is_looked_at(void **state)
{
	(void)state;
	issued();
	decide(MINE, REASON_KEY_COMPROMISE);
	meet();
	overwrite(OTHERS, "VALID");
	down(true);
	OK(sim_reinit(w.sim, OTHERS, MINE, e));
	OK(sim_restart(w.sim, MINE, e));
	up();
	status_is("VALID");
	assert_int_equal(settle(true), -1);
	status_is("REVOKED");
}

/* A certificate on hold, all looked at, the CA stopped in order: its cursor. */
static void
held_and_down(struct buf *cursor)
{
	issued();
	decide(MINE, REASON_HOLD);
	(void)settle(true);
	down(true);
	OK(file_read(cursor, w.cursor, e));
}

/* A file that was cut or damaged: more is looked at, never less. */
static void
a_cut_cursor_loses_nothing(void **state)
{
	AUTO_BUF kept = buf_empty(0);

	(void)state;
	held_and_down(&kept);
	assert_true(kept.len > 10);
	decide(OTHERS, REASON_KEY_COMPROMISE);
	for (size_t n = 0; n < kept.len; n++) {
		overwrite(OTHERS, "VALID");
		meet();
		OK(file_write(w.cursor, view_of(kept.data, n), 0600, e));
		up();
		assert_int_equal(settle(true), -1);
		status_is("REVOKED");
		down(false);
		meet();
	}
}

static void
a_cursor_with_any_byte_changed_is_no_obstacle(void **state)
{
	AUTO_BUF kept = buf_empty(0);

	(void)state;
	held_and_down(&kept);
	for (size_t n = 0; n < kept.len; n++) {
		kept.data[n] ^= 0x81;
		OK(file_write(w.cursor, buf_view(&kept), 0600, e));
		kept.data[n] ^= 0x81;
		up();
		assert_int_equal(settle(true), -1);
		down(false);
	}
}

static void
what_could_not_be_written_waits_for_the_next_time(void **state)
{
	struct err why = { RC_OK, "" };
	int64_t wait_ms = -1;

	(void)state;
	issued();
	decide(OTHERS, REASON_KEY_COMPROMISE);
	overwrite(OTHERS, "VALID");
	meet();
	sim_advance(w.sim, CA_SETTLE_MS);
	sim_cut_after(w.sim, MINE, 0); /* its directory is gone */
	assert_int_equal(
	    rulings_settle(CA->rulings, false, &wait_ms, &why), RC_UNAVAILABLE);
	assert_int_equal(wait_ms, 0);
	assert_non_null(strstr(why.text, "certificate's status"));
	down(true); /* the place is not kept: what waits would be lost */
	OK(sim_restart(w.sim, MINE, e));
	up();
	assert_int_equal(settle(true), -1);
	status_is("REVOKED");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_lost_revocation_is_written_again_with_an_alarm),
		CASE(a_lost_release_is_written_again_with_an_alarm),
		CASE(the_second_write_of_a_commit_is_waited_for),
		CASE(before_a_list_nothing_waits_and_nothing_is_alarmed),
		CASE(an_own_commit_that_was_cut_is_finished),
		CASE(what_was_issued_elsewhere_is_not_looked_at),
		CASE(a_decision_before_its_certificate_waits_for_it),
		CASE(what_came_while_it_was_down_is_looked_at),
		CASE(after_a_refill_all_that_was_revoked_is_looked_at),
		CASE(a_cut_cursor_loses_nothing),
		CASE(a_cursor_with_any_byte_changed_is_no_obstacle),
		CASE(what_could_not_be_written_waits_for_the_next_time),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
