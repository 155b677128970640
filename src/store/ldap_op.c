/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_op.c - one change of a record as operations of LDAP.
 * Owns:    nothing beyond one operation.
 * Trusts:  the batch passed batch_check.
 * Threads: any, each with a connection of its own. */
#include "store/ldap_int.h"

enum {
	CLASSES_MAX = 16,
};
#define CONTROL_POST_READ "1.3.6.1.1.13.2"

/* LDAPMod lists whose values are borrowed. */
struct mods {
	LDAPMod **list; /* NULL-terminated */
	size_t n;
};

static void
mods_done(struct mods *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct berval **v = m->list[i]->mod_bvalues;

		for (size_t j = 0; v != NULL && v[j] != NULL; j++)
			free(v[j]);
		free(v);
		free(m->list[i]);
	}
	free(m->list);
}

/* Appends one LDAPMod over n borrowed values and perhaps one more. */
static bool
push_mod(struct mods *m, int op, const char *attr, const struct view *values,
    size_t n, struct view extra)
{
	LDAPMod **list =
	    reallocarray(m->list, m->n + 2, sizeof(struct ldapmod *));
	LDAPMod *mod = calloc(1, sizeof(*mod));
	struct berval **v = calloc(n + 2, sizeof(struct berval *));
	size_t at = 0;

	if (list != NULL)
		m->list = list;
	if (list == NULL || mod == NULL || v == NULL) {
		free(mod);
		free(v);
		return false;
	}
	mod->mod_op = op | LDAP_MOD_BVALUES;
	mod->mod_type = (char *)(uintptr_t)attr;
	mod->mod_bvalues = v;
	list[m->n++] = mod;
	list[m->n] = NULL;
	for (size_t i = 0; i < n + (extra.len > 0 ? 1 : 0); i++) {
		struct view x = i < n ? values[i] : extra;

		if ((v[at] = calloc(1, sizeof(struct berval))) == NULL)
			return false;
		v[at]->bv_val = (char *)(uintptr_t)x.data;
		v[at++]->bv_len = x.len;
	}
	return true;
}

/* --- control ------------------------------------------------------------ */

int
dir_control(LDAPControl **out, const char *oid, BerElement *ber, int printed)
{
	struct berval *value = NULL;
	int c = LDAP_ENCODING_ERROR;

	if (printed != -1 && ber_flatten(ber, &value) != -1)
		c = ldap_control_create(oid, 1, value, 1, out);
	ber_bvfree(value);
	ber_free(ber, 1);
	return c;
}

/* Asks for the entry as the operation leaves it. */
int
dir_post_read_control(LDAPControl **out)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	if (ber == NULL)
		return LDAP_NO_MEMORY;
	return dir_control(out, CONTROL_POST_READ, ber,
	    ber_printf(ber, "{v}", dir_read_attrs));
}

/* Waits for the answer of msgid; the record of a post-read into *out. */
static int
answer(struct ldap_be *be, LDAP *ld, int msgid, const struct change *c,
    struct rec **out)
{
	struct timeval tv = { be->timeout_ms / 1000,
		(be->timeout_ms % 1000) * 1000 };
	LDAPControl **ctrls = NULL, *found;
	LDAPMessage *res = NULL;
	int r = ldap_result(ld, msgid, LDAP_MSG_ALL, &tv, &res), code = 0;

	if (r == 0)
		return LDAP_TIMEOUT;
	if (r < 0) {
		ldap_get_option(ld, LDAP_OPT_RESULT_CODE, &code);
		return code != 0 ? code : LDAP_SERVER_DOWN;
	}
	r = ldap_parse_result(ld, res, &code, NULL, NULL, NULL, &ctrls, 1);
	if (r != LDAP_SUCCESS)
		return r;
	found = ldap_control_find(CONTROL_POST_READ, ctrls, NULL);
	if (code == LDAP_SUCCESS && found != NULL &&
	    dir_post_read(be, &found->ldctl_value, c->kind, c->id, out, NULL) !=
		RC_OK)
		code = LDAP_DECODING_ERROR;
	ldap_controls_free(ctrls);
	return code;
}

/* --- operations --------------------------------------------------------- */

/* The classes of the kind and what the record says beside them. */
static bool
class_values(struct mods *m, char *copy, const struct rec *r)
{
	const struct rec_attr *more = rec_attr(r, "objectClass");
	char *part[CLASSES_MAX];
	struct view v[CLASSES_MAX];
	size_t kinds = text_split(copy, " ", part, CLASSES_MAX / 2);
	size_t n = 0;

	v[n++] = view_str("top");
	for (size_t i = 0; i < kinds && i < CLASSES_MAX / 2; i++)
		v[n++] = view_str(part[i]);
	for (size_t i = 0; more != NULL && i < more->n; i++) {
		bool there = false;

		for (size_t j = 0; j < n; j++)
			there |= value_equal("cn", v[j], more->values[i]);
		if (!there && n < CLASSES_MAX)
			v[n++] = more->values[i];
	}
	return push_mod(m, LDAP_MOD_ADD, "objectClass", v, n, view_of(NULL, 0));
}

