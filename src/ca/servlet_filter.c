/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_filter.c - search filters and numbers of forms; a row of a list of
 * certificates (spec ca 2.6).
 * Owns:    nothing.
 * Trusts:  nothing of a form: a filter is rebuilt term by term from a list of
 *          known attributes.
 * Threads: workers. */
#include "ca/servlet.h"

enum {
	FILTER_LEVELS = 8
};

/* What a page may ask of one kind of records: names of the model's record
 * attributes and ours; numbers by name; what every record has. */
struct terms {
	const char *names[8][2];
	const char *numbers[2];
	const char *number; /* our attribute */
	const char *present[2];
	const char *any;
};
static const struct terms cert_terms = {
	.names = { { "certStatus", "certStatus" },
	    { "certIssuedBy", "issuedBy" }, { "certRevokedBy", "revokedBy" },
	    { "x509cert.subject", "subjectName" },
	    { "subjectName", "subjectName" }, { "issuedBy", "issuedBy" },
	    { "revokedBy", "revokedBy" } },
	.numbers = { "certRecordId", "serialno" },
	.number = "serialno",
	.present = { "certRecordId", "certStatus" },
	.any = "(certStatus=*)",
};
static const struct terms request_terms = {
	.names = { { "requestStatus", "requestState" },
	    { "requestState", "requestState" },
	    { "requestType", "requestType" },
	    { "requestOwner", "requestOwner" },
	    { "extdata-profileid", "extdata-profileid" } },
	.numbers = { "requestRecordId", "requestId" },
	.number = "requestId",
	.present = { "requestId", "requestState" },
	.any = "(requestState=*)",
};

static void
number_term(
    struct buf *out, const char *attr, const char *op, const struct num *n)
{
	char dec[NUM_TEXT_MAX];

	num_dec(dec, n);
	buf_addf(out, "(%s%s%02zu%s)", attr, op, strlen(dec), dec);
}

static enum rc
leaf(struct buf *out, const struct filter *f, const struct terms *t,
    const char *op, struct err *e)
{
	const char *attr = filter_attr(f);
	AUTO_STR value = view_dup_str(filter_value(f));
	char quoted[TEXT_QUOTE_MAX];
	struct num n;

	if (value == NULL)
		return err_set(e, RC_INVALID, "filter: malformed value");
	if (text_ieq(attr, t->numbers[0]) || text_ieq(attr, t->numbers[1])) {
		if (num_parse(&n, value, false, NULL) != RC_OK)
			return err_set(
			    e, RC_INVALID, "filter: %.32s: not a number", attr);
		number_term(out, t->number, op, &n);
		return RC_OK;
	}
	for (size_t i = 0; i < sizeof(t->names) / sizeof(t->names[0]) &&
	     t->names[i][0] != NULL;
	     i++) {
		if (!text_ieq(attr, t->names[i][0]))
			continue;
		buf_addf(out, "(%s%s", t->names[i][1], op);
		filter_escape(out, view_str(value));
		buf_add_char(out, ')');
		return RC_OK;
	}
	return err_set(e, RC_INVALID, "filter: unknown attribute %s",
	    text_quote(quoted, view_str(attr)));
}

/* Two that call one another, at most FILTER_LEVELS deep. */
/* NOLINTBEGIN(misc-no-recursion) */
static enum rc rebuild(struct buf *out, const struct filter *f,
    const struct terms *t, int levels, struct err *e);

static enum rc
children(struct buf *out, const struct filter *f, const struct terms *t,
    char sign, int levels, struct err *e)
{
	enum rc rc = RC_OK;

	buf_add_char(out, '(');
	buf_add_char(out, sign);
	for (size_t i = 0; rc == RC_OK && i < filter_children(f); i++)
		rc = rebuild(out, filter_child(f, i), t, levels - 1, e);
	buf_add_char(out, ')');
	return rc;
}

