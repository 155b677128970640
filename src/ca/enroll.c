/* SPDX-License-Identifier: Apache-2.0 */
/* enroll.c - from a submission to a request record and a certificate
 * (spec ca 5.3, 5.4, 5.7; profiles 4).
 * Owns:    nothing beyond a call.
 * Trusts:  the profile engine for the template; http/ for client_cert.
 * Threads: any worker. */
#include "ca/enroll.h"

#include <stdatomic.h>

#include "der/reader.h"
#include "x509/name.h"

void
ca_requests_done(struct ca_requests *r)
{
	for (size_t i = 0; i < r->n; i++)
		request_rec_free(r->items[i]);
	r->n = 0;
}

static const char *
group_of_manager(const char *auth_id)
{
	if (strcmp(auth_id, "raCertAuth") == 0)
		return "Registration Manager Agents";
	return "Certificate Manager Agents";
}

/* A client certificate that this CA has issued and that is VALID now: its
 * record holds exactly these bytes. */
static enum rc
own_certificate(struct ca *ca, struct view der, struct err *e)
{
	AUTO(arena) a = arena_new(0);
	struct cert x;
	struct cert_rec c;
	enum rc rc;

	if (der.len == 0)
		return err_set(e, RC_AUTH,
		    "Authentication failed: SSLclientCertAuth needs a client "
		    "certificate of this CA");
	if (a == NULL)
		return err_set(e, RC_NOMEM, "client certificate");
	if ((rc = cert_parse(&x, der, e)) != RC_OK)
		return rc;
	rc = ca_cert_get(ca, &x.serial, &c, a, e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (rc == RC_NOTFOUND || !view_eq(c.der, der) ||
	    cert_rec_status(&c, clock_now(ca->clock)) != CERT_VALID)
		return err_set(e, RC_AUTH,
		    "Authentication failed: the client certificate is not a "
		    "valid one of this CA");
	return RC_OK;
}

/* An install token: the submission goes on as whom it stands for. */
static enum rc
token_auth(struct ca *ca, struct ca_submission *s, struct principal **who,
    struct err *e)
{
	const char *token = s->get(s->arg, "sessionID");
	struct domain_session x;
	enum rc rc;

	if (token == NULL || token[0] == '\0')
		return err_set(e, RC_AUTH,
		    "Authentication failed: TokenAuth needs an install token "
		    "(sessionID)");
	if ((rc = ca_domain_token(
		 ca, &x, token, s->peer != NULL ? s->peer : "", e)) != RC_OK ||
	    (rc = ca_domain_unspent(&x, e)) != RC_OK) {
		if (rc == RC_NOTFOUND && e != NULL)
			rc = e->rc = RC_AUTH;
		rc_ignore(err_prefix(e, "Authentication failed"));
		return rc;
	}
	if ((*who = ca_domain_principal(&x)) == NULL)
		return err_set(e, RC_NOMEM, "enrolment");
	s->who = *who;
	return RC_OK;
}

/* The profile's authenticator (spec profiles 11). */
static enum rc
authenticate(struct ca *ca, const struct profile *p, struct ca_submission *s,
    struct principal **token_holder, struct request_rec *r, struct err *e)
{
	enum rc rc;
	const char *id = p->auth_id;
	const struct principal *who = s->who;

	if (strcmp(id, "AgentCertAuth") == 0 || strcmp(id, "raCertAuth") == 0) {
		if (who == NULL || who->method != AUTH_CERTIFICATE ||
		    !principal_in(who, group_of_manager(id)))
			return err_set(e, RC_AUTH,
			    "Authentication failed: %s needs the client "
			    "certificate of a member of %s",
			    id, group_of_manager(id));
		request_set(r, "auth_token.group", group_of_manager(id));
	} else if (strcmp(id, "SessionAuthentication") == 0) {
		if (who == NULL)
			return err_set(e, RC_AUTH,
			    "Authentication failed: %s needs a log-in", id);
	} else if (strcmp(id, "TokenAuth") == 0) {
		if ((rc = token_auth(ca, s, token_holder, e)) != RC_OK)
			return rc;
		who = s->who;
		request_set(r, "auth_token.group", who->groups[0]);
	} else if (strcmp(id, "SSLclientCertAuth") == 0) {
		if ((rc = own_certificate(ca, s->client_cert, e)) != RC_OK)
			return rc;
	} else {
		return err_set(e, RC_AUTH,
		    "Authentication failed: Unable to load authenticator %.64s",
		    id);
	}
	request_set(r, "auth_token.authMgrInstName", id);
	if (who != NULL) {
		request_set(r, "auth_token.uid", who->uid);
		request_set(r, "auth_token.userid", who->uid);
		if (strcmp(id, "raCertAuth") == 0) {
			free(r->owner);
			r->owner = strdup(who->uid);
		}
	}
	return RC_OK;
}

static enum rc
authorize(const struct profile *p, const struct ca_submission *s, struct err *e)
{
	bool ok = false;
	enum rc rc;

	if (p->acl[0] == '\0')
		return RC_OK;
	rc = acl_eval(p->acl, s->who, s->peer, &ok, e);
	if (rc == RC_OK && !ok)
		rc = err_set(e, RC_AUTH,
		    "Authorization failed: the profile's ACL does not allow "
		    "it");
	return rc;
}

/* notAfter within the CA's own (spec ca 5.7). */
static enum rc
clamp_validity(struct ca *ca, struct cert_template *t, struct err *e)
{
	const struct ext *x = ext_list_find_oid(&t->exts, OID_basicConstraints);
	struct basic_constraints bc = { 0 };
	bool is_ca = false, past;

	if (x != NULL && ext_basic_constraints(&bc, x->value, NULL) == RC_OK)
		is_ca = bc.ca;
	past = cfg_bool(ca->cfg,
	    is_ca ? "ca.enablePastCATime_caCert" : "ca.enablePastCATime",
	    false);
	if (t->not_before > ca->signing.cert.not_after)
		return err_set(e, RC_INVALID,
		    "validity begins after the CA certificate's end");
	if (!past && t->not_after > ca->signing.cert.not_after)
		t->not_after = ca->signing.cert.not_after;
	return RC_OK;
}

/* Texts of the record's `extension` attribute. */
static enum rc
extension_texts(const struct cert *c, const char **out, size_t max,
    struct arena *a, struct err *e)
{
	struct view exts = c->exts;
	struct ext x;
	size_t n = 0;
	enum rc rc;

	while (exts.len > 0 && n + 1 < max) {
		AUTO_BUF b = buf_empty(1024);
		if ((rc = ext_next(&exts, &x, e)) != RC_OK ||
		    (rc = ext_index_text(&b, &x, e)) != RC_OK)
			return rc;
		out[n] = arena_str(a, buf_cstr(&b));
		if (out[n++] == NULL)
			return err_set(e, RC_NOMEM, "certificate record");
	}
	out[n] = NULL;
	return RC_OK;
}

static enum rc
text_of_name(const char **out, struct view name, struct arena *a, struct err *e)
{
	AUTO_BUF b = buf_empty(NAME_DER_MAX * 4);
	enum rc rc = name_text(&b, name, e);

	if (rc != RC_OK)
		return rc;
	*out = arena_str(a, buf_cstr(&b));
	return *out != NULL ? RC_OK : err_set(e, RC_NOMEM, "name");
}

static enum rc
text_of_oid(const char **out, struct view oid, struct arena *a, struct err *e)
{
	AUTO_BUF b = buf_empty(1024);
	enum rc rc = oid_text(&b, oid, e);

	if (rc != RC_OK)
		return rc;
	*out = arena_str(a, buf_cstr(&b));
	return *out != NULL ? RC_OK : err_set(e, RC_NOMEM, "OID");
}

/* OID inside an AlgorithmIdentifier. */
static enum rc
alg_oid(struct view *out, struct view algid, struct err *e)
{
	struct view body;
	enum rc rc = der_enter(&algid, &body, DER_SEQUENCE, e);

	return rc == RC_OK ? der_oid(&body, out, e) : rc;
}

enum rc
ca_cert_record(struct cert_rec *c, struct view der, const char *issued_by,
    const char *const *meta, int64_t now, struct arena *a, struct err *e)
{
	enum {
		EXTS_MAX = 64
	};
	const char **exts = arena_alloc(a, EXTS_MAX, sizeof(*exts));
	struct cert x;
	struct view oid, bits;
	enum rc rc;

	memset(c, 0, sizeof(*c));
	if (exts == NULL)
		return err_set(e, RC_NOMEM, "certificate record");
	if ((rc = cert_parse(&x, der, e)) != RC_OK ||
	    (rc = text_of_name(&c->subject, x.subject, a, e)) != RC_OK ||
	    (rc = text_of_name(&c->issuer, x.issuer, a, e)) != RC_OK ||
	    (rc = spki_split(x.spki, &oid, &bits, e)) != RC_OK ||
	    (rc = text_of_oid(&c->key_oid, oid, a, e)) != RC_OK ||
	    (rc = alg_oid(&oid, x.sigalg, e)) != RC_OK ||
	    (rc = text_of_oid(&c->sig_oid, oid, a, e)) != RC_OK ||
	    (rc = extension_texts(&x, exts, EXTS_MAX, a, e)) != RC_OK)
		return rc;
	c->serial = x.serial;
	c->created = c->modified = now;
	c->not_before = x.not_before;
	c->not_after = x.not_after;
	c->status = cert_rec_status(c, c->created);
	c->issued_by = issued_by;
	c->meta = meta;
	c->extensions = exts;
	c->spki = x.spki;
	c->der = der;
	c->auto_renew = true;
	return RC_OK;
}

/* The poison of a WithSCT profile never leaves this server: with logging off the
 * certificate is a plain one (spec profiles 14). */
static enum rc
settle_transparency(struct ca *ca, struct cert_template *t, struct err *e)
{
	const char *mode = ca_shared(ca)->transparency;

	if (strcmp(mode, "disabled") != 0)
		return err_set(e, RC_UNSUPPORTED,
		    "ca.certTransparency.mode=%s: this version has no "
		    "connection to logs",
		    mode);
	ext_list_remove(&t->exts, oid_der(OID_ctPoison));
	return RC_OK;
}

enum rc
ca_sign_template(
    struct ca *ca, struct cert_template *t, struct buf *der, struct err *e)
{
	AUTO_BUF tbs = buf_empty(CERT_DER_MAX);
	enum rc rc;

	t->issuer = ca->signing.cert.subject;
	if ((rc = settle_transparency(ca, t, e)) != RC_OK ||
	    (rc = ca_new_serial(ca, &t->serial, e)) != RC_OK ||
	    (rc = clamp_validity(ca, t, e)) != RC_OK)
		return rc;
	if (t->sigalg >= SIGALG_COUNT ||
	    !key_can_sign(ca->signing.key, t->sigalg))
		return err_set(e, RC_INVALID,
		    "the CA's key cannot sign with %s",
		    t->sigalg < SIGALG_COUNT ? sigalg_name(t->sigalg) : "that");
	if ((rc = template_tbs(&tbs, t, e)) != RC_OK)
		return rc;
	return key_sign_object(
	    ca->signing.key, t->sigalg, buf_view(&tbs), der, e);
}

/* Exhausted numbers, in the words that scripts know (spec deployment 4.4). */
static enum rc
explain_numbers(struct ca *ca, const struct num *id, enum rc rc, struct err *e)
{
	char text[NUM_TEXT_MAX];

	if (e == NULL || !text_starts(e->text, RANGE_EXHAUSTED))
		return rc;
	if (numbers_random(ca->numbers, RANGE_REQUEST))
		num_0x(text, id);
	else
		num_dec(text, id);
	return err_set(e, rc,
	    "Request %s was completed with errors. CA has exhausted all "
	    "available serial numbers",
	    text);
}

enum rc
ca_issue(struct ca *ca, struct request_rec *r, struct cert_template *t,
    const char *by, struct batch *b, struct rec **out, struct err *e)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	struct cert_rec c;
	char dec[NUM_TEXT_MAX], hex[NUM_TEXT_MAX];
	const char *meta[4] = { NULL }, *profile = request_ext(r, "profileid");
	AUTO(rec) rec = NULL;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "certificate record");
	rc = ca_sign_template(ca, t, &der, e);
	if (rc != RC_OK)
		return explain_numbers(ca, &r->id, rc, e);
	meta[0] = arena_printf(a, "requestId:%s", num_dec(dec, &r->id));
	if (profile != NULL)
		meta[1] = arena_printf(a, "profileId:%s", profile);
	rc = ca_cert_record(
	    &c, buf_view(&der), by, meta, clock_now(ca->clock), a, e);
	if (rc != RC_OK)
		return rc;
	rec = cert_rec_encode(&c);
	if (rec == NULL)
		return err_set(e, RC_NOMEM, "certificate record");
	r->state = REQUEST_COMPLETE;
	r->modified = clock_now(ca->clock);
	request_set_bytes(r, "req_issued_cert", buf_view(&der));
	request_set(r, "result", "1");
	request_set(r, "requeststatus", "complete");
	ca_audit_effect(ca, b,
	    AUDIT_ENTRY("CERT_REQUEST_PROCESSED", by, true,
		"certificate request processed",
		{ "ReqID", num_dec(dec, &r->id) },
		{ "CertSerialNum", num_0x(hex, &t->serial) }));
	atomic_fetch_add(&ca->n_issued, 1);
	*out = rec_steal(&rec);
	return RC_OK;
}

