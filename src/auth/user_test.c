/* SPDX-License-Identifier: Apache-2.0 */
/* user_test.c - users, groups, passwords and log-in over a real store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/password.h"
#include "auth/user.h"
#include "base/file.h"

static char dir[64];

static struct store *
open_store(void)
{
	struct lmdb_params p = {
		.dir = dir, .map_size = 16 << 20, .clock = &clock_system
	};
	struct store *s = NULL;
	struct err e;

	snprintf(dir, sizeof(dir), "/tmp/signet-user-XXXXXX");
	assert_non_null(mkdtemp(dir));
	if (store_open_lmdb(&s, &p, &e) != RC_OK)
		fail_msg("%s", e.text);
	return s;
}

static void
close_store(struct store *s)
{
	store_free(s);
	assert_int_equal(file_remove_tree(dir, NULL), RC_OK);
}

static void
add(struct store *s, const char *uid, const char *password)
{
	AUTO(secret) pw = secret_new(view_str(password));
	struct user u = { .uid = uid,
		.full_name = "A B",
		.email = "a@b.example",
		.type = "agentType",
		.state = "1",
		.password = pw };

	assert_int_equal(user_add(s, &u, NULL), RC_OK);
}

static void
password_is_checked_and_never_stored(void **state)
{
	struct store *s = open_store();
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;

	(void)state;
	add(s, "anna", "correct horse");
	assert_int_equal(
	    auth_password(s, &p, "anna", view_str("correct horse"), NULL),
	    RC_OK);
	assert_string_equal(p->full_name, "A B");
	assert_int_equal(
	    auth_password(s, &p, "anna", view_str("correct horsf"), NULL),
	    RC_AUTH);
	assert_int_equal(
	    auth_password(s, &p, "berta", view_str("correct horse"), NULL),
	    RC_AUTH);
	assert_int_equal(store_get(s, &r, REC_USER, "anna", NULL), RC_OK);
	assert_null(strstr(rec_str(r, "userPassword"), "horse"));
	close_store(s);
}

static void
groups_are_joined_and_left(void **state)
{
	struct store *s = open_store();
	AUTO(principal) p = NULL;
	AUTO(principal) q = NULL;

	(void)state;
	add(s, "anna", "correct horse");
	assert_int_equal(group_add(s, "Agents", "x", NULL), RC_OK);
	assert_int_equal(group_add(s, "Agents", "x", NULL), RC_EXISTS);
	assert_int_equal(group_add_member(s, "Agents", "anna", NULL), RC_OK);
	assert_int_equal(group_add_member(s, "Agents", "anna", NULL), RC_OK);
	assert_int_equal(
	    group_add_member(s, "Agents", "berta", NULL), RC_NOTFOUND);
	assert_int_equal(auth_again(s, &p, "anna", AUTH_PASSWORD, NULL), RC_OK);
	assert_true(principal_in(p, "agents"));
	assert_int_equal(group_delete_member(s, "Agents", "anna", NULL), RC_OK);
	assert_int_equal(auth_again(s, &q, "anna", AUTH_PASSWORD, NULL), RC_OK);
	assert_false(principal_in(q, "Agents"));
	close_store(s);
}

static void
deleted_and_disabled_users_cannot_log_in(void **state)
{
	struct store *s = open_store();
	AUTO(principal) p = NULL;
	struct user off = { .uid = "anna", .state = "0" };

	(void)state;
	add(s, "anna", "correct horse");
	add(s, "berta", "correct horse");
	assert_int_equal(user_modify(s, &off, NULL), RC_OK);
	assert_int_equal(
	    auth_password(s, &p, "anna", view_str("correct horse"), NULL),
	    RC_AUTH);
	assert_int_equal(user_delete(s, "berta", NULL), RC_OK);
	assert_int_equal(user_delete(s, "berta", NULL), RC_NOTFOUND);
	assert_int_equal(
	    auth_again(s, &p, "berta", AUTH_PASSWORD, NULL), RC_AUTH);
	close_store(s);
}

static void
bad_users_are_refused(void **state)
{
	static const char *const ids[] = { "", "a,b", "a\\b", "a\nb", "x=y" };
	struct store *s = open_store();
	AUTO(secret) weak = secret_new(view_str("short"));
	struct user u = { .full_name = "A" };

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		u.uid = ids[i];
		assert_int_equal(user_add(s, &u, NULL), RC_INVALID);
	}
	u.uid = "anna";
	u.password = weak;
	assert_int_equal(user_add(s, &u, NULL), RC_INVALID);
	u.password = NULL;
	u.full_name = NULL;
	assert_int_equal(user_add(s, &u, NULL), RC_INVALID);
	close_store(s);
}

static void
stored_passwords_of_other_forms_are_refused(void **state)
{
	static const char *const bad[] = { "{SSHA}abc", "{PBKDF2-SHA512}",
		"{PBKDF2-SHA512}1$", "{PBKDF2-SHA512}0$AAAA$AAAA",
		"{PBKDF2-SHA512}99999999999$AAAA$AAAA", "plain" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_not_equal(
		    password_check(bad[i], view_str("x"), NULL), RC_OK);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(password_is_checked_and_never_stored),
		cmocka_unit_test(groups_are_joined_and_left),
		cmocka_unit_test(deleted_and_disabled_users_cannot_log_in),
		cmocka_unit_test(bad_users_are_refused),
		cmocka_unit_test(stored_passwords_of_other_forms_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
