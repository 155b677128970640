/* SPDX-License-Identifier: Apache-2.0 */
/* directory_db.c - back ends and their mapping in a directory server.
 * Owns:    nothing.
 * Trusts:  the directory's answers about its own configuration.
 * Threads: one. */
#include "deploy/directory.h"

#include "base/text.h"

static const char mapping_tree[] = "cn=mapping tree,cn=config";

void
directory_backend_dn(struct buf *out, const char *database)
{
	buf_add_str(out, "cn=");
	ds_add_rdn(out, database);
	buf_add_str(out, ",cn=ldbm database,cn=plugins,cn=config");
}

void
directory_mapping_dn(struct buf *out, const char *suffix)
{
	buf_add_str(out, "cn=");
	ds_add_rdn(out, suffix);
	buf_addf(out, ",%s", mapping_tree);
}

/* --- who holds a name -------------------------------------------------------- */

struct holder {
	const char *dn;
	bool above; /* only suffixes above dn, not dn itself */
	struct buf *backend, *suffix;
};

/* Keeps the longest suffix that dn is below. */
static bool
see_mapping(void *arg, const struct ds_entry *x)
{
	struct holder *h = arg;
	AUTO_BUF cn = buf_empty(0);

	if (ds_value(x, "cn", 0, &cn) == NULL || cn.len == 0)
		return true;
	/* some servers keep the quotes of the name */
	char *suffix = (char *)cn.data;
	size_t n = strlen(suffix);
	if (n > 1 && suffix[0] == '"' && suffix[n - 1] == '"') {
		suffix[n - 1] = '\0';
		suffix++;
	}
	if (!ds_dn_below(h->dn, suffix) ||
	    (h->above && ds_dn_same(h->dn, suffix)) ||
	    strlen(suffix) <= h->suffix->len)
		return true;
	buf_reset(h->suffix);
	buf_add_str(h->suffix, suffix);
	ds_value(x, "nsslapd-backend", 0, h->backend);
	return true;
}

static enum rc
find_holder(struct ds_admin *d, struct holder *h, struct err *e)
{
	static const char *const attrs[] = { "cn", "nsslapd-backend", NULL };

	return ds_search(d, mapping_tree, DS_SUB, "(objectClass=nsMappingTree)",
	    attrs, see_mapping, h, e);
}

enum rc
directory_holder(struct ds_admin *d, struct buf *backend, struct buf *suffix,
    const char *dn, struct err *e)
{
	struct holder h = { dn, false, backend, suffix };

	return find_holder(d, &h, e);
}

/* --- making ------------------------------------------------------------------ */

/* The suffix that an existing back end holds; RC_CONFLICT when another. */
static enum rc
check_owner(
    struct ds_admin *d, const struct dbconf *c, const char *dn, struct err *e)
{
	AUTO_BUF suffix = buf_empty(0);
	enum rc rc = ds_get(d, &suffix, dn, "nsslapd-suffix", e);

	if (rc != RC_OK)
		return rc;
	if (suffix.len > 0 && !ds_dn_same(buf_cstr(&suffix), c->base_dn))
		return err_set(e, RC_CONFLICT, "Database %s is owned by %s",
		    c->database, buf_cstr(&suffix));
	return RC_OK;
}

static enum rc
add_backend(struct ds_admin *d, const struct dbconf *c, struct err *e)
{
	AUTO_BUF dn = buf_empty(0);
	const struct ds_attr attrs[] = { { "objectClass", "top", NULL },
		{ "objectClass", "extensibleObject", NULL },
		{ "objectClass", "nsBackendInstance", NULL },
		{ "cn", c->database, NULL },
		{ "nsslapd-suffix", c->base_dn, NULL }, { NULL, NULL, NULL } };
	enum rc rc;

	directory_backend_dn(&dn, c->database);
	rc = ds_add(d, buf_cstr(&dn), attrs, e);
	return rc == RC_EXISTS ? check_owner(d, c, buf_cstr(&dn), e) : rc;
}

