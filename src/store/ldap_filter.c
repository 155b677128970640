/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_filter.c - the part of a filter that the directory has indexes for (spec
 * directory 3.1). The server would scan for the rest and say so in its log
 * (notes=U); the records that the indexed part finds are matched here instead.
 * Owns:    a constant table.
 * Trusts:  nothing from outside.
 * Threads: any. */
#include "store/ldap_int.h"

enum {
	IX_EQ = 1,
	IX_PRES = 2,
	IX_SUB = 4,
};

/* What deploy/ sets up, and what every server has. */
static const struct {
	const char *attr;
	unsigned types;
} indexes[] = {
	{ "objectClass", IX_EQ },
	{ "cn", IX_EQ | IX_PRES | IX_SUB },
	{ "uid", IX_EQ },
	{ "uniqueMember", IX_EQ },
	{ "seeAlso", IX_EQ },
	{ "revokedBy", IX_EQ },
	{ "issuedBy", IX_EQ },
	{ "publicKeyData", IX_EQ },
	{ "clientId", IX_EQ },
	{ "dataType", IX_EQ },
	{ "status", IX_EQ },
	{ "description", IX_EQ | IX_PRES },
	{ "serialno", IX_EQ | IX_PRES },
	{ "metaInfo", IX_EQ | IX_PRES },
	{ "certStatus", IX_EQ | IX_PRES },
	{ "requestId", IX_EQ | IX_PRES },
	{ "requestType", IX_EQ | IX_PRES },
	{ "requestState", IX_EQ | IX_PRES },
	{ "requestOwner", IX_EQ | IX_PRES },
	{ "notBefore", IX_EQ | IX_PRES },
	{ "notAfter", IX_EQ | IX_PRES },
	{ "duration", IX_EQ | IX_PRES },
	{ "dateOfCreate", IX_EQ | IX_PRES },
	{ "revokedOn", IX_EQ | IX_PRES },
	{ "archivedBy", IX_EQ | IX_PRES },
	{ "ownerName", IX_EQ | IX_PRES | IX_SUB },
	{ "subjectName", IX_EQ | IX_PRES | IX_SUB },
	{ "requestSourceId", IX_EQ | IX_PRES | IX_SUB },
	{ "revInfo", IX_EQ | IX_PRES | IX_SUB },
	{ "extension", IX_EQ | IX_PRES | IX_SUB },
	{ "issuerName", IX_EQ | IX_PRES | IX_SUB },
};

static bool
leaf_indexed(const struct filter *f)
{
	unsigned need = f->op == FILTER_PRESENT ? IX_PRES
	    : f->op == FILTER_SUBSTRING         ? IX_SUB
						: IX_EQ;

	for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++)
		if (text_ieq(indexes[i].attr, f->attr))
			return (indexes[i].types & need) != 0;
	return false;
}

/* NOLINTBEGIN(misc-no-recursion): no tree is deeper than FILTER_DEPTH_MAX */
static bool
indexed(const struct filter *f)
{
	if (f->child == NULL)
		return leaf_indexed(f);
	for (size_t i = 0; i < f->n; i++)
		if (!indexed(f->child[i]))
			return false;
	return true;
}

/* Every part that must hold by itself and has indexes; false: there are
 * others. */
static bool
add_indexed(struct buf *out, const struct filter *f)
{
	bool all = true;

	if (indexed(f)) {
		filter_text(f, out);
		return true;
	}
	for (size_t i = 0; f->op == FILTER_AND && i < f->n; i++)
		all &= add_indexed(out, f->child[i]);
	return all && f->op == FILTER_AND;
}
/* NOLINTEND(misc-no-recursion) */

bool
dir_filter(struct buf *out, enum rec_kind k, const struct filter *f)
{
	bool all;

	if (f == NULL) {
		buf_add_str(out, kind_info(k)->present);
		return true;
	}
	buf_addf(out, "(&%s", kind_info(k)->present);
	all = add_indexed(out, f);
	buf_add_char(out, ')');
	return all;
}
