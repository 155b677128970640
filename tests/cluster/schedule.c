/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - what happens to the cluster: random operations of clients and
 * agents, and everything that fails around them.
 * Owns:    nothing.
 * Trusts:  its own test program.
 * Threads: one. */
#include "cluster.h"

enum {
	STEPS_MIN = 20,
	STEPS_MORE = 40,
	CALM_ROUNDS = 3,
	MOVE_ROUNDS = 8,
	HOUR_MS = 3600 * 1000,
	YEAR_MS_DAYS = 730,
};

static char uid[] = "agent1", agents[] = "Certificate Manager Agents";
static char *groups[] = { agents, NULL };
static const struct principal agent = {
	.uid = uid, .full_name = uid, .groups = groups, .method = AUTH_PASSWORD
};

/* A running one; the first, started, when none is. */
void
schedule_start(struct cluster *c, struct host *h, const struct keys *k)
{
	struct err e = { RC_OK, "" };

	if (sim_restart(c->sim, h->n, &e) != RC_OK ||
	    host_start(h, k, &e) != RC_OK)
		cluster_fail(c, "h%zu does not start: %s", h->n, e.text);
	cluster_note(c, "h%zu starts", h->n);
	if (!cluster_failed(c))
		promises_list(c, h); /* as its directory is now */
}

static struct host *
any_host(struct cluster *c, const struct keys *k)
{
	struct host *h = &c->hosts[random_below(HOSTS)];

	for (size_t i = 0; h->ca == NULL && i < HOSTS; i++)
		h = &c->hosts[(h->n + 1) % HOSTS];
	if (h->ca == NULL)
		schedule_start(c, h, k);
	return h;
}

/* --- clients and agents --------------------------------------------------- */

static const char *
form_get(void *arg, const char *name)
{
	const struct keys *k = arg;

	if (strcmp(name, "cert_request_type") == 0)
		return "pkcs10";
	return strcmp(name, "cert_request") == 0 ? buf_cstr(&k->csr) : NULL;
}

void
schedule_submit(struct cluster *c, struct host *h, const struct keys *k)
{
	struct ca_submission s = { .profile_id = "caServerCert",
		.get = form_get,
		.arg = (void *)(uintptr_t)k,
		.peer = "127.0.0.1" };
	struct ca_requests r = { .n = 0 };
	struct oracle *o = &c->oracle;
	struct err e = { RC_OK, "" };
	enum rc rc = ca_submit(h->ca, &s, &r, &e);

	cluster_note(c, "h%zu submit: %s %s", h->n, rc_text(rc), e.text);
	if (rc == RC_EXISTS)
		cluster_fail(c, "promise 1: h%zu: %s", h->n, e.text);
	if (rc == RC_OK && r.n > 0 && o->n_pending < CERTS_MAX)
		o->pending[o->n_pending++] = r.items[0]->id;
	ca_requests_done(&r);
}

static enum rc
issued_serial(const struct request_rec *r, struct num *serial, int64_t *until)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	struct cert x;
	enum rc rc = request_ext_bytes(r, &der, "req_issued_cert", NULL);

	if (rc == RC_OK &&
	    (rc = cert_parse(&x, buf_view(&der), NULL)) == RC_OK) {
		*serial = x.serial;
		*until = x.not_after;
	}
	return rc;
}

void
schedule_approve(struct cluster *c, struct host *h, const struct keys *k)
{
	struct oracle *o = &c->oracle;
	AUTO(request_rec) r = NULL;
	struct err e = { RC_OK, "" };
	struct num id, serial;
	size_t at;
	enum rc rc;

	if (o->n_pending == 0)
		schedule_submit(c, h, k);
	if (o->n_pending == 0 || o->n_certs == CERTS_MAX || h->ca == NULL)
		return;
	at = random_below(o->n_pending);
	id = o->pending[at];
	rc = ca_process(h->ca, &id, CA_APPROVE, NULL, &agent, &r, &e);
	cluster_note(c, "h%zu approve %02x%02x: %s %s", h->n, id.b[0], id.b[1],
	    rc_text(rc), e.text);
	if (rc == RC_NOTFOUND)
		return; /* not arrived there */
	if (rc == RC_EXISTS)
		cluster_fail(c, "promise 1: h%zu: %s", h->n, e.text);
	o->pending[at] = o->pending[--o->n_pending];
	if (rc != RC_OK)
		return;
	int64_t until = 0;
	if (issued_serial(r, &serial, &until) != RC_OK) {
		cluster_fail(c, "approved and no certificate");
		return;
	}
	oracle_issued(c, h->n, r, &serial);
	if (o->n_certs > 0)
		o->certs[o->n_certs - 1].not_after = until;
}

