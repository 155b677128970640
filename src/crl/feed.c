/* SPDX-License-Identifier: Apache-2.0 */
/* feed.c - keeps the revoked set in step with the certificate records.
 * Owns:    nothing beyond the issuing point.
 * Trusts:  records only as far as crl_conf_entry does.
 * Threads: issuing_point_feed runs on the store's pipeline and takes only the
 *          issuing point's lock for moments.
 *
 * A fill reads the store while it changes: changes are queued meanwhile, and
 * each queued record is read anew after the search, until none is left. So a
 * record the search gave in an older form is put right. */
#include "base/thread.h"
#include "crl/issuing_point_int.h"

enum {
	SERIALS_FIRST = 64
};

enum rc
serials_add(struct serials *s, const struct num *n)
{
	size_t cap = s->cap != 0 ? s->cap * 2 : SERIALS_FIRST;
	struct num *grown;

	if (s->n == s->cap) {
		grown = reallocarray(s->items, cap, sizeof(*grown));
		if (grown == NULL)
			return RC_NOMEM;
		s->items = grown;
		s->cap = cap;
	}
	s->items[s->n++] = *n;
	return RC_OK;
}

void
serials_done(struct serials *s)
{
	free(s->items);
	*s = (struct serials){ NULL, 0, 0 };
}

static bool
same_entry(const struct crl_entry *a, const struct crl_entry *b)
{
	return a->date == b->date && a->reason == b->reason &&
	    a->hold == b->hold && a->has_invalidity == b->has_invalidity &&
	    (!a->has_invalidity || a->invalidity == b->invalidity);
}

/* Brings the set in line with one record; r is NULL for one that is gone.
 * *changed tells whether a list is to tell of it. */
static enum rc
apply(struct issuing_point *ip, struct revoked_set *set,
    const struct num *serial, const struct rec *r, bool *changed)
{
	struct crl_entry x, old;
	bool expired = false, there;

	there = revoked_find(set, serial, &old);
	if (r != NULL &&
	    crl_conf_entry(
		ip->conf, &x, &expired, r, ip->issuer, ip->host_ca)) {
		*changed = !there || !same_entry(&x, &old);
		return *changed ? revoked_put(set, &x, NULL) : RC_OK;
	}
	/* the end of a certificate's time is no reason for another list */
	*changed = there && !expired;
	if (!there)
		return RC_OK;
	if (expired && ip->conf->one_extra) {
		LOCKED(&ip->lock);
		return serials_add(&ip->leaving, serial);
	}
	return revoked_remove(set, serial, NULL, NULL);
}

static void
feed_cert(struct issuing_point *ip, const struct feed_item *i)
{
	struct num serial;
	bool changed = false;
	enum rc rc = RC_OK;

	if (i->id[0] == '\0') { /* some were missed */
		LOCKED(&ip->lock);
		ip->changed = ip->lost = true;
		return;
	}
	if (num_parse(&serial, i->id, true, NULL) != RC_OK)
		return; /* no certificate has such an id */
	if (ip->lazy && !i->local) {
		LOCKED(&ip->lock);
		ip->changed = ip->lost = true; /* read before the next list */
		return;
	}
	pthread_mutex_lock(&ip->lock);
	if (ip->loading)
		rc = serials_add(&ip->queue, &serial);
	pthread_mutex_unlock(&ip->lock);
	/* the present set goes on answering until it is exchanged */
	if (rc == RC_OK)
		rc = apply(ip, ip->set, &serial, i->rec, &changed);
	if (rc != RC_OK || changed) {
		LOCKED(&ip->lock);
		ip->changed = true;
		ip->lost = ip->lost || rc != RC_OK;
	}
}

void
issuing_point_feed(void *arg, const struct feed_item *i)
{
	struct issuing_point *ip = arg;

	if (i->kind == REC_CERT) {
		feed_cert(ip, i);
	} else if (i->kind == REC_ISSUING_POINT && !i->local &&
	    strcmp(i->id, ip->id) == 0) {
		LOCKED(&ip->lock);
		ip->record_changed = true;
	}
}

struct fill {
	struct issuing_point *ip;
	struct revoked_set *set;
	enum rc rc;
};

static bool
fill_one(void *arg, const struct rec *r)
{
	struct fill *f = arg;
	struct num serial;
	bool changed;

	if (num_parse(&serial, r->id, true, NULL) == RC_OK)
		f->rc = apply(f->ip, f->set, &serial, r, &changed);
	return f->rc == RC_OK;
}

static enum rc
read_again(struct issuing_point *ip, struct revoked_set *set,
    const struct num *serial, struct err *e)
{
	char id[NUM_TEXT_MAX];
	AUTO(rec) r = NULL;
	bool changed;
	enum rc rc;

	rc = store_get(ip->store, &r, REC_CERT, num_hex(id, serial), e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	rc = apply(ip, set, serial, r, &changed);
	return rc == RC_OK
	    ? rc
	    : err_set(e, rc, "issuing point %s: revoked set", ip->id);
}

/* Works the queue off; when it is found empty the new set becomes the set, under
 * the same lock, so that no change falls between. */
static enum rc
finish(struct issuing_point *ip, struct revoked_set *set, struct err *e)
{
	struct serials batch;
	enum rc rc = RC_OK;
	bool more = true;
	size_t i;

	while (more) {
		pthread_mutex_lock(&ip->lock);
		batch = ip->queue;
		ip->queue = (struct serials){ NULL, 0, 0 };
		more = batch.n > 0;
		if (!more) {
			revoked_swap(ip->set, set);
			ip->loading = false;
			ip->lost = false;
			ip->changed = true;
		}
		pthread_mutex_unlock(&ip->lock);
		for (i = 0; rc == RC_OK && i < batch.n; i++)
			rc = read_again(ip, set, &batch.items[i], e);
		serials_done(&batch);
		if (rc != RC_OK)
			break;
	}
	return rc;
}

enum rc
issuing_point_fill(struct issuing_point *ip, struct err *e)
{
	struct query q = { .kind = REC_CERT, .attrs = crl_conf_attrs };
	AUTO(revoked_set) set = revoked_set_new();
	struct fill f = { ip, set, RC_OK };
	enum rc rc;

	if (set == NULL)
		return err_set(e, RC_NOMEM, "issuing point %s", ip->id);
	q.filter = ip->conf->include_expired
	    ? "(|(certStatus=REVOKED)(certStatus=REVOKED_EXPIRED))"
	    : "(certStatus=REVOKED)";
	pthread_mutex_lock(&ip->lock);
	ip->loading = true;
	pthread_mutex_unlock(&ip->lock);
	rc = store_search(ip->store, &q, fill_one, &f, e);
	if (rc == RC_OK && f.rc != RC_OK)
		rc = err_set(e, f.rc, "issuing point %s: revoked set", ip->id);
	if (rc == RC_OK)
		rc = finish(ip, set, e);
	if (rc == RC_OK)
		return RC_OK;
	/* the old set has missed what was queued */
	pthread_mutex_lock(&ip->lock);
	serials_done(&ip->queue);
	ip->loading = false;
	ip->lost = true;
	pthread_mutex_unlock(&ip->lock);
	return rc;
}
