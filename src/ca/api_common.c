/* SPDX-License-Identifier: Apache-2.0 */
/* api_common.c - callers, sessions, nonces, JSON.
 * Owns:    the data of HTTP sessions.
 * Trusts:  http/ for parsed requests and validated client certificates.
 * Threads: handlers on workers; session data under the session's lock. */
#include "ca/api.h"
#include "ca/nonces.h"

#include <openssl/rand.h>

#include "x509/name.h"

struct nonce {
	struct nonce *next;
	char key[NONCE_KEY_MAX]; /* kind and id */
	uint64_t value;
};
struct session_data {
	struct principal *who;
	uint64_t epoch;       /* of callers_epoch, when who was read */
	struct nonce *nonces; /* newest first */
	size_t n_nonces;
};

static void
session_data_free(void *p)
{
	struct session_data *s = p;

	while (s->nonces != NULL) {
		struct nonce *x = s->nonces;
		s->nonces = x->next;
		free(x);
	}
	principal_free(s->who);
	free(s);
}

struct ca *
api_ca(struct http_call *c)
{
	return c->route_arg;
}

static void
audit_auth(struct ca *ca, const struct principal *who, const char *manager,
    const char *attempted)
{
	if (who != NULL)
		rc_ignore(audit_event(ca->audit,
		    AUDIT_ENTRY("AUTH", who->uid, true,
			"authentication success", { "AuthMgr", manager }),
		    NULL)); /* a failed audit log stops the CA in tick */
	else
		rc_ignore(audit_event(ca->audit,
		    AUDIT_ENTRY("AUTH", "$Unidentified$", false,
			"authentication failure", { "AuthMgr", manager },
			{ "AttemptedCred", attempted }),
		    NULL)); /* likewise */
}

struct http_session *
api_session(struct http_call *c, const struct principal *who)
{
	struct session_data *s;

	if (c->session != NULL)
		return c->session;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->who = who != NULL ? principal_copy(who) : NULL;
	s->epoch = callers_epoch(api_ca(c)->callers);
	/* passwords were audited when they were checked; certificates are shown
	 * at each call, so once a session */
	if (who != NULL && who->method == AUTH_CERTIFICATE)
		audit_auth(api_ca(c), who, "certUserDBAuthMgr", NULL);
	return http_session_new(c, s, session_data_free);
}

void
api_session_close(struct http_call *c)
{
	struct session_data *s =
	    c->session != NULL ? http_session_data(c->session) : NULL;

	if (s != NULL) { /* the access log names who left */
		http_session_lock(c->session);
		if (s->who != NULL)
			c->user = arena_str(c->arena, s->who->uid);
		http_session_unlock(c->session);
	}
	http_session_end(c);
}

static enum rc
by_password(struct http_call *c, const char *user, struct view password,
    struct principal **out, struct err *e)
{
	struct ca *ca = api_ca(c);
	enum rc rc = auth_password(ca->store, out, user, password, e);

	if (rc == RC_OK || rc == RC_AUTH)
		audit_auth(
		    ca, rc == RC_OK ? *out : NULL, "passwdUserDBAuthMgr", user);
	return rc;
}

static void
audit_unknown(struct http_call *c, struct view der)
{
	AUTO_BUF subject = buf_empty(4096);
	struct cert x;

	if (cert_parse(&x, der, NULL) == RC_OK &&
	    name_text(&subject, x.subject, NULL) == RC_OK)
		audit_auth(
		    api_ca(c), NULL, "certUserDBAuthMgr", buf_cstr(&subject));
}

/* A certificate that is no user's is not a failed log-in: end-entity pages are
 * open to its owner. *out stays NULL then. */
static enum rc
by_certificate(
    struct http_call *c, struct view der, struct principal **out, struct err *e)
{
	struct ca *ca = api_ca(c);
	uint64_t epoch = callers_epoch(ca->callers);
	enum rc rc;

	if ((*out = callers_get(ca->callers, der)) != NULL)
		return RC_OK;
	rc = auth_certificate(ca->store, out, der, e);
	if (rc == RC_OK)
		callers_put(ca->callers, *out, epoch);
	else if (rc == RC_AUTH)
		audit_unknown(c, der);
	return rc == RC_AUTH ? RC_OK : rc;
}

/* The session's user as it is now: groups may have changed, the user or the
 * certificate may be gone. */
