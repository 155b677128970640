/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_test.c - what only the directory back-end promises: changes made by
 * others, a server that goes and comes back, commits cut half-way. */
#include "store/ds_help.h"

#include <time.h>

#include "store/change_wire.h"
#include "store/ds_admin.h"
#include "store/ldap_int.h"
#include "store/rec_request.h"
#include "store/store_backend.h"

enum {
	WAIT_MS = 90000,
};

static struct store *a, *b; /* two processes on one directory */
static char *spool_a, *spool_b, base[128];
static unsigned cases;

static struct store *
open_at(const char *spool)
{
	AUTO(secret) password = secret_new(view_str("Secret.123"));
	struct ldap_params p = ds_params(password, base, spool);
	struct store *s = NULL;

	p.timeout_ms = 5000;
	OK(store_open_ldap(&s, &p, e));
	return s;
}

static int
begin(void **state)
{
	AUTO(secret) password = secret_new(view_str("Secret.123"));
	struct ldap_params p;

	(void)state;
	spool_a = help_folder();
	spool_b = help_folder();
	snprintf(base, sizeof(base), "o=two%u,%s", ++cases, DS_SUFFIX);
	p = ds_params(password, base, spool_a);
	OK(store_setup_ldap(&p, e));
	a = open_at(spool_a);
	b = open_at(spool_b);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	store_free(a);
	store_free(b);
	help_remove(spool_a);
	help_remove(spool_b);
	return 0;
}

struct log {
	pthread_mutex_t lock;
	char text[512];
	size_t n, local;
};

static void
note(void *arg, const struct feed_item *i)
{
	struct log *x = arg;
	size_t len;

	pthread_mutex_lock(&x->lock);
	len = strlen(x->text);
	snprintf(x->text + len, sizeof(x->text) - len, "[%s:%s]", i->id,
	    i->rec != NULL ? rec_str(i->rec, "certStatus") : "gone");
	x->n++;
	x->local += i->local;
	pthread_mutex_unlock(&x->lock);
}

/* Until n items are there, and a little longer for unwanted ones. */
static void
wait_for(struct log *x, size_t n)
{
	const struct timespec pause = { 0, 5000000 };
	size_t have = 0;

	for (int i = 0; i < WAIT_MS / 5 && have < n; i++) {
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&x->lock);
		have = x->n;
		pthread_mutex_unlock(&x->lock);
	}
	for (int i = 0; i < 40; i++)
		nanosleep(&pause, NULL);
}

static void
add(struct store *s, uint64_t n)
{
	AUTO(batch) x = batch_new();

	batch_add(x, help_cert(n, CERT_VALID));
	OK(store_commit(s, x, e));
}

static void
revoke_cert(struct store *s, const char *id)
{
	AUTO(batch) x = batch_new();

	batch_modify(x, REC_CERT, id);
	batch_mod_str(x, MOD_REPLACE, "certStatus", "REVOKED");
	OK(store_commit(s, x, e));
}

static void
changes_of_another_process_arrive_once(void **state)
{
	struct log log = { .lock = PTHREAD_MUTEX_INITIALIZER };
	AUTO(watch) w = NULL;
	AUTO(batch) gone = batch_new();

	(void)state;
	OK(store_watch(b, &w, 1u << REC_CERT, UINT64_MAX, note, &log, e));
	add(a, 1);
	add(b, 2);
	revoke_cert(a, "2");
	batch_delete(gone, REC_CERT, "1");
	OK(store_commit(a, gone, e));
	wait_for(&log, 4);
	assert_int_equal(log.n, 4);
	assert_int_equal(log.local, 1);
	assert_non_null(strstr(log.text, "[1:VALID]"));
	assert_non_null(strstr(log.text, "[2:REVOKED]"));
	assert_non_null(strstr(log.text, "[1:gone]"));
}

