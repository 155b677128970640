/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - the directory schema as one table (spec directory 1.2, 1.3):
 * which attributes and object classes there are, how their values compare, and
 * the definitions to load into a directory. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "base/buf.h"
#include "store/record.h"

enum syntax {
	SYNTAX_TEXT,    /* DirectoryString: no regard to case and blanks */
	SYNTAX_BINARY,  /* exact bytes */
	SYNTAX_OCTETS,  /* exact bytes */
	SYNTAX_INTEGER, /* decimal, numeric order */
	SYNTAX_BOOLEAN,
	SYNTAX_DN,
	SYNTAX_IA5,
	SYNTAX_TIME,  /* GeneralizedTime */
	SYNTAX_EXACT, /* DirectoryString with regard to case */
};

struct schema_attr {
	const char *name;
	enum syntax syntax;
	bool single;
	bool ours; /* to be loaded; false: part of every directory */
};
/* NULL when not in the table; options (";binary") are ignored. */
const struct schema_attr *schema_attr(const char *name);
/* SYNTAX_TEXT for names not in the table. */
enum syntax schema_syntax(const char *name);

/* The i-th attribute of the table; NULL past the end. */
const struct schema_attr *schema_attr_at(size_t i);
/* Appends the definition ("( certStatus-oid NAME ... )") of the i-th attribute
 * of ours / i-th object class; false past the end. */
bool schema_attr_text(struct buf *out, size_t i);
bool schema_class_text(struct buf *out, size_t i);

#endif
