/* SPDX-License-Identifier: Apache-2.0 */
/* ext_test.c - extension lists and values against libcrypto and abuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "der/reader.h"
#include "der/writer.h"
#include "x509/cert.h"
#include "x509/ext.h"
#include "x509/fixture.h"
#include "x509/name.h"

/* Reads a value with our reader and writes it again with our writer. */
typedef void (*rewrite)(struct buf *out, struct view value);

static void
oid_of(struct buf *out, const char *dotted)
{
	assert_int_equal(oid_parse(out, dotted, NULL), RC_OK);
}

static void
re_bits(struct buf *out, struct view v)
{
	uint32_t bits;

	assert_int_equal(ext_bits(&bits, v, NULL), RC_OK);
	ext_put_bits(out, bits);
}

static void
re_oids(struct buf *out, struct view v)
{
	struct view list, oid[8];
	size_t n = 0;

	assert_int_equal(ext_oids(&list, v, NULL), RC_OK);
	while (list.len > 0)
		assert_int_equal(ext_oid_next(&list, &oid[n++], NULL), RC_OK);
	ext_put_oids(out, oid, n);
}

static void
re_basic(struct buf *out, struct view v)
{
	struct basic_constraints bc;

	assert_int_equal(ext_basic_constraints(&bc, v, NULL), RC_OK);
	ext_put_basic_constraints(out, &bc);
}

static void
re_ski(struct buf *out, struct view v)
{
	struct view id;

	assert_int_equal(ext_ski(&id, v, NULL), RC_OK);
	ext_put_ski(out, id);
}

static void
re_aki(struct buf *out, struct view v)
{
	struct aki a;

	assert_int_equal(ext_aki(&a, v, NULL), RC_OK);
	ext_put_aki(out, &a);
}

static void
re_names(struct buf *out, struct view v)
{
	struct view names;

	assert_int_equal(ext_names(&names, v, NULL), RC_OK);
	ext_put_names(out, names);
}

static void
re_access(struct buf *out, struct view v)
{
	struct access_desc a[8];
	struct view list;
	size_t n = 0;

	assert_int_equal(ext_access(&list, v, NULL), RC_OK);
	while (list.len > 0)
		assert_int_equal(ext_access_next(&list, &a[n++], NULL), RC_OK);
	ext_put_access(out, a, n);
}

static void
re_points(struct buf *out, struct view v)
{
	struct dist_point p[8];
	struct view list;
	size_t n = 0;

	assert_int_equal(ext_dist_points(&list, v, NULL), RC_OK);
	while (list.len > 0)
		assert_int_equal(
		    ext_dist_point_next(&list, &p[n++], NULL), RC_OK);
	ext_put_dist_points(out, p, n);
}

static void
re_idp(struct buf *out, struct view v)
{
	struct issuing_dist_point p;

	assert_int_equal(ext_idp(&p, v, NULL), RC_OK);
	ext_put_idp(out, &p);
}

static void
re_constraints(struct buf *out, struct view v)
{
	struct view in, ex;
	struct subtree s;
	AUTO_BUF a = buf_empty(0);
	AUTO_BUF b = buf_empty(0);

	assert_int_equal(ext_name_constraints(&in, &ex, v, NULL), RC_OK);
	while (in.len > 0) {
		assert_int_equal(ext_subtree_next(&in, &s, NULL), RC_OK);
		ext_put_subtree(&a, &s);
	}
	while (ex.len > 0) {
		assert_int_equal(ext_subtree_next(&ex, &s, NULL), RC_OK);
		ext_put_subtree(&b, &s);
	}
	ext_put_name_constraints(out, buf_view(&a), buf_view(&b));
}

static void
re_policies(struct buf *out, struct view v)
{
	struct policy_qualifier q;
	struct policy p;
	struct view list;
	AUTO_BUF all = buf_empty(0);

	assert_int_equal(ext_policies(&list, v, NULL), RC_OK);
	while (list.len > 0) {
		AUTO_BUF quals = buf_empty(0);

		assert_int_equal(ext_policy_next(&list, &p, NULL), RC_OK);
		while (p.qualifiers.len > 0) {
			assert_int_equal(
			    ext_qualifier_next(&p.qualifiers, &q, NULL), RC_OK);
			ext_put_qualifier(&quals, &q);
		}
		p.qualifiers = buf_view(&quals);
		ext_put_policy(&all, &p);
	}
	ext_put_policies(out, buf_view(&all));
}

