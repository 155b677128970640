/* SPDX-License-Identifier: Apache-2.0 */
/* der_test.c - reader and writer against each other and against bad octets.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: one. */
#include <stdlib.h>
#include <string.h>

#include "der/reader.h"
#include "der/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "der/oid.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEX(b, s) assert_int_equal(text_hex((b), view_str(s), NULL), RC_OK)

/* The reader leaves *r alone when it refuses. */
#define REFUSED(call, r)                                  \
	do {                                              \
		struct view before_ = (r);                \
		assert_int_equal((call), RC_INVALID);     \
		assert_ptr_equal((r).data, before_.data); \
		assert_int_equal((r).len, before_.len);   \
	} while (0)

static void
lengths_are_minimal_and_definite(void **state)
{
	static const char *const bad[] = { "", "04", "0401", "0480",
		"0480aa0000", "048101aa", "04817f", "048200ff",
		"0485000000000100", "04ff", "048400000001aa", "1f0101", "0000",
		"0482", "048201" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		AUTO_BUF b = buf_empty(0);
		struct view r, v;

		HEX(&b, bad[i]);
		r = buf_view(&b);
		REFUSED(der_any(&r, NULL, NULL, &v, NULL), r);
	}
}

static void
long_elements_round_trip(void **state)
{
	static const size_t sizes[] = { 0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff,
		0x10000, 0x12345 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sizes); i++) {
		AUTO_BUF b = buf_empty(0);
		AUTO_BUF put = buf_empty(0);
		struct view r, v, whole;
		int tag = 0;
		size_t m = der_open(&b, DER_OCTET_STRING), k;

		for (k = 0; k < sizes[i]; k++)
			buf_add_char(&b, (char)k);
		der_close(&b, m);
		r = buf_view(&b);
		assert_int_equal(der_any(&r, &tag, &whole, &v, NULL), RC_OK);
		assert_int_equal(tag, DER_OCTET_STRING);
		assert_int_equal(v.len, sizes[i]);
		assert_int_equal(whole.len, b.len);
		assert_int_equal(der_end(&r, NULL), RC_OK);
		der_put_octets(&put, v);
		assert_true(view_eq(buf_view(&put), buf_view(&b)));
	}
}

static void
integers_round_trip_and_are_minimal(void **state)
{
	static const int64_t values[] = { 0, 1, -1, 127, 128, -128, -129, 255,
		256, 32767, 32768, -32768, INT64_MAX, INT64_MIN, 1795291620 };
	static const char *const bad[] = { "0200", "02020001", "0202ff80",
		"0209010000000000000000", "030101" };
	size_t i;
	int64_t v = 9;

	(void)state;
	for (i = 0; i < COUNT(values); i++) {
		AUTO_BUF b = buf_empty(0);
		struct view r;

		der_put_int(&b, values[i]);
		r = buf_view(&b);
		assert_int_equal(der_int64(&r, &v, NULL), RC_OK);
		assert_true(v == values[i]);
		assert_int_equal(r.len, 0);
	}
	v = 9;
	for (i = 0; i < COUNT(bad); i++) {
		AUTO_BUF b = buf_empty(0);
		struct view r;

		HEX(&b, bad[i]);
		r = buf_view(&b);
		REFUSED(der_int64(&r, &v, NULL), r);
	}
	assert_int_equal(v, 9);
}

static void
numbers_round_trip_with_a_sign_octet(void **state)
{
	static const char *const rows[][2] = { { "0", "020100" },
		{ "7f", "02017f" }, { "80", "02020080" },
		{ "ffffffffffffffffffffffffffffffffffffffff",
		    "021500ffffffffffffffffffffffffffffffffffffffff" } };
	AUTO_BUF bad = buf_empty(0);
	struct num n, back;
	struct view r;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		AUTO_BUF b = buf_empty(0);
		AUTO_BUF hex = buf_empty(0);

		assert_int_equal(num_parse(&n, rows[i][0], true, NULL), RC_OK);
		der_put_num(&b, &n);
		buf_add_hex(&hex, buf_view(&b));
		assert_string_equal(buf_cstr(&hex), rows[i][1]);
		r = buf_view(&b);
		assert_int_equal(der_num(&r, &back, NULL), RC_OK);
		assert_int_equal(num_cmp(&n, &back), 0);
	}
	HEX(&bad, "0201ff");
	r = buf_view(&bad);
	REFUSED(der_num(&r, &n, NULL), r);
	buf_reset(&bad);
	HEX(&bad, "021501ffffffffffffffffffffffffffffffffffffffff");
	r = buf_view(&bad);
	REFUSED(der_num(&r, &n, NULL), r);
}

