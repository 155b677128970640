/* SPDX-License-Identifier: Apache-2.0 */
/* pki_rest.c - REST calls of the client: connection, what to do about a doubtful
 * server certificate, banner, login and logout, errors in the server's words.
 * Owns:    the HTTP client of the session.
 * Trusts:  nothing the server sends; a body that is not JSON is tolerated.
 * Threads: none. */
#include "tools/pki_certs.h"

#include <openssl/crypto.h>

#include "base/text.h"
#include "x509/name.h"

enum {
	REST_CHAIN_MAX = 16
};

/* ---- the connection ---- */

/* NAME in a comma list of -ignore/-reject-cert-status? */
static bool
listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *s = list; s != NULL && *s != '\0';) {
		s += strspn(s, ", ");
		if (strncmp(s, name, n) == 0 && strchr(", ", s[n]) != NULL)
			return true;
		s += strcspn(s, ",");
	}
	return false;
}

static enum rc
check_list(const char *list, struct err *e)
{
	AUTO_STR copy = list != NULL ? strdup(list) : NULL;
	char *rest = copy, *word;

	while (rest != NULL && (word = strsep(&rest, ",")) != NULL) {
		bool known;

		word = text_trim(word);
		/* answers about revocation, which are never asked for here */
		known =
		    text_starts(word, "OCSP_") || text_starts(word, "REVOKED_");
		for (int i = HTTP_CERT_OK + 1; i <= HTTP_CERT_OTHER; i++)
			known = known ||
			    strcmp(word,
				http_cert_problem_name(
				    (enum http_cert_problem)i)) == 0;
		if (!known)
			return err_set(
			    e, RC_USAGE, "Invalid cert status: %s", word);
	}
	return RC_OK;
}

struct peer {
	struct view der;
	bool trusted;
};

static bool
is_peer(void *arg, const struct keystore_cert *c)
{
	struct peer *w = arg;

	if (view_eq(c->der, w->der) && c->trust != NULL && c->trust[0] == 'P')
		w->trusted = true;
	return !w->trusted;
}

/* Asks on a terminal; yes keeps the certificate as a trusted peer. */
static bool
ask_trust(struct pki *p, struct view der, const char *subject)
{
	struct keystore *ks;
	struct err e = { 0 };

	if (!isatty(STDIN_FILENO) ||
	    !out_confirm("Trust this certificate (y/N)? "))
		return false;
	if (pki_keystore(p, &ks, &e) != RC_OK ||
	    keystore_import_cert(ks, subject, der, "P,,", &e) != RC_OK)
		fprintf(stderr, "WARNING: %s\n", e.text);
	return true;
}

static bool
accept_cert(void *arg, enum http_cert_problem problem, struct view der)
{
	struct pki *p = arg;
	const char *name = http_cert_problem_name(problem);
	AUTO_BUF subject = buf_empty(0), issuer = buf_empty(0);
	struct peer w = { .der = der };
	struct cert c;

	if (listed(args_get(p->global, "ignore-cert-status"), name))
		return true;
	if (cert_parse(&c, der, NULL) != RC_OK ||
	    name_text(&subject, c.subject, NULL) != RC_OK ||
	    name_text(&issuer, c.issuer, NULL) != RC_OK)
		return false;
	if (!listed(args_get(p->global, "reject-cert-status"), name)) {
		if (p->ks != NULL &&
		    keystore_each_cert(p->ks, NULL, is_peer, &w, NULL) ==
			RC_OK &&
		    w.trusted)
			return true;
		if (problem == HTTP_CERT_UNTRUSTED_ISSUER ||
		    problem == HTTP_CERT_UNKNOWN_ISSUER) {
			fprintf(stderr,
			    "WARNING: %s encountered on '%s' indicates %s CA "
			    "cert '%s'\n",
			    name, buf_cstr(&subject),
			    problem == HTTP_CERT_UNKNOWN_ISSUER
				? "an unknown"
				: "a non-trusted",
			    buf_cstr(&issuer));
			return ask_trust(p, der, buf_cstr(&subject));
		}
		if (problem == HTTP_CERT_BAD_CERT_DOMAIN) {
			fprintf(stderr,
			    "WARNING: %s encountered on '%s' indicates a "
			    "common-name mismatch\n",
			    name, buf_cstr(&subject));
			return true;
		}
	}
	fprintf(stderr,
	    "ERROR: %s encountered on '%s' results in a denied SSL server "
	    "cert!\n",
	    name, buf_cstr(&subject));
	return false;
}

