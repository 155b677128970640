/* SPDX-License-Identifier: Apache-2.0 */
/* record_test.c - records, their bytes, certificate and request records. */
#include "store/test_help.h"

#include "store/rec_request.h"
#include "store/rec_wire.h"
#include "store/store_backend.h"

static void
assert_same_rec(const struct rec *a, const struct rec *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_string_equal(a->id, b->id);
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_string_equal(a->attrs[i].name, b->attrs[i].name);
		assert_int_equal(a->attrs[i].n, b->attrs[i].n);
		for (size_t j = 0; j < a->attrs[i].n; j++)
			assert_true(view_eq(
			    a->attrs[i].values[j], b->attrs[i].values[j]));
	}
}

static void
rec_encodes_prefixed_decimals(void **state)
{
	static const struct {
		const char *dec, *want;
	} cases[] = { { "0", "010" }, { "7", "017" }, { "16", "0216" },
		{ "255", "03255" },
		{ "340282366920938463463374607431768211455",
		    "39340282366920938463463374607431768211455" } };
	struct num n, back;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(rec) r = rec_new(REC_CERT, "1");

		OK(num_parse(&n, cases[i].dec, false, e));
		rec_add_num(r, "serialno", &n);
		assert_string_equal(rec_str(r, "SERIALNO"), cases[i].want);
		OK(rec_num(r, &back, "serialno", e));
		assert_int_equal(num_cmp(&n, &back), 0);
	}
}

static void
rec_num_refuses_negative_and_bare_numbers(void **state)
{
	AUTO(rec) r = rec_new(REC_ISSUING_POINT, "MasterCRL");
	struct num n;

	(void)state;
	rec_add_str(r, "crlSize", "02-1");
	rec_add_str(r, "crlNumber", "x");
	RC(RC_INVALID, rec_num(r, &n, "crlSize", e));
	RC(RC_INVALID, rec_num(r, &n, "crlNumber", e));
	RC(RC_NOTFOUND, rec_num(r, &n, "deltaNumber", e));
}

static void
rec_keeps_values_in_order_and_drops_repeats(void **state)
{
	AUTO(rec) r = rec_new(REC_GROUP, "Administrators");
	const struct rec_attr *a;

	(void)state;
	for (int i = 0; i < 100; i++)
		rec_addf(r, "uniqueMember", "uid=u%d", i % 50);
	rec_add_str(r, "description", "");
	rec_add_str(r, "description", NULL);
	OK(rec_check(r, e));
	a = rec_attr(r, "UNIQUEMEMBER");
	assert_int_equal(a->n, 50);
	assert_string_equal((const char *)a->values[49].data, "uid=u49");
	assert_null(rec_str(r, "description"));
	rec_clear(r, "uniqueMember");
	assert_int_equal(r->n, 0);
	rec_add_str(r, "uniqueMember", "x");
	assert_true(rec_has(r, "uniqueMember", "x"));
}

static void
rec_failure_is_sticky(void **state)
{
	AUTO(rec) r = rec_new(REC_USER, "");

	(void)state;
	rec_add_str(r, "cn", "x");
	RC(RC_INVALID, rec_check(r, e));
	assert_int_equal(r->n, 0);
}

static void
rec_bytes_round_trip(void **state)
{
	AUTO(rec) r = help_cert(4711, CERT_REVOKED);
	AUTO(rec) back = NULL;
	AUTO_BUF b = buf_empty(0);

	(void)state;
	rec_write(&b, r, 77, NULL);
	OK(rec_read(&back, buf_view(&b), NULL, e));
	assert_same_rec(r, back);
	assert_int_equal(back->usn, 77);
	assert_int_equal(rec_read_usn(buf_view(&b)), 77);
}

static void
rec_read_keeps_only_the_wanted(void **state)
{
	static const char *const only[] = { "serialno", "REVINFO", NULL };
	AUTO(rec) r = help_cert(4711, CERT_REVOKED);
	AUTO(rec) back = NULL;
	AUTO_BUF b = buf_empty(0);

	(void)state;
	rec_write(&b, r, 1, NULL);
	OK(rec_read(&back, buf_view(&b), only, e));
	assert_int_equal(back->n, 2);
	assert_string_equal(rec_str(back, "serialno"), "044711");
}