static void
re_mappings(struct buf *out, struct view v)
{
	struct policy_mapping m[8];
	struct view list;
	size_t n = 0;

	assert_int_equal(ext_policy_mappings(&list, v, NULL), RC_OK);
	while (list.len > 0)
		assert_int_equal(
		    ext_policy_mapping_next(&list, &m[n++], NULL), RC_OK);
	ext_put_policy_mappings(out, m, n);
}

static void
re_policy_constraints(struct buf *out, struct view v)
{
	struct policy_constraints c;

	assert_int_equal(ext_policy_constraints(&c, v, NULL), RC_OK);
	ext_put_policy_constraints(out, &c);
}

static void
re_num(struct buf *out, struct view v)
{
	struct num n;
	int64_t i;

	assert_int_equal(ext_num(&n, v, NULL), RC_OK);
	assert_int_equal(ext_int(&i, v, NULL), RC_OK);
	ext_put_num(out, &n);
	assert_true(n.b[n.len - 1] == (uint8_t)i);
}

static void
re_ia5(struct buf *out, struct view v)
{
	struct view s;
	AUTO_STR text = NULL;

	assert_int_equal(ext_ia5(&s, v, NULL), RC_OK);
	text = view_dup_str(s);
	ext_put_ia5(out, text);
}

static void
re_null(struct buf *out, struct view v)
{
	assert_int_equal(ext_null(v, NULL), RC_OK);
	ext_put_null(out);
}

static void
re_period(struct buf *out, struct view v)
{
	struct usage_period p;

	assert_int_equal(ext_usage_period(&p, v, NULL), RC_OK);
	ext_put_usage_period(out, &p);
}

static void
re_attrs(struct buf *out, struct view v)
{
	struct dir_attr a[8];
	struct view list;
	size_t n = 0;

	assert_int_equal(ext_dir_attrs(&list, v, NULL), RC_OK);
	while (list.len > 0)
		assert_int_equal(
		    ext_dir_attr_next(&list, &a[n++], NULL), RC_OK);
	ext_put_dir_attrs(out, a, n);
}

