/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_acl.c - any text as an entry of the access rules and as the expression of
 * a profile, asked for several callers.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/acl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char uid[] = "caadmin", agents[] = "Certificate Manager Agents";
static char *groups[] = { agents, NULL };
static struct principal agent = {
	.uid = uid, .full_name = uid, .groups = groups
};

static void
ask(const struct acl *a, const struct principal *p)
{
	static const char *const resources[] = { "certServer.ca.certificates",
		"certServer.ca.certificates.x", "certServer" };
	struct err e;

	for (int i = 0; i < 3; i++)
		/* any answer is fine, a crash is not */
		rc_ignore(
		    acl_check(a, p, "192.0.2.1", resources[i], "revoke", &e));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_STR s = strndup((const char *)data, len);
	AUTO(acl) a = NULL;
	struct err e = { RC_OK, "" };
	bool yes;

	if (s == NULL)
		return 0;
	if (acl_add(&a, s, &e) == RC_OK) {
		ask(a, &agent);
		ask(a, NULL);
	} else if (e.text[0] == '\0') {
		abort();
	}
	/* as above */
	rc_ignore(acl_eval(s, &agent, "192.0.2.1", &yes, &e));
	rc_ignore(acl_eval(s, NULL, NULL, &yes, &e));
	return 0;
}
