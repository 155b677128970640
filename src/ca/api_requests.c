/* SPDX-License-Identifier: Apache-2.0 */
/* api_requests.c - enrolment requests of end entities, the agents' queue
 * (spec ca 1.5, 1.6).
 * Owns:    nothing.
 * Trusts:  nothing of a request; the profile engine judges the values.
 * Threads: workers. */
#include "ca/api.h"

#include <ctype.h>
#include <strings.h>

#include "x509/name.h"

enum {
	INPUT_VALUES_MAX = 256
};

/* Names and values of all inputs of a submission, flattened. */
struct inputs {
	struct http_pair items[INPUT_VALUES_MAX];
	size_t n;
};

static const char *
input_get(void *arg, const char *name)
{
	struct inputs *in = arg;

	for (size_t i = 0; i < in->n; i++) {
		if (strcasecmp(in->items[i].name, name) == 0)
			return in->items[i].value;
	}
	return NULL;
}

static enum rc
add_input(struct http_call *c, struct inputs *in, const char *name,
    const char *value, struct err *e)
{
	if (name == NULL || value == NULL)
		return RC_OK;
	if (in->n == INPUT_VALUES_MAX)
		return err_set(e, RC_TOOBIG, "more than %d input values",
		    INPUT_VALUES_MAX);
	in->items[in->n].name = arena_str(c->arena, name);
	in->items[in->n].value = arena_str(c->arena, value);
	if (in->items[in->n].name == NULL || in->items[in->n].value == NULL)
		return err_set(e, RC_NOMEM, "input values");
	in->n++;
	return RC_OK;
}

static enum rc
flatten(
    struct http_call *c, const json_t *body, struct inputs *in, struct err *e)
{
	const json_t *list = json_object_get(body, "Input"), *input, *attr;
	const json_t *creds =
	    json_object_get(json_object_get(body, "Attributes"), "Attribute");
	const char *p12 = api_text(c, body, "ServerSideKeygenP12Passwd");
	size_t i, k;
	enum rc rc = RC_OK;

	json_array_foreach(list, i, input)
	{
		json_array_foreach(json_object_get(input, "Attribute"), k, attr)
		{
			rc = add_input(c, in, api_text(c, attr, "name"),
			    api_text(c, attr, "Value"), e);
			if (rc != RC_OK)
				return rc;
		}
	}
	json_array_foreach(creds, i, attr)
	{
		rc = add_input(c, in, api_text(c, attr, "name"),
		    api_text(c, attr, "value"), e);
		if (rc != RC_OK)
			return rc;
	}
	return add_input(c, in, "serverSideKeygenP12Passwd", p12, e);
}

static json_t *
infos(struct http_call *c, const struct ca_requests *r)
{
	json_t *entries = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(
		    entries, api_request_info(c, r->items[i]));
	return json_pack("{s:i,s:o}", "total", (int)r->n, "entries", entries);
}

/* Ids of authorities: 8-4-4-4-12 hex digits. */
static bool
is_uuid(const char *s)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(s) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == '-' ? s[i] != '-'
				   : !isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

/* The issuer parameters: this CA has only itself. */
static enum rc
check_issuer(struct http_call *c, struct err *e)
{
	const char *id = http_query(c, "issuer-id"),
		   *dn = http_query(c, "issuer-dn");
	AUTO_BUF name = buf_empty(NAME_DER_MAX);

	if (id != NULL && dn != NULL)
		return err_set(e, RC_INVALID,
		    "Cannot provide both issuer ID and issuer DN");
	if (id != NULL && strcmp(id, "host-authority") != 0 && !is_uuid(id))
		return err_set(
		    e, RC_INVALID, "Invalid authority ID: %.64s", id);
	if (id != NULL && strcmp(id, "host-authority") != 0)
		return err_set(e, RC_NOTFOUND, "CA not found: %.64s", id);
	if (dn != NULL && name_parse(&name, view_str(dn), NULL) != RC_OK)
		return err_set(
		    e, RC_INVALID, "Invalid authority DN: %.128s", dn);
	if (dn != NULL &&
	    strcasecmp(dn, buf_cstr(&api_ca(c)->issuer_text)) != 0)
		return err_set(e, RC_NOTFOUND, "CA not found: %.128s", dn);
	return RC_OK;
}

