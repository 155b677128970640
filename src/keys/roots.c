/* SPDX-License-Identifier: Apache-2.0 */
/* roots.c - trusted issuers, for TLS either way.
 * Owns:    copies of the certificates.
 * Trusts:  the trust flags of the database.
 * Threads: one owner. */
#include "keys/roots.h"

struct search {
	struct roots *roots;
	const char *flags;
	bool full;
};

static bool
collect(void *arg, const struct keystore_cert *c)
{
	struct search *s = arg;
	struct roots *r = s->roots;
	const char *trust = c->trust != NULL ? c->trust : "";
	uint8_t *copy;

	if (strcspn(trust, s->flags) >= strcspn(trust, ","))
		return true;
	if (r->n == ROOTS_MAX || (copy = malloc(c->der.len)) == NULL) {
		s->full = true;
		return false;
	}
	memcpy(copy, c->der.data, c->der.len);
	r->items[r->n++] = view_of(copy, c->der.len);
	return true;
}

enum rc
roots_load(
    struct roots **out, struct keystore *ks, const char *flags, struct err *e)
{
	AUTO(roots) r = calloc(1, sizeof(*r));
	struct search s = { r, flags, false };
	enum rc rc;

	if (r == NULL)
		return err_set(e, RC_NOMEM, "trusted issuers");
	if ((rc = keystore_each_cert(ks, NULL, collect, &s, e)) != RC_OK)
		return rc;
	if (s.full)
		return err_set(e, RC_TOOBIG,
		    "more than %d trusted issuers, or out of memory",
		    ROOTS_MAX);
	*out = roots_steal(&r);
	return RC_OK;
}

void
roots_free(struct roots *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++)
		free((void *)(uintptr_t)r->items[i].data);
	free(r);
}
