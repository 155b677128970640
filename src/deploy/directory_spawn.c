/* SPDX-License-Identifier: Apache-2.0 */
/* directory_spawn.c - what the pki_ds_* parameters say, checked and carried out
 * (spec deployment 2.3, 2.5, 3.6).
 * Owns:    nothing.
 * Trusts:  values that values_check has accepted; nothing from the network.
 * Threads: one. */
#include "deploy/directory.h"

#include <ldap.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"

/* --- parameters --------------------------------------------------------------- */

bool
directory_wanted(struct values *v)
{
	return values_str(v, "pki_ds_url")[0] != '\0' ||
	    values_str(v, "pki_ds_hostname")[0] != '\0';
}

static bool
copy(char **out, const char *s)
{
	return (*out = strdup(s)) != NULL;
}

/* The older four parameters. */
static enum rc
read_hostname(struct dbconf *c, struct values *v, struct err *e)
{
	enum rc rc;

	c->secure = values_bool(v, "pki_ds_secure_connection");
	rc = text_int(&c->port,
	    values_str(v, c->secure ? "pki_ds_ldaps_port" : "pki_ds_ldap_port"),
	    1, 65535, e);
	if (rc != RC_OK)
		return err_prefix(e, "%s",
		    c->secure ? "pki_ds_ldaps_port" : "pki_ds_ldap_port");
	return copy(&c->host, values_str(v, "pki_ds_hostname"))
	    ? RC_OK
	    : err_set(e, RC_NOMEM, "directory");
}

enum rc
directory_parse_url(
    struct dbconf *c, const char *url, const char *what, struct err *e)
{
	LDAPURLDesc *parts = NULL;
	bool ok;

	if (ldap_url_parse(url, &parts) != LDAP_URL_SUCCESS ||
	    parts->lud_host == NULL || parts->lud_host[0] == '\0' ||
	    (!text_ieq(parts->lud_scheme, "ldap") &&
		!text_ieq(parts->lud_scheme, "ldaps"))) {
		ldap_free_urldesc(parts);
		return err_set(e, RC_INVALID,
		    "%s: %.128s: not ldap://host:port or ldaps://host:port",
		    what, url);
	}
	free(c->host);
	c->secure = text_ieq(parts->lud_scheme, "ldaps");
	c->port = parts->lud_port;
	ok = copy(&c->host, parts->lud_host);
	ldap_free_urldesc(parts);
	return ok ? dbconf_make_url(c, e) : err_set(e, RC_NOMEM, "directory");
}

static enum rc
read_url(struct dbconf *c, struct values *v, struct err *e)
{
	const char *url = values_str(v, "pki_ds_url");

	if (url[0] == '\0')
		return read_hostname(c, v, e);
	if (strstr(url, "://") != NULL)
		return directory_parse_url(c, url, "pki_ds_url", e);
	/* without a scheme it is a host name, as an older parameter gave it */
	c->port = DBCONF_PORT;
	return copy(&c->host, url) ? RC_OK : err_set(e, RC_NOMEM, "directory");
}

static enum rc
required(struct values *v, const char *name, struct err *e)
{
	if (values_str(v, name)[0] != '\0')
		return RC_OK;
	return err_set(e, RC_INVALID,
	    "A value for '%s' MUST be defined in '%s'", name, values_file(v));
}

/* Until there is an NSS database the issuer's own file serves. */
static enum rc
read_issuer(struct dbconf *c, struct values *v,
    const struct instance_paths *paths, struct err *e)
{
	const char *pem = values_str(v, "pki_ds_secure_connection_ca_pem_file");

	if (!c->secure)
		return RC_OK;
	if (pem[0] != '\0' && !file_exists(pem))
		return err_set(e, RC_NOTFOUND,
		    "pki_ds_secure_connection_ca_pem_file: %.128s: no such "
		    "file",
		    pem);
	/* else the database of the instance trusts the issuer already */
	c->ca_file = pem[0] != '\0' ? strdup(pem) : dbconf_trust_path(paths);
	if (c->ca_file == NULL)
		return err_set(e, RC_NOMEM, "directory");
	if (pem[0] == '\0' && !file_exists(paths->alias))
		return required(v, "pki_ds_secure_connection_ca_pem_file", e);
	return RC_OK;
}

