/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - serve and call the control socket.
 * Owns:    the socket and its thread.
 * Trusts:  peers whose uid is root or ours; nothing in their messages.
 * Threads: one thread serves one exchange after the other. */
#include "instance/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <jansson.h>

#include "base/log.h"
#include "base/thread.h"

struct control {
	int fd, wake[2];
	char *path;
	control_handler fn;
	void *arg;
	pthread_t thread;
	bool running;
};

static enum rc
address(struct sockaddr_un *a, const char *path, struct err *e)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(a->sun_path))
		return err_set(e, RC_INVALID,
		    "control socket: path longer than %zu characters: %.80s",
		    sizeof(a->sun_path) - 1, path);
	memcpy(a->sun_path, path, strlen(path) + 1);
	return RC_OK;
}

/* Reads up to a newline within the time limit. */
static enum rc
read_line(int fd, struct buf *b, struct err *e)
{
	struct pollfd p = { fd, POLLIN, 0 };

	for (;;) {
		uint8_t *room = buf_reserve(b, 4096);
		if (room == NULL)
			return buf_check(b, e);
		if (poll(&p, 1, CONTROL_TIMEOUT_MS) <= 0)
			return err_set(e, RC_TIMEOUT, "control socket");
		ssize_t n = read(fd, room, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "control socket");
		if (n == 0)
			return b->len > 0 ? RC_OK
					  : err_set(e, RC_UNAVAILABLE,
						"control socket: closed");
		b->len += (size_t)n;
		if (memchr(room, '\n', (size_t)n) != NULL)
			return RC_OK;
	}
}

static void
write_all(int fd, struct view v)
{
	while (v.len > 0) {
		ssize_t n = send(fd, v.data, v.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		v.data += n;
		v.len -= (size_t)n;
	}
}

static bool
peer_allowed(int fd)
{
	struct ucred u;
	socklen_t len = sizeof(u);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len) != 0)
		return false;
	return u.uid == 0 || u.uid == geteuid();
}

static void
answer(struct control *c, struct buf *in, struct buf *out)
{
	AUTO_BUF result = buf_empty(CONTROL_MESSAGE_MAX);
	struct err e = { RC_OK, "" };
	json_t *j = json_loadb(
	    (const char *)in->data, in->len, JSON_REJECT_DUPLICATES, NULL);
	const char *command = json_string_value(json_object_get(j, "command"));
	char *args = json_dumps(json_object_get(j, "args"), JSON_COMPACT);
	enum rc rc = RC_INVALID;

	if (command == NULL)
		rc = err_set(&e, RC_INVALID, "control: no command");
	else
		rc = c->fn(c->arg, command, view_str(args), &result, &e);
	if (rc == RC_OK)
		rc = buf_check(&result, &e);
	if (rc == RC_OK) {
		buf_addf(out, "{\"ok\":true,\"result\":%s}\n",
		    result.len > 0 ? buf_cstr(&result) : "null");
	} else {
		json_t *o = json_pack("{s:b,s:s,s:i}", "ok", 0, "error", e.text,
		    "exit", rc_exit(rc));
		char *s = json_dumps(o, JSON_COMPACT);
		buf_addf(out, "%s\n", s != NULL ? s : "{\"ok\":false}");
		free(s);
		json_decref(o);
	}
	free(args);
	json_decref(j);
}

static void
serve_one(struct control *c, int fd)
{
	AUTO_BUF in = buf_empty(CONTROL_MESSAGE_MAX);
	AUTO_BUF out = buf_empty(CONTROL_MESSAGE_MAX + 1024);

	if (!peer_allowed(fd)) {
		log_warning("control",
		    "refused a peer of another user, "
		    "continuing");
		return;
	}
	if (read_line(fd, &in, NULL) != RC_OK)
		return;
	answer(c, &in, &out);
	write_all(fd, buf_view(&out));
}

static void *
serve(void *arg)
{
	struct control *c = arg;
	struct pollfd p[2] = { { c->fd, POLLIN, 0 },
		{ c->wake[0], POLLIN, 0 } };

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents != 0)
			break;
		if ((p[0].revents & POLLIN) == 0)
			continue;
		AUTO_FD fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			serve_one(c, fd);
	}
	return NULL;
}