static int
do_add(struct ldap_be *be, LDAP *ld, const char *dn, const struct change *c,
    LDAPControl **ctrls, struct rec **out)
{
	const struct kind_info *info = kind_info(c->kind);
	struct mods m = { NULL, 0 };
	AUTO_STR classes = strdup(info->classes);
	AUTO_BUF rdn = buf_empty(0);
	bool ok = classes != NULL &&
	    dir_rdn_value(be, &rdn, c->kind, c->id, NULL) == RC_OK &&
	    class_values(&m, classes, c->rec);
	bool named = false;
	int code = LDAP_NO_MEMORY, msgid = 0;

	for (size_t i = 0; ok && i < c->rec->n; i++) {
		const struct rec_attr *a = &c->rec->attrs[i];
		bool naming = text_ieq(a->name, info->rdn);
		bool there = false;

		for (size_t j = 0; naming && j < a->n; j++)
			there |=
			    value_equal(a->name, a->values[j], buf_view(&rdn));
		named |= naming;
		ok = a->n == 0 || text_ieq(a->name, "objectClass") ||
		    push_mod(&m, LDAP_MOD_ADD, a->name, a->values, a->n,
			naming && !there ? buf_view(&rdn) : view_of(NULL, 0));
	}
	if (ok && !named)
		ok = push_mod(
		    &m, LDAP_MOD_ADD, info->rdn, NULL, 0, buf_view(&rdn));
	if (ok)
		code = ldap_add_ext(ld, dn, m.list, ctrls, NULL, &msgid);
	mods_done(&m);
	return code == LDAP_SUCCESS ? answer(be, ld, msgid, c, out) : code;
}

static int
mod_code(enum mod_op op)
{
	return op == MOD_ADD   ? LDAP_MOD_ADD
	    : op == MOD_DELETE ? LDAP_MOD_DELETE
			       : LDAP_MOD_REPLACE;
}

static bool
holds(const struct rec *now, const char *attr, struct view v)
{
	const struct rec_attr *a = now != NULL ? rec_attr(now, attr) : NULL;

	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (value_equal(attr, a->values[i], v))
			return true;
	return false;
}

/* Values to add that `now` holds already are left out: the directory refuses
 * them, this store does not. */
static bool
push_change(struct mods *m, const struct mod *mod, const struct rec *now)
{
	struct view *v = calloc(mod->n + 1, sizeof(*v));
	size_t n = 0;
	bool ok = true;

	for (size_t i = 0; v != NULL && i < mod->n; i++)
		if (mod->op != MOD_ADD ||
		    !holds(now, mod->attr, mod->values[i]))
			v[n++] = mod->values[i];
	if (v == NULL)
		return false;
	if (n > 0 || mod->op == MOD_REPLACE)
		ok = push_mod(
		    m, mod_code(mod->op), mod->attr, v, n, view_of(NULL, 0));
	free(v);
	return ok;
}

static int
modify_once(struct ldap_be *be, LDAP *ld, const char *dn,
    const struct change *c, const struct rec *now, LDAPControl **ctrls,
    struct rec **out)
{
	struct mods m = { NULL, 0 };
	int code = LDAP_SUCCESS, msgid = 0;
	bool ok = true;

	for (size_t i = 0; ok && i < c->n_mods; i++)
		ok = push_change(&m, &c->mods[i], now);
	if (!ok)
		code = LDAP_NO_MEMORY;
	else if (m.n > 0)
		code = ldap_modify_ext(ld, dn, m.list, ctrls, NULL, &msgid);
	if (m.n > 0 && code == LDAP_SUCCESS)
		code = answer(be, ld, msgid, c, out);
	mods_done(&m);
	return code;
}

static int
do_modify(struct ldap_be *be, LDAP *ld, const char *dn, const struct change *c,
    LDAPControl **ctrls, struct rec **out)
{
	int code = modify_once(be, ld, dn, c, NULL, ctrls, out);

	/* a value to add is there already: look, and leave it out */
	for (int i = 0;
	     code == LDAP_TYPE_OR_VALUE_EXISTS && i < LDAP_BE_RETRIES; i++) {
		AUTO(rec) now = NULL;

		if (dir_get(be, &now, c->kind, c->id, NULL) != RC_OK)
			return LDAP_NO_SUCH_OBJECT;
		code = modify_once(be, ld, dn, c, now, ctrls, out);
	}
	return code;
}

static int
do_delete(struct ldap_be *be, LDAP *ld, const char *dn, const struct change *c,
    bool *gone)
{
	int msgid = 0;
	int code = ldap_delete_ext(ld, dn, NULL, NULL, &msgid);

	if (code == LDAP_SUCCESS)
		code = answer(be, ld, msgid, c, NULL);
	*gone = code == LDAP_SUCCESS;
	return code == LDAP_NO_SUCH_OBJECT ? LDAP_SUCCESS : code;
}

/* The counter of a repository whose entry is there (every container of numbered
 * records is one) but holds no nextRange yet. */
