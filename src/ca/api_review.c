/* SPDX-License-Identifier: Apache-2.0 */
/* api_review.c - an agent's review of a request and what may be done with it
 * (spec ca 1.6 CertReviewResponse, 1.7).
 * Owns:    nothing.
 * Trusts:  nothing of a review that comes back.
 * Threads: workers. */
#include "ca/api.h"

/* A request taken apart for review. */
struct review {
	struct http_call *c;
	struct request_rec *r;
	struct profile *p;
	struct profile_env env;
	struct cert_template t;
};

static enum rc
default_attrs(struct review *v, const struct profile_policy *pol, json_t **out,
    struct err *e)
{
	json_t *attrs = json_array();
	struct profile_value_desc d;
	enum rc rc = RC_OK;

	for (size_t k = 0;
	     profile_default_value(pol, &v->env, k, &d, v->c->arena); k++) {
		AUTO_BUF text = buf_empty(256 * 1024);
		bool present;
		rc = profile_value_get(
		    v->p, &v->env, v->r, &v->t, pol, d.name, &text, e);
		present = rc == RC_OK;
		if (rc == RC_NOTFOUND) /* an absent extension */
			rc = RC_OK;
		if (rc != RC_OK)
			break;
		json_array_append_new(attrs,
		    json_pack("{s:s,s:s*,s:o}", "name", d.name, "Value",
			present ? buf_cstr(&text) : NULL, "Descriptor",
			api_descriptor(&d)));
	}
	if (rc != RC_OK)
		json_decref(attrs);
	else
		*out = attrs;
	return rc;
}

static enum rc
policies(struct review *v, const struct profile_set *set, json_t **out,
    struct err *e)
{
	json_t *list = json_array(), *attrs = NULL;
	enum rc rc;

	for (size_t i = 0; i < set->n_policies; i++) {
		const struct profile_policy *pol = &set->policies[i];
		rc = default_attrs(v, pol, &attrs, e);
		if (rc != RC_OK) {
			json_decref(list);
			return rc;
		}
		json_array_append_new(list,
		    json_pack("{s:s,s:{s:s,s:s,s:s,s:o,s:o},"
			      "s:{s:s,s:s,s:s,s:o}}",
			"id", pol->id, "def", "name", pol->def.name, "classId",
			pol->def.class_id, "text", profile_default_text(pol),
			"attributes", attrs, "params",
			api_part_params(&pol->def), "constraint", "name",
			pol->con.name, "text", profile_constraint_text(pol),
			"classId", pol->con.class_id, "constraints",
			api_constraint_values(pol)));
	}
	*out = list;
	return RC_OK;
}

static void
add_head(struct review *v, json_t *o)
{
	const struct request_rec *r = v->r;
	char hex[NUM_TEXT_MAX], created[CLOCK_TEXT_MAX], mod[CLOCK_TEXT_MAX];
	json_t *head = json_pack(
	    "{s:s,s:s,s:s,s:s*,s:s,s:s,s:s*,s:s*,s:s*,s:s,s:s,s:s,s:s*,s:s*}",
	    "requestId", num_0x(hex, &r->id), "requestType", r->type,
	    "requestStatus", request_state_text(r->state), "requestOwner",
	    r->owner, "requestCreationTime",
	    clock_text_java(created, r->created), "requestModificationTime",
	    clock_text_java(mod, r->modified), "requestNotes",
	    request_ext(r, "requestnotes"), "profileApprovedBy",
	    request_ext(r, "profileapprovedby"), "profileSetId",
	    request_ext(r, "profilesetid"), "profileIsVisible",
	    v->p->visible ? "true" : "false", "profileName", v->p->name,
	    "profileDescription", v->p->desc, "profileRemoteHost",
	    request_ext(r, "profileremotehost"), "profileRemoteAddr",
	    request_ext(r, "profileremoteaddr"));

	json_object_update(o, head);
	json_decref(head);
}

static enum rc
load(struct review *v, const struct num *id, struct err *e)
{
	const char *profile;
	enum rc rc;

	rc = ca_request_get(api_ca(v->c), id, &v->r, e);
	if (rc != RC_OK)
		return rc;
	profile = request_ext(v->r, "profileid");
	if (profile == NULL)
		return err_set(e, RC_INVALID, "the request has no profile");
	rc = profiles_get(api_ca(v->c)->profiles, &v->p, profile, e);
	if (rc != RC_OK)
		return rc;
	ca_profile_env(api_ca(v->c), &v->env);
	template_init(&v->t, v->c->arena);
	return profile_template_load(v->r, &v->t, e);
}

