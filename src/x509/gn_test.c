/* SPDX-License-Identifier: Apache-2.0 */
/* gn_test.c - general names: text forms, libcrypto, abuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "der/reader.h"
#include "x509/ext.h"
#include "x509/fixture.h"
#include "x509/gn.h"

static const struct {
	const char *type, *value, *text; /* text NULL: same as value */
	const char *conf;                /* libcrypto's way to say it */
} names[] = {
	{ "DNSName", "host.example", NULL, "DNS:host.example" },
	{ "dnsname", "*.example", NULL, "DNS:*.example" },
	{ "RFC822Name", "a@b.c", NULL, "email:a@b.c" },
	{ "URIName", "http://h:1/p?q", NULL, "URI:http://h:1/p?q" },
	{ "URI", "ldap://h/x", NULL, "URI:ldap://h/x" },
	{ "OIDName", "1.2.3.4", NULL, "RID:1.2.3.4" },
	{ "IPAddress", "10.1.2.3", NULL, "IP:10.1.2.3" },
	{ "IPAddress", "fd00::1", NULL, "IP:fd00::1" },
	{ "IPAddress", "10.0.0.0/8", "10.0.0.0,255.0.0.0", NULL },
	{ "IPAddress", "10.0.0.0/31", "10.0.0.0,255.255.255.254", NULL },
	{ "IPAddress", "10.0.0.0,255.255.0.0", NULL, NULL },
	{ "IPAddress", "fd00::/9", "fd00::,ff80::", NULL },
	{ "IPAddress", "10.0.0.0/0", "10.0.0.0,0.0.0.0", NULL },
	{ "DirectoryName", "CN=x, O=y", "CN=x,O=y", NULL },
	{ "EDIPartyName", "party", NULL, NULL },
	{ "EDIPartyName", "p\xc3\xa4rty", NULL, NULL },
	{ "OtherName", "(UTF8String)1.3.6.1.4.1.311.20.2.3,u@r", NULL,
	    "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:u@r" },
	{ "OtherName", "(IA5String)1.2.3.4,text,more", NULL,
	    "otherName:1.2.3.4;IA5:text,more" },
	{ "OtherName", "(PrintableString)1.2.3.4,text", NULL,
	    "otherName:1.2.3.4;PRINTABLE:text" },
	{ "OtherName", "(BMPString)1.2.3.4,t\xc3\xa4xt", NULL,
	    "otherName:1.2.3.4;FORMAT:UTF8,BMP:t\xc3\xa4xt" },
	{ "OtherName", "(Any)1.2.3.4,0403010203", NULL,
	    "otherName:1.2.3.4;FORMAT:HEX,OCT:010203" },
	{ "OtherName", "(KerberosName)REALM|1|user,host", NULL, NULL },
};

static void
corpus(const char *type, const char *value)
{
	AUTO_BUF b = buf_empty(0);

	buf_addf(&b, "%s\n%s", type, value);
	fix_corpus("name", buf_view(&b));
}

static void
gn_parse_and_text_round_trip(void **state)
{
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		AUTO_BUF der = buf_empty(0);
		AUTO_BUF text = buf_empty(0);
		AUTO_BUF again = buf_empty(0);
		struct view r;
		struct gn g;

		if (gn_parse(&der, names[i].type, names[i].value, &e) != RC_OK)
			fail_msg("%s: %s", names[i].value, e.text);
		r = buf_view(&der);
		assert_int_equal(gn_next(&r, &g, &e), RC_OK);
		assert_int_equal(r.len, 0);
		gn_put(&again, &g);
		fix_equal(buf_view(&again), buf_view(&der));
		gn_put_value_text(&text, &g);
		corpus(names[i].type, names[i].value);
		assert_string_equal(buf_cstr(&text),
		    names[i].text ? names[i].text : names[i].value);
		buf_reset(&again);
		assert_int_equal(
		    gn_parse(&again, gn_type_name(g.type), buf_cstr(&text), &e),
		    RC_OK);
		fix_equal(buf_view(&again), buf_view(&der));
	}
}

static void
gn_parse_equals_libcrypto(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		AUTO_BUF one = buf_empty(0);
		AUTO_BUF ours = buf_empty(0);
		AUTO_BUF theirs = buf_empty(0);
		GENERAL_NAMES *gens;
		GENERAL_NAME *g;
		const char *colon;
		char kind[32] = { 0 };
		CONF_VALUE v = { NULL, kind, NULL };

		if (names[i].conf == NULL)
			continue;
		assert_int_equal(
		    gn_parse(&one, names[i].type, names[i].value, NULL), RC_OK);
		ext_put_names(&ours, buf_view(&one));
		colon = strchr(names[i].conf, ':');
		memcpy(kind, names[i].conf, (size_t)(colon - names[i].conf));
		v.value = strdup(colon + 1);
		g = v2i_GENERAL_NAME(NULL, NULL, &v);
		if (g == NULL)
			fail_msg("%s", names[i].conf);
		gens = GENERAL_NAMES_new();
		sk_GENERAL_NAME_push(gens, g);
		FIX_DER(&theirs, GENERAL_NAMES, gens);
		fix_equal(buf_view(&ours), buf_view(&theirs));
		GENERAL_NAMES_free(gens);
		free(v.value);
	}
}

