/* SPDX-License-Identifier: Apache-2.0 */
/* domain_client.c - calls of an installing subsystem, REST and servlets.
 * Owns:    one HTTP client; wipes forms and answers, which hold tokens and
 *          passwords.
 * Trusts:  the server's certificate only when it chains to the given CAs;
 *          nothing of an answer.
 * Threads: one at a time. */
#include "domain/domain_client.h"

#include <time.h>

#include "base/clock.h"
#include "domain/answer.h"
#include "domain/xmlin.h"

enum {
	ANSWER_MAX = 16 * 1024 * 1024,
	FORM_MAX = 4 * 1024 * 1024,
	RETRY_MS = 250,
	URL_MAX = 4096
};

struct domain_client {
	struct domain_client_params p;
	struct http_client *http;
	char *url;
};

#define FORM_TYPE "application/x-www-form-urlencoded"
#define AUTO_FORM __attribute__((cleanup(buf_wipe))) struct buf

static enum rc
new_http(struct http_client **out, const struct domain_client *c,
    const char *user, const struct secret *password, struct err *e)
{
	struct http_client_params p = { .key = c->p.key,
		.chain = c->p.chain,
		.n_chain = c->p.n_chain,
		.cas = c->p.cas,
		.n_cas = c->p.n_cas,
		.user = user,
		.password = password,
		.timeout_ms = c->p.timeout_ms };

	return http_client_new(out, &p, e);
}

enum rc
domain_client_new(struct domain_client **out,
    const struct domain_client_params *p, struct err *e)
{
	AUTO(domain_client) c = NULL;
	size_t n;
	enum rc rc;

	if (!text_starts(p->url, "https://"))
		return err_set(e, RC_INVALID,
		    "%.100s: tokens and settings travel by https only", p->url);
	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->url = strdup(p->url)) == NULL)
		return err_set(e, RC_NOMEM, "security domain");
	c->p = *p;
	if (c->p.patience_ms == 0)
		c->p.patience_ms = DOMAIN_PATIENCE_MS;
	n = strlen(c->url);
	if (c->url[n - 1] == '/')
		c->url[n - 1] = '\0';
	if ((rc = new_http(&c->http, c, NULL, NULL, e)) == RC_OK)
		*out = domain_client_steal(&c);
	return rc;
}

void
domain_client_free(struct domain_client *c)
{
	if (c == NULL)
		return;
	http_client_free(c->http);
	free(c->url);
	free(c);
}

/* --- one exchange --------------------------------------------------------------- */

/* The text of an error object, else the status. */
static enum rc
refusal(const struct domain_client *c, const struct http_exchange *x,
    const char *what, struct err *e)
{
	json_auto_t *o =
	    json_loadb((const char *)x->reply.data, x->reply.len, 0, NULL);
	const char *text = answer_text(o, "Message");
	enum rc rc = x->status == 401 ? RC_AUTH
	    : x->status == 403        ? RC_DENIED
	    : x->status == 404        ? RC_NOTFOUND
	    : x->status >= 500        ? RC_UNAVAILABLE
				      : RC_INVALID;

	if (text == NULL)
		text = answer_text(o, "message");
	if (text != NULL)
		return err_set(e, rc, "%s: %s: %s", c->url, what, text);
	return err_set(
	    e, rc, "%s: %s: HTTP status %d", c->url, what, x->status);
}

