/* SPDX-License-Identifier: Apache-2.0 */
/* constraint_test.c - each family of constraints: what it lets pass, what it
 * rejects and with which text (spec profiles 10, 18). */
#include "profile/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define LINES(...)                              \
	(const char *const[])                   \
	{                                       \
		__VA_ARGS__ __VA_OPT__(, ) NULL \
	}

struct check {
	const char *def, *con;
	const char *const *lines;
	const char *csr;    /* NULL: server-rsa */
	const char *reason; /* NULL: passes */
};

static void
run_check(const struct check *c)
{
	struct fixture f;
	enum rc rc;

	fixture_init(&f);
	fixture_policy(&f, c->def, c->con, c->lines);
	fixture_csr(&f, c->csr != NULL ? c->csr : "server-rsa");
	rc = fixture_populate(&f);
	if (rc != RC_OK)
		fail_msg("%s: %s", c->def, f.e.text);
	rc = profile_validate(f.p, &f.env, f.req, &f.t, &f.e);
	if (c->reason == NULL) {
		if (rc != RC_OK)
			fail_msg("%s: %s", c->con, f.e.text);
	} else {
		assert_int_equal(rc, RC_DENIED);
		assert_string_equal(f.e.text, c->reason);
	}
	fixture_done(&f);
}

#define RUN_ALL(list)                                                    \
	for (size_t i_ = 0; i_ < sizeof(list) / sizeof((list)[0]); i_++) \
	run_check(&(list)[i_])

static void
subject_pattern_must_match_all(void **state)
{
	const struct check list[] = {
		{ "userSubjectNameDefaultImpl", "subjectNameConstraintImpl",
		    LINES("constraint.params.pattern=CN=.*"), NULL, NULL },
		{ "userSubjectNameDefaultImpl", "subjectNameConstraintImpl",
		    LINES("constraint.params.pattern=UID=.*"), NULL,
		    "Subject Name Not Matched "
		    "CN=www.example.com,OU=Test,O=Example" },
		{ "userSubjectNameDefaultImpl", "subjectNameConstraintImpl",
		    LINES("constraint.params.pattern=CN=www"), NULL,
		    "Subject Name Not Matched "
		    "CN=www.example.com,OU=Test,O=Example" },
	};

	(void)state;
	RUN_ALL(list);
}

static void
subject_parts_must_not_be_too_long(void **state)
{
	char name[200], longest[65], one_more[66];
	struct fixture f;

	(void)state;
	memset(longest, 'x', 64);
	longest[64] = '\0';
	memset(one_more, 'x', 65);
	one_more[65] = '\0';
	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "default.params.name=CN=%s",
		    i == 0 ? longest : one_more);
		fixture_init(&f);
		fixture_policy(&f, "subjectNameDefaultImpl",
		    "subjectNameConstraintImpl",
		    LINES(name, "constraint.params.pattern=CN=.*"));
		fixture_csr(&f, "server-rsa");
		assert_int_equal(fixture_run(&f), i == 0 ? RC_OK : RC_DENIED);
		fixture_done(&f);
	}
}

