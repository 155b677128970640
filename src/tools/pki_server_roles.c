/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_roles.c - ca-role-find, ca-promote, ca-demote: who makes the CRLs,
 * and how that moves (docs/roles.md). The servers move the roles; this shows the
 * plan, begins it, watches it and checks what came of it by fetching the CRL.
 * Owns:    nothing.
 * Trusts:  the own server's answers; of others see pki_server_remote.c.
 * Threads: none. */
#include <unistd.h>

#include "deploy/replication.h"
#include "instance/dbconf.h"
#include "tools/pki_server_roles.h"

enum {
	WAIT_DEFAULT = 20, /* s, for an answer of the holder */
	WAIT_MAX = 3600,
	STEP_MS = 100,
	PATIENCE_S = 35, /* until a released role comes back by itself */
	HOLDERS_MAX = 8,
	ADDRESS_MAX = 300,
};

/* Another host, and the roles that it has. */
struct holder {
	char address[ADDRESS_MAX], id[8], roles[200];
	bool answers; /* and is the one that it was when it claimed */
};
struct move {
	struct server *s;
	json_t *roles, *points; /* as the server says now */
	struct holder others[HOLDERS_MAX];
	size_t n_others;
	/* "host:port" that makes the CRLs or, where they are made here, has
	 * another role; "" = none */
	char holder[ADDRESS_MAX];
	char own[ADDRESS_MAX];
	int64_t wait_ms;
	struct num first; /* of the new claim to the first CRL role */
	char url[600];    /* of the CRL there */
	bool by_force;
	struct remote_trust trust;
};

static void
move_done(struct move *m)
{
	remote_trust_done(&m->trust);
	json_decref(m->roles);
	json_decref(m->points);
}
#define AUTO_MOVE __attribute__((cleanup(move_done))) struct move

static enum rc
look(struct move *m, struct err *e)
{
	enum rc rc;

	json_decref(m->roles);
	json_decref(m->points);
	m->roles = m->points = NULL;
	rc = server_call_running(m->s, "role-list", NULL, &m->roles, e);
	return rc == RC_OK
	    ? server_call_running(m->s, "crl-list", NULL, &m->points, e)
	    : rc;
}

static const json_t *
entries(const struct move *m)
{
	return json_object_get(m->roles, "entries");
}

static bool
is_crl(const json_t *o)
{
	return text_starts(json_str(o, "role"), "crl.");
}

/* The first role of a CRL: what the commands are about. */
static const json_t *
crl_role(const struct move *m)
{
	size_t i;
	json_t *o;

	json_array_foreach(entries(m), i, o)
	{
		if (is_crl(o))
			return o;
	}
	return NULL;
}

static bool
all_in(const struct move *m, const char *state)
{
	size_t i;
	json_t *o;

	json_array_foreach(entries(m), i, o)
	{
		if (strcmp(json_str(o, "state"), state) != 0)
			return false;
	}
	return json_array_size(entries(m)) > 0;
}

static bool
any_in(const struct move *m, const char *state)
{
	size_t i;
	json_t *o;

	json_array_foreach(entries(m), i, o)
	{
		if (strcmp(json_str(o, "state"), state) == 0)
			return true;
	}
	return false;
}

static const json_t *
point_of(const struct move *m, const char *role)
{
	size_t i;
	json_t *o;

	json_array_foreach(m->points, i, o)
	{
		if (strcmp(json_str(o, "id"), role + strlen("crl.")) == 0)
			return o;
	}
	return NULL;
}

/* --- showing ------------------------------------------------------------- */

static void
show_role(const struct move *m, const json_t *o)
{
	const char *holder = json_str(o, "holder"), *note = json_str(o, "note");
	const json_t *p = is_crl(o) ? point_of(m, json_str(o, "role")) : NULL;

	out_field("Role", json_str(o, "role"));
	out_field("State", json_str(o, "state"));
	out_field("Holder", holder);
	out_field("Claim", json_str(o, "claim"));
	out_field("Kind", json_str(o, "kind"));
	out_field("First Number", json_str(o, "number"));
	out_field("Since", json_str(o, "since"));
	if (p != NULL)
		out_field("CRL Number", json_str(p, "number"));
	if (note != NULL && note[0] != '\0')
		out_field("Note", note);
	if (p != NULL && json_str(p, "failure")[0] != '\0')
		out_field("CRL Failure", json_str(p, "failure"));
}

