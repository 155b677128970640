/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_backup.c - backup, restore: an instance and its embedded store as
 * one archive, while it runs (spec deployment 1.2, the documented set); and the
 * two forms of a key id.
 * Owns:    a folder for the store's copy during a backup.
 * Trusts:  tar(1); an archive only as far as its names stay in the instance.
 * Threads: none. */
#include "tools/pki_server_cmds.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/path.h"
#include "base/text.h"
#include "deploy/layout.h"
#include "deploy/service.h"
#include "instance/dbconf.h"
#include "keys/keyid.h"

enum {
	ARGS_MAX = 64,
	PLACES = 6,
	TAR_CHANGED = 1, /* exit status: a file grew meanwhile, such as a log */
	LIST_MAX = 256 * 1024 * 1024,
	FILE_MODE = 0600,
	STAGE_MODE = 0700,
};

/* --- tar ------------------------------------------------------------------------ */

struct line {
	char *items[ARGS_MAX + 1];
	size_t n;
	bool failed;
};

static void add(struct line *l, const char *fmt, ...) PRINTF(2, 3);
static void
add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (l->n == ARGS_MAX || vasprintf(&s, fmt, ap) < 0) {
		l->failed = true;
		s = NULL;
	}
	va_end(ap);
	if (s != NULL)
		l->items[l->n++] = s;
}

static void
line_done(struct line *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i]);
}

/* Runs it with these descriptors (-1: as ours). *status: its exit status. */
static enum rc
run_line(struct line *l, int in, int out, int *status, struct err *e)
{
	char *env[] = { (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" },
		(char[]){ "LC_ALL=C" }, NULL };
	posix_spawn_file_actions_t acts;
	pid_t pid;
	int c;

	if (l->failed)
		return err_set(e, RC_NOMEM, "out of memory");
	l->items[l->n] = NULL;
	posix_spawn_file_actions_init(&acts);
	if (in >= 0)
		posix_spawn_file_actions_adddup2(&acts, in, STDIN_FILENO);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&acts, out, STDOUT_FILENO);
	c = posix_spawnp(&pid, l->items[0], &acts, NULL, l->items, env);
	posix_spawn_file_actions_destroy(&acts);
	if (c != 0) {
		errno = c;
		return err_errno(e, "%s", l->items[0]);
	}
	while (waitpid(pid, status, 0) != pid)
		if (errno != EINTR)
			return err_errno(e, "%s", l->items[0]);
	*status = WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
	return RC_OK;
}

/* --- what belongs to an instance ------------------------------------------------- */

/* Paths without root and leading slash. */
static void
places(const struct instance_paths *p, char *out[PLACES])
{
	const char *const fmt[PLACES] = { p->conf, p->sysconfig, p->registry,
		NULL, p->lib, p->logs };
	size_t root = strlen(path_root());

	for (size_t i = 0; i < PLACES; i++) {
		if (fmt[i] != NULL)
			out[i] = strdup(fmt[i] + root + 1);
		else if (asprintf(&out[i],
			     "etc/systemd/system/pki-tomcatd.target.wants/"
			     "pki-tomcatd@%s.service",
			     p->name) < 0)
			out[i] = NULL;
	}
}

static void
places_done(char *list[PLACES])
{
	for (size_t i = 0; i < PLACES; i++)
		free(list[i]);
}

/* tar's options see the name: no character may mean something there. */
static enum rc
check_name(const char *name, struct err *e)
{
	for (const char *p = name; *p != '\0'; p++)
		if (strchr(
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789._@-",
			*p) == NULL)
			return err_set(
			    e, RC_INVALID, "Unusable instance name: %s", name);
	return name[0] != '\0' && name[0] != '.'
	    ? RC_OK
	    : err_set(e, RC_INVALID, "Unusable instance name: %s", name);
}

static const char *
root_folder(void)
{
	return path_root()[0] != '\0' ? path_root() : "/";
}

/* --- backup ----------------------------------------------------------------------- */

/* A consistent copy of one embedded store, opened once to see that it is one. */
static enum rc
copy_store(struct server *s, const char *dir, struct err *e)
{
	struct lmdb_params p = {
		.dir = dir, .read_only = true, .clock = &clock_system
	};
	AUTO(store) copy = NULL;
	AUTO_JSON args = json_pack("{s:s}", "dir", dir);
	AUTO_BUF lock = buf_empty(0);
	enum rc rc = server_call(s, "db-backup", args, NULL, e);

	if (rc == RC_OK)
		rc = store_open_lmdb(&copy, &p, e);
	if (rc != RC_OK)
		return err_prefix(e, "copy of the store of %s", s->sub);
	store_free(store_steal(&copy));
	buf_addf(&lock, "%s/lock.mdb", dir);
	if (unlink(buf_cstr(&lock)) != 0 && errno != ENOENT)
		return err_errno(e, "%s", buf_cstr(&lock));
	return RC_OK;
}

