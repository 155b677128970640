/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_domain.c - the security domain's servlets: getDomainXML,
 * tokenAuthenticate, updateDomainXML, registerUser (spec deployment 3.8, 8.2,
 * 8.3).
 * Owns:    nothing beyond a call.
 * Trusts:  nothing of a request.
 * Threads: workers. */
#include "auth/user.h"
#include "base/log.h"
#include "base/xml.h"
#include "ca/program.h"
#include "store/filter.h"

#define RESOURCE "certServer.securitydomain.domainxml"

/* --- getDomainXML ------------------------------------------------------------------ */

struct listing {
	struct buf *b;
	int at; /* of domain_types: the list that is open */
	int n;  /* members in it */
};

static void
list_close(struct listing *l)
{
	AUTO_BUF name = buf_empty(0);

	buf_addf(&name, "%sList", domain_types[l->at]);
	xml_textf(l->b, "SubsystemCount", "%d", l->n);
	xml_close(l->b, buf_cstr(&name));
}

static void
list_open(struct listing *l, int at)
{
	AUTO_BUF name = buf_empty(0);

	buf_addf(&name, "%sList", domain_types[at]);
	xml_open(l->b, buf_cstr(&name));
	l->at = at;
	l->n = 0;
}

/* Members come in the order of domain_types; a type without any has a list
 * too. */
static bool
list_host(void *arg, const struct domain_host *h)
{
	struct listing *l = arg;
	AUTO_BUF id = buf_empty(0);

	while (strcmp(domain_types[l->at], h->type) != 0) {
		list_close(l);
		list_open(l, l->at + 1);
	}
	l->n++;
	domain_host_id(&id, h);
	xml_open(l->b, h->type);
	xml_text(l->b, "Host", h->name);
	if (h->plain > 0)
		xml_textf(l->b, "UnSecurePort", "%d", h->plain);
	xml_textf(l->b, "SecurePort", "%d", h->secure);
	xml_textf(l->b, "SecureEEClientAuthPort", "%d", h->client_auth);
	xml_textf(l->b, "SecureAgentPort", "%d", h->agent);
	xml_textf(l->b, "SecureAdminPort", "%d", h->admin);
	xml_text(l->b, "Clone", h->clone ? "TRUE" : "FALSE");
	xml_text(l->b, "SubsystemName",
	    h->label[0] != '\0' ? h->label : buf_cstr(&id));
	xml_text(l->b, "DomainManager", h->manager ? "TRUE" : "FALSE");
	xml_close(l->b, h->type);
	return true;
}

static void
get_domain_xml(struct http_call *c)
{
	AUTO_BUF doc = buf_empty(XML_MAX), out = buf_empty(XML_MAX);
	struct listing l = { .b = &doc };
	struct ca *ca = api_ca(c);
	struct err e = { RC_OK, "" };
	enum rc rc;

	xml_begin(&doc);
	xml_open(&doc, "DomainInfo");
	xml_text(&doc, "Name", ca_domain_name(ca));
	list_open(&l, 0);
	if ((rc = ca_domain_check(ca, &e)) == RC_OK)
		rc = domain_host_each(ca->store, list_host, &l, &e);
	while (l.at < DOMAIN_TYPES - 1) {
		list_close(&l);
		list_open(&l, l.at + 1);
	}
	list_close(&l);
	xml_close(&doc, "DomainInfo");
	if (rc == RC_OK)
		rc = buf_check(&doc, &e);
	if (rc != RC_OK) {
		program_fail_xml(c, PROGRAM_FAILED, e.text, NULL);
		return;
	}
	xml_text(&out, "DomainInfo", buf_cstr(&doc));
	xml_text(&out, "Status", "0");
	program_xml(c, &out);
}

/* --- tokenAuthenticate --------------------------------------------------------------- */

/* A member of the domain asks what a token stands for that it was shown. Only
 * the manager answers: what a member would have to ask is not passed on. */
