/* SPDX-License-Identifier: Apache-2.0 */
/* review_test.c - what agents see and change, and the template kept between
 * submission and approval (spec profiles 17). */
#include "profile/fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define LINES(...)                              \
	(const char *const[])                   \
	{                                       \
		__VA_ARGS__ __VA_OPT__(, ) NULL \
	}

static void
start(struct fixture *f, const char *def, const char *const *lines)
{
	fixture_init(f);
	fixture_policy(f, def, "noConstraintImpl", lines);
	fixture_csr(f, "server-rsa");
	if (fixture_populate(f) != RC_OK)
		fail_msg("%s: %s", def, f->e.text);
}

/* --- one value after the other -------------------------------------------------- */

/* Settings that give every list extension something to show. */
struct rich {
	const char *def;
	const char *const *lines;
	const char *name, *text; /* a value and what it looks like */
};

static const struct rich rich[] = {
	{ "authInfoAccessExtDefaultImpl",
	    LINES("default.params.authInfoAccessNumADs=2",
		"default.params.authInfoAccessADEnable_0=true",
		"default.params.authInfoAccessADMethod_0=1.3.6.1.5.5.7.48.1",
		"default.params.authInfoAccessADEnable_1=true",
		"default.params.authInfoAccessADMethod_1=1.3.6.1.5.5.7.48.2",
		"default.params.authInfoAccessADLocationType_1=URIName",
		"default.params.authInfoAccessADLocation_1=http://ca/x.cer"),
	    "authInfoAccessGeneralNames",
	    "Record #0\r\nMethod:1.3.6.1.5.5.7.48.1\r\n"
	    "Location Type:URIName\r\n"
	    "Location:http://ca.example.com:8080/ca/ocsp\r\n"
	    "Enable:true\r\n\r\n"
	    "Record #1\r\nMethod:1.3.6.1.5.5.7.48.2\r\n"
	    "Location Type:URIName\r\nLocation:http://ca/x.cer\r\n"
	    "Enable:true\r\n\r\n" },
	{ "subjectAltNameExtDefaultImpl",
	    LINES("default.params.subjAltNameNumGNs=3",
		"default.params.subjAltExtGNEnable_0=true",
		"default.params.subjAltExtType_0=DNSName",
		"default.params.subjAltExtPattern_0=a.example.com",
		"default.params.subjAltExtGNEnable_1=true",
		"default.params.subjAltExtType_1=IPAddress",
		"default.params.subjAltExtPattern_1=10.1.2.3",
		"default.params.subjAltExtGNEnable_2=true",
		"default.params.subjAltExtType_2=DirectoryName",
		"default.params.subjAltExtPattern_2=CN=a,O=b"),
	    "subjAltNames",
	    "DNSName: a.example.com\nIPAddress: 10.1.2.3\n"
	    "DirectoryName: CN=a,O=b\n" },
	{ "crlDistributionPointsExtDefaultImpl",
	    LINES("default.params.crlDistPointsEnable_0=true",
		"default.params.crlDistPointsPointType_0=URIName",
		"default.params.crlDistPointsPointName_0=http://x/crl",
		"default.params.crlDistPointsReasons_0=keyCompromise,"
		"superseded",
		"default.params.crlDistPointsIssuerType_0=DirectoryName",
		"default.params.crlDistPointsIssuerName_0=CN=i"),
	    "crlDistPointsValue",
	    "Record #0\r\nPoint Type:URIName\r\nPoint Name:http://x/crl\r\n"
	    "Reasons:keyCompromise,superseded\r\n"
	    "Issuer Type:DirectoryName\r\nIssuer Name:CN=i\r\n"
	    "Enable:true\r\n\r\n" },
	{ "crlDistributionPointsExtDefaultImpl",
	    LINES("default.params.crlDistPointsEnable_0=true",
		"default.params.crlDistPointsPointType_0=RelativeToIssuer",
		"default.params.crlDistPointsPointName_0=CN=crl1"),
	    "crlDistPointsValue",
	    "Record #0\r\nPoint Type:RelativeToIssuer\r\n"
	    "Point Name:CN=crl1\r\nReasons:\r\n"
	    "Issuer Type:\r\nIssuer Name:\r\nEnable:true\r\n\r\n" },
	{ "freshestCRLExtDefaultImpl",
	    LINES("default.params.freshestCRLPointEnable_0=true",
		"default.params.freshestCRLPointType_0=URIName",
		"default.params.freshestCRLPointName_0=http://x/d"),
	    "freshestCRLPointsValue",
	    "Record #0\r\nPoint Type:URIName\r\nPoint Name:http://x/d\r\n"
	    "Issuer Type:\r\nIssuer Name:\r\nEnable:true\r\n\r\n" },
	{ "nameConstraintsExtDefaultImpl",
	    LINES("default.params."
		  "nameConstraintsPermittedSubtreeEnable_0=true",
		"default.params."
		"nameConstraintsPermittedSubtreeNameChoice_0=DNSName",
		"default.params."
		"nameConstraintsPermittedSubtreeNameValue_0=a.b",
		"default.params.nameConstraintsExcludedSubtreeEnable_0=true",
		"default.params."
		"nameConstraintsExcludedSubtreeNameChoice_0=IPAddress",
		"default.params.nameConstraintsExcludedSubtreeNameValue_0="
		"10.0.0.0/8"),
	    "nameConstraintsPermittedSubtreesValue",
	    "Record #0\r\nGeneralNameChoice:DNSName\r\n"
	    "GeneralNameValue:a.b\r\nMin Value:0\r\nMax Value:\r\n"
	    "Enable:true\r\n\r\n" },
	{ "policyMappingsExtDefaultImpl",
	    LINES("default.params.policyMappingsEnable_0=true",
		"default.params.policyMappingsIssuerDomainPolicy_0=1.2.3",
		"default.params.policyMappingsSubjectDomainPolicy_0=1.2.4"),
	    "policyMappingsDomains",
	    "Record #0\r\nIssuer Policy Id:1.2.3\r\n"
	    "Subject Policy Id:1.2.4\r\nEnable:true\r\n\r\n" },
	{ "certificatePoliciesExtDefaultImpl",
	    LINES("default.params.PoliciesExt.num=2",
		"default.params.PoliciesExt.certPolicy0.enable=true",
		"default.params.PoliciesExt.certPolicy0.policyId=1.2.3",
		"default.params.PoliciesExt.certPolicy0.PolicyQualifiers.num=2",
		"default.params.PoliciesExt.certPolicy0.PolicyQualifiers0."
		"CPSURI.enable=true",
		"default.params.PoliciesExt.certPolicy0.PolicyQualifiers0."
		"CPSURI.value=http://cps",
		"default.params.PoliciesExt.certPolicy0.PolicyQualifiers1."
		"usernotice.enable=true",
		"default.params.PoliciesExt.certPolicy0.PolicyQualifiers1."
		"usernotice.explicitText.value=Hello",
		"default.params.PoliciesExt.certPolicy0.PolicyQualifiers1."
		"usernotice.noticeReference.organization=Org",
		"default.params.PoliciesExt.certPolicy0.PolicyQualifiers1."
		"usernotice.noticeReference.noticeNumbers=1,2",
		"default.params.PoliciesExt.certPolicy1.enable=true",
		"default.params.PoliciesExt.certPolicy1.policyId=1.2.4"),
	    "policyQualifiers",
	    "PoliciesExt.num:2\n"
	    "PoliciesExt.certPolicy0.enable:true\n"
	    "PoliciesExt.certPolicy0.policyId:1.2.3\n"
	    "PoliciesExt.certPolicy0.PolicyQualifiers.num:2\n"
	    "PoliciesExt.certPolicy0.PolicyQualifiers0.CPSURI.enable:true\n"
	    "PoliciesExt.certPolicy0.PolicyQualifiers0.CPSURI.value:"
	    "http://cps\n"
	    "PoliciesExt.certPolicy0.PolicyQualifiers0.usernotice.enable:"
	    "false\n"
	    "PoliciesExt.certPolicy0.PolicyQualifiers1.CPSURI.enable:false\n"
	    "PoliciesExt.certPolicy0.PolicyQualifiers1.usernotice.enable:"
	    "true\n"
	    "PoliciesExt.certPolicy0.PolicyQualifiers1.usernotice."
	    "noticeReference.organization:Org\n"
	    "PoliciesExt.certPolicy0.PolicyQualifiers1.usernotice."
	    "noticeReference.noticeNumbers:1,2\n"
	    "PoliciesExt.certPolicy0.PolicyQualifiers1.usernotice."
	    "explicitText.value:Hello\n"
	    "PoliciesExt.certPolicy1.enable:true\n"
	    "PoliciesExt.certPolicy1.policyId:1.2.4\n"
	    "PoliciesExt.certPolicy1.PolicyQualifiers.num:0\n" },
	{ "subjectDirAttributesExtDefaultImpl",
	    LINES("default.params.subjDirAttrEnable_0=true",
		"default.params.subjDirAttrName_0=CN",
		"default.params.subjDirAttrPattern_0=x"),
	    "subjDirAttrValue",
	    "Record #0\r\nAttribute Name:CN\r\nAttribute Value:x\r\n"
	    "Enable:true\r\n\r\n" },
	{ "keyUsageExtDefaultImpl",
	    LINES("default.params.keyUsageKeyCertSign=true"),
	    "keyUsageKeyCertSign", "true" },
	{ "extendedKeyUsageExtDefaultImpl",
	    LINES("default.params.exKeyUsageOIDs=1.2.3,1.2.4"),
	    "exKeyUsageOIDs", "1.2.3,1.2.4" },
	{ "basicConstraintsExtDefaultImpl", NULL, "basicConstraintsPathLen",
	    "-1" },
	{ "privateKeyPeriodExtDefaultImpl",
	    LINES("default.params.puDurationInDays=1"), "puNotBefore",
	    "2026-01-02 03:05:05" },
	{ "nscCommentExtDefaultImpl",
	    LINES("default.params.nscCommentContent=hi"), "nscCommentContent",
	    "hi" },
	{ "policyConstraintsExtDefaultImpl",
	    LINES("default.params.policyConstraintsReqExplicitPolicy=1"),
	    "policyConstraintsReqExplicitPolicy", "1" },
	{ "inhibitAnyPolicyExtDefaultImpl", NULL, "skipCerts", "0" },
	{ "genericExtDefaultImpl",
	    LINES("default.params.genericExtOID=1.2.3",
		"default.params.genericExtData=0500"),
	    "genericExtData", "0500" },
	{ "issuerAltNameExtDefaultImpl",
	    LINES("default.params.issuerAltExtType=DNSName",
		"default.params.issuerAltExtPattern=a.b"),
	    "issuerAltNames", "DNSName: a.b\n" },
	{ "userSubjectNameDefaultImpl", NULL, "name",
	    "CN=www.example.com,OU=Test,O=Example" },
	{ "validityDefaultImpl", LINES("default.params.startTime=0"),
	    "notBefore", "2026-01-02 03:04:05" },
	{ "signingAlgDefaultImpl", NULL, "signingAlg", "SHA256withRSA" },
	{ "certificateVersionDefaultImpl", NULL, "certVersionNum", "3" },
	{ "userKeyDefaultImpl", NULL, "LEN", "2048" },
	{ "userKeyDefaultImpl", NULL, "TYPE", "RSA - 1.2.840.113549.1.1.1" },
};
enum {
	RICH = sizeof(rich) / sizeof(rich[0])
};

