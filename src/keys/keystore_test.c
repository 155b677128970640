/* SPDX-License-Identifier: Apache-2.0 */
/* keystore_test.c - tokens, keys and certificates, alike over softoken and
 * SoftHSM, with certutil and openssl as witnesses.
 * Owns:    temporary folders.
 * Trusts:  nothing.
 * Threads: one, and eight in the signing test. */
#include "keys/keys_test.h"

#include <openssl/ssl.h>

#include "base/thread.h"
#include "keys/keyid.h"
#include "keys/keystore_impl.h"

#define HSM_LIBRARY "/usr/lib/softhsm/libsofthsm2.so"
#define HSM_TOKEN "signethsm"

static const struct keygen gen_rsa = { .type = KEYTYPE_RSA,
	.rsa_bits = 2048,
	.extractable = true,
	.sensitive = true };
static const struct keygen gen_ec = { .type = KEYTYPE_EC,
	.curve = OID_prime256v1,
	.extractable = true,
	.sensitive = true };
static const struct keygen gen_521 = { .type = KEYTYPE_EC,
	.curve = OID_secp521r1,
	.extractable = true,
	.sensitive = true };

/* One way of keeping keys; every case of `alike` runs over each. */
struct world {
	const char *token;
	bool sign_in_token;
	struct test_dir dir;
	struct keystore *ks;
};

static struct keystore *
open_world(struct world *w, bool create)
{
	static const struct keystore_module hsm = { "softhsm", HSM_LIBRARY };
	static char pin[] = TEST_PIN;
	struct keystore_open_params p = { .dir = w->dir.path,
		.create = create,
		.sign_in_token = w->sign_in_token,
		.pin = test_pin,
		.pin_arg = pin };
	struct keystore *ks = NULL;
	struct err err;

	if (strcmp(w->token, HSM_TOKEN) == 0) {
		p.modules = &hsm;
		p.n_modules = 1;
	}
	assert_ok(keystore_open(&ks, &p, &err));
	return ks;
}

static int
setup(void **state)
{
	struct world *w = *state;
	AUTO_BUF b = buf_empty(0);

	w->dir = dir_new();
	dir_write(&w->dir, "pw", view_str(TEST_PIN "\n"));
	if (strcmp(w->token, HSM_TOKEN) == 0) {
		AUTO_BUF conf = buf_empty(0);

		buf_addf(
		    &conf, "directories.tokendir = %s/tokens\n", w->dir.path);
		dir_write(&w->dir, "softhsm2.conf", buf_view(&conf));
		buf_reset(&conf);
		buf_addf(&conf, "%s/softhsm2.conf", w->dir.path);
		setenv("SOFTHSM2_CONF", buf_cstr(&conf), 1);
		assert_sh(&w->dir, &b,
		    "mkdir tokens; softhsm2-util --init-token --free "
		    "--label " HSM_TOKEN " --pin " TEST_PIN
		    " --so-pin 12345678");
	}
	w->ks = open_world(w, true);
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	keystore_free(w->ks);
	dir_remove(&w->dir);
	return 0;
}

static void
signs_with(struct key *k)
{
	static const char text[] = "what is signed";
	struct view data = view_str(text);
	struct err err;
	size_t n = 0;

	for (enum sigalg a = 0; a < SIGALG_COUNT; a++) {
		AUTO_BUF sig = buf_empty(0);

		if (!key_can_sign(k, a)) {
			assert_int_equal(
			    key_sign_data(k, a, data, &sig, &err), RC_INVALID);
			continue;
		}
		assert_ok(key_sign_data(k, a, data, &sig, &err));
		assert_ok(
		    spki_verify(key_spki(k), a, data, buf_view(&sig), &err));
		assert_int_equal(spki_verify(key_spki(k), a, view_str("x"),
				     buf_view(&sig), &err),
		    RC_CRYPTO);
		sig.data[sig.len - 1] ^= 1;
		assert_int_not_equal(
		    spki_verify(key_spki(k), a, data, buf_view(&sig), &err),
		    RC_OK);
		n++;
	}
	assert_true(n >= 3);
}