static void
validity_must_fit_the_range(void **state)
{
	const struct check list[] = {
		{ "validityDefaultImpl", "validityConstraintImpl",
		    LINES("default.params.range=10",
			"default.params.startTime=0",
			"constraint.params.range=10"),
		    NULL, NULL },
		{ "validityDefaultImpl", "validityConstraintImpl",
		    LINES("default.params.range=11",
			"default.params.startTime=0",
			"constraint.params.range=10"),
		    NULL,
		    "Validity Out of Range: Tue Jan 13 03:04:05 UTC 2026 is "
		    "after Mon Jan 12 03:04:05 UTC 2026" },
		{ "validityDefaultImpl", "validityConstraintImpl",
		    LINES("default.params.range=1",
			"default.params.startTime=100",
			"constraint.params.notBeforeCheck=true",
			"constraint.params.notBeforeGracePeriod=99"),
		    NULL, "Not Before is later than current time" },
		{ "validityDefaultImpl", "validityConstraintImpl",
		    LINES("default.params.range=1",
			"default.params.startTime=100",
			"constraint.params.notBeforeCheck=true",
			"constraint.params.notBeforeGracePeriod=100"),
		    NULL, NULL },
		{ "validityDefaultImpl", "validityConstraintImpl",
		    LINES("default.params.range=1",
			"default.params.startTime=-90000",
			"constraint.params.notAfterCheck=true"),
		    NULL, "Not After is earlier than current time" },
		{ "userValidityDefaultImpl", "validityConstraintImpl", NULL,
		    NULL, "Validity Not Found" },
		{ "validityDefaultImpl", "caValidityConstraintImpl",
		    LINES("default.params.range=9000"), NULL,
		    "Not After Invalid" },
		{ "validityDefaultImpl", "caValidityConstraintImpl",
		    LINES("default.params.range=9",
			"default.params.startTime=-5000"),
		    NULL, "Not Before Invalid" },
		{ "caValidityDefaultImpl", "caValidityConstraintImpl",
		    LINES("default.params.range=9000"), NULL, NULL },
	};

	(void)state;
	RUN_ALL(list);
}

static void
keys_must_be_of_type_and_size(void **state)
{
	const struct check list[] = {
		{ "userKeyDefaultImpl", "keyConstraintImpl",
		    LINES("constraint.params.keyType=RSA",
			"constraint.params.keyParameters=1024,2048"),
		    NULL, NULL },
		{ "userKeyDefaultImpl", "keyConstraintImpl",
		    LINES("constraint.params.keyType=EC",
			"constraint.params.keyParameters=nistp256"),
		    NULL, "Key Type EC Not Matched" },
		{ "userKeyDefaultImpl", "keyConstraintImpl",
		    LINES("constraint.params.keyType=RSA",
			"constraint.params.keyParameters=1024,4096"),
		    NULL, "Key Parameters 1024,4096 Not Matched" },
		{ "userKeyDefaultImpl", "keyConstraintImpl",
		    LINES("constraint.params.keyType=-",
			"constraint.params.keyParameters=1024,nistp256"),
		    NULL, "Key Parameters 1024,nistp256 Not Matched" },
		{ "userKeyDefaultImpl", "keyConstraintImpl",
		    LINES("constraint.params.keyType=EC",
			"constraint.params.keyParameters=secp256r1"),
		    "server-ec", NULL },
		{ "userKeyDefaultImpl", "keyConstraintImpl",
		    LINES("constraint.params.keyType=EC",
			"constraint.params.keyParameters=nistp384"),
		    "server-ec", "Key Parameters nistp384 Not Matched" },
		{ "userKeyDefaultImpl", "keyConstraintImpl",
		    LINES("constraint.params.keyType=-",
			"constraint.params.keyParameters=2048,nistp521"),
		    "server-ec", NULL },
	};

	(void)state;
	RUN_ALL(list);
}

