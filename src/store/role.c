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

static struct role_step
ours(const struct role_view *v, struct role_step s, const struct claim *release)
{
	const struct claim *ask = claims_ask(v->all, s.holder->id);

	if (release != NULL || v->drained) {
		s.act = v->patience_over ? ROLE_TAKE_BACK : ROLE_KEEP;
		return s;
	}
	s.holds = true;
	if (ask != NULL && ask->by.host_id != v->me) {
		s.act = ROLE_RELEASE;
		s.note = ask;
	} else if (strcmp(v->acted, s.holder->id) != 0) {
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
	if (release != NULL && release->to == v->me) {
		s.act = ROLE_ACCEPT;
		s.note = release;
	} else if (v->wish && v->known && !v->kept) {
		s.act = ROLE_FORCE;
	} else if (v->wish) {
		s.act = ROLE_DEPOSED;
	} else if (!v->known || v->kept) {
		s.act = ROLE_NOTE;
	}
	return s;
}

struct role_step
role_decide(const struct role_view *v)
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
		return forced(out, highest, "nobody took it over", e);
	case ROLE_ACCEPT:
		out->kind = CLAIM_HANDOVER;
		memcpy(out->about, s->holder->id, sizeof(out->about));
		return claim_number_after(&out->number, &s->note->number, e);
	case ROLE_RELEASE:
		out->kind = CLAIM_RELEASE;
		memcpy(out->about, s->holder->id, sizeof(out->about));
		out->to = s->note->by.host_id;
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
