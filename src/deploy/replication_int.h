/* SPDX-License-Identifier: Apache-2.0 */
/* replication_int.h - names that the replication files share. */
#ifndef DEPLOY_REPLICATION_INT_H
#define DEPLOY_REPLICATION_INT_H

#include "deploy/replication.h"

/* Suffix and back end that hold base, appended. RC_NOTFOUND. */
MUST enum rc repl_suffix(struct ds_admin *d, struct buf *suffix,
    struct buf *backend, const char *base, struct err *e);
/* Appends the DN of the replica entry of the suffix that holds base. */
MUST enum rc repl_replica_dn(
    struct ds_admin *d, struct buf *out, const char *base, struct err *e);
/* Appends the DN of an agreement. */
MUST enum rc repl_agreement_dn(struct ds_admin *d, struct buf *out,
    const char *base, const char *name, struct err *e);
/* Appends the DN of the manager that goes with an agreement of its side. */
void repl_manager_dn(struct buf *out, const char *agreement);

#endif
