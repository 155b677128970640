/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_int.h - the directory as a store (internal to store/ldap_*.c).
 *
 * Commits run side by side, each change one LDAP operation; those that touch the
 * same record follow one another. The new state comes back with the post-read
 * control and is handed to the feed before the commit returns. Changes from elsewhere come by a persistent search over the
 * whole base, with a search by entryUSN for what happened before or in between.
 * Effects lie in a host-local LMDB store (the spool), first as an intention
 * that names the commit's decision, then, when that came true, as rows. */
#ifndef STORE_LDAP_INT_H
#define STORE_LDAP_INT_H

#include <inttypes.h>
#include <ldap.h>
#include <time.h>

#include "base/thread.h"
#include "store/filter_int.h"
#include "store/kind.h"
#include "store/store_backend.h"

enum {
	LDAP_BE_CONNECTIONS = 8,
	LDAP_BE_TIMEOUT_MS = 5000,
	LDAP_BE_PAGE = 500,
	LDAP_BE_RING = 1024, /* own changes the feed may still report */
	LDAP_BE_RETRIES = 5, /* of a modification whose value is there */
	LDAP_BE_DN_MAX = 4096,
	LDAP_BE_RECONNECT_MS = 1000,
	LDAP_BE_POLL_MS = 200,
	LDAP_BE_CHECK_MS = 5000,   /* between looks at the sentinel */
	LDAP_BE_MARK_MS = 300000,  /* between sentinels, where much happens */
	LDAP_BE_GAP_MAX = 20000,   /* more changes than that are read anew */
	LDAP_BE_PIPELINE = 8,      /* commits on their way at once */
	LDAP_BE_GIVEN_UP = 256,    /* more callers than that do not wait */
	LDAP_BE_RECOVER_MS = 5000, /* between tries to finish cut commits */
	LDAP_BE_ACK_MS = 5000,     /* until other directories have it */
	LDAP_BE_ORPHAN_MS = 5000, /* a cut operation may still be carried out */
	LDAP_BE_EPOCH_SHIFT = 44, /* entryUSN below, epoch above */
	LDAP_BE_GAPS = 64,        /* spans of numbers not seen, at most */
	LDAP_BE_TAIL = 128,       /* last numbers, asked for in any case */
	LDAP_BE_RECENT = 512,     /* states handed over that are remembered */
	/* after that an operation that has its number can be found */
	LDAP_BE_NUMBERED_MS = 30000,
};

/* An own change that the persistent search will report once more. */
struct ldap_own {
	uint64_t id_hash, state_hash;
};

/* Numbers that nobody has seen. */
struct dir_gap {
	uint64_t from, to;
	int64_t since_ms; /* clock_mono_ms when it was noticed */
};
/* A state of a record that was handed over. */
struct dir_recent {
	uint64_t id_hash, usn;
};
struct dir_seen {
	uint64_t top;                      /* greatest number seen */
	struct dir_gap gaps[LDAP_BE_GAPS]; /* below it, in order */
	size_t n_gaps;
	struct dir_recent recent[LDAP_BE_RECENT];
	size_t recent_at;
};

/* An intention whose commit has ended. */
struct settle {
	uint64_t intent;
	bool came_true;
};
struct dir_numbers {
	uint64_t *list;
	size_t n;
};

struct ldap_be {
	struct store *store, *spool;
	char *url, *ca_file, *bind_dn, *base_dn, *database, *subsystem;
	char *domain; /* name of the security domain; may be NULL */
	struct secret *password;
	struct buf client_cert; /* empty: bind_dn and password */
	struct secret *client_key;
	bool starttls;
	size_t base_rdns; /* RDNs in base_dn */
	int timeout_ms;
	const struct clock *clock;
	char generation[64];

	pthread_mutex_t pool_lock; /* of the next four */
	pthread_cond_t pool_free;
	LDAP **idle;
	size_t n_idle, n_open, max_open;

