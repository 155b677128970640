/* SPDX-License-Identifier: Apache-2.0 */
/* ds_admin.c - single operations on a directory server's configuration.
 * Owns:    one connection.
 * Trusts:  nothing from the network.
 * Threads: one a connection. */
#include "store/ds_admin.h"

#include <strings.h>
#include <time.h>

#include "base/text.h"
#include "store/ldap_int.h"

enum {
	TASK_POLL_MS = 50,
	TREE_PAGE = 500,
	DN_MAX = 4096,
};

struct ds_admin {
	LDAP *ld;
	char *url;
};

/* --- connection ---------------------------------------------------------- */

/* As dir_err, with the server's own remark behind. */
static enum rc
ds_err(struct ds_admin *d, struct err *e, int code, const char *what)
{
	struct err inner = { RC_OK, "" };
	char *remark = NULL;
	enum rc rc = dir_err(&inner, code, what);

	if (rc == RC_OK)
		return RC_OK;
	if (ldap_get_option(d->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &remark) ==
		LDAP_OPT_SUCCESS &&
	    remark != NULL && remark[0] != '\0')
		err_set(e, rc, "%s (%s)", inner.text, text_trim(remark));
	else
		err_set(e, rc, "%s", inner.text);
	ldap_memfree(remark);
	return rc;
}

enum rc
ds_admin_open(struct ds_admin **out, const struct ldap_params *p, struct err *e)
{
	AUTO(ds_admin) d = calloc(1, sizeof(*d));
	struct err inner = { RC_OK, "" };
	enum rc rc;

	if (d == NULL || p->url == NULL || (d->url = strdup(p->url)) == NULL)
		return err_set(e, RC_NOMEM, "directory: out of memory");
	rc = dir_connect_params(p, &d->ld, &inner);
	if (rc == RC_OK) {
		*out = ds_admin_steal(&d);
		return RC_OK;
	}
	if (rc == RC_AUTH || rc == RC_NOTFOUND) /* or no such bind DN */
		return err_set(e, RC_AUTH,
		    "directory %s refuses %s: wrong bind DN or password",
		    p->url, p->bind_dn != NULL ? p->bind_dn : "");
	if (rc == RC_UNAVAILABLE || rc == RC_TIMEOUT)
		return err_set(e, RC_UNAVAILABLE,
		    "directory %s does not answer%s: check the address and "
		    "that the server runs",
		    p->url,
		    p->ca_file != NULL || p->starttls
			? " or its certificate is not trusted"
			: "");
	return err_set(e, rc, "%s", inner.text);
}

void
ds_admin_free(struct ds_admin *d)
{
	if (d == NULL)
		return;
	if (d->ld != NULL)
		ldap_unbind_ext_s(d->ld, NULL, NULL);
	free(d->url);
	free(d);
}

const char *
ds_admin_url(const struct ds_admin *d)
{
	return d->url;
}

/* --- changes ------------------------------------------------------------- */

/* Modifications as libldap wants them, over values that stay the caller's. */
struct mods {
	LDAPMod mod[DS_ATTRS_MAX], *list[DS_ATTRS_MAX + 1];
	struct berval value[DS_ATTRS_MAX];
	struct berval *values[2 * DS_ATTRS_MAX]; /* each list ends with NULL */
};

static void
mods_value(struct berval *b, const struct ds_attr *a)
{
	const char *s = a->secret != NULL ? secret_cstr(a->secret) : a->value;

	b->bv_val = (char *)(uintptr_t)s;
	b->bv_len = strlen(s);
}

/* Groups the values by name; NULL when there are too many. */
static struct mods *
mods_new(int op, const struct ds_attr *attrs)
{
	struct mods *m = calloc(1, sizeof(*m));
	size_t n_values = 0, n_ptrs = 0, n_mods = 0;

	for (size_t i = 0; m != NULL && attrs[i].name != NULL; i++) {
		bool first = true;

		if (i == DS_ATTRS_MAX) {
			free(m);
			return NULL;
		}
		for (size_t j = 0; j < i && first; j++)
			first = strcasecmp(attrs[j].name, attrs[i].name) != 0;
		if (!first)
			continue;
		LDAPMod *x = &m->mod[n_mods];
		*x = (LDAPMod){ .mod_op = op | LDAP_MOD_BVALUES,
			.mod_type = (char *)(uintptr_t)attrs[i].name };
		x->mod_bvalues = &m->values[n_ptrs];
		for (size_t j = i;
		     attrs[j].name != NULL && n_values < DS_ATTRS_MAX; j++) {
			if (strcasecmp(attrs[j].name, attrs[i].name) != 0)
				continue;
			mods_value(&m->value[n_values], &attrs[j]);
			m->values[n_ptrs++] = &m->value[n_values++];
		}
		m->values[n_ptrs++] = NULL;
		m->list[n_mods++] = x;
	}
	return m;
}

