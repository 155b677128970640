/* SPDX-License-Identifier: Apache-2.0 */
/* api_users.c - users, their certificates and memberships (spec ca 1.5, 1.6).
 * Owns:    nothing.
 * Trusts:  nothing of a request; auth/ checks the form of ids and passwords.
 * Threads: workers. */
#include "ca/api.h"

#include <strings.h>

#include "auth/user.h"
#include "http/client.h"
#include "x509/cms.h"
#include "x509/name.h"
#include "x509/print.h"

#define RESOURCE "certServer.ca.users"

/* --- shared with api_groups.c ---------------------------------------------- */

void
api_audit_role(struct http_call *c, const struct principal *who, enum rc rc,
    const char *scope, const char *op, const char *id,
    const struct http_pair *params, size_t n)
{
	AUTO_BUF b = buf_empty(64 * 1024);

	buf_addf(&b, "Scope;;%s+Operation;;%s+Resource;;%s", scope, op, id);
	for (size_t i = 0; i < n; i++) {
		if (params[i].value != NULL)
			buf_addf(
			    &b, "+%s;;%s", params[i].name, params[i].value);
	}
	rc_ignore(audit_event(api_ca(c)->audit,
	    AUDIT_ENTRY("CONFIG_ROLE", ca_subject_id(who), rc == RC_OK,
		"role configuration parameter(s) change",
		{ "ParamNameValPairs", buf_cstr(&b) }),
	    NULL)); /* a failed audit log stops the CA in tick */
}

void
api_no_user(struct http_call *c, const char *uid)
{
	api_not_found(c, API_USER, uid,
	    arena_printf(c->arena, "User %.128s not found", uid));
}

void
api_no_group(struct http_call *c, const char *name)
{
	api_not_found(c, API_GROUP, name,
	    arena_printf(c->arena, "Group %.128s not found", name));
}

enum rc
api_filter(struct http_call *c, struct buf *out, const char *const *attrs,
    struct err *e)
{
	const char *f = http_query(c, "filter");

	if (f == NULL || f[0] == '\0')
		return RC_OK;
	if (strlen(f) < API_FILTER_MIN)
		return err_set(e, RC_INVALID, "Filter is too short.");
	buf_add_str(out, "(|");
	for (; *attrs != NULL; attrs++) {
		buf_addf(out, "(%s=*", *attrs);
		filter_escape(out, view_str(f));
		buf_add_str(out, "*)");
	}
	buf_add_char(out, ')');
	return buf_check(out, e);
}

struct records {
	json_t *(*render)(const struct rec *r);
	json_t *list;
};

static bool
add_record(void *arg, const struct rec *r)
{
	struct records *l = arg;

	json_array_append_new(l->list, l->render(r));
	return true;
}

void
api_list_records(struct http_call *c, enum rec_kind kind,
    const char *const *attrs, json_t *(*render)(const struct rec *r))
{
	AUTO_BUF f = buf_empty(FILTER_TEXT_MAX);
	struct store *s = api_ca(c)->store;
	struct records l = { render, json_array() };
	struct query q = { .kind = kind, .order = attrs[0] };
	struct err e = { RC_OK, "" };
	uint64_t total = 0;
	enum rc rc;

	if ((rc = api_page(c, "size", &q.start, &q.limit, &e)) == RC_OK &&
	    (rc = api_filter(c, &f, attrs, &e)) == RC_OK) {
		q.filter = f.len > 0 ? buf_cstr(&f) : NULL;
		rc = store_search(s, &q, add_record, &l, &e);
	}
	if (rc == RC_OK)
		rc = store_count(s, &total, kind, q.filter, &e);
	if (rc != RC_OK) {
		json_decref(l.list);
		api_fail(c, rc, &e);
		return;
	}
	api_json(c, 200,
	    json_pack(
		"{s:I,s:o}", "total", (json_int_t)total, "entries", l.list));
}

bool
api_page_begin(struct http_call *c, struct api_slice *out)
{
	struct err e = { RC_OK, "" };
	enum rc rc;

	out->seen = 0;
	out->filter = http_query(c, "filter");
	rc = api_page(c, "size", &out->start, &out->size, &e);
	if (rc == RC_OK && out->filter != NULL && out->filter[0] != '\0' &&
	    strlen(out->filter) < API_FILTER_MIN)
		rc = err_set(&e, RC_INVALID, "Filter is too short.");
	if (rc != RC_OK) {
		api_fail(c, rc, &e);
		return false;
	}
	out->list = json_array();
	return true;
}

