/* SPDX-License-Identifier: Apache-2.0 */
/* password.h - the stored form of passwords: "{PBKDF2-SHA512}rounds$salt$hash"
 * (base64), which 389 Directory Server reads and writes too. */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

enum {
	PASSWORD_ROUNDS = 100000,
	PASSWORD_ROUNDS_MAX = 10000000
};

/* Appends the stored form of a password with a fresh salt. */
MUST enum rc password_hash(
    struct buf *out, struct view password, struct err *e);
/* RC_OK when it matches, RC_AUTH when not, RC_UNSUPPORTED for a scheme that is
 * not ours. stored NULL takes as long as a real check and is RC_AUTH. */
MUST enum rc password_check(
    const char *stored, struct view password, struct err *e);

#endif
