/* SPDX-License-Identifier: Apache-2.0 */
/* pki_xml_test.c - enrolment templates and servlets' answers: real ones, each
 * truncation, each single-byte change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/pki_profile_xml.h"
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

static const char profile_text[] =
    "<?xml version=\"1.0\"?>\n<Profile id=\"custom\">"
    "<classId>caEnrollImpl</classId><name>\xe4\xba\x94 &amp; x</name>"
    "<enabled>false</enabled><visible>true</visible>"
    "<enabledBy>admin</enabledBy><authzAcl/><renewal>false</renewal>"
    "<xmlOutput>true</xmlOutput>"
    "<Input id=\"i1\"><ClassID>certReqInputImpl</ClassID><Name>n</Name>"
    "<Attribute name=\"cert_request\"><Value/><Descriptor>"
    "<Syntax>s</Syntax></Descriptor></Attribute></Input>"
    "<Output id=\"o1\"><name>x</name><classId>certOutputImpl</classId>"
    "<attributes name=\"pretty_cert\"><Descriptor><Syntax>p</Syntax>"
    "</Descriptor></attributes></Output><PolicySets><PolicySet>"
    "<id>set</id><value id=\"2\"><def id=\"Validity\" "
    "classId=\"validityDefaultImpl\"><description>d</description>"
    "<policyAttribute name=\"notAfter\"><Descriptor><Syntax>string</Syntax>"
    "</Descriptor></policyAttribute><params name=\"range\"><value>7</value>"
    "</params></def><constraint id=\"Limit\"><description>c</description>"
    "<classId>validityConstraintImpl</classId><constraint id=\"range\">"
    "<descriptor><Syntax>integer</Syntax></descriptor><value>8</value>"
    "</constraint></constraint></value></PolicySet></PolicySets></Profile>";

static const json_t *
first(const json_t *o, const char *member)
{
	return json_array_get(json_object_get(o, member), 0);
}

static void
profile_reads_all_members(void **state)
{
	AUTO_JSON o = NULL;
	const json_t *p, *d, *c;

	(void)state;
	assert_int_equal(
	    profile_parse_xml(&o, view_str(profile_text), NULL), RC_OK);
	assert_string_equal(json_str(o, "id"), "custom");
	assert_string_equal(json_str(o, "name"), "\xe4\xba\x94 & x");
	assert_string_equal(json_str(o, "authzAcl"), "");
	assert_true(json_is_false(json_object_get(o, "enabled")));
	assert_true(json_is_true(json_object_get(o, "xmloutput")));
	assert_string_equal(json_str(first(o, "inputs"), "id"), "i1");
	assert_string_equal(
	    json_str(first(first(o, "outputs"), "attributes"), "name"),
	    "pretty_cert");
	p = first(json_object_get(o, "policySets"), "set");
	assert_string_equal(json_str(p, "id"), "2");
	d = json_object_get(p, "def");
	assert_string_equal(json_str(d, "name"), "Validity");
	assert_string_equal(json_str(d, "classId"), "validityDefaultImpl");
	assert_string_equal(json_str(d, "text"), "d");
	assert_string_equal(json_str(first(d, "params"), "name"), "range");
	assert_string_equal(json_str(first(d, "params"), "value"), "7");
	c = json_object_get(p, "constraint");
	assert_string_equal(json_str(c, "classId"), "validityConstraintImpl");
	assert_string_equal(json_str(first(c, "constraints"), "value"), "8");
}

static void
profile_comes_back_from_its_own_writer(void **state)
{
	AUTO_JSON a = NULL;
	AUTO_JSON b = NULL;
	AUTO_BUF text = buf_empty(0);

	(void)state;
	assert_int_equal(
	    profile_parse_xml(&a, view_str(profile_text), NULL), RC_OK);
	assert_int_equal(profile_xml(&text, a, NULL), RC_OK);
	assert_int_equal(profile_parse_xml(&b, buf_view(&text), NULL), RC_OK);
	assert_true(json_equal(a, b));
}

static void
profile_survives_truncations_and_changes(void **state)
{
	char text[sizeof(profile_text)];

	(void)state;
	for (size_t n = 0; n + 1 < sizeof(text); n++) {
		AUTO_JSON o = NULL;

		assert_int_not_equal(
		    profile_parse_xml(&o, view_of(profile_text, n), NULL),
		    RC_OK);
	}
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		AUTO_JSON o = NULL;
		AUTO_BUF out = buf_empty(0);

		memcpy(text, profile_text, sizeof(text));
		text[i] = (char)(text[i] ^ 0x15);
		if (profile_parse_xml(
			&o, view_of(text, sizeof(text) - 1), NULL) == RC_OK)
			rc_ignore(profile_xml(&out, o, NULL));
	}
}

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
		cmocka_unit_test(profile_reads_all_members),
		cmocka_unit_test(profile_comes_back_from_its_own_writer),
		cmocka_unit_test(profile_survives_truncations_and_changes),
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
