/* SPDX-License-Identifier: Apache-2.0 */
/* range_test.c - the worked numbers of spec deployment 4.5 to 4.8 over LMDB and
 * the simulator; two suppliers never hand out a number twice. */
#include "store/range_help.h"

#ifdef SCRIPT_DS
#include "store/ds_help.h"
#endif

/* --- spec deployment 4.5 -------------------------------------------------- */

static void
replica_ids_go_to_clones_as_documented(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];
	struct range_set ranges = { a->store, RANGE_REPLICA, RANGE_LEGACY };
	struct range_span got;

	(void)state;
	replica_settings(a);
	replica_settings(b);
	open_range(a, RANGE_REPLICA, RANGE_LEGACY);
	OK(range_counter_init(&ranges, 1000, e));
	settle();
	OK(range_transfer(a->ranges[RANGE_REPLICA], &got, &first, true, e));
	assert_int_equal(got.begin, 96);
	assert_int_equal(got.end, 100);
	holds(a, "Replica", "1-95");
	/* 96 and 97 go to the two directories */
	got.begin = 98;
	give(b, "Replica", RANGE_REPLICA, RANGE_LEGACY, &got);
	OK(range_transfer(b->ranges[RANGE_REPLICA], &got, &first, true, e));
	assert_int_equal(got.begin, 1095);
	assert_int_equal(got.end, 1099);
	holds(b, "Replica", "98-100 next 1000-1094");
	settle();
	directory(a, RANGE_REPLICA, RANGE_LEGACY, "1000-1099:8444 next 1100");
	assert_string_equal(
	    cfg_get(a->cs, "dbs.enableSerialManagement"), "true");
}

static void
replica_ids_are_shared_while_the_holder_is_away(void **state)
{
	struct host *b = &hosts[1];
	struct range_span got = { 98, 100 };

	(void)state;
	replica_settings(b);
	give(b, "Replica", RANGE_REPLICA, RANGE_LEGACY, &got);
	RC(RC_UNAVAILABLE,
	    range_transfer(b->ranges[RANGE_REPLICA], &got, NULL, true, e));
	OK(range_share(b->ranges[RANGE_REPLICA], &got, e));
	assert_int_equal(got.begin, 99);
	assert_int_equal(got.end, 100);
	holds(b, "Replica", "98-98");
	OK(range_share(b->ranges[RANGE_REPLICA], &got, e));
	assert_int_equal(got.begin, 98);
	assert_int_equal(got.end, 98);
	holds(b, "Replica", "98-97"); /* given away whole */
	RC(RC_UNAVAILABLE, range_share(b->ranges[RANGE_REPLICA], &got, e));
	/* of others the host keeps the greater half */
	request_settings(b);
	open_range(b, RANGE_REQUEST, RANGE_LEGACY);
	takes(b, RANGE_REQUEST, 1, 5);
	OK(range_share(b->ranges[RANGE_REQUEST], &got, e));
	assert_int_equal(got.begin, 9);
	assert_int_equal(got.end, 10);
	takes(b, RANGE_REQUEST, 6, 8);
	RC(RC_UNAVAILABLE, range_share(b->ranges[RANGE_REQUEST], &got, e));
}

/* --- spec deployment 4.6 -------------------------------------------------- */

