/* SPDX-License-Identifier: Apache-2.0 */
/* oom_test.c - every allocation fails once, ours and libcrypto's: no crash, no
 * leak (under ASan), no success that is none. The linker sends our allocations
 * here (--wrap), CRYPTO_set_mem_functions libcrypto's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/crypto.h>

#include "x509/cert.h"
#include "x509/cms.h"
#include "x509/crl.h"
#include "x509/crmf.h"
#include "x509/fixture.h"
#include "x509/name.h"
#include "x509/print.h"
#include "x509/template.h"
#include "x509/verify.h"

enum {
	NEVER = -1,
	FAILS_MAX = 20000,
	LIBCRYPTO_STEP = 41, /* it makes thousands: only some of them fail */
};

static int countdown = NEVER; /* allocations until the one that fails */
static bool hit;

static bool
fails(void)
{
	if (countdown == NEVER)
		return false;
	if (countdown-- > 0)
		return false;
	countdown = NEVER;
	hit = true;
	return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

char *
__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

static void *
crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : __real_malloc(n);
}

static void *
crypto_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : __real_realloc(p, n);
}

static void
crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* ---- what is tried ---- */

static struct buf ca_der, leaf_der, req_der, list_der, p7_der, crmf_der;

static enum rc
try_name(struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF text = buf_empty(0);
	enum rc rc;

	rc = name_parse(&der, view_str("CN=\xc3\xa4+UID=x,1.2.3=#0500,O=y"), e);
	if (rc == RC_OK)
		rc = name_text(&text, buf_view(&der), e);
	if (rc == RC_OK)
		rc = name_get(&text, buf_view(&der), OID_commonName, 0, e);
	return rc;
}

static enum rc
try_gn(struct err *e)
{
	AUTO_BUF b = buf_empty(0);
	enum rc rc;

	rc = gn_parse(&b, "OtherName", "(UTF8String)1.2.3,x", e);
	if (rc == RC_OK)
		rc = gn_parse(&b, "OtherName", "(Any)1.2.3,0500", e);
	if (rc == RC_OK)
		rc = gn_parse(&b, "DirectoryName", "CN=x", e);
	return rc;
}

static enum rc
try_exts(struct err *e)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF v = buf_empty(0);
	AUTO_BUF out = buf_empty(0);
	struct cert_template t;
	struct cert c;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = cert_parse(&c, buf_view(&leaf_der), e);
	if (rc != RC_OK)
		return rc;
	template_init(&t, a);
	t.serial = c.serial;
	t.issuer = c.issuer;
	t.subject = c.subject;
	t.spki = c.spki;
	rc = ext_put_oid_text(&v, "serverAuth,1.2.3", e);
	if (rc == RC_OK)
		rc = ext_list_set_buf(&t.exts, OID_extKeyUsage, false, &v, e);
	if (rc == RC_OK)
		rc = template_tbs(&out, &t, e);
	return rc;
}

static enum rc
try_list(struct err *e)
{
	struct crl_header h = { .sigalg = SIGALG_SHA256_EC };
	AUTO(crl_writer) w = NULL;
	AUTO_BUF head = buf_empty(0);
	AUTO_BUF tail = buf_empty(0);
	struct view digest;
	struct cert c;
	enum rc rc;

	rc = cert_parse(&c, buf_view(&ca_der), e);
	h.issuer = c.subject;
	if (rc == RC_OK)
		rc = crl_writer_new(&w, &h, 3, e);
	if (rc == RC_OK)
		rc = crl_writer_push(w, view_str("abc"), e);
	if (rc == RC_OK)
		rc = crl_writer_digest(w, &digest, e);
	if (rc == RC_OK)
		rc = crl_writer_finish(w, digest, &head, &tail, e);
	return rc;
}

static enum rc
try_p7(struct err *e)
{
	AUTO(arena) a = arena_new(0);
	struct view out[4];
	size_t n = 0;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = cms_certs_any(out, 4, &n, buf_view(&p7_der), a, e);
	if (rc == RC_OK)
		assert_int_equal(n, 2);
	return rc;
}

static enum rc
try_crmf(struct err *e)
{
	AUTO(arena) a = arena_new(0);
	struct crmf_msg m;
	size_t n;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	return crmf_parse(&m, 1, &n, buf_view(&crmf_der), a, e);
}

static enum rc
try_verify(struct err *e)
{
	AUTO(arena) a = arena_new(0);
	struct view root = buf_view(&ca_der), chain[4];
	struct verify_opts o = { .roots = &root, .roots_count = 1 };
	size_t n;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	return verify_chain(chain, 4, &n, buf_view(&leaf_der), &o, a, e);
}

static enum rc
try_verify_crl(struct err *e)
{
	return verify_crl(buf_view(&list_der), buf_view(&ca_der), e);
}