enum rc
directory_from_values(struct dbconf **out, struct values *v,
    const struct instance_paths *paths, const char *sub, struct err *e)
{
	AUTO(dbconf) c = calloc(1, sizeof(*c));
	AUTO_BUF spool = buf_empty(4096);
	enum rc rc;

	if (c == NULL)
		return err_set(e, RC_NOMEM, "directory");
	if ((rc = read_url(c, v, e)) != RC_OK ||
	    (rc = required(v, "pki_ds_password", e)) != RC_OK ||
	    (rc = required(v, "pki_ds_base_dn", e)) != RC_OK ||
	    (rc = required(v, "pki_ds_database", e)) != RC_OK)
		return rc;
	buf_addf(&spool, "%s/%s-spool", paths->host, sub);
	c->max_conns = DBCONF_CONNECTIONS;
	c->spool = buf_steal_str(&spool);
	c->password = secret_new(view_str(values_str(v, "pki_ds_password")));
	if (c->spool == NULL || c->password == NULL ||
	    !copy(&c->subsystem, sub) ||
	    !copy(&c->bind_dn, values_str(v, "pki_ds_bind_dn")) ||
	    !copy(&c->base_dn, values_str(v, "pki_ds_base_dn")) ||
	    !copy(&c->database, values_str(v, "pki_ds_database")))
		return err_set(e, RC_NOMEM, "directory");
	if ((rc = dbconf_make_url(c, e)) != RC_OK ||
	    (rc = read_issuer(c, v, paths, e)) != RC_OK)
		return rc;
	*out = dbconf_steal(&c);
	return RC_OK;
}

/* --- checks ------------------------------------------------------------------- */

static enum rc
admin(struct ds_admin **out, const struct dbconf *c, struct err *e)
{
	struct ldap_params p = dbconf_params(c, &clock_system);

	return ds_admin_open(out, &p, e);
}

/* The entry above the base must be there when the base is no suffix itself. */
static enum rc
check_parent(struct ds_admin *d, const struct dbconf *c, struct err *e)
{
	AUTO_BUF backend = buf_empty(0), suffix = buf_empty(0);
	const char *parent = strchr(c->base_dn, ',');
	bool there;
	enum rc rc = directory_holder(d, &backend, &suffix, c->base_dn, e);

	if (rc != RC_OK)
		return rc;
	if (suffix.len == 0)
		return err_set(e, RC_NOTFOUND,
		    "pki_ds_base_dn: no database holds %s: set "
		    "pki_ds_create_new_db=True or name a DN below a suffix",
		    c->base_dn);
	if (parent == NULL || ds_dn_same(buf_cstr(&suffix), c->base_dn))
		return RC_OK;
	if ((rc = ds_exists(d, &there, parent + 1, e)) != RC_OK)
		return rc;
	return there ? RC_OK
		     : err_set(e, RC_NOTFOUND,
			   "pki_ds_base_dn: the entry above, %s, does not "
			   "exist: add it first",
			   parent + 1);
}

