/* SPDX-License-Identifier: Apache-2.0 */
/* pki_servlet.h - form posts to the servlets behind some commands, and their
 * answers in either of their forms (spec ca 2). */
#ifndef TOOLS_PKI_SERVLET_H
#define TOOLS_PKI_SERVLET_H

#include "domain/answer.h"
#include "tools/pki.h"

/* --session or the first line of --install-token as sessionID. */
MUST enum rc form_add_session(
    struct buf *form, const struct args *a, struct err *e);
/* Posts the form to an absolute path. *out (the caller owns it) has the members
 * of {"Response":{...}}, of <XMLResponse>, or of <xml><header>; repeated
 * <Config><name/><value/> become the object "Config". In the server's words
 * when there is a Status other than 0: RC_AUTH for 2, else RC_INVALID. */
MUST enum rc servlet_post(struct pki *p, const char *path,
    const struct buf *form, json_t **out, struct err *e);

#endif
