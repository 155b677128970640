/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp_table_test.c - ready answers: kept, found whole, too old, dropped by
 * serial number, overtaken by a drop, bounded.
 * Owns:    one table a case.
 * Trusts:  nothing.
 * Threads: one, and four in the last case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/thread.h"
#include "ca/ocsp_table.h"

enum {
	FOREVER = 1 << 30,
	MANY_DROPS = 1024, /* as many as the table remembers */
	ROUNDS = 2000,
	WORKERS = 4
};

static int
setup(void **state)
{
	*state = ocsp_table_new();
	return *state != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	ocsp_table_free(*state);
	return 0;
}

static void
put(struct ocsp_table *t, const char *request, uint64_t serial,
    const char *answer, uint64_t epoch)
{
	struct num n = num_from_u64(serial);

	ocsp_table_put(
	    t, view_str(request), &n, view_str(answer), FOREVER, epoch);
}

static void
drop(struct ocsp_table *t, uint64_t serial)
{
	struct num n = num_from_u64(serial);

	ocsp_table_drop(t, &n);
}

/* The answer kept for a request, "" when there is none. */
static const char *
get(struct ocsp_table *t, struct buf *room, const char *request, int64_t now)
{
	buf_reset(room);
	if (!ocsp_table_get(t, room, view_str(request), now))
		return "";
	return buf_cstr(room);
}

static void
get_finds_what_was_put(void **state)
{
	struct ocsp_table *t = *state;
	AUTO_BUF b = buf_empty(0);

	assert_string_equal(get(t, &b, "q1", 0), "");
	put(t, "q1", 1, "good 1", ocsp_table_epoch(t));
	put(t, "q2", 2, "good 2", ocsp_table_epoch(t));
	assert_string_equal(get(t, &b, "q1", 0), "good 1");
	assert_string_equal(get(t, &b, "q2", 0), "good 2");
	assert_string_equal(get(t, &b, "q", 0), "");
	assert_string_equal(get(t, &b, "q11", 0), "");
	assert_int_equal(ocsp_table_count(t), 2);
}

static void
put_replaces_the_answer_of_the_same_request(void **state)
{
	struct ocsp_table *t = *state;
	AUTO_BUF b = buf_empty(0);

	put(t, "q", 1, "old", ocsp_table_epoch(t));
	put(t, "q", 1, "newer", ocsp_table_epoch(t));
	assert_string_equal(get(t, &b, "q", 0), "newer");
	assert_int_equal(ocsp_table_count(t), 1);
}

static void
answers_are_not_given_at_or_after_their_end(void **state)
{
	struct ocsp_table *t = *state;
	struct num n = num_from_u64(7);
	AUTO_BUF b = buf_empty(0);

	ocsp_table_put(
	    t, view_str("q"), &n, view_str("good"), 1000, ocsp_table_epoch(t));
	assert_string_equal(get(t, &b, "q", 999), "good");
	assert_string_equal(get(t, &b, "q", 1000), "");
	assert_int_equal(ocsp_table_count(t), 0);
}

static void
drop_takes_every_answer_about_the_serial_and_no_other(void **state)
{
	struct ocsp_table *t = *state;
	AUTO_BUF b = buf_empty(0);

	put(t, "sha1 of 5", 5, "good", ocsp_table_epoch(t));
	put(t, "sha256 of 5", 5, "good", ocsp_table_epoch(t));
	put(t, "of 6", 6, "good", ocsp_table_epoch(t));
	drop(t, 5);
	assert_string_equal(get(t, &b, "sha1 of 5", 0), "");
	assert_string_equal(get(t, &b, "sha256 of 5", 0), "");
	assert_string_equal(get(t, &b, "of 6", 0), "good");
	assert_int_equal(ocsp_table_count(t), 1);
}

static void
clear_takes_all_also_those_being_signed(void **state)
{
	struct ocsp_table *t = *state;
	AUTO_BUF b = buf_empty(0);
	uint64_t epoch = ocsp_table_epoch(t);

	put(t, "of 5", 5, "good", epoch);
	put(t, "of 6", 6, "good", epoch);
	ocsp_table_clear(t);
	assert_int_equal(ocsp_table_count(t), 0);
	put(t, "of 7", 7, "good", epoch);
	assert_string_equal(get(t, &b, "of 7", 0), "");
	put(t, "of 7", 7, "revoked", ocsp_table_epoch(t));
	assert_string_equal(get(t, &b, "of 7", 0), "revoked");
}

/* The status is read, then the certificate is revoked, then the answer is to be
 * kept: it must not be. */
