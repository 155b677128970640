/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - HTTP/1.1 over plain sockets and TLS: routes, requests, replies.
 *
 * Built on libevent's event loop, one event base a thread, SO_REUSEPORT, epoll
 * changelist, TCP_NODELAY (measurements.md A), with a strict request parser of
 * its own (RFC 9112) in place of evhttp, which offers no hook for refusing a
 * body by route, for absolute deadlines and for caps at accept. Only this room
 * knows libevent.
 * A handler runs on a worker of its route's pool class while the connection is
 * suspended, or on the network thread itself (HTTP_INLINE: must not block).
 * Deadlines are absolute: a request that has not arrived whole after
 * request_timeout_ms is cut, however slowly it trickles; connections are capped
 * in all and per address. A second Content-Length, a path with NUL or "..",
 * and bodies above the route's limit are refused before any handler runs. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "keys/key.h"

struct http_server;
struct http_session;

/* Pool classes, so that what can hang never holds up what must not. */
enum http_class {
	HTTP_INLINE, /* on the network thread: ready OCSP answers, health */
	HTTP_ISSUE,  /* enrolment, revocation: may block on store and token */
	HTTP_READ,   /* searches and downloads */
	HTTP_OCSP,   /* OCSP answers that need a signature, CRL download */
	HTTP_ADMIN,  /* users, configuration, pages */
	HTTP_CLASSES,
};

enum http_method {
	HTTP_GET = 1,
	HTTP_HEAD = 2,
	HTTP_POST = 4,
	HTTP_PUT = 8,
	HTTP_DELETE = 16,
	HTTP_PATCH = 32,
};

struct http_pair {
	const char *name, *value;
};
struct http_list {
	const struct http_pair *items;
	size_t n;
};

/* One request and its reply. Everything lives in the arena until the reply is
 * sent; the handler's thread is its only owner. */
struct http_call {
	enum http_method method;
	const char *path;       /* decoded, without query */
	const char *raw_path;   /* as received, without query */
	struct http_list query; /* decoded */
	struct http_list form; /* decoded application/x-www-form-urlencoded body
				 * of a POST, else empty */
	struct http_list headers;
	struct http_list params; /* {names} of the route pattern, decoded */
	struct view body;
	const char *peer; /* numeric address */
	const char *host; /* Host header "name[:port]", checked; "" if absent */
	int port;         /* local port */
	bool tls;
	struct view peer_cert;       /* DER of a client certificate whose chain,
				      * usage and time were validated; else empty */
	const char *peer_cert_error; /* why a presented one was not valid */
	struct http_session *session; /* of the JSESSIONID cookie, or NULL */
	struct arena *arena;
	void *route_arg;
	void *data;       /* the handler's own, across http_defer */
	const char *user; /* set by the handler that knows who asks, in the
			   * arena: for the access log; NULL = nobody */
	size_t sent;      /* octets of the reply's body, when it was written */
	/* reply */
	int status; /* 200 unless set */
	struct buf out;
	void *priv; /* the server's own */
};

/* Case-insensitive header; exact query/form/param; NULL when absent. */
const char *http_header(const struct http_call *c, const char *name);
const char *http_query(const struct http_call *c, const char *name);
const char *http_form(const struct http_call *c, const char *name);
/* Form field, else query parameter: what a servlet calls a parameter. */
const char *http_arg(const struct http_call *c, const char *name);
const char *http_param(const struct http_call *c, const char *name);
/* Basic credentials of the Authorization header; RC_NOTFOUND when absent. */
MUST enum rc http_basic(const struct http_call *c, const char **user,
    struct view *password, struct err *e);

/* Reply helpers: status, Content-Type and body (copied). */
void http_reply(
    struct http_call *c, int status, const char *type, struct view body);
void http_reply_header(
    struct http_call *c, const char *name, const char *value);
/* Status and Content-Type (copied; NULL = none) of a body that the handler
 * appends to c->out itself. */
void http_reply_type(struct http_call *c, int status, const char *type);
/* As http_reply without the copy: body stays as it is until release(arg), which
 * is called once from any thread of the server. For CRLs and ready answers. */
void http_reply_ref(struct http_call *c, int status, const char *type,
    struct view body, void (*release)(void *arg), void *arg);
/* "https://host:port" that the client used, for Location and URLs. */
const char *http_base_url(struct http_call *c);

typedef void (*http_handler)(struct http_call *c);

/* From an HTTP_INLINE handler, as its last act: the call goes on with fn on a
 * worker of that class (a ready answer was not at hand). */
void http_defer(struct http_call *c, enum http_class cls, http_handler fn);

