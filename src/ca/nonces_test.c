/* SPDX-License-Identifier: Apache-2.0 */
/* nonces_test.c - nonces by client certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ca/nonces.h"

#define KEY "cert-request/1a"
static const uint8_t cert_a[] = { 0x30, 1, 2 }, cert_b[] = { 0x30, 1, 3 };

static bool
take(struct nonces *t, const uint8_t *cert, const char *key, const char *text,
    bool *equal)
{
	return nonces_take(t, view_of(cert, sizeof(cert_a)), key, text, equal);
}

static void
nonces_serve_once_their_certificate_and_key(void **state)
{
	struct nonces *t = nonces_new();
	bool equal;

	(void)state;
	assert_non_null(t);
	nonces_put(t, view_of(cert_a, sizeof(cert_a)), KEY, 77);
	assert_false(take(t, cert_b, KEY, "77", &equal));
	assert_false(take(t, cert_a, "cert-request/1b", "77", &equal));
	assert_true(take(t, cert_a, KEY, "78", &equal));
	assert_false(equal);
	assert_true(take(t, cert_a, KEY, "77", &equal));
	assert_true(equal);
	assert_false(take(t, cert_a, KEY, "77", &equal));
	nonces_free(t);
}

static void
nonces_of_one_key_are_all_good_until_used(void **state)
{
	struct nonces *t = nonces_new();
	bool equal;

	(void)state;
	assert_non_null(t);
	nonces_put(t, view_of(cert_a, sizeof(cert_a)), KEY, 1);
	nonces_put(t, view_of(cert_a, sizeof(cert_a)), KEY, 2);
	assert_true(take(t, cert_a, KEY, "1", &equal) && equal);
	assert_true(take(t, cert_a, KEY, "2", &equal) && equal);
	nonces_free(t);
}

static void
nonces_let_the_oldest_go(void **state)
{
	struct nonces *t = nonces_new();
	bool equal;

	(void)state;
	assert_non_null(t);
	nonces_put(t, view_of(cert_a, sizeof(cert_a)), "first", 5);
	for (uint64_t i = 0; i < NONCES_BARE_MAX; i++)
		nonces_put(t, view_of(cert_b, sizeof(cert_b)), KEY, i);
	assert_false(take(t, cert_a, "first", "5", &equal));
	assert_true(take(t, cert_b, KEY, "0", &equal) && equal);
	nonces_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nonces_serve_once_their_certificate_and_key),
		cmocka_unit_test(nonces_of_one_key_are_all_good_until_used),
		cmocka_unit_test(nonces_let_the_oldest_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
