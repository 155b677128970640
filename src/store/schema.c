/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c - attribute types and object classes (spec directory 1.2, 1.3; our
 * own subtree after design.md, "Decisions of the first days").
 * Owns:    the two constant tables.
 * Trusts:  nothing from outside.
 * Threads: constant data, any thread. */
#include "store/schema.h"

#define T(name)                                \
	{                                      \
		name, SYNTAX_TEXT, false, true \
	}
#define B(name)                                  \
	{                                        \
		name, SYNTAX_BINARY, false, true \
	}
#define A(name, syntax, single)                     \
	{                                           \
		name, SYNTAX_##syntax, single, true \
	}
#define STD(name, syntax, single)                    \
	{                                            \
		name, SYNTAX_##syntax, single, false \
	}

/* Sorted by nothing but the spec's order: looked up through a hash that is
 * built at compile time by hand is not worth it at 150 names. */
static const struct schema_attr attrs[] = {
	T("usertype"),
	T("userstate"),
	T("resourceACLS"),
	T("serialno"),
	T("nextRange"),
	T("publishingStatus"),
	T("beginRange"),
	T("endRange"),
	T("dateOfCreate"),
	T("dateOfModify"),
	T("certStatus"),
	T("autoRenew"),
	T("metaInfo"),
	T("revInfo"),
	T("version"),
	T("duration"),
	T("notBefore"),
	T("notAfter"),
	T("algorithmId"),
	T("signingAlgorithmId"),
	T("subjectName"),
	T("issuerName"),
	T("issuedBy"),
	T("revokedBy"),
	T("revokedOn"),
	T("extension"),
	B("issueInfo"),
	B("publicKeyData"),
	T("crlName"),
	T("crlNumber"),
	T("crlSize"),
	T("deltaNumber"),
	T("deltaSize"),
	T("firstUnsaved"),
	T("thisUpdate"),
	T("nextUpdate"),
	B("crlCache"),
	B("revokedCerts"),
	B("unrevokedCerts"),
	B("expiredCerts"),
	B("crlExtensions"),
	T("requestId"),
	T("requestState"),
	T("requestType"),
	T("requestOwner"),
	T("requestSourceId"),
	T("requestInfo"),
	T("requestResult"),
	T("requestAgentGroup"),
	T("requestFlag"),
	T("requestError"),
	T("userMessages"),
	T("adminMessages"),
	T("realm"),
	T("archivedBy"),
	T("dateOfArchival"),
	T("dateOfRecovery"),
	T("ownerName"),
	T("keyState"),
	T("keySize"),
	T("algorithm"),
	T("publicKeyFormat"),
	T("clientId"),
	T("dataType"),
	T("status"),
	B("privateKeyData"),
	B("proofOfArchival"),
	A("Clone", BOOLEAN, true),
	A("DomainManager", BOOLEAN, true),
	A("SecurePort", INTEGER, true),
	A("SecureAgentPort", INTEGER, true),
	A("SecureAdminPort", INTEGER, true),
	A("SecureEEClientAuthPort", INTEGER, true),
	A("UnSecurePort", INTEGER, true),
	A("SubsystemName", TEXT, true),
	T("cmsUserGroup"),
	T("dateOfRevocation"),
	T("transId"),
	T("transStatus"),
	T("transName"),
	T("transOps"),
	T("userDN"),
	T("password"),
	T("p12Expiration"),
	B("sessionContext"),
	T("tokenUserID"),
	T("tokenStatus"),
	T("tokenReason"),
	T("tokenAppletID"),
	T("keyInfo"),
	T("tokenPolicy"),
	T("tokenType"),
	T("extensions"),
	T("allowPinReset"),
	A("modified", INTEGER, false),
	A("numberOfResets", INTEGER, false),
	A("numberOfEnrollments", INTEGER, false),
	A("numberOfRenewals", INTEGER, false),
	A("numberOfRecoveries", INTEGER, false),
	T("tokenOp"),
	T("tokenID"),
	T("tokenMsg"),
	T("tokenResult"),
	T("tokenIP"),
	T("tokenIssuer"),
	T("tokenSubject"),
	T("tokenSerial"),
	T("tokenOrigin"),
	T("tokenKeyType"),
	T("tokenNotBefore"),
	T("tokenNotAfter"),
	T("profileID"),
	T("classId"),
	A("certProfileConfig", OCTETS, false),
	A("authorityID", OCTETS, true),
	A("authorityParentID", OCTETS, true),
	A("authorityKeyNickname", IA5, true),
	A("authorityEnabled", BOOLEAN, true),
	A("authorityDN", DN, true),
	A("authorityParentDN", DN, true),
	A("authoritySerial", INTEGER, true),
	A("authorityKeyHost", TEXT, false),
	/* our own subtree, ou=signet */
	A("signetRole", TEXT, true),
	A("signetClaimNumber", TEXT, true),
	A("signetHostId", INTEGER, true),
	A("signetValue", OCTETS, false),
	/* reused from the standard schema */
	STD("cn", TEXT, false),
	STD("ou", TEXT, false),
	STD("uid", TEXT, false),
	STD("sn", TEXT, false),
	STD("name", TEXT, false),
	STD("description", TEXT, false),
	STD("host", TEXT, false),
	STD("mail", IA5, false),
	STD("telephoneNumber", TEXT, false),
	STD("userCertificate", BINARY, false),
	STD("cACertificate", BINARY, false),
	STD("certificateRevocationList", BINARY, false),
	STD("deltaRevocationList", BINARY, false),
	STD("authorityRevocationList", BINARY, false),
	STD("crossCertificatePair", BINARY, false),
	STD("userPassword", OCTETS, false),
	STD("uniqueMember", DN, false),
	STD("seeAlso", DN, false),
	STD("objectClass", TEXT, false),
};

