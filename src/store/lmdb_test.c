/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_test.c - what only the embedded store promises: groups, locks, full
 * disks, restarts, copies, plans. */
#include "store/test_help.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "store/store_backend.h"

static struct store *
open_at(const char *dir, size_t map_size)
{
	struct lmdb_params p = { .dir = dir,
		.map_size = map_size != 0 ? map_size : HELP_MAP,
		.clock = &clock_system };
	struct store *s = NULL;

	OK(store_open_lmdb(&s, &p, e));
	return s;
}

static void
add_certs(struct store *s, uint64_t from, uint64_t n, enum cert_status status)
{
	for (uint64_t i = from; i < from + n;) {
		AUTO(batch) b = batch_new();

		for (int j = 0; j < 500 && i < from + n; j++, i++)
			batch_add(b, help_cert(i, status));
		OK(store_commit(s, b, e));
	}
}

struct seen {
	size_t n;
	uint64_t sum;
	char last[64], first[64];
	size_t stop_at;
};

static bool
see(void *arg, const struct rec *r)
{
	struct seen *x = arg;

	if (x->n == 0)
		snprintf(x->first, sizeof(x->first), "%s", r->id);
	snprintf(x->last, sizeof(x->last), "%s", r->id);
	x->n++;
	return x->n != x->stop_at;
}

static struct seen
search(struct store *s, const struct query *q)
{
	struct seen x = { 0 };

	OK(store_search(s, q, see, &x, e));
	return x;
}

static void
store_survives_a_restart(void **state)
{
	char *dir = help_folder();
	struct store *s = open_at(dir, 0);
	char generation[64];
	AUTO(rec) r = NULL;
	uint64_t usn;

	(void)state;
	snprintf(generation, sizeof(generation), "%s", store_generation(s));
	add_certs(s, 1, 10, CERT_VALID);
	usn = store_usn(s);
	assert_int_equal(usn, 10);
	store_free(s);
	s = open_at(dir, 0);
	assert_string_equal(store_generation(s), generation);
	assert_int_equal(store_usn(s), usn);
	OK(store_get(s, &r, REC_CERT, "a", e));
	assert_int_equal(r->usn, 10);
	add_certs(s, 11, 1, CERT_VALID);
	assert_int_equal(store_usn(s), usn + 1);
	store_free(s);
	help_remove(dir);
}

static void
second_process_is_refused(void **state)
{
	char *dir = help_folder();
	struct store *s = open_at(dir, 0);
	struct lmdb_params p = { .dir = dir, .map_size = HELP_MAP };
	struct store *t = NULL;
	int status = 0;
	pid_t pid;

	(void)state;
	RC(RC_CONFLICT, store_open_lmdb(&t, &p, e));
	if ((pid = fork()) == 0)
		_exit(store_open_lmdb(&t, &p, NULL) == RC_CONFLICT ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	store_free(s);
	help_remove(dir);
}

static void
full_map_refuses_the_commit_and_leaves_the_store_usable(void **state)
{
	char *dir = help_folder();
	struct store *s = open_at(dir, 2 * 1024 * 1024);
	struct err er = { 0 };
	uint64_t n = 0, count = 0;
	AUTO(rec) r = NULL;
	enum rc rc = RC_OK;

	(void)state;
	while (rc == RC_OK && n < 10000) {
		AUTO(batch) b = batch_new();

		batch_add(b, help_cert(n + 1, CERT_VALID));
		if ((rc = store_commit(s, b, &er)) == RC_OK)
			n++;
	}
	assert_int_equal(rc, RC_IO);
	assert_non_null(strstr(er.text, "largest size"));
	OK(store_count(s, &count, REC_CERT, NULL, e));
	assert_int_equal(count, n);
	assert_int_equal(store_usn(s), n);
	OK(store_get(s, &r, REC_CERT, "1", e));
	/* after that the store still takes what fits */
	{
		AUTO(batch) b = batch_new();

		for (uint64_t i = 1; i <= n; i++) {
			char id[24];

			snprintf(id, sizeof(id), "%llx", (unsigned long long)i);
			if (i % 2 == 0 && i < 40)
				batch_delete(b, REC_CERT, id);
		}
		rc = store_commit(s, b, &er);
	}
	store_free(s);
	s = open_at(dir, 4 * 1024 * 1024);
	add_certs(s, 100000, 10, CERT_VALID);
	store_free(s);
	help_remove(dir);
}

static void
child_with_a_full_disk(const char *dir)
{
	struct rlimit limit = { 400 * 1024, 400 * 1024 }, back;
	struct store *s = open_at(dir, 0);
	struct err er = { 0 };
	enum rc rc = RC_OK;
	uint64_t n = 0, count = 0;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &back);
	limit.rlim_max = back.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
	while (rc == RC_OK && n < 10000) {
		AUTO(batch) b = batch_new();

		batch_add(b, help_cert(n + 1, CERT_VALID));
		if ((rc = store_commit(s, b, &er)) == RC_OK)
			n++;
	}
	if (rc != RC_IO || strstr(er.text, "disk full") == NULL)
		_exit(2);
	if (store_count(s, &count, REC_CERT, NULL, NULL) != RC_OK ||
	    count != n || n < 10)
		_exit(3);
	setrlimit(RLIMIT_FSIZE, &back);
	{
		AUTO(batch) b = batch_new();

		batch_add(b, help_cert(n + 1, CERT_VALID));
		if (store_commit(s, b, NULL) != RC_OK)
			_exit(4);
	}
	store_free(s);
	s = open_at(dir, 0);
	if (store_count(s, &count, REC_CERT, NULL, NULL) != RC_OK ||
	    count != n + 1)
		_exit(5);
	store_free(s);
	_exit(0);
}

