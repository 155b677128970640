/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_setup.c - what a directory needs before records can live in it: the
 * schema in one modification, the USN plug-in, the base entry and the
 * containers (spec directory 1.1, 2.2). All of it may be there already.
 * Owns:    one connection.
 * Trusts:  nothing from the network.
 * Threads: one. */
#include "base/secret.h"
#include "store/ldap_int.h"
#include "store/schema.h"

/* rdn and place below the base, classes, further attributes "name=value". */
struct container {
	const char *dn, *classes, *attrs[4];
	const char *subsystem; /* NULL = all */
};

static const struct container containers[] = {
	{ "ou=people", "organizationalUnit", { NULL }, NULL },
	{ "ou=groups", "organizationalUnit", { NULL }, NULL },
	{ "ou=requests", "organizationalUnit", { NULL }, NULL },
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

static bool
benign(int code)
{
	return code == LDAP_SUCCESS || code == LDAP_ALREADY_EXISTS ||
	    code == LDAP_TYPE_OR_VALUE_EXISTS;
}

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
load_schema(LDAP *ld, struct err *e)
{
	char types[] = "attributeTypes", classes[] = "objectClasses";
	LDAPMod a = { .mod_op = LDAP_MOD_ADD, .mod_type = types };
	LDAPMod c = { .mod_op = LDAP_MOD_ADD, .mod_type = classes };
	LDAPMod *mods[] = { &a, &c, NULL };
	enum rc rc = RC_OK;
	int code;

	a.mod_values = definitions(schema_attr_text);
	c.mod_values = definitions(schema_class_text);
	if (a.mod_values == NULL || c.mod_values == NULL) {
		rc = err_set(e, RC_NOMEM, "schema: out of memory");
	} else {
		code = ldap_modify_ext_s(ld, "cn=schema", mods, NULL, NULL);
		if (!benign(code))
			rc = dir_err(e, code, "schema");
	}
	list_free(a.mod_values);
	list_free(c.mod_values);
	return rc;
}

/* --- entries ------------------------------------------------------------ */

struct entry {
	LDAPMod mod[8], *mods[9];
	char *values[8][4];
	size_t n;
};

static void
put(struct entry *x, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		if (strcmp(x->mod[i].mod_type, name) == 0)
			break;
	if (i == x->n) {
		x->mod[i] = (LDAPMod){ .mod_op = LDAP_MOD_ADD,
			.mod_type = (char *)(uintptr_t)name };
		x->mod[i].mod_values = x->values[i];
		x->mods[x->n++] = &x->mod[i];
	}
	for (size_t j = 0; j < 3; j++)
		if (x->values[i][j] == NULL) {
			x->values[i][j] = (char *)(uintptr_t)value;
			return;
		}
}

/* Adds the entry dn; its naming attribute is that of the first RDN. */
static enum rc
add_entry(LDAP *ld, const char *dn, const char *class, const char *const *attrs,
    struct err *e)
{
	AUTO_STR copy = strdup(dn);
	char *more[4] = { NULL };
	struct entry x = { .n = 0 };
	char *equals = copy != NULL ? strchr(copy, '=') : NULL;
	int code;

	if (equals == NULL)
		return err_set(e, RC_INVALID, "directory: unusable DN");
	*equals++ = '\0';
	equals[strcspn(equals, ",")] = '\0';
	put(&x, "objectClass", "top");
	put(&x, "objectClass", class);
	put(&x, copy, equals);
	for (size_t i = 0; attrs != NULL && i < 4 && attrs[i] != NULL; i++) {
		char *value;

		if ((more[i] = strdup(attrs[i])) == NULL ||
		    (value = strchr(more[i], '=')) == NULL)
			continue;
		*value++ = '\0';
		put(&x, more[i], value);
	}
	code = ldap_add_ext_s(ld, dn, x.mods, NULL, NULL);
	for (size_t i = 0; i < 4; i++)
		free(more[i]);
	return benign(code) ? RC_OK : dir_err(e, code, dn);
}

static enum rc
add_base(LDAP *ld, const char *base, struct err *e)
{
	const char *class = "domain";

	if (text_starts(base, "o=") || text_starts(base, "O="))
		class = "organization";
	else if (text_starts(base, "ou=") || text_starts(base, "OU="))
		class = "organizationalUnit";
	return add_entry(ld, base, class, NULL, e);
}

static enum rc
add_containers(LDAP *ld, const char *base, const char *subsystem, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0;
	     rc == RC_OK && i < sizeof(containers) / sizeof(containers[0]);
	     i++) {
		const struct container *c = &containers[i];
		AUTO_BUF dn = buf_empty(LDAP_BE_DN_MAX);

		if (c->subsystem != NULL &&
		    strcmp(c->subsystem, subsystem) != 0)
			continue;
		buf_addf(&dn, "%s,%s", c->dn, base);
		rc = add_entry(ld, buf_cstr(&dn), c->classes, c->attrs, e);
	}
	return rc;
}

static enum rc
set_config(LDAP *ld, const char *dn, const char *attr, const char *value,
    struct err *e)
{
	char *values[] = { (char *)(uintptr_t)value, NULL };
	LDAPMod m = { .mod_op = LDAP_MOD_REPLACE,
		.mod_type = (char *)(uintptr_t)attr };
	LDAPMod *mods[] = { &m, NULL };
	int code;

	m.mod_values = values;
	code = ldap_modify_ext_s(ld, dn, mods, NULL, NULL);
	return benign(code) ? RC_OK : dir_err(e, code, dn);
}

static enum rc
server_settings(LDAP *ld, struct err *e)
{
	enum rc rc;

	if ((rc = set_config(ld, "cn=config", "nsslapd-maxbersize", "209715200",
		 e)) != RC_OK ||
	    (rc = set_config(ld, "cn=config", "nsslapd-entryusn-import-initval",
		 "next", e)) != RC_OK)
		return rc;
	return set_config(ld, "cn=USN,cn=plugins,cn=config",
	    "nsslapd-pluginEnabled", "on", e);
}

/* The little of a back-end that ldap_conn.c needs. */
static struct ldap_be *
connector(const struct ldap_params *p)
{
	struct ldap_be *be = calloc(1, sizeof(*be));

	if (be == NULL)
		return NULL;
	be->url = (char *)(uintptr_t)p->url;
	be->ca_file = (char *)(uintptr_t)p->ca_file;
	be->bind_dn = (char *)(uintptr_t)p->bind_dn;
	be->starttls = p->starttls;
	be->timeout_ms = p->timeout_ms > 0 ? p->timeout_ms : LDAP_BE_TIMEOUT_MS;
	if (p->password != NULL)
		be->password = secret_new(secret_view(p->password));
	return be;
}

enum rc
store_setup_ldap(const struct ldap_params *p, struct err *e)
{
	struct ldap_be *be = connector(p);
	LDAP *ld = NULL;
	enum rc rc;

	if (be == NULL || (p->password != NULL && be->password == NULL)) {
		free(be);
		return err_set(e, RC_NOMEM, "directory: out of memory");
	}
	rc = dir_connect(be, &ld, e);
	secret_free(be->password);
	free(be);
	if (rc != RC_OK)
		return rc;
	if ((rc = server_settings(ld, e)) == RC_OK &&
	    (rc = load_schema(ld, e)) == RC_OK &&
	    (rc = add_base(ld, p->base_dn, e)) == RC_OK)
		rc = add_containers(ld, p->base_dn,
		    p->subsystem != NULL ? p->subsystem : "ca", e);
	ldap_unbind_ext_s(ld, NULL, NULL);
	return rc;
}