/* pattern: "/ca/v2/certs/{id}"; a last segment of "*" takes the rest of the
 * path (param "*"). Fixed segments win over {names}. */
struct http_route {
	unsigned methods; /* enum http_method or-ed */
	const char *pattern;
	http_handler handler;
	enum http_class cls;
	unsigned flags;  /* HTTP_TLS_ONLY ... */
	size_t body_max; /* 0 = HTTP_BODY_MAX */
};
enum {
	HTTP_TLS_ONLY = 1, /* plain: 302 to the TLS port, or 403 for POST */
	HTTP_SAME_ORIGIN =
	    2, /* refuse foreign Origin, Sec-Fetch-Site cross-site */
};
enum {
	HTTP_BODY_MAX = 1024 * 1024,
	HTTP_HEADERS_MAX = 8192,
	HTTP_URL_MAX = 65536,
	HTTP_CONNECTIONS_MAX = 4000,
	HTTP_CONNECTIONS_PER_ADDRESS_MAX = 2000,
	/* They wait for commits more than they work: as many as shall share
	 * one. */
	HTTP_ISSUE_THREADS = 32,
};

struct http_listen {
	const char *address; /* numeric; "" = all */
	int port;            /* 0 = any free one */
	bool tls;
};

struct http_server_params {
	const struct http_listen *listen;
	size_t n_listen;
	/* TLS identity and the certificates that client certificates must
	 * chain to (DER). Client certificates are optional at the handshake. */
	struct key *key;
	const struct view *chain;
	size_t n_chain;
	const struct view *client_cas;
	size_t n_client_cas;
	size_t net_threads;           /* 0 = 1 */
	size_t threads[HTTP_CLASSES]; /* 0 = a default */
	int request_timeout_ms;       /* 0 = 20,000: whole request from accept
					 * or last reply's end of idle */
	int idle_timeout_ms;          /* keep-alive; 0 = 60,000 */
	int handshake_timeout_ms;     /* 0 = 10,000 */
	const struct clock *clock;
	/* Called after each reply, on the network thread, for the access log and
	 * metrics; may be NULL. */
	void (*done)(void *arg, const struct http_call *c, int64_t micros);
	void *done_arg;
	/* Renders an error that the server itself found (404, 405, 413 ...);
	 * NULL = empty body. Of an unreadable request all fields are empty.
	 * Must not block: mostly on the network thread. */
	void (*render_error)(
	    void *arg, struct http_call *c, int status, const char *text);
	void *render_arg;
};

/* Binds nothing yet. */
MUST enum rc http_server_new(struct http_server **out,
    const struct http_server_params *p, struct err *e);
/* arg reaches the handler as route_arg. After start only one thread adds, and
 * what it adds counts from http_server_publish on. */
MUST enum rc http_server_add(struct http_server *s,
    const struct http_route *routes, size_t n, void *arg, struct err *e);
/* The routes added since the start count from now on; one that was there before
 * counts no more where a new one knows the path. */
void http_server_publish(struct http_server *s);
/* Forgets them instead. */
void http_server_discard(struct http_server *s);
/* Binds (RC_IO naming address and port when busy) and serves on own threads. */
MUST enum rc http_server_start(struct http_server *s, struct err *e);
/* The bound port of the i-th listener. */
int http_server_port(const struct http_server *s, size_t i);
/* A new TLS identity for new connections (renewed certificate). */
MUST enum rc http_server_set_tls(struct http_server *s, struct key *key,
    const struct view *chain, size_t n, struct err *e);
/* Stops accepting, finishes running calls (at most grace_ms), joins. */
void http_server_stop(struct http_server *s, int grace_ms);
void http_server_free(struct http_server *s);
OWNED(http_server)

struct http_stats {
	uint64_t requests, bytes_out, refused_connections, cut_deadline,
	    tls_handshakes, tls_failures;
	uint64_t connections; /* open now */
	uint64_t busy[HTTP_CLASSES];
};
/* Counters since the start. */
void http_server_stats(struct http_server *s, struct http_stats *out);

/* Sessions (cookie JSESSIONID; HttpOnly, Secure on TLS, SameSite=Lax): made by
 * log-in, dropped by log-out or after 30 idle minutes, bounded in number. The
 * owner keeps its data in a void pointer with a destructor. */
struct http_session *http_session_new(
    struct http_call *c, void *data, void (*free_data)(void *));
void http_session_end(struct http_call *c);
void *http_session_data(struct http_session *s);
/* Holds the session's lock around changes of its data. */
void http_session_lock(struct http_session *s);
void http_session_unlock(struct http_session *s);

#endif
