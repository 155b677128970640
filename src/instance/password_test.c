/* SPDX-License-Identifier: Apache-2.0 */
/* password_test.c - the order in which passwords are looked for, with keys in
 * this process's own keyring.
 * Owns:    keys that end with the process.
 * Trusts:  nothing.
 * Threads: one. */
#include "instance/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INSTANCE "signet-password-test"

static void
add_key(const char *description, const char *payload)
{
	assert_true(syscall(SYS_add_key, "user", description, payload,
			strlen(payload), KEY_SPEC_PROCESS_KEYRING) > 0);
}

/* No terminal to ask on. */
static int
setup(void **state)
{
	bool locked;

	(void)state;
	if (secret_setup(&locked, NULL) != RC_OK)
		return 1;
	/* of a session of its own, where the shell that started it has a
	 * terminal; a leader of a group may not, and has none then either */
	(void)setsid();
	add_key(INSTANCE "/internal", "from keyring");
	add_key(INSTANCE "/hardware-hsm", "hsm pin");
	return 0;
}

static void
assert_found(enum rc (*find)(struct secret **, const struct cfg *, const char *,
		 const char *, struct err *),
    const struct cfg *c, const char *name, const char *wanted)
{
	AUTO(secret) s = NULL;

	assert_int_equal(find(&s, c, INSTANCE, name, NULL), RC_OK);
	assert_string_equal(secret_cstr(s), wanted);
}

static void
password_conf_comes_before_the_keyring(void **state)
{
	AUTO(cfg) c = cfg_new();

	(void)state;
	assert_found(password_find, c, "internal", "from keyring");
	assert_int_equal(cfg_set(c, "internal", "from file", NULL), RC_OK);
	assert_found(password_find, c, "internal", "from file");
}

static void
password_token_names_hardware(void **state)
{
	AUTO(cfg) c = cfg_new();

	(void)state;
	assert_found(password_token, c, "hsm", "hsm pin");
	assert_found(password_token, c, "internal", "from keyring");
	assert_int_equal(cfg_set(c, "hardware-hsm", "file pin", NULL), RC_OK);
	assert_found(password_token, c, "hsm", "file pin");
}

static void
password_of_nowhere_has_the_documented_text(void **state)
{
	AUTO(cfg) c = cfg_new();
	struct secret *s = NULL;
	struct err e = { RC_OK, "" };

	(void)state;
	assert_int_equal(
	    password_find(&s, c, INSTANCE, "internaldb", &e), RC_NOTFOUND);
	assert_null(s);
	assert_string_equal(e.text, "No available password for \"internaldb\"");
	assert_int_equal(
	    password_token(&s, c, INSTANCE, "other", &e), RC_NOTFOUND);
	assert_null(s);
	assert_string_equal(
	    e.text, "No available password to access the token \"other\"");
	assert_int_equal(password_token(&s, c, INSTANCE, "", &e), RC_NOTFOUND);
	/* another instance's keys are not ours */
	assert_null(password_keyring(INSTANCE "2", "internal"));
}

static void
keys_of_any_size_are_read_or_left(void **state)
{
	static char big[5000];
	struct secret *s;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	add_key(INSTANCE "/big", big);
	assert_null(password_keyring(INSTANCE, "big"));
	big[4096] = '\0';
	add_key(INSTANCE "/big", big);
	s = password_keyring(INSTANCE, "big");
	assert_non_null(s);
	assert_int_equal(secret_view(s).len, 4096);
	secret_free(s);
	memset(big, 'n', 600);
	assert_null(password_keyring(INSTANCE, big));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(password_conf_comes_before_the_keyring),
		cmocka_unit_test(password_token_names_hardware),
		cmocka_unit_test(password_of_nowhere_has_the_documented_text),
		cmocka_unit_test(keys_of_any_size_are_read_or_left),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
