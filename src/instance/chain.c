/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c - find the issuers of a certificate in the keystore.
 * Owns:    nothing; results live in the caller's arena.
 * Trusts:  the keystore; a link counts only with its signature.
 * Threads: any, as the keystore. */
#include "instance/chain.h"

#include "x509/cert.h"
#include "x509/verify.h"

/* One walk for the issuer of c. */
struct walk {
	const struct cert *c;
	struct buf found;
};

static bool
look(void *arg, const struct keystore_cert *k)
{
	struct walk *w = arg;
	struct cert x;

	if (cert_parse(&x, k->der, NULL) != RC_OK ||
	    !view_eq(x.subject, w->c->issuer) ||
	    verify_issued(w->c->der, k->der, NULL) != RC_OK)
		return true;
	buf_add_view(&w->found, k->der);
	return false;
}

enum rc
chain_issuers(struct keystore *ks, struct view leaf, struct view *out,
    size_t max, size_t *n, struct arena *a, struct err *e)
{
	struct cert c;
	enum rc rc = cert_parse(&c, leaf, e);

	*n = 0;
	while (rc == RC_OK && *n < max && !cert_is_self_issued(&c)) {
		struct walk w = { .c = &c, .found = buf_empty(CERT_DER_MAX) };
		char *copy = NULL;

		rc = keystore_each_cert(ks, NULL, look, &w, e);
		if (rc == RC_OK && w.found.len > 0 &&
		    (copy = arena_view(a, buf_view(&w.found))) == NULL)
			rc = err_set(e, RC_NOMEM, "certificate chain");
		if (copy != NULL) {
			out[*n] = view_of(copy, w.found.len);
			rc = cert_parse(&c, out[*n], e);
		}
		buf_done(&w.found);
		if (copy == NULL)
			break;
		if (rc == RC_OK && !cert_is_self_issued(&c))
			(*n)++;
	}
	return rc;
}
