/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_profile.c - the agents' pages of certificate profiles: list, show,
 * enable, disable (spec ca 2.4, 2.9).
 * Owns:    nothing.
 * Trusts:  nothing of a form.
 * Threads: workers. */
#include "ca/servlet.h"

static bool
list_one(void *arg, struct profile *p)
{
	struct servlet *s = arg;

	servlet_item_open(s, "record");
	xml_text(&s->head, "profileId", p->id);
	xml_text(&s->head, "profileIsEnable", p->enabled ? "true" : "false");
	xml_text(&s->head, "profileIsVisible", p->visible ? "true" : "false");
	xml_text(&s->head, "profileEnableBy", p->enabled_by);
	xml_text(&s->head, "profileName", p->name);
	xml_text(&s->head, "profileDesc", p->desc);
	servlet_item_close(s, "record");
	buf_add_str(&s->form, "<p><a href=\"profileSelect?profileId=");
	xml_escape(&s->form, p->id); /* its characters need no %-escape */
	buf_add_str(&s->form, "\">");
	xml_escape(&s->form, p->id);
	buf_addf(
	    &s->form, "</a> %s</p>\n", p->enabled ? "enabled" : "disabled");
	return true;
}

static void
list(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_A, "Certificate profiles");
	AUTO(principal) p = NULL;

	if (!servlet_enter(&s, "certServer.ca.profiles", "list", &p))
		return;
	xml_text(&s.head, "errorCode", "0");
	servlet_list_open(&s, "record");
	profiles_each(api_ca(c)->profiles, list_one, &s);
	servlet_list_close(&s, "record");
	servlet_reply(&s);
}

static void
show_policies(struct servlet *s, const struct profile_set *set,
    const struct profile_env *env)
{
	struct profile_value_desc d;

	for (size_t i = 0; i < set->n_policies; i++) {
		const struct profile_policy *pol = &set->policies[i];
		servlet_item_open(s, "record");
		xml_text(&s->head, "setId", set->id);
		xml_text(&s->head, "policyId", pol->id);
		xml_text(&s->head, "defDesc", profile_default_text(pol));
		xml_text(&s->head, "conDesc", profile_constraint_text(pol));
		servlet_list_open(s, "defList");
		for (size_t k = 0;
		     profile_default_value(pol, env, k, &d, s->c->arena); k++) {
			servlet_item_open(s, "defList");
			xml_text(&s->head, "defId", d.name);
			xml_text(&s->head, "defName", d.text);
			xml_text(&s->head, "defSyntax", d.syntax);
			xml_text(&s->head, "defConstraint", d.constraint);
			servlet_item_close(s, "defList");
		}
		servlet_list_close(s, "defList");
		servlet_item_close(s, "record");
	}
}

/* Shows a profile as it is now, with the button that changes its state. */
static void
show(struct servlet *s, const char *id)
{
	AUTO(profile) prof = NULL;
	struct ca *ca = api_ca(s->c);
	struct profile_env env;
	struct err e = { RC_OK, "" };
	enum rc rc;

	rc = id != NULL ? profiles_get(ca->profiles, &prof, id, &e)
			: err_set(&e, RC_INVALID, "profileId is missing");
	if (rc != RC_OK) {
		servlet_fail(s, rc, &e);
		return;
	}
	ca_profile_env(ca, &env);
	xml_text(&s->head, "errorCode", "0");
	servlet_profile(s, prof);
	servlet_list_open(s, "record");
	for (size_t i = 0; i < prof->n_sets; i++)
		show_policies(s, &prof->sets[i], &env);
	servlet_list_close(s, "record");
	servlet_inputs(s, prof, &env, NULL, false);
	buf_add_str(
	    &s->form, "<form method=\"post\" action=\"profileApprove\">\n");
	servlet_hidden(s, "profileId", prof->id);
	servlet_hidden(s, "op", prof->enabled ? "disapprove" : "approve");
	buf_addf(&s->form,
	    "<p><button type=\"submit\">%s</button></p></form>\n",
	    prof->enabled ? "Disable" : "Enable");
	servlet_reply(s);
}

static void
select_profile(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_A, "Certificate profile");
	AUTO(principal) p = NULL;

	if (servlet_enter(&s, "certServer.ca.profile", "read", &p))
		show(&s, http_arg(c, "profileId"));
}

static void
approve(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_A, "Certificate profile");
	AUTO(principal) p = NULL;
	const char *id = http_arg(c, "profileId"), *op = http_arg(c, "op");
	bool enable = op != NULL && strcmp(op, "approve") == 0;
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!servlet_enter(&s, "certServer.ca.profile", "approve", &p))
		return;
	if (id == NULL || op == NULL ||
	    (!enable && strcmp(op, "disapprove") != 0)) {
		err_set(&e, RC_INVALID,
		    "profileId and op (approve, disapprove) are needed");
		servlet_fail(&s, RC_INVALID, &e);
		return;
	}
	rc = profiles_enable(api_ca(c)->profiles, id, enable, p->uid, &e);
	rc_ignore(audit_event(api_ca(c)->audit,
	    AUDIT_ENTRY("CERT_PROFILE_APPROVAL", p->uid, rc == RC_OK,
		"certificate profile approval", { "ProfileID", id },
		{ "Op", op }),
	    NULL)); /* a failed audit log stops the CA in tick */
	if (rc == RC_OK)
		show(&s, id);
	else
		servlet_fail(&s, rc, &e);
}

enum {
	BOTH = HTTP_GET | HTTP_POST,
	AGENT = HTTP_TLS_ONLY | HTTP_SAME_ORIGIN
};
static const struct http_route items[] = {
	{ BOTH, "/ca/agent/ca/profileList", list, HTTP_READ, AGENT, 0 },
	{ BOTH, "/ca/agent/ca/profileSelect", select_profile, HTTP_READ, AGENT,
	    0 },
	{ BOTH, "/ca/agent/ca/profileApprove", approve, HTTP_ADMIN, AGENT, 0 },
};
const struct api_routes servlet_profile_routes = { items,
	sizeof(items) / sizeof(items[0]) };
