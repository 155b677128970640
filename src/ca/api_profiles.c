/* SPDX-License-Identifier: Apache-2.0 */
/* api_profiles.c - certificate profiles: list, show, raw, add, change, enable
 * (spec ca 1.5, 1.6).
 * Owns:    nothing.
 * Trusts:  nothing of a body; profile_parse judges it.
 * Threads: workers. */
#include "ca/api.h"

static void
fail(struct http_call *c, enum rc rc, const struct err *e)
{
	if (rc == RC_NOTFOUND)
		api_not_found(c, API_PROFILE, http_param(c, "id"), e->text);
	else if (rc == RC_UNSUPPORTED) /* a plug-in, not a media type */
		api_error(c, 400, NULL, e->text);
	else
		api_fail(c, rc, e);
}

static void
audit_config(struct http_call *c, const struct principal *p, const char *op,
    const char *id, bool ok)
{
	AUTO_BUF params = buf_empty(1024);

	buf_addf(&params, "Scope;;rules+Operation;;%s+Resource;;%s", op, id);
	rc_ignore(audit_event(api_ca(c)->audit,
	    AUDIT_ENTRY("CONFIG_CERT_PROFILE", ca_subject_id(p), ok,
		"certificate profile configuration parameter(s) change",
		{ "ParamNameValPairs", buf_cstr(&params) }),
	    NULL)); /* a failed audit log stops the CA in tick */
}

/* --- objects ---------------------------------------------------------------- */

static json_t *
policy_json(struct http_call *c, const struct profile_policy *pol,
    const struct profile_env *env)
{
	json_t *attrs = json_array();
	struct profile_value_desc d;

	for (size_t k = 0; profile_default_value(pol, env, k, &d, c->arena);
	     k++)
		json_array_append_new(attrs,
		    json_pack("{s:s,s:o}", "name", d.name, "Descriptor",
			api_descriptor(&d)));
	return json_pack("{s:s,s:{s:s,s:s,s:s,s:o,s:o},s:{s:s,s:s,s:s,s:o}}",
	    "id", pol->id, "def", "name", pol->def.name, "classId",
	    pol->def.class_id, "text", profile_default_text(pol), "attributes",
	    attrs, "params", api_part_params(&pol->def), "constraint", "name",
	    pol->con.name, "text", profile_constraint_text(pol), "classId",
	    pol->con.class_id, "constraints", api_constraint_values(pol));
}

static json_t *
profile_json(struct http_call *c, const struct profile *p)
{
	struct profile_env env;
	json_t *sets = json_object();

	ca_profile_env(api_ca(c), &env);
	for (size_t i = 0; i < p->n_sets; i++) {
		json_t *list = json_array();
		for (size_t k = 0; k < p->sets[i].n_policies; k++)
			json_array_append_new(list,
			    policy_json(c, &p->sets[i].policies[k], &env));
		json_object_set_new(sets, p->sets[i].id, list);
	}
	return json_pack(
	    "{s:s,s:s,s:s,s:s,s:b,s:b,s:s,s:s,s:s,s:b,s:b,s:o,s:o,s:o,s:o}",
	    "id", p->id, "classId", p->class_id, "name", p->name, "description",
	    p->desc, "enabled", p->enabled, "visible", p->visible, "enabledBy",
	    p->enabled_by, "authenticatorId", p->auth_id, "authzAcl", p->acl,
	    "renewal", p->renewal, "xmloutput", p->xml_output, "inputs",
	    api_profile_inputs(c, p, &env, NULL), "outputs",
	    api_profile_outputs(p), "policySets", sets, "Attributes",
	    api_attributes());
}

/* --- list and show ---------------------------------------------------------- */

struct listing {
	struct http_call *c;
	json_t *entries;
	size_t start, left, total;
	int visible, enabled; /* -1 = either */
	const char *by;
	bool all;
};

