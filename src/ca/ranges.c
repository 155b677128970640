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

/* This host's legacy2 ranges, numbers as JSON integers. */
struct listing {
	const struct range_owner *owner;
	const char *name;
	json_t *list;
};

static bool
add_entry(void *arg, const struct rec *r)
{
	struct listing *l = arg;
	const char *host = rec_str(r, "host"), *port = rec_str(r, "SecurePort"),
		   *begin = rec_str(r, "beginRange"),
		   *end = rec_str(r, "endRange");
	size_t n = strlen(l->name);
	int64_t from, to;

	if (strncmp(r->id, l->name, n) != 0 || r->id[n] != '/' ||
	    host == NULL || port == NULL || begin == NULL || end == NULL ||
	    !text_ieq(host, l->owner->host) ||
	    strcmp(port, l->owner->port) != 0 ||
	    text_int(&from, begin, 0, INT64_MAX, NULL) != RC_OK ||
	    text_int(&to, end, 0, INT64_MAX, NULL) != RC_OK)
		return true;
	json_array_append_new(l->list,
	    json_pack(
		"{s:I,s:I}", "begin", (json_int_t)from, "end", (json_int_t)to));
	return true;
}

static enum rc
list_ranges(const struct range_set *set, const struct range_owner *owner,
    struct buf *out, struct err *e)
{
	struct listing l = { owner, range_name(set->kind, set->form),
		json_array() };
	struct query q = { .kind = REC_RANGE };
	enum rc rc = store_search(set->store, &q, add_entry, &l, e);
	char *text = rc == RC_OK ? json_dumps(l.list, JSON_COMPACT) : NULL;

	json_decref(l.list);
	if (rc != RC_OK)
		return rc;
	buf_add_str(out, text != NULL ? text : "[]");
	free(text);
	return buf_check(out, e);
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

	if (owner.host == NULL || owner.port == NULL)
		return err_set(e, RC_USAGE, "host or port is missing");
	if ((rc = read_set(&set, s, args, "legacy2", e)) != RC_OK ||
	    (rc = read_next(args, &next, e)) != RC_OK)
		return rc;
	rc = range_convert(&set, &owner, next, e);
	return rc == RC_OK ? list_ranges(&set, &owner, out, e) : rc;
}
