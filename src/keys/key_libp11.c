/* SPDX-License-Identifier: Apache-2.0 */
/* key_libp11.c - an EVP_PKEY whose private operations run in the token, for
 * TLS, which cannot take a signing function of ours. The only file that knows
 * libp11's keys.
 * Owns:    the libp11 context of a token (handed to the module at its end).
 * Trusts:  libp11 and the module.
 * Threads: any; the context is made under the token's lock. */
#include "keys/key_impl.h"

#include <libp11.h>

#include "base/thread.h"

static bool
same_key(const PKCS11_KEY *a, const struct key *k)
{
	return a->isPrivate && a->id_len == k->id.len &&
	    view_eq(view_of(a->id, a->id_len), buf_view(&k->id));
}

/* t->lock is held. */
static enum rc
context(struct token *t, struct err *e)
{
	struct p11_libp11 l = { NULL, NULL, 0 };

	if (t->libp11.ctx != NULL)
		return RC_OK;
	l.ctx = PKCS11_CTX_new();
	if (l.ctx == NULL)
		return err_set(e, RC_NOMEM, "libp11");
	/* initialised already by p11_module.c: libp11 accepts that. A context
	 * that failed is left: freeing it would finalise the module */
	if (PKCS11_CTX_load(l.ctx, p11_module_library(t->module)) != 0)
		return err_openssl(e, RC_UNAVAILABLE, "libp11");
	if (PKCS11_enumerate_slots(l.ctx, &l.slots, &l.n_slots) != 0)
		return err_openssl(e, RC_UNAVAILABLE, "libp11: slots");
	t->libp11 = l;
	return RC_OK;
}

static EVP_PKEY *
find(struct key *k)
{
	struct token *t = k->token;
	PKCS11_SLOT *slots = t->libp11.slots;

	for (unsigned i = 0; i < t->libp11.n_slots; i++) {
		PKCS11_KEY *keys;
		unsigned n_keys;

		if (slots[i].token == NULL || !slots[i].token->initialized ||
		    strcmp(slots[i].token->label, t->label) != 0)
			continue;
		if (t->pin != NULL &&
		    PKCS11_login(&slots[i], 0, secret_cstr(t->pin)) != 0)
			return NULL;
		if (PKCS11_enumerate_keys(slots[i].token, &keys, &n_keys) != 0)
			return NULL;
		for (unsigned j = 0; j < n_keys; j++) {
			if (same_key(&keys[j], k))
				return PKCS11_get_private_key(&keys[j]);
		}
	}
	return NULL;
}

enum rc
key_libp11_pkey(EVP_PKEY **out, struct key *k, struct err *e)
{
	struct token *t = k->token;
	EVP_PKEY *pkey;
	enum rc rc;

	LOCKED(&t->lock);
	if ((rc = context(t, e)) != RC_OK)
		return rc;
	pkey = find(k);
	if (pkey == NULL)
		return err_openssl(e, RC_UNAVAILABLE,
		    "libp11: key not found in token %s", t->name);
	*out = pkey;
	return RC_OK;
}
