/* SPDX-License-Identifier: Apache-2.0 */
/* kind.c - table of record kinds (spec directory 2.2 to 2.14).
 * Owns:    the constant table.
 * Trusts:  nothing: ids may come from the network.
 * Threads: any. */
#include "store/kind.h"

static const struct kind_info kinds[REC_KINDS] = {
	[REC_CERT] = { "cn", "serialno", "ou=certificateRepository,ou=ca",
	    "certificateRecord", "(certStatus=*)", true },
	[REC_REQUEST] = { "cn", "requestId", "ou=%s,ou=requests",
	    "request extensibleObject", "(requestState=*)", true },
	[REC_KEY] = { "cn", "serialno", "ou=keyRepository,ou=kra", "keyRecord",
	    "(serialno=*)", true },
	[REC_ISSUING_POINT] = { "cn", NULL, "ou=crlIssuingPoints,ou=ca",
	    "crlIssuingPointRecord", "(objectClass=crlIssuingPointRecord)",
	    true },
	[REC_PROFILE] = { "cn", NULL, "ou=certificateProfiles,ou=ca",
	    "certProfile", "(objectClass=certProfile)", true },
	[REC_AUTHORITY] = { "cn", NULL, "ou=authorities,ou=ca", "authority",
	    "(objectClass=authority)", true },
	[REC_USER] = { "uid", NULL, "ou=people",
	    "person organizationalPerson inetOrgPerson cmsuser",
	    "(objectClass=cmsuser)", true },
	[REC_GROUP] = { "cn", NULL, "ou=groups", "groupOfUniqueNames",
	    "(objectClass=groupOfUniqueNames)", true },
	[REC_ACL] = { "cn", NULL, "", "CertACLS", "(objectClass=CertACLS)",
	    true },
	[REC_TOKEN] = { "cn", NULL, "ou=Tokens", "tokenRecord",
	    "(objectClass=tokenRecord)", false },
	[REC_DOMAIN_HOST] = { "cn", NULL, "", "pkiSubsystem",
	    "(objectClass=pkiSubsystem)", false },
	[REC_DOMAIN_SESSION] = { "cn", NULL, "", "securityDomainSessionEntry",
	    "(objectClass=securityDomainSessionEntry)", false },
	[REC_COUNTER] = { "cn", NULL, "", "repository",
	    "(objectClass=repository)", false },
	[REC_RANGE] = { "cn", NULL, "", "pkiRange", "(objectClass=pkiRange)",
	    false },
	[REC_CLAIM] = { "cn", NULL, "ou=claims,ou=signet", "signetClaim",
	    "(objectClass=signetClaim)", true },
	[REC_HOST] = { "cn", NULL, "ou=hosts,ou=signet", "signetHost",
	    "(objectClass=signetHost)", true },
	[REC_SETTING] = { "cn", NULL, "ou=settings,ou=signet", "signetSetting",
	    "(objectClass=signetSetting)", true },
};

const struct kind_info *
kind_info(enum rec_kind k)
{
	return &kinds[k < REC_KINDS ? k : 0];
}

enum rc
kind_rdn_value(struct buf *out, enum rec_kind k, const char *id, struct err *e)
{
	char text[NUM_TEXT_MAX];
	struct num n;
	enum rc rc;

	if (id == NULL || id[0] == '\0' || strlen(id) > REC_ID_MAX)
		return err_set(e, RC_INVALID, "%s: id empty or too long",
		    rec_kind_text(k));
	if (kind_info(k)->number_attr == NULL) {
		buf_add_str(out, id);
		return buf_check(out, e);
	}
	if ((rc = num_parse(&n, id, true, e)) != RC_OK)
		return err_prefix(e, "%s", rec_kind_text(k));
	if (strcmp(num_hex(text, &n), id) != 0)
		return err_set(e, RC_INVALID, "%s %.64s: id is not plain hex",
		    rec_kind_text(k), id);
	buf_add_str(out, num_dec(text, &n));
	return buf_check(out, e);
}

enum rc
kind_id(struct buf *out, enum rec_kind k, struct view rdn_value, struct err *e)
{
	AUTO_STR text = view_dup_str(rdn_value);
	char hex[NUM_TEXT_MAX];
	struct num n;
	enum rc rc;

	if (text == NULL || rdn_value.len == 0 || rdn_value.len > REC_ID_MAX)
		return err_set(
		    e, RC_INVALID, "%s: unusable entry name", rec_kind_text(k));
	if (kind_info(k)->number_attr == NULL) {
		buf_add_view(out, rdn_value);
		return buf_check(out, e);
	}
	if ((rc = num_parse(&n, text, false, e)) != RC_OK)
		return err_prefix(e, "%s", rec_kind_text(k));
	buf_add_str(out, num_hex(hex, &n));
	return buf_check(out, e);
}