/* Until both are used up (a function of its own: the sanitizers' frames add up). */
static void __attribute__((noinline))
legacy_clone_is_made(struct host *a, struct host *b)
{
	struct range_span got;

	for (size_t i = 0; i < 2; i++) {
		request_settings(&hosts[i]);
		serial_settings(&hosts[i], "1", "12", "12", "9");
	}
	open_range(a, RANGE_REQUEST, RANGE_LEGACY);
	open_range(a, RANGE_SERIAL, RANGE_LEGACY);
	counter(a, RANGE_REQUEST, RANGE_LEGACY);
	counter(a, RANGE_SERIAL, RANGE_LEGACY);
	takes(a, RANGE_REQUEST, 1, 6);
	takes(a, RANGE_SERIAL, 1, 6);
	check(a, RANGE_SERIAL); /* not managed: nothing happens */
	directory(a, RANGE_REQUEST, RANGE_LEGACY, "next 11");
	directory(a, RANGE_SERIAL, RANGE_LEGACY, "next 13");
	manage(a);
	check(a, RANGE_REQUEST);
	check(a, RANGE_SERIAL);
	holds(a, "Request", "1-10 next 11-20");
	directory(a, RANGE_REQUEST, RANGE_LEGACY, "11-20:8443 next 21");
	directory(a, RANGE_SERIAL, RANGE_LEGACY, "next 13");
	/* the clone's server certificate */
	takes(a, RANGE_REQUEST, 7, 7);
	takes(a, RANGE_SERIAL, 7, 7);
	OK(range_transfer(a->ranges[RANGE_REQUEST], &got, &first, false, e));
	give(b, "Request", RANGE_REQUEST, RANGE_LEGACY, &got);
	OK(range_transfer(a->ranges[RANGE_SERIAL], &got, &first, false, e));
	give(b, "Serial", RANGE_SERIAL, RANGE_LEGACY, &got);
	holds(a, "Request", "1-10 next 11-15");
	holds(b, "Request", "16-20");
	holds(a, "Serial", "1-9");
	holds(b, "Serial", "a-12");
	takes(a, RANGE_REQUEST, 8, 9);
	takes(a, RANGE_SERIAL, 8, 9);
	takes(b, RANGE_REQUEST, 16, 20);
	takes(b, RANGE_SERIAL, 10, 14);
	takes(a, RANGE_REQUEST, 10, 10);
	exhausted(a, RANGE_SERIAL, "0x9");
	exhausted(b, RANGE_REQUEST, "20");
}

static void
legacy_clone_has_the_documented_numbers(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];

	(void)state;
	legacy_clone_is_made(a, b);
	settle();
	check(a, RANGE_REQUEST);
	check(a, RANGE_SERIAL);
	settle();
	check(b, RANGE_REQUEST);
	check(b, RANGE_SERIAL);
	settle();
	directory(
	    a, RANGE_REQUEST, RANGE_LEGACY, "11-20:8443 21-30:8444 next 31");
	directory(
	    a, RANGE_SERIAL, RANGE_LEGACY, "13-30:8443 31-48:8444 next 49");
	takes(a, RANGE_REQUEST, 11, 15);
	takes(b, RANGE_REQUEST, 21, 30);
	takes(a, RANGE_SERIAL, 19, 23);
	takes(b, RANGE_SERIAL, 15, 18);
	takes(b, RANGE_SERIAL, 49, 54);
	holds(a, "Serial", "13-24");
	holds(b, "Serial", "31-42");
}

/* --- spec deployment 4.7 -------------------------------------------------- */

static void
legacy2_clone_has_the_documented_numbers(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];
	struct range_span got;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		request_settings(&hosts[i]);
		serial_settings(&hosts[i], "0x9", "0x18", "0x12", "0x9");
	}
	open_range(a, RANGE_REQUEST, RANGE_LEGACY2);
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	counter(a, RANGE_REQUEST, RANGE_LEGACY2);
	counter(a, RANGE_SERIAL, RANGE_LEGACY2);
	directory(a, RANGE_SERIAL, RANGE_LEGACY2, "next 25");
	takes(a, RANGE_REQUEST, 1, 6);
	takes(a, RANGE_SERIAL, 9, 14);
	manage(a);
	check(a, RANGE_REQUEST);
	check(a, RANGE_SERIAL);
	takes(a, RANGE_REQUEST, 7, 7);
	takes(a, RANGE_SERIAL, 15, 15);
	OK(range_transfer(a->ranges[RANGE_REQUEST], &got, &first, false, e));
	give(b, "Request", RANGE_REQUEST, RANGE_LEGACY2, &got);
	OK(range_transfer(a->ranges[RANGE_SERIAL], &got, &first, false, e));
	give(b, "Serial", RANGE_SERIAL, RANGE_LEGACY2, &got);
	holds(a, "Serial", "0x9-0xf");
	holds(b, "Serial", "0x10-0x18");
	holds(a, "Request", "1-10 next 11-15");
	takes(b, RANGE_REQUEST, 16, 20);
	takes(b, RANGE_SERIAL, 16, 20);
	exhausted(b, RANGE_REQUEST, "20");
	exhausted(a, RANGE_SERIAL, "0xf");
	settle();
	check(b, RANGE_REQUEST);
	settle();
	check(a, RANGE_SERIAL);
	settle();
	check(b, RANGE_SERIAL);
	settle();
	directory(
	    a, RANGE_REQUEST, RANGE_LEGACY2, "11-20:8443 21-30:8444 next 31");
	directory(
	    a, RANGE_SERIAL, RANGE_LEGACY2, "25-42:8443 43-60:8444 next 61");
	takes(a, RANGE_SERIAL, 25, 31);
	takes(b, RANGE_SERIAL, 21, 24);
	takes(b, RANGE_SERIAL, 43, 48);
	holds(a, "Serial", "0x19-0x2a");
	holds(b, "Serial", "0x2b-0x3c");
}

