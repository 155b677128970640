/* SPDX-License-Identifier: Apache-2.0 */
/* keystore_cert.c - certificates in the tokens.
 * Owns:    nothing.
 * Trusts:  the tokens; certificates are parsed as far as they are indexed.
 * Threads: any; writers hold keystore->write; callbacks run without a lock. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/thread.h"
#include "keys/certinfo.h"
#include "keys/keystore_impl.h"

/* Certificates of t, all or those of one nickname. */
static enum rc
find_certs(
    struct token *t, const char *nick, struct p11_objects *out, struct err *e)
{
	const CK_OBJECT_CLASS cls = CKO_CERTIFICATE;
	CK_ATTRIBUTE tmpl[] = {
		P11_VAL(CKA_CLASS, cls),
		P11_VIEW(CKA_LABEL, view_str(nick)),
	};

	return token_find(t, tmpl, nick != NULL ? 2 : 1, out, e);
}

/* The object with exactly these bytes. */
static enum rc
find_der(struct token *t, struct view der, CK_OBJECT_HANDLE *out, struct err *e)
{
	const CK_OBJECT_CLASS cls = CKO_CERTIFICATE;
	CK_ATTRIBUTE tmpl[] = {
		P11_VAL(CKA_CLASS, cls),
		P11_VIEW(CKA_VALUE, der),
	};

	return token_find_one(t, tmpl, 2, out, e);
}

static bool
has_private(struct token *t, CK_OBJECT_HANDLE cert)
{
	/* a locked token shows the public half alone */
	const CK_OBJECT_CLASS cls =
	    t->locked ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY;
	AUTO_BUF id = buf_empty(0);
	CK_OBJECT_HANDLE h;

	if (token_attr(t, cert, CKA_ID, &id, NULL) != RC_OK || id.len == 0)
		return false;
	CK_ATTRIBUTE tmpl[] = {
		P11_VAL(CKA_CLASS, cls),
		P11_VIEW(CKA_ID, id),
	};
	return token_find_one(t, tmpl, 2, &h, NULL) == RC_OK;
}

/* Fills in one certificate and calls fn; false = enough. */
static bool
tell(struct keystore *ks, struct token *t, CK_OBJECT_HANDLE h,
    bool (*fn)(void *arg, const struct keystore_cert *c), void *arg)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF label = buf_empty(0);
	AUTO_BUF trust = buf_empty(0);
	struct keystore_cert c = { .token = t->name };
	struct certinfo info;

	/* deleted meanwhile by another process, or not X.509: passed over */
	if (token_attr(t, h, CKA_VALUE, &der, NULL) != RC_OK ||
	    certinfo_parse(&info, buf_view(&der), NULL) != RC_OK)
		return true;
	/* one without a label is listed with an empty nickname */
	rc_ignore(token_attr(t, h, CKA_LABEL, &label, NULL));
	c.has_key = has_private(t, h);
	trust_read(ks, &info, c.has_key, &trust);
	c.nickname = buf_cstr(&label);
	c.trust = buf_cstr(&trust);
	c.der = buf_view(&der);
	return fn(arg, &c);
}

enum rc
keystore_each_cert(struct keystore *ks, const char *token,
    bool (*fn)(void *arg, const struct keystore_cert *c), void *arg,
    struct err *e)
{
	struct token *only = NULL;
	bool more = true;
	enum rc rc;

	if (token != NULL &&
	    (rc = keystore_token(ks, &only, token, e)) != RC_OK)
		return rc;
	for (size_t i = 0; more && i < ks->n_tokens; i++) {
		AUTO_OBJECTS found = { NULL, 0 };
		struct token *t = ks->tokens[i];

		if (only != NULL && only != t)
			continue;
		if ((rc = find_certs(t, NULL, &found, e)) != RC_OK)
			return rc;
		for (size_t j = 0; more && j < found.n; j++)
			more = tell(ks, t, found.h[j], fn, arg);
	}
	return RC_OK;
}

/* The best certificate seen: a valid one beats others, then the newest. */
struct best {
	struct buf der;
	bool valid;
	int64_t not_before;
	struct token *token;
};

static void
best_done(struct best *b)
{
	buf_done(&b->der);
}

static void
consider(struct best *b, struct token *t, CK_OBJECT_HANDLE h, int64_t now)
{
	AUTO_BUF der = buf_empty(0);
	struct certinfo c;
	bool valid;

	if (token_attr(t, h, CKA_VALUE, &der, NULL) != RC_OK ||
	    certinfo_parse(&c, buf_view(&der), NULL) != RC_OK)
		return;
	valid = c.not_before <= now && now <= c.not_after;
	if (b->der.len > 0 &&
	    (valid != b->valid ? b->valid : c.not_before <= b->not_before))
		return;
	buf_reset(&b->der);
	buf_add_view(&b->der, buf_view(&der));
	b->valid = valid;
	b->not_before = c.not_before;
	b->token = t;
}