/* A decision; what the CA refuses is no decision. */
void
schedule_decide(struct cluster *c, struct host *h, size_t at, int reason)
{
	struct oracle *o = &c->oracle;
	AUTO(request_rec) r = NULL;
	struct err e = { RC_OK, "" };
	const char *result;
	enum rc rc;

	if (reason == REASON_REMOVE_FROM_CRL) {
		rc = ca_unrevoke(h->ca, &o->certs[at].serial, &agent, &r, &e);
	} else {
		struct ca_revocation v = { .serial = o->certs[at].serial,
			.reason = reason,
			.who = &agent };
		rc = ca_revoke(h->ca, &v, &r, &e);
	}
	result = rc == RC_OK ? request_ext(r, "result") : NULL;
	cluster_note(c, "h%zu decides %d on %02x%02x: %s %s", h->n, reason,
	    o->certs[at].serial.b[0], o->certs[at].serial.b[1], rc_text(rc),
	    result != NULL ? result : e.text);
	if (rc == RC_OK && result != NULL && strcmp(result, "1") == 0)
		oracle_decided(c, h->n, at, reason, &r->id);
	else if (rc == RC_UNAVAILABLE &&
	    strstr(e.text, RANGE_EXHAUSTED) == NULL)
		o->certs[at].unsure = true;
}

static void
any_decision(struct cluster *c, struct host *h)
{
	static const int reasons[] = { REASON_HOLD, REASON_HOLD, REASON_HOLD,
		REASON_REMOVE_FROM_CRL, REASON_REMOVE_FROM_CRL,
		REASON_KEY_COMPROMISE, REASON_SUPERSEDED };

	if (c->oracle.n_certs > 0 && h->ca != NULL)
		schedule_decide(c, h, random_below(c->oracle.n_certs),
		    reasons[random_below(sizeof(reasons) / sizeof(int))]);
}

/* The other setting that travels: a profile switched on or off. */
static void
switch_profile(struct cluster *c, struct host *h)
{
	AUTO(profile) p = NULL;
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (profiles_get(h->ca->profiles, &p, SWITCHED, &e) != RC_OK)
		return;
	rc = profiles_enable(h->ca->profiles, SWITCHED, !p->enabled, uid, &e);
	cluster_note(c, "h%zu profile %s: %s", h->n, p->enabled ? "off" : "on",
	    rc_text(rc));
}

/* --- operators: the roles move ---------------------------------------------- */

void
schedule_take(struct cluster *c, struct host *h)
{
	struct err e = { RC_OK, "" };
	enum rc rc = roles_take(h->ca, NULL, &e);

	cluster_note(
	    c, "h%zu takes the roles: %s %s", h->n, rc_text(rc), e.text);
	promises_list(c, h);
}

static void
promote(struct cluster *c, struct host *h)
{
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (random_chance(50)) {
		schedule_take(c, h);
		return;
	}
	rc = roles_ask(h->ca, &e);
	cluster_note(
	    c, "h%zu asks for the roles: %s %s", h->n, rc_text(rc), e.text);
}

/* --- the CA's own clockwork ------------------------------------------------ */

void
schedule_tick(struct cluster *c, struct host *h)
{
	ca_class.tick(&h->sub, clock_now_ms(&h->clock));
	cluster_note(c, "h%zu tick", h->n);
	promises_list(c, h);
}

void
schedule_list(struct cluster *c, struct host *h)
{
	struct generate_options o = { .force = true, .sigalg = SIGALG_COUNT };
	struct err e = { RC_OK, "" };
	enum rc rc;

	rc = ca_crl_generate(h->ca, 0, &o, &e);
	cluster_note(c, "h%zu CRL: %s %s", h->n, rc_text(rc), e.text);
	promises_list(c, h);
}

/* --- what fails ------------------------------------------------------------ */

void
schedule_stop(struct cluster *c, struct host *h, bool orderly)
{
	if (orderly && h->ca != NULL)
		rulings_keep_place(h->ca->rulings);
	host_stop(h);
	cluster_note(c, "h%zu %s", h->n, orderly ? "stops" : "is killed");
}

/* What nobody can have put right before it: the list of one that just came. */
static void
start_and_list(struct cluster *c, struct host *h, const struct keys *k)
{
	schedule_start(c, h, k);
	if (!cluster_failed(c) && random_chance(50))
		schedule_list(c, h);
}

/* Dies at the n-th write of an operation, then comes back. */
static void
cut(struct cluster *c, struct host *h, const struct keys *k)
{
	size_t after = random_below(6);

	cluster_note(c, "h%zu will die after %zu writes", h->n, after);
	sim_cut_after(c->sim, h->n, after);
	switch (random_below(5)) {
	case 0:
		schedule_approve(c, h, k);
		break;
	case 1:
		schedule_tick(c, h);
		break;
	case 2:
		promote(c, h);
		break;
	default:
		any_decision(c, h);
		break;
	}
	schedule_stop(c, h, false);
	start_and_list(c, h, k);
}