static void
rec_read_can_be_changed_afterwards(void **state)
{
	AUTO(rec) r = help_cert(1, CERT_VALID);
	AUTO(rec) back = NULL;
	AUTO_BUF b = buf_empty(0);

	(void)state;
	rec_write(&b, r, 1, NULL);
	OK(rec_read(&back, buf_view(&b), NULL, e));
	for (int i = 0; i < 40; i++)
		rec_addf(back, "metaInfo", "x:%d", i);
	for (int i = 0; i < 40; i++)
		rec_addf(back, "new", "%d", i);
	rec_remove_value(back, "metaInfo", 0);
	rec_remove_value(back, "metaInfo", 5);
	rec_clear(back, "extension");
	OK(rec_check(back, e));
	assert_int_equal(rec_attr(back, "metaInfo")->n, 40);
	assert_int_equal(rec_attr(back, "new")->n, 40);
	assert_null(rec_attr(back, "extension"));
}

static void
rec_read_rejects_every_truncation(void **state)
{
	AUTO(rec) r = help_cert(4711, CERT_VALID);
	AUTO_BUF b = buf_empty(0);

	(void)state;
	rec_write(&b, r, 77, NULL);
	for (size_t i = 0; i < b.len; i++) {
		AUTO_STR copy = malloc(i + 1); /* for the sanitizer */
		struct rec *back = NULL;

		memcpy(copy, b.data, i);
		RC(RC_INVALID, rec_read(&back, view_of(copy, i), NULL, e));
	}
}

static void
rec_read_survives_every_changed_byte(void **state)
{
	AUTO(rec) r = rec_new(REC_USER, "admin");
	AUTO_BUF b = buf_empty(0);

	(void)state;
	rec_add_str(r, "cn", "Administrator");
	rec_add_str(r, "description", "one");
	rec_add_str(r, "description", "two");
	rec_write(&b, r, 300, NULL);
	for (size_t i = 0; i < b.len; i++)
		for (unsigned v = 0; v < 256; v++) {
			uint8_t keep = b.data[i];
			struct rec *back = NULL;

			b.data[i] = (uint8_t)v;
			if (rec_read(&back, buf_view(&b), NULL, NULL) == RC_OK)
				rec_add_str(back, "more", "x");
			rec_free(back);
			b.data[i] = keep;
		}
}

static void
revocation_text_round_trips(void **state)
{
	static const char *const texts[] = {
		"20261121200700Z",
		"20261121200700Z;CRLReasonExtension=1",
		("20261121200700Z;CRLReasonExtension=6;"
		 "InvalidityDateExtension=20250101000000Z"),
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct revocation r;
		AUTO_BUF b = buf_empty(0);

		OK(revocation_parse(&r, texts[i], e));
		revocation_text(&b, &r);
		assert_string_equal(buf_cstr(&b), texts[i]);
	}
}

static void
revocation_parse_drops_other_extensions_and_rejects_nonsense(void **state)
{
	static const char *const wrong[] = { "", ";", "yesterday",
		"20261121200700Z;CRLReasonExtension=11",
		"20261121200700Z;CRLReasonExtension=",
		"20261121200700Z;InvalidityDateExtension=1" };
	struct revocation r;

	(void)state;
	OK(revocation_parse(
	    &r, "20261121200700Z;Other=1;CRLReasonExtension=4", e));
	assert_int_equal(r.reason, 4);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		RC(RC_INVALID, revocation_parse(&r, wrong[i], e));
	RC(RC_INVALID, revocation_parse(&r, NULL, e));
}

static void
cert_record_round_trips(void **state)
{
	AUTO(rec) r = help_cert(4711, CERT_REVOKED);
	AUTO(arena) a = arena_new(0);
	AUTO(rec) again = NULL;
	struct cert_rec c;

	(void)state;
	assert_string_equal(r->id, "1267");
	assert_string_equal(rec_str(r, "duration"), "1115000000000");
	assert_true(rec_has(r, "metaInfo", "requestId:26"));
	assert_string_equal(
	    rec_str(r, "revInfo"), "20261130005320Z;CRLReasonExtension=1");
	OK(cert_rec_decode(&c, r, a, e));
	assert_true(c.revoked);
	assert_int_equal(c.rev.reason, REASON_KEY_COMPROMISE);
	assert_string_equal(c.rev.by, "admin");
	assert_string_equal(c.request_id, "1a");
	assert_string_equal(c.profile_id, "caServerCert");
	assert_int_equal(c.der.len, 1100);
	again = cert_rec_encode(&c);
	assert_same_rec(r, again);
}

static void
cert_record_with_two_revocations_reads_the_permanent_one(void **state)
{
	AUTO(rec) r = help_cert(1, CERT_VALID);
	AUTO(arena) a = arena_new(0);
	struct cert_rec c;

	(void)state;
	rec_add_str(r, "revInfo", "20260101000000Z;CRLReasonExtension=6");
	rec_add_str(r, "revInfo", "20260301000000Z;CRLReasonExtension=4");
	rec_add_str(r, "revInfo", "20260201000000Z;CRLReasonExtension=1");
	rec_add_str(r, "revokedBy", "zoe");
	rec_add_str(r, "revokedBy", "amy");
	OK(cert_rec_decode(&c, r, a, e));
	assert_int_equal(c.rev.reason, 1);
	assert_string_equal(c.rev.by, "amy");
	assert_int_equal(cert_rec_status(&c, c.not_before), CERT_REVOKED);
	assert_int_equal(
	    cert_rec_status(&c, c.not_after), CERT_REVOKED_EXPIRED);
}

