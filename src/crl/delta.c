/* SPDX-License-Identifier: Apache-2.0 */
/* delta.c - three ascending lists of entries merged into a delta. What the delta
 * before has listed is listed again, even where the set is back at the base: a
 * client may have built its list from that delta (RFC 5280 5.2.4 c).
 * Owns:    nothing.
 * Trusts:  the lists' octets are checked while they are read; they may come
 *          from a file or a record.
 * Threads: any. */
#include "crl/delta.h"

#include "der/reader.h"

/* One list, seen at its front entry. */
struct source {
	struct view rest;                   /* behind the front entry */
	const struct revoked_snapshot *set; /* its pieces follow, or NULL */
	size_t piece;
	struct view entry; /* empty at the end */
	struct num serial;
};

static enum rc
advance(struct source *s, struct err *e)
{
	struct view whole, copy, body;
	struct num n;
	bool first = s->entry.len == 0;

	if (s->rest.len == 0 && s->set != NULL)
		s->rest = revoked_snapshot_piece(s->set, s->piece++);
	if (s->rest.len == 0) {
		s->entry = view_of(NULL, 0);
		return RC_OK;
	}
	copy = s->rest;
	if (der_take(&s->rest, &whole, DER_SEQUENCE, e) != RC_OK ||
	    der_enter(&copy, &body, DER_SEQUENCE, e) != RC_OK ||
	    der_num(&body, &n, e) != RC_OK)
		return RC_INVALID;
	if (!first && num_cmp(&s->serial, &n) >= 0)
		return err_set(e, RC_UNSUPPORTED,
		    "delta CRL: entries of the base do not ascend");
	s->entry = whole;
	s->serial = n;
	return RC_OK;
}

static bool
is_at(const struct source *s, const struct num *n)
{
	return s->entry.len > 0 && num_cmp(&s->serial, n) == 0;
}

/* The list with the least serial at its front; NULL when all are at the end. */
static const struct source *
least(const struct source s[], size_t n)
{
	const struct source *min = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i].entry.len > 0 &&
		    (min == NULL || num_cmp(&s[i].serial, &min->serial) < 0))
			min = &s[i];
	return min;
}

static enum rc
put_removed(struct buf *out, struct view entry, struct err *e)
{
	struct crl_entry x;
	enum rc rc = crl_entry_next(&entry, &x, e);

	if (rc != RC_OK)
		return rc;
	x.reason = CRLREASON_REMOVE;
	x.hold = CRL_HOLD_ABSENT;
	x.has_invalidity = false;
	crl_entry_put(out, &x);
	return RC_OK;
}

enum rc
delta_entries(struct buf *out, uint64_t *count, struct view base,
    struct view prev, const struct revoked_snapshot *set, struct err *e)
{
	enum {
		BASE,
		PREV,
		SET,
		SOURCES
	};
	struct source s[SOURCES] = { [BASE] = { .rest = base },
		[PREV] = { .rest = prev },
		[SET] = { .set = set } };
	const struct source *min;
	enum rc rc = RC_OK;
	struct num n;
	uint64_t made = 0;
	size_t i, len;

	for (i = 0; rc == RC_OK && i < SOURCES; i++)
		rc = advance(&s[i], e);
	while (rc == RC_OK && (min = least(s, SOURCES)) != NULL) {
		n = min->serial;
		len = out->len;
		if (!is_at(&s[SET], &n))
			rc = put_removed(out, min->entry, e);
		else if (!is_at(&s[BASE], &n) || is_at(&s[PREV], &n) ||
		    !view_eq(s[BASE].entry, s[SET].entry))
			buf_add_view(out, s[SET].entry);
		made += out->len > len;
		for (i = 0; rc == RC_OK && i < SOURCES; i++)
			if (is_at(&s[i], &n))
				rc = advance(&s[i], e);
	}
	if (rc == RC_OK)
		rc = buf_check(out, e);
	if (rc == RC_OK)
		*count = made;
	return rc;
}
