/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp_test.c - OCSP messages against libcrypto and abuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "der/reader.h"
#include "der/writer.h"
#include "x509/cert.h"
#include "x509/fixture.h"
#include "x509/ocsp.h"

#define NOW 1700000000

static const char *const ca_exts[] = { "basicConstraints", "critical,CA:TRUE",
	"keyUsage", "critical,keyCertSign,digitalSignature",
	"subjectKeyIdentifier", "hash", NULL };

struct world {
	X509 *ca, *leaf;
	struct buf ca_der;
	struct cert c;
};

static void
world_init(struct world *w, EVP_PKEY *key)
{
	w->ca =
	    fix_cert("C=DE/CN=ca", "C=DE/CN=ca", 1, key, key, ca_exts, NULL);
	w->leaf =
	    fix_cert("C=DE/CN=ca", "CN=leaf", 4711, fix_ec(), key, NULL, w->ca);
	w->ca_der = buf_empty(0);
	FIX_DER(&w->ca_der, X509, w->ca);
	assert_int_equal(cert_parse(&w->c, buf_view(&w->ca_der), NULL), RC_OK);
}

static void
world_done(struct world *w)
{
	X509_free(w->ca);
	X509_free(w->leaf);
	buf_done(&w->ca_der);
}

/* libcrypto's request: how many certificates, a nonce or not. */
static OCSP_REQUEST *
their_request(const struct world *w, int count, const EVP_MD *md, bool nonce)
{
	OCSP_REQUEST *q = OCSP_REQUEST_new();
	int i;

	for (i = 0; i < count; i++)
		OCSP_request_add0_id(q, OCSP_cert_to_id(md, w->leaf, w->ca));
	if (nonce) {
		unsigned char octets[16];

		memset(octets, 7, sizeof(octets));
		OCSP_request_add1_nonce(q, octets, sizeof(octets));
	}
	return q;
}

static void
ocsp_request_parse_reads_libcryptos(void **state)
{
	static const struct {
		int count;
		bool nonce;
	} cases[] = { { 1, false }, { 1, true }, { 3, true },
		{ OCSP_CERTS_MAX, false } };
	struct world w;
	size_t i, k;

	(void)state;
	world_init(&w, fix_rsa());
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		OCSP_REQUEST *theirs = their_request(
		    &w, cases[i].count, EVP_sha1(), cases[i].nonce);
		AUTO_BUF der = buf_empty(0);
		struct ocsp_request q;
		struct ocsp_issuer ca;

		FIX_DER(&der, OCSP_REQUEST, theirs);
		OCSP_REQUEST_free(theirs);
		assert_int_equal(
		    ocsp_request_parse(&q, buf_view(&der), NULL), RC_OK);
		assert_int_equal(q.count, cases[i].count);
		assert_int_equal(q.nonce.len, cases[i].nonce ? 16 : 0);
		assert_false(q.is_signed);
		assert_false(q.critical);
		assert_int_equal(ocsp_issuer_init(&ca, DIGEST_SHA1, w.c.subject,
				     w.c.spki, NULL),
		    RC_OK);
		for (k = 0; k < q.count; k++) {
			assert_true(ocsp_issuer_is(&ca, &q.ids[k]));
			assert_int_equal(q.ids[k].serial.b[0], 4711 >> 8);
		}
		ca.key_hash[0] ^= 1;
		assert_false(ocsp_issuer_is(&ca, &q.ids[0]));
	}
	world_done(&w);
}

static void
ocsp_request_put_equals_libcrypto(void **state)
{
	struct world w;
	int i;

	(void)state;
	world_init(&w, fix_ec());
	for (i = 0; i < 2; i++) {
		OCSP_REQUEST *theirs =
		    their_request(&w, 1, i ? EVP_sha256() : EVP_sha1(), i);
		AUTO_BUF der = buf_empty(0);
		AUTO_BUF ours = buf_empty(0);
		AUTO_BUF id = buf_empty(0);
		struct num serial = num_from_u64(4711);
		struct ocsp_issuer ca;
		uint8_t octets[16];

		memset(octets, 7, sizeof(octets));
		FIX_DER(&der, OCSP_REQUEST, theirs);
		OCSP_REQUEST_free(theirs);
		assert_int_equal(
		    ocsp_issuer_init(&ca, i ? DIGEST_SHA256 : DIGEST_SHA1,
			w.c.subject, w.c.spki, NULL),
		    RC_OK);
		ocsp_id_put(&id, &ca, &serial);
		ocsp_request_put(&ours, buf_view(&id),
		    view_of(octets, i ? sizeof(octets) : 0));
		fix_equal(buf_view(&ours), buf_view(&der));
	}
	world_done(&w);
}

