/* SPDX-License-Identifier: Apache-2.0 */
/* setting_params_test.c - the parameters that clones share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "ca/setting_sync.h"

static struct cfg *
lines(const char *text)
{
	struct cfg *c = cfg_new();

	assert_non_null(c);
	assert_int_equal(cfg_parse(c, view_str(text), "CS.cfg", NULL), RC_OK);
	return c;
}

static void
the_view_holds_what_clones_share_and_nothing_else(void **state)
{
	AUTO(cfg)
	cs = lines("ca.byName=true\nca.SAN.entryNum=7\n"
		   "machineName=pki1\nca.crl.MasterCRL.enable=true\n"
		   "internaldb.ldapconn.host=ds1\n");
	AUTO(cfg) want = lines("ca.byName=true\nca.SAN.entryNum=7\n");
	AUTO(cfg) out = cfg_new();

	(void)state;
	assert_int_equal(setting_params.view(out, cs, NULL), RC_OK);
	assert_true(cfg_equal(out, want));
}

static void
a_value_that_its_reader_refuses_goes_nowhere(void **state)
{
	static const char *const bad[] = { "ca.SAN.entryNum=many",
		"ca.SAN.entryNum=0", "ca.ocspAnswerLifetime=-1",
		"ca.enableNonces=perhaps" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		AUTO(cfg) cs = lines(bad[i]);
		AUTO(cfg) out = cfg_new();
		AUTO(cfg) to = lines("machineName=pki1");
		struct err e = { RC_OK, "" };

		assert_int_equal(setting_params.view(out, cs, &e), RC_INVALID);
		assert_non_null(strstr(e.text, "CS.cfg: ca."));
		assert_int_equal(
		    setting_params.apply(to, cs, NULL), RC_INVALID);
	}
}

static void
applying_a_view_gives_it_back_and_leaves_the_rest(void **state)
{
	AUTO(cfg)
	cs = lines("ca.byName=true\nmachineName=pki1\n"
		   "ca.enableNonces=false\n");
	AUTO(cfg) view = lines("ca.byName=false\nca.ocspNextUpdate=true\n");
	AUTO(cfg)
	want = lines("ca.byName=false\nca.ocspNextUpdate=true\n"
		     "machineName=pki1\n");
	AUTO(cfg) again = cfg_new();

	(void)state;
	assert_int_equal(setting_params.apply(cs, view, NULL), RC_OK);
	assert_true(cfg_equal(cs, want));
	assert_int_equal(setting_params.view(again, cs, NULL), RC_OK);
	assert_true(cfg_equal(again, view));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_view_holds_what_clones_share_and_nothing_else),
		cmocka_unit_test(a_value_that_its_reader_refuses_goes_nowhere),
		cmocka_unit_test(
		    applying_a_view_gives_it_back_and_leaves_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
