/* SPDX-License-Identifier: Apache-2.0 */
/* crl_test.c - revocation lists byte for byte against libcrypto, and abuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "der/reader.h"
#include "der/writer.h"
#include "x509/crl.h"
#include "x509/fixture.h"
#include "x509/name.h"

#define THIS 1700000000
#define NEXT 1700086400

static struct crl_entry
entry(size_t i)
{
	struct crl_entry x = { .serial = num_from_u64(1 + i * 7),
		.date = THIS - (int64_t)i,
		.reason = CRLREASON_NONE };

	if (i % 3 == 1)
		x.reason = i % 2 ? CRLREASON_KEY_COMPROMISE : CRLREASON_HOLD;
	if (i % 5 == 1) {
		x.has_invalidity = true;
		x.invalidity = THIS - 100000;
	}
	if (i % 7 == 1)
		x.hold = CRL_HOLD_REJECT;
	return x;
}

/* The same entry by libcrypto. */
static void
add_theirs(X509_CRL *crl, const struct crl_entry *x)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, x->date);
	BIGNUM *bn = BN_bin2bn(x->serial.b, x->serial.len, NULL);

	BN_to_ASN1_INTEGER(bn, serial);
	BN_free(bn);
	X509_REVOKED_set_serialNumber(r, serial);
	X509_REVOKED_set_revocationDate(r, t);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(t);
	if (x->reason > 0) {
		ASN1_ENUMERATED *why = ASN1_ENUMERATED_new();

		ASN1_ENUMERATED_set(why, x->reason);
		X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, why, 0, 0);
		ASN1_ENUMERATED_free(why);
	}
	if (x->hold == CRL_HOLD_REJECT)
		X509_REVOKED_add1_ext_i2d(r, NID_hold_instruction_code,
		    OBJ_nid2obj(NID_hold_instruction_reject), 0, 0);
	if (x->has_invalidity) {
		ASN1_GENERALIZEDTIME *g =
		    ASN1_GENERALIZEDTIME_set(NULL, x->invalidity);

		X509_REVOKED_add1_ext_i2d(r, NID_invalidity_date, g, 0, 0);
		ASN1_GENERALIZEDTIME_free(g);
	}
	X509_CRL_add0_revoked(crl, r);
}

static void
make_theirs(struct buf *out, size_t n, EVP_PKEY *key)
{
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *name = fix_name("C=DE/CN=ca");
	ASN1_TIME *t = ASN1_TIME_set(NULL, THIS);
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	size_t i;

	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, name);
	X509_CRL_set1_lastUpdate(crl, t);
	ASN1_TIME_set(t, NEXT);
	X509_CRL_set1_nextUpdate(crl, t);
	for (i = 0; i < n; i++) {
		struct crl_entry x = entry(i);

		add_theirs(crl, &x);
	}
	ASN1_INTEGER_set(number, 4711);
	X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0);
	assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
	FIX_DER(out, X509_CRL, crl);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(t);
	X509_NAME_free(name);
	X509_CRL_free(crl);
}

static void
sign_digest(struct buf *out, EVP_PKEY *key, struct view digest)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t sig[512];
	size_t len = sizeof(sig);

	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
	assert_int_equal(
	    EVP_PKEY_sign(ctx, sig, &len, digest.data, digest.len), 1);
	EVP_PKEY_CTX_free(ctx);
	buf_add(out, sig, len);
}

static void
make_header(struct crl_header *h, struct ext_list *exts, struct buf *name,
    struct arena *a, enum sigalg alg)
{
	AUTO_BUF v = buf_empty(0);

	X509_NAME *n = fix_name("C=DE/CN=ca");

	FIX_DER(name, X509_NAME, n);
	X509_NAME_free(n);
	ext_list_init(exts, a);
	ext_put_int(&v, 4711);
	assert_int_equal(
	    ext_list_set_buf(exts, OID_crlNumber, false, &v, NULL), RC_OK);
	*h = (struct crl_header){ .sigalg = alg,
		.issuer = buf_view(name),
		.this_update = THIS,
		.next_update = NEXT,
		.exts = exts };
}

