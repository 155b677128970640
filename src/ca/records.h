/* SPDX-License-Identifier: Apache-2.0 */
/* records.h - the records of a CA as pki-server asks for them: commands of the
 * control socket that need no running CA, only its store (spec deployment
 * 7.5). */
#ifndef CA_RECORDS_H
#define CA_RECORDS_H

#include <jansson.h>

#include "store/store.h"

/* Runs one command and appends its JSON result:
 *   cert-find {status?, start?, size?}; cert-show {serial}; request-find {serial?, start?, size?};
 *   request-show {id}; profile-find {start?, size?}; crl-record {id};
 *   cert-add {cert, request?, profile?}: a certificate signed elsewhere with the
 *   CA's key (RC_EXISTS when its serial number is taken); cert-del {serial};
 *   request-add {id, csr, profile, set, cert?}: a request, complete with cert and
 *   else pending (RC_EXISTS when the id is taken);
 *   profile-add {id, text}: property lines (RC_EXISTS); profile-mod {id, name?,
 *   desc?, visible?, enable?};
 *   db-backup {dir}: a consistent copy of an embedded store; db-info;
 *   range-init, range-convert (ca/ranges.h); those of
 *   ca/domain_records.h and auth/admin.h. RC_UNSUPPORTED for any other word; *wrote tells
 *   whether it is one that changes records. */
MUST enum rc ca_records(struct store *s, const char *command,
    const json_t *args, struct buf *out, bool *wrote, struct err *e);

#endif
