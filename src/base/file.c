/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - whole files: bounded reads, durable writes, trees.
 * Owns:    nothing beyond a call.
 * Trusts:  paths come from configuration, not from the network.
 * Threads: any; two writers of one path: the last rename wins. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include <openssl/crypto.h>

enum {
	READ_PIECE = 64 * 1024,
	WRITE_PIECE = 64 * 1024,
};

/* Reads until the end or until out is full; *n = 0 at the end. */
static enum rc
read_piece(struct buf *out, int fd, size_t piece, ssize_t *n, const char *path,
    struct err *e)
{
	size_t room = out->max - out->len;
	uint8_t extra, *p = &extra;

	if (room > 0) {
		piece = piece < room ? piece : room;
		p = buf_reserve(out, piece);
		if (p == NULL)
			return err_set(e, out->failed, "%s: %s", path,
			    rc_text(out->failed));
	} else {
		piece = 1; /* full: only the end of the file may follow */
	}
	do
		*n = read(fd, p, piece);
	while (*n < 0 && errno == EINTR);
	if (*n < 0)
		return err_errno(e, "%s: read", path);
	if (*n > 0 && room == 0)
		return err_set(
		    e, RC_TOOBIG, "%s: more than %zu bytes", path, out->max);
	out->len += (size_t)*n;
	return RC_OK;
}

enum rc
file_read(struct buf *out, const char *path, struct err *e)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t piece = READ_PIECE;
	struct stat st;
	ssize_t n = 1;
	enum rc rc;

	if (out->failed != RC_OK)
		return buf_check(out, e);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, RC_NOTFOUND, "%s: no such file", path);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_errno(e, "%s: open", path);
	/* one octet more than the size, to see the end at once */
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		piece = (size_t)st.st_size + 1;
	while (n > 0) {
		rc = read_piece(out, fd, piece, &n, path, e);
		if (rc != RC_OK)
			return rc;
		piece = READ_PIECE;
	}
	if (out->data != NULL)
		out->data[out->len] = '\0';
	return RC_OK;
}

