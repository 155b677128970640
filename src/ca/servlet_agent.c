/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_agent.c - the agents' review of an enrolment and the request queue
 * (spec ca 2.2, 2.6).
 * Owns:    nothing.
 * Trusts:  nothing of a form; values that it lacks keep what they are.
 * Threads: workers. */
#include "ca/servlet.h"

#include "x509/name.h"

enum {
	VALUE_MAX = 256 * 1024,
	QUEUE_DEFAULT = 100,
	QUEUE_MAX = 10000,
};

/* --- review --------------------------------------------------------------------- */

/* A request taken apart. */
struct review {
	struct http_call *c;
	struct request_rec *r;
	struct profile *p;
	const struct profile_set *set; /* NULL = none */
	struct profile_env env;
	struct cert_template t;
	bool has_template;
};

static void
review_done(struct review *v)
{
	request_rec_free(v->r);
	profile_free(v->p);
}

static enum rc
review_load(struct review *v, const struct num *id, struct err *e)
{
	struct ca *ca = api_ca(v->c);
	const char *profile, *set;
	enum rc rc;

	if ((rc = ca_request_get(ca, id, &v->r, e)) != RC_OK)
		return rc;
	profile = request_ext(v->r, "profileid");
	set = request_ext(v->r, "profilesetid");
	if (profile == NULL)
		return err_set(e, RC_INVALID,
		    "the request asks for no certificate of a profile");
	if ((rc = profiles_get(ca->profiles, &v->p, profile, e)) != RC_OK)
		return rc;
	v->set = set != NULL ? profile_set_find(v->p, set) : NULL;
	ca_profile_env(ca, &v->env);
	template_init(&v->t, v->c->arena);
	v->has_template = profile_template_load(v->r, &v->t, NULL) == RC_OK;
	return RC_OK;
}

/* The present value of a default in the arena; *present false for an extension
 * that is absent. */
static const char *
present_value(struct review *v, const struct profile_policy *pol,
    const char *name, bool *present)
{
	AUTO_BUF text = buf_empty(VALUE_MAX);
	const char *copy = NULL;

	if (v->has_template &&
	    profile_value_get(
		v->p, &v->env, v->r, &v->t, pol, name, &text, NULL) == RC_OK)
		copy = arena_str(v->c->arena, buf_cstr(&text));
	*present = copy != NULL;
	return copy;
}

/* Two policies may have values of one name: pages say which one they mean. */
static const char *
qualified(struct http_call *c, const char *policy, const char *name)
{
	return arena_printf(c->arena, "%s.%s", policy, name);
}

static void
default_values(struct servlet *s, struct review *v,
    const struct profile_policy *pol, bool form)
{
	struct profile_value_desc d;

	servlet_list_open(s, "defList");
	for (size_t k = 0;
	     profile_default_value(pol, &v->env, k, &d, s->c->arena); k++) {
		bool present;
		const char *x = present_value(v, pol, d.name, &present);
		bool fixed = d.constraint != NULL &&
		    strcmp(d.constraint, "readonly") == 0;
		servlet_item_open(s, "defList");
		xml_text(&s->head, "defId", d.name);
		xml_text(&s->head, "defName", d.text);
		xml_text(&s->head, "defSyntax", d.syntax);
		xml_text(&s->head, "defConstraint", d.constraint);
		xml_text(&s->head, "defVal", x);
		servlet_item_close(s, "defList");
		if (form && !fixed)
			servlet_field(
			    s, qualified(s->c, pol->id, d.name), &d, x);
	}
	servlet_list_close(s, "defList");
}

static void
constraint_values(struct servlet *s, const struct profile_policy *pol)
{
	struct profile_value_desc d;
	const char *value;

	servlet_list_open(s, "constraint");
	for (size_t i = 0; profile_constraint_param(pol, i, &d, &value); i++) {
		servlet_item_open(s, "constraint");
		xml_text(&s->head, "conName", d.name);
		xml_text(&s->head, "conDesc", d.text);
		xml_text(&s->head, "conSyntax", d.syntax);
		xml_text(&s->head, "conConstraint", d.constraint);
		xml_text(&s->head, "conValue", value);
		servlet_item_close(s, "constraint");
	}
	servlet_list_close(s, "constraint");
}