/* Renewal: the original request's profile and inputs (spec ca 5.4). */
struct renewal {
	struct request_rec *orig;
	const struct ca_submission *outer;
	int64_t not_after;
	const char *subject;
};

static const char *
renewal_get(void *arg, const char *name)
{
	struct renewal *n = arg;

	return request_ext(n->orig, name);
}

/* Does the profile ask for a serial number? Where it does not, only the client
 * certificate says what is renewed. */
static bool
asks_serial(const struct profile *p)
{
	for (size_t i = 0; i < p->n_inputs; i++) {
		if (strcmp(p->inputs[i].part.class_id,
			"serialNumRenewInputImpl") == 0)
			return true;
	}
	return false;
}

static enum rc
load_renewal(struct ca *ca, const struct profile *outer,
    const struct ca_submission *s, struct renewal *n,
    struct profile **orig_profile, struct arena *a, struct err *e)
{
	const char *text = asks_serial(outer) ? s->serial : NULL;
	struct cert_rec c;
	struct cert own;
	struct num serial, id;
	const char *profile;
	enum rc rc;

	if (asks_serial(outer) && (text == NULL || text[0] == '\0'))
		text = s->get(s->arg, "serial_num");
	if (text != NULL && text[0] != '\0') {
		if ((rc = num_parse(&serial, text, false, e)) != RC_OK)
			return err_prefix(e, "serial number");
	} else if (s->client_cert.len > 0) {
		if ((rc = cert_parse(&own, s->client_cert, e)) != RC_OK)
			return rc;
		serial = own.serial;
	} else {
		return err_set(e, RC_INVALID,
		    "renewal: a serial number or a client certificate is "
		    "needed");
	}
	rc = ca_cert_get(ca, &serial, &c, a, e);
	if (rc != RC_OK)
		return err_set(e, RC_INVALID,
		    "renewal: no certificate with that serial number");
	if (c.revoked)
		return err_set(
		    e, RC_INVALID, "Cannot renew a revoked certificate");
	if (c.request_id == NULL ||
	    num_parse(&id, c.request_id, true, NULL) != RC_OK)
		return err_set(e, RC_INVALID,
		    "renewal: the original request is not known");
	if ((rc = ca_request_get(ca, &id, &n->orig, e)) != RC_OK)
		return err_set(
		    e, RC_INVALID, "renewal: the original request is gone");
	profile = request_ext(n->orig, "profileid");
	if (profile == NULL)
		return err_set(e, RC_INVALID,
		    "renewal: the original request has no profile");
	n->not_after = c.not_after;
	n->subject = c.subject;
	rc = profiles_get(ca->profiles, orig_profile, profile, e);
	if (rc != RC_OK)
		return rc;
	if (!(*orig_profile)->enabled)
		return err_set(e, RC_CONFLICT, "Profile %s not enabled",
		    (*orig_profile)->id);
	return RC_OK;
}