	pthread_mutex_t flight_lock; /* of the next six */
	pthread_cond_t landed;
	uint64_t tickets, boarding; /* given out, next to go on board */
	uint64_t given_up[LDAP_BE_GIVEN_UP];
	uint64_t flying; /* records of commits on their way, as bits */
	unsigned n_flying;

	pthread_mutex_t settle_lock; /* of the next five */
	pthread_cond_t settle_work, settle_idle;
	struct settle *settles;
	size_t settle_n;
	struct dir_numbers orphans;
	bool settle_stop, settling;
	pthread_t settler;
	_Atomic uint64_t intents;

	pthread_mutex_t feed_lock; /* all deliveries; the next three */
	struct ldap_own own[LDAP_BE_RING];
	size_t own_at;
	struct dir_seen seen;

	struct dir_ack *ack; /* NULL: commits wait for no other directory */

	struct dir_lists *lists; /* NULL until they are wanted */

	pthread_t watcher;
	bool watching;
	_Atomic bool closing;
	_Atomic bool live;    /* the persistent search runs */
	_Atomic bool in_step; /* and what was missed before is handed over */
	_Atomic bool hung; /* it lets operations wait; asked by the watcher */
	bool has_usn;      /* the USN plug-in acts */
	_Atomic uint64_t epoch;
	uint64_t sure; /* number of an earlier run that is safe to go on from */
	uint64_t opened; /* newest when it was opened */
	uint64_t marked; /* newest when the sentinel was written; 0 = never */
	_Atomic uint64_t newest; /* entryUSN handed to all watchers */
	_Atomic uint64_t commits, records, reads, searches;
};

/* --- ldap_conn.c -------------------------------------------------------- */

/* A result code of LDAP as ours. */
enum rc dir_err(struct err *e, int code, const char *what);
/* A bound connection from the pool. RC_UNAVAILABLE, RC_AUTH. */
enum rc dir_take(struct ldap_be *be, LDAP **out, struct err *e);
/* Gives it back; one that failed (code) is closed. */
void dir_give(struct ldap_be *be, LDAP *ld, int code);
/* A connection of one's own, to be closed by ldap_unbind_ext_s. */
enum rc dir_connect(struct ldap_be *be, LDAP **out, struct err *e);
/* The same for one who has no back-end, from parameters alone. */
enum rc dir_connect_params(
    const struct ldap_params *p, LDAP **out, struct err *e);
void dir_pool_done(struct ldap_be *be);
/* Is the connection of an operation with that result lost? */
bool dir_broken(int code);
/* May that error pass by itself, the directory being away or slow? */
bool dir_rc_passing(enum rc rc);
/* RC_UNAVAILABLE at once while the directory is known not to answer. */
enum rc dir_up(struct ldap_be *be, struct err *e);

/* --- ldap_map.c --------------------------------------------------------- */

/* Where the records of a kind are looked for: base and scope. */
enum rc dir_container(struct ldap_be *be, struct buf *out, int *scope,
    enum rec_kind k, struct err *e);
/* DN of a record. */
enum rc dir_dn(struct ldap_be *be, struct buf *out, enum rec_kind k,
    const char *id, struct err *e);
/* The kind an entry's object classes say; false: none of ours. */
bool dir_kind_of(LDAP *ld, LDAPMessage *entry, enum rec_kind *out);
/* Entry to record. RC_INVALID: no record of that kind, such as a conflict
 * entry; RC_NOTFOUND: a repository without counter. */
enum rc dir_to_rec(struct ldap_be *be, LDAP *ld, LDAPMessage *entry,
    enum rec_kind k, struct rec **out, struct err *e);
/* A tombstone to a record that says no more than kind, id and usn. */
enum rc dir_gone_rec(struct ldap_be *be, LDAP *ld, LDAPMessage *entry,
    enum rec_kind k, struct rec **out, struct err *e);
/* The same for the value of a post-read control. */
enum rc dir_post_read(struct ldap_be *be, struct berval *value, enum rec_kind k,
    const char *id, struct rec **out, struct err *e);
/* RDN value of the entry of a record, unescaped. */
enum rc dir_rdn_value(struct ldap_be *be, struct buf *out, enum rec_kind k,
    const char *id, struct err *e);

