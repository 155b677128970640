/* SPDX-License-Identifier: Apache-2.0 */
/* conn.h - connections, their net threads and the server they belong to.
 * Internal to http/. Each conn belongs to one net thread; while a worker has
 * its call (state RUN) the thread does not touch call or input. */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/thread.h"
#include "http/addrs.h"
#include "http/call.h"

enum {
	CONN_PEER_MAX = INET6_ADDRSTRLEN,
	CONN_WHY_MAX = 160
};

enum conn_state {
	CONN_HANDSHAKE,
	CONN_HEAD,
	CONN_BODY,
	CONN_RUN, /* a worker has the call */
	CONN_WRITE,
	CONN_LINGER, /* reply sent, reading on so that it is not reset */
	CONN_CLOSED,
};

struct conn {
	LIST_ENTRY(conn) link;
	struct net *net;
	int fd;
	SSL *ssl; /* NULL = plain */
	enum conn_state state;
	struct event read_ev, write_ev;
	bool reading;        /* read_ev is added */
	bool drained;        /* the socket had no more when last read */
	bool broken;         /* no more SSL calls */
	short want;          /* EV_READ or EV_WRITE: what I/O waits for */
	int64_t deadline_ms; /* absolute, 0 = none */
	struct buf in;       /* received, not yet used */
	size_t scan;         /* of parse_head_len */
	struct parse_chunks chunks;
	struct call *call;
	struct buf out;       /* head of the reply, and a short body */
	struct view out_body; /* a long one */
	size_t sent;
	int port;
	bool linger;
	bool served;       /* had a request before: waits idle for the next */
	struct addr *addr; /* its place in the cap per address */
	char peer[CONN_PEER_MAX];
	struct buf peer_cert;
	int64_t peer_judged_s; /* of tls_peer_again */
	char peer_error[CONN_WHY_MAX];
};

struct listener {
	struct net *net;
	struct event ev;
	int fd, port;
	bool tls;
	bool paused; /* out of descriptors; the tick tries again */
};

/* One thread with its event base. */
struct net {
	struct http_server *s;
	struct event_base *base;
	pthread_t thread;
	bool running;
	int wake_fd;
	struct event wake_ev, tick_ev;
	LIST_HEAD(conn_list, conn) conns;
	struct listener *listeners;
	size_t n_listeners;
	pthread_mutex_t done_lock;
	struct call *done; /* under done_lock */
	struct call *free_calls;
	size_t n_free_calls;
	bool stopping;
	int64_t stop_ms;   /* end of the grace time */
	int64_t arrive_ms; /* until then a request may still come in */
	int64_t date_s;
	char date[CALL_DATE_MAX];
	/* written by this thread only */
	_Atomic uint64_t requests, bytes_out, refused, cut, handshakes,
	    tls_failures, open;
};

struct http_server {
	struct http_server_params p;
	struct http_listen *listen;
	int *ports;
	struct call_env env;
	struct routes *_Atomic routes; /* what the net threads read */
	struct routes *staged;         /* added since the start */
	struct sessions *sessions;
	struct addrs *addrs;
	struct pool *pools[HTTP_CLASSES];
	struct net *nets;
	size_t n_nets;
	pthread_mutex_t tls_lock;
	SSL_CTX *ctx;            /* under tls_lock */
	struct view *client_cas; /* copies */
	bool started;
	_Atomic bool stopping;
	_Atomic bool abandoned; /* all connections are gone: run nothing more */
	_Atomic int grace_ms;
};

/* Takes an accepted socket over (closes it on failure). */
void conn_open(struct net *n, const struct listener *l, int fd,
    const struct sockaddr_storage *sa);
/* Goes on with a call that came back from a worker. */
void conn_resume(struct call *k);
/* Cuts what is past its deadline; when stopping, also what is idle. */
void conns_sweep(struct net *n, bool all);
/* Frees a connection; one whose call is still with a worker is only closed. */
void conn_close(struct conn *c);

/* The network thread's monotonic milliseconds. */
int64_t net_now_ms(const struct net *n);
/* Runs the call on its pool; RC_UNAVAILABLE when that is full. */
MUST enum rc net_dispatch(struct net *n, struct call *k);
/* From the net's free list, or new; NULL when memory is out. */
struct call *net_call_get(struct net *n);
void net_call_put(struct net *n, struct call *k);
const char *net_date(struct net *n);
/* A new SSL for a connection of this server, or NULL. */
SSL *net_ssl(struct net *n);

static inline void
count(_Atomic uint64_t *to, uint64_t by)
{
	atomic_store_explicit(to,
	    atomic_load_explicit(to, memory_order_relaxed) + by,
	    memory_order_relaxed);
}

#endif
