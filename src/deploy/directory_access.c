/* SPDX-License-Identifier: Apache-2.0 */
/* directory_access.c - the database user and its rights (spec directory 2.4).
 * Owns:    nothing.
 * Trusts:  checked parameters.
 * Threads: one. */
#include "deploy/directory.h"

#include "auth/user.h"
#include "x509/cert.h"
#include "x509/name.h"

/* One right: where ("" = the mapping of the suffix, NULL = the base), on what,
 * to do what. */
struct grant {
	const char *where, *target, *rights;
};

static const struct grant grants[] = {
	{ NULL, "(targetattr=\"*\")", "all" },
	/* definitions of virtual lists: a search that uses one needs it */
	{ "cn=ldbm database,cn=plugins,cn=config", "(targetattr=\"*\")",
	    "read" },
	{ "cn=config", "(targetattr!=\"aci\")", "read, search, compare" },
	{ "ou=csusers,cn=config", "(targetattr=\"*\")", "all" },
	{ "",
	    "(targetattr=\"*\")(targetfilter=\"(|"
	    "(objectClass=nsDS5Replica)"
	    "(objectClass=nsDS5ReplicationAgreement)"
	    "(objectClass=nsMappingTree))\")",
	    "read, write, search, add, delete" },
	{ "cn=tasks,cn=config", "(targetattr=\"*\")", "add" },
};

/* What tells one user's rights from another's is the DN in them. */
static void
grant_text(struct buf *out, const struct grant *g, const char *dn)
{
	buf_addf(out,
	    "%s(version 3.0; acl \"signet database user\"; allow (%s) "
	    "userdn=\"ldap:///%s\";)",
	    g->target, g->rights, dn);
}

static enum rc
change_grants(struct ds_admin *d, const struct dbconf *c, const char *dn,
    enum mod_op op, struct err *e)
{
	AUTO_BUF mapping = buf_empty(0), backend = buf_empty(0);
	AUTO_BUF suffix = buf_empty(0);
	enum rc rc = directory_holder(d, &backend, &suffix, c->base_dn, e);

	if (rc != RC_OK)
		return rc;
	if (strpbrk(dn, "\"\r\n") != NULL)
		return err_set(e, RC_INVALID, "%s: not a DN of a user", dn);
	directory_mapping_dn(
	    &mapping, suffix.len > 0 ? buf_cstr(&suffix) : c->base_dn);
	for (size_t i = 0;
	     rc == RC_OK && i < sizeof(grants) / sizeof(grants[0]); i++) {
		const struct grant *g = &grants[i];
		AUTO_BUF text = buf_empty(0);
		const char *where = g->where == NULL ? c->base_dn
		    : g->where[0] == '\0'            ? buf_cstr(&mapping)
						     : g->where;

		grant_text(&text, g, dn);
		rc = ds_set(d, where, op, "aci", buf_cstr(&text), e);
		/* nothing to take from what is gone */
		if (rc == RC_NOTFOUND && op == MOD_DELETE)
			rc = RC_OK;
	}
	return rc;
}

enum rc
directory_grant(
    struct ds_admin *d, const struct dbconf *c, const char *dn, struct err *e)
{
	return change_grants(d, c, dn, MOD_ADD, e);
}

enum rc
directory_revoke(
    struct ds_admin *d, const struct dbconf *c, const char *dn, struct err *e)
{
	return change_grants(d, c, dn, MOD_DELETE, e);
}

/* --- the user -------------------------------------------------------------- */

struct others {
	struct ds_admin *d;
	const char *dn, *subject;
	enum rc rc;
	struct err *e;
};

static bool
drop_see_also(void *arg, const struct ds_entry *x)
{
	struct others *o = arg;

	if (!ds_dn_same(x->dn, o->dn))
		o->rc = ds_set(
		    o->d, x->dn, MOD_DELETE, "seeAlso", o->subject, o->e);
	return o->rc == RC_OK;
}

/* The certificate's subject leads to this user and to no other. */
static enum rc
set_see_also(struct ds_admin *d, const struct dbconf *c, const char *dn,
    const char *subject, struct err *e)
{
	static const char *const none[] = { "1.1", NULL };
	AUTO_BUF people = buf_empty(0), filter = buf_empty(0);
	struct others o = { d, dn, subject, RC_OK, e };
	enum rc rc;

	buf_addf(&people, "ou=people,%s", c->base_dn);
	buf_add_str(&filter, "(seeAlso=");
	ds_add_filter(&filter, subject);
	buf_add_char(&filter, ')');
	rc = ds_search(d, buf_cstr(&people), DS_ONE, buf_cstr(&filter), none,
	    drop_see_also, &o, e);
	if (rc != RC_OK || (rc = o.rc) != RC_OK)
		return rc;
	return ds_set(d, dn, MOD_REPLACE, "seeAlso", subject, e);
}

/* A search of a database user must not end at the limits of ordinary ones. */
static enum rc
lift_limits(struct ds_admin *d, const char *dn, struct err *e)
{
	static const char *const limits[] = { "nsSizeLimit",
		"nsLookThroughLimit", "nsPagedSizeLimit", "nsTimeLimit",
		"nsIdleTimeout" };
	enum rc rc = RC_OK;

	for (size_t i = 0;
	     rc == RC_OK && i < sizeof(limits) / sizeof(limits[0]); i++)
		rc = ds_set(d, dn, MOD_REPLACE, limits[i], "-1", e);
	return rc;
}

enum rc
directory_add_user(struct store *s, struct ds_admin *d, const struct dbconf *c,
    const char *dn, struct view der, struct err *e)
{
	static const char *const groups[] = { "Subsystem Group",
		"Certificate Manager Agents" };
	char *uid = group_member_uid(dn);
	struct user u = {
		.uid = uid, .full_name = uid, .type = "agentType", .state = "1"
	};
	AUTO_BUF subject = buf_empty(0);
	struct cert cert;
	enum rc rc;

	if (uid == NULL)
		return err_set(e, RC_INVALID,
		    "pki_share_dbuser_dn: %s: not uid=..., below ou=people",
		    dn);
	if ((rc = cert_parse(&cert, der, e)) == RC_OK &&
	    (rc = name_text(&subject, cert.subject, e)) == RC_OK &&
	    (rc = user_add(s, &u, e)) == RC_EXISTS)
		rc = RC_OK;
	if (rc == RC_OK)
		rc = user_add_cert(s, uid, der, e);
	for (size_t i = 0;
	     rc == RC_OK && i < sizeof(groups) / sizeof(groups[0]); i++)
		rc = group_add_member(s, groups[i], uid, e);
	free(uid);
	if (rc != RC_OK || (rc = lift_limits(d, dn, e)) != RC_OK)
		return rc;
	return set_see_also(d, c, dn, buf_cstr(&subject), e);
}
