/* SPDX-License-Identifier: Apache-2.0 */
/* pki_xml_test.c - enrolment templates and servlets' answers: real ones, each
 * truncation, each single-byte change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/pki_servlet.h"
#include "tools/pki_template.h"

static const char template_text[] =
    "<?xml version=\"1.0\"?>\n<CertEnrollmentRequest>"
    "<Attributes><Attribute name=\"uid\">u</Attribute></Attributes>"
    "<ProfileID>caServerCert</ProfileID><Renewal>true</Renewal>"
    "<SerialNumber>0x1</SerialNumber>"
    "<Input id=\"i1\"><ClassID>c</ClassID><Name>n &amp; m</Name>"
    "<Attribute name=\"cert_request\"><Value>v</Value><Descriptor>"
    "<Syntax>s</Syntax></Descriptor></Attribute></Input>"
    "<Output id=\"o1\"><name>x</name></Output></CertEnrollmentRequest>";
static const char config_text[] =
    "<XMLResponse><Config><name>a</name><value>1</value></Config>"
    "<Config><name>b</name><value/></Config><Status>0</Status></XMLResponse>";

static void
template_reads_all_members(void **state)
{
	AUTO_JSON o = NULL;
	const json_t *in, *attr;

	(void)state;
	assert_int_equal(
	    template_parse_xml(&o, view_str(template_text), NULL), RC_OK);
	assert_string_equal(json_str(o, "ProfileID"), "caServerCert");
	assert_true(json_is_true(json_object_get(o, "Renewal")));
	assert_null(json_object_get(o, "Output"));
	in = json_array_get(json_object_get(o, "Input"), 0);
	assert_string_equal(json_str(in, "Name"), "n & m");
	attr = json_array_get(json_object_get(in, "Attribute"), 0);
	assert_string_equal(json_str(attr, "Value"), "v");
	attr = json_array_get(
	    json_object_get(json_object_get(o, "Attributes"), "Attribute"), 0);
	assert_string_equal(json_str(attr, "name"), "uid");
	assert_string_equal(json_str(attr, "value"), "u");
}

static void
template_comes_back_from_its_own_writer(void **state)
{
	AUTO_JSON a = NULL;
	AUTO_JSON b = NULL;
	AUTO_BUF text = buf_empty(0);

	(void)state;
	assert_int_equal(
	    template_parse_xml(&a, view_str(template_text), NULL), RC_OK);
	/* credentials are not written */
	json_object_set_new(a, "Attributes", json_pack("{s:[]}", "Attribute"));
	assert_int_equal(template_xml(&text, a, NULL), RC_OK);
	assert_int_equal(template_parse_xml(&b, buf_view(&text), NULL), RC_OK);
	assert_true(json_equal(a, b));
}

static void
entities_and_other_files_are_refused(void **state)
{
	static const char text[] =
	    "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>"
	    "<CertEnrollmentRequest><ProfileID>&e;</ProfileID>"
	    "</CertEnrollmentRequest>";
	AUTO_JSON o = NULL;

	(void)state;
	assert_int_equal(
	    template_parse_xml(&o, view_str(text), NULL), RC_INVALID);
	assert_int_equal(answer_parse(&o,
			     view_str("<!DOCTYPE x [<!ENTITY e \"e\">]>"
				      "<XMLResponse>&e;</XMLResponse>"),
			     NULL),
	    RC_INVALID);
}

static void
template_refuses_another_root(void **state)
{
	AUTO_JSON o = NULL;

	(void)state;
	assert_int_equal(
	    template_parse_xml(&o, view_str("<Profile/>"), NULL), RC_INVALID);
	assert_int_equal(
	    template_parse_xml(&o, view_str(""), NULL), RC_INVALID);
}

static void
template_survives_truncations_and_changes(void **state)
{
	char text[sizeof(template_text)];

	(void)state;
	for (size_t n = 0; n + 1 < sizeof(text); n++) {
		AUTO_JSON o = NULL;

		assert_int_not_equal(
		    template_parse_xml(&o, view_of(template_text, n), NULL),
		    RC_OK);
	}
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		AUTO_JSON o = NULL;

		memcpy(text, template_text, sizeof(text));
		text[i] = (char)(text[i] ^ 0x15);
		rc_ignore(template_parse_xml(
		    &o, view_of(text, sizeof(text) - 1), NULL));
	}
}

static void
servlet_answers_have_one_form(void **state)
{
	static const char *const same[] = {
		"{\"Response\":{\"Status\":\"0\",\"beginNumber\":\"98\"}}",
		"{\"Status\":\"0\",\"beginNumber\":\"98\"}",
		"<XMLResponse><Status>0</Status><beginNumber>98</beginNumber>"
		"</XMLResponse>",
		"<xml><header><Status>0</Status><beginNumber>98</beginNumber>"
		"</header><fixed/><records/></xml>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		AUTO_JSON o = NULL;

		assert_int_equal(
		    answer_parse(&o, view_str(same[i]), NULL), RC_OK);
		assert_string_equal(json_str(o, "beginNumber"), "98");
		assert_string_equal(json_str(o, "Status"), "0");
	}
}

static void
servlet_config_becomes_an_object(void **state)
{
	AUTO_JSON o = NULL;
	const json_t *config;

	(void)state;
	assert_int_equal(answer_parse(&o, view_str(config_text), NULL), RC_OK);
	config = json_object_get(o, "Config");
	assert_int_equal(json_object_size(config), 2);
	assert_string_equal(json_str(config, "a"), "1");
	assert_string_equal(json_str(config, "b"), "");
}

static void
servlet_survives_truncations_and_changes(void **state)
{
	char text[sizeof(config_text)];

	(void)state;
	for (size_t n = 0; n + 1 < sizeof(text); n++) {
		AUTO_JSON o = NULL;

		assert_int_not_equal(
		    answer_parse(&o, view_of(config_text, n), NULL), RC_OK);
	}
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		AUTO_JSON o = NULL;

		memcpy(text, config_text, sizeof(text));
		text[i] = (char)(text[i] ^ 0x15);
		rc_ignore(
		    answer_parse(&o, view_of(text, sizeof(text) - 1), NULL));
	}
}

static void
form_encodes_names_and_values(void **state)
{
	AUTO_BUF form = buf_empty(0);

	(void)state;
	form_add(&form, "a", "x y&z");
	form_add(&form, "none", NULL);
	form_add(&form, "b", "");
	assert_string_equal(buf_cstr(&form), "a=x%20y%26z&b=");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(template_reads_all_members),
		cmocka_unit_test(template_comes_back_from_its_own_writer),
		cmocka_unit_test(entities_and_other_files_are_refused),
		cmocka_unit_test(template_refuses_another_root),
		cmocka_unit_test(template_survives_truncations_and_changes),
		cmocka_unit_test(servlet_answers_have_one_form),
		cmocka_unit_test(servlet_config_becomes_an_object),
		cmocka_unit_test(servlet_survives_truncations_and_changes),
		cmocka_unit_test(form_encodes_names_and_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