static const struct {
	enum oid oid;
	const char *conf; /* openssl.cnf value, or hex after "#" */
	rewrite rewrite;
} values[] = {
	{ OID_keyUsage, "digitalSignature,keyCertSign,cRLSign", re_bits },
	{ OID_keyUsage, "digitalSignature,decipherOnly", re_bits },
	{ OID_nsCertType, "client,server,objCA", re_bits },
	{ OID_extKeyUsage, "serverAuth,clientAuth,1.2.3.4", re_oids },
	{ OID_basicConstraints, "CA:TRUE,pathlen:3", re_basic },
	{ OID_basicConstraints, "CA:TRUE", re_basic },
	{ OID_basicConstraints, "CA:FALSE", re_basic },
	{ OID_subjectKeyIdentifier, "01:02:03:ff", re_ski },
	{ OID_authorityKeyIdentifier, "keyid:always,issuer:always", re_aki },
	{ OID_authorityKeyIdentifier, "keyid:always", re_aki },
	{ OID_subjectAltName,
	    "DNS:a.b,email:x@y,URI:http://z/,IP:1.2.3.4,IP:fd00::1,RID:1.2.3,"
	    "otherName:1.2.3;UTF8:x",
	    re_names },
	{ OID_issuerAltName, "DNS:a.b", re_names },
	{ OID_authorityInfoAccess, "OCSP;URI:http://o/,caIssuers;URI:http://c/",
	    re_access },
	{ OID_subjectInfoAccess, "1.3.6.1.5.5.7.48.5;URI:http://o/",
	    re_access },
	{ OID_cRLDistributionPoints, "URI:http://h/crl,URI:ldap://l/x",
	    re_points },
	{ OID_freshestCRL, "URI:http://h/delta", re_points },
	{ OID_cRLDistributionPoints,
	    "#301a3018a012a010860e687474703a2f2f6578616d706c658102"
	    "0560",
	    re_points },
	{ OID_cRLDistributionPoints,
	    "#3022"
	    "3020a00f"
	    "a10d300b0603550403130463726c31a20da40b3009310730050603550403",
	    NULL },
	{ OID_issuingDistributionPoint,
	    "#3018a00fa00d860b687474703a2f2f682f6372830206408401ff", re_idp },
	{ OID_issuingDistributionPoint, "#30068101ff8501ff", re_idp },
	{ OID_issuingDistributionPoint, "#30038201ff", re_idp },
	{ OID_nameConstraints,
	    "permitted;DNS:a.b,permitted;email:.c.d,"
	    "excluded;IP:10.0.0.0/255.0.0.0",
	    re_constraints },
	{ OID_nameConstraints, "#300da00b3009820161800101810105",
	    re_constraints },
	{ OID_certificatePolicies, "#300e300506032a0304300506032a0305",
	    re_policies },
	{ OID_certificatePolicies,
	    "#305a305806032a0304305130170608"
	    "2b060105050702011"
	    "60b687474703a2f2f632f6370"
	    "303606082b0601050507020230"
	    "2a300f0c084578616d706c6521"
	    "3003020101"
	    "0c17",
	    NULL },
	{ OID_policyMappings, "1.2.3.4:1.2.3.5,1.2.3.6:1.2.3.7", re_mappings },
	{ OID_policyConstraints,
	    "requireExplicitPolicy:3,inhibitPolicyMapping:0",
	    re_policy_constraints },
	{ OID_policyConstraints, "inhibitPolicyMapping:200",
	    re_policy_constraints },
	{ OID_inhibitAnyPolicy, "2", re_num },
	{ OID_crlNumber, "#020200ff", re_num },
	{ OID_deltaCRLIndicator, "#020110", re_num },
	{ OID_nsComment, "a comment", re_ia5 },
	{ OID_ocspNoCheck, "ignored", re_null },
	{ OID_ctPoison, "#0500", re_null },
	{ OID_privateKeyUsagePeriod,
	    "#3022800f32303236313132313230303730305a"
	    "810f32303237313132313230303730305a",
	    re_period },
	{ OID_privateKeyUsagePeriod, "#3011810f32303237313132313230303730305a",
	    re_period },
	{ OID_subjectDirectoryAttributes,
	    "#30143012060355040331"
	    "0b0c03616263"
	    "0c0464656667",
	    re_attrs },
	{ OID_subjectDirectoryAttributes,
	    "#300c300a06035504033103"
	    "0c0161",
	    re_attrs },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
value_of(struct buf *out, size_t i)
{
	static const char *const plain[] = { "subjectKeyIdentifier",
		"0102030405", NULL };
	X509 *ca;

	if (values[i].conf[0] == '#') {
		assert_int_equal(
		    text_hex(out, view_str(values[i].conf + 1), NULL), RC_OK);
		return;
	}
	ca = fix_cert(
	    "CN=ca/O=x", "CN=ca/O=x", 258, fix_ec(), fix_ec(), plain, NULL);
	fix_ext(
	    out, OBJ_txt2nid(oid_dotted(values[i].oid)), values[i].conf, ca);
	X509_free(ca);
}

/* As a SEQUENCE of one extension. */
static void
corpus(const struct ext *x)
{
	AUTO_BUF one = buf_empty(0);
	AUTO_BUF list = buf_empty(0);

	ext_put(&one, x);
	der_put(&list, DER_SEQUENCE, buf_view(&one));
	fix_corpus("ext", buf_view(&list));
}

static void
ext_values_read_and_write_back_unchanged(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(values); i++) {
		AUTO_BUF theirs = buf_empty(0);
		AUTO_BUF ours = buf_empty(0);
		struct ext x = { .oid = oid_der(values[i].oid) };
		struct err e = { 0 };

		value_of(&theirs, i);
		x.value = buf_view(&theirs);
		corpus(&x);
		if (values[i].rewrite == NULL) {
			assert_int_not_equal(ext_value_check(&x, &e), RC_OK);
			continue;
		}
		if (ext_value_check(&x, &e) != RC_OK)
			fail_msg("%s: %s", values[i].conf, e.text);
		values[i].rewrite(&ours, x.value);
		fix_equal(buf_view(&ours), buf_view(&theirs));
	}
}

static enum rc
abuse_value(struct view der, void *arg, struct err *e)
{
	const enum oid *oid = arg;
	struct ext x = { .oid = oid_der(*oid), .value = der };

	return ext_value_check(&x, e);
}

static void
ext_values_stand_abuse(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(values); i++) {
		AUTO_BUF v = buf_empty(0);
		enum oid oid = values[i].oid;

		if (values[i].rewrite == NULL)
			continue;
		value_of(&v, i);
		fix_abuse(buf_view(&v), abuse_value, &oid);
	}
}

