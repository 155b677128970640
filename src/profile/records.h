/* SPDX-License-Identifier: Apache-2.0 */
/* records.h - inside the room: "Record #0" blocks, the text form in which
 * agents see lists (spec profiles 17). */
#ifndef PROFILE_RECORDS_H
#define PROFILE_RECORDS_H

#include "base/arena.h"
#include "profile/plugin.h"

enum {
	RECORD_FIELDS_MAX = 8,
};
struct record {
	const char *names[RECORD_FIELDS_MAX], *values[RECORD_FIELDS_MAX];
	size_t n;
};

/* The records of text whose Enable is true, in the arena. RC_INVALID "Missing
 * colon", "Bad Input Format"; more than NUMBERED_MAX records. */
MUST enum rc records_parse(struct record **out, size_t *n, const char *text,
    struct arena *a, struct err *e);
/* "" when absent. */
const char *record_field(const struct record *r, const char *name);

/* Appends "Record #i", a field, the end of a record. */
void record_begin(struct buf *out, size_t i);
void record_put(struct buf *out, const char *name, const char *value);
/* Type ("DNSName") and value of a general name as two fields. */
void record_put_gn(struct buf *out, const char *type_name,
    const char *value_name, const struct gn *g);
/* Enable:true and the blank line. */
void record_end(struct buf *out);

#endif
