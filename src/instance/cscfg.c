/* SPDX-License-Identifier: Apache-2.0 */
/* cscfg.c - read, change, write CS.cfg under one lock.
 * Owns:    nothing beyond a call.
 * Trusts:  the file's permissions.
 * Threads: any; `lock` is held from the reading to the writing, also while fn
 *          runs, so fn takes no lock of its own. */
#include "instance/cscfg.h"

#include "base/thread.h"

enum {
	CS_MODE = 0660
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

enum rc
cscfg_change(const struct instance_paths *p, const char *sub,
    enum rc (*fn)(void *arg, struct cfg *cs, struct err *e), void *arg,
    struct err *e)
{
	AUTO_STR path = paths_cs_cfg(p, sub);
	AUTO(cfg) cs = cfg_new();
	AUTO_BUF before = buf_empty(0), after = buf_empty(0);
	LOCKED(&lock);
	enum rc rc;

	if (path == NULL || cs == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	if ((rc = cfg_load(cs, path, e)) != RC_OK)
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