static void
part(struct cluster *c)
{
	size_t alone = random_below(HOSTS);

	for (size_t i = 0; i < HOSTS; i++)
		if (i != alone)
			c->link[i][alone] = c->link[alone][i] = false;
	cluster_note(c, "h%zu is cut off", alone);
}

void
schedule_heal(struct cluster *c)
{
	for (size_t i = 0; i < HOSTS; i++)
		for (size_t k = 0; k < HOSTS; k++)
			c->link[i][k] = i != k;
	cluster_note(c, "healed");
}

static void
session(struct cluster *c)
{
	size_t a = random_below(HOSTS), b = random_below(HOSTS), n;

	if (!c->link[a][b])
		return;
	n = sim_replicate_some(
	    c->sim, a, b, random_chance(70) ? SIZE_MAX : random_below(4));
	if (n > 0)
		cluster_note(c, "h%zu sends %zu changes to h%zu", a, n, b);
}

/* Everybody works, and all that are linked hear of it. */
static void
good_times(struct cluster *c)
{
	for (size_t i = 0; i < HOSTS; i++)
		for (size_t k = 0; k < HOSTS; k++)
			if (c->link[i][k])
				sim_replicate(c->sim, i, k);
	cluster_note(c, "sessions between all that are linked");
	for (size_t i = 0; i < HOSTS; i++)
		if (c->hosts[i].ca != NULL)
			schedule_tick(c, &c->hosts[i]);
}

/* Down for a while, or back. */
static void
up_or_down(struct cluster *c, const struct keys *k)
{
	struct host *h = &c->hosts[random_below(HOSTS)];

	if (h->ca == NULL)
		start_and_list(c, h, k);
	else
		schedule_stop(c, h, random_chance(50));
}

void
schedule_fill(struct cluster *c, size_t from, size_t to, const struct keys *k)
{
	struct host *h = &c->hosts[to];
	struct err e = { RC_OK, "" };

	cluster_note(c, "h%zu is filled from h%zu", to, from);
	schedule_stop(c, h, true);
	if (sim_reinit(c->sim, from, to, &e) != RC_OK)
		cluster_fail(c, "reinit: %s", e.text);
	oracle_reinit(c, to);
	c->refilled = true;
	start_and_list(c, h, k);
}

/* Who is filled anew goes on with its replica id. 389 DS sends changes of one id
 * in order only, so `from` must first have all of its changes that a third one
 * has. */
bool
schedule_may_fill(struct cluster *c, size_t from, size_t to)
{
	for (size_t i = 0; i < HOSTS; i++)
		if (from == to ||
		    (i != from &&
			(!c->link[i][from] ||
			    (i != to && sim_purged(c->sim, i, from)))))
			return false;
	for (size_t i = 0; i < HOSTS; i++)
		if (i != to)
			sim_replicate(c->sim, i, from);
	return true;
}

static void
reinit(struct cluster *c, const struct keys *k)
{
	size_t from = random_below(HOSTS), to = random_below(HOSTS);

	if (schedule_may_fill(c, from, to))
		schedule_fill(c, from, to, k);
}

/* What an operator does where replication says that it cannot go on. */
static void
unblock(struct cluster *c, const struct keys *k)
{
	sim_settle(c->sim);
	for (size_t i = 0; i < HOSTS; i++)
		for (size_t n = 0; n < HOSTS; n++)
			if (i != n && !cluster_failed(c) &&
			    sim_purged(c->sim, i, n)) {
				schedule_fill(c, i, n, k);
				sim_settle(c->sim);
			}
}

static void
skew(struct cluster *c, struct host *h)
{
	int64_t ms = (int64_t)random_below(2 * SKEW_MAX_MS) - SKEW_MAX_MS;

	host_skew(h, ms);
	cluster_note(
	    c, "h%zu clock is off by %lld s", h->n, (long long)ms / 1000);
}

static void
advance(struct cluster *c)
{
	int64_t ms = (int64_t)random_below(20 * 60 * 1000);

	if (random_chance(5))
		ms = (int64_t)YEAR_MS_DAYS * 24 * HOUR_MS;
	sim_advance(c->sim, ms);
	cluster_note(c, "%lld s pass", (long long)ms / 1000);
}

/* --- the run --------------------------------------------------------------- */

