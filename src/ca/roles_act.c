/* SPDX-License-Identifier: Apache-2.0 */
/* roles_act.c - what a host does about a role once the rule has said so:
 * releases, takes up, gives back, writes CS.cfg, and remembers that it did.
 * Owns:    nothing.
 * Trusts:  the claims it is given; the host's own high-water file.
 * Threads: under roles.work. */
#include <inttypes.h>

#include "base/log.h"
#include "base/thread.h"
#include "ca/roles_int.h"
#include "ca/state.h"

#define N_ROW "claims.n"

/* --- what this host remembers -------------------------------------------- */

void
roles_row(char out[ROLES_ROW_MAX], const char *role, const char *what)
{
	(void)snprintf(out, ROLES_ROW_MAX, "role.%s.%s", role, what);
}

/* From now on this wish, and this claim (NULL: as before), are acted on. */
static enum rc
remember(
    struct ca *ca, struct role *r, bool wish, const char *acted, struct err *e)
{
	char wish_row[ROLES_ROW_MAX], acted_row[ROLES_ROW_MAX], generation[24];
	struct highwater_row rows[] = { { wish_row, wish ? "yes" : "no" },
		{ ROLES_GENERATION_ROW, generation }, { acted_row, acted } };
	enum rc rc;

	(void)snprintf(
	    generation, sizeof(generation), "%" PRIu64, ca->roles.generation);
	roles_row(wish_row, r->name, "wish");
	roles_row(acted_row, r->name, "acted");
	rc = highwater_set(ca->sub->highwater, rows, acted != NULL ? 3 : 2, e);
	if (rc != RC_OK)
		return rc;
	LOCKED(&ca->roles.lock);
	r->known = true;
	r->stale = false;
	r->kept = r->wish = wish;
	if (acted != NULL)
		(void)snprintf(r->acted, sizeof(r->acted), "%s", acted);
	return RC_OK;
}

static bool
follows(const struct role *r)
{
	const struct role_kind *k = role_kind(r->name, NULL);

	return k != NULL && k->follows != NULL;
}

/* --- parts of acts ------------------------------------------------------- */

struct issuing_point *
roles_point(struct ca *ca, const char *role)
{
	size_t i;

	if (!text_starts(role, CLAIM_ROLE_CRL))
		return NULL;
	i = ca_point_find(ca, role + sizeof(CLAIM_ROLE_CRL) - 1);
	return i != SIZE_MAX ? ca->points[i] : NULL;
}

struct num
roles_highest(struct ca *ca, const char *role, const struct claims *all)
{
	struct issuing_point *ip = roles_point(ca, role);
	struct num n = claims_highest(all, role), seen;

	if (ip == NULL)
		return n;
	seen = issuing_point_highest(ip);
	return num_cmp(&seen, &n) > 0 ? seen : n;
}

static void
audit_role(struct ca *ca, const char *role, const char *what,
    const struct claim *c, bool ok)
{
	AUTO_BUF b = buf_empty(4096);
	char number[NUM_TEXT_MAX];

	buf_addf(&b, "Scope;;roles+Operation;;%s+role;;%s", what, role);
	if (c != NULL)
		buf_addf(&b, "+claim;;%s+number;;%s", c->id,
		    num_dec(number, &c->number));
	rc_ignore(audit_event(ca->audit,
	    AUDIT_ENTRY("CONFIG_ROLE", NULL, ok,
		"role configuration parameter(s) change",
		{ "ParamNameValPairs", buf_cstr(&b) }),
	    NULL)); /* a failed audit log stops the CA in tick */
}

enum rc
roles_add_claim(struct ca *ca, struct claim *c, struct err *e)
{
	struct num used = highwater_num(ca->sub->highwater, N_ROW);
	uint64_t n = num_u64(&used);
	enum rc rc;

	rc = claim_add(ca->store, c, n <= UINT32_MAX ? (uint32_t)n : 0,
	    clock_now(ca->clock), e);
	audit_role(ca, c->role, claim_kind_text(c->kind), c, rc == RC_OK);
	if (rc != RC_OK)
		return rc;
	used = num_from_u64(c->n);
	log_info("roles", "role=%s %s claim=%s%s%s", c->role,
	    claim_kind_text(c->kind), c->id, c->why[0] != '\0' ? " why=" : "",
	    c->why);
	return highwater_raise(ca->sub->highwater, N_ROW, &used, e);
}

