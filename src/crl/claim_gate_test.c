/* SPDX-License-Identifier: Apache-2.0 */
/* claim_gate_test.c - issuing points of two hosts on replicated directories:
 * lists only under the greatest claim, numbers only from it, nothing lower is
 * ever served.
 * Owns:    a temporary folder, two replicas of the simulator. */
#include "crl/issuing_point.h"

#include <stdio.h>

#include "crl/test_help.h"
#include "store/role.h"
#include "store/sim.h"

enum {
	A,
	B,
	HOSTS
};
static const int64_t start_time = 1800000000;
static const uint64_t room = (uint64_t)1 << 36;

static char *folder;
static struct keystore *ks;
static struct key *key;
static struct buf cert;
static struct sim *sim;
static struct issuing_point *ip[HOSTS];
static uint64_t marks[HOSTS]; /* signed */

static int
set_up_keys(void **state)
{
	(void)state;
	folder = help_folder();
	cert = buf_empty(0);
	help_ca(folder, &ks, &key, &cert, start_time);
	return 0;
}

static int
tear_down_keys(void **state)
{
	(void)state;
	key_free(key);
	keystore_free(ks);
	buf_done(&cert);
	help_remove(folder);
	return 0;
}

static uint64_t
small(const struct num *n)
{
	uint64_t v = 0;

	assert_true(n->len <= sizeof(v));
	for (size_t i = 0; i < n->len; i++)
		v = v << 8 | n->b[i];
	return v;
}

static enum rc
mark(void *arg, const char *id, const struct num *n, bool served, struct err *e)
{
	uint64_t *last = arg;

	(void)id;
	(void)e;
	if (!served) {
		assert_true(small(n) > *last); /* no number is signed twice */
		*last = small(n);
	}
	return RC_OK;
}

static void
dir_of(char out[512], int i)
{
	assert_true(snprintf(out, 512, "%s/host%d", folder, i) < 512);
}

static void
open_host_at(int i, const struct num *floor, bool lazy)
{
	char dir[512];
	AUTO(cfg) c = cfg_new();
	struct issuing_point_params p = { .id = "M",
		.cfg = c,
		.store = sim_store(sim, (size_t)i),
		.clock = sim_clock(sim),
		.key = key,
		.ca_cert = buf_view(&cert),
		.issuer = HELP_ISSUER,
		.host_ca = true,
		.dir = dir,
		.bytes_in_record = true,
		.by_claim = true,
		.lazy = lazy,
		.floor = floor,
		.mark = mark,
		.mark_arg = &marks[i] };

	OK(cfg_parse(c,
	    view_str("ca.crl.M.autoUpdateInterval=240\n"
		     "ca.crl.M.enableUpdateInterval=true\n"
		     "ca.crl.M.extension.DeltaCRLIndicator.enable=true\n"),
	    "CS.cfg", e));
	dir_of(dir, i);
	OK(issuing_point_open(&ip[i], &p, e));
}

static void
open_host(int i)
{
	open_host_at(i, NULL, false);
}

static int
set_up(void **state)
{
	(void)state;
	sim = sim_new(start_time * 1000);
	for (int i = 0; i < HOSTS; i++) {
		marks[i] = 0;
		assert_int_equal(sim_add_replica(sim), i);
	}
	open_host(A);
	sim_settle(sim); /* the record: one host has made it */
	open_host(B);
	sim_settle(sim);
	return 0;
}

static int
tear_down(void **state)
{
	char dir[512];

	(void)state;
	for (int i = 0; i < HOSTS; i++) {
		issuing_point_free(ip[i]);
		ip[i] = NULL;
		dir_of(dir, i);
		OK(file_remove_tree(dir, e));
	}
	sim_free(sim);
	return 0;
}

/* A claim of host i in its own directory, which it then acts under. */
static struct claim
claim(int i, enum claim_kind kind, uint64_t number)
{
	struct claim c = { .role = "crl.M",
		.kind = kind,
		.number = num_from_u64(number),
		.by = { (uint16_t)(i + 1), "ca.example.com", 8443 } };

	OK(claim_add(sim_store(sim, (size_t)i), &c, 0, start_time, e));
	issuing_point_claim(ip[i], &c);
	return c;
}

