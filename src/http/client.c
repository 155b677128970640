/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - one exchange after the other over a libcurl handle.
 * Owns:    copies of all its parameters; the handle with its connections.
 * Trusts:  its parameters; nothing of the server.
 * Threads: one at a time. */
#include "http/client.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/err.h>

#include "base/file.h"
#include "base/text.h"
#include "http/client_tls.h"

enum {
	TIMEOUT_MS = 60000,
	REPLY_MAX = 64 * 1024 * 1024,
	HOST_MAX = 256
};

struct http_client {
	struct http_client_params p; /* its pointers are our copies */
	struct view *views;          /* chain, then CAs */
	CURL *curl;
	struct client_tls tls;
	struct err tls_err; /* of the context callback */
	char host[HOST_MAX];
	long port;
	unsigned recorded;
	char text[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global = CURLE_FAILED_INIT;

static void
init_curl(void)
{
	global = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool
copy_view(struct view *to, struct view from)
{
	uint8_t *data = malloc(from.len + 1);

	if (data == NULL)
		return false;
	if (from.len > 0)
		memcpy(data, from.data, from.len);
	*to = view_of(data, from.len);
	return true;
}

static bool
copy_params(struct http_client *c, const struct http_client_params *p)
{
	size_t n = p->n_chain + p->n_cas;

	c->p = (struct http_client_params){ .accept = p->accept,
		.accept_arg = p->accept_arg,
		.timeout_ms = p->timeout_ms > 0 ? p->timeout_ms : TIMEOUT_MS };
	c->views = calloc(n + 1, sizeof(*c->views));
	if (c->views == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!copy_view(&c->views[i],
			i < p->n_chain ? p->chain[i] : p->cas[i - p->n_chain]))
			return false;
	c->p.chain = c->views;
	c->p.n_chain = p->n_chain;
	c->p.cas = c->views + p->n_chain;
	c->p.n_cas = p->n_cas;
	if (p->key != NULL)
		c->p.key = key_ref(p->key);
	if (p->user != NULL && (c->p.user = strdup(p->user)) == NULL)
		return false;
	if (p->password != NULL &&
	    (c->p.password = secret_new(secret_view(p->password))) == NULL)
		return false;
	return p->record_dir == NULL ||
	    (c->p.record_dir = strdup(p->record_dir)) != NULL;
}

enum rc
http_client_new(
    struct http_client **out, const struct http_client_params *p, struct err *e)
{
	AUTO(http_client) c = NULL;

	if (pthread_once(&once, init_curl) != 0 || global != CURLE_OK)
		return err_set(e, RC_INTERNAL, "HTTP client: no libcurl");
	c = calloc(1, sizeof(*c));
	if (c == NULL || !copy_params(c, p) ||
	    (c->curl = curl_easy_init()) == NULL ||
	    curl_easy_setopt(c->curl, CURLOPT_COOKIEFILE, "") != CURLE_OK)
		return err_set(e, RC_NOMEM, "HTTP client: out of memory");
	c->tls.p = &c->p;
	c->tls.host = c->host;
	*out = http_client_steal(&c);
	return RC_OK;
}

/* The copies are ours, const only to their readers. */
static void
drop(const void *p)
{
	free((void *)(uintptr_t)p);
}

void
http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	curl_easy_cleanup(c->curl);
	for (size_t i = 0; c->views != NULL && i < c->p.n_chain + c->p.n_cas;
	     i++)
		drop(c->views[i].data);
	free(c->views);
	if (c->p.key != NULL)
		key_free(c->p.key);
	drop(c->p.user);
	drop(c->p.record_dir);
	secret_free((struct secret *)(uintptr_t)c->p.password);
	free(c);
}

/* Host and port of the URL, for messages and the name check. */
static enum rc
take_host(struct http_client *c, const char *url, struct err *e)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL;
	int64_t n = 0;
	size_t len;
	bool ok;

	ok = u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ==
		CURLUE_OK &&
	    text_int(&n, port, 0, 65535, NULL) == RC_OK;
	if (ok) {
		const char *h = *host == '[' ? host + 1 : host;

		len = strcspn(h, "]");
		ok = len < sizeof(c->host);
		if (ok) {
			memcpy(c->host, h, len);
			c->host[len] = '\0';
		}
		c->port = (long)n;
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	if (!ok) {
		char quoted[TEXT_QUOTE_MAX];

		return err_set(e, RC_INVALID, "malformed URL %s",
		    text_quote(quoted, view_str(url)));
	}
	return RC_OK;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_exchange *x = arg;

	buf_add(&x->reply, data, size * n);
	return x->reply.failed == RC_OK ? size * n : 0;
}

static CURLcode
on_ctx(CURL *curl, void *ctx, void *arg)
{
	struct http_client *c = arg;

	(void)curl;
	ERR_clear_error();
	if (client_tls_use(&c->tls, ctx, &c->tls_err) != RC_OK)
		return CURLE_ABORTED_BY_CALLBACK;
	return CURLE_OK;
}

static bool
set_options(struct http_client *c, struct http_exchange *x)
{
	CURL *h = c->curl;

	return curl_easy_setopt(h, CURLOPT_URL, x->url) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") ==
	    CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_HTTP_VERSION,
		(long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)c->p.timeout_ms) ==
	    CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->text) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_WRITEDATA, x) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_SSLVERSION,
		(long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	    /* Only the CAs that were given count; verify_server decides, the
	     * host name included. */
	    curl_easy_setopt(h, CURLOPT_CAINFO, NULL) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_SSL_CTX_FUNCTION, on_ctx) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_SSL_CTX_DATA, c) == CURLE_OK;
}