static void
key_signs_with_every_algorithm_that_fits(void **state)
{
	struct world *w = *state;
	const struct keygen *gens[] = { &gen_rsa, &gen_ec, &gen_521 };
	static const int bits[] = { 2048, 256, 521 };
	struct err err;

	for (size_t i = 0; i < 3; i++) {
		AUTO(key) k = NULL;

		assert_ok(
		    keystore_generate(w->ks, &k, w->token, gens[i], &err));
		assert_int_equal(key_type(k), gens[i]->type);
		assert_int_equal(key_bits(k), bits[i]);
		assert_string_equal(key_token(k), w->token);
		assert_int_equal(key_id(k).len, KEYID_LEN);
		signs_with(k);
		assert_ok(keystore_delete_key(w->ks, k, &err));
	}
}

static void
key_is_found_again_after_reopening(void **state)
{
	struct world *w = *state;
	AUTO(key) a = NULL;
	AUTO(key) b = NULL;
	AUTO(key) c = NULL;
	struct err err;

	assert_ok(keystore_generate(w->ks, &a, w->token, &gen_ec, &err));
	/* the handle outlives the keystore */
	keystore_free(w->ks);
	w->ks = open_world(w, false);
	signs_with(a);
	assert_ok(keystore_find_key(w->ks, &b, NULL, key_spki(a), &err));
	assert_true(view_eq(key_spki(a), key_spki(b)));
	assert_ok(keystore_find_key_id(w->ks, &c, w->token, key_id(a), &err));
	assert_ptr_equal(b, c);
	signs_with(b);
	assert_ok(keystore_delete_key(w->ks, b, &err));
	key_free(c);
	c = NULL;
	assert_int_equal(
	    keystore_find_key(w->ks, &c, NULL, key_spki(a), &err), RC_NOTFOUND);
}

static bool
count_key(void *arg, struct key *k, const char *label)
{
	int *n = arg;

	(void)label;
	assert_non_null(k);
	return ++*n < 2;
}

static void
keys_are_listed_until_told_to_stop(void **state)
{
	struct world *w = *state;
	struct key *k[3] = { NULL };
	struct err err;
	int n = 0;

	for (size_t i = 0; i < 3; i++)
		assert_ok(
		    keystore_generate(w->ks, &k[i], w->token, &gen_ec, &err));
	assert_ok(keystore_each_key(w->ks, w->token, count_key, &n, &err));
	assert_int_equal(n, 2);
	for (size_t i = 0; i < 3; i++) {
		assert_ok(keystore_delete_key(w->ks, k[i], &err));
		key_free(k[i]);
	}
}

static void
key_decrypts_what_openssl_encrypted(void **state)
{
	struct world *w = *state;
	AUTO(key) k = NULL;
	AUTO_BUF pem = buf_empty(0);
	AUTO_BUF out = buf_empty(0);
	AUTO_BUF in = buf_empty(0);
	struct err err;

	assert_ok(keystore_generate(w->ks, &k, w->token, &gen_rsa, &err));
	text_add_pem(&pem, "PUBLIC KEY", key_spki(k), "\n");
	dir_write(&w->dir, "pub", buf_view(&pem));
	dir_write(&w->dir, "plain", view_str("session key bytes"));
	for (int oaep = 0; oaep < 2; oaep++) {
		assert_sh(&w->dir, &out,
		    "openssl pkeyutl -encrypt -pubin -inkey pub -in plain "
		    "-out enc -pkeyopt rsa_padding_mode:%s",
		    oaep ? "oaep" : "pkcs1");
		buf_reset(&in);
		dir_read(&w->dir, "enc", &in);
		buf_reset(&out);
		assert_ok(key_decrypt(k, oaep == 1, buf_view(&in), &out, &err));
		assert_string_equal(buf_cstr(&out), "session key bytes");
	}
	assert_ok(keystore_delete_key(w->ks, k, &err));
}

