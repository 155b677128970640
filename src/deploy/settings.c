/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - the first CS.cfg and server.cfg of a CA.
 * Owns:    nothing.
 * Trusts:  checked values.
 * Threads: one. */
#include "deploy/install.h"
#include "deploy/plans.h"

#include "base/file.h"

/* Names and values; %(x)s are deployment parameters. Copied from spec
 * deployment 1.5 and ca 4.1. */
static const char *const settings[][2] = {
	{ "cs.state", "0" },
	{ "cs.type", "CA" },
	{ "dbs.type", "embedded" },
	{ "instanceId", "%(pki_instance_name)s" },
	{ "instanceRoot", "%(pki_instance_path)s" },
	{ "machineName", "%(pki_hostname)s" },
	{ "service.machineName", "%(pki_hostname)s" },
	{ "service.securePort", "%(pki_https_port)s" },
	{ "service.unsecurePort", "%(pki_http_port)s" },
	{ "subsystem.name", "%(pki_subsystem_name)s" },
	{ "securitydomain.select", "new" },
	{ "securitydomain.name", "%(pki_security_domain_name)s" },
	{ "securitydomain.host", "%(pki_hostname)s" },
	{ "securitydomain.httpport", "%(pki_http_port)s" },
	{ "securitydomain.httpsadminport", "%(pki_https_port)s" },
	{ "securitydomain.checkIP", "false" },
	{ "securitydomain.checkinterval", "300000" },
	{ "securitydomain.flushinterval", "86400000" },
	{ "securitydomain.source", "ldap" },
	{ "dbs.cert.id.generator", "%(pki_cert_id_generator)s" },
	{ "dbs.cert.id.length", "%(pki_cert_id_length)s" },
	{ "dbs.request.id.generator", "%(pki_request_id_generator)s" },
	{ "dbs.request.id.length", "%(pki_request_id_length)s" },
	{ "dbs.cert.id.radix", "16" },
	{ "dbs.request.id.radix", "10" },
	{ "dbs.enableSerialManagement", "false" },
	{ "dbs.requestDN", "ou=ca, ou=requests" },
	{ "dbs.serialDN", "ou=certificateRepository, ou=ca" },
	{ "ca.serialNumberUpdateInterval", "600" },
	{ "ca.enableNonces", "true" },
	{ "ca.maxNumberOfNonces", "100" },
	{ "ca.byName", "true" },
	{ "ca.defaultOcspUri", "%(pki_default_ocsp_uri)s" },
	{ "ca.ocspAnswerLifetime", "60" },
	{ "ca.transitMaxRecords", "1000000" },
	{ "ca.transitRecordPageSize", "200" },
	{ "ca.profiles.defaultSigningAlgsAllowed",
	    "SHA256withRSA,SHA384withRSA,SHA512withRSA,SHA256withEC,"
	    "SHA384withEC,SHA512withEC" },
	{ "ca.crl.pageSize", "100" },
	{ "ca.crl.MasterCRL.allowExtensions", "true" },
	{ "ca.crl.MasterCRL.alwaysUpdate", "false" },
	{ "ca.crl.MasterCRL.autoUpdateInterval", "240" },
	{ "ca.crl.MasterCRL.caCertsOnly", "false" },
	{ "ca.crl.MasterCRL.cacheUpdateInterval", "15" },
	{ "ca.crl.MasterCRL.class", "com.netscape.ca.CRLIssuingPoint" },
	{ "ca.crl.MasterCRL.dailyUpdates", "1:00" },
	{ "ca.crl.MasterCRL.description", "CA's complete CRL" },
	{ "ca.crl.MasterCRL.enable", "%(pki_master_crl_enable)s" },
	{ "ca.crl.MasterCRL.enableCRLCache", "true" },
	{ "ca.crl.MasterCRL.enableCRLUpdates", "true" },
	{ "ca.crl.MasterCRL.enableDailyUpdates", "true" },
	{ "ca.crl.MasterCRL.enableUpdateInterval", "true" },
	{ "ca.crl.MasterCRL.extendedNextUpdate", "true" },
	{ "ca.crl.MasterCRL.includeExpiredCerts", "false" },
	{ "ca.crl.MasterCRL.minUpdateInterval", "0" },
	{ "ca.crl.MasterCRL.nextUpdateGracePeriod", "0" },
	{ "ca.crl.MasterCRL.publishOnStart", "false" },
	{ "ca.crl.MasterCRL.saveMemory", "false" },
	{ "ca.crl.MasterCRL.updateSchema", "1" },
	{ "ca.crl.MasterCRL.extension.AuthorityKeyIdentifier.enable", "true" },
	{ "ca.crl.MasterCRL.extension.AuthorityKeyIdentifier.critical",
	    "false" },
	{ "ca.crl.MasterCRL.extension.CRLNumber.enable", "true" },
	{ "ca.crl.MasterCRL.extension.CRLNumber.critical", "false" },
	{ "ca.crl.MasterCRL.extension.CRLReason.enable", "true" },
	{ "ca.crl.MasterCRL.extension.CRLReason.critical", "false" },
	{ "ca.crl.MasterCRL.extension.InvalidityDate.enable", "true" },
	{ "ca.crl.MasterCRL.extension.InvalidityDate.critical", "false" },
	{ "log.instance.SignedAudit.enable", "true" },
	{ "log.instance.SignedAudit.bufferSize", "512" },
	{ "log.instance.SignedAudit.flushInterval", "5" },
	{ "log.instance.SignedAudit.maxFileSize", "2000" },
	{ "log.instance.SignedAudit.rolloverInterval", "2592000" },
	{ "log.instance.SignedAudit.logSigning", "false" },
	{ "selftests.container.order.startup",
	    "CAPresence:critical, SystemCertsVerification:critical" },
	{ "selftests.container.order.onDemand",
	    "CAPresence:critical, SystemCertsVerification:critical, "
	    "CAValidity:critical" },
	{ "jobsScheduler.enabled", "false" },
	{ "jobsScheduler.interval", "1" },
};

