/* SPDX-License-Identifier: Apache-2.0 */
/* fill.c - puts certificate records straight into the store of an instance that
 * does not run: what years of issuing leave behind.
 * usage: fill STORE-FOLDER CA-CERT.pem RECORDS REVOKED-PERCENT
 * Owns:    the store while it runs.
 * Trusts:  its user.
 * Threads: one. */
#include "base/file.h"
#include "records.h"
#include "x509/cert.h"
#include "x509/name.h"

enum {
	GROUP = 4000,
	RECORDS_MAX = 100000000
};

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
			    bench_cert(
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
