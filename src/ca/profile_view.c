/* SPDX-License-Identifier: Apache-2.0 */
/* profile_view.c - profile files, the texts last applied, three-way merge.
 * Owns:    a JSON object from id to text while it is open.
 * Trusts:  the folder's permissions; texts only as far as profile_parse does.
 * Threads: one owner. */
#include "ca/profile_view.h"

#include <dirent.h>
#include <jansson.h>

#include "base/cfg.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

enum {
	APPLIED_MAX = 64 * 1024 * 1024,
	IDS_MAX = 8192,
	PATH_MAX_LEN = 4096,
	FILE_MODE = 0660,
	APPLIED_MODE = 0600,
};
#define SUFFIX ".cfg"
#define LAST_MODIFIED "lastModified"

struct profile_view {
	char *dir, *applied;
	json_t *base;
	bool changed;
};

static void
load_applied(struct profile_view *v)
{
	AUTO_BUF text = buf_empty(APPLIED_MAX);

	if (file_read(&text, v->applied, NULL) == RC_OK)
		v->base =
		    json_loadb((const char *)text.data, text.len, 0, NULL);
	if (json_is_object(v->base))
		return;
	json_decref(v->base);
	v->base = json_object();
}

enum rc
profile_view_open(struct profile_view **out, const char *dir,
    const char *applied, struct err *e)
{
	AUTO(profile_view) v = calloc(1, sizeof(*v));

	if (v == NULL)
		return err_set(e, RC_NOMEM, "profiles");
	v->dir = dir != NULL ? strdup(dir) : NULL;
	v->applied = strdup(applied);
	if (v->applied == NULL || (v->dir == NULL && dir != NULL))
		return err_set(e, RC_NOMEM, "profiles");
	load_applied(v);
	if (v->base == NULL)
		return err_set(e, RC_NOMEM, "profiles");
	*out = profile_view_steal(&v);
	return RC_OK;
}

enum rc
profile_view_save(struct profile_view *v, struct err *e)
{
	char *text;
	enum rc rc;

	if (!v->changed)
		return RC_OK;
	text = json_dumps(v->base, JSON_COMPACT | JSON_SORT_KEYS);
	if (text == NULL)
		return err_set(e, RC_NOMEM, "profiles");
	rc = file_write(v->applied, view_str(text), APPLIED_MODE, e);
	free(text);
	if (rc == RC_OK)
		v->changed = false;
	return rc;
}

void
profile_view_free(struct profile_view *v)
{
	if (v == NULL)
		return;
	json_decref(v->base);
	free(v->dir);
	free(v->applied);
	free(v);
}

const char *
profile_view_base(const struct profile_view *v, const char *id)
{
	return json_string_value(json_object_get(v->base, id));
}

static enum rc
file_path(const struct profile_view *v, struct buf *out, const char *id,
    struct err *e)
{
	buf_addf(out, "%s/%s" SUFFIX, v->dir, id);
	return buf_check(out, e);
}

enum rc
profile_view_read(const struct profile_view *v, struct buf *text, bool *found,
    const char *id, struct err *e)
{
	AUTO_BUF path = buf_empty(PATH_MAX_LEN);
	enum rc rc;

	*found = false;
	if (v->dir == NULL)
		return RC_OK;
	if ((rc = file_path(v, &path, id, e)) != RC_OK)
		return rc;
	if (!file_exists(buf_cstr(&path)))
		return RC_OK;
	rc = file_read(text, buf_cstr(&path), e);
	*found = rc == RC_OK && text->len > 0;
	return rc;
}

enum rc
profile_view_accept(
    struct profile_view *v, const struct profile *x, struct err *e)
{
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	enum rc rc;

	profile_encode(x, &text, false);
	if ((rc = buf_check(&text, e)) != RC_OK)
		return rc;
	/* what JSON cannot hold (a file that is no UTF-8) is never applied */
	if (json_object_set_new(v->base, x->id,
		json_stringn((const char *)text.data, text.len)) != 0)
		json_object_del(v->base, x->id);
	v->changed = true;
	return RC_OK;
}

enum rc
profile_view_write(
    struct profile_view *v, const struct profile *x, struct err *e)
{
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	AUTO_BUF path = buf_empty(PATH_MAX_LEN);
	enum rc rc;

	if (v->dir == NULL)
		return RC_OK;
	profile_encode(x, &text, false);
	if ((rc = buf_check(&text, e)) != RC_OK ||
	    (rc = file_path(v, &path, x->id, e)) != RC_OK ||
	    (rc = file_write(buf_cstr(&path), buf_view(&text), FILE_MODE, e)) !=
		RC_OK)
		return rc;
	return profile_view_accept(v, x, e);
}

void
profile_view_remove(struct profile_view *v, const char *id)
{
	AUTO_BUF path = buf_empty(PATH_MAX_LEN);

	if (json_object_del(v->base, id) == 0)
		v->changed = true;
	if (v->dir == NULL || file_path(v, &path, id, NULL) != RC_OK ||
	    !file_exists(buf_cstr(&path)))
		return;
	if (unlink(buf_cstr(&path)) != 0)
		log_warning(
		    "profile", "%s stays behind, continuing", buf_cstr(&path));
}

