/* SPDX-License-Identifier: Apache-2.0 */
/* revoked_test.c - the revoked set against a plain sorted model.
 * Owns:    the model.
 * Trusts:  nothing.
 * Threads: one, but for the case that reads while it writes. */
#include "crl/revoked.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/thread.h"

enum {
	MODEL_SIZE = 3000, /* serials in play */
	STEPS = 30000,
};

/* The model: entry i of ascending serials is there or not. */
static struct crl_entry model[MODEL_SIZE];
static bool there[MODEL_SIZE];

static uint32_t seed;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static struct crl_entry
entry(uint64_t serial, int64_t date, int reason)
{
	return (struct crl_entry){
		.serial = num_from_u64(serial), .date = date, .reason = reason
	};
}

/* Serials of all lengths, ascending. */
static void
model_new(uint32_t s)
{
	size_t i, k;
	struct num n;

	seed = s;
	for (i = 0; i < MODEL_SIZE; i++) {
		n = num_from_u64((uint64_t)i * i * 7 + 1);
		if (i >= MODEL_SIZE / 2) {
			n.len = (uint8_t)(9 +
			    (i - MODEL_SIZE / 2) * 12 / MODEL_SIZE);
			memset(n.b, 0, sizeof(n.b));
			n.b[0] = 0x9f;
			n.b[n.len - 2] = (uint8_t)(i >> 8);
			n.b[n.len - 1] = (uint8_t)i;
		}
		model[i] = entry(0, 1700000000 + (int64_t)i, CRLREASON_NONE);
		model[i].serial = n;
		there[i] = false;
		if (i > 0)
			assert_true(num_cmp(&model[i - 1].serial, &n) < 0);
		for (k = 0; k < i; k += 500)
			assert_true(num_cmp(&model[k].serial, &n) < 0);
	}
}

static void
all_of(struct buf *out, struct revoked_set *s)
{
	AUTO(revoked_snapshot) v = NULL;
	struct view piece;
	size_t i;

	assert_int_equal(revoked_snapshot_new(&v, s, NULL), RC_OK);
	for (i = 0; (piece = revoked_snapshot_piece(v, i)).len > 0; i++)
		buf_add_view(out, piece);
	assert_int_equal(out->len, revoked_snapshot_bytes(v));
}

static void
compare(struct revoked_set *s)
{
	AUTO_BUF want = buf_empty(0);
	AUTO_BUF have = buf_empty(0);
	struct crl_entry x;
	size_t i, n = 0;

	for (i = 0; i < MODEL_SIZE; i++) {
		assert_int_equal(
		    revoked_find(s, &model[i].serial, &x), there[i]);
		if (!there[i])
			continue;
		n++;
		assert_int_equal(x.date, model[i].date);
		assert_int_equal(x.reason, model[i].reason);
		crl_entry_put(&want, &model[i]);
	}
	assert_int_equal(revoked_count(s), n);
	assert_int_equal(revoked_bytes(s), want.len);
	all_of(&have, s);
	assert_true(view_eq(buf_view(&want), buf_view(&have)));
}

static void
set_does_what_a_sorted_array_does(void **state)
{
	AUTO(revoked_set) s = revoked_set_new();
	size_t i, k;
	bool found;

	(void)state;
	model_new(17);
	compare(s);
	for (i = 0; i < STEPS; i++) {
		/* the second half mostly removes */
		bool put = draw(10) < (i < STEPS / 2 ? 8 : 2);

		k = draw(MODEL_SIZE);
		if (put) {
			model[k].reason =
			    draw(2) == 0 ? CRLREASON_NONE : 1 + (int)draw(5);
			model[k].has_invalidity = draw(3) == 0;
			model[k].invalidity = 1600000000 + draw(1000);
			assert_int_equal(
			    revoked_put(s, &model[k], NULL), RC_OK);
		} else {
			assert_int_equal(
			    revoked_remove(s, &model[k].serial, &found, NULL),
			    RC_OK);
			assert_int_equal(found, there[k]);
		}
		there[k] = put;
		if (i % 3000 == 0)
			compare(s);
	}
	compare(s);
	for (i = 0; i < MODEL_SIZE; i++) {
		assert_int_equal(
		    revoked_remove(s, &model[i].serial, NULL, NULL), RC_OK);
		there[i] = false;
	}
	compare(s);
}