/* certmonger's helper knows of no nonce, but sends back the first choice of
 * every value that has none yet: so it finds the nonce as such a value. */
static void
nonce_value(struct servlet *s, const char *nonce)
{
	servlet_item_open(s, "record");
	xml_text(&s->head, "policyId", "nonce");
	servlet_list_open(s, "defList");
	servlet_item_open(s, "defList");
	xml_text(&s->head, "defId", "nonce");
	xml_text(&s->head, "defSyntax", "choice");
	xml_text(&s->head, "defConstraint", nonce);
	servlet_item_close(s, "defList");
	servlet_list_close(s, "defList");
	servlet_item_close(s, "record");
}

static void
policies(struct servlet *s, struct review *v, bool form, const char *nonce)
{
	servlet_list_open(s, "record");
	for (size_t i = 0; v->set != NULL && i < v->set->n_policies; i++) {
		const struct profile_policy *pol = &v->set->policies[i];
		servlet_item_open(s, "record");
		xml_text(&s->head, "policyId", pol->id);
		xml_text(&s->head, "setId", v->set->id);
		xml_text(&s->head, "conDesc", profile_constraint_text(pol));
		constraint_values(s, pol);
		xml_text(&s->head, "defDesc", profile_default_text(pol));
		default_values(s, v, pol, form);
		servlet_item_close(s, "record");
	}
	if (nonce != NULL)
		nonce_value(s, nonce);
	servlet_list_close(s, "record");
}

static void
request_part(struct servlet *s, const struct request_rec *r)
{
	char dec[NUM_TEXT_MAX], created[CLOCK_TEXT_MAX], mod[CLOCK_TEXT_MAX];

	xml_text(&s->head, "requestId", num_dec(dec, &r->id));
	xml_text(&s->head, "requestType", r->type);
	xml_text(&s->head, "requestStatus", request_state_text(r->state));
	xml_text(&s->head, "requestOwner", r->owner != NULL ? r->owner : "");
	xml_text(&s->head, "requestCreationTime",
	    clock_text_java(created, r->created));
	xml_text(&s->head, "requestModificationTime",
	    clock_text_java(mod, r->modified));
	xml_text(&s->head, "requestNotes", request_ext(r, "requestnotes"));
	xml_text(
	    &s->head, "profileApprovedBy", request_ext(r, "profileapprovedby"));
	xml_text(
	    &s->head, "profileRemoteHost", request_ext(r, "profileremotehost"));
	xml_text(
	    &s->head, "profileRemoteAddr", request_ext(r, "profileremoteaddr"));
	xml_text(&s->head, "profileSetId", request_ext(r, "profilesetid"));
	xml_text(&s->head, "rprofileId", request_ext(r, "rprofileid"));
}

static void
action_buttons(struct servlet *s)
{
	static const char *const ops[] = { "approve", "update", "validate",
		"reject", "cancel", "assign", "unassign" };

	buf_add_str(&s->form,
	    "<p><label>Notes<br><input size=\"60\" name=\"requestNotes\">"
	    "</label></p>\n<p>");
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		buf_addf(&s->form,
		    "<button type=\"submit\" name=\"op\" value=\"%s\">%s"
		    "</button>\n",
		    ops[i], ops[i]);
	buf_add_str(&s->form, "</p></form>\n");
}

