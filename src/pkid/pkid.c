/* SPDX-License-Identifier: Apache-2.0 */
/* pkid.c - the daemon: drops privileges, starts one instance, waits for a
 * signal.
 * Owns:    the process.
 * Trusts:  its command line.
 * Threads: main waits for signals through a descriptor; all others belong to
 *          the instance. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/secret.h"
#include "ca/ca.h"
#include "instance/instance.h"

enum {
	STOP_GRACE_MS = 10000,
	MEMLOCK_BYTES = 64 * 1024 * 1024
};

struct options {
	const char *name, *root, *log;
	enum log_level level;
};

static void
usage(FILE *f)
{
	fputs(
	    "usage: pkid [--root DIR] [--log FILE|journal] [--debug] "
	    "[INSTANCE]\n"
	    "\n"
	    "Serves the instance (default pki-tomcat) in the foreground until\n"
	    "SIGTERM or SIGINT. pki-server start runs it in the background.\n"
	    "\n"
	    "  --root DIR   stands before every path (or PKI_ROOT)\n"
	    "  --log WHERE  a file, or journal; default standard error\n"
	    "  --debug      also debugging lines\n"
	    "  --help       this text\n"
	    "  --version    the version\n",
	    f);
}

/* 0 = go on, else exit status + 1. */
static int
parse_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "log", required_argument, NULL, 'l' },
		{ "debug", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'r':
			o->root = optarg;
			break;
		case 'l':
			o->log = optarg;
			break;
		case 'd':
			o->level = LOG_LEVEL_DEBUG;
			break;
		case 'h':
			usage(stdout);
			return 1;
		case 'V':
			puts("pkid " SIGNET_VERSION);
			return 1;
		default:
			usage(stderr);
			return 3;
		}
	}
	if (optind < argc)
		o->name = argv[optind++];
	if (optind < argc) {
		usage(stderr);
		return 3;
	}
	return 0;
}

/* As root: keys may be locked in memory, then the owner's identity is taken:
 * the user of server.cfg where it exists, else the owner of the folder. */
static enum rc
drop_privileges(const struct instance_paths *p, struct err *e)
{
	struct rlimit lim = { MEMLOCK_BYTES, MEMLOCK_BYTES };
	struct stat st;
	struct passwd *pw;

	if (geteuid() != 0)
		return RC_OK;
	if (setrlimit(RLIMIT_MEMLOCK, &lim) != 0)
		log_warning("pkid", "memlock limit not raised, continuing");
	if (stat(p->conf, &st) != 0)
		return err_set(e, RC_NOTFOUND,
		    "Invalid instance: %s (no %s); pkispawn makes one", p->name,
		    p->conf);
	if (st.st_uid == 0)
		return RC_OK;
	pw = getpwuid(st.st_uid);
	if (pw != NULL && initgroups(pw->pw_name, st.st_gid) != 0)
		return err_errno(e, "groups of %s", pw->pw_name);
	if (pw == NULL && setgroups(1, &st.st_gid) != 0)
		return err_errno(e, "groups");
	if (setgid(st.st_gid) != 0 || setuid(st.st_uid) != 0)
		return err_errno(e, "becoming user %u", st.st_uid);
	return RC_OK;
}

/* What the host knows of the instance: gone with a machine that was restored
 * from a copy of the instance's own files. */
static enum rc
prepare_host_folder(const struct instance_paths *p, struct err *e)
{
	AUTO_STR parent = path_new("/var/lib/pki/.host");
	struct stat st;
	enum rc rc;

	if (geteuid() != 0 || stat(p->conf, &st) != 0)
		return RC_OK;
	if (parent == NULL)
		return err_set(e, RC_NOMEM, "host folder");
	if ((rc = file_mkdirs_open(parent, e)) != RC_OK ||
	    (rc = file_mkdirs(p->host, 0700, e)) != RC_OK)
		return rc;
	return chown(p->host, st.st_uid, st.st_gid) == 0
	    ? RC_OK
	    : err_errno(e, "%s", p->host);
}

