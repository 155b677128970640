/* SPDX-License-Identifier: Apache-2.0 */
/* profiles.c - profile records in memory, and their files as a view.
 * Owns:    a sorted array of profile references.
 * Trusts:  files and records only as far as profile_parse accepts them.
 * Threads: any; a rwlock around the array, never held across a commit. */
#include "ca/profiles.h"

#include <dirent.h>

#include "base/cfg.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "der/oid.h"

enum {
	PROFILES_MAX = 4096
};

struct profiles {
	struct store *store;
	const struct clock *clock;
	char *dir, *applied_path;
	struct cfg *applied; /* id -> digest of the text last applied here */
	pthread_mutex_t applied_lock;
	pthread_rwlock_t lock; /* items, n */
	struct profile *items[PROFILES_MAX];
	size_t n;
};

void
profiles_free(struct profiles *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		profile_free(p->items[i]);
	cfg_free(p->applied);
	pthread_rwlock_destroy(&p->lock);
	pthread_mutex_destroy(&p->applied_lock);
	free(p->dir);
	free(p->applied_path);
	free(p);
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

/* Puts x (taken over) in its place, or removes id when x is NULL. */
static void
replace(struct profiles *p, const char *id, struct profile *x)
{
	struct profile *old = NULL;

	pthread_rwlock_wrlock(&p->lock);
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

void
profiles_each(
    struct profiles *p, bool (*fn)(void *arg, struct profile *x), void *arg)
{
	bool go = true;

	for (size_t i = 0; go; i++) {
		AUTO(profile) x = NULL;
		pthread_rwlock_rdlock(&p->lock);
		if (i < p->n)
			x = profile_ref(p->items[i]);
		pthread_rwlock_unlock(&p->lock);
		go = x != NULL && fn(arg, x);
	}
}

static void
digest_text(struct buf *out, struct view text)
{
	uint8_t d[DIGEST_MAX];
	size_t n = digest_of(d, DIGEST_SHA256, text);

	buf_add_hex(out, view_of(d, n));
}

static enum rc
file_path(
    const struct profiles *p, struct buf *out, const char *id, struct err *e)
{
	buf_addf(out, "%s/%s.cfg", p->dir, id);
	return buf_check(out, e);
}

/* Writes the file and remembers what was written as applied. */
static enum rc
write_view(struct profiles *p, const struct profile *x, struct err *e)
{
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	AUTO_BUF path = buf_empty(4096);
	AUTO_BUF hex = buf_empty(256);
	enum rc rc;

	profile_encode(x, &text, false);
	digest_text(&hex, buf_view(&text));
	if ((rc = buf_check(&text, e)) != RC_OK ||
	    (rc = file_path(p, &path, x->id, e)) != RC_OK ||
	    (rc = file_write(buf_cstr(&path), buf_view(&text), 0660, e)) !=
		RC_OK)
		return rc;
	LOCKED(&p->applied_lock);
	if ((rc = cfg_set(p->applied, x->id, buf_cstr(&hex), e)) != RC_OK)
		return rc;
	return cfg_save(p->applied, p->applied_path, 0600, e);
}

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

enum rc
profiles_decode(struct profile **out, const struct rec *r, struct err *e)
{
	const char *cls = rec_str(r, "classId");
	struct profile_param change = { "classId",
		cls != NULL ? cls : "caEnrollImpl" };
	AUTO(profile) x = NULL;
	enum rc rc;

	rc = profile_parse(&x, rec_get(r, "certProfileConfig"), r->id, e);
	if (rc != RC_OK || strcmp(x->class_id, change.value) == 0) {
		if (rc == RC_OK)
			*out = profile_steal(&x);
		return rc;
	}
	return profile_edit(out, x, &change, 1, e);
}

void
profiles_follow(struct profiles *p, const char *id, const struct rec *r)
{
	struct err e = { RC_OK, "" };
	struct profile *x = NULL;

	if (r != NULL && profiles_decode(&x, r, &e) != RC_OK) {
		log_warning(
		    "profile", "%s: %s, continuing without it", id, e.text);
		return;
	}
	replace(p, id, x);
}

/* Replaces the record's text; the feed brings it into memory. */
static enum rc
commit(struct profiles *p, const struct profile *x, bool add, struct err *e)
{
	AUTO(batch) b = batch_new();
	AUTO(rec) r = profiles_encode(x);
	enum rc rc;

	if (b == NULL || r == NULL)
		return err_set(e, RC_NOMEM, "profile");
	if (add) {
		batch_add(b, rec_steal(&r));
	} else {
		batch_modify(b, REC_PROFILE, x->id);
		batch_mod(b, MOD_REPLACE, "classId", rec_get(r, "classId"));
		batch_mod(b, MOD_REPLACE, "certProfileConfig",
		    rec_get(r, "certProfileConfig"));
	}
	rc = store_commit(p->store, b, e);
	if (rc != RC_OK)
		return rc;
	return write_view(p, x, e);
}

/* A copy with lastModified = now and these changes. */
static enum rc
touched(struct profiles *p, struct profile **out, const struct profile *x,
    const char *enable, const char *by, struct err *e)
{
	char now[32];
	struct profile_param c[3] = { { "lastModified", now },
		{ "enable", enable }, { "enableBy", by } };

	snprintf(now, sizeof(now), "%lld", (long long)clock_now_ms(p->clock));
	return profile_edit(out, x, c, enable == NULL ? 1 : 3, e);
}

enum rc
profiles_add(struct profiles *p, struct profile *x, struct err *e)
{
	AUTO(profile) y = NULL;
	enum rc rc;

	if ((rc = profile_check_plugins(x, e)) != RC_OK)
		return rc;
	if ((rc = touched(p, &y, x, "false", NULL, e)) != RC_OK)
		return rc;
	rc = commit(p, y, true, e);
	return rc == RC_EXISTS
	    ? err_set(e, rc, "Profile already exists: %s", x->id)
	    : rc;
}

static enum rc
must_be_disabled(struct profiles *p, const char *id, struct err *e)
{
	AUTO(profile) old = NULL;
	enum rc rc = profiles_get(p, &old, id, e);

	if (rc == RC_OK && old != NULL && old->enabled)
		rc = err_set(e, RC_CONFLICT,
		    "Cannot change profile data. Profile must be disabled");
	return rc;
}

enum rc
profiles_modify(struct profiles *p, struct profile *x, struct err *e)
{
	AUTO(profile) y = NULL;
	enum rc rc;

	if ((rc = must_be_disabled(p, x->id, e)) != RC_OK ||
	    (rc = profile_check_plugins(x, e)) != RC_OK ||
	    (rc = touched(p, &y, x, "false", NULL, e)) != RC_OK)
		return rc;
	return commit(p, y, false, e);
}

enum rc
profiles_delete(struct profiles *p, const char *id, struct err *e)
{
	AUTO(batch) b = batch_new();
	AUTO_BUF path = buf_empty(4096);
	enum rc rc;

	if ((rc = must_be_disabled(p, id, e)) != RC_OK)
		return rc;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "profile");
	batch_delete(b, REC_PROFILE, id);
	if ((rc = store_commit(p->store, b, e)) != RC_OK ||
	    (rc = file_path(p, &path, id, e)) != RC_OK)
		return rc;
	if (unlink(buf_cstr(&path)) != 0)
		log_warning(
		    "profile", "%s stays behind, continuing", buf_cstr(&path));
	LOCKED(&p->applied_lock);
	cfg_del(p->applied, id);
	return cfg_save(p->applied, p->applied_path, 0600, e);
}

enum rc
profiles_enable(struct profiles *p, const char *id, bool enable, const char *by,
    struct err *e)
{
	AUTO(profile) old = NULL;
	AUTO(profile) x = NULL;
	enum rc rc;

	if ((rc = profiles_get(p, &old, id, e)) != RC_OK || old == NULL)
		return rc;
	if (old->enabled == enable)
		return err_set(e, RC_CONFLICT, "Profile already %s",
		    enable ? "enabled" : "disabled");
	if (enable && (rc = profile_check_plugins(old, e)) != RC_OK)
		return rc;
	rc = touched(p, &x, old, enable ? "true" : "false",
	    enable ? by : old->enabled_by, e);
	return rc == RC_OK ? commit(p, x, false, e) : rc;
}

/* One file against record and last applied text. */
static enum rc
merge_file(struct profiles *p, const char *id, struct err *e)
{
	AUTO_BUF path = buf_empty(4096);
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	AUTO_BUF hex = buf_empty(256);
	AUTO(profile) mem = NULL;
	AUTO(profile) x = NULL;
	const char *last = cfg_get(p->applied, id);
	enum rc rc;

	if ((rc = file_path(p, &path, id, e)) != RC_OK ||
	    (rc = file_read(&text, buf_cstr(&path), e)) != RC_OK)
		return rc;
	digest_text(&hex, buf_view(&text));
	if (last != NULL && strcmp(last, buf_cstr(&hex)) == 0)
		return RC_OK; /* not edited by hand */
	rc = profile_parse(&x, buf_view(&text), id, e);
	if (rc != RC_OK)
		return err_prefix(e, "%s", buf_cstr(&path));
	rc = profiles_get(p, &mem, id, NULL);
	if (rc == RC_OK)
		log_info("profile", "%s: taking over the edited file", id);
	rc = commit(p, x, rc == RC_NOTFOUND, e);
	if (rc == RC_OK)
		replace(p, id, profile_steal(&x));
	return rc;
}

static enum rc
merge_files(struct profiles *p, struct err *e)
{
	DIR *d = opendir(p->dir);
	struct dirent *x;
	struct err why = { RC_OK, "" };

	if (d == NULL)
		return err_errno(e, "profile folder %s", p->dir);
	while ((x = readdir(d)) != NULL) {
		AUTO_STR id = NULL;
		if (!text_ends(x->d_name, ".cfg"))
			continue;
		id = strndup(x->d_name, strlen(x->d_name) - 4);
		if (id == NULL || !profile_id_is_valid(id))
			continue;
		/* a bad file must not stop the CA; it is named and left */
		if (merge_file(p, id, &why) != RC_OK)
			log_warning("profile",
			    "%s, continuing with what was "
			    "there before",
			    why.text);
	}
	closedir(d);
	return RC_OK;
}

static bool
load_one(void *arg, const struct rec *r)
{
	profiles_follow(arg, r->id, r);
	return true;
}

/* Records changed elsewhere while this host was down: files follow. */
static void
rewrite_stale(struct profiles *p)
{
	struct err why = { RC_OK, "" };

	for (size_t i = 0; i < p->n; i++) {
		AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
		AUTO_BUF hex = buf_empty(256);
		const char *last = cfg_get(p->applied, p->items[i]->id);
		profile_encode(p->items[i], &text, false);
		digest_text(&hex, buf_view(&text));
		if (last != NULL && strcmp(last, buf_cstr(&hex)) == 0)
			continue;
		if (write_view(p, p->items[i], &why) != RC_OK)
			log_warning("profile", "%s, continuing", why.text);
	}
}

enum rc
profiles_new(struct profiles **out, struct store *s, const char *dir,
    const char *applied, const struct clock *clock, struct err *e)
{
	AUTO(profiles) p = calloc(1, sizeof(*p));
	struct query q = { .kind = REC_PROFILE };
	enum rc rc;

	if (p == NULL)
		return err_set(e, RC_NOMEM, "profiles");
	pthread_rwlock_init(&p->lock, NULL);
	pthread_mutex_init(&p->applied_lock, NULL);
	p->store = s;
	p->clock = clock;
	p->dir = strdup(dir);
	p->applied_path = strdup(applied);
	p->applied = cfg_new();
	if (p->dir == NULL || p->applied_path == NULL || p->applied == NULL)
		return err_set(e, RC_NOMEM, "profiles");
	if (file_exists(applied) &&
	    (rc = cfg_load(p->applied, applied, e)) != RC_OK)
		return rc;
	if ((rc = store_search(s, &q, load_one, p, e)) != RC_OK ||
	    (rc = merge_files(p, e)) != RC_OK)
		return rc;
	rewrite_stale(p);
	*out = profiles_steal(&p);
	return RC_OK;
}

/* One file of the shipped set into batch, folder and the list of what was
 * applied. */
static enum rc
install_one(struct store *s, struct batch *b, struct cfg *applied,
    const char *from, const char *dir, const char *id, struct err *e)
{
	AUTO(rec) there = NULL;
	AUTO_BUF path = buf_empty(4096);
	AUTO_BUF to = buf_empty(4096);
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	AUTO_BUF out = buf_empty(PROFILE_TEXT_MAX);
	AUTO_BUF hex = buf_empty(256);
	AUTO(profile) x = NULL;
	AUTO_FILE f = NULL;
	struct rec *r;
	enum rc rc;

	buf_addf(&path, "%s/%s.cfg", from, id);
	buf_addf(&to, "%s/%s.cfg", dir, id);
	if ((rc = file_read(&text, buf_cstr(&path), e)) != RC_OK ||
	    (rc = profile_parse(&x, buf_view(&text), id, e)) != RC_OK)
		return err_prefix(e, "%s", buf_cstr(&path));
	profile_encode(x, &out, false);
	digest_text(&hex, buf_view(&out));
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
	/* not synced one by one: an installation cut short is begun anew */
	f = fopen(buf_cstr(&to), "we");
	if (f == NULL || fwrite(out.data, 1, out.len, f) != out.len ||
	    fflush(f) != 0)
		return err_errno(e, "%s", buf_cstr(&to));
	return cfg_set(applied, id, buf_cstr(&hex), e);
}

enum rc
profiles_install(struct store *s, const char *from, const char *dir,
    const char *applied, struct err *e)
{
	AUTO(batch) b = batch_new();
	AUTO(cfg) list = cfg_new();
	DIR *d = opendir(from);
	struct dirent *x;
	enum rc rc = RC_OK;

	if (b == NULL || list == NULL) {
		if (d != NULL)
			closedir(d);
		return err_set(e, RC_NOMEM, "profiles");
	}
	if (d == NULL)
		return err_errno(e, "profile folder %s", from);
	while (rc == RC_OK && (x = readdir(d)) != NULL) {
		AUTO_STR id = NULL;
		if (!text_ends(x->d_name, ".cfg"))
			continue;
		id = strndup(x->d_name, strlen(x->d_name) - 4);
		rc = id != NULL ? install_one(s, b, list, from, dir, id, e)
				: err_set(e, RC_NOMEM, "profiles");
	}
	closedir(d);
	if (rc == RC_OK)
		rc = store_commit(s, b, e);
	return rc == RC_OK ? cfg_save(list, applied, 0600, e) : rc;
}
