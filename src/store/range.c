/* SPDX-License-Identifier: Apache-2.0 */
/* range.c - ranges of numbers: their settings and their arithmetic (spec
 * deployment 4).
 * Owns:    nothing: plain state in, plain state out.
 * Trusts:  nothing in CS.cfg.
 * Threads: any; a state has one owner. */
#include "store/range.h"

#include <inttypes.h>

enum {
	NAME_MAX_LEN = 64,
	DECIMAL_DIGITS = 20, /* of a uint64_t */
};
#define NUMBER_MAX ((uint64_t)INT64_MAX)
#define NO_SPAN ((struct range_span){ 1, 0 })

static const struct kind_names {
	const char *big, *small, *legacy, *legacy2;
	/* fall-backs of absent names */
	uint64_t begin, end, increment, low_water, transfer;
	bool hex;
} kinds[RANGE_KINDS] = {
	[RANGE_REQUEST] = { "Request", "request", "request", "request_v2", 0,
	    1000000000, 1000000000, 5000, 5000, false },
	[RANGE_SERIAL] = { "Serial", "serial", "serial", "serial_v2", 0,
	    1000000000, 1000000000, 5000, 5000, true },
	[RANGE_REPLICA] = { "Replica", "replica", "replica", "replica", 1, 1000,
	    1000, 10, 5, false },
};

const char *
range_name(enum range_kind kind, enum range_form form)
{
	return form == RANGE_LEGACY ? kinds[kind].legacy : kinds[kind].legacy2;
}

const char *
range_text(char out[RANGE_TEXT_MAX], enum range_kind kind, enum range_form form,
    uint64_t v)
{
	if (!kinds[kind].hex)
		snprintf(out, RANGE_TEXT_MAX, "%" PRIu64, v);
	else
		snprintf(out, RANGE_TEXT_MAX, "%s%" PRIx64,
		    form == RANGE_LEGACY ? "" : "0x", v);
	return out;
}

static enum rc
narrow(uint64_t *out, const struct num *n, const char *text, struct err *e)
{
	uint64_t v = 0;

	for (size_t i = 0; n->len <= sizeof(v) && i < n->len; i++)
		v = v << 8 | n->b[i];
	if (n->len > sizeof(v) || v > NUMBER_MAX)
		return err_set(e, RC_INVALID, "%.64s is too large", text);
	*out = v;
	return RC_OK;
}

enum rc
range_parse(uint64_t *out, enum range_kind kind, enum range_form form,
    const char *text, struct err *e)
{
	struct num n;
	enum rc rc;

	rc = num_parse(&n, text, kinds[kind].hex && form == RANGE_LEGACY, e);
	return rc == RC_OK ? narrow(out, &n, text, e) : rc;
}

/* --- CS.cfg ------------------------------------------------------------- */

enum setting {
	BEGIN,
	END,
	NEXT_BEGIN,
	NEXT_END,
	INCREMENT,
	LOW_WATER,
	TRANSFER,
	SETTINGS
};

static const char *
setting_name(char out[NAME_MAX_LEN], enum range_kind kind, enum setting n)
{
	static const struct {
		const char *before, *behind;
		bool big;
	} parts[SETTINGS] = {
		[BEGIN] = { "begin", "Number", true },
		[END] = { "end", "Number", true },
		[NEXT_BEGIN] = { "nextBegin", "Number", true },
		[NEXT_END] = { "nextEnd", "Number", true },
		[INCREMENT] = { "", "Increment", false },
		[LOW_WATER] = { "", "LowWaterMark", false },
		[TRANSFER] = { "", "CloneTransferNumber", false },
	};

	snprintf(out, NAME_MAX_LEN, "dbs.%s%s%s", parts[n].before,
	    parts[n].big ? kinds[kind].big : kinds[kind].small,
	    parts[n].behind);
	return out;
}

enum rc
range_load(struct range_state *out, const struct cfg *c, enum range_kind kind,
    enum range_form form, struct err *e)
{
	const struct kind_names *k = &kinds[kind];
	struct range_state s = { .kind = kind,
		.form = form,
		.now = { k->begin, k->end },
		.next = NO_SPAN,
		.increment = k->increment,
		.low_water = k->low_water,
		.transfer = k->transfer };
	uint64_t *const into[SETTINGS] = { [BEGIN] = &s.now.begin,
		[END] = &s.now.end,
		[NEXT_BEGIN] = &s.next.begin,
		[NEXT_END] = &s.next.end,
		[INCREMENT] = &s.increment,
		[LOW_WATER] = &s.low_water,
		[TRANSFER] = &s.transfer };
	char name[NAME_MAX_LEN];