/* All of them below stage, and what tar is to make of it. */
static enum rc
copy_stores(
    struct server *s, const char *stage, struct line *tar, struct err *e)
{
	size_t root = strlen(path_root());
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < SERVER_SUBSYSTEMS; i++) {
		const char *sub = server_subsystems[i];
		AUTO_STR db = paths_store(s->paths, sub);
		AUTO_BUF dir = buf_empty(0);
		AUTO(cfg) c = NULL;

		if (!server_has(s->paths, sub))
			continue;
		if (db == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
		if ((rc = server_cs(s, &c, sub, e)) != RC_OK)
			return rc;
		if (dbconf_is_directory(c)) {
			out_framed("The records of %s are in %s: back that up "
				   "with the directory's own means",
			    sub,
			    cfg_str(c, "internaldb.basedn", "a directory"));
			continue;
		}
		buf_addf(&dir, "%s/stage-%s", stage, sub);
		s->sub = sub;
		s->type = server_type(sub);
		rc = copy_store(s, buf_cstr(&dir), e);
		add(tar, "--exclude=%s", db + root + 1);
		add(tar, "--transform=s,^stage-%s,%s,", sub, db + root + 1);
	}
	return rc;
}

static void
add_members(struct server *s, const char *stage, struct line *tar)
{
	char *list[PLACES];

	places(s->paths, list);
	add(tar, "-C");
	add(tar, "%s", root_folder());
	for (size_t i = 0; i < PLACES; i++) {
		AUTO_STR full = path_new("/%s", list[i] ? list[i] : "");
		struct stat st;
		tar->failed = tar->failed || list[i] == NULL || full == NULL;
		if (full != NULL && lstat(full, &st) == 0)
			add(tar, "%s", list[i]);
	}
	/* none where all stores are directories */
	for (size_t i = 0, n = 0; i < SERVER_SUBSYSTEMS; i++) {
		AUTO_BUF dir = buf_empty(0);
		buf_addf(&dir, "%s/stage-%s", stage, server_subsystems[i]);
		if (!file_exists(buf_cstr(&dir)))
			continue;
		/* tar refuses a -C that nothing follows */
		if (n++ == 0) {
			add(tar, "-C");
			add(tar, "%s", stage);
		}
		add(tar, "stage-%s", server_subsystems[i]);
	}
	places_done(list);
}