static enum rc
set(struct install *in, const char *name, const char *text, struct err *e)
{
	AUTO_BUF value = buf_empty(64 * 1024);
	enum rc rc = values_expand(in->v, &value, text, e);

	return rc != RC_OK ? rc : cfg_set(in->cs, name, buf_cstr(&value), e);
}

/* As an instance of the model says that profiles are records only: no files are
 * read or written then (ca/start.c). */
static enum rc
set_profiles_in_ldap(struct install *in, struct err *e)
{
	enum rc rc;

	if (!values_bool(in->v, "pki_profiles_in_ldap"))
		return RC_OK;
	rc = cfg_set(in->cs, "subsystem.1.id", "profile", e);
	return rc != RC_OK
	    ? rc
	    : cfg_set(in->cs, "subsystem.1.class",
		  "com.netscape.cmscore.profile.LDAPProfileSubsystem", e);
}

/* server.cfg: ports and TLS, in place of a servlet container's file. */
static enum rc
write_server_cfg(struct install *in, struct err *e)
{
	AUTO(cfg) c = cfg_new();
	const char *const rows[][2] = {
		{ "host", values_str(in->v, "pki_hostname") },
		{ "http.port",
		    values_bool(in->v, "pki_http_enable")
			? values_str(in->v, "pki_http_port")
			: "0" },
		{ "https.port", values_str(in->v, "pki_https_port") },
		{ "accesslog", values_str(in->v, "pki_enable_access_log") },
	};
	AUTO_BUF nick = buf_empty(4096);
	AUTO_BUF full = buf_empty(4096);
	AUTO_BUF module = buf_empty(4096);
	enum rc rc;

	plan_nickname(in, &plan_sslserver, &full);
	if (c == NULL)
		return err_set(e, RC_NOMEM, "server.cfg");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rc = cfg_set(c, rows[i][0], rows[i][1], e);
		if (rc != RC_OK)
			return rc;
	}
	rc = cfg_set(c, "sslserver.nickname", buf_cstr(&full), e);
	if (rc == RC_OK && values_bool(in->v, "pki_hsm_enable")) {
		buf_addf(&module, "module.%s",
		    values_str(in->v, "pki_hsm_modulename"));
		rc = cfg_set(c, buf_cstr(&module),
		    values_str(in->v, "pki_hsm_libfile"), e);
	}
	if (rc != RC_OK ||
	    (rc = cfg_save(c, in->paths->server, 0660, e)) != RC_OK)
		return rc;
	buf_addf(&nick, "%s/serverCertNick.conf", in->paths->conf);
	return file_write(buf_cstr(&nick), buf_view(&full), 0660, e);
}

/* NSS tools open the token too when the database's list names its module. */
static enum rc
list_module(struct install *in, struct err *e)
{
	const char *library = values_str(in->v, "pki_hsm_libfile");
	AUTO_BUF path = buf_empty(4096);
	AUTO_BUF text = buf_empty(1024 * 1024);
	enum rc rc;

	buf_addf(&path, "%s/pkcs11.txt", in->paths->alias);
	if ((rc = file_read(&text, buf_cstr(&path), e)) != RC_OK)
		return rc;
	if (strstr(buf_cstr(&text), library) != NULL)
		return RC_OK; /* a kept database */
	buf_addf(&text, "library=%s\nname=%s\n\n", library,
	    values_str(in->v, "pki_hsm_modulename"));
	return file_write(buf_cstr(&path), buf_view(&text), 0600, e);
}

enum rc
install_settings(struct install *in, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(in->paths, "ca");
	bool ours;
	enum rc rc;

	if (path == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	if (values_bool(in->v, "pki_hsm_enable") &&
	    (rc = list_module(in, e)) != RC_OK)
		return rc;
	/* a configuration that an earlier installation left: its names stay;
	 * those of step one are ours and follow the parameters of step two */
	if (file_exists(path) && (rc = cfg_load(in->cs, path, e)) != RC_OK)
		return rc;
	ours = cfg_get(in->cs, "preop.step") != NULL;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (!ours && cfg_get(in->cs, settings[i][0]) != NULL &&
		    strcmp(settings[i][0], "cs.state") != 0)
			continue;
		if (!values_bool(in->v, "pki_security_domain_setup") &&
		    text_starts(settings[i][0], "securitydomain."))
			continue; /* the administrator's own work */
		rc = set(in, settings[i][0], settings[i][1], e);
		if (rc != RC_OK)
			return rc;
	}
	if (in->db != NULL && (rc = dbconf_save(in->db, in->cs, e)) != RC_OK)
		return rc;
	if ((rc = set_profiles_in_ldap(in, e)) != RC_OK ||
	    (rc = install_numbers(in, e)) != RC_OK)
		return rc;
	return write_server_cfg(in, e);
}