/* --- spec deployment 4.8 -------------------------------------------------- */

static void
legacy_alone_has_the_documented_gap(void **state)
{
	struct host *a = &hosts[0];

	(void)state;
	request_settings(a);
	serial_settings(a, "9", "18", "12", "9");
	open_range(a, RANGE_REQUEST, RANGE_LEGACY);
	open_range(a, RANGE_SERIAL, RANGE_LEGACY);
	counter(a, RANGE_REQUEST, RANGE_LEGACY);
	counter(a, RANGE_SERIAL, RANGE_LEGACY);
	directory(a, RANGE_SERIAL, RANGE_LEGACY, "next 19");
	takes(a, RANGE_REQUEST, 1, 6);
	takes(a, RANGE_SERIAL, 9, 14);
	manage(a);
	check(a, RANGE_REQUEST);
	check(a, RANGE_SERIAL);
	takes(a, RANGE_REQUEST, 7, 16);
	takes(a, RANGE_SERIAL, 15, 24);
	holds(a, "Request", "11-20");
	takes(a, RANGE_REQUEST, 17, 17);
	exhausted(a, RANGE_SERIAL, "0x18");
	check(a, RANGE_REQUEST);
	check(a, RANGE_SERIAL);
	holds(a, "Request", "11-20 next 21-30");
	holds(a, "Serial", "9-18 next 19-2a");
	directory(a, RANGE_SERIAL, RANGE_LEGACY, "19-36:8443 next 37");
	takes(a, RANGE_REQUEST, 18, 30);
	takes(a, RANGE_SERIAL, 25, 37);
	exhausted(a, RANGE_REQUEST, "30");
	check(a, RANGE_REQUEST);
	check(a, RANGE_SERIAL);
	holds(a, "Request", "21-30 next 31-40");
	holds(a, "Serial", "19-2a next 37-48");
	directory(
	    a, RANGE_SERIAL, RANGE_LEGACY, "19-36:8443 37-54:8443 next 55");
	takes(a, RANGE_SERIAL, 38, 42);
	takes(a, RANGE_SERIAL, 55, 59);
}

static void
legacy2_alone_has_no_gap(void **state)
{
	struct host *a = &hosts[0];

	(void)state;
	serial_settings(a, "0x9", "0x18", "0x12", "0x9");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	counter(a, RANGE_SERIAL, RANGE_LEGACY2);
	takes(a, RANGE_SERIAL, 9, 24);
	manage(a);
	check(a, RANGE_SERIAL);
	holds(a, "Serial", "0x9-0x18 next 0x19-0x2a");
	directory(a, RANGE_SERIAL, RANGE_LEGACY2, "25-42:8443 next 43");
	takes(a, RANGE_SERIAL, 25, 37);
	check(a, RANGE_SERIAL);
	holds(a, "Serial", "0x19-0x2a next 0x2b-0x3c");
	directory(
	    a, RANGE_SERIAL, RANGE_LEGACY2, "25-42:8443 43-60:8443 next 61");
	takes(a, RANGE_SERIAL, 38, 44);
}