/* A filter over the model's names as one over ours. */
static enum rc
rebuild(struct buf *out, const struct filter *f, const struct terms *t,
    int levels, struct err *e)
{
	if (levels == 0)
		return err_set(e, RC_TOOBIG, "filter: too deep");
	switch (filter_op(f)) {
	case FILTER_AND:
		return children(out, f, t, '&', levels, e);
	case FILTER_OR:
		return children(out, f, t, '|', levels, e);
	case FILTER_NOT:
		return children(out, f, t, '!', levels, e);
	case FILTER_EQ:
		return leaf(out, f, t, "=", e);
	case FILTER_GE:
		return leaf(out, f, t, ">=", e);
	case FILTER_LE:
		return leaf(out, f, t, "<=", e);
	case FILTER_PRESENT:
		if (!text_ieq(filter_attr(f), t->present[0]) &&
		    !text_ieq(filter_attr(f), t->present[1]))
			return err_set(
			    e, RC_INVALID, "filter: unknown attribute");
		buf_add_str(out, t->any);
		return RC_OK;
	case FILTER_SUBSTRING:
		break;
	}
	return err_set(e, RC_INVALID, "filter: substrings are not accepted");
}
/* NOLINTEND(misc-no-recursion) */

static enum rc
parse(struct buf *out, const char *text, const struct terms *t, struct err *e)
{
	AUTO(filter) f = NULL;
	enum rc rc = filter_parse(&f, text, e);

	if (rc == RC_OK)
		rc = rebuild(out, f, t, FILTER_LEVELS, e);
	return rc != RC_OK ? rc : buf_check(out, e);
}

enum rc
servlet_filter(struct buf *out, const char *text, struct err *e)
{
	return parse(out, text, &cert_terms, e);
}

enum rc
servlet_request_filter(struct buf *out, const char *text, struct err *e)
{
	return parse(out, text, &request_terms, e);
}

void
servlet_serial_term(struct buf *out, const char *op, const struct num *n)
{
	number_term(out, "serialno", op, n);
}

enum rc
servlet_int(struct http_call *c, const char *name, int64_t max, int64_t def,
    int64_t *out, struct err *e)
{
	const char *v = http_arg(c, name);
	enum rc rc;

	*out = def;
	if (v == NULL || v[0] == '\0')
		return RC_OK;
	rc = text_int(out, v, 0, max, e);
	return rc == RC_OK ? rc : err_prefix(e, "%s", name);
}

void
servlet_cert_row(struct servlet *s, const struct cert_rec *r)
{
	struct buf *b = &s->list;
	char hex[NUM_TEXT_MAX], dec[NUM_TEXT_MAX];

	xml_open(b, "record");
	xml_text(b, "serialNumber", num_hex(hex, &r->serial));
	xml_text(b, "serialNumberDecimal", num_dec(dec, &r->serial));
	xml_text(b, "subject", r->subject);
	xml_text(b, "certStatus", cert_status_text(r->status));
	xml_text(b, "type", "X.509");
	xml_text(b, "version", "2");
	xml_text(b, "subjectPublicKeyAlgorithm", r->key_oid);
	xml_text(b, "signatureAlgorithm", r->sig_oid);
	xml_textf(b, "validNotBefore", "%lld", (long long)r->not_before);
	xml_textf(b, "validNotAfter", "%lld", (long long)r->not_after);
	xml_textf(b, "issuedOn", "%lld", (long long)r->created);
	xml_text(b, "issuedBy", r->issued_by);
	if (r->revoked) {
		xml_textf(b, "revokedOn", "%lld", (long long)r->rev.date);
		xml_text(b, "revokedBy", r->rev.by);
		xml_textf(b, "revocationReason", "%d", r->rev.reason);
	}
	xml_close(b, "record");
	buf_addf(&s->form,
	    "<p><a href=\"displayBySerial?serialNumber=0x%s\">0x%s</a> ", hex,
	    hex);
	xml_escape(&s->form, r->subject);
	buf_addf(&s->form, " %s</p>\n", cert_status_text(r->status));
}

bool
servlet_is_agent(const struct http_call *c)
{
	return text_starts(c->path, "/ca/agent/");
}
