/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - what a new CA's store begins with (spec deployment 2.6, directory
 * 2.3 to 2.5).
 * Owns:    nothing.
 * Trusts:  checked values.
 * Threads: one. */
#include "auth/acl.h"
#include "auth/user.h"
#include "ca/profiles.h"
#include "deploy/install.h"
#include "domain/domain_host.h"

static const char *const groups[][2] = {
	{ "Certificate Manager Agents", "Agents of the certificate manager" },
	{ "Registration Manager Agents", "Agents of a registration manager" },
	{ "Subsystem Group", "Subsystems of the security domain" },
	{ "Trusted Managers", "Managers trusted by this CA" },
	{ "Administrators", "People who administer this CA" },
	{ "Auditors", "People who can read the signed audit log" },
	{ "ClonedSubsystems", "Clones" },
	{ "Security Domain Administrators",
	    "People who administer the security domain" },
	{ "Enterprise CA Administrators", "People who may join CAs" },
	{ "Enterprise KRA Administrators", "People who may join KRAs" },
	{ "Enterprise OCSP Administrators", "People who may join OCSPs" },
	{ "Enterprise TKS Administrators", "People who may join TKSs" },
	{ "Enterprise EST Administrators", "People who may join ESTs" },
	{ "Enterprise RA Administrators", "People who may join RAs" },
	{ "Enterprise TPS Administrators", "People who may join TPSs" },
};

static const char *const admin_groups[] = { "Administrators",
	"Certificate Manager Agents", "Security Domain Administrators",
	"Enterprise CA Administrators", "Enterprise KRA Administrators",
	"Enterprise OCSP Administrators", "Enterprise TKS Administrators",
	"Enterprise EST Administrators", "Enterprise RA Administrators",
	"Enterprise TPS Administrators" };

/* Adds a record that nobody has added before. */
static enum rc
add_once(struct store *s, struct rec *r, struct err *e)
{
	AUTO(batch) b = batch_new();
	enum rc rc;

	if (b == NULL || r == NULL) {
		rec_free(r);
		return err_set(e, RC_NOMEM, "records");
	}
	batch_add(b, r);
	rc = store_commit(s, b, e);
	return rc == RC_EXISTS ? RC_OK : rc;
}

static struct rec *
new_group(const char *name, const char *description)
{
	struct rec *r = rec_new(REC_GROUP, name);

	if (r == NULL)
		return NULL;
	rec_add_str(r, "objectClass", "top");
	rec_add_str(r, "objectClass", "groupOfUniqueNames");
	rec_add_str(r, "cn", name);
	rec_add_str(r, "description", description);
	return r;
}

enum rc
install_seed(struct store *s, struct err *e)
{
	struct rec *r;
	enum rc rc = RC_OK;

	for (size_t i = 0;
	     rc == RC_OK && i < sizeof(groups) / sizeof(groups[0]); i++)
		rc = add_once(s, new_group(groups[i][0], groups[i][1]), e);
	if (rc != RC_OK)
		return rc;
	if ((r = rec_new(REC_ACL, "aclResources")) == NULL)
		return err_set(e, RC_NOMEM, "records");
	rec_add_str(r, "objectClass", "top");
	rec_add_str(r, "objectClass", "CertACLS");
	rec_add_str(r, "cn", "aclResources");
	for (const char *const *t = acl_defaults("ca"); *t != NULL; t++)
		rec_add_str(r, "resourceACLS", *t);
	return add_once(s, r, e);
}

static enum rc
add_admin(struct install *in, struct err *e)
{
	const char *uid = values_str(in->v, "pki_admin_uid");
	struct user u = { .uid = uid,
		.full_name = values_str(in->v, "pki_admin_name"),
		.email = values_str(in->v, "pki_admin_email"),
		.type = "adminType",
		.state = "1",
		.password = in->admin_password };
	size_t n = sizeof(admin_groups) / sizeof(admin_groups[0]);
	enum rc rc;

	if (!values_bool(in->v, "pki_admin_setup"))
		return RC_OK;
	if ((rc = user_add(in->store, &u, e)) != RC_OK ||
	    (rc = user_add_cert(in->store, uid, buf_view(&in->admin_der), e)) !=
		RC_OK)
		return rc;
	/* the domain's administrators are those of its manager */
	if (in->subordinate &&
	    strcmp(cfg_str(in->cs, "securitydomain.select", "new"), "new") != 0)
		n = 2;
	for (size_t i = 0; i < n; i++) {
		rc = group_add_member(in->store, admin_groups[i], uid, e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc
add_subsystem_user(struct install *in, struct err *e)
{
	AUTO_BUF uid = buf_empty(1024);
	struct user u = { .type = "agentType", .state = "1" };
	enum rc rc;

	buf_addf(&uid, "CA-%s-%s", values_str(in->v, "pki_hostname"),
	    values_str(in->v, "pki_https_port"));
	u.uid = u.full_name = buf_cstr(&uid);
	rc = user_add(in->store, &u, e);
	in->added_user = rc == RC_OK;
	/* in a directory that others filled it may be there */
	if ((rc != RC_OK && rc != RC_EXISTS) ||
	    (rc = user_add_cert(
		 in->store, u.uid, buf_view(&in->subsystem_der), e)) != RC_OK)
		return rc;
	return group_add_member(in->store, "Subsystem Group", u.uid, e);
}

/* A CA that manages its own domain is the first member. */
static enum rc
join_own_domain(struct install *in, struct err *e)
{
	struct domain_host h = { .type = "CA", .manager = true };
	const char *name = values_str(in->v, "pki_hostname");
	int64_t secure, plain;
	enum rc rc;

	/* False: the administrator has made it, or will */
	if (!values_bool(in->v, "pki_security_domain_setup") ||
	    strcmp(cfg_str(in->cs, "securitydomain.select", ""), "new") != 0)
		return RC_OK;
	if ((rc = text_int(&secure, values_str(in->v, "pki_https_port"), 1,
		 65535, e)) != RC_OK ||
	    (rc = text_int(&plain, values_str(in->v, "pki_http_port"), 1, 65535,
		 e)) != RC_OK)
		return rc;
	h.secure = (int)secure;
	h.plain = values_bool(in->v, "pki_http_enable") ? (int)plain : 0;
	if (strlen(name) >= sizeof(h.name))
		return err_set(e, RC_INVALID, "pki_hostname: too long");
	snprintf(h.name, sizeof(h.name), "%s", name);
	return domain_host_put(in->store, &h, e);
}

enum rc
install_records(struct install *in, struct err *e)
{
	AUTO_STR from = paths_share("/ca/profiles/ca");
	AUTO_STR files = paths_profiles(in->paths, "ca");
	const char *to =
	    values_bool(in->v, "pki_profiles_in_ldap") ? NULL : files;
	AUTO_BUF applied = buf_empty(4096);
	enum rc rc;

	if (from == NULL || files == NULL)
		return err_set(e, RC_NOMEM, "records");
	buf_addf(&applied, "%s/profiles.applied", in->paths->host);
	/* a clone's records came by replication */
	if (in->clone) {
		rc = add_subsystem_user(in, e);
		return rc == RC_OK ? install_ds_finish(in, e) : rc;
	}
	if ((rc = install_seed(in->store, e)) != RC_OK ||
	    (rc = profiles_install(
		 in->store, from, to, buf_cstr(&applied), e)) != RC_OK ||
	    (rc = add_admin(in, e)) != RC_OK ||
	    (rc = add_subsystem_user(in, e)) != RC_OK ||
	    (rc = join_own_domain(in, e)) != RC_OK)
		return rc;
	return install_ds_finish(in, e);
}
