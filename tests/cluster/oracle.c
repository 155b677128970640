/* SPDX-License-Identifier: Apache-2.0 */
/* oracle.c - what clients were told, and where it must be.
 * Owns:    struct oracle.
 * Trusts:  nothing: it looks into the directories past the seam.
 * Threads: one. */
#include "cluster.h"

bool
oracle_has(
    struct cluster *c, size_t replica, enum rec_kind kind, const struct num *id)
{
	char hex[NUM_TEXT_MAX];

	return sim_has(c->sim, replica, kind, num_hex(hex, id));
}

void
oracle_issued(struct cluster *c, size_t home, const struct request_rec *r,
    const struct num *serial)
{
	struct oracle *o = &c->oracle;

	for (size_t i = 0; i < o->n_certs; i++)
		if (num_cmp(&o->certs[i].serial, serial) == 0)
			cluster_fail(c,
			    "promise 1: one serial number in two certificates");
	if (o->n_certs < CERTS_MAX)
		o->certs[o->n_certs++] = (struct issued){ .serial = *serial,
			.request = r->id,
			.home = home,
			.ruled_before = true };
}

/* Did the one who decided know of every other decision on it? */
static bool
knew_all(struct cluster *c, size_t home, size_t cert)
{
	const struct oracle *o = &c->oracle;

	for (size_t i = 0; i < o->n_decisions; i++) {
		const struct decided *d = &o->decisions[i];

		if (d->cert == cert && !d->lost &&
		    !oracle_has(c, home, REC_REQUEST, &d->request))
			return false;
	}
	return true;
}

void
oracle_decided(struct cluster *c, size_t home, size_t cert, int reason,
    const struct num *request)
{
	struct oracle *o = &c->oracle;

	o->certs[cert].ruled_before =
	    o->certs[cert].ruled_before && knew_all(c, home, cert);
	if (o->n_decisions < DECISIONS_MAX)
		o->decisions[o->n_decisions++] =
		    (struct decided){ cert, *request, reason, home, false };
}

/* A replica that still has it; HOSTS: none. */
static size_t
anybody(struct cluster *c, enum rec_kind kind, const struct num *id)
{
	size_t i = 0;

	while (i < HOSTS && !oracle_has(c, i, kind, id))
		i++;
	return i;
}

void
oracle_reinit(struct cluster *c, size_t to)
{
	struct oracle *o = &c->oracle;

	for (size_t i = 0; i < o->n_certs; i++) {
		struct issued *x = &o->certs[i];

		if (x->home != to || x->lost ||
		    oracle_has(c, to, REC_CERT, &x->serial))
			continue;
		x->home = anybody(c, REC_CERT, &x->serial);
		x->lost = x->home == HOSTS;
	}
	for (size_t i = 0; i < o->n_decisions; i++) {
		struct decided *d = &o->decisions[i];

		if (d->home != to || d->lost ||
		    oracle_has(c, to, REC_REQUEST, &d->request))
			continue;
		d->home = anybody(c, REC_REQUEST, &d->request);
		d->lost = d->home == HOSTS;
		o->certs[d->cert].unsure |= d->lost;
	}
}

bool
oracle_permanent(const struct cluster *c, size_t cert)
{
	const struct oracle *o = &c->oracle;

	for (size_t i = 0; i < o->n_decisions; i++) {
		const struct decided *d = &o->decisions[i];

		if (d->cert == cert && !d->lost && d->reason != REASON_HOLD &&
		    d->reason != REASON_REMOVE_FROM_CRL)
			return true;
	}
	return false;
}