enum rc
ds_add(struct ds_admin *d, const char *dn, const struct ds_attr *attrs,
    struct err *e)
{
	struct mods *m = mods_new(LDAP_MOD_ADD, attrs);
	int code;

	if (m == NULL)
		return err_set(e, RC_NOMEM, "directory: %s: too much", dn);
	code = ldap_add_ext_s(d->ld, dn, m->list, NULL, NULL);
	free(m);
	return ds_err(d, e, code, dn);
}

enum rc
ds_modify(struct ds_admin *d, const char *dn, enum mod_op op, const char *attr,
    const struct ds_attr *values, struct err *e)
{
	struct berval value[DS_ATTRS_MAX], *list[DS_ATTRS_MAX + 1] = { NULL };
	LDAPMod mod = { .mod_type = (char *)(uintptr_t)attr };
	LDAPMod *mods[] = { &mod, NULL };
	size_t n = 0;

	mod.mod_op = LDAP_MOD_BVALUES |
	    (op == MOD_ADD             ? LDAP_MOD_ADD
		    : op == MOD_DELETE ? LDAP_MOD_DELETE
				       : LDAP_MOD_REPLACE);
	for (; values != NULL && values[n].name != NULL; n++) {
		if (n == DS_ATTRS_MAX)
			return err_set(
			    e, RC_TOOBIG, "directory: %s: too much", dn);
		mods_value(&value[n], &values[n]);
		list[n] = &value[n];
	}
	mod.mod_bvalues = n > 0 ? list : NULL;
	return ds_err(d, e, ldap_modify_ext_s(d->ld, dn, mods, NULL, NULL), dn);
}

enum rc
ds_set(struct ds_admin *d, const char *dn, enum mod_op op, const char *attr,
    const char *value, struct err *e)
{
	const struct ds_attr one[] = { { attr, value, NULL },
		{ NULL, NULL, NULL } };
	enum rc rc = ds_modify(d, dn, op, attr, value != NULL ? one : NULL, e);

	return rc == RC_CONFLICT && op != MOD_REPLACE ? RC_OK : rc;
}

enum rc
ds_rename(struct ds_admin *d, const char *dn, const char *rdn, bool keep_old,
    struct err *e)
{
	return ds_err(d, e,
	    ldap_rename_s(d->ld, dn, rdn, NULL, keep_old ? 0 : 1, NULL, NULL),
	    dn);
}

enum rc
ds_delete(struct ds_admin *d, const char *dn, struct err *e)
{
	return ds_err(d, e, ldap_delete_ext_s(d->ld, dn, NULL, NULL), dn);
}

/* One list or both; a NULL list is left out. */
static int
schema_mod(struct ds_admin *d, char **types, char **classes)
{
	char t[] = "attributeTypes", c[] = "objectClasses";
	LDAPMod a = { .mod_op = LDAP_MOD_ADD, .mod_type = t };
	LDAPMod b = { .mod_op = LDAP_MOD_ADD, .mod_type = c };
	LDAPMod *mods[3] = { NULL };
	size_t n = 0;

	a.mod_values = types;
	b.mod_values = classes;
	if (types != NULL)
		mods[n++] = &a;
	if (classes != NULL)
		mods[n++] = &b;
	return ldap_modify_ext_s(d->ld, "cn=schema", mods, NULL, NULL);
}

/* Each by itself: some are there, some are not. */
static int
schema_each(struct ds_admin *d, char **list, bool types)
{
	int code = LDAP_SUCCESS;

	for (size_t i = 0; code == LDAP_SUCCESS && list[i] != NULL; i++) {
		char *one[] = { list[i], NULL };

		code =
		    types ? schema_mod(d, one, NULL) : schema_mod(d, NULL, one);
		if (code == LDAP_TYPE_OR_VALUE_EXISTS)
			code = LDAP_SUCCESS;
	}
	return code;
}

enum rc
ds_add_schema(struct ds_admin *d, char **types, char **classes, struct err *e)
{
	int code = schema_mod(d, types, classes);

	if (code == LDAP_TYPE_OR_VALUE_EXISTS &&
	    (code = schema_each(d, types, true)) == LDAP_SUCCESS)
		code = schema_each(d, classes, false);
	return ds_err(d, e, code, "cn=schema");
}

