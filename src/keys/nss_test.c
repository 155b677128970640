/* SPDX-License-Identifier: Apache-2.0 */
/* nss_test.c - our databases before the real certutil and theirs before us.
 * Owns:    temporary folders.
 * Trusts:  nothing.
 * Threads: one. */
#include <sys/stat.h>

#include "keys/keys_test.h"

#include "keys/keyid.h"
#include "keys/spki.h"

static char pin_text[] = TEST_PIN;

static enum rc
try_open(struct keystore **out, const struct test_dir *d, bool create,
    char *pin, struct err *e)
{
	struct keystore_open_params p = { .dir = d->path,
		.create = create,
		.pin = test_pin,
		.pin_arg = pin };

	return keystore_open(out, &p, e);
}

static struct keystore *
open_db(const struct test_dir *d, bool create)
{
	struct keystore *ks = NULL;
	struct err err;

	assert_ok(try_open(&ks, d, create, pin_text, &err));
	return ks;
}

static bool
has(const struct buf *b, const char *text)
{
	if (strstr(buf_cstr(b), text) != NULL)
		return true;
	print_message("not found: %s in:\n%s\n", text, buf_cstr(b));
	return false;
}

static struct key *
new_key(struct keystore *ks, enum keytype type)
{
	const struct keygen g = { .type = type,
		.rsa_bits = 2048,
		.curve = OID_prime256v1,
		.extractable = true,
		.sensitive = true };
	struct key *k = NULL;
	struct err err;

	assert_ok(keystore_generate(ks, &k, NULL, &g, &err));
	return k;
}