/* Another suffix in the way of a new back end? */
static enum rc
check_database(struct ds_admin *d, const struct dbconf *c, struct err *e)
{
	AUTO_BUF backend = buf_empty(0), suffix = buf_empty(0);
	AUTO_BUF dn = buf_empty(0), owner = buf_empty(0);
	enum rc rc;

	directory_backend_dn(&dn, c->database);
	rc = ds_get(d, &owner, buf_cstr(&dn), "nsslapd-suffix", e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (owner.len > 0 && !ds_dn_same(buf_cstr(&owner), c->base_dn))
		return err_set(e, RC_CONFLICT, "Database %s is owned by %s",
		    c->database, buf_cstr(&owner));
	rc = directory_holder(d, &backend, &suffix, c->base_dn, e);
	if (rc == RC_OK && suffix.len > 0 &&
	    ds_dn_same(buf_cstr(&suffix), c->base_dn) &&
	    !text_ieq(buf_cstr(&backend), c->database))
		return err_set(e, RC_CONFLICT,
		    "pki_ds_database: base DN %s is in database %s, not %s",
		    c->base_dn, buf_cstr(&backend), c->database);
	return rc;
}

enum rc
directory_check(struct values *v, const struct dbconf *c, struct err *e)
{
	AUTO(ds_admin) d = NULL;
	bool there;
	enum rc rc = admin(&d, c, e);

	if (rc != RC_OK || (rc = ds_exists(d, &there, c->base_dn, e)) != RC_OK)
		return rc;
	if (!values_bool(v, "pki_ds_setup"))
		return there ? RC_OK
			     : err_set(e, RC_NOTFOUND,
				   "pki_ds_setup=False, but base DN %s does "
				   "not exist: prepare it with pki-server "
				   "ca-db-init",
				   c->base_dn);
	if (there && !values_bool(v, "pki_ds_remove_data"))
		return err_set(e, RC_EXISTS,
		    "ERROR:  Base DN already exists. Set "
		    "pki_ds_remove_data=True to remove its data, or name "
		    "another pki_ds_base_dn");
	return values_bool(v, "pki_ds_create_new_db") ? check_database(d, c, e)
						      : check_parent(d, c, e);
}

/* --- set-up ------------------------------------------------------------------- */

static void
tell(directory_say say, void *arg, const char *line)
{
	if (say != NULL)
		say(arg, line);
}

static enum rc
make_room(struct ds_admin *d, struct values *v, const struct dbconf *c,
    bool *made, directory_say say, void *arg, struct err *e)
{
	bool there;
	enum rc rc = RC_OK;

	if (values_bool(v, "pki_ds_remove_data")) {
		tell(say, arg, "Removing data of an earlier installation");
		if (values_bool(v, "pki_ds_create_new_db"))
			rc = directory_remove_db(d, c, e);
		/* what is left is in another suffix's back end */
		if (rc == RC_OK &&
		    (rc = ds_exists(d, &there, c->base_dn, e)) == RC_OK &&
		    there)
			rc = directory_empty_db(d, c, e);
	}
	if (rc != RC_OK)
		return rc;
	/* from here on what is there is ours */
	*made = true;
	if (values_bool(v, "pki_ds_create_new_db")) {
		tell(say, arg, "Creating database");
		rc = directory_create_db(d, c, e);
	}
	return rc;
}

enum rc
directory_setup(struct values *v, const struct dbconf *c, bool containers,
    bool *made, directory_say say, void *arg, struct err *e)
{
	AUTO(ds_admin) d = NULL;
	enum rc rc = admin(&d, c, e);

	if (rc != RC_OK)
		return rc;
	if ((rc = make_room(d, v, c, made, say, arg, e)) != RC_OK)
		return rc;
	tell(say, arg, "Adding schema, containers and indexes");
	if ((rc = store_setup_parts(d, c->base_dn, c->subsystem,
		 containers ? SETUP_ALL : SETUP_CONFIG | SETUP_SCHEMA, e)) !=
		RC_OK ||
	    (rc = directory_index_add(d, c, e)) != RC_OK)
		return rc;
	return directory_index_rebuild(d, c, say, arg, e);
}

void
directory_undo(struct values *v, const struct dbconf *c)
{
	AUTO(ds_admin) d = NULL;

	/* the first error is the one to report */
	if (admin(&d, c, NULL) != RC_OK)
		return;
	if (values_bool(v, "pki_ds_create_new_db"))
		rc_ignore(directory_remove_db(d, c, NULL));
	else
		rc_ignore(directory_empty_db(d, c, NULL));
}
