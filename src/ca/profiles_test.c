/* SPDX-License-Identifier: Apache-2.0 */
/* profiles_test.c - profile records and their files: what an edit by hand, a
 * change made here and one made on another CA come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "ca/profile_view.h"
#include "ca/profiles.h"
#include "store/sim.h"

#define ID "caServerCert"
#define SET "policyset.serverCertSet."

/* One CA: a store, a folder of files ("": none), a clock, the profiles. */
struct site {
	char dir[64], files[96], applied[96];
	struct clock clock;
	int64_t ahead_ms; /* of the simulator's clock */
	struct sim *sim;
	struct store *store;
	struct profiles *p;
	struct watch *watch;
};

static void
arrived(void *arg, const struct feed_item *i)
{
	struct site *s = arg;

	profiles_follow(s->p, i->id, i->rec);
}

static void
start(struct site *s)
{
	assert_int_equal(
	    profiles_new(&s->p, s->store, s->files[0] != '\0' ? s->files : NULL,
		s->applied, &s->clock, NULL),
	    RC_OK);
	assert_int_equal(store_watch(s->store, &s->watch, 1u << REC_PROFILE,
			     UINT64_MAX, arrived, s, NULL),
	    RC_OK);
	assert_int_equal(profiles_start(s->p, NULL), RC_OK);
}

static void
stop(struct site *s)
{
	watch_free(s->watch);
	profiles_free(s->p);
	s->watch = NULL;
	s->p = NULL;
}

static int
set_up(void **state)
{
	static struct site s;
	char lmdb[96], from[96];
	struct lmdb_params p = {
		.dir = lmdb, .map_size = (size_t)1 << 30, .clock = &clock_system
	};
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);

	s = (struct site){ .dir = "/tmp/profiles_test-XXXXXX",
		.clock = clock_system };
	assert_non_null(mkdtemp(s.dir));
	(void)snprintf(lmdb, sizeof(lmdb), "%s/db", s.dir);
	(void)snprintf(from, sizeof(from), "%s/from", s.dir);
	(void)snprintf(s.files, sizeof(s.files), "%s/files", s.dir);
	(void)snprintf(s.applied, sizeof(s.applied), "%s/applied", s.dir);
	assert_int_equal(store_open_lmdb(&s.store, &p, NULL), RC_OK);
	assert_int_equal(file_mkdirs(s.files, 0700, NULL), RC_OK);
	assert_int_equal(file_mkdirs(from, 0700, NULL), RC_OK);
	assert_int_equal(file_read(&text, PROFILES "/" ID ".cfg", NULL), RC_OK);
	(void)snprintf(from, sizeof(from), "%s/from/" ID ".cfg", s.dir);
	assert_int_equal(file_write(from, buf_view(&text), 0600, NULL), RC_OK);
	(void)snprintf(from, sizeof(from), "%s/from", s.dir);
	assert_int_equal(
	    profiles_install(s.store, from, s.files, s.applied, NULL), RC_OK);
	start(&s);
	*state = &s;
	return 0;
}

static int
tear_down(void **state)
{
	struct site *s = *state;

	stop(s);
	store_free(s->store);
	assert_int_equal(file_remove_tree(s->dir, NULL), RC_OK);
	return 0;
}

static const char *
file_of(const struct site *s, const char *id)
{
	static char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s.cfg", s->files, id);
	return path;
}

/* The profile in the file; NULL: none. */
static struct profile *
in_file(const struct site *s, const char *id)
{
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	struct profile *x = NULL;

	if (file_read(&text, file_of(s, id), NULL) == RC_OK)
		assert_int_equal(
		    profile_parse(&x, buf_view(&text), id, NULL), RC_OK);
	return x;
}

static struct profile *
in_record(const struct site *s, const char *id)
{
	AUTO(rec) r = NULL;
	struct profile *x = NULL;

	if (store_get(s->store, &r, REC_PROFILE, id, NULL) == RC_OK)
		assert_int_equal(profiles_decode(&x, r, NULL), RC_OK);
	return x;
}

/* What file, record and memory say of a key: all the same. */
static void
everywhere(const struct site *s, const char *key, const char *value)
{
	AUTO(profile) f = in_file(s, ID);
	AUTO(profile) r = in_record(s, ID);
	AUTO(profile) m = NULL;

	assert_int_equal(profiles_get(s->p, &m, ID, NULL), RC_OK);
	assert_non_null(f);
	assert_non_null(r);
	assert_string_equal(profile_get(r, key), value);
	assert_string_equal(profile_get(m, key), value);
	assert_string_equal(profile_get(f, key), value);
}

