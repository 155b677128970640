/* SPDX-License-Identifier: Apache-2.0 */
/* revoked.h - the set of revoked certificates of one issuing point, ascending
 * by serial, every entry kept as the ready octets of the CRL (RFC 5280 5.1.2.6),
 * so that a list of 10^6 is made by hashing and copying blocks.
 *
 * Threads: any may call anything; changes lock out each other for microseconds.
 * A snapshot shares its blocks with the set: a change to the set copies the
 * block it touches and never waits for a list in the making. */
#ifndef CRL_REVOKED_H
#define CRL_REVOKED_H

#include "x509/crl.h"

struct revoked_set;

/* NULL when memory is out. */
struct revoked_set *revoked_set_new(void);
void revoked_set_free(struct revoked_set *s);
OWNED(revoked_set)

/* Adds x, or replaces the entry of the same serial. RC_NOMEM, or RC_TOOBIG when
 * the entry has more than CRL_ENTRY_MAX octets; the set is then unchanged. */
MUST enum rc revoked_put(
    struct revoked_set *s, const struct crl_entry *x, struct err *e);
/* Takes the entry of that serial out; *found (may be NULL) tells whether it
 * was there. RC_NOMEM only while a snapshot is held. */
MUST enum rc revoked_remove(struct revoked_set *s, const struct num *serial,
    bool *found, struct err *e);
/* The entry of that serial, as it stands in the list (out->exts is empty).
 * false when it is not there. */
bool revoked_find(
    struct revoked_set *s, const struct num *serial, struct crl_entry *out);
size_t revoked_count(struct revoked_set *s);
/* Octets of all entries; octets of memory they take. */
size_t revoked_bytes(struct revoked_set *s);
size_t revoked_memory(struct revoked_set *s);
/* Exchanges the contents of two sets (after a rebuild beside the old one). */
void revoked_swap(struct revoked_set *a, struct revoked_set *b);

/* The set as it is now, unchanging. */
struct revoked_snapshot;
MUST enum rc revoked_snapshot_new(
    struct revoked_snapshot **out, struct revoked_set *s, struct err *e);
void revoked_snapshot_free(struct revoked_snapshot *v);
OWNED(revoked_snapshot)
size_t revoked_snapshot_count(const struct revoked_snapshot *v);
size_t revoked_snapshot_bytes(const struct revoked_snapshot *v);
/* Pieces of whole entries, ascending: i from 0; the empty view at the end. */
struct view revoked_snapshot_piece(const struct revoked_snapshot *v, size_t i);

#endif