static void
make_ours(struct buf *out, size_t n, EVP_PKEY *key, enum sigalg alg)
{
	AUTO(arena) a = arena_new(0);
	AUTO(crl_writer) w = NULL;
	AUTO_BUF name = buf_empty(0);
	AUTO_BUF entries = buf_empty(0);
	AUTO_BUF tail = buf_empty(0);
	AUTO_BUF sig = buf_empty(0);
	struct view digest, rest;
	struct crl_header h;
	struct ext_list exts;
	size_t i, piece;

	make_header(&h, &exts, &name, a, alg);
	for (i = 0; i < n; i++) {
		struct crl_entry x = entry(i);

		crl_entry_put(&entries, &x);
	}
	assert_int_equal(crl_writer_new(&w, &h, entries.len, NULL), RC_OK);
	for (rest = buf_view(&entries); rest.len > 0;) {
		piece = rest.len < 1000 ? rest.len : 1000;
		assert_int_equal(
		    crl_writer_push(w, view_of(rest.data, piece), NULL), RC_OK);
		rest = view_of(rest.data + piece, rest.len - piece);
	}
	assert_int_equal(crl_writer_digest(w, &digest, NULL), RC_OK);
	sign_digest(&sig, key, digest);
	assert_int_equal(
	    crl_writer_finish(w, buf_view(&sig), out, &tail, NULL), RC_OK);
	buf_add_view(out, buf_view(&entries));
	buf_add_view(out, buf_view(&tail));
}

static void
crl_writer_equals_libcrypto_with_rsa(void **state)
{
	static const size_t counts[] = { 0, 1, 2, 5, 300, 3000 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		AUTO_BUF ours = buf_empty(0);
		AUTO_BUF theirs = buf_empty(0);

		make_theirs(&theirs, counts[i], fix_rsa());
		make_ours(&ours, counts[i], fix_rsa(), SIGALG_SHA256_RSA);
		fix_equal(buf_view(&ours), buf_view(&theirs));
	}
}

static void
crl_writer_with_ec_verifies_in_libcrypto(void **state)
{
	AUTO_BUF ours = buf_empty(0);
	const unsigned char *p;
	X509_CRL *crl;

	(void)state;
	make_ours(&ours, 100, fix_ec(), SIGALG_SHA256_EC);
	p = ours.data;
	crl = d2i_X509_CRL(NULL, &p, (long)ours.len);
	assert_non_null(crl);
	assert_ptr_equal(p, ours.data + ours.len);
	assert_int_equal(X509_CRL_verify(crl, fix_ec()), 1);
	X509_CRL_free(crl);
}

static void
crl_writer_demands_the_announced_length(void **state)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF name = buf_empty(0);
	AUTO_BUF out = buf_empty(0);
	AUTO(crl_writer) w = NULL;
	struct crl_header h;
	struct ext_list exts;
	struct view digest;

	(void)state;
	make_header(&h, &exts, &name, a, SIGALG_SHA384_EC);
	assert_int_equal(crl_writer_new(&w, &h, 4, NULL), RC_OK);
	assert_int_equal(
	    crl_writer_push(w, view_str("12345"), NULL), RC_INTERNAL);
	assert_int_equal(crl_writer_push(w, view_str("123"), NULL), RC_OK);
	assert_int_equal(crl_writer_digest(w, &digest, NULL), RC_INTERNAL);
	assert_int_equal(
	    crl_writer_finish(w, view_str("s"), &out, &out, NULL), RC_INTERNAL);
	assert_int_equal(crl_writer_push(w, view_str("4"), NULL), RC_OK);
	assert_int_equal(crl_writer_digest(w, &digest, NULL), RC_OK);
	assert_int_equal(digest.len, 48);
	assert_int_equal(crl_writer_push(w, view_str("5"), NULL), RC_INTERNAL);
}