/* Does the submission complete without an agent? */
static bool
automatic(struct ca *ca, const struct profile *p, const struct ca_submission *s)
{
	if (p->explicit_approval)
		return false;
	if (p->auth_id[0] != '\0')
		return true;
	/* caManualRenewal by an agent is done at once (spec ca 5.4) */
	return p->renewal && s->who != NULL &&
	    ca_allowed(ca, s->who, s->peer, "certServer.ca.certrequests",
		"execute", NULL) == RC_OK;
}

static void
reject(struct ca *ca, struct request_rec *r, struct batch *b,
    const struct err *why)
{
	char dec[NUM_TEXT_MAX];

	r->state = REQUEST_REJECTED;
	request_set(r, "requeststatus", "rejected");
	request_set(r, "error", why->text);
	request_set(r, "errorcode", "3");
	ca_audit_effect(ca, b,
	    AUDIT_ENTRY("CERT_REQUEST_PROCESSED", "$System$", false,
		"certificate request rejected",
		{ "ReqID", num_dec(dec, &r->id) },
		{ "InfoName", "rejectReason" }, { "InfoValue", why->text }));
	atomic_fetch_add(&ca->n_rejected, 1);
}

/* What one certificate of a submission goes through. */
struct one {
	struct ca *ca;
	const struct ca_submission *s;
	struct principal *token_holder; /* owned; s->who when TokenAuth */
	struct profile *outer, *p;      /* p: the original's for renewals */
	struct profile_submission in;
	struct renewal *renewal; /* NULL = none */
	size_t seq;
	bool automatic;
};