static enum rc
connect_tls(struct pki *p, struct http_client_params *hp, struct arena *a,
    struct err *e)
{
	const char *nickname = args_get(p->global, "n");
	AUTO_BUF der = buf_empty(CERT_DER_MAX), full = buf_empty(0);
	struct view *chain = arena_alloc(a, REST_CHAIN_MAX, sizeof(*chain));
	struct certs_all all;
	struct keystore *ks;
	enum rc rc = nickname != NULL ? pki_keystore(p, &ks, e)
				      : pki_keystore_certs(p, &ks, e);

	if (rc != RC_OK || (rc = certs_all(&all, ks, a, e)) != RC_OK)
		return rc;
	hp->cas = all.roots;
	hp->n_cas = all.n_roots;
	if (chain == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (nickname != NULL) {
		if (args_has(p->global, "token") &&
		    strchr(nickname, ':') == NULL &&
		    !text_ieq(args_get(p->global, "token"), "internal"))
			buf_addf(&full, "%s:", args_get(p->global, "token"));
		buf_add_str(&full, nickname);
		nickname = buf_cstr(&full);
		if ((rc = keystore_find_pair(
			 ks, &p->tls_key, &der, nickname, e)) != RC_OK ||
		    (rc = certs_chain(ks, nickname, chain, REST_CHAIN_MAX,
			 &hp->n_chain, a, e)) != RC_OK)
			return rc;
		hp->key = p->tls_key;
		hp->chain = chain;
	}
	return http_client_new(&p->http, hp, e);
}

static enum rc
connect_server(struct pki *p, struct err *e)
{
	const char *ignore = args_get(p->global, "ignore-cert-status");
	const char *reject = args_get(p->global, "reject-cert-status");
	struct http_client_params hp = { .user = args_get(p->global, "u"),
		.password = p->password,
		.accept = accept_cert,
		.accept_arg = p,
		.record_dir = args_get(p->global, "http-output") };
	enum rc rc;

	if (p->http != NULL)
		return RC_OK;
	if (p->tls_arena == NULL && (p->tls_arena = arena_new(0)) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = check_list(ignore, e)) != RC_OK ||
	    (rc = check_list(reject, e)) != RC_OK)
		return rc;
	if (text_starts(p->uri, "https:"))
		return connect_tls(p, &hp, p->tls_arena, e);
	return http_client_new(&p->http, &hp, e);
}

/* ---- one exchange ---- */

enum rc
rest_raw(struct pki *p, const struct rest_call *c, struct buf *out, int *status,
    struct err *e)
{
	AUTO_BUF url = buf_empty(0);
	struct http_exchange x = { .method = c->method,
		.type = c->type,
		.accept = c->accept,
		.body = c->body,
		.reply = buf_empty(0) };
	enum rc rc = connect_server(p, e);

	if (rc != RC_OK)
		return rc;
	buf_addf(&url, "%s%s", p->uri, c->path);
	if ((rc = buf_check(&url, e)) != RC_OK)
		return rc;
	x.url = buf_cstr(&url);
	pki_say(p, "%s %s", c->method, x.url);
	rc = http_client_do(p->http, &x, e);
	if (rc == RC_OK) {
		pki_say(p, "Response: %d", x.status);
		*status = x.status;
		if (out != NULL)
			buf_add_view(out, buf_view(&x.reply));
	} else if (rc == RC_UNAVAILABLE || rc == RC_TIMEOUT) {
		struct err cause = e != NULL ? *e : (struct err){ 0 };

		rc = pki_fault(p, e, rc,
		    rc == RC_TIMEOUT ? "SocketTimeoutException"
				     : "ConnectException",
		    "%s", cause.text);
	}
	http_exchange_done(&x);
	return rc;
}

/* ---- errors ---- */

