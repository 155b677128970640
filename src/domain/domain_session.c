/* SPDX-License-Identifier: Apache-2.0 */
/* domain_session.c - install tokens (spec deployment 8.1, directory 2.12).
 *
 * The object class has no attribute for the bound host, so `host` holds it
 * beside the address, in values of their own: "10.0.0.7" (the only one that
 * other makers write), "for pki2.example.com", and "joined" once spent.
 * Owns:    nothing beyond a call.
 * Trusts:  nothing: tokens come from the network.
 * Threads: any. */
#include "domain/domain_session.h"

#include <ctype.h>

#include <openssl/rand.h>

#define FOR "for "
#define JOINED "joined"

enum {
	TOKEN_DIGITS_MAX = 20,
	PURGE_MAX = 1000 /* of one run */
};

static struct rec *
encode(const struct domain_session *x, const char *token)
{
	struct rec *r = rec_new(REC_DOMAIN_SESSION, token);

	if (r == NULL)
		return NULL;
	rec_add_str(r, "objectClass", "top");
	rec_add_str(r, "objectClass", "securityDomainSessionEntry");
	rec_add_str(r, "cn", token);
	rec_add_str(r, "host", x->address);
	if (x->host[0] != '\0')
		rec_addf(r, "host", FOR "%s", x->host);
	rec_add_str(r, "uid", x->uid);
	rec_add_str(r, "cmsUserGroup", x->group);
	rec_addf(r, "dateOfCreate", "%lld", (long long)x->created_ms);
	return r;
}

static bool
copy(char *out, size_t size, const char *s)
{
	return s != NULL && (size_t)snprintf(out, size, "%s", s) < size;
}

static bool
decode(struct domain_session *out, const struct rec *r)
{
	const struct rec_attr *hosts = rec_attr(r, "host");
	struct domain_session x = { .uid = "" };

	if (!copy(x.uid, sizeof(x.uid), rec_str(r, "uid")) ||
	    !copy(x.group, sizeof(x.group), rec_str(r, "cmsUserGroup")) ||
	    rec_str(r, "dateOfCreate") == NULL ||
	    text_int(&x.created_ms, rec_str(r, "dateOfCreate"), 0, INT64_MAX,
		NULL) != RC_OK)
		return false;
	for (size_t i = 0; hosts != NULL && i < hosts->n; i++) {
		const char *v = (const char *)hosts->values[i].data;
		bool fits = true;

		if (strcmp(v, JOINED) == 0)
			x.spent = true;
		else if (text_starts(v, FOR))
			fits = copy(x.host, sizeof(x.host), v + strlen(FOR));
		else
			fits = copy(x.address, sizeof(x.address), v);
		if (!fits)
			return false;
	}
	*out = x;
	return true;
}

enum rc
domain_session_new(struct store *s, struct secret **token,
    struct domain_session *x, int64_t now_ms, struct err *e)
{
	AUTO(batch) b = batch_new();
	AUTO(secret) t = NULL;
	char text[TOKEN_DIGITS_MAX + 1];
	uint64_t v;
	struct rec *r;
	enum rc rc;

	do {
		if (RAND_bytes((uint8_t *)&v, sizeof(v)) != 1)
			return err_openssl(e, RC_CRYPTO, "install token");
		v &= INT64_MAX; /* clients read it as a signed long */
	} while (v == 0);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	x->created_ms = now_ms;
	x->spent = false;
	t = secret_new(view_str(text));
	r = encode(x, text);
	if (b == NULL || t == NULL || r == NULL) {
		rec_free(r);
		return err_set(e, RC_NOMEM, "install token");
	}
	batch_add(b, r);
	if ((rc = store_commit(s, b, e)) == RC_OK)
		*token = secret_steal(&t);
	return rc;
}

/* Tokens of other makers are numbers too, perhaps negative ones. */
static bool
is_token(const char *s)
{
	size_t n = s != NULL ? strlen(s) : 0;

	if (n == 0 || n > TOKEN_DIGITS_MAX || !isdigit((unsigned char)s[n - 1]))
		return false;
	for (size_t i = s[0] == '-'; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
	}
	return true;
}

enum rc
domain_session_find(struct store *s, struct domain_session *out,
    const char *token, int64_t now_ms, int64_t life_ms, struct err *e)
{
	AUTO(rec) r = NULL;
	struct domain_session x;
	enum rc rc;

	if (!is_token(token))
		return err_set(e, RC_AUTH, "install token: malformed");
	rc = store_get(s, &r, REC_DOMAIN_SESSION, token, e);
	if (rc == RC_NOTFOUND)
		return err_set(e, rc,
		    "install token: " DOMAIN_TOKEN_UNKNOWN
		    "; it has not replicated yet, "
		    "or is of another security domain");
	if (rc != RC_OK)
		return rc;
	if (!decode(&x, r))
		return err_set(e, RC_AUTH, "install token: unusable entry");
	if (now_ms - x.created_ms >= life_ms)
		return err_set(e, RC_AUTH, "install token: expired");
	*out = x;
	return RC_OK;
}

enum rc
domain_session_spend(struct store *s, const char *token, struct err *e)
{
	AUTO(batch) b = batch_new();

	if (b == NULL)
		return err_set(e, RC_NOMEM, "install token");
	batch_modify(b, REC_DOMAIN_SESSION, token);
	batch_mod_str(b, MOD_ADD, "host", JOINED);
	return store_commit(s, b, e);
}

struct purge {
	struct batch *b;
	int64_t before_ms;
	size_t n;
};

static bool
purge_one(void *arg, const struct rec *r)
{
	struct purge *p = arg;
	const char *s = rec_str(r, "dateOfCreate");
	int64_t t;

	/* one without a date would live for ever */
	if (s == NULL || text_int(&t, s, 0, INT64_MAX, NULL) != RC_OK ||
	    t <= p->before_ms) {
		batch_delete(p->b, REC_DOMAIN_SESSION, r->id);
		p->n++;
	}
	return p->n < PURGE_MAX;
}

enum rc
domain_session_purge(
    struct store *s, size_t *n, int64_t now_ms, int64_t life_ms, struct err *e)
{
	AUTO(batch) b = batch_new();
	struct query q = { .kind = REC_DOMAIN_SESSION };
	struct purge p = { b, now_ms - life_ms, 0 };
	enum rc rc;

	if (b == NULL)
		return err_set(e, RC_NOMEM, "install tokens");
	rc = store_search(s, &q, purge_one, &p, e);
	if (rc == RC_OK && p.n > 0)
		rc = store_commit(s, b, e);
	if (rc == RC_OK && n != NULL)
		*n = p.n;
	return rc;
}