	for (enum setting i = BEGIN; i < SETTINGS; i++) {
		const char *text =
		    cfg_str(c, setting_name(name, kind, i), NULL);
		if (text != NULL &&
		    range_parse(into[i], kind, form, text, e) != RC_OK)
			return err_prefix(e, "CS.cfg: %s", name);
	}
	if (s.increment == 0)
		return err_set(e, RC_INVALID, "CS.cfg: %s is 0",
		    setting_name(name, kind, INCREMENT));
	/* begin = end + 1 is a range that was given away whole */
	if (s.now.begin > s.now.end + 1)
		return err_set(e, RC_INVALID, "CS.cfg: %s is above its end",
		    setting_name(name, kind, BEGIN));
	if (s.next.begin > s.next.end)
		s.next = NO_SPAN;
	s.managed = cfg_bool(c, "dbs.enableSerialManagement", false);
	*out = s;
	return RC_OK;
}

static enum rc
put(const struct range_state *s, struct cfg *c, enum setting n, uint64_t v,
    struct err *e)
{
	char name[NAME_MAX_LEN], text[RANGE_TEXT_MAX];

	return cfg_set(c, setting_name(name, s->kind, n),
	    range_text(text, s->kind, s->form, v), e);
}

enum rc
range_save(const struct range_state *s, struct cfg *c, struct err *e)
{
	char name[NAME_MAX_LEN];
	enum rc rc;

	if ((rc = put(s, c, BEGIN, s->now.begin, e)) != RC_OK ||
	    (rc = put(s, c, END, s->now.end, e)) != RC_OK)
		return rc;
	if (s->managed &&
	    (rc = cfg_set(c, "dbs.enableSerialManagement", "true", e)) != RC_OK)
		return rc;
	if (s->next.begin > s->next.end) {
		cfg_del(c, setting_name(name, s->kind, NEXT_BEGIN));
		cfg_del(c, setting_name(name, s->kind, NEXT_END));
		return RC_OK;
	}
	rc = put(s, c, NEXT_BEGIN, s->next.begin, e);
	return rc == RC_OK ? put(s, c, NEXT_END, s->next.end, e) : rc;
}

/* dbs.serialDN=ou=certificateRepository,ou=ca,
 * dbs.serialRangeDN=ou=certificateRepository,ou=ranges ... */
static enum rc
put_places(
    const struct range_state *s, struct cfg *c, const char *sub, struct err *e)
{
	const char *small = kinds[s->kind].small,
		   *ranges = s->form == RANGE_LEGACY ? "ranges" : "ranges_v2",
		   *records = strcmp(sub, "kra") == 0 ? "keyRepository"
						      : "certificateRepository";
	char name[NAME_MAX_LEN], range_name[NAME_MAX_LEN];
	AUTO_BUF dn = buf_empty(0);
	AUTO_BUF range_dn = buf_empty(0);
	enum rc rc;

	snprintf(name, sizeof(name), "dbs.%sDN", small);
	snprintf(range_name, sizeof(range_name), "dbs.%sRangeDN", small);
	switch (s->kind) {
	case RANGE_REQUEST:
		buf_addf(&dn, "ou=%s, ou=requests", sub);
		buf_addf(&range_dn, "ou=requests,ou=%s", ranges);
		break;
	case RANGE_SERIAL:
		buf_addf(&dn, "ou=%s, ou=%s", records, sub);
		buf_addf(&range_dn, "ou=%s,ou=%s", records, ranges);
		break;
	case RANGE_REPLICA:
		buf_add_str(&dn, "ou=replica");
		buf_add_str(&range_dn, "ou=replica, ou=ranges");
		break;
	}
	rc = cfg_set(c, name, buf_cstr(&dn), e);
	return rc == RC_OK ? cfg_set(c, range_name, buf_cstr(&range_dn), e)
			   : rc;
}

enum rc
range_save_new(
    const struct range_state *s, struct cfg *c, const char *sub, struct err *e)
{
	enum rc rc = range_save(s, c, e);

	if (rc != RC_OK ||
	    (rc = put(s, c, INCREMENT, s->increment, e)) != RC_OK ||
	    (rc = put(s, c, LOW_WATER, s->low_water, e)) != RC_OK ||
	    (rc = put(s, c, TRANSFER, s->transfer, e)) != RC_OK)
		return rc;
	return put_places(s, c, sub, e);
}

void
range_remove(enum range_kind kind, struct cfg *c)
{
	char name[NAME_MAX_LEN];

	for (enum setting i = BEGIN; i < SETTINGS; i++)
		cfg_del(c, setting_name(name, kind, i));
	snprintf(name, sizeof(name), "dbs.%sRangeDN", kinds[kind].small);
	cfg_del(c, name);
}