static void
lost_server_is_unavailable_and_its_gap_is_filled(void **state)
{
	struct log log = { .lock = PTHREAD_MUTEX_INITIALIZER };
	AUTO(watch) w = NULL;
	AUTO(batch) x = batch_new();
	struct rec *r = NULL;

	(void)state;
	OK(store_watch(b, &w, 1u << REC_CERT, UINT64_MAX, note, &log, e));
	add(a, 1);
	wait_for(&log, 1);
	assert_int_equal(ds_script("stop"), 0);
	RC(RC_UNAVAILABLE, store_get(a, &r, REC_CERT, "1", e));
	batch_add(x, help_cert(2, CERT_VALID));
	RC(RC_UNAVAILABLE, store_commit(a, x, e));
	assert_int_not_equal(store_health(b, NULL), RC_OK);
	RC(RC_UNAVAILABLE, store_catch_up(b, WAIT_MS, e));
	assert_int_equal(ds_script("start"), 0);
	OK(store_get(a, &r, REC_CERT, "1", e));
	rec_free(r);
	revoke_cert(a, "1"); /* b's search may or may not run again by now */
	wait_for(&log, 2);
	assert_string_equal(log.text, "[1:VALID][1:REVOKED]");
	OK(store_health(b, e));
}

static void
changes_while_down_are_caught_up_after_a_restart(void **state)
{
	struct log log = { .lock = PTHREAD_MUTEX_INITIALIZER };
	AUTO(watch) w = NULL;
	uint64_t since;

	(void)state;
	add(a, 1);
	add(a, 2);
	store_free(b);
	b = open_at(spool_b);
	since = store_usn(b);
	store_free(b);
	revoke_cert(a, "1");
	b = open_at(spool_b);
	OK(store_watch(b, &w, 1u << REC_CERT, since, note, &log, e));
	assert_string_equal(log.text, "[1:REVOKED]");
	add(a, 3);
	wait_for(&log, 2);
	assert_string_equal(log.text, "[1:REVOKED][3:VALID]");
}

static void
deletions_while_down_are_reported(void **state)
{
	struct log log = { .lock = PTHREAD_MUTEX_INITIALIZER };
	AUTO(batch) gone = batch_new();
	AUTO(watch) w = NULL;
	uint64_t since;

	(void)state;
	add(a, 1);
	add(a, 2);
	store_free(b);
	b = open_at(spool_b);
	since = store_usn(b);
	store_free(b);
	batch_delete(gone, REC_CERT, "1");
	OK(store_commit(a, gone, e));
	b = open_at(spool_b);
	OK(store_watch(b, &w, 1u << REC_CERT, since, note, &log, e));
	assert_string_equal(log.text, "[1:gone]");
}

static bool
spoil(void *arg, const struct ds_entry *x)
{
	OK(ds_set(arg, x->dn, MOD_REPLACE, "description", "other", e));
	return true;
}

/* As a directory is after it was restored or loaded from another: the sentinels
 * are not as they were left. */
static void
spoil_sentinels(void)
{
	AUTO(secret) password = secret_new(view_str("Secret.123"));
	struct ldap_params p = ds_params(password, base, spool_a);
	AUTO(ds_admin) list = NULL;
	AUTO(ds_admin) change = NULL;
	char top[160];

	snprintf(top, sizeof(top), "ou=signet,%s", base);
	OK(ds_admin_open(&list, &p, e));
	OK(ds_admin_open(&change, &p, e));
	OK(ds_search(
	    list, top, DS_ONE, "(objectClass=device)", NULL, spoil, change, e));
}

static void
a_directory_loaded_anew_is_noticed(void **state)
{
	struct log log = { .lock = PTHREAD_MUTEX_INITIALIZER };
	AUTO(watch) w = NULL;
	AUTO(watch) late = NULL;
	uint64_t since;

	(void)state;
	add(b, 1);
	OK(store_watch(b, &w, 1u << REC_CERT, UINT64_MAX, note, &log, e));
	spoil_sentinels();
	wait_for(&log, 1);
	assert_string_equal(log.text, "[:gone]"); /* read anew */
	add(a, 2);
	wait_for(&log, 2);
	assert_string_equal(log.text, "[:gone][2:VALID]");
	since = store_usn(b);
	watch_free(watch_steal(&w));
	store_free(b);
	spoil_sentinels();
	b = open_at(spool_b);
	RC(RC_GONE,
	    store_watch(b, &late, 1u << REC_CERT, since, note, &log, e));
}

/* An intention as a process leaves it that dies inside a commit: a mail, and
 * the certificate `more` that was still to be revoked. */
