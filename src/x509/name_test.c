/* SPDX-License-Identifier: Apache-2.0 */
/* name_test.c - names against text forms, libcrypto, and abuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "der/reader.h"
#include "x509/fixture.h"
#include "x509/name.h"

static void
parse_ok(struct buf *der, const char *text)
{
	struct err e = { 0 };

	if (name_parse(der, view_str(text), &e) != RC_OK)
		fail_msg("%s: %s", text, e.text);
}

static void
text_is(struct view der, const char *want)
{
	AUTO_BUF text = buf_empty(0);

	assert_int_equal(name_text(&text, der, NULL), RC_OK);
	assert_string_equal(buf_cstr(&text), want);
}

static const struct {
	const char *in, *out;
} texts[] = {
	{ "", "" },
	{ "  ", "" },
	{ "CN=www.example.com,O=EXAMPLE", "CN=www.example.com,O=EXAMPLE" },
	{ "cn = www.example.com ; o=EXAMPLE , C=DE",
	    "CN=www.example.com,O=EXAMPLE,C=DE" },
	{ "EMAILADDRESS=a@b.c,CN=x", "E=a@b.c,CN=x" },
	{ "E=a@b.c, UID=u, DC=example, DC=com, ST=s, L=l",
	    "E=a@b.c,UID=u,DC=example,DC=com,ST=s,L=l" },
	{ "CN=uid=u1,O=x", "CN=uid=u1,O=x" },
	{ "CN=\"a, b\",O=x", "CN=a\\, b,O=x" },
	{ "CN=a\\,b\\+c\\\"d\\\\e,O=x", "CN=a\\,b\\+c\\\"d\\\\e,O=x" },
	{ "CN=\\ a \\ ,O=x", "CN=\\ a \\ ,O=x" },
	{ "CN=\\#x", "CN=\\#x" },
	{ "CN=a#b", "CN=a#b" },
	{ "CN=\\C3\\A4", "CN=\xc3\xa4" },
	{ "CN=a\\0Ab", "CN=a\\0Ab" },
	{ "UID=u+CN=x,O=y", "CN=x+UID=u,O=y" },
	{ "1.2.3.4=x,O=y", "1.2.3.4=#130178,O=y" },
	{ "OID.2.5.4.3=x", "CN=x" },
	{ "1.2.3.4=#0c0178", "1.2.3.4=#0c0178" },
	{ "CN=#0c0178", "CN=x" },
	{ "CN=#3000", "CN=#3000" },
	{ "SERIALNUMBER=12,SURNAME=x,GIVENNAME=y,T=z",
	    "SERIALNUMBER=12,SN=x,GIVENNAME=y,T=z" },
};

static void
name_text_is_canonical_and_stable(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		AUTO_BUF der = buf_empty(0);
		AUTO_BUF again = buf_empty(0);

		parse_ok(&der, texts[i].in);
		fix_corpus("name", buf_view(&der));
		fix_corpus("name", view_str(texts[i].in));
		text_is(buf_view(&der), texts[i].out);
		parse_ok(&again, texts[i].out);
		if (strstr(texts[i].out, "#0c") == NULL &&
		    strstr(texts[i].in, "#0c") == NULL)
			fix_equal(buf_view(&der), buf_view(&again));
	}
}

static void
name_parse_rejects_bad_text(void **state)
{
	static const char *const bad[] = { "CN", "=x", "CN=", "CN=x,", ",CN=x",
		"CN=x,,O=y", "CN=x+", "XX=y", "CN=\"x", "CN=\"x\"y", "CN=x\\",
		"CN=x\\4", "CN=x\\zz", "CN=\\00", "CN=\xff", "CN=\xc3",
		"CN=\xed\xa0\x80", "CN=#", "CN=#0", "CN=#0c02", "CN=#0c0178ff",
		"CN=#0c0178 x", "CN=a\"b", "DC=\xc3\xa4", "C=\xc3\xa4",
		"E=\xc3\xa4", "1.2.=x", "CN=a+CN=a", "9.1=x", "CN=#3001ff" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		AUTO_BUF der = buf_empty(0);
		struct err e = { 0 };

		fix_corpus("name", view_str(bad[i]));
		if (name_parse(&der, view_str(bad[i]), &e) == RC_OK)
			fail_msg("accepted %s", bad[i]);
		assert_true(e.text[0] != '\0');
		assert_int_equal(der.len, 0);
	}
}

static void
name_parse_chooses_string_types(void **state)
{
	AUTO_BUF der = buf_empty(0);
	struct name n;

	(void)state;
	parse_ok(&der, "E=a@b.c,CN=a_b,OU=\xc3\xa4,O=plain,DC=com,C=DE");
	assert_int_equal(name_split(&n, buf_view(&der), NULL), RC_OK);
	assert_int_equal(n.count, 6);
	assert_int_equal(n.attrs[0].tag, DER_PRINTABLE_STRING);
	assert_int_equal(n.attrs[1].tag, DER_IA5_STRING);
	assert_int_equal(n.attrs[2].tag, DER_PRINTABLE_STRING);
	assert_int_equal(n.attrs[3].tag, DER_UTF8_STRING);
	assert_int_equal(n.attrs[4].tag, DER_UTF8_STRING);
	assert_int_equal(n.attrs[5].tag, DER_IA5_STRING);
	assert_int_equal(n.attrs[5].rdn, 5);
}

static void
name_parse_as_forces_directory_strings(void **state)
{
	AUTO_BUF der = buf_empty(0);
	struct name n;

	(void)state;
	assert_int_equal(
	    name_parse_as(&der, view_str("CN=x,C=DE"), DER_UTF8_STRING, NULL),
	    RC_OK);
	assert_int_equal(name_split(&n, buf_view(&der), NULL), RC_OK);
	assert_int_equal(n.attrs[0].tag, DER_PRINTABLE_STRING);
	assert_int_equal(n.attrs[1].tag, DER_UTF8_STRING);
	assert_int_equal(name_parse_as(&der, view_str("CN=x"), DER_NULL, NULL),
	    RC_UNSUPPORTED);
	assert_int_equal(
	    name_parse_as(&der, view_str("CN=a_b"), DER_PRINTABLE_STRING, NULL),
	    RC_INVALID);
}

static void
name_text_reads_every_string_type(void **state)
{
	static const struct {
		const char *value, *text;
	} cases[] = {
		{ "1e04006100e4", "CN=a\xc3\xa4" },
		{ "1401e4", "CN=\xc3\xa4" },
		{ "1c040001f600", "CN=\xf0\x9f\x98\x80" },
		{ "0c03e282ac", "CN=\xe2\x82\xac" },
		{ "1e0100", "CN=#1e0100" },
		{ "0c03610062", "CN=#0c03610062" },
		{ "1301ff", "CN=#1301ff" },
		{ "1c0400110000", "CN=#1c0400110000" },
		{ "030200ff", "CN=#030200ff" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_BUF der = buf_empty(0);
		AUTO_BUF text = buf_empty(0);

		buf_addf(&text, "CN=#%s", cases[i].value);
		parse_ok(&der, buf_cstr(&text));
		text_is(buf_view(&der), cases[i].text);
		fix_corpus("name", buf_view(&der));
	}
}

static void
name_parse_equals_libcrypto(void **state)
{
	AUTO_BUF ours = buf_empty(0);
	AUTO_BUF theirs = buf_empty(0);
	X509_NAME *n = X509_NAME_new();
	static const struct {
		const char *field, *value;
		int type;
	} parts[] = { { "C", "DE", V_ASN1_PRINTABLESTRING },
		{ "DC", "com", V_ASN1_IA5STRING },
		{ "O", "Ex, Inc", V_ASN1_PRINTABLESTRING },
		{ "CN", "w\xc3\xa4", V_ASN1_UTF8STRING },
		{ "emailAddress", "a@b", V_ASN1_IA5STRING } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		X509_NAME_add_entry_by_txt(n, parts[i].field, parts[i].type,
		    (const unsigned char *)parts[i].value, -1, -1, 0);
	FIX_DER(&theirs, X509_NAME, n);
	X509_NAME_free(n);
	parse_ok(&ours, "E=a@b,CN=w\xc3\xa4,O=Ex\\, Inc,DC=com,C=DE");
	fix_equal(buf_view(&ours), buf_view(&theirs));
}

static void
name_get_counts_from_the_most_specific(void **state)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF v = buf_empty(0);

	(void)state;
	parse_ok(&der, "CN=a\\, b,OU=one,OU=two,O=x");
	assert_int_equal(
	    name_get(&v, buf_view(&der), OID_commonName, 0, NULL), RC_OK);
	assert_string_equal(buf_cstr(&v), "a, b");
	buf_reset(&v);
	assert_int_equal(
	    name_get(&v, buf_view(&der), OID_organizationalUnit, 0, NULL),
	    RC_OK);
	assert_string_equal(buf_cstr(&v), "one");
	buf_reset(&v);
	assert_int_equal(
	    name_get(&v, buf_view(&der), OID_organizationalUnit, 1, NULL),
	    RC_OK);
	assert_string_equal(buf_cstr(&v), "two");
	assert_int_equal(
	    name_get(&v, buf_view(&der), OID_organizationalUnit, 2, NULL),
	    RC_NOTFOUND);
	assert_int_equal(name_get(&v, buf_view(&der), OID_countryName, 0, NULL),
	    RC_NOTFOUND);
}

static void
name_add_builds_what_parse_builds(void **state)
{
	AUTO_BUF a = buf_empty(0);
	AUTO_BUF b = buf_empty(0);
	size_t mark;

	(void)state;
	mark = name_open(&a);
	assert_int_equal(name_add(&a, OID_countryName, "DE", NULL), RC_OK);
	assert_int_equal(name_add(&a, OID_organizationName, "", NULL), RC_OK);
	assert_int_equal(name_add(&a, OID_localityName, NULL, NULL), RC_OK);
	assert_int_equal(
	    name_add(&a, OID_countryName, "\xc3\xa4", NULL), RC_INVALID);
	assert_int_equal(name_add(&a, OID_commonName, "x", NULL), RC_OK);
	name_close(&a, mark);
	parse_ok(&b, "CN=x,C=DE");
	fix_equal(buf_view(&a), buf_view(&b));
}

static void
name_split_rejects_unsorted_and_empty_rdns(void **state)
{
	static const char *const bad[] = {
		"30023100",
		"3000ff",
		"300430023100",
		"3100",
		"300b3109300706035504030500ff",
	};
	struct name n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		AUTO_BUF der = buf_empty(0);

		assert_int_equal(text_hex(&der, view_str(bad[i]), NULL), RC_OK);
		assert_int_not_equal(
		    name_split(&n, buf_view(&der), NULL), RC_OK);
		assert_int_not_equal(name_check(buf_view(&der), NULL), RC_OK);
	}
	/* two values in an RDN, the greater first */
	{
		AUTO_BUF der = buf_empty(0);

		assert_int_equal(
		    text_hex(&der,
			view_str("301a3118300a06035504030c0362626230"
				 "0a06035504030c03616161"),
			NULL),
		    RC_OK);
		assert_int_equal(
		    name_split(&n, buf_view(&der), NULL), RC_INVALID);
	}
}