void
api_page_add(struct api_slice *s, const char *text, json_t *o)
{
	bool shown = s->filter == NULL || s->filter[0] == '\0' ||
	    strcasestr(text, s->filter) != NULL;

	if (shown && s->seen >= s->start && s->seen - s->start < s->size)
		json_array_append(s->list, o);
	s->seen += shown;
	json_decref(o);
}

void
api_page_reply(struct http_call *c, struct api_slice *s)
{
	api_json(c, 200,
	    json_pack(
		"{s:I,s:o}", "total", (json_int_t)s->seen, "entries", s->list));
}

void
api_created(struct http_call *c, const char *id, json_t *o)
{
	AUTO_BUF b = buf_empty(HTTP_URL_MAX);

	buf_addf(&b, "%s%s/", http_base_url(c), c->raw_path);
	http_url_encode(&b, view_str(id));
	if (buf_check(&b, NULL) == RC_OK)
		http_reply_header(c, "Location", buf_cstr(&b));
	api_json(c, 201, o);
}

static void
no_content(struct http_call *c)
{
	http_reply(c, 204, NULL, view_of(NULL, 0));
}

/* --- users ------------------------------------------------------------------ */

static json_t *
user_json(const struct rec *r)
{
	const char *type = rec_str(r, "usertype");

	if (type != NULL && strcmp(type, "undefined") == 0)
		type = NULL; /* how an empty one is stored */
	return json_pack("{s:s,s:s,s:s*,s:s*,s:s*,s:s*,s:s*,s:o}", "id", r->id,
	    "UserID", r->id, "FullName", rec_str(r, "cn"), "Email",
	    rec_str(r, "mail"), "phone", rec_str(r, "telephoneNumber"), "type",
	    type, "state", rec_str(r, "userstate"), "Attributes",
	    api_attributes());
}

static void
list_users(struct http_call *c)
{
	static const char *const attrs[] = { "uid", "cn", "mail", NULL };
	AUTO(principal) p = NULL;

	if (api_enter(c, RESOURCE, "execute", &p))
		api_list_records(c, REC_USER, attrs, user_json);
}

/* Sends a user as it is now. */
static void
reply_user(struct http_call *c, const char *uid, bool created)
{
	AUTO(rec) r = NULL;
	struct err e = { RC_OK, "" };
	enum rc rc = store_get(api_ca(c)->store, &r, REC_USER, uid, &e);

	if (rc == RC_NOTFOUND)
		api_no_user(c, uid);
	else if (rc != RC_OK)
		api_fail(c, rc, &e);
	else if (created)
		api_created(c, r->id, user_json(r));
	else
		api_json(c, 200, user_json(r));
}

static void
get_user(struct http_call *c)
{
	AUTO(principal) p = NULL;

	if (api_enter(c, RESOURCE, "execute", &p))
		reply_user(c, http_param(c, "id"), false);
}

/* UserData; texts live in the call's arena, the password on the secure heap. */
static enum rc
read_user(struct http_call *c, const json_t *o, struct user *u,
    struct secret **password, struct err *e)
{
	const char *given = json_string_value(json_object_get(o, "password"));

	u->uid = api_text(c, o, "UserID");
	if (u->uid == NULL)
		u->uid = api_text(c, o, "id");
	u->full_name = api_text(c, o, "FullName");
	u->email = api_text(c, o, "Email");
	u->phone = api_text(c, o, "phone");
	u->type = api_text(c, o, "type");
	u->state = api_text(c, o, "state");
	if (given != NULL && given[0] != '\0') {
		*password = secret_new(view_str(given));
		if (*password == NULL)
			return err_set(e, RC_NOMEM, "password");
		u->password = *password;
	}
	return RC_OK;
}

static void
audit_user(struct http_call *c, const struct principal *p, enum rc rc,
    const char *op, const struct user *u)
{
	const struct http_pair params[] = { { "fullname", u->full_name },
		{ "email", u->email }, { "phone", u->phone },
		{ "state", u->state }, { "userType", u->type },
		{ "password", u->password != NULL ? "********" : NULL } };

	api_audit_role(c, p, rc, "users", op, u->uid != NULL ? u->uid : "",
	    params, sizeof(params) / sizeof(params[0]));
}