static enum rc
run_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO_MOVE m = { .s = s };
	size_t i;
	json_t *o;
	enum rc rc = look(&m, e);

	(void)a;
	if (rc != RC_OK)
		return rc;
	json_array_foreach(entries(&m), i, o)
	{
		out_entry(i);
		show_role(&m, o);
	}
	return RC_OK;
}

static void PRINTF(1, 2) step(const char *fmt, ...)
{
	va_list ap;

	fputs("  ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* --- waiting ------------------------------------------------------------- */

static void
nap(int64_t *left)
{
	usleep(STEP_MS * 1000);
	*left -= STEP_MS;
}

/* Fetches the CRL from its URL until it is not below the new claim. */
static enum rc
verify(struct move *m, const char *address, struct err *e)
{
	const json_t *role = crl_role(m);
	int64_t left = m->wait_ms;
	char text[NUM_TEXT_MAX];
	struct num got = num_from_u64(0);
	bool expired = false, warned = false;
	enum rc rc;

	if (role == NULL)
		return RC_OK;
	if ((rc = remote_trust_load(&m->trust, m->s, e)) != RC_OK ||
	    (rc = num_parse(&m->first, json_str(role, "number"), false, e)) !=
		RC_OK)
		return rc;
	(void)snprintf(m->url, sizeof(m->url),
	    "https://%s/ca/ee/ca/getCRL?op=getCRL&crlIssuingPoint=%s", address,
	    json_str(role, "role") + strlen("crl."));
	for (;;) {
		rc = remote_crl_number(&m->trust, m->url, &expired, &got, e);
		if (expired && !warned)
			step("warning: its server certificate has expired");
		warned = expired;
		if (rc == RC_OK && num_cmp(&got, &m->first) >= 0)
			break;
		/* another's certificate or CRL does not become ours by waiting */
		if (left <= 0 || rc == RC_AUTH || rc == RC_INVALID)
			return rc != RC_OK
			    ? rc
			    : err_set(e, RC_TIMEOUT,
				  "%s: CRL %s is below the claim", m->url,
				  num_dec(text, &got));
		nap(&left);
	}
	step("CRL %s fetched from %s, its signature is good",
	    num_dec(text, &got), m->url);
	return RC_OK;
}

/* Keeps what the server says about why it is not as wished; "" = nothing. */
static void
keep_reason(const struct move *m, char why[ERR_TEXT_MAX])
{
	size_t i;
	json_t *o;

	json_array_foreach(entries(m), i, o)
	{
		const char *note = json_str(o, "note");

		/* so every move looks while it goes on */
		if (note == NULL || note[0] == '\0' ||
		    (why[0] != '\0' &&
			(text_starts(note, "split") ||
			    text_starts(note, "given"))))
			continue;
		(void)snprintf(why, ERR_TEXT_MAX, "%s", note);
		return;
	}
}

/* What came to another host after it was asked for is asked for there, once the
 * CRLs are here: a hand-over that was cut short before may still end meanwhile. */
static enum rc
ask_again(struct move *m, struct err *e)
{
	const json_t *crl = crl_role(m);

	return !m->by_force && crl != NULL &&
		strcmp(json_str(crl, "state"), "held") == 0 &&
		any_in(m, "clone")
	    ? server_call_running(m->s, "role-ask", NULL, NULL, e)
	    : RC_OK;
}

/* Until every role is held here and acted on. */
static enum rc
await_here(struct move *m, struct err *e)
{
	int64_t left = m->wait_ms;
	char why[ERR_TEXT_MAX] = "";
	/* what is here already did not come by this */
	bool had = any_in(m, "held"), released = false;
	enum rc rc;

	for (;;) {
		if ((rc = look(m, e)) != RC_OK)
			return rc;
		keep_reason(m, why);
		if (all_in(m, "held"))
			return RC_OK;
		if (!released && !had && !m->by_force && any_in(m, "held")) {
			released = true;
			step(
			    "%s has stopped and released its roles", m->holder);
		}
		if (released && all_in(m, "clone"))
			return err_set(e, RC_UNAVAILABLE,
			    "the roles went back to %s: %.200s", m->holder,
			    why);
		if (left <= 0)
			break;
		if ((rc = ask_again(m, e)) != RC_OK)
			return rc;
		nap(&left);
	}
	if (why[0] != '\0')
		return err_set(e, RC_TIMEOUT, "not within %lld s: %.200s",
		    (long long)m->wait_ms / 1000, why);
	return err_set(e, RC_TIMEOUT,
	    "%s did not release its roles within %lld s", m->holder,
	    (long long)m->wait_ms / 1000);
}

/* Until another host holds every role. */
static enum rc
await_there(struct move *m, const char *to, struct err *e)
{
	int64_t left = m->wait_ms + PATIENCE_S * 1000;
	enum rc rc;

	for (;;) {
		if ((rc = look(m, e)) != RC_OK)
			return rc;
		if (all_in(m, "clone"))
			return RC_OK;
		if (all_in(m, "held"))
			return err_set(e, RC_UNAVAILABLE,
			    "%s did not take the roles: they are back here, "
			    "above every number it could have used",
			    to);
		if (left <= 0)
			return err_set(e, RC_TIMEOUT,
			    "%s has not taken all roles: see ca-role-find", to);
		nap(&left);
	}
}

/* --- what may be missing ------------------------------------------------- */

static void
show_vector(struct server *s)
{
	AUTO(cfg) cs = NULL;
	AUTO(cfg) pins = NULL;
	AUTO(dbconf) db = NULL;
	AUTO(ds_admin) ds = NULL;
	struct keystore *ks = NULL;
	struct ldap_params p;
	struct repl_ruv *v = calloc(1, sizeof(*v));
	struct err e = { RC_OK, "" };

	if (v == NULL || server_cs(s, &cs, "ca", &e) != RC_OK ||
	    !dbconf_is_directory(cs) ||
	    server_passwords(s, &pins, &e) != RC_OK ||
	    server_keystore(s, &ks, &e) != RC_OK ||
	    dbconf_new(&db, cs, pins, s->paths, "ca", ks, &e) != RC_OK) {
		free(v);
		return;
	}
	p = dbconf_params(db, &clock_system);
	if (ds_admin_open(&ds, &p, &e) != RC_OK ||
	    repl_ruv_read(ds, v, db->base_dn, &e) != RC_OK)
		step("what was seen of other replicas cannot be read: %s",
		    e.text);
	for (size_t i = 0; i < v->n; i++) {
		struct num n;
		char date[CLOCK_TEXT_MAX] = "never";
		char hex[9];
		int64_t t = 0;

		/* a CSN begins with its second, 8 hex digits */
		(void)snprintf(hex, sizeof(hex), "%.8s", v->seen[i].csn);
		if (hex[0] != '\0' && num_parse(&n, hex, true, NULL) == RC_OK) {
			for (size_t k = 0; k < n.len; k++)
				t = t << 8 | n.b[k];
			clock_text_iso(date, t);
		}
		step("replica %lld %s: last change seen %s; later ones, if "
		     "any, are missing here until it is back",
		    (long long)v->seen[i].id, v->seen[i].url, date);
	}
	free(v);
}

/* --- promote ------------------------------------------------------------- */

static enum rc
take_wait(struct move *m, const struct args *a, struct err *e)
{
	const char *text = args_get(a, "wait");
	int64_t s = WAIT_DEFAULT;
	enum rc rc = RC_OK;

	if (text != NULL)
		rc = text_int(&s, text, 1, WAIT_MAX, e);
	m->wait_ms = s * 1000;
	return rc == RC_OK ? rc : err_set(e, RC_USAGE, "--wait: %s", e->text);
}

/* thisUpdate must rise: with a clock behind it no list can be made. */
static enum rc
check_clock(const struct move *m, struct err *e)
{
	int64_t now = clock_now(&clock_system), last;
	char date[CLOCK_TEXT_MAX];
	size_t i;
	json_t *o;

	json_array_foreach(m->points, i, o)
	{
		last = json_integer_value(json_object_get(o, "thisUpdate"));
		if (last > now)
			return err_set(e, RC_UNAVAILABLE,
			    "the clock here is behind the last CRL of %s "
			    "(%s): set it first, a list made now would go "
			    "back in time",
			    json_str(o, "id"), clock_text_iso(date, last));
	}
	return RC_OK;
}

/* How the others know this instance. */
static enum rc
own_address(struct move *m, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_cfg(m->s, &c, e);

	if (rc == RC_OK)
		(void)snprintf(m->own, sizeof(m->own), "%.250s:%.8s",
		    cfg_str(c, "host", "localhost"),
		    cfg_str(c, "https.port", "8443"));
	return rc;
}

/* Who else has a role: its holder, or whom that one has given it to; NULL: it
 * is here, on its way here, or nobody's. */
static const char *
other(const struct move *m, const json_t *o)
{
	const char *to = json_str(o, "releasedTo");

	if (strcmp(json_str(o, "state"), "clone") != 0)
		return NULL;
	if (to == NULL)
		return json_str(o, "holder");
	return strcmp(to, m->own) != 0 ? to : NULL;
}

static struct holder *
holder_at(struct move *m, const char *address)
{
	struct holder *h;

	for (size_t i = 0; i < m->n_others; i++)
		if (strcmp(m->others[i].address, address) == 0)
			return &m->others[i];
	if (m->n_others == HOLDERS_MAX)
		return NULL;
	h = &m->others[m->n_others++];
	*h = (struct holder){ .answers = false };
	(void)snprintf(h->address, sizeof(h->address), "%s", address);
	return h;
}

static void
find_others(struct move *m)
{
	size_t i;
	json_t *o;

	json_array_foreach(entries(m), i, o)
	{
		const char *address = other(m, o);
		struct holder *h =
		    address != NULL ? holder_at(m, address) : NULL;
		size_t len;

		if (h == NULL)
			continue;
		if (json_str(o, "releasedTo") == NULL)
			(void)snprintf(
			    h->id, sizeof(h->id), "%s", json_str(o, "hostId"));
		len = strlen(h->roles);
		(void)snprintf(h->roles + len, sizeof(h->roles) - len, "%s%s",
		    len > 0 ? ", " : "", json_str(o, "role"));
	}
	for (i = 0; i < m->n_others; i++)
		m->others[i].answers =
		    remote_is(m->others[i].address, m->others[i].id);
}

static size_t
count_others(const struct move *m, bool answering)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_others; i++)
		n += m->others[i].answers == answering;
	return n;
}

