/* SPDX-License-Identifier: Apache-2.0 */
/* ldif.c - certificate records as LDIF, to be read into a directory: what fill
 * puts into an embedded store.
 * usage: ldif BASE-DN CA-CERT.pem RECORDS REVOKED-PERCENT
 * Owns:    its output.
 * Trusts:  its user.
 * Threads: one. */
#include "base/clock.h"
#include "base/file.h"
#include "records.h"
#include "store/kind.h"
#include "x509/cert.h"
#include "x509/name.h"

enum {
	RECORDS_MAX = 100000000
};

static void
put_value(struct buf *out, const char *name, struct view v)
{
	buf_addf(out, "%s:: ", name);
	buf_add_base64(out, v, 0, "");
	buf_add_char(out, '\n');
}

static enum rc
put_entry(struct buf *out, const char *base, const struct rec *r, struct err *e)
{
	AUTO_BUF rdn = buf_empty(0);
	AUTO_BUF parent = buf_empty(0);
	enum rc rc = kind_place(&rdn, &parent, r->kind, r->id, "ca", e);

	if (rc != RC_OK)
		return rc;
	buf_addf(out,
	    "dn: cn=%s,%s,%s\nobjectClass: top\nobjectClass: %s\ncn: %s\n",
	    buf_cstr(&rdn), buf_cstr(&parent), base,
	    kind_info(r->kind)->classes, buf_cstr(&rdn));
	for (size_t i = 0; i < r->n; i++)
		for (size_t j = 0; j < r->attrs[i].n; j++)
			put_value(out, r->attrs[i].name, r->attrs[i].values[j]);
	buf_add_char(out, '\n');
	return buf_check(out, e);
}

static enum rc
run(char **argv, struct err *e)
{
	AUTO_BUF pem = buf_empty(CERT_DER_MAX * 2);
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	AUTO_BUF issuer = buf_empty(0);
	int64_t records, percent, now = clock_now(&clock_system);
	struct cert ca;
	enum rc rc;

	if ((rc = file_read(&pem, argv[2], e)) != RC_OK ||
	    (rc = text_pem(&der, buf_view(&pem), NULL, e)) != RC_OK ||
	    (rc = cert_parse(&ca, buf_view(&der), e)) != RC_OK ||
	    (rc = name_text(&issuer, ca.subject, e)) != RC_OK ||
	    (rc = text_int(&records, argv[3], 0, RECORDS_MAX, e)) != RC_OK ||
	    (rc = text_int(&percent, argv[4], 0, 100, e)) != RC_OK)
		return rc;
	for (int64_t i = 0; rc == RC_OK && i < records; i++) {
		AUTO_BUF out = buf_empty(0);
		AUTO(rec)
		r = bench_cert(
		    (uint64_t)i, buf_cstr(&issuer), i % 100 < percent, now);

		rc = r != NULL ? put_entry(&out, argv[1], r, e) : RC_NOMEM;
		if (rc == RC_OK &&
		    fwrite(out.data, 1, out.len, stdout) != out.len)
			rc = err_errno(e, "output");
	}
	return rc;
}

int
main(int argc, char **argv)
{
	struct err e = { RC_OK, "" };
	enum rc rc = RC_INVALID;

	if (argc != 5)
		err_set(&e, rc, "usage: ldif BASE CA.pem RECORDS PERCENT");
	else
		rc = run(argv, &e);
	if (rc != RC_OK)
		fprintf(stderr, "ldif: %s\n", e.text);
	return rc_exit(rc);
}
