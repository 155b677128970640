/* SPDX-License-Identifier: Apache-2.0 */
/* default_test.c - each family of defaults: what they write into a template
 * (spec profiles 9). Golden certificates cover the shipped settings; here are
 * the others and the refusals. */
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

/* Runs one default over the RSA server request. */
static enum rc
run(struct fixture *f, const char *def, const char *const *lines)
{
	fixture_init(f);
	fixture_policy(f, def, "noConstraintImpl", lines);
	fixture_csr(f, "server-rsa");
	return fixture_populate(f);
}

/* Same, expecting an extension's value in hex (NULL = none). */
static void
expect_ext(
    const char *def, enum oid oid, const char *hex, const char *const *lines)
{
	struct fixture f;
	const char *has;

	if (run(&f, def, lines) != RC_OK)
		fail_msg("%s: %s", def, f.e.text);
	has = fixture_ext(&f, oid);
	if (hex == NULL)
		assert_null(has);
	else
		assert_string_equal(has != NULL ? has : "(none)", hex);
	fixture_done(&f);
}

static void
expect_fail(
    const char *def, enum rc rc, const char *text, const char *const *lines)
{
	struct fixture f;

	assert_int_equal(run(&f, def, lines), rc);
	if (strstr(f.e.text, text) == NULL)
		fail_msg("%s: %s", def, f.e.text);
	fixture_done(&f);
}

/* --- subject ---------------------------------------------------------------- */

static void
user_subject_keeps_the_bytes_of_the_request(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(run(&f, "userSubjectNameDefaultImpl", NULL), RC_OK);
	assert_string_equal(
	    fixture_subject(&f), "CN=www.example.com,OU=Test,O=Example");
	/* UTF8String as in the request, not PrintableString */
	assert_non_null(
	    memmem(f.t.subject.data, f.t.subject.len, "\x0c\x0fwww", 5));
	fixture_done(&f);
	assert_int_equal(run(&f, "userSubjectNameDefaultImpl",
			     LINES("default.params.useSysEncoding=true")),
	    RC_OK);
	assert_non_null(
	    memmem(f.t.subject.data, f.t.subject.len, "\x13\x0fwww", 5));
	fixture_done(&f);
}

static void
subject_pattern_is_expanded(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(
	    run(&f, "subjectNameDefaultImpl",
		LINES("default.params.name=CN=$request.req_subject_name.cn$, "
		      "OU=pki, O=X")),
	    RC_OK);
	assert_string_equal(
	    fixture_subject(&f), "CN=www.example.com,OU=pki,O=X");
	fixture_done(&f);
	assert_int_equal(
	    run(&f, "subjectNameDefaultImpl", LINES("default.params.name=")),
	    RC_OK);
	assert_string_equal(fixture_subject(&f), "");
	fixture_done(&f);
	expect_fail("subjectNameDefaultImpl", RC_DENIED, "Invalid subject name",
	    LINES("default.params.name=nonsense"));
	expect_fail("subjectNameDefaultImpl", RC_INVALID, "unterminated",
	    LINES("default.params.name=CN=$request.x"));
}

static void
auth_subject_needs_an_authenticated_name(void **state)
{
	struct fixture f;

	(void)state;
	expect_fail("authTokenSubjectNameDefaultImpl", RC_DENIED,
	    "Subject Name Not Found", NULL);
	fixture_init(&f);
	fixture_policy(
	    &f, "authTokenSubjectNameDefaultImpl", "noConstraintImpl", NULL);
	fixture_csr(&f, "server-rsa");
	request_set(f.req, "authenticatedname", "UID=joe,O=X");
	assert_int_equal(fixture_populate(&f), RC_OK);
	assert_string_equal(fixture_subject(&f), "UID=joe,O=X");
	fixture_done(&f);
}

static void
san_to_cn_needs_a_dns_name(void **state)
{
	(void)state;
	expect_fail("sanToCNDefaultImpl", RC_DENIED,
	    "Subject Alternative Name Not Found", NULL);
}

static void
token_directory_lookup_is_refused(void **state)
{
	(void)state;
	expect_fail("nsTokenUserKeySubjectNameDefaultImpl", RC_UNSUPPORTED,
	    "ldap.enable",
	    LINES("default.params.dnpattern=CN=x",
		"default.params.ldap.enable=true"));
}

/* --- validity ------------------------------------------------------------------ */

