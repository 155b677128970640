/* SPDX-License-Identifier: Apache-2.0 */
/* callers.h - who lately logged in by certificate, so that an agent's next
 * request costs no search. What is kept is dropped by the feed: by a change of
 * any user or group all of it, by a change of a certificate's record that
 * certificate's. */
#ifndef CA_CALLERS_H
#define CA_CALLERS_H

#include "auth/principal.h"

struct callers;

enum {
	CALLERS_MAX = 256
};

/* Empty; NULL when memory is out. */
struct callers *callers_new(void);
void callers_free(struct callers *c);
OWNED(callers)

/* A copy of the principal kept for these bytes; NULL when there is none. */
struct principal *callers_get(struct callers *c, struct view der);
/* Grows with every change of a user or group. Taken before a log-in is looked
 * up and handed to callers_put, it keeps an overtaken answer out. */
uint64_t callers_epoch(struct callers *c);
void callers_put(struct callers *c, const struct principal *p, uint64_t epoch);
/* The feed's hand. */
void callers_users_changed(struct callers *c);
void callers_cert_changed(struct callers *c, const struct num *serial);

#endif
