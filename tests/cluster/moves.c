/* SPDX-License-Identifier: Apache-2.0 */
/* moves.c - roles that move, cut short at every write of either side: random
 * chains of moves as a step of the schedules, and every single move and chain of
 * two in turn (cluster --moves).
 * Owns:    nothing.
 * Trusts:  its own test program.
 * Threads: one. */
#include "cluster.h"
#include "instance/highwater.h"

enum {
	POLL_MS = 500,   /* between two looks of a host */
	ROUNDS_MOVE = 6, /* what a move takes that is not cut */
	ROUNDS_REST = 8, /* so often past the patience of who released */
	RESTS = 3,
	ROUNDS_MEND = 80,
	ROUNDS_CHAIN = 7,
	CHAIN_MAX = 3,
	SLOW_ROUNDS = 3,  /* replication every so many rounds, when slow */
	EDGE_SECONDS = 4, /* hand-overs from so long before a list is due */
	EDGE_ROUNDS = EDGE_SECONDS * 1000 / POLL_MS,
	ROUNDS_EDGE = 8 * EDGE_ROUNDS,
	WRITES_MAX = 40,
	REQUESTS = 40, /* more than the ranges of an installation */
	REQUESTS_HOUR = 4,
	HOUR_MS = 3600 * 1000,
};
static const int64_t years_ms = (int64_t)3 * 366 * 24 * 3600 * 1000;

static const char *const roles[] = { CLAIM_ROLE_CRL "MasterCRL",
	CLAIM_ROLE_STATUS, CLAIM_ROLE_RANGES };
enum {
	ROLES = sizeof(roles) / sizeof(roles[0])
};

const char *
move_text(enum move m)
{
	static const char *const texts[] = { "ask", "give", "take" };

	return texts[m];
}

/* --- who has what ------------------------------------------------------------ */

static struct host *
by_id(struct cluster *c, uint16_t id)
{
	for (size_t i = 0; i < HOSTS; i++)
		if (c->hosts[i].ca != NULL &&
		    highwater_host_id(c->hosts[i].sub.highwater) == id)
			return &c->hosts[i];
	return NULL;
}

/* Who holds the role as a directory has it; false: nobody claims it. */
static bool
claimed(struct cluster *c, size_t replica, const char *role, struct claim *out)
{
	AUTO_CLAIMS all = { NULL, 0 };
	const struct claim *g;

	if (claims_load(&all, sim_store(c->sim, replica), role, NULL) !=
		RC_OK ||
	    (g = claims_greatest(&all, role)) == NULL)
		return false;
	*out = *g;
	return true;
}

/* The host that holds all roles and knows it; NULL: there is none. */
static struct host *
holder_of_all(struct cluster *c)
{
	for (size_t i = 0; i < HOSTS; i++) {
		size_t n = 0;

		for (size_t k = 0; k < ROLES && c->hosts[i].ca != NULL; k++)
			n += roles_hold(c->hosts[i].ca, roles[k]);
		if (n == ROLES)
			return &c->hosts[i];
	}
	return NULL;
}

/* --- time goes by -------------------------------------------------------------- */

static bool
dead(struct cluster *c, const struct host *h)
{
	return store_health(sim_store(c->sim, h->n), NULL) != RC_OK;
}

/* Changes travel where there is a link, and who runs looks at the roles. */
static void
round_of(struct cluster *c, bool travel)
{
	for (size_t i = 0; i < HOSTS && travel; i++)
		for (size_t k = 0; k < HOSTS; k++)
			if (c->link[i][k])
				sim_replicate(c->sim, i, k);
	for (size_t i = 0; i < HOSTS && !cluster_failed(c); i++)
		if (c->hosts[i].ca != NULL)
			schedule_tick(c, &c->hosts[i]);
	promises_check(c, NULL);
	sim_advance(c->sim, POLL_MS);
}