static void
values_look_as_documented(void **state)
{
	(void)state;
	for (size_t i = 0; i < RICH; i++) {
		struct fixture f;
		const char *has;

		start(&f, rich[i].def, rich[i].lines);
		has = fixture_get(&f, 0, rich[i].name);
		assert_non_null(has);
		assert_string_equal(has, rich[i].text);
		fixture_done(&f);
	}
}

static void
encoded(struct fixture *f, struct buf *out)
{
	buf_reset(out);
	assert_int_equal(profile_template_encode(out, &f->t, NULL), RC_OK);
}

/* A blank line more makes the text differ, so that it is really read. */
static bool
is_list(const struct profile_value_desc *d)
{
	return strcmp(d->syntax, "string_list") == 0 &&
	    strcmp(d->name, "exKeyUsageOIDs") != 0;
}

static void
values_written_back_give_the_same_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < RICH; i++) {
		AUTO_BUF before = buf_empty(0);
		AUTO_BUF after = buf_empty(0);
		struct profile_value_desc d;
		struct fixture f;

		start(&f, rich[i].def, rich[i].lines);
		encoded(&f, &before);
		for (size_t k = 0; profile_default_value(
			 fixture_pol(&f, 0), &f.env, k, &d, f.arena);
		     k++) {
			const char *v = fixture_get(&f, 0, d.name);

			if (v != NULL && is_list(&d))
				v = arena_printf(f.arena, "%s\n", v);
			if (v != NULL && strcmp(d.syntax, "boolean") == 0)
				v = strcmp(v, "true") == 0 ? "TRUE" : "no";
			if (fixture_set(&f, 0, d.name, v) != RC_OK)
				fail_msg("%s: %s", d.name, f.e.text);
		}
		encoded(&f, &after);
		assert_true(view_eq(buf_view(&before), buf_view(&after)));
		fixture_done(&f);
	}
}