/* --- searches ------------------------------------------------------------ */

const char *
ds_value(const struct ds_entry *x, const char *attr, size_t i, struct buf *out)
{
	struct berval **v = ldap_get_values_len(x->impl[0], x->impl[1], attr);
	size_t n = v != NULL ? (size_t)ldap_count_values_len(v) : 0;
	bool found = i < n;

	buf_reset(out);
	if (found)
		buf_add(out, v[i]->bv_val, v[i]->bv_len);
	ldap_value_free_len(v);
	return found ? buf_cstr(out) : NULL;
}

enum rc
ds_search(struct ds_admin *d, const char *base, enum ds_scope scope,
    const char *filter, const char *const *attrs,
    bool (*fn)(void *arg, const struct ds_entry *x), void *arg, struct err *e)
{
	static const int scopes[] = { LDAP_SCOPE_BASE, LDAP_SCOPE_ONELEVEL,
		LDAP_SCOPE_SUBTREE };
	LDAPMessage *res = NULL;
	int code = ldap_search_ext_s(d->ld, base, scopes[scope],
	    filter != NULL ? filter : "(objectClass=*)",
	    (char **)(uintptr_t)attrs, 0, NULL, NULL, NULL, 0, &res);
	enum rc rc = ds_err(d, e, code, base[0] != '\0' ? base : "root entry");
	bool more = rc == RC_OK;

	for (LDAPMessage *m = more ? ldap_first_entry(d->ld, res) : NULL;
	     m != NULL && more; m = ldap_next_entry(d->ld, m)) {
		char *dn = ldap_get_dn(d->ld, m);
		struct ds_entry x = { dn, { d->ld, m } };

		if (dn != NULL)
			more = fn(arg, &x);
		ldap_memfree(dn);
	}
	ldap_msgfree(res);
	return rc;
}

struct get {
	struct buf *out;
	const char *attr;
};

static bool
take_first(void *arg, const struct ds_entry *x)
{
	struct get *g = arg;
	AUTO_BUF value = buf_empty(0);

	if (ds_value(x, g->attr, 0, &value) != NULL)
		buf_add_view(g->out, buf_view(&value));
	return false;
}

enum rc
ds_get(struct ds_admin *d, struct buf *out, const char *dn, const char *attr,
    struct err *e)
{
	const char *attrs[] = { attr, NULL };
	struct get g = { out, attr };

	return ds_search(d, dn, DS_BASE, NULL, attrs, take_first, &g, e);
}

enum rc
ds_exists(struct ds_admin *d, bool *out, const char *dn, struct err *e)
{
	AUTO_BUF none = buf_empty(0);
	enum rc rc = ds_get(d, &none, dn, "1.1", e);

	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	*out = rc == RC_OK;
	return RC_OK;
}

/* --- trees --------------------------------------------------------------- */

/* DNs of a page of entries without children, or of all; the list is ours. */
struct dns {
	char **dn;
	size_t n, cap;
	bool nomem;
};

static bool
take_dn(void *arg, const struct ds_entry *x)
{
	struct dns *l = arg;

	if (l->n == l->cap) {
		size_t cap = l->cap > 0 ? 2 * l->cap : TREE_PAGE;
		char **more = reallocarray(l->dn, cap, sizeof(char *));

		l->nomem = l->nomem || more == NULL;
		if (more == NULL)
			return false;
		l->dn = more;
		l->cap = cap;
	}
	if ((l->dn[l->n] = strdup(x->dn)) == NULL) {
		l->nomem = true;
		return false;
	}
	l->n++;
	return true;
}

static void
dns_done(struct dns *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->dn[i]);
	free(l->dn);
}

