/* SPDX-License-Identifier: Apache-2.0 */
/* subject.h - inside the room: the template's subject as text. */
#ifndef PROFILE_SUBJECT_H
#define PROFILE_SUBJECT_H

#include "profile/plugin.h"

/* Sets the template's subject from text; RC_INVALID when it is no DN. */
MUST enum rc subject_set_text(
    struct profile_run *r, const char *text, struct err *e);
/* As it stands in the template, "" for the empty name. */
MUST enum rc subject_text(
    const struct profile_run *r, struct buf *out, struct err *e);
/* An agent's value; NULL is an error. */
MUST enum rc subject_review(
    struct profile_run *r, const char *name, const char *value, struct err *e);

#endif