static enum rc
fill(const struct one *o, const struct profile_env *env, struct request_rec *r,
    struct cert_template *t, struct err *e)
{
	char ms[32];
	enum rc rc;

	if ((rc = profile_begin(o->p, env, &o->in, o->seq, r, e)) != RC_OK)
		return rc;
	request_set(r, "profileremotehost",
	    o->s->host != NULL ? o->s->host : o->s->peer);
	request_set(r, "profileremoteaddr", o->s->peer);
	request_set(r, "requesttype", r->type);
	request_set(r, "requestversion", "1.0.0");
	request_set(r, "requeststatus", "pending");
	if (o->renewal != NULL) {
		snprintf(ms, sizeof(ms), "%lld",
		    (long long)o->renewal->not_after * 1000);
		request_set(r, "orignotafter", ms);
		request_set(r, "authenticatedname", o->renewal->subject);
		request_set(r, "rprofileid", o->outer->id);
	}
	if ((rc = profile_populate(o->p, env, r, t, e)) != RC_OK)
		return rc;
	return profile_validate(o->p, env, r, t, e);
}

static enum rc
submit_one(const struct one *o, const struct request_rec *proto,
    struct batch *b, struct request_rec **out, struct err *e)
{
	struct ca *ca = o->ca;
	AUTO(arena) a = arena_new(0);
	AUTO(request_rec) r = NULL;
	AUTO(rec) cert = NULL;
	struct cert_template t;
	struct profile_env env;
	struct num id;
	char dec[NUM_TEXT_MAX];
	struct rec *rec;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "enrolment");
	if ((rc = ca_new_request_id(ca, &id, e)) != RC_OK)
		return err_prefix(e,
		    "Unable to create enrollment request: Unable to create "
		    "enrollment request");
	r = request_rec_new(&id, o->renewal != NULL ? "renewal" : "enrollment");
	if (r == NULL)
		return err_set(e, RC_NOMEM, "enrolment");
	for (size_t i = 0; i < proto->n_ext; i++)
		request_set_sub(r, proto->ext[i].key, proto->ext[i].sub,
		    proto->ext[i].value);
	if (proto->owner != NULL)
		r->owner = strdup(proto->owner);
	r->created = r->modified = clock_now(ca->clock);
	r->state = REQUEST_PENDING;
	ca_profile_env(ca, &env);
	template_init(&t, a);
	rc = fill(o, &env, r, &t, e);
	if (rc == RC_DENIED)
		reject(ca, r, b, e);
	else if (rc != RC_OK)
		return rc;
	if ((rc = profile_template_store(r, &t, e)) != RC_OK)
		return rc;
	ca_audit_effect(ca, b,
	    AUDIT_ENTRY("PROFILE_CERT_REQUEST", ca_subject_id(o->s->who),
		r->state != REQUEST_REJECTED, "certificate request made",
		{ "ReqID", num_dec(dec, &r->id) }, { "ProfileID", o->p->id },
		{ "CertSubject", request_ext(r, "req_subject_name.cn") }));
	if (r->state == REQUEST_PENDING && o->automatic) {
		rc = ca_issue(ca, r, &t,
		    o->s->who != NULL ? o->s->who->uid : "system", b, &cert, e);
		if (rc != RC_OK)
			return rc;
	}
	rec = request_rec_encode(r);
	if (rec == NULL)
		return err_set(e, RC_NOMEM, "enrolment");
	/* the decision first: the request with the certificate in it */
	batch_add(b, rec);
	if (cert != NULL)
		batch_add(b, rec_steal(&cert));
	*out = request_rec_steal(&r);
	return RC_OK;
}

