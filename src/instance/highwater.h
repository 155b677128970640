/* SPDX-License-Identifier: Apache-2.0 */
/* highwater.h - what this host has used, in a file of the host: outside the
 * store and outside every backup of the instance, so that a store that was put
 * back or copied to another machine is noticed (design.md).
 *
 * /var/lib/pki/.host/<inst>/<sub>.highwater, name=value lines: hostid (16 bits
 * drawn at installation, unique among the REC_HOST records), generation and usn
 * of the store, and the rows of those who are guarded by it:
 *   range.serial.mark, range.serial.top ...  numbers (store/range.h)
 *   any other row its owner names ("crl.MasterCRL.number", "claim.ranges").
 * A row is written before what it guards is used.
 *
 * Threads: any. */
#ifndef INSTANCE_HIGHWATER_H
#define INSTANCE_HIGHWATER_H

#include "base/clock.h"
#include "instance/paths.h"
#include "store/store.h"

struct highwater;

/* Reads the file, or begins without one; nothing is written yet. RC_INVALID:
 * it is damaged. */
MUST enum rc highwater_open(struct highwater **out,
    const struct instance_paths *p, const char *sub, struct err *e);
/* Writes the usn of the store, when one is bound (a clean end). */
void highwater_free(struct highwater *h);
OWNED(highwater)

/* Compares file and store, and binds them: from now on each write notes the
 * store's usn. A host without an id draws one. The store counts as restored or
 * copied when it has hosts but this file is missing, or, embedded, when it has
 * another generation or is behind what the file saw: highwater_restored then
 * says so until highwater_accept. host: this machine's name, for people. */
MUST enum rc highwater_bind(struct highwater *h, struct store *s, bool embedded,
    const char *host, const struct clock *clock, struct err *e);

/* As highwater_bind at the end of an installation: the host is new, whatever
 * hosts the store has. */
MUST enum rc highwater_new_host(struct highwater *h, struct store *s,
    bool embedded, const char *host, const struct clock *clock, struct err *e);

/* Never 0 after highwater_bind. */
uint16_t highwater_host_id(struct highwater *h);
/* Copies why the store counts as restored; false: it does not. Whoever is
 * restored burns its ranges, goes above the CRL numbers that were published and
 * claims no role until told. */
bool highwater_restored(struct highwater *h, char *out, size_t size);
/* The operator says that this instance is the only one of its kind and may
 * claim roles again (pki-server <sub>-restore-accept). */
MUST enum rc highwater_accept(struct highwater *h, struct err *e);

/* A row's number; 0 when there is none. */
struct num highwater_num(struct highwater *h, const char *name);
/* A row's text, malloc'ed; NULL when there is none. */
char *highwater_text(struct highwater *h, const char *name);
/* Sets rows durably, all or none; NULL text removes one. */
struct highwater_row {
	const char *name, *text;
};
MUST enum rc highwater_set(struct highwater *h,
    const struct highwater_row *rows, size_t n, struct err *e);
/* Raises a row to n, durably; a row that is there already stays. */
MUST enum rc highwater_raise(
    struct highwater *h, const char *name, const struct num *n, struct err *e);

#endif
