/* SPDX-License-Identifier: Apache-2.0 */
/* claim_gate.c - lists only under the greatest claim, numbers only from it
 * (design.md, law 5 and "CRL numbers").
 * Owns:    nothing beyond the issuing point.
 * Trusts:  the store's answer of this moment, not what it said before.
 * Threads: as issuing_point_int.h says. */
#include "base/log.h"
#include "base/thread.h"
#include "crl/issuing_point_int.h"

void
issuing_point_claim(struct issuing_point *ip, const struct claim *c)
{
	LOCKED(&ip->lock);

	ip->has_claim = c != NULL;
	if (c == NULL)
		return;
	if (claim_cmp(&ip->claim, c) != 0) {
		ip->failures = 0;
		ip->failure[0] = '\0';
	}
	ip->claim = *c;
}

bool
issuing_point_claimed(struct issuing_point *ip, struct claim *out)
{
	LOCKED(&ip->lock);

	if (ip->has_claim)
		*out = ip->claim;
	return ip->has_claim;
}

void
issuing_point_drain(struct issuing_point *ip, struct num *last)
{
	LOCKED(&ip->making);

	issuing_point_claim(ip, NULL);
	*last = issuing_point_highest(ip);
}

void
issuing_point_follow(struct issuing_point *ip, bool at_once)
{
	atomic_store(&ip->lazy, !at_once);
}

struct num
issuing_point_highest(struct issuing_point *ip)
{
	LOCKED(&ip->lock);

	return ip->number;
}

void
issuing_point_seen(struct issuing_point *ip, const struct num *n)
{
	LOCKED(&ip->lock);

	if (num_cmp(n, &ip->number) > 0)
		ip->number = *n;
}

enum rc
issuing_point_number(struct issuing_point *ip, struct num *out, struct err *e)
{
	LOCKED(&ip->lock);

	if (!ip->by_claim)
		return claim_number_after(out, &ip->number, e);
	if (!ip->has_claim)
		return err_set(e, RC_GONE,
		    "issuing point %s: another host holds the role", ip->id);
	return claim_number_next(out, &ip->claim, &ip->number, e);
}

enum rc
issuing_point_confirm(struct issuing_point *ip, struct err *e)
{
	struct claim c;
	enum rc rc;

	if (!ip->by_claim)
		return RC_OK;
	if (!issuing_point_claimed(ip, &c))
		return err_set(e, RC_GONE,
		    "issuing point %s: another host holds the role", ip->id);
	rc = claim_still_holds(ip->store, &c, e);
	if (rc == RC_GONE) {
		issuing_point_claim(ip, NULL);
		log_warning("crl",
		    "issuing_point=%s: %s: its next list is not made here, "
		    "continuing",
		    ip->id, e != NULL ? e->text : "deposed");
	}
	return rc;
}

bool
issuing_point_claim_due(const struct issuing_point *ip)
{
	return ip->by_claim && ip->has_claim &&
	    (ip->behind || ip->current == NULL ||
		num_cmp(&ip->current->number, &ip->claim.number) < 0);
}

void
issuing_point_served(struct issuing_point *ip, const struct num *n)
{
	struct err e = { RC_OK, "" };

	if (num_cmp(n, &ip->floor) <= 0)
		return;
	ip->floor = *n;
	/* without the mark only a restart with an older record could serve an
	 * older list */
	if (ip->mark != NULL &&
	    ip->mark(ip->mark_arg, ip->id, n, true, &e) != RC_OK)
		log_warning(
		    "crl", "issuing_point=%s: %s, continuing", ip->id, e.text);
}

/* Under both locks. */
static enum rc
swap_conf(struct issuing_point *ip, struct crl_conf **fresh, struct err *e)
{
	if (ip->n_former == CRL_CONFIGURES_MAX)
		return err_set(e, RC_TOOBIG,
		    "issuing point %s: settings changed too often: restart the "
		    "server",
		    ip->id);
	ip->former[ip->n_former++] = ip->conf;
	ip->conf = crl_conf_steal(fresh);
	ip->lost = true; /* other certificates may belong on the list */
	return RC_OK;
}

enum rc
issuing_point_configure(
    struct issuing_point *ip, const struct cfg *cfg, struct err *e)
{
	struct crl_authority a = { view_of(ip->ca_cert, ip->ca_cert_len),
		ip->ca_url };
	AUTO(crl_conf) fresh = NULL;
	enum rc rc = crl_conf_new(&fresh, cfg, ip->id, &a, e);
	LOCKED(&ip->making);

	if (rc != RC_OK)
		return rc;
	pthread_mutex_lock(&ip->lock);
	rc = swap_conf(ip, &fresh, e);
	pthread_mutex_unlock(&ip->lock);
	return rc;
}
