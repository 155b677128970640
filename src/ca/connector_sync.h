/* SPDX-License-Identifier: Apache-2.0 */
/* connector_sync.h - the KRA connector as a setting of all clones: a record
 * (REC_SETTING "ca.connector.KRA") of which ca.connector.KRA.* in each CS.cfg is
 * a view and a hand-edited input (design.md, replicated settings).
 *
 * Hosts merge as a set, each a value of its own; other settings one by one, so
 * that changes made on two clones at once both count. What this host applied
 * last is kept beside its high-water file: only what differs from it was changed
 * here. */
#ifndef CA_CONNECTOR_SYNC_H
#define CA_CONNECTOR_SYNC_H

#include "base/cfg.h"
#include "ca/ca.h"

#define CONNECTOR_SETTING "ca.connector.KRA"

struct connector_sync;

/* Not in step until the first connector_sync_tick. */
MUST enum rc connector_sync_new(
    struct connector_sync **out, struct ca *ca, struct err *e);
void connector_sync_free(struct connector_sync *s);
OWNED(connector_sync)

/* The feed's hand: the record may have changed. */
void connector_sync_follow(struct connector_sync *s);
/* Brings CS.cfg and record in step, now. */
MUST enum rc connector_sync_run(struct connector_sync *s, struct err *e);
/* connector_sync_run where something changed; ms until it wants to run again. */
int64_t connector_sync_tick(struct connector_sync *s);

/* The rules, over views: a cfg with a name "host:h:p" for each host and one for
 * each other setting that clones share. */

/* The view of a CS.cfg; empty when there is no connector. */
MUST enum rc connector_view(
    struct cfg *out, const struct cfg *cs, struct err *e);
/* What comes of mine and theirs; base, what was applied here last, is NULL when
 * that is not known: then hosts are united and theirs wins elsewhere. Without
 * hosts the result is empty. */
MUST enum rc connector_merge(struct cfg *out, const struct cfg *base,
    const struct cfg *mine, const struct cfg *theirs, struct err *e);
/* Makes ca.connector.KRA.* of a CS.cfg say what the view says; lines that are
 * this host's own stay. */
MUST enum rc connector_apply(
    struct cfg *cs, const struct cfg *view, struct err *e);

#endif
