/* SPDX-License-Identifier: Apache-2.0 */
/* requests.c - writes the list of requests that load sends.
 * usage: requests ocsp-get|ocsp-post CA-CERT.pem RECORDS COUNT
 *        requests submit|rest COUNT PROFILE      (PKCS #10, RSA-2048)
 *        requests get PATH LENGTH                (a head of LENGTH octets)
 *        requests post PATH LENGTH               (a body of LENGTH octets)
 * The first two ask for COUNT serials spread over a store that fill has filled.
 * Owns:    its output.
 * Trusts:  its user.
 * Threads: one. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "records.h"
#include "x509/cert.h"
#include "x509/ocsp.h"

enum {
	COUNT_MAX = 100000,
	BODY_MAX = 65536
};

static void
emit(const char *head, struct view body)
{
	size_t n = strlen(head) + body.len;
	uint8_t len[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16),
		(uint8_t)(n >> 8), (uint8_t)n };

	fwrite(len, 1, 4, stdout);
	fputs(head, stdout);
	fwrite(body.data, 1, body.len, stdout);
}

static void
emit_post(const char *path, const char *type, struct view body)
{
	AUTO_BUF head = buf_empty(0);

	buf_addf(&head,
	    "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    path, type, body.len);
	emit(buf_cstr(&head), body);
}

/* --- OCSP ------------------------------------------------------------------- */

static void
add_escaped(struct buf *out, struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (v.data[i] == '+' || v.data[i] == '/' || v.data[i] == '=')
			buf_addf(out, "%%%02X", v.data[i]);
		else
			buf_add_char(out, (char)v.data[i]);
	}
}

static void
emit_ocsp(const struct ocsp_issuer *ca, uint64_t i, bool get)
{
	struct num serial = bench_serial(i);
	AUTO_BUF id = buf_empty(0);
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF b64 = buf_empty(0);
	AUTO_BUF head = buf_empty(0);

	ocsp_id_put(&id, ca, &serial);
	ocsp_request_put(&der, buf_view(&id), view_of(NULL, 0));
	if (!get) {
		emit_post(
		    "/ca/ocsp", "application/ocsp-request", buf_view(&der));
		return;
	}
	buf_add_base64(&b64, buf_view(&der), 0, "");
	buf_add_str(&head, "GET /ca/ocsp/");
	add_escaped(&head, buf_view(&b64));
	buf_add_str(&head, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
	emit(buf_cstr(&head), view_of(NULL, 0));
}

static enum rc
ocsp(char **argv, struct err *e)
{
	AUTO_BUF pem = buf_empty(CERT_DER_MAX * 2);
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	struct ocsp_issuer id;
	struct cert ca;
	int64_t records, count;
	enum rc rc;

	if ((rc = file_read(&pem, argv[2], e)) != RC_OK ||
	    (rc = text_pem(&der, buf_view(&pem), NULL, e)) != RC_OK ||
	    (rc = cert_parse(&ca, buf_view(&der), e)) != RC_OK ||
	    (rc = text_int(&records, argv[3], 1, INT64_MAX, e)) != RC_OK ||
	    (rc = text_int(&count, argv[4], 1, COUNT_MAX, e)) != RC_OK ||
	    (rc = ocsp_issuer_init(&id, DIGEST_SHA1, ca.subject, ca.spki, e)) !=
		RC_OK)
		return rc;
	for (int64_t i = 0; i < count; i++)
		emit_ocsp(&id, bench_mix((uint64_t)i) % (uint64_t)records,
		    strcmp(argv[1], "ocsp-get") == 0);
	return RC_OK;
}

/* --- enrolment ----------------------------------------------------------------- */

static enum rc
csr(struct buf *b64, EVP_PKEY *key, int64_t i)
{
	X509_REQ *r = X509_REQ_new();
	unsigned char *der = NULL;
	char cn[64];
	int n = 0;

	snprintf(cn, sizeof(cn), "www%lld.example.com", (long long)i);
	if (r != NULL &&
	    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(r), "CN",
		MBSTRING_UTF8, (unsigned char *)cn, -1, -1, 0) == 1 &&
	    X509_REQ_set_pubkey(r, key) == 1 &&
	    X509_REQ_sign(r, key, EVP_sha256()) > 0)
		n = i2d_X509_REQ(r, &der);
	if (n > 0)
		buf_add_base64(b64, view_of(der, (size_t)n), 0, "");
	OPENSSL_free(der);
	X509_REQ_free(r);
	return n > 0 ? buf_check(b64, NULL) : RC_CRYPTO;
}