static enum rc
abuse_request(struct view der, void *arg, struct err *e)
{
	static struct ocsp_request q;

	(void)arg;
	return ocsp_request_parse(&q, der, e);
}

static void
ocsp_request_parse_stands_abuse(void **state)
{
	OCSP_REQUEST *theirs;
	AUTO_BUF plain = buf_empty(0);
	AUTO_BUF rich = buf_empty(0);
	struct world w;
	X509_EXTENSION *x;
	struct ocsp_request q;

	(void)state;
	world_init(&w, fix_ec());
	theirs = their_request(&w, 1, EVP_sha1(), false);
	FIX_DER(&plain, OCSP_REQUEST, theirs);
	OCSP_REQUEST_free(theirs);
	fix_corpus("ocsp", buf_view(&plain));
	fix_abuse(buf_view(&plain), abuse_request, NULL);

	theirs = their_request(&w, 2, EVP_sha256(), true);
	x = X509V3_EXT_conf_nid(
	    NULL, NULL, NID_subject_alt_name, "critical,DNS:a");
	OCSP_ONEREQ_add_ext(OCSP_request_onereq_get0(theirs, 0), x, -1);
	OCSP_REQUEST_add_ext(theirs, x, -1);
	X509_EXTENSION_free(x);
	assert_int_equal(
	    OCSP_request_sign(theirs, w.ca, fix_ec(), EVP_sha256(), NULL, 0),
	    1);
	FIX_DER(&rich, OCSP_REQUEST, theirs);
	OCSP_REQUEST_free(theirs);
	assert_int_equal(ocsp_request_parse(&q, buf_view(&rich), NULL), RC_OK);
	assert_true(q.is_signed);
	assert_true(q.critical);
	fix_corpus("ocsp", buf_view(&rich));
	fix_abuse(buf_view(&rich), abuse_request, NULL);
	world_done(&w);
}

static void
ocsp_request_parse_knows_its_limits(void **state)
{
	OCSP_REQUEST *theirs;
	AUTO_BUF many = buf_empty(0);
	AUTO_BUF big = buf_empty(0);
	AUTO_BUF id = buf_empty(0);
	uint8_t nonce[OCSP_NONCE_MAX + 1] = { 1 };
	struct num serial = num_from_u64(1);
	struct ocsp_request q;
	struct ocsp_issuer ca;
	struct world w;
	size_t len;

	(void)state;
	world_init(&w, fix_ec());
	theirs = their_request(&w, OCSP_CERTS_MAX + 1, EVP_sha1(), false);
	FIX_DER(&many, OCSP_REQUEST, theirs);
	OCSP_REQUEST_free(theirs);
	assert_int_equal(
	    ocsp_request_parse(&q, buf_view(&many), NULL), RC_TOOBIG);
	while (big.len <= OCSP_REQUEST_MAX)
		buf_add_char(&big, 0x30);
	assert_int_equal(
	    ocsp_request_parse(&q, buf_view(&big), NULL), RC_TOOBIG);
	assert_int_equal(
	    ocsp_issuer_init(&ca, DIGEST_SHA512, w.c.subject, w.c.spki, NULL),
	    RC_OK);
	ocsp_id_put(&id, &ca, &serial);
	for (len = 1; len <= sizeof(nonce); len++) {
		AUTO_BUF der = buf_empty(0);

		ocsp_request_put(&der, buf_view(&id), view_of(nonce, len));
		assert_int_equal(ocsp_request_parse(&q, buf_view(&der), NULL),
		    len <= OCSP_NONCE_MAX ? RC_OK : RC_INVALID);
		if (len <= OCSP_NONCE_MAX)
			fix_equal(q.nonce, view_of(nonce, len));
	}
	world_done(&w);
}

