/* SPDX-License-Identifier: Apache-2.0 */
/* xml_test.c - what is written is well-formed, whatever the text.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/xml.h"

#define FFFD "\xef\xbf\xbd"

static void
check(const char *in, const char *want)
{
	AUTO_BUF b = buf_empty(0);

	xml_escape(&b, in);
	assert_string_equal(buf_cstr(&b), want);
}

static void
markup_is_escaped(void **state)
{
	(void)state;
	check("<a href=\"x\">&</a>",
	    "&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;");
	check("a\r\n\tb", "a&#13;\n\tb");
}

static void
control_characters_go(void **state)
{
	(void)state;
	check("a\x01\x1f\x0b"
	      "b",
	    "ab");
}

static void
utf8_stays_and_all_else_is_replaced(void **state)
{
	(void)state;
	check("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
	    "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
	check("\xe4", FFFD);                            /* Latin-1 */
	check("\xc3", FFFD);                            /* cut */
	check("\xe2\x82", FFFD FFFD);                   /* cut */
	check("\xc0\xaf", FFFD FFFD);                   /* overlong */
	check("\xe0\x80\xaf", FFFD FFFD FFFD);          /* overlong */
	check("\xed\xa0\x80", FFFD FFFD FFFD);          /* surrogate */
	check("\xef\xbf\xbe", FFFD FFFD FFFD);          /* U+FFFE */
	check("\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD); /* above U+10FFFF */
	check("\xff<", FFFD "&lt;");
	check("\xc3<", FFFD "&lt;");
}

static void
absent_text_has_no_element(void **state)
{
	AUTO_BUF b = buf_empty(0);

	(void)state;
	xml_text(&b, "a", NULL);
	xml_text(&b, "b", "");
	xml_textf(&b, "c", "%d<", 1);
	assert_string_equal(buf_cstr(&b), "<b></b><c>1&lt;</c>");
}

int
main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(markup_is_escaped),
		cmocka_unit_test(control_characters_go),
		cmocka_unit_test(utf8_stays_and_all_else_is_replaced),
		cmocka_unit_test(absent_text_has_no_element),
	};

	return cmocka_run_group_tests_name("xml", cases, NULL, NULL);
}