static void
leave_intent(const char *id, const char *decision, const char *more)
{
	AUTO(batch) rest = batch_new();
	AUTO_BUF change = buf_empty(0);
	struct lmdb_params p = { .dir = spool_a };
	struct rec *r = rec_new(REC_SETTING, id);
	AUTO(batch) x = batch_new();
	struct store *spool = NULL;

	rec_addf(r, "decisionKind", "%d", (int)REC_CERT);
	rec_add_str(r, "decisionId", decision);
	rec_add(r, "effect", view_of("0:mail\0hello", 12));
	batch_modify(rest, REC_CERT, more);
	batch_mod_str(rest, MOD_REPLACE, "certStatus", "REVOKED");
	buf_add_str(&change, "1:");
	change_write(&change, &rest->changes[0]);
	rec_add(r, "change", buf_view(&change));
	batch_add(x, r);
	OK(store_open_lmdb(&spool, &p, e));
	OK(store_commit(spool, x, e));
	store_free(spool);
}

static void
cut_commit_is_finished_when_its_decision_came_true(void **state)
{
	AUTO(rec) one = NULL;
	AUTO(rec) two = NULL;

	(void)state;
	add(a, 1);
	add(a, 2);
	store_free(a);
	leave_intent("intent-5", "1", "1");
	leave_intent("intent-6", "3", "2");
	a = open_at(spool_a);
	assert_int_equal(store_effects_waiting(a), 1);
	OK(store_get(a, &one, REC_CERT, "1", e));
	OK(store_get(a, &two, REC_CERT, "2", e));
	assert_string_equal(rec_str(one, "certStatus"), "REVOKED");
	assert_string_equal(rec_str(two, "certStatus"), "VALID");
	store_free(a);
	a = open_at(spool_a);
	assert_int_equal(store_effects_waiting(a), 1);
}

/* --- a directory that refuses for a while -------------------------------- */

static void
read_only(const char *on)
{
	AUTO(secret) password = secret_new(view_str("Secret.123"));
	struct ldap_params p = ds_params(password, base, NULL);
	AUTO(ds_admin) d = NULL;

	OK(ds_admin_open(&d, &p, e));
	OK(ds_set(d, "cn=userRoot,cn=ldbm database,cn=plugins,cn=config",
	    MOD_REPLACE, "nsslapd-readonly", on, e));
}

static void
read_only_from_now(void *arg, const struct feed_item *i)
{
	bool *done = arg;

	if (i->local && !*done)
		read_only("on");
	*done = true;
}

/* Certificate 1 is added; then the directory takes no more for a while. */
static void
commit_refused_behind_its_decision_is_finished_later(void **state)
{
	const struct timespec pause = { 0, 50000000 };
	AUTO(batch) x = batch_new();
	AUTO(watch) w = NULL;
	bool done = false;
	const char *status = "VALID";

	(void)state;
	add(a, 2);
	OK(store_watch(
	    a, &w, 1u << REC_CERT, UINT64_MAX, read_only_from_now, &done, e));
	batch_add(x, help_cert(1, CERT_VALID));
	batch_modify(x, REC_CERT, "2");
	batch_mod_str(x, MOD_REPLACE, "certStatus", "REVOKED");
	RC(RC_UNAVAILABLE, store_commit(a, x, e));
	read_only("off");
	for (int i = 0; i < WAIT_MS / 50 && strcmp(status, "REVOKED") != 0;
	     i++) {
		AUTO(rec) two = NULL;

		nanosleep(&pause, NULL);
		OK(store_get(a, &two, REC_CERT, "2", e));
		if (strcmp(rec_str(two, "certStatus"), "REVOKED") == 0)
			status = "REVOKED";
	}
	assert_string_equal(status, "REVOKED");
}

/* Every shortened and every changed form of a change is read or refused. */
/* --- what was seen, by number ------------------------------------------------ */

static void
asks_for(const struct dir_seen *s, const char *want)
{
	AUTO_BUF filter = buf_empty(0);

	dir_seen_filter(s, &filter);
	assert_string_equal(buf_cstr(&filter), want);
}

