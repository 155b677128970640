/* SPDX-License-Identifier: Apache-2.0 */
/* default_validity.c - defaults that write notBefore and notAfter (spec
 * profiles 9.2), and calendar ranges.
 * Owns:    nothing.
 * Trusts:  nothing; numbers are bounded before they are added.
 * Threads: as struct profile_run. */
#include "profile/validity.h"

#include "der/reader.h"

enum {
	RANGE_MAX = 1000000,    /* units */
	START_MAX = 2000000000, /* seconds */
	RANDOM_BITS_MAX = 40,
	MINUTE = 60,
	HOUR = 3600,
	DAY = 86400,
	YEAR_MAX = 9999,
};

/* The last second of 9999: no certificate can say more. */
static const int64_t TIME_MAX = 253402300799;

/* INT64_MAX where the calendar ends. */
static int64_t
add_months(int64_t from, int64_t months)
{
	int year = civil_of(from).year;

	return months / 12 >= YEAR_MAX - year ? INT64_MAX
					      : civil_add_months(from, months);
}

enum rc
validity_add(
    int64_t *out, int64_t from, int64_t range, const char *unit, struct err *e)
{
	int64_t t;

	if (range < 0 || range > RANGE_MAX)
		return err_set(e, RC_INVALID, "validity range is too large");
	if (unit[0] == '\0' || strcmp(unit, "day") == 0)
		t = from + range * DAY;
	else if (strcmp(unit, "year") == 0)
		t = add_months(from, range * 12);
	else if (strcmp(unit, "month") == 0)
		t = add_months(from, range);
	else if (strcmp(unit, "hour") == 0)
		t = from + range * HOUR;
	else if (strcmp(unit, "minute") == 0)
		t = from + range * MINUTE;
	else
		return err_set(e, RC_INVALID, "Invalid Range Unit: %s", unit);
	if (t > TIME_MAX || t < from)
		return err_set(e, RC_INVALID, "validity ends after year 9999");
	*out = t;
	return RC_OK;
}

/* A number that may be a pattern. */
static enum rc
number(struct profile_run *r, const struct profile_part *p, const char *name,
    int64_t max, int64_t def, int64_t *out, struct err *e)
{
	const char *s;
	enum rc rc = run_expand(r, &s, part_param(p, name, ""), e);

	if (rc != RC_OK)
		return rc;
	if (s[0] == '\0') {
		*out = def;
		return RC_OK;
	}
	if (text_int(out, s, -max, max, NULL) != RC_OK)
		return err_set(
		    e, RC_INVALID, "%s: %s is not a number", p->class_id, name);
	return RC_OK;
}

static enum rc
validity_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	int64_t range, start, from, to;
	enum rc rc;

	rc = number(r, p, "range", RANGE_MAX, 7305, &range, e);
	if (rc == RC_OK)
		rc = number(r, p, "startTime", START_MAX, 60, &start, e);
	if (rc != RC_OK)
		return rc;
	from = r->env->now + start;
	rc = validity_add(&to, from, range, part_param(p, "rangeUnit", ""), e);
	if (rc != RC_OK)
		return rc;
	r->t->not_before = from;
	r->t->not_after = to;
	return RC_OK;
}

/* --- review ----------------------------------------------------------------- */

static enum rc
validity_get(struct profile_run *r, const struct profile_part *p,
    const char *name, struct buf *out, struct err *e)
{
	char text[CLOCK_TEXT_MAX];

	(void)p, (void)e;
	buf_add_str(out,
	    clock_text_iso(text,
		strcmp(name, "notBefore") == 0 ? r->t->not_before
					       : r->t->not_after));
	return RC_OK;
}

static enum rc
validity_set(struct profile_run *r, const struct profile_part *p,
    const char *name, const char *value, struct err *e)
{
	int64_t t;

	(void)p;
	if (value == NULL || text_date_iso(&t, value, NULL) != RC_OK)
		return bad_property(e, name);
	if (strcmp(name, "notBefore") == 0)
		r->t->not_before = t;
	else
		r->t->not_after = t;
	return RC_OK;
}

static const struct profile_value_desc validity_values[] = {
	{ "notBefore", "string", NULL, "Not Before", NULL },
	{ "notAfter", "string", NULL, "Not After", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

/* --- within the CA's own validity -------------------------------------------- */

static void
clamp(struct profile_run *r)
{
	if (r->env->ca_not_after != 0 && r->t->not_after > r->env->ca_not_after)
		r->t->not_after = r->env->ca_not_after;
}

static enum rc
ca_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	enum rc rc = validity_populate(r, p, e);

	if (rc == RC_OK && !part_bool(p, "bypassCAnotafter"))
		clamp(r);
	return rc;
}

static enum rc
ca_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	const char *v;

	if (strcmp(name, "bypassCAnotafter") != 0)
		return validity_get(r, p, name, out, e);
	v = run_get(r, "bypasscanotafter");
	put_bool(
	    out, v != NULL ? is_true(v) : part_bool(p, "bypassCAnotafter"));
	return RC_OK;
}

