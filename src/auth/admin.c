/* SPDX-License-Identifier: Apache-2.0 */
/* admin.c - users, groups and access rules in JSON.
 * Owns:    nothing.
 * Trusts:  its caller for authorisation; auth/user.c checks every value.
 * Threads: any. */
#include "auth/admin.h"

#include <strings.h>

#include "auth/acl.h"
#include "auth/user.h"
#include "x509/cert.h"
#include "x509/name.h"

static const char *
arg(const json_t *args, const char *name)
{
	return json_string_value(json_object_get(args, name));
}

/* A member that must be there. */
static enum rc
need(const json_t *args, const char *name, const char **out, struct err *e)
{
	*out = arg(args, name);
	return *out != NULL ? RC_OK
			    : err_set(e, RC_USAGE, "%s is missing", name);
}

/* Gives the reference to o away. */
static enum rc
put(struct buf *out, json_t *o, struct err *e)
{
	char *s = json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY);

	json_decref(o);
	if (s == NULL)
		return err_set(e, RC_NOMEM, "JSON");
	buf_add_str(out, s);
	free(s);
	return buf_check(out, e);
}

static void
page(struct query *q, const json_t *args)
{
	json_int_t start = json_integer_value(json_object_get(args, "start")),
		   size = json_integer_value(json_object_get(args, "size"));

	q->start = start > 0 ? (size_t)start : 0;
	q->limit = size > 0 ? (size_t)size : 0;
}

static json_t *
texts(const struct rec *r, const char *attr)
{
	const struct rec_attr *a = rec_attr(r, attr);
	json_t *list = json_array();

	for (size_t i = 0; a != NULL && i < a->n; i++)
		json_array_append_new(
		    list, json_string((const char *)a->values[i].data));
	return list;
}

/* ---- users ---- */

/* Attributes that are no text or a secret. */
static bool
hidden(const char *name)
{
	return strcasecmp(name, "userPassword") == 0 ||
	    text_starts(name, "userCertificate") ||
	    strcasecmp(name, "objectClass") == 0;
}

static json_t *
user_json(const struct rec *r, bool all)
{
	json_t *attrs,
	    *o = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*}", "id", r->id,
		"fullName", rec_str(r, "cn"), "email", rec_str(r, "mail"),
		"phone", rec_str(r, "telephoneNumber"), "type",
		rec_str(r, "usertype"), "state", rec_str(r, "userstate"));

	if (!all)
		return o;
	attrs = json_object();
	for (size_t i = 0; i < r->n; i++)
		if (!hidden(r->attrs[i].name))
			json_object_set_new(attrs, r->attrs[i].name,
			    texts(r, r->attrs[i].name));
	json_object_set_new(o, "attrs", attrs);
	return o;
}

static bool
add_user_json(void *arg_list, const struct rec *r)
{
	return json_array_append_new(arg_list, user_json(r, false)) == 0;
}

static enum rc
user_find(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *see = arg(args, "seeAlso");
	struct query q = { .kind = REC_USER, .order = "uid" };
	AUTO_BUF f = buf_empty(FILTER_TEXT_MAX);
	json_t *list = json_array();
	enum rc rc;

	page(&q, args);
	if (see != NULL) {
		buf_add_str(&f, "(seeAlso=");
		filter_escape(&f, view_str(see));
		buf_add_char(&f, ')');
		q.filter = buf_cstr(&f);
	}
	rc = store_search(s, &q, add_user_json, list, e);
	if (rc == RC_OK)
		return put(out, list, e);
	json_decref(list);
	return rc;
}

static enum rc
get_user(struct store *s, struct rec **out, const char *id, struct err *e)
{
	enum rc rc = store_get(s, out, REC_USER, id, e);

	return rc == RC_NOTFOUND ? err_set(e, rc, "User %s not found", id) : rc;
}

static enum rc
user_show(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	AUTO(rec) r = NULL;
	const char *id;
	enum rc rc;

	if ((rc = need(args, "id", &id, e)) != RC_OK ||
	    (rc = get_user(s, &r, id, e)) != RC_OK)
		return rc;
	return put(out, user_json(r, true), e);
}

static enum rc
add_cert(struct store *s, const char *id, const char *base64, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	enum rc rc = text_base64(&der, view_str(base64), e);

	return rc == RC_OK ? user_add_cert(s, id, buf_view(&der), e) : rc;
}