static void
certutil_lists_our_keys_and_trust(void **state)
{
	static const struct {
		const char *nick, *given, *shown;
	} cases[] = {
		{ "caSigningCert cert-pki-tomcat CA", "CTu,Cu,Cu",
		    "CTu,Cu,Cu" },
		{ "auditSigningCert cert-pki-tomcat CA", "u,u,Pu", "u,u,Pu" },
		{ "plain", NULL, "u,u,u" },
		{ "odd", "pu,cu,", "pu,cu,u" },
		{ "c only", "c,,P", "cu,u,Pu" },
	};
	struct test_dir d = dir_new();
	struct keystore *ks = open_db(&d, true);
	AUTO_BUF out = buf_empty(0);
	AUTO_BUF line = buf_empty(0);
	struct err err;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(key) k = new_key(ks, i % 2 ? KEYTYPE_EC : KEYTYPE_RSA);
		AUTO_BUF cert = buf_empty(0);
		AUTO_BUF id = buf_empty(0);

		make_cert(&cert, k, cases[i].nick, cases[i].nick, key_spki(k),
		    (int)i + 1, true);
		assert_ok(keystore_import_cert(
		    ks, cases[i].nick, buf_view(&cert), cases[i].given, &err));
		dir_write(&d, "pw", view_str(TEST_PIN "\n"));
		assert_sh(&d, &out,
		    "certutil -L -d . | grep '^%s ' | sed 's/ *$//'",
		    cases[i].nick);
		buf_reset(&line);
		buf_addf(&line, " %s\n", cases[i].shown);
		assert_true(has(&out, buf_cstr(&line)));
		buf_add_hex(&id, key_id(k));
		assert_sh(&d, &out, "certutil -K -d . -f pw");
		assert_true(has(&out, buf_cstr(&id)));
		assert_true(has(&out, cases[i].nick));
	}
	assert_ok(keystore_set_trust(ks, "plain", "CT,C,C", &err));
	assert_sh(&d, &out, "certutil -L -d . | grep '^plain '");
	assert_true(has(&out, "CTu,Cu,Cu"));
	assert_sh(&d, &out, "modutil -dbdir . -list");
	assert_true(has(&out, "NSS Internal PKCS #11 Module"));
	assert_int_equal(
	    keystore_set_trust(ks, "plain", "X,,", &err), RC_INVALID);
	assert_int_equal(
	    keystore_set_trust(ks, "plain", ",", &err), RC_INVALID);
	keystore_free(ks);
	for (size_t i = 0; i < 3; i++) {
		static const char *const files[] = { "cert9.db", "key4.db",
			"pkcs11.txt" };

		buf_reset(&line);
		buf_addf(&line, "%s/%s", d.path, files[i]);
		assert_int_equal(stat(buf_cstr(&line), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	dir_remove(&d);
}

static bool
see_cert(void *arg, const struct keystore_cert *c)
{
	struct buf *b = arg;

	buf_addf(
	    b, "[%s|%s|%s|%d]", c->token, c->nickname, c->trust, c->has_key);
	return true;
}

static void
we_use_what_certutil_made(void **state)
{
	static const char *const kinds[] = { "-k rsa -g 2048",
		"-k ec -q nistp256" };
	struct test_dir d = dir_new();
	AUTO_BUF out = buf_empty(0);
	struct keystore *ks;
	struct err err;

	(void)state;
	dir_write(&d, "pw", view_str(TEST_PIN "\n"));
	assert_sh(&d, &out, "certutil -N -d . -f pw");
	for (int i = 0; i < 2; i++)
		assert_sh(&d, &out,
		    "head -c 64 /dev/urandom > noise; certutil -S -d . -f pw "
		    "-n cert%d -s CN=cert%d -x -t CTu,Cu,Cu %s -z noise -m %d",
		    i, i, kinds[i], i + 5);
	ks = open_db(&d, false);
	buf_reset(&out);
	assert_ok(keystore_each_cert(ks, NULL, see_cert, &out, &err));
	assert_true(has(&out, "[internal|cert0|CTu,Cu,Cu|1]"));
	assert_true(has(&out, "[internal|cert1|CTu,Cu,Cu|1]"));
	for (int i = 0; i < 2; i++) {
		AUTO(key) k = NULL;
		AUTO_BUF der = buf_empty(0);
		AUTO_BUF sig = buf_empty(0);
		AUTO_BUF id = buf_empty(0);

		assert_ok(keystore_find_pair(
		    ks, &k, &der, i ? "cert1" : "cert0", &err));
		assert_ok(key_sign_data(
		    k, key_default_sigalg(k), view_str("x"), &sig, &err));
		assert_ok(spki_verify(key_spki(k), key_default_sigalg(k),
		    view_str("x"), buf_view(&sig), &err));
		buf_add_hex(&id, key_id(k));
		assert_sh(&d, &out, "certutil -K -d . -f pw");
		assert_true(has(&out, buf_cstr(&id)));
		assert_ok(keystore_delete_cert(
		    ks, i ? "cert1" : "cert0", true, &err));
		assert_int_not_equal(
		    sh(&d, &out, "certutil -L -d . -n cert%d", i), 0);
	}
	assert_int_not_equal(sh(&d, &out, "certutil -K -d . -f pw"), 0);
	assert_true(has(&out, "no keys found"));
	keystore_free(ks);
	dir_remove(&d);
}

static void
ids_are_those_that_nss_makes(void **state)
{
	struct test_dir d = dir_new();
	AUTO_BUF out = buf_empty(0);
	struct keystore *ks = open_db(&d, true);
	AUTO(key) k = new_key(ks, KEYTYPE_EC);
	AUTO_BUF cert = buf_empty(0);
	AUTO_BUF id = buf_empty(0);

	(void)state;
	/* certutil derives the id of a certificate from its public key */
	make_cert(&cert, k, "x", "x", key_spki(k), 3, false);
	dir_write(&d, "cert.der", buf_view(&cert));
	dir_write(&d, "pw", view_str(TEST_PIN "\n"));
	assert_sh(
	    &d, &out, "certutil -A -d . -f pw -n theirs -t u,u,u -i cert.der");
	assert_sh(&d, &out, "certutil -K -d . -f pw");
	buf_add_hex(&id, key_id(k));
	buf_add_str(&id, "   NSS Certificate DB:theirs");
	assert_true(has(&out, buf_cstr(&id)));
	keystore_free(ks);
	dir_remove(&d);
}

static void
wrong_pin_and_missing_database_are_told_apart(void **state)
{
	static char wrong[] = "wrong";
	struct test_dir d = dir_new();
	struct keystore *ks = NULL;
	AUTO_BUF out = buf_empty(0);
	struct err err;

	(void)state;
	assert_int_equal(try_open(&ks, &d, false, pin_text, &err), RC_NOTFOUND);
	keystore_free(open_db(&d, true));
	assert_int_equal(try_open(&ks, &d, false, wrong, &err), RC_AUTH);
	assert_true(strstr(err.text, "internal") != NULL);
	/* without a PIN certificates can be read, keys cannot be made */
	assert_ok(try_open(&ks, &d, false, NULL, &err));
	assert_ok(keystore_each_cert(ks, NULL, see_cert, &out, &err));
	{
		const struct keygen g = { .type = KEYTYPE_EC,
			.curve = OID_prime256v1 };
		AUTO(key) k = NULL;

		assert_int_equal(
		    keystore_generate(ks, &k, NULL, &g, &err), RC_AUTH);
		assert_int_equal(
		    keystore_generate(ks, &k, "nosuch", &g, &err), RC_NOTFOUND);
	}
	keystore_free(ks);
	dir_remove(&d);
}

static void
database_without_password_works(void **state)
{
	struct test_dir d = dir_new();
	AUTO_BUF out = buf_empty(0);
	struct keystore *ks = NULL;
	struct err err;

	(void)state;
	assert_ok(try_open(&ks, &d, true, NULL, &err));
	key_free(new_key(ks, KEYTYPE_EC));
	keystore_free(ks);
	assert_sh(&d, &out, "certutil -K -d . </dev/null");
	assert_true(has(&out, "(orphan)"));
	assert_ok(try_open(&ks, &d, false, NULL, &err));
	key_free(new_key(ks, KEYTYPE_RSA));
	keystore_free(ks);
	dir_remove(&d);
}

static void
two_databases_are_open_at_once(void **state)
{
	struct test_dir d1 = dir_new(), d2 = dir_new();
	struct keystore *a = open_db(&d1, true), *b = open_db(&d2, true);
	AUTO(key) ka = new_key(a, KEYTYPE_EC);
	AUTO(key) kb = new_key(b, KEYTYPE_EC);
	AUTO(key) none = NULL;
	struct err err;

	(void)state;
	assert_non_null(ka);
	assert_int_equal(
	    keystore_find_key(a, &none, NULL, key_spki(kb), &err), RC_NOTFOUND);
	keystore_free(a);
	assert_ok(keystore_find_key(b, &none, NULL, key_spki(kb), &err));
	keystore_free(b);
	dir_remove(&d1);
	dir_remove(&d2);
}

/* A key marked not extractable still signs, inside the token. */
static void
locked_in_key_signs_in_the_token(void **state)
{
	const struct keygen g = {
		.type = KEYTYPE_EC, .curve = OID_prime256v1, .sensitive = true
	};
	struct test_dir d = dir_new();
	struct keystore *ks = open_db(&d, true);
	AUTO(key) k = NULL;
	AUTO_BUF sig = buf_empty(0);
	struct err err;

	(void)state;
	assert_ok(keystore_generate(ks, &k, NULL, &g, &err));
	assert_ok(
	    key_sign_data(k, SIGALG_SHA256_EC, view_str("x"), &sig, &err));
	assert_ok(spki_verify(key_spki(k), SIGALG_SHA256_EC, view_str("x"),
	    buf_view(&sig), &err));
	keystore_free(ks);
	dir_remove(&d);
}

/* With exponent 1 a text is its own signature: proof of possession would prove
 * nothing. */
static void
rsa_key_that_protects_nothing_is_refused(void **state)
{
	static const struct {
		uint8_t n_end, e;
		enum rc rc;
	} cases[] = { { 1, 3, RC_OK }, { 1, 17, RC_OK }, { 1, 1, RC_INVALID },
		{ 1, 2, RC_INVALID }, { 1, 4, RC_INVALID },
		{ 2, 3, RC_INVALID } };
	uint8_t n[128] = { 0x80 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		AUTO_BUF spki = buf_empty(0);
		struct err err = { RC_OK, "" };
		enum keytype type;
		enum oid curve;
		int bits;

		n[sizeof(n) - 1] = cases[i].n_end;
		spki_put_rsa(&spki, view_of(n, sizeof(n)),
		    view_of(&cases[i].e, sizeof(cases[i].e)));
		assert_int_equal(
		    spki_info(buf_view(&spki), &type, &bits, &curve, &err),
		    cases[i].rc);
	}
}

static void
spki_info_refuses_every_truncation(void **state)
{
	struct test_dir d = dir_new();
	struct keystore *ks = open_db(&d, true);
	struct err err;

	(void)state;
	for (int i = 0; i < 2; i++) {
		AUTO(key) k = new_key(ks, i ? KEYTYPE_EC : KEYTYPE_RSA);
		struct view v = key_spki(k);
		AUTO_BUF b = buf_empty(0);
		enum keytype type;
		enum oid curve;
		int bits;

		assert_ok(spki_info(v, &type, &bits, &curve, &err));
		assert_int_equal(bits, i ? 256 : 2048);
		for (size_t n = 0; n < v.len; n++)
			assert_int_not_equal(spki_info(view_of(v.data, n),
						 &type, &bits, &curve, &err),
			    RC_OK);
		buf_add_view(&b, v);
		for (size_t n = 0; n < v.len; n++) {
			/* never crashes, verifies nothing */
			b.data[n] ^= 0xff;
			assert_int_not_equal(
			    spki_verify(buf_view(&b), key_default_sigalg(k),
				view_str("x"), v, &err),
			    RC_OK);
			b.data[n] ^= 0xff;
		}
	}
	keystore_free(ks);
	dir_remove(&d);
}

/* A module that modutil added, its token used by name; the trust of a
 * certificate there is in the database. */
static void
modules_of_pkcs11_txt_are_used(void **state)
{
	const struct keygen g = {
		.type = KEYTYPE_EC, .curve = OID_prime256v1, .sensitive = true
	};
	struct test_dir d = dir_new();
	AUTO_BUF out = buf_empty(0);
	AUTO_BUF conf = buf_empty(0);
	AUTO_BUF cert = buf_empty(0);
	AUTO(key) k = NULL;
	struct keystore *ks;
	struct err err;

	(void)state;
	keystore_free(open_db(&d, true));
	buf_addf(&conf, "directories.tokendir = %s/tokens\n", d.path);
	dir_write(&d, "softhsm2.conf", buf_view(&conf));
	buf_reset(&conf);
	buf_addf(&conf, "%s/softhsm2.conf", d.path);
	setenv("SOFTHSM2_CONF", buf_cstr(&conf), 1);
	dir_write(&d, "pw", view_str(TEST_PIN "\n"));
	assert_sh(&d, &out,
	    "mkdir tokens; softhsm2-util --init-token --free --label hsm "
	    "--pin " TEST_PIN " --so-pin 12345678; modutil -force -dbdir . "
	    "-add soft -libfile /usr/lib/softhsm/libsofthsm2.so");
	ks = open_db(&d, false);
	assert_ok(keystore_generate(ks, &k, "hsm", &g, &err));
	assert_string_equal(key_token(k), "hsm");
	make_cert(&cert, k, "h", "h", key_spki(k), 3, true);
	assert_ok(keystore_import_cert(
	    ks, "hsm:on the hsm", buf_view(&cert), "CT,C,C", &err));
	buf_reset(&out);
	assert_ok(keystore_each_cert(ks, "hsm", see_cert, &out, &err));
	assert_string_equal(buf_cstr(&out), "[hsm|on the hsm|CTu,Cu,Cu|1]");
	assert_sh(&d, &out, "certutil -L -d . -h hsm -f pw");
	assert_true(has(&out, "hsm:on the hsm"));
	assert_true(has(&out, "CTu,Cu,Cu"));
	keystore_free(ks);
	dir_remove(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certutil_lists_our_keys_and_trust),
		cmocka_unit_test(we_use_what_certutil_made),
		cmocka_unit_test(ids_are_those_that_nss_makes),
		cmocka_unit_test(wrong_pin_and_missing_database_are_told_apart),
		cmocka_unit_test(database_without_password_works),
		cmocka_unit_test(two_databases_are_open_at_once),
		cmocka_unit_test(locked_in_key_signs_in_the_token),
		cmocka_unit_test(spki_info_refuses_every_truncation),
		cmocka_unit_test(rsa_key_that_protects_nothing_is_refused),
		cmocka_unit_test(modules_of_pkcs11_txt_are_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
