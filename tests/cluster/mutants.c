/* SPDX-License-Identifier: Apache-2.0 */
/* mutants.c - known-wrong variants: what the judge must catch. Each one is a
 * fault that a server of this kind could have, played at the seam between a CA
 * and its directory, or one of the simulator's own merging.
 * Owns:    the constant table.
 * Trusts:  nothing.
 * Threads: constant data. */
#include "cluster.h"
#include "instance/highwater.h"
#include "store/store_backend.h"

/* --- what the directory is not told ---------------------------------------- */

static bool
adds(const struct change *c, enum rec_kind kind, const char *type)
{
	return c->op == CHANGE_ADD && c->kind == kind &&
	    (type == NULL || rec_has(c->rec, "requestType", type));
}

static bool
modifies(const struct change *c, enum rec_kind kind)
{
	return c->op == CHANGE_MODIFY && c->kind == kind;
}

static bool
no_revocation(const struct batch *b, size_t i)
{
	return !adds(&b->changes[i], REC_REQUEST, "revocation");
}

static bool
no_release(const struct batch *b, size_t i)
{
	return !adds(&b->changes[i], REC_REQUEST, "unrevocation");
}

static bool
no_certificate(const struct batch *b, size_t i)
{
	return !adds(&b->changes[i], REC_CERT, NULL);
}

static bool
no_consequence(const struct batch *b, size_t i)
{
	return i == 0 || !modifies(&b->changes[i], REC_CERT);
}

static bool
writes(const struct change *c, const char *attr)
{
	for (size_t i = 0; i < c->n_mods; i++)
		if (text_ieq(c->mods[i].attr, attr))
			return true;
	return false;
}

static bool
no_repair(const struct batch *b, size_t i)
{
	return i > 0 || !modifies(&b->changes[0], REC_CERT) ||
	    !writes(&b->changes[0], "revInfo");
}

/* --- what the CA does not find --------------------------------------------- */

static bool
decisions(const struct query *q)
{
	return q->kind == REC_REQUEST && q->filter != NULL &&
	    text_starts(q->filter, "(requestSourceId=");
}

static bool
blind_to_requests(
    const struct host *h, const struct query *q, const struct rec *r)
{
	(void)h;
	(void)r;
	return !decisions(q);
}

static bool
blind_to_revocations(
    const struct host *h, const struct query *q, const struct rec *r)
{
	(void)h;
	return !decisions(q) || !rec_has(r, "requestType", "revocation");
}

static bool
blind_to_releases(
    const struct host *h, const struct query *q, const struct rec *r)
{
	(void)h;
	return !decisions(q) || !rec_has(r, "requestType", "unrevocation");
}

static bool
by_host(const struct rec *r, const struct host *h)
{
	struct claim c;

	return claim_decode(&c, r, NULL) == RC_OK &&
	    c.by.host_id == highwater_host_id(h->sub.highwater);
}

static bool
blind_to_claims(
    const struct host *h, const struct query *q, const struct rec *r)
{
	return q->kind != REC_CLAIM || by_host(r, h);
}

/* The role of who hands out ranges is not shared: each takes itself for it. */
static bool
blind_to_holder(
    const struct host *h, const struct query *q, const struct rec *r)
{
	return q->kind != REC_CLAIM || by_host(r, h) ||
	    !text_starts(r->id, CLAIM_ROLE_RANGES ".");
}

/* --- what the CA does not hear ----------------------------------------------- */

static bool
deaf(const struct feed_item *i)
{
	return i->local;
}

static bool
deaf_to_certificates(const struct feed_item *i)
{
	return i->local || i->kind != REC_CERT;
}

static bool
deaf_to_profiles(const struct feed_item *i)
{
	return i->local || i->kind != REC_PROFILE;
}

static bool
deaf_to_settings(const struct feed_item *i)
{
	return i->local || i->kind != REC_SETTING;
}

static bool
deaf_to_claims(const struct feed_item *i)
{
	return i->local || i->kind != REC_CLAIM;
}

/* A decision is not followed up, neither one of its own. */
static bool
deaf_to_decisions(const struct feed_item *i)
{
	return i->kind != REC_REQUEST;
}

/* A usn of another life of the directory is taken for one of this, where the
 * numbers begin anew: nothing is newer. */
static uint64_t
any_epoch(struct store *s, uint64_t since)
{
	return since >> 40 == store_usn(s) >> 40 ? since : UINT64_MAX;
}

static uint64_t
from_now_on(struct store *s, uint64_t since)
{
	(void)s;
	(void)since;
	return UINT64_MAX;
}

/* --- what it reads wrongly -------------------------------------------------- */

/* Every claim begins at number 1. */
static void
number_one(struct rec *r)
{
	struct claim c;
	struct rec *fresh;

	if (r->kind != REC_CLAIM || claim_decode(&c, r, NULL) != RC_OK ||
	    !claim_kind_holds(c.kind))
		return;
	c.number = num_from_u64(1);
	if ((fresh = claim_encode(&c)) == NULL)
		return;
	for (size_t i = 0; i < fresh->n; i++) {
		rec_clear(r, fresh->attrs[i].name);
		for (size_t k = 0; k < fresh->attrs[i].n; k++)
			rec_add(
			    r, fresh->attrs[i].name, fresh->attrs[i].values[k]);
	}
	rec_free(fresh);
}

