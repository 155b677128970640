/* SPDX-License-Identifier: Apache-2.0 */
/* archive.h - a CS.cfg that is about to be replaced is kept (spec deployment
 * 1.2: <conf>/<sub>/archives). */
#ifndef INSTANCE_ARCHIVE_H
#define INSTANCE_ARCHIVE_H

#include "instance/paths.h"

/* Copies CS.cfg of sub ("ca") to archives/CS.cfg.bak.<time>; a further one
 * within the second gets a number behind it. *folder, the caller's, is the
 * archives' folder, or NULL where there was no CS.cfg to keep. RC_TOOBIG when a
 * second had a thousand. */
MUST enum rc archive_settings(char **folder, const struct instance_paths *p,
    const char *sub, int64_t now, struct err *e);

#endif
