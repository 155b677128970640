/* SPDX-License-Identifier: Apache-2.0 */
/* callers_test.c - the table of principals by certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "ca/callers.h"

/* A certificate with this serial number, DER, from libcrypto. */
static struct view
new_cert(uint8_t *room, long serial)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	uint8_t *p = room;
	int n;

	assert_non_null(k);
	assert_non_null(x);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, k);
	assert_true(X509_sign(x, k, EVP_sha256()) > 0);
	n = i2d_X509(x, &p);
	assert_true(n > 0);
	X509_free(x);
	EVP_PKEY_free(k);
	return view_of(room, (size_t)n);
}

static char uid[] = "agent", group[] = "Certificate Manager Agents";
static char *groups[] = { group, NULL };

static struct principal
principal_of(struct view der)
{
	return (struct principal){ .uid = uid,
		.groups = groups,
		.method = AUTH_CERTIFICATE,
		.cert = (uint8_t *)(uintptr_t)der.data,
		.cert_len = der.len };
}

static void
callers_give_back_only_the_same_bytes(void **state)
{
	AUTO(callers) c = callers_new();
	uint8_t a[2048], b[2048];
	struct view one = new_cert(a, 7), two = new_cert(b, 7);
	struct principal p = principal_of(one);

	(void)state;
	callers_put(c, &p, callers_epoch(c));
	AUTO(principal) got = callers_get(c, one);
	assert_non_null(got);
	assert_string_equal(got->uid, "agent");
	assert_true(principal_in(got, group));
	/* the same names and number, another key */
	assert_null(callers_get(c, two));
}

static void
callers_forget_when_users_change(void **state)
{
	AUTO(callers) c = callers_new();
	uint8_t a[2048];
	struct view one = new_cert(a, 7);
	struct principal p = principal_of(one);
	uint64_t before = callers_epoch(c);

	(void)state;
	callers_put(c, &p, before);
	callers_users_changed(c);
	assert_null(callers_get(c, one));
	/* looked up before the change: too late */
	callers_put(c, &p, before);
	assert_null(callers_get(c, one));
}

static void
callers_forget_a_revoked_certificate(void **state)
{
	AUTO(callers) c = callers_new();
	uint8_t a[2048], b[2048];
	struct view one = new_cert(a, 7), two = new_cert(b, 8);
	struct principal p = principal_of(one), q = principal_of(two);
	struct num seven = num_from_u64(7);

	(void)state;
	callers_put(c, &p, callers_epoch(c));
	callers_put(c, &q, callers_epoch(c));
	callers_cert_changed(c, &seven);
	assert_null(callers_get(c, one));
	AUTO(principal) still = callers_get(c, two);
	assert_non_null(still);
	/* a look-up that began before the revocation must not bring it back */
	callers_put(c, &p, callers_epoch(c));
	assert_null(callers_get(c, one));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(callers_give_back_only_the_same_bytes),
		cmocka_unit_test(callers_forget_when_users_change),
		cmocka_unit_test(callers_forget_a_revoked_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
