/* SPDX-License-Identifier: Apache-2.0 */
/* api_selftests.c - the self tests over REST (spec ca 1.5).
 * Owns:    nothing.
 * Trusts:  nothing of a request.
 * Threads: workers. */
#include "ca/api.h"
#include "ca/selftests.h"

#define RESOURCE "certServer.ca.selftests"

static json_t *
info_json(struct ca *ca, size_t i)
{
	struct selftest_info x;

	selftest_info(ca, i, &x);
	return json_pack("{s:s,s:b,s:b,s:b,s:b}", "id", x.id,
	    "enabledAtStartup", x.at_start, "criticalAtStartup",
	    x.critical_at_start, "enabledOnDemand", x.on_demand,
	    "criticalOnDemand", x.critical_on_demand);
}

static json_t *
result_json(const struct selftest_result *r)
{
	return json_pack("{s:s,s:s,s:s}", "id", r->id, "status",
	    r->state == SELFTEST_PASSED ? "PASSED" : "FAILED", "output",
	    r->text);
}

static void
list_tests(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct api_slice page;

	if (!api_enter(c, RESOURCE, "read", &p) || !api_page_begin(c, &page))
		return;
	for (size_t i = 0; i < selftest_count(); i++) {
		json_t *o = info_json(api_ca(c), i);
		api_page_add(
		    &page, json_string_value(json_object_get(o, "id")), o);
	}
	api_page_reply(c, &page);
}

/* The test of the path; SIZE_MAX after a reply. */
static size_t
find_test(struct http_call *c)
{
	const char *id = http_param(c, "id");
	size_t i = selftest_find(id);

	if (i == SIZE_MAX)
		api_error(c, 404, NULL,
		    arena_printf(c->arena, "Selftest %.64s not found", id));
	return i;
}

static void
get_test(struct http_call *c)
{
	AUTO(principal) p = NULL;
	size_t i;

	if (api_enter(c, RESOURCE, "read", &p) &&
	    (i = find_test(c)) != SIZE_MAX)
		api_json(c, 200, info_json(api_ca(c), i));
}

static void
run_test(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct selftest_result r;
	size_t i;

	if (!api_enter(c, RESOURCE, "execute", &p) ||
	    (i = find_test(c)) == SIZE_MAX)
		return;
	selftest_run(api_ca(c), i, &r);
	selftest_audit(api_ca(c), p->uid, r.state == SELFTEST_PASSED);
	api_json(c, 200, result_json(&r));
}

/* All that are enabled on demand. */
static json_t *
run_all(struct http_call *c, const struct principal *p)
{
	struct ca *ca = api_ca(c);
	json_t *list = json_array();
	bool passed = true;

	for (size_t i = 0; i < selftest_count(); i++) {
		struct selftest_info info;
		struct selftest_result r;
		selftest_info(ca, i, &info);
		if (!info.on_demand)
			continue;
		selftest_run(ca, i, &r);
		passed = passed && r.state == SELFTEST_PASSED;
		json_array_append_new(list, result_json(&r));
	}
	selftest_audit(ca, p->uid, passed);
	return list;
}

static void
run_tests(struct http_call *c)
{
	AUTO(principal) p = NULL;

	if (api_enter(c, RESOURCE, "execute", &p))
		api_json(c, 200, json_pack("{s:o}", "entries", run_all(c, p)));
}

/* ?action=run: the old form, without results. */
static void
run_action(struct http_call *c)
{
	AUTO(principal) p = NULL;
	const char *action = http_query(c, "action");

	if (!api_enter(c, RESOURCE, "execute", &p))
		return;
	if (action == NULL || strcmp(action, "run") != 0) {
		api_error(c, 400, NULL, "action is run");
		return;
	}
	json_decref(run_all(c, p));
	http_reply(c, 204, NULL, view_of(NULL, 0));
}

enum {
	WRITE = HTTP_TLS_ONLY | HTTP_SAME_ORIGIN
};
static const struct http_route items[] = {
	{ HTTP_GET, "selftests", list_tests, HTTP_ADMIN, HTTP_TLS_ONLY, 0 },
	{ HTTP_POST, "selftests", run_action, HTTP_ADMIN, WRITE, 0 },
	{ HTTP_POST, "selftests/run", run_tests, HTTP_ADMIN, WRITE, 0 },
	{ HTTP_GET, "selftests/{id}", get_test, HTTP_ADMIN, HTTP_TLS_ONLY, 0 },
	{ HTTP_POST, "selftests/{id}/run", run_test, HTTP_ADMIN, WRITE, 0 },
};
const struct api_routes api_selftest_routes = { items,
	sizeof(items) / sizeof(items[0]) };