static void
begin_move(struct cluster *c, enum move m, struct host *from, struct host *to)
{
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (m == MOVE_TAKE)
		rc = roles_take(to->ca, NULL, &e);
	else if (m == MOVE_ASK)
		rc = roles_ask(to->ca, &e);
	else
		rc = from->ca == NULL
		    ? RC_OK
		    : roles_give(
			  from->ca, highwater_host_id(to->sub.highwater), &e);
	cluster_note(c, "h%zu -> h%zu, %s: %s %s", from->n, to->n, move_text(m),
	    rc_text(rc), e.text);
	promises_check(c, to);
}

/* Rounds until the victim has died of its cut; false: it did not. */
static bool
dies(struct cluster *c, struct host *victim, size_t rounds)
{
	for (size_t i = 0; i < rounds && !dead(c, victim); i++)
		round_of(c, true);
	return dead(c, victim);
}

/* --- a step of the schedules ------------------------------------------------------ */

static struct host *
runs(struct cluster *c, const struct keys *k)
{
	struct host *h = &c->hosts[random_below(HOSTS)];

	if (h->ca == NULL)
		schedule_start(c, h, k);
	return h;
}

void
moves_chain(struct cluster *c, const struct keys *k)
{
	size_t n = 1 + random_below(CHAIN_MAX);

	for (size_t i = 0; i < n && !cluster_failed(c); i++) {
		struct host *to = runs(c, k), *victim;
		struct host *from =
		    &c->hosts[(to->n + 1 + random_below(2)) % HOSTS];

		for (size_t x = 0; x < HOSTS; x++)
			if (&c->hosts[x] != to && c->hosts[x].ca != NULL &&
			    roles_hold(c->hosts[x].ca, roles[0]))
				from = &c->hosts[x];
		victim = random_chance(50) ? to : from;
		if (victim->ca != NULL && random_chance(70))
			sim_cut_after(c->sim, victim->n, random_below(12));
		if (cluster_failed(c))
			return;
		begin_move(c, (enum move)random_below(MOVES), from, to);
		(void)dies(c, victim, random_below(ROUNDS_CHAIN));
		if (victim->ca != NULL && dead(c, victim)) {
			schedule_stop(c, victim, false);
			if (random_chance(60))
				schedule_start(c, victim, k);
		}
		sim_cut_after(c->sim, victim->n, SIZE_MAX);
	}
}

/* --- at the end -------------------------------------------------------------------- */

/* Says every host which role is elsewhere, and where? */
static void
check_said(struct cluster *c, const struct claim *crl, const struct claim *x)
{
	for (size_t i = 0; i < HOSTS; i++) {
		struct ca *ca = c->hosts[i].ca;
		char said[ERR_TEXT_MAX] = "";
		struct role r;

		for (size_t k = 0; roles_at(ca, k, &r); k++)
			if (strcmp(r.name, x->role) == 0)
				roles_split(ca, &r, said);
		if (strstr(said, crl->by.host) == NULL ||
		    strstr(said, x->by.host) == NULL)
			cluster_fail(c,
			    "law 5: h%zu does not say that %s has %s: %s", i,
			    x->by.host, x->role, said);
	}
}