static void
usage_must_be_as_given(void **state)
{
	const struct check list[] = {
		{ "noDefaultImpl", "keyUsageExtConstraintImpl", NULL, NULL,
		    "Extension 2.5.29.15 Not Found" },
		{ "keyUsageExtDefaultImpl", "keyUsageExtConstraintImpl",
		    LINES("constraint.params.keyUsageCritical=true"), NULL,
		    "Criticality Not Matched" },
		{ "keyUsageExtDefaultImpl", "keyUsageExtConstraintImpl",
		    LINES("default.params.keyUsageCrlSign=true",
			"constraint.params.keyUsageDigitalSignature=true"),
		    NULL, "Digital Signature Not Matched true" },
		{ "keyUsageExtDefaultImpl", "keyUsageExtConstraintImpl",
		    LINES("default.params.keyUsageCrlSign=true",
			"constraint.params.keyUsageCrlSign=-",
			"constraint.params.keyUsageCritical=false"),
		    NULL, NULL },
		{ "extendedKeyUsageExtDefaultImpl",
		    "extendedKeyUsageExtConstraintImpl",
		    LINES("default.params.exKeyUsageOIDs=1.2.3,1.2.4",
			"constraint.params.exKeyUsageOIDs=1.2.4"),
		    NULL, "OID 1.2.3 Not Matched" },
		{ "extendedKeyUsageExtDefaultImpl",
		    "extendedKeyUsageExtConstraintImpl",
		    LINES("default.params.exKeyUsageOIDs=1.2.4",
			"constraint.params.exKeyUsageOIDs=1.2.3, 1.2.4"),
		    NULL, NULL },
		{ "nsCertTypeExtDefaultImpl", "nsCertTypeExtConstraintImpl",
		    LINES("default.params.nsCertEmail=true",
			"constraint.params.nsCertEmail=false"),
		    NULL, "Email Not Matched false" },
		{ "ocspNoCheckExtDefaultImpl", "extensionConstraintImpl",
		    LINES("constraint.params.extOID=1.3.6.1.5.5.7.48.1.5",
			"constraint.params.extCritical=true"),
		    NULL, "Criticality Not Matched" },
		{ "ocspNoCheckExtDefaultImpl", "extensionConstraintImpl",
		    LINES("constraint.params.extOID=1.2.3"), NULL,
		    "Extension 1.2.3 Not Found" },
	};

	(void)state;
	RUN_ALL(list);
}

static void
basic_constraints_bound_the_path(void **state)
{
	const struct check list[] = {
		{ "basicConstraintsExtDefaultImpl",
		    "basicConstraintsExtConstraintImpl",
		    LINES("default.params.basicConstraintsIsCA=true",
			"constraint.params.basicConstraintsIsCA=false"),
		    NULL, "Is CA Not Matched" },
		{ "basicConstraintsExtDefaultImpl",
		    "basicConstraintsExtConstraintImpl",
		    LINES("default.params.basicConstraintsIsCA=true",
			"constraint.params.basicConstraintsMinPathLen=-1",
			"constraint.params.basicConstraintsMaxPathLen=-1"),
		    NULL, NULL },
		{ "basicConstraintsExtDefaultImpl",
		    "basicConstraintsExtConstraintImpl",
		    LINES("default.params.basicConstraintsIsCA=true",
			"default.params.basicConstraintsPathLen=2",
			"constraint.params.basicConstraintsMinPathLen=3"),
		    NULL, "Min Path Length not matched" },
		{ "basicConstraintsExtDefaultImpl",
		    "basicConstraintsExtConstraintImpl",
		    LINES("default.params.basicConstraintsIsCA=true",
			"default.params.basicConstraintsPathLen=2",
			"constraint.params.basicConstraintsMaxPathLen=1"),
		    NULL, "Max Path Length not matched" },
		/* no limit at all is more than any limit */
		{ "basicConstraintsExtDefaultImpl",
		    "basicConstraintsExtConstraintImpl",
		    LINES("default.params.basicConstraintsIsCA=true",
			"constraint.params.basicConstraintsMaxPathLen=1"),
		    NULL, "Max Path Length not matched" },
	};

	(void)state;
	RUN_ALL(list);
}

