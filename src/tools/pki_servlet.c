/* SPDX-License-Identifier: Apache-2.0 */
/* pki_servlet.c - form posts to servlets.
 * Owns:    the JSON it hands out.
 * Trusts:  nothing of the server; no entities, no network.
 * Threads: none. */
#include "tools/pki_servlet.h"

enum rc
form_add_session(struct buf *form, const struct args *a, struct err *e)
{
	AUTO(secret) token = NULL;
	enum rc rc;

	form_add(form, "sessionID", args_get(a, "session"));
	if (!args_has(a, "install-token"))
		return RC_OK;
	rc = secret_read_file(&token, args_get(a, "install-token"), e);
	if (rc == RC_OK)
		form_add(form, "sessionID", secret_cstr(token));
	return rc;
}

enum rc
servlet_post(struct pki *p, const char *path, const struct buf *form,
    json_t **out, struct err *e)
{
	AUTO_BUF reply = buf_empty(0);
	AUTO_JSON o = NULL;
	int status = 0;
	enum rc rc = buf_check(form, e);

	if (rc != RC_OK)
		return rc;
	rc = rest_raw(p,
	    &(struct rest_call){ .method = "POST",
		.path = path,
		.type = "application/x-www-form-urlencoded",
		.accept = "application/json, application/xml",
		.body = buf_view(form) },
	    &reply, &status, e);
	if (rc != RC_OK)
		return rc;
	rc = answer_parse(&o, buf_view(&reply), e);
	if (status != 200 && rc != RC_OK)
		return err_set(e, status == 404 ? RC_NOTFOUND : RC_INTERNAL,
		    "%s: HTTP status %d", path, status);
	if (rc != RC_OK)
		return rc;
	if ((rc = answer_status(o, e)) != RC_OK)
		return rc;
	*out = json_incref(o);
	return RC_OK;
}
