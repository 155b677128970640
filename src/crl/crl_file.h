/* SPDX-License-Identifier: Apache-2.0 */
/* crl_file.h - the CRL files <dir>/<id>-<decimal number>.crl: mapped for
 * serving, counted, found again at start, removed when old. */
#ifndef CRL_CRL_FILE_H
#define CRL_CRL_FILE_H

#include "crl/issuing_point.h"

enum {
	CRL_DIGEST_TEXT = 65, /* SHA-256 in hex and NUL */
};

/* Maps a list; its number is the one in its name's place (v1 lists carry
 * none). RC_NOTFOUND, RC_INVALID when it is no CRL, or carries another number
 * than `number`. Free it with crl_file_unref. */
MUST enum rc crl_file_open(const struct crl_file **out, const char *path,
    const struct num *number, uint64_t count, struct err *e);
const struct crl_file *crl_file_ref(const struct crl_file *f);
/* SHA-256 of the file, hex. */
const char *crl_file_digest(const struct crl_file *f);

/* malloc'ed path; NULL when memory is out. */
char *crl_file_path(const char *dir, const char *id, const struct num *number);
/* The highest number among the files of that issuing point (0 = none). */
MUST enum rc crl_file_highest(
    struct num *out, const char *dir, const char *id, struct err *e);
/* Removes the files of lower numbers than the first to keep, and pieces that a
 * crash has left; those of the numbers to keep stay. What cannot be removed
 * stays too. */
void crl_file_clean(
    const char *dir, const char *id, const struct num *keep, size_t n);

#endif