void
control_free(struct control *c)
{
	if (c == NULL)
		return;
	if (c->running) {
		close(c->wake[1]);
		c->wake[1] = -1;
		pthread_join(c->thread, NULL);
	}
	fd_closep(&c->fd);
	fd_closep(&c->wake[0]);
	fd_closep(&c->wake[1]);
	if (c->path != NULL && unlink(c->path) != 0 && errno != ENOENT)
		log_warning(
		    "control", "%s: cannot be removed, continuing", c->path);
	free(c->path);
	free(c);
}

enum rc
control_start(struct control **out, const char *path, control_handler fn,
    void *arg, struct err *e)
{
	AUTO(control) c = calloc(1, sizeof(*c));
	struct sockaddr_un a;
	enum rc rc;

	if (c == NULL)
		return err_set(e, RC_NOMEM, "control socket");
	c->fd = c->wake[0] = c->wake[1] = -1;
	c->fn = fn;
	c->arg = arg;
	if ((rc = address(&a, path, e)) != RC_OK)
		return rc;
	/* the caller holds the instance lock: what is there is stale */
	if (unlink(path) != 0 && errno != ENOENT)
		return err_errno(e, "control socket %s", path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || pipe2(c->wake, O_CLOEXEC) != 0)
		return err_errno(e, "control socket");
	mode_t old = umask(0177);
	int bound = bind(c->fd, (struct sockaddr *)&a, sizeof(a));
	umask(old);
	if (bound != 0 || listen(c->fd, 16) != 0)
		return err_errno(e, "control socket %s", path);
	if ((c->path = strdup(path)) == NULL)
		return err_set(e, RC_NOMEM, "control socket");
	rc = thread_start(&c->thread, "control", serve, c, e);
	if (rc != RC_OK)
		return rc;
	c->running = true;
	*out = control_steal(&c);
	return RC_OK;
}

static enum rc
read_answer(struct buf *in, struct buf *result, struct err *e)
{
	json_t *j = json_loadb((const char *)in->data, in->len, 0, NULL);
	const char *text = json_string_value(json_object_get(j, "error"));
	enum rc rc = RC_OK;

	if (j == NULL) {
		rc = err_set(e, RC_INTERNAL, "control socket: no JSON answer");
	} else if (!json_is_true(json_object_get(j, "ok"))) {
		rc = err_set(e, RC_INVALID, "%s",
		    text != NULL ? text : "refused without a reason");
	} else {
		char *s = json_dumps(json_object_get(j, "result"),
		    JSON_COMPACT | JSON_ENCODE_ANY);
		buf_add_str(result, s != NULL ? s : "null");
		free(s);
		rc = buf_check(result, e);
	}
	json_decref(j);
	return rc;
}

int
control_pid(const char *path)
{
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a;
	struct ucred u;
	socklen_t len = sizeof(u);

	/* the kernel notes who called listen */
	if (fd < 0 || address(&a, path, NULL) != RC_OK ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len) != 0)
		return 0;
	return u.pid;
}

enum rc
control_call(const char *path, const char *command, const char *args,
    struct buf *result, struct err *e)
{
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_BUF out = buf_empty(CONTROL_MESSAGE_MAX);
	AUTO_BUF in = buf_empty(CONTROL_MESSAGE_MAX + 1024);
	struct sockaddr_un a;
	enum rc rc;

	if (fd < 0)
		return err_errno(e, "control socket");
	if ((rc = address(&a, path, e)) != RC_OK)
		return rc;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		return err_set(e, RC_UNAVAILABLE,
		    "no server answers at %.100s: %s", path, strerror(errno));
	buf_addf(&out, "{\"command\":\"%s\",\"args\":%s}\n", command,
	    args != NULL ? args : "{}");
	if ((rc = buf_check(&out, e)) != RC_OK)
		return rc;
	write_all(fd, buf_view(&out));
	rc = read_line(fd, &in, e);
	return rc == RC_OK ? read_answer(&in, result, e) : rc;
}