struct validity_case {
	const char *range, *unit, *start;
	int64_t from, to; /* relative to FIXTURE_NOW */
};

static void
validity_counts_in_calendar_units(void **state)
{
	static const struct validity_case cases[] = {
		{ "1", "day", "0", 0, 86400 },
		{ "1", "", "", 60, 60 + 86400 },
		{ "1", "year", "0", 0, 365 * 86400 },
		{ "1", "month", "0", 0, 31 * 86400 },
		{ "2", "hour", "0", 0, 7200 },
		{ "3", "minute", "10", 10, 190 },
		{ "1", "day", "-60", -60, 86340 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct validity_case *c = &cases[i];
		char range[64], unit[64], start[64];
		struct fixture f;

		snprintf(
		    range, sizeof(range), "default.params.range=%s", c->range);
		snprintf(
		    unit, sizeof(unit), "default.params.rangeUnit=%s", c->unit);
		snprintf(start, sizeof(start), "default.params.startTime=%s",
		    c->start);
		assert_int_equal(
		    run(&f, "validityDefaultImpl", LINES(range, unit, start)),
		    RC_OK);
		assert_int_equal(f.t.not_before - FIXTURE_NOW, c->from);
		assert_int_equal(f.t.not_after - FIXTURE_NOW, c->to);
		fixture_done(&f);
	}
	expect_fail("validityDefaultImpl", RC_INVALID, "Invalid Range Unit",
	    LINES("default.params.rangeUnit=week"));
	expect_fail("validityDefaultImpl", RC_INVALID, "9999",
	    LINES(
		"default.params.range=9000", "default.params.rangeUnit=year"));
	expect_fail("validityDefaultImpl", RC_INVALID, "not a number",
	    LINES("default.params.range=many"));
}

static void
ca_validity_ends_with_the_ca(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(run(&f, "caValidityDefaultImpl",
			     LINES("default.params.range=9000")),
	    RC_OK);
	assert_true(f.t.not_after == FIXTURE_CA_END);
	fixture_done(&f);
	assert_int_equal(run(&f, "caValidityDefaultImpl",
			     LINES("default.params.range=9000",
				 "default.params.bypassCAnotafter=true")),
	    RC_OK);
	assert_true(f.t.not_after > FIXTURE_CA_END);
	fixture_done(&f);
}

static void
randomized_validity_moves_both_ends(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(
	    run(&f, "randomizedValidityDefaultImpl",
		LINES("default.params.range=1", "default.params.startTime=0",
		    "default.params.notBeforeRandomBits=8",
		    "default.params.startTimeRandomBits=4")),
	    RC_OK);
	/* the fixture's bytes: 00..07, then 08..0f */
	assert_int_equal(f.t.not_before - FIXTURE_NOW, -7);
	assert_int_equal(f.t.not_after - FIXTURE_NOW, 86400 + 15);
	fixture_done(&f);
}

static void
user_validity_without_one_is_left_to_the_ca(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(run(&f, "userValidityDefaultImpl", NULL), RC_OK);
	assert_int_equal(f.t.not_after, 0);
	fixture_done(&f);
}

/* --- identifiers and usage --------------------------------------------------------- */

static void
ski_can_come_from_the_request(void **state)
{
	(void)state;
	expect_ext("subjectKeyIdentifierExtDefaultImpl",
	    OID_subjectKeyIdentifier, "040401020304",
	    LINES("default.params.useSKIFromCertRequest=true"));
	expect_ext("subjectKeyIdentifierExtDefaultImpl",
	    OID_subjectKeyIdentifier,
	    "critical 04149ef2383dba54f783c8156186181ee10e1de82a8d",
	    LINES("default.params.critical=true"));
}

static void
aki_of_its_own_key(void **state)
{
	(void)state;
	expect_ext("authorityKeyIdentifierExtDefaultImpl",
	    OID_authorityKeyIdentifier,
	    "301680149ef2383dba54f783c8156186181ee10e1de82a8d",
	    LINES("default.params.localKey=true"));
	expect_ext("authorityKeyIdentifierExtDefaultImpl",
	    OID_authorityKeyIdentifier,
	    "30168014ca0102030405060708090a0b0c0d0e0f10111213", NULL);
}

static void
usage_extensions_have_the_right_bits(void **state)
{
	(void)state;
	expect_ext("keyUsageExtDefaultImpl", OID_keyUsage,
	    "critical 0303070080",
	    LINES("default.params.keyUsageCritical=True",
		"default.params.keyUsageDecipherOnly=true",
		"default.params.keyUsageCrlSign=yes"));
	expect_ext("nsCertTypeExtDefaultImpl", OID_nsCertType, "03020780",
	    LINES("default.params.nsCertSSLClient=true"));
	expect_ext("extendedKeyUsageExtDefaultImpl", OID_extKeyUsage,
	    "300a06082b06010505070301",
	    LINES("default.params.exKeyUsageOIDs=1.3.6.1.5.5.7.3.1"));
	expect_ext("extendedKeyUsageExtDefaultImpl", OID_extKeyUsage, NULL,
	    LINES("default.params.exKeyUsageOIDs="));
	expect_ext("basicConstraintsExtDefaultImpl", OID_basicConstraints,
	    "30060101ff020103",
	    LINES("default.params.basicConstraintsIsCA=true",
		"default.params.basicConstraintsPathLen=3"));
	expect_ext("basicConstraintsExtDefaultImpl", OID_basicConstraints,
	    "30030101ff",
	    LINES("default.params.basicConstraintsIsCA=true",
		"default.params.basicConstraintsPathLen="));
	expect_ext("nscCommentExtDefaultImpl", OID_nsComment, "16026869",
	    LINES("default.params.nscCommentContent=hi"));
	expect_ext("ocspNoCheckExtDefaultImpl", OID_ocspNoCheck, "0500", NULL);
	expect_ext("privateKeyPeriodExtDefaultImpl", OID_privateKeyUsagePeriod,
	    "3022800f32303236303130323033303530355a"
	    "810f32303236303130333033303530355a",
	    LINES("default.params.puDurationInDays=1"));
}

/* --- names ---------------------------------------------------------------------------- */

static void
san_skips_what_was_not_given(void **state)
{
	(void)state;
	/* declared by an input but not sent: empty, so no entry */
	expect_ext("subjectAltNameExtDefaultImpl", OID_subjectAltName, NULL,
	    LINES("default.params.subjAltExtGNEnable_0=true",
		"default.params.subjAltExtType_0=RFC822Name",
		"default.params.subjAltExtPattern_0=$request.requestor_"
		"email$"));
	expect_ext("subjectAltNameExtDefaultImpl", OID_subjectAltName, NULL,
	    LINES("default.params.subjAltExtGNEnable_0=true",
		"default.params.subjAltExtType_0=$request.req_san_type_0$",
		"default.params.subjAltExtPattern_0="
		"$request.req_san_pattern_0$"));
	expect_ext("subjectAltNameExtDefaultImpl", OID_subjectAltName, NULL,
	    LINES("default.params.subjAltExtGNEnable_0=false",
		"default.params.subjAltExtType_0=DNSName",
		"default.params.subjAltExtPattern_0=a.b"));
}

static void
san_takes_as_many_as_its_number_says(void **state)
{
	(void)state;
	expect_ext("subjectAltNameExtDefaultImpl", OID_subjectAltName,
	    "critical 300a8203612e628203632e64",
	    LINES("default.params.subjAltNameNumGNs=2",
		"default.params.subjAltNameExtCritical=true",
		"default.params.subjAltExtGNEnable_0=true",
		"default.params.subjAltExtType_0=DNSName",
		"default.params.subjAltExtPattern_0=a.b",
		"default.params.subjAltExtGNEnable_1=true",
		"default.params.subjAltExtType_1=DNSName",
		"default.params.subjAltExtPattern_1=c.d",
		"default.params.subjAltExtGNEnable_2=true",
		"default.params.subjAltExtType_2=DNSName",
		"default.params.subjAltExtPattern_2=e.f"));
}

static void
san_refuses_names_of_many(void **state)
{
	(void)state;
	expect_fail("subjectAltNameExtDefaultImpl", RC_DENIED,
	    "Not valid for Subject Alternative Name",
	    LINES("default.params.subjAltExtGNEnable_0=true",
		"default.params.subjAltExtType_0=DNSName",
		"default.params.subjAltExtPattern_0=*.example.com"));
	expect_fail("subjectAltNameExtDefaultImpl", RC_DENIED,
	    "Not valid for Subject Alternative Name",
	    LINES("default.params.subjAltExtGNEnable_0=true",
		"default.params.subjAltExtType_0=IPAddress",
		"default.params.subjAltExtPattern_0=1.2.3"));
	/* a broken OtherName is left out */
	expect_ext("subjectAltNameExtDefaultImpl", OID_subjectAltName, NULL,
	    LINES("default.params.subjAltExtGNEnable_0=true",
		"default.params.subjAltExtType_0=OtherName",
		"default.params.subjAltExtPattern_0=(Nonsense)1.2,x"));
}

struct cn_case {
	const char *cn;
	bool added;
};

static void
common_name_is_added_when_it_is_a_dns_name(void **state)
{
	static const struct cn_case cases[] = {
		{ "www.example.com", true },
		{ "a.b", true },
		{ "localhost", false },
		{ "Joe Doe", false },
		{ "*.example.com", false },
		{ "a..b", false },
		{ "a.b.", false },
		{ "x_y.example.com", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;
		char text[600];

		fixture_init(&f);
		snprintf(text, sizeof(text),
		    "defaultSubjectName=CN=%s,O=X\npolicyset.list=s\n"
		    "policyset.s.list=1\n"
		    "policyset.s.1.default.class_id="
		    "commonNameToSANDefaultImpl\n"
		    "policyset.s.1.constraint.class_id=noConstraintImpl\n",
		    cases[i].cn);
		fixture_text(&f, "cn", text);
		assert_int_equal(fixture_populate(&f), RC_OK);
		assert_int_equal(fixture_ext(&f, OID_subjectAltName) != NULL,
		    cases[i].added);
		fixture_done(&f);
	}
}

static void
user_extension_then_common_name_gives_each_name_once(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_text(&f, "two",
	    "input.list=i1\ninput.i1.class_id=certReqInputImpl\n"
	    "policyset.list=s\npolicyset.s.list=1,2,3\n"
	    "policyset.s.1.default.class_id=userSubjectNameDefaultImpl\n"
	    "policyset.s.1.constraint.class_id=noConstraintImpl\n"
	    "policyset.s.2.default.class_id=userExtensionDefaultImpl\n"
	    "policyset.s.2.default.params.userExtOID=2.5.29.17\n"
	    "policyset.s.2.constraint.class_id=noConstraintImpl\n"
	    "policyset.s.3.default.class_id=commonNameToSANDefaultImpl\n"
	    "policyset.s.3.constraint.class_id=noConstraintImpl\n");
	fixture_csr(&f, "server-rsa");
	assert_int_equal(fixture_populate(&f), RC_OK);
	/* alt.example.com, www.example.com */
	assert_string_equal(fixture_ext(&f, OID_subjectAltName),
	    "3022820f616c742e6578616d706c652e636f6d"
	    "820f7777772e6578616d706c652e636f6d");
	fixture_done(&f);
}

/* --- locations -------------------------------------------------------------------------- */

static void
crl_points_need_the_first_entry(void **state)
{
	(void)state;
	expect_ext("crlDistributionPointsExtDefaultImpl",
	    OID_cRLDistributionPoints, NULL,
	    LINES("default.params.crlDistPointsNum=2",
		"default.params.crlDistPointsEnable_0=false",
		"default.params.crlDistPointsEnable_1=true",
		"default.params.crlDistPointsPointType_1=URIName",
		"default.params.crlDistPointsPointName_1=http://x/"));
	expect_ext("crlDistributionPointsExtDefaultImpl",
	    OID_cRLDistributionPoints,
	    "30143012a00ca00a8608687474703a2f2f7881020560",
	    LINES("default.params.crlDistPointsEnable_0=true",
		"default.params.crlDistPointsPointType_0=URIName",
		"default.params.crlDistPointsPointName_0=http://x",
		"default.params.crlDistPointsReasons_0=keyCompromise,"
		"cACompromise"));
	expect_fail("crlDistributionPointsExtDefaultImpl", RC_INVALID,
	    "unknown reason",
	    LINES("default.params.crlDistPointsEnable_0=true",
		"default.params.crlDistPointsPointType_0=URIName",
		"default.params.crlDistPointsPointName_0=http://x",
		"default.params.crlDistPointsReasons_0=whim"));
	expect_ext("freshestCRLExtDefaultImpl", OID_freshestCRL,
	    "300d300ba009a0078605687474703a",
	    LINES("default.params.freshestCRLPointEnable_0=true",
		"default.params.freshestCRLPointType_0=URIName",
		"default.params.freshestCRLPointName_0=http:"));
}

static void
access_uses_the_setting_or_the_host(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_policy(&f, "authInfoAccessExtDefaultImpl", "noConstraintImpl",
	    LINES("default.params.authInfoAccessADEnable_0=true",
		"default.params.authInfoAccessADMethod_0=1.3.6.1.5.5.7.48.1"));
	fixture_csr(&f, "server-rsa");
	f.env.ocsp_uri = "http://o";
	assert_int_equal(fixture_populate(&f), RC_OK);
	assert_string_equal(fixture_ext(&f, OID_authorityInfoAccess),
	    "3016301406082b060105050730018608687474703a2f2f6f");
	fixture_done(&f);
	/* an empty location means the OCSP responder, nothing else */
	expect_ext("authInfoAccessExtDefaultImpl", OID_authorityInfoAccess,
	    NULL,
	    LINES("default.params.authInfoAccessADEnable_0=true",
		"default.params.authInfoAccessADMethod_0=1.3.6.1.5.5.7.48.2"));
}

static void
name_constraints_hold_both_lists(void **state)
{
	(void)state;
	expect_ext("nameConstraintsExtDefaultImpl", OID_nameConstraints,
	    "critical 3017a00730058203612e62a10c300a87080a000000ff000000",
	    LINES("default.params.nameConstraintsCritical=true",
		"default.params.nameConstraintsPermittedSubtreeEnable_0=true",
		"default.params.nameConstraintsPermittedSubtreeNameChoice_0="
		"DNSName",
		"default.params.nameConstraintsPermittedSubtreeNameValue_0=a.b",
		"default.params.nameConstraintsExcludedSubtreeEnable_0=true",
		"default.params.nameConstraintsExcludedSubtreeNameChoice_0="
		"IPAddress",
		"default.params.nameConstraintsExcludedSubtreeNameValue_0="
		"10.0.0.0/8"));
}

/* --- policies ------------------------------------------------------------------------------ */

static void
policies_and_their_kin(void **state)
{
	(void)state;
	expect_ext("certificatePoliciesExtDefaultImpl", OID_certificatePolicies,
	    "301d301b06022a033015301306082b06010505070201160768747470"
	    "3a2f78",
	    LINES("default.params.PoliciesExt.num=1",
		"default.params.PoliciesExt.certPolicy0.enable=true",
		"default.params.PoliciesExt.certPolicy0.policyId=1.2.3",
		"default.params.PoliciesExt.certPolicy0.PolicyQualifiers.num=1",
		"default.params.PoliciesExt.certPolicy0.PolicyQualifiers0."
		"CPSURI.enable=true",
		"default.params.PoliciesExt.certPolicy0.PolicyQualifiers0."
		"CPSURI.value=http:/x"));
	expect_ext("policyMappingsExtDefaultImpl", OID_policyMappings,
	    "300a300806022a0306022a04",
	    LINES("default.params.policyMappingsEnable_0=true",
		"default.params.policyMappingsIssuerDomainPolicy_0=1.2.3",
		"default.params.policyMappingsSubjectDomainPolicy_0=1.2.4"));
	expect_ext("policyMappingsExtDefaultImpl", OID_policyMappings, NULL,
	    LINES("default.params.policyMappingsEnable_0=true",
		"default.params.policyMappingsIssuerDomainPolicy_0=1.2.3",
		"default.params.policyMappingsSubjectDomainPolicy_0="));
	expect_ext("policyConstraintsExtDefaultImpl", OID_policyConstraints,
	    "critical 3003800102",
	    LINES("default.params.policyConstraintsCritical=true",
		"default.params.policyConstraintsReqExplicitPolicy=2",
		"default.params.policyConstraintsInhibitPolicyMapping=-1"));
	expect_ext("policyConstraintsExtDefaultImpl", OID_policyConstraints,
	    NULL, NULL);
	expect_ext("inhibitAnyPolicyExtDefaultImpl", OID_inhibitAnyPolicy,
	    "critical 020100", NULL);
}

/* --- other ----------------------------------------------------------------------------------- */

static void
generic_extension_is_hex(void **state)
{
	(void)state;
	expect_ext("genericExtDefaultImpl", OID_nsComment, "16026869",
	    LINES("default.params.genericExtOID=2.16.840.1.113730.1.13",
		"default.params.genericExtData=16026869"));
	expect_fail("genericExtDefaultImpl", RC_INVALID, "genericExt",
	    LINES("default.params.genericExtOID=1.2.3",
		"default.params.genericExtData=xyz"));
}

static void
the_same_extension_twice_is_an_error(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_text(&f, "twice",
	    "policyset.list=s\npolicyset.s.list=1,2\n"
	    "policyset.s.1.default.class_id=ocspNoCheckExtDefaultImpl\n"
	    "policyset.s.1.constraint.class_id=noConstraintImpl\n"
	    "policyset.s.2.default.class_id=ocspNoCheckExtDefaultImpl\n"
	    "policyset.s.2.constraint.class_id=noConstraintImpl\n");
	assert_int_equal(fixture_populate(&f), RC_INVALID);
	assert_non_null(strstr(f.e.text, "Duplicate extension"));
	fixture_done(&f);
}

static void
realm_and_owner_go_into_the_request(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(run(&f, "authzRealmDefaultImpl",
			     LINES("default.params.realm=paris")),
	    RC_OK);
	assert_string_equal(f.req->realm, "paris");
	fixture_done(&f);
	assert_int_equal(run(&f, "autoAssignDefaultImpl",
			     LINES("default.params.assignTo=admin")),
	    RC_OK);
	assert_string_equal(f.req->owner, "admin");
	fixture_done(&f);
}

static void
directory_attributes_take_one_token(void **state)
{
	(void)state;
	expect_ext("subjectDirAttributesExtDefaultImpl",
	    OID_subjectDirectoryAttributes,
	    "301a3018060355040331110c0f7777772e6578616d706c652e636f6d",
	    LINES("default.params.subjDirAttrEnable_0=true",
		"default.params.subjDirAttrName_0=CN",
		"default.params.subjDirAttrPattern_0="
		"$request.req_subject_name.cn$"));
}

static void
algorithm_and_version(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(run(&f, "signingAlgDefaultImpl",
			     LINES("default.params.signingAlg=SHA512withRSA")),
	    RC_OK);
	assert_int_equal(f.t.sigalg, SIGALG_SHA512_RSA);
	fixture_done(&f);
	expect_fail("signingAlgDefaultImpl", RC_DENIED,
	    "Signing Algorithm Not Matched",
	    LINES("default.params.signingAlg=MD5withRSA"));
	assert_int_equal(run(&f, "certificateVersionDefaultImpl",
			     LINES("default.params.certVersionNum=1")),
	    RC_OK);
	assert_int_equal(f.t.version, 0);
	fixture_done(&f);
	expect_fail("certificateVersionDefaultImpl", RC_INVALID, "1..3",
	    LINES("default.params.certVersionNum=4"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_subject_keeps_the_bytes_of_the_request),
		cmocka_unit_test(subject_pattern_is_expanded),
		cmocka_unit_test(auth_subject_needs_an_authenticated_name),
		cmocka_unit_test(san_to_cn_needs_a_dns_name),
		cmocka_unit_test(token_directory_lookup_is_refused),
		cmocka_unit_test(validity_counts_in_calendar_units),
		cmocka_unit_test(ca_validity_ends_with_the_ca),
		cmocka_unit_test(randomized_validity_moves_both_ends),
		cmocka_unit_test(user_validity_without_one_is_left_to_the_ca),
		cmocka_unit_test(ski_can_come_from_the_request),
		cmocka_unit_test(aki_of_its_own_key),
		cmocka_unit_test(usage_extensions_have_the_right_bits),
		cmocka_unit_test(san_skips_what_was_not_given),
		cmocka_unit_test(san_takes_as_many_as_its_number_says),
		cmocka_unit_test(san_refuses_names_of_many),
		cmocka_unit_test(common_name_is_added_when_it_is_a_dns_name),
		cmocka_unit_test(
		    user_extension_then_common_name_gives_each_name_once),
		cmocka_unit_test(crl_points_need_the_first_entry),
		cmocka_unit_test(access_uses_the_setting_or_the_host),
		cmocka_unit_test(name_constraints_hold_both_lists),
		cmocka_unit_test(policies_and_their_kin),
		cmocka_unit_test(generic_extension_is_hex),
		cmocka_unit_test(the_same_extension_twice_is_an_error),
		cmocka_unit_test(realm_and_owner_go_into_the_request),
		cmocka_unit_test(directory_attributes_take_one_token),
		cmocka_unit_test(algorithm_and_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
