/* SPDX-License-Identifier: Apache-2.0 */
/* revoke.c - revocation, hold and release (spec ca 1.7, 5.2; RFC 5280 5.3).
 * Owns:    nothing beyond a call.
 * Trusts:  callers for the agent's authorization and nonces.
 * Threads: any worker; two changes of one certificate are kept apart by a lock
 *          its serial number hashes to. */
#include <stdatomic.h>

#include "base/thread.h"
#include "ca/state.h"
#include "store/decision.h"

enum rc
ca_cert_get(struct ca *ca, const struct num *serial, struct cert_rec *out,
    struct arena *a, struct err *e)
{
	AUTO(rec) r = NULL;
	char id[NUM_TEXT_MAX], hex[NUM_TEXT_MAX];
	enum rc rc;

	rc = store_get(ca->store, &r, REC_CERT, num_hex(id, serial), e);
	if (rc == RC_NOTFOUND)
		return err_set(
		    e, rc, "Certificate ID %s not found", num_0x(hex, serial));
	if (rc != RC_OK)
		return rc;
	return cert_rec_decode(out, r, a, e);
}

enum rc
ca_request_get(struct ca *ca, const struct num *id, struct request_rec **out,
    struct err *e)
{
	AUTO(rec) r = NULL;
	char text[NUM_TEXT_MAX], hex[NUM_TEXT_MAX];
	enum rc rc;

	rc = store_get(ca->store, &r, REC_REQUEST, num_hex(text, id), e);
	if (rc == RC_NOTFOUND)
		return err_set(
		    e, rc, "Request ID %s not found", num_0x(hex, id));
	if (rc != RC_OK)
		return rc;
	return request_rec_decode(out, r, e);
}

/* The rules of the REST layer (spec ca 1.7). */
static enum rc
check_rules(struct ca *ca, const struct ca_revocation *v,
    const struct cert_rec *c, struct err *e)
{
	struct cert x;
	char hex[NUM_TEXT_MAX];
	bool is_ca;
	enum rc rc;

	if (c->der.len > 0) {
		if ((rc = cert_parse(&x, c->der, e)) != RC_OK)
			return rc;
		is_ca = cert_is_ca(&x);
	} else {
		is_ca = false;
	}
	if (is_ca && !v->ca_cert)
		return err_set(e, RC_AUTH,
		    "Certificate %s is a CA signing certificate",
		    num_0x(hex, &v->serial));
	if (!is_ca && v->ca_cert)
		return err_set(e, RC_AUTH,
		    "Certificate %s is not a CA signing certificate",
		    num_0x(hex, &v->serial));
	if (c->revoked &&
	    !(v->from_hold && c->rev.reason == REASON_HOLD &&
		v->reason != REASON_HOLD))
		return err_set(e, RC_INVALID,
		    "certificate #%s has already been revoked",
		    num_hex(hex, &v->serial));
	(void)ca;
	return RC_OK;
}

static const char *
type_of(int reason)
{
	return reason == REASON_HOLD ? "on-hold" : "revoke";
}

static void
audit_change(struct ca *ca, struct batch *b, const struct request_rec *r,
    const struct num *serial, const char *type, int reason, const char *by)
{
	char dec[NUM_TEXT_MAX], hex[NUM_TEXT_MAX], num[16];

	snprintf(num, sizeof(num), "%d", reason);
	ca_audit_effect(ca, b,
	    AUDIT_ENTRY("CERT_STATUS_CHANGE_REQUEST", by, true,
		"certificate revocation/unrevocation request made",
		{ "ReqID", num_dec(dec, &r->id) },
		{ "CertSerialNum", num_0x(hex, serial) },
		{ "RequestType", type }));
	ca_audit_effect(ca, b,
	    AUDIT_ENTRY("CERT_STATUS_CHANGE_REQUEST_PROCESSED", by, true,
		"certificate status change request processed",
		{ "ReqID", num_dec(dec, &r->id) },
		{ "CertSerialNum", num_0x(hex, serial) },
		{ "RequestType", type }, { "RevokeReasonNum", num },
		{ "Approval", "complete" }));
}

static enum rc
new_request(struct ca *ca, struct request_rec **out, const char *type,
    const struct num *serial, const struct principal *who, const char *from,
    struct err *e)
{
	AUTO(request_rec) r = NULL;
	struct num id;
	char dec[NUM_TEXT_MAX];
	enum rc rc;

	if ((rc = ca_new_request_id(ca, &id, e)) != RC_OK)
		return rc;
	r = request_rec_new(&id, type);
	if (r == NULL)
		return err_set(e, RC_NOMEM, "request");
	r->created = r->modified = clock_now(ca->clock);
	r->state = REQUEST_COMPLETE;
	request_set(r, "requesttype", type);
	request_set(r, "requeststatus", "complete");
	request_set(r, "result", "1");
	request_set(r, "requestortype", from != NULL ? from : "Agent");
	request_set_sub(r, "old_serials", "0", num_dec(dec, serial));
	request_set(r, "updatedby", who != NULL ? who->uid : "system");
	*out = request_rec_steal(&r);
	return RC_OK;
}