static enum rc
prepare(struct ca *ca, struct ca_submission *s, struct one *o,
    struct renewal *n, struct request_rec *proto, struct arena *a,
    struct err *e)
{
	enum rc rc;

	if ((rc = profiles_get(ca->profiles, &o->outer, s->profile_id, e)) !=
	    RC_OK)
		return rc;
	if (!o->outer->enabled)
		return err_set(
		    e, RC_CONFLICT, "Profile %s not enabled", o->outer->id);
	if (o->outer->auth_id[0] != '\0' &&
	    ((rc = authenticate(ca, o->outer, s, &o->token_holder, proto, e)) !=
		    RC_OK ||
		(rc = authorize(o->outer, s, e)) != RC_OK))
		return rc;
	o->in = (struct profile_submission){ s->get, s->arg };
	o->automatic = automatic(ca, o->outer, s);
	if (!o->outer->renewal && !s->renewal) {
		o->p = profile_ref(o->outer);
		return RC_OK;
	}
	if (!o->outer->renewal)
		return err_set(e, RC_INVALID,
		    "Profile %s is no renewal profile", o->outer->id);
	rc = load_renewal(ca, o->outer, s, n, &o->p, a, e);
	o->renewal = n;
	o->in = (struct profile_submission){ renewal_get, n };
	return rc;
}