/* A hand edits the file. */
static void
edit(const struct site *s, const char *key, const char *value)
{
	struct profile_param c = { key, value };
	AUTO(profile) old = in_file(s, ID);
	AUTO(profile) now = NULL;
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);

	assert_int_equal(profile_edit(&now, old, &c, 1, NULL), RC_OK);
	buf_add_str(&text, "# by hand\n");
	profile_encode(now, &text, false);
	assert_int_equal(
	    file_write(file_of(s, ID), buf_view(&text), 0600, NULL), RC_OK);
}

/* Another CA changes the record: the texts that replace what is there. */
static void
change_there(const struct site *s, const char *key, const char *const *values)
{
	AUTO(profile) old = in_record(s, ID);
	AUTO(batch) b = batch_new();

	batch_modify(b, REC_PROFILE, ID);
	for (size_t i = 0; values[i] != NULL; i++) {
		char when[24];
		struct profile_param c[2] = { { key, values[i] },
			{ "lastModified", when } };
		AUTO(profile) now = NULL;
		AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);

		(void)snprintf(when, sizeof(when), "%zu", i);
		assert_int_equal(profile_edit(&now, old, c, 2, NULL), RC_OK);
		profile_encode(now, &text, false);
		batch_mod(b, MOD_REPLACE, "certProfileConfig", buf_view(&text));
	}
	assert_int_equal(store_commit(s->store, b, NULL), RC_OK);
}

static void
change_one(const struct site *s, const char *key, const char *value)
{
	const char *const values[] = { value, NULL };

	change_there(s, key, values);
}

/* --- the merge ------------------------------------------------------------------ */

static struct profile *
with(const struct profile *p, const char *key, const char *value)
{
	struct profile_param c = { key, value };
	struct profile *x = NULL;

	assert_int_equal(profile_edit(&x, p, &c, 1, NULL), RC_OK);
	return x;
}

static void
both_edits_of_a_profile_count(void **state)
{
	AUTO(profile) base = in_record(*state, ID);
	AUTO(profile) named = with(base, "name", "mine");
	AUTO(profile) mine = with(named, "xmlOutput", NULL);
	AUTO(profile) theirs = with(base, "desc", "theirs");
	AUTO(profile) out = NULL;
	size_t clashes;

	assert_int_equal(
	    profile_merge(&out, base, mine, theirs, &clashes, NULL), RC_OK);
	assert_int_equal(clashes, 0);
	assert_string_equal(out->name, "mine");
	assert_string_equal(out->desc, "theirs");
	assert_null(profile_get(out, "xmlOutput"));
}

static void
of_one_line_edited_twice_the_files_counts(void **state)
{
	AUTO(profile) base = in_record(*state, ID);
	AUTO(profile) mine = with(base, "name", "mine");
	AUTO(profile) theirs = with(base, "name", "theirs");
	AUTO(profile) out = NULL;
	size_t clashes;

	assert_int_equal(
	    profile_merge(&out, base, mine, theirs, &clashes, NULL), RC_OK);
	assert_int_equal(clashes, 1);
	assert_string_equal(out->name, "mine");
}

static void
a_merge_that_is_no_profile_is_refused(void **state)
{
	/* one takes policy 8 out, the other one only moves it */
	struct profile_param out_of[] = { { SET "list", "1,2,3,4,5,6,7" },
		{ SET "8.default.class_id", NULL },
		{ SET "8.constraint.class_id", NULL } };
	AUTO(profile) base = in_record(*state, ID);
	AUTO(profile) mine = with(base, SET "list", "8,1,2,3,4,5,6,7");
	AUTO(profile) theirs = NULL;
	AUTO(profile) out = NULL;
	struct err e = { RC_OK, "" };
	size_t clashes;

	assert_int_equal(profile_edit(&theirs, base, out_of, 3, NULL), RC_OK);
	assert_int_equal(
	    profile_merge(&out, base, mine, theirs, &clashes, &e), RC_INVALID);
	assert_non_null(strstr(e.text, "policyset.serverCertSet.8"));
}

/* --- files and records ------------------------------------------------------------ */

static void
an_edited_file_changes_the_record_at_start(void **state)
{
	struct site *s = *state;

	stop(s);
	edit(s, "desc", "by hand");
	start(s);
	everywhere(s, "desc", "by hand");
}

static void
a_change_elsewhere_rewrites_the_file(void **state)
{
	struct site *s = *state;

	change_one(s, "desc", "elsewhere");
	profiles_tick(s->p);
	everywhere(s, "desc", "elsewhere");
}

static void
a_change_elsewhere_while_down_rewrites_the_file(void **state)
{
	struct site *s = *state;

	stop(s);
	change_one(s, "desc", "elsewhere");
	start(s);
	everywhere(s, "desc", "elsewhere");
}

