/* SPDX-License-Identifier: Apache-2.0 */
/* install_ds.c - the directory's part of an installation: checks, passwords,
 * the store, the database user (spec deployment 1.4, 2.5, 2.6, 3.6).
 * Owns:    nothing; results go into struct install.
 * Trusts:  checked values; nothing from the network.
 * Threads: one. */
#include "base/file.h"
#include "base/text.h"
#include "deploy/clone.h"
#include "deploy/directory.h"
#include "deploy/install.h"

enum {
	REPLICATION_PASSWORD_LEN = 12,
	PEM_MAX = 1024 * 1024,
};

enum rc
install_ds_check(struct install *in, struct err *e)
{
	enum rc rc;

	if (!directory_wanted(in->v)) {
		if (!values_bool(in->v, "pki_ds_setup") ||
		    values_bool(in->v, "pki_share_db"))
			return err_set(e, RC_INVALID,
			    "pki_ds_setup=False and pki_share_db=True need "
			    "pki_ds_url");
		return RC_OK;
	}
	if ((rc = directory_from_values(&in->db, in->v, in->paths, "ca", e)) !=
	    RC_OK)
		return rc;
	if (values_bool(in->v, "pki_skip_ds_verify"))
		return RC_OK;
	return directory_check(in->v, in->db, e);
}

/* internaldb and replicationdb of password.conf. */
enum rc
install_ds_passwords(struct install *in, struct cfg *c, struct err *e)
{
	const char *given = values_str(in->v, "pki_replication_password");
	AUTO(secret) drawn = NULL;
	enum rc rc;

	if (in->db == NULL)
		return RC_OK;
	rc = cfg_set(c, "internaldb", secret_cstr(in->db->password), e);
	if (rc != RC_OK ||
	    (given[0] == '\0' && cfg_get(c, "replicationdb") != NULL))
		return rc;
	if (given[0] == '\0') {
		drawn = secret_random(REPLICATION_PASSWORD_LEN);
		if (drawn == NULL)
			return err_set(e, RC_CRYPTO, "passwords");
		given = secret_cstr(drawn);
	}
	return cfg_set(c, "replicationdb", given, e);
}

/* The issuer of the directory's certificate: into the NSS database, and for
 * libldap into a file. */
static enum rc
import_issuer(struct install *in, struct err *e)
{
	const char *pem =
	    values_str(in->v, "pki_ds_secure_connection_ca_pem_file");
	AUTO_BUF text = buf_empty(PEM_MAX), der = buf_empty(PEM_MAX);
	enum rc rc;

	if (!in->db->secure)
		return RC_OK;
	if (pem[0] != '\0') {
		if ((rc = file_read(&text, pem, e)) != RC_OK ||
		    (rc = text_pem(&der, buf_view(&text), "CERTIFICATE", e)) !=
			RC_OK ||
		    (rc = keystore_import_cert(in->ks,
			 values_str(
			     in->v, "pki_ds_secure_connection_ca_nickname"),
			 buf_view(&der), "CT,C,C", e)) != RC_OK)
			return err_prefix(
			    e, "pki_ds_secure_connection_ca_pem_file");
	}
	if ((rc = dbconf_write_trust(in->paths, in->ks, e)) != RC_OK)
		return rc;
	free(in->db->ca_file);
	in->db->ca_file = dbconf_trust_path(in->paths);
	return in->db->ca_file != NULL ? RC_OK
				       : err_set(e, RC_NOMEM, "directory");
}

static void
say_line(void *arg, const char *line)
{
	install_say(arg, "%s", line);
}

enum rc
install_store(struct install *in, struct err *e)
{
	AUTO_STR dir = paths_store(in->paths, "ca");
	struct lmdb_params l = { .dir = dir, .clock = &clock_system };
	enum rc rc;

	if (dir == NULL)
		return err_set(e, RC_NOMEM, "installation");
	if (in->db == NULL) {
		install_say(in, "Creating embedded store");
		return store_open_lmdb(&in->store, &l, e);
	}
	if ((rc = import_issuer(in, e)) != RC_OK)
		return rc;
	if (values_bool(in->v, "pki_ds_setup")) {
		if (in->clone && (rc = clone_keep_replica(in, e)) != RC_OK)
			return rc;
		install_say(
		    in, "Setting up %s in %s", in->db->base_dn, in->db->url);
		rc = directory_setup(
		    in->v, in->db, !in->clone, &in->made_db, say_line, in, e);
		if (rc == RC_OK && in->clone &&
		    values_bool(in->v, "pki_clone_setup_replication"))
			rc = clone_replicate(in, e);
		if (rc != RC_OK)
			return rc;
	}
	struct ldap_params p = dbconf_params(in->db, &clock_system);

	return store_open_ldap(&in->store, &p, e);
}

enum rc
install_ds_finish(struct install *in, struct err *e)
{
	const char *user = values_str(in->v, "pki_share_dbuser_dn");
	struct ldap_params p;
	AUTO(ds_admin) d = NULL;
	enum rc rc;

	if (in->db == NULL)
		return RC_OK;
	p = dbconf_params(in->db, &clock_system);
	if ((rc = ds_admin_open(&d, &p, e)) != RC_OK)
		return rc;
	if (user[0] != '\0') {
		install_say(in, "Granting %s access to the database", user);
		if (!values_bool(in->v, "pki_share_db") && !in->clone &&
		    (rc = directory_add_user(in->store, d, in->db, user,
			 buf_view(&in->subsystem_der), e)) != RC_OK)
			return err_prefix(e, "pki_share_dbuser_dn");
		if ((rc = directory_grant(d, in->db, user, e)) != RC_OK)
			return err_prefix(e, "pki_share_dbuser_dn");
	}
	if (!values_bool(in->v, "pki_ds_setup_vlv"))
		return RC_OK;
	install_say(in, "Adding and filling virtual lists");
	if ((rc = directory_vlv_add(d, in->db, in->paths->name, e)) != RC_OK)
		return rc;
	return directory_vlv_reindex(
	    d, in->db, in->paths->name, say_line, in, e);
}

void
install_ds_undo(struct install *in)
{
	if (in->db != NULL && in->made_db)
		directory_undo(in->v, in->db);
	in->made_db = false;
}