/* Files that only root can make, for the user that will use them. */
static enum rc
prepare_run_folder(const struct instance_paths *p, struct err *e)
{
	AUTO_STR dir = path_new("/run/pki");
	struct stat st;
	enum rc rc;

	if (dir == NULL)
		return err_set(e, RC_NOMEM, "run folder");
	if ((rc = file_mkdirs(dir, 0755, e)) != RC_OK)
		return rc;
	if (geteuid() == 0 && stat(p->conf, &st) == 0 &&
	    chown(dir, st.st_uid, st.st_gid) != 0)
		return err_errno(e, "%s", dir);
	return RC_OK;
}

static enum rc
write_pid(const struct instance_paths *p, struct err *e)
{
	AUTO_BUF b = buf_empty(64);

	buf_addf(&b, "%d\n", (int)getpid());
	return file_write(p->pid, buf_view(&b), 0644, e);
}

static enum rc
wait_for_signal(int fd, struct err *e)
{
	struct signalfd_siginfo s;

	for (;;) {
		ssize_t n = read(fd, &s, sizeof(s));
		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof(s))
			return err_errno(e, "signal descriptor");
		if (s.ssi_signo == SIGTERM || s.ssi_signo == SIGINT)
			return RC_OK;
	}
}

/* Why the instance gave up; written by its timer thread, read when that has
 * ended. */
static struct err why;

static void
give_up(const struct err *e)
{
	why = *e;
	kill(getpid(), SIGTERM);
}

static enum rc
serve(const struct options *o, int signals, struct err *e)
{
	AUTO(instance_paths) p = NULL;
	struct instance_params params = {
		.name = o->name, .clock = &clock_system, .give_up = give_up
	};
	struct instance *i = NULL;
	bool locked;
	enum rc rc;

	if ((rc = instance_paths_new(&p, o->name, e)) != RC_OK ||
	    (rc = prepare_run_folder(p, e)) != RC_OK ||
	    (rc = prepare_host_folder(p, e)) != RC_OK ||
	    (rc = drop_privileges(p, e)) != RC_OK ||
	    (rc = log_open(o->log, o->level, e)) != RC_OK ||
	    (rc = secret_setup(&locked, e)) != RC_OK)
		return rc;
	if (!locked)
		log_warning("pkid",
		    "key memory cannot be locked against "
		    "swapping (ulimit -l), continuing");
	umask(0007);
	subsystem_register(&ca_class);
	if ((rc = instance_start(&i, &params, e)) != RC_OK)
		return rc;
	rc = write_pid(p, e);
	if (rc == RC_OK) {
		log_info("pkid", "instance=%s serving https=%d http=%d",
		    o->name, instance_https_port(i), instance_http_port(i));
		rc = wait_for_signal(signals, e);
	}
	log_info("pkid", "instance=%s stopping", o->name);
	instance_stop(i, STOP_GRACE_MS);
	if (unlink(p->pid) != 0 && errno != ENOENT)
		log_warning("pkid", "%s stays behind, continuing", p->pid);
	if (rc == RC_OK && why.rc != RC_OK)
		rc = err_set(e, why.rc, "%s", why.text);
	return rc;
}

int
main(int argc, char **argv)
{
	struct options o = { .name = "pki-tomcat", .level = LOG_LEVEL_INFO };
	struct err e = { RC_OK, "" };
	sigset_t set;
	enum rc rc;
	int n = parse_options(&o, argc, argv);

	if (n != 0)
		return n - 1;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* before any thread: all of them inherit the mask */
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	rc = path_set_root(o.root != NULL ? o.root : getenv("PKI_ROOT"), &e);
	if (rc == RC_OK)
		rc = serve(&o, fd, &e);
	if (rc != RC_OK) {
		log_error("pkid", "%s", e.text);
		fprintf(stderr, "ERROR: %s\n", e.text);
	}
	close(fd);
	log_close();
	return rc_exit(rc);
}
