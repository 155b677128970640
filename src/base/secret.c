/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - passwords, PINs and raw keys on OpenSSL's secure heap.
 * Owns:    struct secret; header and bytes are one piece of the secure heap.
 * Trusts:  nothing; copies on the stack are wiped.
 * Threads: secret_setup before threads; a struct secret is never changed. */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

enum {
	HEAP_SIZE = 4 * 1024 * 1024,
	HEAP_MIN_BLOCK = 64,
	SECRET_MAX = 64 * 1024,
	LINE_MAX_READ = 4096,
};

/* What would end the process while a terminal is without echo. */
static const int endings[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
enum {
	ENDINGS = sizeof(endings) / sizeof(endings[0])
};
static volatile sig_atomic_t caught;

struct secret {
	size_t len;
	char data[]; /* len bytes and a NUL */
};

enum rc
secret_setup(bool *locked, struct err *e)
{
	struct rlimit none = { 0, 0 };
	int r;

	if (prctl(PR_SET_DUMPABLE, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		return err_errno(e, "secure heap: core dumps off");
	r = CRYPTO_secure_malloc_initialized()
	    ? 1
	    : CRYPTO_secure_malloc_init(HEAP_SIZE, HEAP_MIN_BLOCK);
	if (r == 0)
		return err_openssl(e, RC_NOMEM, "secure heap: set-up");
	*locked = r == 1;
	return RC_OK;
}

static struct secret *
alloc(size_t len)
{
	struct secret *s;

	if (len > SECRET_MAX)
		return NULL;
	s = OPENSSL_secure_zalloc(sizeof(*s) + len + 1);
	if (s != NULL)
		s->len = len;
	return s;
}

struct secret *
secret_new(struct view v)
{
	struct secret *s = alloc(v.len);

	if (s != NULL && v.len > 0)
		memcpy(s->data, v.data, v.len);
	return s;
}

struct secret *
secret_random(size_t n)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789";
	const uint8_t fair = 256 - 256 % (sizeof(set) - 1);
	AUTO(secret) s = alloc(n);
	uint8_t byte = 0;
	size_t i = 0;

	while (s != NULL && i < n) {
		if (RAND_priv_bytes(&byte, 1) != 1)
			return NULL;
		if (byte < fair)
			s->data[i++] = set[byte % (sizeof(set) - 1)];
	}
	OPENSSL_cleanse(&byte, sizeof(byte));
	return secret_steal(&s);
}

/* Reads up to the end of the first line; *n = its length without "\r\n". A
 * file may end without one; somebody who ends the input at once wants no
 * further. */
static enum rc
read_line(int fd, char *line, size_t *n, const char *what, struct err *e)
{
	size_t have = 0;
	char *end = NULL;
	ssize_t r;

	while (end == NULL) {
		if (have == LINE_MAX_READ)
			return err_set(e, RC_TOOBIG,
			    "%s: line of more than %d bytes", what,
			    LINE_MAX_READ);
		/* what follows the line is for the next reader */
		r = read(fd, line + have, 1);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_errno(e, "%s: read", what);
		if (r == 0 && have == 0 && isatty(fd))
			return err_set(e, RC_USAGE, "%s: end of input", what);
		if (r == 0)
			break;
		if (line[have] == '\n')
			end = line + have;
		have++;
	}
	*n = end != NULL ? (size_t)(end - line) : have;
	if (*n > 0 && line[*n - 1] == '\r')
		(*n)--;
	return RC_OK;
}

static enum rc
secret_of_line(struct secret **out, int fd, const char *what, struct err *e)
{
	char line[LINE_MAX_READ];
	struct secret *s = NULL;
	size_t n = 0;
	enum rc rc;

	rc = read_line(fd, line, &n, what, e);
	if (rc == RC_OK)
		s = secret_new(view_of(line, n));
	OPENSSL_cleanse(line, sizeof(line));
	if (rc != RC_OK)
		return rc;
	if (s == NULL)
		return err_set(e, RC_NOMEM, "%s: secure heap is full", what);
	*out = s;
	return RC_OK;
}

enum rc
secret_read_file(struct secret **out, const char *path, struct err *e)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, RC_NOTFOUND, "%s: no such file", path);
	if (fd < 0)
		return err_errno(e, "%s: open", path);
	return secret_of_line(out, fd, path, e);
}

