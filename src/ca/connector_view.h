/* SPDX-License-Identifier: Apache-2.0 */
/* connector_view.h - the KRA connector as a setting of all clones
 * (ca/setting_sync.h). Hosts merge as a set, each a value of its own; other
 * settings one by one. The rules are over views: a cfg with a name "host:h:p"
 * for each host and one for each other setting that clones share. */
#ifndef CA_CONNECTOR_VIEW_H
#define CA_CONNECTOR_VIEW_H

#include "base/cfg.h"

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
