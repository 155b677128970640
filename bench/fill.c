/* SPDX-License-Identifier: Apache-2.0 */
/* fill.c - puts certificate records straight into the store of an instance that
 * does not run: what years of issuing leave behind.
 * usage: fill STORE-FOLDER CA-CERT.pem RECORDS REVOKED-PERCENT
 * Owns:    the store while it runs.
 * Trusts:  its user.
 * Threads: one. */
#include "base/file.h"
#include "serial.h"
#include "store/rec_cert.h"
#include "x509/cert.h"
#include "x509/name.h"

enum {
	GROUP = 2000,
	RECORDS_MAX = 100000000,
	DAY = 86400
};

static struct rec *
certificate(uint64_t i, const char *issuer, bool revoked, int64_t now)
{
	static const uint8_t der[1000] = { 0x30 }, spki[294] = { 0x30 };
	static const char *const exts[] = { "2.5.29.35", "2.5.29.15",
		"2.5.29.37", "1.3.6.1.5.5.7.1.1", "2.5.29.17", NULL };
	char subject[64], request[NUM_TEXT_MAX];
	struct num id = num_from_u64(bench_mix(i) >> 1);
	int64_t made = now - DAY - (int64_t)(i % 1000);
	struct cert_rec c = { .serial = bench_serial(i),
		.status = revoked ? CERT_REVOKED : CERT_VALID,
		.created = made,
		.modified = made,
		.not_before = made,
		.not_after = made + 180 * (int64_t)DAY,
		.subject = subject,
		.issuer = issuer,
		.issued_by = "caadmin",
		.profile_id = "caAgentServerCert",
		.request_id = num_hex(request, &id),
		.key_oid = "1.2.840.113549.1.1.1",
		.sig_oid = "1.2.840.10045.4.3.2",
		.extensions = exts,
		.spki = view_of(spki, sizeof(spki)),
		.der = view_of(der, sizeof(der)),
		.auto_renew = true,
		.revoked = revoked,
		.rev = {
		    made + 1, REASON_KEY_COMPROMISE, 0, "caadmin", made + 1 } };

	snprintf(subject, sizeof(subject), "CN=host%llu.example.com,O=EXAMPLE",
	    (unsigned long long)i);
	return cert_rec_encode(&c);
}

static enum rc
fill(struct store *s, const char *issuer, int64_t records, int64_t percent,
    struct err *e)
{
	int64_t now = clock_now(&clock_system);
	enum rc rc = RC_OK;

	for (int64_t i = 0; rc == RC_OK && i < records;) {
		AUTO(batch) b = batch_new();

		for (int k = 0; b != NULL && k < GROUP && i < records; k++, i++)
			batch_add(b,
			    certificate(
				(uint64_t)i, issuer, i % 100 < percent, now));
		rc = b != NULL ? store_commit(s, b, e) : RC_NOMEM;
	}
	return rc;
}

static enum rc
run(char **argv, struct err *e)
{
	AUTO_BUF pem = buf_empty(CERT_DER_MAX * 2);
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	AUTO_BUF issuer = buf_empty(0);
	AUTO(store) s = NULL;
	struct lmdb_params p = { .dir = argv[1], .clock = &clock_system };
	int64_t records, percent;
	struct cert ca;
	enum rc rc;

	if ((rc = file_read(&pem, argv[2], e)) != RC_OK ||
	    (rc = text_pem(&der, buf_view(&pem), NULL, e)) != RC_OK ||
	    (rc = cert_parse(&ca, buf_view(&der), e)) != RC_OK ||
	    (rc = name_text(&issuer, ca.subject, e)) != RC_OK ||
	    (rc = text_int(&records, argv[3], 0, RECORDS_MAX, e)) != RC_OK ||
	    (rc = text_int(&percent, argv[4], 0, 100, e)) != RC_OK ||
	    (rc = store_open_lmdb(&s, &p, e)) != RC_OK)
		return rc;
	return fill(s, buf_cstr(&issuer), records, percent, e);
}

int
main(int argc, char **argv)
{
	struct err e = { RC_OK, "" };
	enum rc rc = RC_INVALID;

	if (argc != 5)
		err_set(&e, rc, "usage: fill STORE CA.pem RECORDS PERCENT");
	else
		rc = run(argv, &e);
	if (rc != RC_OK)
		fprintf(stderr, "fill: %s\n", e.text);
	return rc_exit(rc);
}