/* A GET whose answer must be JSON. The v2 paths first, then the older ones. */
static enum rc
get_json(const struct domain_client *c, struct http_client *http, json_t **out,
    const char *path, const char *what, struct err *e)
{
	static const char *const bases[] = { "/ca/v2/", "/ca/rest/" };
	enum rc rc = RC_NOTFOUND;

	for (size_t i = 0; i < 2 && rc == RC_NOTFOUND; i++) {
		AUTO_BUF url = buf_empty(URL_MAX);
		struct http_exchange x = { .method = "GET",
			.accept = "application/json",
			.reply = buf_empty(ANSWER_MAX) };

		buf_addf(&url, "%s%s%s", c->url, bases[i], path);
		if ((rc = buf_check(&url, e)) != RC_OK)
			return rc;
		x.url = buf_cstr(&url);
		rc = http_client_do(http, &x, e);
		if (rc == RC_OK && x.status / 100 != 2)
			rc = refusal(c, &x, what, e);
		else if (rc == RC_OK && out != NULL &&
		    (*out = json_loadb((const char *)x.reply.data, x.reply.len,
			 0, NULL)) == NULL)
			rc = err_set(
			    e, RC_INVALID, "%s: %s: not JSON", c->url, what);
		buf_wipe(&x.reply);
		http_exchange_done(&x);
	}
	return rc;
}

/* One post; the answer's bytes are appended to reply. */
static enum rc
post(struct domain_client *c, struct buf *reply, const char *path,
    const struct buf *form, const char *what, struct err *e)
{
	AUTO_BUF url = buf_empty(URL_MAX);
	struct http_exchange x = { .method = "POST",
		.type = FORM_TYPE,
		.accept = "application/json, application/xml",
		.body = buf_view(form),
		.reply = buf_empty(ANSWER_MAX) };
	enum rc rc;

	buf_addf(&url, "%s%s", c->url, path);
	if ((rc = buf_check(form, e)) != RC_OK ||
	    (rc = buf_check(&url, e)) != RC_OK)
		return rc;
	x.url = buf_cstr(&url);
	rc = http_client_do(c->http, &x, e);
	/* a refusal may come as XML with a status of its own */
	if (rc == RC_OK && x.status / 100 != 2 &&
	    (x.reply.len == 0 || x.reply.data[0] != '<'))
		rc = refusal(c, &x, what, e);
	if (rc == RC_OK)
		buf_add_view(reply, buf_view(&x.reply));
	buf_wipe(&x.reply);
	http_exchange_done(&x);
	return rc != RC_OK ? rc : buf_check(reply, e);
}

/* Is this the refusal of a token that has not got there yet? Servers of other
 * makers give no reason. */
static bool
worth_waiting(const json_t *answer)
{
	const char *reason = answer_text(answer, "Reason");

	return reason == NULL || strcmp(reason, "unknown") == 0;
}

