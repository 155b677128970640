/* SPDX-License-Identifier: Apache-2.0 */
/* constraint_other.c - realms, external programs, and no constraint (spec
 * profiles 10).
 * Owns:    nothing.
 * Trusts:  the profile's author, who names the program; what the program is
 *          told comes from the requester, in its environment only.
 * Threads: validate blocks while a program runs. */
#include "profile/plugin.h"

enum {
	ENV_MAX = 64,
	TIMEOUT_MAX = 3600,
};

static enum rc
none_validate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	(void)r, (void)p, (void)e;
	return RC_OK;
}

static enum rc
realm_validate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *realm = r->req->realm != NULL ? r->req->realm : "";

	if (!list_has(part_param(p, "realmsAllowed", ""), realm, false))
		return reject(e, "Authorization realm not matched %s", realm);
	return RC_OK;
}

static const struct profile_value_desc realm_params[] = {
	LIST("realmsAllowed", "Allowed Realms"),
	LAST,
};

/* --- an external program --------------------------------------------------------- */

struct env_list {
	const char *v[ENV_MAX + 1]; /* ends with NULL */
	size_t n;
};

static enum rc
env_add(struct profile_run *r, struct env_list *l, const char *name,
    const char *attr, struct err *e)
{
	const char *value = run_get(r, attr);

	if (value == NULL)
		return RC_OK;
	if (l->n == ENV_MAX)
		return err_set(e, RC_TOOBIG, "too many variables");
	l->v[l->n] = arena_printf(r->arena, "%s=%s", name, value);
	if (l->v[l->n++] == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	return RC_OK;
}

static enum rc
env_fill(struct profile_run *r, const struct profile_part *p,
    struct env_list *l, struct err *e)
{
	static const char *const fixed[][2] = {
		{ "DOGTAG_CERT_REQUEST", "cert_request" },
		{ "DOGTAG_USER", "auth_token.userid" },
		{ "DOGTAG_PROFILE_ID", "profileId" },
		{ "DOGTAG_AUTHORITY_ID", "req_authority_id" },
		{ "DOGTAG_USER_DATA", "user_data" },
	};
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < sizeof(fixed) / sizeof(fixed[0]);
	     i++)
		rc = env_add(r, l, fixed[i][0], fixed[i][1], e);
	for (size_t i = 0; rc == RC_OK && i < p->n_params; i++)
		if (text_starts(p->params[i].name, "env."))
			rc = env_add(r, l, p->params[i].name + strlen("env."),
			    p->params[i].value, e);
	return rc;
}

static enum rc
program_validate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	struct env_list env = { .n = 0 };
	AUTO_BUF out = buf_empty(ERR_TEXT_MAX);
	int64_t timeout;
	int status = 0;
	enum rc rc = part_int(p, &timeout, "timeout", 10, e);

	if (rc == RC_OK && (timeout < 1 || timeout > TIMEOUT_MAX))
		rc = err_set(e, RC_INVALID, "%s: timeout", p->class_id);
	if (rc == RC_OK && r->env->run == NULL)
		rc = err_set(e, RC_UNSUPPORTED,
		    "%s: external programs are not supported by this build",
		    p->class_id);
	if (rc == RC_OK)
		rc = env_fill(r, p, &env, e);
	if (rc != RC_OK)
		return rc;
	rc = r->env->run(r->env->arg, part_param(p, "executable", ""), env.v,
	    timeout, &out, &status, e);
	if (rc == RC_TIMEOUT)
		return reject(e, "Request validation timed out");
	if (rc == RC_OK && status != 0)
		return reject(e, "%s", buf_cstr(&out));
	return rc;
}

static enum rc
program_check(const struct profile_part *p, struct err *e)
{
	if (part_param(p, "executable", "")[0] != '/')
		return err_set(e, RC_INVALID,
		    "%s: executable is not an absolute path", p->class_id);
	return RC_OK;
}

static const struct profile_value_desc program_params[] = {
	STRING("executable", "Executable"),
	INTEGER("timeout", "Timeout, seconds"),
	LAST,
};

static const struct profile_value_desc p12_params[] = {
	INTEGER("password.minSize", "Fewest characters"),
	INTEGER("password.minUpperLetter", "Fewest upper case letters"),
	INTEGER("password.minLowerLetter", "Fewest lower case letters"),
	INTEGER("password.minNumber", "Fewest digits"),
	INTEGER("password.minSpecialChar", "Fewest special characters"),
	INTEGER("password.seqLength", "Length of a repeated sequence"),
	INTEGER("password.maxRepeatedChar", "Most repetitions of a character"),
	BOOLEAN("password.cracklibCheck", "Check against cracklib"),
	LAST,
};

const struct constraint_class constraints_other[] = {
	{ .id = "noConstraintImpl",
	    .text = "No constraint.",
	    .validate = none_validate },
	{ .id = "authzRealmConstraintImpl",
	    .text = "The authorization realm must be one of the list.",
	    .params = realm_params,
	    .validate = realm_validate },
	{ .id = "externalProcessConstraintImpl",
	    .text = "An external program must accept the request.",
	    .params = program_params,
	    .check = program_check,
	    .validate = program_validate },
	{ .id = "p12ExportPasswordConstraintImpl",
	    .text = "The password of the PKCS #12 file must be strong.",
	    .missing = "needs server-side key generation",
	    .params = p12_params },
	{ .id = NULL },
};