enum rc
profile_view_set_aside(struct profile_view *v, const char *id, struct err *e)
{
	AUTO_BUF path = buf_empty(PATH_MAX_LEN), to = buf_empty(PATH_MAX_LEN);
	enum rc rc = file_path(v, &path, id, e);

	if (rc != RC_OK)
		return rc;
	buf_addf(&to, "%s.replaced", buf_cstr(&path));
	if ((rc = buf_check(&to, e)) != RC_OK)
		return rc;
	if (rename(buf_cstr(&path), buf_cstr(&to)) != 0)
		return err_errno(e, "%s", buf_cstr(&path));
	log_warning("profile",
	    "%s says other than the CA's record and it is not known which is "
	    "the newer: the record counts, the file is %s, continuing",
	    buf_cstr(&path), buf_cstr(&to));
	return RC_OK;
}

/* --- ids ------------------------------------------------------------------------ */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
profile_view_ids_free(char **ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(ids[i]);
	free(ids);
}

static void
take_id(char **ids, size_t *n, const char *name, size_t len)
{
	char *id = *n < IDS_MAX ? strndup(name, len) : NULL;

	if (id != NULL && profile_id_is_valid(id))
		ids[(*n)++] = id;
	else
		free(id);
}

static enum rc
take_files(const char *dir, char **ids, size_t *n, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *x;

	if (d == NULL)
		return err_errno(e, "profile folder %s", dir);
	while ((x = readdir(d)) != NULL)
		if (text_ends(x->d_name, SUFFIX))
			take_id(ids, n, x->d_name,
			    strlen(x->d_name) - strlen(SUFFIX));
	closedir(d);
	return RC_OK;
}

enum rc
profile_view_ids(
    const struct profile_view *v, char ***out, size_t *n, struct err *e)
{
	char **ids = calloc(IDS_MAX, sizeof(*ids));
	size_t kept = 0;
	const char *id;
	json_t *value;
	enum rc rc;

	*n = 0;
	if (ids == NULL)
		return err_set(e, RC_NOMEM, "profiles");
	if (v->dir != NULL && (rc = take_files(v->dir, ids, n, e)) != RC_OK) {
		free(ids);
		return rc;
	}
	json_object_foreach(v->base, id, value) take_id(ids, n, id, strlen(id));
	qsort(ids, *n, sizeof(*ids), by_name);
	for (size_t i = 0; i < *n; i++) {
		if (kept > 0 && strcmp(ids[kept - 1], ids[i]) == 0)
			free(ids[i]);
		else
			ids[kept++] = ids[i];
	}
	*n = kept;
	*out = ids;
	return RC_OK;
}

/* --- the merge ------------------------------------------------------------------- */

bool
profile_same(const struct profile *a, const struct profile *b)
{
	for (size_t i = 0;; i++) {
		struct profile_param x = profile_key_at(a, i),
				     y = profile_key_at(b, i);

		if (x.name == NULL || y.name == NULL)
			return x.name == y.name;
		if (strcmp(x.name, y.name) != 0 ||
		    strcmp(x.value, y.value) != 0)
			return false;
	}
}

static enum rc
lines_of(struct cfg *out, const struct profile *x, struct err *e)
{
	struct profile_param p;
	enum rc rc = RC_OK;

	for (size_t i = 0;
	     rc == RC_OK && (p = profile_key_at(x, i)).name != NULL; i++) {
		/* nobody's edit: it would clash whenever two changed one */
		if (strcmp(p.name, LAST_MODIFIED) != 0)
			rc = cfg_set(out, p.name, p.value, e);
	}
	return rc;
}

enum rc
profile_merge(struct profile **out, const struct profile *base,
    const struct profile *mine, const struct profile *theirs, size_t *clashes,
    struct err *e)
{
	AUTO(cfg) b = cfg_new();
	AUTO(cfg) m = cfg_new();
	AUTO(cfg) t = cfg_new();
	AUTO(cfg) all = cfg_new();
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	AUTO(profile) x = NULL;
	struct profile_param c[] = { { "classId", theirs->class_id },
		{ LAST_MODIFIED, profile_get(theirs, LAST_MODIFIED) } };
	enum rc rc;

	if (b == NULL || m == NULL || t == NULL || all == NULL)
		return err_set(e, RC_NOMEM, "profiles");
	if ((rc = lines_of(b, base, e)) != RC_OK ||
	    (rc = lines_of(m, mine, e)) != RC_OK ||
	    (rc = lines_of(t, theirs, e)) != RC_OK ||
	    (rc = cfg_merge(all, b, m, t, clashes, e)) != RC_OK)
		return rc;
	cfg_encode(all, &text);
	if ((rc = buf_check(&text, e)) != RC_OK ||
	    (rc = profile_parse(&x, buf_view(&text), theirs->id, e)) != RC_OK)
		return rc;
	return profile_edit(out, x, c, 2, e);
}
