/* SPDX-License-Identifier: Apache-2.0 */
/* health.c - /health as JSON and as a page.
 * Owns:    nothing.
 * Trusts:  nothing of a call.
 * Threads: network threads; what is asked has its own locks and waits for no
 *          disk, directory or token. */
#include "instance/health.h"

#include <jansson.h>

#include "base/text.h"
#include "base/xml.h"
#include "instance/audit.h"
#include "instance/highwater.h"

enum {
	WARNINGS_MAX = 4096,
	WARNING_LINES = 32,
	PAGE_MAX = 64 * 1024
};

/* What somebody should know though the subsystem serves; NULL = nothing. */
static json_t *
warnings_of(struct subsystem *s)
{
	AUTO_BUF b = buf_empty(WARNINGS_MAX);
	char why[ERR_TEXT_MAX], *lines[WARNING_LINES];
	json_t *list = NULL;
	AUTO_STR text = NULL;
	size_t n;

	if (s->highwater != NULL &&
	    highwater_restored(s->highwater, why, sizeof(why)))
		buf_addf(&b, "%s\n", why);
	if (s->cls->warnings != NULL && s->self != NULL)
		s->cls->warnings(s, &b);
	if (b.len == 0 || (text = buf_steal_str(&b)) == NULL)
		return NULL;
	n = text_split(text, "\n", lines, WARNING_LINES);
	for (size_t k = 0; k < n && k < WARNING_LINES; k++) {
		if (lines[k][0] == '\0')
			continue;
		list = list != NULL ? list : json_array();
		json_array_append_new(list, json_string(lines[k]));
	}
	return list;
}

/* Appends the state of one subsystem to checks; can it do its work? */
static bool
check(json_t *checks, struct subsystem *s)
{
	struct err e = { RC_OK, "" };
	char why[ERR_TEXT_MAX];
	bool restored;
	enum rc rc;

	if (!subsystem_is_open(s)) {
		subsystem_waits_for(s, e.text, sizeof(e.text));
		json_array_append_new(checks,
		    json_pack("{s:s,s:s,s:s}", "subsystem", s->name, "status",
			"waiting", "reason", e.text));
		return false;
	}
	rc = store_health(s->store, &e);
	if (rc == RC_OK)
		rc = audit_health(s->audit, &e);
	restored = s->highwater != NULL &&
	    highwater_restored(s->highwater, why, sizeof(why));
	json_array_append_new(checks,
	    json_pack("{s:s,s:s,s:s*,s:s*,s:o*}", "subsystem", s->name,
		"status", rc == RC_OK ? "ok" : "failing", "reason",
		rc == RC_OK ? NULL : e.text, "restored", restored ? why : NULL,
		"warnings", warnings_of(s)));
	return rc == RC_OK;
}

static const char *
member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

static void
add_page(struct buf *b, const json_t *o)
{
	json_t *c, *w;
	size_t i, k;

	buf_addf(b,
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<title>Health: %s</title></head><body><h1>Health: %s</h1>\n<ul>",
	    member(o, "status"), member(o, "status"));
	json_array_foreach(json_object_get(o, "checks"), i, c)
	{
		buf_addf(b, "<li>%s: %s", member(c, "subsystem"),
		    member(c, "status"));
		if (member(c, "reason")[0] != '\0') {
			buf_add_str(b, ": ");
			xml_escape(b, member(c, "reason"));
		}
		buf_add_str(b, "<ul>");
		json_array_foreach(json_object_get(c, "warnings"), k, w)
		{
			buf_add_str(b, "<li>");
			xml_escape(b, json_string_value(w));
		}
		buf_add_str(b, "</ul>\n");
	}
	buf_add_str(b, "</ul></body></html>\n");
}

void
health_reply(struct instance *i, struct http_call *c)
{
	const char *accept = http_header(c, "Accept");
	AUTO_BUF page = buf_empty(PAGE_MAX);
	json_t *checks = json_array(), *o;
	struct subsystem *s;
	bool ok = true;
	char *text;

	for (size_t k = 0; (s = instance_subsystem_at(i, k)) != NULL; k++)
		ok = check(checks, s) && ok;
	o = json_pack(
	    "{s:s,s:o}", "status", ok ? "ok" : "failing", "checks", checks);
	/* only browsers name HTML */
	if (accept != NULL && strstr(accept, "text/html") != NULL) {
		add_page(&page, o);
		http_reply(c, ok ? 200 : 503, "text/html; charset=utf-8",
		    buf_view(&page));
		json_decref(o);
		return;
	}
	text = json_dumps(o, JSON_COMPACT);
	http_reply(c, ok ? 200 : 503, "application/json",
	    view_str(text != NULL ? text : "{}"));
	free(text);
	json_decref(o);
}
