/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ext.c - any bytes as a SEQUENCE of extensions, whose values are checked and
 * whose names and lists are walked and printed.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "der/reader.h"
#include "x509/cert.h"
#include "x509/ext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
names(struct view value)
{
	AUTO_BUF text = buf_empty(0);
	AUTO_BUF again = buf_empty(0);
	struct view list, r;
	struct gn g;

	if (ext_names(&list, value, NULL) != RC_OK)
		return;
	for (r = list; r.len > 0;) {
		if (gn_next(&r, &g, NULL) != RC_OK)
			abort();
		gn_put_text(&text, &g);
		gn_put(&again, &g);
	}
	if (!view_eq(buf_view(&again), list))
		abort();
}

/* Values whose parts are taken out and put together again. */
static void
rewrite(struct view v)
{
	AUTO_BUF out = buf_empty(0), text = buf_empty(0);
	struct view oids[64], list, r;
	struct usage_period period;
	size_t n = 0;
	int64_t number;
	uint32_t bits;

	if (ext_oids(&list, v, NULL) == RC_OK) {
		for (r = list; r.len > 0 && n < 64; n++)
			if (ext_oid_next(&r, &oids[n], NULL) != RC_OK)
				break;
		ext_put_oids(&out, oids, n);
		if (r.len == 0 && !view_eq(buf_view(&out), v))
			abort();
	}
	buf_reset(&out);
	if (ext_int(&number, v, NULL) == RC_OK) {
		ext_put_int(&out, number);
		if (!view_eq(buf_view(&out), v))
			abort();
	}
	buf_reset(&out);
	if (ext_usage_period(&period, v, NULL) == RC_OK) {
		ext_put_usage_period(&out, &period);
		if (out.len == v.len && !view_eq(buf_view(&out), v))
			abort();
	}
	buf_reset(&out);
	if (ext_bits(&bits, v, NULL) == RC_OK) {
		ext_put_bits(&out, bits);
		if (!view_eq(buf_view(&out), v))
			abort();
	}
	buf_reset(&out);
	ext_put_null(&out);
	/* as text it is a list of names of purposes, most often a bad one */
	AUTO_STR words = view_dup_str(v);
	if (words != NULL) {
		ext_put_ia5(&out, words);
		rc_ignore(ext_put_oid_text(&text, words, NULL));
	}
}

/* A list with one more, and without its first. */
static void
edit(struct ext_list *list)
{
	struct ext first;

	if (list->count == 0)
		return;
	first = list->items[0];
	if (ext_list_add(list, first.oid, true, first.value, NULL) == RC_OK ||
	    ext_list_find(list, first.oid) == NULL)
		abort();
	/* a known OID may be there already, or the list be full */
	rc_ignore(ext_list_set(
	    list, oid_der(OID_nsComment), false, first.value, NULL));
	if (ext_list_remove(list, first.oid) &&
	    ext_list_find(list, first.oid) != NULL)
		abort();
}

/* Each value is also tried as what another OID would promise. */
static void
value(const struct ext *x)
{
	static const enum oid oids[] = { OID_keyUsage, OID_extKeyUsage,
		OID_basicConstraints, OID_subjectKeyIdentifier,
		OID_authorityKeyIdentifier, OID_authorityInfoAccess,
		OID_cRLDistributionPoints, OID_issuingDistributionPoint,
		OID_nameConstraints, OID_certificatePolicies,
		OID_policyMappings, OID_policyConstraints, OID_inhibitAnyPolicy,
		OID_nsComment, OID_ocspNoCheck, OID_privateKeyUsagePeriod,
		OID_subjectDirectoryAttributes, OID_subjectAltName };
	AUTO_BUF text = buf_empty(0);
	struct ext as = *x;
	size_t i;

	for (i = 0; i < sizeof(oids) / sizeof(oids[0]); i++) {
		as.oid = oid_der(oids[i]);
		/* any answer is fine, a crash is not */
		rc_ignore(ext_value_check(&as, NULL));
	}
	rc_ignore(ext_value_check(x, NULL));       /* as above */
	rc_ignore(ext_index_text(&text, x, NULL)); /* as above */
	names(x->value);
	rewrite(x->value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF again = buf_empty(0);
	struct view r = view_of(data, len), body;
	struct ext_list list;
	struct err e;
	size_t i;

	if (a == NULL || der_enter(&r, &body, DER_SEQUENCE, &e) != RC_OK ||
	    r.len != 0 || ext_check(body, &e) != RC_OK)
		return 0;
	ext_list_init(&list, a);
	if (ext_list_read(&list, body, &e) != RC_OK)
		return 0;
	for (i = 0; i < list.count; i++)
		value(&list.items[i]);
	ext_list_put(&again, &list);
	if (body.len > 0 && !view_eq(buf_view(&again), view_of(data, len)))
		abort();
	edit(&list);
	return 0;
}
