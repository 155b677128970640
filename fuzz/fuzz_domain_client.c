/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_domain_client.c - any answers to each call of an installing subsystem: the
 * first byte chooses the call, the rest are answers, "status body" each, with a
 * line "%%" between two; the last one is given again for every further request.
 * An answer "-" is a connection that broke. What was accepted is usable.
 * Owns:    nothing between two inputs.
 * Trusts:  nothing of the input.
 * Threads: none; in place of http/client.c stands this file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "domain/domain_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* --- the server ------------------------------------------------------------- */

static struct view answers; /* still to be given */

struct http_client {
	bool used;
};

enum rc
http_client_new(
    struct http_client **out, const struct http_client_params *p, struct err *e)
{
	(void)p;
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? RC_OK : err_set(e, RC_NOMEM, "client");
}

void
http_client_free(struct http_client *c)
{
	free(c);
}

void
http_exchange_done(struct http_exchange *x)
{
	buf_done(&x->reply);
}

void
http_url_encode(struct buf *out, struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		buf_addf(out, "%%%02x", v.data[i]);
}

/* The next answer; the last one stays. */
static struct view
next_answer(void)
{
	static const char mark[] = "\n%%\n";
	const uint8_t *p = memmem(answers.data, answers.len, mark, 4);
	struct view v = answers;

	if (p != NULL) {
		v.len = (size_t)(p - v.data);
		answers = view_of(p + 4, answers.len - v.len - 4);
	}
	return v;
}

enum rc
http_client_do(struct http_client *c, struct http_exchange *x, struct err *e)
{
	struct view v = next_answer();

	c->used = true;
	x->status = 0;
	if (v.len > 0 && v.data[0] == '-')
		return err_set(e, RC_UNAVAILABLE, "connection lost");
	for (; v.len > 0 && v.data[0] >= '0' && v.data[0] <= '9' &&
	     x->status < 100;
	     v = view_of(v.data + 1, v.len - 1))
		x->status = x->status * 10 + (v.data[0] - '0');
	if (v.len > 0 && v.data[0] == ' ')
		v = view_of(v.data + 1, v.len - 1);
	buf_add_view(&x->reply, v);
	return buf_check(&x->reply, e);
}

/* Nobody waits for a token here. */
int
nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)t;
	(void)left;
	return 0;
}

/* --- the calls --------------------------------------------------------------- */

struct asking {
	struct domain_client *c;
	struct secret *token;
	struct domain_host host;
	struct err e;
};

static enum rc
info(struct asking *a)
{
	AUTO(domain_info) i = NULL;
	enum rc rc = domain_client_info(a->c, &i, &a->e);
	struct err e;

	for (size_t k = 0; rc == RC_OK && k < i->n; k++)
		if (domain_host_check(&i->hosts[k], &e) != RC_OK)
			abort();
	return rc;
}

static enum rc
login(struct asking *a)
{
	AUTO(secret) token = NULL;
	enum rc rc = domain_client_login(
	    a->c, &token, "caadmin", a->token, "h.example.com", "CA", &a->e);

	if (rc == RC_OK && token == NULL)
		abort();
	return rc;
}

static enum rc
token(struct asking *a)
{
	struct domain_session s = { .uid = "" };

	return domain_client_token(a->c, &s, a->token, NULL, &a->e);
}

static enum rc
config(struct asking *a)
{
	AUTO(cfg) out = cfg_new();

	if (out == NULL)
		return RC_OK;
	return domain_client_config(
	    a->c, out, "ca", a->token, "a,b", "c", &a->e);
}

static enum rc
range(struct asking *a)
{
	struct domain_range r;

	return domain_client_range(a->c, &r, "ca", "serialNo", a->token, &a->e);
}

static enum rc
join(struct asking *a)
{
	return domain_client_join(a->c, &a->host, a->token, &a->e);
}

static enum rc
leave(struct asking *a)
{
	return domain_client_leave(a->c, &a->host, NULL, &a->e);
}

static enum rc
user(struct asking *a)
{
	return domain_client_user(
	    a->c, "ca", "u", "name", view_str("cert"), a->token, &a->e);
}

static enum rc
connector(struct asking *a)
{
	AUTO(cfg) c = cfg_new();

	if (c == NULL ||
	    cfg_set(c, "ca.connector.KRA.host", "h", NULL) != RC_OK)
		return RC_OK;
	return domain_client_connector(a->c, c, a->token, &a->e);
}

static enum rc
enroll(struct asking *a)
{
	AUTO_BUF der = buf_empty(0);

	return domain_client_enroll(
	    a->c, &der, "caServerCert", view_str("csr"), a->token, &a->e);
}

static void
waiting(void *arg, const char *why)
{
	(void)arg;
	if (why[0] == '\0')
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static enum rc (*const calls[])(struct asking *) = { info, login, token,
		config, range, join, leave, user, connector, enroll };
	struct domain_client_params p = { .url = "https://ca.example.com:8443/",
		.patience_ms = 1,
		.waiting = waiting };
	AUTO(secret) secret = secret_new(view_str("1234"));
	AUTO(domain_client) c = NULL;
	struct asking a = { .token = secret,
		.host = { .type = "CA",
		    .name = "h.example.com",
		    .secure = 8443,
		    .plain = 8080 } };

	if (len < 1 || domain_client_new(&c, &p, &a.e) != RC_OK)
		return 0;
	a.c = c;
	answers = view_of(data + 1, len - 1);
	if (calls[data[0] % (sizeof(calls) / sizeof(calls[0]))](&a) != RC_OK &&
	    a.e.text[0] == '\0')
		abort();
	p.url = "http://ca.example.com";
	domain_client_free(c);
	c = NULL;
	if (domain_client_new(&c, &p, &a.e) != RC_INVALID)
		abort();
	return 0;
}