static bool
add_info(void *arg, struct profile *p)
{
	struct listing *l = arg;

	if ((!l->all && !p->visible) ||
	    (l->visible >= 0 && p->visible != (l->visible == 1)) ||
	    (l->enabled >= 0 && p->enabled != (l->enabled == 1)) ||
	    (l->by != NULL && strcmp(p->enabled_by, l->by) != 0))
		return true;
	l->total++;
	if (l->total <= l->start || l->left == 0)
		return true;
	l->left--;
	json_array_append_new(l->entries,
	    json_pack("{s:s,s:s,s:s,s:s,s:b,s:b,s:s}", "profileId", p->id,
		"profileName", p->name, "profileDescription", p->desc,
		"profileURL",
		arena_printf(l->c->arena, "%s/ca/v2/profiles/%s",
		    http_base_url(l->c), p->id),
		"profileVisible", p->visible, "profileEnable", p->enabled,
		"profileEnableBy", p->enabled_by));
	return true;
}

static int
tri_state(const char *s)
{
	return s == NULL || s[0] == '\0' ? -1 : text_bool(s);
}

static void
list_profiles(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct listing l = { .c = c };
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!api_enter(c, "certServer.ee.profiles", "list", &p))
		return;
	rc = api_page(c, "size", &l.start, &l.left, &e);
	if (rc != RC_OK) {
		api_fail(c, rc, &e);
		return;
	}
	l.entries = json_array();
	l.visible = tri_state(http_query(c, "visible"));
	l.enabled = tri_state(http_query(c, "enable"));
	l.by = http_query(c, "enableBy");
	l.all = principal_in(p, "Certificate Manager Agents") ||
	    principal_in(p, "Certificate Manager Administrators");
	profiles_each(api_ca(c)->profiles, add_info, &l);
	api_json(c, 200,
	    json_pack(
		"{s:i,s:o}", "total", (int)l.total, "entries", l.entries));
}

/* The profile of the path for a caller who may read it. */
static struct profile *
readable(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct profile *x = NULL;
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!api_enter(c, "certServer.profile.configuration", "read", &p))
		return NULL;
	rc = profiles_get(api_ca(c)->profiles, &x, http_param(c, "id"), &e);
	if (rc != RC_OK)
		fail(c, rc, &e);
	return x;
}

static void
get_profile(struct http_call *c)
{
	AUTO(profile) x = readable(c);

	if (x != NULL)
		api_json(c, 200, profile_json(c, x));
}

static void
reply_raw(struct http_call *c, int status, const struct profile *x)
{
	AUTO_BUF b = buf_empty(PROFILE_TEXT_MAX);

	profile_encode(x, &b, true);
	http_reply(c, status, "application/octet-stream", buf_view(&b));
}

static void
get_raw(struct http_call *c)
{
	AUTO(profile) x = readable(c);

	if (x != NULL)
		reply_raw(c, 200, x);
}

/* --- add and change ------------------------------------------------------------ */

static void
reply_changed(struct http_call *c, int status, const char *id, bool raw)
{
	AUTO(profile) x = NULL;
	struct err e = { RC_OK, "" };
	enum rc rc = profiles_get(api_ca(c)->profiles, &x, id, &e);

	if (rc != RC_OK) {
		fail(c, rc, &e);
		return;
	}
	if (status == 201)
		http_reply_header(c, "Location",
		    arena_printf(c->arena, "%s/ca/v2/profiles/%s",
			http_base_url(c), id));
	if (raw)
		reply_raw(c, status, x);
	else
		api_json(c, status, profile_json(c, x));
}

static void add_line(struct buf *b, const char *value, const char *fmt, ...)
    PRINTF(3, 4);

