/* SPDX-License-Identifier: Apache-2.0 */
/* nssdb.h - the folder of an NSS database, inside the room. */
#ifndef KEYS_NSSDB_H
#define KEYS_NSSDB_H

#include "keys/p11.h"

enum {
	NSSDB_MODULES_MAX = 32
};

/* cert9.db and key4.db are there. */
bool nssdb_exists(const char *dir);
/* Opens the database as token "internal"; with create makes it when it is
 * missing, pin (borrowed, NULL = none) being its password then. */
MUST enum rc nssdb_open(struct token **out, const char *dir, bool create,
    bool read_only, const struct secret *pin, struct err *e);
/* Calls fn for each module in pkcs11.txt but softoken. No such file is no
 * error. */
MUST enum rc nssdb_each_module(const char *dir,
    void (*fn)(void *arg, const char *name, const char *library), void *arg,
    struct err *e);

#endif