/* None asked that is dead, none overruled that lives. */
static enum rc
check_others(const struct move *m, bool stopped, struct err *e)
{
	if (stopped && m->n_others > 0 && count_others(m, false) == 0)
		return err_set(e, RC_CONFLICT,
		    "%.100s answers: with --holder-is-stopped there would be "
		    "two that make CRLs; leave the option out, or stop it",
		    m->holder);
	for (size_t i = 0; i < m->n_others && !stopped; i++)
		if (!m->others[i].answers)
			return err_set(e, RC_UNAVAILABLE,
			    "%.80s has %.80s and does not answer%s; if it is "
			    "stopped, say --holder-is-stopped",
			    m->others[i].address, m->others[i].roles,
			    strcmp(m->others[i].address, m->own) == 0
				? " (this one, before it was restored)"
				: "");
	return RC_OK;
}

static enum rc
check_promote(struct move *m, bool stopped, struct err *e)
{
	const json_t *role = crl_role(m);
	const char *holder;
	enum rc rc;

	if (role == NULL)
		return err_set(
		    e, RC_NOTFOUND, "this CA has no CRL issuing point");
	if (all_in(m, "held"))
		return err_set(
		    e, RC_CONFLICT, "this instance holds all roles already");
	if (text_starts(json_str(role, "note"), "restored"))
		return err_set(e, RC_CONFLICT, "%s", json_str(role, "note"));
	find_others(m);
	holder = json_str(role, "holder");
	if (m->n_others > 0 && strcmp(json_str(role, "state"), "clone") != 0)
		holder = m->others[0].address;
	(void)snprintf(
	    m->holder, sizeof(m->holder), "%s", holder != NULL ? holder : "");
	if ((rc = check_others(m, stopped, e)) != RC_OK)
		return rc;
	if (!stopped && m->holder[0] == '\0')
		return err_set(e, RC_CONFLICT,
		    "nobody claims the CRLs; if no other CA makes them, say "
		    "--holder-is-stopped");
	return check_clock(m, e);
}

