/* SPDX-License-Identifier: Apache-2.0 */
/* range.h - numbers in sequence: the blocks ("ranges") of request ids, serial
 * numbers and replica ids that an instance owns, how it gets the next one, and
 * how it gives part of one to a clone (spec deployment 4, directory 2.12).
 *
 * Who hands out. The compare-and-swap on nextRange protects one directory
 * only: on two suppliers both sides win (spec directory 4.8). So one instance
 * hands out, the holder of the role "ranges". It grants from a region of its
 * own: the first holder from nextRange itself; each later one, who cannot know
 * what an earlier one handed out unseen, from a slice that bears its host id
 * (range_region), so that two holders on the two sides of a cut never grant
 * the same numbers. The others ask by adding a claim entry in a name no other
 * host can use; the holder answers by adding the range entry with the asker's
 * host and port. Cut off from the holder an instance lives on what it has.
 *
 * What is durable when. A number is handed out after the mark that covers it
 * is durable (struct range_params.save); a range counts as owned when its
 * entry is; a transfer leaves after the shrunk range is durable. A death in
 * between costs numbers, never gives one twice. */
#ifndef STORE_RANGE_H
#define STORE_RANGE_H

#include "base/cfg.h"
#include "store/store.h"

enum range_kind {
	RANGE_REQUEST,
	RANGE_SERIAL,
	RANGE_REPLICA,
};
enum {
	RANGE_KINDS = 3,
	RANGE_TEXT_MAX = 24,
	RANGE_REPLICA_MAX = 65534, /* of 389 DS */
};
/* How CS.cfg writes numbers and where nextRange lives: "legacy" serial numbers
 * are bare hex and the text of nextRange, decimal in the directory, is read as
 * hex by its owner (the slip that existing deployments carry); "legacy2" ones
 * have 0x. Requests and replica ids are decimal in both. */
enum range_form {
	RANGE_LEGACY,
	RANGE_LEGACY2,
};

/* begin..end; none when begin > end. */
struct range_span {
	uint64_t begin, end;
};

struct range_state {
	enum range_kind kind;
	enum range_form form;
	struct range_span now, next; /* next {1, 0} = none reserved */
	bool managed;                /* dbs.enableSerialManagement */
	uint64_t increment, low_water, transfer;
	/* host-local, in the high-water file: the next number (all below may
	 * be used) and the greatest one ever owned, given away ones too */
	uint64_t mark, top;
};

/* "request", "serial_v2" ...: id of the REC_COUNTER record, first part of the
 * ids of REC_RANGE records ("serial_v2/25"). */
const char *range_name(enum range_kind kind, enum range_form form);
/* As CS.cfg and the commands write it ("26", "1a", "0x1a"). */
const char *range_text(char out[RANGE_TEXT_MAX], enum range_kind kind,
    enum range_form form, uint64_t v);
MUST enum rc range_parse(uint64_t *out, enum range_kind kind,
    enum range_form form, const char *text, struct err *e);

/* The dbs.* names of one kind (spec deployment 4.2); absent ones have the
 * model's fall-backs. mark and top are left for the caller (0 = not known). */
MUST enum rc range_load(struct range_state *out, const struct cfg *c,
    enum range_kind kind, enum range_form form, struct err *e);
/* Writes begin, end, nextBegin, nextEnd (removed when there is none) and
 * enableSerialManagement. */
MUST enum rc range_save(
    const struct range_state *s, struct cfg *c, struct err *e);
/* Writes all names of a new installation, sub: "ca", "kra" (dbs.serialDN ...);
 * removes them (the generator became random). */
MUST enum rc range_save_new(
    const struct range_state *s, struct cfg *c, const char *sub, struct err *e);
void range_remove(enum range_kind kind, struct cfg *c);

/* --- arithmetic, no store ----------------------------------------------- */

/* Numbers left in the current range; in both. */
uint64_t range_left_now(const struct range_state *s);
uint64_t range_left(const struct range_state *s);
/* How the text of RC_UNAVAILABLE begins when no number is left. */
#define RANGE_EXHAUSTED "All serial numbers are used."
/* The next number, changing s: mark moves on, an empty range is followed by the
 * next one. RC_UNAVAILABLE "All serial numbers are used. The max serial number
 * is 20". */
MUST enum rc range_next(struct range_state *s, uint64_t *out, struct err *e);
/* Cuts `transfer` numbers off the end for a clone, changing s (spec deployment
 * 4.4): of the current range, or of the next one where numbers of the block
 * may be used. random: they may be used anywhere in the current range.
 * RC_UNAVAILABLE: "Current range depleted but no next range available." */
