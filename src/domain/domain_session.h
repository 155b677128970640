/* SPDX-License-Identifier: Apache-2.0 */
/* domain_session.h - install tokens as records (spec deployment 8.1, 8.2): one
 * REC_DOMAIN_SESSION a token, shared by every clone of the domain manager.
 *
 * A token is bound to the host it was asked for and serves one installation:
 * when that host has joined the domain the token is spent and good only for
 * what an installer does afterwards (connector, users, OCSP publisher). */
#ifndef DOMAIN_DOMAIN_SESSION_H
#define DOMAIN_DOMAIN_SESSION_H

#include "base/secret.h"
#include "domain/domain_host.h"

enum {
	DOMAIN_UID_MAX = 130,
	DOMAIN_GROUP_MAX = 64,
	DOMAIN_ADDRESS_MAX = 64,
};

/* What a token stands for. */
struct domain_session {
	char uid[DOMAIN_UID_MAX];         /* who asked for it */
	char group[DOMAIN_GROUP_MAX];     /* "Enterprise CA Administrators" */
	char address[DOMAIN_ADDRESS_MAX]; /* numeric, of who asked */
	char host[DOMAIN_NAME_MAX]; /* it is for; "" in those of other makers */
	int64_t created_ms;
	bool spent;
};

/* How the text of an unknown token's refusal goes on. */
#define DOMAIN_TOKEN_UNKNOWN "not known here"

/* Draws a token and stores it; created_ms and spent are set here. The token is
 * the decimal form of a random number of 63 bits, as clients expect. */
MUST enum rc domain_session_new(struct store *s, struct secret **token,
    struct domain_session *x, int64_t now_ms, struct err *e);
/* What a token stands for. RC_NOTFOUND when it is not (or not yet) in this
 * store; RC_AUTH when it is malformed or older than life_ms. */
MUST enum rc domain_session_find(struct store *s, struct domain_session *out,
    const char *token, int64_t now_ms, int64_t life_ms, struct err *e);
/* Its host has joined. Idempotent. */
MUST enum rc domain_session_spend(
    struct store *s, const char *token, struct err *e);
/* Deletes those older than life_ms; *n (may be NULL) tells how many. */
MUST enum rc domain_session_purge(
    struct store *s, size_t *n, int64_t now_ms, int64_t life_ms, struct err *e);

#endif
