/* SPDX-License-Identifier: Apache-2.0 */
/* roles.c - looks at the claims and does what store/role.h says.
 * Owns:    struct ca_roles in struct ca.
 * Trusts:  the store's claims; the host's own high-water file.
 * Threads: see roles.h. */
#include "ca/roles.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/thread.h"
#include "ca/roles_int.h"
#include "ca/state.h"
#include "instance/dbconf.h"

enum {
	PASSES_MAX = 4, /* of one role in one look: force, adopt, ... */
};
#define N_ROW "claims.n"
#define GENERATION_ROW "role.generation"

/* --- what this host remembers -------------------------------------------- */

void
roles_row(char out[ROLES_ROW_MAX], const char *role, const char *what)
{
	(void)snprintf(out, ROLES_ROW_MAX, "role.%s.%s", role, what);
}

/* 0 for one past 64 bits. */
static uint64_t
small_num(struct num n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n.len && n.len <= sizeof(v); i++)
		v = v << 8 | n.b[i];
	return v;
}

static void
recall(struct ca *ca, struct role *r)
{
	char row[ROLES_ROW_MAX];

	roles_row(row, r->name, "wish");
	AUTO_STR wish = highwater_text(ca->sub->highwater, row);
	roles_row(row, r->name, "acted");
	AUTO_STR acted = highwater_text(ca->sub->highwater, row);

	r->known = wish != NULL;
	r->kept = wish != NULL && strcmp(wish, "yes") == 0;
	if (acted != NULL && strlen(acted) < sizeof(r->acted))
		memcpy(r->acted, acted, strlen(acted) + 1);
	roles_row(row, r->name, "taking");
	AUTO_STR taking = highwater_text(ca->sub->highwater, row);
	if (taking != NULL && strlen(taking) < sizeof(r->taking))
		memcpy(r->taking, taking, strlen(taking) + 1);
}