/* The certificate's record, with the revocation that really holds: a release
 * or a revocation may have lost its place in the record. */
static enum rc
load_cert(struct ca *ca, const struct num *serial, struct cert_rec *c,
    struct ruling *now, struct arena *a, struct err *e)
{
	enum rc rc = ca_cert_get(ca, serial, c, a, e);

	if (rc == RC_OK)
		rc = ruling_load(now, ca->store, c, a, e);
	if (rc != RC_OK)
		return rc;
	c->revoked = ruling_revoked(now);
	if (c->revoked)
		c->rev = now->d.rev;
	return RC_OK;
}

/* The decision: the request; what follows from it: the record's change. */
static enum rc
decide(struct ca *ca, struct batch *b, struct request_rec *r,
    const struct cert_rec *c, const struct merge_decision *d, bool done,
    struct err *e)
{
	const struct ruling after = { true, *d };
	struct rec *rec;
	enum rc rc = RC_OK;

	if (done)
		rc = decision_write(r, &c->serial, d, e);
	if (rc != RC_OK)
		return rc;
	if ((rec = request_rec_encode(r)) == NULL)
		return err_set(e, RC_NOMEM, "request");
	batch_add(b, rec);
	if (done)
		ruling_write(b, &after, c, clock_now(ca->clock));
	return RC_OK;
}

enum rc
ca_revoke(struct ca *ca, const struct ca_revocation *v,
    struct request_rec **out, struct err *e)
{
	AUTO(arena) a = arena_new(0);
	AUTO(batch) b = batch_new();
	AUTO(request_rec) r = NULL;
	const char *by = v->who != NULL ? v->who->uid : "system";
	struct merge_decision d = { .rev = { .reason = v->reason,
					.invalidity = v->invalidity,
					.by = by } };
	struct cert_rec c = { 0 };
	struct ruling before = { 0 };
	LOCKED(&ca->cert_locks[v->serial.b[v->serial.len - 1] % CA_LOCKS]);
	enum rc rc;

	if (a == NULL || b == NULL)
		return err_set(e, RC_NOMEM, "revocation");
	if ((rc = load_cert(ca, &v->serial, &c, &before, a, e)) != RC_OK ||
	    (rc = check_rules(ca, v, &c, e)) != RC_OK ||
	    (rc = new_request(ca, &r, "revocation", &v->serial, v->who,
		 v->requestor, e)) != RC_OK)
		return rc;
	d.rev.recorded = r->created;
	d.rev.date =
	    ruling_next_date(&before, v->reason != REASON_HOLD, r->created);
	request_set(r, "csrrequestorcomments", v->comments);
	if ((rc = decide(ca, b, r, &c, &d, true, e)) != RC_OK)
		return rc;
	audit_change(ca, b, r, &v->serial, type_of(v->reason), v->reason, by);
	if ((rc = store_commit(ca->store, b, e)) != RC_OK)
		return rc;
	atomic_fetch_add(&ca->n_revoked, 1);
	instance_wake(ca->instance);
	*out = request_rec_steal(&r);
	return RC_OK;
}

/* A release that cannot be done is recorded as a request that failed. */
static void
not_on_hold(struct request_rec *r, const struct num *serial)
{
	char hex[NUM_TEXT_MAX], text[NUM_TEXT_MAX + 64];

	snprintf(text, sizeof(text),
	    "Certificate %s is not on hold and cannot be released",
	    num_0x(hex, serial));
	request_set(r, "result", "2");
	request_set(r, "error", text);
}

enum rc
ca_unrevoke(struct ca *ca, const struct num *serial,
    const struct principal *who, struct request_rec **out, struct err *e)
{
	AUTO(arena) a = arena_new(0);
	AUTO(batch) b = batch_new();
	AUTO(request_rec) r = NULL;
	const char *by = who != NULL ? who->uid : "system";
	struct merge_decision d = { .release = true };
	struct cert_rec c = { 0 };
	struct ruling before = { 0 };
	LOCKED(&ca->cert_locks[serial->b[serial->len - 1] % CA_LOCKS]);
	enum rc rc;

	if (a == NULL || b == NULL)
		return err_set(e, RC_NOMEM, "release");
	if ((rc = load_cert(ca, serial, &c, &before, a, e)) != RC_OK ||
	    (rc = new_request(ca, &r, "unrevocation", serial, who, NULL, e)) !=
		RC_OK)
		return rc;
	bool held = c.revoked && c.rev.reason == REASON_HOLD;
	if (!held)
		not_on_hold(r, serial);
	d.rev.recorded = r->created;
	d.rev.date = ruling_next_date(&before, false, r->created);
	if ((rc = decide(ca, b, r, &c, &d, held, e)) != RC_OK)
		return rc;
	if (held)
		audit_change(ca, b, r, serial, "off-hold", REASON_HOLD, by);
	if ((rc = store_commit(ca->store, b, e)) != RC_OK)
		return rc;
	instance_wake(ca->instance);
	*out = request_rec_steal(&r);
	return RC_OK;
}