static void
ocsp_request_parse_rejects_a_hash_of_wrong_length(void **state)
{
	static const char *const bad[] = {
		"30163014301230103009" /* SHA-1, hashes of one octet */
		"06052b0e03021a0500"
		"0401ff0401ff020101",
		"3000",
		"30023000",
		"300430023000",
	};
	struct ocsp_request q;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		AUTO_BUF b = buf_empty(0);

		assert_int_equal(text_hex(&b, view_str(bad[i]), NULL), RC_OK);
		assert_int_equal(
		    ocsp_request_parse(&q, buf_view(&b), NULL), RC_INVALID);
	}
}

/* ---- answers ---- */

static const struct {
	enum ocsp_status status;
	int reason;
	int64_t next;
	bool nonce, by_key;
} answers[] = {
	{ OCSP_GOOD, -1, 0, false, false },
	{ OCSP_GOOD, -1, NOW + 3600, true, true },
	{ OCSP_REVOKED, -1, 0, false, true },
	{ OCSP_REVOKED, 1, NOW + 60, true, false },
	{ OCSP_UNKNOWN, -1, 0, true, true },
};

static void
their_response(struct buf *out, const struct world *w, size_t i,
    OCSP_REQUEST *q, EVP_PKEY *key)
{
	OCSP_BASICRESP *bs = OCSP_BASICRESP_new();
	OCSP_RESPONSE *resp;
	ASN1_TIME *now = ASN1_TIME_adj(NULL, NOW, 0, 0);
	ASN1_TIME *rev = ASN1_TIME_adj(NULL, NOW - 10, 0, 0);
	ASN1_TIME *next =
	    answers[i].next ? ASN1_TIME_adj(NULL, answers[i].next, 0, 0) : NULL;
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), w->leaf, w->ca);

	assert_non_null(OCSP_basic_add1_status(
	    bs, id, (int)answers[i].status, answers[i].reason, rev, now, next));
	if (answers[i].nonce)
		OCSP_copy_nonce(bs, q);
	assert_int_equal(OCSP_basic_sign(bs, w->ca, key, EVP_sha256(), NULL,
			     answers[i].by_key ? OCSP_RESPID_KEY : 0),
	    1);
	resp = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, bs);
	FIX_DER(out, OCSP_RESPONSE, resp);
	OCSP_CERTID_free(id);
	OCSP_RESPONSE_free(resp);
	OCSP_BASICRESP_free(bs);
	ASN1_TIME_free(now);
	ASN1_TIME_free(rev);
	ASN1_TIME_free(next);
}

static void
ocsp_response_equals_libcrypto(void **state)
{
	struct world w;
	size_t i;

	(void)state;
	world_init(&w, fix_rsa());
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		OCSP_REQUEST *theirs =
		    their_request(&w, 1, EVP_sha1(), answers[i].nonce);
		AUTO_BUF req = buf_empty(0);
		AUTO_BUF want = buf_empty(0);
		AUTO_BUF data = buf_empty(0);
		AUTO_BUF ours = buf_empty(0);
		struct ocsp_request q;
		struct ocsp_response r;
		struct ocsp_single s;
		struct ocsp_issuer ca;
		struct ocsp_responder by = { 0 };

		FIX_DER(&req, OCSP_REQUEST, theirs);
		their_response(&want, &w, i, theirs, fix_rsa());
		OCSP_REQUEST_free(theirs);
		assert_int_equal(
		    ocsp_request_parse(&q, buf_view(&req), NULL), RC_OK);
		assert_int_equal(
		    ocsp_response_parse(&r, buf_view(&want), NULL), RC_OK);
		assert_int_equal(r.status, OCSP_SUCCESSFUL);
		assert_int_equal(r.count, 1);
		assert_int_equal(r.singles[0].status, answers[i].status);
		assert_int_equal(r.singles[0].reason, answers[i].reason);
		assert_int_equal(r.singles[0].next_update, answers[i].next);
		fix_equal(r.nonce, q.nonce);
		assert_int_equal(ocsp_issuer_init(&ca, DIGEST_SHA1, w.c.subject,
				     w.c.spki, NULL),
		    RC_OK);
		assert_true(ocsp_issuer_is(&ca, &r.singles[0].parsed));

		s = (struct ocsp_single){ .id = q.ids[0].whole,
			.status = answers[i].status,
			.revoked_at = NOW - 10,
			.reason = answers[i].reason,
			.this_update = NOW,
			.next_update = answers[i].next };
		if (answers[i].by_key)
			by.key_hash = view_of(ca.key_hash, ca.len);
		else
			by.name = w.c.subject;
		/* libcrypto takes producedAt from its clock */
		ocsp_data_put(&data, &by, r.produced_at, &s, 1, q.nonce_ext);
		fix_equal(buf_view(&data), r.data);
		{
			struct view cert = buf_view(&w.ca_der);

			ocsp_response_put(&ours, buf_view(&data),
			    SIGALG_SHA256_RSA, r.sig, &cert, 1);
		}
		fix_equal(buf_view(&ours), buf_view(&want));
	}
	world_done(&w);
}

