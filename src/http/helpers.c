/* SPDX-License-Identifier: Apache-2.0 */
/* helpers.c - what handlers call: fields of a request, parts of a reply.
 * Owns:    nothing; results live in the call's arena.
 * Trusts:  header names and types come from code; values may not, and lose
 *          their control characters.
 * Threads: the call's owner. */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "http/call.h"

enum {
	BASIC_MAX = 4096 /* decoded credentials */
};

static const char *
find(const struct http_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->items[i].name, name) == 0)
			return l->items[i].value;
	return NULL;
}

const char *
http_header(const struct http_call *c, const char *name)
{
	for (size_t i = 0; i < c->headers.n; i++)
		if (strcasecmp(c->headers.items[i].name, name) == 0)
			return c->headers.items[i].value;
	return NULL;
}

const char *
http_query(const struct http_call *c, const char *name)
{
	return find(&c->query, name);
}

const char *
http_form(const struct http_call *c, const char *name)
{
	return find(&c->form, name);
}

const char *
http_arg(const struct http_call *c, const char *name)
{
	const char *v = find(&c->form, name);

	return v != NULL ? v : find(&c->query, name);
}

const char *
http_param(const struct http_call *c, const char *name)
{
	return find(&c->params, name);
}

/* Decodes the header once; call_reset wipes the result. */
static enum rc
decode_basic(struct call *k, const char *base64)
{
	struct buf b = buf_empty(BASIC_MAX);
	enum rc rc = text_base64(&b, view_str(base64), NULL);
	char *colon;

	if (rc == RC_OK &&
	    (b.len == 0 || memchr(b.data, ':', b.len) == NULL ||
		memchr(b.data, '\0', b.len) != NULL))
		rc = RC_INVALID;
	if (rc == RC_OK) {
		k->basic = arena_view(k->c.arena, buf_view(&b));
		k->basic_len = b.len;
		if (k->basic == NULL)
			rc = RC_NOMEM;
		else if ((colon = strchr(k->basic, ':')) != NULL)
			*colon = '\0';
	}
	buf_wipe(&b);
	return rc;
}

enum rc
http_basic(const struct http_call *c, const char **user, struct view *password,
    struct err *e)
{
	const char *h = http_header(c, "Authorization");
	struct call *k = c->priv;
	enum rc rc = RC_OK;
	size_t n;

	if (h == NULL || strncasecmp(h, "Basic ", 6) != 0)
		return err_set(e, RC_NOTFOUND, "no basic credentials");
	if (k->basic == NULL)
		rc = decode_basic(k, h + 6);
	if (rc != RC_OK)
		return err_set(e, rc, "malformed basic credentials");
	n = strlen(k->basic) + 1;
	*user = k->basic;
	*password = view_of(k->basic + n, k->basic_len - n);
	return RC_OK;
}

static struct call *
call_of(struct http_call *c)
{
	return c->priv;
}

static void
release_ref(struct call *k)
{
	if (k->release != NULL)
		k->release(k->release_arg);
	k->release = NULL;
	k->ref = (struct view){ 0 };
}

void
http_reply_type(struct http_call *c, int status, const char *type)
{
	struct call *k = call_of(c);

	c->status = status;
	k->type = arena_str(c->arena, type);
	for (const char *p = k->type; p != NULL && *p != '\0'; p++)
		if ((uint8_t)*p < ' ' || *p == 127) {
			k->type = NULL;
			return;
		}
}

void
http_reply(struct http_call *c, int status, const char *type, struct view body)
{
	release_ref(call_of(c));
	http_reply_type(c, status, type);
	buf_reset(&c->out);
	buf_add_view(&c->out, body);
}

void
http_reply_ref(struct http_call *c, int status, const char *type,
    struct view body, void (*release)(void *arg), void *arg)
{
	struct call *k = call_of(c);

	release_ref(k);
	http_reply_type(c, status, type);
	k->ref = body;
	k->release = release;
	k->release_arg = arg;
}

/* Appends s without what could end or fold a header line. */
static void
add_clean(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++)
		if (((uint8_t)*s >= ' ' && *s != 127) || *s == '\t')
			buf_add_char(b, *s);
}

void
http_reply_header(struct http_call *c, const char *name, const char *value)
{
	struct buf *b = &call_of(c)->headers;

	add_clean(b, name);
	buf_add_str(b, ": ");
	add_clean(b, value);
	buf_add_str(b, "\r\n");
}

const char *
http_base_url(struct http_call *c)
{
	const char *scheme = c->tls ? "https" : "http";
	const char *url;

	if (*c->host != '\0')
		url = arena_printf(c->arena, "%s://%s", scheme, c->host);
	else
		url = arena_printf(
		    c->arena, "%s://localhost:%d", scheme, c->port);
	return url != NULL ? url : "";
}

struct http_session *
http_session_new(struct http_call *c, void *data, void (*free_data)(void *))
{
	struct call *k = call_of(c);
	struct sessions *t = k->env->sessions;
	struct http_session *s = sessions_add(t, c->tls, data, free_data);
	const char *cookie;

	if (s == NULL)
		return NULL;
	if (c->session != NULL) {
		sessions_remove(t, c->session);
		sessions_release(t, c->session);
	}
	c->session = s;
	cookie = arena_printf(c->arena,
	    "JSESSIONID=%s; Path=/; HttpOnly; SameSite=Lax%s", session_id(s),
	    c->tls ? "; Secure" : "");
	if (cookie != NULL)
		http_reply_header(c, "Set-Cookie", cookie);
	return s;
}

void
http_session_end(struct http_call *c)
{
	struct call *k = call_of(c);
	struct sessions *t = k->env->sessions;

	if (c->session == NULL)
		return;
	sessions_remove(t, c->session);
	sessions_release(t, c->session);
	c->session = NULL;
	http_reply_header(c, "Set-Cookie",
	    "JSESSIONID=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
}
