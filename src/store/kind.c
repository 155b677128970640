/* SPDX-License-Identifier: Apache-2.0 */
/* kind.c - table of record kinds (spec directory 2.2 to 2.14).
 * Owns:    the constant table.
 * Trusts:  nothing: ids may come from the network.
 * Threads: any. */
#include "store/kind.h"

#include <strings.h>

#include "store/store_backend.h"

static const struct kind_info kinds[REC_KINDS] = {
	[REC_CERT] = { "cn", "serialno", "ou=certificateRepository,ou=ca",
	    "certificateRecord", "(certStatus=*)", false },
	[REC_REQUEST] = { "cn", "requestId", "ou=%s,ou=requests",
	    "request extensibleObject", "(requestState=*)", false },
	[REC_KEY] = { "cn", "serialno", "ou=keyRepository,ou=kra", "keyRecord",
	    "(serialno=*)", false },
	[REC_ISSUING_POINT] = { "cn", NULL, "ou=crlIssuingPoints,ou=ca",
	    "crlIssuingPointRecord", "(objectClass=crlIssuingPointRecord)",
	    false },
	[REC_PROFILE] = { "cn", NULL, "ou=certificateProfiles,ou=ca",
	    "certProfile", "(objectClass=certProfile)", false },
	[REC_AUTHORITY] = { "cn", NULL, "ou=authorities,ou=ca", "authority",
	    "(objectClass=authority)", false },
	[REC_USER] = { "uid", NULL, "ou=people",
	    "person organizationalPerson inetOrgPerson cmsuser",
	    "(objectClass=cmsuser)", false },
	[REC_GROUP] = { "cn", NULL, "ou=groups", "groupOfUniqueNames",
	    "(objectClass=groupOfUniqueNames)", false },
	[REC_ACL] = { "cn", NULL, "", "CertACLS", "(objectClass=CertACLS)",
	    false },
	[REC_TOKEN] = { "cn", NULL, "ou=Tokens", "tokenRecord",
	    "(objectClass=tokenRecord)", false },
	[REC_DOMAIN_HOST] = { "cn", NULL, "ou=Security Domain", "pkiSubsystem",
	    "(objectClass=pkiSubsystem)", true },
	[REC_DOMAIN_SESSION] = { "cn", NULL, "ou=sessions,ou=Security Domain",
	    "securityDomainSessionEntry",
	    "(objectClass=securityDomainSessionEntry)", false },
	[REC_COUNTER] = { "ou", NULL, "", "repository",
	    "(objectClass=repository)", true },
	[REC_RANGE] = { "cn", NULL, "", "pkiRange", "(objectClass=pkiRange)",
	    true },
	[REC_CLAIM] = { "cn", NULL, "ou=claims,ou=signet", "signetClaim",
	    "(objectClass=signetClaim)", false },
	[REC_HOST] = { "cn", NULL, "ou=hosts,ou=signet", "signetHost",
	    "(objectClass=signetHost)", false },
	[REC_SETTING] = { "cn", NULL, "ou=settings,ou=signet", "signetSetting",
	    "(objectClass=signetSetting)", false },
};

/* The generators of numbers: where nextRange lives, and below what the ranges
 * are. "%r" stands for the repository of the subsystem, "%s" for itself. */
static const struct generator {
	const char *id, *rdn_value, *parent, *ranges;
} generators[] = {
	{ "replica", "replica", "", "ou=replica,ou=ranges" },
	{ "request", "%s", "ou=requests", "ou=requests,ou=ranges" },
	{ "serial", "%r", "ou=%s", "ou=%r,ou=ranges" },
	{ "request_v2", "requests", "ou=ranges_v2",
	    "ou=requests,ou=ranges_v2" },
	{ "serial_v2", "%r", "ou=ranges_v2", "ou=%r,ou=ranges_v2" },
};

enum {
	N_GENERATORS = sizeof(generators) / sizeof(generators[0])
};

const struct kind_info *
kind_info(enum rec_kind k)
{
	return &kinds[k < REC_KINDS ? k : 0];
}

static enum rc
bad_id(enum rec_kind k, const char *id, struct err *e)
{
	return err_set(e, RC_INVALID,
	    "%s %.64s: id has not the form of its "
	    "kind",
	    rec_kind_text(k), id);
}

static const struct generator *
generator(struct view id)
{
	for (size_t i = 0; i < N_GENERATORS; i++)
		if (view_eq(id, view_str(generators[i].id)))
			return &generators[i];
	return NULL;
}

/* The part of an id behind its slash; NULL when that or the slash is missing,
 * or what is in front of it is not of the kind. */
static const char *
behind_slash(enum rec_kind k, const char *id)
{
	const char *slash = strchr(id, '/');
	struct view front;

	if (slash == NULL || slash == id || slash[1] == '\0')
		return NULL;
	front = view_of(id, (size_t)(slash - id));
	if (k == REC_RANGE && generator(front) == NULL)
		return NULL;
	for (size_t i = 0; k == REC_DOMAIN_HOST && i < front.len; i++)
		if (front.data[i] < 'A' || front.data[i] > 'Z')
			return NULL;
	return slash + 1;
}

