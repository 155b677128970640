/* SPDX-License-Identifier: Apache-2.0 */
/* principal.h - who asks: a user of the store with the groups it is in. */
#ifndef AUTH_PRINCIPAL_H
#define AUTH_PRINCIPAL_H

#include "base/secret.h"
#include "store/store.h"

/* How somebody proved who they are. */
enum auth_method {
	AUTH_PASSWORD,    /* passwdUserDBAuthMgr */
	AUTH_CERTIFICATE, /* certUserDBAuthMgr */
	AUTH_TOKEN, /* TokenAuth: an install token, no user of the store */
};
const char *auth_method_name(enum auth_method m);

struct principal {
	char *uid, *full_name, *email; /* email may be NULL */
	char **groups;                 /* names, NULL-terminated */
	enum auth_method method;
	uint8_t *cert; /* the certificate used, or NULL */
	size_t cert_len;
};
void principal_free(struct principal *p);
OWNED(principal)
/* A copy of its own; NULL when memory is out. */
struct principal *principal_copy(const struct principal *p);
/* Case-insensitive; false for p NULL. */
bool principal_in(const struct principal *p, const char *group);

/* Log-in by user id and password. RC_AUTH with one text for every cause; the
 * time taken does not tell whether the user exists. */
MUST enum rc auth_password(struct store *s, struct principal **out,
    const char *uid, struct view password, struct err *e);
/* Log-in by a client certificate whose chain, usage and time http/ validated.
 * The user is found by "version;serial;issuer;subject" and must hold exactly
 * these bytes in userCertificate. When the certificate is one of our own store's
 * it must not be revoked (RC_AUTH). */
MUST enum rc auth_certificate(
    struct store *s, struct principal **out, struct view der, struct err *e);

/* The user as it is now, for somebody who logged in before. RC_AUTH when it is
 * gone or disabled. */
MUST enum rc auth_again(struct store *s, struct principal **out,
    const char *uid, enum auth_method method, struct err *e);

#endif
