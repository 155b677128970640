/* SPDX-License-Identifier: Apache-2.0 */
/* record_writes.c - preloaded into pkid by test_crash.py: writes down every
 * write and sync of the store's file, with the time it began and ended.
 * Owns:    the log named by RECORD_WRITES.
 * Trusts:  the test.
 * Threads: any; one lock around a call and its log line keeps their order. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct line {
	char what; /* w write, d write on an O_DSYNC file, s sync, t truncate,
		    * m writable map of it: nothing of that would be seen */
	char pad[7];
	int64_t began, ended, offset, len;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("RECORD_WRITES");

	if (path != NULL)
		log_fd = (int)syscall(SYS_openat, AT_FDCWD, path,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int
is_store(int fd)
{
	char link[64], path[4096], *p = link + 14;
	char digits[16];
	int n = 0, k = fd;
	ssize_t len;

	if (log_fd < 0 || fd < 0)
		return 0;
	memcpy(link, "/proc/self/fd/", 14);
	do {
		digits[n++] = (char)('0' + k % 10);
	} while ((k /= 10) > 0);
	while (n > 0)
		*p++ = digits[--n];
	*p = '\0';
	len = readlink(link, path, sizeof(path) - 1);
	return len > 9 && memcmp(path + len - 9, "/data.mdb", 9) == 0;
}

static void
put(char what, int64_t began, off_t offset, const struct iovec *v, int n,
    ssize_t len)
{
	struct line l = { what, "", began, now(), offset, len > 0 ? len : 0 };

	if (syscall(SYS_write, log_fd, &l, sizeof(l)) != sizeof(l))
		abort();
	for (int i = 0; i < n && len > 0; i++) {
		size_t k =
		    v[i].iov_len < (size_t)len ? v[i].iov_len : (size_t)len;
		if (syscall(SYS_write, log_fd, v[i].iov_base, k) != (long)k)
			abort();
		len -= (ssize_t)k;
	}
}

static char
kind(int fd)
{
	return (fcntl(fd, F_GETFL) & O_DSYNC) != 0 ? 'd' : 'w';
}

ssize_t
pwrite(int fd, const void *b, size_t len, off_t off)
{
	struct iovec v = { (void *)b, len };
	ssize_t n;

	if (!is_store(fd))
		return syscall(SYS_pwrite64, fd, b, len, off);
	pthread_mutex_lock(&lock);
	int64_t t = now();
	n = syscall(SYS_pwrite64, fd, b, len, off);
	put(kind(fd), t, off, &v, 1, n);
	pthread_mutex_unlock(&lock);
	return n;
}

ssize_t
pwrite64(int fd, const void *b, size_t len, off_t off)
{
	return pwrite(fd, b, len, off);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	ssize_t len;

	if (!is_store(fd))
		return syscall(SYS_writev, fd, v, n);
	pthread_mutex_lock(&lock);
	int64_t t = now();
	off_t off = lseek(fd, 0, SEEK_CUR);
	len = syscall(SYS_writev, fd, v, n);
	put(kind(fd), t, off, v, n, len);
	pthread_mutex_unlock(&lock);
	return len;
}

ssize_t
write(int fd, const void *b, size_t len)
{
	struct iovec v = { (void *)b, len };

	if (!is_store(fd))
		return syscall(SYS_write, fd, b, len);
	return writev(fd, &v, 1);
}

static int
sync_call(long nr, int fd)
{
	int rc;

	if (!is_store(fd))
		return (int)syscall(nr, fd);
	pthread_mutex_lock(&lock);
	int64_t t = now();
	rc = (int)syscall(nr, fd);
	if (rc == 0)
		put('s', t, 0, NULL, 0, 0);
	pthread_mutex_unlock(&lock);
	return rc;
}

int
fdatasync(int fd)
{
	return sync_call(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	return sync_call(SYS_fsync, fd);
}

int
ftruncate(int fd, off_t len)
{
	int rc;

	if (!is_store(fd))
		return (int)syscall(SYS_ftruncate, fd, len);
	pthread_mutex_lock(&lock);
	int64_t t = now();
	rc = (int)syscall(SYS_ftruncate, fd, len);
	put('t', t, len, NULL, 0, 0);
	pthread_mutex_unlock(&lock);
	return rc;
}

/* LMDB writes through descriptors; were its map writable, the record would say
 * nothing about what is on the disk: the test takes 'm' for a failure. */
void *
mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	if ((prot & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0 &&
	    is_store(fd))
		put('m', now(), off, NULL, 0, 0);
	return (void *)syscall(SYS_mmap, at, len, prot, flags, fd, off);
}
