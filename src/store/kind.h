/* SPDX-License-Identifier: Apache-2.0 */
/* kind.h - what the back-ends know about each kind of record (internal to
 * store/): its naming attribute, whether its ids are numbers, where its
 * entries stand in a directory (spec directory 2.2). */
#ifndef STORE_KIND_H
#define STORE_KIND_H

#include "store/record.h"

struct kind_info {
	const char *rdn;         /* naming attribute */
	const char *number_attr; /* "serialno" ...: the id as prefixed decimal;
				  * NULL when ids are text */
	const char *container;   /* below the base; "" = the base itself;
				  * "%s" stands for the subsystem */
	const char *classes;     /* blank-separated, without "top" */
	const char *present;     /* filter that every entry of the kind meets */
	bool scattered;          /* not all directly in the container */
};
/* The row of a kind, never NULL. */
const struct kind_info *kind_info(enum rec_kind k);

/* Text of the RDN value: decimal for numbers, else the id. RC_INVALID when a
 * number id is not lower-case hex without leading zeros, or an id has not the
 * form of its kind ("CA/host:8443", "serial/19"). */
MUST enum rc kind_rdn_value(
    struct buf *out, enum rec_kind k, const char *id, struct err *e);
/* The other way round, for kinds whose entries are not scattered. */
MUST enum rc kind_id(
    struct buf *out, enum rec_kind k, struct view rdn_value, struct err *e);

/* Where the entry of a record stands in the directory of a subsystem ("ca"):
 * its RDN value, unescaped, and the DN of its parent below the base ("" = the
 * base itself). RC_INVALID as kind_rdn_value. */
MUST enum rc kind_place(struct buf *rdn_value, struct buf *parent,
    enum rec_kind k, const char *id, const char *subsystem, struct err *e);
/* The other way round: the id of the entry with that RDN value below that
 * parent. RC_INVALID when no record of the kind stands there. */
MUST enum rc kind_id_at(struct buf *out, enum rec_kind k, struct view rdn_value,
    const char *parent, const char *subsystem, struct err *e);

#endif
