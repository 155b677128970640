/* SPDX-License-Identifier: Apache-2.0 */
/* ranges.c - number ranges as pki-server prepares and converts them.
 * Owns:    nothing.
 * Trusts:  its caller for authorisation.
 * Threads: any. */
#include "ca/ranges.h"

static enum rc
read_set(struct range_set *out, struct store *s, const json_t *args,
    const char *form, struct err *e)
{
	static const char *const kinds[RANGE_KINDS] = {
		[RANGE_REQUEST] = "request",
		[RANGE_SERIAL] = "serial",
		[RANGE_REPLICA] = "replica",
	};
	const char *kind = json_string_value(json_object_get(args, "kind"));

	out->store = s;
	out->form = form != NULL && strcmp(form, "legacy2") == 0 ? RANGE_LEGACY2
								 : RANGE_LEGACY;
	for (size_t k = 0; kind != NULL && k < RANGE_KINDS; k++) {
		if (strcmp(kind, kinds[k]) == 0) {
			out->kind = (enum range_kind)k;
			return RC_OK;
		}
	}
	return err_set(e, RC_USAGE, "kind is request, serial or replica");
}

static enum rc
read_next(const json_t *args, uint64_t *out, struct err *e)
{
	const char *text = json_string_value(json_object_get(args, "next"));
	int64_t v;
	enum rc rc;

	if (text == NULL)
		return err_set(e, RC_USAGE, "next is missing");
	rc = text_int(&v, text, 1, INT64_MAX, e);
	if (rc == RC_OK)
		*out = (uint64_t)v;
	return rc;
}

enum rc
ca_range_init(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *form = json_string_value(json_object_get(args, "form"));
	struct range_set set;
	uint64_t next;
	enum rc rc;

	(void)out;
	if ((rc = read_set(&set, s, args, form, e)) != RC_OK ||
	    (rc = read_next(args, &next, e)) != RC_OK)
		return rc;
	return range_counter_init(&set, next, e);
}

enum rc
ca_range_convert(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	struct range_owner owner = {
		json_string_value(json_object_get(args, "host")),
		json_string_value(json_object_get(args, "port")),
	};
	struct range_set set;
	uint64_t next;
	enum rc rc;

	(void)out;
	if (owner.host == NULL || owner.port == NULL)
		return err_set(e, RC_USAGE, "host or port is missing");
	if ((rc = read_set(&set, s, args, "legacy2", e)) != RC_OK ||
	    (rc = read_next(args, &next, e)) != RC_OK)
		return rc;
	return range_convert(&set, &owner, next, e);
}