/* Weights of what may happen, in the order of step(). */
enum {
	P_APPROVE = 12,
	P_SUBMIT = P_APPROVE + 2,
	P_DECIDE = P_SUBMIT + 20,
	P_SESSION = P_DECIDE + 14,
	P_TICK = P_SESSION + 8,
	P_LIST = P_TICK + 5,
	P_TIME = P_LIST + 6,
	P_PART = P_TIME + 4,
	P_HEAL = P_PART + 3,
	P_PROMOTE = P_HEAL + 5,
	P_CUT = P_PROMOTE + 4,
	P_GOOD = P_CUT + 5,
	P_UP_DOWN = P_GOOD + 5,
	P_REINIT = P_UP_DOWN + 2,
	P_PROFILE = P_REINIT + 3,
	P_SKEW = P_PROFILE + 2,
	P_OPERATOR = P_SKEW + 10,
};

static void
fail_somehow(
    struct cluster *c, struct host *h, const struct keys *k, size_t dice)
{
	if (dice < P_PART)
		part(c);
	else if (dice < P_HEAL)
		schedule_heal(c);
	else if (dice < P_PROMOTE)
		promote(c, h);
	else if (dice < P_CUT)
		cut(c, h, k);
	else if (dice < P_GOOD)
		good_times(c);
	else if (dice < P_UP_DOWN)
		up_or_down(c, k);
	else if (dice < P_REINIT)
		reinit(c, k);
	else if (dice < P_PROFILE)
		switch_profile(c, h);
	else if (dice < P_SKEW)
		skew(c, h);
	else
		operator_step(c, h, k);
}

static void
step(struct cluster *c, const struct keys *k)
{
	struct host *h = any_host(c, k);
	size_t dice = random_below(P_OPERATOR);

	if (cluster_failed(c))
		return;
	if (dice < P_APPROVE)
		schedule_approve(c, h, k);
	else if (dice < P_SUBMIT)
		schedule_submit(c, h, k);
	else if (dice < P_DECIDE)
		any_decision(c, h);
	else if (dice < P_SESSION)
		session(c);
	else if (dice < P_TICK)
		schedule_tick(c, h);
	else if (dice < P_LIST)
		schedule_list(c, h);
	else if (dice < P_TIME)
		advance(c);
	else
		fail_somehow(c, h, k, dice);
	promises_check(c, h);
}

/* Whoever held the roles burned down: somebody takes them. */
static void
somebody_holds(struct cluster *c)
{
	for (size_t i = 0; i < HOSTS; i++)
		if (roles_hold(c->hosts[i].ca, CLAIM_ROLE_CRL "MasterCRL"))
			return;
	schedule_take(c, &c->hosts[0]);
	sim_settle(c->sim);
	for (size_t i = 0; i < HOSTS; i++)
		schedule_tick(c, &c->hosts[i]);
}

/* All is well again, and everything gets the time to come to rest. */
static void
calm(struct cluster *c, const struct keys *k)
{
	schedule_heal(c);
	for (size_t i = 0; i < HOSTS; i++) {
		if (c->hosts[i].ca == NULL)
			schedule_start(c, &c->hosts[i], k);
		host_skew(&c->hosts[i], 0);
	}
	unblock(c, k);
	for (size_t i = 0; i < HOSTS && !cluster_failed(c); i++)
		operator_accept(c, &c->hosts[i]);
	for (int round = 0; round < CALM_ROUNDS && !cluster_failed(c);
	     round++) {
		sim_settle(c->sim);
		sim_advance(c->sim, HOUR_MS);
		for (size_t i = 0; i < HOSTS; i++) {
			schedule_tick(c, &c->hosts[i]);
			promises_check(c, &c->hosts[i]);
		}
	}
	/* a move that is under way ends */
	moves_rounds(c, MOVE_ROUNDS);
	if (cluster_failed(c))
		return;
	somebody_holds(c);
	moves_bring_together(c);
	sim_settle(c->sim);
	for (size_t i = 0; i < HOSTS; i++) {
		schedule_list(c, &c->hosts[i]);
		promises_check(c, &c->hosts[i]);
	}
	sim_settle(c->sim);
	for (size_t i = 0; i < HOSTS; i++)
		schedule_tick(c, &c->hosts[i]); /* drains what the CRL left */
}

void
schedule_run(struct cluster *c, const struct keys *k)
{
	size_t steps = STEPS_MIN + random_below(STEPS_MORE);

	/* something to work on */
	for (size_t i = 0; i < 2; i++)
		schedule_approve(c, &c->hosts[i], k);
	sim_settle(c->sim);
	for (c->steps = 1; c->steps <= steps && !cluster_failed(c); c->steps++)
		step(c, k);
	if (!cluster_failed(c))
		calm(c, k);
	if (!cluster_failed(c))
		promises_check_end(c);
}
