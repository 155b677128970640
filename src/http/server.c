/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - the server's life: parameters, net threads, pools, start and stop.
 * Owns:    everything that hangs on struct http_server.
 * Trusts:  its parameters.
 * Threads: new, add, start, stop and free from one thread; set_tls and stats
 *          from any. Lock order: tls_lock and done_lock are leaves. */
#include "http/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <openssl/ssl.h>

#include "http/conn.h"
#include "http/listen.h"
#include "http/tls.h"

enum {
	REQUEST_TIMEOUT_MS = 20000,
	IDLE_TIMEOUT_MS = 60000,
	HANDSHAKE_TIMEOUT_MS = 10000,
	STOP_ARRIVE_MS = 500, /* for what is on its way when a stop begins */
	TICK_MAX_MS = 250,
	TICK_MIN_MS = 10,
	QUEUE_MAX = 1000, /* waiting calls of a pool class */
	FREE_CALLS_MAX = 64,
	NET_THREADS_MAX = 64,
	THREADS_MAX = 256
};

static const struct {
	const char *name;
	size_t threads;
} classes[HTTP_CLASSES] = {
	[HTTP_INLINE] = { NULL, 0 },
	[HTTP_ISSUE] = { "http-issue", HTTP_ISSUE_THREADS },
	[HTTP_READ] = { "http-read", 4 },
	[HTTP_OCSP] = { "http-ocsp", 4 },
	[HTTP_ADMIN] = { "http-admin", 4 },
};

int64_t
net_now_ms(const struct net *n)
{
	return clock_mono_ms(n->s->p.clock);
}

const char *
net_date(struct net *n)
{
	int64_t now = clock_now(n->s->p.clock);

	if (now != n->date_s) {
		call_date(n->date, now);
		n->date_s = now;
	}
	return n->date;
}

struct call *
net_call_get(struct net *n)
{
	struct call *k = n->free_calls;

	if (k == NULL)
		return call_new(&n->s->env);
	n->free_calls = k->next;
	n->n_free_calls--;
	k->next = NULL;
	return k;
}

void
net_call_put(struct net *n, struct call *k)
{
	if (n->n_free_calls >= FREE_CALLS_MAX) {
		call_free(k);
		return;
	}
	call_reset(k);
	k->next = n->free_calls;
	n->free_calls = k;
	n->n_free_calls++;
}

SSL *
net_ssl(struct net *n)
{
	LOCKED(&n->s->tls_lock);

	return n->s->ctx != NULL ? SSL_new(n->s->ctx) : NULL;
}