static enum rc
submit(struct http_call *c, const json_t *body, struct ca_requests *out,
    struct err *e)
{
	AUTO(principal) p = NULL;
	struct inputs *in = arena_alloc(c->arena, 1, sizeof(*in));
	struct ca_submission s = { .get = input_get,
		.arg = in,
		.client_cert = c->peer_cert,
		.peer = c->peer };
	enum rc rc;

	if (in == NULL)
		return err_set(e, RC_NOMEM, "input values");
	s.profile_id = api_text(c, body, "ProfileID");
	s.renewal = json_is_true(json_object_get(body, "Renewal"));
	s.serial = api_text(c, body, "SerialNumber");
	if (s.profile_id == NULL)
		return err_set(
		    e, RC_INVALID, "Bad request data: ProfileID is missing");
	if ((rc = check_issuer(c, e)) != RC_OK ||
	    (rc = api_caller(c, &p, e)) != RC_OK ||
	    (rc = flatten(c, body, in, e)) != RC_OK)
		return rc;
	s.who = p;
	rc = ca_submit(api_ca(c), &s, out, e);
	if (rc == RC_NOTFOUND)
		return err_set(e, RC_INVALID, "%s", e->text);
	return rc;
}

static void
tell_location(struct http_call *c, const struct num *id)
{
	AUTO_BUF url = buf_empty(HTTP_URL_MAX);
	char hex[NUM_TEXT_MAX];

	buf_addf(
	    &url, "%s%s/%s", http_base_url(c), c->raw_path, num_0x(hex, id));
	if (buf_check(&url, NULL) == RC_OK)
		http_reply_header(c, "Location", buf_cstr(&url));
}

static void
post_request(struct http_call *c)
{
	struct err e = { RC_OK, "" };
	struct ca_requests r = { .n = 0 };
	json_t *body = NULL;
	enum rc rc = api_body(c, &body, &e);

	if (rc == RC_OK)
		rc = submit(c, body, &r, &e);
	json_decref(body);
	if (rc == RC_OK) {
		api_json(c, 200, infos(c, &r));
	} else {
		if (r.n > 0) /* stored all the same */
			tell_location(c, &r.items[0]->id);
		api_fail_enrol(c, rc, &e);
	}
	ca_requests_done(&r);
}

static void
get_request(struct http_call *c)
{
	AUTO(request_rec) r = NULL;
	struct err e = { RC_OK, "" };
	struct num id;
	enum rc rc = api_id(c, &id, &e);

	if (rc == RC_OK)
		rc = ca_request_get(api_ca(c), &id, &r, &e);
	if (rc == RC_OK)
		api_json(c, 200, api_request_info(c, r));
	else if (rc == RC_NOTFOUND)
		api_not_found(c, API_REQUEST, http_param(c, "id"), e.text);
	else
		api_fail(c, rc, &e);
}

/* --- the agents' list ---------------------------------------------------- */

struct listing {
	struct http_call *c;
	json_t *entries;
	struct err *e;
	enum rc rc;
};

static bool
add_entry(void *arg, const struct rec *rec)
{
	struct listing *l = arg;
	AUTO(request_rec) r = NULL;

	l->rc = request_rec_decode(&r, rec, l->e);
	if (l->rc != RC_OK)
		return false;
	json_array_append_new(l->entries, api_request_info(l->c, r));
	return true;
}