static enum rc
by_session(struct http_call *c, struct principal **out, struct err *e)
{
	struct ca *ca = api_ca(c);
	struct session_data *s = http_session_data(c->session);
	uint64_t epoch = callers_epoch(ca->callers);
	AUTO(principal) was = NULL;
	enum rc rc;

	http_session_lock(c->session);
	if (s->who != NULL)
		was = principal_copy(s->who);
	bool fresh = s->epoch == epoch;
	http_session_unlock(c->session);
	if (was == NULL)
		return RC_OK;
	if (was->method == AUTH_CERTIFICATE) {
		/* a cookie without its certificate is a stolen one */
		if (!view_eq(c->peer_cert, view_of(was->cert, was->cert_len)))
			return RC_OK;
		return by_certificate(c, c->peer_cert, out, e);
	}
	if (fresh) {
		*out = principal_steal(&was);
		return RC_OK;
	}
	rc = auth_again(ca->store, out, was->uid, was->method, e);
	if (rc != RC_OK)
		return rc == RC_AUTH ? RC_OK : rc;
	http_session_lock(c->session);
	principal_free(s->who);
	s->who = principal_copy(*out);
	s->epoch = epoch;
	http_session_unlock(c->session);
	return RC_OK;
}

static enum rc
find_caller(struct http_call *c, struct principal **out, struct err *e)
{
	const char *user;
	struct view password;
	enum rc rc;

	if (c->session != NULL) {
		rc = by_session(c, out, e);
		if (rc != RC_OK || *out != NULL)
			return rc;
	}
	rc = http_basic(c, &user, &password, e);
	if (rc == RC_OK)
		return by_password(c, user, password, out, e);
	if (rc != RC_NOTFOUND)
		return rc;
	if (c->peer_cert.len > 0)
		return by_certificate(c, c->peer_cert, out, e);
	return RC_OK;
}

enum rc
api_caller(struct http_call *c, struct principal **out, struct err *e)
{
	enum rc rc;

	*out = NULL;
	rc = find_caller(c, out, e);
	if (rc == RC_OK && *out != NULL)
		c->user = arena_str(c->arena, (*out)->uid);
	return rc;
}

bool
api_enter(struct http_call *c, const char *resource, const char *op,
    struct principal **out)
{
	struct ca *ca = api_ca(c);
	struct err e = { RC_OK, "" };
	enum rc rc = api_caller(c, out, &e);

	if (rc == RC_OK)
		rc = ca_allowed(ca, *out, c->peer, resource, op, &e);
	if (rc == RC_OK)
		return true;
	if (rc == RC_DENIED)
		rc_ignore(audit_event(ca->audit,
		    AUDIT_ENTRY("AUTHZ", ca_subject_id(*out), false,
			"authorization failure", { "aclResource", resource },
			{ "Op", op }),
		    NULL)); /* a failed audit log stops the CA in tick */
	if (rc == RC_AUTH && c->peer_cert_error != NULL)
		rc_ignore(err_prefix(
		    &e, "client certificate: %s", c->peer_cert_error));
	api_fail(c, rc, &e);
	return false;
}

static void
nonce_key(char out[NONCE_KEY_MAX], const char *kind, const char *id)
{
	snprintf(out, NONCE_KEY_MAX, "%s/%s", kind, id);
}

static void
nonce_trim(struct session_data *s, size_t max)
{
	while (s->n_nonces > max && s->nonces != NULL) {
		struct nonce **p = &s->nonces;
		while ((*p)->next != NULL)
			p = &(*p)->next;
		free(*p);
		*p = NULL;
		s->n_nonces--;
	}
}

enum rc
api_nonce_new(struct http_call *c, const struct principal *who,
    const char *kind, const char *id, uint64_t *out, struct err *e)
{
	const bool bare = c->session == NULL && who != NULL &&
	    who->method == AUTH_CERTIFICATE;
	struct http_session *session = api_session(c, who);
	struct nonce *x = calloc(1, sizeof(*x));
	char key[NONCE_KEY_MAX] = "";
	struct session_data *s;

	if (session == NULL || x == NULL) {
		free(x);
		return err_set(e, RC_NOMEM, "nonce");
	}
	if (RAND_bytes((uint8_t *)&x->value, sizeof(x->value)) != 1) {
		free(x);
		return err_openssl(e, RC_CRYPTO, "nonce");
	}
	x->value &= INT64_MAX; /* clients read it as a signed long */
	nonce_key(key, kind, id);
	memcpy(x->key, key, sizeof(x->key));
	*out = x->value;
	s = http_session_data(session);
	http_session_lock(session);
	x->next = s->nonces;
	s->nonces = x;
	s->n_nonces++;
	nonce_trim(s, ca_shared(api_ca(c))->nonces_max);
	http_session_unlock(session);
	/* who will not remember the cookie has the certificate again */
	if (bare)
		nonces_put(api_ca(c)->bare_nonces,
		    view_of(who->cert, who->cert_len), key, *out);
	return RC_OK;
}

