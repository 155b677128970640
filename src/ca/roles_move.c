/* SPDX-License-Identifier: Apache-2.0 */
/* roles_move.c - the commands by which roles move: ask, withdraw, take, give.
 * Owns:    nothing.
 * Trusts:  the store's claims; who may call is api_roles.c's matter.
 * Threads: the control thread, under roles.work. */
#include "base/thread.h"
#include "ca/roles_int.h"
#include "ca/state.h"

/* A copy takes no role until somebody says that it is the only one. */
static enum rc
check_original(struct ca *ca, struct err *e)
{
	char why[200];

	return highwater_restored(ca->sub->highwater, why, sizeof(why))
	    ? err_set(e, RC_CONFLICT,
		  "restored (%s): run pki-server ca-restore-accept first", why)
	    : RC_OK;
}

/* Is our question about that claim there already? */
static bool
asked(const struct claims *all, const struct claim *about, uint16_t me)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].kind == CLAIM_ASK &&
		    all->items[i].by.host_id == me &&
		    strcmp(all->items[i].about, about->id) == 0)
			return true;
	return false;
}

enum rc
roles_ask(struct ca *ca, struct err *e)
{
	AUTO_CLAIMS all = { NULL, 0 };
	LOCKED(&ca->roles.work);
	enum rc rc = check_original(ca, e);

	if (rc == RC_OK)
		rc = claims_load(&all, ca->store, NULL, e);
	for (size_t i = 0; rc == RC_OK && i < ca->roles.n; i++) {
		const struct role *r = &ca->roles.items[i];
		const struct claim *g = claims_greatest(&all, r->name);
		struct claim c = { .kind = CLAIM_ASK,
			.number = num_from_u64(0),
			.by = ca->roles.self };

		if (g == NULL || g->by.host_id == c.by.host_id ||
		    asked(&all, g, c.by.host_id))
			continue;
		memcpy(c.role, r->name, sizeof(c.role));
		memcpy(c.about, g->id, sizeof(c.about));
		rc = roles_add_claim(ca, &c, e);
	}
	return rc;
}

enum rc
roles_withdraw(struct ca *ca, struct err *e)
{
	AUTO_CLAIMS all = { NULL, 0 };
	LOCKED(&ca->roles.work);
	enum rc rc = claims_load(&all, ca->store, NULL, e);

	for (size_t i = 0; rc == RC_OK && i < all.n; i++) {
		const struct claim *x = &all.items[i];
		AUTO(batch) b = NULL;

		if (x->kind != CLAIM_ASK ||
		    x->by.host_id != ca->roles.self.host_id)
			continue;
		b = batch_new();
		if (b == NULL)
			return err_set(e, RC_NOMEM, "roles");
		batch_delete(b, REC_CLAIM, x->id);
		rc = store_commit(ca->store, b, e);
	}
	return rc;
}

/* Decides to take over every role that another host has: from here on a start
 * finishes what was cut, unless somebody else has come meanwhile. */
static enum rc
decide_to_take(struct ca *ca, const struct claims *all, const struct num *above,
    struct err *e)
{
	char names[ROLES_MAX][ROLES_ROW_MAX];
	struct highwater_row rows[ROLES_MAX];
	size_t n = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < ca->roles.n; i++) {
		struct role *r = &ca->roles.items[i];
		const struct claim *g = claims_greatest(all, r->name);
		struct issuing_point *ip = roles_point(ca, r->name);

		if (ip != NULL && above != NULL) {
			rc = ca_point_raise(ca,
			    ca_point_find(ca, issuing_point_id(ip)), above, e);
			if (rc != RC_OK)
				return rc;
		}
		if (g == NULL || g->by.host_id == ca->roles.self.host_id)
			continue;
		roles_row(names[n], r->name, "taking");
		rows[n].name = names[n];
		rows[n++].text = g->id;
		roles_set_taking(ca, r, g->id);
	}
	return n > 0 ? highwater_set(ca->sub->highwater, rows, n, e) : RC_OK;
}

enum rc
roles_take(struct ca *ca, const struct num *above, struct err *e)
{
	AUTO_CLAIMS all = { NULL, 0 };
	struct role_step s = { .act = ROLE_FORCE };
	LOCKED(&ca->roles.work);
	enum rc rc = check_original(ca, e);

	if (rc == RC_OK)
		rc = claims_load(&all, ca->store, NULL, e);
	if (rc == RC_OK)
		rc = decide_to_take(ca, &all, above, e);
	for (size_t i = 0; rc == RC_OK && i < ca->roles.n; i++) {
		struct role *r = &ca->roles.items[i];

		if (r->holds)
			continue;
		s.holder = claims_greatest(&all, r->name);
		rc = roles_add_for(ca, r, &s, &all, "taken over", e);
		if (rc == RC_OK)
			roles_settle(ca, r);
	}
	atomic_store(&ca->roles.changed, true); /* to end_taking */
	return rc;
}

enum rc
roles_give(struct ca *ca, uint16_t to, struct err *e)
{
	LOCKED(&ca->roles.work);
	enum rc rc = store_health(ca->store, e);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < ca->roles.n; i++)
		if (ca->roles.items[i].holds)
			ca->roles.items[i].giving = to;
	for (size_t i = 0; i < ca->roles.n; i++)
		roles_settle(ca, &ca->roles.items[i]);
	atomic_store(&ca->roles.changed, true); /* what waits or failed */
	return RC_OK;
}
