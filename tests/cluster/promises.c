/* SPDX-License-Identifier: Apache-2.0 */
/* promises.c - the judge: promises 1 to 6 of docs/promises.md, as an observer
 * can see them who knows what was acknowledged.
 * Owns:    nothing.
 * Trusts:  nothing: it looks into the directories past the seam.
 * Threads: one. */
#include <openssl/sha.h>

#include "base/path.h"
#include "ca/profile_view.h"
#include "ca/setting_sync.h"
#include "cluster.h"
#include "instance/highwater.h"
#include "x509/crl.h"

#define ROLE CLAIM_ROLE_CRL "MasterCRL"

/* --- 1 and 2: what was acknowledged is there, once -------------------------- */

static const char *
hex(char out[NUM_TEXT_MAX], const struct num *n)
{
	return num_hex(out, n);
}

static void
check_kept(struct cluster *c)
{
	const struct oracle *o = &c->oracle;
	char id[NUM_TEXT_MAX];

	for (size_t i = 0; i < o->n_certs; i++) {
		const struct issued *x = &o->certs[i];

		if (!x->lost && !oracle_has(c, x->home, REC_CERT, &x->serial))
			cluster_fail(c,
			    "promise 2: certificate %s was acknowledged and is "
			    "not at h%zu",
			    hex(id, &x->serial), x->home);
	}
	for (size_t i = 0; i < o->n_decisions; i++) {
		const struct decided *d = &o->decisions[i];

		if (!d->lost &&
		    !oracle_has(c, d->home, REC_REQUEST, &d->request))
			cluster_fail(c,
			    "promise 2: request %s was acknowledged and is not "
			    "at h%zu",
			    hex(id, &d->request), d->home);
	}
}

