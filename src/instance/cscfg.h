/* SPDX-License-Identifier: Apache-2.0 */
/* cscfg.h - changes of a CS.cfg, by a running instance and by pki-server beside
 * it: one way for all of them, so that none loses another's or what was edited
 * by hand. */
#ifndef INSTANCE_CSCFG_H
#define INSTANCE_CSCFG_H

#include "base/cfg.h"
#include "instance/paths.h"

/* Holds the CS.cfg of a subsystem ("ca") against every other program that asks
 * here; close(*fd) lets go. Between reading and writing only: waits at most 20
 * s, then RC_UNAVAILABLE. */
MUST enum rc cscfg_lock(
    int *fd, const struct instance_paths *p, const char *sub, struct err *e);

/* Reads the CS.cfg of a subsystem ("ca") as it is on the disk now, lets fn
 * change it and writes it durably; one at a time on this host. Nothing is
 * written when fn fails, or changes nothing. The struct cfg that the subsystem
 * read at its start is not touched: other threads read it. */
MUST enum rc cscfg_change(const struct instance_paths *p, const char *sub,
    enum rc (*fn)(void *arg, struct cfg *cs, struct err *e), void *arg,
    struct err *e);

#endif