static void
imported_key_signs(void **state)
{
	static const char *const makers[] = {
		"openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
		"openssl genpkey -algorithm EC -pkeyopt "
		"ec_paramgen_curve:P-384",
	};
	struct world *w = *state;
	AUTO_BUF b = buf_empty(0);
	struct err err;

	for (size_t i = 0; i < 2; i++) {
		AUTO(key) k = NULL;
		AUTO(key) again = NULL;
		AUTO(secret) s = NULL;

		assert_sh(&w->dir, &b,
		    "%s -outform DER -out k 2>/dev/null; openssl pkcs8 "
		    "-topk8 -nocrypt -inform DER -in k -outform DER -out k8",
		    makers[i]);
		buf_reset(&b);
		dir_read(&w->dir, "k8", &b);
		s = secret_new(buf_view(&b));
		assert_ok(keystore_import_key(w->ks, &k, w->token, s, &err));
		signs_with(k);
		/* twice is once */
		assert_ok(
		    keystore_import_key(w->ks, &again, w->token, s, &err));
		assert_ptr_equal(k, again);
		assert_ok(keystore_delete_key(w->ks, k, &err));
	}
}

static void
certificate_and_key_are_a_pair(void **state)
{
	struct world *w = *state;
	AUTO(key) k = NULL;
	AUTO(key) found = NULL;
	AUTO_BUF cert = buf_empty(0);
	AUTO_BUF newer = buf_empty(0);
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF nick = buf_empty(0);
	struct err err;

	buf_addf(&nick, "%s:my server", w->token);
	assert_ok(keystore_generate(w->ks, &k, w->token, &gen_ec, &err));
	make_cert(&cert, k, "me", "me", key_spki(k), 1, false);
	make_cert(&newer, k, "me", "me", key_spki(k), 2, false);
	assert_ok(keystore_import_cert(
	    w->ks, buf_cstr(&nick), buf_view(&cert), "u,u,u", &err));
	assert_ok(
	    keystore_find_pair(w->ks, &found, &der, buf_cstr(&nick), &err));
	assert_ptr_equal(found, k);
	assert_true(view_eq(buf_view(&der), buf_view(&cert)));
	/* the same name replaces */
	assert_ok(keystore_import_cert(
	    w->ks, buf_cstr(&nick), buf_view(&newer), NULL, &err));
	buf_reset(&der);
	assert_ok(keystore_find_cert(w->ks, &der, "my server", &err));
	assert_true(view_eq(buf_view(&der), buf_view(&newer)));
	assert_ok(keystore_delete_cert(w->ks, buf_cstr(&nick), true, &err));
	assert_int_equal(
	    keystore_find_cert(w->ks, &der, "my server", &err), RC_NOTFOUND);
	assert_int_equal(
	    keystore_find_cert(w->ks, &der, "no: such", &err), RC_NOTFOUND);
}

/* Client and server over memory, the server with our key. */
static void
tls_handshake_uses_the_key(void **state)
{
	struct world *w = *state;
	const struct keygen *gens[] = { &gen_rsa, &gen_ec };
	struct err err;

	for (size_t i = 0; i < 2; i++) {
		AUTO(key) k = NULL;
		AUTO_BUF cert = buf_empty(0);
		SSL_CTX *ctx = SSL_CTX_new(TLS_method());
		BIO *a = NULL, *b = NULL;
		struct view chain;
		SSL *server, *client;

		assert_ok(
		    keystore_generate(w->ks, &k, w->token, gens[i], &err));
		make_cert(&cert, k, "tls", "tls", key_spki(k), 7, false);
		chain = buf_view(&cert);
		assert_ok(key_use_tls(k, ctx, &chain, 1, &err));
		server = SSL_new(ctx);
		client = SSL_new(ctx);
		assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
		SSL_set_bio(server, a, a);
		SSL_set_bio(client, b, b);
		SSL_set_accept_state(server);
		SSL_set_connect_state(client);
		for (int round = 0; round < 10; round++) {
			SSL_do_handshake(client);
			SSL_do_handshake(server);
		}
		assert_true(SSL_is_init_finished(client));
		assert_true(SSL_is_init_finished(server));
		SSL_free(client);
		SSL_free(server);
		SSL_CTX_free(ctx);
		assert_ok(keystore_delete_key(w->ks, k, &err));
	}
}

