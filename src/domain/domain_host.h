/* SPDX-License-Identifier: Apache-2.0 */
/* domain_host.h - the members of a security domain as records (spec deployment
 * 8.1): one REC_DOMAIN_HOST a subsystem, id "CA/host.example.com:8443". */
#ifndef DOMAIN_DOMAIN_HOST_H
#define DOMAIN_DOMAIN_HOST_H

#include "store/store.h"

enum {
	DOMAIN_TYPES = 7,
	DOMAIN_TYPE_MAX = 8,
	DOMAIN_NAME_MAX = 200, /* a host's name: with type and port an id */
	DOMAIN_LABEL_MAX = 256,
	DOMAIN_HOSTS_MAX = 10000,
};
/* CA, KRA, OCSP, RA, TKS, TPS, EST: the order of every list. */
extern const char *const domain_types[DOMAIN_TYPES];
/* The entry of domain_types that equals type, without regard to case; NULL when
 * there is none. */
const char *domain_type(const char *type);

/* One member. A plain value: nothing to free. */
struct domain_host {
	char type[DOMAIN_TYPE_MAX];    /* "CA" */
	char name[DOMAIN_NAME_MAX];    /* "pki.example.com" */
	char label[DOMAIN_LABEL_MAX];  /* SubsystemName; "" = as its id */
	int secure, plain;             /* ports; 0 = none */
	int agent, admin, client_auth; /* 0 = the same as secure */
	bool manager, clone;
};

/* A DNS name or a numeric address, by its characters? It becomes part of ids. */
bool domain_host_is_name(const char *s);

/* Known type, a host name or address, ports in range; puts the type in capitals
 * and the three ports that are 0 to secure. RC_INVALID says which. */
MUST enum rc domain_host_check(struct domain_host *h, struct err *e);
/* Type, name and secure port of the id that people and REST use, "CA
 * pki.example.com 8443", into an otherwise empty *out, checked. */
MUST enum rc domain_host_parse(
    struct domain_host *out, const char *id, struct err *e);
/* The other way: appends "CA pki.example.com 8443". */
void domain_host_id(struct buf *out, const struct domain_host *h);
/* Appends the user id that goes with it, "CA-pki.example.com-8443". */
void domain_host_user(struct buf *out, const struct domain_host *h);

/* Adds the member, or replaces what is known of it. */
MUST enum rc domain_host_put(
    struct store *s, struct domain_host *h, struct err *e);
/* Takes out the member of h's type, name and secure port. RC_NOTFOUND. */
MUST enum rc domain_host_delete(
    struct store *s, const struct domain_host *h, struct err *e);
/* Fills in what is known of h's type, name and secure port. RC_NOTFOUND. */
MUST enum rc domain_host_get(
    struct store *s, struct domain_host *h, struct err *e);
/* Calls fn for every member, by type in the order of domain_types and then by
 * id, until it returns false. RC_TOOBIG above DOMAIN_HOSTS_MAX. */
MUST enum rc domain_host_each(struct store *s,
    bool (*fn)(void *arg, const struct domain_host *h), void *arg,
    struct err *e);

#endif
