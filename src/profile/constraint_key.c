/* SPDX-License-Identifier: Apache-2.0 */
/* constraint_key.c - which keys and signature algorithms are accepted (spec
 * profiles 10).
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: as struct profile_run. */
#include "keys/key.h"
#include "profile/plugin.h"
#include "x509/cert.h"

enum {
	PARAM_MAX = 32,
	OID_TEXT_MAX = 128,
};

/* Key types that spki_info does not know. */
struct other_key {
	const char *oid, *type, *param;
};
static const struct other_key other_keys[] = {
	{ "2.16.840.1.101.3.4.3.17", "MLDSA", "44" },
	{ "2.16.840.1.101.3.4.3.18", "MLDSA", "65" },
	{ "2.16.840.1.101.3.4.3.19", "MLDSA", "87" },
	{ "2.16.840.1.101.3.4.4.1", "MLKEM", "512" },
	{ "2.16.840.1.101.3.4.4.2", "MLKEM", "768" },
	{ "2.16.840.1.101.3.4.4.3", "MLKEM", "1024" },
	{ "1.2.840.10040.4.1", "DSA", "" },
};

struct curve_names {
	enum oid curve;
	const char *names[5];
};
static const struct curve_names curves[] = {
	{ OID_prime256v1,
	    { "nistp256", "secp256r1", "prime256v1", "P-256", NULL } },
	{ OID_secp384r1, { "nistp384", "secp384r1", "P-384", NULL } },
	{ OID_secp521r1, { "nistp521", "secp521r1", "P-521", NULL } },
};

static bool
curve_listed(enum oid curve, const char *list)
{
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		for (size_t k = 0;
		     curves[i].curve == curve && curves[i].names[k] != NULL;
		     k++)
			if (list_has(list, curves[i].names[k], true))
				return true;
	return false;
}

/* Type and parameter of a key; *curve for EC. RC_INVALID for unknown ones. */
static enum rc
key_kind(struct view spki, const char **type, char param[PARAM_MAX],
    enum oid *curve, struct err *e)
{
	AUTO_BUF oid = buf_empty(OID_TEXT_MAX);
	struct view alg, bits;
	enum keytype kt;
	int len;
	enum rc rc;

	if (spki_info(spki, &kt, &len, curve, NULL) == RC_OK) {
		*type = kt == KEYTYPE_RSA ? "RSA" : "EC";
		snprintf(param, PARAM_MAX, "%d", len);
		return RC_OK;
	}
	rc = spki_split(spki, &alg, &bits, e);
	if (rc == RC_OK)
		rc = oid_text(&oid, alg, e);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < sizeof(other_keys) / sizeof(other_keys[0]); i++)
		if (strcmp(other_keys[i].oid, buf_cstr(&oid)) == 0) {
			*type = other_keys[i].type;
			snprintf(param, PARAM_MAX, "%s", other_keys[i].param);
			return RC_OK;
		}
	return reject(e, "Invalid Key Type %s", buf_cstr(&oid));
}

static enum rc
key_validate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *wanted = part_param(p, "keyType", "");
	const char *list = part_param(p, "keyParameters", "");
	const char *type = "";
	char param[PARAM_MAX];
	enum oid curve = OID_COUNT;
	enum rc rc;

	if (r->t->spki.len == 0)
		return reject(e, "Key Not Found");
	rc = key_kind(r->t->spki, &type, param, &curve, e);
	if (rc != RC_OK)
		return rc;
	if (!is_any(wanted) && !text_ieq(wanted, type))
		return reject(e, "Key Type %s Not Matched", wanted);
	if (is_any(list))
		return RC_OK;
	if (strcmp(type, "EC") == 0) {
		if (is_any(wanted) || curve_listed(curve, list))
			return RC_OK;
	} else if (list_has(list, param, true)) {
		return RC_OK;
	}
	return reject(e, "Key Parameters %s Not Matched", list);
}

static const struct profile_value_desc key_params[] = {
	{ "keyType", "choice", "-,RSA,EC,DSA,MLDSA,MLKEM", "Key Type", NULL },
	STRING("keyParameters", "Key Lengths or Curves"),
	LAST,
};

static enum rc
alg_validate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *list = part_param(p, "signingAlgsAllowed", "");

	if (r->t->sigalg >= SIGALG_COUNT)
		return reject(e, "Signing Algorithm Not Found");
	if (!list_has(list, sigalg_name(r->t->sigalg), true))
		return reject(e, "Signing Algorithm Not Matched %s",
		    sigalg_name(r->t->sigalg));
	return RC_OK;
}

static const struct profile_value_desc alg_params[] = {
	STRING("signingAlgsAllowed", "Allowed Signing Algorithms"),
	LAST,
};

const struct constraint_class constraints_key[] = {
	{ .id = "keyConstraintImpl",
	    .text = "The key must be of the type and one of the sizes or "
		    "curves.",
	    .params = key_params,
	    .validate = key_validate },
	{ .id = "signingAlgConstraintImpl",
	    .text = "The signature algorithm must be one of the list.",
	    .params = alg_params,
	    .validate = alg_validate },
	{ .id = NULL },
};