static bool
set_auth(struct http_client *c)
{
	const char *pw =
	    c->p.password != NULL ? secret_cstr(c->p.password) : "";
	CURL *h = c->curl;

	return c->p.user == NULL ||
	    (curl_easy_setopt(h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) ==
		    CURLE_OK &&
		curl_easy_setopt(h, CURLOPT_USERNAME, c->p.user) == CURLE_OK &&
		curl_easy_setopt(h, CURLOPT_PASSWORD, pw) == CURLE_OK);
}

static bool
set_method(CURL *h, const struct http_exchange *x)
{
	bool get = strcmp(x->method, "GET") == 0;

	/* The state that any earlier exchange left is undone first. */
	if (curl_easy_setopt(h, CURLOPT_HTTPGET, 1L) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, NULL) != CURLE_OK)
		return false;
	if (strcmp(x->method, "HEAD") == 0)
		return curl_easy_setopt(h, CURLOPT_NOBODY, 1L) == CURLE_OK;
	if ((get || strcmp(x->method, "DELETE") == 0) && x->body.len == 0)
		return get ||
		    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, x->method) ==
		    CURLE_OK;
	return curl_easy_setopt(h, CURLOPT_POST, 1L) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
		(curl_off_t)x->body.len) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_POSTFIELDS,
		x->body.len > 0 ? (const char *)x->body.data : "") ==
	    CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, x->method) == CURLE_OK;
}

/* Appends "name: value"; false when memory is out or the value holds a line
 * end. */
static bool
add_header(struct curl_slist **list, const char *name, const char *value)
{
	AUTO_BUF b = buf_empty(0);
	struct curl_slist *more;

	if (strpbrk(value, "\r\n") != NULL)
		return false;
	buf_addf(&b, "%s:%s%s", name, *value != '\0' ? " " : "", value);
	more = curl_slist_append(*list, buf_cstr(&b));
	if (b.failed != RC_OK || more == NULL)
		return false;
	*list = more;
	return true;
}

static bool
set_headers(CURL *h, struct curl_slist **list, const struct http_exchange *x)
{
	/* An empty value takes out what libcurl would send by itself. */
	return add_header(list, "Expect", "") &&
	    add_header(list, "Content-Type", x->type != NULL ? x->type : "") &&
	    (x->accept == NULL || add_header(list, "Accept", x->accept)) &&
	    curl_easy_setopt(h, CURLOPT_HTTPHEADER, *list) == CURLE_OK;
}

/* OpenSSL writes without MSG_NOSIGNAL: SIGPIPE is held back in this thread and
 * swallowed if it came meanwhile. */
static CURLcode
perform(CURL *h)
{
	const struct timespec now = { 0 };
	sigset_t pipe, old, pending;
	CURLcode code;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe, &old);
	code = curl_easy_perform(h);
	if (sigismember(&pending, SIGPIPE) == 0)
		while (sigtimedwait(&pipe, NULL, &now) > 0)
			;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return code;
}

/* libcurl's words for a failed connection are long; the system's are better. */
static const char *
cause(struct http_client *c, CURLcode code)
{
	long os = 0;

	if (code == CURLE_COULDNT_CONNECT &&
	    curl_easy_getinfo(c->curl, CURLINFO_OS_ERRNO, &os) == CURLE_OK &&
	    os > 0)
		return strerrordesc_np((int)os);
	return c->text[0] != '\0' ? c->text : curl_easy_strerror(code);
}

/* Did the server refuse the certificate we showed (RFC 8446 6.2)? */
static bool
is_cert_alert(const char *text)
{
	return strstr(text, "alert") != NULL &&
	    (strstr(text, "certificate") != NULL ||
		strstr(text, "unknown ca") != NULL);
}

static enum rc
explain(struct http_client *c, const struct http_exchange *x, CURLcode code,
    struct err *e)
{
	const char *why = cause(c, code), *host = c->host;
	const char *open = strchr(host, ':') != NULL ? "[" : "";
	const char *shut = *open != '\0' ? "]" : "";
	enum rc rc = RC_IO;

