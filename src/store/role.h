/* SPDX-License-Identifier: Apache-2.0 */
/* role.h - what a host does about a role when it looks at the claims: one pure
 * rule for the daemon, its tests and the simulated cluster (design.md, law 5).
 *
 * The wish is what this host's settings say (make lists, maintain statuses). Only
 * a change of it makes a claim; a host whose wish stands unchanged in a stale
 * file does not take a role back. */
#ifndef STORE_ROLE_H
#define STORE_ROLE_H

#include "store/claim.h"

struct role_view {
	const struct claims *all; /* as the store has them now */
	const char *role;
	uint16_t me;
	bool wish;  /* what the settings say now */
	bool known; /* kept is from an earlier look of this host */
	bool kept;  /* the wish that was acted on last */
	/* id of our claim that was acted on last (settings written, first list
	 * made); "" = none */
	const char *acted;
	/* the settings are older than those acted on last: put back from a
	 * backup, they are no wish */
	bool stale;
	/* whoever holds that role has this one too, and settings have no line
	 * for it (wish, known, kept, stale do not count); NULL: not so */
	const char *follows;
	/* id of another's claim that this host has decided to take over by
	 * force; "" or NULL = none */
	const char *taking;
	bool restored; /* this store or host is a copy; nobody has said more */
	bool sole;     /* no other host can reach this store (embedded) */
	/* we released our claim, or may have, and nobody has claimed since */
	bool drained, patience_over;
};

enum role_act {
	ROLE_KEEP,    /* nothing to do; holds says whether the role is ours */
	ROLE_NOTE,    /* keep the wish as acted on, nothing else */
	ROLE_FIRST,   /* add the first claim ever */
	ROLE_FORCE,   /* the wish changed to yes, or so decided: forced claim */
	ROLE_ADOPT,   /* our claim holds and was not acted on yet: do so */
	ROLE_RELEASE, /* stop, and release our claim to who asked, or to who
			 * has or gets the others */
	ROLE_ACCEPT,  /* released to us: claim from the next number on */
	ROLE_TAKE_BACK, /* we released it and nobody came: forced claim */
	ROLE_DEPOSED,   /* another holds what we wish: become a clone */
};

struct role_step {
	enum role_act act;
	bool holds; /* act under `holder` meanwhile: it is ours and open */
	const struct claim *holder; /* the greatest; NULL = none; in all */
	/* RELEASE: the ask; or our release of another role, to the same host;
	 * or the claim of the host that it goes back to. ACCEPT: the release */
	const struct claim *note;
};
/* The rule itself. */
struct role_step role_decide(const struct role_view *v);
/* "release" ... for logs and tests. */
const char *role_act_text(enum role_act a);

/* What a claim for this step looks like: kind, number, about, to, why are set
 * from the step and `highest`, the highest number used or seen by anybody; role
 * and by too. Not for KEEP, NOTE, ADOPT, DEPOSED. RC_TOOBIG: no number left. */
MUST enum rc role_claim(struct claim *out, const struct role_step *s,
    const char *role, const struct claim_self *by, const struct num *highest,
    struct err *e);

#endif
