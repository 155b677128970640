/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server.h - the frame of pki-server: the command table, the instance that
 * a command works on, its settings, keys and records (spec deployment 7).
 *
 * A command is a row {name, operands, text, options, function, need}. Its
 * function prints its result on standard output and returns RC_OK, or says in e
 * what went wrong; main prints that once as "ERROR: ..." and ends with 1. */
#ifndef TOOLS_PKI_SERVER_H
#define TOOLS_PKI_SERVER_H

#include "base/cfg.h"
#include "base/clock.h"
#include "instance/paths.h"
#include "tools/pki.h"

/* What the frame finds before a command runs. */
enum server_need {
	NEED_INSTANCE,     /* -i, or pki-tomcat */
	NEED_OPERAND,      /* the first operand, else as NEED_INSTANCE */
	NEED_SUBSYSTEM,    /* the instance and the subsystem before the name */
	NEED_NO_SUBSYSTEM, /* the instance; the subsystem is only named */
	NEED_NOTHING,
};

struct server;
struct server_cmd {
	const char *name;     /* NULL ends a table */
	const char *operands; /* "<name> <value>", or "" */
	const char *text;
	const struct opt *opts; /* with SERVER_OPTS; NULL = only those */
	int min, max;           /* operands; max -1 = any number */
	enum rc (*run)(struct server *s, const struct args *a, struct err *e);
	enum server_need need;
};
/* A family of commands; subs lists the subsystems ("ca", "ca kra") that have
 * it, NULL = it belongs to the instance. Names lack the "ca-" in front. */
struct server_family {
	const char *name, *text;
	const struct server_cmd *cmds;
	const char *subs;
};
extern const struct server_family server_families[]; /* ended by name NULL */

/* Options of every command. */
#define SERVER_OPTS                                                        \
	OPT_LETTER(                                                        \
	    "instance", 'i', "name", "Instance ID (default: pki-tomcat)"), \
	    OPT_FLAG("as-current-user", "Run as current user")
extern const struct opt server_opts[];

struct server {
	struct args *global;
	const char *name; /* of the instance */
	struct instance_paths *paths;
	const char *sub, *type; /* "ca", "CA"; NULL outside a subsystem */
	bool verbose;
	struct cfg *cs;   /* <sub>/CS.cfg, once read */
	struct cfg *pins; /* password.conf, once read */
	struct keystore *ks;
	/* CS.cfg as first read here, by subsystem: see server_save_cs */
	struct cfg **read;
};

/* Frees what hangs in it. */
void server_done(struct server *s);
/* Stops the instance if it runs, and starts it (pki_server_life.c). */
MUST enum rc server_restart(struct server *s, struct err *e);
/* Says on standard error what happens, with --verbose. */
void server_say(const struct server *s, const char *fmt, ...) PRINTF(2, 3);

/* ---- the instance (pki_server_files.c) ---- */

enum {
	SERVER_SUBSYSTEMS = 5,
};
/* ca, kra, ocsp, tks, tps in the order of every listing. */
extern const char *const server_subsystems[SERVER_SUBSYSTEMS];
/* "CA" of "ca"; NULL when it is none of these. */
const char *server_type(const char *sub);
/* Has the instance this subsystem? */
bool server_has(const struct instance_paths *p, const char *sub);
/* Is there an instance, with or without subsystems? */
bool server_exists(const struct instance_paths *p);
/* RC_NOTFOUND "Invalid instance: x". */
MUST enum rc server_find(struct server *s, const char *name, struct err *e);
/* "No CA subsystem in instance x", "No such subsystem: X". */
MUST enum rc server_use(struct server *s, const char *sub, struct err *e);

/* CS.cfg of a subsystem ("ca"), server.cfg, password.conf; the caller owns
 * *out. */
MUST enum rc server_cs(
    const struct server *s, struct cfg **out, const char *sub, struct err *e);
MUST enum rc server_cfg(
    const struct server *s, struct cfg **out, struct err *e);
MUST enum rc server_passwords(
    const struct server *s, struct cfg **out, struct err *e);
/* Writes to CS.cfg what c changes of what server_cs read; what others, the
 * running server among them, changed meanwhile stays. The file that was there
 * goes to archives/. */
MUST enum rc server_save_cs(const struct server *s, const char *sub,
    const struct cfg *c, struct err *e);
/* Writes a file of the instance that belongs to the instance's owner, also
 * when root runs us. */
MUST enum rc server_write(const struct server *s, const char *path,
    struct view data, mode_t mode, struct err *e);
/* Gives path to the instance's owner when root runs us. */
MUST enum rc server_give(
    const struct server *s, const char *path, struct err *e);
/* The instance's NSS database with the PINs of password.conf, opened at first
 * use. */
MUST enum rc server_keystore(
    struct server *s, struct keystore **out, struct err *e);
/* Mon Jan  1 00:00:00 2024, UTC. */
const char *server_date(char out[CLOCK_TEXT_MAX], int64_t t);

/* ---- records (pki_server_store.c) ---- */

/* Runs a command of a subsystem ("user-find") where its records are: in pkid
 * through the control socket while it runs, else here, with the store opened
 * under the instance lock. args may be NULL and stays the caller's; the caller
 * owns *out (may be NULL when nothing is wanted). */
MUST enum rc server_call(struct server *s, const char *command, json_t *args,
    json_t **out, struct err *e);
/* As server_call, of what only a running pkid can do: RC_UNAVAILABLE when it does
 * not run. */
MUST enum rc server_call_running(struct server *s, const char *command,
    json_t *args, json_t **out, struct err *e);
/* All entries of a paged command: calls with start and size until fewer than
 * size come. */
MUST enum rc server_call_all(struct server *s, const char *command,
    json_t *args, json_t **out, struct err *e);
/* Takes the instance lock: pkid must not run. Give it back with close. */
MUST enum rc server_lock(const struct server *s, int *fd, struct err *e);

#endif