static void
algorithm_and_realm_must_be_listed(void **state)
{
	const struct check list[] = {
		{ "signingAlgDefaultImpl", "signingAlgConstraintImpl",
		    LINES("constraint.params.signingAlgsAllowed="
			  "SHA256withRSA,SHA512withRSA"),
		    NULL, NULL },
		{ "signingAlgDefaultImpl", "signingAlgConstraintImpl",
		    LINES("constraint.params.signingAlgsAllowed="
			  "SHA256withRSA/PSS"),
		    NULL, "Signing Algorithm Not Matched SHA256withRSA" },
		{ "authzRealmDefaultImpl", "authzRealmConstraintImpl",
		    LINES("default.params.realm=rome",
			"constraint.params.realmsAllowed=paris,rome"),
		    NULL, NULL },
		{ "authzRealmDefaultImpl", "authzRealmConstraintImpl",
		    LINES("default.params.realm=oslo",
			"constraint.params.realmsAllowed=paris,rome"),
		    NULL, "Authorization realm not matched oslo" },
	};

	(void)state;
	RUN_ALL(list);
}

/* --- other certificates -------------------------------------------------------- */

static void
subject_must_be_unique_among_living_certificates(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_policy(&f, "userSubjectNameDefaultImpl",
	    "uniqueSubjectNameConstraintImpl", NULL);
	fixture_csr(&f, "server-rsa");
	f.certs[0] = (struct cert_rec){
		.subject = "CN=www.example.com,OU=Test,O=Example",
		.not_after = FIXTURE_NOW + 10,
	};
	f.n_certs = 1;
	assert_int_equal(fixture_run(&f), RC_DENIED);
	assert_string_equal(f.e.text,
	    "Subject Name Not Unique CN=www.example.com,OU=Test,O=Example");
	f.certs[0].revoked = true;
	f.certs[0].rev.reason = REASON_HOLD;
	assert_int_equal(
	    profile_validate(f.p, &f.env, f.req, &f.t, &f.e), RC_DENIED);
	f.certs[0].rev.reason = REASON_SUPERSEDED;
	assert_int_equal(
	    profile_validate(f.p, &f.env, f.req, &f.t, &f.e), RC_OK);
	f.certs[0].revoked = false;
	f.certs[0].not_after = FIXTURE_NOW - 10;
	assert_int_equal(
	    profile_validate(f.p, &f.env, f.req, &f.t, &f.e), RC_OK);
	f.env.certs = NULL;
	assert_int_equal(
	    profile_validate(f.p, &f.env, f.req, &f.t, &f.e), RC_UNSUPPORTED);
	fixture_done(&f);
}

static void
key_must_be_unique(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_policy(
	    &f, "userKeyDefaultImpl", "uniqueKeyConstraintImpl", NULL);
	fixture_csr(&f, "server-rsa");
	assert_int_equal(fixture_run(&f), RC_OK);
	f.certs[0] = (struct cert_rec){ .subject = "", .spki = f.t.spki };
	f.n_certs = 1;
	assert_int_equal(
	    profile_validate(f.p, &f.env, f.req, &f.t, &f.e), RC_DENIED);
	assert_string_equal(f.e.text, "Key Not Unique");
	fixture_done(&f);
}

static void
renewal_must_come_within_the_grace_period(void **state)
{
	static const struct {
		int64_t days; /* from now to the old expiry */
		bool ok;
	} cases[] = { { 29, true }, { 31, false }, { -19, true },
		{ -21, false }, { 0, true } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;
		char text[32];

		fixture_init(&f);
		fixture_policy(&f, "noDefaultImpl",
		    "renewGracePeriodConstraintImpl",
		    LINES("constraint.params.renewal.graceBefore=30",
			"constraint.params.renewal.graceAfter=20"));
		fixture_csr(&f, "server-rsa");
		assert_int_equal(fixture_run(&f), RC_OK); /* first enrolment */
		snprintf(text, sizeof(text), "%lld",
		    (long long)(FIXTURE_NOW + cases[i].days * 86400) * 1000);
		request_set(f.req, "orignotafter", text);
		assert_int_equal(
		    profile_validate(f.p, &f.env, f.req, &f.t, &f.e),
		    cases[i].ok ? RC_OK : RC_DENIED);
		fixture_done(&f);
	}
}

