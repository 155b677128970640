/* SPDX-License-Identifier: Apache-2.0 */
/* sim.h - a simulator of replicated directories: several replicas in one
 * process, each a struct store, with replication as explicit steps, a virtual
 * clock, and faults on demand. It merges as 389 DS was seen to (spec directory
 * 4.8): the last CSN wins a replaced attribute, added values are all kept, of
 * two adds of one name the earlier CSN keeps it and the other becomes a conflict
 * entry, a deleted entry stays deleted.
 *
 * As with a directory, a commit is a row of single writes: what comes before a
 * failed one stays.
 *
 * Threads: one thread steers the simulation (all sim_ functions); the stores may
 * be used from any, but a run is only repeatable with one. */
#ifndef STORE_SIM_H
#define STORE_SIM_H

#include "store/store.h"

struct sim;

enum {
	SIM_REPLICAS_MAX = 16,
};

/* start_ms: where the virtual clock begins. */
struct sim *sim_new(int64_t start_ms);
/* Frees the replicas and their stores too. */
void sim_free(struct sim *s);
OWNED(sim)

/* The virtual clock; it stands still but for sim_advance. */
const struct clock *sim_clock(struct sim *s);
void sim_advance(struct sim *s, int64_t ms);
/* Lets the clock by which replica r stamps its changes be off. */
void sim_skew(struct sim *s, size_t r, int64_t ms);

/* Adds an empty replica; returns its number (0, 1, ...). SIZE_MAX when there
 * are SIM_REPLICAS_MAX or memory is out. */
size_t sim_add_replica(struct sim *s);
/* Its store, owned by the simulator; another one after sim_restart. */
struct store *sim_store(struct sim *s, size_t r);

/* One replication session: `to` gets what `from` has and it lacks; nothing when
 * `from` has been initialised since and `to` lacks changes from before. Returns
 * how many changes were sent. */
size_t sim_replicate(struct sim *s, size_t from, size_t to);
/* As sim_replicate, but cut off after max changes. */
size_t sim_replicate_some(struct sim *s, size_t from, size_t to, size_t max);
/* Would a session be refused for that reason? Lasting, `to` is to be initialised
 * anew. */
bool sim_purged(struct sim *s, size_t from, size_t to);
/* Sessions both ways between all until nothing is sent. */
void sim_settle(struct sim *s);
/* Total update: `to` is wiped and gets the entries of `from`; its usn numbers
 * begin anew. Its store is dead until sim_restart. */
MUST enum rc sim_reinit(struct sim *s, size_t from, size_t to, struct err *e);

/* After n more single writes replica r's process dies: the next write and all
 * that follows answer RC_UNAVAILABLE until sim_restart. SIZE_MAX: never. */
void sim_cut_after(struct sim *s, size_t r, size_t n);
/* Single writes made by commits at r so far. */
size_t sim_writes(struct sim *s, size_t r);
/* The process of r begins again: a new struct store over the same entries; the
 * old one and its watches are gone (free the watches first). Effects whose
 * decision came true are waiting, the others are gone. */
MUST enum rc sim_restart(struct sim *s, size_t r, struct err *e);

/* Is that record at r, whether its process lives or not? Ids as the store gives
 * them. */
bool sim_has(struct sim *s, size_t r, enum rec_kind kind, const char *id);
/* Conflict entries (ldapsubentry with nsds5ReplConflict) of that kind at r. */
size_t sim_conflicts(struct sim *s, size_t r, enum rec_kind kind);
/* Do all replicas hold the same entries with the same sets of values? */
bool sim_converged(struct sim *s);

/* Known-wrong merging, to prove that a test would notice. */
enum sim_mutant {
	SIM_AS_SEEN,        /* the right one */
	SIM_LATER_ADD_WINS, /* of two adds the later CSN keeps the name */
	SIM_FIRST_REPLACE_WINS,
	SIM_LOSES_ADDED_VALUES, /* a later add of a value drops the others */
};
void sim_set_mutant(struct sim *s, enum sim_mutant m);

#endif
