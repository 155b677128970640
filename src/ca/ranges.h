/* SPDX-License-Identifier: Apache-2.0 */
/* ranges.h - what pki-server does to number ranges in a store, no running CA
 * needed (spec deployment 4.3, 4.4). */
#ifndef CA_RANGES_H
#define CA_RANGES_H

#include <jansson.h>

#include "store/range.h"

/* {kind, form, next}: sets nextRange where there is none ("1" once only). kind:
 * "request", "serial", "replica"; form: "legacy", "legacy2"; next: decimal. */
MUST enum rc ca_range_init(
    struct store *s, const json_t *args, struct buf *out, struct err *e);
/* {kind, host, port, next}: repeats this host's legacy range entries as legacy2
 * ones, the text of serial numbers read as its owner read it, and sets nextRange
 * behind them (next, where it has none). Running it again changes nothing.
 * Appends [{"begin":19,"end":48}], this host's legacy2 ranges. */
MUST enum rc ca_range_convert(
    struct store *s, const json_t *args, struct buf *out, struct err *e);

#endif
