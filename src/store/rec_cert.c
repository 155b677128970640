/* SPDX-License-Identifier: Apache-2.0 */
/* rec_cert.c - the certificate record (spec directory 2.6).
 * Owns:    nothing; decoded texts live in the caller's arena.
 * Trusts:  nothing: records may come from another vendor's server.
 * Threads: any. */
#include "store/rec_cert.h"

#include "store/merge.h"

static const char *const status_texts[] = {
	[CERT_VALID] = "VALID",
	[CERT_INVALID] = "INVALID",
	[CERT_EXPIRED] = "EXPIRED",
	[CERT_REVOKED] = "REVOKED",
	[CERT_REVOKED_EXPIRED] = "REVOKED_EXPIRED",
};
enum {
	N_STATUS = sizeof(status_texts) / sizeof(status_texts[0])
};

static const char *const reason_labels[] = {
	[REASON_UNSPECIFIED] = "Unspecified",
	[REASON_KEY_COMPROMISE] = "Key_Compromise",
	[REASON_CA_COMPROMISE] = "CA_Compromise",
	[REASON_AFFILIATION_CHANGED] = "Affiliation_Changed",
	[REASON_SUPERSEDED] = "Superseded",
	[REASON_CESSATION] = "Cessation_of_Operation",
	[REASON_HOLD] = "Certificate_Hold",
	[7] = NULL,
	[REASON_REMOVE_FROM_CRL] = "Remove_from_CRL",
	[REASON_PRIVILEGE_WITHDRAWN] = "Privilege_Withdrawn",
	[REASON_AA_COMPROMISE] = "AA_Compromise",
};
enum {
	N_REASONS = sizeof(reason_labels) / sizeof(reason_labels[0])
};

const char *
cert_status_text(enum cert_status s)
{
	return (size_t)s < N_STATUS ? status_texts[s] : "INVALID";
}

enum rc
cert_status_parse(enum cert_status *out, const char *s, struct err *e)
{
	char quoted[TEXT_QUOTE_MAX];

	for (size_t i = 0; s != NULL && i < N_STATUS; i++) {
		if (!text_ieq(s, status_texts[i]))
			continue;
		*out = (enum cert_status)i;
		return RC_OK;
	}
	return err_set(e, RC_INVALID, "certificate status %s: unknown",
	    text_quote(quoted, view_str(s)));
}

const char *
reason_label(int reason)
{
	return reason >= 0 && reason < N_REASONS ? reason_labels[reason] : NULL;
}

int
reason_find(const char *label)
{
	for (int i = 0; label != NULL && i < N_REASONS; i++)
		if (reason_labels[i] != NULL &&
		    text_ieq(label, reason_labels[i]))
			return i;
	return -1;
}

/* --- revInfo ---------------------------------------------------------- */

static enum rc
parse_part(struct revocation *r, const char *part, struct err *e)
{
	static const char reason[] = "CRLReasonExtension=";
	static const char invalidity[] = "InvalidityDateExtension=";
	int64_t n;
	enum rc rc;

	if (text_starts(part, reason)) {
		if ((rc = text_int(&n, part + sizeof(reason) - 1, 0,
			 REASON_AA_COMPROMISE, e)) == RC_OK)
			r->reason = (int)n;
		return rc;
	}
	if (text_starts(part, invalidity))
		return text_date_dir(
		    &r->invalidity, part + sizeof(invalidity) - 1, e);
	return RC_OK; /* other entry extensions are dropped */
}

enum rc
revocation_parse(struct revocation *out, const char *rev_info, struct err *e)
{
	enum {
		PARTS_MAX = 8
	};
	struct revocation r = { 0 };
	AUTO_STR copy = strdup(rev_info != NULL ? rev_info : "");
	char *part[PARTS_MAX];
	enum rc rc;
	size_t n;

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "revInfo: out of memory");
	n = text_split(copy, ";", part, PARTS_MAX);
	if (n == 0 || n > PARTS_MAX)
		return err_set(e, RC_INVALID, "revInfo: empty or too long");
	if ((rc = text_date_dir(&r.date, part[0], e)) != RC_OK)
		return err_prefix(e, "revInfo");
	for (size_t i = 1; i < n; i++)
		if ((rc = parse_part(&r, part[i], e)) != RC_OK)
			return err_prefix(e, "revInfo");
	*out = r;
	return RC_OK;
}

void
revocation_text(struct buf *out, const struct revocation *r)
{
	char date[CLOCK_TEXT_MAX];

	buf_add_str(out, clock_text_dir(date, r->date));
	if (r->reason != REASON_UNSPECIFIED)
		buf_addf(out, ";CRLReasonExtension=%d", r->reason);
	if (r->invalidity != 0)
		buf_addf(out, ";InvalidityDateExtension=%s",
		    clock_text_dir(date, r->invalidity));
}

