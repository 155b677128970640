/* SPDX-License-Identifier: Apache-2.0 */
/* input.h - inside the room: what inputs share. */
#ifndef PROFILE_INPUT_H
#define PROFILE_INPUT_H

#include "profile/plugin.h"

/* Stores a subject (whole Name) and its CN and UID in the request. */
MUST enum rc input_set_subject(
    struct profile_run *r, struct view subject, struct err *e);
/* Appends the DER of a request given as PEM or base64. */
MUST enum rc input_decode(struct buf *out, const char *text, struct err *e);

#endif
