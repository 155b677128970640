/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12_store.c - PKCS #12 files and the keystore: out of it and into it.
 * Owns:    nothing.
 * Trusts:  the store; a file's certificates are parsed before they go in.
 * Threads: any, as the keystore. */
#include <stdlib.h>

#include "keys/certinfo.h"
#include "keys/keystore_impl.h"
#include "keys/names.h"
#include "keys/pkcs12_impl.h"

enum {
	CHAIN_MAX = 16
};

/* One certificate of the store, found by a walk. */
struct wanted {
	struct view der;    /* this very certificate, or */
	struct view issuer; /* newest one with this subject */
	struct buf found;
	struct buf nickname, trust;
	int64_t not_before;
};

static void
wanted_done(struct wanted *w)
{
	buf_done(&w->found);
	buf_done(&w->nickname);
	buf_done(&w->trust);
}
#define AUTO_WANTED __attribute__((cleanup(wanted_done))) struct wanted

static struct wanted
wanted_new(void)
{
	return (struct wanted){ .found = buf_empty(0),
		.nickname = buf_empty(0),
		.trust = buf_empty(0) };
}

static bool
look(void *arg, const struct keystore_cert *c)
{
	struct wanted *w = arg;
	struct certinfo info;

	if (certinfo_parse(&info, c->der, NULL) != RC_OK)
		return true;
	if (w->der.len > 0 ? !view_eq(c->der, w->der)
			   : !view_eq(info.subject, w->issuer))
		return true;
	if (w->found.len > 0 && info.not_before <= w->not_before)
		return true;
	buf_reset(&w->found);
	buf_reset(&w->nickname);
	buf_reset(&w->trust);
	buf_add_view(&w->found, c->der);
	buf_add_str(&w->nickname, c->nickname);
	buf_add_str(&w->trust, c->trust);
	w->not_before = info.not_before;
	return w->der.len == 0;
}

static struct pkcs12_item *
item_of(struct pkcs12 *p, struct view der)
{
	for (size_t i = 0; i < p->n; i++) {
		struct pkcs12_item *it = &p->items[i];

		if (it->cert != NULL &&
		    view_eq(view_of(it->cert, it->cert_len), der))
			return it;
	}
	return NULL;
}

/* Adds what a walk found, or gives the item that is there already. */
static enum rc
add_found(
    struct pkcs12 *p, struct wanted *w, struct pkcs12_item **out, struct err *e)
{
	struct pkcs12_item *it = item_of(p, buf_view(&w->found));

	if (it == NULL) {
		it = pkcs12_add(p);
		if (it == NULL)
			return err_set(e, RC_NOMEM, "pkcs12");
		it->cert_len = w->found.len;
		it->nickname = buf_steal_str(&w->nickname);
		it->trust = buf_steal_str(&w->trust);
		it->cert = malloc(it->cert_len);
		if (it->cert == NULL || it->nickname == NULL ||
		    it->trust == NULL)
			return err_set(e, RC_NOMEM, "pkcs12");
		memcpy(it->cert, w->found.data, it->cert_len);
	}
	*out = it;
	return RC_OK;
}

static enum rc
add_chain(
    struct pkcs12 *p, struct keystore *ks, struct view leaf, struct err *e)
{
	struct view der = leaf;
	struct certinfo c;
	enum rc rc;

	for (int depth = 0; depth < CHAIN_MAX; depth++) {
		AUTO_WANTED w = wanted_new();
		struct pkcs12_item *it;

		if ((rc = certinfo_parse(&c, der, e)) != RC_OK)
			return rc;
		if (view_eq(c.issuer, c.subject))
			return RC_OK;
		w.issuer = c.issuer;
		rc = keystore_each_cert(ks, NULL, look, &w, e);
		if (rc != RC_OK)
			return rc;
		if (w.found.len == 0)
			return RC_OK; /* the store has no more of it */
		if ((rc = add_found(p, &w, &it, e)) != RC_OK)
			return rc;
		der = view_of(it->cert, it->cert_len);
	}
	return RC_OK;
}