static void
ext_put_qualifier_equals_libcrypto(void **state)
{
	AUTO_BUF quals = buf_empty(0);
	AUTO_BUF list = buf_empty(0);
	AUTO_BUF ours = buf_empty(0);
	AUTO_BUF oid = buf_empty(0);
	AUTO_BUF text = buf_empty(0);
	struct policy_qualifier cps = { .oid = oid_der(OID_policyCps),
		.cps = view_str("http://c/cps") };
	struct policy_qualifier notice = { .oid = oid_der(OID_policyUserNotice),
		.org = view_str("Org"),
		.numbers = { 1, 200 },
		.numbers_count = 2,
		.has_ref = true,
		.text = view_str("Text"),
		.has_text = true };
	struct policy p;
	CERTIFICATEPOLICIES *cp;
	const unsigned char *at;
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long n;

	(void)state;
	ext_put_qualifier(&quals, &cps);
	ext_put_qualifier(&quals, &notice);
	oid_of(&oid, "1.2.3.4");
	p.oid = buf_view(&oid);
	p.qualifiers = buf_view(&quals);
	ext_put_policy(&list, &p);
	ext_put_policies(&ours, buf_view(&list));
	re_policies(&text, buf_view(&ours));
	corpus(&(struct ext){ .oid = oid_der(OID_certificatePolicies),
	    .value = buf_view(&ours) });
	fix_equal(buf_view(&text), buf_view(&ours));
	at = ours.data;
	cp = d2i_CERTIFICATEPOLICIES(NULL, &at, (long)ours.len);
	assert_non_null(cp);
	CERTIFICATEPOLICIES_free(cp);
	{
		X509_EXTENSION *x;
		ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();

		ASN1_OCTET_STRING_set(s, ours.data, (int)ours.len);
		x = X509_EXTENSION_create_by_NID(
		    NULL, NID_certificate_policies, 0, s);
		assert_int_equal(X509V3_EXT_print(bio, x, 0, 0), 1);
		X509_EXTENSION_free(x);
		ASN1_OCTET_STRING_free(s);
	}
	n = BIO_get_mem_data(bio, &data);
	buf_reset(&text);
	buf_add(&text, data, (size_t)n);
	assert_non_null(strstr(buf_cstr(&text), "CPS: http://c/cps"));
	assert_non_null(strstr(buf_cstr(&text), "Organization: Org"));
	assert_non_null(strstr(buf_cstr(&text), "Numbers: 1, 200"));
	assert_non_null(strstr(buf_cstr(&text), "Explicit Text: Text"));
	BIO_free(bio);
}

static void
ext_put_oid_text_knows_words_and_dots(void **state)
{
	AUTO_BUF a = buf_empty(0);
	AUTO_BUF b = buf_empty(0);

	(void)state;
	assert_int_equal(
	    ext_put_oid_text(&a, "serverAuth, 1.2.3.4", NULL), RC_OK);
	fix_ext(&b, NID_ext_key_usage, "serverAuth,1.2.3.4", NULL);
	fix_equal(buf_view(&a), buf_view(&b));
	assert_int_not_equal(ext_put_oid_text(&a, "", NULL), RC_OK);
	assert_int_not_equal(ext_put_oid_text(&a, "1.2,x", NULL), RC_OK);
}

