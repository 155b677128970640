/* SPDX-License-Identifier: Apache-2.0 */
/* domain_records.h - the members of the security domain as pki-server asks for
 * them (spec deployment 7.6). */
#ifndef CA_DOMAIN_RECORDS_H
#define CA_DOMAIN_RECORDS_H

#include <jansson.h>

#include "store/store.h"

/* Runs one command and appends its JSON result (nothing = null):
 *   sd-find: [{id, hostname, port?, securePort, manager, clone}];
 *   sd-add {id, subsystem?, hostname?, port?, securePort?, manager?, clone?};
 *   sd-del {id}: its user goes too.
 * RC_UNSUPPORTED for any other word; *wrote tells whether it is one that changes
 * records. */
MUST enum rc ca_domain_records(struct store *s, const char *command,
    const json_t *args, struct buf *out, bool *wrote, struct err *e);

#endif
