/* SPDX-License-Identifier: Apache-2.0 */
/* domain.h - the CA in its security domain: as its manager, which keeps members
 * and tokens (securitydomain.select=new), or as a member that asks the manager
 * (spec deployment 8). */
#ifndef CA_DOMAIN_H
#define CA_DOMAIN_H

#include "auth/principal.h"
#include "ca/ca.h"
#include "domain/domain_session.h"

struct ca_domain;

/* Reads securitydomain.* of CS.cfg. */
MUST enum rc ca_domain_new(
    struct ca *ca, struct ca_domain **out, struct err *e);
void ca_domain_free(struct ca_domain *d);
OWNED(ca_domain)

/* Does this CA manage the domain? */
bool ca_domain_hosted(const struct ca *ca);
/* RC_OK, or RC_NOTFOUND "Security domain not available". */
MUST enum rc ca_domain_check(const struct ca *ca, struct err *e);
const char *ca_domain_name(const struct ca *ca);

/* The authentication manager TokenAuth: what an install token stands for.
 * Here for the manager, else asked of it over TLS. peer: the numeric address of
 * who showed it. RC_NOTFOUND when it is not known (yet), RC_AUTH for one that is
 * not good, RC_UNAVAILABLE when the manager cannot be asked. Audited. */
MUST enum rc ca_domain_token(struct ca *ca, struct domain_session *out,
    const char *token, const char *peer, struct err *e);
/* A spent token is RC_AUTH for what only an installation may do. */
MUST enum rc ca_domain_unspent(const struct domain_session *x, struct err *e);
/* The caller that a token stands for; NULL when memory is out. */
struct principal *ca_domain_principal(const struct domain_session *x);

/* An install token for who, to be used for subsystem ("CA") on host. RC_AUTH
 * when who is not in Enterprise <SUB> Administrators. Audited. */
MUST enum rc ca_domain_issue(struct ca *ca, struct secret **token,
    const struct principal *who, const char *peer, const char *host,
    const char *subsystem, struct err *e);
/* Enters, or takes out, a member; with it goes its user. Audited as done by
 * who. */
MUST enum rc ca_domain_put(
    struct ca *ca, struct domain_host *h, const char *who, struct err *e);
MUST enum rc ca_domain_remove(
    struct ca *ca, const struct domain_host *h, const char *who, struct err *e);

/* Purges old tokens when due; ms until it wants to run again. */
int64_t ca_domain_tick(struct ca *ca, int64_t now_ms);

#endif