static void
user_subject_undoes_edits(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_policy(&f, "userSubjectNameDefaultImpl",
	    "userSubjectNameConstraintImpl", NULL);
	fixture_csr(&f, "server-rsa");
	assert_int_equal(fixture_run(&f), RC_OK);
	assert_int_equal(fixture_set(&f, 0, "name", "CN=evil"), RC_OK);
	assert_string_equal(fixture_subject(&f), "CN=evil");
	assert_int_equal(
	    profile_validate(f.p, &f.env, f.req, &f.t, &f.e), RC_OK);
	assert_string_equal(
	    fixture_subject(&f), "CN=www.example.com,OU=Test,O=Example");
	fixture_done(&f);
}

static void
ra_client_must_own_the_subject(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_policy(&f, "subjectNameDefaultImpl",
	    "raClientAuthSubjectNameConstraintImpl",
	    LINES("default.params.name=CN=$request.req_subject_name.cn$"));
	fixture_csr(&f, "server-rsa");
	assert_int_equal(fixture_run(&f), RC_DENIED);
	assert_string_equal(
	    f.e.text, "Missing client information for Subject Name");
	request_set(f.req, "ra_client_name", "www.example.com");
	assert_int_equal(
	    profile_validate(f.p, &f.env, f.req, &f.t, &f.e), RC_OK);
	request_set(f.req, "ra_client_name", "other.example.com");
	assert_int_equal(
	    profile_validate(f.p, &f.env, f.req, &f.t, &f.e), RC_DENIED);
	fixture_done(&f);
}

/* --- programs ---------------------------------------------------------------------- */

static enum rc
pretend(void *arg, const char *program, const char *const *env,
    int64_t timeout_s, struct buf *out, int *status, struct err *e)
{
	(void)arg;
	assert_string_equal(program, "/bin/check");
	assert_true(text_starts(env[0], "DOGTAG_CERT_REQUEST=-----BEGIN"));
	assert_string_equal(env[1], "DOGTAG_PROFILE_ID=one");
	assert_string_equal(env[2], "SEQ=0");
	assert_null(env[3]);
	if (timeout_s == 1)
		return err_set(e, RC_TIMEOUT, "slow");
	buf_add_str(out, "no good");
	*status = timeout_s == 2 ? 1 : 0;
	return RC_OK;
}

static void
program_decides(void **state)
{
	static const char *const seconds[] = { "constraint.params.timeout=1",
		"constraint.params.timeout=2", "constraint.params.timeout=3" };
	static const char *const reasons[] = { "Request validation timed out",
		"no good", NULL };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fixture f;
		enum rc rc;

		fixture_init(&f);
		f.env.run = pretend;
		fixture_policy(&f, "noDefaultImpl",
		    "externalProcessConstraintImpl",
		    LINES("constraint.params.executable=/bin/check",
			"constraint.params.env.SEQ=req_seq_num", seconds[i]));
		fixture_csr(&f, "server-rsa");
		rc = fixture_run(&f);
		if (reasons[i] == NULL) {
			assert_int_equal(rc, RC_OK);
		} else {
			assert_int_equal(rc, RC_DENIED);
			assert_string_equal(f.e.text, reasons[i]);
		}
		fixture_done(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subject_pattern_must_match_all),
		cmocka_unit_test(subject_parts_must_not_be_too_long),
		cmocka_unit_test(validity_must_fit_the_range),
		cmocka_unit_test(keys_must_be_of_type_and_size),
		cmocka_unit_test(usage_must_be_as_given),
		cmocka_unit_test(basic_constraints_bound_the_path),
		cmocka_unit_test(algorithm_and_realm_must_be_listed),
		cmocka_unit_test(
		    subject_must_be_unique_among_living_certificates),
		cmocka_unit_test(key_must_be_unique),
		cmocka_unit_test(renewal_must_come_within_the_grace_period),
		cmocka_unit_test(user_subject_undoes_edits),
		cmocka_unit_test(ra_client_must_own_the_subject),
		cmocka_unit_test(program_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