/* --- from legacy to legacy2 ------------------------------------------------ */

/* spec deployment 4.6: 13-30 becomes 19-48, 31-48 becomes 49-72. */
static void
conversion_reads_the_texts_as_their_owners_did(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];
	struct range_set old = { a->store, RANGE_SERIAL, RANGE_LEGACY },
			 now = { a->store, RANGE_SERIAL, RANGE_LEGACY2 },
			 at_b = { b->store, RANGE_SERIAL, RANGE_LEGACY2 };
	uint64_t begin;

	(void)state;
	OK(range_counter_init(&old, 13, e));
	OK(range_grant(&old, &first, 18, &a->owner, &begin, e));
	OK(range_grant(&old, &first, 18, &b->owner, &begin, e));
	settle();
	OK(range_convert(&now, &a->owner, 1, e));
	directory(a, RANGE_SERIAL, RANGE_LEGACY2, "19-48:8443 next 49");
	/* nobody gets what the other has not converted yet */
	OK(range_grant(&now, &first, 18, &a->owner, &begin, e));
	assert_int_equal(begin, 73);
	settle();
	OK(range_convert(&at_b, &b->owner, 1, e));
	OK(range_convert(&at_b, &b->owner, 1, e));
	settle();
	directory(b, RANGE_SERIAL, RANGE_LEGACY2,
	    "19-48:8443 73-90:8443 49-72:8444 next 91");
}

static void
conversion_without_ranges_sets_the_counter(void **state)
{
	struct range_set now = { hosts[0].store, RANGE_SERIAL, RANGE_LEGACY2 };

	(void)state;
	OK(range_convert(&now, &hosts[0].owner, 25, e));
	directory(&hosts[0], RANGE_SERIAL, RANGE_LEGACY2, "next 25");
}

/* --- what must not happen ------------------------------------------------- */

static void
a_number_is_taken_only_when_its_mark_is_durable(void **state)
{
	struct host *a = &hosts[0];
	struct num n;

	(void)state;
	serial_settings(a, "0x1", "0x10", "0x10", "0x2");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	takes(a, RANGE_SERIAL, 1, 3);
	a->refuse = true;
	RC(RC_IO, range_take(a->ranges[RANGE_SERIAL], &n, e));
	a->refuse = false;
	/* the process dies: what was saved is what is known */
	assert_int_equal(a->mark[RANGE_SERIAL], 4);
	stop_range(a, RANGE_SERIAL);
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	takes(a, RANGE_SERIAL, 4, 4);
}

static void
a_large_range_saves_seldom_and_loses_little(void **state)
{
	struct host *a = &hosts[0];
	uint64_t died;

	(void)state;
	serial_settings(a, "0x1", "0x10000000", "0x10000000", "0x2000000");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	takes(a, RANGE_SERIAL, 1, 1000);
	assert_int_equal(a->saves, 1);
	died = a->mark[RANGE_SERIAL];
	assert_true(died > 1000 && died < 3000);
	/* a clean end loses nothing */
	stop_range(a, RANGE_SERIAL);
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	takes(a, RANGE_SERIAL, 1001, 1001);
}

static void
a_stale_configuration_gives_nothing_twice(void **state)
{
	struct host *a = &hosts[0];

	(void)state;
	serial_settings(a, "0x9", "0x18", "0x12", "0x9");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	counter(a, RANGE_SERIAL, RANGE_LEGACY2);
	manage(a);
	takes(a, RANGE_SERIAL, 9, 24);
	check(a, RANGE_SERIAL);
	takes(a, RANGE_SERIAL, 25, 26);
	stop_range(a, RANGE_SERIAL);
	/* CS.cfg of an earlier day is put back */
	serial_settings(a, "0x9", "0x18", "0x12", "0x9");
	cfg_del(a->cs, "dbs.nextBeginSerialNumber");
	cfg_del(a->cs, "dbs.nextEndSerialNumber");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	exhausted(a, RANGE_SERIAL, "0x18");
	manage(a);
	check(a, RANGE_SERIAL);
	takes(a, RANGE_SERIAL, 43, 43);
}

