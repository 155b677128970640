/* SPDX-License-Identifier: Apache-2.0 */
/* default_key.c - defaults that write key, signature algorithm and version
 * (spec profiles 9.2).
 * Owns:    nothing.
 * Trusts:  nothing; the key's proof was checked when the request was read.
 * Threads: as struct profile_run. */
#include "keys/key.h"
#include "profile/plugin.h"
#include "x509/cert.h"

/* --- key -------------------------------------------------------------------- */

static enum rc
key_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	struct view spki;
	enum rc rc = run_bytes(r, &spki, "req_key", e);

	(void)p;
	if (rc != RC_OK)
		return rc;
	if (spki.len == 0)
		return reject(e,
		    "Key is missing in the request. Check your profile "
		    "policy.");
	r->t->spki = spki;
	return RC_OK;
}

static void
put_hex_dump(struct buf *out, struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (i > 0)
			buf_add_char(out, i % 16 == 0 ? '\n' : ':');
		buf_add_hex(out, view_of(v.data + i, 1));
	}
}

static enum rc
key_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	enum keytype type;
	struct view alg, bits;
	enum oid curve;
	int len;

	(void)p;
	if (r->t->spki.len == 0 ||
	    spki_split(r->t->spki, &alg, &bits, NULL) != RC_OK)
		return RC_NOTFOUND;
	if (strcmp(name, "KEY") == 0) {
		put_hex_dump(out, bits);
		return RC_OK;
	}
	if (spki_info(r->t->spki, &type, &len, &curve, NULL) != RC_OK)
		return strcmp(name, "TYPE") == 0 ? oid_text(out, alg, e)
						 : RC_NOTFOUND;
	if (strcmp(name, "LEN") == 0) {
		buf_addf(out, "%d", len);
		return RC_OK;
	}
	buf_addf(out, "%s - ", type == KEYTYPE_RSA ? "RSA" : "EC");
	return oid_text(out, alg, e);
}

static const struct profile_value_desc key_values[] = {
	{ "TYPE", "string", "readonly", "Key Type", NULL },
	{ "LEN", "string", "readonly", "Key Length", NULL },
	{ "KEY", "string", "readonly", "Key", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};
static const struct profile_value_desc server_key_values[] = {
	{ "LEN", "string", "readonly", "Key Length", NULL },
	{ "TYPE", "string", "readonly", "Key Type", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

/* --- signature algorithm ------------------------------------------------------ */

static enum rc
alg_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *name = part_param(p, "signingAlg", "");
	enum sigalg a = r->env->ca_sigalg;

	if (!is_any(name)) {
		a = sigalg_find(name);
		if (a == SIGALG_COUNT)
			return reject(
			    e, "Signing Algorithm Not Matched %s", name);
	}
	r->t->sigalg = a;
	return RC_OK;
}

static enum rc
alg_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	(void)p, (void)name, (void)e;
	if (r->t->sigalg >= SIGALG_COUNT)
		return RC_NOTFOUND;
	buf_add_str(out, sigalg_name(r->t->sigalg));
	return RC_OK;
}

static enum rc
alg_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	enum sigalg a;

	if (value == NULL)
		return bad_property(e, name);
	if (is_any(value))
		return alg_populate(r, p, e);
	a = sigalg_find(value);
	if (a == SIGALG_COUNT)
		return bad_property(e, name);
	r->t->sigalg = a;
	return RC_OK;
}

static enum rc
user_alg_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	struct view der;
	enum rc rc = run_bytes(r, &der, "req_signing_alg", e);
	enum sigalg a;

	(void)p;
	if (rc != RC_OK || der.len == 0)
		return rc;
	a = sigalg_of(der);
	if (a == SIGALG_COUNT)
		return reject(e, "Signing Algorithm Not Found");
	r->t->sigalg = a;
	return RC_OK;
}

/* The choice list is filled in by profile_default_value. */
static const struct profile_value_desc alg_values[] = {
	{ "signingAlg", "choice", NULL, "Signing Algorithm", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};
static const struct profile_value_desc user_alg_values[] = {
	{ "userSigningAlgID", "string", "readonly", "Signing Algorithm", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

/* --- version ------------------------------------------------------------------- */

static enum rc
version_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	int64_t v;
	enum rc rc = part_int(p, &v, "certVersionNum", 3, e);

	if (rc != RC_OK)
		return rc;
	if (v < 1 || v > 3)
		return err_set(e, RC_INVALID, "%s: certVersionNum is not 1..3",
		    p->class_id);
	r->t->version = (int)v - 1;
	return RC_OK;
}

static enum rc
version_get(struct profile_run *r, const struct profile_part *p,
    const char *name, struct buf *out, struct err *e)
{
	(void)p, (void)name, (void)e;
	buf_addf(out, "%d", r->t->version + 1);
	return RC_OK;
}

static enum rc
version_set(struct profile_run *r, const struct profile_part *p,
    const char *name, const char *value, struct err *e)
{
	int64_t v;

	(void)p;
	if (value == NULL || text_int(&v, value, 1, 3, NULL) != RC_OK)
		return bad_property(e, name);
	r->t->version = (int)v - 1;
	return RC_OK;
}

static const struct profile_value_desc version_values[] = {
	{ "certVersionNum", "integer", NULL, "Certificate Version", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct default_class defaults_key[] = {
	{ .id = "userKeyDefaultImpl",
	    .text = "Takes the public key of the request.",
	    .populate = key_populate,
	    .values = key_values,
	    .get = key_get },
	{ .id = "serverKeygenUserKeyDefaultImpl",
	    .text = "Has the key recovery authority make the key pair.",
	    .missing = "needs server-side key generation",
	    .values = server_key_values },
	{ .id = "signingAlgDefaultImpl",
	    .text = "Sets the algorithm with which the CA signs.",
	    .populate = alg_populate,
	    .values = alg_values,
	    .get = alg_get,
	    .set = alg_set },
	{ .id = "userSigningAlgDefaultImpl",
	    .text = "Takes the signature algorithm of the request.",
	    .populate = user_alg_populate,
	    .values = user_alg_values,
	    .get = alg_get },
	{ .id = "certificateVersionDefaultImpl",
	    .text = "Sets the version of the certificate.",
	    .populate = version_populate,
	    .values = version_values,
	    .get = version_get,
	    .set = version_set },
	{ .id = NULL },
};
