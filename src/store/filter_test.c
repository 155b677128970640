/* SPDX-License-Identifier: Apache-2.0 */
/* filter_test.c - search filters (RFC 4515). */
#include "store/test_help.h"

#include "store/filter_int.h"

static bool
match(const struct rec *r, const char *text)
{
	AUTO(filter) f = NULL;

	OK(filter_parse(&f, text, e));
	return filter_match(f, r);
}

static void
filter_compares_as_the_directory_does(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} cases[] = {
		{ "(certStatus=REVOKED)", true },
		{ "(CERTSTATUS=revoked)", true },
		{ "(certStatus=VALID)", false },
		{ "(serialno>=044711)", true },
		{ "(serialno>=044712)", false },
		{ "(serialno<=0512345)", true },
		{ "(serialno<=03999)", false },
		{ "(cn=4711)", true },
		{ "(cn=0x1267)", false },
		{ "(subjectName=cn=HOST4711.example.com,o=example)", true },
		{ "(subjectName=*host4711*)", true },
		{ "(subjectName=CN=host*com,O=*)", true },
		{ "(subjectName=CN=host*net,O=*)", false },
		{ "(subjectName=*,o=example)", true },
		{ "(subjectName=*example*example)", true },
		{ "(subjectName=*example*example*example)", false },
		{ "(revInfo=*;CRLReasonExtension=1*)", true },
		{ "(metaInfo=requestId:26)", true },
		{ "(metaInfo=profileId:caServerCert)", true },
		{ "(realm=*)", false },
		{ "(!(realm=*))", true },
		{ "(&(certStatus=REVOKED)(|(!(issuerName=*))"
		  "(issuerName=CN=Test CA,O=EXAMPLE)))",
		    true },
		{ "(|(certStatus=VALID)(certStatus=EXPIRED))", false },
		{ "(userCertificate=*)", true },
		{ "(publicKeyData=\\30\\82)", false },
		{ "(issuedBy= ADMIN )", true },
	};
	AUTO(rec) r = help_cert(4711, CERT_REVOKED);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (match(r, cases[i].text) != cases[i].want)
			fail_msg("%s: not %d", cases[i].text, cases[i].want);
}

static void
filter_compares_numbers_and_names_by_their_syntax(void **state)
{
	AUTO(rec) r = rec_new(REC_GROUP, "Administrators");

	(void)state;
	rec_add_str(r, "uniqueMember", "uid=admin,ou=People,dc=ca, dc=test");
	rec_add_str(r, "SecurePort", "8443");
	rec_add_str(r, "authorityID", "aBc");
	assert_true(
	    match(r, "(uniqueMember=UID=admin, ou=people,dc=ca,dc=test)"));
	assert_true(match(r, "(SecurePort>=443)"));
	assert_true(match(r, "(SecurePort<=10000)"));
	assert_true(match(r, "(SecurePort>=-10000)"));
	assert_false(match(r, "(SecurePort<=-10000)"));
	assert_false(match(r, "(authorityID=abc)"));
	assert_true(match(r, "(authorityID=aBc)"));
}

static void
filter_rejects_malformed_text(void **state)
{
	static const char *const wrong[] = { "", "(", ")", "()", "(a)",
		"(a=", "a=b", "(a=b))", "(a=b)(c=d)", "(&)", "(!)",
		"(!(a=b)(c=d))", "(a>b)", "(=b)", "(a=\\)", "(a=\\4)",
		"(a=\\zz)", "(a>=b*)", "(a=(b))", "(&(a=b)", "(&(a=b)x)",
		"(a b=c)" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct filter *f = NULL;

		RC(RC_INVALID, filter_parse(&f, wrong[i], e));
	}
}

static void
filter_depth_and_length_are_limited(void **state)
{
	AUTO_BUF b = buf_empty(0);
	AUTO_BUF c = buf_empty(0);
	struct filter *f = NULL;

	(void)state;
	for (int i = 0; i < FILTER_DEPTH_MAX; i++)
		buf_add_str(&b, "(!");
	buf_add_str(&b, "(a=b)");
	for (int i = 0; i < FILTER_DEPTH_MAX; i++)
		buf_add_str(&b, ")");
	RC(RC_INVALID, filter_parse(&f, buf_cstr(&b), e));
	buf_add_str(&c, "(a=");
	for (int i = 0; i < FILTER_TEXT_MAX; i++)
		buf_add_char(&c, 'x');
	buf_add_str(&c, ")");
	RC(RC_TOOBIG, filter_parse(&f, buf_cstr(&c), e));
}

static void
filter_text_round_trips(void **state)
{
	static const char *const texts[] = { "(a=b)", "(a=*)", "(a=*b*c)",
		"(a=b*)", "(&(a>=1)(|(b<=2)(!(c=d\\28\\29\\2a\\5c\\00\\ff))))",
		"(a=)" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		AUTO(filter) f = NULL;
		AUTO_BUF b = buf_empty(0);

		OK(filter_parse(&f, texts[i], e));
		filter_text(f, &b);
		assert_string_equal(buf_cstr(&b), texts[i]);
	}
}

static void
filter_escape_makes_any_value_safe(void **state)
{
	AUTO(rec) r = rec_new(REC_USER, "x");

	(void)state;
	for (unsigned i = 1; i < 256; i++) {
		uint8_t v[3] = { 'a', (uint8_t)i, 'b' };
		AUTO_BUF b = buf_empty(0);

		rec_clear(r, "description");
		rec_add(r, "description", view_of(v, 3));
		buf_add_str(&b, "(description=");
		filter_escape(&b, view_of(v, 3));
		buf_add_str(&b, ")");
		assert_true(match(r, buf_cstr(&b)));
	}
}

static void
filter_parse_survives_truncation_and_changed_bytes(void **state)
{
	char text[] = "(&(a>=1)(|(b<=2)(!(c=d\\28*e))))";
	size_t len = strlen(text);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		AUTO_STR cut = strndup(text, i);
		struct filter *f = NULL;
		char keep = text[i];

		RC(RC_INVALID, filter_parse(&f, cut, e));
		for (int v = 1; v < 256; v++) {
			text[i] = (char)v;
			if (filter_parse(&f, text, NULL) == RC_OK)
				filter_free(f);
			f = NULL;
		}
		text[i] = keep;
	}
}

static void
value_norm_orders_integers(void **state)
{
	static const char *const rising[] = { "-1000", "-999", "-2", "-1", "0",
		"1", "2", "9", "10", "443", "8443", "10000" };

	(void)state;
	for (size_t i = 1; i < sizeof(rising) / sizeof(rising[0]); i++) {
		AUTO_BUF a = buf_empty(0);
		AUTO_BUF b = buf_empty(0);

		value_norm(&a, SYNTAX_INTEGER, view_str(rising[i - 1]));
		value_norm(&b, SYNTAX_INTEGER, view_str(rising[i]));
		assert_true(view_cmp(buf_view(&a), buf_view(&b)) < 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filter_compares_as_the_directory_does),
		cmocka_unit_test(
		    filter_compares_numbers_and_names_by_their_syntax),
		cmocka_unit_test(filter_rejects_malformed_text),
		cmocka_unit_test(filter_depth_and_length_are_limited),
		cmocka_unit_test(filter_text_round_trips),
		cmocka_unit_test(filter_escape_makes_any_value_safe),
		cmocka_unit_test(
		    filter_parse_survives_truncation_and_changed_bytes),
		cmocka_unit_test(value_norm_orders_integers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
