/* SPDX-License-Identifier: Apache-2.0 */
/* password.h - where an instance's passwords are looked for (spec deployment
 * 1.4): password.conf, the kernel's keyring, the terminal. */
#ifndef INSTANCE_PASSWORD_H
#define INSTANCE_PASSWORD_H

#include "base/cfg.h"
#include "base/secret.h"

/* The password called name. RC_NOTFOUND 'No available password for "<name>"'
 * when no place has it. The caller frees. */
MUST enum rc password_find(struct secret **out, const struct cfg *passwords,
    const char *instance, const char *name, struct err *e);
/* The PIN of a token: "internal" or hardware-<token>. RC_NOTFOUND 'No available
 * password to access the token "<token>"'. */
MUST enum rc password_token(struct secret **out, const struct cfg *passwords,
    const char *instance, const char *token, struct err *e);
/* The key <instance>/<name> of the kernel's keyrings: of the thread, process
 * and session, then of the user; NULL = none. */
struct secret *password_keyring(const char *instance, const char *name);

#endif