static enum rc
add_mapping(struct ds_admin *d, const struct dbconf *c, struct err *e)
{
	AUTO_BUF dn = buf_empty(0), backend = buf_empty(0);
	AUTO_BUF parent = buf_empty(0);
	struct holder h = { c->base_dn, true, &backend, &parent };
	enum rc rc = find_holder(d, &h, e);

	if (rc != RC_OK)
		return rc;
	const struct ds_attr attrs[] = { { "objectClass", "top", NULL },
		{ "objectClass", "extensibleObject", NULL },
		{ "objectClass", "nsMappingTree", NULL },
		{ "cn", c->base_dn, NULL },
		{ "nsslapd-state", "backend", NULL },
		{ "nsslapd-backend", c->database, NULL },
		{ parent.len > 0 ? "nsslapd-parent-suffix" : NULL,
		    buf_cstr(&parent), NULL },
		{ NULL, NULL, NULL } };

	directory_mapping_dn(&dn, c->base_dn);
	rc = ds_add(d, buf_cstr(&dn), attrs, e);
	if (rc != RC_EXISTS)
		return rc;
	buf_reset(&backend);
	rc = ds_get(d, &backend, buf_cstr(&dn), "nsslapd-backend", e);
	if (rc == RC_OK && !text_ieq(buf_cstr(&backend), c->database))
		return err_set(e, RC_CONFLICT,
		    "Base DN %s is in database %s already: name that one, or "
		    "remove it first",
		    c->base_dn, buf_cstr(&backend));
	return rc;
}

enum rc
directory_create_db(struct ds_admin *d, const struct dbconf *c, struct err *e)
{
	enum rc rc = add_backend(d, c, e);

	return rc == RC_OK ? add_mapping(d, c, e) : rc;
}

/* --- removing ---------------------------------------------------------------- */

enum rc
directory_remove_db(struct ds_admin *d, const struct dbconf *c, struct err *e)
{
	AUTO_BUF backend = buf_empty(0), mapping = buf_empty(0);
	AUTO_BUF held_by = buf_empty(0);
	enum rc rc;

	directory_backend_dn(&backend, c->database);
	directory_mapping_dn(&mapping, c->base_dn);
	rc = check_owner(d, c, buf_cstr(&backend), e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	rc = ds_get(d, &held_by, buf_cstr(&mapping), "nsslapd-backend", e);
	if (rc == RC_OK && !text_ieq(buf_cstr(&held_by), c->database))
		return err_set(e, RC_CONFLICT,
		    "Base DN %s is in database %s, not %s", c->base_dn,
		    buf_cstr(&held_by), c->database);
	if ((rc = ds_delete_tree(d, buf_cstr(&mapping), false, e)) != RC_OK)
		return rc;
	return ds_delete_tree(d, buf_cstr(&backend), false, e);
}

static bool
see_one(void *arg, const struct ds_entry *x)
{
	bool *seen = arg;

	(void)x;
	*seen = true;
	return false;
}

enum rc
directory_empty_db(struct ds_admin *d, const struct dbconf *c, struct err *e)
{
	static const char *const none[] = { "1.1", NULL };
	AUTO_BUF backend = buf_empty(0), suffix = buf_empty(0);
	AUTO_BUF mapping = buf_empty(0);
	bool replicated = false;
	enum rc rc = directory_holder(d, &backend, &suffix, c->base_dn, e);

	if (rc != RC_OK)
		return rc;
	if (suffix.len == 0)
		return RC_OK;
	directory_mapping_dn(&mapping, buf_cstr(&suffix));
	rc = ds_search(d, buf_cstr(&mapping), DS_SUB,
	    "(objectClass=nsDS5ReplicationAgreement)", none, see_one,
	    &replicated, e);
	if (rc != RC_OK)
		return rc;
	if (replicated)
		return err_set(e, RC_CONFLICT,
		    "%s has replication agreements: emptying it would empty "
		    "the other servers too; remove the agreements first",
		    buf_cstr(&suffix));
	return ds_delete_tree(d, c->base_dn, false, e);
}
