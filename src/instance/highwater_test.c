/* SPDX-License-Identifier: Apache-2.0 */
/* highwater_test.c - a store that was put back, copied or exchanged is noticed;
 * rows are durable and only rise. */
#include "store/test_help.h"

#include "base/log.h"
#include "base/path.h"
#include "instance/highwater.h"
#include "store/sim.h"

static char *folder;
static struct instance_paths *paths;

static int
begin(void **state)
{
	(void)state;
	folder = help_folder();
	OK(path_set_root(folder, e));
	OK(instance_paths_new(&paths, "t", e));
	return 0;
}

static int
end(void **state)
{
	(void)state;
	instance_paths_free(paths);
	paths = NULL;
	help_remove(folder);
	return 0;
}

static struct store *
open_store(const char *name)
{
	char dir[256];
	struct store *s = NULL;

	snprintf(dir, sizeof(dir), "%s/%s", folder, name);
	struct lmdb_params p = {
		.dir = dir, .map_size = (size_t)1 << 30, .clock = &clock_system
	};
	OK(store_open_lmdb(&s, &p, e));
	return s;
}

static void
add_certs(struct store *s, uint64_t from, uint64_t n)
{
	for (uint64_t i = from; i < from + n; i++) {
		AUTO(batch) b = batch_new();
		batch_add(b, help_cert(i, CERT_VALID));
		OK(store_commit(s, b, e));
	}
}

/* Binds, and says whether the store counts as restored. */
static bool
restored(struct store *s, char *why, size_t size)
{
	AUTO(highwater) h = NULL;
	bool is;

	OK(highwater_open(&h, paths, "ca", e));
	OK(highwater_bind(h, s, true, "ca.example.com", &clock_system, e));
	is = highwater_restored(h, why, size);
	if (is)
		OK(highwater_accept(h, e));
	return is;
}

static void
a_store_that_goes_on_is_not_restored(void **state)
{
	struct store *s = open_store("db");

	(void)state;
	assert_false(restored(s, NULL, 0));
	add_certs(s, 1, 5);
	assert_false(restored(s, NULL, 0));
	store_free(s);
	s = open_store("db");
	assert_false(restored(s, NULL, 0));
	store_free(s);
}

static void
an_older_store_is_noticed_and_gets_another_host_id(void **state)
{
	struct store *s = open_store("db");
	AUTO(highwater) h = NULL;
	char why[256], copy[256];
	uint16_t id;

	(void)state;
	add_certs(s, 1, 3);
	snprintf(copy, sizeof(copy), "%s/copy", folder);
	assert_false(restored(s, NULL, 0));
	OK(store_backup_lmdb(s, copy, e));
	add_certs(s, 4, 3);
	OK(highwater_open(&h, paths, "ca", e));
	id = highwater_host_id(h);
	assert_int_not_equal(id, 0);
	assert_false(restored(s, NULL, 0));
	store_free(s);
	s = open_store("copy");
	assert_true(restored(s, why, sizeof(why)));
	assert_non_null(strstr(why, "behind"));
	highwater_free(h);
	OK(highwater_open(&h, paths, "ca", e));
	assert_int_not_equal(highwater_host_id(h), id);
	/* told once, it is at home */
	assert_false(restored(s, NULL, 0));
	store_free(s);
}

static void
a_copy_on_another_host_is_noticed(void **state)
{
	struct store *s = open_store("db");
	char why[256];

	(void)state;
	assert_false(restored(s, NULL, 0));
	OK(file_remove_tree(paths->host, e));
	assert_true(restored(s, why, sizeof(why)));
	assert_non_null(strstr(why, "/var/lib/pki/.host/t/ca.highwater is"));
	assert_null(strstr(why, folder));
	store_free(s);
}

static void
an_exchanged_store_is_noticed(void **state)
{
	struct store *s = open_store("db"), *other = open_store("other");
	char why[256];

	(void)state;
	assert_false(restored(s, NULL, 0));
	assert_true(restored(other, why, sizeof(why)));
	assert_non_null(strstr(why, "another"));
	store_free(s);
	store_free(other);
}

