/* SPDX-License-Identifier: Apache-2.0 */
/* plans.c - what the parameters say of each system certificate.
 * Owns:    constant tables.
 * Trusts:  nothing: plans_check is where the parameters are judged.
 * Threads: one. */
#include "deploy/plans.h"

#include <ctype.h>

#include "base/file.h"
#include "base/text.h"
#include "keys/names.h"
#include "x509/name.h"

const struct plan plan_signing = { "signing", "pki_ca_signing", "ca_signing",
	"SSLCA", "CTu,Cu,Cu", "caCert", "caCert", "caInstallCACert",
	"caInstallCACert" };
const struct plan plan_ocsp = { "ocsp_signing", "pki_ocsp_signing",
	"ca_ocsp_signing", "StatusResponder", ",,", "caOCSPCert", "caOCSPCert",
	NULL, NULL };
const struct plan plan_sslserver = { "sslserver", "pki_sslserver", "sslserver",
	"SSLServer", ",,", "rsaServerCert", "eccServerCert",
	"caInternalAuthServerCert", "caECInternalAuthServerCert" };
const struct plan plan_subsystem = { "subsystem", "pki_subsystem", "subsystem",
	"SSLClient", ",,", "rsaSubsystemCert", "eccSubsystemCert", NULL, NULL };
const struct plan plan_audit = { "audit_signing", "pki_audit_signing",
	"ca_audit_signing", "ObjectSigner", ",,P", "caAuditSigningCert",
	"caAuditSigningCert", NULL, NULL };
const struct plan plan_admin = { NULL, "pki_admin", "ca_admin", NULL, ",,",
	"rsaAdminCert", "eccAdminCert", NULL, NULL };

const struct plan *const plans_all[] = { &plan_signing, &plan_ocsp,
	&plan_sslserver, &plan_subsystem, &plan_audit, NULL };

enum {
	PARAM_NAME_MAX = 128
};

static char *
param_name(char name[PARAM_NAME_MAX], const struct plan *p, const char *what)
{
	snprintf(name, PARAM_NAME_MAX, "%s_%s", p->prefix, what);
	return name;
}

const char *
plan_param(struct install *in, const struct plan *p, const char *what)
{
	char name[PARAM_NAME_MAX];

	return values_str(in->v, param_name(name, p, what));
}

bool
plan_wanted(struct install *in, const struct plan *p)
{
	return p != &plan_audit || plan_param(in, p, "nickname")[0] != '\0';
}

static bool
plan_given(struct install *in, const struct plan *p, const char *what)
{
	char name[PARAM_NAME_MAX];

	return values_given(in->v, param_name(name, p, what));
}

enum rc
plan_keygen(
    struct install *in, const struct plan *p, struct keygen *g, struct err *e)
{
	const char *type = plan_param(in, p, "key_type"),
		   *size = plan_param(in, p, "key_size");
	bool token = plan_token(in, p) != NULL;
	int64_t bits;
	enum rc rc;

	/* what is on an HSM stays there */
	*g = (struct keygen){ .extractable = !token,
		.sensitive = true,
		.temporary = p == &plan_admin };
	if (text_ieq(type, "rsa")) {
		rc = text_int(&bits, size, 1024, 8192, e);
		if (rc != RC_OK)
			return err_prefix(e, "%s_key_size", p->prefix);
		g->type = KEYTYPE_RSA;
		g->rsa_bits = (int)bits;
		return RC_OK;
	}
	if (!text_ieq(type, "ecc") && !text_ieq(type, "ec"))
		return err_set(e, RC_INVALID, "%s_key_type: %.32s: rsa or ecc",
		    p->prefix, type);
	g->type = KEYTYPE_EC;
	/* an RSA default left beside ecc means the usual curve */
	g->curve = plan_given(in, p, "key_size") ? oid_find_text(size)
						 : OID_prime256v1;
	if (g->curve != OID_prime256v1 && g->curve != OID_secp384r1 &&
	    g->curve != OID_secp521r1)
		return err_set(e, RC_INVALID,
		    "%s_key_size: %.32s: nistp256, nistp384 or nistp521",
		    p->prefix, size);
	return RC_OK;
}

/* With pki_use_pss_rsa_signing_algorithm the PSS form of an RSA algorithm. */
static enum sigalg
find_alg(struct install *in, const char *name)
{
	enum sigalg a = sigalg_find(name);
	char pss[64];

	if (a == SIGALG_COUNT || sigalg_keytype(a) != KEYTYPE_RSA ||
	    sigalg_pss(a) ||
	    !values_bool(in->v, "pki_use_pss_rsa_signing_algorithm"))
		return a;
	snprintf(pss, sizeof(pss), "%.32s/PSS", name);
	return sigalg_find(pss);
}

enum sigalg
plan_alg(struct install *in, const struct plan *p, const char *what,
    const struct key *k)
{
	enum sigalg a = find_alg(in, plan_param(in, p, what));

	if (a == SIGALG_COUNT || !key_can_sign(k, a))
		a = find_alg(in, sigalg_name(key_default_sigalg(k)));
	return a;
}

const char *
plan_token(struct install *in, const struct plan *p)
{
	const char *t = plan_param(in, p, "token");

	if (p == &plan_admin || !values_bool(in->v, "pki_hsm_enable"))
		return NULL;
	if (t[0] == '\0')
		t = values_str(in->v, "pki_token_name");
	return names_is_internal(t) ? NULL : t;
}