static void
plan_promote(const struct move *m, bool stopped)
{
	int n = 0;

	for (size_t i = 0; i < m->n_others; i++)
		if (m->others[i].answers) {
			step("%d. ask %s for its roles (%s)", ++n,
			    m->others[i].address, m->others[i].roles);
			step("%d. it ends the CRL in the making, stops, and "
			     "releases them with its last number",
			    ++n);
		}
	if (stopped)
		step("%d. take the roles by force, above every number seen",
		    ++n);
	else
		step("%d. claim them from the next number on", ++n);
	step("%d. make a full CRL at once", ++n);
	step("%d. take over ca.crl.*, publishing and job settings; CS.cfg "
	     "follows, the former one goes to archives",
	    ++n);
	step("%d. fetch the CRL from its URL and compare its number; if any "
	     "step fails the roles go back",
	    ++n);
}

/* The CRL does not arrive where it should: back to who had it. */
static void
roll_back(struct move *m)
{
	AUTO_JSON q = json_pack("{s:s}", "host", m->holder);
	struct err e = { RC_OK, "" };

	step("rolling back: the roles go back to %s", m->holder);
	if (server_call_running(m->s, "role-give", q, NULL, &e) != RC_OK ||
	    await_there(m, m->holder, &e) != RC_OK)
		step("%s", e.text);
}