static void
add_line(struct buf *b, const char *value, const char *fmt, ...)
{
	char name[512];
	va_list ap;

	if (value == NULL || strpbrk(value, "\r\n") != NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	buf_addf(b, "%s=%s\n", name, value);
}

/* The parameters and class of one half of a policy. */
static void
add_half(struct http_call *c, struct buf *b, const char *set, const char *id,
    const char *half, const json_t *o, const char *list)
{
	const json_t *x;
	size_t i;

	add_line(b, api_text(c, o, "classId"), "policyset.%s.%s.%s.class_id",
	    set, id, half);
	add_line(b, api_text(c, o, "name"), "policyset.%s.%s.%s.name", set, id,
	    half);
	json_array_foreach(json_object_get(o, list), i, x)
	{
		const char *name = api_text(c, x, "name");
		if (name != NULL)
			add_line(b, api_text(c, x, "value"),
			    "policyset.%s.%s.%s.params.%s", set, id, half,
			    name);
	}
}

static void
add_sets(struct http_call *c, struct buf *b, const json_t *sets)
{
	AUTO_BUF names = buf_empty(4096);
	const char *set;
	json_t *list, *pol;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)sets, set, list)
	{
		AUTO_BUF ids = buf_empty(4096);
		buf_addf(&names, "%s%s", names.len > 0 ? "," : "", set);
		json_array_foreach(list, i, pol)
		{
			const char *id = api_text(c, pol, "id");
			if (id == NULL)
				continue;
			buf_addf(&ids, "%s%s", ids.len > 0 ? "," : "", id);
			add_half(c, b, set, id, "default",
			    json_object_get(pol, "def"), "params");
			add_half(c, b, set, id, "constraint",
			    json_object_get(pol, "constraint"), "constraints");
		}
		add_line(b, buf_cstr(&ids), "policyset.%s.list", set);
	}
	add_line(b, buf_cstr(&names), "policyset.list");
}

static void
add_parts(struct http_call *c, struct buf *b, const char *kind,
    const json_t *list, const char *class_key)
{
	AUTO_BUF ids = buf_empty(4096);
	const json_t *x;
	size_t i;

	json_array_foreach(list, i, x)
	{
		const char *id = api_text(c, x, "id");
		if (id == NULL)
			continue;
		buf_addf(&ids, "%s%s", ids.len > 0 ? "," : "", id);
		add_line(
		    b, api_text(c, x, class_key), "%s.%s.class_id", kind, id);
	}
	add_line(b, buf_cstr(&ids), "%s.list", kind);
}

/* ProfileData as property lines. */
static enum rc
from_json(struct http_call *c, struct profile **out, struct err *e)
{
	AUTO_BUF b = buf_empty(PROFILE_TEXT_MAX);
	json_t *o = NULL;
	enum rc rc = api_body(c, &o, e);

	if (rc != RC_OK)
		return rc;
	add_line(&b, api_text(c, o, "id"), "profileId");
	add_line(&b, api_text(c, o, "classId"), "classId");
	add_line(&b, api_text(c, o, "name"), "name");
	add_line(&b, api_text(c, o, "description"), "desc");
	add_line(&b, api_text(c, o, "visible"), "visible");
	add_line(&b, api_text(c, o, "authenticatorId"), "auth.instance_id");
	add_line(&b, api_text(c, o, "authzAcl"), "authz.acl");
	add_line(&b, api_text(c, o, "renewal"), "renewal");
	add_line(&b, api_text(c, o, "xmloutput"), "xmlOutput");
	add_parts(c, &b, "input", json_object_get(o, "inputs"), "ClassID");
	add_parts(c, &b, "output", json_object_get(o, "outputs"), "classId");
	add_sets(c, &b, json_object_get(o, "policySets"));
	json_decref(o);
	if ((rc = buf_check(&b, e)) != RC_OK)
		return rc;
	return profile_parse(out, buf_view(&b), NULL, e);
}

enum {
	ADD = 1,
	RAW = 2
};

/* Those that profiles may name (profile.ids of registry.cfg). */
static enum rc
check_class(const struct profile *p, struct err *e)
{
	static const char *const known[] = { "caEnrollImpl",
		"caUserCertEnrollImpl", "caServerCertEnrollImpl",
		"caCACertEnrollImpl" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(p->class_id, known[i]) == 0)
			return RC_OK;
	}
	return err_set(e, RC_INVALID,
	    "classId %.64s is not known; most profiles say caEnrollImpl",
	    p->class_id);
}