/* What is in two hands comes into one by the command that is named. */
void
moves_bring_together(struct cluster *c)
{
	struct claim crl, x;
	struct host *to;
	bool split = false, gone = false;
	struct err e = { RC_OK, "" };

	if (cluster_failed(c) || !claimed(c, 0, roles[0], &crl) ||
	    (to = by_id(c, crl.by.host_id)) == NULL)
		return; /* promises_check_end tells */
	for (size_t k = 1; k < ROLES; k++) {
		if (!claimed(c, 0, roles[k], &x)) {
			cluster_fail(c, "law 5: nobody has %s", roles[k]);
			return;
		}
		if (x.by.host_id == crl.by.host_id)
			continue;
		split = true;
		gone = gone || by_id(c, x.by.host_id) == NULL;
		check_said(c, &crl, &x);
	}
	if (!split || cluster_failed(c))
		return;
	c->splits++;
	cluster_note(c, "the roles are split, h%zu is promoted", to->n);
	if (gone && roles_take(to->ca, NULL, &e) != RC_OK)
		cluster_fail(c, "promote: %s", e.text);
	for (size_t i = 0;
	     i < ROUNDS_MEND && !cluster_failed(c) && holder_of_all(c) != to;
	     i++) {
		/* as the command does, about what has moved meanwhile */
		if (roles_ask(to->ca, &e) != RC_OK)
			cluster_fail(c, "promote: %s", e.text);
		round_of(c, true);
	}
	if (holder_of_all(c) != to)
		cluster_fail(c,
		    "law 5: a promotion of h%zu does not bring the roles "
		    "together",
		    to->n);
}

/* --- each move, cut at each write ----------------------------------------------------- */

/* All is in one hand, without another command; settings and lists follow. */
static void
check_one_hand(struct cluster *c)
{
	struct host *h = holder_of_all(c);
	struct role r;

	if (h == NULL) {
		cluster_fail(c, "law 5: no host holds all roles");
		return;
	}
	for (size_t i = 0; i < HOSTS; i++)
		for (size_t k = 0; roles_at(c->hosts[i].ca, k, &r); k++)
			if (r.holds != (i == h->n) || r.wish != r.holds)
				cluster_fail(c,
				    "law 5: h%zu: %s %s, its settings say %s",
				    i, r.name, r.holds ? "held" : "not held",
				    r.wish ? "held" : "not held");
	schedule_list(c, h);
	promises_check(c, h);
}

/* What else has moved: ranges are handed out by it, statuses kept by it. */
static void
check_work(struct cluster *c, const struct keys *k, struct host *h)
{
	struct host *other = &c->hosts[(h->n + 1) % HOSTS];
	const struct issued *x = &c->oracle.certs[0];
	char id[NUM_TEXT_MAX];
	AUTO(rec) r = NULL;

	for (size_t i = 1; i <= REQUESTS && !cluster_failed(c); i++) {
		schedule_submit(c, other, k);
		if (c->oracle.n_pending != i)
			cluster_fail(c, "no range for h%zu", other->n);
		if (i % REQUESTS_HOUR == 0) /* between two looks at ranges */
			sim_advance(c->sim, HOUR_MS);
		round_of(c, true);
	}
	sim_advance(c->sim, years_ms);
	round_of(c, true);
	if (store_get(sim_store(c->sim, h->n), &r, REC_CERT,
		num_hex(id, &x->serial), NULL) != RC_OK ||
	    !rec_has(r, "certStatus", "EXPIRED"))
		cluster_fail(c, "h%zu does not keep the statuses", h->n);
}

void
moves_rounds(struct cluster *c, size_t n)
{
	for (size_t i = 0; i < n && !cluster_failed(c); i++) {
		sim_settle(c->sim);
		round_of(c, true);
	}
}

static void
rest(struct cluster *c, const struct keys *k)
{
	for (size_t i = 0; i < HOSTS && !cluster_failed(c); i++)
		if (c->hosts[i].ca == NULL)
			schedule_start(c, &c->hosts[i], k);
	for (size_t i = 0; i < RESTS * ROUNDS_REST && !cluster_failed(c); i++) {
		round_of(c, true);
		if (i % ROUNDS_REST == ROUNDS_REST - 1)
			sim_advance(c->sim, ROLE_PATIENCE_MS);
	}
}