static void
crl_writer_refuses_a_bad_header(void **state)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF name = buf_empty(0);
	AUTO(crl_writer) w = NULL;
	struct crl_header h;
	struct ext_list exts;

	(void)state;
	make_header(&h, &exts, &name, a, SIGALG_SHA512_RSA);
	h.v1 = true;
	assert_int_equal(crl_writer_new(&w, &h, 4, NULL), RC_INVALID);
	h.v1 = false;
	h.next_update = h.this_update - 1;
	assert_int_equal(crl_writer_new(&w, &h, 4, NULL), RC_INVALID);
	h.next_update = 0;
	h.issuer = view_str("x");
	assert_int_equal(crl_writer_new(&w, &h, 4, NULL), RC_INVALID);
	h.issuer = buf_view(&name);
	assert_int_equal(crl_writer_new(&w, &h, SIZE_MAX, NULL), RC_TOOBIG);
	h.sigalg = SIGALG_COUNT;
	assert_int_equal(crl_writer_new(&w, &h, 0, NULL), RC_INVALID);
}

static void
crl_writer_writes_version_1_lists(void **state)
{
	AUTO(crl_writer) w = NULL;
	AUTO_BUF name = buf_empty(0);
	AUTO_BUF head = buf_empty(0);
	AUTO_BUF tail = buf_empty(0);
	AUTO_BUF entries = buf_empty(0);
	struct crl_entry x = {
		.serial = num_from_u64(9), .date = THIS, .reason = 0
	};
	struct crl_header h = {
		.sigalg = SIGALG_SHA1_RSA, .this_update = THIS, .v1 = true
	};
	struct view digest;
	struct num n;
	struct crl c;

	(void)state;
	assert_int_equal(name_parse(&name, view_str("CN=ca"), NULL), RC_OK);
	h.issuer = buf_view(&name);
	crl_entry_put(&entries, &x);
	assert_int_equal(crl_writer_new(&w, &h, entries.len, NULL), RC_OK);
	assert_int_equal(crl_writer_push(w, buf_view(&entries), NULL), RC_OK);
	assert_int_equal(crl_writer_digest(w, &digest, NULL), RC_OK);
	assert_int_equal(
	    crl_writer_finish(w, view_str("sig"), &head, &tail, NULL), RC_OK);
	buf_add_view(&head, buf_view(&entries));
	buf_add_view(&head, buf_view(&tail));
	assert_int_equal(crl_parse(&c, buf_view(&head), NULL), RC_OK);
	assert_int_equal(c.version, 0);
	assert_int_equal(c.next_update, 0);
	assert_false(crl_number(&c, &n));
	assert_false(crl_delta_base(&c, &n));
	assert_int_equal(crl_find(&c, &x, &x.serial, NULL), RC_OK);
	assert_int_equal(x.reason, CRLREASON_NONE);
}

static void
crl_parse_reads_back_every_entry(void **state)
{
	AUTO_BUF der = buf_empty(0);
	struct crl_entry x, want;
	struct num n;
	struct crl c;
	struct view r;
	size_t i;

	(void)state;
	make_theirs(&der, 50, fix_ec());
	assert_int_equal(crl_parse(&c, buf_view(&der), NULL), RC_OK);
	assert_int_equal(c.version, 1);
	assert_int_equal(c.this_update, THIS);
	assert_int_equal(c.next_update, NEXT);
	assert_int_equal(crl_sigalg(&c), SIGALG_SHA256_EC);
	assert_true(crl_number(&c, &n));
	assert_int_equal(n.b[0] << 8 | n.b[1], 4711);
	assert_false(crl_delta_base(&c, &n));
	for (i = 0, r = c.entries; r.len > 0; i++) {
		want = entry(i);
		assert_int_equal(crl_entry_next(&r, &x, NULL), RC_OK);
		assert_int_equal(num_cmp(&x.serial, &want.serial), 0);
		assert_int_equal(x.date, want.date);
		assert_int_equal(x.reason, want.reason);
		assert_int_equal(x.has_invalidity, want.has_invalidity);
		assert_int_equal(x.invalidity, want.invalidity);
		assert_int_equal(x.hold, want.hold);
	}
	assert_int_equal(i, 50);
	n = num_from_u64(2);
	assert_int_equal(crl_find(&c, &x, &n, NULL), RC_NOTFOUND);
	n = num_from_u64(8);
	assert_int_equal(crl_find(&c, &x, &n, NULL), RC_OK);
	assert_int_equal(x.reason, CRLREASON_KEY_COMPROMISE);
}