enum rc
roles_add_for(struct ca *ca, const struct role *r, const struct role_step *s,
    const struct claims *all, const char *why, struct err *e)
{
	struct num high = roles_highest(ca, r->name, all);
	struct claim c;
	enum rc rc;

	rc = role_claim(&c, s, r->name, &ca->roles.self, &high, e);
	if (rc != RC_OK)
		return rc;
	if (why != NULL)
		(void)snprintf(c.why, sizeof(c.why), "%s", why);
	return roles_add_claim(ca, &c, e);
}

/* --- acts ---------------------------------------------------------------- */

/* Stops, for good under this claim, and says so in the store. */
static enum rc
release(struct ca *ca, struct role *r, const struct role_step *s,
    const struct claims *all, struct err *e)
{
	struct issuing_point *ip = roles_point(ca, r->name);
	struct num last;

	pthread_mutex_lock(&ca->roles.lock);
	r->holds = false;
	r->drained = true;
	r->since_ms = clock_mono_ms(ca->clock);
	pthread_mutex_unlock(&ca->roles.lock);
	if (ip != NULL)
		issuing_point_drain(ip, &last);
	return roles_add_for(ca, r, s, all, NULL, e);
}

static enum rc
point_settings(
    struct ca *ca, const char *role, const struct cfg *left, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(instance_paths(ca->instance), "ca");
	struct issuing_point *ip = roles_point(ca, role);
	AUTO(cfg) cs = cfg_new();
	const char *point = "";
	const struct role_kind *k = role_kind(role, &point);
	enum rc rc;

	if (path == NULL || cs == NULL || k == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	if ((rc = cfg_load(cs, path, e)) != RC_OK ||
	    (rc = k->master(cs, point, left, e)) != RC_OK)
		return rc;
	return ip != NULL ? issuing_point_configure(ip, cs, e)
			  : ca_point_open(ca, cs, point, e);
}

/* After failures the schedule waits, here it is tried again at each look. */
static enum rc
first_list(struct ca *ca, struct issuing_point *ip, struct err *e)
{
	struct generate_options o = { .sigalg = SIGALG_COUNT };
	struct issuing_point_status st;

	issuing_point_status(ip, &st);
	o.force = st.failure[0] != '\0';
	return ca_crl_generate(
	    ca, ca_point_find(ca, issuing_point_id(ip)), &o, e);
}

/* The settings of a holder, the first list, and only then CS.cfg: what is cut in
 * between is done again at the next look. */
static enum rc
take_up(struct ca *ca, struct role *r, const struct claim *c, struct err *e)
{
	bool crl = text_starts(r->name, CLAIM_ROLE_CRL);
	AUTO(cfg) left = NULL;
	enum rc rc = roles_settings_load(ca, &left, e);

	/* once: the issuing point keeps all settings it has had */
	if (rc == RC_OK && crl && strcmp(r->configured, c->id) != 0 &&
	    (rc = point_settings(ca, r->name, left, e)) == RC_OK) {
		LOCKED(&ca->roles.lock);
		memcpy(r->configured, c->id, sizeof(r->configured));
	}
	if (rc == RC_OK && crl) {
		struct issuing_point *ip = roles_point(ca, r->name);

		issuing_point_claim(ip, c);
		issuing_point_follow(ip, true);
		rc = first_list(ca, ip, e);
	}
	if (rc == RC_OK)
		rc = roles_write(ca, r->name, left, NULL, 0, e);
	if (rc != RC_OK)
		return rc;
	log_info("roles", "role=%s: taken up under claim %s, CS.cfg follows",
	    r->name, c->id);
	LOCKED(&ca->roles.lock);
	if (!crl && ca->roles.interval == 0)
		ca->roles.interval = ROLE_INTERVAL;
	if (crl)
		ca->roles.master[0] = '\0';
	return RC_OK;
}

/* A handed-over role whose first list fails goes back to where it came from. */
static enum rc
give_back(struct ca *ca, struct role *r, const struct claim *c,
    const struct claims *all, struct err *e)
{
	struct role_step s = { .act = ROLE_RELEASE, .holder = c };

	if (c == NULL || c->kind != CLAIM_HANDOVER)
		return RC_OK;
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->items[i].id, c->about) == 0)
			s.note = &all->items[i];
	if (s.note == NULL)
		return RC_OK;
	log_warning("roles",
	    "role=%s: the first list cannot be made: given back to %s:%d, "
	    "continuing",
	    r->name, s.note->by.host, s.note->by.port);
	return release(ca, r, &s, all, e);
}