static void
an_edit_that_waits_is_not_overwritten(void **state)
{
	struct site *s = *state;

	edit(s, "desc", "by hand");
	change_one(s, "name", "elsewhere");
	profiles_tick(s->p);
	AUTO(profile) f = in_file(s, ID);
	assert_string_equal(f->desc, "by hand");
	assert_string_not_equal(f->name, "elsewhere");
	stop(s);
	start(s);
	everywhere(s, "desc", "by hand");
	everywhere(s, "name", "elsewhere");
}

static void
deleted_elsewhere_the_file_goes(void **state)
{
	struct site *s = *state;
	AUTO(batch) b = batch_new();

	batch_delete(b, REC_PROFILE, ID);
	assert_int_equal(store_commit(s->store, b, NULL), RC_OK);
	profiles_tick(s->p);
	assert_false(file_exists(file_of(s, ID)));
	stop(s);
	start(s);
	assert_null(in_record(s, ID));
	assert_false(file_exists(file_of(s, ID)));
}

static void
edited_here_and_deleted_elsewhere_stays(void **state)
{
	struct site *s = *state;
	AUTO(batch) b = batch_new();

	stop(s);
	edit(s, "desc", "by hand");
	batch_delete(b, REC_PROFILE, ID);
	assert_int_equal(store_commit(s->store, b, NULL), RC_OK);
	start(s);
	everywhere(s, "desc", "by hand");
}

static void
a_removed_file_comes_back(void **state)
{
	struct site *s = *state;

	stop(s);
	assert_int_equal(unlink(file_of(s, ID)), 0);
	start(s);
	AUTO(profile) f = in_file(s, ID);
	AUTO(profile) r = in_record(s, ID);
	assert_non_null(f);
	assert_true(profile_same(f, r));
}

static void
without_what_was_applied_the_record_counts(void **state)
{
	struct site *s = *state;
	char aside[200];

	stop(s);
	edit(s, "desc", "stale");
	assert_int_equal(unlink(s->applied), 0);
	change_one(s, "name", "elsewhere");
	start(s);
	everywhere(s, "name", "elsewhere");
	AUTO(profile) r = in_record(s, ID);
	assert_string_not_equal(r->desc, "stale");
	(void)snprintf(aside, sizeof(aside), "%s.replaced", file_of(s, ID));
	assert_true(file_exists(aside));
}

static void
a_new_file_becomes_a_profile(void **state)
{
	struct site *s = *state;
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);

	stop(s);
	assert_int_equal(file_read(&text, file_of(s, ID), NULL), RC_OK);
	assert_int_equal(
	    file_write(file_of(s, "mine"), buf_view(&text), 0600, NULL), RC_OK);
	start(s);
	AUTO(profile) x = NULL;
	assert_int_equal(profiles_get(s->p, &x, "mine", NULL), RC_OK);
	AUTO(profile) r = in_record(s, "mine");
	assert_non_null(r);
}

static void
a_bad_file_changes_nothing(void **state)
{
	struct site *s = *state;

	stop(s);
	AUTO(profile) before = in_record(s, ID);
	assert_int_equal(
	    file_write(file_of(s, ID),
		view_str("policyset.list=a\npolicyset.a.list=1\n"), 0600, NULL),
	    RC_OK);
	start(s);
	AUTO(profile) after = in_record(s, ID);
	assert_true(profile_same(before, after));
}

static void
of_two_changes_at_once_the_later_counts_in_any_order(void **state)
{
	static const char *const orders[][3] = { { "a", "b", NULL },
		{ "b", "a", NULL } };
	struct site *s = *state;

	for (size_t i = 0; i < 2; i++) {
		AUTO(rec) r = NULL;

		change_there(s, "desc", orders[i]);
		AUTO(profile) m = NULL;
		assert_int_equal(profiles_get(s->p, &m, ID, NULL), RC_OK);
		assert_string_equal(m->desc, orders[i][1]);
		profiles_tick(s->p);
		everywhere(s, "desc", orders[i][1]);
		assert_int_equal(
		    store_get(s->store, &r, REC_PROFILE, ID, NULL), RC_OK);
		assert_int_equal(rec_attr(r, "certProfileConfig")->n, 1);
	}
}

static void
a_change_made_from_an_old_text_is_refused(void **state)
{
	struct site *s = *state;
	AUTO(profile) x = NULL;

	assert_int_equal(profiles_enable(s->p, ID, false, "me", NULL), RC_OK);
	everywhere(s, "enable", "false");
	assert_int_equal(profiles_get(s->p, &x, ID, NULL), RC_OK);
	AUTO(profile) y = with(x, "desc", "here");
	assert_int_equal(profiles_modify(s->p, y, NULL), RC_OK);
	everywhere(s, "desc", "here");
	assert_int_equal(
	    profiles_enable(s->p, ID, false, "me", NULL), RC_CONFLICT);
	assert_int_equal(profiles_delete(s->p, ID, NULL), RC_OK);
	assert_false(file_exists(file_of(s, ID)));
	assert_int_equal(profiles_modify(s->p, y, NULL), RC_NOTFOUND);
}

