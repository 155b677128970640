/* SPDX-License-Identifier: Apache-2.0 */
/* instance.h - the running instance: its paths, settings, keys, subsystems,
 * HTTP server and workers. pkid makes one; tests make one without sockets. */
#ifndef INSTANCE_INSTANCE_H
#define INSTANCE_INSTANCE_H

#include "base/cfg.h"
#include "base/clock.h"
#include "http/server.h"
#include "instance/paths.h"
#include "keys/keystore.h"
#include "store/store.h"

struct instance;
struct audit;
struct highwater;

/* A subsystem as the instance sees it. */
struct subsystem {
	const char *name; /* "ca" */
	const char *type; /* "CA" */
	struct instance *instance;
	struct cfg *cfg;     /* <sub>/CS.cfg */
	struct store *store; /* shared if the settings say so */
	struct audit *audit;
	struct highwater *highwater; /* bound to the store */
	void *self;                  /* struct ca ... */
	const struct subsystem_class *cls;
	/* While its directory is away the instance runs without it; until then
	 * store, audit, highwater and self are not to be looked at. */
	_Atomic bool open;
	struct err waiting;  /* why it is not, behind the instance's lock */
	int64_t next_try_ms; /* the timer's */
};
struct subsystem_class {
	const char *name, *type;
	/* Builds self, adds routes; called before the server starts, or on the
	 * timer thread when the store could not be opened by then. */
	MUST enum rc (*start)(struct subsystem *s, struct err *e);
	/* Adds the routes, with s as route_arg, that answer as long as the store
	 * cannot be opened; they are asked later too for paths that start gave
	 * no route. */
	MUST enum rc (*wait)(struct subsystem *s, struct err *e);
	/* Runs what is due now; returns ms until it wants to run again. Called
	 * on the instance's timer thread. */
	int64_t (*tick)(struct subsystem *s, int64_t now_ms);
	/* A command from the control socket (JSON in, JSON out). RC_UNSUPPORTED
	 * for a word it does not know. */
	MUST enum rc (*control)(struct subsystem *s, const char *command,
	    struct view args, struct buf *out, struct err *e);
	/* Families of /metrics (metrics.h). */
	void (*metrics)(struct subsystem *s, struct buf *out);
	/* What an operator should know though it serves, a line each. */
	void (*warnings)(struct subsystem *s, struct buf *out);
	void (*stop)(struct subsystem *s);
};
/* The classes linked into the program; set once by main before any instance. */
void subsystem_register(const struct subsystem_class *cls);

struct instance_params {
	const char *name;
	const struct clock *clock;
	bool no_listen; /* tests: no sockets */
	/* Called once, on the timer thread, when the instance must not go on
	 * (an audit log that cannot be written, spec ca 4.7); the caller is to
	 * stop it. NULL: it goes on and logs. */
	void (*give_up)(const struct err *why);
};
/* Reads settings and passwords, opens keystore and stores, starts every
 * subsystem and then the server. Texts name the file and the next step. */
MUST enum rc instance_start(
    struct instance **out, const struct instance_params *p, struct err *e);
/* Only paths, clock and host name, for tests that bring stores and keys of their
 * own; instance_stop frees it too. */
MUST enum rc instance_new_bare(struct instance **out,
    const struct instance_params *p, const char *host, struct err *e);
/* Stops accepting, finishes what runs, closes everything; at most grace_ms. */
void instance_stop(struct instance *i, int grace_ms);

/* The instance's parts, valid as long as it; instance_subsystem: NULL when
 * there is none of that name. */
const struct instance_paths *instance_paths(struct instance *i);
const struct clock *instance_clock(struct instance *i);
struct keystore *instance_keystore(struct instance *i);
struct http_server *instance_http(struct instance *i);
const struct cfg *instance_server_cfg(struct instance *i);
struct subsystem *instance_subsystem(struct instance *i, const char *name);
/* Is its store open and has it started? Then that stays so. */
bool subsystem_is_open(const struct subsystem *s);
/* Copies what it waits for, as a sentence. */
void subsystem_waits_for(struct subsystem *s, char *out, size_t size);
/* The k-th subsystem, NULL past the end. */
struct subsystem *instance_subsystem_at(struct instance *i, size_t k);
/* Runs the ticks at once: a command left work, or effects that must not wait. */
void instance_wake(struct instance *i);
/* Likewise within moments, for work that may gather: effects of many commits. */
void instance_wake_soon(struct instance *i);
/* FQDN, plain and TLS port as clients see them (server.cfg). */
const char *instance_host(struct instance *i);
int instance_http_port(struct instance *i);
int instance_https_port(struct instance *i);
/* password.conf, keyring, prompt (spec deployment 1.4); NULL = none. */
struct secret *instance_password(struct instance *i, const char *name);

#endif