static void
full_disk_refuses_the_commit_and_leaves_the_store_usable(void **state)
{
	char *dir = help_folder();
	int status = 0;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0)
		child_with_a_full_disk(dir);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	help_remove(dir);
}

struct committer {
	struct store *s;
	uint64_t from;
	pthread_t thread;
};
enum {
	THREADS = 16,
	EACH = 50,
};

static void *
commit_some(void *arg)
{
	struct committer *c = arg;

	for (uint64_t i = 0; i < EACH; i++) {
		AUTO(batch) b = batch_new();

		batch_add(b, help_cert(c->from + i, CERT_VALID));
		OK(store_commit(c->s, b, e));
	}
	return NULL;
}

static void
in_order(void *arg, const struct feed_item *i)
{
	uint64_t *last = arg;

	assert_true(i->usn == *last + 1);
	assert_true(i->local);
	*last = i->usn;
}

static void
concurrent_commits_are_grouped_and_delivered_in_order(void **state)
{
	char *dir = help_folder();
	struct store *s = open_at(dir, 0);
	struct committer c[THREADS];
	struct store_stats st;
	AUTO(watch) w = NULL;
	uint64_t last = 0, count = 0;

	(void)state;
	OK(store_watch(s, &w, 1u << REC_CERT, UINT64_MAX, in_order, &last, e));
	for (uint64_t i = 0; i < THREADS; i++) {
		c[i] = (struct committer){ s, 1 + i * 1000, 0 };
		pthread_create(&c[i].thread, NULL, commit_some, &c[i]);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(c[i].thread, NULL);
	assert_int_equal(last, THREADS * EACH);
	OK(store_count(s, &count, REC_CERT, NULL, e));
	assert_int_equal(count, THREADS * EACH);
	store_stats(s, &st);
	assert_int_equal(st.commits, THREADS * EACH);
	assert_true(st.groups < st.commits);
	watch_freep(&w);
	store_free(s);
	help_remove(dir);
}

static void
one_refused_commit_does_not_hurt_its_group(void **state)
{
	char *dir = help_folder();
	struct store *s = open_at(dir, 0);
	AUTO(batch) b = batch_new();
	AUTO(rec) r = NULL;

	(void)state;
	add_certs(s, 1, 1, CERT_VALID);
	batch_add(b, help_cert(2, CERT_VALID));
	batch_add(b, help_cert(1, CERT_VALID));
	RC(RC_EXISTS, store_commit(s, b, e));
	RC(RC_NOTFOUND, store_get(s, &r, REC_CERT, "2", e));
	assert_int_equal(store_usn(s), 1);
	store_free(s);
	help_remove(dir);
}

static void
paging_reads_only_the_page(void **state)
{
	static const char *const orders[] = { NULL, "serialno", "-serialno",
		"dateOfCreate", "-dateOfCreate" };
	char *dir = help_folder();
	struct store *s = open_at(dir, 0);
	struct store_stats before, after;

	(void)state;
	add_certs(s, 1, 10000, CERT_VALID);
	for (size_t i = 0; i < 5; i++) {
		struct query q = { .kind = REC_CERT,
			.filter = "(certStatus=VALID)",
			.order = orders[i],
			.limit = 20 };
		struct seen x;

		store_stats(s, &before);
		x = search(s, &q);
		store_stats(s, &after);
		assert_int_equal(x.n, 20);
		assert_true(after.reads - before.reads <= 40);
		if (orders[i] == NULL || orders[i][0] != '-')
			assert_string_equal(x.first, "1");
		else
			assert_string_equal(x.first, "2710");
	}
	{
		struct query q = { .kind = REC_CERT,
			.filter = "(&(serialno>=03100)(serialno<=03200))" };
		struct seen x;

		store_stats(s, &before);
		x = search(s, &q);
		store_stats(s, &after);
		assert_int_equal(x.n, 101);
		assert_int_equal(after.reads - before.reads, 101);
	}
	store_free(s);
	help_remove(dir);
}

static void
revoked_scan_is_served_from_the_index(void **state)
{
	static const char *const attrs[] = { "serialno", "revInfo", NULL };
	struct query q = { .kind = REC_CERT,
		.filter = "(&(certStatus=REVOKED)(|(!(issuerName=*))"
			  "(issuerName=CN=Test CA,O=EXAMPLE)))",
		.attrs = attrs };
	char *dir = help_folder();
	struct store *s = open_at(dir, 0);
	struct store_stats before, after;
	struct seen x;

	(void)state;
	add_certs(s, 1, 100, CERT_VALID);
	add_certs(s, 1000, 300, CERT_REVOKED);
	store_stats(s, &before);
	x = search(s, &q);
	store_stats(s, &after);
	assert_int_equal(x.n, 300);
	assert_int_equal(after.reads, before.reads);
	store_free(s);
	help_remove(dir);
}

static void
release_leaves_the_covering_index(void **state)
{
	static const char *const attrs[] = { "serialno", "revInfo", NULL };
	struct query q = { .kind = REC_CERT,
		.filter = "(certStatus=REVOKED)",
		.attrs = attrs };
	char *dir = help_folder();
	struct store *s = open_at(dir, 0);
	AUTO(batch) b = batch_new();

	(void)state;
	add_certs(s, 1, 3, CERT_REVOKED);
	batch_modify(b, REC_CERT, "2");
	batch_mod_str(b, MOD_REPLACE, "revInfo", NULL);
	batch_mod_str(b, MOD_REPLACE, "certStatus", "VALID");
	OK(store_commit(s, b, e));
	assert_int_equal(search(s, &q).n, 2);
	store_free(s);
	help_remove(dir);
}

static void
plans_find_what_a_full_scan_finds(void **state)
{
	static const char *const filters[] = {
		"(certStatus=REVOKED)",
		"(|(certStatus=REVOKED)(certStatus=REVOKED_EXPIRED))",
		"(&(certStatus=VALID)(subjectName=CN=host25*))",
		"(subjectName=CN=HOST7.example.com,O=EXAMPLE)",
		"(&(notBefore>=20261118110712Z)(notBefore<=20261118110715Z))",
		"(notAfter<=20270510165000Z)",
		"(metaInfo=profileId:caServerCert)",
		"(&(metaInfo=requestId:26)(certStatus=REVOKED))",
		"(|(serialno=017)(serialno=018)(cn=9))",
		"(&(serialno>=0290)(!(certStatus=VALID)))",
		"(|(revokedOn=*)(serialno<=015))",
		"(|(issuedBy=admin)(subjectName=*nothing*))",
		"(revokedBy=nobody)",
		"(serialno=zz)",
	};
	char *dir = help_folder();
	struct store *s = open_at(dir, 0);

	(void)state;
	add_certs(s, 1, 300, CERT_VALID);
	add_certs(s, 301, 100, CERT_REVOKED);
	add_certs(s, 401, 50, CERT_REVOKED_EXPIRED);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		struct query q = { .kind = REC_CERT, .filter = filters[i] };
		AUTO(filter) f = NULL;
		size_t want = 0;
		uint64_t count = 0;

		OK(filter_parse(&f, filters[i], e));
		for (uint64_t n = 1; n <= 450; n++) {
			AUTO(rec)
			r = help_cert(n,
			    n <= 300       ? CERT_VALID
				: n <= 400 ? CERT_REVOKED
					   : CERT_REVOKED_EXPIRED);

			want += filter_match(f, r);
		}
		if (search(s, &q).n != want)
			fail_msg("%s: %zu, want %zu", filters[i],
			    search(s, &q).n, want);
		OK(store_count(s, &count, REC_CERT, filters[i], e));
		assert_int_equal(count, want);
	}
	store_free(s);
	help_remove(dir);
}