static enum rc
check_new_user(const struct user *u, struct err *e)
{
	if (u->uid == NULL || u->uid[0] == '\0')
		return err_set(e, RC_INVALID, "User ID is missing");
	if (strchr(u->uid, '\\') != NULL)
		return err_set(e, RC_INVALID, "User ID may not hold a \\");
	if (strcasecmp(u->uid, "$System$") == 0)
		return err_set(e, RC_DENIED,
		    "%s is the name of the server itself", u->uid);
	return RC_OK;
}

static void
add_user(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(secret) password = NULL;
	struct user u = { .uid = NULL };
	struct err e = { RC_OK, "" };
	json_t *body = NULL;
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p))
		return;
	if ((rc = api_body(c, &body, &e)) == RC_OK &&
	    (rc = read_user(c, body, &u, &password, &e)) == RC_OK &&
	    (rc = check_new_user(&u, &e)) == RC_OK)
		rc = user_add(api_ca(c)->store, &u, &e);
	json_decref(body);
	audit_user(c, p, rc, "OP_ADD", &u);
	if (rc == RC_OK)
		reply_user(c, u.uid, true);
	else
		api_fail(c, rc, &e);
}

static void
modify_user(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(secret) password = NULL;
	struct user u = { .uid = NULL };
	struct err e = { RC_OK, "" };
	json_t *body = NULL;
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p))
		return;
	if ((rc = api_body(c, &body, &e)) == RC_OK)
		rc = read_user(c, body, &u, &password, &e);
	json_decref(body);
	u.uid = http_param(c, "id"); /* never renamed */
	if (rc == RC_OK)
		rc = u.full_name != NULL && u.full_name[0] == '\0'
		    ? err_set(&e, RC_INVALID, "full name is missing")
		    : user_modify(api_ca(c)->store, &u, &e);
	audit_user(c, p, rc, "OP_MODIFY", &u);
	if (rc == RC_OK)
		reply_user(c, u.uid, false);
	else if (rc == RC_NOTFOUND)
		api_no_user(c, u.uid);
	else
		api_fail(c, rc, &e);
}

static void
delete_user(struct http_call *c)
{
	AUTO(principal) p = NULL;
	const char *uid = http_param(c, "id");
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p))
		return;
	rc = user_delete(api_ca(c)->store, uid, &e);
	api_audit_role(c, p, rc, "users", "OP_DELETE", uid, NULL, 0);
	if (rc == RC_OK)
		no_content(c);
	else if (rc == RC_NOTFOUND)
		api_no_user(c, uid);
	else
		api_fail(c, rc, &e);
}

/* --- certificates ------------------------------------------------------------ */

static json_t *
cert_json(struct view der, bool whole)
{
	AUTO_BUF id = buf_empty(64 * 1024), issuer = buf_empty(64 * 1024),
		 subject = buf_empty(64 * 1024), text = buf_empty(0);
	char serial[NUM_TEXT_MAX];
	struct cert x;
	json_t *o;

	if (cert_parse(&x, der, NULL) != RC_OK ||
	    cert_user_id(&id, &x, NULL) != RC_OK ||
	    name_text(&issuer, x.issuer, NULL) != RC_OK ||
	    name_text(&subject, x.subject, NULL) != RC_OK)
		return NULL;
	o = json_pack("{s:s,s:i,s:s,s:s,s:s}", "id", buf_cstr(&id), "Version",
	    x.version, "SerialNumber", num_0x(serial, &x.serial), "IssuerDN",
	    buf_cstr(&issuer), "SubjectDN", buf_cstr(&subject));
	if (!whole)
		return o;
	if (print_cert(&text, der, NULL) == RC_OK)
		json_object_set_new(
		    o, "PrettyPrint", json_string(buf_cstr(&text)));
	buf_reset(&text);
	text_add_pem(&text, "CERTIFICATE", der, "\r\n");
	json_object_set_new(o, "Encoded", json_string(buf_cstr(&text)));
	return o;
}

/* The user of the path; has replied when it returns false. */
static bool
load_user(struct http_call *c, struct rec **out)
{
	struct err e = { RC_OK, "" };
	const char *uid = http_param(c, "id");
	enum rc rc = store_get(api_ca(c)->store, out, REC_USER, uid, &e);

	if (rc == RC_NOTFOUND)
		api_no_user(c, uid);
	else if (rc != RC_OK)
		api_fail(c, rc, &e);
	return rc == RC_OK;
}