/* In v1 start is the id of the first request wanted, not how many to skip. */
static void
start_at_id(struct http_call *c, struct buf *f, struct query *q)
{
	struct num id = num_from_u64(q->start);
	char text[NUM_TEXT_MAX];

	if (text_starts(c->path, "/ca/v2/") || q->start == 0)
		return;
	num_dec(text, &id);
	buf_addf(f, "(requestId>=%02zu%s)", strlen(text), text);
	q->start = 0;
	q->order = "requestId";
}

static void
list_requests(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO_BUF f = buf_empty(FILTER_TEXT_MAX);
	AUTO_BUF all = buf_empty(FILTER_TEXT_MAX);
	struct err e = { RC_OK, "" };
	struct listing l = { c, NULL, &e, RC_OK };
	struct query q = { .kind = REC_REQUEST };
	const char *state = http_query(c, "requestState"),
		   *type = http_query(c, "requestType");
	uint64_t total = 0;
	enum rc rc;

	if (!api_enter(c, "certServer.ca.certrequests", "execute", &p))
		return;
	buf_add_str(&f, "(&(requestState=*)");
	if (state != NULL && state[0] != '\0') {
		buf_add_str(&f, "(requestState=");
		filter_escape(&f, view_str(state));
		buf_add_char(&f, ')');
	}
	if (type != NULL && type[0] != '\0') {
		buf_add_str(&f, "(requestType=");
		filter_escape(&f, view_str(type));
		buf_add_char(&f, ')');
	}
	l.entries = json_array();
	rc = api_page(c, http_query(c, "pageSize") ? "pageSize" : "size",
	    &q.start, &q.limit, &e);
	buf_add_view(&all, buf_view(&f));
	buf_add_char(&all, ')');
	if (rc == RC_OK)
		start_at_id(c, &f, &q);
	buf_add_char(&f, ')');
	q.filter = buf_cstr(&f);
	if (rc == RC_OK && (rc = buf_check(&f, &e)) == RC_OK &&
	    (rc = store_search(api_ca(c)->store, &q, add_entry, &l, &e)) ==
		RC_OK &&
	    (rc = l.rc) == RC_OK)
		rc = store_count(
		    api_ca(c)->store, &total, REC_REQUEST, buf_cstr(&all), &e);
	if (rc != RC_OK) {
		json_decref(l.entries);
		api_fail(c, rc, &e);
		return;
	}
	api_json(c, 200,
	    json_pack(
		"{s:I,s:o}", "total", (json_int_t)total, "entries", l.entries));
}

/* --- templates ------------------------------------------------------------ */

json_t *
api_descriptor(const struct profile_value_desc *d)
{
	return json_pack("{s:s,s:s*,s:s,s:s*}", "Syntax", d->syntax,
	    "Constraint", d->constraint, "Description", d->text, "DefaultValue",
	    d->def);
}

json_t *
api_part_params(const struct profile_part *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n_params; i++)
		json_array_append_new(list,
		    json_pack("{s:s,s:s}", "name", p->params[i].name, "value",
			p->params[i].value));
	return list;
}

json_t *
api_constraint_values(const struct profile_policy *pol)
{
	json_t *list = json_array();
	struct profile_value_desc d;
	const char *value;

	for (size_t i = 0; profile_constraint_param(pol, i, &d, &value); i++)
		json_array_append_new(list,
		    json_pack("{s:s,s:o,s:s}", "name", d.name, "descriptor",
			api_descriptor(&d), "value",
			value != NULL ? value : ""));
	return list;
}

json_t *
api_profile_inputs(struct http_call *c, const struct profile *p,
    const struct profile_env *env, const struct request_rec *r)
{
	json_t *list = json_array(), *attrs;
	struct profile_value_desc d;

	for (size_t i = 0; i < p->n_inputs; i++) {
		const struct profile_input *in = &p->inputs[i];
		attrs = json_array();
		for (size_t k = 0;
		     profile_input_value(in, env, k, &d, c->arena); k++) {
			const char *v =
			    r != NULL ? request_ext(r, d.name) : NULL;
			json_array_append_new(attrs,
			    json_pack("{s:s,s:s,s:o}", "name", d.name, "Value",
				v != NULL ? v : "", "Descriptor",
				api_descriptor(&d)));
		}
		json_array_append_new(list,
		    json_pack("{s:s,s:s,s:s,s:[],s:o}", "id", in->part.id,
			"ClassID", in->part.class_id, "Name", in->part.name,
			"ConfigAttribute", "Attribute", attrs));
	}
	return list;
}

