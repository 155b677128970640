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

/* --- what this host remembers -------------------------------------------- */

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
	roles_show(ca, r, &s, all);
	*again = s.act != ROLE_KEEP && s.act != ROLE_NOTE;
	rc = roles_act(ca, r, &s, all, e);
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
	high = roles_highest(ca, role, &all);
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
	struct num remembered;
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
	remembered = highwater_num(ca->sub->highwater, ROLES_GENERATION_ROW);
	if (num_u64(&remembered) > ca->roles.generation)
		ca->roles.generation = num_u64(&remembered);
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