static enum rc
number_rdn(struct buf *out, enum rec_kind k, const char *id, struct err *e)
{
	char text[NUM_TEXT_MAX];
	struct num n;
	enum rc rc = num_parse(&n, id, true, e);

	if (rc != RC_OK)
		return err_prefix(e, "%s", rec_kind_text(k));
	if (strcmp(num_hex(text, &n), id) != 0)
		return err_set(e, RC_INVALID, "%s %.64s: id is not plain hex",
		    rec_kind_text(k), id);
	buf_add_str(out, num_dec(text, &n));
	return buf_check(out, e);
}

enum rc
kind_rdn_value(struct buf *out, enum rec_kind k, const char *id, struct err *e)
{
	const char *text = id;

	if (id == NULL || id[0] == '\0' || strlen(id) > REC_ID_MAX)
		return err_set(e, RC_INVALID, "%s: id empty or too long",
		    rec_kind_text(k));
	if (kind_info(k)->number_attr != NULL)
		return number_rdn(out, k, id, e);
	if (k == REC_DOMAIN_HOST || k == REC_RANGE)
		text = behind_slash(k, id);
	else if (k == REC_COUNTER && generator(view_str(id)) == NULL)
		text = NULL;
	if (text == NULL)
		return bad_id(k, id, e);
	buf_add_str(out, text);
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

/* --- places -------------------------------------------------------------- */

static void
fill(struct buf *out, const char *text, const char *subsystem)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (p[0] != '%') {
			buf_add_char(out, *p);
			continue;
		}
		if (*++p == 's')
			buf_add_str(out, subsystem);
		else
			buf_add_str(out,
			    strcmp(subsystem, "kra") == 0
				? "keyRepository"
				: "certificateRepository");
	}
}

enum rc
kind_place(struct buf *rdn_value, struct buf *parent, enum rec_kind k,
    const char *id, const char *subsystem, struct err *e)
{
	const struct generator *g;
	const char *slash;
	enum rc rc;

	if (id == NULL)
		return bad_id(k, "", e);
	if (k == REC_COUNTER && (g = generator(view_str(id))) != NULL) {
		fill(rdn_value, g->rdn_value, subsystem);
		fill(parent, g->parent, subsystem);
		return buf_check(parent, e);
	}
	if ((rc = kind_rdn_value(rdn_value, k, id, e)) != RC_OK)
		return rc;
	slash = strchr(id, '/');
	if (k == REC_RANGE) {
		g = generator(view_of(id, (size_t)(slash - id)));
		fill(parent, g->ranges, subsystem);
		return buf_check(parent, e);
	}
	if (k == REC_DOMAIN_HOST)
		buf_addf(parent, "cn=%.*sList,", (int)(slash - id), id);
	fill(parent, kind_info(k)->container, subsystem);
	return buf_check(parent, e);
}

/* RANGE and COUNTER: the generator whose place that is. */
static const char *
generator_at(enum rec_kind k, struct view rdn_value, const char *parent,
    const char *subsystem)
{
	for (size_t i = 0; i < N_GENERATORS; i++) {
		AUTO_BUF value = buf_empty(0);
		AUTO_BUF place = buf_empty(0);

		fill(&value, generators[i].rdn_value, subsystem);
		fill(&place,
		    k == REC_RANGE ? generators[i].ranges
				   : generators[i].parent,
		    subsystem);
		if (text_ieq(buf_cstr(&place), parent) &&
		    (k == REC_RANGE ||
			value_equal("ou", buf_view(&value), rdn_value)))
			return generators[i].id;
	}
	return NULL;
}

enum rc
kind_id_at(struct buf *out, enum rec_kind k, struct view rdn_value,
    const char *parent, const char *subsystem, struct err *e)
{
	const char *front;
	size_t len;

	if (!kind_info(k)->scattered)
		return kind_id(out, k, rdn_value, e);
	if (rdn_value.len == 0 || rdn_value.len > REC_ID_MAX / 2)
		return err_set(
		    e, RC_INVALID, "%s: unusable entry name", rec_kind_text(k));
	if (k == REC_DOMAIN_HOST) {
		len = strcspn(parent, ",");
		if (len < strlen("cn=XList") || parent[len] != ',' ||
		    strncasecmp(parent, "cn=", 3) != 0 ||
		    strncasecmp(parent + len - 4, "List", 4) != 0 ||
		    !text_ieq(parent + len + 1, kind_info(k)->container))
			return err_set(e, RC_INVALID,
			    "%s: stands in no list of the security domain",
			    rec_kind_text(k));
		buf_add(out, parent + 3, len - strlen("cn=List"));
	} else {
		front = generator_at(k, rdn_value, parent, subsystem);
		if (front == NULL)
			return err_set(e, RC_INVALID,
			    "%s: stands below no generator of numbers",
			    rec_kind_text(k));
		buf_add_str(out, front);
	}
	if (k != REC_COUNTER) {
		buf_add_char(out, '/');
		buf_add_view(out, rdn_value);
	}
	return buf_check(out, e);
}