MUST enum rc range_cut(
    struct range_state *s, struct range_span *out, bool random, struct err *e);
/* As range_cut, of what is left when no range is to be had: half of the current
 * one's numbers. Of replica ids the greater half, the last one too: this host's
 * directory has its id. RC_UNAVAILABLE: nothing is left. */
MUST enum rc range_halve(
    struct range_state *s, struct range_span *out, struct err *e);
/* A restored or copied instance: nothing of what it had may be used. */
void range_burn(struct range_state *s);
/* The number that the text of nextRange (or of a range entry) means to its
 * owner, and back. RC_INVALID: no such text. */
MUST enum rc range_owner_reads(uint64_t *out, enum range_kind kind,
    enum range_form form, uint64_t in_directory, struct err *e);
/* The least text for nextRange that lies above `end` for its owners. */
uint64_t range_after(enum range_kind kind, enum range_form form, uint64_t end);

/* --- in the store ------------------------------------------------------- */

/* The ranges of one generator in one store. */
struct range_set {
	struct store *store;
	enum range_kind kind;
	enum range_form form;
};
/* An instance in range entries: host name and secure port. */
struct range_owner {
	const char *host, *port;
};
/* Where a holder grants from: region 0 = nextRange itself. */
struct range_holder {
	uint64_t region;
	uint16_t host_id;
};
/* The region for a new holder: above all that is seen, in host_id's slice. */
MUST enum rc range_region(const struct range_set *set, uint16_t host_id,
    uint64_t *out, struct err *e);
/* Sets nextRange where there is none yet, once; adds the counter's record in an
 * embedded store. */
MUST enum rc range_counter_init(
    const struct range_set *set, uint64_t next, struct err *e);
/* Reads nextRange. RC_NOTFOUND. */
MUST enum rc range_counter(
    const struct range_set *set, uint64_t *out, struct err *e);
/* Takes the block behind the last one and adds its entry for that owner;
 * *begin as the directory has it. RC_GONE: the region is used up, make
 * another. */
MUST enum rc range_grant(const struct range_set *set,
    const struct range_holder *h, uint64_t increment,
    const struct range_owner *owner, uint64_t *begin, struct err *e);
/* As holder: answers what others ask for; *n grows by the ranges granted. */
MUST enum rc range_serve(const struct range_set *set,
    const struct range_holder *h, size_t *n, struct err *e);

/* From legacy to legacy2 (set's form): repeats the owner's entries, numbers as
 * the owner read them, and moves nextRange behind them; at least to next where
 * there is none. */
MUST enum rc range_convert(const struct range_set *set,
    const struct range_owner *owner, uint64_t next, struct err *e);

/* --- the ranges of one kind of a running instance ----------------------- */

struct range;
struct range_params {
	struct range_state state; /* as loaded, mark and top known */
	struct store *store;
	struct range_owner owner; /* this instance; copied */
	uint16_t host_id;
	bool random; /* RSNv1: drawn anywhere in the current range */
	/* Makes the state durable: the host-local part always, CS.cfg's when
	 * spans is set. */
	MUST enum rc (*save)(
	    void *arg, const struct range_state *s, bool spans, struct err *e);
	void *arg;
};
MUST enum rc range_new(
    struct range **out, const struct range_params *p, struct err *e);
/* Saves the exact mark first. */
void range_free(struct range *r);
OWNED(range)

/* The next number, durable as handed out. Any thread. */
MUST enum rc range_take(struct range *r, struct num *out, struct err *e);
/* checkRanges: drops a next range that another host turns out to own, takes up
 * one granted to us, reserves one below the low-water mark: itself when h is
 * not NULL (this instance is the holder, or there is none), else by asking;
 * *waits is then set until the answer has come. */
MUST enum rc range_check(
    struct range *r, const struct range_holder *h, bool *waits, struct err *e);
/* Cuts off a clone's block, durably; h and reserving as range_check. turn_on:
 * sets enableSerialManagement and checks the low-water mark first; else a range
 * is reserved only where nothing can be cut off. */
MUST enum rc range_transfer(struct range *r, struct range_span *out,
    const struct range_holder *h, bool turn_on, struct err *e);
/* While the holder does not answer: part of this instance's own numbers, as
 * range_halve; not of numbers that are drawn at random. */
MUST enum rc range_share(
    struct range *r, struct range_span *out, struct err *e);
/* enableSerialManagement was switched on elsewhere. */
void range_manage(struct range *r);
/* A copy of the state as of now. */
struct range_state range_now(struct range *r);

#endif
