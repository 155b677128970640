/* SPDX-License-Identifier: Apache-2.0 */
/* acl_defaults.c - the resourceACLS that an installation writes (spec ca 6.2).
 * Owns:    nothing; constant tables.
 * Trusts:  nothing.
 * Threads: any. */
#include <string.h>

#include "auth/acl.h"

#define CMA "group=\"Certificate Manager Agents\""
#define RMA "group=\"Registration Manager Agents\""
#define ADM "group=\"Administrators\""
#define AUD "group=\"Auditors\""
#define ALL4 ADM " || " AUD " || " CMA " || " RMA
#define ENT(x) "group=\"Enterprise " x " Administrators\""
#define ENT5                                                                  \
	ENT("CA")                                                             \
	" || " ENT("KRA") " || " ENT("RA") " || " ENT("OCSP") " || " ENT("TK" \
									 "S")
#define ENT7 ENT5 " || " ENT("TPS") " || " ENT("EST")
#define ANYBODY "user=\"anybody\""

/* resource, operations, who; description */
#define ONE(res, ops, who, text) \
	"certServer." res ":" ops ":allow (" ops ") " who ":" text
#define READ_MODIFY(res, text)                              \
	"certServer." res ":read,modify:allow (read) " ALL4 \
	";allow (modify) " ADM ":" text

static const char *const ca_defaults[] = {
	"certServer.general.configuration:read,modify,delete:allow (read) " ALL4
	";allow (modify,delete) " ADM ":general settings",
	READ_MODIFY("acl.configuration", "access control lists"),
	READ_MODIFY("auth.configuration", "authentication settings"),
	READ_MODIFY("ca.configuration", "CA settings"),
	READ_MODIFY("job.configuration", "job settings"),
	READ_MODIFY("kra.configuration", "KRA settings"),
	READ_MODIFY("ocsp.configuration", "OCSP settings"),
	READ_MODIFY("policy.configuration", "policy settings"),
	READ_MODIFY("profile.configuration", "certificate profiles"),
	READ_MODIFY("publisher.configuration", "publishing settings"),
	READ_MODIFY("ra.configuration", "RA settings"),
	READ_MODIFY("registry.configuration", "plug-in registry"),
	READ_MODIFY("log.configuration", "log settings"),
	"certServer.log.configuration.fileName:read,modify:allow (read) " ALL4
	";deny (modify) " ANYBODY ":names of log files are fixed",
	ONE("log.content.signedAudit", "read", AUD, "audit log"),
	ONE("log.content.system", "read", ALL4, "system log"),
	ONE("log.content.transactions", "read", ALL4, "transaction log"),
	"certServer.securitydomain.domainxml:read,modify:allow (read) " ANYBODY
	";allow (modify) group=\"Subsystem Group\" || " ENT7
	":security domain members",
	ONE("ca.account", "login,logout", ANYBODY, "log in and out"),
	"certServer.ca.authorities:list,read,create,modify,delete:"
	"allow (list,read) " ANYBODY ";allow (create,modify,delete) " ADM
	":lightweight authorities",
	ONE("ca.certificate", "import,unrevoke,revoke,read", CMA,
	    "one certificate"),
	ONE("ca.certificates", "revoke,list", CMA " || " RMA,
	    "lists of certificates"),
	ONE("ca.certrequests", "execute", CMA, "agents' request service"),
	ONE("ca.certs", "execute", CMA, "agents' certificate service"),
	ONE("ca.clone", "submit", CMA, "requests of clones"),
	ONE("ca.connector", "submit", "group=\"Trusted Managers\"",
	    "requests of other managers"),
	"certServer.ca.connectorInfo:read,modify:allow (read) " ENT(
	    "KRA") ";allow (modify) " ENT("KRA") " || group=\"Subsystem "
						 "Group\":connector settings",
	ONE("ca.crl", "read,update", CMA, "CRLs"),
	ONE("ca.directory", "update", CMA, "publishing directory"),
	ONE("ca.group", "modify,read", ADM, "groups"),
	ONE("ca.groups", "execute", ADM, "group service"),
	ONE("ca.users", "execute", ADM, "user service"),
	ONE("ca.ocsp", "read", CMA, "OCSP counters"),
	ONE("ca.profile", "read,approve", CMA, "one profile"),
	ONE("ca.profiles", "list", CMA, "profiles for agents"),
	ONE("ca.registerUser", "modify,read", ENT7, "users of subsystems"),
	"certServer.ca.request.enrollment:submit,read,execute,assign,unassign:"
	"allow (submit) " ANYBODY ";allow (read,execute,assign,unassign) " CMA
	":enrolment requests",
	ONE("ca.request.profile", "approve,read", CMA, "profile requests"),
	ONE("ca.requests", "list", CMA " || " RMA, "request queue"),
	ONE("ca.selftests", "read,execute", ADM, "self tests"),
	ONE("ca.systemstatus", "read", CMA, "statistics"),
	ONE("ca.jobs", "execute", ADM, "jobs"),
	ONE("clone.configuration", "modify,read", ENT5, "settings for clones"),
	ONE("admin.certificate", "import", ANYBODY,
	    "administrator certificate"),
	ONE("admin.ocsp", "modify,read", ENT("OCSP"), "OCSP publishers"),
	"certServer.admin.request.enrollment:submit,read,execute:"
	"allow (submit) " ANYBODY ";allow (read,execute) " CMA
	":administrator enrolment",
	ONE("ee.certificate", "renew,revoke,read,import", ANYBODY,
	    "certificates for everybody"),
	ONE("ee.certchain", "download,read", ANYBODY, "CA chain"),
	ONE("ee.certificates", "revoke,list", ANYBODY, "certificate lists"),
	ONE("ee.crl", "read,add", ANYBODY, "CRLs for everybody"),
	ONE("ee.profile", "submit,read", ANYBODY, "enrolment"),
	ONE("ee.profiles", "list", ANYBODY, "profiles for everybody"),
	ONE("ee.requestStatus", "read", ANYBODY, "state of a request"),
	ONE("ee.request.enrollment", "submit", ANYBODY, "enrolment"),
	ONE("ee.request.revocation", "submit", ANYBODY, "revocation"),
	ONE("ee.request.ocsp", "submit", "ipaddress=\".*\"", "OCSP"),
	NULL,
};

const char *const *
acl_defaults(const char *subsystem)
{
	return strcmp(subsystem, "ca") == 0 ? ca_defaults : NULL;
}
