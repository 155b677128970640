/* SPDX-License-Identifier: Apache-2.0 */
/* admin_test.c - commands of users, groups and access rules over a store.
 * Owns:    a folder below TMPDIR while it runs.
 * Trusts:  nothing.
 * Threads: none. */
#include "auth/admin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"

static char dir[256];
static struct store *store;

static int
open_store(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct lmdb_params p = {
		.dir = dir, .map_size = (size_t)1 << 30, .clock = &clock_system
	};
	struct rec *r;
	AUTO(batch) b = batch_new();

	(void)state;
	snprintf(
	    dir, sizeof(dir), "%s/admin-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL ||
	    store_open_lmdb(&store, &p, NULL) != RC_OK || b == NULL)
		return -1;
	r = rec_new(REC_ACL, "aclResources");
	rec_add_str(r, "cn", "aclResources");
	rec_add_str(r, "resourceACLS", "a:read:allow (read) user=\"x\":text");
	batch_add(b, r);
	return store_commit(store, b, NULL) == RC_OK ? 0 : -1;
}

static int
close_store(void **state)
{
	(void)state;
	store_free(store);
	return file_remove_tree(dir, NULL) == RC_OK ? 0 : -1;
}

/* Runs command; text of args may be NULL. The answer goes to out if given. */
static enum rc
run(const char *command, const char *args, struct buf *out, bool *wrote)
{
	AUTO_BUF own = buf_empty(0);
	json_t *o =
	    args != NULL ? json_loads(args, JSON_DECODE_ANY, NULL) : NULL;
	bool w = false;
	enum rc rc;

	if (args != NULL)
		assert_non_null(o);
	rc = auth_admin(store, command, o, out != NULL ? out : &own, &w, NULL);
	if (wrote != NULL)
		*wrote = w;
	json_decref(o);
	return rc;
}

#define assert_answer(command, args, wanted)                             \
	do {                                                             \
		AUTO_BUF out = buf_empty(0);                             \
		assert_int_equal(run(command, args, &out, NULL), RC_OK); \
		assert_string_equal(buf_cstr(&out), wanted);             \
	} while (0)

static const char *const words[] = { "user-find", "user-show", "user-add",
	"user-mod", "user-del", "user-cert-find", "user-cert-add",
	"user-cert-del", "user-role-find", "user-role-add", "user-role-del",
	"group-find", "group-show", "group-add", "group-del",
	"group-member-find", "acl-find", "acl-add", "acl-del" };

static void
unknown_words_are_unsupported(void **state)
{
	(void)state;
	assert_int_equal(run("", NULL, NULL, NULL), RC_UNSUPPORTED);
	assert_int_equal(run("user", NULL, NULL, NULL), RC_UNSUPPORTED);
	assert_int_equal(run("user-find2", NULL, NULL, NULL), RC_UNSUPPORTED);
}

/* No command takes missing or foreign members for anything. */
static void
missing_or_wrong_arguments_change_nothing(void **state)
{
	static const char *const args[] = { NULL, "{}", "[]", "7",
		"{\"id\":7,\"group\":[],\"acl\":{},\"cert\":1}",
		"{\"id\":\"\",\"group\":\"\",\"acl\":\"\",\"cert\":\"\"}",
		"{\"id\":\"x,y\",\"group\":\"a=b\",\"acl\":\"::\","
		"\"cert\":\"AAAA\",\"fullName\":\"f\",\"certId\":\"\"}" };
	AUTO_BUF before = buf_empty(0), after = buf_empty(0);

	(void)state;
	assert_int_equal(run("user-find", "{}", &before, NULL), RC_OK);
	for (size_t w = 0; w < sizeof(words) / sizeof(*words); w++)
		for (size_t i = 0; i < sizeof(args) / sizeof(*args); i++) {
			bool wrote = false;
			enum rc rc = run(words[w], args[i], NULL, &wrote);

			assert_true(rc != RC_OK || !wrote);
			assert_int_not_equal(rc, RC_UNSUPPORTED);
		}
	assert_int_equal(run("user-find", "{}", &after, NULL), RC_OK);
	assert_string_equal(buf_cstr(&before), buf_cstr(&after));
}

static void
a_user_is_added_shown_changed_and_removed(void **state)
{
	bool wrote;

	(void)state;
	assert_int_equal(run("user-add",
			     "{\"id\":\"joe\",\"fullName\":\"Joe\","
			     "\"password\":\"Secret.123\"}",
			     NULL, &wrote),
	    RC_OK);
	assert_true(wrote);
	assert_int_equal(
	    run("user-add", "{\"id\":\"joe\",\"fullName\":\"Joe\"}", NULL,
		NULL),
	    RC_EXISTS);
	assert_int_equal(run("user-add",
			     "{\"id\":\"weak\",\"fullName\":\"W\","
			     "\"password\":\"short\"}",
			     NULL, NULL),
	    RC_INVALID);
	assert_answer("user-find", "{}",
	    "[{\"id\":\"joe\",\"fullName\":\"Joe\",\"type\":\"undefined\"}]");
	assert_int_equal(run("user-mod",
			     "{\"id\":\"joe\",\"attrs\":[{\"name\":\"mail\","
			     "\"value\":\"j@x\"}],\"addSeeAlso\":\"CN=a\"}",
			     NULL, NULL),
	    RC_OK);
	assert_answer("user-find", "{\"seeAlso\":\"CN=a\"}",
	    "[{\"id\":\"joe\",\"fullName\":\"Joe\",\"email\":\"j@x\","
	    "\"type\":\"undefined\"}]");
	assert_int_equal(
	    run("user-del", "{\"id\":\"joe\"}", NULL, NULL), RC_OK);
	assert_int_equal(
	    run("user-show", "{\"id\":\"joe\"}", NULL, NULL), RC_NOTFOUND);
	assert_answer("user-find", "{}", "[]");
}