static void
what_was_given_away_is_not_taken_up_again(void **state)
{
	struct host *a = &hosts[0];
	struct range_span got;

	(void)state;
	set(a, "dbs.beginRequestNumber", "1");
	set(a, "dbs.endRequestNumber", "10");
	set(a, "dbs.requestIncrement", "5");
	set(a, "dbs.requestLowWaterMark", "5");
	set(a, "dbs.requestCloneTransferNumber", "5");
	open_range(a, RANGE_REQUEST, RANGE_LEGACY2);
	counter(a, RANGE_REQUEST, RANGE_LEGACY2);
	takes(a, RANGE_REQUEST, 1, 7);
	manage(a);
	/* the whole next range, 11 to 15, goes */
	OK(range_transfer(a->ranges[RANGE_REQUEST], &got, &first, false, e));
	assert_int_equal(got.begin, 11);
	assert_int_equal(got.end, 15);
	holds(a, "Request", "1-10");
	check(a, RANGE_REQUEST);
	holds(a, "Request", "1-10 next 16-20");
	takes(a, RANGE_REQUEST, 8, 10);
	takes(a, RANGE_REQUEST, 16, 20);
}

static void
a_range_of_another_host_is_dropped(void **state)
{
	struct host *a = &hosts[0];
	struct num n;

	(void)state;
	serial_settings(a, "0x9", "0x18", "0x12", "0x9");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	counter(a, RANGE_SERIAL, RANGE_LEGACY2);
	manage(a);
	takes(a, RANGE_SERIAL, 9, 20);
	check(a, RANGE_SERIAL);
	holds(a, "Serial", "0x9-0x18 next 0x19-0x2a");
	/* replication let another one keep the name */
	AUTO(batch) b = batch_new();
	batch_modify(b, REC_RANGE, "serial_v2/25");
	batch_mod_str(b, MOD_REPLACE, "SecurePort", "9999");
	OK(store_commit(a->store, b, e));
	check(a, RANGE_SERIAL);
	holds(a, "Serial", "0x9-0x18 next 0x2b-0x3c");
	takes(a, RANGE_SERIAL, 21, 24);
	OK(range_take(a->ranges[RANGE_SERIAL], &n, e));
	assert_int_equal(value(&n), 43);
}

static void
a_grant_that_was_not_written_down_is_found_again(void **state)
{
	struct host *a = &hosts[0];
	bool waits;

	(void)state;
	serial_settings(a, "0x9", "0x18", "0x12", "0x9");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	counter(a, RANGE_SERIAL, RANGE_LEGACY2);
	manage(a);
	takes(a, RANGE_SERIAL, 9, 20);
	a->refuse = true;
	RC(RC_IO, range_check(a->ranges[RANGE_SERIAL], &first, &waits, e));
	a->refuse = false;
	check(a, RANGE_SERIAL);
	holds(a, "Serial", "0x9-0x18 next 0x19-0x2a");
	directory(a, RANGE_SERIAL, RANGE_LEGACY2, "25-42:8443 next 43");
}

static void
a_restored_instance_burns_what_it_had(void **state)
{
	struct host *a = &hosts[0];
	struct range_state s;
	char text[RANGE_TEXT_MAX];

	(void)state;
	serial_settings(a, "0x9", "0x18", "0x12", "0x9");
	set(a, "dbs.nextBeginSerialNumber", "0x19");
	set(a, "dbs.nextEndSerialNumber", "0x2a");
	OK(range_load(&s, a->cs, RANGE_SERIAL, RANGE_LEGACY2, e));
	range_burn(&s);
	assert_int_equal(range_left(&s), 0);
	assert_int_equal(s.mark, 43);
	assert_int_equal(s.top, 42);
	assert_string_equal(
	    range_text(text, RANGE_SERIAL, RANGE_LEGACY2, s.top), "0x2a");
}