static enum rc
abuse_crl(struct view der, void *arg, struct err *e)
{
	struct crl_entry x;
	struct crl c;
	struct num n;
	enum rc rc = crl_parse(&c, der, e);

	(void)arg;
	if (rc != RC_OK)
		return rc;
	(void)crl_number(&c, &n);
	while (c.entries.len > 0) {
		rc = crl_entry_next(&c.entries, &x, e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static void
crl_parse_stands_abuse(void **state)
{
	AUTO_BUF der = buf_empty(0);

	(void)state;
	make_theirs(&der, 8, fix_ec());
	fix_corpus("crl", buf_view(&der));
	fix_abuse(buf_view(&der), abuse_crl, NULL);
}

static void
crl_entry_next_rejects_bad_extensions(void **state)
{
	/* serial 1, date, then extensions */
	static const char *const exts[] = {
		"300c300a0603551d1504030a010b", /* reason 11 */
		"300c300a0603551d1504030a0107", /* reason 7 */
		"300c300a0603551d150403020101", /* reason as INTEGER */
		"300f300d0603551d1d0101ff04033000"
		"ff",                         /* critical, unknown */
		"3000",                       /* empty */
		"300b30090603551d1804020500", /* invalidityDate NULL */
		"301a30180603551d180411170f3233313131343232313332"
		"305a5a", /* UTCTime */
	};
	size_t i, mark;

	(void)state;
	for (i = 0; i < sizeof(exts) / sizeof(exts[0]); i++) {
		AUTO_BUF b = buf_empty(0);
		AUTO_BUF raw = buf_empty(0);
		struct crl_entry x;
		struct view r;

		rc_ignore(text_hex(&raw, view_str(exts[i]), NULL));
		mark = der_open(&b, DER_SEQUENCE);
		der_put_int(&b, 1);
		der_put_time(&b, THIS);
		der_put_raw(&b, buf_view(&raw));
		der_close(&b, mark);
		r = buf_view(&b);
		assert_int_not_equal(crl_entry_next(&r, &x, NULL), RC_OK);
		fix_equal(r, buf_view(&b));
	}
}

static void
crl_reasons_have_labels(void **state)
{
	(void)state;
	assert_int_equal(crl_reason_find("Key_Compromise"), 1);
	assert_int_equal(crl_reason_find("key-compromise"), 1);
	assert_int_equal(crl_reason_find("certificate hold"), 6);
	assert_int_equal(crl_reason_find("unspecified"), 0);
	assert_int_equal(crl_reason_find("9"), 9);
	assert_int_equal(crl_reason_find("7"), -1);
	assert_int_equal(crl_reason_find("11"), -1);
	assert_int_equal(crl_reason_find(""), -1);
	assert_int_equal(crl_reason_find("nonsense"), -1);
	assert_string_equal(crl_reason_label(8), "Remove_from_CRL");
	assert_string_equal(crl_reason_label(-1), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crl_writer_equals_libcrypto_with_rsa),
		cmocka_unit_test(crl_writer_with_ec_verifies_in_libcrypto),
		cmocka_unit_test(crl_writer_demands_the_announced_length),
		cmocka_unit_test(crl_writer_refuses_a_bad_header),
		cmocka_unit_test(crl_writer_writes_version_1_lists),
		cmocka_unit_test(crl_parse_reads_back_every_entry),
		cmocka_unit_test(crl_parse_stands_abuse),
		cmocka_unit_test(crl_entry_next_rejects_bad_extensions),
		cmocka_unit_test(crl_reasons_have_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