static void
emit_submit(const char *profile, const struct buf *b64)
{
	AUTO_BUF body = buf_empty(0);

	buf_addf(&body,
	    "profileId=%s&xml=true&cert_request_type=pkcs10"
	    "&requestor_name=Agent&requestor_email=agent%%40example.com"
	    "&cert_request=",
	    profile);
	add_escaped(&body, buf_view(b64));
	emit_post("/ca/eeca/ca/profileSubmitSSLClient",
	    "application/x-www-form-urlencoded", buf_view(&body));
}

static void
emit_rest(const char *profile, const struct buf *b64)
{
	static const char attr[] = "{\"name\":\"%s\",\"Value\":\"%s\"}%s";
	AUTO_BUF body = buf_empty(0);

	buf_addf(&body,
	    "{\"ProfileID\":\"%s\",\"Renewal\":false,\"Input\":[{\"id\":\"i1\","
	    "\"Attribute\":[",
	    profile);
	buf_addf(&body, attr, "cert_request_type", "pkcs10", ",");
	buf_addf(&body, attr, "cert_request", buf_cstr(b64), "]}]}");
	emit_post("/ca/v2/certrequests", "application/json", buf_view(&body));
}

static enum rc
enrol(char **argv, struct err *e)
{
	AUTO_BUF b64 = buf_empty(0);
	EVP_PKEY *key = EVP_RSA_gen(2048);
	int64_t count;
	enum rc rc = text_int(&count, argv[2], 1, COUNT_MAX, e);

	for (int64_t i = 0; rc == RC_OK && i < count; i++) {
		buf_reset(&b64);
		rc = key != NULL ? csr(&b64, key, i) : RC_CRYPTO;
		if (strcmp(argv[1], "submit") == 0)
			emit_submit(argv[3], &b64);
		else
			emit_rest(argv[3], &b64);
	}
	EVP_PKEY_free(key);
	return rc;
}

/* --- plain ------------------------------------------------------------------------ */

static enum rc
plain(char **argv, struct err *e)
{
	static const char get[] = "GET %s%.*s HTTP/1.1\r\nHost: localhost\r\n"
				  "\r\n";
	static uint8_t fill[BODY_MAX];
	AUTO_BUF head = buf_empty(0);
	int64_t n;
	enum rc rc = text_int(&n, argv[3], 1, BODY_MAX, e);

	if (rc != RC_OK)
		return rc;
	memset(fill, 'x', sizeof(fill));
	if (strcmp(argv[1], "post") == 0) {
		emit_post(argv[2], "text/plain", view_of(fill, (size_t)n));
		return RC_OK;
	}
	/* a query makes up for the length */
	n -= (int64_t)strlen(argv[2]) + (int64_t)sizeof(get) - 7;
	fill[0] = '?';
	buf_addf(&head, get, argv[2], n > 1 ? (int)n : 0, (char *)fill);
	emit(buf_cstr(&head), view_of(NULL, 0));
	return RC_OK;
}

int
main(int argc, char **argv)
{
	struct err e = { RC_OK, "wrong arguments, see requests.c" };
	enum rc rc = RC_INVALID;

	if (argc == 5 && strncmp(argv[1], "ocsp-", 5) == 0)
		rc = ocsp(argv, &e);
	else if (argc == 4 &&
	    (strcmp(argv[1], "submit") == 0 || strcmp(argv[1], "rest") == 0))
		rc = enrol(argv, &e);
	else if (argc == 4 &&
	    (strcmp(argv[1], "get") == 0 || strcmp(argv[1], "post") == 0))
		rc = plain(argv, &e);
	if (rc != RC_OK)
		fprintf(stderr, "requests: %s\n", e.text);
	return rc_exit(rc);
}
