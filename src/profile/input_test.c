/* SPDX-License-Identifier: Apache-2.0 */
/* input_test.c - what a submission brings into a request record (spec profiles
 * 4, 5, 7). */
#include "profile/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "der/reader.h"
#include "der/writer.h"
#include "x509/crmf.h"
#include "x509/name.h"

static void
only_declared_names_are_copied(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_shipped(&f, "caServerCert");
	fixture_csr(&f, "server-rsa");
	fixture_value(&f, "requestor_name", "Joe");
	fixture_value(&f, "authenticatedName", "CN=evil");
	fixture_value(&f, "req_key", "evil");
	fixture_value(&f, "sn_cn", "not declared here");
	assert_int_equal(fixture_begin(&f), RC_OK);
	assert_string_equal(request_ext(f.req, "requestor_name"), "Joe");
	assert_null(request_ext(f.req, "authenticatedname"));
	assert_null(request_ext(f.req, "req_key"));
	assert_null(request_ext(f.req, "sn_cn"));
	assert_string_equal(request_ext(f.req, "profile"), "true");
	assert_string_equal(request_ext(f.req, "profileid"), "caServerCert");
	assert_string_equal(
	    request_ext(f.req, "profilesetid"), "serverCertSet");
	assert_string_equal(request_ext(f.req, "req_seq_num"), "0");
	fixture_done(&f);
}

static void
subject_parts_are_escaped(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_shipped(&f, "caEncUserCert");
	fixture_csr(&f, "server-rsa");
	fixture_value(&f, "sn_cn", "Joe,O=Evil+OU=x");
	fixture_value(&f, "sn_ou1", "one");
	fixture_value(&f, "sn_ou3", "three");
	fixture_value(&f, "sn_c", "US");
	assert_int_equal(fixture_run(&f), RC_OK);
	assert_string_equal(
	    fixture_subject(&f), "CN=Joe\\,O=Evil\\+OU=x,OU=three,OU=one,C=US");
	fixture_done(&f);
}

static void
renewals_do_not_escape_again(void **state)
{
	struct fixture f, again;

	(void)state;
	fixture_init(&f);
	fixture_shipped(&f, "caEncUserCert");
	fixture_csr(&f, "server-rsa");
	fixture_value(&f, "sn_cn", "Joe, Doe");
	assert_int_equal(fixture_run(&f), RC_OK);
	fixture_init(&again);
	fixture_shipped(&again, "caEncUserCert");
	fixture_csr(&again, "server-rsa");
	fixture_value(&again, "sn_cn", request_ext(f.req, "sn_cn"));
	free(again.req->type);
	again.req->type = strdup("renewal");
	assert_int_equal(fixture_run(&again), RC_OK);
	assert_true(view_eq(f.t.subject, again.t.subject));
	fixture_done(&f);
	fixture_done(&again);
}

static void
subject_in_parts_must_not_be_empty(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_shipped(&f, "caEncUserCert");
	fixture_csr(&f, "server-rsa");
	assert_int_equal(fixture_run(&f), RC_DENIED);
	assert_string_equal(f.e.text, "Subject Name Not Found");
	fixture_done(&f);
}

struct bad {
	const char *type, *request, *text;
};