	if (c->tls_err.rc != RC_OK) {
		err_set(e, c->tls_err.rc, "%s", c->tls_err.text);
		return err_prefix(e, "%s%s%s:%ld", open, host, shut, c->port);
	}
	if (c->tls.refused && c->tls.why[0] != '\0')
		return err_set(e, RC_AUTH, "%s%s%s:%ld: server certificate: %s",
		    open, host, shut, c->port, c->tls.why);
	if (code == CURLE_WRITE_ERROR)
		return err_set(e,
		    x->reply.failed != RC_OK ? x->reply.failed : RC_IO,
		    "%s%s%s:%ld: reply above %zu bytes", open, host, shut,
		    c->port, x->reply.max);
	if (is_cert_alert(why))
		rc = RC_AUTH;
	else if (code == CURLE_COULDNT_RESOLVE_HOST ||
	    code == CURLE_COULDNT_RESOLVE_PROXY ||
	    code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR ||
	    code == CURLE_GOT_NOTHING)
		rc = RC_UNAVAILABLE;
	else if (code == CURLE_OPERATION_TIMEDOUT)
		rc = RC_TIMEOUT;
	else if (code == CURLE_OUT_OF_MEMORY)
		rc = RC_NOMEM;
	else if (code == CURLE_URL_MALFORMAT ||
	    code == CURLE_UNSUPPORTED_PROTOCOL)
		rc = RC_INVALID;
	return err_set(e, rc, "%s%s%s:%ld: %s", open, host, shut, c->port, why);
}

/* One file; credentials are in no header that is written. */
static enum rc
record(const struct http_client *c, const char *kind, const char *first,
    const char *type, struct view body, struct err *e)
{
	AUTO_BUF text = buf_empty(REPLY_MAX + HOST_MAX * 64);
	AUTO_BUF path = buf_empty(0);
	enum rc rc;

	buf_addf(&path, "%s/http-%s-%u", c->p.record_dir, kind, c->recorded);
	buf_add_str(&text, first);
	if (type != NULL && *type != '\0')
		buf_addf(&text, "\nContent-Type: %s", type);
	buf_add_str(&text, "\n\n");
	buf_add_view(&text, body);
	rc = buf_check(&text, e);
	if (rc == RC_OK)
		rc = buf_check(&path, e);
	if (rc == RC_OK)
		rc = file_write(buf_cstr(&path), buf_view(&text), 0600, e);
	return rc;
}

static enum rc
record_both(struct http_client *c, const struct http_exchange *x, struct err *e)
{
	AUTO_BUF line = buf_empty(0);
	char status[32];
	enum rc rc;

	if (c->p.record_dir == NULL)
		return RC_OK;
	c->recorded++;
	buf_addf(&line, "%s %s", x->method, x->url);
	rc = record(c, "request", buf_cstr(&line), x->type, x->body, e);
	if (rc != RC_OK || x->status == 0)
		return rc;
	snprintf(status, sizeof(status), "HTTP/1.1 %d", x->status);
	return record(
	    c, "response", status, x->reply_type, buf_view(&x->reply), e);
}

static void
take_results(struct http_client *c, struct http_exchange *x)
{
	char *type = NULL;
	long status = 0;

	if (curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status) ==
	    CURLE_OK)
		x->status = (int)status;
	if (curl_easy_getinfo(c->curl, CURLINFO_CONTENT_TYPE, &type) !=
		CURLE_OK ||
	    type == NULL)
		return;
	snprintf(x->reply_type, sizeof(x->reply_type), "%s", type);
}

enum rc
http_client_do(struct http_client *c, struct http_exchange *x, struct err *e)
{
	struct curl_slist *headers = NULL;
	CURLcode code;
	enum rc rc;

	http_exchange_done(x);
	x->reply = buf_empty(x->max_reply != 0 ? x->max_reply : REPLY_MAX);
	rc = take_host(c, x->url, e);
	if (rc != RC_OK)
		return rc;
	c->tls.refused = false;
	c->tls_err = (struct err){ 0 };
	/* No curl_easy_reset: it leaks the cookie file list (7.88). */
	if (!set_options(c, x) || !set_auth(c) || !set_method(c->curl, x) ||
	    !set_headers(c->curl, &headers, x)) {
		curl_slist_free_all(headers);
		return err_set(e, RC_INVALID, "%s:%ld: malformed request",
		    c->host, c->port);
	}
	c->text[0] = '\0';
	ERR_clear_error();
	code = perform(c->curl);
	ERR_clear_error();
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	if (code != CURLE_OK)
		rc = explain(c, x, code, e);
	else
		take_results(c, x);
	/* Recording is for a person's eyes; the exchange stands without it. */
	if (rc == RC_OK)
		rc_ignore(record_both(c, x, NULL));
	return rc;
}

void
http_exchange_done(struct http_exchange *x)
{
	buf_done(&x->reply);
	x->status = 0;
	x->reply_type[0] = '\0';
}

void
http_url_encode(struct buf *out, struct view v)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < v.len; i++) {
		uint8_t ch = v.data[i];

		if ((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') ||
		    (ch >= 'A' && ch <= 'Z') ||
		    (ch != '\0' && strchr("-._~", ch) != NULL)) {
			buf_add_char(out, (char)ch);
		} else {
			buf_add_char(out, '%');
			buf_add_char(out, hex[ch >> 4]);
			buf_add_char(out, hex[ch & 15]);
		}
	}
}