static enum rc
ca_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	if (strcmp(name, "bypassCAnotafter") != 0)
		return validity_set(r, p, name, value, e);
	/* comes after notBefore and notAfter in a review */
	run_put(r, "bypasscanotafter", is_true(value) ? "true" : "false");
	if (!is_true(value))
		clamp(r);
	return RC_OK;
}

static const struct profile_value_desc ca_values[] = {
	{ "notBefore", "string", NULL, "Not Before", NULL },
	{ "notAfter", "string", NULL, "Not After", NULL },
	{ "bypassCAnotafter", "boolean", NULL,
	    "May end after the CA's own certificate", "false" },
	{ NULL, NULL, NULL, NULL, NULL },
};

/* --- moved by random seconds --------------------------------------------------- */

static enum rc
random_bits(struct profile_run *r, int64_t bits, int64_t *out, struct err *e)
{
	uint8_t b[8];
	uint64_t v = 0;

	*out = 0;
	if (bits <= 0)
		return RC_OK;
	if (r->env->random == NULL)
		return err_set(e, RC_UNSUPPORTED, "no random source");
	r->env->random(r->env->arg, b, sizeof(b));
	for (size_t i = 0; i < sizeof(b); i++)
		v = v << 8 | b[i];
	if (bits > RANDOM_BITS_MAX)
		bits = RANDOM_BITS_MAX;
	*out = (int64_t)(v & ((UINT64_C(1) << bits) - 1));
	return RC_OK;
}

static enum rc
random_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	int64_t before_bits, after_bits, before, after;
	enum rc rc = validity_populate(r, p, e);

	if (rc == RC_OK)
		rc = part_int(p, &before_bits, "notBeforeRandomBits", 0, e);
	if (rc == RC_OK)
		rc = part_int(p, &after_bits, "startTimeRandomBits", 0, e);
	if (rc == RC_OK)
		rc = random_bits(r, before_bits, &before, e);
	if (rc == RC_OK)
		rc = random_bits(r, after_bits, &after, e);
	if (rc != RC_OK)
		return rc;
	r->t->not_before -= before;
	r->t->not_after += after;
	return RC_OK;
}

/* --- as the requester wishes ------------------------------------------------- */

static enum rc
user_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	struct view der, body;
	int64_t from, to;
	enum rc rc = run_bytes(r, &der, "req_validity", e);

	(void)p;
	if (rc != RC_OK)
		return rc;
	if (der.len == 0) { /* the CA fills it in */
		r->t->not_before = r->t->not_after = 0;
		return RC_OK;
	}
	rc = der_enter(&der, &body, DER_SEQUENCE, e);
	if (rc == RC_OK)
		rc = der_time(&body, &from, e);
	if (rc == RC_OK)
		rc = der_time(&body, &to, e);
	if (rc == RC_OK)
		rc = der_end(&body, e);
	if (rc != RC_OK)
		return rc;
	r->t->not_before = from;
	r->t->not_after = to;
	return RC_OK;
}

static enum rc
user_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	return validity_get(r, p,
	    strcmp(name, "userValdityNotBefore") == 0 ? "notBefore"
						      : "notAfter",
	    out, e);
}

/* The names are spelled so in every deployment. */
static const struct profile_value_desc user_values[] = {
	{ "userValdityNotBefore", "string", "readonly", "Not Before", NULL },
	{ "userValdityNotAfter", "string", "readonly", "Not After", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct default_class defaults_validity[] = {
	{ .id = "validityDefaultImpl",
	    .text = "Sets begin and end of the validity.",
	    .populate = validity_populate,
	    .values = validity_values,
	    .get = validity_get,
	    .set = validity_set },
	{ .id = "caValidityDefaultImpl",
	    .text = "Sets begin and end of the validity of a CA certificate, "
		    "not after the end of the issuing CA.",
	    .populate = ca_populate,
	    .values = ca_values,
	    .get = ca_get,
	    .set = ca_set },
	{ .id = "randomizedValidityDefaultImpl",
	    .text = "Sets begin and end of the validity, each moved by random "
		    "seconds.",
	    .populate = random_populate,
	    .values = validity_values,
	    .get = validity_get,
	    .set = validity_set },
	{ .id = "userValidityDefaultImpl",
	    .text = "Takes the validity of the request.",
	    .populate = user_populate,
	    .values = user_values,
	    .get = user_get },
	{ .id = NULL },
};