static void
check_unique(struct cluster *c)
{
	static const struct {
		enum rec_kind kind;
		const char *what;
	} names[] = { { REC_CERT, "certificates of one serial number" },
		{ REC_REQUEST, "requests of one number" },
		{ REC_RANGE, "owners of one range" } };

	for (size_t i = 0; i < HOSTS; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			if (sim_conflicts(c->sim, i, names[k].kind) != 0)
				cluster_fail(c, "promise 1: two %s at h%zu",
				    names[k].what, i);
}

/* --- 3 and 4: lists ----------------------------------------------------------- */

/* The certificate's last moment on a list; it may be left out after it. */
static bool
expired(struct cluster *c, size_t cert, int64_t at)
{
	return c->oracle.certs[cert].not_after != 0 &&
	    at >= c->oracle.certs[cert].not_after;
}

static bool
lists(const struct crl *crl, const struct num *serial, bool *removed)
{
	struct crl_entry x;

	if (crl == NULL || crl_find(crl, &x, serial, NULL) != RC_OK)
		return false;
	*removed = x.reason == CRLREASON_REMOVE;
	return true;
}

/* All permanent revocations that the generator's directory has are on it; on a
 * delta or, where that says nothing, on its base. */
static void
check_content(struct cluster *c, const struct host *h, const struct crl *crl,
    const struct crl *base)
{
	const struct oracle *o = &c->oracle;
	char id[NUM_TEXT_MAX];

	for (size_t i = 0; i < o->n_decisions; i++) {
		const struct decided *d = &o->decisions[i];
		const struct num *serial = &o->certs[d->cert].serial;
		bool removed = false;

		if (d->lost || d->reason == REASON_HOLD ||
		    d->reason == REASON_REMOVE_FROM_CRL ||
		    expired(c, d->cert, crl->this_update) ||
		    !oracle_has(c, h->n, REC_REQUEST, &d->request) ||
		    !oracle_has(c, h->n, REC_CERT, serial))
			continue;
		if ((!lists(crl, serial, &removed) &&
			!lists(base, serial, &removed)) ||
		    removed)
			cluster_fail(c,
			    "promise 3: %s is revoked in h%zu's directory and "
			    "not on its CRL",
			    hex(id, serial), h->n);
	}
}

/* --- 5: who makes them ----------------------------------------------------- */

/* Only the greatest claim that its directory knows of may make a list. */
static void
check_claim(struct cluster *c, const struct host *h, const char *what)
{
	AUTO_CLAIMS all = { NULL, 0 };
	const struct claim *g;

	if (claims_load(&all, sim_store(c->sim, h->n), ROLE, NULL) != RC_OK)
		return;
	g = claims_greatest(&all, ROLE);
	if (g == NULL || g->by.host_id != highwater_host_id(h->sub.highwater))
		cluster_fail(c,
		    "promise 5: h%zu %s, and its directory has a greater claim "
		    "of %s",
		    h->n, what, g != NULL ? g->by.host : "nobody");
}

/* How often a host took a role because of its settings. */
static size_t
retakes(const struct claims *all, const struct host *h, const char *role)
{
	char name[64];
	size_t n = 0;

	snprintf(name, sizeof(name), "%s.example.com", h->name);
	for (size_t i = 0; i < all->n; i++)
		n += strcmp(all->items[i].why, "the settings changed") == 0 &&
		    strcmp(all->items[i].role, role) == 0 &&
		    strcmp(all->items[i].by.host, name) == 0;
	return n;
}

/* A claim because of settings that nobody edited is a stale file's. */
static void
check_wishes(struct cluster *c, size_t replica)
{
	static const char *const roles[] = { ROLE, CLAIM_ROLE_STATUS };
	AUTO_CLAIMS all = { NULL, 0 };

	if (claims_load(&all, sim_store(c->sim, replica), NULL, NULL) != RC_OK)
		return;
	for (size_t i = 0; i < HOSTS; i++)
		for (size_t k = 0; k < 2; k++)
			if (retakes(&all, &c->hosts[i], roles[k]) >
			    c->hosts[i].told)
				cluster_fail(c,
				    "law 5: h%zu retook %s without being told",
				    i, roles[k]);
}

static void
check_holder(struct cluster *c)
{
	size_t holders = 0;

	for (size_t i = 0; i < HOSTS; i++)
		if (roles_hold(c->hosts[i].ca, ROLE)) {
			holders++;
			check_claim(c, &c->hosts[i], "holds the CRLs");
		}
	if (holders != 1)
		cluster_fail(c, "promise 5: %zu hosts hold the CRLs", holders);
}

static void
check_number(struct cluster *c, const struct host *h, const struct list *now,
    const struct num *last)
{
	char dec[NUM_TEXT_MAX];

	num_dec(dec, &now->number);
	if (num_cmp(&now->number, last) < 0)
		cluster_fail(
		    c, "promise 4: h%zu went back to CRL number %s", h->n, dec);
	if (now->this_update < h->last_this)
		cluster_fail(c,
		    "promise 4: h%zu went back to a thisUpdate %lld s before "
		    "with CRL number %s",
		    h->n, (long long)(h->last_this - now->this_update), dec);
	for (size_t i = 0; i < c->oracle.n_lists; i++) {
		const struct list *old = &c->oracle.lists[i];

		if (num_cmp(&old->number, &now->number) == 0 &&
		    memcmp(old->digest, now->digest, 32) != 0)
			cluster_fail(c,
			    "promise 4: CRL number %s names two contents, of "
			    "h%zu and h%zu",
			    dec, old->host, h->n);
	}
}

/* Made by the host that serves it now, not by another one before. */
static bool
is_new(const struct cluster *c, const struct list *now)
{
	for (size_t i = 0; i < c->oracle.n_lists; i++)
		if (memcmp(c->oracle.lists[i].digest, now->digest, 32) == 0)
			return false;
	return true;
}

/* A delta goes with the full list that is served beside it, and both are of one
 * claim. */
static void
check_base(struct cluster *c, const struct host *h, const struct crl *delta,
    const struct crl_file *full)
{
	AUTO_CLAIMS all = { NULL, 0 };
	const struct claim *g;
	struct num base;

	if (full == NULL || !crl_delta_base(delta, &base) ||
	    num_cmp(&base, &full->number) != 0) {
		cluster_fail(
		    c, "promise 4: h%zu serves a delta without its base", h->n);
		return;
	}
	if (claims_load(&all, sim_store(c->sim, h->n), ROLE, NULL) == RC_OK &&
	    (g = claims_greatest(&all, ROLE)) != NULL &&
	    num_cmp(&base, &g->number) < 0)
		cluster_fail(c,
		    "promise 4: h%zu made a delta on a base of another claim",
		    h->n);
}

/* A file that h serves as last named; of a delta with the full list beside it.
 */
static void
check_file(struct cluster *c, struct host *h, struct num *last,
    const struct crl_file *f, const struct crl_file *full)
{
	struct list now = {
		.host = h->n, .number = f->number, .this_update = f->this_update
	};
	char dec[NUM_TEXT_MAX];
	struct crl crl, base;

	if (num_cmp(&now.number, last) == 0)
		return;
	SHA256(f->der.data, f->der.len, now.digest);
	cluster_note(c, "h%zu serves %s %s", h->n,
	    full != NULL ? "delta" : "CRL", num_dec(dec, &now.number));
	check_number(c, h, &now, last);
	if (is_new(c, &now) && crl_parse(&crl, f->der, NULL) == RC_OK) {
		check_claim(c, h, full != NULL ? "made a delta" : "made a CRL");
		if (full != NULL)
			check_base(c, h, &crl, full);
		check_content(c, h, &crl,
		    full != NULL && crl_parse(&base, full->der, NULL) == RC_OK
			? &base
			: NULL);
	}
	*last = now.number;
	if (full == NULL)
		h->last_this = now.this_update;
	if (c->oracle.n_lists < LISTS_MAX)
		c->oracle.lists[c->oracle.n_lists++] = now;
}

void
promises_list(struct cluster *c, struct host *h)
{
	const struct crl_file *full, *delta;

	if (h->ca == NULL || h->ca->n_points == 0 ||
	    (full = issuing_point_current(h->ca->points[0])) == NULL)
		return;
	check_file(c, h, &h->last, full, NULL);
	if ((delta = issuing_point_delta(h->ca->points[0])) != NULL)
		check_file(c, h, &h->last_delta, delta, full);
	crl_file_unref(delta);
	crl_file_unref(full);
}

void
promises_check(struct cluster *c, struct host *h)
{
	(void)h;
	check_kept(c);
	check_unique(c);
	for (size_t i = 0; i < HOSTS; i++)
		promises_list(c, &c->hosts[i]);
}

/* --- at the end ---------------------------------------------------------------- */

/* What everybody must have come to about one certificate: 1 revoked, 0 not,
 * -1 either. */
static int
outcome(const struct cluster *c, size_t cert)
{
	const struct oracle *o = &c->oracle;
	const struct decided *last = NULL;

	if (oracle_permanent(c, cert))
		return 1;
	if (o->certs[cert].unsure || !o->certs[cert].ruled_before)
		return -1;
	for (size_t i = 0; i < o->n_decisions; i++)
		if (o->decisions[i].cert == cert)
			last = &o->decisions[i];
	return last != NULL && last->reason != REASON_REMOVE_FROM_CRL;
}

static void
check_status(struct cluster *c, size_t replica, size_t cert)
{
	const struct issued *x = &c->oracle.certs[cert];
	AUTO(arena) a = arena_new(0);
	AUTO(rec) r = NULL;
	char id[NUM_TEXT_MAX];
	struct cert_rec d;
	int want = outcome(c, cert);
	bool revoked;

	if (x->lost)
		return;
	if (store_get(sim_store(c->sim, replica), &r, REC_CERT,
		hex(id, &x->serial), NULL) != RC_OK ||
	    cert_rec_decode(&d, r, a, NULL) != RC_OK) {
		cluster_fail(
		    c, "promise 2: certificate %s is not at h%zu", id, replica);
		return;
	}
	revoked = d.status == CERT_REVOKED || d.status == CERT_REVOKED_EXPIRED;
	if (revoked != d.revoked || rec_attr(r, "certStatus")->n != 1)
		cluster_fail(
		    c, "promise 3: %s is half revoked at h%zu", id, replica);
	if (want >= 0 && revoked != (want == 1))
		cluster_fail(c, "promise 3: %s is %s at h%zu, against the %s",
		    id, cert_status_text(d.status), replica,
		    want == 1 ? "revocation" : "release");
}

/* Every host's profile is the one of its directory. */
static void
check_settings(struct cluster *c)
{
	int first = -1;

	for (size_t i = 0; i < HOSTS; i++) {
		AUTO(profile) p = NULL;
		AUTO(profile) there = NULL;
		AUTO(rec) r = NULL;
		int on;

		if (profiles_get(c->hosts[i].ca->profiles, &p, SWITCHED,
			NULL) != RC_OK ||
		    store_get(sim_store(c->sim, i), &r, REC_PROFILE, SWITCHED,
			NULL) != RC_OK ||
		    profiles_decode(&there, r, NULL) != RC_OK) {
			cluster_fail(c, "promise 6: h%zu lost a profile", i);
			return;
		}
		if (!profile_same(p, there))
			cluster_fail(c,
			    "promise 6: h%zu has another profile than its "
			    "directory",
			    i);
		on = p->enabled;
		if (first >= 0 && on != first)
			cluster_fail(c,
			    "promise 6: h%zu has another profile than h0", i);
		first = first < 0 ? on : first;
	}
}

/* What a host's CS.cfg says of a group of settings, as text. */
static enum rc
settings_text(const struct host *h, const struct setting_group *g,
    struct buf *out, struct err *e)
{
	AUTO_STR path = path_new("/etc/pki/%s/ca/CS.cfg", h->name);
	AUTO(cfg) cs = cfg_new();
	AUTO(cfg) view = cfg_new();
	enum rc rc;

	if (path == NULL || cs == NULL || view == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	if ((rc = cfg_load(cs, path, e)) != RC_OK ||
	    (rc = g->view(view, cs, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < cfg_count(view); i++)
		buf_addf(out, "%s=%.40s\n", cfg_at(view, i).name,
		    cfg_at(view, i).value);
	return buf_check(out, e);
}

static void
check_group(struct cluster *c, const struct setting_group *g, struct buf *first)
{
	struct err e = { RC_OK, "" };

	for (size_t i = 0; i < HOSTS; i++) {
		AUTO_BUF text = buf_empty(0);

		if (settings_text(&c->hosts[i], g, &text, &e) != RC_OK)
			cluster_fail(c, "promise 6: h%zu: %s", i, e.text);
		else if (i == 0)
			buf_add_view(first, buf_view(&text));
		else if (!view_eq(buf_view(first), buf_view(&text))) {
			cluster_note(c, "h0:\n%sh%zu:\n%s", buf_cstr(first), i,
			    buf_cstr(&text));
			cluster_fail(
			    c, "promise 6: %s of h%zu is not h0's", g->what, i);
		}
	}
}

/* The settings of all clones are the same everywhere; the connector has all
 * hosts that nobody ever took out. */
static void
check_shared(struct cluster *c)
{
	const struct oracle *o = &c->oracle;
	AUTO_BUF first = buf_empty(0), params = buf_empty(0);
	char name[32];

	check_group(c, &setting_connector, &first);
	check_group(c, &setting_params, &params);
	for (size_t i = 0; i < KRAS && !c->refilled; i++) {
		snprintf(name, sizeof(name), "kra%zu.example.com", i);
		if (o->kra_added[i] && !o->kra_removed[i] &&
		    strstr(buf_cstr(&first), name) == NULL)
			cluster_fail(c,
			    "promise 6: %s was added to the KRA connector and "
			    "is not in it",
			    name);
	}
}

static void
check_effects(struct cluster *c)
{
	for (size_t i = 0; i < HOSTS; i++) {
		const struct host *h = &c->hosts[i];

		if (h->effects_done < h->effects_made)
			cluster_fail(c,
			    "promise 2: h%zu lost %llu of %llu effects", i,
			    (unsigned long long)(h->effects_made -
				h->effects_done),
			    (unsigned long long)h->effects_made);
	}
}

void
promises_check_end(struct cluster *c)
{
	if (!sim_converged(c->sim))
		cluster_fail(c, "the directories differ for good");
	for (size_t i = 0; i < HOSTS; i++)
		for (size_t k = 0; k < c->oracle.n_certs; k++)
			check_status(c, i, k);
	check_settings(c);
	check_shared(c);
	check_effects(c);
	check_holder(c);
	for (size_t i = 0; i < HOSTS; i++)
		check_wishes(c, i);
}