static enum rc
nonce_verdict(bool found, bool equal, const char *given, struct err *e)
{
	if (!found)
		return err_set(e, RC_INVALID, "Invalid nonce: %.40s", given);
	return equal ? RC_OK
		     : err_set(e, RC_DENIED, "Invalid nonce: %.40s", given);
}

enum rc
api_nonce_check(struct http_call *c, const char *kind, const char *id,
    const char *given, struct err *e)
{
	char key[NONCE_KEY_MAX], text[32];
	struct session_data *s;
	bool found = false, equal = false;

	if (!ca_shared(api_ca(c))->nonces)
		return RC_OK;
	if (given == NULL || given[0] == '\0')
		return err_set(e, RC_INVALID, "Missing nonce.");
	nonce_key(key, kind, id);
	if (c->session == NULL && c->peer_cert.len == 0)
		return err_set(e, RC_INVALID, "Invalid nonce: no session");
	if (c->session == NULL) {
		found = nonces_take(
		    api_ca(c)->bare_nonces, c->peer_cert, key, given, &equal);
		return nonce_verdict(found, equal, given, e);
	}
	s = http_session_data(c->session);
	http_session_lock(c->session);
	for (struct nonce **p = &s->nonces; *p != NULL; p = &(*p)->next) {
		struct nonce *x = *p;
		if (strcmp(x->key, key) != 0)
			continue;
		snprintf(
		    text, sizeof(text), "%llu", (unsigned long long)x->value);
		found = true;
		equal = strcmp(text, given) == 0;
		if (equal) {
			*p = x->next;
			s->n_nonces--;
			free(x);
			break;
		}
	}
	http_session_unlock(c->session);
	return nonce_verdict(found, equal, given, e);
}

enum rc
api_body(struct http_call *c, json_t **out, struct err *e)
{
	json_error_t je;
	json_t *o;

	if (c->body.len == 0)
		return err_set(e, RC_INVALID, "request body is missing");
	o = json_loadb((const char *)c->body.data, c->body.len,
	    JSON_REJECT_DUPLICATES, &je);
	if (o == NULL)
		return err_set(
		    e, RC_INVALID, "JSON: line %d: %s", je.line, je.text);
	if (!json_is_object(o)) {
		json_decref(o);
		return err_set(e, RC_INVALID, "JSON: not an object");
	}
	*out = o;
	return RC_OK;
}

const char *
api_text(struct http_call *c, const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	if (json_is_string(v))
		return arena_str(c->arena, json_string_value(v));
	if (json_is_integer(v))
		return arena_printf(
		    c->arena, "%lld", (long long)json_integer_value(v));
	if (json_is_boolean(v))
		return json_is_true(v) ? "true" : "false";
	return NULL;
}

void
api_json(struct http_call *c, int status, json_t *o)
{
	char *s = json_dumps(o, JSON_COMPACT);

	if (s == NULL)
		instance_http_error(c, 500, NULL, "JSON: out of memory");
	else
		http_reply(c, status, "application/json", view_str(s));
	free(s);
	json_decref(o);
}

void
api_fail(struct http_call *c, enum rc rc, const struct err *e)
{
	instance_http_fail(c, rc, e);
}

void
api_fail_enrol(struct http_call *c, enum rc rc, const struct err *e)
{
	static const char class[] = "com.netscape.certsrv.base.PKIException";
	static const char with[] = "was completed with errors. ";
	const char *cut = strstr(e->text, with);
	AUTO_BUF text = buf_empty(2 * ERR_TEXT_MAX);

	if (cut != NULL) {
		cut += sizeof(with) - 2; /* the blank becomes a new line */
		buf_addf(&text, "Server Internal Error: %.*s\n%s",
		    (int)(cut - e->text), e->text, cut + 1);
	} else if (rc == RC_EXISTS) {
		buf_addf(&text, "Server Internal Error: %s", e->text);
	} else if (strstr(e->text, RANGE_EXHAUSTED) != NULL) {
		buf_add_str(&text, e->text);
	}
	if (text.len > 0)
		api_error(c, rc_http(rc), class, buf_cstr(&text));
	else if (rc == RC_UNSUPPORTED) /* a profile or key, not a media type */
		api_error(c, 400, NULL, e->text);
	else
		api_fail(c, rc, e);
}

