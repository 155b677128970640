/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12_test.c - PKCS #12 with openssl and pk12util on the other side.
 * Owns:    temporary folders.
 * Trusts:  nothing.
 * Threads: one. */
#include "keys/keys_test.h"

#include <openssl/pkcs12.h>

#include "keys/pkcs12_impl.h"

#define P12_PASSWORD "Pkcs12.Pass"

static char pin_text[] = TEST_PIN;

static struct keystore *
open_db(const struct test_dir *d)
{
	struct keystore_open_params p = { .dir = d->path,
		.create = true,
		.pin = test_pin,
		.pin_arg = pin_text };
	struct keystore *ks = NULL;
	struct err err;

	assert_ok(keystore_open(&ks, &p, &err));
	dir_write(d, "pw", view_str(TEST_PIN "\n"));
	dir_write(d, "p12pw", view_str(P12_PASSWORD "\n"));
	return ks;
}

/* A CA "ca" and a server "server" issued by it. */
static void
fill(struct keystore *ks)
{
	struct keygen g = { .type = KEYTYPE_RSA,
		.rsa_bits = 2048,
		.curve = OID_prime256v1,
		.extractable = true,
		.sensitive = true };
	AUTO(key) ca = NULL;
	AUTO(key) server = NULL;
	AUTO_BUF a = buf_empty(0);
	AUTO_BUF b = buf_empty(0);
	struct err err;

	assert_ok(keystore_generate(ks, &ca, NULL, &g, &err));
	g.type = KEYTYPE_EC;
	assert_ok(keystore_generate(ks, &server, NULL, &g, &err));
	make_cert(&a, ca, "CA", "CA", key_spki(ca), 1, true);
	make_cert(&b, ca, "CA", "server", key_spki(server), 2, false);
	assert_ok(
	    keystore_import_cert(ks, "ca", buf_view(&a), "CTu,Cu,Cu", &err));
	assert_ok(
	    keystore_import_cert(ks, "server", buf_view(&b), "u,u,u", &err));
}

static struct pkcs12 *
parse(struct view der, const char *password)
{
	AUTO(secret) s = secret_new(view_str(password));
	struct pkcs12 *p = NULL;
	struct err err;

	assert_ok(pkcs12_parse(&p, der, s, &err));
	return p;
}

/* The item of that name, or an empty one. */
static const struct pkcs12_item *
item(const struct pkcs12 *p, const char *nick)
{
	static const struct pkcs12_item none;

	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].nickname != NULL &&
		    strcmp(p->items[i].nickname, nick) == 0)
			return &p->items[i];
	}
	return &none;
}

static void
export_all(struct keystore *ks, struct buf *out)
{
	AUTO(secret) s = secret_new(view_str(P12_PASSWORD));
	AUTO(pkcs12) p = pkcs12_new();
	struct err err;

	assert_ok(pkcs12_add_from(p, ks, "server", false, false, &err));
	assert_int_equal(p->n, 2);
	/* the issuer came as a chain, now it gets its key */
	assert_null(item(p, "ca")->pkcs8);
	assert_ok(pkcs12_add_from(p, ks, "ca", false, false, &err));
	assert_int_equal(p->n, 2);
	assert_non_null(item(p, "ca")->pkcs8);
	assert_ok(pkcs12_encode(out, p, s, &err));
}

static void
what_we_write_we_read_with_trust(void **state)
{
	struct test_dir d = dir_new(), d2 = dir_new();
	struct keystore *ks = open_db(&d), *other = open_db(&d2);
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF out = buf_empty(0);
	AUTO(pkcs12) p = NULL;
	struct err err;

	(void)state;
	fill(ks);
	export_all(ks, &der);
	p = parse(buf_view(&der), P12_PASSWORD);
	assert_int_equal(p->n, 2);
	assert_string_equal(item(p, "ca")->trust, "CTu,Cu,Cu");
	assert_string_equal(item(p, "server")->trust, "u,u,u");
	assert_non_null(item(p, "server")->pkcs8);
	assert_ok(pkcs12_import(p, other, false, false, false, &err));
	/* once more changes nothing */
	assert_ok(pkcs12_import(p, other, false, false, false, &err));
	assert_sh(&d2, &out, "certutil -L -d . | grep -c 'CTu,Cu,Cu\\|u,u,u'");
	assert_string_equal(buf_cstr(&out), "2\n");
	assert_sh(&d2, &out, "certutil -K -d . -f pw | grep -c '^<'");
	assert_string_equal(buf_cstr(&out), "2\n");
	for (int i = 0; i < 2; i++) {
		AUTO(key) k = NULL;
		AUTO_BUF cert = buf_empty(0);
		AUTO_BUF sig = buf_empty(0);

		assert_ok(keystore_find_pair(
		    other, &k, &cert, i ? "ca" : "server", &err));
		assert_ok(key_sign_data(
		    k, key_default_sigalg(k), view_str("x"), &sig, &err));
	}
	keystore_free(ks);
	keystore_free(other);
	dir_remove(&d);
	dir_remove(&d2);
}