/* --- ldap_filter.c ------------------------------------------------------ */

/* Filter of all records of a kind that also meet f (may be NULL), as far as
 * there are indexes for it; false: it finds more, to be matched here. */
bool dir_filter(struct buf *out, enum rec_kind k, const struct filter *f);

/* --- ldap_tree.c -------------------------------------------------------- */

/* Makes dn an entry of class device with that description. */
enum rc dir_put_device(
    struct ldap_be *be, const char *dn, const char *description, struct err *e);
/* Makes the containers between the base and the entry dn that are missing. */
enum rc dir_add_parents(
    struct ldap_be *be, LDAP *ld, const char *dn, struct err *e);

/* --- ldap_op.c ----------------------------------------------------------- */

struct op_result {
	int code;        /* of LDAP */
	struct rec *now; /* the caller's: the entry as the operation left it */
	bool gone;       /* deleted by it */
};
/* A critical control with the value in ber, which is freed; printed is what
 * ber_printf returned. An LDAP result code. */
int dir_control(
    LDAPControl **out, const char *oid, BerElement *ber, int printed);
/* Asks for an entry as an operation leaves it. */
int dir_post_read_control(LDAPControl **out);
/* Makes one change. */
enum rc dir_op(struct ldap_be *be, LDAP *ld, const struct change *c,
    LDAPControl *post, struct op_result *out, struct err *e);

/* --- ldap_write.c ------------------------------------------------------- */

/* store_commit of this back-end. */
enum rc dir_commit(void *impl, const struct batch *b, struct err *e);
/* Makes a change of a cut commit; one that was made already is RC_OK. */
enum rc dir_redo(struct ldap_be *be, const struct change *c, struct err *e);
/* Until no commit is on its way that touches the record. */
void dir_wait_landed(struct ldap_be *be, enum rec_kind k, const char *id);

/* --- ldap_read.c -------------------------------------------------------- */

extern char *dir_read_attrs[]; /* "*", "entryUSN" */
struct ask {                   /* what a search operation asks for */
	const char *base, *filter;
	int scope;
	char **attrs;
	LDAPControl **ctrls; /* set by the search */
};
/* Calls fn for each entry until it returns false, a page at a time. An absent
 * base has none. */
enum rc dir_pages(struct ldap_be *be, const struct ask *q,
    bool (*fn)(void *arg, LDAP *ld, LDAPMessage *entry), void *arg,
    struct err *e);
/* store_get of this back-end. */
enum rc dir_get(void *impl, struct rec **out, enum rec_kind kind,
    const char *id, struct err *e);
/* store_search of this back-end. */
enum rc dir_search(void *impl, const struct query *q,
    bool (*fn)(void *arg, const struct rec *r), void *arg, struct err *e);
/* store_count of this back-end. */
enum rc dir_count(void *impl, uint64_t *out, enum rec_kind kind,
    const char *filter, struct err *e);
/* Reads one attribute of an entry by a base search. RC_NOTFOUND. */
enum rc dir_read_one(struct ldap_be *be, struct buf *out, const char *dn,
    const char *attr, struct err *e);

/* --- ldap_list.c -------------------------------------------------------- */

/* Empty lists, before the feed runs; then they are read in the background. */
enum rc dir_lists_new(struct ldap_be *be, struct err *e);
enum rc dir_lists_start(struct ldap_be *be, struct err *e);
/* Reads them anew: changes were missed. */
void dir_lists_restart(struct ldap_be *be);
void dir_lists_stop(struct ldap_be *be);
/* A record is now like that; r NULL = deleted. feed_lock is held. */
void dir_list_follow(
    struct ldap_be *be, enum rec_kind k, const char *id, const struct rec *r);
/* A page, or the number of matches, from a list; false: there is no list that
 * can tell. */
bool dir_list_search(struct ldap_be *be, const struct query *q,
    const struct filter *f, bool (*fn)(void *arg, const struct rec *r),
    void *arg, enum rc *rc, struct err *e);
