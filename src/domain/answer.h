/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h - forms posted to servlets and what these answer, JSON or XML alike
 * (spec ca 2, deployment 3.4 to 3.8). */
#ifndef DOMAIN_ANSWER_H
#define DOMAIN_ANSWER_H

#include <jansson.h>

#include "base/buf.h"

/* Appends "name=value" (percent-encoded, '&' between); nothing for NULL. */
void form_add(struct buf *form, const char *name, const char *value);

/* Reads {"Response":{...}}, <XMLResponse> or <xml><header>; *out (the caller
 * owns it) has the members as strings, repeated <Config><name/><value/> as the
 * object "Config". RC_INVALID for anything else. */
MUST enum rc answer_parse(json_t **out, struct view body, struct err *e);
/* A text member; NULL when absent. */
const char *answer_text(const json_t *answer, const char *name);
/* RC_OK unless there is a Status other than 0: 2 is RC_AUTH, all others
 * RC_INVALID, in the server's words. */
MUST enum rc answer_status(const json_t *answer, struct err *e);

#endif