static void
token_authenticate(struct http_call *c)
{
	const char *token = http_arg(c, "sessionID"),
		   *host = http_arg(c, "hostname");
	AUTO_BUF b = buf_empty(XML_MAX);
	struct domain_session x;
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (token == NULL || token[0] == '\0') {
		program_fail_xml(c, PROGRAM_FAILED, "Missing session ID", NULL);
		return;
	}
	if (host == NULL || host[0] == '\0') {
		program_fail_xml(
		    c, PROGRAM_FAILED, "Missing client host", NULL);
		return;
	}
	if ((rc = ca_domain_check(api_ca(c), &e)) == RC_OK)
		rc = ca_domain_token(api_ca(c), &x, token, host, &e);
	if (rc != RC_OK) {
		log_warning("ca", "tokenAuthenticate: %s, continuing", e.text);
		program_fail_xml(c, PROGRAM_AUTH, "Authentication failed",
		    program_reason(rc));
		return;
	}
	xml_text(&b, "Status", "0");
	xml_text(&b, "uid", x.uid);
	xml_text(&b, "gid", x.group);
	/* members of ours hold the token to these */
	if (x.host[0] != '\0')
		xml_text(&b, "host", x.host);
	xml_text(&b, "spent", x.spent ? "true" : "false");
	program_xml(c, &b);
}

/* --- updateDomainXML ------------------------------------------------------------------ */

static bool
missing(const char *s)
{
	return s == NULL || s[0] == '\0';
}

static enum rc
read_port(struct http_call *c, const char *name, int *out, struct err *e)
{
	const char *s = http_arg(c, name);
	int64_t v;
	enum rc rc;

	if (missing(s))
		return RC_OK;
	if ((rc = text_int(&v, s, 1, 65535, e)) != RC_OK)
		return err_prefix(e, "%s", name);
	*out = (int)v;
	return RC_OK;
}

static bool
read_truth(struct http_call *c, const char *name)
{
	const char *s = http_arg(c, name);

	return s != NULL && text_bool(s);
}

static enum rc
read_member(struct http_call *c, struct domain_host *out, struct err *e)
{
	static const char *const needed[] = { "host", "name", "sport", "type" };
	AUTO_BUF none = buf_empty(0);
	struct domain_host h = { .manager = read_truth(c, "dm"),
		.clone = read_truth(c, "clone") };
	enum rc rc;

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (missing(http_arg(c, needed[i])))
			buf_addf(&none, " %s ", needed[i]);
	}
	if (none.len > 0)
		return err_set(e, RC_INVALID, "Missing required parameters: %s",
		    buf_cstr(&none));
	if (strlen(http_arg(c, "type")) >= sizeof(h.type) ||
	    strlen(http_arg(c, "host")) >= sizeof(h.name) ||
	    strlen(http_arg(c, "name")) >= sizeof(h.label))
		return err_set(e, RC_INVALID, "a parameter is too long");
	snprintf(h.type, sizeof(h.type), "%s", http_arg(c, "type"));
	snprintf(h.name, sizeof(h.name), "%s", http_arg(c, "host"));
	snprintf(h.label, sizeof(h.label), "%s", http_arg(c, "name"));
	if ((rc = read_port(c, "sport", &h.secure, e)) != RC_OK ||
	    (rc = read_port(c, "httpport", &h.plain, e)) != RC_OK ||
	    (rc = read_port(c, "agentsport", &h.agent, e)) != RC_OK ||
	    (rc = read_port(c, "adminsport", &h.admin, e)) != RC_OK ||
	    (rc = read_port(c, "eeclientauthsport", &h.client_auth, e)) !=
		RC_OK ||
	    (rc = domain_host_check(&h, e)) != RC_OK)
		return rc;
	*out = h;
	return RC_OK;
}

