/* SPDX-License-Identifier: Apache-2.0 */
/* sim_int.h - inside the simulator (internal to store/sim_*.c). */
#ifndef STORE_SIM_INT_H
#define STORE_SIM_INT_H

#include <stdatomic.h>

#include "store/kind.h"
#include "store/merge.h"
#include "store/sim.h"
#include "store/store_backend.h"

/* Change sequence number: total order over all changes of all replicas. */
struct csn {
	struct merge_stamp stamp;
	uint32_t sub; /* position inside one operation */
};
int csn_cmp(const struct csn *a, const struct csn *b);

struct sim_value {
	uint8_t *data;
	size_t len;
	struct csn added, deleted; /* stamp.time 0 = never */
};
struct sim_attr {
	char *name;
	struct csn cleared; /* last replacement or deletion of all */
	struct sim_value *values;
	size_t n;
};
/* An entry as clients see it; shared by who reads it, never changed. */
struct sim_seen {
	struct rec *rec;
	_Atomic size_t refs;
};
struct sim_entry {
	enum rec_kind kind;
	char *id;
	uint64_t unique; /* the same on all replicas */
	struct csn added;
	bool deleted, conflict;
	uint64_t usn, arrival;
	struct sim_attr *attrs;
	size_t n;
	struct sim_seen *seen;                     /* NULL = to be made again */
	struct sim_entry *next_name, *next_unique; /* of one bucket */
};

/* One write, as the changelog keeps it. */
struct sim_op {
	struct csn csn;
	uint64_t unique;
	struct change *change; /* borrowed from batch */
	struct batch *batch;   /* owned: holds just this change */
	size_t refs;
};

struct sim_effect {
	struct effect x; /* type and payload owned */
	bool live;       /* its decision came true */
	enum rec_kind kind;
	char id[REC_ID_MAX + 1]; /* of the decision; "" = none */
};

enum {
	SIM_BUCKETS = 512,
};
struct sim_replica {
	struct sim *sim;
	size_t number;
	struct store *store;
	struct sim_entry **entries; /* tombstones too; sorted by arrival */
	size_t n, cap;
	struct sim_entry *by_name[SIM_BUCKETS], *by_unique[SIM_BUCKETS];
	struct sim_op **log;
	size_t n_log;
	struct csn ruv[SIM_REPLICAS_MAX];  /* newest seen of each origin */
	struct csn base[SIM_REPLICAS_MAX]; /* what a total update brought: the
					    * changelog begins after it */
	struct merge_stamp last;           /* of the CSN generator */
	int64_t skew_ms;
	uint64_t usn, epoch, arrivals, uniques;
	size_t writes, cut; /* cut: writes left */
	bool dead;
	struct sim_effect *effects;
	size_t n_effects;
	uint64_t next_row;
	char generation[33];
};
struct sim {
	struct sim_replica *r[SIM_REPLICAS_MAX];
	size_t n;
	int64_t now_ms;
	struct clock clock;
	enum sim_mutant mutant;
	pthread_mutex_t state;    /* of everything but the feeds */
	pthread_mutex_t pipeline; /* taken before state: commit and deliver */
};

/* --- sim_entry.c -------------------------------------------------------- */

/* A new entry; NULL when memory is out. */
struct sim_entry *sim_entry_new(
    const struct change *add, uint64_t unique, const struct csn *csn);
void sim_entry_free(struct sim_entry *x);
/* A deep copy; NULL when memory is out. */
struct sim_entry *sim_entry_copy(const struct sim_entry *x);
/* Applies the modifications of c, stamped csn. false: memory is out. */
bool sim_entry_modify(struct sim_entry *x, const struct change *c,
    const struct csn *csn, enum sim_mutant m);
/* What a client sees, kept by the entry until it changes; the caller gives it
 * back with sim_seen_free, at any time. NULL: memory is out. */
struct sim_seen *sim_entry_look(struct sim_entry *x, uint64_t epoch);
void sim_seen_free(struct sim_seen *s);
OWNED(sim_seen)
/* Its usn from now on; what was seen of it is made again. */
void sim_entry_touch(struct sim_entry *x, uint64_t usn);

/* --- sim_replica.c ------------------------------------------------------ */

/* The entry, or NULL. */
struct sim_entry *sim_find(
    struct sim_replica *r, enum rec_kind kind, const char *id);
/* A local write, logged. Out: the entry concerned. */
MUST enum rc sim_write(struct sim_replica *r, const struct change *c,
    struct sim_entry **out, struct err *e);
/* A number for the exposed usn: the epoch in front. */
static inline uint64_t
sim_usn(uint64_t epoch, uint64_t usn)
{
	return epoch << 40 | usn;
}
void sim_replica_free(struct sim_replica *r);
void sim_wipe(struct sim_replica *r);

/* --- sim_store.c -------------------------------------------------------- */

/* A store over one replica of the simulator. */
struct store *sim_store_new(struct sim_replica *r);
/* Hands one change to the watchers; state must not be locked. */
void sim_deliver(struct sim_replica *r, const struct sim_seen *seen,
    enum rec_kind kind, const char *id, uint64_t usn, bool local);

#endif
