/* SPDX-License-Identifier: Apache-2.0 */
/* cert_test.c - certificates and templates against libcrypto and abuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "der/reader.h"
#include "der/writer.h"
#include "x509/cert.h"
#include "x509/fixture.h"
#include "x509/name.h"
#include "x509/template.h"

static const char *const ca_exts[] = { "basicConstraints",
	"critical,CA:TRUE,pathlen:1", "keyUsage", "critical,keyCertSign",
	"subjectKeyIdentifier", "hash", NULL };
static const char *const leaf_exts[] = { "keyUsage",
	"critical,digitalSignature", "extendedKeyUsage", "serverAuth",
	"subjectKeyIdentifier", "hash", "authorityKeyIdentifier", "keyid",
	"subjectAltName", "DNS:a.b", "nsCertType", "server", NULL };

static void
make(struct buf *out, const char *issuer, const char *subject, EVP_PKEY *key,
    const char *const *exts)
{
	X509 *c = fix_cert(issuer, subject, 258, key, key, exts, NULL);

	FIX_DER(out, X509, c);
	fix_corpus("cert", buf_view(out));
	X509_free(c);
}

static void
cert_parse_finds_every_field(void **state)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF text = buf_empty(0);
	struct cert c;
	char serial[NUM_TEXT_MAX];

	(void)state;
	make(&der, "C=DE/CN=ca", "C=DE/O=x/CN=me", fix_rsa(), leaf_exts);
	assert_int_equal(cert_parse(&c, buf_view(&der), NULL), RC_OK);
	assert_int_equal(c.version, 2);
	assert_string_equal(num_dec(serial, &c.serial), "258");
	assert_int_equal(c.not_before, 1700000000);
	assert_true(c.not_after == 4000000000);
	assert_int_equal(cert_sigalg(&c), SIGALG_SHA256_RSA);
	fix_equal(c.spki, fix_spki(fix_rsa()));
	assert_int_equal(c.sig.len, 256);
	assert_false(cert_is_ca(&c));
	assert_false(cert_is_self_issued(&c));
	assert_int_equal(cert_key_usage(&c), EXT_KU_DIGITAL_SIGNATURE);
	assert_true(cert_has_eku(&c, OID_serverAuth));
	assert_false(cert_has_eku(&c, OID_clientAuth));
	assert_int_equal(cert_user_id(&text, &c, NULL), RC_OK);
	assert_string_equal(buf_cstr(&text), "2;258;CN=ca,C=DE;CN=me,O=x,C=DE");
}

static void
cert_key_id_comes_from_extension_or_key(void **state)
{
	AUTO_BUF with = buf_empty(0);
	AUTO_BUF without = buf_empty(0);
	uint8_t room_a[DIGEST_MAX], room_b[DIGEST_MAX];
	struct view a, b;
	struct cert c;

	(void)state;
	make(&with, "CN=a", "CN=a", fix_ec(), ca_exts);
	make(&without, "CN=a", "CN=a", fix_ec(), NULL);
	assert_int_equal(cert_parse(&c, buf_view(&with), NULL), RC_OK);
	assert_true(cert_is_ca(&c));
	assert_true(cert_is_self_issued(&c));
	assert_int_equal(cert_key_id(&c, &a, room_a, NULL), RC_OK);
	assert_int_equal(cert_parse(&c, buf_view(&without), NULL), RC_OK);
	assert_false(cert_is_ca(&c));
	assert_true(cert_key_usage(&c) == UINT32_MAX);
	assert_false(cert_has_eku(&c, OID_serverAuth));
	assert_int_equal(cert_key_id(&c, &b, room_b, NULL), RC_OK);
	fix_equal(a, b);
}

static enum rc
abuse_cert(struct view der, void *arg, struct err *e)
{
	struct cert c;
	struct ext x;
	struct view r;
	enum rc rc;

	(void)arg;
	rc = cert_parse(&c, der, e);
	if (rc != RC_OK)
		return rc;
	for (r = c.exts; r.len > 0;) {
		assert_int_equal(ext_next(&r, &x, NULL), RC_OK);
		rc_ignore(ext_value_check(&x, NULL)); /* only run */
	}
	(void)cert_is_ca(&c);
	(void)cert_key_usage(&c);
	(void)cert_has_eku(&c, OID_ocspSigning);
	return RC_OK;
}

static void
cert_parse_stands_abuse(void **state)
{
	AUTO_BUF der = buf_empty(0);

	(void)state;
	make(&der, "C=DE/CN=ca", "C=DE/O=x/CN=me", fix_ec(), leaf_exts);
	fix_abuse(buf_view(&der), abuse_cert, NULL);
}

/* Makes a template of what c says. */
static void
template_of(struct cert_template *t, const struct cert *c, struct arena *a)
{
	template_init(t, a);
	t->serial = c->serial;
	t->sigalg = cert_sigalg(c);
	t->issuer = c->issuer;
	t->subject = c->subject;
	t->spki = c->spki;
	t->not_before = c->not_before;
	t->not_after = c->not_after;
	assert_int_equal(ext_list_read(&t->exts, c->exts, NULL), RC_OK);
}

