/* SPDX-License-Identifier: Apache-2.0 */
/* role.c - the rule by which roles move.
 * Owns:    nothing.
 * Trusts:  claims as far as claim_decode checked them.
 * Threads: any; pure. */
#include "store/role.h"

#include <stdio.h>

const char *
role_act_text(enum role_act a)
{
	static const char *const texts[] = { "keep", "note", "first", "force",
		"adopt", "release", "accept", "take back", "deposed" };

	return texts[a];
}

/* --- moves of more than one role ----------------------------------------- */

/* What came of a release of ours. */
enum fate {
	FATE_OVER, /* the role has moved on, or came back */
	FATE_PENDING,
	FATE_TAKEN_UP,
};

static enum fate
fate_of(const struct claims *all, const struct claim *release)
{
	const struct claim *g = claims_greatest(all, release->role);

	if (g == NULL)
		return FATE_OVER;
	if (strcmp(g->id, release->about) == 0)
		return FATE_PENDING;
	return g->kind == CLAIM_HANDOVER && g->by.host_id == release->to &&
		strcmp(g->about, release->about) == 0 &&
		claims_release(all, g->id) == NULL
	    ? FATE_TAKEN_UP
	    : FATE_OVER;
}

/* A release that this host wrote of another role while it held `mine`, and that
 * is at least at that stage; NULL = none. The first one decides where all go. */
static const struct claim *
others_gone(
    const struct role_view *v, const struct claim *mine, enum fate least)
{
	const struct claim *first = NULL;

	for (size_t i = 0; i < v->all->n; i++) {
		const struct claim *x = &v->all->items[i];

		if (x->kind == CLAIM_RELEASE && x->by.host_id == v->me &&
		    x->to != v->me && x->n > mine->n &&
		    strcmp(x->role, v->role) != 0 &&
		    fate_of(v->all, x) >= least &&
		    (first == NULL || x->n < first->n))
			first = x;
	}
	return first;
}

/* The claim with which the host that handed us `mine` took another role of that
 * hand-over back; NULL = none. */
static const struct claim *
others_taken_back(const struct role_view *v, const struct claim *mine)
{
	const struct claim *given = claims_release(v->all, mine->about);

	if (mine->kind != CLAIM_HANDOVER || given == NULL)
		return NULL;
	for (size_t i = 0; i < v->all->n; i++) {
		const struct claim *x = &v->all->items[i], *r;

		if (x->kind != CLAIM_FORCED || x->about[0] == '\0' ||
		    x->by.host_id != given->by.host_id || x->n < given->n ||
		    claims_greatest(v->all, x->role) != x)
			continue;
		r = claims_release(v->all, x->about);
		if (r != NULL && r->to == v->me)
			return x;
	}
	return NULL;
}

/* --- one role ------------------------------------------------------------- */

/* Nobody has claimed it yet, as far as this store knows. */
static enum role_act
unclaimed(const struct role_view *v)
{
	/* a claim of ours that is gone: not our store any more */
	if (v->acted[0] != '\0' || v->restored)
		return ROLE_KEEP;
	return v->wish && !(v->known && v->kept) ? ROLE_FIRST
	    : v->known && v->kept == v->wish     ? ROLE_KEEP
						 : ROLE_NOTE;
}

/* Our claim is released, or may be. */
static struct role_step
released(
    const struct role_view *v, struct role_step s, const struct claim *release)
{
	const struct claim *gone = others_gone(v, s.holder, FATE_TAKEN_UP);

	if (gone == NULL || (release != NULL && release->to != gone->to)) {
		s.act = v->patience_over ? ROLE_TAKE_BACK : ROLE_KEEP;
	} else if (release == NULL) {
		s.act = ROLE_RELEASE; /* once more, to the same host */
		s.note = gone;
	}
	return s;
}

static struct role_step
ours(const struct role_view *v, struct role_step s, const struct claim *release)
{
	const struct claim *to = claims_ask(v->all, s.holder->id);
	const struct claim *gone = others_gone(v, s.holder, FATE_PENDING);

	if (release != NULL || v->drained)
		return released(v, s, release);
	s.holds = true;
	if (gone != NULL)
		to = gone; /* whoever asks: all go to one host */
	else if (to == NULL || to->by.host_id == v->me)
		to = others_taken_back(v, s.holder);
	if (to != NULL) {
		s.act = ROLE_RELEASE;
		s.note = to;
	} else if (strcmp(v->acted, s.holder->id) != 0 ||
	    (v->stale && v->known && v->kept && !v->wish)) {
		s.act = ROLE_ADOPT;
	} else if (!v->known || v->kept != v->wish) {
		s.act = ROLE_NOTE;
	}
	return s;
}

