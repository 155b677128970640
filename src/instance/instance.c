/* SPDX-License-Identifier: Apache-2.0 */
/* instance.c - start and stop a running instance.
 * Owns:    every long-lived part: keystore, stores, server, control, timer.
 * Trusts:  its configuration files as far as their readers checked them.
 * Threads: instance_start and instance_stop on one thread; the timer thread
 *          calls the subsystems' ticks; accessors from any thread. */
#include "instance/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "instance/audit.h"
#include "instance/chain.h"
#include "instance/control.h"
#include "instance/dbconf.h"
#include "instance/highwater.h"
#include "instance/instance_http.h"
#include "instance/password.h"
#include "keys/roots.h"

enum {
	CLASSES_MAX = 8,
	SUBSYSTEMS_MAX = 8,
	CHAIN_MAX = 8, /* issuers sent with the TLS certificate */
	TICK_MAX_MS = 60000,
	WAIT_RETRY_MS = 1000,
	SOON_MS = 50,
};

struct instance {
	struct instance_paths *paths;
	const struct clock *clock;
	struct cfg *server_cfg, *passwords;
	struct err no_pin; /* a token that was opened without a PIN */
	void (*give_up)(const struct err *why);
	bool gave_up; /* timer thread */
	struct keystore *keystore;
	struct subsystem subs[SUBSYSTEMS_MAX];
	size_t n_subs, n_disabled;
	struct http_server *http;
	struct instance_http *pages;
	struct control *control;
	int lock_fd;
	int64_t http_port, https_port;
	char *host;
	/* timer */
	pthread_t timer;
	bool timer_runs;
	pthread_mutex_t lock; /* all below, why subsystems wait */
	pthread_cond_t wake;
	bool stopping, woken, soon;
	struct timespec soon_at; /* when soon */
};

static const struct subsystem_class *classes[CLASSES_MAX];
static size_t n_classes;

void
subsystem_register(const struct subsystem_class *cls)
{
	if (n_classes < CLASSES_MAX)
		classes[n_classes++] = cls;
}

const struct instance_paths *
instance_paths(struct instance *i)
{
	return i->paths;
}

const struct clock *
instance_clock(struct instance *i)
{
	return i->clock;
}

struct keystore *
instance_keystore(struct instance *i)
{
	return i->keystore;
}

struct http_server *
instance_http(struct instance *i)
{
	return i->http;
}

const struct cfg *
instance_server_cfg(struct instance *i)
{
	return i->server_cfg;
}

const char *
instance_host(struct instance *i)
{
	return i->host;
}

int
instance_http_port(struct instance *i)
{
	return (int)i->http_port;
}

int
instance_https_port(struct instance *i)
{
	return (int)i->https_port;
}

struct subsystem *
instance_subsystem(struct instance *i, const char *name)
{
	for (size_t k = 0; k < i->n_subs; k++) {
		if (strcmp(i->subs[k].name, name) == 0)
			return &i->subs[k];
	}
	return NULL;
}

struct subsystem *
instance_subsystem_at(struct instance *i, size_t k)
{
	return k < i->n_subs ? &i->subs[k] : NULL;
}

struct secret *
instance_password(struct instance *i, const char *name)
{
	struct secret *s;

	return password_find(&s, i->passwords, i->paths->name, name, NULL) ==
		RC_OK
	    ? s
	    : NULL;
}

static struct secret *
token_pin(void *arg, const char *token)
{
	struct instance *i = arg;
	struct err e = { RC_OK, "" };
	struct secret *s;

	if (password_token(&s, i->passwords, i->paths->name, token, &e) ==
	    RC_OK)
		return s;
	/* the database's own counts for more than a stranger's token */
	if (token[0] != '\0' &&
	    (i->no_pin.rc == RC_OK || strcmp(token, "internal") == 0))
		i->no_pin = e;
	return NULL;
}