/* --- decode ----------------------------------------------------------- */

/* Copies all values of an attribute as a NULL-terminated list of texts. */
static const char *const *
texts(const struct rec *r, const char *name, struct arena *a)
{
	const struct rec_attr *at = rec_attr(r, name);
	size_t n = at != NULL ? at->n : 0;
	const char **list = arena_alloc(a, n + 1, sizeof(*list));

	for (size_t i = 0; list != NULL && i < n; i++)
		if ((list[i] = arena_view(a, at->values[i])) == NULL)
			return NULL;
	return list;
}

static const char *
meta_value(const char *const *meta, const char *name)
{
	size_t n = strlen(name);

	for (; *meta != NULL; meta++)
		if (strncasecmp(*meta, name, n) == 0 && (*meta)[n] == ':')
			return *meta + n + 1;
	return NULL;
}

static enum rc
decode_meta(
    struct cert_rec *c, const struct rec *r, struct arena *a, struct err *e)
{
	char hex[NUM_TEXT_MAX];
	const char *id;
	struct num n;

	c->meta = texts(r, "metaInfo", a);
	c->extensions = texts(r, "extension", a);
	if (c->meta == NULL || c->extensions == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	c->profile_id = meta_value(c->meta, "profileId");
	if ((id = meta_value(c->meta, "requestId")) == NULL)
		return RC_OK;
	/* an id that is no number belongs to nobody's request: left out */
	if (num_parse(&n, id, false, NULL) == RC_OK)
		c->request_id = arena_str(a, num_hex(hex, &n));
	return RC_OK;
}

static enum rc
decode_revocation(
    struct cert_rec *c, const struct rec *r, struct arena *a, struct err *e)
{
	const struct rec_attr *infos = rec_attr(r, "revInfo");
	const struct rec_attr *on = rec_attr(r, "revokedOn");
	const struct rec_attr *by = rec_attr(r, "revokedBy");
	struct revocation best = { 0 }, one;
	enum rc rc;

	for (size_t i = 0; infos != NULL && i < infos->n; i++) {
		if ((rc = revocation_parse(&one,
			 (const char *)infos->values[i].data, e)) != RC_OK)
			return rc;
		if (i == 0 || merge_rev_infos(&best, &one) == &one)
			best = one;
	}
	if (infos == NULL)
		return RC_OK;
	/* several values have no common order: earliest time, least name */
	for (size_t i = 0; on != NULL && i < on->n; i++) {
		int64_t t;

		if (text_date_dir(&t, (const char *)on->values[i].data, e) !=
		    RC_OK)
			return err_prefix(e, "revokedOn");
		if (i == 0 || t < best.recorded)
			best.recorded = t;
	}
	for (size_t i = 0; by != NULL && i < by->n; i++) {
		const char *name = (const char *)by->values[i].data;

		if (best.by == NULL || strcmp(name, best.by) < 0)
			best.by = name;
	}
	best.by = arena_str(a, best.by);
	c->rev = best;
	c->revoked = true;
	return RC_OK;
}

/* RC_OK also when the date is absent and may be. */
static enum rc
date(const struct rec *r, int64_t *out, const char *name, bool must,
    struct err *e)
{
	enum rc rc = rec_date(r, out, name, e);

	return rc == RC_NOTFOUND && !must ? RC_OK : rc;
}

static enum rc
decode_plain(
    struct cert_rec *c, const struct rec *r, struct arena *a, struct err *e)
{
	struct view der = rec_get(r, "userCertificate;binary");
	const char *renew = rec_str(r, "autoRenew");
	enum rc rc;