/* *text lives in the call's arena; it stays NULL where nonces are off. */
static enum rc
add_nonce(struct servlet *s, const struct principal *p, const struct num *id,
    const char **text, struct err *e)
{
	char hex[NUM_TEXT_MAX];
	uint64_t nonce;
	enum rc rc;

	if (!ca_shared(api_ca(s->c))->nonces)
		return RC_OK;
	rc =
	    api_nonce_new(s->c, p, "cert-request", num_hex(hex, id), &nonce, e);
	if (rc != RC_OK)
		return rc;
	*text = arena_printf(s->c->arena, "%llu", (unsigned long long)nonce);
	if (*text == NULL)
		return err_set(e, RC_NOMEM, "nonce");
	xml_text(&s->head, "nonce", *text);
	servlet_hidden(s, "nonce", *text);
	return RC_OK;
}

static void
profile_review(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_A, "Review of a request");
	AUTO(principal) p = NULL;
	struct review v = { .c = c };
	struct err e = { RC_OK, "" };
	const char *nonce = NULL;
	char dec[NUM_TEXT_MAX];
	struct num id;
	bool form;
	enum rc rc;

	if (!servlet_enter(&s, "certServer.ca.request.profile", "read", &p))
		return;
	if ((rc = servlet_num(c, "requestId", &id, &e)) == RC_OK &&
	    (rc = review_load(&v, &id, &e)) == RC_OK) {
		form = v.r->state == REQUEST_PENDING;
		xml_text(&s.head, "errorCode", "0");
		request_part(&s, v.r);
		if (form) {
			buf_add_str(&s.form,
			    "<form method=\"post\" action=\"profileProcess\">"
			    "\n");
			servlet_hidden(&s, "requestId", num_dec(dec, &id));
			rc = add_nonce(&s, p, &id, &nonce, &e);
		}
		servlet_profile(&s, v.p);
		policies(&s, &v, form, nonce);
		servlet_inputs(&s, v.p, &v.env, v.r, false);
		servlet_outputs(&s, v.p, v.r);
		if (form)
			action_buttons(&s);
	}
	if (rc == RC_OK)
		servlet_reply(&s);
	else
		servlet_fail(&s, rc, &e);
	review_done(&v);
}

/* --- process ----------------------------------------------------------------------- */

static const struct profile_policy *
find_policy(const struct review *v, const char *id)
{
	for (size_t i = 0; v->set != NULL && i < v->set->n_policies; i++) {
		if (strcmp(v->set->policies[i].id, id) == 0)
			return &v->set->policies[i];
	}
	return NULL;
}

/* What the form says, else what the request has now: certmonger sends only the
 * choices that had no value. */
static const char *
form_value(void *arg, const char *policy_id, const char *name, bool *present)
{
	struct review *v = arg;
	const struct profile_policy *pol = find_policy(v, policy_id);
	const char *full = qualified(v->c, policy_id, name), *x;

	x = full != NULL ? http_arg(v->c, full) : NULL;
	if (x == NULL)
		x = http_arg(v->c, name);
	*present = x != NULL;
	if (x != NULL || pol == NULL)
		return x;
	return present_value(v, pol, name, present);
}

/* Does the form hold any value at all? */
static bool
has_values(struct review *v)
{
	struct profile_value_desc d;

	for (size_t i = 0; v->set != NULL && i < v->set->n_policies; i++) {
		const struct profile_policy *pol = &v->set->policies[i];
		for (size_t k = 0;
		     profile_default_value(pol, &v->env, k, &d, v->c->arena);
		     k++) {
			const char *q = qualified(v->c, pol->id, d.name);
			if (http_arg(v->c, d.name) != NULL ||
			    (q != NULL && http_arg(v->c, q) != NULL))
				return true;
		}
	}
	return false;
}

static enum rc
process(struct review *v, const struct num *id, const struct principal *p,
    struct err *e)
{
	struct http_call *c = v->c;
	const char *op = http_arg(c, "op");
	int act = op != NULL ? ca_action_find(op) : -1;
	struct ca_review review = { form_value, v,
		http_arg(c, "requestNotes") };
	AUTO(request_rec) now = NULL;
	char hex[NUM_TEXT_MAX];
	enum rc rc;