/* --- three clones ------------------------------------------------------------------ */

static int64_t
clock_of(void *arg)
{
	const struct site *s = arg;

	return clock_now_ms(sim_clock(s->sim)) + s->ahead_ms;
}

/* They begin with the records of the first. */
static struct sim *
make_clones(struct site clones[3], const struct site *first)
{
	struct sim *sim = sim_new(1795000000000);
	AUTO(profile) x = in_record(first, ID);
	AUTO(batch) b = batch_new();

	assert_non_null(sim);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(sim_add_replica(sim), i);
	batch_add(b, profiles_encode(x));
	assert_int_equal(store_commit(sim_store(sim, 0), b, NULL), RC_OK);
	sim_settle(sim);
	for (size_t i = 0; i < 3; i++) {
		struct site *s = &clones[i];

		*s = (struct site){ .store = sim_store(sim, i), .sim = sim };
		s->clock = (struct clock){ clock_of, clock_of, s };
		start(s);
	}
	return sim;
}

/* The second change is made from the first, by a clock that is behind; the third
 * knows of neither. Nobody sees all three before two have been settled. */
static void
a_change_counts_before_what_it_replaced_whatever_the_clock(void **state)
{
	struct site clones[3];
	AUTO(sim) sim = make_clones(clones, *state);

	clones[0].ahead_ms = 600000;
	clones[1].ahead_ms = -600000;
	assert_int_equal(
	    profiles_enable(clones[0].p, ID, false, "first", NULL), RC_OK);
	assert_int_equal(
	    profiles_enable(clones[2].p, ID, false, "third", NULL), RC_OK);
	sim_replicate(sim, 0, 1);
	assert_int_equal(
	    profiles_enable(clones[1].p, ID, true, "second", NULL), RC_OK);
	sim_replicate(sim, 2, 0);
	profiles_tick(clones[0].p);
	sim_replicate(sim, 1, 2);
	profiles_tick(clones[2].p);
	for (int round = 0; round < 2; round++) {
		sim_settle(sim);
		for (size_t i = 0; i < 3; i++)
			profiles_tick(clones[i].p);
	}
	for (size_t i = 0; i < 3; i++) {
		AUTO(profile) r = in_record(&clones[i], ID);
		AUTO(profile) m = NULL;

		assert_int_equal(
		    profiles_get(clones[i].p, &m, ID, NULL), RC_OK);
		assert_non_null(r);
		assert_string_equal(r->enabled_by, "second");
		assert_true(profile_same(r, m));
	}
	for (size_t i = 0; i < 3; i++)
		stop(&clones[i]);
}

/* A lastModified of years ahead does not stay for ever. */
static void
a_clock_that_was_quite_wrong_is_mended_by_the_next_change(void **state)
{
	struct site clones[3];
	AUTO(sim) sim = make_clones(clones, *state);

	clones[0].ahead_ms = 100LL * 24 * 3600 * 1000;
	assert_int_equal(
	    profiles_enable(clones[0].p, ID, false, "me", NULL), RC_OK);
	clones[0].ahead_ms = 0;
	assert_int_equal(
	    profiles_enable(clones[0].p, ID, true, "me", NULL), RC_OK);
	AUTO(profile) r = in_record(&clones[0], ID);
	assert_int_equal(r->last_modified, clock_now_ms(sim_clock(sim)));
	for (size_t i = 0; i < 3; i++)
		stop(&clones[i]);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(both_edits_of_a_profile_count),
		T(of_one_line_edited_twice_the_files_counts),
		T(a_merge_that_is_no_profile_is_refused),
		T(an_edited_file_changes_the_record_at_start),
		T(a_change_elsewhere_rewrites_the_file),
		T(a_change_elsewhere_while_down_rewrites_the_file),
		T(an_edit_that_waits_is_not_overwritten),
		T(deleted_elsewhere_the_file_goes),
		T(edited_here_and_deleted_elsewhere_stays),
		T(a_removed_file_comes_back),
		T(without_what_was_applied_the_record_counts),
		T(a_new_file_becomes_a_profile),
		T(a_bad_file_changes_nothing),
		T(of_two_changes_at_once_the_later_counts_in_any_order),
		T(a_change_made_from_an_old_text_is_refused),
		T(a_change_counts_before_what_it_replaced_whatever_the_clock),
		T(a_clock_that_was_quite_wrong_is_mended_by_the_next_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
