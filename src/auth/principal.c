/* SPDX-License-Identifier: Apache-2.0 */
/* principal.c - log-in by password or certificate against the user records.
 * Owns:    struct principal.
 * Trusts:  http/ for the validation of a client certificate's chain; compares
 *          the certificate's bytes with the stored ones itself.
 * Threads: any; a struct principal is read-only once made. */
#include "auth/principal.h"

#include <strings.h>

#include "auth/password.h"
#include "auth/user.h"
#include "store/rec_cert.h"
#include "x509/cert.h"

enum {
	GROUPS_MAX = 256
};

const char *
auth_method_name(enum auth_method m)
{
	switch (m) {
	case AUTH_PASSWORD:
		return "passwdUserDBAuthMgr";
	case AUTH_CERTIFICATE:
		return "certUserDBAuthMgr";
	case AUTH_TOKEN:
		return "TokenAuth";
	}
	return "";
}

void
principal_free(struct principal *p)
{
	if (p == NULL)
		return;
	for (char **g = p->groups; g != NULL && *g != NULL; g++)
		free(*g);
	free(p->groups);
	free(p->uid);
	free(p->full_name);
	free(p->email);
	free(p->cert);
	free(p);
}

bool
principal_in(const struct principal *p, const char *group)
{
	if (p == NULL || p->groups == NULL)
		return false;
	for (char **g = p->groups; *g != NULL; g++) {
		if (strcasecmp(*g, group) == 0)
			return true;
	}
	return false;
}

struct principal *
principal_copy(const struct principal *p)
{
	AUTO(principal) q = calloc(1, sizeof(*q));
	size_t n = 0;

	if (q == NULL)
		return NULL;
	q->method = p->method;
	q->uid = strdup(p->uid);
	q->full_name = p->full_name != NULL ? strdup(p->full_name) : NULL;
	q->email = p->email != NULL ? strdup(p->email) : NULL;
	while (p->groups != NULL && p->groups[n] != NULL)
		n++;
	q->groups = calloc(n + 1, sizeof(*q->groups));
	if (q->uid == NULL || q->groups == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if ((q->groups[i] = strdup(p->groups[i])) == NULL)
			return NULL;
	}
	if (p->cert_len > 0) {
		if ((q->cert = malloc(p->cert_len)) == NULL)
			return NULL;
		memcpy(q->cert, p->cert, p->cert_len);
		q->cert_len = p->cert_len;
	}
	return principal_steal(&q);
}

/* Collects the names of groups whose uniqueMember names the user. */
struct collect {
	const char *uid;
	char **names;
	size_t n;
	bool failed;
};

static bool
collect_group(void *arg, const struct rec *r)
{
	struct collect *c = arg;
	const struct rec_attr *m = rec_attr(r, "uniqueMember");

	for (size_t i = 0; m != NULL && i < m->n; i++) {
		AUTO_STR uid =
		    group_member_uid((const char *)m->values[i].data);
		if (uid == NULL || strcasecmp(uid, c->uid) != 0)
			continue;
		if (c->n == GROUPS_MAX ||
		    (c->names[c->n] = strdup(r->id)) == NULL) {
			c->failed = true;
			return false;
		}
		c->n++;
		break;
	}
	return true;
}

static enum rc
load_groups(struct store *s, struct principal *p, struct err *e)
{
	struct collect c = { .uid = p->uid };
	struct query q = { .kind = REC_GROUP };
	enum rc rc;

	p->groups = calloc(GROUPS_MAX + 1, sizeof(*p->groups));
	if (p->groups == NULL)
		return err_set(e, RC_NOMEM, "groups");
	c.names = p->groups;
	rc = store_search(s, &q, collect_group, &c, e);
	if (rc == RC_OK && c.failed)
		rc = err_set(e, RC_TOOBIG, "user %.64s: groups", p->uid);
	return rc;
}

static enum rc
from_record(struct store *s, struct principal **out, const struct rec *r,
    enum auth_method m, struct err *e)
{
	AUTO(principal) p = calloc(1, sizeof(*p));
	const char *name = rec_str(r, "cn"), *mail = rec_str(r, "mail");
	const char *state = rec_str(r, "userstate");
	enum rc rc;

