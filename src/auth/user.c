/* SPDX-License-Identifier: Apache-2.0 */
/* user.c - add, change and delete users and groups (spec directory 2.3, 2.4).
 * Owns:    nothing.
 * Trusts:  its callers for authorisation; checks the form of every value.
 * Threads: any. */
#include "auth/user.h"

#include <ctype.h>
#include <strings.h>

#include "auth/password.h"
#include "x509/cert.h"

static enum rc
check_id(const char *id, const char *what, struct err *e)
{
	size_t n = strlen(id);

	if (n == 0 || n > USER_ID_MAX)
		return err_set(e, RC_INVALID, "%s id: 1 to %d characters", what,
		    USER_ID_MAX);
	for (size_t i = 0; i < n; i++) {
		if (strchr("\\,=+<>;\"", id[i]) != NULL ||
		    iscntrl((unsigned char)id[i]))
			return err_set(e, RC_INVALID,
			    "%s id: a character that may not stand there",
			    what);
	}
	return RC_OK;
}

enum rc
user_check_password(struct view password, struct err *e)
{
	if (password.len < PASSWORD_MIN)
		return err_set(e, RC_INVALID,
		    "password: at least %d characters", PASSWORD_MIN);
	return RC_OK;
}

static enum rc
hash_password(struct buf *out, const struct secret *password, struct err *e)
{
	enum rc rc = user_check_password(secret_view(password), e);

	return rc == RC_OK ? password_hash(out, secret_view(password), e) : rc;
}

enum rc
user_add(struct store *s, const struct user *u, struct err *e)
{
	static const char *const classes[] = { "top", "person",
		"organizationalPerson", "inetOrgPerson", "cmsuser" };
	AUTO_BUF hash = buf_empty(1024);
	AUTO(batch) b = batch_new();
	struct rec *r;
	enum rc rc;

	if ((rc = check_id(u->uid, "user", e)) != RC_OK)
		return rc;
	if (u->full_name == NULL || u->full_name[0] == '\0')
		return err_set(
		    e, RC_INVALID, "user %s: full name is missing", u->uid);
	if (u->password != NULL &&
	    (rc = hash_password(&hash, u->password, e)) != RC_OK)
		return rc;
	r = rec_new(REC_USER, u->uid);
	if (b == NULL || r == NULL)
		return err_set(e, RC_NOMEM, "user");
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		rec_add_str(r, "objectClass", classes[i]);
	rec_add_str(r, "uid", u->uid);
	rec_add_str(r, "cn", u->full_name);
	rec_add_str(r, "sn", u->full_name);
	rec_add_str(r, "usertype",
	    u->type != NULL && u->type[0] != '\0' ? u->type : "undefined");
	rec_add_str(r, "userstate", u->state);
	rec_add_str(r, "mail", u->email);
	rec_add_str(r, "telephoneNumber", u->phone);
	if (u->password != NULL)
		rec_add_str(r, "userPassword", buf_cstr(&hash));
	batch_add(b, r);
	rc = store_commit(s, b, e);
	return rc == RC_EXISTS
	    ? err_set(e, rc, "user %s already exists", u->uid)
	    : rc;
}

enum rc
user_modify(struct store *s, const struct user *u, struct err *e)
{
	AUTO_BUF hash = buf_empty(1024);
	AUTO(batch) b = batch_new();
	const struct {
		const char *attr, *value;
	} fields[] = { { "cn", u->full_name }, { "sn", u->full_name },
		{ "mail", u->email }, { "telephoneNumber", u->phone },
		{ "usertype", u->type }, { "userstate", u->state } };
	enum rc rc;

	if ((rc = check_id(u->uid, "user", e)) != RC_OK)
		return rc;
	if (u->password != NULL &&
	    (rc = hash_password(&hash, u->password, e)) != RC_OK)
		return rc;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "user");
	batch_modify(b, REC_USER, u->uid);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].value == NULL)
			continue;
		if (fields[i].value[0] == '\0')
			batch_mod(
			    b, MOD_REPLACE, fields[i].attr, view_of(NULL, 0));
		else
			batch_mod_str(
			    b, MOD_REPLACE, fields[i].attr, fields[i].value);
	}
	if (u->password != NULL)
		batch_mod_str(b, MOD_REPLACE, "userPassword", buf_cstr(&hash));
	return store_commit(s, b, e);
}

enum rc
user_cert_id(struct buf *out, struct view der, struct err *e)
{
	struct cert c;
	enum rc rc;

	rc = cert_parse(&c, der, e);
	return rc == RC_OK ? cert_user_id(out, &c, e) : rc;
}

enum rc
user_add_cert(struct store *s, const char *uid, struct view der, struct err *e)
{
	AUTO_BUF id = buf_empty(8192);
	AUTO(batch) b = batch_new();
	enum rc rc;

	if ((rc = user_cert_id(&id, der, e)) != RC_OK)
		return rc;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "user");
	batch_modify(b, REC_USER, uid);
	batch_mod(b, MOD_ADD, "userCertificate", der);
	batch_mod(b, MOD_ADD, "description", buf_view(&id));
	return store_commit(s, b, e);
}

enum rc
user_delete_cert(
    struct store *s, const char *uid, const char *cert_id, struct err *e)
{
	AUTO(rec) r = NULL;
	AUTO(batch) b = batch_new();
	const struct rec_attr *c;
	bool found = false;
	enum rc rc;