/* A token enters the host and the type of subsystem that it was drawn for. */
static enum rc
check_bound(
    const struct domain_session *x, const struct domain_host *h, struct err *e)
{
	char group[DOMAIN_GROUP_MAX];

	snprintf(group, sizeof(group), "Enterprise %s Administrators", h->type);
	if (!text_ieq(group, x->group))
		return err_set(e, RC_DENIED,
		    "the install token is not for a %s subsystem", h->type);
	if (x->host[0] != '\0' && !text_ieq(x->host, h->name))
		return err_set(e, RC_DENIED,
		    "the install token is for host %.100s, not %.100s", x->host,
		    h->name);
	return RC_OK;
}

/* Enters the member, or takes it out; then the token is spent. x is NULL for a
 * caller with a certificate. */
static void
update(struct http_call *c, const struct domain_session *x, const char *who)
{
	const char *operation = http_arg(c, "operation");
	struct ca *ca = api_ca(c);
	AUTO_BUF b = buf_empty(XML_MAX);
	struct domain_host h;
	struct err e = { RC_OK, "" };
	bool leave = operation != NULL && strcmp(operation, "remove") == 0;
	enum rc rc;

	if ((rc = ca_domain_check(ca, &e)) == RC_OK &&
	    (rc = read_member(c, &h, &e)) == RC_OK && x != NULL)
		rc = check_bound(x, &h, &e);
	if (rc == RC_OK && leave)
		rc = ca_domain_remove(ca, &h, who, &e);
	else if (rc == RC_OK &&
	    (rc = ca_domain_put(ca, &h, who, &e)) == RC_OK && x != NULL &&
	    x->host[0] != '\0')
		rc = domain_session_spend(
		    ca->store, http_arg(c, "sessionID"), &e);
	if (rc != RC_OK) {
		program_fail_xml(c, PROGRAM_FAILED, e.text, NULL);
		return;
	}
	xml_text(&b, "Status", "0");
	program_xml(c, &b);
}

static void
update_by_token(struct http_call *c)
{
	static const struct program_words words = { "Not authenticated",
		"Not authorized", "Encountered problem during authorization.",
		false };
	AUTO_CALLER caller = { .who = NULL };

	if (program_enter(c, &caller, RESOURCE, "modify", false, &words))
		update(c, &caller.session, caller.who->uid);
}

static void
update_by_certificate(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct err e = { RC_OK, "" };
	enum rc rc = api_caller(c, &p, &e);

	if (rc != RC_OK || p == NULL) {
		program_fail_xml(c, PROGRAM_AUTH, "Not authenticated", NULL);
		return;
	}
	if (ca_allowed(api_ca(c), p, c->peer, RESOURCE, "modify", &e) !=
	    RC_OK) {
		program_fail_xml(c, PROGRAM_FAILED, "Not authorized", NULL);
		return;
	}
	update(c, NULL, p->uid);
}

/* --- registerUser ---------------------------------------------------------------------- */

static bool
take_uid(void *out, const struct rec *r)
{
	*(char **)out = strdup(r->id);
	return false;
}

/* The user that holds this certificate; *out NULL when there is none. */
static enum rc
holder(struct ca *ca, char **out, struct view der, struct err *e)
{
	AUTO_BUF id = buf_empty(8192), filter = buf_empty(FILTER_TEXT_MAX);
	struct query q = { .kind = REC_USER, .limit = 1 };
	enum rc rc;

	if (user_cert_id(&id, der, NULL) != RC_OK)
		return err_set(e, RC_INVALID, "Error: Certificate malformed");
	buf_add_str(&filter, "(description=");
	filter_escape(&filter, buf_view(&id));
	buf_add_char(&filter, ')');
	if ((rc = buf_check(&filter, e)) != RC_OK)
		return rc;
	q.filter = buf_cstr(&filter);
	return store_search(ca->store, &q, take_uid, out, e);
}

/* A user of that id is given a certificate only where that makes nobody an
 * administrator or auditor who showed an install token. */
