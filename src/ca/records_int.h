/* SPDX-License-Identifier: Apache-2.0 */
/* records_int.h - what the files behind ca_records share. */
#ifndef CA_RECORDS_INT_H
#define CA_RECORDS_INT_H

#include "ca/records.h"

/* A member of args that is a string, or NULL. */
static inline const char *
records_arg(const json_t *args, const char *name)
{
	return json_string_value(json_object_get(args, name));
}

/* The commands cert-add, request-add, profile-add and profile-mod
 * (ca/records.h). */
MUST enum rc records_cert_add(
    struct store *s, const json_t *args, struct buf *out, struct err *e);
MUST enum rc records_request_add(
    struct store *s, const json_t *args, struct buf *out, struct err *e);
MUST enum rc records_profile_add(
    struct store *s, const json_t *args, struct buf *out, struct err *e);
MUST enum rc records_profile_mod(
    struct store *s, const json_t *args, struct buf *out, struct err *e);

#endif