static void
small_types_refuse_other_encodings(void **state)
{
	AUTO_BUF b = buf_empty(0);
	struct view r, v;
	bool flag = true, present = true;

	(void)state;
	HEX(&b, "010101");
	r = buf_view(&b);
	REFUSED(der_bool(&r, &flag, NULL), r);
	buf_reset(&b);
	HEX(&b, "01020000");
	r = buf_view(&b);
	REFUSED(der_bool(&r, &flag, NULL), r);
	buf_reset(&b);
	HEX(&b, "050100");
	r = buf_view(&b);
	REFUSED(der_null(&r, NULL), r);
	buf_reset(&b);
	HEX(&b, "030201ff");
	r = buf_view(&b);
	REFUSED(der_bits(&r, &v, NULL), r);
	assert_int_equal(der_optional(&r, &v, DER_NULL, &present, NULL), RC_OK);
	assert_false(present);
	REFUSED(der_end(&r, NULL), r);
	REFUSED(der_take(&r, &v, DER_SEQUENCE, NULL), r);
	buf_reset(&b);
	HEX(&b, "0300");
	r = buf_view(&b);
	REFUSED(der_bits(&r, &v, NULL), r);
	buf_reset(&b);
	HEX(&b, "240401020304"); /* constructed OCTET STRING is BER */
	r = buf_view(&b);
	REFUSED(der_octets(&r, &v, NULL), r);
}

static void
named_bits_round_trip(void **state)
{
	static const char *const bad[] = { "030107", "03020800", "03020160",
		"0302078180", "030200fe", "0300", "03020000", "030207c0",
		"03060000000000ff" };
	uint32_t bits, back;
	size_t i;

	(void)state;
	for (i = 0; i < 4000; i++) {
		AUTO_BUF b = buf_empty(0);
		struct view r;

		bits = i < 33 ? (i < 32 ? UINT32_C(1) << i : 0)
			      : (uint32_t)(i * UINT32_C(2654435761));
		der_put_named_bits(&b, bits);
		r = buf_view(&b);
		assert_int_equal(der_named_bits(&r, &back, NULL), RC_OK);
		assert_int_equal(back, bits);
	}
	for (i = 0; i < COUNT(bad); i++) {
		AUTO_BUF b = buf_empty(0);
		struct view r;

		HEX(&b, bad[i]);
		r = buf_view(&b);
		REFUSED(der_named_bits(&r, &back, NULL), r);
	}
}

static int64_t
date(const char *s)
{
	int64_t t = 0;

	assert_int_equal(text_date_iso(&t, s, NULL), RC_OK);
	return t;
}

static void
times_change_form_in_2050(void **state)
{
	static const struct {
		const char *when, *form;
	} rows[] = { { "1950-01-01", "500101000000Z" },
		{ "2049-12-31 23:59:59", "491231235959Z" },
		{ "2050-01-01", "20500101000000Z" },
		{ "1949-12-31", "19491231000000Z" },
		{ "9999-12-31 23:59:59", "99991231235959Z" } };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		AUTO_BUF b = buf_empty(0);
		struct view r;
		int64_t t = 0;

		der_put_time(&b, date(rows[i].when));
		assert_string_equal(buf_cstr(&b) + 2, rows[i].form);
		r = buf_view(&b);
		assert_int_equal(der_time(&r, &t, NULL), RC_OK);
		assert_true(t == date(rows[i].when));
		buf_reset(&b);
		der_put_gentime(&b, date(rows[i].when));
		assert_int_equal(b.data[0], DER_GENERALIZED_TIME);
		r = buf_view(&b);
		assert_int_equal(der_time(&r, &t, NULL), RC_OK);
		assert_true(t == date(rows[i].when));
	}
}

static void
times_refuse_each_changed_byte_that_is_no_date(void **state)
{
	static const char *const good[] = { "260228235959Z",
		"20240229000000Z" };
	size_t k, i, c;

	(void)state;
	for (k = 0; k < COUNT(good); k++) {
		for (i = 0; i < strlen(good[k]); i++) {
			for (c = 0; c < 256; c++) {
				AUTO_BUF b = buf_empty(0);
				AUTO_BUF again = buf_empty(0);
				struct view r;
				int64_t t;

				der_put(&b,
				    k == 0 ? DER_UTC_TIME
					   : DER_GENERALIZED_TIME,
				    view_str(good[k]));
				b.data[2 + i] = (uint8_t)c;
				r = buf_view(&b);
				if (der_time(&r, &t, NULL) != RC_OK)
					continue;
				if (k == 0)
					der_put_time(&again, t);
				else
					der_put_gentime(&again, t);
				assert_true(
				    view_eq(buf_view(&b), buf_view(&again)));
			}
		}
	}
}