static void
every_value_survives_any_text(void **state)
{
	static const char *const texts[] = { NULL, "", "true", "-2", "x",
		"1.2.3", "CN=", "Record #0", "Record #0\r\nEnable:true\r\n",
		"Record #0\nno colon", "no record", "DNSName: ", "DNSName:x",
		"2026-02-30 00:00:00", "PoliciesExt.num:99999999999999999999",
		"PoliciesExt.num:1\nPoliciesExt.certPolicy0.enable:true\n",
		"$request.x", "Record #0\nMethod:1\nEnable:true" };

	(void)state;
	for (size_t i = 0; i < RICH; i++) {
		struct profile_value_desc d;
		struct fixture f;

		start(&f, rich[i].def, rich[i].lines);
		for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++)
			for (size_t k = 0; profile_default_value(
				 fixture_pol(&f, 0), &f.env, k, &d, f.arena);
			     k++) {
				rc_ignore(fixture_set(&f, 0, d.name, texts[t]));
				(void)fixture_get(&f, 0, d.name);
			}
		fixture_done(&f);
	}
}

/* --- edits ----------------------------------------------------------------------- */

static void
an_agent_can_change_what_will_be_issued(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_shipped(&f, "caServerCert");
	fixture_csr(&f, "server-rsa");
	assert_int_equal(fixture_run(&f), RC_OK);
	assert_int_equal(fixture_set(&f, 0, "name", "CN=b.example.com"), RC_OK);
	assert_int_equal(
	    fixture_set(&f, 1, "notAfter", "2026-06-01 00:00:00"), RC_OK);
	assert_int_equal(
	    fixture_set(&f, 6, "exKeyUsageOIDs", "1.3.6.1.5.5.7.3.4"), RC_OK);
	assert_int_equal(
	    fixture_set(&f, 7, "signingAlg", "SHA512withRSA"), RC_OK);
	assert_string_equal(fixture_subject(&f), "CN=b.example.com");
	assert_string_equal(
	    fixture_get(&f, 1, "notAfter"), "2026-06-01 00:00:00");
	/* added to those there */
	assert_string_equal(fixture_get(&f, 6, "exKeyUsageOIDs"),
	    "1.3.6.1.5.5.7.3.1,1.3.6.1.5.5.7.3.2,1.3.6.1.5.5.7.3.4");
	assert_int_equal(f.t.sigalg, SIGALG_SHA512_RSA);
	assert_int_equal(
	    profile_validate(f.p, &f.env, f.req, &f.t, &f.e), RC_OK);
	/* and what the constraints forbid stays forbidden */
	assert_int_equal(
	    fixture_set(&f, 1, "notAfter", "2036-06-01 00:00:00"), RC_OK);
	assert_int_equal(
	    profile_validate(f.p, &f.env, f.req, &f.t, &f.e), RC_DENIED);
	fixture_done(&f);
}

