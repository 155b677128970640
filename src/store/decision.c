/* SPDX-License-Identifier: Apache-2.0 */
/* decision.c - from requests to what holds of a certificate and back.
 * Owns:    nothing; texts live in the caller's arena or request.
 * Trusts:  nothing: requests may be another vendor's.
 * Threads: any. */
#include "store/decision.h"

#include "store/store_backend.h"

#define MARK "cert:"
/* of a decision's request, beside what the model writes */
#define KEY_DATE "decisiondate"
#define KEY_INVALIDITY "invaliditydate"

enum {
	MARK_MAX = NUM_TEXT_MAX + sizeof(MARK),
};

static void
set_date(struct request_rec *r, const char *key, int64_t t)
{
	char text[CLOCK_TEXT_MAX];

	request_set(r, key, clock_text_dir(text, t));
}

enum rc
decision_write(struct request_rec *r, const struct num *serial,
    const struct merge_decision *d, struct err *e)
{
	char mark[MARK_MAX] = MARK, reason[16];

	num_dec(mark + sizeof(MARK) - 1, serial);
	free(r->source_id);
	if ((r->source_id = strdup(mark)) == NULL)
		return err_set(e, RC_NOMEM, "request");
	set_date(r, KEY_DATE, d->rev.date);
	if (d->release)
		return RC_OK;
	snprintf(reason, sizeof(reason), "%d", d->rev.reason);
	request_set(r, "revocationreason", reason);
	if (d->rev.invalidity != 0)
		set_date(r, KEY_INVALIDITY, d->rev.invalidity);
	return RC_OK;
}

static bool
decides(const char *type)
{
	return type != NULL &&
	    (text_ieq(type, "revocation") || text_ieq(type, "unrevocation"));
}

bool
decision_serial(struct num *out, const struct rec *request)
{
	const char *mark = rec_str(request, "requestSourceId");

	return decides(rec_str(request, "requestType")) && mark != NULL &&
	    text_starts(mark, MARK) &&
	    num_parse(out, mark + sizeof(MARK) - 1, false, NULL) == RC_OK;
}

bool
decision_read(struct merge_decision *out, const struct request_rec *r)
{
	const char *result = request_ext(r, "result");
	const char *reason = request_ext(r, "revocationreason");
	const char *date = request_ext(r, KEY_DATE);
	const char *invalidity = request_ext(r, KEY_INVALIDITY);
	struct merge_decision d = { .rev.date = r->created,
		.rev.recorded = r->created };
	int64_t n = REASON_UNSPECIFIED;

	if (!decides(r->type) || r->state != REQUEST_COMPLETE ||
	    (result != NULL && strcmp(result, "1") != 0))
		return false;
	d.release = text_ieq(r->type, "unrevocation");
	if (date != NULL && text_date_dir(&d.rev.date, date, NULL) != RC_OK)
		return false;
	if (d.release) {
		*out = d;
		return true;
	}
	if ((reason != NULL &&
		text_int(&n, reason, 0, REASON_AA_COMPROMISE, NULL) != RC_OK) ||
	    (invalidity != NULL &&
		text_date_dir(&d.rev.invalidity, invalidity, NULL) != RC_OK))
		return false;
	d.rev.reason = (int)n;
	d.rev.by = request_ext(r, "updatedby");
	*out = d;
	return true;
}

/* --- the ruling --------------------------------------------------------- */

struct collecting {
	struct ruling *out;
	struct arena *a;
	bool failed;
};

/* One more decision; its name is copied when it comes to rule. */
static void
weigh(struct collecting *w, const struct merge_decision *d)
{
	struct ruling *x = w->out;

	if (x->any && merge_decisions(&x->d, d) == &x->d)
		return;
	x->any = true;
	x->d = *d;
	if (d->rev.by == NULL)
		return;
	x->d.rev.by = arena_str(w->a, d->rev.by);
	w->failed = w->failed || x->d.rev.by == NULL;
}

static bool
weigh_request(void *arg, const struct rec *rec)
{
	struct collecting *w = arg;
	AUTO(request_rec) r = NULL;
	struct merge_decision d;

	/* one that cannot be read decides nothing */
	if (request_rec_decode(&r, rec, NULL) == RC_OK && decision_read(&d, r))
		weigh(w, &d);
	return !w->failed;
}

enum rc
ruling_load(struct ruling *out, struct store *s, const struct cert_rec *c,
    struct arena *a, struct err *e)
{
	struct collecting w = { out, a, false };
	struct merge_decision own = { .rev = c->rev };
	char filter[MARK_MAX + 32], dec[NUM_TEXT_MAX];
	struct query q = { .kind = REC_REQUEST, .filter = filter };
	enum rc rc;

	*out = (struct ruling){ 0 };
	if (c->revoked)
		weigh(&w, &own);
	snprintf(filter, sizeof(filter), "(requestSourceId=" MARK "%s)",
	    num_dec(dec, &c->serial));
	rc = store_search(s, &q, weigh_request, &w, e);
	if (rc == RC_OK && w.failed)
		rc = err_set(e, RC_NOMEM, "certificate's decisions");
	return rc;
}

bool
ruling_revoked(const struct ruling *r)
{
	return r->any && merge_revoked(&r->d);
}

int64_t
ruling_next_date(const struct ruling *r, bool permanent, int64_t now)
{
	return r->any && !permanent && r->d.rev.date >= now ? r->d.rev.date + 1
							    : now;
}

/* --- the record --------------------------------------------------------- */

static bool
one_value(const struct rec *r, const char *name)
{
	const struct rec_attr *a = rec_attr(r, name);

	return a == NULL || a->n <= 1;
}

bool
ruling_kept(
    const struct ruling *x, const struct cert_rec *c, const struct rec *r)
{
	bool says =
	    c->status == CERT_REVOKED || c->status == CERT_REVOKED_EXPIRED;
	bool revoked = ruling_revoked(x);

	if (!one_value(r, "certStatus") || !one_value(r, "revInfo"))
		return false;
	if (!x->any)
		return true;
	if (revoked != c->revoked || revoked != says)
		return false;
	return !revoked ||
	    (x->d.rev.date == c->rev.date && x->d.rev.reason == c->rev.reason &&
		x->d.rev.invalidity == c->rev.invalidity);
}

void
ruling_write(struct batch *b, const struct ruling *x, const struct cert_rec *c,
    int64_t now)
{
	static const char *const names[] = { "revInfo", "revokedBy",
		"revokedOn" };
	AUTO_BUF info = buf_empty(0);
	char id[NUM_TEXT_MAX], date[CLOCK_TEXT_MAX];
	bool revoked = ruling_revoked(x);

	batch_modify(b, REC_CERT, num_hex(id, &c->serial));
	if (revoked) {
		revocation_text(&info, &x->d.rev);
		if (info.failed != RC_OK)
			batch_fail(b, info.failed);
		batch_mod(b, MOD_REPLACE, "revInfo", buf_view(&info));
		batch_mod_str(b, MOD_REPLACE, "revokedBy",
		    x->d.rev.by != NULL ? x->d.rev.by : "system");
		batch_mod_str(b, MOD_REPLACE, "revokedOn",
		    clock_text_dir(date, x->d.rev.recorded));
	} else {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			batch_mod(b, MOD_REPLACE, names[i], view_of(NULL, 0));
	}
	batch_mod_str(b, MOD_REPLACE, "certStatus",
	    cert_status_text(
		merge_status(revoked, c->not_before, c->not_after, now)));
	batch_mod_str(
	    b, MOD_REPLACE, "dateOfModify", clock_text_dir(date, now));
}
