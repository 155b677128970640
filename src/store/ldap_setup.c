/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_setup.c - what a directory needs before records can live in it: the
 * schema in one modification, the server's settings, the base entry and the
 * containers (spec directory 1.1, 2.2). All of it may be there already.
 * Owns:    one connection.
 * Trusts:  nothing from the network.
 * Threads: one. */
#include "base/text.h"
#include "store/ds_admin.h"
#include "store/kind.h"
#include "store/schema.h"

enum {
	SETUP_ATTRS = 4,
	SETUP_DN_MAX = 4096,
	/* a CRL of some millions of entries is one attribute */
	SETUP_BER_MAX = 209715200,
	/* keys of an index with more entries count as "all" and are scanned */
	SETUP_IDLIST_LIMIT = 100000000,
};

/* rdn and place below the base, classes, further attributes "name=value". */
struct container {
	const char *dn, *classes, *attrs[SETUP_ATTRS];
	const char *subsystem; /* NULL = all */
};

static const struct container containers[] = {
	{ "ou=people", "organizationalUnit", { NULL }, NULL },
	{ "ou=groups", "organizationalUnit", { NULL }, NULL },
	{ "ou=requests", "organizationalUnit", { NULL }, NULL },
	{ "cn=crossCerts", "person", { "objectClass=pkiCA", "sn=crossCerts" },
	    NULL },
	{ "ou=signet", "organizationalUnit", { NULL }, NULL },
	{ "ou=claims,ou=signet", "organizationalUnit", { NULL }, NULL },
	{ "ou=hosts,ou=signet", "organizationalUnit", { NULL }, NULL },
	{ "ou=settings,ou=signet", "organizationalUnit", { NULL }, NULL },
	{ "ou=ca", "organizationalUnit", { NULL }, "ca" },
	{ "ou=certificateRepository,ou=ca", "repository",
	    { "serialno=011", NULL }, "ca" },
	{ "ou=crlIssuingPoints,ou=ca", "repository", { "serialno=010", NULL },
	    "ca" },
	{ "ou=ca,ou=requests", "repository",
	    { "serialno=010", "publishingStatus=-2", NULL }, "ca" },
	{ "ou=certificateProfiles,ou=ca", "organizationalUnit", { NULL },
	    "ca" },
	{ "ou=authorities,ou=ca", "organizationalUnit", { NULL }, "ca" },
	{ "ou=kra", "organizationalUnit", { NULL }, "kra" },
	{ "ou=keyRepository,ou=kra", "repository", { "serialno=010", NULL },
	    "kra" },
	{ "ou=kra,ou=requests", "repository", { "serialno=010", NULL }, "kra" },
	{ "ou=replica", "repository",
	    { "serialno=010", "nextRange=1000", NULL }, NULL },
	{ "ou=ranges", "organizationalUnit", { NULL }, NULL },
	{ "ou=replica,ou=ranges", "organizationalUnit", { NULL }, NULL },
};

/* --- schema ------------------------------------------------------------- */

/* A NULL-terminated list of all definitions; NULL when memory is out. */
static char **
definitions(bool (*text)(struct buf *out, size_t i))
{
	size_t n = 0;
	char **list;

	for (;; n++) {
		AUTO_BUF b = buf_empty(0);

		if (!text(&b, n))
			break;
	}
	if ((list = calloc(n + 1, sizeof(char *))) == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		AUTO_BUF b = buf_empty(0);

		text(&b, i);
		list[i] = buf_steal_str(&b);
	}
	return list;
}

static void
list_free(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

static enum rc
load_schema(struct ds_admin *d, struct err *e)
{
	char **types = definitions(schema_attr_text);
	char **classes = definitions(schema_class_text);
	enum rc rc;

	if (types == NULL || classes == NULL)
		rc = err_set(e, RC_NOMEM, "schema: out of memory");
	else
		rc = ds_add_schema(d, types, classes, e);
	list_free(types);
	list_free(classes);
	return rc;
}

/* --- entries ------------------------------------------------------------ */

/* What is there already stays as it is. */
static enum rc
there_is_fine(enum rc rc)
{
	return rc == RC_EXISTS ? RC_OK : rc;
}

/* Adds the entry dn; its naming attribute is that of the first RDN. */
static enum rc
add_entry(struct ds_admin *d, const char *dn, const char *class,
    const char *const *attrs, struct err *e)
{
	AUTO_STR copy = strdup(dn);
	char *more[SETUP_ATTRS] = { NULL };
	struct ds_attr list[SETUP_ATTRS + 4] = { { "objectClass", "top", NULL },
		{ "objectClass", class, NULL } };
	char *equals = copy != NULL ? strchr(copy, '=') : NULL;
	size_t n = 2;
	enum rc rc;

	if (equals == NULL)
		return err_set(e, RC_INVALID, "directory: unusable DN");
	*equals++ = '\0';
	equals[strcspn(equals, ",")] = '\0';
	list[n++] = (struct ds_attr){ copy, equals, NULL };
	for (size_t i = 0; i < SETUP_ATTRS && attrs != NULL; i++) {
		char *value;

		if (attrs[i] == NULL || (more[i] = strdup(attrs[i])) == NULL ||
		    (value = strchr(more[i], '=')) == NULL)
			break;
		*value++ = '\0';
		list[n++] = (struct ds_attr){ more[i], value, NULL };
	}
	rc = there_is_fine(ds_add(d, dn, list, e));
	for (size_t i = 0; i < SETUP_ATTRS; i++)
		free(more[i]);
	return rc;
}

static enum rc
add_base(struct ds_admin *d, const char *base, struct err *e)
{
	const char *class = "domain";

	if (text_starts(base, "o=") || text_starts(base, "O="))
		class = "organization";
	else if (text_starts(base, "ou=") || text_starts(base, "OU="))
		class = "organizationalUnit";
	return add_entry(d, base, class, NULL, e);
}

static enum rc
add_containers(
    struct ds_admin *d, const char *base, const char *subsystem, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0;
	     rc == RC_OK && i < sizeof(containers) / sizeof(containers[0]);
	     i++) {
		const struct container *c = &containers[i];
		AUTO_BUF dn = buf_empty(SETUP_DN_MAX);

		if (c->subsystem != NULL &&
		    strcmp(c->subsystem, subsystem) != 0)
			continue;
		buf_addf(&dn, "%s,%s", c->dn, base);
		rc = add_entry(d, buf_cstr(&dn), c->classes, c->attrs, e);
	}
	return rc;
}