static void
backup_is_a_working_copy(void **state)
{
	char *dir = help_folder(), *to = help_folder();
	struct store *s = open_at(dir, 0);
	struct store *copy;
	uint64_t n = 0;

	(void)state;
	add_certs(s, 1, 100, CERT_VALID);
	OK(store_backup_lmdb(s, to, e));
	add_certs(s, 101, 1, CERT_VALID);
	copy = open_at(to, 0);
	assert_string_equal(store_generation(copy), store_generation(s));
	OK(store_count(copy, &n, REC_CERT, NULL, e));
	assert_int_equal(n, 100);
	RC(RC_EXISTS, store_backup_lmdb(s, to, e));
	store_free(copy);
	store_free(s);
	help_remove(dir);
	help_remove(to);
}

static void
read_only_store_reads_and_refuses_writes(void **state)
{
	char *dir = help_folder();
	struct store *s = open_at(dir, 0);
	struct lmdb_params p = {
		.dir = dir, .read_only = true, .map_size = HELP_MAP
	};
	AUTO(batch) b = batch_new();
	AUTO(rec) r = NULL;

	(void)state;
	add_certs(s, 1, 3, CERT_VALID);
	store_free(s);
	s = NULL;
	OK(store_open_lmdb(&s, &p, e));
	OK(store_get(s, &r, REC_CERT, "3", e));
	batch_delete(b, REC_CERT, "3");
	RC(RC_DENIED, store_commit(s, b, e));
	store_free(s);
	help_remove(dir);
}