static void
broken_requests_are_refused(void **state)
{
	static const struct bad cases[] = {
		{ NULL, "x", "Unknown Certificate Request Type" },
		{ "pkcs10", NULL, "Certificate Request Not Found" },
		{ "pkcs12", "MAA=", "Unknown Certificate Request Type pkcs12" },
		{ "pkcs10", "!", "certificate request" },
		{ "pkcs10", "MAA=", "" },
		{ "crmf", "MAA=", "" },
		{ "keygen", "MAA=", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;

		fixture_init(&f);
		fixture_shipped(&f, "caServerCert");
		if (cases[i].type != NULL)
			fixture_value(&f, "cert_request_type", cases[i].type);
		if (cases[i].request != NULL)
			fixture_value(&f, "cert_request", cases[i].request);
		assert_int_equal(fixture_run(&f), RC_INVALID);
		assert_non_null(strstr(f.e.text, cases[i].text));
		fixture_done(&f);
	}
}

/* A request whose last octet (in the signature) is another. */
static void
possession_must_be_proved(void **state)
{
	struct fixture f;
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF b64 = buf_empty(0);

	(void)state;
	fixture_init(&f);
	fixture_shipped(&f, "caServerCert");
	assert_int_equal(
	    text_pem(
		&der, view_str(fixture_file(&f, "server-rsa.csr")), NULL, NULL),
	    RC_OK);
	der.data[der.len - 1] ^= 1;
	buf_add_base64(&b64, buf_view(&der), 0, "");
	fixture_value(&f, "cert_request_type", "pkcs10");
	fixture_value(&f, "cert_request", buf_cstr(&b64));
	assert_int_equal(fixture_run(&f), RC_INVALID);
	assert_non_null(strstr(f.e.text, "proof of possession"));
	fixture_done(&f);

	fixture_init(&f);
	f.env.skip_pop = true;
	fixture_shipped(&f, "caServerCert");
	fixture_value(&f, "cert_request_type", "pkcs10");
	fixture_value(&f, "cert_request", buf_cstr(&b64));
	assert_int_equal(fixture_run(&f), RC_OK);
	fixture_done(&f);
}

/* --- CRMF --------------------------------------------------------------------------- */

/* One message for the test CA's key, signed unless pop is false. */
static void
make_crmf(struct fixture *f, bool pop, struct buf *b64)
{
	AUTO_BUF name = buf_empty(0);
	AUTO_BUF req = buf_empty(0);
	AUTO_BUF msgs = buf_empty(0);
	BIO *bio = BIO_new_mem_buf(fixture_file(f, "ca.key"), -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *spki = NULL;
	int n = i2d_PUBKEY(key, &spki);
	uint8_t sig[512];
	size_t len = sizeof(sig);

	assert_true(n > 0);
	assert_int_equal(
	    name_parse(&name, view_str("UID=joe,CN=Joe"), NULL), RC_OK);
	assert_int_equal(
	    crmf_request_put(&req, buf_view(&name), view_of(spki, (size_t)n),
		NULL, view_of(NULL, 0), NULL),
	    RC_OK);
	assert_int_equal(
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &len, req.data, req.len), 1);
	crmf_messages_put(&msgs, buf_view(&req), SIGALG_SHA256_RSA,
	    pop ? view_of(sig, len) : view_of(NULL, 0));
	buf_add_base64(b64, buf_view(&msgs), 64, "\n");
	OPENSSL_free(spki);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

static void
crmf_gives_subject_and_key(void **state)
{
	AUTO_BUF b64 = buf_empty(0);
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_shipped(&f, "caDualRAuserCert");
	make_crmf(&f, true, &b64);
	fixture_value(&f, "cert_request_type", "crmf");
	fixture_value(&f, "cert_request", buf_cstr(&b64));
	if (fixture_run(&f) != RC_OK)
		fail_msg("%s", f.e.text);
	assert_string_equal(fixture_subject(&f), "UID=joe,CN=Joe");
	assert_string_equal(request_ext(f.req, "req_subject_name.uid"), "joe");
	fixture_done(&f);
}

static void
crmf_without_proof_is_refused(void **state)
{
	AUTO_BUF b64 = buf_empty(0);
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_shipped(&f, "caDualRAuserCert");
	make_crmf(&f, false, &b64);
	fixture_value(&f, "cert_request_type", "crmf");
	fixture_value(&f, "cert_request", buf_cstr(&b64));
	assert_int_equal(fixture_run(&f), RC_INVALID);
	assert_non_null(strstr(f.e.text, "RFC 4211 4.1"));
	fixture_done(&f);
}

static const char *
two_keys(void *arg, const char *name)
{
	if (strcmp(name, "cert_request_type") == 0)
		return "crmf";
	return strcmp(name, "cert_request") == 0 ? arg : NULL;
}

/* Two messages, one after the other in one SEQUENCE. */
static void
count_is_the_number_of_messages(void **state)
{
	AUTO_BUF one = buf_empty(0);
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF both = buf_empty(0);
	AUTO_BUF b64 = buf_empty(0);
	struct profile_submission s = { two_keys, NULL };
	struct view v, body;
	struct fixture f;
	size_t n, m;

	(void)state;
	fixture_init(&f);
	fixture_shipped(&f, "caDualCert");
	make_crmf(&f, true, &one);
	assert_int_equal(text_base64(&der, buf_view(&one), NULL), RC_OK);
	v = buf_view(&der);
	assert_int_equal(der_enter(&v, &body, DER_SEQUENCE, NULL), RC_OK);
	m = der_open(&both, DER_SEQUENCE);
	der_put_raw(&both, body);
	der_put_raw(&both, body);
	der_close(&both, m);
	buf_add_base64(&b64, buf_view(&both), 0, "");
	s.arg = arena_str(f.arena, buf_cstr(&b64));
	assert_int_equal(profile_count(f.p, &s, &n, &f.e), RC_OK);
	assert_int_equal(n, 2);
	assert_int_equal(profile_begin(f.p, &f.env, &s, 1, f.req, &f.e), RC_OK);
	assert_string_equal(
	    request_ext(f.req, "profilesetid"), "signingCertSet");
	assert_int_equal(
	    profile_begin(f.p, &f.env, &s, 2, f.req, &f.e), RC_NOTFOUND);
	/* a profile with one set takes one message */
	fixture_shipped(&f, "caUserCert");
	assert_int_equal(profile_count(f.p, &s, &n, &f.e), RC_NOTFOUND);
	assert_string_equal(f.e.text, "Policy Set Not Found");
	fixture_done(&f);
}

/* --- what is missing ------------------------------------------------------------------- */

static void
missing_plugins_are_named(void **state)
{
	static const char *const list[][2] = {
		{ "caCMCUserCert", "cmcCertReqInputImpl" },
		{ "caServerKeygen_UserCert", "serverKeygenInputImpl" },
		{ "caAgentFileSigning", "fileSigningInputImpl" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct fixture f;

		fixture_init(&f);
		fixture_shipped(&f, list[i][0]);
		assert_int_equal(fixture_run(&f), RC_UNSUPPORTED);
		assert_non_null(strstr(f.e.text, list[i][1]));
		fixture_done(&f);
	}
}

static void
token_inputs_check_their_values(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_shipped(&f, "caTokenDeviceKeyEnrollment");
	fixture_value(&f, "tokencuid", "0123456789abcdef012g");
	fixture_value(&f, "publickey", fixture_file(&f, "rsa.pub"));
	assert_int_equal(fixture_run(&f), RC_INVALID);
	fixture_done(&f);
	fixture_init(&f);
	fixture_shipped(&f, "caTokenDeviceKeyEnrollment");
	fixture_value(&f, "tokencuid", "0123456789abcdef0123");
	fixture_value(&f, "publickey", fixture_file(&f, "rsa.pub"));
	assert_int_equal(fixture_run(&f), RC_OK);
	assert_string_equal(request_ext(f.req, "pretty_print_tokencuid"),
	    "0123-4567-89ab-cdef-0123");
	fixture_done(&f);
}

static void
input_values_are_described(void **state)
{
	struct profile_value_desc d;
	struct fixture f;
	size_t n = 0;

	(void)state;
	fixture_init(&f);
	fixture_shipped(&f, "DomainController");
	assert_true(
	    profile_input_value(&f.p->inputs[0], &f.env, 0, &d, f.arena));
	assert_string_equal(d.name, "cert_request_type");
	assert_string_equal(d.syntax, "cert_request_type");
	assert_true(
	    profile_input_value(&f.p->inputs[2], &f.env, 1, &d, f.arena));
	assert_string_equal(d.name, "GUID");
	assert_false(
	    profile_input_value(&f.p->inputs[2], &f.env, 2, &d, f.arena));
	fixture_shipped(&f, "caTokenUserDelegateSigningKeyEnrollment");
	while (profile_input_value(&f.p->inputs[2], &f.env, n, &d, f.arena))
		n++;
	assert_int_equal(n, 8);
	fixture_done(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_declared_names_are_copied),
		cmocka_unit_test(subject_parts_are_escaped),
		cmocka_unit_test(renewals_do_not_escape_again),
		cmocka_unit_test(subject_in_parts_must_not_be_empty),
		cmocka_unit_test(broken_requests_are_refused),
		cmocka_unit_test(possession_must_be_proved),
		cmocka_unit_test(crmf_gives_subject_and_key),
		cmocka_unit_test(crmf_without_proof_is_refused),
		cmocka_unit_test(count_is_the_number_of_messages),
		cmocka_unit_test(missing_plugins_are_named),
		cmocka_unit_test(token_inputs_check_their_values),
		cmocka_unit_test(input_values_are_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