static bool
has_password(const char *id)
{
	AUTO(rec) r = NULL;

	assert_int_equal(store_get(store, &r, REC_USER, id, NULL), RC_OK);
	return rec_str(r, "userPassword") != NULL;
}

static void
a_password_is_never_shown_nor_set_as_an_attribute(void **state)
{
	AUTO_BUF out = buf_empty(0);

	(void)state;
	assert_int_equal(run("user-add",
			     "{\"id\":\"p\",\"fullName\":\"P\","
			     "\"password\":\"Secret.123\"}",
			     NULL, NULL),
	    RC_OK);
	assert_int_equal(run("user-show", "{\"id\":\"p\"}", &out, NULL), RC_OK);
	assert_null(strstr(buf_cstr(&out), "PBKDF2"));
	assert_null(strstr(buf_cstr(&out), "assword"));
	assert_int_equal(
	    run("user-mod", "{\"id\":\"p\",\"password\":\"new\"}", NULL, NULL),
	    RC_INVALID);
	assert_true(has_password("p"));
	assert_int_equal(
	    run("user-mod", "{\"id\":\"p\",\"password\":\"\"}", NULL, NULL),
	    RC_OK);
	assert_false(has_password("p"));
	assert_int_equal(
	    run("user-mod",
		"{\"id\":\"p\",\"attrs\":[{\"name\":\"USERPASSWORD\","
		"\"value\":\"x\"}]}",
		NULL, NULL),
	    RC_INVALID);
	assert_int_equal(run("user-del", "{\"id\":\"p\"}", NULL, NULL), RC_OK);
}

static void
members_come_and_go_with_their_groups_and_users(void **state)
{
	(void)state;
	assert_int_equal(
	    run("group-add", "{\"group\":\"G\",\"description\":\"d\"}", NULL,
		NULL),
	    RC_OK);
	assert_int_equal(
	    run("user-role-add", "{\"id\":\"u\",\"group\":\"G\"}", NULL, NULL),
	    RC_NOTFOUND);
	assert_int_equal(
	    run("user-add", "{\"id\":\"u\",\"fullName\":\"U\"}", NULL, NULL),
	    RC_OK);
	assert_int_equal(run("user-role-add",
			     "{\"id\":\"u\",\"group\":\"none\"}", NULL, NULL),
	    RC_NOTFOUND);
	assert_int_equal(
	    run("user-role-add", "{\"id\":\"u\",\"group\":\"G\"}", NULL, NULL),
	    RC_OK);
	assert_answer("user-role-find", "{\"id\":\"u\"}", "[\"G\"]");
	assert_answer("group-member-find", "{\"group\":\"G\"}", "[\"u\"]");
	assert_answer("group-find", "{\"member\":\"U\"}",
	    "[{\"id\":\"G\",\"description\":\"d\"}]");
	assert_answer("group-find", "{\"member\":\"other\"}", "[]");
	assert_int_equal(run("user-del", "{\"id\":\"u\"}", NULL, NULL), RC_OK);
	assert_answer("group-member-find", "{\"group\":\"G\"}", "[]");
	assert_int_equal(
	    run("group-del", "{\"group\":\"G\"}", NULL, NULL), RC_OK);
	assert_answer("group-find", "{}", "[]");
}

static void
lists_come_in_pages(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		char args[64];

		snprintf(args, sizeof(args),
		    "{\"id\":\"u%d\",\"group\":\"g%d\",\"fullName\":\"U\"}", i,
		    i);
		assert_int_equal(run("user-add", args, NULL, NULL), RC_OK);
		assert_int_equal(run("group-add", args, NULL, NULL), RC_OK);
	}
	assert_answer("group-find", "{\"start\":1,\"size\":2}",
	    "[{\"id\":\"g1\"},{\"id\":\"g2\"}]");
	assert_answer("user-find", "{\"start\":4,\"size\":2}",
	    "[{\"id\":\"u4\",\"fullName\":\"U\",\"type\":\"undefined\"}]");
	assert_answer("user-find", "{\"start\":5,\"size\":2}", "[]");
}

static void
rules_that_cannot_be_read_are_not_stored(void **state)
{
	(void)state;
	assert_int_equal(
	    run("acl-add", "{\"acl\":\"b:read:grant\"}", NULL, NULL),
	    RC_INVALID);
	assert_int_equal(
	    run("acl-add", "{\"acl\":\"b:read:deny (read) user=\\\"y\\\":t\"}",
		NULL, NULL),
	    RC_OK);
	assert_int_equal(
	    run("acl-del", "{\"acl\":\"c:read:deny\"}", NULL, NULL),
	    RC_NOTFOUND);
	assert_int_equal(
	    run("acl-del",
		"{\"acl\":\"a:read:allow (read) user=\\\"x\\\":text\"}", NULL,
		NULL),
	    RC_OK);
	assert_answer(
	    "acl-find", NULL, "[\"b:read:deny (read) user=\\\"y\\\":t\"]");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_words_are_unsupported),
		cmocka_unit_test(missing_or_wrong_arguments_change_nothing),
		cmocka_unit_test(a_user_is_added_shown_changed_and_removed),
		cmocka_unit_test(
		    a_password_is_never_shown_nor_set_as_an_attribute),
		cmocka_unit_test(
		    members_come_and_go_with_their_groups_and_users),
		cmocka_unit_test(lists_come_in_pages),
		cmocka_unit_test(rules_that_cannot_be_read_are_not_stored),
	};

	return cmocka_run_group_tests(tests, open_store, close_store);
}
