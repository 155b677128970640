/* SPDX-License-Identifier: Apache-2.0 */
/* mark.c - the folder that marks an installation under way.
 * Owns:    the folder and its lock.
 * Trusts:  its own files.
 * Threads: one owner. */
#include "deploy/mark.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#include "base/cfg.h"
#include "base/file.h"
#include "base/text.h"

enum {
	MARK_TEXT_MAX = 1024 * 1024
};

struct mark {
	struct buf dir, state;
	struct cfg *values;
	int lock;
};

static void
mark_dir(struct buf *out, const struct instance_paths *p)
{
	buf_addf(out, "%s.installing", p->host);
}

bool
mark_peek(const struct instance_paths *p, const char *name)
{
	AUTO_BUF path = buf_empty(4096);
	AUTO(cfg) c = cfg_new();

	mark_dir(&path, p);
	buf_add_str(&path, "/state");
	return c != NULL && file_exists(buf_cstr(&path)) &&
	    cfg_load(c, buf_cstr(&path), NULL) == RC_OK &&
	    cfg_get(c, name) != NULL;
}

void
mark_free(struct mark *m)
{
	if (m == NULL)
		return;
	if (m->lock >= 0)
		close(m->lock);
	cfg_free(m->values);
	buf_done(&m->dir);
	buf_done(&m->state);
	free(m);
}

static enum rc
take_lock(struct mark *m, const char *name, struct err *e)
{
	AUTO_BUF path = buf_empty(4096);

	buf_addf(&path, "%s/lock", buf_cstr(&m->dir));
	m->lock = open(buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (m->lock < 0)
		return err_errno(e, "%s", buf_cstr(&path));
	if (flock(m->lock, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, RC_CONFLICT,
		    "another pkispawn is working on instance %s", name);
	return RC_OK;
}

static enum rc
copy(const char *from, const char *to, struct err *e)
{
	AUTO_BUF text = buf_empty(MARK_TEXT_MAX);
	enum rc rc;

	if (!file_exists(from))
		return RC_OK;
	rc = file_read(&text, from, e);
	return rc == RC_OK ? file_write(to, buf_view(&text), 0660, e) : rc;
}

enum rc
mark_take(struct mark **out, const struct instance_paths *p, const char *cs_cfg,
    bool *found, struct err *e)
{
	AUTO(mark) m = calloc(1, sizeof(*m));
	AUTO_BUF kept = buf_empty(4096);
	enum rc rc;

	if (m == NULL)
		return err_set(e, RC_NOMEM, "installation");
	m->lock = -1;
	m->dir = m->state = buf_empty(4096);
	mark_dir(&m->dir, p);
	buf_addf(&m->state, "%s/state", buf_cstr(&m->dir));
	buf_addf(&kept, "%s/CS.cfg", buf_cstr(&m->dir));
	if ((m->values = cfg_new()) == NULL)
		return err_set(e, RC_NOMEM, "installation");
	if ((rc = file_mkdirs(buf_cstr(&m->dir), 0700, e)) != RC_OK ||
	    (rc = take_lock(m, p->name, e)) != RC_OK)
		return rc;
	if (file_exists(buf_cstr(&m->state)) &&
	    (rc = cfg_load(m->values, buf_cstr(&m->state), e)) != RC_OK)
		return rc;
	*found = mark_get(m, "begun") != NULL;
	rc = *found ? RC_OK : copy(cs_cfg, buf_cstr(&kept), e);
	if (rc != RC_OK || (rc = mark_set(m, "begun", "1", e)) != RC_OK)
		return rc;
	*out = mark_steal(&m);
	return RC_OK;
}

const char *
mark_get(const struct mark *m, const char *name)
{
	return cfg_get(m->values, name);
}

enum rc
mark_set(struct mark *m, const char *name, const char *value, struct err *e)
{
	enum rc rc = cfg_set(m->values, name, value, e);

	return rc == RC_OK ? cfg_save(m->values, buf_cstr(&m->state), 0600, e)
			   : rc;
}

enum rc
mark_restore(const struct mark *m, const char *cs_cfg, struct err *e)
{
	AUTO_BUF kept = buf_empty(4096);

	buf_addf(&kept, "%s/CS.cfg", buf_cstr(&m->dir));
	return copy(buf_cstr(&kept), cs_cfg, e);
}

void
mark_remove(struct mark *m)
{
	/* what stays is removed by the next run */
	rc_ignore(file_remove_tree(buf_cstr(&m->dir), NULL));
}

void
mark_shrink(struct mark *m)
{
	AUTO_BUF kept = buf_empty(4096);
	bool any = false;

	buf_addf(&kept, "%s/CS.cfg", buf_cstr(&m->dir));
	for (size_t i = 0; i < cfg_count(m->values);) {
		AUTO_STR name = strdup(cfg_at(m->values, i).name);

		if (name == NULL || text_starts(name, "range.")) {
			any = true;
			i++;
		} else {
			cfg_del(m->values, name);
		}
	}
	if (!any || file_remove_tree(buf_cstr(&kept), NULL) != RC_OK ||
	    cfg_save(m->values, buf_cstr(&m->state), 0600, NULL) != RC_OK)
		mark_remove(m);
}
