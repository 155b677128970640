/* SPDX-License-Identifier: Apache-2.0 */
/* claim_test.c - the greatest claim holds; rooms of numbers are disjoint. */
#include "store/test_help.h"

#include "store/claim.h"
#include "store/sim.h"

enum {
	START_MS = 1795000000,
};

static struct claim
example(enum claim_kind kind, uint16_t host, uint32_t n, uint64_t number)
{
	struct claim c = { .role = "crl.MasterCRL",
		.kind = kind,
		.number = num_from_u64(number),
		.by = { host, "ca.example.com", 8443 },
		.n = n,
		.made = 1795000000,
		.why = "taken over" };

	OK(claim_id(c.id, c.role, host, n, e));
	return c;
}

static struct num
parsed(const char *s)
{
	struct num n;

	OK(num_parse(&n, s, false, e));
	return n;
}

#define SAME(a, text)                                       \
	do {                                                \
		char t_[NUM_TEXT_MAX];                      \
		assert_string_equal(num_0x(t_, (a)), text); \
	} while (0)

/* --- numbers ------------------------------------------------------------ */

static void
forced_number_is_epoch_above_and_host_id(void **state)
{
	struct num n = num_from_u64(17);

	(void)state;
	OK(claim_number_forced(&n, &n, 0x3fa2, e));
	SAME(&n, "0x13fa200000");
	OK(claim_number_forced(&n, &n, 1, e));
	SAME(&n, "0x2000100000");
	OK(claim_number_forced(&n, &n, 0xffff, e));
	SAME(&n, "0x3ffff00000");
	n = parsed("0xffffffffffffffffff");
	OK(claim_number_forced(&n, &n, 0x0102, e));
	SAME(&n, "0x1000000000010200000");
}

static void
numbers_end_at_twenty_octets(void **state)
{
	struct num n = parsed("0x7fffffffffffffffffffffffffffffffffffffff");
	struct num out = num_from_u64(5);

	(void)state;
	RC(RC_TOOBIG, claim_number_after(&out, &n, e));
	RC(RC_TOOBIG, claim_number_forced(&out, &n, 7, e));
	SAME(&out, "0x5");
	n = parsed("0x7ffffffffffffffffffffffffffffffffffffffe");
	OK(claim_number_after(&out, &n, e));
	SAME(&out, "0x7fffffffffffffffffffffffffffffffffffffff");
	n = num_from_u64(0xffff);
	OK(claim_number_after(&out, &n, e));
	SAME(&out, "0x10000");
}

static void
room_ends_with_the_hosts_block(void **state)
{
	struct num n = num_from_u64(1), end = claim_number_end(&n);

	(void)state;
	SAME(&end, "0xfffffffff"); /* epoch 0 is one room */
	n = parsed("0x13fa200000");
	end = claim_number_end(&n);
	SAME(&end, "0x13fa2fffff");
	n = parsed("0x13fa234567");
	end = claim_number_end(&n);
	SAME(&end, "0x13fa2fffff");
	n = parsed("0x100000000013fa2fffff");
	end = claim_number_end(&n);
	SAME(&end, "0x100000000013fa2fffff");
}

static void
next_number_is_in_the_claims_room_or_refused(void **state)
{
	struct claim c = example(CLAIM_FORCED, 0x3fa2, 1, 0x13fa200000);
	struct num n, high = num_from_u64(17);

	(void)state;
	/* not one more than the record's: from the claim */
	OK(claim_number_next(&n, &c, &high, e));
	SAME(&n, "0x13fa200000");
	OK(claim_number_next(&n, &c, &c.number, e));
	SAME(&n, "0x13fa200001");
	high = parsed("0x13fa2ffffe");
	OK(claim_number_next(&n, &c, &high, e));
	SAME(&n, "0x13fa2fffff");
	RC(RC_TOOBIG, claim_number_next(&n, &c, &n, e));
	high = parsed("0x2000000000");
	RC(RC_TOOBIG, claim_number_next(&n, &c, &high, e));
}

/* Any two forced claims made apart, from whatever each had seen. */
static void
rooms_of_two_hosts_never_meet(void **state)
{
	uint64_t seed = 20261122;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct num a, b, a_end, b_end, seen[2];
		uint16_t id[2];

		for (int k = 0; k < 2; k++) {
			seed =
			    seed * 6364136223846793005u + 1442695040888963407u;
			seen[k] = num_from_u64(seed >> (seed >> 58));
			id[k] = (uint16_t)(seed >> 20 | 1);
		}
		if (id[0] == id[1])
			continue;
		OK(claim_number_forced(&a, &seen[0], id[0], e));
		OK(claim_number_forced(&b, &seen[1], id[1], e));
		a_end = claim_number_end(&a);
		b_end = claim_number_end(&b);
		assert_true(num_cmp(&a, &seen[0]) > 0);
		assert_true(num_cmp(&b, &seen[1]) > 0);
		assert_true(num_cmp(&a_end, &b) < 0 || num_cmp(&b_end, &a) < 0);
	}
}

