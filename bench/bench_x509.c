/* SPDX-License-Identifier: Apache-2.0 */
/* bench_x509.c - what encoding and decoding costs beside a P-256 signature,
 * and a list of 10^6 entries beside copying and hashing it.
 * Owns:    all it makes, until it ends.
 * Trusts:  everything: it measures its own objects.
 * Threads: one. */
#include <stdio.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "der/reader.h"
#include "der/writer.h"
#include "x509/cert.h"
#include "x509/crl.h"
#include "x509/name.h"
#include "x509/ocsp.h"
#include "x509/req.h"
#include "x509/template.h"

enum {
	ROUNDS = 5,
	CALLS = 50000,
	SIGNS = 2000,
	ENTRIES = 1000000,
	ENTRIES_MAX = 100 * 1000 * 1000, /* octets */
	PIECE = 64 * 1024,
	NOW = 1700000000,
};

/* The objects all measurements share. */
struct bench {
	EVP_PKEY *key;
	struct arena *arena;
	struct buf name, request, answer, data, tbs, cert, req, scratch;
	struct view spki;
	struct cert_template t;
	struct ocsp_issuer ca;
	struct ocsp_request q;
	uint8_t sig[72];
};

static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds a call, the best of some rounds. */
static double
measure(enum rc (*f)(struct bench *b), struct bench *b, int calls)
{
	double best = 1e9, start;
	int r, i;

	for (r = 0; r < ROUNDS; r++) {
		start = cpu();
		for (i = 0; i < calls; i++) {
			if (f(b) != RC_OK)
				exit(1);
		}
		start = (cpu() - start) / calls;
		best = start < best ? start : best;
	}
	return best;
}

static enum rc
sign(struct bench *b)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t sig[128];
	size_t len = sizeof(sig);
	int good;

	good = md != NULL &&
	    EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, b->key) == 1 &&
	    EVP_DigestSign(md, sig, &len, b->tbs.data, b->tbs.len) == 1;
	EVP_MD_CTX_free(md);
	return good ? RC_OK : RC_CRYPTO;
}

static enum rc
write_tbs(struct bench *b)
{
	buf_reset(&b->tbs);
	return template_tbs(&b->tbs, &b->t, NULL);
}

static enum rc
read_cert(struct bench *b)
{
	struct cert c;

	return cert_parse(&c, buf_view(&b->cert), NULL);
}

static enum rc
read_req(struct bench *b)
{
	struct req r;

	return req_parse(&r, buf_view(&b->req), NULL);
}

static enum rc
print_name(struct bench *b)
{
	buf_reset(&b->scratch);
	return name_text(&b->scratch, buf_view(&b->name), NULL);
}

static enum rc
answer(struct bench *b)
{
	struct ocsp_responder by = { .key_hash =
					 view_of(b->ca.key_hash, b->ca.len) };
	struct ocsp_single s = { .reason = CRLREASON_NONE, .this_update = NOW };
	struct view cert = buf_view(&b->cert);
	enum rc rc = ocsp_request_parse(&b->q, buf_view(&b->request), NULL);

	if (rc != RC_OK)
		return rc;
	s.id = b->q.ids[0].whole;
	buf_reset(&b->data);
	buf_reset(&b->answer);
	ocsp_data_put(&b->data, &by, NOW, &s, 1, b->q.nonce_ext);
	ocsp_response_put(&b->answer, buf_view(&b->data), SIGALG_SHA256_EC,
	    view_of(b->sig, sizeof(b->sig)), &cert, 1);
	return buf_check(&b->answer, NULL);
}

static enum rc
add_extensions(struct bench *b)
{
	AUTO_BUF v = buf_empty(0);
	uint8_t id[DIGEST_MAX];
	struct aki aki = { 0 };
	size_t len;
	enum rc rc;

	rc = ext_key_id(id, &len, b->spki, DIGEST_SHA1, NULL);
	if (rc != RC_OK)
		return rc;
	aki.key_id = view_of(id, len);
	ext_put_aki(&v, &aki);
	rc = ext_list_set_buf(
	    &b->t.exts, OID_authorityKeyIdentifier, false, &v, NULL);
	if (rc != RC_OK)
		return rc;
	ext_put_bits(&v, EXT_KU_DIGITAL_SIGNATURE);
	rc = ext_list_set_buf(&b->t.exts, OID_keyUsage, true, &v, NULL);
	if (rc != RC_OK)
		return rc;
	rc = ext_put_oid_text(&v, "serverAuth,clientAuth", NULL);
	if (rc != RC_OK)
		return rc;
	return ext_list_set_buf(&b->t.exts, OID_extKeyUsage, false, &v, NULL);
}

static void
wrap(struct buf *out, struct view tbs, struct view sig)
{
	size_t mark = der_open(out, DER_SEQUENCE);

	der_put_raw(out, tbs);
	sigalg_put(out, SIGALG_SHA256_EC);
	der_put_bits(out, sig);
	der_close(out, mark);
}

