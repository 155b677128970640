/* SPDX-License-Identifier: Apache-2.0 */
/* analyzer.h - read by clang-tidy before each file of src/, never by a build.
 * An analyzer sees one file at a time: it does not know that err_set gives back
 * its rc, takes every failure for a possible success, and then complains of
 * outputs that were not written. This says so. */
#include "base/err.h"

#define err_set(e, rc, ...) ((void)err_set(e, rc, __VA_ARGS__), (rc))
#define err_openssl(e, rc, ...) ((void)err_openssl(e, rc, __VA_ARGS__), (rc))
#define err_errno(e, ...) ((void)err_errno(e, __VA_ARGS__), RC_IO)
#define err_prefix(e, ...) ((void)err_prefix(e, __VA_ARGS__), RC_INTERNAL)
