/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - whole files: read with a limit, written so that after a crash either
 * the old or the new contents are there. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

enum {
	FILE_MAX_DEFAULT = 16 * 1024 * 1024
};

/* Appends the file's bytes to out. RC_NOTFOUND, RC_TOOBIG, RC_IO. */
MUST enum rc file_read(struct buf *out, const char *path, struct err *e);
/* Writes path.tmp-XXXXXX beside path, syncs, renames, syncs the folder. */
MUST enum rc file_write(
    const char *path, struct view data, mode_t mode, struct err *e);

/* The same for a file too large for memory: written in pieces, there under its
 * name (and durable) when file_out_commit has returned RC_OK, else not at all.
 * One owner. */
struct file_out;
MUST enum rc file_out_new(
    struct file_out **out, const char *path, mode_t mode, struct err *e);
MUST enum rc file_out_write(
    struct file_out *f, struct view data, struct err *e);
MUST enum rc file_out_commit(struct file_out *f, struct err *e);
/* Without a commit the pieces go. */
void file_out_free(struct file_out *f);
OWNED(file_out)

/* As mkdir -p; existing folders keep their mode. */
MUST enum rc file_mkdirs(const char *path, mode_t mode, struct err *e);
/* As file_mkdirs with mode 0755 whatever the umask: folders that other users must
 * pass through. Before other threads make files: the umask is the process's. */
MUST enum rc file_mkdirs_open(const char *path, struct err *e);
/* As rm -rf; does not follow symbolic links; a missing path is RC_OK. */
MUST enum rc file_remove_tree(const char *path, struct err *e);
bool file_exists(const char *path);
/* Owner of path and, for a folder, of all below it. uid or gid -1 = keep. */
MUST enum rc file_chown_tree(
    const char *path, uid_t uid, gid_t gid, struct err *e);

#endif
