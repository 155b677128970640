/* SPDX-License-Identifier: Apache-2.0 */
/* process.c - what agents do with a request (spec ca 1.7, 5.3).
 * Owns:    nothing beyond a call.
 * Trusts:  callers for authorization; values of a review are checked by the
 *          profile engine.
 * Threads: any worker; two agents on one request are kept apart by a lock a
 *          request id hashes to. */
#include <stdatomic.h>

#include "base/thread.h"
#include "ca/enroll.h"

static const char *const words[] = { "approve", "reject", "cancel", "update",
	"validate", "assign", "unassign" };

int
ca_action_find(const char *word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], word) == 0)
			return (int)i;
	}
	return -1;
}

/* Sets the sent values back into the template, in policy order. */
static enum rc
take_values(const struct profile *p, const struct profile_env *env,
    struct request_rec *r, struct cert_template *t, const struct ca_review *v,
    struct arena *a, struct err *e)
{
	const char *set_id = request_ext(r, "profilesetid");
	const struct profile_set *set =
	    set_id != NULL ? profile_set_find(p, set_id) : NULL;
	struct profile_value_desc d;
	enum rc rc;

	if (v == NULL || v->get == NULL)
		return RC_OK;
	if (set == NULL)
		return err_set(e, RC_NOTFOUND, "Policy Set Not Found");
	for (size_t i = 0; i < set->n_policies; i++) {
		const struct profile_policy *pol = &set->policies[i];
		for (size_t k = 0; profile_default_value(pol, env, k, &d, a);
		     k++) {
			bool present = false;
			const char *x =
			    v->get(v->arg, pol->id, d.name, &present);
			rc = profile_value_set(
			    p, env, r, t, pol, d.name, present ? x : NULL, e);
			if (rc != RC_OK)
				return rc;
		}
	}
	return RC_OK;
}

static void
set_rejected(struct ca *ca, struct request_rec *r, struct batch *b,
    const char *by, const char *why)
{
	char dec[NUM_TEXT_MAX];

	r->state = REQUEST_REJECTED;
	request_set(r, "requeststatus", "rejected");
	ca_audit_effect(ca, b,
	    AUDIT_ENTRY("CERT_REQUEST_PROCESSED", by, false,
		"certificate request rejected",
		{ "ReqID", num_dec(dec, &r->id) },
		{ "InfoName", "rejectReason" }, { "InfoValue", why }));
	atomic_fetch_add(&ca->n_rejected, 1);
}

/* Constraints failed at approval: the request ends rejected. */
static enum rc
reject_now(struct ca *ca, const struct request_rec *old, struct request_rec *r,
    const char *by, struct err *e)
{
	AUTO(batch) b = batch_new();
	char hex[NUM_TEXT_MAX];
	struct err why = *e;
	enum rc rc;

	if (b == NULL)
		return err_set(e, RC_NOMEM, "request");
	set_rejected(ca, r, b, by, why.text);
	request_set(r, "error", why.text);
	request_rec_diff(b, old, r);
	rc = store_commit(ca->store, b, e);
	if (rc != RC_OK)
		return rc;
	return err_set(e, RC_INVALID, "Request %s Rejected - %s",
	    num_0x(hex, &r->id), why.text);
}

struct work {
	struct ca *ca;
	struct request_rec *old, *r;
	const struct ca_review *review;
	const struct principal *who;
	struct arena *a;
};

