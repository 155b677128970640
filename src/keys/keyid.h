/* SPDX-License-Identifier: Apache-2.0 */
/* keyid.h - the two spellings of a key's CKA_ID (spec deployment 6): certutil
 * -K shows 40 hex digits; cloning.<tag>.privkey.id holds the same 20 bytes as
 * a signed number in hex, "-" first when the top bit is set, without leading
 * zeros. */
#ifndef KEYS_KEYID_H
#define KEYS_KEYID_H

#include "base/buf.h"

enum {
	KEYID_LEN = 20,      /* SHA-1 of the public value */
	KEYID_TEXT_MAX = 42, /* sign, 40 digits, NUL */
};

/* "-297b25c6..." from 20 bytes. RC_INVALID "Unable to encode Key ID: <hex>"
 * for another length. */
MUST enum rc keyid_encode(
    char out[KEYID_TEXT_MAX], struct view id, struct err *e);
/* 20 bytes from the signed form; blanks around it are ignored. RC_INVALID
 * "Unable to decode Key ID: <text>". */
MUST enum rc keyid_decode(
    uint8_t out[KEYID_LEN], const char *text, struct err *e);
/* 20 bytes from certutil's form: 40 hex digits, a "0x" before them allowed. */
MUST enum rc keyid_parse_hex(
    uint8_t out[KEYID_LEN], const char *text, struct err *e);

#endif
