/* SPDX-License-Identifier: Apache-2.0 */
/* user.h - users and groups as records (spec directory 2.3, 2.4). */
#ifndef AUTH_USER_H
#define AUTH_USER_H

#include "auth/principal.h"

/* Text members may be NULL = not given (in user_modify: leave alone). */
struct user {
	const char *uid, *full_name, *email, *phone, *type, *state;
	const struct secret *password;
};
enum {
	USER_ID_MAX = 128,
	PASSWORD_MIN = 8
};

/* RC_INVALID for a password that user_add would refuse. */
MUST enum rc user_check_password(struct view password, struct err *e);
/* RC_EXISTS; RC_INVALID for a bad id, a missing full name, a weak password. */
MUST enum rc user_add(struct store *s, const struct user *u, struct err *e);
MUST enum rc user_modify(struct store *s, const struct user *u, struct err *e);
/* Also takes the user out of every group. RC_NOTFOUND. */
MUST enum rc user_delete(struct store *s, const char *uid, struct err *e);
/* "2;26;CN=CA,O=X;CN=u" of a certificate: the id of a user certificate. */
MUST enum rc user_cert_id(struct buf *out, struct view der, struct err *e);
/* Idempotent. */
MUST enum rc user_add_cert(
    struct store *s, const char *uid, struct view der, struct err *e);
MUST enum rc user_delete_cert(
    struct store *s, const char *uid, const char *cert_id, struct err *e);

/* RC_EXISTS when the name is taken. */
MUST enum rc group_add(
    struct store *s, const char *name, const char *description, struct err *e);
/* Replaces the description. RC_NOTFOUND. */
MUST enum rc group_modify(
    struct store *s, const char *name, const char *description, struct err *e);
/* Removes the group, its members stay users. */
MUST enum rc group_delete(struct store *s, const char *name, struct err *e);
/* Idempotent. RC_NOTFOUND for an unknown group or user. */
MUST enum rc group_add_member(
    struct store *s, const char *group, const char *uid, struct err *e);
MUST enum rc group_delete_member(
    struct store *s, const char *group, const char *uid, struct err *e);
/* User id of a uniqueMember value ("uid=x,ou=People,..."), malloc'ed. */
char *group_member_uid(const char *unique_member);

#endif
