/* SPDX-License-Identifier: Apache-2.0 */
/* delta_test.c - deltas: applied to their base they give the set.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: one. */
#include "crl/delta.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
	N = 200
};

static uint32_t seed;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void
put(struct buf *b, uint64_t serial, int reason)
{
	struct crl_entry x = { .serial = num_from_u64(serial),
		.date = 1700000000,
		.reason = reason };

	crl_entry_put(b, &x);
}

static struct revoked_snapshot *
set_of(const int reasons[N])
{
	AUTO(revoked_set) s = revoked_set_new();
	struct revoked_snapshot *v = NULL;
	uint64_t i;

	for (i = 0; i < N; i++) {
		struct crl_entry x = { .serial = num_from_u64(i + 1),
			.date = 1700000000,
			.reason = reasons[i] };

		if (reasons[i] != 0)
			assert_int_equal(revoked_put(s, &x, NULL), RC_OK);
	}
	assert_int_equal(revoked_snapshot_new(&v, s, NULL), RC_OK);
	return v;
}

static void
list_of(struct buf *b, const int reasons[N])
{
	uint64_t i;

	for (i = 0; i < N; i++)
		if (reasons[i] != 0)
			put(b, i + 1, reasons[i]);
}

/* What a client does with a base and a delta. */
static void
apply(int reasons[N], struct view delta)
{
	struct crl_entry x = { .reason = 0 };

	while (delta.len > 0) {
		assert_int_equal(crl_entry_next(&delta, &x, NULL), RC_OK);
		reasons[x.serial.b[0] - 1] =
		    x.reason == CRLREASON_REMOVE ? 0 : x.reason;
	}
}

static void
change(int reasons[N])
{
	static const int some[] = { 0, 1, 4, 6 };
	size_t i;

	for (i = 0; i < N; i++)
		if (draw(4) == 0)
			reasons[i] = some[draw(4)];
}

/* Also for a client that has applied the delta before. */
static void
delta_turns_base_and_older_delta_into_the_set(void **state)
{
	int base[N] = { 0 }, now[N], client[N];
	int round, step;

	(void)state;
	seed = 5;
	for (round = 0; round < 20; round++) {
		AUTO_BUF list = buf_empty(0);
		AUTO_BUF prev = buf_empty(0);

		change(base);
		list_of(&list, base);
		memcpy(now, base, sizeof(now));
		memcpy(client, base, sizeof(client));
		for (step = 0; step < 5; step++) {
			AUTO(revoked_snapshot) set = NULL;
			AUTO_BUF delta = buf_empty(0);
			int fresh[N];
			uint64_t count = 0;

			change(now);
			set = set_of(now);
			assert_int_equal(
			    delta_entries(&delta, &count, buf_view(&list),
				buf_view(&prev), set, NULL),
			    RC_OK);
			memcpy(fresh, base, sizeof(fresh));
			apply(fresh, buf_view(&delta));
			assert_memory_equal(fresh, now, sizeof(now));
			apply(client, buf_view(&delta));
			assert_memory_equal(client, now, sizeof(now));
			buf_reset(&prev);
			buf_add_view(&prev, buf_view(&delta));
		}
	}
}

static void
delta_of_equal_lists_is_empty(void **state)
{
	int base[N] = { 0 };
	AUTO(revoked_snapshot) set = NULL;
	AUTO_BUF list = buf_empty(0);
	AUTO_BUF delta = buf_empty(0);
	uint64_t count = 9;

	(void)state;
	seed = 6;
	change(base);
	list_of(&list, base);
	set = set_of(base);
	assert_int_equal(delta_entries(&delta, &count, buf_view(&list),
			     view_of(NULL, 0), set, NULL),
	    RC_OK);
	assert_int_equal(delta.len, 0);
	assert_int_equal(count, 0);
}

static void
delta_refuses_a_base_it_cannot_merge(void **state)
{
	int none[N] = { 0 };
	AUTO(revoked_snapshot) set = set_of(none);
	AUTO_BUF list = buf_empty(0);
	AUTO_BUF delta = buf_empty(0);
	uint64_t count = 9;
	size_t i;

	(void)state;
	put(&list, 7, 1);
	put(&list, 5, 1);
	assert_int_equal(delta_entries(&delta, &count, buf_view(&list),
			     view_of(NULL, 0), set, NULL),
	    RC_UNSUPPORTED);
	for (i = 1; i < list.len / 2; i++)
		assert_int_equal(
		    delta_entries(&delta, &count, view_of(list.data, i),
			view_of(NULL, 0), set, NULL),
		    RC_INVALID);
	assert_int_equal(count, 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delta_turns_base_and_older_delta_into_the_set),
		cmocka_unit_test(delta_of_equal_lists_is_empty),
		cmocka_unit_test(delta_refuses_a_base_it_cannot_merge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