/* --- order -------------------------------------------------------------- */

static void
claims_are_ordered_by_number_then_host_then_n(void **state)
{
	struct claim a = example(CLAIM_FIRST, 9, 9, 1),
		     b = example(CLAIM_HANDOVER, 1, 1, 2),
		     c = example(CLAIM_HANDOVER, 2, 1, 2),
		     d = example(CLAIM_HANDOVER, 2, 2, 2);

	(void)state;
	assert_true(claim_cmp(&a, &b) < 0 && claim_cmp(&b, &a) > 0);
	assert_true(claim_cmp(&b, &c) < 0 && claim_cmp(&c, &b) > 0);
	assert_true(claim_cmp(&c, &d) < 0 && claim_cmp(&d, &c) > 0);
	assert_int_equal(claim_cmp(&d, &d), 0);
}

static void
notes_hold_nothing(void **state)
{
	struct claim items[3];
	struct claims all = { items, 3 };
	struct num n;

	(void)state;
	items[0] = example(CLAIM_FIRST, 1, 1, 1);
	items[1] = example(CLAIM_ASK, 2, 1, 0);
	items[2] = example(CLAIM_RELEASE, 1, 2, 40);
	memcpy(items[1].about, items[0].id, CLAIM_ID_MAX);
	assert_ptr_equal(claims_greatest(&all, "crl.MasterCRL"), &items[0]);
	assert_null(claims_greatest(&all, "status"));
	assert_null(claims_release(&all, items[0].id));
	memcpy(items[2].about, items[0].id, CLAIM_ID_MAX);
	assert_ptr_equal(claims_release(&all, items[0].id), &items[2]);
	assert_ptr_equal(claims_ask(&all, items[0].id), &items[1]);
	n = claims_highest(&all, "crl.MasterCRL");
	SAME(&n, "0x28");
}

/* --- entries ------------------------------------------------------------ */

static void
entry_comes_back_as_it_went(void **state)
{
	struct claim c = example(CLAIM_RELEASE, 0xfffe, 77, 1234567), got;
	AUTO(rec) r = NULL;

	(void)state;
	memcpy(c.about, "crl.MasterCRL.0001.3", 21);
	c.to = 0x1234;
	r = claim_encode(&c);
	assert_non_null(r);
	assert_string_equal(r->id, "crl.MasterCRL.fffe.77");
	OK(claim_decode(&got, r, e));
	assert_int_equal(claim_cmp(&c, &got), 0);
	assert_int_equal(got.kind, CLAIM_RELEASE);
	assert_string_equal(got.role, c.role);
	assert_string_equal(got.by.host, c.by.host);
	assert_int_equal(got.by.port, 8443);
	assert_string_equal(got.about, c.about);
	assert_string_equal(got.why, "taken over");
	assert_int_equal(got.to, 0x1234);
	assert_int_equal(got.made, c.made);
}

static void
damaged_entries_are_refused_or_another_claim(void **state)
{
	struct claim c = example(CLAIM_FORCED, 0x1001, 2, 0x13fa200000), got;
	AUTO(rec) r = claim_encode(&c);

	(void)state;
	assert_non_null(r);
	for (size_t a = 0; a < r->n; a++) {
		AUTO(rec) less = rec_copy(r);
		char *name = strdup(r->attrs[a].name);

		assert_non_null(less);
		assert_non_null(name);
		rec_clear(less, name);
		RC(RC_INVALID, claim_decode(&got, less, e));
		free(name);
	}
	for (size_t a = 0; a < r->n; a++)
		for (size_t v = 0; v < r->attrs[a].n; v++) {
			struct view x = r->attrs[a].values[v];
			uint8_t *p = (uint8_t *)(uintptr_t)x.data;

			for (size_t i = 0; i < x.len; i++) {
				p[i] ^= 1;
				if (claim_decode(&got, r, NULL) == RC_OK)
					assert_true(strlen(got.by.host) <
					    CLAIM_HOST_MAX);
				p[i] ^= 1;
			}
		}
	OK(claim_decode(&got, r, e));
}

static void
name_that_disagrees_is_refused(void **state)
{
	struct claim c = example(CLAIM_FORCED, 0x1001, 2, 5), got;
	AUTO(rec) r = NULL;

	(void)state;
	memcpy(c.id, "crl.MasterCRL.1002.2", 21);
	r = claim_encode(&c);
	assert_non_null(r);
	RC(RC_INVALID, claim_decode(&got, r, e));
}

/* --- in a store --------------------------------------------------------- */

static void
add(struct store *s, enum claim_kind kind, uint16_t host, uint64_t number,
    struct claim *out)
{
	*out = example(kind, host, 1, number);
	OK(claim_add(s, out, 0, 1795000000, e));
}

