/* SPDX-License-Identifier: Apache-2.0 */
/* cscfg.c - read, change, write CS.cfg under one lock.
 * Owns:    nothing beyond a call.
 * Trusts:  the file's permissions.
 * Threads: any; `lock`, and the folder's against other programs, are held from
 *          the reading to the writing, also while fn runs, so fn takes no lock
 *          of its own. */
#include "instance/cscfg.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"

enum {
	CS_MODE = 0660,
	LOCK_WAIT_MS = 20000,
	LOCK_STEP_MS = 10,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The folder's own lock: there whoever made CS.cfg, and for whoever may read
 * it. */
enum rc
cscfg_lock(
    int *fd, const struct instance_paths *p, const char *sub, struct err *e)
{
	const struct timespec step = { .tv_nsec = LOCK_STEP_MS * 1000000L };
	int64_t begun = clock_mono_ms(&clock_system);
	AUTO_STR path = paths_cs_cfg(p, sub);
	AUTO_FD f = -1;
	char *slash;

	if (path == NULL || (slash = strrchr(path, '/')) == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	*slash = '\0';
	if ((f = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_errno(e, "%s", path);
	while (flock(f, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(e, "%s", path);
		if (clock_mono_ms(&clock_system) - begun > LOCK_WAIT_MS)
			return err_set(e, RC_UNAVAILABLE,
			    "%s/CS.cfg: another program holds it: try again",
			    path);
		(void)nanosleep(&step, NULL);
	}
	*fd = f;
	f = -1;
	return RC_OK;
}

enum rc
cscfg_change(const struct instance_paths *p, const char *sub,
    enum rc (*fn)(void *arg, struct cfg *cs, struct err *e), void *arg,
    struct err *e)
{
	AUTO_STR path = paths_cs_cfg(p, sub);
	AUTO(cfg) cs = cfg_new();
	AUTO_BUF before = buf_empty(0), after = buf_empty(0);
	LOCKED(&lock);
	AUTO_FD held = -1;
	enum rc rc;

	if (path == NULL || cs == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	if ((rc = cscfg_lock(&held, p, sub, e)) != RC_OK ||
	    (rc = cfg_load(cs, path, e)) != RC_OK)
		return rc;
	cfg_encode(cs, &before);
	if ((rc = fn(arg, cs, e)) != RC_OK)
		return rc;
	cfg_encode(cs, &after);
	if ((rc = buf_check(&before, e)) != RC_OK ||
	    (rc = buf_check(&after, e)) != RC_OK ||
	    view_eq(buf_view(&before), buf_view(&after)))
		return rc;
	return cfg_save(cs, path, CS_MODE, e);
}