/* The archive: durable and complete under its name, or not there. */
static enum rc
write_archive(struct line *tar, const char *path, struct err *e)
{
	AUTO_BUF tmp = buf_empty(0);
	AUTO_FD fd = -1;
	int status = -1;
	enum rc rc;

	buf_addf(&tmp, "%s.tmp-%ld", path, (long)getpid());
	fd = open(buf_cstr(&tmp),
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return err_errno(e, "%s", buf_cstr(&tmp));
	rc = run_line(tar, -1, fd, &status, e);
	if (rc == RC_OK && status != 0 && status != TAR_CHANGED)
		rc = err_set(e, RC_IO, "tar ended with %d", status);
	if (rc == RC_OK &&
	    (fsync(fd) != 0 || rename(buf_cstr(&tmp), path) != 0))
		rc = err_errno(e, "%s", path);
	if (rc != RC_OK)
		unlink(buf_cstr(&tmp));
	return rc;
}

static enum rc
make_backup(struct server *s, const char *path, const char *stage,
    struct line *tar, struct err *e)
{
	enum rc rc;

	add(tar, "tar");
	add(tar, "-c");
	if (text_ends(path, ".gz") || text_ends(path, ".tgz"))
		add(tar, "-z");
	add(tar, "-f");
	add(tar, "-");
	add(tar, "--anchored");
	add(tar, "--warning=no-file-changed");
	if ((rc = file_mkdirs(stage, STAGE_MODE, e)) != RC_OK ||
	    (rc = server_give(s, s->paths->host, e)) != RC_OK ||
	    (rc = copy_stores(s, stage, tar, e)) != RC_OK)
		return rc;
	add_members(s, stage, tar);
	return write_archive(tar, path, e);
}

static enum rc
run_backup(struct server *s, const struct args *a, struct err *e)
{
	const char *path = args_get(a, "file");
	AUTO_BUF stage = buf_empty(0);
	struct line tar = { .n = 0 };
	struct err soft = { RC_OK, "" };
	enum rc rc;

	if (path == NULL)
		return err_set(e, RC_USAGE, "Missing backup file (--file)");
	if (file_exists(path))
		return err_set(e, RC_EXISTS, "File already exists: %s", path);
	if ((rc = check_name(s->name, e)) != RC_OK)
		return rc;
	buf_addf(&stage, "%s/backup.%ld", s->paths->host, (long)getpid());
	rc = make_backup(s, path, buf_cstr(&stage), &tar, e);
	line_done(&tar);
	if (file_remove_tree(buf_cstr(&stage), &soft) != RC_OK && rc == RC_OK)
		rc = err_set(e, soft.rc, "%s", soft.text);
	if (rc == RC_OK)
		out_framed("Backed up instance \"%s\" to %s", s->name, path);
	return rc;
}

/* --- restore ---------------------------------------------------------------------- */

/* Is name that place, or below it, without leaving it? */
static bool
inside(const char *name, const char *place)
{
	size_t n = strlen(place);

	return strncmp(name, place, n) == 0 &&
	    (name[n] == '\0' || name[n] == '/') &&
	    strstr(name, "/../") == NULL && !text_ends(name, "/..");
}

/* Every name of the archive belongs to the instance; "etc/" and its like are
 * there in archives of whole folders. */
static enum rc
check_names(struct server *s, char *text, struct err *e)
{
	char *list[PLACES], *save = text;
	bool conf = false;
	enum rc rc = RC_OK;

	places(s->paths, list);
	while (rc == RC_OK && save != NULL && *save != '\0') {
		char *name = save, *end = strchr(name, '\n');
		bool good = false;
		save = end != NULL ? end + 1 : NULL;
		if (end != NULL)
			*end = '\0';
		while (text_starts(name, "./"))
			name += 2;
		for (size_t i = 0; i < PLACES; i++)
			good =
			    good || (list[i] != NULL && inside(name, list[i]));
		conf = conf || (list[0] != NULL && inside(name, list[0]));
		if (!good)
			rc = err_set(e, RC_INVALID,
			    "The archive holds %.128s, which is no part of "
			    "instance %s",
			    name, s->name);
	}
	if (rc == RC_OK && !conf)
		rc = err_set(
		    e, RC_INVALID, "The archive holds no instance %s", s->name);
	places_done(list);
	return rc;
}

static enum rc
read_names(int fd, struct buf *out, struct err *e)
{
	struct line tar = { .n = 0 };
	AUTO_FILE f = tmpfile();
	int status = -1;
	ssize_t n;
	enum rc rc;

	if (f == NULL)
		return err_errno(e, "temporary file");
	add(&tar, "tar");
	add(&tar, "-t");
	add(&tar, "-f");
	add(&tar, "/dev/stdin");
	rc = run_line(&tar, fd, fileno(f), &status, e);
	line_done(&tar);
	if (rc == RC_OK && status != 0)
		rc = err_set(e, RC_INVALID, "The file is no readable archive");
	if (rc != RC_OK)
		return rc;
	if (lseek(fileno(f), 0, SEEK_SET) != 0)
		return err_errno(e, "temporary file");
	for (;;) {
		uint8_t *room = buf_reserve(out, 65536);
		if (room == NULL)
			return buf_check(out, e);
		if ((n = read(fileno(f), room, 65536)) <= 0)
			break;
		out->len += (size_t)n;
	}
	return n == 0 ? RC_OK : err_errno(e, "temporary file");
}

static enum rc
extract(int fd, struct err *e)
{
	struct line tar = { .n = 0 };
	int status = -1;
	enum rc rc;

	if (lseek(fd, 0, SEEK_SET) != 0)
		return err_errno(e, "archive");
	add(&tar, "tar");
	add(&tar, "-x");
	add(&tar, "-p");
	add(&tar, "-f");
	add(&tar, "/dev/stdin");
	add(&tar, "-C");
	add(&tar, "%s", root_folder());
	rc = run_line(&tar, fd, -1, &status, e);
	line_done(&tar);
	if (rc == RC_OK && status != 0)
		rc = err_set(e, RC_IO,
		    "tar ended with %d; what it wrote is incomplete", status);
	return rc;
}

/* The files of a store that was there would lie under the restored ones. */
static enum rc
clear_stores(struct server *s, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < SERVER_SUBSYSTEMS; i++) {
		AUTO_STR db = paths_store(s->paths, server_subsystems[i]);
		rc = db != NULL ? file_remove_tree(db, e)
				: err_set(e, RC_NOMEM, "out of memory");
	}
	return rc;
}