static const struct {
	int status;
	enum rc rc;
	const char *exception, *text;
} statuses[] = {
	{ 400, RC_INVALID, "BadRequestException", "Bad Request" },
	{ 401, RC_AUTH, "UnauthorizedException", "Unauthorized" },
	{ 403, RC_DENIED, "ForbiddenException", "Forbidden" },
	{ 404, RC_NOTFOUND, "ResourceNotFoundException", "Not Found" },
	{ 405, RC_METHOD, "PKIException", "Method Not Allowed" },
	{ 409, RC_CONFLICT, "ConflictingOperationException", "Conflict" },
	{ 410, RC_GONE, "HTTPGoneException", "Gone" },
	{ 415, RC_UNSUPPORTED, "UnsupportedMediaType",
	    "Unsupported Media Type" },
	{ 503, RC_UNAVAILABLE, "ServiceUnavailableException",
	    "Service Unavailable" },
	{ 500, RC_INTERNAL, "PKIException", "Internal Server Error" },
};
enum {
	STATUSES = sizeof(statuses) / sizeof(*statuses)
};

/* An answer that is not 2xx, in the server's words where it has any. */
static enum rc
answer_fault(struct pki *p, int status, const struct buf *reply, struct err *e)
{
	AUTO_JSON o = json_loadb((const char *)reply->data, reply->len,
	    JSON_REJECT_DUPLICATES, NULL);
	const char *class = json_str(o, "ClassName");
	const char *text = json_str(o, "Message");
	size_t i = 0;

	while (i < STATUSES - 1 && statuses[i].status != status)
		i++;
	if (class != NULL && strrchr(class, '.') != NULL)
		class = strrchr(class, '.') + 1;
	if (text == NULL)
		text = json_str(o, "message");
	return pki_fault(p, e, statuses[i].rc,
	    class != NULL && *class != '\0' ? class : statuses[i].exception,
	    "%s", text != NULL ? text : statuses[i].text);
}

/* ---- session ---- */

static enum rc
show_banner(struct pki *p, struct err *e)
{
	AUTO_BUF reply = buf_empty(0);
	AUTO_JSON info = NULL;
	const char *banner;
	int status = 0;
	enum rc rc;

	if (p->greeted || args_has(p->global, "ignore-banner"))
		return RC_OK;
	p->greeted = true;
	rc = rest_raw(p,
	    &(struct rest_call){ .method = "GET",
		.path =
		    strcmp(p->api, "v1") == 0 ? "/pki/v1/info" : "/pki/v2/info",
		.accept = "application/json" },
	    &reply, &status, e);
	if (rc != RC_OK || status != 200)
		return rc;
	info = json_loadb((const char *)reply.data, reply.len, 0, NULL);
	if ((banner = json_str(info, "Banner")) == NULL)
		return RC_OK;
	printf("%s\n", banner);
	if (!out_confirm("Do you want to proceed (y/N)? "))
		return err_set(e, RC_DENIED, "Banner not accepted");
	return rest_raw(p,
	    &(struct rest_call){ .method = "POST",
		.path = strcmp(p->api, "v1") == 0 ? "/pki/v1/login"
						  : "/pki/v2/login",
		.accept = "application/json" },
	    NULL, &status, e);
}

static enum rc
account(struct pki *p, const char *what, const char *sub, struct err *e)
{
	AUTO_BUF path = buf_empty(0), reply = buf_empty(0);
	int status = 0;
	enum rc rc;

	buf_addf(&path, "/%s/%s/account/%s", sub, p->api, what);
	rc = rest_raw(p,
	    &(struct rest_call){ .method = "GET",
		.path = buf_cstr(&path),
		.accept = "application/json" },
	    &reply, &status, e);
	if (rc == RC_OK && status / 100 != 2)
		rc = answer_fault(p, status, &reply, e);
	return rc;
}

static enum rc
login(struct pki *p, struct err *e)
{
	enum rc rc = show_banner(p, e);

	if (rc != RC_OK ||
	    (!args_has(p->global, "n") && !args_has(p->global, "u")))
		return rc;
	if (p->login_sub != NULL && strcmp(p->login_sub, p->sub) == 0)
		return RC_OK;
	if (p->login_sub != NULL)
		rc_ignore(account(p, "logout", p->login_sub, NULL));
	p->login_sub = NULL;
	if ((rc = account(p, "login", p->sub, e)) == RC_OK)
		p->login_sub = p->sub;
	return rc;
}