struct schema_class {
	const char *name;
	const char *must, *may; /* " $ " between names */
	bool auxiliary;
};

static const struct schema_class classes[] = {
	{ "cmsuser", "usertype", "userstate", false },
	{ "CertACLS", "cn", "resourceACLS", false },
	{ "repository", "ou",
	    "serialno $ description $ nextRange $ publishingStatus", false },
	{ "request", "cn",
	    "requestId $ dateOfCreate $ dateOfModify $ requestState $ "
	    "requestResult $ requestOwner $ requestAgentGroup $ "
	    "requestSourceId $ requestType $ requestFlag $ requestError $ "
	    "userMessages $ adminMessages $ realm",
	    false },
	{ "transaction", "cn",
	    "transId $ description $ transName $ transStatus $ transOps",
	    false },
	{ "crlIssuingPointRecord", "cn",
	    "dateOfCreate $ dateOfModify $ crlNumber $ crlSize $ thisUpdate $ "
	    "nextUpdate $ deltaNumber $ deltaSize $ firstUnsaved $ "
	    "certificateRevocationList $ deltaRevocationList $ crlCache $ "
	    "revokedCerts $ unrevokedCerts $ expiredCerts $ cACertificate",
	    false },
	{ "certificateRecord", "cn",
	    "serialno $ dateOfCreate $ dateOfModify $ certStatus $ autoRenew $ "
	    "issueInfo $ metaInfo $ revInfo $ version $ duration $ notAfter $ "
	    "notBefore $ algorithmId $ subjectName $ signingAlgorithmId $ "
	    "userCertificate $ issuedBy $ revokedBy $ revokedOn $ extension $ "
	    "publicKeyData $ issuerName",
	    false },
	{ "userDetails", "userDN",
	    "dateOfCreate $ dateOfModify $ password $ p12Expiration", false },
	{ "keyRecord", "cn",
	    "serialno $ dateOfCreate $ dateOfModify $ keyState $ "
	    "privateKeyData $ ownerName $ keySize $ metaInfo $ "
	    "dateOfArchival $ dateOfRecovery $ algorithm $ publicKeyFormat $ "
	    "publicKeyData $ archivedBy $ clientId $ dataType $ status $ realm",
	    false },
	{ "pkiSecurityDomain", "ou $ name", NULL, false },
	{ "pkiSecurityGroup", "cn", NULL, false },
	{ "pkiSubsystem", "cn $ host $ SecurePort $ SubsystemName $ Clone",
	    "DomainManager $ SecureAgentPort $ SecureAdminPort $ "
	    "SecureEEClientAuthPort $ UnSecurePort",
	    false },
	{ "pkiRange", "cn $ beginRange $ endRange $ host $ SecurePort", NULL,
	    false },
	{ "securityDomainSessionEntry",
	    "cn $ host $ uid $ cmsUserGroup $ dateOfCreate", NULL, false },
	{ "tokenRecord", "cn",
	    "dateOfCreate $ dateOfModify $ modified $ tokenReason $ "
	    "tokenUserID $ tokenStatus $ tokenAppletID $ keyInfo $ "
	    "tokenPolicy $ extensions $ numberOfResets $ numberOfEnrollments $ "
	    "numberOfRenewals $ numberOfRecoveries $ userCertificate $ "
	    "tokenType",
	    false },
	{ "tokenActivity", "cn",
	    "dateOfCreate $ dateOfModify $ tokenOp $ tokenIP $ tokenResult $ "
	    "tokenID $ tokenUserID $ tokenMsg $ extensions $ tokenType",
	    false },
	{ "tokenCert", "cn",
	    "dateOfCreate $ dateOfModify $ userCertificate $ tokenUserID $ "
	    "tokenID $ tokenIssuer $ tokenOrigin $ tokenSubject $ "
	    "tokenSerial $ tokenStatus $ tokenType $ tokenKeyType $ "
	    "tokenNotBefore $ tokenNotAfter $ extensions",
	    false },
	{ "tpsProfileID", NULL, "profileID", true },
	{ "certProfile", "cn", "classId $ certProfileConfig", false },
	{ "authority",
	    "cn $ authorityID $ authorityKeyNickname $ authorityEnabled $ "
	    "authorityDN",
	    "authoritySerial $ authorityParentID $ authorityParentDN $ "
	    "authorityKeyHost $ description",
	    false },
	{ "signetClaim", "cn",
	    "signetRole $ signetClaimNumber $ signetHostId $ host $ "
	    "dateOfCreate $ signetValue",
	    false },
	{ "signetHost", "cn",
	    "signetHostId $ host $ dateOfCreate $ dateOfModify $ signetValue",
	    false },
	{ "signetSetting", "cn", "signetValue $ dateOfCreate $ dateOfModify",
	    false },
};

