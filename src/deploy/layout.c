/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c - make and remove the trees of an instance.
 * Owns:    nothing.
 * Trusts:  the instance name, which instance_paths_new has checked.
 * Threads: one. */
#include "deploy/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <grp.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/text.h"

enum {
	FOLDER_MODE = 0770,
	ARCHIVES_MODE = 0755,
	ACCOUNT_ID = 17, /* pkiuser:pkiuser */
	N_SUBSYSTEMS = 5,
};

static const char *const subsystems[N_SUBSYSTEMS] = { "ca", "kra", "ocsp",
	"tks", "tps" };

static enum rc
run(const char *const *argv, struct err *e)
{
	char *env[] = { (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" },
		NULL };
	pid_t pid;
	int status;

	if (posix_spawnp(&pid, argv[0], NULL, NULL,
		(char *const *)(uintptr_t)argv, env) != 0)
		return err_errno(e, "%s", argv[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		return err_set(e, RC_IO, "%s failed", argv[0]);
	return RC_OK;
}

static enum rc
make_account(const char *user, const char *group, struct err *e)
{
	char id[16];
	bool fixed =
	    getgrgid(ACCOUNT_ID) == NULL && getpwuid(ACCOUNT_ID) == NULL;
	const char *g[] = { "groupadd", "-r", group, NULL, NULL, NULL };
	const char *u[] = { "useradd", "-r", "-M", "-d", "/usr/share/pki", "-s",
		"/usr/sbin/nologin", "-g", group, user, NULL, NULL, NULL };
	enum rc rc = RC_OK;

	snprintf(id, sizeof(id), "%d", ACCOUNT_ID);
	if (fixed) {
		g[3] = "-g";
		g[4] = id;
		u[10] = "-u";
		u[11] = id;
	}
	if (getgrnam(group) == NULL)
		rc = run(g, e);
	if (rc == RC_OK && getpwnam(user) == NULL)
		rc = run(u, e);
	return rc == RC_OK ? RC_OK : err_prefix(e, "account %s", user);
}

static enum rc
find_owner(
    struct owner *out, const char *user, const char *group, struct err *e)
{
	struct passwd *pw;
	struct group *gr;
	struct stat st;
	enum rc rc;

	*out = (struct owner){ geteuid(), getegid(), false };
	if (geteuid() != 0)
		return RC_OK;
	if (path_root()[0] == '\0' &&
	    (rc = make_account(user, group, e)) != RC_OK)
		return rc;
	pw = getpwnam(user);
	gr = getgrnam(group);
	if (pw != NULL && gr != NULL) {
		*out = (struct owner){ pw->pw_uid, gr->gr_gid, true };
	} else if (path_root()[0] != '\0' && stat(path_root(), &st) == 0) {
		*out = (struct owner){ st.st_uid, st.st_gid, true };
	}
	return RC_OK;
}

enum rc
layout_owner(struct owner *out, struct values *v, struct err *e)
{
	return find_owner(
	    out, values_str(v, "pki_user"), values_str(v, "pki_group"), e);
}

static enum rc
make_link(const char *target, const char *path, struct err *e)
{
	if (symlink(target, path) != 0 && errno != EEXIST)
		return err_errno(e, "link %s", path);
	return RC_OK;
}

/* Links of the instance and of its subsystem ("%s" is the name, "%t" the
 * subsystem): the target as documented, and relative, which a root that is
 * moved does not break. */
static const struct {
	const char *path, *target, *relative;
} links[] = {
	{ "conf", "/etc/pki/%s", "../../../../etc/pki/%s" },
	{ "logs", "/var/log/pki/%s", "../../../log/pki/%s" },
	{ "alias", "/var/lib/pki/%s/conf/alias", "conf/alias" },
	{ "%t/alias", "/var/lib/pki/%s/alias", "../alias" },
	{ "%t/conf", "/var/lib/pki/%s/conf/%t", "../conf/%t" },
	{ "%t/logs", "/var/lib/pki/%s/logs/%t", "../logs/%t" },
	{ "%t/profiles", "/var/lib/pki/%s/conf/%t/profiles", "conf/profiles" },
	{ "%t/emails", "/var/lib/pki/%s/conf/%t/emails", "conf/emails" },
	{ "%t/registry", "/etc/sysconfig/pki/tomcat/%s",
	    "../../../../../etc/sysconfig/pki/tomcat/%s" },
};

/* Appends form with its %s and %t filled in. */
static void
fill(struct buf *out, const char *form, const char *name, const char *sub)
{
	for (; *form != '\0'; form++) {
		if (form[0] == '%' && (form[1] == 's' || form[1] == 't')) {
			buf_add_str(out, form[1] == 's' ? name : sub);
			form++;
		} else {
			buf_add_char(out, *form);
		}
	}
}

static enum rc
make_links(const struct instance_paths *p, const char *sub, struct err *e)
{
	bool rooted = path_root()[0] != '\0';

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		AUTO_BUF path = buf_empty(4096), target = buf_empty(4096);
		enum rc rc;

		if (sub == NULL && strstr(links[i].path, "%t") != NULL)
			continue;
		buf_addf(&path, "%s/", p->lib);
		fill(&path, links[i].path, p->name, sub);
		fill(&target, rooted ? links[i].relative : links[i].target,
		    p->name, sub);
		rc = make_link(buf_cstr(&target), buf_cstr(&path), e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* The folders above an instance's own belong to nobody in particular: its user
 * must be able to pass through them. */
enum rc
layout_parents(struct err *e)
{
	static const char *const parents[] = { "/var/lib/pki",
		"/var/lib/pki/.host", "/var/log/pki", "/etc/pki", "/run/pki",
		"/etc/sysconfig/pki/tomcat" };
	enum rc rc = RC_OK;

	for (size_t i = 0;
	     rc == RC_OK && i < sizeof(parents) / sizeof(parents[0]); i++) {
		AUTO_STR path = path_new("%s", parents[i]);
		rc = path != NULL ? file_mkdirs_open(path, e)
				  : err_set(e, RC_NOMEM, "folders");
	}
	return rc;
}

static enum rc
check_folder(
    const char *option, const char *given, const char *usual, struct err *e)
{
	struct stat st;

	if (given == NULL)
		return RC_OK;
	if (given[0] != '/' || strstr(given, "/../") != NULL)
		return err_set(
		    e, RC_INVALID, "%s %s: an absolute path", option, given);
	if (lstat(usual, &st) == 0 && !S_ISLNK(st.st_mode))
		return err_set(e, RC_EXISTS,
		    "%s %s: %s is there already; move it away, or do without "
		    "%s",
		    option, given, usual, option);
	return RC_OK;
}

enum rc
layout_folders_check(const struct instance_paths *p,
    const struct layout_folders *f, struct err *e)
{
	enum rc rc = check_folder("--conf", f->conf, p->conf, e);

	return rc != RC_OK ? rc : check_folder("--logs", f->logs, p->logs, e);
}

/* The folders above it, which the instance's user must pass through. */
static enum rc
make_above(const char *path, struct err *e)
{
	AUTO_STR above = strdup(path);
	char *slash = above != NULL ? strrchr(above, '/') : NULL;

	if (above == NULL)
		return err_set(e, RC_NOMEM, "folders");
	if (slash == NULL || slash == above)
		return RC_OK;
	*slash = '\0';
	return file_mkdirs_open(above, e);
}

/* The usual place becomes a link, relative as the others. */
static enum rc
link_folder(const char *given, const char *usual, const char *up, struct err *e)
{
	AUTO_STR real = NULL;
	AUTO_BUF target = buf_empty(4096);
	enum rc rc;

	if (given == NULL)
		return RC_OK;
	if ((real = path_new("%s", given)) == NULL)
		return err_set(e, RC_NOMEM, "folders");
	if ((rc = make_above(real, e)) != RC_OK ||
	    (rc = file_mkdirs(real, FOLDER_MODE, e)) != RC_OK)
		return rc;
	buf_addf(&target, "%s%s", up, given);
	if (unlink(usual) != 0 && errno != ENOENT)
		return err_errno(e, "%s", usual);
	return make_link(buf_cstr(&target), usual, e);
}

/* One of the folders, unless it belongs to a subsystem and there is none. */
static enum rc
make_folder(const char *base, const char *rest, const char *sub, struct err *e)
{
	AUTO_BUF path = buf_empty(4096);

	if (sub == NULL && strchr(rest, '%') != NULL)
		return RC_OK;
	buf_add_str(&path, base);
	/* every %s of the table is the subsystem */
	fill(&path, rest, sub, sub);
	return file_mkdirs(buf_cstr(&path), FOLDER_MODE, e);
}

enum rc
layout_create(const struct instance_paths *p, const char *sub,
    const struct layout_folders *f, struct err *e)
{
	const char *const conf[] = { "", "/alias", "/certs", "/%s",
		"/%s/archives", "/%s/profiles", "/%s/profiles/%s",
		"/%s/emails" };
	const char *const lib[] = { "", "/%s", "/crl", "/crl/%s", "/temp" };
	const char *const logs[] = { "", "/backup", "/%s", "/%s/signedAudit",
		"/%s/archive" };
	const struct {
		const char *base;
		const char *const *rest;
		size_t n;
	} trees[] = { { p->conf, conf, 8 }, { p->lib, lib, 5 },
		{ p->logs, logs, 5 } };
	enum rc rc;

	if ((rc = layout_parents(e)) != RC_OK ||
	    (rc = link_folder(f->conf, p->conf, "../..", e)) != RC_OK ||
	    (rc = link_folder(f->logs, p->logs, "../../..", e)) != RC_OK)
		return rc;
	for (size_t t = 0; t < 3; t++) {
		for (size_t i = 0; i < trees[t].n; i++) {
			rc = make_folder(
			    trees[t].base, trees[t].rest[i], sub, e);
			if (rc != RC_OK)
				return rc;
		}
	}
	AUTO_BUF archives = buf_empty(4096);
	buf_addf(&archives, "%s/%s/archives", p->conf, sub != NULL ? sub : "");
	if (sub != NULL && chmod(buf_cstr(&archives), ARCHIVES_MODE) != 0)
		return err_errno(e, "%s", buf_cstr(&archives));
	if ((rc = file_mkdirs(p->host, 0700, e)) != RC_OK)
		return rc;
	return make_links(p, sub, e);
}

enum rc
layout_give(
    const struct instance_paths *p, const struct owner *o, struct err *e)
{
	const char *const trees[] = { p->conf, p->lib, p->logs, p->host };
	enum rc rc;

	if (!o->change)
		return RC_OK;
	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		/* --conf and --logs: the folder behind the link */
		AUTO_STR real = realpath(trees[i], NULL);
		if (real == NULL)
			return err_errno(e, "%s", trees[i]);
		if ((rc = file_chown_tree(real, o->uid, o->gid, e)) != RC_OK)
			return rc;
		if (lchown(trees[i], o->uid, o->gid) != 0)
			return err_errno(e, "%s", trees[i]);
	}
	return RC_OK;
}

/* The registry's shell file is called as the instance, beside a folder a
 * subsystem: an instance called "ca" needs another name for it. */
static const char *
registry_suffix(const char *instance)
{
	for (size_t i = 0; i < N_SUBSYSTEMS; i++)
		if (strcmp(instance, subsystems[i]) == 0)
			return ".instance";
	return "";
}

/* The value of "export NAME=VALUE" in the registry's file, else fallback. */
static const char *
exported(char *text, const char *name, const char *fallback)
{
	for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
		size_t n = strlen(name);

		if (text_starts(line, "export ") &&
		    strncmp(line + 7, name, n) == 0 && line[7 + n] == '=')
			return line + 8 + n;
	}
	return fallback;
}

enum rc
layout_restored(const struct instance_paths *p, struct err *e)
{
	AUTO_BUF path = buf_empty(4096), text = buf_empty(64 * 1024);
	AUTO_STR again = NULL;
	struct owner owner;
	enum rc rc;

	buf_addf(
	    &path, "%s/%s%s", p->registry, p->name, registry_suffix(p->name));
	if (file_exists(buf_cstr(&path)) &&
	    (rc = file_read(&text, buf_cstr(&path), e)) != RC_OK)
		return rc;
	if ((again = strdup(buf_cstr(&text))) == NULL)
		return err_set(e, RC_NOMEM, "owner");
	if ((rc = find_owner(&owner,
		 exported(
		     (char *)(uintptr_t)buf_cstr(&text), "PKI_USER", "pkiuser"),
		 exported(again, "PKI_GROUP", "pkiuser"), e)) != RC_OK ||
	    (rc = layout_parents(e)) != RC_OK ||
	    (rc = file_mkdirs(p->host, 0700, e)) != RC_OK)
		return rc;
	return layout_give(p, &owner, e);
}

enum rc
layout_register(const struct instance_paths *p, const char *sub,
    struct values *v, struct err *e)
{
	AUTO_BUF path = buf_empty(4096);
	AUTO_BUF text = buf_empty(1024 * 1024);
	char stamp[CLOCK_TEXT_MAX];
	enum rc rc;

	buf_addf(&path, "%s/%s", p->registry, sub);
	if ((rc = file_mkdirs(buf_cstr(&path), 0770, e)) != RC_OK)
		return rc;
	buf_reset(&path);
	buf_addf(
	    &path, "%s/%s%s", p->registry, p->name, registry_suffix(p->name));
	buf_addf(&text,
	    "export PKI_USER=%s\nexport PKI_GROUP=%s\n"
	    "export PKI_INSTANCE_NAME=%s\nexport PKI_INSTANCE_PATH=%s\n"
	    "export TOMCAT_PIDFILE=%s\n",
	    values_str(v, "pki_user"), values_str(v, "pki_group"), p->name,
	    p->lib, p->pid);
	rc = file_write(buf_cstr(&path), buf_view(&text), 0660, e);
	if (rc != RC_OK)
		return rc;
	buf_reset(&text);
	values_user_text(v, &text);
	buf_reset(&path);
	buf_addf(&path, "%s/%s/deployment.cfg", p->registry, sub);
	rc = file_write(buf_cstr(&path), buf_view(&text), 0660, e);
	if (rc != RC_OK)
		return rc;
	AUTO_BUF defaults = buf_empty(1024 * 1024);
	values_default_text(&defaults);
	buf_reset(&path);
	buf_addf(&path, "%s/%s/default.cfg", p->registry, sub);
	rc = file_write(buf_cstr(&path), buf_view(&defaults), 0660, e);
	if (rc != RC_OK)
		return rc;
	buf_reset(&path);
	buf_addf(&path, "%s/%s/archive/spawn_deployment.cfg.%.14s", p->logs,
	    sub, clock_text_dir(stamp, clock_now(&clock_system)));
	rc = file_write(buf_cstr(&path), buf_view(&text), 0660, e);
	if (rc != RC_OK)
		return rc;
	buf_reset(&text);
	buf_addf(&text,
	    "# environment of the service of instance %s\n"
	    "PKI_INSTANCE_NAME=%s\n",
	    p->name, p->name);
	return file_write(p->sysconfig, buf_view(&text), 0644, e);
}

/* One line of the manifest: name,type,user,group,uid,gid,permissions,acls. */
static void
manifest_line(struct buf *out, const FTSENT *f)
{
	const struct stat *st = f->fts_statp;
	const struct passwd *pw = getpwuid(st->st_uid);
	const struct group *gr = getgrgid(st->st_gid);

	buf_addf(out, "%s,%s,%s,%s,%u,%u,%04o,\n", f->fts_path,
	    S_ISDIR(st->st_mode)       ? "directory"
		: S_ISLNK(st->st_mode) ? "symlink"
				       : "file",
	    pw != NULL ? pw->pw_name : "", gr != NULL ? gr->gr_name : "",
	    st->st_uid, st->st_gid, st->st_mode & 07777);
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

enum rc
layout_manifest(const struct instance_paths *p, const char *sub,
    const struct owner *o, struct err *e)
{
	char *trees[] = { p->conf, p->lib, p->logs, p->registry, NULL };
	AUTO_BUF text = buf_empty(16 * 1024 * 1024);
	AUTO_BUF path = buf_empty(4096);
	char stamp[CLOCK_TEXT_MAX];
	FTS *f = fts_open(
	    trees, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	FTSENT *x;
	enum rc rc;

	if (f == NULL)
		return err_errno(e, "manifest");
	while ((x = fts_read(f)) != NULL) {
		if (x->fts_info != FTS_DP && x->fts_statp != NULL)
			manifest_line(&text, x);
	}
	fts_close(f);
	buf_addf(&path, "%s/%s/manifest", p->registry, sub);
	rc = file_write(buf_cstr(&path), buf_view(&text), 0660, e);
	if (rc != RC_OK)
		return rc;
	buf_reset(&path);
	buf_addf(&path, "%s/%s/archive/spawn_manifest.%.14s", p->logs, sub,
	    clock_text_dir(stamp, clock_now(&clock_system)));
	rc = file_write(buf_cstr(&path), buf_view(&text), 0660, e);
	if (rc != RC_OK || !o->change)
		return rc;
	return file_chown_tree(buf_cstr(&path), o->uid, o->gid, e);
}

bool
layout_exists(const struct instance_paths *p, const char *sub)
{
	AUTO_STR path = paths_cs_cfg(p, sub);
	AUTO_BUF dir = buf_empty(4096);

	buf_addf(&dir, "%s/%s", p->lib, sub);
	return path != NULL && file_exists(path) && file_exists(buf_cstr(&dir));
}

/* Does another subsystem remain in the instance? */
static bool
others_remain(const struct instance_paths *p, const char *sub)
{
	for (size_t i = 0; i < N_SUBSYSTEMS; i++) {
		if (strcmp(subsystems[i], sub) != 0 &&
		    layout_exists(p, subsystems[i]))
			return true;
	}
	return false;
}

static enum rc
remove_under(const char *base, const char *sub, struct err *e)
{
	AUTO_BUF path = buf_empty(4096);

	buf_addf(&path, "%s/%s", base, sub);
	return file_remove_tree(buf_cstr(&path), e);
}

/* A folder, and where it is a link the folder behind it. */
static enum rc
remove_folder(const char *path, struct err *e)
{
	AUTO_STR real = realpath(path, NULL);
	enum rc rc;

	if (real != NULL && (rc = file_remove_tree(real, e)) != RC_OK)
		return rc;
	return file_remove_tree(path, e);
}

enum rc
layout_remove(const struct instance_paths *p, const char *sub, bool conf,
    bool logs, bool *last, struct err *e)
{
	enum rc rc;

	*last = !others_remain(p, sub);
	if ((rc = remove_under(p->lib, sub, e)) != RC_OK ||
	    (rc = remove_under(p->registry, sub, e)) != RC_OK)
		return rc;
	if (conf && (rc = remove_under(p->conf, sub, e)) != RC_OK)
		return rc;
	if (logs && (rc = remove_under(p->logs, sub, e)) != RC_OK)
		return rc;
	return *last ? layout_remove_instance(p, conf, logs, e) : RC_OK;
}

enum rc
layout_remove_instance(
    const struct instance_paths *p, bool conf, bool logs, struct err *e)
{
	enum rc rc;

	if ((rc = file_remove_tree(p->lib, e)) != RC_OK ||
	    (rc = file_remove_tree(p->host, e)) != RC_OK ||
	    (rc = file_remove_tree(p->registry, e)) != RC_OK)
		return rc;
	const char *const files[] = { p->sysconfig, p->lock, p->pid,
		p->control };
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (unlink(files[i]) != 0 && errno != ENOENT)
			return err_errno(e, "%s", files[i]);
	}
	if (conf && (rc = remove_folder(p->conf, e)) != RC_OK)
		return rc;
	return logs ? remove_folder(p->logs, e) : RC_OK;
}