static void
change(struct http_call *c, unsigned how)
{
	AUTO(principal) p = NULL;
	AUTO(profile) x = NULL;
	struct err e = { RC_OK, "" };
	const char *id = http_param(c, "id");
	enum rc rc;

	if (!api_enter(c, "certServer.profile.configuration", "modify", &p))
		return;
	rc = how & RAW ? profile_parse(&x, c->body, id, &e)
		       : from_json(c, &x, &e);
	if (rc == RC_OK && id != NULL && strcmp(x->id, id) != 0)
		rc = err_set(
		    &e, RC_INVALID, "the profile's id is not that of the path");
	if (rc == RC_OK)
		rc = check_class(x, &e);
	if (rc == RC_OK)
		rc = how & ADD ? profiles_add(api_ca(c)->profiles, x, &e)
			       : profiles_modify(api_ca(c)->profiles, x, &e);
	if (x != NULL)
		id = x->id;
	audit_config(c, p, how & ADD ? "OP_ADD" : "OP_MODIFY", id, rc == RC_OK);
	if (rc != RC_OK)
		fail(c, rc, &e);
	else
		reply_changed(c, how & ADD ? 201 : 200, id, how & RAW);
}

static void
add_profile(struct http_call *c)
{
	change(c, ADD);
}

static void
add_raw(struct http_call *c)
{
	change(c, ADD | RAW);
}

static void
put_profile(struct http_call *c)
{
	change(c, 0);
}

static void
put_raw(struct http_call *c)
{
	change(c, RAW);
}

static void
delete_profile(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct err e = { RC_OK, "" };
	const char *id = http_param(c, "id");
	enum rc rc;

	if (!api_enter(c, "certServer.profile.configuration", "modify", &p))
		return;
	rc = profiles_delete(api_ca(c)->profiles, id, &e);
	audit_config(c, p, "OP_DELETE", id, rc == RC_OK);
	if (rc != RC_OK)
		fail(c, rc, &e);
	else
		http_reply(c, 204, NULL, view_of(NULL, 0));
}

/* POST profiles/{id}?action=enable|disable */
static void
switch_profile(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct err e = { RC_OK, "" };
	const char *id = http_param(c, "id"), *action = http_query(c, "action");
	bool enable;
	enum rc rc;

	if (!api_enter(c, "certServer.ca.profile", "approve", &p))
		return;
	if (action == NULL ||
	    (strcmp(action, "enable") != 0 && strcmp(action, "disable") != 0)) {
		api_error(c, 400, NULL, "action must be enable or disable");
		return;
	}
	enable = strcmp(action, "enable") == 0;
	rc = profiles_enable(api_ca(c)->profiles, id, enable, p->uid, &e);
	rc_ignore(audit_event(api_ca(c)->audit,
	    AUDIT_ENTRY("CERT_PROFILE_APPROVAL", p->uid, rc == RC_OK,
		"certificate profile approval", { "ProfileID", id },
		{ "Op", enable ? "approve" : "disapprove" }),
	    NULL)); /* a failed audit log stops the CA in tick */
	if (rc != RC_OK)
		fail(c, rc, &e);
	else
		http_reply(c, 204, NULL, view_of(NULL, 0));
}

static const struct http_route items[] = {
	{ HTTP_GET, "profiles", list_profiles, HTTP_READ, HTTP_TLS_ONLY, 0 },
	{ HTTP_GET, "profiles/{id}", get_profile, HTTP_READ, HTTP_TLS_ONLY, 0 },
	{ HTTP_GET, "profiles/{id}/raw", get_raw, HTTP_READ, HTTP_TLS_ONLY, 0 },
	{ HTTP_POST, "profiles", add_profile, HTTP_ADMIN,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
	{ HTTP_POST, "profiles/raw", add_raw, HTTP_ADMIN,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
	{ HTTP_POST, "profiles/{id}", switch_profile, HTTP_ADMIN,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
	{ HTTP_PUT, "profiles/{id}", put_profile, HTTP_ADMIN,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
	{ HTTP_PUT, "profiles/{id}/raw", put_raw, HTTP_ADMIN,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
	{ HTTP_DELETE, "profiles/{id}", delete_profile, HTTP_ADMIN,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
};
const struct api_routes api_profile_routes = { items,
	sizeof(items) / sizeof(items[0]) };