static void
cert_record_without_issuer_and_dates_of_its_own_is_read(void **state)
{
	AUTO(rec) r = rec_new(REC_CERT, "ff");
	AUTO(arena) a = arena_new(0);
	struct cert_rec c;

	(void)state;
	rec_add_str(r, "certStatus", "VALID");
	rec_add_str(r, "notBefore", "20260101000000Z");
	RC(RC_NOTFOUND, cert_rec_decode(&c, r, a, e));
	rec_add_str(r, "notAfter", "20270101000000Z");
	OK(cert_rec_decode(&c, r, a, e));
	assert_null(c.issuer);
	assert_null(c.request_id);
	assert_null(c.meta[0]);
}

static void
reason_labels_are_found_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(reason_find("key_compromise"), 1);
	assert_int_equal(reason_find("Cessation_of_Operation"), 5);
	assert_int_equal(reason_find("x"), -1);
	assert_null(reason_label(7));
	assert_null(reason_label(11));
}

static void
extdata_names_follow_the_escape_rules(void **state)
{
	static const struct {
		const char *key, *sub, *want;
	} cases[] = {
		{ "req_x509info", NULL, "extdata-req--005fx509info" },
		{ "auth_token", "Group.Name",
		    "extdata-auth--005ftoken;group--002ename" },
		{ "a-b", NULL, "extdata-a-b" },
		{ "a-", NULL, "extdata-a-" },
		{ "a--b", NULL, "extdata-a--002d--002db" },
		{ "a_-b", NULL, "extdata-a--005f--002db" },
		{ "k\xc3\xa9", "0", "extdata-k--00e9;0" },
		{ "\xf0\x9f\x98\x80", NULL, "extdata---d83d--de00" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_BUF b = buf_empty(0);

		OK(extdata_name(&b, cases[i].key, cases[i].sub, e));
		assert_string_equal(buf_cstr(&b), cases[i].want);
	}
	{
		AUTO_BUF b = buf_empty(0);

		RC(RC_INVALID, extdata_name(&b, "\xff", NULL, e));
	}
}

static struct request_rec *
sample_request(void)
{
	struct num id = num_from_u64(0x1a2b);
	struct request_rec *q = request_rec_new(&id, "enrollment");

	q->state = REQUEST_PENDING;
	q->created = q->modified = 1795000000;
	q->owner = strdup("admin");
	request_set(q, "profileId", "caServerCert");
	request_set(q, "Req_X509info", "  MIIB  ");
	request_set_sub(q, "auth_token", "Group.Name", "Agents");
	request_set_sub(q, "auth_token", "uid", "admin");
	request_set(q, "\xf0\x9f\x98\x80_a--b-", "smile");
	request_set(q, "empty", "  ");
	request_set_bytes(q, "req_key", view_of("\0\1\2", 3));
	return q;
}

static void
request_record_round_trips(void **state)
{
	AUTO(request_rec) q = sample_request();
	AUTO(request_rec) back = NULL;
	AUTO(rec) r = request_rec_encode(q);
	AUTO(rec) again = NULL;
	AUTO_BUF b = buf_empty(0);

	(void)state;
	assert_non_null(r);
	assert_string_equal(r->id, "1a2b");
	assert_string_equal(rec_str(r, "requestId"), "046699");
	assert_string_equal(rec_str(r, "extdata-req--005fx509info"), "MIIB");
	assert_null(rec_str(r, "extdata-empty"));
	OK(request_rec_decode(&back, r, e));
	assert_string_equal(request_ext(back, "profileid"), "caServerCert");
	assert_string_equal(
	    request_ext_sub(back, "auth_token", "group.name"), "Agents");
	assert_string_equal(
	    request_ext(back, "\xf0\x9f\x98\x80_a--b-"), "smile");
	OK(request_ext_bytes(back, &b, "req_key", e));
	assert_int_equal(b.len, 3);
	again = request_rec_encode(back);
	assert_same_rec(r, again);
}

static void
request_decode_rejects_a_key_both_simple_and_nested(void **state)
{
	AUTO(rec) r = rec_new(REC_REQUEST, "1");
	struct request_rec *q = NULL;

	(void)state;
	rec_add_str(r, "requestState", "complete");
	rec_add_str(r, "extdata-a", "1");
	rec_add_str(r, "extdata-a;0", "1");
	RC(RC_INVALID, request_rec_decode(&q, r, e));
}

static void
request_diff_turns_the_old_record_into_the_new(void **state)
{
	AUTO(request_rec) old = sample_request();
	AUTO(request_rec) now = sample_request();
	AUTO(batch) b = batch_new();
	AUTO(rec) r = request_rec_encode(old);
	AUTO(rec) want = NULL;
	AUTO(request_rec) got = NULL;

	(void)state;
	now->state = REQUEST_COMPLETE;
	now->modified += 5;
	request_set(now, "profileid", NULL);
	request_set(now, "result", "1");
	request_set_sub(now, "auth_token", "uid", "other");
	request_rec_diff(b, old, now);
	OK(batch_check(b, e));
	assert_int_equal(b->n, 1);
	OK(change_apply(r, &b->changes[0], e));
	OK(request_rec_decode(&got, r, e));
	assert_int_equal(got->state, REQUEST_COMPLETE);
	assert_null(request_ext(got, "profileid"));
	assert_string_equal(request_ext(got, "result"), "1");
	assert_string_equal(request_ext_sub(got, "auth_token", "uid"), "other");
	assert_int_equal(got->n_ext, now->n_ext);
	assert_int_equal(got->modified, now->modified);
	want = request_rec_encode(now);
	assert_int_equal(want->n, r->n);
}

static void
batch_is_sticky_and_checks_its_arguments(void **state)
{
	AUTO(batch) b = batch_new();
	AUTO(batch) c = batch_new();
	AUTO(batch) d = batch_new();

	(void)state;
	batch_mod_str(b, MOD_ADD, "cn", "x"); /* without batch_modify */
	RC(RC_INVALID, batch_check(b, e));
	batch_add(c, rec_new(REC_USER, ""));
	RC(RC_INVALID, batch_check(c, e));
	batch_modify(d, REC_USER, "x");
	batch_mod_str(d, MOD_REPLACE, "cn", "");
	batch_mod_str(d, MOD_REPLACE, "sn", "a");
	batch_mod_str(d, MOD_REPLACE, "sn", "b");
	OK(batch_check(d, e));
	assert_int_equal(d->changes[0].n_mods, 2);
	assert_int_equal(d->changes[0].mods[1].n, 2);
}

static void
delete_and_add_of_a_value_is_a_swap(void **state)
{
	AUTO(batch) b = batch_new();
	AUTO(rec) r = rec_new(REC_COUNTER, "requests");

	(void)state;
	rec_add_str(r, "nextRange", "1000");
	batch_modify(b, REC_COUNTER, "requests");
	batch_mod_str(b, MOD_DELETE, "nextRange", "1000");
	batch_mod_str(b, MOD_ADD, "nextRange", "2000");
	OK(change_apply(r, &b->changes[0], e));
	assert_string_equal(rec_str(r, "nextRange"), "2000");
	RC(RC_CONFLICT, change_apply(r, &b->changes[0], e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rec_encodes_prefixed_decimals),
		cmocka_unit_test(rec_num_refuses_negative_and_bare_numbers),
		cmocka_unit_test(rec_keeps_values_in_order_and_drops_repeats),
		cmocka_unit_test(rec_failure_is_sticky),
		cmocka_unit_test(rec_bytes_round_trip),
		cmocka_unit_test(rec_read_keeps_only_the_wanted),
		cmocka_unit_test(rec_read_can_be_changed_afterwards),
		cmocka_unit_test(rec_read_rejects_every_truncation),
		cmocka_unit_test(rec_read_survives_every_changed_byte),
		cmocka_unit_test(revocation_text_round_trips),
		cmocka_unit_test(
		    revocation_parse_drops_other_extensions_and_rejects_nonsense),
		cmocka_unit_test(cert_record_round_trips),
		cmocka_unit_test(
		    cert_record_with_two_revocations_reads_the_permanent_one),
		cmocka_unit_test(
		    cert_record_without_issuer_and_dates_of_its_own_is_read),
		cmocka_unit_test(reason_labels_are_found_in_any_case),
		cmocka_unit_test(extdata_names_follow_the_escape_rules),
		cmocka_unit_test(request_record_round_trips),
		cmocka_unit_test(
		    request_decode_rejects_a_key_both_simple_and_nested),
		cmocka_unit_test(
		    request_diff_turns_the_old_record_into_the_new),
		cmocka_unit_test(batch_is_sticky_and_checks_its_arguments),
		cmocka_unit_test(delete_and_add_of_a_value_is_a_swap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