static void
restored_stays_until_accepted(void **state)
{
	struct store *s = open_store("db");
	AUTO(highwater) h = NULL;

	(void)state;
	assert_false(restored(s, NULL, 0));
	OK(file_remove_tree(paths->host, e));
	for (int i = 0; i < 2; i++) {
		OK(highwater_open(&h, paths, "ca", e));
		OK(highwater_bind(
		    h, s, true, "ca.example.com", &clock_system, e));
		assert_true(highwater_restored(h, NULL, 0));
		highwater_free(h);
		h = NULL;
	}
	store_free(s);
}

static void
hosts_of_one_directory_get_different_ids(void **state)
{
	AUTO(sim) sim = sim_new(1795000000000);
	uint16_t ids[20];

	(void)state;
	assert_int_equal(sim_add_replica(sim), 0);
	for (size_t i = 0; i < 20; i++) {
		AUTO(highwater) h = NULL;
		char name[8];
		snprintf(name, sizeof(name), "s%zu", i);
		OK(highwater_open(&h, paths, name, e));
		/* its installation: not a copy, though others are there */
		OK(highwater_new_host(h, sim_store(sim, 0), false,
		    "ca.example.com", sim_clock(sim), e));
		assert_false(highwater_restored(h, NULL, 0));
		ids[i] = highwater_host_id(h);
		assert_int_not_equal(ids[i], 0);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(ids[i], ids[k]);
	}
}

static void
rows_are_durable_and_only_rise(void **state)
{
	static const struct highwater_row rows[] = { { "a", "x" },
		{ "b", "y" } };
	static const struct highwater_row gone = { "a", NULL };
	AUTO(highwater) h = NULL;
	AUTO_STR text = NULL;
	struct num n = num_from_u64(77), less = num_from_u64(70), is;

	(void)state;
	OK(highwater_open(&h, paths, "ca", e));
	OK(highwater_raise(h, "crl.M.number", &n, e));
	OK(highwater_raise(h, "crl.M.number", &less, e));
	OK(highwater_set(h, rows, 2, e));
	OK(highwater_set(h, &gone, 1, e));
	highwater_free(h);
	OK(highwater_open(&h, paths, "ca", e));
	is = highwater_num(h, "crl.M.number");
	assert_int_equal(num_cmp(&is, &n), 0);
	is = highwater_num(h, "absent");
	less = num_from_u64(0);
	assert_int_equal(num_cmp(&is, &less), 0);
	assert_null(highwater_text(h, "a"));
	text = highwater_text(h, "b");
	assert_string_equal(text, "y");
}

static void
a_failed_write_changes_nothing(void **state)
{
	AUTO(highwater) h = NULL;
	struct num n = num_from_u64(5), is;

	(void)state;
	OK(highwater_open(&h, paths, "ca", e));
	OK(highwater_raise(h, "x", &n, e));
	/* the folder is a file now */
	OK(file_remove_tree(paths->host, e));
	OK(file_write(paths->host, view_str("no folder"), 0600, e));
	n = num_from_u64(6);
	RC(RC_IO, highwater_raise(h, "x", &n, e));
	is = highwater_num(h, "x");
	n = num_from_u64(5);
	assert_int_equal(num_cmp(&is, &n), 0);
}

static void
a_damaged_file_is_refused(void **state)
{
	AUTO(highwater) h = NULL;
	char path[512];

	(void)state;
	OK(file_mkdirs(paths->host, 0700, e));
	snprintf(path, sizeof(path), "%s/ca.highwater", paths->host);
	OK(file_write(path, view_str("hostid=70000\n"), 0600, e));
	RC(RC_INVALID, highwater_open(&h, paths, "ca", e));
	OK(file_write(path, view_str("nonsense\n"), 0600, e));
	RC(RC_INVALID, highwater_open(&h, paths, "ca", e));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_store_that_goes_on_is_not_restored),
		CASE(an_older_store_is_noticed_and_gets_another_host_id),
		CASE(a_copy_on_another_host_is_noticed),
		CASE(an_exchanged_store_is_noticed),
		CASE(restored_stays_until_accepted),
		CASE(hosts_of_one_directory_get_different_ids),
		CASE(rows_are_durable_and_only_rise),
		CASE(a_failed_write_changes_nothing),
		CASE(a_damaged_file_is_refused),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
