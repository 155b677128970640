/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_roles.h - what ca-promote asks other hosts (pki_server_remote.c). */
#ifndef TOOLS_PKI_SERVER_ROLES_H
#define TOOLS_PKI_SERVER_ROLES_H

#include "base/text.h"
#include "keys/roots.h"
#include "tools/pki_server_cmds.h"

/* Does "host:port" answer, whatever its certificate, and is it still the host
 * of that id (roles, selfId)? One that was restored has another id and does
 * nothing about the claims of the former. id "": any. Up to 15 s a call. */
bool remote_is(const char *address, const char *id);

/* What a fetched CRL is checked with: this instance's own certificates. Zero
 * before the first use. */
struct remote_trust {
	struct roots *roots;
	struct buf signer; /* certificate of this CA */
};
/* Once; later calls return at once. */
MUST enum rc remote_trust_load(
    struct remote_trust *t, struct server *s, struct err *e);
void remote_trust_done(struct remote_trust *t);
/* The number of the CRL at url (https), which must be signed by this CA; sets
 * *expired when the server's certificate is. RC_AUTH, RC_INVALID: another's
 * certificate or CRL, which waiting does not change; RC_UNAVAILABLE. */
MUST enum rc remote_crl_number(const struct remote_trust *t, const char *url,
    bool *expired, struct num *out, struct err *e);

#endif