static void
numbers_jumped_over_are_asked_for(void **state)
{
	struct dir_seen s;

	(void)state;
	dir_seen_reset(&s, 1000);
	asks_for(&s, "(|(entryUSN>=873))");
	dir_seen_number(&s, 1001, 5);
	assert_int_equal(s.n_gaps, 0);
	dir_seen_number(&s, 1011, 6);
	dir_seen_number(&s, 2000, 7);
	asks_for(&s,
	    "(|(entryUSN>=1873)(&(entryUSN>=1002)(entryUSN<=1010))"
	    "(&(entryUSN>=1012)(entryUSN<=1999)))");
	dir_seen_number(&s, 1005, 8);
	dir_seen_number(&s, 1010, 8);
	dir_seen_number(&s, 1002, 8);
	dir_seen_number(&s, 1003, 8);
	dir_seen_number(&s, 1003, 8); /* a number given twice */
	asks_for(&s,
	    "(|(entryUSN>=1873)(entryUSN=1004)"
	    "(&(entryUSN>=1006)(entryUSN<=1009))"
	    "(&(entryUSN>=1012)(entryUSN<=1999)))");
	/* what was asked for goes only when no operation of then can come */
	dir_seen_asked(&s, 7);
	asks_for(&s, "(|(entryUSN>=1873)(&(entryUSN>=1012)(entryUSN<=1999)))");
	dir_seen_asked(&s, 8);
	asks_for(&s, "(|(entryUSN>=1873))");
}

static void
many_gaps_become_fewer_and_lose_no_number(void **state)
{
	enum {
		GAPS = 10 * LDAP_BE_GAPS
	};
	struct dir_seen s;

	(void)state;
	dir_seen_reset(&s, 0);
	for (uint64_t i = 1; i <= GAPS; i++)
		dir_seen_number(&s, 1000 * i, (int64_t)i);
	assert_true(s.n_gaps < LDAP_BE_GAPS);
	for (uint64_t i = 1; i <= GAPS; i++) {
		bool there = false;

		for (size_t g = 0; g < s.n_gaps; g++)
			there |= s.gaps[g].from <= 1000 * i - 1 &&
			    s.gaps[g].to >= 1000 * i - 1;
		assert_true(there);
	}
	dir_seen_asked(&s, GAPS);
	assert_int_equal(s.n_gaps, 1); /* the newest */
}

static void
an_older_state_is_known_as_such(void **state)
{
	struct dir_seen s;

	(void)state;
	dir_seen_reset(&s, 10);
	dir_seen_state(&s, 77, 12);
	assert_true(dir_seen_newer(&s, 77, 11));
	assert_true(dir_seen_newer(&s, 77, 12));
	assert_false(dir_seen_newer(&s, 77, 13));
	assert_false(dir_seen_newer(&s, 78, 12));
	/* a server that was loaded anew begins to count again */
	dir_seen_reset(&s, 3);
	assert_false(dir_seen_newer(&s, 77, 4));
}

static void
damaged_changes_are_refused(void **state)
{
	AUTO(batch) from = batch_new();

	(void)state;
	batch_modify(from, REC_CERT, "1f");
	batch_mod_str(from, MOD_ADD, "metaInfo", "a:b");
	batch_mod_str(from, MOD_REPLACE, "revInfo", NULL);
	batch_add(from, help_cert(7, CERT_VALID));
	batch_delete(from, REC_USER, "x");
	for (size_t i = 0; i < from->n; i++) {
		AUTO_BUF w = buf_empty(0);
		AUTO_BUF again = buf_empty(0);
		AUTO(batch) to = batch_new();

		change_write(&w, &from->changes[i]);
		OK(change_read(to, buf_view(&w), e));
		change_write(&again, &to->changes[0]);
		assert_true(view_eq(buf_view(&w), buf_view(&again)));
		for (size_t n = 0; n < w.len; n++) {
			AUTO(batch) cut = batch_new();
			AUTO(batch) odd = batch_new();

			/* a modification may end behind any of its parts */
			if (change_read(cut, view_of(w.data, n), NULL) == RC_OK)
				assert_int_equal(
				    from->changes[i].op, CHANGE_MODIFY);
			w.data[n] ^= 0x55;
			if (change_read(odd, buf_view(&w), NULL) == RC_OK)
				assert_int_equal(odd->n, 1);
			w.data[n] ^= 0x55;
		}
	}
}