static enum rc
prepare(struct bench *b)
{
	struct num serial = num_from_u64(0x1122334455667788);
	AUTO_BUF id = buf_empty(0);
	unsigned char *p = NULL;
	enum rc rc;
	int n;

	b->key = EVP_EC_gen("P-256");
	n = i2d_PUBKEY(b->key, &p);
	b->spki = view_of(p, n > 0 ? (size_t)n : 0);
	b->arena = arena_new(0);
	if (b->arena == NULL || n <= 0)
		return RC_NOMEM;
	rc = name_parse(&b->name,
	    view_str("CN=www.example.com,OU=Servers,O=EXAMPLE,C=DE"), NULL);
	if (rc != RC_OK)
		return rc;
	template_init(&b->t, b->arena);
	b->t.serial = serial;
	b->t.sigalg = SIGALG_SHA256_EC;
	b->t.issuer = b->t.subject = buf_view(&b->name);
	b->t.spki = b->spki;
	b->t.not_before = NOW;
	b->t.not_after = NOW + 86400;
	if ((rc = add_extensions(b)) != RC_OK || (rc = write_tbs(b)) != RC_OK)
		return rc;
	wrap(&b->cert, buf_view(&b->tbs), view_of(b->sig, sizeof(b->sig)));
	req_tbs_put(&b->scratch, buf_view(&b->name), b->spki, &b->t.exts);
	wrap(&b->req, buf_view(&b->scratch), view_of(b->sig, sizeof(b->sig)));
	rc = ocsp_issuer_init(
	    &b->ca, DIGEST_SHA1, buf_view(&b->name), b->spki, NULL);
	if (rc != RC_OK)
		return rc;
	ocsp_id_put(&id, &b->ca, &serial);
	ocsp_request_put(&b->request, buf_view(&id), view_of(NULL, 0));
	return RC_OK;
}

static void
put_entries(struct buf *out)
{
	struct crl_entry x = { .date = NOW, .reason = 1 };
	uint64_t i;

	for (i = 0; i < ENTRIES; i++) {
		x.serial = num_from_u64(0x1122334400000000 + i);
		crl_entry_put(out, &x);
	}
}

/* Head, entries and tail into `file`, digested on the way. */
static enum rc
write_list(struct bench *b, struct view entries, uint8_t *file)
{
	struct crl_header h = { .sigalg = SIGALG_SHA256_EC,
		.issuer = buf_view(&b->name),
		.this_update = NOW };
	AUTO(crl_writer) w = NULL;
	AUTO_BUF head = buf_empty(0);
	AUTO_BUF tail = buf_empty(0);
	struct view digest;
	size_t at, n;
	enum rc rc;

	rc = crl_writer_new(&w, &h, entries.len, NULL);
	for (at = 0; rc == RC_OK && at < entries.len; at += n) {
		n = entries.len - at < PIECE ? entries.len - at : PIECE;
		rc = crl_writer_push(w, view_of(entries.data + at, n), NULL);
		memcpy(file + at, entries.data + at, n);
	}
	if (rc == RC_OK)
		rc = crl_writer_digest(w, &digest, NULL);
	if (rc == RC_OK)
		rc = crl_writer_finish(
		    w, view_of(b->sig, sizeof(b->sig)), &head, &tail, NULL);
	return rc;
}

/* Seconds for a list of ENTRIES, and for copying and hashing its octets. */
static enum rc
list(struct bench *b, double *ours, double *limit)
{
	AUTO_BUF entries = buf_empty(ENTRIES_MAX);
	AUTO_BUF file = buf_empty(ENTRIES_MAX);
	uint8_t h[DIGEST_MAX];
	double start;
	int r;

	put_entries(&entries);
	if (entries.failed != RC_OK || buf_reserve(&file, entries.len) == NULL)
		return RC_NOMEM;
	memset(file.data, 1, entries.len);
	*ours = *limit = 1e9;
	for (r = 0; r < ROUNDS; r++) {
		start = cpu();
		memcpy(file.data, entries.data, entries.len);
		(void)digest_of(
		    h, DIGEST_SHA256, view_of(file.data, entries.len));
		start = cpu() - start;
		*limit = start < *limit ? start : *limit;
		start = cpu();
		if (write_list(b, buf_view(&entries), file.data) != RC_OK)
			return RC_INTERNAL;
		start = cpu() - start;
		*ours = start < *ours ? start : *ours;
	}
	return RC_OK;
}

int
main(void)
{
	static const struct {
		const char *what;
		enum rc (*f)(struct bench *b);
	} rows[] = {
		{ "certificate, template to TBS", write_tbs },
		{ "certificate, read", read_cert },
		{ "PKCS #10, read", read_req },
		{ "name to text", print_name },
		{ "OCSP, read and answer", answer },
	};
	struct bench b = { .name = buf_empty(0),
		.request = buf_empty(0),
		.answer = buf_empty(0),
		.data = buf_empty(0),
		.tbs = buf_empty(0),
		.cert = buf_empty(0),
		.req = buf_empty(0),
		.scratch = buf_empty(0) };
	double one, ours, limit;
	size_t i;

	if (prepare(&b) != RC_OK)
		return 1;
	one = measure(sign, &b, SIGNS) * 1e6;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		printf("%s\t%.2f\tus\t%.1f\tP-256 signature\n", rows[i].what,
		    measure(rows[i].f, &b, CALLS) * 1e6, one);
	if (list(&b, &ours, &limit) != RC_OK)
		return 1;
	printf("CRL of 10^6 entries\t%.1f\tms\t%.1f\tmemcpy and SHA-256\n",
	    ours * 1e3, limit * 1e3);
	return 0;
}