static void
template_tbs_equals_libcrypto(void **state)
{
	EVP_PKEY *keys[] = { fix_rsa(), fix_ec() };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		AUTO(arena) a = arena_new(0);
		AUTO_BUF der = buf_empty(0);
		AUTO_BUF tbs = buf_empty(0);
		struct cert_template t;
		struct cert c;

		make(&der, "C=DE/CN=ca", "O=x/CN=me", keys[i], leaf_exts);
		assert_int_equal(cert_parse(&c, buf_view(&der), NULL), RC_OK);
		template_of(&t, &c, a);
		assert_int_equal(template_tbs(&tbs, &t, NULL), RC_OK);
		fix_equal(buf_view(&tbs), c.tbs);
	}
}

static void
template_tbs_refuses_what_rfc_5280_forbids(void **state)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF tbs = buf_empty(0);
	struct cert_template good, t;
	struct cert c;
	static const uint8_t empty[] = { 0x30, 0x00 };
	const struct view nobody = view_of(empty, sizeof(empty));

	(void)state;
	make(&der, "CN=ca", "CN=me", fix_ec(), leaf_exts);
	assert_int_equal(cert_parse(&c, buf_view(&der), NULL), RC_OK);
	template_of(&good, &c, a);
#define REFUSED(change)                                                     \
	do {                                                                \
		t = good;                                                   \
		change;                                                     \
		assert_int_equal(template_tbs(&tbs, &t, NULL), RC_INVALID); \
		assert_int_equal(tbs.len, 0);                               \
	} while (0)
	REFUSED(t.version = 0);
	REFUSED(t.version = 3);
	REFUSED(t.serial = num_from_u64(0));
	REFUSED(t.serial.len = 0);
	REFUSED(memset(t.serial.b, 0xff, NUM_MAX); t.serial.len = NUM_MAX);
	REFUSED(t.not_after = t.not_before - 1);
	REFUSED(t.sigalg = SIGALG_COUNT);
	REFUSED(t.issuer = nobody);
	REFUSED(t.issuer = view_of(NULL, 0));
	REFUSED(t.subject = view_of(NULL, 0));
	REFUSED(t.subject = nobody); /* SAN is not critical */
	REFUSED(t.subject = view_str("x"));
	REFUSED(t.spki = view_str("x"));
	REFUSED(t.spki = view_of(NULL, 0));
	t = good;
	t.subject = nobody;
	t.exts.items[4].critical = true;
	assert_int_equal(template_tbs(&tbs, &t, NULL), RC_OK);
	buf_reset(&tbs);
	t = good;
	t.version = 0;
	t.exts.count = 0;
	assert_int_equal(template_tbs(&tbs, &t, NULL), RC_OK);
}

static void
cert_parse_reads_version_1_and_unique_ids(void **state)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF tbs = buf_empty(0);
	AUTO_BUF whole = buf_empty(0);
	struct cert_template t;
	struct cert c;
	size_t mark;

	(void)state;
	make(&der, "CN=ca", "CN=me", fix_ec(), NULL);
	assert_int_equal(cert_parse(&c, buf_view(&der), NULL), RC_OK);
	template_of(&t, &c, a);
	t.version = 0;
	assert_int_equal(template_tbs(&tbs, &t, NULL), RC_OK);
	mark = der_open(&whole, DER_SEQUENCE);
	der_put_raw(&whole, buf_view(&tbs));
	sigalg_put(&whole, t.sigalg);
	der_put_bits(&whole, view_str("sig"));
	der_close(&whole, mark);
	assert_int_equal(cert_parse(&c, buf_view(&whole), NULL), RC_OK);
	assert_int_equal(c.version, 0);
	assert_int_equal(c.exts.len, 0);
}

static void
ext_index_text_follows_the_directory(void **state)
{
	static const struct {
		enum oid oid;
		const char *hex, *text;
	} cases[] = {
		{ OID_basicConstraints, "30060101ff020101",
		    "2.5.29.19;isCA=true,pathLen=1" },
		{ OID_basicConstraints, "30030101ff",
		    "2.5.29.19;isCA=true,pathLen=-1" },
		{ OID_basicConstraints, "3000",
		    "2.5.29.19;isCA=false,pathLen=-1" },
		{ OID_nsCertType, "03020640",
		    "2.16.840.1.113730.1.1;SSLServer=true,SSLClient=false,"
		    "Email=false,SSLCA=false,EmailCA=false,"
		    "objectSigning=false" },
		{ OID_keyUsage, "03020780", "2.5.29.15" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_BUF text = buf_empty(0);
		AUTO_BUF v = buf_empty(0);
		struct ext x = { .oid = oid_der(cases[i].oid) };

		assert_int_equal(
		    text_hex(&v, view_str(cases[i].hex), NULL), RC_OK);
		x.value = buf_view(&v);
		assert_int_equal(ext_index_text(&text, &x, NULL), RC_OK);
		assert_string_equal(buf_cstr(&text), cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cert_parse_finds_every_field),
		cmocka_unit_test(cert_key_id_comes_from_extension_or_key),
		cmocka_unit_test(cert_parse_stands_abuse),
		cmocka_unit_test(template_tbs_equals_libcrypto),
		cmocka_unit_test(template_tbs_refuses_what_rfc_5280_forbids),
		cmocka_unit_test(cert_parse_reads_version_1_and_unique_ids),
		cmocka_unit_test(ext_index_text_follows_the_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