	if (act < 0)
		return err_set(e, RC_INVALID,
		    "op is one of approve, reject, cancel, update, validate, "
		    "assign, unassign");
	if (review.notes != NULL && review.notes[0] == '\0')
		review.notes = NULL;
	rc = api_nonce_check(
	    c, "cert-request", num_hex(hex, id), http_arg(c, "nonce"), e);
	if (rc != RC_OK || (rc = review_load(v, id, e)) != RC_OK)
		return rc;
	if (!has_values(v))
		review.get = NULL;
	return ca_process(
	    api_ca(c), id, (enum ca_action)act, &review, p, &now, e);
}

static void
profile_process(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_A, "Request processed");
	AUTO(principal) p = NULL;
	AUTO(request_rec) now = NULL;
	struct review v = { .c = c };
	struct err e = { RC_OK, "" }, ignored;
	struct num id;
	enum rc rc;

	if (!servlet_enter(&s, "certServer.ca.request.profile", "approve", &p))
		return;
	if ((rc = servlet_num(c, "requestId", &id, &e)) == RC_OK)
		rc = process(&v, &id, p, &e);
	if (v.p == NULL ||
	    ca_request_get(api_ca(c), &id, &now, &ignored) != RC_OK) {
		servlet_fail(&s, rc != RC_OK ? rc : RC_INTERNAL, &e);
		review_done(&v);
		return;
	}
	/* the request's state is told in failure too: it may be rejected now */
	xml_text(&s.head, "errorCode", rc == RC_OK ? "0" : "1");
	if (rc != RC_OK) {
		xml_text(&s.head, "errorReason", e.text);
		s.status = xml_wanted(c) ? 200 : rc_http(rc);
	}
	xml_text(&s.head, "op", http_arg(c, "op"));
	request_part(&s, now);
	servlet_profile(&s, v.p);
	servlet_outputs(&s, v.p, now);
	servlet_reply(&s);
	review_done(&v);
}

/* --- queue --------------------------------------------------------------------------- */

struct queue {
	struct servlet *s;
	const char *after; /* hex id to begin behind, NULL = at the start */
	int64_t left;
	uint64_t shown;
	char last[NUM_TEXT_MAX];
	struct err *e;
	enum rc rc;
};

static void
queue_row(struct servlet *s, const struct request_rec *r)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF subject = buf_empty(NAME_DER_MAX * 4);
	struct cert_template t;
	char dec[NUM_TEXT_MAX];

	if (a != NULL) {
		template_init(&t, a);
		/* a request without a template has no subject to show */
		if (profile_template_load(r, &t, NULL) == RC_OK)
			rc_ignore(name_text(&subject, t.subject, NULL));
	}
	num_dec(dec, &r->id);
	xml_open(&s->list, "record");
	xml_text(&s->list, "seqNum", dec);
	xml_text(&s->list, "requestType", r->type);
	xml_text(&s->list, "status", request_state_text(r->state));
	xml_text(&s->list, "profileID", request_ext(r, "profileid"));
	xml_text(&s->list, "subject", buf_cstr(&subject));
	xml_text(&s->list, "assignedTo", r->owner);
	xml_textf(&s->list, "createdOn", "%lld", (long long)r->created);
	xml_textf(&s->list, "updatedOn", "%lld", (long long)r->modified);
	xml_text(&s->list, "updatedBy", request_ext(r, "updatedby"));
	xml_close(&s->list, "record");
	buf_addf(&s->form,
	    "<p><a href=\"profileReview?requestId=%s\">%s</a> %s %s</p>\n", dec,
	    dec, r->type, request_state_text(r->state));
}

static bool
queue_add(void *arg, const struct rec *rec)
{
	struct queue *q = arg;
	AUTO(request_rec) r = NULL;

	if (q->after != NULL) {
		if (strcmp(rec->id, q->after) == 0)
			q->after = NULL;
		return true;
	}
	if (q->left-- <= 0)
		return false;
	q->rc = request_rec_decode(&r, rec, q->e);
	if (q->rc != RC_OK)
		return false;
	queue_row(q->s, r);
	num_dec(q->last, &r->id);
	q->shown++;
	return true;
}