static enum rc
abuse_response(struct view der, void *arg, struct err *e)
{
	static struct ocsp_response r;

	(void)arg;
	return ocsp_response_parse(&r, der, e);
}

static void
ocsp_response_parse_stands_abuse(void **state)
{
	struct world w;
	size_t i;

	(void)state;
	world_init(&w, fix_ec());
	for (i = 2; i < sizeof(answers) / sizeof(answers[0]); i++) {
		OCSP_REQUEST *q = their_request(&w, 1, EVP_sha1(), true);
		AUTO_BUF der = buf_empty(0);

		their_response(&der, &w, i, q, fix_ec());
		OCSP_REQUEST_free(q);
		fix_corpus("ocsp", buf_view(&der));
		fix_abuse(buf_view(&der), abuse_response, NULL);
	}
	world_done(&w);
}

static void
ocsp_error_put_equals_libcrypto(void **state)
{
	static const int errors[] = { 1, 2, 3, 5, 6 };
	struct ocsp_response r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		OCSP_RESPONSE *resp = OCSP_response_create(errors[i], NULL);
		AUTO_BUF ours = buf_empty(0);
		AUTO_BUF theirs = buf_empty(0);

		FIX_DER(&theirs, OCSP_RESPONSE, resp);
		OCSP_RESPONSE_free(resp);
		ocsp_error_put(&ours, (enum ocsp_error)errors[i]);
		fix_equal(buf_view(&ours), buf_view(&theirs));
		assert_int_equal(
		    ocsp_response_parse(&r, buf_view(&ours), NULL), RC_OK);
		assert_int_equal(r.status, errors[i]);
		fix_corpus("ocsp", buf_view(&ours));
	}
}

static void
ocsp_response_parse_rejects_odd_statuses(void **state)
{
	static const char *const bad[] = { "30030a0104", "30030a0107",
		"30030a0180", "30030a0100", "30040a020001", "3003020101",
		"30050a0101a000", "30090a0100a004300206" };
	struct ocsp_response r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		AUTO_BUF b = buf_empty(0);

		assert_int_equal(text_hex(&b, view_str(bad[i]), NULL), RC_OK);
		assert_int_not_equal(
		    ocsp_response_parse(&r, buf_view(&b), NULL), RC_OK);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ocsp_request_parse_reads_libcryptos),
		cmocka_unit_test(ocsp_request_put_equals_libcrypto),
		cmocka_unit_test(ocsp_request_parse_stands_abuse),
		cmocka_unit_test(ocsp_request_parse_knows_its_limits),
		cmocka_unit_test(
		    ocsp_request_parse_rejects_a_hash_of_wrong_length),
		cmocka_unit_test(ocsp_response_equals_libcrypto),
		cmocka_unit_test(ocsp_response_parse_stands_abuse),
		cmocka_unit_test(ocsp_error_put_equals_libcrypto),
		cmocka_unit_test(ocsp_response_parse_rejects_odd_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