static enum rc
hand_over(struct move *m, struct err *e)
{
	struct err ignored = { RC_OK, "" };
	enum rc rc = server_call_running(m->s, "role-ask", NULL, NULL, e);

	if (rc != RC_OK)
		return rc;
	step("asked %s for its roles", m->holder);
	if ((rc = await_here(m, e)) == RC_OK)
		return RC_OK;
	rc_ignore(server_call_running(m->s, "role-withdraw", NULL, NULL,
	    &ignored)); /* the server also does when it starts */
	return rc;
}

static bool
living_have_some(const struct move *m)
{
	size_t i;
	json_t *o;

	json_array_foreach(entries(m), i, o)
	{
		const char *address = other(m, o);

		for (size_t k = 0; address != NULL && k < m->n_others; k++)
			if (m->others[k].answers &&
			    strcmp(address, m->others[k].address) == 0)
				return true;
	}
	return false;
}

/* What is left with hosts that answer comes from them, before any force. */
static enum rc
await_living(struct move *m, struct err *e)
{
	int64_t left = m->wait_ms;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_others; i++)
		if (m->others[i].answers)
			step("asked %s for %s", m->others[i].address,
			    m->others[i].roles);
	if (living_have_some(m))
		rc = server_call_running(m->s, "role-ask", NULL, NULL, e);
	while (rc == RC_OK && living_have_some(m)) {
		if (left <= 0)
			return err_set(e, RC_TIMEOUT,
			    "not within %lld s: a host that answers keeps its "
			    "roles: see ca-role-find",
			    (long long)m->wait_ms / 1000);
		nap(&left);
		rc = look(m, e);
	}
	return rc;
}

static enum rc
take_over(struct move *m, const struct args *a, struct err *e)
{
	AUTO_JSON q = json_pack("{s:s*}", "above", args_get(a, "above"));
	enum rc rc;

	m->by_force = true;
	rc = await_living(m, e);
	if (rc == RC_OK)
		rc = server_call_running(m->s, "role-take", q, NULL, e);
	if (rc != RC_OK)
		return rc;
	step("taken over from %s", m->holder[0] != '\0' ? m->holder : "nobody");
	return await_here(m, e);
}