static enum rc
render(struct review *v, json_t **out, struct err *e)
{
	const char *set_id = request_ext(v->r, "profilesetid");
	const struct profile_set *set =
	    set_id != NULL ? profile_set_find(v->p, set_id) : NULL;
	json_t *list = NULL, *o;
	enum rc rc;

	if (set == NULL)
		return err_set(e, RC_INVALID, "Policy Set Not Found");
	rc = policies(v, set, &list, e);
	if (rc != RC_OK)
		return rc;
	o = json_pack("{s:s,s:b,s:s,s:s,s:o,s:o,s:o,s:[{s:o}]}", "ProfileID",
	    v->p->id, "Renewal", v->p->renewal, "RemoteHost", "",
	    "RemoteAddress", "", "Input",
	    api_profile_inputs(v->c, v->p, &v->env, v->r), "Output",
	    api_profile_outputs(v->p), "Attributes", api_attributes(),
	    "ProfilePolicySet", "policies", list);
	if (o == NULL)
		return err_set(e, RC_NOMEM, "review");
	add_head(v, o);
	*out = o;
	return RC_OK;
}

static void
get_review(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct review v = { .c = c };
	struct err e = { RC_OK, "" };
	struct num id;
	char hex[NUM_TEXT_MAX], text[32];
	uint64_t nonce = 0;
	json_t *o = NULL;
	enum rc rc;

	if (!api_enter(c, "certServer.ca.certrequests", "execute", &p))
		return;
	if ((rc = api_id(c, &id, &e)) == RC_OK &&
	    (rc = load(&v, &id, &e)) == RC_OK &&
	    (rc = render(&v, &o, &e)) == RC_OK &&
	    ca_shared(api_ca(c))->nonces) {
		rc = api_nonce_new(
		    c, p, "cert-request", num_hex(hex, &id), &nonce, &e);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)nonce);
		json_object_set_new(o, "nonce", json_string(text));
	}
	if (rc == RC_OK)
		api_json(c, 200, o);
	else if (rc == RC_NOTFOUND)
		api_not_found(c, API_REQUEST, http_param(c, "id"), e.text);
	else
		api_fail(c, rc, &e);
	if (rc != RC_OK)
		json_decref(o);
	request_rec_free(v.r);
	profile_free(v.p);
}

/* Values of a posted review by policy and name. */
struct posted {
	struct http_call *c;
	const json_t *body;
};

static const char *
posted_get(void *arg, const char *policy_id, const char *name, bool *present)
{
	struct posted *x = arg;
	const json_t *set, *pol, *attr;
	size_t i, k, m;

	*present = false;
	json_array_foreach(json_object_get(x->body, "ProfilePolicySet"), i, set)
	{
		json_array_foreach(json_object_get(set, "policies"), k, pol)
		{
			const char *id =
			    json_string_value(json_object_get(pol, "id"));
			if (id == NULL || strcmp(id, policy_id) != 0)
				continue;
			json_array_foreach(
			    json_object_get(
				json_object_get(pol, "def"), "attributes"),
			    m, attr)
			{
				const char *n = json_string_value(
				    json_object_get(attr, "name"));
				if (n == NULL || strcmp(n, name) != 0)
					continue;
				const char *v = api_text(x->c, attr, "Value");
				*present = v != NULL;
				return v;
			}
		}
	}
	return NULL;
}

static void
act(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(request_rec) r = NULL;
	struct err e = { RC_OK, "" };
	struct posted x = { c, NULL };
	struct ca_review review = { posted_get, &x, NULL };
	struct num id;
	char hex[NUM_TEXT_MAX];
	json_t *body = NULL;
	int action = ca_action_find(http_param(c, "action"));
	enum rc rc;

	if (!api_enter(c, "certServer.ca.certrequests", "execute", &p))
		return;
	if (action < 0) {
		api_error(c, 404, NULL, "no such action on a request");
		return;
	}
	if ((rc = api_id(c, &id, &e)) == RC_OK &&
	    (rc = api_body(c, &body, &e)) == RC_OK &&
	    (rc = api_nonce_check(c, "cert-request", num_hex(hex, &id),
		 api_text(c, body, "nonce"), &e)) == RC_OK) {
		x.body = body;
		review.notes = api_text(c, body, "requestNotes");
		rc = ca_process(
		    api_ca(c), &id, (enum ca_action)action, &review, p, &r, &e);
	}
	json_decref(body);
	if (rc == RC_OK)
		http_reply(c, 204, NULL, view_of(NULL, 0));
	else if (rc == RC_NOTFOUND)
		api_not_found(c, API_REQUEST, http_param(c, "id"), e.text);
	else
		api_fail_enrol(c, rc, &e);
}

static const struct http_route items[] = {
	{ HTTP_GET, "agent/certrequests/{id}", get_review, HTTP_READ,
	    HTTP_TLS_ONLY, 0 },
	{ HTTP_POST, "agent/certrequests/{id}/{action}", act, HTTP_ISSUE,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
};
const struct api_routes api_review_routes = { items,
	sizeof(items) / sizeof(items[0]) };