static uint64_t
forced(int i)
{
	return room | (uint64_t)(i + 1) << 20;
}

static enum rc
make(int i, struct err *e)
{
	struct generate_options o = { .force = true, .sigalg = SIGALG_COUNT };

	sim_advance(sim, 1000);
	return issuing_point_generate(ip[i], &o, NULL, e);
}

static uint64_t
served(int i)
{
	const struct crl_file *f;
	uint64_t n;

	OK(issuing_point_refresh(ip[i], e));
	f = issuing_point_current(ip[i]);
	n = f != NULL ? small(&f->number) : 0;
	crl_file_unref(f);
	return n;
}

static void
add_revoked(int i, uint64_t serial)
{
	AUTO(batch) b = batch_new();

	batch_add(b, help_cert(serial, CERT_REVOKED));
	OK(store_commit(sim_store(sim, (size_t)i), b, e));
}

/* --- cases --------------------------------------------------------------- */

static void
without_a_claim_no_list_is_made(void **state)
{
	(void)state;
	assert_false(issuing_point_enabled(ip[A]));
	RC(RC_UNAVAILABLE, make(A, e));
	assert_true(issuing_point_due(ip[A]) == SCHEDULE_NEVER);
	claim(A, CLAIM_FIRST, 1);
	assert_true(issuing_point_due(ip[A]) <= start_time);
	OK(make(A, e));
	assert_int_equal(served(A), 1);
	sim_settle(sim);
	assert_int_equal(served(B), 1); /* a clone delivers it */
	RC(RC_UNAVAILABLE, make(B, e));
}

static void
claim_is_read_again_before_a_list_is_published(void **state)
{
	(void)state;
	claim(A, CLAIM_FIRST, 1);
	OK(make(A, e));
	sim_settle(sim);
	claim(B, CLAIM_FORCED, forced(B));
	/* the greater claim has reached A's directory, A was not told */
	sim_replicate(sim, B, A);
	RC(RC_GONE, make(A, e));
	assert_int_equal(served(A), 1);
	assert_false(issuing_point_enabled(ip[A]));
	OK(make(B, e));
	assert_true(served(B) == forced(B));
}

static void
number_comes_from_the_claim_not_from_the_record(void **state)
{
	(void)state;
	claim(A, CLAIM_FIRST, 1);
	for (int i = 0; i < 3; i++)
		OK(make(A, e));
	sim_settle(sim);
	assert_int_equal(served(B), 3);
	claim(B, CLAIM_FORCED, forced(B));
	OK(make(B, e));
	assert_true(served(B) == forced(B));
	OK(make(B, e));
	assert_true(served(B) == forced(B) + 1);
}

static void
first_list_under_a_claim_is_a_full_one(void **state)
{
	struct generate_options due = { .sigalg = SIGALG_COUNT };
	const struct crl_file *f;
	struct crl crl;
	struct num base;
	bool made;

	(void)state;
	claim(A, CLAIM_FIRST, 1);
	OK(make(A, e));
	add_revoked(A, 5);
	sim_settle(sim);
	claim(B, CLAIM_HANDOVER, 2);
	sim_advance(sim, 1000);
	OK(issuing_point_refresh(ip[B], e));
	OK(issuing_point_generate(ip[B], &due, &made, e));
	assert_true(made);
	f = issuing_point_current(ip[B]);
	assert_non_null(f);
	assert_int_equal(small(&f->number), 2);
	OK(crl_parse(&crl, f->der, e));
	assert_false(crl_delta_base(&crl, &base));
	assert_int_equal(f->count, 1);
	crl_file_unref(f);
}

/* Promise 4: whatever the record says after a cut has healed. */
static void
lower_list_that_arrives_is_not_served(void **state)
{
	struct num floor;

	(void)state;
	claim(A, CLAIM_FIRST, 1);
	OK(make(A, e));
	sim_settle(sim);
	claim(B, CLAIM_FORCED, forced(B));
	OK(make(B, e)); /* apart: A goes on, and writes last */
	OK(make(A, e));
	OK(make(A, e));
	assert_int_equal(served(A), 3);
	sim_settle(sim);
	assert_true(served(B) == forced(B));
	assert_true(served(A) == forced(B) || served(A) == 3);
	/* nor after a restart, with the lower one in the record */
	issuing_point_free(ip[B]);
	ip[B] = NULL;
	OK(sim_restart(sim, B, e));
	floor = num_from_u64(forced(B));
	open_host_at(B, &floor, false);
	assert_true(served(B) == forced(B));
}