/* From now on this wish, and this claim (NULL: as before), are acted on. */
static enum rc
remember(
    struct ca *ca, struct role *r, bool wish, const char *acted, struct err *e)
{
	char wish_row[ROLES_ROW_MAX], acted_row[ROLES_ROW_MAX], generation[24];
	struct highwater_row rows[] = { { wish_row, wish ? "yes" : "no" },
		{ GENERATION_ROW, generation }, { acted_row, acted } };
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

/* The highest number anybody used, as far as this host can know. */
static struct num
highest(struct ca *ca, const char *role, const struct claims *all)
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
	uint64_t n = small_num(highwater_num(ca->sub->highwater, N_ROW));
	struct num used;
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

/* Adds the claim or note of a step. */
enum rc
roles_add_for(struct ca *ca, const struct role *r, const struct role_step *s,
    const struct claims *all, const char *why, struct err *e)
{
	struct num high = highest(ca, r->name, all);
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

/* What the rule says now becomes what the others see. */
static void
show(struct ca *ca, struct role *r, const struct role_step *s,
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

static enum rc
act(struct ca *ca, struct role *r, const struct role_step *s,
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

/* --- the look ------------------------------------------------------------ */

/* NULL: not one of ours. */
static struct role *
find(struct ca *ca, const char *name)
{
	for (size_t i = 0; i < ca->roles.n; i++)
		if (strcmp(ca->roles.items[i].name, name) == 0)
			return &ca->roles.items[i];
	return NULL;
}

static void
add_role(struct ca *ca, const char *name)
{
	struct role r = { .known = false };
	const char *member = "";
	const struct role_kind *k = role_kind(name, &member);

	/* another subsystem's, or of a later version */
	if (k == NULL || find(ca, name) != NULL || ca->roles.n == ROLES_MAX ||
	    strlen(name) >= sizeof(r.name))
		return;
	memcpy(r.name, name, strlen(name) + 1);
	/* of a point that only the holder has there is no wish here */
	r.wish = k->follows == NULL &&
	    (!text_starts(name, CLAIM_ROLE_CRL) ||
		roles_point(ca, name) != NULL) &&
	    k->wish(ca->cfg, member);
	r.stale = roles_generation(ca->cfg) < ca->roles.generation;
	recall(ca, &r);
	LOCKED(&ca->roles.lock);
	ca->roles.items[ca->roles.n++] = r;
}

/* We released it, and nobody has claimed since: since when do we know? */
static bool
patience_over(struct ca *ca, struct role *r, const struct claims *all)
{
	const struct claim *g = claims_greatest(all, r->name);
	int64_t now = clock_mono_ms(ca->clock);

	if (g == NULL || g->by.host_id != ca->roles.self.host_id ||
	    (!r->drained && claims_release(all, g->id) == NULL))
		return false;
	LOCKED(&ca->roles.lock);
	if (r->since_ms == 0)
		r->since_ms = now;
	return now - r->since_ms >= ROLE_PATIENCE_MS;
}

/* The list that is served ends while the successor may not have one yet; what
 * cannot be made is not waited for. */
static bool
list_ends(struct ca *ca, const struct role *r)
{
	struct issuing_point *ip = roles_point(ca, r->name);
	struct issuing_point_status st;
	int64_t now = clock_now(ca->clock);

	if (ip == NULL)
		return false;
	issuing_point_status(ip, &st);
	return st.enabled && st.failure[0] == '\0' &&
	    st.next_update >= now - ROLE_QUIET &&
	    st.next_update <= now + ROLE_QUIET;
}

/* A command gives the role away; and no release comes between two lists. */
static void
give_when_quiet(struct ca *ca, struct role *r, struct role_step *s,
    const struct claim *successor)
{
	bool later;

	if (!s->holds)
		r->giving = 0;
	if (r->giving != 0 && s->act != ROLE_RELEASE) {
		s->act = ROLE_RELEASE;
		s->note = successor;
	}
	later = s->act == ROLE_RELEASE && s->holds && list_ends(ca, r);
	if (later)
		s->act = ROLE_KEEP;
	LOCKED(&ca->roles.lock);
	r->later = later;
}

static enum rc
look(struct ca *ca, struct role *r, const struct claims *all, bool *again,
    struct err *e)
{
	char why[200];
	const struct role_kind *k = role_kind(r->name, NULL);
	struct role_view v = { .all = all,
		.role = r->name,
		.me = ca->roles.self.host_id,
		.wish = r->wish,
		.known = r->known,
		.kept = r->kept,
		.acted = r->acted,
		.stale = r->stale,
		.follows = k != NULL ? k->follows : NULL,
		.taking = r->taking,
		.restored =
		    highwater_restored(ca->sub->highwater, why, sizeof(why)),
		.sole = !dbconf_is_directory(ca->cfg),
		.drained = r->drained,
		.patience_over = patience_over(ca, r, all) };
	struct role_step s = role_decide(&v);
	struct claim successor = { .by = { .host_id = r->giving } };
	enum rc rc;

	give_when_quiet(ca, r, &s, &successor);
	show(ca, r, &s, all);
	*again = s.act != ROLE_KEEP && s.act != ROLE_NOTE;
	rc = act(ca, r, &s, all, e);
	LOCKED(&ca->roles.lock);
	if (rc != RC_OK && strcmp(r->note, e->text) != 0)
		log_warning(
		    "roles", "role=%s: %s, continuing", r->name, e->text);
	if (rc != RC_OK)
		(void)snprintf(r->note, sizeof(r->note), "%s", e->text);
	else if (v.restored && v.wish && !s.holds)
		(void)snprintf(r->note, sizeof(r->note),
		    "restored (%.150s): claims no role until pki-server "
		    "ca-restore-accept",
		    why);
	else if (r->put_back[0] != '\0' && !s.holds)
		(void)snprintf(r->note, sizeof(r->note),
		    "CS.cfg was put back from before %.80s took this role; it "
		    "is a clone's again; to have the role: pki-server "
		    "ca-promote",
		    r->put_back);
	else
		r->note[0] = '\0';
	if (s.act == ROLE_TAKE_BACK || s.act == ROLE_ACCEPT)
		r->since_ms = 0;
	return rc;
}

void
roles_settle(struct ca *ca, struct role *r)
{
	struct err e = { RC_OK, "" };
	bool again = true;
	enum rc rc = RC_OK;

	for (int i = 0; i < PASSES_MAX && rc == RC_OK && again; i++) {
		AUTO_CLAIMS all = { NULL, 0 };

		rc = claims_load(&all, ca->store, NULL, &e);
		if (rc != RC_OK)
			log_warning("roles", "role=%s: %s, continuing", r->name,
			    e.text);
		else
			rc = look(ca, r, &all, &again, &e);
	}
	if (rc != RC_OK)
		atomic_store(&ca->roles.changed, true);
}

void
roles_set_taking(struct ca *ca, struct role *r, const char *claim)
{
	LOCKED(&ca->roles.lock);

	(void)snprintf(r->taking, sizeof(r->taking), "%s", claim);
}

/* Is there something left of a take-over? It ends when all is ours, or when
 * somebody else has claimed one of the roles since. */
static void
end_taking(struct ca *ca, const struct claims *all)
{
	bool left = false, over = false;

	for (size_t i = 0; i < ca->roles.n; i++) {
		struct role *r = &ca->roles.items[i];
		const struct claim *g = claims_greatest(all, r->name);

		if (r->taking[0] == '\0')
			continue;
		if (g != NULL && strcmp(g->id, r->taking) == 0)
			left = true;
		else if (g == NULL || g->by.host_id != ca->roles.self.host_id)
			over = true;
	}
	for (size_t i = 0; (over || !left) && i < ca->roles.n; i++) {
		struct role *r = &ca->roles.items[i];
		char row[ROLES_ROW_MAX];
		struct highwater_row gone = { row, NULL };

		if (r->taking[0] == '\0')
			continue;
		roles_row(row, r->name, "taking");
		rc_ignore(highwater_set(ca->sub->highwater, &gone, 1,
		    NULL)); /* at the next start again */
		roles_set_taking(ca, r, "");
	}
}

static enum rc
learn(struct ca *ca, struct err *e)
{
	AUTO_CLAIMS all = { NULL, 0 };
	enum rc rc = claims_load(&all, ca->store, NULL, e);

	/* points that only the holder has */
	for (size_t i = 0; rc == RC_OK && i < all.n; i++)
		if (claim_kind_holds(all.items[i].kind))
			add_role(ca, all.items[i].role);
	if (rc == RC_OK)
		end_taking(ca, &all);
	return rc;
}

/* A clone of a clone names that one in CS.cfg, as cloning writes it (spec
 * deployment 3.9): such a line stays. One that names a former holder, or nobody
 * there is, is stale. */
static bool
stale_master(struct ca *ca, const char *role)
{
	AUTO_CLAIMS all = { NULL, 0 };
	char address[CLAIM_HOST_MAX + 16];
	uint16_t id;
	enum rc rc;

	(void)snprintf(address, sizeof(address), "%s:%d", ca->roles.master,
	    ca->roles.master_port);
	rc = roles_host_id(ca, address, &id, NULL);
	if (rc == RC_NOTFOUND || rc == RC_INVALID)
		return true;
	if (rc != RC_OK || claims_load(&all, ca->store, NULL, NULL) != RC_OK)
		return false; /* at the next look */
	for (size_t i = 0; i < all.n; i++)
		if (claim_kind_holds(all.items[i].kind) &&
		    all.items[i].by.host_id == id &&
		    strcmp(all.items[i].role, role) == 0)
			return true;
	return false;
}

/* The redirect of a clone follows the holder, in CS.cfg too. */
static void
follow_master(struct ca *ca)
{
	struct ca_roles *rs = &ca->roles;
	struct err e = { RC_OK, "" };

	for (size_t i = 0; i < rs->n; i++) {
		struct role *r = &rs->items[i];
		struct claim_self by = r->holder.by;

		if (!text_starts(r->name, CLAIM_ROLE_CRL) || !r->has_holder ||
		    r->wish || by.host_id == rs->self.host_id ||
		    rs->master[0] == '\0' ||
		    (strcmp(rs->master, by.host) == 0 &&
			rs->master_port == by.port) ||
		    !stale_master(ca, r->name))
			continue;
		if (roles_write(ca, r->name, NULL, by.host, by.port, &e) !=
		    RC_OK) {
			log_warning("roles", "%s, continuing", e.text);
			return;
		}
		log_info(
		    "roles", "CRL requests go to %s:%d now", by.host, by.port);
		LOCKED(&rs->lock);
		memcpy(rs->master, by.host, sizeof(rs->master));
		rs->master_port = by.port;
		return;
	}
}

static void
look_at_all(struct ca *ca)
{
	struct err e = { RC_OK, "" };

	atomic_store(&ca->roles.changed, false);
	if (learn(ca, &e) != RC_OK) {
		log_warning("roles", "%s, continuing", e.text);
		atomic_store(&ca->roles.changed, true);
		return;
	}
	for (size_t i = 0; i < ca->roles.n; i++)
		roles_settle(ca, &ca->roles.items[i]);
	follow_master(ca);
}

static bool
waiting(struct ca *ca)
{
	LOCKED(&ca->roles.lock);

	for (size_t i = 0; i < ca->roles.n; i++)
		if (ca->roles.items[i].since_ms != 0 ||
		    ca->roles.items[i].later)
			return true;
	return false;
}

int64_t
roles_tick(struct ca *ca)
{
	if (!ca->roles.running)
		return INT64_MAX;
	LOCKED(&ca->roles.work);

	if (atomic_load(&ca->roles.changed) || waiting(ca))
		look_at_all(ca);
	return atomic_load(&ca->roles.changed) || waiting(ca) ? ROLE_POLL_MS
							      : INT64_MAX;
}

void
roles_follow(struct ca *ca)
{
	atomic_store(&ca->roles.changed, true);
	instance_wake(ca->instance);
}

void
roles_renew(struct ca *ca, const char *role)
{
	struct err e = { RC_OK, "" };
	AUTO_CLAIMS all = { NULL, 0 };
	struct role_step s = { .act = ROLE_TAKE_BACK };
	struct role *r;
	struct claim c;
	struct num high;
	LOCKED(&ca->roles.work);

	r = find(ca, role);
	if (r == NULL || !r->holds ||
	    claims_load(&all, ca->store, NULL, &e) != RC_OK)
		return;
	s.holder = claims_greatest(&all, role);
	high = highest(ca, role, &all);
	if (s.holder == NULL || claim_cmp(s.holder, &r->holder) != 0 ||
	    role_claim(&c, &s, role, &ca->roles.self, &high, &e) != RC_OK)
		return;
	c.kind = CLAIM_RENEWED;
	(void)snprintf(c.why, sizeof(c.why), "its numbers were used up");
	if (roles_add_claim(ca, &c, &e) != RC_OK)
		log_warning("roles", "%s, continuing", e.text);
	roles_settle(ca, r);
}

/* --- questions ----------------------------------------------------------- */

bool
roles_at(struct ca *ca, size_t i, struct role *out)
{
	if (!ca->roles.running)
		return false;
	LOCKED(&ca->roles.lock);
	if (i >= ca->roles.n)
		return false;
	*out = ca->roles.items[i];
	return true;
}

bool
roles_hold(struct ca *ca, const char *role)
{
	if (!ca->roles.running)
		return true;
	LOCKED(&ca->roles.lock);
	const struct role *r = find(ca, role);

	return r != NULL && r->holds;
}

bool
roles_redirect(
    struct ca *ca, const char *point, char host[CLAIM_HOST_MAX], int *port)
{
	struct ca_roles *rs = &ca->roles;

	if (!rs->running)
		return false;
	LOCKED(&rs->lock);

	for (size_t i = 0; i < rs->n; i++) {
		const struct role *r = &rs->items[i];

		if (!text_starts(r->name, CLAIM_ROLE_CRL) ||
		    strcmp(r->name + sizeof(CLAIM_ROLE_CRL) - 1, point) != 0)
			continue;
		/* also under the id it had before it was restored */
		if (r->holds ||
		    (r->has_holder && r->holder.by.port == rs->self.port &&
			strcmp(r->holder.by.host, rs->self.host) == 0))
			return false;
		if (!r->has_holder || r->holder.by.host_id == rs->self.host_id)
			break;
		memcpy(host, r->holder.by.host, CLAIM_HOST_MAX);
		*port = r->holder.by.port;
		return true;
	}
	if (rs->master[0] == '\0' || rs->master_port == 0)
		return false;
	memcpy(host, rs->master, CLAIM_HOST_MAX);
	*port = rs->master_port;
	return true;
}

void
roles_split(struct ca *ca, const struct role *r, char out[ERR_TEXT_MAX])
{
	struct ca_roles *rs = &ca->roles;

	out[0] = '\0';
	if (!rs->running || !r->has_holder)
		return;
	LOCKED(&rs->lock);

	for (size_t i = 0; i < rs->n; i++) {
		const struct role *crl = &rs->items[i];

		if (!text_starts(crl->name, CLAIM_ROLE_CRL) || !crl->has_holder)
			continue;
		if (crl->holder.by.host_id != r->holder.by.host_id)
			(void)snprintf(out, ERR_TEXT_MAX,
			    "split: %.70s:%d has this role, %.70s:%d makes the "
			    "CRLs; to have both in one hand: pki-server "
			    "ca-promote on that one",
			    r->holder.by.host, r->holder.by.port,
			    crl->holder.by.host, crl->holder.by.port);
		return;
	}
}

/* --- start --------------------------------------------------------------- */

static enum rc
read_settings(struct ca *ca, struct err *e)
{
	struct ca_roles *rs = &ca->roles;
	const char *host = cfg_str(ca->cfg, "master.ca.agent.host", "");
	int64_t port;
	enum rc rc;

	(void)snprintf(rs->self.host, sizeof(rs->self.host), "%s",
	    instance_host(ca->instance));
	rs->self.port = instance_https_port(ca->instance);
	(void)snprintf(rs->master, sizeof(rs->master), "%s", host);
	if ((rc = cfg_int(ca->cfg, &port, "master.ca.agent.port", 0, UINT16_MAX,
		 0, e)) != RC_OK)
		return rc;
	rs->master_port = (int)port;
	rs->generation = roles_generation(ca->cfg);
	return cfg_int(ca->cfg, &rs->interval, "ca.certStatusUpdateInterval", 0,
	    INT32_MAX, ROLE_INTERVAL, e);
}

enum rc
roles_start(struct ca *ca, struct err *e)
{
	char name[CLAIM_ROLE_MAX];
	uint64_t remembered;
	enum rc rc;

	pthread_mutex_init(&ca->roles.work, NULL);
	pthread_mutex_init(&ca->roles.lock, NULL);
	ca->roles.ready = true;
	if ((rc = read_settings(ca, e)) != RC_OK)
		return rc;
	if (ca->sub->highwater == NULL)
		return RC_OK; /* nothing to remember with: no roles */
	ca->roles.self.host_id = highwater_host_id(ca->sub->highwater);
	ca->roles.running = true;
	remembered =
	    small_num(highwater_num(ca->sub->highwater, GENERATION_ROW));
	if (remembered > ca->roles.generation)
		ca->roles.generation = remembered;
	/* the lists first: what comes of them decides about the others */
	for (size_t i = 0; i < ca->n_points; i++) {
		(void)snprintf(
		    name, sizeof(name), CLAIM_ROLE_CRL "%s", ca->point_ids[i]);
		add_role(ca, name);
	}
	add_role(ca, CLAIM_ROLE_STATUS);
	add_role(ca, CLAIM_ROLE_RANGES);
	/* questions of a former life */
	if ((rc = roles_withdraw(ca, e)) != RC_OK)
		log_warning("roles", "%s, continuing", e->text);
	if ((rc = roles_publish_address(ca, e)) != RC_OK)
		log_warning("roles", "%s, continuing", e->text);
	LOCKED(&ca->roles.work);
	look_at_all(ca);
	return RC_OK;
}

void
roles_done(struct ca *ca)
{
	if (!ca->roles.ready)
		return;
	pthread_mutex_destroy(&ca->roles.work);
	pthread_mutex_destroy(&ca->roles.lock);
}