static int
add_counter(struct ldap_be *be, LDAP *ld, const char *dn,
    const struct change *c, LDAPControl **ctrls, struct rec **out)
{
	struct mods m = { NULL, 0 };
	AUTO(rec) there = NULL;
	int code = LDAP_NO_MEMORY, msgid = 0;
	bool ok = true;

	if (dir_get(be, &there, c->kind, c->id, NULL) != RC_NOTFOUND)
		return LDAP_ALREADY_EXISTS;
	for (size_t i = 0; ok && i < c->rec->n; i++)
		ok = text_ieq(c->rec->attrs[i].name, "ou") ||
		    push_mod(&m, LDAP_MOD_REPLACE, c->rec->attrs[i].name,
			c->rec->attrs[i].values, c->rec->attrs[i].n,
			view_of(NULL, 0));
	if (ok)
		code = ldap_modify_ext(ld, dn, m.list, ctrls, NULL, &msgid);
	mods_done(&m);
	return code == LDAP_SUCCESS ? answer(be, ld, msgid, c, out) : code;
}

/* Leaves the repository: it holds other records. */
static int
delete_counter(struct ldap_be *be, LDAP *ld, const char *dn,
    const struct change *c, bool *gone)
{
	struct mods m = { NULL, 0 };
	int code = LDAP_NO_MEMORY, msgid = 0;

	if (push_mod(
		&m, LDAP_MOD_DELETE, "nextRange", NULL, 0, view_of(NULL, 0)))
		code = ldap_modify_ext(ld, dn, m.list, NULL, NULL, &msgid);
	mods_done(&m);
	if (code == LDAP_SUCCESS)
		code = answer(be, ld, msgid, c, NULL);
	*gone = code == LDAP_SUCCESS;
	return code == LDAP_NO_SUCH_OBJECT || code == LDAP_NO_SUCH_ATTRIBUTE
	    ? LDAP_SUCCESS
	    : code;
}

/* Containers are made on first use. */
static int
add_with_parents(struct ldap_be *be, LDAP *ld, const char *dn,
    const struct change *c, LDAPControl **ctrls, struct rec **out)
{
	int code = do_add(be, ld, dn, c, ctrls, out);

	if (code == LDAP_NO_SUCH_OBJECT &&
	    dir_add_parents(be, ld, dn, NULL) == RC_OK)
		code = do_add(be, ld, dn, c, ctrls, out);
	if (code == LDAP_ALREADY_EXISTS && c->kind == REC_COUNTER)
		code = add_counter(be, ld, dn, c, ctrls, out);
	return code;
}

static enum rc
change_err(const struct change *c, LDAP *ld, int code, struct err *e)
{
	const char *kind = rec_kind_text(c->kind);
	char *remark = NULL;

	if (code == LDAP_ALREADY_EXISTS)
		return err_set(
		    e, RC_EXISTS, "%s %.64s: already exists", kind, c->id);
	if (code == LDAP_NO_SUCH_OBJECT && c->op == CHANGE_MODIFY)
		return err_set(
		    e, RC_NOTFOUND, "%s %.64s: not found", kind, c->id);
	if (code == LDAP_NO_SUCH_OBJECT)
		return err_set(e, RC_UNAVAILABLE,
		    "%s %.64s: its container is missing in the directory", kind,
		    c->id);
	if (code == LDAP_NO_SUCH_ATTRIBUTE)
		return err_set(e, RC_CONFLICT,
		    "%s %.64s: a value to delete is no longer there", kind,
		    c->id);
	if (!dir_broken(code))
		ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &remark);
	dir_err(
	    e, code, remark != NULL && remark[0] != '\0' ? remark : "write");
	ldap_memfree(remark);
	return err_prefix(e, "%s %.64s", kind, c->id);
}

enum rc
dir_op(struct ldap_be *be, LDAP *ld, const struct change *c, LDAPControl *post,
    struct op_result *out, struct err *e)
{
	LDAPControl *ctrls[2] = { post, NULL };
	AUTO_BUF dn = buf_empty(LDAP_BE_DN_MAX);
	enum rc rc = dir_dn(be, &dn, c->kind, c->id, e);

	*out = (struct op_result){ .code = LDAP_SUCCESS };
	if (rc != RC_OK)
		return rc;
	switch (c->op) {
	case CHANGE_ADD:
		out->code = add_with_parents(
		    be, ld, buf_cstr(&dn), c, ctrls, &out->now);
		break;
	case CHANGE_MODIFY:
		out->code =
		    do_modify(be, ld, buf_cstr(&dn), c, ctrls, &out->now);
		break;
	case CHANGE_DELETE:
		out->code = c->kind == REC_COUNTER
		    ? delete_counter(be, ld, buf_cstr(&dn), c, &out->gone)
		    : do_delete(be, ld, buf_cstr(&dn), c, &out->gone);
		break;
	}
	return out->code == LDAP_SUCCESS ? RC_OK
					 : change_err(c, ld, out->code, e);
}