static void
added_value_that_is_there_has_no_effect(void **state)
{
	AUTO(batch) x = batch_new();
	AUTO(rec) r = NULL;

	(void)state;
	add(a, 1);
	batch_modify(x, REC_CERT, "1");
	batch_mod_str(x, MOD_ADD, "metaInfo", "PROFILEID:caServerCert");
	batch_mod_str(x, MOD_ADD, "metaInfo", "new:1");
	OK(store_commit(a, x, e));
	OK(store_commit(a, x, e));
	OK(store_get(b, &r, REC_CERT, "1", e));
	assert_int_equal(rec_attr(r, "metaInfo")->n, 3);
}

static bool
add_id(void *arg, const struct rec *r)
{
	struct buf *ids = arg;

	buf_addf(ids, "[%s]", r->id);
	return true;
}

/* Pages and counts come from a list that is kept by the feed. */
static void
listings_follow_changes_of_others(void **state)
{
	struct query q = { .kind = REC_CERT,
		.filter = "(&(certStatus=*)(certStatus=VALID))",
		.start = 2,
		.limit = 3 };
	struct log log = { .lock = PTHREAD_MUTEX_INITIALIZER };
	AUTO_BUF all = buf_empty(0);
	AUTO_BUF page = buf_empty(0);
	AUTO(watch) w = NULL;
	AUTO(batch) gone = batch_new();
	uint64_t n = 0;

	(void)state;
	for (uint64_t i = 1; i <= 5; i++)
		add(a, i);
	store_free(b);
	b = open_at(spool_b);
	OK(store_count(b, &n, REC_CERT, NULL, e)); /* it is read now */
	assert_int_equal(n, 5);
	OK(store_watch(b, &w, 1u << REC_CERT, UINT64_MAX, note, &log, e));
	for (uint64_t i = 6; i <= 8; i++)
		add(a, i);
	revoke_cert(a, "2");
	batch_delete(gone, REC_CERT, "4");
	OK(store_commit(a, gone, e));
	wait_for(&log, 5);
	OK(store_search(b, &q, add_id, &page, e));
	assert_string_equal(buf_cstr(&page), "[5][6][7]");
	OK(store_count(b, &n, REC_CERT, q.filter, e));
	assert_int_equal(n, 6);
	OK(store_count(b, &n, REC_CERT, "(certStatus=REVOKED)", e));
	assert_int_equal(n, 1);
	q = (struct query){ .kind = REC_CERT, .limit = 100 };
	OK(store_search(b, &q, add_id, &all, e));
	assert_string_equal(buf_cstr(&all), "[1][2][3][5][6][7][8]");
}

static void
wrong_password_is_refused(void **state)
{
	AUTO(secret) password = secret_new(view_str("wrong"));
	char *spool = help_folder();
	struct ldap_params p = ds_params(password, base, spool);
	struct store *s = NULL;

	(void)state;
	RC(RC_AUTH, store_open_ldap(&s, &p, e));
	p.url = "ldap://127.0.0.1:1";
	RC(RC_UNAVAILABLE, store_open_ldap(&s, &p, e));
	help_remove(spool);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(changes_of_another_process_arrive_once),
		CASE(changes_while_down_are_caught_up_after_a_restart),
		CASE(cut_commit_is_finished_when_its_decision_came_true),
		CASE(commit_refused_behind_its_decision_is_finished_later),
		cmocka_unit_test(numbers_jumped_over_are_asked_for),
		cmocka_unit_test(many_gaps_become_fewer_and_lose_no_number),
		cmocka_unit_test(an_older_state_is_known_as_such),
		cmocka_unit_test(damaged_changes_are_refused),
		CASE(added_value_that_is_there_has_no_effect),
		CASE(deletions_while_down_are_reported),
		CASE(a_directory_loaded_anew_is_noticed),
		CASE(listings_follow_changes_of_others),
		CASE(wrong_password_is_refused),
		CASE(lost_server_is_unavailable_and_its_gap_is_filled),
	};

	return cmocka_run_group_tests(tests, ds_begin, ds_end);
}