static void
names_of_one_host_never_repeat(void **state)
{
	AUTO(sim) sim = sim_new((int64_t)START_MS * 1000);
	struct claim a, b, c;

	(void)state;
	assert_int_equal(sim_add_replica(sim), 0);
	add(sim_store(sim, 0), CLAIM_FIRST, 7, 1, &a);
	add(sim_store(sim, 0), CLAIM_RELEASE, 7, 9, &b);
	c = example(CLAIM_FORCED, 7, 1, 5);
	OK(claim_add(sim_store(sim, 0), &c, 40, 1795000000, e));
	assert_string_equal(a.id, "crl.MasterCRL.0007.1");
	assert_string_equal(b.id, "crl.MasterCRL.0007.2");
	assert_string_equal(c.id, "crl.MasterCRL.0007.41");
}

static void
deposed_or_released_claim_no_longer_holds(void **state)
{
	AUTO(sim) sim = sim_new((int64_t)START_MS * 1000);
	struct claim a, b, end;

	(void)state;
	assert_int_equal(sim_add_replica(sim), 0);
	assert_int_equal(sim_add_replica(sim), 1);
	add(sim_store(sim, 0), CLAIM_FIRST, 7, 1, &a);
	sim_settle(sim);
	OK(claim_still_holds(sim_store(sim, 0), &a, e));
	add(sim_store(sim, 1), CLAIM_FORCED, 8, 0x1000800000, &b);
	OK(claim_still_holds(sim_store(sim, 0), &a, e)); /* not yet seen */
	sim_settle(sim);
	RC(RC_GONE, claim_still_holds(sim_store(sim, 0), &a, e));
	OK(claim_still_holds(sim_store(sim, 0), &b, e));
	end = example(CLAIM_RELEASE, 8, 1, 0x1000800003);
	memcpy(end.about, b.id, CLAIM_ID_MAX);
	end.to = 7;
	OK(claim_add(sim_store(sim, 1), &end, 0, 1795000000, e));
	RC(RC_GONE, claim_still_holds(sim_store(sim, 1), &b, e));
}

/* Whatever order entries arrive in, all replicas name one holder. */
static void
all_replicas_agree_on_the_holder(void **state)
{
	AUTO(sim) sim = sim_new((int64_t)START_MS * 1000);
	AUTO_CLAIMS first = { NULL, 0 };
	const struct claim *want;
	struct claim c;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(sim_add_replica(sim), i);
	for (uint16_t i = 0; i < 3; i++)
		add(sim_store(sim, i), CLAIM_FORCED, (uint16_t)(i + 1),
		    0x1000000000u + (uint64_t)(i + 1) * 0x100000, &c);
	sim_settle(sim);
	OK(claims_load(&first, sim_store(sim, 0), NULL, e));
	assert_int_equal(first.n, 3);
	want = claims_greatest(&first, "crl.MasterCRL");
	assert_int_equal(want->by.host_id, 3);
	for (size_t i = 1; i < 3; i++) {
		AUTO_CLAIMS all = { NULL, 0 };

		OK(claims_load(&all, sim_store(sim, i), "crl.MasterCRL", e));
		assert_int_equal(
		    claim_cmp(claims_greatest(&all, "crl.MasterCRL"), want), 0);
	}
}

static void
store_that_does_not_answer_lets_nobody_act(void **state)
{
	AUTO(sim) sim = sim_new((int64_t)START_MS * 1000);
	struct claim a, b;

	(void)state;
	assert_int_equal(sim_add_replica(sim), 0);
	add(sim_store(sim, 0), CLAIM_FIRST, 7, 1, &a);
	sim_cut_after(sim, 0, 0);
	b = example(CLAIM_FORCED, 7, 1, 5);
	RC(RC_UNAVAILABLE, claim_add(sim_store(sim, 0), &b, 0, 1, e));
	RC(RC_UNAVAILABLE, claim_still_holds(sim_store(sim, 0), &a, e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forced_number_is_epoch_above_and_host_id),
		cmocka_unit_test(numbers_end_at_twenty_octets),
		cmocka_unit_test(room_ends_with_the_hosts_block),
		cmocka_unit_test(next_number_is_in_the_claims_room_or_refused),
		cmocka_unit_test(rooms_of_two_hosts_never_meet),
		cmocka_unit_test(claims_are_ordered_by_number_then_host_then_n),
		cmocka_unit_test(notes_hold_nothing),
		cmocka_unit_test(entry_comes_back_as_it_went),
		cmocka_unit_test(damaged_entries_are_refused_or_another_claim),
		cmocka_unit_test(name_that_disagrees_is_refused),
		cmocka_unit_test(names_of_one_host_never_repeat),
		cmocka_unit_test(deposed_or_released_claim_no_longer_holds),
		cmocka_unit_test(all_replicas_agree_on_the_holder),
		cmocka_unit_test(store_that_does_not_answer_lets_nobody_act),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