void
rest_close(struct pki *p)
{
	/* a session that could not be ended runs out by itself */
	if (p->http != NULL && p->login_sub != NULL)
		rc_ignore(account(p, "logout", p->login_sub, NULL));
	p->login_sub = NULL;
	http_client_free(p->http);
	p->http = NULL;
	key_free(p->tls_key);
	p->tls_key = NULL;
	arena_free(p->tls_arena);
	p->tls_arena = NULL;
}

/* ---- calls ---- */

enum rc
rest_bytes(struct pki *p, const char *method, const char *path,
    const char *type, struct view body, const char *accept, struct buf *out,
    struct err *e)
{
	AUTO_BUF full = buf_empty(0), reply = buf_empty(0);
	int status = 0;
	enum rc rc = login(p, e);

	if (rc != RC_OK)
		return rc;
	buf_addf(&full, "/%s/%s/%s", p->sub, p->api, path);
	if ((rc = buf_check(&full, e)) != RC_OK)
		return rc;
	rc = rest_raw(p,
	    &(struct rest_call){ .method = method,
		.path = buf_cstr(&full),
		.type = type,
		.accept = accept,
		.body = body },
	    &reply, &status, e);
	if (rc == RC_OK && status / 100 != 2)
		rc = answer_fault(p, status, &reply, e);
	if (rc == RC_OK && out != NULL) {
		buf_add_view(out, buf_view(&reply));
		rc = buf_check(out, e);
	}
	return rc;
}

enum rc
rest_json(struct pki *p, const char *method, const char *path, json_t *body,
    json_t **out, struct err *e)
{
	AUTO_BUF reply = buf_empty(0);
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	json_error_t je;
	json_t *o;
	enum rc rc;

	if (body != NULL && text == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = rest_bytes(p, method, path,
	    text != NULL ? "application/json" : NULL, view_str(text),
	    "application/json", &reply, e);
	if (text != NULL)
		OPENSSL_cleanse(text, strlen(text)); /* passwords in it */
	free(text);
	if (rc != RC_OK || out == NULL)
		return rc;
	o = json_loadb((const char *)reply.data, reply.len, 0, &je);
	if (o == NULL)
		return err_set(
		    e, RC_INVALID, "answer of %s: not JSON: %s", path, je.text);
	*out = o;
	return RC_OK;
}

enum rc
rest_get(struct pki *p, json_t **out, struct err *e, const char *fmt, ...)
{
	AUTO_STR path = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&path, fmt, ap);
	va_end(ap);
	if (n < 0) {
		path = NULL;
		return err_set(e, RC_NOMEM, "out of memory");
	}
	return rest_json(p, "GET", path, NULL, out, e);
}

void
rest_path(struct buf *out, ...)
{
	const char *part;
	bool id = false;
	va_list ap;

	va_start(ap, out);
	for (; (part = va_arg(ap, const char *)) != NULL; id = !id)
		if (id)
			http_url_encode(out, view_str(part));
		else
			buf_add_str(out, part);
	va_end(ap);
}

void
rest_query(struct buf *path, const struct args *a, ...)
{
	const char *option, *name;
	char sep = '?';
	va_list ap;

	va_start(ap, a);
	while ((option = va_arg(ap, const char *)) != NULL) {
		name = va_arg(ap, const char *);
		if (!args_has(a, option))
			continue;
		buf_addf(path, "%c%s=", sep, name);
		http_url_encode(path, view_str(args_get(a, option)));
		sep = '&';
	}
	va_end(ap);
}

enum rc
rest_load(json_t **out, const char *path, struct err *e)
{
	AUTO_BUF text = buf_empty(0);
	json_error_t je;
	json_t *o;
	enum rc rc = out_read(&text, path, e);

	if (rc != RC_OK)
		return rc;
	o = json_loadb(
	    (const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &je);
	if (o == NULL)
		return err_set(
		    e, RC_INVALID, "%s:%d: %s", path, je.line, je.text);
	*out = o;
	return RC_OK;
}

enum rc
rest_der(const json_t *o, const char *member, struct buf *der, struct err *e)
{
	const char *text = json_str(o, member);
	enum rc rc;

	if (text == NULL)
		return err_set(
		    e, RC_INVALID, "answer without member %s", member);
	rc = text_pem(der, view_str(text), NULL, e);
	if (rc != RC_OK)
		rc_ignore(err_prefix(e, "answer: %s", member));
	return rc;
}