/* What was applied last is newer than the files are now: without it they are
 * not taken for edits, and what the clones have counts. */
static enum rc
forget_applied(const struct server *s, struct err *e)
{
	static const char *const names[] = { "profiles", "connector",
		"params" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		AUTO_BUF path = buf_empty(0);

		buf_addf(&path, "%s/%s.applied", s->paths->host, names[i]);
		if (unlink(buf_cstr(&path)) != 0 && errno != ENOENT)
			return err_errno(e, "%s", buf_cstr(&path));
	}
	return RC_OK;
}

static enum rc
run_restore(struct server *s, const struct args *a, struct err *e)
{
	const char *path = args_get(a, "file"),
		   *name = args_count(a) > 0 ? args_at(a, 0) : s->name;
	AUTO_BUF names = buf_empty(LIST_MAX);
	AUTO_FD fd = -1;
	AUTO_FD lock = -1;
	bool there;
	enum rc rc;

	if (path == NULL)
		return err_set(e, RC_USAGE, "Missing backup file (--file)");
	if ((rc = check_name(name, e)) != RC_OK ||
	    (rc = instance_paths_new(&s->paths, name, e)) != RC_OK)
		return rc;
	s->name = name;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return err_errno(e, "%s", path);
	if ((rc = read_names(fd, &names, e)) != RC_OK ||
	    (rc = buf_check(&names, e)) != RC_OK ||
	    (rc = check_names(s, (char *)(uintptr_t)buf_cstr(&names), e)) !=
		RC_OK)
		return err_prefix(e, "%s", path);
	there = file_exists(s->paths->conf) || file_exists(s->paths->lib);
	if (there && !args_has(a, "force"))
		return err_set(e, RC_EXISTS,
		    "Instance already exists: %s (--force replaces its files)",
		    name);
	if (there && (rc = server_lock(s, &lock, e)) != RC_OK)
		return err_prefix(e, "stop it first");
	if ((there && (rc = clear_stores(s, e)) != RC_OK) ||
	    (rc = extract(fd, e)) != RC_OK ||
	    (rc = layout_restored(s->paths, e)) != RC_OK ||
	    (rc = forget_applied(s, e)) != RC_OK ||
	    (rc = service_enable_again(s->paths, e)) != RC_OK)
		return rc;
	out_framed("Restored instance \"%s\" from %s", name, path);
	printf("When it starts it notices that it was restored: it burns the "
	       "number ranges it had\nand claims no role until "
	       "pki-server <subsystem>-restore-accept.\n");
	return RC_OK;
}

/* --- key ids ------------------------------------------------------------------------ */

/* Both forms, whichever was given: 40 digits are certutil's, for a key id whose
 * top bit is clear they are the signed form too. */
static enum rc
run_keyid(struct server *s, const struct args *a, struct err *e)
{
	const char *text = args_at(a, 0);
	char signed_form[KEYID_TEXT_MAX];
	uint8_t id[KEYID_LEN];
	AUTO_BUF hex = buf_empty(0);
	enum rc rc;

	(void)s;
	if (keyid_parse_hex(id, text, NULL) != RC_OK &&
	    (rc = keyid_decode(id, text, e)) != RC_OK)
		return rc;
	rc = keyid_encode(signed_form, view_of(id, sizeof(id)), e);
	if (rc != RC_OK)
		return rc;
	buf_add_hex(&hex, view_of(id, sizeof(id)));
	out_field("certutil", buf_cstr(&hex));
	out_field("CS.cfg", signed_form);
	return RC_OK;
}

static const struct opt backup_opts[] = {
	SERVER_OPTS,
	OPT("file", "path", "Backup file; .gz or .tgz at its end compresses"),
	OPT_END,
};
static const struct opt restore_opts[] = {
	SERVER_OPTS,
	OPT("file", "path", "Backup file"),
	OPT_FLAG("force", "Replace the files of an instance that is there"),
	OPT_END,
};

const struct server_cmd server_backup[] = {
	{ "backup", "[<instance ID>]",
	    "Back up an instance and its store, also while it runs",
	    backup_opts, 0, 1, run_backup, NEED_OPERAND },
	{ "restore", "[<instance ID>]", "Restore an instance from its backup",
	    restore_opts, 0, 1, run_restore, NEED_NOTHING },
	{ "key-id-convert", "<key ID>",
	    "Show a key ID as certutil and CS.cfg write it; -- before a "
	    "negative one",
	    NULL, 1, 1, run_keyid, NEED_NOTHING },
	{ 0 },
};