static void
usn_of_a_restored_store_is_gone(void **state)
{
	char *dir = help_folder();
	struct store *s = open_at(dir, 0);
	struct watch *w = NULL;
	uint64_t last = 0;

	(void)state;
	add_certs(s, 1, 3, CERT_VALID);
	RC(RC_GONE, store_watch(s, &w, ~0u, 4, in_order, &last, e));
	store_free(s);
	help_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_survives_a_restart),
		cmocka_unit_test(second_process_is_refused),
		cmocka_unit_test(
		    full_map_refuses_the_commit_and_leaves_the_store_usable),
		cmocka_unit_test(
		    full_disk_refuses_the_commit_and_leaves_the_store_usable),
		cmocka_unit_test(
		    concurrent_commits_are_grouped_and_delivered_in_order),
		cmocka_unit_test(one_refused_commit_does_not_hurt_its_group),
		cmocka_unit_test(paging_reads_only_the_page),
		cmocka_unit_test(revoked_scan_is_served_from_the_index),
		cmocka_unit_test(release_leaves_the_covering_index),
		cmocka_unit_test(plans_find_what_a_full_scan_finds),
		cmocka_unit_test(backup_is_a_working_copy),
		cmocka_unit_test(read_only_store_reads_and_refuses_writes),
		cmocka_unit_test(usn_of_a_restored_store_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
