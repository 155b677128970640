/* SPDX-License-Identifier: Apache-2.0 */
/* replication.h - two directory servers that replicate a suffix to each other:
 * set-up, initialisation, state, retirement, conflicts (spec deployment 3.7;
 * directory 4).
 *
 * Every step looks at what is there first, so each function may be called again
 * after it was cut at any point and then ends as if it had not been. All
 * connections are bound as somebody who may write cn=config. base is a DN in
 * the suffix; the suffix itself is found. */
#ifndef DEPLOY_REPLICATION_H
#define DEPLOY_REPLICATION_H

#include "deploy/directory.h"
#include "store/ds_ruv.h"

enum repl_security {
	REPL_NONE, /* credentials in clear */
	REPL_SSL,  /* LDAPS ports */
	REPL_TLS,  /* StartTLS on plain ports */
};
/* "None", "SSL", "TLS" in any case. RC_INVALID. */
MUST enum rc repl_security_parse(
    enum repl_security *out, const char *text, struct err *e);

enum {
	REPL_ID_MAX = 65534,
};

/* --- set-up (replication.c) ------------------------------------------------ */

/* One of the two servers. */
struct repl_side {
	struct ds_admin *ds;
	const char *host; /* where the other side reaches it */
	int64_t port;     /* LDAPS port with REPL_SSL */
	/* the agreement on this side, which points to the other */
	const char *agreement;
	/* of this side's replication manager, as which the other side binds */
	const struct secret *password;
	/* its DN; NULL = cn=Replication Manager <agreement>,ou=csusers,
	 * cn=config. An entry elsewhere must exist, it is not made. */
	const char *manager;
	int64_t id; /* out: replica id */
};
struct repl_pair {
	const char *base;
	enum repl_security security;
	struct repl_side master, clone;
	/* A replica id for a side without one, the master's first; NULL, or *id
	 * 0 = any that nobody uses. Ids in use are passed over. */
	enum rc (*next_id)(void *arg, int64_t *id, struct err *e);
	void *next_arg;
	directory_say say;
	void *say_arg;
};
/* Managers, changelogs, replicas, agreements both ways. A replica that is there
 * keeps its id and gets one more bind DN. */
MUST enum rc repl_setup(struct repl_pair *p, struct err *e);

/* A replica on one server alone (pki-server ca-db-repl-enable): manager (made
 * when below ou=csusers,cn=config or cn=config and a password is given),
 * changelog, replica entry. *id: wanted, 0 = unused one; then the one it has. */
MUST enum rc repl_enable(struct ds_admin *d, const char *base,
    const char *manager, const struct secret *password, int64_t *id,
    struct err *e);
/* An agreement of that name on d, bound at the other side as bind_dn; one that
 * is there is brought to these values. */
struct repl_agreement {
	const char *name, *host, *bind_dn;
	int64_t port;
	enum repl_security security;
	const struct secret *password;
};
MUST enum rc repl_agreement_add(struct ds_admin *d, const char *base,
    const struct repl_agreement *a, struct err *e);

/* Fills the other server from this one over its agreement and waits until that
 * has ended; one that is under way is waited for. It is not begun when the
 * other server holds this one's data already, unless again is set; other NULL:
 * always. Progress goes to say. RC_UNAVAILABLE "Replication agreement
 * initialization failed (against <host>:<port>): <status>". */
MUST enum rc repl_initialize(struct ds_admin *d, struct ds_admin *other,
    const char *base, const char *agreement, bool again, directory_say say,
    void *arg, struct err *e);

/* --- state (replication_state.c) ------------------------------------------- */

/* n 0 and generation "" when the suffix is no replica. */
MUST enum rc repl_ruv_read(
    struct ds_admin *d, struct repl_ruv *out, const char *base, struct err *e);
/* Seconds by which `behind` lags `ahead`: 0 = has everything, -1 = cannot be
 * said (other generation, nothing seen yet of a replica with changes). */
int64_t repl_lag(const struct repl_ruv *ahead, const struct repl_ruv *behind);
/* This server's own replica id, 0 = no replica. */
MUST enum rc repl_own_id(
    struct ds_admin *d, int64_t *out, const char *base, struct err *e);

enum repl_state {
	REPL_GREEN, /* works */
	REPL_AMBER, /* is retried by itself */
	REPL_RED,   /* needs somebody */
};
/* One agreement; texts live during the callback. */
struct repl_status {
	const char *dn, *name, *host, *message;
	int64_t port;
	bool enabled, initialized, busy; /* busy: a total update runs */
	enum repl_state state;
	int code; /* of the directory: 0 ok, 19 = must be initialised ... */
	const char *last_update; /* "20261121200700Z", or "" */
};
/* Calls fn for each agreement of the suffix until it returns false. */
MUST enum rc repl_status_each(struct ds_admin *d, const char *base,
    bool (*fn)(void *arg, const struct repl_status *s), void *arg,
    struct err *e);
/* State, code and message of a status text: the JSON form where there is one,
 * else "Error (<n>) <text>" or "<n> <text>". Returns false for neither. */
bool repl_status_parse(
    struct repl_status *out, struct buf *message, const char *text);

/* --- leaving (replication_retire.c) ----------------------------------------- */

struct repl_retire {
	const char *base;
	struct ds_admin *const *remaining; /* every other server in reach */
	size_t n_remaining;
	struct ds_admin *gone; /* the leaving server; NULL = burned down */
	const char *host;      /* its name in the others' agreements */
	int64_t port;          /* 0 = any */
	int64_t id;            /* its replica id; 0 = find out */
	bool force; /* do not wait for servers that are out of reach */
	directory_say say;
	void *say_arg;
};
/* Agreements to and from it, their managers, its replica entry, and its id out
 * of the update vectors (cleanallruv). RC_NOTFOUND when no server knows it; RC_CONFLICT when
 * several ids could be its. */
MUST enum rc repl_retire(const struct repl_retire *r, struct err *e);

/* Entries that lost a name to another (directory 4.8). */
struct repl_conflict {
	const char *dn;   /* of the loser */
	const char *what; /* nsds5ReplConflict: "namingConflict (ADD) <dn>" */
	const char *valid_dn; /* of the winner */
};
MUST enum rc repl_conflict_each(struct ds_admin *d, const char *base,
    bool (*fn)(void *arg, const struct repl_conflict *c), void *arg,
    struct err *e);
/* Ends one: the loser goes, or (rdn given, "cn=other") lives on under another
 * name beside the winner. RC_INVALID: dn is no conflict entry. */
MUST enum rc repl_conflict_resolve(
    struct ds_admin *d, const char *dn, const char *rdn, struct err *e);

#endif