	if (state != NULL && strcmp(state, "0") == 0)
		return err_set(e, RC_AUTH, "user is disabled");
	if (p == NULL)
		return err_set(e, RC_NOMEM, "principal");
	p->method = m;
	p->uid = strdup(r->id);
	p->full_name = strdup(name != NULL ? name : r->id);
	p->email = mail != NULL ? strdup(mail) : NULL;
	if (p->uid == NULL || p->full_name == NULL)
		return err_set(e, RC_NOMEM, "principal");
	rc = load_groups(s, p, e);
	if (rc != RC_OK)
		return rc;
	*out = principal_steal(&p);
	return RC_OK;
}

enum rc
auth_password(struct store *s, struct principal **out, const char *uid,
    struct view password, struct err *e)
{
	AUTO(rec) r = NULL;
	enum rc rc;

	rc = store_get(s, &r, REC_USER, uid, e);
	if (rc == RC_NOTFOUND)
		return password_check(NULL, password, e);
	if (rc != RC_OK)
		return rc;
	rc = password_check(rec_str(r, "userPassword"), password, e);
	if (rc != RC_OK)
		return rc;
	return from_record(s, out, r, AUTH_PASSWORD, e);
}

enum rc
auth_again(struct store *s, struct principal **out, const char *uid,
    enum auth_method method, struct err *e)
{
	AUTO(rec) r = NULL;
	enum rc rc = store_get(s, &r, REC_USER, uid, e);

	if (rc == RC_NOTFOUND)
		return err_set(e, RC_AUTH, "user is gone");
	return rc == RC_OK ? from_record(s, out, r, method, e) : rc;
}

struct find_user {
	struct view der;
	struct rec *found;
};

/* The textual mapping is not enough: the bytes must be equal. */
static bool
match_user(void *arg, const struct rec *r)
{
	struct find_user *f = arg;
	const struct rec_attr *c = rec_attr(r, "userCertificate");

	for (size_t i = 0; c != NULL && i < c->n; i++) {
		if (view_eq(c->values[i], f->der)) {
			f->found = rec_copy(r);
			return false;
		}
	}
	return true;
}

/* A certificate of our own store must not be revoked. */
static enum rc
check_revoked(struct store *s, struct view der, struct err *e)
{
	AUTO(rec) r = NULL;
	struct cert c;
	char id[NUM_TEXT_MAX];
	const char *status;
	enum rc rc;

	rc = cert_parse(&c, der, e);
	if (rc != RC_OK)
		return rc;
	rc = store_get(s, &r, REC_CERT, num_hex(id, &c.serial), e);
	if (rc == RC_NOTFOUND)
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	if (!view_eq(rec_get(r, "userCertificate;binary"), der))
		return RC_OK; /* same number, another issuer */
	status = rec_str(r, "certStatus");
	if (status != NULL && text_starts(status, "REVOKED"))
		return err_set(e, RC_AUTH, "certificate 0x%s is revoked", id);
	return RC_OK;
}

enum rc
auth_certificate(
    struct store *s, struct principal **out, struct view der, struct err *e)
{
	AUTO_BUF id = buf_empty(8192);
	AUTO_BUF filter = buf_empty(FILTER_TEXT_MAX);
	struct find_user f = { der, NULL };
	struct query q = { .kind = REC_USER };
	enum rc rc;

	if ((rc = user_cert_id(&id, der, e)) != RC_OK ||
	    (rc = check_revoked(s, der, e)) != RC_OK)
		return rc;
	buf_add_str(&filter, "(description=");
	filter_escape(&filter, buf_view(&id));
	buf_add_char(&filter, ')');
	if ((rc = buf_check(&filter, e)) != RC_OK)
		return rc;
	q.filter = buf_cstr(&filter);
	rc = store_search(s, &q, match_user, &f, e);
	AUTO(rec) r = f.found;
	if (rc != RC_OK)
		return rc;
	if (r == NULL)
		return err_set(e, RC_AUTH, "no user holds this certificate");
	rc = from_record(s, out, r, AUTH_CERTIFICATE, e);
	if (rc != RC_OK)
		return rc;
	(*out)->cert = malloc(der.len);
	if ((*out)->cert == NULL) {
		principal_free(*out);
		*out = NULL;
		return err_set(e, RC_NOMEM, "principal");
	}
	memcpy((*out)->cert, der.data, der.len);
	(*out)->cert_len = der.len;
	return RC_OK;
}