	if (der.len == 0)
		der = rec_get(r, "userCertificate");
	if ((rc = date(r, &c->created, "dateOfCreate", false, e)) != RC_OK ||
	    (rc = date(r, &c->modified, "dateOfModify", false, e)) != RC_OK ||
	    (rc = date(r, &c->not_before, "notBefore", true, e)) != RC_OK ||
	    (rc = date(r, &c->not_after, "notAfter", true, e)) != RC_OK)
		return rc;
	c->subject = arena_str(a, rec_str(r, "subjectName"));
	c->issuer = arena_str(a, rec_str(r, "issuerName"));
	c->issued_by = arena_str(a, rec_str(r, "issuedBy"));
	c->key_oid = arena_str(a, rec_str(r, "algorithmId"));
	c->sig_oid = arena_str(a, rec_str(r, "signingAlgorithmId"));
	c->auto_renew = renew != NULL && text_ieq(renew, "ENABLED");
	c->spki = rec_get(r, "publicKeyData");
	c->spki.data = (uint8_t *)arena_view(a, c->spki);
	c->der = view_of(arena_view(a, der), der.len);
	if (c->der.data == NULL || c->spki.data == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	return RC_OK;
}

/* Several values may be left by writes on several replicas: then the one that
 * is worst for the holder, until the record is put right (decision.h). */
static enum rc
decode_status(struct cert_rec *c, const struct rec *r, struct err *e)
{
	static const int rank[] = { [CERT_INVALID] = 0,
		[CERT_VALID] = 1,
		[CERT_EXPIRED] = 2,
		[CERT_REVOKED] = 3,
		[CERT_REVOKED_EXPIRED] = 4 };
	const struct rec_attr *a = rec_attr(r, "certStatus");
	enum cert_status s;
	enum rc rc;

	if (a == NULL)
		return cert_status_parse(&c->status, NULL, e);
	for (size_t i = 0; i < a->n; i++) {
		rc = cert_status_parse(&s, (const char *)a->values[i].data, e);
		if (rc != RC_OK)
			return rc;
		if (i == 0 || rank[s] > rank[c->status])
			c->status = s;
	}
	return RC_OK;
}

enum rc
cert_rec_decode(
    struct cert_rec *out, const struct rec *r, struct arena *a, struct err *e)
{
	struct cert_rec c = { 0 };
	enum rc rc;

	c.usn = r->usn;
	if ((rc = num_parse(&c.serial, r->id, true, e)) != RC_OK ||
	    (rc = decode_status(&c, r, e)) != RC_OK ||
	    (rc = decode_plain(&c, r, a, e)) != RC_OK ||
	    (rc = decode_meta(&c, r, a, e)) != RC_OK ||
	    (rc = decode_revocation(&c, r, a, e)) != RC_OK)
		return err_prefix(e, "certificate record %.64s", r->id);
	*out = c;
	return RC_OK;
}

/* --- encode ----------------------------------------------------------- */

static void
encode_meta(struct rec *r, const struct cert_rec *c)
{
	char dec[NUM_TEXT_MAX];
	struct num n;

	if (c->request_id != NULL) {
		if (num_parse(&n, c->request_id, true, NULL) == RC_OK)
			rec_addf(
			    r, "metaInfo", "requestId:%s", num_dec(dec, &n));
		else if (r->failed == RC_OK)
			r->failed = RC_INVALID;
	}
	if (c->profile_id != NULL)
		rec_addf(r, "metaInfo", "profileId:%s", c->profile_id);
	for (size_t i = 0; c->meta != NULL && c->meta[i] != NULL; i++)
		rec_add_str(r, "metaInfo", c->meta[i]);
}

static void
encode_revocation(struct rec *r, const struct revocation *rev)
{
	AUTO_BUF b = buf_empty(0);

	revocation_text(&b, rev);
	rec_add_str(r, "revInfo", buf_cstr(&b));
	rec_add_str(r, "revokedBy", rev->by);
	rec_add_date(r, "revokedOn", rev->recorded);
}

struct rec *
cert_rec_encode(const struct cert_rec *c)
{
	char id[NUM_TEXT_MAX], ms[NUM_TEXT_MAX];
	struct rec *r = rec_new(REC_CERT, num_hex(id, &c->serial));

	if (r == NULL)
		return NULL;
	rec_add_num(r, "serialno", &c->serial);
	rec_add_str(r, "certStatus", cert_status_text(c->status));
	rec_add_date(r, "dateOfCreate", c->created);
	rec_add_date(r, "dateOfModify", c->modified);
	rec_add_str(r, "autoRenew", c->auto_renew ? "ENABLED" : "DISABLED");
	encode_meta(r, c);
	rec_add_date(r, "notBefore", c->not_before);
	rec_add_date(r, "notAfter", c->not_after);
	snprintf(ms, sizeof(ms), "%lld",
	    (long long)(c->not_after - c->not_before) * 1000);
	rec_addf(r, "duration", "%02zu%s", strlen(ms), ms);
	rec_add_str(r, "version", "2");
	rec_add_str(r, "algorithmId", c->key_oid);
	rec_add_str(r, "signingAlgorithmId", c->sig_oid);
	rec_add_str(r, "subjectName", c->subject);
	rec_add_str(r, "issuerName", c->issuer);
	rec_add(r, "publicKeyData", c->spki);
	for (size_t i = 0; c->extensions != NULL && c->extensions[i] != NULL;
	     i++)
		rec_add_str(r, "extension", c->extensions[i]);
	rec_add(r, "userCertificate;binary", c->der);
	rec_add_str(r, "issuedBy", c->issued_by);
	if (c->revoked)
		encode_revocation(r, &c->rev);
	return r;
}

enum cert_status
cert_rec_status(const struct cert_rec *c, int64_t now)
{
	return merge_status(c->revoked, c->not_before, c->not_after, now);
}
