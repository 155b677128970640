/* SPDX-License-Identifier: Apache-2.0 */
/* cluster.h - several certificate authorities in one process, over directories
 * that the simulator replicates (store/sim.h), driven by a schedule that a seed
 * decides and judged after every step. Everything above the store is the
 * product's own code; everything below it is as 389 DS was seen to behave (spec
 * directory 4.8). docs/simulated-cluster.md tells how to use it.
 *
 *   schedule.c  what happens: one random step after the other
 *   operator.c  what people do by hand: files, backups, settings
 *   moves.c     roles that move, cut short at any write
 *   host.c      one CA: start, stop, die
 *   install.c   its first settings
 *   oracle.c    what was acknowledged: the memory of an outside observer
 *   promises.c  what must hold of it, checked after every step
 *   seam.c      between a CA and its directory: counts, and plays the mutants
 *   mutants.c   known-wrong variants that the judge must catch */
#ifndef TESTS_CLUSTER_H
#define TESTS_CLUSTER_H

#include "ca/state.h"
#include "store/decision.h"
#include "store/sim.h"

#define SWITCHED "caManualRenewal" /* the profile that agents switch */

enum {
	HOSTS = 3,
	CERTS_MAX = 64,
	DECISIONS_MAX = 128,
	LISTS_MAX = 256,
	FAILURE_MAX = 512,
	KRAS = 4, /* hosts that the KRA connector may have */
	SKEW_MAX_MS = 600000,
};

/* --- random.c: all randomness of a run comes from its seed ---------------- */

/* weak: what the CAs draw has only a few values. */
void random_seed(uint64_t seed, bool weak);
uint64_t random_u64(void);
/* 0 <= result < n, n > 0. */
size_t random_below(size_t n);
bool random_chance(unsigned percent);

/* --- what was acknowledged (oracle.c) -------------------------------------- */

/* A certificate that a client was given. */
struct issued {
	struct num serial, request;
	size_t home; /* a replica that must have it */
	int64_t not_after;
	bool lost;   /* with a directory that had not replicated it yet */
	bool unsure; /* an operation on it was cut: either outcome is right */
	bool ruled_before; /* no decision yet, or each one knew all others */
};
/* A decision that a client was told of. */
struct decided {
	size_t cert;
	struct num request;
	int reason; /* REASON_x; REASON_REMOVE_FROM_CRL = release */
	size_t home;
	bool lost;
};
/* A list that a CA made. */
struct list {
	struct num number;
	int64_t this_update;
	uint8_t digest[32];
	size_t host;
};
struct oracle {
	struct issued certs[CERTS_MAX];
	size_t n_certs;
	struct decided decisions[DECISIONS_MAX];
	size_t n_decisions;
	struct list lists[LISTS_MAX];
	size_t n_lists;
	struct num pending[CERTS_MAX]; /* requests that wait for an agent */
	size_t n_pending;
	bool kra_added[KRAS], kra_removed[KRAS]; /* ever, anywhere */
};

/* --- the cluster (cluster.c, host.c) --------------------------------------- */

struct mutant;
struct cluster;
struct move_plan;
struct host {
	struct cluster *c;
	size_t n;           /* its number and its replica's */
	struct clock clock; /* the virtual one, skewed */
	int64_t skew_ms;
	char name[32];
	struct instance *instance;
	struct cfg *cfg;
	struct subsystem sub;
	struct store *seam;
	struct ca *ca; /* NULL: down */
	uint64_t effects_made, effects_done;
	struct num last, last_delta; /* that it served, and when it was made */
	int64_t last_this;
	bool installed;
	size_t told; /* how often it was made the master by hand */
};
struct cluster {
	uint64_t seed;
	/* numbers in ranges, delta CRLs, chains of moves: by the seed */
	bool ranged, deltas, chains;
	enum range_form form;
	const struct mutant *mutant; /* NULL = none */
	struct sim *sim;
	struct host hosts[HOSTS];
	bool link[HOSTS][HOSTS];
	struct oracle oracle;
	struct buf trace;
	bool told;     /* print the trace as it grows */
	bool refilled; /* a directory was, and may have lost what it had */
	size_t splits; /* roles in two hands at the end, brought together */
	size_t steps;
	char failure[FAILURE_MAX]; /* "" = every promise held */
};

/* What all runs of a process share: key, certificate, requests (keys.c). */
struct keys {
	struct key *ca;
	struct buf ca_der, csr;
	struct audit *audit;
};
MUST enum rc keys_make(struct keys *out, struct err *e);
void keys_done(struct keys *k);

/* One whole run, of a schedule or with p of that move; false: c->failure says
 * which promise was broken. The caller frees the trace with cluster_done. */
bool cluster_run(struct cluster *c, const struct keys *k, uint64_t seed,
    const struct mutant *m, struct move_plan *p, bool told);
void cluster_done(struct cluster *c);
/* A line of the trace. */
void cluster_note(struct cluster *c, const char *fmt, ...) PRINTF(2, 3);
/* A broken promise ends the run. */
void cluster_fail(struct cluster *c, const char *fmt, ...) PRINTF(2, 3);
bool cluster_failed(const struct cluster *c);
/* The schedule (schedule.c), and those of its steps that an operator takes. */
void schedule_run(struct cluster *c, const struct keys *k);
void schedule_start(struct cluster *c, struct host *h, const struct keys *k);
void schedule_stop(struct cluster *c, struct host *h, bool orderly);
void schedule_heal(struct cluster *c);
/* Takes the roles by force. */
void schedule_take(struct cluster *c, struct host *h);
/* Revokes, holds or releases certificate `at` of the oracle. */
void schedule_decide(struct cluster *c, struct host *h, size_t at, int reason);
/* A request, and one of those that wait becomes a certificate. */
void schedule_submit(struct cluster *c, struct host *h, const struct keys *k);
void schedule_approve(struct cluster *c, struct host *h, const struct keys *k);
/* The clockwork of a host, once. */
void schedule_tick(struct cluster *c, struct host *h);
/* A list now. */
void schedule_list(struct cluster *c, struct host *h);
/* Can `from` fill the directory of `to`? Then it has all others' changes. */
bool schedule_may_fill(struct cluster *c, size_t from, size_t to);
void schedule_fill(
    struct cluster *c, size_t from, size_t to, const struct keys *k);