static void
list_certs(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	const struct rec_attr *v;
	struct api_slice page;

	if (!api_enter(c, RESOURCE, "execute", &p) || !load_user(c, &r) ||
	    !api_page_begin(c, &page))
		return;
	v = rec_attr(r, "userCertificate");
	for (size_t i = 0; v != NULL && i < v->n; i++) {
		json_t *o = cert_json(v->values[i], false);
		if (o != NULL)
			api_page_add(&page,
			    json_string_value(json_object_get(o, "id")), o);
	}
	api_page_reply(c, &page);
}

static void
get_cert(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	const struct rec_attr *v;

	if (!api_enter(c, RESOURCE, "execute", &p) || !load_user(c, &r))
		return;
	v = rec_attr(r, "userCertificate");
	for (size_t i = 0; v != NULL && i < v->n; i++) {
		AUTO_BUF id = buf_empty(64 * 1024);
		if (user_cert_id(&id, v->values[i], NULL) == RC_OK &&
		    view_is(buf_view(&id), http_param(c, "cert"))) {
			api_json(c, 200, cert_json(v->values[i], true));
			return;
		}
	}
	api_error(c, 404, NULL, "No certificates found for this user");
}

/* The certificate to add: PEM, base64 or the leaf of a PKCS #7 chain; valid
 * now. */
static enum rc
read_cert(
    struct http_call *c, const json_t *body, struct view *out, struct err *e)
{
	const char *text = api_text(c, body, "Encoded");
	struct view certs[CMS_CERTS_MAX];
	int64_t now = clock_now(api_ca(c)->clock);
	char date[CLOCK_TEXT_MAX];
	struct cert x;
	size_t n = 0;
	enum rc rc;

	if (text == NULL)
		return err_set(e, RC_INVALID, "Encoded is missing");
	if ((rc = cms_certs_any(certs, CMS_CERTS_MAX, &n, view_str(text),
		 c->arena, e)) != RC_OK ||
	    (rc = cms_chain_order(certs, n, e)) != RC_OK)
		return rc;
	if (n == 0)
		return err_set(e, RC_INVALID, "Encoded holds no certificate");
	if ((rc = cert_parse(&x, certs[0], e)) != RC_OK)
		return rc;
	if (now > x.not_after)
		return err_set(e, RC_INVALID, "Certificate expired: %s",
		    clock_text_java(date, x.not_after));
	if (now < x.not_before)
		return err_set(e, RC_INVALID, "Certificate not yet valid: %s",
		    clock_text_java(date, x.not_before));
	*out = certs[0];
	return RC_OK;
}

static void
add_cert(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	AUTO_BUF id = buf_empty(64 * 1024);
	struct view der = { NULL, 0 };
	struct err e = { RC_OK, "" };
	json_t *body = NULL;
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p) || !load_user(c, &r))
		return;
	if ((rc = api_body(c, &body, &e)) == RC_OK &&
	    (rc = read_cert(c, body, &der, &e)) == RC_OK &&
	    (rc = user_cert_id(&id, der, &e)) == RC_OK)
		rc = user_add_cert(api_ca(c)->store, r->id, der, &e);
	json_decref(body);
	const struct http_pair param = { "cert", buf_cstr(&id) };
	api_audit_role(c, p, rc, "certs", "OP_ADD", r->id, &param, 1);
	if (rc == RC_OK)
		api_created(c, buf_cstr(&id), cert_json(der, true));
	else
		api_fail(c, rc, &e);
}

static void
delete_cert(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	const struct http_pair param = { "cert", http_param(c, "cert") };
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p) || !load_user(c, &r))
		return;
	rc = user_delete_cert(api_ca(c)->store, r->id, param.value, &e);
	api_audit_role(c, p, rc, "certs", "OP_DELETE", r->id, &param, 1);
	if (rc == RC_OK)
		no_content(c);
	else
		api_fail(c, rc, &e);
}

/* --- memberships --------------------------------------------------------------- */

struct memberships {
	const char *uid;
	struct api_slice page;
};

bool
api_is_member(const struct rec *group, const char *uid)
{
	const struct rec_attr *v = rec_attr(group, "uniqueMember");

	for (size_t i = 0; v != NULL && i < v->n; i++) {
		AUTO_STR x = group_member_uid((const char *)v->values[i].data);
		if (x != NULL && strcasecmp(x, uid) == 0)
			return true;
	}
	return false;
}

static bool
add_membership(void *arg, const struct rec *r)
{
	struct memberships *m = arg;

	if (api_is_member(r, m->uid))
		api_page_add(&m->page, r->id,
		    json_pack("{s:s,s:s}", "id", r->id, "userID", m->uid));
	return true;
}