void
plan_nickname(struct install *in, const struct plan *p, struct buf *out)
{
	const char *token = plan_token(in, p);

	if (token != NULL)
		buf_addf(out, "%s:", token);
	buf_add_str(out, plan_param(in, p, "nickname"));
}

/* --- checks ---------------------------------------------------------------- */

static enum rc
check_alg(struct install *in, const struct plan *p, const struct keygen *g,
    const char *what, struct err *e)
{
	const char *name = plan_param(in, p, what);
	enum sigalg a = find_alg(in, name);

	if (name[0] == '\0')
		return RC_OK;
	if (a == SIGALG_COUNT)
		return err_set(e, RC_INVALID, "%s_%s: %.32s: not known",
		    p->prefix, what, name);
	/* an RSA default beside ecc gives way to the key's own */
	if (sigalg_keytype(a) != g->type && plan_given(in, p, what))
		return err_set(e, RC_INVALID,
		    "%s_%s: a key of type %s cannot sign with %s", p->prefix,
		    what, plan_param(in, p, "key_type"), name);
	return RC_OK;
}

static enum rc
check_token(struct install *in, const struct plan *p, struct err *e)
{
	const char *t = plan_param(in, p, "token");

	if (names_is_internal(t))
		return RC_OK;
	if (!values_bool(in->v, "pki_hsm_enable"))
		return err_set(e, RC_INVALID,
		    "%s_token=%.64s needs pki_hsm_enable=True", p->prefix, t);
	if (strcmp(t, values_str(in->v, "pki_token_name")) != 0)
		return err_set(e, RC_INVALID,
		    "%s_token: %.64s: internal, or the token of pki_token_name",
		    p->prefix, t);
	return RC_OK;
}

static enum rc
check_plan(struct install *in, const struct plan *p, struct err *e)
{
	AUTO_BUF dn = buf_empty(NAME_DER_MAX);
	struct keygen g;
	enum rc rc;

	if ((rc = check_token(in, p, e)) != RC_OK ||
	    (rc = plan_keygen(in, p, &g, e)) != RC_OK ||
	    (rc = check_alg(in, p, &g, "key_algorithm", e)) != RC_OK ||
	    (rc = check_alg(in, p, &g, "signing_algorithm", e)) != RC_OK)
		return rc;
	rc = name_parse(&dn, view_str(plan_param(in, p, "subject_dn")), e);
	if (rc != RC_OK)
		return err_prefix(e, "%s_subject_dn", p->prefix);
	if (plan_param(in, p, "nickname")[0] == '\0')
		return err_set(e, RC_INVALID,
		    "A value for '%s_nickname' MUST be defined in '%s'",
		    p->prefix, values_file(in->v));
	return RC_OK;
}

/* The names of modules become names of settings. */
static bool
module_name_ok(const char *s)
{
	for (; *s != '\0'; s++) {
		if (!isalnum((unsigned char)*s) && strchr("-_.", *s) == NULL)
			return false;
	}
	return true;
}

static enum rc
check_hsm(struct install *in, struct err *e)
{
	static const char *const needed[] = { "pki_hsm_libfile",
		"pki_hsm_modulename", "pki_token_name", "pki_token_password" };

	if (!values_bool(in->v, "pki_hsm_enable"))
		return RC_OK;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (values_str(in->v, needed[i])[0] == '\0')
			return err_set(e, RC_INVALID,
			    "A value for '%s' MUST be defined in '%s'",
			    needed[i], values_file(in->v));
	}
	if (names_is_internal(values_str(in->v, "pki_token_name")))
		return err_set(e, RC_INVALID,
		    "A value other than 'internal' MUST be defined for "
		    "'pki_token_name'");
	if (!module_name_ok(values_str(in->v, "pki_hsm_modulename")))
		return err_set(e, RC_INVALID,
		    "pki_hsm_modulename: letters, digits, '-', '_' and '.'");
	if (!file_exists(values_str(in->v, "pki_hsm_libfile")))
		return err_set(e, RC_NOTFOUND, "pki_hsm_libfile: no file %s",
		    values_str(in->v, "pki_hsm_libfile"));
	if (values_bool(in->v, "pki_backup_keys") ||
	    values_str(in->v, "pki_backup_password")[0] != '\0')
		return err_set(e, RC_INVALID,
		    "'pki_backup_keys' and 'pki_backup_password' cannot be "
		    "used with an HSM: its keys do not leave it");
	return RC_OK;
}

static enum rc
check_backup(struct install *in, struct err *e)
{
	if (values_bool(in->v, "pki_backup_keys") &&
	    values_str(in->v, "pki_backup_password")[0] == '\0')
		return err_set(e, RC_INVALID,
		    "A value for 'pki_backup_password' MUST be defined in '%s'",
		    values_file(in->v));
	return RC_OK;
}

enum rc
plans_check(struct install *in, struct err *e)
{
	enum rc rc = check_hsm(in, e);

	if (rc == RC_OK)
		rc = check_backup(in, e);
	for (size_t i = 0; rc == RC_OK && plans_all[i] != NULL; i++)
		if (plan_wanted(in, plans_all[i]))
			rc = check_plan(in, plans_all[i], e);
	return rc == RC_OK ? check_plan(in, &plan_admin, e) : rc;
}
