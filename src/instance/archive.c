/* SPDX-License-Identifier: Apache-2.0 */
/* archive.c - copies of former CS.cfg files.
 * Owns:    nothing.
 * Trusts:  the instance's folders.
 * Threads: any; callers do not change one CS.cfg at the same time. */
#include "instance/archive.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"

enum {
	FILE_MODE = 0660,
	FOLDER_MODE = 0755,
	ARCHIVES_MAX = 1000, /* in one second */
};

enum rc
archive_settings(char **folder, const struct instance_paths *p, const char *sub,
    int64_t now, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(p, sub);
	AUTO_STR dir = NULL;
	AUTO_BUF old = buf_empty(0);
	char stamp[CLOCK_TEXT_MAX];
	enum rc rc;

	*folder = NULL;
	if (path == NULL ||
	    asprintf(&dir, "%s/%s/archives", p->conf, sub) < 0) {
		dir = NULL;
		return err_set(e, RC_NOMEM, "out of memory");
	}
	if ((rc = file_read(&old, path, e)) != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	if ((rc = file_mkdirs(dir, FOLDER_MODE, e)) != RC_OK)
		return rc;
	clock_text_dir(stamp, now);
	for (int i = 0; i < ARCHIVES_MAX; i++) {
		AUTO_BUF to = buf_empty(PATH_TEXT_MAX);

		buf_addf(&to, "%s/CS.cfg.bak.%.14s", dir, stamp);
		if (i > 0)
			buf_addf(&to, "-%d", i);
		if ((rc = buf_check(&to, e)) != RC_OK)
			return rc;
		if (file_exists(buf_cstr(&to)))
			continue;
		rc = file_write(buf_cstr(&to), buf_view(&old), FILE_MODE, e);
		if (rc == RC_OK) {
			*folder = dir;
			dir = NULL;
		}
		return rc;
	}
	return err_set(e, RC_TOOBIG, "%s: too many archived files", dir);
}
