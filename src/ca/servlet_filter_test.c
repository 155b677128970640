/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_filter_test.c - filters that pages send: what they become, what is
 * refused, and that no change of a byte lets another attribute through.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ca/servlet.h"

static void
becomes(const char *in, const char *want)
{
	AUTO_BUF b = buf_empty(FILTER_TEXT_MAX);
	struct err e = { RC_OK, "" };

	if (servlet_filter(&b, in, &e) != RC_OK)
		fail_msg("%s: %s", in, e.text);
	assert_string_equal(buf_cstr(&b), want);
}

static void
is_refused(const char *in)
{
	AUTO_BUF b = buf_empty(FILTER_TEXT_MAX);

	if (servlet_filter(&b, in, NULL) == RC_OK)
		fail_msg("%s became %s", in, buf_cstr(&b));
}

static void
filters_name_our_attributes(void **state)
{
	(void)state;
	becomes("(certRecordId=0x1a)", "(serialno=0226)");
	becomes("(certRecordId>=26)", "(serialno>=0226)");
	becomes("(|(certRecordId=1)(certRecordId=0x2))",
	    "(|(serialno=011)(serialno=012))");
	becomes("(&(certRecordId=*)(!(certStatus=REVOKED)))",
	    "(&(certStatus=*)(!(certStatus=REVOKED)))");
	becomes("(x509cert.subject=CN=a)", "(subjectName=CN=a)");
	becomes("(certIssuedBy=agent)", "(issuedBy=agent)");
}

static void
values_stay_escaped(void **state)
{
	AUTO_BUF b = buf_empty(FILTER_TEXT_MAX);

	(void)state;
	assert_int_equal(servlet_filter(&b,
			     "(certIssuedBy=\\29\\28userPassword=\\2a)", NULL),
	    RC_OK);
	assert_null(strstr(buf_cstr(&b), "(userPassword"));
}

static void
other_attributes_and_forms_are_refused(void **state)
{
	(void)state;
	is_refused("");
	is_refused("(userPassword=*)");
	is_refused("(userPassword=x)");
	is_refused("(&(certRecordId=1)(userPassword=x))");
	is_refused("(certStatus=REV*)");
	is_refused("(certRecordId=x)");
	is_refused("(certRecordId=-1)");
	is_refused("(certRecordId=1");
	is_refused("certRecordId=1)(");
}

static void
deep_filters_are_refused(void **state)
{
	AUTO_BUF b = buf_empty(0);

	(void)state;
	for (int i = 0; i < 9; i++)
		buf_add_str(&b, "(!");
	buf_add_str(&b, "(certRecordId=1)");
	for (int i = 0; i < 9; i++)
		buf_add_char(&b, ')');
	is_refused(buf_cstr(&b));
}

/* Whatever a changed filter becomes names known attributes only. */
static void
check_known(const char *text)
{
	static const char *const known[] = { "serialno", "certStatus",
		"subjectName", "issuedBy", "revokedBy" };
	AUTO_BUF b = buf_empty(FILTER_TEXT_MAX);

	if (servlet_filter(&b, text, NULL) != RC_OK)
		return;
	for (const char *p = buf_cstr(&b); *p != '\0'; p++) {
		bool found = false;
		if (*p != '(' || strchr("&|!", p[1]) != NULL)
			continue;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found |= text_starts(p + 1, known[i]);
		if (!found)
			fail_msg("%s became %s", text, buf_cstr(&b));
	}
}

static void
truncations_and_changed_bytes_let_nothing_through(void **state)
{
	static const char whole[] =
	    "(&(|(certRecordId=0x1a)(certIssuedBy=a\\28b))(!(certStatus=*)))";
	char text[sizeof(whole)];

	(void)state;
	for (size_t n = 0; n < sizeof(whole); n++) {
		memcpy(text, whole, sizeof(whole));
		text[n] = '\0';
		check_known(text);
	}
	for (size_t n = 0; n + 1 < sizeof(whole); n++) {
		for (int c = 1; c < 256; c++) {
			memcpy(text, whole, sizeof(whole));
			text[n] = (char)c;
			check_known(text);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(filters_name_our_attributes),
		cmocka_unit_test(values_stay_escaped),
		cmocka_unit_test(other_attributes_and_forms_are_refused),
		cmocka_unit_test(deep_filters_are_refused),
		cmocka_unit_test(
		    truncations_and_changed_bytes_let_nothing_through),
	};

	return cmocka_run_group_tests_name("servlet_filter", cases, NULL, NULL);
}