static void
a_random_range_gives_each_number_once(void **state)
{
	struct host *a = &hosts[0];
	bool seen[64] = { false };
	struct range_params p = { .store = a->store,
		.owner = a->owner,
		.random = true,
		.save = save,
		.arg = a };
	struct num n;

	(void)state;
	serial_settings(a, "10", "2f", "20", "8");
	OK(range_load(&p.state, a->cs, RANGE_SERIAL, RANGE_LEGACY, e));
	OK(range_new(&a->ranges[RANGE_SERIAL], &p, e));
	for (size_t i = 0; i < 32; i++) {
		OK(range_take(a->ranges[RANGE_SERIAL], &n, e));
		assert_in_range(value(&n), 0x10, 0x2f);
		assert_false(seen[value(&n)]);
		seen[value(&n)] = true;
	}
	exhausted(a, RANGE_SERIAL, "0x2f");
}

static void
texts_are_in_the_right_radix(void **state)
{
	static const struct {
		uint64_t end, next;
	} after[] = { { 0x12, 13 }, { 0x18, 19 }, { 0x19, 20 }, { 0x1f, 20 },
		{ 0x9f, 100 }, { 0x10000000, 10000001 }, { 0xffff, 10000 },
		{ 0x1a5, 200 } };
	char text[RANGE_TEXT_MAX];
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
		assert_int_equal(
		    range_after(RANGE_SERIAL, RANGE_LEGACY, after[i].end),
		    after[i].next);
	assert_int_equal(range_after(RANGE_SERIAL, RANGE_LEGACY2, 24), 25);
	assert_int_equal(range_after(RANGE_REQUEST, RANGE_LEGACY, 24), 25);
	assert_string_equal(
	    range_text(text, RANGE_SERIAL, RANGE_LEGACY, 0x1a), "1a");
	assert_string_equal(
	    range_text(text, RANGE_SERIAL, RANGE_LEGACY2, 0x1a), "0x1a");
	assert_string_equal(
	    range_text(text, RANGE_REQUEST, RANGE_LEGACY2, 26), "26");
	OK(range_parse(&v, RANGE_SERIAL, RANGE_LEGACY, "10", e));
	assert_int_equal(v, 16);
	OK(range_parse(&v, RANGE_SERIAL, RANGE_LEGACY2, "0x10", e));
	assert_int_equal(v, 16);
	RC(RC_INVALID, range_parse(&v, RANGE_REQUEST, RANGE_LEGACY, "1f", e));
	RC(RC_INVALID,
	    range_parse(
		&v, RANGE_SERIAL, RANGE_LEGACY2, "0x8000000000000000", e));
}

static void
settings_that_make_no_range_are_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "dbs.beginSerialNumber", "x" },
		{ "dbs.endSerialNumber", "-1" },
		{ "dbs.serialIncrement", "0" },
		{ "dbs.beginSerialNumber", "0x30" },
		{ "dbs.nextBeginSerialNumber", "1g" },
		{ "dbs.serialLowWaterMark", "99999999999999999999999999" },
	};
	struct range_state s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		serial_settings(&hosts[0], "0x9", "0x18", "0x12", "0x9");
		cfg_del(hosts[0].cs, "dbs.nextBeginSerialNumber");
		set(&hosts[0], bad[i][0], bad[i][1]);
		RC(RC_INVALID,
		    range_load(
			&s, hosts[0].cs, RANGE_SERIAL, RANGE_LEGACY2, e));
	}
}

/* --- two suppliers -------------------------------------------------------- */

