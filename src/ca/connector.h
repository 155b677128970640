/* SPDX-License-Identifier: Apache-2.0 */
/* connector.h - where the CA sends keys to archive: the settings
 * ca.connector.KRA.* (spec kra 2.5, 2.7, deployment 3.10). Rules over a struct
 * cfg, and the one way by which a running CA changes them. */
#ifndef CA_CONNECTOR_H
#define CA_CONNECTOR_H

#include "base/cfg.h"
#include "ca/ca.h"

#define CONNECTOR_PREFIX "ca.connector.KRA."

enum {
	CONNECTOR_HOSTS_MAX = 32,
	CONNECTOR_HOST_MAX = 256,
};

/* A connector as a client gives it; NULL = not given. */
struct connector {
	const char *host, *port;    /* one host */
	const char *transport_cert; /* base64 or PEM */
	const char *transport_nickname, *subsystem_cert;
	const char *uri, *timeout, *local, *enable;
};

/* The hosts of a connector: "h1" with port "p1", or "h1:p1 h2:p2". */
struct connector_hosts {
	char items[CONNECTOR_HOSTS_MAX][CONNECTOR_HOST_MAX]; /* "h:p" */
	size_t n;
};
/* Reads them in their order. RC_TOOBIG. */
MUST enum rc connector_hosts_read(
    struct connector_hosts *h, const struct cfg *cs, struct err *e);

/* Is there one? */
bool connector_exists(const struct cfg *cs);
/* Makes it, or appends the host of one with the same transport certificate; a
 * host that is there already changes nothing. RC_INVALID: a missing or bad
 * member, "KRA connector already exists" for another transport certificate. */
MUST enum rc connector_add(
    struct cfg *cs, const struct connector *x, struct err *e);
/* RC_INVALID "No KRA connectors" when there is none. */
MUST enum rc connector_add_host(
    struct cfg *cs, const char *host, const char *port, struct err *e);
/* Takes the host out; with the last one the connector goes. RC_NOTFOUND. */
MUST enum rc connector_remove_host(
    struct cfg *cs, const char *host, const char *port, struct err *e);

/* Applies fn to the CA's CS.cfg, durably, audits it as done by who and hands it
 * to the clones: every change of the connector in a running CA comes through
 * here. */
MUST enum rc ca_connector_change(struct ca *ca, const char *who,
    const char *what, enum rc (*fn)(void *arg, struct cfg *cs, struct err *e),
    void *arg, struct err *e);

#endif
