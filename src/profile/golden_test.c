/* SPDX-License-Identifier: Apache-2.0 */
/* golden_test.c - a certificate of every shipped profile that can run here, as
 * text, against golden/<profile>.txt: a changed default appears in the diff.
 * With GOLDEN_UPDATE=1 in the environment the files are written instead. */
#include "profile/fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "der/reader.h"
#include "der/writer.h"
#include "x509/req.h"

/* Signs with the CA key of the tree: RSA, so the same bytes each time. */
static void
sign(struct fixture *f, struct view tbs, struct buf *out)
{
	const char *pem = fixture_file(f, "ca.key");
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[512];
	size_t len = sizeof(sig), m;

	assert_non_null(key);
	assert_int_equal(
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &len, tbs.data, tbs.len), 1);
	m = der_open(out, DER_SEQUENCE);
	der_put_raw(out, tbs);
	sigalg_put(out, SIGALG_SHA256_RSA);
	der_put_bits(out, view_of(sig, len));
	der_close(out, m);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

/* As `openssl x509 -text -noout`. */
static void
print(struct view der, struct buf *out)
{
	const unsigned char *p = der.data;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	assert_non_null(x);
	assert_int_equal(X509_print_ex(bio, x, 0, 0), 1);
	n = BIO_get_mem_data(bio, &text);
	buf_add(out, text, (size_t)n);
	BIO_free(bio);
	X509_free(x);
}

/* Does the request need an EC key, a user's subject? */
static bool
wants(const struct profile_set *s, const char *param, const char *prefix)
{
	for (size_t i = 0; i < s->n_policies; i++)
		if (text_starts(
			part_param(&s->policies[i].con, param, ""), prefix))
			return true;
	return false;
}

static void
fill(struct fixture *f, const struct profile_set *s)
{
	const char *key = wants(s, "keyType", "EC") ||
		text_starts(f->p->id, "caEC") || text_starts(f->p->id, "EC")
	    ? "ec"
	    : "rsa";
	bool user = wants(s, "pattern", "UID=") ||
	    wants(s, "pattern", ".*UID=") || wants(s, "pattern", "(UID");

	fixture_csr(
	    f, arena_printf(f->arena, "%s-%s", user ? "user" : "server", key));
	fixture_value(f, "requestor_name", "Joe Doe");
	fixture_value(f, "requestor_email", "joe@example.com");
	if (user) {
		fixture_value(f, "sn_uid", "joe");
		fixture_value(f, "sn_e", "joe@example.com");
	}
	fixture_value(f, "sn_cn", "Joe, Doe");
	fixture_value(f, "sn_o", "Example");
	fixture_value(f, "subject", "UID=joe,CN=Joe Doe,O=Example");
	fixture_value(f, "publickey",
	    fixture_file(f, arena_printf(f->arena, "%s.pub", key)));
	fixture_value(f, "screenname", "joe");
	fixture_value(f, "tokencuid", "0123456789abcdef0123");
	fixture_value(f, "req_san_type_0", "RFC822Name");
	fixture_value(f, "req_san_pattern_0", "joe@example.com");
	fixture_value(f, "ccm", "dc.example.com");
	fixture_value(f, "GUID", "00112233445566778899aabbccddeeff");
	fixture_value(f, "ra_client_name", "www.example.com");
	request_set(f->req, "authenticatedname", "UID=joe,OU=People,O=Example");
	request_set(f->req, "mail", "joe@example.com");
	request_set(f->req, "upn", "joe@ad.example.com");
}

static void
compare(const char *id, const char *set, struct view text)
{
	AUTO_BUF was = buf_empty(0);
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s%s%s.txt", GOLDEN, id,
	    set[0] != '\0' ? "." : "", set);
	if (getenv("GOLDEN_UPDATE") != NULL) {
		assert_int_equal(file_write(path, text, 0644, NULL), RC_OK);
		return;
	}
	if (file_read(&was, path, NULL) != RC_OK ||
	    !view_eq(buf_view(&was), text))
		fail_msg("%s differs; now:\n%.*s", path, VIEW_ARGS(text));
}

