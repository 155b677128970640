/* SPDX-License-Identifier: Apache-2.0 */
/* conformance.h - the suite that every back-end has to pass alike. A program is
 * conformance.c plus one conformance_<back-end>.c that opens stores. */
#ifndef STORE_CONFORMANCE_H
#define STORE_CONFORMANCE_H

#include "store/rec_request.h"
#include "store/test_help.h"

/* A new, empty store; called for every case. */
struct store *conformance_open(void);
/* Frees it and what belongs to it. */
void conformance_close(struct store *s);
/* Adds a record (taken over) from elsewhere, so that it is in the data of the
 * case's store; through that store itself where there is no other way. */
void conformance_elsewhere(struct rec *r);
/* Once, before the first and after the last case; 0 when all is well. */
int conformance_begin(void **state);
int conformance_end(void **state);

/* New records, the caller's; NULL when memory is out. */
struct rec *sample_rec(enum rec_kind kind);
struct rec *sample_user(const char *id);
struct rec *sample_point(const char *id);
struct rec *sample_request(
    uint64_t n, const char *type, enum request_state state);
/* Attributes by name and value, ended by NULL. */
struct rec *sample_text(enum rec_kind kind, const char *id, ...);

#endif
