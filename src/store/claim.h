/* SPDX-License-Identifier: Apache-2.0 */
/* claim.h - who holds a role (design.md, law 5). A role ("crl.MasterCRL",
 * "status", "ranges") is held by the greatest claim. A claim is an added entry
 * whose name no other host can use; it is never modified. Beside the claims
 * stand two kinds of notes, added likewise: a host asks the holder for the role,
 * the holder releases it (it will not use that claim again, and the last number
 * it used is this). So a hand-over needs nothing but replication, and each of
 * its steps survives the death of either side.
 *
 * Numbers. The number of a claim is the first it may give to a CRL. Its room
 * ends with claim_number_end. The rooms of two claims are disjoint:
 * a handed-over claim begins after the released one's last number, in the same
 * room, and the released one is never used again; a forced one takes a room of
 * 2^20 that carries this host's id, in an epoch (number >> 36) above all that
 * were seen. See docs/crl-numbers.md for the proof.
 *
 * Threads: any; nothing is shared. */
#ifndef STORE_CLAIM_H
#define STORE_CLAIM_H

#include "store/store.h"

enum {
	CLAIM_ID_MAX = 128,
	CLAIM_ROLE_MAX = 80,
	CLAIM_HOST_MAX = 256,
	CLAIM_ADDRESS_MAX = CLAIM_HOST_MAX + 16, /* "host:port" */
	CLAIM_ROOM_BITS = 20,  /* numbers of one forced claim */
	CLAIM_EPOCH_BITS = 36, /* 16 bits of host id above them */
};
#define CLAIM_ROLE_CRL "crl." /* and the issuing point's id */
#define CLAIM_ROLE_STATUS "status"
#define CLAIM_ROLE_RANGES "ranges"
#define CLAIM_ROLE_OCSP "ocsp" /* the OCSP manager that receives CRLs */

/* kind, its word in the entry, whether it is a claim (else a note) */
#define CLAIM_KIND_LIST(X)            \
	X(FIRST, "first", true)       \
	X(HANDOVER, "handover", true) \
	X(FORCED, "forced", true)     \
	X(RENEWED, "renewed", true)   \
	X(ASK, "ask", false)          \
	X(RELEASE, "release", false)
enum claim_kind {
#define X(name, word, holds) CLAIM_##name,
	CLAIM_KIND_LIST(X)
#undef X
	CLAIM_KINDS
};
/* "forced". */
const char *claim_kind_text(enum claim_kind k);
/* FIRST, HANDOVER, FORCED, RENEWED: it counts in claims_greatest. */
bool claim_kind_holds(enum claim_kind k);

/* Who we are: the host id of the high-water file, never 0, and where our agent
 * pages are. */
struct claim_self {
	uint16_t host_id;
	char host[CLAIM_HOST_MAX];
	int port;
};

struct claim {
	char id[CLAIM_ID_MAX]; /* "<role>.<host id, 4 hex digits>.<n>" */
	char role[CLAIM_ROLE_MAX];
	enum claim_kind kind;
	struct num number; /* first of a claim; last used, of a release; of an
			    * ask 0 */
	struct claim_self by;
	uint32_t n;               /* tells claims of one host apart */
	char about[CLAIM_ID_MAX]; /* HANDOVER: the claim it goes on from;
				   * RELEASE: the claim that ends; ASK: the claim
				   * whose end is asked for; FORCED: the own
				   * released claim that it takes back; else "" */
	uint16_t to;              /* RELEASE: host id of the successor */
	char why[64];             /* "wish", "taken over" ... for people */
	int64_t made;
};

/* < 0 when a is lesser: by number, then host id, then n. A total order: two
 * claims compare equal only when they are the same entry. */
int claim_cmp(const struct claim *a, const struct claim *b);
/* Appends "<role>.<hhhh>.<n>" to out of CLAIM_ID_MAX; RC_TOOBIG. */
MUST enum rc claim_id(char out[CLAIM_ID_MAX], const char *role,
    uint16_t host_id, uint32_t n, struct err *e);

/* The entry of c; NULL when memory is out. */
struct rec *claim_encode(const struct claim *c);
/* RC_INVALID names what is wrong with the entry; *out is then undefined. */
MUST enum rc claim_decode(
    struct claim *out, const struct rec *r, struct err *e);

/* --- numbers (pure) ------------------------------------------------------ */

/* n + 1; RC_TOOBIG past 20 octets. */
MUST enum rc claim_number_after(
    struct num *out, const struct num *n, struct err *e);
/* (((greatest >> 36) + 1) << 36) | host_id << 20; RC_TOOBIG. */
MUST enum rc claim_number_forced(struct num *out, const struct num *greatest,
    uint16_t host_id, struct err *e);
/* The last number of the room that `first` lies in: of 2^20 numbers, in epoch 0
 * (before any forced claim) all of the epoch. */
struct num claim_number_end(const struct num *first);
/* The number of the next CRL under c when `highest` is the highest one used or
 * seen by anybody: not below c->number, above highest. RC_TOOBIG: the room is
 * used up, or somebody used a higher number: the claim is to be renewed. */
MUST enum rc claim_number_next(struct num *out, const struct claim *c,
    const struct num *highest, struct err *e);

/* --- claims in a store --------------------------------------------------- */

/* All entries of one role (NULL: of all), in no order. */
struct claims {
	struct claim *items;
	size_t n;
};
void claims_done(struct claims *c);
static inline void
claims_donep(struct claims *c)
{
	claims_done(c);
}
#define AUTO_CLAIMS __attribute__((cleanup(claims_donep))) struct claims
/* Reads them from the store, now; unreadable entries are left out. *out is the
 * caller's on success. */
MUST enum rc claims_load(
    struct claims *out, struct store *s, const char *role, struct err *e);
/* The one that holds the role; NULL when nobody claimed it. */
const struct claim *claims_greatest(const struct claims *c, const char *role);
/* The release of that claim; NULL while it is open. */
const struct claim *claims_release(const struct claims *c, const char *id);
/* The highest number that any entry of the role mentions (0 = none). */
struct num claims_highest(const struct claims *c, const char *role);
/* The note ASK about that claim by the host with the least id whose question is
 * still open; NULL = none. */
const struct claim *claims_ask(const struct claims *c, const char *id);

/* Adds c: sets c->n to the first free above n_min and every n of this host, and
 * c->id; role, kind, number, by, about, to, why are the caller's. Durable in this
 * directory when it returns. On failure the entry may or may not be there. */
MUST enum rc claim_add(struct store *s, struct claim *c, uint32_t n_min,
    int64_t now, struct err *e);

/* Does the claim with that id hold its role in this store, read now, and is it
 * open? RC_OK; RC_GONE "the role is held by host:port since ..." or "released";
 * any other: the store did not answer, so nobody may act on the role. This is
 * what a CRL generator asks immediately before it publishes. */
MUST enum rc claim_still_holds(
    struct store *s, const struct claim *c, struct err *e);

#endif
