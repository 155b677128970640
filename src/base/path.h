/* SPDX-License-Identifier: Apache-2.0 */
/* path.h - the root that stands before every path: --root DIR or PKI_ROOT. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/err.h"

enum {
	PATH_TEXT_MAX = 4096
};

/* Sets the root ("" or NULL = none). Call once, before threads; without a call
 * PKI_ROOT of the environment counts. */
MUST enum rc path_set_root(const char *root, struct err *e);
/* "" or an absolute path without a trailing slash. */
const char *path_root(void);
/* root + fmt (which begins with '/'), malloc'ed; NULL when memory is out. */
char *path_new(const char *fmt, ...) PRINTF(1, 2);
/* Folder for the user's own files: root + $HOME (of the effective user). */
const char *path_home(void);

#endif
