/* SPDX-License-Identifier: Apache-2.0 */
/* err_test.c - error texts and the rc table.
 * Owns:    its own temporary folder, if any.
 * Trusts:  nothing.
 * Threads: one, unless a case starts more. */
#include "base/err.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/evp.h>

static void
err_set_replaces_and_returns_rc(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_set(&e, RC_IO, "a %d", 1), RC_IO);
	assert_int_equal(err_set(&e, RC_GONE, "b: %s", e.text), RC_GONE);
	assert_int_equal(e.rc, RC_GONE);
	assert_string_equal(e.text, "b: a 1");
	assert_int_equal(err_set(NULL, RC_AUTH, "x"), RC_AUTH);
}

static void
err_set_cuts_and_prints_ascii_only(void **state)
{
	char text[600];
	struct err e;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[0] = '\n';
	text[1] = '\xe4';
	assert_int_equal(err_set(&e, RC_INVALID, "%s", text), RC_INVALID);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	assert_memory_equal(e.text, "??xx", 4);
}

static void
err_prefix_keeps_rc(void **state)
{
	char text[600];
	struct err e;

	(void)state;
	assert_int_equal(err_set(&e, RC_DENIED, "why"), RC_DENIED);
	assert_int_equal(err_prefix(&e, "crl %d", 17), RC_DENIED);
	assert_string_equal(e.text, "crl 17: why");
	memset(text, 'p', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(err_prefix(&e, "%s", text), RC_DENIED);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	assert_int_equal(err_prefix(NULL, "x"), RC_INTERNAL);
}

static void
err_errno_appends_the_reason(void **state)
{
	struct err e;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_errno(&e, "/x"), RC_IO);
	assert_string_equal(e.text, "/x: No such file or directory");
	errno = ENOMEM;
	assert_int_equal(err_errno(NULL, "/x"), RC_NOMEM);
}

static void
err_openssl_drains_the_queue(void **state)
{
	struct err e;

	(void)state;
	ERR_raise(ERR_LIB_EVP, EVP_R_BAD_DECRYPT);
	ERR_raise(ERR_LIB_EVP, EVP_R_DECODE_ERROR);
	assert_int_equal(err_openssl(&e, RC_CRYPTO, "key"), RC_CRYPTO);
	assert_string_equal(e.text, "key: bad decrypt");
	assert_int_equal(ERR_peek_error(), 0);
	assert_int_equal(err_openssl(&e, RC_CRYPTO, "key"), RC_CRYPTO);
	assert_string_equal(e.text, "key");
}

static void
rc_table_maps_to_http_and_exit(void **state)
{
	(void)state;
	assert_string_equal(rc_text(RC_OK), "ok");
	assert_int_equal(rc_http(RC_NOTFOUND), 404);
	assert_int_equal(rc_exit(RC_USAGE), 2);
	assert_int_equal(rc_exit(RC_OK), 0);
	assert_int_equal(rc_http((enum rc)999), 500);
	assert_string_equal(rc_text((enum rc)999), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_set_replaces_and_returns_rc),
		cmocka_unit_test(err_set_cuts_and_prints_ascii_only),
		cmocka_unit_test(err_prefix_keeps_rc),
		cmocka_unit_test(err_errno_appends_the_reason),
		cmocka_unit_test(err_openssl_drains_the_queue),
		cmocka_unit_test(rc_table_maps_to_http_and_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