static void
missing_values_are_errors_only_where_there_was_one(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, "userSubjectNameDefaultImpl", NULL);
	assert_int_equal(fixture_set(&f, 0, "name", NULL), RC_INVALID);
	assert_string_equal(f.e.text, "Invalid property name");
	assert_int_equal(fixture_set(&f, 0, "other", "x"), RC_NOTFOUND);
	fixture_done(&f);
	start(&f, "validityDefaultImpl", NULL);
	assert_int_equal(fixture_set(&f, 0, "notAfter", NULL), RC_INVALID);
	assert_int_equal(fixture_set(&f, 0, "notAfter", "soon"), RC_INVALID);
	fixture_done(&f);
	start(&f, "subjectAltNameExtDefaultImpl", NULL);
	assert_null(fixture_get(&f, 0, "subjAltNames"));
	assert_int_equal(fixture_set(&f, 0, "subjAltNames", NULL), RC_OK);
	assert_int_equal(fixture_set(&f, 0, "subjAltNames", ""), RC_OK);
	assert_null(fixture_ext(&f, OID_subjectAltName));
	assert_int_equal(
	    fixture_set(&f, 0, "subjAltNames", "DNSName: a.b"), RC_OK);
	assert_non_null(fixture_ext(&f, OID_subjectAltName));
	assert_int_equal(fixture_set(&f, 0, "subjAltNames", ""), RC_OK);
	assert_null(fixture_ext(&f, OID_subjectAltName));
	fixture_done(&f);
}

static void
broken_records_say_why(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, "authInfoAccessExtDefaultImpl", NULL);
	assert_int_equal(fixture_set(&f, 0, "authInfoAccessGeneralNames",
			     "Method:1.2.3\r\n"),
	    RC_INVALID);
	assert_string_equal(f.e.text, "Bad Input Format");
	assert_int_equal(fixture_set(&f, 0, "authInfoAccessGeneralNames",
			     "Record #0\r\nMethod\r\n"),
	    RC_INVALID);
	assert_string_equal(f.e.text, "Missing colon");
	fixture_done(&f);
}