static void
one_who_is_not_the_holder_asks_and_is_answered(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];
	struct range_set at_a = { a->store, RANGE_SERIAL, RANGE_LEGACY2 };
	struct range *r;
	size_t granted = 0;
	bool waits = false;

	(void)state;
	serial_settings(b, "0x10", "0x18", "0x12", "0x9");
	set(b, "dbs.enableSerialManagement", "true");
	OK(range_counter_init(&at_a, 25, e));
	settle();
	open_range(b, RANGE_SERIAL, RANGE_LEGACY2);
	r = b->ranges[RANGE_SERIAL];
	takes(b, RANGE_SERIAL, 0x10, 0x11);
	for (int i = 0; i < 2; i++) {
		OK(range_check(r, NULL, &waits, e));
		assert_true(waits);
	}
	/* cut off it lives on what it has, then says so */
	OK(range_serve(&at_a, &first, &granted, e));
	assert_int_equal(granted, sim != NULL ? 0 : 1);
	takes(b, RANGE_SERIAL, 0x12, 0x18);
	exhausted(b, RANGE_SERIAL, "0x18");
	settle();
	for (int i = 0; i < 2; i++)
		OK(range_serve(&at_a, &first, &granted, e));
	assert_int_equal(granted, 1);
	settle();
	OK(range_check(r, NULL, &waits, e));
	assert_false(waits);
	takes(b, RANGE_SERIAL, 25, 30);
	settle();
	/* what was asked is gone with its answer */
	OK(range_serve(&at_a, &first, &granted, e));
	assert_int_equal(granted, 1);
	directory(b, RANGE_SERIAL, RANGE_LEGACY2, "25-42:8444 next 43");
}

#ifdef SCRIPT_DS

/* Two hosts at one real directory. */
static int
begin_389ds(void **state)
{
	AUTO(secret) password = secret_new(view_str("Secret.123"));
	static unsigned cases;
	char base[128], spool[256];

	(void)state;
	memset(hosts, 0, sizeof(hosts));
	sim = NULL;
	folder = help_folder();
	snprintf(base, sizeof(base), "o=range%u,%s", ++cases, DS_SUFFIX);
	for (size_t i = 0; i < 2; i++) {
		struct store *s = NULL;
		snprintf(spool, sizeof(spool), "%s/%zu", folder, i);
		struct ldap_params p = ds_params(password, base, spool);
		if (i == 0)
			OK(store_setup_ldap(&p, e));
		OK(store_open_ldap(&s, &p, e));
		begin_host(i, s);
	}
	return 0;
}

#define IN_DS(f)                                       \
	{                                              \
		"389ds_" #f, f, begin_389ds, end, NULL \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DS(legacy_clone_has_the_documented_numbers),
		IN_DS(legacy2_clone_has_the_documented_numbers),
		IN_DS(conversion_reads_the_texts_as_their_owners_did),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, ds_begin, ds_end);
}

#else

#define BOTH(f)                                    \
	{ "lmdb_" #f, f, begin_lmdb, end, NULL },  \
	{                                          \
		"sim_" #f, f, begin_sim, end, NULL \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(replica_ids_go_to_clones_as_documented),
		BOTH(replica_ids_are_shared_while_the_holder_is_away),
		BOTH(legacy_clone_has_the_documented_numbers),
		BOTH(legacy2_clone_has_the_documented_numbers),
		BOTH(legacy_alone_has_the_documented_gap),
		BOTH(legacy2_alone_has_no_gap),
		BOTH(conversion_reads_the_texts_as_their_owners_did),
		BOTH(conversion_without_ranges_sets_the_counter),
		BOTH(a_number_is_taken_only_when_its_mark_is_durable),
		BOTH(a_large_range_saves_seldom_and_loses_little),
		BOTH(a_stale_configuration_gives_nothing_twice),
		BOTH(what_was_given_away_is_not_taken_up_again),
		BOTH(a_range_of_another_host_is_dropped),
		BOTH(a_grant_that_was_not_written_down_is_found_again),
		BOTH(one_who_is_not_the_holder_asks_and_is_answered),
		BOTH(a_random_range_gives_each_number_once),
		cmocka_unit_test_setup_teardown(
		    a_restored_instance_burns_what_it_had, begin_sim, end),
		cmocka_unit_test(texts_are_in_the_right_radix),
		cmocka_unit_test_setup_teardown(
		    settings_that_make_no_range_are_refused, begin_sim, end),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