json_t *
api_profile_outputs(const struct profile *p)
{
	json_t *list = json_array(), *attrs;
	struct profile_value_desc d;

	for (size_t i = 0; i < p->n_outputs; i++) {
		const struct profile_output *o = &p->outputs[i];
		attrs = json_array();
		for (size_t k = 0; profile_output_value(o, k, &d); k++)
			json_array_append_new(attrs,
			    json_pack("{s:s,s:o}", "name", d.name, "Descriptor",
				api_descriptor(&d)));
		json_array_append_new(list,
		    json_pack("{s:s,s:s,s:s,s:s,s:o}", "id", o->part.id, "name",
			o->part.name, "text", profile_output_text(o), "classId",
			o->part.class_id, "attributes", attrs));
	}
	return list;
}

static void
get_template(struct http_call *c)
{
	AUTO(profile) p = NULL;
	struct profile_env env;
	struct err e = { RC_OK, "" };
	const char *id = http_param(c, "id");
	json_t *o;

	if (profiles_get(api_ca(c)->profiles, &p, id, &e) != RC_OK) {
		api_error(c, 400, NULL, e.text);
		return;
	}
	ca_profile_env(api_ca(c), &env);
	o = json_pack("{s:s,s:b,s:s,s:s,s:o,s:o,s:o}", "ProfileID", p->id,
	    "Renewal", p->renewal, "RemoteHost", "", "RemoteAddress", "",
	    "Input", api_profile_inputs(c, p, &env, NULL), "Output",
	    api_profile_outputs(p), "Attributes", api_attributes());
	api_json(c, 200, o);
}

struct visible {
	json_t *list;
	size_t skip, left, total;
};

static bool
add_visible(void *arg, struct profile *p)
{
	struct visible *v = arg;

	if (!p->visible || !p->enabled)
		return true;
	v->total++;
	if (v->skip > 0) {
		v->skip--;
	} else if (v->left > 0) {
		v->left--;
		json_array_append_new(v->list,
		    json_pack("{s:s,s:s,s:s,s:b,s:b}", "profileId", p->id,
			"profileName", p->name, "profileDescription", p->desc,
			"profileVisible", p->visible, "profileEnable",
			p->enabled));
	}
	return true;
}

static void
list_templates(struct http_call *c)
{
	struct visible v = { NULL, 0, 0, 0 };
	struct err e = { RC_OK, "" };
	enum rc rc = api_page(c, "size", &v.skip, &v.left, &e);

	if (rc != RC_OK) {
		api_fail(c, rc, &e);
		return;
	}
	v.list = json_array();
	profiles_each(api_ca(c)->profiles, add_visible, &v);
	api_json(c, 200,
	    json_pack("{s:i,s:o}", "total", (int)v.total, "entries", v.list));
}

static const struct http_route items[] = {
	{ HTTP_POST, "certrequests", post_request, HTTP_ISSUE, 0, 0 },
	{ HTTP_GET, "certrequests/{id}", get_request, HTTP_READ, 0, 0 },
	{ HTTP_GET, "certrequests/profiles", list_templates, HTTP_READ, 0, 0 },
	{ HTTP_GET, "certrequests/profiles/{id}", get_template, HTTP_READ, 0,
	    0 },
	{ HTTP_GET, "agent/certrequests", list_requests, HTTP_READ,
	    HTTP_TLS_ONLY, 0 },
};
const struct api_routes api_request_routes = { items,
	sizeof(items) / sizeof(items[0]) };