static void
an_answer_overtaken_by_a_drop_is_not_kept(void **state)
{
	struct ocsp_table *t = *state;
	AUTO_BUF b = buf_empty(0);
	uint64_t epoch = ocsp_table_epoch(t);

	drop(t, 5);
	put(t, "q", 5, "good", epoch);
	assert_string_equal(get(t, &b, "q", 0), "");
	assert_int_equal(ocsp_table_count(t), 0);
	put(t, "q", 5, "revoked", ocsp_table_epoch(t));
	assert_string_equal(get(t, &b, "q", 0), "revoked");
}

static void
an_overtaken_answer_also_removes_the_older_one(void **state)
{
	struct ocsp_table *t = *state;
	AUTO_BUF b = buf_empty(0);
	uint64_t epoch = ocsp_table_epoch(t);

	drop(t, 5);
	put(t, "q", 5, "revoked", ocsp_table_epoch(t));
	put(t, "q", 5, "good", epoch);
	assert_string_not_equal(get(t, &b, "q", 0), "good");
}

static void
a_drop_of_another_serial_does_not_hinder(void **state)
{
	struct ocsp_table *t = *state;
	AUTO_BUF b = buf_empty(0);
	uint64_t epoch = ocsp_table_epoch(t);

	drop(t, 6);
	put(t, "q", 5, "good", epoch);
	assert_string_equal(get(t, &b, "q", 0), "good");
}

/* More drops than are remembered: nobody can tell, so nothing is kept. */
static void
an_answer_overtaken_by_too_many_drops_is_not_kept(void **state)
{
	struct ocsp_table *t = *state;
	AUTO_BUF b = buf_empty(0);
	uint64_t epoch = ocsp_table_epoch(t);

	for (uint64_t i = 0; i < MANY_DROPS; i++)
		drop(t, i + 1000);
	put(t, "q", 5, "good", epoch);
	assert_string_equal(get(t, &b, "q", 0), "");
}

static void
count_and_bytes_stay_within_their_limits(void **state)
{
	static const char answer[4096] = { 'x' };
	struct ocsp_table *t = *state;
	size_t fit = OCSP_TABLE_BYTES / sizeof(answer);
	char request[32];

	for (uint64_t i = 0; i < fit + 500; i++) {
		struct num n = num_from_u64(i);
		snprintf(
		    request, sizeof(request), "q%llu", (unsigned long long)i);
		ocsp_table_put(t, view_str(request), &n,
		    view_of(answer, sizeof(answer)), FOREVER,
		    ocsp_table_epoch(t));
	}
	assert_true(ocsp_table_count(t) <= fit);
	assert_true(ocsp_table_count(t) > fit / 2);
	/* what was put last is there */
	AUTO_BUF b = buf_empty(0);
	assert_true(ocsp_table_get(t, &b, view_str(request), 0));
	assert_int_equal(b.len, sizeof(answer));
}

/* Readers of a status race with revocations of the same few serials: after all
 * have ended no "good" of an old epoch may be left. */
static void *
race(void *arg)
{
	struct ocsp_table *t = arg;
	AUTO_BUF b = buf_empty(0);

	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint64_t serial = i % 8, epoch = ocsp_table_epoch(t);
		if (i % 5 == 0)
			drop(t, serial);
		put(t, serial % 2 == 0 ? "even" : "odd", serial, "good", epoch);
		get(t, &b, i % 2 == 0 ? "even" : "odd", 0);
	}
	return NULL;
}

static void
threads_may_put_get_and_drop_at_once(void **state)
{
	struct ocsp_table *t = *state;
	AUTO_BUF b = buf_empty(0);
	pthread_t id[WORKERS];
	struct err e;

	for (size_t i = 0; i < WORKERS; i++)
		assert_int_equal(
		    thread_start(&id[i], "race", race, t, &e), RC_OK);
	for (size_t i = 0; i < WORKERS; i++)
		pthread_join(id[i], NULL);
	for (uint64_t s = 0; s < 8; s++)
		drop(t, s);
	assert_string_equal(get(t, &b, "even", 0), "");
	assert_string_equal(get(t, &b, "odd", 0), "");
	assert_int_equal(ocsp_table_count(t), 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest cases[] = {
		CASE(get_finds_what_was_put),
		CASE(put_replaces_the_answer_of_the_same_request),
		CASE(answers_are_not_given_at_or_after_their_end),
		CASE(drop_takes_every_answer_about_the_serial_and_no_other),
		CASE(clear_takes_all_also_those_being_signed),
		CASE(an_answer_overtaken_by_a_drop_is_not_kept),
		CASE(an_overtaken_answer_also_removes_the_older_one),
		CASE(a_drop_of_another_serial_does_not_hinder),
		CASE(an_answer_overtaken_by_too_many_drops_is_not_kept),
		CASE(count_and_bytes_stay_within_their_limits),
		CASE(threads_may_put_get_and_drop_at_once),
	};

	return cmocka_run_group_tests_name("ocsp_table", cases, NULL, NULL);
}
