/* SPDX-License-Identifier: Apache-2.0 */
/* roles_int.h - what roles.c, roles_act.c and roles_move.c share (internal to ca/roles*.c).
 * All of it under roles.work. */
#ifndef CA_ROLES_INT_H
#define CA_ROLES_INT_H

#include "ca/roles.h"
#include "crl/issuing_point.h"

enum {
	ROLES_ROW_MAX = 256,
};
#define ROLES_GENERATION_ROW "role.generation"

/* Name of the row of the high-water file: "role.<role>.<what>". */
void roles_row(char out[ROLES_ROW_MAX], const char *role, const char *what);
/* The issuing point of the role; NULL: it is about none, or not open here. */
struct issuing_point *roles_point(struct ca *ca, const char *role);
/* The claim that is to be taken over; "" = none. */
void roles_set_taking(struct ca *ca, struct role *r, const char *claim);
/* The highest number anybody used, as far as this host can know. */
struct num roles_highest(
    struct ca *ca, const char *role, const struct claims *all);
/* Adds a claim or note; audits and logs it. */
MUST enum rc roles_add_claim(struct ca *ca, struct claim *c, struct err *e);
/* Adds the claim or note of a step. why NULL: as role_claim says. */
MUST enum rc roles_add_for(struct ca *ca, const struct role *r,
    const struct role_step *s, const struct claims *all, const char *why,
    struct err *e);
/* Does what the step says. An error: nothing is remembered, the next look does
 * it again. */
MUST enum rc roles_act(struct ca *ca, struct role *r, const struct role_step *s,
    const struct claims *all, struct err *e);
/* What the rule says now becomes what others see (roles_at, roles_hold). */
void roles_show(struct ca *ca, struct role *r, const struct role_step *s,
    const struct claims *all);
/* Looks at one role until the rule has nothing more to do. */
void roles_settle(struct ca *ca, struct role *r);

#endif
