/* SPDX-License-Identifier: Apache-2.0 */
/* filter_int.h - the tree behind struct filter (internal to store/). */
#ifndef STORE_FILTER_INT_H
#define STORE_FILTER_INT_H

#include "store/filter.h"
#include "store/schema.h"

struct filter_part {
	struct buf text; /* as written */
	struct buf norm; /* as it compares */
};
struct filter {
	enum filter_op op;
	struct filter **child; /* AND, OR, NOT */
	size_t n;
	char *attr; /* all others */
	enum syntax syntax;
	struct filter_part *part; /* the value; several: a substring */
	size_t n_parts;
};

/* Fills syntax and norm once attr and parts are known. */
MUST enum rc filter_prepare(struct filter *f, struct err *e);

/* Appends value in the form in which values of that syntax compare as bytes:
 * text in lower case, outer blanks gone, inner runs of blanks as one. Decimal
 * numbers become a sign, a length and digits, so that byte order is numeric
 * order. */
void value_norm(struct buf *out, enum syntax syntax, struct view value);

#endif