static void
ext_key_id_equals_libcrypto(void **state)
{
	uint8_t id[DIGEST_MAX];
	AUTO_BUF ours = buf_empty(0);
	AUTO_BUF theirs = buf_empty(0);
	X509 *c = fix_cert("CN=x", "CN=x", 1, fix_rsa(), fix_rsa(), NULL, NULL);
	const char *const hash[] = { "subjectKeyIdentifier", "hash", NULL };
	X509 *d = fix_cert("CN=x", "CN=x", 1, fix_rsa(), fix_rsa(), hash, NULL);
	const ASN1_OCTET_STRING *s = X509_get0_subject_key_id(d);
	size_t len;

	(void)state;
	assert_int_equal(
	    ext_key_id(id, &len, fix_spki(fix_rsa()), DIGEST_SHA1, NULL),
	    RC_OK);
	buf_add(&ours, id, len);
	buf_add(
	    &theirs, ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	fix_equal(buf_view(&ours), buf_view(&theirs));
	X509_free(c);
	X509_free(d);
}

static void
ext_reasons_have_names(void **state)
{
	(void)state;
	assert_int_equal(ext_reason_bit("keyCompromise"), 1);
	assert_int_equal(ext_reason_bit("unused"), 0);
	assert_int_equal(ext_reason_bit("CERTIFICATEHOLD"), 6);
	assert_int_equal(ext_reason_bit("x"), -1);
	assert_string_equal(ext_reason_name(6), "certificateHold");
	assert_string_equal(ext_reason_name(9), "");
}

static void
ext_list_keeps_order_and_refuses_repeats(void **state)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF b = buf_empty(0);
	struct ext_list l, again;
	struct view body, r;
	struct ext x;

	(void)state;
	ext_list_init(&l, a);
	ext_list_put(&b, &l);
	assert_int_equal(b.len, 0);
	ext_put_bits(&b, EXT_KU_KEY_CERT_SIGN);
	assert_int_equal(
	    ext_list_set_buf(&l, OID_keyUsage, true, &b, NULL), RC_OK);
	ext_put_null(&b);
	assert_int_equal(
	    ext_list_set_buf(&l, OID_ocspNoCheck, false, &b, NULL), RC_OK);
	assert_int_equal(
	    ext_list_add(&l, oid_der(OID_keyUsage), false, view_str("x"), NULL),
	    RC_EXISTS);
	assert_int_equal(
	    ext_list_set(&l, oid_der(OID_keyUsage), false, view_str("y"), NULL),
	    RC_OK);
	assert_int_equal(l.count, 2);
	assert_true(view_is(ext_list_find_oid(&l, OID_keyUsage)->value, "y"));
	ext_list_put(&b, &l);
	r = buf_view(&b);
	assert_int_equal(der_enter(&r, &body, DER_SEQUENCE, NULL), RC_OK);
	assert_int_equal(ext_check(body, NULL), RC_OK);
	assert_true(ext_find(body, OID_ocspNoCheck, &x));
	assert_false(ext_find(body, OID_nsComment, &x));
	ext_list_init(&again, a);
	assert_int_equal(ext_list_read(&again, body, NULL), RC_OK);
	assert_int_equal(again.count, 2);
	assert_int_equal(ext_list_read(&again, body, NULL), RC_EXISTS);
	assert_true(ext_list_remove(&l, oid_der(OID_keyUsage)));
	assert_false(ext_list_remove(&l, oid_der(OID_keyUsage)));
	assert_null(ext_list_find_oid(&l, OID_keyUsage));
	assert_int_equal(l.count, 1);
}

static void
ext_list_stops_at_its_limits(void **state)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF many = buf_empty(0);
	AUTO_BUF oid = buf_empty(0);
	AUTO_BUF big = buf_empty(0);
	struct ext_list l;
	struct ext x = { .value = view_str("v") };
	enum rc rc = RC_OK;
	int i;

	(void)state;
	ext_list_init(&l, a);
	for (i = 0; i <= EXT_COUNT_MAX; i++) {
		char text[32];

		assert_int_equal(rc, RC_OK);
		(void)snprintf(text, sizeof(text), "1.2.3.%d", i);
		buf_reset(&oid);
		oid_of(&oid, text);
		x.oid = buf_view(&oid);
		ext_put(&many, &x);
		rc = ext_list_add(&l, x.oid, false, x.value, NULL);
	}
	assert_int_equal(rc, RC_TOOBIG);
	assert_int_equal(ext_check(buf_view(&many), NULL), RC_TOOBIG);
	for (i = 0; i <= EXT_VALUE_MAX; i++)
		buf_add_char(&big, 'x');
	x.value = buf_view(&big);
	assert_int_equal(
	    ext_list_set(&l, x.oid, false, x.value, NULL), RC_TOOBIG);
	buf_reset(&many);
	ext_put(&many, &x);
	assert_int_equal(ext_check(buf_view(&many), NULL), RC_TOOBIG);
}

static void
ext_check_rejects_repeats_and_encoded_false(void **state)
{
	static const char *const bad[] = {
		"300706032a030404003007"
		"06032a03040400",
		"300a06032a0304010100"
		"0400",
		"300a06032a030401010104"
		"00",
		"300906032a030404000500",
		"30070603"
		"2a03040500",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		AUTO_BUF b = buf_empty(0);

		assert_int_equal(text_hex(&b, view_str(bad[i]), NULL), RC_OK);
		assert_int_equal(ext_check(buf_view(&b), NULL), RC_INVALID);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ext_values_read_and_write_back_unchanged),
		cmocka_unit_test(ext_values_stand_abuse),
		cmocka_unit_test(ext_put_qualifier_equals_libcrypto),
		cmocka_unit_test(ext_put_oid_text_knows_words_and_dots),
		cmocka_unit_test(ext_key_id_equals_libcrypto),
		cmocka_unit_test(ext_reasons_have_names),
		cmocka_unit_test(ext_list_keeps_order_and_refuses_repeats),
		cmocka_unit_test(ext_list_stops_at_its_limits),
		cmocka_unit_test(ext_check_rejects_repeats_and_encoded_false),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
