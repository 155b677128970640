/* SPDX-License-Identifier: Apache-2.0 */
/* service.c - the daemon as a process, and as a service of systemd.
 * Owns:    nothing; the daemon is left to itself.
 * Trusts:  the instance lock rather than the pid file.
 * Threads: one. */
#include "deploy/service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/text.h"
#include "instance/control.h"

#define UNIT_DIR "/usr/lib/systemd/system"

enum {
	POLL_MS = 5,
	OUTPUT_MAX = 4096,
	PID_TEXT_MAX = 64,
};

char *
service_program(void)
{
	static const char *const near[] = { "pkid", "../sbin/pkid",
		"../pkid/pkid" };
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash, *s;

	if (n > 0) {
		exe[n] = '\0';
		slash = strrchr(exe, '/');
		*slash = '\0';
		for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
			if (asprintf(&s, "%s/%s", exe, near[i]) < 0)
				return NULL;
			if (access(s, X_OK) == 0)
				return s;
			free(s);
		}
	}
	return strdup("/usr/sbin/pkid");
}

/* Who holds the instance lock? Nobody: not running. */
bool
service_held(const struct instance_paths *p)
{
	AUTO_FD fd = open(p->lock, O_RDWR | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
}

/* Not from the pid file: an offline tool holds the lock too, and a daemon that
 * was killed leaves its file behind. */
int
service_pid(const struct instance_paths *p)
{
	return control_pid(p->control);
}

bool
service_running(const struct instance_paths *p)
{
	AUTO_BUF b = buf_empty(1024);

	return control_call(p->control, "ping", NULL, &b, NULL) == RC_OK;
}

/* ---- systemd ---- */

/* Is the instance a service of systemd? Then systemd must start it, or it
 * would know nothing of the process. */
static bool
has_unit(void)
{
	return path_root()[0] == '\0' && geteuid() == 0 &&
	    file_exists("/run/systemd/system") &&
	    (file_exists(UNIT_DIR "/pkid@.service") ||
		file_exists("/etc/systemd/system/pkid@.service"));
}

static enum rc
systemctl(const struct instance_paths *p, const char *verb, struct err *e)
{
	AUTO_STR unit = NULL;
	const char *argv[] = { "systemctl", verb, NULL, NULL };
	char *env[] = { (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" },
		NULL };
	int status;
	pid_t pid;

	if (asprintf(&unit, "pkid@%s.service", p->name) < 0) {
		unit = NULL;
		return err_set(e, RC_NOMEM, "out of memory");
	}
	argv[2] = unit;
	if (posix_spawnp(&pid, argv[0], NULL, NULL,
		(char *const *)(uintptr_t)argv, env) != 0)
		return err_errno(e, "systemctl");
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		return err_set(e, RC_IO,
		    "systemctl %s %s failed; journalctl -u %s may tell why",
		    verb, unit, unit);
	return RC_OK;
}

#define WANTS "/etc/systemd/system/pki-tomcatd.target.wants"
#define TARGET_WANTS "/etc/systemd/system/multi-user.target.wants"

/* The link that starts the instance with the target. */
static char *
wanted_link(const struct instance_paths *p)
{
	return path_new(WANTS "/pki-tomcatd@%s.service", p->name);
}

static enum rc
want(const char *dir, const char *link, const char *unit, struct err *e)
{
	enum rc rc = file_mkdirs_open(dir, e);

	if (rc == RC_OK && symlink(unit, link) != 0 && errno != EEXIST)
		return err_errno(e, "link %s", link);
	return rc;
}

enum rc
service_enable(const struct instance_paths *p, struct err *e)
{
	AUTO_STR link = wanted_link(p);
	AUTO_STR dir = path_new(WANTS);
	AUTO_STR target = path_new(TARGET_WANTS "/pki-tomcatd.target");
	AUTO_STR target_dir = path_new(TARGET_WANTS);
	enum rc rc;

	if (link == NULL || dir == NULL || target == NULL || target_dir == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = want(dir, link, UNIT_DIR "/pki-tomcatd@.service", e);
	return rc == RC_OK
	    ? want(target_dir, target, UNIT_DIR "/pki-tomcatd.target", e)
	    : rc;
}

enum rc
service_enable_again(const struct instance_paths *p, struct err *e)
{
	AUTO_STR link = wanted_link(p);
	struct stat st;

	if (link == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	return lstat(link, &st) == 0 ? service_enable(p, e) : RC_OK;
}

enum rc
service_disable(const struct instance_paths *p, struct err *e)
{
	AUTO_STR link = wanted_link(p);
	AUTO_STR dir = path_new(WANTS);
	AUTO_STR target = path_new(TARGET_WANTS "/pki-tomcatd.target");

	if (link == NULL || dir == NULL || target == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (unlink(link) != 0 && errno != ENOENT)
		return err_errno(e, "%s", link);
	/* the last one takes the target's own link along */
	if (rmdir(dir) == 0)
		unlink(target);
	return RC_OK;
}

/* ---- the process ---- */

/* In the child: a session of its own, output to the pipe until it serves. */
static void
become_daemon(const char *program, const struct instance_paths *p,
    const char *log, int out)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
	}
	dup2(out, 2);
	if (close_range(3, ~0U, 0) != 0)
		_exit(1);
	if (path_root()[0] != '\0')
		execl(program, "pkid", "--root", path_root(), "--log", log,
		    p->name, (char *)NULL);
	else
		execl(program, "pkid", "--log", log, p->name, (char *)NULL);
	dprintf(2, "ERROR: %s cannot be run: %s\n", program, strerror(errno));
	_exit(1);
}

/* The daemon's last words, without its "ERROR: ". */
static enum rc
failed_start(int fd, struct err *e)
{
	char text[OUTPUT_MAX + 1];
	ssize_t n = read(fd, text, OUTPUT_MAX);
	char *s;

	if (n <= 0)
		return err_set(e, RC_INTERNAL,
		    "the server ended without a word; its log may tell");
	text[n] = '\0';
	s = strstr(text, "ERROR: ");
	s = s != NULL ? s + 7 : text;
	return err_set(e, RC_INTERNAL, "%s", text_trim(s));
}

/* Is the pid file that of this process? */
static bool
pid_file_says(const struct instance_paths *p, int pid)
{
	AUTO_BUF b = buf_empty(PID_TEXT_MAX);
	char want[PID_TEXT_MAX];

	snprintf(want, sizeof(want), "%d\n", pid);
	return file_read(&b, p->pid, NULL) == RC_OK &&
	    strcmp(buf_cstr(&b), want) == 0;
}

static enum rc
wait_served(const struct instance_paths *p, pid_t pid, int fd, int wait_ms,
    struct err *e)
{
	int64_t end = clock_mono_ms(&clock_system) + wait_ms;
	int status;

	while (clock_mono_ms(&clock_system) < end) {
		/* the pid file is the last thing that it makes, and may be
		 * there from one that was killed */
		if (service_running(p) && pid_file_says(p, pid))
			return RC_OK;
		if (waitpid(pid, &status, WNOHANG) == pid)
			return failed_start(fd, e);
		poll(NULL, 0, POLL_MS);
	}
	return err_set(e, RC_TIMEOUT,
	    "the server did not answer within %d s; it goes on starting",
	    wait_ms / 1000);
}

/* As wait_served, where another process started it. */
static enum rc
wait_service(const struct instance_paths *p, int wait_ms, struct err *e)
{
	int64_t end = clock_mono_ms(&clock_system) + wait_ms;

	while (!service_running(p) || !pid_file_says(p, service_pid(p))) {
		if (clock_mono_ms(&clock_system) > end)
			return err_set(e, RC_TIMEOUT,
			    "instance %s does not answer; journalctl -u "
			    "pkid@%s may tell why",
			    p->name, p->name);
		poll(NULL, 0, POLL_MS);
	}
	return RC_OK;
}

enum rc
service_start(const struct instance_paths *p, int wait_ms, struct err *e)
{
	AUTO_STR program = service_program();
	AUTO_BUF log = buf_empty(4096);
	int pipes[2];
	pid_t pid;
	enum rc rc = RC_OK;

	if (!file_exists(p->conf))
		return err_set(e, RC_NOTFOUND, "Invalid instance: %s", p->name);
	if (service_held(p))
		return err_set(
		    e, RC_CONFLICT, "instance %s runs already", p->name);
	if (has_unit()) {
		rc = systemctl(p, "start", e);
		return rc == RC_OK && wait_ms > 0 ? wait_service(p, wait_ms, e)
						  : rc;
	}
	buf_addf(&log, "%s/ca/debug.%%F.log", p->logs);
	if (program == NULL || buf_check(&log, NULL) != RC_OK)
		return err_set(e, RC_NOMEM, "service");
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return err_errno(e, "pipe");
	pid = fork();
	if (pid == 0)
		become_daemon(program, p, buf_cstr(&log), pipes[1]);
	close(pipes[1]);
	if (pid < 0)
		rc = err_errno(e, "fork");
	else if (wait_ms > 0)
		rc = wait_served(p, pid, pipes[0], wait_ms, e);
	close(pipes[0]);
	return rc;
}

enum rc
service_await(const struct instance_paths *p, int wait_ms, struct err *e)
{
	if (!service_held(p))
		return err_set(
		    e, RC_NOTFOUND, "instance %s does not run", p->name);
	return wait_service(p, wait_ms, e);
}

enum rc
service_stop(const struct instance_paths *p, int wait_ms, struct err *e)
{
	int64_t end = clock_mono_ms(&clock_system) + wait_ms;
	int pid = service_pid(p);
	enum rc rc;

	/* it holds its lock before it serves */
	while (
	    pid == 0 && service_held(p) && clock_mono_ms(&clock_system) < end) {
		poll(NULL, 0, POLL_MS);
		pid = service_pid(p);
	}
	if (pid == 0 && service_held(p))
		return err_set(e, RC_CONFLICT,
		    "instance %s is in use by another program", p->name);
	if (pid == 0)
		return err_set(
		    e, RC_NOTFOUND, "instance %s does not run", p->name);
	/* one that was started by hand is not systemd's to stop */
	if (has_unit() &&
	    ((rc = systemctl(p, "stop", e)) != RC_OK || !service_held(p)))
		return rc;
	if (kill(pid, SIGTERM) != 0 && errno != ESRCH)
		return err_errno(e, "stopping process %d", pid);
	while (service_held(p)) {
		if (clock_mono_ms(&clock_system) > end)
			return err_set(e, RC_TIMEOUT,
			    "process %d has not ended after %d s", pid,
			    wait_ms / 1000);
		poll(NULL, 0, POLL_MS);
		/* reap it where it is our own child */
		waitpid(pid, NULL, WNOHANG);
	}
	return RC_OK;
}
