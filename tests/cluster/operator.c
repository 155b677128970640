/* SPDX-License-Identifier: Apache-2.0 */
/* operator.c - what people do to a cluster: CS.cfg edited by hand as the
 * documentation has it (spec deployment 5.3), old files put back, machines
 * rebuilt from a backup, settings changed, everything taken down at once.
 * Owns:    the backups (files beside the hosts' folders).
 * Trusts:  its own test program.
 * Threads: one. */
#include "base/file.h"
#include "base/path.h"
#include "ca/connector.h"
#include "cluster.h"
#include "instance/highwater.h"

#define POINT "ca.crl.MasterCRL."

static char *
cfg_path(const struct host *h)
{
	return path_new("/etc/pki/%s/ca/CS.cfg", h->name);
}

static char *
backup_path(const struct host *h)
{
	return path_new("/backup/%s.cfg", h->name);
}

static enum rc
load(struct cfg **out, char *path, struct err *e)
{
	AUTO_STR owned = path;
	AUTO(cfg) c = cfg_new();
	enum rc rc;

	if (owned == NULL || c == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	if ((rc = cfg_load(c, owned, e)) == RC_OK)
		*out = cfg_steal(&c);
	return rc;
}

static enum rc
save(const struct cfg *c, char *path, struct err *e)
{
	AUTO_STR owned = path;

	return owned != NULL ? cfg_save(c, owned, 0600, e)
			     : err_set(e, RC_NOMEM, "CS.cfg");
}

/* --- the documented procedure, by hand --------------------------------------- */

static enum rc
set_lines(struct cfg *cs, const char *const rows[][2], size_t n, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = cfg_set(cs, rows[i][0], rows[i][1], e);
	return rc;
}

/* "Converting a master into a clone". */
static enum rc
clone_lines(struct cfg *cs, const struct host *master, struct err *e)
{
	char name[64];
	const char *const rows[][2] = { { "ca.certStatusUpdateInterval", "0" },
		{ "ca.listenToCloneModifications", "false" },
		{ POINT "enableCRLCache", "false" },
		{ POINT "enableCRLUpdates", "false" },
		{ "master.ca.agent.host", name },
		{ "master.ca.agent.port", "8443" } };

	snprintf(name, sizeof(name), "%s.example.com", master->name);
	return set_lines(cs, rows, sizeof(rows) / sizeof(rows[0]), e);
}

/* "Converting a clone into a master": the former one's lines, then the four. */
static enum rc
master_lines(struct cfg *cs, const struct cfg *former, struct err *e)
{
	static const char *const rows[][2] = { { "ca.certStatusUpdateInterval",
						   "600" },
		{ "ca.listenToCloneModifications", "true" },
		{ POINT "enableCRLCache", "true" },
		{ POINT "enableCRLUpdates", "true" } };
	enum rc rc = RC_OK;

	cfg_del_prefix(cs, "ca.crl.");
	for (size_t i = cfg_lower(former, "ca.crl.");
	     rc == RC_OK && i < cfg_count(former); i++) {
		struct cfg_item x = cfg_at(former, i);

		if (!text_starts(x.name, "ca.crl."))
			break;
		rc = cfg_set(cs, x.name, x.value, e);
	}
	cfg_del(cs, "master.ca.agent.host");
	cfg_del(cs, "master.ca.agent.port");
	return rc == RC_OK
	    ? set_lines(cs, rows, sizeof(rows) / sizeof(rows[0]), e)
	    : rc;
}

static enum rc
edit_both(struct host *master, struct host *clone, bool careful, struct err *e)
{
	AUTO(cfg) of_master = NULL;
	AUTO(cfg) of_clone = NULL;
	enum rc rc = load(&of_master, cfg_path(master), e);

	if (rc != RC_OK ||
	    (rc = load(&of_clone, cfg_path(clone), e)) != RC_OK ||
	    (rc = master_lines(of_clone, of_master, e)) != RC_OK ||
	    (rc = save(of_clone, cfg_path(clone), e)) != RC_OK || !careful)
		return rc;
	if ((rc = clone_lines(of_master, clone, e)) != RC_OK)
		return rc;
	return save(of_master, cfg_path(master), e);
}

/* Begins to start and dies after so many writes. */
static void
start_cut(struct cluster *c, struct host *h, const struct keys *k)
{
	struct err e = { RC_OK, "" };
	size_t after = random_below(6);

	if (sim_restart(c->sim, h->n, &e) != RC_OK) {
		cluster_fail(c, "h%zu: %s", h->n, e.text);
		return;
	}
	sim_cut_after(c->sim, h->n, after);
	rc_ignore(host_start(h, k, &e)); /* as far as it comes */
	host_stop(h);
	cluster_note(c, "h%zu dies after %zu writes of its start", h->n, after);
}

static void
start(struct cluster *c, struct host *h, const struct keys *k)
{
	if (random_chance(30))
		start_cut(c, h, k);
	if (!cluster_failed(c))
		schedule_start(c, h, k);
}

/* The roles go from one to another, as the chapter has it; a careless operator
 * leaves the former master as it was. */
static void
convert(struct cluster *c, struct host *clone, const struct keys *k)
{
	struct host *master =
	    &c->hosts[(clone->n + 1 + random_below(2)) % HOSTS];
	bool careful = random_chance(70);
	struct err e = { RC_OK, "" };

	schedule_stop(c, master, true);
	schedule_stop(c, clone, true);
	if (edit_both(master, clone, careful, &e) != RC_OK)
		cluster_fail(c, "by hand: %s", e.text);
	clone->told++;
	cluster_note(c, "h%zu is made the master by hand%s", clone->n,
	    careful ? "" : ", carelessly");
	start(c, clone, k);
	if (!cluster_failed(c) && random_chance(80))
		start(c, master, k);
}

/* --- backups ----------------------------------------------------------------- */

static void
back_up(struct cluster *c, struct host *h)
{
	AUTO(cfg) cs = NULL;
	struct err e = { RC_OK, "" };

	if (load(&cs, cfg_path(h), &e) != RC_OK ||
	    save(cs, backup_path(h), &e) != RC_OK)
		cluster_fail(c, "backup: %s", e.text);
	cluster_note(c, "h%zu CS.cfg is backed up", h->n);
}

/* The old CS.cfg, on the same machine. */
static void
put_back(struct cluster *c, struct host *h, const struct keys *k)
{
	AUTO_STR path = backup_path(h);
	AUTO(cfg) cs = NULL;
	struct err e = { RC_OK, "" };

	if (path == NULL || !file_exists(path))
		return;
	schedule_stop(c, h, true);
	if (load(&cs, backup_path(h), &e) != RC_OK ||
	    save(cs, cfg_path(h), &e) != RC_OK)
		cluster_fail(c, "backup: %s", e.text);
	cluster_note(c, "h%zu gets its old CS.cfg back", h->n);
	/* a file edited by hand, as far as anybody can tell: what it lacks was
	 * taken out */
	memset(c->oracle.kra_removed, true, sizeof(c->oracle.kra_removed));
	start(c, h, k);
}

/* Its disk is new; CS.cfg is the backup's, if there is one. */
static enum rc
new_disk(struct host *h, struct err *e)
{
	AUTO_STR path = backup_path(h);
	AUTO_STR state = path_new("/var/lib/pki/.host/%s", h->name);
	AUTO_STR lists = path_new("/var/lib/pki/%s", h->name);
	AUTO(cfg) cs = NULL;
	enum rc rc;

	if (path == NULL || state == NULL || lists == NULL)
		return err_set(e, RC_NOMEM, "path");
	if (file_exists(path) &&
	    ((rc = load(&cs, backup_path(h), e)) != RC_OK ||
		(rc = save(cs, cfg_path(h), e)) != RC_OK))
		return rc;
	rc = file_remove_tree(state, e);
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = file_remove_tree(lists, e);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static void
check_restored(struct cluster *c, const struct host *h)
{
	static const char *const roles[] = { CLAIM_ROLE_CRL "MasterCRL",
		CLAIM_ROLE_STATUS, CLAIM_ROLE_RANGES };
	bool noticed = highwater_restored(h->sub.highwater, NULL, 0);

	for (size_t i = 0; i < 3; i++)
		if (noticed && roles_hold(h->ca, roles[i]))
			cluster_fail(c, "law 5: h%zu is restored and holds %s",
			    h->n, roles[i]);
}

/* A machine burned down: its directory is filled from another one, its files
 * come from the backup, what it remembered of itself is lost. */
static void
rebuild(struct cluster *c, struct host *h, const struct keys *k)
{
	struct err e = { RC_OK, "" };
	size_t from = (h->n + 1 + random_below(2)) % HOSTS;

	if (!schedule_may_fill(c, from, h->n))
		return;
	schedule_stop(c, h, false);
	if (new_disk(h, &e) != RC_OK)
		cluster_fail(c, "new disk: %s", e.text);
	h->last = h->last_delta = num_from_u64(0);
	h->last_this = 0;
	cluster_note(c, "h%zu burns down and is rebuilt", h->n);
	if (!cluster_failed(c))
		schedule_fill(c, from, h->n, k);
	if (!cluster_failed(c))
		check_restored(c, h);
}

void
operator_accept(struct cluster *c, struct host *h)
{
	struct err e = { RC_OK, "" };

	if (!highwater_restored(h->sub.highwater, NULL, 0))
		return;
	if (highwater_accept(h->sub.highwater, &e) != RC_OK)
		cluster_fail(c, "accept: %s", e.text);
	roles_follow(h->ca);
	cluster_note(c, "h%zu is accepted as restored", h->n);
}

/* --- settings ---------------------------------------------------------------- */

struct kra_edit {
	struct connector x;
	bool add;
};

static enum rc
edit_kra(void *arg, struct cfg *cs, struct err *e)
{
	const struct kra_edit *d = arg;

	if (!d->add)
		return connector_remove_host(cs, d->x.host, d->x.port, e);
	return connector_exists(cs)
	    ? connector_add_host(cs, d->x.host, d->x.port, e)
	    : connector_add(cs, &d->x, e);
}

static void
change_kra(struct cluster *c, struct host *h, const struct keys *k)
{
	struct oracle *o = &c->oracle;
	size_t i = random_below(KRAS);
	AUTO_BUF cert = buf_empty(0);
	struct kra_edit d = { .add = random_chance(75) };
	struct err e = { RC_OK, "" };
	char name[32];
	enum rc rc;

	snprintf(name, sizeof(name), "kra%zu.example.com", i);
	buf_add_base64(&cert, buf_view(&k->ca_der), 0, "");
	d.x = (struct connector){
		.host = name, .port = "8443", .transport_cert = buf_cstr(&cert)
	};
	rc = ca_connector_change(h->ca, "caadmin", "OP", edit_kra, &d, &e);
	cluster_note(c, "h%zu KRA connector %s %s: %s %s", h->n,
	    d.add ? "gains" : "loses", name, rc_text(rc), e.text);
	if (rc != RC_OK)
		return;
	o->kra_added[i] |= d.add;
	o->kra_removed[i] |= !d.add;
}

/* --- all down ---------------------------------------------------------------- */

/* A certificate that nobody ruled on; SIZE_MAX: none. */
static size_t
untouched(const struct cluster *c)
{
	const struct oracle *o = &c->oracle;

	for (size_t i = 0; i < o->n_certs; i++) {
		size_t k = 0;

		while (k < o->n_decisions && o->decisions[k].cert != i)
			k++;
		if (k == o->n_decisions && !o->certs[i].lost &&
		    !o->certs[i].unsure)
			return i;
	}
	return SIZE_MAX;
}

/* One host revokes for good what another one, who has not heard of it, holds and
 * releases: the last writer's status is VALID. */
static void
contradict(struct cluster *c, struct host *h, struct host *other)
{
	size_t cert = untouched(c);

	if (cert == SIZE_MAX)
		return;
	schedule_decide(c, h, cert, REASON_KEY_COMPROMISE);
	sim_advance(c->sim, 1000);
	schedule_decide(c, other, cert, REASON_HOLD);
	sim_advance(c->sim, 1000);
	schedule_decide(c, other, cert, REASON_REMOVE_FROM_CRL);
}

/* All processes are down while the directories go on and merge; one comes back
 * alone and has nobody who puts right before it what the merge has lost. */
static void
outage(struct cluster *c, struct host *h, const struct keys *k)
{
	struct host *other = &c->hosts[(h->n + 1) % HOSTS];

	schedule_heal(c);
	if (other->ca == NULL)
		schedule_start(c, other, k);
	if (cluster_failed(c))
		return;
	sim_settle(c->sim);
	if (random_chance(50))
		schedule_take(c, h);
	sim_settle(c->sim);
	contradict(c, h, other);
	for (size_t i = 0; i < HOSTS; i++)
		schedule_stop(c, &c->hosts[i], random_chance(70));
	sim_settle(c->sim);
	cluster_note(c, "all are down, the directories meet");
	if (random_chance(60) && schedule_may_fill(c, other->n, h->n))
		schedule_fill(c, other->n, h->n, k);
	else
		schedule_start(c, h, k);
	if (!cluster_failed(c))
		schedule_list(c, h);
}

/* --- the choice -------------------------------------------------------------- */

void
operator_step(struct cluster *c, struct host *h, const struct keys *k)
{
	switch (random_below(c->chains ? 11 : 9)) {
	case 0:
	case 1:
		convert(c, h, k);
		break;
	case 2:
		back_up(c, h);
		break;
	case 3:
		put_back(c, h, k);
		break;
	case 4:
		rebuild(c, h, k);
		break;
	case 5:
		operator_accept(c, h);
		break;
	case 6:
		outage(c, h, k);
		break;
	case 9:
	case 10:
		moves_chain(c, k);
		break;
	default:
		change_kra(c, h, k);
		break;
	}
}