/* A structure with every type in it. */
static void
sample(struct buf *b)
{
	size_t seq = der_open(b, DER_SEQUENCE), ctx;
	struct num n = num_from_u64(0xfedcba9876543210);

	der_put_int(b, -5);
	der_put_num(b, &n);
	der_put_bool(b, true);
	der_put_oid(b, oid_der(OID_subjectAltName));
	ctx = der_open(b, DER_CONTEXT_CONS(3));
	der_put_null(b);
	der_put_bits(b, view_str("bits"));
	der_put_named_bits(b, 0x60);
	der_close(b, ctx);
	der_put_octets(b, view_str("octets"));
	der_put_time(b, 1700000000);
	der_put_utf8(b, "text");
	der_close(b, seq);
}

static enum rc
read_sample(struct view r, struct buf *again)
{
	struct view seq, ctx, v, oid, bits, octets, text;
	int64_t i, t;
	uint32_t named;
	struct num n;
	size_t s, c;
	bool flag;

	if (der_enter(&r, &seq, DER_SEQUENCE, NULL) != RC_OK ||
	    der_end(&r, NULL) != RC_OK || der_int64(&seq, &i, NULL) != RC_OK ||
	    der_num(&seq, &n, NULL) != RC_OK ||
	    der_bool(&seq, &flag, NULL) != RC_OK ||
	    der_oid(&seq, &oid, NULL) != RC_OK ||
	    der_enter(&seq, &ctx, DER_CONTEXT_CONS(3), NULL) != RC_OK ||
	    der_null(&ctx, NULL) != RC_OK ||
	    der_bits(&ctx, &bits, NULL) != RC_OK ||
	    der_named_bits(&ctx, &named, NULL) != RC_OK ||
	    der_end(&ctx, NULL) != RC_OK ||
	    der_octets(&seq, &octets, NULL) != RC_OK)
		return RC_INVALID;
	v = seq;
	if (der_peek(&v) != DER_UTC_TIME || der_time(&seq, &t, NULL) != RC_OK ||
	    der_enter(&seq, &text, DER_UTF8_STRING, NULL) != RC_OK ||
	    der_end(&seq, NULL) != RC_OK)
		return RC_INVALID;
	s = der_open(again, DER_SEQUENCE);
	der_put_int(again, i);
	der_put_num(again, &n);
	der_put_bool(again, flag);
	der_put_oid(again, oid);
	c = der_open(again, DER_CONTEXT_CONS(3));
	der_put_null(again);
	der_put_bits(again, bits);
	der_put_named_bits(again, named);
	der_close(again, c);
	der_put_octets(again, octets);
	der_put_time(again, t);
	der_put(again, DER_UTF8_STRING, text);
	der_close(again, s);
	return RC_OK;
}

static void
structure_rejects_each_truncation(void **state)
{
	AUTO_BUF b = buf_empty(0);
	AUTO_BUF again = buf_empty(0);
	size_t i;

	(void)state;
	sample(&b);
	assert_int_equal(read_sample(buf_view(&b), &again), RC_OK);
	assert_true(view_eq(buf_view(&b), buf_view(&again)));
	for (i = 0; i < b.len; i++) {
		/* a copy of the exact size, so that ASan sees a step too far */
		uint8_t *cut = malloc(i + (i == 0));

		assert_non_null(cut);
		memcpy(cut, b.data, i);
		assert_int_equal(
		    read_sample(view_of(cut, i), &again), RC_INVALID);
		free(cut);
	}
}

/* One value has one encoding: what is accepted is written back the same. */
static void
structure_with_each_changed_byte_is_refused_or_canonical(void **state)
{
	AUTO_BUF b = buf_empty(0);
	size_t i, c;
	uint8_t old;

	(void)state;
	sample(&b);
	for (i = 0; i < b.len; i++) {
		old = b.data[i];
		for (c = 0; c < 256; c++) {
			AUTO_BUF again = buf_empty(0);

			b.data[i] = (uint8_t)c;
			if (read_sample(buf_view(&b), &again) == RC_OK)
				assert_true(
				    view_eq(buf_view(&b), buf_view(&again)));
		}
		b.data[i] = old;
	}
}

static void
writer_failure_sticks(void **state)
{
	AUTO_BUF b = buf_empty(40);

	(void)state;
	sample(&b);
	assert_int_equal(buf_check(&b, NULL), RC_TOOBIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_minimal_and_definite),
		cmocka_unit_test(long_elements_round_trip),
		cmocka_unit_test(integers_round_trip_and_are_minimal),
		cmocka_unit_test(numbers_round_trip_with_a_sign_octet),
		cmocka_unit_test(small_types_refuse_other_encodings),
		cmocka_unit_test(named_bits_round_trip),
		cmocka_unit_test(times_change_form_in_2050),
		cmocka_unit_test(
		    times_refuse_each_changed_byte_that_is_no_date),
		cmocka_unit_test(structure_rejects_each_truncation),
		cmocka_unit_test(
		    structure_with_each_changed_byte_is_refused_or_canonical),
		cmocka_unit_test(writer_failure_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