/* A parent's DN ends its children's, so longer ones go first. */
static int
by_length(const void *a, const void *b)
{
	size_t x = strlen(*(char *const *)a), y = strlen(*(char *const *)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

enum rc
ds_delete_tree(struct ds_admin *d, const char *dn, bool keep_top, struct err *e)
{
	static const char *const none[] = { "1.1", NULL };
	struct dns l = { NULL, 0, 0, false };
	enum rc rc;

	/* every entry is of class top, by an index; those that a search hides
	 * are found by their own */
	rc = ds_search(d, dn, DS_SUB,
	    "(|(objectClass=top)(objectClass=ldapsubentry))", none, take_dn, &l,
	    e);
	if (rc == RC_OK && l.nomem)
		rc = err_set(e, RC_NOMEM, "directory: %s: out of memory", dn);
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
	if (rc == RC_OK && l.n > 0)
		qsort(l.dn, l.n, sizeof(char *), by_length);
	for (size_t i = 0; rc == RC_OK && i < l.n; i++) {
		if (keep_top && ds_dn_same(l.dn[i], dn))
			continue;
		rc = ds_delete(d, l.dn[i], e);
		if (rc == RC_NOTFOUND)
			rc = RC_OK;
	}
	dns_done(&l);
	return rc;
}

/* --- tasks --------------------------------------------------------------- */

void
ds_pause(int ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	/* an early end only means one look more */
	(void)nanosleep(&t, NULL);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct task_state {
	struct buf exit, status;
};

static bool
take_task(void *arg, const struct ds_entry *x)
{
	struct task_state *t = arg;

	ds_value(x, "nsTaskExitCode", 0, &t->exit);
	ds_value(x, "nsTaskStatus", 0, &t->status);
	return false;
}

static enum rc
task_ended(const char *dn, struct task_state *t, struct err *e)
{
	if (strcmp(buf_cstr(&t->exit), "0") == 0)
		return RC_OK;
	return err_set(e, RC_INTERNAL, "directory: %s: exit code %s: %s", dn,
	    buf_cstr(&t->exit), buf_cstr(&t->status));
}

enum rc
ds_task(struct ds_admin *d, const char *dn, const struct ds_attr *attrs,
    int timeout_ms, void (*progress)(void *arg, const char *text), void *arg,
    struct err *e)
{
	static const char *const want[] = { "nsTaskExitCode", "nsTaskStatus",
		NULL };
	AUTO_BUF last = buf_empty(0);
	int64_t end = now_ms() + timeout_ms;
	enum rc rc = ds_add(d, dn, attrs, e);

	while (rc == RC_OK) {
		struct task_state t = { buf_empty(0), buf_empty(0) };

		rc = ds_search(d, dn, DS_BASE, NULL, want, take_task, &t, e);
		bool ended = t.exit.len > 0;
		if (rc == RC_OK && progress != NULL && t.status.len > 0 &&
		    strcmp(buf_cstr(&last), buf_cstr(&t.status)) != 0) {
			progress(arg, buf_cstr(&t.status));
			buf_reset(&last);
			buf_add_view(&last, buf_view(&t.status));
		}
		if (rc == RC_OK && ended)
			rc = task_ended(dn, &t, e);
		else if (rc == RC_OK && now_ms() > end)
			rc = err_set(e, RC_TIMEOUT,
			    "directory: %s: no end after %d s; it goes on by "
			    "itself: %s",
			    dn, timeout_ms / 1000, buf_cstr(&t.status));
		buf_done(&t.exit);
		buf_done(&t.status);
		if (rc == RC_OK && ended)
			return RC_OK;
		ds_pause(TASK_POLL_MS);
	}
	return rc;
}

/* --- names --------------------------------------------------------------- */

void
ds_add_rdn(struct buf *out, const char *value)
{
	size_t n = strlen(value);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)value[i];

		if (strchr(",+\"\\<>;=", c) != NULL || (i == 0 && c == '#') ||
		    (c == ' ' && (i == 0 || i == n - 1)))
			buf_addf(out, "\\%02X", c);
		else
			buf_add_char(out, (char)c);
	}
}

void
ds_add_filter(struct buf *out, const char *value)
{
	for (; *value != '\0'; value++) {
		if (strchr("*()\\", *value) != NULL)
			buf_addf(out, "\\%02x", (unsigned char)*value);
		else
			buf_add_char(out, *value);
	}
}

/* A DN in one spelling: lower case, RFC 4514 escapes, no blanks. */
static char *
dn_plain(const char *dn)
{
	LDAPDN parsed = NULL;
	char *text = NULL;

	if (ldap_str2dn(dn, &parsed, LDAP_DN_FORMAT_LDAP) != LDAP_SUCCESS)
		return NULL;
	if (ldap_dn2str(parsed, &text, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
		text = NULL;
	ldap_dnfree(parsed);
	for (char *c = text; c != NULL && *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return text;
}

bool
ds_dn_below(const char *dn, const char *base)
{
	char *a = dn_plain(dn), *b = dn_plain(base);
	size_t n = a != NULL ? strlen(a) : 0, m = b != NULL ? strlen(b) : 0;
	bool is = a != NULL && b != NULL && n >= m &&
	    strcmp(a + n - m, b) == 0 &&
	    (n == m || m == 0 || a[n - m - 1] == ',');

	ldap_memfree(a);
	ldap_memfree(b);
	return is;
}

bool
ds_dn_same(const char *a, const char *b)
{
	return ds_dn_below(a, b) && ds_dn_below(b, a);
}