/* The greater claim's list is of an earlier time than the one that the deposed
 * host made last. */
static void
earlier_list_does_not_follow_a_later_one(void **state)
{
	struct claim b;

	(void)state;
	claim(A, CLAIM_FIRST, 1);
	OK(make(A, e));
	sim_settle(sim);
	b = claim(B, CLAIM_FORCED, forced(B));
	OK(make(B, e));
	sim_advance(sim, 60000);
	OK(make(A, e)); /* apart */
	sim_settle(sim);
	assert_int_equal(served(A), 2);
	sim_advance(sim, 60000);
	issuing_point_claim(ip[B], &b);
	OK(make(B, e));
	sim_settle(sim);
	assert_true(served(A) == served(B));
}

static void
holder_writes_over_a_lower_list_at_once(void **state)
{
	struct claim b;
	uint64_t last;

	(void)state;
	claim(A, CLAIM_FIRST, 1);
	OK(make(A, e));
	sim_settle(sim);
	b = claim(B, CLAIM_FORCED, forced(B));
	OK(make(B, e));
	last = served(B);
	add_revoked(A, 7);
	OK(make(A, e));
	add_revoked(B, 9);
	sim_settle(sim);
	assert_true(served(B) == last);
	issuing_point_claim(ip[B], &b);
	assert_true(issuing_point_due(ip[B]) <= clock_now(sim_clock(sim)));
	OK(make(B, e));
	assert_true(served(B) > last);
	sim_settle(sim);
	assert_true(served(A) == served(B));
	assert_int_equal(issuing_point_set(ip[B]) != NULL &&
		revoked_count(issuing_point_set(ip[B])) == 2,
	    1);
}

static void
drained_claim_is_never_used_again(void **state)
{
	struct num last;

	(void)state;
	claim(A, CLAIM_FIRST, 1);
	OK(make(A, e));
	OK(make(A, e));
	issuing_point_drain(ip[A], &last);
	assert_int_equal(small(&last), 2);
	RC(RC_UNAVAILABLE, make(A, e));
	assert_int_equal(marks[A], 2);
}

static void
used_up_claim_is_said_so(void **state)
{
	struct num end;

	(void)state;
	claim(A, CLAIM_FORCED, forced(A));
	end = num_from_u64(forced(A) | 0xfffff);
	issuing_point_seen(ip[A], &end);
	RC(RC_TOOBIG, make(A, e));
	assert_int_equal(marks[A], 0);
}

/* ca.listenToCloneModifications=false: before the next list, not at once. */
static void
lazy_set_follows_before_the_next_list(void **state)
{
	(void)state;
	issuing_point_free(ip[A]);
	ip[A] = NULL;
	open_host_at(A, NULL, true);
	claim(A, CLAIM_FIRST, 1);
	OK(make(A, e));
	add_revoked(B, 3);
	sim_settle(sim);
	assert_int_equal(revoked_count(issuing_point_set(ip[A])), 0);
	OK(make(A, e));
	assert_int_equal(revoked_count(issuing_point_set(ip[A])), 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(without_a_claim_no_list_is_made),
		CASE(claim_is_read_again_before_a_list_is_published),
		CASE(number_comes_from_the_claim_not_from_the_record),
		CASE(first_list_under_a_claim_is_a_full_one),
		CASE(lower_list_that_arrives_is_not_served),
		CASE(earlier_list_does_not_follow_a_later_one),
		CASE(holder_writes_over_a_lower_list_at_once),
		CASE(drained_claim_is_never_used_again),
		CASE(used_up_claim_is_said_so),
		CASE(lazy_set_follows_before_the_next_list),
	};

	return cmocka_run_group_tests(tests, set_up_keys, tear_down_keys);
}