static void
cut_move(struct cluster *c, const struct keys *k, struct move_plan *p)
{
	struct host *from = &c->hosts[0], *to = &c->hosts[1];
	struct host *victim = p->old ? from : to;

	if (p->move == MOVE_TAKE)
		schedule_stop(c, from, true);
	sim_cut_after(c->sim, victim->n, p->writes);
	begin_move(c, p->move, from, to);
	p->died = dies(c, victim, ROUNDS_MOVE);
	sim_cut_after(c->sim, victim->n, p->died ? 0 : SIZE_MAX);
	if (p->died)
		schedule_stop(c, victim, false);
	if (p->died && p->back && !cluster_failed(c))
		schedule_start(c, victim, k);
	if (p->then < MOVES && !cluster_failed(c))
		begin_move(c, p->then, to, &c->hosts[2]);
	rest(c, k);
	if (p->then < MOVES)
		moves_bring_together(c);
	if (!cluster_failed(c))
		check_one_hand(c);
	if (!cluster_failed(c) && p->then == MOVES)
		check_work(c, k, holder_of_all(c));
}

/* The newest list that anybody serves has not ended. */
static void
check_valid(struct cluster *c)
{
	int64_t now = clock_now(sim_clock(c->sim)), best = 0;

	for (size_t i = 0; i < HOSTS; i++) {
		struct issuing_point_status st;

		issuing_point_status(c->hosts[i].ca->points[0], &st);
		if (st.next_update > best)
			best = st.next_update;
	}
	if (best < now)
		cluster_fail(c, "the newest CRL ended %lld s ago",
		    (long long)(now - best));
}

/* No moment without a valid list, whenever the roles are handed over. */
static void
at_the_edge(struct cluster *c, const struct move_plan *p)
{
	struct issuing_point_status st;
	int64_t now = clock_now(sim_clock(c->sim));

	issuing_point_status(c->hosts[0].ca->points[0], &st);
	sim_advance(c->sim, (st.next_update - EDGE_SECONDS - now) * 1000);
	for (size_t i = 0; !cluster_failed(c) && i < ROUNDS_EDGE; i++) {
		if (i == p->edge)
			begin_move(c, p->move, &c->hosts[0], &c->hosts[1]);
		check_valid(c);
		round_of(c, i % SLOW_ROUNDS == 0);
	}
	if (!cluster_failed(c) && holder_of_all(c) != &c->hosts[1])
		cluster_fail(c, "law 5: h1 does not hold all roles");
}

void
moves_run(struct cluster *c, const struct keys *k, struct move_plan *p)
{
	schedule_approve(c, &c->hosts[0], k);
	round_of(c, true);
	round_of(c, true);
	if (p->at_the_edge)
		at_the_edge(c, p);
	else
		cut_move(c, k, p);
}

/* --- all of them ------------------------------------------------------------------- */

/* Cut at the first write, at the second ... until it comes to its end before. */
static bool
at_each_write(
    const struct keys *k, struct move_plan p, moves_try *try, size_t *n)
{
	p.died = true;
	for (p.writes = 0; p.died && p.writes < WRITES_MAX; p.writes++) {
		(*n)++;
		if (!try(k, &p))
			return false;
	}
	return true;
}

static bool
cut_moves(const struct keys *k, moves_try *try, size_t *n)
{
	struct move_plan p = { .then = MOVES };

	for (int i = 0; i < MOVES * 4; i++) {
		p.move = (enum move)(i / 4);
		p.old = i % 2 != 0;
		p.back = i / 2 % 2 != 0;
		if (p.old && p.move == MOVE_TAKE)
			continue;
		for (int then = 0; then <= MOVES; then++) {
			p.then = (enum move)then;
			if (!at_each_write(k, p, try, n))
				return false;
		}
	}
	return true;
}

bool
moves_each(const struct keys *k, moves_try *try, size_t *n)
{
	struct move_plan p = { .at_the_edge = true };

	*n = 0;
	for (int m = MOVE_ASK; m <= MOVE_GIVE; m++)
		for (p.edge = 0; p.edge < 2 * EDGE_ROUNDS; p.edge++) {
			p.move = (enum move)m;
			(*n)++;
			if (!try(k, &p))
				return false;
		}
	return cut_moves(k, try, n);
}