static void
name_parse_limits_attributes(void **state)
{
	AUTO_BUF text = buf_empty(0);
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF longest = buf_empty(0);
	int i;

	(void)state;
	for (i = 0; i <= NAME_ATTRS_MAX; i++)
		buf_addf(&text, "%sOU=%d", i > 0 ? "," : "", i);
	assert_int_equal(name_parse(&der, buf_view(&text), NULL), RC_TOOBIG);
	buf_add_str(&longest, "CN=");
	for (i = 0; i <= NAME_VALUE_MAX; i++)
		buf_add_char(&longest, 'x');
	assert_int_equal(name_parse(&der, buf_view(&longest), NULL), RC_TOOBIG);
}

static enum rc
abuse_der(struct view der, void *arg, struct err *e)
{
	AUTO_BUF text = buf_empty(0);
	struct name n;
	enum rc rc = name_split(&n, der, e);

	(void)arg;
	assert_int_equal(rc, name_check(der, NULL));
	if (rc != RC_OK)
		return rc;
	return name_text(&text, der, e);
}

/* Whatever text is accepted: its canonical form means the same name. */
static enum rc
abuse_text(struct view text, void *arg, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF canon = buf_empty(0);
	AUTO_BUF again = buf_empty(0);
	AUTO_BUF twice = buf_empty(0);
	enum rc rc = name_parse(&der, text, e);

	(void)arg;
	if (rc != RC_OK)
		return rc;
	assert_int_equal(name_check(buf_view(&der), e), RC_OK);
	assert_int_equal(name_text(&canon, buf_view(&der), e), RC_OK);
	assert_int_equal(name_parse(&again, buf_view(&canon), e), RC_OK);
	assert_int_equal(name_text(&twice, buf_view(&again), e), RC_OK);
	assert_string_equal(buf_cstr(&canon), buf_cstr(&twice));
	return RC_OK;
}

static void
name_stands_abuse(void **state)
{
	static const char sample[] =
	    "E=a@b.c,CN=\"w, x\"+UID=u\\+1,OU=\\C3\\A4\xc3\xa4 y "
	    ",1.2.3=#0c0178,C=DE";
	AUTO_BUF der = buf_empty(0);

	(void)state;
	parse_ok(&der, sample);
	fix_abuse(buf_view(&der), abuse_der, NULL);
	fix_abuse_text(sample, abuse_text, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_text_is_canonical_and_stable),
		cmocka_unit_test(name_parse_rejects_bad_text),
		cmocka_unit_test(name_parse_chooses_string_types),
		cmocka_unit_test(name_parse_as_forces_directory_strings),
		cmocka_unit_test(name_text_reads_every_string_type),
		cmocka_unit_test(name_parse_equals_libcrypto),
		cmocka_unit_test(name_get_counts_from_the_most_specific),
		cmocka_unit_test(name_add_builds_what_parse_builds),
		cmocka_unit_test(name_split_rejects_unsorted_and_empty_rdns),
		cmocka_unit_test(name_parse_limits_attributes),
		cmocka_unit_test(name_stands_abuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
