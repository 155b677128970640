/* SPDX-License-Identifier: Apache-2.0 */
/* change_wire.h - the bytes of a change inside the spool of a directory store
 * (internal to store/). */
#ifndef STORE_CHANGE_WIRE_H
#define STORE_CHANGE_WIRE_H

#include "store/store_backend.h"

/* Appends the bytes of c (sticky failure of out). */
void change_write(struct buf *out, const struct change *c);
/* Appends the change in v to b; all of v must be used. RC_INVALID when v is
 * damaged, b is then not to be used. */
MUST enum rc change_read(struct batch *b, struct view v, struct err *e);

#endif