/* What the arguments say of a user; password is the caller's to free. */
static enum rc
user_of(
    struct user *u, struct secret **password, const json_t *args, struct err *e)
{
	const char *text = arg(args, "password");
	enum rc rc;

	*u = (struct user){ .full_name = arg(args, "fullName"),
		.email = arg(args, "email"),
		.phone = arg(args, "phone"),
		.type = arg(args, "type"),
		.state = arg(args, "state") };
	if ((rc = need(args, "id", &u->uid, e)) != RC_OK)
		return rc;
	if (text == NULL)
		return RC_OK;
	if ((*password = secret_new(view_str(text))) == NULL)
		return err_set(e, RC_NOMEM, "password");
	u->password = *password;
	return RC_OK;
}

static enum rc
run_user_add(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	AUTO(secret) password = NULL;
	const char *cert = arg(args, "cert");
	struct user u;
	enum rc rc = user_of(&u, &password, args, e);

	(void)out;
	if (rc != RC_OK || (rc = user_add(s, &u, e)) != RC_OK)
		return rc;
	return cert != NULL ? add_cert(s, u.uid, cert, e) : RC_OK;
}

/* An empty password takes the user's away: no password fits any more. */
static bool
no_password(const json_t *args)
{
	const char *text = arg(args, "password");

	return text != NULL && *text == '\0';
}

/* Attributes by name (--attr), seeAlso, and a password taken away. */
static enum rc
mod_attrs(struct store *s, const char *id, const json_t *args, struct err *e)
{
	const char *add = arg(args, "addSeeAlso"),
		   *del = arg(args, "delSeeAlso");
	const json_t *attrs = json_object_get(args, "attrs");
	AUTO(batch) b = batch_new();
	size_t n = json_array_size(attrs);
	bool bare = no_password(args);

	if (add == NULL && del == NULL && n == 0 && !bare)
		return RC_OK;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "user");
	batch_modify(b, REC_USER, id);
	for (size_t i = 0; i < n; i++) {
		const json_t *x = json_array_get(attrs, i);
		const char *name = arg(x, "name"), *value = arg(x, "value");

		if (name == NULL || value == NULL || hidden(name) ||
		    strcasecmp(name, "uid") == 0)
			return err_set(e, RC_INVALID,
			    "attribute %s cannot be changed",
			    name != NULL ? name : "");
		if (*value == '\0')
			batch_mod(b, MOD_REPLACE, name, view_of(NULL, 0));
		else
			batch_mod_str(b, MOD_REPLACE, name, value);
	}
	if (bare)
		batch_mod(b, MOD_REPLACE, "userPassword", view_of(NULL, 0));
	if (add != NULL)
		batch_mod_str(b, MOD_ADD, "seeAlso", add);
	if (del != NULL)
		batch_mod_str(b, MOD_DELETE, "seeAlso", del);
	return store_commit(s, b, e);
}

static enum rc
run_user_mod(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	AUTO(secret) password = NULL;
	AUTO(rec) r = NULL;
	struct user u;
	enum rc rc = user_of(&u, &password, args, e);

	(void)out;
	if (rc != RC_OK || (rc = get_user(s, &r, u.uid, e)) != RC_OK)
		return rc;
	if (no_password(args))
		u.password = NULL;
	if (u.full_name != NULL || u.email != NULL || u.phone != NULL ||
	    u.type != NULL || u.state != NULL || u.password != NULL)
		rc = user_modify(s, &u, e);
	return rc == RC_OK ? mod_attrs(s, u.uid, args, e) : rc;
}

static enum rc
run_user_del(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *id;
	enum rc rc = need(args, "id", &id, e);

	(void)out;
	if (rc == RC_OK && (rc = user_delete(s, id, e)) == RC_NOTFOUND)
		rc = err_set(e, rc, "User %s not found", id);
	return rc;
}

/* ---- certificates of a user ---- */

static json_t *
cert_json(struct view der)
{
	AUTO_BUF id = buf_empty(8192), subject = buf_empty(8192),
		 issuer = buf_empty(8192);
	char serial[NUM_TEXT_MAX];
	struct cert c;

	if (cert_parse(&c, der, NULL) != RC_OK ||
	    cert_user_id(&id, &c, NULL) != RC_OK ||
	    name_text(&subject, c.subject, NULL) != RC_OK ||
	    name_text(&issuer, c.issuer, NULL) != RC_OK)
		return NULL;
	return json_pack("{s:s, s:i, s:s, s:s, s:s}", "id", buf_cstr(&id),
	    "version", c.version, "serial", num_0x(serial, &c.serial), "issuer",
	    buf_cstr(&issuer), "subject", buf_cstr(&subject));
}

