/* SPDX-License-Identifier: Apache-2.0 */
/* host.c - one CA of the cluster: the product's own, over a seam, with a clock
 * of its own. Its folders stand for its disk and outlive it.
 * Owns:    the CA and what it was given.
 * Trusts:  its own test program.
 * Threads: one. */
#include "base/file.h"
#include "base/path.h"
#include "cluster.h"
#include "instance/highwater.h"

static int64_t
host_now(void *arg)
{
	const struct host *h = arg;

	return clock_now_ms(sim_clock(h->c->sim)) + h->skew_ms;
}

static int64_t
host_mono(void *arg)
{
	const struct host *h = arg;

	return clock_mono_ms(sim_clock(h->c->sim));
}

void
host_skew(struct host *h, int64_t ms)
{
	h->skew_ms = ms;
	sim_skew(h->c->sim, h->n, ms);
}

static enum rc
load_cfg(struct host *h, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(instance_paths(h->instance), "ca");
	AUTO_BUF text = buf_empty(0);
	enum rc rc = RC_OK;

	if (path == NULL || (h->cfg = cfg_new()) == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	if (file_read(&text, path, NULL) != RC_OK)
		rc = install_cfg(h, path, e);
	return rc == RC_OK ? cfg_load(h->cfg, path, e) : rc;
}

static enum rc
use_keys(struct ca *ca, const struct keys *k, struct err *e)
{
	struct ca_identity *of[] = { &ca->signing, &ca->ocsp };
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < 2; i++) {
		of[i]->key = key_ref(k->ca);
		of[i]->der = buf_empty(CERT_DER_MAX);
		buf_add(&of[i]->der, k->ca_der.data, k->ca_der.len);
		of[i]->sigalg = key_default_sigalg(k->ca);
		rc = cert_parse(&of[i]->cert, buf_view(&of[i]->der), e);
	}
	return rc == RC_OK ? ca_use_keys(ca, e) : rc;
}

static enum rc
make_folders(struct host *h, struct err *e)
{
	AUTO_STR dir = paths_profiles(instance_paths(h->instance), "ca");

	AUTO_STR archives = path_new("/etc/pki/%s/ca/archives", h->name);
	enum rc rc;

	if (dir == NULL || archives == NULL)
		return err_set(e, RC_NOMEM, "path");
	rc = file_mkdirs(dir, 0700, e);
	return rc == RC_OK ? file_mkdirs(archives, 0700, e) : rc;
}

static enum rc
open_highwater(struct host *h, struct err *e)
{
	struct subsystem *s = &h->sub;
	enum rc rc =
	    highwater_open(&s->highwater, instance_paths(h->instance), "ca", e);

	if (rc != RC_OK)
		return rc;
	if (!h->installed)
		rc = highwater_new_host(s->highwater, s->store, false,
		    instance_host(h->instance), &h->clock, e);
	else
		rc = highwater_bind(s->highwater, s->store, false,
		    instance_host(h->instance), &h->clock, e);
	h->installed = h->installed || rc == RC_OK;
	return rc;
}

/* As if the wish in CS.cfg were new. */
static enum rc
forget_wish(struct host *h, struct err *e)
{
	const struct highwater_row rows[] = { { "role.crl.MasterCRL.wish",
						  "no" },
		{ "role.status.wish", "no" }, { "role.ranges.wish", "no" } };

	return highwater_set(h->sub.highwater, rows, 3, e);
}

enum rc
host_start(struct host *h, const struct keys *k, struct err *e)
{
	const struct instance_params p = { .name = h->name,
		.clock = &h->clock };
	char name[64];
	enum rc rc;

	h->clock = (struct clock){ host_now, host_mono, h };
	snprintf(name, sizeof(name), "%s.example.com", h->name);
	if ((rc = instance_new_bare(&h->instance, &p, name, e)) != RC_OK ||
	    (rc = make_folders(h, e)) != RC_OK ||
	    (rc = load_cfg(h, e)) != RC_OK)
		return rc;
	h->seam = seam_new(h, sim_store(h->c->sim, h->n));
	if (h->seam == NULL)
		return err_set(e, RC_NOMEM, "seam");
	h->sub = (struct subsystem){ .name = "ca",
		.type = "CA",
		.instance = h->instance,
		.cfg = h->cfg,
		.store = h->seam,
		.audit = k->audit,
		.cls = &ca_class };
	if ((rc = open_highwater(h, e)) != RC_OK)
		return rc;
	if (h->c->mutant != NULL && h->c->mutant->wish_forgotten &&
	    (rc = forget_wish(h, e)) != RC_OK)
		return rc;
	if ((h->ca = ca_new(&h->sub)) == NULL)
		return err_set(e, RC_NOMEM, "CA");
	h->sub.self = h->ca;
	if ((rc = use_keys(h->ca, k, e)) != RC_OK)
		return rc;
	return ca_open_parts(h->ca, e);
}

void
host_stop(struct host *h)
{
	ca_free(h->ca);
	h->ca = NULL;
	highwater_free(h->sub.highwater);
	h->sub.highwater = NULL;
	store_free(h->seam);
	h->seam = NULL;
	cfg_free(h->cfg);
	h->cfg = NULL;
	instance_stop(h->instance, 0);
	h->instance = NULL;
}