enum rc
pkcs12_add_from(struct pkcs12 *p, struct keystore *ks, const char *nickname,
    bool no_key, bool no_chain, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_WANTED w = wanted_new();
	AUTO(key) k = NULL;
	struct pkcs12_item *it;
	enum rc rc;

	rc = no_key ? keystore_find_cert(ks, &der, nickname, e)
		    : keystore_find_pair(ks, &k, &der, nickname, e);
	/* a certificate without a key goes alone */
	if (rc == RC_NOTFOUND && !no_key) {
		buf_reset(&der);
		rc = keystore_find_cert(ks, &der, nickname, e);
	}
	if (rc != RC_OK)
		return rc;
	w.der = buf_view(&der);
	rc = keystore_each_cert(ks, NULL, look, &w, e);
	if (rc != RC_OK || (rc = add_found(p, &w, &it, e)) != RC_OK)
		return rc;
	if (k != NULL && it->pkcs8 == NULL) {
		if ((rc = key_export(k, &it->pkcs8, e)) != RC_OK)
			return rc;
		buf_reset(&it->key_id);
		buf_add_view(&it->key_id, key_id(k));
	}
	return no_chain ? RC_OK : add_chain(p, ks, buf_view(&der), e);
}

enum rc
pkcs12_add_pair(struct pkcs12 *p, struct key *k, struct view cert,
    const char *nickname, const char *trust, struct err *e)
{
	struct pkcs12_item *it = pkcs12_add(p);

	if (it == NULL || (it->cert = malloc(cert.len)) == NULL ||
	    (it->nickname = strdup(nickname)) == NULL ||
	    (it->trust = strdup(trust)) == NULL)
		return err_set(e, RC_NOMEM, "pkcs12");
	memcpy(it->cert, cert.data, cert.len);
	it->cert_len = cert.len;
	buf_add_view(&it->key_id, key_id(k));
	return key_export(k, &it->pkcs8, e);
}

/* A nickname for a certificate that came without: its common name, else the
 * start of its digest. */
static void
make_nickname(const struct certinfo *c, struct view der, struct buf *out)
{
	uint8_t md[DIGEST_MAX];

	certinfo_add_cn(c, out);
	if (out->len > 0)
		return;
	digest_of(md, DIGEST_SHA256, der);
	buf_add_str(out, "cert-");
	buf_add_hex(out, view_of(md, 8));
}

static enum rc
import_cert(const struct pkcs12_item *it, struct keystore *ks, bool no_trust,
    struct err *e)
{
	struct view der = view_of(it->cert, it->cert_len);
	AUTO_BUF nick = buf_empty(0);
	AUTO_WANTED w = wanted_new();
	struct certinfo c;
	enum rc rc;

	if ((rc = certinfo_parse(&c, der, e)) != RC_OK)
		return rc;
	w.der = der;
	rc = keystore_each_cert(ks, NAMES_INTERNAL, look, &w, e);
	if (rc != RC_OK)
		return rc;
	/* "internal:" keeps a colon in the name from meaning a token */
	buf_add_str(&nick, NAMES_INTERNAL ":");
	if (it->nickname != NULL && it->nickname[0] != '\0') {
		buf_add_str(&nick, it->nickname);
	} else if (w.found.len > 0) {
		buf_add_view(&nick, buf_view(&w.nickname));
	} else {
		AUTO_BUF name = buf_empty(0);

		make_nickname(&c, der, &name);
		buf_add_view(&nick, buf_view(&name));
	}
	if ((rc = buf_check(&nick, e)) != RC_OK)
		return rc;
	return keystore_import_cert(ks, buf_cstr(&nick), der,
	    no_trust ? (w.found.len > 0 ? buf_cstr(&w.trust) : NULL)
		     : it->trust,
	    e);
}

enum rc
pkcs12_import(const struct pkcs12 *p, struct keystore *ks, bool no_user_certs,
    bool no_ca_certs, bool no_trust, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < p->n; i++) {
		const struct pkcs12_item *it = &p->items[i];
		AUTO(key) k = NULL;

		if (it->pkcs8 != NULL ? no_user_certs : no_ca_certs)
			continue;
		if (it->pkcs8 != NULL)
			rc = keystore_import_key(
			    ks, &k, NAMES_INTERNAL, it->pkcs8, e);
		if (rc == RC_OK && it->cert != NULL)
			rc = import_cert(it, ks, no_trust, e);
	}
	return rc;
}