/* One pkid, or one offline tool, an instance at a time. */
static enum rc
take_lock(struct instance *i, struct err *e)
{
	AUTO_STR dir = strdup(i->paths->lock);
	char *slash = dir != NULL ? strrchr(dir, '/') : NULL;
	enum rc rc;

	if (slash == NULL)
		return err_set(e, RC_NOMEM, "instance lock");
	*slash = '\0';
	if ((rc = file_mkdirs(dir, 0755, e)) != RC_OK)
		return rc;
	i->lock_fd = open(i->paths->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (i->lock_fd < 0)
		return err_errno(e, "instance lock %s", i->paths->lock);
	if (flock(i->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, RC_CONFLICT,
		    "instance %s is running already, or a command works on it "
		    "(%s is locked)",
		    i->paths->name, i->paths->lock);
	return RC_OK;
}

/* log.level of server.cfg, unless pkid runs with --debug. */
static enum rc
set_log_level(struct instance *i, struct err *e)
{
	const char *name = cfg_get(i->server_cfg, "log.level");
	enum log_level level;

	if (name == NULL || log_on(LOG_LEVEL_DEBUG))
		return RC_OK;
	if (!log_level_of(&level, name))
		return err_set(e, RC_INVALID,
		    "%s: log.level=%.32s: error, warning, info or debug",
		    i->paths->server, name);
	log_set_level(level);
	return RC_OK;
}

static enum rc
load_settings(struct instance *i, struct err *e)
{
	char name[256] = "localhost";
	enum rc rc;

	if (!file_exists(i->paths->conf))
		return err_set(e, RC_NOTFOUND,
		    "Invalid instance: %s (no %s); pkispawn makes one",
		    i->paths->name, i->paths->conf);
	i->server_cfg = cfg_new();
	i->passwords = cfg_new();
	if (i->server_cfg == NULL || i->passwords == NULL)
		return err_set(e, RC_NOMEM, "settings");
	if ((rc = cfg_load(i->server_cfg, i->paths->server, e)) != RC_OK)
		return rc;
	if (file_exists(i->paths->password) &&
	    (rc = cfg_load(i->passwords, i->paths->password, e)) != RC_OK)
		return rc;
	if ((rc = cfg_int(i->server_cfg, &i->http_port, "http.port", 0, 65535,
		 8080, e)) != RC_OK ||
	    (rc = cfg_int(i->server_cfg, &i->https_port, "https.port", 0, 65535,
		 8443, e)) != RC_OK)
		return err_prefix(e, "%s", i->paths->server);
	if ((rc = set_log_level(i, e)) != RC_OK)
		return rc;
	if (gethostname(name, sizeof(name) - 1) != 0)
		log_warning("instance", "no host name, continuing as %s", name);
	i->host = strdup(cfg_str(i->server_cfg, "host", name));
	return i->host != NULL ? RC_OK : err_set(e, RC_NOMEM, "settings");
}

static enum rc
open_keys(struct instance *i, struct err *e)
{
	struct keystore_module modules[8];
	size_t n = 0;
	enum rc rc;
	const struct cfg *c = i->server_cfg;
	struct keystore_open_params p = { .dir = i->paths->alias,
		.sign_in_token = cfg_bool(c, "sign_in_token", false),
		.modules = modules,
		.pin = token_pin,
		.pin_arg = i };

	/* module.<name>=<library> */
	for (size_t k = cfg_lower(c, "module."); k < cfg_count(c) && n < 8;
	     k++) {
		struct cfg_item x = cfg_at(c, k);
		if (!text_starts(x.name, "module."))
			break;
		modules[n++] = (struct keystore_module){ x.name + 7, x.value };
	}
	p.n_modules = n;
	rc = keystore_open(&i->keystore, &p, e);
	return rc == RC_AUTH ? err_prefix(e, "%s", i->paths->password) : rc;
}

static enum rc
new_server(struct instance *i, struct err *e)
{
	AUTO(key) key = NULL;
	AUTO(roots) roots = NULL;
	AUTO_BUF cert = buf_empty(0);
	AUTO(arena) arena = arena_new(0);
	struct view chain[1 + CHAIN_MAX];
	const char *nick =
	    cfg_str(i->server_cfg, "sslserver.nickname", "Server-Cert");
	const char *address = cfg_str(i->server_cfg, "address", "");
	struct http_listen listen[2];
	struct http_server_params p = { .listen = listen, .clock = i->clock };
	int64_t threads;
	enum rc rc;

	rc = keystore_find_pair(i->keystore, &key, &cert, nick, e);
	if (rc != RC_OK)
		return err_prefix(e, "TLS server certificate \"%s\"", nick);
	if ((rc = cfg_int(
		 i->server_cfg, &threads, "net.threads", 1, 64, 1, e)) != RC_OK)
		return rc;
	/* client certificates come from any issuer that is trusted for TLS */
	if ((rc = roots_load(&roots, i->keystore, "TC", e)) != RC_OK)
		return rc;
	chain[0] = buf_view(&cert);
	rc = arena == NULL ? err_set(e, RC_NOMEM, "TLS server")
			   : chain_issuers(i->keystore, chain[0], chain + 1,
				 CHAIN_MAX, &p.n_chain, arena, e);
	if (rc != RC_OK)
		return rc;
	p.key = key;
	p.chain = chain;
	p.n_chain++;
	p.client_cas = roots->items;
	p.n_client_cas = roots->n;
	p.net_threads = (size_t)threads;
	if (i->http_port > 0)
		listen[p.n_listen++] =
		    (struct http_listen){ address, (int)i->http_port, false };
	if (i->https_port > 0)
		listen[p.n_listen++] =
		    (struct http_listen){ address, (int)i->https_port, true };
	instance_http_hooks(i->pages, &p);
	return http_server_new(&i->http, &p, e);
}

static enum rc
open_audit(struct instance *i, struct subsystem *s, struct err *e)
{
	AUTO_STR logs = paths_logs(i->paths, s->name);
	AUTO_BUF path = buf_empty(4096);
	enum rc rc;

	if (logs == NULL)
		return err_set(e, RC_NOMEM, "audit log");
	buf_addf(&path, "%s/signedAudit", logs);
	if ((rc = file_mkdirs(buf_cstr(&path), 0770, e)) != RC_OK)
		return rc;
	if (strcmp(s->name, "ca") == 0)
		buf_add_str(&path, "/ca_audit");
	else
		buf_addf(&path, "/%s_cert-%s_audit", s->name, s->name);
	if ((rc = buf_check(&path, e)) != RC_OK)
		return rc;
	return audit_open(
	    &s->audit, s->cfg, buf_cstr(&path), i->keystore, i->clock, e);
}

static enum rc
open_highwater(struct instance *i, struct subsystem *s, struct err *e)
{
	enum rc rc = highwater_open(&s->highwater, i->paths, s->name, e);

	return rc == RC_OK
	    ? highwater_bind(s->highwater, s->store,
		  !dbconf_is_directory(s->cfg), i->host, i->clock, e)
	    : rc;
}

/* <sub>.enabled of server.cfg: pki-server subsystem-disable. */
static bool
subsystem_enabled(const struct instance *i, const char *name)
{
	const char *v = cfg_getf(i->server_cfg, "%s.enabled", name);

	return v == NULL || text_bool(v);
}

bool
subsystem_is_open(const struct subsystem *s)
{
	return s->open;
}

void
subsystem_waits_for(struct subsystem *s, char *out, size_t size)
{
	LOCKED(&s->instance->lock);

	(void)snprintf(out, size, "%s waits for its directory: %s", s->name,
	    s->waiting.text);
}

static void
close_subsystem(struct subsystem *s)
{
	audit_free(s->audit);
	highwater_free(s->highwater);
	store_free(s->store);
	s->audit = NULL;
	s->highwater = NULL;
	s->store = NULL;
}

static enum rc
open_subsystem(struct instance *i, struct subsystem *s, struct err *e)
{
	enum rc rc;

	if ((rc = dbconf_open_store(&s->store, s->cfg, i->passwords, i->paths,
		 s->name, i->keystore, i->clock, e)) == RC_OK &&
	    (rc = open_highwater(i, s, e)) == RC_OK &&
	    (rc = open_audit(i, s, e)) == RC_OK)
		rc = s->cls->start(s, e);
	if (rc == RC_OK)
		s->open = true;
	else
		close_subsystem(s);
	return rc;
}

/* A directory that is away now may come. */
static bool
may_wait(const struct subsystem *s, enum rc rc)
{
	return (rc == RC_UNAVAILABLE || rc == RC_TIMEOUT) &&
	    s->cls->wait != NULL && dbconf_is_directory(s->cfg);
}

static void
note_waiting(struct instance *i, struct subsystem *s, const struct err *e)
{
	bool same;

	pthread_mutex_lock(&i->lock);
	same = strcmp(s->waiting.text, e->text) == 0;
	s->waiting = *e;
	pthread_mutex_unlock(&i->lock);
	if (!same)
		log_warning("instance",
		    "subsystem=%s waits for its directory, continuing: %s",
		    s->name, e->text);
}

/* On the timer: next try of one whose directory was away; ms until the one
 * after that. */
static int64_t
try_again(struct instance *i, struct subsystem *s)
{
	struct err e = { RC_OK, "" };
	int64_t now = clock_mono_ms(i->clock);

	if (now < s->next_try_ms)
		return s->next_try_ms - now;
	if (open_subsystem(i, s, &e) == RC_OK) {
		http_server_publish(i->http);
		log_info("instance", "subsystem=%s serves", s->name);
		return 0;
	}
	http_server_discard(i->http);
	note_waiting(i, s, &e);
	s->next_try_ms = clock_mono_ms(i->clock) + WAIT_RETRY_MS;
	return WAIT_RETRY_MS;
}

static enum rc
start_subsystem(
    struct instance *i, const struct subsystem_class *cls, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(i->paths, cls->name);
	struct subsystem *s = &i->subs[i->n_subs];
	struct err why = { RC_OK, "" };
	enum rc rc;

	if (path == NULL)
		return err_set(e, RC_NOMEM, "subsystem");
	if (!file_exists(path))
		return RC_OK;
	if (!subsystem_enabled(i, cls->name)) {
		log_info("instance", "subsystem=%s disabled", cls->name);
		i->n_disabled++;
		return RC_OK;
	}
	*s = (struct subsystem){
		.name = cls->name, .type = cls->type, .instance = i, .cls = cls
	};
	i->n_subs++;
	s->cfg = cfg_new();
	if (s->cfg == NULL)
		return err_set(e, RC_NOMEM, "subsystem");
	if ((rc = cfg_load(s->cfg, path, e)) != RC_OK)
		return rc;
	if (!cfg_bool(s->cfg, "cs.state", false))
		return err_set(e, RC_INVALID,
		    "%s: cs.state is not 1: the installation did not end; "
		    "remove it with pkidestroy and run pkispawn again",
		    path);
	if ((rc = open_subsystem(i, s, &why)) == RC_OK)
		return RC_OK;
	if (may_wait(s, rc)) {
		note_waiting(i, s, &why);
		return cls->wait(s, e);
	}
	return err_set(e, rc, "%s: %s", cls->name, why.text);
}

/* Wakes the timer early (a command asks for work). */
void
instance_wake(struct instance *i)
{
	LOCKED(&i->lock);

	i->woken = true;
	pthread_cond_signal(&i->wake);
}

void
instance_wake_soon(struct instance *i)
{
	LOCKED(&i->lock);

	if (i->soon)
		return;
	i->soon = true;
	i->soon_at = thread_deadline(CLOCK_MONOTONIC, SOON_MS * 1000);
	pthread_cond_signal(&i->wake);
}

/* Until the time, or what woke it before; false when the instance stops. */
static bool
timer_sleep(struct instance *i, struct timespec until)
{
	LOCKED(&i->lock);
	int r = 0;

	while (r == 0 && !i->stopping && !i->woken) {
		if (i->soon &&
		    (i->soon_at.tv_sec < until.tv_sec ||
			(i->soon_at.tv_sec == until.tv_sec &&
			    i->soon_at.tv_nsec < until.tv_nsec)))
			until = i->soon_at;
		r = pthread_cond_timedwait(&i->wake, &i->lock, &until);
	}
	i->woken = i->soon = false;
	return !i->stopping;
}

/* The documented stop; changes that were answered have their lines in the
 * journal, from where the next start writes them. */
static void
audit_lost(struct instance *i, const struct err *why)
{
	struct err e = *why;

	if (i->gave_up)
		return;
	i->gave_up = true;
	rc_ignore(err_prefix(&e,
	    "the server stops, as nothing may happen unrecorded; mend this and "
	    "start it again")); /* the rc stays */
	if (i->give_up != NULL)
		i->give_up(&e);
	else
		log_error("audit", "%s", e.text);
}

/* What is due in a subsystem; returns the time until it is to be asked again. */
static int64_t
tick(struct instance *i, struct subsystem *s, int64_t now)
{
	int64_t next = TICK_MAX_MS, ms;
	struct err e = { RC_OK, "" };

	if (!s->open)
		return try_again(i, s);
	if (s->cls->tick != NULL)
		next = s->cls->tick(s, now);
	ms = audit_flush_interval_ms(s->audit);
	if (audit_flush(s->audit, &e) != RC_OK)
		audit_lost(i, &e);
	return ms > 0 && ms < next ? ms : next;
}

static void *
run_timer(void *arg)
{
	struct instance *i = arg;
	int64_t next;

	do {
		int64_t now = clock_now_ms(i->clock);

		next = TICK_MAX_MS;
		for (size_t k = 0; k < i->n_subs; k++) {
			int64_t ms = tick(i, &i->subs[k], now);
			next = ms < next ? ms : next;
		}
	} while (timer_sleep(i, thread_deadline(CLOCK_MONOTONIC, next * 1000)));
	return NULL;
}

static enum rc
control_command(void *arg, const char *command, struct view args,
    struct buf *out, struct err *e)
{
	struct instance *i = arg;
	const char *dot = strchr(command, '.');

	if (strcmp(command, "ping") == 0) {
		buf_add_str(out, "\"pong\"");
		return RC_OK;
	}
	for (size_t k = 0; dot != NULL && k < i->n_subs; k++) {
		struct subsystem *s = &i->subs[k];
		size_t n = strlen(s->name);
		if (strncmp(command, s->name, n) != 0 || command + n != dot ||
		    s->cls->control == NULL)
			continue;
		if (!s->open) {
			char why[ERR_TEXT_MAX];
			subsystem_waits_for(s, why, sizeof(why));
			return err_set(e, RC_UNAVAILABLE, "%s", why);
		}
		return s->cls->control(s, dot + 1, args, out, e);
	}
	return err_set(e, RC_UNSUPPORTED, "unknown command %.64s", command);
}

static enum rc
start_parts(struct instance *i, const struct instance_params *p, struct err *e)
{
	enum rc rc;

	if ((rc = instance_paths_new(&i->paths, p->name, e)) != RC_OK ||
	    (rc = load_settings(i, e)) != RC_OK ||
	    (rc = take_lock(i, e)) != RC_OK ||
	    (rc = open_keys(i, e)) != RC_OK ||
	    (rc = instance_http_new(&i->pages, i, e)) != RC_OK ||
	    (rc = new_server(i, e)) != RC_OK ||
	    (rc = instance_http_routes(i->pages, e)) != RC_OK)
		return rc;
	for (size_t k = 0; k < n_classes; k++) {
		if ((rc = start_subsystem(i, classes[k], e)) != RC_OK)
			return rc;
	}
	if (i->n_subs + i->n_disabled == 0)
		return err_set(e, RC_NOTFOUND,
		    "instance %s has no subsystem; pkispawn -s CA makes one",
		    p->name);
	i->give_up = p->give_up;
	if (!p->no_listen && (rc = http_server_start(i->http, e)) != RC_OK)
		return rc;
	rc = thread_start(&i->timer, "timer", run_timer, i, e);
	if (rc != RC_OK)
		return rc;
	i->timer_runs = true;
	if (p->no_listen)
		return RC_OK;
	return control_start(
	    &i->control, i->paths->control, control_command, i, e);
}

/* A key that was not found may be on a token that could not be opened; one
 * without a password needs none, so this is told only now. */
static void
explain(const struct instance *i, struct err *e)
{
	struct err first;

	if (e == NULL || i->no_pin.rc == RC_OK)
		return;
	first = *e;
	rc_ignore(err_set(e, first.rc, "%.150s; %s", first.text,
	    i->no_pin.text)); /* the caller has the code */
}

static struct instance *
new_empty(const struct instance_params *p)
{
	struct instance *i = calloc(1, sizeof(*i));
	pthread_condattr_t attr;

	if (i == NULL)
		return NULL;
	i->clock = p->clock;
	i->lock_fd = -1;
	pthread_mutex_init(&i->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&i->wake, &attr);
	pthread_condattr_destroy(&attr);
	return i;
}

enum rc
instance_new_bare(struct instance **out, const struct instance_params *p,
    const char *host, struct err *e)
{
	struct instance *i = new_empty(p);
	enum rc rc;

	if (i == NULL)
		return err_set(e, RC_NOMEM, "instance");
	rc = instance_paths_new(&i->paths, p->name, e);
	if (rc == RC_OK && (i->host = strdup(host)) == NULL)
		rc = err_set(e, RC_NOMEM, "instance");
	if (rc != RC_OK) {
		instance_stop(i, 0);
		return rc;
	}
	*out = i;
	return RC_OK;
}

enum rc
instance_start(
    struct instance **out, const struct instance_params *p, struct err *e)
{
	struct instance *i = new_empty(p);
	enum rc rc;

	if (i == NULL)
		return err_set(e, RC_NOMEM, "instance");
	rc = start_parts(i, p, e);
	if (rc != RC_OK) {
		explain(i, e);
		instance_stop(i, 0);
		return rc;
	}
	*out = i;
	return RC_OK;
}

void
instance_stop(struct instance *i, int grace_ms)
{
	if (i == NULL)
		return;
	control_free(i->control);
	if (i->http != NULL)
		http_server_stop(i->http, grace_ms);
	if (i->timer_runs) {
		pthread_mutex_lock(&i->lock);
		i->stopping = true;
		pthread_cond_signal(&i->wake);
		pthread_mutex_unlock(&i->lock);
		pthread_join(i->timer, NULL);
	}
	for (size_t k = i->n_subs; k-- > 0;) {
		struct subsystem *s = &i->subs[k];
		if (s->cls->stop != NULL && s->self != NULL)
			s->cls->stop(s);
	}
	http_server_free(i->http);
	for (size_t k = i->n_subs; k-- > 0;) {
		close_subsystem(&i->subs[k]);
		cfg_free(i->subs[k].cfg);
	}
	instance_http_free(i->pages);
	keystore_free(i->keystore);
	cfg_free(i->server_cfg);
	cfg_free(i->passwords);
	free(i->host);
	fd_closep(&i->lock_fd);
	instance_paths_free(i->paths);
	pthread_cond_destroy(&i->wake);
	pthread_mutex_destroy(&i->lock);
	free(i);
}