static enum rc
write_all(int fd, struct view v)
{
	ssize_t n;

	while (v.len > 0) {
		n = write(fd, v.data, v.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return RC_IO;
		v.data += n;
		v.len -= (size_t)n;
	}
	return RC_OK;
}

/* Makes the names in path's folder durable. */
static enum rc
sync_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	AUTO_STR dir = slash == NULL
	    ? strdup(".")
	    : strndup(path, slash == path ? 1 : (size_t)(slash - path));
	AUTO_FD fd = -1;

	if (dir == NULL)
		return err_set(e, RC_NOMEM, "%s: out of memory", path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* some file systems refuse to sync a folder; they need no sync */
	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
		return err_errno(e, "%s: sync folder", dir);
	return RC_OK;
}

struct file_out {
	char *path, *tmp;
	int fd;
	size_t held; /* octets waiting in piece */
	uint8_t piece[WRITE_PIECE];
};

enum rc
file_out_new(
    struct file_out **out, const char *path, mode_t mode, struct err *e)
{
	static atomic_uint counter;
	AUTO(file_out) f = malloc(sizeof(*f));

	if (f == NULL)
		return err_set(e, RC_NOMEM, "%s: out of memory", path);
	f->tmp = NULL;
	f->fd = -1;
	f->held = 0;
	f->path = strdup(path);
	if (f->path == NULL ||
	    asprintf(&f->tmp, "%s.tmp-%ld-%u", path, (long)getpid(),
		atomic_fetch_add(&counter, 1)) < 0) {
		f->tmp = NULL;
		return err_set(e, RC_NOMEM, "%s: out of memory", path);
	}
	f->fd = open(
	    f->tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return err_errno(e, "%s: create", f->tmp);
	if (fchmod(f->fd, mode) != 0)
		return err_errno(e, "%s: mode", f->tmp);
	*out = file_out_steal(&f);
	return RC_OK;
}

static enum rc
flush(struct file_out *f, struct err *e)
{
	if (write_all(f->fd, view_of(f->piece, f->held)) != RC_OK)
		return err_errno(e, "%s: write", f->tmp);
	f->held = 0;
	return RC_OK;
}

enum rc
file_out_write(struct file_out *f, struct view data, struct err *e)
{
	enum rc rc;

	if (data.len > sizeof(f->piece) - f->held) {
		rc = flush(f, e);
		if (rc != RC_OK)
			return rc;
	}
	if (data.len > sizeof(f->piece)) {
		if (write_all(f->fd, data) != RC_OK)
			return err_errno(e, "%s: write", f->tmp);
		return RC_OK;
	}
	if (data.len > 0)
		memcpy(f->piece + f->held, data.data, data.len);
	f->held += data.len;
	return RC_OK;
}

enum rc
file_out_commit(struct file_out *f, struct err *e)
{
	enum rc rc = flush(f, e);

	if (rc != RC_OK)
		return rc;
	if (fsync(f->fd) != 0)
		return err_errno(e, "%s: sync", f->tmp);
	if (rename(f->tmp, f->path) != 0)
		return err_errno(e, "%s: rename", f->path);
	free(f->tmp);
	f->tmp = NULL;
	return sync_folder(f->path, e);
}

void
file_out_free(struct file_out *f)
{
	if (f == NULL)
		return;
	if (f->fd >= 0)
		close(f->fd);
	if (f->tmp != NULL)
		unlink(f->tmp);
	OPENSSL_cleanse(f->piece, f->held); /* it may have been a secret */
	free(f->tmp);
	free(f->path);
	free(f);
}

enum rc
file_write(const char *path, struct view data, mode_t mode, struct err *e)
{
	AUTO(file_out) f = NULL;
	enum rc rc = file_out_new(&f, path, mode, e);

	if (rc == RC_OK)
		rc = file_out_write(f, data, e);
	return rc == RC_OK ? file_out_commit(f, e) : rc;
}

enum rc
file_mkdirs(const char *path, mode_t mode, struct err *e)
{
	AUTO_STR p = strdup(path);
	struct stat st;
	char *s;

	if (p == NULL)
		return err_set(e, RC_NOMEM, "%s: out of memory", path);
	for (s = p + 1; p[0] != '\0' && *s != '\0'; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (mkdir(p, mode) != 0 && errno != EEXIST)
			return err_errno(e, "%s: create folder", p);
		*s = '/';
	}
	if (mkdir(p, mode) != 0 && errno != EEXIST)
		return err_errno(e, "%s: create folder", p);
	if (stat(p, &st) != 0 || !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return err_errno(e, "%s: create folder", p);
	}
	return RC_OK;
}

enum rc
file_mkdirs_open(const char *path, struct err *e)
{
	mode_t old = umask(0022);
	enum rc rc = file_mkdirs(path, 0755, e);

	umask(old);
	return rc;
}

static void
fts_closep(FTS **f)
{
	if (*f != NULL)
		fts_close(*f);
}

#define AUTO_FTS __attribute__((cleanup(fts_closep))) FTS *

/* A walk over path that follows no link; NULL with errno set. */
static FTS *
walk(char *path)
{
	char *paths[] = { path, NULL };

	return fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
}

enum rc
file_remove_tree(const char *path, struct err *e)
{
	AUTO_STR p = strdup(path);
	AUTO_FTS f = NULL;
	FTSENT *x;

	if (!file_exists(path))
		return RC_OK;
	/* fts_close leaks where fts_read was never called */
	f = p != NULL ? walk(p) : NULL;
	if (f == NULL)
		return err_errno(e, "%s: remove", path);
	while ((x = fts_read(f)) != NULL) {
		if (x->fts_info == FTS_D)
			continue;
		if (remove(x->fts_path) != 0 && errno != ENOENT)
			return err_errno(e, "%s: remove", x->fts_path);
	}
	return errno != 0 ? err_errno(e, "%s: remove", path) : RC_OK;
}

bool
file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

enum rc
file_chown_tree(const char *path, uid_t uid, gid_t gid, struct err *e)
{
	AUTO_STR p = strdup(path);
	AUTO_FTS f = p != NULL ? walk(p) : NULL;
	FTSENT *x;

	if (f == NULL)
		return err_errno(e, "%s: owner", path);
	while ((x = fts_read(f)) != NULL) {
		if (x->fts_info == FTS_DP)
			continue;
		if (lchown(x->fts_path, uid, gid) != 0)
			return err_errno(e, "%s: owner", x->fts_path);
	}
	return errno != 0 ? err_errno(e, "%s: owner", path) : RC_OK;
}