static enum rc
find_best(
    struct keystore *ks, const char *nickname, struct best *b, struct err *e)
{
	int64_t now = clock_now(&clock_system);
	char quoted[TEXT_QUOTE_MAX];
	struct token *only;
	const char *nick;
	enum rc rc;

	keystore_split(ks, nickname, &only, &nick);
	for (size_t i = 0; i < ks->n_tokens; i++) {
		AUTO_OBJECTS found = { NULL, 0 };
		struct token *t = ks->tokens[i];

		if (only != NULL && only != t)
			continue;
		if ((rc = find_certs(t, nick, &found, e)) != RC_OK)
			return rc;
		for (size_t j = 0; j < found.n; j++)
			consider(b, t, found.h[j], now);
	}
	if (b->der.len == 0)
		return err_set(e, RC_NOTFOUND, "certificate %s not found",
		    text_quote(quoted, view_str(nickname)));
	return buf_check(&b->der, e);
}

enum rc
keystore_find_cert(
    struct keystore *ks, struct buf *der, const char *nickname, struct err *e)
{
	__attribute__((cleanup(best_done))) struct best b = { buf_empty(0),
		false, 0, NULL };
	enum rc rc = find_best(ks, nickname, &b, e);

	if (rc != RC_OK)
		return rc;
	buf_add_view(der, buf_view(&b.der));
	return buf_check(der, e);
}

enum rc
keystore_find_pair(struct keystore *ks, struct key **key, struct buf *der,
    const char *nickname, struct err *e)
{
	__attribute__((cleanup(best_done))) struct best b = { buf_empty(0),
		false, 0, NULL };
	AUTO(key) k = NULL;
	struct certinfo c;
	enum rc rc = find_best(ks, nickname, &b, e);

	if (rc != RC_OK ||
	    (rc = certinfo_parse(&c, buf_view(&b.der), e)) != RC_OK)
		return rc;
	rc = keystore_find_key(ks, &k, b.token->name, c.spki, e);
	if (rc == RC_NOTFOUND)
		rc = keystore_find_key(ks, &k, NULL, c.spki, e);
	if (rc != RC_OK)
		return rc;
	buf_add_view(der, buf_view(&b.der));
	if ((rc = buf_check(der, e)) != RC_OK)
		return rc;
	*key = key_steal(&k);
	return RC_OK;
}

