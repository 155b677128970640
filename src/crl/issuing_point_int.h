/* SPDX-License-Identifier: Apache-2.0 */
/* issuing_point_int.h - what issuing_point.c, feed.c and generate.c share. */
#ifndef CRL_ISSUING_POINT_INT_H
#define CRL_ISSUING_POINT_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "crl/crl_conf.h"
#include "crl/crl_file.h"

enum {
	CRL_CONFIGURES_MAX = 64
};

/* A growing list of serials. */
struct serials {
	struct num *items;
	size_t n, cap;
};
MUST enum rc serials_add(struct serials *s, const struct num *n);
void serials_done(struct serials *s);

struct issuing_point {
	/* constant after open */
	char *id, *dir, *issuer, *effect;
	char *ca_url; /* NULL = none */
	uint8_t *ca_cert;
	size_t ca_cert_len;
	bool host_ca, bytes_in_record, by_claim;
	atomic_bool lazy;
	/* replaced, never changed; those that were stay until the end, for who
	 * still reads them */
	struct crl_conf *_Atomic conf;
	struct num floor;
	enum rc (*mark)(void *arg, const char *id, const struct num *number,
	    bool served, struct err *e);
	void *mark_arg;
	struct store *store;
	const struct clock *clock;
	struct key *key;
	uint8_t *issuer_name; /* whole Name, of the certificate */
	size_t issuer_name_len;
	struct revoked_set *set;
	struct watch *watch;

	pthread_mutex_t making; /* one generation, refresh or rebuild at a time;
				 * taken before `lock` */

	pthread_mutex_t lock; /* all below */
	struct num number;    /* highest one used or seen */
	char *number_text; /* crlNumber as in the record, NULL = none; several
			       * values (after a split) a line each */
	char *delta_text;  /* deltaNumber likewise */
	bool has_claim;
	struct claim claim;
	bool behind; /* the record holds less than is served here */
	struct crl_conf *former[CRL_CONFIGURES_MAX];
	size_t n_former;
	const struct crl_file *current;
	const struct crl_file *delta; /* over current, or NULL */
	int64_t last_this, last_next; /* of the record; 0 = none */
	int64_t skipped;              /* time of a list left out as empty */
	bool changed;                 /* the set differs from the last list */
	bool loading;                 /* the feed is queued, see feed.c */
	bool lost;                    /* a change could not be kept: rebuild */
	bool unfilled;                /* since open, see fill_later */
	struct serials queue;         /* while loading */
	struct serials leaving;       /* expired, on one more list */
	bool record_changed;          /* by another host */
	bool generating;
	uint64_t made, failed;
	int64_t failures; /* in a row */
	int64_t failed_at, took_ms;
	char failure[ERR_TEXT_MAX];
};

/* feed.c: fills the set from the store, while changes are queued; the caller
 * holds `making`. The old set serves until the new one is whole. */
MUST enum rc issuing_point_fill(struct issuing_point *ip, struct err *e);
/* The watcher. */
void issuing_point_feed(void *arg, const struct feed_item *i);

/* issuing_point.c: takes over number, dates and list from the record; the
 * caller holds `making`. */
MUST enum rc issuing_point_take_over(
    struct issuing_point *ip, const struct rec *r, struct err *e);
/* issuing_point_refresh where `making` is held. */
MUST enum rc issuing_point_refresh_locked(
    struct issuing_point *ip, struct err *e);
/* claim_gate.c: the number of the next list: under a claim from its room. */
MUST enum rc issuing_point_number(
    struct issuing_point *ip, struct num *out, struct err *e);
/* Is the claim still the greatest, as the store says now? RC_GONE: no, and it
 * was dropped. RC_OK without by_claim. */
MUST enum rc issuing_point_confirm(struct issuing_point *ip, struct err *e);
/* Notes that a list of that number is served from now on. */
void issuing_point_served(struct issuing_point *ip, const struct num *n);
/* Is a list due at once because of the claim: the first one, or one in place of
 * a lesser list in the record? Under ip->lock. */
bool issuing_point_claim_due(const struct issuing_point *ip);
MUST enum rc issuing_point_record(
    struct issuing_point *ip, struct rec **out, struct err *e);

#endif