static enum rc
queue_filter(struct http_call *c, struct buf *f, struct err *e)
{
	static const struct {
		const char *word, *filter;
	} states[] = { { "showWaiting", "(requestState=pending)" },
		{ "showPending", "(requestState=pending)" },
		{ "showInService", "(requestState=svc_pending)" },
		{ "showCancelled", "(requestState=canceled)" },
		{ "showRejected", "(requestState=rejected)" },
		{ "showCompleted", "(requestState=complete)" },
		{ "showAll", "(requestState=*)" } };
	const char *state = http_arg(c, "reqState"),
		   *type = http_arg(c, "reqType"), *term = NULL;

	if (state == NULL || state[0] == '\0')
		state = "showPending";
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(state, states[i].word) == 0)
			term = states[i].filter;
	}
	if (term == NULL)
		return err_set(e, RC_INVALID, "reqState is unknown");
	buf_addf(f, "(&%s", term);
	if (type != NULL && type[0] != '\0' && strcmp(type, "showAll") != 0) {
		buf_add_str(f, "(requestType=");
		filter_escape(f, view_str(type));
		buf_add_char(f, ')');
	}
	buf_add_char(f, ')');
	return buf_check(f, e);
}

/* Prints the requests that f finds. */
static enum rc
queue_show(struct http_call *c, struct queue *q, struct buf *f)
{
	const struct query query = { .kind = REC_REQUEST,
		.filter = buf_cstr(f) };
	enum rc rc = store_search(api_ca(c)->store, &query, queue_add, q, q->e);

	return rc == RC_OK ? q->rc : rc;
}

static void
query_requests(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "Requests");
	AUTO(principal) p = NULL;
	AUTO_BUF f = buf_empty(FILTER_TEXT_MAX);
	struct err e = { RC_OK, "" };
	struct queue q = { .s = &s, .e = &e };
	const char *max = http_arg(c, "maxCount"),
		   *dir = http_arg(c, "direction");
	char hex[NUM_TEXT_MAX];
	struct num last;
	enum rc rc = RC_OK;

	if (!servlet_enter(&s, "certServer.ca.requests", "list", &p))
		return;
	q.left = QUEUE_DEFAULT;
	if (max != NULL && max[0] != '\0')
		rc = text_int(&q.left, max, 1, QUEUE_MAX, &e);
	if (rc == RC_OK && dir != NULL && strcmp(dir, "next") == 0 &&
	    (rc = servlet_num(c, "lastEntryOnPage", &last, &e)) == RC_OK)
		q.after = num_hex(hex, &last);
	if (rc == RC_OK && (rc = queue_filter(c, &f, &e)) == RC_OK)
		rc = queue_show(c, &q, &f);
	if (rc != RC_OK) {
		servlet_fail(&s, rc, &e);
		return;
	}
	xml_text(&s.head, "reqType", http_arg(c, "reqType"));
	xml_text(&s.head, "reqState", http_arg(c, "reqState"));
	xml_textf(
	    &s.head, "currentRecordCount", "%llu", (unsigned long long)q.shown);
	xml_text(&s.head, "lastEntryOnPage", q.last);
	xml_textf(&s.fixed, "requestStatus", "%d", SERVLET_SUCCESS);
	servlet_reply(&s);
}

enum {
	BOTH = HTTP_GET | HTTP_POST,
	AGENT = HTTP_TLS_ONLY | HTTP_SAME_ORIGIN
};
/* The filter of the page, and whose they are to be. */
static enum rc
search_filter(struct http_call *c, const struct principal *p, struct buf *f,
    struct err *e)
{
	const char *text = http_arg(c, "queryRequestFilter"),
		   *owner = http_arg(c, "owner"), *uid = http_arg(c, "uid");
	enum rc rc;

