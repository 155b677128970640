/* SPDX-License-Identifier: Apache-2.0 */
/* merge.c - the merge functions (design.md, law 4; spec directory 4.8).
 * Owns:    nothing; results point to the arguments.
 * Trusts:  nothing.
 * Threads: pure functions. */
#include "store/merge.h"

#include "store/filter_int.h"

static int
cmp64(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int
cmp_name(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

/* < 0: a comes first. Total over all fields, so that equal means same. */
static int
cmp_rev(const struct revocation *a, const struct revocation *b)
{
	int c;

	if ((c = cmp64(a->date, b->date)) != 0 ||
	    (c = cmp64(a->recorded, b->recorded)) != 0 ||
	    (c = cmp64(a->reason, b->reason)) != 0 ||
	    (c = cmp64(a->invalidity, b->invalidity)) != 0)
		return c;
	return cmp_name(a->by, b->by);
}

static bool
permanent(const struct merge_decision *d)
{
	return !d->release && d->rev.reason != REASON_HOLD;
}

const struct merge_decision *
merge_decisions(const struct merge_decision *a, const struct merge_decision *b)
{
	if (permanent(a) != permanent(b))
		return permanent(a) ? a : b;
	if (permanent(a))
		return cmp_rev(&a->rev, &b->rev) <= 0 ? a : b;
	if (a->rev.date != b->rev.date)
		return a->rev.date > b->rev.date ? a : b;
	if (a->release != b->release)
		return a->release ? b : a;
	return cmp_rev(&a->rev, &b->rev) <= 0 ? a : b;
}

const struct merge_decision *
merge_all(const struct merge_decision *d, size_t n)
{
	const struct merge_decision *best = n > 0 ? d : NULL;

	for (size_t i = 1; i < n; i++)
		best = merge_decisions(best, &d[i]);
	return best;
}

bool
merge_revoked(const struct merge_decision *ruling)
{
	return ruling != NULL && !ruling->release;
}

const struct revocation *
merge_rev_infos(const struct revocation *a, const struct revocation *b)
{
	bool hold_a = a->reason == REASON_HOLD;
	bool hold_b = b->reason == REASON_HOLD;

	if (hold_a != hold_b)
		return hold_a ? b : a;
	return cmp_rev(a, b) <= 0 ? a : b;
}

enum cert_status
merge_status(bool revoked, int64_t not_before, int64_t not_after, int64_t now)
{
	if (revoked)
		return now >= not_after ? CERT_REVOKED_EXPIRED : CERT_REVOKED;
	if (now < not_before)
		return CERT_INVALID;
	return now >= not_after ? CERT_EXPIRED : CERT_VALID;
}

bool
merge_sticky(bool a, bool b)
{
	return a || b;
}

int64_t
merge_max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

const struct num *
merge_max_num(const struct num *a, const struct num *b)
{
	return num_cmp(a, b) >= 0 ? a : b;
}

struct sorted {
	struct view value;
	struct buf norm;
};

static int
cmp_sorted(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;
	int c = view_cmp(buf_view(&x->norm), buf_view(&y->norm));

	return c != 0 ? c : view_cmp(x->value, y->value);
}

static void
collect(struct sorted *list, size_t *n, const struct rec *r, const char *attr)
{
	const struct rec_attr *a = rec_attr(r, attr);

	for (size_t i = 0; a != NULL && i < a->n; i++, (*n)++) {
		list[*n].value = a->values[i];
		list[*n].norm = buf_empty(REC_VALUE_MAX);
		value_norm(&list[*n].norm, schema_syntax(attr), a->values[i]);
	}
}

enum rc
merge_union(
    struct rec *into, const struct rec *from, const char *attr, struct err *e)
{
	const struct rec_attr *a = rec_attr(into, attr);
	const struct rec_attr *b = rec_attr(from, attr);
	size_t max = (a != NULL ? a->n : 0) + (b != NULL ? b->n : 0), n = 0;
	struct sorted *list = calloc(max + 1, sizeof(*list));
	AUTO(rec) all = rec_new(into->kind, into->id);

	if (list == NULL || all == NULL) {
		free(list);
		return err_set(e, RC_NOMEM, "merge: out of memory");
	}
	collect(list, &n, into, attr);
	collect(list, &n, from, attr);
	qsort(list, n, sizeof(*list), cmp_sorted);
	for (size_t i = 0; i < n; i++)
		if (i == 0 ||
		    !view_eq(
			buf_view(&list[i].norm), buf_view(&list[i - 1].norm)))
			rec_add(all, attr, list[i].value);
	for (size_t i = 0; i < n; i++) {
		if (list[i].norm.failed != RC_OK)
			all->failed = list[i].norm.failed;
		buf_done(&list[i].norm);
	}
	free(list);
	rec_clear(into, attr);
	a = rec_attr(all, attr);
	for (size_t i = 0; a != NULL && i < a->n; i++)
		rec_add(into, attr, a->values[i]);
	if (all->failed != RC_OK)
		return rec_check(all, e);
	return rec_check(into, e);
}

int
merge_stamp_cmp(const struct merge_stamp *a, const struct merge_stamp *b)
{
	int c;

	if ((c = cmp64(a->time, b->time)) != 0 ||
	    (c = cmp64(a->seq, b->seq)) != 0)
		return c;
	return cmp64(a->replica, b->replica);
}
