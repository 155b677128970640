/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_control.c - both sides of the control socket. The first octet says which:
 * even: any bytes as a command to the server; odd: a command whose handler answers
 * with any bytes as its result, or (bit 1) with them as its error, to the client.
 * Owns:    one server on a socket in a scratch folder.
 * Trusts:  nothing of the input.
 * Threads: the server's. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "instance/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	REPLY_MAX = 65536
};

static struct control *control;
static char dir[] = "/tmp/fuzz-control-XXXXXX";
static char path[sizeof(dir) + 16];
static struct view result; /* what the handler answers */
static bool fails;

static enum rc
handler(void *arg, const char *command, struct view args, struct buf *out,
    struct err *e)
{
	(void)arg;
	if (command == NULL ||
	    (args.len > 0 && args.data[0] != '{' && args.data[0] != '['))
		abort();
	if (fails)
		return err_set(e, RC_INVALID, "no: %.*s", VIEW_ARGS(result));
	buf_add_view(out, result);
	return buf_check(out, e);
}

static void
tidy(void)
{
	control_free(control);
	control = NULL;
	rmdir(dir);
}

static void
setup(void)
{
	struct err e;

	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/s", dir);
	if (control_start(&control, path, handler, NULL, &e) != RC_OK ||
	    control_pid(path) != getpid())
		abort();
	atexit(tidy);
}

/* Any bytes; what comes back, if anything, is a line that says ok or why not. */
static void
ask_raw(struct view v)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	static char reply[REPLY_MAX];
	ssize_t n;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		abort();
	/* it may be refused before all is read */
	if (v.len > 0 && send(fd, v.data, v.len, MSG_NOSIGNAL) < 0)
		v.len = 0;
	shutdown(fd, SHUT_WR);
	n = recv(fd, reply, sizeof(reply), MSG_WAITALL);
	close(fd);
	if (n > 0 && (memcmp(reply, "{\"", 2) != 0 || reply[n - 1] != '\n'))
		abort();
}

/* Where nobody listens. */
static void
nobody(struct view v)
{
	AUTO_BUF out = buf_empty(0);
	char where[256];

	snprintf(where, sizeof(where), "%s/%.*s", dir,
	    (int)(v.len < sizeof(where) ? v.len : sizeof(where)),
	    (const char *)v.data);
	if (strcmp(where, path) != 0 &&
	    strchr(where + sizeof(dir), '/') == NULL &&
	    (control_pid(where) != 0 ||
		control_call(where, "c", NULL, &out, NULL) == RC_OK))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_BUF out = buf_empty(0);
	struct err e = { RC_OK, "" };
	struct view v;

	if (len < 1 || len > REPLY_MAX / 2)
		return 0;
	if (control == NULL)
		setup();
	v = view_of(data + 1, len - 1);
	fails = (data[0] & 2) != 0;
	if ((data[0] & 1) == 0) {
		result = view_str("{}");
		ask_raw(v);
		return 0;
	}
	result = v;
	nobody(v);
	if (control_call(path, "c", (data[0] & 4) != 0 ? "[]" : NULL, &out,
		&e) != RC_OK &&
	    e.text[0] == '\0')
		abort();
	return 0;
}
