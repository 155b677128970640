/* SPDX-License-Identifier: Apache-2.0 */
/* session_test.c - sessions expire, are bounded, and free their data once; and
 * the connection caps beside them.
 * Owns:    its tables and a clock that it moves by hand.
 * Trusts:  nothing.
 * Threads: one. */
#include "http/session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/addrs.h"

static int64_t now_ms;
static int freed;

static int64_t
now(void *arg)
{
	(void)arg;
	return now_ms;
}

static const struct clock hand_clock = { now, now, NULL };

static void
free_data(void *data)
{
	(void)data;
	freed++;
}

static struct view
id_of(const struct http_session *s)
{
	return view_str(session_id(s));
}

static bool
is_there(struct sessions *t, bool tls, const char *id)
{
	struct http_session *s = sessions_find(t, tls, view_str(id));

	sessions_release(t, s);
	return s != NULL;
}

static int
setup(void **state)
{
	(void)state;
	freed = 0;
	now_ms = 1000;
	return 0;
}

static void
idle_sessions_expire(void **state)
{
	AUTO(sessions) t = sessions_new(&hand_clock, 0, 100);
	struct http_session *s = sessions_add(t, false, NULL, free_data);
	char id[SESSION_ID_LEN + 1];

	(void)state;
	memcpy(id, session_id(s), sizeof(id));
	sessions_release(t, s);
	for (int i = 0; i < 5; i++) {
		now_ms += 99;
		assert_true(is_there(t, true, id));
	}
	now_ms += 100;
	assert_false(is_there(t, true, id));
	assert_int_equal(freed, 1);
	sessions_release(t, sessions_add(t, false, NULL, free_data));
	now_ms += 99;
	sessions_sweep(t);
	assert_int_equal(sessions_count(t), 1);
	now_ms += 1;
	sessions_sweep(t);
	assert_int_equal(sessions_count(t), 0);
	assert_int_equal(freed, 2);
}

static void
the_longest_unused_makes_room(void **state)
{
	AUTO(sessions) t = sessions_new(&hand_clock, 3, 0);
	char id[4][SESSION_ID_LEN + 1];

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct http_session *s =
		    sessions_add(t, false, NULL, free_data);

		memcpy(id[i], session_id(s), sizeof(id[i]));
		sessions_release(t, s);
		if (i == 2)
			assert_true(is_there(t, false, id[0]));
	}
	assert_true(is_there(t, false, id[0]));
	assert_false(is_there(t, false, id[1]));
	assert_int_equal(sessions_count(t), 3);
	assert_int_equal(freed, 1);
}

static void
a_removed_session_lives_as_long_as_it_is_held(void **state)
{
	AUTO(sessions) t = sessions_new(&hand_clock, 0, 0);
	struct http_session *s = sessions_add(t, false, NULL, free_data);

	(void)state;
	sessions_remove(t, s);
	sessions_remove(t, s);
	assert_null(sessions_find(t, false, id_of(s)));
	assert_int_equal(freed, 0);
	sessions_release(t, s);
	assert_int_equal(freed, 1);
}

static void
ids_are_whole_and_differ(void **state)
{
	AUTO(sessions) t = sessions_new(&hand_clock, 0, 0);
	struct http_session *a = sessions_add(t, true, NULL, NULL);
	struct http_session *b = sessions_add(t, false, NULL, NULL);

	(void)state;
	assert_int_equal(strlen(session_id(a)), SESSION_ID_LEN);
	assert_string_not_equal(session_id(a), session_id(b));
	assert_false(is_there(t, false, session_id(a))); /* TLS only */
	assert_true(is_there(t, true, session_id(a)));
	assert_true(is_there(t, true, session_id(b)));
	assert_null(
	    sessions_find(t, true, view_of(session_id(a), SESSION_ID_LEN - 1)));
	assert_null(sessions_find(t, true, view_str("")));
	sessions_release(t, a);
	sessions_release(t, b);
}

static struct sockaddr_storage
address(const char *text)
{
	struct sockaddr_storage sa = { 0 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		memcpy(&sa, &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		memcpy(&sa, &v6, sizeof(v6));
	return sa;
}

static void
connections_are_capped_by_address_and_in_all(void **state)
{
	AUTO(addrs) t = addrs_new(5, 2);
	struct sockaddr_storage a = address("192.0.2.1");
	struct sockaddr_storage mapped = address("::ffff:192.0.2.1");
	struct sockaddr_storage b = address("2001:db8::1");
	struct sockaddr_storage same_net = address("2001:db8::ffff");
	struct sockaddr_storage c = address("2001:db8:1::1");
	struct addr *got[5];

	(void)state;
	got[0] = addrs_take(t, &a);
	got[1] = addrs_take(t, &mapped);
	assert_true(got[0] != NULL && got[0] == got[1]);
	assert_null(addrs_take(t, &a));
	got[2] = addrs_take(t, &b);
	got[3] = addrs_take(t, &same_net);
	assert_true(got[2] != NULL && got[2] == got[3]);
	assert_null(addrs_take(t, &b));
	got[4] = addrs_take(t, &c);
	assert_non_null(got[4]);
	assert_null(addrs_take(t, &c)); /* five in all */
	addrs_drop(t, got[0]);
	got[0] = addrs_take(t, &c);
	assert_ptr_equal(got[0], got[4]);
	for (int i = 0; i < 5; i++)
		addrs_drop(t, got[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(idle_sessions_expire, setup),
		cmocka_unit_test_setup(the_longest_unused_makes_room, setup),
		cmocka_unit_test_setup(
		    a_removed_session_lives_as_long_as_it_is_held, setup),
		cmocka_unit_test_setup(ids_are_whole_and_differ, setup),
		cmocka_unit_test(connections_are_capped_by_address_and_in_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