static enum rc
try_print(struct err *e)
{
	AUTO_BUF text = buf_empty(0);
	enum rc rc = print_cert(&text, buf_view(&leaf_der), e);

	if (rc == RC_OK)
		rc = print_req(&text, buf_view(&req_der), e);
	if (rc == RC_OK)
		rc = print_crl(&text, buf_view(&list_der), 0, 9, e);
	return rc;
}

static void
each_fails_once(enum rc (*f)(struct err *e), bool exact, int step)
{
	struct err e;
	enum rc rc;
	int n;

	assert_int_equal(f(&e), RC_OK); /* fills caches and tables */
	for (n = 0; n < FAILS_MAX; n += step) {
		e = (struct err){ 0 };
		hit = false;
		countdown = n;
		rc = f(&e);
		countdown = NEVER;
		if (!hit)
			break;
		/* libcrypto lives without some of its memory (error texts) */
		if (exact && rc != RC_NOMEM)
			fail_msg("allocation %d: %s", n, e.text);
		if (rc != RC_OK)
			assert_true(e.text[0] != '\0');
	}
	assert_true(n > 0 && n < FAILS_MAX);
	assert_int_equal(rc, RC_OK);
}

static void
names_survive_failing_allocations(void **state)
{
	(void)state;
	each_fails_once(try_name, false, 1);
	each_fails_once(try_gn, true, 1);
}

static void
templates_survive_failing_allocations(void **state)
{
	(void)state;
	each_fails_once(try_exts, true, 1);
}

static void
lists_survive_failing_allocations(void **state)
{
	(void)state;
	each_fails_once(try_list, false, 1);
}

static void
readers_survive_failing_allocations(void **state)
{
	(void)state;
	each_fails_once(try_p7, false, 1);
	each_fails_once(try_crmf, true, 1);
}

static void
libcrypto_helpers_survive_failing_allocations(void **state)
{
	(void)state;
	each_fails_once(try_verify, false, LIBCRYPTO_STEP);
	each_fails_once(try_verify_crl, false, LIBCRYPTO_STEP);
	each_fails_once(try_print, false, LIBCRYPTO_STEP);
}

static void
make_crmf(struct buf *out, struct view cert)
{
	AUTO_BUF req = buf_empty(0);
	struct cert c;

	assert_int_equal(cert_parse(&c, cert, NULL), RC_OK);
	assert_int_equal(crmf_request_put(&req, c.subject, c.spki, NULL,
			     view_of(NULL, 0), NULL),
	    RC_OK);
	crmf_messages_put(
	    out, buf_view(&req), SIGALG_SHA256_EC, view_str("sig"));
}

static int
setup(void **state)
{
	static const char *const ca_exts[] = { "basicConstraints",
		"critical,CA:TRUE", NULL };
	struct view certs[2];
	X509 *ca =
	    fix_cert("CN=ca", "CN=ca", 1, fix_ec(), fix_ec(), ca_exts, NULL);
	X509 *leaf =
	    fix_cert("CN=ca", "CN=leaf", 2, fix_ec(), fix_ec(), NULL, NULL);
	X509_REQ *req = X509_to_X509_REQ(leaf, fix_ec(), EVP_sha256());
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, 1700000000);

	(void)state;
	ca_der = leaf_der = req_der = list_der = p7_der = crmf_der =
	    buf_empty(0);
	FIX_DER(&ca_der, X509, ca);
	FIX_DER(&leaf_der, X509, leaf);
	FIX_DER(&req_der, X509_REQ, req);
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
	X509_CRL_set1_lastUpdate(crl, t);
	assert_true(X509_CRL_sign(crl, fix_ec(), EVP_sha256()) > 0);
	FIX_DER(&list_der, X509_CRL, crl);
	certs[0] = buf_view(&leaf_der);
	certs[1] = buf_view(&ca_der);
	cms_certs_put(&p7_der, certs, 2, NULL, 0);
	make_crmf(&crmf_der, buf_view(&leaf_der));
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	X509_REQ_free(req);
	X509_free(leaf);
	X509_free(ca);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buf_done(&ca_der);
	buf_done(&leaf_der);
	buf_done(&req_der);
	buf_done(&list_der);
	buf_done(&p7_der);
	buf_done(&crmf_der);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_survive_failing_allocations),
		cmocka_unit_test(templates_survive_failing_allocations),
		cmocka_unit_test(lists_survive_failing_allocations),
		cmocka_unit_test(readers_survive_failing_allocations),
		cmocka_unit_test(libcrypto_helpers_survive_failing_allocations),
	};

	if (CRYPTO_set_mem_functions(
		crypto_malloc, crypto_realloc, crypto_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
