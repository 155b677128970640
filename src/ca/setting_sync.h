/* SPDX-License-Identifier: Apache-2.0 */
/* setting_sync.h - settings of all clones: each group is a record (REC_SETTING)
 * of which lines of every CS.cfg are a view and a hand-edited input (design.md,
 * replicated settings). CS.cfg, what this host applied last and the record are
 * merged line by line, at start and when the record changes: only what differs
 * from what was applied was changed here, so that changes made on two clones at
 * once both count. What came from another clone is in CS.cfg then, and counts at
 * once where the group says how (live). */
#ifndef CA_SETTING_SYNC_H
#define CA_SETTING_SYNC_H

#include "base/cfg.h"
#include "ca/ca.h"

struct setting_group {
	const char *id;      /* of the record */
	const char *applied; /* name of the host-local file */
	const char *what;    /* in messages */
	/* Names of the lines that make the group (a prefix): with the last of
	 * them all go, and the record keeps the others for who adds one at that
	 * moment elsewhere. NULL: each line stands for itself. */
	const char *members;
	/* The group's lines of a CS.cfg, each under a name of the group's own
	 * choice; RC_INVALID for one that must not go to the clones. */
	MUST enum rc (*view)(
	    struct cfg *out, const struct cfg *cs, struct err *e);
	/* As cfg_merge; base NULL when what was applied is not known. */
	MUST enum rc (*merge)(struct cfg *out, const struct cfg *base,
	    const struct cfg *mine, const struct cfg *theirs, struct err *e);
	/* Makes a CS.cfg say what the view says. */
	MUST enum rc (*apply)(
	    struct cfg *cs, const struct cfg *view, struct err *e);
	/* Lets the running CA go by the view; one call at a time. NULL: it reads
	 * CS.cfg whenever it wants to know. */
	MUST enum rc (*live)(
	    struct ca *ca, const struct cfg *view, struct err *e);
};
/* The KRA connector (ca/connector_view.h). */
extern const struct setting_group setting_connector;
/* Single parameters that every clone needs alike (setting_params.c). */
extern const struct setting_group setting_params;

struct setting_sync;

/* Every group; not in step until the first setting_sync_tick. */
MUST enum rc setting_sync_new(
    struct setting_sync **out, struct ca *ca, struct err *e);
void setting_sync_free(struct setting_sync *s);
OWNED(setting_sync)

/* The feed's hand: the record of that id may have changed; false when it is of
 * no group. */
bool setting_sync_follow(struct setting_sync *s, const char *id);
/* Brings CS.cfg and record of one group in step, now. */
MUST enum rc setting_sync_run(
    struct setting_sync *s, const struct setting_group *g, struct err *e);
/* The same for every group where something changed; ms until it wants to run
 * again. */
int64_t setting_sync_tick(struct setting_sync *s);

#endif
