/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - servlets for programs: answers and install tokens.
 * Owns:    nothing beyond a call.
 * Trusts:  element names (constants); no text.
 * Threads: workers. */
#include "ca/program.h"

#include "base/log.h"
#include "base/xml.h"

void
program_xml(struct http_call *c, const struct buf *elements)
{
	__attribute__((cleanup(buf_wipe))) struct buf b = buf_empty(XML_MAX);
	struct err e;

	buf_add_str(&b,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n");
	xml_open(&b, "XMLResponse");
	buf_add_view(&b, buf_view(elements));
	xml_close(&b, "XMLResponse");
	if (buf_check(elements, &e) != RC_OK || buf_check(&b, &e) != RC_OK)
		api_fail(c, e.rc, &e);
	else
		http_reply(c, 200, "application/xml", buf_view(&b));
}

void
program_json(struct http_call *c, json_t *o)
{
	api_json(c, 200, json_pack("{s:o}", "Response", o));
}

void
program_fail_xml(
    struct http_call *c, int status, const char *text, const char *reason)
{
	AUTO_BUF b = buf_empty(XML_MAX);

	xml_textf(&b, "Status", "%d", status);
	xml_text(&b, "Error", text);
	if (reason != NULL)
		xml_text(&b, "Reason", reason);
	program_xml(c, &b);
}

void
program_fail_json(struct http_call *c, int status, const char *text)
{
	program_json(c,
	    json_pack("{s:o,s:s}", "Status", json_sprintf("%d", status),
		"Error", text));
}

void
program_caller_done(struct program_caller *p)
{
	principal_free(p->who);
	p->who = NULL;
}

const char *
program_reason(enum rc rc)
{
	return rc == RC_NOTFOUND ? "unknown" : "refused";
}

static void
refuse(struct http_call *c, int status, const char *text, const char *reason,
    const struct program_words *words)
{
	if (words->json)
		program_fail_json(c, status, text);
	else
		program_fail_xml(c, status, text, reason);
}

static enum rc
authenticate(
    struct http_call *c, struct program_caller *out, bool fresh, struct err *e)
{
	const char *token = http_arg(c, "sessionID");
	enum rc rc;

	if (token == NULL || token[0] == '\0')
		return err_set(e, RC_AUTH, "no install token was shown");
	rc = ca_domain_token(api_ca(c), &out->session, token, c->peer, e);
	if (rc == RC_OK && fresh)
		rc = ca_domain_unspent(&out->session, e);
	if (rc == RC_OK &&
	    (out->who = ca_domain_principal(&out->session)) == NULL)
		rc = err_set(e, RC_NOMEM, "install token");
	return rc;
}

bool
program_enter(struct http_call *c, struct program_caller *out,
    const char *resource, const char *op, bool fresh,
    const struct program_words *words)
{
	struct ca *ca = api_ca(c);
	struct err e = { RC_OK, "" };
	enum rc rc = authenticate(c, out, fresh, &e);

	if (rc != RC_OK) {
		/* the operator of this side finds the cause in the log */
		log_warning("ca", "%s: %s, continuing", c->path, e.text);
		refuse(c, PROGRAM_AUTH, words->auth, program_reason(rc), words);
		return false;
	}
	rc = ca_allowed(ca, out->who, c->peer, resource, op, &e);
	if (rc == RC_OK)
		return true;
	rc_ignore(audit_event(ca->audit,
	    AUDIT_ENTRY("AUTHZ", out->who->uid, false, "authorization failure",
		{ "aclResource", resource }, { "Op", op }),
	    NULL)); /* a failed audit log stops the CA in tick */
	refuse(c, PROGRAM_FAILED,
	    rc == RC_DENIED || rc == RC_AUTH ? words->denied : words->trouble,
	    NULL, words);
	return false;
}
