/* SPDX-License-Identifier: Apache-2.0 */
/* merge_test.c - every order of arrival, also with repeats, merges alike. */
#include "store/test_help.h"

#include "store/merge.h"

enum {
	N = 5,
	ROUNDS = 4000,
};

static uint64_t seed = 20261121;

static uint64_t
draw(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static void
swap(int *a, int *b)
{
	int t = *a;

	*a = *b;
	*b = t;
}

/* Calls fn with every order of 0..n-1. */
static void
orders(int *order, int at, int n, void (*fn)(const int *order, void *arg),
    void *arg)
{
	if (at == n) {
		fn(order, arg);
		return;
	}
	for (int i = at; i < n; i++) {
		swap(&order[at], &order[i]);
		orders(order, at + 1, n, fn, arg);
		swap(&order[at], &order[i]);
	}
}

static struct merge_decision
draw_decision(void)
{
	static const int reasons[] = { 0, 1, 4, 6, 6, 6 };
	static const char *const names[] = { NULL, "amy", "zoe" };
	struct merge_decision d = {
		.release = draw(4) == 0,
		.rev = { .date = 100 + (int64_t)draw(3),
		    .reason = reasons[draw(6)],
		    .invalidity = (int64_t)draw(2),
		    .by = names[draw(3)],
		    .recorded = 200 + (int64_t)draw(2) },
	};

	return d;
}

static bool
same(const struct merge_decision *a, const struct merge_decision *b)
{
	return a->release == b->release && a->rev.date == b->rev.date &&
	    a->rev.reason == b->rev.reason &&
	    a->rev.invalidity == b->rev.invalidity &&
	    a->rev.recorded == b->rev.recorded &&
	    strcmp(a->rev.by ? a->rev.by : "", b->rev.by ? b->rev.by : "") == 0;
}

struct decisions {
	struct merge_decision d[N];
	const struct merge_decision *want;
};

static void
check_order(const int *order, void *arg)
{
	struct decisions *x = arg;
	const struct merge_decision *got = &x->d[order[0]];

	for (int i = 0; i < N; i++) {
		got = merge_decisions(got, &x->d[order[i]]);
		got = merge_decisions(&x->d[order[i]], got); /* a repeat */
	}
	if (x->want == NULL)
		x->want = got;
	assert_true(same(got, x->want));
}

static void
decisions_merge_alike_in_every_order(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS / 10; round++) {
		struct decisions x = { .want = NULL };
		int order[N];

		for (int i = 0; i < N; i++) {
			order[i] = i;
			x.d[i] = draw_decision();
		}
		orders(order, 0, N, check_order, &x);
	}
}

static void
a_permanent_revocation_is_never_taken_back(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct merge_decision d[N];
		const struct merge_decision *ruling;
		bool permanent = false;
		int64_t first = INT64_MAX;

		for (int i = 0; i < N; i++) {
			d[i] = draw_decision();
			if (d[i].release || d[i].rev.reason == REASON_HOLD)
				continue;
			permanent = true;
			if (d[i].rev.date < first)
				first = d[i].rev.date;
		}
		ruling = merge_all(d, N);
		if (!permanent)
			continue;
		assert_true(merge_revoked(ruling));
		assert_int_not_equal(ruling->rev.reason, REASON_HOLD);
		assert_int_equal(ruling->rev.date, first);
	}
}

static void
hold_and_release_follow_the_later_date(void **state)
{
	struct merge_decision hold = { .rev = { .date = 100,
					   .reason = REASON_HOLD } };
	struct merge_decision release = { .release = true,
		.rev = { .date = 200 } };
	struct merge_decision again = { .rev = { .date = 200,
					    .reason = REASON_HOLD } };

	(void)state;
	assert_false(merge_revoked(merge_decisions(&hold, &release)));
	assert_true(merge_revoked(merge_decisions(&release, &again)));
	assert_false(merge_revoked(NULL));
}

static void
rev_infos_prefer_permanent_then_earliest(void **state)
{
	struct revocation hold = { .date = 1, .reason = REASON_HOLD };
	struct revocation late = { .date = 9, .reason = 1 };
	struct revocation early = { .date = 5, .reason = 4 };

	(void)state;
	assert_ptr_equal(merge_rev_infos(&hold, &late), &late);
	assert_ptr_equal(merge_rev_infos(&late, &early), &early);
	assert_ptr_equal(merge_rev_infos(&early, &late), &early);
}

static void
status_follows_from_revocation_and_dates(void **state)
{
	(void)state;
	assert_int_equal(merge_status(false, 10, 20, 9), CERT_INVALID);
	assert_int_equal(merge_status(false, 10, 20, 10), CERT_VALID);
	assert_int_equal(merge_status(false, 10, 20, 20), CERT_EXPIRED);
	assert_int_equal(merge_status(true, 10, 20, 9), CERT_REVOKED);
	assert_int_equal(merge_status(true, 10, 20, 20), CERT_REVOKED_EXPIRED);
}

static struct rec *
members(const int *which, int n)
{
	static const char *const all[] = { "uid=b,o=x", "uid=a,o=x",
		"UID=B, o=x", "uid=c,o=x", "uid=d,o=x" };
	struct rec *r = rec_new(REC_GROUP, "g");

	for (int i = 0; i < n; i++)
		rec_add_str(r, "uniqueMember", all[which[i]]);
	return r;
}

static void
check_union(const int *order, void *arg)
{
	AUTO(rec) whole = rec_new(REC_GROUP, "g");
	const struct rec_attr *a;

	(void)arg;
	for (int i = 0; i < N; i++) {
		AUTO(rec) one = members(&order[i], 1);

		OK(merge_union(whole, one, "uniqueMember", e));
		OK(merge_union(whole, one, "uniqueMember", e));
	}
	a = rec_attr(whole, "uniqueMember");
	assert_int_equal(a->n, 4);
	assert_string_equal((const char *)a->values[0].data, "uid=a,o=x");
	assert_string_equal((const char *)a->values[3].data, "uid=d,o=x");
}

static void
union_holds_every_value_once_in_every_order(void **state)
{
	int order[N] = { 0, 1, 2, 3, 4 };

	(void)state;
	orders(order, 0, N, check_union, NULL);
}

static void
maximum_sticky_and_stamps_are_total(void **state)
{
	struct num a = num_from_u64(255), b = num_from_u64(256);
	struct merge_stamp s = { 10, 1, 2 }, t = { 10, 1, 3 };

	(void)state;
	assert_ptr_equal(merge_max_num(&a, &b), &b);
	assert_ptr_equal(merge_max_num(&b, &a), &b);
	assert_int_equal(merge_max(-1, 3), 3);
	assert_true(merge_sticky(false, true));
	assert_false(merge_sticky(false, false));
	assert_true(merge_stamp_cmp(&s, &t) < 0);
	assert_true(merge_stamp_cmp(&t, &s) > 0);
	assert_int_equal(merge_stamp_cmp(&s, &s), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_merge_alike_in_every_order),
		cmocka_unit_test(a_permanent_revocation_is_never_taken_back),
		cmocka_unit_test(hold_and_release_follow_the_later_date),
		cmocka_unit_test(rev_infos_prefer_permanent_then_earliest),
		cmocka_unit_test(status_follows_from_revocation_and_dates),
		cmocka_unit_test(union_holds_every_value_once_in_every_order),
		cmocka_unit_test(maximum_sticky_and_stamps_are_total),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
