/* SPDX-License-Identifier: Apache-2.0 */
/* profiles.c - profile records in memory, and their files as a view.
 * Owns:    a sorted array of profile references.
 * Trusts:  files and records only as far as profile_parse accepts them.
 * Threads: any; a rwlock around the array, never held across a commit;
 *          view_lock around what touches files, never taken by the feed. */
#include "ca/profiles.h"

#include <dirent.h>
#include <stdatomic.h>

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "ca/profile_view.h"

enum {
	PROFILES_MAX = 4096,
	TRIES = 16,
	RETRY_MS = 15000,
	IDLE_MS = 3600000,
	CLOCKS_APART_MAX_MS = 24 * 3600 * 1000, /* beyond: one was wrong */
};

struct profiles {
	struct store *store;
	const struct clock *clock;
	char *dir, *applied;
	pthread_mutex_t view_lock;
	_Atomic bool stale, torn; /* files behind; a record has two texts */
	pthread_rwlock_t lock;    /* the rest */
	struct profile *items[PROFILES_MAX];
	size_t n;
	unsigned changes; /* that the feed brought */
};

void
profiles_free(struct profiles *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		profile_free(p->items[i]);
	pthread_rwlock_destroy(&p->lock);
	pthread_mutex_destroy(&p->view_lock);
	free(p->dir);
	free(p->applied);
	free(p);
}

enum rc
profiles_new(struct profiles **out, struct store *s, const char *dir,
    const char *applied, const struct clock *clock, struct err *e)
{
	AUTO(profiles) p = calloc(1, sizeof(*p));

	if (p == NULL)
		return err_set(e, RC_NOMEM, "profiles");
	pthread_rwlock_init(&p->lock, NULL);
	pthread_mutex_init(&p->view_lock, NULL);
	p->store = s;
	p->clock = clock;
	p->dir = dir != NULL ? strdup(dir) : NULL;
	p->applied = strdup(applied);
	if ((p->dir == NULL && dir != NULL) || p->applied == NULL)
		return err_set(e, RC_NOMEM, "profiles");
	*out = profiles_steal(&p);
	return RC_OK;
}