const struct mutant mutants[] = {
	{ .name = "blind-status-write",
	    .what = "status maintenance replaces the status unseen",
	    .blind_status = true,
	    .keep_found = blind_to_requests },
	{ .name = "record-is-all",
	    .what = "the status is not derived from the requests",
	    .keep_found = blind_to_requests },
	{ .name = "releases-only",
	    .what = "revocation requests do not count",
	    .keep_found = blind_to_revocations },
	{ .name = "revocations-only",
	    .what = "releases do not count",
	    .keep_found = blind_to_releases },
	{ .name = "revocation-unrecorded",
	    .what = "a revocation changes the record only",
	    .keep_change = no_revocation },
	{ .name = "release-unrecorded",
	    .what = "a release changes the record only",
	    .keep_change = no_release },
	{ .name = "certificate-unsaved",
	    .what = "an approval does not store the certificate",
	    .keep_change = no_certificate },
	{ .name = "consequence-lost",
	    .what = "a decision does not change the record",
	    .keep_change = no_consequence,
	    .keep_item = deaf_to_decisions },
	{ .name = "repair-lost",
	    .what = "a lost revocation is seen and not written again",
	    .keep_change = no_repair },
	{ .name = "deaf",
	    .what = "changes of other hosts are not heard",
	    .keep_item = deaf },
	{ .name = "deaf-to-certificates",
	    .what = "records changed elsewhere are not looked at",
	    .keep_item = deaf_to_certificates },
	{ .name = "deaf-to-profiles",
	    .what = "profiles changed elsewhere are not taken over",
	    .keep_item = deaf_to_profiles },
	{ .name = "deaf-to-settings",
	    .what = "settings changed elsewhere are not taken over",
	    .keep_item = deaf_to_settings },
	{ .name = "no-catching-up",
	    .what = "what came while the process was down is not looked at",
	    .since = from_now_on },
	{ .name = "cursor-without-sentinel",
	    .what = "a directory filled anew is not noticed",
	    .since = any_epoch },
	{ .name = "restored-unnoticed",
	    .what = "a host restored from a backup goes on as if it were not",
	    .copy_unnoticed = true },
	{ .name = "acknowledged-unsaved",
	    .what = "the reply leaves before the commit is durable",
	    .acks_unsaved = true },
	{ .name = "lost-effect",
	    .what = "rows of the journal are lost",
	    .no_effects = true },
	{ .name = "weak-random",
	    .what = "serial numbers are drawn among few",
	    .weak_random = true },
	{ .name = "no-claim-check",
	    .what = "claims of other hosts are not read",
	    .keep_found = blind_to_claims },
	{ .name = "claim-not-reread",
	    .what = "claims are not read again before publishing",
	    .claim_trusted = true },
	{ .name = "deaf-to-claims",
	    .what = "a host that was deposed is not told",
	    .keep_item = deaf_to_claims },
	{ .name = "shared-next-range",
	    .what = "each host takes ranges from its own directory",
	    .keep_found = blind_to_holder },
	{ .name = "delta-after-take-over",
	    .what = "a delta follows the list of another claim",
	    .full_skipped = true },
	{ .name = "number-from-record",
	    .what = "CRL numbers are the record's plus one, not the claim's",
	    .number_after = true },
	{ .name = "claims-begin-at-one",
	    .what = "a claim's number is not above those before it",
	    .alter_found = number_one },
	{ .name = "stale-wish-retakes",
	    .what = "an old wish in CS.cfg counts as a new one",
	    .wish_forgotten = true },
	{ .name = "first-replace-wins",
	    .what = "the simulator keeps the first replacement",
	    .sim = SIM_FIRST_REPLACE_WINS },
};
const size_t n_mutants = sizeof(mutants) / sizeof(mutants[0]);

/* --- faults inside a room, played by the linker (--wrap) ------------------- */

static const struct mutant *played;

void
mutant_play(const struct mutant *m)
{
	played = m;
}

/* The names that the linker gives: what product code calls, and what that was
 * before. */
bool restored(struct highwater *h, char *out, size_t size) __asm__(
    "__real_highwater_restored");
bool mutant_restored(struct highwater *h, char *out, size_t size) __asm__(
    "__wrap_highwater_restored");

bool
mutant_restored(struct highwater *h, char *out, size_t size)
{
	return (played == NULL || !played->copy_unnoticed) &&
	    restored(h, out, size);
}

enum rc number_next(struct num *out, const struct claim *c,
    const struct num *highest,
    struct err *e) __asm__("__real_claim_number_next");
enum rc mutant_number_next(struct num *out, const struct claim *c,
    const struct num *highest,
    struct err *e) __asm__("__wrap_claim_number_next");

enum rc
mutant_number_next(struct num *out, const struct claim *c,
    const struct num *highest, struct err *e)
{
	return played != NULL && played->number_after
	    ? claim_number_after(out, highest, e)
	    : number_next(out, c, highest, e);
}

enum rc still_holds(struct store *s, const struct claim *c,
    struct err *e) __asm__("__real_claim_still_holds");
enum rc mutant_still_holds(struct store *s, const struct claim *c,
    struct err *e) __asm__("__wrap_claim_still_holds");

enum rc
mutant_still_holds(struct store *s, const struct claim *c, struct err *e)
{
	return played != NULL && played->claim_trusted ? RC_OK
						       : still_holds(s, c, e);
}

bool claim_due(const struct issuing_point *ip) __asm__(
    "__real_issuing_point_claim_due");
bool mutant_claim_due(const struct issuing_point *ip) __asm__(
    "__wrap_issuing_point_claim_due");

bool
mutant_claim_due(const struct issuing_point *ip)
{
	return (played == NULL || !played->full_skipped) && claim_due(ip);
}
