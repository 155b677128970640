/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c - the CA's certificate and those above it, for who downloads them.
 * Owns:    the issuers' certificates in struct ca.
 * Trusts:  the instance's certificate database.
 * Threads: loaded before the CA serves; read by workers. */
#include "ca/chain.h"

#include "instance/instance.h"
#include "keys/keystore.h"
#include "x509/cms.h"
#include "x509/verify.h"

/* The issuer of a certificate among those of the database. */
struct search {
	struct cert of;
	struct buf *found;
};

static bool
is_issuer(void *arg, const struct keystore_cert *kc)
{
	struct search *s = arg;
	struct cert c;

	if (cert_parse(&c, kc->der, NULL) != RC_OK || !cert_is_ca(&c) ||
	    !view_eq(c.subject, s->of.issuer) ||
	    verify_issued(s->of.der, c.der, NULL) != RC_OK)
		return true;
	buf_add_view(s->found, c.der);
	return false;
}

enum rc
ca_chain_load(struct ca *ca, struct keystore *ks, struct err *e)
{
	struct search s = { .of = ca->signing.cert };

	while (!cert_is_self_issued(&s.of) && ca->n_issuers < CA_ISSUERS_MAX) {
		enum rc rc;

		s.found = &ca->issuers[ca->n_issuers];
		*s.found = buf_empty(CERT_DER_MAX);
		rc = keystore_each_cert(ks, NULL, is_issuer, &s, e);
		if (rc == RC_OK)
			rc = buf_check(s.found, e);
		if (rc != RC_OK || s.found->len == 0)
			return rc; /* a chain without its end is served too */
		ca->n_issuers++;
		rc = cert_parse(&s.of, buf_view(s.found), e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

void
ca_chain_done(struct ca *ca)
{
	for (size_t i = 0; i < CA_ISSUERS_MAX; i++)
		buf_done(&ca->issuers[i]);
}

enum rc
ca_chain_put(
    const struct ca *ca, struct buf *out, struct view leaf, struct err *e)
{
	struct view certs[CA_ISSUERS_MAX + 2];
	size_t n = 0;

	if (leaf.len > 0 && !view_eq(leaf, ca->signing.cert.der))
		certs[n++] = leaf;
	certs[n++] = ca->signing.cert.der;
	for (size_t i = 0; i < ca->n_issuers; i++)
		certs[n++] = buf_view(&ca->issuers[i]);
	cms_certs_put(out, certs, n, NULL, 0);
	return buf_check(out, e);
}