/* First index whose id is not below. */
static size_t
lower(const struct profiles *p, const char *id)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (strcmp(p->items[mid]->id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Puts x (taken over) in its place, or removes id when x is NULL. What came to
 * nothing counts as a change too: see take_loaded. */
static void
replace(struct profiles *p, const char *id, struct profile *x)
{
	struct profile *old = NULL;

	pthread_rwlock_wrlock(&p->lock);
	p->changes++;
	size_t i = lower(p, id);
	bool there = i < p->n && strcmp(p->items[i]->id, id) == 0;
	if (there)
		old = p->items[i];
	if (there && x != NULL) {
		p->items[i] = x;
	} else if (there) {
		p->n--;
		memmove(&p->items[i], &p->items[i + 1],
		    (p->n - i) * sizeof(p->items[0]));
	} else if (x != NULL && p->n < PROFILES_MAX) {
		memmove(&p->items[i + 1], &p->items[i],
		    (p->n - i) * sizeof(p->items[0]));
		p->items[i] = x;
		p->n++;
	} else {
		old = x;
	}
	pthread_rwlock_unlock(&p->lock);
	profile_free(old);
}

enum rc
profiles_get(
    struct profiles *p, struct profile **out, const char *id, struct err *e)
{
	struct profile *x = NULL;

	pthread_rwlock_rdlock(&p->lock);
	size_t i = lower(p, id);
	if (i < p->n && strcmp(p->items[i]->id, id) == 0)
		x = profile_ref(p->items[i]);
	pthread_rwlock_unlock(&p->lock);
	if (x == NULL)
		return err_set(e, RC_NOTFOUND, "Profile %.128s Not Found", id);
	*out = x;
	return RC_OK;
}

/* A reference to the i-th; NULL past the end. */
static struct profile *
item_at(struct profiles *p, size_t i)
{
	struct profile *x;

	pthread_rwlock_rdlock(&p->lock);
	x = i < p->n ? profile_ref(p->items[i]) : NULL;
	pthread_rwlock_unlock(&p->lock);
	return x;
}

static unsigned
changes_seen(struct profiles *p)
{
	unsigned n;

	pthread_rwlock_rdlock(&p->lock);
	n = p->changes;
	pthread_rwlock_unlock(&p->lock);
	return n;
}

void
profiles_each(
    struct profiles *p, bool (*fn)(void *arg, struct profile *x), void *arg)
{
	bool go = true;

	for (size_t i = 0; go; i++) {
		AUTO(profile) x = item_at(p, i);

		go = x != NULL && fn(arg, x);
	}
}

/* --- records --------------------------------------------------------------------- */

struct rec *
profiles_encode(const struct profile *x)
{
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	struct rec *r = rec_new(REC_PROFILE, x->id);

	if (r == NULL)
		return NULL;
	profile_encode(x, &text, false);
	rec_add_str(r, "objectClass", "top");
	rec_add_str(r, "objectClass", "certProfile");
	rec_add_str(r, "cn", x->id);
	rec_add_str(r, "classId", x->class_id);
	rec_add(r, "certProfileConfig", buf_view(&text));
	return r;
}

/* Does a count before b? The same on every clone. */
static bool
counts_before(const struct profile *a, struct view a_text,
    const struct profile *b, struct view b_text)
{
	size_t n = a_text.len < b_text.len ? a_text.len : b_text.len;
	int order;

	if (a->last_modified != b->last_modified)
		return a->last_modified > b->last_modified;
	order = memcmp(a_text.data, b_text.data, n);
	return order != 0 ? order > 0 : a_text.len > b_text.len;
}

/* Of the texts of a record the one that counts, *at its place. */
static enum rc
read_texts(struct profile **out, size_t *at, const struct rec *r, struct err *e)
{
	const struct rec_attr *a = rec_attr(r, "certProfileConfig");
	AUTO(profile) best = NULL;
	enum rc rc = RC_NOTFOUND;

	*at = 0;
	for (size_t i = 0; a != NULL && i < a->n; i++) {
		struct profile *x = NULL;
		enum rc one = profile_parse(&x, a->values[i], r->id, e);

		rc = best == NULL ? one : rc;
		if (one != RC_OK)
			continue;
		if (best != NULL &&
		    !counts_before(x, a->values[i], best, a->values[*at])) {
			profile_free(x);
			continue;
		}
		profile_free(best);
		best = x;
		*at = i;
	}
	if (best == NULL)
		return a != NULL
		    ? rc
		    : err_set(e, RC_INVALID, "profile %s is empty", r->id);
	*out = profile_steal(&best);
	return RC_OK;
}

enum rc
profiles_decode(struct profile **out, const struct rec *r, struct err *e)
{
	const char *cls = rec_str(r, "classId");
	struct profile_param change = { "classId",
		cls != NULL ? cls : "caEnrollImpl" };
	AUTO(profile) x = NULL;
	size_t at;
	enum rc rc;

	rc = read_texts(&x, &at, r, e);
	if (rc != RC_OK || x == NULL)
		return rc;
	if (strcmp(x->class_id, change.value) != 0)
		return profile_edit(out, x, &change, 1, e);
	*out = profile_steal(&x);
	return RC_OK;
}

static bool
is_torn(const struct rec *r)
{
	const struct rec_attr *a = rec_attr(r, "certProfileConfig");

	return a != NULL && a->n > 1;
}

void
profiles_follow(struct profiles *p, const char *id, const struct rec *r)
{
	struct err e = { RC_OK, "" };
	struct profile *x = NULL;

	atomic_store(&p->stale, true);
	if (r != NULL && is_torn(r))
		atomic_store(&p->torn, true);
	if (r != NULL && profiles_decode(&x, r, &e) != RC_OK) {
		log_warning("profile",
		    "%s: %s, continuing with what was there before", id,
		    e.text);
		return;
	}
	replace(p, id, x);
}

/* The record as it is now, and what it says. */
static enum rc
get(struct profiles *p, struct rec **r, struct profile **x, const char *id,
    struct err *e)
{
	enum rc rc = store_get(p->store, r, REC_PROFILE, id, e);

	if (rc == RC_NOTFOUND)
		return err_set(e, rc, "Profile %.128s Not Found", id);
	return rc == RC_OK ? profiles_decode(x, *r, e) : rc;
}

static enum rc
commit_new(struct profiles *p, const struct profile *x, struct err *e)
{
	AUTO(batch) b = batch_new();
	struct rec *r = profiles_encode(x);

	if (b == NULL || r == NULL) {
		rec_free(r);
		return err_set(e, RC_NOMEM, "profile");
	}
	batch_add(b, r);
	return store_commit(p->store, b, e);
}

/* x in place of all texts of old. Compare and swap: of two changes made at once
 * on two clones both texts stay, so that nobody takes one for the other's. */
static enum rc
commit_change(struct profiles *p, const struct rec *old,
    const struct profile *x, struct err *e)
{
	const struct rec_attr *a = rec_attr(old, "certProfileConfig");
	AUTO(batch) b = batch_new();
	AUTO(rec) r = profiles_encode(x);
	const char *cls = rec_str(old, "classId");
	enum rc rc;

	if (b == NULL || r == NULL)
		return err_set(e, RC_NOMEM, "profile");
	if (rec_has(old, "certProfileConfig", rec_str(r, "certProfileConfig")))
		return RC_OK;
	batch_modify(b, REC_PROFILE, x->id);
	if (cls == NULL || strcmp(cls, x->class_id) != 0)
		batch_mod(b, MOD_REPLACE, "classId", rec_get(r, "classId"));
	for (size_t i = 0; a != NULL && i < a->n; i++)
		batch_mod(b, MOD_DELETE, "certProfileConfig", a->values[i]);
	batch_mod(
	    b, MOD_ADD, "certProfileConfig", rec_get(r, "certProfileConfig"));
	rc = store_commit(p->store, b, e);
	return rc == RC_CONFLICT ? err_set(e, rc,
				       "Profile %s was changed by another at "
				       "the same time: look at it again",
				       x->id)
				 : rc;
}

/* --- the view --------------------------------------------------------------------- */

/* One profile: what its file, the text last applied and the record say. */
struct step {
	struct profiles *p;
	struct profile_view *view;
	const char *id;
	const struct profile *record; /* NULL: none */
	struct profile *base, *file;  /* NULL: none */
	bool take;                    /* edits count now */
};

static void
step_done(struct step *s)
{
	profile_free(s->base);
	profile_free(s->file);
}

/* x as of now, to take the place of old (NULL: it is new). It counts before old
 * although the clock of who wrote that was ahead: else settle() could take both
 * away, each on another clone, and the record would be empty. */
static enum rc
touch(struct profiles *p, struct profile **out, const struct profile *x,
    const struct profile *old, struct err *e)
{
	char when[32];
	struct profile_param c = { "lastModified", when };
	int64_t now = clock_now_ms(p->clock);

	if (old != NULL && old->last_modified >= now &&
	    old->last_modified - now <= CLOCKS_APART_MAX_MS)
		now = old->last_modified + 1;
	snprintf(when, sizeof(when), "%lld", (long long)now);
	return profile_edit(out, x, &c, 1, e);
}

/* A file for which there is no record. */
static enum rc
file_alone(struct step *s, bool edited, struct err *e)
{
	enum rc rc;

	if (!edited) { /* deleted on another CA */
		profile_view_remove(s->view, s->id);
		return RC_OK;
	}
	if (!s->take)
		return RC_OK;
	log_info("profile", "%s: taking over the %s file", s->id,
	    s->base != NULL ? "edited" : "new");
	rc = commit_new(s->p, s->file, e);
	if (rc == RC_OK)
		replace(s->p, s->id, profile_ref(s->file));
	return rc == RC_OK ? profile_view_accept(s->view, s->file, e) : rc;
}

/* An edited file and a record. */
static enum rc
take_edit(struct step *s, struct err *e)
{
	AUTO(profile) merged = NULL;
	AUTO(profile) x = NULL;
	AUTO(profile) now = NULL;
	AUTO(rec) r = NULL;
	size_t clashes;
	enum rc rc = get(s->p, &r, &now, s->id, e);

	if (rc == RC_OK)
		rc = profile_merge(&merged, s->base, s->file, now, &clashes, e);
	if (rc != RC_OK)
		return rc;
	if (profile_same(merged, now)) /* the same edit was made elsewhere */
		return profile_view_write(s->view, now, e);
	log_info("profile", "%s: taking over the edited file", s->id);
	if (clashes > 0)
		log_warning("profile",
		    "%s: %zu lines of the edited file were changed on another "
		    "CA too; the file's count, continuing",
		    s->id, clashes);
	if ((rc = touch(s->p, &x, merged, now, e)) != RC_OK ||
	    (rc = commit_change(s->p, r, x, e)) != RC_OK)
		return rc;
	replace(s->p, s->id, profile_ref(x));
	return profile_view_write(s->view, x, e);
}

/* No record in memory: none at all, or one that cannot be read? */
static enum rc
step_alone(struct step *s, bool edited, struct err *e)
{
	AUTO(rec) r = NULL;
	enum rc rc = store_get(s->p->store, &r, REC_PROFILE, s->id, e);

	if (rc != RC_NOTFOUND)
		return rc; /* the file is all that is left to read */
	if (s->file != NULL)
		return file_alone(s, edited, e);
	profile_view_remove(s->view, s->id);
	return RC_OK;
}

static enum rc
bring_in_step(struct step *s, struct err *e)
{
	bool edited = s->file != NULL &&
	    (s->base == NULL || !profile_same(s->file, s->base));
	enum rc rc;

	if (s->record == NULL)
		return step_alone(s, edited, e);
	if (s->file != NULL && profile_same(s->file, s->record))
		return s->base != NULL && profile_same(s->base, s->record)
		    ? RC_OK
		    : profile_view_accept(s->view, s->record, e);
	if (!edited)
		return profile_view_write(s->view, s->record, e);
	if (!s->take)
		return RC_OK;
	if (s->base != NULL)
		return take_edit(s, e);
	rc = profile_view_set_aside(s->view, s->id, e);
	return rc == RC_OK ? profile_view_write(s->view, s->record, e) : rc;
}

/* One profile's file against its record. */
static enum rc
view_one(struct profiles *p, struct profile_view *v, const char *id,
    const struct profile *record, bool take, struct err *e)
{
	__attribute__((cleanup(step_done))) struct step s = { p, v, id, record,
		NULL, NULL, take };
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	const char *base = profile_view_base(v, id);
	bool found;
	enum rc rc = profile_view_read(v, &text, &found, id, e);

	if (rc == RC_OK && base != NULL &&
	    profile_parse(&s.base, view_str(base), id, NULL) != RC_OK)
		s.base = NULL;
	if (rc == RC_OK && found)
		rc = profile_parse(&s.file, buf_view(&text), id, e);
	if (rc == RC_OK)
		rc = bring_in_step(&s, e);
	return rc == RC_OK ? rc : err_prefix(e, "%s.cfg", id);
}

/* The file of one profile that was changed here just now. */
static void
view_now(struct profiles *p, const char *id)
{
	AUTO(profile_view) v = NULL;
	AUTO(profile) x = NULL;
	struct err e = { RC_OK, "" };
	LOCKED(&p->view_lock);

	if (p->dir == NULL)
		return;
	rc_ignore(profiles_get(p, &x, id, NULL)); /* NULL: deleted */
	if (profile_view_open(&v, p->dir, p->applied, &e) != RC_OK ||
	    view_one(p, v, id, x, false, &e) != RC_OK ||
	    profile_view_save(v, &e) != RC_OK) {
		atomic_store(&p->stale, true);
		log_warning("profile", "%s, continuing", e.text);
	}
}

/* --- all of them ------------------------------------------------------------------- */

/* All records of one search. */
struct loading {
	struct profile *items[PROFILES_MAX];
	struct rec *torn[PROFILES_MAX]; /* changed on two clones at once */
	size_t n, n_torn;
	enum rc rc;
	struct err *e;
};

static void
loading_free(struct loading *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		profile_free(l->items[i]);
	for (size_t i = 0; i < l->n_torn; i++)
		rec_free(l->torn[i]);
	free(l);
}
OWNED(loading)

static bool
load_one(void *arg, const struct rec *r)
{
	struct loading *l = arg;
	struct err e = { RC_OK, "" };

	if (l->n == PROFILES_MAX) {
		l->rc = err_set(
		    l->e, RC_TOOBIG, "more than %d profiles", PROFILES_MAX);
		return false;
	}
	if (is_torn(r) && (l->torn[l->n_torn] = rec_copy(r)) != NULL)
		l->n_torn++;
	if (profiles_decode(&l->items[l->n], r, &e) == RC_OK)
		l->n++;
	else
		log_warning(
		    "profile", "%s: %s, continuing without it", r->id, e.text);
	return true;
}

static int
by_id(const void *a, const void *b)
{
	return strcmp((*(struct profile *const *)a)->id,
	    (*(struct profile *const *)b)->id);
}

static enum rc
load(struct profiles *p, struct loading *l, struct err *e)
{
	struct query q = { .kind = REC_PROFILE };
	enum rc rc;

	l->e = e;
	rc = store_search(p->store, &q, load_one, l, e);
	qsort(l->items, l->n, sizeof(l->items[0]), by_id);
	return rc == RC_OK ? l->rc : rc;
}

/* Into memory, unless the feed brought something since `changes`: then what was
 * read may be older than what is there. */
static bool
take_loaded(struct profiles *p, struct loading *l, unsigned changes)
{
	bool current;

	pthread_rwlock_wrlock(&p->lock);
	current = p->changes == changes;
	for (size_t i = 0; current && (i < l->n || i < p->n); i++) {
		struct profile *old = i < p->n ? p->items[i] : NULL;

		p->items[i] = i < l->n ? l->items[i] : NULL;
		l->items[i] = old;
	}
	if (current) {
		size_t n = p->n;

		p->n = l->n;
		l->n = n;
	}
	pthread_rwlock_unlock(&p->lock);
	return current;
}

/* Takes the texts that do not count away; every clone comes to the same, and
 * whoever is late finds them gone. */
static enum rc
settle(struct profiles *p, const struct rec *r, struct err *e)
{
	const struct rec_attr *a = rec_attr(r, "certProfileConfig");
	AUTO(batch) b = batch_new();
	AUTO(profile) x = NULL;
	size_t at;
	enum rc rc = read_texts(&x, &at, r, e);

	if (rc != RC_OK)
		return rc;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "profile");
	log_warning("profile",
	    "%s was changed on two CAs at once; the change of "
	    "lastModified=%lld "
	    "counts, make the other one again, continuing",
	    r->id, (long long)x->last_modified);
	batch_modify(b, REC_PROFILE, r->id);
	for (size_t i = 0; i < a->n; i++)
		if (i != at)
			batch_mod(
			    b, MOD_DELETE, "certProfileConfig", a->values[i]);
	rc = store_commit(p->store, b, e);
	return rc == RC_CONFLICT || rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
settle_all(struct profiles *p, struct err *e)
{
	AUTO(loading) l = calloc(1, sizeof(*l));
	enum rc rc;

	if (l == NULL)
		return err_set(e, RC_NOMEM, "profiles");
	rc = load(p, l, e);
	for (size_t i = 0; rc == RC_OK && i < l->n_torn; i++)
		rc = settle(p, l->torn[i], e);
	return rc;
}

/* Every file; a bad one must not stop the CA, it is named and left. */
static enum rc
view_all(struct profiles *p, bool take, struct err *e)
{
	AUTO(profile_view) v = NULL;
	struct profile *x;
	char **ids = NULL;
	size_t n = 0;
	LOCKED(&p->view_lock);
	enum rc rc;

	if (p->dir == NULL)
		return RC_OK;
	if ((rc = profile_view_open(&v, p->dir, p->applied, e)) != RC_OK ||
	    (rc = profile_view_ids(v, &ids, &n, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		AUTO(profile) record = NULL;
		struct err why = { RC_OK, "" };

		rc_ignore(profiles_get(p, &record, ids[i], NULL)); /* or none */
		if (view_one(p, v, ids[i], record, take, &why) != RC_OK)
			log_warning("profile",
			    "%s, continuing with what was there before",
			    why.text);
	}
	profile_view_ids_free(ids, n);
	/* those that have no file yet */
	for (size_t i = 0; (x = item_at(p, i)) != NULL; i++, profile_free(x)) {
		struct err why = { RC_OK, "" };

		if (profile_view_base(v, x->id) == NULL &&
		    view_one(p, v, x->id, x, false, &why) != RC_OK)
			log_warning("profile", "%s, continuing", why.text);
	}
	return profile_view_save(v, e);
}

enum rc
profiles_start(struct profiles *p, struct err *e)
{
	bool taken = false;
	enum rc rc = RC_OK;

	for (int i = 0; rc == RC_OK && !taken && i < TRIES; i++) {
		AUTO(loading) l = calloc(1, sizeof(*l));
		unsigned changes = changes_seen(p);

		rc = l != NULL ? load(p, l, e)
			       : err_set(e, RC_NOMEM, "profiles");
		taken = rc == RC_OK && take_loaded(p, l, changes);
	}
	if (rc == RC_OK && !taken)
		rc = err_set(e, RC_CONFLICT,
		    "profiles change faster than they can be read");
	if (rc == RC_OK)
		rc = settle_all(p, e);
	return rc == RC_OK ? view_all(p, true, e) : rc;
}

int64_t
profiles_tick(struct profiles *p)
{
	struct err e = { RC_OK, "" };
	bool torn = atomic_exchange(&p->torn, false);

	if (!atomic_exchange(&p->stale, false) && !torn)
		return IDLE_MS;
	if ((!torn || settle_all(p, &e) == RC_OK) &&
	    view_all(p, false, &e) == RC_OK)
		return IDLE_MS;
	atomic_store(&p->stale, true);
	if (torn)
		atomic_store(&p->torn, true);
	log_warning("profile", "%s, continuing; next try in %d s", e.text,
	    RETRY_MS / 1000);
	return RETRY_MS;
}

/* --- changes ----------------------------------------------------------------------- */

enum rc
profiles_add(struct profiles *p, struct profile *x, struct err *e)
{
	struct profile_param off[] = { { "enable", "false" },
		{ "enableBy", NULL } };
	AUTO(profile) disabled = NULL;
	AUTO(profile) y = NULL;
	enum rc rc;

	if ((rc = profile_check_plugins(x, e)) != RC_OK ||
	    (rc = profile_edit(&disabled, x, off, 2, e)) != RC_OK ||
	    (rc = touch(p, &y, disabled, NULL, e)) != RC_OK)
		return rc;
	rc = commit_new(p, y, e);
	if (rc == RC_OK)
		view_now(p, x->id);
	return rc == RC_EXISTS
	    ? err_set(e, rc, "Profile already exists: %s", x->id)
	    : rc;
}

/* The record and what it says, which must be of a disabled profile. */
static enum rc
get_disabled(struct profiles *p, struct rec **r, struct profile **old,
    const char *id, struct err *e)
{
	enum rc rc = get(p, r, old, id, e);

	if (rc == RC_OK && *old != NULL && (*old)->enabled)
		rc = err_set(e, RC_CONFLICT,
		    "Cannot change profile data. Profile must be disabled");
	return rc;
}

enum rc
profiles_modify(struct profiles *p, struct profile *x, struct err *e)
{
	struct profile_param off[] = { { "enable", "false" },
		{ "enableBy", NULL } };
	AUTO(profile) old = NULL;
	AUTO(profile) disabled = NULL;
	AUTO(profile) y = NULL;
	AUTO(rec) r = NULL;
	enum rc rc;

	if ((rc = get_disabled(p, &r, &old, x->id, e)) != RC_OK ||
	    (rc = profile_check_plugins(x, e)) != RC_OK ||
	    (rc = profile_edit(&disabled, x, off, 2, e)) != RC_OK ||
	    (rc = touch(p, &y, disabled, old, e)) != RC_OK ||
	    (rc = commit_change(p, r, y, e)) != RC_OK)
		return rc;
	view_now(p, x->id);
	return RC_OK;
}

enum rc
profiles_delete(struct profiles *p, const char *id, struct err *e)
{
	AUTO(batch) b = batch_new();
	AUTO(profile) old = NULL;
	AUTO(rec) r = NULL;
	enum rc rc;

	if ((rc = get_disabled(p, &r, &old, id, e)) != RC_OK)
		return rc;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "profile");
	batch_delete(b, REC_PROFILE, id);
	if ((rc = store_commit(p->store, b, e)) != RC_OK)
		return rc;
	view_now(p, id);
	return RC_OK;
}

enum rc
profiles_enable(struct profiles *p, const char *id, bool enable, const char *by,
    struct err *e)
{
	AUTO(profile) old = NULL;
	AUTO(profile) x = NULL;
	AUTO(profile) y = NULL;
	AUTO(rec) r = NULL;
	struct profile_param c[2] = { { "enable", enable ? "true" : "false" },
		{ "enableBy", by } };
	enum rc rc;

	if ((rc = get(p, &r, &old, id, e)) != RC_OK || old == NULL)
		return rc;
	if (old->enabled == enable)
		return err_set(e, RC_CONFLICT, "Profile already %s",
		    enable ? "enabled" : "disabled");
	if (enable && (rc = profile_check_plugins(old, e)) != RC_OK)
		return rc;
	if ((rc = profile_edit(&x, old, c, enable ? 2 : 1, e)) != RC_OK ||
	    (rc = touch(p, &y, x, old, e)) != RC_OK ||
	    (rc = commit_change(p, r, y, e)) != RC_OK)
		return rc;
	view_now(p, id);
	return RC_OK;
}

/* --- installation ------------------------------------------------------------------ */

/* One file of the shipped set into batch, folder and what was applied. */
static enum rc
install_one(struct store *s, struct batch *b, struct profile_view *v,
    const char *from, const char *dir, const char *id, struct err *e)
{
	AUTO(rec) there = NULL;
	AUTO_BUF path = buf_empty(4096);
	AUTO_BUF to = buf_empty(4096);
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	AUTO_BUF out = buf_empty(PROFILE_TEXT_MAX);
	AUTO(profile) x = NULL;
	AUTO_FILE f = NULL;
	struct rec *r;
	enum rc rc;

	buf_addf(&path, "%s/%s.cfg", from, id);
	if ((rc = file_read(&text, buf_cstr(&path), e)) != RC_OK ||
	    (rc = profile_parse(&x, buf_view(&text), id, e)) != RC_OK)
		return err_prefix(e, "%s", buf_cstr(&path));
	profile_encode(x, &out, false);
	if ((r = profiles_encode(x)) == NULL || buf_check(&out, NULL) != RC_OK)
		return err_set(e, RC_NOMEM, "profile");
	/* a store that was filled before keeps its own */
	rc = store_get(s, &there, REC_PROFILE, id, e);
	if (rc == RC_NOTFOUND)
		batch_add(b, r);
	else
		rec_free(r);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (dir == NULL)
		return RC_OK;
	/* not synced one by one: an installation cut short is begun anew */
	buf_addf(&to, "%s/%s.cfg", dir, id);
	f = fopen(buf_cstr(&to), "we");
	if (f == NULL || fwrite(out.data, 1, out.len, f) != out.len ||
	    fflush(f) != 0)
		return err_errno(e, "%s", buf_cstr(&to));
	return profile_view_accept(v, x, e);
}

enum rc
profiles_install(struct store *s, const char *from, const char *dir,
    const char *applied, struct err *e)
{
	AUTO(batch) b = batch_new();
	AUTO(profile_view) v = NULL;
	DIR *d = opendir(from);
	struct dirent *x;
	enum rc rc;

	if (d == NULL)
		return err_errno(e, "profile folder %s", from);
	rc = b != NULL ? profile_view_open(&v, dir, applied, e)
		       : err_set(e, RC_NOMEM, "profiles");
	while (rc == RC_OK && (x = readdir(d)) != NULL) {
		AUTO_STR id = NULL;
		if (!text_ends(x->d_name, ".cfg"))
			continue;
		id = strndup(x->d_name, strlen(x->d_name) - 4);
		rc = id != NULL ? install_one(s, b, v, from, dir, id, e)
				: err_set(e, RC_NOMEM, "profiles");
	}
	closedir(d);
	if (rc == RC_OK)
		rc = store_commit(s, b, e);
	return rc == RC_OK ? profile_view_save(v, e) : rc;
}