static enum rc
adopt(struct ca *ca, struct role *r, const struct role_step *s,
    const struct claims *all, struct err *e)
{
	int64_t now = clock_mono_ms(ca->clock), since;
	enum rc rc = RC_OK;

	pthread_mutex_lock(&ca->roles.lock);
	if (r->since_ms == 0)
		r->since_ms = now;
	since = r->since_ms;
	pthread_mutex_unlock(&ca->roles.lock);
	if (!follows(r) && !r->wish)
		rc = take_up(ca, r, s->holder, e);
	else if (!follows(r) && r->known && !r->kept)
		rc = roles_write(ca, NULL, NULL, NULL, 0, e);
	if (rc == RC_OK)
		rc = remember(ca, r, true, s->holder->id, e);
	if (rc == RC_OK) {
		if (text_starts(r->name, CLAIM_ROLE_CRL))
			rc = roles_settings_save(ca, e);
		LOCKED(&ca->roles.lock);
		r->since_ms = 0;
		return rc;
	}
	if (now - since >= ROLE_GIVE_BACK_MS)
		rc_ignore(give_back(ca, r, s->holder, all, NULL)); /* again
			at the next look; rc is why */
	return rc;
}

static enum rc
depose(struct ca *ca, struct role *r, const struct claim *holder, struct err *e)
{
	bool stale = r->stale;
	enum rc rc =
	    roles_write(ca, r->name, NULL, holder->by.host, holder->by.port, e);

	if (rc == RC_OK)
		rc = remember(ca, r, false, NULL, e);
	if (rc != RC_OK)
		return rc;
	log_warning("roles",
	    "role=%s is held by %s:%d (claim %s): this instance is a clone "
	    "now, CS.cfg was rewritten and the former one is in archives, "
	    "continuing",
	    r->name, holder->by.host, holder->by.port, holder->id);
	audit_role(ca, r->name, "deposed", holder, true);
	LOCKED(&ca->roles.lock);
	if (stale)
		(void)snprintf(r->put_back, sizeof(r->put_back), "%s:%d",
		    holder->by.host, holder->by.port);
	if (!text_starts(r->name, CLAIM_ROLE_CRL)) {
		ca->roles.interval = 0;
		return RC_OK;
	}
	memcpy(ca->roles.master, holder->by.host, sizeof(ca->roles.master));
	ca->roles.master_port = holder->by.port;
	return RC_OK;
}

/* CS.cfg has been edited: what it said before is from now on the past. */
static enum rc
take_note(struct ca *ca, struct role *r, struct err *e)
{
	enum rc rc = RC_OK;

	if (r->known && r->kept != r->wish)
		rc = roles_write(ca, NULL, NULL, NULL, 0, e);
	return rc == RC_OK ? remember(ca, r, r->wish, NULL, e) : rc;
}

void
roles_show(struct ca *ca, struct role *r, const struct role_step *s,
    const struct claims *all)
{
	struct issuing_point *ip = roles_point(ca, r->name);
	const struct claim *release =
	    s->holder != NULL ? claims_release(all, s->holder->id) : NULL;
	bool holds = s->holds;

	if (ip != NULL)
		issuing_point_claim(ip, holds ? s->holder : NULL);
	LOCKED(&ca->roles.lock);
	if (r->has_holder && s->holder != NULL &&
	    claim_cmp(&r->holder, s->holder) != 0)
		r->drained = false;
	r->holds = holds;
	if (follows(r))
		r->wish = holds;
	r->released_to = release != NULL ? release->to : 0;
	r->has_holder = s->holder != NULL;
	if (r->has_holder)
		r->holder = *s->holder;
}

enum rc
roles_act(struct ca *ca, struct role *r, const struct role_step *s,
    const struct claims *all, struct err *e)
{
	switch (s->act) {
	case ROLE_KEEP:
		return RC_OK;
	case ROLE_NOTE:
		return take_note(ca, r, e);
	case ROLE_FORCE:
		return roles_add_for(ca, r, s, all,
		    r->taking[0] != '\0' ? "taken over" : NULL, e);
	case ROLE_FIRST:
	case ROLE_ACCEPT:
	case ROLE_TAKE_BACK:
		return roles_add_for(ca, r, s, all, NULL, e);
	case ROLE_ADOPT:
		return adopt(ca, r, s, all, e);
	case ROLE_RELEASE:
		return release(ca, r, s, all, e);
	case ROLE_DEPOSED:
		return depose(ca, r, s->holder, e);
	}
	return RC_OK;
}