static void
list_memberships(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	struct query q = { .kind = REC_GROUP, .order = "cn" };
	struct memberships m;
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p) || !load_user(c, &r) ||
	    !api_page_begin(c, &m.page))
		return;
	m.uid = r->id;
	rc = store_search(api_ca(c)->store, &q, add_membership, &m, &e);
	if (rc == RC_OK) {
		api_page_reply(c, &m.page);
	} else {
		json_decref(m.page.list);
		api_fail(c, rc, &e);
	}
}

/* The body is the bare name; a JSON string or GroupMemberData's "id" is taken
 * too. */
static const char *
membership_name(struct http_call *c)
{
	char *text = arena_view(c->arena, c->body);
	const char *name = NULL;
	json_t *o;

	if (text == NULL)
		return NULL;
	text = text_trim(text);
	if (text[0] != '"' && text[0] != '{')
		return text[0] != '\0' ? text : NULL;
	o = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	name = json_is_string(o) ? arena_str(c->arena, json_string_value(o))
				 : api_text(c, o, "id");
	json_decref(o);
	return name;
}

static void
add_to_group(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	const struct http_pair param = { "group", membership_name(c) };
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p) || !load_user(c, &r))
		return;
	if (param.value == NULL) {
		api_error(c, 400, NULL, "the body is the name of a group");
		return;
	}
	rc = api_group_join(c, param.value, r->id, &e);
	api_audit_role(c, p, rc, "users", "OP_MODIFY", r->id, &param, 1);
	if (rc == RC_OK)
		api_created(c, param.value,
		    json_pack("{s:s,s:s}", "id", param.value, "userID", r->id));
	else if (rc == RC_NOTFOUND)
		api_no_group(c, param.value);
	else
		api_fail(c, rc, &e);
}

static void
leave_group(struct http_call *c)
{
	AUTO(principal) p = NULL;
	AUTO(rec) r = NULL;
	const struct http_pair param = { "group", http_param(c, "group") };
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!api_enter(c, RESOURCE, "execute", &p) || !load_user(c, &r))
		return;
	rc = group_delete_member(api_ca(c)->store, param.value, r->id, &e);
	api_audit_role(c, p, rc, "users", "OP_MODIFY", r->id, &param, 1);
	if (rc == RC_OK)
		no_content(c);
	else if (rc == RC_NOTFOUND)
		api_no_group(c, param.value);
	else
		api_fail(c, rc, &e);
}

enum {
	WRITE = HTTP_TLS_ONLY | HTTP_SAME_ORIGIN
};
static const struct http_route items[] = {
	{ HTTP_GET, "admin/users", list_users, HTTP_ADMIN, HTTP_TLS_ONLY, 0 },
	{ HTTP_POST, "admin/users", add_user, HTTP_ADMIN, WRITE, 0 },
	{ HTTP_GET, "admin/users/{id}", get_user, HTTP_ADMIN, HTTP_TLS_ONLY,
	    0 },
	{ HTTP_PATCH, "admin/users/{id}", modify_user, HTTP_ADMIN, WRITE, 0 },
	{ HTTP_DELETE, "admin/users/{id}", delete_user, HTTP_ADMIN, WRITE, 0 },
	{ HTTP_GET, "admin/users/{id}/certs", list_certs, HTTP_ADMIN,
	    HTTP_TLS_ONLY, 0 },
	{ HTTP_POST, "admin/users/{id}/certs", add_cert, HTTP_ADMIN, WRITE, 0 },
	{ HTTP_GET, "admin/users/{id}/certs/{cert}", get_cert, HTTP_ADMIN,
	    HTTP_TLS_ONLY, 0 },
	{ HTTP_DELETE, "admin/users/{id}/certs/{cert}", delete_cert, HTTP_ADMIN,
	    WRITE, 0 },
	{ HTTP_GET, "admin/users/{id}/memberships", list_memberships,
	    HTTP_ADMIN, HTTP_TLS_ONLY, 0 },
	{ HTTP_POST, "admin/users/{id}/memberships", add_to_group, HTTP_ADMIN,
	    WRITE, 0 },
	{ HTTP_DELETE, "admin/users/{id}/memberships/{group}", leave_group,
	    HTTP_ADMIN, WRITE, 0 },
};
const struct api_routes api_user_routes = { items,
	sizeof(items) / sizeof(items[0]) };
