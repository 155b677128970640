/* SPDX-License-Identifier: Apache-2.0 */
/* mark.h - the mark of an installation under way: pkispawn can be killed at any
 * step and be run again. A folder beside the instance's host state holds a lock
 * (one pkispawn an instance at a time), what must not be taken twice (number
 * ranges), what was there before, and the CS.cfg that was there before. */
#ifndef DEPLOY_MARK_H
#define DEPLOY_MARK_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "instance/paths.h"

struct mark;

/* Has an installation that did not come to its end set that name? */
bool mark_peek(const struct instance_paths *p, const char *name);
/* Takes the lock and makes the mark; *found tells that one was there. cs_cfg is
 * copied where it exists and none was there. RC_CONFLICT when a pkispawn of
 * this instance runs. */
MUST enum rc mark_take(struct mark **out, const struct instance_paths *p,
    const char *cs_cfg, bool *found, struct err *e);
/* Lets go of the lock; the mark stays unless mark_remove was called. */
void mark_free(struct mark *m);
OWNED(mark)
/* The value that mark_set has written, in this run or an earlier one; NULL. */
const char *mark_get(const struct mark *m, const char *name);
/* Durable when it returns. */
MUST enum rc mark_set(
    struct mark *m, const char *name, const char *value, struct err *e);
/* Puts the CS.cfg back that was there before the first run; without one
 * nothing happens. */
MUST enum rc mark_restore(
    const struct mark *m, const char *cs_cfg, struct err *e);
/* The installation has come to its end. */
void mark_remove(struct mark *m);
/* Nothing is left of it: names that begin with "range." stay for the next run,
 * for such numbers cannot be given back. Without any the mark goes. */
void mark_shrink(struct mark *m);

#endif
