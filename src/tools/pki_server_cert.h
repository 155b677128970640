/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_cert.h - the system certificates of an instance by cert ID (spec
 * deployment 1.5): "sslserver" and "subsystem" are shared, others are
 * <sub>_<tag>. */
#ifndef TOOLS_PKI_SERVER_CERT_H
#define TOOLS_PKI_SERVER_CERT_H

#include "tools/pki_server.h"

enum {
	SYS_ID_MAX = 64,
	SYS_CERTS_MAX = 64,
};

struct sys_cert {
	char id[SYS_ID_MAX];  /* "ca_signing" */
	const char *sub;      /* the (first) subsystem that has it */
	char tag[SYS_ID_MAX]; /* "signing" */
	char *nickname;       /* without token; NULL = none configured */
	char *token;          /* NULL = internal */
	char *usage;          /* certusage, may be NULL */
};
void sys_cert_free(struct sys_cert *c);
OWNED(sys_cert)

/* Every system certificate in the order of the subsystems' cert.list; each
 * shared one once. sub NULL = all subsystems. *out[i] are the caller's. */
MUST enum rc sys_cert_list(struct server *s, const char *sub,
    struct sys_cert *out[SYS_CERTS_MAX], size_t *n, struct err *e);
/* By cert ID. RC_NOTFOUND. */
MUST enum rc sys_cert_find(
    struct server *s, struct sys_cert **out, const char *id, struct err *e);
/* By subsystem and tag. */
MUST enum rc sys_cert_tag(struct server *s, struct sys_cert **out,
    const char *sub, const char *tag, struct err *e);

/* "[token:]nickname"; RC_NOTFOUND "missing nickname". */
MUST enum rc sys_cert_nick(
    const struct sys_cert *c, struct buf *out, struct err *e);
/* The trust that a certificate of this id is given. */
const char *sys_cert_trust(const struct sys_cert *c);
/* <conf>/certs/<id>.<suffix>, malloc'ed; NULL when memory is out. */
char *sys_cert_path(
    const struct server *s, const struct sys_cert *c, const char *suffix);
/* "Internal Key Storage Token" or the token. */
const char *sys_cert_token(const struct sys_cert *c);
/* Writes nickname and token into every CS.cfg that has this certificate, and
 * of sslserver into server.cfg and serverCertNick.conf. */
MUST enum rc sys_cert_rename(struct server *s, const struct sys_cert *c,
    const char *nickname, const char *token, struct err *e);

/* The CA's signing certificate and its nickname, appended. */
MUST enum rc server_ca_cert_of(
    struct server *s, struct buf *der, struct buf *nick, struct err *e);

/* cert-create with -n or -u asks the running CA (pki_server_renew.c). */
bool sys_cert_online(const struct args *a);
/* RC_USAGE for options of cert-create that exclude or need one another. */
MUST enum rc sys_cert_online_check(const struct args *a, struct err *e);
/* The CA renews --serial, else the certificate there is; appends the new one.
 * Errors are the CA's words. */
MUST enum rc sys_cert_renew_online(struct server *s, const struct sys_cert *c,
    const struct args *a, struct buf *der, struct err *e);

/* The options and the work of cert-export and subsystem-cert-export. */
extern const struct opt sys_export_opts[];
MUST enum rc sys_cert_export(struct server *s, const struct sys_cert *c,
    const struct args *a, struct err *e);
/* cert-update: what CS.cfg and certs/ say of the certificate in the token. */
MUST enum rc sys_cert_update(
    struct server *s, const struct sys_cert *c, struct err *e);
/* Prints Serial Number ... Not Valid After, as these commands print dates. */
MUST enum rc sys_cert_print_der(struct view der, struct err *e);

/* --pkcs12-password or its file; RC_USAGE when neither is given. */
MUST enum rc server_pkcs12_password(
    const struct args *a, struct secret **out, struct err *e);

#endif