/* One act of an operator on h, which runs (operator.c). */
void operator_step(struct cluster *c, struct host *h, const struct keys *k);
/* Tells h, if it was restored, that it may claim roles again. */
void operator_accept(struct cluster *c, struct host *h);

/* --- moves.c ----------------------------------------------------------------- */

enum move {
	MOVE_ASK,  /* ca-promote */
	MOVE_GIVE, /* ca-demote */
	MOVE_TAKE, /* ca-promote --holder-is-stopped */
	MOVES
};
/* "ask" ... */
const char *move_text(enum move m);

/* From h0 to h1. */
struct move_plan {
	enum move move;
	bool old;      /* who dies: h0, else h1 */
	bool back;     /* and is back at once */
	size_t writes; /* before it dies */
	enum move
	    then; /* a second one, to h2, when it has died; MOVES = none */
	bool at_the_edge; /* in place of all that: uncut, as a list is due */
	size_t edge;      /* 0, 1 ...: from before until after that */
	bool died;        /* out: it came to the cut */
};
/* A step of a schedule: some moves, each perhaps before the former has ended. */
void moves_chain(struct cluster *c, const struct keys *k);
/* So many looks of every host, with all that travels between them. */
void moves_rounds(struct cluster *c, size_t n);
/* When all is well again: roles in two hands come into one by the command that
 * every host names. */
void moves_bring_together(struct cluster *c);
/* One run of that plan: a single cut move ends with all in one hand by itself. */
void moves_run(struct cluster *c, const struct keys *k, struct move_plan *p);
/* All plans in turn, until try says false; *n: how many. */
typedef bool moves_try(const struct keys *k, struct move_plan *p);
bool moves_each(const struct keys *k, moves_try *try, size_t *n);

/* Writes the CS.cfg of its installation; the master's CA runs when a clone is
 * installed (install.c). */
MUST enum rc install_cfg(struct host *h, const char *path, struct err *e);
/* Starts the CA of a host over its replica; what it keeps on its own disk is
 * still there. */
MUST enum rc host_start(struct host *h, const struct keys *k, struct err *e);
/* Ends it in an orderly way, or as kill -9 would. */
void host_stop(struct host *h);
/* Its clock is off by that from now on, and its directory's too. */
void host_skew(struct host *h, int64_t ms);

/* --- promises.c ------------------------------------------------------------- */

/* After every step; `h` (may be NULL) is the host that acted. */
void promises_check(struct cluster *c, struct host *h);
/* At the end, when all have been healed and nothing is on its way. */
void promises_check_end(struct cluster *c);
/* Takes note of a list that h serves since its last call. */
void promises_list(struct cluster *c, struct host *h);

/* --- oracle.c --------------------------------------------------------------- */

void oracle_issued(struct cluster *c, size_t home, const struct request_rec *r,
    const struct num *serial);
void oracle_decided(struct cluster *c, size_t home, size_t cert, int reason,
    const struct num *request);
/* Directory `to` was filled from another: what nobody else has is gone. */
void oracle_reinit(struct cluster *c, size_t to);
/* Is that record in the directory of a replica? */
bool oracle_has(struct cluster *c, size_t replica, enum rec_kind kind,
    const struct num *id);
/* Was a permanent revocation of it acknowledged, and does it still count? */
bool oracle_permanent(const struct cluster *c, size_t cert);

/* --- seam.c, mutants.c ------------------------------------------------------- */

/* A known-wrong variant, played between a CA and its directory. What is NULL or
 * 0 is as it should be. */
struct mutant {
	const char *name, *what;
	/* false: this change never reaches the directory */
	bool (*keep_change)(const struct batch *b, size_t i);
	/* certStatus is replaced in place of compared and swapped */
	bool blind_status;
	/* false: the CA does not see this record */
	bool (*keep_found)(
	    const struct host *h, const struct query *q, const struct rec *r);
	/* what the CA reads is changed, in a copy */
	void (*alter_found)(struct rec *r);
	/* false: the CA is not told of this change */
	bool (*keep_item)(const struct feed_item *i);
	/* another place of the feed to begin at */
	uint64_t (*since)(struct store *s, uint64_t since);
	bool no_effects;     /* the journal loses its rows */
	bool acks_unsaved;   /* a commit that failed is reported as done */
	bool wish_forgotten; /* every start takes the wish for a new one */
	bool weak_random;    /* ids are drawn among few */
	bool full_skipped;   /* the first list under a claim may be a delta */
	bool number_after;   /* a list's number is the highest seen and one */
	bool claim_trusted;  /* claims are not read again before a list */
	bool copy_unnoticed; /* a restored host does not know that it is one */
	enum sim_mutant sim;
};
extern const struct mutant mutants[];
extern const size_t n_mutants;
/* The one of this run, for faults that are played by the linker. */
void mutant_play(const struct mutant *m);

/* A store in front of the replica's; free with store_free, the replica's own
 * stays. */
struct store *seam_new(struct host *h, struct store *inner);

#endif