/* --- whole reviews over all shipped profiles --------------------------------------- */

static void
review_unchanged(const char *id)
{
	AUTO_BUF before = buf_empty(0);
	AUTO_BUF after = buf_empty(0);
	struct profile_value_desc d;
	struct cert_template loaded;
	struct fixture f;

	fixture_init(&f);
	fixture_shipped(&f, id);
	fixture_csr(&f, strstr(id, "EC") != NULL ? "user-ec" : "user-rsa");
	fixture_value(&f, "sn_uid", "joe");
	fixture_value(&f, "requestor_email", "joe@example.com");
	request_set(f.req, "authenticatedname", "UID=joe,O=Example");
	if (f.p->renewal || fixture_populate(&f) != RC_OK) {
		fixture_done(&f);
		return;
	}
	encoded(&f, &before);
	assert_int_equal(profile_template_store(f.req, &f.t, NULL), RC_OK);
	template_init(&loaded, f.arena);
	assert_int_equal(profile_template_load(f.req, &loaded, NULL), RC_OK);
	f.t = loaded;
	for (size_t i = 0; i < f.p->sets[0].n_policies; i++)
		for (size_t k = 0; profile_default_value(
			 fixture_pol(&f, i), &f.env, k, &d, f.arena);
		     k++)
			if (fixture_set(&f, i, d.name,
				fixture_get(&f, i, d.name)) != RC_OK)
				fail_msg("%s: %s: %s", id, d.name, f.e.text);
	encoded(&f, &after);
	assert_true(view_eq(buf_view(&before), buf_view(&after)));
	fixture_done(&f);
}

static void
a_review_returned_unchanged_changes_nothing(void **state)
{
	DIR *d = opendir(PROFILES "/ca");
	struct dirent *x;

	(void)state;
	assert_non_null(d);
	while ((x = readdir(d)) != NULL) {
		char id[PROFILE_ID_MAX];

		if (!text_ends(x->d_name, ".cfg"))
			continue;
		snprintf(id, sizeof(id), "%.*s", (int)strlen(x->d_name) - 4,
		    x->d_name);
		review_unchanged(id);
	}
	closedir(d);
}

/* --- the stored template ---------------------------------------------------------------- */

static void
template_survives_truncation_and_change(void **state)
{
	AUTO_BUF der = buf_empty(0);
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_shipped(&f, "caUserCert");
	fixture_csr(&f, "user-rsa");
	fixture_value(&f, "sn_uid", "joe");
	assert_int_equal(fixture_populate(&f), RC_OK);
	encoded(&f, &der);
	for (size_t n = 0; n < der.len; n++) {
		AUTO(arena) a = arena_new(0);
		struct cert_template t;

		template_init(&t, a);
		assert_int_not_equal(
		    profile_template_parse(&t, view_of(der.data, n), NULL),
		    RC_OK);
		template_init(&t, a);
		der.data[n] ^= 0x55;
		rc_ignore(profile_template_parse(&t, buf_view(&der), NULL));
		der.data[n] ^= 0x55;
	}
	fixture_done(&f);
}

static void
template_without_key_comes_back_without(void **state)
{
	AUTO_BUF der = buf_empty(0);
	struct cert_template t;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_text(&f, "none",
	    "policyset.list=s\npolicyset.s.list=1\n"
	    "policyset.s.1.default.class_id=noDefaultImpl\n"
	    "policyset.s.1.constraint.class_id=noConstraintImpl\n");
	assert_int_equal(fixture_populate(&f), RC_OK);
	encoded(&f, &der);
	template_init(&t, f.arena);
	assert_int_equal(
	    profile_template_parse(&t, buf_view(&der), NULL), RC_OK);
	assert_int_equal(t.spki.len, 0);
	assert_int_equal(t.not_before, FIXTURE_NOW);
	fixture_done(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_look_as_documented),
		cmocka_unit_test(values_written_back_give_the_same_bytes),
		cmocka_unit_test(every_value_survives_any_text),
		cmocka_unit_test(an_agent_can_change_what_will_be_issued),
		cmocka_unit_test(
		    missing_values_are_errors_only_where_there_was_one),
		cmocka_unit_test(broken_records_say_why),
		cmocka_unit_test(a_review_returned_unchanged_changes_nothing),
		cmocka_unit_test(template_survives_truncation_and_change),
		cmocka_unit_test(template_without_key_comes_back_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