static void
openssl_and_pk12util_read_ours(void **state)
{
	struct test_dir d = dir_new(), d2 = dir_new();
	struct keystore *ks = open_db(&d);
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF out = buf_empty(0);

	(void)state;
	fill(ks);
	export_all(ks, &der);
	dir_write(&d, "our.p12", buf_view(&der));
	assert_sh(&d, &out,
	    "openssl pkcs12 -in our.p12 -passin file:p12pw -nodes -info");
	assert_non_null(strstr(buf_cstr(&out), "friendlyName: server"));
	assert_non_null(strstr(buf_cstr(&out), "AES-256-CBC"));
	assert_non_null(strstr(buf_cstr(&out), "MAC: sha256"));
	keystore_free(open_db(&d2));
	assert_sh(
	    &d2, &out, "pk12util -i %s/our.p12 -d . -k pw -w p12pw", d.path);
	assert_sh(&d2, &out, "certutil -K -d . -f pw | grep -c '^<'");
	assert_string_equal(buf_cstr(&out), "2\n");
	assert_sh(&d2, &out, "certutil -L -d . -n server");
	keystore_free(ks);
	dir_remove(&d);
	dir_remove(&d2);
}

static void
we_read_what_pk12util_writes(void **state)
{
	struct test_dir d = dir_new();
	struct keystore *ks = open_db(&d);
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF out = buf_empty(0);
	AUTO(pkcs12) p = NULL;

	(void)state;
	fill(ks);
	assert_sh(&d, &out, "pk12util -o t.p12 -n server -d . -k pw -w p12pw");
	dir_read(&d, "t.p12", &der);
	p = parse(buf_view(&der), P12_PASSWORD);
	assert_non_null(item(p, "server")->pkcs8);
	assert_int_equal(p->n, 2);
	keystore_free(ks);
	dir_remove(&d);
}

static void
we_read_what_openssl_writes(void **state)
{
	static const char *const options[] = { "", "-legacy",
		"-certpbe NONE -keypbe NONE -nomac",
		"-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1" };
	struct test_dir d = dir_new();
	AUTO_BUF out = buf_empty(0);

	(void)state;
	assert_sh(&d, &out,
	    "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=o -days 3 "
	    "-keyout k.pem -out c.pem");
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		AUTO_BUF der = buf_empty(0);
		AUTO(pkcs12) p = NULL;

		assert_sh(&d, &out,
		    "openssl pkcs12 -export -inkey k.pem -in c.pem -name ossl "
		    "-passout pass:abc -out t.p12 %s",
		    options[i]);
		dir_read(&d, "t.p12", &der);
		p = parse(buf_view(&der), "abc");
		assert_int_equal(p->n, 1);
		assert_string_equal(p->items[0].nickname, "ossl");
		assert_non_null(p->items[0].pkcs8);
		assert_non_null(p->items[0].cert);
	}
	dir_remove(&d);
}

static void
wrong_password_and_damage_are_told_apart(void **state)
{
	struct test_dir d = dir_new();
	struct keystore *ks = open_db(&d);
	AUTO(secret) s = secret_new(view_str(P12_PASSWORD));
	AUTO(secret) wrong = secret_new(view_str("wrong"));
	AUTO_BUF der = buf_empty(0);
	struct pkcs12 *p = NULL;
	struct err err;

	(void)state;
	fill(ks);
	export_all(ks, &der);
	assert_int_equal(
	    pkcs12_parse(&p, buf_view(&der), wrong, &err), RC_AUTH);
	for (size_t n = 0; n < der.len; n++)
		assert_int_not_equal(
		    pkcs12_parse(&p, view_of(der.data, n), s, &err), RC_OK);
	buf_add_char(&der, 'x');
	assert_int_equal(pkcs12_parse(&p, buf_view(&der), s, &err), RC_INVALID);
	keystore_free(ks);
	dir_remove(&d);
}

/* Without MAC and encryption damage reaches every part of the reader. */
static void
damaged_bytes_never_crash_the_reader(void **state)
{
	struct test_dir d = dir_new();
	AUTO(secret) s = secret_new(view_str(""));
	AUTO_BUF out = buf_empty(0);
	AUTO_BUF der = buf_empty(0);
	struct err err;

	(void)state;
	assert_sh(&d, &out,
	    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	    "-nodes -subj /CN=o -days 3 -keyout k.pem -out c.pem && "
	    "openssl pkcs12 -export -inkey k.pem -in c.pem -name o "
	    "-passout pass: -out t.p12 -certpbe NONE -keypbe NONE -nomac");
	dir_read(&d, "t.p12", &der);
	for (size_t n = 0; n < der.len; n++) {
		struct pkcs12 *p = NULL;

		der.data[n] ^= 0x41;
		if (pkcs12_parse(&p, buf_view(&der), s, &err) == RC_OK)
			pkcs12_free(p);
		der.data[n] ^= 0x41;
		assert_int_not_equal(
		    pkcs12_parse(&p, view_of(der.data, n), s, &err), RC_OK);
	}
	dir_remove(&d);
}