static void
snapshot_stays_as_it_was(void **state)
{
	AUTO(revoked_set) s = revoked_set_new();
	AUTO(revoked_snapshot) v = NULL;
	AUTO_BUF before = buf_empty(0);
	AUTO_BUF after = buf_empty(0);
	struct view piece;
	size_t i;

	(void)state;
	model_new(3);
	for (i = 0; i < MODEL_SIZE; i += 2)
		assert_int_equal(revoked_put(s, &model[i], NULL), RC_OK);
	all_of(&before, s);
	assert_int_equal(revoked_snapshot_new(&v, s, NULL), RC_OK);
	for (i = 0; i < MODEL_SIZE; i++) {
		if (i % 2 == 1)
			assert_int_equal(
			    revoked_put(s, &model[i], NULL), RC_OK);
		else
			assert_int_equal(
			    revoked_remove(s, &model[i].serial, NULL, NULL),
			    RC_OK);
		there[i] = i % 2 == 1;
	}
	for (i = 0; (piece = revoked_snapshot_piece(v, i)).len > 0; i++)
		buf_add_view(&after, piece);
	assert_true(view_eq(buf_view(&before), buf_view(&after)));
	assert_int_equal(revoked_snapshot_count(v), MODEL_SIZE / 2);
	compare(s);
	/* the set may go before its snapshot */
	revoked_set_free(revoked_set_steal(&s));
	assert_int_equal(revoked_snapshot_piece(v, 0).data[0], 0x30);
}

static void
sets_exchange_their_contents(void **state)
{
	AUTO(revoked_set) a = revoked_set_new();
	AUTO(revoked_set) b = revoked_set_new();
	struct crl_entry x = entry(5, 1700000000, 1), y;

	(void)state;
	assert_int_equal(revoked_put(a, &x, NULL), RC_OK);
	revoked_swap(a, b);
	assert_int_equal(revoked_count(a), 0);
	assert_false(revoked_find(a, &x.serial, &y));
	assert_int_equal(revoked_count(b), 1);
	assert_true(revoked_find(b, &x.serial, &y));
}

/* 40-octet entries must stay below 80 octets each, in whatever order. */
static void
memory_stays_below_twice_the_octets(void **state)
{
	enum {
		N = 40000
	};
	AUTO(revoked_set) rising = revoked_set_new();
	AUTO(revoked_set) random = revoked_set_new();
	struct crl_entry x;
	uint64_t i;

	(void)state;
	for (i = 1; i <= N; i++) {
		x = entry(i, 1700000000, 1);
		assert_int_equal(revoked_put(rising, &x, NULL), RC_OK);
		x = entry(i * UINT64_C(0x9e3779b97f4a7c15), 1700000000, 1);
		assert_int_equal(revoked_put(random, &x, NULL), RC_OK);
	}
	assert_int_equal(revoked_count(random), N);
	assert_true(revoked_memory(rising) < revoked_bytes(rising) * 11 / 10);
	assert_true(revoked_memory(random) < revoked_bytes(random) * 2);
}

static atomic_bool stop;

static void *
reader(void *arg)
{
	struct revoked_set *s = arg;
	struct crl_entry x = entry(1, 0, 0);
	size_t n = 0;

	while (!atomic_load(&stop)) {
		AUTO(revoked_snapshot) v = NULL;
		struct view piece, r;
		struct num last = num_from_u64(0);
		size_t i, count = 0;

		if (revoked_snapshot_new(&v, s, NULL) != RC_OK)
			abort();
		for (i = 0; (piece = revoked_snapshot_piece(v, i)).len > 0;
		     i++) {
			r = piece;
			while (r.len > 0) {
				if (crl_entry_next(&r, &x, NULL) != RC_OK ||
				    num_cmp(&last, &x.serial) >= 0)
					abort();
				last = x.serial;
				count++;
			}
		}
		if (count != revoked_snapshot_count(v))
			abort();
		n++;
	}
	return n > 0 ? s : NULL;
}

static void
readers_see_whole_ascending_sets_while_others_write(void **state)
{
	AUTO(revoked_set) s = revoked_set_new();
	struct crl_entry x;
	void *result = NULL;
	pthread_t t;
	uint64_t i;

	(void)state;
	atomic_store(&stop, false);
	assert_int_equal(thread_start(&t, "reader", reader, s, NULL), RC_OK);
	for (i = 1; i < 20000; i++) {
		x = entry(i * 2654435761 % 5000 + 1, 1700000000, 1);
		if (i % 3 != 0)
			assert_int_equal(revoked_put(s, &x, NULL), RC_OK);
		else
			assert_int_equal(
			    revoked_remove(s, &x.serial, NULL, NULL), RC_OK);
	}
	atomic_store(&stop, true);
	assert_int_equal(pthread_join(t, &result), 0);
	assert_ptr_equal(result, s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_does_what_a_sorted_array_does),
		cmocka_unit_test(snapshot_stays_as_it_was),
		cmocka_unit_test(sets_exchange_their_contents),
		cmocka_unit_test(memory_stays_below_twice_the_octets),
		cmocka_unit_test(
		    readers_see_whole_ascending_sets_while_others_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
