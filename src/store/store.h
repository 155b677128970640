/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - where records live. One way in: store_commit. One way out:
 * store_watch. (design.md, laws 2 to 4)
 *
 * What a commit promises, on every back-end: it is ordered, idempotent and
 * resumable, not atomic. The first change is the decision and is always an ADD;
 * all others can be derived from it. When store_commit returns RC_OK every
 * change is durable. When it fails with RC_EXISTS or RC_CONFLICT on the first
 * change, nothing was done. When it fails otherwise, or the process dies, a
 * prefix of the changes may be there; the owner of the record kind finishes it
 * at start (it looks for decisions without their consequences). LMDB happens to
 * do all of it in one transaction; nobody may rely on that.
 *
 * Threads: every function may be called from any thread. Commits are gathered
 * into groups (one sync for many) and applied in the order of their calls. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/clock.h"
#include "base/secret.h"
#include "store/filter.h"
#include "store/record.h"

struct store;

enum change_op {
	CHANGE_ADD,    /* RC_EXISTS when the id is taken */
	CHANGE_MODIFY, /* RC_NOTFOUND when it is not there */
	CHANGE_DELETE, /* of an absent record: RC_OK */
};
enum mod_op {
	MOD_ADD,     /* of a value that is there: no effect */
	MOD_DELETE,  /* of that exact value; RC_CONFLICT if it is not there, so
		      * delete old + add new is a compare-and-swap */
	MOD_REPLACE, /* all values by these (none = remove the attribute) */
};

/* An ordered list of changes and effects. */
struct batch;
struct batch *batch_new(void);
void batch_free(struct batch *b);
OWNED(batch)
/* Takes the record over (also on failure, which is sticky). */
void batch_add(struct batch *b, struct rec *r);
/* Begins a modification; the batch_mod calls that follow belong to it. */
void batch_modify(struct batch *b, enum rec_kind kind, const char *id);
void batch_mod(
    struct batch *b, enum mod_op op, const char *attr, struct view value);
void batch_mod_str(
    struct batch *b, enum mod_op op, const char *attr, const char *value);
void batch_delete(struct batch *b, enum rec_kind kind, const char *id);
/* A row of the effects journal (publish, mail, connector, audit), drained by a
 * worker after the commit, at least once, idempotent by its row id. Written in
 * the deciding transaction (LMDB) or in the host-local spool (directory). */
void batch_effect(struct batch *b, const char *type, struct view payload);

/* How the text of RC_UNAVAILABLE begins when all changes are in the store, but
 * not yet where they are to be as well (struct ldap_params.ack_replicas). */
#define STORE_UNACKED "stored, but"
/* Applies the batch durably; the watchers have seen it when this returns. */
MUST enum rc store_commit(
    struct store *s, const struct batch *b, struct err *e);

/* RC_NOTFOUND when there is none. */
MUST enum rc store_get(struct store *s, struct rec **out, enum rec_kind kind,
    const char *id, struct err *e);

struct query {
	enum rec_kind kind;
	const char *filter;  /* RFC 4515 text; NULL = all */
	const char *order;   /* attribute to sort by, "-attr" descending; NULL =
			     * order of arrival (LMDB) or of entry id (LDAP) */
	size_t start, limit; /* limit 0 = all */
	const char *const *attrs; /* wanted ones, NULL-terminated; NULL = all */
};
/* Calls fn for each match until it returns false; the record lives during the
 * call. No lock is held meanwhile, a write of another thread may or may not be
 * seen. */
MUST enum rc store_search(struct store *s, const struct query *q,
    bool (*fn)(void *arg, const struct rec *r), void *arg, struct err *e);
/* Number of matches (may have to read them). */
MUST enum rc store_count(struct store *s, uint64_t *out, enum rec_kind kind,
    const char *filter, struct err *e);

/* One change as it happened to a record, made here or arrived from a clone. An
 * empty id (CERT, REQUEST and KEY only): changes of that kind were missed,
 * whoever keeps something of them reads them anew. */
struct feed_item {
	enum rec_kind kind;
	const char *id;
	const struct rec *rec; /* as of now; NULL = deleted */
	bool local;            /* made through this struct store */
	uint64_t usn;
};
struct watch;
/* Calls fn for every change to these kinds (bit set of 1 << REC_x) from now on.
 * A local change is delivered before its store_commit returns, in commit order,
 * on the committing pipeline's thread; fn must not commit and must not block.
 * Changes made while this process was down are delivered too when `since` names
 * a usn of an earlier run (store_usn): first those, each record once in its
 * latest form, then live ones, without a gap. since = UINT64_MAX: live only.
 * RC_GONE: since cannot be honoured (restored, re-initialised, other
 * directory): rescan, then watch with UINT64_MAX. */
