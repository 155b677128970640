/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - status maintenance by the calendar (spec ca 5.1).
 * Owns:    nothing beyond a call.
 * Trusts:  nothing; statuses are derived anew from dates and revocation.
 * Threads: the timer's only. */
#include "ca/state.h"

enum {
	PAGE = 200
};

struct due {
	char ids[PAGE][NUM_TEXT_MAX];
	size_t n;
};

static bool
collect(void *arg, const struct rec *r)
{
	struct due *d = arg;

	if (strlen(r->id) < sizeof(d->ids[0]))
		memcpy(d->ids[d->n++], r->id, strlen(r->id) + 1);
	return d->n < PAGE;
}

/* One page of records in state `from` whose date has passed. */
static enum rc
move_page(struct ca *ca, struct due *d, enum cert_status from,
    enum cert_status to, const char *attr, int64_t now, struct err *e)
{
	char filter[256], date[CLOCK_TEXT_MAX];
	static const char *const attrs[] = { "certStatus", NULL };
	struct query q = { .kind = REC_CERT,
		.filter = filter,
		.limit = PAGE,
		.attrs = attrs };
	AUTO(batch) b = batch_new();
	enum rc rc;

	d->n = 0;
	clock_text_dir(date, now);
	snprintf(filter, sizeof(filter), "(&(certStatus=%s)(%s<=%s))",
	    cert_status_text(from), attr, date);
	rc = store_search(ca->store, &q, collect, d, e);
	if (rc != RC_OK || d->n == 0)
		return rc;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "status maintenance");
	for (size_t i = 0; i < d->n; i++) {
		batch_modify(b, REC_CERT, d->ids[i]);
		/* exact old value: a revocation in between wins */
		batch_mod_str(
		    b, MOD_DELETE, "certStatus", cert_status_text(from));
		batch_mod_str(b, MOD_ADD, "certStatus", cert_status_text(to));
		batch_mod_str(b, MOD_REPLACE, "dateOfModify", date);
	}
	rc = store_commit(ca->store, b, e);
	/* somebody changed one of them meanwhile: look again next time */
	return rc == RC_CONFLICT ? RC_OK : rc;
}

static enum rc
move_all(struct ca *ca, enum cert_status from, enum cert_status to,
    const char *attr, int64_t now, int64_t max, struct err *e)
{
	struct due *d = calloc(1, sizeof(*d));
	enum rc rc = RC_OK;
	int64_t done = 0;

	if (d == NULL)
		return err_set(e, RC_NOMEM, "status maintenance");
	do {
		rc = move_page(ca, d, from, to, attr, now, e);
		done += (int64_t)d->n;
	} while (rc == RC_OK && d->n == PAGE && done < max);
	free(d);
	return rc;
}

enum rc
ca_update_statuses(struct ca *ca, int64_t now, struct err *e)
{
	int64_t max;
	enum rc rc;

	rc = cfg_int(
	    ca->cfg, &max, "ca.transitMaxRecords", 1, INT32_MAX, 1000000, e);
	if (rc != RC_OK)
		return rc;
	if ((rc = move_all(ca, CERT_INVALID, CERT_VALID, "notBefore", now, max,
		 e)) != RC_OK ||
	    (rc = move_all(ca, CERT_VALID, CERT_EXPIRED, "notAfter", now, max,
		 e)) != RC_OK)
		return rc;
	return move_all(
	    ca, CERT_REVOKED, CERT_REVOKED_EXPIRED, "notAfter", now, max, e);
}
