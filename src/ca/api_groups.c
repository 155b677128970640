/* SPDX-License-Identifier: Apache-2.0 */
/* api_groups.c - groups and their members (spec ca 1.5, 1.6).
 * Owns:    nothing.
 * Trusts:  nothing of a request.
 * Threads: workers. */
#include "ca/api.h"

#include <strings.h>

#include "auth/user.h"

#define RESOURCE "certServer.ca.groups"

enum {
	ENFORCED_MAX = 64
};

/* --- multiroles --------------------------------------------------------------- */

struct roles {
	char *names[ENFORCED_MAX];
	size_t n;
	const char *group, *uid;
	const char *other; /* points into names */
};

static bool
enforced(const struct roles *x, const char *name, const char **out)
{
	for (size_t i = 0; i < x->n && i < ENFORCED_MAX; i++) {
		if (strcasecmp(x->names[i], name) == 0) {
			*out = x->names[i];
			return true;
		}
	}
	return false;
}

static bool
find_other_role(void *arg, const struct rec *r)
{
	struct roles *x = arg;
	const char *name;

	if (strcasecmp(r->id, x->group) != 0 && enforced(x, r->id, &name) &&
	    api_is_member(r, x->uid))
		x->other = name;
	return x->other == NULL;
}

/* multiroles.enable=false: at most one of multiroles.false.groupEnforceList. */
static enum rc
check_roles(
    struct http_call *c, const char *group, const char *uid, struct err *e)
{
	const struct ca_shared *shared = ca_shared(api_ca(c));
	struct roles x = { .group = group, .uid = uid };
	struct query q = { .kind = REC_GROUP };
	const char *name;
	char *list;
	enum rc rc;

	if (shared->multiroles)
		return RC_OK;
	list = arena_str(c->arena, shared->one_role_groups);
	if (list == NULL)
		return err_set(e, RC_NOMEM, "groups");
	x.n = text_split(list, ",", x.names, ENFORCED_MAX);
	if (!enforced(&x, group, &name))
		return RC_OK;
	rc = store_search(api_ca(c)->store, &q, find_other_role, &x, e);
	if (rc == RC_OK && x.other != NULL)
		rc = err_set(e, RC_CONFLICT,
		    "user %.64s has the role %.64s already and "
		    "multiroles.enable is false",
		    uid, x.other);
	return rc;
}

enum rc
api_group_join(
    struct http_call *c, const char *group, const char *uid, struct err *e)
{
	enum rc rc = check_roles(c, group, uid, e);

	return rc == RC_OK ? group_add_member(api_ca(c)->store, group, uid, e)
			   : rc;
}

/* --- groups --------------------------------------------------------------------- */

static json_t *
group_json(const struct rec *r)
{
	return json_pack("{s:s,s:s,s:s*,s:o}", "id", r->id, "GroupID", r->id,
	    "Description", rec_str(r, "description"), "Attributes",
	    api_attributes());
}

static void
list_groups(struct http_call *c)
{
	static const char *const attrs[] = { "cn", "description", NULL };
	AUTO(principal) p = NULL;

	if (api_enter(c, RESOURCE, "execute", &p))
		api_list_records(c, REC_GROUP, attrs, group_json);
}

/* The group of that name; has replied when it returns false. */
static bool
load_group(struct http_call *c, const char *name, struct rec **out)
{
	struct err e = { RC_OK, "" };
	enum rc rc = store_get(api_ca(c)->store, out, REC_GROUP, name, &e);

	if (rc == RC_NOTFOUND)
		api_no_group(c, name);
	else if (rc != RC_OK)
		api_fail(c, rc, &e);
	return rc == RC_OK;
}

static void
get_group(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;

	if (api_enter(c, RESOURCE, "execute", &p) &&
	    load_group(c, http_param(c, "id"), &r))
		api_json(c, 200, group_json(r));
}

static void
add_group(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	struct http_pair text = { "description", NULL };
	struct err e = { RC_OK, "" };
	const char *name = NULL;
	json_t *body = NULL;
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p))
		return;
	if ((rc = api_body(c, &body, &e)) == RC_OK) {
		name = api_text(c, body, "GroupID");
		if (name == NULL)
			name = api_text(c, body, "id");
		text.value = api_text(c, body, "Description");
		rc = name != NULL
		    ? group_add(api_ca(c)->store, name, text.value, &e)
		    : err_set(&e, RC_INVALID, "GroupID is missing");
	}
	json_decref(body);
	api_audit_role(
	    c, p, rc, "groups", "OP_ADD", name != NULL ? name : "", &text, 1);
	if (rc != RC_OK)
		api_fail(c, rc, &e);
	else if (load_group(c, name, &r))
		api_created(c, r->id, group_json(r));
}