bool dir_list_count(
    struct ldap_be *be, uint64_t *out, enum rec_kind k, const struct filter *f);

/* --- ldap_cursor.c ------------------------------------------------------ */

/* After connecting: *same: the server goes on from where it was left; else a new
 * epoch has begun and all is to be read again. */
enum rc dir_cursor_check(struct ldap_be *be, bool *same, struct err *e);
/* While connected: is the sentinel as it was left? */
bool dir_cursor_holds(struct ldap_be *be);
/* Leaves the sentinel, best at a quiet moment. */
void dir_mark(struct ldap_be *be);

/* --- ldap_ack.c --------------------------------------------------------- */

struct dir_ack;
/* Sets be->ack where p asks for it; asks no server yet. */
enum rc dir_ack_new(
    struct ldap_be *be, const struct ldap_params *p, struct err *e);
void dir_ack_free(struct dir_ack *a);
/* Is a commit of b to wait for other directories? */
bool dir_ack_wanted(const struct ldap_be *be, const struct batch *b);
/* Waits until they have what this directory has now. RC_UNAVAILABLE "stored,
 * but ...". */
enum rc dir_ack_wait(struct ldap_be *be, struct err *e);

/* --- ldap_seen.c -------------------------------------------------------- */

/* All up to top is seen. */
void dir_seen_reset(struct dir_seen *s, uint64_t top);
void dir_seen_number(struct dir_seen *s, uint64_t usn, int64_t now_ms);
/* The gaps noticed before that moment were asked for: what was not found there
 * is no change of today. */
void dir_seen_asked(struct dir_seen *s, int64_t before_ms);
/* Finds the entries that may not have been seen. */
void dir_seen_filter(const struct dir_seen *s, struct buf *out);
/* Was that state of a record, or a later one, handed over not long ago? */
bool dir_seen_newer(const struct dir_seen *s, uint64_t id_hash, uint64_t usn);
void dir_seen_state(struct dir_seen *s, uint64_t id_hash, uint64_t usn);

/* --- ldap_feed.c -------------------------------------------------------- */

/* Hands over what the persistent search has not brought, or not yet. */
enum rc dir_fill_gaps(struct ldap_be *be, struct err *e);
/* store_catch_up of this back-end. */
enum rc dir_catch_up(void *impl, int limit_ms, struct err *e);

/* Hands an own change to the watchers. */
void dir_deliver_own(
    struct ldap_be *be, enum rec_kind k, const char *id, const struct rec *r);
enum rc dir_watch(void *impl, struct watch *w, uint64_t since, struct err *e);
uint64_t dir_exposed(const struct ldap_be *be, uint64_t usn);
enum rc dir_feed_start(struct ldap_be *be, struct err *e);
void dir_feed_stop(struct ldap_be *be);

/* --- ldap_spool.c ------------------------------------------------------- */

/* Writes what b intends; *intent 0 when there is nothing to write. */
enum rc dir_intend(
    struct ldap_be *be, uint64_t *intent, const struct batch *b, struct err *e);
/* Soon (dir_settle_flush: now): came_true: the intended effects become rows;
 * else they go. */
void dir_settle(struct ldap_be *be, uint64_t intent, bool came_true);
void dir_settle_flush(struct ldap_be *be);
enum rc dir_settle_start(struct ldap_be *be, struct err *e);
void dir_settle_stop(struct ldap_be *be);
/* Takes up the intentions of an earlier run. */
enum rc dir_spool_load(struct ldap_be *be, struct err *e);
/* Nobody knows whether its decision came true. */
void dir_orphan(struct ldap_be *be, uint64_t intent);
/* Asks the directory for the decisions of all orphans and finishes those
 * commits. final: what is not there now did not come true. */
enum rc dir_recover(struct ldap_be *be, bool final, struct err *e);
/* A host-local text by name ("" when absent) and its change. */
enum rc dir_note_get(
    struct ldap_be *be, struct buf *out, const char *name, struct err *e);
enum rc dir_note_set(
    struct ldap_be *be, const char *name, const char *value, struct err *e);

#endif
