/* SPDX-License-Identifier: Apache-2.0 */
/* crl_file.c - CRL files on disk and in memory.
 * Owns:    the mapping of a struct crl_file, counted.
 * Trusts:  the folder is ours alone; a file's contents are checked when it is
 *          opened.
 * Threads: any; a struct crl_file never changes. */
#include "crl/crl_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct mapped {
	struct crl_file f; /* first: what the others see */
	atomic_uint refs;
	char digest[CRL_DIGEST_TEXT];
};

static struct mapped *
mapped_of(const struct crl_file *f)
{
	return (struct mapped *)(uintptr_t)f;
}

static void
file_freep(struct mapped **m)
{
	if (*m != NULL)
		crl_file_unref(&(*m)->f);
}

#define AUTO_MAPPED __attribute__((cleanup(file_freep))) struct mapped *

static enum rc
map(struct mapped *m, const char *path, struct err *e)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	void *p;

	if (fd < 0 && errno == ENOENT)
		return err_set(e, RC_NOTFOUND, "%s: no such file", path);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_errno(e, "%s: open", path);
	if (st.st_size <= 0)
		return err_set(e, RC_INVALID, "%s: empty", path);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return err_errno(e, "%s: map", path);
	m->f.der = view_of(p, (size_t)st.st_size);
	return RC_OK;
}

static void
digest_text(char out[CRL_DIGEST_TEXT], struct view v)
{
	uint8_t d[DIGEST_MAX];
	size_t n = digest_of(d, DIGEST_SHA256, v), i;

	out[0] = '\0';
	for (i = 0; i < n; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", d[i]);
}

enum rc
crl_file_open(const struct crl_file **out, const char *path,
    const struct num *number, uint64_t count, struct err *e)
{
	AUTO_MAPPED m = calloc(1, sizeof(*m));
	struct num found = *number;
	struct crl crl;
	enum rc rc;

	if (m == NULL)
		return err_set(e, RC_NOMEM, "%s: out of memory", path);
	atomic_init(&m->refs, 1);
	rc = map(m, path, e);
	if (rc != RC_OK)
		return rc;
	rc = crl_parse(&crl, m->f.der, e);
	if (rc != RC_OK)
		return e != NULL ? err_prefix(e, "%s", path) : rc;
	if (crl_number(&crl, &found) && num_cmp(&found, number) != 0)
		return err_set(
		    e, RC_INVALID, "%s: carries another number", path);
	m->f.number = *number;
	m->f.this_update = crl.this_update;
	m->f.next_update = crl.next_update;
	m->f.count = count;
	digest_text(m->digest, m->f.der);
	*out = &m->f;
	m = NULL;
	return RC_OK;
}

const struct crl_file *
crl_file_ref(const struct crl_file *f)
{
	if (f != NULL)
		atomic_fetch_add(&mapped_of(f)->refs, 1);
	return f;
}

void
crl_file_unref(const struct crl_file *f)
{
	if (f == NULL || atomic_fetch_sub(&mapped_of(f)->refs, 1) != 1)
		return;
	if (f->der.data != NULL)
		munmap((void *)(uintptr_t)f->der.data, f->der.len);
	free(mapped_of(f));
}

const char *
crl_file_digest(const struct crl_file *f)
{
	return mapped_of(f)->digest;
}

char *
crl_file_path(const char *dir, const char *id, const struct num *number)
{
	char dec[NUM_TEXT_MAX], *path = NULL;

	if (asprintf(&path, "%s/%s-%s.crl", dir, id, num_dec(dec, number)) < 0)
		return NULL;
	return path;
}

/* Takes a file name of this issuing point apart. */
static bool
number_of(struct num *out, bool *piece, const char *name, const char *id)
{
	char dec[NUM_TEXT_MAX];
	size_t n = strlen(id);
	const char *dot;

	if (!text_starts(name, id) || name[n] != '-')
		return false;
	name += n + 1;
	dot = strchr(name, '.');
	if (dot == NULL || (size_t)(dot - name) >= sizeof(dec))
		return false;
	memcpy(dec, name, (size_t)(dot - name));
	dec[dot - name] = '\0';
	*piece = text_starts(dot, ".crl.tmp-");
	return (*piece || strcmp(dot, ".crl") == 0) &&
	    num_parse(out, dec, false, NULL) == RC_OK;
}

static void
dir_closep(DIR **d)
{
	if (*d != NULL)
		closedir(*d);
}

#define AUTO_DIR __attribute__((cleanup(dir_closep))) DIR *

enum rc
crl_file_highest(
    struct num *out, const char *dir, const char *id, struct err *e)
{
	AUTO_DIR d = opendir(dir);
	struct num highest = num_from_u64(0), n;
	struct dirent *x;
	bool piece;

	if (d == NULL)
		return err_errno(e, "%s", dir);
	/* a piece counts too: what it held may have been signed */
	while ((x = readdir(d)) != NULL)
		if (number_of(&n, &piece, x->d_name, id) &&
		    num_cmp(&n, &highest) > 0)
			highest = n;
	*out = highest;
	return RC_OK;
}

void
crl_file_clean(
    const char *dir, const char *id, const struct num *keep, size_t n)
{
	AUTO_DIR d = opendir(dir);
	struct dirent *x;
	struct num found;
	bool piece, stays;
	size_t i;

	while (d != NULL && (x = readdir(d)) != NULL) {
		if (!number_of(&found, &piece, x->d_name, id) ||
		    num_cmp(&found, &keep[0]) > 0)
			continue;
		stays = false;
		for (i = 0; !piece && i < n; i++)
			stays = stays || num_cmp(&found, &keep[i]) == 0;
		if (!stays)
			unlinkat(dirfd(d), x->d_name, 0);
	}
}