static struct role_step
anothers(
    const struct role_view *v, struct role_step s, const struct claim *release)
{
	bool begun = v->taking != NULL && strcmp(v->taking, s.holder->id) == 0;

	if (release != NULL && release->to == v->me) {
		s.act = ROLE_ACCEPT;
		s.note = release;
	} else if (begun || (v->wish && v->known && !v->kept && !v->stale)) {
		s.act = ROLE_FORCE;
	} else if (v->wish) {
		s.act = ROLE_DEPOSED;
	} else if (!v->known || v->kept) {
		s.act = ROLE_NOTE;
	}
	return s;
}

/* In place of a wish of its own: does this host hold the role that it follows,
 * and was that taken without anybody who would release this one? */
static struct role_view
following(const struct role_view *v)
{
	const struct claim *lead = claims_greatest(v->all, v->follows);
	struct role_view f = *v;

	f.wish = lead != NULL && lead->by.host_id == v->me &&
	    claims_release(v->all, lead->id) == NULL && !v->restored;
	f.known = true;
	f.stale = false;
	f.kept = !f.wish ||
	    (lead->kind == CLAIM_HANDOVER &&
		claims_greatest(v->all, v->role) != NULL);
	return f;
}

static struct role_step
decide(const struct role_view *v)
{
	struct role_step s = { .act = ROLE_KEEP };
	const struct claim *release;

	s.holder = claims_greatest(v->all, v->role);
	if (s.holder == NULL) {
		s.act = unclaimed(v);
		return s;
	}
	if (v->restored && s.holder->by.host_id != v->me) {
		/* a restored host has a new id; what it held in a store of its
		 * own nobody else can have taken since */
		if (v->sole && v->wish && strcmp(v->acted, s.holder->id) == 0)
			s.act = ROLE_FORCE;
		return s;
	}
	if (v->restored && !v->sole)
		return s;
	release = claims_release(v->all, s.holder->id);
	return s.holder->by.host_id == v->me ? ours(v, s, release)
					     : anothers(v, s, release);
}

struct role_step
role_decide(const struct role_view *v)
{
	struct role_view f;
	struct role_step s;

	if (v->follows == NULL)
		return decide(v);
	f = following(v);
	s = decide(&f);
	/* it has no settings to be noted or to be rewritten */
	if (s.act == ROLE_NOTE || s.act == ROLE_DEPOSED)
		s.act = ROLE_KEEP;
	return s;
}

static enum rc
forced(struct claim *out, const struct num *highest, const char *why,
    struct err *e)
{
	out->kind = CLAIM_FORCED;
	(void)snprintf(out->why, sizeof(out->why), "%s", why);
	return claim_number_forced(&out->number, highest, out->by.host_id, e);
}

enum rc
role_claim(struct claim *out, const struct role_step *s, const char *role,
    const struct claim_self *by, const struct num *highest, struct err *e)
{
	struct num zero = num_from_u64(0);

	memset(out, 0, sizeof(*out));
	if (strlen(role) >= sizeof(out->role))
		return err_set(e, RC_TOOBIG, "claim: role name too long");
	memcpy(out->role, role, strlen(role) + 1);
	out->by = *by;
	switch (s->act) {
	case ROLE_FIRST:
		/* lists that nobody claimed: another server's */
		if (num_cmp(highest, &zero) > 0)
			return forced(out, highest, "lists were there", e);
		out->kind = CLAIM_FIRST;
		out->number = num_from_u64(1);
		return RC_OK;
	case ROLE_FORCE:
		return forced(out, highest, "the settings changed", e);
	case ROLE_TAKE_BACK:
		if (s->holder != NULL)
			memcpy(out->about, s->holder->id, sizeof(out->about));
		return forced(out, highest, "nobody took it over", e);
	case ROLE_ACCEPT:
		out->kind = CLAIM_HANDOVER;
		memcpy(out->about, s->holder->id, sizeof(out->about));
		return claim_number_after(&out->number, &s->note->number, e);
	case ROLE_RELEASE:
		out->kind = CLAIM_RELEASE;
		memcpy(out->about, s->holder->id, sizeof(out->about));
		out->to = s->note->kind == CLAIM_RELEASE ? s->note->to
							 : s->note->by.host_id;
		out->number = *highest;
		return RC_OK;
	case ROLE_KEEP:
	case ROLE_NOTE:
	case ROLE_ADOPT:
	case ROLE_DEPOSED:
		break;
	}
	return err_set(e, RC_INTERNAL, "claim: none for this step");
}
