/* SPDX-License-Identifier: Apache-2.0 */
/* domain_client.h - what an installing subsystem asks of the security domain
 * and of the server it is cloned from (spec deployment 3.3 to 3.5, 3.8, 8.3).
 *
 * Errors name the server and what it was asked; the server's own words are kept.
 * A token that a server does not know yet is waited for: it is on its way
 * there by replication, and `waiting` says so. */
#ifndef DOMAIN_DOMAIN_CLIENT_H
#define DOMAIN_DOMAIN_CLIENT_H

#include "base/cfg.h"
#include "domain/domain_session.h"
#include "http/client.h"

struct domain_client;

enum {
	DOMAIN_PATIENCE_MS = 60000 /* for a token to replicate */
};

struct domain_client_params {
	const char *url; /* "https://host:port", without a path */
	/* what the server's certificate must chain to (DER); a server that is
	 * not trusted is never spoken to */
	const struct view *cas;
	size_t n_cas;
	struct key *key; /* own certificate, or NULL */
	const struct view *chain;
	size_t n_chain;
	int timeout_ms;  /* of one call; 0 = 60,000 */
	int patience_ms; /* 0 = DOMAIN_PATIENCE_MS, -1 = none */
	/* told once when a call begins to wait, and why; may be NULL */
	void (*waiting)(void *arg, const char *why);
	void *waiting_arg;
};

/* A client of one server; p's parts stay the caller's and must outlive it. No
 * connection is made yet. RC_INVALID unless the URL is https. */
MUST enum rc domain_client_new(struct domain_client **out,
    const struct domain_client_params *p, struct err *e);
void domain_client_free(struct domain_client *c);
OWNED(domain_client)

/* The members of the domain, in the server's order. */
struct domain_info {
	char name[DOMAIN_LABEL_MAX];
	struct domain_host *hosts;
	size_t n;
};
void domain_info_free(struct domain_info *i);
OWNED(domain_info)
/* GET securityDomain/domainInfo, anonymously. RC_NOTFOUND when the server hosts
 * no domain. */
MUST enum rc domain_client_info(
    struct domain_client *c, struct domain_info **out, struct err *e);
/* Reads the JSON of an answer of domainInfo; for tests and fuzzers. */
MUST enum rc domain_info_parse(
    struct domain_info **out, struct view json, struct err *e);

/* An install token for the subsystem ("CA") on host. RC_AUTH for a wrong
 * password and for a user outside Enterprise <SUB> Administrators. */
MUST enum rc domain_client_login(struct domain_client *c, struct secret **token,
    const char *user, const struct secret *password, const char *host,
    const char *subsystem, struct err *e);
/* What a token stands for, as the domain manager knows it (POST
 * <path>/tokenAuthenticate). address: the numeric address of who showed the
 * token, or NULL. RC_AUTH when it is not good. */
MUST enum rc domain_client_token(struct domain_client *c,
    struct domain_session *out, const struct secret *token, const char *address,
    struct err *e);

/* getConfigEntries of subsystem sub ("ca"): names and substores are comma lists
 * or NULL; what the server knows of them is added to out. Values may be
 * passwords. RC_AUTH with the server's words when the token is not good. */
MUST enum rc domain_client_config(struct domain_client *c, struct cfg *out,
    const char *sub, const struct secret *token, const char *names,
    const char *substores, struct err *e);

/* A range of numbers in the server's radix (3.5). */
struct domain_range {
	char begin[NUM_TEXT_MAX], end[NUM_TEXT_MAX];
};
/* updateNumberRange: type is "request", "serialNo" or "replicaId". */
MUST enum rc domain_client_range(struct domain_client *c,
    struct domain_range *out, const char *sub, const char *type,
    const struct secret *token, struct err *e);

/* Enters h into the domain with a token. */
MUST enum rc domain_client_join(struct domain_client *c,
    const struct domain_host *h, const struct secret *token, struct err *e);
/* Takes h out of the domain: with a token, or with the client certificate when
 * token is NULL. */
MUST enum rc domain_client_leave(struct domain_client *c,
    const struct domain_host *h, const struct secret *token, struct err *e);

/* registerUser of sub: makes the user (if need be) and gives it the
 * certificate. */
MUST enum rc domain_client_user(struct domain_client *c, const char *sub,
    const char *uid, const char *name, struct view cert,
    const struct secret *token, struct err *e);
/* updateConnector of a CA: every setting of `connector` is sent as it is named
 * ("ca.connector.KRA.host" ...). */
MUST enum rc domain_client_connector(struct domain_client *c,
    const struct cfg *connector, const struct secret *token, struct err *e);
/* Enrols with a token: the certificate (DER) is appended. RC_CONFLICT when the
 * request waits for an agent. */
MUST enum rc domain_client_enroll(struct domain_client *c, struct buf *der,
    const char *profile, struct view csr, const struct secret *token,
    struct err *e);

#endif
