/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h - search filters in the text form of RFC 4515, over attributes of
 * records: & | ! = >= <= =* and substrings. Comparison is the directory's:
 * DirectoryString without regard to case, order as strings (hence prefixed
 * decimals). One evaluator for LMDB and the simulator; the LDAP back-end sends
 * the text. */
#ifndef STORE_FILTER_H
#define STORE_FILTER_H

#include "store/record.h"

struct filter;

enum {
	FILTER_DEPTH_MAX = 16,
	FILTER_TEXT_MAX = 16384
};

/* Parses RFC 4515 text. RC_INVALID, RC_TOOBIG. */
MUST enum rc filter_parse(struct filter **out, const char *text, struct err *e);
void filter_free(struct filter *f);
OWNED(filter)
/* Does the record match? */
bool filter_match(const struct filter *f, const struct rec *r);
/* Appends the text form with all values escaped. */
void filter_text(const struct filter *f, struct buf *out);
/* Escapes a value for use inside a filter text; appends. */
void filter_escape(struct buf *out, struct view value);

/* For back-ends that choose an index. */
enum filter_op {
	FILTER_AND,
	FILTER_OR,
	FILTER_NOT,
	FILTER_EQ,
	FILTER_GE,
	FILTER_LE,
	FILTER_PRESENT,
	FILTER_SUBSTRING, /* parts: initial, any..., final; empty = absent */
};
enum filter_op filter_op(const struct filter *f);
size_t filter_children(const struct filter *f);
const struct filter *filter_child(const struct filter *f, size_t i);
const char *filter_attr(const struct filter *f);
struct view filter_value(const struct filter *f);

#endif
