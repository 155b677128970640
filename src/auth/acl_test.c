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
		cmocka_unit_test(acl_add_refuses_what_it_cannot_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