static void
wake(const struct net *n)
{
	uint64_t one = 1;

	while (write(n->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* On a worker: run the handler, hand the call back to its net thread. */
static void
work(void *arg)
{
	struct call *k = arg;
	struct net *n = k->conn->net;
	bool first;

	/* Whoever waited this long has probably gone, and after a stop surely. */
	if (atomic_load(&n->s->abandoned) ||
	    net_now_ms(n) - k->queued_ms > n->s->p.request_timeout_ms)
		call_error(k, 503, "too busy");
	else if (k->deferred != NULL)
		call_resume(k);
	else
		call_run(k);
	{
		LOCKED(&n->done_lock);

		first = n->done == NULL;
		k->next = n->done;
		n->done = k;
		/* Under the lock: once it is free the net thread may end. */
		if (first)
			wake(n);
	}
}

enum rc
net_dispatch(struct net *n, struct call *k)
{
	k->queued_ms = net_now_ms(n);
	return pool_run(
	    n->s->pools[k->deferred != NULL ? k->defer_cls : k->route->r.cls],
	    work, k);
}

/* Finished calls, oldest first. */
static struct call *
take_done(struct net *n)
{
	struct call *k, *in_order = NULL;

	{
		LOCKED(&n->done_lock);

		k = n->done;
		n->done = NULL;
	}
	while (k != NULL) {
		struct call *next = k->next;

		k->next = in_order;
		in_order = k;
		k = next;
	}
	return in_order;
}

static void
resume_done(struct net *n)
{
	struct call *k = take_done(n);

	while (k != NULL) {
		struct call *next = k->next;

		k->next = NULL;
		conn_resume(k);
		k = next;
	}
}

static void
check_stop(struct net *n)
{
	bool over;

	if (!atomic_load(&n->s->stopping))
		return;
	if (!n->stopping) {
		n->stopping = true;
		n->stop_ms = net_now_ms(n) + atomic_load(&n->s->grace_ms);
		n->arrive_ms = net_now_ms(n) + STOP_ARRIVE_MS;
		listeners_close(n);
	}
	over = net_now_ms(n) >= n->stop_ms;
	conns_sweep(n, over);
	if (over || LIST_EMPTY(&n->conns))
		event_base_loopbreak(n->base);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct net *n = arg;
	uint64_t v;

	(void)what;
	if (read(fd, &v, sizeof(v)) < 0 && errno != EAGAIN)
		return;
	resume_done(n);
	check_stop(n);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct net *n = arg;

	(void)fd;
	(void)what;
	conns_sweep(n, false);
	listeners_resume(n);
	if (n == n->s->nets)
		sessions_sweep(n->s->sessions);
	check_stop(n);
}

static int
min_int(int a, int b)
{
	return a < b ? a : b;
}

/* Fine enough for the shortest deadline. */
static struct timeval
tick_of(const struct http_server_params *p)
{
	int ms = min_int(p->request_timeout_ms,
	    min_int(p->idle_timeout_ms, p->handshake_timeout_ms));

	ms = min_int(ms / 8, TICK_MAX_MS);
	if (ms < TICK_MIN_MS)
		ms = TICK_MIN_MS;
	return (struct timeval){ .tv_usec = ms * 1000 };
}

static enum rc
net_init(struct net *n, struct http_server *s, struct err *e)
{
	struct event_config *cfg = event_config_new();
	struct timeval tick = tick_of(&s->p);

	n->s = s;
	LIST_INIT(&n->conns);
	pthread_mutex_init(&n->done_lock, NULL);
	n->date_s = -1;
	n->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (cfg != NULL) {
		event_config_set_flag(cfg,
		    EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST |
			EVENT_BASE_FLAG_NOLOCK);
		n->base = event_base_new_with_config(cfg);
		event_config_free(cfg);
	}
	if (n->base == NULL || n->wake_fd < 0)
		return err_set(e, RC_NOMEM, "server: no event loop");
	if (event_assign(&n->wake_ev, n->base, n->wake_fd, EV_READ | EV_PERSIST,
		on_wake, n) != 0 ||
	    event_assign(&n->tick_ev, n->base, -1, EV_PERSIST, on_tick, n) !=
		0 ||
	    event_add(&n->wake_ev, NULL) != 0 ||
	    event_add(&n->tick_ev, &tick) != 0)
		return err_set(e, RC_NOMEM, "server: no event loop");
	return RC_OK;
}

/* After its thread and all workers have ended. */
static void
net_done(struct net *n)
{
	if (n->s == NULL)
		return;
	resume_done(n);
	conns_sweep(n, true);
	listeners_close(n);
	free(n->listeners);
	while (n->free_calls != NULL) {
		struct call *k = n->free_calls;

		n->free_calls = k->next;
		call_free(k);
	}
	if (n->base != NULL) {
		if (event_initialized(&n->wake_ev))
			event_del(&n->wake_ev);
		if (event_initialized(&n->tick_ev))
			event_del(&n->tick_ev);
		event_base_free(n->base);
	}
	if (n->wake_fd >= 0)
		close(n->wake_fd);
	pthread_mutex_destroy(&n->done_lock);
	*n = (struct net){ 0 };
}

static void *
net_main(void *arg)
{
	struct net *n = arg;
	sigset_t all;

	/* SIGPIPE too: OpenSSL writes without MSG_NOSIGNAL. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	event_base_dispatch(n->base);
	return NULL;
}

static enum rc
check_params(const struct http_server_params *p, struct err *e)
{
	bool tls = false;

	for (size_t i = 0; i < p->n_listen; i++) {
		tls = tls || p->listen[i].tls;
		if (p->listen[i].port < 0 || p->listen[i].port > 65535)
			return err_set(e, RC_INVALID, "server: port %d",
			    p->listen[i].port);
	}
	if (p->n_listen == 0)
		return err_set(e, RC_INVALID, "server: nothing to listen on");
	if (tls && (p->key == NULL || p->n_chain == 0))
		return err_set(
		    e, RC_INVALID, "server: a TLS port without certificate");
	if (p->net_threads > NET_THREADS_MAX)
		return err_set(e, RC_INVALID, "server: too many threads");
	for (size_t i = 0; i < HTTP_CLASSES; i++)
		if (p->threads[i] > THREADS_MAX)
			return err_set(
			    e, RC_INVALID, "server: too many threads");
	return RC_OK;
}

static void
set_defaults(struct http_server_params *p)
{
	if (p->net_threads == 0)
		p->net_threads = 1;
	if (p->request_timeout_ms <= 0)
		p->request_timeout_ms = REQUEST_TIMEOUT_MS;
	if (p->idle_timeout_ms <= 0)
		p->idle_timeout_ms = IDLE_TIMEOUT_MS;
	if (p->handshake_timeout_ms <= 0)
		p->handshake_timeout_ms = HANDSHAKE_TIMEOUT_MS;
	if (p->clock == NULL)
		p->clock = &clock_system;
	for (size_t i = 0; i < HTTP_CLASSES; i++)
		if (p->threads[i] == 0)
			p->threads[i] = classes[i].threads;
}

/* Copies of what the caller's parameters point to, for later contexts. */
static enum rc
copy_params(
    struct http_server *s, const struct http_server_params *p, struct err *e)
{
	s->listen = calloc(p->n_listen, sizeof(*s->listen));
	s->ports = calloc(p->n_listen, sizeof(*s->ports));
	s->client_cas = calloc(p->n_client_cas + 1, sizeof(*s->client_cas));
	if (s->listen == NULL || s->ports == NULL || s->client_cas == NULL)
		return err_set(e, RC_NOMEM, "server: out of memory");
	s->p.listen = s->listen;
	s->p.client_cas = s->client_cas;
	for (size_t i = 0; i < p->n_listen; i++) {
		const char *a = p->listen[i].address;

		s->listen[i] = p->listen[i];
		s->listen[i].address = strdup(a != NULL ? a : "");
		if (s->listen[i].address == NULL)
			return err_set(e, RC_NOMEM, "server: out of memory");
	}
	for (size_t i = 0; i < p->n_client_cas; i++) {
		uint8_t *der = malloc(p->client_cas[i].len + 1);

		if (der == NULL)
			return err_set(e, RC_NOMEM, "server: out of memory");
		memcpy(der, p->client_cas[i].data, p->client_cas[i].len);
		s->client_cas[i] = view_of(der, p->client_cas[i].len);
	}
	return RC_OK;
}

enum rc
http_server_new(
    struct http_server **out, const struct http_server_params *p, struct err *e)
{
	AUTO(http_server) s = NULL;
	enum rc rc = check_params(p, e);

	if (rc != RC_OK)
		return rc;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_set(e, RC_NOMEM, "server: out of memory");
	pthread_mutex_init(&s->tls_lock, NULL);
	s->p = *p;
	set_defaults(&s->p);
	rc = copy_params(s, p, e);
	if (rc != RC_OK)
		return rc;
	s->routes = routes_new();
	s->sessions = sessions_new(s->p.clock, 0, 0);
	s->addrs =
	    addrs_new(HTTP_CONNECTIONS_MAX, HTTP_CONNECTIONS_PER_ADDRESS_MAX);
	s->nets = calloc(s->p.net_threads, sizeof(*s->nets));
	if (s->routes == NULL || s->sessions == NULL || s->addrs == NULL ||
	    s->nets == NULL)
		return err_set(e, RC_NOMEM, "server: out of memory");
	s->env = (struct call_env){ .params = &s->p, .sessions = s->sessions };
	if (p->key != NULL)
		rc = http_server_set_tls(s, p->key, p->chain, p->n_chain, e);
	s->p.key = NULL;
	s->p.chain = NULL;
	s->p.n_chain = 0;
	if (rc != RC_OK)
		return rc;
	*out = http_server_steal(&s);
	return RC_OK;
}

enum rc
http_server_add(struct http_server *s, const struct http_route *routes,
    size_t n, void *arg, struct err *e)
{
	struct routes *t = s->routes;

	if (s->started) {
		if (s->staged == NULL)
			s->staged = routes_new();
		if ((t = s->staged) == NULL)
			return err_set(e, RC_NOMEM, "server: out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		enum rc rc = routes_add(t, &routes[i], arg, e);

		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

void
http_server_publish(struct http_server *s)
{
	if (s->staged == NULL)
		return;
	routes_join(s->staged, s->routes);
	s->routes = s->staged;
	s->staged = NULL;
}

void
http_server_discard(struct http_server *s)
{
	routes_free(s->staged);
	s->staged = NULL;
}

enum rc
http_server_set_tls(struct http_server *s, struct key *key,
    const struct view *chain, size_t n, struct err *e)
{
	SSL_CTX *ctx = NULL, *old;
	enum rc rc;

	rc = tls_ctx_new(&ctx, key, chain, n, s->p.client_cas,
	    s->p.n_client_cas, s->p.clock, e);
	if (rc != RC_OK)
		return err_prefix(e, "server");
	{
		LOCKED(&s->tls_lock);

		old = s->ctx;
		s->ctx = ctx;
	}
	/* Open connections hold their own references. */
	SSL_CTX_free(old);
	return RC_OK;
}

static enum rc
start_threads(struct http_server *s, struct err *e)
{
	for (size_t i = 0; i < HTTP_CLASSES; i++) {
		enum rc rc = RC_OK;

		if (classes[i].name != NULL)
			rc = pool_new(&s->pools[i], classes[i].name,
			    s->p.threads[i], QUEUE_MAX, e);
		if (rc != RC_OK)
			return rc;
	}
	for (size_t i = 0; i < s->n_nets; i++) {
		enum rc rc = thread_start(
		    &s->nets[i].thread, "http-net", net_main, &s->nets[i], e);

		if (rc != RC_OK)
			return rc;
		s->nets[i].running = true;
	}
	return RC_OK;
}

enum rc
http_server_start(struct http_server *s, struct err *e)
{
	enum rc rc = RC_OK;

	if (s->started)
		return err_set(e, RC_INVALID, "server: started already");
	s->started = true;
	for (size_t i = 0; i < s->p.net_threads && rc == RC_OK; i++) {
		s->n_nets = i + 1;
		rc = net_init(&s->nets[i], s, e);
		if (rc == RC_OK)
			rc = listeners_open(&s->nets[i], e);
	}
	for (size_t i = s->p.n_listen; i-- > 0;)
		if (s->p.listen[i].tls)
			s->env.tls_port = s->ports[i];
	if (rc == RC_OK)
		rc = start_threads(s, e);
	if (rc != RC_OK)
		http_server_stop(s, 0);
	return rc;
}

int
http_server_port(const struct http_server *s, size_t i)
{
	return i < s->p.n_listen ? s->ports[i] : 0;
}

void
http_server_stop(struct http_server *s, int grace_ms)
{
	if (!s->started)
		return;
	atomic_store(&s->grace_ms, grace_ms);
	atomic_store(&s->stopping, true);
	for (size_t i = 0; i < s->n_nets; i++)
		if (s->nets[i].running)
			wake(&s->nets[i]);
	for (size_t i = 0; i < s->n_nets; i++)
		if (s->nets[i].running) {
			pthread_join(s->nets[i].thread, NULL);
			s->nets[i].running = false;
		}
	atomic_store(&s->abandoned, true);
	for (size_t i = 0; i < HTTP_CLASSES; i++) {
		pool_free(s->pools[i]);
		s->pools[i] = NULL;
	}
	for (size_t i = 0; i < s->n_nets; i++)
		net_done(&s->nets[i]);
	s->n_nets = 0;
	s->started = false;
}

void
http_server_free(struct http_server *s)
{
	if (s == NULL)
		return;
	http_server_stop(s, 0);
	for (size_t i = 0; s->listen != NULL && i < s->p.n_listen; i++)
		free((void *)(uintptr_t)s->listen[i].address);
	for (size_t i = 0; s->client_cas != NULL && i < s->p.n_client_cas; i++)
		free((void *)(uintptr_t)s->client_cas[i].data);
	free(s->listen);
	free(s->client_cas);
	free(s->ports);
	free(s->nets);
	routes_free(s->staged);
	routes_free(s->routes);
	sessions_free(s->sessions);
	addrs_free(s->addrs);
	SSL_CTX_free(s->ctx);
	pthread_mutex_destroy(&s->tls_lock);
	free(s);
}

static uint64_t
get(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

void
http_server_stats(struct http_server *s, struct http_stats *out)
{
	*out = (struct http_stats){ 0 };
	for (size_t i = 0; i < s->n_nets; i++) {
		const struct net *n = &s->nets[i];

		out->requests += get(&n->requests);
		out->bytes_out += get(&n->bytes_out);
		out->refused_connections += get(&n->refused);
		out->cut_deadline += get(&n->cut);
		out->tls_handshakes += get(&n->handshakes);
		out->tls_failures += get(&n->tls_failures);
		out->connections += get(&n->open);
	}
	for (size_t i = 0; i < HTTP_CLASSES; i++)
		if (s->pools[i] != NULL)
			out->busy[i] = pool_busy(s->pools[i]);
}