	if (text == NULL || text[0] == '\0')
		return err_set(e, RC_INVALID, "queryRequestFilter is missing");
	buf_add_str(f, "(&");
	if ((rc = servlet_request_filter(f, text, e)) != RC_OK)
		return rc;
	if (owner != NULL && strcmp(owner, "self") == 0)
		uid = p->uid;
	if (owner != NULL && owner[0] != '\0' && uid != NULL) {
		buf_add_str(f, "(requestOwner=");
		filter_escape(f, view_str(uid));
		buf_add_char(f, ')');
	}
	buf_add_char(f, ')');
	return buf_check(f, e);
}

static void
search_requests(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "Requests");
	AUTO(principal) p = NULL;
	AUTO_BUF f = buf_empty(FILTER_TEXT_MAX);
	struct err e = { RC_OK, "" };
	struct queue q = { .s = &s, .e = &e };
	enum rc rc;

	if (!servlet_enter(&s, "certServer.ca.requests", "list", &p))
		return;
	if ((rc = servlet_int(c, "maxResults", QUEUE_MAX, QUEUE_MAX, &q.left,
		 &e)) == RC_OK &&
	    (rc = search_filter(c, p, &f, &e)) == RC_OK)
		rc = queue_show(c, &q, &f);
	if (rc != RC_OK) {
		servlet_fail(&s, rc, &e);
		return;
	}
	xml_textf(
	    &s.head, "totalRecordCount", "%llu", (unsigned long long)q.shown);
	xml_textf(
	    &s.head, "currentRecordCount", "%llu", (unsigned long long)q.shown);
	xml_textf(&s.fixed, "requestStatus", "%d", SERVLET_SUCCESS);
	servlet_reply(&s);
}

/* Every request is one of a profile: its review is the page. */
static void
process_request(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "Request");
	AUTO(principal) p = NULL;
	AUTO_BUF url = buf_empty(1024);
	struct err e = { RC_OK, "" };
	char dec[NUM_TEXT_MAX];
	struct num id;
	enum rc rc;

	if (!servlet_enter(&s, "certServer.ca.request.enrollment", "read", &p))
		return;
	if ((rc = servlet_num(c, "seqNum", &id, &e)) != RC_OK) {
		servlet_fail(&s, rc, &e);
		return;
	}
	buf_addf(&url, "%s/ca/agent/ca/profileReview?requestId=%s%s",
	    http_base_url(c), num_dec(dec, &id),
	    xml_wanted(c) ? "&xml=true" : "");
	http_reply_header(c, "Location", buf_cstr(&url));
	http_reply(c, 303, "text/plain", view_of(NULL, 0));
}

/* There is no publisher: nothing is told to have been published. */
static void
update_dir(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "Directory");
	AUTO(principal) p = NULL;
	struct err e = { RC_OK, "" };

	if (!servlet_enter(&s, "certServer.ca.directory", "update", &p))
		return;
	servlet_fail(&s,
	    err_set(&e, RC_UNAVAILABLE,
		"publishing to a directory is not configured"),
	    &e);
}

static const struct http_route items[] = {
	{ BOTH, "/ca/agent/ca/searchReqs", search_requests, HTTP_READ, AGENT,
	    0 },
	{ BOTH, "/ca/agent/ca/processReq", process_request, HTTP_READ, AGENT,
	    0 },
	{ BOTH, "/ca/agent/ca/processCertReq", process_request, HTTP_READ,
	    AGENT, 0 },
	{ BOTH, "/ca/agent/ca/updateDir", update_dir, HTTP_READ, AGENT, 0 },
	{ BOTH, "/ca/agent/ca/profileReview", profile_review, HTTP_READ, AGENT,
	    0 },
	{ BOTH, "/ca/agent/ca/profileProcess", profile_process, HTTP_ISSUE,
	    AGENT, 0 },
	{ BOTH, "/ca/agent/ca/queryReq", query_requests, HTTP_READ, AGENT, 0 },
};
const struct api_routes servlet_agent_routes = { items,
	sizeof(items) / sizeof(items[0]) };