static void
gn_parse_rejects_bad_values(void **state)
{
	static const struct {
		const char *type, *value;
	} bad[] = {
		{ "Nonsense", "x" },
		{ "othername", "(UTF8String)1.2.3,x" },
		{ "X400Address", "x" },
		{ "DNSName", "" },
		{ "DNSName", "h\xc3\xa4" },
		{ "DNSName", "a\nb" },
		{ "IPAddress", "1.2.3" },
		{ "IPAddress", "1.2.3.4/33" },
		{ "IPAddress", "1.2.3.4/x" },
		{ "IPAddress", "1.2.3.4,5" },
		{ "IPAddress", "fd00::/129" },
		{ "IPAddress", "fd00::,255.0.0.0" },
		{ "OIDName", "1.2.x" },
		{ "DirectoryName", "x" },
		{ "OtherName", "x" },
		{ "OtherName", "(UTF8String" },
		{ "OtherName", "(UTF8String)1.2.3" },
		{ "OtherName", "(UTF8String)x,y" },
		{ "OtherName", "(Other)1.2.3,y" },
		{ "OtherName", "(Any)1.2.3,zz" },
		{ "OtherName", "(Any)1.2.3,0405" },
		{ "OtherName", "(Any)1.2.3,050000" },
		{ "OtherName", "(IA5String)1.2.3,\xc3\xa4" },
		{ "OtherName", "(KerberosName)REALM|1" },
		{ "OtherName", "(KerberosName)REALM|x|u" },
		{ "OtherName", "(KerberosName)REALM|1|" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		AUTO_BUF der = buf_empty(0);
		struct err e = { 0 };

		corpus(bad[i].type, bad[i].value);
		if (gn_parse(&der, bad[i].type, bad[i].value, &e) == RC_OK)
			fail_msg("accepted %s %s", bad[i].type, bad[i].value);
		assert_true(e.text[0] != '\0');
		assert_int_equal(der.len, 0);
	}
}

static void
gn_next_rejects_bad_contents(void **state)
{
	static const char *const bad[] = {
		"8201ff",
		"8200ff00",
		"890178",
		"a20178",
		"84023000",
		"870101",
		"87050102030405",
		"880180",
		"a0020500",
		"a00506012aa000",
		"a004a1020500",
		"a509a003130178a1020500ff",
		"30030c0178",
		"a50aa003130178a1030c01",
		"a302300",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		AUTO_BUF der = buf_empty(0);
		struct view r;
		struct gn g;

		if (text_hex(&der, view_str(bad[i]), NULL) != RC_OK)
			continue;
		r = buf_view(&der);
		if (gn_next(&r, &g, NULL) == RC_OK && r.len == 0)
			fail_msg("accepted %s", bad[i]);
	}
}

static void
gn_text_names_the_type(void **state)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF text = buf_empty(0);
	struct view r;
	struct gn g;

	(void)state;
	assert_int_equal(gn_parse(&der, "DNSName", "h.e", NULL), RC_OK);
	r = buf_view(&der);
	assert_int_equal(gn_next(&r, &g, NULL), RC_OK);
	gn_put_text(&text, &g);
	assert_string_equal(buf_cstr(&text), "DNSName: h.e");
}

static void
gn_is_single_refuses_wildcards_and_masks(void **state)
{
	static const struct {
		const char *type, *value;
		bool single;
	} cases[] = {
		{ "DNSName", "a.b", true },
		{ "DNSName", "*.b", false },
		{ "DNSName", ".b", false },
		{ "RFC822Name", "a@b", true },
		{ "IPAddress", "1.2.3.4", true },
		{ "IPAddress", "1.2.3.4/8", false },
		{ "URIName", "http://x/*", true },
		{ "OIDName", "1.2", true },
		{ "DirectoryName", "CN=*", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_BUF der = buf_empty(0);
		struct view r;
		struct gn g;

		assert_int_equal(
		    gn_parse(&der, cases[i].type, cases[i].value, NULL), RC_OK);
		r = buf_view(&der);
		assert_int_equal(gn_next(&r, &g, NULL), RC_OK);
		assert_int_equal(gn_is_single(&g), cases[i].single);
	}
}

static enum rc
abuse_one(struct view der, void *arg, struct err *e)
{
	AUTO_BUF text = buf_empty(0);
	struct gn g;
	enum rc rc = gn_next(&der, &g, e);

	(void)arg;
	if (rc != RC_OK)
		return rc;
	gn_put_text(&text, &g);
	return der_end(&der, e);
}

static enum rc
abuse_other(struct view text, void *arg, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_STR s = view_dup_str(text);

	(void)arg;
	if (s == NULL)
		return err_set(e, RC_INVALID, "NUL");
	return gn_parse(&der, "OtherName", s, e);
}

static void
gn_stands_abuse(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		AUTO_BUF der = buf_empty(0);

		assert_int_equal(
		    gn_parse(&der, names[i].type, names[i].value, NULL), RC_OK);
		fix_abuse(buf_view(&der), abuse_one, NULL);
		if (strcmp(names[i].type, "OtherName") == 0)
			fix_abuse_text(names[i].value, abuse_other, NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gn_parse_and_text_round_trip),
		cmocka_unit_test(gn_parse_equals_libcrypto),
		cmocka_unit_test(gn_parse_rejects_bad_values),
		cmocka_unit_test(gn_next_rejects_bad_contents),
		cmocka_unit_test(gn_text_names_the_type),
		cmocka_unit_test(gn_is_single_refuses_wildcards_and_masks),
		cmocka_unit_test(gn_stands_abuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
