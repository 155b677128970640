/* SPDX-License-Identifier: Apache-2.0 */
/* thread_test.c - the pool runs everything once and refuses when full.
 * Owns:    its own temporary folder, if any.
 * Trusts:  nothing.
 * Threads: one, unless a case starts more. */
#include "base/thread.h"

#include <stdatomic.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static atomic_int ran;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void
count(void *arg)
{
	(void)arg;
	atomic_fetch_add(&ran, 1);
}

static void
wait_at_gate(void *arg)
{
	LOCKED(&gate);

	count(arg);
}

static void
pool_free_runs_what_waits(void **state)
{
	struct pool *p = NULL;
	int i;

	(void)state;
	atomic_store(&ran, 0);
	assert_int_equal(
	    pool_new(&p, "a-name-longer-than-15", 3, 1000, NULL), RC_OK);
	for (i = 0; i < 1000; i++)
		assert_int_equal(pool_run(p, count, NULL), RC_OK);
	pool_free(p);
	assert_int_equal(atomic_load(&ran), 1000);
	pool_free(NULL);
}

static void
pool_run_refuses_when_full(void **state)
{
	struct pool *p = NULL;
	int taken = 0;

	(void)state;
	atomic_store(&ran, 0);
	assert_int_equal(pool_new(&p, "full", 1, 2, NULL), RC_OK);
	pthread_mutex_lock(&gate);
	while (pool_run(p, wait_at_gate, NULL) == RC_OK)
		taken++;
	/* two wait, and a third where the worker had already taken one */
	assert_true(taken == 2 || taken == 3);
	assert_int_equal(pool_busy(p), taken);
	pthread_mutex_unlock(&gate);
	pool_free(p);
	assert_int_equal(atomic_load(&ran), taken);
}

static void *
give_back(void *arg)
{
	return arg;
}

static void
thread_start_passes_its_argument(void **state)
{
	pthread_t t;
	void *out = NULL;
	int x;

	(void)state;
	assert_int_equal(thread_start(&t, "one", give_back, &x, NULL), RC_OK);
	assert_int_equal(pthread_join(t, &out), 0);
	assert_ptr_equal(out, &x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_free_runs_what_waits),
		cmocka_unit_test(pool_run_refuses_when_full),
		cmocka_unit_test(thread_start_passes_its_argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