static void
one_set(const char *id, size_t seq)
{
	struct fixture f;
	AUTO_BUF tbs = buf_empty(0);
	AUTO_BUF cert = buf_empty(0);
	AUTO_BUF text = buf_empty(0);
	const struct profile_set *s;
	enum rc rc;

	fixture_init(&f);
	fixture_shipped(&f, id);
	s = &f.p->sets[seq];
	fill(&f, s);
	rc = fixture_begin(&f);
	request_set(f.req, "profilesetid", s->id);
	if (rc == RC_OK)
		rc = profile_populate(f.p, &f.env, f.req, &f.t, &f.e);
	if (rc == RC_OK)
		rc = profile_validate(f.p, &f.env, f.req, &f.t, &f.e);
	if (rc == RC_OK)
		rc = fixture_tbs(&f, &tbs);
	if (rc != RC_OK)
		fail_msg("%s: %s", id, f.e.text);
	sign(&f, buf_view(&tbs), &cert);
	print(buf_view(&cert), &text);
	compare(id, f.p->n_sets > 1 ? s->id : "", buf_view(&text));
	fixture_done(&f);
}

/* Renewal profiles issue nothing; ML keys need a newer OpenSSL. */
static bool
can_run(const char *id, size_t *sets)
{
	struct fixture f;
	bool ok;

	fixture_init(&f);
	fixture_shipped(&f, id);
	*sets = f.p->n_sets;
	ok = !f.p->renewal && profile_check_plugins(f.p, NULL) == RC_OK &&
	    !wants(&f.p->sets[0], "keyType", "ML") && strstr(id, "ML") == NULL;
	fixture_done(&f);
	return ok;
}

static void
shipped_profiles_issue_their_golden_certificates(void **state)
{
	DIR *d = opendir(PROFILES "/ca");
	struct dirent *x;
	size_t n = 0, sets;

	(void)state;
	assert_non_null(d);
	while ((x = readdir(d)) != NULL) {
		char id[PROFILE_ID_MAX];

		if (!text_ends(x->d_name, ".cfg"))
			continue;
		snprintf(id, sizeof(id), "%.*s",
		    (int)strlen(x->d_name) - (int)strlen(".cfg"), x->d_name);
		if (!can_run(id, &sets))
			continue;
		for (size_t s = 0; s < sets; s++)
			one_set(id, s);
		n++;
	}
	closedir(d);
	assert_true(n >= 60);
}

/* --- bootstrap profiles -------------------------------------------------------- */

static void
one_bootstrap(const char *file)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF text = buf_empty(0);
	AUTO_BUF tbs = buf_empty(0);
	AUTO_BUF cert = buf_empty(0);
	AUTO_BUF shown = buf_empty(0);
	char path[1024];
	struct fixture f;
	struct req q;

	fixture_init(&f);
	snprintf(path, sizeof(path), "%s/conf/%s", PROFILES, file);
	assert_int_equal(file_read(&text, path, NULL), RC_OK);
	assert_int_equal(
	    profile_parse_bootstrap(&f.p, buf_view(&text), file, &f.e), RC_OK);
	assert_int_equal(
	    text_pem(&der,
		view_str(fixture_file(&f,
		    strstr(file, "ecc") != NULL ? "server-ec.csr"
						: "server-rsa.csr")),
		NULL, NULL),
	    RC_OK);
	assert_int_equal(req_parse(&q, buf_view(&der), &f.e), RC_OK);
	f.t.subject = q.subject;
	f.t.spki = q.spki;
	if (strcmp(file, "caCert.profile") == 0) { /* signs itself */
		f.env.ca_subject = q.subject;
		f.env.ca_key_id = view_of(NULL, 0);
		f.env.ca_not_after = 0;
	}
	if (fixture_run(&f) != RC_OK || fixture_tbs(&f, &tbs) != RC_OK)
		fail_msg("%s: %s", file, f.e.text);
	sign(&f, buf_view(&tbs), &cert);
	print(buf_view(&cert), &shown);
	compare(file, "", buf_view(&shown));
	fixture_done(&f);
}

static void
bootstrap_profiles_issue_their_golden_certificates(void **state)
{
	DIR *d = opendir(PROFILES "/conf");
	struct dirent *x;

	(void)state;
	assert_non_null(d);
	while ((x = readdir(d)) != NULL)
		if (text_ends(x->d_name, ".profile"))
			one_bootstrap(x->d_name);
	closedir(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    bootstrap_profiles_issue_their_golden_certificates),
		cmocka_unit_test(
		    shipped_profiles_issue_their_golden_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