static bool
unacked(enum rc rc, const struct err *e)
{
	return rc == RC_UNAVAILABLE && e != NULL &&
	    text_starts(e->text, STORE_UNACKED);
}

static enum rc
submit_all(struct one *o, const struct request_rec *proto,
    struct ca_requests *out, struct err *e)
{
	AUTO(batch) b = batch_new();
	size_t n = 0;
	enum rc rc;

	if (b == NULL)
		return err_set(e, RC_NOMEM, "enrolment");
	if ((rc = profile_count(o->p, &o->in, &n, e)) != RC_OK)
		return rc;
	if (n > CA_REQUESTS_MAX)
		return err_set(e, RC_TOOBIG,
		    "more than %d certificates in one submission",
		    CA_REQUESTS_MAX);
	for (o->seq = 0; o->seq < n; o->seq++) {
		rc = submit_one(o, proto, b, &out->items[o->seq], e);
		if (rc != RC_OK)
			return rc;
		out->n++;
	}
	rc = store_commit(o->ca->store, b, e);
	if (rc == RC_OK || unacked(rc, e))
		instance_wake_soon(o->ca->instance);
	return rc;
}

/* What is stored can be fetched: the answer says under which number. */
static enum rc
name_stored(const struct ca_requests *r, enum rc rc, struct err *e)
{
	char id[NUM_TEXT_MAX];

	if (r->n == 0)
		return rc;
	return err_prefix(e, "request %s", num_0x(id, &r->items[0]->id));
}

enum rc
ca_submit(struct ca *ca, const struct ca_submission *s, struct ca_requests *out,
    struct err *e)
{
	struct ca_submission mine = *s; /* who it is may come from a token */
	struct one o = { .ca = ca, .s = &mine };
	struct renewal n = { .outer = s };
	struct num zero = num_from_u64(0);
	AUTO(request_rec) proto = request_rec_new(&zero, "enrollment");
	AUTO(arena) a = arena_new(0);
	enum rc rc;

	out->n = 0;
	if (proto == NULL || a == NULL)
		return err_set(e, RC_NOMEM, "enrolment");
	rc = prepare(ca, &mine, &o, &n, proto, a, e);
	if (rc == RC_OK)
		rc = submit_all(&o, proto, out, e);
	if (unacked(rc, e))
		rc = name_stored(out, rc, e);
	else if (rc != RC_OK)
		ca_requests_done(out);
	profile_free(o.outer);
	profile_free(o.p);
	principal_free(o.token_holder);
	request_rec_free(n.orig);
	return rc;
}
