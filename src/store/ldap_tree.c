/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_tree.c - containers: plain entries that hold the records.
 * Owns:    nothing.
 * Trusts:  its callers' DNs.
 * Threads: any. */
#include "store/ldap_int.h"

static char object_class[] = "objectClass", top[] = "top";
static char text_attr[] = "description";

/* Adds "top", class and the naming attribute, and perhaps one attribute more;
 * an entry that is there already is left alone. */
static enum rc
add_entry(LDAP *ld, const char *dn, const char *class,
    const struct ldap_ava *name, const char *more, const char *value,
    struct err *e)
{
	char *classes[] = { top, (char *)(uintptr_t) class, NULL };
	char *named[] = { name->la_value.bv_val, NULL };
	char *extra[] = { (char *)(uintptr_t)value, NULL };
	LDAPMod mod[] = {
		{ .mod_op = LDAP_MOD_ADD,
		    .mod_type = object_class,
		    .mod_values = classes },
		{ .mod_op = LDAP_MOD_ADD,
		    .mod_type = name->la_attr.bv_val,
		    .mod_values = named },
		{ .mod_op = LDAP_MOD_ADD,
		    .mod_type = (char *)(uintptr_t)more,
		    .mod_values = extra },
	};
	LDAPMod *mods[] = { &mod[0], &mod[1], more != NULL ? &mod[2] : NULL,
		NULL };
	int code = ldap_add_ext_s(ld, dn, mods, NULL, NULL);

	return code == LDAP_ALREADY_EXISTS ? RC_OK : dir_err(e, code, dn);
}

/* What a container made on first use is, told by its name. */
static enum rc
add_container(struct ldap_be *be, LDAP *ld, LDAPDN dn, struct err *e)
{
	const struct ldap_ava *name = dn[0][0];
	const char *class = "organizationalUnit", *more = NULL, *value = NULL;
	char *text = NULL;
	enum rc rc;

	if (ldap_dn2str(dn, &text, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
		return err_set(e, RC_NOMEM, "directory: out of memory");
	if (text_ieq(name->la_attr.bv_val, "cn"))
		class = "pkiSecurityGroup";
	else if (text_ieq(name->la_value.bv_val, "Security Domain")) {
		class = "pkiSecurityDomain";
		more = "name";
		value = be->domain != NULL ? be->domain : "Security Domain";
	} else if (dn[1] != NULL &&
	    text_ieq(dn[1][0]->la_value.bv_val, "ranges_v2"))
		class = "repository";
	rc = add_entry(ld, text, class, name, more, value, e);
	ldap_memfree(text);
	return rc;
}

enum rc
dir_add_parents(struct ldap_be *be, LDAP *ld, const char *dn, struct err *e)
{
	LDAPDN parsed = NULL;
	enum rc rc = RC_OK;
	size_t n = 0;

	if (ldap_str2dn(dn, &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
		return err_set(e, RC_INVALID, "directory: unusable DN");
	while (parsed != NULL && parsed[n] != NULL)
		n++;
	n = n > be->base_rdns ? n - be->base_rdns : 0;
	for (size_t i = n; rc == RC_OK && i-- > 1;)
		rc = add_container(be, ld, parsed + i, e);
	ldap_dnfree(parsed);
	return rc;
}

enum rc
dir_put_device(
    struct ldap_be *be, const char *dn, const char *description, struct err *e)
{
	char *values[] = { (char *)(uintptr_t)description, NULL };
	LDAPMod mod = { .mod_op = LDAP_MOD_REPLACE, .mod_type = text_attr };
	LDAPMod *mods[] = { &mod, NULL };
	LDAPDN parsed = NULL;
	LDAP *ld = NULL;
	enum rc rc = dir_take(be, &ld, e);
	int code;

	if (rc != RC_OK)
		return rc;
	mod.mod_values = values;
	code = ldap_modify_ext_s(ld, dn, mods, NULL, NULL);
	if (code == LDAP_NO_SUCH_OBJECT &&
	    ldap_str2dn(dn, &parsed, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS) {
		if ((rc = dir_add_parents(be, ld, dn, e)) == RC_OK)
			rc = add_entry(ld, dn, "device", parsed[0][0],
			    text_attr, description, e);
		code = LDAP_SUCCESS;
	}
	ldap_dnfree(parsed);
	dir_give(be, ld, code);
	return code == LDAP_SUCCESS ? rc : dir_err(e, code, dn);
}