enum rc
secret_read_fd(struct secret **out, int fd, const char *what, struct err *e)
{
	AUTO(secret) s = NULL;
	enum rc rc = secret_of_line(&s, fd, what, e);

	if (rc != RC_OK)
		return rc;
	if (s->len == 0)
		return err_set(e, RC_NOTFOUND, "%s: no line", what);
	*out = secret_steal(&s);
	return RC_OK;
}

static void
note(int sig)
{
	caught = sig;
}

/* Writes the prompt and reads a line; one of the endings ends it. */
static enum rc
converse(struct secret **out, int fd, const char *prompt, const sigset_t *mask,
    struct err *e)
{
	struct pollfd line = { .fd = fd, .events = POLLIN };

	if (write(fd, prompt, strlen(prompt)) < 0)
		return err_errno(e, "password: terminal");
	while (ppoll(&line, 1, NULL, mask) < 0) {
		if (caught != 0)
			return err_set(e, RC_USAGE, "password: interrupted");
		if (errno != EINTR)
			return err_errno(e, "password: terminal");
	}
	return secret_of_line(out, fd, "password", e);
}

static enum rc
without_echo(struct secret **out, int fd, const char *prompt,
    const sigset_t *mask, struct err *e)
{
	struct termios old, quiet;
	enum rc rc;

	if (tcgetattr(fd, &old) != 0)
		return err_errno(e, "password: terminal");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
		return err_errno(e, "password: terminal");
	rc = converse(out, fd, prompt, mask, e);
	if (tcsetattr(fd, TCSAFLUSH, &old) != 0 || write(fd, "\n", 1) < 0)
		errno = 0; /* the terminal is gone: nothing left to restore */
	return rc;
}

/* With the endings held back and noted: the terminal gets its echo again
 * before one of them ends the process. */
static enum rc
ask_quietly(struct secret **out, int fd, const char *prompt, struct err *e)
{
	struct sigaction noted = { .sa_handler = note }, old[ENDINGS];
	sigset_t held, mask;
	enum rc rc;

	sigemptyset(&held);
	for (size_t i = 0; i < ENDINGS; i++)
		sigaddset(&held, endings[i]);
	pthread_sigmask(SIG_BLOCK, &held, &mask);
	caught = 0;
	for (size_t i = 0; i < ENDINGS; i++) {
		sigaction(endings[i], NULL, &old[i]);
		if (old[i].sa_handler != SIG_IGN)
			sigaction(endings[i], &noted, NULL);
	}
	rc = without_echo(out, fd, prompt, &mask, e);
	for (size_t i = 0; i < ENDINGS; i++)
		sigaction(endings[i], &old[i], NULL);
	if (caught != 0)
		raise(caught); /* taken when the mask is as it was */
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	return rc;
}

enum rc
secret_ask(struct secret **out, const char *prompt, struct err *e)
{
	AUTO_FD fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || !isatty(fd))
		return err_set(
		    e, RC_UNAVAILABLE, "password: no terminal to ask on");
	return ask_quietly(out, fd, prompt, e);
}

void
secret_free(struct secret *s)
{
	if (s != NULL)
		OPENSSL_secure_clear_free(s, sizeof(*s) + s->len + 1);
}

struct view
secret_view(const struct secret *s)
{
	return view_of(s->data, s->len);
}

const char *
secret_cstr(const struct secret *s)
{
	return s->data;
}

bool
secret_eq(const struct secret *s, struct view v)
{
	return s->len == v.len &&
	    (v.len == 0 || CRYPTO_memcmp(s->data, v.data, v.len) == 0);
}