static enum rc
user_cert_find(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	AUTO(rec) r = NULL;
	const struct rec_attr *a;
	const char *id;
	json_t *list;
	enum rc rc;

	if ((rc = need(args, "id", &id, e)) != RC_OK ||
	    (rc = get_user(s, &r, id, e)) != RC_OK)
		return rc;
	list = json_array();
	a = rec_attr(r, "userCertificate");
	for (size_t i = 0; a != NULL && i < a->n; i++) {
		json_t *o = cert_json(a->values[i]);

		/* what is no certificate is not listed as one */
		if (o != NULL)
			json_array_append_new(list, o);
	}
	return put(out, list, e);
}

static enum rc
user_cert_add(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	AUTO(rec) r = NULL;
	const char *id, *cert;
	enum rc rc;

	(void)out;
	if ((rc = need(args, "id", &id, e)) != RC_OK ||
	    (rc = need(args, "cert", &cert, e)) != RC_OK ||
	    (rc = get_user(s, &r, id, e)) != RC_OK)
		return rc;
	return add_cert(s, id, cert, e);
}

static enum rc
user_cert_del(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *id, *cert;
	enum rc rc;

	(void)out;
	if ((rc = need(args, "id", &id, e)) != RC_OK ||
	    (rc = need(args, "certId", &cert, e)) != RC_OK)
		return rc;
	return user_delete_cert(s, id, cert, e);
}

/* ---- groups ---- */

struct groups {
	json_t *list;
	const char *member; /* NULL = all */
	bool names;         /* names instead of objects */
	size_t start, size, seen;
};

static bool
has_member(const struct rec *r, const char *uid)
{
	const struct rec_attr *m = rec_attr(r, "uniqueMember");

	for (size_t i = 0; m != NULL && i < m->n; i++) {
		AUTO_STR x = group_member_uid((const char *)m->values[i].data);

		if (x != NULL && strcasecmp(x, uid) == 0)
			return true;
	}
	return false;
}

static bool
add_group_json(void *groups, const struct rec *r)
{
	struct groups *g = groups;

	if (g->member != NULL && !has_member(r, g->member))
		return true;
	if (g->seen++ < g->start)
		return true;
	json_array_append_new(g->list,
	    g->names ? json_string(r->id)
		     : json_pack("{s:s, s:s*}", "id", r->id, "description",
			   rec_str(r, "description")));
	return g->size == 0 || json_array_size(g->list) < g->size;
}

static enum rc
list_groups(struct store *s, struct groups *g, struct buf *out, struct err *e)
{
	struct query q = { .kind = REC_GROUP, .order = "cn" };
	enum rc rc;

	g->list = json_array();
	rc = store_search(s, &q, add_group_json, g, e);
	if (rc == RC_OK)
		return put(out, g->list, e);
	json_decref(g->list);
	return rc;
}

static enum rc
group_find(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	struct query q = { .kind = REC_GROUP };
	struct groups g = { .member = arg(args, "member") };

	page(&q, args);
	g.start = q.start;
	g.size = q.limit;
	return list_groups(s, &g, out, e);
}

static enum rc
user_role_find(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	struct groups g = { .names = true };
	AUTO(rec) r = NULL;
	enum rc rc = need(args, "id", &g.member, e);

	if (rc != RC_OK || (rc = get_user(s, &r, g.member, e)) != RC_OK)
		return rc;
	return list_groups(s, &g, out, e);
}

static enum rc
get_group(struct store *s, struct rec **out, const char *name, struct err *e)
{
	enum rc rc = store_get(s, out, REC_GROUP, name, e);

	return rc == RC_NOTFOUND ? err_set(e, rc, "Group %s not found", name)
				 : rc;
}

static enum rc
group_show(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	AUTO(rec) r = NULL;
	const char *name;
	enum rc rc;

	if ((rc = need(args, "group", &name, e)) != RC_OK ||
	    (rc = get_group(s, &r, name, e)) != RC_OK)
		return rc;
	return put(out,
	    json_pack("{s:s, s:s*}", "id", r->id, "description",
		rec_str(r, "description")),
	    e);
}

static enum rc
run_group_add(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *name;
	enum rc rc = need(args, "group", &name, e);

	(void)out;
	return rc == RC_OK ? group_add(s, name, arg(args, "description"), e)
			   : rc;
}