	if ((rc = store_get(s, &r, REC_USER, uid, e)) != RC_OK)
		return rc;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "user");
	batch_modify(b, REC_USER, uid);
	c = rec_attr(r, "userCertificate");
	for (size_t i = 0; c != NULL && i < c->n; i++) {
		AUTO_BUF id = buf_empty(8192);
		if (user_cert_id(&id, c->values[i], NULL) == RC_OK &&
		    view_is(buf_view(&id), cert_id)) {
			batch_mod(
			    b, MOD_DELETE, "userCertificate", c->values[i]);
			batch_mod(b, MOD_DELETE, "description", buf_view(&id));
			found = true;
		}
	}
	if (!found)
		return err_set(
		    e, RC_NOTFOUND, "user %s: no such certificate", uid);
	return store_commit(s, b, e);
}

enum rc
group_add(
    struct store *s, const char *name, const char *description, struct err *e)
{
	AUTO(batch) b = batch_new();
	struct rec *r;
	enum rc rc;

	if ((rc = check_id(name, "group", e)) != RC_OK)
		return rc;
	r = rec_new(REC_GROUP, name);
	if (b == NULL || r == NULL)
		return err_set(e, RC_NOMEM, "group");
	rec_add_str(r, "objectClass", "top");
	rec_add_str(r, "objectClass", "groupOfUniqueNames");
	rec_add_str(r, "cn", name);
	rec_add_str(r, "description", description);
	batch_add(b, r);
	rc = store_commit(s, b, e);
	return rc == RC_EXISTS ? err_set(e, rc, "group %s already exists", name)
			       : rc;
}

enum rc
group_modify(
    struct store *s, const char *name, const char *description, struct err *e)
{
	AUTO(batch) b = batch_new();

	if (b == NULL)
		return err_set(e, RC_NOMEM, "group");
	batch_modify(b, REC_GROUP, name);
	batch_mod_str(b, MOD_REPLACE, "description", description);
	return store_commit(s, b, e);
}

enum rc
group_delete(struct store *s, const char *name, struct err *e)
{
	AUTO(rec) r = NULL;
	AUTO(batch) b = batch_new();
	enum rc rc;

	if ((rc = store_get(s, &r, REC_GROUP, name, e)) != RC_OK)
		return rc;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "group");
	batch_delete(b, REC_GROUP, name);
	return store_commit(s, b, e);
}

char *
group_member_uid(const char *unique_member)
{
	const char *end;

	if (strncasecmp(unique_member, "uid=", 4) != 0)
		return NULL;
	unique_member += 4;
	end = strchr(unique_member, ',');
	return strndup(unique_member,
	    end != NULL ? (size_t)(end - unique_member)
			: strlen(unique_member));
}

/* The uniqueMember value of a group that names uid; empty when absent. */
static struct view
find_member(const struct rec *group, const char *uid)
{
	const struct rec_attr *m = rec_attr(group, "uniqueMember");

	for (size_t i = 0; m != NULL && i < m->n; i++) {
		AUTO_STR x = group_member_uid((const char *)m->values[i].data);
		if (x != NULL && strcasecmp(x, uid) == 0)
			return m->values[i];
	}
	return view_of(NULL, 0);
}

enum rc
group_add_member(
    struct store *s, const char *group, const char *uid, struct err *e)
{
	AUTO(rec) g = NULL;
	AUTO(rec) u = NULL;
	AUTO(batch) b = batch_new();
	AUTO_BUF dn = buf_empty(1024);
	enum rc rc;

	if ((rc = store_get(s, &g, REC_GROUP, group, e)) != RC_OK ||
	    (rc = store_get(s, &u, REC_USER, uid, e)) != RC_OK)
		return rc;
	if (find_member(g, uid).len > 0)
		return RC_OK;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "group");
	/* relative to the base DN, which only a back-end knows */
	buf_addf(&dn, "uid=%s,ou=People", u->id);
	batch_modify(b, REC_GROUP, group);
	batch_mod(b, MOD_ADD, "uniqueMember", buf_view(&dn));
	return store_commit(s, b, e);
}

enum rc
group_delete_member(
    struct store *s, const char *group, const char *uid, struct err *e)
{
	AUTO(rec) g = NULL;
	AUTO(batch) b = batch_new();
	struct view v;
	enum rc rc;

	if ((rc = store_get(s, &g, REC_GROUP, group, e)) != RC_OK)
		return rc;
	v = find_member(g, uid);
	if (v.len == 0)
		return err_set(
		    e, RC_NOTFOUND, "group %s: no member %s", group, uid);
	if (b == NULL)
		return err_set(e, RC_NOMEM, "group");
	batch_modify(b, REC_GROUP, group);
	batch_mod(b, MOD_DELETE, "uniqueMember", v);
	return store_commit(s, b, e);
}

struct leave {
	const char *uid;
	struct batch *b;
};

static bool
leave_group(void *arg, const struct rec *r)
{
	struct leave *l = arg;
	struct view v = find_member(r, l->uid);

	if (v.len > 0) {
		batch_modify(l->b, REC_GROUP, r->id);
		batch_mod(l->b, MOD_DELETE, "uniqueMember", v);
	}
	return true;
}

enum rc
user_delete(struct store *s, const char *uid, struct err *e)
{
	AUTO(rec) r = NULL;
	AUTO(batch) b = batch_new();
	struct leave l = { uid, b };
	struct query q = { .kind = REC_GROUP };
	enum rc rc;

	if ((rc = store_get(s, &r, REC_USER, uid, e)) != RC_OK)
		return rc;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "user");
	rc = store_search(s, &q, leave_group, &l, e);
	if (rc != RC_OK)
		return rc;
	batch_delete(b, REC_USER, uid);
	return store_commit(s, b, e);
}