static enum rc
check_user(struct ca *ca, const char *uid, struct err *e)
{
	AUTO(principal) p = NULL;
	enum rc rc = auth_again(ca->store, &p, uid, AUTH_CERTIFICATE, e);

	for (char **g = rc == RC_OK ? p->groups : NULL; g != NULL && *g != NULL;
	     g++)
		if (text_ends(*g, "Administrators") || text_ieq(*g, "Auditors"))
			return err_set(e, RC_DENIED,
			    "user %.64s is in the group %.64s: an install "
			    "token gives it no certificate; use pki "
			    "ca-user-cert-add",
			    uid, *g);
	return rc;
}

/* Finds or makes the user, gives it the certificate and the group. */
static enum rc
register_user(struct http_call *c, const char *group, struct err *e)
{
	const char *uid = http_arg(c, "uid"), *name = http_arg(c, "name"),
		   *text = http_arg(c, "certificate");
	struct ca *ca = api_ca(c);
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	AUTO_STR known = NULL;
	struct user u = { .uid = uid, .full_name = name, .state = "1" };
	enum rc rc;

	if (missing(uid) || missing(name) || missing(text))
		return err_set(e, RC_INVALID,
		    "Missing required parameters: uid, name and certificate");
	if (text_pem(&der, view_str(text), "CERTIFICATE", NULL) != RC_OK)
		return err_set(e, RC_INVALID, "Error: Certificate malformed");
	if ((rc = holder(ca, &known, buf_view(&der), e)) != RC_OK)
		return rc;
	if (known != NULL)
		uid = known;
	else if ((rc = user_add(ca->store, &u, e)) == RC_EXISTS)
		rc = check_user(ca, uid, e);
	if (rc != RC_OK)
		return rc;
	if ((rc = user_add_cert(ca->store, uid, buf_view(&der), e)) != RC_OK)
		return rc;
	return api_group_join(c, group, uid, e);
}

static void
register_with(struct http_call *c, const char *group)
{
	static const struct program_words words = { "Error: Not authenticated",
		"Error: Not authorized",
		"Error: Encountered problem during authorization.", false };
	const struct http_pair pairs[] = { { "group", group } };
	AUTO_CALLER caller = { .who = NULL };
	AUTO_BUF b = buf_empty(XML_MAX);
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!program_enter(c, &caller, "certServer.ca.registerUser", "modify",
		false, &words))
		return;
	rc = register_user(c, group, &e);
	api_audit_role(c, caller.who, rc, "users", "OP_ADD",
	    missing(http_arg(c, "uid")) ? "" : http_arg(c, "uid"), pairs, 1);
	if (rc != RC_OK) {
		program_fail_xml(c, PROGRAM_FAILED, e.text, NULL);
		return;
	}
	xml_text(&b, "Status", "0");
	program_xml(c, &b);
}

static void
register_agent(struct http_call *c)
{
	register_with(c, "Certificate Manager Agents");
}

static void
register_ra(struct http_call *c)
{
	register_with(c, "Registration Manager Agents");
}

enum {
	BOTH = HTTP_GET | HTTP_POST,
	SAFE = HTTP_TLS_ONLY | HTTP_SAME_ORIGIN
};
static const struct http_route items[] = {
	{ BOTH, "/ca/admin/ca/getDomainXML", get_domain_xml, HTTP_READ, 0, 0 },
	{ HTTP_POST, "/ca/admin/ca/tokenAuthenticate", token_authenticate,
	    HTTP_ADMIN, SAFE, 0 },
	{ HTTP_POST, "/ca/admin/ca/updateDomainXML", update_by_token,
	    HTTP_ADMIN, SAFE, 0 },
	{ HTTP_POST, "/ca/agent/ca/updateDomainXML", update_by_certificate,
	    HTTP_ADMIN, SAFE, 0 },
	{ HTTP_POST, "/ca/admin/ca/registerUser", register_agent, HTTP_ADMIN,
	    SAFE, 0 },
	{ HTTP_POST, "/ca/admin/ca/registerRaUser", register_ra, HTTP_ADMIN,
	    SAFE, 0 },
};
const struct api_routes servlet_domain_routes = { items,
	sizeof(items) / sizeof(items[0]) };
