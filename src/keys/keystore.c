/* SPDX-License-Identifier: Apache-2.0 */
/* keystore.c - the tokens of an instance and the private keys in them.
 * Owns:    the tokens and a cache of handles, so that a key is unwrapped once.
 * Trusts:  the configured modules.
 * Threads: any; see keystore_impl.h for the locks. */
#include "keys/keystore_impl.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"
#include "keys/names.h"
#include "keys/nssdb.h"

void
keystore_free(struct keystore *ks)
{
	if (ks == NULL)
		return;
	for (size_t i = 0; i < ks->n_cache; i++)
		key_free(ks->cache[i]);
	free(ks->cache);
	for (size_t i = 0; i < ks->n_tokens; i++)
		token_free(ks->tokens[i]);
	pthread_mutex_destroy(&ks->write);
	pthread_mutex_destroy(&ks->lock);
	free(ks);
}

/* The tokens of one module. A token that does not open is an error only where
 * a PIN says that it is wanted. */
static enum rc
add_module(struct keystore *ks, const struct keystore_open_params *p,
    const char *library, struct err *e)
{
	AUTO(p11_module) m = NULL;
	CK_SLOT_ID *slots = NULL;
	size_t n = 0;
	enum rc rc;

	if ((rc = p11_module_open(&m, library, e)) != RC_OK ||
	    (rc = p11_module_slots(m, &slots, &n, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n && ks->n_tokens < KEYSTORE_TOKENS_MAX; i++) {
		struct secret *pin = NULL;
		bool wanted;
		char label[33];

		p11_module_label(m, slots[i], label);
		if (p->pin != NULL)
			pin = p->pin(p->pin_arg, label);
		wanted = pin != NULL;
		rc = token_open(&ks->tokens[ks->n_tokens], m, slots[i], NULL,
		    p->read_only, pin, e);
		if (rc == RC_OK)
			ks->n_tokens++;
		else if (wanted)
			break;
		else
			rc = RC_OK;
	}
	free(slots);
	return rc;
}

struct module_scan {
	struct keystore *ks;
	const struct keystore_open_params *p;
	struct err *e;
	enum rc rc;
};

static void
scan_module(void *arg, const char *name, const char *library)
{
	struct module_scan *s = arg;
	enum rc rc;

	if (s->rc != RC_OK)
		return;
	for (size_t i = 0; i < s->p->n_modules; i++) {
		if (strcmp(s->p->modules[i].library, library) == 0)
			return;
	}
	rc = add_module(s->ks, s->p, library, s->e);
	if (rc == RC_AUTH)
		s->rc = rc;
	else if (rc != RC_OK)
		log_debug("keys", "module left out name=%s library=%s", name,
		    library);
}

static enum rc
add_modules(
    struct keystore *ks, const struct keystore_open_params *p, struct err *e)
{
	struct module_scan s = { ks, p, e, RC_OK };
	enum rc rc;

	for (size_t i = 0; i < p->n_modules; i++) {
		rc = add_module(ks, p, p->modules[i].library, e);
		if (rc != RC_OK)
			return rc;
	}
	rc = nssdb_each_module(p->dir, scan_module, &s, e);
	return rc != RC_OK ? rc : s.rc;
}

enum rc
keystore_open(
    struct keystore **out, const struct keystore_open_params *p, struct err *e)
{
	AUTO(keystore) ks = calloc(1, sizeof(*ks));
	AUTO(secret) pin = NULL;
	enum rc rc;

	if (ks == NULL)
		return err_set(e, RC_NOMEM, "keystore");
	pthread_mutex_init(&ks->write, NULL);
	pthread_mutex_init(&ks->lock, NULL);
	ks->sign_in_token = p->sign_in_token;
	if (p->pin != NULL)
		pin = p->pin(p->pin_arg, NAMES_INTERNAL);
	rc =
	    nssdb_open(&ks->tokens[0], p->dir, p->create, p->read_only, pin, e);
	if (rc != RC_OK)
		return rc;
	ks->n_tokens = 1;
	if ((rc = add_modules(ks, p, e)) != RC_OK)
		return rc;
	*out = keystore_steal(&ks);
	return RC_OK;
}

enum rc
keystore_token(
    struct keystore *ks, struct token **out, const char *name, struct err *e)
{
	char quoted[TEXT_QUOTE_MAX];

	for (size_t i = 0; i < ks->n_tokens; i++) {
		if (names_same(name, ks->tokens[i]->name)) {
			*out = ks->tokens[i];
			return RC_OK;
		}
	}
	return err_set(e, RC_NOTFOUND, "token %s not found",
	    text_quote(quoted, view_str(name)));
}

void
keystore_split(struct keystore *ks, const char *name, struct token **out,
    const char **nick)
{
	size_t n = names_split(name, nick);

	*out = NULL;
	if (*nick == name)
		return;
	for (size_t i = 0; i < ks->n_tokens; i++) {
		AUTO_BUF b = buf_empty(0);

		buf_add(&b, name, n);
		if (names_same(buf_cstr(&b), ks->tokens[i]->name)) {
			*out = ks->tokens[i];
			return;
		}
	}
	*nick = name; /* a colon in the nickname */
}

/* ks->lock is held. */
static struct key *
cache_find(struct keystore *ks, const struct token *t, CK_OBJECT_HANDLE h)
{
	for (size_t i = 0; i < ks->n_cache; i++) {
		struct key *k = ks->cache[i];

		if (k->token == t && k->handle_found == h)
			return k;
	}
	return NULL;
}

enum rc
keystore_handle(struct keystore *ks, struct key **out, struct token *t,
    CK_OBJECT_HANDLE h, struct err *e)
{
	AUTO(key) made = NULL;
	struct key *k, **grown;
	enum rc rc;

	pthread_mutex_lock(&ks->lock);
	k = cache_find(ks, t, h);
	if (k != NULL)
		*out = key_ref(k);
	pthread_mutex_unlock(&ks->lock);
	if (k != NULL)
		return RC_OK;
	rc = key_new(&made, t, h, !t->internal || ks->sign_in_token, e);
	if (rc != RC_OK)
		return rc;
	LOCKED(&ks->lock);
	k = cache_find(ks, t, h); /* another thread may have been faster */
	if (k == NULL) {
		grown =
		    reallocarray(ks->cache, ks->n_cache + 1, sizeof(*grown));
		if (grown == NULL)
			return err_set(e, RC_NOMEM, "key");
		ks->cache = grown;
		k = ks->cache[ks->n_cache++] = key_steal(&made);
	}
	*out = key_ref(k);
	return RC_OK;
}

static void
cache_drop(struct keystore *ks, const struct key *k)
{
	LOCKED(&ks->lock);

	for (size_t i = 0; i < ks->n_cache; i++) {
		if (ks->cache[i] == k) {
			key_free(ks->cache[i]);
			ks->cache[i] = ks->cache[--ks->n_cache];
			return;
		}
	}
}

/* Private keys of t with that CKA_ID (id.len 0 = all). */
static enum rc
find_private(
    struct token *t, struct view id, struct p11_objects *out, struct err *e)
{
	const CK_OBJECT_CLASS cls = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE tmpl[] = {
		P11_VAL(CKA_CLASS, cls),
		P11_VIEW(CKA_ID, id),
	};

	return token_find(t, tmpl, id.len > 0 ? 2 : 1, out, e);
}

/* The first key among those with that id (none: all) whose public key is spki
 * (spki.len 0 = any). */
static enum rc
find_in(struct keystore *ks, struct token *t, struct view id, struct view spki,
    struct key **out, struct err *e)
{
	AUTO_OBJECTS found = { NULL, 0 };
	enum rc rc = find_private(t, id, &found, e);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < found.n; i++) {
		AUTO(key) k = NULL;

		/* keys of other kinds are none of ours */
		if (keystore_handle(ks, &k, t, found.h[i], NULL) != RC_OK)
			continue;
		if (spki.len > 0 && !view_eq(spki, key_spki(k)))
			continue;
		*out = key_steal(&k);
		return RC_OK;
	}
	return err_set(e, RC_NOTFOUND, "private key not found");
}

/* find_in over one token or all. */
static enum rc
find_over(struct keystore *ks, const char *token, struct view id,
    struct view spki, struct key **out, struct err *e)
{
	struct token *t;
	enum rc rc;

	if (token != NULL) {
		if ((rc = keystore_token(ks, &t, token, e)) != RC_OK)
			return rc;
		return find_in(ks, t, id, spki, out, e);
	}
	for (size_t i = 0; i < ks->n_tokens; i++) {
		rc = find_in(ks, ks->tokens[i], id, spki, out, e);
		if (rc != RC_NOTFOUND)
			return rc;
	}
	return err_set(e, RC_NOTFOUND, "private key not found");
}

enum rc
keystore_find_key(struct keystore *ks, struct key **out, const char *token,
    struct view spki, struct err *e)
{
	uint8_t id[KEYID_LEN];
	struct spki_parts p;
	enum rc rc;

	if ((rc = spki_parse(&p, spki, e)) != RC_OK)
		return rc;
	spki_keyid(id, &p);
	rc = find_over(ks, token, view_of(id, KEYID_LEN), spki, out, e);
	/* keys made by other tools may have ids of their own */
	if (rc == RC_NOTFOUND)
		rc = find_over(ks, token, view_of(NULL, 0), spki, out, e);
	return rc;
}

enum rc
keystore_find_key_id(struct keystore *ks, struct key **out, const char *token,
    struct view id, struct err *e)
{
	if (id.len == 0)
		return err_set(e, RC_INVALID, "key id is empty");
	return find_over(ks, token, id, view_of(NULL, 0), out, e);
}

static enum rc
each_in(struct keystore *ks, struct token *t,
    bool (*fn)(void *arg, struct key *k, const char *label), void *arg,
    bool *more, struct err *e)
{
	AUTO_OBJECTS found = { NULL, 0 };
	enum rc rc = find_private(t, view_of(NULL, 0), &found, e);

	for (size_t i = 0; rc == RC_OK && *more && i < found.n; i++) {
		AUTO_BUF label = buf_empty(0);
		AUTO(key) k = NULL;

		if (keystore_handle(ks, &k, t, found.h[i], NULL) != RC_OK)
			continue;
		/* a key without a label is listed with none */
		rc_ignore(token_attr(t, found.h[i], CKA_LABEL, &label, NULL));
		*more = fn(arg, k, buf_cstr(&label));
	}
	return rc;
}

enum rc
keystore_each_key(struct keystore *ks, const char *token,
    bool (*fn)(void *arg, struct key *k, const char *label), void *arg,
    struct err *e)
{
	bool more = true;
	struct token *t;
	enum rc rc = RC_OK;

	if (token != NULL) {
		if ((rc = keystore_token(ks, &t, token, e)) != RC_OK)
			return rc;
		return each_in(ks, t, fn, arg, &more, e);
	}
	for (size_t i = 0; rc == RC_OK && more && i < ks->n_tokens; i++)
		rc = each_in(ks, ks->tokens[i], fn, arg, &more, e);
	return rc;
}

enum rc
keystore_delete_key(struct keystore *ks, struct key *k, struct err *e)
{
	static const CK_OBJECT_CLASS classes[] = { CKO_PRIVATE_KEY,
		CKO_PUBLIC_KEY };
	enum rc rc = RC_OK;

	LOCKED(&ks->write);
	for (size_t c = 0; c < 2 && rc == RC_OK; c++) {
		AUTO_OBJECTS found = { NULL, 0 };
		CK_ATTRIBUTE tmpl[] = {
			P11_VAL(CKA_CLASS, classes[c]),
			P11_VIEW(CKA_ID, k->id),
		};

		if (k->id.len == 0) /* found by its handle alone */
			return err_set(e, RC_UNSUPPORTED, "key has no id");
		rc = token_find(k->token, tmpl, 2, &found, e);
		for (size_t i = 0; rc == RC_OK && i < found.n; i++)
			rc = token_destroy(k->token, found.h[i], e);
	}
	if (rc == RC_OK)
		cache_drop(ks, k);
	return rc;
}
