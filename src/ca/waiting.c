/* SPDX-License-Identifier: Apache-2.0 */
/* waiting.c - what a CA answers while its directory is away since before the
 * start: OCSP "try later", the newest CRL of its own files, 503.
 * Owns:    nothing.
 * Trusts:  nothing of a request; the files are this host's own.
 * Threads: network threads; CRL files on workers. */
#include "ca/api.h"
#include "crl/crl_file.h"

enum {
	POINT_ID_MAX = 128,
	OCSP_ERROR_MAX = 16,
};

/* After a late start: a path that the CA does not know either. */
static bool
open_by_now(struct http_call *c)
{
	if (!subsystem_is_open(c->route_arg))
		return false;
	http_reply(c, 404, "text/plain", view_of(NULL, 0));
	return true;
}

static void
unavailable(struct http_call *c)
{
	char why[ERR_TEXT_MAX];

	if (open_by_now(c))
		return;
	subsystem_waits_for(c->route_arg, why, sizeof(why));
	http_reply_header(c, "Retry-After", "5");
	instance_http_error(c, 503, NULL, why);
}

static void
try_later(struct http_call *c)
{
	AUTO_BUF b = buf_empty(OCSP_ERROR_MAX);

	if (open_by_now(c))
		return;
	ocsp_error_put(&b, OCSP_TRY_LATER);
	http_reply(c, 200, "application/ocsp-response", buf_view(&b));
}

/* The list it delivered last; one that has another name has none. */
static const struct crl_file *
newest_crl(struct subsystem *s, const char *id)
{
	AUTO_STR dir = paths_crl(instance_paths(s->instance), "ca");
	const struct crl_file *f = NULL;
	AUTO_STR path = NULL;
	struct num number;

	if (dir == NULL || strlen(id) > POINT_ID_MAX ||
	    strchr(id, '/') != NULL ||
	    cfg_getf(s->cfg, "ca.crl.%s.enable", id) == NULL ||
	    crl_file_highest(&number, dir, id, NULL) != RC_OK ||
	    (path = crl_file_path(dir, id, &number)) == NULL ||
	    crl_file_open(&f, path, &number, 0, NULL) != RC_OK)
		return NULL;
	return f;
}

static void
get_crl(struct http_call *c)
{
	const char *op = http_arg(c, "op"),
		   *id = http_arg(c, "crlIssuingPoint");
	const struct crl_file *f;
	bool import = op != NULL && strcmp(op, "importCRL") == 0;

	if (open_by_now(c))
		return;
	if (op == NULL || id == NULL ||
	    (!import && strcmp(op, "getCRL") != 0) ||
	    (f = newest_crl(c->route_arg, id)) == NULL) {
		unavailable(c);
		return;
	}
	http_reply(c, 200,
	    import ? "application/x-pkcs7-crl" : "application/octet-stream",
	    f->der);
	crl_file_unref(f);
}

static void
get_status(struct http_call *c)
{
	char why[ERR_TEXT_MAX];

	if (open_by_now(c))
		return;
	subsystem_waits_for(c->route_arg, why, sizeof(why));
	servlet_status(c, why);
}

enum rc
ca_wait(struct subsystem *s, struct err *e)
{
	enum {
		ANY = HTTP_GET | HTTP_POST | HTTP_PUT | HTTP_DELETE | HTTP_PATCH
	};
	static const struct http_route items[] = {
		{ HTTP_POST, "/ca/ocsp", try_later, HTTP_INLINE, 0,
		    OCSP_REQUEST_MAX },
		{ HTTP_POST, "/ca/ee/ca/ocsp", try_later, HTTP_INLINE, 0,
		    OCSP_REQUEST_MAX },
		{ HTTP_GET, "/ca/ocsp/*", try_later, HTTP_INLINE, 0, 0 },
		{ HTTP_GET | HTTP_POST, "/ca/ee/ca/getCRL", get_crl, HTTP_OCSP,
		    0, 0 },
		{ HTTP_GET | HTTP_POST, "/ca/admin/ca/getStatus", get_status,
		    HTTP_INLINE, 0, 0 },
		{ ANY, "/ca/*", unavailable, HTTP_INLINE, 0, 0 },
	};

	return http_server_add(instance_http(s->instance), items,
	    sizeof(items) / sizeof(items[0]), s, e);
}