void
api_error(
    struct http_call *c, int status, const char *class_name, const char *text)
{
	instance_http_error(c, status, class_name, text);
}

void
api_not_found(
    struct http_call *c, enum api_thing what, const char *id, const char *text)
{
	static const struct {
		const char *class_name, *attribute;
	} things[] = {
		[API_CERT] = { "com.netscape.certsrv.cert."
			       "CertNotFoundException",
		    "certId" },
		[API_REQUEST] = { "com.netscape.certsrv.request."
				  "RequestNotFoundException",
		    "requestId" },
		[API_PROFILE] = { "com.netscape.certsrv.profile."
				  "ProfileNotFoundException",
		    "profileId" },
		[API_USER] = { "com.netscape.certsrv.base."
			       "UserNotFoundException",
		    "userId" },
		[API_GROUP] = { "com.netscape.certsrv.group."
				"GroupNotFoundException",
		    "groupId" },
	};

	instance_http_error_of(
	    c, 404, things[what].class_name, text, things[what].attribute, id);
}

json_t *
api_attributes(void)
{
	return json_pack("{s:[]}", "Attribute");
}

enum rc
api_page(struct http_call *c, const char *size_name, size_t *start,
    size_t *size, struct err *e)
{
	const char *s = http_query(c, "start"), *n = http_query(c, size_name);
	int64_t v;
	enum rc rc;

	*start = 0;
	*size = API_SIZE_DEFAULT;
	if (s != NULL && s[0] != '\0') {
		if ((rc = text_int(&v, s, 0, INT32_MAX, e)) != RC_OK)
			return err_prefix(e, "start");
		*start = (size_t)v;
	}
	if (n != NULL && n[0] != '\0') {
		if ((rc = text_int(&v, n, 1, API_SIZE_MAX, e)) != RC_OK)
			return err_prefix(e, "%s", size_name);
		*size = (size_t)v;
	}
	return RC_OK;
}

enum rc
api_id(struct http_call *c, struct num *out, struct err *e)
{
	const char *s = http_param(c, "id");
	char quoted[TEXT_QUOTE_MAX];

	if (s == NULL || num_parse(out, s, false, NULL) != RC_OK)
		return err_set(e, RC_INVALID, "Id not valid: %s",
		    text_quote(quoted, view_str(s)));
	return RC_OK;
}

json_t *
api_request_info(struct http_call *c, const struct request_rec *r)
{
	struct ca *ca = api_ca(c);
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	char hex[NUM_TEXT_MAX];
	const char *result = request_ext(r, "result"),
		   *error = request_ext(r, "error"),
		   *type = request_ext(r, "cert_request_type"),
		   *serial = request_ext_sub(r, "old_serials", "0");
	struct cert x;
	struct num n;
	json_t *o = json_pack("{s:s,s:s,s:s,s:I,s:I,s:s}", "requestID",
	    num_0x(hex, &r->id), "requestType", r->type, "requestStatus",
	    request_state_text(r->state), "creationTime",
	    (json_int_t)r->created * 1000, "modificationTime",
	    (json_int_t)r->modified * 1000, "operationResult",
	    result != NULL && strcmp(result, "2") == 0 ? "error" : "success");

	(void)ca;
	if (r->realm != NULL)
		json_object_set_new(o, "realm", json_string(r->realm));
	if (type != NULL)
		json_object_set_new(o, "certRequestType", json_string(type));
	if (error != NULL)
		json_object_set_new(o, "errorMessage", json_string(error));
	if (request_ext_bytes(r, &der, "req_issued_cert", NULL) == RC_OK &&
	    cert_parse(&x, buf_view(&der), NULL) == RC_OK)
		json_object_set_new(
		    o, "certId", json_string(num_0x(hex, &x.serial)));
	else if (serial != NULL && num_parse(&n, serial, false, NULL) == RC_OK)
		json_object_set_new(o, "certId", json_string(num_0x(hex, &n)));
	return o;
}
