/* SPDX-License-Identifier: Apache-2.0 */
/* listen.c - bind, listen, accept.
 * Owns:    listening sockets.
 * Trusts:  the configured addresses.
 * Threads: opened before the net thread runs, then used by it alone. */
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

enum {
	BACKLOG = 1024,
	ACCEPT_SLICE = 64 /* then open connections have their turn */
};

/* Text and port into sa; "" is [::], or 0.0.0.0 where there is no IPv6. */
static bool
address_of(struct sockaddr_storage *sa, socklen_t *len, const char *text,
    int port, bool v4_only)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	bool any = *text == '\0';

	memset(sa, 0, sizeof(*sa));
	if ((any && v4_only) || inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		memcpy(sa, &v4, sizeof(v4));
		*len = sizeof(v4);
		return true;
	}
	if (any || inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
		memcpy(sa, &v6, sizeof(v6));
		*len = sizeof(v6);
		return true;
	}
	return false;
}

/* A bound socket or -1 with errno. Accepted sockets inherit TCP_NODELAY. */
static int
bind_one(const struct http_listen *l, int port, bool reuse_port, bool v4_only)
{
	struct sockaddr_storage sa;
	socklen_t len = 0;
	int fd, one = 1, zero = 0;

	errno = EINVAL;
	if (!address_of(&sa, &len, l->address, port, v4_only))
		return -1;
	fd =
	    socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0 &&
	    (!reuse_port ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ==
		    0) &&
	    (sa.ss_family != AF_INET6 || *l->address != '\0' ||
		setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)) == 0) &&
	    bind(fd, (struct sockaddr *)&sa, len) == 0)
		return fd;
	len = (socklen_t)errno;
	close(fd);
	errno = (int)len;
	return -1;
}

static int
bind_any(const struct http_listen *l, int port, bool reuse_port)
{
	int fd = bind_one(l, port, reuse_port, false);

	if (fd < 0 && *l->address == '\0' &&
	    (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		fd = bind_one(l, port, reuse_port, true);
	return fd;
}

static int
port_of(int fd)
{
	struct sockaddr_storage sa;
	struct sockaddr_in6 v6;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		return 0;
	/* The port stands at the same place in both families. */
	memcpy(&v6, &sa, sizeof(v6));
	return ntohs(v6.sin6_port);
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)what;
	for (int i = 0; i < ACCEPT_SLICE; i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		int c = accept4(fd, (struct sockaddr *)&sa, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (c >= 0) {
			conn_open(l->net, l, c, &sa);
			continue;
		}
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			event_del(&l->ev);
			l->paused = true;
		}
		return;
	}
}

static enum rc
open_one(struct net *n, size_t i, struct err *e)
{
	struct http_server *s = n->s;
	const struct http_listen *l = &s->p.listen[i];
	struct listener *to = &n->listeners[i];
	bool share = s->p.net_threads > 1;
	int port = s->ports[i] != 0 ? s->ports[i] : l->port, probe;

	/* With SO_REUSEPORT a second server on the port would go unnoticed. */
	if (share && s->ports[i] == 0 && port != 0) {
		probe = bind_any(l, port, false);
		if (probe < 0 || listen(probe, 1) != 0) {
			rc_ignore(err_errno(e, "listen on %s:%d",
			    *l->address != '\0' ? l->address : "*", port));
			if (probe >= 0)
				close(probe);
			return RC_IO;
		}
		close(probe);
	}
	to->fd = bind_any(l, port, share);
	if (to->fd < 0 || listen(to->fd, BACKLOG) != 0)
		return err_errno(e, "listen on %s:%d",
		    *l->address != '\0' ? l->address : "*", port);
	to->net = n;
	to->tls = l->tls;
	to->port = s->ports[i] = port_of(to->fd);
	if (event_assign(&to->ev, n->base, to->fd, EV_READ | EV_PERSIST,
		on_accept, to) != 0 ||
	    event_add(&to->ev, NULL) != 0)
		return err_set(e, RC_NOMEM, "server: no event loop");
	return RC_OK;
}

enum rc
listeners_open(struct net *n, struct err *e)
{
	size_t count = n->s->p.n_listen;

	n->listeners = calloc(count, sizeof(*n->listeners));
	if (n->listeners == NULL)
		return err_set(e, RC_NOMEM, "server: out of memory");
	for (size_t i = 0; i < count; i++)
		n->listeners[i].fd = -1;
	n->n_listeners = count;
	for (size_t i = 0; i < count; i++) {
		enum rc rc = open_one(n, i, e);

		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

void
listeners_close(struct net *n)
{
	for (size_t i = 0; i < n->n_listeners; i++) {
		struct listener *l = &n->listeners[i];

		if (event_initialized(&l->ev))
			event_del(&l->ev);
		if (l->fd >= 0)
			close(l->fd);
		l->fd = -1;
	}
	n->n_listeners = 0;
}

void
listeners_resume(struct net *n)
{
	for (size_t i = 0; i < n->n_listeners; i++) {
		struct listener *l = &n->listeners[i];

		if (l->paused && event_add(&l->ev, NULL) == 0)
			l->paused = false;
	}
}