static const char *const domain_lists[] = { "CAList", "OCSPList", "KRAList",
	"RAList", "TKSList", "TPSList", "ESTList" };

/* The security domain, in the CA that hosts it (spec directory 2.12). */
static enum rc
add_domain(
    struct ds_admin *d, const char *base, const char *name, struct err *e)
{
	AUTO_BUF dn = buf_empty(SETUP_DN_MAX);
	AUTO_BUF attr = buf_empty(0);
	const char *attrs[SETUP_ATTRS] = { NULL };
	enum rc rc;

	buf_addf(&dn, "ou=Security Domain,%s", base);
	buf_addf(&attr, "name=%s", name);
	attrs[0] = buf_cstr(&attr);
	rc = add_entry(d, buf_cstr(&dn), "pkiSecurityDomain", attrs, e);
	for (size_t i = 0;
	     rc == RC_OK && i < sizeof(domain_lists) / sizeof(domain_lists[0]);
	     i++) {
		AUTO_BUF list = buf_empty(SETUP_DN_MAX);

		buf_addf(&list, "cn=%s,%s", domain_lists[i], buf_cstr(&dn));
		rc = add_entry(d, buf_cstr(&list), "pkiSecurityGroup", NULL, e);
	}
	return rc;
}

/* --- the server's settings ---------------------------------------------- */

/* Raises a limit; one that is higher, or none (-1), stays. */
static enum rc
raise_limit(struct ds_admin *d, const char *dn, const char *attr,
    int64_t wanted, struct err *e)
{
	AUTO_BUF now = buf_empty(0);
	char text[32];
	int64_t n = 0;
	enum rc rc = ds_get(d, &now, dn, attr, e);

	if (rc != RC_OK)
		return rc;
	if (text_int(&n, buf_cstr(&now), -1, INT64_MAX, NULL) == RC_OK &&
	    (n == -1 || n >= wanted))
		return RC_OK;
	snprintf(text, sizeof(text), "%lld", (long long)wanted);
	return ds_set(d, dn, MOD_REPLACE, attr, text, e);
}

static enum rc
server_settings(struct ds_admin *d, struct err *e)
{
	enum rc rc;

	if ((rc = raise_limit(d, "cn=config", "nsslapd-maxbersize",
		 SETUP_BER_MAX, e)) != RC_OK ||
	    (rc = raise_limit(d,
		 "cn=config,cn=ldbm database,cn=plugins,cn=config",
		 "nsslapd-idlistscanlimit", SETUP_IDLIST_LIMIT, e)) != RC_OK ||
	    (rc = ds_set(d, "cn=config", MOD_REPLACE,
		 "nsslapd-entryusn-import-initval", "next", e)) != RC_OK ||
	    (rc = ds_set(d, "cn=USN,cn=plugins,cn=config", MOD_REPLACE,
		 "nsslapd-pluginEnabled", "on", e)) != RC_OK)
		return rc;
	return add_entry(
	    d, "ou=csusers,cn=config", "organizationalUnit", NULL, e);
}

enum rc
store_setup_parts(struct ds_admin *d, const char *base, const char *subsystem,
    unsigned parts, struct err *e)
{
	enum rc rc = RC_OK;

	if ((parts & SETUP_CONFIG) != 0)
		rc = server_settings(d, e);
	if (rc == RC_OK && (parts & SETUP_SCHEMA) != 0)
		rc = load_schema(d, e);
	if (rc == RC_OK && (parts & SETUP_BASE) != 0)
		rc = add_base(d, base, e);
	if (rc == RC_OK && (parts & SETUP_CONTAINERS) != 0)
		rc = add_containers(d, base, subsystem, e);
	return rc;
}

enum rc
store_setup_ldap(const struct ldap_params *p, struct err *e)
{
	AUTO(ds_admin) d = NULL;
	enum rc rc = ds_admin_open(&d, p, e);

	if (rc != RC_OK)
		return rc;
	rc = store_setup_parts(d, p->base_dn,
	    p->subsystem != NULL ? p->subsystem : "ca", SETUP_ALL, e);
	if (rc == RC_OK && p->domain != NULL)
		rc = add_domain(d, p->base_dn, p->domain, e);
	return rc;
}