enum {
	THREADS = 8,
	SIGNATURES = 25
};

static void *
sign_many(void *arg)
{
	struct key *k = arg;
	enum rc *rc = calloc(1, sizeof(*rc));

	for (int i = 0; i < SIGNATURES && *rc == RC_OK; i++) {
		AUTO_BUF sig = buf_empty(0);

		*rc = key_sign_data(
		    k, key_default_sigalg(k), view_str("abc"), &sig, NULL);
		if (*rc == RC_OK)
			*rc = spki_verify(key_spki(k), key_default_sigalg(k),
			    view_str("abc"), buf_view(&sig), NULL);
	}
	return rc;
}

static void
eight_threads_sign_with_one_key(void **state)
{
	struct world *w = *state;
	AUTO(key) k = NULL;
	pthread_t t[THREADS];
	struct err err;

	assert_ok(keystore_generate(w->ks, &k, w->token, &gen_ec, &err));
	for (size_t i = 0; i < THREADS; i++)
		assert_ok(thread_start(&t[i], "sign", sign_many, k, &err));
	for (size_t i = 0; i < THREADS; i++) {
		void *rc;

		pthread_join(t[i], &rc);
		assert_int_equal(*(enum rc *)rc, RC_OK);
		free(rc);
	}
	assert_ok(keystore_delete_key(w->ks, k, &err));
}

/* Another user of the module closes all sessions, as a lost HSM does: signing,
 * searching and generating go on. */
static void
lost_sessions_are_opened_again(void **state)
{
	struct world *w = *state;
	AUTO(key) k = NULL;
	AUTO(key) other = NULL;
	AUTO(key) found = NULL;
	struct token *t;
	struct err err;

	assert_ok(keystore_token(w->ks, &t, w->token, &err));
	assert_ok(keystore_generate(w->ks, &k, w->token, &gen_ec, &err));
	signs_with(k);
	assert_int_equal(t->f->C_CloseAllSessions(t->slot), CKR_OK);
	signs_with(k);
	assert_int_equal(t->f->C_CloseAllSessions(t->slot), CKR_OK);
	assert_ok(
	    keystore_find_key(w->ks, &found, w->token, key_spki(k), &err));
	assert_int_equal(t->f->C_CloseAllSessions(t->slot), CKR_OK);
	assert_ok(keystore_generate(w->ks, &other, w->token, &gen_ec, &err));
	signs_with(other);
	assert_ok(keystore_delete_key(w->ks, other, &err));
	assert_ok(keystore_delete_key(w->ks, k, &err));
}

int
main(void)
{
	static struct world worlds[] = {
		{ .token = "internal" },
		{ .token = "internal", .sign_in_token = true },
		{ .token = HSM_TOKEN },
	};
	static const char *const names[] = { "softoken",
		"softoken, signing in the token", "softhsm" };
	int failed = 0;

	for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
		void *w = &worlds[i];
#define ALIKE(fn) \
	cmocka_unit_test_prestate_setup_teardown(fn, setup, teardown, w)
		const struct CMUnitTest tests[] = {
			ALIKE(key_signs_with_every_algorithm_that_fits),
			ALIKE(key_is_found_again_after_reopening),
			ALIKE(keys_are_listed_until_told_to_stop),
			ALIKE(key_decrypts_what_openssl_encrypted),
			ALIKE(imported_key_signs),
			ALIKE(certificate_and_key_are_a_pair),
			ALIKE(tls_handshake_uses_the_key),
			ALIKE(eight_threads_sign_with_one_key),
			ALIKE(lost_sessions_are_opened_again),
		};
		print_message("# %s\n", names[i]);
		failed += cmocka_run_group_tests(tests, NULL, NULL);
	}
	return failed;
}