enum {
	N_ATTRS = sizeof(attrs) / sizeof(attrs[0]),
	N_CLASSES = sizeof(classes) / sizeof(classes[0])
};

static bool
same_base_name(const char *entry, const char *name)
{
	for (; *entry != '\0'; entry++, name++)
		if ((*entry | 0x20) != (*name | 0x20))
			return false;
	return *name == '\0' || *name == ';';
}

const struct schema_attr *
schema_attr(const char *name)
{
	for (size_t i = 0; i < N_ATTRS; i++)
		if (same_base_name(attrs[i].name, name))
			return &attrs[i];
	return NULL;
}

enum syntax
schema_syntax(const char *name)
{
	const struct schema_attr *a = schema_attr(name);

	return a != NULL ? a->syntax : SYNTAX_TEXT;
}

const struct schema_attr *
schema_attr_at(size_t i)
{
	return i < N_ATTRS ? &attrs[i] : NULL;
}

/* Syntax numbers below 1.3.6.1.4.1.1466.115.121.1. */
static int
syntax_number(enum syntax s)
{
	switch (s) {
	case SYNTAX_TEXT:
	case SYNTAX_EXACT:
		return 15;
	case SYNTAX_BINARY:
		return 5;
	case SYNTAX_OCTETS:
		return 40;
	case SYNTAX_INTEGER:
		return 27;
	case SYNTAX_BOOLEAN:
		return 7;
	case SYNTAX_DN:
		return 12;
	case SYNTAX_IA5:
		return 26;
	case SYNTAX_TIME:
		return 24;
	}
	return 15;
}

bool
schema_attr_text(struct buf *out, size_t i)
{
	const struct schema_attr *a = attrs;

	for (; a < attrs + N_ATTRS; a++)
		if (a->ours && i-- == 0)
			break;
	if (a == attrs + N_ATTRS)
		return false;
	buf_addf(out,
	    "( %s-oid NAME '%s' SYNTAX 1.3.6.1.4.1.1466.115.121.1.%d%s "
	    "X-ORIGIN 'user defined' )",
	    a->name, a->name, syntax_number(a->syntax),
	    a->single ? " SINGLE-VALUE" : "");
	return true;
}

bool
schema_class_text(struct buf *out, size_t i)
{
	const struct schema_class *c;

	if (i >= N_CLASSES)
		return false;
	c = &classes[i];
	buf_addf(out, "( %s-oid NAME '%s' SUP top %s", c->name, c->name,
	    c->auxiliary ? "AUXILIARY" : "STRUCTURAL");
	if (c->must != NULL)
		buf_addf(out, " MUST ( %s )", c->must);
	if (c->may != NULL)
		buf_addf(out, " MAY ( %s )", c->may);
	buf_add_str(out, " X-ORIGIN 'user defined' )");
	return true;
}
