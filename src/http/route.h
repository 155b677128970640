/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - the table of routes: a trie over path segments. Built before any
 * net thread sees it, read by all of them afterwards. Internal to http/. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "http/server.h"

enum {
	ROUTE_DEPTH_MAX = 24, /* segments of a pattern */
	ROUTE_PARAMS_MAX = 8
};

/* One added route, the table's own copy. */
struct route {
	struct http_route r;
	void *arg;
	char *params[ROUTE_PARAMS_MAX]; /* names of its {names} in order */
	size_t n_params;
	struct route *next; /* all routes of the table */
};

struct routes;

/* An empty table; NULL when memory is out. */
struct routes *routes_new(void);
void routes_free(struct routes *t);
OWNED(routes)

/* Copies r into the table. RC_INVALID for a bad pattern, RC_EXISTS when a
 * method of it is taken, RC_NOMEM. */
MUST enum rc routes_add(
    struct routes *t, const struct http_route *r, void *arg, struct err *e);

/* t, which nobody reads yet, takes older over (freed with it): a path of which t
 * knows nothing is looked for there. */
void routes_join(struct routes *t, struct routes *older);

struct route_match {
	const struct route *route; /* NULL = none */
	unsigned allowed;          /* methods that any match of the path has */
	struct view values[ROUTE_PARAMS_MAX]; /* into path */
};
/* Finds the route of a decoded path. Fixed segments win over {names}, these
 * over "*"; HEAD falls back on GET; a trailing slash that no pattern has is
 * overlooked. */
void routes_find(const struct routes *t, struct route_match *out,
    enum http_method method, const char *path);

#endif
