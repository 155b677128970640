/* SPDX-License-Identifier: Apache-2.0 */
/* join.h - an installing subsystem and its security domain: log-in, certificates
 * from another CA, registration (spec deployment 3.3, 8). */
#ifndef DEPLOY_JOIN_H
#define DEPLOY_JOIN_H

#include "deploy/install.h"
#include "deploy/plans.h"
#include "domain/domain_client.h"

enum {
	JOIN_HOST_MAX = 256,
	JOIN_ROOTS_MAX = 256,
};

struct join {
	struct domain_client *domain; /* the domain's manager */
	struct domain_client *server; /* the master, or the issuing CA */
	struct domain_info *info;
	struct secret *token;
	struct domain_host self;
	bool joined; /* registered by this installation */
	struct arena *arena;
	struct view *roots; /* what servers' certificates chain to */
	size_t n_roots;
};

/* "https://host:port" taken apart; the port is 443 when there is none.
 * RC_INVALID names param. */
MUST enum rc join_url(char host[JOIN_HOST_MAX], int *port, const char *url,
    const char *param, struct err *e);
/* What logging in needs, before anything is made. */
MUST enum rc join_check(struct install *in, struct err *e);
/* Logs in to the security domain; server is the URL of the master or issuing
 * CA, named by param. Servers are trusted by the certificates of the NSS
 * database, imported before. */
MUST enum rc join_begin(
    struct install *in, const char *server, const char *param, struct err *e);
/* join_begin with the issuing CA, and what CS.cfg of a subordinate CA says of
 * the domain. */
MUST enum rc join_subordinate(struct install *in, struct err *e);
void join_free(struct join *j);
OWNED(join)
/* A certificate of p for a request, from the server; appended as DER. */
MUST enum rc join_enroll(struct install *in, const struct plan *p,
    enum keytype type, struct view csr, struct buf *der, struct err *e);
/* Enters this subsystem into the domain. */
MUST enum rc join_register(
    struct install *in, bool manager, bool clone, struct err *e);
/* Takes it out again after a failure. */
void join_undo(struct install *in);

#endif
