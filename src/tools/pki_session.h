/* SPDX-License-Identifier: Apache-2.0 */
/* pki_session.h - the session of the pki client for commands of pki-server that
 * ask a running server as anybody does: over TLS, with credentials. */
#ifndef TOOLS_PKI_SESSION_H
#define TOOLS_PKI_SESSION_H

#include "tools/pki.h"

/* Who asks; every member may be NULL, but not both nickname and user. */
struct pki_session {
	const char *dir;      /* NSS database; NULL = ~/.dogtag/nssdb */
	const char *nickname; /* client certificate in it */
	const char *user;     /* with p->password */
};

/* Makes *p ready for the calls of the CA's REST interface; nothing is opened
 * yet. The caller sets p->db_pin and p->password, which p then owns, and frees
 * all with pki_session_close, also after a failure. */
MUST enum rc pki_session_open(
    struct pki *p, const struct pki_session *who, struct err *e);
void pki_session_close(struct pki *p);
/* The next calls go to this host:port. */
MUST enum rc pki_session_turn(
    struct pki *p, const char *address, struct err *e);

#endif
