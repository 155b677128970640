/* SPDX-License-Identifier: Apache-2.0 */
/* roles.h - the roles of the CA on this host: who generates CRLs, maintains
 * statuses, hands out ranges (design.md, law 5; docs/roles.md). store/role.h
 * has the rule, this is what is done about it: claims added, lists stopped and
 * begun, CS.cfg kept true.
 *
 * Threads: acts run on the timer or the control thread, one at a time (`work`);
 * the rest may be asked by any thread and never waits for an act. */
#ifndef CA_ROLES_H
#define CA_ROLES_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/cfg.h"
#include "store/role.h"

struct ca;

enum {
	ROLES_MAX = 24,
	/* a released role that nobody took comes back to who released it */
	ROLE_PATIENCE_MS = 30000,
	/* a role handed over whose first CRL cannot be made goes back */
	ROLE_GIVE_BACK_MS = 8000,
	ROLE_POLL_MS = 500, /* while one of these is running */
	/* a holder whose list ends so soon makes the next one before it lets
	 * the role go: no moment of a hand-over without a valid list */
	ROLE_QUIET = 10,
	ROLE_INTERVAL = 600, /* certStatusUpdateInterval of a master */
};

/* What there is to know about a role, one row each (roles_cfg.c). */
struct role_kind {
	const char *name;    /* "status"; with members what comes before them */
	bool members;        /* "crl." and an issuing point's id */
	const char *follows; /* the role whose holder has this one too; then
			      * CS.cfg has no line for it and the rest is NULL */
	/* What CS.cfg wishes; the lines of a holder: those of the former one,
	 * where it left them (settings, or NULL), and the chapter's; the lines
	 * of a clone of host:port. */
	bool (*wish)(const struct cfg *cs, const char *member);
	MUST enum rc (*master)(struct cfg *cs, const char *member,
	    const struct cfg *settings, struct err *e);
	MUST enum rc (*clone)(struct cfg *cs, const char *member,
	    const char *host, int port, struct err *e);
};
/* The row of a role; NULL: not one of the CA. *member (may be NULL): the issuing
 * point, else "". */
const struct role_kind *role_kind(const char *role, const char **member);

struct role {
	char name[CLAIM_ROLE_MAX];
	bool wish, known, kept;
	bool stale; /* CS.cfg was put back from a backup, wish is none */
	char put_back[CLAIM_HOST_MAX + 16]; /* then: who has the role */
	char acted[CLAIM_ID_MAX];
	char taking[CLAIM_ID_MAX]; /* claim to be taken over, "" = none */
	/* claim for which the former holder's settings were taken; `work` */
	char configured[CLAIM_ID_MAX];
	bool holds, has_holder, drained;
	uint16_t released_to; /* who was given it and has not claimed it yet;
			       * 0 = nobody */
	uint16_t giving; /* to be released to that host, 0 = none; `work` */
	bool later;      /* a release waits for the next list */
	struct claim holder;
	int64_t since_ms; /* of what is waited for, monotonic; 0 = nothing */
	char note[ERR_TEXT_MAX]; /* why it is not as wished, "" = it is */
};
struct ca_roles {
	pthread_mutex_t work; /* one act at a time; before `lock` */
	pthread_mutex_t lock; /* all below but `changed` */
	struct role items[ROLES_MAX];
	size_t n;
	struct claim_self self;
	int64_t interval; /* seconds between two looks at statuses, 0 = none */
	char master[CLAIM_HOST_MAX]; /* master.ca.agent.*; "" = absent */
	int master_port;
	/* How often the roles' lines of CS.cfg were acted on or written here;
	 * a file that says less was put back from a backup. Under `work`. */
	uint64_t generation;
	atomic_bool changed; /* by the feed: look again */
	bool ready, running; /* set at start, constant after */
};

/* Reads wishes and what was acted on, and looks at the claims once: a first
 * installation holds its roles when this returns. A store that does not answer
 * is no failure: the next tick tries again. Without a high-water file (tests)
 * there are no roles: CRLs and statuses by settings alone. */
MUST enum rc roles_start(struct ca *ca, struct err *e);
void roles_done(struct ca *ca);
/* The feed saw a claim. */
void roles_follow(struct ca *ca);
/* Looks at the claims if something changed or is waited for; returns ms until
 * it wants to run again. */
int64_t roles_tick(struct ca *ca);
/* The claim of an issuing point has no number left: claims anew. */
void roles_renew(struct ca *ca, const char *role);

/* A copy of role i; false past the end. */
bool roles_at(struct ca *ca, size_t i, struct role *out);
bool roles_hold(struct ca *ca, const char *role);
/* Where page requests about that issuing point belong: the holder, or what
 * master.ca.agent.* says; false: here. host has CLAIM_HOST_MAX. */
bool roles_redirect(
    struct ca *ca, const char *point, char host[CLAIM_HOST_MAX], int *port);

/* The roles are in more than one hand: who has this one, who makes the CRLs, and
 * what mends it; "" = they are not, or this is the role of the CRLs itself. */
void roles_split(struct ca *ca, const struct role *r, char out[ERR_TEXT_MAX]);

/* Asks the holders of all roles that are not ours; once about each claim. */
MUST enum rc roles_ask(struct ca *ca, struct err *e);
/* Takes the questions back that nobody has answered. */
MUST enum rc roles_withdraw(struct ca *ca, struct err *e);
/* Takes all roles that are not ours by force, above every number seen and above
 * `above` (NULL = none). */
MUST enum rc roles_take(struct ca *ca, const struct num *above, struct err *e);
/* Releases all roles that are ours to that host, that of the CRLs after the next
 * list when the present one ends within ROLE_QUIET. */
MUST enum rc roles_give(struct ca *ca, uint16_t to, struct err *e);

/* The address that the host of an id has told, "name:port"; "" = none. */
void roles_address(struct ca *ca, uint16_t id, char out[CLAIM_ADDRESS_MAX]);
/* Tells the other hosts at which address this one's id is (api_roles.c). */
MUST enum rc roles_publish_address(struct ca *ca, struct err *e);
/* The id of another host by "name:port". RC_NOTFOUND: none has told it;
 * RC_INVALID: none given, or this instance. */
MUST enum rc roles_host_id(
    struct ca *ca, const char *address, uint16_t *out, struct err *e);

/* --- CS.cfg (roles_cfg.c) ------------------------------------------------ */

/* What the file says: how often the roles' lines were written or acted on; 0
 * where it says nothing. */
uint64_t roles_generation(const struct cfg *cs);
/* Brings CS.cfg on the disk to what the roles are; the former file goes to
 * archives/. host NULL: the lines of a holder, else of its clone. role NULL: only
 * the generation. */
MUST enum rc roles_write(struct ca *ca, const char *role,
    const struct cfg *settings, const char *host, int port, struct err *e);
/* The settings the holder left in the store for its successor; *out is empty
 * when it left none. */
MUST enum rc roles_settings_load(
    struct ca *ca, struct cfg **out, struct err *e);
/* Leaves them (the holder's part), when they differ. */
MUST enum rc roles_settings_save(struct ca *ca, struct err *e);

#endif