/* approve, update and validate. */
static enum rc
evaluate(struct work *w, enum ca_action act, struct err *e)
{
	AUTO(profile) p = NULL;
	AUTO(batch) b = batch_new();
	AUTO(rec) cert = NULL;
	struct profile_env env;
	struct cert_template t;
	const char *id = request_ext(w->r, "profileid");
	enum rc rc;

	if (b == NULL)
		return err_set(e, RC_NOMEM, "request");
	if (id == NULL)
		return err_set(e, RC_INVALID, "Invalid Request");
	if ((rc = profiles_get(w->ca->profiles, &p, id, e)) != RC_OK)
		return rc;
	if (!p->enabled && act != CA_VALIDATE)
		return err_set(e, RC_CONFLICT, "Profile %s not enabled", p->id);
	ca_profile_env(w->ca, &env);
	template_init(&t, w->a);
	if ((rc = profile_template_load(w->r, &t, e)) != RC_OK ||
	    (rc = take_values(p, &env, w->r, &t, w->review, w->a, e)) != RC_OK)
		return rc;
	if (act != CA_VALIDATE &&
	    p->last_modified > w->r->created * 1000 + 999) {
		rc = err_set(e, RC_DENIED, "Profile Newer Than Request");
		return reject_now(w->ca, w->old, w->r, w->who->uid, e);
	}
	rc = profile_validate(p, &env, w->r, &t, e);
	if (rc == RC_DENIED && act == CA_APPROVE)
		return reject_now(w->ca, w->old, w->r, w->who->uid, e);
	if (rc != RC_OK)
		return rc == RC_DENIED ? err_set(e, RC_INVALID, "%s", e->text)
				       : rc;
	if (act == CA_VALIDATE)
		return RC_OK;
	if ((rc = profile_template_store(w->r, &t, e)) != RC_OK)
		return rc;
	if (act == CA_APPROVE) {
		request_set(w->r, "profileapprovedby", w->who->uid);
		rc = ca_issue(w->ca, w->r, &t, w->who->uid, b, &cert, e);
		if (rc != RC_OK)
			return rc;
		/* the decision is the certificate's ADD; it names the request,
		 * from which a cut commit is finished */
		batch_add(b, rec_steal(&cert));
	}
	request_rec_diff(b, w->old, w->r);
	return store_commit(w->ca->store, b, e);
}

static enum rc
change_state(struct work *w, enum ca_action act, struct err *e)
{
	AUTO(batch) b = batch_new();
	char dec[NUM_TEXT_MAX];

	if (b == NULL)
		return err_set(e, RC_NOMEM, "request");
	if (act == CA_REJECT) {
		set_rejected(
		    w->ca, w->r, b, w->who->uid, "rejected by an agent");
	} else if (act == CA_CANCEL) {
		w->r->state = REQUEST_CANCELED;
		request_set(w->r, "requeststatus", "canceled");
		ca_audit_effect(w->ca, b,
		    AUDIT_ENTRY("CERT_REQUEST_PROCESSED", w->who->uid, false,
			"certificate request cancelled",
			{ "ReqID", num_dec(dec, &w->r->id) },
			{ "InfoName", "cancelReason" },
			{ "InfoValue", "cancelled by an agent" }));
	} else {
		free(w->r->owner);
		w->r->owner = act == CA_ASSIGN ? strdup(w->who->uid) : NULL;
		if (act == CA_ASSIGN && w->r->owner == NULL)
			return err_set(e, RC_NOMEM, "request");
	}
	request_rec_diff(b, w->old, w->r);
	return store_commit(w->ca->store, b, e);
}

/* Which requests may be worked on, and by whom. */
static enum rc
check_state(struct work *w, struct err *e)
{
	const char *owner = w->r->owner;

	if (w->r->state != REQUEST_PENDING)
		return err_set(e, RC_INVALID, "Request Not In Pending State");
	if (cfg_bool(w->ca->cfg, "request.assignee.enable", false) &&
	    owner != NULL && strcmp(owner, w->who->uid) != 0)
		return err_set(
		    e, RC_INVALID, "the request is assigned to %.64s", owner);
	return RC_OK;
}

enum rc
ca_process(struct ca *ca, const struct num *id, enum ca_action act,
    const struct ca_review *review, const struct principal *who,
    struct request_rec **out, struct err *e)
{
	AUTO(request_rec) old = NULL;
	AUTO(request_rec) r = NULL;
	AUTO(arena) a = arena_new(0);
	LOCKED(&ca->request_locks[id->b[id->len - 1] % CA_LOCKS]);
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "request");
	if ((rc = ca_request_get(ca, id, &old, e)) != RC_OK ||
	    (rc = ca_request_get(ca, id, &r, e)) != RC_OK)
		return rc;
	struct work w = { ca, old, r, review, who, a };
	if ((rc = check_state(&w, e)) != RC_OK)
		return rc;
	r->modified = clock_now(ca->clock);
	if (review != NULL && review->notes != NULL)
		request_set(r, "requestnotes", review->notes);
	if (act == CA_APPROVE || act == CA_UPDATE || act == CA_VALIDATE)
		rc = evaluate(&w, act, e);
	else
		rc = change_state(&w, act, e);
	if (rc != RC_OK)
		return rc;
	instance_wake_soon(ca->instance);
	*out = request_rec_steal(&r);
	return RC_OK;
}
