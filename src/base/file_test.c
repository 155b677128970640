/* SPDX-License-Identifier: Apache-2.0 */
/* file_test.c - files, logs, secrets and paths on disk.
 * Owns:    its own temporary folder, if any.
 * Trusts:  nothing.
 * Threads: one, unless a case starts more. */
#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "base/secret.h"
#include "base/text.h"

static char dir[] = "/tmp/file_test-XXXXXX";
static char path[64];

static const char *
in_dir(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	return file_remove_tree(dir, NULL) == RC_OK && !file_exists(dir) ? 0
									 : -1;
}

static void
file_write_replaces_and_sets_mode(void **state)
{
	AUTO_BUF b = buf_empty(10);
	struct stat st;

	(void)state;
	assert_int_equal(
	    file_write(in_dir("w"), view_str("old"), 0600, NULL), RC_OK);
	assert_int_equal(
	    file_write(path, view_str("newer"), 0644, NULL), RC_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(file_read(&b, path, NULL), RC_OK);
	assert_int_equal(file_read(&b, path, NULL), RC_OK);
	assert_string_equal(buf_cstr(&b), "newernewer");
	assert_int_equal(
	    file_write(in_dir("no/such"), view_str(""), 0600, NULL), RC_IO);
}

static void
file_out_is_there_after_commit_only(void **state)
{
	AUTO(file_out) f = NULL;
	AUTO(file_out) g = NULL;
	AUTO_BUF piece = buf_empty(0);
	AUTO_BUF b = buf_empty(0);
	size_t i, n;

	(void)state;
	for (i = 0; i < 200000; i++)
		buf_add_char(&piece, (char)i);
	assert_int_equal(file_out_new(&f, in_dir("out"), 0600, NULL), RC_OK);
	assert_int_equal(file_out_new(&g, in_dir("out2"), 0600, NULL), RC_OK);
	for (i = 0; i < piece.len; i += n) {
		n = i % 3 == 0 ? 70000 : 777;
		if (n > piece.len - i)
			n = piece.len - i;
		assert_int_equal(
		    file_out_write(f, view_of(piece.data + i, n), NULL), RC_OK);
	}
	assert_false(file_exists(in_dir("out")));
	assert_int_equal(file_out_commit(f, NULL), RC_OK);
	assert_int_equal(file_read(&b, in_dir("out"), NULL), RC_OK);
	assert_true(view_eq(buf_view(&b), buf_view(&piece)));
	file_out_free(file_out_steal(&g));
	assert_false(file_exists(in_dir("out2")));
}

static void
file_read_holds_the_limit(void **state)
{
	AUTO_BUF b = buf_empty(4);
	struct err e;

	(void)state;
	assert_int_equal(
	    file_write(in_dir("r"), view_str("12345"), 0600, NULL), RC_OK);
	assert_int_equal(file_read(&b, path, &e), RC_TOOBIG);
	buf_reset(&b);
	assert_int_equal(file_write(path, view_str(""), 0600, NULL), RC_OK);
	assert_int_equal(file_read(&b, path, &e), RC_OK);
	assert_int_equal(b.len, 0);
	assert_int_equal(file_read(&b, in_dir("none"), &e), RC_NOTFOUND);
	assert_int_equal(file_read(&b, "/proc/self/status", &e), RC_TOOBIG);
	assert_int_equal(file_read(&b, dir, &e), RC_IO);
}

static void
file_trees_come_and_go(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(file_mkdirs(in_dir("a/b//c/"), 0750, NULL), RC_OK);
	assert_int_equal(file_mkdirs(path, 0750, NULL), RC_OK);
	assert_int_equal(
	    file_write(in_dir("a/b/f"), view_str("x"), 0600, NULL), RC_OK);
	assert_int_equal(file_mkdirs(in_dir("a/b/f/x"), 0750, NULL), RC_IO);
	assert_int_equal(file_mkdirs(in_dir("a/b/f"), 0750, NULL), RC_IO);
	assert_int_equal(
	    file_write(in_dir("keep"), view_str("x"), 0600, NULL), RC_OK);
	assert_int_equal(symlink("../keep", in_dir("a/link")), 0);
	assert_int_equal(symlink("nowhere", in_dir("a/dangling")), 0);
	assert_true(file_exists(path));
	assert_int_equal(
	    file_chown_tree(in_dir("a"), getuid(), (gid_t)-1, NULL), RC_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, getuid());
	assert_int_equal(file_remove_tree(path, NULL), RC_OK);
	assert_false(file_exists(path));
	assert_true(file_exists(in_dir("keep")));
	assert_int_equal(file_remove_tree(in_dir("a"), NULL), RC_OK);
}

static void
log_writes_one_clean_line(void **state)
{
	AUTO_BUF b = buf_empty(0);
	enum log_level level;
	const char *line;

	(void)state;
	assert_int_equal(
	    log_open(in_dir("log-%F"), LOG_LEVEL_INFO, NULL), RC_OK);
	log_debug("test", "not written");
	log_warning("test", "two\nlines \x1b[0m key=%d", 5);
	assert_false(log_on(LOG_LEVEL_DEBUG));
	assert_false(log_level_of(&level, "loud"));
	assert_true(log_level_of(&level, "debug"));
	log_set_level(level);
	assert_true(log_on(LOG_LEVEL_DEBUG));
	log_debug("test", "written");
	log_close();
	assert_int_equal(
	    log_open(in_dir("no/log"), LOG_LEVEL_INFO, NULL), RC_IO);
	(void)snprintf(path, sizeof(path), "cat %s/log-2* > %s/log", dir, dir);
	assert_int_equal(system(path), 0);
	assert_int_equal(file_read(&b, in_dir("log"), NULL), RC_OK);
	line = buf_cstr(&b);
	assert_int_equal(line[23], 'Z');
	assert_true(text_starts(
	    strchr(line, ' '), " warning test: two?lines ?[0m key=5\n2"));
	assert_true(text_ends(line, "Z debug test: written\n"));
}

static void
secret_file_gives_its_first_line(void **state)
{
	AUTO(secret) s = NULL;
	struct err e;

	(void)state;
	assert_int_equal(file_write(in_dir("pw"),
			     view_str("Secret.123\r\nmore\n"), 0600, NULL),
	    RC_OK);
	assert_int_equal(secret_read_file(&s, path, &e), RC_OK);
	assert_string_equal(secret_cstr(s), "Secret.123");
	assert_true(secret_eq(s, view_str("Secret.123")));
	assert_false(secret_eq(s, view_str("Secret.124")));
	assert_false(secret_eq(s, view_str("Secret")));
	secret_free(secret_steal(&s));
	assert_int_equal(secret_read_file(&s, in_dir("none"), &e), RC_NOTFOUND);
}

static void
secret_works_before_and_after_setup(void **state)
{
	AUTO(secret) early = secret_new(view_str("early"));
	AUTO(secret) late = NULL;
	AUTO(secret) random = NULL;
	bool locked = false;

	(void)state;
	assert_int_equal(secret_setup(&locked, NULL), RC_OK);
	assert_int_equal(secret_setup(&locked, NULL), RC_OK);
	late = secret_new(view_of(NULL, 0));
	random = secret_random(40);
	assert_string_equal(secret_cstr(early), "early");
	assert_int_equal(secret_view(late).len, 0);
	assert_true(secret_eq(late, view_str("")));
	assert_int_equal(strlen(secret_cstr(random)), 40);
	assert_int_equal(strspn(secret_cstr(random),
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789"),
	    40);
}

static void
path_root_stands_before_every_path(void **state)
{
	AUTO_STR p = NULL;

	(void)state;
	setenv("PKI_ROOT", "/env/root/", 1);
	setenv("HOME", "/home/x", 1);
	assert_string_equal(path_root(), "/env/root");
	assert_string_equal(path_home(), "/env/root/home/x");
	assert_int_equal(path_set_root("/r//", NULL), RC_OK);
	p = path_new("/etc/%s", "pki");
	assert_string_equal(p, "/r/etc/pki");
	assert_int_equal(path_set_root("", NULL), RC_OK);
	assert_string_equal(path_root(), "");
	assert_int_equal(path_set_root("rel", NULL), RC_OK);
	assert_int_equal(path_root()[0], '/');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_write_replaces_and_sets_mode),
		cmocka_unit_test(file_out_is_there_after_commit_only),
		cmocka_unit_test(file_read_holds_the_limit),
		cmocka_unit_test(file_trees_come_and_go),
		cmocka_unit_test(log_writes_one_clean_line),
		cmocka_unit_test(secret_file_gives_its_first_line),
		cmocka_unit_test(secret_works_before_and_after_setup),
		cmocka_unit_test(path_root_stands_before_every_path),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