/* --- what would take for ever ---------------------------------------------- */

enum {
	FOREVER = 2147483647 /* iterations; an hour or so */
};

/* A file without key and MAC: one part under this algorithm, which is taken. */
static void
make_sealed(struct buf *out, X509_ALGOR *alg, bool as_key, int mac_iterations)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	PKCS12 *p12 = PKCS12_create(P12_PASSWORD, "k", key, NULL, NULL,
	    NID_pbe_WithSHA1And3_Key_TripleDES_CBC, -1, 1, 1, 0);
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	PKCS7 *p7 = sk_PKCS7_value(safes, 0);
	STACK_OF(PKCS12_SAFEBAG) *bags = PKCS12_unpack_p7data(p7);
	unsigned char *der = NULL;
	int n;

	assert_non_null(bags);
	if (as_key) {
		X509_ALGOR *has = NULL;

		X509_SIG_getm((X509_SIG *)(uintptr_t)PKCS12_SAFEBAG_get0_pkcs8(
				  sk_PKCS12_SAFEBAG_value(bags, 0)),
		    &has, NULL);
		assert_int_equal(X509_ALGOR_copy(has, alg), 1);
		PKCS7_free(p7);
		p7 = PKCS12_pack_p7data(bags);
	} else if (alg != NULL) {
		PKCS7_free(p7);
		p7 = PKCS12_pack_p7encdata(
		    NID_pbe_WithSHA1And3_Key_TripleDES_CBC, P12_PASSWORD, -1,
		    NULL, 0, 1, bags);
		assert_int_equal(
		    X509_ALGOR_copy(p7->d.encrypted->enc_data->algorithm, alg),
		    1);
	}
	(void)sk_PKCS7_set(safes, 0, p7);
	assert_int_equal(PKCS12_pack_authsafes(p12, safes), 1);
	assert_int_equal(
	    PKCS12_set_mac(p12, P12_PASSWORD, -1, NULL, 0, 1, NULL), 1);
	if (mac_iterations > 1) {
		const ASN1_INTEGER *i = NULL;

		PKCS12_set_mac(p12, P12_PASSWORD, -1, NULL, 0, 2, NULL);
		PKCS12_get0_mac(NULL, NULL, NULL, &i, p12);
		ASN1_INTEGER_set((ASN1_INTEGER *)(uintptr_t)i, mac_iterations);
	}
	n = i2d_PKCS12(p12, &der);
	assert_true(n > 0);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	PKCS12_free(p12);
	X509_ALGOR_free(alg);
	EVP_PKEY_free(key);
}

static void
assert_refused(X509_ALGOR *alg, bool as_key, int mac_iterations)
{
	AUTO(secret) s = secret_new(view_str(P12_PASSWORD));
	AUTO_BUF der = buf_empty(0);
	AUTO(pkcs12) p = NULL;
	struct err err;

	make_sealed(&der, alg, as_key, mac_iterations);
	assert_int_equal(pkcs12_parse(&p, buf_view(&der), s, &err), RC_TOOBIG);
	assert_non_null(strstr(err.text, "iterations"));
}

static void
files_that_would_take_for_ever_are_refused(void **state)
{
	static unsigned char salt[16];
	const EVP_CIPHER *aes = EVP_aes_256_cbc();

	(void)state;
	assert_refused(NULL, false, FOREVER);
	for (int as_key = 0; as_key < 2; as_key++) {
		assert_refused(PKCS5_pbe2_set(aes, FOREVER, salt, sizeof(salt)),
		    as_key == 1, 1);
		assert_refused(
		    PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
			FOREVER, salt, sizeof(salt)),
		    as_key == 1, 1);
		/* within libcrypto's limit of memory, but 2^30 blocks */
		assert_refused(PKCS5_pbe2_set_scrypt(aes, salt, sizeof(salt),
				   NULL, 16384, 8, 8192),
		    as_key == 1, 1);
	}
}

static void
files_that_take_a_while_are_read(void **state)
{
	AUTO(secret) s = secret_new(view_str(P12_PASSWORD));
	AUTO_BUF der = buf_empty(0);
	AUTO(pkcs12) p = NULL;

	(void)state;
	make_sealed(&der, NULL, false, 1);
	assert_int_equal(pkcs12_parse(&p, buf_view(&der), s, NULL), RC_OK);
	assert_int_equal(p->n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_we_write_we_read_with_trust),
		cmocka_unit_test(openssl_and_pk12util_read_ours),
		cmocka_unit_test(we_read_what_pk12util_writes),
		cmocka_unit_test(we_read_what_openssl_writes),
		cmocka_unit_test(wrong_password_and_damage_are_told_apart),
		cmocka_unit_test(files_that_would_take_for_ever_are_refused),
		cmocka_unit_test(files_that_take_a_while_are_read),
		cmocka_unit_test(damaged_bytes_never_crash_the_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