MUST enum rc store_watch(struct store *s, struct watch **out, unsigned kinds,
    uint64_t since, void (*fn)(void *arg, const struct feed_item *i), void *arg,
    struct err *e);
/* No call runs and none comes after this returns. */
void watch_free(struct watch *w);
OWNED(watch)
/* Hands the watchers every change that is in the store at the time of the call
 * and that they have not seen: one that came from elsewhere may be there before
 * the feed brings it. (A commit still under way here may follow.) At once in an
 * embedded store. RC_UNAVAILABLE: the directory does not answer, or not within
 * limit_ms and the time of an operation. RC_GONE: nobody can say what was
 * missed; whoever keeps something of records reads them anew. Not brought: a
 * modification that replication delivered after a later one of the same entry,
 * as 389 DS mostly gives it no new entryUSN; what is added is always brought,
 * so what must not be missed stands in added entries (store/decision.h). Never
 * from a watcher's fn. */
MUST enum rc store_catch_up(struct store *s, int limit_ms, struct err *e);
/* The newest usn that all watchers have seen. */
uint64_t store_usn(struct store *s);

/* The effects journal. Rows in order; fn settles one by returning true, keeps
 * it for a later try by returning false (the drain then goes on with the next
 * type). */
struct effect {
	uint64_t row;
	const char *type;
	struct view payload;
	int64_t written_ms;
	unsigned tries;
};
MUST enum rc store_drain(struct store *s, const char *type,
    bool (*fn)(void *arg, const struct effect *x), void *arg, struct err *e);
/* Called (any thread) when new effects are waiting; may be NULL. */
void store_on_effect(struct store *s, void (*fn)(void *arg), void *arg);
uint64_t store_effects_waiting(struct store *s);

/* Identity drawn when the store was made; a copy has the same one, and the
 * host-local high-water file (instance/) tells copies apart. */
const char *store_generation(struct store *s);
/* RC_OK when reads and commits can be expected to work right now. */
MUST enum rc store_health(struct store *s, struct err *e);
void store_free(struct store *s);
OWNED(store)

struct store_stats {
	uint64_t commits, groups, records, reads, searches, bytes;
};
/* Counters since the store was opened. */
void store_stats(struct store *s, struct store_stats *out);

/* --- back-ends -------------------------------------------------------- */

struct lmdb_params {
	const char *dir; /* folder, made 0700 if missing */
	size_t map_size; /* 0 = 64 GiB of address space, sparse */
	bool read_only;
	const struct clock *clock;
};
/* RC_IO: disk full, unreadable; RC_CONFLICT: another process has it open. */
MUST enum rc store_open_lmdb(
    struct store **out, const struct lmdb_params *p, struct err *e);
/* A consistent copy while running, into an empty folder. */
MUST enum rc store_backup_lmdb(struct store *s, const char *dir, struct err *e);

struct ldap_params {
	const char *url; /* ldap://h:389, ldaps://h:636 */
	bool starttls;
	const char *ca_file;
	const char *bind_dn;
	const struct secret *password;
	/* In place of bind_dn and password: a client certificate (DER) and its
	 * PrivateKeyInfo, on LDAPS or StartTLS; the directory maps it to an
	 * entry (SASL EXTERNAL). */
	struct view client_cert;
	const struct secret *client_key;
	const char *base_dn;
	const char *database;  /* back end name of the suffix */
	const char *subsystem; /* "ca", "kra" ... */
	const char *domain;    /* name of the security domain kept here, if
				* any */
	const char *spool_dir; /* host-local LMDB for effects and cursor */
	const struct clock *clock;
	int timeout_ms;
	size_t connections; /* 0 = 8 */
	/* store_commit of requests, new certificates and new keys returns when
	 * that many other directories have them, or RC_UNAVAILABLE
	 * (STORE_UNACKED) after ack_timeout_ms (0 = 5000). The others are those that
	 * this one's agreements name; they must accept bind_dn and password. */
	unsigned ack_replicas;
	int ack_timeout_ms;
};
/* Opens a store over a directory. */
MUST enum rc store_open_ldap(
    struct store **out, const struct ldap_params *p, struct err *e);
/* Makes what store_open_ldap needs: server settings, schema, the base entry and
 * its containers (spec directory 1.1, 2.2). Leaves alone what is there. The USN
 * plug-in is switched on, but acts only after the server's next start. The back
 * end of the suffix must exist. spool_dir is not used. */
MUST enum rc store_setup_ldap(const struct ldap_params *p, struct err *e);

#endif
