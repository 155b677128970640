/* SPDX-License-Identifier: Apache-2.0 */
/* routes.c - every path the CA answers, gathered from the api and servlet
 * files.
 * Owns:    the pattern texts (in struct ca).
 * Trusts:  nothing.
 * Threads: start only. */
#include "ca/api.h"

/* v1 and its old name rest serve the same resources. */
static const char *const bases[] = { "/ca/v2/", "/ca/v1/", "/ca/rest/" };

static enum rc
add_under(
    struct ca *ca, const char *base, const struct api_routes *t, struct err *e)
{
	for (size_t i = 0; i < t->n; i++) {
		struct http_route r = t->items[i];
		char *pattern;
		enum rc rc;
		if (ca->n_patterns == CA_PATTERNS_MAX ||
		    asprintf(&pattern, "%s%s", base, r.pattern) < 0)
			return err_set(e, RC_NOMEM, "routes");
		ca->patterns[ca->n_patterns++] = pattern;
		r.pattern = pattern;
		rc = http_server_add(instance_http(ca->instance), &r, 1, ca, e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

enum rc
ca_routes(struct ca *ca, struct err *e)
{
	static const struct api_routes *const versioned[] = { &api_info_routes,
		&api_account_routes, &api_cert_routes, &api_request_routes,
		&api_review_routes, &api_profile_routes, &api_user_routes,
		&api_group_routes, &api_selftest_routes, &api_audit_routes,
		&api_role_routes, &api_job_routes, &api_domain_routes,
		&api_connector_routes, &api_clone_routes };
	static const struct api_routes *const whole[] = { &servlet_ocsp_routes,
		&servlet_crl_routes, &servlet_enroll_routes,
		&servlet_agent_routes, &servlet_cert_routes,
		&servlet_revoke_routes, &servlet_profile_routes,
		&servlet_info_routes, &servlet_domain_routes,
		&servlet_config_routes, &servlet_connector_routes };
	enum rc rc;

	for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {
		for (size_t i = 0; i < sizeof(versioned) / sizeof(versioned[0]);
		     i++) {
			rc = add_under(ca, bases[b], versioned[i], e);
			if (rc != RC_OK)
				return rc;
		}
	}
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		rc = http_server_add(instance_http(ca->instance),
		    whole[i]->items, whole[i]->n, ca, e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}