static void
pause_ms(int ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/* How long a call waits for its token. */
struct wait {
	int64_t end_ms;
	bool said;
};

static struct wait
wait_begin(const struct domain_client *c)
{
	return (struct wait){ clock_mono_ms(&clock_system) + c->p.patience_ms,
		false };
}

/* Says that it waits, the first time, and does; false when patience ends. */
static bool
wait_more(const struct domain_client *c, struct wait *w)
{
	if (clock_mono_ms(&clock_system) >= w->end_ms)
		return false;
	if (!w->said && c->p.waiting != NULL)
		c->p.waiting(c->p.waiting_arg,
		    "waiting until the install token has replicated to this "
		    "server's directory");
	w->said = true;
	pause_ms(RETRY_MS);
	return true;
}

/* Posts a form with a token until the server knows the token, or patience
 * ends. */
static enum rc
post_token(struct domain_client *c, json_t **out, const char *path,
    const struct buf *form, const char *what, struct err *e)
{
	struct wait w = wait_begin(c);

	for (;;) {
		AUTO_FORM reply = buf_empty(ANSWER_MAX);
		json_auto_t *o = NULL;
		enum rc rc = post(c, &reply, path, form, what, e);

		if (rc != RC_OK)
			return rc;
		rc = answer_parse(&o, buf_view(&reply), e);
		if (rc != RC_OK || (rc = answer_status(o, e)) != RC_OK)
			rc_ignore(err_prefix(e, "%s: %s", c->url, what));
		if (rc == RC_OK)
			*out = json_incref(o);
		if (rc != RC_AUTH || !worth_waiting(o) || !wait_more(c, &w))
			return rc;
	}
}

static void
form_token(struct buf *form, const struct secret *token)
{
	if (token != NULL)
		form_add(form, "sessionID", secret_cstr(token));
	form_add(form, "xmlOutput", "true");
}

/* --- the domain ------------------------------------------------------------------ */

void
domain_info_free(struct domain_info *i)
{
	if (i == NULL)
		return;
	free(i->hosts);
	free(i);
}

static int
port(const json_t *o, const char *name)
{
	const char *s = answer_text(o, name);
	int64_t v = 0;

	if (s == NULL || text_int(&v, s, 1, 65535, NULL) != RC_OK)
		return 0;
	return (int)v;
}

static bool
truth(const json_t *o, const char *name)
{
	const char *s = answer_text(o, name);

	return s != NULL && text_bool(s);
}

static enum rc
read_host(
    struct domain_host *out, const char *type, const json_t *o, struct err *e)
{
	const char *name = answer_text(o, "Hostname");
	const char *label = answer_text(o, "SubsystemName");
	struct domain_host h = { .secure = port(o, "SecurePort"),
		.plain = port(o, "Port"),
		.agent = port(o, "SecureAgentPort"),
		.admin = port(o, "SecureAdminPort"),
		.client_auth = port(o, "SecureEEClientAuthPort"),
		.manager = truth(o, "DomainManager"),
		.clone = truth(o, "Clone") };
	enum rc rc;

	if (name == NULL || strlen(name) >= sizeof(h.name) ||
	    strlen(type) >= sizeof(h.type))
		return err_set(e, RC_INVALID, "host without a usable name");
	snprintf(h.name, sizeof(h.name), "%s", name);
	snprintf(h.type, sizeof(h.type), "%s", type);
	snprintf(h.label, sizeof(h.label), "%s", label != NULL ? label : "");
	if ((rc = domain_host_check(&h, e)) == RC_OK)
		*out = h;
	return rc;
}

static enum rc
read_hosts(struct domain_info *out, const json_t *o, struct err *e)
{
	json_t *subsystems = json_object_get(o, "subsystems"), *subsystem;
	json_t *host;
	const char *type, *id;
	size_t n = 0;
	enum rc rc;

	json_object_foreach(subsystems, type, subsystem) n +=
	    json_object_size(json_object_get(subsystem, "hosts"));
	if (n > DOMAIN_HOSTS_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d hosts", DOMAIN_HOSTS_MAX);
	out->hosts = calloc(n + 1, sizeof(*out->hosts));
	if (out->hosts == NULL)
		return err_set(e, RC_NOMEM, "security domain");
	json_object_foreach(subsystems, type, subsystem)
	{
		json_object_foreach(
		    json_object_get(subsystem, "hosts"), id, host)
		{
			rc = read_host(&out->hosts[out->n], type, host, e);
			if (rc != RC_OK)
				return rc;
			out->n++;
		}
	}
	return RC_OK;
}

enum rc
domain_info_parse(struct domain_info **out, struct view json, struct err *e)
{
	json_auto_t *o = json_loadb(
	    (const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
	AUTO(domain_info) i = calloc(1, sizeof(*i));
	const char *name = answer_text(o, "id");
	enum rc rc;

	if (i == NULL)
		return err_set(e, RC_NOMEM, "security domain");
	if (name == NULL || strlen(name) >= sizeof(i->name))
		return err_set(
		    e, RC_INVALID, "security domain: no usable name");
	snprintf(i->name, sizeof(i->name), "%s", name);
	if ((rc = read_hosts(i, o, e)) != RC_OK)
		return err_prefix(e, "security domain %.64s", name);
	*out = domain_info_steal(&i);
	return RC_OK;
}

enum rc
domain_client_info(
    struct domain_client *c, struct domain_info **out, struct err *e)
{
	json_auto_t *o = NULL;
	char *text;
	enum rc rc = get_json(
	    c, c->http, &o, "securityDomain/domainInfo", "security domain", e);

	if (rc != RC_OK)
		return rc;
	if ((text = json_dumps(o, JSON_COMPACT)) == NULL)
		return err_set(e, RC_NOMEM, "security domain");
	rc = domain_info_parse(out, view_str(text), e);
	free(text);
	if (rc != RC_OK)
		rc_ignore(err_prefix(e, "%s", c->url));
	return rc;
}

enum rc
domain_client_login(struct domain_client *c, struct secret **token,
    const char *user, const struct secret *password, const char *host,
    const char *subsystem, struct err *e)
{
	AUTO(http_client) http = NULL;
	AUTO_BUF path = buf_empty(URL_MAX);
	json_auto_t *o = NULL;
	const char *text;
	enum rc rc;

	buf_add_str(&path, "securityDomain/installToken?hostname=");
	http_url_encode(&path, view_str(host));
	buf_add_str(&path, "&subsystem=");
	http_url_encode(&path, view_str(subsystem));
	if ((rc = buf_check(&path, e)) != RC_OK ||
	    (rc = new_http(&http, c, user, password, e)) != RC_OK ||
	    (rc = get_json(c, http, NULL, "account/login", "log-in", e)) !=
		RC_OK ||
	    (rc = get_json(c, http, &o, buf_cstr(&path), "install token", e)) !=
		RC_OK)
		return rc;
	/* a session that stays open ends by itself */
	rc_ignore(get_json(c, http, NULL, "account/logout", "log-out", NULL));
	if ((text = answer_text(o, "token")) == NULL)
		return err_set(e, RC_INVALID,
		    "%s: install token: the answer holds none", c->url);
	*token = secret_new(view_str(text));
	return *token != NULL ? RC_OK : err_set(e, RC_NOMEM, "install token");
}

enum rc
domain_client_token(struct domain_client *c, struct domain_session *out,
    const struct secret *token, const char *address, struct err *e)
{
	AUTO_FORM form = buf_empty(FORM_MAX);
	json_auto_t *o = NULL;
	struct domain_session x = { .uid = "" };
	const struct {
		const char *name;
		char *to;
		size_t size;
		bool needed;
	} parts[] = { { "uid", x.uid, sizeof(x.uid), true },
		{ "gid", x.group, sizeof(x.group), true },
		{ "host", x.host, sizeof(x.host), false },
		{ "spent", NULL, 0, false } };
	enum rc rc;

	form_token(&form, token);
	form_add(&form, "hostname", address != NULL ? address : "");
	rc = post_token(
	    c, &o, "/ca/admin/ca/tokenAuthenticate", &form, "install token", e);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		const char *v = answer_text(o, parts[i].name);

		if (parts[i].to == NULL)
			x.spent = v != NULL && text_bool(v);
		else if ((v == NULL && parts[i].needed) ||
		    (v != NULL &&
			(size_t)snprintf(parts[i].to, parts[i].size, "%s", v) >=
			    parts[i].size))
			return err_set(e, RC_INVALID,
			    "%s: install token: answer without a usable %s",
			    c->url, parts[i].name);
	}
	*out = x;
	return RC_OK;
}

/* --- the master ------------------------------------------------------------------- */

enum rc
domain_client_config(struct domain_client *c, struct cfg *out, const char *sub,
    const struct secret *token, const char *names, const char *substores,
    struct err *e)
{
	AUTO_FORM form = buf_empty(FORM_MAX);
	AUTO_BUF path = buf_empty(URL_MAX);
	json_auto_t *o = NULL;
	json_t *config, *value;
	const char *name;
	enum rc rc;

	form_add(&form, "op", "get");
	form_add(&form, "names", names);
	form_add(&form, "substores", substores);
	form_token(&form, token);
	buf_addf(&path, "/%s/admin/%s/getConfigEntries", sub, sub);
	rc = post_token(c, &o, buf_cstr(&path), &form, "configuration", e);
	if (rc != RC_OK)
		return rc;
	config = json_object_get(o, "Config");
	json_object_foreach(config, name, value)
	{
		const char *text = json_string_value(value);

		rc = cfg_set(out, name, text != NULL ? text : "", e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

enum rc
domain_client_range(struct domain_client *c, struct domain_range *out,
    const char *sub, const char *type, const struct secret *token,
    struct err *e)
{
	AUTO_FORM form = buf_empty(FORM_MAX);
	AUTO_BUF path = buf_empty(URL_MAX);
	json_auto_t *o = NULL;
	const char *begin, *end;
	enum rc rc;

	form_add(&form, "type", type);
	form_token(&form, token);
	buf_addf(&path, "/%s/admin/%s/updateNumberRange", sub, sub);
	rc = post_token(c, &o, buf_cstr(&path), &form, "number range", e);
	if (rc != RC_OK)
		return rc;
	begin = answer_text(o, "beginNumber");
	end = answer_text(o, "endNumber");
	if (begin == NULL || end == NULL || strlen(begin) >= NUM_TEXT_MAX ||
	    strlen(end) >= NUM_TEXT_MAX)
		return err_set(e, RC_INVALID,
		    "%s: number range: the answer holds none", c->url);
	snprintf(out->begin, sizeof(out->begin), "%s", begin);
	snprintf(out->end, sizeof(out->end), "%s", end);
	return RC_OK;
}

/* --- registration ----------------------------------------------------------------- */

static void
form_port(struct buf *form, const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	if (value > 0)
		form_add(form, name, text);
}

static enum rc
update_domain(struct domain_client *c, const struct domain_host *h,
    const struct secret *token, bool join, struct err *e)
{
	AUTO_FORM form = buf_empty(FORM_MAX);
	AUTO_BUF list = buf_empty(0), id = buf_empty(0);
	json_auto_t *o = NULL;

	buf_addf(&list, "%sList", h->type);
	domain_host_id(&id, h);
	form_add(&form, "list", buf_cstr(&list));
	form_add(&form, "type", h->type);
	form_add(&form, "name", h->label[0] != '\0' ? h->label : buf_cstr(&id));
	form_add(&form, "host", h->name);
	form_port(&form, "sport", h->secure);
	if (join) {
		form_port(&form, "httpport", h->plain);
		form_port(&form, "agentsport", h->agent);
		form_port(&form, "adminsport", h->admin);
		form_port(&form, "eeclientauthsport", h->client_auth);
		form_add(&form, "dm", h->manager ? "true" : "false");
		form_add(&form, "clone", h->clone ? "true" : "false");
	} else {
		form_add(&form, "operation", "remove");
	}
	form_token(&form, token);
	return post_token(c, &o,
	    token != NULL ? "/ca/admin/ca/updateDomainXML"
			  : "/ca/agent/ca/updateDomainXML",
	    &form, "security domain", e);
}

enum rc
domain_client_join(struct domain_client *c, const struct domain_host *h,
    const struct secret *token, struct err *e)
{
	return update_domain(c, h, token, true, e);
}

enum rc
domain_client_leave(struct domain_client *c, const struct domain_host *h,
    const struct secret *token, struct err *e)
{
	return update_domain(c, h, token, false, e);
}

enum rc
domain_client_user(struct domain_client *c, const char *sub, const char *uid,
    const char *name, struct view cert, const struct secret *token,
    struct err *e)
{
	AUTO_FORM form = buf_empty(FORM_MAX);
	AUTO_BUF path = buf_empty(URL_MAX), text = buf_empty(FORM_MAX);
	json_auto_t *o = NULL;

	buf_add_base64(&text, cert, 0, "");
	form_add(&form, "uid", uid);
	form_add(&form, "name", name);
	form_add(&form, "certificate", buf_cstr(&text));
	form_token(&form, token);
	buf_addf(&path, "/%s/admin/%s/registerUser", sub, sub);
	return post_token(c, &o, buf_cstr(&path), &form, "user", e);
}

enum rc
domain_client_connector(struct domain_client *c, const struct cfg *connector,
    const struct secret *token, struct err *e)
{
	AUTO_FORM form = buf_empty(FORM_MAX);
	json_auto_t *o = NULL;

	for (size_t i = 0; i < cfg_count(connector); i++)
		form_add(&form, cfg_at(connector, i).name,
		    cfg_at(connector, i).value);
	form_token(&form, token);
	return post_token(
	    c, &o, "/ca/admin/ca/updateConnector", &form, "KRA connector", e);
}

/* --- enrolment ---------------------------------------------------------------------- */

/* The child element of that name; NULL when there is none. */
static xmlNode *
child(const xmlNode *n, const char *name)
{
	for (xmlNode *c = n != NULL ? n->children : NULL; c != NULL;
	     c = c->next) {
		if (xmlin_is(c, name))
			return c;
	}
	return NULL;
}

/* XMLResponse/Requests/Request/b64 */
static enum rc
read_cert(struct buf *der, struct view reply, struct err *e)
{
	xmlDoc *doc;
	xmlNode *root, *b64;
	json_auto_t *text = NULL;
	enum rc rc;

	if ((rc = xmlin_parse(&doc, &root, reply, "answer", e)) != RC_OK)
		return rc;
	b64 = child(child(child(root, "Requests"), "Request"), "b64");
	if (b64 != NULL)
		text = xmlin_text(b64);
	xmlFreeDoc(doc);
	if (text == NULL)
		return err_set(
		    e, RC_INVALID, "the answer holds no certificate");
	return text_pem(
	    der, view_str(json_string_value(text)), "CERTIFICATE", e);
}

/* One try; *unknown: the CA does not know the token yet. */
static enum rc
enroll(struct domain_client *c, struct buf *der, const struct buf *form,
    bool *unknown, struct err *e)
{
	AUTO_BUF reply = buf_empty(ANSWER_MAX);
	json_auto_t *o = NULL;
	const char *status, *why;
	enum rc rc;

	*unknown = false;
	rc = post(c, &reply, "/ca/ee/ca/profileSubmit", form, "certificate", e);
	if (rc != RC_OK ||
	    (rc = answer_parse(&o, buf_view(&reply), e)) != RC_OK)
		return rc;
	status = answer_text(o, "Status");
	why = answer_text(o, "Error");
	if ((rc = answer_status(o, e)) == RC_OK)
		return read_cert(der, buf_view(&reply), e);
	/* here 2 is a request that waits for an agent */
	if (strcmp(status, "2") == 0)
		return err_set(e, RC_CONFLICT,
		    "the request waits for an agent's approval");
	*unknown = why != NULL && strstr(why, DOMAIN_TOKEN_UNKNOWN) != NULL;
	return rc;
}

enum rc
domain_client_enroll(struct domain_client *c, struct buf *der,
    const char *profile, struct view csr, const struct secret *token,
    struct err *e)
{
	AUTO_FORM form = buf_empty(FORM_MAX);
	AUTO_BUF pem = buf_empty(FORM_MAX);
	struct wait w = wait_begin(c);
	bool unknown;
	enum rc rc;

	text_add_pem(&pem, "CERTIFICATE REQUEST", csr, "\n");
	form_add(&form, "profileId", profile);
	form_add(&form, "cert_request_type", "pkcs10");
	form_add(&form, "cert_request", buf_cstr(&pem));
	form_add(&form, "xml", "true");
	form_token(&form, token);
	do
		rc = enroll(c, der, &form, &unknown, e);
	while (unknown && wait_more(c, &w));
	if (rc != RC_OK)
		rc_ignore(err_prefix(e, "%s: %s", c->url, profile));
	return rc;
}