static enum rc
run_promote(struct server *s, const struct args *a, struct err *e)
{
	AUTO_MOVE m = { .s = s };
	bool stopped = args_has(a, "holder-is-stopped");
	enum rc rc;

	if (args_has(a, "above") && !stopped)
		return err_set(
		    e, RC_USAGE, "--above goes with --holder-is-stopped");
	if ((rc = take_wait(&m, a, e)) != RC_OK ||
	    (rc = own_address(&m, e)) != RC_OK || (rc = look(&m, e)) != RC_OK ||
	    (rc = check_promote(&m, stopped, e)) != RC_OK)
		return rc;
	plan_promote(&m, stopped);
	if (stopped)
		show_vector(s);
	if (args_has(a, "dry-run"))
		return RC_OK;
	rc = stopped ? take_over(&m, a, e) : hand_over(&m, e);
	if (rc != RC_OK)
		return rc;
	if ((rc = verify(&m, m.own, e)) != RC_OK) {
		if (!stopped)
			roll_back(&m);
		return rc;
	}
	out_framed("Promoted %s: it makes the CRLs now", m.own);
	return RC_OK;
}

/* --- demote -------------------------------------------------------------- */

/* What was not here to be given. */
static void
show_split(const struct move *m)
{
	size_t i;
	json_t *o;

	json_array_foreach(entries(m), i, o)
	{
		const char *note = json_str(o, "note");

		if (note != NULL && text_starts(note, "split"))
			step("%s is %s", json_str(o, "role"), note);
	}
}

static enum rc
run_demote(struct server *s, const struct args *a, struct err *e)
{
	AUTO_MOVE m = { .s = s };
	const char *to = args_get(a, "to");
	enum rc rc;

	if (to == NULL)
		return err_set(e, RC_USAGE,
		    "--to HOST:PORT is missing: without a successor nobody "
		    "would make CRLs");
	if ((rc = take_wait(&m, a, e)) != RC_OK || (rc = look(&m, e)) != RC_OK)
		return rc;
	if (!any_in(&m, "held"))
		return err_set(e, RC_CONFLICT, "this instance holds no role");
	if (!remote_is(to, ""))
		return err_set(e, RC_UNAVAILABLE,
		    "%s does not answer: nobody would make CRLs", to);
	step("1. end the CRL in the making, stop, release the roles to %s", to);
	step("2. it claims them from the next number on and makes a full CRL");
	step("3. become its clone; CS.cfg follows, the former one goes to "
	     "archives");
	step("4. fetch the CRL from its URL and compare its number; if it "
	     "does not take the roles they come back");
	if (args_has(a, "dry-run"))
		return RC_OK;
	AUTO_JSON q = json_pack("{s:s}", "host", to);
	if ((rc = server_call_running(s, "role-give", q, NULL, e)) != RC_OK)
		return rc;
	step("released the roles to %s", to);
	if ((rc = await_there(&m, to, e)) != RC_OK ||
	    (rc = verify(&m, to, e)) != RC_OK)
		return rc;
	show_split(&m);
	out_framed("Demoted: %s makes the CRLs now", to);
	return RC_OK;
}

static const struct opt promote_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("dry-run", "Print the plan and its checks, do nothing"),
	OPT_FLAG("holder-is-stopped",
	    "Take over by force: the present holder does not run"),
	OPT("above", "number",
	    "With --holder-is-stopped: a CRL of this number was published"),
	OPT("wait", "seconds", "How long to wait for each step (default: 20)"),
	OPT_END,
};
static const struct opt demote_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("dry-run", "Print the plan and its checks, do nothing"),
	OPT("to", "host:port", "Who makes the CRLs from now on"),
	OPT("wait", "seconds", "How long to wait for each step (default: 20)"),
	OPT_END,
};

const struct server_cmd server_roles[] = {
	{ "role-find", "", "Show who holds the roles of the CA", NULL, 0, 0,
	    run_find, NEED_SUBSYSTEM },
	{ "promote", "", "Make this CA the one that makes the CRLs",
	    promote_opts, 0, 0, run_promote, NEED_SUBSYSTEM },
	{ "demote", "", "Hand the CRLs over to another CA", demote_opts, 0, 0,
	    run_demote, NEED_SUBSYSTEM },
	{ 0 },
};