/* --- arithmetic --------------------------------------------------------- */

static uint64_t
length(const struct range_span *s)
{
	return s->begin > s->end ? 0 : s->end - s->begin + 1;
}

/* The least number of the span that is free. */
static uint64_t
first_free(const struct range_state *s, const struct range_span *in)
{
	return s->mark > in->begin ? s->mark : in->begin;
}

uint64_t
range_left_now(const struct range_state *s)
{
	struct range_span rest = { first_free(s, &s->now), s->now.end };

	return length(&rest);
}

uint64_t
range_left(const struct range_state *s)
{
	struct range_span rest = { first_free(s, &s->next), s->next.end };

	return range_left_now(s) + (length(&s->next) > 0 ? length(&rest) : 0);
}

enum rc
range_next(struct range_state *s, uint64_t *out, struct err *e)
{
	char text[RANGE_TEXT_MAX];

	if (range_left_now(s) == 0 && s->managed && length(&s->next) > 0) {
		s->now = s->next;
		s->next = NO_SPAN;
	}
	if (range_left_now(s) == 0)
		return err_set(e, RC_UNAVAILABLE,
		    RANGE_EXHAUSTED " The max serial number is %s%s",
		    kinds[s->kind].hex && s->form == RANGE_LEGACY ? "0x" : "",
		    range_text(text, s->kind, s->form, s->now.end));
	*out = first_free(s, &s->now);
	s->mark = *out + 1;
	return RC_OK;
}

enum rc
range_cut(
    struct range_state *s, struct range_span *out, bool random, struct err *e)
{
	struct range_span *from = &s->now;

	if (s->transfer == 0)
		return err_set(e, RC_INVALID,
		    "CS.cfg: dbs.%sCloneTransferNumber is 0",
		    kinds[s->kind].small);
	/* where numbers of the block may be used, of the next range */
	if (random || s->now.end + 1 < s->transfer ||
	    s->now.end + 1 - s->transfer < first_free(s, &s->now))
		from = &s->next;
	if (length(from) < s->transfer ||
	    from->end + 1 - s->transfer < first_free(s, from))
		return err_set(e, RC_UNAVAILABLE,
		    "Unable to update number range: Current range depleted but "
		    "no next range available.");
	out->end = from->end;
	out->begin = from->end + 1 - s->transfer;
	from->end = out->begin - 1;
	if (from == &s->next && length(from) == 0)
		s->next = NO_SPAN;
	return RC_OK;
}

enum rc
range_halve(struct range_state *s, struct range_span *out, struct err *e)
{
	uint64_t left = range_left_now(s);
	uint64_t n = s->kind == RANGE_REPLICA ? left - left / 2 : left / 2;

	if (n == 0)
		return err_set(e, RC_UNAVAILABLE,
		    "Unable to update number range: no number is left to give "
		    "away.");
	out->end = s->now.end;
	out->begin = s->now.end + 1 - n;
	s->now.end = out->begin - 1;
	return RC_OK;
}

void
range_burn(struct range_state *s)
{
	const uint64_t ends[] = { s->top, s->now.end,
		length(&s->next) > 0 ? s->next.end : 0 };

	for (size_t i = 0; i < 3; i++) {
		if (ends[i] > s->top)
			s->top = ends[i];
		if (ends[i] >= s->mark)
			s->mark = ends[i] + 1;
	}
	s->next = NO_SPAN;
}

enum rc
range_owner_reads(uint64_t *out, enum range_kind kind, enum range_form form,
    uint64_t in_directory, struct err *e)
{
	char text[DECIMAL_DIGITS + 1];

	snprintf(text, sizeof(text), "%" PRIu64, in_directory);
	return range_parse(out, kind, form, text, e);
}

uint64_t
range_after(enum range_kind kind, enum range_form form, uint64_t end)
{
	uint64_t least = 0, read, digit = 1;

	if (!kinds[kind].hex || form != RANGE_LEGACY)
		return end + 1;
	/* hex digits from the top: the least decimal text that reads as more;
	 * a letter becomes the next higher text */
	for (uint64_t want = end + 1; want > 0; want >>= 4, digit *= 10) {
		if ((want & 15) > 9) {
			least = 0;
			want += 16;
			continue;
		}
		least += (want & 15) * digit;
	}
	/* what was carried over makes it only larger */
	return range_owner_reads(&read, kind, form, least, NULL) == RC_OK &&
		read > end
	    ? least
	    : 0;
}
