/* SPDX-License-Identifier: Apache-2.0 */
/* acl_test.c - access control lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/acl.h"

static char cma[] = "Certificate Manager Agents", adm[] = "Administrators";
static char *agent_groups[] = { cma, NULL }, *admin_groups[] = { adm, NULL };
static char a1[] = "agent1", b1[] = "boss";
static const struct principal agent = { .uid = a1, .groups = agent_groups };
static const struct principal boss = { .uid = b1, .groups = admin_groups };

static struct acl *
defaults(void)
{
	struct acl *a = NULL;
	struct err e;

	for (const char *const *t = acl_defaults("ca"); *t != NULL; t++)
		assert_int_equal(acl_add(&a, *t, &e), RC_OK);
	return a;
}

static void
acl_defaults_give_agents_requests_and_admins_users(void **state)
{
	AUTO(acl) a = defaults();

	(void)state;
	assert_int_equal(acl_check(a, &agent, NULL,
			     "certServer.ca.certrequests", "execute", NULL),
	    RC_OK);
	assert_int_equal(acl_check(a, &boss, NULL, "certServer.ca.certrequests",
			     "execute", NULL),
	    RC_DENIED);
	assert_int_equal(
	    acl_check(a, &boss, NULL, "certServer.ca.users", "execute", NULL),
	    RC_OK);
	assert_int_equal(
	    acl_check(a, NULL, NULL, "certServer.ca.users", "execute", NULL),
	    RC_AUTH);
	assert_int_equal(acl_check(a, NULL, "127.0.0.1",
			     "certServer.ee.request.ocsp", "submit", NULL),
	    RC_OK);
}

static void
acl_ancestors_are_gathered_and_deny_wins(void **state)
{
	AUTO(acl) a = defaults();

	(void)state;
	/* allowed by log.configuration, denied by log.configuration.fileName */
	assert_int_equal(
	    acl_check(a, &boss, NULL, "certServer.log.configuration.fileName",
		"modify", NULL),
	    RC_DENIED);
	assert_int_equal(
	    acl_check(a, &boss, NULL, "certServer.log.configuration.other",
		"modify", NULL),
	    RC_OK);
	/* "ca.cert" is no ancestor of "ca.certs" */
	assert_int_equal(
	    acl_check(a, &agent, NULL, "certServer.ca.certsX", "execute", NULL),
	    RC_DENIED);
}

static void
acl_eval_knows_operators_and_negation(void **state)
{
	bool ok;

	(void)state;
	assert_int_equal(acl_eval("group=\"Administrators\" || user=\"agent1\"",
			     &agent, NULL, &ok, NULL),
	    RC_OK);
	assert_true(ok);
	assert_int_equal(acl_eval("user=\"agent1\" && group!=\"Certificate "
				  "Manager Agents\"",
			     &agent, NULL, &ok, NULL),
	    RC_OK);
	assert_false(ok);
	assert_int_equal(acl_eval("group=Certificate Manager Agents", &agent,
			     NULL, &ok, NULL),
	    RC_OK);
	assert_true(ok);
	assert_int_equal(
	    acl_eval("user=\"everybody\"", NULL, NULL, &ok, NULL), RC_OK);
	assert_false(ok);
}

/* The C library's expressions take gigabytes for the first pattern. */
static void
address_patterns_that_take_too_long_let_nobody_in(void **state)
{
	static const char *const patterns[] = {
		"(((((.{1,200}){1,200}){1,200}){1,200}){1,200}){1,200}",
		"^(a+)+$", "("
	};

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		AUTO(acl) a = NULL;
		char text[256];

		snprintf(text, sizeof(text),
		    "r:op:allow (op) user=\"anybody\";deny (op) "
		    "ipaddress=\"%s\":t",
		    patterns[i]);
		assert_int_equal(acl_add(&a, text, NULL), RC_OK);
		assert_int_not_equal(
		    acl_check(a, &agent,
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "r", "op",
			NULL),
		    RC_OK);
	}
}

static void
addresses_match_by_a_part(void **state)
{
	bool ok = false;

	(void)state;
	assert_int_equal(
	    acl_eval("ipaddress=\"^192\\.0\\.\"", NULL, "192.0.2.1", &ok, NULL),
	    RC_OK);
	assert_true(ok);
	assert_int_equal(
	    acl_eval("ipaddress!=\".*\"", NULL, NULL, &ok, NULL), RC_OK);
	assert_true(ok);
}

static void
acl_add_refuses_what_it_cannot_read(void **state)
{
	static const char *const bad[] = { "", "x", "x:y",
		"r:op:permit (op) a=b:t", "r:op:allow op a=b:t",
		"r:op:allow (op) :t" };
	AUTO(acl) a = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(acl_add(&a, bad[i], NULL), RC_INVALID);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    acl_defaults_give_agents_requests_and_admins_users),
		cmocka_unit_test(acl_ancestors_are_gathered_and_deny_wins),
		cmocka_unit_test(acl_eval_knows_operators_and_negation),
		cmocka_unit_test(
		    address_patterns_that_take_too_long_let_nobody_in),
		cmocka_unit_test(addresses_match_by_a_part),
		cmocka_unit_test(acl_add_refuses_what_it_cannot_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