static enum rc
run_group_del(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *name;
	enum rc rc = need(args, "group", &name, e);

	(void)out;
	return rc == RC_OK ? group_delete(s, name, e) : rc;
}

static enum rc
group_member_find(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	AUTO(rec) r = NULL;
	const struct rec_attr *m;
	const char *name;
	json_t *list;
	enum rc rc;

	if ((rc = need(args, "group", &name, e)) != RC_OK ||
	    (rc = get_group(s, &r, name, e)) != RC_OK)
		return rc;
	list = json_array();
	m = rec_attr(r, "uniqueMember");
	for (size_t i = 0; m != NULL && i < m->n; i++) {
		AUTO_STR x = group_member_uid((const char *)m->values[i].data);

		if (x != NULL)
			json_array_append_new(list, json_string(x));
	}
	return put(out, list, e);
}

/* Both must exist; then fn. */
static enum rc
change_member(struct store *s, const json_t *args,
    enum rc (*fn)(struct store *, const char *, const char *, struct err *),
    struct err *e)
{
	AUTO(rec) u = NULL;
	AUTO(rec) g = NULL;
	const char *id, *name;
	enum rc rc;

	if ((rc = need(args, "id", &id, e)) != RC_OK ||
	    (rc = need(args, "group", &name, e)) != RC_OK ||
	    (rc = get_user(s, &u, id, e)) != RC_OK ||
	    (rc = get_group(s, &g, name, e)) != RC_OK)
		return rc;
	return fn(s, name, id, e);
}

static enum rc
user_role_add(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	(void)out;
	return change_member(s, args, group_add_member, e);
}

static enum rc
user_role_del(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	(void)out;
	return change_member(s, args, group_delete_member, e);
}

/* ---- access rules ---- */

static enum rc
acl_find(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	AUTO(rec) r = NULL;
	enum rc rc = store_get(s, &r, REC_ACL, "aclResources", e);

	(void)args;
	return rc == RC_OK ? put(out, texts(r, "resourceACLS"), e) : rc;
}

/* A rule that could not be read would stop the subsystem. */
static enum rc
change_acl(struct store *s, const json_t *args, enum mod_op op, struct err *e)
{
	AUTO(batch) b = batch_new();
	AUTO(acl) a = NULL;
	const char *text;
	enum rc rc = need(args, "acl", &text, e);

	if (rc != RC_OK || b == NULL)
		return rc != RC_OK ? rc : err_set(e, RC_NOMEM, "ACL");
	if (op == MOD_ADD && (rc = acl_add(&a, text, e)) != RC_OK)
		return rc;
	batch_modify(b, REC_ACL, "aclResources");
	batch_mod_str(b, op, "resourceACLS", text);
	rc = store_commit(s, b, e);
	return rc == RC_CONFLICT ? err_set(e, RC_NOTFOUND, "No such ACL") : rc;
}

static enum rc
run_acl_add(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	(void)out;
	return change_acl(s, args, MOD_ADD, e);
}

static enum rc
run_acl_del(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	(void)out;
	return change_acl(s, args, MOD_DELETE, e);
}

static const struct {
	const char *name;
	bool writes;
	enum rc (*run)(struct store *s, const json_t *args, struct buf *out,
	    struct err *e);
} commands[] = {
	{ "user-find", false, user_find },
	{ "user-show", false, user_show },
	{ "user-add", true, run_user_add },
	{ "user-mod", true, run_user_mod },
	{ "user-del", true, run_user_del },
	{ "user-cert-find", false, user_cert_find },
	{ "user-cert-add", true, user_cert_add },
	{ "user-cert-del", true, user_cert_del },
	{ "user-role-find", false, user_role_find },
	{ "user-role-add", true, user_role_add },
	{ "user-role-del", true, user_role_del },
	{ "group-find", false, group_find },
	{ "group-show", false, group_show },
	{ "group-add", true, run_group_add },
	{ "group-del", true, run_group_del },
	{ "group-member-find", false, group_member_find },
	{ "acl-find", false, acl_find },
	{ "acl-add", true, run_acl_add },
	{ "acl-del", true, run_acl_del },
};

enum rc
auth_admin(struct store *s, const char *command, const json_t *args,
    struct buf *out, bool *wrote, struct err *e)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, command) == 0) {
			*wrote = commands[i].writes;
			return commands[i].run(s, args, out, e);
		}
	return err_set(e, RC_UNSUPPORTED, "unknown command %.64s", command);
}
