/* SPDX-License-Identifier: Apache-2.0 */
/* callers.c - a small table of principals by certificate.
 * Owns:    copies of principals.
 * Trusts:  nothing: certificates are compared whole.
 * Threads: any; one lock, held for a copy. */
#include "ca/callers.h"

#include <pthread.h>

#include "base/thread.h"
#include "x509/cert.h"

struct slot {
	struct principal *p; /* NULL = empty */
	struct num serial;
};
struct callers {
	pthread_mutex_t lock; /* all below */
	uint64_t epoch;
	struct slot slots[CALLERS_MAX];
	/* the certificates changed last: an answer looked up meanwhile must not
	 * come back */
	struct num changed[CALLERS_MAX];
	uint64_t n_changed;
};

struct callers *
callers_new(void)
{
	struct callers *c = calloc(1, sizeof(*c));

	if (c != NULL)
		pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void
clear(struct slot *s)
{
	principal_free(s->p);
	s->p = NULL;
}

void
callers_free(struct callers *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < CALLERS_MAX; i++)
		clear(&c->slots[i]);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Was this one among the last changes? A new certificate is: its first log-in
 * is then looked up a few times more. */
static bool
changed_lately(const struct callers *c, const struct num *serial)
{
	for (size_t i = 0; i < CALLERS_MAX && i < c->n_changed; i++) {
		if (num_cmp(&c->changed[i], serial) == 0)
			return true;
	}
	return false;
}

/* The end of a certificate is its signature: as good as random. */
static size_t
slot_of(struct view der)
{
	size_t h = 0;

	for (size_t i = der.len > 4 ? der.len - 4 : 0; i < der.len; i++)
		h = h * 31 + der.data[i];
	return h % CALLERS_MAX;
}

struct principal *
callers_get(struct callers *c, struct view der)
{
	struct slot *s = &c->slots[slot_of(der)];
	LOCKED(&c->lock);

	if (s->p == NULL || !view_eq(view_of(s->p->cert, s->p->cert_len), der))
		return NULL;
	return principal_copy(s->p);
}

uint64_t
callers_epoch(struct callers *c)
{
	LOCKED(&c->lock);

	return c->epoch;
}

void
callers_put(struct callers *c, const struct principal *p, uint64_t epoch)
{
	struct view der = view_of(p->cert, p->cert_len);
	struct slot *s = &c->slots[slot_of(der)];
	struct principal *copy;
	struct cert x;

	if (der.len == 0 || cert_parse(&x, der, NULL) != RC_OK)
		return;
	copy = principal_copy(p);
	LOCKED(&c->lock);
	if (copy == NULL || c->epoch != epoch || changed_lately(c, &x.serial)) {
		principal_free(copy);
		return;
	}
	clear(s);
	s->p = copy;
	s->serial = x.serial;
}

void
callers_users_changed(struct callers *c)
{
	LOCKED(&c->lock);

	c->epoch++;
	for (size_t i = 0; i < CALLERS_MAX; i++)
		clear(&c->slots[i]);
}

void
callers_cert_changed(struct callers *c, const struct num *serial)
{
	LOCKED(&c->lock);

	c->changed[c->n_changed++ % CALLERS_MAX] = *serial;
	for (size_t i = 0; i < CALLERS_MAX; i++) {
		struct slot *s = &c->slots[i];
		if (s->p != NULL && num_cmp(&s->serial, serial) == 0)
			clear(s);
	}
}