static void
modify_group(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	AUTO(rec) now = NULL;
	struct http_pair text = { "description", NULL };
	struct err e = { RC_OK, "" };
	json_t *body = NULL;
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p) ||
	    !load_group(c, http_param(c, "id"), &r))
		return;
	if ((rc = api_body(c, &body, &e)) == RC_OK) {
		text.value = api_text(c, body, "Description");
		if (text.value != NULL)
			rc = group_modify(
			    api_ca(c)->store, r->id, text.value, &e);
	}
	json_decref(body);
	api_audit_role(c, p, rc, "groups", "OP_MODIFY", r->id, &text, 1);
	if (rc != RC_OK)
		api_fail(c, rc, &e);
	else if (load_group(c, r->id, &now))
		api_json(c, 200, group_json(now));
}

static void
delete_group(struct http_call *c)
{
	AUTO(principal) p = NULL;
	const char *name = http_param(c, "id");
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p))
		return;
	rc = group_delete(api_ca(c)->store, name, &e);
	api_audit_role(c, p, rc, "groups", "OP_DELETE", name, NULL, 0);
	if (rc == RC_OK)
		http_reply(c, 204, NULL, view_of(NULL, 0));
	else if (rc == RC_NOTFOUND)
		api_no_group(c, name);
	else
		api_fail(c, rc, &e);
}

/* --- members ---------------------------------------------------------------------- */

static json_t *
member_json(const char *uid, const char *group)
{
	return json_pack("{s:s,s:s}", "id", uid, "groupID", group);
}

static void
list_members(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	const struct rec_attr *v;
	struct api_slice page;

	if (!api_enter(c, RESOURCE, "execute", &p) ||
	    !load_group(c, http_param(c, "id"), &r) ||
	    !api_page_begin(c, &page))
		return;
	v = rec_attr(r, "uniqueMember");
	for (size_t i = 0; v != NULL && i < v->n; i++) {
		AUTO_STR uid =
		    group_member_uid((const char *)v->values[i].data);
		if (uid != NULL)
			api_page_add(&page, uid, member_json(uid, r->id));
	}
	api_page_reply(c, &page);
}

static void
get_member(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	const char *uid = http_param(c, "uid");

	if (!api_enter(c, RESOURCE, "execute", &p) ||
	    !load_group(c, http_param(c, "id"), &r))
		return;
	if (api_is_member(r, uid))
		api_json(c, 200, member_json(uid, r->id));
	else
		api_error(c, 404, NULL,
		    arena_printf(
			c->arena, "Group member %.128s not found", uid));
}

static void
add_member(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	struct http_pair member = { "user", NULL };
	struct err e = { RC_OK, "" };
	json_t *body = NULL;
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p) ||
	    !load_group(c, http_param(c, "id"), &r))
		return;
	if ((rc = api_body(c, &body, &e)) == RC_OK) {
		member.value = api_text(c, body, "id");
		rc = member.value != NULL
		    ? api_group_join(c, r->id, member.value, &e)
		    : err_set(&e, RC_INVALID, "id is missing");
	}
	json_decref(body);
	api_audit_role(c, p, rc, "groups", "OP_MODIFY", r->id, &member, 1);
	if (rc == RC_OK)
		api_created(c, member.value, member_json(member.value, r->id));
	else if (rc == RC_NOTFOUND)
		api_no_user(c, member.value);
	else
		api_fail(c, rc, &e);
}

static void
delete_member(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	const struct http_pair member = { "user", http_param(c, "uid") };
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p) ||
	    !load_group(c, http_param(c, "id"), &r))
		return;
	rc = group_delete_member(api_ca(c)->store, r->id, member.value, &e);
	api_audit_role(c, p, rc, "groups", "OP_MODIFY", r->id, &member, 1);
	if (rc == RC_OK)
		http_reply(c, 204, NULL, view_of(NULL, 0));
	else
		api_fail(c, rc, &e);
}

enum {
	WRITE = HTTP_TLS_ONLY | HTTP_SAME_ORIGIN
};
static const struct http_route items[] = {
	{ HTTP_GET, "admin/groups", list_groups, HTTP_ADMIN, HTTP_TLS_ONLY, 0 },
	{ HTTP_POST, "admin/groups", add_group, HTTP_ADMIN, WRITE, 0 },
	{ HTTP_GET, "admin/groups/{id}", get_group, HTTP_ADMIN, HTTP_TLS_ONLY,
	    0 },
	{ HTTP_PATCH, "admin/groups/{id}", modify_group, HTTP_ADMIN, WRITE, 0 },
	{ HTTP_DELETE, "admin/groups/{id}", delete_group, HTTP_ADMIN, WRITE,
	    0 },
	{ HTTP_GET, "admin/groups/{id}/members", list_members, HTTP_ADMIN,
	    HTTP_TLS_ONLY, 0 },
	{ HTTP_POST, "admin/groups/{id}/members", add_member, HTTP_ADMIN, WRITE,
	    0 },
	{ HTTP_GET, "admin/groups/{id}/members/{uid}", get_member, HTTP_ADMIN,
	    HTTP_TLS_ONLY, 0 },
	{ HTTP_DELETE, "admin/groups/{id}/members/{uid}", delete_member,
	    HTTP_ADMIN, WRITE, 0 },
};
const struct api_routes api_group_routes = { items,
	sizeof(items) / sizeof(items[0]) };