/* Trust goes with the last copy of a certificate. */
static enum rc
destroy_cert(
    struct keystore *ks, struct token *t, CK_OBJECT_HANDLE h, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	CK_OBJECT_HANDLE other;
	struct certinfo c;
	enum rc rc;

	rc = token_attr(t, h, CKA_VALUE, &der, e);
	if (rc != RC_OK || (rc = token_destroy(t, h, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < ks->n_tokens; i++) {
		if (find_der(ks->tokens[i], buf_view(&der), &other, NULL) ==
		    RC_OK)
			return RC_OK;
	}
	if (certinfo_parse(&c, buf_view(&der), NULL) != RC_OK)
		return RC_OK;
	return trust_delete(ks, &c, e);
}

/* Removes certificates of that nickname with other bytes. */
static enum rc
make_room(struct keystore *ks, struct token *t, const char *nick,
    struct view der, struct err *e)
{
	AUTO_OBJECTS found = { NULL, 0 };
	enum rc rc = find_certs(t, nick, &found, e);

	for (size_t i = 0; rc == RC_OK && i < found.n; i++) {
		AUTO_BUF old = buf_empty(0);

		rc = token_attr(t, found.h[i], CKA_VALUE, &old, e);
		if (rc == RC_OK && !view_eq(buf_view(&old), der))
			rc = destroy_cert(ks, t, found.h[i], e);
	}
	return rc;
}

/* CKA_ID for a certificate: that of its private key, if there is one, else as
 * NSS would make it. */
static void
cert_id(struct keystore *ks, struct token *t, const struct certinfo *c,
    struct buf *out)
{
	uint8_t id[KEYID_LEN];
	AUTO(key) k = NULL;
	struct spki_parts p;

	if (keystore_find_key(ks, &k, t->name, c->spki, NULL) == RC_OK) {
		buf_add_view(out, key_id(k));
	} else if (spki_parse(&p, c->spki, NULL) == RC_OK) {
		spki_keyid(id, &p);
		buf_add(out, id, KEYID_LEN);
	}
}

static enum rc
create_cert(struct keystore *ks, struct token *t, const char *nick,
    const struct certinfo *c, struct view der, struct err *e)
{
	const CK_OBJECT_CLASS cls = CKO_CERTIFICATE;
	const CK_CERTIFICATE_TYPE x509 = CKC_X_509;
	const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	AUTO_BUF id = buf_empty(0);
	CK_OBJECT_HANDLE h;

	cert_id(ks, t, c, &id);
	CK_ATTRIBUTE tmpl[] = {
		P11_VAL(CKA_CLASS, cls),
		P11_VAL(CKA_CERTIFICATE_TYPE, x509),
		P11_VAL(CKA_TOKEN, yes),
		P11_VAL(CKA_PRIVATE, no),
		P11_VIEW(CKA_LABEL, view_str(nick)),
		P11_VIEW(CKA_ID, id),
		P11_VIEW(CKA_SUBJECT, c->subject),
		P11_VIEW(CKA_ISSUER, c->issuer),
		P11_VIEW(CKA_SERIAL_NUMBER, c->serial),
		P11_VIEW(CKA_VALUE, der),
	};

	return token_create(t, tmpl, sizeof(tmpl) / sizeof(tmpl[0]), &h, e);
}

enum rc
keystore_import_cert(struct keystore *ks, const char *nickname, struct view der,
    const char *trust, struct err *e)
{
	struct token *t;
	struct certinfo c;
	CK_OBJECT_HANDLE h;
	const char *nick;
	enum rc rc;

	if ((rc = certinfo_parse(&c, der, e)) != RC_OK)
		return rc;
	keystore_split(ks, nickname, &t, &nick);
	if (t == NULL)
		t = ks->tokens[0];
	if (nick[0] == '\0')
		return err_set(e, RC_INVALID, "certificate: empty nickname");
	LOCKED(&ks->write);
	if ((rc = make_room(ks, t, nick, der, e)) != RC_OK)
		return rc;
	rc = find_der(t, der, &h, e);
	if (rc == RC_NOTFOUND) {
		rc = create_cert(ks, t, nick, &c, der, e);
	} else if (rc == RC_OK) {
		CK_ATTRIBUTE label = P11_VIEW(CKA_LABEL, view_str(nick));

		rc = token_set_attr(t, h, &label, 1, e);
	}
	if (rc != RC_OK)
		return rc;
	rc = trust_write(ks, &c, der, trust != NULL ? trust : ",,", e);
	/* no trust at all is as good where it cannot be written */
	return rc == RC_AUTH && trust == NULL ? RC_OK : rc;
}

/* Calls fn for each certificate object of that name. */
static enum rc
each_named(struct keystore *ks, const char *nickname,
    enum rc (*fn)(struct keystore *ks, struct token *t, CK_OBJECT_HANDLE h,
	const void *arg, struct err *e),
    const void *arg, struct err *e)
{
	char quoted[TEXT_QUOTE_MAX];
	struct token *only;
	const char *nick;
	size_t seen = 0;
	enum rc rc = RC_OK;

	keystore_split(ks, nickname, &only, &nick);
	for (size_t i = 0; rc == RC_OK && i < ks->n_tokens; i++) {
		AUTO_OBJECTS found = { NULL, 0 };
		struct token *t = ks->tokens[i];

		if (only != NULL && only != t)
			continue;
		rc = find_certs(t, nick, &found, e);
		for (size_t j = 0; rc == RC_OK && j < found.n; j++, seen++)
			rc = fn(ks, t, found.h[j], arg, e);
	}
	if (rc == RC_OK && seen == 0)
		return err_set(e, RC_NOTFOUND, "certificate %s not found",
		    text_quote(quoted, view_str(nickname)));
	return rc;
}

static enum rc
set_one(struct keystore *ks, struct token *t, CK_OBJECT_HANDLE h,
    const void *arg, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	struct certinfo c;
	enum rc rc;

	if ((rc = token_attr(t, h, CKA_VALUE, &der, e)) != RC_OK ||
	    (rc = certinfo_parse(&c, buf_view(&der), e)) != RC_OK)
		return rc;
	return trust_write(ks, &c, buf_view(&der), arg, e);
}

enum rc
keystore_set_trust(
    struct keystore *ks, const char *nickname, const char *trust, struct err *e)
{
	LOCKED(&ks->write);

	return each_named(ks, nickname, set_one, trust, e);
}

static enum rc
delete_one(struct keystore *ks, struct token *t, CK_OBJECT_HANDLE h,
    const void *arg, struct err *e)
{
	(void)arg;
	return destroy_cert(ks, t, h, e);
}

enum rc
keystore_delete_cert(
    struct keystore *ks, const char *nickname, bool with_key, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	AUTO(key) k = NULL;
	enum rc rc;

	if (with_key) {
		rc = keystore_find_pair(ks, &k, &der, nickname, e);
		/* a certificate without a key is deleted all the same */
		if (rc != RC_OK && rc != RC_NOTFOUND)
			return rc;
	}
	pthread_mutex_lock(&ks->write);
	rc = each_named(ks, nickname, delete_one, NULL, e);
	pthread_mutex_unlock(&ks->write);
	if (rc == RC_OK && k != NULL)
		rc = keystore_delete_key(ks, k, e);
	return rc;
}
