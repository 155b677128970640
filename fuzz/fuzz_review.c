/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_review.c - any text as an agent's value for every default that can be
 * edited. Input: one octet that picks the default, one the value, then the
 * text.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "profile/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const classes[] = {
	"userSubjectNameDefaultImpl",
	"validityDefaultImpl",
	"caValidityDefaultImpl",
	"signingAlgDefaultImpl",
	"certificateVersionDefaultImpl",
	"keyUsageExtDefaultImpl",
	"extendedKeyUsageExtDefaultImpl",
	"nsCertTypeExtDefaultImpl",
	"basicConstraintsExtDefaultImpl",
	"nscCommentExtDefaultImpl",
	"ocspNoCheckExtDefaultImpl",
	"privateKeyPeriodExtDefaultImpl",
	"subjectAltNameExtDefaultImpl",
	"issuerAltNameExtDefaultImpl",
	"authInfoAccessExtDefaultImpl",
	"subjectInfoAccessExtDefaultImpl",
	"crlDistributionPointsExtDefaultImpl",
	"freshestCRLExtDefaultImpl",
	"nameConstraintsExtDefaultImpl",
	"subjectDirAttributesExtDefaultImpl",
	"certificatePoliciesExtDefaultImpl",
	"policyMappingsExtDefaultImpl",
	"policyConstraintsExtDefaultImpl",
	"inhibitAnyPolicyExtDefaultImpl",
	"genericExtDefaultImpl",
	"authzRealmDefaultImpl",
};
enum {
	CLASSES = sizeof(classes) / sizeof(classes[0]),
	HEAD = 2,
	VALUES_MAX = 12,
};

static struct profile *
profile_of(const char *class_id)
{
	AUTO_BUF b = buf_empty(0);
	struct profile *p = NULL;

	buf_addf(&b,
	    "policyset.list=s\npolicyset.s.list=1\n"
	    "policyset.s.1.default.class_id=%s\n"
	    "policyset.s.1.default.params.genericExtOID=1.2.3\n"
	    "policyset.s.1.constraint.class_id=noConstraintImpl\n",
	    class_id);
	if (profile_parse(&p, buf_view(&b), "fuzz", NULL) != RC_OK)
		abort();
	return p;
}

/* Sets the value; what was accepted must be shown and taken back. */
static void
set_value(const struct profile *p, struct request_rec *req,
    struct cert_template *t, unsigned which, const char *text)
{
	const struct profile_env env = { .now = 1767323045, .host = "h" };
	const struct profile_policy *pol = &p->sets[0].policies[0];
	struct profile_value_desc d;
	AUTO_BUF shown = buf_empty(0);
	struct err e;
	enum rc rc;

	if (!profile_default_value(
		pol, &env, which % VALUES_MAX, &d, t->exts.arena))
		return;
	if (profile_value_set(p, &env, req, t, pol, d.name, text, &e) != RC_OK)
		return;
	rc = profile_value_get(p, &env, req, t, pol, d.name, &shown, &e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		abort();
	if (rc == RC_OK &&
	    profile_value_set(
		p, &env, req, t, pol, d.name, buf_cstr(&shown), &e) != RC_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(profile) p = NULL;
	AUTO(request_rec) req = NULL;
	AUTO(arena) a = arena_new(0);
	AUTO_BUF der = buf_empty(0);
	AUTO_STR text = NULL;
	struct num id = num_from_u64(1);
	struct cert_template t, again;

	if (len < HEAD || a == NULL)
		return 0;
	text = view_dup_str(view_of(data + HEAD, len - HEAD));
	req = request_rec_new(&id, "enrollment");
	if (text == NULL || req == NULL)
		return 0;
	p = profile_of(classes[data[0] % CLASSES]);
	template_init(&t, a);
	set_value(p, req, &t, data[1], text);
	if (profile_template_encode(&der, &t, NULL) != RC_OK)
		return 0;
	template_init(&again, a);
	if (profile_template_parse(&again, buf_view(&der), NULL) != RC_OK)
		abort();
	return 0;
}
